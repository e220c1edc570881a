"""The worker: one loop from the alerts on the boards to the people. It runs beside the engine, in a thread and on a Redis connection of its own.

Look at the projects whose alerts changed or whose timer is due, plan, write down what is about to be sent, send, write down how it went. It works only while it holds
the one lease of all workers. What is written before a send lets a successor finish it: killed in between, the message still goes out.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import redis

from operations.notify import addresses, book
from operations.notify.addresses import Address, Outcome
from operations.notify.book import GroupKey, Seen
from operations.notify.group import Group, Notice
from operations.notify.planner import Telling, plan
from operations.notify.post import Finished, Parcel, Post
from operations.notify.sender import AppriseSender, SendFailed
from operations.notify.words import AGAIN, Message, compose
from operations.projects.configuration import Configuration
from operations.projects.routes import Route
from operations.projects.watcher import ConfigurationWatcher
from operations.store import keys
from operations.store.leases import TTL_MS, Lease, LeaseLost, guarded

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
        self._client, self._watcher, self._clock, self._post, self._chance = client, watcher, clock, post, chance
        self._lease = Lease(client, "notify", "worker", instance)
        self._configuration: Configuration | None = None
        self._routes: dict[str, Route] = {}
        self._held = False
        self._renewed_at = 0
        self._groups: dict[GroupKey, Group] = {}
        self._touched: set[GroupKey] = set()
        self._waiting: dict[
            str, dict[str, None]
        ] = {}  # by route the projects whose message is on its way, oldest first
        self._asked_at = 0
        self._seen: dict[str, Seen] = {}
        self._looked_at: dict[str, int] = {}
        self._wake_at: dict[str, int] = {}
        self._outcomes: dict[Address, Outcome] = {}
        self._news: set[Address] = set()
        self._to_look: list[Address] = []
        self._arrived: deque[tuple[str, int]] = deque(maxlen=1000)
        self._log: list[tuple[str, dict[str, Any]]] = []

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
            concluded = self._hear(self._post.finished(now))
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
        waits = [at - now for at in self._wake_at.values()]
        waits += [
            outcome.wait_until - now
            for address, outcome in self._outcomes.items()
            if outcome.wait_until > now and self._waiting.get(address.route) and not self._post.busy(address)
        ]
        return max(0, min([PATIENCE_MS, *waits]))

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
                    self._save(now)
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
        kept = addresses.stored(self._client)
        self._outcomes = addresses.fresh(self._routes, kept)
        changed = {
            address.route
            for address, outcome in self._outcomes.items()
            if not _is_known(outcome, kept.get(address.name.encode()))
        }
        self._groups, self._waiting = {}, {}
        kept_groups = book.load(self._client, covered, self._routes)
        for key, group in sorted(kept_groups.items(), key=lambda item: item[1].notice.at if item[1].notice else 0):
            self._put(key, self._resumed(key, group, changed))
        self._seen = {name: Seen(None, "0-0") for name in covered}
        self._looked_at, self._wake_at = {}, {}
        self._news = set(self._outcomes)
        self._to_look = list(self._outcomes)
        gone = [field for field in kept if field.decode() not in {address.name for address in self._outcomes}]
        if gone:
            self._client.hdel(keys.NOTIFY_ROUTES, *gone)

    def _put(self, key: GroupKey, group: Group) -> None:
        """Remember a group, to be written down with the next transaction."""
        project, route = key
        self._groups[key] = group
        self._touched.add(key)
        if group.notice is None:
            self._waiting.get(route, {}).pop(project, None)
        else:
            self._waiting.setdefault(route, {}).setdefault(project)

    def _resumed(self, key: GroupKey, group: Group, changed: set[str]) -> Group:
        """A group as its predecessor left it. A send whose outcome nobody wrote down goes out again, and says so."""
        project, route = key
        if group.unheard and route in changed:
            return Group()  # nobody was reached, and now there may be somebody
        notice = group.notice
        if notice is None:
            return group
        arrived = {
            number for id_, number in self._arrived if id_ == notice.id
        }  # heard of, but not written down in time
        numbers = [n for n in range(len(self._routes[route].urls)) if n not in arrived]
        open_ = [n for n in notice.sending if n in numbers]
        here = [n for n in open_ if self._post.holds(Address(route, n), notice.id)]
        notice = msgspec.structs.replace(
            notice,
            left=[n for n in notice.left if n in numbers],
            sending=here,
            again=sorted({*notice.again, *open_} - {*here}),
            reached=notice.reached or bool(arrived),
        )
        return (
            _concluded(group, notice, notice.at) if not notice.left else msgspec.structs.replace(group, notice=notice)
        )

    def _forget(self) -> None:
        """The lease went to somebody else; what this process knew is what is stored, or worth nothing."""
        self._held, self._configuration, self._lease.value = False, None, None
        self._groups, self._waiting, self._seen, self._wake_at = {}, {}, {}, {}
        self._touched.clear()
        self._log.clear()

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
            before = self._groups.get(key, Group())
            planned = plan(route, alerts, before, now)
            group = planned.group
            if planned.telling is not None:
                late = before.notice is not None and not before.notice.reached
                notice = self._notice(project, route, planned.telling, now, late)
                group = msgspec.structs.replace(group, notice=notice, unheard=False)
            if planned.wake_at is not None:
                wakes.append(planned.wake_at)
            if group is not before and group != before:
                self._put(key, group)
        if wakes:
            self._wake_at[project] = min(wakes)

    def _notice(self, project: str, route: Route, telling: Telling, now: int, late: bool) -> Notice:
        assert self._configuration is not None
        ended = book.endings(self._client, project, telling.ended)
        message = compose(
            self._configuration.projects[project], telling, ended, self._configuration.site.url, late=late
        )
        return Notice(
            id=f"{project}/{route.name}/{now}",
            at=now,
            kind=telling.kind,
            level=message.level,
            subject=message.subject,
            body=message.body,
            episodes=[*(alert.episode for alert in telling.alerts), *telling.ended],
            left=list(range(len(route.urls))),
        )

    # ── sending ───────────────────────────────────────────────────────────────────────────────────

    def _send(self, now: int) -> None:
        """Begin what may begin: one message to each address that is free. First it is written down, then it is sent."""
        parcels: list[tuple[Parcel, Message]] = []
        for address, outcome in sorted(
            self._outcomes.items(), key=lambda item: item[1].at
        ):  # who waits longest is first
            if len(parcels) >= self._post.room:
                break
            if self._post.busy(address) or not outcome.may_try(now):
                continue
            for project in self._waiting.get(address.route, ()):
                notice = self._groups[project, address.route].notice
                if notice is not None and address.number in notice.left and address.number not in notice.sending:
                    body = f"{notice.body}\n\n{AGAIN}" if address.number in notice.again else notice.body
                    parcels.append((Parcel(address, project, notice.id), Message(notice.subject, body, notice.level)))
                    break
        for parcel, _ in parcels:
            self._mark(parcel, lambda notice, n: msgspec.structs.replace(notice, sending=[*notice.sending, n]))
        try:
            self._save(now)
        except redis.RedisError:
            for parcel, _ in parcels:
                self._mark(
                    parcel,
                    lambda notice, n: msgspec.structs.replace(notice, sending=[m for m in notice.sending if m != n]),
                )
            raise
        for parcel, message in parcels:
            self._post.start(parcel, self._url(parcel.address), message, now)
        while self._to_look and self._post.room:
            address = self._to_look.pop()
            if not self._post.busy(address):
                self._post.start(Parcel(address, "", ""), self._url(address), None, now)

    def _url(self, address: Address) -> Any:
        return self._routes[address.route].urls[address.number]

    def _mark(self, parcel: Parcel, change: Callable[[Notice, int], Notice]) -> None:
        key = parcel.project, parcel.address.route
        group = self._groups[key]
        assert group.notice is not None
        self._put(key, msgspec.structs.replace(group, notice=change(group.notice, parcel.address.number)))

    def _hear(self, finished: Iterable[Finished]) -> set[str]:
        """Take in how sends went; returns the projects whose plan may go on."""
        touched = set()
        now = self._clock()
        for parcel, error in finished:
            before = self._outcomes.get(parcel.address)
            if before is None:
                continue  # the configuration has no such address any more
            if parcel.notice or error is not None:
                self._judge(parcel, before, error, now)
            if self._settle(parcel, error, now):
                touched.add(parcel.project)
        return touched

    def _judge(self, parcel: Parcel, before: Outcome, error: SendFailed | None, now: int) -> None:
        name = parcel.address.name
        if error is None:
            after = before.arrived(now)
            if before.failures:
                log.info("notify: %s takes messages again", name)
        else:
            after = before.failed(str(error), error.permanent, now, self._chance())
            if not before.failures or before.permanent != error.permanent:
                log.warning(
                    "notify: %s: %s%s",
                    name,
                    error,
                    "; nothing will be tried again by itself" if error.permanent else "",
                )
        self._outcomes[parcel.address] = after
        self._news.add(parcel.address)

    def _settle(self, parcel: Parcel, error: SendFailed | None, now: int) -> bool:
        """Cross an address off its notice. False when that notice is not on its way any more."""
        address = parcel.address
        group = self._groups.get((parcel.project, address.route))
        notice = group.notice if group else None
        if group is None or notice is None or notice.id != parcel.notice or address.number not in notice.left:
            return False
        if error is None:
            self._arrived.append((notice.id, address.number))
        over = error is None or error.permanent
        left = [n for n in notice.left if n != address.number] if over else notice.left
        notice = msgspec.structs.replace(
            notice,
            left=left,
            sending=[n for n in notice.sending if n != address.number],
            again=[n for n in notice.again if n != address.number] if over else notice.again,
            reached=notice.reached or error is None,
        )
        after = msgspec.structs.replace(group, notice=notice) if left else _concluded(group, notice, now)
        self._put((parcel.project, address.route), after)
        self._log.append((parcel.project, self._entry(parcel, notice, error, now)))
        return True

    def _entry(self, parcel: Parcel, notice: Notice, error: SendFailed | None, now: int) -> dict[str, Any]:
        outcome = self._outcomes[parcel.address]
        to = f"{parcel.address.route} ({outcome.to})"
        if error is None:
            reason = f"{to} was told: {notice.subject}"
        elif error.permanent:
            reason = f"{to} could not be told: {error}; not tried again"
        else:
            reason = f"{to} could not be told: {error}; again in {max(1, (outcome.wait_until - now) // 1000)} s"
        return {
            "at": now,
            "what": "notify_failed" if error is not None else "notified",
            "route": parcel.address.route,
            "to": outcome.to,
            "kind": notice.kind,
            "level": ("", "warning", "critical")[notice.level],
            "episodes": notice.episodes,
            "permanent": bool(error and error.permanent),
            "reason": reason,
        }

    # ── writing down ──────────────────────────────────────────────────────────────────────────────

    def _save(self, now: int) -> None:
        """Write what changed in one transaction, under the lease. Raises ``LeaseLost`` and redis errors."""
        if not (self._touched or self._news or self._log):
            return
        changed = {key: None if self._groups[key].idle else self._groups[key] for key in self._touched}
        outcomes = [(address, self._outcomes[address]) for address in self._news if address in self._outcomes]
        guarded(self._client, self._lease, lambda pipe: book.write(pipe, changed, outcomes, self._log, now))
        for key, kept in changed.items():
            if kept is None:
                del self._groups[key]
        self._touched.clear()
        self._news.clear()
        self._log.clear()

    def close(self) -> None:
        """Wait a moment for what is being sent, write down how it went, and let another worker go on."""
        if not self._held:
            return
        end = time.monotonic() + FAREWELL_S
        while self._post.active and (left := end - time.monotonic()) > 0:
            self._post.wait(left)
            self._hear(self._post.finished(self._clock()))
        try:
            self._hear(self._post.finished(self._clock()))
            self._save(self._clock())
        except LeaseLost:
            pass
        self._let_go()


def _is_known(outcome: Outcome, saved: bytes | None) -> bool:
    return saved is not None and outcome.print.encode() in saved


def _concluded(group: Group, notice: Notice, now: int) -> Group:
    """The group once its notice has arrived wherever it can arrive. ``repeat`` runs from now."""
    return msgspec.structs.replace(group, notice=None, told_at=now, unheard=not notice.reached)


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
