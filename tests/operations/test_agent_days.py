"""Hours per agent: each person counts once a day, however often they come and go, and whatever dies meanwhile."""

from __future__ import annotations

import json

import redis as redis_py

from collectors.collector import FLOOR
from collectors.events import AgentChanged, AgentQueues, AnyEvent
from operations.store import boards
from tests.operations.floor_feed import NOON, Clock, Configured, Feed, engine, project, run

HOUR = 3_600_000
MIDNIGHT = NOON - 12 * HOUR


def signs_in(agent: str, at: int, *queues: str) -> list[AnyEvent]:
    return [AgentQueues(at, agent, dict.fromkeys(queues or ("support",))), AgentChanged(at, agent, "available")]


def hours(client: redis_py.Redis) -> tuple[float | None, int | None, str]:
    snapshot = boards.read(client, "acme")
    assert snapshot is not None
    entry = json.loads(snapshot)["kpis"]["avg_work_h"]
    return entry["value"], entry["sample"], entry["why"]


def test_two_people_who_came_and_went_and_served_other_queues_are_two(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    working = engine(redis, Configured(project(("hq/support", "hq/sales"))), clock)
    run(working, clock)
    assert hours(redis) == (None, 0, "no_agent_time")
    feed.emit(*signs_in("Ann", NOON), *signs_in("Bo", NOON, "sales"))
    run(working, clock)
    clock.at = NOON + HOUR
    feed.status()
    feed.emit(AgentChanged(clock.at, "Ann", "logged_out"), *signs_in("Bo", clock.at, "support", "sales"))
    run(working, clock)
    clock.at = NOON + 2 * HOUR
    feed.status()
    feed.emit(AgentChanged(clock.at, "Ann", "available"))
    run(working, clock)
    clock.at = NOON + 3 * HOUR
    feed.status()
    run(working, clock)
    value, people, _ = hours(redis)
    assert (value, people) == (2.5, 2), "Ann 2 h, Bo 3 h"


def test_a_restart_remembers_who_was_here_and_has_gone_home(redis: redis_py.Redis, clock: Clock, feed: Feed) -> None:
    configured = Configured(project())
    first = engine(redis, configured, clock)
    feed.emit(*signs_in("Ann", NOON))
    run(first, clock)
    clock.at = NOON + HOUR
    feed.status()
    feed.emit(AgentChanged(clock.at, "Ann", "logged_out"))
    run(first, clock)
    for lease in redis.keys("lease:*}"):
        redis.delete(lease)
    second = engine(redis, configured, clock, "second")
    feed.status()
    run(second, clock)
    assert hours(redis)[:2] == (1, 1)


def test_who_works_over_midnight_counts_on_both_days_and_nobody_is_carried_along(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    clock.at = MIDNIGHT - HOUR
    feed.status()
    working = engine(redis, Configured(project()), clock)
    feed.emit(*signs_in("Ann", clock.at), *signs_in("Bo", clock.at))
    run(working, clock)
    clock.at = MIDNIGHT - 60_000
    feed.status()
    feed.emit(AgentChanged(clock.at, "Bo", "logged_out"))
    run(working, clock)
    assert hours(redis)[1] == 2
    clock.at = MIDNIGHT + HOUR
    feed.status()
    run(working, clock)
    assert hours(redis)[:2] == (1, 1)


def test_people_of_a_source_that_tells_no_time_are_left_out_of_the_mean(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    branch = Feed(redis, clock, "branch")
    facts = {"gives": sorted(FLOOR - {"agent_time"})}
    branch.status(**facts)
    both = Configured(project(("hq/support", "branch/support")), sources=("hq", "branch"))
    working = engine(redis, both, clock)
    feed.emit(*signs_in("Ann", NOON))
    branch.emit(*signs_in("Bo", NOON))
    run(working, clock)
    clock.at = NOON + HOUR
    feed.status()
    branch.status(**facts)
    run(working, clock)
    assert hours(redis)[:2] == (1, 1)
