"""The folder with the embedded Redis's data: who may use it now, where its socket lies, what wrote it last.

::

    data/lock          held with flock by the program that uses the folder; its pid is written in it
    data/redis/        Redis's own files (the append-only file)
    data/redis.json    which server wrote them, the last one's process id, and where its socket lies
    data/redis.log     Redis's own words
    data/socket/       the unix socket, in a folder that only its owner may enter
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path
from typing import IO, Any

SOCKET_PATH_MAX = 103
"""Bytes of a unix socket's path: 107 on Linux, 103 on macOS and the BSDs."""


class DataFolderError(Exception):
    """The folder cannot be used. ``str(error)`` says why and what to do; trying again does not help."""

    permanent = True


def in_words(error: OSError, folder: Path) -> str:
    """What an operating system's refusal means for the data folder."""
    if error.errno == errno.ENOSPC or error.errno == errno.EDQUOT:
        return f"the disk (or quota) that holds the data folder {folder} is full; free some space and start again"
    if error.errno == errno.EFBIG:
        return f"the data folder {folder} may not hold files as large as are needed; lift the limit (ulimit -f unlimited) and start again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"the data folder {folder} is not writable ({error.strerror}); allow it, or name another one in WALLBOARD_DATA"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return (
            f"the data folder {folder} is not a folder; remove what lies there, or name another one in WALLBOARD_DATA"
        )
    return f"the data folder {folder} cannot be used: {error.strerror or error}; name another one in WALLBOARD_DATA"


class DataFolder:
    """A data folder, made when it is missing. ``lock`` before anything else is read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.redis = self.path / "redis"
        self.log = self.path / "redis.log"
        self._record = self.path / "redis.json"
        self._lock: IO[str] | None = None

    def lock(self) -> None:
        """Take the folder for this process until ``unlock`` or its end. Raises ``DataFolderError`` with the holder's pid."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.redis.mkdir(mode=0o700, exist_ok=True)
            probe = self.redis / ".writable"
            probe.write_bytes(b"x" * 4096)
            probe.unlink()
            held = open(self.path / "lock", "a+", encoding="utf-8")  # noqa: SIM115 open for as long as the lock is held
        except OSError as error:
            raise DataFolderError(in_words(error, self.path)) from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            held.seek(0)
            holder = held.read().strip()
            held.close()
            raise DataFolderError(
                f"the data folder {self.path} is in use by another wallboard"
                f"{f' (process {holder})' if holder else ''}; stop that one, or give this one its own folder in WALLBOARD_DATA"
            ) from error
        except OSError as error:
            held.close()
            raise DataFolderError(
                f"the data folder {self.path} lies on a file system without locks ({error.strerror}); name one on a local disk in WALLBOARD_DATA"
            ) from error
        held.seek(0)
        held.truncate()
        held.write(f"{os.getpid()}\n")
        held.flush()
        self._lock = held

    def unlock(self) -> None:
        """Give the folder back. The file stays: removing it would let two programs hold a lock each."""
        if self._lock:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def recorded(self) -> dict[str, Any]:
        """``server``, ``version`` (list), ``pid``, ``socket`` of the last server; empty when there was none."""
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def record(self, **facts: Any) -> None:
        """Change some of ``recorded``'s facts, whole or not at all."""
        new = self._record.with_suffix(".new")
        try:
            new.write_text(json.dumps(self.recorded() | facts) + "\n", encoding="utf-8")
            new.replace(self._record)
        except OSError as error:
            raise DataFolderError(in_words(error, self.path)) from error

    def needs(self) -> tuple[str, tuple[int, ...]] | None:
        """The server and version that wrote the data; None when there is no data, or no word about it."""
        if not any(self.redis.iterdir()):
            return None
        record = self.recorded()
        if record.get("server") and record.get("version"):
            return str(record["server"]), tuple(record["version"])
        # Without the record the files themselves tell: the folder of several files came with 7.0.
        return ("redis", (7, 0, 0)) if (self.redis / "appendonlydir").exists() else None

    def socket_path(self) -> Path:
        """A path for the socket, in a folder that only its owner may enter; the same one as last time where possible.

        Beside the data where that works; where the path is too long or the file system knows no sockets or no owners
        (shared folders of virtual machines), in the user's run-time folder or the temporary one.
        """
        last = self.recorded().get("socket")
        tried = []
        for folder in (self.path / "socket", Path(last).parent if last else None, self._elsewhere):
            if folder is None:
                continue
            try:
                chosen = folder() if callable(folder) else folder
                if chosen.parent == self.path:
                    chosen.mkdir(mode=0o700, exist_ok=True)
                path = chosen / "redis.sock"
                _prove_private(chosen)
                _prove_socket(chosen)
                return path
            except OSError as error:
                tried.append(str(error))
        raise DataFolderError(
            "no folder was found for the embedded Redis's socket; set XDG_RUNTIME_DIR or TMPDIR to a short path on a local disk "
            f"({'; '.join(tried)})"
        )

    @staticmethod
    def _elsewhere() -> Path:
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if runtime and os.access(runtime, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="floorlight-", dir=runtime))
        return Path(tempfile.mkdtemp(prefix="floorlight-"))

    def remove_socket(self, path: Path) -> None:
        """Remove the socket, and its folder when that is not beside the data."""
        path.unlink(missing_ok=True)
        if path.parent.parent != self.path and path.parent.name.startswith("floorlight-"):
            shutil.rmtree(path.parent, ignore_errors=True)


def _prove_private(folder: Path) -> None:
    """Raises OSError unless ``folder`` is ours and closed to everybody else."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it is not a folder of one's own", str(folder))
    os.chmod(folder, 0o700)
    if os.lstat(folder).st_mode & 0o077:
        raise PermissionError(errno.EPERM, "others may enter it", str(folder))


def _prove_socket(folder: Path) -> None:
    """Raises OSError unless a socket can be made in ``folder``."""
    if len(os.fsencode(folder / "redis.sock")) > SOCKET_PATH_MAX:
        raise OSError(errno.ENAMETOOLONG, "the path is too long for a socket", str(folder))
    probe = folder / f"{os.getpid() % 100000}"
    probe.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(probe))
    probe.unlink()
