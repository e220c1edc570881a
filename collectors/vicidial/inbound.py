"""Where we are in ``vicidial_closer_log``: up to which row it was read, which rows still fill, and who of them really waits. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from collectors.events import AnyEvent
from collectors.polled.contacts import ContactLog, LoggedContact
from collectors.vicidial.translate import Row, contact

GONE_AFTER_MS = 30_000
"""A row that waits although VICIdial has no such call any more is believed for so long; its end may be on its way into the log."""
OPEN_MOST_MS = 24 * 3_600_000
"""A row that is open for longer was left open by a crash, and is asked for no more."""


class InboundLog:
    """One source's place in the log. ``seen``: the last row that was read, None before the first."""

    def __init__(self) -> None:
        self.seen: int | None = None
        self.skew_ms = 0
        self._log = ContactLog()
        self._open: dict[int, tuple[str, str, int]] = {}
        """By row: its queue, the call's uniqueid, and when it entered."""
        self._missing: dict[int, int] = {}
        """Rows that wait and have no call, and since when."""
        self._lost: set[int] = set()

    @property
    def open(self) -> list[int]:
        """Rows that still fill, to be read again."""
        return sorted(self._open)

    def take(self, rows: Iterable[Row], ours: Callable[[int], int], wanted: Callable[[str], bool]) -> list[AnyEvent]:
        """What these rows tell anew."""
        told: list[LoggedContact] = []
        for row in rows:
            number = int(row["closecallid"])
            self.seen = max(self.seen or 0, number)
            visit = contact(row, ours)
            if visit is None or not wanted(visit.queue):
                continue
            told.append(visit)
            if visit.ended_at is None:
                self._open[number] = (visit.queue, str(row["uniqueid"] or ""), visit.entered_at)
            else:
                self._open.pop(number, None)
        events = self._log.changes(told)
        self._log.forget((visit.queue, visit.contact) for visit in told if visit.ended_at is not None)
        return events

    def look(self, uniqueids: frozenset[str], now_ms: int, *, trusted: bool) -> bool:
        """Compare who waits with the calls that VICIdial has. True when somebody was lost sight of, or is seen again.

        ``trusted``: False while the table of calls may be empty for a reason of its own.
        """
        lost_before = set(self._lost)
        for number, (queue, _, entered_at) in list(self._open.items()):
            if now_ms - entered_at > OPEN_MOST_MS:
                del self._open[number]
                self._log.forget([(queue, str(number))])
        waiting = {int(row.contact) for row in self._log.waiting()}
        for number in waiting:
            uniqueid = self._open[number][1]
            if not trusted or not uniqueid or uniqueid in uniqueids:
                self._missing.pop(number, None)
            elif now_ms - self._missing.setdefault(number, now_ms) > GONE_AFTER_MS:
                self._lost.add(number)
        self._missing = {number: at for number, at in self._missing.items() if number in waiting}
        self._lost = {number for number in self._lost if number in self._missing}
        return self._lost != lost_before and bool((lost_before ^ self._lost) & waiting)

    def waiting(self) -> list[LoggedContact]:
        """Who waits, those left out of whom VICIdial knows nothing any more."""
        return [row for row in self._log.waiting() if int(row.contact) not in self._lost]

    # ── the memory ────────────────────────────────────────────────────────────────────────────────

    def encode(self) -> bytes:
        """The place, for the next session."""
        answered = {key for key in self._open if not self._log.waits(self._open[key][0], str(key))}
        rows = {
            str(key): [queue, uniqueid, at, key in answered]
            for key, (queue, uniqueid, at) in sorted(self._open.items())
        }
        return json.dumps({"seen": self.seen, "skew_ms": self.skew_ms, "open": rows}).encode()

    def decode(self, raw: bytes | None) -> None:
        """Take a place over. What was told of its open rows is not told again; an unreadable one is none."""
        try:
            memory = json.loads(raw) if raw else {}
            seen, skew_ms = memory.get("seen"), int(memory.get("skew_ms", 0))
            rows = {
                int(key): (str(queue), str(uniqueid), int(at), bool(answered))
                for key, (queue, uniqueid, at, answered) in memory.get("open", {}).items()
            }
        except (ValueError, TypeError, AttributeError):
            return
        self.seen, self.skew_ms = seen if isinstance(seen, int) else None, skew_ms
        for key, (queue, uniqueid, at, answered) in rows.items():
            self._open[key] = (queue, uniqueid, at)
            self._log.recall(LoggedContact(queue, str(key), at, "answered" if answered else ""))
