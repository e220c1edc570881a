"""Each question on its own schedule: one that hangs, is limited or fails, beside others."""

from __future__ import annotations

import asyncio

import pytest

from collectors.collector import CollectorError
from collectors.polled.schedule import Allowance, Limited, Poll, poll_forever
from tests.collectors.asterisk_link import KeptLink


def test_everything_is_asked_once_before_the_source_is_up() -> None:
    link, order = KeptLink(), []

    async def first() -> None:
        order.append(("first", link.up.is_set()))

    async def second() -> None:
        order.append(("second", link.up.is_set()))
        if len(order) > 3:
            raise CollectorError("over")

    with pytest.raises(CollectorError, match="over"):
        asyncio.run(poll_forever([Poll("a", 0.01, first), Poll("b", 0.01, second)], link, detail="Acme 4"))
    assert order[:2] == [("first", False), ("second", False)]
    assert link.detail == "Acme 4"


def test_one_that_hangs_delays_no_other() -> None:
    link, asked = KeptLink(), []

    async def hangs() -> None:
        if link.up.is_set():
            await asyncio.Event().wait()

    async def goes_on() -> None:
        asked.append(1)
        if len(asked) == 20:
            raise CollectorError("enough")

    async def main() -> None:
        async with asyncio.timeout(20):
            await poll_forever([Poll("hangs", 0.01, hangs), Poll("goes on", 0.01, goes_on)], link)

    with pytest.raises(CollectorError, match="enough"):
        asyncio.run(main())


def test_a_limit_pauses_that_poll_alone_and_is_noted_until_it_is_over() -> None:
    link = KeptLink()
    counts = {"limited": 0, "other": 0, "other when limited": 0}
    noted: list[object] = []

    async def limited() -> None:
        counts["limited"] += 1
        if counts["limited"] == 2:
            counts["other when limited"] = counts["other"]
            raise Limited(1)
        if counts["limited"] == 4:
            raise CollectorError("over")

    async def other() -> None:
        counts["other"] += 1
        if link.facts.get("limited_until") and not noted:
            noted.append((link.facts["limited"], link.facts["limited_until"] > link.now_ms()))

    with pytest.raises(CollectorError, match="over"):
        asyncio.run(poll_forever([Poll("limited", 0.01, limited), Poll("other", 0.01, other)], link))
    assert counts["other"] > counts["other when limited"] + 3
    assert noted == [("limited", True)]
    assert link.facts["limited_until"] is None


def test_what_a_limited_question_told_of_the_present_is_taken_back_once_when_it_is_old() -> None:
    told: list[str] = []
    answers = iter([None, Limited(1), Limited(1), Limited(1), CollectorError("over")])

    async def ask() -> None:
        told.append("asked")
        if (error := next(answers)) is not None:
            raise error

    async def unknown() -> None:
        told.append("unknown")

    async def main() -> None:
        async with asyncio.timeout(30):
            await poll_forever([Poll("a", 0.01, ask, unknown=unknown, stale_after_s=1.5)], KeptLink())

    with pytest.raises(CollectorError, match="over"):
        asyncio.run(main())
    assert told == ["asked", "asked", "asked", "unknown", "asked", "asked"], "after two pauses, and not again"


def test_a_short_pause_takes_nothing_back() -> None:
    told: list[str] = []

    async def ask() -> None:
        told.append("asked")
        if len(told) == 3:
            raise CollectorError("over")
        if len(told) == 2:
            raise Limited(1)

    async def unknown() -> None:
        told.append("unknown")

    with pytest.raises(CollectorError, match="over"):
        asyncio.run(poll_forever([Poll("a", 0.01, ask, unknown=unknown)], KeptLink()))
    assert told == ["asked"] * 3


def test_two_that_are_limited_are_noted_until_both_are_over() -> None:
    link, seen, counts = KeptLink(), [], {"brief": 0, "long": 0}

    def poll(name: str, pause_s: float) -> Poll:
        async def ask() -> None:
            counts[name] += 1
            if counts[name] == 2:
                raise Limited(pause_s)
            if counts[name] > 2:
                seen.append((name, link.facts["limited"], link.facts["limited_until"]))
            if counts["brief"] > 3 and counts["long"] > 3:
                raise CollectorError("over")

        return Poll(name, 0.05, ask)

    with pytest.raises(CollectorError, match="over"):
        asyncio.run(poll_forever([poll("brief", 1), poll("long", 3)], link))
    assert {told for name, told, _ in seen if name == "brief"} >= {"long"}, "the brief one is over, the long one not"
    assert all((told is None) == (until is None) for _, told, until in seen)
    assert (seen[-1][1:]) == (None, None)


def test_a_question_that_is_not_needed_keeps_the_source_from_nothing_and_is_asked_again_after_its_pause() -> None:
    link, asked = KeptLink(), []

    async def history() -> None:
        asked.append(link.up.is_set())
        if len(asked) == 1:
            raise Limited(1)
        raise CollectorError("over")

    async def present() -> None:
        pass

    with pytest.raises(CollectorError, match="over"):
        asyncio.run(poll_forever([Poll("history", 60, history, needed=False), Poll("present", 60, present)], link))
    assert asked == [False, True]
    assert link.facts["limited"] == "history"


def test_a_mistake_of_ours_is_not_taken_for_the_acds() -> None:
    async def broken() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        asyncio.run(poll_forever([Poll("a", 1, broken)], KeptLink()))


def test_an_allowance_lets_so_many_through_and_spaces_the_rest() -> None:
    async def main() -> list[float]:
        allowance, loop = Allowance(20, burst=3), asyncio.get_running_loop()
        began, turns = loop.time(), []
        for _ in range(7):
            await allowance.take()
            turns.append(loop.time() - began)
        return turns

    turns = asyncio.run(main())
    assert turns[2] < turns[3] < turns[4] < turns[5] < turns[6]
    assert turns[6] >= 4 / 20 - 0.01, "never faster than allowed"
