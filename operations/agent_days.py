"""Who was signed in on a project's day at all: each person once, however often they came and went, and whichever queues they served.

Counters cannot tell: they add up, and people do not. The project's writer keeps a set for the day that runs, in the transaction of its boards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from operations.projects.contract import Project
from operations.store import keys

KEEP_MS = 2 * 86_400_000
"""How long a day's people stay stored after it has begun: any day, and a restart after it."""


class AgentDays:
    """People by full id (``SOURCE/AGENT``). ``client``: synchronous, bytes responses."""

    def __init__(self, client: Any, project: Project, now_ms: int) -> None:
        self._project = project
        self._day = project.calendar.day(now_ms)
        self._seen = {name.decode() for name in client.smembers(keys.people(project.id, self._day[0]))}
        self._new: set[str] = set()

    def meet(self, people: Iterable[str], now_ms: int) -> None:
        """These are signed in now. After midnight everybody who still is counts for the new day."""
        day = self._project.calendar.day(now_ms)
        if day != self._day:
            self._day, self._seen, self._new = day, set(), set()
        fresh = set(people) - self._seen
        self._seen |= fresh
        self._new |= fresh

    def count(self, sources: Collection[str]) -> int:
        """How many people of some sources were signed in today."""
        return sum(name.partition("/")[0] in sources for name in self._seen)

    def write(self, pipe: Any) -> None:
        """Put who came since ``saved`` on a transaction's pipeline."""
        if self._new:
            key = keys.people(self._project.id, self._day[0])
            pipe.sadd(key, *self._new)
            pipe.pexpireat(key, self._day[0] + KEEP_MS)

    def saved(self) -> None:
        self._new = set()

    def again(self) -> None:
        """What is stored may not be what this process thinks: write all of it next time."""
        self._new = set(self._seen)
