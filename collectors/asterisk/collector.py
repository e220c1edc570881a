"""The collector for Asterisk: log in, have only what is needed sent, take the whole state over, then listen.

It reads and never writes to the PBX (``connection.READ_ONLY``).
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from pydantic import Field, NonNegativeInt, SecretStr

from collectors.asterisk.connection import Connection, connect
from collectors.asterisk.protocol import AmiParser, Message
from collectors.asterisk.translate import Translator
from collectors.asterisk.words import ONLY_WITH, WANTED
from collectors.collector import FLOOR, CollectorError, Fact, Link, SourceSettings, Warnings
from collectors.events import AnyEvent, ContactCompleted, Snapshot
from collectors.followed.session import greeted, together
from collectors.queue_log.backfill import backfill, first_told

CLASSES = "system,agent,call,dialplan"
"""Event classes: queues and members are ``agent``; ``call`` and ``dialplan`` tell how a visit really ended."""
FILTERS = (
    "^Event: (QueueCaller|QueueMember|Agent(Called|Connect|Complete|RingNoAnswer|Dump)|Hold|Unhold|Hangup|Reload|FullyBooted|Shutdown)",
    "Variable: QUEUE(STATUS|_WITHDRAW_INFO)",
)
BOOT_S = 120.0
"""Asterisk accepts logins before app_queue is loaded; for so long that is not an error."""
BOOT_RETRY_S = 1.0
LIST_S = 30.0
LIST_GAP_S = 0.5
"""One change often makes several ``Reload``: they are answered with one list."""
SKEW_MS = 2_000
"""A smaller difference between the PBX's clock and ours is not corrected."""


class AsteriskSettings(SourceSettings):
    """An Asterisk, reached through its Manager Interface."""

    kind: str = "asterisk"
    host: str = Field(min_length=1)
    port: int = Field(default=5038, ge=1, le=65535)
    username: str = Field(pattern=r"^[^\r\n\x00]+$")
    password: SecretStr
    tls: bool = False
    tls_verify: bool = True
    wrap_up_s: NonNegativeInt | dict[str, NonNegativeInt] | None = None
    """Seconds of wrap-up, for all queues or by queue: Asterisk tells neither its start nor its end."""
    queue_log: str | None = None
    """Path of the PBX's queue_log, if this machine can read it: tells how contacts ended while the link was away."""
    queues: list[str] | None = None
    """Only these queues; all by default."""
    ping_s: float = Field(default=5.0, ge=0.05, le=6.0)
    repeat_list_s: float = Field(default=300.0, ge=1.0)
    """The whole state is asked for again so often, as a repair."""


class AsteriskCollector:
    """One Asterisk."""

    kind: ClassVar[str] = "asterisk"
    Settings: ClassVar[type[SourceSettings]] = AsteriskSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR

    def __init__(self, source: str, settings: AsteriskSettings) -> None:
        self._source = source
        self._settings = settings

    async def run(self, link: Link) -> None:
        settings = self._settings
        async with connect(link, settings.host, settings.port, _tls(settings), settings.ping_s) as connection:
            session = _Session(link, settings, connection)
            await together(
                link,
                connection.wire.pump(lambda: connection.tell("Ping")),
                session.listen(),
                session.converse(),
                last_words=session.last_words,
            )


class _Session:
    def __init__(self, link: Link, settings: AsteriskSettings, connection: Connection) -> None:
        self._link = link
        self._warnings = Warnings(link)
        self._settings = settings
        self._connection = connection
        self._parser = AmiParser(WANTED, ONLY_WITH)
        self._translator = Translator(queues=settings.queues, wrap_up_s=settings.wrap_up_s)
        self._greeted = asyncio.Event()
        self._listed = asyncio.Event()
        self._ask_again = asyncio.Event()
        self._banner = ""
        self._heard_of_queues = False
        self._began_at = link.now_ms()
        self._log_read_to = self._began_at
        self._nameless = 0

    # ── what arrives ──────────────────────────────────────────────────────────────────────────────

    async def listen(self) -> None:
        """Bytes to messages to events to the log, and what time alone brings."""
        link, parser, translator = self._link, self._parser, self._translator
        while True:
            due = translator.next_due()
            wait_s = 1.0 if due is None else max(0.0, min(1.0, (due - link.now_ms()) / 1000))
            told: list[AnyEvent] = []
            for at, data in await self._connection.wire.arrived(wait_s):
                for message in parser.feed(data):
                    self._take(message, at, told)
            told += translator.due(link.now_ms())
            if told:
                await link.emit(told)
            for event in told:
                if isinstance(event, Snapshot):
                    self._doubt_rights(event)
                    self._listed.set()
                elif not self._heard_of_queues:
                    self._heard_of_queues = True
                    self._warnings.say("rights", "")
            if translator.wants_status:
                translator.wants_status = False
                self._ask_again.set()
            link.note(received=parser.messages, unwanted=parser.skipped, overlong=parser.overlong, **translator.facts)
            if translator.shut_down:
                raise CollectorError("Asterisk was shut down; it is asked again until it is back")
            await asyncio.sleep(0)  # whatever the flood, the socket and the log get their turn

    def _doubt_rights(self, snapshot: Snapshot) -> None:
        """A caller who joined while we listened, and whom only the list tells of: the events do not reach us."""
        joined = (waiting.entered_at for waiting in snapshot.waiting)
        if not self._heard_of_queues and any(self._began_at + 5_000 < at < snapshot.at - 5_000 for at in joined):
            self._warnings.say("rights", "no queue events arrive; give this AMI user read=system,agent,call,dialplan")

    def _take(self, message: Message, at: int, told: list[AnyEvent]) -> None:
        if message.banner and not self._greeted.is_set():
            self._banner = message.banner
            self._greeted.set()
        elif message.response:
            self._connection.settle(message)
        else:
            told += self._translator.translate(message, at)

    def last_words(self) -> list[AnyEvent]:
        """Whatever is certain enough of what was held back."""
        return self._translator.finish(self._link.now_ms())

    # ── what is asked ─────────────────────────────────────────────────────────────────────────────

    async def converse(self) -> None:
        await self._greeting()
        await self._log_in()
        await self._choose_events()
        await self._measure_clock()
        await self._read_what_was_missed()
        await self._take_over(self._link.unwatched_since)
        self._say_what_it_gives()
        self._link.connected(await self._version())
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.repeat_list_s):
                    await self._ask_again.wait()
            await self._measure_clock()
            await self._read_whose_talk_ended()
            await self._take_over(None)
            self._say_what_it_gives()

    def _say_what_it_gives(self) -> None:
        """Without a time for it no wrap-up is seen: not reported then, and no 0."""
        known = self._translator.people.knows_wrap_up
        self._link.note(gives=sorted(AsteriskCollector.gives - (set() if known else {"wrap", "wrap_up_now"})))

    async def _greeting(self) -> None:
        where = f"{self._settings.host}:{self._settings.port}"
        await greeted(self._greeted, f"{where} accepts connections but does not greet as AMI; is it the right port?")
        if not self._banner.startswith("Asterisk Call Manager"):
            raise CollectorError(f"{where} is no Asterisk Manager Interface; is it the right port?")

    async def _log_in(self) -> None:
        """By challenge, so that the secret does not cross the wire; in plain text only where Asterisk has no challenge."""
        settings = self._settings
        secret = settings.password.get_secret_value()
        login = {"Username": settings.username, "Events": "system"}
        challenge = await self._connection.ask("Challenge", {"AuthType": "MD5"})
        if challenge.get("Challenge"):
            key = hashlib.md5((challenge.get("Challenge") + secret).encode()).hexdigest()  # noqa: S324
            login |= {"AuthType": "MD5", "Key": key}
        elif "unknown command" in challenge.get("Message").lower():
            if "\r" in secret or "\n" in secret:
                raise CollectorError("the password holds a line break; correct it", permanent=True)
            login |= {"Secret": secret}
            self._warnings.say("login", "this Asterisk has no Challenge: the secret crosses the wire in plain text")
        else:
            raise CollectorError(f"Asterisk refused the login challenge ({challenge.get('Message')})")
        await self._connection.ask("Login", login, judge=self._judge_login)

    def _judge_login(self, answer: Message) -> None:
        if answer.response == "Success":
            return
        said = answer.get("Message", "no reason given")
        if "authentication" in said.lower() or "permission" in said.lower():
            raise CollectorError(
                f"Asterisk refused the user {self._settings.username} ({said}): correct username or password, "
                f"or secret= and permit= of that user in manager.conf",
                permanent=True,
            )
        raise CollectorError(f"Asterisk refused the login ({said})")

    async def _choose_events(self) -> None:
        for pattern in FILTERS:
            answer = await self._connection.ask("Filter", {"Operation": "Add", "Filter": pattern})
            if answer.response != "Success":
                self._link.note(filter=f"refused ({answer.get('Message')}): all events cross the wire")
                break
        else:
            self._link.note(filter="accepted")
        await self._connection.ask("Events", {"EventMask": CLASSES})

    async def _measure_clock(self) -> None:
        """Asterisk's answer to a ping carries its clock."""
        sent = self._link.now_ms()
        answer = await self._connection.ask("Ping")
        middle = (sent + self._link.now_ms()) // 2
        try:
            skew_ms = middle - round(float(answer.get("Timestamp")) * 1000)
        except (ValueError, OverflowError):
            return
        self._link.note(clock_skew_ms=skew_ms)
        self._translator.skew_ms = skew_ms if abs(skew_ms) > SKEW_MS else 0

    async def _read_what_was_missed(self) -> None:
        """The ACD's own log tells how contacts ended that nobody watched; it comes before the list that would give them up.

        A source that was never watched is told from the log as far back as makes today's numbers whole.
        """
        since = self._link.unwatched_since
        await self._read_log(first_told(self._link.now_ms()) if since is None else since)

    async def _read_whose_talk_ended(self) -> None:
        """Some ends of conversations name no caller, and one that began before this session is then nobody's: the log knows."""
        nameless = self._translator.facts.get("completed_without_contact", 0)
        if nameless > self._nameless:
            self._nameless = nameless
            await self._read_log(self._log_read_to, ContactCompleted)

    async def _read_log(self, since: int, *only: type[AnyEvent]) -> None:
        path, now = self._settings.queue_log, self._link.now_ms()
        if path is None:
            return
        chosen = self._settings.queues
        try:
            async for events in backfill(Path(path), since, now, self._translator.skew_ms, only=only or None):
                await self._link.emit([e for e in events if chosen is None or getattr(e, "queue", "") in chosen])
            self._log_read_to = now
            self._warnings.say("queue_log", "")
        except CollectorError as error:
            self._warnings.say("queue_log", f"what was missed could not be read from queue_log: {error}")

    async def _take_over(self, unwatched_since: int | None) -> None:
        """Ask for the whole state and wait until it is in the log."""
        waited_s = 0.0
        while True:
            self._listed.clear()
            self._ask_again.clear()
            action_id, answer = self._connection.tell("QueueStatus")
            self._translator.expect_list(action_id, self._link.now_ms(), unwatched_since)
            said = await self._connection.wire.answered(answer, "QueueStatus")
            if said.response == "Success":
                break
            if "unknown command" not in said.get("Message").lower():
                raise CollectorError(f"Asterisk refused QueueStatus ({said.get('Message')})")
            if waited_s >= BOOT_S:
                raise CollectorError("this Asterisk has no queues: app_queue.so is not loaded (modules.conf)")
            with suppress(TimeoutError):
                async with asyncio.timeout(BOOT_RETRY_S):
                    await self._ask_again.wait()
            waited_s += BOOT_RETRY_S
        try:
            async with asyncio.timeout(LIST_S):
                await self._listed.wait()
        except TimeoutError:
            raise CollectorError(f"the answer to QueueStatus was not complete within {LIST_S:.0f} s") from None

    async def _version(self) -> str:
        answer = await self._connection.ask("CoreSettings")
        version = answer.get("AsteriskVersion")
        self._link.note(version=version or self._banner)
        return f"Asterisk {version}" if version else self._banner


def _tls(settings: AsteriskSettings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    context = ssl.create_default_context()
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
