"""``/wall/{id}``: one project's numbers for a screen on the floor. ``?decimals=0`` draws percentages without a decimal."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.components.message import message
from dashboard.components.wall import wall
from dashboard.context import here


def title(project: str = "", **_: Any) -> str:
    """The project's name, for the browser's tab."""
    found = here().project(project)
    return found.name if found else here().watcher.current.site.name


def layout(project: str = "", decimals: str = "1", **_: Any) -> Component:
    """The wall of a project that is configured and that the caller may see; a word otherwise."""
    context = here()
    site = context.watcher.current.site
    found = context.project(project)
    said = context.words(found)
    if found is None:
        return message(said.live()["not_found"], said)
    board = context.board(project)
    keys = (board or {}).get("wall") or context.caller.view(found).chosen(found.wall)
    return wall(
        project,
        found.name,
        found.client or "",
        keys,
        board,
        said,
        time_zone=site.time_zone,
        decimals=0 if decimals == "0" else 1,
    )


dash.register_page(__name__, path_template="/wall/<project>", title=title, name="wall", layout=layout)
