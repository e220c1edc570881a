"""Whether a name and a password belong together, and how often somebody may guess."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dashboard.access.throttle import Throttle
from dashboard.asgi import Problem
from operations.projects.access import Access, User

REMEMBER_MS = 10 * 60_000
MOST_REMEMBERED = 1_000
LONGEST_SECRET = 1_024
LONGEST_NAME = 200
AT_ONCE = 2
"""Passwords verified at the same time: each takes a core and some 64 MB for a tenth of a second."""

PATIENCE_S = 4.0
MOST_QUEUED = 6
"""Threads that check or wait to; past it somebody who signs in is told to try again, so that pages go on being served."""

FREE_BY_NAME = 20
"""Failures with one name from whichever addresses that cost nothing but time; from one address it is far fewer."""

FREE_BY_ADDRESS = 50
"""Failures from one address with whichever names. A success forgives none: whoever guesses may have a name of their own."""

Key = tuple[Throttle, str]


class TooManyTries(Problem):
    """Somebody has to wait before the next guess. ``wait_s``: whole seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            429, "too_many_tries", f"too many wrong tries; wait {wait_s} s", [("Retry-After", str(wait_s))]
        )
        self.wait_s = wait_s


class Passwords:
    """Checks passwords from any thread. Remembers those that were right for a while, for programs that send one each time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))
        self._salt = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, int] = OrderedDict()
        self._here, self._everywhere = Throttle(), Throttle(FREE_BY_NAME)
        self._address = Throttle(FREE_BY_ADDRESS, anew=True)
        self._lock = threading.Lock()
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._queue = threading.BoundedSemaphore(MOST_QUEUED)

    def remembered(self, access: Access, name: str, password: str, now_ms: int) -> User | None:
        """The user, if this very password was right a moment ago. Costs nothing."""
        user = _user(access, name)
        with self._lock:
            known = user is not None and self._right.get(self._proof(user, password), 0) > now_ms
        return user if known else None

    def check(self, access: Access, name: str, password: str, address: str, now_ms: int) -> User | None:
        """The user whose name and password these are; None: one of them is wrong. Takes a tenth of a second and a core.

        ``address``: where the guess comes from. Raises ``Problem``: 429 (too many guesses), 503 (too many at the same time).
        """
        user = _user(access, name)
        stored = user.password.get_secret_value() if user else self._nobody
        keys = (
            (self._here, f"{address} {name[:LONGEST_NAME]}"),
            (self._everywhere, name[:LONGEST_NAME]),
            (self._address, address),
        )
        self._wait(keys, now_ms)
        if not self._queue.acquire(blocking=False):
            raise busy()
        try:
            if not self._turn.acquire(timeout=PATIENCE_S):
                raise busy()
            try:
                self._wait(keys, now_ms)  # those who came at the same time have failed meanwhile
                right = len(password) <= LONGEST_SECRET and self._verify(stored, password)
                self._learn(keys, user if right else None, password, now_ms)
            finally:
                self._turn.release()
        finally:
            self._queue.release()
        return user if right else None

    def _wait(self, keys: tuple[Key, ...], now_ms: int) -> None:
        with self._lock:
            wait_ms = max(throttle.wait_ms(key, now_ms) for throttle, key in keys)
        if wait_ms:
            raise TooManyTries(-(-wait_ms // 1000))

    def _learn(self, keys: tuple[Key, ...], user: User | None, password: str, now_ms: int) -> None:
        with self._lock:
            for throttle, key in keys:
                if user is None:
                    throttle.failed(key, now_ms)
                elif throttle is not self._address:
                    throttle.passed(key)
            if user is not None:
                self._right[self._proof(user, password)] = now_ms + REMEMBER_MS
                if len(self._right) > MOST_REMEMBERED:
                    self._right.popitem(last=False)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False

    def _proof(self, user: User | None, password: str) -> bytes:
        known = ("", "") if user is None else (user.name, user.password.get_secret_value())
        return hmac.digest(self._salt, repr((known, password)).encode("utf-8", "surrogatepass"), "sha256")


def busy() -> Problem:
    """Too many want the same at the same time."""
    return Problem(
        503, "busy", "too many people sign in at this moment; try again in a few seconds", [("Retry-After", "3")]
    )


def _user(access: Access, name: str) -> User | None:
    return next((user for user in access.users if user.name == name), None)
