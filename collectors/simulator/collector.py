"""The simulated centre as a source: it catches up with the present, then goes on in step with the clock.

What it says survives a restart without being stored: the centre is computed again up to where the log ends (see ``centre``) and goes on from
there. All that is remembered is how far it was told, and the incidents, which no seed knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Any, ClassVar

import msgspec

from collectors.collector import FLOOR, Fact, Link, SourceSettings
from collectors.events import AnyEvent
from collectors.simulator.centre import LONGEST_TAIL_MS, Centre, fingerprint
from collectors.simulator.incidents import INCIDENTS, Incident, fault
from collectors.simulator.settings import SimulatorSettings
from collectors.simulator.tally import Tally

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SLICE_MS = 5 * 60_000
"""How much is simulated at once before others on the event loop get their turn."""
LONGEST_GAP_MS = 72 * HOUR_MS
"""After a longer absence only the running day is told; the days between stay empty."""
REMEMBER_EVERY_MS = 1_000
MEMORY = "centre"


class Memory(msgspec.Struct):
    """What outlives the process. Times are simulated epoch ms; ``told_to``: up to there the log knows everything."""

    fingerprint: str
    begun_at: int
    told_to: int
    history_to: int | None = None
    """How far the earlier days are told; None: no more are to be."""
    history_end: int = 0
    queues: list[str] = []
    incidents: list[Incident] = []


class Simulator:
    """The collector of kind ``simulator``."""

    kind: ClassVar[str] = "simulator"
    Settings: ClassVar[type[SourceSettings]] = SimulatorSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR
    tick_s: ClassVar[float] = 0.5
    """The source gives a sign of life at least this often, also when nothing happens in it."""

    def __init__(self, source: str, settings: Any) -> None:
        self._settings = settings

    async def run(self, link: Link) -> None:
        """One session: never returns, and fails only when the log does."""
        await _Session(link, self._settings, self.tick_s).run()


class _Session:
    def __init__(self, link: Link, settings: SimulatorSettings, tick_s: float) -> None:
        self._link = link
        self._tick_s = tick_s
        self._settings = settings
        self._print = fingerprint(settings.scenario, settings.seed, settings.zone)
        self._centre: Centre
        self._memory: Memory
        self._remembered_at = 0
        self._base = self._began = link.now_ms()

    async def run(self) -> None:
        settings = self._settings
        self._link.note(
            scenario_queues=list(settings.scenario.queues),
            incidents_offered={name: text for name, (text, _) in INCIDENTS.items()},
            speed=settings.speed,
        )
        await self._begin()
        self._note_incidents()
        self._link.connected(
            f"simulated, seed {settings.seed}" + ("" if settings.speed == 1 else f", speed {settings.speed}")
        )
        history = asyncio.create_task(self._tell_history())
        word = asyncio.ensure_future(self._link.commands())
        try:
            while True:
                if settings.speed == "max":
                    await self._tell(self._centre.at_ms + SLICE_MS)
                    await asyncio.sleep(0)
                else:
                    await self._tell(self._now())
                    await asyncio.wait({word}, timeout=self._pause_s(settings.speed))
                self._link.heard()
                self._note_incidents()
                if history.done():
                    history.result()  # a failure of it is one of the session
                if word.done():
                    await self._obey(word.result())
                    word = asyncio.ensure_future(self._link.commands())
        finally:
            for task in (history, word):
                task.cancel()
            await asyncio.gather(history, word, return_exceptions=True)
            await self._remember()

    # ── time ──────────────────────────────────────────────────────────────────────────────────────

    def _now(self) -> int:
        """The simulated time."""
        now = self._link.now_ms()
        if not self._settings.own_clock or self._settings.speed == "max":
            return now
        return self._base + round((now - self._began) * self._settings.speed)

    def _pause_s(self, speed: float) -> float:
        return min(self._tick_s, max(0.002, (self._centre.next_ms - self._now()) / 1000 / speed))

    # ── beginning, and beginning again ────────────────────────────────────────────────────────────

    async def _begin(self) -> None:
        settings, link = self._settings, self._link
        now = link.now_ms()
        memory = self._known(await link.recall(MEMORY))
        same = memory is not None and memory.fingerprint == self._print
        if settings.own_clock:
            self._base = now = memory.told_to if memory is not None and same else settings.start_ms or now
        if memory is None:
            await (self._begin_at(now) if settings.own_clock else self._begin_with_the_past(now))
        elif not same or not 0 <= now - memory.told_to <= LONGEST_GAP_MS:
            # Another centre, a clock that was turned back, or a long absence: what nobody can continue begins anew.
            begin = max(self._midnight(now), memory.told_to + 1) if same and memory.told_to < now else now
            await self._begin_at(begin, memory.queues)
        else:
            await self._go_on(memory, now)
        await self._tell(now)

    def _known(self, raw: bytes | None) -> Memory | None:
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw, type=Memory)
        except msgspec.DecodeError:
            return Memory("", 0, 0)  # written by another version: somebody was here, and nothing can be continued

    def _midnight(self, at_ms: int) -> int:
        zone = self._settings.zone
        day = datetime.fromtimestamp(at_ms / 1000, zone).date()
        return round(datetime.combine(day, time(), tzinfo=zone).timestamp() * 1000)

    async def _begin_at(self, start_ms: int, before: Sequence[str] = ()) -> None:
        """From ``start_ms`` on, with whatever is going on then."""
        self._open(start_ms, [])
        await self._advance(start_ms - 1, lambda events: None)
        self._memory = Memory(
            self._print, self._centre.epoch_ms, self._centre.at_ms, queues=list(self._settings.scenario.queues)
        )
        snapshot = self._centre.snapshot(self._unwatched_since())
        # Queues that a changed scenario no longer has are empty now; only a snapshot that covers them says so.
        queues = list(dict.fromkeys([*snapshot.queues, *before]))
        await self._link.emit([msgspec.structs.replace(snapshot, queues=queues), *self._centre.at_work()])

    async def _begin_with_the_past(self, now: int) -> None:
        """The first start: the running day contact by contact, the evening before in quarter hours; older days follow later.

        What comes in quarter hours must come before the first contact, because the floor lets nobody rewrite what it has watched.
        """
        midnight = self._midnight(now)
        if self._settings.scenario.handover is None:
            await self._begin_at(midnight)
            return
        evening = midnight - LONGEST_TAIL_MS
        self._open(evening - LONGEST_TAIL_MS, [])
        tally = Tally(_homes(self._settings))
        await self._advance(midnight - 1, lambda events: tally.add(events))
        history = midnight - self._settings.history_days * DAY_MS
        self._memory = Memory(
            self._print,
            self._centre.epoch_ms,
            self._centre.at_ms,
            history_end=evening,
            queues=list(self._settings.scenario.queues),
        )
        if self._settings.history_days:
            tally.book_time(midnight)
            self._memory.history_to = history
            await self._link.emit([*tally.take(evening, midnight)])
        await self._link.emit([self._centre.snapshot(), *self._centre.at_work()])

    async def _go_on(self, memory: Memory, now: int) -> None:
        """Where the log ends, compute the centre again up to there and tell what came after."""
        endless = self._settings.scenario.handover is None
        self._open(memory.begun_at if endless else memory.told_to + 1, memory.incidents)
        await self._advance(memory.told_to, lambda events: None)
        self._memory = memory
        since = self._unwatched_since()
        # The watch may have ended a moment after the last word: the snapshot must not lie before that.
        await self._tell(min(now, max(memory.told_to, since or 0)))
        await self._link.emit([self._centre.snapshot(since), *self._centre.at_work()])

    def _unwatched_since(self) -> int | None:
        since = self._link.unwatched_since
        if since is None or not self._settings.own_clock:
            return since
        return self._centre.at_ms

    def _open(self, start_ms: int, incidents: list[Incident]) -> None:
        settings = self._settings
        self._centre = Centre(settings.scenario, settings.seed, start_ms, settings.zone, incidents)

    async def _advance(self, to_ms: int, take: Callable[[list[AnyEvent]], None]) -> None:
        await _advance(self._centre, to_ms, take)

    # ── telling ───────────────────────────────────────────────────────────────────────────────────

    async def _tell(self, to_ms: int) -> None:
        centre = self._centre
        while centre.at_ms < to_ms:
            events = centre.advance(min(to_ms, centre.at_ms + SLICE_MS))
            if events:
                await self._link.emit(events)
            self._memory.told_to = centre.at_ms  # not before: a session may end while the log makes emit wait
            if centre.at_ms < to_ms:
                await asyncio.sleep(0)
        now = self._link.now_ms()
        if now - self._remembered_at >= REMEMBER_EVERY_MS or now < self._remembered_at:
            await self._remember()

    async def _remember(self) -> None:
        self._remembered_at = self._link.now_ms()
        self._memory.incidents = self._centre.incidents
        await self._link.remember(MEMORY, msgspec.json.encode(self._memory))

    async def _tell_history(self) -> None:
        """The days before the first start, oldest first, beside the live centre and slowly enough not to be in its way."""
        memory, settings = self._memory, self._settings
        if memory.history_to is None:
            return
        begin = memory.history_to
        past = Centre(settings.scenario, settings.seed, begin - LONGEST_TAIL_MS, settings.zone)
        tally = Tally(_homes(settings))
        while memory.history_to < memory.history_end:
            # What began before the stretch's end is over a tail later.
            upto = min(memory.history_end, memory.history_to + 6 * HOUR_MS)
            await _advance(past, upto + LONGEST_TAIL_MS, tally.add, pause_s=0.002)
            tally.book_time(past.at_ms)
            await self._link.emit([*tally.take(memory.history_to, upto)])
            memory.history_to = upto
        memory.history_to = None
        await self._remember()

    # ── a person's word ───────────────────────────────────────────────────────────────────────────

    async def _obey(self, command: dict[str, Any]) -> None:
        name, queue, minutes = command.get("incident"), command.get("queue") or None, command.get("minutes", 5)
        if isinstance(minutes, bool) or not isinstance(minutes, (int, float)):
            minutes = 0
        wrong = fault(str(name), queue, minutes, list(self._settings.scenario.queues))
        if wrong:
            self._link.note(warning=wrong)
            return
        at = self._centre.at_ms
        self._centre.incident(
            Incident(str(name), queue, at, at + round(minutes * 60_000), str(command.get("by") or ""))
        )
        await self._remember()  # before what comes of it is told: a restart must know why it happened
        self._link.note(warning="")
        self._note_incidents()

    def _note_incidents(self) -> None:
        now = self._centre.at_ms
        active = [incident for incident in self._centre.incidents if incident.at <= now < incident.until]
        self._link.note(incidents=[msgspec.to_builtins(incident) for incident in active])


async def _advance(centre: Centre, to_ms: int, take: Callable[[list[AnyEvent]], None], pause_s: float = 0.0) -> None:
    """Simulate in slices, so that the event loop stays awake."""
    while centre.at_ms < to_ms:
        take(centre.advance(min(to_ms, centre.at_ms + SLICE_MS)))
        await asyncio.sleep(pause_s)


def _homes(settings: SimulatorSettings) -> dict[str, str]:
    """Each person's first queue."""
    scenario = settings.scenario
    return {
        name: min(skill, key=lambda queue, skill=skill: skill[queue])  # type: ignore[misc]
        for team_name, team in scenario.teams.items()
        for place, name in enumerate(team.names(team_name))
        for skill in [team.skill(place)]
    }
