"""TaskRouter's answers in the floor's words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from collectors.collector import CollectorError
from collectors.events import IntervalTotals, QueueObserved, SeenAgent
from collectors.polled.answers import iso
from collectors.twilio import protocol as p
from collectors.twilio.translate import account, look, people

T0 = 1_795_320_000_000


def ours(at: int) -> int:
    return at


def present(**told: Any) -> QueueObserved:
    return look(msgspec.convert(told, p.RealTime), "sales", T0)


STATUSES = {"pending": 2, "reserved": 1, "assigned": 5, "wrapping": 3}


def test_who_is_reserved_rings_at_somebody_and_still_waits() -> None:
    told = present(tasks_by_status=STATUSES, longest_task_waiting_age=47)
    assert told == QueueObserved(T0, "sales", 3, 47_000)


def test_numbers_may_come_as_text() -> None:
    assert present(tasks_by_status={"pending": "2"}, longest_task_waiting_age="47") == QueueObserved(T0, "sales", 2, 47_000)  # fmt: skip


def test_the_age_in_the_queue_goes_before_the_age_of_the_task() -> None:
    told = present(tasks_by_status=STATUSES, longest_task_waiting_age=900, longest_relative_task_age_in_queue=30)
    assert told.longest_wait_ms == 30_000


def test_without_anybody_waiting_there_is_no_longest_wait() -> None:
    assert present(tasks_by_status={"pending": 0}, longest_task_waiting_age=0) == QueueObserved(T0, "sales", 0, None)


@pytest.mark.parametrize("count", [-1, -9_007_199_254_740_991, 1e300, 0.5, None, "many", True])
def test_an_impossible_number_was_not_told(count: Any) -> None:
    assert present(tasks_by_status={"pending": count}, longest_task_waiting_age=5) == QueueObserved(T0, "sales", None)


@pytest.mark.parametrize("statuses", [None, {}, {"reserved": 1, "assigned": 2}])
def test_a_queue_that_does_not_say_how_many_are_pending_tells_nothing(statuses: Any) -> None:
    assert present(tasks_by_status=statuses, longest_task_waiting_age=5) == QueueObserved(T0, "sales", None)


CUMULATIVE: dict[str, Any] = {
    "tasks_entered": 10, "reservations_accepted": 6, "tasks_canceled": 2, "tasks_moved": 1, "tasks_deleted": 1, "tasks_completed": 5,
    "reservations_timed_out": 3, "wait_duration_until_accepted": {"total": 500}, "wait_duration_in_queue_until_accepted": {"total": 90},
    "split_by_wait_time": {
        "20": {"above": {"tasks_canceled": 1, "reservations_accepted": 2}, "below": {"tasks_canceled": 1, "reservations_accepted": 4}}
    },
}  # fmt: skip


def told(now: int = T0 + 60_000, **changed: Any) -> IntervalTotals:
    return account(msgspec.convert(CUMULATIVE | changed, p.Cumulative), "sales", T0, [20, 60], now)


def test_an_account_is_told_with_every_counter_and_the_running_quarter_up_to_now() -> None:
    assert told() == IntervalTotals(
        T0 + 60_000, "sales", T0,
        {
            "offered": 10, "answered": 6, "abandoned": 2, "handled": 5, "rang_no_answer": 3, "left_other": 2, "answered_wait_ms": 90_000,
            "answered_within_20s": 4, "answered_beyond_20s": 2, "abandoned_within_20s": 1, "abandoned_beyond_20s": 1,
        },
        sole=True,
    )  # fmt: skip


def test_a_threshold_that_was_not_split_is_unknown() -> None:
    assert not [name for name in told().counters if "60s" in name]
    assert not [name for name in told(split_by_wait_time=None).counters if "_within_" in name]


@pytest.mark.parametrize("split", [{"20": None}, {"20": {"above": None, "below": {"tasks_canceled": 1}}}, {"20": {}}])
def test_half_a_split_is_none(split: Any) -> None:
    assert not [name for name in told(split_by_wait_time=split).counters if "_within_" in name]


def test_the_wait_since_the_task_was_made_serves_where_the_wait_in_the_queue_is_not_told() -> None:
    assert told(wait_duration_in_queue_until_accepted=None).counters["answered_wait_ms"] == 500_000


def test_a_quarter_that_is_over_is_dated_at_its_end() -> None:
    assert told(T0 + 9_000_000).at == T0 + 900_000


def test_impossible_numbers_are_left_out_of_an_account() -> None:
    counters = told(tasks_entered=-3, reservations_accepted=1e300, wait_duration_in_queue_until_accepted={"total": -1}).counters  # fmt: skip
    assert "offered" not in counters and "answered" not in counters
    assert counters["answered_wait_ms"] == 500_000
    assert "left_other" not in told(tasks_moved=-1).counters and "left_other" not in told(tasks_deleted=None).counters


# ── people ────────────────────────────────────────────────────────────────────────────────────────


def worker(activity: str = "Available", available: bool | None = True) -> p.Worker:
    return p.Worker("WK1", "Li Wei 李伟", activity, available, iso(T0))


def seen(worker: p.Worker, *reservations: tuple[str, int]) -> list[SeenAgent]:
    reserved = [p.Reservation("WK1", status, iso(T0 + seconds * 1000)) for status, seconds in reservations]
    return people([worker], reserved, {"WK1": {"support", "sales"}}, ["offline"], ours)


def one(condition: Any, reason: str = "", since: int = T0) -> list[SeenAgent]:
    return [SeenAgent("WK1", condition, {"sales": None, "support": None}, "Li Wei 李伟", reason, since)]


def test_an_activity_makes_a_condition() -> None:
    assert seen(worker()) == one("available")
    assert seen(worker("Lunch", False)) == one("paused", "Lunch")
    assert seen(worker("Offline", False)) == []
    assert seen(worker("Strange", None)) == one("unknown")


def test_who_is_available_and_has_a_task_is_at_work_since_then() -> None:
    assert seen(worker(), ("pending", 5)) == one("ringing", since=T0 + 5_000)
    assert seen(worker(), ("accepted", 6)) == one("on_contact", since=T0 + 6_000)
    assert seen(worker(), ("wrapping", 7)) == one("wrap_up", since=T0 + 7_000)


def test_a_conversation_outweighs_what_rings_or_wraps_up_beside_it_and_a_last_task_an_activity() -> None:
    assert seen(worker(), ("wrapping", 1), ("accepted", 2), ("pending", 3)) == one("on_contact", since=T0 + 2_000)
    assert seen(worker("Offline", False), ("accepted", 2)) == one("on_contact", since=T0 + 2_000)


@pytest.mark.parametrize("status", ["rejected", "timeout", "canceled", "rescinded", "completed", "", "new"])
def test_a_reservation_that_is_over_makes_nobody_busy(status: str) -> None:
    assert seen(worker(), (status, 5)) == one("available")


# ── shapes ────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_says_where_the_next_one_is_without_its_host() -> None:
    answer = {"workers": [{"sid": "WK1"}], "meta": {"next_page_url": "https://elsewhere.example/v1/W/Workers?Page=1&PageToken=x"}}  # fmt: skip
    assert p.page(answer, "workers", p.Worker, "workers") == ([p.Worker("WK1")], "/v1/W/Workers?Page=1&PageToken=x")
    assert p.page({}, "workers", p.Worker, "workers") == ([], None)


@pytest.mark.parametrize("answer", [None, [], 7, {"workers": 7}, {"workers": [7]}, {"workers": [{"available": "perhaps"}]}, {"meta": []}])  # fmt: skip
def test_an_answer_of_another_form_is_an_error_and_no_crash(answer: Any) -> None:
    if answer == {"meta": []}:
        assert p.page(answer, "workers", p.Worker, "workers") == ([], None)
        return
    with pytest.raises(CollectorError, match="unknown form"):
        p.page(answer, "workers", p.Worker, "workers")
