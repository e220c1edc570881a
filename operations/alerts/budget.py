"""The error budget of a service level, counted in contacts, and the alerts that fire when it burns too fast.

A contract of 80 % over a month allows one miss in five: ``(1 − goal) × volume`` misses are the budget. A rule watches how much of it a
stretch of time uses up: using the fraction ``f`` of the budget within ``w`` hours of a period that is open for ``P`` hours is a *burn* of
``f × P / w`` (1 = the budget lasts exactly to the end), which shows as a share of misses of ``burn × (1 − goal)`` in that stretch. A second, short
stretch (a twelfth) must burn too, so that the alert ends soon after the trouble does. After "multiwindow, multi-burn-rate alerts" in Google's SRE
workbook, chapter 5, with open hours in place of clock hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from operations.alerts.evaluate import Reading
from operations.alerts.rules import CRITICAL, WARNING, Rule
from operations.floor.counters import Counters
from operations.kpis.formulas import Terms, service_level_parts, waits_missing
from operations.kpis.reasons import REASONS
from operations.projects.contract import Contract, Project, Target
from operations.texts import Said, say

PERIOD_WINDOW = {"day": "today", "week": "week", "month": "month"}


@dataclass(frozen=True, slots=True)
class Burn:
    """One row: a fraction of the period's budget within a window. ``short``: the window of a twelfth, whole minutes."""

    period: str
    fraction: float
    hours: float
    window: str
    short: str
    level: int

    @property
    def id(self) -> str:
        return f"budget_{self.period}_{self.window.removeprefix('rolling_')}"


BURNS = (
    Burn("day", 0.10, 0.5, "rolling_30m", "rolling_3m", CRITICAL),
    Burn("day", 0.25, 2, "rolling_120m", "rolling_10m", WARNING),
    Burn("week", 0.05, 1, "rolling_60m", "rolling_5m", CRITICAL),
    Burn("week", 0.15, 6, "rolling_6h", "rolling_30m", WARNING),
    Burn("week", 0.30, 24, "rolling_24h", "rolling_120m", WARNING),
    Burn("month", 0.01, 1, "rolling_60m", "rolling_5m", CRITICAL),
    Burn("month", 0.05, 6, "rolling_6h", "rolling_30m", CRITICAL),
    Burn("month", 0.10, 24, "rolling_24h", "rolling_120m", WARNING),
)
"""The defaults. The most urgent of a period is critical: what burns that fast is felt today."""

LEAST_SAMPLE = 10
"""Contacts that the long window must hold where the target does not say ``min_sample``: one late contact in the morning burns no budget."""

LIKE = 1e-9
"""Shares that differ by less are the same: quotients of whole numbers are not exact."""

WINDOWS = tuple(dict.fromkeys(window for burn in BURNS for window in (burn.window, burn.short)))


class BudgetRule(NamedTuple):
    """A burn that can be reached, for one project on one day. ``misses``: the share of misses in both windows from which on it burns."""

    rule: Rule
    burn: Burn
    misses: float
    min_sample: int


def target_of(contract: Contract) -> Target | None:
    """The service-level goal of the whole project, the first one of the contract."""
    return next(
        (
            t
            for t in contract.targets
            if t.kpi == "service_level_pct" and t.goal and t.queue is None and not t.per_queue
        ),
        None,
    )


def budget_rules(contract: Contract, open_hours: Callable[[str], float]) -> tuple[BudgetRule, ...]:
    """The rules of a contract: those of its period, and of the day when the target itself judges the day.

    ``open_hours``: open hours of the running ``day``, ``week`` or ``month``. A burn above ``1 / (1 − goal)`` cannot be reached (everything missed burns
    no faster), so it makes no rule; one below 1 would fire while the goal is met, so it counts as 1, and what meets the goal does not burn.
    """
    target = target_of(contract)
    if target is None or target.goal is None or target.goal >= 100:
        return ()
    allowed = 1 - target.goal / 100
    windows = {window: period for period, window in PERIOD_WINDOW.items()}
    periods = {contract.service_level.period, windows.get(target.window, contract.service_level.period)}
    rules = []
    for burn in BURNS:
        if burn.period not in periods:
            continue
        hours = open_hours(burn.period)
        rate = max(1.0, burn.fraction * hours / burn.hours)
        if hours <= 0 or rate > 1 / allowed + LIKE:
            continue
        limit = round(100 * (1 - rate * allowed), 6)
        rule = Rule(
            burn.id,
            "budget",
            "service_level_pct",
            burn.window,
            clear_after_ms=60_000,
            limit=limit,
            share=rate * burn.hours / hours,
        )
        misses = max(rate * allowed, allowed + 2 * LIKE)
        rules.append(BudgetRule(rule, burn, misses, target.min_sample or LEAST_SAMPLE))
    return tuple(rules)


def budget_rules_at(project: Project, contract: Contract, now_ms: int) -> tuple[BudgetRule, ...]:
    """The rules of a project's contract on the day that holds ``now_ms``: they change with the open hours of its day, week and month."""
    calendar = project.calendar
    bounds = {"day": calendar.day, "week": calendar.week, "month": calendar.month}
    return budget_rules(contract, lambda period: project.opening.open_seconds(*bounds[period](now_ms)) / 3600)


def read_all(
    rules: Iterable[BudgetRule], sum_of: Callable[[str], Counters], terms: Terms, *, is_open: bool
) -> dict[str, Reading]:
    """The readings of budget rules, by id: over when both windows miss at least the share that burns. Value: the long window's service level."""
    known: dict[str, tuple[int, int]] = {}  # some windows are one rule's long and another's short one

    def parts(window: str) -> tuple[int, int]:
        found = known.get(window)
        if found is None:
            found = known[window] = service_level_parts(sum_of(window), terms)
        return found

    return {rule.rule.id: _read(rule, parts, sum_of, terms, closed=not is_open) for rule in rules}


def _read(
    rule: BudgetRule,
    parts: Callable[[str], tuple[int, int]],
    sum_of: Callable[[str], Counters],
    terms: Terms,
    *,
    closed: bool,
) -> Reading:
    hits, whole = parts(rule.burn.window)
    if whole < rule.min_sample:
        return Reading(None, closed=closed, why=say("fewer than {n} contacts", n=rule.min_sample))
    if waits_missing(sum_of(rule.burn.window), terms):  # what nobody knows burns nothing
        return Reading(None, closed=closed, why=Said(REASONS["not_reported"]))
    value = round(100 * hits / whole, 2)
    if _missed(hits, whole) < rule.misses - LIKE:
        return Reading(value, closed=closed)
    short_hits, short_whole = parts(rule.burn.short)
    if short_whole == 0 or _missed(short_hits, short_whole) < rule.misses - LIKE:
        return Reading(value, closed=closed)
    return Reading(value, rule.burn.level, closed=closed)


def _missed(hits: int, whole: int) -> float:
    return (whole - hits) / whole


# ── what is left ──────────────────────────────────────────────────────────────────────────────────


class Volume(NamedTuple):
    """How many contacts a period is expected to bring, and what that rests on."""

    contacts: float
    basis: str


class MissesLeft(NamedTuple):
    """``left`` may be negative: the budget is overspent. ``allowed`` of ``volume`` contacts."""

    left: int
    allowed: int
    missed: int
    volume: int
    basis: str


def misses_left(goal_pct: float, hits: int, whole: int, volume: Volume) -> MissesLeft:
    """The budget of the period less what was missed. A period that has brought more than was expected counts what it brought."""
    expected = max(volume.contacts, whole)
    allowed = int((1 - goal_pct / 100) * expected + 1e-9)
    return MissesLeft(allowed - (whole - hits), allowed, whole - hits, round(expected), volume.basis)


def expected_volume(past: list[int], so_far: int, open_s: int, open_so_far_s: int) -> Volume:
    """The volume of a period: the median of past ones that brought anything, else what came so far, carried on at that pace.

    ``open_s``, ``open_so_far_s``: open seconds of the whole period and of its part until now.
    """
    brought = sorted(n for n in past if n > 0)
    if brought:
        middle = len(brought) // 2
        median = brought[middle] if len(brought) % 2 else (brought[middle - 1] + brought[middle]) / 2
        return Volume(median, "past")
    if open_so_far_s >= 900 and open_s > 0:
        return Volume(so_far * open_s / open_so_far_s, "pace")
    return Volume(so_far, "so_far")


def past_starts(project: Project, period: str, now_ms: int) -> list[tuple[int, int]]:
    """The stretches that a period is compared with: the same weekday of the past four weeks, or the week or month before."""
    calendar = project.calendar
    if period == "day":
        noon = sum(calendar.day(now_ms)) // 2
        return [calendar.day(noon - weeks * 7 * 86_400_000) for weeks in (1, 2, 3, 4)]
    start = calendar.week(now_ms)[0] if period == "week" else calendar.month(now_ms)[0]
    return [calendar.week(start - 86_400_000) if period == "week" else calendar.month(start - 86_400_000)]
