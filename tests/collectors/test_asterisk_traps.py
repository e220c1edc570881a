"""What a wallboard meets on a real Asterisk's wire, trap by trap: the numbers are those of docs/collectors/asterisk.md."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

import pytest

from collectors.asterisk.translate import DECIDE_MS, Translator
from collectors.events import (
    AgentChanged,
    AgentQueues,
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactCompleted,
    ContactEntered,
    ContactHeld,
    ContactLeft,
    ContactRang,
    ContactRangNoAnswer,
    ContactResumed,
    Snapshot,
)
from tests.collectors.recordings import (
    Recording,
    messages_of,
    replay,
    run_a,
    run_a_queue_log,
    told_of,
    trap,
    trap_names,
    trap_queue_log,
    truth_of,
)

T = TypeVar("T")


def of(kind: type[T], events: list[AnyEvent]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def conditions(events: list[AnyEvent], agent: str) -> list[tuple[str, str, str]]:
    """Condition, reason and queue, in order, of one person."""
    return [(e.condition, e.reason, e.queue) for e in of(AgentChanged, events) if e.agent == agent]


def queues_of(events: list[AnyEvent], agent: str) -> list[dict[str, str | None]]:
    return [event.queues for event in of(AgentQueues, events) if event.agent == agent]


def seen_by(recording: Recording, *classes: str) -> Recording:
    """The same session for an AMI user who may read only these classes."""
    kept = []
    for at, raw in recording.messages:
        start = raw.find(b"Privilege: ")
        words = raw[start + 11 : raw.find(b"\r", start)].decode().split(",") if start >= 0 else []
        if start < 0 or set(words) & set(classes):
            kept.append((at, raw))
    return Recording(b"".join(raw for _, raw in kept), kept)


@pytest.mark.parametrize("name", trap_names())
def test_every_recorded_situation_agrees_with_the_queue_log_contact_by_contact(name: str) -> None:
    told = []
    for connection in (1, 2) if name[:3] in ("t30", "t31") else (1,):
        told += replay(trap(name, connection))
    assert told_of(told) == truth_of(trap_queue_log(name))


def test_01_a_complete_without_the_callers_fields_is_paired_by_queue_and_interface() -> None:
    bare = [
        message for message in messages_of(run_a()) if message.event == "AgentComplete" and not message.get("Uniqueid")
    ]
    assert bare, "the recording holds some"
    told = replay(run_a())
    completed = Counter((event.queue, event.agent, event.talk_ms) for event in of(ContactCompleted, told))
    for message in bare:
        assert completed[(message.get("Queue"), message.get("MemberName"), int(message.get("TalkTime")) * 1000)]
    assert len(of(ContactCompleted, told)) == 234
    assert all(event.contact for event in of(ContactCompleted, told))


def test_02_a_second_complete_for_one_conversation_is_not_told_again() -> None:
    recording = trap("t13")
    twice = []
    for at, raw in recording.messages:
        twice.append((at, raw))
        if raw.startswith(b"Event: AgentComplete"):
            twice.append((at + 900, raw.replace(b"Reason: transfer", b"Reason: agent")))
    told = of(ContactCompleted, replay(Recording(recording.raw, twice)))
    assert [(event.transferred, event.talk_ms) for event in told] == [(True, 17000)]


def test_03_an_abandon_that_was_a_timeout_an_emptied_queue_or_a_withdrawal_is_told_as_what_it_was() -> None:
    left = {name: [e.why for e in of(ContactLeft, replay(trap(name)))] for name in ("t09", "t22", "t25", "t33")}
    assert left == {"t09": ["timeout"], "t22": ["empty"], "t25": ["callback"], "t33": ["timeout", "timeout"]}
    assert len(of(ContactAbandoned, replay(run_a()))) == 82
    assert Counter(event.why for event in of(ContactLeft, replay(run_a()))) == {"timeout": 7, "key": 16}


def test_03_a_user_who_hears_only_queue_events_gets_an_abandon_first_and_the_correction_when_the_contact_goes_on() -> (
    None
):
    told = replay(seen_by(trap("t33"), "agent", "system"))
    outcomes = [e for e in told if isinstance(e, ContactAbandoned | ContactLeft | ContactAnswered)]
    first_left = next(e for e in outcomes if isinstance(e, ContactLeft))
    assert isinstance(outcomes[0], ContactAbandoned)  # 1.6 s without a word: at the deadline it is said
    assert isinstance(outcomes[1], ContactLeft) and outcomes[1].why == "other" and outcomes[1].at == outcomes[0].at
    assert isinstance(outcomes[2], ContactLeft)  # joined again within the deadline: never said to be abandoned
    assert isinstance(outcomes[3], ContactAnswered) and len(outcomes) == 4
    assert first_left.wait_ms == 4000


def test_03_a_user_who_hears_hangups_but_no_variables_learns_from_a_missing_hangup() -> None:
    told = replay(seen_by(trap("t09"), "agent", "system", "call"))
    outcomes = [(type(e).__name__, e.queue) for e in told if isinstance(e, ContactAbandoned | ContactLeft)]
    assert outcomes == [("ContactLeft", "sales-en"), ("ContactAbandoned", "overflow")]
    # nothing follows but another channel's hang-up: this caller went on to something that is no queue
    recording = seen_by(trap("t09"), "agent")
    leave = next(i for i, (_, raw) in enumerate(recording.messages) if raw.startswith(b"Event: QueueCallerLeave"))
    hangup = next(raw for _, raw in trap("t05").messages if raw.startswith(b"Event: Hangup\r"))
    told = replay(Recording(b"", [*recording.messages[: leave + 1], (recording.messages[leave][0] + 50, hangup)]))
    words = [(type(e).__name__, getattr(e, "why", "")) for e in told if isinstance(e, ContactAbandoned | ContactLeft)]
    assert words == [("ContactAbandoned", ""), ("ContactLeft", "other")]


def test_03_a_held_back_outcome_carries_the_time_of_the_abandon_and_is_due_within_half_a_second() -> None:
    recording = seen_by(trap("t05"), "agent")
    abandoned_at = next(at for at, raw in recording.messages if raw.startswith(b"Event: QueueCallerAbandon"))
    translator = Translator()
    upto = [row for row in recording.messages if row[0] <= abandoned_at]
    assert not of(ContactAbandoned, replay(Recording(b"", upto), translator, wait_ms=0))
    assert translator.next_due() == abandoned_at + DECIDE_MS
    (told,) = of(ContactAbandoned, translator.due(abandoned_at + DECIDE_MS))
    assert told.at == abandoned_at and told.wait_ms == 1000


def test_04_a_key_exit_has_only_a_leave() -> None:
    (left,) = of(ContactLeft, replay(trap("t10")))
    assert left.why == "key"
    assert not of(ContactAbandoned, replay(trap("t10")))


@pytest.mark.parametrize("name", ["t22", "t23"])
def test_05_a_refused_caller_is_no_contact_of_the_queue_but_is_counted_apart(name: str) -> None:
    translator = Translator()
    told = replay(trap(name), translator)
    assert translator.facts["refused_callers"] == 1
    assert len(of(ContactEntered, told)) == trap_queue_log(name).count("|ENTERQUEUE|")


def test_06_between_leave_and_connect_nothing_is_told_whichever_order_the_words_come_in() -> None:
    told = replay(trap("t01"))
    kinds = [type(event).__name__ for event in told if not isinstance(event, Snapshot | AgentQueues | AgentChanged)]
    assert kinds == ["ContactEntered", "ContactRang", "ContactAnswered", "ContactCompleted"]
    for name in ("t01", "t03", "t15"):  # complete before the device is free, and after
        agent = of(ContactAnswered, replay(trap(name)))[0].agent
        assert conditions(replay(trap(name)), agent)[-1][0] == "available"


def test_07_one_uniqueid_visits_several_queues_and_one_queue_several_times() -> None:
    told = replay(trap("t33"))
    assert len({event.contact for event in of(ContactEntered, told)}) == 1
    assert [e.queue for e in of(ContactEntered, told)] == ["sales-en"] * 3
    assert [e.queue for e in of(ContactEntered, replay(trap("t09")))] == ["sales-en", "overflow"]
    assert [e.queue for e in of(ContactEntered, replay(trap("t12")))] == ["sales-en", "support-l2"]


def test_08_an_alert_ends_also_when_nobody_says_so_and_its_time_is_in_milliseconds_only_without_an_answer() -> None:
    assert conditions(replay(trap("t06")), "Alice Adams")[-2:] == [("ringing", "", "sales-en"), ("available", "", "")]
    assert [event.ring_ms for event in of(ContactRangNoAnswer, replay(trap("t08")))] == [1000, 1000]
    assert [event.ring_ms for event in of(ContactRangNoAnswer, replay(trap("t07")))] == [12000]
    assert [event.ring_ms for event in of(ContactAnswered, replay(trap("t01")))] == [2000]
    told = replay(trap("t28"))
    for loser in ("Quinn Quick", "Pia Park", "Oscar Orr"):
        assert conditions(told, loser)[-2:] == [("ringing", "", "support-l2"), ("available", "", "")]


def test_09_a_person_in_three_queues_is_one_person_and_changes_once() -> None:
    assert conditions(replay(trap("t20")), "Carol Clark") == [
        ("ringing", "", "sales-cn"),
        ("on_contact", "", "sales-cn"),
        ("available", "", ""),
    ]
    snapshot = of(Snapshot, replay(trap("t20")))[0]
    assert [set(a.queues) for a in snapshot.agents if a.agent == "Carol Clark"] == [{"sales-en", "sales-cn", "billing"}]
    assert len(snapshot.agents) == len({agent.agent for agent in snapshot.agents})


def test_10_in_use_while_it_rings_is_ringing() -> None:
    assert conditions(replay(trap("t03")), "Alice Adams") == [
        ("ringing", "", "sales-en"),
        ("on_contact", "", "sales-en"),
        ("available", "", ""),
    ]


def test_11_no_wrap_up_is_invented_and_a_known_one_ends_by_itself() -> None:
    assert not [e for e in of(AgentChanged, replay(run_a())) if e.condition == "wrap_up"]
    told = of(AgentChanged, replay(trap("t01"), Translator(wrap_up_s={"sales-en": 5})))
    (wrap,) = [event for event in told if event.condition == "wrap_up"]
    after = told[told.index(wrap) + 1]
    assert (wrap.queue, after.condition, after.at - wrap.at) == ("sales-en", "available", 5000)


def test_11_the_members_own_wrap_up_goes_before_the_settings() -> None:
    recording = trap("t01")
    own = [(at, raw.replace(b"Wrapuptime: 0", b"Wrapuptime: 3")) for at, raw in recording.messages]
    told = of(AgentChanged, replay(Recording(b"", own), Translator(wrap_up_s=60)))
    at = [event.at for event in told if event.condition == "wrap_up"]
    ended = next(event.at for event in told if event.at > at[0])
    assert ended - at[0] == 3000


def test_12_calls_taken_is_not_read_at_all() -> None:
    """It rises in every queue of the member; conversations are counted by their events."""
    recording = trap("t20")
    lying = [(at, raw.replace(b"CallsTaken: 1", b"CallsTaken: 99")) for at, raw in recording.messages]
    assert replay(Recording(b"", lying)) == replay(recording)


def test_13_every_device_state_has_its_condition() -> None:
    assert [word[0] for word in conditions(replay(trap("t21")), "Leo Lee")] == [
        "on_contact",  # 2 in use, 3 busy
        "logged_out",  # 4 invalid, 5 unavailable
        "ringing",  # 6
        "on_contact",  # 7 ringing and in use, 8 on hold
        "available",  # 1
        "logged_out",
        "on_contact",
        "available",
    ]
    snapshot = of(Snapshot, replay(trap("t01")))[0]
    unset = next(agent for agent in snapshot.agents if agent.agent == "Vera Voss")  # state 0: Asterisk calls it
    assert unset.condition == "available"


def test_14_a_pause_in_all_queues_is_a_pause_in_one_queue_only_is_not_and_the_newest_reason_counts() -> None:
    told = replay(trap("t19"))
    assert conditions(told, "Carol Clark") == [
        ("available", "", ""),
        ("paused", "Lunch", ""),
        ("paused", "Training", ""),
        ("available", "", ""),
    ]
    assert {"billing": "Training", "sales-en": None, "sales-cn": "Training"} in queues_of(told, "Carol Clark")
    assert queues_of(told, "Carol Clark")[-1] == {"billing": None, "sales-en": None, "sales-cn": None}
    told = replay(trap("t27"))
    assert queues_of(told, "Tina Torres")[-1] == {"billing": "Auto-Pause"}
    assert conditions(told, "Tina Torres")[-1] == ("paused", "Auto-Pause", "")


def test_15_realtime_members_are_known_from_their_first_word() -> None:
    told = replay(trap("t22"))
    assert "Wanda Retain" not in {agent.agent for agent in of(Snapshot, told)[0].agents}
    assert queues_of(told, "Wanda Retain")[0] == {"retention": None}
    assert conditions(told, "Wanda Retain")[0] == ("ringing", "", "retention")


def test_16_a_reload_asks_for_the_whole_list_and_a_talk_goes_on_over_it() -> None:
    recording, translator = trap("t17"), Translator()
    reload_at = next(at for at, raw in recording.messages if raw.startswith(b"Event: Reload"))
    replay(Recording(b"", [row for row in recording.messages if row[0] <= reload_at]), translator, wait_ms=0)
    assert translator.wants_status
    assert conditions(replay(recording), "Alice Adams")[-2:] == [("on_contact", "", "sales-en"), ("available", "", "")]


def test_17_a_reset_of_the_counters_changes_nothing_here() -> None:
    assert told_of(replay(trap("t16"))) == truth_of(trap_queue_log("t16"))


def test_18_a_member_removed_while_talking_serves_no_queue_and_is_logged_out_after_the_talk() -> None:
    told = replay(trap("t18"))
    assert queues_of(told, "王伟") == [{"sales-cn": None}, {}]
    assert [word[0] for word in conditions(told, "王伟")] == ["available", "ringing", "on_contact", "logged_out"]


def test_19_two_calls_of_one_person_are_two_conversations_and_the_person_is_free_after_both() -> None:
    told = replay(trap("t15"))
    assert [event.talk_ms for event in of(ContactCompleted, told)] == [12000, 16000]
    assert [word[0] for word in conditions(told, "Pia Park")] == ["ringing", "on_contact", "on_contact", "available"]
    assert of(AgentChanged, told)[-1].at == of(ContactCompleted, told)[-1].at


def test_20_a_member_that_was_optimised_away_is_talking_until_the_queue_says_complete() -> None:
    told = replay(trap("t14"))
    assert [word[0] for word in conditions(told, "Sam Stone")] == ["ringing", "on_contact", "available"]
    (completed,) = of(ContactCompleted, told)
    assert completed.talk_ms == 4000
    assert of(AgentChanged, told)[-1].at == completed.at


def test_21_waits_are_the_logs_whole_seconds_and_asterisks_own_averages_are_not_read() -> None:
    told, truth = told_of(replay(run_a())), truth_of(run_a_queue_log())
    assert told == truth


def test_22_who_waits_is_known_from_joining_and_leaving_not_from_positions() -> None:
    told = replay(trap("t24"))
    assert len(of(ContactEntered, told)) == len(of(ContactAbandoned, told)) == 3


def test_23_lists_and_events_name_things_differently_and_mean_the_same() -> None:
    told = replay(trap("t01"))
    snapshot = of(Snapshot, told)[0]
    assert {"Alice Adams", "李娜"} <= {agent.agent for agent in snapshot.agents}
    assert {agent.agent for agent in snapshot.agents} >= {event.agent for event in of(AgentChanged, told)}
    callers = [(event.caller, event.caller_name) for event in of(ContactEntered, replay(trap("t32")))]
    assert callers == [("", ""), ("8000041", "张 伟: VIP"), ("+4930123", 'O"Neil; x=y|z'), ("", "Anon")]
    listed = [w for s in of(Snapshot, replay(trap("t32"))) for w in s.waiting]
    assert {(w.caller, w.caller_name) for w in listed} <= set(callers)


def test_24_a_contact_that_the_list_names_before_its_join_enters_at_the_same_time_in_both() -> None:
    recording, translator = trap("t24"), Translator()
    head = [row for row in recording.messages if b"QueueCallerAbandon" not in row[1]]
    cut = next(i for i, (_, raw) in enumerate(head) if raw.startswith(b"Event: QueueCallerJoin"))
    told = replay(Recording(b"", head[: cut + 1]), translator, wait_ms=0)
    (entered,) = of(ContactEntered, told)
    translator.expect_list("9", entered.at + 100)
    entry = f"Event: QueueEntry\r\nActionID: 9\r\nQueue: sales-en\r\nUniqueid: {entered.contact}\r\nWait: 0\r\n\r\n"
    params, done = (
        "Event: QueueParams\r\nActionID: 9\r\nQueue: sales-en\r\n\r\n",
        "Event: QueueStatusComplete\r\nActionID: 9\r\n\r\n",
    )
    told = []
    for message in messages_of(Recording((params + entry + done).encode(), [])):
        told += translator.translate(message, entered.at + 800)
    (snapshot,) = of(Snapshot, told)
    assert [waiting.entered_at for waiting in snapshot.waiting] == [entered.at]
    assert snapshot.asked_at == entered.at + 100 and snapshot.at == entered.at + 800


def test_25_the_answer_about_an_unknown_queue_or_to_somebody_elses_question_is_no_snapshot() -> None:
    assert [snapshot.queues for snapshot in of(Snapshot, replay(trap("t29")))][0]
    translator = Translator()
    told = []
    for message in messages_of(trap("t29")):
        told += translator.translate(message, 1)
    assert not of(Snapshot, told)


def test_26_fully_booted_asks_for_the_list() -> None:
    translator = Translator()
    for message in messages_of(trap("t31", 2)):
        translator.translate(message, 1)
    assert translator.wants_status


def test_27_after_a_kill_the_snapshot_of_the_new_session_holds_nobody_who_was_lost() -> None:
    before, after = replay(trap("t31")), replay(trap("t31", 2))
    assert len(of(ContactEntered, before)) == 2 and not of(ContactCompleted, before)
    assert all(not snapshot.waiting for snapshot in of(Snapshot, after))
    eve = [a for s in of(Snapshot, replay(trap("t30", 2))) for a in s.agents if a.agent == "Eve Evans"]
    assert eve[0].condition == "paused" and eve[0].reason == "Lunch" and eve[0].since  # back from astdb, unannounced


def test_28_a_shutdown_closes_what_it_hangs_up_and_ends_the_session() -> None:
    translator = Translator()
    told = replay(trap("t30"), translator)
    assert translator.shut_down
    assert len(of(ContactCompleted, told)) == 1 and len(of(ContactAbandoned, told)) == 1


def test_30_the_events_of_class_agent_alone_give_the_same_offers_and_answers() -> None:
    full, narrow = replay(run_a()), replay(seen_by(run_a(), "agent", "system"))
    for kind in (ContactEntered, ContactAnswered, ContactCompleted, ContactRang, ContactRangNoAnswer):
        assert of(kind, narrow) == of(kind, full)
    assert [e.contact for e in of(ContactLeft, narrow) if e.why == "key"] == [
        e.contact for e in of(ContactLeft, full) if e.why == "key"
    ]


def test_32_an_agent_who_hangs_up_during_the_announcement_leaves_the_contact_waiting() -> None:
    told = replay(trap("t26"))
    assert [word[0] for word in conditions(told, "李娜")] == [
        "available",
        "ringing",
        "available",
        "ringing",
        "available",
    ]
    assert not of(ContactRangNoAnswer, told) and not of(ContactAnswered, told)
    assert len(of(ContactEntered, told)) == 1


def test_hold_and_resume_are_told_for_the_contact_of_the_channel_that_holds() -> None:
    told = replay(trap("t12"))
    assert [(e.queue, type(e).__name__) for e in told if isinstance(e, ContactHeld | ContactResumed)] == [
        ("sales-en", "ContactHeld"),
        ("sales-en", "ContactResumed"),
        ("support-l2", "ContactHeld"),
    ]
