"""People: what each is doing, since when, and the time that they spent in each condition.

Time is booked per *group*: the set of queues that a person serves. Booking it per queue would count an agent of three queues
three times in a project that has all three; with groups a project adds up every group that touches its queues, each once,
and a queue adds up every group that contains it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from operations.floor.counters import MINUTE_MS, QUARTER_MS, Counters

_GROUP = "\x1e"
_BETWEEN = "\x1f"

CONDITIONS = ("available", "ringing", "on_contact", "wrap_up", "paused", "logged_out", "unknown")
AWAY = ("logged_out", "unknown")
MISSED_MS = 26 * 3600 * 1000
"""So long missed rings are kept: longer than the longest day."""


def group_of(queues: Iterable[str]) -> str:
    """The row under which the time of people who serve exactly these queues is booked; "" for none."""
    names = sorted(queues)
    return _GROUP + _BETWEEN.join(names) if names else ""


def queues_of(row: str) -> tuple[str, ...] | None:
    """The queues of a group's row; None for a row that is a queue's own."""
    return tuple(row[1:].split(_BETWEEN)) if row.startswith(_GROUP) else None


class Agent(msgspec.Struct):
    """One person; times in epoch ms.

    ``since``: when the condition began. ``from_at``: from when on its time is booked (later than ``since`` when nobody watched
    at first). ``booked_to``: up to when it is booked.
    """

    agent: str
    name: str = ""
    condition: str = "unknown"
    reason: str = ""
    queue: str = ""
    contact: str = ""
    since: int = 0
    from_at: int = 0
    booked_to: int = 0
    queues: dict[str, str | None] = {}
    queues_at: int = 0
    """When the list of queues was told."""
    group: str = ""
    group_at: int = 0
    """From when on time is booked under ``group``; nothing that was booked before is ever taken back."""
    missed: dict[str, dict[int, int]] = {}
    """Alerts that this person let ring out, by queue and quarter hour (its start); of the latest quarters only."""

    def missed_between(self, queues: Iterable[str], start: int, end: int) -> int:
        """Alerts let ring out in ``queues`` in the quarters of [start, end)."""
        told = (self.missed[queue] for queue in queues if queue in self.missed)
        return sum(n for quarters in told for quarter, n in quarters.items() if start <= quarter < end)

    def miss(self, queue: str, at: int) -> None:
        """One more alert let ring out."""
        quarters = self.missed.setdefault(queue, {})
        quarter = at - at % QUARTER_MS
        quarters[quarter] = quarters.get(quarter, 0) + 1
        if quarters[quarter] == 1:
            for old in [other for other in quarters if other < max(quarters) - MISSED_MS]:
                del quarters[old]


Cell = Callable[[str, int], Counters]
"""(row, at) → the cell of that row in the minute of ``at``, to be added to."""

_TIMES = {condition: condition + "_ms" for condition in CONDITIONS}


def book_time(cell_of: Cell, agent: Agent, start: int, end: int) -> None:
    """Book [start, end) of the agent's condition, cut at minutes; with end < start it is taken back."""
    if start == end or not agent.group or agent.condition in AWAY:
        return
    sign = 1
    if end < start:
        start, end, sign = end, start, -1
    name = _TIMES[agent.condition]
    while start < end:
        upto = min(end, start - start % MINUTE_MS + MINUTE_MS)
        spent = sign * (upto - start)
        n = cell_of(agent.group, start).n
        n[name] = n.get(name, 0) + spent
        n["logged_in_ms"] = n.get("logged_in_ms", 0) + spent
        if agent.reason and agent.condition == "paused":
            reason = "paused_ms:" + agent.reason
            n[reason] = n.get(reason, 0) + spent
        start = upto
