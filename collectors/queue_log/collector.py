"""The collector for a queue_log file: what happened since, who waits and talks now, then every line as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field

from collectors.collector import FLOOR, CollectorError, Fact, Link, SourceSettings, TimeZoneName
from collectors.events import AnyEvent
from collectors.queue_log.backfill import first_told
from collectors.queue_log.files import CHUNK, HOUR_MS, Place, family, last_time, lines_since, place_in, trouble
from collectors.queue_log.protocol import Line, LineReader
from collectors.queue_log.skew import TOLERANCE_MS, SkewMeter
from collectors.queue_log.tail import Piece, Position, Tail, find
from collectors.queue_log.translate import Translator

POLL_S = 0.2
PRIME_MS = 3 * 24 * HOUR_MS
"""What is read before that in silence, to know who serves which queue and who is paused."""
MISSING_S = 10.0
"""Rotation leaves no file for a moment; longer than this is an error."""
MEMORY = "queue_log.position"


class QueueLogSettings(SourceSettings):
    """A source of kind ``queue_log``."""

    kind: str = "queue_log"
    path: Path
    """The file that Asterisk writes, usually ``/var/log/asterisk/queue_log``."""
    time_zone: TimeZoneName = Field(default="UTC")
    """The PBX's zone; only for logs whose times are dates (Asterisk's realtime engine)."""


class QueueLogCollector:
    """Follows one file. A session ends when the file stays away or may not be read."""

    kind: ClassVar[str] = "queue_log"
    Settings: ClassVar[type[SourceSettings]] = QueueLogSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR - {"hold", "wrap", "ringing_now", "wrap_up_now"}

    def __init__(self, source: str, settings: Any, *, missing_s: float = MISSING_S) -> None:
        self.source = source
        self._missing_s = missing_s
        self._path: Path = settings.path
        self._zone = ZoneInfo(settings.time_zone)

    async def run(self, link: Link) -> None:
        """Tell what the log says until cancelled. Raises ``CollectorError``."""
        try:
            async with self._session(link) as session:
                await session.catch_up()
                await session.follow()
        except OSError as error:
            raise trouble(self._path, error) from error

    @asynccontextmanager
    async def _session(self, link: Link) -> AsyncIterator[_Session]:
        session = _Session(self._path, self._zone, link, self._missing_s)
        try:
            await session.begin(Position.decode(await link.recall(MEMORY)))
            yield session
        finally:
            session.close()


class _Session:
    """One run over the file: where we are in it, what is open, and how wrong the PBX's clock is."""

    def __init__(self, path: Path, zone: ZoneInfo, link: Link, missing_s: float) -> None:
        self._path = path
        self._zone = zone
        self._link = link
        self._reader = LineReader(zone)
        self._translator = Translator()
        self._skew = SkewMeter()
        self._tail: Tail | None = None
        self._patience_s = missing_s
        self._missing_s = 0.0
        self._ended = False
        self._first_at: int | None = None
        """Where the telling begins when nothing was told before, epoch ms on our clock."""

    async def begin(self, position: Position | None) -> None:
        """Find the place to tell on from, and read what lies before it in silence."""
        await asyncio.to_thread(self._begin, position, self._link.now_ms())

    def _begin(self, position: Position | None, now_ms: int) -> None:
        if self._path.exists() and not (self._path.is_file() or self._path.is_dir()):
            raise CollectorError(
                f"queue_log {self._path} is no plain file; give the file that Asterisk writes", permanent=True
            )
        with self._path.open("rb"):
            pass  # an error that says more than a stat's
        members = family(self._path, self._zone)
        latest = last_time(members, self._zone)
        start = find(position, members) if position is not None else None
        if position is not None:
            self._skew = SkewMeter(position.skew_ms)
            if start is None:
                self._link.note(
                    warning="the place reached before was not found in the log or its rotated files; read back by time"
                )
        elif latest is not None and latest > now_ms + TOLERANCE_MS:
            # At least so far is the PBX's clock ahead; live lines will tell exactly.
            self._skew = SkewMeter(now_ms - latest)
        clock_now = now_ms - self._skew.skew_ms
        if start is None:
            from_ms = first_told(clock_now)
            start = self._place_at(members, from_ms)
            self._first_at = from_ms + self._skew.skew_ms
        self._tail = Tail(self._path, start, self._zone)
        for lines in lines_since(self._path, first_told(clock_now) - PRIME_MS, self._zone, upto=start):
            for line in lines:
                self._translator.translate(line, self._skew.skew_ms)
        if not self._tail.holds(start.path):
            raise CollectorError(f"queue_log {self._path} was rotated while it was read; reading it again")
        if self._ended:
            self._tail.close()
        self._link.note(clock_skew_ms=self._skew.skew_ms)

    def _place_at(self, members: list[Path], from_ms: int) -> Place:
        for path in members[:-1]:
            place = place_in(path, from_ms, self._zone)
            if place.offset < path.stat().st_size:
                return place
        return place_in(members[-1], from_ms, self._zone)

    async def catch_up(self) -> None:
        """Tell everything up to the end of the file, then the state as it is now."""
        if self._first_at is not None and self._translator.last_at is not None:
            # what was read in silence: who served which queue when the telling begins
            await self._link.emit([self._translator.snapshot(self._first_at, unwatched_since=None)])
        while not await self._look(live=False):
            pass
        now = self._link.now_ms()
        await self._link.emit([self._translator.snapshot(now, unwatched_since=self._link.unwatched_since)])
        await self._keep_place()
        self._link.connected(f"following {self._path}")

    async def follow(self) -> None:
        """Tell every line as it is written. Returns never."""
        live = True
        while True:
            if await self._look(live=live):
                await asyncio.sleep(POLL_S)
                live = True
            else:
                live = False  # more was there than one look takes, or a file was changed: not written just now

    async def _look(self, *, live: bool) -> bool:
        """One look at the file; True when there is no more for now. ``live``: what is new was written since the last look."""
        tail = self._tail
        assert tail is not None
        piece = await asyncio.to_thread(tail.read)
        self._see_presence(piece)
        if piece.cut:
            self._reader.forget()
        lines = self._reader.finish() if piece.ended else self._reader.feed(piece.data)
        if lines:
            if live and len(piece.data) < CHUNK:
                self._measure(lines[-1])
            await self._tell(lines)
        if piece.data or piece.ended:
            await self._keep_place()
            self._note()
        return piece.caught_up or (live and bool(piece.data) and len(piece.data) < CHUNK)

    async def _tell(self, lines: list[Line]) -> None:
        events: list[AnyEvent] = []
        for line in lines:
            events += self._translator.translate(line, self._skew.skew_ms)
        if events:
            await self._link.emit(events)

    def _measure(self, line: Line) -> None:
        if self._skew.observe(self._link.now_ms(), line.ms):
            self._link.note(clock_skew_ms=self._skew.skew_ms)

    async def _keep_place(self) -> None:
        tail = self._tail
        assert tail is not None
        position = await asyncio.to_thread(tail.position, self._reader.pending, self._skew.skew_ms)
        await self._link.remember(MEMORY, position.encode())

    def _see_presence(self, piece: Piece) -> None:
        """The source lives while the file can be seen; nothing else tells that a silent log is not a dead one."""
        if not piece.missing:
            self._missing_s = 0.0
            self._link.heard()
            return
        self._missing_s += POLL_S
        if self._missing_s > self._patience_s:
            raise FileNotFoundError(str(self._path))

    def _note(self) -> None:
        reader, tail = self._reader, self._tail
        assert tail is not None
        facts: dict[str, Any] = {"received": reader.lines, "garbage": reader.garbage, "rotations": tail.rotations}
        if reader.too_long:
            facts["too_long"] = reader.too_long
        if reader.unknown:
            facts["unknown"] = dict(reader.unknown)
        self._link.note(**facts)

    def close(self) -> None:
        """Give the file back, also the one that ``begin`` may still be opening in its thread."""
        self._ended = True
        if self._tail is not None:
            self._tail.close()
