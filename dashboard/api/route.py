"""What a route is, and how a request finds one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dashboard.access.caller import Caller
from dashboard.access.screens import Screens
from dashboard.asgi import Answer, Problem, Request, Stream
from dashboard.context import Clock, Watcher, visible
from dashboard.push.heartbeat import Heart
from dashboard.push.hub import Hub
from dashboard.push.reader import Reader

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Web:
    """What the native routes work with. ``redis`` is asynchronous, ``redis_sync`` for code that runs in a thread."""

    watcher: Watcher
    redis: Any
    redis_sync: Any
    hub: Hub
    heart: Heart
    reader: Reader
    clock: Clock
    screens: Screens


Handler = Callable[[Web, Request, Caller], Awaitable[Answer | Stream]]


@dataclass(frozen=True)
class Parameter:
    """One parameter of the query or a header, for the document."""

    name: str
    description: str
    schema: Schema
    required: bool = False
    where: str = "query"


@dataclass(frozen=True)
class Reply:
    """One possible answer: content type → schema."""

    description: str
    content: Mapping[str, Schema]


@dataclass(frozen=True)
class Route:
    """One row.

    A ``{project}``, ``{source}`` or ``{screen}`` in ``path`` is checked before the handler runs (``check_path``), so no route can
    forget to. ``problems``: the statuses that the handler raises. ``open``: asks for no credentials.
    ``door``: asks for a source's credentials, and not for a person's; its handler finds the source and checks them.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    replies: Mapping[int, Reply]
    parameters: Sequence[Parameter] = ()
    problems: Sequence[int] = ()
    body: Schema | None = None
    open: bool = False
    tag: str = "api"
    door: bool = False

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.split("/"))

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The values of the path's ``{names}``; None when the path is another."""
        if len(segments) != len(self.parts):
            return None
        values = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part.startswith("{"):
                values[part[1:-1]] = segment
            elif part != segment:
                return None
        return values


class Router:
    """Finds the row for a request. ``owns``: the beginnings of paths that never fall through to the pages."""

    def __init__(self, routes: Sequence[Route], owns: Sequence[str]) -> None:
        self._routes = tuple(routes)
        self._owns = tuple(owns)

    def find(self, request: Request) -> Route | None:
        """The row; None when the path belongs to the pages. Raises ``Problem`` 404 or 405.

        Leaves the path's values in ``request.path_values``.
        """
        allowed = []
        for route in self._routes:
            values = route.match(request.segments)
            if values is None:
                continue
            if request.method == route.method or (request.method == "HEAD" and route.method == "GET"):
                request.path_values = values
                return route
            allowed += [route.method, "HEAD"] if route.method == "GET" else [route.method]
        if allowed:
            allow = ", ".join(allowed)
            raise Problem(405, "method", f"this address answers {allow}", [("Allow", allow)])
        if ("/" + "/".join(request.segments[1:])).startswith(self._owns):
            raise Problem(404, "no_such_address", "there is nothing here; /api/v1/openapi.json lists what there is")
        return None


def check_path(web: Web, request: Request, caller: Caller) -> None:
    """Raises ``Problem`` 404 unless ``caller`` may see the project, source or screen that the path names, if it names one.

    One answer for what does not exist and for what the caller may not see.
    """
    named = request.path_values
    projects, sources = visible(web.watcher.current, caller)
    if "project" in named and named["project"] not in projects:
        raise Problem(
            404, "unknown_project", "there is no such project; GET /api/v1/projects lists those that you may see"
        )
    if "source" in named and named["source"] not in sources:
        raise Problem(
            404, "unknown_source", "there is no such source; GET /api/v1/sources lists those that you may see"
        )
    if "screen" in named:
        screen = web.screens.screen(web.watcher.current.access, named["screen"])
        if screen is None or not all(caller.may_see(project) for project in screen.projects):
            raise Problem(
                404, "unknown_screen", "there is no such screen; GET /api/v1/screens lists those that you may see"
            )
