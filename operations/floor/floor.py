"""The floor of one source: who waits, who works, and what is to be counted.

``Floor.apply(event)`` is the fold from which every number comes. It is deterministic (time comes from the events alone) and
idempotent (an event seen twice, or late, changes nothing the second time), so the event log can be replayed from any saved position.
What it books gathers in ``delta`` until somebody drains it; what it changed gathers in the ``touched_*`` sets, for saving.

Conservation holds at every moment: per queue, ``offered = answered + abandoned + left_* + lost_sight + waiting now``, because a visit
books its offer once, and exactly one outcome at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from collectors import events as e
from operations.floor.agents import AWAY, Agent, book_time, group_of
from operations.floor.counters import MINUTE_MS, QUARTER_MS, Counters, from_pairs, wait_slot
from operations.floor.visits import OUTCOME_RANK, Visit, completing, ending, entered_before

REMEMBER_MS = 24 * 3600 * 1000
"""How long an ended visit is remembered, so that a late or repeated word about it finds it."""

VisitKey = tuple[str, str]


class Observed(msgspec.Struct):
    """What a polled ACD last showed of one queue."""

    at: int
    waiting: int | None = None
    longest_since: int | None = None
    agents: dict[str, int] | None = None
    totals: dict[str, int] = {}


class Floor:
    """State of one source. All times are epoch ms; nothing here reads a clock."""

    def __init__(self) -> None:
        self.visits: dict[VisitKey, Visit] = {}
        self.agents: dict[str, Agent] = {}
        self.observed: dict[str, Observed] = {}
        self.reports: dict[str, int] = {}
        self.queues: set[str] = set()
        self.waiting: dict[str, dict[str, Visit]] = {}
        self.members: dict[str, set[str]] = {}
        self.clock = 0
        """The latest time that an event told."""
        self.booked_to = 0
        """Up to when the time of agents is booked (a whole minute)."""
        self.live_since: int | None = None
        """When this source was first watched; history before it may be replaced by an import."""
        self.applied = 0
        self.too_late = 0

        self.delta: dict[tuple[str, int], Counters] = {}
        self.replaced: dict[tuple[str, int], Counters] = {}
        self.touched_visits: set[VisitKey] = set()
        self.touched_agents: set[str] = set()
        self.touched_observed: set[str] = set()
        self.touched_reports: set[str] = set()
        self.changed_queues: set[str] = set()
        self.changed_agents: set[str] = set()
        self._ended: deque[tuple[int, VisitKey]] = deque()
        self._apply: dict[type, Callable[[Any], None]] = {
            e.ContactEntered: self._entered,
            e.ContactRang: self._rang,
            e.ContactRangNoAnswer: self._rang_no_answer,
            e.ContactAnswered: self._answered,
            e.ContactHeld: self._held,
            e.ContactResumed: self._resumed,
            e.ContactCompleted: self._completed,
            e.ContactAbandoned: self._abandoned,
            e.ContactLeft: self._left,
            e.AgentChanged: self._agent_changed,
            e.AgentQueues: self._agent_queues,
            e.Snapshot: self._snapshot,
            e.WatchLost: self._watch_lost,
            e.QueueObserved: self._observed_queue,
            e.IntervalTotals: self._interval_totals,
            e.Reported: self._reported,
        }

    # ── the fold ──────────────────────────────────────────────────────────────────────────────────

    def apply(self, event: e.AnyEvent) -> None:
        """Take one event into account."""
        self.applied += 1
        at = event.at
        if at > self.clock:
            self.clock = at
        self._apply[type(event)](event)

    def advance(self, now_ms: int) -> None:
        """Book everybody's time up to the whole minute before ``now_ms``, and forget what is long over.

        When and how often this is called does not change a total: time booked in two parts adds up to the same.
        """
        upto = now_ms - now_ms % MINUTE_MS
        if upto <= self.booked_to:
            return
        self.booked_to = upto
        for agent in self.agents.values():
            if agent.booked_to < upto and agent.condition not in AWAY:
                book_time(self.book, agent, agent.booked_to, upto)
                agent.booked_to = upto
                self.touched_agents.add(agent.agent)
        self._forget(upto - REMEMBER_MS)

    def book(self, row: str, at: int, name: str, amount: int = 1) -> None:
        """Add to the counter of a row (a queue or a group of agents) in the minute of ``at``."""
        key = (row, at - at % MINUTE_MS)
        cell = self.delta.get(key)
        if cell is None:
            cell = self.delta[key] = Counters({}, {}, {})
        n = cell.n
        n[name] = n.get(name, 0) + amount

    # ── contacts ──────────────────────────────────────────────────────────────────────────────────

    def _new_visit(self, queue: str, contact: str, entered_at: int, latest: Visit | None) -> Visit | None:
        if latest is None and entered_at < self.clock - REMEMBER_MS:
            self.too_late += 1  # its like may have been counted and forgotten
            return None
        if latest is not None and latest.ended_at is not None and entered_at < latest.ended_at:
            entered_at = latest.ended_at  # visits of one contact to one queue never overlap
        visit = Visit(queue, contact, entered_at, entered_at, earlier=latest)
        self.visits[(queue, contact)] = visit
        self.queues.add(queue)
        waiting = self.waiting.get(queue)
        if waiting is None:
            waiting = self.waiting[queue] = {}
        waiting[contact] = visit
        self.book(queue, entered_at, "offered")
        return visit

    def _touch(self, visit: Visit) -> None:
        self.touched_visits.add((visit.queue, visit.contact))
        self.changed_queues.add(visit.queue)

    def _entered(self, event: e.ContactEntered | e.WaitingContact, at: int | None = None) -> None:
        entered_at = event.at if at is None else at  # type: ignore[union-attr]
        key = (event.queue, event.contact)
        latest = self.visits.get(key)
        if entered_before(latest, entered_at):
            assert latest is not None
            if latest.entry_guessed and entered_at <= latest.entered_at:
                self._correct_entry(latest, entered_at)
            if event.caller and not latest.caller:
                latest.caller, latest.caller_name = event.caller, event.caller_name
                self._touch(latest)
            return
        visit = self._new_visit(event.queue, event.contact, entered_at, latest)
        if visit is not None:
            visit.caller, visit.caller_name = event.caller, event.caller_name
            self._live(entered_at)
            self._touch(visit)

    def _correct_entry(self, visit: Visit, entered_at: int) -> None:
        """The entry of a visit that was known by its end alone has arrived: offer and wait move to their place."""
        if visit.earlier is not None and visit.earlier.ended_at is not None:
            entered_at = max(entered_at, visit.earlier.ended_at)
        self.book(visit.queue, visit.offered_at, "offered", -1)
        self.book(visit.queue, entered_at, "offered")
        self._book_outcome(visit, -1)
        visit.wait_ms += visit.entered_at - entered_at
        visit.entered_at = visit.offered_at = entered_at
        visit.entry_guessed = False
        self._book_outcome(visit, 1)
        self._live(entered_at)
        self._touch(visit)

    def _live(self, at: int) -> None:
        if self.live_since is None or at < self.live_since:
            self.live_since = at

    def _visit_ending(self, queue: str, contact: str, at: int, wait_ms: int | None) -> Visit | None:
        """The visit that ends at ``at``: a known one, or one whose beginning was never heard."""
        latest = self.visits.get((queue, contact))
        visit = ending(latest, at)
        if visit is None:
            visit = self._new_visit(queue, contact, at - (wait_ms or 0), latest)
            if visit is not None:
                visit.entry_guessed = wait_ms is None
                self._live(visit.entered_at)
        return visit

    def _end(self, visit: Visit, outcome: str, at: int, wait_ms: int | None, agent: str = "") -> bool:
        """Book an outcome, in place of a worse-informed one. Returns False when nothing changed."""
        if OUTCOME_RANK[outcome] <= OUTCOME_RANK[visit.outcome]:
            return False
        if visit.outcome:
            self._book_outcome(visit, -1)
        else:
            self.waiting[visit.queue].pop(visit.contact, None)
        visit.outcome = outcome
        visit.ended_at = max(at, visit.entered_at)
        visit.wait_ms = max(0, wait_ms if wait_ms is not None else at - visit.entered_at)
        if agent:
            visit.agent = agent
        self._book_outcome(visit, 1)
        self._ended.append((visit.ended_at, (visit.queue, visit.contact)))
        self._touch(visit)
        return True

    def _book_outcome(self, visit: Visit, sign: int) -> None:
        at = visit.ended_at or 0
        self.book(visit.queue, at, visit.outcome, sign)
        if visit.outcome not in ("answered", "abandoned"):
            return
        cell = self.delta[(visit.queue, at - at % MINUTE_MS)]
        slot = wait_slot(visit.wait_ms)
        if visit.outcome == "answered":
            cell.n["answered_wait_ms"] = cell.n.get("answered_wait_ms", 0) + sign * visit.wait_ms
            waits = cell.answered_waits
        else:
            waits = cell.abandoned_waits
        waits[slot] = waits.get(slot, 0) + sign

    def _abandoned(self, event: e.ContactAbandoned) -> None:
        visit = self._visit_ending(event.queue, event.contact, event.at, event.wait_ms)
        if visit is not None:
            self._end(visit, "abandoned", event.at, event.wait_ms)

    def _left(self, event: e.ContactLeft) -> None:
        visit = self._visit_ending(event.queue, event.contact, event.at, event.wait_ms)
        if visit is not None:
            self._end(visit, "left_" + event.why, event.at, event.wait_ms)

    def _answered(self, event: e.ContactAnswered) -> None:
        visit = self._visit_ending(event.queue, event.contact, event.at, event.wait_ms)
        if visit is None:
            return
        if visit.answer_guessed and visit.outcome == "answered":
            self._book_outcome(visit, -1)
            visit.answer_guessed = False
            visit.outcome, visit.ended_at = "", None
            self.waiting.setdefault(visit.queue, {})[visit.contact] = visit
        if not self._end(visit, "answered", event.at, event.wait_ms, event.agent):
            return
        ring_ms = event.ring_ms
        if ring_ms is None and visit.rang_at is not None:
            ring_ms = max(0, event.at - visit.rang_at)
        if ring_ms:
            visit.ring_ms = ring_ms
            self.book(visit.queue, event.at, "ring_ms", ring_ms)

    def _rang(self, event: e.ContactRang) -> None:
        visit = self.visits.get((event.queue, event.contact))
        if visit is not None and visit.waiting:
            visit.rang_at = event.at
            self._touch(visit)

    def _rang_no_answer(self, event: e.ContactRangNoAnswer) -> None:
        # Repeated words about one alert carry the same time and agent; remembered like reports.
        if self._seen(f"rna\x1f{event.queue}\x1f{event.contact}\x1f{event.agent}\x1f{event.at}", event.at):
            return
        self.queues.add(event.queue)
        self.book(event.queue, event.at, "rang_no_answer")
        self.changed_queues.add(event.queue)
        visit = self.visits.get((event.queue, event.contact))
        if visit is not None and visit.waiting:
            visit.rang_at = None
            self._touch(visit)

    def _talking(self, queue: str, contact: str) -> Visit | None:
        latest = self.visits.get((queue, contact))
        return next((visit for visit in latest.chain() if visit.talking), None) if latest else None

    def _held(self, event: e.ContactHeld) -> None:
        visit = self._talking(event.queue, event.contact)
        if visit is not None and visit.held_since is None and event.at >= (visit.ended_at or 0):
            visit.held_since = event.at
            visit.held = True
            self._touch(visit)

    def _resumed(self, event: e.ContactResumed) -> None:
        visit = self._talking(event.queue, event.contact)
        if visit is not None and visit.held_since is not None and event.at >= visit.held_since:
            visit.hold_ms += event.at - visit.held_since
            visit.held_since = None
            self._touch(visit)

    def _completed(self, event: e.ContactCompleted) -> None:
        at = event.at
        key = (event.queue, event.contact)
        visit = completing(self.visits.get(key), at, event.agent)
        spent = (event.talk_ms or 0) + (event.hold_ms or 0)
        if visit is None:
            visit = self._new_visit(*key, at - spent - (event.wait_ms or 0), self.visits.get(key))
            if visit is None:
                return
            visit.entry_guessed = event.wait_ms is None
            self._live(visit.entered_at)
        if visit.over_at is not None:
            return
        if not visit.talking:
            self._end(visit, "answered", max(visit.entered_at, at - spent), event.wait_ms, event.agent)
            visit.answer_guessed = True
        if visit.held_since is not None:
            visit.hold_ms += max(0, at - visit.held_since)
            visit.held_since = None
        if event.hold_ms is not None:
            hold_ms, talk_ms = event.hold_ms, event.talk_ms
        else:
            hold_ms = visit.hold_ms
            talk_ms = None if event.talk_ms is None else max(0, event.talk_ms - hold_ms)
        if talk_ms is None:
            talk_ms = max(0, at - (visit.ended_at or at) - hold_ms)
        visit.over_at = max(at, visit.ended_at or at)
        book, queue = self.book, visit.queue
        book(queue, at, "handled")
        book(queue, at, "talk_ms", talk_ms)
        if hold_ms or visit.held:
            book(queue, at, "hold_ms", hold_ms)
            book(queue, at, "held")
        if event.transferred:
            book(queue, at, "transferred")
        self._ended.append((visit.over_at, key))
        self._touch(visit)

    def _forget(self, before: int) -> None:
        """Drop ended visits and reports that are older than ``before``; a conversation is kept while it lasts."""
        while self._ended and self._ended[0][0] < before:
            _, key = self._ended.popleft()
            latest = self.visits.get(key)
            if latest is None:
                continue
            if latest.waiting or latest.last_at >= before:  # a conversation without an end is over after a day
                # Keep the newest, drop what lies before it and is long over.
                if latest.earlier is not None and not latest.earlier.talking and latest.earlier.last_at < before:
                    latest.earlier = None
                    self.touched_visits.add(key)
                continue
            del self.visits[key]
            self.touched_visits.add(key)
        for name in [name for name, at in self.reports.items() if at < before]:
            del self.reports[name]
            self.touched_reports.add(name)

    # ── agents ────────────────────────────────────────────────────────────────────────────────────

    def _agent(self, agent: str, at: int) -> Agent:
        found = self.agents.get(agent)
        if found is None:
            found = self.agents[agent] = Agent(agent, name=agent, since=at, from_at=at, booked_to=at, queues={})
        return found

    def _agent_changed(self, event: e.AgentChanged) -> None:
        self._change(self._agent(event.agent, event.at), event.at, event.condition, event.reason, event.queue, event.contact, event.name)

    def _change(
        self, agent: Agent, at: int, condition: str, reason: str = "", queue: str = "", contact: str = "", name: str = "", since: int | None = None
    ) -> None:
        """A person's condition from ``at`` on; older words than the present condition change nothing."""
        if name and name != agent.name:
            agent.name = name
            self._touch_agent(agent)
        if at < agent.from_at:
            return
        if (condition, reason) == (agent.condition, agent.reason):
            if (queue and queue != agent.queue) or (contact and contact != agent.contact):
                agent.queue, agent.contact = queue, contact
                self._touch_agent(agent)
            return
        book_time(self.book, agent, agent.booked_to, at)
        if agent.condition == "wrap_up" and agent.queue and condition != "unknown":
            self.book(agent.queue, at, "wrap_ms", at - agent.since)
            self.changed_queues.add(agent.queue)
        agent.condition, agent.reason, agent.queue, agent.contact = condition, reason, queue, contact
        agent.since = at if since is None else min(since, at)
        agent.from_at = agent.booked_to = at
        self._touch_agent(agent)
        if at < self.booked_to:  # a late word: what is booked for everybody else is booked for this one too
            book_time(self.book, agent, at, self.booked_to)
            if condition not in AWAY:
                agent.booked_to = self.booked_to

    def _touch_agent(self, agent: Agent) -> None:
        self.touched_agents.add(agent.agent)
        self.changed_agents.add(agent.agent)
        self.changed_queues.update(agent.queues)

    def _agent_queues(self, event: e.AgentQueues) -> None:
        self._serve(self._agent(event.agent, event.at), event.at, event.queues, event.name)

    def _serve(self, agent: Agent, at: int, queues: dict[str, str | None], name: str = "") -> None:
        if name and name != agent.name:
            agent.name = name
            self._touch_agent(agent)
        if queues == agent.queues:
            return
        group = group_of(queues)
        if group != agent.group:
            if at > agent.booked_to:
                book_time(self.book, agent, agent.booked_to, at)
                agent.booked_to = at
            agent.group = group
        self._touch_agent(agent)  # the queues that lose this person …
        for queue in agent.queues.keys() - queues.keys():
            self.members.get(queue, set()).discard(agent.agent)
        for queue in queues.keys() - agent.queues.keys():
            self.members.setdefault(queue, set()).add(agent.agent)
            self.queues.add(queue)
        agent.queues = dict(queues)
        self._touch_agent(agent)  # … and those that win this person

    # ── the source as a whole ─────────────────────────────────────────────────────────────────────

    def _watch_lost(self, event: e.WatchLost) -> None:
        self._unwatch(event.at)

    def _unwatch(self, at: int) -> None:
        """From ``at`` on nobody knows what the agents did: their time is not booked, theirs is no condition."""
        for agent in self.agents.values():
            if agent.condition not in AWAY and agent.from_at <= at:
                self._change(agent, at, "unknown")

    def _snapshot(self, event: e.Snapshot) -> None:
        """Put right what the whole state contradicts; see rule 5 of the architecture."""
        self._live(event.at)
        if event.unwatched_since is not None:
            self._unwatch(min(event.unwatched_since, event.at))
        self.queues.update(event.queues)
        self.changed_queues.update(event.queues)
        listed: set[VisitKey] = set()
        for contact in event.waiting:
            key = (contact.queue, contact.contact)
            listed.add(key)
            latest = self.visits.get(key)
            if latest is not None and latest.outcome == "lost_sight" and contact.entered_at <= (latest.ended_at or 0):
                self._reopen(latest)  # it had only been missing from an earlier answer
            else:
                self._entered(contact, contact.entered_at)
        for queue in event.queues:
            for name, visit in list(self.waiting.get(queue, {}).items()):
                if (queue, name) not in listed and visit.entered_at < event.asked_at:
                    self._end(visit, "lost_sight", event.at, None)
        seen = set()
        for found in event.agents:
            seen.add(found.agent)
            agent = self._agent(found.agent, event.at)
            self._serve(agent, event.at, found.queues, found.name)
            if agent.condition == "wrap_up" and found.condition == "available":
                continue  # a list cannot tell wrap-up from free; the collector ends it by its own event
            self._change(agent, event.at, found.condition, found.reason, name=found.name, since=found.since)
        covered = set(event.queues)
        for agent in self.agents.values():
            if agent.agent not in seen and covered.issuperset(agent.queues):
                self._serve(agent, event.at, {})
                self._change(agent, event.at, "logged_out")

    def _reopen(self, visit: Visit) -> None:
        self._book_outcome(visit, -1)
        visit.outcome, visit.ended_at, visit.wait_ms = "", None, 0
        self.waiting.setdefault(visit.queue, {})[visit.contact] = visit
        self._touch(visit)

    def _observed_queue(self, event: e.QueueObserved) -> None:
        """A polled queue: what is shown is taken as it is, counters by their difference; one that fell was reset."""
        before = self.observed.get(event.queue)
        if before is not None and event.at <= before.at:
            return
        self._live(event.at)
        if before is not None:
            for name, value in event.totals.items():
                known = before.totals.get(name)
                if known is None:
                    continue
                grown = value - known if value >= known else value
                if grown > 0:
                    self.book(event.queue, event.at, name, grown)
        longest = None if event.longest_wait_ms is None else event.at - event.longest_wait_ms
        self.observed[event.queue] = Observed(event.at, event.waiting, longest, event.agents, dict(event.totals))
        self.queues.add(event.queue)
        self.touched_observed.add(event.queue)
        self.changed_queues.add(event.queue)

    def _interval_totals(self, event: e.IntervalTotals) -> None:
        """The ACD's own account of an interval that was over before the source was watched."""
        start = event.start - event.start % QUARTER_MS
        if self.live_since is not None and start + QUARTER_MS > self.live_since:
            self.too_late += 1
            return
        self.queues.add(event.queue)
        cell = Counters(
            {name: value for name, value in event.counters.items() if value},
            from_pairs(event.answered_waits),
            from_pairs(event.abandoned_waits),
        )
        self.replaced[(event.queue, start)] = cell
        self.changed_queues.add(event.queue)

    def _reported(self, event: e.Reported) -> None:
        if self._seen("report\x1f" + event.id, event.at):
            return
        self.queues.add(event.queue)
        for name, value in event.counters.items():
            self.book(event.queue, event.at, name, value)
        self.changed_queues.add(event.queue)

    def _seen(self, name: str, at: int) -> bool:
        """Whether this word was heard before; one older than the memory counts as heard."""
        if name in self.reports:
            return True
        if at < self.clock - REMEMBER_MS:
            self.too_late += 1
            return True
        self.reports[name] = at
        self.touched_reports.add(name)
        return False

    def drain(self) -> tuple[dict[tuple[str, int], Counters], dict[tuple[str, int], Counters]]:
        """What was booked since the last call: ({(row, minute): change}, {(row, quarter): whole cell in place of what was})."""
        delta, replaced = self.delta, self.replaced
        self.delta, self.replaced = {}, {}
        return delta, replaced

    # ── what it is now ────────────────────────────────────────────────────────────────────────────

    def restore(self, visits: list[Visit], agents: list[Agent], observed: dict[str, Observed], reports: dict[str, int]) -> None:
        """Take over a saved state (see ``operations.store.floor_store``)."""
        for visit in visits:
            key = (visit.queue, visit.contact)
            self.visits[key] = visit
            self.queues.add(visit.queue)
            if visit.waiting:
                self.waiting.setdefault(visit.queue, {})[visit.contact] = visit
        ended = [(v.last_at, key) for key, latest in self.visits.items() for v in latest.chain() if not v.waiting and not v.talking]
        self._ended = deque(sorted(ended))
        for agent in agents:
            self.agents[agent.agent] = agent
            for queue in agent.queues:
                self.members.setdefault(queue, set()).add(agent.agent)
                self.queues.add(queue)
        self.observed = observed
        self.queues.update(observed)
        self.reports = reports
        self.changed_queues.update(self.queues)
