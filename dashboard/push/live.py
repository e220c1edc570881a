"""One screen's stream of server-sent events."""

from __future__ import annotations

import asyncio
import random

import msgspec

from dashboard.access.caller import Caller
from dashboard.asgi import Receive, Send
from dashboard.context import Clock
from dashboard.push.frames import frame, opening
from dashboard.push.heartbeat import Heart
from dashboard.push.hub import FeedKey, Hub, Viewer

RETRY_MS = (1_000, 3_000)
"""When a closed stream's client comes back: spread, so that a thousand screens do not come at once."""

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class LiveStream:
    """A stream of one board. Ends when the client goes, at shutdown, or when ``caller`` has to ask again (the hub sees to that).

    A client that does not read holds back this stream's own ``send`` and nothing else; one that fell asleep is freed
    when the kernel gives up on its unanswered heartbeats.
    """

    def __init__(
        self, hub: Hub, heart: Heart, clock: Clock, key: FeedKey, last_revision: int | None, caller: Caller
    ) -> None:
        self._hub, self._heart, self._clock = hub, heart, clock
        self._key, self._last_revision, self._caller = key, last_revision, caller

    async def run(self, receive: Receive, send: Send, *, head: bool) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        if head:
            return await send({"type": "http.response.body", "body": b""})
        viewer = self._hub.join(self._key, self._last_revision, self._caller.screen)
        viewer.session, viewer.until = self._caller.session, self._caller.until
        gone = asyncio.ensure_future(_until_gone(receive))
        gone.add_done_callback(lambda _: viewer.close())
        try:
            await self._speak(viewer, send)
        finally:
            self._hub.leave(viewer)
            gone.cancel()

    async def _speak(self, viewer: Viewer, send: Send) -> None:
        now_ms = self._clock()
        beat = {**self._heart.data(self._key.project, now_ms), "layout": viewer.watched.feed.layout}
        viewer.beats = viewer.watched.beats
        data = opening(random.randint(*RETRY_MS)) + viewer.take() + frame("heartbeat", msgspec.json.encode(beat))
        while not viewer.closed:
            if data:
                await send({"type": "http.response.body", "body": data, "more_body": True})
            data = viewer.take()
            if not data:
                self._hub.look(viewer.watched)
                if not viewer.closed:
                    await viewer.wait()
                    data = viewer.take()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
