"""VICIdial for the contract test: a real MariaDB behind a wire that can fail."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from pydantic import SecretStr

from collectors.vicidial.settings import VicidialSettings
from tests.collectors.contract.rig import AGENT, QUEUE, Clock, Rig
from tests.collectors.mariadb import PASSWORD, USER, MariaDb, Wire
from tests.collectors.vicidial.pbx import Pbx


class VicidialRig(Rig):
    """Its database keeps its own time, which is not ours: hours away, in Shanghai's zone."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.database = MariaDb()
        self.wire = Wire(self.database.port)
        self.pbx = Pbx(self.database)
        self._rows: dict[str, int] = {}

    @property
    def settings(self) -> VicidialSettings:
        url = f"mysql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.wire.port}/asterisk"
        return VicidialSettings(kind="vicidial", url=SecretStr(url), poll_s=1)

    async def start(self) -> None:
        await asyncio.to_thread(self.database.start)
        self.pbx.install()
        self.pbx.database.run("UPDATE vicidial_users SET full_name = %s WHERE user = '6001'", AGENT)
        self.pbx.agent("6001", "READY", ingroups=QUEUE)
        await self.wire.start()

    async def stop(self) -> None:
        await self.wire.stop()
        await asyncio.to_thread(self.database.end)

    async def said(self, what: str, contact: str) -> None:
        match what:
            case "offer":
                self._rows[contact] = self.pbx.enter(QUEUE)
            case "answer":
                self.pbx.answer(self._rows[contact])
                self.pbx.agent("6001", "INCALL", ingroups=QUEUE)
            case "finish":
                self.pbx.end(self._rows[contact], "AGENT", "SALE")
                self.pbx.agent("6001", "READY", ingroups=QUEUE)
            case "abandon":
                self.pbx.end(self._rows[contact], "ABANDON", "DROP")

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
        """The database begins again: its tables in memory are empty, its logs are not."""
        await asyncio.to_thread(self.database.stop)
        self.wire.drop()
        await asyncio.to_thread(self.database.start)
