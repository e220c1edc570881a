"""Somebody's own database for the contract test: a real MariaDB behind a wire that can fail, asked contact by contact."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr

from collectors.sql.settings import SqlSettings
from tests.collectors.contract.rig import AGENT, QUEUE, ZONE, Clock
from tests.collectors.database_rig import DatabaseRig
from tests.collectors.mariadb import MariaDb
from tests.collectors.sql.warehouse import AGENTS, CONTACTS, Warehouse


class SqlRig(DatabaseRig):
    """Keeps every call in a table."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, MariaDb("warehouse"))
        self.warehouse = Warehouse(self.database, clock)
        self._arrived: dict[str, object] = {}

    @property
    def settings(self) -> SqlSettings:
        return SqlSettings(
            kind="sql",
            url=SecretStr(self.url("warehouse")),
            contacts=CONTACTS,
            agents=AGENTS,
            time_zone=ZONE,
            poll_s=1,
            timeout_s=3,
        )

    async def start(self) -> None:
        await asyncio.to_thread(self.database.start)
        self.warehouse.install()
        self.warehouse.agent("li", "available", name=AGENT)
        await self.wire.start()

    async def said(self, what: str, contact: str) -> None:
        now, house = self.warehouse.now(), self.warehouse
        match what:
            case "offer":
                self._arrived[contact] = now
                house.call(contact, skill=QUEUE, arrived=now, number="13800138000")
            case "answer":
                house.call(contact, arrived=self._arrived[contact], connected=now, result="answered", agent="li")
                house.agent("li", "on_contact", name=AGENT)
            case "finish":
                house.call(contact, arrived=self._arrived[contact], hung_up=now)
                house.agent("li", "available", name=AGENT)
            case "abandon":
                house.call(contact, arrived=self._arrived[contact], hung_up=now, result="abandoned")


class SqlTotalsRig(SqlRig):
    """Keeps running totals in a row for each queue, since its own midnight or since it began anew."""

    TABLE = "CREATE OR REPLACE TABLE realtime (skill VARCHAR(40) PRIMARY KEY, waits INT, calls INT, taken INT, lost INT, began DATETIME(3));"
    QUEUES = "SELECT skill AS queue, waits AS waiting, calls AS offered, taken AS answered, lost AS abandoned, began AS since FROM realtime"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._before = (0, 0, 0)

    @property
    def settings(self) -> SqlSettings:
        return super().settings.model_copy(update={"contacts": None, "queues": self.QUEUES})

    async def start(self) -> None:
        await super().start()
        self.database.load(self.TABLE)
        self._began = self.warehouse.now()
        self._write()

    def _write(self) -> None:
        truth = self.truth
        counted = zip((truth.offered, truth.answered, truth.abandoned), self._before, strict=True)
        self.database.run(
            "REPLACE INTO realtime VALUES (%s, %s, %s, %s, %s, %s)",
            QUEUE,
            len(truth.waiting),
            *(now - before for now, before in counted),
            self._began,
        )

    async def said(self, what: str, contact: str) -> None:
        self._write()

    def _begin_anew(self) -> None:
        self._before = (self.truth.offered, self.truth.answered, self.truth.abandoned)
        self._began = self.warehouse.now()
        self._write()

    async def restart(self) -> None:
        """Whatever writes the row begins again, and counts from nought; who waited, waits."""
        self._begin_anew()
        self.wire.drop()

    async def midnight(self) -> None:
        await super().midnight()
        self._begin_anew()
