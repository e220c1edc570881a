"""Who asks, and what that person or screen may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Role = Literal["admin", "manager", "supervisor", "lead", "client", "screen"]

ALL = "*"
"""In a caller's projects: every project, also those that are configured later."""

ACTS: frozenset[str] = frozenset({"admin", "manager", "supervisor"})
"""Roles that may send a word upstream (an incident to a simulator, later an acknowledgement)."""

Sight = Literal["whole", "masked", "nameless"]
"""How much of the people on a board somebody sees: everything; no caller's number but its last digits; nobody at all."""

SIGHT: dict[str, Sight] = {
    "admin": "whole",
    "manager": "whole",
    "supervisor": "whole",
    "lead": "whole",
    "client": "nameless",
    "screen": "masked",
}
"""By role. A lead calls back whom the queue lost; a screen hangs where everybody passes; a client learns numbers, not names."""

SHOWN_DIGITS = 3
"""Of a masked number."""


@dataclass(frozen=True)
class Caller:
    """A person, a screen, or whoever sits at the machine. ``projects`` holds ids, or ``ALL``.

    ``language``: the one that was chosen for this caller, "" for the project's or the site's. ``screen``: the id of the
    paired screen that asks, "" for everybody else; a person may sit at one.
    """

    name: str
    role: Role
    projects: frozenset[str]
    language: str = ""
    screen: str = ""

    @classmethod
    def local(cls) -> Caller:
        """Whoever reaches a server that listens on loopback alone and asks nobody to sign in."""
        return cls("", "admin", frozenset({ALL}))

    @classmethod
    def nobody(cls) -> Caller:
        """Somebody who may see nothing."""
        return cls("", "screen", frozenset())

    @property
    def sees_all(self) -> bool:
        return ALL in self.projects

    def may_see(self, project: str) -> bool:
        """Whether this caller may learn anything about a project, its existence included."""
        return self.sees_all or project in self.projects

    @property
    def may_act(self) -> bool:
        return self.role in ACTS

    @property
    def sight(self) -> Sight:
        """How much of people this caller may see."""
        return SIGHT[self.role]

    @property
    def sees_names(self) -> bool:
        """Whether agents' names may be shown to this caller."""
        return self.sight != "nameless"

    def redact(self, board: dict[str, Any]) -> dict[str, Any]:
        """A board or a change without what this caller may not see; the argument stays as it is."""
        return REDACTED[self.sight](board)


def whole(board: dict[str, Any]) -> dict[str, Any]:
    """A board as it is."""
    return board


def without_names(board: dict[str, Any]) -> dict[str, Any]:
    """A board, or a change of one, in which neither an agent nor a caller appears; numbers about them stay."""
    hidden: dict[str, list[Any]] = {key: [] for key in ("agents", "lost") if key in board}
    if "waiting" in board:
        hidden["waiting"] = [
            {key: value for key, value in row.items() if key not in ("caller", "caller_name")}
            for row in _rows(board["waiting"])
        ]
    if "alerts" in board:
        hidden["alerts"] = [_unsigned(row) for row in _rows(board["alerts"])]
    return {key: value for key, value in board.items() if key not in ("agents_gone", "lost_gone")} | hidden


def _unsigned(alert: dict[str, Any]) -> dict[str, Any]:
    """An alert that tells that it was answered or silenced, but neither by whom nor what people told each other."""
    hidden = {"by": "", "note": "", "why": ""}
    said = {name: alert[name] for name in ("acked", "silenced") if alert.get(name)}
    return alert | {name: {key: hidden.get(key, value) for key, value in row.items()} for name, row in said.items()}


def with_masked_callers(board: dict[str, Any]) -> dict[str, Any]:
    """A board, or a change of one, in which no caller can be told by name or number."""
    masked = dict(board)
    for key in ("waiting", "lost"):
        if key in board:
            masked[key] = [
                {**row, "caller": mask(row.get("caller", "")), "caller_name": ""} for row in _rows(board[key])
            ]
    return masked


REDACTED: dict[Sight, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "whole": whole,
    "masked": with_masked_callers,
    "nameless": without_names,
}


def mask(caller: str) -> str:
    """The last digits of a number, as a person reads them out to be sure that it is the same one; nothing of a name."""
    if not caller:
        return ""
    digits = [sign for sign in caller if sign.isdigit()]
    shown = "".join(digits[-SHOWN_DIGITS:]) if len(digits) > 2 * SHOWN_DIGITS else ""
    return f"{MASK} {shown}".rstrip()


MASK = "•••••"


def _rows(value: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
    return rows
