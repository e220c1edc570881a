"""The few ASGI pieces that the native routes need: a request to read, an answer to give, a stream to hold open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = "application/json"
PROBLEM = "application/problem+json"
PROBLEMS = "urn:floorlight:problem:"
"""What the ``type`` of a problem begins with; the rest is a stable word."""


class Problem(Exception):
    """A request that cannot be answered; becomes ``application/problem+json`` (RFC 9457).

    ``word``: the stable end of its ``type``; ``detail``: what is wrong and what would be right. ``more``: further members.
    """

    def __init__(
        self,
        status: int,
        word: str,
        detail: str,
        headers: Iterable[tuple[str, str]] = (),
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.word, self.detail, self.headers = status, word, detail, tuple(headers)
        self.more = more or {}

    def answer(self) -> Answer:
        body = {
            "type": PROBLEMS + self.word,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        return Answer(self.status, msgspec.json.encode(body), PROBLEM, self.headers)


class BodyTooLong(Exception):
    """The client sends more than it may."""


class Gone(Exception):
    """The client went away before it had said everything."""


@dataclass(frozen=True)
class Answer:
    """A whole answer. ``headers`` come beside content type and length."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Answer:
        return cls(status, msgspec.json.encode(value), JSON, (("Cache-Control", "no-store"), *headers))

    @property
    def all_headers(self) -> list[tuple[bytes, bytes]]:
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        if self.status != HTTPStatus.NOT_MODIFIED:
            headers.append((b"content-type", self.content_type.encode("latin-1")))
            headers.append((b"content-length", str(len(self.body)).encode()))
        return headers

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Give the answer; ``head`` leaves the body out but says its length."""
        await send_whole(send, self.status, self.all_headers, self.body, head=head)


async def send_whole(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes, *, head: bool = False
) -> None:
    """Send an answer that is known whole; ``head``: without its body."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


class Stream(Protocol):
    """An answer that stays open."""

    async def run(self, receive: Receive, send: Send, *, head: bool) -> None: ...


@dataclass
class Request:
    """What a client asks. Names in ``headers`` are lower case; of a repeated query parameter the last one counts."""

    scope: Scope
    receive: Receive
    path_values: dict[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path's parts, each decoded by itself, so that an encoded slash stays inside its part."""
        raw = self.scope.get("raw_path") or self.scope["path"].encode()
        return tuple(unquote(part) for part in raw.decode("latin-1").split("?")[0].split("/"))

    @cached_property
    def headers(self) -> dict[str, str]:
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.scope["headers"]}

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))

    @cached_property
    def cookies(self) -> dict[str, str]:
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: unquote(value) for name, _, value in pairs if name}

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises ``BodyTooLong`` beyond ``limit`` bytes and ``Gone`` when the client leaves."""
        said = self.headers.get("content-length", "0")
        if said.isdigit() and int(said) > limit:
            raise BodyTooLong
        parts, length = [], 0
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                raise Gone
            part = message.get("body", b"")
            length += len(part)
            if length > limit:
                raise BodyTooLong
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)
