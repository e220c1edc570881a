"""A small engine for tests: it writes boards and publishes changes in the engine's own format."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from collectors.collector import Status
from collectors.event_log import status_key
from operations.store import boards, keys


def kpi(value: float | None, **more: Any) -> dict[str, Any]:
    return {
        "value": value,
        "unit": "contacts",
        "window": "now",
        "sample": None,
        "target": 5,
        "limits": None,
        "better": "down",
        "band": "ok",
        "reason": "",
        "why": "",
        "since": None,
        "last": None,
        "trend": [],
        **more,
    }


class Publisher:
    """One project's board. ``client``: a synchronous client."""

    def __init__(self, client: Any, project: str) -> None:
        self.client, self.project, self.queue = client, project, f"demo/{project}"
        self.revision = 0
        self.waiting = 0

    def head(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "name": self.project,
            "client": "",
            "at": iso(),
            "revision": self.revision,
            "time_zone": "Asia/Shanghai",
            "interval_min": 30,
            "layout": "9f2c",
            "wall": ["contacts_waiting"],
            "alerts": [],
            "open": None,
            "service_level": None,
            "misses_left": None,
            "sources": {"demo": {"kind": "simulator"}},
        }

    def board(self, revision: int) -> None:
        """Write a whole board and publish nothing: what an engine leaves that was there before us."""
        self.revision = revision
        self._write(None)

    def step(self, *, publish: bool = True, **more: Any) -> bytes:
        """The next board and its change. ``more``: further top-level fields of the change."""
        previous, self.revision = self.revision, self.revision + 1
        self.waiting += 1
        change = {"project": self.project, "revision": self.revision, "previous": previous, "at": iso()}
        change |= {"kpis": {"contacts_waiting": {"value": self.waiting}}, **more}
        raw = msgspec.json.encode(change)
        self._write(raw if publish else None)
        return raw

    def _write(self, change: bytes | None) -> None:
        shown = kpi(self.waiting)
        agent = {
            "id": "demo/Alice Adams",
            "name": "Alice Adams",
            "condition": "available",
            "since": iso(),
            "queues": [self.queue],
        }
        parts = {
            boards.HEAD: msgspec.json.encode(self.head()),
            boards.KPIS: msgspec.json.encode({"contacts_waiting": shown}),
            boards.QUEUE + self.queue: msgspec.json.encode({"name": self.project, "kpis": {"contacts_waiting": shown}}),
            boards.AGENT + "demo/Alice Adams": msgspec.json.encode(agent),
            boards.WAITING: b"[]",
        }
        with self.client.pipeline(transaction=True) as pipe:
            boards.write(pipe, self.project, parts, [], change)
            pipe.execute()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def iso() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def source_says(client: Any, source: str, now_ms: int, **more: Any) -> None:
    """Write a source's status as its supervisor would."""
    said = {"kind": "simulator", "state": "up", "since": now_ms, "written_at": now_ms, "last_word_at": now_ms, **more}
    client.set(status_key(source), msgspec.json.encode(Status(source=source, **said)))


def role_lives(client: Any, role: str, now_ms: int, instance: str = "t1") -> None:
    beat = {"role": role, "instance": instance, "pid": 1, "started_at": now_ms, "at": now_ms}
    client.set(f"role:{role}:{instance}", msgspec.json.encode(beat), ex=10)


def board_checked(client: Any, project: str, now_ms: int) -> None:
    client.hset(keys.BOARDS_CHECKED, project, now_ms)
