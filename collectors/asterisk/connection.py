"""A connection to AMI: asks by ActionID and gets answers, and sends nothing that could change anything."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from collectors.asterisk.protocol import Message, encode_action
from collectors.collector import CollectorError, Link
from collectors.followed.wire import Wire, opened

READ_ONLY = frozenset(
    {"Challenge", "Login", "Ping", "QueueStatus", "Filter", "Events", "CoreStatus", "CoreSettings", "Logoff"}
)
"""Every action that is ever sent. Queue actions that change something need no rights in Asterisk, so we must not send any."""


class Connection:
    """An open connection. Whoever reads ``wire`` hands each answer to ``settle``."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._asked: dict[str, tuple[asyncio.Future[Message], Callable[[Message], None] | None]] = {}
        self._actions = 0

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
        self.wire.write(encode_action(action, {"ActionID": action_id, **(headers or {})}))
        return action_id, answer

    async def ask(
        self, action: str, headers: Mapping[str, str] | None = None, judge: Callable[[Message], None] | None = None
    ) -> Message:
        """Send an action and wait for its answer."""
        _, answer = self.tell(action, headers, judge)
        return await self.wire.answered(answer, action)

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


@asynccontextmanager
async def connect(
    link: Link, host: str, port: int, tls: ssl.SSLContext | None, ping_s: float
) -> AsyncIterator[Connection]:
    """A connection, closed at the end. Raises ``CollectorError`` with what to look at."""
    async with AsyncExitStack() as stack:
        wire = opened(
            link,
            host,
            port,
            ping_s,
            acd="Asterisk",
            unanswered="bindaddr in manager.conf",
            refused="with enabled=yes and this port in manager.conf",
            tls=tls,
        )
        try:
            connection = Connection(await stack.enter_async_context(wire))
        except ssl.SSLError as error:
            raise CollectorError(
                f"TLS with Asterisk at {host}:{port} failed ({error.reason}); look at tls, tls_verify and the port"
            ) from error
        yield connection
