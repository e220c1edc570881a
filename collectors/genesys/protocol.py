"""What is asked of Genesys Cloud and the shapes of what it answers. Decodes and builds, never reads.

Field names and enumerations are those of the vendor's SDK (PureCloudPlatformClientV2 269.0.0); a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from collectors.polled.answers import epoch_ms, iso
from collectors.polled.quarters import QUARTER_MS

VENDOR = "Genesys Cloud"

QUEUES_A_QUERY = 100
"""Predicates of one filter; also the groups of one page of an activity query."""
TOPICS_A_CHANNEL = 1_000
USERS_A_QUESTION = 50

TOPIC = "v2.analytics.queues.{}.observations"

ACCOUNT_METRICS = (
    "nOffered",
    "nTransferred",
    "tAbandon",
    "tAcw",
    "tAnswered",
    "tFlowOut",
    "tHandle",
    "tHeldComplete",
    "tNotResponding",
    "tTalkComplete",
)


class _Shape(msgspec.Struct, rename="camel", frozen=True):
    """An object of the API; what is not named here is passed over."""


class Queue(_Shape, frozen=True):
    id: str | None = None
    name: str | None = None


class QueuePage(_Shape, frozen=True):
    entities: list[Queue] | None = None


class Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = 86_400.0


class User(_Shape, frozen=True):
    id: str | None = None
    name: str | None = None


class UserPage(_Shape, frozen=True):
    entities: list[User] | None = None


class Stats(_Shape, frozen=True):
    """Of a metric: durations in ms."""

    count: float | None = None
    sum: float | None = None
    current: float | None = None
    max: float | None = None
    calculated_metric_value: float | None = None


class Metric(_Shape, frozen=True):
    metric: str | None = None
    qualifier: str | None = None
    stats: Stats | None = None


class Observed(_Shape, frozen=True):
    """A group of an observation query. ``group``: queueId, and mediaType where the metric knows it."""

    group: dict[str, str | None] | None = None
    data: list[Metric] | None = None


class Observations(_Shape, frozen=True):
    results: list[Observed] | None = None


class View(_Shape, frozen=True):
    name: str | None = None
    stats: Stats | None = None


class Interval(_Shape, frozen=True):
    interval: str | None = None
    metrics: list[Metric] | None = None
    views: list[View] | None = None


class Aggregate(_Shape, frozen=True):
    group: dict[str, str | None] | None = None
    data: list[Interval] | None = None


class Aggregates(_Shape, frozen=True):
    results: list[Aggregate] | None = None


class Entity(_Shape, frozen=True):
    """One person or one conversation behind a metric of an activity query; the times are ISO 8601."""

    activity_date: str | None = None
    metric: str | None = None
    user_id: str | None = None
    queue_id: str | None = None
    media_type: str | None = None
    queue_membership_status: str | None = None
    routing_status: str | None = None
    routing_status_date: str | None = None
    system_presence: str | None = None
    presence_date: str | None = None


class Activity(_Shape, frozen=True):
    group: dict[str, str | None] | None = None
    truncated: bool | None = None
    entities: list[Entity] | None = None


class Activities(_Shape, frozen=True):
    results: list[Activity] | None = None


class Channel(_Shape, frozen=True):
    id: str
    connect_uri: str
    expires: str | None = None


class Topic(_Shape, frozen=True):
    id: str | None = None
    state: str | None = None
    missing_permissions: list[str] | None = None


class Topics(_Shape, frozen=True):
    entities: list[Topic] | None = None


class Notified(_Shape, frozen=True):
    """A message of the web socket. ``event_body`` depends on the topic."""

    topic_name: str = ""
    event_body: msgspec.Raw = msgspec.Raw(b"null")


class Stat(_Shape, frozen=True):
    """As ``Interval``: the notification's statistics lie one level deeper than those of a query."""

    group: dict[str, str | None] | None = None
    data: list[Interval] | None = None


_notified = msgspec.json.Decoder(Notified)
_stat = msgspec.json.Decoder(Stat)


def notification(message: str | bytes) -> tuple[str, Stat | None]:
    """(topic, what it says of a queue, None for the system's own topics). Raises ``ValueError`` on what is none."""
    told = _notified.decode(message)
    if not (told.topic_name.startswith("v2.analytics.queues.") and told.topic_name.endswith(".observations")):
        return told.topic_name, None
    return told.topic_name, _stat.decode(told.event_body)


def observation_query(queues: Iterable[str]) -> dict[str, Any]:
    """Body of ``analytics/queues/observations/query``."""
    return {"filter": _any_of("queueId", queues), "metrics": ["oWaiting", "oLongestWaiting"]}


def people_query(queues: Iterable[str]) -> dict[str, Any]:
    """Body of ``analytics/routing/activity/query``: every member of the queues, with status and presence."""
    metrics = [{"metric": name, "details": True} for name in ("oUserRoutingStatuses", "oUserPresences")]
    return {"metrics": metrics, "groupBy": ["queueId"], "filter": _any_of("queueId", queues)}


def contacts_query(queues: Iterable[str]) -> dict[str, Any]:
    """Body of ``analytics/conversations/activity/query``: whom a conversation rings at, and who is in one."""
    metrics = [{"metric": name, "details": True} for name in ("oAlerting", "oInteracting")]
    return {"metrics": metrics, "groupBy": ["queueId"], "filter": _any_of("queueId", queues)}


def account_query(
    queues: Iterable[str], media: Iterable[str], start: int, end: int, thresholds: Iterable[int]
) -> dict[str, Any]:
    """Body of ``analytics/conversations/aggregates/query`` for the quarters of [start, end), epoch ms."""
    views = [_view(all_name(target), target, {"gte": 0}) for target in ("tAnswered", "tAbandon")] + [
        # Whole milliseconds below T s + 1 ms: a wait of exactly T counts as within.
        _view(view_name(target, seconds), target, {"gte": 0, "lt": seconds * 1000 + 1})
        for seconds in thresholds
        for target in ("tAnswered", "tAbandon")
    ]
    return {
        "interval": f"{iso(start)}/{iso(end)}",
        "granularity": "PT15M",
        "timeZone": "UTC",
        "groupBy": ["queueId"],
        "filter": {"type": "and", "clauses": [_any_of("queueId", queues), _any_of("mediaType", media)]},
        "metrics": list(ACCOUNT_METRICS),
        "views": views,
    }


def all_name(target: str) -> str:
    """Of the view that counts every contact of a metric: that it is there shows that views are counted at all."""
    return f"{target}All"


def view_name(target: str, seconds: int) -> str:
    """Of the view that counts the contacts of a metric that waited no longer than the threshold."""
    return f"{target}Within{seconds}s"


def _view(name: str, target: str, bounds: dict[str, int]) -> dict[str, Any]:
    return {"name": name, "target": target, "function": "rangeBound", "range": bounds}


def _any_of(dimension: str, values: Iterable[str]) -> dict[str, Any]:
    predicates = [
        {"type": "dimension", "dimension": dimension, "operator": "matches", "value": value} for value in values
    ]
    return {"type": "or", "predicates": predicates}


def quarter_of(interval: str | None) -> int | None:
    """The beginning of an interval ``START/END``, None unless it is a quarter of an hour's."""
    start = epoch_ms((interval or "").partition("/")[0])
    return start if start is not None and start % QUARTER_MS == 0 else None
