"""Webex Contact Center's search: questions in GraphQL, answers as whole records. No I/O.

Names and types from the vendor's data dictionaries (CSR, CAR and ASR). Times are epoch ms, durations ms; -1 stands for what is not over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

ACTIVITIES = 100
"""Steps of one task that are asked for at once; more come by a question about that task alone."""
IDS = 50
"""Tasks that one question names."""


class Named(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None


class Customer(msgspec.Struct, frozen=True):
    name: str | None = None


class Activity(msgspec.Struct, frozen=True, rename="camel"):
    """One step of a task (CAR)."""

    id: str = ""
    event_name: str | None = None
    created_time: int | None = None
    duration: int | None = None
    queue_id: str | None = None
    queue_name: str | None = None
    agent_id: str | None = None
    destination_queue_id: str | None = None


class PageInfo(msgspec.Struct, frozen=True, rename="camel"):
    has_next_page: bool = False
    end_cursor: str | None = None

    @property
    def following(self) -> str | None:
        """The next page's cursor; None after the last."""
        return self.end_cursor or None if self.has_next_page else None


class Activities(msgspec.Struct, frozen=True, rename="camel"):
    nodes: list[Activity] = []
    page_info: PageInfo = PageInfo()


class Task(msgspec.Struct, frozen=True, rename="camel"):
    """One contact (CSR) with its steps."""

    id: str
    is_active: bool | None = None
    status: str | None = None
    created_time: int | None = None
    ended_time: int | None = None
    direction: str | None = None
    channel_type: str | None = None
    origin: str | None = None
    customer: Customer | None = None
    last_queue: Named | None = None
    terminating_end: str | None = None
    termination_reason: str | None = None
    activities: Activities | None = None

    @property
    def over(self) -> bool:
        """No word about it is to come any more. A task that says nothing of it (a sample of other fields) is not known to be over."""
        return self.is_active is False or (self.ended_time or -1) > 0


def with_activities(task: Task, nodes: list[Activity]) -> Task:
    """The task with all its steps in place of a page of them."""
    return msgspec.structs.replace(task, activities=Activities(nodes))


class Channel(msgspec.Struct, frozen=True, rename="camel"):
    """What an agent does in one channel."""

    channel_type: str | None = None
    current_state: str | None = None
    last_activity_time: int | None = None
    idle_code_name: str | None = None


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """One agent's stretch of being signed in (ASR)."""

    agent_session_id: str = ""
    agent_id: str = ""
    agent_name: str | None = None
    user_login_id: str | None = None
    team_name: str | None = None
    site_name: str | None = None
    is_active: bool | None = None
    start_time: int | None = None
    end_time: int | None = None
    channel_info: list[Channel] = []

    @property
    def open(self) -> bool:
        """``endTime: -1`` is a session that goes on."""
        return (self.end_time or -1) <= 0 and self.is_active is not False


_STEPS = (
    "nodes { id eventName createdTime duration queueId queueName agentId destinationQueueId }"
    " pageInfo { hasNextPage endCursor }"
)
_TASK = (
    "id isActive status createdTime endedTime direction channelType origin customer { name } lastQueue { id name }"
    f" terminatingEnd terminationReason activities(first: {ACTIVITIES}) {{ {_STEPS} }}"
)
_SESSION = (
    "agentSessionId agentId agentName userLoginId teamName siteName isActive startTime endTime"
    " channelInfo { channelType currentState lastActivityTime idleCodeName }"
)


def _either(field: str, values: Iterable[str]) -> str:
    alternatives = " ".join(f"{{ {field}: {{ equals: {value} }} }}" for value in values)
    return f"{{ or: [{alternatives}] }}"


def tasks(from_ms: int, to_ms: int, channels: Iterable[str], cursor: str, *, active: bool = False) -> str:
    """Tasks that were created between the two times, or of these those that go on."""
    filters = [_either("channelType", channels), *(["{ isActive: { equals: true } }"] if active else [])]
    return (
        f"{{ taskDetails(from: {from_ms}, to: {to_ms}, filter: {{ and: [{' '.join(filters)}] }},"
        f" pagination: {{ cursor: {json.dumps(cursor)} }})"
        f" {{ tasks {{ {_TASK} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


def tasks_by_id(from_ms: int, to_ms: int, ids: Iterable[str]) -> str:
    """These tasks, which were created between the two times; at most ``IDS``."""
    return (
        f"{{ taskDetails(from: {from_ms}, to: {to_ms}, filter: {_either('id', map(json.dumps, ids))})"
        f" {{ tasks {{ {_TASK} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


def more_activities(from_ms: int, to_ms: int, task: str, after: str) -> str:
    """The steps of one task before those that were given."""
    return (
        f"{{ taskDetails(from: {from_ms}, to: {to_ms}, filter: {{ id: {{ equals: {json.dumps(task)} }} }})"
        f" {{ tasks {{ id activities(first: {ACTIVITIES}, after: {json.dumps(after)}) {{ {_STEPS} }} }} }} }}"
    )


def sessions(from_ms: int, to_ms: int, cursor: str) -> str:
    """Sessions that began between the two times and go on."""
    return (
        f"{{ agentSession(from: {from_ms}, to: {to_ms}, filter: {{ isActive: {{ equals: true }} }},"
        f" pagination: {{ cursor: {json.dumps(cursor)} }})"
        f" {{ agentSessions {{ {_SESSION} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )


FIRST_TASKS, FIRST_SESSIONS = "0", "NA"
"""The cursors of the first pages."""


class Refused(Exception):
    """GraphQL's own errors, in an answer that HTTP calls well. ``permanent``: the question itself is not accepted."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class _TaskPage(msgspec.Struct, frozen=True, rename="camel"):
    tasks: list[Task] | None = None
    page_info: PageInfo | None = None


class _SessionPage(msgspec.Struct, frozen=True, rename="camel"):
    agent_sessions: list[Session] | None = None
    page_info: PageInfo | None = None


def task_page(answer: Any) -> tuple[list[Task], PageInfo]:
    """One page of tasks. Raises ``Refused`` and ``msgspec.ValidationError`` (a ValueError)."""
    page = msgspec.convert(_data(answer, "taskDetails"), _TaskPage)
    return page.tasks or [], page.page_info or PageInfo()


def session_page(answer: Any) -> tuple[list[Session], PageInfo]:
    """One page of sessions; raises as ``task_page`` does."""
    page = msgspec.convert(_data(answer, "agentSession"), _SessionPage)
    return page.agent_sessions or [], page.page_info or PageInfo()


def _data(answer: Any, name: str) -> Any:
    if not isinstance(answer, dict):
        raise Refused("no GraphQL answer", permanent=False)
    errors = answer.get("errors")
    if errors:
        first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
        kind = str((first.get("extensions") or {}).get("classification", first.get("errorType", "")))
        raise Refused(
            str(first.get("message", "an error without a word"))[:300],
            permanent=kind in ("ValidationError", "InvalidSyntax"),
        )
    data = answer.get("data")
    if not isinstance(data, dict) or not isinstance(data.get(name), dict):
        raise Refused(f"an answer without {name}", permanent=False)
    return data[name]


class AgentGroup(msgspec.Struct, frozen=True, rename="camel"):
    team_name: str | None = None
    site_name: str | None = None


class Distribution(msgspec.Struct, frozen=True, rename="camel"):
    agent_groups: list[AgentGroup] | None = None


class Queue(msgspec.Struct, frozen=True, rename="camel"):
    """One queue and the teams (or single agents) that its contacts go to."""

    name: str
    channel_type: str | None = None
    call_distribution_groups: list[Distribution] | None = None
    agents: list[str] | None = None


class Export(msgspec.Struct, frozen=True, rename="camel"):
    """One page of ``contact-service-queue/bulk-export``."""

    resources: list[Queue]
    rel: str = "last"


def export_page(answer: Any) -> Export:
    """Raises ``msgspec.ValidationError`` (a ValueError)."""
    return msgspec.convert(answer, Export)
