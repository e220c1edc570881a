"""Watch every source: connect, keep, back off, reconnect. The only place where a collector's errors end.

One task per source. A lease in Redis sees to it that one process watches a source and another takes over
when it dies. What a collector says goes through ``SourceLink`` into the event log.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from collectors import event_log
from collectors.collector import Collector, CollectorError, SourceSettings
from collectors.link import REDIS_TROUBLE, SourceLink, from_redis
from collectors.registry import KINDS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Every period and bound of the supervisor, in one place so that a test can hurry."""

    poll_s: float = 1.0
    status_s: float = 1.0
    heartbeat_s: float = 2.0
    lease_ms: int = 5_000
    backoff_first_s: float = 1.0
    backoff_most_s: float = 60.0
    permanent_s: float = 60.0
    settled_s: float = 30.0
    """A session that was up for so long starts the back-off anew."""
    redis_retry_s: float = 0.25
    farewell_s: float = 3.0
    buffer: int = 200_000
    chunk: int = 5_000


def lease_key(source: str) -> str:
    """Who watches this source."""
    return f"lease:collect:{{{source}}}"


_HOLD = """
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class _LeaseLost(Exception):
    """Another process watches this source now."""


class _Watch:
    """One source, from winning its lease to losing it, again and again until cancelled."""

    def __init__(
        self,
        source: str,
        settings: SourceSettings,
        kind: type[Collector],
        client: Any,
        clock: Callable[[], int],
        pace: Pace,
        instance: str,
    ) -> None:
        self._source = source
        self._settings = settings
        self._kind = kind
        self._client = client
        self._clock = clock
        self._pace = pace
        self._token = f"{instance}/{secrets.token_hex(8)}"
        self._emptied = asyncio.Event()
        self._link: SourceLink

    async def run(self) -> None:
        while True:
            await self._win_lease()
            self._link = SourceLink(
                self._source,
                self._settings,
                self._client,
                self._clock,
                bound=self._pace.buffer,
                chunk=self._pace.chunk,
                retry_s=self._pace.redis_retry_s,
                on_emptied=self._emptied.set,
            )
            await self._watch()

    async def _watch(self) -> None:
        lost = False
        try:
            try:
                await self._link.take_over()
            except REDIS_TROUBLE:
                return  # gone again between the lease and the look; the next round begins anew
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._beat())
                    tasks.create_task(self._link.flush_forever())
                    tasks.create_task(self._sessions())
            except* _LeaseLost:
                lost = True
                log.warning("source %s is watched by another process now", self._source)
        finally:
            # in a task of its own: this one may be under cancellation, and its last words still have to get out
            await asyncio.create_task(self._farewell(lost))

    async def _farewell(self, lost: bool) -> None:
        if not lost:
            self._link.session_ended("no longer watched", permanent=False)
        await self._link.flush_rest(self._pace.farewell_s)
        if not lost:
            with suppress(*REDIS_TROUBLE):
                await from_redis(self._client.set(event_log.status_key(self._source), self._link.status_bytes()))
                await from_redis(self._client.eval(_RELEASE, 1, lease_key(self._source), self._token))

    async def _win_lease(self) -> None:
        while True:
            try:
                if await self._hold_lease():
                    return
            except REDIS_TROUBLE:
                log.debug("source %s: no lease yet, Redis is away", self._source)
            await asyncio.sleep(self._pace.poll_s)

    async def _hold_lease(self) -> bool:
        lease = self._client.eval(_HOLD, 1, lease_key(self._source), self._token, self._pace.lease_ms)
        return bool(await from_redis(lease))

    async def _beat(self) -> None:
        """Each second: keep the lease, write the status, see whether the log is still there."""
        status_key, stream_key = event_log.status_key(self._source), event_log.stream_key(self._source)
        while True:
            with suppress(*REDIS_TROUBLE):
                if not await self._hold_lease():
                    raise _LeaseLost
                had_appended = self._link.appended
                pipe = self._client.pipeline(transaction=False)
                pipe.set(status_key, self._link.status_bytes())
                pipe.exists(stream_key)
                answers = await from_redis(pipe.execute())
                if had_appended:
                    self._link.stream_seen(bool(answers[1]))
            await asyncio.sleep(self._pace.status_s)

    async def _sessions(self) -> None:
        """Session after session, with the pause that the last one's end calls for."""
        failures = 0
        while True:
            self._emptied.clear()
            error = await self._session()
            if error is None:  # Redis was emptied: only a new snapshot can fill it again
                self._link.session_ended("Redis was emptied; asking the ACD for its whole state", permanent=False)
                self._link.forget_memory()
                continue
            settled = self._link.status.state == "up" and (
                self._clock() - self._link.status.since >= self._pace.settled_s * 1000
            )
            self._link.session_ended(str(error), permanent=error.permanent)
            failures = 1 if settled else failures + 1
            if error.permanent:
                pause = self._pace.permanent_s
            else:
                ceiling = min(self._pace.backoff_most_s, self._pace.backoff_first_s * 2 ** min(failures - 1, 16))
                pause = random.uniform(0, ceiling)
            await asyncio.sleep(pause)

    async def _session(self) -> CollectorError | None:
        """Run one session to its end; None when it was ended because Redis lost its data."""
        session = asyncio.ensure_future(self._run_collector())
        emptied = asyncio.ensure_future(self._emptied.wait())
        try:
            await asyncio.wait({session, emptied}, return_when=asyncio.FIRST_COMPLETED)
            return session.result() if session.done() else None
        finally:
            for task in (session, emptied):
                task.cancel()
            await asyncio.gather(session, emptied, return_exceptions=True)

    async def _run_collector(self) -> CollectorError:
        # what an earlier session found wrong may be right by now, and whoever knew would have to take it back
        self._link.note(warning="", refused_future=0)
        try:
            await self._kind(self._source, self._settings).run(self._link)
        except CollectorError as error:
            return error
        except Exception as unexpected:
            known = _collector_error_within(unexpected)
            if known is not None:
                return known
            log.exception("source %s: the collector %s failed unexpectedly", self._source, self._settings.kind)
            # the message of an unknown exception may hold anything, a secret included: it stays out of the status
            return CollectorError(f"unexpected {type(unexpected).__name__} in the collector; the log has the details")
        return CollectorError("the session ended without a reason")


def _collector_error_within(error: BaseException) -> CollectorError | None:
    if isinstance(error, CollectorError):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = _collector_error_within(inner)
            if found is not None:
                return found
    return None


async def collect(
    current_sources: Callable[[], Mapping[str, SourceSettings]],
    redis_client: Any,
    *,
    clock: Callable[[], int],
    stop: asyncio.Event,
    instance: str,
    kinds: Mapping[str, type[Collector]] = KINDS,
    pace: Pace = Pace(),
) -> None:
    """Watch all sources until ``stop`` is set.

    ``current_sources`` is asked each second: a new source is started, one whose settings changed is
    restarted, a removed one is stopped. ``redis_client``: a ``redis.asyncio.Redis``. ``clock``: epoch ms.
    ``instance`` names this process in ``role:collect:INSTANCE``.
    """
    running: dict[str, tuple[SourceSettings, asyncio.Task[None]]] = {}
    heartbeat = asyncio.create_task(_heartbeat(redis_client, clock, instance, pace))
    try:
        while not stop.is_set():
            wanted = dict(current_sources())
            ended = [
                source for source, (settings, task) in running.items() if wanted.get(source) != settings or task.done()
            ]
            await _end([running.pop(source)[1] for source in ended])
            for source, settings in wanted.items():
                if source not in running:
                    watch = _Watch(source, settings, kinds[settings.kind], redis_client, clock, pace, instance)
                    running[source] = (settings, asyncio.create_task(watch.run(), name=f"watch {source}"))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pace.poll_s)
    finally:
        await _end([heartbeat, *(task for _, task in running.values())])
        with suppress(*REDIS_TROUBLE):
            await from_redis(redis_client.delete(_role_key(instance)))


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            log.error("a watch broke and is begun anew", exc_info=outcome)


def _role_key(instance: str) -> str:
    return f"role:collect:{instance}"


async def _heartbeat(client: Any, clock: Callable[[], int], instance: str, pace: Pace) -> None:
    """Say that this process lives, as every role does."""
    started_at = clock()
    while True:
        word = {"role": "collect", "instance": instance, "pid": os.getpid(), "started_at": started_at, "at": clock()}
        with suppress(*REDIS_TROUBLE):
            await from_redis(client.set(_role_key(instance), json.dumps(word), ex=10))
        await asyncio.sleep(pace.heartbeat_s)
