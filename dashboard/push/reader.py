"""The one reader of Redis in a web process: it hears every change once and hands it to the hub.

Three loops: *listen* (the subscription), *load* (boards that a feed wants read) and *poll* (each second: how the
sources are, whether Redis answers, when the engine last looked). Redis may go and come back at any time; the
streams stay open and their heartbeats say so.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from typing import Any, NoReturn

import msgspec
import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from collectors import event_log
from dashboard.context import CHANNELS, Clock, Watcher, channel_project
from dashboard.push.heartbeat import Heart
from dashboard.push.hub import Hub
from dashboard.redis_gone import REDIS_GONE
from operations import sources
from operations.projects.configuration import Configuration
from operations.store import boards, keys

log = logging.getLogger(__name__)

POLL_S = 1.0
ROLE_EVERY_MS = 2_000
ROLE_EXPIRES_S = 10
RELOAD_GAP_S = 0.05
"""Between two readings of boards, so that a broken publisher cannot make us read without end."""
BOARD_RETRY_S = 1.0
SILENCE_S = 5.0
"""A subscription that says nothing for this long is asked for a sign of life, and given up if it stays mute."""
BACK_OFF_S = (0.1, 0.2, 0.4, 0.8)


class Lost(Exception):
    """The subscription is mute."""


def connect(redis_url: str) -> aioredis.Redis:
    """A client that fails fast and retries nothing by itself: trying again is the loops' work."""
    return aioredis.Redis.from_url(
        redis_url, socket_timeout=2.0, socket_connect_timeout=2.0, retry=Retry(NoBackoff(), 0), max_connections=50
    )


class Reader:
    """Feeds a hub from Redis for as long as ``run`` runs.

    ``redis``: an asynchronous client (bytes).
    """

    def __init__(self, redis: aioredis.Redis, hub: Hub, heart: Heart, watcher: Watcher, clock: Clock) -> None:
        self._redis, self._hub, self._heart, self._watcher, self._clock = redis, hub, heart, watcher, clock
        self.started_at = clock()
        self.instance = f"{socket.gethostname()}-{os.getpid()}-{random.randrange(16**4):04x}"
        self._role_at = 0
        self.configured_at = self.started_at
        """When the configuration that holds was taken, epoch ms."""
        self._configuration = watcher.current

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._load())
            group.create_task(self._poll())

    async def _listen(self) -> NoReturn:
        attempt = 0
        while True:
            pubsub = self._redis.pubsub()
            try:
                await pubsub.psubscribe(CHANNELS)
                attempt = 0
                await self._hear(pubsub)
            except (*REDIS_GONE, Lost) as error:
                log.debug("subscription lost: %s", error)
            finally:
                await _quietly(pubsub.aclose())
            await asyncio.sleep(BACK_OFF_S[min(attempt, len(BACK_OFF_S) - 1)] * random.uniform(0.5, 1.0))
            attempt += 1

    async def _hear(self, pubsub: Any) -> NoReturn:
        asked = False
        while True:
            message = await pubsub.get_message(timeout=SILENCE_S)
            if message is None:
                if asked:
                    raise Lost("no answer to a ping")
                asked = True
                await pubsub.ping()
                continue
            asked = False
            if message["type"] == "pmessage":
                try:
                    self._hub.change(channel_project(message["channel"]), message["data"])
                except ValueError as error:
                    log.warning("a change that cannot be read on %r: %s", message["channel"][:80], error)
            elif message["type"] == "psubscribe":
                self._hub.lost()  # also when the client subscribed again by itself: changes may have passed

    async def _load(self) -> NoReturn:
        while True:
            await self._hub.wanted.wait()
            self._hub.wanted.clear()
            projects = self._hub.wanting()
            if projects:
                try:
                    missing = await self._read_boards(projects)
                except REDIS_GONE:
                    missing = True
                if missing:
                    asyncio.get_running_loop().call_later(BOARD_RETRY_S, self._hub.wanted.set)
            await asyncio.sleep(RELOAD_GAP_S)

    async def _read_boards(self, projects: list[str]) -> bool:
        """Whether some board is still wanted afterwards."""
        pipe = self._redis.pipeline(transaction=False)
        for project in projects:
            pipe.hgetall(keys.board(project))
        for project, parts in zip(projects, await pipe.execute(), strict=True):
            raw = boards.assemble(parts)
            if raw is None:
                continue
            try:
                self._hub.install(project, raw)
            except ValueError as error:
                log.warning("a board that cannot be read of %s: %s", project, error)
        return bool(self._hub.wanting())

    async def _poll(self) -> NoReturn:
        while True:
            now_ms = self._clock()
            try:
                async with asyncio.timeout(2.0):
                    await self._ask(now_ms)
                self._say_redis(True)
            except REDIS_GONE as error:
                self._say_redis(False, str(error))
            self._follow_configuration()
            self._heart.beat(self._clock())
            self._hub.sweep(now_ms)
            await asyncio.sleep(POLL_S)

    async def _ask(self, now_ms: int) -> None:
        wanted = list(self._watcher.current.sources)
        pipe = self._redis.pipeline(transaction=False)
        pipe.hgetall(keys.BOARDS_CHECKED)
        for source in wanted:
            pipe.get(event_log.status_key(source))
        if not 0 <= now_ms - self._role_at < ROLE_EVERY_MS:  # also when the clock was set back
            pipe.set(f"role:serve:{self.instance}", self._role(now_ms), ex=ROLE_EXPIRES_S)
            self._role_at = now_ms
        checked, *answers = await pipe.execute(raise_on_error=False)
        for answer in (checked, *answers[: len(wanted)]):
            if isinstance(answer, Exception):
                raise answer
        if len(answers) > len(wanted) and isinstance(answers[-1], Exception):
            # A Redis that is full still answers questions: the boards stay right, only our sign of life is missing.
            log.error("Redis does not take our sign of life: %s", answers[-1])
        self._heart.checked = {name.decode(): int(at) for name, at in checked.items() if at.isdigit()}
        self._heart.learn({s: sources.parse(raw) for s, raw in zip(wanted, answers, strict=False)})

    def _role(self, now_ms: int) -> bytes:
        return msgspec.json.encode(
            {
                "role": "serve",
                "instance": self.instance,
                "pid": os.getpid(),
                "started_at": self.started_at,
                "at": now_ms,
                "screens": self._hub.screens,
            }
        )

    async def sign_off(self) -> None:
        """Take this process off the list of living roles."""
        await _quietly(self._redis.delete(f"role:serve:{self.instance}"))

    def _say_redis(self, up: bool, error: str = "") -> None:
        if up == self._hub.redis:
            return
        self._hub.redis = up
        if up:
            log.info("Redis answers")
        else:
            self._role_at = 0
            log.error("Redis does not answer: %s", error)

    def _follow_configuration(self) -> None:
        """Let screens come back and ask again when it changed who may see what, or that there is something to see."""
        configuration = self._watcher.current
        if configuration is self._configuration:
            return
        self.configured_at = self._clock()
        before, self._configuration = self._configuration, configuration
        if configuration.access != before.access:
            self._hub.close()
        for project in self._hub.projects():
            if _seen_of(configuration, project) != _seen_of(before, project):
                self._hub.close(project)


def _seen_of(configuration: Configuration, project: str) -> tuple[str, ...] | None:
    """The KPIs that a client of a project sees who was given none by name (``Caller.view``); None: there is no such project."""
    found = configuration.projects.get(project)
    return None if found is None else tuple(found.wall)


async def _quietly(closing: Any) -> None:
    try:
        await asyncio.wait_for(closing, 1.0)
    except REDIS_GONE:
        log.debug("Redis was gone while closing")
