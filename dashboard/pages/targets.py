"""``/targets/{id}``: what a project was promised to reach; a manager may change it."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.components.message import message
from dashboard.components.targets import targets
from dashboard.context import here


def title(**_: Any) -> str:
    """For the browser's tab."""
    return here().words()("Targets")


def layout(project: str = "", **_: Any) -> Component:
    """The targets of a project that the caller may see; a word otherwise."""
    context = here()
    found = context.project(project)
    if found is None:
        said = context.words()
        return message(said.live()["not_found"], said)
    return targets(
        found,
        context.words(found),
        may_edit=context.caller.may_edit,
        who=context.account,
        signs_in=context.watcher.current.access is not None,
    )


dash.register_page(__name__, path_template="/targets/<project>", title=title, name="targets", layout=layout)
