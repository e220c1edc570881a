"""The supervisor's side of one watched source: the buffer before the event log, and its status.

``SourceLink`` is what a collector sees as ``Link``. Events go into a bounded buffer and from there to
Redis by ``flush``; while Redis is away they wait, and past the bound ``emit`` waits too, so that nothing
is lost in silence. Nothing here knows an ACD.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, TypeVar

import msgspec
import redis.exceptions

from collectors import event_log
from collectors.collector import FUTURE_MS, STALE_AFTER_MS, SourceSettings, Status, memory_key
from collectors.events import AnyEvent, WatchLost

log = logging.getLogger(__name__)

T = TypeVar("T")

REDIS_TROUBLE = (redis.exceptions.RedisError, OSError, TimeoutError)
"""What a Redis that is away, full, loading or mute raises."""

REDIS_PATIENCE_S = 5.0
"""A Redis that does not answer for so long counts as away."""


async def from_redis(answer: Awaitable[T]) -> T:
    """Await Redis for as long as patience lasts; raises one of ``REDIS_TROUBLE``, or the cancellation that is due.

    The client may turn a cancellation that meets it half-way into an error or an answer of its own; a loop
    that retries on errors would then never end, so the cancellation is raised again here.
    """
    try:
        async with asyncio.timeout(REDIS_PATIENCE_S):
            return await answer
    finally:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError


def commands_key(source: str) -> str:
    """The list through which a person's word reaches a source."""
    return f"source:{{{source}}}:commands"


class SourceLink:
    """One source's link: implements ``collectors.collector.Link`` and keeps the source's ``Status``.

    ``on_emptied`` is called when the stream that we had written to is gone: Redis lost its data.
    """

    def __init__(
        self,
        source: str,
        settings: SourceSettings,
        client: Any,
        clock: Callable[[], int],
        *,
        bound: int,
        chunk: int,
        retry_s: float,
        on_emptied: Callable[[], None],
    ) -> None:
        self.source = source
        self._client = client
        self._clock = clock
        self._bound = bound
        self._chunk = chunk
        self._retry_s = retry_s
        self._on_emptied = on_emptied
        self._own_clock = bool(getattr(settings, "own_clock", False))
        self._pushes = bool(getattr(settings, "pushes", False))
        self._buffer: deque[AnyEvent] = deque()
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._appended = 0
        self._emitted_no = 0
        self._flushed_no = 0
        self._memory: dict[str, tuple[int, bytes]] = {}
        self._forgetting = False
        self._redis_away = False
        self._unwatched_since: int | None = None
        self.status = Status(
            source=source,
            kind=settings.kind,
            state="connecting",
            since=clock(),
            written_at=0,
            stale_after_ms=getattr(settings, "stale_after_ms", STALE_AFTER_MS),
            facts={},
        )

    # ── what a collector sees ─────────────────────────────────────────────────────────────────────

    def now_ms(self) -> int:
        return self._clock()

    async def emit(self, events: list[AnyEvent]) -> None:
        self.heard()
        if not self._own_clock:
            events = self._believed(events)
        for start in range(0, len(events), self._chunk):
            while len(self._buffer) >= self._bound:
                self._drained.clear()
                await self._drained.wait()
            part = events[start : start + self._chunk]
            self._buffer.extend(part)
            self._emitted_no += len(part)
            self._filled.set()

    def heard(self) -> None:
        self.status.last_word_at = self._clock()

    def connected(self, detail: str = "") -> None:
        status = self.status
        now = self._clock()
        if status.state != "up":
            log.info("source %s is up%s", self.source, f": {detail}" if detail else "")
            status.since = now
        status.state, status.error, status.permanent, status.detail = "up", "", False, detail
        status.last_word_at = now

    def pushed(self, heard_at: int | None, events: int, last_event_at: int | None) -> None:
        status = self.status
        status.last_word_at, status.events, status.last_event_at = heard_at, events, last_event_at

    def note(self, **facts: Any) -> None:
        self.status.facts.update(facts)

    @property
    def unwatched_since(self) -> int | None:
        return self._unwatched_since

    async def recall(self, key: str) -> bytes | None:
        if key in self._memory:
            return self._memory[key][1]
        if self._forgetting:
            return None
        while True:
            try:
                value: bytes | None = await from_redis(self._client.hget(memory_key(self.source), key))
                return value
            except REDIS_TROUBLE:
                await asyncio.sleep(self._retry_s)

    async def remember(self, key: str, value: bytes) -> None:
        self._memory[key] = (self._emitted_no, value)
        self._filled.set()

    async def commands(self) -> dict[str, Any]:
        while True:
            try:
                word = await from_redis(self._client.lpop(commands_key(self.source)))
            except REDIS_TROUBLE:
                word = None
            if word is not None:
                try:
                    command = json.loads(word)
                except ValueError:
                    command = None
                if isinstance(command, dict):
                    return command
                log.warning("source %s: a command that is no JSON object was thrown away", self.source)
                continue
            await asyncio.sleep(0.25)

    # ── what the supervisor does ──────────────────────────────────────────────────────────────────

    async def take_over(self) -> None:
        """Continue after whoever watched before: reads the previous status, closes a session that was killed."""
        raw = await from_redis(self._client.get(event_log.status_key(self.source)))
        if raw is None:
            return
        try:
            before = msgspec.json.decode(raw, type=Status)
        except msgspec.DecodeError:
            log.warning("source %s: its previous status could not be read; going on without", self.source)
            return
        watched_until = before.facts.get("watched_until")
        if not isinstance(watched_until, int):
            return
        self._unwatched_since = watched_until
        self.note(watched_until=watched_until)
        self.status.last_event_at = before.last_event_at
        if before.state == "up" and not self._pushes:
            self._put(WatchLost(at=watched_until, reason="the collector's process ended"))

    def session_ended(self, error: str, *, permanent: bool) -> bool:
        """Book the end of a session; True if it had been up. Logged only when the state changes."""
        status = self.status
        now = self._clock()
        was_up = status.state == "up"
        if was_up and not self._pushes:
            # who is pushed to is not what watches: the door stands open whether or not this process lives
            self._unwatched_since = status.last_word_at or now
            self._put(WatchLost(at=self._unwatched_since, reason=error))
        if status.state != "down":
            log.warning("source %s is down: %s", self.source, error)
        elif status.error != error:
            log.info("source %s is still down, for another reason: %s", self.source, error)
        if status.state != "down":
            status.since = now
        status.state, status.error, status.permanent = "down", error, permanent
        return was_up

    def status_bytes(self) -> bytes:
        """The status as it is now, encoded."""
        status = self.status
        status.written_at = self._clock()
        if self._unwatched_since is not None and status.state != "up":
            status.facts["watched_until"] = self._unwatched_since
        elif status.state == "up" and not self._buffer:
            # with events still in our memory, a kill would lose them: the watch is only whole up to the last flush
            status.facts["watched_until"] = status.last_word_at
        status.facts["buffered"] = len(self._buffer)
        return msgspec.json.encode(status)

    def stream_seen(self, exists: bool) -> None:
        """Whether the stream existed just before we wrote. Gone although we wrote to it: Redis was emptied."""
        if self._appended and not exists:
            log.warning("source %s: its event log is gone, Redis was emptied; asking the ACD again", self.source)
            self._appended = 0
            self._on_emptied()

    @property
    def appended(self) -> bool:
        """Whether this process has put anything into the stream."""
        return self._appended > 0

    async def flush_forever(self) -> None:
        """Carry the buffer into the event log, at once when idle, in pipelines when busy."""
        while True:
            await self._filled.wait()
            if not await self.flush_once():
                await asyncio.sleep(self._retry_s)

    async def flush_once(self) -> bool:
        """Append one chunk, then what may be remembered after it; False when Redis did not take it (nothing is lost)."""
        batch = list(islice(self._buffer, self._chunk))
        try:
            if batch:
                await self._append(batch)
            await self._write_memory()
        except REDIS_TROUBLE as trouble:
            if not self._redis_away:
                log.warning(
                    "source %s: Redis does not take events (%s); buffering", self.source, type(trouble).__name__
                )
            self._redis_away = True
            return False
        if self._redis_away:
            log.info("source %s: Redis takes events again (%d still buffered)", self.source, len(self._buffer))
        self._redis_away = False
        if not self._buffer and not self._memory and not self._forgetting:
            self._filled.clear()
        if len(self._buffer) < self._bound:
            self._drained.set()
        return True

    async def _append(self, batch: list[AnyEvent]) -> None:
        pipe = self._client.pipeline(transaction=False)
        pipe.exists(event_log.stream_key(self.source))
        event_log.append_commands(pipe, self.source, batch, self._clock())
        answers = await from_redis(pipe.execute(raise_on_error=False))
        if not isinstance(answers[0], Exception):
            self.stream_seen(bool(answers[0]))
        refused = next((answer for answer in answers if isinstance(answer, Exception)), None)
        entries = answers[1:] if refused is None else answers[1 : max(1, answers.index(refused))]
        # a Redis out of memory may take some entries and refuse the rest: those are sent again, and only those
        taken = min(len(batch), len(entries) * event_log.BATCH)
        for _ in range(taken):
            self._buffer.popleft()
        self._appended += taken
        self._flushed_no += taken
        self.status.events += taken
        if taken:
            newest = max(event.at for event in batch[:taken])
            self.status.last_event_at = max(newest, self.status.last_event_at or newest)
        if refused is not None:
            raise refused

    def forget_memory(self) -> None:
        """Between two sessions: the events that the memory stands behind are gone, so it must not outlive them."""
        self._memory.clear()
        self._forgetting = True
        self._filled.set()

    async def _write_memory(self) -> None:
        """What was remembered behind events that are in the log now; a second trip, so that it can never come first."""
        if self._forgetting:
            await from_redis(self._client.delete(memory_key(self.source)))
            self._forgetting = False
        due = {key: kept for key, kept in self._memory.items() if kept[0] <= self._flushed_no}
        if not due:
            return
        mapping = {key: value for key, (_, value) in due.items()}
        await from_redis(self._client.hset(memory_key(self.source), mapping=mapping))
        for key, kept in due.items():
            if self._memory.get(key) == kept:
                del self._memory[key]

    async def flush_rest(self, deadline_s: float) -> None:
        """At the end: whatever is buffered, as far as Redis takes it in time."""
        try:
            async with asyncio.timeout(deadline_s):
                while self._buffer or self._memory or self._forgetting:
                    if not await self.flush_once():
                        await asyncio.sleep(self._retry_s)
        except TimeoutError:
            log.error(
                "source %s: %d events lost, Redis did not take them before the end", self.source, len(self._buffer)
            )

    def _put(self, event: AnyEvent) -> None:
        self._buffer.append(event)
        self._emitted_no += 1
        self._filled.set()

    def _believed(self, events: list[AnyEvent]) -> list[AnyEvent]:
        latest = self._clock() + FUTURE_MS
        if all(event.at <= latest for event in events):
            return events
        believed = [event for event in events if event.at <= latest]
        facts = self.status.facts
        facts["refused_future"] = facts.get("refused_future", 0) + len(events) - len(believed)
        return believed
