"""The role ``serve``: pages, live feed and API, as an ASGI application under uvicorn or any other server."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from roles import starting

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CLOSED = (
    b"This wallboard has no access: section in its configuration and answers on this machine only (http://127.0.0.1).\n"
)


class LazyServer:
    """The web application, built at the server's start-up from WALLBOARD_CONFIG and REDIS_URL (or what it is given)."""

    def __init__(self, chosen: argparse.Namespace | None = None) -> None:
        self._chosen = chosen
        self._app: App | None = None
        self._building = asyncio.Lock()
        self._watcher: Any = None
        self._stop = threading.Event()
        self._answering: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        app = self._app or await self._built()
        if scope["type"] == "http" and self._watcher.current.access is None and not _from_here(scope):
            await send(
                {
                    "type": "http.response.start",
                    "status": 403,
                    "headers": [(b"content-type", b"text/plain; charset=utf-8")],
                }
            )
            await send({"type": "http.response.body", "body": CLOSED})
            return
        await self._answer(app, scope, receive, send)

    async def _answer(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Let ``app`` answer; a server that ends cuts a feed off here, and the answer is closed in good order."""
        open_answer = False

        async def seen(message: MutableMapping[str, Any]) -> None:
            nonlocal open_answer
            await send(message)
            open_answer = message["type"] == "http.response.start" or bool(message.get("more_body"))

        task = asyncio.current_task()
        if task:
            self._answering.add(task)
        try:
            await app(scope, receive, seen)
        except asyncio.CancelledError:
            if not open_answer:
                raise
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._answering.discard(task)

    async def finish(self, patience_s: float) -> None:
        """Let what is being answered be finished for ``patience_s``, then end the rest: live feeds, that never end."""
        if self._answering:
            _, feeds = await asyncio.wait(set(self._answering), timeout=patience_s)
            for feed in feeds:
                feed.cancel()
            if feeds:
                await asyncio.wait(feeds, timeout=patience_s)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            app = await self._built()
        except starting.CannotStart as error:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        try:
            await app(scope, receive, send)
        finally:
            self._stop.set()

    async def _built(self) -> App:
        async with self._building:
            if self._app is None:
                self._app = self._build()
            return self._app

    def _build(self) -> App:
        from dashboard import server

        chosen = self._chosen or argparse.Namespace(
            role="serve", redis="", config=Path(os.environ.get("WALLBOARD_CONFIG") or starting.DEFAULT_CONFIGURATION)
        )
        self._watcher = starting.configuration(chosen.config)
        url = starting.shared_redis(chosen, self._watcher.current)
        starting.follow_edits(self._watcher, url)
        starting.follow(self._watcher, self._stop)
        app: App = server.create(self._watcher, url, clock=starting.clock)
        return app


def _from_here(scope: Scope) -> bool:
    """Whether the request came in on an address that only this machine has, or on a unix socket."""
    address = scope.get("server")
    return address is None or address[1] is None or starting.is_loopback(str(address[0]))


def run(chosen: argparse.Namespace) -> int:
    """Serve until told to stop; the exit status."""
    import uvicorn

    from roles import child, journal

    class Web(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            # What start-up made lives as long as the process. To walk it again and again, looking for garbage, would hold back
            # every screen for a tenth of a second; and a thousand open feeds make no cycles.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 50)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await lazy.finish(0.3)
            await super().shutdown(sockets)

    journal.begin("serve", as_json=chosen.log_json, level=chosen.log_level)
    configured = starting.configuration(chosen.config).current
    starting.shared_redis(chosen, configured)
    if chosen.fd is not None:
        listener = socket.socket(fileno=chosen.fd)
    else:
        starting.may_listen(chosen.host, configured, chosen.config)
        listener = starting.listening(chosen.host, chosen.port)
    if chosen.child:
        child.end_with_parent()
    lazy = LazyServer(chosen)
    settings = uvicorn.Config(
        lazy,
        http="httptools",
        loop="auto",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    web = Web(settings)
    child.on_stop(lambda: None)  # uvicorn raises the signal once more when it has ended well
    web.run(sockets=[listener])
    return 0 if web.started else 1
