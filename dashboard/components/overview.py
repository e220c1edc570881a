"""The overview: every project as a card, the one that needs somebody first. The cards are the script's, from one feed."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.frame import foot, project_pages, site_head
from dashboard.components.page_data import Page, label
from dashboard.context import Account
from dashboard.i18n import Words

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
    cards = [card(project, name, client, keys, words, who) for project, name, client, keys in projects]
    empty = html.P(words("No project is configured, or you may not see any."), className="empty")
    return html.Main(
        [
            site_head(site, words, current="/", who=who),
            html.Section(cards or empty, className="cards", **{"data-slot": "cards"}),
            foot(),
        ],
        id=ids.OVERVIEW,
        className="desk",
        **{"data-page": Page("overview", words, time_zone=time_zone).attribute()},
    )


def card(
    project: str, name: str, client: str, keys: Sequence[str], words: Words, who: Account | None = None
) -> Component:
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
                        [html.A(words(text), href=f"/{page}/{project}") for page, text in project_pages(who)],
                        className="card-links",
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
