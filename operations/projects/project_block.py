"""The blocks ``site`` and ``projects`` of the file, as models of what a person writes, and their reading into a ``Project``."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from operations.kpis.catalogue import CATALOGUE, DEFAULT_WALL
from operations.projects.contract import Block, Limits, Project, ServiceLevel, Target, WholeSeconds
from operations.projects.faults import Faults, Path, at, shorten, shown
from operations.projects.maintenance import read_maintenance
from operations.projects.nearest import did_you_mean, nearest
from operations.projects.opening_rules import read_opening
from operations.projects.text import MaybeName, Name, QueueName
from operations.projects.wording import validate

Language = Literal["en", "zh-Hans", "zh-Hant"]
IntervalMin = Literal[15, 30]
LARGEST_WALL = 12
UNLISTED = dict.fromkeys(("beijing", "shenzhen", "guangzhou", "china", "cst"), "Asia/Shanghai")
"""What people write for a zone that is named after another city."""
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
T = TypeVar("T")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


def known_zone(name: str) -> str:
    """An IANA name as it is. Raises ``ValueError`` (wrong; right) for anything else."""
    if name in _zones():
        return name
    match = None if any(char in "+-0123456789" for char in name) else _near_zone(name)
    advice = f"did you mean {match}?" if match else "use an IANA name such as Asia/Shanghai"
    raise ValueError(f"there is no time zone {shown(name)}; {advice}")


def _near_zone(name: str) -> str | None:
    """By the whole name, else by the city alone."""
    cities = {
        zone.rpartition("/")[2]: zone
        for zone in sorted(_zones(), key=lambda zone: (zone.count("/"), zone), reverse=True)
    }
    city = name.rpartition("/")[2].strip().replace(" ", "_")
    if city.lower() in UNLISTED:
        return UNLISTED[city.lower()]
    return nearest(name, _zones()) or cities.get(nearest(city, cities, 0.8) or "")


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Site(_Block):
    """What holds for the whole installation, unless a project says otherwise."""

    name: Name = Field("Floorlight", description="a name for the head of every page")
    time_zone: str = Field("UTC", description="an IANA time zone in which days, intervals and opening hours are cut")
    language: Language = Field("en", description="the language of the pages: en, zh-Hans or zh-Hant")
    interval_min: IntervalMin = Field(30, description="the length of an interval in minutes: 15 or 30")
    url: str = Field(
        "",
        max_length=300,
        description="the address at which people open the pages; for the links in messages, the page of pairing and the sign-in service",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return known_zone(name)

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        if url and not (_URL.fullmatch(url) and url.isprintable()):
            raise ValueError(f"{shown(url)} is not the address of a page; write https://wallboard.example.com")
        return url.rstrip("/")


class ProjectBlock(_Block):
    """One client campaign as the file writes it. ``open``, the contract's parts and ``wall`` are read piece by piece."""

    name: Name | None = Field(None, description="a name for people; the id when absent")
    client: MaybeName = Field("", description="the client's name")
    starts: dt.date | None = Field(None, description="the first day, from which project to date counts")
    ends: dt.date | None = Field(None, description="the last day")
    queues: list[QueueName] = Field(
        default_factory=list, description="a list of queues, each SOURCE/QUEUE; a queue's name may hold further slashes"
    )
    open: Any = Field(None, description="opening hours; absent: always open")
    service_level: Any = Field(None, description="how the service level is counted; default 20 s, miss")
    short_abandon_s: Any = Field(0, description="abandons shorter than this many seconds count as short; 0: none do")
    targets: Any = Field(None, description="a list of goals and limits, see below")
    wall: list[str] | None = Field(None, description=f"a list of the KPIs on the wall page, at most {LARGEST_WALL}")
    time_zone: str | None = Field(None, description="the project's own time zone; the site's when absent")
    language: Language | None = Field(None, description="the project's own language; the site's when absent")
    interval_min: IntervalMin | None = Field(None, description="the project's own interval; the site's when absent")
    limits: Limits | None = Field(None, description="from when on a person's state stands out, see below")
    maintenance: Any = Field(None, description="a list of planned stretches in which no alert calls anybody, see below")

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        return None if name is None else known_zone(name)


def read_project(key: str, tree: object, raw: object, site: Site, path: Path, faults: Faults) -> Project | None:
    """The project in a block, or None and its faults. Whether its queues' sources are there is the caller's to see."""
    block = validate(ProjectBlock, tree, path, faults, raw=raw)
    if not isinstance(tree, dict):
        return None
    zone = (block.time_zone if block else None) or site.time_zone
    opening = read_opening(tree.get("open"), zone, (*path, "open"), faults)
    maintenance = read_maintenance(
        tree.get("maintenance"), zone, (*path, "maintenance"), faults, plain=at(raw, ("maintenance",))
    )
    service_level = _stages(
        tree.get("service_level"),
        (*path, "service_level"),
        faults,
        _inline(ServiceLevel, raw),
        ServiceLevel(within_s=20),
    )
    short = _stages(
        tree.get("short_abandon_s"), (*path, "short_abandon_s"), faults, _named("short_abandon_s", _whole_seconds), 0
    )
    targets = _targets(tree.get("targets"), raw, path, faults)
    _check_wall(tree.get("wall"), (*path, "wall"), faults)
    queues = tree.get("queues")
    _check_queues(queues if isinstance(queues, list) else [], targets, path, faults)
    if block is None:
        return None
    if block.starts and block.ends and block.ends < block.starts:
        faults.add(
            (*path, "ends"),
            f"{block.ends} lies before starts {block.starts}",
            "a project ends on or after the day on which it starts",
        )
    if faults:
        return None
    return Project(
        id=key,
        name=block.name or key,
        client=block.client,
        starts=block.starts,
        ends=block.ends,
        queues=tuple(block.queues),
        time_zone=zone,
        interval_min=block.interval_min or site.interval_min,
        language=block.language or site.language,
        opening=opening,
        wall=tuple(block.wall) if block.wall else DEFAULT_WALL,
        targets=tuple(Block(since=since, value=tuple(t for _, t in stage)) for since, stage in targets),
        service_level=tuple(Block(since=since, value=value) for since, value in service_level),
        short_abandon_s=tuple(Block(since=since, value=value) for since, value in short),
        limits=block.limits or Limits(),
        maintenance=maintenance,
    )


# ── A contract that changes: one value, or a list of blocks with ``from`` ─────────────────────────────

Stage = tuple[dt.date | None, T]
Reader = Callable[[Any, Path, Faults], "T | None"]


def _stages(value: Any, path: Path, faults: Faults, read: Reader[T], default: T) -> list[Stage[T]]:
    """The blocks of one part of a contract, in order."""
    if value is None:
        return [(None, default)]
    if not isinstance(value, list):
        one = read({path[-1]: value} if not isinstance(value, dict) else value, path, faults)
        return [(None, default if one is None else one)]
    found: list[Stage[T]] = []
    latest: dt.date | None = None
    for number, entry in enumerate(value):
        place = (*path, number)
        if not isinstance(entry, dict):
            faults.add(place, f"{shown(entry)} is not a block", "a list here holds blocks, each with from: DATE")
            continue
        since, ok = _since(entry, number, latest, place, faults)
        latest = since or latest
        content = {name: each for name, each in entry.items() if name != "from"}
        one = read(content, place, faults)
        if one is not None and ok:
            found.append((since, one))
    if not value:
        faults.add(path, "is an empty list", "leave it out, or write a block with from: DATE")
    return found or [(None, default)]


def _since(
    entry: dict[str, Any], number: int, latest: dt.date | None, path: Path, faults: Faults
) -> tuple[dt.date | None, bool]:
    given = entry.get("from")
    if given is None:
        if number:
            faults.add(
                (*path, "from"),
                "is missing",
                "say from which day on this block holds, as from: 2026-12-31; only the first block may begin openly",
            )
        return None, number == 0
    try:
        since = TypeAdapter(dt.date).validate_python(given)
    except ValidationError:
        faults.add((*path, "from"), f"{shown(given)} is not a day", "write a date as 2026-12-31")
        return None, False
    if latest is not None and since <= latest:
        faults.add(
            (*path, "from"),
            f"{since} does not lie after the block before, {latest}",
            "put the blocks in order of their days",
        )
        return since, False
    return since, True


def _inline(model: type[ServiceLevel], raw: object) -> Reader[ServiceLevel]:
    def read(content: Any, path: Path, faults: Faults) -> ServiceLevel | None:
        return validate(model, content, path, faults, raw=at(raw, path[2:]))

    return read


def _named(name: str, read_value: Reader[T]) -> Reader[T]:
    """A block holds its one value under the name of the whole."""

    def read(content: Any, path: Path, faults: Faults) -> T | None:
        inner = path if path[-1] == name else (*path, name)
        for key in content:
            if key != name:
                faults.add((*path, key), "unknown key", did_you_mean(key, (name, "from")))
        if name not in content:
            faults.add(inner, "is missing", "a block holds from and this")
            return None
        return read_value(content[name], inner, faults)

    return read


def _whole_seconds(value: Any, path: Path, faults: Faults) -> int | None:
    try:
        return TypeAdapter(Annotated[WholeSeconds, Field(ge=0, le=3600)]).validate_python(value)
    except ValidationError:
        faults.add(path, f"{shown(value)} is not possible", "give whole seconds from 0 to 3600")
        return None


# ── Targets ───────────────────────────────────────────────────────────────────────────────────────────

Placed = list[tuple[Path, Target]]


def _targets(value: Any, raw: object, path: Path, faults: Faults) -> list[Stage[Placed]]:
    place = (*path, "targets")

    def read_list(entries: Any, where: Path, faults: Faults) -> Placed | None:
        return read_targets(entries, where, faults, raw=raw)

    dated = isinstance(value, list) and any(
        isinstance(entry, dict) and ("from" in entry or "targets" in entry) for entry in value
    )
    if dated:
        return _stages(value, place, faults, _named("targets", read_list), [])
    return [(None, (read_list(value, place, faults) or []) if value is not None else [])]


def read_targets(entries: Any, where: Path, faults: Faults, *, raw: object = None) -> Placed:
    """A list of targets as a person writes them, each with its place; what is wrong goes to ``faults``."""
    if not isinstance(entries, list):
        faults.add(where, f"{shown(entries)} is not a list", "write a list of targets, each {kpi: …, goal: …}")
        return []
    found: Placed = []
    for number, entry in enumerate(entries):
        here = (*where, number)
        target = validate(Target, entry, here, faults, raw=at(raw, here[2:]) if raw is not None else None)
        if target is not None and all(limit is None for limit in (target.goal, target.warning, target.critical)):
            faults.add(here, "sets no limit", "give a goal, a warning or a critical limit")
        elif target is not None:
            found.append((here, target))
    return found


def _check_queues(queues: list[Any], stages: list[Stage[Placed]], path: Path, faults: Faults) -> None:
    first: dict[Any, int] = {}
    for number, queue in enumerate(queues):
        if isinstance(queue, str) and first.setdefault(queue, number) != number:
            faults.add(
                (*path, "queues", number), f"{shown(queue)} is queues[{first[queue]}] too", "name each queue once"
            )
    check_targets([placed for _, placed in stages], [queue for queue in queues if isinstance(queue, str)], faults)


def check_targets(stages: list[Placed], queues: list[str], faults: Faults) -> None:
    """Each target names a queue of the project, and no two of one stage judge the same."""
    for placed in stages:
        seen: dict[tuple[str, str, str | None, bool], Path] = {}
        for place, target in placed:
            if target.queue is not None and target.queue not in queues:
                faults.add(
                    (*place, "queue"),
                    f"{shown(target.queue)} is not a queue of this project",
                    did_you_mean(target.queue, queues),
                )
            same = (target.kpi, target.window, target.queue, target.per_queue)
            if seen.setdefault(same, place) != place:
                faults.add(
                    place,
                    f"targets[{seen[same][-1]}] judges {target.kpi} ({target.window}) already",
                    "keep one of them, or give it another window or queue",
                )


def _check_wall(wall: Any, path: Path, faults: Faults) -> None:
    if not isinstance(wall, list):
        return
    if not wall:
        faults.add(path, "is an empty list", f"name up to {LARGEST_WALL} KPIs, or leave wall out for the usual six")
    if len(wall) > LARGEST_WALL:
        faults.add(path, f"has {len(wall)} KPIs", f"at most {LARGEST_WALL} can be read on a wall")
    seen: set[str] = set()
    for number, key in enumerate(wall):
        if not isinstance(key, str):
            continue
        if key not in CATALOGUE:
            faults.add((*path, number), f"there is no KPI {shown(key)}", did_you_mean(key, CATALOGUE))
        elif key in seen:
            faults.add((*path, number), f"{shorten(key)} stands on the wall already", "name each KPI once")
        seen.add(key)
