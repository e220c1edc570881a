"""Walks through a centre's events and says what an ACD could never have said."""

from __future__ import annotations

from collections import Counter

from collectors import events as e


class Walk:
    """Keeps who waits and who talks; raises ``AssertionError`` on an impossible event."""

    def __init__(self) -> None:
        self.at = 0
        self.waiting: set[tuple[str, str]] = set()
        self.talking: dict[tuple[str, str], str] = {}
        self.offered: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.entered_at: dict[tuple[str, str], int] = {}
        self.work: dict[str, tuple[str, str]] = {}
        self.condition: dict[str, str] = {}
        self.serves: dict[str, dict[str, str | None]] = {}
        self.seen: Counter[str] = Counter()

    def take(self, events: list[e.AnyEvent]) -> None:
        for event in events:
            assert event.at >= self.at, "time ran backwards"
            self.at = event.at
            self.seen[type(event).__name__] += 1
            getattr(self, "_" + type(event).__name__)(event)

    def conserved(self) -> bool:
        """offered = every outcome + waiting now, in every queue."""
        now = Counter(queue for queue, _ in self.waiting)
        return all(self.offered[queue] == self.ended[queue] + now[queue] for queue in self.offered)

    def _snapshot(self, event: e.Snapshot) -> None: ...

    def _ContactEntered(self, event: e.ContactEntered) -> None:
        key = (event.queue, event.contact)
        assert key not in self.waiting
        assert key not in self.talking
        self.waiting.add(key)
        self.entered_at[key] = event.at
        self.offered[event.queue] += 1

    def _ContactRang(self, event: e.ContactRang) -> None:
        key = (event.queue, event.contact)
        assert key in self.waiting
        assert event.agent not in self.work, f"{event.agent} was busy with {self.work.get(event.agent)}"
        assert event.queue in self.serves[event.agent]
        assert self.condition[event.agent] not in ("paused", "logged_out")
        self.work[event.agent] = key

    def _ContactRangNoAnswer(self, event: e.ContactRangNoAnswer) -> None:
        assert self.work.pop(event.agent) == (event.queue, event.contact)
        assert (event.queue, event.contact) in self.waiting

    def _ContactAnswered(self, event: e.ContactAnswered) -> None:
        key = (event.queue, event.contact)
        self.waiting.remove(key)
        assert self.work.setdefault(event.agent, key) == key
        assert event.queue in self.serves[event.agent]
        assert event.wait_ms == event.at - self.entered_at[key]
        assert event.ring_ms is not None
        assert 0 <= event.ring_ms <= event.wait_ms
        self.talking[key] = event.agent
        self.ended[event.queue] += 1

    def _ContactHeld(self, event: e.ContactHeld) -> None:
        assert (event.queue, event.contact) in self.talking

    _ContactResumed = _ContactHeld

    def _ContactCompleted(self, event: e.ContactCompleted) -> None:
        key = (event.queue, event.contact)
        assert self.talking.pop(key) == event.agent
        assert self.work.pop(event.agent) == key
        assert event.wait_ms is not None
        assert event.talk_ms is not None
        assert event.hold_ms is not None
        assert min(event.talk_ms, event.hold_ms) >= 0
        assert event.at - self.entered_at[key] == event.wait_ms + event.talk_ms + event.hold_ms

    def _gone(self, event: e.ContactAbandoned | e.ContactLeft) -> None:
        key = (event.queue, event.contact)
        self.waiting.remove(key)
        assert event.wait_ms == event.at - self.entered_at[key]
        self.ended[event.queue] += 1
        for agent, work in list(self.work.items()):
            if work == key:
                del self.work[agent]

    _ContactAbandoned = _gone
    _ContactLeft = _gone

    def _AgentChanged(self, event: e.AgentChanged) -> None:
        if event.condition in ("available", "paused", "logged_out", "wrap_up"):
            assert event.agent not in self.work, f"{event.agent} is {event.condition} with a contact in hand"
        if event.condition in ("ringing", "on_contact", "wrap_up"):
            assert event.queue
            assert event.contact
        self.condition[event.agent] = event.condition

    def _AgentQueues(self, event: e.AgentQueues) -> None:
        self.serves[event.agent] = event.queues
        self.condition.setdefault(event.agent, "available")
        if event.queues:
            self.condition[event.agent] = "available"
