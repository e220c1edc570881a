"""``/screens``: the screens that hang in the rooms, what each shows, and how to pair another."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.components.screens import screens
from dashboard.context import here


def title(**_: Any) -> str:
    """For the browser's tab."""
    return here().words()("Screens")


def layout(**_: Any) -> Component:
    """The caller's screens; a word for a role that may not pair any."""
    context = here()
    site = context.watcher.current.site
    return screens(
        site.name,
        [(key, project.name) for key, project in context.projects().items()],
        context.words(),
        time_zone=site.time_zone,
        may_act=context.caller.may_act,
        signs_in=context.watcher.current.access is not None,
        who=context.account,
    )


dash.register_page(__name__, path="/screens", title=title, name="screens", layout=layout)
