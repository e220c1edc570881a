"""Times, shapes and portions of what an HTTP API is asked and answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from collectors.collector import CollectorError

T = TypeVar("T")


def shaped(answer: Any, shape: type[T], vendor: str, what: str) -> T:
    """The vendor's answer to the question for ``what`` in its shape. Raises ``CollectorError`` when it has another one."""
    try:
        return msgspec.convert(answer, shape, strict=False)
    except msgspec.ValidationError as error:
        raise CollectorError(f"{vendor} answered the question for {what} in an unknown form: {error}") from None


def in_batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Slices of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def iso(at_ms: int) -> str:
    """A time in ISO 8601, UTC, to the millisecond."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(text: str | None) -> int | None:
    """A time in ISO 8601 (UTC where it names no zone), None where it is none."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
