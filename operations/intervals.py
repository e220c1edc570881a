"""What happened, interval by interval: the stored counters of a project as history, each day judged by its own contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from collectors.collector import Fact
from operations.floor.counters import AGENT_TIMES, FLOW_OUTS, Counters, shown, total
from operations.kpis.catalogue import CATALOGUE
from operations.kpis.coverage import EVERYTHING, Cover, Gives, covers
from operations.projects.calendar import Calendar
from operations.projects.contract import Contract, Project, split_queue
from operations.store import keys
from operations.store.cells import read_quarters
from operations.windows import PROJECT, WindowSums

WINDOW_KPIS = tuple(kpi for kpi in CATALOGUE.values() if kpi.formula is not None)

TOLD_BY: dict[str, Fact] = {
    **dict.fromkeys(("offered", "answered", "handled"), "contacts"),
    "abandoned": "abandons",
    **dict.fromkeys(FLOW_OUTS, "flow_outs"),
    "talk_s": "talk",
    **dict.fromkeys(("hold_s", "held"), "hold"),
    "wrap_s": "wrap",
    "ring_s": "ring",
    "transferred": "transfers",
    "rang_no_answer": "rang_no_answer",
    "answered_wait_s": "waits",
    **dict.fromkeys((name[:-3] + "_s" for name in AGENT_TIMES), "agent_time"),
}
"""The fact that a counter counts: where nobody tells it, that nothing was booked says nothing."""

_NOTHING = Counters({}, {}, {})


def revision(client: Any, project: Project) -> str:
    """Changes whenever a stored counter of the project's sources does; a cached figure is keyed by it."""
    if not project.sources:
        return ""
    found = [client.get(keys.revision(source)) for source in project.sources]
    return ".".join(value.decode() if value else "0" for value in found)


def sums(client: Any, project: Project, start_ms: int, end_ms: int, minutes: int) -> dict[tuple[int, str], Counters]:
    """Stored counters by (start of the interval in epoch ms, scope), scopes as in ``operations.windows`` (by source too).

    ``minutes``: 15, 30 or 60. ``client``: synchronous, bytes responses. Intervals without any counter are missing.
    """
    calendar = Calendar(project.time_zone, 15 if minutes == 15 else 30)
    starts = _starts(calendar, start_ms, end_ms, minutes)
    scopes = WindowSums(project, (), {}, by_source=True)
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
    client: Any, project: Project, start_ms: int, end_ms: int, minutes: int, queue: str | None, gives: Gives
) -> list[dict[str, Any]]:
    """Every interval of [start, end), also the empty ones: ``{"start", "end", "queue", "counters", "kpis", "partial", "not_reported"}``.

    ``queue``: a full queue name (``SOURCE/QUEUE``), None for the whole project. ``gives``: by source what it tells; of one that is not
    named nothing is held against it. Durations in seconds. A KPI without a value is None, and so is a counter that nobody tells; as on a board, ``partial`` names by KPI the
    sources that its value is without, and ``not_reported`` the KPIs that nobody who is asked gives. Raises ``KeyError`` when the
    project has no such queue.
    """
    if queue is not None and queue not in project.queues:
        raise KeyError(queue)
    calendar = Calendar(project.time_zone, 15 if minutes == 15 else 30)
    cut = bounds(calendar, start_ms, end_ms, minutes)
    if not cut:
        return []
    found = sums(client, project, cut[0][0], cut[-1][1], minutes)
    gives = {source: gives.get(source, EVERYTHING) for source in project.sources}
    told: dict[date, _Told] = {}
    rows = []
    for start, end in cut:
        day = calendar.local_date(start)
        here = told.get(day)
        if here is None:
            here = told[day] = _Told(project.contract_on(day), gives, queue)
        rows.append(
            {
                "start": calendar.iso(start),
                "end": calendar.iso(end),
                "queue": queue,
                "counters": here.counters(found.get((start, queue or PROJECT), _NOTHING)),
                "kpis": here.kpis(found, start),
                "partial": here.partial,
                "not_reported": here.nobody,
            }
        )
    return rows


class _Told:
    """What the sources of a project can tell under one contract: of a KPI the sum over those that give it, or nothing."""

    def __init__(self, contract: Contract, gives: Gives, queue: str | None) -> None:
        self._contract, self._queue, self._sources = contract, queue, tuple(gives)
        asked = gives.values() if queue is None else (gives[split_queue(queue)[0]],)
        self._untold = {name for name, fact in TOLD_BY.items() if not any(fact in told for told in asked)}
        by_kpi = covers(contract, gives, WINDOW_KPIS)
        if queue is not None:
            own = split_queue(queue)[0]
            by_kpi = {key: Cover((own,) if own in cover.sources else (), ()) for key, cover in by_kpi.items()}
        self._covers = by_kpi
        self.partial = {key: list(cover.lacking) for key, cover in by_kpi.items() if cover.lacking}
        self.nobody = [key for key, cover in by_kpi.items() if not cover.sources]

    def counters(self, cell: Counters) -> dict[str, float | None]:
        """The counters of one interval."""
        return {name: value or (None if name in self._untold else 0) for name, value in shown(cell).items()}

    def kpis(self, cells: Mapping[tuple[int, str], Counters], start: int) -> dict[str, float | None]:
        """Every KPI of the interval that begins at ``start``. ``cells``: as ``sums`` gives them."""
        known: dict[tuple[str, ...], Counters] = {}
        found: dict[str, float | None] = {}
        for kpi in WINDOW_KPIS:
            assert kpi.formula is not None
            sources = self._covers[kpi.key].sources
            if not sources:
                found[kpi.key] = None
                continue
            if sources not in known:
                known[sources] = self._sum(cells, start, sources)
            value = kpi.formula(known[sources], self._contract, 0).value
            found[kpi.key] = None if value is None else round(value, kpi.decimals) if kpi.decimals else int(value)
        return found

    def _sum(self, cells: Mapping[tuple[int, str], Counters], start: int, sources: tuple[str, ...]) -> Counters:
        if self._queue is not None or len(sources) == len(self._sources):
            return cells.get((start, self._queue or PROJECT), _NOTHING)
        return total(cells.get((start, source), _NOTHING) for source in sources)
