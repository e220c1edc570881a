"""Run A: six busy minutes of a real Asterisk, against its own log and through the real fold."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from collectors.asterisk.people import SETTLE_MS
from collectors.asterisk.translate import Translator
from collectors.events import AgentChanged, AgentQueues, AnyEvent, ContactCompleted, Snapshot, decode, encode
from operations.floor.counters import Counters, within
from operations.floor.floor import Floor
from tests.collectors.recordings import (
    replay,
    run_a,
    run_a_queue_log,
    run_a_truth,
    run_a_with_lists,
    told_of,
    truth_of,
)


def totals(told: dict[tuple[str, str], list[tuple[str, ...]]]) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for (queue, _), words in told.items():
        for kind, *rest in words:
            counted[queue][kind] += 1
            if kind in ("answered", "completed", "transferred"):
                counted[queue][f"{kind} s"] += int(rest[1])
    return counted


def test_totals_per_queue_equal_what_the_acds_log_counts() -> None:
    counted = totals(told_of(replay(run_a())))
    assert set(counted) == set(run_a_truth())
    for queue, truth in run_a_truth().items():
        ours = counted[queue]
        assert ours["entered"] == truth["offered"]
        assert ours["answered"] == truth["answered"]
        assert ours["answered s"] == truth["sum_hold"]
        assert ours["abandoned"] == truth["abandoned"]
        assert ours["left timeout"] == truth["timeout"]
        assert ours["left key"] == truth["keyexit"]
        assert ours["transferred"] == truth["blind"] + truth["attended"]
        assert ours["completed"] == truth["end_by_agent"] + truth["end_by_caller"]
        assert ours["completed s"] + ours["transferred s"] == truth["sum_talk"]
        assert ours["rang no answer"] == truth["rna"]


def test_every_contact_ends_as_the_acds_log_says() -> None:
    assert told_of(replay(run_a())) == truth_of(run_a_queue_log())


def fold(events: list[AnyEvent]) -> tuple[Floor, dict[str, Counters]]:
    floor = Floor()
    for event in events:
        floor.apply(event)
    cells: dict[str, Counters] = {}
    for (row, _), cell in floor.drain()[0].items():
        cells.setdefault(row, Counters({}, {}, {})).add(cell)
    return floor, cells


def check_floor(events: list[AnyEvent]) -> None:
    floor, cells = fold(events)
    for queue, truth in run_a_truth().items():
        cell = cells[queue]
        assert cell.get("offered") == truth["offered"]
        assert cell.get("answered") == truth["answered"] == cell.get("handled")
        assert cell.get("abandoned") == truth["abandoned"]
        assert cell.get("left_timeout") == truth["timeout"]
        assert cell.get("left_key") == truth["keyexit"]
        assert cell.get("lost_sight") == cell.get("left_other") == 0
        assert cell.get("rang_no_answer") == truth["rna"]
        assert within(cell.answered_waits, truth["sl"]) == truth["answered_in_sl"]
        assert within(cell.abandoned_waits, truth["sl"]) == truth["abandoned_in_sl"]
        assert cell.get("answered_wait_ms") == truth["sum_hold"] * 1000
        assert not floor.waiting.get(queue)


def test_the_floor_counts_what_the_acds_log_counts() -> None:
    check_floor(replay(run_a()))


def test_the_floor_counts_the_same_when_everything_is_said_twice() -> None:
    events = decode(encode(replay(run_a())))
    check_floor([event for event in events for _ in range(2)])


def test_a_whole_list_every_five_seconds_changes_no_total_although_it_races_with_the_events() -> None:
    """Trap 24: a list may name somebody before the join is heard, or leave somebody out whose leave is still to come."""
    events = replay(run_a_with_lists())
    assert sum(isinstance(event, Snapshot) for event in events) > 60
    assert told_of(events) == truth_of(run_a_queue_log())
    check_floor(events)


def test_people_are_told_the_same_with_and_without_the_lists() -> None:
    def seconds(events: list[AnyEvent]) -> dict[str, Counter[str]]:
        floor = Floor()
        for event in events:
            floor.apply(event)
        floor.advance(events[-1].at + 60_000)
        spent: dict[str, Counter[str]] = defaultdict(Counter)
        for (row, _), cell in floor.drain()[0].items():
            for name, ms in cell.n.items():
                if name in ("on_contact_ms", "ringing_ms", "wrap_up_ms"):
                    spent[row][name] += ms
        return spent

    with_lists, without = seconds(replay(run_a_with_lists())), seconds(replay(run_a()))
    total_with, total_without = sum(with_lists.values(), Counter()), sum(without.values(), Counter())
    for name, ms in total_without.items():
        assert abs(total_with[name] - ms) < 0.02 * ms + 1000, name


def test_replaying_the_recording_tells_the_very_same_events() -> None:
    assert encode(replay(run_a())) == encode(replay(run_a()))


def test_a_person_is_in_one_condition_at_a_time_in_order_and_never_told_twice() -> None:
    last: dict[str, AgentChanged] = {}
    served: dict[str, Any] = {}
    for event in replay(run_a()):
        if isinstance(event, Snapshot):
            served |= {agent.agent: agent.queues for agent in event.agents}
        elif isinstance(event, AgentQueues):
            assert event.queues != served.get(event.agent)
            served[event.agent] = event.queues
        elif isinstance(event, AgentChanged):
            before = last.get(event.agent)
            if before is not None:
                assert before.at <= event.at
                assert (before.condition, before.reason, before.queue, before.contact) != (
                    event.condition,
                    event.reason,
                    event.queue,
                    event.contact,
                )
            last[event.agent] = event


def test_whoever_completes_was_on_that_contact_and_is_something_else_at_the_same_moment() -> None:
    working: dict[str, set[tuple[str, str]]] = defaultdict(set)
    events = replay(run_a(), Translator(wrap_up_s=5))
    changes = [event for event in events if isinstance(event, AgentChanged)]
    for event in changes:
        if event.condition == "on_contact" and event.contact:
            working[event.agent].add((event.queue, event.contact))
    for event in events:
        if isinstance(event, ContactCompleted):
            assert (event.queue, event.contact) in working[event.agent]
    wraps = [event for event in changes if event.condition == "wrap_up"]
    assert len(wraps) > 150
    for wrap in wraps:
        after = next((e for e in changes if e.agent == wrap.agent and e.at >= wrap.at and e is not wrap), None)
        assert after is None or after.at <= wrap.at + 5000
    assert SETTLE_MS < 5000
