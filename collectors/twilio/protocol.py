"""The shapes of what TaskRouter answers. Decodes and builds, never reads.

Field names are those of the vendor's OpenAPI document; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from collectors.collector import CollectorError

T = TypeVar("T")

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


def shaped(answer: Any, shape: type[T], what: str) -> T:
    """An answer in its shape. Raises ``CollectorError`` when it has another one."""
    try:
        return msgspec.convert(answer, shape, strict=False)
    except msgspec.ValidationError as error:
        raise CollectorError(f"Twilio answered the question for {what} in an unknown form: {error}") from None


def page(answer: Any, key: str, shape: type[T], what: str) -> tuple[list[T], str | None]:
    """The items of a page, and where the next one is (path and query), None after the last."""
    told = shaped(answer, dict[str, Any], what)
    items: list[T] = shaped(told.get(key) or [], list[shape], what)  # type: ignore[valid-type]
    following = shaped(told.get("meta") or {}, Meta, what).next_page_url
    if not following:
        return items, None
    parts = urlsplit(following)
    return items, f"{parts.path}?{parts.query}" if parts.query else parts.path


def in_batches(sids: Sequence[str], size: int = QUEUES_A_QUESTION) -> list[Sequence[str]]:
    """Slices of at most ``size``."""
    return [sids[start : start + size] for start in range(0, len(sids), size)]


def iso(at_ms: int) -> str:
    """A time in the API's form."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(text: str | None) -> int | None:
    """A time of the API's, None where it is none."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
