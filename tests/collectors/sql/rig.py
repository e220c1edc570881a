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
