"""A floor with its books open: everything that it books is added up, and the books are checked after every single event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from collectors import events as e
from operations.floor.agents import AWAY, Agent, queues_of
from operations.floor.aggregates import Account, Observed
from operations.floor.counters import OUTCOMES, Counters, total
from operations.floor.floor import Floor
from operations.floor.visits import History

T0 = 1_795_320_000_000
"""2026-11-22T04:00:00Z, a whole hour."""
S = 1_000
MIN = 60_000


class Ledger:
    """One source. ``tell`` applies events and proves conservation after each."""

    def __init__(self, floor: Floor | None = None, cells: dict[tuple[str, int], Counters] | None = None) -> None:
        self.floor = floor or Floor()
        self.cells = cells if cells is not None else {}
        self.replaced: dict[tuple[str, int], Counters] = {}

    def tell(self, *events: e.AnyEvent) -> Ledger:
        for event in events:
            self.floor.apply(event)
            self.check()
        return self

    def advance(self, now_ms: int) -> Ledger:
        self.floor.advance(now_ms)
        self.check()
        return self

    def check(self) -> None:
        delta, replaced = self.floor.drain()
        self.replaced.update(replaced)
        rows = set()
        for (row, minute), change in delta.items():
            cell = self.cells.setdefault((row, minute), Counters({}, {}, {}))
            cell.add(change)
            rows.add(row)
            for counts in (cell.n, cell.answered_waits, cell.abandoned_waits):
                negative = {name: value for name, value in counts.items() if value < 0}
                assert not negative, (row, minute, negative)
        for row in rows:
            if queues_of(row) is None:
                self.conserves(row)

    def conserves(self, queue: str) -> None:
        sums = self[queue]
        waiting = len(self.floor.waiting.get(queue, {}))
        assert sums.get("offered") == sum(sums.get(name) for name in OUTCOMES) + waiting, (queue, sums, waiting)
        assert sum(sums.answered_waits.values()) == sums.get("answered")
        assert sum(sums.abandoned_waits.values()) == sums.get("abandoned")
        assert sums.get("handled") <= sums.get("answered")

    def __getitem__(self, row: str) -> Counters:
        return total(cell for (name, _), cell in self.cells.items() if name == row)

    def counts(self, queue: str = "q") -> dict[str, int]:
        """What is not zero, and who waits."""
        waiting = len(self.floor.waiting.get(queue, {}))
        return dict(sorted(self[queue].n.items())) | ({"waiting": waiting} if waiting else {})

    def booked(self) -> dict[tuple[str, int], Counters]:
        """Every cell that holds something: two ledgers with equal ones agree bit for bit."""
        return {key: cell for key, cell in self.cells.items() if cell}

    def saved(self) -> Ledger:
        """A ledger that goes on from what a store would have kept of this one, through JSON as there."""
        floor = Floor()
        floor.restore(
            [_through_json(history, History) for history in self.floor.visits.values()],
            [_through_json(agent, Agent) for agent in self.floor.agents.values()],
            {name: _through_json(seen, Observed) for name, seen in self.floor.observed.items()},
            dict(self.floor.reports),
            {quarter: _through_json(cell, Account) for quarter, cell in self.floor.told.items()},
        )
        floor.clock, floor.booked_to, floor.live_since = self.floor.clock, self.floor.booked_to, self.floor.live_since
        return Ledger(floor, {key: cell.copy() for key, cell in self.cells.items()})


def _through_json(value: Any, kind: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value), type=kind)


def agent_seconds(cells: dict[tuple[str, int], Counters]) -> Counters:
    """Σ over all groups, checked: the conditions add up to signed in, minute by minute."""
    groups = {key: cell for key, cell in cells.items() if queues_of(key[0]) is not None}
    for cell in groups.values():
        parts = sum(
            cell.get(name) for name in ("available_ms", "ringing_ms", "on_contact_ms", "wrap_up_ms", "paused_ms")
        )
        assert parts == cell.get("logged_in_ms")
    return total(groups.values())


def at(seconds: float) -> int:
    return T0 + round(seconds * S)


def snapshot(
    seconds: float,
    waiting: Iterable[tuple[str, float]] = (),
    *,
    queue: str = "q",
    asked: float | None = None,
    agents: Iterable[e.SeenAgent] = (),
    unwatched: float | None = None,
) -> e.Snapshot:
    """A snapshot of one queue: ``waiting`` as (contact, seconds at which it entered)."""
    return e.Snapshot(
        at(seconds),
        at(seconds if asked is None else asked),
        [queue],
        [e.WaitingContact(queue, contact, at(entered)) for contact, entered in waiting],
        list(agents),
        unwatched_since=None if unwatched is None else at(unwatched),
    )


__all__ = ["AWAY", "MIN", "S", "T0", "Ledger", "agent_seconds", "at", "snapshot"]
