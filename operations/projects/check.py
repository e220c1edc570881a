"""What ``python app.py check --config F`` prints: a summary of a valid configuration, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from collectors.registry import KINDS
from operations.kpis.coverage import given
from operations.projects.beyond_reach import beyond_reach
from operations.projects.configuration import Configuration, ConfigurationInvalid, load
from operations.projects.contract import Block, Project, Target, number
from operations.projects.opening_hours import OpeningHours
from operations.projects.opening_rules import DAYS
from operations.texts import render

VALID, INVALID = 0, 2


def check(path: str | Path, environ: Mapping[str, str], kinds: Mapping[str, Any] = KINDS) -> tuple[int, str]:
    """The exit code (0 or 2) and the text, without secrets."""
    try:
        configuration = load(path, environ, kinds)
    except ConfigurationInvalid as invalid:
        count = len(invalid.errors)
        head = f"{path}: {count} error{'s' if count != 1 else ''}"
        return INVALID, "\n".join([head, *(f"  {error}" for error in invalid.errors)])
    told = {name: given(source.kind, {}, kinds) for name, source in configuration.sources.items()}
    warnings = [render(found, "en") for found in beyond_reach(configuration.projects, told)]
    return VALID, "\n".join(
        [f"{path}: valid", *_summary(configuration), *(f"  warning   {warning}" for warning in warnings)]
    )


def _summary(configuration: Configuration) -> Iterator[str]:
    site = configuration.site
    yield f"  site      {site.name} · {site.time_zone} · {site.language} · intervals of {site.interval_min} min"
    yield f"  redis     {'embedded' if configuration.redis_url is None else 'a server'}"
    for key, source in configuration.sources.items():
        yield f"  source    {key} · {source.kind}"
    for project in configuration.projects.values():
        yield from _project(project)
    if not configuration.projects:
        yield "  no project yet: name one under projects"
    for route in configuration.notify.values():
        count = len(route.urls)
        covered = "all projects" if route.projects is None else ", ".join(route.projects)
        yield f"  route     {route.name} · {count} address{'es' if count > 1 else ''} · {covered} · {', '.join(route.levels)}"
    if configuration.access is None:
        yield "  access    open to everybody on this machine, and to nobody else"
    else:
        yield f"  access    {len(configuration.access.users)} users, {len(configuration.access.screens)} screens"


def _project(project: Project) -> Iterator[str]:
    runs = f" · {project.starts or 'always'} to {project.ends or 'open end'}" if project.starts or project.ends else ""
    yield f"  project   {project.id} · {project.name}{f' · {project.client}' if project.client else ''}{runs}"
    yield f"    queues  {', '.join(project.queues) or 'none yet'}"
    yield f"    open    {_opening(project.opening)} ({project.time_zone})"
    for rule in project.service_level:
        level = rule.value
        yield f"    level   answered within {'less than ' if level.at == '<' else ''}{level.within_s} s, abandons: {level.abandons}{_since(rule)}"
    for block in project.targets:
        for target in block.value:
            yield f"    target  {_target(target)}{_since(block)}"


def _since(block: Block[Any]) -> str:
    return f" · from {block.since}" if block.since else ""


def _target(target: Target) -> str:
    limits = ((name, getattr(target, name)) for name in ("goal", "warning", "critical"))
    scope = f" · {target.queue}" if target.queue else " · each queue" if target.per_queue else ""
    return (
        f"{target.kpi} ({target.window}): "
        + ", ".join(f"{name} {number(limit)}" for name, limit in limits if limit is not None)
        + scope
    )


def _opening(opening: OpeningHours) -> str:
    if opening.always:
        return "always"
    days: list[list[str]] = []
    for name, ranges in zip(DAYS, opening.week or (((0, 1440),),) * 7, strict=True):
        hours = ",".join(f"{_clock(start)}-{_clock(end if end <= 1440 else end - 1440)}" for start, end in ranges)
        if days and days[-1][2] == hours:
            days[-1][1] = name
        else:
            days.append([name, name, hours])
    text = (
        " ".join(f"{first if first == last else f'{first}-{last}'} {hours}" for first, last, hours in days if hours)
        or "never"
    )
    return text + (f", not on the holidays of {', '.join(opening.holidays)}" if opening.holidays else "")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
