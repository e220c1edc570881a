"""What the simulation keeps of queues, contacts and people while they are there."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from collectors.events import AgentCondition
from collectors.simulator.demand import Draw, drawing
from collectors.simulator.scenario import Queue

WAITING, RINGING, TALKING, OVER = range(4)
"""What a visit is: in line, in line while somebody is alerted, in conversation, gone."""


class Visit:
    """One contact's stay in one queue, until its conversation is over."""

    __slots__ = (
        "agent", "answered", "caller", "consulted_by", "contact", "entered", "held_from", "hold_ms", "hops", "number", "queue", "rang",
        "state", "wait_ms",
    )  # fmt: skip

    def __init__(
        self, queue: Line, contact: str, caller: str, entered: int, number: int, hops: int, consulted_by: Visit | None
    ) -> None:
        self.queue = queue
        self.contact = contact
        self.caller = caller
        self.entered = entered
        self.number = number
        self.state = WAITING
        self.agent: Person | None = None
        self.rang = entered
        self.answered = 0
        self.wait_ms = 0
        self.hold_ms = 0
        self.held_from: int | None = None
        self.hops = hops
        """How often the contact was sent on from queue to queue before."""
        self.consulted_by = consulted_by
        """The conversation whose agent asks here before transferring it."""


class Line:
    """One queue as it is now: who waits, who is free to answer."""

    __slots__ = (
        "callbacks",
        "dead_until",
        "free",
        "hold_time",
        "logged_in",
        "name",
        "patience",
        "rule",
        "talk",
        "waiting",
        "wrap_up",
    )

    def __init__(self, name: str, rule: Queue, priorities: Iterable[int]) -> None:
        self.name = name
        self.rule = rule
        self.talk: Draw = drawing(rule.talk)
        self.patience: Draw = drawing(rule.patience)
        self.wrap_up: Draw | None = None if rule.wrap_up is None else drawing(rule.wrap_up)
        self.hold_time: Draw = drawing(rule.hold_time)
        self.waiting: list[tuple[int, int, Visit]] = []
        """A heap by time of entering; visits that are no longer in line are dropped when they come to the top."""
        self.free: dict[int, dict[Person, None]] = {priority: {} for priority in sorted(priorities)}
        """Who could answer at once: by priority, the one first who has been free longest."""
        self.callbacks: list[str] = []
        """Contacts that were promised a call, in order."""
        self.logged_in = 0
        self.dead_until = 0

    def join(self, visit: Visit) -> None:
        heappush(self.waiting, (visit.entered, visit.number, visit))

    def first(self) -> Visit | None:
        """Who has waited longest and is being offered to nobody."""
        waiting = self.waiting
        while waiting:
            visit = waiting[0][2]
            if visit.state == WAITING:
                return visit
            heappop(waiting)
        return None


class Person:
    """One agent on one day."""

    __slots__ = (
        "absence",
        "by_priority",
        "condition",
        "contact",
        "due",
        "leaving",
        "name",
        "queue",
        "reason",
        "ring_no_answer",
        "serves",
        "since",
    )

    def __init__(self, name: str, skill: dict[str, int], lines: dict[str, Line], ring_no_answer: float) -> None:
        self.name = name
        self.serves: dict[str, str | None] = dict.fromkeys(skill)
        self.by_priority: list[tuple[int, Line]] = sorted(
            ((p, lines[queue]) for queue, p in skill.items()), key=lambda pair: pair[0]
        )
        self.ring_no_answer = ring_no_answer
        self.condition: AgentCondition = "logged_out"
        self.reason = self.queue = self.contact = ""
        self.since: int | None = None
        self.due: list[tuple[str, int, int | None]] = []
        """Breaks to take when hands are free: (reason, duration in ms, at the latest until)."""
        self.leaving = False
        self.absence = 0
        """Counts absences, so that the end of one that was cut short is not taken for the end of the next."""

    def become_free(self) -> None:
        for priority, line in self.by_priority:
            line.free[priority][self] = None

    def become_busy(self) -> None:
        for priority, line in self.by_priority:
            del line.free[priority][self]
