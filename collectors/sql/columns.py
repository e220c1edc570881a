"""The columns that each question may have: their names, their types, and what a wrong one should have been. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from collectors.collector import CollectorError
from collectors.counters import COUNTERS, WITHIN
from collectors.polled import numbers

Type = Callable[[Any, tzinfo], Any]
"""(a value that is not NULL, the zone of dates without one) → the value; raises ``ValueError`` with what it should be."""

LONGEST_TEXT = 500
MOST_TOTAL, LONGEST_TOTAL_MS = 10**12, 10**15
"""Of counters that may run for years, in which a contact centre adds up what it does in a quarter of an hour many times over."""
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""What lies outside stands for "never" or "not yet" (0001-01-01, the epoch, 9999-12-31): read as a time it would be a wait of nothing."""
NO_DATE = "a date of these years, or NULL for none"


def a_text(value: Any, zone: tzinfo) -> str:
    """A name or an id; a whole number counts as its digits."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("a text")
    return str(value).strip()[:LONGEST_TEXT]


def a_count(value: Any, zone: tzinfo, most: int = numbers.MOST) -> int:
    """A whole number that is not negative, of contacts or people."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(value):
        raise ValueError("a whole number")
    if value != int(value) or value < 0:
        raise ValueError("a whole number that is not negative")
    if value > most:
        raise ValueError(f"a number of at most {most}")
    return int(value)


def seconds(value: Any, zone: tzinfo, most_ms: int = numbers.LONGEST_MS) -> int:
    """Seconds, with a fraction or without, as whole milliseconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(value) or value < 0:
        raise ValueError("a number of seconds that is not negative")
    if value * 1000 > most_ms:
        raise ValueError(f"a number of seconds of at most {most_ms // 1000}")
    return round(value * 1000)


def a_total(value: Any, zone: tzinfo) -> int:
    """A counter that may run for years."""
    return a_count(value, zone, MOST_TOTAL)


def total_seconds(value: Any, zone: tzinfo) -> int:
    """The same of seconds, as whole milliseconds."""
    return seconds(value, zone, LONGEST_TOTAL_MS)


def a_number(value: Any, zone: tzinfo) -> float:
    """A number that is not negative."""
    return seconds(value, zone, numbers.LONGEST_SUM_MS) / 1000


def a_moment(value: Any, zone: tzinfo) -> int:
    """Epoch ms from a date with a time, its ISO text, or seconds since 1970."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("a date with a time, as 2026-11-22 15:58:20") from None
    if isinstance(value, datetime):
        at = value if value.tzinfo else value.replace(tzinfo=zone)
        if not EARLIEST <= at.replace(tzinfo=UTC) < LATEST:
            raise ValueError(NO_DATE)
        return round(at.astimezone(UTC).timestamp() * 1000)
    if isinstance(value, (date, bool)) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(value):
        raise ValueError("a date with a time, or seconds since 1970")
    if value > 1e11:
        raise ValueError("seconds since 1970; this looks like milliseconds")
    if not EARLIEST.timestamp() <= value < LATEST.timestamp():
        raise ValueError(NO_DATE)
    return round(value * 1000)


def yes_or_no(value: Any, zone: tzinfo) -> bool:
    """A truth; 0 and 1 count."""
    if value in (0, 1):
        return bool(value)
    raise ValueError("true or false (or 1 or 0)")


def one_of(words: Collection[str]) -> Type:
    """A word out of a list."""

    def read(value: Any, zone: tzinfo) -> str:
        word = str(value).strip().lower()
        if word not in words:
            raise ValueError("one of " + ", ".join(sorted(words)))
        return word

    return read


@dataclass(frozen=True)
class Shape:
    """What one question's answer may look like. ``needed``: columns that it must have, in which NULL is no value."""

    question: str
    columns: Mapping[str, Type]
    needed: tuple[str, ...]
    also: Mapping[re.Pattern[str], Type] = field(default_factory=dict)

    @property
    def moments(self) -> list[str]:
        """The columns that hold a time."""
        return [name for name, of_type in self.columns.items() if of_type is a_moment]

    def check(self, columns: Sequence[str]) -> None:
        """Raises ``CollectorError`` naming every column that is missing, unknown or there twice, and what was probably meant."""
        faults = []
        if missing := [name for name in self.needed if name not in columns]:
            faults.append(f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
        for name in dict.fromkeys(columns):
            if self._type(name) is None:
                near = get_close_matches(name, self.columns, n=1)
                faults.append(
                    f"has an unknown column {name!r}" + (f" (did you mean {near[0]}?)" if near else " (leave it out)")
                )
            if list(columns).count(name) > 1:
                faults.append(f"has the column {name!r} twice")
        if faults:
            raise CollectorError(f"the answer to {self.question}: {'; '.join(faults)}", permanent=True)

    def read(self, rows: Sequence[Mapping[str, Any]], zone: tzinfo) -> list[dict[str, Any]]:
        """Each row with its values as what they are; NULL is left out. Raises ``CollectorError`` naming the row and the column."""
        return [self._row(number, row, zone) for number, row in enumerate(rows, 1)]

    def _row(self, number: int, row: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for name, value in row.items():
            of_type = self._type(name)
            if value is None or of_type is None:
                continue
            try:
                read[name] = of_type(value, zone)
            except ValueError as wanted:
                raise CollectorError(
                    f"the answer to {self.question}, row {number}, column {name}: {str(value)[:60]!r} "
                    f"({type(value).__name__}) should be {wanted}"
                ) from None
        for name in self.needed:
            if read.get(name) in (None, ""):
                raise CollectorError(f"the answer to {self.question}, row {number}, column {name}: has no value")
        return read

    def _type(self, name: str) -> Type | None:
        if name in self.columns:
            return self.columns[name]
        return next((of_type for pattern, of_type in self.also.items() if pattern.fullmatch(name)), None)


def counter_of(column: str) -> str:
    """The counter (kpis.md) that a column of totals tells: seconds become milliseconds."""
    in_ms = column.removesuffix("_s") + "_ms"
    return in_ms if column.endswith("_s") and in_ms in COUNTERS else column


def total_columns() -> dict[str, Type]:
    """Every counter that may be told, by the name of its column."""
    named: dict[str, Type] = {}
    for counter in COUNTERS:
        if counter != "lost_sight":
            in_s = counter.endswith("_ms")
            named[counter.removesuffix("_ms") + "_s" if in_s else counter] = total_seconds if in_s else a_total
    return named


TOTALS = total_columns()
CONDITIONS = ("available", "ringing", "on_contact", "wrap_up", "paused")
OUTCOMES = (
    "answered", "abandoned", "left_timeout", "left_key", "left_empty", "left_callback", "left_other",
)  # fmt: skip

QUEUES = Shape(
    "queues",
    {
        "queue": a_text, "waiting": a_count, "longest_wait_s": seconds, "since": a_moment,
        **{f"agents_{condition}": a_count for condition in CONDITIONS}, **TOTALS,
    },
    needed=("queue",),
    also={WITHIN: a_total},
)  # fmt: skip
CONTACTS = Shape(
    "contacts",
    {
        "queue": a_text, "contact": a_text, "entered_at": a_moment, "answered_at": a_moment, "ended_at": a_moment,
        "outcome": one_of(OUTCOMES), "agent": a_text, "caller": a_text, "caller_name": a_text, "talk_s": seconds, "hold_s": seconds,
        "wrap_s": seconds, "transferred": yes_or_no,
    },
    needed=("queue", "contact", "entered_at"),
)  # fmt: skip
AGENTS = Shape(
    "agents",
    {
        "agent": a_text, "name": a_text, "condition": one_of((*CONDITIONS, "logged_out", "unknown")), "reason": a_text,
        "since": a_moment, "queues": a_text,
    },
    needed=("agent", "condition"),
)  # fmt: skip
FACTS = Shape(
    "facts",
    {
        "id": a_text, "at": a_moment, "queue": a_text,
        "counter": one_of(TOTALS), "n": a_number,
    },
    needed=("id", "at", "queue", "counter", "n"),
)  # fmt: skip
