"""What is told anew of what was asked again, which numbers are believed, and where an API may be asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from collectors.collector import CollectorError
from collectors.events import AgentChanged, IntervalTotals, QueueObserved, SeenAgent
from collectors.polled.addresses import ApiUrl
from collectors.polled.news import SHOWN, Accounts, Looks, WholeLooks
from collectors.polled.numbers import amount, count
from collectors.polled.people import Roster
from collectors.polled.schedule import Poll, poll_forever
from operations.floor.counters import total
from operations.floor.floor import Floor
from tests.collectors.asterisk_link import KeptLink

T0 = 1_795_320_000_000


def look(at: int, waiting: int | None = 2, longest_ms: int | None = 5_000) -> QueueObserved:
    return QueueObserved(T0 + at, "sales", waiting, longest_ms)


def test_a_look_that_shows_the_same_contact_waiting_on_is_no_news() -> None:
    looks = Looks()
    assert looks.news([look(0)]) == [look(0)]
    assert looks.news([look(5_000, 2, 10_000), look(10_000, 2, 14_600)]) == []


@pytest.mark.parametrize("changed", [look(5_000, 3, 10_000), look(5_000, 2, 2_000), look(5_000, 2, None)])
def test_a_look_that_shows_something_else_is_news(changed: QueueObserved) -> None:
    looks = Looks()
    looks.news([look(0)])
    assert looks.news([changed]) == [changed]


def test_the_same_look_is_told_again_after_half_a_minute() -> None:
    looks = Looks()
    looks.news([look(0, 0, None)])
    assert looks.news([look(29_999, 0, None)]) == []
    assert looks.news([look(30_000, 0, None)]) == [look(30_000, 0, None)]


def test_an_answer_that_was_overtaken_is_no_news() -> None:
    looks = Looks()
    looks.news([look(5_000, 0, None)])
    assert looks.news([look(5_000, 3), look(4_000, 3)]) == []


def told_whole(link: KeptLink, *answers: list[QueueObserved]) -> list[QueueObserved]:
    """What a new session tells of these answers, 5 s apart."""

    async def main() -> None:
        looks = WholeLooks(link)
        for n, answer in enumerate(answers):
            await looks.tell(answer, T0 + n * 5_000)

    asyncio.run(main())
    told, link.events = link.events, []
    return [event for event in told if isinstance(event, QueueObserved)]


def test_a_queue_that_is_no_longer_shown_is_told_once_as_not_known_and_anew_when_it_is_back() -> None:
    told = told_whole(KeptLink(), [look(0)], [], [], [look(15_000)])
    assert told == [look(0), QueueObserved(T0 + 5_000, "sales"), look(15_000)]


def test_a_queue_that_went_while_nobody_asked_is_not_known_either() -> None:
    link = KeptLink()
    told_whole(link, [look(0)])
    assert told_whole(link, [], []) == [QueueObserved(T0, "sales")]
    assert told_whole(link, []) == [], "and that was said"


def test_a_memory_that_nobody_understands_is_none() -> None:
    link = KeptLink()
    asyncio.run(link.remember(SHOWN, b"no json"))
    assert told_whole(link, []) == []


def account(at: int, **counters: int) -> IntervalTotals:
    return IntervalTotals(T0 + at, "sales", T0, counters, sole=True)


def test_an_account_is_told_when_it_has_grown_or_was_put_right() -> None:
    accounts = Accounts()
    first = account(10, offered=0)
    assert accounts.news([first]) == [first], "that nothing happened yet is told once"
    assert accounts.news([account(20, offered=0), account(30, offered=0)]) == []
    grown, less = account(40, offered=2), account(50, offered=1)
    assert accounts.news([grown]) == [grown]
    assert accounts.news([less]) == [less]


def test_a_number_that_was_refused_takes_nothing_back_from_the_day() -> None:
    accounts, floor = Accounts(), Floor()
    floor.apply(QueueObserved(T0, "sales", 0))

    def offered(*told: IntervalTotals) -> int:
        for event in accounts.news(told):
            floor.apply(event)
        return total(floor.delta.values()).get("offered")

    assert offered(account(1_000, offered=10, answered=4)) == 10
    assert offered(account(2_000, answered=5)) == 10
    assert offered(account(3_000)) == 10
    assert offered(account(4_000, offered=9)) == 9
    assert offered(account(5_000, offered=0, answered=0)) == 0


def test_what_was_counted_and_is_counted_no_more_is_taken_back_once() -> None:
    accounts = Accounts()
    accounts.news([account(10, offered=1), account(10, offered=1)])
    asked = (["sales", "billing"], [T0, T0 + 900_000])
    assert accounts.emptied(*asked, {("sales", T0)}, T0 + 20) == []
    assert accounts.emptied(*asked, set(), T0 + 30) == [account(30, offered=0)]
    assert accounts.emptied(*asked, set(), T0 + 40) == []


def test_settled_accounts_are_forgotten() -> None:
    accounts = Accounts()
    accounts.news([account(10, offered=1)])
    accounts.forget(T0 + 900_000)
    assert accounts.news([account(20, offered=1)]) == []
    accounts.forget(T0 + 2 * 900_000)
    assert accounts.news([account(20, offered=1)]) == [account(20, offered=1)]


@pytest.mark.parametrize(
    "value", [-1, -9_007_199_254_740_991, 9_007_199_254_740_991, 0.5, True, "3", None, float("nan")]
)
def test_an_impossible_count_was_not_told(value: Any) -> None:
    assert count(value) is None


def test_possible_numbers_are_taken() -> None:
    assert (count(0), count(3.0), amount(12.4), amount(-1), amount(1e15)) == (0, 3, 12, None, None)


class Settings(BaseModel):
    url: ApiUrl


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/",
        "https://api.example/v2",
        "http://127.0.0.1:9",
        "http://localhost",
        "http://[::1]:9/base",
    ],
)
def test_an_api_is_asked_over_tls_or_on_this_machine(url: str) -> None:
    assert Settings(url=url).url == url.rstrip("/")


@pytest.mark.parametrize("url", ["http://api.example.com", "api.example.com", "ftp://x", "https://", "https://me:secret@x", "https://x?a=b", "http://127.0.0.1.example.com"])  # fmt: skip
def test_secrets_never_cross_a_network_in_the_clear(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(url=url)
    assert "https://" in str(refused.value)


def test_what_began_before_the_snapshot_and_shows_late_is_told_from_the_snapshot_on() -> None:
    roster = Roster()
    roster.start([SeenAgent("li", "available", {}, since=T0 - 60_000)], at=T0)
    told = roster.changes([SeenAgent("li", "on_contact", {}, since=T0 - 500)], T0 + 5_000)
    assert told == [AgentChanged(T0, "li", "on_contact")]


def test_whoever_hears_of_a_change_has_it_asked_at_once_and_not_in_a_burst() -> None:
    async def main() -> list[float]:
        loop, link, sooner, times = asyncio.get_running_loop(), KeptLink(), asyncio.Event(), []

        async def ask() -> None:
            times.append(loop.time())
            sooner.set()
            if len(times) == 4:
                raise CollectorError("enough")

        async with asyncio.timeout(20):
            with pytest.raises(CollectorError, match="enough"):
                await poll_forever([Poll("a", 3_600, ask, sooner, gap_s=0.1)], link)
        return times

    times = asyncio.run(main())
    assert all(later - earlier >= 0.099 for earlier, later in zip(times, times[1:], strict=False))
