"""A day of stored counters as numbers that only add up: one row per quarter of an hour, one column per counter.

A cell keeps whole histograms of waits. Of them a page needs three sums, which depend on the day's contract: how many were answered
within its threshold, how many hung up within it, and how many hung up so early that it forgives them. They are taken while the
cells are decoded, so that a month of twenty queues costs one pass over its bytes and leaves 18 KB a day.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from operations.floor.agents import queues_of
from operations.floor.counters import DAY_MS, FLOW_OUTS, MINUTE_MS, QUARTER_MS, Counters, in_time, waits_told
from operations.projects.calendar import Calendar
from operations.projects.contract import Project
from operations.store import keys
from operations.store.cells import KEEP_QUARTERS_MS
from operations.windows import PROJECT, WindowSums

_AT_ONCE = 8
"""Days asked of Redis in one go: enough to keep it busy while we decode, few enough to stay small."""

STORED = (
    *("offered", "answered", "abandoned", *FLOW_OUTS, "lost_sight", "handled", "transferred"),
    *("talk_ms", "hold_ms", "wrap_ms", "answered_wait_ms", "logged_in_ms"),
)
"""The counters that are taken as they are stored."""

TAKEN = ("in_time", "answered_known", "abandoned_in_time", "abandoned_known", "short", "answered_each")
"""What is taken from the histograms of waits by the day's contract; ``…_known``: contacts of whom it is known whether they waited longer than
its threshold; ``answered_each``: answered contacts each of whose waits is known."""

COLUMNS = (*STORED, *TAKEN)

_LAYOUT = "by source"
"""Changes when a ``Block`` holds its sums in another way: what lies in the cache is then of no use."""

_Counters = msgspec.defstruct("_Counters", [(name, int, 0) for name in STORED], gc=False)


class _Cell(msgspec.Struct, gc=False):
    n: _Counters = msgspec.field(default_factory=_Counters)  # type: ignore[valid-type]
    answered_waits: dict[int, int] = {}
    abandoned_waits: dict[int, int] = {}


class _Offered(msgspec.Struct, gc=False):
    offered: int = 0


class _OfferedCell(msgspec.Struct, gc=False):
    n: _Offered = msgspec.field(default_factory=_Offered)


_cell = msgspec.json.Decoder(_Cell).decode
_whole_cell = msgspec.json.Decoder(Counters).decode
_TOLD = b"_within_"
_offered_cell = msgspec.json.Decoder(_OfferedCell).decode


@dataclass(frozen=True, slots=True)
class Block:
    """One local day. ``quarters``: by source of which anything is stored, int64, a row per quarter from the day's start (92, 96 or
    100), columns as ``COLUMNS``: which sources make up a number is decided when it is made.

    ``queues``: the whole day by queue, when the day was read for the whole project; else empty.
    """

    quarters: dict[str, np.ndarray]
    queues: dict[str, np.ndarray]


def bounds(calendar: Calendar, day: date) -> tuple[int, int]:
    """When a local day begins and ends, in epoch ms."""
    return calendar.day_start(day), calendar.day_start(day + timedelta(days=1))


def utc_days(calendar: Calendar, days: Iterable[date]) -> list[int]:
    """The stored days (UTC, their starts in epoch ms) on which some local days lie, in order."""
    found: set[int] = set()
    for day in days:
        start, end = bounds(calendar, day)
        found.update(range(start - start % DAY_MS, end, DAY_MS))
    return sorted(found)


def revisions(client: Any, project: Project, days: Sequence[date]) -> dict[date, str]:
    """For each local day a word that changes whenever one of its stored counters may have; read it before the counters.

    It also changes when the day would be judged by another contract, cut in another zone or fed by other queues.
    """
    stored = utc_days(project.calendar, days)
    found: dict[tuple[str, int], str] = {}
    with client.pipeline(transaction=False) as pipe:
        for source in project.sources:
            pipe.hmget(keys.day_revisions(source), [str(day // DAY_MS) for day in stored])
        for source, values in zip(project.sources, pipe.execute() if stored else (), strict=False):
            for at, value in zip(stored, values, strict=True):
                found[source, at] = value.decode() if value else "0"
    shape = repr((project.id, project.queues, project.time_zone, COLUMNS, _LAYOUT))
    words = {}
    for day in days:
        contract = project.contract_on(day)
        parts = [shape, contract.service_level.model_dump_json(), str(contract.short_abandon_s)]
        parts += [
            f"{source}:{at}:{found[source, at]}"
            for at in utc_days(project.calendar, [day])
            for source in project.sources
        ]
        words[day] = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    return words


def read(client: Any, project: Project, days: Sequence[date], queue: str = PROJECT) -> dict[date, Block]:
    """The blocks of some local days; ``queue``: a full queue name, or "" for the whole project. ``client``: bytes responses."""
    reading = _Reading(project, days, queue)
    taken = array("q")  # flat, so that tens of thousands of rows are no objects
    counters = msgspec.structs.astuple
    for slot, code, blob in reading.cells(client):
        cell = _cell(blob)
        taken.extend((slot, code, *counters(cell.n), *_waits(cell, blob, *reading.limits[slot])))
    rows = np.frombuffer(taken, np.int64) if taken else np.zeros(0, np.int64)
    table = pd.DataFrame(rows.reshape(-1, 2 + len(COLUMNS)), columns=["slot", "row", *COLUMNS])
    slots, source_of = table["slot"].to_numpy(), reading.source_of(table)
    by_source = {}
    for number, source in enumerate(project.sources):
        own = source_of == number
        if own.any():
            part = table if own.all() else table.loc[own]
            sums = part.groupby(slots[own])[list(COLUMNS)].sum()
            by_source[source] = sums.reindex(range(reading.slots), fill_value=0).to_numpy()
    by_queue = reading.by_queue(table) if queue == PROJECT else {}
    return {
        day: Block(
            {source: sums[start:end] for source, sums in by_source.items() if sums[start:end].any()},
            by_queue.get(day, {}),
        )
        for day, (start, end) in reading.places.items()
    }


def _waits(cell: _Cell, blob: bytes, within_s: int, at: str, short_s: int) -> tuple[int, ...]:
    """``TAKEN`` of one cell. A slot of the histogram holds half-open seconds: 2·s is exactly s (operations.floor.counters)."""
    limit, early = 2 * within_s - (at == "<"), 2 * short_s - 1
    answered, abandoned = cell.answered_waits, cell.abandoned_waits
    each = sum(answered.values()) if answered else 0
    found = (
        sum([n for wait, n in answered.items() if wait <= limit]) if answered else 0,
        each,
        sum([n for wait, n in abandoned.items() if wait <= limit]) if abandoned else 0,
        sum(abandoned.values()) if abandoned else 0,
        sum([n for wait, n in abandoned.items() if wait <= early]) if abandoned and short_s else 0,
        each,
    )
    if _TOLD not in blob:
        return found
    whole = _whole_cell(blob)  # an ACD that tells no waits but how many were within a threshold of its own
    known = waits_told(whole, "abandoned", within_s)
    return (
        in_time(whole, "answered", within_s, at),
        waits_told(whole, "answered", within_s),
        in_time(whole, "abandoned", within_s, at),
        min(known, waits_told(whole, "abandoned", short_s)) if short_s else known,
        in_time(whole, "abandoned", short_s, "<") if short_s else 0,
        each,
    )


def read_offered(
    client: Any, project: Project, days: Sequence[date], queue: str = PROJECT, sources: Collection[str] | None = None
) -> dict[date, np.ndarray]:
    """What each quarter of an hour of some local days was offered by some sources (None: by all), and nothing else of them."""
    reading = _Reading(project, days, queue, people=False)
    offered = [0] * reading.slots
    for slot, _, blob in reading.cells(client, sources):
        offered[slot] += _offered_cell(blob).n.offered
    return {day: np.array(offered[start:end], np.int64) for day, (start, end) in reading.places.items()}


class _Reading:
    """One pass over stored days: which quarter goes where, which rows count, by which contract."""

    def __init__(self, project: Project, days: Sequence[date], queue: str, *, people: bool = True) -> None:
        self.project, self.queue, self._people = project, queue, people
        self.places: dict[date, tuple[int, int]] = {}
        self.limits: list[tuple[int, str, int]] = []
        """By slot: threshold in seconds, ``<=`` or ``<``, short abandons in seconds."""
        self._slot: dict[bytes, int] = {}
        self._codes: dict[tuple[str, bytes], int] = {}
        self._rows: list[tuple[str, ...]] = []
        self._source_of: list[int] = []
        """By code of a row: its source, as a place among the project's."""
        for day in sorted(days):
            start, end = bounds(project.calendar, day)
            first = len(self.limits)
            contract = project.contract_on(day)
            rule, short = contract.service_level, contract.short_abandon_s
            limits = (rule.within_s, rule.at, short)
            for at in range(start, end, QUARTER_MS):
                self._slot[str(at // MINUTE_MS).encode()] = len(self.limits)
                self.limits.append(limits)
            self.places[day] = (first, len(self.limits))
        self._scopes = WindowSums(project, (), {})

    @property
    def slots(self) -> int:
        return len(self.limits)

    def cells(self, client: Any, sources: Collection[str] | None = None) -> Iterator[tuple[int, int, bytes]]:
        """(slot, code of its row, encoded cell) of every stored cell that counts; those of other projects stay encoded."""
        separator = keys.ROW.encode()
        stored = utc_days(self.project.calendar, self.places)
        for source in self.project.sources:
            if sources is not None and source not in sources:
                continue
            for some in range(0, len(stored), _AT_ONCE):
                with client.pipeline(transaction=False) as pipe:
                    for day in stored[some : some + _AT_ONCE]:
                        pipe.hgetall(keys.quarters(source, day))
                    found = pipe.execute()
                for cells in found:
                    for field, blob in cells.items():
                        at, _, row = field.partition(separator)
                        slot = self._slot.get(at)
                        if slot is None:
                            continue
                        code = self._codes.get((source, row))
                        if code is None:
                            code = self._code(source, row)
                        if code >= 0:
                            yield slot, code, blob

    def _code(self, source: str, row: bytes) -> int:
        scopes = self._scopes.scopes(source, row.decode())
        code = -1
        if (self.queue or PROJECT) in scopes and (self._people or queues_of(row.decode()) is None):
            code = len(self._rows)
            self._rows.append(scopes[1:])
            self._source_of.append(self.project.sources.index(source))
        self._codes[source, row] = code
        return code

    def source_of(self, table: pd.DataFrame) -> np.ndarray:
        """For each row of a table its source, as a place among the project's."""
        return np.asarray(np.array(self._source_of, np.int64)[table["row"].to_numpy()])

    def by_queue(self, table: pd.DataFrame) -> dict[date, dict[str, np.ndarray]]:
        """Each day's sums by queue; people who serve several queues count in each of them."""
        found: dict[date, dict[str, np.ndarray]] = {}
        day_of = np.zeros(self.slots, np.int64)
        days = list(self.places)
        for number, day in enumerate(days):
            start, end = self.places[day]
            day_of[start:end] = number
        sums = table.groupby([day_of[table["slot"].to_numpy()], "row"])[list(COLUMNS)].sum()
        for (number, code), values in zip(sums.index, sums.to_numpy(), strict=True):
            into = found.setdefault(days[number], {})
            for queue in self._rows[code]:
                into[queue] = into[queue] + values if queue in into else values
        return found


def by_interval(quarters: np.ndarray, start: int, cut: Collection[tuple[int, int]]) -> np.ndarray:
    """Quarters from ``start`` on, summed into the intervals of ``cut`` (epoch ms)."""
    edges = [(begin - start) // QUARTER_MS for begin, _ in cut]
    return np.add.reduceat(quarters, edges, axis=0) if len(quarters) else quarters


def begins(client: Any, project: Project, now_ms: int) -> date | None:
    """The first local day on which any counter of the project's sources is stored; None when there is none."""
    first: date | None = None
    today = now_ms - now_ms % DAY_MS
    stored = range(today - KEEP_QUARTERS_MS, today + DAY_MS, DAY_MS)
    for source in project.sources:
        with client.pipeline(transaction=False) as pipe:
            for day in stored:
                pipe.exists(keys.quarters(source, day))
            found = pipe.execute()
        there = next((day for day, exists in zip(stored, found, strict=True) if exists), None)
        if there is None:
            continue
        cells = client.hkeys(keys.quarters(source, there))
        begun = project.calendar.local_date(
            min(int(cell.partition(keys.ROW.encode())[0]) for cell in cells) * MINUTE_MS
        )
        first = begun if first is None else min(first, begun)
    return first
