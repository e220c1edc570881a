"""What the desk pages ask for every two seconds: all boards in short, and the sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from collectors import event_log
from dashboard.access.caller import Caller
from dashboard.api.health import notify_view
from dashboard.api.route import Handler, Web
from dashboard.api.sentences import language_of
from dashboard.api.shared_reading import SharedReading
from dashboard.asgi import Answer, Request
from dashboard.context import visible
from dashboard.redis_gone import REDIS_GONE
from operations import sources
from operations.kpis.coverage import beyond, fact_name, lacking, told_by
from operations.projects.beyond_reach import beyond_reach
from operations.store import boards, keys
from operations.texts import render

ENGINE_LIVES_MS = 15_000
"""An engine that has not reported for this long is gone, and its figures with it."""

PUSHED: dict[str, Any] = {"received": 0, "duplicates": 0, "refused": 0, "last_refusal": ""}
"""What the collector of a pushed source tells of its door, and what that is while it has told nothing."""


class ShortBoards(SharedReading):
    """The heads and numbers of all boards."""

    def __init__(self) -> None:
        super().__init__()
        self.boards: dict[str, dict[str, Any]] = {}

    def ask(self, pipe: Any, project: str) -> None:
        pipe.hmget(keys.board(project), boards.HEAD, boards.KPIS)

    def take(self, projects: Sequence[str], checked_at: Sequence[int | None], found: Sequence[Any]) -> None:
        self.boards = {
            name: {
                **(msgspec.json.decode(head) if head else {}),
                **({"kpis": msgspec.Raw(kpis)} if head and kpis else {}),
                "checked_at": at,
            }
            for name, at, (head, kpis) in zip(projects, checked_at, found, strict=True)
        }


def overview(short: ShortBoards) -> Handler:
    """The handler; its reading is shared by everybody who asks this process."""

    async def answer(web: Web, request: Request, caller: Caller) -> Answer:
        """Every project that the caller may see, in short. Stays 200 while Redis is away, and says so."""
        await short.read(web)
        now_ms = web.clock()
        listed = []
        for name, project in web.watcher.current.projects.items():
            if not caller.may_see(name):
                continue
            zone = sources.zone(web.watcher.current, name)
            board = short.boards.get(name, {"checked_at": None})
            seen = caller.view(project).redact(board)
            shown = {
                **seen,
                "project": name,
                "name": project.name,
                "checked_at": sources.iso(board["checked_at"], zone),
            }
            if "kpis" in board:
                shown["sources"] = {**seen.get("sources", {}), **web.heart.data(name, now_ms)["sources"]}
            listed.append(shown)
        return Answer.json({"now": sources.iso(now_ms), "redis": short.redis, "projects": listed})

    return answer


def critical(short: ShortBoards) -> Handler:
    """The handler of what a wall asks that shows several projects in turn; it shares the reading of ``overview``."""

    async def answer(web: Web, request: Request, caller: Caller) -> Answer:
        """Of the caller's projects (``?projects=a,b``: of these) how many critical alerts nobody has answered."""
        await short.read(web)
        asked = request.query.get("projects")
        configured = web.watcher.current.projects
        said = {}
        for name in configured if asked is None else dict.fromkeys(asked.split(",")):
            if name in configured and caller.may_see(name):
                board = short.boards.get(name, {})
                seen = caller.view(configured[name]).redact({"alerts": board.get("alerts", [])})
                calls = sum(map(_calls, seen["alerts"]))
                said[name] = {"critical": calls, "checked_at": sources.iso(board.get("checked_at"))}
        return Answer.json({"now": sources.iso(web.clock()), "redis": short.redis, "projects": said})

    return answer


def _calls(alert: dict[str, Any]) -> bool:
    """Whether an alert is critical and calls for somebody: not while it is answered, silent, or its source is gone."""
    calm = alert.get("acked") or alert.get("silenced") or alert.get("inhibited")
    return alert.get("state") == "firing" and alert.get("level") == "critical" and not calm


def pushed(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """What came to a source that is pushed to; None for one that is watched."""
    if "duplicates" not in facts:
        return None
    return {name: facts.get(name, empty) for name, empty in PUSHED.items()}


def lost_sight(figures: list[bytes], now_ms: int) -> dict[str, int]:
    """By source: today's contacts whose end nobody saw, from what the living engines report."""
    lost: dict[str, int] = {}
    for raw in figures:
        said = msgspec.json.decode(raw)
        if now_ms - said.get("at", 0) < ENGINE_LIVES_MS:
            for source, count in said.get("lost_sight", {}).items():
                lost[source] = lost.get(source, 0) + count
    return lost


def _later(at: object, now_ms: int, zone: tzinfo) -> str | None:
    """A moment that is still to come, as ISO 8601; None for one that is over, or for something else."""
    return sources.iso(at, zone) if isinstance(at, int) and at > now_ms else None


async def sources_page(web: Web, request: Request, caller: Caller) -> Answer:
    """The sources that the caller's projects use, as fresh as can be."""
    now_ms, language = web.clock(), language_of(request)
    configuration = web.watcher.current
    projects, names = visible(configuration, caller)
    zone = sources.zone(configuration, "")
    statuses: list[bytes | None] = [None] * len(names)
    spoken: list[set[bytes]] = [set() for _ in names]
    pipe = web.redis.pipeline(transaction=False)
    for name in names:
        pipe.get(event_log.status_key(name))
    for name in names:
        pipe.smembers(keys.floor_queues(name))
    pipe.hvals(keys.ENGINE_METRICS)
    pipe.hgetall(keys.NOTIFY_ROUTES)
    redis = True
    told: dict[bytes, bytes] = {}
    lost: dict[str, int] = {}
    try:
        *found, figures, told = await pipe.execute()
        lost = lost_sight(figures, now_ms)
        statuses, spoken = found[: len(names)], found[len(names) :]
    except REDIS_GONE:
        redis = False
    configured = {queue for project in configuration.projects.values() for queue in project.queues}
    shown = {}
    gives = {}
    for name, raw, queues in zip(names, statuses, spoken, strict=True):
        status = sources.parse(raw) if redis else web.heart.statuses.get(name)
        view = sources.judge(status, now_ms, configuration.sources[name].kind)
        gives[name] = told_by(view)
        unnamed = sorted(q for q in (q.decode("utf-8", "replace") for q in queues) if f"{name}/{q}" not in configured)
        shown[name] = {
            **sources.public(view, zone),
            "permanent": view.permanent,
            "detail": view.detail,
            "events": view.events,
            "events_s": web.heart.rate(name),
            "clock_skew_ms": view.facts.get("clock_skew_ms"),
            "incidents": view.facts.get("incidents", []),
            "pushed": pushed(view.facts),
            "warning": view.facts.get("warning", ""),
            "version": view.facts.get("version", ""),
            "refused_future": view.facts.get("refused_future", 0),
            "limited_until": _later(view.facts.get("limited_until"), now_ms, zone),
            "gives": sorted(gives[name]),
            "untold": [render(fact_name(fact), language) for fact in lacking(gives[name])],
            "also": [render(fact_name(fact), language) for fact in beyond(gives[name])],
            "lost_sight": lost.get(name),
            "projects": [configuration.projects[p].name for p in projects if name in configuration.projects[p].sources],
            # A queue that nobody named may be any client's.
            "unnamed_queues": unnamed if caller.sees_all else None,
        }
    config = {
        "read_at": sources.iso(web.reader.configured_at, zone),
        "errors": list(web.watcher.errors) if caller.sees_all else [],
        "warnings": [
            render(found, language)
            for found in beyond_reach(
                {
                    name: project
                    for name, project in configuration.projects.items()
                    if name in projects and caller.view(project).kpis is None
                },
                gives,
            )
        ],
    }
    # Whom a route tells is the site's business, not one client's.
    notify = notify_view(told, configuration.notify) if caller.sees_all and redis else []
    said = {"now": sources.iso(now_ms, zone), "redis": redis, "config": config, "notify": notify, "sources": shown}
    return Answer.json(said)
