"""The collector for FreeSWITCH's mod_callcenter: log in to the event socket, subscribe, take the whole state over, then listen and poll.

It reads and never changes anything (``connection.READ_ONLY``).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

import msgspec
from pydantic import Field, NonNegativeInt, SecretStr

from collectors.collector import FLOOR, CollectorError, Fact, Link, SourceSettings
from collectors.events import AnyEvent, Snapshot
from collectors.followed.session import greeted, together
from collectors.freeswitch.connection import PING, Connection, OnAnswer, connect
from collectors.freeswitch.known import Known
from collectors.freeswitch.listing import Listing
from collectors.freeswitch.protocol import Frame, one_word, parse_event
from collectors.freeswitch.tables import Row, TableError, number, parse_table
from collectors.freeswitch.translate import Translator
from collectors.freeswitch.words import (
    AGENT_COLUMNS,
    EVENTS,
    HOLDS,
    MEMBER_COLUMNS,
    QUEUE_COLUMNS,
    TIER_COLUMNS,
    WANTED,
)

STEADY_MS = 100
"""A new measure of the clock that differs by less is not taken over: ours jitters more than FreeSWITCH's drifts."""
BRISK_MS = 250
"""A later measure counts only if the answer came so fast."""
EARLY_POLL_S = 1.0
"""When an event names somebody unknown the tables are asked this soon."""
RESUMED = "resumed"
"""Under this key the contacts of resumed callers are remembered for the next session."""

_VERSION = re.compile(r"FreeSWITCH Version (\S+)")


class FreeSwitchSettings(SourceSettings):
    """A FreeSWITCH with mod_callcenter, reached through its event socket."""

    kind: str = "freeswitch"
    host: str = Field(min_length=1)
    port: int = Field(default=8021, ge=1, le=65535)
    password: SecretStr
    user: str | None = Field(default=None, pattern=r"^[^\s:@]+@[^\s:@]+$")
    """``user@domain`` of the directory, for a login with rights of its own (``userauth``); without it the socket's one password counts."""
    queues: list[str] | None = None
    """Only these, as FreeSWITCH names them (``support@default``); all by default."""
    poll_s: float = Field(default=10.0, ge=0.05, le=300.0)
    """The tables of queues, members, agents and tiers are read so often: deleted agents and changed tiers are told by no event."""
    keep_s: NonNegativeInt = 60
    """Where a queue keeps the place of a caller who hung up (``abandoned-resume-allowed``), the abandon is told at the latest after this."""
    ping_s: float = Field(default=5.0, ge=0.05, le=6.0)


class FreeSwitchCollector:
    """One FreeSWITCH."""

    kind: ClassVar[str] = "freeswitch"
    Settings: ClassVar[type[SourceSettings]] = FreeSwitchSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR - {"transfers"}

    def __init__(self, source: str, settings: FreeSwitchSettings) -> None:
        self._source = source
        self._settings = settings

    async def run(self, link: Link) -> None:
        settings = self._settings
        resumed = await link.recall(RESUMED)
        async with connect(link, settings.host, settings.port, settings.ping_s) as connection:
            session = _Session(link, settings, connection, _contacts(resumed))
            await together(
                link,
                connection.wire.pump(session.ping),
                session.listen(),
                session.converse(),
                last_words=session.last_words,
            )


class _Session:
    def __init__(
        self, link: Link, settings: FreeSwitchSettings, connection: Connection, resumed: dict[str, str]
    ) -> None:
        self._link = link
        self._settings = settings
        self._connection = connection
        self._known = Known(settings.queues, resumed)
        self._translator = Translator(self._known, settings.keep_s)
        self._listing = Listing(self._known)
        self._greeted = asyncio.Event()
        self._taken_over = asyncio.Event()
        self._poll_soon = asyncio.Event()
        self._told: list[AnyEvent] = []
        self._remembered = dict(resumed)
        self._where = f"{settings.host}:{settings.port}"

    # ── what arrives ──────────────────────────────────────────────────────────────────────────────

    async def listen(self) -> None:
        """Frames to events to the log, and what time alone brings."""
        link, translator, known = self._link, self._translator, self._known
        while True:
            due = translator.next_due()
            wait_s = 1.0 if due is None else max(0.0, min(1.0, (due - link.now_ms()) / 1000))
            for at, frame in await self._connection.frames(wait_s):
                self._take(frame, at)
            self._told += translator.due(link.now_ms())
            told, self._told = self._told, []
            if told:
                await link.emit(told)
            if any(isinstance(event, Snapshot) for event in told):
                self._taken_over.set()
            if known.people.unknown:
                self._poll_soon.set()
            if known.resumed != self._remembered:
                self._remembered = dict(known.resumed)
                await link.remember(RESUMED, msgspec.json.encode(self._remembered))
            link.note(received=self._connection.received, **self._listing.facts)
            await asyncio.sleep(0)  # whatever the flood, the socket and the log get their turn

    def _take(self, frame: Frame, at: int) -> None:
        match frame.kind:
            case "text/event-plain":
                self._told += self._translator.translate(parse_event(frame.body, WANTED), at)
            case "command/reply" | "api/response":
                self._connection.settle(frame, at)
            case "auth/request":
                self._greeted.set()
            case "text/disconnect-notice":
                raise CollectorError(
                    "FreeSWITCH ended the session (it is shutting down, or its event socket is reloaded)"
                )
            case "text/rude-rejection":
                raise CollectorError(
                    f"FreeSWITCH at {self._where} does not let this address in: allow it in acl.conf.xml, in the list that "
                    f"apply-inbound-acl of event_socket.conf.xml names, and reload both",
                    permanent=True,
                )
            case _:
                pass  # log/data and the like, which we never asked for

    def last_words(self) -> list[AnyEvent]:
        """What was held back."""
        return self._told + self._translator.finish()

    # ── what is asked ─────────────────────────────────────────────────────────────────────────────

    async def converse(self) -> None:
        await self._greeting()
        await self._log_in()
        await self._subscribe()
        version = await self._version()
        await self._connection.ask(PING, self._clock_told(self._link.now_ms()))
        await self._read_tables(first=True)
        await self._taken_over.wait()
        self._link.connected(version)
        while True:
            await self._pause()
            await self._connection.ask(PING, self._clock_told(self._link.now_ms()))
            await self._read_tables(first=False)

    async def _pause(self) -> None:
        """Until the next poll; somebody unknown makes it come early."""
        await asyncio.sleep(min(EARLY_POLL_S, self._settings.poll_s))
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._settings.poll_s - EARLY_POLL_S)):
                await self._poll_soon.wait()
        self._poll_soon.clear()

    async def _greeting(self) -> None:
        await greeted(
            self._greeted,
            f"{self._where} accepts connections but does not ask for a password as an event socket does; is it the right port?",
        )

    async def _log_in(self) -> None:
        user, secret = self._settings.user, self._settings.password.get_secret_value()
        if not secret or any(mark in secret for mark in "\r\n\0"):
            raise CollectorError("the password is empty or holds a line break; correct it", permanent=True)
        await self._connection.ask(f"auth {secret}" if user is None else f"userauth {user}:{secret}", self._judge_login)

    def _judge_login(self, answer: Frame, at: int) -> None:
        if answer.reply.startswith("+OK"):
            return
        user = self._settings.user
        look = "password in event_socket.conf.xml" if user is None else f"esl-password of the directory user {user}"
        raise CollectorError(f"FreeSWITCH refused the login: correct the password, or {look}", permanent=True)

    async def _subscribe(self) -> None:
        answer = await self._connection.ask(EVENTS)
        if not answer.reply.startswith("+OK"):
            raise CollectorError(
                f"FreeSWITCH does not let us hear callcenter::info ({answer.reply.strip()}): the user's esl-allowed-events needs "
                f"CHANNEL_HOLD CHANNEL_UNHOLD CUSTOM callcenter::info",
                permanent=True,
            )
        answer = await self._connection.ask(HOLDS)
        heard = answer.reply.startswith("+OK")
        gives = FreeSwitchCollector.gives if heard else FreeSwitchCollector.gives - {"hold"}
        self._link.note(gives=sorted(gives), holds="heard" if heard else f"not heard ({answer.reply.strip()})")

    async def _version(self) -> str:
        answer = await self._connection.ask("api version")
        found = _VERSION.search(answer.reply)
        version = found[1] if found else ""
        self._link.note(version=version or "not told")
        return f"FreeSWITCH {version}".strip()

    def ping(self) -> asyncio.Future[Frame]:
        """What is asked when the link has been quiet: FreeSWITCH's time."""
        return self._connection.tell(PING, self._clock_told(self._link.now_ms()))

    def _clock_told(self, asked_at: int) -> OnAnswer:
        """What to do with FreeSWITCH's time, in µs, that was asked for at ``asked_at``."""

        def told(answer: Frame, here: int) -> None:
            us = number(answer.reply.strip())
            if not us:
                return  # not allowed to ask, or not there: the events' own dates have to do
            skew_ms = (asked_at + here) // 2 - us // 1000
            before = self._known.skew_ms
            if before is None or (here - asked_at <= BRISK_MS and abs(skew_ms - before) > STEADY_MS):
                self._known.skew_ms = skew_ms
                self._link.note(clock_skew_ms=skew_ms)

        return told

    # ── tables ────────────────────────────────────────────────────────────────────────────────────

    async def _read_tables(self, *, first: bool) -> None:
        """Ask for everything, a table at a time, so that events come through in between; each is taken over at its place in the stream."""
        link, listing = self._link, self._listing
        asked_at = link.now_ms()
        since = link.unwatched_since if first else None

        def agents(rows: list[Row], at: int) -> None:
            told = listing.agents(rows, at)
            self._told += [] if first else told

        def tiers(rows: list[Row], at: int) -> None:
            told = listing.tiers(rows, at)
            self._told += [] if first else told
            if first or listing.doubt:
                self._told += listing.take_over(asked_at, at, since, first=first)
            else:
                self._told += listing.corrections()

        await self._table("queue list", QUEUE_COLUMNS, "", lambda rows, at: listing.queues(rows))
        for queue in list(listing.queue_names):
            asked_queue_at = link.now_ms()

            def members(rows: list[Row], at: int, queue: str = queue, asked_queue_at: int = asked_queue_at) -> None:
                listing.members(queue, rows, asked_queue_at, at)

            await self._table(f"queue list members {one_word(queue)}", MEMBER_COLUMNS, "cid_name", members)
        await self._table("agent list", AGENT_COLUMNS, "contact", agents)
        await self._table("tier list", TIER_COLUMNS, "", tiers)

    async def _table(
        self, what: str, needs: tuple[str, ...], free: str, take: Callable[[list[Row], int], None]
    ) -> None:
        def answered(answer: Frame, at: int) -> None:
            if answer.kind == "command/reply":
                raise CollectorError(
                    f"FreeSWITCH does not let us ask callcenter_config ({answer.reply.strip()}): the user's esl-allowed-api "
                    f"needs callcenter_config strmicroepoch version",
                    permanent=True,
                )
            try:
                take(parse_table(answer.reply, needs, free), at)
            except TableError as error:
                said = str(error)
                if "not found" in said.lower() or said == "no reply":
                    raise CollectorError(
                        "this FreeSWITCH has no call centre: load mod_callcenter (modules.conf.xml)"
                    ) from error
                raise CollectorError(
                    f"callcenter_config {what} was answered with something else than its table: {said}"
                ) from error

        await self._connection.ask(f"api callcenter_config {what}", answered)


def _contacts(remembered: bytes | None) -> dict[str, str]:
    if remembered is None:
        return {}
    try:
        return msgspec.json.decode(remembered, type=dict[str, str])
    except msgspec.DecodeError:
        return {}
