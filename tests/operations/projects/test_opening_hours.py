"""When a project is open: over midnight, on holidays, and on days on which the clocks change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.projects.calendar import MINUTE_MS
from operations.projects.faults import Faults
from operations.projects.opening_hours import OpeningHours, OpenState
from operations.projects.opening_rules import hours, read_opening

HOUR_MS = 60 * MINUTE_MS


def ms(zone: str, *when: int, fold: int = 0) -> int:
    return round(dt.datetime(*when, tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)  # type: ignore[misc,arg-type]


def opening(block: object, zone: str = "Asia/Shanghai") -> OpeningHours:
    faults = Faults()
    found = read_opening(block, zone, ("open",), faults)
    assert faults.all() == []
    return found


SHOP = {"mon-fri": "09:00-21:00", "sat": "09:00-18:00", "holidays": "CN"}


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ((2026, 11, 20, 8, 59, 59), (False, None, (2026, 11, 20, 9))),
        ((2026, 11, 20, 9), (True, (2026, 11, 20, 21), None)),
        ((2026, 11, 20, 20, 59, 59), (True, (2026, 11, 20, 21), None)),
        ((2026, 11, 20, 21), (False, None, (2026, 11, 21, 9))),  # a Saturday follows
        ((2026, 11, 21, 17), (True, (2026, 11, 21, 18), None)),
        ((2026, 11, 21, 18), (False, None, (2026, 11, 23, 9))),  # Sunday is not named, so it is closed
        ((2026, 9, 30, 22), (False, None, (2026, 10, 8, 9))),  # the National Day holidays
    ],
)
def test_a_state_says_until_when_or_from_when(
    when: tuple[int, ...], state: tuple[bool, tuple[int, ...] | None, tuple[int, ...] | None]
) -> None:
    zone = "Asia/Shanghai"
    is_open, until, following = state
    assert opening(SHOP).state(ms(zone, *when)) == OpenState(
        is_open, ms(zone, *until) if until else None, ms(zone, *following) if following else None
    )


def test_china_works_on_make_up_days_by_the_hours_of_the_nearest_working_day() -> None:
    shop = opening(SHOP)
    assert shop.ranges(dt.date(2026, 2, 14)) == ((540, 1260),), (
        "a Saturday that makes up for a holiday has Friday's hours"
    )
    assert shop.ranges(dt.date(2026, 1, 4)) == ((540, 1260),), "a Sunday that makes up for a holiday has Monday's hours"
    assert shop.ranges(dt.date(2026, 2, 20)) == (), "the working day that was moved is closed"
    assert shop.ranges(dt.date(2026, 11, 22)) == (), "another Sunday stays closed"


def test_make_up_days_are_known_whichever_day_is_asked_for_first() -> None:
    assert opening({"mon-fri": "09:00-18:00", "holidays": "CN"}).ranges(dt.date(2025, 1, 26)) == ((540, 1080),)


def test_days_of_ones_own_are_stronger_than_the_public_calendar() -> None:
    shop = opening(
        {**SHOP, "extra_closed": [dt.date(2026, 11, 20)], "open_on": {"2026-10-01": "10:00-16:00", "2026-10-02": None}}
    )
    assert shop.ranges(dt.date(2026, 11, 20)) == ()
    assert shop.ranges(dt.date(2026, 10, 1)) == ((600, 960),)
    assert shop.ranges(dt.date(2026, 10, 2)) == ((540, 1260),)
    listed = opening({**SHOP, "holidays": ["CN", dt.date(2026, 11, 20)], "open_on": [dt.date(2026, 10, 2)]})
    assert listed.ranges(dt.date(2026, 11, 20)) == ()
    assert listed.ranges(dt.date(2026, 10, 2)) == ((540, 1260),)


def test_a_part_of_a_country_has_its_own_holidays() -> None:
    assert opening({"daily": "09:00-18:00", "holidays": "DE-BY"}, "Europe/Berlin").ranges(dt.date(2026, 1, 6)) == ()
    assert opening({"daily": "09:00-18:00", "holidays": "DE"}, "Europe/Berlin").ranges(dt.date(2026, 1, 6)) != ()


@pytest.mark.parametrize("block", [None, {}, "24h", {"daily": "24h"}, {"mon-sun": "24h"}, {"fri-thu": "00:00-24:00"}])
def test_always_open_never_ends(block: object) -> None:
    always = opening(block)
    at = ms("Asia/Shanghai", 2026, 10, 1, 3)
    assert always.state(at) == OpenState(True)
    assert always.open_seconds(at, at + 1000 * HOUR_MS) == 3_600_000


def test_round_the_clock_for_years_is_counted_whole() -> None:
    start, end = ms("UTC", 2023, 1, 1), ms("UTC", 2026, 1, 1)
    assert opening({"daily": "24h"}, "UTC").open_seconds(start, end) == (end - start) // 1000


def test_never_open_has_no_next() -> None:
    assert opening({"daily": "closed"}).state(ms("Asia/Shanghai", 2026, 1, 1)) == OpenState(False)


def test_holidays_alone_close_an_always_open_project_on_those_days() -> None:
    zone = "Asia/Shanghai"
    state = opening({"holidays": "CN"}).state(ms(zone, 2026, 6, 18, 12))
    assert state == OpenState(True, until_ms=ms(zone, 2026, 6, 19))
    assert opening({"holidays": "CN"}).state(ms(zone, 2026, 6, 19, 12)) == OpenState(
        False, next_ms=ms(zone, 2026, 6, 20)
    )


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    zone = "Europe/Berlin"
    night = opening({"mon-fri": "22:00-06:00"}, zone)
    assert night.state(ms(zone, 2026, 11, 21, 5, 59)) == OpenState(
        True, until_ms=ms(zone, 2026, 11, 21, 6)
    )  # Saturday's morning
    assert night.state(ms(zone, 2026, 11, 23, 5)) == OpenState(
        False, next_ms=ms(zone, 2026, 11, 23, 22)
    )  # Monday's has none


def test_ranges_that_touch_at_midnight_are_one_opening() -> None:
    zone = "Europe/Berlin"
    both = opening({"fri": "18:00-24:00", "sat": "00:00-04:00"}, zone)
    assert both.state(ms(zone, 2026, 11, 20, 23)) == OpenState(True, until_ms=ms(zone, 2026, 11, 21, 4))
    assert both.openings(ms(zone, 2026, 11, 16), ms(zone, 2026, 11, 23)) == [
        (ms(zone, 2026, 11, 20, 18), ms(zone, 2026, 11, 21, 4))
    ]


def test_a_lunch_break_is_closed() -> None:
    zone = "Asia/Shanghai"
    shop = opening({"daily": "09:00-12:00,13:00-18:00"})
    assert shop.state(ms(zone, 2026, 5, 5, 12, 30)) == OpenState(False, next_ms=ms(zone, 2026, 5, 5, 13))
    assert opening({"daily": ["13:00-18:00", "09:00-12:00"]}) == shop
    assert shop.open_seconds(ms(zone, 2026, 5, 5), ms(zone, 2026, 5, 6)) == 8 * 3600


@pytest.mark.parametrize(
    ("day", "expected"),
    [((2026, 3, 28), 7), ((2026, 10, 24), 9), ((2026, 6, 6), 8)],
)
def test_a_night_in_which_the_clocks_change_has_an_hour_less_or_more(day: tuple[int, int, int], expected: int) -> None:
    zone = "Europe/Berlin"
    night = opening({"daily": "22:00-06:00"}, zone)
    noon = ms(zone, *day, 12)
    assert night.open_seconds(noon, noon + 24 * HOUR_MS) == expected * 3600


def test_a_range_that_the_clocks_jump_over_does_not_open() -> None:
    zone = "Europe/Berlin"
    early = opening({"daily": "02:15-02:45"}, zone)
    assert early.open_seconds(*(ms(zone, 2026, 3, 29), ms(zone, 2026, 3, 30))) == 0
    assert early.open_seconds(*(ms(zone, 2026, 10, 25), ms(zone, 2026, 10, 26))) == 3600 + 1800, (
        "from the first time to the second"
    )


def test_a_whole_day_of_24h_has_25_hours_when_the_clocks_go_back() -> None:
    zone = "America/New_York"
    assert opening({"sun": "24h"}, zone).open_seconds(ms(zone, 2026, 11, 1), ms(zone, 2026, 11, 2)) == 25 * 3600


minute_ranges = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] != pair[1])
weeks = st.lists(st.lists(minute_ranges, max_size=2), min_size=7, max_size=7).map(
    lambda week: tuple(tuple((a, b if b > a else b + 1440) for a, b in day[:1]) for day in week)
)
zones = st.sampled_from(("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"))
instants = st.integers(ms("UTC", 2026, 1, 1), ms("UTC", 2027, 1, 1))


@given(weeks, zones, instants)
def test_a_state_holds_until_the_moment_that_it_names(
    week: tuple[tuple[tuple[int, int], ...], ...], zone: str, at: int
) -> None:
    shop = OpeningHours(zone=zone, week=week)
    state = shop.state(at)
    change = state.until_ms if state.open else state.next_ms
    if change is not None:
        assert change > at
        before, after = (
            OpeningHours(zone=zone, week=week).state(change - 1),
            OpeningHours(zone=zone, week=week).state(change),
        )
        assert before.open == state.open != after.open


@given(weeks, zones, instants, st.integers(0, 10 * 24 * HOUR_MS))
def test_openings_agree_with_the_state_and_add_up_over_any_cut(
    week: tuple[tuple[tuple[int, int], ...], ...], zone: str, start: int, length: int
) -> None:
    shop = OpeningHours(zone=zone, week=week)
    openings = shop.openings(start, start + length)
    assert all(start <= begins < ends <= start + length for begins, ends in openings)
    assert all(one[1] < following[0] for one, following in zip(openings, openings[1:], strict=False))
    for begins, ends in openings:
        assert shop.state(begins).open
        assert shop.state(ends - 1).open
    middle = start + length // 2
    parts = sum(
        ends - begins for begins, ends in (*shop.openings(start, middle), *shop.openings(middle, start + length))
    )
    assert parts == sum(ends - begins for begins, ends in openings)


def test_hours_are_read_as_minutes() -> None:
    assert hours("09:00-12:00, 13:00 - 18:00") == ((540, 720), (780, 1080))
    assert hours("22:00-06:00") == ((1320, 1800),)
    assert hours("8:30–12:00") == ((510, 720),)
    assert hours("closed") == ()


def test_what_was_asked_before_does_not_change_equality() -> None:
    one, other = opening(SHOP), opening(SHOP)
    one.state(ms("Asia/Shanghai", 2026, 1, 1))
    assert one == other
