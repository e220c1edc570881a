"""A link as a collector sees it, without Redis: keeps what was said, lets a test wait for it, and has a clock that can be set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from collectors.events import AnyEvent


class RecordingLink:
    """Implements ``collectors.collector.Link``; ``memory`` outlives it, as the supervisor's does."""

    def __init__(
        self, memory: dict[str, bytes] | None = None, *, now_ms: int | None = None, unwatched_since: int | None = None
    ) -> None:
        self.source = "hq"
        self.events: list[AnyEvent] = []
        self.facts: dict[str, Any] = {}
        self.memory: dict[str, bytes] = {} if memory is None else memory
        self.up = False
        self.heard_times = 0
        self._unwatched_since = unwatched_since
        self._ahead_ms = 0 if now_ms is None else now_ms - time.time_ns() // 1_000_000
        self._changed = asyncio.Event()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    async def emit(self, events: list[AnyEvent]) -> None:
        self.events += events
        self._changed.set()

    def heard(self) -> None:
        self.heard_times += 1
        self._changed.set()

    def connected(self, detail: str = "") -> None:
        self.up = True
        self._changed.set()

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)
        self._changed.set()

    @property
    def unwatched_since(self) -> int | None:
        return self._unwatched_since

    async def recall(self, key: str) -> bytes | None:
        return self.memory.get(key)

    async def remember(self, key: str, value: bytes) -> None:
        self.memory[key] = value
        self._changed.set()

    async def commands(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("nobody speaks here")

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; fails after 20 s."""
        async with asyncio.timeout(20):
            while not true():
                self._changed.clear()
                if not true():
                    await self._changed.wait()
