"""What all desk pages share: the head, with the way to the other pages, and the foot."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.account import account
from dashboard.context import Account
from dashboard.i18n import Words

SITE = (("/", "Overview"), ("/alerts", "Alerts"), ("/sources", "Sources"), ("/screens", "Screens"))
"""The pages of the whole site and what their links say."""
PROJECT = (("wall", "Wall"), ("lead", "Lead"), ("intraday", "Intraday"), ("targets", "Targets"))
"""The pages of a project."""
NAMES_PEOPLE = frozenset({"lead"})
"""Pages that name people: nobody is led to one that would refuse."""


def site_head(site: str, words: Words, *, current: str, who: Account | None = None) -> Component:
    """The site's name, the way to its other pages, the time, and who reads (None: nobody is told)."""
    return _head([html.H1(site, className="desk-name")], SITE, words, current, _clock(), who)


def project_head(
    project: str,
    name: str,
    client: str,
    words: Words,
    *,
    current: str,
    who: Account | None = None,
    ticks: bool = True,
) -> Component:
    """The project and its client, the way to its other pages, and the time where it works (``ticks``: a script of ours is there to draw it)."""
    title = [html.H1(name, className="desk-name"), html.Span(client, className="desk-sub")]
    places = (SITE[0], *((f"/{page}/{project}", text) for page, text in project_pages(who)))
    times = [html.Span(className="lead-open", **{"data-slot": "open"}), *_clock()] if ticks else []
    return _head(title, places, words, f"/{current}/{project}", times, who)


def project_pages(who: Account | None) -> list[tuple[str, str]]:
    """The pages of a project that the reader may see, and what their links say."""
    return [(page, text) for page, text in PROJECT if who is None or who.sees_names or page not in NAMES_PEOPLE]


def foot() -> Component:
    """How fresh all this is."""
    return html.Footer(
        html.Span(className="wall-link", **{"data-slot": "link", "data-state": "connecting"}), className="desk-foot"
    )


def _clock() -> list[Component]:
    return [html.Span(className="desk-clock", **{"data-slot": "clock"})]


def _head(
    title: list[Component],
    places: tuple[tuple[str, str], ...],
    words: Words,
    current: str,
    times: list[Component],
    who: Account | None,
) -> Component:
    links = [
        html.A(words(text), href=path, className="desk-link", **({"aria-current": "page"} if path == current else {}))
        for path, text in places
    ]
    return html.Header(
        [*title, html.Nav(links, className="desk-nav"), *times, account(who, words) if who else None],
        className="desk-head",
    )
