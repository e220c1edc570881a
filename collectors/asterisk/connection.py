"""One TCP connection to AMI: reads without ever waiting for the work, asks and gets answers, notices a mute link.

Asterisk closes a connection that does not take its bytes within 100 ms, so a task of its own carries
them from the socket into a bounded buffer, each piece with the time of its arrival.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from collectors.asterisk.protocol import Message, encode_action
from collectors.collector import CollectorError, Link

READ_ONLY = frozenset(
    {"Challenge", "Login", "Ping", "QueueStatus", "Filter", "Events", "CoreStatus", "CoreSettings", "Logoff"}
)
"""Every action that is ever sent. Queue actions that change something need no rights in Asterisk, so we must not send any."""

CONNECT_S = 10.0
ANSWER_S = 10.0
QUIET_MOST_S = 8.0
"""After a quiet ``ping_s`` a ping goes out; with no byte for this long after it (or twice ``ping_s``) the link is mute."""
INBOX = 64 * 1024 * 1024
READ = 256 * 1024


class Connection:
    """An open connection. ``pump`` must run as a task; ``arrived`` yields what it read, ``handle`` settles answers."""

    def __init__(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str, ping_s: float
    ) -> None:
        self._link = link
        self._reader = reader
        self._writer = writer
        self._where = where
        self._ping_s = ping_s
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._inbox_bytes = 0
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._broken: CollectorError | None = None
        self._asked: dict[str, tuple[asyncio.Future[Message], Callable[[Message], None] | None]] = {}
        self._actions = 0
        self._read_any = False

    async def pump(self) -> None:
        """Carry bytes from the socket into the inbox until the link breaks; a ping when it is quiet."""
        quiet_s, pinged = 0.0, False
        while True:
            patience = min(2 * self._ping_s, QUIET_MOST_S) if pinged else self._ping_s
            try:
                async with asyncio.timeout(patience):
                    data = await self._reader.read(READ)
            except TimeoutError:
                quiet_s += patience
                if pinged:
                    self._break(f"{self._where} has been silent for {quiet_s:.0f} s, pings included; reconnecting")
                    return
                pinged = True
                self.tell("Ping")
                continue
            except (OSError, ssl.SSLError) as error:
                self._break(f"the connection to {self._where} broke ({type(error).__name__})")
                return
            if not data:
                early = "" if self._read_any else " before it said anything; it may be starting or shutting down"
                self._break(f"{self._where} closed the connection{early}")
                return
            quiet_s, pinged, self._read_any = 0.0, False, True
            self._link.heard()
            while self._inbox_bytes > INBOX:
                self._room.clear()
                await self._room.wait()
            self._inbox.append((self._link.now_ms(), data))
            self._inbox_bytes += len(data)
            self._something.set()

    async def arrived(self, wait_s: float) -> list[tuple[int, bytes]]:
        """What was read and when (epoch ms); [] after ``wait_s`` without anything. Raises what broke the link, after its last byte."""
        if not self._inbox and self._broken is None:
            self._something.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._something.wait()
        pieces: list[tuple[int, bytes]] = []
        taken = 0
        while self._inbox and taken < READ:
            at, data = self._inbox.popleft()
            taken += len(data)
            pieces.append((at, data))
        self._inbox_bytes -= taken
        self._room.set()
        if not pieces and self._broken is not None:
            raise self._broken
        return pieces

    def tell(
        self, action: str, headers: Mapping[str, str] | None = None, judge: Callable[[Message], None] | None = None
    ) -> tuple[str, asyncio.Future[Message]]:
        """Send an action; its ActionID and the answer to come. ``judge`` sees the answer the moment it arrives and may raise."""
        if action not in READ_ONLY:
            raise ValueError(f"the action {action} is not one that only reads")
        self._actions += 1
        action_id = f"floorlight-{self._actions}"
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[action_id] = (answer, judge)
        self._writer.write(encode_action(action, {"ActionID": action_id, **(headers or {})}))
        return action_id, answer

    async def ask(
        self, action: str, headers: Mapping[str, str] | None = None, judge: Callable[[Message], None] | None = None
    ) -> Message:
        """Send an action and wait for its answer."""
        _, answer = self.tell(action, headers, judge)
        return await self.answer(action, answer)

    async def answer(self, action: str, answer: asyncio.Future[Message]) -> Message:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            raise CollectorError(f"{self._where} did not answer {action} within {ANSWER_S:.0f} s") from None

    def settle(self, message: Message) -> None:
        """Hand an answer to whoever asked."""
        asked = self._asked.pop(message.get("ActionID"), None)
        if asked is None:
            return
        answer, judge = asked
        if judge is not None:
            judge(message)
        if not answer.done():
            answer.set_result(message)

    def _break(self, why: str) -> None:
        self._broken = CollectorError(why)
        self._something.set()


@asynccontextmanager
async def connect(
    link: Link, host: str, port: int, tls: ssl.SSLContext | None, ping_s: float
) -> AsyncIterator[Connection]:
    """A connection, closed at the end. Raises ``CollectorError`` with what to look at."""
    where = f"Asterisk at {host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    except TimeoutError:
        raise CollectorError(
            f"{where} did not answer within {CONNECT_S:.0f} s; look at the address, the firewall and bindaddr in manager.conf"
        ) from None
    except ssl.SSLError as error:
        raise CollectorError(
            f"TLS with {where} failed ({error.reason}); look at tls, tls_verify and the port"
        ) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CollectorError(
            f"no connection to {where} ({reason}); is it running, with enabled=yes and this port in manager.conf?"
        ) from error
    try:
        yield Connection(link, reader, writer, where, ping_s)
    finally:
        writer.transport.abort()
