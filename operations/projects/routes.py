"""Who is told of alerts: the block ``notify`` as the file writes it, and its reading into routes."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator

from operations.projects.contract import Count, Duration
from operations.projects.faults import Faults, Path, at, shown
from operations.projects.nearest import did_you_mean
from operations.projects.opening_hours import OpeningHours
from operations.projects.opening_rules import hours, read_opening
from operations.projects.project_block import Language, Site, known_zone
from operations.projects.text import id_fault
from operations.projects.wording import validate

Level = Literal["warning", "critical"]
LEVELS: tuple[Level, ...] = get_args(Level)
MOST_ROUTES = 200
MOST_URLS = 20
LONGEST_URL = 4_000
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S(.*\S)?")
URL_EXAMPLE = "write an Apprise URL, such as mailtos://USER:PASSWORD@mail.example.com?to=lead@example.com"


def _is_url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if len(text) > LONGEST_URL:
        raise ValueError(f"has {len(text):,} characters; an address has at most {LONGEST_URL:,}")
    if not _URL.fullmatch(text) or not text.isprintable():
        raise ValueError(f"is not the address of a service; {URL_EXAMPLE}")
    return url


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NotifyBlock(_Closed):
    """The whole section."""

    routes: Any = Field(None, description="one block for each way to tell somebody, by an id of its own")


class RouteBlock(_Closed):
    """One way to tell somebody of alerts, as the file writes it."""

    urls: tuple[Annotated[SecretStr, AfterValidator(_is_url)], ...] = Field(
        description="a list of addresses as Apprise writes them; each gets every message of the route"
    )
    projects: tuple[str, ...] | None = Field(None, description="a list of projects; all when absent")
    levels: tuple[Level, ...] = Field(LEVELS, description="a list of levels: warning, critical, or both")
    hours: Any = Field(
        None, description="when messages may go out, written like a project's `open`; always when absent"
    )
    quiet: Any = Field(None, description='hours of each day in which nothing goes out, such as "22:00-07:00"')
    time_zone: str | None = Field(None, description="the zone of `hours` and `quiet`; the site's when absent")
    group_wait: Duration = Field(
        30, ge=0, le=3600, description="how long a new alert waits for others, so that one message tells of all"
    )
    repeat: Duration = Field(
        4 * 3600, description="after this time an alert that nobody acknowledged is told again; 0: never"
    )
    after_min: Count = Field(
        0, ge=0, le=1440, description="an escalation: only alerts that nobody has acknowledged for so many minutes"
    )
    resolved: bool = Field(True, description="whether a message tells when it is over")
    language: Language | None = Field(
        None, description="the language of its messages: en, zh-Hans or zh-Hant; the project's own when absent"
    )

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        return None if name is None else known_zone(name)

    @field_validator("urls")
    @classmethod
    def _somebody(cls, urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not 1 <= len(urls) <= MOST_URLS:
            raise ValueError(f"lists {len(urls) or 'nobody'}; give 1 to {MOST_URLS} addresses")
        return urls

    @field_validator("levels")
    @classmethod
    def _some(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        if not levels:
            raise ValueError("is an empty list; name warning, critical or both, or leave levels out")
        return levels

    @field_validator("projects")
    @classmethod
    def _named(cls, projects: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if projects == ():
            raise ValueError("is an empty list; name the projects, or leave projects out for all")
        return projects

    @field_validator("repeat")
    @classmethod
    def _bearable(cls, repeat: float) -> float:
        if 0 < repeat < 60:
            raise ValueError("is too often; give at least 1m, or 0 for never")
        return repeat


class Route(_Closed):
    """One way to tell somebody. ``projects`` None: all. Durations in ms; ``repeat_ms`` 0: never. ``quiet`` None: no quiet hours."""

    name: str
    urls: tuple[SecretStr, ...]
    projects: tuple[str, ...] | None = None
    levels: tuple[Level, ...] = LEVELS
    hours: OpeningHours
    quiet: OpeningHours | None = None
    group_wait_ms: int = 30_000
    repeat_ms: int = 4 * 3_600_000
    after_ms: int = 0
    resolved: bool = True
    language: str = ""
    """"" for the project's own."""

    def covers(self, project: str) -> bool:
        """Whether it tells of a project's alerts."""
        return self.projects is None or project in self.projects

    def may_speak(self, at_ms: int) -> tuple[bool, int | None]:
        """Whether messages may go out at an instant, and when (epoch ms) to look again if they may not; None: no such time is known."""
        open_ = self.hours.state(at_ms)
        if not open_.open:
            return False, open_.next_ms
        if self.quiet is not None:
            quiet = self.quiet.state(at_ms)
            if quiet.open:
                return False, quiet.until_ms
        return True, None

    def print_of(self, number: int) -> str:
        """A short hash of one address: tells whether it is another one than before without telling it."""
        return hashlib.sha256(self.urls[number].get_secret_value().encode()).hexdigest()[:12]


def read_notify(tree: object, raw: object, site: Site, projects: list[str], faults: Faults) -> dict[str, Route]:
    """The routes of a file by their ids, in order. ``projects``: the ids that the file has. Addresses are never repeated in a fault."""
    if tree is None:
        return {}
    path: Path = ("notify",)
    if validate(NotifyBlock, tree, path, faults, raw=None, quote=False) is None and not isinstance(tree, dict):
        return {}
    block = at(tree, ("routes",))
    if not isinstance(block, dict) or not block:
        faults.add(
            (*path, "routes"),
            "names nobody" if not block else "is not a mapping",
            "write an id for each route, and its urls below it",
        )
        return {}
    if len(block) > MOST_ROUTES:
        faults.add((*path, "routes"), f"has {len(block)} routes", f"at most {MOST_ROUTES}")
        return {}
    found = {}
    for name, settings in block.items():
        place = (*path, "routes", name)
        fault = id_fault(name)
        if fault:
            faults.add(place, *fault)
        route = _route(name, settings, at(raw, ("routes", name)), site, projects, place, faults)
        if route is not None:
            found[name] = route
    return found


def _route(
    name: str, tree: object, raw: object, site: Site, projects: list[str], path: Path, faults: Faults
) -> Route | None:
    block = validate(RouteBlock, tree, path, faults, raw=raw)
    if not isinstance(tree, dict):
        return None
    listed = tree.get("projects")
    for number, project in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(project, str) and project not in projects:
            faults.add(
                (*path, "projects", number), f"there is no project {shown(project)}", did_you_mean(project, projects)
            )
    zone = (block.time_zone if block else None) or site.time_zone
    opening = read_opening(tree.get("hours"), zone, (*path, "hours"), faults)
    quiet = _quiet(tree.get("quiet"), zone, (*path, "quiet"), faults)
    if block is None:
        return None
    return Route(
        name=name,
        urls=block.urls,
        projects=block.projects,
        levels=block.levels,
        hours=opening,
        quiet=quiet,
        group_wait_ms=round(block.group_wait * 1000),
        repeat_ms=round(block.repeat * 1000),
        after_ms=block.after_min * 60_000,
        resolved=block.resolved,
        language=block.language or "",
    )


def _quiet(raw: object, zone: str, path: Path, faults: Faults) -> OpeningHours | None:
    if raw is None:
        return None
    try:
        ranges = hours(raw)
    except ValueError as error:
        faults.add_sentence(path, str(error).replace("opening hours", "hours of a day"))
        return None
    if not ranges:
        return None
    if sum(end - start for start, end in ranges) >= 24 * 60:
        faults.add(
            path, "lasts the whole day, so nobody would ever be told", 'write a part of the day, such as "22:00-07:00"'
        )
        return None
    return OpeningHours(zone=zone, week=(ranges,) * 7)
