"""One log, both imported and told live, in either order: every contact counts once."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from collectors import events as e
from collectors.queue_log.backfill import first_told
from collectors.queue_log.collector import QueueLogCollector, QueueLogSettings
from collectors.queue_log.importer import import_history
from operations.floor.floor import Floor
from operations.store.cells import Cells
from tests.collectors.queue_log.recorded import T0, events_of, log
from tests.collectors.queue_log.recording_link import RecordingLink
from tests.collectors.redis_process import RedisProcess

HOUR = T0 - T0 % 3600
HOURS = 48
NOW_MS = (HOUR + HOURS * 3600) * 1000 + 5_000


def two_days() -> str:
    """A call each 100 s that waits 400 s, so that somebody waits at every boundary; every third gives up."""
    rows: list[tuple[int, str]] = []
    for number in range(HOURS * 36):
        at = number * 100
        rows.append((at, f"c{number}|q|NONE|ENTERQUEUE||1|1"))
        if number % 3:
            rows += [
                (at + 400, f"c{number}|q|Ann|CONNECT|400|x|3"),
                (at + 450, f"c{number}|q|Ann|COMPLETEAGENT|400|50|1"),
            ]
        else:
            rows.append((at + 400, f"c{number}|q|NONE|ABANDON|1|1|400"))
    return log(*(f"+{at} {text}" for at, text in sorted(rows) if at < HOURS * 3600), second=HOUR)


def told_live(path: Path) -> list[e.AnyEvent]:
    """What the collector tells at its first start."""

    async def first_start() -> list[e.AnyEvent]:
        link = RecordingLink(now_ms=NOW_MS)
        task = asyncio.create_task(QueueLogCollector("hq", QueueLogSettings(path=path)).run(link))
        await link.until(lambda: link.up)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return link.events

    return asyncio.run(first_start())


def counted(cells: Cells) -> Counter[str]:
    total: Counter[str] = Counter()
    for (row, start), cell in cells.quarters.items():
        if row == "q" and start >= HOUR * 1000 + 900_000:  # the quarter that the log's beginning cuts is nobody's
            total.update(
                {
                    name: cell.get(name)
                    for name in ("offered", "answered", "abandoned", "handled", "talk_ms", "answered_wait_ms")
                }
            )
    return total


@pytest.mark.parametrize(
    "order", [("import", "live"), ("live", "import"), ("import", "live", "import"), ("import", "import", "live")]
)
def test_a_log_that_is_imported_and_told_live_counts_every_contact_once(
    empty_redis: RedisProcess, tmp_path: Path, order: tuple[str, ...]
) -> None:
    path = tmp_path / "queue_log"
    path.write_text(two_days())
    words = {"import": list(import_history(path, "hq")), "live": told_live(path)}
    begins = next(event.at for event in words["live"] if isinstance(event, e.Snapshot))
    assert begins == first_told(NOW_MS)

    with empty_redis.client() as client:
        floor, cells = Floor(), Cells(client, "hq")
        for part in order:
            for event in words[part]:
                floor.apply(event)
            cells.add(*floor.drain(), NOW_MS)
        whole_floor, truth = Floor(), Cells(client, "truth")
        for event in events_of(path.read_bytes()):
            whole_floor.apply(event)
        truth.add(*whole_floor.drain(), NOW_MS)
        assert counted(cells) == counted(truth)
        assert counted(truth)["offered"] > 1700
