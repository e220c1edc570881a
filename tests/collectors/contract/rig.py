"""What the contract test asks of every kind: an ACD that a test can drive, on real sockets (or files, or a real database)."""

from __future__ import annotations

import abc
import time
from dataclasses import dataclass, field
from typing import ClassVar

from collectors.collector import SourceSettings
from operations.floor.counters import Counters

QUEUE = "sales"
AGENT = "Li Wei 李伟"
START_MS = 1_795_363_100_000
"""2026-11-22T15:58:20Z: a hundred seconds before midnight in Shanghai, and before a quarter of an hour ends everywhere."""
MIDNIGHT_MS = 1_795_363_200_000
ZONE = "Asia/Shanghai"


class Clock:
    """Epoch ms. Runs with real time from ``START_MS`` on, and can jump forward."""

    def __init__(self) -> None:
        self._ahead_ms = START_MS - self._real()

    def __call__(self) -> int:
        return self._real() + self._ahead_ms

    def jump_to(self, at_ms: int) -> None:
        assert at_ms > self()
        self._ahead_ms = at_ms - self._real()

    @staticmethod
    def _real() -> int:
        return time.monotonic_ns() // 1_000_000


@dataclass
class Truth:
    """What really happened on the ACD's floor, whoever was watching."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    waiting: list[str] = field(default_factory=list)
    talking: list[str] = field(default_factory=list)


class Rig(abc.ABC):
    """One ACD of one kind with one queue ``QUEUE`` and one agent, in ``ZONE``.

    A rig keeps the ACD's own state and says it in the vendor's form; ``offer``, ``answer``, ``finish`` and ``abandon`` are the
    floor's life, the rest is what befalls the link. All of it may be called at any time, also while nobody is connected.
    """

    tells_missed: ClassVar[bool] = True
    """Whether the ACD tells afterwards what happened while nobody watched. Where it does not, it is lost of sight and said so."""
    can_refuse: ClassVar[bool] = True
    """Whether there are credentials to refuse."""
    signs_in: ClassVar[bool] = False
    """Whether a second agent can sign in (``sign_in``): then who works as what is asked of this kind."""
    watches_link: ClassVar[bool] = True
    """Whether there is a link that can hang; a file has none."""

    redis_url: str = ""
    """Where a door of ours writes to, for what is not watched but pushes; set before ``start``."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.truth = Truth()
        self._number = 0

    @property
    @abc.abstractmethod
    def settings(self) -> SourceSettings:
        """The source's block, hurried as far as the kind allows. Valid after ``start``."""

    @abc.abstractmethod
    async def start(self) -> None: ...

    @abc.abstractmethod
    async def stop(self) -> None: ...

    # ── the floor's life: overridden by rigs that must say it at once ─────────────────────────────

    async def offer(self) -> str:
        """A contact joins the queue; its id."""
        self._number += 1
        contact = self.new_id(self._number)
        self.truth.offered += 1
        self.truth.waiting.append(contact)
        await self.said("offer", contact)
        return contact

    async def answer(self) -> str:
        """The agent takes whoever waits longest."""
        contact = self.truth.waiting.pop(0)
        self.truth.answered += 1
        self.truth.talking.append(contact)
        await self.said("answer", contact)
        return contact

    async def finish(self) -> str:
        """The longest conversation ends."""
        contact = self.truth.talking.pop(0)
        await self.said("finish", contact)
        return contact

    async def abandon(self) -> str:
        """Whoever waits longest hangs up."""
        contact = self.truth.waiting.pop(0)
        self.truth.abandoned += 1
        await self.said("abandon", contact)
        return contact

    async def sign_in(self, agent: str) -> None:
        """Another agent begins to work, and is free; whoever is offered goes to the first one all the same."""
        raise NotImplementedError

    def new_id(self, number: int) -> str:
        return f"contact-{number}"

    @abc.abstractmethod
    async def said(self, what: str, contact: str) -> None:
        """Something happened (``offer``, ``answer``, ``finish``, ``abandon``): change the ACD's state, tell who listens."""

    # ── what befalls the link ─────────────────────────────────────────────────────────────────────

    async def refuse(self) -> None:
        """From now on the credentials are wrong."""
        raise NotImplementedError

    @abc.abstractmethod
    async def drop(self) -> None:
        """Every connection breaks in the middle of what is said; new ones are possible."""

    async def mute(self) -> None:
        """Half-open: connections stand and are accepted, nothing is answered any more."""
        raise NotImplementedError

    @abc.abstractmethod
    async def garbage(self) -> None:
        """What is said is no protocol at all, until ``recover``. A followed ACD may say one piece of it and go on."""

    @abc.abstractmethod
    async def slow(self, seconds: float) -> None:
        """Every answer takes so long, until ``recover``."""

    @abc.abstractmethod
    async def recover(self) -> None:
        """Well again."""

    async def restart(self) -> None:
        """The ACD restarts: its running counters begin anew where the real one's do. Who waits, waits on (a new id is allowed to no one)."""
        await self.drop()

    async def midnight(self) -> None:
        """The ACD's day rolls over in its own zone: the clock jumps past midnight, daily counters begin anew."""
        self.clock.jump_to(MIDNIGHT_MS + 5_000)


def shown(counters: Counters, waiting: int) -> dict[str, int]:
    """What a fold makes of it, to be compared with a ``Truth``."""
    return {name: counters.get(name) for name in ("offered", "answered", "abandoned", "lost_sight")} | {
        "waiting": waiting
    }
