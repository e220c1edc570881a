"""What one route knows of one project: the group. One message tells of everything that breaks in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from operations.texts import Said

LEVELS = {"warning": 1, "critical": 2}

Kind = Literal["new", "repeat", "ended"]


class Answer(msgspec.Struct, frozen=True):
    """Who acknowledged an alert."""

    by: str = ""
    note: str = ""


class Alert(msgspec.Struct, frozen=True):
    """An alert as the board shows it; what is left out here is not needed to tell of it. ``since``, ``fired_at``: ISO 8601."""

    episode: str
    level: str
    since: str
    fired_at: str
    id: str = ""
    state: str = "firing"
    kpi: str = ""
    label: str = ""
    value: float | None = None
    target: float | None = None
    reason: str = ""
    said: Said | str | None = None
    """The reason before it was put into words; None on a board of an older engine."""
    acked: Answer | None = None
    silenced: Any = None
    inhibited: str = ""

    @property
    def rank(self) -> int:
        """1 warning, 2 critical."""
        return LEVELS.get(self.level, 0)

    @property
    def quiet(self) -> bool:
        """Whether it calls nobody: silenced, under maintenance, or nothing can be known of it."""
        return bool(self.silenced) or bool(self.inhibited) or self.state != "firing"

    @property
    def fired_ms(self) -> int:
        return round(datetime.fromisoformat(self.fired_at).timestamp() * 1000)


class Told(msgspec.Struct, omit_defaults=True):
    """An alert as the people of a route know it. ``quiet``: it called nobody any more when it was last seen."""

    level: int
    label: str = ""
    since: str = ""
    quiet: bool = False


class Notice(msgspec.Struct, omit_defaults=True):
    """A message on its way. ``left``: numbers of the addresses that it has yet to reach; ``sending``: those of them whose outcome is not known.

    ``again``: those that it may have reached before this process took over. ``reached``: whether it arrived anywhere.
    """

    id: str
    at: int
    kind: Kind
    level: int
    subject: str
    body: str
    episodes: list[str]
    left: list[int]
    sending: list[int] = []
    again: list[int] = []
    reached: bool = False
    language: str = "en"
    log_language: str = ""
    """The project's, in which its alert log speaks; "" in what an older version saved."""


class Group(msgspec.Struct, omit_defaults=True):
    """Where one project stands with one route. Times in epoch ms.

    ``told``: by episode, what the people know of or are about to be told (``notice``). ``fresh_at``: since when something waits to be told.
    ``unanswered``: by episode, since when nobody answers; kept for escalation steps only. ``unheard``: the last message reached nobody.
    """

    told: dict[str, Told] = {}
    fresh_at: int | None = None
    told_at: int | None = None
    unanswered: dict[str, int] = {}
    notice: Notice | None = None
    unheard: bool = False

    @property
    def idle(self) -> bool:
        """Nothing that need be kept."""
        return not (self.told or self.unanswered or self.notice or self.fresh_at)
