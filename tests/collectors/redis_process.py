"""A real Redis for the collectors' tests: own folder, own unix socket, can be stopped and started again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import redis
import redis.asyncio


def _binary() -> str:
    beside = Path(sys.executable).parent / "redis-server"
    found = shutil.which("redis-server") or shutil.which("valkey-server") or (str(beside) if beside.exists() else None)
    assert found, "no redis-server on this machine: run `make test`, which brings one"
    return found


class RedisProcess:
    """One redis-server process with an append-only file in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = str(folder / "r.sock")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [_binary(), "--port", "0", "--unixsocket", self.socket, "--dir", str(self._folder)]
            + ["--appendonly", "yes", "--appendfsync", "no", "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with self.client() as client:
                    client.ping()
                return
            except redis.exceptions.RedisError:
                time.sleep(0.02)
        raise AssertionError("redis-server did not start within 20 s")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=self.socket)

    def async_client(self) -> redis.asyncio.Redis:
        return redis.asyncio.Redis(unix_socket_path=self.socket)
