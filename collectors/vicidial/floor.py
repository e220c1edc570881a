"""VICIdial's floor: who waits, who works, and every inbound contact, each few seconds in four short questions."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from collectors.collector import Link
from collectors.events import AnyEvent, QueueObserved, SeenAgent, Snapshot
from collectors.polled.clock import SHOWN_MS, AcdClock
from collectors.polled.contacts import waiting_contacts
from collectors.polled.database import Database
from collectors.polled.news import Looks
from collectors.polled.people import Roster
from collectors.vicidial import statements
from collectors.vicidial.inbound import InboundLog
from collectors.vicidial.settings import VicidialSettings
from collectors.vicidial.translate import Row, agent

LOOK_BACK_MS = 23 * 3_600_000
PAGE = 5_000
OPEN_AT_ONCE = 1_000
GRACE_MS = 120_000
"""Tables in memory are empty after the database began, and say nothing for so long."""
LOG, AGENTS = "vicidial.log", "vicidial.agents"


class Floor:
    """One session's questions about the present and the inbound log."""

    def __init__(self, link: Link, database: Database, settings: VicidialSettings) -> None:
        self._link, self._database = link, database
        self._queues = None if settings.queues is None else frozenset(settings.queues)
        self._zone = None if settings.time_zone is None else ZoneInfo(settings.time_zone)
        self._offset_s: int | None = None
        self._clock = AcdClock(link)
        self._log = InboundLog()
        self._roster = Roster()
        self._agent_columns: frozenset[str] = frozenset()
        self._campaigns: frozenset[str] = frozenset()
        self._ingroups: frozenset[str] = frozenset()
        self._began_ms = 0
        self._taken_over = False
        self._remembered: dict[str, tuple[str, list[str]]] = {}
        self._looks = Looks()

    def ours(self, acd_ms: int) -> int:
        """A time of the database's on our clock; its difference is changed only for a reason, so that a row told again says the same."""
        return acd_ms - self._log.skew_ms

    @property
    def skew_ms(self) -> int:
        """The database's clock minus ours."""
        return self._log.skew_ms

    def wanted(self, queue: str) -> bool:
        """Whether the settings let this in-group or campaign in."""
        return self._queues is None or queue in self._queues

    async def begin(self) -> str:
        """What is asked once; returns the server's version."""
        database, link = self._database, self._link
        version = str((await database.ask(statements.VERSION)).rows[0][0])
        uptime = (await database.ask(statements.UPTIME)).rows
        self._began_ms = link.now_ms() - (int(uptime[0][1]) * 1000 if uptime else GRACE_MS)
        columns = await database.ask(statements.AGENT_COLUMNS)
        self._agent_columns = frozenset(str(row[0]).lower() for row in columns.rows)
        self._log.decode(await link.recall(LOG))
        await self._recall_agents()
        link.note(version=version)
        await self._set_clock()
        await self._find_place()
        await self.names()
        return f"VICIdial on {version}"

    async def _find_place(self) -> None:
        """Go on where the log was read to, but read no further back than the fold remembers."""
        now_s = (self._link.now_ms() + self.skew_ms) // 1000
        last = (await self._database.ask(statements.LAST_CONTACT)).rows[0][0] or 0
        if self._log.seen is not None and last < self._log.seen:
            self._link.note(warning="the log of contacts begins anew: its numbers are lower than before")
            self._log = InboundLog()
            await self._set_clock()
        first = (await self._database.ask(statements.FIRST_CONTACT, since_s=now_s - LOOK_BACK_MS // 1000)).rows
        oldest = int(first[0][0]) - 1 if first else last
        self._log.seen = max(oldest, self._log.seen or 0)

    async def _recall_agents(self) -> None:
        raw = await self._link.recall(AGENTS)
        try:
            known = json.loads(raw) if raw else {}
            self._remembered = {str(user): (str(name), list(queues)) for user, (name, queues) in known.items()}
        except (ValueError, TypeError, AttributeError):
            self._remembered = {}

    async def names(self) -> None:
        """Which in-groups and campaigns there are."""
        ingroups, campaigns = (
            await self._database.ask(statements.INGROUPS),
            await self._database.ask(statements.CAMPAIGNS),
        )
        self._ingroups = frozenset(str(row[0]) for row in ingroups.rows if self.wanted(str(row[0])))
        self._campaigns = frozenset(str(row[0]) for row in campaigns.rows if self.wanted(str(row[0])))

    async def look(self) -> None:
        """Ask for everything that changes, and tell what did."""
        database, link = self._database, self._link
        await self._set_clock()
        asked_at = link.now_ms()
        agents = (await database.ask(statements.agents(self._agent_columns))).by_name()
        calls = (await database.ask(statements.CALLS)).by_name()
        told = await self._contacts()
        now = link.now_ms()
        trusted = now - self._began_ms >= GRACE_MS
        doubt = self._log.look(frozenset(str(call["uniqueid"] or "") for call in calls), now, trusted=trusted)
        people = self._people(agents, calls, trusted=trusted)
        if not self._taken_over:
            seen = self._roster.start(people, now)
            await link.emit([*told, self._snapshot(seen, now, asked_at, link.unwatched_since)])
            self._taken_over = True
        else:
            events = [*told, *self._roster.changes(people, now)]
            await link.emit([*events, self._snapshot(people, now, asked_at, None)] if doubt else events)
        await link.emit(self._campaigns_now(calls, now))
        await self._remember(people)

    async def _set_clock(self) -> None:
        """How late it is there, and in which zone its dates are."""
        link = self._link
        if self._zone is not None:
            at = datetime.fromtimestamp((link.now_ms() + self.skew_ms) / 1000, UTC).astimezone(self._zone)
            offset = at.utcoffset()
            offset_s = 0 if offset is None else round(offset.total_seconds())
            if offset_s != self._offset_s:
                await self._database.order(statements.session_zone(offset_s))
                self._offset_s = offset_s
        asked_at = link.now_ms()
        there = (await self._database.ask(statements.CLOCK)).rows[0][0]
        self._clock.told(round(float(there) * 1000), asked_at, link.now_ms())
        if abs(self._clock.skew_ms - self._log.skew_ms) > SHOWN_MS:
            self._log.skew_ms = self._clock.skew_ms

    async def _contacts(self) -> list[AnyEvent]:
        database, log = self._database, self._log
        events: list[AnyEvent] = []
        still_open = log.open
        for start in range(0, len(still_open), OPEN_AT_ONCE):
            rows = await database.ask_expanding(statements.OPEN_CONTACTS, open=still_open[start : start + OPEN_AT_ONCE])
            events += log.take(rows.by_name(), self.ours, self.wanted)
        while True:
            rows = await database.ask(statements.NEW_CONTACTS, seen=log.seen or 0, page=PAGE)
            events += log.take(rows.by_name(), self.ours, self.wanted)
            if len(rows.rows) < PAGE:
                return events

    def _people(self, agents: list[Row], calls: list[Row], *, trusted: bool) -> list[SeenAgent]:
        callerids = frozenset(str(call["callerid"] or "") for call in calls)
        people = []
        for row in agents:
            person = agent(row, callerids, self.ours)
            if self._queues is not None and self._queues.isdisjoint(person.queues):
                continue
            people.append(person)
        if not trusted:
            # The table was emptied under them: what they do is not known, which is not to say that they went home.
            here = {person.agent for person in people}
            people += [
                SeenAgent(user, "unknown", dict.fromkeys(queues), name)
                for user, (name, queues) in self._remembered.items()
                if user not in here
            ]
        return people

    def _snapshot(self, people: list[SeenAgent], now: int, asked_at: int, unwatched_since: int | None) -> Snapshot:
        waiting = waiting_contacts(self._log.waiting())
        queues = self._ingroups | self._campaigns | {found.queue for found in waiting}
        queues |= {queue for person in people for queue in person.queues}
        queues |= {queue for _, known in self._remembered.values() for queue in known}
        return Snapshot(now, asked_at, sorted(queues), waiting, people, unwatched_since=unwatched_since)

    def _campaigns_now(self, calls: list[Row], now: int) -> list[AnyEvent]:
        """Calls of a campaign that somebody answered and that have no agent yet."""
        live = Counter(
            str(call["campaign_id"]) for call in calls if call["status"] == "LIVE" and call["call_type"] != "IN"
        )
        looks = [QueueObserved(now, name, waiting=live[name]) for name in sorted(self._campaigns)]
        return [*self._looks.news(looks), *self._looks.gone(self._campaigns, now)]

    async def _remember(self, people: list[SeenAgent]) -> None:
        known = {person.agent: (person.name, sorted(person.queues)) for person in people}
        if known != self._remembered:
            self._remembered = known
            await self._link.remember(AGENTS, json.dumps(known).encode())
        await self._link.remember(LOG, self._log.encode())
