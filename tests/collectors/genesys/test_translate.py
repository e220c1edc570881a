"""Genesys Cloud's answers in the floor's words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from collectors.events import IntervalTotals, QueueObserved, SeenAgent
from collectors.genesys import protocol as p
from collectors.genesys.collector import distinct
from collectors.genesys.translate import Present, accounts, people, truncated
from collectors.polled.answers import iso

T0 = 1_795_320_000_000
QUARTER = 900_000
QUEUES = {"q1": "sales", "q2": "support"}


def ours(at: int) -> int:
    return at


def observed(*told: tuple[str, str, dict[str, Any]]) -> list[p.Observed]:
    """(queue, kind of contact, {metric: stats})."""
    raw = [
        {"group": {"queueId": queue, "mediaType": media}, "data": [{"metric": m, "stats": s} for m, s in data.items()]}
        for queue, media, data in told
    ]
    return msgspec.convert(raw, list[p.Observed])


def longest(value: float) -> dict[str, Any]:
    return {"oWaiting": {"count": 2}, "oLongestWaiting": {"calculatedMetricValue": value}}


@pytest.mark.parametrize("value", [45_000, T0 - 45_000], ids=["a duration", "since when"])
def test_the_longest_wait_is_understood_as_a_duration_and_as_an_epoch(value: int) -> None:
    looks = Present(["voice"], ours).asked(observed(("q1", "voice", longest(value))), QUEUES, T0, T0)
    assert looks == [QueueObserved(T0, "sales", 2, 45_000), QueueObserved(T0, "support", 0, None)]


def test_an_epoch_is_on_the_acds_clock() -> None:
    present = Present(["voice"], lambda at: at - 60_000)
    looks = present.asked(observed(("q1", "voice", longest(T0 + 15_000))), {"q1": "sales"}, T0, T0)
    assert looks == [QueueObserved(T0, "sales", 2, 45_000)]


def test_an_epoch_in_the_future_is_no_negative_wait() -> None:
    looks = Present(["voice"], ours).asked(observed(("q1", "voice", longest(T0 + 500))), {"q1": "sales"}, T0, T0)
    assert looks[0].longest_wait_ms == 0


def test_kinds_of_contact_that_do_not_count_are_left_out_and_the_others_added() -> None:
    told = observed(
        ("q1", "voice", longest(10_000)), ("q1", "chat", longest(90_000)), ("q1", "email", longest(9_000_000))
    )
    assert Present(["voice", "chat"], ours).asked(told, {"q1": "sales"}, T0, T0) == [
        QueueObserved(T0, "sales", 4, 90_000)
    ]


def test_where_one_kind_of_contact_hides_its_longest_wait_there_is_none_for_the_queue() -> None:
    told = observed(("q1", "voice", longest(10_000)), ("q1", "chat", {"oWaiting": {"count": 1}}))
    assert Present(["voice", "chat"], ours).asked(told, {"q1": "sales"}, T0, T0) == [QueueObserved(T0, "sales", 3)]


@pytest.mark.parametrize("count", [-1, -9_007_199_254_740_991, 9_007_199_254_740_991, 1.5])
def test_an_impossible_number_of_waiting_is_refused_and_is_no_zero(count: float) -> None:
    present = Present(["voice"], ours)
    looks = present.asked(observed(("q1", "voice", {"oWaiting": {"count": count}})), {"q1": "sales"}, T0, T0)
    assert (looks[0].waiting, present.refused) == (None, 1)


def test_a_longest_wait_without_a_number_is_somebody_and_not_nobody() -> None:
    told = observed(("q1", "voice", {"oLongestWaiting": {"calculatedMetricValue": 9_000}}))
    assert Present(["voice"], ours).asked(told, {"q1": "sales"}, T0, T0) == [QueueObserved(T0, "sales", None, 9_000)]


def test_what_settled_to_nothing_is_told_as_nothing() -> None:
    counters = account(T0, T0, aggregate("q1", T0, {"nOffered": (1, 0)}))[0].counters
    assert (counters["abandoned"], counters["answered"], counters["answered_wait_ms"]) == (0, 0, 0)
    assert (counters["answered_within_20s"], counters["abandoned_beyond_20s"]) == (0, 0)


def pushed(queue: str, waiting: int, media: str = "voice") -> p.Stat:
    body = {
        "topicName": f"v2.analytics.queues.{queue}.observations",
        "eventBody": {
            "group": {"queueId": queue, "mediaType": media},
            "data": [
                {"interval": "x", "metrics": [{"metric": "nOffered", "stats": {"count": 7.0}}]},
                {"interval": "x", "metrics": [{"metric": "oWaiting", "stats": {"count": float(waiting)}}]},
            ],
        },
    }
    topic, told = p.notification(json.dumps(body))
    assert told is not None and topic.endswith(".observations")
    return told


def test_a_notification_shows_at_once_who_waits_and_since_when_as_far_as_it_is_known() -> None:
    present = Present(["voice"], ours)
    present.asked([], {"q1": "sales"}, T0, T0)
    assert present.pushed(pushed("q1", 1), QUEUES, T0 + 1_000) == QueueObserved(T0 + 1_000, "sales", 1, 0)
    assert present.pushed(pushed("q1", 2), QUEUES, T0 + 4_000) == QueueObserved(T0 + 4_000, "sales", 2, 3_000)
    assert present.pushed(pushed("q1", 0), QUEUES, T0 + 5_000) == QueueObserved(T0 + 5_000, "sales", 0, None)


def test_an_answer_that_a_notification_overtook_does_not_take_it_back() -> None:
    present = Present(["voice"], ours)
    present.pushed(pushed("q1", 3), QUEUES, T0 + 1_000)
    assert present.asked([], QUEUES, T0 + 500, T0 + 1_500) == [QueueObserved(T0 + 500, "support", 0, None)]
    assert present.pushed(pushed("q1", 3), QUEUES, T0 + 2_000) == QueueObserved(T0 + 2_000, "sales", 3, 1_000)


@pytest.mark.parametrize("told", [pushed("q9", 1), pushed("q1", 1, "email")], ids=["another queue", "another kind"])
def test_a_notification_of_what_is_not_watched_says_nothing(told: p.Stat) -> None:
    assert Present(["voice"], ours).pushed(told, QUEUES, T0) is None


@pytest.mark.parametrize("message", ['{"topicName": "channel.metadata", "eventBody": {"message": "WebSocket Heartbeat"}}', '{"topicName": "v2.system.socket_closing", "eventBody": null}', "{}"])  # fmt: skip
def test_the_systems_own_messages_are_of_no_queue(message: str) -> None:
    assert p.notification(message)[1] is None


@pytest.mark.parametrize("message", [b"", b"{", b"[1]", b'"\xff"', b'{"topicName": 7}', b'{"topicName": "v2.analytics.queues.q.observations", "eventBody": []}'])  # fmt: skip
def test_what_is_no_notification_is_refused_as_such(message: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        p.notification(message)


# ── accounts ──────────────────────────────────────────────────────────────────────────────────────


def aggregate(queue: str, start: int, metrics: dict[str, tuple[float, float]], **views: int) -> p.Aggregate:
    raw = {
        "group": {"queueId": queue},
        "data": [
            {
                "interval": f"{iso(start)}/{iso(start + QUARTER)}",
                "metrics": [{"metric": m, "stats": {"count": c, "sum": s}} for m, (c, s) in metrics.items()],
                "views": [{"name": name, "stats": {"count": count}} for name, count in views.items()],
            }
        ],
    }
    return msgspec.convert(raw, p.Aggregate, strict=False)


FULL = {
    "nOffered": (10, 0), "tAnswered": (6, 90_000.4), "tAbandon": (2, 30_000), "tFlowOut": (1, 1), "tHandle": (5, 1),
    "tTalkComplete": (5, 600_000), "tHeldComplete": (2, 20_000), "tAcw": (5, 50_000), "nTransferred": (1, 0), "tNotResponding": (3, 9),
}  # fmt: skip


def account(now: int = T0 + 60_000, empty_from: int = T0, *told: p.Aggregate) -> list[IntervalTotals]:
    return accounts(told, {"q1": "sales"}, [T0], [20], now, empty_from=empty_from)


def test_an_account_is_told_with_every_counter_and_the_running_quarter_up_to_now() -> None:
    told = aggregate("q1", T0, FULL, tAnsweredAll=6, tAbandonAll=2, tAnsweredWithin20s=4)
    assert account(T0 + 60_000, T0, told) == [
        IntervalTotals(
            T0 + 60_000, "sales", T0,
            {
                "offered": 10, "answered": 6, "answered_wait_ms": 90_000, "abandoned": 2, "left_other": 1, "handled": 5,
                "talk_ms": 600_000, "held": 2, "hold_ms": 20_000, "wrap_ms": 50_000, "transferred": 1, "rang_no_answer": 3,
                "answered_within_20s": 4, "answered_beyond_20s": 2, "abandoned_within_20s": 0, "abandoned_beyond_20s": 2,
            },
            sole=True,
        )
    ]  # fmt: skip


def test_waits_are_unknown_where_the_api_counts_no_views() -> None:
    counters = account(T0, T0, aggregate("q1", T0, FULL))[0].counters
    assert counters["answered"] == 6
    assert not [name for name in counters if "within" in name or "beyond" in name]


def test_impossible_numbers_are_left_out_of_an_account() -> None:
    told = aggregate("q1", T0, {"nOffered": (-5, 0), "tAnswered": (3, -1e300), "tAbandon": (9e15, 1)})
    counters = account(T0, T0, told)[0].counters
    assert counters["answered"] == 3
    assert not {"offered", "answered_wait_ms", "abandoned"} & counters.keys()


def test_an_account_of_a_quarter_that_is_over_is_dated_at_its_end() -> None:
    assert account(T0 + 5 * QUARTER, T0, aggregate("q1", T0, FULL))[0].at == T0 + QUARTER


def test_a_recent_quarter_without_an_account_had_no_contact_and_an_old_one_is_not_worth_a_word() -> None:
    (empty,) = account(T0, T0)
    assert (empty.queue, empty.start, empty.sole, set(empty.counters.values())) == ("sales", T0, True, {0})
    assert empty.counters.keys() == account(T0, T0, aggregate("q1", T0, FULL, tAnsweredAll=6, tAbandonAll=2))[0].counters.keys()  # fmt: skip
    assert account(T0, T0 + 1) == []


@pytest.mark.parametrize("interval", ["", "x/y", iso(T0 + 60_000) + "/x", iso(T0 + QUARTER) + "/x"])
def test_an_account_of_another_interval_than_asked_is_passed_over(interval: str) -> None:
    told = msgspec.convert({"group": {"queueId": "q1"}, "data": [{"interval": interval, "metrics": [{"metric": "nOffered", "stats": {"count": 1}}]}]}, p.Aggregate)  # fmt: skip
    assert account(T0, T0 + 1, told) == []


# ── people ────────────────────────────────────────────────────────────────────────────────────────


def members(queue: str, *entities: dict[str, str], cut: bool = False) -> p.Activity:
    return msgspec.convert({"group": {"queueId": queue}, "truncated": cut, "entities": list(entities)}, p.Activity)


def person(status: str = "IDLE", presence: str = "ON_QUEUE", user: str = "u1", **more: str) -> dict[str, str]:
    dates = {"routingStatusDate": iso(T0), "presenceDate": iso(T0 - 1_000)}
    return {"userId": user, "routingStatus": status, "systemPresence": presence} | dates | more


def seen(*activities: p.Activity, conversations: tuple[p.Activity, ...] = ()) -> list[SeenAgent]:
    return people(activities, conversations, QUEUES, {"u1": "Li Wei 李伟"}, ours)


@pytest.mark.parametrize(
    ("status", "presence", "condition", "reason", "since"),
    [
        ("IDLE", "ON_QUEUE", "available", "", T0),
        ("INTERACTING", "ON_QUEUE", "on_contact", "", T0),
        ("COMMUNICATING", "ON_QUEUE", "on_contact", "", T0),
        ("NOT_RESPONDING", "ON_QUEUE", "paused", "Not responding", T0),
        ("OFF_QUEUE", "MEAL", "paused", "Meal", T0 - 1_000),
        ("OFF_QUEUE", "AVAILABLE", "paused", "Available", T0 - 1_000),
        ("SOMETHING_NEW", "ON_QUEUE", "unknown", "", T0),
    ],
)
def test_status_and_presence_make_a_condition(
    status: str, presence: str, condition: Any, reason: str, since: int
) -> None:
    assert seen(members("q1", person(status, presence))) == [
        SeenAgent("u1", condition, {"sales": None}, "Li Wei 李伟", reason, since)
    ]


def test_who_is_offline_is_not_there() -> None:
    assert seen(members("q1", person("OFF_QUEUE", "OFFLINE"))) == []


def test_a_person_of_several_queues_is_one_person_and_not_joined_in_a_queue_is_paused_there() -> None:
    told = seen(members("q1", person()), members("q2", person(queueMembershipStatus="INACTIVE")), members("q9", person()))  # fmt: skip
    assert [one.queues for one in told] == [{"sales": None, "support": ""}]


def test_status_and_presence_may_come_in_two_groups() -> None:
    halves = ({"userId": "u1", "routingStatus": "OFF_QUEUE"}, {"userId": "u1", "systemPresence": "BREAK"})
    assert seen(members("q1", *halves)) == [SeenAgent("u1", "paused", {"sales": None}, "Li Wei 李伟", "Break")]


def test_at_whom_a_contact_rings_who_is_in_no_other() -> None:
    rings = {"userId": "u1", "metric": "oAlerting", "activityDate": iso(T0 + 2_000)}
    talks = {"userId": "u1", "metric": "oInteracting", "activityDate": iso(T0)}
    assert seen(members("q1", person()), conversations=(members("q1", rings),))[0] == SeenAgent(
        "u1", "ringing", {"sales": None}, "Li Wei 李伟", "", T0 + 2_000
    )
    busy = seen(members("q1", person("INTERACTING")), conversations=(members("q1", rings, talks),))
    assert busy[0].condition == "on_contact"


def test_a_list_that_was_cut_is_known_by_its_queue() -> None:
    assert truncated([members("q1", cut=True), members("q2"), members("q9", cut=True)], QUEUES) == ["sales"]


def test_queues_of_one_name_are_told_apart_by_their_ids() -> None:
    assert distinct({"11111111-2": "sales", "33333333-4": "sales", "5": "support"}) == (
        {"11111111-2": "sales (11111111)", "33333333-4": "sales (33333333)", "5": "support"},
        ["sales"],
    )
