"""What TaskRouter answers, in the floor's words. No I/O; times of the ACD come in through ``ours``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from collectors.events import AgentCondition, IntervalTotals, QueueObserved, SeenAgent
from collectors.polled.answers import epoch_ms
from collectors.polled.numbers import LONGEST_MS, amount, count
from collectors.polled.quarters import QUARTER_MS
from collectors.twilio.protocol import Cumulative, RealTime, Reservation, Worker

Ours = Callable[[int], int]
"""A time of the ACD's → the same on our clock."""

COUNTS = {
    "tasks_entered": "offered",
    "reservations_accepted": "answered",
    "tasks_canceled": "abandoned",
    "tasks_completed": "handled",
    "reservations_timed_out": "rang_no_answer",
}
FLOWED_OUT = ("tasks_moved", "tasks_deleted")

_AT_WORK: dict[str, tuple[int, AgentCondition]] = {
    "accepted": (3, "on_contact"),
    "pending": (2, "ringing"),
    "wrapping": (1, "wrap_up"),
}
"""A reservation's status → what its worker does, the weightiest first where several are open."""


def look(told: RealTime, name: str, at: int) -> QueueObserved:
    """A queue now. A reserved task rings at somebody, and still waits."""
    by_status = told.tasks_by_status or {}
    pending, reserved = count(_number(by_status.get("pending"))), count(_number(by_status.get("reserved", 0)))
    waiting = None if pending is None or reserved is None else pending + reserved
    # The age in the queue where it is told: the other one counts from the task's creation, before an overflow or a transfer.
    ages = (told.longest_relative_task_age_in_queue, told.longest_task_waiting_age)
    age = next((amount(_number(age), LONGEST_MS / 1000) for age in ages if age is not None), None)
    return QueueObserved(at, name, waiting, None if not waiting or age is None else age * 1000)


def account(told: Cumulative, name: str, start: int, thresholds: Iterable[int], now_ms: int) -> IntervalTotals:
    """A queue's quarter that began at ``start``, epoch ms."""
    counters: dict[str, int] = {}
    for field, booked in COUNTS.items():
        value = count(_number(getattr(told, field)))
        if value is not None:
            counters[booked] = value
    left = [count(_number(getattr(told, field))) for field in FLOWED_OUT]
    known = [value for value in left if value is not None]
    if len(known) == len(left):
        counters["left_other"] = sum(known)
    for wait in (told.wait_duration_in_queue_until_accepted, told.wait_duration_until_accepted):
        total = None if wait is None else amount(_number(wait.total), LONGEST_MS)
        if total is not None:
            counters["answered_wait_ms"] = total * 1000
            break
    for seconds in thresholds:
        counters |= _split((told.split_by_wait_time or {}).get(str(seconds)), seconds)
    end = start + QUARTER_MS
    return IntervalTotals(min(max(now_ms, start), end), name, start, counters, sole=True)


def _split(told: Mapping[str, Any] | None, seconds: int) -> dict[str, int]:
    below, above = (told or {}).get("below") or {}, (told or {}).get("above") or {}
    counters: dict[str, int] = {}
    for field, outcome in (("reservations_accepted", "answered"), ("tasks_canceled", "abandoned")):
        within, beyond = count(_number(below.get(field))), count(_number(above.get(field)))
        if within is not None and beyond is not None:
            counters[f"{outcome}_within_{seconds}s"] = within
            counters[f"{outcome}_beyond_{seconds}s"] = beyond
    return counters


def people(
    workers: Iterable[Worker],
    reservations: Iterable[Reservation],
    queues: Mapping[str, Collection[str]],
    offline: Collection[str],
    ours: Ours,
) -> list[SeenAgent]:
    """Every worker who is signed in, once. ``queues``: worker's sid → names of the queues that the worker serves."""
    signed_out = {name.casefold() for name in offline}
    at_work: dict[str, tuple[int, AgentCondition, str | None]] = {}
    for reservation in reservations:
        known = _AT_WORK.get(reservation.reservation_status or "")
        if known is not None and reservation.worker_sid:
            weight, does = known
            if weight > at_work.get(reservation.worker_sid, (0,))[0]:
                at_work[reservation.worker_sid] = (weight, does, reservation.date_updated)
    seen: dict[str, SeenAgent] = {}
    for worker in workers:
        if not worker.sid:
            continue
        activity, since = worker.activity_name or "", worker.date_status_changed
        condition: AgentCondition
        condition, reason = ("available", "") if worker.available else ("paused", activity)
        if worker.available is None:
            condition, reason = "unknown", ""
        if worker.sid in at_work:
            _, condition, since = at_work[worker.sid]
            reason = ""
        elif activity.casefold() in signed_out and not worker.available:
            continue
        at = epoch_ms(since)
        seen[worker.sid] = SeenAgent(
            worker.sid,
            condition,
            dict.fromkeys(sorted(queues.get(worker.sid, ()))),
            worker.friendly_name or worker.sid,
            reason,
            None if at is None else ours(at),
        )
    return list(seen.values())


def _number(value: Any) -> Any:
    """Statistics come as numbers, and some as text."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value
