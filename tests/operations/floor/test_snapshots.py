"""What a whole state puts right: who vanished while nobody watched, and what an answer that crossed events on the wire must not break."""

from __future__ import annotations

from collectors import events as e
from tests.operations.floor.ledger import Ledger, at, snapshot
from tests.operations.floor.test_transitions import C, Q, abandoned, answered, completed, entered, left


def test_a_contact_that_vanished_while_nobody_watched_is_lost_from_sight_at_the_reconnect() -> None:
    ledger = Ledger().tell(entered(0), e.WatchLost(at(30)), snapshot(200, unwatched=30))
    assert ledger.counts() == {"offered": 1, "lost_sight": 1}
    assert next(minute for (_, minute), cell in ledger.booked().items() if cell.get("lost_sight")) == at(180)


def test_a_log_that_tells_later_how_it_ended_takes_the_place_of_lost_sight() -> None:
    lost = [entered(0), snapshot(200, unwatched=30)]
    assert Ledger().tell(*lost, abandoned(150, wait=150)).counts() == {"offered": 1, "abandoned": 1}
    assert Ledger().tell(*lost, left(150)).counts() == {"offered": 1, "left_timeout": 1}
    talked = Ledger().tell(*lost, answered(60, wait=60), completed(150, wait=60, talk=90))
    assert talked.counts() == {"offered": 1, "answered": 1, "answered_wait_ms": 60_000, "handled": 1, "talk_ms": 90_000}
    assert (
        talked.booked() == Ledger().tell(entered(0), answered(60, wait=60), completed(150, wait=60, talk=90)).booked()
    )


def test_a_log_can_tell_of_several_visits_within_one_gap() -> None:
    truth = [
        left(50, wait=50),
        entered(60),
        abandoned(90, wait=30),
        entered(120),
        answered(130, wait=10),
        completed(190, wait=10, talk=60),
    ]
    ledger = Ledger().tell(entered(0), snapshot(200, unwatched=30), *truth)
    assert ledger.booked() == Ledger().tell(entered(0), *truth).booked()


def test_a_contact_that_came_anew_in_the_gap_is_a_second_visit_and_the_first_one_was_lost() -> None:
    ledger = Ledger().tell(entered(0), snapshot(200, [(C, 160)], unwatched=30))
    assert ledger.counts() == {"offered": 2, "lost_sight": 1, "waiting": 1}
    assert ledger.floor.waiting[Q][C].entered_at == at(160)
    ledger.tell(abandoned(50, wait=50), entered(160))
    assert ledger.counts() == {"offered": 2, "abandoned": 1, "waiting": 1}


def test_a_contact_that_waited_through_the_gap_goes_on_waiting_whatever_second_the_list_gives() -> None:
    ledger = Ledger().tell(entered(0), snapshot(200, [(C, 0.9)], unwatched=30), answered(210))
    assert ledger.counts() == {"offered": 1, "answered": 1, "answered_wait_ms": 210_000}


def test_contacts_found_waiting_at_the_first_connect_are_offered_when_they_entered_but_were_watched_only_from_then_on() -> (
    None
):
    ledger = Ledger().tell(snapshot(600, [("a", 0), ("b", 590)]))
    assert ledger.counts() == {"offered": 2, "waiting": 2}
    assert {minute for _, minute in ledger.booked()} == {at(0), at(540)}
    assert ledger.floor.live_since == at(600)


def test_a_join_that_comes_after_a_list_that_has_it_already_is_no_second_offer() -> None:
    ledger = Ledger().tell(snapshot(10, [(C, 9)], asked=9.9), entered(9.6), entered(10.1))
    assert ledger.counts() == {"offered": 1, "waiting": 1}


def test_a_contact_that_joined_after_the_question_may_be_missing_from_the_answer() -> None:
    ledger = Ledger().tell(entered(9.95), snapshot(10, asked=9.9))
    assert ledger.counts() == {"offered": 1, "waiting": 1}


def test_an_end_that_comes_after_a_list_that_lacks_the_contact_is_the_outcome() -> None:
    for late in (0.002, 1.5, 60):
        assert Ledger().tell(entered(0), snapshot(10), abandoned(10 + late)).counts() == {"offered": 1, "abandoned": 1}
        assert Ledger().tell(entered(0), snapshot(10), answered(10 + late)).counts()["answered"] == 1


def test_a_list_that_still_has_a_contact_that_just_left_does_not_bring_it_back() -> None:
    for entered_at in (0, 0.9, 10.4):  # whole seconds of waiting may put the entry past the end
        ledger = Ledger().tell(entered(0), abandoned(10), snapshot(10.5, [(C, entered_at)], asked=9.9))
        assert ledger.counts() == {"offered": 1, "abandoned": 1}


def test_a_contact_that_was_missing_from_one_list_waits_again_when_the_next_has_it() -> None:
    ledger = Ledger().tell(entered(0), snapshot(10))
    assert ledger.counts() == {"offered": 1, "lost_sight": 1}
    ledger.tell(snapshot(20, [(C, 0)]))
    assert ledger.counts() == {"offered": 1, "waiting": 1}
    assert ledger.floor.waiting[Q][C].entered_at == at(0)
    assert ledger.tell(answered(31)).counts() == {"offered": 1, "answered": 1, "answered_wait_ms": 31_000}


def test_a_list_told_again_changes_nothing() -> None:
    old = snapshot(10)
    ledger = Ledger().tell(snapshot(5, [("a", 1)]), entered(2), old, snapshot(20, [(C, 2), ("a", 1)]))
    right = ledger.booked()
    assert ledger.tell(old, snapshot(5, [("a", 1)])).booked() == right
    assert ledger.counts() == {"offered": 2, "waiting": 2}


def test_a_late_join_that_an_older_list_lacked_is_not_lost_when_that_list_is_replayed() -> None:
    words = [snapshot(10, asked=9.9), entered(9.5)]
    ledger = Ledger().tell(*words)
    assert ledger.counts() == {"offered": 1, "waiting": 1}
    assert ledger.tell(*words).counts() == {"offered": 1, "waiting": 1}


def test_queues_that_the_answer_does_not_cover_are_left_alone() -> None:
    ledger = Ledger().tell(entered(0), snapshot(10, queue="other"))
    assert ledger.counts() == {"offered": 1, "waiting": 1}


def test_a_contact_that_waits_for_hours_under_a_list_each_minute_costs_no_memory() -> None:
    ledger = Ledger().tell(entered(0))
    for minute in range(1, 300):
        ledger.tell(snapshot(minute * 60, [(C, 0)]))
    assert len(ledger.floor.visits[Q, C].words) == 1


def test_a_restarted_pbx_loses_everybody_who_waited_and_no_one_else() -> None:
    ledger = Ledger().tell(
        entered(0, "talker"), e.ContactAnswered(at(5), Q, "talker", "Bob"), entered(8), entered(9, "b")
    )
    ledger.tell(e.WatchLost(at(20)), snapshot(60, unwatched=20))
    assert ledger.counts() == {"offered": 3, "answered": 1, "answered_wait_ms": 5_000, "lost_sight": 2}
