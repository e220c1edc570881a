"""``/sources``: how the links to the ACDs are, and what to do about them."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.components.sources import sources
from dashboard.context import here


def title(**_: Any) -> str:
    """For the browser's tab."""
    return here().words()("Sources")


def layout(**_: Any) -> Component:
    """A card per source that the caller's projects use."""
    context = here()
    site = context.watcher.current.site
    found = [(source, view.kind) for source, view in context.sources().items()]
    return sources(
        site.name,
        found,
        context.words(),
        time_zone=site.time_zone,
        may_act=context.caller.may_act,
        who=context.account,
    )


dash.register_page(__name__, path="/sources", title=title, name="sources", layout=layout)
