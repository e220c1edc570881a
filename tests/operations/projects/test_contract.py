"""Bands at their exact borders, and which contract holds on which day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from operations.projects.contract import Block, Contract, Project, ServiceLevel, Target, seconds, split_queue
from operations.projects.opening_hours import OpeningHours


def project(**more: Any) -> Project:
    return Project(id="p", name="P", opening=OpeningHours(zone="UTC"), **more)


BANDS = [
    # better when higher, an early warning above the goal
    (
        {"kpi": "service_level_pct", "goal": 80, "warning": 82, "critical": 75},
        {82.01: "ok", 82: "warning", 75.01: "warning", 75: "critical", 0: "critical"},
    ),
    # better when lower
    (
        {"kpi": "longest_wait_s", "goal": 60, "warning": 45, "critical": 90},
        {0: "ok", 44: "ok", 45: "warning", 89: "warning", 90: "critical"},
    ),
    # the warning limit is the goal: meeting the goal is ok
    (
        {"kpi": "contacts_waiting", "goal": 5, "warning": 5, "critical": 10},
        {5: "ok", 6: "warning", 9: "warning", 10: "critical"},
    ),
    (
        {"kpi": "agents_available", "goal": 2, "warning": 2, "critical": 0},
        {3: "ok", 2: "ok", 1: "warning", 0: "critical"},
    ),
    # no direction in the catalogue, and the limits make fewer better
    ({"kpi": "agents_paused", "goal": 2, "warning": 3, "critical": 5}, {2: "ok", 3: "warning", 5: "critical"}),
    ({"kpi": "agents_paused", "goal": 2, "warning": 3}, {2: "ok", 3: "warning", 9: "warning"}),
    # a goal alone: missing it warns
    ({"kpi": "asa_s", "goal": 20}, {20: "ok", 20.1: "warning"}),
    ({"kpi": "answer_rate_pct", "goal": 95}, {95: "ok", 94.99: "warning"}),
    ({"kpi": "agents_available", "goal": 2}, {2: "ok", 1: "warning"}),
    # limits without a goal
    ({"kpi": "abandoned", "critical": 10}, {9: "ok", 10: "critical"}),
    ({"kpi": "abandoned", "warning": 10}, {9: "ok", 10: "warning"}),
    # warning and critical at one place: only critical shows
    ({"kpi": "abandoned", "warning": 10, "critical": 10}, {9: "ok", 10: "critical"}),
]


@pytest.mark.parametrize(("limits", "bands"), BANDS)
def test_a_limit_is_reached_at_the_limit(limits: dict[str, Any], bands: dict[float, str]) -> None:
    target = Target(**limits)
    assert {value: target.band(value) for value in bands} == bands


def test_too_small_a_sample_is_not_judged() -> None:
    target = Target(kpi="service_level_pct", goal=80, critical=75, min_sample=20)
    assert target.band(0, 19) == "none"
    assert target.band(0, 20) == "critical"
    assert target.band(0) == "critical"


@given(st.sampled_from(BANDS), st.floats(0, 100), st.floats(0, 100))
def test_a_better_value_never_has_a_worse_band(row: tuple[dict[str, Any], Any], one: float, other: float) -> None:
    target = Target(**row[0])
    worse, better = sorted((one, other), reverse=target.better == "down")
    order = ("critical", "warning", "ok")
    assert order.index(target.band(worse)) <= order.index(target.band(better))


def test_a_window_is_the_usual_one_of_the_kpi() -> None:
    assert Target(kpi="longest_wait_s", goal=1).window == "now"
    assert Target(kpi="asa_s", goal=1).window == "today"
    assert Target(kpi="asa_s", goal=1, window="rolling_15m").window == "rolling_15m"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10s", 10),
        ("2m", 120),
        ("1h", 3600),
        ("1.5h", 5400),
        ("0.5s", 0.5),
        (" 3 m ", 180),
        ("45", 45),
        (45, 45),
        (0.25, 0.25),
    ],
)
def test_a_duration_is_seconds(text: object, expected: float) -> None:
    assert seconds(text) == expected
    target = Target.model_validate({"kpi": "asa_s", "goal": 1, "for": text, "clear_after": text})
    assert (target.for_s, target.clear_after_s) == (expected, expected)


@pytest.mark.parametrize("text", ["", "s", "-1s", "1 week", "1m30s", "nan", "inf", -1, 8 * 86400])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="; "):
        seconds(text)


def test_a_service_level_is_counted_in_whole_seconds() -> None:
    assert ServiceLevel.model_validate({"within_s": "1m"}).within_s == 60
    with pytest.raises(ValidationError):
        ServiceLevel.model_validate({"within_s": "0.5s"})


def test_a_past_day_is_judged_by_the_contract_of_that_day() -> None:
    old, new = Target(kpi="asa_s", goal=30), Target(kpi="asa_s", goal=20)
    stages = project(
        targets=(Block(value=(old,)), Block(since=dt.date(2026, 3, 1), value=(new,))),
        service_level=(
            Block(since=dt.date(2026, 2, 1), value=ServiceLevel(within_s=30)),
            Block(since=dt.date(2026, 4, 1), value=ServiceLevel(within_s=20)),
        ),
        short_abandon_s=(Block(value=0), Block(since=dt.date(2026, 3, 1), value=5)),
    )
    assert stages.contract_on(dt.date(2026, 1, 1)) == Contract(targets=(old,), service_level=ServiceLevel(within_s=30))
    assert stages.contract_on(dt.date(2026, 2, 28)) == Contract(targets=(old,), service_level=ServiceLevel(within_s=30))
    assert stages.contract_on(dt.date(2026, 3, 1)) == Contract(
        targets=(new,), service_level=ServiceLevel(within_s=30), short_abandon_s=5
    )
    assert stages.contract_on(dt.date(2026, 12, 31)) == Contract(
        targets=(new,), service_level=ServiceLevel(within_s=20), short_abandon_s=5
    )


def test_a_queue_is_split_at_the_first_slash() -> None:
    assert split_queue("hq/support/一线") == ("hq", "support/一线")
    assert project(queues=("hq/a", "lab/b", "hq/c/d")).sources == ("hq", "lab")


def test_the_layout_changes_with_what_the_page_shows_and_with_nothing_else() -> None:
    plain = project(queues=("hq/a",))
    assert (
        plain.layout == project(queues=("hq/a",), short_abandon_s=(Block(value=5),), starts=dt.date(2026, 1, 1)).layout
    )
    others = [
        project(queues=("hq/a", "hq/b")),
        project(queues=("hq/a",), wall=("asa_s",)),
        project(queues=("hq/a",), language="zh-Hans"),
        project(queues=("hq/a",), targets=(Block(value=(Target(kpi="asa_s", goal=1),)),)),
    ]
    assert len({plain.layout, *(each.layout for each in others)}) == 5


def test_a_contract_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        project().name = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        Target(kpi="asa_s", goal=1).goal = 2  # type: ignore[misc]


def test_what_was_asked_before_does_not_change_equality() -> None:
    asked, fresh = project(), project()
    _ = asked.contract_on(dt.date(2026, 1, 1)), asked.calendar.day(0), asked.layout, asked.sources
    assert asked == fresh
