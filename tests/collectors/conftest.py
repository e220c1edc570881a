from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collectors.redis_process import RedisProcess


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisProcess]:
    # a short path: a unix socket's may have 107 bytes at most
    with tempfile.TemporaryDirectory(prefix="fl-") as folder:
        process = RedisProcess(Path(folder))
        process.start()
        yield process
        process.stop()


@pytest.fixture
def empty_redis(redis_process: RedisProcess) -> RedisProcess:
    with redis_process.client() as client:
        client.flushall()
    return redis_process
