"""What Genesys Cloud answers, in the floor's words. No I/O; times of the ACD come in through ``ours``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from collectors.events import AgentCondition, IntervalTotals, QueueObserved, SeenAgent
from collectors.genesys.protocol import (
    Activity,
    Aggregate,
    Entity,
    Interval,
    Metric,
    Observed,
    Stat,
    Stats,
    all_name,
    quarter_of,
    view_name,
)
from collectors.polled.answers import epoch_ms
from collectors.polled.numbers import LONGEST_MS, amount, count
from collectors.polled.quarters import QUARTER_MS

Ours = Callable[[int], int]
"""A time of the ACD's → the same on our clock."""

EPOCH_FROM_MS = 10**11
"""``oLongestWaiting`` is a duration in ms or the epoch ms since when: nobody waits for three years, and 1973 is over."""

COUNTS = {
    "nOffered": "offered",
    "nTransferred": "transferred",
    "tAbandon": "abandoned",
    "tAnswered": "answered",
    "tFlowOut": "left_other",
    "tHandle": "handled",
    "tHeldComplete": "held",
    "tNotResponding": "rang_no_answer",
}
SUMS = {
    "tAnswered": "answered_wait_ms",
    "tAcw": "wrap_ms",
    "tHeldComplete": "hold_ms",
    "tTalkComplete": "talk_ms",
}

_CONDITIONS: dict[str, tuple[AgentCondition, str]] = {
    "IDLE": ("available", ""),
    "INTERACTING": ("on_contact", ""),
    "COMMUNICATING": ("on_contact", ""),
    "NOT_RESPONDING": ("paused", "Not responding"),
}
"""Routing status → condition and reason. Who is off queue is on a break for the reason that the presence tells."""
_RINGS_AT = ("IDLE", "INTERACTING")


class Present:
    """Who waits in each queue, by kind of contact: a query tells all of a queue, a notification one kind of contact."""

    def __init__(self, media: Collection[str], ours: Ours) -> None:
        self._media, self._ours = frozenset(media), ours
        self._waiting: dict[str, dict[str, tuple[int | None, int | None]]] = {}
        self._pushed_at: dict[str, int] = {}
        self.refused = 0
        """Numbers that were impossible and therefore not taken."""

    def asked(
        self, results: Iterable[Observed], queues: Mapping[str, str], asked_at: int, now_ms: int
    ) -> list[QueueObserved]:
        """The answer to a question for ``queues`` (id → name): all that it does not tell of them is zero."""
        fresh = {queue for queue in queues if self._pushed_at.get(queue, 0) <= asked_at}
        for queue in fresh:
            self._waiting[queue] = {}
        for result in results:
            queue, media = _group(result.group)
            if queue in fresh and media in self._media:
                self._take(queue, media, result.data or [], now_ms)
        return [self._look(queue, queues[queue], asked_at) for queue in queues if queue in fresh]

    def pushed(self, told: Stat, queues: Mapping[str, str], now_ms: int) -> QueueObserved | None:
        """A notification; None if it says nothing of who waits."""
        queue, media = _group(told.group)
        metrics = [metric for part in told.data or [] for metric in part.metrics or []]
        if queue not in queues or media not in self._media or not any(m.metric == "oWaiting" for m in metrics):
            return None
        before = self._waiting.setdefault(queue, {}).get(media, (0, None))
        self._take(queue, media, metrics, now_ms, since=before[1] if before[0] else now_ms)
        self._pushed_at[queue] = now_ms
        return self._look(queue, queues[queue], now_ms)

    def _take(
        self, queue: str, media: str, metrics: Sequence[Metric], now_ms: int, *, since: int | None = None
    ) -> None:
        waiting: int | None = 0
        told = {metric.metric for metric in metrics}
        if "oLongestWaiting" in told and "oWaiting" not in told:
            waiting = None  # somebody waits; how many is not told
        for metric in metrics:
            stats = metric.stats or Stats()
            if metric.metric == "oWaiting":
                waiting = count(stats.count)
                self.refused += waiting is None
            elif metric.metric == "oLongestWaiting":
                since = self._since(stats, now_ms)
        if waiting == 0:
            self._waiting[queue].pop(media, None)
        else:
            self._waiting[queue][media] = (waiting, since)

    def _since(self, stats: Stats, now_ms: int) -> int | None:
        told = (stats.calculated_metric_value, stats.current, stats.max, stats.sum)
        value = next((value for value in told if value is not None), None)
        if value is not None and value >= EPOCH_FROM_MS:
            since = amount(value, now_ms + LONGEST_MS)
            return None if since is None else min(self._ours(since), now_ms)
        waited = amount(value, LONGEST_MS)
        self.refused += waited is None and value is not None
        return None if waited is None else now_ms - waited

    def _look(self, queue: str, name: str, at: int) -> QueueObserved:
        parts = self._waiting.get(queue, {}).values()
        numbers = [waiting for waiting, _ in parts if waiting is not None]
        known = [since for _, since in parts if since is not None]
        # Where one kind of contact hides its longest wait, the others' is not the queue's.
        longest = max(0, at - min(known)) if known and len(known) == len(parts) else None
        return QueueObserved(at, name, sum(numbers) if len(numbers) == len(parts) else None, longest)


def accounts(
    results: Iterable[Aggregate],
    queues: Mapping[str, str],
    quarters: Sequence[int],
    thresholds: Sequence[int],
    now_ms: int,
    *,
    empty_from: int,
) -> list[IntervalTotals]:
    """The accounts of ``queues`` (id → name) in ``quarters`` (their beginnings, epoch ms), oldest first.

    A quarter that the answer leaves out had no contact: that is told for those from ``empty_from`` on, which may have been told otherwise.
    """
    told: dict[tuple[str, int], dict[str, int]] = {}
    for result in results:
        queue, _ = _group(result.group)
        for part in result.data or []:
            start = quarter_of(part.interval)
            if start is not None and start in quarters and queue in queues:
                told[queue, start] = _counters(part, thresholds)
    return [
        IntervalTotals(
            min(max(now_ms, start), start + QUARTER_MS),
            name,
            start,
            told.get((queue, start)) or _counters(Interval(), thresholds),
            sole=True,
        )
        for start in quarters
        for queue, name in queues.items()
        if start >= empty_from or (queue, start) in told
    ]


def _counters(part: Interval, thresholds: Iterable[int]) -> dict[str, int]:
    # A metric of which nothing happened is left out of the answer; one that is there with an impossible number is not told.
    named = {metric.metric for metric in part.metrics or []}
    counters = {booked: 0 for told in (COUNTS, SUMS) for name, booked in told.items() if name not in named}
    for metric in part.metrics or []:
        name, stats = metric.metric or "", metric.stats or Stats()
        for booked, value in ((COUNTS.get(name), count(stats.count)), (SUMS.get(name), amount(stats.sum))):
            if booked is not None and value is not None:
                counters[booked] = value
    views = {view.name: count(view.stats.count) for view in part.views or [] if view.stats is not None}
    for target, outcome in (("tAnswered", "answered"), ("tAbandon", "abandoned")):
        total = counters.get(outcome)
        if total is None or (total and views.get(all_name(target)) != total):
            continue  # an API that counts no views: then no wait is known, rather than all of them too long
        for seconds in thresholds:
            # A view that nobody fell into is left out of the answer, as an empty quarter is.
            early = views.get(view_name(target, seconds), 0)
            early = 0 if not total else early
            if early is not None and early <= total:
                counters[f"{outcome}_within_{seconds}s"] = early
                counters[f"{outcome}_beyond_{seconds}s"] = total - early
    return counters


def people(
    memberships: Iterable[Activity],
    conversations: Iterable[Activity],
    queues: Mapping[str, str],
    names: Mapping[str, str],
    ours: Ours,
) -> list[SeenAgent]:
    """Every member of ``queues`` (id → name) who is signed in, once. ``names``: user id → name."""
    rings, talks = _in_conversations(conversations)
    seen: dict[str, _Person] = {}
    for activity in memberships:
        queue, _ = _group(activity.group)
        for entity in activity.entities or []:
            name = queues.get(entity.queue_id or queue)
            if entity.user_id and name is not None:
                seen.setdefault(entity.user_id, _Person()).take(entity, name)
    there = (
        person.seen(user, names.get(user, user), None if user in talks else rings.get(user), ours)
        for user, person in seen.items()
    )
    return [person for person in there if person.condition != "logged_out"]


def user_ids(memberships: Iterable[Activity]) -> list[str]:
    """Everybody that an activity query names, once, in order."""
    return list(dict.fromkeys(e.user_id for activity in memberships for e in activity.entities or [] if e.user_id))


def truncated(activities: Iterable[Activity], queues: Mapping[str, str]) -> list[str]:
    """Names of the queues of which the answer does not list everybody."""
    return [queues[queue] for activity in activities if activity.truncated and (queue := _group(activity.group)[0]) in queues]  # fmt: skip


class _Person:
    """What the groups of an answer say of one person, put together."""

    def __init__(self) -> None:
        self.queues: dict[str, str | None] = {}
        self._told: dict[str, str] = {}

    def take(self, entity: Entity, queue: str) -> None:
        away = (entity.queue_membership_status or "").replace("_", "").lower() in ("inactive", "notjoined", "unjoined")
        if self.queues.get(queue, "") is not None:
            self.queues[queue] = "" if away else None
        for field in ("routing_status", "routing_status_date", "system_presence", "presence_date"):
            value = getattr(entity, field)
            if value:
                self._told[field] = value

    def seen(self, user: str, name: str, rings_since: str | None, ours: Ours) -> SeenAgent:
        status = self._told.get("routing_status", "").upper()
        presence = self._told.get("system_presence", "").upper()
        since = self._told.get("routing_status_date")
        condition: AgentCondition
        condition, reason = _CONDITIONS.get(status, ("unknown", ""))
        if presence == "OFFLINE":
            condition, reason, since = "logged_out", "", self._told.get("presence_date")
        elif status == "OFF_QUEUE":
            condition, reason = "paused", presence.replace("_", " ").capitalize()
            since = self._told.get("presence_date", since)
        elif rings_since is not None and status in _RINGS_AT:
            condition, since = "ringing", rings_since
        at = epoch_ms(since)
        return SeenAgent(user, condition, dict(self.queues), name, reason, None if at is None else ours(at))


def _in_conversations(activities: Iterable[Activity]) -> tuple[dict[str, str], set[str]]:
    """Whom a conversation rings at and since when, and who is in one."""
    rings: dict[str, str] = {}
    talks: set[str] = set()
    for activity in activities:
        for entity in activity.entities or []:
            if entity.user_id and entity.metric == "oInteracting":
                talks.add(entity.user_id)
            elif entity.user_id and entity.metric == "oAlerting":
                rings[entity.user_id] = min(rings.get(entity.user_id, "9"), entity.activity_date or "")
    return rings, talks


def _group(group: Mapping[str, str | None] | None) -> tuple[str, str]:
    told = group or {}
    return told.get("queueId") or "", told.get("mediaType") or ""
