"""Projects, boards and live feeds."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from collectors import event_log
from dashboard.access.caller import Caller
from dashboard.access.view import View
from dashboard.api.route import Web
from dashboard.asgi import Answer, Problem, Request, Stream
from dashboard.push.hub import FeedKey
from dashboard.push.live import LiveStream
from dashboard.redis_gone import asked
from operations import sources
from operations.store import boards, keys

MOST_SCREENS = 10_000
"""Open streams in one process; past it a new one is told to try another."""


async def projects(web: Web, request: Request, caller: Caller) -> Answer:
    """The projects that the caller may see."""
    listed = [
        {"id": key, "name": project.name, "client": project.client, "queues": list(project.queues)}
        for key, project in web.watcher.current.projects.items()
        if caller.may_see(key)
    ]
    return Answer.json({"projects": listed})


async def board(web: Web, request: Request, caller: Caller) -> Answer:
    """A project's board, its sources judged at this moment; 304 when the caller has this revision already."""
    project = request.path_values["project"]
    configured = web.watcher.current.projects[project]
    seen_as = caller.view(configured)
    named = [s for s in configured.sources if s in web.watcher.current.sources]
    pipe = web.redis.pipeline(transaction=False)
    pipe.hget(keys.board(project), boards.HEAD)
    pipe.hget(keys.BOARDS_CHECKED, project)
    for source in named:
        pipe.get(event_log.status_key(source))
    head, checked, *statuses = await asked(pipe.execute())
    now_ms = web.clock()
    zone = sources.zone(web.watcher.current, project)
    views = {
        source: sources.judge(sources.parse(status), now_ms, web.watcher.current.sources[source].kind)
        for source, status in zip(named, statuses, strict=True)
    }
    states = {source: (view.state, view.since) for source, view in views.items()}
    checked_at = int(checked) if checked and checked.isdigit() else None
    fresh = {
        "now": sources.iso(now_ms, zone),
        "checked_at": sources.iso(checked_at, zone),
        "age_s": None if checked_at is None else max(0, now_ms - checked_at) / 1000,
    }
    headers = (
        ("Vary", "Authorization, Cookie"),
        ("Cache-Control", "no-cache"),
        ("Floorlight-Now", str(fresh["now"])),
        ("Floorlight-Checked-At", str(fresh["checked_at"] or "")),
    )
    # A page that polls asks again and again for what it has: the small head tells, the board stays where it is.
    tag = _tag(_parts(head).get("revision"), seen_as, states) if head else ""
    if tag and tag in [given.strip() for given in request.headers.get("if-none-match", "").split(",")]:
        return Answer(304, b"", headers=(("ETag", tag), *headers))
    whole = _parts(await asked(boards.read_async(web.redis, project)))
    if not whole:
        raise Problem(
            503,
            "no_board_yet",
            "this project has no board yet; one appears within seconds of the role operate running",
            [("Retry-After", "2")],
        )
    seen = seen_as.redact(whole)
    written: dict[str, Any] = msgspec.json.decode(whole.get("sources", b"{}"))
    shown = {source: {**written.get(source, {}), **sources.public(view, zone)} for source, view in views.items()}
    body = msgspec.json.encode({**seen, "sources": shown, **fresh})
    return Answer(200, body, headers=(("ETag", _tag(whole.get("revision"), seen_as, states)), *headers))


_parts_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _parts(raw: bytes | None) -> dict[str, Any]:
    """A board's top-level fields, each still encoded: what is only passed on need not be understood."""
    return _parts_decoder.decode(raw) if raw else {}


def _tag(revision: msgspec.Raw | None, view: View, states: dict[str, Any]) -> str:
    """A weak tag: the revision, and what else changes the answer beside the ages in it."""
    mark = blake2b(
        repr((view.sight, None if view.kpis is None else sorted(view.kpis), sorted(states.items()))).encode(),
        digest_size=4,
    ).hexdigest()
    return f'W/"{bytes(revision or b"").decode()}-{mark}"'


async def live(web: Web, request: Request, caller: Caller) -> Stream:
    """The live feed. A browser's own reconnect says where it was by header, a page's by the query."""
    if web.hub.screens >= MOST_SCREENS:
        raise Problem(
            503, "too_many_screens", f"this process already feeds {MOST_SCREENS} screens", [("Retry-After", "5")]
        )
    said = request.headers.get("last-event-id") or request.query.get("last_event_id") or ""
    last = int(said) if said.isascii() and said.isdigit() and len(said) < 19 else None
    project = request.path_values["project"]
    key = FeedKey(project, caller.view(web.watcher.current.projects[project]))
    return LiveStream(web.hub, web.heart, web.clock, key, last, caller)
