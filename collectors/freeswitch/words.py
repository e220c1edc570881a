"""Which of FreeSWITCH's words matter, and what they mean. Tables.

Source: mod_callcenter.c of signalwire/freeswitch (every event with its headers is in tests/data/freeswitch).
"""

from __future__ import annotations

from collections.abc import Mapping

from collectors.events import LeftWhy

SUBCLASS = "callcenter::info"
EVENTS = f"event plain CUSTOM {SUBCLASS}"
HOLDS = "event plain CHANNEL_HOLD CHANNEL_UNHOLD"

WANTED = frozenset(
    {
        "Event-Name", "Event-Subclass", "Event-Date-Timestamp", "Unique-ID", "Answer-State", "Hangup-Cause",
        "CC-Action", "CC-Queue", "CC-Agent", "CC-Agent-Status", "CC-Agent-State", "CC-Agent-UUID", "CC-Agent-Bridged",
        "CC-Agent-Called-Time", "CC-Agent-Answered-Time", "CC-Agent-Aborted-Time", "CC-Hangup-Cause",
        "CC-Cause", "CC-Cancel-Reason", "CC-Member-UUID", "CC-Member-Session-UUID", "CC-Member-CID-Name",
        "CC-Member-CID-Number", "CC-Member-Joined-Time", "CC-Member-Leaving-Time",
    }
)  # fmt: skip

FLOW_OUTS: Mapping[str, LeftWhy] = {"TIMEOUT": "timeout", "NO_AGENT_TIMEOUT": "empty", "EXIT_WITH_KEY": "key"}
"""Cancel reasons that say why. The others (``BREAK_OUT``, ``NONE``) stand for a hang-up as well as for a transfer out of the queue."""
STILL_UP = ("answered", "early", "ringing")
"""``Answer-State`` of a caller's channel that has not hung up."""

LOST_RACE = "LOSE_RACE"
"""Ring-all: another agent was faster. Nobody let anything ring out."""
WITHDRAWN = "ORIGINATOR_CANCEL"
"""The alert was taken back: because the caller left, or because the agent went away."""

IN_CALL, RINGING, IDLE, FREE = "In a queue call", ("Receiving", "Reserved"), "Idle", "Waiting"
"""States of an agent."""
LOGGED_OUT, ON_BREAK = "Logged Out", "On Break"
"""Statuses of an agent that keep contacts away; the others are Available and Available (On Demand)."""
ON_CALL_STATUSES = ("Available", "Available (On Demand)")


def state_of(text: str) -> str:
    """An agent's state as the module compares it: in any case of letters."""
    return _STATES.get(text.casefold(), text)


def status_of(text: str) -> str:
    """An agent's status. The module takes one in any case of letters, keeps it so, and then calls only those that are spelt as its own."""
    return _AWAY.get(text.casefold(), text)


_STATES = {state.casefold(): state for state in (IN_CALL, *RINGING, IDLE, FREE)}
_AWAY = {status.casefold(): status for status in (LOGGED_OUT, ON_BREAK)}

WAITS, TALKS = ("Waiting", "Trying"), "Answered"
"""States of a member. ``Abandoned`` and whatever else there may be is nobody who waits."""

QUEUE_COLUMNS = ("name",)
MEMBER_COLUMNS = ("queue", "uuid", "session_uuid", "joined_epoch", "state")
AGENT_COLUMNS = ("name", "status", "state")
TIER_COLUMNS = ("queue", "agent")
