"""The agents of a polled ACD: what changed between two whole lists of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from collectors.events import AgentChanged, AgentQueues, AnyEvent, SeenAgent


class Roster:
    """Who was seen last, and as what, and from when on that was told. Holds nothing else."""

    def __init__(self) -> None:
        self._seen: dict[str, SeenAgent] = {}
        self._started_at = 0
        self._told_from: dict[str, int] = {}
        """Person → from when on the last condition was told: a word from before it would be passed over as an old one."""

    def start(self, people: Iterable[SeenAgent], at: int) -> list[SeenAgent]:
        """The first whole list, as a ``Snapshot`` of ``at`` tells it."""
        self._seen = {person.agent: person for person in people}
        # What began before the snapshot and comes to light only now is told from it on.
        self._started_at = at
        self._told_from = {}
        return list(self._seen.values())

    def changes(
        self, people: Iterable[SeenAgent], at: int, cut: Collection[str] = (), signed_out: Collection[str] = ()
    ) -> list[AnyEvent]:
        """What a further whole list tells anew, in order. ``at``: when it was taken, epoch ms on our clock.

        A condition began when the ACD says so, at most at ``at`` and not before the last one that was told; one that it gives no
        beginning began at ``at``. Who is no longer listed has signed out, but for who served one of ``cut``: queues of which the list
        does not name everybody. Those stay as they were, in these queues at least, unless they are among the ``signed_out``.
        """
        events: list[AnyEvent] = []
        now = {person.agent: person for person in people}
        now |= self._cut_off(now, cut, signed_out)
        for name, person in now.items():
            before = self._seen.get(name)
            # The condition first: it may have begun before ``at``, and whoever is new is known from the first word on.
            if (
                before is None
                or (before.condition, before.reason) != (person.condition, person.reason)
                # The same again, but begun anew: a second contact within one period of asking.
                or (person.since is not None and before.since is not None and person.since > before.since)
            ):
                began = self._told_from[name] = self._began(person, before, at)
                events.append(AgentChanged(began, name, person.condition, name=person.name, reason=person.reason))
            if before is None or before.queues != person.queues or before.name != person.name:
                events.append(AgentQueues(at, name, person.queues, person.name))
        for name, before in self._seen.items():
            if name not in now:
                self._told_from[name] = at
                events.append(AgentQueues(at, name, {}, before.name))
                events.append(AgentChanged(at, name, "logged_out", name=before.name))
        self._seen = now
        return events

    def out_of_sight(self, at: int) -> list[AnyEvent]:
        """From ``at`` on the ACD does not tell what anybody does; what the next list shows is told anew, as far back as that."""
        events: list[AnyEvent] = []
        for name, person in self._seen.items():
            if person.condition != "unknown":
                self._seen[name] = msgspec.structs.replace(person, condition="unknown", reason="", since=None)
                self._told_from[name] = at
                events.append(AgentChanged(at, name, "unknown", name=person.name))
        return events

    def _cut_off(
        self, now: dict[str, SeenAgent], cut: Collection[str], signed_out: Collection[str]
    ) -> dict[str, SeenAgent]:
        """Who was in one of ``cut``, and as what to be taken now."""
        found: dict[str, SeenAgent] = {}
        for name, before in self._seen.items() if cut else ():
            unsure = {queue: why for queue, why in before.queues.items() if queue in cut}
            if unsure and name not in signed_out:
                listed = now.get(name)
                queues = unsure if listed is None else unsure | listed.queues
                found[name] = msgspec.structs.replace(listed or before, queues=queues)
        return found

    def _began(self, person: SeenAgent, before: SeenAgent | None, at: int) -> int:
        """When a new condition began: as the ACD says, where that lies after the one before began and not ahead of the list."""
        since = person.since
        after = before.since if before is not None else None
        if since is None or since > at or (after is not None and since <= after):
            since = at
        return max(since, self._told_from.get(person.agent, self._started_at))
