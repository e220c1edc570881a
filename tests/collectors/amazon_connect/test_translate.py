"""Amazon Connect's words as ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.amazon_connect.translate import People, account, accounts, full_name, metrics, waiting
from collectors.events import IntervalTotals, SeenAgent
from collectors.polled.quarters import QUARTER_MS

T0 = 1_795_320_000_000
"""2026-11-22T04:00:00Z, a whole hour."""
QUEUES = {"q-1": "sales", "q-2": "billing"}


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


# ── who waits ─────────────────────────────────────────────────────────────────────────────────────


def current(count: float | None, age: float | None, queue: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Collections": [
            {"Metric": {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}, "Value": count},
            {"Metric": {"Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS"}, "Value": age},
        ]
    }
    return told if queue is None else told | {"Dimensions": {"Queue": {"Id": queue, "Arn": f"arn:…/queue/{queue}"}}}


def test_the_age_of_the_oldest_is_in_seconds_by_queue_and_in_milliseconds_where_nothing_is_grouped() -> None:
    by_queue, together = waiting([current(3.0, 24.0, "q-1"), current(3.0, 24113.0, None)])
    assert (by_queue.queue, by_queue.waiting, by_queue.longest_wait_ms) == ("q-1", 3, 24_000)
    assert (together.queue, together.waiting, together.longest_wait_ms) == ("", 3, 24_113)


def test_where_nobody_waits_nobody_waits_longest_and_what_has_no_value_is_not_known() -> None:
    nobody, unknown = waiting([current(0.0, 0.0, "q-1"), current(None, None, "q-2")])
    assert (nobody.waiting, nobody.longest_wait_ms) == (0, None)
    assert (unknown.waiting, unknown.longest_wait_ms) == (None, None)


# ── what a quarter counted ────────────────────────────────────────────────────────────────────────


def told(values: dict[str, float | None], *, at_once: bool = False) -> list[dict[str, Any]]:
    """``Collections`` for what ``metrics`` asks; ``NAME`` plain, ``NAME!`` without outbound, ``NAME<20`` with a threshold."""
    found = []
    for metric in metrics([20, 60], at_once=at_once):
        key = metric["Name"] + ("!" if "MetricFilters" in metric else "")
        key += f"<{metric['Threshold'][0]['ThresholdValue']}" if "Threshold" in metric else ""
        if key in values:
            found.append({"Metric": metric, "Value": values.pop(key)})
    assert not values, f"never asked for: {values}"
    return found


def test_a_quarter_is_told_with_durations_in_milliseconds_and_both_sides_of_each_threshold() -> None:
    assert account(
        told(
            {
                "CONTACTS_QUEUED_BY_ENQUEUE": 12.0,
                "CONTACTS_ABANDONED": 3.0,
                "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE": 1.0,
                "CONTACTS_HANDLED": 10.0,
                "CONTACTS_HANDLED!": 8.0,
                "CONTACTS_PUT_ON_HOLD": 2.0,
                "CONTACTS_TRANSFERRED_OUT_BY_AGENT": 1.0,
                "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS": 4.0,
                "SUM_INTERACTION_TIME": 1800.5,
                "SUM_HOLD_TIME": 90.0,
                "SUM_AFTER_CONTACT_WORK_TIME": 300.25,
                "AVG_QUEUE_ANSWER_TIME!": 12.625,
                "SUM_CONTACTS_ANSWERED_IN_X<20": 6.0,
                "SUM_CONTACTS_ANSWERED_IN_X<60": 8.0,
                "SUM_CONTACTS_ABANDONED_IN_X<20": 1.0,
                "SUM_CONTACTS_ABANDONED_IN_X<60": 3.0,
            }
        ),
        at_once=False,
    ) == {
        "offered": 12, "abandoned": 3, "left_other": 1, "handled": 10, "answered": 8, "held": 2, "transferred": 1, "rang_no_answer": 4,
        "talk_ms": 1_800_500, "hold_ms": 90_000, "wrap_ms": 300_250, "answered_wait_ms": 101_000,
        "answered_within_20s": 6, "answered_beyond_20s": 2, "answered_within_60s": 8, "answered_beyond_60s": 0,
        "abandoned_within_20s": 1, "abandoned_beyond_20s": 2, "abandoned_within_60s": 3, "abandoned_beyond_60s": 0,
    }  # fmt: skip


def test_what_amazon_cannot_compute_is_not_told_instead_of_zero() -> None:
    counters = account(
        told({"CONTACTS_HANDLED!": 0.0, "AVG_QUEUE_ANSWER_TIME!": None, "SUM_HOLD_TIME": None}), at_once=False
    )
    assert counters == {"answered": 0, "answered_wait_ms": 0}
    counters = account(told({"CONTACTS_HANDLED!": 2.0, "AVG_QUEUE_ANSWER_TIME!": None}), at_once=False)
    assert counters == {"answered": 2}


@pytest.mark.parametrize("value", [-1.0, -3.0, 1e300, float("nan"), float("inf"), 0.5])
def test_an_impossible_number_was_not_told(value: float) -> None:
    (queue,) = waiting([current(value, 24.0, "q-1")])
    assert (queue.waiting, queue.longest_wait_ms) == (None, None)
    names = ("CONTACTS_ABANDONED", "CONTACTS_HANDLED!", "SUM_CONTACTS_ABANDONED_IN_X<20")
    assert account(told(dict.fromkeys(names, value)), at_once=False) == {}


@pytest.mark.parametrize("value", [-1.0, 1e300, float("nan"), float("inf")])
def test_an_impossible_duration_was_not_told(value: float) -> None:
    assert waiting([current(3.0, value, "q-1")])[0].longest_wait_ms is None
    counters = account(
        told({"CONTACTS_HANDLED!": 2.0, "AVG_QUEUE_ANSWER_TIME!": value, "SUM_HOLD_TIME": value}), at_once=False
    )
    assert counters == {"answered": 2}


def test_more_in_time_than_there_were_is_a_contradiction_and_no_service_level() -> None:
    early = {"SUM_CONTACTS_ANSWERED_IN_X<20": 5.0, "SUM_CONTACTS_ANSWERED_IN_X<60": 4.0}
    counters = account(told({"CONTACTS_HANDLED!": 4.0} | early), at_once=False)
    assert counters == {"answered": 4, "answered_within_60s": 4, "answered_beyond_60s": 0}


def test_counted_at_the_connection_neither_their_waits_nor_who_was_in_time_is_told() -> None:
    counters = account(
        told(
            {
                "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT!": 5.0,
                "CONTACTS_HANDLED": 3.0,
                "CONTACTS_ABANDONED": 2.0,
                "SUM_CONTACTS_ABANDONED_IN_X<20": 2.0,
            },
            at_once=True,
        ),
        at_once=True,
    )
    assert counters == {
        "answered": 5, "handled": 3, "abandoned": 2, "abandoned_within_20s": 2, "abandoned_beyond_20s": 0,
    }  # fmt: skip


def result(queue: str, start: int, **values: float) -> dict[str, Any]:
    return {
        "Dimensions": {"QUEUE": queue},
        "MetricInterval": {"StartTime": moment(start), "EndTime": moment(start + QUARTER_MS)},
        "Collections": [{"Metric": {"Name": name}, "Value": value} for name, value in values.items()],
    }


def test_each_queues_quarter_is_an_account_dated_at_its_end_or_now() -> None:
    page = [result("q-1", T0, CONTACTS_ABANDONED=1.0), result("arn:aws:connect:x:1:instance/i/queue/q-2", T0)]
    assert accounts(page, QUEUES, T0 + 60_000, at_once=False) == [
        IntervalTotals(T0 + 60_000, "sales", T0, {"abandoned": 1}, sole=True),
        IntervalTotals(T0 + 60_000, "billing", T0, {}, sole=True),
    ]
    (over,) = accounts(page[:1], QUEUES, T0 + 2 * QUARTER_MS, at_once=False)
    assert over.at == T0 + QUARTER_MS


def test_a_queue_that_is_not_watched_and_an_interval_of_another_length_are_left_out() -> None:
    strange = [result("q-9", T0, CONTACTS_ABANDONED=1.0), result("q-1", T0 + 60_000, CONTACTS_ABANDONED=1.0)]
    assert accounts(strange, QUEUES, T0 + 120_000, at_once=False) == []


# ── who works ─────────────────────────────────────────────────────────────────────────────────────

STATUSES = {"arn:available": "ROUTABLE", "arn:lunch": "CUSTOM", "arn:offline": "OFFLINE"}
SERVED: dict[str, dict[str, str | None]] = {"p-1": {"sales": None}}


def contact(state: str, at: int, connected: int | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"ContactId": f"c-{at}", "AgentContactState": state, "StateStartTimestamp": moment(at)}
    return told if connected is None else told | {"ConnectedToAgentTimestamp": moment(connected)}


def user(
    *contacts: dict[str, Any], status: str = "available", name: str = "Available", since: int = T0
) -> dict[str, Any]:
    return {
        "User": {"Id": "u-1"},
        "RoutingProfile": {"Id": "p-1"},
        "Status": {"StatusArn": f"arn:{status}", "StatusName": name, "StatusStartTimestamp": moment(since)},
        "Contacts": list(contacts),
    }


def seen(people: People, told: dict[str, Any], skew_ms: int = 0) -> SeenAgent:
    (person,) = people.seen([told], {"u-1": "Li Wei"}, STATUSES, SERVED, skew_ms)
    return person


@pytest.mark.parametrize(
    ("told", "condition", "reason", "since"),
    [
        (user(), "available", "", T0),
        (user(status="lunch", name="Lunch 午餐"), "paused", "Lunch 午餐", T0),
        (user(status="offline", name="Offline"), "logged_out", "", T0),
        (user(status="new", name="Coaching"), "paused", "Coaching", T0),
        (user(status="unlisted", name="Available"), "available", "", T0),
        (user(status="", name=""), "unknown", "", T0),
        (user(contact("CONNECTING", T0 + 1_000)), "ringing", "", T0 + 1_000),
        (user(contact("INCOMING", T0 + 1_000)), "ringing", "", T0 + 1_000),
        (user(contact("CONNECTED", T0 + 3_000, T0 + 2_000)), "on_contact", "", T0 + 2_000),
        (user(contact("CONNECTED_ONHOLD", T0 + 2_000)), "on_contact", "", T0 + 2_000),
        (user(contact("ENDED", T0 + 9_000, T0 + 2_000)), "wrap_up", "", T0 + 9_000),
        (user(contact("MISSED", T0 + 9_000)), "paused", "Missed", T0 + 9_000),
        (user(contact("ERROR", T0 + 9_000)), "paused", "Error", T0 + 9_000),
        # several chats at once: one that is under way says what the person does
        (user(contact("ENDED", T0 + 9_000), contact("CONNECTED", T0 + 4_000), contact("CONNECTED", T0 + 2_000)), "on_contact", "", T0 + 2_000),
        # a contact during a break is work
        (user(contact("CONNECTED", T0 + 5_000), status="lunch", name="Lunch"), "on_contact", "", T0 + 5_000),
    ],
)  # fmt: skip
def test_what_a_person_does(told: dict[str, Any], condition: str, reason: str, since: int) -> None:
    person = seen(People(), told)
    assert (person.condition, person.reason, person.since) == (condition, reason, since)
    assert (person.agent, person.name, person.queues) == ("u-1", "Li Wei", {"sales": None})


def test_who_comes_back_to_a_status_began_it_again_and_not_when_it_was_first_chosen() -> None:
    people = People()
    seen(people, user(contact("CONNECTED", T0 + 5_000)))
    assert seen(people, user()).since is None
    assert seen(people, user(status="lunch", name="Lunch", since=T0 + 60_000)).since == T0 + 60_000


def test_times_of_a_clock_that_is_off_are_put_on_ours() -> None:
    assert seen(People(), user(), skew_ms=90_000).since == T0 - 90_000


def test_a_user_with_neither_name_nor_status_is_still_a_person() -> None:
    (person,) = People().seen([{"User": {"Id": "u-9"}}], {}, STATUSES, SERVED, 0)
    assert person == SeenAgent("u-9", "unknown", {})


def test_a_person_is_called_by_name_or_by_the_account() -> None:
    assert full_name({"Username": "li.wei", "IdentityInfo": {"FirstName": "Wei", "LastName": "Li"}}) == "Wei Li"
    assert full_name({"Username": "li.wei", "IdentityInfo": {"LastName": "李伟"}}) == "李伟"
    assert full_name({"Username": "li.wei"}) == "li.wei"
