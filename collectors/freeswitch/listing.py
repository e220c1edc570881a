"""What mod_callcenter's tables say, against what its events said. Pure: rows and the time in, events out.

The module changes its tables before it speaks, and answers in order: a table knows at least whatever events came before it on the wire. It is
taken over at its place in the stream. Who serves which queue and what an agent does is believed at once; a contact that contradicts the
events is believed at the second table, for its events may only be behind the first.
"""

from __future__ import annotations

from collections.abc import Iterable

from collectors.events import AnyEvent, ContactAnswered, Snapshot, WaitingContact
from collectors.freeswitch.known import Known
from collectors.freeswitch.members import ListedMember, Member
from collectors.freeswitch.people import Listed
from collectors.freeswitch.tables import Row, number
from collectors.freeswitch.words import IN_CALL, LOGGED_OUT, TALKS, WAITS, state_of

RACE_MS = 5_000
"""A caller is heard of before the table has the row: one who entered so shortly before the question is not missing from the answer."""
KEPT_SLACK_MS = 2_000
"""The module looks for places to give up now and then, not to the second."""


class Listing:
    """The tables of one session. Each method takes one whole table over; ``now`` is when its answer arrived."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.queue_names: list[str] = []
        self._closed: set[str] = set()
        self._new_answers: list[AnyEvent] = []
        self._taken_over = False
        self.doubt = False
        """The tables contradict the events: a snapshot is due."""
        self.facts: dict[str, int] = {}

    def queues(self, rows: Iterable[Row]) -> None:
        """Which queues there are, and which keep the place of a caller who hung up."""
        before, self.queue_names, self._known.keeps = self.queue_names, [], {}
        for row in rows:
            name = row["name"]
            if not self._known.watched(name):
                continue
            self.queue_names.append(name)
            if row.get("abandoned_resume_allowed") == "true":
                self._known.keeps[name] = number(row.get("discard_abandoned_after", "")) * 1000 + KEPT_SLACK_MS
        self._closed |= set(before).difference(self.queue_names)
        self._closed.difference_update(self.queue_names)
        if before and set(before) != set(self.queue_names):
            self.doubt = True
        for member in [member for member in self._known.members.values() if member.queue in self._closed]:
            self._known.forget(member)

    def members(self, queue: str, rows: Iterable[Row], asked_at: int, now: int) -> None:
        """Who waits and talks in one queue; contradictions with the events are counted, and believed the second time."""
        here = {}
        for row in rows:
            found = ListedMember.of(row)
            if found.queue != queue or not found.uuid:
                self._count("odd_rows")
            elif found.state in WAITS or found.state == TALKS:
                here[found.uuid] = found
        for found in here.values():
            member = self._known.members.get(found.uuid)
            if member is None:
                contact = self._known.resumed.get(found.uuid) or found.session or found.uuid
                member = self._known.members[found.uuid] = Member(
                    found.uuid, queue, contact, found.caller, found.caller_name, offered={}
                )
            if not member.entered_at:
                member.entered_at = self._known.ours(found.joined_s) or now
            if found.state == TALKS:
                self._listed_talking(member, found)
            elif member.phase == "waiting" and member.told:
                member.missed = 0
            else:  # never heard of by an event, or heard to be over
                self._missed(member)
                if member.phase in ("kept", "leaving") and member.missed > 1:
                    member.phase = "waiting"
        for member in list(self._known.members.values()):
            if member.queue == queue and member.uuid not in here and member.phase not in ("kept", "leaving"):
                if member.entered_at < asked_at - RACE_MS:
                    self._missed(member)
                if member.missed > 1:
                    self._known.forget(member)
                    if member.phase == "talking":
                        self._new_answers += self._known.people.talks_no_more(member.agent, member.uuid, now)

    def _listed_talking(self, member: Member, found: ListedMember) -> None:
        if member.phase == "talking":
            member.missed = 0
            return
        self._missed(member)
        if member.missed > 1 or not (member.told or self._taken_over):
            self._take_talk(member, found)

    def _take_talk(self, member: Member, found: ListedMember) -> None:
        """A conversation that only the table tells of."""
        member.phase, member.agent, member.bridging = "talking", found.agent, None
        member.answered_us = found.bridged_s * 1_000_000
        if not found.agent or not found.bridged_s:
            return
        at = self._known.ours(found.bridged_s)
        wait_ms = max(0, found.bridged_s - found.joined_s) * 1000 if found.joined_s else None
        self._new_answers.append(ContactAnswered(at, member.queue, member.contact, found.agent, wait_ms))
        self._new_answers += self._known.people.talks(found.agent, member.uuid, (member.queue, member.contact), at)

    def _missed(self, member: Member) -> None:
        member.missed += 1
        if member.missed > 1:
            self.doubt = True

    def agents(self, rows: Iterable[Row], now: int) -> list[AnyEvent]:
        """Everybody's status and state; told at once where they differ."""
        listed, legs = [], {}
        for row in rows:
            state = state_of(row["state"])
            listed.append(
                Listed(
                    row["name"],
                    row["status"] or LOGGED_OUT,
                    state,
                    wrap_up_ms=number(row.get("wrap_up_time", "")) * 1000,
                    external_calls=number(row.get("external_calls_count", "")),
                    status_since=self._known.ours(number(row.get("last_status_change", ""))),
                    talks_since=self._known.ours(number(row.get("last_bridge_start", ""))) if state == IN_CALL else 0,
                    talked_until=self._known.ours(number(row.get("last_bridge_end", ""))),
                )
            )
            if row.get("uuid") and state == IN_CALL:
                legs[row["name"]] = row["uuid"]
        for member in self._known.members.values():
            if member.phase == "talking" and member.agent in legs:
                member.leg = legs[member.agent]
                self._known.legs[member.leg] = member.uuid
        return self._known.people.listed(listed, now)

    def tiers(self, rows: Iterable[Row], now: int) -> list[AnyEvent]:
        """Who serves which queue; no event tells of a change."""
        served: dict[str, set[str]] = {}
        for row in rows:
            if self._known.watched(row["queue"]) and row["agent"]:
                served.setdefault(row["agent"], set()).add(row["queue"])
        return self._known.people.serve({agent: frozenset(queues) for agent, queues in served.items()}, now)

    def take_over(self, asked_at: int, now: int, unwatched_since: int | None, *, first: bool) -> list[AnyEvent]:
        """The whole state as one snapshot, after all tables. ``first``: of this session, which knew nothing before."""
        self.doubt, self._taken_over = False, True
        answers, self._new_answers = self._new_answers, []
        if first and unwatched_since is not None:
            # Who was joined while we still watched has been told of: a second date for that might count twice.
            answers = [e for e in answers if not isinstance(e, ContactAnswered) or e.at >= unwatched_since]
        waiting, talking = [], []
        for member in self._known.members.values():
            member.told, member.missed = True, 0
            if member.phase == "talking":
                talking.append(member.contact)
            elif member.entered_at:
                waiting.append(
                    WaitingContact(member.queue, member.contact, member.entered_at, member.caller, member.caller_name)
                )
        contacts: list[AnyEvent] = [event for event in answers if isinstance(event, ContactAnswered)]
        seen = self._known.people.seen(now)
        snapshot = Snapshot(
            now, asked_at, [*self.queue_names, *sorted(self._closed)], waiting, seen, talking, unwatched_since
        )
        self._closed.clear()
        return [*contacts, snapshot, *self._known.people.at_work(now)]

    def corrections(self) -> list[AnyEvent]:
        """What the tables of a poll tell of conversations, beyond agents and tiers."""
        told, self._new_answers = self._new_answers, []
        return told

    def _count(self, fact: str) -> None:
        self.facts[fact] = self.facts.get(fact, 0) + 1
