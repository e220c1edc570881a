"""The people of a day: when they are there, and what they do when their hands are free."""

from __future__ import annotations

from heapq import heappop
from random import Random

from collectors import events as e
from collectors.simulator.clockwork import Clockwork
from collectors.simulator.people import Line, Person, Visit
from collectors.simulator.roster import Turn


class Staff(Clockwork):
    """Signs people in and out, sends them to breaks and finds them the next contact; what a contact is, a ``Day`` knows."""

    def __init__(self, rng: Random, end_ms: int | None) -> None:
        super().__init__()
        self.end_ms = end_ms
        self.people: dict[str, Person] = {}
        self._rng = rng
        self._here = 0
        self._to_come = 0

    def _offer(self, at: int, visit: Visit, person: Person) -> None:
        """Alert a person, whose hands are free, for a contact that is no longer in line."""
        raise NotImplementedError

    def _deserted(self, at: int, line: Line) -> None:
        """The last one who served a queue has gone."""
        raise NotImplementedError

    @property
    def staffed(self) -> bool:
        """Whether somebody is here, or will come."""
        return bool(self._here or self._to_come)

    def _expect_person(self, person: Person, turn: Turn) -> None:
        self.people[person.name] = person
        self._to_come += 1
        self._at(turn.start_ms, self._log_in, person)
        if turn.end_ms is not None:
            self._at(turn.end_ms, self._shift_over, person)
        for due in turn.breaks:
            self._at(due.at_ms, self._break_due, (person, due.reason, due.ms, None))

    def _handed_over(self, at: int) -> bool:
        return self.end_ms is not None and at >= self.end_ms

    def _set(
        self, at: int, person: Person, condition: e.AgentCondition, reason: str = "", queue: str = "", contact: str = ""
    ) -> None:
        person.condition, person.since = condition, at
        person.reason, person.queue, person.contact = reason, queue, contact
        self._out.append(e.AgentChanged(at, person.name, condition, "", reason, queue, contact))

    def _free(self, at: int, person: Person) -> None:
        """Hands are free: home, a break, the next contact, a promised call; or wait for one."""
        if person.leaving and not (self._handed_over(at) and self._next_for(person)):
            self._log_out(at, person)
            return
        while person.due:
            reason, ms, until = person.due.pop(0)
            ms = ms if until is None else until - at
            if ms > 0:
                self._absent(at, person, reason, ms)
                return
        visit = self._next_for(person)
        if visit is not None:
            if person.condition in ("paused", "logged_out"):
                self._set(at, person, "available")  # nobody is offered a contact while away
            heappop(visit.queue.waiting)
            self._offer(at, visit, person)
            return
        for _, line in person.by_priority:
            if line.callbacks:
                contact = line.callbacks.pop(0)
                self._set(at, person, "on_contact", queue=line.name, contact=contact)
                self._at(at + line.talk(self._rng), self._called_back, (person, line, contact))
                return
        self._set(at, person, "available")
        person.become_free()

    def _called_back(self, at: int, what: tuple[Person, Line, str]) -> None:
        self._wrap_up(at, *what)

    def _next_for(self, person: Person) -> Visit | None:
        """Of the queues that this person serves first, the contact that has waited longest."""
        best: Visit | None = None
        best_priority = 0
        for priority, line in person.by_priority:
            if best is not None and priority > best_priority:
                break
            visit = line.first()
            if visit is not None and (best is None or visit.entered < best.entered):
                best, best_priority = visit, priority
        return best

    def _absent(self, at: int, person: Person, reason: str, ms: int) -> None:
        person.absence += 1
        self._set(at, person, "paused", reason)
        self._at(at + ms, self._back, (person, person.absence))

    def _back(self, at: int, what: tuple[Person, int]) -> None:
        person, absence = what
        if person.condition == "paused" and person.absence == absence:
            self._free(at, person)

    def _break_due(self, at: int, what: tuple[Person, str, int, int | None]) -> None:
        person, reason, ms, until = what
        if person.condition == "logged_out" or person.leaving:
            return
        person.due.append((reason, ms, until))
        if person.condition == "available":
            person.become_busy()
            self._free(at, person)

    def _log_in(self, at: int, person: Person) -> None:
        self._to_come -= 1
        self._here += 1
        for _, line in person.by_priority:
            line.logged_in += 1
        self._out.append(e.AgentQueues(at, person.name, person.serves))
        self._free(at, person)

    def _shift_over(self, at: int, person: Person) -> None:
        person.leaving = True
        if person.condition == "available":
            person.become_busy()
            self._free(at, person)
        elif person.condition == "paused":
            self._free(at, person)

    def _log_out(self, at: int, person: Person) -> None:
        self._here -= 1
        self._set(at, person, "logged_out")
        self._out.append(e.AgentQueues(at, person.name, {}))
        for _, line in person.by_priority:
            line.logged_in -= 1
            if not line.logged_in:
                self._deserted(at, line)

    def _wrap_up(self, at: int, person: Person, line: Line, contact: str) -> None:
        wrap_ms = line.wrap_up(self._rng) if line.wrap_up is not None else 0
        if wrap_ms:
            self._set(at, person, "wrap_up", queue=line.name, contact=contact)
            self._at(at + wrap_ms, self._free, person)
        else:
            self._free(at, person)
