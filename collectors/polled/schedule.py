"""Ask each thing on its own schedule, side by side; keep to an ACD's limits without falling silent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from collectors.collector import STALE_AFTER_MS, CollectorError, Link

LONGEST_WAIT_S = 300.0
"""An ACD that asks for a longer pause is asked again after this one."""
FIRST_WAIT_S = 2.0
"""The pause where an ACD refuses without saying for how long; it doubles with each refusal in a row."""


class Limited(Exception):
    """The ACD answers no more questions for now. ``retry_after_s``: for how long, None when it does not say."""

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("the ACD's limit on requests is reached")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Poll:
    """One question that is asked again and again. ``ask`` asks once, and emits what the answer tells.

    ``sooner``: set by whoever hears that the answer has changed; it is then asked at once, but not within ``gap_s`` of the last time.
    ``unknown``: says that what ``ask`` told of the present is not known any more; called once when the ACD has refused to answer for
    longer than ``stale_after_s``. ``needed``: whether the source is down until this was answered once.
    """

    name: str
    every_s: float
    ask: Callable[[], Awaitable[None]]
    sooner: asyncio.Event | None = None
    gap_s: float = 1.0
    unknown: Callable[[], Awaitable[None]] | None = None
    stale_after_s: float = STALE_AFTER_MS / 1000
    needed: bool = True


async def poll_forever(polls: Sequence[Poll], link: Link, *, detail: str = "") -> None:
    """Ask everything once, say that the source is up, and go on asking until an ``ask`` raises ``CollectorError``.

    Each poll has a task of its own, so that one that hangs delays no other. ``Limited`` pauses that poll alone, for as long as the
    ACD wants: the pause is noted (``limited``, ``limited_until``), and what the poll told of the present is taken back when it is old.
    """
    pauses, postponed = _Pauses(link), dict[str, Limited]()
    for poll in polls:
        if poll.needed:
            await _ask_until_heard(poll, pauses)
            continue
        try:
            await poll.ask()
        except Limited as limit:
            postponed[poll.name] = limit
    link.connected(detail)
    try:
        async with asyncio.TaskGroup() as tasks:
            for poll in polls:
                going_on = _keep_asking(poll, pauses, postponed.get(poll.name))
                tasks.create_task(going_on, name=f"{link.source}: {poll.name}")
    except* CollectorError as several:
        raise several.exceptions[0] from None


class _Pauses:
    """Which polls pause, and until when."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._until: dict[str, int] = {}

    def begin(self, poll: str, pause_s: float) -> None:
        self._until[poll] = self._link.now_ms() + round(pause_s * 1000)
        self._note()

    def over(self, poll: str) -> None:
        if self._until.pop(poll, None) is not None:
            self._note()

    def _note(self) -> None:
        names = ", ".join(self._until) or None
        self._link.note(limited_until=max(self._until.values(), default=None), limited=names)


async def _keep_asking(poll: Poll, pauses: _Pauses, limit: Limited | None) -> None:
    if limit is not None:
        await _ask_until_heard(poll, pauses, limit)
    # Sources that start together must not ask together for ever.
    asked = asyncio.get_running_loop().time()
    due = asked + poll.every_s * random.uniform(0.5, 1.0)
    while True:
        early = await _due_or_sooner(poll, asked, due)
        asked = asyncio.get_running_loop().time()
        await _ask_until_heard(poll, pauses)
        # A slow answer moves the schedule: the questions that it missed are not asked in a burst.
        due = max((asked if early else due) + poll.every_s, asyncio.get_running_loop().time())


async def _due_or_sooner(poll: Poll, asked: float, due: float) -> bool:
    """Wait for one's turn; whether it came early. Whatever is heard from now on calls for the next turn."""
    now = asyncio.get_running_loop().time()
    if poll.sooner is None:
        await asyncio.sleep(max(0.0, due - now))
        return False
    await asyncio.sleep(min(max(0.0, due - now), max(0.0, asked + poll.gap_s - now)))
    try:
        async with asyncio.timeout_at(due):
            await poll.sooner.wait()
    except TimeoutError:
        return False
    finally:
        poll.sooner.clear()
    return True


async def _ask_until_heard(poll: Poll, pauses: _Pauses, limit: Limited | None = None) -> None:
    """Ask until there is an answer. ``limit``: the refusal that it begins with."""
    loop = asyncio.get_running_loop()
    refused, unknown = 0, poll.unknown
    stale_at = loop.time() + poll.stale_after_s
    while True:
        if limit is None:
            try:
                await poll.ask()
            except Limited as told:
                limit = told
            else:
                pauses.over(poll.name)
                return
        wanted = FIRST_WAIT_S * 2 ** min(refused, 8) if limit.retry_after_s is None else limit.retry_after_s
        pause = min(LONGEST_WAIT_S, max(1.0, wanted)) * random.uniform(1.0, 1.1)
        refused, limit = refused + 1, None
        again_at = loop.time() + pause
        pauses.begin(poll.name, pause)
        if unknown is not None and again_at > stale_at:
            await asyncio.sleep(max(0.0, stale_at - loop.time()))
            await unknown()
            unknown = None
        await asyncio.sleep(again_at - loop.time())


class Allowance:
    """At most ``per_s`` requests a second on average, ``burst`` at once; shared by whoever asks the same account."""

    def __init__(self, per_s: float, burst: int = 1) -> None:
        self._per_s, self._burst = per_s, burst
        self._left, self._at = float(burst), 0.0

    async def take(self) -> None:
        """Wait for one's turn; turns are given in the order of asking."""
        now = asyncio.get_running_loop().time()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_s) if self._at else self._left
        self._at = now
        self._left -= 1
        if self._left < 0:
            await asyncio.sleep(-self._left / self._per_s)
