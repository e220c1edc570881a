"""The error budget: which burns a contract can reach, when they fire, and how many misses are left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from operations.alerts.budget import (
    BURNS,
    BudgetRule,
    Volume,
    budget_rules,
    expected_volume,
    misses_left,
    past_starts,
    read_all,
)
from operations.alerts.evaluate import AlertState, Change, Reading
from operations.alerts.rules import WARNING
from operations.alerts.words import sentence
from operations.floor.counters import Counters
from operations.kpis.formulas import service_level
from operations.projects.contract import Contract, ServiceLevel, Target
from operations.texts import render
from tests.operations.floor_feed import NOON, project

HOURS = {"day": 12.0, "week": 60.0, "month": 264.0}


def read(rule: BudgetRule, sum_of: Callable[[str], Counters], terms: Contract) -> Reading:
    """The reading of one rule while the project is open."""
    return read_all((rule,), sum_of, terms, is_open=True)[rule.rule.id]


def contract(goal: float = 80, period: str = "month", min_sample: int = 0) -> Contract:
    target = Target(kpi="service_level_pct", goal=goal, min_sample=min_sample)
    return Contract(targets=(target,), service_level=ServiceLevel(within_s=20, period=period))  # type: ignore[arg-type]


def test_an_80_percent_contract_open_12_hours_a_day_fires_where_the_arithmetic_says() -> None:
    """30-min day rule at 52 %, 2-h at 70 %; over 264 open hours a month at 47.2, 56 and 78 %."""
    limits = {found.burn.id: found.rule.limit for found in budget_rules(contract(), HOURS.__getitem__)}
    assert limits == {
        "budget_day_30m": 52.0,
        "budget_day_120m": 70.0,
        "budget_month_60m": 47.2,
        "budget_month_6h": 56.0,
        "budget_month_24h": 78.0,
    }


def test_a_week_of_60_open_hours_fires_where_the_arithmetic_says() -> None:
    limits = {found.burn.id: found.rule.limit for found in budget_rules(contract(period="week"), HOURS.__getitem__)}
    assert limits == {
        "budget_day_30m": 52.0,
        "budget_day_120m": 70.0,
        "budget_week_60m": 40.0,
        "budget_week_6h": 70.0,
        "budget_week_24h": 80.0,
    }


@pytest.mark.parametrize("goal", [80, 70, 66.6, 95.5, 99.9, 33.3])
def test_a_stretch_that_just_meets_the_goal_never_fires_however_few_hours_are_open(goal: float) -> None:
    asked = contract(goal, period="week", min_sample=1)
    for open_hours in (HOURS, {"day": 3.0, "week": 15.0, "month": 60.0}):
        for found in budget_rules(asked, open_hours.__getitem__):
            assert found.rule.limit is not None
            assert found.rule.limit <= goal
            at_goal = Counters({"answered": 1000}, {2: round(10 * goal), 200: 1000 - round(10 * goal)}, {})
            assert read(found, lambda window, c=at_goal: c, asked).over == 0, (found.burn.id, open_hours)


def test_a_limit_that_is_the_goal_fires_just_under_it_and_says_what_goes_in_the_stretch() -> None:
    asked = contract(period="week")
    rule = next(found for found in budget_rules(asked, HOURS.__getitem__) if found.burn.id == "budget_week_24h")
    assert rule.rule.share == 24 / 60
    under = Counters({"answered": 100_000}, {2: 79_999, 200: 20_001}, {})
    assert read(rule, lambda window: under, asked).over == WARNING
    state = AlertState(value=79.9, began_at=NOON)
    assert render(sentence(Change(NOON, rule.rule, "fired", WARNING, state)), "en") == (
        "Service level 79.9 % in the last 24 h, under 80.0 %: 40 % of the week's misses go in 24 h"
    )


def test_an_acd_that_tells_no_waits_burns_no_budget() -> None:
    rule = next(found for found in budget_rules(contract(), HOURS.__getitem__) if found.burn.id == "budget_day_30m")
    silent = {window: Counters({"answered": 100}, {}, {}) for window in ("rolling_30m", "rolling_3m")}
    assert read(rule, silent.__getitem__, contract()).over == 0


@pytest.mark.parametrize("abandons", ["hit_within", "ignore_within", "exclude_short"])
def test_what_the_service_level_does_not_know_burns_no_budget_under_any_rule(abandons: str) -> None:
    level = ServiceLevel(within_s=20, abandons=abandons)  # type: ignore[arg-type]
    asked = Contract(targets=contract().targets, service_level=level, short_abandon_s=5)
    untold = Counters({"answered": 70, "abandoned": 30}, {2: 70}, {})
    rules = budget_rules(asked, HOURS.__getitem__)
    assert service_level(untold, asked, 0).why == "not_reported"
    for found in rules:
        reading = read(found, lambda window: untold, asked)
        assert (reading.value, reading.over) == (None, 0), found.burn.id
    told = Counters({"answered": 70, "abandoned": 30}, {2: 70}, {200: 30})
    assert any(read(found, lambda window: told, asked).over for found in rules)


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        (Counters({"answered": 9}, {2: 9}, {}), "来电不足 10 通"),
        (Counters({"answered": 90}, {2: 9}, {}), "此 ACD 不提供"),
    ],
)
def test_why_a_budget_is_not_judged_is_said_in_every_language(counted: Counters, words: str) -> None:
    rule = next(found for found in budget_rules(contract(), HOURS.__getitem__))
    reading = read(rule, lambda window: counted, contract())
    ended = Change(NOON, rule.rule, "resolved", WARNING, AlertState(began_at=NOON), reading.why)
    assert words in render(sentence(ended), "zh-Hans")


def test_a_short_window_is_a_twelfth_of_the_long_one_in_whole_minutes() -> None:
    minutes = {"3m": 3, "5m": 5, "10m": 10, "30m": 30, "60m": 60, "120m": 120, "6h": 360, "24h": 1440}
    for burn in BURNS:
        long, short = (minutes[window.removeprefix("rolling_")] for window in (burn.window, burn.short))
        assert long / 60 == burn.hours
        assert short == -(-long // 12)


@pytest.mark.parametrize(("goal", "hours"), [(20, 24.0), (50, 24.0), (5, 12.0)])
def test_a_burn_that_cannot_be_reached_makes_no_rule(goal: float, hours: float) -> None:
    for found in budget_rules(contract(goal), lambda period: hours * {"day": 1, "week": 7, "month": 30}[period]):
        assert found.misses <= 1
    assert all(found.burn.id != "budget_day_30m" for found in budget_rules(contract(20), lambda period: 24.0))


def test_without_a_goal_a_perfect_goal_or_open_hours_there_is_no_budget() -> None:
    assert budget_rules(Contract(), HOURS.__getitem__) == ()
    assert budget_rules(contract(100), HOURS.__getitem__) == ()
    assert budget_rules(contract(), lambda period: 0.0) == ()


def sums(**levels: tuple[int, int]) -> dict[str, Counters]:
    """(in time, late) by window."""
    return {
        f"rolling_{window}": Counters({"answered": hit + late}, {2: hit, 200: late} if late else {2: hit}, {})
        for window, (hit, late) in levels.items()
    }


def test_it_burns_only_while_the_short_window_burns_too() -> None:
    rule = next(found for found in budget_rules(contract(), HOURS.__getitem__) if found.burn.id == "budget_day_30m")
    at_limit = read(rule, sums(**{"30m": (52, 48), "3m": (5, 5)}).__getitem__, contract())
    assert (at_limit.over, at_limit.value) == (2, 52.0)
    assert read(rule, sums(**{"30m": (53, 47), "3m": (5, 5)}).__getitem__, contract()).over == 0
    assert read(rule, sums(**{"30m": (52, 48), "3m": (9, 1)}).__getitem__, contract()).over == 0


def test_it_does_not_judge_on_fewer_contacts_than_the_contract_asks_for() -> None:
    asked = contract(min_sample=200)
    rule = next(found for found in budget_rules(asked, HOURS.__getitem__) if found.burn.level == WARNING)
    found = read(rule, sums(**{"120m": (0, 100), "10m": (0, 10)}).__getitem__, asked)
    assert (found.value, found.over) == (None, 0)


def test_misses_left_is_what_the_budget_still_holds() -> None:
    left = misses_left(80, hits=250, whole=300, volume=Volume(1000, "past"))
    assert (left.left, left.allowed, left.missed) == (150, 200, 50)
    assert misses_left(80, 0, 300, Volume(1000, "past")).left == -100
    assert misses_left(80, 1000, 1200, Volume(1000, "past")).allowed == 240, "a day that outgrew its forecast"


def test_the_volume_is_the_usual_one_else_the_pace_so_far() -> None:
    assert expected_volume([0, 900, 1100, 1000], 10, 43_200, 3_600) == (1000, "past")
    assert expected_volume([0, 900, 1100], 10, 43_200, 3_600) == (1000, "past")
    assert expected_volume([0, 0], 50, 43_200, 3_600) == (600, "pace")
    assert expected_volume([], 3, 43_200, 60) == (3, "so_far")


def test_a_day_is_compared_with_the_same_weekday_and_a_month_with_the_one_before() -> None:
    ours = project()
    days = past_starts(ours, "day", NOON)
    assert [(ours.calendar.local_date(start).weekday(), end - start) for start, end in days] == [(6, 86_400_000)] * 4
    assert ours.calendar.iso(past_starts(ours, "month", NOON)[0][0]).startswith("2026-10-01T00:00")
