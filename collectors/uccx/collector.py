"""The collector for Cisco Unified CCX: find the node whose tables move, and tell what they show."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from collectors.collector import CollectorError, Fact, Link, SourceSettings
from collectors.polled.database import Database
from collectors.polled.news import WholeLooks
from collectors.polled.schedule import Poll, poll_forever
from collectors.uccx import statements
from collectors.uccx.settings import UccxSettings
from collectors.uccx.translate import TREMBLE_MS, Translator, written_at

RIGHTS = (
    "it needs the user uccxwallboard, whose password is set on the page Tools > Password Management of Unified CCX "
    "Administration, and on the page Tools > Real Time Snapshot Config: Data Writing Enable and Cisco Unified CCX CSQs Summary"
)
SYSTEM_EVERY_S = 30.0
Rows = list[Mapping[str, Any]]


class UccxCollector:
    """One Unified CCX cluster."""

    kind: ClassVar[str] = "uccx"
    Settings: ClassVar[type[SourceSettings]] = UccxSettings
    gives: ClassVar[frozenset[Fact]] = frozenset(
        ("waiting", "longest_wait", "agents", "ringing_now", "wrap_up_now", "contacts", "abandons", "flow_outs", "talk")
    )

    def __init__(self, source: str, settings: Any) -> None:
        self.source = source
        self._settings: UccxSettings = settings

    async def run(self, link: Link) -> None:
        """Tell what the master shows until cancelled. Raises ``CollectorError``."""
        async with AsyncExitStack() as stack:
            nodes = await self._nodes(link, stack)
            master, at = await self._master(nodes, link)
            watch = _Watch(link, self._settings, master, at)
            polls = [
                Poll("the queues", self._settings.poll_s, watch.look),
                Poll("the system", SYSTEM_EVERY_S, watch.system),
            ]
            await poll_forever(polls, link, detail=f"Unified CCX, {master.name}")

    async def _nodes(self, link: Link, stack: AsyncExitStack) -> list[_Node]:
        """Every node that lets us in. Raises the first one's error where none does."""
        nodes: list[_Node] = []
        errors: list[CollectorError] = []

        async def reach(number: int, url: str) -> None:
            name = f"node {number} of Unified CCX"
            database = Database(link, url, name=name, rights=RIGHTS)
            try:
                nodes.append(_Node(number, name, await stack.enter_async_context(database)))
            except CollectorError as error:
                errors.append(error)

        await asyncio.gather(*(reach(n, url.get_secret_value()) for n, url in enumerate(self._settings.urls, 1)))
        if not nodes:
            raise next((error for error in errors if error.permanent), errors[0])
        if errors:
            link.note(warning="; ".join(str(error) for error in errors))
        return sorted(nodes, key=lambda node: node.number)

    async def _master(self, nodes: Sequence[_Node], link: Link) -> tuple[_Node, int]:
        """The node whose table is written on: the other has an empty one, or one that stands still.

        Raises ``CollectorError`` where none moves in time.
        """
        loop = asyncio.get_running_loop()
        first: dict[int, int | None] = {}
        failed: dict[int, CollectorError] = {}
        until = loop.time() + self._settings.patience_s + self._settings.poll_s
        while nodes:
            looks = await asyncio.gather(*(node.rows() for node in nodes), return_exceptions=True)
            for node, look in zip(nodes, looks, strict=True):
                if isinstance(look, CollectorError):
                    failed[node.number] = look
                elif isinstance(look, BaseException):
                    raise look
                else:
                    at = written_at(look)
                    if node.number in first and at is not None and at != first[node.number]:
                        return node, at
                    first.setdefault(node.number, at)
            nodes = [node for node in nodes if node.number not in failed]
            if nodes and loop.time() >= until:
                raise CollectorError(self._nobody_writes(nodes, first))
            await asyncio.sleep(min(1.0, self._settings.poll_s))
        raise next((error for error in failed.values() if error.permanent), next(iter(failed.values())))

    def _nobody_writes(self, nodes: Sequence[_Node], first: dict[int, int | None]) -> str:
        told = ", ".join(f"{node.name}: {'empty' if first[node.number] is None else 'stands still'}" for node in nodes)
        return (
            f"no node writes RtCSQsSummary ({told}); give both nodes in urls, tick Data Writing Enable and Cisco Unified CCX CSQs Summary "
            f"on the page Tools > Real Time Snapshot Config, and set written_every_s to its Data Writing Interval"
        )


class _Node:
    """One node's database."""

    def __init__(self, number: int, name: str, database: Database) -> None:
        self.number, self.name, self._database = number, name, database

    async def rows(self) -> Rows:
        return (await self._database.ask(statements.QUEUES)).by_name()

    async def system(self) -> Rows:
        return (await self._database.ask(statements.SYSTEM)).by_name()


class _Watch:
    """The master, for as long as its tables move."""

    def __init__(self, link: Link, settings: UccxSettings, node: _Node, written: int) -> None:
        self._link, self._node, self._patience_ms = link, node, round(settings.patience_s * 1000)
        self._translator = Translator(None if settings.queues is None else frozenset(settings.queues))
        self._looks = WholeLooks(link, max(TREMBLE_MS, 1_000 * settings.written_every_s))
        self._written, self._moved_at = written, asyncio.get_running_loop().time()

    async def look(self) -> None:
        rows = await self._node.rows()
        written, now = written_at(rows), asyncio.get_running_loop().time()
        if written is None:
            raise CollectorError(f"RtCSQsSummary of {self._node.name} is empty: it is no longer the master")
        if written != self._written:
            self._written, self._moved_at = written, now
        elif (now - self._moved_at) * 1000 > self._patience_ms:
            raise CollectorError(
                f"RtCSQsSummary of {self._node.name} stands still for {now - self._moved_at:.0f} s: it is no longer the master"
            )
        at = self._link.now_ms()
        await self._looks.tell(self._translator.translate(rows, at), at)

    async def system(self) -> None:
        """What the node says of itself as a whole: facts for the sources page, no number of a board."""
        for row in await self._node.system():
            self._link.note(agents_logged_in=row["loggedinagents"], calls_waiting=row["callswaiting"])
