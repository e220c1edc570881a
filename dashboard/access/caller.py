"""Who asks, and what that person or screen may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["admin", "manager", "supervisor", "lead", "client", "screen"]

ALL = "*"
"""In a caller's projects: every project, also those that are configured later."""

ACTS: frozenset[str] = frozenset({"admin", "manager", "supervisor"})
"""Roles that may send a word upstream (an incident to a simulator, later an acknowledgement)."""

NAMES_HIDDEN_FROM: frozenset[str] = frozenset({"client"})
"""Roles that never learn which agent did what."""


@dataclass(frozen=True)
class Caller:
    """A person, a screen, or whoever sits at the machine. ``projects`` holds ids, or ``ALL``."""

    name: str
    role: Role
    projects: frozenset[str]

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
    def sees_names(self) -> bool:
        """Whether agents' names may be shown to this caller."""
        return self.role not in NAMES_HIDDEN_FROM

    def redact(self, board: dict[str, Any]) -> dict[str, Any]:
        """A board or a change without what this caller may not see; the argument stays as it is."""
        return board if self.sees_names else without_names(board)


def without_names(board: dict[str, Any]) -> dict[str, Any]:
    """A board, or a change of one, in which no agent appears; numbers about agents stay."""
    return {key: ([] if key == "agents" else value) for key, value in board.items() if key != "agents_gone"}
