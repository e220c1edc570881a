"""What other systems report, against numbers worked out by hand, and what is not told is not a zero."""

from __future__ import annotations

import pytest

from operations.floor.counters import Counters
from operations.kpis.catalogue import CATALOGUE
from operations.kpis.formulas import Result
from tests.operations.kpis.test_formulas import value


def test_scores_are_kept_in_hundredths_of_a_point_and_shown_in_points() -> None:
    c = Counters(
        {"surveys": 3, "survey_score_sum": 450 + 500 + 325, "quality_scores": 2, "quality_score_sum": 8_750 + 9_125}
    )
    assert value("csat_mean", c) == Result(1275 / 300, 3)
    assert value("quality_mean", c) == Result(89.375, 2)


def test_a_campaign_that_reached_people_and_sold_nothing_has_a_true_zero() -> None:
    c = Counters({"dialled": 50, "connected": 20})
    assert value("succeeded", c) == Result(0, 20)
    assert value("conversion_pct", c) == Result(0, 20)
    assert value("connect_rate_pct", c) == Result(40, 50)


def test_a_campaign_that_reached_nobody_has_no_conversion_and_says_why() -> None:
    c = Counters({"dialled": 50})
    assert value("connect_rate_pct", c) == Result(0, 50)
    assert value("conversion_pct", c) == Result(None, 0, "no_contacts")
    assert value("dialler_abandon_pct", c) == Result(None, 0, "no_contacts")
    assert value("dialled", c) == Result(50, 50)


def test_a_short_window_that_holds_only_the_end_of_sessions_shows_no_impossible_share() -> None:
    assert value("bot_containment_pct", Counters({"bot_sessions": 2, "bot_handed_over": 5})) == Result(0, 2)
    assert value("bot_containment_pct", Counters({"bot_sessions": 2, "bot_handed_over": -1})) == Result(100, 2)
    assert value("bot_containment_pct", Counters({"bot_handed_over": 5})).why == "no_reports"


def test_tickets_of_before_the_project_that_are_closed_leave_no_negative_number() -> None:
    assert value("open_tickets", Counters({"tickets_closed": 5})) == Result(0, 5)
    assert value("open_tickets", Counters({"tickets_opened": 5})) == Result(5, 5)
    assert CATALOGUE["open_tickets"].default_window == "project"


def test_hours_of_two_people_over_three_days_each() -> None:
    c = Counters({"agent_days": 6, "logged_in_ms": 6 * 27_000_000})
    assert value("avg_work_h", c) == Result(7.5, 6)
    assert value("avg_work_h", Counters({"logged_in_ms": 1})).why == "no_agent_time"


@pytest.mark.parametrize("key", [key for key, kpi in CATALOGUE.items() if kpi.unit == "%" and kpi.formula is not None])
def test_no_percentage_leaves_the_scale_when_parts_come_in_the_wrong_minute(key: str) -> None:
    for n in (
        {"connected": 3, "dialled": 9},
        {"ivr_entered": 1, "ivr_contained": -4},
        {"live_answered": 2, "dialler_abandoned": -1},
        {"connected": 9, "dialled": 3, "succeeded": 12},
    ):
        found = value(key, Counters(n)).value
        assert found is None or 0 <= found <= 100
