"""What a presenter can do to the centre, a row each."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from collectors.simulator.day import Day

SURGE_FACTOR = 3.0
LUNCH = "Lunch"
LONGEST_MIN = 240


class Incident(msgspec.Struct, frozen=True):
    """One incident: which, where (None: everywhere), from when until when (epoch ms), by whom."""

    incident: str
    queue: str | None
    at: int
    until: int
    by: str = ""


def _surge(day: Day, queue: str, at: int, until: int) -> None:
    day.surge(at, queue, until, SURGE_FACTOR)


def _lunch(day: Day, queue: str, at: int, until: int) -> None:
    # Chosen from the day's roster and not from who is here now, so that a replay of the incident chooses the same people.
    team = [name for name, person in day.people.items() if any(line.name == queue for _, line in person.by_priority)]
    day.absence(at, [name for place, name in enumerate(team) if place % 4 != 3], LUNCH, until)


def _dead_trunk(day: Day, queue: str, at: int, until: int) -> None:
    day.dead_trunk(at, queue, until)


INCIDENTS: dict[str, tuple[str, Callable[[Day, str, int, int], None]]] = {
    "surge": (f"{SURGE_FACTOR:g} times as many contacts come", _surge),
    "lunch": ("three of four of the queue's people go to lunch as soon as their hands are free", _lunch),
    "dead_trunk": ("the queue's callers are cut off and no new ones come", _dead_trunk),
}
"""Name → (what it does, how)."""


def begin(incident: Incident, day: Day, at: int) -> None:
    """Let an incident happen on a day from ``at`` on."""
    happen = INCIDENTS[incident.incident][1]
    for queue in [incident.queue] if incident.queue is not None else list(day.lines):
        happen(day, queue, at, incident.until)


def fault(incident: str, queue: str | None, minutes: float, queues: list[str]) -> str:
    """What is wrong with a wish for an incident, in words; "" when nothing is."""
    if incident not in INCIDENTS:
        return f"there is no incident {incident!r}; there are {', '.join(INCIDENTS)}"
    if queue is not None and queue not in queues:
        return f"there is no queue {queue!r}; there are {', '.join(queues)}, or leave it out for all of them"
    if not 0 < minutes <= LONGEST_MIN:
        return f"{minutes:g} minutes are not possible; between 1 and {LONGEST_MIN} are"
    return ""
