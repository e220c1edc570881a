"""What should cost nothing, or the same for each: queues that nobody watches, the size of a board, screens on one board.

``python -m benchmarks.costs``, about a minute and a half. The engine runs in this process on a real Redis, with the clock set by the events, so
that processor seconds are its own and Redis's are left out; the screens watch a real web process (``benchmarks.push``).
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import redis

from benchmarks import push
from benchmarks.generate import START_MS, told
from collectors import event_log
from collectors.collector import Status
from collectors.events import AnyEvent, ContactAbandoned, ContactEntered, SeenAgent, Snapshot
from collectors.simulator.scenario import load
from operations.engine import Engine
from operations.projects.watcher import ConfigurationWatcher
from operations.store import keys
from operations.store.embedded_redis import EmbeddedRedis

TURN_MS = 100
LIVE_S = 120
BOARDS = (10, 50, 200, 500)
CHANGES = 300
AGENTS_A_QUEUE = 5
SCREENS = (50, 200, 800)
MOST_A_SCREEN = 1.5
"""A screen among 800 may cost so many times what one among 200 costs."""

CONFIGURATION = """
site: {{time_zone: UTC}}
redis: {redis}
sources:
  load: {{kind: simulator, scenario: load}}
projects:
{projects}
"""


class Bench:
    """An engine on an empty Redis, with a clock that is set."""

    def __init__(self, client: redis.Redis, folder: Path, url: str, projects: dict[str, Sequence[str]]) -> None:
        client.flushall()
        path = folder / "costs.yaml"
        rows = [f"  {name}: {{name: {name}, queues: [{', '.join(queues)}]}}" for name, queues in projects.items()]
        path.write_text(CONFIGURATION.format(redis=url, projects="\n".join(rows)))
        self.client = client
        self.now = START_MS
        self.engine = Engine(client, ConfigurationWatcher(path, {}), "one", lambda: self.now)
        self._batches = 0

    def tell(self, events: Sequence[AnyEvent]) -> None:
        """Write events to the log as of now, and that the source is well."""
        pipe = self.client.pipeline(transaction=False)
        for batch in event_log.batches(list(events)):
            self._batches += 1
            pipe.xadd(event_log.stream_key("load"), {"events": batch}, id=f"{self.now}-{self._batches}")
        word = Status("load", "simulator", "up", START_MS, self.now, self.now, self.now)
        pipe.set(event_log.status_key("load"), msgspec.json.encode(word))
        pipe.execute()

    def turn(self, at: int) -> float:
        """One turn of the engine at ``at``; returns the processor seconds that it took."""
        self.now = at
        began = time.process_time()
        self.engine.turn(wait=False)
        return time.process_time() - began


def live(bench: Bench, events: Iterable[AnyEvent]) -> tuple[float, int, int]:
    """Feed a centre at the pace of its own clock: (processor seconds, events, boards published)."""
    spent, count, until = 0.0, 0, START_MS + TURN_MS
    waiting: list[AnyEvent] = []
    gc.collect()
    for event in events:
        while event.at >= until:
            bench.now = until
            bench.tell(waiting)
            count += len(waiting)
            waiting = []
            spent += bench.turn(until)
            until += TURN_MS
            if until > START_MS + LIVE_S * 1000:
                revisions = [bench.client.hget(name, "head") for name in bench.client.scan_iter("board:*")]
                return spent, count, sum(msgspec.json.decode(head)["revision"] for head in revisions if head)
        waiting.append(event)
    raise AssertionError("a centre never ends")


def unwatched(client: redis.Redis, folder: Path, url: str) -> list[str]:
    """The same centre with all of its queues on boards, and with none."""
    queues = [f"load/{name}" for name in load("load").queues]
    lines = []
    for title, projects in (
        ("40 queues on 4 boards", {f"p{n}": queues[n * 10 : n * 10 + 10] for n in range(4)}),
        ("40 queues on no board", {"other": ["load/another"]}),
    ):
        spent, count, boards = live(Bench(client, folder, url, projects), told())
        lines.append(
            f"  {title:<28}{spent / count * 1e6:8.0f} µs/event {spent / LIVE_S:8.1%} of a core at {count / LIVE_S:.0f} events/s, "
            f"{boards / LIVE_S:.0f} boards/s"
        )
    return lines


def board(client: redis.Redis, folder: Path, url: str, queues: int) -> tuple[float, float, int]:
    """A board of many queues of which one is busy: (ms of processor for a change, bytes of a change, bytes of the board)."""
    names = [f"q{n:03}" for n in range(queues)]
    bench = Bench(client, folder, url, {"p": [f"load/{name}" for name in names]})
    people = [
        SeenAgent(f"A{n}", "available", queues={names[n // AGENTS_A_QUEUE]: None})
        for n in range(AGENTS_A_QUEUE * queues)
    ]
    bench.tell([Snapshot(START_MS, START_MS, names, [], people)])
    at = START_MS
    for _ in range(5):
        bench.turn(at := at + 1_100)
    heard = client.pubsub()
    heard.subscribe(keys.channel("p"))
    heard.get_message(timeout=1)
    spent, sizes = [], []
    for n in range(CHANGES):
        at += 37
        bench.now = at
        if n % 2 == 0:
            bench.tell([ContactEntered(at, names[0], f"c{n}")])
        else:
            bench.tell([ContactAbandoned(at, names[0], f"c{n - 1}", 37)])
        took = bench.turn(at)
        message = heard.get_message(timeout=1)
        if message and message["type"] == "message" and (at // 1000) == (at - 37) // 1000:  # not the turns that tick
            spent.append(took)
            sizes.append(len(message["data"]))
    heard.close()
    whole = client.memory_usage(keys.board("p"), samples=0) or 0
    return sorted(spent)[len(spent) // 2] * 1000, sum(sizes) / len(sizes), whole


def main(words: list[str]) -> int:
    print(f"costs: {push.machine()}")
    print("queues that nobody watches: one engine, a centre of 40 queues and 200 agents at its own pace")
    with (
        tempfile.TemporaryDirectory(prefix="floorlight-bench-") as name,
        EmbeddedRedis(Path(name) / "data") as embedded,
        redis.Redis.from_url(embedded.url) as client,
    ):
        print("\n".join(unwatched(client, Path(name), embedded.url)), flush=True)
        print(f"a board of many queues ({AGENTS_A_QUEUE} agents each), one of them busy")
        for queues in BOARDS:
            ms, size, whole = board(client, Path(name), embedded.url, queues)
            print(
                f"  {queues:>4} queues {ms:8.2f} ms of the engine a change, {size:8,.0f} bytes; the whole board {whole / 1024:,.0f} kB",
                flush=True,
            )
    print("screens on one board")
    rows, note = push.run(SCREENS)
    print(push.report(rows, note))
    each = {row.screens: row.core_a_screen for row in rows}
    flat = each[SCREENS[-1]] <= MOST_A_SCREEN * each[SCREENS[1]]
    print(
        f"  {'reached' if flat else 'NOT REACHED'}: a screen costs the same among {SCREENS[1]} as among {SCREENS[-1]}"
    )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
