"""What people edited on the pages, in Redis: targets by project (``operations.projects.edits``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import redis
from redis.exceptions import RedisError, WatchError

from operations.store import keys

PATIENCE_S = 2.0


def reader(url: str) -> Callable[[], Mapping[str, bytes]]:
    """Returns all edits by project, asked from Redis anew at each call; raises ``OSError`` while Redis is away."""
    client = redis.Redis.from_url(url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S)

    def read() -> Mapping[str, bytes]:
        try:
            found: dict[bytes, bytes] = client.hgetall(keys.EDITED_TARGETS)  # type: ignore[assignment]
        except RedisError as error:
            raise OSError(str(error)) from error
        return {name.decode("utf-8", "replace"): raw for name, raw in found.items()}

    return read


async def replace(client: Any, project: str, before: bytes | None, after: bytes) -> bool:
    """Put a project's edits in place of those that were seen; False when somebody was quicker. ``client``: asyncio, bytes."""
    async with client.pipeline(transaction=True) as pipe:
        await pipe.watch(keys.EDITED_TARGETS)
        if await pipe.hget(keys.EDITED_TARGETS, project) != before:
            return False
        pipe.multi()
        pipe.hset(keys.EDITED_TARGETS, project, after)
        try:
            await pipe.execute()
        except WatchError:
            return await replace(client, project, before, after)
    return True
