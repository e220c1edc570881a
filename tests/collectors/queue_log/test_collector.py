from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from collectors import events as e
from collectors.collector import Collector, CollectorError
from collectors.queue_log.collector import MEMORY, QueueLogCollector, QueueLogSettings
from collectors.registry import KINDS
from tests.collectors.queue_log.recorded import RUN_A, T0, events_of, log
from tests.collectors.queue_log.recording_link import RecordingLink

NOW = (T0 + 60) * 1000
END_OF_RUN_A = 1_795_314_078_000


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return tmp_path / "queue_log"


def collector(path: Path) -> Collector:
    kind = KINDS["queue_log"]
    return kind("hq", kind.Settings(kind="queue_log", path=path))  # type: ignore[call-arg]


@asynccontextmanager
async def running(path: Path, link: RecordingLink) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(collector(path).run(link))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def told(link: RecordingLink) -> list[e.AnyEvent]:
    """Everything but the snapshots."""
    return [event for event in link.events if not isinstance(event, e.Snapshot)]


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)


def test_the_first_start_tells_today_then_who_is_there_now(live: Path) -> None:
    live.write_bytes(RUN_A)

    async def scenario() -> None:
        link = RecordingLink(now_ms=END_OF_RUN_A + 5_000)
        async with running(live, link):
            await link.until(lambda: link.up)
        assert told(link) == events_of(RUN_A)
        snapshot = link.events[-1]
        assert isinstance(snapshot, e.Snapshot)
        assert (snapshot.waiting, snapshot.talking, snapshot.unwatched_since) == ([], [], None)
        assert len(snapshot.queues) == 7
        assert len(snapshot.agents) == 24

    asyncio.run(scenario())


def test_lines_are_told_as_they_are_written(live: Path) -> None:
    live.write_bytes(b"")

    async def scenario() -> None:
        link = RecordingLink(now_ms=NOW)
        async with running(live, link):
            await link.until(lambda: link.up)
            append(live, log("+60 c|q|NONE|ENTERQUEUE||800|1")[:-9])
            append(live, log("+60 c|q|NONE|ENTERQUEUE||800|1")[-9:] + log("+64 c|q|Ann|CONNECT|4|x|2"))
            await link.until(lambda: link.facts.get("received") == 2)
        assert told(link) == events_of(log("+60 c|q|NONE|ENTERQUEUE||800|1", "+64 c|q|Ann|CONNECT|4|x|2"))

    asyncio.run(scenario())


def test_a_restart_tells_what_happened_meanwhile_and_nothing_twice(live: Path) -> None:
    half = RUN_A.index(b"\n", len(RUN_A) // 2) + 1
    live.write_bytes(RUN_A[:half] + b"179531")

    async def scenario() -> None:
        first = RecordingLink(now_ms=END_OF_RUN_A - 100_000)
        async with running(live, first):
            await first.until(lambda: first.up)
        live.write_bytes(RUN_A[:half])
        live.rename(live.with_name("queue_log.0"))
        live.write_bytes(RUN_A[half:])
        second = RecordingLink(first.memory, now_ms=END_OF_RUN_A + 5_000, unwatched_since=END_OF_RUN_A - 99_000)
        async with running(live, second):
            await second.until(lambda: second.up)
        assert told(first) + told(second) == events_of(RUN_A)
        snapshot = second.events[-1]
        assert isinstance(snapshot, e.Snapshot)
        assert (snapshot.waiting, snapshot.unwatched_since) == ([], END_OF_RUN_A - 99_000)

    asyncio.run(scenario())


def test_a_place_that_is_gone_is_said_and_the_last_day_is_told_again(live: Path) -> None:
    live.write_bytes(RUN_A)

    async def scenario() -> None:
        memory = {MEMORY: b'{"inode":1,"offset":700,"mark":"bm93aGVyZQ=="}'}
        link = RecordingLink(memory, now_ms=END_OF_RUN_A)
        async with running(live, link):
            await link.until(lambda: link.up)
        assert told(link) == events_of(RUN_A)
        assert "not found" in link.facts["warning"]

    asyncio.run(scenario())


def test_only_the_last_day_is_told_but_older_lines_say_who_serves_which_queue(live: Path) -> None:
    live.write_text(
        log(
            "+0 MANAGER|q|Ann|ADDMEMBER|",
            "+1 NONE|q|Ann|PAUSE|Leave",
            "+2 old|q|NONE|ENTERQUEUE||1|1",
            "+3 old|q|NONE|ABANDON|1|1|1",
        )
        + log("+100000 new|q|NONE|ENTERQUEUE||1|1")
    )

    async def scenario() -> None:
        link = RecordingLink(now_ms=(T0 + 100_020) * 1000)
        async with running(live, link):
            await link.until(lambda: link.up)
        assert [event.contact for event in told(link) if isinstance(event, e.ContactEntered)] == ["new"]
        first, last = (event for event in link.events if isinstance(event, e.Snapshot))
        assert first.at < told(link)[0].at < last.at
        for snapshot in (first, last):
            assert [(agent.agent, agent.condition, agent.reason) for agent in snapshot.agents] == [
                ("Ann", "paused", "Leave")
            ]
        assert [contact.contact for contact in last.waiting] == ["new"]

    asyncio.run(scenario())


def test_a_pbx_clock_that_is_an_hour_behind_is_corrected(live: Path) -> None:
    live.write_bytes(b"")

    async def scenario() -> None:
        link = RecordingLink(now_ms=NOW)
        async with running(live, link):
            await link.until(lambda: link.up)
            for number in range(7):
                second = link.now_ms() // 1000 - 3600
                append(live, log(f"+0 c{number}|q|NONE|ENTERQUEUE||1|1", second=second))
                await link.until(lambda number=number: len(told(link)) > number)
        assert 3_598_000 < link.facts["clock_skew_ms"] < 3_602_000
        assert abs(told(link)[-1].at - link.now_ms()) < 5_000
        assert abs(told(link)[0].at - link.now_ms() + 3_600_000) < 20_000

        again = RecordingLink(link.memory, now_ms=link.now_ms())
        async with running(live, again):
            await again.until(lambda: again.up)
        assert again.facts["clock_skew_ms"] == link.facts["clock_skew_ms"]

    asyncio.run(scenario())


def test_lines_from_an_hour_ahead_are_told_as_of_now_at_the_first_start(live: Path) -> None:
    live.write_text(log("+3600 c|q|NONE|ENTERQUEUE||1|1"))

    async def scenario() -> None:
        link = RecordingLink(now_ms=T0 * 1000)
        async with running(live, link):
            await link.until(lambda: link.up)
        assert abs(told(link)[0].at - T0 * 1000) < 5_000
        assert link.facts["clock_skew_ms"] == pytest.approx(-3_600_000, abs=5_000)

    asyncio.run(scenario())


def test_the_source_lives_while_the_file_is_there_even_when_nobody_calls(live: Path) -> None:
    live.write_bytes(b"")

    async def scenario() -> None:
        link = RecordingLink(now_ms=NOW)
        async with running(live, link):
            await link.until(lambda: link.up)
            heard = link.heard_times
            await link.until(lambda: link.heard_times >= heard + 3)

    asyncio.run(scenario())


def test_a_file_that_goes_away_and_stays_away_ends_the_session(live: Path) -> None:
    live.write_bytes(RUN_A)

    async def scenario() -> None:
        link = RecordingLink(now_ms=END_OF_RUN_A)
        task = asyncio.create_task(QueueLogCollector("hq", QueueLogSettings(path=live), missing_s=0.3).run(link))
        await link.until(lambda: link.up)
        live.unlink()
        with pytest.raises(CollectorError, match="does not exist") as caught:
            await asyncio.wait_for(task, 30)
        assert not caught.value.permanent

    asyncio.run(scenario())


def ended(path: Path) -> CollectorError:
    async def scenario() -> None:
        async with asyncio.timeout(30):
            await collector(path).run(RecordingLink(now_ms=NOW))

    with pytest.raises(CollectorError) as caught:
        asyncio.run(scenario())
    return caught.value


def test_a_file_that_is_not_there_is_an_error_that_may_pass(live: Path) -> None:
    error = ended(live)
    assert "queue_log = yes" in str(error)
    assert not error.permanent


def test_a_directory_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    error = ended(tmp_path)
    assert f"give the file in it, usually {tmp_path / 'queue_log'}" in str(error)
    assert error.permanent


def test_a_pipe_is_no_log_and_is_not_waited_for(live: Path) -> None:
    os.mkfifo(live)
    error = ended(live)
    assert error.permanent
    assert "no plain file" in str(error)


def test_a_file_as_a_directory_is_said(live: Path) -> None:
    live.write_bytes(b"")
    assert ended(live / "queue_log").permanent


@contextmanager
def nobody() -> Iterator[None]:
    """Not root for a while, whom no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_an_error_that_says_what_to_do(live: Path) -> None:
    live.write_bytes(RUN_A)
    live.chmod(0)
    with nobody():
        error = ended(live)
    assert error.permanent
    assert "may not be read by this user" in str(error)
    assert "group asterisk" in str(error)


def test_settings_refuse_an_unknown_zone_and_unknown_keys(live: Path) -> None:
    with pytest.raises(ValidationError, match="IANA"):
        QueueLogSettings(path=live, time_zone="Mars/Olympus")
    with pytest.raises(ValidationError, match="Extra inputs"):
        QueueLogSettings(path=live, pth="x")  # type: ignore[call-arg]


def test_dates_in_the_log_are_read_in_the_pbxs_zone(live: Path) -> None:
    live.write_text("2026-11-22 10:00:00.250000|c|q|NONE|ENTERQUEUE||1|1\n")

    async def scenario() -> None:
        link = RecordingLink(now_ms=1_795_313_000_000)
        settings = QueueLogSettings(path=live, time_zone="Asia/Shanghai")
        task = asyncio.create_task(QueueLogCollector("hq", settings).run(link))
        await link.until(lambda: link.up)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert told(link)[0].at == 1_795_312_800_250

    asyncio.run(scenario())
