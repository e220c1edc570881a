"""What the rigs of all kinds that ask a database share: a real MariaDB behind a wire that can fail."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from tests.collectors.contract.rig import Clock, Rig
from tests.collectors.mariadb import PASSWORD, USER, MariaDb, Wire


class DatabaseRig(Rig):
    """One database of its own; what is in it is the kind's."""

    def __init__(self, clock: Clock, database: MariaDb) -> None:
        super().__init__(clock)
        self.database = database
        self.wire = Wire(database.port)

    def url(self, name: str) -> str:
        """The address of a database behind the wire."""
        return f"mysql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.wire.port}/{name}"

    async def stop(self) -> None:
        await self.wire.stop()
        await asyncio.to_thread(self.database.end)

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
        """The database begins again: its tables in memory are empty, what it keeps is there."""
        await asyncio.to_thread(self.database.stop)
        self.wire.drop()
        await asyncio.to_thread(self.database.start)
