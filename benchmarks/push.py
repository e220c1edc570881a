"""How many screens one web process feeds, at what cost, and how soon a change is with them.

``python -m benchmarks.push [SCREENS …]``. A real web process (``app.py serve``), a real Redis, and a client process on
loopback; 40 numbers change 5 times a second. The age of a change runs from just before it is published to its
arrival in the client, both on the machine's monotonic clock. Linux only: the cost is read from ``/proc``.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import redis

from operations.store import boards, keys
from operations.store.embedded_redis import EmbeddedRedis

TOP = Path(__file__).resolve().parent.parent
PROJECT = "bench"
NUMBERS = 40
CHANGES_A_S = 5
SETTLE_S = 2.0
MEASURE_S = 8.0
QUIET_S = 0.5
QUIET_TRIES = 20
UNWATCHED_A_S = 1_000
STEPS = (20, 100, 500, 1_000, 2_000)

MOST_CORE = 0.20
"""Of a core, for 1,000 screens."""
MOST_P99_MS = 100.0


@dataclass(frozen=True)
class Row:
    """One measurement: ``core`` is the web process's share of one core, ages in milliseconds."""

    screens: int
    core: float
    core_a_screen: float
    median_ms: float
    p99_ms: float
    heard: int
    expected: int
    memory_mb: float


def machine() -> str:
    """What it ran on, in one line."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "?",
    )
    return f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.system()}, Python {platform.python_version()}"


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Board:
    """A board of 40 numbers that all change at each step."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._revision = 0

    def step(self) -> None:
        previous, self._revision = self._revision, self._revision + 1
        kpis = {f"kpi_{n}": {"value": self._revision + n, "sample": self._revision} for n in range(NUMBERS)}
        head = {"project": PROJECT, "revision": self._revision, "layout": "1", "alerts": [], "sources": {}}
        sent = time.monotonic_ns()
        change = {"project": PROJECT, "revision": self._revision, "previous": previous, "sent": sent, "kpis": kpis}
        with self._client.pipeline(transaction=True) as pipe:
            parts = {boards.HEAD: boards.encode(head), boards.KPIS: boards.encode(kpis)}
            boards.write(pipe, PROJECT, parts, [], boards.encode(change))
            pipe.execute()

    def run(self, seconds: float) -> int:
        """Step at the given rate; returns how often."""
        began, steps = time.monotonic(), 0
        while (due := began + steps / CHANGES_A_S) < began + seconds:
            time.sleep(max(0.0, due - time.monotonic()))
            self.step()
            steps += 1
        return steps


class Server:
    """The web role as the product runs it."""

    def __init__(self, folder: Path, redis_url: str, more: str = "") -> None:
        config = folder / "wallboard.yaml"
        config.write_text(
            f"redis: {json.dumps(redis_url)}\nsources:\n  demo: {{kind: simulator, seed: 1}}\n"
            f"projects:\n  {PROJECT}: {{name: Bench, queues: [demo/support]}}\n{more}"
        )
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
            self.port = int(listener.getsockname()[1])
            command = [sys.executable, "app.py", "serve", "--config", str(config), "--fd", str(listener.fileno())]
            self.process = subprocess.Popen(command, cwd=TOP, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
        with urlopen(
            f"http://127.0.0.1:{self.port}/assets/tokens.css", timeout=60
        ) as answer:  # it is up when it answers
            answer.read()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def measure(server: Server, board: Board, screens: int, idle: float) -> Row:
    """One row. ``idle``: what the process takes when nobody watches, as a share of a core."""
    command = [sys.executable, "-m", "benchmarks.push_client", "127.0.0.1", str(server.port), PROJECT, str(screens)]
    client = subprocess.Popen(command, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert client.stdin is not None
    assert client.stdout is not None
    try:
        assert client.stdout.readline().strip() == "ready", "the client could not connect"
        board.run(SETTLE_S)

        def heard() -> list[float]:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write("\n")
            client.stdin.flush()
            ages: list[float] = json.loads(client.stdout.readline())
            return ages

        def quiet() -> list[float]:
            """All that is still on its way, too."""
            found = heard()
            for _ in range(QUIET_TRIES):
                time.sleep(QUIET_S)
                more = heard()
                if not more:
                    break
                found += more
            return found

        quiet()
        cpu, began = cpu_s(server.process.pid), time.monotonic()
        steps = board.run(MEASURE_S)
        core = (cpu_s(server.process.pid) - cpu) / (time.monotonic() - began)
        ages = sorted(quiet())
        memory = memory_mb(server.process.pid)
    finally:
        client.terminate()
        client.wait(10)
    median, p99 = ages[len(ages) // 2], ages[int(len(ages) * 0.99)]
    each = max(0.0, core - idle) / screens
    return Row(screens, core, each, median, p99, len(ages), steps * screens, memory)


def unwatched(server: Server, client: redis.Redis) -> tuple[float, float]:
    """Changes a second on boards that nobody watches, and the share of a core that hearing them takes."""
    cpu, began, sent = cpu_s(server.process.pid), time.monotonic(), 0
    while (passed := time.monotonic() - began) < MEASURE_S / 2:
        pipe = client.pipeline(transaction=False)
        for _ in range(max(0, int(passed * UNWATCHED_A_S) - sent)):
            pipe.publish(keys.channel(f"unwatched-{sent % 200}"), b"x" * 2_500)
            sent += 1
        pipe.execute()
        time.sleep(0.02)
    return sent / passed, (cpu_s(server.process.pid) - cpu) / passed


def run(steps: tuple[int, ...] = STEPS) -> tuple[list[Row], str]:
    """Measure each number of screens, about a dozen seconds a step; and, in words, what watching nobody costs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with (
        tempfile.TemporaryDirectory(prefix="floorlight-bench-") as name,
        EmbeddedRedis(Path(name)) as embedded,
        redis.Redis.from_url(embedded.url) as client,
    ):
        board = Board(client)
        board.step()
        server = Server(Path(name), embedded.url)
        try:
            board.run(SETTLE_S)
            cpu, began = cpu_s(server.process.pid), time.monotonic()
            board.run(MEASURE_S / 2)
            idle = (cpu_s(server.process.pid) - cpu) / (time.monotonic() - began)
            rate, core = unwatched(server, client)
            note = f"nobody watching: {idle:.1%} of a core; {rate:,.0f} changes/s of 200 boards that nobody watches: {core:.1%}"
            return [measure(server, board, screens, idle) for screens in steps], note
        finally:
            server.stop()


def faults(rows: list[Row]) -> list[str]:
    """What was promised and not reached, in words."""
    found = [
        f"{row.screens} screens heard {row.heard} of {row.expected} changes"
        for row in rows
        if row.heard != row.expected
    ]
    for row in rows:
        if row.screens == 1_000 and row.core >= MOST_CORE:
            found.append(f"1,000 screens take {row.core:.0%} of a core; at most {MOST_CORE:.0%} was promised")
        if row.screens == 1_000 and row.p99_ms >= MOST_P99_MS:
            found.append(f"1,000 screens: p99 {row.p99_ms:.0f} ms; under {MOST_P99_MS:.0f} ms was promised")
    return found


def report(rows: list[Row], note: str = "") -> str:
    """The rows as a table."""
    lines = [
        f"push: {NUMBERS} numbers, {CHANGES_A_S} changes/s, one web process; {machine()}",
        "  screens   core   µs/screen/change   median   p99      heard            memory",
    ]
    for row in rows:
        each = row.core_a_screen / CHANGES_A_S * 1e6
        lines.append(
            f"  {row.screens:>7} {row.core:>6.1%} {each:>12.1f} {row.median_ms:>13.1f} {row.p99_ms:>8.1f} ms"
            f"  {row.heard:>6}/{row.expected:<6} {row.memory_mb:>8.0f} MB"
        )
    lines += [f"  {note}"] if note else []
    return "\n".join([*lines, *(f"  NOT REACHED: {fault}" for fault in faults(rows))])


def main(words: list[str]) -> int:
    rows, note = run(tuple(int(word) for word in words) or STEPS)
    print(report(rows, note))
    return 1 if faults(rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
