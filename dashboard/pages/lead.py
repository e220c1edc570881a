"""``/lead/{id}``: one project's floor for whoever leads it. The filters stand in the address and are the script's."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.components.lead import lead
from dashboard.components.message import message
from dashboard.context import here


def title(project: str = "", **_: Any) -> str:
    """The project's name, for the browser's tab."""
    found = here().project(project)
    return found.name if found else here().watcher.current.site.name


def layout(project: str = "", **_: Any) -> Component:
    """The desk of a project that the caller may see, for a role that may see people; a word otherwise."""
    context = here()
    found = context.project(project)
    said = context.words(found)
    if found is None:
        return message(said.live()["not_found"], said)
    if not context.caller.sees_names:
        return message(said("This page shows people by name, which your role does not see."), said)
    return lead(
        project,
        found.name,
        found.client or "",
        said,
        layout=found.layout,
        time_zone=found.time_zone,
        who=context.account,
    )


dash.register_page(__name__, path_template="/lead/<project>", title=title, name="lead", layout=layout)
