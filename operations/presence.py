"""What a project's floor looks like now: who waits and who works, over several queues and sources, people counted once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from operations.floor.floor import Floor

SHOWN = ("available", "ringing", "on_contact", "wrap_up", "paused")

ScopedQueue = tuple[str, str]
"""(source, queue)."""


@dataclass(slots=True)
class Presence:
    """``oldest``: (entered_at ms, source, queue) of the contact that waits longest. ``agents``: people by condition.

    ``waiting_late``: those known to wait beyond the threshold; ``late_open``: there may be more, of whom the ACD does not tell since when they wait.
    """

    waiting: int = 0
    waiting_late: int = 0
    late_open: bool = False
    oldest: tuple[int, str, str] | None = None
    agents: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHOWN, 0))
    untold: dict[str, list[ScopedQueue]] = field(default_factory=dict)
    """By fact (``waiting``, ``longest_wait``, ``agents``): queues of which the ACD shows something, and this not."""

    @property
    def logged_in(self) -> int:
        return sum(self.agents.values())


def waiting(
    floors: Mapping[str, Floor], queues: Iterable[ScopedQueue], late_before: int, judged: Collection[str]
) -> Presence:
    """Contacts waiting in ``queues``; ``waiting_late`` counts those that entered before ``late_before`` (epoch ms) in the ``judged`` sources.

    A polled ACD tells since when the oldest waits: late, that is one; of the others nothing is known.
    """
    found = Presence()
    for source, queue in queues:
        floor = floors.get(source)
        if floor is None:
            continue
        seen = floor.observed.get(queue)
        if seen is not None and seen.waiting is not None:
            found.waiting += seen.waiting
            if seen.waiting and seen.longest_since is not None:
                _older(found, seen.longest_since, source, queue)
            elif seen.waiting:
                found.untold.setdefault("longest_wait", []).append((source, queue))
            if seen.waiting and source in judged:
                late = seen.longest_since is not None and seen.longest_since < late_before
                found.waiting_late += late
                found.late_open |= seen.longest_since is None or (late and seen.waiting > 1)
        elif floor.waiting_untold(queue):
            found.late_open |= source in judged
            found.untold.setdefault("waiting", []).append((source, queue))
            found.untold.setdefault("longest_wait", []).append((source, queue))
        for visit in floor.waiting.get(queue, {}).values():
            found.waiting += 1
            if visit.entered_at < late_before and source in judged:
                found.waiting_late += 1
            _older(found, visit.entered_at, source, queue)
    return found


def _older(found: Presence, since: int, source: str, queue: str) -> None:
    if found.oldest is None or since < found.oldest[0]:
        found.oldest = (since, source, queue)


def agents(floors: Mapping[str, Floor], queues: Sequence[ScopedQueue], found: Presence) -> None:
    """Add the people who serve any of ``queues``, each once, to ``found.agents``."""
    by_source: dict[str, list[str]] = {}
    for source, queue in queues:
        by_source.setdefault(source, []).append(queue)
    count = found.agents
    for source, names in by_source.items():
        floor = floors.get(source)
        if floor is None:
            continue
        if len(names) == 1:
            people: Iterable[str] = floor.members.get(names[0], ())
        else:
            people = set().union(*(floor.members.get(name, ()) for name in names))
        own = frozenset(names)
        for person in people:
            condition, _ = seen_from(floor, person, own)
            if condition in count:
                count[condition] += 1
    observed_agents(floors, queues, found)


def observed_agents(floors: Mapping[str, Floor], queues: Iterable[ScopedQueue], found: Presence) -> None:
    """Add the people of whom a polled ACD tells only how many they are. Of one source no two queues, between which people are shared."""
    count = found.agents
    for source, queue in queues:
        floor = floors.get(source)
        seen = floor.observed.get(queue) if floor is not None else None
        if seen is not None and seen.agents:
            for condition, n in seen.agents.items():
                if condition in count:
                    count[condition] += n
        elif seen is not None and seen.agents is None and seen.counts_agents:
            found.untold.setdefault("agents", []).append((source, queue))


class Headcount:
    """The people of one project by condition, each once: kept up with the rows that change, so that nobody counts hundreds for one."""

    def __init__(self) -> None:
        self._conditions: dict[str, str] = {}
        self.count = dict.fromkeys(SHOWN, 0)

    def follow(self, rows: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Take over rows of people by id; None: gone."""
        for name, row in rows.items():
            before = self._conditions.pop(name, None)
            if before is not None:
                self.count[before] -= 1
            if row is not None:
                condition = self._conditions[name] = row["condition"]
                self.count[condition] += 1


def seen_from(floor: Floor, person: str, queues: frozenset[str]) -> tuple[str, str]:
    """(condition, reason) of a person as these queues see it: paused in all of them is paused, free elsewhere or not."""
    agent = floor.agents[person]
    if agent.condition != "available":
        return agent.condition, agent.reason
    reason = ""
    for queue, paused in agent.queues.items():  # a person serves few queues, a project may have hundreds
        if queue in queues:
            if paused is None:
                return "available", ""
            reason = paused or reason
    return "paused", reason
