"""From the wire to the boards: how much one core takes, with the real roles as processes.

``python -m benchmarks.pipeline [SECONDS]``. Collector and engine share one core; Redis, and whoever plays the ACD, use the other ones. The
simulator runs as fast as the log takes it; the recorded Asterisk (run A, unfiltered) is played over TCP as fast as it is read, again and
again. Beside them: the AMI parser alone, Redis's own rate from Python, and a restart over a million events. Linux only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from benchmarks.generate import stream
from benchmarks.push import machine
from collectors import event_log
from collectors.asterisk.protocol import AmiParser
from collectors.asterisk.words import WANTED
from operations.store.embedded_redis import EmbeddedRedis
from tests.collectors import recordings

TOP = Path(__file__).resolve().parent.parent
WANTED_EVENTS_A_S = 10_000
WANTED_RESTART_S = 10.0
MILLION = 1_000_000
TICKS_A_S = os.sysconf("SC_CLK_TCK")

SIMULATED = """
site: {{time_zone: UTC}}
redis: {redis}
sources:
  load: {{kind: simulator, scenario: load, speed: max, history_days: 0}}
projects:
{projects}
"""

RECORDED = """
site: {{time_zone: UTC}}
redis: {redis}
sources:
  hq: {{kind: asterisk, host: 127.0.0.1, port: {port}, username: wallboard, password: lab}}
projects:
  support: {{name: Support, queues: [hq/support-l1, hq/support-l2, hq/billing, hq/overflow]}}
  sales: {{name: Sales, queues: [hq/sales-en, hq/sales-cn, hq/retention]}}
"""


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_S


@contextmanager
def role(name: str, configuration: Path, core: int) -> Iterator[subprocess.Popen[bytes]]:
    """A role of the program, kept to one core."""
    process = subprocess.Popen(
        [sys.executable, "app.py", name, "--config", str(configuration), "--log-level", "error"],
        cwd=TOP,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def applied(client: redis.Redis) -> int:
    """Events that the engine has counted and saved so far."""
    return sum(json.loads(client.get(name) or b"{}").get("applied", 0) for name in client.scan_iter("floor:*:meta"))


def measure(title: str, client: redis.Redis, configuration: Path, seconds: float, count: str) -> float:
    """Run collector and engine on one core; returns events per second. ``count``: ``applied``, or ``received`` by a collector's own count."""
    with role("collect", configuration, 0) as collect, role("operate", configuration, 0) as operate:
        deadline = time.monotonic() + 60
        while applied(client) < 1_000:
            if time.monotonic() > deadline:
                raise SystemExit(f"{title}: nothing was applied within a minute")
            time.sleep(0.2)
        time.sleep(2)

        def progress() -> int:
            if count == "applied":
                return applied(client)
            status = json.loads(client.get(event_log.status_key("hq")) or b"{}")
            return int(status.get("facts", {}).get("received", 0))

        before, began = progress(), time.monotonic()
        cpu_before = cpu_s(collect.pid), cpu_s(operate.pid)
        time.sleep(seconds)
        done, took = progress() - before, time.monotonic() - began
        shares = [(cpu_s(p.pid) - b) / took for p, b in zip((collect, operate), cpu_before, strict=True)]
        backlog = behind(client)
    rate = done / took
    print(
        f"  {title}: {rate:,.0f} events/s (collector {shares[0]:.0%}, engine {shares[1]:.0%} of the core; "
        f"{backlog:.1f} s behind at the end)"
    )
    return rate


def behind(client: redis.Redis) -> float:
    """Seconds between the newest entry of the log and the engine's position."""
    worst = 0.0
    for meta in client.scan_iter("floor:*:meta"):
        source = meta.decode().split("{")[1].split("}")[0]
        newest = client.xrevrange(event_log.stream_key(source), count=1)
        position = json.loads(client.get(meta))["position"]
        if newest:
            worst = max(worst, (int(newest[0][0].split(b"-")[0]) - int(position.split("-")[0])) / 1000)
    return worst


def simulated(client: redis.Redis, folder: Path, url: str, seconds: float) -> float:
    client.flushall()
    queues = [f"load/{name}" for name in load_queues()]
    projects = "".join(
        f"  p{i}: {{name: Project {i}, queues: [{', '.join(queues[i * 10 : i * 10 + 10])}]}}\n"
        for i in range(len(queues) // 10)
    )
    path = folder / "simulated.yaml"
    path.write_text(SIMULATED.format(redis=url, projects=projects))
    return measure("simulator at speed, 40 queues, 200 agents", client, path, seconds, "applied")


def load_queues() -> list[str]:
    from collectors.simulator.scenario import load

    return list(load("load").queues)


def recorded(client: redis.Redis, folder: Path, url: str, seconds: float) -> float:
    client.flushall()
    with playing() as port:
        path = folder / "recorded.yaml"
        path.write_text(RECORDED.format(redis=url, port=port))
        return measure("recorded run A over TCP, unfiltered", client, path, seconds, "received")


@contextmanager
def playing() -> Iterator[int]:
    """A PBX in a process of its own that plays run A to its client again and again, as fast as it is read."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.pbx"],
        cwd=TOP,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}),
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def parser_alone() -> None:
    """The AMI parser on the bytes of run A, in reads of 64 kB."""
    raw = recordings.run_a().raw
    count = len(recordings.run_a().messages)
    best = 0.0
    for _ in range(3):
        parser = AmiParser(WANTED)
        began = time.process_time()
        for start in range(0, len(raw), 65536):
            parser.feed(raw[start : start + 65536])
        best = max(best, len(raw) / 1e6 / (time.process_time() - began))
    print(f"  AMI parser alone: {best:,.0f} MB/s, {best * 1e6 / len(raw) * count:,.0f} messages/s")


def redis_alone(client: redis.Redis) -> None:
    """XADD of one small event an entry, in pipelines of 100."""
    client.flushall()
    began, count = time.monotonic(), 0
    while time.monotonic() - began < 2:
        pipe = client.pipeline(transaction=False)
        for _ in range(100):
            pipe.xadd(
                "alone", {"events": b'[{"type":"rang","at":1795320000000,"queue":"q","contact":"c","agent":"a"}]'}
            )
        pipe.execute()
        count += 100
    print(f"  Redis alone, XADD in pipelines of 100: {count / (time.monotonic() - began):,.0f} entries/s")


def restart(client: redis.Redis, folder: Path, url: str) -> float:
    """Seconds from the engine's start to right numbers with a million events in the log that nobody has counted."""
    client.flushall()
    pipe, offered = client.pipeline(transaction=False), 0
    for i, batch in enumerate(stream(MILLION)):
        offered += batch.count(b'"type":"entered"')
        pipe.xadd(event_log.stream_key("load"), {"events": batch})
        if i % 100 == 99:
            pipe.execute()
    pipe.execute()
    path = folder / "restart.yaml"
    path.write_text(
        SIMULATED.format(
            redis=url, projects=f"  p: {{name: P, queues: [{', '.join('load/' + q for q in load_queues())}]}}"
        )
    )
    began = time.monotonic()
    with role("operate", path, 0):
        while applied(client) < MILLION:
            if time.monotonic() - began > 120:
                raise SystemExit("restart: not done after two minutes")
            time.sleep(0.05)
        took = time.monotonic() - began
        time.sleep(1)
    counted = sum(
        json.loads(cell)["n"].get("offered", 0)
        for name in client.scan_iter("quarters:*")
        for field, cell in client.hgetall(name).items()
        if b"\x1e" not in field
    )
    waiting_in_snapshot = counted - offered
    print(
        f"  restart over {MILLION:,} events: {took:.1f} s to right numbers "
        f"({counted:,} offered; the log says {offered:,} entries and {waiting_in_snapshot} in the first snapshot)"
    )
    return took


def main(arguments: list[str]) -> int:
    seconds = float(arguments[0]) if arguments else 15.0
    print(machine())
    ok = []
    with tempfile.TemporaryDirectory(prefix="floorlight-bench-") as name, EmbeddedRedis(Path(name) / "data") as server:
        folder = Path(name)
        client = redis.Redis.from_url(server.url)
        parser_alone()
        redis_alone(client)
        ok.append(simulated(client, folder, server.url, seconds) >= WANTED_EVENTS_A_S)
        ok.append(recorded(client, folder, server.url, seconds) >= WANTED_EVENTS_A_S)
        ok.append(restart(client, folder, server.url) <= WANTED_RESTART_S)
    for held, what in zip(
        ok,
        (
            f"simulator: at least {WANTED_EVENTS_A_S:,} events/s",
            f"run A: at least {WANTED_EVENTS_A_S:,} events/s",
            f"restart over a million events within {WANTED_RESTART_S:.0f} s",
        ),
        strict=True,
    ):
        print(f"  {'reached' if held else 'NOT REACHED'}: {what}")
    return 0


if __name__ == "__main__":
    assert threading.active_count() == 1
    sys.exit(main(sys.argv[1:]))
