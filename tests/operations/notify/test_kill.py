"""The worker killed with -9 between any two of its steps: what was to be told is told, and what was told is not told again as if it were new."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis as redis_py

from operations.notify.words import AGAIN
from operations.store import keys
from tests.operations.notify.servers import Hook
from tests.operations.notify.situation import alert, show

ROOT = Path(__file__).parents[3]
KILLS = 8


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook().serving() as found:
        yield found


@contextmanager
def telling(redis: redis_py.Redis, redis_url: str, hook: Hook, *projects: str, file: str = "-") -> Iterator[None]:
    """A worker process, killed with -9 at the end of the block. Its predecessor's lease has run out."""
    redis.delete("lease:notify:{worker}")
    command = [
        sys.executable,
        "-m",
        "tests.operations.notify.telling",
        redis_url,
        f"json://{hook.address}/",
        file,
        *projects,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGKILL)


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it did not come to pass within 30 s"
        time.sleep(0.01)


def told(redis: redis_py.Redis, project: str) -> int:
    return sum(b'"notified"' in fields[b"entry"] for _, fields in redis.xrange(keys.alert_log(project)))


def test_killed_between_the_state_and_the_send_it_goes_out_once_after_the_restart(
    redis: redis_py.Redis, redis_url: str, hook: Hook, tmp_path: Path
) -> None:
    show(redis, "acme", alert(fired=time.time_ns() // 1_000_000))
    before = tmp_path / "about to send"
    with telling(redis, redis_url, hook, "acme", file=str(before)):
        until(before.exists)
    assert hook.got == []
    with telling(redis, redis_url, hook, "acme"):
        until(lambda: told(redis, "acme"))
    with telling(redis, redis_url, hook, "acme", "other"):
        show(redis, "other", alert(fired=time.time_ns() // 1_000_000))
        until(lambda: told(redis, "other"))
    assert [message["title"] for message in hook.got] == [
        "▲ WARNING Acme: longest_wait_s",
        "▲ WARNING Other: longest_wait_s",
    ]


def test_killed_between_the_send_and_its_outcome_the_second_copy_says_so(
    redis: redis_py.Redis, redis_url: str, hook: Hook
) -> None:
    show(redis, "acme", alert(fired=time.time_ns() // 1_000_000))
    hook.answer = "hang"
    with telling(redis, redis_url, hook, "acme"):
        until(lambda: hook.got)
    hook.answer = 200
    with telling(redis, redis_url, hook, "acme"):
        until(lambda: told(redis, "acme"))
    first, second = hook.got
    assert first["title"] == second["title"]
    assert AGAIN.text not in first["message"]
    assert AGAIN.text in second["message"]


def test_killed_at_any_moment_nothing_is_lost_and_no_second_copy_looks_like_a_first(
    redis: redis_py.Redis, redis_url: str, hook: Hook
) -> None:
    chance = random.Random(20261122)
    names = [f"p{n}" for n in range(4 * KILLS)]
    for number in range(KILLS):
        with telling(redis, redis_url, hook, *names):
            for name in names[4 * number : 4 * number + 4]:
                show(redis, name, alert(fired=time.time_ns() // 1_000_000))
            time.sleep(chance.uniform(0, 0.7))  # when it is killed decides nothing about what must hold
    with telling(redis, redis_url, hook, *names):
        until(lambda: all(told(redis, name) for name in names))
    firsts = Counter(message["title"] for message in hook.got if AGAIN.text not in message["message"])
    copies = Counter(message["title"] for message in hook.got)
    assert all(count == 1 for count in firsts.values()), firsts
    assert set(copies) == {f"▲ WARNING {name.title()}: longest_wait_s" for name in names}
