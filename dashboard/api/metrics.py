"""``/metrics``: what Prometheus scrapes, computed from what lies in Redis at this moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from collectors import event_log
from dashboard.access.caller import Caller
from dashboard.access.view import View
from dashboard.api.health import ROLES, RoleBeat, role_beats, roles_view
from dashboard.api.route import Web
from dashboard.asgi import Answer, Request
from dashboard.context import visible
from dashboard.redis_gone import REDIS_GONE
from operations import sources
from operations.store import boards, keys

STATES = ("up", "stale", "down")


class EngineFigures(msgspec.Struct):
    """What an engine says of itself: events applied and boards pushed since its start, and its lag in seconds."""

    applied: int = 0
    lag_s: float = 0.0
    boards: int = 0


class _Alert(msgspec.Struct):
    state: str = "firing"
    kpi: str = ""


class _Alerts(msgspec.Struct):
    alerts: list[_Alert] = []


@dataclass
class Figures:
    """Everything that one scrape shows."""

    redis: bool = False
    screens: int = 0
    now_ms: int = 0
    sources: dict[str, sources.SourceView] = field(default_factory=dict)
    engines: dict[str, EngineFigures] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    boards_age_s: dict[str, float] = field(default_factory=dict)
    alerts: Counter[tuple[str, str]] = field(default_factory=Counter)
    config_errors: int = 0


class Scrape(Collector):
    """One scrape's metrics, made from its figures."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        shown = self._figures
        yield _gauge("floorlight_redis_up", "Whether Redis answers.", [((), shown.redis)])
        yield _gauge("floorlight_screens", "Open live streams in this process.", [((), shown.screens)])
        yield _gauge(
            "floorlight_config_errors", "Faults of the configuration file as last read.", [((), shown.config_errors)]
        )
        yield _gauge("floorlight_role_instances", "Living processes of each role.", (((r,), v["instances"]) for r, v in shown.roles.items()), ["role"])  # fmt: skip
        source, engine = ["source"], ["instance"]
        views, engines = shown.sources.items(), shown.engines.items()
        yield _counter(
            "floorlight_events_received",
            "Events appended to a source's log.",
            (((s,), v.events) for s, v in views),
            source,
        )
        yield _gauge("floorlight_source_state", "1 for the state that a source is in.", (((s, x), v.state == x) for s, v in views for x in STATES), ["source", "state"])  # fmt: skip
        yield _gauge("floorlight_source_silence_seconds", "Since the ACD's last sign of life.", (((s,), v.age_s) for s, v in views if v.age_s is not None), source)  # fmt: skip
        yield _counter(
            "floorlight_events_applied",
            "Events that an engine has applied.",
            (((i,), e.applied) for i, e in engines),
            engine,
        )
        yield _gauge("floorlight_lag_seconds", "Age of the newest event that an engine has applied, while more wait.", (((i,), e.lag_s) for i, e in engines), engine)  # fmt: skip
        yield _counter(
            "floorlight_boards_pushed",
            "Board changes that an engine has published.",
            (((i,), e.boards) for i, e in engines),
            engine,
        )
        yield _gauge("floorlight_board_age_seconds", "Since an engine last found a board to be right.", (((p,), a) for p, a in shown.boards_age_s.items()), ["project"])  # fmt: skip
        yield _gauge("floorlight_alerts", "Alerts on the boards, by state.", shown.alerts.items(), ["project", "state"])


Sample = tuple[tuple[str, ...], float]


def _gauge(name: str, text: str, samples: Iterable[Any], labels: list[str] | None = None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels or [])
    for values, number in samples:
        family.add_metric(list(values), float(number))
    return family


def _counter(name: str, text: str, samples: Iterable[Any], labels: list[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in samples:
        family.add_metric(list(values), float(number))
    return family


async def figures(web: Web, caller: Caller) -> Figures:
    """The figures of this moment, of what the caller may see."""
    now_ms = web.clock()
    projects, names = visible(web.watcher.current, caller)
    found = Figures(screens=web.hub.screens, now_ms=now_ms, config_errors=len(web.watcher.errors))
    statuses: list[bytes | None] = [None] * len(names)
    beats: list[RoleBeat] = []
    try:
        beats = await role_beats(web.redis)
        pipe = web.redis.pipeline(transaction=False)
        pipe.hgetall(keys.ENGINE_METRICS)
        pipe.hgetall(keys.BOARDS_CHECKED)
        for name in names:
            pipe.get(event_log.status_key(name))
        engines, checked, *statuses = await pipe.execute()
        found.redis = True
        found.engines = dict(_engines(engines))
        found.boards_age_s = {
            p: max(0, now_ms - int(checked[p.encode()])) / 1000
            for p in projects
            if checked.get(p.encode(), b"").isdigit()
        }
        pipe = web.redis.pipeline(transaction=False)
        for project in projects:
            pipe.hget(keys.board(project), boards.HEAD)
        heads = await pipe.execute()
        views = {project: caller.view(web.watcher.current.projects[project]) for project in projects}
        found.alerts = await asyncio.to_thread(_alerts, views, heads)
    except REDIS_GONE:
        found.redis = False
    found.roles = roles_view(beats, now_ms) if found.redis else {role: {"instances": 0} for role in ROLES}
    for name, raw in zip(names, statuses, strict=True):
        kind = web.watcher.current.sources[name].kind
        found.sources[name] = sources.judge(sources.parse(raw), now_ms, kind)
    return found


def _engines(hash_: dict[bytes, bytes]) -> Iterator[tuple[str, EngineFigures]]:
    for instance, raw in hash_.items():
        try:
            yield instance.decode("utf-8", "replace"), msgspec.json.decode(raw, type=EngineFigures)
        except (msgspec.DecodeError, msgspec.ValidationError):
            continue


def _alerts(views: Mapping[str, View], heads: list[bytes | None]) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for (project, view), raw in zip(views.items(), heads, strict=True):
        try:
            alerts = msgspec.json.decode(raw or b"{}", type=_Alerts).alerts
        except (msgspec.DecodeError, msgspec.ValidationError):
            continue
        counted.update((project, alert.state) for alert in alerts if view.shows(alert.kpi))
    return counted


async def metrics(web: Web, request: Request, caller: Caller) -> Answer:
    """Prometheus text of what the caller may see."""
    registry = CollectorRegistry()
    registry.register(Scrape(await figures(web, caller)))
    return Answer(200, generate_latest(registry), CONTENT_TYPE_LATEST, (("Cache-Control", "no-store"),))
