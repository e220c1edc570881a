"""A made-up Asterisk with many queues, as the AMI messages that it sends: for benchmarks that need a live centre, not a recording.

``PhoneCentre(...).told()`` is what a client that is logged in would hear, message by message with the time of each, without end; the same seed
gives the same centre. Times are the caller's: played in step with the clock by ``benchmarks.latency``, as fast as it goes by
``benchmarks.memory``. A queue's number of waiting contacts never changes twice within ``CALM_MS``, so that what a screen shows can be laid
to one message.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

CALM_MS = 500
MOST_WAITING = 6
ABANDONING = 0.08
WAIT_MS = 15_000
"""While somebody waits something happens this soon, on average: also a quiet queue answers."""
_ASKED = ("ActionID", "x")
"""To be replaced by the asker's own."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message. ``queue``, ``waiting``: whose number of waiting contacts it changes, and to what; "" for none."""

    at: int
    raw: bytes
    queue: str = ""
    waiting: int = 0


@dataclass(slots=True)
class _Agent:
    name: str
    interface: str
    queues: tuple[str, ...]
    busy: bool = False


@dataclass(slots=True)
class _Contact:
    number: int
    uniqueid: str
    joined_at: int
    leg: str = ""


@dataclass(slots=True)
class _Queue:
    name: str
    agents: list[_Agent] = field(default_factory=list)
    waiting: deque[_Contact] = field(default_factory=deque)


class PhoneCentre:
    """``queues`` queues with ``agents`` people, each of whom serves two of them; ``calls_a_s`` contacts a second in all."""

    def __init__(self, queues: int, agents: int, calls_a_s: float, start_ms: int, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._start = start_ms
        self._order = count()
        self._numbers = count(1)
        self.said = 0
        self._due: list[tuple[int, int, _Queue, str, _Agent | None, _Contact | None]] = []
        self.queues = [_Queue(f"q{n + 1:02}") for n in range(queues)]
        # A contact changes its queue's number twice: when it comes and when it goes.
        gap_ms = max(1.0, 1000 * queues / (2 * calls_a_s) - CALM_MS)
        self._busy_gap_ms = min(gap_ms, WAIT_MS)
        self._idle_gap_ms = 2 * gap_ms - self._busy_gap_ms
        self._talk_ms = 0.6 * agents / calls_a_s * 1000
        for n in range(agents):
            own, other = self.queues[n % queues], self.queues[(n + 1) % queues]
            agent = _Agent(f"Agent {n + 1:03}", f"PJSIP/{1001 + n}", tuple(dict.fromkeys((own.name, other.name))))
            own.agents.append(agent)
        for queue in self.queues:
            self._later(start_ms + self._random.randint(0, int(self._idle_gap_ms)), queue, "next")

    def listing(self, at: int = 0) -> list[bytes]:
        """The answer to QueueStatus at ``at``: who is there, and who waits."""
        rows = []
        for queue in self.queues:
            rows.append(_message("QueueParams", ("Queue", queue.name), ("Max", "0"), _ASKED))
            for agent in queue.agents:
                for name in agent.queues:
                    fields = [("Queue", name), ("Name", agent.name), ("Location", agent.interface), _ASKED]
                    rows.append(_message("QueueMember", *fields, *_member("2" if agent.busy else "1")))
            for contact in queue.waiting:
                fields = [
                    ("Queue", queue.name),
                    ("Uniqueid", contact.uniqueid),
                    ("Wait", _seconds(contact, at)),
                    _ASKED,
                ]
                rows.append(_message("QueueEntry", *fields))
        done = _message("QueueStatusComplete", _ASKED, ("EventList", "Complete"), ("ListItems", str(len(rows))))
        return [*rows, done]

    def told(self) -> Iterator[Said]:
        """Every message, in order."""
        while True:
            at, _, queue, what, agent, contact = heappop(self._due)
            for said in getattr(self, f"_{what}")(at, queue, agent, contact):
                self.said += 1
                yield said

    def _later(
        self, at: int, queue: _Queue, what: str, agent: _Agent | None = None, contact: _Contact | None = None
    ) -> None:
        heappush(self._due, (at, next(self._order), queue, what, agent, contact))

    # ── what happens in a queue: one thing after the other ────────────────────────────────────────

    def _next(self, at: int, queue: _Queue, *_: object) -> Iterator[Said]:
        change_at = at + CALM_MS
        free = [agent for agent in queue.agents if not agent.busy]
        left = len(queue.waiting) - 1
        if not queue.waiting or (len(queue.waiting) < MOST_WAITING and self._random.random() < 0.4):
            left = 1
            self._later(change_at, queue, "join")
        elif not free or self._random.random() < ABANDONING:
            self._later(change_at, queue, "abandon")
        else:
            agent, contact = self._random.choice(free), queue.waiting[0]
            agent.busy = True
            contact.leg = self._uniqueid(at)
            person = (("Interface", agent.interface), ("MemberName", agent.name))
            yield self._say(at, "AgentCalled", queue, contact, *person)
            yield from self._status(at, agent, "6")
            self._later(change_at, queue, "answer", agent, contact)
        gap_ms = self._random.expovariate(1 / (self._busy_gap_ms if left > 0 else self._idle_gap_ms))
        self._later(change_at + int(gap_ms), queue, "next")

    def _join(self, at: int, queue: _Queue, *_: object) -> Iterator[Said]:
        contact = _Contact(next(self._numbers), self._uniqueid(at), at)
        queue.waiting.append(contact)
        place = str(len(queue.waiting))
        yield self._say(at, "QueueCallerJoin", queue, contact, ("Position", place), ("Count", place), changes=True)

    def _abandon(self, at: int, queue: _Queue, *_: object) -> Iterator[Said]:
        contact = queue.waiting.popleft()
        hold = _seconds(contact, at)
        yield self._say(
            at, "QueueCallerAbandon", queue, contact, ("Position", "1"), ("OriginalPosition", "1"), ("HoldTime", hold)
        )
        yield self._say(at, "QueueCallerLeave", queue, contact, ("Count", str(len(queue.waiting))))
        yield self._say(at, "Hangup", queue, contact, ("Cause", "16"), ("Cause-txt", "Normal Clearing"), changes=True)

    def _answer(self, at: int, queue: _Queue, agent: _Agent, contact: _Contact) -> Iterator[Said]:
        queue.waiting.popleft()
        yield from self._status(at, agent, "2")
        yield self._say(at, "QueueCallerLeave", queue, contact, ("Count", str(len(queue.waiting))))
        hold = _seconds(contact, at)
        fields = (("Interface", agent.interface), ("MemberName", agent.name), ("HoldTime", hold), ("RingTime", "0"))
        yield self._say(at, "AgentConnect", queue, contact, *fields, changes=True)
        talk_ms = 1_000 + int(self._random.expovariate(1 / self._talk_ms))
        self._later(at + talk_ms, queue, "complete", agent, contact)

    def _complete(self, at: int, queue: _Queue, agent: _Agent, contact: _Contact) -> Iterator[Said]:
        agent.busy = False
        fields = (("Interface", agent.interface), ("MemberName", agent.name), ("HoldTime", "1"), ("TalkTime", "9"))
        yield self._say(at, "AgentComplete", queue, contact, *fields, ("Reason", "agent"))
        yield from self._status(at, agent, "1")
        yield self._say(at, "Hangup", queue, contact, ("Cause", "16"), ("Cause-txt", "Normal Clearing"))

    # ── messages ──────────────────────────────────────────────────────────────────────────────────

    def _uniqueid(self, at: int) -> str:
        return f"{at // 1000}.{next(self._order)}"

    def _status(self, at: int, agent: _Agent, status: str) -> Iterator[Said]:
        """A person's device says something: once for each queue, as Asterisk does."""
        for name in agent.queues:
            fields = [("Queue", name), ("MemberName", agent.name), ("Interface", agent.interface)]
            yield Said(at, _message("QueueMemberStatus", *fields, *_member(status)))

    def _say(
        self, at: int, event: str, queue: _Queue, contact: _Contact, *fields: tuple[str, str], changes: bool = False
    ) -> Said:
        channel = [
            ("Channel", f"PJSIP/trunk-{contact.number:08x}"),
            ("ChannelState", "6"),
            ("ChannelStateDesc", "Up"),
            ("CallerIDNum", f"+4420{contact.number:08}"),
            ("CallerIDName", f"Caller {contact.number}"),
            ("ConnectedLineNum", "<unknown>"),
            ("ConnectedLineName", "<unknown>"),
            ("Language", "en"),
            ("AccountCode", ""),
            ("Context", "queue-in"),
            ("Exten", queue.name),
            ("Priority", "2"),
            ("Uniqueid", contact.uniqueid),
            ("Linkedid", contact.uniqueid),
        ]
        if event.startswith("Agent"):
            channel += [("DestChannel", f"PJSIP/agent-{contact.number:08x}"), ("DestUniqueid", contact.leg)]
        if event != "Hangup":
            channel.append(("Queue", queue.name))
        raw = _message(event, *channel, *fields)
        return Said(at, raw, queue.name, len(queue.waiting)) if changes else Said(at, raw)


def _seconds(contact: _Contact, at: int) -> str:
    return str((at - contact.joined_at) // 1000)


def _member(status: str) -> tuple[tuple[str, str], ...]:
    return (
        ("StateInterface", "PJSIP/1"),
        ("Membership", "static"),
        ("Penalty", "0"),
        ("CallsTaken", "0"),
        ("LastCall", "0"),
        ("LastPause", "0"),
        ("InCall", "1" if status == "2" else "0"),
        ("Status", status),
        ("Paused", "0"),
        ("PausedReason", ""),
        ("Ringinuse", "0"),
        ("Wrapuptime", "0"),
    )


def _message(event: str, *fields: tuple[str, str]) -> bytes:
    privilege = "call,all" if event == "Hangup" else "agent,all"
    lines = [f"Event: {event}", f"Privilege: {privilege}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
