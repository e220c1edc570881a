"""A project's targets: what holds today, where it comes from, and a manager's word that changes it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from dashboard.access.caller import Caller
from dashboard.api.alert_words import AHEAD_DAYS, body, person, refused
from dashboard.api.route import Web
from dashboard.asgi import Answer, Problem, Request
from dashboard.redis_gone import asked
from operations import sources
from operations.projects import edits
from operations.projects.contract import Project, Target
from operations.projects.edits import Edit
from operations.store import edits as store
from operations.store import keys

EXAMPLE = (
    '{"seen": "0c1d…", "targets": [{"kpi": "longest_wait_s", "goal": 60, "warning": 45, "critical": 90, "for": "10s"}]}'
)


class TargetsWanted(msgspec.Struct, forbid_unknown_fields=True, rename={"since": "from"}):
    """``targets`` as in the file, null: the file's again. ``seen``: the revision that was on the screen. ``from``: today when left out."""

    targets: list[dict[str, Any]] | None
    seen: str
    since: str = ""
    by: str = ""


async def targets(web: Web, request: Request, caller: Caller) -> Answer:
    """What holds today, the stages before and after, and who edited.

    As far as this process holds it, which may be a second behind: a revision is told with the targets that it stands for, or somebody
    would save old ones as if they had seen the new.
    """
    name, current = request.path_values["project"], web.watcher.current
    project = current.projects[name]
    return Answer.json(shown(project, current.edits.get(name), caller, web.clock(), sources.zone(current, name)))


async def edit(web: Web, request: Request, caller: Caller) -> Answer:
    """Change the targets from a day on. What is refused has changed nothing."""
    if not caller.may_edit:
        raise Problem(403, "not_allowed", "your role may look at targets but not edit them; ask a manager")
    name = request.path_values["project"]
    project = web.watcher.current.projects[name]
    said = await body(request, TargetsWanted, EXAMPLE)
    by = person(caller, said.by)
    today = project.calendar.local_date(web.clock())
    since = _day(said.since, today)
    if said.targets is not None:
        _, faults = edits.checked(said.targets, project)
        if faults:
            raise Problem(422, "bad_targets", "\n".join(faults))
    before = await asked(web.redis.hget(keys.EDITED_TARGETS, name))
    if said.seen != edits.revision(before):
        raise Problem(409, "edited", "somebody has edited these targets since you read them; read them again")
    made = Edit(since, by, web.clock(), said.targets)
    after = edits.encode(edits.added(edits.decode(before), made))
    if not await asked(store.replace(web.redis, name, before, after)):
        raise Problem(409, "edited", "somebody has edited these targets at the same moment; read them again")
    return Answer.json({"accepted": {"from": since.isoformat(), "by": by}, "revision": edits.revision(after)}, 202)


def shown(project: Project, raw: bytes | None, caller: Caller, now_ms: int, zone: dt.tzinfo) -> dict[str, Any]:
    """The answer to ``targets``; of a client only the KPIs that it may see, and nobody's name."""
    today = project.calendar.local_date(now_ms)
    view, done = caller.view(project), edits.decode(raw)
    return {
        "project": project.id,
        "now": sources.iso(now_ms, zone),
        "today": today.isoformat(),
        "revision": edits.revision(raw),
        "may_edit": caller.may_edit,
        "targets": [written(target) for target in project.contract_on(today).targets if view.shows(target.kpi)],
        "stages": [
            {
                "from": block.since.isoformat() if block.since else None,
                "targets": [written(target) for target in block.value if view.shows(target.kpi)],
            }
            for block in project.targets
        ],
        "edits": [
            {
                "from": edit.since.isoformat(),
                "at": sources.iso(edit.at, zone),
                "by": edit.by if caller.sees_names else "",
                "back_to_file": edit.targets is None,
            }
            for edit in reversed(done)
        ],
    }


def written(target: Target) -> dict[str, Any]:
    """A target as a person writes it in the file; what is as usual is left out."""
    found = target.model_dump(by_alias=True, exclude_defaults=True)
    found["window"] = target.window
    return found


def _day(given: str, today: dt.date) -> dt.date:
    try:
        since = dt.date.fromisoformat(given) if given else today
    except ValueError as error:
        raise refused("from", "is not a day; write a date as 2026-12-31") from error
    if since < today:
        raise refused(
            "from", f"{since} is past; a past day stays judged by what was agreed then, so today is the earliest"
        )
    if since > today + dt.timedelta(days=AHEAD_DAYS):
        raise refused("from", "lies more than a year ahead; choose a nearer day")
    return since
