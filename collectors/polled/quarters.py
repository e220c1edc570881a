"""Which quarters of an hour a polled ACD is to be asked about, so that nothing is left out and nothing asked for ever."""

from __future__ import annotations

import json

from collectors.collector import Link

QUARTER_MS = 900_000
KEY = "quarters"


class Quarters:
    """Remembers up to when the ACD's accounts are settled, across sessions and processes.

    ``settle_ms``: how long after its end a quarter's account may still change. ``look_back_ms``: how far back a source that was
    never watched, or not for long, is asked. Accounts replace what was said before, so asking twice is harmless.
    """

    def __init__(self, link: Link, *, settle_ms: int, look_back_ms: int = 23 * 3_600_000) -> None:
        self._link, self._settle_ms, self._look_back_ms = link, settle_ms, look_back_ms
        self._settled_to: int | None = None

    async def recall(self) -> None:
        """Take over what an earlier session remembered."""
        raw = await self._link.recall(KEY)
        try:
            value = json.loads(raw) if raw else None
        except ValueError:
            value = None
        self._settled_to = value if isinstance(value, int) else None

    def due(self, now_ms: int) -> list[int]:
        """The beginnings of the quarters to ask about, oldest first, the one that runs last."""
        running = now_ms - now_ms % QUARTER_MS
        earliest = running - self._look_back_ms // QUARTER_MS * QUARTER_MS
        first = earliest if self._settled_to is None else max(earliest, self._settled_to)
        return list(range(min(first, running), running + QUARTER_MS, QUARTER_MS))

    async def told(self, asked: list[int], asked_at: int) -> None:
        """The accounts of ``asked`` are in the log: those that were settled when asked need not be asked again."""
        settled = [start + QUARTER_MS for start in asked if start + QUARTER_MS + self._settle_ms <= asked_at]
        if settled and (self._settled_to is None or max(settled) > self._settled_to):
            self._settled_to = max(settled)
            await self._link.remember(KEY, json.dumps(self._settled_to).encode())
