"""Follow a growing file through everything that log rotation does to it. File I/O, no clock, no events.

Known ways: rename and create (Asterisk's own ``logger rotate``, logrotate), copy and truncate (logrotate's ``copytruncate``), plain truncation,
and the moment between in which there is no file. Lines that fell between the last look and the rotation are read from the elder file.

A place in the file is recognised again by the bytes before it, not by the inode alone: inodes are used again, and a copy has another one.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, tzinfo
from pathlib import Path

import msgspec

from collectors.queue_log.files import CHUNK, Place, family

MARK = 128
"""Bytes before a place by which it is known again."""


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a log has been told, to be continued after a restart. ``mark``: the bytes before ``offset``.

    ``skew_ms``: what was added to the PBX's clock then.
    """

    inode: int
    offset: int
    mark: bytes
    skew_ms: int = 0

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, value: bytes | None) -> Position | None:
        """None when there is none, or none that this version wrote."""
        if value is None:
            return None
        try:
            position = msgspec.json.decode(value, type=cls)
        except (msgspec.DecodeError, ValueError):
            return None
        return position if position.offset >= 0 else None


class Piece(msgspec.Struct, frozen=True):
    """What one look found. ``data``: the next bytes. ``ended``: the file that the bytes so far came from is over, what
    follows is another file. ``cut``: it was truncated, so a partial line will never be completed. ``caught_up``: there is no more now.
    ``missing``: there is no file under the live name."""

    data: bytes = b""
    ended: bool = False
    cut: bool = False
    caught_up: bool = False
    missing: bool = False


class Tail:
    """Reads on from a place in the live file or one of its elders. Every method may raise OSError."""

    def __init__(self, live: Path, start: Place, zone: tzinfo = UTC) -> None:
        self._live = live
        self._zone = zone
        self._fd = -1
        # A session that is cancelled closes while a look may still go on in its thread.
        self._closing = threading.Lock()
        self.rotations = 0
        self._open(start.path, start.offset)

    def read(self) -> Piece:
        """The next bytes, or what became of the file."""
        with self._closing:
            return self._read()

    def _read(self) -> Piece:
        live = self._live_identity()  # before reading: what was written before a rotation is read before it is noticed
        data = os.pread(self._fd, len(self._mark) + CHUNK, self._offset - len(self._mark))
        if data[: len(self._mark)] != self._mark:
            return self._truncated()
        data = data[len(self._mark) :]
        if data:
            self._advance(data)
            return Piece(data, missing=live is None)
        if live is None or live == self._identity:
            return Piece(caught_up=True, missing=live is None)
        try:
            self._open_next()
        except FileNotFoundError:  # renamed once more since we looked
            return Piece(caught_up=True)
        self.rotations += 1
        return Piece(ended=True)

    def position(self, pending: int, skew_ms: int) -> Position:
        """Where we are, less a partial line of ``pending`` bytes."""
        offset = max(0, self._offset - pending)
        length = min(MARK, offset)
        with self._closing:
            return Position(self._identity[1], offset, os.pread(self._fd, length, offset - length), skew_ms)

    def close(self) -> None:
        """Give the file back; a look that still goes on is waited for, but not for ever: a disk that hangs keeps the file."""
        if self._closing.acquire(timeout=1.0):
            try:
                self._close()
            finally:
                self._closing.release()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _live_identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._live)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _open(self, path: Path, offset: int) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._close()
        self._fd = fd
        status = os.fstat(fd)
        self._identity = (status.st_dev, status.st_ino)
        self._offset = offset
        length = min(MARK, offset)
        self._mark = os.pread(fd, length, offset - length)
        if len(self._mark) < length:  # shorter than the place in it that was found: it has just been changed
            self._offset, self._mark = 0, b""

    def holds(self, path: Path) -> bool:
        """Whether the file that is open lies under this name."""
        return _identity(path) == self._identity

    def _advance(self, data: bytes) -> None:
        self._offset += len(data)
        self._mark = (self._mark + data)[-MARK:]

    def _open_next(self) -> None:
        """The file that came after this one: an elder that is younger than it, else the live one."""
        members = family(self._live, self._zone)
        ours = next((n for n, path in enumerate(members) if _identity(path) == self._identity), None)
        following = members[ours + 1 :] if ours is not None else members[-1:]
        self._open(following[0] if following else self._live, 0)

    def _truncated(self) -> Piece:
        """The file no longer holds what we read of it. A fresh copy may hold what we did not read in time."""
        self.rotations += 1
        sought = Position(0, self._offset, self._mark)
        copy = find(sought, [path for path in family(self._live, self._zone) if path != self._live])
        if copy is not None:
            self._open(copy.path, copy.offset)
            return Piece()
        self._offset, self._mark = 0, b""
        return Piece(ended=True, cut=True)


def find(position: Position, members: list[Path]) -> Place | None:
    """The file among ``members`` in which the position lies: the one with its inode first, then any with the same bytes before it."""
    candidates = sorted(members, key=lambda path: _identity(path)[1] != position.inode)
    for path in candidates:
        if not position.mark:
            if _identity(path)[1] == position.inode:
                return Place(path, 0)
            continue
        try:
            with path.open("rb") as file:
                file.seek(position.offset - len(position.mark))
                if file.read(len(position.mark)) == position.mark:
                    return Place(path, position.offset)
        except OSError:
            continue
    return None


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_dev, status.st_ino
