"""What a team lead sees of people and callers: from the event log to the board, with a real Redis."""

from __future__ import annotations

import json

import redis as redis_py

from collectors.events import (
    AgentChanged,
    AgentQueues,
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactEntered,
    ContactLeft,
    ContactRang,
    ContactRangNoAnswer,
)
from operations.floor.floor import Floor
from operations.lost import LOST_ROWS, LostCallers, spoken_as
from operations.projects.contract import Block, Limits
from operations.store import boards, keys
from tests.operations.floor_feed import NOON, Clock, Configured, Feed, board, engine, project, run

MIDNIGHT = NOON - 12 * 3_600_000
ANNA, BO = "+86 138 0000 1111", "+44 7700 900002"


def gave_up(contact: str, caller: str, at: int, wait_ms: int = 40_000, queue: str = "support") -> list[AnyEvent]:
    return [ContactEntered(at, queue, contact, caller), ContactAbandoned(at + wait_ms, queue, contact, wait_ms)]


def was_answered(contact: str, caller: str, at: int, queue: str = "support") -> list[AnyEvent]:
    return [ContactEntered(at, queue, contact, caller), ContactAnswered(at + 5_000, queue, contact, "Ann", 5_000)]


def rang_out(contact: str, agent: str, at: int, queue: str = "support") -> list[AnyEvent]:
    return [ContactRang(at, queue, contact, agent), ContactRangNoAnswer(at + 15_000, queue, contact, agent)]


def signed_in(agent: str, *queues: str, at: int = MIDNIGHT) -> list[AnyEvent]:
    return [AgentQueues(at, agent, dict.fromkeys(queues)), AgentChanged(at, agent, "available")]


# ── who hung up and was not reached since ─────────────────────────────────────────────────────────


def test_a_caller_who_hung_up_is_listed_with_time_wait_and_queue(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    feed.emit(*gave_up("c1", ANNA, NOON - 600_000))
    run(engine(redis, Configured(project()), clock), clock)
    assert board(redis)["lost"] == [
        {
            "id": "hq/c1",
            "caller": ANNA,
            "caller_name": "",
            "queue": "hq/support",
            "at": "2026-11-22T11:50:40.000+08:00",
            "wait_s": 40,
            "tries": 1,
            "waiting": False,
        }
    ]
    assert board(redis)["lost_summary"] == {"callers": 1, "without_number": 0, "short": 0}


def test_a_caller_who_tried_three_times_is_one_row_with_the_last_try(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    for i, number in enumerate((ANNA, ANNA.replace(" ", ""), ANNA.replace(" ", "-"))):
        feed.emit(*gave_up(f"c{i}", number, NOON - 900_000 + i * 100_000, 10_000 + i * 1_000))
    run(engine(redis, Configured(project()), clock), clock)
    (row,) = board(redis)["lost"]
    assert (row["id"], row["tries"], row["wait_s"]) == ("hq/c2", 3, 12)


def test_a_caller_is_gone_from_the_list_once_answered_in_any_queue_of_the_project(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    running = engine(redis, Configured(project(("hq/support", "hq/sales"))), clock)
    feed.emit(*gave_up("c1", ANNA, NOON - 600_000), *gave_up("c2", BO, NOON - 500_000))
    run(running, clock)
    assert len(board(redis)["lost"]) == 2
    feed.emit(ContactEntered(clock.at, "sales", "c3", ANNA))
    run(running, clock)
    assert {row["caller"]: row["waiting"] for row in board(redis)["lost"]} == {ANNA: True, BO: False}
    feed.emit(ContactAnswered(clock.at, "sales", "c3", "Ann"))
    run(running, clock)
    assert [row["caller"] for row in board(redis)["lost"]] == [BO]


def test_who_was_answered_first_and_hung_up_later_is_lost(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    feed.emit(*was_answered("c1", ANNA, NOON - 900_000), *gave_up("c2", ANNA, NOON - 300_000))
    run(engine(redis, Configured(project()), clock), clock)
    assert [row["id"] for row in board(redis)["lost"]] == ["hq/c2"]


def test_who_left_the_queue_by_another_way_did_not_hang_up(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    at = NOON - 300_000
    feed.emit(ContactEntered(at, "support", "c1", ANNA), ContactLeft(at + 30_000, "support", "c1", "timeout"))
    run(engine(redis, Configured(project()), clock), clock)
    assert board(redis)["lost"] == []


def test_an_abandon_that_the_log_corrects_to_an_answer_takes_the_caller_off_the_list(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    running = engine(redis, Configured(project()), clock)
    feed.emit(*gave_up("c1", ANNA, NOON - 60_000))
    run(running, clock)
    feed.emit(ContactAnswered(NOON - 19_500, "support", "c1", "Ann", 40_500))
    run(running, clock)
    assert board(redis)["lost"] == []


def test_without_a_number_nobody_can_call_back_but_it_is_said(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    running = engine(redis, Configured(project(short_abandon_s=(Block(value=5),))), clock)
    feed.emit(*gave_up("c1", "", NOON - 60_000), *gave_up("c2", ANNA, NOON - 60_000, 4_000))
    run(running, clock)
    assert board(redis)["lost"] == []
    assert board(redis)["lost_summary"] == {"callers": 0, "without_number": 1, "short": 1}
    feed.emit(*was_answered("c1", "", clock.at))
    run(running, clock)
    assert board(redis)["lost_summary"]["without_number"] == 0


def test_yesterdays_callers_are_not_todays_and_midnight_empties_the_list(redis: redis_py.Redis) -> None:
    clock = Clock(MIDNIGHT - 90_000)
    feed = Feed(redis, clock)
    feed.status()
    running = engine(redis, Configured(project()), clock)
    feed.emit(*gave_up("c1", ANNA, MIDNIGHT - 600_000), *signed_in("Ann", "support", at=MIDNIGHT - 900_000))
    feed.emit(*rang_out("c1", "Ann", MIDNIGHT - 590_000))
    run(running, clock)
    assert len(board(redis)["lost"]) == 1
    assert board(redis)["agents"][0]["missed"] == 1
    clock.at = MIDNIGHT
    feed.status()
    run(running, clock)
    assert board(redis)["lost"] == []
    assert board(redis)["agents"][0]["missed"] == 0


def test_another_projects_callers_are_neither_listed_nor_do_they_reach_ours(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    feed.emit(*gave_up("c1", ANNA, NOON - 600_000), *gave_up("c2", BO, NOON - 600_000, queue="rival"))
    feed.emit(*was_answered("c3", ANNA, NOON - 300_000, queue="rival"))
    feed.emit(ContactEntered(NOON - 100_000, "rival", "c4", "+1 555 0100"))
    run(engine(redis, Configured(project(), project(("hq/rival",), id="rival-inc")), clock), clock)
    text = boards.read(redis, "acme") or b""
    assert [row["caller"] for row in board(redis)["lost"]] == [ANNA]
    assert BO.encode() not in text
    assert b"+1 555 0100" not in text


def test_a_new_engine_lists_the_same_callers_and_missed_rings(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    feed.emit(*signed_in("Ann", "support"), *gave_up("c1", ANNA, NOON - 600_000), *gave_up("c2", BO, NOON - 500_000))
    feed.emit(*rang_out("c1", "Ann", NOON - 590_000), *was_answered("c3", BO, NOON - 200_000))
    first = engine(redis, Configured(project()), clock, "first")
    run(first, clock)
    before = board(redis)
    first.close()
    second = engine(redis, Configured(project()), clock, "second")
    run(second, clock)
    after = board(redis)
    assert after["lost"] == before["lost"] != []
    assert after["agents"] == before["agents"]
    assert after["agents"][0]["missed"] == 1


def test_a_row_that_is_gone_is_gone_from_redis_too(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    running = engine(redis, Configured(project()), clock)
    feed.emit(*gave_up("c1", ANNA, NOON - 600_000))
    run(running, clock)
    assert boards.LOST.encode() + b"hq/c1" in redis.hkeys(keys.board("acme"))
    feed.emit(*was_answered("c2", ANNA, clock.at))
    run(running, clock)
    assert not [field for field in redis.hkeys(keys.board("acme")) if field.startswith(boards.LOST.encode())]


def test_a_change_carries_only_the_callers_that_it_changed(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    running = engine(redis, Configured(project()), clock)
    for i in range(20):
        feed.emit(*gave_up(f"c{i}", f"+86 1380000{i:04}", NOON - 600_000 + i))
    run(running, clock)
    listener = redis.pubsub()
    listener.subscribe(keys.channel("acme"))
    listener.get_message(timeout=1)
    feed.emit(*gave_up("more", ANNA, clock.at - 30_000, 30_000), *was_answered("back", "+86 13800000007", clock.at))
    run(running, clock, 1)
    told = []
    while (message := listener.get_message()) is not None:
        told.append(json.loads(message["data"]))
    assert [row["id"] for change in told for row in change.get("lost", [])] == ["hq/more"]
    assert [gone for change in told for gone in change.get("lost_gone", [])] == ["hq/c7"]


def test_the_list_follows_from_what_was_told_whatever_the_order() -> None:
    """Contact by contact, in any order, and after a look at everything: the same callers."""
    floor = Floor()
    told = [
        *gave_up("c1", ANNA, NOON),
        *was_answered("c2", ANNA, NOON + 60_000),
        *gave_up("c3", BO, NOON + 1_000),
        *gave_up("c4", "", NOON),
        *gave_up("c5", ANNA, NOON + 200_000),
    ]
    for event in told:
        floor.apply(event)
    contacts = [("hq", "support", f"c{i}") for i in range(1, 6)]
    own = [("hq", "support")]
    whole = LostCallers(own)
    whole.begin({"hq": floor}, NOON, 0)
    expected = whole.changed_rows()
    assert expected is not None
    assert [(row.id, row.tries) for row in expected] == [("hq/c5", 1), ("hq/c3", 1)]
    for order in (contacts, contacts[::-1], [*contacts, *contacts]):
        bit_by_bit = LostCallers(own)
        bit_by_bit.begin({}, NOON, 0)
        for contact in order:
            bit_by_bit.follow({"hq": floor}, [contact])
        assert bit_by_bit.changed_rows() == expected
        assert bit_by_bit.summary() == whole.summary()
        assert bit_by_bit.changed_rows() is None


def test_on_a_terrible_day_the_latest_are_listed_and_all_are_counted() -> None:
    floor = Floor()
    for i in range(LOST_ROWS + 50):
        for event in gave_up(f"c{i}", f"+86 138{i:08}", NOON + i * 1_000):
            floor.apply(event)
    lost = LostCallers([("hq", "support")])
    lost.begin({"hq": floor}, NOON, 0)
    rows = lost.changed_rows()
    assert rows is not None
    assert len(rows) == LOST_ROWS
    assert rows[0].id == f"hq/c{LOST_ROWS + 49}"
    assert lost.summary()["callers"] == LOST_ROWS + 50


def test_two_spellings_of_a_number_are_one_caller() -> None:
    assert spoken_as("+86 (138) 0000-1111") == spoken_as("+8613800001111")
    assert spoken_as("Front Desk") == spoken_as("front desk")
    assert spoken_as(" ") == ""


# ── who waits, and who let it ring ────────────────────────────────────────────────────────────────


def test_who_waits_is_shown_with_the_number(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    feed.emit(ContactEntered(NOON - 30_000, "support", "c1", ANNA, "Anna"))
    run(engine(redis, Configured(project()), clock), clock)
    (row,) = board(redis)["waiting"]
    assert (row["caller"], row["caller_name"]) == (ANNA, "Anna")


def test_rings_missed_today_are_counted_by_person_and_only_in_the_projects_queues(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    feed.emit(*signed_in("Ann", "support", "rival"), *signed_in("Bob", "support"))
    feed.emit(*gave_up("yesterday", "", MIDNIGHT - 60_000), *rang_out("yesterday", "Ann", MIDNIGHT - 50_000))
    for i in range(3):
        feed.emit(*gave_up(f"c{i}", "", NOON - 900_000), *rang_out(f"c{i}", "Ann", NOON - 890_000))
    feed.emit(*gave_up("r", "", NOON - 900_000, queue="rival"), *rang_out("r", "Ann", NOON - 890_000, "rival"))
    running = engine(redis, Configured(project(), project(("hq/rival",), id="rival-inc")), clock)
    run(running, clock)
    assert {row["name"]: row["missed"] for row in board(redis)["agents"]} == {"Ann": 3, "Bob": 0}
    assert board(redis, "rival-inc")["agents"][0]["missed"] == 1
    feed.emit(*rang_out("c2", "Bob", clock.at - 20_000))
    run(running, clock)
    assert {row["name"]: row["missed"] for row in board(redis)["agents"]} == {"Ann": 3, "Bob": 1}


def test_a_missed_ring_that_is_told_twice_or_early_counts_once() -> None:
    told: list[AnyEvent] = [
        *gave_up("c1", "", NOON),
        *rang_out("c1", "Ann", NOON + 1_000),
        *signed_in("Ann", "support"),
    ]
    for order in (told, told[::-1], told + told):
        floor = Floor()
        for event in order:
            floor.apply(event)
        assert floor.agents["Ann"].missed_between(["support"], NOON, NOON + 900_000) == 1
        assert floor.agents["Ann"].condition == "available"


def test_a_person_whose_phone_is_unplugged_for_days_costs_a_bounded_memory() -> None:
    floor = Floor()
    for i in range(400):
        at = NOON + i * 900_000
        for event in [*gave_up(f"c{i}", "", at), *rang_out(f"c{i}", "Ann", at + 1_000)]:
            floor.apply(event)
        floor.advance(at + 60_000)
    assert len(floor.agents["Ann"].missed["support"]) <= 105


def test_the_limits_of_the_project_stand_on_its_board(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    limits = Limits.model_validate({"pause": "10m", "wrap_up": 90, "pause_by_reason": {"Lunch": "45m"}})
    run(engine(redis, Configured(project(limits=limits)), clock), clock)
    assert board(redis)["limits"] == {"pause_s": 600, "wrap_up_s": 90, "pause_by_reason_s": {"Lunch": 2_700}}
