"""What is on the page of the past as files: one table as CSV, all of them as a workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from dashboard.components.intraday import name
from dashboard.components.intraday_news import untold, verdict
from dashboard.components.intraday_tables import NOT_OF_QUEUES, Column, columns, headed, heading
from dashboard.components.intraday_view import View, lacks, step_name
from dashboard.components.numbers import nothing
from dashboard.spreadsheet import Cell, Sheet, workbook
from operations.projects.contract import split_queue


def file_name(view: View, kind: str) -> str:
    """``acme-2026-11-22.csv``; of a week or month its first day and what it is."""
    span = view.history.span
    stretch = span.first.isoformat() + ("" if span.kind == "day" else f"-{span.kind}")
    queue = split_queue(view.history.queue)[1] if view.history.queue else ""
    stem = "-".join(part for part in (view.project.id, queue, stretch) if part)
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in stem) + f".{kind}"


def as_csv(view: View) -> bytes:
    """The table of intervals or days. Numbers as numbers: percentages to two decimals, times in seconds; no value is empty.

    UTF-8 with a byte-order mark, since spreadsheets else take Chinese for something else.
    """
    shown = columns(view)
    iso = view.project.calendar.iso
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(["start", "end", *(_unit(view, column) for column in shown), view.words("Goal") + " (%)"])
    for step in view.history.rows["steps"]:
        ahead = step["state"] == "ahead"
        cells = ["" if (value := number(column, step, ahead)) is None else value for column in shown]
        goal = "" if nothing(step["goal"]) else step["goal"]
        table.writerow([iso(int(step["start"])), iso(int(step["end"])), *cells, goal])
    return ("\ufeff" + out.getvalue()).encode()


def number(column: Column, row: Mapping[str, Any], ahead: bool = False) -> float | None:
    """A cell as a number; None when there is none, as for everything but the usual of what lies ahead."""
    if ahead and column.key != "usual":
        return None
    if column.kind == "change":
        usual = row["usual"]
        if row.get("state") == "running" or nothing(usual) or usual <= 0:
            return None
        return float(round(100 * (row["offered"] - usual) / usual, 1))
    value = row[column.key]
    if nothing(value):
        return None
    digits = {"percent": 2, "duration": 1, "decimal": 2, "beyond": 1}.get(column.kind, 1)
    rounded = round(float(value), digits)
    return int(rounded) if rounded.is_integer() else rounded


def _unit(view: View, column: Column) -> str:
    text = heading(view, column)
    unit = {"percent": " (%)", "change": " (%)", "duration": " (s)"}.get(column.kind, "")
    return ", ".join(part for part in (text + unit, lacks(view, column.key)) if part)


def as_xlsx(view: View) -> bytes:
    """A workbook: what the page says, its intervals or days, its queues, and what cost the goal."""
    say = view.words
    sheets = [Sheet(say("Summary"), _summary(view), widths=(26, 90))]
    sheets.append(_steps(view))
    if len(view.history.queues) > 1:
        sheets.append(_queues(view))
    if view.shows("missed"):
        sheets.append(_lost(view))
    return workbook(sheets)


_STYLE = {
    "percent": "percent",
    "change": "change",
    "duration": "duration",
    "decimal": "decimal",
    "count": "count",
    "beyond": "count",
}


def _cell(column: Column, row: Mapping[str, Any], ahead: bool = False) -> Cell:
    value = number(column, row, ahead)
    if value is not None and column.kind in ("percent", "change"):
        value = round(value / 100, 6)  # a spreadsheet's percentages are shares, its times parts of a day
    if value is not None and column.kind == "duration":
        value = round(value / 86_400, 9)
    return Cell(value, _STYLE[column.kind])


def _head(texts: Iterable[str]) -> list[Cell]:
    return [Cell(text, "head") for text in texts]


def _summary(view: View) -> list[list[Cell]]:
    say, project, history = view.words, view.project, view.history
    facts: list[tuple[str, Any, str]] = [
        (say("Project"), project.name, ""),
        (say("Client"), project.client, ""),
        (say("Period"), name(view), ""),
        (say("Queues counted"), history.queue or ", ".join(project.queues), ""),
        (say("Time zone"), project.time_zone, ""),
        (say("As of"), view.as_of, ""),
        ("", verdict(view)[1] if view.shows("service_level_pct") and not history.empty else "", ""),
    ]
    rows = [[Cell(label, "head"), Cell(value, kind)] for label, value, kind in facts]
    rows += [[Cell("", "head"), Cell(text)] for text in untold(view)]
    rows += [[Cell(headed(view, column), "head"), _cell(column, history.total)] for column in columns(view)]
    goal = history.total["goal"]
    return [*rows, [Cell(say("Goal"), "head"), Cell(None if nothing(goal) else goal / 100, "percent")]]


def _steps(view: View) -> Sheet:
    say, shown = view.words, columns(view)
    first = say("Day" if view.by_day else "Interval")
    rows = [_head([first, *(headed(view, column) for column in shown), say("Goal")])]
    for step in view.history.rows["steps"]:
        ahead = step["state"] == "ahead"
        label = step["day"].isoformat() if view.by_day else step_name(view, step)
        goal = None if nothing(step["goal"]) else step["goal"] / 100
        rows.append([Cell(label), *(_cell(column, step, ahead) for column in shown), Cell(goal, "percent")])
    rows.append([Cell(say("Total"), "head"), *(_cell(column, view.history.total) for column in shown)])
    return Sheet(say("Day by day" if view.by_day else "Interval by interval"), rows, freeze=True)


def _queues(view: View) -> Sheet:
    shown = [column for column in columns(view) if column.key not in NOT_OF_QUEUES]
    rows = [_head([view.words("Queue"), *(heading(view, column) for column in shown)])]
    for row in view.history.rows["queues"]:
        rows.append([Cell(row["queue"]), *(_cell(column, row) for column in shown)])
    return Sheet(view.words("Queues"), rows, freeze=True)


def _lost(view: View) -> Sheet:
    shown = [
        column
        for column in columns(view)
        if column.key in ("service_level_pct", "missed", "excess", "offered", "abandoned")
    ]
    say = view.words
    rows = [
        _head([say("Day"), say("Interval"), *(heading(view, column) for column in shown), say("lost the goal here")])
    ]
    for row in view.history.rows["lost"]:
        marks = [Cell(row["day"].isoformat()), Cell(row["label"])]
        rows.append([*marks, *(_cell(column, row) for column in shown), Cell("■" if row["counts"] else "")])
    return Sheet(say("What cost most"), rows, freeze=True)
