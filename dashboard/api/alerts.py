"""What the alerts of the caller's projects are now, the rules behind them, and the log of everything that happened to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from datetime import tzinfo
from typing import Any

import msgspec
from redis.exceptions import RedisError

from dashboard.access.caller import Caller
from dashboard.api.board import redis_away
from dashboard.api.intervals import moment
from dashboard.api.route import Handler, Web
from dashboard.asgi import Answer, Problem, Request
from operations import sources
from operations.alerts.budget import budget_rules_at
from operations.alerts.evaluate import AlertState, level_name
from operations.alerts.keeper import LOG_MS
from operations.alerts.rules import CRITICAL, WARNING, Rule, rules_of
from operations.alerts.silences import Silence, planned
from operations.alerts.words import label
from operations.projects.contract import Project
from operations.store import boards, keys

FRESH_MS = 500
"""How long one reading of all projects serves everybody who asks."""

DEFAULT_LIMIT, MOST_ENTRIES = 200, 1_000
AT_ONCE = 10
"""Logs that are read in one round trip when the newest entries of many projects are wanted."""

TIMES = ("began_at", "fired_at", "start", "until")


class _Head(msgspec.Struct):
    """The part of a board's head that this is about."""

    alerts: list[dict[str, Any]] = []


_heads = msgspec.json.Decoder(_Head)
_states = msgspec.json.Decoder(AlertState)
_silences = msgspec.json.Decoder(Silence)
_entries = msgspec.json.Decoder(dict[str, Any])


async def asked(question: Awaitable[Any]) -> Any:
    """Redis's answer. Raises ``Problem`` 503 while it is away."""
    try:
        return await question
    except (RedisError, OSError, TimeoutError) as error:
        raise redis_away(error) from error


# ── now ───────────────────────────────────────────────────────────────────────────────────────────


class AllAlerts:
    """The alerts and silences of every project, read at most once each ``FRESH_MS`` however many desks ask."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[list[dict[str, Any]], list[Silence], int | None]] = {}
        self.redis = False
        self._read_at = -FRESH_MS
        self._turn = asyncio.Lock()

    async def read(self, web: Web) -> None:
        """Bring ``found`` up to date; while Redis is away it stays what it was, and ``redis`` says so."""
        async with self._turn:
            now_ms = web.clock()
            if 0 <= now_ms - self._read_at < FRESH_MS:
                return
            names = list(web.watcher.current.projects)
            pipe = web.redis.pipeline(transaction=False)
            pipe.hgetall(keys.BOARDS_CHECKED)
            for name in names:
                pipe.hget(keys.board(name), boards.HEAD)
                pipe.hgetall(keys.alert_silences(name))
            try:
                checked, *found = await pipe.execute()
            except (RedisError, OSError, TimeoutError):
                self.redis = False
                return
            self.redis, self._read_at = True, now_ms
            self.found = {
                name: (shown_alerts(head), list(saved_silences(silences).values()), _number(checked.get(name.encode())))
                for name, head, silences in zip(names, found[::2], found[1::2], strict=True)
            }


def all_alerts() -> Handler:
    """The handler of what the desk page asks for every two seconds; its reading is shared by everybody who asks this process."""
    everything = AllAlerts()

    async def answer(web: Web, request: Request, caller: Caller) -> Answer:
        await everything.read(web)
        now_ms, configuration = web.clock(), web.watcher.current
        listed = []
        for name, project in configuration.projects.items():
            if not caller.may_see(name):
                continue
            alerts, silences, checked = everything.found.get(name, ([], [], None))
            zone = sources.zone(configuration, name)
            listed.append(
                {
                    "project": name,
                    "name": project.name,
                    "client": project.client,
                    "time_zone": project.time_zone,
                    "checked_at": sources.iso(checked, zone),
                    "alerts": caller.redact({"alerts": alerts})["alerts"],
                    **silent(project, silences, zone, now_ms, caller),
                }
            )
        return Answer.json({"now": sources.iso(now_ms), "redis": everything.redis, "projects": listed})

    return answer


async def alerts(web: Web, request: Request, caller: Caller) -> Answer:
    """One project's alerts, silences and rules with the state of each."""
    name = request.path_values["project"]
    project, zone = web.watcher.current.projects[name], sources.zone(web.watcher.current, name)
    pipe = web.redis.pipeline(transaction=False)
    pipe.hget(keys.board(name), boards.HEAD)
    pipe.hgetall(keys.alert_silences(name))
    pipe.hgetall(keys.alert_states(name))
    pipe.hget(keys.BOARDS_CHECKED, name)
    head, silences, saved, checked = await asked(pipe.execute())
    now_ms = web.clock()
    states = {rule.decode(): _states.decode(blob) for rule, blob in saved.items()}
    return Answer.json(
        {
            "project": name,
            "now": sources.iso(now_ms, zone),
            "checked_at": sources.iso(_number(checked), zone),
            "alerts": caller.redact({"alerts": shown_alerts(head)})["alerts"],
            **silent(project, saved_silences(silences).values(), zone, now_ms, caller),
            "rules": [public_rule(rule, states.get(rule.id), zone) for rule in rules_now(project, now_ms)],
        }
    )


def shown_alerts(head: bytes | None) -> list[dict[str, Any]]:
    """The alerts of a board's head, worst first."""
    return _heads.decode(head).alerts if head else []


def saved_silences(saved: Mapping[bytes, bytes]) -> dict[str, Silence]:
    return {name.decode(): _silences.decode(blob) for name, blob in saved.items()}


def rules_now(project: Project, now_ms: int) -> list[Rule]:
    """Every rule of a project under today's contract."""
    contract = project.contract_on(project.calendar.local_date(now_ms))
    budget = [found.rule for found in budget_rules_at(project, contract, now_ms)]
    return [*rules_of(project, contract), *budget]


def public_rule(rule: Rule, state: AlertState | None, zone: tzinfo) -> dict[str, Any]:
    """A rule as the API shows it, with where its alert stands."""
    target = rule.target
    stands = "ok"
    if state is not None and not state.idle:
        stands = "frozen" if state.frozen_since is not None else "firing" if state.firing else "pending"
    return {
        "id": rule.id,
        "kind": rule.kind,
        "label": label(rule),
        "kpi": rule.kpi,
        "window": rule.window,
        "queue": rule.queue,
        "source": rule.source,
        "goal": target.goal if target else None,
        "warning": rule.line(WARNING) if target else rule.limit,
        "critical": rule.line(CRITICAL),
        "clear": target.clear if target else None,
        "for_s": rule.for_ms / 1000,
        "clear_after_s": rule.clear_after_ms / 1000,
        "min_sample": target.min_sample if target else None,
        "only_when_open": rule.only_when_open,
        "state": stands,
        "level": level_name(state.level) if state else "",
        "since": sources.iso(state.began_at, zone) if state else None,
        "value": state.value if state else None,
    }


def silent(
    project: Project, saved: Iterable[Silence], zone: tzinfo, now_ms: int, caller: Caller
) -> dict[str, list[dict[str, Any]]]:
    """``silences`` and ``maintenance`` that last or are to come, the first to end first."""
    found: dict[str, list[dict[str, Any]]] = {"silences": [], "maintenance": []}
    for silence in sorted((*saved, *planned(project)), key=lambda each: (each.until, each.id)):
        if silence.until > now_ms:
            place = found["maintenance" if silence.kind == "maintenance" else "silences"]
            place.append(impersonal(public_silence(silence, zone, now_ms), caller))
    return found


def public_silence(silence: Silence, zone: tzinfo, now_ms: int) -> dict[str, Any]:
    return {
        "id": silence.id,
        "kind": silence.kind,
        "kpi": silence.kpi,
        "queue": silence.queue,
        "source": silence.source,
        "by": silence.by,
        "why": silence.why,
        "from": sources.iso(silence.start, zone),
        "until": sources.iso(silence.until, zone),
        "active": silence.start <= now_ms,
        "planned": silence.id.startswith("planned:"),
    }


def _number(raw: bytes | None) -> int | None:
    return int(raw) if raw and raw.isdigit() else None


# ── the log ───────────────────────────────────────────────────────────────────────────────────────


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
    limit = entries_wanted(query.get("limit"))
    found = await newest(web, projects, start, end, limit + 1)
    rows = [_row(web, caller, project, blob) for project, blob in found[:limit]]
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


def _row(web: Web, caller: Caller, project: str, blob: bytes) -> dict[str, Any]:
    """An entry as the API shows it: times as ISO 8601, its project beside it; empty for one that cannot be read."""
    try:
        entry = _entries.decode(blob)
    except msgspec.MsgspecError:
        return {}
    zone = sources.zone(web.watcher.current, project)
    shown = {"project": project, **entry}
    for name in ("at", *TIMES):
        if isinstance(shown.get(name), int):
            shown[name] = sources.iso(shown[name], zone)
    return impersonal(shown, caller)


PERSONAL = ("by", "note", "why", "error")
"""What people wrote for each other. Whoever sees no names does not see it either."""


def impersonal(row: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """A silence or an entry of the log as this caller may see it."""
    if caller.sees_names:
        return row
    hidden = {name: "" for name in PERSONAL if name in row}
    if row.get("what") in ("silenced", "unsilenced", "expired"):
        hidden["reason"] = ""
    return {**row, **hidden}
