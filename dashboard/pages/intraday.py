"""``/intraday/{id}``: a day, a week or a month of one project. ``?span=day|week|month&day=2026-11-22&interval=15|30&queue=SOURCE/QUEUE``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import dash
from dash import Input, Output, State, callback, clientside_callback, ctx, dcc, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask import request

from dashboard import downloads, ids, past
from dashboard.components import intraday as parts
from dashboard.components import intraday_charts as charts
from dashboard.components import intraday_news as news
from dashboard.components import intraday_tables as tables
from dashboard.components import intraday_tiles as tiles
from dashboard.components.intraday_view import View
from dashboard.components.message import message
from dashboard.context import Context, here
from dashboard.redis_gone import REDIS_GONE
from operations.intraday import blocks
from operations.intraday.span import KEPT_DAYS, Span, span
from operations.projects.contract import Project
from operations.windows import PROJECT

AWAY = "The server cannot reach its database. Load this page again in a moment."


def title(project: str = "", **_: Any) -> str:
    """The project's name, for the browser's tab."""
    found = here().project(project)
    return found.name if found else here().watcher.current.site.name


def layout(project: str = "", **query: Any) -> Component:
    """The past of a project that is configured and that the caller may see; a word otherwise."""
    context = here()
    found = context.project(project)
    said = context.words(found)
    if found is None:
        return message(said.live()["not_found"], said)
    asked = Asked(context, found, query)
    if asked.queue and asked.queue not in found.queues:
        return message(said("This project has no such queue."), said)
    try:
        # The first paint is this very tree without what only Dash can draw.
        return parts.page(view(asked), live=request.path.startswith("/_dash"))
    except REDIS_GONE:
        return message(said(AWAY), said)


dash.register_page(__name__, path_template="/intraday/<project>", title=title, name="intraday", layout=layout)


class Asked:
    """What an address asks for, of a project that the caller may see."""

    def __init__(self, context: Context, project: Project, query: Mapping[str, Any]) -> None:
        said = {name: value for name, value in query.items() if isinstance(value, str)}
        self.context, self.project = context, project
        self.span: Span = span(project.calendar, context.now_ms, said.get("span", ""), said.get("day", ""))
        self.minutes = {"15": 15, "30": 30}.get(said.get("interval", ""), project.interval_min)
        self.queue = said.get("queue", PROJECT)


def asked(pathname: str | None, search: str | None) -> Asked | None:
    """What the address that a browser reports asks for; None when it is no project that the caller may see."""
    prefix, _, name = (pathname or "").strip("/").partition("/")
    context = here()
    project = context.project(unquote(name)) if prefix == "intraday" else None
    if project is None:
        return None
    found = Asked(context, project, dict(parse_qsl((search or "").lstrip("?"))))
    return found if not found.queue or found.queue in project.queues else None


def view(asked: Asked) -> View:
    """Everything that the page shows. Raises redis' errors."""
    context, project = asked.context, asked.project
    found = past.load(context, project, asked.span, asked.minutes, asked.queue, past.gives(context, project))
    board = (context.board(project.id) or {}) if asked.span.running else {}
    quiet = []
    if asked.span.running:
        sources = {name: source for name, source in context.sources().items() if name in project.sources}
        for name, source in sources.items():
            if source.state != "up" and source.since is not None:
                why = "source_stale" if source.state == "stale" else "source_down"
                quiet.append((why, name, project.calendar.iso(source.since)[11:16]))
    return View(
        project=project,
        history=found,
        words=context.words(project),
        budget=board.get("budget") or {},
        kpis=context.caller.view(project).kpis,
        who=context.account,
        quiet=quiet,
        begins=blocks.begins(context.redis, project, context.now_ms) if found.empty else None,
        as_of=project.calendar.iso(context.now_ms)[:16].replace("T", " "),
    )


# ── What happens on the page; each callback learns the project from the address and checks it (``asked``) ──

PLACE = (State(ids.INTRADAY_PLACE, "pathname"), State(ids.INTRADAY_PLACE, "search"))


@callback(  # type: ignore[untyped-decorator]
    Output(ids.INTRADAY_WHERE, "children"),
    Output(ids.INTRADAY_NEWS, "children"),
    Output(ids.INTRADAY_TILES, "children"),
    Output(ids.INTRADAY_LOST, "children"),
    Output(ids.INTRADAY_QUEUES, "children"),
    Output(ids.INTRADAY_STEPS, "children"),
    Output(ids.INTRADAY_BODY, "data-empty"),
    Output(ids.INTRADAY_FIGURES, "data"),
    Output(ids.INTRADAY_SEEN, "data"),
    Input(ids.INTRADAY_CLOCK, "n_intervals"),
    *PLACE,
    State(ids.INTRADAY_SEEN, "data"),
    prevent_initial_call=True,
)
def follow(_: int | None, pathname: str | None, search: str | None, seen: str | None) -> Any:
    """The page as it is now; nothing when nothing has changed or when the caller may not see it."""
    wanted = asked(pathname, search)
    if wanted is None:
        raise PreventUpdate
    try:
        word = past.revision(wanted.context, wanted.project, wanted.span, past.gives(wanted.context, wanted.project))
        if word == seen:
            raise PreventUpdate
        now = view(wanted)
    except REDIS_GONE:
        said = wanted.context.words(wanted.project)
        return (no_update, news.away(said), *(no_update,) * 6, "")  # what is seen is old: whatever comes next is drawn
    return (
        parts.where(now),
        news.news(now),
        tiles.tiles(now),
        tables.lost(now),
        tables.queues(now),
        tables.steps(now),
        str(now.history.empty).lower(),
        charts.figures(now),
        word,
    )


@callback(  # type: ignore[untyped-decorator]
    Output(ids.INTRADAY_FILE, "data"),
    Input(ids.INTRADAY_CSV, "n_clicks"),
    Input(ids.INTRADAY_XLSX, "n_clicks"),
    *PLACE,
    prevent_initial_call=True,
)
def save(_: int | None, __: int | None, pathname: str | None, search: str | None) -> Any:
    """What is on the page as a file."""
    wanted = asked(pathname, search)
    if wanted is None:
        raise PreventUpdate
    try:
        now = view(wanted)
    except REDIS_GONE as error:
        raise PreventUpdate from error
    if ctx.triggered_id == ids.INTRADAY_XLSX:
        return dcc.send_bytes(downloads.as_xlsx(now), downloads.file_name(now, "xlsx"))
    return dcc.send_bytes(downloads.as_csv(now), downloads.file_name(now, "csv"))


@callback(  # type: ignore[untyped-decorator]
    Output(ids.INTRADAY_PLACE, "href"),
    Input(ids.INTRADAY_DAY, "value"),
    *PLACE,
    prevent_initial_call=True,
)
def choose(day: str | None, pathname: str | None, search: str | None) -> Any:
    """The page of the day that was chosen; of the week or month around it when the page is about such."""
    wanted = asked(pathname, search)
    if wanted is None or not day or day < (wanted.span.today - timedelta(days=KEPT_DAYS)).isoformat():
        raise PreventUpdate  # a year is typed digit by digit, and the year 2 is a valid one
    chosen = span(wanted.project.calendar, wanted.context.now_ms, wanted.span.kind, day[:10])
    if chosen == wanted.span:
        raise PreventUpdate
    query = dict(parse_qsl((search or "").lstrip("?"))) | {"day": "" if chosen.running else chosen.first.isoformat()}
    kept = urlencode({name: value for name, value in query.items() if value})
    return f"{pathname}?{kept}" if kept else pathname


clientside_callback(
    dash.ClientsideFunction("intraday", "paint"),
    *(Output(ids.intraday_chart(chart), "figure") for chart in charts.CHARTS),
    Input(ids.INTRADAY_FIGURES, "data"),
    Input(ids.INTRADAY_THEME, "data"),
)
