"""What is on its way: groups with their messages, how each address does, and what has yet to be written down about it.

Nothing here waits or sends. ``ready`` says what may go where; ``heard`` takes in how it went; ``save`` writes all of it in one transaction.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from operations.notify import addresses, book
from operations.notify.addresses import Address, Outcome
from operations.notify.book import GroupKey
from operations.notify.group import Group, Notice
from operations.notify.post import Finished, Parcel, Post
from operations.notify.sender import SendFailed
from operations.notify.words import AGAIN, Message
from operations.projects.routes import Route
from operations.store.leases import Lease, guarded
from operations.texts import render, say

log = logging.getLogger(__name__)

HEARD_KEPT = 1_000
"""Arrivals that are remembered in case the lease is lost before they are written down."""


class Outbox:
    """Of one process. ``chance`` gives a number from 0 to 1: it spreads the next tries of many."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._groups: dict[GroupKey, Group] = {}
        self._touched: set[GroupKey] = set()
        self._waiting: dict[
            str, dict[str, None]
        ] = {}  # by route the projects whose message is on its way, oldest first
        self.outcomes: dict[Address, Outcome] = {}
        self._news: set[Address] = set()
        self._log: list[tuple[str, dict[str, Any]]] = []
        self._arrived: deque[tuple[str, int]] = deque(maxlen=HEARD_KEPT)

    def load(
        self, routes: Mapping[str, Route], groups: Mapping[GroupKey, Group], saved: Mapping[bytes, bytes], post: Post
    ) -> None:
        """Go on from what is stored. ``saved``: the stored outcomes."""
        self.clear()
        self.outcomes = addresses.fresh(routes, saved)
        self._news = set(self.outcomes)
        changed = {
            address.route
            for address, outcome in self.outcomes.items()
            if not _is_known(outcome, saved.get(address.name.encode()))
        }
        for (project, name), group in sorted(
            groups.items(), key=lambda item: item[1].notice.at if item[1].notice else 0
        ):
            if group.unheard and name in changed:
                group = Group()  # nobody was reached, and now there may be somebody
            self.put((project, name), self._resumed(routes[name], group, post))

    def clear(self) -> None:
        """Forget everything but what has arrived."""
        self._groups, self._waiting, self.outcomes = {}, {}, {}
        self._touched.clear()
        self._news.clear()
        self._log.clear()

    def _resumed(self, route: Route, group: Group, post: Post) -> Group:
        """A group as its predecessor left it. A send whose outcome nobody wrote down goes out again, and says so."""
        notice = group.notice
        if notice is None:
            return group
        arrived = {number for name, number in self._arrived if name == notice.id}  # heard of, not written down in time
        numbers = [n for n in range(len(route.urls)) if n not in arrived]
        open_ = [n for n in notice.sending if n in numbers]
        here = [n for n in open_ if post.holds(Address(route.name, n), notice.id)]
        left = [n for n in notice.left if n in numbers]
        again = sorted({*notice.again, *open_} - {*here})
        reached = notice.reached or bool(arrived)
        notice = msgspec.structs.replace(notice, left=left, sending=here, again=again, reached=reached)
        return msgspec.structs.replace(group, notice=notice) if left else _concluded(group, notice, notice.at)

    def group(self, key: GroupKey) -> Group:
        """Where a project stands with a route."""
        return self._groups.get(key) or Group()

    def put(self, key: GroupKey, group: Group) -> None:
        """Remember a group, to be written down with the next transaction."""
        project, route = key
        self._groups[key] = group
        self._touched.add(key)
        if group.notice is None:
            self._waiting.get(route, {}).pop(project, None)
        else:
            self._waiting.setdefault(route, {}).setdefault(project)

    def ready(self, post: Post, now_ms: int) -> list[tuple[Parcel, Message]]:
        """What may be sent now: one message to each address that is free, marked as being sent. ``save`` before it is handed over."""
        found: list[tuple[Parcel, Message]] = []
        for address, outcome in sorted(
            self.outcomes.items(), key=lambda item: item[1].at
        ):  # who waits longest is first
            if len(found) >= post.room:
                break
            if post.busy(address) or not outcome.may_try(now_ms):
                continue
            for project in self._waiting.get(address.route, ()):
                notice = self._groups[project, address.route].notice
                if notice is not None and address.number in notice.left and address.number not in notice.sending:
                    body = (
                        f"{notice.body}\n\n{render(AGAIN, notice.language)}"
                        if address.number in notice.again
                        else notice.body
                    )
                    found.append((Parcel(address, project, notice.id), Message(notice.subject, body, notice.level)))
                    break
        for parcel, _ in found:
            self._mark(parcel, sending=True)
        return found

    def unmark(self, parcels: Iterable[Parcel]) -> None:
        """These were not handed over after all."""
        for parcel in parcels:
            self._mark(parcel, sending=False)

    def _mark(self, parcel: Parcel, *, sending: bool) -> None:
        key, number = (parcel.project, parcel.address.route), parcel.address.number
        group = self._groups[key]
        assert group.notice is not None
        marked = [n for n in group.notice.sending if n != number] + ([number] if sending else [])
        self.put(key, msgspec.structs.replace(group, notice=msgspec.structs.replace(group.notice, sending=marked)))

    def next_try(self, now_ms: int, post: Post) -> Iterator[int]:
        """When (epoch ms) addresses that something waits for may be tried again."""
        for address, outcome in self.outcomes.items():
            if outcome.wait_until > now_ms and self._waiting.get(address.route) and not post.busy(address):
                yield outcome.wait_until

    def heard(self, finished: Iterable[Finished], now: int) -> set[str]:
        """Take in how sends went; returns the projects whose plan may go on."""
        touched = set()
        for parcel, error in finished:
            before = self.outcomes.get(parcel.address)
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
        self.outcomes[parcel.address] = after
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
            again=_again(notice, address.number, over, error),
            reached=notice.reached or error is None,
        )
        after = msgspec.structs.replace(group, notice=notice) if left else _concluded(group, notice, now)
        self.put((parcel.project, address.route), after)
        self._log.append((parcel.project, self._entry(parcel, notice, error, now)))
        return True

    def _entry(self, parcel: Parcel, notice: Notice, error: SendFailed | None, now: int) -> dict[str, Any]:
        outcome = self.outcomes[parcel.address]
        to = say("{route} ({service})", route=parcel.address.route, service=outcome.to)
        if error is None:
            said = say("{to} was told: {subject}", to=to, subject=notice.subject)
        elif error.permanent:
            said = say("{to} could not be told: {error}; not tried again", to=to, error=str(error))
        else:
            wait = max(1, (outcome.wait_until - now) // 1000)
            said = say("{to} could not be told: {error}; again in {n} s", to=to, error=str(error), n=wait)
        return {
            "at": now,
            "what": "notify_failed" if error is not None else "notified",
            "route": parcel.address.route,
            "to": outcome.to,
            "kind": notice.kind,
            "level": ("", "warning", "critical")[notice.level],
            "episodes": notice.episodes,
            "permanent": bool(error and error.permanent),
            "reason": render(said, notice.log_language or notice.language),
            "said": said,
        }

    def save(self, client: Any, lease: Lease, now_ms: int) -> None:
        """Write what changed in one transaction, under the lease. Raises ``LeaseLost`` and redis errors; then it is still to be written."""
        if not (self._touched or self._news or self._log):
            return
        changed = {key: None if self._groups[key].idle else self._groups[key] for key in self._touched}
        outcomes = [(address, self.outcomes[address]) for address in self._news if address in self.outcomes]
        guarded(client, lease, lambda pipe: book.write(pipe, changed, outcomes, self._log, now_ms))
        for key, kept in changed.items():
            if kept is None:
                del self._groups[key]
        self._touched.clear()
        self._news.clear()
        self._log.clear()


def _is_known(outcome: Outcome, saved: bytes | None) -> bool:
    return saved is not None and outcome.print.encode() in saved


def _again(notice: Notice, number: int, over: bool, error: SendFailed | None) -> list[int]:
    """The addresses that the next copy must tell that it may be the second."""
    others = [n for n in notice.again if n != number]
    doubtful = not over and (number in notice.again or (error is not None and error.doubtful))
    return [*others, number] if doubtful else others


def _concluded(group: Group, notice: Notice, now: int) -> Group:
    """The group once its notice has arrived wherever it can arrive. ``repeat`` runs from now."""
    return msgspec.structs.replace(group, notice=None, told_at=now, unheard=not notice.reached)
