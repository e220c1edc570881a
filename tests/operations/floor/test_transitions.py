"""The transition table of a contact: every event in every state, and the situations that a real Asterisk was seen to make."""

from __future__ import annotations

import itertools

import pytest

from collectors import events as e
from tests.operations.floor.ledger import T0, Ledger, S, at, snapshot

Q, C = "q", "1795315878.8"
HOUR = 3600


def entered(seconds: float, contact: str = C) -> e.ContactEntered:
    return e.ContactEntered(at(seconds), Q, contact)


def rang(seconds: float, agent: str = "Alice") -> e.ContactRang:
    return e.ContactRang(at(seconds), Q, C, agent)


def no_answer(seconds: float, agent: str = "Alice") -> e.ContactRangNoAnswer:
    return e.ContactRangNoAnswer(at(seconds), Q, C, agent)


def answered(
    seconds: float, agent: str = "Alice", wait: float | None = None, ring: float | None = None
) -> e.ContactAnswered:
    return e.ContactAnswered(at(seconds), Q, C, agent, ms(wait), ms(ring))


def held(seconds: float) -> e.ContactHeld:
    return e.ContactHeld(at(seconds), Q, C)


def resumed(seconds: float) -> e.ContactResumed:
    return e.ContactResumed(at(seconds), Q, C)


def completed(
    seconds: float,
    agent: str = "Alice",
    wait: float | None = None,
    talk: float | None = None,
    hold: float | None = None,
    transferred: bool = False,
) -> e.ContactCompleted:
    return e.ContactCompleted(at(seconds), Q, C, agent, ms(wait), ms(talk), ms(hold), transferred)


def abandoned(seconds: float, wait: float | None = None) -> e.ContactAbandoned:
    return e.ContactAbandoned(at(seconds), Q, C, ms(wait))


def left(seconds: float, why: e.LeftWhy = "timeout", wait: float | None = None) -> e.ContactLeft:
    return e.ContactLeft(at(seconds), Q, C, why, ms(wait))


def ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * S)


STATES: dict[str, list[e.AnyEvent]] = {
    "unknown": [],
    "waiting": [entered(0)],
    "ringing": [entered(0), rang(10)],
    "talking": [entered(0), answered(20)],
    "held": [entered(0), answered(20), held(30)],
    "over": [entered(0), answered(20), completed(60)],
    "abandoned": [entered(0), abandoned(20)],
    "left": [entered(0), left(20)],
    "lost": [entered(0), snapshot(20)],
}

EVENTS: dict[str, e.AnyEvent] = {
    "entered": entered(100),
    "rang": rang(100),
    "no_answer": no_answer(100),
    "answered": answered(100),
    "held": held(100),
    "resumed": resumed(100),
    "completed": completed(100),
    "abandoned": abandoned(100),
    "left": left(100),
    "listed": snapshot(101, [(C, 0)]),
    "listed anew": snapshot(101, [(C, 100)]),
    "missing": snapshot(101),
}

NAMES = {
    "O": "offered", "A": "answered", "B": "abandoned", "L": "left_timeout", "X": "lost_sight", "W": "waiting", "H": "handled",
    "R": "rang_no_answer",
}  # fmt: skip

# What has been counted in each state, then what each event makes of it. "=": nothing changes.
TABLE: dict[str, tuple[str, dict[str, str]]] = {
    "unknown": ("", {
        "entered": "O W", "rang": "=", "no_answer": "R", "answered": "O A", "held": "=", "resumed": "=", "completed": "O A H",
        "abandoned": "O B", "left": "O L", "listed": "O W", "listed anew": "O W", "missing": "=",
    }),
    "waiting": ("O W", {
        "entered": "=", "rang": "=", "no_answer": "O W R", "answered": "O A", "held": "=", "resumed": "=", "completed": "O A H",
        "abandoned": "O B", "left": "O L", "listed": "=", "listed anew": "=", "missing": "O X",
    }),
    "ringing": ("O W", {
        "entered": "=", "rang": "=", "no_answer": "O W R", "answered": "O A", "held": "=", "resumed": "=", "completed": "O A H",
        "abandoned": "O B", "left": "O L", "listed": "=", "listed anew": "=", "missing": "O X",
    }),
    "talking": ("O A", {
        "entered": "O O A W", "rang": "=", "no_answer": "O A R", "answered": "O O A A", "held": "=", "resumed": "=", "completed": "O A H",
        "abandoned": "O O A B", "left": "O O A L", "listed": "=", "listed anew": "O O A W", "missing": "=",
    }),
    "held": ("O A", {
        "entered": "O O A W", "rang": "=", "no_answer": "O A R", "answered": "O O A A", "held": "=", "resumed": "=", "completed": "O A H",
        "abandoned": "O O A B", "left": "O O A L", "listed": "=", "listed anew": "O O A W", "missing": "=",
    }),
    "over": ("O A H", {
        "entered": "O O A H W", "rang": "=", "no_answer": "O A H R", "answered": "O O A A H", "held": "=", "resumed": "=",
        "completed": "O O A A H H", "abandoned": "O O A B H", "left": "O O A L H", "listed": "=", "listed anew": "O O A H W", "missing": "=",
    }),
    "abandoned": ("O B", {
        "entered": "O O B W", "rang": "=", "no_answer": "O B R", "answered": "O O A B", "held": "=", "resumed": "=",
        "completed": "O O A B H", "abandoned": "O O B B", "left": "O O B L", "listed": "=", "listed anew": "O O B W", "missing": "=",
    }),
    "left": ("O L", {
        "entered": "O O L W", "rang": "=", "no_answer": "O L R", "answered": "O O A L", "held": "=", "resumed": "=",
        "completed": "O O A L H", "abandoned": "O O B L", "left": "O O L L", "listed": "=", "listed anew": "O O L W", "missing": "=",
    }),
    "lost": ("O X", {
        "entered": "O O X W", "rang": "=", "no_answer": "O X R", "answered": "O A", "held": "=", "resumed": "=", "completed": "O A H",
        "abandoned": "O B", "left": "O L", "listed": "O W", "listed anew": "O O X W", "missing": "=",
    }),
}  # fmt: skip


def tally(ledger: Ledger) -> dict[str, int]:
    counts = ledger.counts()
    return {name: counts[name] for name in NAMES.values() if counts.get(name)}


def meant(letters: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for letter in letters.split():
        found[NAMES[letter]] = found.get(NAMES[letter], 0) + 1
    return {name: found[name] for name in NAMES.values() if name in found}


def test_the_table_speaks_of_every_event_in_every_state() -> None:
    assert TABLE.keys() == STATES.keys()
    assert all(row.keys() == EVENTS.keys() for _, row in TABLE.values())


@pytest.mark.parametrize(("state", "event"), list(itertools.product(STATES, EVENTS)))
def test_each_event_does_in_each_state_what_the_table_says_and_nothing_more_when_it_comes_again(
    state: str, event: str
) -> None:
    counted, row = TABLE[state]
    ledger = Ledger().tell(*STATES[state])
    assert tally(ledger) == meant(counted)
    after = meant(counted if row[event] == "=" else row[event])
    assert tally(ledger.tell(EVENTS[event])) == after
    assert tally(ledger.tell(EVENTS[event])) == after


# ── outcomes ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_best_informed_outcome_wins_in_whatever_order_the_words_arrive(order: tuple[int, ...]) -> None:
    words = [entered(0), abandoned(20), left(20.3, "other"), left(20.5, "key")]
    counts = Ledger().tell(*(words[i] for i in order)).counts()
    assert counts == {"offered": 1, "left_key": 1}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_answer_beats_every_other_word_about_the_same_end(order: tuple[int, ...]) -> None:
    words = [entered(0), abandoned(20), answered(20)]
    assert Ledger().tell(*(words[i] for i in order)).counts() == {
        "offered": 1,
        "answered": 1,
        "answered_wait_ms": 20 * S,
    }


def test_a_wait_that_the_acd_told_is_kept_and_one_that_it_did_not_tell_follows_from_the_times() -> None:
    told = Ledger().tell(entered(0), answered(20.4, wait=20))
    derived = Ledger().tell(entered(0), answered(20.4))
    assert told["q"].answered_waits == {40: 1} and told["q"].get("answered_wait_ms") == 20_000
    assert derived["q"].answered_waits == {41: 1} and derived["q"].get("answered_wait_ms") == 20_400


def test_a_visit_of_which_only_the_end_is_heard_is_offered_when_its_wait_says() -> None:
    ledger = Ledger().tell(abandoned(70, wait=65))
    assert {minute: cell.n for (_, minute), cell in ledger.booked().items()} == {
        T0: {"offered": 1},
        T0 + 60_000: {"abandoned": 1},
    }


def test_an_entry_that_comes_late_puts_offer_and_wait_in_their_place() -> None:
    ledger = Ledger().tell(abandoned(70))
    assert ledger["q"].abandoned_waits == {0: 1}
    ledger.tell(entered(5))
    assert ledger["q"].abandoned_waits == {130: 1}
    assert {minute: cell.n for (_, minute), cell in ledger.booked().items()} == {
        T0: {"offered": 1},
        T0 + 60_000: {"abandoned": 1},
    }


def test_a_clock_that_puts_the_end_before_the_beginning_gives_a_wait_of_zero() -> None:
    ledger = Ledger().tell(entered(10), abandoned(9.2), entered(9.9))
    assert ledger.counts()["abandoned"] == 1
    assert min(ledger["q"].abandoned_waits) >= 0


# ── ring, talk, hold, transfer ────────────────────────────────────────────────────────────────────


def test_a_return_after_ring_no_answer_is_no_second_offer() -> None:
    ledger = Ledger().tell(entered(0), rang(2), no_answer(12), entered(12), rang(15, "Bob"), answered(19, "Bob"))
    assert ledger.counts() == {
        "offered": 1,
        "answered": 1,
        "answered_wait_ms": 19_000,
        "ring_ms": 4_000,
        "rang_no_answer": 1,
    }


def test_each_agent_who_lets_it_ring_counts_once_however_often_it_is_said() -> None:
    ledger = Ledger().tell(entered(0), no_answer(12), no_answer(12), no_answer(12, "Bob"), no_answer(17))
    assert ledger.counts()["rang_no_answer"] == 3


def test_the_ring_of_the_agent_who_answers_counts_when_all_rang() -> None:
    ledger = Ledger().tell(entered(0), rang(2, "Alice"), rang(5, "Bob"), no_answer(9, "Bob"), answered(11, "Alice"))
    assert ledger.counts()["ring_ms"] == 9_000
    assert Ledger().tell(entered(0), rang(2), answered(11, ring=3)).counts()["ring_ms"] == 3_000


def test_talk_without_hold_and_talk_with_hold_inside_it_and_both_apart() -> None:
    begun = [entered(0), answered(10), held(20), resumed(35), held(40), resumed(45)]
    for word, talk_ms, hold_ms in (
        (completed(70), 40_000, 20_000),  # nothing told: from the times
        (completed(70, talk=60), 40_000, 20_000),  # talk includes the hold
        (completed(70, talk=41, hold=19), 41_000, 19_000),  # told apart
    ):
        counts = Ledger().tell(*begun, word).counts()
        assert (counts["talk_ms"], counts["hold_ms"], counts["held"], counts["handled"]) == (talk_ms, hold_ms, 1, 1)


def test_a_contact_that_hangs_up_on_hold_was_on_hold_to_the_end() -> None:
    counts = Ledger().tell(entered(0), answered(10), held(20), completed(70)).counts()
    assert (counts["talk_ms"], counts["hold_ms"]) == (10_000, 50_000)


def test_hold_that_is_told_again_while_the_conversation_goes_on_counts_once() -> None:
    words = [entered(0), answered(10), held(20), resumed(35)]
    counts = Ledger().tell(*words, *words, completed(70)).counts()
    assert (counts["talk_ms"], counts["hold_ms"]) == (45_000, 15_000)


def test_a_conversation_that_is_ended_twice_is_handled_once_and_transferred_if_either_word_says_so() -> None:
    for words in ([completed(60, transferred=True), completed(60)], [completed(60), completed(60.1, transferred=True)]):
        counts = Ledger().tell(entered(0), answered(10), *words).counts()
        assert (counts["handled"], counts["transferred"], counts["talk_ms"]) == (1, 1, 50_000)


def test_a_second_end_after_an_attended_transfer_that_tells_its_talk_is_still_the_same_conversation() -> None:
    counts = (
        Ledger()
        .tell(entered(0), answered(10), completed(60, talk=50, transferred=True), completed(75, talk=65))
        .counts()
    )
    assert (counts["offered"], counts["handled"], counts["talk_ms"]) == (1, 1, 50_000)


def test_an_answer_that_was_never_heard_follows_from_the_end_and_gives_way_to_the_real_one() -> None:
    ledger = Ledger().tell(entered(0), completed(70, talk=55))
    assert ledger.counts() == {"offered": 1, "answered": 1, "answered_wait_ms": 15_000, "handled": 1, "talk_ms": 55_000}
    ledger.tell(answered(14.2, wait=14, ring=3))
    assert ledger.counts() == {
        "offered": 1,
        "answered": 1,
        "answered_wait_ms": 14_000,
        "ring_ms": 3_000,
        "handled": 1,
        "talk_ms": 55_000,
    }
    silent = Ledger().tell(entered(0), completed(70), answered(14))
    assert silent.counts() == {"offered": 1, "answered": 1, "answered_wait_ms": 14_000, "handled": 1, "talk_ms": 56_000}


# ── one contact, several visits ───────────────────────────────────────────────────────────────────


def loop(gap: float) -> list[e.AnyEvent]:
    """A dialplan loop as recorded in t33: one call, three visits to one queue, two of them timed out; ``gap`` between two visits."""
    second, third = 4.004 + gap, 2 * (4.004 + gap)
    return [
        entered(0), left(4.004, wait=4.004),
        entered(second), left(second + 4.004, wait=4.004),
        entered(third), rang(third + 3), answered(third + 4, wait=4), completed(third + 7.5, wait=4, talk=3.5),
    ]  # fmt: skip


@pytest.mark.parametrize("gap", [0, 0.001, 0.4, 1.6, 30])
def test_a_loop_through_one_queue_is_three_visits_in_any_order_of_arrival_and_told_twice(gap: float) -> None:
    words = loop(gap)
    right = Ledger().tell(*words)
    counts = right.counts()
    assert {name: counts.get(name) for name in ("offered", "left_timeout", "answered", "handled", "waiting")} == {
        "offered": 3, "left_timeout": 2, "answered": 1, "handled": 1, "waiting": None,
    }  # fmt: skip
    for order in (words[::-1], words[4:] + words[:4], words[1::2] + words[::2], words + words, words + words[::-1]):
        assert Ledger().tell(*order).booked() == right.booked()


def test_a_loop_without_any_gap_that_tells_no_waits_is_still_three_visits() -> None:
    words = [entered(0), left(4), entered(4), left(8), entered(8), answered(12), completed(15)]
    right = Ledger().tell(*words)
    assert (right.counts()["offered"], right.counts()["left_timeout"], right.counts()["answered"]) == (3, 2, 1)
    for i, word in enumerate(words):
        assert Ledger().tell(*words[: i + 1], word, *words[i + 1 :]).booked() == right.booked()
        assert Ledger().tell(*words, word).booked() == right.booked()
    assert Ledger().tell(*words[::-1]).booked() == right.booked()


def test_a_visit_without_length_right_behind_another_is_told_apart_by_its_wait() -> None:
    ledger = Ledger().tell(entered(0), left(10, wait=10), entered(10), abandoned(10, wait=0))
    assert ledger.counts() == {"offered": 2, "left_timeout": 1, "abandoned": 1}


def test_a_blind_transfer_back_into_the_same_queue_is_a_second_visit_while_the_first_conversation_lasts() -> None:
    words = [
        entered(0),
        answered(5),
        entered(30),
        completed(30.2, transferred=True),
        answered(38, "Bob"),
        completed(60, "Bob"),
    ]
    counts = Ledger().tell(*words).counts()
    assert (counts["offered"], counts["answered"], counts["handled"], counts["transferred"]) == (2, 2, 2, 1)
    assert counts["talk_ms"] == 25_200 + 22_000


@pytest.mark.parametrize("order", list(itertools.permutations(range(2, 6))))
def test_overlapping_conversations_keep_their_own_ends_in_any_order(order: tuple[int, ...]) -> None:
    words = [entered(0), answered(5), entered(30), completed(30.2), answered(38, "Bob"), completed(60, "Bob")]
    right = Ledger().tell(*words)
    assert Ledger().tell(*words[:2], *(words[i] for i in order)).booked() == right.booked()


def test_the_end_of_a_visit_told_by_a_log_whose_clock_is_cut_to_seconds_is_no_second_visit() -> None:
    live = [
        entered(0.304), left(4.308, wait=4), entered(5.909), left(9.914, wait=4), entered(9.914), answered(13.918, wait=4),
        completed(17.422, wait=4, talk=3),
    ]  # fmt: skip
    log = [
        entered(0), left(4.001, wait=4), entered(5.002), left(9.003, wait=4), entered(9.004), answered(13, wait=4),
        completed(17, wait=4, talk=4),
    ]  # fmt: skip
    for words in ([*live, *log], [*log, *live]):
        counts = Ledger().tell(*words).counts()
        assert (counts["offered"], counts["answered"], counts["left_timeout"], counts["handled"]) == (3, 1, 2, 1)


def test_a_visit_shorter_than_a_second_that_two_clocks_tell_is_one_visit() -> None:
    """As recorded: the live feed to the millisecond, the log cut to the second."""
    live, log = [entered(7.656), abandoned(7.97, wait=0)], [entered(7.001), abandoned(7.003, wait=0)]
    for words in ([*live, *log], [*log, *live]):
        assert Ledger().tell(*words).counts() == {"offered": 1, "abandoned": 1}


def test_the_same_contact_in_two_queues_is_two_stories() -> None:
    ledger = Ledger().tell(
        entered(0), e.ContactEntered(at(5), "overflow", C), left(5), e.ContactAbandoned(at(9), "overflow", C)
    )
    assert ledger.counts("q") == {"offered": 1, "left_timeout": 1}
    assert ledger.counts("overflow") == {"offered": 1, "abandoned": 1}


def test_a_queue_that_nobody_ever_named_is_known_from_its_first_word() -> None:
    ledger = Ledger().tell(e.ContactAbandoned(at(9), "brand-new", C))
    assert ledger.floor.queues == {"brand-new"}
    assert ledger.floor.changed_queues == {"brand-new"}


# ── clocks ────────────────────────────────────────────────────────────────────────────────────────


def test_contacts_that_wait_over_midnight_are_offered_yesterday_and_answered_today() -> None:
    ledger = Ledger()
    midnight = 20 * HOUR  # 2026-11-23T00:00:00Z
    ledger.tell(entered(midnight - 45)).advance(at(midnight)).tell(answered(midnight + 30))
    assert {minute: cell.n for (_, minute), cell in ledger.booked().items()} == {
        at(midnight - 60): {"offered": 1},
        at(midnight): {"answered": 1, "answered_wait_ms": 75_000},
    }


def test_an_event_with_a_date_in_the_far_future_does_not_make_the_present_too_late() -> None:
    ledger = Ledger().tell(entered(0, "a")).advance(at(60))
    ledger.tell(entered(40 * 365 * 24 * HOUR, "mad")).advance(at(120))
    ledger.tell(e.ContactAbandoned(at(130), Q, "a"), entered(140, "b"))
    assert ledger.counts() == {"offered": 3, "abandoned": 1, "waiting": 2}
    assert ledger.floor.too_late == 0


def test_a_pbx_clock_that_jumps_an_hour_ahead_and_back_loses_no_contact() -> None:
    ledger = Ledger()
    for jump in (0, HOUR, 0):
        for i in range(3):
            contact = f"{jump}.{i}.{len(ledger.cells)}"
            ledger.tell(entered(jump + i, contact), e.ContactAnswered(at(jump + i + 8), Q, contact, "Alice"))
            ledger.tell(e.ContactCompleted(at(jump + i + 30), Q, contact, "Alice"))
    assert (ledger.counts()["offered"], ledger.counts()["handled"]) == (9, 9)


def test_words_older_than_a_day_are_refused_because_their_like_may_have_been_forgotten() -> None:
    ledger = Ledger().tell(entered(0), abandoned(10)).advance(at(60))
    ledger.tell(entered(25 * HOUR, "new")).advance(at(25 * HOUR + 60))
    assert (Q, C) not in ledger.floor.visits
    ledger.tell(entered(0), abandoned(10))
    assert ledger.counts() == {"offered": 2, "abandoned": 1, "waiting": 1}
    assert ledger.floor.too_late == 2


def test_old_events_that_are_caught_up_after_a_long_stop_are_not_too_late() -> None:
    """The engine was down for two days; the present is far ahead of the log that it now reads."""
    ledger = Ledger().tell(entered(0), answered(10))
    ledger.advance(at(48 * HOUR))
    ledger.tell(completed(70)).advance(at(48 * HOUR + 60))
    ledger.tell(completed(70))
    assert (ledger.counts()["offered"], ledger.counts()["handled"]) == (1, 1)


@pytest.mark.parametrize("event", ["rang", "no_answer", "held", "entered", "left"])
def test_any_first_word_makes_a_queue_known(event: str) -> None:
    assert Ledger().tell(EVENTS[event]).floor.queues == {Q}
