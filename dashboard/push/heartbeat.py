"""Heartbeats: what a screen needs to know how old its numbers are, although nothing changes. No I/O and no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from collectors.collector import Status
from dashboard.context import Watcher
from dashboard.push.hub import Hub
from operations import sources

BEAT_MS = 5_000
RATE_POINTS = 11


class Heart:
    """Gives every watched project a heartbeat each ``BEAT_MS``, and at once when the state of a source or of Redis changes.

    The reader keeps ``statuses`` (of each configured source) and ``checked`` (when the engine last found each board
    right, epoch ms) as it read them last.
    """

    def __init__(self, hub: Hub, watcher: Watcher) -> None:
        self._hub, self._watcher = hub, watcher
        self.statuses: dict[str, Status | None] = {}
        self.checked: dict[str, int] = {}
        self._said: dict[str, tuple[int, object]] = {}
        self._counted: dict[str, deque[tuple[int, int]]] = {}

    def learn(self, statuses: dict[str, Status | None]) -> None:
        """Take what the supervisors wrote last."""
        self.statuses = statuses
        for source, status in statuses.items():
            counted = self._counted.setdefault(source, deque(maxlen=RATE_POINTS))
            if status is None or (counted and status.events < counted[-1][1]):
                counted.clear()  # a collector that began anew counts from zero
            if status is not None and (not counted or status.written_at > counted[-1][0]):
                counted.append((status.written_at, status.events))

    def rate(self, source: str) -> float | None:
        """Events a second over the last ten seconds or so; None while that is not known."""
        counted = self._counted.get(source)
        if not counted or len(counted) < 2:
            return None
        (began, before), (ended, after) = counted[0], counted[-1]
        return round((after - before) * 1000 / (ended - began), 2)

    def data(self, project: str, now_ms: int) -> dict[str, Any]:
        """A project's heartbeat; ``layout`` is added by whoever knows the board."""
        return self._data(project, self._views(self._named(project), now_ms), now_ms)

    def beat(self, now_ms: int) -> None:
        """Beat for those whose time has come. Each project has its own time, so that they spread."""
        watched = self._hub.projects()
        named = {project: self._named(project) for project in watched}
        views = self._views({source for names in named.values() for source in names}, now_ms)
        said, self._said = self._said, {}
        for project in watched:
            seen = {source: views[source] for source in named[project] if source in views}
            state = (self._hub.redis, [(source, view.state, view.since) for source, view in seen.items()])
            at, before = said.get(project, (0, None))
            if state != before or not 0 <= now_ms - at < BEAT_MS:
                at = now_ms
                self._hub.heartbeat(project, self._data(project, seen, now_ms))
            self._said[project] = (at, state)

    def _named(self, project: str) -> Sequence[str]:
        configured = self._watcher.current.projects.get(project)
        return () if configured is None else configured.sources

    def _views(self, names: Sequence[str] | set[str], now_ms: int) -> dict[str, sources.SourceView]:
        configured = self._watcher.current.sources
        return {s: sources.judge(self.statuses.get(s), now_ms, configured[s].kind) for s in names if s in configured}

    def _data(self, project: str, views: dict[str, sources.SourceView], now_ms: int) -> dict[str, Any]:
        zone = sources.zone(self._watcher.current, project)
        return {
            "now": sources.iso(now_ms, zone),
            "checked_at": sources.iso(self.checked.get(project), zone),
            "sources": {source: sources.public(view, zone) for source, view in views.items()},
            "redis": self._hub.redis,
        }
