"""A whole program, or one role of it, as a process of its own: started, asked, killed, ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from operations.store.embedded_redis import mortal

ROOT = Path(__file__).parents[2]


def wait_until(what: str, true: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true answer of ``true``; a failure that says ``what`` was waited for when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> dict[int, str]:
    """The command lines of a process's children, by process id (Linux)."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            if parent == pid:
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
        except (OSError, IndexError):
            continue  # it has just ended
    return found


def alive(pid: int) -> bool:
    """Whether a process runs (a dead one that nobody has waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Program:
    """``python app.py …`` as a process; ``with Program(folder, configuration) as program:``. All it says goes to ``program.said``."""

    def __init__(
        self,
        folder: Path,
        configuration: Path,
        *words: str,
        environ: dict[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._log = folder / "program.log"
        self._command = [
            sys.executable,
            str(ROOT / "app.py"),
            "--config",
            str(configuration),
            "--port",
            str(self.port),
            *words,
        ]
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WALLBOARD_", "REDIS_URL", "FLOORLIGHT_"))
        }
        self._environ = kept | {"WALLBOARD_DATA": str(folder / "data")} | (environ or {})
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                mortal(self._command),  # no test run that was killed leaves a wallboard behind
                env=self._environ,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error and self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)  # it tells where it stands
            time.sleep(0.5)
        self.end()
        if error:
            print(f"── what the program said ──\n{self.said[-6000:]}")

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def said(self) -> str:
        """All that the program wrote, to either stream."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def redis_url(self) -> str:
        """The embedded Redis's URL."""
        return f"unix://{json.loads((self.folder / 'data' / 'redis.json').read_text())['socket']}"

    def wait_until_it_serves(self, seconds: float = 60) -> None:
        """Until the program itself says where the wall is."""

        def serves() -> bool:
            assert self.process
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said}"
            assert self.said.count("ended with status") < 3, f"a role does not start:\n{self.said[:6000]}"
            return f"http://127.0.0.1:{self.port}" in self.said

        wait_until("the program says where the wall is", serves, seconds)

    def child(self, name: str) -> int | None:
        """The process id of a role (``collect``, ``operate``, ``serve``) or of ``redis``; None when it does not run now."""
        sign = "redis-server" if name == "redis" else f"app.py {name} "
        other = "valkey-server" if name == "redis" else sign
        return next(
            (
                pid
                for pid, command in children(self.pid).items()
                if (sign in command or other in command) and alive(pid)
            ),
            None,
        )

    def kill(self, name: str) -> int:
        """kill -9 a role, ``redis``, or ``all`` for the parent; the process id it had."""
        pid = self.pid if name == "all" else wait_until(f"{name} runs", lambda: self.child(name))
        os.kill(pid, signal.SIGKILL)
        return int(pid)

    def get(self, path: str, timeout_s: float = 10) -> tuple[int, Any]:
        """Status and JSON (or text) of a GET; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout_s) as answer:
                return answer.status, _content(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _content(error.read())
        except (OSError, ValueError):
            return 0, None

    def end(self, patience_s: float = 15) -> int:
        """SIGTERM and wait; the exit status. Killed when that takes too long."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def _content(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def run(
    *words: str, folder: Path, environ: dict[str, str] | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """``python app.py WORDS`` to its end."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WALLBOARD_", "REDIS_URL", "FLOORLIGHT_"))
    }
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *words],
        env=kept | {"WALLBOARD_DATA": str(folder / "data")} | (environ or {}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def ticks(seconds: float, every_s: float = 0.05) -> Iterator[float]:
    """The seconds that have passed, again and again until ``seconds`` are over."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        yield passed
        time.sleep(every_s)
