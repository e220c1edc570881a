"""The public forms, and what they become: every type, its counters, and the faults that a batch can have."""

from __future__ import annotations

import json
import re
import typing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from collectors import events as e
from collectors.collector import BUSINESS, FUTURE_MS, Fact
from collectors.counters import COUNTERS
from collectors.door import BadBatch, Batch
from collectors.webhook.batch import MOST_FAULTS, read
from collectors.webhook.examples import EXAMPLES
from collectors.webhook.facts import hundredths
from collectors.webhook.forms import TYPES, schemas
from collectors.webhook.translate import OLDEST_MS
from operations.floor.floor import Floor
from operations.kpis.catalogue import CATALOGUE

NOW = int(datetime(2026, 11, 22, 1, 31, tzinfo=UTC).timestamp() * 1000)
"""A minute after the examples."""
PAGE = (Path(__file__).parents[3] / "docs" / "collectors" / "webhook.md").read_text(encoding="utf-8")


def taken(*said: dict[str, Any], now: int = NOW, top_box_from: float | None = None) -> Batch:
    return read(json.dumps(said).encode(), now, top_box_from)


def one(**said: Any) -> e.AnyEvent:
    return taken({"at": NOW, **said}).events[0]


def faults(*said: Any, now: int = NOW) -> list[dict[str, Any]]:
    with pytest.raises(BadBatch) as bad:
        read(json.dumps(said).encode(), now, None)
    assert bad.value.readable
    return bad.value.faults


def counters(**said: Any) -> dict[str, int]:
    event = one(id="x1", queue="support", **said)
    assert isinstance(event, e.Reported)
    return {name: value for name, value in event.counters.items() if value}


# ── every type ────────────────────────────────────────────────────────────────────────────────────


def test_every_type_of_the_vocabulary_can_be_pushed_but_for_the_end_of_a_watch() -> None:
    vocabulary = {event.__struct_config__.tag for event in typing.get_args(e.AnyEvent)}
    facts = set(TYPES) - vocabulary
    assert vocabulary - set(TYPES) == {"watch_lost", "reported"}, "nobody watches, and facts have forms of their own"
    assert facts == {"survey", "complaint", "resolution", "quality", "ticket", "ivr", "bot", "dial"}


@pytest.mark.parametrize("type", sorted(TYPES))
def test_every_type_has_an_example_that_is_right_and_stands_on_the_page(type: str) -> None:
    example = EXAMPLES[type]
    assert example["type"] == type
    assert len(taken(example).events) == 1
    assert json.dumps(example, ensure_ascii=False) in PAGE
    named = schemas()
    schema = {**named["PushedEvent"], "components": {"schemas": named}}
    Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("type", sorted(TYPES))
def test_every_field_of_every_type_stands_on_the_page(type: str) -> None:
    for field in TYPES[type].__struct_fields__:
        assert re.search(rf"\b{field}\b", PAGE), f"{type}.{field}"


def test_every_counter_stands_on_the_page_and_every_kpis_fact_can_be_pushed() -> None:
    for name in COUNTERS:
        assert f"`{name}`" in PAGE, name
    assert set(COUNTERS.values()) >= BUSINESS
    needed: set[Fact] = set().union(*(kpi.needs for kpi in CATALOGUE.values()))
    for fact in typing.get_args(Fact):
        assert f"`{fact}`" in PAGE, fact
    told = taken(*EXAMPLES.values()).told
    assert needed <= told, "there is no KPI that nobody could bring"


def test_the_events_say_what_the_forms_say() -> None:
    about = {"queue": "q", "contact": "c"}
    assert one(type="entered", caller="1", caller_name="王", **about) == e.ContactEntered(NOW, "q", "c", "1", "王")
    assert one(type="rang", agent="a", **about) == e.ContactRang(NOW, "q", "c", "a")
    assert one(type="rang_no_answer", agent="a", ring_ms=5, **about) == e.ContactRangNoAnswer(NOW, "q", "c", "a", 5)
    assert one(type="answered", agent="a", wait_ms=7, ring_ms=5, **about) == e.ContactAnswered(NOW, "q", "c", "a", 7, 5)
    assert one(type="held", **about) == e.ContactHeld(NOW, "q", "c")
    assert one(type="resumed", **about) == e.ContactResumed(NOW, "q", "c")
    assert one(
        type="completed", agent="a", wait_ms=1, talk_ms=2, hold_ms=3, transferred=True, **about
    ) == e.ContactCompleted(NOW, "q", "c", "a", 1, 2, 3, True)
    assert one(type="abandoned", wait_ms=9, **about) == e.ContactAbandoned(NOW, "q", "c", 9)
    assert one(type="left", why="key", **about) == e.ContactLeft(NOW, "q", "c", "key")
    assert one(
        type="agent", agent="a", condition="wrap_up", name="A", reason="r", queue="q", contact="c"
    ) == e.AgentChanged(NOW, "a", "wrap_up", "A", "r", "q", "c")
    assert one(type="agent_queues", agent="a", queues={"q": None, "r": "x"}, name="A") == e.AgentQueues(
        NOW, "a", {"q": None, "r": "x"}, "A"
    )
    assert one(type="agent_queues", agent="a", queues=["q"]) == e.AgentQueues(NOW, "a", {"q": None})
    waiting = [{"queue": "q", "contact": "c", "entered_at": NOW - 5}]
    agents = [{"agent": "a", "condition": "available", "queues": ["q"], "since": NOW - 9}]
    assert one(
        type="snapshot", queues=["q"], waiting=waiting, agents=agents, talking=["d"], unwatched_since=NOW - 99
    ) == e.Snapshot(
        NOW,
        NOW,
        ["q"],
        [e.WaitingContact("q", "c", NOW - 5)],
        [e.SeenAgent("a", "available", {"q": None}, since=NOW - 9)],
        ["d"],
        NOW - 99,
    )
    shown = {"waiting": 3, "longest_wait_ms": 4, "agents": {"available": 1}, "totals": {"answered_within_20s": 7}}
    assert one(type="observed", queue="q", totals_since=NOW - 5, **shown) == e.QueueObserved(
        NOW, "q", 3, 4, {"available": 1}, {"answered_within_20s": 7}, NOW - 5
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"type": "entered"}, {"contacts", "waiting", "longest_wait", "waits", "in_time", "abandons", "flow_outs"}),
        ({"type": "rang", "agent": "a"}, {"ring", "rang_no_answer"}),
        ({"type": "rang_no_answer", "agent": "a"}, {"ring", "rang_no_answer"}),
        ({"type": "answered"}, {"contacts", "talk"}),
        ({"type": "answered", "wait_ms": 0, "ring_ms": 0}, {"contacts", "talk", "waits", "in_time", "ring"}),
        ({"type": "held"}, {"hold"}),
        ({"type": "resumed"}, {"hold"}),
        ({"type": "completed"}, {"contacts"}),
        ({"type": "completed", "talk_ms": 5}, {"contacts", "talk"}),
        ({"type": "completed", "wait_ms": 1, "hold_ms": 0, "transferred": False}, {"contacts", "waits", "in_time", "hold", "transfers"}),
        ({"type": "abandoned", "wait_ms": 5}, {"contacts", "abandons"}),
        ({"type": "left"}, {"contacts", "flow_outs"}),
    ],
)  # fmt: skip
def test_a_word_about_a_contact_tells_of_nothing_but_what_it_says(said: dict[str, Any], told: set[str]) -> None:
    assert taken({"at": NOW, "queue": "q", "contact": "c", **said}).told == told


def test_a_word_about_people_or_a_queue_tells_of_nothing_but_what_it_says() -> None:
    about: dict[str, Any] = {"type": "observed", "at": NOW, "queue": "q"}
    assert taken({"type": "agent_queues", "at": NOW, "agent": "a", "queues": ["q"]}).told == set()
    assert taken({**about, "agents": {"available": 1}}).told == {"agents"}
    assert taken({**about, "agents": {"ringing": 0, "wrap_up": 2}}).told == {"agents", "ringing_now", "wrap_up_now"}
    empty = {"type": "snapshot", "at": NOW, "queues": ["q"], "waiting": [], "agents": []}
    assert taken(empty).told == {"contacts", "waiting", "longest_wait"}, "nobody was named: who is here is not told"


def test_an_interval_is_true_at_its_end_unless_it_says_otherwise() -> None:
    quarter = NOW // 900_000 * 900_000
    over = {"type": "interval", "queue": "q", "counters": {"offered": 2}, "answered_waits": [[4000, 2]]}
    [event] = taken({**over, "start": quarter - 900_000}).events
    assert event == e.IntervalTotals(quarter, "q", quarter - 900_000, {"offered": 2}, [(4000, 2)])
    [running] = taken({**over, "start": quarter, "at": NOW, "sole": True}).events
    assert running == e.IntervalTotals(NOW, "q", quarter, {"offered": 2}, [(4000, 2)], sole=True)
    assert faults({**over, "start": quarter})[0]["path"] == "start", "a quarter that runs must say when it was true"
    assert taken({**over, "start": quarter - 700 * 86_400_000}).events, "history may be old"


# ── business facts ────────────────────────────────────────────────────────────────────────────────


def test_scores_are_summed_in_hundredths_of_a_point() -> None:
    assert counters(type="survey", score=4.35, top_box=True) == {
        "surveys": 1,
        "survey_score_sum": 435,
        "survey_top_box": 1,
    }
    assert counters(type="survey", score=-100, top_box=False) == {"surveys": 1, "survey_score_sum": -10_000}
    assert counters(type="quality", score=92.5) == {"quality_scores": 1, "quality_score_sum": 9_250}


@given(st.decimals(-1000, 1000, places=2))
def test_a_score_of_two_decimals_is_exact(score: Any) -> None:
    assert hundredths(float(score)) == int(score * 100)


@pytest.mark.parametrize(("score", "top"), [(3.99, 0), (4, 1), (5, 1)])
def test_the_settings_say_which_score_is_a_top_box_where_the_survey_does_not(score: float, top: int) -> None:
    said = {"type": "survey", "id": "1", "at": NOW, "queue": "q", "score": score}
    [event] = taken(said, top_box_from=4).events
    assert isinstance(event, e.Reported) and event.counters["survey_top_box"] == top
    [event] = taken({**said, "top_box": not top}, top_box_from=4).events
    assert isinstance(event, e.Reported) and event.counters["survey_top_box"] == int(not top), "what it says goes first"


def test_facts_count_what_they_are_named_for() -> None:
    assert counters(type="complaint") == {"complaints": 1}
    assert counters(type="resolution", first_contact=True) == {"resolution_known": 1, "resolved_first": 1}
    assert counters(type="resolution", first_contact=False) == {"resolution_known": 1}
    assert counters(type="ticket", state="opened") == {"tickets_opened": 1}
    assert counters(type="ticket", state="closed") == {"tickets_closed": 1}
    assert counters(type="ivr", contained=True) == {"ivr_entered": 1, "ivr_contained": 1}
    assert counters(type="ivr", contained=False) == {"ivr_entered": 1}
    assert counters(type="bot", handed_over=True) == {"bot_sessions": 1, "bot_handed_over": 1}
    assert counters(type="bot", handed_over=False) == {"bot_sessions": 1}


def test_a_diallers_attempt_is_connected_live_or_dropped_as_its_outcome_says() -> None:
    assert counters(type="dial", outcome="connected") == {"dialled": 1, "connected": 1, "live_answered": 1}
    assert counters(type="dial", outcome="connected", success=True)["succeeded"] == 1
    assert counters(type="dial", outcome="abandoned") == {"dialled": 1, "live_answered": 1, "dialler_abandoned": 1}
    assert counters(type="dial", outcome="machine") == {"dialled": 1}
    assert counters(type="dial", outcome="other", live_answered=True) == {"dialled": 1, "live_answered": 1}
    assert counters(type="dial", outcome="other", live_answered=True, abandoned=True)["dialler_abandoned"] == 1
    base = {"type": "dial", "id": "1", "at": NOW, "queue": "q"}
    assert faults({**base, "outcome": "busy", "success": True})[0]["path"] == "success"
    assert faults({**base, "outcome": "connected", "abandoned": True})[0]["path"] == "abandoned"
    assert faults({**base, "outcome": "busy", "abandoned": True})[0]["path"] == "outcome"
    assert faults({**base, "outcome": "other", "abandoned": True, "live_answered": False})[0]["path"] == "abandoned"


def test_a_contact_of_which_only_the_end_is_told_is_offered_answered_and_handled() -> None:
    said = {
        "type": "completed",
        "at": NOW,
        "queue": "q",
        "contact": "c",
        "agent": "a",
        "wait_ms": 8_000,
        "talk_ms": 60_000,
    }
    floor = Floor()
    for event in taken(said, said).events:
        floor.apply(event)
    total: dict[str, int] = {}
    for cell in floor.drain()[0].values():
        for name, value in cell.n.items():
            total[name] = total.get(name, 0) + value
    assert (total["offered"], total["answered"], total["handled"], total["talk_ms"]) == (1, 1, 1, 60_000)


# ── times ─────────────────────────────────────────────────────────────────────────────────────────


def at(when: Any, now: int = NOW) -> int:
    return taken({"type": "complaint", "id": "1", "queue": "q", "at": when}, now=now).events[0].at


def test_a_time_is_iso_with_an_offset_or_milliseconds() -> None:
    assert at("2026-11-22T09:30:00.250+08:00") == at("2026-11-22T01:30:00.25Z") == 1_795_311_000_250
    assert at(1_795_311_000_250) == 1_795_311_000_250


def test_the_limits_of_time_are_exact() -> None:
    complaint = {"type": "complaint", "id": "1", "queue": "q"}
    assert at(NOW + FUTURE_MS) == NOW + FUTURE_MS
    assert at(NOW - OLDEST_MS) == NOW - OLDEST_MS
    assert "in the future" in faults({**complaint, "at": NOW + FUTURE_MS + 1})[0]["problem"]
    assert "ago" in faults({**complaint, "at": NOW - OLDEST_MS - 1})[0]["problem"]
    assert "looks like seconds" in faults({**complaint, "at": NOW // 1000})[0]["problem"]


def test_what_the_door_takes_is_never_too_old_for_the_fold() -> None:
    floor = Floor()
    floor.apply(e.ContactEntered(NOW + FUTURE_MS, "q", "c"))
    floor.advance(NOW)
    [oldest] = taken({"type": "complaint", "id": "1", "queue": "q", "at": NOW - OLDEST_MS}).events
    floor.apply(oldest)
    assert floor.too_late == 0
    assert sum(cell.n.get("complaints", 0) for cell in floor.drain()[0].values()) == 1


# ── faults ────────────────────────────────────────────────────────────────────────────────────────


def test_of_many_faults_the_first_are_listed_and_the_others_cost_nothing() -> None:
    with pytest.raises(BadBatch) as bad:
        read(json.dumps([{"type": "complaint"}] * 100).encode(), NOW, None)
    assert len(bad.value.faults) == MOST_FAULTS
    assert bad.value.more
    assert "more than 20 of 100" in str(bad.value)


def test_a_fault_in_the_depth_is_told_with_its_path() -> None:
    snapshot = dict(EXAMPLES["snapshot"])
    waiting = [*snapshot["waiting"], {"queue": "q", "contact": "c", "entered_at": NOW + 10**9}]
    assert faults({**snapshot, "waiting": waiting})[0]["path"] == "waiting[1].entered_at"
    waiting = [{"queue": "q", "contact": "c", "entered_at": "soon"}]
    assert faults({**snapshot, "waiting": waiting})[0]["path"] == "waiting[0].entered_at"
    agents = [{"agent": "a", "condition": "napping", "queues": []}]
    assert faults({**snapshot, "agents": agents})[0]["path"] == "agents[0].condition"
    assert faults({**EXAMPLES["observed"], "agents": {"napping": 1}})[0]["path"] == "agents"


def test_the_right_event_of_the_type_that_was_meant_is_shown() -> None:
    assert faults({"type": "quality"})[0]["right"] == EXAMPLES["quality"]
    assert "quality" in faults({"type": "qualtiy"})[0]["right"]["type"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mangled(draw: st.DrawFn) -> Any:
    """A right event with some fields changed into anything, dropped or added."""
    said = dict(EXAMPLES[draw(st.sampled_from(sorted(EXAMPLES)))])
    for name in draw(st.lists(st.sampled_from([*said, "extra"]), max_size=3)):
        if draw(st.booleans()):
            said.pop(name, None)
        else:
            said[name] = draw(json_values)
    return said


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(mangled(), max_size=3) | json_values)
def test_whatever_is_said_is_taken_whole_or_refused_with_reasons(said: Any) -> None:
    try:
        batch = read(json.dumps(said).encode(), NOW, 4)
    except BadBatch as bad:
        json.dumps([str(bad), bad.faults])
        return
    assert e.decode(e.encode(batch.events)) == batch.events, "and the log can hold it"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_bytes_of_no_meaning_are_refused(said: bytes) -> None:
    try:
        batch = read(said, NOW, None)
    except BadBatch:
        return
    assert batch.events == []
