"""The buffer and the memory of one source, with a real Redis and words that fall between two trips to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import redis.asyncio

from collectors.collector import SourceSettings, memory_key
from collectors.link import SourceLink
from tests.collectors.redis_process import RedisProcess
from tests.collectors.test_supervisor import until


class Interrupted(redis.asyncio.Redis):
    """A Redis during whose writing of the memory something else happens here."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    async def hset(self, *args: Any, **more: Any) -> Any:
        written = await super().hset(*args, **more)
        self.meanwhile()
        return written


def test_a_memory_that_is_to_be_forgotten_while_it_is_written_is_forgotten_without_another_word(
    empty_redis: RedisProcess,
) -> None:
    forgotten: list[bool] = []

    async def main() -> None:
        async with Interrupted(unix_socket_path=empty_redis.socket) as client:
            link = SourceLink(
                "s",
                SourceSettings(kind="scripted"),
                client,
                lambda: time.time_ns() // 1_000_000,
                bound=10,
                chunk=10,
                retry_s=0.02,
                on_emptied=lambda: None,
            )

            def meanwhile() -> None:
                link.forget_memory()
                forgotten.append(True)

            client.meanwhile = meanwhile
            flushing = asyncio.create_task(link.flush_forever())

            async def gone() -> bool:
                return bool(forgotten) and not await client.exists(memory_key("s"))

            await link.remember("position", b"350")
            await until(gone)
            assert await link.recall("position") is None
            flushing.cancel()

    asyncio.run(asyncio.wait_for(main(), 40))


def test_what_is_to_be_forgotten_is_forgotten_at_the_end_too(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with empty_redis.async_client() as client:
            await client.hset(memory_key("s"), "position", b"350")
            link = SourceLink(
                "s", SourceSettings(kind="scripted"), client, lambda: 1, bound=10, chunk=10, retry_s=0.02, on_emptied=lambda: None
            )  # fmt: skip
            link.forget_memory()
            await link.flush_rest(10)
            assert not await client.exists(memory_key("s"))

    asyncio.run(main())
