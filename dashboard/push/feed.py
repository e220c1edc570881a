"""One board's live feed: the newest snapshot and a ring of the last changes, all of it already encoded.

No I/O and no clock. Whoever watches keeps nothing but a place (what was sent last) and asks for what came after
it; so a screen that reads slowly costs no memory, and one that fell out of the ring gets the newest snapshot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from dashboard.push.frames import frame

RING = 256
"""Changes that are kept for whoever reconnects."""

RING_BYTES = 4 * 1024 * 1024
"""And their bytes, at most: a board of many agents may change in large pieces."""

RENEW_BYTES = 64 * 1024
"""Changes of this size (or the snapshot's, if larger) after the kept snapshot make a fresh one worth fetching."""


class Place(NamedTuple):
    """What a screen has: a revision, counted within one unbroken history of the board."""

    history: int
    revision: int


class _Head(msgspec.Struct):
    """What the feed reads of a board or a change; the rest passes through unread."""

    revision: int
    previous: int | None = None
    layout: str | msgspec.UnsetType = msgspec.UNSET


class _Change(NamedTuple):
    previous: int
    revision: int
    bytes: bytes


_head = msgspec.json.Decoder(_Head)

Redact = Callable[[bytes], bytes]


class BoardFeed:
    """The feed of one project's board.

    ``redact`` turns the engine's bytes into those that this feed's watchers may see (identity by default).
    """

    def __init__(self, project: str, redact: Redact | None = None) -> None:
        self.project = project
        self.layout = ""
        self.head: int | None = None
        self._redact = redact
        self._broken = True  # changes may have passed unheard
        self._worn = False  # newcomers need a newer snapshot than the kept one
        self._ahead: int | None = None
        self._history = 0
        self._snapshot = b""
        self._snapshot_revision = -1
        self._since_snapshot = 0
        self._ring: deque[_Change] = deque()
        self._ring_bytes = 0
        self._early: deque[_Change] = deque(maxlen=RING)
        self._joined: dict[Place | None, tuple[bytes, Place] | None] = {}

    @property
    def wants_snapshot(self) -> bool:
        """Whether somebody should read the board from Redis and ``install`` it."""
        return self._broken or self._worn

    def lost(self) -> None:
        """Changes may have passed unheard: go on only after a fresh snapshot. Watchers keep what they have."""
        self._broken = True

    def change(self, raw: bytes) -> bool:
        """Take a published change; True when watchers have something new to fetch.

        One that does not follow what is known waits for a fresh snapshot. Raises ``ValueError`` on anything that is
        not a change.
        """
        head = _head.decode(raw)
        if head.previous is None or head.revision <= head.previous:
            raise ValueError("a change names the earlier revision that it follows")
        change = _Change(head.previous, head.revision, frame("change", self._seen(raw), head.revision))
        if not self._broken and change.previous != self.head:
            self._broken = True
        if self._broken:
            self._early.append(change)
            return False
        if head.layout is not msgspec.UNSET:
            self.layout = head.layout
        self._append(change)
        self._joined.clear()
        return True

    def install(self, raw: bytes) -> None:
        """Take a whole board as read from Redis. Raises ``ValueError`` on anything else.

        After a gap the history starts anew and every watcher is brought to this snapshot: a revision of the same
        number need not be the same board once Redis was restored from an older save. Without a gap it only
        replaces the kept snapshot, for newcomers.
        """
        head = _head.decode(raw)
        if not self._broken and self.head is not None and head.revision > self.head and self._ahead is None:
            self._ahead = head.revision  # read before its change was heard: that is on its way, look again
            self._worn = True
            return
        known = not self._broken and self._knows(head.revision)
        self._snapshot = frame("snapshot", self._seen(raw), head.revision)
        self._snapshot_revision = head.revision
        self._since_snapshot = 0
        self._ahead = None
        if not known:
            self._history += 1
            self._ring.clear()
            self._ring_bytes = 0
            self.head = head.revision
            if head.layout is not msgspec.UNSET:
                self.layout = head.layout
        for change in self._early:
            if change.previous == self.head:
                self._append(change)
        self._early.clear()
        self._broken = self._worn = False
        self._joined.clear()

    def resume(self, revision: int) -> Place | None:
        """The place of a screen that says that it has ``revision``; None when it needs a snapshot.

        Only a revision that this very feed has sent counts.
        """
        known = any(change.revision == revision for change in self._ring)
        return Place(self._history, revision) if known and not self._broken else None

    def after(self, place: Place | None) -> tuple[bytes, Place] | None:
        """What a screen at ``place`` (None: it has nothing) needs, with its new place; None: nothing now.

        Joined once for all screens at one place.
        """
        try:
            return self._joined[place]
        except KeyError:
            found = self._joined[place] = self._after(place)
            return found

    def _after(self, place: Place | None) -> tuple[bytes, Place] | None:
        if self.head is None or (place is None and self._broken):
            return None
        now = Place(self._history, self.head)
        if place == now:
            return None
        if place is not None and place.history == self._history and self._knows(place.revision):
            return self._since(place.revision), now
        if not self._knows(self._snapshot_revision):
            self._worn = True  # the ring has moved past the kept snapshot
            return None
        if self._since_snapshot > max(len(self._snapshot), RENEW_BYTES):
            self._worn = True  # still good, but the next one to come should get less
        return self._snapshot + self._since(self._snapshot_revision), now

    def _knows(self, revision: int) -> bool:
        """Whether the changes from ``revision`` to the head are all in the ring."""
        return revision == self.head or any(change.previous == revision for change in self._ring)

    def _since(self, revision: int) -> bytes:
        return b"".join(change.bytes for change in self._ring if change.previous >= revision)

    def _append(self, change: _Change) -> None:
        self._ring.append(change)
        self._ring_bytes += len(change.bytes)
        self._since_snapshot += len(change.bytes)
        while len(self._ring) > RING or (self._ring_bytes > RING_BYTES and len(self._ring) > 1):
            self._ring_bytes -= len(self._ring.popleft().bytes)
        self.head = change.revision

    def _seen(self, raw: bytes) -> bytes:
        return raw if self._redact is None else self._redact(raw)
