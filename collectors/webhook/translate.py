"""From the public forms to the vocabulary: one function per form, in a table. No I/O; the time is an argument."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from msgspec import UNSET

from collectors import events as e
from collectors.collector import FUTURE_MS, Fact
from collectors.counters import fact_of
from collectors.webhook import forms as f
from collectors.webhook.facts import COUNTED, Untrue

OLDEST_MS = 23 * 3600 * 1000
"""Older events are refused. The fold remembers for a day what it has counted; this is an hour less, for the way there."""

QUARTER_MS = 900_000
OLDEST_INTERVAL_MS = 25 * 31 * 24 * 3600 * 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_CONTROL = re.compile("[\x00-\x1f\x7f]")

CAME: frozenset[Fact] = frozenset(("contacts", "waiting", "longest_wait", "waits", "in_time", "abandons", "flow_outs"))
"""What follows from the beginning of a wait, whose end has to be told in any case: by an answer, by whoever hung up, or by whoever left."""

AGENT_FACTS: frozenset[Fact] = frozenset(("agents", "ringing_now", "wrap_up_now", "agent_names", "agent_time", "wrap"))


class Wrong(Exception):
    """An event that has the right form and cannot be true. ``path``: where in it."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(problem)
        self.path, self.problem = path, problem


class Translator:
    """Translates the events of one batch. ``top_box_from``: the score from which a survey counts as satisfied, None: not configured."""

    def __init__(self, now_ms: int, top_box_from: float | None = None) -> None:
        self.now_ms, self.top_box_from = now_ms, top_box_from
        self.told: set[Fact] = set()

    def translate(self, form: Any) -> e.AnyEvent:
        """The event that a form means. Raises ``Wrong``."""
        return _TABLE[type(form)](self, form)

    # ── times and names ───────────────────────────────────────────────────────────────────────────

    def at(self, when: int | datetime, path: str = "at", oldest_ms: int = OLDEST_MS) -> int:
        """Epoch milliseconds; raises ``Wrong`` for what cannot be counted."""
        ms = self.ms(when, path)
        if ms < self.now_ms - oldest_ms:
            raise Wrong(path, self._too_old(ms, oldest_ms))
        return ms

    def ms(self, when: int | datetime, path: str) -> int:
        """Epoch milliseconds, however old, but not of the future."""
        ms = when if isinstance(when, int) else (when - _EPOCH) // _MS
        if ms > self.now_ms + FUTURE_MS:
            raise Wrong(path, f"{_span(ms - self.now_ms)} in the future by our clock, which says {_iso(self.now_ms)}")
        return ms

    def _too_old(self, ms: int, oldest_ms: int) -> str:
        if abs(ms * 1000 - self.now_ms) < oldest_ms:
            return f"{ms} looks like seconds; a number is in milliseconds since 1970"
        return (
            f"{_span(self.now_ms - ms)} ago; what is older than {_span(oldest_ms)} is not taken, "
            "since nobody could tell any more whether it was counted"
        )


def _span(ms: int) -> str:
    hours = ms / 3_600_000
    return f"{hours / 24:.0f} days" if hours > 72 else f"{hours:.1f} h" if hours >= 1 else f"{ms / 1000:.0f} s"


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def plain(path: str, *texts: str) -> None:
    """Raises ``Wrong`` where a text holds a control character."""
    for text in texts:
        if _CONTROL.search(text):
            raise Wrong(path, "holds a control character; names are plain text")


def _claims(t: Translator, *facts: Fact, **where: object) -> None:
    """What a word tells of: ``facts`` always, and each of ``where`` that it gave a value."""
    t.told.update(facts)
    t.told.update(cast(Fact, fact) for fact, value in where.items() if value is not None and value is not UNSET)


def _names(form: f.ContactForm, *more: str) -> None:
    if _CONTROL.search("".join((form.queue, form.contact, *more))):
        raise Wrong("queue, contact, agent or caller", "holds a control character; names are plain text")


def _queues(told: Iterable[str] | Mapping[str, str | None], path: str) -> dict[str, str | None]:
    served = dict(told) if isinstance(told, Mapping) else dict.fromkeys(told)
    for queue, reason in served.items():
        if not 1 <= len(queue) <= f.LONGEST_NAME or len(reason or "") > f.LONGEST_NAME:
            raise Wrong(path, f"a queue's name has 1 to {f.LONGEST_NAME} characters")
        plain(path, queue, reason or "")
    return served


def _counters(told: Mapping[str, int], path: str, facts: set[Fact]) -> dict[str, int]:
    for name in told:
        fact = fact_of(name)
        if fact is None:
            raise Wrong(path, f"no such counter: {name[:50]!r}; docs/collectors/webhook.md lists them")
        facts.add(fact)
    return dict(told)


# ── contacts ──────────────────────────────────────────────────────────────────────────────────────


def _entered(t: Translator, form: f.Entered) -> e.AnyEvent:
    _names(form, form.caller, form.caller_name)
    _claims(t, *CAME)
    return e.ContactEntered(t.at(form.at), form.queue, form.contact, form.caller, form.caller_name)


def _rang(t: Translator, form: f.Rang) -> e.AnyEvent:
    _names(form, form.agent)
    _claims(t, "ring", "rang_no_answer")
    return e.ContactRang(t.at(form.at), form.queue, form.contact, form.agent)


def _rang_no_answer(t: Translator, form: f.RangNoAnswer) -> e.AnyEvent:
    _names(form, form.agent)
    _claims(t, "ring", "rang_no_answer")
    return e.ContactRangNoAnswer(t.at(form.at), form.queue, form.contact, form.agent, form.ring_ms)


def _answered(t: Translator, form: f.Answered) -> e.AnyEvent:
    _names(form, form.agent)
    # whoever tells the answer tells the end too, and how long they talked follows from the two
    _claims(t, "contacts", "talk", waits=form.wait_ms, in_time=form.wait_ms, ring=form.ring_ms)
    return e.ContactAnswered(t.at(form.at), form.queue, form.contact, form.agent, form.wait_ms, form.ring_ms)


def _held(t: Translator, form: f.Held) -> e.AnyEvent:
    _names(form)
    _claims(t, "hold")
    return e.ContactHeld(t.at(form.at), form.queue, form.contact)


def _resumed(t: Translator, form: f.Resumed) -> e.AnyEvent:
    _names(form)
    _claims(t, "hold")
    return e.ContactResumed(t.at(form.at), form.queue, form.contact)


def _completed(t: Translator, form: f.Completed) -> e.AnyEvent:
    _names(form, form.agent)
    _claims(
        t,
        "contacts",
        waits=form.wait_ms,
        in_time=form.wait_ms,
        talk=form.talk_ms,
        hold=form.hold_ms,
        transfers=form.transferred,
    )
    return e.ContactCompleted(
        t.at(form.at),
        form.queue,
        form.contact,
        form.agent,
        form.wait_ms,
        form.talk_ms,
        form.hold_ms,
        form.transferred is True,
    )


def _abandoned(t: Translator, form: f.Abandoned) -> e.AnyEvent:
    _names(form)
    _claims(t, "contacts", "abandons")
    return e.ContactAbandoned(t.at(form.at), form.queue, form.contact, form.wait_ms)


def _left(t: Translator, form: f.Left) -> e.AnyEvent:
    _names(form)
    _claims(t, "contacts", "flow_outs")
    return e.ContactLeft(t.at(form.at), form.queue, form.contact, form.why, form.wait_ms)


# ── people, and the floor as a whole ──────────────────────────────────────────────────────────────


def _agent(t: Translator, form: f.AgentWord) -> e.AnyEvent:
    plain("agent, name, reason, queue or contact", form.agent, form.name, form.reason, form.queue, form.contact)
    t.told |= AGENT_FACTS
    return e.AgentChanged(t.at(form.at), form.agent, form.condition, form.name, form.reason, form.queue, form.contact)


def _agent_queues(t: Translator, form: f.AgentQueues) -> e.AnyEvent:
    plain("agent or name", form.agent, form.name)
    return e.AgentQueues(t.at(form.at), form.agent, _queues(form.queues, "queues"), form.name)


def _snapshot(t: Translator, form: f.Snapshot) -> e.AnyEvent:
    plain("queues", *form.queues)
    plain("talking", *(form.talking or ()))
    waiting = []
    for place, contact in enumerate(form.waiting):
        path = f"waiting[{place}]"
        plain(path, contact.queue, contact.contact, contact.caller, contact.caller_name)
        entered_at = t.at(contact.entered_at, f"{path}.entered_at", f.LONGEST_MS)
        waiting.append(
            e.WaitingContact(contact.queue, contact.contact, entered_at, contact.caller, contact.caller_name)
        )
    agents = []
    for place, person in enumerate(form.agents):
        path = f"agents[{place}]"
        plain(path, person.agent, person.name, person.reason)
        since = None if person.since is None else t.ms(person.since, f"{path}.since")
        queues = _queues(person.queues, f"{path}.queues")
        agents.append(e.SeenAgent(person.agent, person.condition, queues, person.name, person.reason, since))
    at = t.at(form.at)
    unwatched = None if form.unwatched_since is None else t.ms(form.unwatched_since, "unwatched_since")
    if form.queues:
        _claims(t, "contacts", "waiting", "longest_wait")
    if form.agents:
        t.told |= AGENT_FACTS
    return e.Snapshot(at, at, form.queues, waiting, agents, form.talking, unwatched)


def _observed(t: Translator, form: f.Observed) -> e.AnyEvent:
    plain("queue", form.queue)
    agents = form.agents or {}
    _claims(t, waiting=form.waiting, longest_wait=form.longest_wait_ms, agents=form.agents)
    _claims(t, ringing_now=agents.get("ringing"), wrap_up_now=agents.get("wrap_up"))
    return e.QueueObserved(
        t.at(form.at),
        form.queue,
        form.waiting,
        form.longest_wait_ms,
        None if form.agents is None else {str(condition): count for condition, count in form.agents.items()},
        _counters(form.totals, "totals", t.told),
        None if form.totals_since is None else t.ms(form.totals_since, "totals_since"),
    )


def _interval(t: Translator, form: f.Interval) -> e.AnyEvent:
    plain("queue", form.queue)
    start = t.at(form.start, "start", OLDEST_INTERVAL_MS)
    if start % QUARTER_MS:
        raise Wrong("start", "an interval starts at a whole quarter of an hour: :00, :15, :30 or :45")
    end = start + QUARTER_MS
    if form.at is None and end > t.now_ms + FUTURE_MS:
        raise Wrong("start", "this quarter of an hour is not over; say in at when the account was true")
    at = end if form.at is None else t.ms(form.at, "at")
    if at < start:
        raise Wrong("at", "before start; it is when the account was true")
    counters = _counters(form.counters, "counters", t.told)
    if form.answered_waits:
        t.told |= {"waits", "in_time"}
    return e.IntervalTotals(
        min(at, end), form.queue, start, counters, form.answered_waits, form.abandoned_waits, form.sole
    )


# ── business facts ────────────────────────────────────────────────────────────────────────────────


def _fact(t: Translator, form: f.FactForm) -> e.AnyEvent:
    plain("id or queue", form.id, form.queue)
    try:
        fact, name, counters = COUNTED[type(form)](form, t.top_box_from)
    except Untrue as untrue:
        raise Wrong(untrue.path, str(untrue)) from None
    t.told.add(fact)
    return e.Reported(t.at(form.at), f"{name}:{form.id}", form.queue, counters)


_TABLE: dict[type, Callable[[Translator, Any], e.AnyEvent]] = {
    f.Entered: _entered,
    f.Rang: _rang,
    f.RangNoAnswer: _rang_no_answer,
    f.Answered: _answered,
    f.Held: _held,
    f.Resumed: _resumed,
    f.Completed: _completed,
    f.Abandoned: _abandoned,
    f.Left: _left,
    f.AgentWord: _agent,
    f.AgentQueues: _agent_queues,
    f.Snapshot: _snapshot,
    f.Observed: _observed,
    f.Interval: _interval,
    **dict.fromkeys(COUNTED, _fact),
}
