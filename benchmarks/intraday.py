"""What a month of twenty queues costs on the project manager's page: the first time, every time after, and for many at once.

``python -m benchmarks.intraday [ROUNDS]``. A real web process (``app.py serve``) and a real Redis that holds four months of a source with 20
queues of the project, 10 of others and 6 groups of people, in cells as the engine writes them. Times are those of an HTTP client on loopback, from
the request to the last byte of the answer: ``page`` is the document with the whole first paint, ``charts`` what Dash asks for next (the same tree with
the figures). Cold: nothing of the past lies in the cache; the process itself is warm. The past month is 31 whole days, compared with the 28 before.
"""

from __future__ import annotations

import json
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import redis

from benchmarks.push import cpu_s, machine
from benchmarks.roles import process, until
from operations.floor.agents import group_of
from operations.floor.counters import DAY_MS, MINUTE_MS, QUARTER_MS, Counters, wait_slot
from operations.store import keys
from operations.store.cells import Cells
from operations.store.embedded_redis import EmbeddedRedis

QUEUES, OTHERS, GROUPS = 20, 10, 6
DAYS = 122
MANY = 20
MOST_COLD_S, MOST_WARM_S = 1.0, 0.05

_encode = msgspec.json.Encoder().encode


def cell(dice: random.Random) -> bytes:
    """A quarter of an hour of one busy queue: some 17 contacts with their waits."""
    n = dice.randint(8, 26)
    abandoned = dice.randint(0, 2)
    waits: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for histogram, count, mean_ms in ((waits[0], n - abandoned, 11_000), (waits[1], abandoned, 30_000)):
        for _ in range(count):
            slot = wait_slot(int(dice.expovariate(1 / mean_ms)))
            histogram[slot] = histogram.get(slot, 0) + 1
    handled = n - abandoned
    counted = {
        "offered": n,
        "answered": handled,
        "abandoned": abandoned,
        "handled": handled,
        "transferred": 1,
        "held": 2,
        "talk_ms": handled * 151_000,
        "hold_ms": handled * 4_000,
        "wrap_ms": handled * 22_000,
        "ring_ms": handled * 3_100,
        "answered_wait_ms": handled * 11_000,
        "rang_no_answer": dice.randint(0, 1),
    }
    return _encode(Counters({name: value for name, value in counted.items() if value}, *waits))


def fill(client: Any, today: int) -> int:
    """Write the past; the number of cells. A few hundred different ones are dealt out again and again."""
    dice = random.Random(7)
    dealt = [cell(dice) for _ in range(400)]
    queues = [f"q{n}" for n in range(QUEUES)] + [f"other{n}" for n in range(OTHERS)]
    teams = [group_of(f"q{n}" for n in range(QUEUES) if n % GROUPS == team) for team in range(GROUPS)]
    people = _encode(
        Counters(
            {
                "available_ms": 3 * QUARTER_MS,
                "on_contact_ms": 5 * QUARTER_MS,
                "paused_ms": QUARTER_MS,
                "logged_in_ms": 9 * QUARTER_MS,
            }
        )
    )
    written = 0
    for day in range(today - DAYS * DAY_MS, today, DAY_MS):
        fields = {
            f"{at // MINUTE_MS}{keys.ROW}{row}": people if row in teams else dice.choice(dealt)
            for at in range(day, day + DAY_MS, QUARTER_MS)
            for row in (*queues, *teams)
        }
        client.hset(keys.quarters("demo", day), mapping=fields)
        written += len(fields)
    return written


def timed(ask: Callable[[], httpx.Response]) -> tuple[float, httpx.Response]:
    began = time.perf_counter()
    answer = ask()
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.status_code
    return took, answer


def forget(client: Any) -> None:
    """Empty the cache, and nothing else."""
    names = list(client.scan_iter("cache:*", count=1000))
    if names:
        client.delete(*names)


def main(rounds: int) -> int:
    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis(Path(folder), options=("--appendonly", "no")) as server:
        client = redis.Redis.from_url(server.url)
        today = int(datetime.now(UTC).timestamp() * 1000) // DAY_MS * DAY_MS
        cells = fill(client, today)
        config = Path(folder) / "wallboard.yaml"
        listed = ", ".join(f"demo/q{n}" for n in range(QUEUES))
        config.write_text(
            f"redis: {json.dumps(server.url)}\nsite: {{name: Bench, time_zone: Asia/Shanghai}}\nsources:\n  demo: {{kind: simulator, seed: 1}}\n"
            f"projects:\n  bench:\n    name: Bench\n    queues: [{listed}]\n"
            "    targets: [{kpi: service_level_pct, window: today, goal: 80, critical: 70}]\n"
        )
        print(f"intraday: {cells:,} cells of {DAYS} days; {machine()}", flush=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            number = listener.fileno()
            command = [
                sys.executable,
                "app.py",
                "serve",
                "--config",
                str(config),
                "--fd",
                str(number),
                "--log-level",
                "error",
            ]
            with (
                process(command, pass_fds=[number]) as served,
                httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as web,
            ):
                until("the web process answers", lambda: web.get("/api/v1/projects").status_code == 200)
                return measure(web, client, rounds, lambda: cpu_s(served.pid))


def measure(web: httpx.Client, client: Any, rounds: int, used: Callable[[], float]) -> int:
    """Print every row; 1 when a promise was not kept. ``used``: processor seconds of the web process so far."""
    first = date.today().replace(day=1)
    month = next(  # a month of 31 days that is over
        begins
        for begins in ((first - timedelta(days=31 * n)).replace(day=1) for n in range(1, 4))
        if (begins + timedelta(days=30)).month == begins.month
    )
    address = f"/intraday/bench?span=month&day={month}"
    dependencies = web.get("/_dash-dependencies").json()
    body = {
        "output": next(row["output"] for row in dependencies if "_pages_content" in row["output"]),
        "outputs": [{"id": "_pages_content", "property": "children"}, {"id": "_pages_store", "property": "data"}],
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": "/intraday/bench"},
            {"id": "_pages_location", "property": "search", "value": address.partition("bench")[2]},
        ],
        "changedPropIds": ["_pages_location.pathname"],
    }

    def page() -> httpx.Response:
        return web.get(address)

    def charts() -> httpx.Response:
        return web.post("/_dash-update-component", json=body)

    timed(lambda: web.get("/intraday/bench"))  # whatever a process does once

    def cpu_ms(of: int, before: float) -> str:
        return f"{1000 * (used() - before) / of:.0f} ms of a core each"

    cold, before = [], used()
    for _ in range(rounds):
        forget(client)
        cold.append(timed(page)[0])
    cold_cpu, before = cpu_ms(rounds, before), used()
    warm = [timed(page)[0] for _ in range(5 * rounds)]
    warm_cpu, before = cpu_ms(len(warm), before), used()
    drawn = [timed(charts) for _ in range(5 * rounds)]
    drawn_cpu = cpu_ms(len(drawn), before)
    bytes_of = len(drawn[-1][1].content)

    forget(client)
    with ThreadPoolExecutor(MANY) as pool:
        began = time.perf_counter()
        together = list(pool.map(lambda _: timed(page)[0], range(MANY)))
        all_of = time.perf_counter() - began

    running = [timed(lambda: web.get("/intraday/bench?span=month"))[0]]
    for n in range(rounds):
        now = int(time.time() * 1000)
        book = Cells(client, "demo")
        book.add({(f"q{n % QUEUES}", now - now % MINUTE_MS): Counters({"offered": 1})}, {}, now)
        with client.pipeline(transaction=True) as pipe:
            book.write(pipe, now)
            pipe.execute()
        running.append(timed(lambda: web.get("/intraday/bench?span=month"))[0])
    forget(client)
    queue = timed(lambda: web.get(f"{address}&queue=demo/q3"))[0]
    forget(client)
    day = timed(lambda: web.get(f"/intraday/bench?day={month}"))[0]

    def ms(values: list[float]) -> str:
        return f"median {1000 * statistics.median(values):6.0f} ms, most {1000 * max(values):6.0f} ms, of {len(values)}"

    print(f"  a past month, cold         {ms(cold)}, {cold_cpu}  (promised: {1000 * MOST_COLD_S:.0f} ms)")
    print(f"  the same, warm: page       {ms(warm)}, {warm_cpu}  (promised: {1000 * MOST_WARM_S:.0f} ms)")
    print(
        f"  the same, warm: charts     {ms([took for took, _ in drawn])}, {drawn_cpu}, {bytes_of / 1000:.0f} KB of JSON"
    )
    print(f"  {MANY} at once, cold           {ms(together)}; all after {1000 * all_of:.0f} ms")
    print(f"  this month, a counter new  {ms(running[1:])}")
    print(f"  one queue's month, cold    {1000 * queue:.0f} ms;  a day, cold: {1000 * day:.0f} ms")
    held = (
        statistics.median(cold) < MOST_COLD_S
        and statistics.median(warm) < MOST_WARM_S
        and statistics.median(t for t, _ in drawn) < MOST_WARM_S
    )
    print("  " + ("reached" if held else "NOT REACHED"))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
