"""``/``: every project that the caller may see, the one that needs somebody first."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.components.overview import overview
from dashboard.context import here


def title(**_: Any) -> str:
    """The site's name, for the browser's tab."""
    name: str = here().watcher.current.site.name
    return name


def layout(**_: Any) -> Component:
    """A card per project."""
    context = here()
    site = context.watcher.current.site
    projects = [
        (key, found.name, found.client or "", context.caller.view(found).chosen(found.wall))
        for key, found in context.projects().items()
    ]
    return overview(site.name, projects, context.words(), time_zone=site.time_zone, who=context.account)


dash.register_page(__name__, path="/", title=title, name="overview", layout=layout)
