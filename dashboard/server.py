"""The web application: native routes in front (live feed, API, health, metrics), Flask with Dash behind them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from dashboard import context, dash_app
from dashboard.access.caller import Caller
from dashboard.access.gate import SAFE_METHODS, Gate
from dashboard.api.intervals import Read
from dashboard.api.route import Router, Web, check_path
from dashboard.api.rows import OWNED, rows
from dashboard.api.screens import orders
from dashboard.asgi import Answer, Gone, Message, Problem, Receive, Request, Scope, Send, send_whole
from dashboard.compression import Compressor
from dashboard.context import Clock, Watcher
from dashboard.flask_mount import FlaskMount
from dashboard.headers import secured
from dashboard.push.frames import frame
from dashboard.push.heartbeat import Heart
from dashboard.push.hub import Hub
from dashboard.push.reader import Reader, connect
from operations.intervals import intervals
from operations.store.screens import Screen, ScreenStore

log = logging.getLogger(__name__)

READER_AGAIN_S = 1.0


class Application:
    """One web process as an ASGI app. Its lifespan starts and stops the one reader of Redis."""

    def __init__(self, watcher: Watcher, redis_url: str, clock: Clock, read_intervals: Read) -> None:
        dash = dash_app.build(watcher, redis_url, clock=clock)
        here: context.Context = dash.server.extensions["floorlight"]
        self.hub = Hub()
        self._redis = connect(redis_url)
        heart = Heart(self.hub, watcher)
        self._reader = Reader(self._redis, self.hub, heart, watcher, clock)
        self._screens = here.screens
        self._screens.attend(ScreenStore(self._redis), self._screen_changed)
        self._sessions = here.sessions
        self._sessions.attend(self._redis, clock, self.hub.close_session)
        self._web = Web(watcher, self._redis, here.redis, self.hub, heart, self._reader, clock, self._screens)
        self._compress = Compressor()
        self._router = Router(rows(read_intervals), OWNED)
        self._flask = FlaskMount(dash.server, self._compress)
        self._gate = Gate(watcher, clock, self._answer, self._is_open, here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await self._guarded(scope, receive, secured(send))

    def close_streams(self) -> None:
        """End every live stream; their clients come back by themselves, to whoever serves then."""
        self.hub.close()

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The last resort for a mistake of ours: a problem in the promised form, and the whole story in the log."""
        begun = False

        def sending(message: Message) -> Awaitable[None]:
            nonlocal begun
            begun = True
            return send(message)

        try:
            await self._gate(scope, receive, sending)
        except Gone:
            return
        except Exception:
            log.exception("a request to %.200r failed", scope["path"])
            if begun:
                raise
            await Problem(500, "our_mistake", "the server failed on this request; its log says why").answer().send(send)

    def _is_open(self, request: Request) -> bool:
        try:
            route = self._router.find(request)
        except Problem:
            return False
        # What is in assets/ holds nobody's numbers, and the pages that ask for nothing yet look like the others.
        return (
            route.open or route.door
            if route is not None
            else request.segments[1:2] == ("assets",) and request.method in SAFE_METHODS
        )

    async def _answer(self, request: Request, caller: Caller, receive: Receive, send: Send) -> None:
        head = request.method == "HEAD"
        try:
            route = self._router.find(request)
            if route is None:
                return await self._flask(request.scope, receive, send)
            if not route.door:
                check_path(self._web, request, caller)
            answer = await route.handler(self._web, request, caller)
        except Problem as problem:
            answer = problem.answer()
        if isinstance(answer, Answer):
            headers, body = await self._compress(request, answer.status, answer.all_headers, answer.body)
            await send_whole(send, answer.status, headers, body, head=head)
        else:
            await answer.run(receive, send, head=head)
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        reading = asyncio.create_task(self._keep(self._reader.run, "the reader of Redis"))
        following = asyncio.create_task(self._keep(self._screens.follow, "the look at the screens"))
        signing = asyncio.create_task(self._keep(self._sessions.follow, "the look at the sessions"))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.close_streams()
        reading.cancel()
        following.cancel()
        signing.cancel()
        await asyncio.wait([reading, following, signing], timeout=1.0)
        await self._reader.sign_off()
        await self._redis.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    def _screen_changed(self, name: str, screen: Screen | None) -> None:
        """Tell a screen that something else is wanted of it, and end the feeds of what it may not show any more."""
        self.hub.close_screen(name, screen.projects if screen else ())
        if screen is not None:
            self.hub.tell(name, frame("screen", msgspec.json.encode(orders(screen))))

    async def _keep(self, run: Callable[[], Awaitable[None]], what: str) -> None:
        while True:
            try:
                await run()
            except Exception:
                log.exception("%s failed; it begins anew", what)
            await asyncio.sleep(READER_AGAIN_S)


def create(watcher: Watcher, redis_url: str, *, clock: Clock, read_intervals: Read = intervals) -> Application:
    """The ASGI application of one web process.

    ``watcher``: the configuration, always current; ``clock``: epoch ms; ``read_intervals``: where the past comes from.
    """
    return Application(watcher, redis_url, clock, read_intervals)
