"""The contract between a collector and the supervisor that runs it.

A collector is a class with a ``kind``, a pydantic model of its ``Settings`` (one block under ``sources`` in the
configuration) and ``async def run(link)``. ``run`` connects, asks for the whole state, then speaks until the
link breaks; it returns only when cancelled and raises ``CollectorError`` for everything that ends a session. It never
retries by itself, never sleeps to back off and never logs an outage: all that is the supervisor's.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Protocol, get_args
from zoneinfo import ZoneInfo

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict

from collectors.events import AnyEvent

STALE_AFTER_MS = 15_000
"""An ACD that has been mute for longer than this no longer backs a live number, unless its settings say otherwise."""

FUTURE_MS = 60_000
"""An event further ahead of our clock than this is not believed."""


class CollectorError(Exception):
    """The session with the ACD ended. ``str(error)`` says what is wrong and what to do, without secrets.

    ``permanent``: trying again cannot help until somebody changes something (a wrong password).
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


Fact = Literal[
    "waiting",
    "longest_wait",
    "agents",
    "ringing_now",
    "wrap_up_now",
    "agent_names",
    "agent_time",
    "contacts",
    "waits",
    "in_time",
    "abandons",
    "flow_outs",
    "talk",
    "hold",
    "wrap",
    "ring",
    "transfers",
    "rang_no_answer",
    "surveys",
    "resolution",
    "complaints",
    "quality",
    "dialler",
    "ivr",
    "bot",
    "tickets",
]
"""What an ACD may be able to tell, in the floor's terms. A collector says in ``gives`` which of these its ACD does; what it leaves out is
shown as "not reported by this ACD" instead of as a zero.

* ``waiting``: how many contacts wait in each queue now. ``longest_wait``: since when the oldest of them does.
* ``agents``: how many people of each queue are in each condition now; ``ringing_now``, ``wrap_up_now``: and these two conditions are among
  those that it tells apart. ``agent_names``: who they are, each with condition and since when.
  ``agent_time``: enough to add up the time that people spend in each condition (single people, or running totals of it).
* ``contacts``: how many entered each queue and how many were answered. ``waits``: how long those who were answered had waited, each or at
  least in sum. ``in_time``: how many of them were answered within a threshold; who tells each wait tells that too. ``abandons``: how many hung up unanswered. ``flow_outs``: how many left unanswered for another reason, and for which.
* ``talk``, ``hold``, ``wrap``, ``ring``: how long each took. Talk that holds the time on hold is ``talk`` alone.
* ``transfers``: which contacts an agent passed on. ``rang_no_answer``: alerts that an agent let ring out.
* The rest is what ``events.Reported`` carries and an ACD rarely knows: ``surveys`` of callers, ``resolution`` at the first contact,
  ``complaints``, ``quality`` scores, what a ``dialler`` dialled, sessions of an ``ivr`` and of a ``bot``, ``tickets`` opened and closed.
"""

BUSINESS: frozenset[Fact] = frozenset(
    ("surveys", "resolution", "complaints", "quality", "dialler", "ivr", "bot", "tickets")
)
"""Facts that come from one system for all telephones of a project: an ACD beside it that does not tell them lacks nothing."""

FLOOR: frozenset[Fact] = frozenset(get_args(Fact)) - BUSINESS
"""Facts of the floor itself, which every ACD of a project has to tell before a sum over them is whole."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; use an IANA name such as Asia/Shanghai") from None
    return name


TimeZoneName = Annotated[str, AfterValidator(_known_zone)]
"""An IANA name that this machine knows."""


class SourceSettings(BaseModel):
    """What every source's block may say; a kind adds its own fields. Secrets are ``pydantic.SecretStr``."""

    # The text below a field is its description: errors and docs/configuration.md repeat it.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    kind: str


class Link(Protocol):
    """What the supervisor gives to a running collector."""

    source: str

    def now_ms(self) -> int:
        """The time, epoch milliseconds. The only clock a collector reads."""
        ...

    async def emit(self, events: list[AnyEvent]) -> None:
        """Append events to the log, in order. Waits when the log cannot keep up (bounded buffer)."""
        ...

    def heard(self) -> None:
        """The ACD gave a sign of life just now (any byte, an answered ping)."""
        ...

    def connected(self, detail: str = "") -> None:
        """The session is established and its state has been taken over: the source is up."""
        ...

    def pushed(self, heard_at: int | None, events: int, last_event_at: int | None) -> None:
        """What the source itself brought to the door (``collectors.door``), in another process of ours.

        ``heard_at``: when its last batch was accepted, epoch ms, None if never; ``events``: how many went into the log since this
        session's process began; ``last_event_at``: when the newest of them happened.
        """
        ...

    def note(self, **facts: Any) -> None:
        """Facts for the sources page: ``clock_skew_ms``, ``version``, ``received`` (messages), ``warning``,
        ``limited_until`` (epoch ms: the ACD answers no more questions before then)… A ``warning`` is a text, "" for none; each session
        begins without one.

        ``gives`` (a list of ``Fact``) takes the place of the kind's own: what this very ACD can tell, once that is known.
        """
        ...

    @property
    def unwatched_since(self) -> int | None:
        """When this source was last watched before this session, epoch ms; None if never."""
        ...

    async def recall(self, key: str) -> bytes | None:
        """What this source remembered under ``key`` in an earlier session or process; None: nothing.

        The memory is the Redis hash ``source:{SOURCE}:memory`` (``memory_key``), a field per key.
        """
        ...

    async def remember(self, key: str, value: bytes) -> None:
        """Keep a small value (a position in a file or a feed) for the next session and the next process.

        It is written only after every event emitted before this call is in the log, so that a process that
        dies between the two says some events again (harmless) and never leaves one out. Returns at once;
        of several values for one key only the last matters.
        """
        ...

    async def commands(self) -> dict[str, Any]:
        """Wait for the next word of a person to this source (a presenter's incident, say)."""
        ...


class Warnings:
    """What is wrong although a session stands, one word for each thing it is about: ``note(warning=…)`` alone knows only the last."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._said: dict[str, str] = {}

    def say(self, about: str, words: str) -> None:
        """``words`` "" takes back what was said about it."""
        self._said[about] = words
        self._link.note(warning="; ".join(said for said in self._said.values() if said))


def memory_key(source: str) -> str:
    """Where a source's memory lies (a hash); the braces keep it in the Redis Cluster slot of the source's stream."""
    return f"source:{{{source}}}:memory"


class Collector(Protocol):
    """One ACD system. Constructed without I/O; ``run`` is one session."""

    kind: ClassVar[str]
    Settings: ClassVar[type[SourceSettings]]
    gives: ClassVar[frozenset[Fact]]
    """What an ACD of this kind can tell; ``link.note(gives=[…])`` says it of one that turns out to tell less or more."""

    def __init__(self, source: str, settings: Any) -> None: ...

    async def run(self, link: Link) -> None: ...


class Status(msgspec.Struct, omit_defaults=False):
    """How the link to a source is; written by the supervisor each second, times in epoch ms.

    ``written_at`` tells a reader whether anybody still writes; ``last_word_at`` is the last sign of life from the
    ACD, ``last_event_at`` the last event that went into the log. ``error`` never holds a secret.
    """

    source: str
    kind: str
    state: Literal["up", "connecting", "down"]
    since: int
    written_at: int
    last_word_at: int | None = None
    last_event_at: int | None = None
    error: str = ""
    permanent: bool = False
    detail: str = ""
    events: int = 0
    """Events appended since this process began."""
    stale_after_ms: int | None = STALE_AFTER_MS
    """The source's word is old after so long; None: never, however long it is quiet."""
    facts: dict[str, Any] = {}
