"""Flask inside the ASGI app, so that a slow client never holds one of Flask's threads.

a2wsgi reads the request and writes the answer from the thread that runs Flask; ten clients that upload or download
slowly would then keep every other page waiting. So the body is read before a thread is taken, and the answer is
collected whole, compressed, and sent after the thread is free again.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from a2wsgi import WSGIMiddleware

from dashboard.asgi import Answer, BodyTooLong, Gone, Message, Problem, Receive, Request, Scope, Send

THREADS = 16
BODY_LIMIT = 2 * 1024 * 1024
BODY_WAIT_S = 20.0
WORTH_COMPRESSING = 1_000
KEEP_BYTES = 32 * 1024 * 1024
TEXTS = ("text/", "application/json", "application/javascript", "application/problem+json", "image/svg+xml")


def compressible(content_type: str) -> bool:
    return content_type.startswith(TEXTS)


class Compressed:
    """Compressed bodies of files whose address names their version; the oldest go first."""

    def __init__(self, limit: int = KEEP_BYTES) -> None:
        self._kept: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
        self._room = limit

    def get(self, key: tuple[str, bytes]) -> bytes | None:
        body = self._kept.get(key)
        if body is not None:
            self._kept.move_to_end(key)
        return body

    def keep(self, key: tuple[str, bytes], body: bytes) -> None:
        if key in self._kept:
            return
        self._kept[key] = body
        self._room -= len(body)
        while self._room < 0 and self._kept:
            self._room += len(self._kept.popitem(last=False)[1])


class FlaskMount:
    """An ASGI app around a WSGI one."""

    def __init__(self, wsgi: Any) -> None:
        self._inner: Any = WSGIMiddleware(wsgi, workers=THREADS, send_queue_size=64)
        self._compressed = Compressed()
        self._threads = ThreadPoolExecutor(2, "compress")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope["method"] == "HEAD"
        try:
            body = await asyncio.wait_for(Request(scope, receive).body(BODY_LIMIT), BODY_WAIT_S)
        except Gone:
            return None
        except BodyTooLong:
            problem = Problem(413, "too_long", f"the body may have at most {BODY_LIMIT} bytes")
            return await problem.answer().send(send, head=head)
        except TimeoutError:
            problem = Problem(408, "slow_request", f"the body did not arrive within {BODY_WAIT_S:.0f} s")
            return await problem.answer().send(send, head=head)
        status, headers, answer = await self._ask(scope, body)
        headers, answer = await self._compress(scope, status, headers, answer)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else answer})
        return None

    async def _ask(self, scope: Scope, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        said = False
        status, headers, parts = 500, [], []

        async def receive() -> Message:
            nonlocal said
            said, before = True, said
            return {"type": "http.request", "body": b"" if before else body, "more_body": False}

        async def collect(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        await self._inner(scope, receive, collect)
        return status, headers, b"".join(parts)

    async def _compress(
        self, scope: Scope, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[list[tuple[bytes, bytes]], bytes]:
        said = {name: value.decode("latin-1") for name, value in headers}
        if not compressible(said.get(b"content-type", "")) or len(body) < WORTH_COMPRESSING or status == 206:
            return headers, body
        rest = [pair for pair in headers if pair[0] not in (b"content-length", b"vary")]
        vary = ", ".join(filter(None, (said.get(b"vary"), "Accept-Encoding"))).encode("latin-1")
        rest.append((b"vary", vary))
        accepts = Request(scope, None).headers.get("accept-encoding", "")  # type: ignore[arg-type]
        if "gzip" not in accepts or b"content-encoding" in said:
            return [*rest, (b"content-length", str(len(body)).encode())], body
        for_ever = "max-age=31536000" in said.get(b"cache-control", "") and status == 200
        key = (scope["path"], scope["query_string"])
        packed = self._compressed.get(key) if for_ever else None
        if packed is None:
            level = 9 if for_ever else 4
            loop = asyncio.get_running_loop()
            packed = await loop.run_in_executor(self._threads, lambda: gzip.compress(body, level, mtime=0))
            if for_ever:
                self._compressed.keep(key, packed)
        rest = [(n, b"W/" + v if n == b"etag" and not v.startswith(b"W/") else v) for n, v in rest]
        rest += [(b"content-encoding", b"gzip"), (b"content-length", str(len(packed)).encode())]
        return rest, packed


__all__ = ["Answer", "FlaskMount"]
