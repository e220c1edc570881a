"""Somebody's own database for the contract test: a real MariaDB behind a wire that can fail, asked contact by contact."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from pydantic import SecretStr

from collectors.sql.settings import SqlSettings
from tests.collectors.contract.rig import AGENT, QUEUE, ZONE, Clock, Rig
from tests.collectors.mariadb import PASSWORD, USER, MariaDb, Wire
from tests.collectors.sql.warehouse import AGENTS, CONTACTS, Warehouse


class SqlRig(Rig):
    """Keeps every call in a table."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.database = MariaDb("warehouse")
        self.wire = Wire(self.database.port)
        self.warehouse = Warehouse(self.database, clock)
        self._arrived: dict[str, object] = {}

    @property
    def settings(self) -> SqlSettings:
        url = f"mysql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.wire.port}/warehouse"
        return SqlSettings(
            kind="sql", url=SecretStr(url), contacts=CONTACTS, agents=AGENTS, time_zone=ZONE, poll_s=1, timeout_s=3
        )

    async def start(self) -> None:
        await asyncio.to_thread(self.database.start)
        self.warehouse.install()
        self.warehouse.agent("li", "available", name=AGENT)
        await self.wire.start()

    async def stop(self) -> None:
        await self.wire.stop()
        await asyncio.to_thread(self.database.end)

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

    async def refuse(self) -> None:
        self.database.run(f"ALTER USER {USER}@'%%' IDENTIFIED BY %s", "another one")

    async def drop(self) -> None:
        self.wire.drop()

    async def mute(self) -> None:
        self.wire.is_mute = True

    async def garbage(self) -> None:
        self.wire.is_garbled = True

    async def slow(self, seconds: float) -> None:
        self.wire.delay_s = seconds

    async def recover(self) -> None:
        self.wire.recover()

    async def restart(self) -> None:
        """The database begins again, with all that it knew."""
        await asyncio.to_thread(self.database.stop)
        self.wire.drop()
        await asyncio.to_thread(self.database.start)
