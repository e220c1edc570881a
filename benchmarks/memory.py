"""Memory of every role over a simulated month at constant load; it should be flat after the first day.

``python -m benchmarks.memory [DAYS]``, about two minutes for 30 days. What is real and what is simulated:

- *operate* is the real ``Engine`` in a process of its own, on a real Redis, with a clock that the benchmark sets: one turn each quarter
  of a simulated hour, two boards with targets and alerts, the link to the ACD lost and its whole state taken over again once a day. Not
  running in it: the thread that sends mail.
- *collect* (asterisk) is the real AMI parser and translator in a process of their own, fed with the bytes of a made-up Asterisk and the
  same clock, with the whole state asked for each quarter of an hour; not in it: the socket and the supervisor.
- *collect* (simulator) is the real role, as a process, with a simulated source 130,000 times as fast as life.
- *Redis* keeps what these write. Its own clock cannot be set, so the benchmark removes the minute counters that Redis would have let
  expire, and gives the entries of the log the simulated time as their id, so that trimming by age works as it would. The counters of quarters
  of an hour and the alerts' log are kept for 25 months and a year on purpose: they are told apart.
- *serve* is the real role, as a process, with 50 screens of which some come and go, some questions and pages a second, and as many changes as
  it takes: its month is shortened to these.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import msgspec
import redis

from benchmarks.phone_centre import PhoneCentre
from benchmarks.push import PROJECT, Board, Server, machine, memory_mb
from benchmarks.roles import TOP, process, role
from collectors import event_log, events
from collectors.asterisk.protocol import AmiParser
from collectors.asterisk.translate import Translator
from collectors.asterisk.words import ONLY_WITH, WANTED
from collectors.collector import Status
from collectors.events import AnyEvent, WatchLost
from operations.engine import Engine
from operations.projects.watcher import ConfigurationWatcher
from operations.store import keys
from operations.store.cells import KEEP_MINUTES_MS
from operations.store.embedded_redis import EmbeddedRedis

DAYS = 30
STEP_MS = 15 * 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
QUEUES, AGENTS, CALLS_A_S = 6, 12, 0.006
MOST_GROWTH = 0.05
"""From the third day to the last: more is not flat."""
SIMULATOR_S = 20.0
SERVE_S = 20.0
SCREENS = 50
HISTORY = ("quarters:*", "days:*", "alerts:*:log")
"""Keys that grow on purpose."""

CONFIGURATION = """
site: {{time_zone: Asia/Shanghai}}
redis: {redis}
sources:
  hq: {{kind: asterisk, host: 127.0.0.1, port: 9, username: nobody, password: nothing}}
projects:
  first:
    name: First
    queues: [{first}]
    targets:
      - {{kpi: service_level_pct, goal: 80, warning: 75, critical: 60}}
      - {{kpi: longest_wait_s, warning: 300, critical: 600}}
  second: {{name: Second, queues: [{second}]}}
"""

SIMULATED = """
site: {{time_zone: UTC}}
redis: {redis}
sources:
  quiet:
    kind: simulator
    speed: 130000
    history_days: 0
    scenario:
      queues:
        support: {{per_hour: 20, talk: {{mean_s: 120}}, wrap_up: {{mean_s: 20}}, patience: {{mean_s: 120}}, hold: 0.1}}
      teams:
        Team: {{people: 3, ring_no_answer: 0.02, skills: [{{support: 1}}]}}
projects:
  p: {{name: P, queues: [quiet/support]}}
"""


class Child:
    """A process that simulates up to a time when it is told to, and says how much memory it has then."""

    def __init__(self, started: subprocess.Popen[bytes]) -> None:
        self._process = started

    def ask(self, now_ms: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % now_ms)
        self._process.stdin.flush()

    def answer(self) -> float:
        """Resident megabytes."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a simulated role ended early")
        return float(line)


@contextmanager
def child(part: str, url: str, configuration: Path, start_ms: int) -> Iterator[Child]:
    """This file as a process that plays one role."""
    words = [sys.executable, "-m", "benchmarks.memory", part, url, str(configuration), str(start_ms)]
    with process(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        yield Child(started)


def asked() -> Iterator[int]:
    """The times up to which the parent wants the simulation."""
    for line in sys.stdin:
        yield int(line)
        print(memory_mb(os.getpid()), flush=True)


# ── what the children do ──────────────────────────────────────────────────────────────────────────


def collect(url: str, start_ms: int) -> None:
    """Parse and translate what the made-up Asterisk sends, and write it to the event log as of the simulated time."""
    client = redis.Redis.from_url(url)
    centre = PhoneCentre(QUEUES, AGENTS, CALLS_A_S, start_ms)
    told = centre.told()
    ahead = next(told)
    parser, translator = AmiParser(WANTED, ONLY_WITH), Translator(wrap_up_s=20)
    status = Status(source="hq", kind="asterisk", state="up", since=start_ms, written_at=start_ms)
    day = start_ms // DAY_MS
    for now in asked():
        found: list[AnyEvent] = []
        unwatched = None
        if now // DAY_MS != day:  # the link breaks once a day
            day = now // DAY_MS
            found += [*translator.finish(ahead.at), WatchLost(ahead.at)]
            parser, translator, unwatched = AmiParser(WANTED, ONLY_WITH), Translator(wrap_up_s=20), ahead.at
        while ahead.at < now:
            found += translator.due(ahead.at)
            for message in parser.feed(ahead.raw):
                found += translator.translate(message, ahead.at)
            ahead = next(told)
        found += translator.due(now)
        translator.expect_list("x", now, unwatched)
        for row in centre.listing(now):
            for message in parser.feed(row):
                found += translator.translate(message, now)
        pipe = client.pipeline(transaction=False)
        for n, batch in enumerate(event_log.batches(found)):
            oldest = f"{now - event_log.KEEP_MS}-0"
            pipe.xadd(event_log.stream_key("hq"), {"events": batch}, id=f"{now}-{n + 1}", minid=oldest)
        status.written_at = status.last_word_at = status.last_event_at = now
        status.events += len(found)
        pipe.set(event_log.status_key("hq"), msgspec.json.encode(status))
        pipe.execute()


def operate(url: str, configuration: Path, start_ms: int) -> None:
    """The engine, at the simulated time."""
    gc.set_threshold(100_000, 50, 50)  # as the role does
    now = start_ms
    engine = Engine(redis.Redis.from_url(url), ConfigurationWatcher(configuration, os.environ), "one", lambda: now)
    for until in asked():
        now = until + 2_000  # past the minute's edge, where people's time is booked
        engine.turn(wait=False)
    engine.close()


# ── the month ─────────────────────────────────────────────────────────────────────────────────────


def month(days: int) -> dict[str, list[float]]:
    """Megabytes by role at the end of each simulated day."""
    start = int(time.time() * 1000) // DAY_MS * DAY_MS - days * DAY_MS
    found: dict[str, list[float]] = {
        "collect (asterisk)": [],
        "operate": [],
        "Redis": [],
        "of that, history": [],
    }
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="floorlight-bench-")))
        embedded = held.enter_context(EmbeddedRedis(folder / "data"))
        client = held.enter_context(redis.Redis.from_url(embedded.url))
        configuration = folder / "memory.yaml"
        names = [f"hq/{queue.name}" for queue in PhoneCentre(QUEUES, AGENTS, CALLS_A_S, start).queues]
        configuration.write_text(
            CONFIGURATION.format(
                redis=embedded.url, first=", ".join(names[: QUEUES // 2]), second=", ".join(names[QUEUES // 2 :])
            )
        )
        collecting = held.enter_context(child("collect", embedded.url, configuration, start))
        operating = held.enter_context(child("operate", embedded.url, configuration, start))
        operating_at = 0
        for now in range(start + STEP_MS, start + days * DAY_MS + 1, STEP_MS):
            collecting.ask(now)
            if operating_at:
                operating.ask(operating_at)
            collect_mb = collecting.answer()
            operate_mb = operating.answer() if operating_at else 0.0
            operating_at = now
            if now % HOUR_MS == 0:
                client.delete(keys.minutes("hq", now - KEEP_MINUTES_MS - 2 * HOUR_MS))
            if now % DAY_MS == 0:
                found["collect (asterisk)"].append(collect_mb)
                found["operate"].append(operate_mb)
                found["Redis"].append(client.info("memory")["used_memory"] / 1e6)
                kept = [name for pattern in HISTORY for name in client.scan_iter(pattern)]
                found["of that, history"].append(sum(client.memory_usage(name, samples=0) or 0 for name in kept) / 1e6)
    return found


def simulator(seconds: float) -> tuple[list[float], float]:
    """Megabytes of the real role at ten moments of a run at full speed, and how many days it simulated."""
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="floorlight-bench-")))
        embedded = held.enter_context(EmbeddedRedis(folder / "data"))
        client = held.enter_context(redis.Redis.from_url(embedded.url))
        configuration = folder / "simulated.yaml"
        configuration.write_text(SIMULATED.format(redis=embedded.url))
        collecting = held.enter_context(role("collect", configuration))
        log = event_log.stream_key("quiet")
        while not client.exists(log):
            time.sleep(0.1)
        first = _told(client, log, client.xrange(log, count=1))
        found = []
        for _ in range(10):
            time.sleep(seconds / 10)
            found.append(memory_mb(collecting.pid))
            client.xtrim(log, maxlen=1_000)  # this Redis need not hold a month of it
        return found, (_told(client, log, client.xrevrange(log, count=1)) - first) / DAY_MS


def _told(client: redis.Redis, log: str, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> int:
    return events.decode(entries[0][1][b"events"])[-1].at


def serve(seconds: float) -> tuple[list[float], int]:
    """Megabytes of the real role at ten moments, and the changes that it heard."""
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="floorlight-bench-")))
        embedded = held.enter_context(EmbeddedRedis(folder / "data"))
        client = held.enter_context(redis.Redis.from_url(embedded.url))
        board = Board(client)
        board.step()
        server = Server(folder, embedded.url)
        held.callback(server.stop)
        words = [sys.executable, "-m", "benchmarks.push_client", "127.0.0.1", str(server.port), PROJECT, str(SCREENS)]
        with process(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as screens:
            assert screens.stdin is not None
            assert screens.stdout is not None
            screens.stdout.readline()
            found: list[float] = []
            changes, turn, began = 0, 0, time.monotonic()
            while len(found) < 10:
                for _ in range(20):
                    board.step()
                changes += 20
                turn += 1
                if turn % 5 == 0:
                    visit(server.port)
                if turn % 50 == 0:  # they would keep every age that nobody asked for
                    screens.stdin.write(b"\n")
                    screens.stdin.flush()
                    json.loads(screens.stdout.readline())
                if time.monotonic() - began >= (len(found) + 1) * seconds / 10:
                    found.append(memory_mb(server.process.pid))
            return found, changes


def visit(port: int) -> None:
    """A page, a question, and a screen that looks once and goes."""
    for path in (f"/wall/{PROJECT}", f"/api/v1/projects/{PROJECT}/board"):
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            answer.read()
    with socket.create_connection(("127.0.0.1", port), 10) as screen:
        screen.sendall(f"GET /api/v1/projects/{PROJECT}/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        screen.recv(4096)


def contacts_a_day(start_ms: int) -> int:
    """How many contacts the made-up Asterisk has in a day."""
    told = PhoneCentre(QUEUES, AGENTS, CALLS_A_S, start_ms).told()
    day = takewhile(lambda said: said.at < start_ms + DAY_MS, told)
    return sum(said.raw.startswith(b"Event: QueueCallerJoin") for said in day)


def growth(figures: list[float]) -> float:
    """From the first figures after the first day to the last ones, as a share."""
    part = max(1, len(figures) // 10)
    return median(figures[-part:]) / median(figures[part : 2 * part]) - 1


def row(name: str, figures: list[float], note: str = "") -> str:
    """One line: a figure for some of the days, and how much it grew."""
    shown = figures[:: max(1, len(figures) // 6)]
    return (
        f"  {name:<30}" + "".join(f"{mb:8.1f}" for mb in (*shown, figures[-1])) + f" MB  {growth(figures):+7.1%}{note}"
    )


def faults(figures: dict[str, list[float]]) -> list[str]:
    """What was promised and not reached, in words."""
    return [
        f"{name} grew by {growth(found):.0%} after its first part; at most {MOST_GROWTH:.0%} is flat"
        for name, found in figures.items()
        if growth(found) > MOST_GROWTH
    ]


def main(words: list[str]) -> int:
    if words and words[0] == "collect":
        collect(words[1], int(words[3]))
        return 0
    if words and words[0] == "operate":
        operate(words[1], Path(words[2]), int(words[3]))
        return 0
    days = int(words[0]) if words else DAYS
    print(
        f"memory: {days} days, {contacts_a_day(0):,} contacts a day in {QUEUES} queues with {AGENTS} agents; {machine()}",
        flush=True,
    )
    began = time.monotonic()
    figures = month(days)
    kept = figures.pop("of that, history")
    whole = figures.pop("Redis")
    figures["Redis, without history"] = [all_ - own for all_, own in zip(whole, kept, strict=True)]
    for name, found in figures.items():
        print(row(name, found))
    print(row("history, in Redis", kept, "  (kept for 25 months, alerts for a year)"))
    print(f"  {'':<30}from day 1 to day {days}, in {time.monotonic() - began:.0f} s", flush=True)
    figures["collect (simulator)"], simulated = simulator(SIMULATOR_S)
    print(
        row("collect (simulator)", figures["collect (simulator)"], f"  over {simulated:.0f} simulated days"), flush=True
    )
    figures["serve"], changes = serve(SERVE_S)
    print(row("serve", figures["serve"], f"  over {changes:,} changes, {SCREENS} screens"))
    wrong = faults(figures)
    print("\n".join(f"  NOT REACHED: {fault}" for fault in wrong) or "  reached: flat after the first day")
    return 1 if wrong else 0


if __name__ == "__main__":
    assert TOP
    sys.exit(main(sys.argv[1:]))
