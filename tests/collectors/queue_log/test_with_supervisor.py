"""The collector under the real supervisor and a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from collectors import event_log
from collectors import events as e
from collectors.collector import memory_key
from collectors.queue_log.collector import MEMORY, QueueLogSettings
from collectors.queue_log.tail import Position
from collectors.supervisor import Pace, collect
from tests.collectors.queue_log.recorded import RUN_A, events_of
from tests.collectors.redis_process import RedisProcess

FAST = Pace(poll_s=0.02, status_s=0.02, heartbeat_s=0.05, redis_retry_s=0.02)
END_OF_RUN_A = 1_795_314_078_000


def logged(redis_process: RedisProcess) -> list[e.AnyEvent]:
    with redis_process.client() as client:
        entries = event_log.read(client, {"hq": "0"}, None, count=100_000).get("hq", [])
    return [event for _, batch in entries for event in e.decode(batch)]


def remembered(redis_process: RedisProcess) -> Position | None:
    with redis_process.client() as client:
        return Position.decode(client.hget(memory_key("hq"), MEMORY))  # type: ignore[arg-type]


async def watched(redis_process: RedisProcess, path: Path, until: Callable[[], bool]) -> None:
    """Collect until something is so; the PBX's time is now."""
    ahead = END_OF_RUN_A + 5_000 - time.time_ns() // 1_000_000
    stop = asyncio.Event()
    client = redis_process.async_client()
    settings = QueueLogSettings(path=path)
    task = asyncio.create_task(
        collect(
            lambda: {"hq": settings},
            client,
            clock=lambda: time.time_ns() // 1_000_000 + ahead,
            stop=stop,
            instance="test",
            pace=FAST,
        )
    )
    try:
        async with asyncio.timeout(20):
            while not until():
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await task
        await client.aclose()


def test_a_log_is_told_once_over_restarts_and_a_rotation(empty_redis: RedisProcess, tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    one, two = (RUN_A.index(b"\n", len(RUN_A) * n // 3) + 1 for n in (1, 2))
    parts = [RUN_A[:one], RUN_A[one:two], RUN_A[two:]]
    path.write_bytes(parts[0])

    def reached(offset: int) -> bool:
        position = remembered(empty_redis)
        return position is not None and position.offset == offset

    asyncio.run(watched(empty_redis, path, lambda: reached(len(parts[0]))))
    with path.open("ab") as file:
        file.write(parts[1])
    asyncio.run(watched(empty_redis, path, lambda: reached(len(parts[0] + parts[1]))))
    path.rename(tmp_path / "queue_log.0")
    path.write_bytes(parts[2])
    asyncio.run(watched(empty_redis, path, lambda: reached(len(parts[2]))))

    told = [event for event in logged(empty_redis) if not isinstance(event, (e.Snapshot, e.WatchLost))]
    assert told == events_of(RUN_A)


def test_an_emptied_redis_gets_the_last_day_again(empty_redis: RedisProcess, tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    path.write_bytes(RUN_A)
    emptied = False

    def told_after_emptying() -> bool:
        nonlocal emptied
        entered = sum(isinstance(event, e.ContactEntered) for event in logged(empty_redis))
        if not emptied and entered == 339 and remembered(empty_redis) is not None:
            with empty_redis.client() as client:
                client.flushall()
            emptied = True
            return False
        return emptied and entered == 339 and remembered(empty_redis) is not None

    asyncio.run(watched(empty_redis, path, told_after_emptying))
