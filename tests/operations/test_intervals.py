"""The past says what the board says: no number of what a source cannot tell, and no part of a sum shown as the whole."""

from __future__ import annotations

from datetime import date
from typing import Any

import redis as redis_py

from collectors.collector import FLOOR
from operations.intervals import intervals
from operations.projects.contract import Block
from tests.operations.intraday.past import at, contacts, project, rule, write

DAY = "2026-11-20"


def row(client: redis_py.Redis, of: Any, queue: str | None = None, **gives: frozenset[Any]) -> dict[str, Any]:
    start = at(of, DAY, "10:00")
    return intervals(client, of, start, start + 1_800_000, 30, queue, gives)[0]


def test_what_the_only_source_does_not_tell_has_no_value(redis: redis_py.Redis) -> None:
    of = project()
    write(redis, "hq", {("sales", at(of, DAY, "10:00")): contacts([5.0] * 4, talk_ms=400_000)}, at(of, DAY, "11:00"))
    found = row(redis, of, hq=FLOOR - {"hold", "wrap", "abandons"})
    kpis = found["kpis"]
    for key in ("avg_hold_s", "avg_wrap_s", "abandoned", "abandon_rate_pct", "answer_rate_pct", "service_level_pct"):
        assert kpis[key] is None, key
        assert key in found["not_reported"]
    assert (kpis["offered"], kpis["avg_talk_s"], kpis["asa_s"]) == (4, 100, 5)
    counters = found["counters"]
    assert [counters[name] for name in ("hold_s", "held", "wrap_s", "abandoned")] == [None] * 4
    assert (counters["offered"], counters["left_key"], counters["transferred"]) == (4, 0, 0)
    assert found["partial"] == {}
    assert row(redis, of, "hq/sales", hq=FLOOR - {"hold"})["kpis"]["avg_hold_s"] is None
    assert row(redis, of, hq=FLOOR)["kpis"]["avg_hold_s"] == 0, "nobody was held, and the source says so"


def test_a_sum_over_sources_is_of_those_that_tell_it_and_names_the_others(redis: redis_py.Redis) -> None:
    of = project("hq/sales", "branch/sales", "branch/mail")
    now = at(of, DAY, "11:00")
    ten = at(of, DAY, "10:00")
    write(redis, "hq", {("sales", ten): contacts([5.0] * 3 + [60.0], talk_ms=400_000)}, now)
    told = contacts()
    told.n = {"offered": 9, "answered": 6, "abandoned": 3, "handled": 6}
    write(redis, "branch", {("sales", ten): told}, now)
    gives = {"hq": FLOOR, "branch": FLOOR - {"in_time", "waits", "talk", "hold", "wrap"}}
    found = row(redis, of, **gives)
    kpis = found["kpis"]
    assert (kpis["service_level_pct"], kpis["asa_s"], kpis["aht_s"]) == (75, 18.8, 100)
    assert (kpis["offered"], kpis["answered"], kpis["abandoned"], kpis["abandon_rate_pct"]) == (13, 10, 3, 23.08)
    for key in ("service_level_pct", "asa_s", "aht_s", "longest_wait_today_s"):
        assert found["partial"][key] == ["branch"]
    assert "offered" not in found["partial"]
    assert row(redis, of, "branch/sales", **gives)["kpis"]["service_level_pct"] is None
    assert row(redis, of, "branch/sales", **gives)["kpis"]["abandoned"] == 3
    assert row(redis, of, "branch/sales", **gives)["counters"]["talk_s"] is None
    assert found["counters"]["talk_s"] == 400
    assert row(redis, of, "hq/sales", **gives)["partial"] == {}


def test_each_day_asks_of_its_sources_what_its_own_contract_needs(redis: redis_py.Redis) -> None:
    staged = (*rule(abandons="exclude"), Block(since=date(2026, 11, 21), value=rule()[0].value))
    of = project(service_level=staged)
    for day in (DAY, "2026-11-21"):
        write(redis, "hq", {("sales", at(of, day, "10:00")): contacts([5.0])}, at(of, day, "11:00"))
    start = at(of, DAY)
    rows = intervals(redis, of, start, start + 2 * 86_400_000, 60, None, {"hq": FLOOR - {"abandons"}})
    assert [rows[n]["kpis"]["service_level_pct"] for n in (10, 34)] == [100, None]
    assert ["service_level_pct" in rows[n]["not_reported"] for n in (10, 34)] == [False, True]
