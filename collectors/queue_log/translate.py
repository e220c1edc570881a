"""Lines of a queue_log as events: pure, and the same lines always give the very same events.

The log's times are whole seconds. So that order survives, the n-th line of one second is told n ms later (999 at most). Waits, talk and
ring times are the ACD's own numbers, never differences of line times.

A ``COMPLETE…`` that follows a transfer of the same visit is not a second end (Asterisk writes both when the transferee's leg closes later). A
``QUEUESTART`` without closing lines before it means that Asterisk was killed: who waited or talked then is gone.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from collectors.events import (
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactCompleted,
    ContactEntered,
    ContactLeft,
    ContactRangNoAnswer,
    LeftWhy,
    Snapshot,
    WaitingContact,
)
from collectors.queue_log.members import Members, Nobody
from collectors.queue_log.protocol import Line

FORGET_MS = 24 * 3600 * 1000
"""A visit without any line for so long has lost its end."""

HOUR_MS = 3600 * 1000
_NEAR_MS = 2_000

Key = tuple[str, str]
"""Queue and contact."""


class Visit(msgspec.Struct, gc=False):
    """One open visit; ``at``: when it began to wait, or to talk, as told (epoch ms)."""

    at: int
    shift_ms: int
    agent: str = ""
    talking: bool = False
    caller: str = ""


class Translator:
    """The fold of one log. Feed it lines in the order of the file. ``people``: whether agents are told as well."""

    def __init__(self, *, people: bool = True) -> None:
        self.open: dict[Key, list[Visit]] = {}
        """Visits without an end, by queue and contact; two only while one talks and the next already waits."""
        self.queues: dict[str, None] = {}
        """Every queue that a line named, in the order of naming."""
        self.members = Members() if people else Nobody()
        self.last_at: int | None = None
        self._second = -1
        self._nth = 0
        self._transferred: dict[Key, int] = {}
        self._next_sweep = 0
        self._verbs: dict[str, Callable[[Line, int, int], list[AnyEvent]]] = {
            "ENTERQUEUE": self._enter,
            "CONNECT": self._connect,
            "COMPLETEAGENT": self._complete,
            "COMPLETECALLER": self._complete,
            "TRANSFER": self._transfer,
            "BLINDTRANSFER": self._transfer,
            "ATTENDEDTRANSFER": self._transfer,
            "ABANDON": self._abandon,
            "EXITWITHTIMEOUT": self._leave,
            "EXITWITHKEY": self._leave,
            "EXITEMPTY": self._leave,
            "WITHDRAW": self._leave,
            "RINGNOANSWER": self._ring_no_answer,
            "SYSCOMPAT": self._incompatible,
            "QUEUESTART": self._start,
        }

    def translate(self, line: Line, shift_ms: int = 0) -> list[AnyEvent]:
        """The events that a line tells; ``shift_ms`` is added to the PBX's clock to make it ours.

        A visit keeps the shift that it began with, so that its end never comes before its beginning.
        """
        if line.exact:
            told = line.ms
        else:
            if line.ms == self._second:
                self._nth = min(self._nth + 1, 999)
            else:
                self._second, self._nth = line.ms, 0
            told = line.ms + self._nth
        if told >= self._next_sweep:
            self._sweep(told)
        if line.queue != "NONE" and line.queue:
            self.queues[line.queue] = None
        of_contact = self._verbs.get(line.verb)
        if of_contact is not None:
            events = of_contact(line, told, shift_ms)
        else:
            events = self.members.line(line, told + shift_ms)
        self.last_at = told + shift_ms
        return events

    def waiting(self) -> list[tuple[Key, Visit]]:
        """Who waits now, in the order of entering."""
        return [(key, visit) for key, visits in self.open.items() for visit in visits if not visit.talking]

    def snapshot(self, at: int, *, unwatched_since: int | None) -> Snapshot:
        """What the log says about this very moment; ``at`` in epoch ms."""
        waiting = [
            WaitingContact(queue, contact, min(visit.at, at), visit.caller)
            for (queue, contact), visit in self.waiting()
        ]
        talking = [contact for (_, contact), visits in self.open.items() for visit in visits if visit.talking]
        return Snapshot(at, at, list(self.queues), waiting, self.members.seen(at), talking, unwatched_since)

    # ── contacts ──────────────────────────────────────────────────────────────────────────────────

    def _enter(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        at = told + shift_ms
        # url|caller|position: a caller's number may hold the separator
        caller = "|".join(line.fields[1:-1]) if len(line.fields) > 3 else _text(line, 1)
        visits = self.open.setdefault((line.queue, line.contact), [])
        if all(visit.talking for visit in visits):
            visits.append(Visit(at, shift_ms, caller=caller))
        return [ContactEntered(at, line.queue, line.contact, caller)]

    def _connect(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        key = (line.queue, line.contact)
        visits = self.open.setdefault(key, [])
        visit = next((visit for visit in visits if not visit.talking), None)
        if visit is None:
            visit = Visit(0, shift_ms)
            visits.append(visit)
        at = told + visit.shift_ms
        visit.at, visit.agent, visit.talking = at, line.agent, True
        answered = ContactAnswered(at, line.queue, line.contact, _name(line.agent), _ms(line, 0), _ms(line, 2))
        return [answered, *self.members.took(line.agent, line.queue, line.contact, at)]

    def _complete(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        key = (line.queue, line.contact)
        talk_ms = _ms(line, 1)
        visit = self._talk_of(key, line.agent, told, talk_ms)
        if key in self._transferred and (visit is None or not _began(visit, told, talk_ms)):
            del self._transferred[key]
            return self.members.gave_back(line.agent, line.queue, line.contact, told + shift_ms)
        return self._end_talk(line, told, shift_ms, visit, _ms(line, 0), talk_ms, transferred=False)

    def _transfer(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        # ATTENDEDTRANSFER|LINK|one|two|hold|talk|position has a field more than BRIDGE or APP
        first = len(line.fields) - 3 if line.verb == "ATTENDEDTRANSFER" else 2
        wait_ms, talk_ms = _ms(line, first), _ms(line, first + 1)
        key = (line.queue, line.contact)
        visit = self._talk_of(key, line.agent, told, talk_ms)
        self._transferred[key] = told
        return self._end_talk(line, told, shift_ms, visit, wait_ms, talk_ms, transferred=True)

    def _end_talk(
        self,
        line: Line,
        told: int,
        shift_ms: int,
        visit: Visit | None,
        wait_ms: int | None,
        talk_ms: int | None,
        *,
        transferred: bool,
    ) -> list[AnyEvent]:
        if visit is not None:
            shift_ms = visit.shift_ms
            self._close((line.queue, line.contact), visit)
        at = told + shift_ms
        over = ContactCompleted(
            at, line.queue, line.contact, _name(line.agent), wait_ms, talk_ms, transferred=transferred
        )
        return [over, *self.members.gave_back(line.agent, line.queue, line.contact, at)]

    def _talk_of(self, key: Key, agent: str, told: int, talk_ms: int | None) -> Visit | None:
        """The conversation that a closing line means: the one that began when the line says, else this agent's, else any."""
        visits = self.open.get(key, [])
        talking = [visit for visit in visits if visit.talking]
        if not talking:
            return None if len(visits) == 0 or key in self._transferred else visits[-1]
        return max(talking, key=lambda visit: (_began(visit, told, talk_ms), visit.agent == agent))

    def _abandon(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        return [ContactAbandoned(self._stop_waiting(line, told, shift_ms), line.queue, line.contact, _ms(line, 2))]

    def _leave(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        why: LeftWhy
        if line.verb == "EXITWITHKEY":
            why, wait_at = "key", 3
        elif line.verb == "WITHDRAW":
            why, wait_at = ("callback" if "callback" in _text(line, 3).lower() else "other"), 2
        else:
            why, wait_at = ("timeout" if line.verb == "EXITWITHTIMEOUT" else "empty"), 2
        return [
            ContactLeft(self._stop_waiting(line, told, shift_ms), line.queue, line.contact, why, _ms(line, wait_at))
        ]

    def _incompatible(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        # An agent answered but the two legs could not be bridged: Asterisk hangs the caller up, unanswered.
        return [ContactLeft(self._stop_waiting(line, told, shift_ms), line.queue, line.contact, "other")]

    def _stop_waiting(self, line: Line, told: int, shift_ms: int) -> int:
        key = (line.queue, line.contact)
        visit = next((visit for visit in self.open.get(key, []) if not visit.talking), None)
        if visit is None:
            return told + shift_ms
        self._close(key, visit)
        return told + visit.shift_ms

    def _ring_no_answer(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        at = told + shift_ms
        ring_ms = _number(_text(line, 0))
        rang: AnyEvent = ContactRangNoAnswer(at, line.queue, line.contact, _name(line.agent), ring_ms)
        return [rang, *self.members.serves(line.agent, line.queue, at)]

    def _close(self, key: Key, visit: Visit) -> None:
        visits = self.open[key]
        visits.remove(visit)
        if not visits:
            del self.open[key]

    # ── the log as a whole ────────────────────────────────────────────────────────────────────────

    def _start(self, line: Line, told: int, shift_ms: int) -> list[AnyEvent]:
        """Asterisk began anew. Whoever was in a queue is gone, whatever the log had told of them."""
        at = told + shift_ms
        before = self.last_at
        self.open.clear()
        self._transferred.clear()
        self.members.restarted(at)
        if before is None:
            return []
        return [self.snapshot(at, unwatched_since=min(before, at))]

    def _sweep(self, told: int) -> None:
        """Once an hour of the log: forget what will never get an end."""
        self._next_sweep = told + HOUR_MS
        for key, visits in list(self.open.items()):
            fresh = [visit for visit in visits if visit.at > told - FORGET_MS]
            if len(fresh) < len(visits):
                if fresh:
                    self.open[key] = fresh
                else:
                    del self.open[key]
        self._transferred = {key: at for key, at in self._transferred.items() if at > told - FORGET_MS}


def _began(visit: Visit, told: int, talk_ms: int | None) -> bool:
    """Whether the conversation began when a closing line at ``told`` says."""
    return talk_ms is not None and abs(told + visit.shift_ms - talk_ms - visit.at) <= _NEAR_MS


def _text(line: Line, at: int) -> str:
    return line.fields[at] if 0 <= at < len(line.fields) else ""


def _number(text: str) -> int | None:
    """A whole number as Asterisk prints it; None for anything else, a negative one (its clock was set back) included."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def _ms(line: Line, at: int) -> int | None:
    """The field as seconds, in milliseconds."""
    seconds = _number(_text(line, at))
    return None if seconds is None else seconds * 1000


def _name(agent: str) -> str:
    return "" if agent == "NONE" else agent
