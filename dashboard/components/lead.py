"""The team lead's desk: queues, who waits, what everybody does, and who hung up and was not reached since.

The tree holds headings, columns and the places; rows and filters are written by ``assets/lead.mjs``, which finds them
by their ``data-`` attributes. Why these are plain tables: docs/decisions/lead-tables.md.
"""

from __future__ import annotations

from typing import NamedTuple

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.frame import project_head
from dashboard.components.page_data import Page
from dashboard.context import Account
from dashboard.i18n import Words
from dashboard.i18n.lead import LEAD

QUEUE_KPIS = ("contacts_waiting", "longest_wait_s", "service_level_pct", "abandoned", "agents_available")
"""What the table of queues shows, and what the line on top looks for trouble in."""


class Column(NamedTuple):
    """One column. ``kind``: ``text`` or ``figure``; ``minor``: left out where there is little room."""

    key: str
    text: str
    kind: str = "figure"
    hint: str = ""
    minor: bool = False


class Table(NamedTuple):
    """One table of the page; ``hint`` says what its rows are."""

    key: str
    title: str
    columns: tuple[Column, ...]
    hint: str = ""


TABLES = (
    Table(
        "queues",
        "Queues",
        (
            Column("name", "Queue", "text"),
            Column("contacts_waiting", "Waiting"),
            Column("longest_wait_s", "Longest"),
            Column("service_level_pct", "Service level"),
            Column("abandoned", "Abandoned"),
            Column("agents_available", "Free / in", hint="Agents who are free, of those who are signed in"),
        ),
    ),
    Table(
        "waiting",
        "Waiting",
        (Column("caller", "Caller", "text"), Column("queue", "Queue", "text"), Column("since", "For")),
    ),
    Table(
        "agents",
        "Agents",
        (
            Column("name", "Agent", "text"),
            Column("state", "State", "text"),
            Column("since", "For"),
            Column("doing", "Reason or queue", "text"),
            Column("missed", "Missed", hint="Rings of today that were not answered"),
            Column("queues", "Queues", "text", minor=True),
        ),
    ),
    Table(
        "lost",
        "Lost callers",
        (
            Column("caller", "Caller", "text"),
            Column("tries", "Tries"),
            Column("queue", "Queue", "text"),
            Column("wait", "Waited"),
            Column("at", "At"),
        ),
        "Callers of today who hung up and whom nobody has answered since",
    ),
)


def lead(
    project: str,
    name: str,
    client: str,
    words: Words,
    *,
    layout: str = "",
    time_zone: str = "UTC",
    who: Account | None = None,
) -> Component:
    """The whole page. ``layout``: the project's, by which an open page notices that it is built differently now."""
    page = Page(
        "lead",
        words,
        project=project,
        layout=layout,
        time_zone=time_zone,
        columns=QUEUE_KPIS,
        texts=LEAD,
    )
    return html.Main(
        [
            project_head(project, name, client, words, current="lead", who=who),
            news(),
            html.Div(className="lead-filters", role="search", **{"data-slot": "filters"}),
            jump(words),
            html.Div(
                [
                    html.Div([table(each, words) for each in side], className="lead-side")
                    for side in (TABLES[:2], TABLES[2:])
                ],
                className="lead-tables",
            ),
            foot(words),
        ],
        id=ids.LEAD,
        className="desk lead",
        lang=words.language,
        **{"data-page": page.attribute()},
    )


def news() -> Component:
    """The worst thing on the floor, as a sentence."""
    return html.P(
        [
            html.Span(className="lead-news-state", **{"data-slot": "news-state"}),
            html.Span(className="lead-news-text", **{"data-slot": "news-text"}),
            html.Span(className="lead-news-more", **{"data-slot": "news-more"}),
        ],
        className="lead-news",
        **{"data-slot": "news", "data-look": "waiting"},
    )


def jump(words: Words) -> Component:
    """On a phone the tables lie one below the other: how many rows each has, and the way there."""
    return html.Nav(
        [
            html.A(
                [words(each.title), html.Span(className="lead-jump-count", **{"data-slot": f"jump-{each.key}"})],
                href=f"#{each.key}",
            )
            for each in TABLES
        ],
        className="lead-jump",
        **{"aria-label": words("tables")},
    )


def table(each: Table, words: Words) -> Component:
    """One table, its rows still to come."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2(words(each.title), className="desk-title", title=words(each.hint) if each.hint else None),
                    html.Span(className="lead-count", **{"data-slot": "count"}),
                ],
                className="lead-panel-head",
            ),
            html.Div(
                [
                    html.Table(
                        [
                            html.Thead(
                                html.Tr([column_head(column, words) for column in each.columns], role="row"),
                                role="rowgroup",
                            ),
                            html.Tbody(role="rowgroup", **{"data-slot": "rows"}),
                        ],
                        className="table lead-table",
                        role="table",  # rows are laid out as grids, which hides from some readers what they are
                        **{"aria-label": words(each.title)},
                    ),
                    html.P(className="lead-empty", **{"data-slot": "empty"}),
                ],
                className="lead-scroll",
            ),
            html.P(className="lead-note", **{"data-slot": "note"}),
        ],
        id=each.key,
        className="lead-panel",
        **{"data-table": each.key},
    )


def column_head(column: Column, words: Words) -> Component:
    """A column's name, which sorts by it."""
    return html.Th(
        html.Button(
            words(column.text), type="button", className="lead-sort", title=words(column.hint) if column.hint else None
        ),
        scope="col",
        role="columnheader",
        className=" ".join(
            filter(None, ("figure" if column.kind == "figure" else "", "minor" if column.minor else ""))
        ),
        **{"data-column": column.key, "aria-sort": "none"},
    )


def foot(words: Words) -> Component:
    """What the keys do, and how fresh all this is."""
    keys = (("/", "filter"), ("↑ ↓", "rows"), ("← →", "tables"), ("Esc", "clear"))
    return html.Footer(
        [
            html.Span(
                [part for key, text in keys for part in (html.Kbd(key), f" {words(text)} ")], className="lead-keys"
            ),
            html.Ul(className="lead-sources", **{"data-slot": "sources"}),
            html.Span(className="wall-link", **{"data-slot": "link", "data-state": "connecting"}),
        ],
        className="desk-foot lead-foot",
    )
