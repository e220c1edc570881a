"""Who asks, and what that person or screen may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dashboard.access.view import Sight, View
from operations.projects.access import SEE_ALL, Grant
from operations.projects.contract import Project

Role = Literal["admin", "manager", "supervisor", "lead", "client", "screen"]

ALL = "*"
"""In a caller's projects: every project, also those that are configured later."""

ACTS: frozenset[str] = frozenset({"admin", "manager", "supervisor"})
"""Roles that may send a word upstream (an incident to a simulator, an acknowledgement)."""

EDITS: frozenset[str] = frozenset({"admin", "manager"})
"""Roles that may change what was promised to a client."""

SIGHT: dict[str, Sight] = {
    "admin": "whole",
    "manager": "whole",
    "supervisor": "whole",
    "lead": "whole",
    "client": "nameless",
    "screen": "masked",
}
"""By role. A lead calls back whom the queue lost; a screen hangs where everybody passes; a client learns numbers, not names."""


@dataclass(frozen=True)
class Caller:
    """A person, a screen, or whoever sits at the machine.

    ``projects`` holds ids, or ``ALL``. ``language``: the one that was chosen for this caller, "" for the project's or the
    site's. ``screen``: the id of the paired screen that asks, "" for everybody else; a person may sit at one. ``kpis``: of a
    client those that its entry names, None for those of each project's wall. ``session``: the id of the session by which a
    person is signed in, "" for every other way. ``until``: epoch ms at which an open feed has to ask again, None: never.
    """

    name: str
    role: Role
    projects: frozenset[str]
    language: str = ""
    screen: str = ""
    kpis: frozenset[str] | None = None
    session: str = ""
    until: int | None = None

    @classmethod
    def person(
        cls, name: str, grant: Grant, *, language: str = "", session: str = "", until: int | None = None
    ) -> Caller:
        """Somebody with what the configuration grants; an admin or manager without a list of projects sees all of them."""
        if grant.projects is None:
            projects = frozenset({ALL}) if grant.role in SEE_ALL else frozenset[str]()
        else:
            projects = frozenset(grant.projects)
        kpis = None if grant.kpis is None else frozenset(grant.kpis)
        return cls(name, grant.role, projects, language, kpis=kpis, session=session, until=until)

    @classmethod
    def local(cls, language: str = "") -> Caller:
        """Whoever reaches a server that listens on loopback alone and asks nobody to sign in."""
        return cls("", "admin", frozenset({ALL}), language)

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
    def may_edit(self) -> bool:
        """Whether this caller may change the targets of a project that it sees."""
        return self.role in EDITS

    @property
    def sight(self) -> Sight:
        """How much of people this caller may see."""
        return SIGHT[self.role]

    @property
    def sees_names(self) -> bool:
        """Whether agents' names may be shown to this caller."""
        return self.sight != "nameless"

    def view(self, project: Project) -> View:
        """What of a project's board, live or past, this caller sees."""
        if self.role != "client":
            return View(self.sight)
        return View(self.sight, frozenset(project.wall) if self.kpis is None else self.kpis)
