from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import msgspec
import pytest

from collectors import events as e
from collectors.registry import KINDS
from collectors.simulator.centre import Centre
from collectors.simulator.collector import MEMORY, Memory, Simulator
from collectors.simulator.scenario import load
from operations.floor.floor import Floor
from tests.collectors.simulator.log_link import LogLink, Running
from tests.collectors.simulator.moments import DAY_MS, HOUR_MS, SHANGHAI, ms

DEMO = load("demo")
MIDNIGHT = ms("2026-10-06 00:00")
MORNING = ms("2026-10-06 05:10")


def test_the_kind_is_registered() -> None:
    assert KINDS["simulator"] is Simulator


async def session(link: LogLink, upto: int, **settings: object) -> None:
    """One session until everything up to a moment is in the log."""
    link.until = upto
    async with Running(link, **settings) as running:
        await running.until(lambda: link.rounds > 1)


def told_to(link: LogLink) -> int:
    return msgspec.json.decode(link.memory[MEMORY], type=Memory).told_to if MEMORY in link.memory else 0


def contacts(log: list[e.AnyEvent]) -> list[e.AnyEvent]:
    return [event for event in log if not isinstance(event, (e.Snapshot, e.IntervalTotals, e.WatchLost))]


def test_the_first_start_tells_the_day_since_midnight_and_goes_on() -> None:
    link = LogLink(MORNING, step_ms=20_000)
    asyncio.run(session(link, MORNING + 5 * 60_000))
    assert isinstance(link.log[0], e.Snapshot)
    assert link.log[0].at == MIDNIGHT - 1
    assert link.log[0].unwatched_since is None
    expected = Centre(DEMO, 7, MIDNIGHT, SHANGHAI).advance(MORNING + 5 * 60_000)
    busy = sum(isinstance(event, e.AgentChanged) and event.at < MIDNIGHT for event in link.log)
    assert contacts(link.log)[busy:] == expected
    assert link.ups == 1


def test_the_days_before_are_told_in_quarter_hours_and_only_once() -> None:
    link = LogLink(MORNING, step_ms=20_000)
    asyncio.run(_with_history(link, 1))
    totals = [event for event in link.log if isinstance(event, e.IntervalTotals)]
    keys = Counter((event.queue, event.start) for event in totals)
    assert set(keys.values()) == {1}
    assert {start for _, start in keys} == set(range(MIDNIGHT - DAY_MS, MIDNIGHT, 900_000))
    first_contact = next(place for place, event in enumerate(link.log) if isinstance(event, e.Snapshot))
    evening = [event for event in link.log[:first_contact] if isinstance(event, e.IntervalTotals)]
    assert {event.start for event in evening} == set(range(MIDNIGHT - 6 * HOUR_MS, MIDNIGHT, 900_000))
    again = LogLink(link.now, unwatched_since=link.now, step_ms=20_000)
    again.memory = link.memory
    asyncio.run(session(again, link.now + 60_000, history_days=1))
    assert not [event for event in again.log if isinstance(event, e.IntervalTotals)]


async def _with_history(link: LogLink, days: int) -> None:
    def all_told() -> bool:
        return MEMORY in link.memory and msgspec.json.decode(link.memory[MEMORY], type=Memory).history_to is None

    link.until = MORNING + 60_000
    async with Running(link, history_days=days) as running:
        await running.until(all_told)


def test_history_that_a_kill_interrupted_is_finished_by_the_next_session() -> None:
    link = LogLink(MORNING, step_ms=20_000)
    asyncio.run(session(link, MORNING + 1000, history_days=2))
    memory = msgspec.json.decode(link.memory[MEMORY], type=Memory)
    assert memory.history_to is not None
    before = [event for event in link.log if isinstance(event, e.IntervalTotals)]
    again = LogLink(MORNING + 60_000, unwatched_since=MORNING + 1000, step_ms=20_000)
    again.memory = link.memory
    asyncio.run(_with_history(again, 2))
    after = [event for event in again.log if isinstance(event, e.IntervalTotals)]
    told = {(event.queue, event.start): event for event in before + after}
    assert {start for _, start in told} == set(range(MIDNIGHT - 2 * DAY_MS, MIDNIGHT, 900_000))
    whole = LogLink(MORNING, step_ms=20_000)
    asyncio.run(_with_history(whole, 2))
    once = {(event.queue, event.start): event for event in whole.log if isinstance(event, e.IntervalTotals)}
    assert {key: told[key].counters["offered"] for key in told if "offered" in told[key].counters} == {
        key: once[key].counters["offered"] for key in once if "offered" in once[key].counters
    }


def folded(log: list[e.AnyEvent], now: int) -> tuple[dict[str, Counter[str]], set[tuple[str, str]]]:
    """Per queue the sums of contacts that the engine's floor makes of a log, and who waits at its end."""
    floor = Floor()
    for event in log:
        floor.apply(event)
    floor.advance(now)
    sums: dict[str, Counter[str]] = {}
    for (row, _), cell in floor.delta.items():
        if row in DEMO.queues:
            sums.setdefault(row, Counter()).update(cell.n)
    for counts in sums.values():
        del counts["wrap_ms"]  # the wrap-up that a break of the watch cuts in two is not told by its beginning
    return sums, {(queue, contact) for queue, here in floor.waiting.items() for contact in here}


@pytest.mark.parametrize("away_s", [0, 40, 3 * 3600, 30 * 3600])
def test_a_restart_counts_nothing_twice_and_leaves_nothing_out(away_s: int) -> None:
    chance = Random(away_s)
    link = LogLink(MORNING, step_ms=60_000)
    stop = MORNING + 10 * 60_000 + chance.randrange(60_000)
    asyncio.run(session(link, stop))
    watched = told_to(link)
    again = next_session(link, watched + away_s * 1000, step_ms=60_000)
    again.log.append(e.WatchLost(watched, "the collector's process ended"))
    end = again.now + 5 * 60_000
    asyncio.run(session(again, end))

    once = LogLink(MORNING, step_ms=15 * 60_000)
    asyncio.run(session(once, end))
    sums, waiting = folded(again.log, end)
    assert (sums, waiting) == folded(once.log, end)
    assert not any(counts["lost_sight"] for counts in sums.values())
    assert sum(counts["offered"] for counts in sums.values()) > 500


def test_what_was_said_just_before_a_kill_is_said_again_and_not_counted_again() -> None:
    link = LogLink(MORNING, step_ms=20_000)
    asyncio.run(session(link, MORNING + 2 * 60_000))
    ahead = next_session(link, MORNING + 2 * 60_000, step_ms=20_000)
    asyncio.run(session(ahead, MORNING + 3 * 60_000))
    # the process died before it could remember the last minute, which the log has
    killed = next_session(ahead, MORNING + 4 * 60_000, step_ms=20_000, unwatched_since=MORNING + 2 * 60_000 + 20_000)
    killed.memory = link.memory
    asyncio.run(session(killed, MORNING + 5 * 60_000))
    once = LogLink(MORNING, step_ms=60_000)
    asyncio.run(session(once, MORNING + 5 * 60_000))
    assert folded(killed.log, once.now) == folded(once.log, once.now)


def test_what_the_log_did_not_take_before_the_end_is_told_by_the_next_session() -> None:
    async def blocked(link: LogLink) -> None:
        link.until = MORNING + 60_000
        async with Running(link) as running:
            await running.until(lambda: link.rounds > 1)
            link.full, link.until = True, MORNING + 10 * 60_000
            await running.until(lambda: link.waits)

    link = LogLink(MORNING, step_ms=60_000)
    asyncio.run(blocked(link))
    assert told_to(link) == MORNING + 60_000
    again = next_session(link, MORNING + 10 * 60_000)
    asyncio.run(session(again, MORNING + 10 * 60_000))
    once = LogLink(MORNING, step_ms=60_000)
    asyncio.run(session(once, MORNING + 10 * 60_000))
    assert folded(again.log, once.now) == folded(once.log, once.now)


def next_session(before: LogLink, now: int, *, step_ms: int = 1000, unwatched_since: int | None = None) -> LogLink:
    """The link of a next process: the same log, and what was remembered."""
    link = LogLink(
        now, step_ms=step_ms, unwatched_since=told_to(before) if unwatched_since is None else unwatched_since
    )
    link.memory, link.log = dict(before.memory), list(before.log)
    return link


def test_after_a_restart_a_snapshot_says_since_when_nobody_watched() -> None:
    link = LogLink(MORNING, step_ms=20_000)
    asyncio.run(session(link, MORNING + 30_000))
    since = told_to(link) + 400
    again = LogLink(MORNING + HOUR_MS, unwatched_since=since)
    again.memory = link.memory
    asyncio.run(session(again, MORNING + HOUR_MS))
    snapshots = [event for event in again.log if isinstance(event, e.Snapshot)]
    assert [(snapshot.at, snapshot.unwatched_since) for snapshot in snapshots] == [(since, since)]


def test_an_incident_goes_on_after_a_restart_as_if_there_had_been_none() -> None:
    async def with_surge(link: LogLink, upto: int) -> None:
        link.until = MORNING + 60_000
        async with Running(link) as running:
            await running.until(lambda: link.rounds > 1)
            await link.words.put({"incident": "surge", "queue": "orders", "minutes": 30, "by": "mei"})
            await running.until(lambda: link.facts["incidents"])
            link.until, link.rounds = upto, 0
            await running.until(lambda: link.rounds > 1)

    whole = LogLink(MORNING, step_ms=60_000)
    asyncio.run(with_surge(whole, MORNING + 40 * 60_000))
    assert whole.facts["incidents"] == [], "it was over after half an hour"

    broken = LogLink(MORNING, step_ms=60_000)
    asyncio.run(with_surge(broken, MORNING + 10 * 60_000))
    assert [fact["incident"] for fact in broken.facts["incidents"]] == ["surge"]
    assert broken.facts["incidents"][0]["by"] == "mei"
    again = LogLink(MORNING + 15 * 60_000, step_ms=60_000, unwatched_since=told_to(broken))
    again.memory, again.log = broken.memory, list(broken.log)
    asyncio.run(session(again, MORNING + 40 * 60_000))
    assert folded(again.log, MORNING + 40 * 60_000) == folded(whole.log, MORNING + 40 * 60_000)

    calm = LogLink(MORNING + 40 * 60_000)
    asyncio.run(session(calm, MORNING + 40 * 60_000))
    more = folded(whole.log, 0)[0]["orders"]["offered"] - folded(calm.log, 0)[0]["orders"]["offered"]
    assert more > 30


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ({"incident": "earthquake"}, "there is no incident 'earthquake'; there are surge, lunch, dead_trunk"),
        ({"incident": "surge", "queue": "nowhere"}, "there is no queue 'nowhere'"),
        ({"incident": "surge", "minutes": -1}, "-1 minutes are not possible"),
        ({"incident": "surge", "minutes": "many"}, "not possible"),
        ({"incident": "surge", "minutes": float("nan")}, "not possible"),
        ({"incident": "surge", "queue": ["orders"]}, "there is no queue"),
        ({}, "there is no incident"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_in_words(word: dict[str, object], said: str) -> None:
    async def refused() -> LogLink:
        link = LogLink(MORNING)
        async with Running(link) as running:
            await running.until(lambda: link.ups)
            await link.words.put(word)
            await running.until(lambda: link.facts.get("warning"))
            assert link.facts["incidents"] == []
            await link.words.put({"incident": "lunch", "minutes": 1})
            await running.until(lambda: link.facts["incidents"])
        return link

    link = LogLink(0)
    link = asyncio.run(_in_time(refused()))
    assert link.facts["warning"] == "", "a wish that is met takes the refusal away"
    assert set(link.facts["incidents_offered"]) == {"surge", "lunch", "dead_trunk"}


async def _in_time(coroutine: object) -> LogLink:
    return await asyncio.wait_for(coroutine, 60)  # type: ignore[arg-type]


def test_a_changed_scenario_begins_anew_without_counting_the_day_again() -> None:
    link = LogLink(MORNING, step_ms=20_000)
    asyncio.run(session(link, MORNING + 30_000))
    again = LogLink(MORNING + 60_000, unwatched_since=told_to(link))
    again.memory = link.memory
    asyncio.run(session(again, MORNING + 60_000, scenario="erlang_a"))
    assert isinstance(again.log[0], e.Snapshot)
    assert again.log[0].at >= MORNING + 60_000 - 1
    assert set(again.log[0].queues) == {"support", *DEMO.queues}, "the queues that are gone are told to be empty"


def test_a_memory_that_cannot_be_read_does_not_tell_the_day_again() -> None:
    link = LogLink(MORNING, unwatched_since=MORNING - 5000)
    link.memory[MEMORY] = b"\x00?"
    asyncio.run(session(link, MORNING))
    assert isinstance(link.log[0], e.Snapshot)
    assert link.log[0].at == MORNING - 1


def test_after_a_long_absence_the_running_day_is_told() -> None:
    link = LogLink(MORNING, step_ms=20_000)
    asyncio.run(session(link, MORNING + 30_000))
    again = LogLink(MORNING + 9 * DAY_MS, unwatched_since=told_to(link))
    again.memory = link.memory
    asyncio.run(session(again, MORNING + 9 * DAY_MS))
    assert isinstance(again.log[0], e.Snapshot)
    assert again.log[0].at == MIDNIGHT + 9 * DAY_MS - 1


def test_a_clock_that_was_turned_back_is_no_reason_to_stop() -> None:
    link = LogLink(MORNING, step_ms=20_000)
    asyncio.run(session(link, MORNING + 30_000))
    again = LogLink(MORNING - HOUR_MS, unwatched_since=told_to(link), step_ms=20_000)
    again.memory = link.memory
    asyncio.run(session(again, MORNING - HOUR_MS + 60_000))
    assert again.ups == 1
    assert len(again.log) > 10


def test_speed_makes_time_run_faster_and_a_restart_goes_on_where_it_was() -> None:
    async def fast(link: LogLink) -> None:
        async with Running(link, speed=600, start="2026-10-06 10:00") as running:
            await running.until(
                lambda: link.ups and told_to(link) > ms("2026-10-06 11:00") + 10 * 60_000 * len(link.memory)
            )

    link = LogLink(MORNING, step_ms=500)
    asyncio.run(fast(link))
    assert isinstance(link.log[0], e.Snapshot)
    assert link.log[0].at == ms("2026-10-06 10:00") - 1
    assert link.log[-1].at > ms("2026-10-06 11:00")
    assert link.now < MORNING + HOUR_MS
    before = told_to(link)
    again = LogLink(MORNING + HOUR_MS, step_ms=500, unwatched_since=MORNING)
    again.memory = link.memory

    async def on() -> None:
        async with Running(again, speed=600, start="2026-10-06 10:00") as running:
            await running.until(lambda: again.ups and told_to(again) > before + HOUR_MS)

    asyncio.run(on())
    assert isinstance(again.log[0], e.Snapshot)
    assert again.log[0].at == before
    assert contacts(again.log)[len(_busy(again.log)) :] == [
        event for event in Centre(DEMO, 7, before + 1, SHANGHAI).advance(again.log[-1].at) if event.at > before
    ]


def _busy(log: list[e.AnyEvent]) -> list[e.AnyEvent]:
    snapshot = log[0]
    return [event for event in log[1:] if isinstance(event, e.AgentChanged) and event.at == snapshot.at]


def test_at_full_speed_it_still_listens_and_can_be_stopped() -> None:
    async def run() -> LogLink:
        link = LogLink(MORNING)
        async with Running(link, speed="max") as running:
            await running.until(lambda: link.ups and len(link.log) > 50_000)
            await link.words.put({"incident": "nothing"})
            await running.until(lambda: link.facts.get("warning"))
        return link

    assert asyncio.run(_in_time(run())).log
