"""``python app.py import SOURCE FILE…``: months of queue_log into the event log, with progress, in bounded memory."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TextIO

import msgspec

from collectors import event_log
from collectors.collector import CollectorError
from collectors.events import AnyEvent, IntervalTotals
from collectors.queue_log.files import (
    CHUNK,
    COMPRESSED,
    HOUR_MS,
    UNPACKING,
    UNREADABLE,
    first_time,
    head_of,
    open_log,
    trouble,
)
from collectors.queue_log.history import History
from collectors.queue_log.protocol import LineReader

APPEND = 2_000
"""Quarters in one pipeline to Redis."""
FUTURE_MS = 26 * HOUR_MS
"""A line later than this after now is not believed."""


class Progress(msgspec.Struct, frozen=True):
    """How far an import is. Bytes are those on the disk (compressed where the files are)."""

    bytes_done: int
    bytes_total: int
    lines: int
    intervals: int
    seconds: float


OnProgress = Callable[[Progress], None]


class ImportReport(msgspec.Struct, frozen=True):
    """What an import found. ``refused``: lines whose time is in the future or a day before their neighbours'; times in epoch ms."""

    source: str
    files: int
    lines: int
    garbage: int
    too_long: int
    unknown: dict[str, int]
    refused: int
    contacts: int
    intervals: int
    first_ms: int | None
    last_ms: int | None
    seconds: float

    def text(self) -> str:
        """The report for a person, a few lines."""
        if self.first_ms is None or self.last_ms is None:
            return (
                f"{self.source}: no line of a queue_log in {self.files} file(s), {self.garbage} lines of something else"
            )
        rate = self.lines / self.seconds if self.seconds > 0 else 0
        rows = [
            f"{self.source}: {self.lines:,} lines of {self.files} file(s) in {self.seconds:.1f} s ({rate:,.0f} lines/s)",
            f"  from {_moment(self.first_ms)} to {_moment(self.last_ms)}: {self.contacts:,} contacts, {self.intervals:,} queue-quarters",
        ]
        if self.intervals == 0:
            rows.append("  nothing to book: the log does not span one whole quarter of an hour")
        odd = [
            f"{count:,} {what}"
            for count, what in ((self.garbage, "garbage"), (self.too_long, "too long"), (self.refused, "refused"))
            if count
        ]
        if odd:
            rows.append("  left out: " + ", ".join(odd) + " lines")
        if self.unknown:
            rows.append(
                "  not known: " + ", ".join(f"{verb} {count:,}×" for verb, count in sorted(self.unknown.items()))
            )
        return "\n".join(rows)


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def import_history(
    path: Path | Sequence[Path],
    source: str,
    *,
    on_progress: OnProgress | None = None,
    now_ms: int | None = None,
    zone: tzinfo = UTC,
    edges: bool = False,
) -> Iterator[IntervalTotals]:
    """A log, or several in any order, as totals per queue and quarter of an hour; see ``history``. Raises ``CollectorError``."""
    work = _Import(source, path, on_progress, now_ms, zone, edges)
    for handful in work.run():
        yield from handful


async def import_file(
    path: Path | Sequence[Path],
    source: str,
    redis_client: Any,
    *,
    clock: Callable[[], int],
    progress: OnProgress | None = None,
    zone: tzinfo = UTC,
) -> ImportReport:
    """Append the totals of a log to the source's event log, in batches as they come.

    ``path``: one file, several (rotated ones, in any order; ``.gz``, ``.xz`` and ``.bz2`` too), or a directory of them. ``redis_client``: a
    ``redis.asyncio.Redis``. ``clock``: epoch ms. Raises ``CollectorError`` for a file that cannot be read, redis-py's errors for Redis.
    """
    work = _Import(source, path, progress, clock(), zone, edges=False)
    handfuls = work.run()
    waiting: list[AnyEvent] = []
    while True:
        handful = await asyncio.to_thread(next, handfuls, None)
        waiting += handful or []
        while len(waiting) >= APPEND or (handful is None and waiting):
            pipe = redis_client.pipeline(transaction=False)
            event_log.append_commands(pipe, source, waiting[:APPEND], clock())
            await pipe.execute()
            del waiting[:APPEND]
        if handful is None:
            return work.report()


class _Import:
    """One pass over some files."""

    def __init__(
        self,
        source: str,
        path: Path | Sequence[Path],
        on_progress: OnProgress | None,
        now_ms: int | None,
        zone: tzinfo,
        edges: bool,
    ) -> None:
        self._source = source
        self._zone = zone
        self._on_progress = on_progress
        self._reader = LineReader(zone)
        self._history = History(latest_ms=None if now_ms is None else now_ms + FUTURE_MS, edges=edges)
        self._began = time.monotonic()
        self._seconds = 0.0
        self._files = _in_order([path] if isinstance(path, Path) else path, zone)
        self._done = 0
        self._total = sum(size for _, size in self._files)

    def run(self) -> Iterator[list[IntervalTotals]]:
        """The quarters, a list for each stretch of the files (often empty)."""
        for path, size in self._files:
            try:
                yield from self._read(path)
            except OSError as error:
                raise trouble(path, error) from error
            except UNPACKING as error:
                raise CollectorError(
                    f"queue_log {path} is damaged or cut: {error}. Unpack what can be saved and import that",
                    permanent=True,
                ) from error
            self._done += size
        yield list(self._history.take(self._reader.finish())) + list(self._history.finish())
        self._say(0)

    def _read(self, path: Path) -> Iterator[list[IntervalTotals]]:
        with path.open("rb") as on_disk, open_log(path, on_disk) as file:
            while data := file.read(CHUNK):
                yield list(self._history.take(self._reader.feed(data)))
                self._say(on_disk.tell())

    def _say(self, within: int) -> None:
        self._seconds = time.monotonic() - self._began
        if self._on_progress is not None:
            done = min(self._done + within, self._total)
            self._on_progress(Progress(done, self._total, self._reader.lines, self._history.intervals, self._seconds))

    def report(self) -> ImportReport:
        reader, history = self._reader, self._history
        return ImportReport(
            source=self._source,
            files=len(self._files),
            lines=reader.lines,
            garbage=reader.garbage,
            too_long=reader.too_long,
            unknown=dict(reader.unknown),
            refused=history.refused,
            contacts=history.contacts,
            intervals=history.intervals,
            first_ms=history.first_ms,
            last_ms=history.last_ms,
            seconds=self._seconds,
        )


def _in_order(paths: Iterable[Path], zone: tzinfo) -> list[tuple[Path, int]]:
    """The files by their first line's time, each with its size on disk, a copy of another one left out.

    A directory stands for the logs in it.
    """
    rows: list[tuple[int, bool, Path, int]] = []
    heads: dict[Path, bytes] = {}
    for given in paths:
        try:
            for path in sorted(entry for entry in given.iterdir() if entry.is_file()) if given.is_dir() else [given]:
                packed = path.name.endswith(UNREADABLE)
                if packed and not path.name.endswith(COMPRESSED):
                    raise CollectorError(
                        f"{path}: this packing is not known; unpack it, or give .gz, .xz or .bz2", permanent=True
                    )
                first = first_time(path, zone)
                if first is not None or path == given:
                    heads[path] = head_of(path)
                    rows.append((first or 0, packed, path, path.stat().st_size))
        except OSError as error:
            raise trouble(given, error) from error
        except UNPACKING as error:
            raise CollectorError(f"queue_log {path} is damaged: {error}", permanent=True) from error
    if not rows:
        raise CollectorError("nothing to import: no queue_log in that directory", permanent=True)
    found: dict[bytes, tuple[Path, int]] = {}
    for _, _, path, size in sorted(rows):
        found.setdefault(heads[path], (path, size))
    return list(found.values())


class ProgressLine:
    """Shows an import's progress: a bar on a terminal, else a line each 5 s."""

    def __init__(self, stream: TextIO, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._terminal = stream.isatty()
        self._said_at: float | None = None

    def __call__(self, progress: Progress) -> None:
        now = self._monotonic()
        over = progress.bytes_done >= progress.bytes_total
        pause = 0.1 if self._terminal else 5.0
        if self._said_at is not None and now - self._said_at < pause and not (over and self._terminal):
            return
        self._said_at = now
        text = progress_text(progress, shutil.get_terminal_size().columns if self._terminal else 0)
        self._stream.write(f"\r{text}\x1b[K" if self._terminal else f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """End the bar's line."""
        if self._terminal and self._said_at is not None:
            self._stream.write("\n")
            self._stream.flush()


def progress_text(progress: Progress, columns: int) -> str:
    """``[#####.....]  52 %  1,234,567 lines  230,000/s  0:07 left``; the bar only where there are ``columns`` for it."""
    share = progress.bytes_done / progress.bytes_total if progress.bytes_total else 1.0
    rate = progress.lines / progress.seconds if progress.seconds > 0 else 0.0
    left = progress.seconds * (1 - share) / share if share > 0 else 0.0
    minutes, seconds = divmod(round(left), 60)
    text = f"{share:4.0%}  {progress.lines:,} lines  {rate:,.0f}/s  {minutes}:{seconds:02} left"
    width = min(40, columns - len(text) - 4)
    if width < 5:
        return text
    full = round(share * width)
    return f"[{'#' * full}{'.' * (width - full)}] {text}"
