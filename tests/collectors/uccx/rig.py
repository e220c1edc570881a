"""Unified CCX for the contract test: its tables on a real MariaDB behind a wire that can fail, the standby's beside them and empty."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pydantic import SecretStr

from collectors.uccx.settings import UccxSettings
from tests.collectors.contract.rig import QUEUE, Clock
from tests.collectors.database_rig import DatabaseRig
from tests.collectors.mariadb import MariaDb
from tests.collectors.uccx.cluster import NODES, Cluster


class UccxRig(DatabaseRig):
    """Counts since its own midnight, or since its engine began."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, MariaDb(NODES[0]))
        self.cluster = Cluster(self.database, clock)
        self._before = (0, 0, 0)
        self._writing: asyncio.Task[None] | None = None

    @property
    def settings(self) -> UccxSettings:
        urls = [SecretStr(self.cluster.url(node, self.wire.port)) for node in NODES]
        return UccxSettings(kind="uccx", urls=urls, poll_s=1, written_every_s=1)

    async def start(self) -> None:
        await asyncio.to_thread(self.database.start)
        self.cluster.install()
        await self.wire.start()
        self._writing = asyncio.create_task(self._write_forever())

    async def stop(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing
        await super().stop()

    async def _write_forever(self) -> None:
        while True:
            self._write()
            await asyncio.sleep(0.5)

    def _write(self) -> None:
        truth = self.truth
        offered, answered, abandoned = self._before
        self.cluster.write(
            QUEUE,
            LoggedInAgents=1,
            TalkingAgents=len(truth.talking),
            AvailableAgents=max(0, 1 - len(truth.talking)),
            CallsWaiting=len(truth.waiting),
            OldestContact=3_000 if truth.waiting else 0,
            TotalCalls=truth.offered - offered,
            CallsHandled=truth.answered - answered,
            CallsAbandoned=truth.abandoned - abandoned,
        )

    async def said(self, what: str, contact: str) -> None:
        self._write()

    def _begin_anew(self) -> None:
        self._before = (self.truth.offered, self.truth.answered, self.truth.abandoned)
        self.cluster.started_at = self.clock() + 1_000
        self._write()

    async def restart(self) -> None:
        """The engine begins again, and counts from nought; who waited, waits."""
        self._begin_anew()
        self.wire.drop()

    async def midnight(self) -> None:
        await super().midnight()
        self._begin_anew()
