"""``/wall``: what a paired screen was told to show. ``/wall?playlist=a,b,c&seconds=20``: those projects' walls in turn."""

from __future__ import annotations

from typing import Any

import dash
from dash.development.base_component import Component

from dashboard.api.screens import LONGEST_S, MOST_PROJECTS, SHORTEST_S, orders
from dashboard.components.message import message
from dashboard.components.playlist import playlist as playlist_page
from dashboard.components.wall import wall
from dashboard.context import Context, here

SECONDS = 20


def title(**_: Any) -> str:
    """The site's name, for the browser's tab."""
    name: str = here().watcher.current.site.name
    return name


def layout(playlist: str = "", seconds: str = "", decimals: str = "1", **_: Any) -> Component:
    """The walls of those projects that are configured and that the caller may see; the others wait until they are."""
    context = here()
    screen = context.screens.screen(context.watcher.current.access, context.caller.screen)
    said = context.words()
    named = tuple(dict.fromkeys(filter(None, playlist.split(","))))
    wanted = (named or (screen.projects if screen else ()))[:MOST_PROJECTS]
    if not wanted:
        return message(said("This browser is not a paired screen. Open /pair on it, or choose a wall."), said)
    walls = [_wall(context, project, 0 if decimals == "0" else 1) for project in wanted]
    return playlist_page(
        [found for found in walls if found is not None],
        wanted,
        said,
        seconds=_seconds(seconds) or (screen.seconds if screen else SECONDS),
        sound=screen.sound if screen else False,
        screen=orders(screen) if screen else None,
    )


def _wall(context: Context, project: str, decimals: int) -> Component | None:
    found = context.project(project)
    if found is None:
        return None
    said = context.words(found)
    board = context.board(project)
    keys = (board or {}).get("wall") or context.caller.view(found).chosen(found.wall)
    zone = context.watcher.current.site.time_zone
    return wall(
        project, found.name, found.client or "", keys, board, said, time_zone=zone, decimals=decimals, slide=True
    )


def _seconds(said: str) -> int:
    """What the address says, within what is possible; 0 for nothing and for what is no number."""
    return min(LONGEST_S, max(SHORTEST_S, int(said))) if said.isascii() and said.isdigit() and len(said) < 6 else 0


dash.register_page(__name__, path="/wall", title=title, name="playlist", layout=layout)
