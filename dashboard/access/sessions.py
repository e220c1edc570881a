"""Who is signed in: one signed cookie, read here for the native routes and for Flask alike.

The cookie says who somebody is, never what that person may do: that is asked of the configuration at every request, so a
changed role, a new password or a removed user take effect at once. What signs it lies in Redis (or in the configuration),
the same for all web processes; so do the sessions that were ended before their time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from flask.json.tag import TaggedJSONSerializer
from itsdangerous import BadData, URLSafeTimedSerializer

from dashboard.access.caller import Caller
from dashboard.asgi import Request
from dashboard.redis_gone import REDIS_GONE, redis_away
from operations.projects.access import Access, Grant, OpenId, User
from operations.store import keys

log = logging.getLogger(__name__)

COOKIE = "floorlight_session"
LONGEST_COOKIE = 4_096
RENEW_MS = 5 * 60_000
"""A session that is older than this when it is used gets a fresh cookie."""

AHEAD_MS = 5 * 60_000
"""How far the clock of the process that wrote a cookie may be ahead of ours."""

ENDED_MS = 744 * 3_600_000
"""How long it is remembered that somebody signed out: as long as a session can lie unused at most."""

LOOK_S = 1.0
LOOK_AGAIN_MS = 250

STRONGEST = ("admin", "manager", "supervisor", "lead", "client")


@dataclass(frozen=True)
class Session:
    """A valid session of somebody who is signed in. ``token`` goes with everything that changes something."""

    caller: Caller
    token: str
    data: dict[str, Any]
    stale: bool
    """Whether its cookie should be written anew."""


class Sessions:
    """Reads, writes and ends sessions. Redis is asked once a second; requests are answered from memory."""

    def __init__(self) -> None:
        self._secret = ""
        self._ended: frozenset[str] = frozenset()
        self._ended_here: set[str] = set()
        """Those of which Redis has not said yet that it knows."""
        self._told_of: frozenset[str] = frozenset()
        self._redis: Any = None
        self._clock: Callable[[], int] = lambda: 0
        self._told: Callable[[str], None] = lambda _: None
        self._looked_at = -LOOK_AGAIN_MS

    def attend(self, redis: Any, clock: Callable[[], int], told: Callable[[str], None]) -> None:
        """Where the secret lies (an asynchronous client), and who wants to know that a session was ended."""
        self._redis, self._clock, self._told = redis, clock, told

    # ── what signs ──

    def signer(self, access: Access | None) -> URLSafeTimedSerializer | None:
        """What signs and verifies; None while the secret is not known."""
        own = access.secret.get_secret_value() if access and access.secret else ""
        return _signer(own or self._secret) if own or self._secret else None

    async def ready(self, access: Access) -> bool:
        """Whether sessions can be read; asks Redis for the secret if need be."""
        now_ms = self._clock()
        if self.signer(access) is None and not 0 <= now_ms - self._looked_at < LOOK_AGAIN_MS:
            self._looked_at = now_ms
            try:
                await self.look()
            except REDIS_GONE as error:
                log.debug("the secret of the sessions cannot be read: %s", error)
        return self.signer(access) is not None

    async def look(self) -> None:
        """Agree with the other web processes on the secret, and learn which sessions were ended."""
        now_ms = self._clock()
        pending = frozenset(self._ended_here)
        self._tell(self._ended | pending)
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(keys.SESSIONS_SECRET, self._secret or secrets.token_urlsafe(48), nx=True)
        if pending:  # somebody signed out while Redis was away
            pipe.zadd(keys.SESSIONS_ENDED, dict.fromkeys(pending, now_ms + ENDED_MS))
        pipe.get(keys.SESSIONS_SECRET)
        pipe.zrangebyscore(keys.SESSIONS_ENDED, now_ms, "+inf")
        *written, secret, ended = await pipe.execute(raise_on_error=False)
        for answer in (secret, ended, *(written if secret is None else ())):  # a Redis that is full can still be read
            if isinstance(answer, Exception):
                raise answer
        self._secret = secret.decode()
        self._ended = frozenset(name.decode() for name in ended)
        self._ended_here -= self._ended
        self._tell(self._ended | self._ended_here)

    def _tell(self, ended: frozenset[str]) -> None:
        for name in ended - self._told_of:
            self._told(name)
        self._told_of = ended

    async def follow(self) -> NoReturn:
        """Until cancelled. While Redis is away, who is signed in stays so."""
        while True:
            try:
                async with asyncio.timeout(2.0):
                    await self.look()
            except REDIS_GONE as error:
                log.debug("the sessions cannot be read: %s", error)
            await asyncio.sleep(LOOK_S)

    # ── who ──

    async def of(self, access: Access, request: Request, now_ms: int) -> Session | None:
        """The valid session that a request carries. Raises ``Problem`` 503 while nobody can know."""
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            return None
        if not await self.ready(access):
            raise redis_away()
        return self.read(access, cookie, now_ms)

    def read(self, access: Access, cookie: str, now_ms: int) -> Session | None:
        """The valid session in a cookie; None when it is none, was ended, lay unused too long, or its person is gone."""
        signer = self.signer(access)
        if signer is None or len(cookie) > LONGEST_COOKIE:
            return None
        try:
            data = signer.loads(cookie)
        except BadData:
            return None
        if not isinstance(data, dict) or "_user_id" not in data or not {"sid", "csrf", "at", "began"} <= data.keys():
            return None
        idle_ms = round(access.session_h * 3_600_000)
        ages = not -AHEAD_MS <= now_ms - data["at"] < idle_ms
        if ages or data["sid"] in self._ended or data["sid"] in self._ended_here:
            return None
        until = now_ms + idle_ms // 2
        name, language = str(data["_user_id"]), ""
        if "issuer" in data:
            openid = access.openid
            ends = data["began"] + round(openid.session_h * 3_600_000) if openid else 0
            if openid is None or openid.issuer != data["issuer"] or now_ms >= ends:
                return None
            grant: Grant | None = granted(openid, data.get("groups", []))
            until = min(until, ends)
        else:
            user = next((user for user in access.users if user.name == name), None)
            if user is None or not hmac.compare_digest(mark(user), str(data.get("mark", ""))):
                return None
            grant, language = user, user.language or ""
        if grant is None:
            return None
        caller = Caller.person(name, grant, language=language, session=data["sid"], until=until)
        return Session(caller, data["csrf"], data, stale=not 0 <= now_ms - data["at"] < RENEW_MS)

    # ── beginning and ending ──

    def renewed(self, access: Access, session: Session, now_ms: int) -> str | None:
        """The cookie of a session that was used just now."""
        signer = self.signer(access)
        return str(signer.dumps({**session.data, "at": now_ms})) if signer else None

    def end(self, client: Any, session: str) -> None:
        """End a session for every process. ``client``: synchronous. While Redis is away only this process knows; ``look`` says it later."""
        self._ended_here.add(session)
        now_ms = self._clock()
        try:
            pipe = client.pipeline(transaction=False)
            pipe.zadd(keys.SESSIONS_ENDED, {session: now_ms + ENDED_MS})
            pipe.zremrangebyscore(keys.SESSIONS_ENDED, "-inf", now_ms)
            pipe.execute()
        except REDIS_GONE as error:
            log.warning("somebody signed out while Redis was away: %s", error)


def fresh(now_ms: int) -> dict[str, Any]:
    """What every new session begins with; nothing of an earlier one is carried over."""
    return {"sid": secrets.token_urlsafe(12), "csrf": secrets.token_urlsafe(24), "began": now_ms, "at": now_ms}


def mark(user: User) -> str:
    """Changes with the password; tells nothing of it."""
    return hashlib.sha256(b"floorlight" + user.password.get_secret_value().encode()).hexdigest()[:24]


def granted(openid: OpenId, groups: list[str]) -> Grant | None:
    """What a person of some groups may do: the strongest role among them, with everything that this role was given there."""
    found = [openid.roles[group] for group in groups if group in openid.roles]
    if not found:
        return None
    role = min((grant.role for grant in found), key=STRONGEST.index)
    alike = [grant for grant in found if grant.role == role]
    projects = [grant.projects for grant in alike]
    kpis = [grant.kpis for grant in alike]
    return Grant(
        role=role,
        projects=None if None in projects else tuple(sorted({each for some in projects for each in some or ()})),
        kpis=None if None in kpis else tuple(sorted({each for some in kpis for each in some or ()})),
    )


@lru_cache(maxsize=4)
def _signer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret,
        salt="floorlight session",
        serializer=TaggedJSONSerializer(),
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
