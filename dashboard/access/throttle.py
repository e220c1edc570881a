"""How often somebody may guess."""

from __future__ import annotations

from collections import OrderedDict

FREE = 5
"""Failures within the window that cost nothing but time."""

WINDOW_MS = 15 * 60_000
FIRST_WAIT_MS = 2_000
LONGEST_WAIT_MS = 5 * 60_000
MOST_KEPT = 20_000


class Throttle:
    """Counts failures per key; after ``free``, each further one doubles the wait. Forgets the oldest keys first.

    A key's count begins anew when it has not failed for ``WINDOW_MS``; with ``anew`` that long after its first failure, for
    keys that many share and that therefore never rest.
    """

    def __init__(self, free: int = FREE, *, anew: bool = False) -> None:
        self._free, self._anew = free, anew
        self._failed: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def wait_ms(self, key: str, now_ms: int) -> int:
        """How long ``key`` has to wait before its next try; 0: now."""
        count, last, _ = self._known(key, now_ms)
        if count < self._free:
            return 0
        wait = min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(count - self._free, 20))
        return max(0, last + wait - now_ms)

    def failed(self, key: str, now_ms: int) -> None:
        count, _, first = self._known(key, now_ms)
        self._failed.pop(key, None)
        self._failed[key] = (count + 1, now_ms, first)
        if len(self._failed) > MOST_KEPT:
            self._failed.popitem(last=False)

    def passed(self, key: str) -> None:
        self._failed.pop(key, None)

    def _known(self, key: str, now_ms: int) -> tuple[int, int, int]:
        """Failures that still count, and the moments of the last and of the first one."""
        count, last, first = self._failed.get(key, (0, now_ms, now_ms))
        over = now_ms - (first if self._anew else last) > WINDOW_MS
        return (0, now_ms, now_ms) if over else (count, last, first)
