"""The public form of everything that can be pushed. Stable: a field may be added, none changes its meaning or goes.

These are not ``collectors.events``, which may change with the program: ``translate`` turns the one into the other.
Unknown fields are refused, so that a misspelt one is noticed on the first day and not in the first audit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from collectors.events import AgentCondition, LeftWhy

LONGEST_NAME = 200
MOST_LISTED = 20_000
MOST_COUNTERS = 200
LONGEST_MS = 31 * 24 * 3600 * 1000
MOST = 10**12
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""

_PLAIN = {"pattern": "^[^\\u0000-\\u001f\\u007f]*$"}
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, extra_json_schema=_PLAIN)]
Text = Annotated[str, Meta(max_length=LONGEST_NAME, extra_json_schema=_PLAIN)]
Ms = Annotated[int, Meta(ge=0, le=LONGEST_MS)]
Count = Annotated[int, Meta(ge=0, le=MOST)]
Score = Annotated[float, Meta(ge=-1000, le=1000)]
When = (
    Annotated[int, Meta(ge=0, le=LATEST_MS, description="milliseconds since 1970-01-01T00:00:00Z")]
    | Annotated[datetime, Meta(tz=True, description="ISO 8601 with offset")]
)
Counters = Annotated[
    dict[str, Count],
    Meta(
        max_length=MOST_COUNTERS,
        description="by the counters' names (docs/kpis.md), durations in milliseconds under *_ms",
    ),
]
Waits = Annotated[
    list[tuple[Ms, Count]],
    Meta(max_length=MOST_LISTED, description="pairs of a wait in milliseconds and a number of contacts"),
]
Queues = dict[str, str | None]


class Form(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type", forbid_unknown_fields=True):
    """What all share. ``at``: when it happened."""

    at: When
    id: Text = ""


class ContactForm(Form, frozen=True, kw_only=True):
    queue: Name
    contact: Name


class Entered(ContactForm, frozen=True, kw_only=True, tag="entered"):
    """A contact joined a queue."""

    caller: Text = ""
    caller_name: Text = ""


class Rang(ContactForm, frozen=True, kw_only=True, tag="rang"):
    """An agent is being alerted for a waiting contact."""

    agent: Name


class RangNoAnswer(ContactForm, frozen=True, kw_only=True, tag="rang_no_answer"):
    """The alert ended unanswered; the contact goes on waiting."""

    agent: Name
    ring_ms: Ms | None = None


class Answered(ContactForm, frozen=True, kw_only=True, tag="answered"):
    """An agent took the contact. ``wait_ms``: from entering to the answer."""

    agent: Text = ""
    wait_ms: Ms | None = None
    ring_ms: Ms | None = None


class Held(ContactForm, frozen=True, kw_only=True, tag="held"):
    """The contact was put on hold."""


class Resumed(ContactForm, frozen=True, kw_only=True, tag="resumed"):
    """The agent came back to the contact."""


class Completed(ContactForm, frozen=True, kw_only=True, tag="completed"):
    """The conversation ended. ``talk_ms`` holds the hold too, unless ``hold_ms`` is told."""

    agent: Text = ""
    wait_ms: Ms | None = None
    talk_ms: Ms | None = None
    hold_ms: Ms | None = None
    transferred: bool | UnsetType = UNSET


class Abandoned(ContactForm, frozen=True, kw_only=True, tag="abandoned"):
    """The caller hung up before an answer."""

    wait_ms: Ms | None = None


class Left(ContactForm, frozen=True, kw_only=True, tag="left"):
    """The contact left the queue unanswered, and nobody hung up."""

    why: LeftWhy = "other"
    wait_ms: Ms | None = None


class AgentWord(Form, frozen=True, kw_only=True, tag="agent"):
    """A person's condition from ``at`` on."""

    agent: Name
    condition: AgentCondition
    name: Text = ""
    reason: Text = ""
    queue: Text = ""
    contact: Text = ""


class AgentQueues(Form, frozen=True, kw_only=True, tag="agent_queues"):
    """All queues that a person serves from ``at`` on: a list, or an object of queue → reason of the pause there (null: none)."""

    agent: Name
    queues: Annotated[list[str], Meta(max_length=MOST_LISTED)] | Annotated[Queues, Meta(max_length=MOST_LISTED)]
    name: Text = ""


class WaitingForm(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One contact that waits."""

    queue: Name
    contact: Name
    entered_at: When
    caller: Text = ""
    caller_name: Text = ""


class SeenForm(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One person. ``since``: when the condition began."""

    agent: Name
    condition: AgentCondition
    queues: Annotated[list[str], Meta(max_length=MOST_LISTED)] | Annotated[Queues, Meta(max_length=MOST_LISTED)]
    name: Text = ""
    reason: Text = ""
    since: When | None = None


class Snapshot(Form, frozen=True, kw_only=True, tag="snapshot"):
    """The whole state of the queues named, as it was at ``at``. ``unwatched_since``: the sender knew nothing from then on."""

    queues: Annotated[list[Name], Meta(max_length=MOST_LISTED)]
    waiting: Annotated[list[WaitingForm], Meta(max_length=MOST_LISTED)]
    agents: Annotated[list[SeenForm], Meta(max_length=MOST_LISTED)]
    talking: Annotated[list[Name], Meta(max_length=MOST_LISTED)] | None = None
    unwatched_since: When | None = None


class Observed(Form, frozen=True, kw_only=True, tag="observed"):
    """What a system that knows no single contacts shows of a queue now. ``totals`` only grow until they are reset."""

    queue: Name
    waiting: Count | None = None
    longest_wait_ms: Ms | None = None
    agents: dict[AgentCondition, Count] | None = None
    totals: Counters = {}
    totals_since: When | None = None


class Interval(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type", tag="interval", forbid_unknown_fields=True
):
    """One queue's totals in one quarter of an hour; it replaces what was said of that quarter.

    ``at``: when the account was true, the quarter's end if left out. ``sole``: nothing else is pushed of this queue's contacts.
    """

    queue: Name
    start: When
    counters: Counters
    answered_waits: Waits = []
    abandoned_waits: Waits = []
    at: When | None = None
    sole: bool = False
    id: Text = ""


class FactForm(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type", forbid_unknown_fields=True):
    """What all business facts share. ``id`` makes it count once."""

    id: Name
    at: When
    queue: Name


class Survey(FactForm, frozen=True, kw_only=True, tag="survey"):
    """A caller's answer. ``top_box``: whether it counts as satisfied; left out, the source's settings decide."""

    score: Score
    top_box: bool | None = None


class Complaint(FactForm, frozen=True, kw_only=True, tag="complaint"):
    """Somebody complained."""


class Resolution(FactForm, frozen=True, kw_only=True, tag="resolution"):
    """Whether a contact's concern was resolved at the first contact."""

    first_contact: bool


class Quality(FactForm, frozen=True, kw_only=True, tag="quality"):
    """A quality score that a listener gave."""

    score: Score


class Ticket(FactForm, frozen=True, kw_only=True, tag="ticket"):
    """A ticket was opened or closed."""

    state: Literal["opened", "closed"]


class Ivr(FactForm, frozen=True, kw_only=True, tag="ivr"):
    """A call was in the IVR. ``contained``: it wanted no agent."""

    contained: bool


class Bot(FactForm, frozen=True, kw_only=True, tag="bot"):
    """A session with a bot. ``handed_over``: it went on with an agent."""

    handed_over: bool


DialOutcome = Literal["connected", "abandoned", "no_answer", "busy", "machine", "invalid", "failed", "other"]


class Dial(FactForm, frozen=True, kw_only=True, tag="dial"):
    """One attempt of a dialler. ``connected``: an agent talked; ``abandoned``: somebody answered and no agent was free.

    ``live_answered``: a person answered; left out, that is so for connected and abandoned.
    """

    outcome: DialOutcome
    live_answered: bool | None = None
    success: bool = False
    abandoned: bool | None = None


AnyForm = (
    Entered | Rang | RangNoAnswer | Answered | Held | Resumed | Completed | Abandoned | Left
    | AgentWord | AgentQueues | Snapshot | Observed | Interval
    | Survey | Complaint | Resolution | Quality | Ticket | Ivr | Bot | Dial
)  # fmt: skip

TYPES: dict[str, type] = {str(form.__struct_config__.tag): form for form in AnyForm.__args__}
"""Every form by the word in its ``type``."""


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """A batch by its long name."""

    events: list[AnyForm]


class Peek(msgspec.Struct):
    """Just enough to say which form was meant."""

    type: Any | UnsetType = UNSET


def schemas() -> dict[str, Any]:
    """The JSON Schemas by name; ``PushedBody`` is a whole body."""
    (_, events), parts = msgspec.json.schema_components(
        (Envelope, AnyForm), ref_template="#/components/schemas/Pushed{name}"
    )
    named = {f"Pushed{name}": schema for name, schema in parts.items()}
    named["PushedEvent"] = events
    one = {"$ref": "#/components/schemas/PushedEvent"}
    named["PushedEnvelope"]["properties"]["events"]["items"] = one
    named["PushedBody"] = {
        "description": "a batch, as an object with events or as a bare array, or one event",
        "anyOf": [{"$ref": "#/components/schemas/PushedEnvelope"}, {"type": "array", "items": one}, one],
    }
    return named
