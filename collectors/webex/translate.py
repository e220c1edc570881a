"""Webex Contact Center's words as ours: the steps of a task as its visits to queues. Pure.

A task's steps tell where the caller is: ``new`` and ``ivr-…`` in the flow, ``parked`` in a queue, ``connect`` while an agent is alerted for that
queue, ``connected``, ``on-hold`` and ``hold-done`` in conversation, ``ended``. A visit begins with the first ``parked`` or ``connect`` (a free agent is
alerted at once, nothing is parked) and waits until ``connected``. While the conversation goes on, ``parked``, ``connect``, ``connected`` and ``ended`` may
also belong to a consultation: they are not taken for the caller's. The conversation is over when the agent passes the caller on or the task is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from collectors import events as e
from collectors.webex.protocol import Activity, Task

Outcome = Literal["", "answered", "abandoned", "timeout", "callback", "other"]


class Visit(msgspec.Struct):
    """One visit of a task to a queue; times in epoch ms by Webex's clock, None until it happened. ``queue`` "": not told yet."""

    queue: str
    entered_at: int
    outcome: Outcome = ""
    ended_at: int | None = None
    """When the wait was over."""
    agent: str = ""
    rang_at: int | None = None
    hold_ms: int = 0
    over_at: int | None = None
    transferred: bool = False
    wraps: list[tuple[str, int, int]] = []
    """(id of the step, when it was over, how long it took)"""


class _Walk:
    """Where the caller is after each step."""

    def __init__(self, task: Task, names: Mapping[str, str]) -> None:
        self._task, self._names = task, names
        self.visits: list[Visit] = []
        self._here: Visit | None = None
        self._elsewhere = False
        """With somebody to whom no queue led: a direct transfer, a call-back."""

    def step(self, activity: Activity, at: int) -> None:
        step = _STEPS.get((activity.event_name or "").lower())
        if step is not None:
            step(self, activity, at)

    def over(self, at: int) -> None:
        """The task is over."""
        visit = self._here
        if visit is None:
            return
        if visit.outcome == "":
            self._end(self._why_ended(), at)
        else:
            visit.over_at = max(at, visit.ended_at or at)
            self._here = None

    def parked(self, activity: Activity, at: int) -> None:
        visit, queue = self._here, self._queue(activity)
        if visit is not None and visit.outcome == "":
            if not visit.queue:
                visit.queue = queue
            elif queue and queue != visit.queue:
                self._end("other", at)
                visit = None
        if visit is None:
            self._elsewhere = False
            self._enter(queue, at)

    def connect(self, activity: Activity, at: int) -> None:
        if self._here is None and not self._elsewhere:
            self._enter(self._queue(activity), at)
        if self._here is not None and self._here.outcome == "":
            self._here.queue = self._here.queue or self._queue(activity)
            self._here.rang_at = at

    def connected(self, activity: Activity, at: int) -> None:
        visit = self._here
        if visit is None:
            self._elsewhere = True
        elif visit.outcome == "":
            visit.queue = visit.queue or self._queue(activity)
            visit.outcome, visit.ended_at, visit.agent = "answered", at, activity.agent_id or ""

    def on_hold(self, activity: Activity, at: int) -> None:
        if self._here is not None and self._here.outcome == "answered":
            self._here.hold_ms += max(0, activity.duration or 0)

    def dequeued(self, activity: Activity, at: int) -> None:
        self._end("other", at)

    def opted_out(self, activity: Activity, at: int) -> None:
        self._end("callback", at)
        self._elsewhere = True

    def to_queue(self, activity: Activity, at: int) -> None:
        self._passed_on(at)
        self._elsewhere = False

    def to_person(self, activity: Activity, at: int) -> None:
        self._passed_on(at)
        self._elsewhere = not activity.destination_queue_id

    def away(self, activity: Activity, at: int) -> None:
        self._elsewhere = self._here is None

    def ended(self, activity: Activity, at: int) -> None:
        self._end(self._why_ended(), at)

    def wrap_up(self, activity: Activity, at: int) -> None:
        spent = activity.duration or 0
        served = [visit for visit in self.visits if visit.outcome == "answered"]
        ours = [visit for visit in served if not activity.agent_id or visit.agent == activity.agent_id]
        if spent > 0 and ours:
            ours[-1].wraps.append((activity.id, at + spent, spent))

    def _enter(self, queue: str, at: int) -> None:
        self._here = Visit(queue, at, wraps=[])
        self.visits.append(self._here)

    def _end(self, outcome: Outcome, at: int) -> None:
        """Whoever waits stops waiting, unanswered; a conversation goes on."""
        visit = self._here
        if visit is not None and visit.outcome == "":
            visit.outcome, visit.ended_at = outcome, max(at, visit.entered_at)
            self._here = None

    def _passed_on(self, at: int) -> None:
        visit = self._here
        if visit is not None and visit.outcome == "answered":
            visit.over_at, visit.transferred = max(at, visit.ended_at or at), True
            self._here = None
        else:
            self._end("other", at)

    def _why_ended(self) -> Outcome:
        if (self._task.termination_reason or "").lower() == "queue timeout":
            return "timeout"
        return "other" if (self._task.terminating_end or "").lower() in ("system", "agent") else "abandoned"

    def _queue(self, activity: Activity) -> str:
        """By its name; "" where the step tells none."""
        if activity.queue_id:
            return activity.queue_name or self._names.get(activity.queue_id, activity.queue_id)
        return activity.queue_name or ""


_STEPS: dict[str, Callable[[_Walk, Activity, int], None]] = {
    "parked": _Walk.parked,
    "connect": _Walk.connect,
    "connected": _Walk.connected,
    "on-hold": _Walk.on_hold,
    "dequeued": _Walk.dequeued,
    "optoutofqueue": _Walk.opted_out,
    "vt-transfer": _Walk.to_queue,
    "blind-transfer": _Walk.to_person,
    "consulttransfer": _Walk.to_person,
    "campaignoutbound": _Walk.away,
    "callbackfailed": _Walk.away,
    "ended": _Walk.ended,
    "wrapup": _Walk.wrap_up,
}
"""What each kind of step does; all others say nothing of queues."""


def visits(task: Task, names: Mapping[str, str] | None = None) -> list[Visit]:
    """The task's visits to queues, oldest first; ``names``: of queues by id. A call that an agent made has none."""
    if (task.direction or "").lower().startswith("out"):
        return []
    walk = _Walk(task, names or {})
    steps = task.activities.nodes if task.activities is not None else []
    # Newest first is how they are given: of two at one moment the later given is the earlier.
    timed = [(at, activity) for activity in reversed(steps) if (at := _began(activity)) is not None]
    ordered = sorted(timed, key=lambda step: step[0])
    for at, activity in ordered:
        walk.step(activity, at)
    if task.over:
        walk.over(_over_at(task, ordered))
    fallback = (task.last_queue.name or task.last_queue.id or "") if task.last_queue is not None else ""
    if len(walk.visits) == 1 and not walk.visits[0].queue:
        walk.visits[0].queue = fallback
    return [visit for visit in walk.visits if visit.queue]


def _over_at(task: Task, ordered: list[tuple[int, Activity]]) -> int:
    if task.ended_time is not None and task.ended_time > 0:
        return task.ended_time
    ended = [at for at, activity in ordered if (activity.event_name or "").lower() == "ended"]
    return ended[-1] if ended else ordered[-1][0] if ordered else 0


def _began(activity: Activity) -> int | None:
    if activity.created_time is not None:
        return activity.created_time
    found = [part for part in activity.id.split("-") if len(part) == 13 and part.isdigit()]
    return int(found[-1]) if found else None


class Contacts:
    """What was told of each task, so that only news is told. ``queues``: only these; empty: all."""

    def __init__(self, queues: Iterable[str] = ()) -> None:
        self._wanted = set(queues)
        self._told: dict[str, set[tuple[str, int, str]]] = {}
        self._created: dict[str, int] = {}
        self._open: dict[str, int] = {}
        self._waiting: dict[str, e.WaitingContact] = {}
        self._names: dict[str, str] = {}

    @property
    def open(self) -> dict[str, int]:
        """When the tasks that are not over were created (by Webex's clock), by id."""
        return dict(self._open)

    def waiting(self) -> list[e.WaitingContact]:
        return sorted(self._waiting.values(), key=lambda contact: contact.entered_at)

    def news(self, task: Task, ours: Callable[[int], int]) -> list[e.AnyEvent]:
        """What the task tells anew, in order; ``ours``: a time of Webex's on our clock."""
        if task.created_time is not None:
            self._created[task.id] = task.created_time
        if task.over:
            self._open.pop(task.id, None)
        elif task.created_time is not None:
            self._open[task.id] = task.created_time
        for step in task.activities.nodes if task.activities is not None else []:
            if step.queue_id and step.queue_name:
                self._names[step.queue_id] = step.queue_name
        self._waiting.pop(task.id, None)
        told = self._told.setdefault(task.id, set())
        events = []
        for visit in visits(task, self._names):
            if self._wanted and visit.queue not in self._wanted:
                continue
            if visit.outcome == "":
                self._waiting[task.id] = e.WaitingContact(visit.queue, task.id, ours(visit.entered_at), *_caller(task))
            for key, event in _words(task, visit, ours):
                if key not in told:
                    told.add(key)
                    events.append(event)
        return events

    def forget(self, created_before: int) -> None:
        """Let go of tasks that are over and were created before, which will not be asked about again."""
        for task in [
            task for task in self._told if task not in self._open and self._created.get(task, 0) < created_before
        ]:
            del self._told[task]
            self._created.pop(task, None)

    def lose(self, task: str) -> None:
        """Webex no longer knows the task."""
        self._open.pop(task, None)
        self._waiting.pop(task, None)


def _caller(task: Task) -> tuple[str, str]:
    return task.origin or "", (task.customer.name if task.customer is not None else None) or ""


def _words(task: Task, visit: Visit, ours: Callable[[int], int]) -> Iterator[tuple[tuple[str, int, str], e.AnyEvent]]:
    """Each word about one visit, with what it is known by. A word once said stays true, so it is said once."""
    queue, contact, entered_at = visit.queue, task.id, ours(visit.entered_at)

    def key(word: str) -> tuple[str, int, str]:
        return queue, visit.entered_at, word

    yield key("entered"), e.ContactEntered(entered_at, queue, contact, *_caller(task))
    if visit.ended_at is None:
        return
    ended_at, wait_ms = ours(visit.ended_at), visit.ended_at - visit.entered_at
    if visit.outcome == "answered":
        ring_ms = None if visit.rang_at is None else visit.ended_at - visit.rang_at
        yield key("ended"), e.ContactAnswered(ended_at, queue, contact, visit.agent, wait_ms, ring_ms)
    elif visit.outcome == "abandoned":
        yield key("ended"), e.ContactAbandoned(ended_at, queue, contact, wait_ms)
    elif visit.outcome != "":
        yield key("ended"), e.ContactLeft(ended_at, queue, contact, visit.outcome, wait_ms)
    if visit.over_at is not None:
        spent = visit.over_at - visit.ended_at
        hold_ms = min(visit.hold_ms, spent)
        yield (
            key("over"),
            e.ContactCompleted(
                ours(visit.over_at), queue, contact, visit.agent, wait_ms, spent - hold_ms, hold_ms, visit.transferred
            ),
        )
    for step, at, spent in visit.wraps:
        # Wrap-up is no word about a contact; said as a report, it counts once by its id.
        yield key(step), e.Reported(ours(at), f"wrap\x1f{step}", queue, {"wrap_ms": spent})
