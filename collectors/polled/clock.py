"""How far an ACD's clock is off ours, measured from the times that it puts on its answers."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from collectors.collector import Link

SHOWN_MS = 2_000
"""A difference below this may be the answer's way, or the second to which the time is rounded: nothing is corrected then."""
KEPT = 20


class AcdClock:
    """One ACD's clock. The best of the last answers counts: the one that was under way for the shortest time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._seen: list[tuple[int, int]] = []
        self.skew_ms = 0
        """ACD's clock minus ours, in milliseconds; 0 while it is too small to tell."""

    def told(self, acd_ms: int, asked_at: int, answered_at: int, *, rounded_ms: int = 0) -> None:
        """The ACD said that it was ``acd_ms`` (rounded down to ``rounded_ms``) between the question and the answer."""
        skew = acd_ms + rounded_ms // 2 - (asked_at + answered_at) // 2
        self._seen = [*self._seen[1 - KEPT :], (answered_at - asked_at, skew)]
        best = min(self._seen, key=lambda seen: seen[0])[1]
        self.skew_ms = best if abs(best) > SHOWN_MS else 0
        self._link.note(clock_skew_ms=best)

    def http_date(self, date: str | None, asked_at: int, answered_at: int) -> None:
        """The same from an answer's ``Date`` header; one that is missing or no date says nothing."""
        if not date:
            return
        try:
            told = parsedate_to_datetime(date)
            acd_ms = int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000)
        except (ValueError, OverflowError):
            return
        self.told(acd_ms, asked_at, answered_at, rounded_ms=1000)

    def ours(self, acd_ms: int) -> int:
        """A time of the ACD's on our clock."""
        return acd_ms - self.skew_ms
