"""Flask inside the ASGI app, so that a slow client never holds one of Flask's threads.

a2wsgi reads the request and writes the answer from the thread that runs Flask; ten clients that upload or download
slowly would then keep every other page waiting. So the body is read before a thread is taken, and the answer is
collected whole, compressed, and sent after the thread is free again.
"""

from __future__ import annotations

import asyncio
from typing import Any

from a2wsgi import WSGIMiddleware

from dashboard.asgi import BodyTooLong, Gone, Message, Problem, Receive, Request, Scope, Send, send_whole
from dashboard.compression import Compressor

THREADS = 16
BODY_LIMIT = 2 * 1024 * 1024
BODY_WAIT_S = 20.0


class FlaskMount:
    """An ASGI app around a WSGI one."""

    def __init__(self, wsgi: Any, compress: Compressor) -> None:
        self._inner: Any = WSGIMiddleware(wsgi, workers=THREADS, send_queue_size=64)
        self._compress = compress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope["method"] == "HEAD"
        request = Request(scope, receive)
        try:
            body = await asyncio.wait_for(request.body(BODY_LIMIT), BODY_WAIT_S)
        except Gone:
            return None
        except BodyTooLong:
            problem = Problem(413, "too_long", f"the body may have at most {BODY_LIMIT} bytes")
            return await problem.answer().send(send, head=head)
        except TimeoutError:
            problem = Problem(408, "slow_request", f"the body did not arrive within {BODY_WAIT_S:.0f} s")
            return await problem.answer().send(send, head=head)
        status, headers, answer = await self._ask(scope, body)
        headers, answer = await self._compress(request, status, headers, answer)
        await send_whole(send, status, headers, answer, head=head)
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
