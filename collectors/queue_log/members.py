"""What a queue_log tells of the people: who serves which queue, who is paused, who talks.

The log tells changes alone. A member of the configuration file who never did anything is in no line, ringing and wrap-up are in none either,
so these conditions are not told; a person becomes known with the first line that names them.
"""

from __future__ import annotations

import msgspec

from collectors.events import (
    AgentChanged,
    AgentCondition,
    AgentQueues,
    AnyEvent,
    SeenAgent,
)
from collectors.queue_log.protocol import Line

Key = tuple[str, str]
Said = tuple[AgentCondition, str, str, str]
"""Condition, reason, queue, contact."""

ALL_QUEUES = ("PAUSEALL", "UNPAUSEALL", "AGENTLOGIN", "AGENTLOGOFF", "AGENTCALLBACKLOGIN", "AGENTCALLBACKLOGOFF")


class Member(msgspec.Struct):
    """One person. ``queues``: None where contacts are taken, else the pause's reason. ``added``: queues that a line
    added (they outlive a restart, pauses included), the others come from the configuration file."""

    queues: dict[str, str | None] = {}
    added: set[str] = set()
    removed: set[str] = set()
    talks: dict[Key, None] = {}
    pause: str | None = None
    """The reason of a pause that came before any queue of theirs was known."""
    logged_off: bool = False
    said: Said | None = None
    said_queues: dict[str, str | None] | None = None
    since: int = 0


class Members:
    """Everybody whom the log named."""

    def __init__(self) -> None:
        self.people: dict[str, Member] = {}

    def line(self, line: Line, at: int) -> list[AnyEvent]:
        """The events of a line about a person; none for other lines."""
        verb, queue = line.verb, line.queue
        if verb not in _ABOUT_PEOPLE or line.agent in ("NONE", ""):
            return []
        member = self._member(line.agent)
        reason = line.fields[0] if line.fields else ""
        if verb in ALL_QUEUES:
            _EVERYWHERE[verb](member, reason)
        elif queue in ("NONE", ""):
            return []
        elif verb == "PAUSE":
            member.queues[queue] = reason
            member.removed.discard(queue)
        elif verb == "UNPAUSE":
            member.queues[queue] = None
            member.pause = None
            member.removed.discard(queue)
        elif verb == "ADDMEMBER":
            member.queues[queue] = "" if reason == "PAUSED" else None
            member.added.add(queue)
            member.removed.discard(queue)
            member.logged_off = False
        else:  # REMOVEMEMBER
            member.queues.pop(queue, None)
            member.added.discard(queue)
            member.removed.add(queue)
        return self._say(line.agent, member, at)

    def took(self, agent: str, queue: str, contact: str, at: int) -> list[AnyEvent]:
        """The person answered a contact."""
        if agent in ("NONE", ""):
            return []
        member = self._member(agent)
        _known_in(member, queue)
        member.talks[(queue, contact)] = None
        return self._say(agent, member, at)

    def gave_back(self, agent: str, queue: str, contact: str, at: int) -> list[AnyEvent]:
        """The conversation of a person is over."""
        if agent in ("NONE", ""):
            return []
        member = self._member(agent)
        _known_in(member, queue)
        member.talks.pop((queue, contact), None)
        return self._say(agent, member, at)

    def serves(self, agent: str, queue: str, at: int) -> list[AnyEvent]:
        """A line shows that the person is a member of the queue."""
        if agent in ("NONE", ""):
            return []
        member = self._member(agent)
        _known_in(member, queue)
        return self._say(agent, member, at)

    def restarted(self, at: int) -> None:
        """Asterisk began anew: no conversation is left; members that were added keep their pauses, the configured ones do not."""
        for member in self.people.values():
            member.talks = {}
            member.pause = None
            member.queues = {
                queue: reason if queue in member.added else None for queue, reason in member.queues.items()
            }
            said = _condition(member)
            if said != member.said:
                member.said, member.since = said, at
            member.said_queues = dict(member.queues)

    def seen(self, at: int) -> list[SeenAgent]:
        """Everybody, for a snapshot."""
        people = []
        for agent, member in self.people.items():
            condition, reason, _, _ = _condition(member)
            people.append(SeenAgent(agent, condition, dict(member.queues), reason=reason, since=min(member.since, at)))
        return people

    def _member(self, agent: str) -> Member:
        member = self.people.get(agent)
        if member is None:
            member = self.people[agent] = Member()
        return member

    def _say(self, agent: str, member: Member, at: int) -> list[AnyEvent]:
        """Only what is new."""
        events: list[AnyEvent] = []
        if member.queues != member.said_queues:
            member.said_queues = dict(member.queues)
            events.append(AgentQueues(at, agent, dict(member.queues)))
        said = _condition(member)
        if said != member.said:
            member.said, member.since = said, at
            condition, reason, queue, contact = said
            events.append(AgentChanged(at, agent, condition, reason=reason, queue=queue, contact=contact))
        return events


class Nobody(Members):
    """For a reader of contacts alone: people cost half of the time that a line takes."""

    def line(self, line: Line, at: int) -> list[AnyEvent]:
        return []

    def took(self, agent: str, queue: str, contact: str, at: int) -> list[AnyEvent]:
        return []

    def gave_back(self, agent: str, queue: str, contact: str, at: int) -> list[AnyEvent]:
        return []

    def serves(self, agent: str, queue: str, at: int) -> list[AnyEvent]:
        return []


def _known_in(member: Member, queue: str) -> None:
    if queue not in member.queues and queue not in member.removed:
        member.queues[queue] = None
        member.logged_off = False


def _condition(member: Member) -> Said:
    if member.talks:
        queue, contact = next(reversed(member.talks))
        return "on_contact", "", queue, contact
    if member.logged_off or (member.removed and not member.queues):
        return "logged_out", "", "", ""
    reasons = list(member.queues.values()) or [member.pause]
    if None not in reasons:
        return "paused", str(reasons[-1]), "", ""
    return "available", "", "", ""


def _pause_everywhere(member: Member, reason: str) -> None:
    member.queues = dict.fromkeys(member.queues, reason)
    member.pause = reason


def _unpause_everywhere(member: Member, reason: str) -> None:
    member.queues = dict.fromkeys(member.queues)
    member.pause = None


def _log_in(member: Member, channel: str) -> None:
    member.logged_off = False


def _log_off(member: Member, channel: str) -> None:
    member.logged_off = True


_EVERYWHERE = {
    "PAUSEALL": _pause_everywhere,
    "UNPAUSEALL": _unpause_everywhere,
    "AGENTLOGIN": _log_in,
    "AGENTLOGOFF": _log_off,
    "AGENTCALLBACKLOGIN": _log_in,
    "AGENTCALLBACKLOGOFF": _log_off,
}
_ABOUT_PEOPLE = frozenset(("PAUSE", "UNPAUSE", "ADDMEMBER", "REMOVEMEMBER", *ALL_QUEUES))
