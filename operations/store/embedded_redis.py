"""A Redis of our own, so that nothing has to be installed: started beside the roles, its data in one folder.

It listens on a unix socket in a folder that only its owner may enter, never on a network port. What it acknowledged
survives ``kill -9``; a power cut costs a second at most (``append_only_file.Flusher``).
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from operations.store import append_only_file, redis_binary
from operations.store.data_folder import DataFolder, DataFolderError, in_words

log = logging.getLogger(__name__)

BACK_OFF_S = (0.1, 0.5, 2.0, 5.0, 10.0)
"""Wait before each further start of a Redis that keeps dying."""
STEADY_S = 30.0
"""Alive for so long, a Redis has earned the shortest wait again."""
FAREWELL_S = 2.0
"""What Redis may take to end in good order."""
LOG_MAX = 5_000_000

_BROKEN = ("Bad file format", "Unexpected end of file reading the append only file", "Unrecoverable error reading the append only file",
           "Wrong signature trying to load DB", "Short read or OOM loading DB", "Terminating server after rdb file reading failure",
           "Internal error in RDB", "RDB CRC error", "AOF loading aborted", "Error reading the append only file",
           "The AOF format is broken", "Invalid AOF manifest", "AOF manifest file", "The AOF file ", "AOF checksum")  # fmt: skip
_ADVICE = ("overcommit", "somaxconn", "Transparent Huge Pages", "no config file specified")
_NEWER = ("Can't handle RDB format version",)


class EmbeddedRedisError(Exception):
    """The embedded Redis cannot serve. ``str(error)`` says why and what to do.

    ``permanent``: another start cannot help until somebody changes something.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


def choose(
    needs: tuple[str, tuple[int, ...]] | None, found: list[redis_binary.RedisBinary]
) -> redis_binary.RedisBinary:
    """The newest server that reads what is there. Raises ``EmbeddedRedisError`` when none does."""
    if not found:
        raise EmbeddedRedisError(
            "no Redis to embed was found; install redis-server or valkey-server, or name a server in REDIS_URL",
            permanent=True,
        )
    fit = [binary for binary in found if needs is None or binary.reads(*needs)]
    if not fit and needs:
        wrote = f"{needs[0].capitalize()} {'.'.join(map(str, needs[1]))}"
        raise EmbeddedRedisError(
            f"the data was written by {wrote}, and only {', '.join(map(str, found))} was found here, which cannot read it; "
            f"install {wrote.rsplit('.', 1)[0]} or newer, or name an empty folder in WALLBOARD_DATA",
            permanent=True,
        )
    # Of the same server as the data where there is one: staying is always safe.
    return max(fit, key=lambda binary: (needs is not None and binary.server == needs[0], binary.version))


_MORTAL = (
    "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,15);"  # PR_SET_PDEATHSIG, SIGTERM
    "os.getppid()==int(sys.argv[1]) and os.execv(sys.argv[2],sys.argv[2:])"
)


def mortal(command: list[str]) -> list[str]:
    """``command`` (its first word a path) as one that Linux ends with SIGTERM when this process ends, however that happens.

    The process first asks for that and then becomes the command. ``preexec_fn`` would be shorter, and may hang for ever in a
    process with threads. Elsewhere than on Linux the command stays as it is.
    """
    if not sys.platform.startswith("linux"):
        return command
    return [sys.executable, "-I", "-S", "-c", _MORTAL, str(os.getpid()), *command]


class EmbeddedRedis:
    """``with EmbeddedRedis(folder) as embedded:`` and connect to ``embedded.url``.

    Entering waits until Redis has loaded its data and raises ``EmbeddedRedisError`` when that cannot be; leaving stops
    it. In between the owner calls ``keep_alive`` a few times a second.
    """

    def __init__(
        self,
        data_folder: Path,
        binaries: list[redis_binary.RedisBinary] | None = None,
        *,
        options: tuple[str, ...] = (),
    ) -> None:
        """``binaries``: what to choose from, all that are installed when None. ``options``: further settings for redis-server."""
        self.folder = DataFolder(data_folder)
        self._binaries = binaries
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._deaths = 0
        self._start_at = 0.0
        self._started_at = 0.0
        self._looked_at = 0.0
        self._trouble = ""
        self._mended: Path | None = None
        self._failed_to_load = False
        self._refusal = ""
        self._flusher = append_only_file.Flusher(self.folder.redis)

    @property
    def url(self) -> str:
        """Where it listens, as redis-py and REDIS_URL have it."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """The process id of the server that runs now."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def __enter__(self) -> Self:
        try:
            self.folder.lock()
        except DataFolderError as error:
            raise EmbeddedRedisError(str(error), permanent=True) from error
        try:
            self._end_orphan()
            self._socket = self.folder.socket_path()
            self._binary = choose(
                self.folder.needs(), redis_binary.installed() if self._binaries is None else self._binaries
            )
            self._start()
            said_at = time.monotonic() + 3
            while not self._is_ready():
                if self._process.poll() is not None:  # type: ignore[union-attr]
                    self._after_death()
                    self._start()
                if time.monotonic() > said_at:
                    said_at += 5
                    log.info("Redis is loading its data (%d MB) …", self._size() // 1_000_000)
                time.sleep(0.02)
        except (DataFolderError, OSError) as error:
            self._end()
            raise EmbeddedRedisError(
                in_words(error, self.folder.path) if isinstance(error, OSError) else str(error), permanent=True
            ) from error
        except BaseException:
            self._end()
            raise
        self._flusher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flusher.stop()
        self._end()

    def _end(self) -> None:
        self.stop()
        if hasattr(self, "_socket"):
            self.folder.remove_socket(self._socket)
        self.folder.unlock()

    def stop(self, patience_s: float = FAREWELL_S) -> None:
        """Ask Redis to end and write all it holds; kill it when it does not within ``patience_s``."""
        process, self._process, self._ready = self._process, None, False
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    # ── Keeping it alive ──────────────────────────────────────────────────────────────────────────

    def keep_alive(self) -> None:
        """Look after Redis: start it again when it died, with back-off; say trouble once when it begins and once when it ends."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_at:
                with contextlib.suppress(EmbeddedRedisError):
                    self._try_again()
            return
        status = self._process.poll()
        if status is not None:
            if self._ready and now - self._started_at > STEADY_S:
                self._deaths = 0
            killed = status in (-signal.SIGKILL, -signal.SIGTERM)
            self._failed_to_load = not self._ready and not killed
            log.error(
                "Redis died (%s); starting it again",
                _ended(status) if status < 0 else f"status {status}: {self._last_words()}",
            )
            self._back_off(now)
            return
        if not self._ready:
            if self._is_ready():
                log.info("Redis is back")
            return
        if now - self._looked_at >= 2:
            self._looked_at = now
            self._look()

    def _back_off(self, now: float) -> None:
        self._process, self._ready = None, False
        self._start_at = now + BACK_OFF_S[min(self._deaths, len(BACK_OFF_S) - 1)]
        self._deaths += 1

    def _try_again(self) -> None:
        try:
            if self._failed_to_load:
                self._failed_to_load = False
                self._after_death()
            self._start()
        except (DataFolderError, OSError, EmbeddedRedisError) as error:
            words = in_words(error, self.folder.path) if isinstance(error, OSError) else str(error)
            if words != self._refusal:
                log.error("Redis cannot be started again; it is tried until it can. %s", words)
            self._refusal = words
            self._back_off(time.monotonic())

    def _look(self) -> None:
        """Say once that Redis refuses writes or answers nobody, and once that it is well again."""
        trouble = ""
        try:
            with self._client(timeout_s=1.0) as client:
                info: dict[str, Any] = client.info()
            if info.get("aof_last_write_status") != "ok":
                trouble = f"Redis cannot write its data: {in_words(OSError(28, ''), self.folder.path) if self._disk_full() else self._last_words()}"
            elif info.get("maxmemory") and info["used_memory"] > info["maxmemory"]:
                trouble = f"Redis has used all the memory that it may use ({info['maxmemory_human']}) and takes nothing new; raise maxmemory"
        except redis.RedisError:
            trouble = "Redis does not answer"
        if trouble and not self._trouble:
            log.error("%s", trouble)
        if self._trouble and not trouble:
            log.info("Redis is well again (it was: %s)", self._trouble)
        self._trouble = trouble

    # ── Starting ──────────────────────────────────────────────────────────────────────────────────

    def _start(self) -> None:
        self._socket.unlink(missing_ok=True)
        settings = {
            "port": "0", "unixsocket": str(self._socket), "unixsocketperm": "700", "dir": str(self.folder.redis),
            "daemonize": "no", "logfile": "", "databases": "1", "save": "",
            "appendonly": "yes", "appendfsync": "no", "aof-load-truncated": "yes",
            "auto-aof-rewrite-percentage": "100", "auto-aof-rewrite-min-size": "64mb",
            "maxmemory-policy": "noeviction", "protected-mode": "yes",
        }  # fmt: skip
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        if self.folder.log.exists() and self.folder.log.stat().st_size > LOG_MAX:
            self.folder.log.replace(self.folder.log.with_suffix(".log.1"))
        with open(self.folder.log, "ab") as output:
            self._log_from = output.tell()
            self._process = subprocess.Popen(
                mortal([self._binary.path, *words, *self._options]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A terminal's Ctrl-C reaches the whole group: Redis must outlive the roles that write their last state to it.
                process_group=0,
                # SIGXFSZ stays ignored: a limit on a file's size is then an error that Redis reports, not its death.
                restore_signals=False,
            )
        self._started_at = time.monotonic()
        self.folder.record(pid=self._process.pid, socket=str(self._socket))

    def _is_ready(self) -> bool:
        if self._ready:
            return True
        try:
            with self._client(timeout_s=1.0) as client:
                client.ping()
        except redis.RedisError:
            return False  # not there yet, or loading
        self._ready = True
        self._refusal = ""
        try:
            self.folder.record(server=self._binary.server, version=list(self._binary.version))
        except DataFolderError as error:
            log.error(
                "%s", error
            )  # it was recorded when the data was made; a full disk must not stop a Redis that runs
        return True

    def _after_death(self) -> None:
        """Redis did not come up: mend what can be mended, or raise what a person has to do."""
        words = self._log_of_this_start()
        if any(sign in words for sign in _NEWER):
            raise EmbeddedRedisError(
                f"the data in {self.folder.redis} was written by a newer Redis than {self._binary}, the newest found here; "
                "install that one again, or name an empty folder in WALLBOARD_DATA",
                permanent=True,
            )
        if "No space left on device" in words or self._disk_full():
            raise EmbeddedRedisError(in_words(OSError(28, ""), self.folder.path), permanent=True)
        if not any(sign in words for sign in _BROKEN) or not self._size():
            raise EmbeddedRedisError(
                f"{self._binary} ({self._binary.path}) does not start; its last words: {self._last_words() or 'none'}; all of them: {self.folder.log}"
            )
        kept = append_only_file.set_aside(self.folder.redis)
        cut = None if self._mended else append_only_file.mend(self._binary.path, kept, self.folder.redis)
        self._mended = self._mended or kept
        if cut is None:
            log.error(
                "Redis's data is broken beyond mending: starting EMPTY. The broken files are kept in %s", self._mended
            )
        else:
            log.error(
                "Redis's data was broken; %d bytes at its end could not be read and are left out. The broken files are kept in %s",
                cut,
                kept,
            )

    def _end_orphan(self) -> None:
        """End the Redis that an earlier start left behind, if any: two on one folder would ruin it. Called under the lock."""
        record = self.folder.recorded()
        pid = record.get("pid")
        if not isinstance(pid, int) or not self._is_ours(pid):
            return
        log.warning("an earlier start left its Redis (process %d) behind; ending it", pid)
        for word, patience_s in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, word)
            end = time.monotonic() + patience_s
            while time.monotonic() < end:
                if not self._is_ours(pid):
                    return
                time.sleep(0.02)
        raise EmbeddedRedisError(
            f"an earlier start left its Redis (process {pid}) behind, and it cannot be ended; end it by hand",
            permanent=True,
        )

    def _is_ours(self, pid: int) -> bool:
        """Whether process ``pid`` is a Redis that works in our folder; process ids are used again."""
        try:
            if sys.platform.startswith("linux"):
                if (
                    Path(f"/proc/{pid}/stat")
                    .read_text(encoding="utf-8", errors="replace")
                    .rpartition(")")[2]
                    .split()[0]
                    == "Z"
                ):
                    return False
                return os.path.samefile(f"/proc/{pid}/cwd", self.folder.redis)
            said = subprocess.run(
                ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, timeout=5, check=False
            ).stdout
            return "redis-server" in said or "valkey-server" in said
        except (OSError, subprocess.SubprocessError):
            return False

    # ── Looking ───────────────────────────────────────────────────────────────────────────────────

    def _client(self, timeout_s: float) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self._socket),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )

    def _size(self) -> int:
        return sum(path.stat().st_size for path in append_only_file.files(self.folder.redis))

    def _disk_full(self) -> bool:
        probe = self.folder.redis / ".writable"
        try:
            probe.write_bytes(b"x" * 65536)
            probe.unlink()
        except OSError:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)
            return True
        return False

    def _log_of_this_start(self) -> str:
        try:
            with open(self.folder.log, "rb") as words:
                words.seek(self._log_from)
                return words.read()[-100_000:].decode("utf-8", "replace")
        except OSError:
            return ""

    def _last_words(self) -> str:
        """The last warning that Redis wrote, without its time and process id."""
        lines = [
            line
            for line in self._log_of_this_start().splitlines()
            if line.strip() and not any(sign in line for sign in _ADVICE)
        ]
        warnings = [line for line in lines if " # " in line] or lines
        return warnings[-1].partition(" # ")[2] or warnings[-1] if warnings else ""


def _ended(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}"
