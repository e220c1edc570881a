"""A project's past, by intervals, as JSON or CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from collectors import event_log
from dashboard.access.caller import Caller
from dashboard.api.route import Handler, Web
from dashboard.asgi import Answer, Problem, Request
from dashboard.redis_gone import REDIS_GONE, redis_away
from operations import sources
from operations.kpis.coverage import Gives, told_by
from operations.projects.contract import Project

LENGTHS = (15, 30, 60)
MOST_DAYS = 92
"""What one request may ask for; a longer stretch is several requests."""

AT_ONCE = 2
"""Readings of the past at the same time: they compute, and the live feed shares their process."""

FIRST_YEAR, LAST_YEAR = 1990, 2100

Read = Callable[[Any, Any, int, int, int, str | None, Gives], list[dict[str, Any]]]
"""``(client, project, start_ms, end_ms, minutes, queue, gives) -> rows``; see ``operations.intervals.intervals``."""


def handler(read: Read) -> Handler:
    """The route's handler on top of ``read``, which runs in a thread with the synchronous client."""

    turn = asyncio.Semaphore(AT_ONCE)

    async def intervals(web: Web, request: Request, caller: Caller) -> Answer:
        project = request.path_values["project"]
        configuration = web.watcher.current
        configured = configuration.projects[project]
        zone = sources.zone(configuration, project)
        start, end = stretch(request.query.get("from"), request.query.get("to"), zone)
        minutes = length(request.query.get("interval"), configuration.site.interval_min)
        queue = request.query.get("queue")
        if queue is not None and queue not in configured.queues:
            known = ", ".join(configured.queues)
            raise Problem(422, "unknown_queue", f"queue: not one of this project's queues; they are {known}")
        accept = request.headers.get("accept", "*/*")
        try:
            gives = await _gives(web, configured)
            async with turn:
                rows = await asyncio.to_thread(read, web.redis_sync, configured, start, end, minutes, queue, gives)
        except REDIS_GONE as error:
            raise redis_away() from error
        view = caller.view(configured)
        if not view.is_whole:
            rows = [view.interval(row) for row in rows]
        if wants_csv(accept):
            stem = re.sub(r"[^A-Za-z0-9_-]", "_", project)
            name = f"{stem}-{datetime.fromtimestamp(start / 1000, zone):%Y-%m-%d}.csv"
            headers = (("Content-Disposition", f'attachment; filename="{name}"'), ("Cache-Control", "no-store"))
            text = await asyncio.to_thread(as_csv, rows)
            return Answer(200, text.encode(), "text/csv; charset=utf-8", (*headers, ("Vary", "Accept")))
        return await asyncio.to_thread(Answer.json, {"intervals": rows}, 200, [("Vary", "Accept")])

    return intervals


async def _gives(web: Web, project: Project) -> Gives:
    """By source of a project, what it tells."""
    configured = web.watcher.current.sources
    pipe = web.redis.pipeline(transaction=False)
    for source in project.sources:
        pipe.get(event_log.status_key(source))
    raws = await pipe.execute() if project.sources else []
    views = {
        source: sources.judge(sources.parse(raw), web.clock(), configured[source].kind)
        for source, raw in zip(project.sources, raws, strict=True)
    }
    return {source: told_by(view) for source, view in views.items()}


def stretch(start: str | None, end: str | None, zone: tzinfo) -> tuple[int, int]:
    """``from`` and ``to`` as epoch ms; ``to`` is where the stretch ends, and a bare date there includes that day.

    A date is a day in ``zone``. Raises ``Problem`` 400 or 422.
    """
    began, ended = moment("from", start, zone), moment("to", end, zone, through=True)
    if ended <= began:
        raise Problem(422, "empty_stretch", "to: lies before from; it must be later")
    if ended - began > timedelta(days=MOST_DAYS + 1):
        raise Problem(422, "too_long", f"from, to: more than {MOST_DAYS} days; ask for the stretch in parts")
    return int(began.timestamp() * 1000), int(ended.timestamp() * 1000)


def moment(name: str, text: str | None, zone: tzinfo, *, through: bool = False) -> datetime:
    """One end of a stretch: ``2026-11-22`` (``through``: the end of that day) or ``2026-11-22T10:00:00+08:00``."""
    right = f"{name}: expected a date (2026-11-22) or a time with offset (2026-11-22T10:00:00+08:00)"
    if not text:
        raise Problem(400, "missing_parameter", f"{right}, it is missing")
    try:
        # Years far from ours overflow somewhere between here and the calendar.
        if not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
            raise ValueError(text[:4])
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime.combine(day + timedelta(days=1) if through else day, time(), zone)
        # A plus sign that nobody encoded arrives as a space.
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if found.tzinfo is None:
            raise Problem(422, "no_offset", f"{right}, this time has no offset")
        return found
    except (ValueError, OverflowError) as error:
        raise Problem(400, "bad_time", right) from error


def length(text: str | None, default: int) -> int:
    """Minutes of an interval."""
    if text is None or text == "":
        return default
    if text not in [str(minutes) for minutes in LENGTHS]:
        raise Problem(422, "bad_interval", f"interval: {', '.join(map(str, LENGTHS))} are possible (minutes)")
    return int(text)


def wants_csv(accept: str) -> bool:
    """Whether ``text/csv`` comes before JSON in what the client accepts, by its weights and then its order."""
    best, chosen = 0.0, ""
    for part in accept.split(","):
        kind, *settings = [piece.strip() for piece in part.split(";")]
        weight = next((piece[2:] for piece in settings if piece.startswith("q=")), "1")
        worth = float(weight) if weight.replace(".", "", 1).isdigit() else 0.0
        if kind in ("text/csv", "application/json", "*/*", "application/*", "text/*") and worth > best:
            best, chosen = worth, kind
    return chosen in ("text/csv", "text/*")


def as_csv(rows: list[dict[str, Any]]) -> str:
    """The rows as a table: start, end, queue, then counters and KPIs, each under its own name, and what is missing from these.

    A cell that a spreadsheet would take for a formula is quoted with an apostrophe: a queue's name comes from outside.
    """
    counters = sorted({name for row in rows for name in row["counters"]})
    kpis = sorted({name for row in rows for name in row["kpis"]})
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(
        [
            *("start", "end", "queue", *counters),
            *(f"kpi_{name}" if name in counters else name for name in kpis),
            *("partial", "not_reported"),
        ]
    )
    for row in rows:
        cells = [row["start"], row["end"], _plain(row["queue"] or "")]
        cells += [row["counters"].get(name, "") for name in counters]
        cells += ["" if row["kpis"].get(name) is None else row["kpis"][name] for name in kpis]
        holes = (f"{name} without {', '.join(lacking)}" for name, lacking in row["partial"].items())
        table.writerow([*cells, "; ".join(holes), " ".join(row["not_reported"])])
    return out.getvalue()


def _plain(text: str) -> str:
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
