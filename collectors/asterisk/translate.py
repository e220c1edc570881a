"""AMI messages as events: a pure fold of one session. See docs/collectors/asterisk.md for what Asterisk really says.

``QueueCallerAbandon`` is sent for hang-ups, timeouts, emptied queues and withdrawals alike, so an outcome is held back
until the channel's next word decides: a hang-up, ``QUEUESTATUS``, another queue, or a short deadline. At the deadline
"abandoned" is said; a better-informed word that comes later corrects it. A held-back event carries the time of the
message that it is about.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import TypeVar

import msgspec

from collectors.asterisk.people import Member, People, Work
from collectors.asterisk.protocol import Message
from collectors.asterisk.words import (
    MEMBER_WORDS,
    NEEDS,
    REFUSED,
    WHY,
    caller_id,
    member_of,
    number,
    seconds_ms,
    unescaped,
)
from collectors.events import (
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactCompleted,
    ContactEntered,
    ContactHeld,
    ContactLeft,
    ContactRang,
    ContactRangNoAnswer,
    ContactResumed,
    LeftWhy,
    Snapshot,
    WaitingContact,
)

K = TypeVar("K", bound=Hashable)

DECIDE_MS = 500
"""How long an outcome waits for the word that decides it; normally that follows within a millisecond."""
SILENCE_MS = 10_000
"""An "abandon" whose channel lives on for so long, on a link that does hear hang-ups, was none."""
COMPLETE_MS = 5_000
"""A caller's channel is gone and the queue has not said "complete" for so long: it will not."""
FORGET_MS = 3_600_000


class Pending(msgspec.Struct):
    """A visit that stopped waiting and whose outcome is not yet certain. ``said``: "abandoned" has been told."""

    queue: str
    contact: str
    at: int
    wait_ms: int | None
    abandon: bool
    said: bool = False
    withdrawn: str = ""


class Talk(msgspec.Struct):
    """A conversation. ``leg``: the channel that was called for it; ``gone_at``: when the caller's channel ended."""

    queue: str
    contact: str
    interface: str
    name: str
    at: int
    leg: str
    gone_at: int | None = None


class StatusList(msgspec.Struct):
    """The answer to ``QueueStatus`` while it comes in."""

    action_id: str
    asked_at: int
    unwatched_since: int | None
    queues: list[str] = []
    members: list[Member] = []
    waiting: list[WaitingContact] = []


class Translator:
    """The fold of one session. ``translate`` and ``due`` return events; ``next_due`` says when ``due`` has something.

    ``queues``: only these, None for all. ``wrap_up_s``: seconds for all queues, or by queue, where Asterisk does not tell.
    """

    def __init__(
        self, *, queues: Collection[str] | None = None, wrap_up_s: int | Mapping[str, int] | None = None
    ) -> None:
        self._queues = None if queues is None else frozenset(queues)
        by_queue = wrap_up_s if isinstance(wrap_up_s, Mapping) else {}
        for_all = wrap_up_s if isinstance(wrap_up_s, int) else 0
        self.people = People(lambda queue: by_queue.get(queue, for_all))
        self.skew_ms = 0
        """What must be added to the PBX's clock to make it ours."""
        self.wants_status = False
        """Something happened after which only the whole list is right; the collector asks and clears it."""
        self.shut_down = False
        self.facts: dict[str, int] = {}
        self._waiting: dict[Work, int] = {}
        self._pending: dict[str, Pending] = {}
        self._talks: dict[tuple[str, str], list[Talk]] = {}
        self._legs: dict[str, Talk] = {}
        self._callers: dict[str, list[Talk]] = {}
        self._completed: dict[tuple[str, str, str], int] = {}
        self._withdrawn: dict[str, str] = {}
        self._deadlines: list[tuple[int, int, Pending | Talk]] = []
        self._order = 0
        self._hears_hangups = False
        self._hears_variables = False
        self._list: StatusList | None = None
        self._words: dict[str, Callable[[Message, int], list[AnyEvent]]] = {
            "QueueCallerJoin": self._join,
            "QueueCallerAbandon": self._abandon,
            "QueueCallerLeave": self._leave,
            "AgentCalled": self._called,
            "AgentConnect": self._connect,
            "AgentComplete": self._complete,
            "AgentRingNoAnswer": self._ring_no_answer,
            "AgentDump": self._dump,
            "QueueMemberRemoved": self._removed,
            "Hangup": self._hangup,
            "VarSet": self._varset,
            "Hold": self._hold,
            "Unhold": self._unhold,
            "Reload": self._ask_again,
            "FullyBooted": self._ask_again,
            "Shutdown": self._shutdown,
            "QueueParams": self._listed,
            "QueueMember": self._listed,
            "QueueEntry": self._listed,
            "QueueStatusComplete": self._list_complete,
        }
        self._words.update(dict.fromkeys(MEMBER_WORDS, self._member))

    def translate(self, message: Message, now_ms: int) -> list[AnyEvent]:
        """The events that one message tells; ``now_ms`` is when it arrived."""
        word = self._words.get(message.headers.get("Event", ""))
        if word is None:
            return []
        headers = message.headers
        queue = headers.get("Queue")
        if queue is not None and self._queues is not None and queue not in self._queues:
            return []
        for name in NEEDS.get(headers["Event"], ()):
            if not headers.get(name):
                self._count("incomplete_messages")
                return []
        return word(message, now_ms)

    def expect_list(self, action_id: str, asked_at: int, unwatched_since: int | None = None) -> None:
        """``QueueStatus`` was sent at ``asked_at`` with this ActionID: its answer will become a ``Snapshot``."""
        self._list = StatusList(action_id, asked_at, unwatched_since, [], [], [])

    def next_due(self) -> int | None:
        """When ``due`` will have something to say; None if nothing is held back."""
        first = [at for at in (self._deadlines[0][0] if self._deadlines else None, self.people.next_due()) if at]
        return min(first) if first else None

    def due(self, now_ms: int) -> list[AnyEvent]:
        """What time alone decides up to ``now_ms``."""
        told: list[AnyEvent] = []
        while self._deadlines and self._deadlines[0][0] <= now_ms:
            at, _, held = heapq.heappop(self._deadlines)
            told += self._overdue(held, at) if isinstance(held, Pending) else self._never_completed(held, at)
        return told + self.people.due(now_ms)

    def finish(self, now_ms: int) -> list[AnyEvent]:
        """The session ends: what is certain enough of the outcomes held back."""
        told: list[AnyEvent] = []
        for pending in self._pending.values():
            if pending.abandon and not pending.said:
                told.append(ContactAbandoned(pending.at, pending.queue, pending.contact, pending.wait_ms))
        self._pending.clear()
        return told + self.people.due(now_ms)

    # ── the caller ────────────────────────────────────────────────────────────────────────────────

    def _join(self, message: Message, now: int) -> list[AnyEvent]:
        queue, contact = message.headers["Queue"], message.get("Uniqueid")
        told = self._went_on(contact)
        self._waiting[(queue, contact)] = now
        caller, name = caller_id(message.get("CallerIDNum")), unescaped(caller_id(message.get("CallerIDName")))
        told.append(ContactEntered(now, queue, contact, caller, name))
        return told

    def _abandon(self, message: Message, now: int) -> list[AnyEvent]:
        queue, contact = message.headers["Queue"], message.get("Uniqueid")
        told = self._went_on(contact)
        self._waiting.pop((queue, contact), None)
        self._hold_back(Pending(queue, contact, now, seconds_ms(message, "HoldTime"), abandon=True))
        return told + self.people.rings_no_more((queue, contact), now)

    def _leave(self, message: Message, now: int) -> list[AnyEvent]:
        queue, contact = message.headers["Queue"], message.get("Uniqueid")
        before = self._pending.get(contact)
        if before is not None and before.queue == queue and not before.said:
            return []
        told = self._went_on(contact)
        self._waiting.pop((queue, contact), None)
        self._hold_back(Pending(queue, contact, now, None, abandon=False))
        return told

    def _hold_back(self, pending: Pending) -> None:
        pending.withdrawn = self._withdrawn.pop(pending.contact, "")
        self._pending[pending.contact] = pending
        self._remind(pending.at + DECIDE_MS, pending)

    def _went_on(self, contact: str) -> list[AnyEvent]:
        """The contact is in a queue again: whatever ended its last visit, nobody had hung up."""
        pending = self._pending.pop(contact, None)
        return [] if pending is None else self._left(pending, "other" if pending.abandon else "key")

    def _left(self, pending: Pending, why: LeftWhy) -> list[AnyEvent]:
        self._pending.pop(pending.contact, None)
        told: list[AnyEvent] = []
        if pending.abandon or not pending.said:
            told.append(ContactLeft(pending.at, pending.queue, pending.contact, why, pending.wait_ms))
        return told + self.people.rings_no_more((pending.queue, pending.contact), pending.at)

    def _overdue(self, pending: Pending, at: int) -> list[AnyEvent]:
        if self._pending.get(pending.contact) is not pending:
            return []
        if not pending.abandon:  # left without an answer or a hang-up: a key took the caller out
            return self._left(pending, "key")
        if not pending.said:
            pending.said = True
            self._remind(pending.at + SILENCE_MS, pending)
            return [ContactAbandoned(pending.at, pending.queue, pending.contact, pending.wait_ms)]
        if at >= pending.at + FORGET_MS:
            del self._pending[pending.contact]
        elif self._hears_hangups and not self._hears_variables:
            return self._left(pending, "other")
        else:
            self._remind(pending.at + FORGET_MS, pending)
        return []

    def _hangup(self, message: Message, now: int) -> list[AnyEvent]:
        self._hears_hangups = True
        channel = message.get("Uniqueid")
        self._legs.pop(channel, None)
        self._withdrawn.pop(channel, None)
        told: list[AnyEvent] = []
        pending = self._pending.pop(channel, None)
        if pending is not None and not pending.said:
            if pending.abandon:
                told.append(ContactAbandoned(pending.at, pending.queue, channel, pending.wait_ms))
            else:
                told += self._left(pending, "key")
        for talk in self._callers.get(channel, ()):
            talk.gone_at = now
            self._remind(now + COMPLETE_MS, talk)
        return told

    def _varset(self, message: Message, now: int) -> list[AnyEvent]:
        self._hears_variables = True
        channel, variable, value = message.get("Uniqueid"), message.get("Variable"), message.get("Value")
        pending = self._pending.get(channel)
        if variable == "QUEUE_WITHDRAW_INFO":
            if pending is not None:
                pending.withdrawn = value
            else:
                self._withdrawn[channel] = value
            return []
        if variable != "QUEUESTATUS":
            return []
        if value in REFUSED:
            self._count("refused_callers")
        if pending is None or not pending.abandon:
            return []
        why = WHY.get(value, "other")
        if value == "WITHDRAW" and "callback" in pending.withdrawn.lower():
            why = "callback"
        return self._left(pending, why)

    # ── ringing and talking ───────────────────────────────────────────────────────────────────────

    def _called(self, message: Message, now: int) -> list[AnyEvent]:
        queue, contact = message.headers["Queue"], message.get("Uniqueid")
        interface, name = message.get("Interface"), message.get("MemberName")
        told: list[AnyEvent] = [ContactRang(now, queue, contact, self.people.known_as(interface, name))]
        return told + self.people.rings((queue, contact), interface, name, now)

    def _ring_no_answer(self, message: Message, now: int) -> list[AnyEvent]:
        queue, contact = message.headers["Queue"], message.get("Uniqueid")
        interface, name = message.get("Interface"), message.get("MemberName")
        ring_ms = number(message.get("RingTime"))  # this one is in milliseconds
        told: list[AnyEvent] = [
            ContactRangNoAnswer(now, queue, contact, self.people.known_as(interface, name), ring_ms)
        ]
        return told + self.people.rings_no_more((queue, contact), now, interface, name)

    def _dump(self, message: Message, now: int) -> list[AnyEvent]:
        """The agent hung up while an announcement was played to them; the contact goes on waiting."""
        work = (message.headers["Queue"], message.get("Uniqueid"))
        return self.people.rings_no_more(work, now, message.get("Interface"), message.get("MemberName"))

    def _connect(self, message: Message, now: int) -> list[AnyEvent]:
        queue, contact = message.headers["Queue"], message.get("Uniqueid")
        interface, name = message.get("Interface"), message.get("MemberName")
        told: list[AnyEvent] = []
        pending = self._pending.get(contact)
        if pending is not None and pending.queue != queue:
            told += self._went_on(contact)
        self._pending.pop(contact, None)
        self._waiting.pop((queue, contact), None)
        talk = Talk(queue, contact, interface, name, now, message.get("DestUniqueid"))
        self._talks.setdefault((queue, interface), []).append(talk)
        self._callers.setdefault(contact, []).append(talk)
        if talk.leg:
            self._legs[talk.leg] = talk
        person = self.people.known_as(interface, name)
        wait_ms, ring_ms = seconds_ms(message, "HoldTime"), seconds_ms(message, "RingTime")
        told.append(ContactAnswered(now, queue, contact, person, wait_ms, ring_ms))
        return told + self.people.talks((queue, contact), interface, name, now)

    def _complete(self, message: Message, now: int) -> list[AnyEvent]:
        queue, contact, interface = message.headers["Queue"], message.get("Uniqueid"), message.get("Interface")
        talk = self._talk_of(queue, interface, contact, message, now)
        talk_ms, wait_ms = seconds_ms(message, "TalkTime"), seconds_ms(message, "HoldTime")
        transferred = message.get("Reason") == "transfer"
        if talk is not None:
            return self._over(talk, now, wait_ms, talk_ms, transferred)
        if contact:
            if (queue, interface, contact) in self._completed:
                return []  # a second word about one conversation: after a transfer the new end is told as well
            name = message.get("MemberName")
            person = self.people.known_as(interface, name)
            self._remember((queue, interface, contact), now)
            told: list[AnyEvent] = [ContactCompleted(now, queue, contact, person, wait_ms, talk_ms, None, transferred)]
            return told + self.people.talks_no_more((queue, contact), interface, name, now)
        if not any(key[:2] == (queue, interface) and now - at < FORGET_MS for key, at in self._completed.items()):
            self._count("completed_without_contact")
        return []

    def _talk_of(self, queue: str, interface: str, contact: str, message: Message, now: int) -> Talk | None:
        """The conversation that a "complete" means; without the caller's fields the one that began when it says."""
        talks = self._talks.get((queue, interface), [])
        if contact:
            return next((talk for talk in talks if talk.contact == contact), None)
        began = now - (seconds_ms(message, "TalkTime") or 0)
        return min(talks, key=lambda talk: (talk.gone_at is None, abs(talk.at - began)), default=None)

    def _over(
        self, talk: Talk, now: int, wait_ms: int | None, talk_ms: int | None, transferred: bool
    ) -> list[AnyEvent]:
        self._forget_talk(talk)
        self._remember((talk.queue, talk.interface, talk.contact), now)
        person = self.people.known_as(talk.interface, talk.name)
        told: list[AnyEvent] = [
            ContactCompleted(now, talk.queue, talk.contact, person, wait_ms, talk_ms, None, transferred)
        ]
        return told + self.people.talks_no_more((talk.queue, talk.contact), talk.interface, talk.name, now)

    def _never_completed(self, talk: Talk, at: int) -> list[AnyEvent]:
        if talk.gone_at is None or talk not in self._talks.get((talk.queue, talk.interface), []):
            return []
        return self._over(talk, talk.gone_at, None, None, False)

    def _forget_talk(self, talk: Talk) -> None:
        _drop(self._talks, (talk.queue, talk.interface), talk)
        _drop(self._callers, talk.contact, talk)
        self._legs.pop(talk.leg, None)

    def _remember(self, key: tuple[str, str, str], now: int) -> None:
        self._completed[key] = now
        while len(self._completed) > 1 and now - next(iter(self._completed.values())) > FORGET_MS:
            del self._completed[next(iter(self._completed))]

    def _hold(self, message: Message, now: int) -> list[AnyEvent]:
        talk = self._legs.get(message.get("Uniqueid"))
        return [] if talk is None else [ContactHeld(now, talk.queue, talk.contact)]

    def _unhold(self, message: Message, now: int) -> list[AnyEvent]:
        talk = self._legs.get(message.get("Uniqueid"))
        return [] if talk is None else [ContactResumed(now, talk.queue, talk.contact)]

    # ── members ───────────────────────────────────────────────────────────────────────────────────

    def _member(self, message: Message, now: int) -> list[AnyEvent]:
        pausing = message.headers["Event"] in ("QueueMemberPause", "QueueMemberAdded")
        return self.people.is_member(member_of(message), now, pausing=pausing)

    def _removed(self, message: Message, now: int) -> list[AnyEvent]:
        queue, interface, name = message.headers["Queue"], message.get("Interface"), message.get("MemberName")
        return self.people.leaves_queue(queue, interface, name, now)

    # ── the source as a whole ─────────────────────────────────────────────────────────────────────

    def _ask_again(self, message: Message, now: int) -> list[AnyEvent]:
        self.wants_status = True
        return []

    def _shutdown(self, message: Message, now: int) -> list[AnyEvent]:
        self.shut_down = True
        return []

    def _listed(self, message: Message, now: int) -> list[AnyEvent]:
        listing = self._list
        if listing is None or message.get("ActionID") != listing.action_id:
            return []
        headers = message.headers
        kind, queue = headers["Event"], headers.get("Queue", "")
        if kind == "QueueParams":
            listing.queues.append(queue)
        elif kind == "QueueMember":
            listing.members.append(member_of(message))
        else:
            contact = message.get("Uniqueid")
            entered_at = self._waiting.get((queue, contact), now - (number(message.get("Wait")) or 0) * 1000)
            caller, name = caller_id(message.get("CallerIDNum")), caller_id(message.get("CallerIDName"))
            listing.waiting.append(WaitingContact(queue, contact, entered_at, caller, name))
        return []

    def _list_complete(self, message: Message, now: int) -> list[AnyEvent]:
        listing = self._list
        if listing is None or message.get("ActionID") != listing.action_id:
            return []
        self._list = None
        covered = set(listing.queues)
        told = self.people.due(now)
        agents = self.people.replace(listing.members, covered, now, self.skew_ms)
        here = {(waiting.queue, waiting.contact) for waiting in listing.waiting}
        for work, entered_at in list(self._waiting.items()):
            if work not in here and work[0] in covered and entered_at < listing.asked_at - SILENCE_MS:
                del self._waiting[work]
        for waiting in listing.waiting:
            self._waiting.setdefault((waiting.queue, waiting.contact), waiting.entered_at)
        snapshot = Snapshot(
            now, listing.asked_at, listing.queues, listing.waiting, agents, None, listing.unwatched_since
        )
        return [*told, snapshot]

    # ── small things ──────────────────────────────────────────────────────────────────────────────

    def _remind(self, at: int, held: Pending | Talk) -> None:
        self._order += 1
        heapq.heappush(self._deadlines, (at, self._order, held))

    def _count(self, fact: str) -> None:
        self.facts[fact] = self.facts.get(fact, 0) + 1


def _drop(table: dict[K, list[Talk]], key: K, talk: Talk) -> None:
    talks = [other for other in table.get(key, []) if other is not talk]
    if talks:
        table[key] = talks
    else:
        table.pop(key, None)
