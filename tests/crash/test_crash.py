"""The whole program under load, killed, stopped, starved and emptied: the counters equal the truth of the input.

The input is a queue_log that is written all the while, as Asterisk writes it; the truth is what was written.
FLOORLIGHT_KILLS says how often a process is killed (12 in CI; ``make soak`` says 100).
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis

from operations.store.embedded_redis import mortal
from tests.crash.calls import QUEUES, Calls
from tests.machinery.running import ROOT, Program, alive, children, ticks, wait_until

KILLS = int(os.environ.get("FLOORLIGHT_KILLS", "12"))
LONG = KILLS > 50
SEED = int(os.environ.get("FLOORLIGHT_SEED", "20261122"))

CONFIGURATION = """
site: {{name: Crash}}
sources:
  pbx: {{kind: queue_log, path: {path}}}
projects:
  support: {{name: Support, queues: [pbx/support]}}
  sales: {{name: Sales, queues: [pbx/sales]}}
"""
COUNTED = (
    "offered",
    "answered",
    "abandoned",
    "left_timeout",
    "left_key",
    "handled",
    "talk_s",
    "rang_no_answer",
    "lost_sight",
)


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "queue_log").touch()
    path = tmp_path / "wallboard.yaml"
    path.write_text(CONFIGURATION.format(path=tmp_path / "queue_log"))
    return path


def counted(program: Program, calls: Calls) -> dict[str, dict[str, float]]:
    """The counters of each queue since the calls began, as the API tells them; empty while it does not."""
    found = {}
    for queue in QUEUES:
        start = datetime.fromtimestamp(calls.began // 900 * 900, UTC).isoformat().replace("+00:00", "Z")
        end = datetime.fromtimestamp(time.time() + 3600, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        status, answer = program.get(
            f"/api/v1/projects/{queue}/intervals?from={start}&to={end}&interval=15&queue=pbx/{queue}"
        )
        if status != 200:
            return {}
        total: Counter[str] = Counter()
        for row in answer["intervals"]:
            for name, value in row["counters"].items():
                total[name] += value or 0  # null: this ACD does not tell it
        found[queue] = {name: round(total[name], 3) for name in COUNTED}
    return found


def expected(calls: Calls) -> dict[str, dict[str, float]]:
    return {queue: {name: calls.truth[queue][name] for name in COUNTED} for queue in QUEUES}


def right_in_the_end(program: Program, calls: Calls, seconds: float = 90) -> None:
    """The counters come to equal the truth, and stay."""
    calls.no_more()
    last: list[Any] = []

    def right() -> bool:
        last[:] = [counted(program, calls)]
        return bool(last[0] == expected(calls))

    try:
        wait_until("the counters equal the truth", right, seconds)
    except AssertionError:
        assert last[0] == expected(calls), program.said[-3000:]
    for _ in ticks(2, 0.5):
        assert counted(program, calls) == expected(calls)
    for queue in QUEUES:
        status, board = program.get(f"/api/v1/projects/{queue}/board")
        assert status == 200
        assert board["kpis"]["contacts_waiting"]["value"] == 0
        assert board["kpis"]["offered"]["value"] >= calls.truth[queue]["offered"] or _midnight_since(calls)


def _midnight_since(calls: Calls) -> bool:
    return datetime.fromtimestamp(calls.began, UTC).date() != datetime.now(UTC).date()


def client(program: Program) -> redis.Redis:
    return redis.Redis.from_url(program.redis_url)


def test_killed_at_random_moments_under_load_not_a_contact_is_lost_or_counted_twice(
    configuration: Path, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    with Calls(tmp_path / "queue_log", seed=SEED, per_second=40) as calls, Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        # A second engine beside the program's own waits for its leases all the while.
        second = subprocess.Popen(
            mortal([sys.executable, str(ROOT / "app.py"), "operate", "--config", str(configuration)]),
            env=os.environ | {"REDIS_URL": program.redis_url},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for kill in range(KILLS):
                time.sleep(chance.uniform(0.1, 2.5))
                victim = chance.choice(("collect", "operate", "redis", "serve", "collect", "operate", "redis"))
                if kill == KILLS // 2:
                    victim = "all"
                orphans = list(children(program.pid))
                program.kill(victim)
                if victim == "all":
                    assert program.process
                    program.process.wait()
                    wait_until("its children are gone", lambda left=orphans: not any(alive(pid) for pid in left))
                    program.__enter__()
            right_in_the_end(program, calls, 300 if LONG else 120)
        finally:
            second.kill()
            second.wait()
        assert sum(calls.truth[queue]["offered"] for queue in QUEUES) > 40 * KILLS / 2


def test_redis_stopped_for_a_while_is_said_and_nothing_is_lost(configuration: Path, tmp_path: Path) -> None:
    with Calls(tmp_path / "queue_log", seed=1, per_second=40) as calls, Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        wait_until("healthz is well", lambda: program.get("/healthz")[0] == 200)
        stopped = wait_until("redis runs", lambda: program.child("redis"))
        os.kill(stopped, signal.SIGSTOP)
        try:
            wait_until("healthz says that Redis is away", lambda: program.get("/healthz")[0] == 503, 60)
            time.sleep(60 if LONG else 6)
        finally:
            os.kill(stopped, signal.SIGCONT)
        wait_until("healthz is well again", lambda: program.get("/healthz")[0] == 200, 60)
        assert program.child("redis") == stopped
        right_in_the_end(program, calls)
        assert "Redis does not answer" in program.said
        assert "Redis is well again" in program.said
        assert "Traceback" not in program.said


def test_redis_emptied_is_said_and_the_numbers_come_back(configuration: Path, tmp_path: Path) -> None:
    with Calls(tmp_path / "queue_log", seed=2, per_second=40) as calls, Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        for _ in range(2):
            time.sleep(4)
            with client(program) as connection:
                connection.flushall()
        right_in_the_end(program, calls)
        assert "emptied" in program.said
        assert "Traceback" not in program.said


def test_redis_out_of_memory_is_said_and_nothing_is_lost_after_the_relief(configuration: Path, tmp_path: Path) -> None:
    with Calls(tmp_path / "queue_log", seed=3, per_second=40) as calls, Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        time.sleep(2)
        with client(program) as connection:
            connection.config_set("maxmemory", 1)
            wait_until("the program says so", lambda: "used all the memory that it may use" in program.said)
            time.sleep(4)
            connection.config_set("maxmemory", 0)
        right_in_the_end(program, calls)
        assert "Redis is well again" in program.said
        assert "Traceback" not in program.said


def test_a_full_disk_is_said_and_nothing_is_lost_after_the_relief(configuration: Path, tmp_path: Path) -> None:
    with Calls(tmp_path / "queue_log", seed=4, per_second=40) as calls, Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        time.sleep(2)
        pid = wait_until("redis runs", lambda: program.child("redis"))
        # To Redis a limit on a file's size is what a full disk is: write() fails, until it does not.
        size = max(path.stat().st_size for path in (tmp_path / "data" / "redis").rglob("*.aof"))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 1000, resource.RLIM_INFINITY))
        wait_until("the program says so", lambda: "Redis cannot write its data" in program.said)
        time.sleep(4)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        right_in_the_end(program, calls)
        assert program.child("redis") == pid
        assert "Redis is well again" in program.said
        assert "Traceback" not in program.said


def test_a_restart_keeps_the_day(configuration: Path, tmp_path: Path) -> None:
    with Calls(tmp_path / "queue_log", seed=5, per_second=40) as calls:
        with Program(tmp_path, configuration) as program:
            program.wait_until_it_serves()
            time.sleep(3)
            assert program.end() == 0
        time.sleep(2)  # calls go on while nobody watches
        with Program(tmp_path, configuration) as program:
            right_in_the_end(program, calls)


def test_a_power_cut_that_took_redis_s_last_seconds_is_made_good_from_the_log(
    configuration: Path, tmp_path: Path
) -> None:
    with Calls(tmp_path / "queue_log", seed=6, per_second=40) as calls, Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        for lost in (1, 2_000, 30_000):
            time.sleep(3)
            orphans = list(children(program.pid))
            program.kill("all")
            assert program.process
            program.process.wait()
            wait_until("its children are gone", lambda left=orphans: not any(alive(pid) for pid in left))
            file = max((tmp_path / "data" / "redis").rglob("*.aof"), key=lambda path: path.stat().st_mtime)
            os.truncate(file, file.stat().st_size - lost)
            program.__enter__()
        right_in_the_end(program, calls)
        assert "Traceback" not in program.said
