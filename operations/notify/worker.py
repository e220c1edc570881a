"""The worker: one loop from the alerts on the boards to the people. It runs beside the engine, in a thread and on a Redis connection of its own.

Look at the projects whose alerts changed or whose timer is due, plan, write down what is about to be sent, send, write down how it went. It works only while it holds
the one lease of all workers. What is written before a send lets a successor finish it: killed in between, the message still goes out.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import redis
from pydantic import SecretStr

from operations.notify import addresses, book
from operations.notify.addresses import Address
from operations.notify.book import Seen
from operations.notify.group import Notice
from operations.notify.outbox import Outbox
from operations.notify.planner import Telling, plan
from operations.notify.post import Parcel, Post
from operations.notify.sender import AppriseSender
from operations.notify.words import compose
from operations.projects.configuration import Configuration
from operations.projects.routes import Route
from operations.projects.watcher import ConfigurationWatcher
from operations.store import keys
from operations.store.leases import TTL_MS, Lease, LeaseLost

log = logging.getLogger(__name__)

PATIENCE_MS = 1_000
ASK_MS = 250
"""So often, while messages are being sent, the alert logs are asked for news."""
LOOK_MS = 20_000
"""Every project is looked at so often even when nothing seems to change: a silence that runs out is in no log."""
LOOKS_AT_ONCE = 100
FAREWELL_S = 1.5
"""How long a worker that ends waits for what is being sent."""


class Worker:
    """Everything that one process knows of who was told what. ``clock`` gives epoch ms, ``chance`` a number from 0 to 1."""

    def __init__(
        self,
        client: Any,
        watcher: ConfigurationWatcher,
        instance: str,
        clock: Callable[[], int],
        post: Post,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client, self._watcher, self._clock, self._post = client, watcher, clock, post
        self._lease = Lease(client, "notify", "worker", instance)
        self._configuration: Configuration | None = None
        self._routes: dict[str, Route] = {}
        self._held = False
        self._renewed_at = 0
        self._outbox = Outbox(chance)
        self._asked_at = 0
        self._seen: dict[str, Seen] = {}
        self._looked_at: dict[str, int] = {}
        self._wake_at: dict[str, int] = {}
        self._to_look: list[Address] = []

    # ── one turn ──────────────────────────────────────────────────────────────────────────────────

    def turn(self, *, wait: bool = True) -> bool:
        """One turn of the loop; ``wait``: for something to do, at most a second. False: there is nothing to do here.

        Raises redis errors; what could not be written is written in a later turn, and nothing is sent that is not written down.
        """
        configuration = self._watcher.current
        if not configuration.notify:
            self._let_go()
            return False
        now = self._clock()
        if not self._hold(configuration, now):
            return False
        patience = self._patience(now) if wait else 0
        if patience and self._post.active:
            self._post.wait(patience / 1000)
        changed: set[str] = set()
        if not (wait and self._post.active and self._asked_at <= now < self._asked_at + ASK_MS):
            self._asked_at = now
            positions = {name: seen.position for name, seen in self._seen.items()}
            idle = patience and not self._post.active
            changed = book.moved(self._client, positions, patience if idle else None)
        now = self._clock()
        try:
            concluded = self._outbox.heard(self._post.finished(now), now)
            changed |= self._overdue(now)
            self._look(changed, now)
            due = {name for name, at in self._wake_at.items() if at <= now}
            for project in changed | concluded | due:
                self._plan(project, now)
            self._send(now)
        except LeaseLost:
            log.warning("another process tells people from now on")
            self._forget()
        return True

    def _patience(self, now: int) -> int:
        """How long nothing may happen; sends that end, and alerts that change, are heard of before."""
        due = (*self._wake_at.values(), *self._outbox.next_try(now, self._post))
        return max(0, min([PATIENCE_MS, *(at - now for at in due)]))

    def _send(self, now: int) -> None:
        """Begin what may begin: first it is written down, then it is sent."""
        ready = self._outbox.ready(self._post, now)
        try:
            self._outbox.save(self._client, self._lease, now)
        except redis.RedisError:
            self._outbox.unmark(parcel for parcel, _ in ready)
            raise
        for parcel, message in ready:
            self._post.start(parcel, self._url(parcel.address), message, now)
        while self._to_look and self._post.room:
            address = self._to_look.pop()
            if not self._post.busy(address):
                self._post.start(Parcel(address, "", ""), self._url(address), None, now)

    def _url(self, address: Address) -> SecretStr:
        return self._routes[address.route].urls[address.number]

    # ── who works ─────────────────────────────────────────────────────────────────────────────────

    def _hold(self, configuration: Configuration, now: int) -> bool:
        if not self._held:
            if not self._lease.acquire():
                return False
            self._held, self._renewed_at = True, 0
            log.info("telling people of alerts: %d routes", len(configuration.notify))
        try:
            if not self._renewed_at <= now < self._renewed_at + TTL_MS // 3:
                self._lease.renew()
                self._renewed_at = now
        except LeaseLost:
            self._forget()
            return False
        if configuration is not self._configuration:
            try:
                if self._configuration is not None:
                    self._outbox.save(self._client, self._lease, now)
            except LeaseLost:
                self._forget()
                return False
            self._load(configuration)
        return True

    def _load(self, configuration: Configuration) -> None:
        self._configuration, self._routes = configuration, configuration.notify
        covered = [
            name for name in configuration.projects if any(route.covers(name) for route in self._routes.values())
        ]
        saved = addresses.stored(self._client)
        self._outbox.load(self._routes, book.load(self._client, covered, self._routes), saved, self._post)
        self._seen = {name: Seen(None, "0-0") for name in covered}
        self._looked_at, self._wake_at = {}, {}
        self._to_look = list(self._outbox.outcomes)
        gone = {field.decode() for field in saved} - {address.name for address in self._outbox.outcomes}
        if gone:
            self._client.hdel(keys.NOTIFY_ROUTES, *gone)

    def _forget(self) -> None:
        """The lease went to somebody else; what this process knew is what is stored, or worth nothing."""
        self._held, self._configuration, self._lease.value = False, None, None
        self._seen, self._wake_at = {}, {}
        self._outbox.clear()

    def _let_go(self) -> None:
        if self._held:
            self._lease.release()
            self._forget()

    # ── looking and planning ──────────────────────────────────────────────────────────────────────

    def _overdue(self, now: int) -> set[str]:
        found: set[str] = set()
        for name in self._seen:
            if not self._looked_at.get(name, -LOOK_MS) <= now < self._looked_at.get(name, -LOOK_MS) + LOOK_MS:
                found.add(name)
                if len(found) == LOOKS_AT_ONCE:
                    break
        return found

    def _look(self, projects: set[str], now: int) -> None:
        for name, seen in book.look(self._client, projects).items():
            self._seen[name] = seen
            self._looked_at[name] = now

    def _plan(self, project: str, now: int) -> None:
        alerts = self._seen[project].alerts if project in self._seen else None
        self._wake_at.pop(project, None)
        if alerts is None:
            return  # unknown is not calm: nothing has ended because nobody tells of it
        wakes = []
        for route in self._routes.values():
            if not route.covers(project):
                continue
            key = project, route.name
            before = self._outbox.group(key)
            planned = plan(route, alerts, before, now)
            group = planned.group
            if planned.telling is not None:
                late = before.notice is not None and not before.notice.reached
                notice = self._notice(project, route, planned.telling, now, late)
                group = msgspec.structs.replace(group, notice=notice, unheard=False)
            if planned.wake_at is not None:
                wakes.append(planned.wake_at)
            if group is not before and group != before:
                self._outbox.put(key, group)
        if wakes:
            self._wake_at[project] = min(wakes)

    def _notice(self, project: str, route: Route, telling: Telling, now: int, late: bool) -> Notice:
        assert self._configuration is not None
        ended = book.endings(self._client, project, telling.ended)
        told_of = self._configuration.projects[project]
        language = route.language or told_of.language
        message = compose(told_of, telling, ended, self._configuration.site.url, late=late, language=language)
        return Notice(
            id=f"{project}/{route.name}/{now}",
            at=now,
            kind=telling.kind,
            level=message.level,
            subject=message.subject,
            body=message.body,
            episodes=[*(alert.episode for alert in telling.alerts), *telling.ended],
            left=list(range(len(route.urls))),
            language=language,
            log_language=told_of.language,
        )

    def close(self) -> None:
        """Wait a moment for what is being sent, write down how it went, and let another worker go on."""
        if not self._held:
            return
        end = time.monotonic() + FAREWELL_S
        while self._post.active and (left := end - time.monotonic()) > 0:
            self._post.wait(left)
            self._outbox.heard(self._post.finished(self._clock()), self._clock())
        try:
            now = self._clock()
            self._outbox.heard(self._post.finished(now), now)
            self._outbox.save(self._client, self._lease, now)
        except LeaseLost:
            pass
        self._let_go()


def tell(
    watcher: ConfigurationWatcher, redis_url: str, *, stop: threading.Event, instance: str, clock: Callable[[], int]
) -> None:
    """Tell people of alerts until ``stop`` is set; whatever goes wrong, the next turn tries again."""
    client = redis.Redis.from_url(redis_url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=0)
    worker = Worker(client, watcher, instance, clock, Post(AppriseSender()))
    said = False
    while not stop.is_set():
        try:
            worked = worker.turn()
        except redis.RedisError as error:
            if not said:
                log.error(
                    "Redis does not take the worker's word: %s. Nobody is told until it does; nothing is lost.", error
                )
            said = True
            stop.wait(1)
            continue
        except Exception:
            log.exception("a turn of the worker that tells people failed")
            stop.wait(5)
            continue
        if said:
            said = False
            log.info("Redis is back; people are told again")
        if not worked:
            stop.wait(PATIENCE_MS / 1000)
    try:
        worker.close()
    except redis.RedisError as error:
        log.warning("could not write down what was sent last: %s", error)


def start(
    watcher: ConfigurationWatcher, redis_url: str, *, stop: threading.Event, instance: str, clock: Callable[[], int]
) -> threading.Thread:
    """``tell`` in a thread of its own, which neither delays nor ends the process."""
    thread = threading.Thread(
        target=tell,
        args=(watcher, redis_url),
        kwargs={"stop": stop, "instance": instance, "clock": clock},
        name="notify",
        daemon=True,
    )
    thread.start()
    return thread
