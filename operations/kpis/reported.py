"""The formulas of what other systems report: diallers, IVRs, bots, ticket systems, surveys, quality scores, and agent-days.

As in ``operations.kpis.formulas``: pure functions of summed counters, no value without its reason. Scores are kept in hundredths of a point, so that
their sums are exact.
"""

from __future__ import annotations

from operations.floor.counters import Counters
from operations.kpis.formulas import NO_CONTACTS, Formula, Result, Terms

NO_REPORTS = "no_reports"

_MS_PER_H = 3_600_000


def rate(part: str, whole: str, of: str = "") -> Formula:
    """100 · part / whole. ``of``: what had to be reported before ``whole`` could be anything."""

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        n = c.get(whole)
        if n > 0:
            return Result(100 * min(max(0, c.get(part)), n) / n, n)
        return Result(None, 0, NO_CONTACTS if of and c.get(of) > 0 else NO_REPORTS)

    return formula


def kept(left: str, whole: str) -> Formula:
    """100 · (whole − left) / whole: what a machine settled by itself. A report of leaving may come in a later minute than that of entering."""

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        n = c.get(whole)
        return Result(100 * min(1.0, max(0, n - c.get(left)) / n), n) if n > 0 else Result(None, 0, NO_REPORTS)

    return formula


def count_of(name: str, among: str) -> Formula:
    """A counter that is a true zero as soon as anything it is counted among was reported; its sample is those."""

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        n = max(c.get(among), c.get(name))
        return Result(max(0, c.get(name)), n) if n > 0 else Result(None, 0, NO_REPORTS)

    return formula


def points(total: str, n: str, why: str) -> Formula:
    """Σ score / n, in points, of scores kept in hundredths of one."""

    def formula(c: Counters, terms: Terms, waiting_late: int) -> Result:
        scores = c.get(n)
        return Result(max(0, c.get(total)) / (100 * scores), scores) if scores > 0 else Result(None, 0, why)

    return formula


def open_tickets(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """Opened − closed. Its sample is what was opened; a ticket that was opened before anything was counted leaves no debt."""
    opened, closed = c.get("tickets_opened"), c.get("tickets_closed")
    if opened <= 0 and closed <= 0:
        return Result(None, 0, NO_REPORTS)
    return Result(max(0, opened - closed), max(opened, closed))


def work_hours(c: Counters, terms: Terms, waiting_late: int) -> Result:
    """Hours signed in / agent-days: days on which somebody was signed in at all, each person's counted once."""
    days = c.get("agent_days")
    if days <= 0:
        return Result(None, 0, "no_agent_time")
    return Result(max(0, c.get("logged_in_ms")) / (_MS_PER_H * days), days)
