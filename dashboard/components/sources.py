"""The sources page: how each link to an ACD is, since when, and what to do about it. Its states are the script's."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.frame import foot, site_head
from dashboard.components.page_data import Page
from dashboard.context import Account
from dashboard.i18n import Words

FACTS = (
    ("since", "Since"),
    ("word", "Last word"),
    ("event", "Last event"),
    ("rate", "Events"),
    ("skew", "Clock"),
    ("version", "Version"),
    ("untold", "Does not report"),
    ("also", "Also reports"),
    ("projects", "Projects"),
    ("unnamed", "Queues that no project names"),
    ("lost", "Contacts that nobody saw end, today"),
)
"""What a source's card tells: slot and text."""

INCIDENTS = (("surge", "A surge of calls"), ("lunch", "The team goes to lunch"), ("dead_trunk", "A trunk goes dead"))
"""What a presenter can make a simulator do."""

NOTIFICATION = ("Route", "Service", "State", "Last outcome", "What is wrong, and what to do")
"""The heads of the table of those who are told of alerts."""


def sources(
    site: str,
    found: Sequence[tuple[str, str]],
    words: Words,
    *,
    time_zone: str,
    may_act: bool,
    who: Account | None = None,
) -> Component:
    """The whole page. ``found``: id and kind of each source; ``may_act``: whether the viewer may trigger incidents."""
    cards = [card(source, kind, words, may_act=may_act) for source, kind in found]
    return html.Main(
        [
            site_head(site, words, current="/sources", who=who),
            configuration(words),
            html.Section(cards or html.P(words("No source is configured."), className="empty"), className="sources"),
            notification(words),
            foot(),
        ],
        id=ids.SOURCES,
        className="desk",
        **{"data-page": Page("sources", words, time_zone=time_zone, may_act=may_act).attribute()},
    )


def configuration(words: Words) -> Component:
    """What is wrong with the configuration on disk; not shown while nothing is."""
    return html.Section(
        [
            html.H2(words("Configuration")),
            html.Div(
                [
                    html.P(words("The configuration on disk has errors; the last good one is running.")),
                    html.Ul(**{"data-slot": "config-errors"}),
                ],
                **{"data-slot": "config-broken"},
            ),
            html.Div(
                [
                    html.P(words("The sources cannot give everything that the configuration asks for.")),
                    html.Ul(**{"data-slot": "config-warnings"}),
                ],
                **{"data-slot": "config-beyond"},
            ),
        ],
        className="config",
        hidden=True,
        **{"data-slot": "config", "data-look": "warning"},
    )


def notification(words: Words) -> Component:
    """How each address does that people are told of alerts by; not shown where nobody is to be told."""
    return html.Section(
        [
            html.H2(words("Notification"), className="desk-title"),
            html.Table(
                [
                    html.Thead(html.Tr([html.Th(words(head)) for head in NOTIFICATION])),
                    html.Tbody(**{"data-slot": "notify-rows"}),
                ],
                className="table",
            ),
        ],
        className="card notify",
        hidden=True,
        # A table wider than a phone scrolls inside its card; a keyboard must be able to scroll it too.
        tabIndex="0",
        **{"data-slot": "notify", "aria-label": words("Notification")},
    )


def card(source: str, kind: str, words: Words, *, may_act: bool) -> Component:
    """One source; buttons for incidents if it is a simulator and the viewer may act."""
    return html.Article(
        [
            html.Div(
                [
                    html.H2(source, className="card-name"),
                    html.Span(kind, className="card-client"),
                    html.Span(className="card-state", **{"data-slot": "state"}),
                ],
                className="card-top",
            ),
            html.P(className="source-error", hidden=True, **{"data-slot": "error"}),
            html.P(className="source-warning", hidden=True, **{"data-slot": "warning"}),
            html.Dl(
                [
                    html.Div([html.Dt(words(text)), html.Dd(**{"data-slot": slot})], className="fact")
                    for slot, text in FACTS
                ],
                className="facts",
            ),
            incidents(source, words) if kind == "simulator" and may_act else None,
        ],
        className="card source",
        **{"data-source": source, "data-look": "waiting"},
    )


def incidents(source: str, words: Words) -> Component:
    """The buttons with which a presenter makes a simulated floor have a bad day."""
    return html.Div(
        [
            html.Span(words("Try an incident"), className="incidents-label"),
            *(
                html.Button(
                    words(text), className="incident", type="button", **{"data-incident": incident, "data-to": source}
                )
                for incident, text in INCIDENTS
            ),
            html.Span(className="incident-answer", role="status", **{"data-slot": "answer"}),
        ],
        className="incidents",
    )
