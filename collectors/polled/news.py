"""What an ACD says anew: most of what is asked every few seconds is as it was, and need not fill the event log."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.events import IntervalTotals, QueueObserved
from collectors.polled.quarters import QUARTER_MS

REPEAT_MS = 30_000
"""The same look is told again after so long, so that whoever reads the log sees that somebody still looks."""
TREMBLE_MS = 1_500
"""A contact's age is told in whole seconds, and some time after it was taken: by so much the beginning of a wait may seem to move."""


class Looks:
    """The last look at each queue."""

    def __init__(self) -> None:
        self._told: dict[str, QueueObserved] = {}

    def last(self, queue: str) -> QueueObserved | None:
        """What was told of a queue last."""
        return self._told.get(queue)

    def news(self, looks: Iterable[QueueObserved]) -> list[QueueObserved]:
        """Those that say something else than the last one of the same queue, or the same after a while."""
        news = [look for look in looks if self._is_news(look)]
        self._told.update((look.queue, look) for look in news)
        return news

    def _is_news(self, look: QueueObserved) -> bool:
        last = self._told.get(look.queue)
        if last is None or look.at - last.at >= REPEAT_MS:
            return True
        if look.at <= last.at:
            return False
        told = (look.waiting, look.agents, look.totals, look.since)
        return told != (last.waiting, last.agents, last.totals, last.since) or _began(look) != _began(last, look)


def _began(look: QueueObserved, like: QueueObserved | None = None) -> int | None:
    """Since when the oldest waits; that of ``like`` where the two differ by no more than the clocks' tremble."""
    if look.longest_wait_ms is None:
        return None
    began = look.at - look.longest_wait_ms
    if like is not None and like.longest_wait_ms is not None:
        other = like.at - like.longest_wait_ms
        return other if abs(other - began) <= TREMBLE_MS else began
    return began


class Accounts:
    """The last account of each queue and quarter that may still change."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, int], IntervalTotals] = {}

    def knows(self, account: IntervalTotals) -> bool:
        """Whether something was told of this queue and quarter."""
        return (account.queue, account.start) in self._told

    def news(self, accounts: Iterable[IntervalTotals]) -> list[IntervalTotals]:
        """Those that say something else than before, and of a quarter's first look also that nothing happened."""
        news = []
        for account in accounts:
            key = (account.queue, account.start)
            last = self._told.get(key)
            if last is None or _said(last) != _said(account):
                self._told[key] = account
                news.append(account)
        return news

    def forget(self, before: int) -> None:
        """Quarters that began before are settled."""
        self._told = {key: account for key, account in self._told.items() if key[1] >= before - QUARTER_MS}


def _said(account: IntervalTotals) -> tuple[object, ...]:
    counters = {name: value for name, value in account.counters.items() if value}
    return counters, account.answered_waits, account.abandoned_waits
