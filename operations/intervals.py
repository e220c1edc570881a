"""What happened, interval by interval: the stored counters of a project as history, each day judged by its own contract."""

from __future__ import annotations

from functools import partial
from typing import Any

from operations.floor.counters import Counters, shown
from operations.kpis.catalogue import CATALOGUE
from operations.projects.calendar import Calendar
from operations.projects.contract import Project
from operations.store import keys
from operations.store.cells import read_quarters
from operations.windows import PROJECT, WindowSums

WINDOW_KPIS = tuple(kpi for kpi in CATALOGUE.values() if kpi.formula is not None)


def revision(client: Any, project: Project) -> str:
    """Changes whenever a stored counter of the project's sources does; a cached figure is keyed by it."""
    if not project.sources:
        return ""
    found = [client.get(keys.revision(source)) for source in project.sources]
    return ".".join(value.decode() if value else "0" for value in found)


def sums(client: Any, project: Project, start_ms: int, end_ms: int, minutes: int) -> dict[tuple[int, str], Counters]:
    """Stored counters by (start of the interval in epoch ms, scope); the scope "" is the whole project.

    ``minutes``: 15, 30 or 60. ``client``: synchronous, bytes responses. Intervals without any counter are missing.
    """
    calendar = Calendar(project.time_zone, 15 if minutes == 15 else 30)
    starts = _starts(calendar, start_ms, end_ms, minutes)
    scopes = WindowSums(project, (), {})
    found: dict[tuple[int, str], Counters] = {}
    for source in project.sources:
        counts_for = partial(scopes.scopes, source)
        for (row, at), cell in read_quarters(client, source, start_ms, end_ms, counts_for):
            for scope in counts_for(row):
                found.setdefault((starts[at], scope), Counters({}, {}, {})).add(cell)
    return found


def _starts(calendar: Calendar, start_ms: int, end_ms: int, minutes: int) -> dict[int, int]:
    """The interval's start for each quarter of an hour in [start, end)."""
    by_quarter: dict[int, int] = {}
    for start, end in bounds(calendar, start_ms, end_ms, minutes):
        for quarter in range(start, end, 900_000):
            by_quarter[quarter] = start
    return by_quarter


def bounds(calendar: Calendar, start_ms: int, end_ms: int, minutes: int) -> list[tuple[int, int]]:
    """The intervals that touch [start, end), cut on the local clock; an hour joins the two halves that begin in it."""
    cut = calendar.intervals(start_ms, end_ms)
    if minutes != 60:
        return cut
    hours: list[tuple[int, int]] = []
    for start, end in cut:
        if hours and calendar.iso(start)[14:16] != "00" and hours[-1][1] == start:
            hours[-1] = (hours[-1][0], end)
        else:
            hours.append((start, end))
    return hours


def intervals(
    client: Any, project: Project, start_ms: int, end_ms: int, minutes: int, queue: str | None
) -> list[dict[str, Any]]:
    """Every interval of [start, end), also the empty ones: ``{"start", "end", "queue", "counters", "kpis"}``.

    ``queue``: a full queue name (``SOURCE/QUEUE``), None for the whole project. Durations in seconds. A KPI without a value is None.
    Raises ``KeyError`` when the project has no such queue.
    """
    if queue is not None and queue not in project.queues:
        raise KeyError(queue)
    calendar = Calendar(project.time_zone, 15 if minutes == 15 else 30)
    cut = bounds(calendar, start_ms, end_ms, minutes)
    if not cut:
        return []
    found = sums(client, project, cut[0][0], cut[-1][1], minutes)
    empty = Counters({}, {}, {})
    rows = []
    for start, end in cut:
        cell = found.get((start, queue or PROJECT), empty)
        contract = project.contract_on(calendar.local_date(start))
        kpis = {}
        for kpi in WINDOW_KPIS:
            assert kpi.formula is not None
            value = kpi.formula(cell, contract, 0).value
            kpis[kpi.key] = None if value is None else round(value, kpi.decimals) if kpi.decimals else int(value)
        rows.append(
            {
                "start": calendar.iso(start),
                "end": calendar.iso(end),
                "queue": queue,
                "counters": shown(cell),
                "kpis": kpis,
            }
        )
    return rows
