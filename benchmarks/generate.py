"""A stream of events for load tests: what a simulated contact centre says, as fast as it can be computed.

``python -m benchmarks.generate FILE [EVENTS] [SCENARIO] [SEED]`` records EVENTS events (1,000,000) of a scenario (``load``: 40 queues, 200
agents) into FILE, one encoded batch a line, in the form in which they lie in the event log. The first batch begins with a snapshot, so a
fold that is given the file from its beginning sees a whole centre. The same arguments give the same file, to the byte.

In a benchmark: ``stream(EVENTS)`` gives the batches without a file, ``read(path)`` those of a recorded one.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from collectors import event_log
from collectors.events import AnyEvent
from collectors.simulator.centre import Centre
from collectors.simulator.scenario import load

START_MS = 1_790_985_600_000
"""Saturday, 3 October 2026, midnight in UTC: any moment will do, as long as it is always the same."""

STEP_MS = 60_000


def told(scenario: str = "load", seed: int = 1, start_ms: int = START_MS) -> Iterator[AnyEvent]:
    """The events of a centre from ``start_ms`` on, a snapshot first, without end."""
    centre = Centre(load(scenario), seed, start_ms)
    centre.advance(start_ms)
    yield centre.snapshot()
    while True:
        yield from centre.advance(centre.at_ms + STEP_MS)


def stream(count: int, scenario: str = "load", seed: int = 1, start_ms: int = START_MS) -> Iterator[bytes]:
    """``count`` events as encoded batches of at most ``event_log.BATCH``."""
    events = told(scenario, seed, start_ms)
    while count > 0:
        batch = list(islice(events, min(count, event_log.BATCH)))
        count -= len(batch)
        yield from event_log.batches(batch)


def read(path: Path) -> Iterator[bytes]:
    """The batches of a recorded stream."""
    with path.open("rb") as lines:
        for line in lines:
            yield line.rstrip(b"\n")


def record(path: Path, count: int, scenario: str, seed: int) -> int:
    """Write a stream to a file; returns its size in bytes."""
    with path.open("wb") as file:
        return sum(file.write(batch + b"\n") for batch in stream(count, scenario, seed))


def speed(scenario: str, seconds: int) -> tuple[int, float, float]:
    """(events, CPU seconds, events per simulated second) of some simulated seconds, encoding not included."""
    centre = Centre(load(scenario), 1, START_MS)
    centre.advance(START_MS)
    began = time.process_time()
    count = len(centre.advance(START_MS + seconds * 1000))
    return count, time.process_time() - began, count / seconds


def main(arguments: list[str]) -> int:
    """Record as asked; without a file say how fast the simulator is."""
    if not arguments:
        print(
            f"simulator, one core of {platform.processor() or platform.machine()}, Python {platform.python_version()}"
        )
        for scenario, seconds in (("load", 7200), ("demo", 86_400), ("erlang_a", 360_000)):
            count, spent, rate = speed(scenario, seconds)
            print(f"  {scenario:9} {count / spent:10,.0f} events/s  ({rate:.1f} a second in real time)")
        return 0
    path = Path(arguments[0])
    count = int(arguments[1]) if len(arguments) > 1 else 1_000_000
    scenario = arguments[2] if len(arguments) > 2 else "load"
    seed = int(arguments[3]) if len(arguments) > 3 else 1
    began = time.perf_counter()
    size = record(path, count, scenario, seed)
    print(f"{path}: {count:,} events, {size / 1e6:.1f} MB, in {time.perf_counter() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
