"""Asterisk's collector under the real supervisor with a real Redis: bad days of the PBX and of the link."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from collectors import event_log
from collectors.asterisk.collector import AsteriskSettings
from collectors.events import ContactEntered, Snapshot, WatchLost
from collectors.registry import KINDS
from operations.floor.floor import Floor
from tests.collectors.ami_server import SECRET, USER, AmiServer
from tests.collectors.recordings import run_a, run_a_queue_log, told_of, trap, truth_of
from tests.collectors.redis_process import RedisProcess
from tests.collectors.test_supervisor import FAST, Running, until


def at_port(port: int, **more: Any) -> AsteriskSettings:
    return AsteriskSettings(**{"host": "127.0.0.1", "port": port, "username": USER, "password": SECRET} | more)


def running(redis_process: RedisProcess, settings: AsteriskSettings) -> Running:
    return Running(redis_process, KINDS["asterisk"], settings, kinds={"asterisk": KINDS["asterisk"]})


def test_run_a_lies_in_the_log_whole_and_in_order(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with AmiServer(run_a()) as server, running(empty_redis, at_port(server.port)) as watched:
            await server.played.wait()

            async def whole() -> bool:
                return told_of(await watched.events()) == truth_of(run_a_queue_log())

            await until(whole)

            async def up() -> bool:
                status = await watched.status()
                return status is not None and status.state == "up" and status.detail == "Asterisk 22.10.1"

            await until(up)

    asyncio.run(main())


def test_a_wrong_secret_is_said_in_the_status_without_the_secret_and_tried_once(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with AmiServer() as server, running(empty_redis, at_port(server.port, password="hunter2")) as watched:

            async def down() -> Any:
                status = await watched.status()
                return status if status and status.state == "down" else None

            status = await until(down)
            assert status.permanent and "manager.conf" in status.error
            assert b"hunter2" not in await watched.redis.get(event_log.status_key("s"))
            await asyncio.sleep(0.3)
            assert server.connections == 1

    asyncio.run(main())


def test_a_pbx_killed_with_callers_waiting_is_seen_again_and_the_lost_are_lost_sight(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        first = AmiServer(trap("t31"))
        async with first, running(empty_redis, at_port(first.port)) as watched:
            await first.played.wait()

            async def both_entered() -> bool:
                return sum(isinstance(event, ContactEntered) for event in await watched.events()) == 2

            await until(both_entered)
            await first.stop()
            await asyncio.sleep(0.05)  # nobody was asked in this time
            second = AmiServer(trap("t31", 2))
            second.port = first.port
            async with second:

                async def seen_again() -> bool:
                    return sum(isinstance(event, Snapshot) for event in await watched.events()) >= 2

                await until(seen_again)
                events = await watched.events()
                (lost,) = [event for event in events if isinstance(event, WatchLost)]
                again = [event for event in events if isinstance(event, Snapshot)][1]
                assert again.unwatched_since == lost.at <= again.at
                assert events.index(lost) < events.index(again)
                floor = Floor()
                for event in events:
                    floor.apply(event)
                counted = [cell for (queue, _), cell in floor.drain()[0].items() if queue == "sales-en"]
                assert sum(cell.get("offered") for cell in counted) == 2
                assert sum(cell.get("answered") for cell in counted) == 1
                assert sum(cell.get("lost_sight") for cell in counted) == 1
                assert not floor.waiting["sales-en"]

    asyncio.run(main())


def test_a_mute_pbx_is_down_within_fifteen_seconds_and_up_again_when_it_speaks(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with AmiServer() as server, running(empty_redis, at_port(server.port, ping_s=0.2)) as watched:

            async def state(wanted: str) -> bool:
                status = await watched.status()
                return bool(status and status.state == wanted)

            await until(lambda: state("up"))
            server.mute = True
            began = time.monotonic()
            await until(lambda: state("down"))
            assert time.monotonic() - began < 15
            server.mute = False
            server.reset()
            await until(lambda: state("up"))

    asyncio.run(main())


def test_redis_away_in_the_middle_of_a_recording_loses_nothing(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with AmiServer(run_a(), speed=400) as server, running(empty_redis, at_port(server.port)) as watched:

            async def begun() -> bool:
                return len(await watched.events()) > 200

            await until(begun)
            empty_redis.stop()
            await asyncio.sleep(0.4)
            empty_redis.start()
            await server.played.wait()

            async def whole() -> bool:
                told = told_of(await watched.events())
                # an entry that Redis took without telling us is sent again: at most some words come twice
                return {key: set(words) for key, words in told.items()} == {
                    key: set(words) for key, words in truth_of(run_a_queue_log()).items()
                }

            await until(whole)
            assert server.connections == 1

    asyncio.run(main())
    assert FAST.buffer == 1000
