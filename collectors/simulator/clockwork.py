"""The heap of things that will happen: what drives a simulated day."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from collectors.events import AnyEvent


class Clockwork:
    """Happenings in the order of their time; of those in the same millisecond, the one that was planned first comes first."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[int, Any], None], Any]] = []
        self._order = 0
        self._out: list[AnyEvent] = []
        """What was told and not yet taken."""

    def advance(self, to_ms: int) -> list[AnyEvent]:
        """Everything that happens up to and including ``to_ms``, in order."""
        heap = self._heap
        while heap and heap[0][0] <= to_ms:
            at, _, happen, what = heappop(heap)
            happen(at, what)
        out, self._out = self._out, []
        return out

    @property
    def next_ms(self) -> int | None:
        """When the next thing happens (which may turn out to be nothing)."""
        return self._heap[0][0] if self._heap else None

    def _at(self, at: int, happen: Callable[[int, Any], None], what: Any) -> None:
        """Plan something: ``happen(at, what)``."""
        self._order += 1
        heappush(self._heap, (at, self._order, happen, what))
