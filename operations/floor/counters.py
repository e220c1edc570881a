"""Counters that add up: over minutes to an interval, a day, a month; over queues to a project.

Every value is an integer (contacts, or milliseconds for durations), so sums are exact in any order and a
booking can be taken back exactly. The names are those of the KPI documentation; a duration that is documented in
seconds (``talk_s``) is kept in milliseconds (``talk_ms``) and shown in seconds by ``shown``.

The two wait histograms count contacts by *wait slot*: slot ``2·s`` holds waits of exactly ``s`` seconds, slot ``2·s + 1``
those between ``s`` and ``s + 1``. With it "within T seconds" is exact for every whole second T, whether the contract says
``<=`` or ``<``, for an ACD that reports whole seconds as for one that reports milliseconds.

An ACD that keeps the waits to itself and tells only how many were within a threshold of its own books ``answered_within_20s`` and
``answered_beyond_20s`` (likewise ``abandoned_…``) beside ``answered``: exact for that threshold, and for no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeVar

import msgspec

_K = TypeVar("_K", str, int)

MINUTE_MS = 60_000
QUARTER_MS = 900_000
DAY_MS = 86_400_000

OUTCOMES = (
    "answered",
    "abandoned",
    "left_timeout",
    "left_key",
    "left_empty",
    "left_callback",
    "left_other",
    "lost_sight",
)
"""Every way in which a visit to a queue can end; each visit ends in exactly one."""

FLOW_OUTS = ("left_timeout", "left_key", "left_empty", "left_callback", "left_other")

Outcome = Literal["answered", "abandoned"]
"""The outcomes of which the wait matters."""

AGENT_TIMES = ("available_ms", "ringing_ms", "on_contact_ms", "wrap_up_ms", "paused_ms", "logged_in_ms")
"""Time of people, booked per set of queues that they serve; see ``operations.floor.agents``."""


def wait_slot(wait_ms: int) -> int:
    """The histogram slot of a wait in milliseconds; negative waits (clock noise) count as zero."""
    if wait_ms <= 0:
        return 0
    whole, rest = divmod(wait_ms, 1000)
    return 2 * whole + (1 if rest else 0)


class Counters(msgspec.Struct, omit_defaults=True):
    """One cell: what happened in one queue (or to one group of agents) in one stretch of time."""

    n: dict[str, int] = {}
    answered_waits: dict[int, int] = {}
    abandoned_waits: dict[int, int] = {}
    imported: bool = False
    """The ACD's own account of this stretch: it is whole, and nothing is added to it. A sum does not inherit this."""

    def __bool__(self) -> bool:
        return bool(self.n or self.answered_waits or self.abandoned_waits)

    def get(self, name: str) -> int:
        """The counter, 0 when nothing was booked."""
        return self.n.get(name, 0)

    def add(self, other: Counters, sign: int = 1) -> None:
        """Add (or with ``sign=-1`` take away) another cell; counters that come to zero vanish."""
        _merge(self.n, other.n, sign)
        if other.answered_waits:
            _merge(self.answered_waits, other.answered_waits, sign)
        if other.abandoned_waits:
            _merge(self.abandoned_waits, other.abandoned_waits, sign)

    def copy(self) -> Counters:
        return Counters(dict(self.n), dict(self.answered_waits), dict(self.abandoned_waits))


def _merge(into: dict[_K, int], more: Mapping[_K, int], sign: int) -> None:
    for name, value in more.items():
        total = into.get(name, 0) + sign * value
        if total:
            into[name] = total
        else:
            into.pop(name, None)


def within(waits: Mapping[int, int], seconds: int, at: str = "<=") -> int:
    """Contacts that waited at most (``<=``) or less than (``<``) ``seconds``."""
    limit = 2 * seconds if at == "<=" else 2 * seconds - 1
    return sum(count for slot, count in waits.items() if slot <= limit)


def in_time(c: Counters, outcome: Outcome, seconds: int, at: str = "<=") -> int:
    """Contacts with this outcome that waited at most (``<=``) or less than (``<``) ``seconds``.

    An ACD that tells only how many were within its own threshold counts as it likes at the threshold itself.
    """
    waits = c.answered_waits if outcome == "answered" else c.abandoned_waits
    return within(waits, seconds, at) + c.get(f"{outcome}_within_{seconds}s")


def waits_told(c: Counters, outcome: Outcome, seconds: int) -> int:
    """Of how many contacts with this outcome it is known whether they waited longer than ``seconds``."""
    waits = c.answered_waits if outcome == "answered" else c.abandoned_waits
    return sum(waits.values()) + c.get(f"{outcome}_within_{seconds}s") + c.get(f"{outcome}_beyond_{seconds}s")


def from_pairs(waits: Iterable[tuple[int, int]]) -> dict[int, int]:
    """[wait_ms, contacts] pairs as a histogram by slot."""
    histogram: dict[int, int] = {}
    for wait_ms, count in waits:
        slot = wait_slot(wait_ms)
        histogram[slot] = histogram.get(slot, 0) + count
    return histogram


def total(cells: Iterable[Counters]) -> Counters:
    """The sum of many cells, as a new one."""
    result = Counters()
    for cell in cells:
        result.add(cell)
    return result


SHOWN = (
    *("offered", "answered", "abandoned", *FLOW_OUTS, "lost_sight"),
    *("handled", "talk_s", "hold_s", "wrap_s", "ring_s", "held", "transferred", "rang_no_answer", "answered_wait_s"),
    *("available_s", "ringing_s", "on_contact_s", "wrap_up_s", "paused_s", "logged_in_s"),
)
"""The counters that an answer always carries, in this order; others appear when something was booked."""


def shown(cell: Counters) -> dict[str, float]:
    """The cell by documented names, durations in seconds: ``{"offered": 12, "talk_s": 1830.5, …}``."""
    numbers: dict[str, float] = dict.fromkeys(SHOWN, 0)
    for name, value in cell.n.items():
        head, _, tail = name.partition(":")
        if head.endswith("_ms"):
            seconds = value / 1000
            numbers[head[:-3] + "_s" + (":" + tail if tail else "")] = int(seconds) if seconds.is_integer() else seconds
        else:
            numbers[name] = value
    return numbers
