"""What one session knows of one FreeSWITCH, by events and tables alike. State only."""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.freeswitch.members import Member, Moment
from collectors.freeswitch.people import People
from collectors.freeswitch.tables import number

_UNASKABLE = re.compile(r"[\r\n\0]")


class Known:
    """Members, agents and FreeSWITCH's clock.

    ``queues``: only these, None for all. ``resumed``: contacts of resumed callers by member, from an earlier session. ``skew_ms`` is to be
    added to FreeSWITCH's times; None while it is not measured. ``keeps``: queues that keep a caller's place, and for how long (ms).
    """

    def __init__(self, queues: list[str] | None, resumed: Mapping[str, str] | None = None) -> None:
        self._chosen = None if queues is None else frozenset(queues)
        self.members: dict[str, Member] = {}
        self.legs: dict[str, str] = {}
        """The member with whom an agent's channel is joined."""
        self.resumed = dict(resumed or {})
        self.people = People(some_queues=queues is not None)
        self.keeps: dict[str, int] = {}
        self.skew_ms: int | None = None
        self._guessed_skew_ms: int | None = None

    def watched(self, queue: str) -> bool:
        """Whether a queue is followed. One with a line break in its name never is: nobody can ask who waits in it."""
        return bool(queue) and not _UNASKABLE.search(queue) and (self._chosen is None or queue in self._chosen)

    def moment(self, headers: Mapping[str, str], now: int) -> Moment:
        """Dated by the event itself: what waited behind a long answer happened before it. Never in the future."""
        us = number(headers.get("Event-Date-Timestamp", ""))
        if not us:
            return Moment(0, now)
        skew = self.skew_ms
        if skew is None:  # not measurable: no word takes less than no time to arrive
            here = now - us // 1000
            skew = here if self._guessed_skew_ms is None else min(here, self._guessed_skew_ms)
            self._guessed_skew_ms = skew
        return Moment(us, min(now, us // 1000 + skew))

    def ours(self, seconds: int) -> int:
        """A time of FreeSWITCH's, in our ms; 0 stays 0."""
        skew = self.skew_ms if self.skew_ms is not None else self._guessed_skew_ms
        return seconds * 1000 + (skew or 0) if seconds else 0

    def forget(self, member: Member) -> None:
        """The visit is over."""
        self.members.pop(member.uuid, None)
        self.resumed.pop(member.uuid, None)
        self.legs.pop(member.leg, None)
