"""One contact's visits to one queue: how each ended, and which of them an event speaks of.

A contact may visit a queue several times, but never twice at once, so visits are stretches of time that do not overlap,
and an event belongs to the stretch that it lies in or nearest to. The ACD's live feed and its log give times that differ by up
to a second or two; ``TOLERANCE_MS`` bridges that.

A visit ends in one outcome. Sources know more or less about it (a live feed may say "abandoned" where the log says
"timed out"), so outcomes have a rank, and the best-informed word wins in whatever order the words arrive.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

TOLERANCE_MS = 2_000

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
"""A word of higher rank corrects one of lower rank; "" means that the contact still waits."""


class Visit(msgspec.Struct):
    """One visit of a contact to a queue; all times in epoch ms, None while unknown.

    ``outcome`` "" = waiting. ``ended_at``: when it stopped waiting. ``over_at``: when the conversation ended.
    ``earlier``: the visit before this one to the same queue by the same contact.
    """

    queue: str
    contact: str
    entered_at: int
    offered_at: int
    """The minute's time under which the offer was booked."""
    outcome: str = ""
    ended_at: int | None = None
    wait_ms: int = 0
    agent: str = ""
    rang_at: int | None = None
    ring_ms: int = 0
    over_at: int | None = None
    held_since: int | None = None
    hold_ms: int = 0
    held: bool = False
    caller: str = ""
    caller_name: str = ""
    entry_guessed: bool = False
    """The beginning was never heard and nobody told the wait: ``entered_at`` is the end's time until the entry arrives."""
    answer_guessed: bool = False
    """The answer was never heard: it follows from the end of the conversation."""
    earlier: Visit | None = None

    @property
    def waiting(self) -> bool:
        return self.outcome == ""

    @property
    def talking(self) -> bool:
        return self.outcome == "answered" and self.over_at is None

    @property
    def last_at(self) -> int:
        """When this visit was last heard of."""
        return self.over_at or self.ended_at or self.entered_at

    def chain(self) -> Iterator[Visit]:
        """This visit and the earlier ones, newest first."""
        visit: Visit | None = self
        while visit is not None:
            yield visit
            visit = visit.earlier


def distance(visit: Visit, at: int) -> int:
    """How far ``at`` lies outside the visit's time in the queue, ms; 0 inside."""
    if at < visit.entered_at:
        return 0 if visit.entry_guessed else visit.entered_at - at
    if visit.ended_at is not None and at > visit.ended_at:
        return at - visit.ended_at
    return 0


def entered_before(latest: Visit | None, at: int) -> bool:
    """Whether an entry at ``at`` belongs to a visit that is already known (so that it is no second offer)."""
    if latest is None:
        return False
    if latest.ended_at is None:  # still waiting: a return after ring-no-answer, or the same word again
        return True
    return at < latest.ended_at or (at == latest.ended_at and at <= latest.entered_at)


def ending(latest: Visit | None, at: int) -> Visit | None:
    """The visit whose end is told by a word at ``at``: the nearest one, None if none is near enough."""
    best: Visit | None = None
    best_distance = TOLERANCE_MS + 1
    for visit in latest.chain() if latest else ():
        away = distance(visit, at)
        if away < best_distance:
            best, best_distance = visit, away
        if away == 0:
            break
    return best


def completing(latest: Visit | None, at: int, agent: str) -> Visit | None:
    """The visit whose conversation is over by a word at ``at``: one in conversation, this agent's first.

    A visit that still waits is taken when no conversation is known (its answer was not heard). A conversation that is over already
    is returned when the word repeats its end.
    """
    waiting: Visit | None = None
    talking: Visit | None = None
    for visit in latest.chain() if latest else ():
        if visit.talking and (visit.ended_at or 0) <= at + TOLERANCE_MS:
            if agent and visit.agent == agent:
                return visit
            talking = talking or visit
        elif visit.over_at is not None and abs(visit.over_at - at) <= TOLERANCE_MS:
            return visit
        elif visit.over_at is not None and (visit.ended_at or 0) <= at <= visit.over_at:
            return visit
        elif visit.waiting and visit.entered_at <= at + TOLERANCE_MS:
            waiting = waiting or visit
    if talking is not None:
        return talking
    if waiting is not None:
        return waiting
    return ending(latest, at)
