"""A small real feed for tests of the engine: events into the log as a supervisor writes them, and a clock that tests set."""

from __future__ import annotations

from typing import Any

import msgspec

from collectors import event_log
from collectors.collector import SourceSettings, Status
from collectors.events import AnyEvent, ContactAbandoned, ContactAnswered, ContactCompleted, ContactEntered
from operations.engine import Engine
from operations.projects.contract import Block, Project, ServiceLevel, Target
from operations.projects.opening_hours import OpeningHours
from operations.store import boards

NOON = 1_795_320_000_000
"""2026-11-22T04:00:00Z, noon in Shanghai: a whole hour."""


def board(client: Any, name: str = "acme") -> dict[str, Any]:
    """A project's board as it lies in Redis."""
    snapshot = boards.read(client, name)
    assert snapshot is not None
    found: dict[str, Any] = msgspec.json.decode(snapshot)
    return found


class Clock:
    """Epoch milliseconds that stand still until a test moves them."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class Configured:
    """The part of a configuration that the engine reads, and the watcher that hands it out."""

    def __init__(self, *projects: Project, sources: tuple[str, ...] = ("hq",)) -> None:
        self.sources = {source: SourceSettings(kind="asterisk") for source in sources}
        self.projects = {project.id: project for project in projects}
        self.errors: tuple[str, ...] = ()

    @property
    def current(self) -> Configured:
        return self

    def poll(self) -> bool:
        return False


def project(
    queues: tuple[str, ...] = ("hq/support",),
    *targets: Target,
    id: str = "acme",
    zone: str = "Asia/Shanghai",
    **more: Any,
) -> Project:
    """A project that is always open, 80 % in 20 s."""
    return Project(
        id=id,
        name=id.title(),
        queues=queues,
        time_zone=zone,
        opening=OpeningHours(zone=zone),
        targets=(Block(value=targets),),
        service_level=(Block(value=ServiceLevel(within_s=20)),),
        **more,
    )


class Feed:
    """Writes what a supervisor writes: status and events."""

    def __init__(self, client: Any, clock: Clock, source: str = "hq") -> None:
        self._client, self._clock, self.source = client, clock, source

    def status(self, state: str = "up", error: str = "", **facts: Any) -> None:
        """``facts``: as a collector notes them, ``gives`` for one."""
        now = self._clock()
        status = Status(
            source=self.source,
            kind="asterisk",
            state=state,  # type: ignore[arg-type]
            since=now,
            written_at=now,
            last_word_at=now,
            error=error,
            facts=facts,
        )
        self._client.set(event_log.status_key(self.source), msgspec.json.encode(status))

    def emit(self, *events: AnyEvent) -> None:
        pipe = self._client.pipeline(transaction=False)
        event_log.append_commands(pipe, self.source, list(events), self._clock())
        pipe.execute()


def engine(client: Any, configured: Configured, clock: Clock, instance: str = "one") -> Engine:
    return Engine(client, configured, instance, clock)  # type: ignore[arg-type]


def run(engine: Engine, clock: Clock, seconds: int = 3) -> None:
    """Turn the engine through some seconds."""
    for _ in range(seconds):
        clock.at += 1_000
        engine.turn(wait=False)
        clock.at += 30  # past the gap between two publications
        engine.turn(wait=False)


def answered(queue: str, contact: str, at: int, wait_ms: int, talk_ms: int = 60_000) -> list[AnyEvent]:
    """A whole life: entered at ``at``, answered after ``wait_ms``, over after ``talk_ms``."""
    return [
        ContactEntered(at, queue, contact),
        ContactAnswered(at + wait_ms, queue, contact, "Ann", wait_ms),
        ContactCompleted(at + wait_ms + talk_ms, queue, contact, "Ann", wait_ms, talk_ms),
    ]


def abandoned(queue: str, contact: str, at: int, wait_ms: int) -> list[AnyEvent]:
    return [ContactEntered(at, queue, contact), ContactAbandoned(at + wait_ms, queue, contact, wait_ms)]
