"""A day, a week or a month of a project as tables: step by step, by queue, and which intervals lost it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from collectors.collector import FLOOR
from operations.floor.counters import MINUTE_MS, QUARTER_MS
from operations.intraday import blocks, usual
from operations.intraday.blocks import Block
from operations.intraday.measures import RESTS_ON, goal_of, judged, measured, on_scale, summed
from operations.intraday.span import Span
from operations.kpis.catalogue import CATALOGUE
from operations.kpis.coverage import EVERYTHING, Cover, Gives, cover
from operations.projects.calendar import Calendar
from operations.projects.contract import Contract, Project, split_queue
from operations.windows import PROJECT

MOST_LOST = 8
"""More intervals than this are not a cause but a bad day."""


@dataclass(frozen=True)
class History:
    """What a page of the past shows. Durations in seconds, percentages 0 to 100, NaN where there is no value.

    ``steps``: the intervals of a day, or the days of a week or month, with ``start``, ``end`` (epoch ms), ``label``, ``state`` (``past``,
    ``running``, ``ahead``), ``open``, ``usual`` (contacts) and every column of ``measures.measured``; ``lost`` marks what lost the day.
    ``total``: the same, of all that has begun; its ``usual`` is what would have come by now. ``queues``: by full name.
    ``lost``: the intervals that cost the goal most, worst first; those that ``counts`` explain why it was missed.
    ``covers``: by measure (``measures.RESTS_ON``) the sources that it is made of and those that lack in it; made of none it has no value.
    """

    span: Span
    minutes: int
    queue: str
    steps: pd.DataFrame
    total: dict[str, Any]
    queues: pd.DataFrame
    lost: pd.DataFrame
    rows: Mapping[str, list[dict[str, Any]]]
    """``steps``, ``queues`` and ``lost`` row by row: taking a table apart takes longer than drawing it, so it is done once."""
    covers: Mapping[str, Cover]
    empty: bool
    """Whether nothing was counted."""

    @property
    def over(self) -> float:
        """How many misses more than the goal allows, of the contacts that came: negative while the goal is held, NaN without one."""
        return float(self.total["missed"] - self.total["allowed"])


def history(
    project: Project,
    span: Span,
    minutes: int,
    read: Mapping[date, Block],
    compared: Mapping[date, np.ndarray],
    now_ms: int,
    queue: str = PROJECT,
    gives: Gives | None = None,
) -> History:
    """The tables. ``read``: the blocks of the days that have begun; ``compared``: what other days were offered, by quarter, by the
    sources of ``tells_offered``. ``gives``: by source what it tells; of one that is not named nothing is held against it.
    """
    calendar = Calendar(project.time_zone, 15 if minutes == 15 else 30)
    judge = _Judge(project, gives or {})
    offered = dict(compared)
    for day, block in read.items():
        if day < span.today:
            offered[day] = _quarters(project, day, block, judge.tells_offered)[:, 0]
    intervals = _intervals(project, calendar, span, read, now_ms, queue, judge)
    began = intervals[intervals["state"] != "ahead"]
    total_row = measured(_present(summed(began), began))
    total: dict[str, Any] = total_row.iloc[0].to_dict()
    whole_days = [
        usual.until(calendar, day, offered, span.today, now_ms if day == span.today else None) for day in span.begun
    ]
    total["usual"] = float(np.nansum(whole_days)) if not np.all(np.isnan(whole_days)) else float("nan")
    lost = _lost(intervals, total)
    intervals["lost"] = intervals["start"].isin(lost.loc[lost["counts"], "start"])
    if span.kind == "day":
        day = span.first
        expected = usual.by_label(calendar, day, offered, span.today)
        intervals["usual"] = intervals["label"].map(expected).astype(float)
        steps = _trimmed(intervals)
    else:
        steps = _days(intervals, calendar, offered, span)
        worst = _lost(steps, total)
        steps["lost"] = steps["start"].isin(worst.loc[worst["counts"], "start"])
    queues = _queues(project, read, span, judge)
    counted = ("offered", "answered", "abandoned", "handled", "logged_in_ms")
    empty = all(np.isnan(total[name]) or total[name] == 0 for name in counted)
    steps, lost, total_row = on_scale(steps), on_scale(lost), on_scale(total_row)
    queues = on_scale(queues) if len(queues) else queues
    total = {**total, **total_row.iloc[0].to_dict()}
    rows = {"steps": steps.to_dict("records"), "queues": queues.to_dict("records"), "lost": lost.to_dict("records")}
    return History(span, minutes, queue, steps, total, queues, lost, rows, judge.covers(span.begun, queue), empty)


def tells_offered(project: Project, gives: Gives) -> tuple[str, ...]:
    """The sources that tell what was offered: what is usual is made of their past."""
    return _Judge(project, gives).tells_offered


def _quarters(project: Project, day: date, block: Block | None, sources: Sequence[str]) -> np.ndarray:
    """The sums of some sources on one day, by quarter."""
    found = [block.quarters[source] for source in sources if source in block.quarters] if block else []
    if found:
        return found[0] if len(found) == 1 else np.sum(found, axis=0)
    start, end = blocks.bounds(project.calendar, day)
    return np.zeros(((end - start) // QUARTER_MS, len(blocks.COLUMNS)), np.int64)


def _intervals(
    project: Project,
    calendar: Calendar,
    span: Span,
    read: Mapping[date, Block],
    now_ms: int,
    queue: str,
    judge: _Judge,
) -> pd.DataFrame:
    """Every interval of the span, measured; nothing in those that lie ahead."""
    cuts, frame = [], []
    parts: dict[str, list[np.ndarray]] = {source: [] for source in project.sources}
    for day in span.days:
        start, end = blocks.bounds(calendar, day)
        cut = calendar.intervals(start, end)
        for source, sums in parts.items():
            sums.append(blocks.by_interval(_quarters(project, day, read.get(day), (source,)), start, cut))
        cuts += cut
        frame += [(day, label) for label in usual.labels(calendar, cut)]
    table = pd.DataFrame(frame, columns=["day", "label"])
    table["start"], table["end"] = np.array(cuts).T
    table["state"] = np.where(table["end"] <= now_ms, "past", np.where(table["start"] <= now_ms, "running", "ahead"))
    table["open"] = [project.opening.open_seconds(*stretch) > 0 for stretch in cuts]
    passed = np.clip(np.minimum(table["end"], now_ms) - table["start"], 0, None)
    # In an interval's first minute what was booked and what has passed differ too much to be divided.
    table["present_ms"] = passed.where(passed >= MINUTE_MS, 0)
    by_source = {source: np.vstack(sums) for source, sums in parts.items()}
    return measured(table.join(judge(list(table["day"]), by_source, [queue] * len(table))))


class _Judge:
    """Judges rows of sums by the contract of their day, each measure over the sources that tell it under that contract."""

    def __init__(self, project: Project, gives: Gives) -> None:
        self._project = project
        self._gives = {source: gives.get(source, EVERYTHING) for source in project.sources}
        self.tells_offered = self._cover("offered", project.contract_on(date.min)).sources

    def _cover(self, measure: str, contract: Contract) -> Cover:
        return cover(CATALOGUE[RESTS_ON[measure]], contract, self._gives)

    def _contracts(self, days: Sequence[date]) -> list[tuple[Contract, list[int]]]:
        """The contracts of some days, each with the places of its days."""
        found: list[tuple[Contract, list[int]]] = []
        by_day: dict[date, list[int]] = {}
        for place, day in enumerate(days):
            if day not in by_day:
                contract = self._project.contract_on(day)
                places = next((places for known, places in found if known == contract), None)
                if places is None:
                    found.append((contract, places := []))
                by_day[day] = places
            by_day[day].append(place)
        return found

    def covers(self, days: Sequence[date], queue: str) -> dict[str, Cover]:
        """By measure: the sources that tell it on all of some days, and those of which it is missing on any of them."""
        own = split_queue(queue)[0] if queue else ""
        floors = [name for name, told in self._gives.items() if told & FLOOR and own in ("", name)]
        found = {}
        for measure in RESTS_ON:
            each = [self._cover(measure, contract) for contract, _ in self._contracts(days)]
            whole = [name for name in floors if all(name in one.sources for one in each)]
            found[measure] = Cover(tuple(whole), tuple(name for name in floors if name not in whole))
        return found

    def __call__(
        self, days: Sequence[date], by_source: Mapping[str, np.ndarray], queues: Sequence[str]
    ) -> pd.DataFrame:
        """``by_source``: a row of sums for each of ``days``; ``queues``: of each row, "" for the whole project."""
        empty = np.zeros((len(days), len(blocks.COLUMNS)), np.int64)
        own = [split_queue(queue)[0] if queue else "" for queue in queues]
        parts = []
        for contract, rows in self._contracts(days):
            told: dict[tuple[str, ...], np.ndarray] = {}
            by_measure = {}
            for measure in RESTS_ON:
                sources = self._cover(measure, contract).sources
                if sources not in told:
                    sums = sum((by_source[name][rows] for name in sources if name in by_source), start=empty[rows])
                    known = np.array([own[row] in sources if own[row] else bool(sources) for row in rows])
                    told[sources] = sums if known.all() else np.where(known[:, None], sums, np.nan)
                by_measure[measure] = told[sources]
            goals = {queue: goal_of(contract, queue) for queue in dict.fromkeys(queues)}
            parts.append(judged(by_measure, contract, [goals[queues[row]] for row in rows]).set_axis(rows))
        return pd.concat(parts).sort_index()


def _present(total: pd.DataFrame, rows: pd.DataFrame, by: pd.Series | None = None) -> pd.DataFrame:
    """With ``present_ms``: how long anybody was signed in at all. An average over the night would say nothing."""
    with_people = rows["present_ms"].where(rows["logged_in_ms"] > 0, 0)
    present = with_people.groupby(by if by is not None else np.zeros(len(rows), int), sort=False).sum()
    return total.assign(present_ms=present)


def _days(intervals: pd.DataFrame, calendar: Calendar, offered: Mapping[date, np.ndarray], span: Span) -> pd.DataFrame:
    """The intervals added up to days."""
    by = intervals["day"]
    table = _present(summed(intervals, by), intervals, by)
    groups = intervals.groupby(by, sort=False)
    table["start"], table["end"] = groups["start"].first(), groups["end"].last()
    table["open"] = groups["open"].any()
    table["state"] = [
        "past" if day < span.today else "running" if day == span.today else "ahead" for day in table.index
    ]
    table["usual"] = [usual.until(calendar, day, offered, span.today, None) for day in table.index]
    table["label"] = [day.isoformat() for day in table.index]
    return measured(table.rename_axis("day").reset_index())


def _trimmed(steps: pd.DataFrame) -> pd.DataFrame:
    """A day without the closed hours at its ends in which nothing happens or usually happens."""
    alive = steps["open"] | (steps["offered"] > 0) | (steps["usual"].fillna(0) > 0)
    if not alive.any():
        return steps
    kept = alive.to_numpy().nonzero()[0]
    return steps.iloc[kept[0] : kept[-1] + 1].reset_index(drop=True)


def _lost(intervals: pd.DataFrame, total: Mapping[str, Any]) -> pd.DataFrame:
    """The intervals with the most misses beyond their share, worst first. ``counts``: needed to explain why the goal was missed.

    Were the worst of them as good as the goal, the whole would have met it: so many count as cover what is over.
    """
    worst = (
        intervals[intervals["excess"] > 0]
        .sort_values(["excess", "start"], ascending=[False, True])
        .head(MOST_LOST)
        .copy()
    )
    over = total["missed"] - total["allowed"]
    before = worst["excess"].cumsum() - worst["excess"]
    worst["counts"] = (over > 0) & (before < over)
    return worst.reset_index(drop=True)


def _queues(project: Project, read: Mapping[date, Block], span: Span, judge: _Judge) -> pd.DataFrame:
    """Each queue's whole span, judged day by day; without rows when the page is about one queue."""
    found = [
        (day, queue, read[day].queues[queue])
        for day in span.begun
        if day in read
        for queue in project.queues
        if queue in read[day].queues
    ]
    if not found:
        return pd.DataFrame(columns=["queue", "offered"])
    days, queues, sums = zip(*found, strict=True)
    each = np.vstack(sums)
    sources = np.array([split_queue(queue)[0] for queue in queues])
    by_source = {source: np.where((sources == source)[:, None], each, 0) for source in project.sources}
    table = judge(days, by_source, queues)
    return measured(summed(table, pd.Series(queues))).rename_axis("queue").reset_index()
