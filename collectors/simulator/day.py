"""One day of the centre: what happens, and what each thing leads to.

A day is a pure function of the scenario, its seed, its date and the incidents that people triggered. It runs from one handover to the next;
what is in the queues then is finished by its own people (see ``Scenario.handover``), so the next day owes it nothing.
Whatever is drawn is drawn in the order in which things happen, so the size of ``advance``'s steps changes nothing.
"""

from __future__ import annotations

from random import Random
from zoneinfo import ZoneInfo

from collectors import events as e
from collectors.simulator.demand import Arrivals, Demand, Draw, drawing
from collectors.simulator.people import OVER, RINGING, TALKING, WAITING, Line, Person, Visit
from collectors.simulator.roster import Turn
from collectors.simulator.scenario import Exit, Scenario
from collectors.simulator.staff import Staff

CONSULT_PATIENCE_MS = 45_000
CONSULT_MS = 15_000
"""How long the two agents talk before the caller is put through."""
BACK_TO_CALLER_MS = 8_000
"""How long an agent takes to tell a caller that nobody could be reached."""
HANG_UP_SOON_MS = 5_000
MOST_HOPS = 2
"""A contact is sent on so often at most: queues that overflow into each other must not play ping-pong."""
MISSED = "No answer"


class Day(Staff):
    """Queues, people and contacts from ``start_ms`` to ``end_ms`` (None: without end) and until the last contact is done.

    ``label`` begins every contact's id and must be unique among days; ``key`` seeds all chance; ``turns``: who works when.
    """

    def __init__(
        self,
        scenario: Scenario,
        key: str,
        label: str,
        start_ms: int,
        end_ms: int | None,
        turns: list[Turn],
        zone: ZoneInfo,
    ) -> None:
        super().__init__(Random(key), end_ms)
        self.start_ms = start_ms
        self._key = key
        self._label = label
        self._contacts = 0
        self._ring: Draw | None = None if scenario.ring is None else drawing(scenario.ring)
        self._ring_timeout = round(scenario.ring_timeout_s * 1000)
        self._missed_pause = round(scenario.missed_pause_s * 1000)
        self._demand = Demand(scenario, key, start_ms, zone)
        priorities: dict[str, set[int]] = {name: set() for name in scenario.queues}
        for team in scenario.teams.values():
            for skill in team.skills:
                for queue, priority in skill.items():
                    priorities[queue].add(priority)
        self.lines = {name: Line(name, rule, priorities[name]) for name, rule in scenario.queues.items()}
        self.active: dict[Visit, None] = {}
        """Every contact that waits or talks, in the order of entering."""
        for turn in turns:
            self._expect_person(Person(turn.name, turn.skill, self.lines, turn.ring_no_answer), turn)
        for name in self.lines:
            self._expect(Arrivals(self._demand, name, f"{key}/{name}", start_ms, end_ms))

    def over(self, at_ms: int) -> bool:
        """Whether the day's end has passed and nobody is left, callers or staff."""
        return self.end_ms is not None and at_ms >= self.end_ms and not self.active and not self.staffed

    # ── callers ───────────────────────────────────────────────────────────────────────────────────

    def _expect(self, arrivals: Arrivals) -> None:
        at = arrivals.next_ms()
        if at is not None:
            self._at(at, self._arrive, arrivals)

    def _arrive(self, at: int, arrivals: Arrivals) -> None:
        self._expect(arrivals)
        line = self.lines[arrivals.queue]
        if at < line.dead_until:
            return
        self._contacts += 1
        caller = line.rule.caller
        if "#" in caller:
            caller = "".join(str(int(10 * self._rng.random())) if sign == "#" else sign for sign in caller)
        self._enter(at, line, f"{self._label}.{self._contacts}", caller)

    def _enter(
        self, at: int, line: Line, contact: str, caller: str, hops: int = 0, consulted_by: Visit | None = None
    ) -> None:
        self._order += 1
        visit = Visit(line, contact, caller, at, self._order, hops, consulted_by)
        self.active[visit] = None
        self._out.append(e.ContactEntered(at, line.name, contact, caller))
        if line.rule.leave_when_empty and not line.logged_in:
            self._leave(at, (visit, "empty", None))
            return
        if consulted_by is not None:
            self._at(at + CONSULT_PATIENCE_MS, self._leave, (visit, "", None))
        else:
            self._plan_leaving(at, line, visit)
        self._route(at, visit)

    def _plan_leaving(self, at: int, line: Line, visit: Visit) -> None:
        """Only the first of all reasons to leave the queue can come true."""
        rng, rule = self._rng, line.rule
        soonest, why, way = line.patience(rng), "", None
        if rule.hang_up_soon and rng.random() < rule.hang_up_soon:
            soonest = int(HANG_UP_SOON_MS * rng.random())
        for name, exit_ in (("timeout", rule.timeout), ("key", rule.key), ("callback", rule.callback)):
            if exit_ is not None and exit_.after_s * 1000 < soonest and rng.random() < exit_.share:
                soonest, why, way = round(exit_.after_s * 1000), name, exit_
        self._at(at + soonest, self._leave, (visit, why, way))

    def _leave(self, at: int, what: tuple[Visit, e.LeftWhy | str, Exit | None]) -> None:
        """A visit ends without an answer, unless it was answered meanwhile. ``why`` "": the caller hangs up."""
        visit, why, way = what
        if visit.state not in (WAITING, RINGING):
            return
        person, line = visit.agent, visit.queue
        visit.state, visit.agent = OVER, None
        del self.active[visit]
        if why:
            self._out.append(e.ContactLeft(at, line.name, visit.contact, why, at - visit.entered))  # type: ignore[arg-type]
        else:
            self._out.append(e.ContactAbandoned(at, line.name, visit.contact, at - visit.entered))
        if person is not None:
            self._free(at, person)
        if visit.consulted_by is not None:
            self._nobody_reached(at, visit.consulted_by)
        if why == "callback":
            line.callbacks.append(visit.contact)
        if way is not None and way.to is not None and visit.hops < MOST_HOPS and not self._handed_over(at):
            self._enter(at, self.lines[way.to], visit.contact, visit.caller, visit.hops + 1)

    def _deserted(self, at: int, line: Line) -> None:
        if line.rule.leave_when_empty:
            for visit in [visit for visit in self.active if visit.queue is line]:
                self._leave(at, (visit, "empty", None))

    def _route(self, at: int, visit: Visit) -> None:
        """To the best free agent, the one who has been free longest among equals; else into the line."""
        for free in visit.queue.free.values():
            if free:
                person = next(iter(free))
                person.become_busy()
                self._offer(at, visit, person)
                return
        visit.queue.join(visit)

    # ── an agent and a contact ────────────────────────────────────────────────────────────────────

    def _offer(self, at: int, visit: Visit, person: Person) -> None:
        visit.agent = person
        if self._ring is None:
            self._answer(at, visit)
            return
        visit.state, visit.rang = RINGING, at
        self._out.append(e.ContactRang(at, visit.queue.name, visit.contact, person.name))
        self._set(at, person, "ringing", queue=visit.queue.name, contact=visit.contact)
        if person.ring_no_answer and self._rng.random() < person.ring_no_answer:
            self._at(at + self._ring_timeout, self._rang_out, visit)
        else:
            self._at(at + min(self._ring_timeout, self._ring(self._rng)), self._pick_up, visit)

    def _pick_up(self, at: int, visit: Visit) -> None:
        if visit.state == RINGING:
            self._answer(at, visit)

    def _rang_out(self, at: int, visit: Visit) -> None:
        person = visit.agent
        if visit.state != RINGING or person is None:
            return
        visit.state, visit.agent = WAITING, None
        self._out.append(e.ContactRangNoAnswer(at, visit.queue.name, visit.contact, person.name, at - visit.rang))
        self._route(at, visit)
        if self._missed_pause:
            self._absent(at, person, MISSED, self._missed_pause)
        else:
            self._free(at, person)

    def _answer(self, at: int, visit: Visit) -> None:
        person, line, rng = visit.agent, visit.queue, self._rng
        assert person is not None
        visit.state, visit.answered, visit.wait_ms = TALKING, at, at - visit.entered
        ring_ms = 0 if self._ring is None else at - visit.rang
        self._out.append(e.ContactAnswered(at, line.name, visit.contact, person.name, visit.wait_ms, ring_ms))
        self._set(at, person, "on_contact", queue=line.name, contact=visit.contact)
        length = line.talk(rng)
        if visit.consulted_by is not None:
            length += CONSULT_MS
            self._at(at + CONSULT_MS, self._put_through, visit)
        elif line.rule.hold and rng.random() < line.rule.hold:
            hold_ms = line.hold_time(rng)
            self._at(at + round(length * (0.2 + 0.6 * rng.random())), self._hold, (visit, hold_ms))
            length += hold_ms
        self._at(at + length, self._talked, visit)

    def _hold(self, at: int, what: tuple[Visit, int]) -> None:
        visit, hold_ms = what
        if visit.state == TALKING:
            self._put_on_hold(at, visit)
            self._at(at + hold_ms, self._resume, visit)

    def _put_on_hold(self, at: int, visit: Visit) -> None:
        visit.held_from = at
        self._out.append(e.ContactHeld(at, visit.queue.name, visit.contact))

    def _resume(self, at: int, visit: Visit) -> None:
        if visit.state == TALKING and visit.held_from is not None:
            visit.hold_ms += at - visit.held_from
            visit.held_from = None
            self._out.append(e.ContactResumed(at, visit.queue.name, visit.contact))

    def _talked(self, at: int, visit: Visit) -> None:
        """Both have said what they had to say: the end, or another queue."""
        if visit.state != TALKING:
            return
        if (
            visit.queue.rule.transfers
            and visit.hops < MOST_HOPS
            and visit.consulted_by is None
            and not self._handed_over(at)
        ):
            chance = self._rng.random()
            for transfer in visit.queue.rule.transfers:
                if chance < transfer.share:
                    target = self.lines[transfer.to]
                    if chance < transfer.share * transfer.attended:
                        self._put_on_hold(at, visit)
                        asking = visit.agent.name if visit.agent else ""
                        self._enter(at, target, visit.contact + "c", asking, visit.hops + 1, consulted_by=visit)
                    else:
                        self._complete(at, visit, transferred=True)
                        self._enter(at, target, visit.contact, visit.caller, visit.hops + 1)
                    return
                chance -= transfer.share
        self._complete(at, visit)

    def _put_through(self, at: int, consult: Visit) -> None:
        """The agent who asked leaves the two others to themselves."""
        visit = consult.consulted_by
        if consult.state == TALKING and visit is not None and visit.state == TALKING:
            self._complete(at, visit, transferred=True)
        consult.consulted_by = None

    def _nobody_reached(self, at: int, visit: Visit) -> None:
        self._resume(at, visit)
        self._at(at + BACK_TO_CALLER_MS, self._complete, visit)

    def _complete(self, at: int, visit: Visit, transferred: bool = False) -> None:
        if visit.state != TALKING:
            return
        person, line = visit.agent, visit.queue
        assert person is not None
        if visit.held_from is not None:
            visit.hold_ms += at - visit.held_from
        visit.state, visit.agent = OVER, None
        del self.active[visit]
        talk_ms = at - visit.answered - visit.hold_ms
        self._out.append(
            e.ContactCompleted(
                at, line.name, visit.contact, person.name, visit.wait_ms, talk_ms, visit.hold_ms, transferred
            )
        )
        self._wrap_up(at, person, line, visit.contact)

    # ── incidents; ``at`` must not lie before what was simulated ──────────────────────────────────

    def surge(self, at: int, queue: str, until: int, factor: float) -> None:
        """For a while ``factor`` times as many contacts come."""
        end = until if self.end_ms is None else min(until, self.end_ms)
        self._at(at, lambda now, _: self._expect(
            Arrivals(self._demand, queue, f"{self._key}/{queue}/surge/{now}", now, end, factor - 1)), None)  # fmt: skip

    def absence(self, at: int, people: list[str], reason: str, until: int) -> None:
        """These people are away from as soon as their hands are free."""
        for name in people:
            self._at(at, self._break_due, (self.people[name], reason, 0, until))

    def dead_trunk(self, at: int, queue: str, until: int) -> None:
        """The queue's callers are cut off, waiting or talking, and no new ones come."""
        self._at(at, self._cut, (self.lines[queue], until))

    def _cut(self, at: int, what: tuple[Line, int]) -> None:
        line, until = what
        line.dead_until = max(line.dead_until, until)
        for visit in [visit for visit in self.active if visit.queue is line]:
            if visit.state == TALKING:
                self._complete(at, visit)
            else:
                self._leave(at, (visit, "", None))
