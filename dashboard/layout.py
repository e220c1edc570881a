"""The frame around every page: the index document and the container that Dash fills."""

from __future__ import annotations

import dash
from dash import html
from dash.development.base_component import Component

INDEX = """<!DOCTYPE html>
<html lang="en">
    <head>
        {%metas%}
        <title>{%title%}</title>
        {%favicon%}
        {%css%}
    </head>
    <body>
        {%app_entry%}
        <footer>{%config%}{%scripts%}{%renderer%}</footer>
    </body>
</html>"""


def layout() -> Component:
    """The frame, built for each visit."""
    return html.Div(dash.page_container)
