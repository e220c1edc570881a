"""What mod_callcenter's events and tables mean, without a wire; the floor is the fake's, the totals are the real fold's."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.events import (
    AgentChanged,
    AgentQueues,
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactCompleted,
    ContactEntered,
    ContactLeft,
    ContactRang,
    ContactRangNoAnswer,
    Snapshot,
)
from collectors.freeswitch.known import Known
from collectors.freeswitch.listing import Listing
from collectors.freeswitch.protocol import EslParser, parse_event
from collectors.freeswitch.tables import parse_table
from collectors.freeswitch.translate import Translator
from collectors.freeswitch.words import AGENT_COLUMNS, MEMBER_COLUMNS, QUEUE_COLUMNS, TIER_COLUMNS, WANTED
from tests.collectors.freeswitch.esl_server import EslServer
from tests.collectors.freeswitch.floor import floor_of, totals
from tests.collectors.freeswitch.frames import event_frame

START = 1_795_320_000.0
Q, OTHER = "support@pbx.example", "sales@pbx.example"
ANNA, BEN = "anna@pbx.example", "ben@pbx.example"


class Watched:
    """A FreeSWITCH and a translator that hears it; time goes on only by ``wait``."""

    def __init__(self, *, skew_s: float = 0.0, queues: list[str] | None = None, keep_s: int = 60, **queue: Any) -> None:
        self.now = START
        self.server = EslServer(clock=lambda: self.now - skew_s)
        self.server.add_queue(Q, **queue)
        self.server.add_queue(OTHER)
        self.queues, self.keep_s = queues, keep_s
        self.events: list[AnyEvent] = []
        self.begin()

    def begin(self, resumed: dict[str, str] | None = None) -> None:
        """A new session, which knows nothing yet."""
        self.known = Known(self.queues, resumed)
        self.translator, self.listing = Translator(self.known, self.keep_s), Listing(self.known)
        self.known.skew_ms = round((self.now - self.server.clock()) * 1000)
        self.heard = len(self.server.said)

    @property
    def now_ms(self) -> int:
        return round(self.now * 1000)

    def wait(self, seconds: float) -> None:
        """Time passes; what it brings about is told."""
        self.hear()
        self.now += seconds
        self.events += self.translator.due(self.now_ms)

    def hear(self) -> list[AnyEvent]:
        """What was said since the last time, through the real parser; returns what it told."""
        told: list[AnyEvent] = []
        for headers in self.server.said[self.heard :]:
            (found,) = EslParser().feed(event_frame(headers))
            told += self.translator.translate(parse_event(found.body, WANTED), self.now_ms)
        self.heard = len(self.server.said)
        self.events += told
        return told

    def tables(self, *, first: bool = False, unwatched_since: int | None = None) -> list[AnyEvent]:
        """A poll, whose answers arrive before any event that was not heard yet."""
        listing, now = self.listing, self.now_ms

        def rows(what: str, needs: tuple[str, ...], free: str = "") -> list[dict[str, str]]:
            return parse_table(self.server.table(what), needs, free)

        listing.queues(rows("queue list", QUEUE_COLUMNS))
        for queue in listing.queue_names:
            listing.members(queue, rows(f"queue list members {queue}", MEMBER_COLUMNS, "cid_name"), now, now)
        told = listing.agents(rows("agent list", AGENT_COLUMNS, "contact"), now)
        told += listing.tiers(rows("tier list", TIER_COLUMNS), now)
        told = [] if first else told
        if first or listing.doubt:
            told += listing.take_over(now, now, unwatched_since, first=first)
        else:
            told += listing.corrections()
        self.events += told
        return told

    def staffed(self, **more: Any) -> Watched:
        """With two agents and everything taken over."""
        self.server.add_agent(ANNA, Q, OTHER, **more)
        self.server.add_agent(BEN, Q)
        self.heard = len(self.server.said)
        self.tables(first=True)
        return self

    def conditions(self, agent: str) -> list[str]:
        return [event.condition for event in self.events if isinstance(event, AgentChanged) and event.agent == agent]

    def only(self, *kinds: type) -> list[AnyEvent]:
        return [event for event in self.events if isinstance(event, kinds)]


# ── a visit ───────────────────────────────────────────────────────────────────────────────────────


def test_an_answered_visit_is_told_with_its_times_to_the_millisecond() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q, "+4930123", "Müller")
    contact = w.server.contact_of(member)
    w.wait(4.25)
    w.server.rings(member, ANNA)
    w.wait(3.5)
    w.server.answer(member, ANNA)
    w.wait(60.1)
    w.server.end(member)
    w.hear()
    at = round(START * 1000)
    assert w.only(ContactEntered, ContactRang, ContactAnswered, ContactCompleted) == [
        ContactEntered(at, Q, contact, "+4930123", "Müller"),
        ContactRang(at + 4_250, Q, contact, ANNA),
        ContactAnswered(at + 7_750, Q, contact, ANNA, 7_750, 3_500),
        ContactCompleted(at + 67_850, Q, contact, ANNA, 7_750, 60_100),
    ]
    assert w.conditions(ANNA) == ["ringing", "ringing", "on_contact", "available"]


@pytest.mark.parametrize("skew_s", [-40_000.0, -1.5, 0.0, 7.0, 86_400.0])
def test_a_wrong_clock_of_the_acd_changes_no_time_and_no_duration(skew_s: float) -> None:
    w = Watched(skew_s=skew_s).staffed(wrap_up_s=20)
    member = w.server.call_enters(Q)
    w.wait(5)
    w.server.answer(member, ANNA)
    w.wait(30)
    w.server.end(member)
    w.wait(60)
    at = round(START * 1000)
    (entered,) = w.only(ContactEntered)
    (answered,) = w.only(ContactAnswered)
    assert (entered.at, answered.at, answered.wait_ms) == (at, at + 5_000, 5_000)  # type: ignore[attr-defined]
    ends = [event.at for event in w.only(AgentChanged) if event.condition == "available"]  # type: ignore[attr-defined]
    assert ends == [at + 55_000]


@pytest.mark.parametrize(
    ("reason", "why"),
    [("TIMEOUT", "timeout"), ("NO_AGENT_TIMEOUT", "empty"), ("EXIT_WITH_KEY", "key"), ("BREAK_OUT", "other")],
)
def test_who_leaves_the_queue_unanswered_leaves_for_the_reason_that_is_told(reason: str, why: str) -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    contact = w.server.contact_of(member)
    w.wait(12)
    w.server.leaves(member, reason)
    assert w.hear() == [ContactLeft(w.now_ms, Q, contact, why, 12_000)]  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["BREAK_OUT", "NONE"])
def test_a_hang_up_is_an_abandon_although_the_module_calls_it_a_break_out(reason: str) -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    contact = w.server.contact_of(member)
    w.wait(12)
    w.server.abandon(member, reason)
    assert w.hear() == [ContactAbandoned(w.now_ms, Q, contact, 12_000)]


def test_one_channel_that_goes_from_queue_to_queue_is_one_contact() -> None:
    w = Watched().staffed()
    first = w.server.call_enters(OTHER)
    contact = w.server.contact_of(first)
    w.wait(30)
    w.server.leaves(first, "TIMEOUT")
    for _ in range(2):
        again = w.server.call_enters(Q, session=contact)
        w.wait(9)
        w.server.leaves(again, "TIMEOUT")
    third = w.server.call_enters(Q, session=contact)
    w.server.answer(third, BEN)
    w.hear()
    assert {event.contact for event in w.only(ContactEntered, ContactLeft, ContactAnswered)} == {contact}  # type: ignore[attr-defined]
    assert totals(w.events, Q) == {"offered": 3, "left_timeout": 2, "answered": 1}
    assert totals(w.events, OTHER) == {"offered": 1, "left_timeout": 1}


def test_an_end_whose_beginning_nobody_saw_is_counted_from_the_times_that_it_tells() -> None:
    w = Watched()
    w.server.add_agent(ANNA, Q)
    member = w.server.call_enters(Q)
    w.now += 8
    w.server.answer(member, ANNA)
    w.now += 40
    w.heard = len(w.server.said)
    w.server.end(member)
    (completed,) = [event for event in w.hear() if isinstance(event, ContactCompleted)]
    assert (completed.wait_ms, completed.talk_ms, completed.agent) == (8_000, 40_000, ANNA)
    assert totals(w.events, Q) == {"offered": 1, "answered": 1, "handled": 1}


# ── resuming ──────────────────────────────────────────────────────────────────────────────────────


def test_a_resume_is_no_second_offer_and_no_abandon() -> None:
    w = Watched(resume=True).staffed()
    member = w.server.call_enters(Q)
    contact = w.server.contact_of(member)
    w.wait(10)
    w.server.abandon(member)
    for _ in range(4):
        w.wait(5)
        w.tables()
    assert totals(w.events, Q) == {"offered": 1, "waiting": 1}
    session = w.server.resumes(member)
    assert session != contact
    w.wait(5)
    w.server.answer(member, ANNA)
    w.wait(70)
    w.server.end(member)
    w.hear()
    assert totals(w.events, Q) == {"offered": 1, "answered": 1, "handled": 1}
    (answered,) = w.only(ContactAnswered)
    assert (answered.contact, answered.wait_ms) == (contact, 35_000)  # type: ignore[attr-defined]


def test_a_place_that_nobody_comes_back_to_is_an_abandon_at_its_true_time() -> None:
    w = Watched(resume=True, discard_s=30).staffed()
    member = w.server.call_enters(Q)
    w.wait(10)
    w.server.abandon(member)
    gone_at = w.now_ms
    w.wait(31)
    assert not w.only(ContactAbandoned)
    w.wait(2)
    (abandoned,) = w.only(ContactAbandoned)
    assert (abandoned.at, abandoned.wait_ms) == (gone_at, 10_000)  # type: ignore[attr-defined]
    assert totals(w.events, Q) == {"offered": 1, "abandoned": 1}


def test_the_settings_bound_how_long_an_abandon_is_kept_back() -> None:
    w = Watched(resume=True, discard_s=3600, keep_s=5).staffed()
    member = w.server.call_enters(Q)
    w.server.abandon(member)
    w.wait(6)
    assert totals(w.events, Q) == {"offered": 1, "abandoned": 1}
    w.server.resumes(member)
    w.hear()
    assert totals(w.events, Q) == {"offered": 2, "abandoned": 1, "waiting": 1}


def test_without_keeping_an_abandon_is_told_at_once() -> None:
    w = Watched(resume=True, keep_s=0).staffed()
    w.server.abandon(w.server.call_enters(Q))
    w.hear()
    assert totals(w.events, Q) == {"offered": 1, "abandoned": 1}


def test_whoever_resumed_is_the_same_contact_for_the_next_session() -> None:
    w = Watched(resume=True).staffed()
    member = w.server.call_enters(Q)
    w.wait(10)
    w.server.abandon(member)
    w.wait(10)
    w.server.resumes(member)
    w.hear()
    w.begin(w.known.resumed)
    w.wait(30)
    w.tables(first=True, unwatched_since=w.now_ms - 20_000)
    w.server.answer(member, ANNA)
    w.server.end(member)
    w.hear()
    assert totals(w.events, Q) == {"offered": 1, "answered": 1, "handled": 1}
    assert not w.known.resumed


def test_a_session_that_ends_tells_the_abandons_that_it_kept_back() -> None:
    w = Watched(resume=True).staffed()
    w.server.abandon(w.server.call_enters(Q))
    w.hear()
    w.events += w.translator.finish()
    assert totals(w.events, Q) == {"offered": 1, "abandoned": 1}


# ── ringing ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cause", ["NO_ANSWER", "USER_BUSY", "CALL_REJECTED", "USER_NOT_REGISTERED"])
def test_an_alert_that_fails_while_the_caller_goes_on_waiting_rang_unanswered(cause: str) -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.server.rings(member, ANNA)
    w.wait(20)
    w.server.rings_out(member, ANNA, cause)
    w.hear()
    (missed,) = w.only(ContactRangNoAnswer)
    assert (missed.agent, missed.ring_ms) == (ANNA, 20_000)  # type: ignore[attr-defined]
    assert totals(w.events, Q) == {"offered": 1, "waiting": 1, "rang_no_answer": 1}
    assert w.conditions(ANNA)[-1] == "available"


def test_an_alert_that_ends_because_the_caller_hung_up_is_nobodys_fault() -> None:
    for caller_first in (True, False):
        w = Watched().staffed()
        member = w.server.call_enters(Q)
        w.server.rings(member, ANNA)
        w.wait(5)
        if caller_first:
            w.server.abandon(member)
            w.server.rings_out(member, ANNA, "ORIGINATOR_CANCEL")
        else:
            w.server.rings_out(member, ANNA, "ORIGINATOR_CANCEL")
            w.server.abandon(member)
        w.wait(10)
        assert totals(w.events, Q) == {"offered": 1, "abandoned": 1}


def test_an_agent_who_goes_on_break_while_it_rings_let_it_ring() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.server.rings(member, ANNA)
    w.wait(5)
    w.server.rings_out(member, ANNA, "ORIGINATOR_CANCEL")
    w.server.status(ANNA, "On Break")
    w.wait(1)
    assert not w.only(ContactRangNoAnswer)
    w.wait(2)
    assert totals(w.events, Q) == {"offered": 1, "waiting": 1, "rang_no_answer": 1}
    assert w.conditions(ANNA)[-1] == "paused"


def test_who_loses_the_race_of_a_ring_all_let_nothing_ring() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.server.rings(member, ANNA)
    w.server.rings(member, BEN)
    w.server.leg_answers(member, BEN)
    w.server.rings_out(member, ANNA, "LOSE_RACE")
    w.server.joined(member, BEN)
    w.wait(10)
    assert totals(w.events, Q) == {"offered": 1, "answered": 1}
    assert w.conditions(ANNA)[-1] == "available"
    assert w.conditions(BEN)[-1] == "on_contact"


def test_who_loses_it_by_a_moment_is_told_of_by_the_state_alone() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.server.rings(member, ANNA)
    w.server.answer(member, BEN)
    w.server.state(ANNA, "Waiting")
    w.wait(10)
    assert totals(w.events, Q) == {"offered": 1, "answered": 1}
    assert w.conditions(ANNA)[-1] == "available"


# ── what is an answer ─────────────────────────────────────────────────────────────────────────────


def test_an_agents_leg_that_answers_and_is_never_joined_is_no_answer() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.server.rings(member, ANNA)
    w.wait(3)
    w.server.leg_answers(member, ANNA)
    w.wait(1)
    w.server.never_joined(member, ANNA)
    w.wait(5)
    assert totals(w.events, Q) == {"offered": 1, "waiting": 1, "rang_no_answer": 1}
    w.server.answer(member, BEN)
    w.hear()
    assert totals(w.events, Q) == {"offered": 1, "answered": 1, "rang_no_answer": 1}


def test_a_caller_who_hangs_up_before_the_legs_are_joined_abandoned() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.server.rings(member, ANNA)
    w.server.leg_answers(member, ANNA)
    w.wait(1)
    w.server.abandon(member, "NONE")
    w.wait(5)
    assert totals(w.events, Q) == {"offered": 1, "abandoned": 1}


def test_a_whispered_announcement_dates_the_answer_when_the_agent_answered() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.wait(10)
    w.server.rings(member, ANNA)
    w.server.leg_answers(member, ANNA)
    answered_at = w.now_ms
    w.wait(6)
    assert not w.only(ContactAnswered)
    w.server.joined(member, ANNA)
    w.hear()
    (answered,) = w.only(ContactAnswered)
    assert (answered.at, answered.wait_ms) == (answered_at, 10_000)  # type: ignore[attr-defined]


def test_two_words_of_one_moment_may_come_in_either_order() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.server.rings(member, ANNA)
    w.hear()
    w.server.leg_answers(member, ANNA)
    w.server.joined(member, ANNA)
    start, *rest = w.server.said[w.heard :]
    w.server.said[w.heard :] = [rest[0], start, *rest[1:]]
    w.hear()
    assert len(w.only(ContactAnswered)) == 1


def test_a_hang_up_at_the_moment_of_the_answer_is_one_answered_contact() -> None:
    """The module says both: cancelled for no reason, and terminated."""
    for before in (True, False):
        w = Watched().staffed()
        member = w.server.call_enters(Q)
        w.wait(7)
        w.server.rings(member, ANNA)
        w.server.leg_answers(member, ANNA)
        row = dict(w.server.members[member])
        if not before:
            w.server.joined(member, ANNA)
        w.server.abandon(member, "NONE")
        w.server.members[member] = row | {"serving_agent": ANNA, "state": "Answered"}
        if before:
            w.server.joined(member, ANNA)
        w.now += 0.1
        w.server.end(member)
        w.hear()
        assert totals(w.events, Q) == {"offered": 1, "answered": 1, "handled": 1}
        assert not w.only(ContactAbandoned)


def test_hold_is_the_agents_own_leg_while_it_talks_and_nothing_else() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.server.answer(member, ANNA)
    w.wait(10)
    w.server.holds(member)
    w.wait(20)
    w.server.holds(member, on=False)
    w.server._fire({"Event-Name": "CHANNEL_HOLD", "Event-Date-Timestamp": "17", "Unique-ID": "somebody-else"})
    w.wait(5)
    w.server.end(member)
    w.hear()
    cells = floor_of(w.events).drain()[0]
    assert sum(cell.get("hold_ms") for cell in cells.values()) == 20_000
    assert sum(cell.get("talk_ms") for cell in cells.values()) == 15_000


# ── agents ────────────────────────────────────────────────────────────────────────────────────────


def test_wrap_up_begins_with_the_end_of_a_conversation_and_ends_by_itself() -> None:
    w = Watched().staffed(wrap_up_s=20)
    member = w.server.call_enters(Q)
    contact = w.server.contact_of(member)
    w.server.answer(member, ANNA)
    w.wait(30)
    w.server.end(member)
    ended_at = w.now_ms
    w.wait(19)
    assert w.conditions(ANNA)[-1] == "wrap_up"
    w.wait(1)
    wrap_up, free = w.only(AgentChanged)[-2:]
    assert (wrap_up.at, wrap_up.queue, wrap_up.contact) == (ended_at, Q, contact)  # type: ignore[attr-defined]
    assert (free.at, free.condition) == (ended_at + 20_000, "available")  # type: ignore[attr-defined]


def test_a_break_cuts_wrap_up_short_and_it_does_not_come_back() -> None:
    w = Watched().staffed(wrap_up_s=60)
    member = w.server.call_enters(Q)
    w.server.answer(member, ANNA)
    w.server.end(member)
    w.wait(10)
    w.server.status(ANNA, "On Break")
    w.wait(10)
    w.server.status(ANNA, "Available")
    w.wait(100)
    assert w.conditions(ANNA)[-3:] == ["wrap_up", "paused", "available"]


def test_wrap_up_that_runs_when_we_connect_is_seen() -> None:
    w = Watched()
    w.server.add_agent(ANNA, Q, wrap_up_s=30)
    w.server.agents[ANNA]["last_bridge_end"] = str(int(START) - 10)
    w.heard = len(w.server.said)
    w.tables(first=True)
    (snapshot,) = w.only(Snapshot)
    assert [person.condition for person in snapshot.agents] == ["wrap_up"]  # type: ignore[attr-defined]
    w.wait(25)
    assert w.conditions(ANNA) == ["available"]


@pytest.mark.parametrize(
    ("status", "state", "condition"),
    [
        ("Available", "Waiting", "available"),
        ("Available (On Demand)", "Waiting", "available"),
        ("Available (On Demand)", "Idle", "paused"),
        ("Available", "Receiving", "ringing"),
        ("Available", "Reserved", "ringing"),
        ("Available", "In a queue call", "on_contact"),
        ("On Break", "Waiting", "paused"),
        ("On Break", "In a queue call", "on_contact"),
        ("Logged Out", "Waiting", "logged_out"),
        ("Logged Out", "Idle", "logged_out"),
        ("Logged Out", "In a queue call", "on_contact"),
        ("Out of this World", "Waiting", "unknown"),
        ("on break", "waiting", "paused"),
        ("logged out", "Waiting", "logged_out"),
        ("Available", "IDLE", "paused"),
        ("Available", "in a queue CALL", "on_contact"),
        ("available", "Waiting", "unknown"),
    ],
)
def test_status_and_state_make_a_condition_alike_in_events_and_tables(status: str, state: str, condition: str) -> None:
    w = Watched().staffed()
    w.server.status(ANNA, status)
    w.server.state(ANNA, state)
    w.hear()
    assert floor_of(w.events).agents[ANNA].condition == condition
    fresh = Watched()
    fresh.server.add_agent(ANNA, Q, status=status)
    fresh.server.agents[ANNA]["state"] = state
    fresh.heard = len(fresh.server.said)
    fresh.tables(first=True)
    assert floor_of(fresh.events).agents[ANNA].condition == condition


def test_an_agent_in_a_call_of_their_own_is_busy_by_the_table_alone() -> None:
    w = Watched().staffed()
    w.server.agents[ANNA]["external_calls_count"] = "1"
    w.wait(10)
    w.tables()
    assert w.conditions(ANNA) == ["on_contact"]


def test_a_table_tells_only_what_changed() -> None:
    w = Watched().staffed()
    for _ in range(3):
        w.wait(10)
        assert w.tables() == []
    w.server.tiers = [tier for tier in w.server.tiers if (tier["agent"], tier["queue"]) != (ANNA, OTHER)]
    w.wait(10)
    assert w.tables() == [AgentQueues(w.now_ms, ANNA, {Q: None}, ANNA)]


def test_an_empty_list_of_agents_is_believed_the_second_time() -> None:
    w = Watched().staffed()
    agents, w.server.agents = w.server.agents, {}
    w.wait(10)
    w.tables()
    assert w.conditions(ANNA) == []
    w.server.agents = agents
    w.wait(10)
    w.tables()
    w.server.agents = {}
    for _ in range(2):
        w.wait(10)
        w.tables()
    assert w.conditions(ANNA) == ["logged_out"]


def test_a_table_that_overtakes_events_does_not_turn_time_back() -> None:
    w = Watched().staffed()
    w.server.status(ANNA, "On Break")
    w.now += 0.01
    w.tables()
    w.server.status(ANNA, "Available")
    w.now += 0.01
    w.hear()
    times = [event.at for event in w.only(AgentChanged)]
    assert times == sorted(times)
    assert floor_of(w.events).agents[ANNA].condition == "available"


# ── tables against events ─────────────────────────────────────────────────────────────────────────


def test_the_first_snapshot_has_who_waits_who_talks_and_who_works_on_what() -> None:
    w = Watched()
    w.server.add_agent(ANNA, Q, OTHER)
    waits = w.server.call_enters(Q, "+86 10", "a|pipe\nand a line")
    talks = w.server.call_enters(Q)
    w.server.abandon(w.server.call_enters(Q))
    w.now += 30
    w.server.answer(talks, ANNA)
    w.now += 5
    w.heard = len(w.server.said)
    w.tables(first=True)
    (snapshot,) = [event for event in w.events if isinstance(event, Snapshot)]
    (waiting,) = snapshot.waiting
    assert waiting.contact == w.server.contact_of(waits)
    assert waiting.caller_name == "a|pipe\nand a line"
    assert waiting.entered_at == round(START * 1000)
    assert snapshot.queues == [Q, OTHER]
    assert snapshot.talking == [w.server.contact_of(talks)]
    assert totals(w.events, Q) == {"offered": 2, "answered": 1, "waiting": 1}
    anna = floor_of(w.events).agents[ANNA]
    assert (anna.condition, anna.queue, anna.contact) == ("on_contact", Q, w.server.contact_of(talks))
    w.wait(10)
    w.server.holds(talks)
    w.server.end(talks)
    w.hear()
    counted = {"offered": 2, "answered": 1, "handled": 1, "held": 1, "waiting": 1}
    assert totals(w.events, Q) == counted


def test_events_that_happen_while_the_tables_are_read_count_once_wherever_they_come() -> None:
    """Each step of a visit may be in the table already when its event arrives after it."""
    steps = ("call_enters", "rings", "leg_answers", "joined", "end")
    for heard_after in range(len(steps) + 1):
        w = Watched().staffed()
        w.wait(60)
        member = ""
        for done, step in enumerate(steps):
            if done == heard_after:
                w.tables()
                w.tables(first=True)
            if step == "call_enters":
                member = w.server.call_enters(Q)
            elif step == "end":
                w.server.end(member)
            else:
                getattr(w.server, step)(member, ANNA)
            w.now += 0.02
        w.tables()
        w.hear()
        w.wait(10)
        w.tables()
        assert totals(w.events, Q) == {"offered": 1, "answered": 1, "handled": 1}, heard_after


def test_a_caller_who_is_heard_before_the_row_is_written_is_not_given_up() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.hear()
    row = w.server.members.pop(member)
    w.now += 0.5
    for _ in range(3):
        w.tables()
    w.tables(first=True)
    assert totals(w.events, Q) == {"offered": 1, "waiting": 1}
    w.server.members[member] = row
    w.wait(10)
    w.tables()
    assert totals(w.events, Q) == {"offered": 1, "waiting": 1}


def test_a_caller_whom_the_tables_have_no_more_is_lost_sight_of_at_the_second() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.wait(10)
    del w.server.members[member]
    w.tables()
    assert totals(w.events, Q) == {"offered": 1, "waiting": 1}
    w.wait(10)
    w.tables()
    assert totals(w.events, Q) == {"offered": 1, "lost_sight": 1}


def test_a_caller_of_whom_no_event_was_heard_is_seen_by_the_second_table() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.heard = len(w.server.said)
    w.wait(10)
    assert w.tables() == []
    w.wait(10)
    w.tables()
    assert totals(w.events, Q) == {"offered": 1, "waiting": 1}
    w.server.answer(member, ANNA)
    w.heard = len(w.server.said)
    for _ in range(2):
        w.wait(10)
        w.tables()
    assert totals(w.events, Q) == {"offered": 1, "answered": 1}
    del w.server.members[member]
    w.server.state(ANNA, "Waiting")
    for _ in range(2):
        w.wait(10)
        w.tables()
    assert floor_of(w.events).agents[ANNA].condition == "available"


def test_a_poll_that_overtakes_an_answer_leaves_it_to_the_events() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.wait(10)
    w.server.rings(member, ANNA)
    w.server.leg_answers(member, ANNA)
    answered_at = w.now_ms
    w.now += 8
    w.server.joined(member, ANNA)
    w.tables()
    w.hear()
    assert [(event.at, event.contact) for event in w.only(ContactAnswered)] == [  # type: ignore[attr-defined]
        (answered_at, w.server.contact_of(member))
    ]


def test_a_talk_that_the_first_tables_tell_of_is_not_told_again_by_events_behind_them() -> None:
    w = Watched()
    w.server.add_agent(ANNA, Q)
    member = w.server.call_enters(Q)
    w.hear()
    w.begin()
    w.now += 10
    w.server.rings(member, ANNA)
    w.server.leg_answers(member, ANNA)
    w.now += 8
    w.server.joined(member, ANNA)
    w.tables(first=True)
    w.hear()
    assert len(w.only(ContactAnswered)) == 1
    assert totals(w.events, Q) == {"offered": 1, "answered": 1}


def test_who_was_joined_while_we_still_watched_is_not_answered_again() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.wait(5)
    w.server.rings(member, ANNA)
    w.server.leg_answers(member, ANNA)
    w.wait(8)  # a whisper: joined much later than answered
    w.server.joined(member, ANNA)
    w.hear()
    w.begin()
    w.wait(30)
    w.tables(first=True, unwatched_since=w.now_ms - 25_000)
    w.server.end(member)
    w.hear()
    assert totals(w.events, Q) == {"offered": 1, "answered": 1, "handled": 1}


def test_a_queue_that_is_unloaded_gives_up_who_waited_there() -> None:
    w = Watched().staffed()
    w.server.call_enters(Q)
    w.wait(10)
    del w.server.queues[Q]
    w.tables()
    assert totals(w.events, Q) == {"offered": 1, "lost_sight": 1}


def test_rows_of_other_queues_and_without_an_id_are_counted_and_left_out() -> None:
    w = Watched().staffed()
    rows = [
        {"queue": OTHER, "uuid": "forged", "session_uuid": "", "joined_epoch": "1", "state": "Waiting"},
        {"queue": Q, "uuid": "", "session_uuid": "", "joined_epoch": "1", "state": "Waiting"},
    ]
    w.listing.members(Q, rows, w.now_ms, w.now_ms)
    assert w.listing.facts == {"odd_rows": 2}
    assert w.tables(first=True)[0].waiting == []  # type: ignore[union-attr]


# ── only some queues ──────────────────────────────────────────────────────────────────────────────


def test_only_the_chosen_queues_and_who_serves_them_are_told() -> None:
    w = Watched(queues=[OTHER]).staffed()
    w.server.answer(w.server.call_enters(Q), BEN)
    w.server.answer(w.server.call_enters(OTHER), ANNA)
    w.hear()
    assert {getattr(event, "queue", OTHER) for event in w.events if not isinstance(event, AgentChanged)} == {OTHER}
    assert set(floor_of(w.events).agents) == {ANNA}
    w.server.tiers = [tier for tier in w.server.tiers if tier["queue"] != OTHER]
    w.wait(10)
    w.tables()
    assert floor_of(w.events).agents[ANNA].condition == "logged_out"
    w.server.add_tier(OTHER, ANNA)
    w.wait(10)
    w.tables()
    assert floor_of(w.events).agents[ANNA].condition == "on_contact"


# ── hostile and odd words ─────────────────────────────────────────────────────────────────────────


def test_events_without_their_headers_or_of_other_modules_say_nothing() -> None:
    w = Watched().staffed()
    actions = [event["CC-Action"] for event in w.server.said if "CC-Action" in event]
    assert actions
    for action in ("member-queue-start", "member-queue-end", "agent-offering", "bridge-agent-start", "bridge-agent-end",
                   "bridge-agent-fail", "agent-status-change", "agent-state-change", "agent-add", "new-action"):  # fmt: skip
        bare = {"Event-Name": "CUSTOM", "Event-Subclass": "callcenter::info", "CC-Action": action}
        assert w.translator.translate(bare, w.now_ms) == []
    foreign = {"Event-Name": "CUSTOM", "Event-Subclass": "sofia::register", "CC-Action": "member-queue-start"}
    assert w.translator.translate(foreign | {"CC-Queue": Q, "CC-Member-UUID": "u"}, w.now_ms) == []


def test_a_clock_that_is_set_back_invents_no_duration() -> None:
    w = Watched().staffed()
    member = w.server.call_enters(Q)
    w.hear()
    w.server.clock = lambda: START - 3600
    w.server.answer(member, ANNA)
    (answered,) = [event for event in w.hear() if isinstance(event, ContactAnswered)]
    assert answered.wait_ms is None


def test_nothing_is_ever_told_to_be_in_the_future() -> None:
    w = Watched(skew_s=100).staffed()
    assert w.known.skew_ms == 100_000
    w.known.skew_ms = 103_000  # measured by a slow answer
    w.server.call_enters(Q)
    w.hear()
    (entered,) = w.only(ContactEntered)
    assert entered.at == w.now_ms


def test_without_a_measured_clock_the_fastest_word_dates_the_others() -> None:
    w = Watched(skew_s=3600).staffed()
    w.known.skew_ms = None
    for delay in (0.4, 0.0, 2.0):
        w.server.call_enters(Q)
        w.now += delay
        w.hear()
    entered = [event.at - round(START * 1000) for event in w.only(ContactEntered)]  # type: ignore[attr-defined]
    assert entered == [400, 400, 400]
