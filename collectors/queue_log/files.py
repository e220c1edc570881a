"""A queue_log and the older files that rotation made of it: which there are, and where in them a moment lies."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from collectors.collector import CollectorError
from collectors.queue_log.protocol import Line, LineReader, parse_time

COMPRESSED = (".gz", ".xz", ".bz2")
UNREADABLE = (*COMPRESSED, ".zst", ".lz4", ".zip", ".lzma", ".Z", ".7z")
CHUNK = 256 * 1024
HOUR_MS = 3600 * 1000
_HEAD = 256
_REACH = 1024 * 1024
UNPACKING = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)
"""What a damaged or cut compressed file raises besides OSError."""


class Place(msgspec.Struct, frozen=True):
    """A byte in a file."""

    path: Path
    offset: int


def open_log(path: Path, on_disk: IO[bytes] | None = None) -> IO[bytes]:
    """A log for reading, whatever it is compressed with; from ``on_disk``, the file opened, if given. Raises OSError."""
    opened: Any = path if on_disk is None else on_disk  # given a path, they close it themselves
    unpackers: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
    if path.suffix in unpackers:
        return cast(IO[bytes], unpackers[path.suffix](opened, "rb"))
    return path.open("rb") if on_disk is None else on_disk


def trouble(path: Path, error: OSError) -> CollectorError:
    """An operating system's error as what is wrong and what to do."""
    where = f"queue_log {path}"
    if isinstance(error, FileNotFoundError):
        return CollectorError(
            f"{where} does not exist. Asterisk creates it at its first queue event: check the path, and queue_log = yes in logger.conf"
        )
    if isinstance(error, IsADirectoryError):
        return CollectorError(
            f"{where} is a directory; give the file in it, usually {path / 'queue_log'}", permanent=True
        )
    if isinstance(error, NotADirectoryError):
        return CollectorError(
            f"{where}: something on that path is a file, not a directory; check the path", permanent=True
        )
    if isinstance(error, PermissionError):
        return CollectorError(
            f"{where} may not be read by this user; give it the right to read the file and its directory, "
            "for example by adding it to the group asterisk",
            permanent=True,
        )
    return CollectorError(f"{where} cannot be read: {error.strerror or type(error).__name__}")


def family(live: Path, zone: tzinfo = UTC, *, compressed: bool = False) -> list[Path]:
    """The live file and its rotated elders, oldest first, the live one last (if it exists).

    Elders are ``NAME.…`` and ``NAME-…`` beside it. A copy of another one (same beginning) is left out. Raises OSError.
    """
    elders: list[tuple[int, float, Path]] = []
    heads: set[bytes] = set()
    exists = live.exists()
    if exists and (head := head_of(live)):
        heads.add(head)
    for entry in sorted(live.parent.iterdir()):
        name = entry.name
        if not name.startswith((live.name + ".", live.name + "-")) or not entry.is_file():
            continue
        if name.endswith(UNREADABLE) and not (compressed and name.endswith(COMPRESSED)):
            continue
        try:
            head = head_of(entry)
            modified = entry.stat().st_mtime
        except (OSError, *UNPACKING):
            continue  # gone since the listing, or not readable: not ours to follow
        first = _first_time(head, zone)
        if first is None or head in heads:
            continue
        heads.add(head)
        elders.append((first, modified, entry))
    return [path for _, _, path in sorted(elders)] + ([live] if exists else [])


def head_of(path: Path) -> bytes:
    """How a log begins: by it a copy is known. Raises OSError, and ``UNPACKING`` for a damaged file."""
    with open_log(path) as file:
        return file.read(_HEAD)


def first_time(path: Path, zone: tzinfo = UTC) -> int | None:
    """The time of a log's first line, epoch ms as written; None when it does not begin like a log."""
    return _first_time(head_of(path), zone)


def _first_time(head: bytes, zone: tzinfo) -> int | None:
    for raw in head.split(b"\n"):
        time = parse_time(raw.partition(b"|")[0].decode("latin-1"), zone)
        if time is not None:
            return time[0]
    return None


def place_in(path: Path, from_ms: int, zone: tzinfo = UTC) -> Place:
    """Where in a plain file the first line of ``from_ms`` or later begins (its end if there is none), by bisection.

    Exact while the PBX's clock ran forward; one that was set back may put the place earlier or later. Raises OSError.
    """
    with path.open("rb") as file:
        low, high = 0, os.fstat(file.fileno()).st_size
        while low < high:
            middle = (low + high) // 2
            _, time = _line_from(file, middle, zone)
            if time is None or time >= from_ms:
                high = middle
            else:
                low = middle + 1
        return Place(path, _line_from(file, low, zone)[0])


def _line_from(file: IO[bytes], offset: int, zone: tzinfo) -> tuple[int, int | None]:
    """The first line with a time that begins at ``offset`` or later: where, and its time; None when there is none within reach."""
    file.seek(max(0, offset - 1))
    at = file.tell()
    if offset > 0:
        at += len(file.readline(_REACH))
    limit = at + _REACH
    while at < limit:
        raw = file.readline(_REACH)
        if not raw:
            break
        time = parse_time(raw[:40].partition(b"|")[0].decode("latin-1"), zone)
        if time is not None:
            return at, time[0]
        at += len(raw)
    return at, None


def lines_since(
    live: Path, from_ms: int, zone: tzinfo = UTC, *, upto: Place | None = None, compressed: bool = False
) -> Iterator[list[Line]]:
    """Lines of the live file and its elders from ``from_ms`` on, in order, in handfuls; up to a place when one is given.

    Reads no elder that ended before ``from_ms``. Raises OSError.
    """
    reader = LineReader(zone)
    members = family(live, zone, compressed=compressed)
    if upto is not None and upto.path in members:
        members = members[: members.index(upto.path) + 1]
    firsts = [_first_time(head_of(path), zone) for path in members]
    for number, path in enumerate(members):
        follower = next((first for first in firsts[number + 1 :] if first is not None), None)
        if follower is not None and follower < from_ms:
            continue  # the next file begins before the time asked for, so this one has nothing of it
        end = upto.offset if upto is not None and path == upto.path else None
        yield from _read(path, from_ms, zone, end, reader)


def _read(path: Path, from_ms: int, zone: tzinfo, end: int | None, reader: LineReader) -> Iterator[list[Line]]:
    plain = path.suffix not in COMPRESSED
    at = place_in(path, from_ms, zone).offset if plain else 0
    with open_log(path) as file:
        file.seek(at)
        while end is None or at < end:
            data = file.read(CHUNK if end is None else min(CHUNK, end - at))
            if not data:
                break
            at += len(data)
            lines = reader.feed(data)
            yield lines if plain else [line for line in lines if line.ms >= from_ms]
    yield reader.finish()


def last_time(members: list[Path], zone: tzinfo = UTC) -> int | None:
    """The time of the newest line, epoch ms as written; None when there is none. Raises OSError."""
    for path in reversed(members):
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for reach in (4 * 1024, _REACH):
                file.seek(max(0, size - reach))
                times = (
                    parse_time(raw[:40].partition(b"|")[0].decode("latin-1"), zone)
                    for raw in file.read(reach).split(b"\n")
                )
                known = [time[0] for time in times if time is not None]
                if known:
                    return known[-1]
    return None
