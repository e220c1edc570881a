"""The engine: one loop from the event log to the boards.

Read what is new, fold it, save state and position in one transaction, compute the boards that changed, publish each once. A process
takes a *group* (sources and projects that are connected by queues) with all its leases or leaves it to another process.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import redis

from collectors import event_log
from operations.desk import GAP_MS, Desk
from operations.floor.counters import MINUTE_MS
from operations.fold import SourceFold
from operations.projects.configuration import Configuration
from operations.projects.watcher import ConfigurationWatcher
from operations.sources import SourceView, judge, parse
from operations.store import keys
from operations.store.leases import TTL_MS, Lease, LeaseLost

log = logging.getLogger(__name__)

TICK_MS = 1_000
ROLE_EVERY_MS = 2_000
LEASE_EVERY_MS = TTL_MS // 3
RETRY_S = 0.5
NAP_MS = 5
"""Redis looks for readers whose time is over at its next command or ten times a second. So a board that is due sooner is waited for here, in naps."""
READ_ENTRIES = 60
"""Entries of one source in one turn: enough to catch up fast, few enough that leases are renewed and boards go out meanwhile."""


def groups(configuration: Configuration) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(sources, projects) that belong together because a project has queues of all those sources."""
    parent = {("s", source): ("s", source) for source in configuration.sources}
    parent.update({("p", project): ("p", project) for project in configuration.projects})

    def root(node: tuple[str, str]) -> tuple[str, str]:
        while parent[node] != node:
            node = parent[node]
        return node

    for project in configuration.projects.values():
        for source in project.sources:
            parent[root(("s", source))] = root(("p", project.id))
    found: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for node in sorted(parent):
        sources, projects = found.setdefault(root(node), ([], []))
        (sources if node[0] == "s" else projects).append(node[1])
    return [(tuple(sources), tuple(projects)) for sources, projects in found.values()]


class Group:
    """The sources and projects of one group, held by this process."""

    def __init__(
        self,
        client: Any,
        configuration: Configuration,
        sources: tuple[str, ...],
        projects: tuple[str, ...],
        leases: list[Lease],
        now_ms: int,
    ) -> None:
        self.leases = leases
        by_key = {lease.key: lease for lease in leases}
        self.folds = {
            source: SourceFold(client, source, by_key[f"lease:source:{{{source}}}"], now_ms) for source in sources
        }
        self.desks = {
            project: Desk(
                client, configuration.projects[project], by_key[f"lease:project:{{{project}}}"], self.folds, now_ms
            )
            for project in projects
        }


class Engine:
    """Everything that one ``operate`` process holds. ``clock`` gives epoch ms."""

    def __init__(self, client: Any, watcher: ConfigurationWatcher, instance: str, clock: Callable[[], int]) -> None:
        self._client = client
        self._watcher = watcher
        self._configuration: Configuration | None = None
        self._instance = instance
        self._clock = clock
        self._groups: dict[tuple[tuple[str, ...], tuple[str, ...]], Group] = {}
        self._next_tick = self._next_lease = self._next_role = 0
        self._spoken_to: set[str] = set()
        self._started_at = clock()

    def turn(self, *, wait: bool = True) -> None:
        """One turn of the loop; ``wait``: for news, until the next thing that is due.

        Raises redis errors; state in memory stays right, and the next turn goes on.
        """
        now = self._clock()
        if now >= self._next_tick:
            self._tick(now)
        if now >= self._next_lease:
            self._next_lease = now + LEASE_EVERY_MS
            self._hold_leases(now)
        patience = self._patience(now) if wait else None
        positions = self._positions()
        if patience is not None and (patience <= GAP_MS or not positions):
            time.sleep((min(patience, NAP_MS) if positions else patience) / 1000)
            patience = None
        entries = event_log.read(self._client, positions, patience, READ_ENTRIES)
        now = self._clock()
        for group in list(self._groups.values()):
            try:
                self._work(group, entries, now)
            except LeaseLost:
                self._recover_or_drop(group)

    def _positions(self) -> dict[str, str]:
        return {source: fold.position for group in self._groups.values() for source, fold in group.folds.items()}

    def _patience(self, now: int) -> int | None:
        """How long reading may block; None: not at all. Redis takes 0 for ever, so it is never passed."""
        waits = [self._next_tick - now]
        waits += [
            due
            for group in self._groups.values()
            for desk in group.desks.values()
            if (due := desk.due_in(now)) is not None
        ]
        shortest = min(waits)
        return shortest if shortest > 0 else None

    def _work(self, group: Group, entries: dict[str, list[event_log.Entry]], now: int) -> None:
        for source, fold in group.folds.items():
            found = entries.get(source, [])
            fold.take(found, now, more=len(found) >= READ_ENTRIES)
            booked = fold.book(now)
            queues, people, contacts = fold.changed()
            if booked or queues or people or contacts:
                for desk in group.desks.values():
                    if source in desk.project.sources:
                        desk.follow(source, booked, queues, people, contacts)
            fold.save(now)
        for desk in group.desks.values():
            if desk.due_in(now) == 0:
                desk.publish(now)

    # ── once a second ─────────────────────────────────────────────────────────────────────────────

    def _tick(self, now: int) -> None:
        self._next_tick = now - now % TICK_MS + TICK_MS
        if self._watcher.poll():
            self._next_lease = now
        views = self._source_views(now)
        spoken_to = {name.decode() for name in self._client.smembers(keys.WORDS_WAITING)} | self._spoken_to
        for group in self._groups.values():
            for fold in group.folds.values():
                view = views.get(fold.source)
                if view is not None and view.state == "up" and now % MINUTE_MS >= 1_000:
                    # A second into the minute, so that the last events of the minute before have arrived.
                    fold.floor.advance(now - fold.lag_ms)  # while catching up, people's time ends where the words do
            for desk in group.desks.values():
                desk.tick(views, now)
                if desk.project.id in spoken_to:
                    self._spoken_to.add(desk.project.id)  # kept until they were heard: Redis may go away in between
                    self._client.srem(keys.WORDS_WAITING, desk.project.id)
                    desk.hear(now)
                    self._spoken_to.discard(desk.project.id)
        if now >= self._next_role:
            self._next_role = now + ROLE_EVERY_MS
            self._report(now)

    def _source_views(self, now: int) -> dict[str, SourceView]:
        configuration = self._configuration
        if configuration is None or not configuration.sources:
            return {}
        names = list(configuration.sources)
        with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(event_log.status_key(name))
            found = pipe.execute()
        return {
            name: judge(parse(raw), now, configuration.sources[name].kind)
            for name, raw in zip(names, found, strict=True)
        }

    def _report(self, now: int) -> None:
        desks = [desk for group in self._groups.values() for desk in group.desks.values()]
        folds = [fold for group in self._groups.values() for fold in group.folds.values()]
        role = {
            "role": "operate",
            "instance": self._instance,
            "pid": os.getpid(),
            "started_at": self._started_at,
            "at": now,
        }
        figures = {
            "at": now,
            "applied": sum(fold.floor.applied for fold in folds),
            "lag_s": max((fold.lag_ms for fold in folds), default=0) / 1000,
            "boards": sum(desk.published for desk in desks),
            "lost_sight": self._lost_sight(),
            "undecodable": sum(fold.undecodable for fold in folds),
            "too_late": sum(fold.floor.too_late for fold in folds),
        }
        with self._client.pipeline(transaction=False) as pipe:
            pipe.set(f"role:operate:{self._instance}", json.dumps(role), ex=10)
            pipe.hset(keys.ENGINE_METRICS, self._instance, json.dumps(figures))
            if desks:
                pipe.hset(keys.BOARDS_CHECKED, mapping={desk.project.id: now for desk in desks})
            pipe.execute()

    def _lost_sight(self) -> dict[str, int]:
        """By source: today's contacts, in the queues of projects, whose end nobody saw."""
        lost: dict[str, int] = {}
        for group in self._groups.values():
            for desk in group.desks.values():
                for source, count in desk.lost_sight().items():
                    lost[source] = lost.get(source, 0) + count
        return lost

    # ── who holds what ────────────────────────────────────────────────────────────────────────────

    def _hold_leases(self, now: int) -> None:
        if self._watcher.current is not self._configuration:
            self._configuration = self._watcher.current
            for group in list(self._groups.values()):
                self._save_and_release(group, now)
            self._groups.clear()
        for group in list(self._groups.values()):
            try:
                for lease in group.leases:
                    lease.renew()
            except LeaseLost:
                self._recover_or_drop(group)
        if self._configuration is None:
            return
        for sources, projects in groups(self._configuration):
            if (sources, projects) not in self._groups:
                self._take(sources, projects, now)

    def _take(self, sources: tuple[str, ...], projects: tuple[str, ...], now: int) -> bool:
        assert self._configuration is not None
        wanted = [Lease(self._client, "source", source, self._instance) for source in sources]
        wanted += [Lease(self._client, "project", project, self._instance) for project in projects]
        held: list[Lease] = []
        for lease in wanted:
            if not lease.acquire():
                for other in held:
                    other.release()
                return False
            held.append(lease)
        group = self._groups[sources, projects] = Group(self._client, self._configuration, sources, projects, held, now)
        for lease in held:
            lease.renew()
        views = self._source_views(now)
        for desk in group.desks.values():
            desk.tick(views, now)  # before its first board: without it, every source would look unknown
        log.info("holding sources %s for projects %s", ", ".join(sources) or "-", ", ".join(projects) or "-")
        return True

    def _recover_or_drop(self, group: Group) -> None:
        """The leases are gone. What this process remembers is still the truth when nobody else had them: they only ran out.

        Redis may also have been emptied: then what this process remembers is the best that is left.
        """
        emptied = [fold for fold in group.folds.values() if fold.emptied()]
        if not emptied and all(self._held(lease) or lease.reclaim() for lease in group.leases):
            log.warning("the leases of %s had run out; nobody took them", ", ".join(group.folds) or "-")
            return
        if not emptied or not all(lease.acquire() for lease in group.leases):
            self._drop(group, "its leases went to another process")
            return
        log.error(
            "Redis was emptied; writing back what is remembered of %s", ", ".join(fold.source for fold in emptied)
        )
        for fold in emptied:
            fold.restore_to_redis()
        for desk in group.desks.values():
            desk.again()

    def _held(self, lease: Lease) -> bool:
        return lease.value is not None and self._client.get(lease.key) == lease.value

    def _drop(self, group: Group, why: str) -> None:
        log.warning("letting go of sources %s: %s", ", ".join(group.folds) or "-", why)
        for lease in group.leases:
            lease.release()
        self._groups = {key: held for key, held in self._groups.items() if held is not group}

    def _save_and_release(self, group: Group, now: int) -> None:
        try:
            for fold in group.folds.values():
                fold.book(now)
                fold.save(now)
        except LeaseLost:
            pass  # another process has it already, with what was saved
        for lease in group.leases:
            lease.release()

    def close(self) -> None:
        """Save everything and give the leases back, so that a successor need not wait."""
        now = self._clock()
        for group in self._groups.values():
            self._save_and_release(group, now)
        self._groups.clear()
        self._client.delete(f"role:operate:{self._instance}")
        self._client.hdel(keys.ENGINE_METRICS, self._instance)


def connect(redis_url: str) -> Any:
    """A synchronous client for the engine: bytes in, bytes out."""
    return redis.Redis.from_url(redis_url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=0)


def operate(
    watcher: ConfigurationWatcher, redis_url: str, *, stop: threading.Event, instance: str, clock: Callable[[], int]
) -> None:
    """Run the engine until ``stop`` is set. An outage of Redis is logged once down and once up; nothing in memory is lost by it."""
    client = connect(redis_url)
    engine = Engine(client, watcher, instance, clock)
    down_since: float | None = None
    while not stop.is_set():
        try:
            engine.turn()
        except redis.RedisError as error:
            if down_since is None:
                down_since = time.monotonic()
                log.error("Redis does not take our word: %s. Boards stand still until it does; nothing is lost.", error)
            stop.wait(RETRY_S)
            continue
        if down_since is not None:
            log.info("Redis is back after %.0f s", time.monotonic() - down_since)
            down_since = None
    try:
        engine.close()
    except redis.RedisError as error:
        log.warning("could not give back the leases: %s", error)
