"""Keep the notification channels open: one for each thousand topics, replaced before they end. They quicken; the questions remain the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from collectors.collector import CollectorError, Link
from collectors.genesys import channel as ch
from collectors.genesys import protocol as p
from collectors.polled.answers import epoch_ms, in_batches


class Ask(Protocol):
    """A question to the API, see ``collector._Session``."""

    def __call__(self, method: str, path: str, shape: type[Any], what: str, **more: Any) -> Awaitable[Any]: ...


class Notifications:
    """All channels of one session. ``wanted`` is set when a channel ended or is about to."""

    def __init__(
        self,
        link: Link,
        ask: Ask,
        tasks: asyncio.TaskGroup,
        heard: ch.Heard,
        warn: Callable[[str, str], None],
        patience: ch.Patience,
    ) -> None:
        self._patience = patience
        self._link, self._ask, self._tasks, self._heard, self._warn = link, ask, tasks, heard, warn
        self._channels: dict[int, ch.Channel] = {}
        self.wanted = asyncio.Event()

    async def keep(self, topics: list[str]) -> None:
        """Open what is missing, replace what is due, ask the quiet for a sign of life.

        Trouble is a warning: without notifications everything is still asked for.
        """
        words = ""
        for number, part in enumerate(in_batches(topics, p.TOPICS_A_CHANNEL)):
            before = self._channels.get(number)
            if before is not None and not before.is_due and before.topics == list(part):
                await before.check()
                continue
            try:
                self._channels[number] = await self._open(list(part))
            except CollectorError as error:
                words = f"no notifications, numbers come as often as they are asked for: {error}"
            else:
                if before is not None:
                    # Only now: until here both told the same, and nothing was missed in between.
                    await before.close()
        self._warn("notifications", words)

    async def _open(self, topics: list[str]) -> ch.Channel:
        told: p.Channel = await self._ask("POST", "/api/v2/notifications/channels", p.Channel, "a channel")
        socket = await ch.open_socket(told.connect_uri)
        try:
            body = [{"id": topic} for topic in topics]
            path = f"/api/v2/notifications/channels/{told.id}/subscriptions"
            answer: p.Topics = await self._ask("PUT", path, p.Topics, "subscriptions", json=body)
            refused = [topic for topic in answer.entities or [] if (topic.state or "").lower() == "rejected"]
            if refused and len(refused) == len(topics):
                missing = ", ".join(refused[0].missing_permissions or []) or "a right"
                raise CollectorError(f"all subscriptions were refused; the OAuth client lacks {missing}")
        except BaseException:
            await socket.close()
            raise
        expires_at = epoch_ms(told.expires) or self._link.now_ms() + ch.LIVES_MS
        opened = ch.Channel(self._link, socket, topics, expires_at, self._heard, self.wanted, self._patience)
        self._tasks.create_task(opened.listen(), name=f"{self._link.source}: notifications")
        return opened
