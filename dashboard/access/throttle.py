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
    """Counts failures per key; after ``free``, each further one doubles the wait. Forgets the oldest keys first."""

    def __init__(self, free: int = FREE) -> None:
        self._free = free
        self._failed: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def wait_ms(self, key: str, now_ms: int) -> int:
        """How long ``key`` has to wait before its next try; 0: now."""
        count, last = self._failed.get(key, (0, 0))
        if count < self._free or now_ms - last > WINDOW_MS:
            return 0
        wait = min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(count - self._free, 20))
        return max(0, last + wait - now_ms)

    def failed(self, key: str, now_ms: int) -> None:
        count, last = self._failed.pop(key, (0, 0))
        self._failed[key] = (1 if now_ms - last > WINDOW_MS else count + 1, now_ms)
        if len(self._failed) > MOST_KEPT:
            self._failed.popitem(last=False)

    def passed(self, key: str) -> None:
        self._failed.pop(key, None)
