"""The door at which sources that are pushed to are spoken to: ``POST /ingest/{source}``.

It is not the pages' gate: whoever knocks shows that it *is* the source, and can do nothing else. What a kind's bytes and credentials
mean is known to its ``collectors.door.Door`` alone; here is HTTP. The answer is 202 only after Redis has acknowledged the batch.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from redis.exceptions import ResponseError

from collectors import door
from collectors.collector import SourceSettings
from collectors.registry import DOORS
from dashboard.access.caller import Caller
from dashboard.access.credentials import address
from dashboard.access.throttle import Throttle
from dashboard.api.route import Web
from dashboard.asgi import JSON, Answer, BodyTooLong, Problem, Request
from dashboard.redis_gone import REDIS_GONE, redis_away

log = logging.getLogger(__name__)

MOST_AT_ONCE = 64
"""Bodies that this process holds at the same time."""
MOST_UNPROVED = 48
"""Of them those of whom only the whole body will show whether they are the source, half of them from one address: strangers who
send slowly keep neither a source out that shows a token nor one at another address.
"""
BODY_WAIT_S = 30.0
LONG_BODY = 100_000
"""A longer one is read in a thread, so that screens do not wait for it."""
FULL_RETRY_S = 30


class Ingest:
    """The handler. One per web process; keeps each source's door as long as its settings stay as they are."""

    def __init__(self, doors: Mapping[str, type[door.Door]] = DOORS) -> None:
        self._kinds = doors
        self._open: dict[str, tuple[SourceSettings, door.Door]] = {}
        self._throttle = Throttle()
        self._at_once = 0
        self._unproved: Counter[str] = Counter()
        self._refused_by_redis: set[str] = set()

    async def __call__(self, web: Web, request: Request, caller: Caller) -> Answer:
        """Take one batch whole, or refuse it whole."""
        source = request.path_values["source"]
        at = self._door(web, source)
        try:
            proved = self._greeted(web, request, source, at)
            with self._place(None if proved else address(request)):
                return await self._take(web, request, source, at)
        except Problem as problem:
            await self._note(web, source, problem)
            raise

    def _greeted(self, web: Web, request: Request, source: str, at: door.Door) -> bool:
        """Whether the headers prove the source. Raises ``Problem``."""
        try:
            return at.greet(request.headers, web.clock())
        except door.Stranger as stranger:
            raise self._turned_away(request, source, str(stranger), web.clock()) from None

    @contextmanager
    def _place(self, unproved: str | None) -> Iterator[None]:
        """A place for one body; ``unproved``: the address of somebody who has still to show who he is. Raises ``Problem`` 503."""
        waiting = self._unproved
        crowded = unproved is not None and (waiting.total() >= MOST_UNPROVED or waiting[unproved] >= MOST_UNPROVED // 2)
        if crowded or self._at_once >= MOST_AT_ONCE:
            raise Problem(503, "busy", "this process takes other batches; try again", [("Retry-After", "1")])
        self._at_once += 1
        if unproved is not None:
            waiting[unproved] += 1
        try:
            yield
        finally:
            self._at_once -= 1
            if unproved is not None:
                waiting[unproved] -= 1
                waiting += Counter()  # addresses of which nobody waits are forgotten

    def _door(self, web: Web, source: str) -> door.Door:
        settings = web.watcher.current.sources.get(source)
        kind = None if settings is None else self._kinds.get(settings.kind)
        if settings is None or kind is None:
            raise Problem(404, "unknown_source", "there is no source of this name that others push to")
        known = self._open.get(source)
        if known is None or known[0] != settings:
            known = self._open[source] = (settings, kind(settings))
        return known[1]

    async def _take(self, web: Web, request: Request, source: str, at: door.Door) -> Answer:
        try:
            check_form(request, at.media)
            came = await self._body(request, at.most_bytes)
            skew_ms = at.recognise(request.headers, came, web.clock())
        except door.Stranger as stranger:
            raise self._turned_away(request, source, str(stranger), web.clock()) from None
        body = inflated(came, at.most_bytes) if "content-encoding" in request.headers else came
        try:
            now_ms = web.clock()
            batch = at.read(body, now_ms) if len(body) < LONG_BODY else await asyncio.to_thread(at.read, body, now_ms)
        except door.BadBatch as bad:
            raise _bad(bad) from None
        await self._append(web, source, batch, skew_ms)
        duplicates = at.taken(batch)
        if duplicates:
            await _best_effort(web, lambda pipe: door.note_duplicates(pipe, source, duplicates))
        return Answer.json({"accepted": len(batch.events), "duplicates": duplicates}, 202)

    async def _body(self, request: Request, most: int) -> bytes:
        try:
            async with asyncio.timeout(BODY_WAIT_S):
                return await request.body(most)
        except BodyTooLong:
            raise Problem(413, "too_long", f"the body may have at most {most} bytes; send smaller batches") from None
        except TimeoutError:
            raise Problem(408, "slow_request", f"the body did not arrive within {BODY_WAIT_S:.0f} s") from None

    async def _append(self, web: Web, source: str, batch: door.Batch, skew_ms: int | None) -> None:
        """Write a batch whole, with the note of it. Raises ``Problem`` 503: then it may be there or not, and is to be sent again."""
        pipe = web.redis.pipeline(transaction=True)
        door.accept(pipe, source, batch, skew_ms, web.clock())
        try:
            await pipe.execute()
        except ResponseError as error:  # it lives, and takes nothing: full, its disk full, a replica, …
            if source not in self._refused_by_redis:
                log.error("source %s: Redis refuses what is pushed (%s); senders are told to try again", source, error)
            self._refused_by_redis.add(source)
            raise _full() from error
        except REDIS_GONE as error:
            raise redis_away() from error
        if source in self._refused_by_redis:
            log.info("source %s: Redis takes what is pushed again", source)
            self._refused_by_redis.discard(source)

    def _turned_away(self, request: Request, source: str, detail: str, now_ms: int) -> Problem:
        """A right proof is never kept waiting for another's wrong ones; who is wrong too often is told to slow down."""
        key = f"ingest {source} {address(request)}"
        wait_ms = self._throttle.wait_ms(key, now_ms)
        if wait_ms:
            wait_s = -(-wait_ms // 1000)
            return Problem(
                429, "too_many_tries", f"too many wrong tries; wait {wait_s} s", [("Retry-After", str(wait_s))]
            )
        self._throttle.failed(key, now_ms)
        return Problem(401, "not_the_source", detail, [("WWW-Authenticate", 'Bearer realm="Floorlight ingest"')])

    async def _note(self, web: Web, source: str, problem: Problem) -> None:
        """For the sources page; not what is Redis's fault, nor the tries of somebody who was told to wait."""
        if problem.status in (429, 503):
            return
        reason = f"{problem.status} {_first(problem.more.get('errors', [])) or problem.detail}"
        await _best_effort(web, lambda pipe: door.note_refusal(pipe, source, reason, web.clock()))


def check_form(request: Request, media: str) -> None:
    """Raises ``Problem`` 415 for what is neither of the type ``media`` nor that gzipped."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != media or charset not in ("", "utf-8", "utf8"):
        name = "not_json" if media == JSON else "another_type"
        raise Problem(415, name, f"the body must be {media} in UTF-8")
    encoding = request.headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() != "gzip":
        raise Problem(415, "bad_encoding", "the body may be sent as it is or with Content-Encoding: gzip")


def inflated(came: bytes, most: int) -> bytes:
    """A gzipped body, of which never more than ``most`` bytes are inflated. Raises ``Problem`` 400 or 413."""
    engine = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        body = engine.decompress(came, most + 1)
    except zlib.error:
        raise Problem(400, "bad_gzip", "the body is said to be gzip and is not") from None
    if len(body) > most:
        raise Problem(413, "too_long", f"inflated, the body may have at most {most} bytes; send smaller batches")
    if not engine.eof or engine.unused_data:
        raise Problem(400, "bad_gzip", "the gzipped body is cut off, or something follows it")
    return body


def _full() -> Problem:
    return Problem(
        503, "log_full", "the event log takes nothing now; try again later", [("Retry-After", str(FULL_RETRY_S))]
    )


def _bad(bad: door.BadBatch) -> Problem:
    if not bad.readable:
        return Problem(400, "not_json", str(bad))
    return Problem(422, "bad_events", str(bad), more={"errors": bad.faults, "more": bad.more})


def _first(faults: list[dict[str, Any]]) -> str:
    if not faults:
        return ""
    first = faults[0]
    place = f"event {first['index']}" + (f", {first['path']}" if first["path"] else "")
    return f"{place}: {first['problem']}" + (" (not the only one)" if len(faults) > 1 else "")


async def _best_effort(web: Web, note: Any) -> None:
    pipe = web.redis.pipeline(transaction=False)
    note(pipe)
    try:
        await pipe.execute()
    except REDIS_GONE:
        log.debug("a note of the door was lost, Redis is away")
