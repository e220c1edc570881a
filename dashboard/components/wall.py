"""The wall: what people on the floor read in two seconds from ten metres.

The tree holds everything but the numbers; elements that stay empty here are written by ``assets/live.mjs``,
which finds them by their ``data-`` attributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.page_data import QUEUE_COLUMNS, Page, known_before, label
from dashboard.i18n import Words

MOST_TILES = 6
"""More numbers than this nobody takes in at a glance."""


def wall(
    project: str,
    name: str,
    client: str,
    keys: Sequence[str],
    board: Mapping[str, Any] | None,
    words: Words,
    *,
    time_zone: str = "UTC",
    decimals: int = 1,
    slide: bool = False,
) -> Component:
    """The whole page. ``keys``: the project's wall; ``board``: the last one, for goals, or None; ``decimals`` of a percentage.

    ``slide``: it is one of several in a playlist, and not shown before its turn.
    """
    keys = tuple(dict.fromkeys(keys))[:MOST_TILES]
    page = Page(
        "wall",
        words,
        project=project,
        layout=str((board or {}).get("layout") or ""),
        time_zone=str((board or {}).get("time_zone") or time_zone),
        decimals=decimals,
        kpis=known_before(board, keys),
    )
    kind, own = (html.Section, {"data-slide": project}) if slide else (html.Main, {"id": ids.WALL})
    return kind(
        [
            head(name, client),
            html.Section(
                [tile(key, words) for key in keys],
                className="tiles",
                **{"data-count": str(len(keys)), "aria-live": "off"},
            ),
            queues(words),
            banner(),
            foot(),
        ],
        className="wall",
        lang=words.language,
        **{"data-page": page.attribute()},
        **own,
    )


def head(name: str, client: str) -> Component:
    """The project, its client, until when it is open, and the time where it works."""
    return html.Header(
        [
            html.H1(name, className="wall-name"),
            html.Span(client, className="wall-client"),
            html.Span(className="wall-open", **{"data-slot": "open"}),
            html.Span(className="wall-clock", **{"data-slot": "clock"}),
        ],
        className="wall-head",
    )


def tile(key: str, words: Words, project: str = "") -> Component:
    """One number beside what it should be."""
    owner = {"data-project": project} if project else {}
    return html.Article(
        [
            html.Div(
                [
                    html.H2(label(key, words.language), className="tile-label"),
                    html.Span(className="tile-state", **{"data-slot": "state"}),
                ],
                className="tile-top",
            ),
            html.Div(
                [
                    html.Div(
                        [html.Span(className="number"), html.Span(className="unit")],
                        className="tile-value",
                        **{"data-kpi": key, "data-band": "unknown", **owner},
                    ),
                    html.Span(className="tile-of", **{"data-slot": "of"}),
                ],
                className="tile-figure",
            ),
            html.P(className="tile-goal", **{"data-slot": "goal"}),
            html.Div(className="tile-trend", **{"data-slot": "trend", "aria-hidden": "true"}),
            html.P(className="tile-sample", **{"data-slot": "sample"}),
            html.P(className="tile-moved", **{"data-slot": "moved"}),
        ],
        className="tile",
        **{"data-tile": key, "data-look": "waiting"},
    )


def queues(words: Words) -> Component:
    """The table of queues; its rows are the script's."""
    return html.Section(
        [
            html.Table(
                [
                    html.Thead(
                        html.Tr(
                            [
                                html.Th(words("Queue"), className="queue-name"),
                                *(html.Th(_column(key, words), className="queue-number") for key in QUEUE_COLUMNS),
                            ]
                        )
                    ),
                    html.Tbody(**{"data-slot": "queues"}),
                ],
                className="queue-table",
            ),
            html.P(className="queues-more", **{"data-slot": "queues-more"}),
        ],
        className="queues",
    )


def _column(key: str, words: Words) -> str:
    short = {"longest_wait_s": words("Longest"), "service_level_pct": words("SL")}
    return short.get(key) or label(key, words.language)


def banner() -> Component:
    """The worst thing on the floor, in one line."""
    return html.Div(
        [
            html.Span(className="banner-state", **{"data-slot": "banner-state"}),
            html.Span(className="banner-text", **{"data-slot": "banner-text"}),
            html.Span(className="banner-more", **{"data-slot": "banner-more"}),
        ],
        className="banner",
        role="status",
        **{"data-slot": "banner", "data-look": "waiting"},
    )


def foot() -> Component:
    """How fresh all this is."""
    return html.Footer(
        [
            html.Ul(className="wall-sources", **{"data-slot": "sources"}),
            html.Span(className="wall-link", **{"data-slot": "link", "data-state": "connecting"}),
        ],
        className="wall-foot",
    )
