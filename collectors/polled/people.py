"""The agents of a polled ACD: what changed between two whole lists of them."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.events import AgentChanged, AgentQueues, AnyEvent, SeenAgent


class Roster:
    """Who was seen last, and as what. Holds nothing else."""

    def __init__(self) -> None:
        self._seen: dict[str, SeenAgent] = {}
        self._started_at = 0

    def start(self, people: Iterable[SeenAgent], at: int = 0) -> list[SeenAgent]:
        """The first whole list, as a ``Snapshot`` of ``at`` tells it."""
        self._seen = {person.agent: person for person in people}
        # What began before the snapshot and comes to light only now is told from it on: a word older than the snapshot would be ignored.
        self._started_at = at
        return list(self._seen.values())

    def changes(self, people: Iterable[SeenAgent], at: int) -> list[AnyEvent]:
        """What a further whole list tells anew, in order. ``at``: when it was taken, epoch ms on our clock.

        A condition began when the ACD says so, at most at ``at``; one that it gives no beginning began at ``at``. Who is no longer
        listed has signed out.
        """
        events: list[AnyEvent] = []
        now = {person.agent: person for person in people}
        for name, person in now.items():
            before = self._seen.get(name)
            if before is None or before.queues != person.queues or before.name != person.name:
                events.append(AgentQueues(at, name, person.queues, person.name))
            if (
                before is None
                or (before.condition, before.reason) != (person.condition, person.reason)
                # The same again, but begun anew: a second contact within one period of asking.
                or (person.since is not None and before.since is not None and person.since > before.since)
            ):
                events.append(
                    AgentChanged(
                        self._began(person, before, at), name, person.condition, name=person.name, reason=person.reason
                    )
                )
        for name, before in self._seen.items():
            if name not in now:
                events.append(AgentQueues(at, name, {}, before.name))
                events.append(AgentChanged(at, name, "logged_out", name=before.name))
        self._seen = now
        return events

    def _began(self, person: SeenAgent, before: SeenAgent | None, at: int) -> int:
        """When a new condition began: as the ACD says, where that lies after the one before began and not ahead of the list."""
        since = person.since
        after = before.since if before is not None else None
        if since is None or since > at or (after is not None and since <= after):
            return at
        return max(since, self._started_at)
