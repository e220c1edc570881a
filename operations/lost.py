"""Who hung up today before anybody answered, and was not reached since: whom a team lead may want called back.

A caller is lost from the first abandon of the day in one of the project's queues, and found again by a later answer in any of them.
What is kept follows what is told of each contact, so a board pays for the contacts that changed; the whole floor is looked at when a day
(or an engine) begins. No clock, no Redis.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from heapq import nlargest
from typing import NamedTuple

from operations.floor.floor import Floor
from operations.floor.visits import History
from operations.presence import ScopedQueue

LOST_ROWS = 200
"""So many of the callers that were lost last are listed; ``summary`` counts them all."""

Contact = tuple[str, str, str]
"""(source, queue, contact)."""

_BETWEEN_DIGITS = re.compile(r"[\s().·/-]+")


class LostCaller(NamedTuple):
    """One caller; ``at`` (epoch ms), ``wait_ms`` and ``queue`` (``SOURCE/QUEUE``) of the last try. ``waiting``: waits again now."""

    at: int
    id: str
    caller: str
    caller_name: str
    queue: str
    wait_ms: int
    tries: int
    waiting: bool


class _Try(NamedTuple):
    at: int
    contact: Contact
    wait_ms: int


class _Counted:
    """A number of each contact, and their sum."""

    def __init__(self) -> None:
        self.whole = 0
        self._of: dict[Contact, int] = {}

    def put(self, key: Contact, n: int) -> None:
        self.whole += n - self._of.pop(key, 0)
        if n:
            self._of[key] = n


class LostCallers:
    """The lost callers of one project. Abandons shorter than ``short_ms`` are counted and otherwise left alone."""

    def __init__(self, queues: Iterable[ScopedQueue]) -> None:
        self._own = frozenset(queues)
        self._since = 0
        self._short_ms = 0
        self._clear()

    def _clear(self) -> None:
        self._reached: dict[str, int] = {}
        """When each caller was answered last."""
        self._waits: dict[str, set[Contact]] = {}
        self._tries: dict[str, dict[Contact, tuple[_Try, ...]]] = {}
        self._names: dict[str, tuple[str, str]] = {}
        """The number as the ACD gave it, and the name, of each lost caller."""
        self._nameless = _Counted()
        self._short = _Counted()
        self._rows: dict[str, LostCaller] = {}
        self._dirty = True

    def begin(self, floors: Mapping[str, Floor], since: int, short_ms: int) -> None:
        """Take everything that the floors remember from ``since`` (epoch ms) on."""
        self._since, self._short_ms = since, short_ms
        self._clear()
        self.follow(
            floors,
            (
                (source, queue, contact)
                for source, floor in floors.items()
                for (queue, contact), history in floor.visits.items()
                if history.last_at >= since
            ),
        )

    def follow(self, floors: Mapping[str, Floor], contacts: Iterable[Contact]) -> None:
        """Take what the floors say by now of these contacts; of other projects' queues nothing is taken."""
        callers: set[str] = set()
        for key in contacts:
            source, queue, contact = key
            if (source, queue) not in self._own or source not in floors:
                continue
            history = floors[source].visits.get((queue, contact))
            if history is not None:  # else it was forgotten, and its day is over
                self._take(key, history, callers)
        for caller in callers:
            self._judge(caller)

    def _take(self, key: Contact, history: History, callers: set[str]) -> None:
        caller = spoken_as(history.caller)
        tries, short, reached = [], 0, -1
        for visit in history.visits:
            if visit.ended_at is None or visit.ended_at < self._since:
                continue
            if visit.outcome == "answered":
                reached = max(reached, visit.ended_at)
            elif visit.outcome == "abandoned" and visit.wait_ms < self._short_ms:
                short += 1
            elif visit.outcome == "abandoned":
                tries.append(_Try(visit.ended_at, key, visit.wait_ms))
        self._short.put(key, short)
        # Without a number nobody can call back: such a contact is its own caller.
        self._nameless.put(key, 0 if caller else sum(each.at > reached for each in tries))
        if not caller:
            return
        self._reached[caller] = max(reached, self._reached.get(caller, -1))
        if tries or caller in self._tries:
            self._tries.setdefault(caller, {})[key] = tuple(tries)
            self._names[caller] = (history.caller, history.caller_name)
        waits = self._waits.setdefault(caller, set()) if history.waiting else self._waits.get(caller)
        if waits is not None:
            (waits.add if history.waiting else waits.discard)(key)
            if not waits:
                del self._waits[caller]
        if caller in self._tries:
            callers.add(caller)

    def _judge(self, caller: str) -> None:
        reached = self._reached.get(caller, -1)
        tries = [each for kept in self._tries[caller].values() for each in kept if each.at > reached]
        row = None
        if tries:
            last = max(tries)
            source, queue, contact = last.contact
            number, name = self._names[caller]
            row = LostCaller(
                last.at,
                f"{source}/{contact}",
                number,
                name,
                f"{source}/{queue}",
                last.wait_ms,
                len(tries),
                caller in self._waits,
            )
        if row != self._rows.get(caller):
            self._dirty = True
            if row is None:
                del self._rows[caller]
            else:
                self._rows[caller] = row

    def changed_rows(self) -> list[LostCaller] | None:
        """Who was lost last, the latest first; None when nothing changed since the last call."""
        if not self._dirty:
            return None
        self._dirty = False
        return nlargest(LOST_ROWS, self._rows.values())

    def summary(self) -> dict[str, int]:
        """How many callers are lost, how many more abandons told no number, and how many were too short to count."""
        return {
            "callers": len(self._rows),
            "without_number": self._nameless.whole,
            "short": self._short.whole,
        }


def spoken_as(caller: str) -> str:
    """What makes two spellings one caller: numbers without what stands between their digits."""
    return _BETWEEN_DIGITS.sub("", caller).casefold()
