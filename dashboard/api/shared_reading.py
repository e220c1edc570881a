"""One reading of all projects that serves everybody who asks this process within a moment."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Sequence
from typing import Any

from dashboard.api.route import Web
from dashboard.redis_gone import REDIS_GONE
from operations.store import keys

FRESH_MS = 500
"""How long one reading serves."""


class SharedReading(abc.ABC):
    """What Redis holds of every project, read at most once each ``FRESH_MS`` however many desks ask.

    While Redis is away, what was read last stays, and ``redis`` says so; that it is away is an answer like another.
    """

    def __init__(self) -> None:
        self.redis = False
        self._read_at = -FRESH_MS
        self._turn = asyncio.Lock()

    async def read(self, web: Web) -> None:
        """Bring what is kept up to date."""
        async with self._turn:
            now_ms = web.clock()
            if 0 <= now_ms - self._read_at < FRESH_MS:
                return
            names = list(web.watcher.current.projects)
            pipe = web.redis.pipeline(transaction=False)
            pipe.hgetall(keys.BOARDS_CHECKED)
            for name in names:
                self.ask(pipe, name)
            try:
                checked, *found = await pipe.execute()
            except REDIS_GONE:
                # Those who waited for this answer share it too: each asking for itself, they would wait one after the other.
                self.redis, self._read_at = False, web.clock()
                return
            self.redis, self._read_at = True, now_ms
            moments = [checked.get(name.encode(), b"") for name in names]
            self.take(names, [int(at) if at.isdigit() else None for at in moments], found)

    @abc.abstractmethod
    def ask(self, pipe: Any, project: str) -> None:
        """Put what is asked of one project on the pipeline."""

    @abc.abstractmethod
    def take(self, projects: Sequence[str], checked_at: Sequence[int | None], found: Sequence[Any]) -> None:
        """Keep the answers: when each project's board was last found right (epoch ms), and what ``ask`` brought, in order."""
