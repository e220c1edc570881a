"""VICIdial for the contract test: a real MariaDB behind a wire that can fail."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr

from collectors.vicidial.settings import VicidialSettings
from tests.collectors.contract.rig import AGENT, QUEUE, Clock
from tests.collectors.database_rig import DatabaseRig
from tests.collectors.mariadb import MariaDb
from tests.collectors.vicidial.pbx import Pbx


class VicidialRig(DatabaseRig):
    """Its database keeps its own time, which is not ours: hours away, in Shanghai's zone."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, MariaDb())
        self.pbx = Pbx(self.database)
        self._rows: dict[str, int] = {}

    @property
    def settings(self) -> VicidialSettings:
        return VicidialSettings(kind="vicidial", url=SecretStr(self.url("asterisk")), poll_s=1)

    async def start(self) -> None:
        await asyncio.to_thread(self.database.start)
        self.pbx.install()
        self.pbx.database.run("UPDATE vicidial_users SET full_name = %s WHERE user = '6001'", AGENT)
        self.pbx.agent("6001", "READY", ingroups=QUEUE)
        await self.wire.start()

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
