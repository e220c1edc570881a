"""The life of an alert: every step, at every edge of its timers, through restarts, outages and clocks that step back."""

from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.alerts.evaluate import Acknowledgement, AlertState, Change, Reading, evaluate
from operations.alerts.readings import back, over, still_critical
from operations.alerts.rules import CRITICAL, WARNING, Rule
from operations.projects.contract import Target

WAIT = Target.model_validate(
    {"kpi": "longest_wait_s", "goal": 60, "warning": 60, "critical": 90, "for": 10, "clear_after": 5}
)
RULE = Rule("longest_wait_s@now", "target", "longest_wait_s", "now", target=WAIT, for_ms=10_000, clear_after_ms=5_000)
CALM, WARN, CRIT = Reading(10, 0), Reading(70, WARNING), Reading(95, CRITICAL)
GONE = Reading(trouble="hq: source down since 10:42")
SHUT = Reading(95, CRITICAL, closed=True)


class Run:
    """One rule, tick by tick. ``restart`` puts the state through its saved form after every tick."""

    def __init__(self, rule: Rule = RULE, *, restart: bool = False) -> None:
        self.rule, self.restart = rule, restart
        self.states: dict[str, AlertState] = {}
        self.steps: list[tuple[int, str, int]] = []
        self.changes: list[Change] = []

    def at(self, second: float, reading: Reading) -> Run:
        self.states, changes = evaluate((self.rule,), {self.rule.id: reading}, self.states, round(second * 1000))
        self.changes += changes
        self.steps += [(round(change.at / 1000), change.what, change.level) for change in changes]
        if self.restart:
            saved = msgspec.json.encode(self.states)
            self.states = msgspec.json.decode(saved, type=dict[str, AlertState])
        return self

    def through(self, readings: dict[int, Reading], until: int) -> Run:
        """Each second, the reading that held last."""
        reading = CALM
        for second in range(until + 1):
            reading = readings.get(second, reading)
            self.at(second, reading)
        return self

    @property
    def level(self) -> int:
        state = self.states.get(self.rule.id)
        return state.level if state else 0


@pytest.mark.parametrize("restart", [False, True], ids=["one process", "restarted at every tick"])
@pytest.mark.parametrize(
    ("readings", "steps"),
    [
        pytest.param(
            {3: WARN, 9: CALM}, [(3, "began", 1), (9, "cancelled", 0)], id="over for less than `for` is no alert"
        ),
        pytest.param({3: WARN}, [(3, "began", 1), (13, "fired", 1)], id="fires when `for` is over, on the second"),
        pytest.param({3: CRIT}, [(3, "began", 2), (13, "fired", 2)], id="goes straight to critical"),
        pytest.param(
            {3: WARN, 8: CRIT},
            [(3, "began", 1), (13, "fired", 1), (18, "escalated", 2)],
            id="each level waits its own `for`",
        ),
        pytest.param(
            {3: CRIT, 20: WARN, 40: CALM},
            [(3, "began", 2), (13, "fired", 2), (25, "deescalated", 1), (45, "resolved", 1)],
            id="one alert with two levels goes down by them",
        ),
        pytest.param(
            {3: WARN, 20: CALM, 23: WARN, 30: CALM},
            [(3, "began", 1), (13, "fired", 1), (35, "resolved", 1)],
            id="a short dip does not end it",
        ),
        pytest.param(
            {3: CRIT, 14: CALM, 30: CRIT},
            [(3, "began", 2), (13, "fired", 2), (19, "resolved", 2), (30, "began", 2), (40, "fired", 2)],
            id="after its end it may begin anew",
        ),
        pytest.param(
            {3: WARN, 8: GONE, 28: WARN},
            [(3, "began", 1), (8, "frozen", 0), (28, "thawed", 0), (33, "fired", 1)],
            id="a pending timer stands still while nothing can be known",
        ),
        pytest.param(
            {3: WARN, 15: CALM, 18: GONE, 38: CALM},
            [(3, "began", 1), (13, "fired", 1), (18, "frozen", 1), (38, "thawed", 1), (40, "resolved", 1)],
            id="so does the timer of its end",
        ),
        pytest.param(
            {3: WARN, 20: SHUT}, [(3, "began", 1), (13, "fired", 1), (20, "resolved", 1)], id="closing ends it at once"
        ),
        pytest.param({3: SHUT}, [], id="nothing begins while closed"),
        pytest.param(
            {3: WARN, 15: GONE, 20: Reading(trouble="hq: source down", closed=True)},
            [(3, "began", 1), (13, "fired", 1), (15, "frozen", 1), (20, "resolved", 1)],
            id="closing ends also what nothing can be known of",
        ),
        pytest.param(
            {3: WARN, 5: SHUT}, [(3, "began", 1), (5, "cancelled", 0)], id="closing ends what has not fired yet"
        ),
        pytest.param({3: GONE}, [], id="nothing begins while unknown"),
        pytest.param(
            {3: WARN, 13: Reading(None)}, [(3, "began", 1), (13, "cancelled", 0)], id="no value is over no limit"
        ),
    ],
)
def test_the_steps_of_an_alert(readings: dict[int, Reading], steps: list[tuple[int, str, int]], restart: bool) -> None:
    assert Run(restart=restart).through(readings, 60).steps == steps


def test_without_a_pending_time_it_fires_at_once() -> None:
    rule = Rule("x@now", "target", "contacts_waiting", target=WAIT)
    assert Run(rule).at(1, CRIT).at(2, CALM).steps == [(1, "began", 2), (1, "fired", 2), (2, "resolved", 2)]


def test_a_clear_value_keeps_it_until_the_value_is_back() -> None:
    run = Run(Rule("x@now", "target", "longest_wait_s", target=WAIT))
    run.at(1, WARN).at(2, Reading(55, 0, back=False)).at(30, Reading(55, 0, back=False))
    assert run.level == WARNING
    assert run.at(31, Reading(40, 0, back=True)).level == 0


def test_a_value_that_has_not_fired_needs_no_clear_value_to_calm_down() -> None:
    assert Run().at(1, WARN).at(2, Reading(55, 0, back=False)).steps == [(1, "began", 1), (2, "cancelled", 0)]


def test_a_clock_that_steps_back_fires_nothing_early_and_loses_no_time() -> None:
    run = Run().at(100, WARN).at(105, WARN).at(50, WARN)
    assert run.level == 0
    run.at(109, WARN)
    assert run.level == 0
    assert run.at(110, WARN).level == WARNING


def test_a_clock_that_is_set_back_takes_the_timers_with_it() -> None:
    run = Run().at(10_000, WARN).at(10_006, WARN).at(6_406, WARN)
    assert run.at(6_409, WARN).level == 0
    assert run.at(6_410, WARN).level == WARNING, "6 s before and 4 s after make 10"


@pytest.mark.parametrize("state", ["pending", "firing", "frozen"])
def test_a_clock_that_steps_back_in_any_state_fires_nothing(state: str) -> None:
    run = Run().through({0: WARN}, 5 if state == "pending" else 15)
    if state == "frozen":
        run.at(16, GONE)
    fired = len(run.steps)
    for second in (9, 4, 4, 3):
        run.at(second, GONE if state == "frozen" else WARN)
    assert len(run.steps) == fired


def test_a_value_that_dances_on_the_critical_line_escalates_once() -> None:
    target = Target.model_validate({"kpi": "longest_wait_s", "goal": 60, "warning": 60, "critical": 90, "clear": 50})
    run = Run(Rule("x@now", "target", "longest_wait_s", target=target))
    for second, value in enumerate([95, 89, 91, 85, 90, 81, 92, 79, 55, 50]):
        judged = Reading(value, over(target, value), back(target, value), still_critical=still_critical(target, value))
        run.at(second, judged)
    assert [(what, level) for _, what, level in run.steps] == [
        ("began", 2),
        ("fired", 2),
        ("deescalated", 1),
        ("resolved", 1),
    ]


def test_what_was_handed_in_stays_as_it_was() -> None:
    run = Run().through({0: WARN}, 5)
    before = copy.deepcopy(run.states)
    evaluate((RULE,), {RULE.id: CRIT}, run.states, 60_000)
    evaluate((RULE,), {RULE.id: GONE}, run.states, 60_000)
    assert run.states == before


def test_what_gets_worse_must_be_answered_again_what_gets_better_need_not() -> None:
    rule = Rule("x@now", "target", "longest_wait_s", target=WAIT)
    run = Run(rule).at(1, WARN)
    run.states[rule.id].acknowledged = Acknowledgement("mei", 1_500)
    run.at(2, CRIT)
    assert run.states[rule.id].acknowledged is None
    run.states[rule.id].acknowledged = Acknowledgement("mei", 2_500)
    run.at(3, WARN)
    assert run.states[rule.id].acknowledged == Acknowledgement("mei", 2_500)
    run.at(4, CALM).at(5, WARN)
    assert run.states[rule.id].acknowledged is None


def test_the_worst_value_is_kept_for_the_end() -> None:
    run = Run(Rule("x@now", "target", "longest_wait_s", target=WAIT))
    run.at(1, WARN).at(2, Reading(140, CRITICAL)).at(3, WARN).at(4, CALM)
    assert run.changes[-1].state.worst == 140


def test_a_rule_that_the_contract_dropped_ends_its_alert() -> None:
    run = Run().through({0: WARN}, 20)
    states, changes = evaluate((), {}, run.states, 21_000)
    assert states == {}
    assert [change.what for change in changes] == ["resolved"]
    assert [change.what for change in evaluate((), {}, Run().through({0: WARN}, 5).states, 6_000)[1]] == ["cancelled"]


def test_a_rule_that_nobody_read_stays_as_it_was() -> None:
    run = Run().through({0: WARN}, 20)
    before = copy.deepcopy(run.states)
    states, changes = evaluate((RULE,), {}, run.states, 25_000)
    assert states == before
    assert changes == []


READINGS = st.sampled_from([CALM, WARN, CRIT, GONE, SHUT, Reading(None), Reading(58, 0, back=False)])
HISTORY = st.lists(st.tuples(st.integers(-3, 8), READINGS), max_size=80)


@settings(max_examples=300, deadline=None)
@given(HISTORY)
def test_it_never_fires_twice_without_an_end_between(history: list[tuple[int, Reading]]) -> None:
    run, clock = Run(), 100
    for step, reading in history:
        clock += step
        run.at(clock, reading)
    firing = False
    for _, what, _ in run.steps:
        if what == "fired":
            assert not firing
            firing = True
        elif what == "resolved":
            assert firing, "a resolved alert was firing"
            firing = False
        elif what in ("escalated", "deescalated"):
            assert firing
    assert firing == (run.level > 0)


@settings(max_examples=200, deadline=None)
@given(HISTORY)
def test_a_restart_at_every_tick_changes_nothing(history: list[tuple[int, Reading]]) -> None:
    once, often, clock = Run(), Run(restart=True), 100
    for step, reading in history:
        clock += step
        once.at(clock, reading)
        often.at(clock, reading)
    assert once.steps == often.steps
    assert once.states == often.states


@settings(max_examples=200, deadline=None)
@given(HISTORY)
def test_an_idle_state_is_not_kept_and_a_kept_one_is_not_idle(history: list[tuple[int, Reading]]) -> None:
    run, clock = Run(), 100
    for step, reading in history:
        clock += step
        run.at(clock, reading)
        assert all(not state.idle for state in run.states.values())
