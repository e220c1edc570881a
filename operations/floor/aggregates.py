"""What is told in sums: the polled queues of an ACD, and its own accounts of quarters of an hour. Pure; ``Floor`` books it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from collectors import events as e
from operations.floor.counters import Counters, from_pairs


class Observed(msgspec.Struct):
    """What a polled ACD last showed of one queue."""

    at: int
    waiting: int | None = None
    longest_since: int | None = None
    agents: dict[str, int] | None = None
    totals: dict[str, int] = {}
    since: int | None = None
    counts_waiting: bool = False
    """Whether this or an earlier look told who waits: from then on a look that does not leaves it unknown."""
    counts_agents: bool = False
    """The same of how many people there are."""


def observed(before: Observed | None, event: e.QueueObserved) -> Observed:
    """A look, as it is kept until the next one. A total that it does not name stands: what comes until it is named again is counted then."""
    longest = None if event.longest_wait_ms is None else event.at - event.longest_wait_ms
    waiting = event.waiting is not None or (before is not None and before.counts_waiting)
    agents = event.agents is not None or (before is not None and before.counts_agents)
    totals, since = dict(event.totals), event.since
    if before is not None and not _counts_anew(before, event):
        totals, since = before.totals | totals, before.since if since is None else since
    return Observed(event.at, event.waiting, longest, event.agents, totals, since, waiting, agents)


def _counts_anew(before: Observed, event: e.QueueObserved) -> bool:
    return event.since is not None and before.since is not None and event.since > before.since


def growth(before: Observed | None, event: e.QueueObserved) -> Iterator[tuple[str, int]]:
    """(counter, what came since the look before). The first look tells nothing; a counter that fell was reset to zero in between."""
    if before is None:
        return
    anew = _counts_anew(before, event)
    for name, value in event.totals.items():
        known = 0 if anew else before.totals.get(name)
        if known is None:
            continue
        grown = value - known if value >= known else value
        if grown > 0:
            yield name, grown


class Account(Counters):
    """What the ACD's own account of one quarter said last. ``at``: when that was true; 0 in what an older version saved."""

    at: int = 0


def told(event: e.IntervalTotals) -> Account:
    """The account of one quarter as a cell."""
    return Account(
        {name: value for name, value in event.counters.items() if value},
        from_pairs(event.answered_waits),
        from_pairs(event.abandoned_waits),
        at=event.at,
    )
