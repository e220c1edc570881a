"""``/alerts``: what fires, who has it, what is silent, and what happened. ``?project=ID`` shows one project, as the companion of its wall."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.components.alerts import alerts
from dashboard.context import here


def title(**_: Any) -> str:
    """For the browser's tab."""
    return here().words()("Alerts")


def layout(project: str = "", **_: Any) -> Component:
    """The alerts of every project that the caller may see, or of one of them."""
    context = here()
    site = context.watcher.current.site
    return alerts(
        site.name,
        list(context.projects().values()),
        context.words(),
        time_zone=site.time_zone,
        chosen=project,
        may_act=context.caller.may_act,
        who=context.caller.name,
        account=context.account,
    )


dash.register_page(__name__, path="/alerts", title=title, name="alerts", layout=layout)
