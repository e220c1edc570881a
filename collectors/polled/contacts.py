"""Contacts of an ACD that keeps a log of them, a row each, which fills as they go: what changed between two looks. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from collectors import events as e

Outcome = Literal["", "answered", "abandoned", "timeout", "key", "empty", "callback", "other"]
"""How the wait ended; "" while it goes on."""


@dataclass(frozen=True)
class LoggedContact:
    """One visit of a contact to a queue as the log has it now; times in epoch ms on our clock, None: not yet, or not told.

    ``ended_at``: when the contact was over; of one that was not answered, when it left the queue. ``visit``: what the log's row is known
    by, where one contact may have several.
    """

    queue: str
    contact: str
    entered_at: int
    outcome: Outcome = ""
    answered_at: int | None = None
    ended_at: int | None = None
    agent: str = ""
    caller: str = ""
    caller_name: str = ""
    wait_ms: int | None = None
    talk_ms: int | None = None
    hold_ms: int | None = None
    wrap_ms: int | None = None
    transferred: bool = False

    @property
    def waits(self) -> bool:
        """Neither answered nor gone."""
        return self.outcome == "" and self.ended_at is None


class ContactLog:
    """What was told of each row. A row that is as it was says nothing; told again after a restart, it counts once all the same."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], LoggedContact] = {}

    def changes(self, rows: Iterable[LoggedContact]) -> list[e.AnyEvent]:
        """What these rows tell anew."""
        events: list[e.AnyEvent] = []
        for row in rows:
            key = (row.queue, row.contact)
            before = self._told.get(key)
            if before != row:
                self._told[key] = row
                events += _news(row, before)
        return events

    def waiting(self) -> list[LoggedContact]:
        """Who waits as far as the log tells, the oldest first."""
        return sorted((row for row in self._told.values() if row.waits), key=lambda row: row.entered_at)

    def forget(self, keys: Iterable[tuple[str, str]]) -> None:
        """Rows that will not be looked at again."""
        for key in keys:
            self._told.pop(key, None)

    def keep(self, keys: set[tuple[str, str]]) -> None:
        """Forget all other rows."""
        self.forget([key for key in self._told if key not in keys])

    def waits(self, queue: str, contact: str) -> bool:
        """Whether this one is known, and waits."""
        row = self._told.get((queue, contact))
        return row is not None and row.waits

    def recall(self, row: LoggedContact) -> None:
        """So much of a row was told in an earlier session."""
        self._told[row.queue, row.contact] = row


def _news(row: LoggedContact, before: LoggedContact | None) -> list[e.AnyEvent]:
    queue, contact = row.queue, row.contact
    events: list[e.AnyEvent] = []
    if before is None:
        events.append(e.ContactEntered(row.entered_at, queue, contact, row.caller, row.caller_name))
    if row.outcome == "answered":
        answered_at = row.entered_at if row.answered_at is None else row.answered_at
        if before is None or before.outcome != "answered":
            wait_ms = answered_at - row.entered_at if row.wait_ms is None else row.wait_ms
            events.append(e.ContactAnswered(answered_at, queue, contact, row.agent, max(0, wait_ms)))
        if row.ended_at is not None and (before is None or before.outcome != "answered" or before.ended_at is None):
            events.append(
                e.ContactCompleted(
                    row.ended_at, queue, contact, row.agent,
                    talk_ms=row.talk_ms, hold_ms=row.hold_ms, transferred=row.transferred,
                )
            )  # fmt: skip
    elif row.outcome and (before is None or before.outcome != row.outcome):
        ended_at = row.entered_at if row.ended_at is None else row.ended_at
        wait_ms = max(0, ended_at - row.entered_at if row.wait_ms is None else row.wait_ms)
        if row.outcome == "abandoned":
            events.append(e.ContactAbandoned(ended_at, queue, contact, wait_ms))
        else:
            events.append(e.ContactLeft(ended_at, queue, contact, row.outcome, wait_ms))
    if row.wrap_ms and (before is None or before.wrap_ms is None):
        # Wrap-up is no word about a contact in the vocabulary; said as a report, it counts once by its id.
        at = row.entered_at if row.ended_at is None else row.ended_at
        events.append(e.Reported(at, f"wrap\x1f{queue}\x1f{contact}", queue, {"wrap_ms": row.wrap_ms}))
    return events


def waiting_contacts(rows: Iterable[LoggedContact]) -> list[e.WaitingContact]:
    """As a ``Snapshot`` lists them."""
    return [e.WaitingContact(row.queue, row.contact, row.entered_at, row.caller, row.caller_name) for row in rows]
