from __future__ import annotations

from itertools import pairwise
from random import Random
from statistics import fmean, pstdev

import pytest
from pydantic import ValidationError

from collectors.simulator.demand import Arrivals, Demand, drawing, shape
from collectors.simulator.roster import turns
from collectors.simulator.scenario import Profile, Scenario, Spread, load, minute_of_day, ready_made
from collectors.simulator.settings import SimulatorSettings
from tests.collectors.simulator.moments import DAY_MS, HOUR_MS, SHANGHAI, ms

DEMO = load("demo")


@pytest.mark.parametrize("name", ready_made())
def test_every_ready_made_scenario_can_be_loaded(name: str) -> None:
    assert load(name).queues


def test_the_day_has_two_humps_with_a_valley_between_and_a_night_that_is_not_dead() -> None:
    heights = [shape(DEMO.profile, minute) for minute in range(1440)]
    tops = [
        minute
        for minute in range(1440)
        if heights[minute] > heights[minute - 1] and heights[minute] >= heights[(minute + 1) % 1440]
    ]
    assert tops == [minute_of_day("10:30"), minute_of_day("15:30")]
    assert max(heights) == 1
    assert heights[minute_of_day("13:00")] < 0.8
    assert 0.35 <= min(heights) < 0.5


def test_arrivals_follow_the_profile() -> None:
    start = ms("2026-10-05 04:00")
    counts = [0] * 24
    for seed in range(40):
        demand = Demand(DEMO.model_copy(update={"daily_spread": 0}), f"{seed}/2026-10-05", start, SHANGHAI)
        arrivals = Arrivals(demand, "挂失止付", f"{seed}", start, start + DAY_MS)
        last = start
        while (at := arrivals.next_ms()) is not None:
            assert last <= at < start + DAY_MS
            last = at
            counts[(at - start) // HOUR_MS] += 1
    expected = [
        40 * 20 * 1.04 * fmean(shape(DEMO.profile, (4 * 60 + hour * 60 + minute) % 1440) for minute in range(60))
        for hour in range(24)
    ]
    assert all(abs(count / wanted - 1) < 0.25 for count, wanted in zip(counts, expected, strict=True))
    assert abs(sum(counts) / sum(expected) - 1) < 0.05


def test_gaps_between_arrivals_at_a_constant_rate_are_exponential() -> None:
    demand = Demand(load("erlang_a"), "x", 0, SHANGHAI)
    arrivals = Arrivals(demand, "support", "y", 0, None)
    times = [arrivals.next_ms() or 0 for _ in range(40_000)]
    gaps = [b - a for a, b in pairwise(times)]
    assert abs(fmean(gaps) / 7500 - 1) < 0.02
    assert abs(pstdev(gaps) / 7500 - 1) < 0.03


@pytest.mark.parametrize(
    ("duration", "spread"),
    [
        (Spread(mean_s=100, spread=0.5), 0.5),
        (Spread(mean_s=60, shape="exponential"), 1.0),
        (Spread(mean_s=8, shape="constant"), 0.0),
    ],
)
def test_durations_have_the_mean_and_the_spread_that_were_asked_for(duration: Spread, spread: float) -> None:
    draw, rng = drawing(duration), Random(4)
    values = [draw(rng) for _ in range(60_000)]
    assert abs(fmean(values) / (duration.mean_s * 1000) - 1) < 0.02
    assert abs(pstdev(values) / fmean(values) - spread) < 0.03
    assert min(values) >= 0
    assert max(values) <= 3_600_000


def test_nobody_works_two_turns_at_once_and_everybody_has_a_day_off() -> None:
    worked: dict[str, list[tuple[int, int]]] = {}
    for day in range(14):
        start = ms("2026-10-05 04:00") + day * DAY_MS
        date = __import__("datetime").date(2026, 10, 5 + day)
        for turn in turns(DEMO, f"7/{date}", date, start, start + DAY_MS, SHANGHAI):
            assert turn.end_ms is not None
            assert start <= turn.start_ms < turn.end_ms <= start + DAY_MS
            worked.setdefault(turn.name, []).append((turn.start_ms, turn.end_ms))
    assert len(worked) == 78
    for stretches in worked.values():
        assert len(stretches) == 12
        assert all(later[0] - earlier[1] >= 6 * HOUR_MS for earlier, later in pairwise(stretches))


def test_at_every_hour_somebody_serves_every_queue() -> None:
    date = __import__("datetime").date(2026, 10, 7)
    start = ms("2026-10-07 04:00")
    everybody = turns(DEMO, "7", date, start, start + DAY_MS, SHANGHAI)
    for quarter in range(1, 96):
        at = start + quarter * HOUR_MS // 4
        served = [queue for turn in everybody if turn.start_ms <= at < (turn.end_ms or 0) for queue in turn.skill]
        assert set(served) == set(DEMO.queues)


def wrong(block: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as caught:
        SimulatorSettings.model_validate({"kind": "simulator", **block})
    return str(caught.value)


QUEUE = {"per_hour": 10, "talk": 60, "patience": 60}


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"scenario": "dmeo"}, "there is no scenario 'dmeo'; there are demo, erlang_a"),
        ({"speed": "quick"}, "write a number of simulated seconds per second"),
        ({"speed": 0}, "0 is no speed"),
        ({"speed": True}, "True is no speed"),
        ({"time_zone": "Mars/Olympus"}, "there is no time zone 'Mars/Olympus'"),
        ({"sped": 1}, "sped"),
        ({"scenario": {"queues": {"q": QUEUE}, "teams": {"T": {"people": 2, "skills": [{"p": 1}]}}}}, "team T serves 'p', which is no queue; there are q"),
        (
            {"scenario": {"queues": {"q": QUEUE}, "teams": {"T": {"people": 2, "skills": [{"q": 1}], "shifts": ["08:00-16:00"]}}}},
            "set handover: HH:MM",
        ),
        (
            {"scenario": {"queues": {"q": QUEUE}, "handover": "04:00", "teams": {"T": {"people": 2, "skills": [{"q": 1}]}}}},
            "give it shifts",
        ),
        (
            {"scenario": {"queues": {"q": QUEUE}, "handover": "04:00",
                          "teams": {"T": {"people": 2, "skills": [{"q": 1}], "shifts": ["22:00-06:00"]}}}},
            "runs past the handover at 04:00",
        ),
        (
            {"scenario": {"queues": {"q": {**QUEUE, "timeout": {"after_s": 9, "to": "z"}}}, "teams": {"T": {"people": 1, "skills": [{"q": 1}]}}}},
            "queue q sends contacts to 'z'",
        ),
        ({"scenario": {"queues": {"q": QUEUE}, "teams": {"T": {"people": ["Al", "Al"], "skills": [{"q": 1}]}}}}, "'Al' is listed twice"),
        (
            {"scenario": {"queues": {"q": QUEUE}, "handover": "4 pm", "teams": {"T": {"people": 1, "skills": [{"q": 1}]}}}},
            "'4 pm' is not a time of day",
        ),
    ],
)  # fmt: skip
def test_a_wrong_block_is_refused_with_what_would_be_right(block: dict[str, object], said: str) -> None:
    assert said in wrong(block)


def test_all_faults_of_a_scenario_are_told_at_once() -> None:
    text = wrong(
        {"scenario": {"queues": {"q": QUEUE}, "teams": {"T": {"people": ["Al", "Al"], "skills": [{"p": 1}, {"r": 1}]}}}}
    )
    assert all(part in text for part in ("'p'", "'r'", "'Al'"))


def test_only_a_source_in_real_time_goes_by_our_clock() -> None:
    def own(**more: object) -> bool:
        return SimulatorSettings.model_validate({"kind": "simulator", **more}).own_clock

    assert not own()
    assert not own(speed=1)
    assert own(speed=10)
    assert own(speed="max")
    assert own(start="2026-01-01 09:00")


def test_a_start_without_offset_is_local() -> None:
    local = SimulatorSettings.model_validate(
        {"kind": "simulator", "time_zone": "Asia/Shanghai", "start": "2026-10-05 00:00"}
    )
    absolute = SimulatorSettings.model_validate({"kind": "simulator", "start": "2026-10-04T16:00:00Z"})
    assert local.start_ms == absolute.start_ms == ms("2026-10-05 00:00")


def test_a_scenario_can_be_written_inline() -> None:
    settings = SimulatorSettings.model_validate(
        {"kind": "simulator", "scenario": {"queues": {"q": QUEUE}, "teams": {"T": {"people": 3, "skills": [{"q": 1}]}}}}
    )
    assert isinstance(settings.scenario, Scenario)
    assert settings.scenario.teams["T"].names("T") == ["T 1", "T 2", "T 3"]
    assert shape(Profile(), 630) == 1.0
