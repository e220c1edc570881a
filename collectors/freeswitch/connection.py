"""A connection to the event socket: frames, questions whose answers come in order, and nothing that could change anything."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from collectors.collector import CollectorError, Link
from collectors.followed.wire import Wire, opened
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
PING = "api strmicroepoch"

OnAnswer = Callable[[Frame, int], None]
"""Is given an answer and when it arrived, epoch ms."""


class Connection:
    """An open connection. ``frames`` must be called again and again, and each answer among them be handed to ``settle``."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._parser = EslParser()
        self._asked: deque[tuple[asyncio.Future[Frame], OnAnswer | None]] = deque()

    @property
    def received(self) -> int:
        """Frames read so far."""
        return self._parser.frames

    async def frames(self, wait_s: float) -> list[tuple[int, Frame]]:
        """The frames that came, and when (epoch ms); [] after ``wait_s`` without any.

        Raises ``CollectorError`` when the link broke, is mute, or speaks something else.
        """
        pieces = await self.wire.arrived(wait_s)
        try:
            return [(at, frame) for at, data in pieces for frame in self._parser.feed(data)]
        except ProtocolError as error:
            raise CollectorError(
                f"{self.wire.where} does not speak as an event socket does ({error}); is it the right port?"
            ) from error

    def tell(self, command: str, on_answer: OnAnswer | None = None) -> asyncio.Future[Frame]:
        """Send a command; its answer to come. ``on_answer`` gets it before any later frame, and may raise."""
        if not command.startswith(READ_ONLY):
            raise ValueError("a command that is not one of those that only read")
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked.append((answer, on_answer))
        self.wire.write(encode_command(command))
        return answer

    async def ask(self, command: str, on_answer: OnAnswer | None = None) -> Frame:
        """Send a command and wait for its answer."""
        answer = self.tell(command, on_answer)
        name = " ".join(command.split()[:4]) if command.startswith(("api ", "event ")) else "the login"
        return await self.wire.answered(answer, name)

    def settle(self, frame: Frame, at: int) -> None:
        """Hand an answer to whoever asked first: FreeSWITCH answers in order."""
        if not self._asked:
            return
        answer, on_answer = self._asked.popleft()
        if on_answer is not None:
            on_answer(frame, at)
        if not answer.done():
            answer.set_result(frame)


@asynccontextmanager
async def connect(link: Link, host: str, port: int, ping_s: float) -> AsyncIterator[Connection]:
    """A connection, closed at the end. Raises ``CollectorError`` with what to look at."""
    wire = opened(
        link,
        host,
        port,
        ping_s,
        acd="FreeSWITCH",
        unanswered="listen-ip in event_socket.conf.xml",
        refused="with mod_event_socket loaded and this listen-port",
    )
    async with wire as open_wire:
        yield Connection(open_wire)
