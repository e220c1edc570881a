"""Several walls in turn on one screen, or whatever a paired screen was told to show. Whose turn it is, is the script's (``assets/playlist.mjs``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard import ids
from dashboard.components.page_data import Page
from dashboard.i18n import Words
from dashboard.i18n.screens import PLAYLIST


def playlist(
    walls: Sequence[Component],
    wanted: Sequence[str],
    words: Words,
    *,
    seconds: int,
    sound: bool = False,
    screen: dict[str, Any] | None = None,
) -> Component:
    """The whole page. ``walls``: those that can be shown; ``wanted``: the ids of all that should be; ``screen``: a paired screen's orders."""
    page = Page("playlist", words, texts=PLAYLIST)
    for wall in walls[1:]:
        wall.hidden = True
    strip = html.Div(
        [
            html.Span(className="playlist-held", hidden=True, **{"data-slot": "held"}),
            html.Span(className="playlist-next", **{"data-slot": "next"}),
            html.Span(className="playlist-line", **{"data-slot": "line"}),
        ],
        className="playlist-strip",
        hidden=len(wanted) < 2,
    )
    empty = html.P(
        words("Nothing that this screen is to show is configured now. It waits for it."), className="message-text"
    )
    return html.Main(
        [
            html.Div(list(walls) or html.Div(empty, className="playlist-empty"), className="playlist-walls"),
            strip,
            html.Div(className="screen-word", role="status", hidden=True, **{"data-slot": "word"}),
        ],
        id=ids.PLAYLIST,
        className="playlist",
        lang=words.language,
        **{
            "data-page": page.attribute(),
            "data-playlist": json.dumps(
                {"wanted": list(wanted), "seconds": seconds, "sound": sound, "screen": screen}, ensure_ascii=False
            ),
        },
    )
