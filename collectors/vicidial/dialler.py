"""VICIdial's outbound calls, counted in the database by the quarter of an hour: dialled, answered by a person, dropped, succeeded."""

from __future__ import annotations

from collectors.collector import Link
from collectors.events import AnyEvent, IntervalTotals
from collectors.polled.database import Database
from collectors.polled.quarters import QUARTER_MS, Quarters
from collectors.vicidial import statements
from collectors.vicidial.floor import Floor
from collectors.vicidial.translate import Statuses, outbound

SETTLE_MS = 30 * 60_000
"""So long after its quarter a call may still get the status that its agent gives it."""
QUARTERS_AT_ONCE = 4
STATUSES_EVERY_MS = 60_000


class Dialler:
    """One session's questions about outbound calls."""

    def __init__(self, link: Link, database: Database, floor: Floor) -> None:
        self._link, self._database, self._floor = link, database, floor
        self._quarters = Quarters(link, settle_ms=SETTLE_MS)
        self._statuses = Statuses([])
        self._statuses_at = -STATUSES_EVERY_MS
        self._said: dict[tuple[str, int], dict[str, int]] = {}

    async def begin(self) -> None:
        """Where an earlier session stood."""
        await self._quarters.recall()

    async def look(self) -> None:
        """Ask about every quarter that may have changed, and tell what did."""
        now = self._link.now_ms()
        if now - self._statuses_at >= STATUSES_EVERY_MS:
            rows = (await self._database.ask(statements.STATUSES)).by_name()
            rows += (await self._database.ask(statements.CAMPAIGN_STATUSES)).by_name()
            self._statuses, self._statuses_at = Statuses(rows), now
        due = self._quarters.due(now)
        for first in range(0, len(due), QUARTERS_AT_ONCE):
            await self._tell(due[first : first + QUARTERS_AT_ONCE])
        await self._quarters.told(due, now)
        self._said = {key: counters for key, counters in self._said.items() if key[1] >= due[0]}

    async def _tell(self, asked: list[int]) -> None:
        skew_s = round(self._floor.skew_ms / 1000)
        answer = await self._database.ask(
            statements.OUTBOUND,
            skew_s=skew_s,
            first_s=asked[0] // 1000 + skew_s,
            end_s=(asked[-1] + QUARTER_MS) // 1000 + skew_s,
        )
        totals = outbound(answer.by_name(), self._statuses)
        for gone in [key for key in self._said if key[1] in asked and key not in totals]:
            totals[gone] = {}
        now = self._link.now_ms()
        events: list[AnyEvent] = []
        for (campaign, start), counters in sorted(totals.items()):
            if self._floor.wanted(campaign) and self._said.get((campaign, start)) != counters:
                self._said[campaign, start] = counters
                events.append(IntervalTotals(min(now, start + QUARTER_MS), campaign, start, counters, sole=True))
        await self._link.emit(events)
