"""What was said of one contact in one queue, and the visits that follow from it.

Every word is kept (``History.words``), in the order of the times that the words tell. The visits are a pure function of that *set* of
words: ``take`` goes on from the last word when the next one is later, and works the visits out anew when a word comes late. A word that
is known already says nothing. So neither repetition nor order of arrival can change a number, and a log of the ACD that is read hours
later puts right what the live feed could not see.

``operations.floor.transitions`` says what each word does to the visits.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

OUTCOME_RANK = {
    "": 0,
    "lost_sight": 1,
    "abandoned": 2,
    "left_other": 3,
    "left_timeout": 4,
    "left_key": 4,
    "left_empty": 4,
    "left_callback": 4,
    "answered": 5,
}
"""A word of higher rank corrects one of lower rank about the same visit; "" means that the contact still waits."""

# Kinds of words, in the order in which words of one millisecond are sorted.
ENDED, ENTERED, RANG, RANG_NO_ANSWER, HELD, RESUMED, COMPLETED, LISTED, MISSING = range(9)


class Word(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One thing said of a contact in a queue; ``at`` in epoch ms, None where nothing was told.

    ``outcome``: of ENDED. ``wait_ms``: of ENDED and COMPLETED. ``talk_ms``: of COMPLETED; the ring of an answer.
    ``asked_at``, ``entered_at``, ``unwatched_since``: of LISTED and MISSING, the words of a snapshot.
    """

    at: int
    kind: int
    agent: str = ""
    outcome: str = ""
    wait_ms: int | None = None
    talk_ms: int | None = None
    hold_ms: int | None = None
    transferred: bool = False
    asked_at: int = 0
    entered_at: int = 0
    unwatched_since: int | None = None

    def place(self) -> tuple[int, ...] | tuple[object, ...]:
        """Where it stands among the words of a contact: a total order, so that a set of words has one sequence."""
        told = tuple(
            -1 if ms is None else ms for ms in (self.wait_ms, self.talk_ms, self.hold_ms, self.unwatched_since)
        )
        return (
            self.at,
            self.kind,
            OUTCOME_RANK[self.outcome],
            self.outcome,
            self.agent,
            told,
            self.transferred,
            self.asked_at,
            self.entered_at,
        )


class Parts(NamedTuple):
    """What a visit books, each part None until it happened; two visits with equal parts book the same."""

    offer: tuple[int] | None
    """(entered_at)"""
    outcome: tuple[int, str, int, int] | None
    """(ended_at, outcome, wait_ms, ring_ms)"""
    over: tuple[int, int, int, bool, bool] | None
    """(over_at, talk_ms, hold_ms, held, transferred)"""


NOTHING = Parts(None, None, None)


class Visit(msgspec.Struct, omit_defaults=True):
    """One visit of a contact to a queue; all times in epoch ms, None while unknown.

    ``outcome`` "" = waiting. ``ended_at``: when it stopped waiting. ``over_at``: when the conversation ended.
    """

    queue: str
    contact: str
    entered_at: int
    outcome: str = ""
    ended_at: int | None = None
    wait_ms: int = 0
    agent: str = ""
    rang: dict[str, int] = {}
    """When each agent was alerted last."""
    ring_ms: int = 0
    over_at: int | None = None
    talk_ms: int = 0
    held_since: int | None = None
    hold_ms: int = 0
    held: bool = False
    transferred: bool = False

    @property
    def waiting(self) -> bool:
        return self.outcome == ""

    @property
    def talking(self) -> bool:
        return self.outcome == "answered" and self.over_at is None

    @property
    def open(self) -> bool:
        """Waiting or talking."""
        return self.over_at is None and (self.outcome == "" or self.outcome == "answered")

    def parts(self) -> Parts:
        """What this visit books as it stands."""
        return Parts(
            (self.entered_at,),
            None if self.ended_at is None else (self.ended_at, self.outcome, self.wait_ms, self.ring_ms),
            None if self.over_at is None else (self.over_at, self.talk_ms, self.hold_ms, self.held, self.transferred),
        )


class History(msgspec.Struct, omit_defaults=True):
    """All words about one contact in one queue, sorted, and the visits that follow, oldest first.

    Visits never overlap in their waiting; a conversation may outlast the next entry (a blind transfer back into the queue).
    ``settled_at``: words up to here were let go because nothing was open; they are never taken again.
    """

    queue: str
    contact: str
    words: list[Word] = []
    visits: list[Visit] = []
    settled_at: int = -1
    caller: str = ""
    caller_name: str = ""

    @property
    def waiting(self) -> Visit | None:
        """The visit that waits; only the newest one can."""
        return self.visits[-1] if self.visits and not self.visits[-1].outcome else None

    @property
    def last_at(self) -> int:
        """When this contact was last heard of in this queue."""
        return self.words[-1].at if self.words else self.settled_at
