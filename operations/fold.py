"""One source, folded: its floor, its counters, its place in the event log, and the transaction that saves them together."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from collectors import events
from collectors.event_log import Entry
from operations.floor.counters import Counters
from operations.floor.floor import VisitKey
from operations.store import floor_store, keys
from operations.store.cells import Cells
from operations.store.leases import Lease, LeaseLost, guarded

log = logging.getLogger(__name__)

Booked = tuple[str, int, Counters]
"""(row, when, difference)."""


class SourceFold:
    """The fold of one source in the process that holds its lease."""

    def __init__(self, client: Any, source: str, lease: Lease, now_ms: int) -> None:
        self._client = client
        self.source = source
        self.lease = lease
        self.floor, self.position, self.found = floor_store.load(client, source)
        self._known_queues = len(self.floor.queues)
        self.cells = Cells(client, source)
        self.cells.load(now_ms)
        self._unsaved_position = False
        self.last_event_at = self.floor.clock
        self.lag_ms = 0
        self.undecodable = 0
        self._behind_since: int | None = now_ms

    def behind_ms(self, now_ms: int) -> int:
        """For how long this fold has been reading what was in the log already, without having come to its end; 0 at the end."""
        return 0 if self._behind_since is None else max(1, now_ms - self._behind_since)

    def take(self, entries: list[Entry], now_ms: int, *, more: bool = False) -> None:
        """Apply new entries of the event log, in order. ``more``: the log may hold further ones already."""
        if not more:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now_ms
        apply = self.floor.apply
        for position, batch in entries:
            try:
                for event in events.decode(batch):
                    apply(event)
            except msgspec.MsgspecError as error:
                # Written by another version, or by a stranger: it can never be read, so it is passed over, aloud.
                self.undecodable += 1
                log.error(
                    "source %s: entry %s of the event log cannot be read and is passed over: %s",
                    self.source,
                    position,
                    error,
                )
            self.position = position
        if entries:
            self._unsaved_position = True
            self.last_event_at = self.floor.clock
            self.lag_ms = max(0, now_ms - int(entries[-1][0].partition("-")[0]))

    def book(self, now_ms: int) -> list[Booked]:
        """Move what the floor booked into the cells; returns the differences, for the windows."""
        return self.cells.add(*self.floor.drain(), now_ms)

    def changed(self) -> tuple[set[str], set[str], set[VisitKey]]:
        """The queues, the agents and the contacts (queue, contact) that changed since the last call."""
        floor = self.floor
        queues, floor.changed_queues = floor.changed_queues, set()
        people, floor.changed_agents = floor.changed_agents, set()
        contacts, floor.changed_contacts = floor.changed_contacts, set()
        return queues, people, contacts

    @property
    def unsaved(self) -> bool:
        """Whether memory is ahead of Redis."""
        floor = self.floor
        return self._unsaved_position or self.cells.dirty or bool(floor.touched_agents or floor.touched_visits)

    def save(self, now_ms: int) -> None:
        """Write what changed and the position, in one transaction under the lease.

        Raises ``LeaseLost`` when another process writes this source by now, and redis errors; after those nothing is forgotten and the
        next call tries again.
        """
        if not self.unsaved:
            return

        def write(pipe: Any) -> None:
            floor_store.write(pipe, self.source, self.floor, self.position, self._known_queues)
            self.cells.write(pipe, now_ms)

        guarded(self._client, self.lease, write)
        floor_store.saved(self.floor)
        self.cells.saved(now_ms)
        self._known_queues = len(self.floor.queues)
        self._unsaved_position = False

    def emptied(self) -> bool:
        """Whether Redis lost what was saved here before (somebody emptied it)."""
        return self.floor.applied > 0 and not self._client.exists(keys.floor_meta(self.source))

    def restore_to_redis(self) -> None:
        """Mark everything that this process still knows as unsaved."""
        floor_store.touch_all(self.floor)
        self.cells.touch_all()
        self._known_queues = -1
        self._unsaved_position = True


__all__ = ["Booked", "LeaseLost", "SourceFold"]
