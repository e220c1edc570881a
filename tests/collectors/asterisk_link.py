"""A link that keeps what a collector says, for tests that need no Redis."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from collectors.events import AnyEvent


class KeptLink:
    """Implements ``collectors.collector.Link`` in memory."""

    source = "hq"

    def __init__(self, unwatched_since: int | None = None, memory: dict[str, bytes] | None = None) -> None:
        self.events: list[AnyEvent] = []
        self.facts: dict[str, Any] = {}
        self.up = asyncio.Event()
        self.detail = ""
        self.words = 0
        self.open = asyncio.Event()
        self.open.set()
        self._unwatched_since = unwatched_since
        self.memory: dict[str, bytes] = dict(memory or {})

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def emit(self, events: list[AnyEvent]) -> None:
        await self.open.wait()
        self.events += events

    def heard(self) -> None:
        self.words += 1

    def connected(self, detail: str = "") -> None:
        self.detail = detail
        self.up.set()

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)

    @property
    def unwatched_since(self) -> int | None:
        return self._unwatched_since

    async def recall(self, key: str) -> bytes | None:
        return self.memory.get(key)

    async def remember(self, key: str, value: bytes) -> None:
        self.memory[key] = value

    async def commands(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}
