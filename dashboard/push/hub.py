"""All live feeds of one process and the screens that watch them.

The reader (``reader.py``) tells what Redis says; a screen's stream (``live.py``) waits on its ``Viewer``. No I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec

from dashboard.access.view import WHOLE, View
from dashboard.push.feed import BoardFeed, Place, Redact
from dashboard.push.frames import COMMENT, frame

LINGER_MS = 60_000
"""How long a feed that nobody watches any more is kept, for screens that come back after a reconnect."""


class FeedKey(NamedTuple):
    """A board, as those see it who may see that much of it."""

    project: str
    view: View = WHOLE


def _redact(view: View) -> Redact | None:
    """What turns the engine's bytes into those that may be seen; only what has to be looked at is decoded."""
    if view.is_whole:
        return None
    return lambda raw: msgspec.json.encode(view.redact(msgspec.json.decode(raw, type=dict[str, msgspec.Raw])))


class Watched:
    """A feed with its screens and the newest heartbeat."""

    def __init__(self, key: FeedKey) -> None:
        self.key = key
        self.feed = BoardFeed(key.project, _redact(key.view))
        self.viewers: set[Viewer] = set()
        self.beat = b""
        self.beats = 0
        self.empty_since: int | None = None

    def wake(self) -> None:
        """Let every screen that waits look for what is new."""
        for viewer in self.viewers:
            viewer.wake()


class Viewer:
    """One open stream's place in a feed. It holds no data: a screen that does not read costs nothing more."""

    __slots__ = ("watched", "place", "screen", "session", "until", "notice", "beats", "closed", "_waiter")

    def __init__(self, watched: Watched, place: Place | None, screen: str = "") -> None:
        self.watched = watched
        self.place = place
        self.screen = screen
        self.session = ""
        self.until: int | None = None
        self.notice = b""
        self.beats = 0
        self.closed = False
        self._waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def close(self) -> None:
        """End the stream; the client comes back by itself."""
        self.closed = True
        self.wake()

    def take(self) -> bytes:
        """Everything that this screen has not been sent yet, in one piece; empty when there is nothing."""
        watched = self.watched
        found = watched.feed.after(self.place)
        beat = b""
        if self.beats != watched.beats:
            self.beats, beat = watched.beats, watched.beat
        if self.notice:
            beat, self.notice = beat + self.notice, b""
        if found is None:
            return beat
        data, self.place = found
        return data + beat

    async def wait(self) -> None:
        """Until somebody wakes this screen."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


class Hub:
    """The feeds of one process, by board."""

    def __init__(self) -> None:
        self.redis = False
        self._watched: dict[FeedKey, Watched] = {}
        self._by_project: dict[str, list[Watched]] = {}
        self.wanted = asyncio.Event()
        """Set when a feed wants a snapshot."""

    def __iter__(self) -> Iterator[Watched]:
        return iter(list(self._watched.values()))

    @property
    def screens(self) -> int:
        return sum(len(watched.viewers) for watched in self._watched.values())

    def join(self, key: FeedKey, last_revision: int | None, screen: str = "") -> Viewer:
        """A new viewer. ``last_revision``: what it says that it already has; ``screen``: the paired screen that it is, if any."""
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = Watched(key)
            self._by_project.setdefault(key.project, []).append(watched)
        watched.empty_since = None
        place = None if last_revision is None else watched.feed.resume(last_revision)
        viewer = Viewer(watched, place, screen)
        watched.viewers.add(viewer)
        self.look(watched)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        viewer.watched.viewers.discard(viewer)

    def look(self, watched: Watched) -> None:
        """Ask for a snapshot if the feed wants one."""
        if watched.feed.wants_snapshot:
            self.wanted.set()

    def change(self, project: str, raw: bytes) -> None:
        """A published change; projects that nobody watches here are passed over unread. Raises ``ValueError``."""
        for watched in self._by_project.get(project, ()):
            if watched.feed.change(raw):
                watched.wake()
            else:
                self.look(watched)

    def install(self, project: str, raw: bytes) -> None:
        """A whole board as it lies in Redis. Raises ``ValueError``."""
        for watched in self._by_project.get(project, ()):
            if watched.feed.wants_snapshot:
                watched.feed.install(raw)
                watched.wake()

    def wanting(self) -> list[str]:
        """Projects of which a snapshot is wanted."""
        return [p for p, all_ in self._by_project.items() if any(watched.feed.wants_snapshot for watched in all_)]

    def projects(self) -> list[str]:
        """Projects that are watched here now."""
        return [p for p, all_ in self._by_project.items() if any(watched.viewers for watched in all_)]

    def lost(self) -> None:
        """The subscription was away: every feed needs its board again."""
        for watched in self._watched.values():
            watched.feed.lost()
        self.wanted.set()

    def heartbeat(self, project: str, data: dict[str, object]) -> None:
        """Give every screen of a project a heartbeat (and the comment that keeps proxies from closing)."""
        for watched in self._by_project.get(project, ()):
            body = msgspec.json.encode({**data, "layout": watched.feed.layout})
            watched.beat = COMMENT + frame("heartbeat", body)
            watched.beats += 1
            watched.wake()

    def sweep(self, now_ms: int) -> None:
        """Forget feeds that nobody has watched for a while, and end the streams of those who have to ask again."""
        for key, watched in list(self._watched.items()):
            for viewer in list(watched.viewers):
                if viewer.until is not None and viewer.until <= now_ms:
                    viewer.close()
            if watched.viewers:
                continue
            if watched.empty_since is None:
                watched.empty_since = now_ms
            elif now_ms - watched.empty_since > LINGER_MS:
                del self._watched[key]
                rest = [other for other in self._by_project[key.project] if other is not watched]
                if rest:
                    self._by_project[key.project] = rest
                else:
                    del self._by_project[key.project]

    def close(self, project: str | None = None) -> None:
        """End every stream, or those of one project."""
        for watched in self._watched.values():
            if project is None or watched.key.project == project:
                for viewer in list(watched.viewers):
                    viewer.close()

    def tell(self, screen: str, notice: bytes) -> None:
        """Send a frame of its own to a paired screen, wherever it watches."""
        for viewer in self._of(screen):
            viewer.notice = notice
            viewer.wake()

    def close_screen(self, screen: str, projects: Collection[str] = ()) -> None:
        """End the streams of a paired screen but those of ``projects``."""
        for viewer in self._of(screen):
            if viewer.watched.key.project not in projects:
                viewer.close()

    def close_session(self, session: str) -> None:
        """End the streams of somebody who signed out."""
        for watched in self._watched.values():
            for viewer in list(watched.viewers):
                if viewer.session == session:
                    viewer.close()

    def _of(self, screen: str) -> list[Viewer]:
        return [viewer for watched in self._watched.values() for viewer in watched.viewers if viewer.screen == screen]
