"""Days partition time, intervals partition days, in every zone and on every day on which the clocks change."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.projects.calendar import MINUTE_MS, QUARTER_MS, WINDOWS, Calendar, wall_ms

HOUR_MS = 60 * MINUTE_MS
ZONES = (
    "UTC",
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Nuuk",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Africa/Cairo",
    "Asia/Beirut",
)

# From 2012 on, when the last zone had given up its odd minutes and Apia had left out its day.
instants = st.integers(1_325_376_000_000, 2_208_988_800_000)
calendars = st.builds(Calendar, st.sampled_from(ZONES), st.sampled_from((15, 30)))


def ms(zone: str, *when: int, fold: int = 0) -> int:
    return round(dt.datetime(*when, tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)  # type: ignore[misc,arg-type]


@given(calendars, instants)
def test_an_instant_lies_in_exactly_one_day_and_days_touch(calendar: Calendar, at: int) -> None:
    start, end = calendar.day(at)
    assert start <= at < end
    assert calendar.day(start) == (start, end) == calendar.day(end - 1)
    assert calendar.day(end)[0] == end
    assert calendar.day(start - 1)[1] == start
    assert (end - start) // HOUR_MS in (23, 24, 25)


@given(calendars, instants)
def test_a_day_is_the_date_on_the_wall(calendar: Calendar, at: int) -> None:
    start, end = calendar.day(at)
    for moment in (at, start, end - 1):
        wall = dt.datetime.fromtimestamp(moment // 1000, calendar.tz).date()
        assert calendar.local_date(moment) == wall == calendar.local_date(at)
    assert calendar.day_start(calendar.local_date(at)) == start


@given(calendars, instants)
def test_intervals_partition_their_day(calendar: Calendar, at: int) -> None:
    start, end = calendar.day(at)
    intervals = calendar.intervals(start, end)
    assert intervals[0][0] == start
    assert intervals[-1][1] == end
    assert all(one[1] == following[0] for one, following in pairwise(intervals))
    assert calendar.interval(at) in intervals
    assert calendar.interval(at)[0] <= at < calendar.interval(at)[1]


@given(calendars, instants)
def test_interval_bounds_are_marks_of_the_wall_clock_and_of_the_stored_quarter_hours(
    calendar: Calendar, at: int
) -> None:
    for start, end in calendar.intervals(*calendar.day(at)):
        assert start % QUARTER_MS == 0
        assert 0 < end - start <= calendar.interval_min * MINUTE_MS
        wall = dt.datetime.fromtimestamp(start // 1000, calendar.tz)
        assert wall.minute % calendar.interval_min == 0
        assert wall.second == 0


@given(calendars, instants, st.integers(0, 3 * 24 * HOUR_MS))
def test_intervals_of_a_stretch_are_all_that_share_an_instant_with_it(
    calendar: Calendar, start: int, length: int
) -> None:
    found = calendar.intervals(start, start + length)
    if not length:
        assert found == []
        return
    assert found[0][0] <= start < found[0][1]
    assert found[-1][0] < start + length <= found[-1][1]
    assert all(one[1] == following[0] for one, following in pairwise(found))


@given(calendars, instants)
def test_weeks_begin_on_monday_and_months_on_the_first(calendar: Calendar, at: int) -> None:
    for find, first in ((calendar.week, lambda day: day.weekday() == 0), (calendar.month, lambda day: day.day == 1)):
        start, end = find(at)
        assert start <= at < end
        assert first(calendar.local_date(start))
        assert first(calendar.local_date(end))
        assert not any(
            first(calendar.local_date(moment)) for moment in range(calendar.day(start)[1], end, 24 * HOUR_MS)[:-1]
        )
        assert find(start) == find(end - 1) == (start, end)


@given(calendars, instants, st.sampled_from(WINDOWS))
def test_every_window_but_now_holds_its_instant(calendar: Calendar, at: int, window: str) -> None:
    start, end = calendar.window_bounds(window, at)
    assert start <= at
    assert (end == at) if window == "now" else (at < end)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29), 23),
        ("Europe/Berlin", (2026, 10, 25), 25),
        ("America/New_York", (2026, 3, 8), 23),
        ("America/New_York", (2026, 11, 1), 25),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", (2026, 10, 4), 23.5),
        ("Africa/Cairo", (2026, 4, 24), 23),
        ("Asia/Kathmandu", (2026, 3, 29), 24),
        ("Asia/Shanghai", (2026, 10, 25), 24),
    ],
)
def test_a_day_on_which_the_clocks_change_is_shorter_or_longer(
    zone: str, day: tuple[int, int, int], hours: float
) -> None:
    calendar = Calendar(zone, 30)
    start, end = calendar.day(ms(zone, *day, 12))
    assert (end - start) / HOUR_MS == hours
    assert len(calendar.intervals(start, end)) == hours * 2


def test_a_day_without_midnight_begins_when_the_clocks_jump_over_it() -> None:
    start, _ = Calendar("Africa/Cairo", 30).day(ms("Africa/Cairo", 2026, 4, 24, 12))
    assert dt.datetime.fromtimestamp(start // 1000, ZoneInfo("Africa/Cairo")).isoformat() == "2026-04-24T01:00:00+03:00"


def test_a_date_that_a_zone_left_out_is_no_day() -> None:
    calendar = Calendar("Pacific/Apia", 30)
    before = calendar.day(ms("Pacific/Apia", 2011, 12, 29, 12))
    assert calendar.local_date(before[1]) == dt.date(2011, 12, 31)
    assert calendar.day(before[1])[0] == before[1]


def test_the_hour_that_comes_twice_has_its_intervals_twice() -> None:
    zone = "Europe/Berlin"
    calendar = Calendar(zone, 30)
    first = calendar.interval(ms(zone, 2026, 10, 25, 2, 10))
    second = calendar.interval(ms(zone, 2026, 10, 25, 2, 10, fold=1))
    assert second[0] - first[0] == HOUR_MS
    assert [calendar.iso(at)[11:] for at in (*first, *second)] == [
        "02:00:00.000+02:00",
        "02:30:00.000+02:00",
        "02:00:00.000+01:00",
        "02:30:00.000+01:00",
    ]


def test_intervals_of_kathmandu_stand_at_its_own_half_hours() -> None:
    zone = "Asia/Kathmandu"
    assert Calendar(zone, 30).interval(ms(zone, 2026, 5, 5, 10, 44)) == (
        ms(zone, 2026, 5, 5, 10, 30),
        ms(zone, 2026, 5, 5, 11),
    )


def test_each_window_has_the_bounds_that_a_person_expects() -> None:
    zone = "Asia/Shanghai"
    calendar = Calendar(zone, 30)
    at = ms(zone, 2026, 11, 22, 10, 15, 2)  # a Sunday
    assert {window: calendar.window_bounds(window, at, dt.date(2026, 1, 5)) for window in WINDOWS} == {
        "now": (at, at),
        "interval": (ms(zone, 2026, 11, 22, 10), ms(zone, 2026, 11, 22, 10, 30)),
        "rolling_5m": (ms(zone, 2026, 11, 22, 10, 11), ms(zone, 2026, 11, 22, 10, 16)),
        "rolling_15m": (ms(zone, 2026, 11, 22, 10, 1), ms(zone, 2026, 11, 22, 10, 16)),
        "rolling_30m": (ms(zone, 2026, 11, 22, 9, 46), ms(zone, 2026, 11, 22, 10, 16)),
        "rolling_60m": (ms(zone, 2026, 11, 22, 9, 16), ms(zone, 2026, 11, 22, 10, 16)),
        "today": (ms(zone, 2026, 11, 22), ms(zone, 2026, 11, 23)),
        "week": (ms(zone, 2026, 11, 16), ms(zone, 2026, 11, 23)),
        "month": (ms(zone, 2026, 11, 1), ms(zone, 2026, 12, 1)),
        "project": (ms(zone, 2026, 1, 5), ms(zone, 2026, 11, 23)),
    }


def test_project_to_date_begins_at_the_epoch_without_a_first_day_and_is_empty_before_it() -> None:
    calendar = Calendar("UTC", 30)
    at = ms("UTC", 2026, 5, 5, 12)
    assert calendar.project_to_date(at, None) == (0, ms("UTC", 2026, 5, 6))
    start, end = calendar.project_to_date(at, dt.date(2027, 1, 1))
    assert start == end


def test_december_is_followed_by_january() -> None:
    calendar = Calendar("UTC", 15)
    assert calendar.month(ms("UTC", 2026, 12, 31, 23, 59)) == (ms("UTC", 2026, 12, 1), ms("UTC", 2027, 1, 1))


def test_a_time_that_does_not_exist_is_the_instant_of_the_jump() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert wall_ms(zone, dt.date(2026, 3, 29), 2 * 60 + 30) == ms("Europe/Berlin", 2026, 3, 29, 3)


def test_a_time_that_comes_twice_can_be_asked_for_each_time() -> None:
    zone = ZoneInfo("Europe/Berlin")
    first = wall_ms(zone, dt.date(2026, 10, 25), 2 * 60 + 30)
    assert wall_ms(zone, dt.date(2026, 10, 25), 2 * 60 + 30, second_time=True) - first == HOUR_MS


@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_every_zone_on_earth_cuts_its_intervals_at_quarter_hours_of_utc(month: int) -> None:
    at = ms("UTC", 2026, month, 10, 12)
    for zone in available_timezones() - {"localtime", "Factory"}:
        calendar = Calendar(zone, 30)
        for bounds in (calendar.interval(at), calendar.day(at), calendar.month(at)):
            assert bounds[0] % QUARTER_MS == bounds[1] % QUARTER_MS == 0, zone


def test_an_unknown_window_and_an_odd_interval_are_refused() -> None:
    with pytest.raises(ValueError, match="'fortnight' is no window"):
        Calendar("UTC", 30).window_bounds("fortnight", 0)
    with pytest.raises(ValueError, match="15 or 30"):
        Calendar("UTC", 20)


def test_two_calendars_of_the_same_zone_and_interval_are_equal() -> None:
    assert Calendar("UTC", 30) == Calendar("UTC", 30) != Calendar("UTC", 15)
    assert len({Calendar("UTC", 30), Calendar("UTC", 30)}) == 1
