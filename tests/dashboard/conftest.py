"""A web process for the tests of this folder, and small clients for it."""

from __future__ import annotations

import itertools
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import redis as redis_py

from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.publisher import Publisher

TOP = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0

PROJECTS = [f"p{number}" for number in range(150)]


def configuration(access: str = "", projects: list[str] | None = None) -> str:
    """A configuration with a simulator, a real ACD and some projects, of which ``other`` is fed by the ACD."""
    blocks = "".join(f"  {p}: {{name: Project {p}, client: Acme, queues: [demo/{p}]}}\n" for p in projects or PROJECTS)
    return (
        "site: {name: Harbour, time_zone: Asia/Shanghai}\n"
        "sources:\n  demo: {kind: simulator, seed: 7}\n  hq: {kind: queue_log, path: /nowhere/queue_log}\n"
        f"projects:\n{blocks}  other: {{name: Other, client: Rival, queues: [hq/sales]}}\n{access}"
    )


class WebProcess:
    """A web process on a free port of loopback."""

    def __init__(self, folder: Path, redis_url: str, text: str) -> None:
        self.config = folder / "wallboard.yaml"
        self.redis_url = redis_url
        self.configure(text)
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""
        self._port = 0

    def configure(self, text: str) -> None:
        self.config.write_text(f"redis: {json.dumps(self.redis_url)}\n{text}")

    def start(self) -> WebProcess:
        """Start it, again on the same port after a stop or a kill."""
        with socket.create_server(("127.0.0.1", self._port)) as listener:
            self._port = listener.getsockname()[1]
            number = listener.fileno()
            self.address = "http://{}:{}".format(*listener.getsockname())
            command = [sys.executable, "app.py", "serve", "--config", str(self.config), "--fd", str(number)]
            self.process = subprocess.Popen(command, cwd=TOP, pass_fds=[number])
        assert self.get("/api/v1/openapi.json").status_code in (200, 401), "the web process did not start"
        return self

    def stop(self) -> None:
        """End it as an operator would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(self.address + path, timeout=PATIENCE_S, trust_env=False, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return httpx.post(self.address + path, timeout=PATIENCE_S, trust_env=False, **more)

    def raw(self, request: bytes) -> bytes:
        """What the server answers to bytes that no client library would send, until it closes the connection."""
        with self.connection() as link:
            link.sendall(request)
            parts = []
            while part := link.recv(65536):
                parts.append(part)
            return b"".join(parts)

    def connection(self) -> socket.socket:
        place = urlsplit(self.address)
        return socket.create_connection((place.hostname or "", place.port or 0), timeout=PATIENCE_S)

    def live(self, project: str, headers: dict[str, str] | None = None, query: str = "") -> LiveClient:
        return LiveClient(self, f"/api/v1/projects/{project}/live{query}", headers or {})


class LiveClient:
    """A client of one live stream that reads only when it is asked to."""

    def __init__(self, web: WebProcess, path: str, headers: dict[str, str]) -> None:
        self._link = web.connection()
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        host = urlsplit(web.address).netloc
        self._link.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{said}\r\n".encode())
        self._file = self._link.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self._file.readline().strip().decode():
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self._text = b""

    def __enter__(self) -> LiveClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._link.close()

    def _more(self) -> bool:
        size = int(self._file.readline() or b"0", 16)
        self._text += self._file.read(size)
        self._file.readline()
        return size > 0

    def block(self) -> dict[str, str]:
        """The next event, its fields by name; ``""`` holds a comment. Empty when the stream has ended."""
        while b"\n\n" not in self._text:
            if not self._more():
                return {}
        head, self._text = self._text.split(b"\n\n", 1)
        lines = head.decode().split("\n")
        return {name: value.lstrip() for name, _, value in (line.partition(":") for line in lines)}

    def event(self, *names: str) -> tuple[str, str, Any]:
        """The next event of one of these names (any but heartbeats when none is given): name, id, data."""
        while block := self.block():
            name = block.get("event", "")
            if name in names or (not names and name not in ("", "heartbeat")):
                return name, block.get("id", ""), json.loads(block["data"])
        raise AssertionError("the stream ended")

    def until(self, right: Callable[[str, Any], bool]) -> Any:
        """The data of the first event for which ``right(name, data)`` holds."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            block = self.block()
            assert block, "the stream ended"
            if "event" in block and right(block["event"], data := json.loads(block["data"])):
                return data
        raise AssertionError("it did not come")


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does; only a failure takes the whole time."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.fixture(scope="session")
def shared_web(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("web"), redis_server.url, configuration()).start()
    yield web
    web.stop()


@pytest.fixture
def web(shared_web: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """The session's web process, its Redis emptied for this test."""
    return shared_web


_unused = itertools.cycle(PROJECTS)


@pytest.fixture
def publisher(redis: redis_py.Redis) -> Publisher:
    """A project of this test's own, without a board so far."""
    return Publisher(redis, next(_unused))


@pytest.fixture
def own_web(redis_url: str, tmp_path: Path) -> Iterator[Callable[[str], WebProcess]]:
    """Starts a web process with a configuration of the test's own."""
    started: list[WebProcess] = []

    def start(text: str) -> WebProcess:
        started.append(WebProcess(tmp_path, redis_url, text).start())
        return started[-1]

    yield start
    for process in started:
        process.stop()
