"""What the alerts of the caller's projects are now, what is silent, and the rules behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

import msgspec

from dashboard.access.caller import Caller
from dashboard.api.route import Handler, Web
from dashboard.api.sentences import language_of, worded
from dashboard.api.shared_reading import SharedReading
from dashboard.asgi import Answer, Request
from dashboard.redis_gone import asked
from operations import sources
from operations.alerts.budget import budget_rules_at
from operations.alerts.evaluate import AlertState, level_name
from operations.alerts.rules import CRITICAL, WARNING, Rule, rules_of
from operations.alerts.silences import Silence, planned
from operations.alerts.words import label
from operations.projects.contract import Project
from operations.store import boards, keys


class _Head(msgspec.Struct):
    """The part of a board's head that this is about."""

    alerts: list[dict[str, Any]] = []


_heads = msgspec.json.Decoder(_Head)
_states = msgspec.json.Decoder(AlertState)
_silences = msgspec.json.Decoder(Silence)


# ── now ───────────────────────────────────────────────────────────────────────────────────────────


class AllAlerts(SharedReading):
    """The alerts and silences of every project."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[list[dict[str, Any]], list[Silence], int | None]] = {}

    def ask(self, pipe: Any, project: str) -> None:
        pipe.hget(keys.board(project), boards.HEAD)
        pipe.hgetall(keys.alert_silences(project))

    def take(self, projects: Sequence[str], checked_at: Sequence[int | None], found: Sequence[Any]) -> None:
        self.found = {
            name: (shown_alerts(head), list(saved_silences(silences).values()), at)
            for name, at, head, silences in zip(projects, checked_at, found[::2], found[1::2], strict=True)
        }


def all_alerts() -> Handler:
    """The handler of what the desk page asks for every two seconds; its reading is shared by everybody who asks this process."""
    everything = AllAlerts()

    async def answer(web: Web, request: Request, caller: Caller) -> Answer:
        language = language_of(request)
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
                    "alerts": [
                        worded(row, language) for row in caller.view(project).redact({"alerts": alerts})["alerts"]
                    ],
                    **silent(project, silences, zone, now_ms, caller),
                }
            )
        return Answer.json({"now": sources.iso(now_ms), "redis": everything.redis, "projects": listed})

    return answer


async def alerts(web: Web, request: Request, caller: Caller) -> Answer:
    """One project's alerts, silences and rules with the state of each."""
    language = language_of(request)
    name = request.path_values["project"]
    project, zone = web.watcher.current.projects[name], sources.zone(web.watcher.current, name)
    pipe = web.redis.pipeline(transaction=False)
    pipe.hget(keys.board(name), boards.HEAD)
    pipe.hgetall(keys.alert_silences(name))
    pipe.hgetall(keys.alert_states(name))
    pipe.hget(keys.BOARDS_CHECKED, name)
    head, silences, saved, checked = await asked(pipe.execute())
    now_ms, view = web.clock(), caller.view(project)
    states = {rule.decode(): _states.decode(blob) for rule, blob in saved.items()}
    return Answer.json(
        {
            "project": name,
            "now": sources.iso(now_ms, zone),
            "checked_at": sources.iso(_number(checked), zone),
            "alerts": [worded(row, language) for row in view.redact({"alerts": shown_alerts(head)})["alerts"]],
            **silent(project, saved_silences(silences).values(), zone, now_ms, caller),
            "rules": [
                public_rule(rule, states.get(rule.id), zone, language or project.language)
                for rule in rules_now(project, now_ms)
                if view.shows(rule.kpi)
            ],
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


def public_rule(rule: Rule, state: AlertState | None, zone: tzinfo, language: str = "en") -> dict[str, Any]:
    """A rule as the API shows it, with where its alert stands."""
    target = rule.target
    stands = "ok"
    if state is not None and not state.idle:
        stands = "frozen" if state.frozen_since is not None else "firing" if state.firing else "pending"
    return {
        "id": rule.id,
        "kind": rule.kind,
        "label": label(rule, language),
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
        if silence.until > now_ms and (not silence.kpi or caller.view(project).shows(silence.kpi)):
            place = found["maintenance" if silence.kind == "maintenance" else "silences"]
            place.append(impersonal(public_silence(silence, zone, now_ms), caller))
    return found


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
