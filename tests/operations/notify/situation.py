"""Routes, alerts and projects for these tests, and small real parts: a clock that stands still, a configuration, a receiver of messages."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic import SecretStr

from operations.notify.group import Alert, Answer
from operations.notify.sender import SendFailed
from operations.notify.words import Message
from operations.projects.contract import Project
from operations.projects.opening_hours import OpeningHours
from operations.projects.opening_rules import hours
from operations.projects.project_block import Site
from operations.projects.routes import Route
from operations.store import boards, keys

NOON = 1_795_320_000_000
"""2026-11-22T04:00:00Z, noon in Shanghai."""
MINUTE = 60_000
HOUR = 3_600_000


def route(name: str = "leads", quiet: str = "", urls: tuple[str, ...] = ("test://one",), **more: Any) -> Route:
    zone = "Asia/Shanghai"
    more.setdefault("hours", OpeningHours(zone=zone))
    if quiet:
        more["quiet"] = OpeningHours(zone=zone, week=(hours(quiet),) * 7)
    return Route(name=name, urls=tuple(SecretStr(url) for url in urls), **more)


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def alert(
    rule: str = "longest_wait_s@now",
    level: str = "warning",
    *,
    fired: int = NOON,
    acked: str = "",
    began: int | None = None,
    **more: Any,
) -> Alert:
    began = fired if began is None else began
    more.setdefault("label", rule.partition("@")[0])
    return Alert(
        episode=f"{rule}#{began}",
        id=rule,
        level=level,
        since=iso(began),
        fired_at=iso(fired),
        kpi=rule.partition("@")[0],
        acked=Answer(by=acked) if acked else None,
        **more,
    )


def project(id: str = "acme", **more: Any) -> Project:
    more.setdefault("name", id.title())
    return Project(
        id=id, opening=OpeningHours(zone="Asia/Shanghai"), queues=(f"hq/{id}",), time_zone="Asia/Shanghai", **more
    )


class Clock:
    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class Configured:
    """What the worker reads of a configuration, and the watcher that hands it out."""

    def __init__(self, projects: list[Project], routes: list[Route], url: str = "") -> None:
        self.projects = {each.id: each for each in projects}
        self.notify = {each.name: each for each in routes}
        self.site = Site(url=url)

    @property
    def current(self) -> Configured:
        return self


def show(client: Any, project: str, *alerts: Alert, log: tuple[dict[str, Any], ...] = ()) -> None:
    """Put alerts on a project's board and steps into its log, in one transaction, as the engine does."""
    with client.pipeline(transaction=True) as pipe:
        pipe.hset(keys.board(project), boards.HEAD, msgspec.json.encode({"project": project, "alerts": alerts}))
        for entry in log or ({"what": "fired", "at": NOON},):
            pipe.xadd(keys.alert_log(project), {"entry": msgspec.json.encode(entry)})
        pipe.execute()


class Receiver:
    """A sender that keeps what it is told to send; an address fails as ``fails`` says, or holds on until ``release`` is set."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Message]] = []
        self.fails: dict[str, SendFailed] = {}
        self.hangs: set[str] = set()
        self.began: list[str] = []
        self.release = threading.Event()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def check(self, url: SecretStr) -> None:
        if url.get_secret_value().startswith("bad"):
            raise SendFailed("no such address", permanent=True)

    def send(self, url: SecretStr, message: Message) -> None:
        text = url.get_secret_value()
        with self._lock:
            self.began.append(text)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if text in self.hangs:
                self.release.wait(60)
            if text in self.fails:
                raise self.fails[text]
            with self._lock:
                self.got.append((text, message))
        finally:
            with self._lock:
                self.at_once -= 1

    @property
    def subjects(self) -> list[str]:
        return [message.subject for _, message in self.got]
