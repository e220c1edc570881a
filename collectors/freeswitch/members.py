"""One caller's visit to a queue, as mod_callcenter's events and tables tell of it. State only."""

from __future__ import annotations

from typing import Literal

import msgspec

from collectors.freeswitch.tables import Row, number


class Moment(msgspec.Struct, frozen=True):
    """When a word was said: ``us`` on FreeSWITCH's clock (epoch µs, 0 if it did not say), ``at`` on ours (epoch ms)."""

    us: int
    at: int

    def since(self, before: int) -> int | None:
        """Milliseconds since ``before`` (µs of FreeSWITCH's clock); None when one of the two is not known, or the clock was set back."""
        return (self.us - before) // 1000 if self.us and before and self.us >= before else None


class Bridging(msgspec.Struct, frozen=True):
    """An agent's leg has answered, and is about to be joined with the caller's: that may still fail."""

    agent: str
    moment: Moment
    wait_ms: int | None
    ring_ms: int | None


Phase = Literal["waiting", "talking", "leaving", "kept"]
"""``leaving``: hung up while an agent picked up; ``kept``: hung up, but the queue keeps the place for a caller who calls again soon."""


class Member(msgspec.Struct):
    """One visit. ``entered_at``: our ms, 0 while unknown; ``entered_us``, ``answered_us``: FreeSWITCH's µs, 0 where no event told it."""

    uuid: str
    queue: str
    contact: str
    caller: str = ""
    caller_name: str = ""
    entered_at: int = 0
    entered_us: int = 0
    phase: Phase = "waiting"
    offered: dict[str, int] = {}
    """When (µs) each agent was alerted last."""
    bridging: Bridging | None = None
    agent: str = ""
    leg: str = ""
    answered_us: int = 0
    told: bool = False
    """The log has heard of this visit."""
    missed: int = 0
    """So many tables in a row contradict what the events said."""


class ListedMember(msgspec.Struct, frozen=True):
    """A row of ``queue list members``; times in whole seconds of FreeSWITCH's clock, 0 for never."""

    uuid: str
    session: str
    queue: str
    state: str
    caller: str
    caller_name: str
    joined_s: int
    bridged_s: int
    agent: str

    @classmethod
    def of(cls, row: Row) -> ListedMember:
        get = row.get
        return cls(
            uuid=row["uuid"],
            session=row["session_uuid"],
            queue=row["queue"],
            state=row["state"],
            caller=get("cid_number", ""),
            caller_name=get("cid_name", ""),
            joined_s=number(row["joined_epoch"]),
            bridged_s=number(get("bridge_epoch", "")),
            agent=get("serving_agent", ""),
        )
