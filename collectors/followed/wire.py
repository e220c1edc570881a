"""One TCP connection that an ACD speaks on: reads without ever waiting for the work, and notices a mute link.

An ACD cuts off whoever leaves its bytes unread, or drops what it had to say, so a task of its own carries them from the socket into a
bounded buffer, each piece with the time of its arrival.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from collectors.collector import CollectorError, Link

CONNECT_S = 10.0
ANSWER_S = 10.0
QUIET_MOST_S = 8.0
"""After a quiet ``ping_s`` a ping goes out; with no byte for this long after it (or twice ``ping_s``) the link is mute."""
INBOX = 64 * 1024 * 1024
READ = 256 * 1024

T = TypeVar("T")


class Wire:
    """An open connection. ``pump`` must run as a task; ``arrived`` yields what it read."""

    def __init__(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str, ping_s: float
    ) -> None:
        self._link = link
        self._reader = reader
        self._writer = writer
        self.where = where
        self._ping_s = ping_s
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._inbox_bytes = 0
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._broken: CollectorError | None = None
        self._read_any = False

    async def pump(self, ping: Callable[[], object]) -> None:
        """Carry bytes from the socket into the inbox until the link breaks; ``ping`` when it is quiet."""
        quiet_s, pinged = 0.0, False
        while True:
            patience = min(2 * self._ping_s, QUIET_MOST_S) if pinged else self._ping_s
            try:
                async with asyncio.timeout(patience):
                    data = await self._reader.read(READ)
            except TimeoutError:
                quiet_s += patience
                if pinged:
                    self._break(f"{self.where} has been silent for {quiet_s:.0f} s, pings included; reconnecting")
                    return
                pinged = True
                ping()
                continue
            except (OSError, ssl.SSLError) as error:
                self._break(f"the connection to {self.where} broke ({type(error).__name__})")
                return
            if not data:
                early = "" if self._read_any else " before it said anything; it may be starting or shutting down"
                self._break(f"{self.where} closed the connection{early}")
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

    def write(self, data: bytes) -> None:
        """Send; what cannot be sent shows as a broken or a mute link."""
        self._writer.write(data)

    async def answered(self, answer: asyncio.Future[T], name: str) -> T:
        """An answer that is due. Raises ``CollectorError`` naming what was asked when it does not come."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            raise CollectorError(f"{self.where} did not answer {name} within {ANSWER_S:.0f} s") from None

    def _break(self, why: str) -> None:
        self._broken = CollectorError(why)
        self._something.set()


@asynccontextmanager
async def opened(
    link: Link,
    host: str,
    port: int,
    ping_s: float,
    *,
    acd: str,
    unanswered: str,
    refused: str,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Wire]:
    """A connection, closed at the end. ``unanswered``, ``refused``: what to look at in the ACD's own files then.

    Raises ``CollectorError``, and ``ssl.SSLError`` as it is.
    """
    where = f"{acd} at {host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    except TimeoutError:
        raise CollectorError(
            f"{where} did not answer within {CONNECT_S:.0f} s; look at the address, the firewall and {unanswered}"
        ) from None
    except ssl.SSLError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CollectorError(f"no connection to {where} ({reason}); is it running, {refused}?") from error
    try:
        yield Wire(link, reader, writer, where, ping_s)
    finally:
        writer.transport.abort()
