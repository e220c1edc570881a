"""Months of queue_log as totals per queue and quarter of an hour, in one pass and in bounded memory.

The counters follow the same rules as the live fold: offered at entering, answered at the answer, and so on, durations as the ACD wrote
them. A quarter is told whole and replaces what was known of it, so telling it twice counts nothing twice. Times of people (available, paused, …) are
not told: the log has no line for ringing, wrap-up or a member of the configuration file who was there all day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from collectors import events as e
from collectors.queue_log.protocol import Line
from collectors.queue_log.translate import Key, Translator

QUARTER_MS = 900_000
KEEP_OPEN_MS = 26 * 3600 * 1000
"""A quarter stays open for so long, in the log's own time: a clock that is set back by a day still finds it."""
LOST_MS = 24 * 3600 * 1000


class Cell(msgspec.Struct):
    """One queue in one quarter."""

    n: dict[str, int] = {}
    answered_waits: dict[int, int] = {}
    abandoned_waits: dict[int, int] = {}


class History:
    """Feed lines in the order of the log, take out the quarters that are over. ``contacts``: visits offered.

    ``latest_ms``: lines of a later time are not believed (the PBX's clock had run wild). ``edges``: whether the quarters that the log's
    first and last line cut are told as well; right only when nothing lies before and behind this log.
    """

    def __init__(self, *, latest_ms: int | None = None, edges: bool = False) -> None:
        self.contacts = 0
        self.intervals = 0
        self.refused = 0
        self.first_ms: int | None = None
        self.last_ms: int | None = None
        self._latest_ms = latest_ms
        self._edges = edges
        self._translator = Translator(people=False)
        self._waiting: dict[Key, int] = {}
        self._cells: dict[int, dict[str, Cell]] = {}
        self._told_to: int | None = None
        self._next_sweep = 0
        self._book: dict[type, Callable[[Any], None]] = {
            e.ContactEntered: self._entered,
            e.ContactRangNoAnswer: self._rang_no_answer,
            e.ContactAnswered: self._answered,
            e.ContactCompleted: self._completed,
            e.ContactAbandoned: self._abandoned,
            e.ContactLeft: self._left,
            e.Snapshot: self._restarted,
        }
        self._talking: dict[Key, int] = {}

    def take(self, lines: list[Line]) -> Iterator[e.IntervalTotals]:
        """Book the lines; yields the quarters that are over by now, each once."""
        book = self._book
        for line in lines:
            if self._latest_ms is not None and line.ms > self._latest_ms:
                self.refused += 1
                continue
            if self._told_to is not None and line.ms < self._told_to:
                self.refused += 1  # its quarter is told already, and would be replaced by a part of it
                continue
            if self.first_ms is None or line.ms < self.first_ms:
                self.first_ms = line.ms
            if self.last_ms is None or line.ms > self.last_ms:
                self.last_ms = line.ms
                if line.ms >= self._next_sweep:
                    self._sweep(line.ms)
                    yield from self._tell(line.ms - KEEP_OPEN_MS)
            for event in self._translator.translate(line):
                booking = book.get(type(event))
                if booking is not None:
                    booking(event)

    def finish(self) -> Iterator[e.IntervalTotals]:
        """The log is over: the quarters that are still open."""
        if self.last_ms is None:
            return
        yield from self._tell(self.last_ms + QUARTER_MS if self._edges else self.last_ms - self.last_ms % QUARTER_MS)

    def _tell(self, before: int) -> Iterator[e.IntervalTotals]:
        """The quarters that end by ``before``, in order."""
        assert self.first_ms is not None
        begins = self.first_ms - self.first_ms % QUARTER_MS
        cut = begins if self.first_ms % QUARTER_MS else begins - 1
        for start in sorted(start for start in self._cells if start + QUARTER_MS <= before):
            cells = self._cells.pop(start)
            if not self._edges and start <= cut:
                continue  # the file holds only a part of it
            for queue in sorted(cells):
                cell = cells[queue]
                self.intervals += 1
                yield e.IntervalTotals(
                    start + QUARTER_MS,
                    queue,
                    start,
                    cell.n,
                    sorted(cell.answered_waits.items()),
                    sorted(cell.abandoned_waits.items()),
                )
        self._told_to = max(self._told_to or 0, before - before % QUARTER_MS)

    # ── booking ───────────────────────────────────────────────────────────────────────────────────

    def _cell(self, queue: str, at: int) -> Cell:
        start = at - at % QUARTER_MS
        cells = self._cells.get(start)
        if cells is None:
            cells = self._cells[start] = {}
        cell = cells.get(queue)
        if cell is None:
            cell = cells[queue] = Cell()
        return cell

    def _add(self, queue: str, at: int, name: str, amount: int = 1) -> Cell:
        cell = self._cell(queue, at)
        cell.n[name] = cell.n.get(name, 0) + amount
        return cell

    def _offer(self, queue: str, at: int) -> None:
        self.contacts += 1
        if self._told_to is None or at >= self._told_to:
            self._add(queue, at, "offered")

    def _entered(self, event: e.ContactEntered) -> None:
        key = (event.queue, event.contact)
        if key not in self._waiting:  # otherwise the same word again
            self._waiting[key] = event.at
            self._offer(event.queue, event.at)

    def _wait_over(self, event: e.ContactAnswered | e.ContactAbandoned | e.ContactLeft) -> int:
        """The wait of a visit that ends; one whose beginning the log does not hold began when its wait says."""
        entered_at = self._waiting.pop((event.queue, event.contact), None)
        if entered_at is None:
            entered_at = event.at - (event.wait_ms or 0)
            self._offer(event.queue, entered_at)
        return max(0, event.at - entered_at) if event.wait_ms is None else event.wait_ms

    def _answered(self, event: e.ContactAnswered) -> None:
        wait_ms = self._wait_over(event)
        self._talking[(event.queue, event.contact)] = event.at
        cell = self._add(event.queue, event.at, "answered")
        cell.answered_waits[wait_ms] = cell.answered_waits.get(wait_ms, 0) + 1
        self._add(event.queue, event.at, "answered_wait_ms", wait_ms)
        if event.ring_ms:
            self._add(event.queue, event.at, "ring_ms", event.ring_ms)

    def _completed(self, event: e.ContactCompleted) -> None:
        answered_at = self._talking.pop((event.queue, event.contact), None)
        if answered_at is None:  # the log begins in the middle of the conversation
            answered_at = event.at - (event.talk_ms or 0)
            if self._told_to is None or answered_at >= self._told_to:
                self._answered(e.ContactAnswered(answered_at, event.queue, event.contact, event.agent, event.wait_ms))
                self._talking.pop((event.queue, event.contact), None)
        talk_ms = max(0, event.at - answered_at) if event.talk_ms is None else event.talk_ms
        self._add(event.queue, event.at, "handled")
        self._add(event.queue, event.at, "talk_ms", talk_ms)
        if event.transferred:
            self._add(event.queue, event.at, "transferred")

    def _abandoned(self, event: e.ContactAbandoned) -> None:
        wait_ms = self._wait_over(event)
        cell = self._add(event.queue, event.at, "abandoned")
        cell.abandoned_waits[wait_ms] = cell.abandoned_waits.get(wait_ms, 0) + 1

    def _left(self, event: e.ContactLeft) -> None:
        self._wait_over(event)
        self._add(event.queue, event.at, "left_" + event.why)

    def _rang_no_answer(self, event: e.ContactRangNoAnswer) -> None:
        self._add(event.queue, event.at, "rang_no_answer")

    def _restarted(self, event: e.Snapshot) -> None:
        """Asterisk was killed: who waited then is lost."""
        for queue, _ in self._waiting:
            self._add(queue, event.at, "lost_sight")
        self._waiting.clear()
        self._talking.clear()

    def _sweep(self, now_ms: int) -> None:
        """Once a quarter of the log's time: what never ended is lost, so that it does not fill the memory."""
        self._next_sweep = now_ms - now_ms % QUARTER_MS + QUARTER_MS
        for key in [key for key, at in self._waiting.items() if at < now_ms - LOST_MS]:
            del self._waiting[key]
            self._add(key[0], now_ms, "lost_sight")
        self._talking = {key: at for key, at in self._talking.items() if at > now_ms - LOST_MS}
