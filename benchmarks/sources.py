"""Fifty polled ACDs in one collecting process, one of them with 200 queues, one of them hanging.

``python -m benchmarks.sources [SECONDS]``. Fifty organisations of a small Genesys Cloud (real HTTP and real web sockets, in a process of
their own), each asked as its settings have it by default: the present every 5 s, the accounts of the quarters every 15 s, and sooner when a
notification tells of a change. The large one has 200 queues and 200 people, the others 4 queues and 20 people; in each something changes
every second. After a while one of them answers nothing any more. Measured are the processor time of the ``collect`` role, and from the
organisations' own books how far apart each one's questions about the present were.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

from benchmarks.push import cpu_s, machine
from benchmarks.roles import process, role, until
from collectors import event_log
from operations.store.embedded_redis import EmbeddedRedis
from tests.collectors.genesys.cloud import CLIENT, SECRET, GenesysCloud, Member

SOURCES, LARGE_QUEUES, QUEUES = 50, 200, 4
LARGE_PEOPLE, PEOPLE = 200, 20
POLL_S, LATE = 5.0, 2.0
"""A question that comes later than ``LATE`` periods after the one before was delayed by another source."""
SETTLE_S, MEASURE_S = 20.0, 60.0
CORE = 0.25
PRESENT = "/api/v2/analytics/queues/observations/query"


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def organisation(number: int) -> GenesysCloud:
    queues = LARGE_QUEUES if number == 0 else QUEUES
    names = tuple(f"queue {number}-{queue}" for queue in range(queues))
    cloud = GenesysCloud(wall_ms, names)
    for person in range(LARGE_PEOPLE if number == 0 else PEOPLE):
        serves = {names[person % queues]: True, names[(person + 1) % queues]: True}
        cloud.floor.members.append(Member(f"user-{number}-{person}", f"Person {person}", serves, since=wall_ms()))
    return cloud


async def acds() -> None:
    """The organisations: their ports first, then their books whenever a line is read; ``hang`` makes the second one mute."""
    clouds = [organisation(number) for number in range(SOURCES)]
    asked: list[list[float]] = [[] for _ in clouds]
    for cloud, times in zip(clouds, asked, strict=True):
        await cloud.start()
        answer = cloud.http._answer

        def noting(question: Any, answer: Any = answer, times: list[float] = times) -> Any:
            if question.path == PRESENT:
                times.append(time.monotonic())
            return answer(question)

        cloud.http._answer = noting
    print(json.dumps([cloud.http.url for cloud in clouds]), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    living = asyncio.create_task(live(clouds))
    while word := (await reader.readline()).strip():
        if word == b"hang":
            clouds[1].http.is_mute, clouds[1].answers_pings = True, False
        elif word == b"begin":
            for times in asked:
                times.clear()
        else:
            print(json.dumps(asked), flush=True)
    living.cancel()


async def live(clouds: list[GenesysCloud]) -> None:
    """Each second one contact more, and one less, in each organisation."""
    turn = 0
    while True:
        turn += 1
        for cloud in clouds:
            names = list(cloud.names.values())
            name = names[turn % len(names)]
            waiting = cloud.floor.waiting[name]
            cloud.book(name, "nOffered")
            waiting.append(wall_ms())
            if len(waiting) > 2:
                cloud.book(name, "tAnswered", wall_ms() - waiting.pop(0))
            member = cloud.floor.members[turn % len(cloud.floor.members)]
            member.status, member.since = ("INTERACTING" if member.status == "IDLE" else "IDLE"), wall_ms()
            if not cloud.http.is_mute:
                await cloud.push(name)
        await asyncio.sleep(1)


def configuration(url: str, acd_urls: list[str]) -> str:
    block = "kind: genesys, client_id: {id}, client_secret: {secret}, api_url: '{url}', login_url: '{url}'"
    sources = "".join(
        f"  org{number}: {{{block.format(id=CLIENT, secret=SECRET, url=acd)}}}\n" for number, acd in enumerate(acd_urls)
    )
    return f"redis: {url}\nsources:\n{sources}projects:\n  p: {{queues: ['org0/queue 0-0']}}\n"


def main(seconds: float) -> int:
    print(machine())
    with (
        tempfile.TemporaryDirectory(prefix="floorlight-bench-") as folder,
        EmbeddedRedis(Path(folder)) as server,
        redis.Redis.from_url(server.url) as client,
        process(
            [sys.executable, "-m", "benchmarks.sources", "acds"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as far,
    ):
        assert far.stdin and far.stdout
        config = Path(folder) / "sources.yaml"
        config.write_text(configuration(server.url, json.loads(far.stdout.readline())))

        def tell(word: bytes) -> None:
            assert far.stdin
            far.stdin.write(word + b"\n")
            far.stdin.flush()

        def up() -> int:
            raws = client.mget([event_log.status_key(f"org{number}") for number in range(SOURCES)])
            return sum(json.loads(raw)["state"] == "up" for raw in raws if raw)  # type: ignore[union-attr]

        with role("collect", config) as collecting:
            until("every source is up", lambda: up() == SOURCES, 120)
            time.sleep(SETTLE_S)
            before = sum(client.xlen(event_log.stream_key(f"org{number}")) for number in range(SOURCES))  # type: ignore[misc]
            tell(b"begin")
            began, used = time.monotonic(), cpu_s(collecting.pid)
            time.sleep(seconds)
            core = (cpu_s(collecting.pid) - used) / (time.monotonic() - began)
            grown = sum(client.xlen(event_log.stream_key(f"org{number}")) for number in range(SOURCES)) - before  # type: ignore[misc]
            tell(b"tell")
            calm = json.loads(far.stdout.readline())
            tell(b"hang")
            tell(b"begin")
            time.sleep(seconds)
            tell(b"tell")
            beside = json.loads(far.stdout.readline())
            still_up = up()
    whole = gaps([times for number, times in enumerate(calm) if number != 1])
    held = gaps([times for number, times in enumerate(beside) if number != 1])
    print(
        f"collect: {100 * core:.1f} % of a core for {SOURCES} sources, {grown / seconds:.0f} batches of events/s written"
    )
    print(
        f"questions about the present: each {statistics.median(whole):.2f} s at the median, at most {max(whole):.2f} s apart"
    )
    print(
        f"beside one that hangs:       each {statistics.median(held):.2f} s at the median, at most {max(held):.2f} s apart; {still_up} of {SOURCES} up"
    )
    reached = core < CORE and max(held) < LATE * POLL_S and still_up == SOURCES - 1
    print(
        "reached"
        if reached
        else f"NOT reached: under {100 * CORE:.0f} % of a core, and nobody delayed by the one that hangs"
    )
    return 0 if reached else 1


def gaps(asked: list[list[float]]) -> list[float]:
    """Seconds between one question and the next of the same source."""
    return [later - earlier for times in asked for earlier, later in zip(times, times[1:], strict=False)]


if __name__ == "__main__":
    if sys.argv[1:] == ["acds"]:
        asyncio.run(acds())
    else:
        sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else MEASURE_S))
