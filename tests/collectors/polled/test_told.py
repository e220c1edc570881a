"""The ACD's clock, its people between two lists, and the quarters of an hour that it is asked about."""

from __future__ import annotations

import asyncio

from collectors.collector import FLOOR
from collectors.events import AgentChanged, AgentQueues, SeenAgent
from collectors.polled.clock import AcdClock
from collectors.polled.people import Roster
from collectors.polled.quarters import QUARTER_MS, Quarters
from collectors.polled.settings import PolledSettings
from tests.collectors.asterisk_link import KeptLink

T0 = 1_795_320_000_000
"""2026-11-22T04:00:00Z, a whole hour."""


def person(condition: str = "available", since: int | None = T0, reason: str = "", name: str = "Li Wei") -> SeenAgent:
    return SeenAgent("li", condition, {"sales": None}, name, reason, since)  # type: ignore[arg-type]


def test_a_small_difference_of_clocks_is_shown_but_not_corrected() -> None:
    link = KeptLink()
    clock = AcdClock(link)
    clock.told(T0 + 1_500, T0, T0 + 200)
    assert (clock.skew_ms, link.facts["clock_skew_ms"], clock.ours(T0)) == (0, 1_400, T0)


def test_the_quickest_answer_tells_best_how_wrong_a_clock_is() -> None:
    clock = AcdClock(KeptLink())
    clock.told(T0 - 60_000 + 2_000, T0, T0 + 4_000)
    clock.told(T0 - 58_990, T0 + 1_000, T0 + 1_020)
    clock.told(T0 - 70_000, T0, T0 + 9_000)
    assert clock.skew_ms == -60_000
    assert clock.ours(T0 - 60_000) == T0


def test_a_list_that_says_the_same_says_nothing() -> None:
    roster = Roster()
    assert roster.start([person()], T0) == [person()]
    assert roster.changes([person()], T0 + 5_000) == []


def test_a_change_is_told_from_when_the_acd_says_that_it_began() -> None:
    roster = Roster()
    roster.start([person()], T0)
    told = roster.changes([person("paused", T0 + 3_000, "Lunch")], T0 + 5_000)
    assert told == [AgentChanged(T0 + 3_000, "li", "paused", name="Li Wei", reason="Lunch")]
    assert roster.changes([person("available", None)], T0 + 9_000) == [
        AgentChanged(T0 + 9_000, "li", "available", name="Li Wei")
    ]


def test_a_beginning_in_the_future_or_before_the_last_one_is_not_believed() -> None:
    roster = Roster()
    roster.start([person()], T0)
    assert roster.changes([person("on_contact", T0 + 60_000)], T0 + 5_000)[0].at == T0 + 5_000
    assert roster.changes([person("wrap_up", T0 - 60_000)], T0 + 65_000)[0].at == T0 + 65_000


def test_a_second_contact_within_one_period_is_a_new_beginning() -> None:
    roster = Roster()
    roster.start([person("on_contact", T0)], T0)
    assert [event.at for event in roster.changes([person("on_contact", T0 + 4_000)], T0 + 5_000)] == [T0 + 4_000]


def test_who_comes_and_who_is_gone() -> None:
    roster = Roster()
    roster.start([], T0)
    assert roster.changes([person()], T0 + 1_000) == [
        AgentChanged(T0, "li", "available", name="Li Wei"),
        AgentQueues(T0 + 1_000, "li", {"sales": None}, "Li Wei"),
    ]
    assert roster.changes([], T0 + 2_000) == [
        AgentQueues(T0 + 2_000, "li", {}, "Li Wei"),
        AgentChanged(T0 + 2_000, "li", "logged_out", name="Li Wei"),
    ]


def test_of_a_queue_whose_list_was_cut_nobody_leaves() -> None:
    roster = Roster()
    both = SeenAgent("li", "available", {"sales": None, "billing": None}, "Li Wei", "", T0)
    ana = SeenAgent("ana", "available", {"billing": None}, "Ana", "", T0)
    roster.start([both, ana], T0)
    assert roster.changes([both], T0 + 5_000, ["billing"]) == []
    assert roster.changes([person()], T0 + 10_000, ["billing"]) == [], (
        "in the list of one queue, and cut from the other"
    )
    assert [event.agent for event in roster.changes([], T0 + 15_000, ["billing"], ["li"])] == ["li", "li"]
    assert [event.agent for event in roster.changes([], T0 + 20_000, ["sales"])] == ["ana", "ana"]


def test_another_set_of_queues_is_told_whole() -> None:
    roster = Roster()
    roster.start([person()], T0)
    served = SeenAgent("li", "available", {"sales": None, "billing": "Training"}, "Li Wei", "", T0)
    assert roster.changes([served], T0 + 1) == [
        AgentQueues(T0 + 1, "li", {"sales": None, "billing": "Training"}, "Li Wei")
    ]


def quarters(link: KeptLink, **more: int) -> Quarters:
    return Quarters(link, settle_ms=300_000, **more)


def test_a_source_that_was_never_watched_is_asked_about_the_past_day() -> None:
    due = quarters(KeptLink()).due(T0 + 60_000)
    assert (due[0], due[-1], len(due)) == (T0 - 23 * 4 * QUARTER_MS, T0, 23 * 4 + 1)


def test_a_settled_quarter_is_not_asked_about_again_and_an_unsettled_one_is() -> None:
    async def main() -> None:
        link = KeptLink()
        asked = quarters(link)
        await asked.told(asked.due(T0 + 60_000), T0 + 60_000)
        assert asked.due(T0 + 120_000) == [T0 - QUARTER_MS, T0], "the last one may still change"
        await asked.told([T0 - QUARTER_MS, T0], T0 + 300_000)
        assert asked.due(T0 + 301_000) == [T0]
        after = quarters(link)
        await after.recall()
        assert after.due(T0 + 2 * QUARTER_MS) == [T0, T0 + QUARTER_MS, T0 + 2 * QUARTER_MS], "what was missed"
        assert len(after.due(T0 + 100 * QUARTER_MS)) == 93, "no further back than is remembered"

    asyncio.run(main())


def test_a_memory_that_cannot_be_read_is_none() -> None:
    async def main() -> None:
        link = KeptLink()
        await link.remember("quarters", b"\xff{")
        asked = quarters(link, look_back_ms=QUARTER_MS)
        await asked.recall()
        assert asked.due(T0) == [T0 - QUARTER_MS, T0]

    asyncio.run(main())


def test_a_clock_that_went_back_asks_about_the_present_at_least() -> None:
    async def main() -> None:
        asked = quarters(KeptLink())
        await asked.told([T0], T0 + 2 * QUARTER_MS)
        assert asked.due(T0 - QUARTER_MS) == [T0 - QUARTER_MS]

    asyncio.run(main())


def test_three_missed_answers_make_a_source_stale_and_never_less_than_fifteen_seconds() -> None:
    assert PolledSettings(kind="any").stale_after_ms == 15_000
    assert PolledSettings(kind="any", poll_s=30).stale_after_ms == 90_000
    assert FLOOR
