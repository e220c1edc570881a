"""The paired screens as one web process knows them: whose token a request carries, and when each screen was last heard.

The hot path asks memory alone. Once a second the process looks whether a screen was paired, changed or revoked anywhere, and
writes down whom it has heard; so two hundred screens cost what one costs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn
from urllib.parse import quote

from dashboard.access.caller import Caller
from dashboard.asgi import Request
from dashboard.redis_gone import REDIS_GONE, redis_away
from operations.projects.access import Access
from operations.store.screens import Contact, Saved, Screen, ScreenStore, digest

log = logging.getLogger(__name__)

COOKIE = "floorlight_screen"
COOKIE_S = 400 * 24 * 3600
"""As long as browsers keep a cookie at most; renewed at every contact, a wall does not expire by surprise."""

FILE = "file:"
"""What the id of a screen of the configuration file begins with; its name follows."""

LOOK_S = 1.0
LOOK_AGAIN_MS = 250
"""An unknown token may be one that another process has just paired; Redis is asked at most this often."""
NOTE_MS = 10_000
"""A screen's contact is written down at most this often."""
ONLINE_MS = 30_000
"""A page speaks every few seconds; one that was not heard for so long is not there."""


Changed = Callable[[str, Screen | None], None]
"""Told of each screen that is another one now; None: revoked."""


class Screens:
    """Who the screens are. ``look`` and ``note`` speak to Redis, everything else answers from memory."""

    def __init__(self) -> None:
        self.saved: Saved | None = None
        self._looked_at = -LOOK_AGAIN_MS
        self._heard: dict[str, Contact] = {}
        self._noted: dict[str, int] = {}
        self._store: ScreenStore | None = None
        self._told: Changed = lambda _, __: None

    def attend(self, store: ScreenStore, told: Changed) -> None:
        """Where the screens lie, and who wants to know when one changes."""
        self._store, self._told = store, told

    # ── who ──

    def screen(self, access: Access | None, screen: str) -> Screen | None:
        """The screen of an id, also one of the configuration file; None when there is none (any more)."""
        if screen.startswith(FILE):
            entries = access.screens if access else ()
            found = next((entry for entry in entries if FILE + entry.name == screen), None)
            return Screen(id=screen, name=found.name, projects=tuple(found.projects)) if found else None
        return self.saved.screens.get(screen) if self.saved else None

    async def caller(self, token: str, now_ms: int) -> Caller | None:
        """The paired screen that carries ``token``. Raises ``Problem`` 503 while nobody can know."""
        found = self._caller(token)
        if found is None and not 0 <= now_ms - self._looked_at < LOOK_AGAIN_MS:
            self._looked_at = now_ms
            try:
                await self.look()
            except REDIS_GONE as error:
                log.debug("the screens cannot be read: %s", error)
            found = self._caller(token)
        if found is None and self.saved is None:
            raise redis_away()
        return found

    def _caller(self, token: str) -> Caller | None:
        name = self.saved.tokens.get(digest(token)) if self.saved else None
        screen = self.saved.screens.get(name) if self.saved and name else None
        if screen is None:
            return None
        return Caller(screen.name, "screen", frozenset(screen.projects), screen.language, screen.id)

    def seated(self, caller: Caller, request: Request) -> Caller:
        """``caller`` with the screen whose cookie the request carries: a person keeps a person's rights at a paired screen."""
        token = request.cookies.get(COOKIE)
        found = self._caller(token) if token and not caller.screen else None
        return replace(caller, screen=found.screen) if found else caller

    # ── when ──

    def heard(self, screen: str, address: str, now_ms: int) -> None:
        """A screen has spoken."""
        self._heard[screen] = Contact(now_ms, address)

    def contact(self, screen: str) -> Contact | None:
        """When this process heard a screen last."""
        return self._heard.get(screen)

    # ── Redis ──

    async def look(self) -> None:
        """Take over what has changed, and tell of it."""
        if self._store is None:
            return
        if self.saved is not None and await self._store.revision() == self.saved.revision:
            return
        before, self.saved = self.saved, await self._store.load()
        for name in before.screens.keys() | self.saved.screens.keys() if before else ():
            after = self.saved.screens.get(name)
            if before and before.screens.get(name) != after:
                self._told(name, after)
            if after is None:
                self._heard.pop(name, None)
                self._noted.pop(name, None)

    async def note(self) -> None:
        """Write down who was heard since the last note."""
        due = {
            name: contact
            for name, contact in self._heard.items()
            if contact.at != (last := self._noted.get(name)) and (last is None or abs(contact.at - last) >= NOTE_MS)
        }
        if due and self._store is not None:
            await self._store.note(due)
            self._noted |= {name: contact.at for name, contact in due.items()}

    async def follow(self) -> NoReturn:
        """Until cancelled. Redis may go and come back; who was known stays known."""
        while True:
            try:
                async with asyncio.timeout(2.0):
                    await self.look()
                    await self.note()
            except REDIS_GONE as error:
                log.debug("the screens cannot be read: %s", error)
            await asyncio.sleep(LOOK_S)


def cookie(request: Request, token: str) -> tuple[str, str]:
    """The header that lets a browser keep a screen's token."""
    secure = "; Secure" if request.scope.get("scheme") == "https" else ""
    value = quote(token, safe="")
    return "Set-Cookie", f"{COOKIE}={value}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Lax{secure}"
