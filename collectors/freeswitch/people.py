"""Who is a person, which queues a person serves, and what a person is doing. Pure; times are epoch ms on our clock.

mod_callcenter knows an agent's *status* (what the person chose: Available, On Break, Logged Out) and *state* (what the module does with the
person: Waiting, Receiving, In a queue call, Idle). Who serves which queue (tiers) and who exists at all is told by the tables alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

import msgspec

from collectors.events import AgentChanged, AgentCondition, AgentQueues, AnyEvent, SeenAgent
from collectors.freeswitch.words import (
    FREE,
    IDLE,
    IN_CALL,
    LOGGED_OUT,
    ON_BREAK,
    ON_CALL_STATUSES,
    RINGING,
    state_of,
    status_of,
)

Work = tuple[str, str]
"""Queue and contact."""
Doing = tuple[AgentCondition, str, str, str]
"""Condition, reason, queue, contact."""
NO_WORK: Work = ("", "")


class Listed(msgspec.Struct, frozen=True):
    """A row of ``agent list``; times in epoch ms on our clock, 0 for never."""

    agent: str
    status: str
    state: str
    wrap_up_ms: int = 0
    external_calls: int = 0
    status_since: int = 0
    talks_since: int = 0
    talked_until: int = 0


class Person(msgspec.Struct):
    """One agent; ``said…`` is what the events have told so far."""

    id: str
    status: str = ""
    state: str = ""
    wrap_up_ms: int = 0
    external_calls: int = 0
    status_since: int = 0
    talks_since: int = 0
    queues: frozenset[str] = frozenset()
    rings: dict[str, Work] = {}
    talks: dict[str, Work] = {}
    wrap_until: int = 0
    wrap_of: Work = NO_WORK
    said: Doing | None = None
    said_at: int = 0
    said_queues: frozenset[str] | None = None


class People:
    """Every agent of one source. Methods return what is to be told.

    ``some_queues``: only people who serve a queue are told of (the others serve queues that nobody asked for).
    """

    def __init__(self, *, some_queues: bool) -> None:
        self._some_queues = some_queues
        self._people: dict[str, Person] = {}
        self._deadlines: list[tuple[int, str]] = []
        self._emptied = False
        self.unknown = False
        """Somebody was heard of whom the tables have not named yet."""

    def _get(self, agent: str) -> Person:
        person = self._people.get(agent)
        if person is None:
            person = self._people[agent] = Person(agent, rings={}, talks={})
            self.unknown = True
        return person

    # ── the module's own words ────────────────────────────────────────────────────────────────────

    def status(self, agent: str, status: str, at: int) -> list[AnyEvent]:
        person = self._get(agent)
        person.status, person.status_since = status_of(status), at
        return self._tell(person, at)

    def state(self, agent: str, state: str, at: int) -> list[AnyEvent]:
        person = self._get(agent)
        person.state = state_of(state)
        if person.state in (FREE, IDLE):
            person.rings.clear()  # who loses the race of a ring-all by a moment is told of by this word alone
        return self._tell(person, at)

    # ── work ──────────────────────────────────────────────────────────────────────────────────────

    def rings(self, agent: str, call: str, work: Work, at: int) -> list[AnyEvent]:
        person = self._get(agent)
        person.rings[call] = work
        return self._tell(person, at)

    def rings_no_more(self, agent: str, call: str, at: int) -> list[AnyEvent]:
        person = self._get(agent)
        person.rings.pop(call, None)
        return self._tell(person, at)

    def talks(self, agent: str, call: str, work: Work, at: int) -> list[AnyEvent]:
        person = self._get(agent)
        person.rings.pop(call, None)
        person.talks[call] = work
        return self._tell(person, at)

    def talks_no_more(self, agent: str, call: str, at: int) -> list[AnyEvent]:
        """The conversation is over: wrap-up begins if the agent has one; told when the module lets go of the agent."""
        person = self._get(agent)
        work = person.talks.pop(call, NO_WORK)
        if person.wrap_up_ms:
            self._wrap_up(person, at + person.wrap_up_ms, work)
        return self._tell(person, at)

    # ── the tables ────────────────────────────────────────────────────────────────────────────────

    def listed(self, rows: Iterable[Listed], at: int) -> list[AnyEvent]:
        """Take a whole ``agent list`` over. Who is in it no more is logged out; an empty one is believed the second time."""
        found = {row.agent: row for row in rows}
        told: list[AnyEvent] = []
        if not found and self._people and not self._emptied:
            self._emptied = True  # a database that was locked for a moment also answers with nothing
            return told
        self._emptied = not found
        self.unknown = False
        for agent in [agent for agent in self._people if agent not in found]:
            told += self._gone(self._people.pop(agent), at)
        for row in found.values():
            person = self._get(row.agent)
            person.status, person.state = status_of(row.status), state_of(row.state)
            person.wrap_up_ms, person.external_calls = row.wrap_up_ms, row.external_calls
            person.status_since, person.talks_since = row.status_since, row.talks_since
            if person.state in (FREE, IDLE):
                person.rings.clear()
            until = row.talked_until + row.wrap_up_ms
            if row.talked_until and at < until <= at + row.wrap_up_ms and not person.wrap_until:
                self._wrap_up(person, until, person.wrap_of)
            told += self._tell(person, at)
        self.unknown = False
        return told

    def serve(self, queues: Mapping[str, frozenset[str]], at: int) -> list[AnyEvent]:
        """Take a whole ``tier list`` over: the queues of each agent."""
        told: list[AnyEvent] = []
        for person in self._people.values():
            person.queues = queues.get(person.id, frozenset())
            told += self._tell(person, at)
        return told

    def seen(self, at: int) -> list[SeenAgent]:
        """Everybody, for a snapshot that is told now."""
        seen: list[SeenAgent] = []
        for person in self._people.values():
            if not person.status or (self._some_queues and not person.queues):
                continue
            self._expire(person, at, [])
            doing = self._doing(person, at)
            since = {"paused": person.status_since, "on_contact": person.talks_since}.get(doing[0], 0)
            person.said, person.said_at, person.said_queues = doing, at, person.queues
            queues: dict[str, str | None] = dict.fromkeys(sorted(person.queues))
            seen.append(SeenAgent(person.id, doing[0], queues, person.id, doing[1], min(since, at) or None))
        return seen

    def at_work(self, at: int) -> list[AnyEvent]:
        """What a snapshot cannot say: for which queue and contact somebody rings or talks."""
        return [
            AgentChanged(at, person.id, person.said[0], "", person.said[1], person.said[2], person.said[3])
            for person in self._people.values()
            if person.said is not None and person.said[2]
        ]

    def _gone(self, person: Person, at: int) -> list[AnyEvent]:
        told: list[AnyEvent] = []
        at = max(at, person.said_at)
        if person.said_queues:
            told.append(AgentQueues(at, person.id, {}, person.id))
        if person.said is not None and person.said[0] != "logged_out":
            told.append(AgentChanged(at, person.id, "logged_out"))
        return told

    # ── time ──────────────────────────────────────────────────────────────────────────────────────

    def next_due(self) -> int | None:
        return self._deadlines[0][0] if self._deadlines else None

    def due(self, now_ms: int) -> list[AnyEvent]:
        """The ends of wrap-ups, which nobody tells."""
        told: list[AnyEvent] = []
        while self._deadlines and self._deadlines[0][0] <= now_ms:
            at, agent = heapq.heappop(self._deadlines)
            person = self._people.get(agent)
            if person is not None:
                self._expire(person, at, told)
        return told

    def _wrap_up(self, person: Person, until: int, work: Work) -> None:
        person.wrap_until, person.wrap_of = until, work
        heapq.heappush(self._deadlines, (until, person.id))

    def _expire(self, person: Person, at: int, told: list[AnyEvent]) -> None:
        until = person.wrap_until
        if until and until <= at:
            person.wrap_until, person.wrap_of = 0, NO_WORK
            told += self._tell(person, until)

    # ── what is told ──────────────────────────────────────────────────────────────────────────────

    def _tell(self, person: Person, at: int) -> list[AnyEvent]:
        told: list[AnyEvent] = []
        if person.wrap_until and person.wrap_until <= at:
            self._expire(person, at, told)
        at = max(at, person.said_at)  # a word from before a table's row must not be older than what the row made us say
        if not person.status:
            return told  # nothing is known of this person but that there is one; the next table tells
        if self._some_queues and not person.queues:
            if person.said is not None:
                told += self._gone(person, at)
                person.said, person.said_queues = None, None
            return told
        if person.queues != person.said_queues:
            person.said_queues = person.queues
            told.append(AgentQueues(at, person.id, dict.fromkeys(sorted(person.queues)), person.id))
        doing = self._doing(person, at)
        if person.wrap_until and doing[0] in ("paused", "logged_out") and doing[1] != IDLE:
            person.wrap_until = 0  # a break cuts the wrap-up short
        same = person.said is not None and doing[:2] == person.said[:2]
        if doing != person.said and not (same and not doing[2]):  # for which queue somebody worked is not taken back
            person.said, person.said_at = doing, at
            told.append(AgentChanged(at, person.id, doing[0], "", doing[1], doing[2], doing[3]))
        return told

    def _doing(self, person: Person, at: int) -> Doing:
        """The first row that fits."""
        if person.talks:
            return ("on_contact", "", *next(reversed(person.talks.values())))
        if person.state == IN_CALL:
            return "on_contact", "", "", ""
        if person.rings:
            return ("ringing", "", *next(reversed(person.rings.values())))
        if person.state in RINGING:
            return "ringing", "", "", ""
        if person.status == LOGGED_OUT:
            return "logged_out", "", "", ""
        if person.status == ON_BREAK:
            return "paused", "", "", ""
        if person.external_calls:
            return "on_contact", "", "", ""
        if at < person.wrap_until:
            return ("wrap_up", "", *person.wrap_of)
        if person.state == IDLE:
            return "paused", IDLE, "", ""  # on demand: nothing comes until the person asks for it
        return ("available" if person.status in ON_CALL_STATUSES else "unknown"), "", "", ""
