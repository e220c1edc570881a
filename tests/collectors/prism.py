"""A vendor's OpenAPI document served by a mock server that nobody here wrote (prism), as a process of its own."""

from __future__ import annotations

import lzma
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.collectors.http_acd import Asked, Told

TOP = Path(__file__).parent.parent
PRISM = TOP / "node" / "node_modules" / ".bin" / "prism"
START_S = 60


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Prism:
    """Serves ``document`` (an .xz of JSON) on a free port. Its answers are examples, or invented where ``dynamic``."""

    def __init__(self, document: Path, folder: Path, *, dynamic: bool = False) -> None:
        self._document, self._folder, self._dynamic = document, folder, dynamic
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        assert PRISM.exists() and shutil.which("node"), "prism is not installed: run `make test`, which brings it"
        document = self._folder / "openapi.json"
        document.write_bytes(lzma.decompress(self._document.read_bytes()))
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log = (self._folder / "prism.log").open("wb")
        self._process = subprocess.Popen(
            [str(PRISM), "mock", "--host", "127.0.0.1", "--port", str(port), *(["--dynamic"] if self._dynamic else [])]
            + ["--seed", "7", str(document)],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                httpx.get(self.url)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"prism did not start: {(self._folder / 'prism.log').read_text()[-2000:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None
            self._log.close()


class Preferring:
    """What stands between a collector and prism: passes everything on, and asks prism for the status that a test wants.

    ``prefer``: path → status to be answered, once for each entry of its list. ``passed``: (method, path, prism's status and answer).
    ``mend``: makes what prism invented refer to what was asked, where only the numbers should be nonsense.
    """

    def __init__(self, prism: Prism, mend: Callable[[Asked, Any], Any] = lambda asked, answer: answer) -> None:
        self._prism, self._mend = prism, mend
        self.prefer: dict[str, list[int]] = {}
        self.passed: list[tuple[str, str, int, str]] = []

    def __call__(self, asked: Asked) -> Told:
        headers = {name: asked.headers[name] for name in ("authorization", "content-type", "accept") if name in asked.headers}  # fmt: skip
        wanted = next((codes for path, codes in self.prefer.items() if path in asked.path and codes), None)
        if wanted:
            headers["Prefer"] = f"code={wanted.pop(0)}"
        answer = httpx.request(
            asked.method,
            self._prism.url + asked.path,
            params=httpx.QueryParams(asked.pairs),
            content=asked.body,
            headers=headers,
        )
        self.passed.append((asked.method, asked.path, answer.status_code, answer.text))
        more = {"Retry-After": "1"} if answer.status_code == 429 else {}
        told = self._mend(asked, answer.json()) if answer.status_code == 200 else answer.content
        return Told(told, answer.status_code, more)
