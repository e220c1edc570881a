"""A real MariaDB for the tests of kinds that read databases: own folder, own unix socket, and a TCP port that can fail in every way."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pymysql

from tests.machinery.peers import NO_MARIADB, mariadbd

USER, PASSWORD = "wallboard", "a-canary:with/odd@signs"
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class MariaDb:
    """One mariadbd process. ``root`` is a connection of the test's own, past every proxy; ``wallboard`` may only read ``database``."""

    def __init__(self, database: str = "asterisk", *, time_zone: str = "+08:00") -> None:
        self.database, self._time_zone = database, time_zone
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="fl-db-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.root: Any = None

    @property
    def socket(self) -> str:
        return str(self._folder / "s.sock")

    @property
    def _scratch(self) -> Path:
        """A folder of its own: a server that begins sweeps the temporary tables out of its folder, another server's too."""
        return self._folder / "tmp"

    def start(self) -> None:
        """Raises AssertionError where no MariaDB is installed."""
        server = mariadbd()
        assert server, NO_MARIADB
        data = self._folder / "data"
        fresh = not data.exists()
        if fresh:
            atexit.register(self.end)  # whatever becomes of the test
            self._scratch.mkdir()
            self._install(data)
        self._process = subprocess.Popen(
            [
                server, "--no-defaults", f"--datadir={data}", f"--tmpdir={self._scratch}", f"--socket={self.socket}", f"--port={self.port}",
                "--bind-address=127.0.0.1", f"--pid-file={self._folder}/pid", f"--default-time-zone={self._time_zone}",
                f"--log-error={self._folder}/error.log", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=16M", "--max-connections=60", "--character-set-server=utf8mb4", *_as_root(),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._connect()
        if fresh:
            self.run(f"CREATE DATABASE {self.database} CHARACTER SET utf8mb4")
            self.run(f"CREATE USER {USER}@'%%' IDENTIFIED BY %s", PASSWORD)
            self.run(f"GRANT SELECT ON {self.database}.* TO {USER}@'%'")
        self.run(f"USE {self.database}")

    def _install(self, data: Path) -> None:
        installer = shutil.which("mariadb-install-db", path=_PATH) or shutil.which("mysql_install_db", path=_PATH)
        assert installer, NO_MARIADB
        done = subprocess.run(
            [installer, "--no-defaults", f"--datadir={data}", f"--tmpdir={self._scratch}", "--auth-root-authentication-method=normal"]
            + ["--skip-test-db", "--skip-name-resolve", *_as_root()],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"mariadb-install-db: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    def _connect(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.root = pymysql.connect(unix_socket=self.socket, user="root", autocommit=True, charset="utf8mb4")
                return
            except pymysql.err.OperationalError:
                assert self._process is not None and self._process.poll() is None, self._log()
                assert time.monotonic() < deadline, self._log()
                time.sleep(0.02)

    def _log(self) -> str:
        log = self._folder / "error.log"
        return f"mariadbd did not start: {log.read_text()[-2000:] if log.exists() else 'no log'}"

    def stop(self, *, hard: bool = False) -> None:
        if self.root is not None:
            self.root.close()
            self.root = None
        if self._process is not None:
            self._process.kill() if hard else self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def end(self) -> None:
        self.stop(hard=True)
        atexit.unregister(self.end)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """One statement as root; ``%s`` for each value."""
        with self.root.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def load(self, script: str) -> None:
        """A file of statements that each end with a semicolon at the end of a line."""
        for statement in script.split(";\n"):
            if statement.strip():
                self.run(statement)


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


class Wire:
    """A TCP proxy before a server: what befalls the link to it."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self.port = 0
        self.delay_s = 0.0
        self.is_mute = False
        self.is_garbled = False
        self.accepted = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop()
        await asyncio.sleep(0)

    def drop(self) -> None:
        """Reset every connection in the middle of what is said."""
        for writer in list(self._writers):
            writer.transport.abort()

    def recover(self) -> None:
        self.delay_s, self.is_mute, self.is_garbled = 0.0, False, False
        self.drop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.add(writer)
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(forth)
        await asyncio.gather(self._carry(reader, forth, up=True), self._carry(back, writer, up=False))
        self._writers -= {writer, forth}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        try:
            while part := await reader.read(65_536):
                if self.is_mute:
                    continue
                if self.delay_s and not up:
                    await asyncio.sleep(self.delay_s)
                writer.write(bytes(byte ^ 0xA5 for byte in part) if self.is_garbled and not up else part)
                await writer.drain()
        except OSError:
            pass  # that is what a wire does
        finally:
            writer.close()
