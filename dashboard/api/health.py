"""``/healthz``: whether every role lives, Redis answers and the sources speak; asks for no credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from collectors import event_log
from dashboard.access.caller import Caller
from dashboard.api.route import Web
from dashboard.asgi import Answer, Request
from dashboard.redis_gone import REDIS_GONE
from operations import sources
from operations.notify import addresses
from operations.projects.routes import Route
from operations.store import keys

ROLES = ("collect", "operate", "serve")
ALIVE_MS = 10_000
"""A role whose last sign of life is older than this is dead."""


class RoleBeat(msgspec.Struct):
    """What a role writes of itself under ``role:ROLE:INSTANCE``; ``at`` in epoch ms."""

    role: str
    instance: str
    at: int
    pid: int = 0
    started_at: int = 0


async def role_beats(redis: Any) -> list[RoleBeat]:
    """The signs of life that lie in Redis, dead or alive."""
    keys = [key async for key in redis.scan_iter(match="role:*", count=2000)]
    pipe = redis.pipeline(transaction=False)
    for key in keys:
        pipe.get(key)
    found = []
    for raw in await pipe.execute():
        try:
            found.append(msgspec.json.decode(raw or b"", type=RoleBeat))
        except (msgspec.DecodeError, msgspec.ValidationError):
            continue
    return found


def roles_view(beats: list[RoleBeat], now_ms: int) -> dict[str, dict[str, Any]]:
    """Per role: whether somebody does it, how many, and the age of the last sign of life in seconds."""
    view = {}
    for role in ROLES:
        ages = [max(0, now_ms - beat.at) for beat in beats if beat.role == role]
        living = [age for age in ages if age < ALIVE_MS]
        view[role] = {
            "alive": bool(living),
            "instances": len(living),
            "age_s": round(min(ages) / 1000, 1) if ages else None,
        }
    return view


def notify_view(saved: Mapping[bytes, bytes], routes: Mapping[str, Route]) -> list[dict[str, Any]]:
    """How each address of each route does; without the address itself. ``saved``: the stored hash."""
    return [
        {**row, "at": row["at"] and sources.iso(row["at"]), "ok_at": row["ok_at"] and sources.iso(row["ok_at"])}
        for row in addresses.public(saved, routes)
    ]


async def healthz(web: Web, request: Request, caller: Caller) -> Answer:
    """200 when every role is alive and Redis answers, else 503. A source that is down does not make it 503."""
    now_ms = web.clock()
    configuration = web.watcher.current
    names = list(configuration.sources)
    redis, error = True, ""
    beats: list[RoleBeat] = []
    statuses: list[bytes | None] = [None] * len(names)
    told: dict[bytes, bytes] = {}
    try:
        beats = await role_beats(web.redis)
        pipe = web.redis.pipeline(transaction=False)
        for name in names:
            pipe.get(event_log.status_key(name))
        pipe.hgetall(keys.NOTIFY_ROUTES)
        *statuses, told = await pipe.execute()
    except REDIS_GONE:
        redis, error = False, "Redis does not answer"
    shown = {}
    for name, raw in zip(names, statuses, strict=True):
        kind = configuration.sources[name].kind
        view = sources.judge(sources.parse(raw), now_ms, kind)
        shown[name] = (
            sources.public(view)
            if redis
            else {**sources.public(view), "error": "unknown while Redis is away", "why": "redis"}
        )
    roles = roles_view(beats, now_ms)
    well = redis and all(role["alive"] for role in roles.values())
    body = {
        "status": "ok" if well else "failing",
        "at": sources.iso(now_ms),
        "roles": roles,
        "redis": {"up": redis, "error": error},
        "config": {
            "path": configuration.path.name,
            "read_at": sources.iso(web.reader.configured_at),
            "errors": list(web.watcher.errors),
        },
        "sources": shown,
        "notify": notify_view(told, configuration.notify),
    }
    return Answer.json(body, 200 if well else 503)
