"""The page of a screen that is not paired yet: its code, huge, and what to do with it. Its code is the script's (``assets/pair.mjs``)."""

from __future__ import annotations

import json
from html import escape

from dash import html
from dash.development.base_component import Component

from dashboard.components.static_html import static_html
from dashboard.document import FONT, asset
from dashboard.i18n import Words
from dashboard.i18n.screens import PAIR

SIGNS = 6
HALF = SIGNS // 2


def pair_document(site: str, place: str, words: Words) -> str:
    """The whole HTML document. ``place``: the address of the page on which a supervisor enters the code."""
    return f"""<!DOCTYPE html>
<html lang="{escape(words.language)}" data-surface="wall">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<meta name="robots" content="noindex, nofollow">
<link rel="icon" href="data:,">
<title>{escape(words("Pair this screen"))}</title>
<link rel="preload" as="font" type="font/woff2" href="/assets/{FONT}" crossorigin>
<link rel="stylesheet" href="{asset("tokens.css")}">
<link rel="stylesheet" href="{asset("pair.css")}">
<script type="module" src="{asset("pair.mjs")}"></script>
</head>
<body>{static_html(pair(site, place, words))}</body>
</html>"""


def pair(site: str, place: str, words: Words) -> Component:
    """The page's tree."""
    texts = {name: words(english) for name, english in PAIR.items()}
    return html.Main(
        [
            html.P(site, className="pair-site"),
            html.H1(words("Pair this screen"), className="pair-title"),
            html.Div(
                [
                    html.Span(
                        [html.Span("·", className="pair-sign") for _ in range(HALF)],
                        className="pair-half",
                    )
                    for _ in range(SIGNS // HALF)
                ],
                className="pair-code",
                **{"data-slot": "code", "data-state": "waiting", "aria-live": "polite"},
            ),
            html.P(className="pair-left", **{"data-slot": "left"}),
            html.Ol(
                [
                    html.Li(
                        [
                            html.Span(words("On a computer, a supervisor opens"), className="pair-do"),
                            html.Span(place, className="pair-place"),
                        ]
                    ),
                    html.Li(words("enters this code there, and chooses what this screen shows.")),
                    html.Li(words("This screen then goes on by itself.")),
                ],
                className="pair-steps",
            ),
            html.P(className="pair-link", role="status", **{"data-slot": "link", "data-state": "connecting"}),
        ],
        className="pair",
        **{"data-texts": json.dumps(texts, ensure_ascii=False)},
    )
