"""Where counters are kept: a cell per row and minute for three days, a cell per row and quarter of an hour for 25 months.

Quarters of an hour in UTC serve intervals of 15 and 30 min and days in every time zone, since every zone's offset is a multiple
of 15 min. Cells are written whole, never incremented, so a write that happens twice does no harm.

``Cells`` holds the recent ones of one source in memory (its process is their only writer) and reads older ones on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from operations.floor.counters import DAY_MS, MINUTE_MS, QUARTER_MS, Counters
from operations.store import keys

KEEP_MINUTES_MS = 3 * DAY_MS
KEEP_QUARTERS_MS = 775 * DAY_MS
"""25 months."""

RECENT_MINUTES_MS = 3 * 3600 * 1000
"""Longer than the longest window that rolls by the minute."""
RECENT_QUARTERS_MS = 26 * 3600 * 1000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Counters).decode

CellKey = tuple[str, int]
"""(row, start of the minute or quarter in epoch ms)."""


def _field(row: str, start: int) -> str:
    return f"{start // MINUTE_MS}{keys.ROW}{row}"


def _unfield(field: bytes) -> CellKey:
    start, _, row = field.decode().partition(keys.ROW)
    return row, int(start) * MINUTE_MS


def read_quarters(
    client: Any, source: str, start: int, end: int, wanted: Callable[[str], object] | None = None
) -> Iterator[tuple[CellKey, Counters]]:
    """Every stored quarter cell that begins in [start, end), day by day. ``client``: bytes responses.

    ``wanted``: true for the rows to read; the others stay encoded, which is most of the work saved.
    """
    day = start - start % DAY_MS
    while day < end:
        for field, blob in client.hgetall(keys.quarters(source, day)).items():
            key = _unfield(field)
            if start <= key[1] < end and (wanted is None or wanted(key[0])):
                yield key, _decode(blob)
        day += DAY_MS


class Cells:
    """The counters of one source, as its one writer sees them."""

    def __init__(self, client: Any, source: str) -> None:
        self._client = client
        self.source = source
        self.minutes: dict[int, dict[str, Counters]] = {}
        """By start, then row: windows that roll take whole minutes in and give them back."""
        self.quarters: dict[CellKey, Counters] = {}
        self._dirty_minutes: set[CellKey] = set()
        self._dirty_quarters: set[CellKey] = set()
        self._minutes_from = 0
        self._quarters_from = 0
        self._days: dict[int, dict[str, bytes]] = {}
        """Sums of past days as they are stored: months of them decoded would be most of this process's memory."""

    def load(self, now_ms: int) -> None:
        """Read the recent cells."""
        self._minutes_from = now_ms - now_ms % 3_600_000 - RECENT_MINUTES_MS
        for hour in range(self._minutes_from, now_ms + 3_600_000, 3_600_000):
            for field, blob in self._client.hgetall(keys.minutes(self.source, hour)).items():
                row, start = _unfield(field)
                self.minutes.setdefault(start, {})[row] = _decode(blob)
        self._quarters_from = now_ms - now_ms % DAY_MS - DAY_MS
        self.quarters = dict(read_quarters(self._client, self.source, self._quarters_from, now_ms + DAY_MS))

    # ── booking ───────────────────────────────────────────────────────────────────────────────────

    def add(
        self, delta: dict[CellKey, Counters], replaced: dict[CellKey, Counters], now_ms: int
    ) -> list[tuple[str, int, Counters]]:
        """Take over what the floor booked. Returns what changed as (row, when, difference)."""
        changes: list[tuple[str, int, Counters]] = []
        self._fetch_old({*((row, minute - minute % QUARTER_MS) for row, minute in delta), *replaced})
        for (row, minute), change in delta.items():
            if not change:
                continue
            quarter = (row, minute - minute % QUARTER_MS)
            cell = self._quarter(quarter)
            if cell.imported:
                continue  # the ACD's log has told of it already: a live word would count it twice
            if minute >= now_ms - KEEP_MINUTES_MS:
                self._minute((row, minute)).add(change)
                self._dirty_minutes.add((row, minute))
            cell.add(change)
            self._dirty_quarters.add(quarter)
            changes.append((row, minute, change))
        for key, whole in replaced.items():
            before = self._quarter(key)
            change = whole.copy()
            change.add(before, -1)
            if not change and before.imported:
                continue
            self.quarters[key] = whole.copy()
            self.quarters[key].imported = True
            self._dirty_quarters.add(key)
            if change:
                changes.append((*key, change))
        return changes

    def _fetch_old(self, wanted: set[CellKey]) -> None:
        """Read quarter cells that are no longer in memory, all in one go: an import touches thousands."""
        missing = [key for key in wanted if key[1] < self._quarters_from and key not in self.quarters]
        if not missing:
            return
        with self._client.pipeline(transaction=False) as pipe:
            for key in missing:
                pipe.hget(keys.quarters(self.source, key[1]), _field(*key))
            found = pipe.execute()
        for key, blob in zip(missing, found, strict=True):
            self.quarters[key] = _decode(blob) if blob else Counters({}, {}, {})

    def _minute(self, key: CellKey) -> Counters:
        row, start = key
        rows = self.minutes.get(start)
        if rows is None:
            rows = self.minutes[start] = {}
        cell = rows.get(row)
        if cell is None:
            blob = None
            if start < self._minutes_from:
                blob = self._client.hget(keys.minutes(self.source, start), _field(row, start))
            cell = rows[row] = _decode(blob) if blob else Counters({}, {}, {})
        return cell

    def _quarter(self, key: CellKey) -> Counters:
        cell = self.quarters.get(key)
        if cell is None:
            cell = self.quarters[key] = Counters({}, {}, {})
        return cell

    # ── saving ────────────────────────────────────────────────────────────────────────────────────

    @property
    def dirty(self) -> bool:
        return bool(self._dirty_minutes or self._dirty_quarters)

    def write(self, pipe: Any, now_ms: int) -> None:
        """Put every changed cell on a transaction's pipeline. Call ``saved`` once it went through."""
        by_key: dict[str, dict[str, bytes]] = {}
        for key in self._dirty_minutes:
            by_key.setdefault(keys.minutes(self.source, key[1]), {})[_field(*key)] = _encode(
                self.minutes[key[1]][key[0]]
            )
        hours = list(by_key)
        for key in self._dirty_quarters:
            by_key.setdefault(keys.quarters(self.source, key[1]), {})[_field(*key)] = _encode(self.quarters[key])
        for name, fields in by_key.items():
            pipe.hset(name, mapping=fields)
        for name in hours:
            pipe.pexpire(name, KEEP_MINUTES_MS + 3_600_000)
        today = now_ms - now_ms % DAY_MS
        for day in {start - start % DAY_MS for _, start in self._dirty_quarters}:
            pipe.pexpireat(keys.quarters(self.source, day), max(day, today) + KEEP_QUARTERS_MS)
            pipe.hincrby(keys.day_revisions(self.source), str(day // DAY_MS), 1)
            if day < today:
                pipe.delete(keys.day_sums(self.source, day))
        if self._dirty_quarters:
            pipe.incr(keys.revision(self.source))

    def saved(self, now_ms: int) -> None:
        """What was changed is in Redis now; forget what is no longer recent."""
        for day in {start - start % DAY_MS for _, start in self._dirty_quarters}:
            self._days.pop(day, None)
        self._dirty_minutes.clear()
        self._dirty_quarters.clear()
        if now_ms - RECENT_MINUTES_MS > self._minutes_from + 3_600_000:
            self._minutes_from = now_ms - now_ms % MINUTE_MS - RECENT_MINUTES_MS
            self.minutes = {start: rows for start, rows in self.minutes.items() if start >= self._minutes_from}
        if now_ms - RECENT_QUARTERS_MS > self._quarters_from + 3_600_000:
            self._quarters_from = now_ms - now_ms % QUARTER_MS - RECENT_QUARTERS_MS
            self.quarters = {key: cell for key, cell in self.quarters.items() if key[1] >= self._quarters_from}

    def touch_all(self) -> None:
        """Mark all that is remembered as unsaved: Redis lost it."""
        self._dirty_minutes.update((row, start) for start, rows in self.minutes.items() for row in rows)
        self._dirty_quarters.update(self.quarters)

    # ── reading back ──────────────────────────────────────────────────────────────────────────────

    def begins(self, start: int, now_ms: int) -> int | None:
        """When the first cell in [start, now) begins; None when there is none."""
        for day in range(start - start % DAY_MS, now_ms, DAY_MS):
            if day >= self._quarters_from or self._client.exists(keys.quarters(self.source, day)):
                found = [at for _, at in self._quarters_of(day) if at >= start]
                if found:
                    return min(found)
        return None

    def minute(self, at: int) -> dict[str, Counters]:
        """The recent cells of one minute by row."""
        return self.minutes.get(at, {})

    def sums(
        self, start: int, end: int, now_ms: int, wanted: Callable[[str], object] | None = None
    ) -> dict[str, Counters]:
        """Every row's sum over [start, end), both multiples of 15 min. ``wanted``: true for the rows to sum, all by default."""
        result: dict[str, Counters] = {}
        today = now_ms - now_ms % DAY_MS
        start = max(start, today - KEEP_QUARTERS_MS)
        day = start - start % DAY_MS
        while day < end and day <= today + DAY_MS:
            if start <= day and day + DAY_MS <= end and day < today:
                for row, blob in self._day_sums(day).items():
                    if wanted is None or wanted(row):
                        result.setdefault(row, Counters({}, {}, {})).add(_decode(blob))
            else:
                for (row, at), cell in self._quarters_of(day).items():
                    if start <= at < end and (wanted is None or wanted(row)):
                        result.setdefault(row, Counters({}, {}, {})).add(cell)
            day += DAY_MS
        return result

    def _quarters_of(self, day: int) -> dict[CellKey, Counters]:
        cells: dict[CellKey, Counters] = {}
        if day < self._quarters_from:
            cells.update(read_quarters(self._client, self.source, day, day + DAY_MS))
        cells.update((key, cell) for key, cell in self.quarters.items() if day <= key[1] < day + DAY_MS)
        return cells

    def _day_sums(self, day: int) -> dict[str, bytes]:
        """A past day's sums by row, encoded."""
        unsaved = any(day <= start < day + DAY_MS for _, start in self._dirty_quarters)
        rows = None if unsaved else self._days.get(day)
        if rows is not None:
            return rows
        name = keys.day_sums(self.source, day)
        stored = {} if unsaved else self._client.hgetall(name)
        if stored:
            rows = {field.decode(): blob for field, blob in stored.items()}
        else:
            summed: dict[str, Counters] = {}
            for (row, _), cell in self._quarters_of(day).items():
                summed.setdefault(row, Counters({}, {}, {})).add(cell)
            rows = {row: _encode(cell) for row, cell in summed.items()}
            if rows and not unsaved:
                with self._client.pipeline(transaction=True) as pipe:
                    pipe.hset(name, mapping=rows)
                    pipe.pexpireat(name, day + KEEP_QUARTERS_MS)
                    pipe.execute()
        if not unsaved:
            if len(self._days) > 70:
                self._days.pop(next(iter(self._days)))
            self._days[day] = rows
        return rows
