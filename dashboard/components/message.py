"""A page that can only say one thing, and where to go from there."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.i18n import Words


def message(text: str, words: Words) -> Component:
    """``text`` and the way to the overview."""
    return html.Main(
        [html.P(text, className="message-text"), html.A(words("Go to the overview"), href="/", className="desk-link")],
        id=ids.MESSAGE,
        className="desk message",
    )
