"""Redis may be away at any moment: how that shows, and what a route answers then."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from redis.exceptions import RedisError

from dashboard.asgi import Problem

REDIS_GONE = (RedisError, OSError, EOFError)
"""What a question to Redis raises while it is away; a ``TimeoutError`` is an ``OSError``."""


def redis_away() -> Problem:
    """What a route answers while Redis is away."""
    return Problem(503, "redis_away", "Redis does not answer; try again in a few seconds", [("Retry-After", "2")])


async def asked(question: Awaitable[Any]) -> Any:
    """Redis's answer. Raises ``Problem`` 503 while it is away."""
    try:
        return await question
    except REDIS_GONE as error:
        raise redis_away() from error
