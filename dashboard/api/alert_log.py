"""The log of everything that happened to alerts: of one project, or of all that the caller may see."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import msgspec

from dashboard.access.caller import Caller
from dashboard.api.alerts import impersonal
from dashboard.api.intervals import moment
from dashboard.api.route import Web
from dashboard.api.sentences import language_of, worded
from dashboard.asgi import Answer, Problem, Request
from dashboard.redis_gone import asked
from operations import sources
from operations.alerts.keeper import LOG_MS
from operations.store import keys

DEFAULT_LIMIT, MOST_ENTRIES = 200, 1_000
AT_ONCE = 10
"""Logs that are read in one round trip when the newest entries of many projects are wanted."""

TIMES = ("began_at", "fired_at", "start", "until")

_entries = msgspec.json.Decoder(dict[str, Any])


async def project_log(web: Web, request: Request, caller: Caller) -> Answer:
    """What happened to one project's alerts, newest first."""
    return await _log(web, request, caller, [request.path_values["project"]])


async def all_logs(web: Web, request: Request, caller: Caller) -> Answer:
    """The same of all projects that the caller may see."""
    return await _log(web, request, caller, [name for name in web.watcher.current.projects if caller.may_see(name)])


async def _log(web: Web, request: Request, caller: Caller, projects: list[str]) -> Answer:
    query, zone = request.query, sources.zone(web.watcher.current, projects[0] if len(projects) == 1 else "")
    now_ms = web.clock()
    start = _when("from", query.get("from"), zone, now_ms - LOG_MS)
    end = _when("to", query.get("to"), zone, None)
    if end is not None and end <= start:
        raise Problem(422, "empty_stretch", "to: lies before from; it must be later")
    limit, language = entries_wanted(query.get("limit")), language_of(request)
    found = await newest(web, projects, start, end, limit + 1)
    rows = [_row(web, caller, project, blob, language) for project, blob in found[:limit]]
    return Answer.json({"entries": [row for row in rows if row], "more": len(found) > limit})


def _when(name: str, text: str | None, zone: tzinfo, otherwise: int | None) -> Any:
    if not text:
        return otherwise
    return int(moment(name, text, zone, through=name == "to").timestamp() * 1000)


def entries_wanted(text: str | None) -> int:
    """How many entries. Raises ``Problem`` 422."""
    if not text:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_ENTRIES):
        raise Problem(422, "bad_limit", f"limit: a whole number from 1 to {MOST_ENTRIES} is possible")
    return int(text)


async def newest(web: Web, projects: list[str], start: int, end: int | None, count: int) -> list[tuple[str, bytes]]:
    """The newest entries of several logs, newest first: (project, entry). An entry's place in its stream says when it was written.

    Logs are read in the order of their last entry, until none that is left can hold anything newer.
    """
    newest_id = "+" if end is None else end - 1
    order = [(b"", name) for name in projects]
    if len(projects) > 1:
        pipe = web.redis.pipeline(transaction=False)
        for name in projects:
            pipe.xrevrange(keys.alert_log(name), newest_id, start, count=1)
        last = await asked(pipe.execute())
        order = sorted(
            ((found[0][0], name) for name, found in zip(projects, last, strict=True) if found),
            key=lambda pair: _place(pair[0]),
            reverse=True,
        )
    entries: list[tuple[tuple[int, int], str, bytes]] = []
    for at in range(0, len(order), AT_ONCE):
        if len(entries) >= count and entries[count - 1][0] >= _place(order[at][0]):
            break
        pipe = web.redis.pipeline(transaction=False)
        for _, name in order[at : at + AT_ONCE]:
            pipe.xrevrange(keys.alert_log(name), newest_id, start, count=count)
        read = await asked(pipe.execute())
        for (_, name), rows in zip(order[at : at + AT_ONCE], read, strict=True):
            entries += [(_place(place), name, fields.get(b"entry", b"{}")) for place, fields in rows]
        entries.sort(key=lambda entry: entry[0], reverse=True)
    return [(name, blob) for _, name, blob in entries[:count]]


def _place(stream_id: bytes) -> tuple[int, int]:
    at, _, number = stream_id.partition(b"-")
    return int(at), int(number)


def _row(web: Web, caller: Caller, project: str, blob: bytes, language: str) -> dict[str, Any]:
    """An entry as the API shows it: times as ISO 8601, its project beside it; empty for one that cannot be read."""
    try:
        entry = _entries.decode(blob)
    except msgspec.MsgspecError:
        return {}
    zone = sources.zone(web.watcher.current, project)
    configured = web.watcher.current.projects.get(project)
    if configured is None or (entry.get("kpi") and not caller.view(configured).shows(entry["kpi"])):
        return {}
    shown = {"project": project, **worded(entry, language)}
    for name in ("at", *TIMES):
        if isinstance(shown.get(name), int):
            shown[name] = sources.iso(shown[name], zone)
    return impersonal(shown, caller)
