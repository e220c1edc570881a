"""Targets that a manager has edited on a page: kept in Redis, and laid over what the file says.

An edit is a stage of the contract like one of the file: it holds from its day on, so that a past day is still judged by what was
agreed then. A stage of the file that begins on a later day takes over on that day.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from operations.projects.configuration import Configuration
from operations.projects.contract import Block, Project, Target
from operations.projects.faults import Faults
from operations.projects.project_block import check_targets, read_targets

log = logging.getLogger(__name__)

MOST_REPLACED = 100
"""Of one project: edits that a later one of the same day has replaced, kept so that people see what happened. Those that hold are all kept."""
MOST_TARGETS = 100


class Edit(msgspec.Struct, frozen=True):
    """One edit. ``since``: the project's own day. ``at``: epoch ms. ``targets``: as a person writes them in the file.

    ``targets`` None: from that day on the file's targets hold again.
    """

    since: dt.date
    by: str
    at: int
    targets: list[dict[str, Any]] | None


_decode = msgspec.json.Decoder(list[Edit]).decode
encode = msgspec.json.Encoder().encode


def decode(raw: bytes | None) -> list[Edit]:
    """A project's edits, oldest first; what cannot be read counts as none."""
    try:
        return _decode(raw) if raw else []
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def revision(raw: bytes | None) -> str:
    """A word that changes with every edit: who edits says which state was seen."""
    return hashlib.sha256(raw or b"").hexdigest()[:12]


def checked(targets: object, project: Project) -> tuple[tuple[Target, ...], list[str]]:
    """Targets as a person writes them, read by the file's own rules: (targets, every fault as ``targets[1].critical: …``)."""
    faults = Faults()
    if isinstance(targets, list) and len(targets) > MOST_TARGETS:
        faults.add(("targets",), f"holds {len(targets)} targets", f"at most {MOST_TARGETS} are possible")
        return (), faults.all()
    placed = read_targets(targets, ("targets",), faults)
    check_targets([placed], list(project.queues), faults)
    return tuple(target for _, target in placed), faults.all()


def added(edits: Sequence[Edit], edit: Edit) -> list[Edit]:
    """The edits with one more; of several for one day the last one holds. Of those replaced the oldest are forgotten past ``MOST_REPLACED``."""
    every = [*edits, edit]
    holds = {each.since: number for number, each in enumerate(every)}
    replaced = [number for number, each in enumerate(every) if holds[each.since] != number]
    forgotten = set(replaced[: max(0, len(replaced) - MOST_REPLACED)])
    return [each for number, each in enumerate(every) if number not in forgotten]


def overlaid(project: Project, edits: Iterable[Edit]) -> Project:
    """The project as its edits have it. A target that the project can no longer have (its queue is gone) is left out and logged."""
    last = {edit.since: edit for edit in edits}
    if not last:
        return project
    of_file = {block.since or dt.date.min: block.value for block in project.targets}
    stages = dict(of_file)
    for day, edit in sorted(last.items()):
        if edit.targets is None:
            stages[day] = _on(of_file, day)
            continue
        found, faults = checked(edit.targets, project)
        for fault in faults:
            log.warning("project %s, targets edited by %s: %s", project.id, edit.by, fault)
        stages[day] = found
    # A day before the first stage is judged by the file's first one, as it was before anybody edited.
    stages.setdefault(dt.date.min, _on(of_file, dt.date.min))
    ordered = sorted(stages.items())
    # A new project, not a changed one: what it has worked out of its contract must not outlive the edit.
    blocks: tuple[Block[tuple[Target, ...]], ...] = tuple(
        Block(since=None if day == dt.date.min else day, value=value) for day, value in ordered
    )
    return Project(**{name: getattr(project, name) for name in Project.model_fields} | {"targets": blocks})


def apply(configuration: Configuration, edits: Mapping[str, bytes]) -> Configuration:
    """The configuration with every project's edits. ``edits``: encoded, by project; those of unknown projects wait."""
    projects = dict(configuration.projects)
    for name, raw in edits.items():
        if name in projects:
            projects[name] = overlaid(projects[name], decode(raw))
    meaning = hashlib.sha256(configuration.digest.encode())
    for name, raw in sorted(edits.items()):
        meaning.update(name.encode() + b"\0" + raw + b"\0")
    return configuration.model_copy(
        update={"projects": projects, "edits": dict(edits), "digest": meaning.hexdigest()[:16]}
    )


def _on(stages: Mapping[dt.date, tuple[Target, ...]], day: dt.date) -> tuple[Target, ...]:
    earlier = [since for since in stages if since <= day]
    return stages[max(earlier)] if earlier else stages[min(stages)]
