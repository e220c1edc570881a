"""The tables of the past: interval by interval, by queue, and what lost the goal. The columns also serve the downloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dash import html
from dash.development.base_component import Component

from dashboard.components.intraday_view import View, lacks, look, step_name
from dashboard.components.numbers import nothing
from operations.kpis.catalogue import CATALOGUE
from operations.projects.contract import split_queue


class Column(NamedTuple):
    """One column. ``text``: its heading, "" for the KPI's own name; ``kind``: how its values are written; ``minor``: not on a phone."""

    key: str
    text: str
    kind: str
    hint: str = ""
    minor: bool = False


COLUMNS = (
    Column("offered", "", "count"),
    Column("usual", "Usual", "count", "Median of the same weekday of the four weeks before"),
    Column("change", "± usual", "change", minor=True),
    Column("service_level_pct", "", "percent", "Share of contacts in time, by the contract of the day"),
    Column("missed", "Misses", "count", "Contacts that were not in time"),
    Column("excess", "Beyond", "beyond", "Misses beyond what the goal allows"),
    Column("answered", "", "count", minor=True),
    Column("abandoned", "", "count"),
    Column("abandon_rate_pct", "", "percent", minor=True),
    Column("asa_s", "", "duration", minor=True),
    Column("aht_s", "", "duration"),
    Column("agents", "Agents", "decimal", "People signed in on average."),
)
LOST_SIGHT = Column("lost_sight", "Lost sight of", "count", minor=True)
NOT_OF_QUEUES = ("usual", "change", "agents")
"""Columns that are told of a time and not of a queue."""

_SHAPE = {"lost": "■ ", "below": "▲ "}
_SAID = {"lost": "lost the goal here", "below": "below the goal"}


def columns(view: View) -> tuple[Column, ...]:
    """The columns of this page: what was lost sight of only where it happened."""
    every = (*COLUMNS, LOST_SIGHT) if view.history.total["lost_sight"] else COLUMNS
    return tuple(column for column in every if view.shows(column.key))


def heading(view: View, column: Column) -> str:
    """What stands over a column."""
    return view.words(column.text) if column.text else CATALOGUE[column.key].labels[view.words.language]


def headed(view: View, column: Column) -> str:
    """The same with what is missing from the column: a file is read without the page."""
    return ", ".join(part for part in (heading(view, column), lacks(view, column.key)) if part)


def text(view: View, column: Column, row: Mapping[str, Any]) -> str:
    """One cell as it is written."""
    n = view.numbers
    if column.kind == "change":
        return n.change(row["offered"], row["usual"])
    value = row[column.key]
    if column.kind == "beyond":
        return (
            f"+{n.count(value)}"
            if not nothing(value) and round(value) >= 1
            else ("" if not nothing(value) else n.count(value))
        )
    if column.kind == "decimal":
        return n.count(value, 1)
    return {"count": n.count, "percent": n.percent, "duration": n.duration}[column.kind](value)


def _cell(view: View, column: Column, row: Mapping[str, Any], standing: str) -> Component:
    """One figure; the service level with the shape of its standing, which a reader that sees no shapes is told in words."""
    shown: Any = text(view, column, row)
    attributes = {}
    if column.key == "service_level_pct":
        if standing in _SHAPE:
            shown = [
                html.Span(_SHAPE[standing], className="intra-shape", **{"aria-hidden": "true"}),
                shown,
                html.Span(f" ({view.words(_SAID[standing])})", className="intra-said"),
            ]
        attributes["data-look"] = standing
    return html.Td(shown, className=_figure_class(column), **attributes)


def _figure_class(column: Column) -> str:
    return "intra-figure intra-minor" if column.minor else "intra-figure"


def _head(view: View, first: str, shown: Iterable[Column], *, sum_of_sources: bool = True) -> Component:
    def above(column: Column) -> Any:
        missing = lacks(view, column.key) if sum_of_sources else ""
        if not missing:
            return heading(view, column)
        return [heading(view, column), html.Span(missing, className="intra-lacks")]

    cells = [
        html.Th(
            above(column),
            scope="col",
            className=_figure_class(column),
            title=view.words(column.hint) if column.hint else None,
        )
        for column in shown
    ]
    return html.Thead(html.Tr([html.Th(view.words(first), scope="col", className="intra-name"), *cells]))


def steps(view: View) -> list[Component]:
    """Every interval of the day, or every day of the span, and their total."""
    history, say = view.history, view.words
    shown = columns(view)
    body = []
    for step in history.rows["steps"]:
        ahead = step["state"] == "ahead"
        name: Any = step_name(view, step)
        if view.by_day and not ahead:
            name = html.A(name, href=view.address(span="day", day=step["day"].isoformat()))
        if step["state"] == "running":
            name = [name, html.Span(say("today" if view.by_day else "now"), className="intra-now")]
        cells: list[Component] = [html.Th(name, scope="row", className="intra-name")]
        for column in shown:
            if ahead and column.key != "usual":
                cells.append(html.Td("", className=_figure_class(column)))
            elif step["state"] == "running" and column.key == "change":
                cells.append(html.Td("", className=_figure_class(column)))  # a part against a whole would mislead
            else:
                cells.append(_cell(view, column, step, look(step)))
        body.append(html.Tr(cells, **{"data-state": step["state"], "data-start": str(step["start"])}))
    total = [_cell(view, column, history.total, "none") for column in shown]
    return [
        html.H2(say("Day by day" if view.by_day else "Interval by interval"), className="desk-title"),
        html.Div(
            html.Table(
                [
                    _head(view, "Day" if view.by_day else "Interval", shown),
                    html.Tbody(body),
                    html.Tfoot(html.Tr([html.Th(say("Total"), scope="row", className="intra-name"), *total])),
                ],
                className="intra-table",
            ),
            className="intra-scroll",
            tabIndex="0",
            role="region",
            **{"aria-label": say("Day by day" if view.by_day else "Interval by interval")},
        ),
    ]


def queues(view: View) -> list[Component]:
    """The same numbers by queue; each name leads to the page of that queue. Nothing where there is one queue."""
    history, say = view.history, view.words
    if len(history.queues) < 2:
        return []
    shown = [column for column in columns(view) if column.key not in NOT_OF_QUEUES]
    body = []
    for row in sorted(history.rows["queues"], key=lambda row: -row["excess"] if row["excess"] == row["excess"] else 1):
        standing = look({**row, "lost": False})
        name = html.A(split_queue(row["queue"])[1], href=view.address(queue=row["queue"]))
        cells = [
            html.Th(name, scope="row", className="intra-name"),
            *(_cell(view, column, row, standing) for column in shown),
        ]
        body.append(html.Tr(cells, **{"data-queue": row["queue"]}))
    return [
        html.H2(say("Queues"), className="desk-title"),
        html.Div(
            html.Table([_head(view, "Queue", shown, sum_of_sources=False), html.Tbody(body)], className="intra-table"),
            className="intra-scroll",
            tabIndex="0",
            role="region",
            **{"aria-label": say("Queues")},
        ),
    ]


def lost(view: View) -> list[Component]:
    """The intervals that cost the goal most; those that explain why it was missed are marked."""
    history, say, n = view.history, view.words, view.numbers
    if not view.shows("missed"):
        return []
    missing = lacks(view, "missed")
    if view.nobody_tells("missed"):
        return [html.H2(say("What cost most"), className="desk-title"), html.P(missing, className="intra-note")]
    counts = history.lost["counts"].any()
    title = ("Where it is being lost" if history.span.running else "What lost it") if counts else "What cost most"
    rows = []
    for row in history.rows["lost"]:
        if row["excess"] < 1:
            continue
        name: Any = step_name(view, row, whole=True)
        if view.by_day:
            name = html.A(name, href=view.address(span="day", day=row["day"].isoformat()))
        standing = "lost" if row["counts"] else "below"
        rows.append(
            html.Tr(
                [
                    html.Th(
                        [html.Span(_SHAPE[standing], className="intra-shape", **{"aria-hidden": "true"}), name],
                        scope="row",
                        className="intra-name",
                    ),
                    html.Td(n.percent(row["service_level_pct"]), className="intra-figure"),
                    html.Td(
                        say("{value} of {n}", value=n.count(row["hits"]), n=n.count(row["whole"])),
                        className="intra-figure intra-minor",
                    ),
                    html.Td(say("+{n} misses", n=n.count(row["excess"])), className="intra-figure intra-beyond"),
                ],
                **{"data-look": standing},
            )
        )
    if not rows:
        unknown = nothing(history.total["whole"])
        why = say(
            "The ACD did not tell how long everybody waited, so the service level is not known."
            if unknown
            else "No interval missed more than the goal allows."
        )
        return [html.H2(say("What cost most"), className="desk-title"), html.P(why, className="intra-note")]
    beyond = say("Misses beyond what the goal allows of the contacts of that time.")
    return [
        html.H2(say(title), className="desk-title"),
        html.P(" · ".join(part for part in (beyond, missing) if part), className="intra-note"),
        html.Table(html.Tbody(rows), className="intra-table intra-lost-table"),
    ]
