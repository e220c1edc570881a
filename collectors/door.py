"""The contract between a kind of source that is pushed to and the HTTP door that its senders knock at.

A collector watches; a door is spoken to. The door stands in the web role (``dashboard.api.ingest``), which knows HTTP and nothing of a
kind; a kind's ``Door`` knows who may come in and what the bytes mean, and does no I/O. What is accepted goes into the event log
together with a note of it, in one transaction, so that the kind's collector, in another process, can tell how the source is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from collectors import event_log
from collectors.collector import Fact, memory_key
from collectors.events import AnyEvent

Headers = Mapping[str, str]
"""Names in lower case."""


class Stranger(Exception):
    """Whoever knocks has not shown to be the source. ``str(error)`` says what is missing, without secrets."""


class BadBatch(Exception):
    """A batch of which nothing was taken, and never will be as it is.

    ``readable``: False when it is not even JSON. ``faults``: what is wrong where, at most some twenty, each with what would be right;
    ``more``: whether there are further ones.
    """

    def __init__(
        self, detail: str, *, readable: bool = True, faults: list[dict[str, Any]] | None = None, more: bool = False
    ):
        super().__init__(detail)
        self.readable, self.faults, self.more = readable, faults or [], more


@dataclass(frozen=True)
class Batch:
    """What a body says. ``told``: which facts it tells of; ``marks``: a mark for each event that has an id of its sender's."""

    events: list[AnyEvent]
    told: frozenset[Fact] = frozenset()
    marks: list[Any] = field(default_factory=list)


class Door(Protocol):
    """One source's door in one process. ``most_bytes``: the longest body, as it comes and after it was inflated."""

    schemas: ClassVar[Mapping[str, Any]]
    """The JSON Schemas of what may be pushed, by name; they refer to each other below ``#/components/schemas/``."""
    body: ClassVar[str]
    """The name of the one that describes a whole body."""
    media: ClassVar[str]
    """The content type of a body, in lower case and without parameters."""
    most_bytes: int

    def __init__(self, settings: Any) -> None: ...

    def greet(self, headers: Headers, now_ms: int) -> bool:
        """Before the body is read: whether the headers alone prove that this is the source; False: the body will tell.

        Raises ``Stranger`` when they show that it is not.
        """
        ...

    def recognise(self, headers: Headers, body: bytes, now_ms: int) -> int | None:
        """Raises ``Stranger`` unless the body, as it came, is the source's.

        Returns what must be added to the sender's clock to make it ours, in ms; None when it did not show its clock.
        """
        ...

    def read(self, body: bytes, now_ms: int) -> Batch:
        """What the body says. Raises ``BadBatch``. Called in a thread when the body is long."""
        ...

    def taken(self, batch: Batch) -> int:
        """The batch is in the log. Returns how many of its events this process remembers to have taken before."""
        ...


HEARD = "door.heard"
RECEIVED = "door.received"
DUPLICATES = "door.duplicates"
LAST_EVENT = "door.last_event"
SKEW = "door.skew"
REFUSED = "door.refused"
REFUSED_AT = "door.refused_at"
REFUSAL = "door.refusal"
TOLD = "door.told."
"""Fields of the source's memory (``memory_key``) in which the doors of all web processes note what came."""

LONGEST_REFUSAL = 300


def accept(pipe: Any, source: str, batch: Batch, skew_ms: int | None, now_ms: int) -> None:
    """Put a batch and the note of it on a transaction's pipeline."""
    key = memory_key(source)
    event_log.append_commands(pipe, source, batch.events, now_ms)
    noted: dict[str, Any] = {HEARD: now_ms, **dict.fromkeys((TOLD + fact for fact in batch.told), 1)}
    if batch.events:
        noted[LAST_EVENT] = max(event.at for event in batch.events)
    if skew_ms is not None:
        noted[SKEW] = skew_ms
    pipe.hset(key, mapping=noted)
    pipe.hincrby(key, RECEIVED, len(batch.events))


def note_refusal(pipe: Any, source: str, reason: str, now_ms: int) -> None:
    """Put on a pipeline that something was refused, and why."""
    key = memory_key(source)
    pipe.hset(key, mapping={REFUSAL: reason[:LONGEST_REFUSAL], REFUSED_AT: now_ms})
    pipe.hincrby(key, REFUSED, 1)


def note_duplicates(pipe: Any, source: str, count: int) -> None:
    """Put on a pipeline that so many events had come before."""
    pipe.hincrby(memory_key(source), DUPLICATES, count)
