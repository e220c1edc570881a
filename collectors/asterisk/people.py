"""Who is a person, which queues a person serves, and what a person is doing. Pure.

Asterisk knows queue members: a device (``Interface``) with a name in one queue. A person is all members of one
name. A member without a name of its own (``MemberName`` equal to the interface) belongs to the person whose name
that device has in another queue, else the device stands for the person.

What a person does follows from the queue's own words (called, connected, completed) before the device's state: a plain
Local device says "in use" while it rings, "not in use" while it talks when optimised away, and its last word comes
before or after the queue's.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

import msgspec

from collectors.events import AgentChanged, AgentCondition, AgentQueues, AnyEvent, SeenAgent

SETTLE_MS = 1_000
"""After a queue's call the device's state may lag; it is not believed to be busy before this."""

RINGING, IN_USE, UNREACHABLE = (6,), (2, 3, 7, 8), (4, 5)
"""Asterisk's device states; 0 (unknown) and 1 can take a call. 7 is in use and ringing, 8 on hold."""

Work = tuple[str, str]
"""Queue and contact."""


class Member(msgspec.Struct, gc=False):
    """One device in one queue; ``last_pause`` and ``last_call`` in epoch s of the PBX's clock, 0 for never."""

    queue: str
    interface: str
    name: str = ""
    status: int = 1
    paused: bool = False
    reason: str = ""
    in_call: bool = False
    wrap_up_s: int = 0
    last_pause: int = 0
    last_call: int = 0


class Person(msgspec.Struct):
    """One person; ``said`` and ``said_queues`` are what the events have told so far."""

    id: str
    members: dict[tuple[str, str], Member] = {}
    talks: dict[Work, int] = {}
    rings: dict[Work, int] = {}
    wrap_until: int = 0
    wrap_of: Work = ("", "")
    settle_until: int = 0
    pause_reason: str = ""
    said: tuple[str, str, str, str] = ("", "", "", "")
    said_queues: dict[str, str | None] | None = None


class People:
    """Everybody of one source. Each method returns what is to be told; times are epoch ms.

    ``wrap_up_s(queue)``: the wrap-up that the settings name for a queue, 0 for none.
    """

    def __init__(self, wrap_up_s: Callable[[str], int]) -> None:
        self._wrap_up_s = wrap_up_s
        self._people: dict[str, Person] = {}
        self._names: dict[str, str] = {}
        self._ringing: dict[Work, dict[str, Person]] = {}
        self._deadlines: list[tuple[int, str]] = []

    @property
    def knows_wrap_up(self) -> bool:
        """Whether anybody's wrap-up can be told: Asterisk has a time for a member, or the settings name one for its queue."""
        members = (member for person in self._people.values() for member in person.members.values())
        return any(member.wrap_up_s or self._wrap_up_s(member.queue) for member in members)

    # ── identity ──────────────────────────────────────────────────────────────────────────────────

    def known_as(self, interface: str, name: str) -> str:
        """The person's id for a device and the name that the queue has for it."""
        return name if name and name != interface else self._names.get(interface, interface)

    def _person(self, interface: str, name: str, at: int, told: list[AnyEvent]) -> Person:
        if name and name != interface and self._names.get(interface) != name:
            self._names[interface] = name
            nameless = self._people.pop(interface, None)
            if nameless is not None:
                self._merge(nameless, self._get(name), at, told)
        return self._get(self.known_as(interface, name))

    def _get(self, person_id: str) -> Person:
        person = self._people.get(person_id)
        if person is None:
            person = self._people[person_id] = Person(person_id, {}, {}, {})
        return person

    def _merge(self, old: Person, new: Person, at: int, told: list[AnyEvent]) -> None:
        """A device turns out to be a named person's: what stood under the device's name is that person's."""
        for key, member in old.members.items():
            new.members.setdefault(key, member)
        new.talks.update(old.talks)
        new.rings.update(old.rings)
        for work in old.rings:
            self._ringing.get(work, {}).pop(old.id, None)
            self._ringing.setdefault(work, {})[new.id] = new
        old.members, old.talks, old.rings = {}, {}, {}
        self._tell(old, at, told, queues=True)
        self._tell(new, at, told, queues=True)

    # ── members ───────────────────────────────────────────────────────────────────────────────────

    def is_member(self, seen: Member, at: int, *, pausing: bool = False) -> list[AnyEvent]:
        """A member's state, whole. The first word of an unknown member makes it one (realtime members are never announced).

        ``pausing``: the word is about the pause itself, so its reason is the person's newest.
        """
        told: list[AnyEvent] = []
        person = self._person(seen.interface, seen.name, at, told)
        key = (seen.queue, seen.interface)
        before = person.members.get(key)
        self._expire(person, at, told)
        if pausing and seen.paused:
            person.pause_reason = seen.reason
        elif pausing:
            seen.reason = ""
        person.members[key] = seen
        changed = before is None or (before.paused, before.reason) != (seen.paused, seen.reason)
        for member in person.members.values():  # the device has one state, whichever queue speaks of it
            if member.interface == seen.interface:
                member.status = seen.status
        self._tell(person, at, told, queues=changed)
        return told

    def leaves_queue(self, queue: str, interface: str, name: str, at: int) -> list[AnyEvent]:
        told: list[AnyEvent] = []
        person = self._person(interface, name, at, told)
        self._expire(person, at, told)
        person.members.pop((queue, interface), None)
        self._tell(person, at, told, queues=True)
        return told

    def replace(self, members: Iterable[Member], queues: set[str], at: int, skew_ms: int) -> list[SeenAgent]:
        """Take a whole list over for ``queues``; returns everybody as in a snapshot. ``skew_ms``: to add to the PBX's times."""
        listed = list(members)
        for member in listed:
            if member.name and member.name != member.interface:
                self._names[member.interface] = member.name
        for person in self._people.values():
            person.members = {key: kept for key, kept in person.members.items() if key[0] not in queues}
        for member in listed:
            person = self._get(self.known_as(member.interface, member.name))
            person.members[(member.queue, member.interface)] = member
        seen = []
        for person in list(self._people.values()):
            self._expire(person, at, [])
            newest = max((m for m in person.members.values() if m.paused), key=lambda m: m.last_pause, default=None)
            if newest is not None:
                person.pause_reason = newest.reason
            if not person.said[0]:
                self._wrap_up_from_list(person, at, skew_ms)
            person.said = self._doing(person, at)
            person.said_queues = self._queues_of(person)
            condition, reason = person.said[:2]
            since = None
            if condition == "paused" and newest is not None and newest.last_pause:
                since = min(at, newest.last_pause * 1000 + skew_ms)
            if not person.members and not person.talks and not person.rings:
                del self._people[person.id]  # whoever is in no list is logged out: the snapshot says that
            else:
                seen.append(SeenAgent(person.id, _condition(condition), person.said_queues, person.id, reason, since))
        return seen

    def _wrap_up_from_list(self, person: Person, at: int, skew_ms: int) -> None:
        for member in person.members.values():
            wrap_s = member.wrap_up_s or self._wrap_up_s(member.queue)
            until = member.last_call * 1000 + skew_ms + wrap_s * 1000
            if wrap_s and member.last_call and at < until <= at + wrap_s * 1000 and until > person.wrap_until:
                person.wrap_until, person.wrap_of = until, (member.queue, "")
                self._remind(person, until)

    # ── work ──────────────────────────────────────────────────────────────────────────────────────

    def rings(self, work: Work, interface: str, name: str, at: int) -> list[AnyEvent]:
        """A device is being called for a contact. It is a member of that queue, even if nobody has said so yet."""
        told: list[AnyEvent] = []
        person = self._person(interface, name, at, told)
        self._expire(person, at, told)
        unknown = (work[0], interface) not in person.members
        if unknown:
            person.members[(work[0], interface)] = Member(work[0], interface, name)
        person.rings[work] = at
        self._ringing.setdefault(work, {})[person.id] = person
        self._tell(person, at, told, queues=unknown)
        return told

    def rings_no_more(self, work: Work, at: int, interface: str = "", name: str = "") -> list[AnyEvent]:
        """The alert of one device, or of all, for this contact is over."""
        told: list[AnyEvent] = []
        ringing = self._ringing.get(work)
        if ringing is None:
            return told
        only = self.known_as(interface, name) if interface else None
        for person_id in [only] if only is not None else list(ringing):
            person = ringing.pop(person_id, None)
            if person is not None:
                self._expire(person, at, told)
                person.rings.pop(work, None)
                self._settle(person, at)
                self._tell(person, at, told)
        if not ringing:
            del self._ringing[work]
        return told

    def talks(self, work: Work, interface: str, name: str, at: int) -> list[AnyEvent]:
        """A device took the contact; everybody else's alert for it is over."""
        told: list[AnyEvent] = []
        person = self._person(interface, name, at, told)
        self._expire(person, at, told)
        person.talks.pop(work, None)
        person.talks[work] = at
        self._ringing.get(work, {}).pop(person.id, None)
        person.rings.pop(work, None)
        self._tell(person, at, told)
        return told + self.rings_no_more(work, at)

    def talks_no_more(self, work: Work, interface: str, name: str, at: int) -> list[AnyEvent]:
        """The conversation is over: wrap-up if one is known of, else whatever the device and the pauses say."""
        told: list[AnyEvent] = []
        person = self._person(interface, name, at, told)
        self._expire(person, at, told)
        person.talks.pop(work, None)
        self._settle(person, at)
        member = person.members.get((work[0], interface))
        if member is not None and not person.talks:
            wrap_s = member.wrap_up_s or self._wrap_up_s(work[0])
            if wrap_s:
                person.wrap_until, person.wrap_of = at + wrap_s * 1000, work
                self._remind(person, person.wrap_until)
        self._tell(person, at, told)
        return told

    # ── time ──────────────────────────────────────────────────────────────────────────────────────

    def next_due(self) -> int | None:
        return self._deadlines[0][0] if self._deadlines else None

    def due(self, now_ms: int) -> list[AnyEvent]:
        """What time alone brings about: the end of a wrap-up, a device that is busy with something else after all."""
        told: list[AnyEvent] = []
        while self._deadlines and self._deadlines[0][0] <= now_ms:
            at, person_id = heapq.heappop(self._deadlines)
            person = self._people.get(person_id)
            if person is not None:
                self._expire(person, at, told)
                self._tell(person, at, told)
        return told

    def _remind(self, person: Person, at: int) -> None:
        heapq.heappush(self._deadlines, (at, person.id))

    def _settle(self, person: Person, at: int) -> None:
        person.settle_until = at + SETTLE_MS
        if any(member.status in IN_USE or member.status in RINGING for member in person.members.values()):
            self._remind(person, person.settle_until)

    def _expire(self, person: Person, at: int, told: list[AnyEvent]) -> None:
        """A wrap-up that was over before this moment ended when it was to end, however late we come to say so."""
        until = person.wrap_until
        if until and until <= at:
            person.wrap_until = 0
            if person.said[0] == "wrap_up":
                self._tell(person, until, told)

    # ── what is told ──────────────────────────────────────────────────────────────────────────────

    def _tell(self, person: Person, at: int, told: list[AnyEvent], *, queues: bool = False) -> None:
        if queues or person.said_queues is None:
            served = self._queues_of(person)
            if served != person.said_queues and (served or person.said_queues is not None):
                person.said_queues = served
                told.append(AgentQueues(at, person.id, served, person.id))
        doing = self._doing(person, at)
        if person.wrap_until and doing[0] != "wrap_up":
            person.wrap_until = 0  # a pause, a new call or the end of the day cuts it short
        unheard_of = not person.said[0] and doing[0] == "logged_out" and not person.members
        if doing != person.said and not unheard_of:
            person.said = doing
            condition, reason, queue, contact = doing
            told.append(AgentChanged(at, person.id, _condition(condition), "", reason, queue, contact))
        if not person.members and not person.talks and not person.rings:
            self._people.pop(person.id, None)  # gone for good, or known again by the next word

    def _queues_of(self, person: Person) -> dict[str, str | None]:
        served: dict[str, str | None] = {}
        for member in person.members.values():
            if not member.paused:
                served[member.queue] = None
            else:
                served.setdefault(member.queue, member.reason)
        return served

    def _doing(self, person: Person, at: int) -> tuple[str, str, str, str]:
        """Condition, reason, queue, contact; the first row that fits."""
        if person.talks:
            queue, contact = next(reversed(person.talks))
            return "on_contact", "", queue, contact
        if person.rings:
            queue, contact = next(reversed(person.rings))
            return "ringing", "", queue, contact
        members = person.members.values()
        reachable = [member for member in members if member.status not in UNREACHABLE]
        if not reachable:
            return "logged_out", "", "", ""
        if all(member.paused for member in reachable):
            return "paused", person.pause_reason, "", ""
        if at >= person.settle_until:
            busy = [member for member in reachable if member.status in IN_USE]
            if busy:
                return "on_contact", "", next((member.queue for member in busy if member.in_call), ""), ""
            if any(member.status in RINGING for member in reachable):
                return "ringing", "", "", ""
        if at < person.wrap_until:
            return "wrap_up", "", *person.wrap_of
        return "available", "", "", ""


def _condition(word: str) -> AgentCondition:
    return word  # type: ignore[return-value]
