"""A small real HTTP server to build ACDs on: answers from a method, and every way in which a server can fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request. ``path`` is decoded, ``body`` raw; header names are lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """The query as it came, a name several times included."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Told:
    """One answer; ``body``: bytes as they are, anything else as JSON."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class HttpAcd:
    """Serves ``answer(asked) -> Told``. Failures are switched on and off while it runs; ``asked`` keeps every request."""

    def __init__(self, answer: Callable[[Asked], Told], clock: Callable[[], int]) -> None:
        self._answer, self._clock = answer, clock
        self.asked: list[Asked] = []
        self.instead: Told | None = None
        """Given in place of every answer: a 401, a 429, garbage."""
        self.delay_s = 0.0
        self.is_mute = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

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
        """Reset every connection, whatever is under way on it."""
        for writer in list(self._writers):
            writer.transport.abort()

    def recover(self) -> None:
        self.instead, self.delay_s, self.is_mute = None, 0.0, False
        self.drop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client is gone
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        asked = Asked(method, unquote(parts.path), dict(pairs), headers, body, pairs)
        self.asked.append(asked)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.is_mute:
            await asyncio.Event().wait()
        told = self.instead or self._answer(asked)
        data = (
            told.body if isinstance(told.body, bytes) else b"" if told.body is None else json.dumps(told.body).encode()
        )
        given = {
            "Content-Type": "application/json",
            "Date": formatdate(self._clock() / 1000, usegmt=True),
            "Content-Length": str(len(data)),
        } | told.headers
        lines = [f"HTTP/1.1 {told.status} X", *(f"{name}: {value}" for name, value in given.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + data)
        await writer.drain()
        return True
