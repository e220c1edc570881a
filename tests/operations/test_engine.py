"""From the event log to the board, with a real Redis: what is shown, what is saved, and what a crash cannot undo."""

from __future__ import annotations

import json
import random

import msgspec
import pytest
import redis as redis_py

from collectors import event_log
from collectors.events import (
    AgentChanged,
    AgentQueues,
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactEntered,
    ContactRangNoAnswer,
    Snapshot,
)
from operations.engine import groups
from operations.intervals import intervals
from operations.projects.contract import Target
from operations.store import boards, keys
from operations.store.leases import Lease, LeaseLost, guarded
from tests.operations.floor_feed import NOON, Clock, Configured, Feed, abandoned, answered, board, engine, project, run


def a_morning(n: int = 40) -> list[AnyEvent]:
    """``n`` contacts before noon: three of four answered, half of those within 20 s."""
    told: list[AnyEvent] = []
    for i in range(n):
        at = NOON - 3_600_000 + i * 60_000
        told += (
            abandoned("support", f"c{i}", at, 7_000)
            if i % 4 == 3
            else answered("support", f"c{i}", at, 10_000 if i % 2 else 30_000)
        )
    return told


def test_what_was_counted_stands_on_the_board(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    feed.emit(*a_morning())
    run(engine(redis, Configured(project()), clock), clock)
    kpis = board(redis)["kpis"]
    assert (kpis["offered"]["value"], kpis["answered"]["value"], kpis["abandoned"]["value"]) == (40, 30, 10)
    assert kpis["service_level_pct"]["value"] == 25.0
    assert kpis["service_level_pct"]["sample"] == 40
    assert kpis["aht_s"]["value"] == 60.0


def test_a_fresh_project_shows_no_ratio_but_a_reason(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    feed.emit(Snapshot(NOON, NOON, ["support"], [], []))
    run(engine(redis, Configured(project()), clock), clock)
    kpis = board(redis)["kpis"]
    assert kpis["service_level_pct"]["value"] is None
    assert kpis["service_level_pct"]["reason"] == "no contacts yet"
    assert kpis["abandoned"] | {"value": 0, "reason": "no contacts yet", "band": "none"} == kpis["abandoned"]


def test_a_project_without_queues_says_so(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    run(engine(redis, Configured(project(())), clock), clock)
    assert board(redis)["kpis"]["contacts_waiting"]["reason"] == "no queue yet"


def test_the_changes_lead_to_the_snapshot(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    """A screen that merges every change holds exactly what a screen that takes the snapshot gets."""
    listener = redis.pubsub()
    listener.subscribe(keys.channel("acme"))
    listener.get_message(timeout=1)
    running = engine(
        redis,
        Configured(project(("hq/support", "hq/sales"), Target(kpi="longest_wait_s", goal=60, critical=90))),
        clock,
    )
    run(running, clock, 1)
    held = board(redis)
    while listener.get_message():
        pass
    rng = random.Random(5)
    for i in range(60):
        queue = rng.choice(["support", "sales"])
        told: list[AnyEvent] = [ContactEntered(clock.at, queue, f"c{i}", f"1380000{i % 9:04}")]
        if i > 3 and rng.random() < 0.8:
            told.append(ContactAbandoned(clock.at, queue, f"c{i - 3}"))
        elif i > 3:
            told.append(ContactAnswered(clock.at, queue, f"c{i - 3}", f"a{i % 5}"))
        if i % 7 == 0:
            told.append(ContactRangNoAnswer(clock.at, queue, f"c{i}", f"a{i % 5}"))
        told.append(AgentQueues(clock.at, f"a{i % 5}", {} if rng.random() < 0.2 else {queue: None}))
        told.append(
            AgentChanged(clock.at, f"a{i % 5}", rng.choice(["available", "paused", "on_contact", "logged_out"]))
        )
        feed.emit(*told)
        feed.status()
        run(running, clock, 1)
        while (message := listener.get_message()) is not None:
            merge(held, json.loads(message["data"]))
    fresh = board(redis)
    for each in (held, fresh):
        for name in ("agents", "lost"):
            each[name] = sorted(each[name], key=lambda row: row["id"])
    assert held["lost"]
    assert held == fresh


def merge(held: dict, change: dict) -> None:
    assert change.pop("previous") == held["revision"]
    for name in ("agents", "lost"):
        for row in change.pop(name, []):
            held[name] = [other for other in held[name] if other["id"] != row["id"]] + [row]
        gone = change.pop(f"{name}_gone", [])
        held[name] = [row for row in held[name] if row["id"] not in gone]
    for queue, body in change.pop("queues", {}).items():
        into = held["queues"].setdefault(queue, {"name": body.get("name"), "kpis": {}})
        for key, fields in body["kpis"].items():
            into["kpis"].setdefault(key, {}).update(fields)
    for key, fields in change.pop("kpis", {}).items():
        held["kpis"][key].update(fields)
    held.update(change)


def test_an_engine_killed_before_it_saved_counts_everything_once(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    told = a_morning()
    configured = Configured(project())
    first = engine(redis, configured, clock, "first")
    for start in range(0, len(told), 7):
        feed.emit(*told[start : start + 7])
        if start % 3:
            first.turn(wait=False)
        else:  # killed in the middle: what it read is in its memory alone
            for held in first._groups.values():
                for fold in held.folds.values():
                    fold.take(event_log.read(redis, {"hq": fold.position}, None).get("hq", []), clock.at)
            for lease in redis.keys("lease:*}"):
                redis.delete(lease)
            first = engine(redis, configured, clock, f"after {start}")
    run(first, clock)
    kpis = board(redis)["kpis"]
    assert (kpis["offered"]["value"], kpis["answered"]["value"], kpis["abandoned"]["value"]) == (40, 30, 10)


def test_a_second_engine_waits_and_takes_over(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    configured = Configured(project())
    first, second = engine(redis, configured, clock, "first"), engine(redis, configured, clock, "second")
    first.turn(wait=False)
    second.turn(wait=False)
    assert first._groups
    assert not second._groups
    first.close()
    run(second, clock)
    assert second._groups


def test_an_engine_that_slept_through_its_lease_cannot_write(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    configured = Configured(project())
    sleeper, successor = engine(redis, configured, clock, "sleeper"), engine(redis, configured, clock, "successor")
    sleeper.turn(wait=False)
    for lease in redis.keys("lease:*}"):
        redis.delete(lease)  # it ran out
    successor.turn(wait=False)
    feed.emit(*a_morning())
    group = next(iter(sleeper._groups.values()))
    fold = group.folds["hq"]
    fold.take(event_log.read(redis, {"hq": "0-0"}, None)["hq"], clock.at)
    fold.book(clock.at)
    with pytest.raises(LeaseLost):
        fold.save(clock.at)
    run(successor, clock)
    sleeper.turn(wait=False)
    assert board(redis)["kpis"]["offered"]["value"] == 40


def test_a_write_is_refused_when_the_lease_changes_hands_in_the_middle(redis: redis_py.Redis) -> None:
    lease = Lease(redis, "source", "hq", "one")
    assert lease.acquire()

    def write(pipe: redis_py.client.Pipeline) -> None:
        redis.set(lease.key, "two:9")
        pipe.set("written", 1)

    with pytest.raises(LeaseLost):
        guarded(redis, lease, write)
    assert redis.get("written") is None


def test_an_emptied_redis_gets_back_what_is_remembered(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    feed.emit(*a_morning())
    running = engine(redis, Configured(project()), clock)
    run(running, clock)
    redis.flushall()
    feed.status()
    feed.emit(*answered("support", "after", clock.at, 5_000))
    run(running, clock, 5)
    assert board(redis)["kpis"]["offered"]["value"] == 41
    successor = engine(redis, Configured(project()), clock, "later")
    running.close()
    run(successor, clock)
    assert board(redis)["kpis"]["offered"]["value"] == 41


def test_a_source_that_dies_takes_its_numbers_with_it_and_brings_them_back(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    feed.emit(*a_morning())
    running = engine(redis, Configured(project()), clock)
    run(running, clock)
    feed.status("down", "connection refused")
    run(running, clock)
    entry = board(redis)["kpis"]["service_level_pct"]
    assert entry["value"] is None
    assert entry["band"] == "unknown"
    assert entry["reason"] == "hq: source down since 12:00"
    assert entry["last"]["value"] == 25.0
    feed.status()
    run(running, clock)
    assert board(redis)["kpis"]["service_level_pct"]["value"] == 25.0


def test_a_status_that_nobody_writes_any_more_counts_as_down(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    running = engine(redis, Configured(project()), clock)
    feed.emit(*a_morning())
    run(running, clock)
    clock.at += 20_000
    run(running, clock)
    assert board(redis)["kpis"]["answered"]["why"] == "source_down"


def test_only_the_queues_of_the_project_are_on_its_board(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    feed.emit(
        *answered("support", "a", NOON - 90_000, 1_000),
        *answered("rival", "b", NOON - 90_000, 1_000),
        AgentQueues(NOON, "Ann", {"support": None, "rival": None}),
        AgentChanged(NOON, "Ann", "on_contact", queue="rival", contact="secret-contact"),
    )
    run(engine(redis, Configured(project(), project(("hq/rival",), id="rival-inc")), clock), clock)
    text = boards.read(redis, "acme")
    assert text is not None
    assert b"hq/rival" not in text
    assert b"secret-contact" not in text
    assert board(redis)["kpis"]["offered"]["value"] == 1
    assert board(redis)["kpis"]["agents_on_contact"]["value"] == 1


def test_an_agent_of_three_queues_is_one_agent_and_one_agents_time(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    queues = ("hq/a", "hq/b", "hq/c")
    feed.emit(AgentQueues(NOON, "Ann", {"a": None, "b": None, "c": None}), AgentChanged(NOON, "Ann", "available"))
    running = engine(redis, Configured(project(queues)), clock)
    for _ in range(5):
        feed.status()
        run(running, clock, 14)
        clock.at += 46_000
    assert board(redis)["kpis"]["agents_available"]["value"] == 1
    row = intervals(redis, project(queues), NOON, NOON + 1_800_000, 30, None, {})[0]
    each = intervals(redis, project(queues), NOON, NOON + 1_800_000, 30, "hq/b", {})[0]
    assert row["counters"]["available_s"] == each["counters"]["available_s"] >= 240


def test_a_late_word_moves_the_past_and_the_sums_above_it(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    configured = Configured(
        project(
            ("hq/support",),
            Target(kpi="offered", window="month", goal=5),
            Target(kpi="offered", window="rolling_15m", goal=5),
        )
    )
    running = engine(redis, configured, clock)
    run(running, clock)
    feed.emit(*answered("support", "late", NOON - 600_000, 5_000))
    run(running, clock)
    offered = board(redis)["kpis"]["offered"]
    assert offered["value"] == 1
    assert offered["windows"]["rolling_15m"]["value"] == 1
    feed.status()
    for _ in range(6):
        clock.at += 60_000
        feed.status()
        run(running, clock)
    assert board(redis)["kpis"]["offered"]["windows"]["rolling_15m"]["value"] == 0
    assert board(redis)["kpis"]["offered"]["value"] == 1


def test_midnight_begins_a_new_day_while_contacts_wait(redis: redis_py.Redis, feed: Feed) -> None:
    midnight = NOON + 12 * 3_600_000
    clock = Clock(midnight - 5_000)
    feed = Feed(redis, clock)
    feed.status()
    running = engine(redis, Configured(project()), clock)
    feed.emit(
        *answered("support", "before", midnight - 60_000, 1_000, 1_000),
        ContactEntered(midnight - 4_000, "support", "over"),
    )
    run(running, clock)
    assert board(redis)["kpis"]["offered"]["value"] == 2
    run(running, clock, 4)
    kpis = board(redis)["kpis"]
    assert kpis["offered"]["value"] == 0
    assert kpis["contacts_waiting"]["value"] == 1
    feed.emit(ContactAnswered(clock.at, "support", "over", "Ann"))
    run(running, clock, 1)
    kpis = board(redis)["kpis"]
    assert (kpis["offered"]["value"], kpis["answered"]["value"]) == (0, 1)


def test_a_restart_keeps_day_month_trend_and_revision(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    configured = Configured(project())
    feed.emit(*answered("support", "long ago", NOON - 8 * 86_400_000, 1_000))
    first = engine(redis, configured, clock, "first")
    run(first, clock)
    feed.emit(*a_morning())
    run(first, clock)
    before = board(redis)
    first.close()
    second = engine(redis, configured, clock, "second")
    run(second, clock)
    after = board(redis)
    assert after["revision"] > before["revision"]
    assert after["kpis"]["offered"]["value"] == 40
    assert (
        after["kpis"]["service_level_pct"]["windows"]["month"]
        == before["kpis"]["service_level_pct"]["windows"]["month"]
    )
    assert after["kpis"]["service_level_pct"]["windows"]["month"]["sample"] == 41


def test_an_entry_that_cannot_be_read_is_passed_over_aloud(
    redis: redis_py.Redis, clock: Clock, feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    redis.xadd(event_log.stream_key("hq"), {"events": b"[{not json"})
    redis.xadd(event_log.stream_key("hq"), {"events": b'[{"type":"from_the_future","at":1}]'})
    feed.emit(*answered("support", "a", NOON - 90_000, 1_000))
    run(engine(redis, Configured(project()), clock), clock)
    assert board(redis)["kpis"]["offered"]["value"] == 1
    assert sum("cannot be read" in record.message for record in caplog.records) == 2


def test_sources_that_share_a_project_are_worked_by_one_engine() -> None:
    configured = Configured(
        project(("a/x", "b/y"), id="both"), project(("c/z",), id="alone"), sources=("a", "b", "c", "d")
    )
    found = {frozenset(sources): projects for sources, projects in groups(configured)}  # type: ignore[arg-type]
    assert found == {frozenset("ab"): ("both",), frozenset("c"): ("alone",), frozenset("d"): ()}


def test_boards_say_that_they_were_checked_also_when_nothing_happens(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    running = engine(redis, Configured(project()), clock)
    run(running, clock, 5)
    first = int(redis.hget(keys.BOARDS_CHECKED, "acme"))
    run(running, clock, 3)
    assert int(redis.hget(keys.BOARDS_CHECKED, "acme")) > first
    assert msgspec.json.decode(redis.get("role:operate:one"))["role"] == "operate"


def test_leases_that_only_ran_out_are_taken_again_without_loading_anew(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    running = engine(redis, Configured(project()), clock)
    run(running, clock)
    held = next(iter(running._groups.values()))
    for lease in redis.keys("lease:*}"):
        redis.delete(lease)
    feed.emit(*a_morning())
    run(running, clock)
    assert next(iter(running._groups.values())) is held
    assert board(redis)["kpis"]["offered"]["value"] == 40


def test_a_lease_that_somebody_else_had_in_between_is_not_reclaimed(redis: redis_py.Redis) -> None:
    first, second = Lease(redis, "source", "hq", "first"), Lease(redis, "source", "hq", "second")
    assert first.acquire()
    assert not second.acquire()
    redis.delete(first.key)
    assert second.acquire()
    second.release()
    assert not first.reclaim()
    assert redis.get(first.key) is None
