"""Every Redis key below which operations and pages keep something, in one place; a sign of life (``role:…``) is its role's own.

Braces keep what one transaction touches in one cluster slot.
"""

from __future__ import annotations

from datetime import UTC, datetime

ROW = "\x1d"
"""Between the parts of a hash field."""


def floor_visits(source: str) -> str:
    return f"floor:{{{source}}}:visits"


def floor_agents(source: str) -> str:
    return f"floor:{{{source}}}:agents"


def floor_observed(source: str) -> str:
    return f"floor:{{{source}}}:observed"


def floor_told(source: str) -> str:
    return f"floor:{{{source}}}:told"


def floor_reports(source: str) -> str:
    return f"floor:{{{source}}}:reports"


def floor_meta(source: str) -> str:
    """Position in the event log and the floor's own clock."""
    return f"floor:{{{source}}}:meta"


def floor_queues(source: str) -> str:
    """Set of every queue that the source ever spoke of."""
    return f"floor:{{{source}}}:queues"


def minutes(source: str, at_ms: int) -> str:
    """Minute cells of one UTC hour."""
    return f"minutes:{{{source}}}:{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H}"


def quarters(source: str, at_ms: int) -> str:
    """Quarter-hour cells of one UTC day."""
    return f"quarters:{{{source}}}:{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%d}"


def day_sums(source: str, at_ms: int) -> str:
    """Sums of one UTC day by row, made of the quarters once the day is over; gone again when a quarter changes."""
    return f"days:{{{source}}}:{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%d}"


def revision(source: str) -> str:
    """Grows whenever a stored counter of the source changes: what a cached figure is keyed by."""
    return f"floor:{{{source}}}:revision"


def day_revisions(source: str) -> str:
    """Hash by UTC day (its number since 1970): grows whenever a stored quarter of that day changes, so the past stays cached."""
    return f"floor:{{{source}}}:day_revisions"


def board(project: str) -> str:
    return f"board:{{{project}}}"


def trends(project: str) -> str:
    return f"trends:{{{project}}}"


def people(project: str, day_ms: int) -> str:
    """A set: who was signed in on the project's day that begins at ``day_ms``."""
    return f"people:{{{project}}}:{day_ms // 60_000}"


def channel(project: str) -> str:
    return f"boards:{project}"


def alert_states(project: str) -> str:
    return f"alerts:{{{project}}}:states"


def alert_silences(project: str) -> str:
    return f"alerts:{{{project}}}:silences"


def alert_log(project: str) -> str:
    """Stream of every step of every alert, a year long; field ``entry`` holds JSON."""
    return f"alerts:{{{project}}}:log"


def words(project: str) -> str:
    """List of what people said to the project's alerts, until the engine has taken it."""
    return f"alerts:{{{project}}}:words"


def notify_groups(project: str) -> str:
    """Hash by route: what was told of the project, and the message that is on its way."""
    return f"notify:{{{project}}}:groups"


NOTIFY_ROUTES = "notify:routes"
"""Hash by address (``ROUTE[NUMBER]``): how the last sends went."""

WORDS_WAITING = "alerts:waiting"
"""Set of the projects that somebody spoke to."""

SESSIONS_SECRET = "sessions:secret"
"""What signs the sessions of people who are signed in; made once."""

SESSIONS_ENDED = "sessions:ended"
"""Sorted set of the sessions that were ended by signing out, until when each has to be remembered."""

EDITED_TARGETS = "{edits}:targets"
"""Hash by project: the edits of its targets, as ``operations.projects.edits`` encodes them."""

SCREENS_PAIRED = "{screens}:paired"
"""Hash by id: a paired screen as JSON."""

SCREENS_TOKENS = "{screens}:tokens"
"""Hash by id: the SHA-256 of the screen's token."""

SCREENS_SEEN = "{screens}:seen"
"""Hash by id: when and from where a screen was last heard, as JSON."""

SCREENS_REVISION = "{screens}:revision"
"""Another random word after every change of the screens or tokens: a count could be the same again after an older save was restored."""

SCREENS_CODES = "{screens}:codes"
"""Sorted set of the codes that are out, by when each ends."""


def screens_code(code: str) -> str:
    """Which device shows a code; gone when the code is used or over."""
    return f"{{screens}}:code:{code}"


def screens_device(device: str) -> str:
    """Where an unpaired device stands: its code, or the screen that it has become."""
    return f"{{screens}}:device:{device}"


def screens_asked(address: str) -> str:
    """How many codes an address has asked for lately."""
    return f"{{screens}}:asked:{address}"


BOARDS_CHECKED = "boards:checked"
ENGINE_METRICS = "engine:metrics"
