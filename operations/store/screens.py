"""Paired screens in Redis: who they are, when each was last heard, and the codes with which new ones are paired.

A screen that wants to be paired has a secret of its own (its browser's cookie); Redis holds only hashes of it and of the token
that it gets. The token is made of both the secret and a salt that the confirmation leaves, so that a second question of the same
screen, after an answer that got lost, finds the same token, and nobody who reads Redis finds any.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from redis.exceptions import WatchError

from operations.store import keys

ALPHABET = "34679ACDEFGHJKMNPQRTUWXY"
"""Without look-alikes: no 0 and O, 1, I and L, 2 and Z, 5 and S, 8 and B, U and V."""
CODE_LENGTH = 6
CODE_MS = 10 * 60_000
CLAIM_MS = 10 * 60_000
"""How long a confirmed screen may take to ask for its token."""

MOST_CODES = 3_000
MOST_OF_AN_ADDRESS = 300
"""New codes for one address within ``CODE_MS``: a whole site of screens behind one router."""
MOST_SCREENS = 2_000


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """A paired screen: one project's wall, or several in turn for ``seconds`` each. ``paired_at``: epoch ms."""

    id: str
    name: str
    projects: tuple[str, ...]
    seconds: int = 20
    language: str = ""
    sound: bool = False
    paired_by: str = ""
    paired_at: int = 0
    revision: int = 1
    """Grows whenever its page has to be drawn anew."""
    identify: int = 0
    """Grows whenever somebody asks which of the screens it is."""


class Contact(msgspec.Struct, frozen=True):
    """When a screen was last heard (epoch ms) and from which address."""

    at: int
    address: str = ""


@dataclass(frozen=True)
class Saved:
    """Everything that is known of paired screens. ``tokens``: id by the SHA-256 of the token."""

    revision: str
    screens: Mapping[str, Screen]
    tokens: Mapping[str, str]


@dataclass(frozen=True)
class Waiting:
    """A code that waits for a supervisor, and for how long it still holds."""

    code: str
    left_ms: int


@dataclass(frozen=True)
class Token:
    """What a confirmed screen is to carry from now on."""

    token: str
    screen: Screen


class _Device(msgspec.Struct, omit_defaults=True):
    """Where the pairing of one browser stands: a code is out, or somebody confirmed it."""

    code: str = ""
    screen: str = ""
    salt: str = ""


class ScreensFull(Exception):
    """There are more codes or screens than anybody can want. Not ``permanent``: it passes by itself or by revoking."""

    permanent = False


_screens = msgspec.json.Decoder(Screen)
_contacts = msgspec.json.Decoder(Contact)
_devices = msgspec.json.Decoder(_Device)


def digest(secret: str) -> str:
    """The SHA-256 of a token or of a browser's secret, in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def as_code(typed: str) -> str:
    """A code as somebody typed it, in whatever case and width and however grouped; "" for what cannot be one."""
    plain = unicodedata.normalize("NFKC", typed[:40]).upper()
    code = "".join(sign for sign in plain if sign not in " -‐‑–—·.")
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else ""


def new_id() -> str:
    return secrets.token_hex(6)


class ScreenStore:
    """The paired screens of one installation. ``redis``: an asyncio client (bytes). Raises what the client raises."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def revision(self) -> str:
        """What is another one after every change; "" while there was none."""
        return (await self._redis.get(keys.SCREENS_REVISION) or b"").decode()

    async def load(self) -> Saved:
        """All screens. One that cannot be read (a newer version wrote it) is left out."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.get(keys.SCREENS_REVISION)
        pipe.hgetall(keys.SCREENS_PAIRED)
        pipe.hgetall(keys.SCREENS_TOKENS)
        revision, paired, tokens = await pipe.execute()
        screens = {name.decode(): screen for name, raw in paired.items() if (screen := _read(raw)) is not None}
        known = {raw.decode(): name.decode() for name, raw in tokens.items() if name.decode() in screens}
        return Saved((revision or b"").decode(), screens, known)

    async def contacts(self) -> dict[str, Contact]:
        """Who was heard when, as the web processes noted it."""
        return {
            name.decode(): _contacts.decode(raw) for name, raw in (await self._redis.hgetall(keys.SCREENS_SEEN)).items()
        }

    async def note(self, contacts: Mapping[str, Contact]) -> None:
        """Write down who was heard."""
        if contacts:
            await self._redis.hset(
                keys.SCREENS_SEEN, mapping={name: msgspec.json.encode(c) for name, c in contacts.items()}
            )

    async def ask(self, secret: str, address: str, now_ms: int) -> Waiting | Token:
        """What a browser that wants to be paired is told: its code, or once that is confirmed, its token.

        Raises ``ScreensFull``.
        """
        device = digest(secret)
        raw = await self._redis.get(keys.screens_device(device))
        stands = _devices.decode(raw) if raw else _Device()
        if stands.screen:
            token = await self._claim(secret, stands)
            if token is not None:
                return token
        elif stands.code:
            pipe = self._redis.pipeline(transaction=False)
            pipe.get(keys.screens_code(stands.code))
            pipe.pttl(keys.screens_code(stands.code))
            owner, left_ms = await pipe.execute()
            if owner == device.encode() and left_ms > 0:
                return Waiting(stands.code, left_ms)
        return await self._new_code(device, address, now_ms)

    async def _claim(self, secret: str, stands: _Device) -> Token | None:
        raw = await self._redis.hget(keys.SCREENS_PAIRED, stands.screen)
        screen = _read(raw) if raw else None
        if screen is None:  # revoked before it came for its token
            return None
        key = hmac.digest(secret.encode(), f"{stands.salt} {stands.screen}".encode(), "sha256")
        token = base64.urlsafe_b64encode(key).decode().rstrip("=")
        hashed = digest(token).encode()
        if await self._redis.hget(keys.SCREENS_TOKENS, stands.screen) != hashed:
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(keys.SCREENS_TOKENS, stands.screen, hashed)
            pipe.set(keys.SCREENS_REVISION, secrets.token_hex(8))
            await pipe.execute()
        return Token(token, screen)

    async def _new_code(self, device: str, address: str, now_ms: int) -> Waiting:
        pipe = self._redis.pipeline(transaction=True)
        pipe.zremrangebyscore(keys.SCREENS_CODES, "-inf", now_ms)
        pipe.zcard(keys.SCREENS_CODES)
        pipe.set(keys.screens_asked(address), 0, nx=True, px=CODE_MS)
        pipe.incr(keys.screens_asked(address))
        _, out, _, asked = await pipe.execute()
        if out >= MOST_CODES or asked > MOST_OF_AN_ADDRESS:
            raise ScreensFull("too many screens want to be paired at once; wait ten minutes")
        while True:
            code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
            if await self._redis.set(keys.screens_code(code), device, nx=True, px=CODE_MS):
                break
        pipe = self._redis.pipeline(transaction=True)
        pipe.set(keys.screens_device(device), msgspec.json.encode(_Device(code=code)), px=CODE_MS)
        pipe.zadd(keys.SCREENS_CODES, {code: now_ms + CODE_MS})
        await pipe.execute()
        return Waiting(code, CODE_MS)

    async def confirm(self, code: str, screen: Screen) -> bool:
        """Pair the browser that shows ``code``; False when no browser does, or not any more. A code serves once.

        Raises ``ScreensFull``.
        """
        if await self._redis.hlen(keys.SCREENS_PAIRED) >= MOST_SCREENS:
            raise ScreensFull(f"{MOST_SCREENS:,} screens are paired already; revoke some")
        device = await self._redis.getdel(keys.screens_code(code))
        if device is None:
            return False
        claim = _Device(screen=screen.id, salt=secrets.token_hex(16))
        pipe = self._redis.pipeline(transaction=True)
        pipe.hset(keys.SCREENS_PAIRED, screen.id, msgspec.json.encode(screen))
        pipe.set(keys.screens_device(device.decode()), msgspec.json.encode(claim), px=CLAIM_MS)
        pipe.zrem(keys.SCREENS_CODES, code)
        pipe.set(keys.SCREENS_REVISION, secrets.token_hex(8))
        await pipe.execute()
        return True

    async def change(self, screen: str, edit: Callable[[Screen], Screen]) -> Screen | None:
        """Replace a screen by what ``edit`` makes of it; the new one, None when there is none of this id."""
        while True:
            async with self._redis.pipeline(transaction=True) as pipe:
                await pipe.watch(keys.SCREENS_PAIRED)
                raw = await pipe.hget(keys.SCREENS_PAIRED, screen)
                before = _read(raw) if raw else None
                if before is None:
                    return None
                after = edit(before)
                pipe.multi()
                pipe.hset(keys.SCREENS_PAIRED, screen, msgspec.json.encode(after))
                pipe.set(keys.SCREENS_REVISION, secrets.token_hex(8))
                try:
                    await pipe.execute()
                except WatchError:
                    continue  # somebody changed a screen meanwhile: look again
                return after

    async def revoke(self, screen: str) -> bool:
        """Forget a screen and its token; False when there is none of this id."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.hdel(keys.SCREENS_PAIRED, screen)
        pipe.hdel(keys.SCREENS_TOKENS, screen)
        pipe.hdel(keys.SCREENS_SEEN, screen)
        pipe.set(keys.SCREENS_REVISION, secrets.token_hex(8))
        found, *_ = await pipe.execute()
        return bool(found)


def _read(raw: bytes) -> Screen | None:
    try:
        return _screens.decode(raw)
    except msgspec.MsgspecError:
        return None
