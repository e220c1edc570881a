"""The sums that follow each change equal what adding up from nothing gives, in every window, zone and after every restart."""

from __future__ import annotations

import random

import pytest
import redis as redis_py

from operations.floor.agents import group_of
from operations.floor.counters import DAY_MS, MINUTE_MS, QUARTER_MS, Counters
from operations.intervals import intervals
from operations.projects.calendar import WINDOWS
from operations.store.cells import Cells
from operations.windows import PROJECT, WindowSums
from tests.operations.floor_feed import NOON, project

SHOWN = tuple(window for window in WINDOWS if window != "now")
AUTUMN = 1_792_886_400_000
"""2026-10-25T00:00:00Z: the day on which Berlin's clocks go back at 01:00 UTC."""


def save(cells: Cells, client: redis_py.Redis, now: int) -> None:
    with client.pipeline() as pipe:
        cells.write(pipe, now)
        pipe.execute()
    cells.saved(now)


def brute(booked: list[tuple[str, int, int]], bounds: tuple[int, int], rows: set[str]) -> int:
    return sum(n for row, at, n in booked if row in rows and bounds[0] <= at < bounds[1])


@pytest.mark.parametrize(
    ("zone", "start"),
    [("Asia/Shanghai", NOON), ("Europe/Berlin", AUTUMN), ("Asia/Kathmandu", NOON), ("America/New_York", NOON)],
)
@pytest.mark.parametrize("seed", range(2))
def test_every_window_equals_the_sum_of_what_was_booked_in_it(
    redis: redis_py.Redis, zone: str, start: int, seed: int
) -> None:
    rng = random.Random(seed)
    ours = project(("hq/a", "hq/b"), zone=zone)
    both, elsewhere = group_of(["a", "b"]), group_of(["b", "other"])
    members = {"a": {"a", both}, "b": {"b", both, elsewhere}}
    now = start
    booked: list[tuple[str, int, int]] = []
    cells = Cells(redis, "hq")
    cells.load(now)
    sums = WindowSums(ours, SHOWN, {"hq": cells})
    sums.roll(now)
    for step in range(90):
        now += rng.choice([1_000, 30_000, MINUTE_MS, 7 * MINUTE_MS, 3_600_000])
        delta: dict[tuple[str, int], Counters] = {}
        for _ in range(rng.randrange(5)):
            row = rng.choice(["a", "b", "other", both, elsewhere])
            at = now - rng.choice([0, 0, 0, MINUTE_MS, 10 * MINUTE_MS, 90 * MINUTE_MS, DAY_MS, 9 * DAY_MS])
            at -= at % MINUTE_MS
            n = rng.randrange(1, 4)
            delta.setdefault((row, at), Counters({}, {}, {})).add(Counters({"offered": n}, {}, {}))
            booked.append((row, at, n))
        for change in cells.add(delta, {}, now):
            sums.add("hq", *change)
        sums.roll(now)
        if rng.random() < 0.7:
            save(cells, redis, now)
        if rng.random() < 0.1:  # another process takes over
            save(cells, redis, now)
            cells = Cells(redis, "hq")
            cells.load(now)
            sums = WindowSums(ours, SHOWN, {"hq": cells})
            sums.roll(now)
        for window in SHOWN:
            for scope, rows in ((PROJECT, members["a"] | members["b"]), ("hq/a", members["a"]), ("hq/b", members["b"])):
                expected = brute(booked, sums.bounds[window], rows)
                assert sums.get(window, scope).get("offered") == expected, (step, window, scope)


def test_an_imported_interval_replaces_the_cell_and_twice_is_once(redis: redis_py.Redis) -> None:
    cells = Cells(redis, "hq")
    cells.load(NOON)
    sums = WindowSums(project(("hq/a",)), SHOWN, {"hq": cells})
    sums.roll(NOON)
    start = NOON - 3 * DAY_MS
    for offered in (7, 7, 5):
        whole = Counters({"offered": offered}, {4: 1}, {})
        for change in cells.add({}, {("a", start): whole}, NOON):
            sums.add("hq", *change)
        save(cells, redis, NOON)
    assert sums.get("month", PROJECT).get("offered") == 5
    assert sums.get("month", PROJECT).answered_waits == {4: 1}
    fresh = Cells(redis, "hq")
    fresh.load(NOON)
    assert fresh.sums(start - DAY_MS, NOON, NOON)["a"].get("offered") == 5


def test_old_days_are_summed_once_and_again_after_a_late_word(redis: redis_py.Redis) -> None:
    cells = Cells(redis, "hq")
    cells.load(NOON)
    long_ago = NOON - 20 * DAY_MS
    cells.add({("a", long_ago): Counters({"offered": 2}, {}, {})}, {}, NOON)
    save(cells, redis, NOON)
    assert cells.sums(long_ago - 5 * DAY_MS, NOON, NOON)["a"].get("offered") == 2
    assert redis.keys("days:*")
    cells.add({("a", long_ago): Counters({"offered": 1}, {}, {})}, {}, NOON)
    assert cells.sums(long_ago - 5 * DAY_MS, NOON, NOON)["a"].get("offered") == 3
    save(cells, redis, NOON)
    assert not redis.keys("days:*")
    assert cells.sums(long_ago - 5 * DAY_MS, NOON, NOON)["a"].get("offered") == 3


def test_intervals_follow_the_local_clock_through_a_day_of_25_hours(redis: redis_py.Redis) -> None:
    ours = project(("hq/a",), zone="Europe/Berlin")
    cells = Cells(redis, "hq")
    now = AUTUMN + DAY_MS
    cells.load(now)
    start, end = ours.calendar.day(AUTUMN + 3_600_000)
    cells.add({("a", at): Counters({"offered": 1}, {}, {}) for at in range(start, end, QUARTER_MS)}, {}, now)
    save(cells, redis, now)
    rows = intervals(redis, ours, start, end, 30, None, {})
    assert end - start == 25 * 3_600_000
    assert [row["counters"]["offered"] for row in rows] == [2] * 50
    assert len({row["start"] for row in rows}) == 50
    assert len(intervals(redis, ours, start, end, 60, None, {})) == 25
    assert len(intervals(redis, ours, start, end, 15, "hq/a", {})) == 100


def test_an_interval_without_contacts_has_counters_of_zero_and_no_ratio(redis: redis_py.Redis) -> None:
    row = intervals(redis, project(), NOON, NOON + 1_800_000, 30, "hq/support", {})[0]
    assert row["counters"]["offered"] == 0
    assert row["kpis"]["service_level_pct"] is None
    assert row["start"] == "2026-11-22T12:00:00.000+08:00"
    with pytest.raises(KeyError):
        intervals(redis, project(), NOON, NOON + 1_800_000, 30, "hq/rival", {})
