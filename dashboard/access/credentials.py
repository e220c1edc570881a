"""From what a request shows to a caller: a user's name and password, or a screen's token."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections import Counter

from dashboard.access.caller import Caller
from dashboard.access.passwords import AT_ONCE, LONGEST_SECRET, Passwords, TooManyTries, busy
from dashboard.access.screens import COOKIE, FILE, Screens
from dashboard.access.throttle import Throttle
from dashboard.asgi import Problem, Request
from operations.projects.access import Access, User

CHALLENGE = ("WWW-Authenticate", 'Basic realm="Floorlight", charset="UTF-8"')
"""For programs. A browser that got it would ask by a dialog of its own, so the gate takes it out of what a page's script gets."""


MOST_WAITING = 24
"""Programs whose passwords are being checked or wait for it, half of them from one address: some two seconds of work.
A wait holds no thread, so it may be longer than that of the sign-in page (``passwords.MOST_QUEUED``).
"""


def unauthorized(detail: str) -> Problem:
    return Problem(401, "sign_in", detail, [CHALLENGE])


class Credentials:
    """Checks what a program or a screen shows against the configuration as it is now."""

    def __init__(self, screens: Screens, passwords: Passwords) -> None:
        self._screens, self._passwords = screens, passwords
        self._throttle = Throttle()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting: Counter[str] = Counter()

    async def caller(self, access: Access, request: Request, now_ms: int) -> Caller:
        """Who asks. Raises ``Problem`` 401 (nothing shown, or wrong), 429 (too many guesses) or 503 (too many at once)."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        value = value.strip()
        if kind.lower() == "basic":
            return await self._user(access, value, request, now_ms)
        token = value if kind.lower() == "bearer" else request.query.get("token") or request.cookies.get(COOKIE)
        if not token:
            raise unauthorized("sign in with a user's name and password, or with a screen's token")
        caller = await self._screen(access, token, request, now_ms)
        self._screens.heard(caller.screen, address(request), now_ms)
        return caller

    async def _screen(self, access: Access, token: str, request: Request, now_ms: int) -> Caller:
        """A token is long and random: guessing is hopeless and only counted so that it does not go on for ever."""
        key = f"token {address(request)}"
        digest = hashlib.sha256(token[:LONGEST_SECRET].encode()).hexdigest()
        for screen in access.screens:
            if hmac.compare_digest(screen.token.get_secret_value().removeprefix("sha256:").lower(), digest):
                return Caller(screen.name, "screen", frozenset(screen.projects), screen=FILE + screen.name)
        paired = await self._screens.caller(token[:LONGEST_SECRET], now_ms)
        if paired is not None:
            return paired
        self._wait(key, now_ms)
        self._throttle.failed(key, now_ms)
        raise unauthorized("this screen's token is not, or no longer, known")

    async def _user(self, access: Access, value: str, request: Request, now_ms: int) -> Caller:
        name, password = basic(value)
        user = self._passwords.remembered(access, name, password, now_ms)
        if user is None:
            user = await self._checked(access, name, password, address(request), now_ms)
        if user is None:
            raise unauthorized("the name or the password is wrong")
        return Caller.person(user.name, user, language=user.language or "")

    async def _checked(self, access: Access, name: str, password: str, at: str, now_ms: int) -> User | None:
        """As ``Passwords.check``, for so many at a time that nobody waits long behind somebody else's made-up names."""
        if self._waiting.total() >= MOST_WAITING or self._waiting[at] >= MOST_WAITING // 2:
            raise busy()
        self._waiting[at] += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._passwords.check, access, name, password, at, now_ms)
        finally:
            self._waiting[at] -= 1
            self._waiting += Counter()  # addresses of which nobody waits are forgotten

    def _wait(self, key: str, now_ms: int) -> None:
        wait_ms = self._throttle.wait_ms(key, now_ms)
        if wait_ms:
            raise TooManyTries(-(-wait_ms // 1000))


def basic(value: str) -> tuple[str, str]:
    """Name and password of a Basic authorization. Raises ``Problem`` 401."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise unauthorized("the Basic authorization cannot be read") from error
    name, colon, password = text.partition(":")
    if not colon or len(text) > LONGEST_SECRET:
        raise unauthorized("the Basic authorization cannot be read")
    return name, password


def address(request: Request) -> str:
    client = request.scope.get("client")
    return str(client[0]) if client else ""
