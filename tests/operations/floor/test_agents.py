"""People: what each does, in which queues, and time that is booked once."""

from __future__ import annotations

from collectors import events as e
from operations.floor.agents import group_of, queues_of
from operations.floor.counters import Counters, total
from tests.operations.floor.ledger import Ledger, agent_seconds, at, snapshot

MIN = 60
HOUR = 3600


def does(
    seconds: float, condition: e.AgentCondition, agent: str = "Alice", *, reason: str = "", queue: str = ""
) -> e.AgentChanged:
    return e.AgentChanged(at(seconds), agent, condition, reason=reason, queue=queue)


def serves(seconds: float, *queues: str, agent: str = "Alice") -> e.AgentQueues:
    return e.AgentQueues(at(seconds), agent, dict.fromkeys(queues))


def times(ledger: Ledger, *queues: str) -> dict[str, int]:
    """Seconds booked for a group, without the sum that always goes with them."""
    n = ledger[group_of(queues)].n
    return {name.removesuffix("_ms"): value // 1000 for name, value in n.items() if name != "logged_in_ms"}


def test_a_shift_is_booked_by_condition_and_adds_up_to_signed_in() -> None:
    ledger = Ledger().tell(
        serves(0, "q"), does(0, "available"), does(90, "ringing"), does(95, "on_contact"), does(215, "wrap_up"),
        does(230, "paused", reason="Lunch"), does(2030, "available"), does(2100, "logged_out"),
    ).advance(at(HOUR))  # fmt: skip
    assert times(ledger, "q") == {
        "available": 160, "ringing": 5, "on_contact": 120, "wrap_up": 15, "paused": 1800, "paused_ms:Lunch": 1800,
    }  # fmt: skip
    assert ledger[group_of(["q"])].get("logged_in_ms") == 2_100_000


def test_time_is_cut_at_minutes() -> None:
    ledger = Ledger().tell(serves(0, "q"), does(50, "available"), does(130, "logged_out"))
    assert {minute: cell.get("available_ms") for (_, minute), cell in ledger.booked().items()} == {
        at(0): 10_000, at(60): 60_000, at(120): 10_000,
    }  # fmt: skip


def test_time_is_booked_while_nothing_happens() -> None:
    ledger = Ledger().tell(serves(0, "q"), does(0, "available")).advance(at(150))
    assert times(ledger, "q") == {"available": 120}  # whole minutes only
    assert times(ledger.advance(at(180)), "q") == {"available": 180}


def test_a_person_in_several_queues_works_once_in_the_group_of_all_of_them() -> None:
    ledger = Ledger().tell(serves(0, "b", "a", "c"), does(0, "available")).advance(at(60))
    assert times(ledger, "a", "b", "c") == {"available": 60}
    assert queues_of(group_of(["c", "a", "b"])) == ("a", "b", "c")
    assert queues_of("a") is None
    assert ledger.floor.members == {"a": {"Alice"}, "b": {"Alice"}, "c": {"Alice"}}


def test_a_project_adds_up_every_group_that_touches_its_queues_each_once() -> None:
    ledger = Ledger().tell(
        serves(0, "a", "b"), does(0, "available"), serves(0, "b", agent="Bob"), does(0, "on_contact", "Bob")
    )
    ledger.tell(serves(0, "z", agent="Carol"), does(0, "available", "Carol")).advance(at(60))
    project = {"a", "b"}
    groups = {row for row, _ in ledger.cells if project.intersection(queues_of(row) or ())}
    booked = total(ledger[row] for row in groups)
    assert (booked.get("logged_in_ms"), booked.get("available_ms"), booked.get("on_contact_ms")) == (
        120_000,
        60_000,
        60_000,
    )


def test_a_change_of_queues_moves_the_time_from_then_on() -> None:
    ledger = Ledger().tell(serves(0, "a"), does(0, "available"), serves(30, "a", "b"), serves(50)).advance(at(120))
    assert times(ledger, "a") == {"available": 30}
    assert times(ledger, "a", "b") == {"available": 20}
    assert not ledger.floor.members["a"]


def test_a_change_of_queues_that_is_told_late_moves_what_was_booked_already() -> None:
    early = Ledger().tell(serves(0, "a"), does(0, "available"), serves(30, "b")).advance(at(180))
    late = Ledger().tell(serves(0, "a"), does(0, "available")).advance(at(180)).tell(serves(30, "b")).advance(at(181))
    assert late.booked() == early.booked()


def test_a_condition_that_is_told_late_takes_back_what_was_booked_beyond_it() -> None:
    early = (
        Ledger()
        .tell(serves(0, "a"), does(0, "available"), does(70, "on_contact"), does(100, "logged_out"))
        .advance(at(240))
    )
    late = (
        Ledger()
        .tell(serves(0, "a"), does(0, "available"))
        .advance(at(240))
        .tell(does(70, "on_contact"), does(100, "logged_out"))
    )
    assert late.booked() == early.booked()


def test_a_word_older_than_the_present_condition_changes_nothing() -> None:
    ledger = Ledger().tell(
        serves(0, "a"), does(0, "available"), does(50, "on_contact"), does(20, "paused", reason="Lunch")
    )
    ledger.tell(serves(-5, "b")).advance(at(60))
    assert times(ledger, "a") == {"available": 50, "on_contact": 10}
    assert ledger.floor.agents["Alice"].queues == {"a": None}


def test_a_late_word_about_a_person_never_reaches_behind_a_change_of_queues() -> None:
    ledger = (
        Ledger().tell(does(0, "available"), serves(0, "a"), serves(40, "b"), does(20, "on_contact")).advance(at(60))
    )
    assert times(ledger, "a") == {"available": 40}
    assert times(ledger, "b") == {"on_contact": 20}


def test_words_that_are_told_again_change_nothing() -> None:
    words = [
        serves(0, "a"),
        does(0, "available"),
        does(50, "wrap_up", queue="a"),
        does(70, "available"),
        serves(80, "a", "b"),
        does(90, "paused"),
    ]
    ledger = Ledger().tell(*words).advance(at(180))
    right = {key: cell.copy() for key, cell in ledger.booked().items()}
    assert ledger.tell(*words, *words[2:]).advance(at(181)).booked() == right


def test_repeating_a_condition_keeps_its_beginning_and_may_name_the_work() -> None:
    ledger = Ledger().tell(serves(0, "a"), does(10, "ringing"), does(14, "ringing", queue="a"))
    agent = ledger.floor.agents["Alice"]
    assert (agent.since, agent.queue) == (at(10), "a")


def test_another_reason_is_another_pause() -> None:
    ledger = (
        Ledger()
        .tell(serves(0, "a"), does(0, "paused", reason="Lunch"), does(40, "paused", reason="Training"))
        .advance(at(60))
    )
    assert times(ledger, "a") == {"paused": 60, "paused_ms:Lunch": 40, "paused_ms:Training": 20}
    assert ledger.floor.agents["Alice"].since == at(40)


# ── wrap-up ───────────────────────────────────────────────────────────────────────────────────────


def test_wrap_up_is_booked_to_its_queue_when_it_ends() -> None:
    ledger = Ledger().tell(
        serves(0, "a", "b"), does(0, "on_contact", queue="b"), does(50, "wrap_up", queue="b"), does(75, "available")
    )
    assert {
        (row, minute): cell.get("wrap_ms") for (row, minute), cell in ledger.booked().items() if cell.get("wrap_ms")
    } == {("b", at(60)): 25_000}
    assert times(ledger, "a", "b")["wrap_up"] == 25


def test_wrap_up_without_a_queue_is_the_person_s_time_alone() -> None:
    ledger = Ledger().tell(serves(0, "a"), does(0, "wrap_up"), does(20, "available"))
    assert ledger.counts("a") == {}
    assert times(ledger, "a") == {"wrap_up": 20}


def test_wrap_up_that_ended_unseen_is_not_booked_as_if_it_had_lasted() -> None:
    ledger = Ledger().tell(serves(0, "a"), does(0, "wrap_up", queue="a"), e.WatchLost(at(10)), does(300, "available"))
    assert ledger.counts("a") == {}
    assert times(ledger, "a") == {"wrap_up": 10}


def test_a_list_cannot_tell_wrap_up_from_free_so_it_does_not_end_one() -> None:
    seen = e.SeenAgent("Alice", "available", {"a": None})
    ledger = Ledger().tell(
        serves(0, "a"), does(0, "wrap_up", queue="a"), snapshot(5, queue="a", agents=[seen]), does(20, "available")
    )
    assert ledger.counts("a") == {"wrap_ms": 20_000}


# ── who watched ───────────────────────────────────────────────────────────────────────────────────


def test_no_time_is_booked_while_nobody_watched() -> None:
    ledger = Ledger().tell(serves(0, "a"), does(0, "available"), e.WatchLost(at(90))).advance(at(600))
    assert times(ledger, "a") == {"available": 90}
    assert ledger.floor.agents["Alice"].condition == "unknown"
    seen = e.SeenAgent("Alice", "on_contact", {"a": None}, since=at(400))
    ledger.tell(snapshot(630, queue="a", agents=[seen], unwatched=90)).advance(at(660))
    assert times(ledger, "a") == {"available": 90, "on_contact": 30}
    assert ledger.floor.agents["Alice"].since == at(400)


def test_a_snapshot_takes_back_what_was_booked_before_anybody_knew_that_nobody_watched() -> None:
    """A collector that was killed says nothing; only its successor tells since when nobody had watched."""
    ledger = Ledger().tell(serves(0, "a"), does(0, "available")).advance(at(600))
    assert times(ledger, "a") == {"available": 600}
    seen = e.SeenAgent("Alice", "available", {"a": None})
    ledger.tell(snapshot(630, queue="a", agents=[seen], unwatched=90)).advance(at(660))
    assert times(ledger, "a") == {"available": 90 + 30}


def test_who_is_missing_from_a_list_of_all_their_queues_has_signed_out() -> None:
    ledger = Ledger().tell(
        serves(0, "a"), does(0, "available"), serves(0, "a", "b", agent="Bob"), does(0, "available", "Bob")
    )
    ledger.tell(snapshot(30, queue="a")).advance(at(60))
    assert ledger.floor.agents["Alice"].condition == "logged_out"
    assert ledger.floor.agents["Bob"].condition == "available"  # b was not asked
    assert times(ledger, "a") == {"available": 30}
    assert ledger.floor.members["a"] == {"Bob"}


def test_people_found_at_the_first_connect_are_booked_from_then_on() -> None:
    seen = e.SeenAgent("Alice", "paused", {"a": None}, "Alice Adams", "Lunch", at(-600))
    ledger = Ledger().tell(snapshot(30, queue="a", agents=[seen])).advance(at(60))
    assert times(ledger, "a") == {"paused": 30, "paused_ms:Lunch": 30}
    agent = ledger.floor.agents["Alice"]
    assert (agent.name, agent.since) == ("Alice Adams", at(-600))


def test_what_changed_is_marked_for_saving_and_for_drawing() -> None:
    floor = Ledger().tell(serves(0, "a"), does(0, "available")).floor
    floor.touched_agents.clear(), floor.changed_agents.clear(), floor.changed_queues.clear()
    for event in (serves(10, "b"), does(11, "paused")):
        floor.apply(event)
    assert floor.touched_agents == floor.changed_agents == {"Alice"}
    assert floor.changed_queues == {"a", "b"}


def test_a_shift_over_midnight_belongs_to_both_days() -> None:
    midnight = 20 * HOUR
    ledger = Ledger().tell(
        serves(midnight - 90, "a"), does(midnight - 90, "available"), does(midnight + 45, "logged_out")
    )
    before = total(cell for (_, minute), cell in ledger.booked().items() if minute < at(midnight))
    after = total(cell for (_, minute), cell in ledger.booked().items() if minute >= at(midnight))
    assert (before.get("available_ms"), after.get("available_ms")) == (90_000, 45_000)


def test_people_in_no_queue_have_no_time_anywhere() -> None:
    ledger = Ledger().tell(does(0, "available")).advance(at(600))
    assert agent_seconds(ledger.booked()) == Counters({}, {}, {})
    ledger.tell(serves(590, "a")).advance(at(660))
    assert times(ledger, "a") == {"available": 70}
