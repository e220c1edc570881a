"""One notification channel: a web socket on which Genesys Cloud says what changed. It ends, and says why; others open a new one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from collectors.collector import CollectorError, Link
from collectors.genesys.protocol import Stat, notification
from collectors.polled.addresses import checked

OPEN_S = 8.0
LIVES_MS = 24 * 3_600_000
RENEW_MS = 3_600_000
"""A channel is replaced so long before it expires."""
LARGEST = 1 << 20
CLOSING = "v2.system.socket_closing"


@dataclass(frozen=True)
class Patience:
    """With a quiet channel, in seconds. The server's own heartbeat comes every 30 s."""

    quiet_s: float = 10.0
    """After so long without a word it is pinged."""
    dead_s: float = 14.0
    """After so long without a word, the answer to the ping included, it is given up."""


Heard = Callable[[Stat], Awaitable[None]]


async def open_socket(uri: str) -> ClientConnection:
    """Connect to a channel's ``connectUri``. Raises ``CollectorError``."""
    try:
        checked(urlsplit(uri)._replace(query="").geturl(), "wss")
    except ValueError as error:
        raise CollectorError(f"Genesys Cloud names an address for notifications that {error}") from None
    try:
        # Genesys Cloud has a ping of its own, see Channel.check.
        return await connect(uri, open_timeout=OPEN_S, close_timeout=1, ping_interval=None, max_size=LARGEST)
    except (OSError, TimeoutError, WebSocketException) as error:
        raise CollectorError(f"no web socket for notifications: {str(error) or type(error).__name__}") from None


class Channel:
    """An open channel with its subscriptions."""

    def __init__(
        self,
        link: Link,
        socket: ClientConnection,
        topics: list[str],
        expires_at: int,
        heard: Heard,
        wanted: asyncio.Event,
        patience: Patience = Patience(),
    ) -> None:
        self._patience = patience
        self._link, self._socket, self._heard, self._wanted = link, socket, heard, wanted
        self.topics = topics
        self._renew_at = expires_at - RENEW_MS
        self._heard_at = asyncio.get_running_loop().time()
        self._is_closing = False

    @property
    def is_due(self) -> bool:
        """Whether another one has to take its place."""
        return self._is_closing or self._link.now_ms() >= self._renew_at

    async def listen(self) -> None:
        """Hear until it ends."""
        try:
            async for message in self._socket:
                self._heard_at = asyncio.get_running_loop().time()
                await self._take(message)
        except ConnectionClosed:
            pass  # whatever the reason, what follows is the same: another channel
        finally:
            self._close_soon()
            await self._socket.close()

    async def _take(self, message: str | bytes) -> None:
        try:
            topic, told = notification(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return  # what it should have said is asked for anyway
        if told is not None:
            await self._heard(told)
        elif topic == CLOSING:
            self._close_soon()

    def _close_soon(self) -> None:
        self._is_closing = True
        self._wanted.set()

    async def check(self) -> None:
        """Ask a quiet channel for a sign of life; give up one that gives none."""
        quiet_s = asyncio.get_running_loop().time() - self._heard_at
        if quiet_s >= self._patience.dead_s:
            self._close_soon()
            self._socket.transport.abort()
        elif quiet_s >= self._patience.quiet_s:
            try:
                await self._socket.send(json.dumps({"message": "ping"}))
            except ConnectionClosed:
                pass  # ``listen`` says why

    async def close(self) -> None:
        """Say good-bye."""
        await self._socket.close()
