"""The formulas against numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from operations.floor.counters import Counters, from_pairs, shown, total, within
from operations.kpis.catalogue import CATALOGUE
from operations.kpis.formulas import Result


@dataclass
class Rule:
    within_s: int = 20
    abandons: str = "miss"
    flow_outs: str = "exclude"
    waiting_past_threshold: bool = False
    at: str = "<="


@dataclass
class Contract:
    service_level: Rule
    short_abandon_s: int = 0


def terms(short: int = 0, **rule: object) -> Contract:
    return Contract(Rule(**rule), short)  # type: ignore[arg-type]


def cell(answered: list[tuple[float, int]], abandoned: list[tuple[float, int]], **more: int) -> Counters:
    """Waits as (seconds, contacts)."""
    counts = {"answered": sum(n for _, n in answered), "abandoned": sum(n for _, n in abandoned), **more}
    counts.setdefault("offered", counts["answered"] + counts["abandoned"])
    return Counters(
        {name: n for name, n in counts.items() if n},
        from_pairs((round(s * 1000), n) for s, n in answered),
        from_pairs((round(s * 1000), n) for s, n in abandoned),
    )


def value(key: str, c: Counters, contract: Contract | None = None, late: int = 0) -> Result:
    formula = CATALOGUE[key].formula
    assert formula is not None
    return formula(c, contract or terms(), late)


TRADE = cell([(10, 70), (40, 15)], [(5, 10), (60, 5)])


@pytest.mark.parametrize(
    ("abandons", "percent", "sample"),
    [("miss", 70.00, 100), ("ignore_within", 77.78, 90), ("hit_within", 80.00, 100), ("exclude", 82.35, 85)],
)
def test_the_service_level_by_each_rule_of_the_trade(abandons: str, percent: float, sample: int) -> None:
    result = value("service_level_pct", TRADE, terms(abandons=abandons))
    assert (round(result.value or 0, 2), result.sample, result.why) == (percent, sample, "")


def test_the_service_level_without_short_abandons() -> None:
    c = cell([(10, 200), (30, 100)], [(4, 50), (25, 50)])
    result = value("service_level_pct", c, terms(10, abandons="exclude_short"))
    assert (round(result.value or 0, 2), result.sample) == (57.14, 350)
    assert value("service_level_pct", c, terms(0, abandons="exclude_short")).sample == 400


@pytest.mark.parametrize(
    ("wait_s", "at_most", "less"),
    [(19.999, 1, 1), (20, 1, 0), (20.001, 0, 0), (20.999, 0, 0), (21, 0, 0), (0, 1, 1)],
)
def test_a_wait_at_the_threshold_to_the_millisecond(wait_s: float, at_most: int, less: int) -> None:
    c = cell([(wait_s, 1)], [])
    assert within(c.answered_waits, 20, "<=") == at_most
    assert within(c.answered_waits, 20, "<") == less
    assert value("service_level_pct", c, terms(at="<=")).value == 100 * at_most
    assert value("service_level_pct", c, terms(at="<")).value == 100 * less


def test_a_threshold_of_zero_is_met_by_who_did_not_wait_at_all() -> None:
    c = cell([(0, 3), (0.001, 1)], [])
    assert value("service_level_pct", c, terms(within_s=0)).value == 75
    assert value("service_level_pct", c, terms(within_s=0, at="<")).value == 0


def test_an_abandon_of_exactly_the_short_limit_is_not_short() -> None:
    c = cell([(1, 6)], [(4.999, 2), (5, 1), (5.001, 1)])
    assert value("abandon_rate_pct", c, terms(5)) == Result(100 * 2 / 8, 8)


def test_flow_outs_are_left_out_of_the_service_level_or_missed_as_the_contract_says() -> None:
    c = cell(
        [(10, 70), (40, 15)],
        [(5, 10), (60, 5)],
        left_timeout=10,
        left_key=5,
        left_empty=4,
        left_callback=3,
        left_other=3,
    )
    assert value("service_level_pct", c, terms()) == Result(70.0, 100)
    assert value("service_level_pct", c, terms(flow_outs="miss")) == Result(100 * 70 / 125, 125)
    assert value("service_level_pct", c, terms(flow_outs="miss", abandons="exclude")) == Result(100 * 70 / 110, 110)


def test_who_waits_beyond_the_threshold_counts_as_missed_before_the_answer_when_the_contract_says_so() -> None:
    assert value("service_level_pct", TRADE, terms(), late=25) == Result(70.0, 100)
    assert value("service_level_pct", TRADE, terms(waiting_past_threshold=True), late=25) == Result(100 * 70 / 125, 125)
    assert value("service_level_pct", Counters(), terms(waiting_past_threshold=True), late=2) == Result(0, 2)


def test_lost_contacts_count_in_no_rate() -> None:
    lost = cell([(10, 70), (40, 15)], [(5, 10), (60, 5)], lost_sight=40)
    for key in ("service_level_pct", "answer_rate_pct", "abandon_rate_pct"):
        assert value(key, lost) == value(key, TRADE)


DAY = Counters(
    {
        "offered": 105, "answered": 85, "abandoned": 15, "left_timeout": 3, "left_key": 2, "answered_wait_ms": 1_300_000,
        "handled": 80, "talk_ms": 14_400_000, "hold_ms": 800_000, "held": 16, "wrap_ms": 1_600_000, "ring_ms": 400_000,
        "transferred": 17, "rang_no_answer": 4,
        "on_contact_ms": 15_200_000, "ringing_ms": 400_000, "wrap_up_ms": 1_600_000, "available_ms": 4_300_000,
        "paused_ms": 3_500_000, "logged_in_ms": 25_000_000,
        "surveys": 40, "survey_top_box": 30, "survey_score_sum": 16_800, "resolution_known": 36, "resolved_first": 27,
        "complaints": 2, "quality_scores": 4, "quality_score_sum": 34_600,
        "dialled": 400, "connected": 160, "succeeded": 24, "live_answered": 150, "dialler_abandoned": 3, "agent_days": 1,
        "ivr_entered": 300, "ivr_contained": 90, "bot_sessions": 80, "bot_handed_over": 30, "tickets_opened": 44, "tickets_closed": 31,
    },
    from_pairs([(10_000, 70), (40_000, 15)]),
    from_pairs([(5_000, 10), (60_000, 5)]),
)  # fmt: skip

BY_HAND = {
    "service_level_pct": (70.0, 100),
    "answer_rate_pct": (100 * 85 / 105, 105),
    "offered": (105, 105),
    "answered": (85, 105),
    "abandoned": (15, 105),
    "abandon_rate_pct": (100 * 15 / 105, 105),
    "longest_wait_today_s": (60, 100),
    "asa_s": (1300 / 85, 85),
    "avg_talk_s": (180, 80),
    "avg_hold_s": (10, 80),
    "avg_hold_held_s": (50, 16),
    "avg_wrap_s": (20, 80),
    "avg_ring_s": (5, 80),
    "aht_s": (210, 80),
    "occupancy_pct": (80, 80),
    "utilisation_pct": (68.8, 80),
    "transfers": (17, 105),
    "transfer_rate_pct": (21.25, 80),
    "rang_no_answer": (4, 105),
    "csat_pct": (75, 40),
    "csat_mean": (4.2, 40),
    "fcr_pct": (75, 36),
    "complaints": (2, 2),
    "quality_mean": (86.5, 4),
    "dialled": (400, 400),
    "connect_rate_pct": (40, 400),
    "succeeded": (24, 160),
    "conversion_pct": (15, 160),
    "dialler_abandon_pct": (2, 150),
    "avg_work_h": (25_000_000 / 3_600_000, 1),
    "ivr_containment_pct": (30, 300),
    "bot_containment_pct": (62.5, 80),
    "open_tickets": (13, 44),
}


def test_every_number_over_a_window_was_worked_out_by_hand() -> None:
    assert BY_HAND.keys() == {key for key, kpi in CATALOGUE.items() if kpi.formula is not None}


@pytest.mark.parametrize("key", BY_HAND)
def test_each_number_is_what_a_hand_makes_of_the_same_day(key: str) -> None:
    expected, sample = BY_HAND[key]
    result = value(key, DAY)
    assert result.value is not None
    assert math.isclose(result.value, expected, rel_tol=1e-12)
    assert (result.sample, result.why) == (sample, "")


SETTLED = {
    "more answers taken back than came": Counters(
        {"answered": -3, "abandoned": 5, "answered_wait_ms": -90_000, "handled": -3, "talk_ms": -600_000}, {2: -3}, {60: 5}
    ),
    "abandons taken back": Counters({"answered": 10, "abandoned": -2, "answered_wait_ms": 50_000}, {10: 10}, {4: -2}),
    "all taken back": Counters({"offered": -4, "answered": -3, "abandoned": -1, "handled": -3}, {2: -3}, {4: -1}),
    "waits taken back": Counters({"answered": 4, "answered_wait_ms": -10_000, "handled": 4, "talk_ms": -5, "hold_ms": -1}, {2: 7, 80: -3}),
    "every counter but one": Counters({name: -n for name, n in DAY.n.items()} | {"answered": 2, "handled": 1}, {2: 2}, {}),
    "more hits than answers": Counters({"answered": 2, "answered_within_20s": 5, "answered_beyond_20s": -3, "abandoned": -1}),
    "more transfers than handled": Counters({"handled": 2, "transferred": 5, "surveys": 2, "survey_top_box": 7, "dialled": 1, "connected": 9}),
}  # fmt: skip
"""Short windows that hold a correction of the ACD without what it corrects."""


@pytest.mark.parametrize("key", BY_HAND)
@pytest.mark.parametrize("case", SETTLED)
@pytest.mark.parametrize("rule", ["miss", "ignore_within", "hit_within", "exclude", "exclude_short"])
def test_no_number_leaves_its_scale_after_an_acd_corrected_itself_downwards(key: str, case: str, rule: str) -> None:
    result = value(key, SETTLED[case], terms(5, abandons=rule, flow_outs="miss"))
    if CATALOGUE[key].unit == "%":
        assert result.value is None or 0 <= result.value <= 100
    assert result.value is None or result.value >= 0
    assert result.sample is not None
    assert result.sample >= 0


def test_a_quiet_window_after_a_correction_says_what_is_left_of_it() -> None:
    quiet = SETTLED["more answers taken back than came"]
    assert value("service_level_pct", quiet) == Result(0, 2)
    assert value("abandon_rate_pct", quiet) == Result(100, 2)
    assert value("asa_s", quiet) == Result(None, 0, "no_contacts")
    assert value("longest_wait_today_s", SETTLED["waits taken back"]) == Result(1, 4), "no wait of -3 contacts"
    assert value("asa_s", SETTLED["waits taken back"]) == Result(0, 4)


WHY = {
    **dict.fromkeys(("service_level_pct", "answer_rate_pct", "abandon_rate_pct", "longest_wait_today_s", "asa_s"), "no_contacts"),
    **dict.fromkeys(("avg_talk_s", "avg_hold_s", "avg_wrap_s", "avg_ring_s", "aht_s", "transfer_rate_pct"), "no_contacts"),
    **dict.fromkeys(("occupancy_pct", "utilisation_pct", "avg_work_h"), "no_agent_time"),
    **dict.fromkeys(("csat_pct", "csat_mean"), "no_surveys"),
    **dict.fromkeys(("fcr_pct", "complaints", "quality_mean"), "no_reports"),
    **dict.fromkeys(("dialled", "connect_rate_pct", "succeeded", "conversion_pct", "dialler_abandon_pct"), "no_reports"),
    **dict.fromkeys(("ivr_containment_pct", "bot_containment_pct", "open_tickets"), "no_reports"),
    "avg_hold_held_s": "none_held",
}  # fmt: skip
COUNTS = ("offered", "answered", "abandoned", "transfers", "rang_no_answer")


@pytest.mark.parametrize("key", BY_HAND)
def test_of_nothing_there_is_no_value_but_a_reason_and_a_count_is_zero_of_nothing(key: str) -> None:
    expected = Result(0, 0) if key in COUNTS else Result(None, 0, WHY[key])
    assert value(key, Counters()) == expected


def test_an_acd_that_tells_totals_without_waits_has_no_service_level_rather_than_a_wrong_one() -> None:
    polled = Counters({"offered": 50, "answered": 40, "abandoned": 10, "answered_wait_ms": 400_000})
    for key in ("service_level_pct", "longest_wait_today_s"):
        assert value(key, polled) == Result(None, 0, "not_reported")
    assert value("abandon_rate_pct", polled, terms(5)) == Result(None, 0, "not_reported")
    assert value("abandon_rate_pct", polled) == Result(20.0, 50)
    assert value("asa_s", polled) == Result(10.0, 40)
    assert value("asa_s", Counters({"answered": 40})) == Result(None, 0, "not_reported")


def test_the_waits_of_abandons_are_missed_only_by_rules_that_need_them() -> None:
    c = Counters({"answered": 4, "abandoned": 6}, from_pairs([(1_000, 4)]))
    assert value("service_level_pct", c) == Result(40.0, 10)
    assert value("service_level_pct", c, terms(abandons="exclude")) == Result(100.0, 4)
    for rule in ("ignore_within", "hit_within"):
        assert value("service_level_pct", c, terms(abandons=rule)).why == "not_reported"
    assert value("service_level_pct", c, terms(5, abandons="exclude_short")).why == "not_reported"
    assert value("service_level_pct", c, terms(0, abandons="exclude_short")) == Result(40.0, 10)


def test_an_acd_that_tells_only_how_many_were_in_time_gives_the_service_level_of_its_own_threshold_alone() -> None:
    c = Counters({"answered": 8, "abandoned": 2, "answered_within_20s": 6, "answered_beyond_20s": 2})
    assert value("service_level_pct", c, terms(within_s=20)) == Result(60.0, 10)
    assert value("service_level_pct", c, terms(within_s=30)).why == "not_reported"
    assert value("service_level_pct", c, terms(within_s=20, abandons="hit_within")).why == "not_reported"
    c.add(Counters({"abandoned_within_20s": 1, "abandoned_beyond_20s": 1}))
    assert value("service_level_pct", c, terms(within_s=20, abandons="hit_within")) == Result(70.0, 10)
    assert value("abandon_rate_pct", c, terms(20)) == Result(100 / 9, 9)


def test_nobody_in_time_is_told_apart_from_nothing_told() -> None:
    assert value("service_level_pct", Counters({"answered": 3, "answered_beyond_20s": 3})) == Result(0, 3)
    assert value("service_level_pct", Counters({"answered": 3})).why == "not_reported"


def test_an_acd_that_tells_waits_and_one_that_tells_a_threshold_add_up() -> None:
    both = total([cell([(5, 3), (50, 1)], []), Counters({"answered": 6, "answered_within_20s": 6})])
    assert value("service_level_pct", both, terms(within_s=20)) == Result(90.0, 10)


def test_everybody_answered_at_once_is_a_mean_of_zero_not_a_missing_one() -> None:
    assert value("asa_s", cell([(0, 3)], [])) == Result(0, 3)


def test_a_sum_over_queues_adds_the_parts_and_never_averages_ratios() -> None:
    small, large = cell([(1, 1)], []), cell([], [(1, 99)])
    assert value("service_level_pct", small).value == 100
    assert value("service_level_pct", large).value == 0
    assert value("service_level_pct", total([small, large])) == Result(1.0, 100)
    calls = [Counters({"handled": 1, "talk_ms": 10_000}), Counters({"handled": 9, "talk_ms": 900_000})]
    assert value("avg_talk_s", total(calls)) == Result(91.0, 10)


def test_durations_keep_their_milliseconds_exactly() -> None:
    assert value("avg_talk_s", Counters({"handled": 1, "talk_ms": 1_830_500})).value == 1830.5
    assert value("asa_s", cell([(0.007, 1)], [], answered_wait_ms=7)).value == 0.007


def test_counters_are_shown_by_their_documented_names_in_seconds() -> None:
    names = shown(Counters({"talk_ms": 1_830_500, "offered": 3, "paused_ms:Lunch: late": 60_000, "complaints": 1}))
    assert (names["talk_s"], names["offered"], names["paused_s:Lunch: late"], names["complaints"]) == (1830.5, 3, 60, 1)
    assert names["lost_sight"] == 0
    assert not any(name.endswith("_ms") for name in names)


def test_taking_a_cell_away_again_leaves_nothing_behind() -> None:
    c = DAY.copy()
    c.add(TRADE)
    c.add(DAY, -1)
    c.add(TRADE, -1)
    assert not c
