"""What every test may ask for: a real Redis of one's own, empty at the start of each test, and a real browser."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py
import redis.asyncio as redis_asyncio

from operations.store.embedded_redis import EmbeddedRedis
from tests.machinery import chromium


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """One Redis per test process, on a unix socket in a folder of its own; nothing is written to a disk."""
    with (
        tempfile.TemporaryDirectory(prefix="floorlight-test-") as folder,
        EmbeddedRedis(Path(folder), options=("--appendonly", "no", "--databases", "16")) as server,
    ):
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The URL of the session's Redis, emptied for this test."""
    with redis_py.Redis.from_url(redis_server.url) as client:
        client.flushall()
        client.config_set("maxmemory", 0)
    return redis_server.url


@pytest.fixture
def redis(redis_url: str) -> Iterator[redis_py.Redis]:
    """A synchronous client (bytes, not text) of an empty Redis."""
    with redis_py.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def redis_async(redis_url: str) -> redis_asyncio.Redis:
    """An asyncio client (bytes) of an empty Redis. It connects in the loop that first uses it; ``await client.aclose()`` there."""
    return redis_asyncio.Redis.from_url(redis_url)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's executable. No browser is a failure: `make test` installs one."""
    found = chromium.find()
    if not found:
        pytest.fail(chromium.MISSING, pytrace=False)
    return found
