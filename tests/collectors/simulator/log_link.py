"""A link whose log is a list and whose clock moves on each time that somebody looks at it."""

from __future__ import annotations

import asyncio
from typing import Any

from collectors import events as e
from collectors.simulator.collector import Simulator
from collectors.simulator.settings import SimulatorSettings


class LogLink:
    """Implements ``collectors.collector.Link``. What is remembered is kept at once, as behind a log that never lags."""

    def __init__(self, now_ms: int, *, step_ms: int = 0, unwatched_since: int | None = None) -> None:
        self.source = "demo"
        self.now = now_ms
        self.step_ms = step_ms
        self.until: int | None = None
        """The clock stops here."""
        self.log: list[e.AnyEvent] = []
        self.memory: dict[str, bytes] = {}
        self.facts: dict[str, Any] = {}
        self.ups = 0
        self.rounds = 0
        """How often the collector gave a sign of life since the clock stands at ``until``."""
        self.words: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.full = self.waits = False
        """The log takes nothing more: ``emit`` waits."""
        self._unwatched_since = unwatched_since
        self._stirred = asyncio.Event()

    def now_ms(self) -> int:
        self.now = self.now + self.step_ms if self.until is None else min(self.until, self.now + self.step_ms)
        return self.now

    async def emit(self, events: list[e.AnyEvent]) -> None:
        if self.full:
            self.waits = True
            self._stirred.set()
            await asyncio.get_running_loop().create_future()
        self.log += events
        self._stirred.set()

    def heard(self) -> None:
        self.rounds = self.rounds + 1 if self.ups and self.now == self.until else 0
        self._stirred.set()

    def connected(self, detail: str = "") -> None:
        self.ups += 1

    def note(self, **facts: Any) -> None:
        self.facts |= facts
        self._stirred.set()

    @property
    def unwatched_since(self) -> int | None:
        return self._unwatched_since

    async def recall(self, key: str) -> bytes | None:
        return self.memory.get(key)

    async def remember(self, key: str, value: bytes) -> None:
        self.memory[key] = value

    async def commands(self) -> dict[str, Any]:
        return await self.words.get()

    async def stirs(self) -> None:
        """Until the collector does something that shows."""
        self._stirred.clear()
        await self._stirred.wait()


class Hurried(Simulator):
    """The simulator with a shorter breath, so that a test need not wait for its ticks."""

    tick_s = 0.01


class Running:
    """A session of the simulator on a link, for as long as the ``async with`` lasts."""

    def __init__(self, link: LogLink, **settings: Any) -> None:
        self.link = link
        block = {"kind": "simulator", "seed": 7, "time_zone": "Asia/Shanghai", "history_days": 0, **settings}
        self._simulator = Hurried("demo", SimulatorSettings.model_validate(block))

    async def __aenter__(self) -> Running:
        self._task = asyncio.create_task(self._simulator.run(self.link))
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def until(self, wanted: Any) -> None:
        """Until ``wanted()`` is true; fails when the session ends first."""
        while not wanted():
            stirred = asyncio.ensure_future(self.link.stirs())
            await asyncio.wait({stirred, self._task}, return_when=asyncio.FIRST_COMPLETED)
            stirred.cancel()
            if self._task.done():
                self._task.result()
                raise AssertionError("the session ended")
