"""A day, a week or a month of a project as tables: step by step, by queue, and which intervals lost it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from operations.floor.counters import MINUTE_MS, QUARTER_MS
from operations.intraday import blocks, usual
from operations.intraday.blocks import Block
from operations.intraday.measures import goal_of, judged, measured, summed
from operations.intraday.span import Span
from operations.projects.calendar import Calendar
from operations.projects.contract import Contract, Project
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

    @property
    def empty(self) -> bool:
        """Whether nothing was counted."""
        return not (self.total["offered"] or self.total["logged_in_ms"])

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
) -> History:
    """The tables. ``read``: the blocks of the days that have begun; ``compared``: what other days were offered, by quarter."""
    calendar = Calendar(project.time_zone, 15 if minutes == 15 else 30)
    offered = {**compared, **{day: block.offered for day, block in read.items() if day < span.today}}
    intervals = _intervals(project, calendar, span, read, now_ms, queue)
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
    queues = _queues(project, read, span)
    rows = {"steps": steps.to_dict("records"), "queues": queues.to_dict("records"), "lost": lost.to_dict("records")}
    return History(span, minutes, queue, steps, total, queues, lost, rows)


def _intervals(
    project: Project, calendar: Calendar, span: Span, read: Mapping[date, Block], now_ms: int, queue: str
) -> pd.DataFrame:
    """Every interval of the span, measured; nothing in those that lie ahead."""
    cuts, sums, frame = [], [], []
    for day in span.days:
        start, end = blocks.bounds(calendar, day)
        cut = calendar.intervals(start, end)
        quarters = (
            read[day].quarters
            if day in read
            else np.zeros(((end - start) // QUARTER_MS, len(blocks.COLUMNS)), np.int64)
        )
        cuts += cut
        sums.append(blocks.by_interval(quarters, start, cut))
        frame += [(day, label) for label in usual.labels(calendar, cut)]
    table = pd.DataFrame(frame, columns=["day", "label"])
    table["start"], table["end"] = np.array(cuts).T
    table["state"] = np.where(table["end"] <= now_ms, "past", np.where(table["start"] <= now_ms, "running", "ahead"))
    table["open"] = [project.opening.open_seconds(*stretch) > 0 for stretch in cuts]
    passed = np.clip(np.minimum(table["end"], now_ms) - table["start"], 0, None)
    # In an interval's first minute what was booked and what has passed differ too much to be divided.
    table["present_ms"] = passed.where(passed >= MINUTE_MS, 0)
    return measured(table.join(_by_contract(project, list(table["day"]), np.vstack(sums), [queue] * len(table))))


def _by_contract(project: Project, days: Sequence[date], sums: np.ndarray, queues: Sequence[str]) -> pd.DataFrame:
    """Rows of sums, each judged by the contract of its day; those of one contract at once."""
    contracts: list[Contract] = []
    alike = {}
    for day in dict.fromkeys(days):
        contract = project.contract_on(day)
        if contract not in contracts:
            contracts.append(contract)
        alike[day] = contracts.index(contract)
    number = np.array([alike[day] for day in days])
    parts = []
    for at, contract in enumerate(contracts):
        rows = np.flatnonzero(number == at).tolist()
        goals = {queue: goal_of(contract, queue) for queue in dict.fromkeys(queues)}
        parts.append(judged(sums[rows], contract, [goals[queues[row]] for row in rows]).set_axis(rows))
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


def _queues(project: Project, read: Mapping[date, Block], span: Span) -> pd.DataFrame:
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
    table = _by_contract(project, days, np.vstack(sums), queues)
    return measured(summed(table, pd.Series(queues))).rename_axis("queue").reset_index()
