"""One TCP connection to the event socket: reads frames, asks and hands the answers out in order, notices a mute link."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from collectors.collector import CollectorError, Link
from collectors.freeswitch.protocol import EslParser, Frame, ProtocolError, encode_command

READ_ONLY = (
    "auth ",
    "userauth ",
    "event plain ",
    "api version",
    "api strmicroepoch",
    "api callcenter_config queue list",
    "api callcenter_config agent list",
    "api callcenter_config tier list",
)
"""How every command begins that is ever sent: nothing that changes anything."""

PING = "api strmicroepoch"
CONNECT_S = 10.0
ANSWER_S = 10.0
QUIET_MOST_S = 8.0
"""After a quiet ``ping_s`` a ping goes out; with no byte for this long after it (or twice ``ping_s``) the link is mute."""
READ = 256 * 1024

OnAnswer = Callable[[Frame], None]


class Connection:
    """An open connection. ``frames`` must be called again and again: it settles what was asked, in the order of the wire."""

    def __init__(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str, ping_s: float
    ) -> None:
        self._link = link
        self._reader = reader
        self._writer = writer
        self._where = where
        self._ping_s = ping_s
        self._parser = EslParser()
        self._asked: deque[tuple[asyncio.Future[Frame], OnAnswer | None]] = deque()
        self._quiet_s = 0.0
        self._pinged = False
        self._read_any = False

    @property
    def received(self) -> int:
        """Frames read so far."""
        return self._parser.frames

    async def frames(self, wait_s: float, ping: Callable[[], object]) -> list[Frame]:
        """The frames that one read brought; [] after ``wait_s`` without any. ``ping`` is called when the link has been quiet.

        Raises ``CollectorError`` when the link broke, is mute, or speaks something else.
        """
        patience = (
            min(2 * self._ping_s, QUIET_MOST_S) + self._ping_s if self._pinged else self._ping_s
        ) - self._quiet_s
        wait_s = min(wait_s, max(0.0, patience))
        try:
            async with asyncio.timeout(wait_s):
                data = await self._reader.read(READ)
        except TimeoutError:
            self._was_quiet(wait_s, ping)
            return []
        except OSError as error:
            raise CollectorError(f"the connection to {self._where} broke ({type(error).__name__})") from error
        if not data:
            early = "" if self._read_any else " before it said anything; it may be starting or shutting down"
            raise CollectorError(f"{self._where} closed the connection{early}")
        self._quiet_s, self._pinged, self._read_any = 0.0, False, True
        self._link.heard()
        try:
            return self._parser.feed(data)
        except ProtocolError as error:
            raise CollectorError(
                f"{self._where} does not speak as an event socket does ({error}); is it the right port?"
            ) from error

    def _was_quiet(self, wait_s: float, ping: Callable[[], object]) -> None:
        self._quiet_s += wait_s
        if not self._pinged and self._quiet_s >= self._ping_s:
            self._pinged = True
            ping()
        elif self._pinged and self._quiet_s >= self._ping_s + min(2 * self._ping_s, QUIET_MOST_S):
            raise CollectorError(
                f"{self._where} has been silent for {self._quiet_s:.0f} s, pings included; reconnecting"
            )

    def tell(self, command: str, on_answer: OnAnswer | None = None) -> asyncio.Future[Frame]:
        """Send a command; its answer to come. ``on_answer`` gets it the moment it arrives, before any later frame, and may raise."""
        if not command.startswith(READ_ONLY):
            raise ValueError("a command that is not one of those that only read")
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked.append((answer, on_answer))
        self._writer.write(encode_command(command))
        return answer

    async def ask(self, command: str, on_answer: OnAnswer | None = None) -> Frame:
        """Send a command and wait for its answer."""
        answer = self.tell(command, on_answer)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            name = " ".join(command.split()[:4]) if command.startswith(("api ", "event ")) else "the login"
            raise CollectorError(f"{self._where} did not answer {name} within {ANSWER_S:.0f} s") from None

    def settle(self, frame: Frame) -> None:
        """Hand an answer to whoever asked first: FreeSWITCH answers in order."""
        if not self._asked:
            return
        answer, on_answer = self._asked.popleft()
        if on_answer is not None:
            on_answer(frame)
        if not answer.done():
            answer.set_result(frame)


@asynccontextmanager
async def connect(link: Link, host: str, port: int, ping_s: float) -> AsyncIterator[Connection]:
    """A connection, closed at the end. Raises ``CollectorError`` with what to look at."""
    where = f"FreeSWITCH at {host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise CollectorError(
            f"{where} did not answer within {CONNECT_S:.0f} s; look at the address, the firewall and listen-ip in "
            f"event_socket.conf.xml"
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CollectorError(
            f"no connection to {where} ({reason}); is it running, with mod_event_socket loaded and this listen-port?"
        ) from error
    try:
        yield Connection(link, reader, writer, where, ping_s)
    finally:
        writer.transport.abort()
