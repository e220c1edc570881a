"""From events to quarter hours: what the centre's own log would say of intervals that were over before anybody watched.

Booked as kpis.md's counters are: an offer when the contact enters, an outcome when it happens, work when it ends.
The time of people is booked with the queue that they serve first, so that it adds up over queues without counting anybody twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from collectors import events as e

QUARTER_MS = 900_000

Key = tuple[str, int]
Booking = tuple[int, str, int]
"""(when, counter, how much)."""


class Tally:
    """Counts events. Give it everything that happens, in order; ``homes``: each person's first queue."""

    def __init__(self, homes: dict[str, str]) -> None:
        self._homes = homes
        self._counts: dict[Key, Counter[str]] = {}
        self._answered: dict[Key, Counter[int]] = {}
        self._abandoned: dict[Key, Counter[int]] = {}
        self._visits: dict[tuple[str, str], list[Booking]] = {}
        """What contacts that are still there have done."""
        self._doing: dict[str, e.AgentChanged] = {}
        self._booked: dict[str, int] = {}
        """Up to when each person's time is booked."""
        self._by_type: dict[type, Callable[[Any], None]] = {
            e.ContactEntered: self._entered,
            e.ContactRangNoAnswer: lambda event: self._book(event.queue, event.at, "rang_no_answer", 1),
            e.ContactAnswered: self._was_answered,
            e.ContactCompleted: self._completed,
            e.ContactAbandoned: self._was_abandoned,
            e.ContactLeft: self._left,
            e.AgentChanged: self._changed,
        }

    def add(self, events: list[e.AnyEvent]) -> None:
        by_type = self._by_type
        for event in events:
            count = by_type.get(type(event))
            if count is not None:
                count(event)

    def take(self, from_ms: int, to_ms: int) -> list[e.IntervalTotals]:
        """Every quarter hour of every queue that lies whole within the stretch, in order of time; what lies before is forgotten.

        What a contact that is not over yet did before ``to_ms`` is told; the rest is told with what comes later, by quarter hours or by events.
        """
        for (queue, _), bookings in self._visits.items():
            self._enter(queue, [booking for booking in bookings if booking[0] < to_ms])
            bookings[:] = [booking for booking in bookings if booking[0] >= to_ms]
        totals = []
        for queue, start in sorted(self._counts, key=lambda key: (key[1], key[0])):
            if start + QUARTER_MS > to_ms:
                break
            key = (queue, start)
            counts = self._counts.pop(key)
            answered = self._answered.pop(key, Counter())
            abandoned = self._abandoned.pop(key, Counter())
            if start >= from_ms:
                totals.append(
                    e.IntervalTotals(
                        start + QUARTER_MS,
                        queue,
                        start,
                        dict(counts),
                        sorted(answered.items()),
                        sorted(abandoned.items()),
                    )
                )
        return totals

    def book_time(self, until_ms: int) -> None:
        """Book what everybody has been doing up to now; later calls go on from there."""
        for agent, doing in self._doing.items():
            self._spend(agent, doing, until_ms)

    def _book(self, queue: str, at: int, name: str, amount: int) -> None:
        key = (queue, at - at % QUARTER_MS)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = Counter()
        counts[name] += amount

    # ── contacts ──────────────────────────────────────────────────────────────────────────────────

    def _entered(self, event: e.ContactEntered) -> None:
        self._visits[(event.queue, event.contact)] = [(event.at, "offered", 1)]

    def _was_answered(self, event: e.ContactAnswered) -> None:
        visit = self._visits.get((event.queue, event.contact))
        if visit is not None:
            visit += [
                (event.at, "answered", 1),
                (event.at, "answered_wait_ms", event.wait_ms or 0),
                (event.at, "ring_ms", event.ring_ms or 0),
            ]

    def _completed(self, event: e.ContactCompleted) -> None:
        work: list[Booking] = [(event.at, "handled", 1), (event.at, "talk_ms", event.talk_ms or 0)]
        if event.hold_ms:
            work += [(event.at, "hold_ms", event.hold_ms), (event.at, "held", 1)]
        if event.transferred:
            work.append((event.at, "transferred", 1))
        self._over(event, work)

    def _was_abandoned(self, event: e.ContactAbandoned) -> None:
        if self._over(event, [(event.at, "abandoned", 1)]):
            key = (event.queue, event.at - event.at % QUARTER_MS)
            self._abandoned.setdefault(key, Counter())[_slot(event.wait_ms or 0)] += 1

    def _left(self, event: e.ContactLeft) -> None:
        self._over(event, [(event.at, f"left_{event.why}", 1)])

    def _over(self, event: e.ContactCompleted | e.ContactAbandoned | e.ContactLeft, bookings: list[Booking]) -> bool:
        before = self._visits.pop((event.queue, event.contact), None)
        if before is None:
            return False  # it began before the start, and somebody else counts it
        self._enter(event.queue, before + bookings)
        return True

    def _enter(self, queue: str, bookings: list[Booking]) -> None:
        for at, name, amount in bookings:
            if name == "answered_wait_ms":
                key = (queue, at - at % QUARTER_MS)
                self._answered.setdefault(key, Counter())[_slot(amount)] += 1
            self._book(queue, at, name, amount)

    # ── people ────────────────────────────────────────────────────────────────────────────────────

    def _changed(self, event: e.AgentChanged) -> None:
        before = self._doing.get(event.agent)
        if before is not None:
            self._spend(event.agent, before, event.at)
            if before.condition == "wrap_up":
                self._book(before.queue, event.at, "wrap_ms", event.at - before.at)
        self._doing[event.agent] = event
        self._booked[event.agent] = event.at

    def _spend(self, agent: str, doing: e.AgentChanged, until: int) -> None:
        at = self._booked[agent]
        self._booked[agent] = max(at, until)
        if doing.condition in ("logged_out", "unknown"):
            return
        names = [f"{doing.condition}_ms", "logged_in_ms"]
        if doing.condition == "paused" and doing.reason:
            names.append(f"paused_ms:{doing.reason}")
        while at < until:
            upto = min(until, at - at % QUARTER_MS + QUARTER_MS)
            for name in names:
                self._book(self._homes[agent], at, name, upto - at)
            at = upto


def _slot(wait_ms: int) -> int:
    """Waits of exactly s seconds stay apart from those between s and s + 1: enough for every threshold, and a tenth of the pairs."""
    whole, rest = divmod(wait_ms, 1000)
    return whole * 1000 + (500 if rest else 0)
