"""The overview: every project as a card, the one that needs somebody first. The cards are the script's, from one feed."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.account import account
from dashboard.components.page_data import Page, label
from dashboard.context import Account
from dashboard.i18n import Words

PAGES = (("wall", "Wall"), ("lead", "Lead"), ("intraday", "Intraday"), ("targets", "Targets"))
"""The pages of a project and what their links say."""

CARD_NUMBERS = 4
"""How many of a wall's numbers a card shows."""


def overview(
    site: str,
    projects: Sequence[tuple[str, str, str, Sequence[str]]],
    words: Words,
    *,
    time_zone: str,
    who: Account | None = None,
) -> Component:
    """The whole page. ``projects``: id, name, client and wall of each."""
    cards = [card(project, name, client, keys, words) for project, name, client, keys in projects]
    empty = html.P(words("No project is configured, or you may not see any."), className="empty")
    return html.Main(
        [
            desk_head(site, words, current="/", who=who),
            html.Section(cards or empty, className="cards", **{"data-slot": "cards"}),
            desk_foot(),
        ],
        id=ids.OVERVIEW,
        className="desk",
        **{"data-page": Page("overview", words, time_zone=time_zone).attribute()},
    )


def desk_head(site: str, words: Words, *, current: str, who: Account | None = None) -> Component:
    """The site's name, the way to the other pages, the time, and who reads (None: nobody is told)."""
    places = (
        ("/", words("Overview")),
        ("/alerts", words("Alerts")),
        ("/sources", words("Sources")),
        ("/screens", words("Screens")),
    )
    return html.Header(
        [
            html.H1(site, className="desk-name"),
            html.Nav(
                [
                    html.A(
                        name, href=path, className="desk-link", **({"aria-current": "page"} if path == current else {})
                    )
                    for path, name in places
                ],
                className="desk-nav",
            ),
            html.Span(className="desk-clock", **{"data-slot": "clock"}),
            account(who, words) if who else None,
        ],
        className="desk-head",
    )


def desk_foot() -> Component:
    """How fresh all this is."""
    return html.Footer(
        html.Span(className="wall-link", **{"data-slot": "link", "data-state": "connecting"}), className="desk-foot"
    )


def card(project: str, name: str, client: str, keys: Sequence[str], words: Words) -> Component:
    """One project: its state in a word, its first numbers, the age of its sources, and its wall a click away."""
    return html.Article(
        [
            html.Div(
                [
                    html.H2(html.A(name, href=f"/wall/{project}"), className="card-name"),
                    html.Span(client, className="card-client"),
                    html.Span(className="card-state", **{"data-slot": "state"}),
                ],
                className="card-top",
            ),
            html.Div([_number(project, key, words) for key in keys[:CARD_NUMBERS]], className="card-numbers"),
            html.P(className="card-note", **{"data-slot": "note"}),
            html.Div(
                [
                    html.P(className="card-foot", **{"data-slot": "foot"}),
                    html.Nav(
                        [html.A(words(text), href=f"/{page}/{project}") for page, text in PAGES], className="card-links"
                    ),
                ],
                className="card-bottom",
            ),
        ],
        className="card",
        **{"data-card": project, "data-look": "waiting"},
    )


def _number(project: str, key: str, words: Words) -> Component:
    return html.Div(
        [
            html.Span(label(key, words.language), className="card-label"),
            html.Div(
                [html.Span(className="number"), html.Span(className="unit")],
                className="card-value",
                **{"data-kpi": key, "data-project": project, "data-band": "unknown"},
            ),
            html.Span(className="card-goal", **{"data-slot": "goal"}),
        ],
        className="card-number",
        **{"data-tile": key, "data-look": "waiting"},
    )
