"""Rows of ``RtCSQsSummary`` into the floor's terms. No I/O. Its durations are milliseconds, its counters run since ``StartDateTime``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from collectors.collector import CollectorError
from collectors.events import AgentCondition, QueueObserved
from collectors.polled import numbers

Row = Mapping[str, Any]

CONDITIONS: dict[str, AgentCondition] = {
    "availableagents": "available",
    "reservedagents": "ringing",
    "talkingagents": "on_contact",
    "workingagents": "wrap_up",
    "unavailableagents": "paused",
}
TOTALS = {
    "totalcalls": "offered",
    "callshandled": "answered",
    "callsabandoned": "abandoned",
    "callsdequeued": "left_other",
}
TREMBLE_MS = 5_000
"""A row is as it was until it is written again, so the beginning of its longest wait seems to move by up to a Data Writing Interval."""


class Translator:
    """Keeps sums that must not shrink."""

    def __init__(self, queues: frozenset[str] | None = None) -> None:
        self._queues = queues
        self._talk: dict[str, tuple[int, int]] = {}
        """By queue: the beginning of the count, and the most that was ever made of it."""

    def translate(self, rows: Iterable[Row], now_ms: int) -> list[QueueObserved]:
        """What these rows show. Raises ``CollectorError`` for a row that cannot be one."""
        looks = []
        for row in rows:
            queue = str(row["csqname"] or "").strip()
            if not queue or (self._queues is not None and queue not in self._queues):
                continue
            looks.append(self._look(queue, row, now_ms))
        return looks

    def _look(self, queue: str, row: Row, now_ms: int) -> QueueObserved:
        waiting, oldest_ms = _number(row, "callswaiting"), _number(row, "oldestcontact", numbers.LONGEST_MS)
        since = moment(row["startdatetime"])
        totals = {name: n for column, name in TOTALS.items() if (n := _number(row, column)) is not None}
        handled, average_ms = _number(row, "callshandled"), _number(row, "avgtalkduration", numbers.LONGEST_MS)
        if handled is not None:
            totals["handled"] = handled
        talk_ms = None if handled is None or average_ms is None else numbers.amount(handled * average_ms)
        if talk_ms is not None and since is not None:
            totals["talk_ms"] = self._talked(queue, since, talk_ms)
        agents: dict[str, int] = {
            condition: n for column, condition in CONDITIONS.items() if (n := _number(row, column)) is not None
        }
        return QueueObserved(
            now_ms,
            queue,
            waiting=waiting,
            longest_wait_ms=oldest_ms if waiting else None,
            agents=agents or None,
            totals=totals,
            since=since,
        )

    def _talked(self, queue: str, since: int, sum_ms: int) -> int:
        """The average is rounded, so its product may fall by a little; a fall would be taken for a counter that was reset."""
        began, most = self._talk.get(queue, (since, 0))
        self._talk[queue] = (since, sum_ms if began != since else max(most, sum_ms))
        return self._talk[queue][1]


def written_at(rows: Iterable[Row]) -> int | None:
    """The newest ``EndDateTime``: when the node wrote its table last, by its own clock and zone; None for an empty table."""
    return max((at for row in rows if (at := moment(row["enddatetime"])) is not None), default=None)


def moment(value: Any) -> int | None:
    """A date as epoch ms, read as UTC. Only its order counts: which zone the node writes is not documented."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise CollectorError(f"RtCSQsSummary has {value[:40]!r} where a date belongs") from None
    if not isinstance(value, datetime):
        raise CollectorError(f"RtCSQsSummary has a {type(value).__name__} where a date belongs")
    return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)


def _number(row: Row, column: str, most: int = numbers.MOST) -> int | None:
    value = row[column]
    if value is None:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise CollectorError(f"RtCSQsSummary has {str(value)[:40]!r} in {column}, where a number belongs") from None
    return numbers.count(number, most)
