"""What an ACD says anew: most of what is asked every few seconds is as it was, and need not fill the event log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from collectors.collector import Link
from collectors.events import IntervalTotals, QueueObserved
from collectors.polled.quarters import QUARTER_MS

REPEAT_MS = 30_000
"""The same look is told again after so long, so that whoever reads the log sees that somebody still looks."""
TREMBLE_MS = 1_500
"""A contact's age is told in whole seconds, and some time after it was taken: by so much the beginning of a wait may seem to move."""

SHOWN = "looks.queues"
"""Under this key the names of the queues that were shown last are remembered."""


class Looks:
    """The last look at each queue. ``tremble_ms``: by so much the beginning of the longest wait may move and is no news."""

    def __init__(self, tremble_ms: int = TREMBLE_MS) -> None:
        self._told: dict[str, QueueObserved] = {}
        self._tremble_ms = tremble_ms

    def news(self, looks: Iterable[QueueObserved]) -> list[QueueObserved]:
        """Those that say something else than the last one of the same queue, or the same after a while."""
        news = [look for look in looks if self._is_news(look)]
        self._told.update((look.queue, look) for look in news)
        return news

    def gone(self, shown: Collection[str], at: int) -> list[QueueObserved]:
        """A look for each queue that was told and is not among those shown now: nothing of its present is known."""
        gone = [queue for queue in self._told if queue not in shown]
        for queue in gone:
            del self._told[queue]
        return [QueueObserved(at, queue) for queue in gone]

    def _is_news(self, look: QueueObserved) -> bool:
        last = self._told.get(look.queue)
        if last is None or look.at - last.at >= REPEAT_MS:
            return True
        if look.at <= last.at:
            return False
        told = (look.waiting, look.agents, look.totals, look.since)
        return told != (last.waiting, last.agents, last.totals, last.since) or not self._same_wait(look, last)

    def _same_wait(self, look: QueueObserved, last: QueueObserved) -> bool:
        if look.longest_wait_ms is None or last.longest_wait_ms is None:
            return look.longest_wait_ms == last.longest_wait_ms
        moved = (look.at - look.longest_wait_ms) - (last.at - last.longest_wait_ms)
        return abs(moved) <= self._tremble_ms


class WholeLooks:
    """Looks of an ACD that shows all of its queues in each answer: of one that is left out its present is no longer known.

    The names last until the next session, since a queue may go while nobody asks.
    """

    def __init__(self, link: Link, tremble_ms: int = TREMBLE_MS) -> None:
        self._link, self._looks = link, Looks(tremble_ms)
        self._names: frozenset[str] | None = None

    async def tell(self, looks: Sequence[QueueObserved], at: int) -> None:
        """Emit what one whole answer of ``at`` shows anew."""
        names = frozenset(look.queue for look in looks)
        if self._names is None:
            self._names = _names(await self._link.recall(SHOWN))
        gone = self._looks.gone(names, at)
        told = {look.queue for look in gone}
        gone += [QueueObserved(at, queue) for queue in sorted(self._names - names - told)]
        await self._link.emit([*self._looks.news(looks), *gone])
        if names != self._names:
            self._names = names
            await self._link.remember(SHOWN, msgspec.json.encode(sorted(names)))


def _names(remembered: bytes | None) -> frozenset[str]:
    try:
        return frozenset(msgspec.json.decode(remembered or b"[]", type=list[str]))
    except msgspec.DecodeError:
        return frozenset()


class Accounts:
    """The last account of each queue and quarter that may still change."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, int], IntervalTotals] = {}

    def knows(self, account: IntervalTotals) -> bool:
        """Whether something was told of this queue and quarter."""
        return (account.queue, account.start) in self._told

    def news(self, accounts: Iterable[IntervalTotals]) -> list[IntervalTotals]:
        """Those that say something else than before, and of a quarter's first look also that nothing happened.

        A counter that an account does not name (its number was refused, say) stays as it was told: an account takes the place of the
        one before, and what it left out would count as taken back. That nothing happened is said by zeros.
        """
        news = []
        for account in accounts:
            key = (account.queue, account.start)
            last = self._told.get(key)
            if last is not None:
                account = msgspec.structs.replace(account, counters=last.counters | account.counters)
            if last is None or _said(last) != _said(account):
                self._told[key] = account
                news.append(account)
        return news

    def emptied(
        self, queues: Iterable[str], quarters: Iterable[int], seen: Collection[tuple[str, int]], now_ms: int
    ) -> list[IntervalTotals]:
        """News of a whole answer for ``queues`` and ``quarters`` that has only ``seen``: what was counted elsewhere, and is no more."""
        asked = [(queue, start) for queue in queues for start in quarters]
        left_out = [self._told[key] for key in asked if key not in seen and key in self._told]
        return self.news(
            IntervalTotals(
                min(now_ms, told.start + QUARTER_MS),
                told.queue,
                told.start,
                dict.fromkeys(told.counters, 0),
                sole=told.sole,
            )
            for told in left_out
        )

    def forget(self, before: int) -> None:
        """Quarters that began before are settled."""
        self._told = {key: account for key, account in self._told.items() if key[1] >= before - QUARTER_MS}


def _said(account: IntervalTotals) -> tuple[object, ...]:
    counters = {name: value for name, value in account.counters.items() if value}
    return counters, account.answered_waits, account.abandoned_waits
