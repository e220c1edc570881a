"""Amazon Connect's words as ours: who waits, who works as what, and what each quarter of an hour counted. Pure.

Units, from the API's reference: every duration of ``GetMetricDataV2`` is in seconds (that it gives ``SUM_HOLD_TIME`` the unit "Count"
is a slip: the metric behind it, customer hold time, is a time). ``OLDEST_CONTACT_AGE`` is in seconds where the answer is grouped and
in milliseconds where it is not, and says SECONDS both times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from collectors.events import AgentCondition, IntervalTotals, SeenAgent
from collectors.polled.numbers import LONGEST_MS, amount, count
from collectors.polled.quarters import QUARTER_MS

# ── who waits ─────────────────────────────────────────────────────────────────────────────────────

CURRENT = [
    {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"},
    {"Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS"},
]


class Waiting(msgspec.Struct, frozen=True):
    """How many wait in one queue, and the oldest one's wait; ``queue``: its id, "" for all that were asked about together."""

    queue: str
    waiting: int | None
    longest_wait_ms: int | None


def waiting(results: Iterable[Mapping[str, Any]]) -> list[Waiting]:
    """``MetricResults`` of ``GetCurrentMetricData``."""
    found = []
    for result in results:
        queue = (result.get("Dimensions") or {}).get("Queue") or {}
        values = {item["Metric"].get("Name"): item.get("Value") for item in result.get("Collections", [])}
        many, age = count(values.get("CONTACTS_IN_QUEUE")), values.get("OLDEST_CONTACT_AGE")
        longest = amount(_times(age, 1000 if result.get("Dimensions") else 1), LONGEST_MS) if many else None
        found.append(Waiting(queue.get("Id", ""), many, longest))
    return found


# ── what a quarter counted ────────────────────────────────────────────────────────────────────────

NOT_OUTBOUND = [{"MetricFilterKey": "INITIATION_METHOD", "MetricFilterValues": ["OUTBOUND"], "Negate": True}]
"""A call that an agent makes counts for the queue in whose name it is made, and nobody waited for it."""

HANDLED = "CONTACTS_HANDLED"
COUNTS = {
    "CONTACTS_QUEUED_BY_ENQUEUE": "offered",
    "CONTACTS_ABANDONED": "abandoned",
    "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE": "left_other",
    "CONTACTS_HANDLED": "handled",
    "CONTACTS_PUT_ON_HOLD": "held",
    "CONTACTS_TRANSFERRED_OUT_BY_AGENT": "transferred",
    "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS": "rang_no_answer",
}
SECONDS = {
    "SUM_INTERACTION_TIME": "talk_ms",
    "SUM_HOLD_TIME": "hold_ms",
    "SUM_AFTER_CONTACT_WORK_TIME": "wrap_ms",
}
ANSWERED_IN, ABANDONED_IN = "SUM_CONTACTS_ANSWERED_IN_X", "SUM_CONTACTS_ABANDONED_IN_X"
WAIT, CONNECTED = "AVG_QUEUE_ANSWER_TIME", "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT"


def metrics(thresholds: Iterable[int], *, at_once: bool) -> list[dict[str, Any]]:
    """What to ask ``GetMetricDataV2`` for. ``at_once``: count the answered when they are connected, not when they are over."""
    asked: list[dict[str, Any]] = [{"Name": name} for name in (*COUNTS, *SECONDS)]
    answered = [CONNECTED] if at_once else [HANDLED, WAIT]
    asked += [{"Name": name, "MetricFilters": NOT_OUTBOUND} for name in answered]
    for name in [ABANDONED_IN] if at_once else [ANSWERED_IN, ABANDONED_IN]:
        asked += [{"Name": name, "Threshold": [{"Comparison": "LTE", "ThresholdValue": s}]} for s in thresholds]
    return asked


def account(collections: Iterable[Mapping[str, Any]], *, at_once: bool) -> dict[str, int]:
    """One queue's and one quarter's ``Collections`` as counters. What has no value is not told."""
    plain: dict[str, Any] = {}
    filtered: dict[str, Any] = {}
    within: dict[tuple[str, int], int | None] = {}
    for item in collections:
        metric, value = item["Metric"], item.get("Value")
        name = str(metric.get("Name"))
        if metric.get("Threshold"):
            within[name, round(metric["Threshold"][0]["ThresholdValue"])] = count(value)
        else:
            (filtered if metric.get("MetricFilters") else plain)[name] = value
    answered = count(filtered.get(CONNECTED if at_once else HANDLED))
    numbers = {ours: count(plain.get(name)) for name, ours in COUNTS.items()}
    numbers |= {ours: amount(_times(plain.get(name), 1000)) for name, ours in SECONDS.items()}
    numbers["answered"] = answered
    if answered is not None and not at_once:
        # Of nobody there is no average, and nobody waited.
        numbers["answered_wait_ms"] = amount(_times(filtered.get(WAIT), 1000 * answered)) if answered else 0
    told = {name: number for name, number in numbers.items() if number is not None}
    for outcome, name in (("answered", ANSWERED_IN), ("abandoned", ABANDONED_IN)):
        for (metric_name, seconds), early in within.items():
            # More in time than there were at all contradicts itself: then neither side is known.
            if metric_name == name and early is not None and outcome in told and early <= told[outcome]:
                told[f"{outcome}_within_{seconds}s"] = early
                told[f"{outcome}_beyond_{seconds}s"] = told[outcome] - early
    return told


def _times(value: Any, factor: int) -> Any:
    return value * factor if isinstance(value, int | float) and not isinstance(value, bool) else None


def accounts(
    results: Iterable[Mapping[str, Any]], names: Mapping[str, str], now_ms: int, *, at_once: bool
) -> list[IntervalTotals]:
    """``MetricResults`` of ``GetMetricDataV2`` by queue and quarter. ``names``: of queues by id."""
    found = []
    for result in results:
        queue = names.get(queue_id((result.get("Dimensions") or {}).get("QUEUE", "")))
        interval = result.get("MetricInterval") or {}
        if queue is None or "StartTime" not in interval:
            continue
        start = epoch_ms(interval["StartTime"])
        if start % QUARTER_MS == 0:
            counters = account(result.get("Collections", []), at_once=at_once)
            found.append(IntervalTotals(min(now_ms, start + QUARTER_MS), queue, start, counters, sole=True))
    return found


# ── who works ─────────────────────────────────────────────────────────────────────────────────────

CONTACT_STATES: dict[str, AgentCondition] = {
    "CONNECTED": "on_contact",
    "CONNECTED_ONHOLD": "on_contact",
    "CONNECTING": "ringing",
    "INCOMING": "ringing",
    "PENDING": "ringing",
    "ENDED": "wrap_up",
    "MISSED": "paused",
    "REJECTED": "paused",
    "ERROR": "paused",
}
"""What an agent does by the contact that is worst for the others: the first of this list that holds for any contact."""

PAUSED_BY = {"MISSED": "Missed", "REJECTED": "Rejected", "ERROR": "Error"}
STATUS_TYPES: dict[str, AgentCondition] = {"ROUTABLE": "available", "CUSTOM": "paused", "OFFLINE": "logged_out"}

BUILT_IN = {"Available": "ROUTABLE", "Offline": "OFFLINE"}


class People:
    """``UserDataList`` of ``GetCurrentUserData`` as people.

    Who comes from a contact back to a status has had that status for longer than the contact; the time that Amazon gives with it is
    then not when it began *again*, and is left out.
    """

    def __init__(self) -> None:
        self._busy_since: dict[str, int] = {}

    def seen(
        self,
        users: Iterable[Mapping[str, Any]],
        names: Mapping[str, str],
        status_types: Mapping[str, str],
        served: Mapping[str, dict[str, str | None]],
        skew_ms: int,
    ) -> list[SeenAgent]:
        """``names``: by user id. ``status_types``: by the ARN of the status. ``served``: a routing profile's queues by its id."""
        people = {}
        for user in users:
            agent = user["User"]["Id"]
            condition, reason, since = self._condition(user, status_types)
            if since is not None:
                since -= skew_ms
                if user.get("Contacts"):
                    self._busy_since[agent] = max(since, self._busy_since.get(agent, since))
                elif since <= self._busy_since.get(agent, since - 1):
                    since = None
            queues = served.get((user.get("RoutingProfile") or {}).get("Id", ""), {})
            people[agent] = SeenAgent(agent, condition, queues, names.get(agent, ""), reason, since)
        return list(people.values())

    def _condition(
        self, user: Mapping[str, Any], status_types: Mapping[str, str]
    ) -> tuple[AgentCondition, str, int | None]:
        contacts = user.get("Contacts") or []
        for state, condition in CONTACT_STATES.items():
            began = [_state_began(contact) for contact in contacts if contact.get("AgentContactState") == state]
            if began:
                known = [at for at in began if at is not None]
                return condition, PAUSED_BY.get(state, ""), min(known, default=None)
        status = user.get("Status") or {}
        name = str(status.get("StatusName", ""))
        # A status that somebody has just added is not listed yet; only the two that every instance has are no break.
        kind = status_types.get(status.get("StatusArn", ""), "") or BUILT_IN.get(name, "CUSTOM" if name else "")
        condition = STATUS_TYPES.get(kind, "unknown")
        since = status.get("StatusStartTimestamp")
        reason = name if condition == "paused" else ""
        return condition, reason, None if since is None else epoch_ms(since)


def _state_began(contact: Mapping[str, Any]) -> int | None:
    connected = str(contact.get("AgentContactState", "")).startswith("CONNECTED")
    at = contact.get("ConnectedToAgentTimestamp" if connected else "StateStartTimestamp") or contact.get(
        "StateStartTimestamp"
    )
    return None if at is None else epoch_ms(at)


def full_name(user: Mapping[str, Any]) -> str:
    """A user of ``SearchUsers``: the name of the person, else of the account."""
    who = user.get("IdentityInfo") or {}
    return " ".join(filter(None, (who.get("FirstName"), who.get("LastName")))) or str(user.get("Username", ""))


def queue_id(id_or_arn: str) -> str:
    return id_or_arn.rsplit("/", 1)[-1]


def epoch_ms(moment: datetime) -> int:
    """boto3's times know their zone."""
    return round(moment.timestamp() * 1000)
