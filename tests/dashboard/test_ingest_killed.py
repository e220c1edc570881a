"""What 202 promises, when processes are killed in the middle: nothing is lost, and each event counts once."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis as redis_py

from benchmarks.webhook import Web
from benchmarks.webhook_sender import send
from collectors import event_log
from tests.dashboard.conftest import WebProcess
from tests.dashboard.test_ingest import SECRET, TEXT, counted, push, survey
from tests.machinery.running import Program, wait_until

BATCHES, EVENTS, SENDERS = 60, 100, 3


def test_a_web_process_that_is_killed_again_and_again_loses_nothing_and_counts_nothing_twice(
    redis_url: str, redis: redis_py.Redis, tmp_path: Path
) -> None:
    configuration = tmp_path / "wallboard.yaml"
    configuration.write_text(f"redis: {json.dumps(redis_url)}\n{TEXT}")
    web = Web(configuration)
    said: dict[str, Any] = {}
    senders = threading.Thread(
        target=lambda: said.update(send(web.port, "surveys", SECRET, BATCHES, EVENTS, SENDERS)), daemon=True
    )
    stream = event_log.stream_key("surveys")
    try:
        web.start()
        senders.start()
        for part in (1, 2):
            due = BATCHES * SENDERS * part // 3
            wait_until("the senders go on", lambda due=due: redis.xlen(stream) >= due, 120)  # type: ignore[misc]
            assert senders.is_alive(), "it is killed in the middle"
            web.kill()
            web.start()
        senders.join(120)
    finally:
        web.close()
    assert said["taken"] == BATCHES * SENDERS * EVENTS
    assert said["answers"]["202"] == BATCHES * SENDERS, "each batch was taken in the end"
    assert counted(redis) == {
        "surveys": said["taken"],
        "survey_score_sum": 500 * said["taken"],
        "survey_top_box": said["taken"],
    }


def test_what_was_taken_outlives_a_kill_of_everything_redis_included(tmp_path: Path) -> None:
    configuration = tmp_path / "wallboard.yaml"
    configuration.write_text(
        f"sources:\n  surveys: {{kind: webhook, secret: '{SECRET}', survey: {{top_box_from: 4}}}}\n"
        "projects:\n  support: {name: Support, queues: [surveys/support]}\n"
    )
    began = time.time() // 900 * 900

    def surveys(program: Program) -> float:
        start, end = (
            datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            for at in (began, time.time() + 1800)
        )
        status, answer = program.get(f"/api/v1/projects/support/intervals?from={start}&to={end}&interval=15")
        if status != 200:
            return -1
        rows = [row for row in answer["intervals"] if row["queue"] is None]
        return sum(float(row["counters"].get("surveys", 0)) for row in rows)

    with Program(tmp_path, configuration) as program:
        program.wait_until_it_serves()
        (tmp_path / "unused").mkdir()
        web = WebProcess(tmp_path / "unused", "", "")
        web.address = f"http://127.0.0.1:{program.port}"
        batches = [[survey() for _ in range(200)] for _ in range(20)]
        for said in batches:
            assert push(web, said).status_code == 202
        redis_pid = program.child("redis")
        assert redis_pid is not None
        os.kill(redis_pid, signal.SIGKILL)
        program.kill("all")
        assert program.process is not None
        program.process.wait()
    again = Program(tmp_path, configuration, port=program.port)
    with again:
        again.wait_until_it_serves()
        wait_until("all that was taken is counted", lambda: surveys(again) == 4_000)
        for said in batches[-3:]:
            assert push(web, said).status_code == 202, "a sender that is not sure says it again"
        assert push(web, [survey("the last")]).status_code == 202
        wait_until("and counts once", lambda: surveys(again) == 4_001)
        sources = json.dumps(again.get("/api/v1/sources")[1])
        assert SECRET not in sources
