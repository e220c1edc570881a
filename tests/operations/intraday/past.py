"""A past to look at: cells written the way the engine writes them."""

from __future__ import annotations

from datetime import date
from typing import Any

from operations.floor.counters import Counters, wait_slot
from operations.intraday import blocks
from operations.intraday.history import History, history, tells_offered
from operations.intraday.span import span
from operations.kpis.coverage import Gives
from operations.projects.calendar import wall_ms
from operations.projects.contract import Block, Project, ServiceLevel, Target
from operations.projects.opening_hours import OpeningHours
from operations.store.cells import Cells

SHANGHAI = "Asia/Shanghai"
GOAL = Target(kpi="service_level_pct", window="today", goal=80, warning=82, critical=75, min_sample=5)


def project(*queues: str, zone: str = SHANGHAI, targets: Any = (GOAL,), **more: Any) -> Project:
    blocks = targets if targets and isinstance(targets[0], Block) else (Block(value=tuple(targets)),)
    opening = more.pop("opening", None) or OpeningHours(zone=zone)
    return Project(
        id="acme", name="Acme", queues=queues or ("hq/sales",), time_zone=zone, opening=opening, targets=blocks, **more
    )


def rule(**terms: Any) -> tuple[Block[ServiceLevel], ...]:
    return (Block(value=ServiceLevel(**{"within_s": 20, **terms})),)


def contacts(answered: list[float] = (), abandoned: list[float] = (), **more: int) -> Counters:  # type: ignore[assignment]
    """A cell in which contacts were answered and given up after so many seconds each."""
    cell = Counters({}, {}, {})
    for waits, histogram in ((answered, cell.answered_waits), (abandoned, cell.abandoned_waits)):
        for wait in waits:
            slot = wait_slot(round(wait * 1000))
            histogram[slot] = histogram.get(slot, 0) + 1
    counted = {
        "offered": len(answered) + len(abandoned),
        "answered": len(answered),
        "handled": len(answered),
        "abandoned": len(abandoned),
        "answered_wait_ms": round(sum(answered) * 1000),
        **more,
    }
    cell.n.update({name: n for name, n in counted.items() if n})
    return cell


def write(client: Any, source: str, cells: dict[tuple[str, int], Counters], now_ms: int) -> None:
    """Let the one writer of a source book ``cells``: (row, epoch ms) → what happened there."""
    book = Cells(client, source)
    book.load(now_ms)
    book.add(cells, {}, now_ms)
    with client.pipeline(transaction=True) as pipe:
        book.write(pipe, now_ms)
        pipe.execute()
    book.saved(now_ms)


def at(of: Project, day: str, clock: str = "00:00") -> int:
    """When a wall clock of the project shows a time, in epoch ms; of a time that comes twice the first."""
    hours, minutes = clock.split(":")
    return wall_ms(of.calendar.tz, date.fromisoformat(day), int(hours) * 60 + int(minutes))


def told(
    client: Any,
    of: Project,
    now: int,
    kind: str = "day",
    day: str = "",
    queue: str = "",
    minutes: int = 30,
    gives: Gives | None = None,
) -> History:
    """The tables of a span, straight from what is stored."""
    wanted = span(of.calendar, now, kind, day)
    read = blocks.read(client, of, wanted.begun, queue)
    others = [other for other in wanted.compared if other not in read]
    compared = blocks.read_offered(client, of, others, queue, tells_offered(of, gives or {}))
    return history(of, wanted, minutes, read, compared, now, queue, gives)
