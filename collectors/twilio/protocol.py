"""The shapes of what TaskRouter answers. Decodes and builds, never reads.

Field names are those of the vendor's OpenAPI document; a test holds them to it.
"""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from collectors.polled.answers import shaped

T = TypeVar("T")

VENDOR = "Twilio"

QUEUES_A_QUESTION = 50
"""Of the bulk of real-time statistics; more is refused."""
PAGE = 1_000
STATISTICS_PAGE = 100
AT_WORK = "reserved,assigned,wrapping"


class _Shape(msgspec.Struct, frozen=True):
    """An object of the API; what is not named here is passed over."""


class Queue(_Shape, frozen=True):
    sid: str | None = None
    friendly_name: str | None = None


class RealTime(_Shape, frozen=True):
    """Of one queue now. Ages in seconds, as text or number."""

    task_queue_sid: str | None = None
    longest_task_waiting_age: Any = None
    longest_relative_task_age_in_queue: Any = None
    tasks_by_status: dict[str, Any] | None = None


class Bulk(_Shape, frozen=True):
    task_queue_data: list[RealTime] | None = None


class Wait(_Shape, frozen=True):
    """Seconds."""

    total: Any = None


class Cumulative(_Shape, frozen=True):
    """Of one queue in an interval."""

    reservations_accepted: Any = None
    reservations_timed_out: Any = None
    tasks_canceled: Any = None
    tasks_completed: Any = None
    tasks_deleted: Any = None
    tasks_entered: Any = None
    tasks_moved: Any = None
    split_by_wait_time: dict[str, dict[str, dict[str, Any] | None] | None] | None = None
    wait_duration_in_queue_until_accepted: Wait | None = None
    wait_duration_until_accepted: Wait | None = None


class Statistics(_Shape, frozen=True):
    task_queue_sid: str | None = None
    cumulative: Cumulative | None = None


class Worker(_Shape, frozen=True):
    sid: str | None = None
    friendly_name: str | None = None
    activity_name: str | None = None
    available: bool | None = None
    date_status_changed: str | None = None


class Task(_Shape, frozen=True):
    sid: str | None = None
    assignment_status: str | None = None
    date_updated: str | None = None


class Reservation(_Shape, frozen=True):
    worker_sid: str | None = None
    reservation_status: str | None = None
    date_updated: str | None = None


class Meta(_Shape, frozen=True):
    next_page_url: str | None = None


def page(answer: Any, key: str, shape: type[T], what: str) -> tuple[list[T], str | None]:
    """The items of a page, and where the next one is (path and query), None after the last."""
    told = shaped(answer, dict[str, Any], VENDOR, what)
    items: list[T] = shaped(told.get(key) or [], list[shape], VENDOR, what)  # type: ignore[valid-type]
    following = shaped(told.get("meta") or {}, Meta, VENDOR, what).next_page_url
    if not following:
        return items, None
    parts = urlsplit(following)
    return items, f"{parts.path}?{parts.query}" if parts.query else parts.path
