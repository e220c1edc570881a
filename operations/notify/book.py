"""The worker's memory in Redis: groups by project and route, how each address does, and what goes into the alert log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from operations.alerts.keeper import LOG_MS
from operations.notify.addresses import Address, Outcome
from operations.notify.group import Alert, Group
from operations.projects.routes import Route
from operations.store import boards, keys
from operations.texts import Said, Words

KEEP_MS = 31 * 86_400_000
"""A group that nobody touched so long belongs to a project that is gone."""

_encode = msgspec.json.Encoder().encode
_groups = msgspec.json.Decoder(Group)


class _Head(msgspec.Struct):
    alerts: list[Alert] = []


class _Entry(msgspec.Struct):
    what: str = ""
    episode: str = ""
    reason: str = ""
    said: Said | str | None = None


_heads = msgspec.json.Decoder(_Head)
_entries = msgspec.json.Decoder(_Entry)

GroupKey = tuple[str, str]
"""(project, route)."""


class Seen(NamedTuple):
    """A project's alerts as its board shows them; None: there is no board, so nothing is known. ``position``: the newest entry of its alert log."""

    alerts: tuple[Alert, ...] | None
    position: str


def look(client: Any, projects: Iterable[str]) -> dict[str, Seen]:
    """The alerts of projects now. The position is read first: what comes in between is looked at again."""
    names = list(projects)
    if not names:
        return {}
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.xrevrange(keys.alert_log(name), count=1)
            pipe.hget(keys.board(name), boards.HEAD)
        answers = pipe.execute()
    found = {}
    for name, newest, head in zip(names, answers[::2], answers[1::2], strict=True):
        alerts: tuple[Alert, ...] | None
        try:
            alerts = None if head is None else tuple(_heads.decode(head).alerts)
        except msgspec.MsgspecError:
            alerts = None
        found[name] = Seen(alerts, newest[0][0].decode() if newest else "0-0")
    return found


def moved(client: Any, positions: Mapping[str, str], block_ms: int | None) -> set[str]:
    """The projects whose alert log has grown past their positions. Waits up to ``block_ms`` for the first; None: not at all."""
    if not positions:
        return set()
    streams = {keys.alert_log(name): position for name, position in positions.items()}
    names = {key.encode(): name for key, name in zip(streams, positions, strict=True)}
    answer = client.xread(streams, count=1, block=block_ms)
    return {names[key] for key in (answer if isinstance(answer, dict) else [row[0] for row in answer or ()])}


def endings(client: Any, project: str, episodes: Iterable[str]) -> dict[str, Words]:
    """What the alert log says of how episodes ended, as far as it still knows."""
    wanted = set(episodes)
    found: dict[str, Words] = {}
    if not wanted:
        return found
    for _, fields in client.xrevrange(keys.alert_log(project), count=300):
        try:
            entry = _entries.decode(fields.get(b"entry", b"{}"))
        except msgspec.MsgspecError:
            continue
        if entry.what == "resolved" and entry.episode in wanted:
            found.setdefault(entry.episode, entry.said or entry.reason)
    return found


def load(client: Any, projects: Iterable[str], routes: Mapping[str, Route]) -> dict[GroupKey, Group]:
    """The groups that were kept, of the routes that still tell of their project; an entry that cannot be read is as if it were not there."""
    names = list(projects)
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(keys.notify_groups(name))
        answers = pipe.execute() if names else []
    found = {}
    for name, answer in zip(names, answers, strict=True):
        for field, blob in answer.items():
            route = routes.get(field.decode())
            if route is None or not route.covers(name):
                continue
            try:
                found[name, route.name] = _groups.decode(blob)
            except msgspec.MsgspecError:
                continue
    return found


def write(
    pipe: Any,
    groups: Mapping[GroupKey, Group | None],
    outcomes: Iterable[tuple[Address, Outcome]],
    log: Iterable[tuple[str, dict[str, Any]]],
    now_ms: int,
) -> None:
    """Put what changed on a transaction's pipeline. ``groups``: None for one that is gone; ``log``: project and entry."""
    for (project, route), group in groups.items():
        key = keys.notify_groups(project)
        if group is None:
            pipe.hdel(key, route)
        else:
            pipe.hset(key, route, _encode(group))
            pipe.pexpire(key, KEEP_MS)
    for address, outcome in outcomes:
        pipe.hset(keys.NOTIFY_ROUTES, address.name, _encode(outcome))
    for project, entry in log:
        pipe.xadd(keys.alert_log(project), {"entry": _encode(entry)}, minid=f"{now_ms - LOG_MS}-0", approximate=True)
