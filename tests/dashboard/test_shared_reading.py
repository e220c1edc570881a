"""One reading of Redis for everybody who asks at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dashboard.access.screens import Screens
from dashboard.api.desk import ShortBoards
from dashboard.api.route import Web
from dashboard.api.shared_reading import FRESH_MS
from dashboard.push.heartbeat import Heart
from dashboard.push.hub import Hub
from dashboard.push.reader import Reader, connect
from operations.projects.configuration import Configuration, parse
from tests.dashboard.conftest import configuration

PEOPLE = 8


class Unchanging:
    """A configuration that nobody edits."""

    def __init__(self, current: Configuration) -> None:
        self.current = current
        self.errors: tuple[str, ...] = ()


def test_while_redis_hangs_all_who_ask_wait_for_one_answer_and_not_one_after_the_other(tmp_path: Path) -> None:
    """A Redis that takes connections and says nothing. Time passes only there, so that no machine is too slow for this test."""
    now_ms, asked = 1_000_000, 0

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now_ms, asked
        asked += 1
        now_ms += 2_000
        await reader.read()
        writer.close()

    async def ask_together() -> list[int]:
        nonlocal now_ms
        place = str(tmp_path / "r.sock")
        async with await asyncio.start_unix_server(say_nothing, place):
            redis = connect(f"unix://{place}")
            text = configuration(projects=["p0"]).encode()
            watcher, hub = Unchanging(parse(text, tmp_path / "wallboard.yaml", {})), Hub()

            def clock() -> int:
                return now_ms

            heart = Heart(hub, watcher)
            web = Web(watcher, redis, None, hub, heart, Reader(redis, hub, heart, watcher, clock), clock, Screens())
            short, counts = ShortBoards(), []
            for _ in range(2):
                await asyncio.gather(*(short.read(web) for _ in range(PEOPLE)))
                assert not short.redis
                counts.append(asked)
                now_ms += FRESH_MS
            await redis.aclose()
            return counts

    assert asyncio.run(ask_together()) == [1, 2]
