"""The collector for VICIdial: inbound contacts row by row, outbound calls by the quarter of an hour, agents as they are now."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, ClassVar

from collectors.collector import FLOOR, CollectorError, Fact, Link, SourceSettings
from collectors.polled.database import Database
from collectors.polled.schedule import Poll, poll_forever
from collectors.vicidial.dialler import Dialler
from collectors.vicidial.floor import Floor
from collectors.vicidial.replica import must_move
from collectors.vicidial.settings import VicidialSettings

RIGHTS = "it needs a user with: GRANT SELECT ON asterisk.* TO 'wallboard'@'ADDRESS-OF-THE-WALLBOARD'"
OUTBOUND_EVERY_S = 20.0
NAMES_EVERY_S = 60.0


class VicidialCollector:
    """One VICIdial database."""

    kind: ClassVar[str] = "vicidial"
    Settings: ClassVar[type[SourceSettings]] = VicidialSettings
    gives: ClassVar[frozenset[Fact]] = (FLOOR - {"hold", "wrap", "ring", "rang_no_answer"}) | {"dialler"}

    def __init__(self, source: str, settings: Any) -> None:
        self.source = source
        self._settings: VicidialSettings = settings

    async def run(self, link: Link) -> None:
        """Tell what the database shows until cancelled. Raises ``CollectorError``."""
        async with AsyncExitStack() as stack:
            database, is_replica = await self._reach(link, stack)
            floor = Floor(link, database, self._settings)
            detail = await floor.begin()

            async def look() -> None:
                if is_replica:
                    await must_move(database)
                await floor.look()

            polls = [
                Poll("the floor", self._settings.poll_s, look),
                Poll("the names of queues", NAMES_EVERY_S, floor.names),
            ]
            if self._settings.outbound:
                dialler = Dialler(link, database, floor)
                await dialler.begin()
                polls.append(Poll("outbound calls", max(OUTBOUND_EVERY_S, self._settings.poll_s), dialler.look))
            else:
                link.note(gives=sorted(self.gives - {"dialler"}))
            await poll_forever(polls, link, detail=detail)

    async def _reach(self, link: Link, stack: AsyncExitStack) -> tuple[Database, bool]:
        """The replica where there is one that lets us in and still follows, else the main database; and whether it is the replica."""
        settings = self._settings
        if settings.replica_url is not None:
            replica = Database(link, settings.replica_url.get_secret_value(), name="VICIdial's replica", rights=RIGHTS)
            try:
                async with AsyncExitStack() as trial:
                    await must_move(await trial.enter_async_context(replica))
                    await stack.enter_async_context(trial.pop_all())
                    return replica, True
            except CollectorError as error:
                if error.permanent:
                    raise
                link.note(warning=f"asking the main database until the next connect: {error}")
        main = Database(link, settings.url.get_secret_value(), name="VICIdial's database", rights=RIGHTS)
        return await stack.enter_async_context(main), False
