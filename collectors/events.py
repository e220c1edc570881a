"""The vocabulary: everything that a collector can say about an ACD, whatever its vendor.

A collector turns the wire into these events and appends them to the event log; nothing downstream
learns a vendor's word. The events are frozen, carry the ACD's own ids, and hold no totals.

Conventions, the same for every event:

* ``at`` is when it happened, in integer milliseconds since the epoch (UTC), on *our* clock: a
  collector that knows its ACD's clock to be wrong corrects it before it speaks. Integers keep every
  sum exact, so a replay of the log gives the same totals bit for bit.
* Durations end in ``_ms``. ``None`` means that the ACD did not say; a consumer may then derive the
  value from the times of the events, but a collector never invents one.
* ``queue`` and ``agent`` are the ACD's own names, unique within the source. ``agent`` names a
  person, however many devices and queues that person has.
* ``contact`` is the ACD's id of the caller's contact. One contact may visit a queue several times
  (overflow and back, a transfer, a dialplan loop); two visits of one contact to one queue never
  overlap in time, and that is how consumers tell them apart.

An event may reach the log twice, or late; consumers must not count it again. Of what *replaces* what was said before, the one with the later ``at`` holds;
only two accounts of a quarter that was over when both were told cannot be put in order: the one that arrives last holds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

AgentCondition = Literal["available", "ringing", "on_contact", "wrap_up", "paused", "logged_out", "unknown"]
"""What a person is doing. ``logged_out`` covers a device that cannot be reached."""

LeftWhy = Literal["timeout", "key", "empty", "callback", "other"]
"""Why a contact left a queue unanswered although nobody hung up."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, tag_field="type"):
    """What all events share: ``at``, epoch milliseconds UTC."""

    at: int


# ── Contacts ──────────────────────────────────────────────────────────────────────────────────────


class ContactEntered(Event, frozen=True, tag="entered"):
    """A contact joined a queue. A return to the queue after ring-no-answer is *not* an entry."""

    queue: str
    contact: str
    caller: str = ""
    caller_name: str = ""


class ContactRang(Event, frozen=True, tag="rang"):
    """An agent is being alerted for a waiting contact."""

    queue: str
    contact: str
    agent: str


class ContactRangNoAnswer(Event, frozen=True, tag="rang_no_answer"):
    """The alert ended without an answer by this agent; the contact goes on waiting."""

    queue: str
    contact: str
    agent: str
    ring_ms: int | None = None


class ContactAnswered(Event, frozen=True, tag="answered"):
    """An agent took the contact. ``wait_ms`` runs from entering to the answer, ringing included."""

    queue: str
    contact: str
    agent: str = ""
    wait_ms: int | None = None
    ring_ms: int | None = None


class ContactHeld(Event, frozen=True, tag="held"):
    """The agent put the contact on hold."""

    queue: str
    contact: str


class ContactResumed(Event, frozen=True, tag="resumed"):
    """The agent came back to the contact that was on hold."""

    queue: str
    contact: str


class ContactCompleted(Event, frozen=True, tag="completed"):
    """The conversation with the queue's agent ended, by either side or by a transfer.

    ``wait_ms`` lets a consumer place the visit when its beginning was never seen. ``talk_ms`` includes
    the time on hold when ``hold_ms`` is None, and excludes it otherwise.
    """

    queue: str
    contact: str
    agent: str = ""
    wait_ms: int | None = None
    talk_ms: int | None = None
    hold_ms: int | None = None
    transferred: bool = False


class ContactAbandoned(Event, frozen=True, tag="abandoned"):
    """The caller hung up before an answer."""

    queue: str
    contact: str
    wait_ms: int | None = None


class ContactLeft(Event, frozen=True, tag="left"):
    """The contact left the queue unanswered for another reason than hanging up (a flow-out)."""

    queue: str
    contact: str
    why: LeftWhy = "other"
    wait_ms: int | None = None


# ── Agents ────────────────────────────────────────────────────────────────────────────────────────


class AgentChanged(Event, frozen=True, tag="agent"):
    """A person's condition from ``at`` on.

    ``reason`` is the pause reason. ``queue`` and ``contact`` say which work the condition belongs to
    (ringing, on_contact, wrap_up) where the ACD tells. Repeating the current condition is harmless.
    """

    agent: str
    condition: AgentCondition
    name: str = ""
    reason: str = ""
    queue: str = ""
    contact: str = ""


class AgentQueues(Event, frozen=True, tag="agent_queues"):
    """All queues that a person serves from ``at`` on; a whole list, never a difference.

    ``queues`` maps a queue to None where the person takes contacts, else to the reason of the pause
    in that queue alone ("" when the ACD gives none). An empty dict: the person serves no queue.
    """

    agent: str
    queues: dict[str, str | None]
    name: str = ""


# ── The source as a whole ─────────────────────────────────────────────────────────────────────────


class WaitingContact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One waiting contact in a snapshot; ``entered_at`` in epoch milliseconds."""

    queue: str
    contact: str
    entered_at: int
    caller: str = ""
    caller_name: str = ""


class SeenAgent(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One person in a snapshot. ``since``: when the condition began, epoch ms, None if not told."""

    agent: str
    condition: AgentCondition
    queues: dict[str, str | None]
    name: str = ""
    reason: str = ""
    since: int | None = None


class Snapshot(Event, frozen=True, tag="snapshot"):
    """The ACD's whole state, taken at ``at`` after a connect or on a doubt.

    ``asked_at``: when the question was sent; a contact that entered later may be missing from the
    answer. ``unwatched_since``: the last moment at which the source was watched before (None at the first
    connect). ``queues``: every queue that the answer covers; contacts of other queues are left alone.
    ``talking``: ids of contacts in conversation, None when the ACD does not list them.
    """

    asked_at: int
    queues: list[str]
    waiting: list[WaitingContact]
    agents: list[SeenAgent]
    talking: list[str] | None = None
    unwatched_since: int | None = None


class WatchLost(Event, frozen=True, tag="watch_lost"):
    """The link to the source broke; ``at`` is the last moment at which it was known to be whole."""

    reason: str = ""


class QueueObserved(Event, frozen=True, tag="observed"):
    """What a polled ACD shows of one queue: aggregates in place of contacts.

    ``totals``: cumulative counters by kpis.md's names (seconds as milliseconds, ``*_ms``), of which consumers
    take differences; a counter that went down was reset. ``agents``: people per condition.
    ``since``: when the ACD began to count ``totals``, epoch ms; another ``since`` than before is a reset, also where a counter
    has already grown past what it was. None: the ACD does not tell.
    An ACD that keeps waits to itself may count ``answered_within_20s`` and ``answered_beyond_20s`` (any whole
    number of seconds; likewise ``abandoned_…``) beside ``answered``: both, so that none in time differs from not told.
    """

    queue: str
    waiting: int | None = None
    longest_wait_ms: int | None = None
    agents: dict[str, int] | None = None
    totals: dict[str, int] = {}
    since: int | None = None


class IntervalTotals(Event, frozen=True, tag="interval"):
    """What the ACD's own account says of one queue in one quarter of an hour; it *replaces* what it said of it before.

    ``start``: epoch ms, a multiple of 15 min. ``counters``: by kpis.md's names, durations in ms under
    ``*_ms``. ``answered_waits``, ``abandoned_waits``: [wait_ms, contacts] pairs. ``answered_within_20s`` and its like as in
    ``QueueObserved``. ``at`` is when the account was true: the quarter's end, or now for the one that runs.
    ``sole``: the ACD tells of this queue's contacts in no other way (it is polled), so the account counts for watched time
    too, again and again while it grows or settles. Without it a quarter since the source is watched is left as it is.
    """

    queue: str
    start: int
    counters: dict[str, int]
    answered_waits: list[tuple[int, int]] = []
    abandoned_waits: list[tuple[int, int]] = []
    sole: bool = False


class Reported(Event, frozen=True, tag="reported"):
    """Additive facts that another system reports about a queue: surveys, complaints, dialler totals.

    ``id`` makes it count once; ``counters`` by kpis.md's names.
    """

    id: str
    queue: str
    counters: dict[str, int]


AnyEvent = (
    ContactEntered
    | ContactRang
    | ContactRangNoAnswer
    | ContactAnswered
    | ContactHeld
    | ContactResumed
    | ContactCompleted
    | ContactAbandoned
    | ContactLeft
    | AgentChanged
    | AgentQueues
    | Snapshot
    | WatchLost
    | QueueObserved
    | IntervalTotals
    | Reported
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[AnyEvent])


def encode(events: list[AnyEvent]) -> bytes:
    """A batch of events as one JSON array: the form in which they lie in the event log."""
    return _encoder.encode(events)


def decode(batch: bytes) -> list[AnyEvent]:
    """The events of one batch. Raises ``msgspec.DecodeError`` (a ValueError) on anything else."""
    return _decoder.decode(batch)
