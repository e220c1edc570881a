"""The collector of a source that is pushed to: it keeps the source's lease and status, from what the doors note."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from collectors import door
from collectors.collector import BUSINESS, FLOOR, Fact, Link, SourceSettings
from collectors.webhook.settings import WebhookSettings

LOOK_S = 1.0
WARN_MS = 600_000
"""A refusal is shown as a warning for so long."""


class WebhookCollector:
    """One source. It opens no connection; the events go from the web role's door straight into the log."""

    kind: ClassVar[str] = "webhook"
    Settings: ClassVar[type[SourceSettings]] = WebhookSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR | BUSINESS

    def __init__(self, source: str, settings: Any, *, look_s: float = LOOK_S) -> None:
        self.source = source
        self._settings: WebhookSettings = settings
        self._look_s = look_s
        self._told: set[Fact] = set()
        self._seen: tuple[bytes | None, ...] = ()
        self._events_before: int | None = None

    async def run(self, link: Link) -> None:
        """Look each second what the doors have noted, until cancelled."""
        up = self._settings.quiet_after_s is None
        if up:
            link.connected("nothing pushed yet")
            link.pushed(None, 0, None)
        link.note(gives=sorted(self._settings.gives or ()))
        while True:
            seen = tuple([await link.recall(field) for field in (door.HEARD, door.REFUSED, door.DUPLICATES)])
            if seen != self._seen:
                await self._tell(link, None if seen[0] is None else int(seen[0]))
                self._seen = seen
            await self._warn(link, seen[1])
            await asyncio.sleep(self._look_s)

    async def _tell(self, link: Link, heard_at: int | None) -> None:
        received = await _number(link, door.RECEIVED) or 0
        duplicates, refused = await _number(link, door.DUPLICATES) or 0, await _number(link, door.REFUSED) or 0
        last_event_at, skew_ms = await _number(link, door.LAST_EVENT), await _number(link, door.SKEW)
        if self._settings.gives is None and heard_at is not None:
            for fact in self.gives - self._told:
                if await link.recall(door.TOLD + fact) is not None:
                    self._told.add(fact)
            link.note(gives=sorted(self._told))
        if self._events_before is None or received < self._events_before:
            self._events_before = received
        # from here on without a pause: the status is written at any of them
        if heard_at is not None:
            link.connected("others push")
            link.pushed(heard_at, received - self._events_before, last_event_at)
        link.note(received=received, duplicates=duplicates, refused=refused)
        if skew_ms is not None:
            link.note(clock_skew_ms=skew_ms)

    async def _warn(self, link: Link, refused: bytes | None) -> None:
        if refused is None:
            return
        refused_at, reason = await _number(link, door.REFUSED_AT), await link.recall(door.REFUSAL)
        fresh = refused_at is not None and link.now_ms() - refused_at <= WARN_MS
        text = (reason or b"").decode("utf-8", "replace")
        link.note(last_refusal=text, warning=f"refused a batch: {text}" if fresh else "")


async def _number(link: Link, field: str) -> int | None:
    raw = await link.recall(field)
    return None if raw is None else int(raw)
