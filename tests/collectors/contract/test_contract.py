"""The contract that every kind of source keeps, on good days and bad: through the real supervisor, a real Redis and the real fold.

Afterwards conservation holds and nothing counted twice. A new kind is a rig (``rigs.py``), and is asked all of this.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from collectors.collector import Status
from collectors.registry import KINDS
from operations.floor.counters import total
from operations.floor.floor import Floor
from tests.collectors.contract.rig import AGENT, MIDNIGHT_MS, QUEUE, Clock, Rig, shown
from tests.collectors.contract.rigs import RIGS, kind_of
from tests.collectors.redis_process import RedisProcess
from tests.collectors.test_supervisor import FAST, Running, until

NOTICED_WITHIN_S = 15
SECOND = "Ana Lima"

every_kind = pytest.mark.parametrize("kind", sorted(RIGS))


class Watched:
    """A rig under the supervisor, and what the fold makes of its log."""

    def __init__(self, kind: str, redis_process: RedisProcess) -> None:
        self.clock = Clock()
        self.rig: Rig = RIGS[kind](self.clock)
        self.rig.redis_url = f"unix://{redis_process.socket}"
        self.kind, self._process = kind_of(kind), redis_process

    async def __aenter__(self) -> Watched:
        await self.rig.start()
        self.running = self.watch()
        await self.running.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.running.__aexit__(None, None, None)
        await self.rig.stop()

    def watch(self) -> Running:
        more: dict[str, Any] = {"clock": self.clock, "kinds": {self.kind: KINDS[self.kind]}}
        return Running(self._process, KINDS[self.kind], self.rig.settings, pace=FAST, **more)

    async def state(self, wanted: str) -> Status | None:
        status = await self.running.status()
        return status if status is not None and status.state == wanted else None

    async def up(self) -> None:
        await until(lambda: self.state("up"), 30)

    async def down(self) -> Status:
        status: Status = await until(lambda: self.state("down"), 30)
        return status

    async def numbers(self) -> dict[str, int]:
        """The log as it is, folded from its beginning twice over: told again, nothing may count again."""
        events = await self.running.events()
        floor = Floor()
        for event in [*events, *events]:
            floor.apply(event)
        floor.advance(self.clock())
        delta, replaced = floor.drain()
        cells = [cell for (row, _), cell in [*delta.items(), *replaced.items()] if row == QUEUE]
        seen = floor.observed.get(QUEUE)
        waiting = len(floor.waiting.get(QUEUE, {})) + (seen.waiting or 0 if seen is not None else 0)
        return shown(total(cells), waiting)

    async def people(self) -> dict[str, str]:
        """Name → condition of everybody who serves the queue, as the fold has it."""
        floor = Floor()
        for event in await self.running.events():
            floor.apply(event)
        members = floor.members.get(QUEUE, set())
        return {agent.name: agent.condition for agent in floor.agents.values() if agent.agent in members}

    async def work_as(self, **wanted: str) -> None:
        """Whoever serves the queue stands as the ACD has it; ``first`` and ``second``: the two agents."""
        named = {AGENT if who == "first" else SECOND: condition for who, condition in wanted.items()}

        async def check() -> str:
            people = await self.people()
            return "" if people == named else f"the fold says {people}, the ACD {named}"

        await self._come_true(check)

    async def agrees(self) -> None:
        """The numbers become the truth's, and stay so."""
        await self._come_true(self._is_true)

    async def conserves(self) -> None:
        """After what nobody saw: the truth where the ACD tells it afterwards; else the missing are lost of sight, and nobody counts twice."""
        if self.rig.tells_missed:
            await self.agrees()
        else:
            await self._come_true(self._is_conserved)

    async def _is_true(self) -> str:
        numbers, truth = await self.numbers(), self.rig.truth
        wanted = {
            "offered": truth.offered, "answered": truth.answered, "abandoned": truth.abandoned,
            "lost_sight": 0, "waiting": len(truth.waiting),
        }  # fmt: skip
        return "" if numbers == wanted else f"the fold says {numbers}, the ACD {wanted}"

    async def _is_conserved(self) -> str:
        n, truth = await self.numbers(), self.rig.truth
        balanced = n["offered"] == n["answered"] + n["abandoned"] + n["lost_sight"] + n["waiting"]
        bounded = (
            n["offered"] <= truth.offered and n["answered"] <= truth.answered and n["abandoned"] <= truth.abandoned
        )
        present = n["waiting"] == len(truth.waiting)
        return "" if balanced and bounded and present else f"the fold says {n}, the ACD {truth}"

    async def _come_true(self, check: Callable[[], Awaitable[str]]) -> None:
        deadline = time.monotonic() + 20
        while said := await check():
            assert time.monotonic() < deadline, f"{self.kind}: {said}"
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert not (said := await check()), f"{self.kind}: {said}"


def test_every_kind_that_has_an_acd_has_a_rig() -> None:
    assert set(map(kind_of, RIGS)) == set(KINDS) - {"simulator"}, "the simulator is its own ACD"


def scenario(story: Callable[[Watched], Awaitable[None]], kind: str, redis_process: RedisProcess) -> None:
    async def main() -> None:
        async with Watched(kind, redis_process) as watched:
            await story(watched)

    asyncio.run(main())


@every_kind
def test_it_connects_and_counts_what_happens(kind: str, empty_redis: RedisProcess) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        for step in (w.rig.offer, w.rig.offer, w.rig.offer, w.rig.answer, w.rig.abandon):
            await step()
        await w.agrees()
        await w.rig.finish()
        await w.agrees()

    scenario(story, kind, empty_redis)


@pytest.mark.parametrize("kind", sorted(kind for kind, rig in RIGS.items() if rig.signs_in))
def test_everybody_stands_as_what_they_do_also_who_signs_in_later(kind: str, empty_redis: RedisProcess) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        await w.work_as(first="available")
        await w.rig.sign_in(SECOND)
        await w.work_as(first="available", second="available")
        await w.rig.offer()
        await w.rig.answer()
        await w.work_as(first="on_contact", second="available")
        await w.rig.finish()
        await w.work_as(first="available", second="available")

    scenario(story, kind, empty_redis)


@every_kind
def test_who_waits_already_is_seen_at_once(kind: str, empty_redis: RedisProcess) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        await w.rig.offer()
        await w.agrees()
        await w.running.__aexit__(None, None, None)
        w.running = w.watch()
        await w.running.__aenter__()
        await w.up()
        await w.agrees()
        await w.rig.abandon()
        await w.agrees()

    scenario(story, kind, empty_redis)


@pytest.mark.parametrize("kind", sorted(kind for kind, rig in RIGS.items() if rig.can_refuse))
def test_refused_credentials_are_said_as_permanent_and_without_the_secret(kind: str, empty_redis: RedisProcess) -> None:
    async def main() -> None:
        w = Watched(kind, empty_redis)
        await w.rig.start()
        await w.rig.refuse()
        w.running = w.watch()
        async with w.running:
            status = await w.down()
            assert status.permanent, status.error
            for field in type(w.rig.settings).model_fields:
                value = getattr(w.rig.settings, field)
                if hasattr(value, "get_secret_value"):
                    assert value.get_secret_value() not in status.error
        await w.rig.stop()

    asyncio.run(main())


@every_kind
def test_a_link_that_drops_in_the_middle_comes_back_and_the_numbers_with_it(
    kind: str, empty_redis: RedisProcess
) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        for step in (w.rig.offer, w.rig.offer, w.rig.answer):
            await step()
        await w.agrees()
        await w.rig.drop()
        await w.rig.finish()
        await w.rig.offer()
        await w.rig.drop()
        await w.conserves()
        await w.up()

    scenario(story, kind, empty_redis)


@pytest.mark.parametrize("kind", sorted(kind for kind, rig in RIGS.items() if rig.watches_link))
def test_a_half_open_link_is_noticed_and_left(kind: str, empty_redis: RedisProcess) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        await w.rig.offer()
        await w.agrees()
        await w.rig.mute()
        began = time.monotonic()
        await w.down()
        assert time.monotonic() - began < NOTICED_WITHIN_S
        await w.rig.abandon()
        await w.rig.recover()
        await w.up()
        await w.conserves()

    scenario(story, kind, empty_redis)


@every_kind
def test_garbage_is_no_number(kind: str, empty_redis: RedisProcess) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        await w.rig.offer()
        await w.agrees()
        await w.rig.garbage()
        await asyncio.sleep(0.5)
        await w.rig.recover()
        await w.up()
        await w.rig.abandon()
        await w.conserves()

    scenario(story, kind, empty_redis)


@every_kind
def test_a_slow_acd_is_late_and_nothing_worse(kind: str, empty_redis: RedisProcess) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        await w.rig.slow(0.7)
        for step in (w.rig.offer, w.rig.offer, w.rig.answer):
            await step()
        await w.agrees()
        status = await w.running.status()
        assert status is not None and status.state == "up", "slow is not down"

    scenario(story, kind, empty_redis)


@every_kind
def test_a_day_that_rolls_over_in_the_acds_zone_counts_everybody_once(kind: str, empty_redis: RedisProcess) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        for step in (w.rig.offer, w.rig.offer, w.rig.offer, w.rig.answer):
            await step()
        await w.agrees()
        await w.rig.midnight()
        assert w.clock() > MIDNIGHT_MS
        await w.rig.finish()
        await w.rig.abandon()
        await w.rig.offer()
        await w.agrees()

    scenario(story, kind, empty_redis)


@every_kind
def test_an_acd_that_restarts_while_contacts_wait_counts_nobody_twice(kind: str, empty_redis: RedisProcess) -> None:
    async def story(w: Watched) -> None:
        await w.up()
        for step in (w.rig.offer, w.rig.offer, w.rig.answer, w.rig.finish, w.rig.offer):
            await step()
        await w.agrees()
        await w.rig.restart()
        await w.up()
        await w.conserves()
        await w.rig.offer()
        await w.conserves()

    scenario(story, kind, empty_redis)
