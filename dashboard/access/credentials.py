"""From what a request shows to a caller: a user's name and password, or a screen's token."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dashboard.access.caller import ALL, Caller
from dashboard.access.throttle import Throttle
from dashboard.asgi import Problem, Request
from operations.projects.access import Access, User

COOKIE = "floorlight_screen"
REMEMBER_MS = 10 * 60_000
MOST_REMEMBERED = 1_000
LONGEST_SECRET = 1_024
AT_ONCE = 2
"""Passwords verified at the same time: each takes a core and some 64 MB for a tenth of a second."""


def unauthorized(detail: str) -> Problem:
    return Problem(401, "sign_in", detail, [("WWW-Authenticate", 'Basic realm="Floorlight", charset="UTF-8"')])


class Credentials:
    """Checks credentials against the configuration as it is now. Remembers passwords that were right for a while."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))
        self._salt = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, int] = OrderedDict()
        self._throttle = Throttle()
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def caller(self, access: Access, request: Request, now_ms: int) -> Caller:
        """Who asks. Raises ``Problem`` 401 (nothing shown, or wrong) or 429 (too many guesses)."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        value = value.strip()
        if kind.lower() == "basic":
            return await self._user(access, value, request, now_ms)
        token = value if kind.lower() == "bearer" else request.query.get("token") or request.cookies.get(COOKIE)
        if not token:
            raise unauthorized("sign in with a user's name and password, or with a screen's token")
        return self._screen(access, token, request, now_ms)

    def _screen(self, access: Access, token: str, request: Request, now_ms: int) -> Caller:
        """A token is long and random: guessing is hopeless and only counted so that it does not go on for ever."""
        key = f"token {address(request)}"
        digest = hashlib.sha256(token[:LONGEST_SECRET].encode()).hexdigest()
        for screen in access.screens:
            if hmac.compare_digest(screen.token.get_secret_value().removeprefix("sha256:").lower(), digest):
                return Caller(screen.name, "screen", frozenset(screen.projects))
        self._wait(key, now_ms)
        self._throttle.failed(key, now_ms)
        raise unauthorized("this screen's token is not, or no longer, known")

    async def _user(self, access: Access, value: str, request: Request, now_ms: int) -> Caller:
        name, password = basic(value)
        user = next((user for user in access.users if user.name == name), None)
        stored = self._nobody if user is None else user.password.get_secret_value()
        proof = hmac.digest(self._salt, repr((name, password, stored)).encode("utf-8", "surrogatepass"), "sha256")
        if user is not None and self._right.get(proof, 0) > now_ms:
            return as_caller(user)
        key = f"user {address(request)} {name[:80]}"
        self._wait(key, now_ms)
        async with self._turn:
            right = await asyncio.to_thread(self._verify, stored, password)
        if user is None or not right:
            self._throttle.failed(key, now_ms)
            raise unauthorized("the name or the password is wrong")
        self._throttle.passed(key)
        self._right[proof] = now_ms + REMEMBER_MS
        if len(self._right) > MOST_REMEMBERED:
            self._right.popitem(last=False)
        return as_caller(user)

    def _wait(self, key: str, now_ms: int) -> None:
        wait_ms = self._throttle.wait_ms(key, now_ms)
        if wait_ms:
            wait_s = -(-wait_ms // 1000)
            raise Problem(
                429, "too_many_tries", f"too many wrong tries; wait {wait_s} s", [("Retry-After", str(wait_s))]
            )

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def as_caller(user: User) -> Caller:
    """A user of the configuration; an admin or manager without a list of projects sees all of them."""
    if user.projects is None:
        return Caller(user.name, user.role, frozenset({ALL}) if user.role in ("admin", "manager") else frozenset())
    return Caller(user.name, user.role, frozenset(user.projects))


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
