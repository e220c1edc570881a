"""What a page or a route may reach: the configuration, Redis, the clock and who is asking.

Pages get it with ``here()``; they never open a connection, read a clock or look past the caller's projects by
themselves, because everything that this module hands out has already been limited to what the caller may see.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from flask import Flask, current_app

from collectors import event_log
from dashboard.access.caller import Caller
from dashboard.access.passwords import Passwords
from dashboard.access.screens import Screens
from dashboard.access.sessions import Session, Sessions
from dashboard.i18n import Words, words
from dashboard.redis_gone import REDIS_GONE
from operations import sources
from operations.projects.configuration import Configuration
from operations.projects.contract import Project
from operations.store import boards, keys

Clock = Callable[[], int]
"""Returns the time in epoch milliseconds."""


class Watcher(Protocol):
    """The configuration as it is now (``operations.projects.watcher.ConfigurationWatcher``), kept so by the role."""

    current: Configuration
    errors: tuple[str, ...]


CHANNELS = keys.channel("*")
"""The pattern of all channels on which the engine publishes changes."""


def channel_project(name: bytes) -> str:
    """The project of a channel."""
    return name.decode("utf-8", "replace").removeprefix("boards:")


def visible(configuration: Configuration, caller: Caller) -> tuple[list[str], list[str]]:
    """The ids of the projects and of the sources that a caller may learn of: a source through a project that uses it."""
    projects = [project for project in configuration.projects if caller.may_see(project)]
    if caller.sees_all:
        return projects, list(configuration.sources)
    used = {source for project in projects for source in configuration.projects[project].sources}
    return projects, [source for source in configuration.sources if source in used]


caller_now: ContextVar[Caller | None] = ContextVar("caller_now", default=None)
"""Who asks; set by the gate for each request and carried into the thread that runs Flask."""


session_now: ContextVar[Session | None] = ContextVar("session_now", default=None)
"""The session by which the caller is signed in, if it is by one; set by the gate."""


@dataclass(frozen=True)
class Account:
    """What a page's head says of the reader. ``name``: "" where nobody signs in; ``token``: proves a form to be ours."""

    name: str
    role: str
    language: str
    token: str
    signed_in: bool
    sees_names: bool


@dataclass(frozen=True)
class Context:
    """One process's view of the world. ``redis`` is a synchronous client (bytes); ``cache`` is Flask-Caching's; ``screens``: who is paired; ``sessions`` and
    ``passwords``: who is signed in, and who may.
    """

    watcher: Watcher
    redis: Any
    clock: Clock
    cache: Any = None
    screens: Screens = field(default_factory=Screens)
    sessions: Sessions = field(default_factory=Sessions)
    passwords: Passwords = field(default_factory=Passwords)

    @property
    def now_ms(self) -> int:
        return self.clock()

    @property
    def caller(self) -> Caller:
        """Who asks. Outside of a request nobody does, and nobody may see anything."""
        return caller_now.get() or Caller.nobody()

    def words(self, project: Project | None = None) -> Words:
        """The texts of whatever a page shows, in the language of the person, else of the screen, the project, the site.

        There is no other place that chooses.
        """
        caller, configuration = self.caller, self.watcher.current
        screen = self.screens.screen(configuration.access, caller.screen) if caller.screen else None
        told = caller.language or (screen.language if screen else "")
        return words(told or (project.language if project else configuration.site.language))

    @property
    def account(self) -> Account:
        """Who reads, for the head of the page."""
        caller, session = self.caller, session_now.get()
        named = "" if caller.role == "screen" else caller.name
        token = session.token if session else ""
        return Account(named, caller.role, self.words().language, token, session is not None, caller.sees_names)

    def projects(self) -> dict[str, Project]:
        """The configured projects that the caller may see, by id."""
        configuration = self.watcher.current
        return {key: configuration.projects[key] for key in visible(configuration, self.caller)[0]}

    def project(self, project: str) -> Project | None:
        """One project's configuration; None when there is none or the caller may not see it."""
        return self.projects().get(project)

    def board(self, project: str) -> dict[str, Any] | None:
        """A project's board as a dict, as the caller may see it; None: no such project, no board yet, or Redis is away.

        A page without numbers is worth drawing: its script fills them in, and says what is missing.
        """
        configured = self.project(project)
        if configured is None:
            return None
        try:
            raw = boards.read(self.redis, project)
        except REDIS_GONE:
            return None
        if raw is None:
            return None
        board: dict[str, Any] = msgspec.json.decode(raw)
        return self.caller.view(configured).redact(board)

    def sources(self) -> dict[str, sources.SourceView]:
        """How the links to the sources are, for those that the caller's projects use (all, for who sees all)."""
        configuration = self.watcher.current
        configured, wanted = configuration.sources, visible(configuration, self.caller)[1]
        if not wanted:
            return {}
        pipe = self.redis.pipeline(transaction=False)
        for source in wanted:
            pipe.get(event_log.status_key(source))
        try:
            raws = pipe.execute()
        except REDIS_GONE:
            raws = [None] * len(wanted)
        return {
            source: sources.judge(sources.parse(raw), self.now_ms, configured[source].kind)
            for source, raw in zip(wanted, raws, strict=True)
        }


def attach(server: Flask, context: Context) -> None:
    """Make ``context`` what ``here()`` returns inside this Flask application."""
    server.extensions["floorlight"] = context


def here() -> Context:
    """The context of the running application; for layouts and callbacks."""
    context: Context = current_app.extensions["floorlight"]
    return context
