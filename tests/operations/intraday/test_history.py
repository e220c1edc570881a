"""The past as tables: right by the catalogue's own formulas, the contract of each day and the project's clock."""

from __future__ import annotations

import itertools
import random
from datetime import date
from typing import Any

import pytest
import redis as redis_py

from collectors.collector import FLOOR
from operations.floor.agents import group_of
from operations.floor.counters import QUARTER_MS, Counters
from operations.intervals import intervals
from operations.intraday import blocks
from operations.intraday.history import History
from operations.projects.contract import Block, Project, ServiceLevel, Target
from operations.projects.opening_hours import OpeningHours
from tests.operations.intraday.past import GOAL, at, contacts, project, rule, told, write


def step(found: History, label: str) -> Any:
    return found.steps.set_index("label").loc[label]


RULES = (
    {},
    {"at": "<"},
    {"abandons": "ignore_within"},
    {"abandons": "hit_within", "within_s": 7},
    {"abandons": "exclude"},
    {"abandons": "exclude_short", "flow_outs": "miss"},
)


@pytest.mark.parametrize("terms", RULES, ids=str)
@pytest.mark.parametrize("minutes", [15, 30])
@pytest.mark.parametrize("queue", ["", "hq/sales"])
def test_every_interval_agrees_with_the_catalogues_formulas(
    redis: redis_py.Redis, terms: dict[str, Any], minutes: int, queue: str
) -> None:
    of = project("hq/sales", "hq/service", service_level=rule(**terms), short_abandon_s=(Block(value=5),))
    start, dice = at(of, "2026-11-20"), random.Random(11)
    cells: dict[tuple[str, int], Counters] = {}
    for quarter in range(96):
        for name in ("sales", "service", "of another project"):
            n = dice.randrange(4)
            cells[name, start + quarter * QUARTER_MS] = contacts(
                [dice.choice([0, 4.2, 7, 19.9, 20, 20.1, 60]) for _ in range(n)],
                [dice.choice([1, 4.9, 5, 6, 20, 44]) for _ in range(dice.randrange(3))],
                talk_ms=n * 61_000,
                hold_ms=n * 500,
                wrap_ms=n * 9_000,
                left_timeout=dice.randrange(2),
                left_key=dice.randrange(2),
            )
    write(redis, "hq", cells, start + 86_400_000)
    found = told(redis, of, start + 100_000_000, day="2026-11-20", queue=queue, minutes=minutes)
    rows = intervals(redis, of, start, start + 86_400_000, minutes, queue or None, {})
    assert len(rows) == len(found.steps)
    for row, shown in zip(rows, found.steps.to_dict("records"), strict=True):
        for key in ("service_level_pct", "abandon_rate_pct", "asa_s", "aht_s", "offered", "abandoned", "answered"):
            value = row["kpis"][key]
            if value is None:
                assert shown[key] != shown[key], (key, row["start"])
            else:
                assert shown[key] == pytest.approx(value, abs=0.051 if key.endswith("_s") else 0.0051), (
                    key,
                    row["start"],
                )


def test_a_person_of_three_queues_is_one_person_in_the_project_and_one_in_each_queue(redis: redis_py.Redis) -> None:
    of = project("hq/sales", "hq/service")
    start = at(of, "2026-11-20", "10:00")
    team = group_of(["sales", "service", "elsewhere"])
    booked = {(team, start): Counters({"logged_in_ms": 3 * QUARTER_MS}), ("sales", start): contacts([3.0])}
    write(redis, "hq", booked, start + QUARTER_MS)
    found = told(redis, of, start + 2 * QUARTER_MS, day="2026-11-20", minutes=15)
    assert step(found, "10:00")["agents"] == 3
    assert found.total["agents"] == 3, "an average over the hours in which nobody was there would say nothing"
    assert told(redis, of, start + 2 * QUARTER_MS, queue="hq/sales", minutes=15).total["agents"] == 3


def test_the_running_interval_counts_its_people_over_the_time_that_has_passed(redis: redis_py.Redis) -> None:
    of = project()
    start = at(of, "2026-11-20", "10:00")
    write(redis, "hq", {(group_of(["sales"]), start): Counters({"logged_in_ms": 4 * 300_000})}, start + 300_000)
    found = told(redis, of, start + 300_000)
    assert step(found, "10:00")["agents"] == 4
    assert step(found, "10:00")["state"] == "running"
    assert step(found, "10:30")["state"] == "ahead"
    assert step(found, "09:30")["state"] == "past"


@pytest.mark.parametrize(
    ("day", "steps", "twice"), [("2026-11-01", 50, True), ("2026-03-08", 46, False), ("2026-03-09", 48, False)]
)
def test_a_day_of_23_or_25_hours_has_all_its_intervals(
    redis: redis_py.Redis, day: str, steps: int, twice: bool
) -> None:
    of = project(zone="America/New_York")
    start, end = blocks.bounds(of.calendar, date.fromisoformat(day))
    cells = {("sales", quarter): contacts([1.0]) for quarter in range(start, end, QUARTER_MS)}
    write(redis, "hq", cells, end)
    found = told(redis, of, end + 1, day=day)
    assert len(found.steps) == steps
    assert (found.steps["offered"] == 2).all()
    assert found.total["offered"] == len(cells)
    assert ("01:30 (2)" in list(found.steps["label"])) is twice


def test_a_past_day_is_judged_by_the_contract_of_that_day(redis: redis_py.Redis) -> None:
    stages = (Block(value=(GOAL,)), Block(since=date(2026, 11, 20), value=(GOAL.model_copy(update={"goal": 90.0}),)))
    strict = (Block(value=ServiceLevel(within_s=20)), Block(since=date(2026, 11, 20), value=ServiceLevel(within_s=10)))
    of = project(targets=stages, service_level=strict)
    now = at(of, "2026-11-21")
    for day in ("2026-11-19", "2026-11-20"):
        write(redis, "hq", {("sales", at(of, day, "10:00")): contacts([5.0, 15.0, 15.0, 30.0])}, now)
    before, after = told(redis, of, now, day="2026-11-19"), told(redis, of, now, day="2026-11-20")
    assert (before.total["service_level_pct"], before.total["goal"]) == (75, 80)
    assert (after.total["service_level_pct"], after.total["goal"]) == (25, 90)
    week = told(redis, of, now, "week", "2026-11-20")
    assert week.total["service_level_pct"] == 50
    assert week.total["allowed"] == pytest.approx(4 * 0.2 + 4 * 0.1)
    assert week.total["goal"] != week.total["goal"], "two goals are no goal of the week"


def test_the_usual_is_the_median_of_the_same_weekday_of_four_weeks_without_the_days_on_which_nobody_came(
    redis: redis_py.Redis,
) -> None:
    of = project()
    now = at(of, "2026-11-20", "10:20")
    for day, n in (("2026-11-13", 2), ("2026-11-06", 8), ("2026-10-30", 4), ("2026-11-19", 50)):
        write(redis, "hq", {("sales", at(of, day, "10:00")): contacts([1.0] * n)}, now)
    write(redis, "hq", {("sales", at(of, "2026-11-13", "15:00")): contacts([1.0] * 6)}, now)
    found = told(redis, of, now)
    assert step(found, "10:00")["usual"] == 4
    assert step(found, "15:00")["usual"] == 0
    assert found.total["usual"] == 4, "the quarter from 10:00 is over at 10:20"
    assert told(redis, of, at(of, "2026-11-20", "10:07") + 30_000).total["usual"] == 2
    assert told(redis, of, now, "week").steps.set_index("label").loc["2026-11-20", "usual"] == 8
    monday = told(redis, of, now, day="2026-11-16")
    assert monday.steps["usual"].isna().all(), "no such day was ever counted"


def test_the_intervals_that_lost_the_day_are_as_many_as_explain_it(redis: redis_py.Redis) -> None:
    of = project()
    now = at(of, "2026-11-21")
    cells = {
        ("sales", at(of, "2026-11-20", "09:00")): contacts([1.0] * 50),
        ("sales", at(of, "2026-11-20", "11:00")): contacts([1.0] * 10 + [60.0] * 20),
        ("sales", at(of, "2026-11-20", "14:00")): contacts([1.0] * 12, [60.0] * 6),
        ("sales", at(of, "2026-11-20", "16:00")): contacts([1.0] * 3, [60.0]),
    }
    write(redis, "hq", cells, now)
    found = told(redis, of, now, day="2026-11-20")
    assert found.total["missed"] == 27
    assert found.over == pytest.approx(27 - 0.2 * 102)
    assert list(found.lost["label"]) == ["11:00", "14:00", "16:00"]
    assert list(found.lost["excess"]) == pytest.approx([14, 2.4, 0.2])
    assert list(found.lost["counts"]) == [True, False, False], "11:00 alone took more than the day lacked"
    assert list(found.steps.loc[found.steps["lost"], "label"]) == ["11:00"]


def test_a_day_that_held_has_no_interval_that_lost_it(redis: redis_py.Redis) -> None:
    of = project()
    now = at(of, "2026-11-21")
    write(redis, "hq", {("sales", at(of, "2026-11-20", "11:00")): contacts([1.0] * 9 + [60.0])}, now)
    found = told(redis, of, now, day="2026-11-20")
    assert found.over < 0
    assert not found.steps["lost"].any()


def test_contacts_whose_wait_the_acd_did_not_tell_leave_the_service_level_open(redis: redis_py.Redis) -> None:
    of = project()
    now = at(of, "2026-11-21")
    ten = at(of, "2026-11-20", "10:00")
    write(
        redis,
        "hq",
        {("sales", ten): Counters({"offered": 5, "answered": 5}), ("sales", ten + 2 * QUARTER_MS): contacts([1.0])},
        now,
    )
    found = told(redis, of, now, day="2026-11-20")
    assert step(found, "10:00")["service_level_pct"] != step(found, "10:00")["service_level_pct"]
    assert step(found, "10:30")["service_level_pct"] == 100
    assert found.total["service_level_pct"] != found.total["service_level_pct"], "nor can the day's be told"
    assert found.total["answered"] == 6


def test_a_day_without_contacts_has_no_percentages(redis: redis_py.Redis) -> None:
    found = told(redis, project(), at(project(), "2026-11-21"), day="2026-11-20")
    assert found.empty
    for key in ("service_level_pct", "abandon_rate_pct", "asa_s", "aht_s", "agents", "usual"):
        assert found.total[key] != found.total[key], key


def test_closed_hours_at_the_ends_of_a_day_are_left_out_unless_somebody_came(redis: redis_py.Redis) -> None:
    hours = OpeningHours(zone="Asia/Shanghai", week=(((9 * 60, 18 * 60),),) * 7)
    of = project(opening=hours)
    now = at(of, "2026-11-21")
    write(redis, "hq", {("sales", at(of, "2026-11-20", "10:00")): contacts([1.0])}, now)
    assert list(told(redis, of, now, day="2026-11-20").steps["label"])[::17] == ["09:00", "17:30"]
    write(redis, "hq", {("sales", at(of, "2026-11-20", "07:45")): contacts([1.0])}, now)
    assert told(redis, of, now, day="2026-11-20").steps["label"].iloc[0] == "07:30"


def test_queues_add_up_to_the_project(redis: redis_py.Redis) -> None:
    own = Target(kpi="service_level_pct", window="today", goal=95, queue="hq/service")
    of = project("hq/sales", "hq/service", targets=(own, GOAL))
    now = at(of, "2026-11-21")
    ten = at(of, "2026-11-20", "10:00")
    write(redis, "hq", {("sales", ten): contacts([1.0] * 3), ("service", ten): contacts([1.0], [50.0])}, now)
    found = told(redis, of, now, day="2026-11-20").queues.set_index("queue")
    assert list(found["offered"]) == [3, 2]
    assert list(found["service_level_pct"]) == [100, 50]
    assert list(found["goal"]) == [80, 95]


def test_only_the_day_whose_counters_changed_gets_a_new_revision(redis: redis_py.Redis) -> None:
    of = project()
    now = at(of, "2026-11-21")
    days = [date(2026, 11, 17), date(2026, 11, 18), date(2026, 11, 20)]
    before = blocks.revisions(redis, of, days)
    write(redis, "hq", {("sales", at(of, "2026-11-18", "12:00")): contacts([1.0])}, now)
    after = blocks.revisions(redis, of, days)
    assert [before[day] == after[day] for day in days] == [True, False, True]


def test_a_change_of_the_contract_gives_the_days_that_it_judges_new_revisions(redis: redis_py.Redis) -> None:
    days = [date(2026, 11, 19), date(2026, 11, 20)]
    changed = (Block(value=ServiceLevel(within_s=20)), Block(since=days[1], value=ServiceLevel(within_s=30)))
    before, after = (
        blocks.revisions(redis, project(), days),
        blocks.revisions(redis, project(service_level=changed), days),
    )
    assert [before[day] == after[day] for day in days] == [True, False]
    other = blocks.revisions(redis, project("hq/sales", "hq/service"), days)
    assert not set(other.values()) & set(before.values())


# ── What sources do not tell ──

MEASURES = ("service_level_pct", "abandon_rate_pct", "asa_s", "aht_s", "offered", "abandoned", "answered")
BOTH, BOTH_SOURCES = ("hq/sales", "branch/sales"), ("hq", "branch")
LAME = {
    "threshold": FLOOR - {"waits"},
    "no waits": FLOOR - {"waits", "in_time"},
    "no abandons": FLOOR - {"abandons"},
    "no talk": FLOOR - {"talk", "agent_time"},
    "nothing of contacts": FLOOR - {"contacts", "abandons"},
}


def two_sources(client: redis_py.Redis, of: Project, day: str = "2026-11-20") -> int:
    """10:00: hq told every wait, branch what a source without waits or talk leaves. Gives now."""
    ten = at(of, day, "10:00")
    hq = contacts([5.0] * 3 + [60.0], [30.0], talk_ms=400_000, wrap_ms=40_000)
    branch = Counters({"offered": 9, "answered": 6, "abandoned": 3, "handled": 6, "answered_within_20s": 6})
    write(client, "hq", {("sales", ten): hq, (group_of(["sales"]), ten): Counters({"logged_in_ms": QUARTER_MS})}, ten)
    write(client, "branch", {("sales", ten): branch}, ten)
    return at(of, "2026-11-21", "09:00")


@pytest.mark.parametrize("missing", LAME)
@pytest.mark.parametrize("terms", RULES, ids=str)
def test_the_page_leaves_out_of_each_number_whom_the_interface_leaves_out(
    redis: redis_py.Redis, missing: str, terms: dict[str, Any]
) -> None:
    of = project(*BOTH, service_level=rule(**terms))
    now = two_sources(redis, of)
    ten = at(of, "2026-11-20", "10:00")
    for queue, lame in itertools.product(("", *BOTH), (("branch",), BOTH_SOURCES)):
        gives = {source: LAME[missing] if source in lame else FLOOR for source in BOTH_SOURCES}
        found = told(redis, of, now, day="2026-11-20", queue=queue, gives=gives)
        row = intervals(redis, of, ten, ten + 1_800_000, 30, queue or None, gives)[0]
        for key in MEASURES:
            value = row["kpis"][key]
            for shown in (step(found, "10:00")[key], found.total[key]):
                assert shown == (pytest.approx(value, abs=0.051) if value is not None else NAN), (key, queue, lame)
            without = found.covers[key].lacking if found.covers[key].sources and not queue else ()
            assert list(without) == row["partial"].get(key, []), (key, queue, lame)
            assert (not found.covers[key].sources) == (key in row["not_reported"]), (key, queue, lame)


NAN = type("Nan", (), {"__eq__": lambda self, other: other != other, "__hash__": None})()
"""Equals whatever is no number."""


def test_a_source_that_tells_only_a_threshold_is_in_the_service_level_and_not_in_the_speed_of_answer(
    redis: redis_py.Redis,
) -> None:
    of = project(*BOTH)
    now = two_sources(redis, of)
    total = told(redis, of, now, gives={"hq": FLOOR, "branch": FLOOR - {"waits"}}, day="2026-11-20").total
    assert total["asa_s"] == pytest.approx(75 / 4), "the six of branch waited nobody knows how long"
    assert (total["hits"], total["whole"]) == (9, 14)


def test_the_rows_of_queues_are_judged_by_what_their_own_source_tells(redis: redis_py.Redis) -> None:
    of = project(*BOTH)
    now = two_sources(redis, of)
    rows = told(redis, of, now, day="2026-11-20", gives={"hq": FLOOR, "branch": FLOOR - {"in_time", "talk"}}).queues
    rows = rows.set_index("queue")
    assert rows.loc["hq/sales", "service_level_pct"] == 60
    for key in ("service_level_pct", "missed", "aht_s"):
        assert rows.loc["branch/sales", key] == NAN, key
    assert rows.loc["branch/sales", "abandoned"] == 3


def test_what_is_usual_is_made_of_the_sources_that_tell_what_is_offered(redis: redis_py.Redis) -> None:
    of = project(*BOTH)
    two_sources(redis, of, "2026-11-13")
    now = two_sources(redis, of)
    assert told(redis, of, now, day="2026-11-20").total["usual"] == 14
    lame = {"hq": FLOOR, "branch": FLOOR - {"contacts"}}
    for kind in ("day", "month"):
        found = told(redis, of, now, kind, "2026-11-20", gives=lame)
        assert found.steps.set_index("day").loc[date(2026, 11, 20), "usual"].max() == 5, kind
    nobody = told(redis, of, now, day="2026-11-20", gives=dict.fromkeys(BOTH_SOURCES, FLOOR - {"contacts"}))
    assert nobody.total["usual"] == NAN
    assert nobody.total["offered"] == NAN
    assert not nobody.empty


def test_people_of_a_source_that_tells_no_agents_time_are_not_nobody(redis: redis_py.Redis) -> None:
    of = project(*BOTH)
    now = two_sources(redis, of)
    partial = {"hq": FLOOR, "branch": FLOOR - {"agent_time"}}
    assert told(redis, of, now, day="2026-11-20", gives=partial, minutes=15).total["agents"] == 1
    assert told(redis, of, now, day="2026-11-20", gives=partial).covers["agents"] == (("hq",), ("branch",))
    assert told(redis, of, now, queue="branch/sales", day="2026-11-20", gives=partial).total["agents"] == NAN


def test_a_correction_downwards_leaves_every_number_on_its_scale_and_the_sums_right(redis: redis_py.Redis) -> None:
    of = project()
    now = at(of, "2026-11-21")
    taken_back = Counters(
        {"offered": -4, "answered": -3, "abandoned": -1, "handled": -3, "answered_wait_ms": -15_000, "talk_ms": -9_000},
        {10: -3},
        {60: -1},
    )
    mixed = Counters({"offered": 2, "answered": -3, "abandoned": 5, "handled": 1, "talk_ms": -9_000}, {10: -3}, {60: 5})
    cells = {
        ("sales", at(of, "2026-11-20", "10:00")): contacts([5.0] * 8 + [60.0], [30.0], talk_ms=90_000),
        ("sales", at(of, "2026-11-20", "11:00")): taken_back,
        ("sales", at(of, "2026-11-20", "12:00")): mixed,
    }
    write(redis, "hq", cells, now)
    found = told(redis, of, now, day="2026-11-20")
    for label in ("11:00", "12:00"):
        shown = step(found, label)
        for key in ("service_level_pct", "abandon_rate_pct"):
            assert shown[key] == NAN or 0 <= shown[key] <= 100, (label, key)
        for key in ("offered", "answered", "abandoned", "asa_s", "aht_s", "missed", "excess", "hits", "whole"):
            assert shown[key] == NAN or shown[key] >= 0, (label, key)
        assert shown["hits"] <= shown["whole"]
    for row in intervals(redis, of, at(of, "2026-11-20"), now, 30, None, {}):
        for key in MEASURES:
            value, shown = row["kpis"][key], step(found, row["start"][11:16])[key]
            assert shown == (NAN if value is None else pytest.approx(value, abs=0.051)), (key, row["start"])
    assert step(found, "11:00")["service_level_pct"] == NAN, "nothing happened there"
    assert "11:00" not in list(found.lost["label"])
    total = found.total
    assert (total["offered"], total["answered"], total["abandoned"]) == (8, 3, 5)
    assert (total["hits"], total["whole"], total["missed"]) == (2, 8, 6)
    week = told(redis, of, now, "week", "2026-11-20").steps.set_index("label").loc["2026-11-20"]
    assert (week["offered"], week["hits"], week["whole"]) == (8, 2, 8)
