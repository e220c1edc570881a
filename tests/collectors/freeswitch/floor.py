"""What the real fold makes of events: totals per queue, and whether every contact is accounted for."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.events import AnyEvent
from operations.floor.floor import Floor

OUTCOMES = (
    "answered",
    "abandoned",
    "left_timeout",
    "left_key",
    "left_empty",
    "left_other",
    "left_callback",
    "lost_sight",
)


def floor_of(events: Iterable[AnyEvent]) -> Floor:
    floor = Floor()
    for event in events:
        floor.apply(event)
    return floor


def totals(events: Iterable[AnyEvent], queue: str) -> dict[str, int]:
    """What is counted of a queue, without what is zero; conservation is asserted on the way."""
    floor = floor_of(events)
    cells = [cell for (row, _), cell in floor.drain()[0].items() if row == queue]
    names = ("offered", *OUTCOMES, "handled", "rang_no_answer", "held")
    counted = {name: sum(cell.get(name) for cell in cells) for name in names}
    waiting = len(floor.waiting.get(queue, {}))
    assert counted["offered"] == sum(counted[name] for name in OUTCOMES) + waiting, (counted, waiting)
    return {name: n for name, n in (counted | {"waiting": waiting}).items() if n}
