"""The formulas of the KPI catalogue: pure functions of summed counters and the project's contract.

A ratio is never averaged; its parts are summed and divided here, once. Each formula returns a ``Result``; no value comes
with the code of its reason. Symbols as in ``docs/kpis.md``: A answered, B abandoned, F flow-outs, S short abandons, T the threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from operations.floor.counters import FLOW_OUTS, Counters, Outcome, in_time, waits_told

NO_CONTACTS, NOT_REPORTED = "no_contacts", "not_reported"

N = TypeVar("N", int, Any)


class ServiceLevelRule(Protocol):
    """What a service-level formula needs of the contract; see ``operations.projects.contract.ServiceLevel``."""

    @property
    def within_s(self) -> int: ...
    @property
    def abandons(self) -> str: ...
    @property
    def flow_outs(self) -> str: ...
    @property
    def waiting_past_threshold(self) -> bool: ...
    @property
    def at(self) -> str: ...


class Terms(Protocol):
    """The part of a contract that changes how a number is computed."""

    @property
    def service_level(self) -> ServiceLevelRule: ...
    @property
    def short_abandon_s(self) -> int: ...


class Result(NamedTuple):
    """A value (None: there is none, ``why`` says so), and how many contacts (or surveys, …) it rests on."""

    value: float | None
    sample: int | None
    why: str = ""


Formula = Callable[[Counters, Terms, int], Result]
"""(counters of the window, contract, contacts waiting beyond T now) → result."""


def flow_outs(c: Counters) -> int:
    return sum(c.get(name) for name in FLOW_OUTS)


def short_abandons(c: Counters, terms: Terms) -> int:
    """S: abandons that waited less than ``short_abandon_s`` seconds."""
    return in_time(c, "abandoned", terms.short_abandon_s, "<") if terms.short_abandon_s else 0


def _share(part: int, whole: int, sample: int, *, why: str = NO_CONTACTS) -> Result:
    """100 · part / whole, on the scale from 0 to 100.

    An ACD that settles its accounts downwards books a correction in the minute of the news: over a short window it may stand without what it
    corrects, so that a part is below nothing or beyond its whole. A whole that is none, or less, is nothing that happened.
    """
    value = 100 * min(max(0, part), whole) / whole if whole > 0 else None
    return Result(value, max(0, sample), "" if whole > 0 else why)


def _mean(total: int, n: int, sample: int, *, why: str = NO_CONTACTS) -> Result:
    """total / n, never below 0; see ``_share``."""
    return Result(max(0, total) / n if n > 0 else None, max(0, sample), "" if n > 0 else why)


def waits_unknown(c: Counters, outcome: Outcome, seconds: int) -> bool:
    """Whether somebody was counted of whom the ACD did not tell if the wait was longer than ``seconds``: missing is not zero."""
    return waits_told(c, outcome, seconds) < c.get(outcome)


def waits_missing(c: Counters, terms: Terms) -> bool:
    """Whether a wait that the contract's rule asks for was not told, so that nobody knows who was in time."""
    rule = terms.service_level
    if waits_unknown(c, "answered", rule.within_s):
        return True
    if rule.abandons in ("ignore_within", "hit_within"):
        return waits_unknown(c, "abandoned", rule.within_s)
    if rule.abandons == "exclude_short" and terms.short_abandon_s:
        return waits_unknown(c, "abandoned", terms.short_abandon_s)
    return False


def service_level_parts(c: Counters, terms: Terms, waiting_late: int = 0) -> tuple[int, int]:
    """(contacts in time, contacts that count) under the contract's rule.

    ``waiting_late``: contacts that wait now beyond T; they count as misses when the contract says so.
    Sources: UCCX/UCCE service-level types (negative, ignored, positive), Asterisk's ServicelevelPerf and Perf2,
    Genesys' and Talkdesk's exclusion of short abandons; 公式一 to 公式四 of the Chinese trade.
    """
    rule = terms.service_level
    hits, whole = by_rule(
        rule,
        answered=c.get("answered"),
        abandoned=c.get("abandoned"),
        in_time=in_time(c, "answered", rule.within_s, rule.at),
        abandoned_in_time=in_time(c, "abandoned", rule.within_s, rule.at) if rule.abandons.endswith("_within") else 0,
        short=short_abandons(c, terms),
        flow_outs=flow_outs(c) if rule.flow_outs == "miss" else 0,
    )
    if rule.waiting_past_threshold:
        whole += waiting_late
    whole = max(0, whole)  # a correction without what it corrects; see ``_share``
    return min(max(0, hits), whole), whole


def by_rule(
    rule: ServiceLevelRule,
    *,
    answered: N,
    abandoned: N,
    in_time: N,
    abandoned_in_time: N,
    short: N,
    flow_outs: N,
) -> tuple[N, N]:
    """(contacts in time, contacts that count) from sums; of numbers, or of whole columns of them at once."""
    hits, whole = in_time, answered + abandoned
    if rule.abandons == "ignore_within":
        whole = whole - abandoned_in_time
    elif rule.abandons == "hit_within":
        hits = hits + abandoned_in_time
    elif rule.abandons == "exclude":
        whole = answered
    elif rule.abandons == "exclude_short":
        whole = whole - short
    if rule.flow_outs == "miss":
        whole = whole + flow_outs
    return hits, whole


def service_level(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """In time / counted, by the contract's rule."""
    if waits_missing(c, terms):
        return Result(None, 0, NOT_REPORTED)
    hits, whole = service_level_parts(c, terms, waiting_late)
    return _share(hits, whole, whole)


def answer_rate(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """A / (A + B + F), 接通率."""
    whole = c.get("answered") + c.get("abandoned") + flow_outs(c)
    return _share(c.get("answered"), whole, whole)


def abandon_rate(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """(B − S) / (A + B + F − S)."""
    if terms.short_abandon_s and waits_unknown(c, "abandoned", terms.short_abandon_s):
        return Result(None, 0, NOT_REPORTED)
    short = short_abandons(c, terms)
    whole = c.get("answered") + c.get("abandoned") + flow_outs(c) - short
    return _share(c.get("abandoned") - short, whole, whole)


def counted(name: str) -> Formula:
    """A counter as it stands. Its sample is what was offered, so that a 0 says whether anything happened.

    An ACD that corrects itself downwards after the fact does so in the minute of the news: a short window may then hold the
    correction without what it corrects, and shows 0.
    """

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        value = max(0, c.get(name))
        return Result(value, max(0, c.get("offered")) or value)

    return formula


def reported(name: str, why: str) -> Formula:
    """A counter that only a report can raise: without any report there is no value, not a zero."""

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        value = c.get(name)
        return Result(value, value) if value > 0 else Result(None, 0, why)

    return formula


def mean_s(parts: tuple[str, ...], per: str, why: str = NO_CONTACTS) -> Formula:
    """Σ of durations (ms) / a counter, in seconds."""

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        n = c.get(per)
        return _mean(sum(c.get(part) for part in parts), 1000 * n, n, why=why)

    return formula


def speed_of_answer(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """Σ wait of answered / A, in seconds; queue and ring."""
    answered, waited = c.get("answered"), c.get("answered_wait_ms")
    if answered and not waited and sum(c.answered_waits.values()) < answered:
        return Result(None, 0, NOT_REPORTED)
    return _mean(waited, 1000 * answered, answered)


def longest_wait(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """The longest wait that ended in the window, answered or abandoned, in seconds, rounded up to the whole second.

    Nobody knows it while a single wait is not told: of a sum, or of those beyond a threshold, none is the longest.
    """
    ended = c.get("answered") + c.get("abandoned")
    if sum(c.answered_waits.values()) + sum(c.abandoned_waits.values()) < ended:
        return Result(None, 0, NOT_REPORTED)
    slots = [
        slot for waits in (c.answered_waits, c.abandoned_waits) for slot, contacts in waits.items() if contacts > 0
    ]
    return Result((max(slots) + 1) // 2, max(0, ended)) if slots else Result(None, 0, NO_CONTACTS)


def share(part: str, whole: str, why: str = NO_CONTACTS) -> Formula:
    """100 · part / whole."""

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        n = c.get(whole)
        return _share(c.get(part), n, n, why=why)

    return formula


def mean(part: str, n: str, why: str) -> Formula:
    """Σ / n."""

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        return _mean(c.get(part), c.get(n), c.get(n), why=why)

    return formula


_WORK = ("on_contact_ms", "ringing_ms", "wrap_up_ms")


def occupancy(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """(on_contact + ringing + wrap_up) / (that + available), agent-seconds."""
    work = sum(c.get(name) for name in _WORK)
    return _share(work, work + c.get("available_ms"), c.get("handled"), why="no_agent_time")


def utilisation(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """(on_contact + ringing + wrap_up) / logged_in, agent-seconds."""
    return _share(sum(c.get(n) for n in _WORK), c.get("logged_in_ms"), c.get("handled"), why="no_agent_time")
