"""Targets are rules: which ones a contract makes, what they see, and what they say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.alerts.evaluate import CLOSED, AlertState, Change, evaluate
from operations.alerts.readings import of_entry
from operations.alerts.rules import CRITICAL, WARNING, Rule, named, rules_of
from operations.alerts.words import label, sentence
from operations.projects.contract import Contract, Target
from operations.texts import render
from tests.operations.floor_feed import project


def target(**fields: Any) -> Target:
    return Target.model_validate(fields)


def rules(*targets: Target, queues: tuple[str, ...] = ("hq/l1", "hq/l2")) -> tuple[Rule, ...]:
    return rules_of(project(queues, *targets), Contract(targets=targets))


def test_each_target_is_one_rule_with_two_levels_and_each_source_is_watched() -> None:
    made = rules(
        target(kpi="service_level_pct", goal=80, warning=82, critical=75, **{"for": "2m"}, clear_after="1m"),
        target(kpi="service_level_pct", window="month", goal=80),
        target(kpi="contacts_waiting", warning=5, critical=10, per_queue=True),
        target(kpi="longest_wait_s", warning=60, queue="hq/l2"),
        target(kpi="answered"),
    )
    assert [rule.id for rule in made] == [
        "service_level_pct@today",
        "service_level_pct@month",
        "contacts_waiting@now@hq/l1",
        "contacts_waiting@now@hq/l2",
        "longest_wait_s@now@hq/l2",
        "source_down@hq",
    ]
    assert (made[0].for_ms, made[0].clear_after_ms) == (120_000, 60_000)
    assert [made[0].line(WARNING), made[0].line(CRITICAL), made[1].line(WARNING)] == [82, 75, 80]


def test_a_source_is_watched_outside_opening_hours_only_where_a_target_is() -> None:
    asked = target(kpi="contacts_waiting", warning=5, only_when_open=False)
    assert rules(target(kpi="contacts_waiting", warning=5))[-1].only_when_open
    assert not rules(target(kpi="longest_wait_s", warning=5), asked)[-1].only_when_open


def test_an_id_alone_tells_what_a_rule_was() -> None:
    for made in rules(target(kpi="contacts_waiting", warning=5, per_queue=True), queues=("hq/a@b/c",)):
        known = named(made.id)
        assert (known.id, known.kind, known.kpi, known.window, known.queue, known.source) == (
            made.id, made.kind, made.kpi, made.window, made.queue, made.source,
        )  # fmt: skip
        assert label(known) == label(made)


WAIT = Rule(
    "longest_wait_s@now", "target", "longest_wait_s",
    target=target(kpi="longest_wait_s", goal=60, warning=60, critical=90, clear=45),
)  # fmt: skip


def said(what: Any, level: int, value: float | None, since: int | None = 80_000, why: str = "", **more: Any) -> str:
    state = AlertState(
        level=level, value=value, worst=97, began_at=50_000, over_since=[None, 60_000, since], moved_by="hq/support-l2"
    )
    for name, content in more.items():
        setattr(state, name, content)
    return render(sentence(Change(90_000, WAIT, what, level, state, why)), "en")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (said("fired", CRITICAL, 94), "Longest wait 1:34 over 1:30 for 10 s; goal 1:00; oldest contact waiting in support-l2"),
        (said("began", CRITICAL, 90, 90_000), "Longest wait 1:30 at 1:30; goal 1:00; oldest contact waiting in support-l2"),
        (said("fired", WARNING, 47, moved_by=""), "Longest wait 0:47 under 1:00 again, ends at 0:45; goal 1:00"),
        (said("fired", CRITICAL, 85, moved_by=""), "Longest wait 1:25 under 1:30 again; goal 1:00"),
        (said("resolved", CRITICAL, 20), "Longest wait back at 0:20 after 40 s; worst 1:37"),
        (said("resolved", CRITICAL, 20, why=CLOSED), "Longest wait: ended after 40 s, the project is closed"),
        (said("frozen", WARNING, 94, trouble="hq: source down since 10:42"), "Longest wait: nothing can be known, hq: source down since 10:42"),
    ],
)  # fmt: skip
def test_each_step_says_why_in_words_and_numbers(words: str, expected: str) -> None:
    assert words == expected


def test_a_budget_alert_says_how_much_goes_in_which_time() -> None:
    burning = Rule("budget_day_30m", "budget", "service_level_pct", "rolling_30m", limit=52.0)
    fired = Change(9_000, burning, "fired", CRITICAL, AlertState(value=48.0, began_at=9_000))
    assert render(sentence(fired), "en") == (
        "Service level 48.0 % in the last 30 min, at or under 52.0 %: 10 % of the day's misses go in 30 min"
    )
    assert label(burning) == "Budget of the day (30 min)"


def test_a_value_on_too_few_contacts_is_over_no_limit_and_says_so() -> None:
    rule = Rule(
        "s",
        "target",
        "service_level_pct",
        "today",
        target=target(kpi="service_level_pct", critical=75, goal=80, min_sample=20),
    )
    about = {"about": {"n": "20"}}
    entry = {"why": "small_sample", "reason": "fewer than 20 contacts", "value": 10.0, "sample": 19, **about}
    found = of_entry(rule, entry, True)
    assert (found.over, render(found.why, "en")) == (0, "fewer than 20 contacts")
    assert of_entry(rule, {**entry, "why": "", "reason": "", "sample": 20}, True).over == CRITICAL


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 40)), max_size=60), st.integers(0, 30))
def test_nothing_fires_under_min_sample(numbers: list[tuple[float, int]], min_sample: int) -> None:
    aimed = target(kpi="service_level_pct", goal=80, warning=82, critical=75, clear=85, min_sample=min_sample)
    rule = Rule("s", "target", "service_level_pct", "today", target=aimed)
    states: dict[str, AlertState] = {}
    for second, (value, sample) in enumerate(numbers):
        entry = {"why": "", "reason": "", "value": value, "sample": sample}
        states, changes = evaluate((rule,), {"s": of_entry(rule, entry, True)}, states, second * 1_000)
        if sample < max(min_sample, 1):
            assert not {"began", "fired", "escalated"} & {change.what for change in changes}
            assert not states, "and what fired before has ended"
