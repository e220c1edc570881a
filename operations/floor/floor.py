"""The floor of one source: who waits, who works, and what is to be counted.

``Floor.apply(event)`` is the fold from which every number comes. It is deterministic (time comes from the events alone) and
idempotent (an event seen twice changes nothing the second time), so the event log can be replayed from any saved position.
What it books gathers in ``delta`` until somebody drains it; what it changed gathers in the ``touched_*`` sets, for saving.

A contact's visits to a queue follow from the set of words about it (``visits``, ``transitions``); here they are only booked. Conservation
holds at every moment: per queue, ``offered = answered + abandoned + left_* + lost_sight + waiting now``, because a visit books its offer
once, and exactly one outcome at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from itertools import zip_longest
from typing import Any

from collectors import events as e
from operations.floor.agents import AWAY, Agent, book_time, group_of
from operations.floor.aggregates import Account, Observed, growth, observed, told
from operations.floor.counters import MINUTE_MS, QUARTER_MS, Counters, wait_slot
from operations.floor.transitions import SETTLE_WORDS, settle, take
from operations.floor.visits import (
    COMPLETED,
    ENDED,
    ENTERED,
    HELD,
    LISTED,
    MISSING,
    NOTHING,
    RANG,
    RANG_NO_ANSWER,
    RESUMED,
    History,
    Parts,
    Visit,
    Word,
)

REMEMBER_MS = 24 * 3600 * 1000
"""How long a contact is remembered after the last word about it, so that a late or repeated word finds it."""
LOOK_AGAIN_MS = 3600 * 1000

VisitKey = tuple[str, str]


class Floor:
    """State of one source. All times are epoch ms; nothing here reads a clock."""

    def __init__(self) -> None:
        self.visits: dict[VisitKey, History] = {}
        """By (queue, contact): what was said, and the visits that follow."""
        self.agents: dict[str, Agent] = {}
        self.observed: dict[str, Observed] = {}
        self.reports: dict[str, int] = {}
        self.told: dict[tuple[str, int], Account] = {}
        """By (queue, quarter): what the ACD's own account last said, as long as contacts are remembered."""
        self._contacts_since: dict[str, int] = {}
        """By queue: the first word about a contact that is remembered."""
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
        self.touched_told: set[tuple[str, int]] = set()
        self.changed_queues: set[str] = set()
        self.changed_agents: set[str] = set()
        self.changed_contacts: set[VisitKey] = set()
        """Of which an entry, an end or the caller was heard."""
        self._horizon = -REMEMBER_MS
        """Words from before are not taken any more: their like may have been counted and forgotten."""
        self._last_words: list[tuple[int, VisitKey]] = []
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

        When and how often this is called does not change a total: time booked in two parts adds up to the same, and time that a late
        word took back is booked again as it should have been.
        """
        upto = max(now_ms - now_ms % MINUTE_MS, self.booked_to)
        for agent in self.agents.values():
            if agent.booked_to < upto and agent.condition not in AWAY:
                book_time(self._cell, agent, agent.booked_to, upto)
                agent.booked_to = upto
                self.touched_agents.add(agent.agent)
        # Not the clock alone: one event with a date in the far future must not make everything else too late.
        # Nor the present alone: while old events are being caught up, it is they that are remembered.
        self._horizon = min(self.clock, upto) - REMEMBER_MS
        if upto > self.booked_to:
            self.booked_to = upto
            self._forget(self._horizon)

    def book(self, row: str, at: int, name: str, amount: int = 1) -> None:
        """Add to the counter of a row (a queue or a group of agents) in the minute of ``at``."""
        if not amount:
            return
        n = self._cell(row, at).n
        n[name] = n.get(name, 0) + amount

    def _cell(self, row: str, at: int) -> Counters:
        key = (row, at - at % MINUTE_MS)
        cell = self.delta.get(key)
        if cell is None:
            cell = self.delta[key] = Counters({}, {}, {})
        return cell

    # ── contacts ──────────────────────────────────────────────────────────────────────────────────

    def _hear(self, queue: str, contact: str, word: Word, *, caller: str = "", caller_name: str = "") -> bool:
        """Take one word about a contact and book what follows from it. False when it says nothing new."""
        key = (queue, contact)
        if word.at < self._horizon:
            self.too_late += 1
            return False
        # By the word, not by the entry that it tells of: that may lie in a quarter that an import tells whole.
        if self.live_since is None or word.at < self.live_since:
            self.live_since = word.at
        history = self.visits.get(key)
        if history is None:
            history = self.visits[key] = History(queue, contact, [], [])
            self.queues.add(queue)
            heappush(self._last_words, (word.at, key))
            self._contacts_since.setdefault(queue, word.at)
        if caller and not history.caller:
            history.caller, history.caller_name = caller, caller_name
            self.touched_visits.add(key)
            self.changed_contacts.add(key)
        words, visits = history.words, history.visits
        late = bool(words) and word.at <= words[-1].at
        if late and word.at < self._contacts_since[queue]:
            self._contacts_since[queue] = word.at
        if late and word in words:
            return False
        if len(words) >= SETTLE_WORDS and not late:
            settle(history, word)
        if not late and RANG <= word.kind <= RESUMED:
            self.touched_visits.add(key)
            self.changed_queues.add(queue)
            return take(history, word)  # books nothing by what the visits are
        first = visits[0] if len(visits) == 1 else None
        if words and (late or first is None or not first.open):
            before = [visit.parts() for visit in visits]
            fresh = take(history, word)
            after = [visit.parts() for visit in visits]
            for was, is_ in zip_longest(before, after, fillvalue=NOTHING):
                if was != is_:
                    self._book_difference(queue, was, is_)
        else:  # the common case, in order and with one open visit: nothing that is booked can change
            waited = first is not None and not first.outcome
            fresh = take(history, word)
            for visit in visits:
                if visit is not first:
                    self._book_difference(queue, NOTHING, visit.parts())
                    continue
                if waited and visit.ended_at is not None:
                    self._book_outcome(queue, 1, visit.ended_at, visit.outcome, visit.wait_ms, visit.ring_ms)
                if visit.over_at is not None:
                    self._book_over(
                        queue, 1, visit.over_at, visit.talk_ms, visit.hold_ms, visit.held, visit.transferred
                    )
        if fresh:
            self._show_waiting(queue, contact, visits[-1] if visits and not visits[-1].outcome else None)
            self.touched_visits.add(key)
            self.changed_contacts.add(key)
            self.changed_queues.add(queue)
        return fresh

    def _show_waiting(self, queue: str, contact: str, visit: Visit | None) -> None:
        here = self.waiting.get(queue)
        if here is None:
            here = self.waiting[queue] = {}
        if visit is None:
            here.pop(contact, None)
        else:
            here[contact] = visit

    def _book_difference(self, queue: str, was: Parts, is_: Parts) -> None:
        for parts, sign in ((was, -1), (is_, 1)):
            if parts.offer is not None and was.offer != is_.offer:
                self._book_offer(queue, sign, *parts.offer)
            if parts.outcome is not None and was.outcome != is_.outcome:
                self._book_outcome(queue, sign, *parts.outcome)
            if parts.over is not None and was.over != is_.over:
                self._book_over(queue, sign, *parts.over)

    def _book_offer(self, queue: str, sign: int, entered_at: int) -> None:
        self.book(queue, entered_at, "offered", sign)

    def _book_outcome(self, queue: str, sign: int, ended_at: int, outcome: str, wait_ms: int, ring_ms: int) -> None:
        self.book(queue, ended_at, outcome, sign)
        if outcome not in ("answered", "abandoned"):
            return
        cell = self._cell(queue, ended_at)
        waits = cell.abandoned_waits
        if outcome == "answered":
            self.book(queue, ended_at, "answered_wait_ms", sign * wait_ms)
            if ring_ms:
                self.book(queue, ended_at, "ring_ms", sign * ring_ms)
            waits = cell.answered_waits
        slot = wait_slot(wait_ms)
        waits[slot] = waits.get(slot, 0) + sign

    def _book_over(
        self, queue: str, sign: int, over_at: int, talk_ms: int, hold_ms: int, held: bool, transferred: bool
    ) -> None:
        self.book(queue, over_at, "handled", sign)
        self.book(queue, over_at, "talk_ms", sign * talk_ms)
        if held:
            self.book(queue, over_at, "hold_ms", sign * hold_ms)
            self.book(queue, over_at, "held", sign)
        if transferred:
            self.book(queue, over_at, "transferred", sign)

    def _live(self, at: int) -> None:
        if self.live_since is None or at < self.live_since:
            self.live_since = at

    def _entered(self, event: e.ContactEntered) -> None:
        self._hear(
            event.queue, event.contact, Word(event.at, ENTERED), caller=event.caller, caller_name=event.caller_name
        )

    def _abandoned(self, event: e.ContactAbandoned) -> None:
        self._hear(event.queue, event.contact, Word(event.at, ENDED, "", "abandoned", event.wait_ms))

    def _left(self, event: e.ContactLeft) -> None:
        self._hear(event.queue, event.contact, Word(event.at, ENDED, "", "left_" + event.why, event.wait_ms))

    def _answered(self, event: e.ContactAnswered) -> None:
        self._hear(
            event.queue, event.contact, Word(event.at, ENDED, event.agent, "answered", event.wait_ms, event.ring_ms)
        )

    def _rang(self, event: e.ContactRang) -> None:
        self._hear(event.queue, event.contact, Word(event.at, RANG, event.agent))

    def _rang_no_answer(self, event: e.ContactRangNoAnswer) -> None:
        if self._hear(event.queue, event.contact, Word(event.at, RANG_NO_ANSWER, event.agent)):
            self.book(event.queue, event.at, "rang_no_answer")
            # Whoever is not known yet has done nothing that a later word could contradict: known since ever.
            agent = self._agent(event.agent, 0)
            agent.miss(event.queue, event.at)
            self.touched_agents.add(event.agent)
            self.changed_agents.add(event.agent)

    def _held(self, event: e.ContactHeld) -> None:
        self._hear(event.queue, event.contact, Word(event.at, HELD))

    def _resumed(self, event: e.ContactResumed) -> None:
        self._hear(event.queue, event.contact, Word(event.at, RESUMED))

    def _completed(self, event: e.ContactCompleted) -> None:
        word = Word(
            event.at, COMPLETED, event.agent, "", event.wait_ms, event.talk_ms, event.hold_ms, event.transferred
        )
        self._hear(event.queue, event.contact, word)

    def _forget(self, before: int) -> None:
        """Drop contacts and reports of which the last word is older than ``before``.

        Who waits is never dropped; a conversation without an end is over after a day.
        """
        due = self._last_words
        while due and due[0][0] < before:
            _, key = heappop(due)
            history = self.visits[key]
            if history.waiting is not None or history.last_at >= before:
                heappush(due, (max(history.last_at, before + LOOK_AGAIN_MS), key))
                continue
            del self.visits[key]
            self.touched_visits.add(key)
        for name in [name for name, at in self.reports.items() if at < before]:
            del self.reports[name]
            self.touched_reports.add(name)
        for quarter in [key for key in self.told if key[1] < before]:
            del self.told[quarter]
            self.touched_told.add(quarter)

    # ── agents ────────────────────────────────────────────────────────────────────────────────────

    def _agent(self, agent: str, at: int) -> Agent:
        found = self.agents.get(agent)
        if found is None:
            found = self.agents[agent] = Agent(agent, name=agent, since=at, from_at=at, booked_to=at, queues={})
        return found

    def _agent_changed(self, event: e.AgentChanged) -> None:
        self._change(
            self._agent(event.agent, event.at),
            event.at,
            event.condition,
            event.reason,
            event.queue,
            event.contact,
            event.name,
        )

    def _change(
        self,
        agent: Agent,
        at: int,
        condition: str,
        reason: str = "",
        queue: str = "",
        contact: str = "",
        name: str = "",
        since: int | None = None,
    ) -> None:
        """A person's condition from ``at`` on; older words than the present condition change nothing."""
        self._name(agent, name)
        if at < agent.from_at:
            return
        if (condition, reason) == (agent.condition, agent.reason):
            if (queue and queue != agent.queue) or (contact and contact != agent.contact):
                agent.queue, agent.contact = queue, contact
                self._touch_agent(agent)
            return
        moved_at = max(at, agent.group_at)
        # A late word takes back what was booked beyond it; the next ``advance`` books that anew.
        book_time(self._cell, agent, agent.booked_to, moved_at)
        if agent.condition == "wrap_up" and agent.queue and condition != "unknown":
            # From the moment it was seen: counted from ``since``, a word that comes again would count again.
            self.book(agent.queue, at, "wrap_ms", at - agent.from_at)
            self.changed_queues.add(agent.queue)
        agent.condition, agent.reason, agent.queue, agent.contact = condition, reason, queue, contact
        agent.since = at if since is None else min(since, at)
        agent.from_at, agent.booked_to = at, moved_at
        self._touch_agent(agent)

    def _name(self, agent: Agent, name: str) -> None:
        if name and name != agent.name:
            agent.name = name
            self._touch_agent(agent)

    def _touch_agent(self, agent: Agent) -> None:
        self.touched_agents.add(agent.agent)
        self.changed_agents.add(agent.agent)
        self.changed_queues.update(agent.queues)

    def _agent_queues(self, event: e.AgentQueues) -> None:
        self._serve(self._agent(event.agent, event.at), event.at, event.queues, event.name)

    def _serve(self, agent: Agent, at: int, queues: dict[str, str | None], name: str = "") -> None:
        """The queues that a person serves from ``at`` on; older words than the present list change nothing."""
        self._name(agent, name)
        if at < agent.queues_at:
            return
        agent.queues_at = at
        if queues == agent.queues:
            return
        group = group_of(queues)
        if group != agent.group:
            moved_at = max(at, agent.from_at, agent.group_at)
            book_time(self._cell, agent, agent.booked_to, moved_at)
            agent.group, agent.group_at, agent.booked_to = group, moved_at, moved_at
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
        # Told again, an answer is old: a contact that it lacks may since be known to have been there all the time.
        if not self._seen("snapshot\x1f" + blake2b(e.encode([event]), digest_size=12).hexdigest(), event.at):
            self._reconcile_contacts(event)
        self._reconcile_agents(event)

    def _reconcile_contacts(self, event: e.Snapshot) -> None:
        listed: set[VisitKey] = set()
        for found in event.waiting:
            listed.add((found.queue, found.contact))
            word = Word(
                event.at,
                LISTED,
                asked_at=event.asked_at,
                entered_at=found.entered_at,
                unwatched_since=event.unwatched_since,
            )
            self._hear(found.queue, found.contact, word, caller=found.caller, caller_name=found.caller_name)
        for queue in event.queues:
            for contact, visit in list(self.waiting.get(queue, {}).items()):
                if (queue, contact) not in listed and visit.entered_at < event.asked_at:
                    self._hear(queue, contact, Word(event.at, MISSING, asked_at=event.asked_at))

    def _reconcile_agents(self, event: e.Snapshot) -> None:
        seen = set()
        for person in event.agents:
            seen.add(person.agent)
            agent = self._agent(person.agent, event.at)
            self._serve(agent, event.at, person.queues, person.name)
            if agent.condition == "wrap_up" and person.condition == "available":
                continue  # a list cannot tell wrap-up from free; the collector ends it by its own event
            self._change(agent, event.at, person.condition, person.reason, name=person.name, since=person.since)
        covered = set(event.queues)
        for agent in self.agents.values():
            if agent.agent not in seen and covered.issuperset(agent.queues):
                self._serve(agent, event.at, {})
                self._change(agent, event.at, "logged_out")

    def _observed_queue(self, event: e.QueueObserved) -> None:
        """A polled queue: what is shown is taken as it is, counters by their difference."""
        before = self.observed.get(event.queue)
        if before is not None and event.at <= before.at:
            return
        self._live(event.at)
        for name, grown in growth(before, event):
            self.book(event.queue, event.at, name, grown)
        self.observed[event.queue] = observed(before, event)
        self.queues.add(event.queue)
        self.touched_observed.add(event.queue)
        self.changed_queues.add(event.queue)

    def _interval_totals(self, event: e.IntervalTotals) -> None:
        """The ACD's own account of a quarter. Before the source was watched it is set; from then on a sole account's difference is booked.

        In a quarter in which the queue's contacts were told one by one, they are the truth. An account that was true before the last one that was
        told is old and changes nothing; of two that were true at the same time (both told after the quarter's end) the one told later holds.
        """
        start = event.start - event.start % QUARTER_MS
        end, queue, cell = start + QUARTER_MS, event.queue, told(event)
        if event.sole and event.at < end:
            self._live(event.at)  # the quarter that runs is watched from its first account on
        before = self.told.get((queue, start))
        if before is not None and cell.at < before.at:
            return
        if self.live_since is None or end <= self.live_since:
            self.replaced[(queue, start)] = cell.copy()
        elif not event.sole or start < self._horizon or end > self._contacts_since.get(queue, end):
            self.too_late += 1
            return
        else:
            change = cell.copy()
            if before is not None:
                change.add(before, -1)
            if change:
                # In the minute of the news, so that a quarter that runs moves with it; what is told after its end closes it.
                self._cell(queue, min(max(event.at, start), end - 1)).add(change)
        if start >= self._horizon and before != cell:
            self.told[(queue, start)] = cell
            self.touched_told.add((queue, start))
        self.queues.add(queue)
        self.changed_queues.add(queue)

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
        if at < self._horizon:
            self.too_late += 1
            return True
        self.reports[name] = at
        self.touched_reports.add(name)
        return False

    def waiting_untold(self, queue: str) -> bool:
        """Whether the ACD shows this queue and does not say how many wait: not zero, unknown.

        Where the contacts themselves are told one by one, a look that only counts something else leaves nothing open.
        """
        seen = self.observed.get(queue)
        if seen is None or seen.waiting is not None or queue in self._contacts_since:
            return False
        return seen.counts_waiting or not self.visits

    def drain(self) -> tuple[dict[tuple[str, int], Counters], dict[tuple[str, int], Counters]]:
        """What was booked since the last call: ({(row, minute): change}, {(row, quarter): whole cell in place of what was})."""
        delta, replaced = self.delta, self.replaced
        self.delta, self.replaced = {}, {}
        return delta, replaced

    # ── what it is now ────────────────────────────────────────────────────────────────────────────

    def restore(
        self,
        visits: list[History],
        agents: list[Agent],
        observed: dict[str, Observed],
        reports: dict[str, int],
        told: dict[tuple[str, int], Account],
    ) -> None:
        """Take over a saved state (see ``operations.store.floor_store``)."""
        for history in visits:
            key = (history.queue, history.contact)
            self.visits[key] = history
            self.queues.add(history.queue)
            if history.waiting is not None:
                self.waiting.setdefault(history.queue, {})[history.contact] = history.waiting
            self._last_words.append((history.last_at, key))
            first = history.words[0].at if history.words else history.last_at
            self._contacts_since[history.queue] = min(first, self._contacts_since.get(history.queue, first))
        heapify(self._last_words)
        for agent in agents:
            self.agents[agent.agent] = agent
            for queue in agent.queues:
                self.members.setdefault(queue, set()).add(agent.agent)
                self.queues.add(queue)
        self.observed = observed
        self.queues.update(observed)
        self.reports = reports
        self.told = told
        self.changed_queues.update(self.queues)
