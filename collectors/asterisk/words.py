"""Which of AMI's events matter, what each must carry, and how its fields are read. Tables and pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.asterisk.people import Member
from collectors.asterisk.protocol import Message
from collectors.events import LeftWhy

WHY: Mapping[str, LeftWhy] = {
    "TIMEOUT": "timeout",
    "LEAVEEMPTY": "empty",
    "LEAVEUNAVAIL": "empty",
    "WITHDRAW": "other",
}
REFUSED = ("FULL", "JOINEMPTY", "JOINUNAVAIL")
"""The caller was never in the queue: Asterisk neither logs nor counts it."""

MEMBER_WORDS = (
    "QueueMemberStatus",
    "QueueMemberPause",
    "QueueMemberAdded",
    "QueueMemberPenalty",
    "QueueMemberRinginuse",
)
LIST_WORDS = ("QueueParams", "QueueMember", "QueueEntry", "QueueStatusComplete")
WANTED = (
    "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon", "AgentCalled", "AgentConnect", "AgentComplete",
    "AgentRingNoAnswer", "AgentDump", "QueueMemberRemoved", "Hold", "Unhold", "Hangup", "VarSet",
    "Reload", "FullyBooted", "Shutdown", *MEMBER_WORDS, *LIST_WORDS,
)  # fmt: skip
NEEDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon"), ("Queue", "Uniqueid")),
    **dict.fromkeys(
        ("AgentCalled", "AgentConnect", "AgentRingNoAnswer", "AgentDump"), ("Queue", "Uniqueid", "Interface")
    ),
    **dict.fromkeys(("AgentComplete", "QueueMemberRemoved", *MEMBER_WORDS), ("Queue", "Interface")),
    **dict.fromkeys(("Hangup", "VarSet", "Hold", "Unhold"), ("Uniqueid",)),
    "QueueParams": ("Queue",),
    "QueueMember": ("Queue", "Location"),
    "QueueEntry": ("Queue", "Uniqueid"),
}
"""Without these a message says nothing: it is left out and counted."""
ONLY_WITH = {"VarSet": ("Variable: QUEUESTATUS", "Variable: QUEUE_WITHDRAW_INFO")}
"""For ``AmiParser``: what is worth splitting at all."""


def member_of(message: Message) -> Member:
    """A member from an event, or from a list, where two fields have other names."""
    get = message.headers.get
    paused = get("Paused") == "1"
    return Member(
        queue=get("Queue", ""),
        interface=get("Interface") or get("Location", ""),
        name=get("MemberName") or get("Name", ""),
        status=number(get("Status", "")) or 0,
        paused=paused,
        reason=(get("PausedReason") or get("Reason") or "") if paused else "",
        in_call=get("InCall") == "1",
        wrap_up_s=number(get("Wrapuptime", "")) or 0,
        last_pause=number(get("LastPause", "")) or 0,
        last_call=number(get("LastCall", "")) or 0,
    )


def number(text: str) -> int | None:
    """A whole number as Asterisk prints it; None for anything else, a negative one (its clock was set) included."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def seconds_ms(message: Message, name: str) -> int | None:
    seconds = number(message.headers.get(name, ""))
    return None if seconds is None else seconds * 1000


def caller_id(text: str) -> str:
    """No caller id: ``<unknown>`` in events, ``unknown`` in lists."""
    return "" if text in ("<unknown>", "unknown") else text


def unescaped(text: str) -> str:
    """Events write a quote as \\" and a backslash twice; lists do not."""
    return text.replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\") if "\\" in text else text
