"""The supervisor with real Redis and small scripted collectors."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self

import msgspec
import pytest
from pydantic import SecretStr

from collectors import event_log, events
from collectors.collector import FLOOR, Collector, CollectorError, Fact, Link, SourceSettings, Status, memory_key
from collectors.events import AnyEvent, ContactEntered, WatchLost
from collectors.link import commands_key
from collectors.supervisor import Pace, collect, lease_key
from tests.collectors.redis_process import RedisProcess

FAST = Pace(
    poll_s=0.02, status_s=0.02, heartbeat_s=0.05, lease_ms=400, backoff_first_s=0.02, backoff_most_s=0.1,
    permanent_s=30.0, redis_retry_s=0.02, buffer=1000, chunk=100,
)  # fmt: skip


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class ScriptedSettings(SourceSettings):
    kind: str = "scripted"
    word: str = ""
    password: SecretStr = SecretStr("")


class OwnClockSettings(ScriptedSettings):
    own_clock: ClassVar[bool] = True


def scripted(script: Callable[[Link, Any, int], Awaitable[None]]) -> type[Collector]:
    """A collector kind whose nth session runs ``script(link, settings, n)``."""

    class Scripted:
        kind: ClassVar[str] = "scripted"
        Settings: ClassVar[type[SourceSettings]] = ScriptedSettings
        gives: ClassVar[frozenset[Fact]] = FLOOR
        sessions: ClassVar[int] = 0

        def __init__(self, source: str, settings: Any) -> None:
            self._settings = settings

        async def run(self, link: Link) -> None:
            Scripted.sessions += 1
            await script(link, self._settings, Scripted.sessions)

    return Scripted


def entered(no: int, at: int | None = None) -> ContactEntered:
    return ContactEntered(at=now_ms() if at is None else at, queue="q", contact=str(no))


async def forever() -> None:
    await asyncio.Event().wait()


class Running:
    """``collect`` at work on one source ``s``, with eyes on Redis."""

    def __init__(
        self, redis_process: RedisProcess, kind: type[Collector], settings: SourceSettings | None = None, **more: Any
    ):
        self.process = redis_process
        self.sources: dict[str, SourceSettings] = {"s": settings or ScriptedSettings()}
        self.stop = asyncio.Event()
        self.more = {"pace": FAST, "instance": "one", "clock": now_ms, "kinds": {"scripted": kind}} | more

    async def __aenter__(self) -> Self:
        self.redis = self.process.async_client()
        self.task = asyncio.create_task(collect(lambda: self.sources, self.redis, stop=self.stop, **self.more))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, 20)
        await self.redis.aclose()

    async def events(self) -> list[AnyEvent]:
        rows = await self.redis.xrange(event_log.stream_key("s"))
        return [event for _, fields in rows for event in events.decode(fields[b"events"])]

    async def status(self) -> Status | None:
        raw = await self.redis.get(event_log.status_key("s"))
        return msgspec.json.decode(raw, type=Status) if raw else None


async def until(condition: Callable[[], Awaitable[Any]], limit_s: float = 20.0) -> Any:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            found = await condition()
        except OSError:
            found = None
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("did not come true in time")


def test_a_session_begins_without_the_warning_of_the_one_before(empty_redis: RedisProcess) -> None:
    async def script(link: Link, settings: Any, n: int) -> None:
        if n == 1:
            await link.emit([entered(1, now_ms() + 600_000)])
            link.note(warning="the standby does not answer")
            link.connected()
            raise CollectorError("it broke")
        link.connected("again")
        await forever()

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def again() -> Status | None:
                status = await running.status()
                return status if status is not None and status.detail == "again" else None

            status = await until(again)
            assert (status.facts["warning"], status.facts["refused_future"]) == ("", 0)

    asyncio.run(main())


def test_what_a_collector_says_lands_in_the_log_in_order_and_the_status_tells_that_it_is_up(
    empty_redis: RedisProcess,
) -> None:
    async def script(link: Link, settings: Any, no: int) -> None:
        link.connected("PBX 1")
        link.note(version="1")
        for n in range(500):
            await link.emit([entered(n)])
        await forever()

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def complete() -> bool:
                return len(await running.events()) == 500

            await until(complete)
            assert [event.contact for event in await running.events()] == [str(n) for n in range(500)]

            async def counted() -> Status | None:
                status = await running.status()
                return status if status and status.events == 500 else None

            status = await until(counted)
            assert (status.state, status.detail, status.facts["version"]) == ("up", "PBX 1", "1")
            assert status.last_event_at and status.last_word_at
            role = json.loads(await running.redis.get("role:collect:one"))
            assert role["role"] == "collect" and role["instance"] == "one"
        # after a graceful end the log says that nobody watches any more
        with empty_redis.client() as client:
            rows = client.xrange(event_log.stream_key("s"))
            assert isinstance(events.decode(rows[-1][1][b"events"])[-1], WatchLost)
            assert client.get(lease_key("s")) is None

    asyncio.run(main())


def test_an_outage_is_retried_logged_once_down_and_once_up_and_leaves_a_watch_lost(
    empty_redis: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int | None] = []

    async def script(link: Link, settings: Any, no: int) -> None:
        seen.append(link.unwatched_since)
        if no == 1 or no >= 5:
            link.connected()
            await link.emit([entered(no)])
            if no >= 5:
                await forever()
        raise CollectorError("the PBX hung up")

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def back() -> bool:
                return sum(isinstance(event, ContactEntered) for event in await running.events()) == 2

            await until(back)
            lost = [event for event in await running.events() if isinstance(event, WatchLost)]
            assert [event.reason for event in lost] == ["the PBX hung up"]
            assert seen[0] is None and seen[1:] == [lost[0].at] * 4

    caplog.set_level(logging.INFO)
    asyncio.run(main())
    words = [record.getMessage() for record in caplog.records if "source s is" in record.getMessage()]
    assert words == [
        "source s is up",
        "source s is down: the PBX hung up",
        "source s is up",
        "source s is down: no longer watched",
    ]


def test_a_permanent_error_is_shown_and_waits_until_the_settings_change(empty_redis: RedisProcess) -> None:
    tried: list[str] = []

    async def script(link: Link, settings: Any, no: int) -> None:
        tried.append(settings.word)
        if settings.word == "wrong":
            raise CollectorError("the secret is wrong; correct it", permanent=True)
        link.connected()
        await forever()

    async def main() -> None:
        async with Running(empty_redis, scripted(script), ScriptedSettings(word="wrong")) as running:

            async def down() -> Any:
                status = await running.status()
                return status if status and status.state == "down" else None

            status = await until(down)
            assert status.permanent and status.error == "the secret is wrong; correct it"
            await asyncio.sleep(0.3)
            assert tried == ["wrong"]
            running.sources = {"s": ScriptedSettings(word="right")}

            async def up() -> bool:
                status = await running.status()
                return bool(status and status.state == "up" and not status.error)

            await until(up)
            assert tried == ["wrong", "right"]
            running.sources = {}

            async def released() -> bool:
                return await running.redis.get(lease_key("s")) is None

            await until(released)

    asyncio.run(main())


def test_an_unexpected_exception_ends_the_session_only_and_never_shows_its_message(
    empty_redis: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(link: Link, settings: Any, no: int) -> None:
        if no == 1:
            raise ValueError("something with hunter2 in it")
        link.connected()
        await forever()

    async def main() -> None:
        errors: set[str] = set()
        async with Running(empty_redis, scripted(script), pace=FAST) as running:

            async def up() -> bool:
                status = await running.status()
                if status:
                    errors.add(status.error)
                return bool(status and status.state == "up")

            await until(up)
        assert not any("hunter2" in error for error in errors)

    asyncio.run(main())
    assert any(record.exc_info for record in caplog.records)


def test_while_redis_is_away_events_wait_then_all_arrive_in_order_and_emit_blocks_at_the_bound(
    empty_redis: RedisProcess,
) -> None:
    said: list[int] = []
    go = asyncio.Event()

    async def script(link: Link, settings: Any, no: int) -> None:
        link.connected()
        await link.emit([entered(0)])
        said.append(0)
        await go.wait()
        for n in range(1, 3001):
            await link.emit([entered(n)])
            said.append(n)
        await forever()

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def first() -> bool:
                return len(await running.events()) == 1

            await until(first)
            empty_redis.stop()
            go.set()

            async def full() -> bool:
                return len(said) >= FAST.buffer

            await until(full)
            await asyncio.sleep(0.2)
            assert len(said) < 3000  # the bound holds the collector back
            empty_redis.start()

            async def all_there() -> bool:
                return len({e.contact for e in await running.events() if isinstance(e, ContactEntered)}) == 3001

            await until(all_there)
            contacts = [e.contact for e in await running.events() if isinstance(e, ContactEntered)]
            assert list(dict.fromkeys(contacts)) == [str(n) for n in range(3001)]

    asyncio.run(main())


def test_a_redis_out_of_memory_gets_everything_once_there_is_room_again(empty_redis: RedisProcess) -> None:
    go = asyncio.Event()

    async def script(link: Link, settings: Any, no: int) -> None:
        link.connected()
        await link.emit([entered(0)])
        await go.wait()
        await link.emit([entered(n) for n in range(1, 900)])
        await forever()

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def said(number: int) -> bool:
                return len({e.contact for e in await running.events() if isinstance(e, ContactEntered)}) == number

            async def buffered() -> bool:
                with empty_redis.client() as client:
                    return client.info("errorstats").get("errorstat_OOM") is not None

            await until(lambda: said(1))
            await running.redis.config_set("maxmemory", 1)
            go.set()
            await until(buffered)
            assert await said(1)
            await running.redis.config_set("maxmemory", 0)
            await until(lambda: said(900))
            contacts = [e.contact for e in await running.events() if isinstance(e, ContactEntered)]
            assert contacts == [str(n) for n in range(900)]

    asyncio.run(main())


def test_when_redis_was_emptied_the_session_begins_anew_so_that_a_snapshot_fills_it(empty_redis: RedisProcess) -> None:
    async def script(link: Link, settings: Any, no: int) -> None:
        link.connected()
        await link.emit([entered(no)])
        await forever()

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def said(contact: str) -> bool:
                return any(isinstance(e, ContactEntered) and e.contact == contact for e in await running.events())

            await until(lambda: said("1"))
            await running.redis.flushall()
            await until(lambda: said("2"))

    asyncio.run(main())


def test_one_process_watches_a_source_and_another_takes_over_when_it_stops(empty_redis: RedisProcess) -> None:
    async def script(link: Link, settings: Any, no: int) -> None:
        link.connected()
        await link.emit([entered(no)])
        await forever()

    async def main() -> None:
        kind = scripted(script)
        async with Running(empty_redis, kind) as first, Running(empty_redis, kind, instance="two") as second:

            async def said(times: int) -> bool:
                return sum(isinstance(e, ContactEntered) for e in await second.events()) == times

            await until(lambda: said(1))
            await asyncio.sleep(0.2)
            assert await said(1)
            for running in (first, second):
                holder = await first.redis.get(lease_key("s"))
                if holder.startswith(running.more["instance"].encode() + b"/"):
                    running.stop.set()
                    break
            await until(lambda: said(2))

    asyncio.run(main())


def test_who_loses_the_lease_stops_watching_without_declaring_the_watch_lost(empty_redis: RedisProcess) -> None:
    async def script(link: Link, settings: Any, no: int) -> None:
        link.connected()
        await link.emit([entered(no)])
        try:
            await forever()
        finally:
            ended.set()

    ended = asyncio.Event()

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def first() -> bool:
                return len(await running.events()) == 1

            await until(first)
            await running.redis.set(lease_key("s"), "another/1")
            await asyncio.wait_for(ended.wait(), 20)
        with empty_redis.client() as client:
            assert client.get(lease_key("s")) == b"another/1"
            assert client.xlen(event_log.stream_key("s")) == 1

    asyncio.run(main())


def test_a_killed_process_leaves_the_time_until_which_it_watched(empty_redis: RedisProcess) -> None:
    """The status that a killed process left says until when; the next one closes the session for it."""
    left = Status(source="s", kind="scripted", state="up", since=1, written_at=now_ms(), facts={"watched_until": 12345})
    with empty_redis.client() as client:
        client.set(event_log.status_key("s"), msgspec.json.encode(left))
        client.set(lease_key("s"), "dead/1", px=300)
    seen: list[int | None] = []

    async def script(link: Link, settings: Any, no: int) -> None:
        seen.append(link.unwatched_since)
        link.connected()
        await forever()

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def logged() -> list[AnyEvent]:
                return await running.events()

            found = await until(logged)
            assert found == [WatchLost(at=12345, reason="the collector's process ended")]
            assert seen == [12345]

    asyncio.run(main())


def test_an_event_from_the_future_is_refused_and_counted_unless_the_source_has_its_own_clock(
    empty_redis: RedisProcess,
) -> None:
    async def script(link: Link, settings: Any, no: int) -> None:
        link.connected()
        await link.emit([entered(1, now_ms() + 3_600_000), entered(2)])
        await forever()

    async def main(settings: SourceSettings) -> tuple[list[str], int]:
        async with Running(empty_redis, scripted(script), settings) as running:

            async def last() -> bool:
                return any(isinstance(e, ContactEntered) and e.contact == "2" for e in await running.events())

            await until(last)
            status = await until(running.status)
            found = [e.contact for e in await running.events() if isinstance(e, ContactEntered)]
            return found, status.facts.get("refused_future", 0)

    assert asyncio.run(main(ScriptedSettings())) == (["2"], 1)
    with empty_redis.client() as client:
        client.flushall()
    assert asyncio.run(main(OwnClockSettings())) == (["1", "2"], 0)


def test_what_is_remembered_comes_back_and_never_before_the_events_it_covers(empty_redis: RedisProcess) -> None:
    recalled: list[bytes | None] = []

    async def script(link: Link, settings: Any, no: int) -> None:
        recalled.append(await link.recall("position"))
        link.connected()
        if no == 1:
            await link.emit([entered(n) for n in range(350)])
            await link.remember("position", b"350")
        await forever()

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:

            async def remembered() -> bool:
                if await running.redis.hget(memory_key("s"), "position") != b"350":
                    return False
                assert len(await running.events()) >= 350
                return True

            await until(remembered)
            running.sources = {"s": ScriptedSettings(word="changed")}

            async def again() -> bool:
                return len(recalled) == 2

            await until(again)
            assert recalled == [None, b"350"]

    asyncio.run(main())


def test_a_persons_word_reaches_the_collector_and_rubbish_does_not(empty_redis: RedisProcess) -> None:
    heard: list[dict[str, Any]] = []

    async def script(link: Link, settings: Any, no: int) -> None:
        link.connected()
        while True:
            heard.append(await link.commands())

    async def main() -> None:
        async with Running(empty_redis, scripted(script)) as running:
            for word in (b"rubbish", b"[1]", json.dumps({"incident": "surge"}).encode()):
                await running.redis.rpush(commands_key("s"), word)

            async def arrived() -> bool:
                return bool(heard)

            await until(arrived)
            assert heard == [{"incident": "surge"}]

    asyncio.run(main())
