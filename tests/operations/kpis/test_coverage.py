"""Who can give a number, who leaves a hole in it, and who was never asked."""

from __future__ import annotations

import pytest

from collectors.collector import BUSINESS, FLOOR
from operations.kpis.catalogue import CATALOGUE
from operations.kpis.coverage import EVERYTHING, Cover, cover, given, needed
from tests.operations.kpis.test_formulas import terms

PLAIN = terms()


def of(key: str, **gives: frozenset[str]) -> Cover:
    return cover(CATALOGUE[key], PLAIN, gives)


def test_what_every_source_tells_is_whole() -> None:
    assert of("aht_s", a=FLOOR, b=FLOOR) == Cover(("a", "b"), ())


def test_what_one_source_lacks_is_told_without_it() -> None:
    assert of("avg_hold_s", a=FLOOR, b=FLOOR - {"hold"}) == Cover(("a",), ("b",))


def test_what_no_source_tells_nobody_tells() -> None:
    assert of("avg_hold_s", a=FLOOR - {"hold"}, b=FLOOR - {"hold"}) == Cover((), ())
    assert of("csat_pct", a=FLOOR) == Cover((), ())
    assert of("offered") == Cover((), ())


def test_a_source_of_surveys_beside_two_acds_serves_the_whole_project_and_takes_nothing_from_their_numbers() -> None:
    sources = {"a": FLOOR, "b": FLOOR, "crm": frozenset({"surveys", "tickets"})}
    assert of("csat_pct", **sources) == Cover(("crm",), ())
    assert of("service_level_pct", **sources) == Cover(("a", "b"), ())
    assert of("quality_mean", **sources) == Cover((), ())


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ({}, {"abandons"}),
        ({"abandons": "exclude"}, set()),
        ({"flow_outs": "miss"}, {"abandons", "flow_outs"}),
        ({"flow_outs": "miss", "abandons": "exclude"}, {"flow_outs"}),
    ],
)
def test_the_contract_decides_what_the_service_level_rests_on(rule: dict[str, str], more: set[str]) -> None:
    assert needed(CATALOGUE["service_level_pct"], terms(**rule)) == {"contacts", "in_time", *more}


def test_what_a_source_says_of_itself_takes_the_place_of_what_its_kind_promises() -> None:
    assert given("asterisk", {}) == FLOOR
    assert given("queue_log", {}) == FLOOR - {"hold", "wrap", "ringing_now", "wrap_up_now"}
    assert given("asterisk", {"gives": ["waiting", "agents"]}) == {"waiting", "agents"}
    assert given("asterisk", {"gives": ["waiting", "a fact of a newer version", 7]}) == {"waiting"}
    assert given("asterisk", {"gives": []}) == frozenset()
    assert given("asterisk", {"gives": "waiting"}) == FLOOR


def test_nothing_is_held_against_a_kind_that_is_not_known() -> None:
    assert given("of tomorrow", {}) == EVERYTHING == FLOOR | BUSINESS
