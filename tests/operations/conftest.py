"""A clock that a test sets, and a feed on it as a supervisor writes one."""

from __future__ import annotations

import pytest
import redis as redis_py

from tests.operations.floor_feed import Clock, Feed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(redis: redis_py.Redis, clock: Clock) -> Feed:
    feed = Feed(redis, clock)
    feed.status()
    return feed
