"""The collector for any database: somebody's own SELECTs, a poll each, their columns checked before a number is made of them."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from collectors.collector import FLOOR, FUTURE_MS, CollectorError, Fact, Link, SourceSettings
from collectors.counters import fact_of
from collectors.events import AnyEvent, SeenAgent, Snapshot
from collectors.polled.contacts import ContactLog, LoggedContact, waiting_contacts
from collectors.polled.database import Database
from collectors.polled.news import WholeLooks
from collectors.polled.people import Roster
from collectors.polled.schedule import Poll, poll_forever
from collectors.sql.columns import AGENTS, CONTACTS, FACTS, QUEUES, Shape
from collectors.sql.settings import SqlSettings
from collectors.sql.translate import (
    contact,
    looks,
    mixed,
    people,
    reported,
    told_by_agents,
    told_by_contacts,
    told_by_queues,
)

RIGHTS = "check the credentials and the statement; it needs a user that may SELECT from the tables it names, and do nothing else"


class SqlCollector:
    """One database with one to four questions."""

    kind: ClassVar[str] = "sql"
    Settings: ClassVar[type[SourceSettings]] = SqlSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR

    def __init__(self, source: str, settings: Any) -> None:
        self.source = source
        self._settings: SqlSettings = settings

    async def run(self, link: Link) -> None:
        """Tell what the answers show until cancelled. Raises ``CollectorError``."""
        settings = self._settings
        database = Database(
            link,
            settings.url.get_secret_value(),
            name="the database",
            rights=RIGHTS,
            statement_s=settings.timeout_s,
            most_rows=settings.most_rows,
        )
        async with database:
            session = _Session(link, database, settings)
            every_s = settings.poll_s
            polls = []
            if settings.contacts or settings.agents:
                polls.append(Poll("contacts and agents", every_s, session.floor))
            if settings.queues:
                polls.append(Poll("queues", every_s, session.queues))
            if settings.facts:
                polls.append(Poll("facts", every_s, session.facts))
            await poll_forever(polls, link)


class _Session:
    def __init__(self, link: Link, database: Database, settings: SqlSettings) -> None:
        self._link, self._database, self._settings = link, database, settings
        self._zone = ZoneInfo(settings.time_zone)
        self._columns: dict[str, tuple[str, ...]] = {}
        self._looks = WholeLooks(link)
        self._log, self._roster = ContactLog(), Roster()
        self._known: set[str] = set()
        self._taken_over = False
        self._facts: set[str] = set()
        self._reported: set[Fact] = set()
        """What rows of ``facts`` have told of: which of all counters they will name, no column says."""

    async def _rows(self, shape: Shape, statement: str) -> list[dict[str, Any]]:
        answer = await self._database.ask_as_written(statement)
        if self._columns.get(shape.question) != answer.columns:
            shape.check(answer.columns)
            self._columns[shape.question] = answer.columns
            self._see_what_is_told()
        rows = shape.read(answer.by_name(), self._zone)
        self._doubt_times(shape, rows)
        return rows

    def _doubt_times(self, shape: Shape, rows: list[dict[str, Any]]) -> None:
        """A time ahead of ours is of a wrong zone or a wrong clock: nothing is told of it then. Raises ``CollectorError``."""
        now = self._link.now_ms()
        ahead = max((row[column] - now for row in rows for column in shape.moments if column in row), default=0)
        if ahead > FUTURE_MS:
            raise CollectorError(
                f"the answer to {shape.question} has a time {ahead // 60_000} min ahead of our clock; correct time_zone (now "
                f"{self._settings.time_zone}) or the database's clock"
            )

    def _see_what_is_told(self) -> None:
        """What this source can tell follows from the columns that it has. Raises ``CollectorError`` where two tell the same."""
        queues, contacts = self._columns.get("queues", ()), self._columns.get("contacts", ())
        if self._settings.contacts and (twice := mixed(queues)):
            raise CollectorError(
                f"contacts are told one by one, so queues must not count them too: leave out {', '.join(twice)}",
                permanent=True,
            )
        if self._settings.agents and (twice := [name for name in queues if name.startswith("agents_")]):
            raise CollectorError(
                f"agents are told one by one, so queues must not count them too: leave out {', '.join(twice)}",
                permanent=True,
            )
        gives = told_by_queues(queues) | told_by_contacts(contacts)
        if "agents" in self._columns:
            gives |= told_by_agents(self._columns["agents"])
        self._link.note(gives=sorted(gives | self._reported))

    async def queues(self) -> None:
        assert self._settings.queues is not None
        rows = await self._rows(QUEUES, self._settings.queues)
        now = self._link.now_ms()
        await self._looks.tell(looks(rows, now), now)

    async def facts(self) -> None:
        assert self._settings.facts is not None
        rows = await self._rows(FACTS, self._settings.facts)
        told = [reported(row) for row in rows]
        await self._link.emit([report for report in told if report.id not in self._facts])
        self._facts = {report.id for report in told}
        told_of = {fact for report in told for counter in report.counters if (fact := fact_of(counter)) is not None}
        if not told_of <= self._reported:
            self._reported |= told_of
            self._see_what_is_told()

    async def floor(self) -> None:
        """Contacts and agents together, since a whole state has both."""
        link, settings = self._link, self._settings
        asked_at = link.now_ms()
        contacts: list[LoggedContact] = []
        if settings.contacts:
            contacts = [contact(row) for row in await self._rows(CONTACTS, settings.contacts)]
        seen = people(await self._rows(AGENTS, settings.agents)) if settings.agents else []
        now = link.now_ms()
        listed = {(row.queue, row.contact) for row in contacts}
        vanished = any((row.queue, row.contact) not in listed for row in self._log.waiting())
        self._log.keep(listed)
        events: list[AnyEvent] = [*self._log.changes(contacts)]
        self._known |= {row.queue for row in contacts} | {queue for person in seen for queue in person.queues}
        if not self._taken_over:
            events.append(self._snapshot(self._roster.start(seen, now), now, asked_at, link.unwatched_since))
            self._taken_over = True
        else:
            events += self._roster.changes(seen, now)
            if vanished:  # the table no longer knows of somebody who waited; how that ended, nobody says
                events.append(self._snapshot(seen, now, asked_at, None))
        await link.emit(events)

    def _snapshot(self, seen: list[SeenAgent], now: int, asked_at: int, unwatched_since: int | None) -> Snapshot:
        waiting = waiting_contacts(self._log.waiting())
        return Snapshot(now, asked_at, sorted(self._known), waiting, seen, unwatched_since=unwatched_since)
