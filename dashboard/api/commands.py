"""A person's word to a source: so far a presenter's incident for a simulator."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from dashboard.access.caller import Caller
from dashboard.api.route import Web
from dashboard.asgi import Answer, BodyTooLong, Problem, Request
from dashboard.redis_gone import asked

LONGEST_BODY = 4_096
MOST_WAITING = 100
"""Commands that may wait for a collector; past it none is running."""

SIMULATED = ("simulator",)
"""Kinds of source that take an incident. A real ACD takes nothing from here: Floorlight only reads it."""


class Incident(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a presenter asks for."""

    incident: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,39}$")]
    minutes: Annotated[float, msgspec.Meta(gt=0, le=240)] = 5
    queue: Annotated[str, msgspec.Meta(max_length=200)] = ""
    by: Annotated[str, msgspec.Meta(max_length=80)] = ""


def commands_key(source: str) -> str:
    """The list from which the supervisor takes commands."""
    return f"source:{{{source}}}:commands"


def check_reach(web: Web, caller: Caller, source: str, queue: str) -> None:
    """What happens must stay inside the caller's projects; "" is the whole source. Raises ``Problem`` 403."""
    for key, project in web.watcher.current.projects.items():
        touched = [
            named
            for named in project.queues
            if (named == f"{source}/{queue}" if queue else named.startswith(f"{source}/"))
        ]
        if touched and not caller.may_see(key):
            raise Problem(
                403, "not_yours", "this would touch queues of projects that are not yours; name a queue of your own"
            )


async def command(web: Web, request: Request, caller: Caller) -> Answer:
    """Put an incident on a simulator's list; it happens when its collector takes it, hence 202."""
    source = request.path_values["source"]
    if not caller.may_act:
        raise Problem(403, "not_allowed", "your role may look but not act; ask a supervisor")
    kind = web.watcher.current.sources[source].kind
    if kind not in SIMULATED:
        raise Problem(
            409, "real_source", f"this source is of kind {kind}; incidents are for simulators, a real ACD is only read"
        )
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Problem(415, "not_json", "the body must be application/json")
    try:
        wanted = msgspec.json.decode(await request.body(LONGEST_BODY), type=Incident)
    except BodyTooLong as error:
        raise Problem(413, "too_long", f"the body may have at most {LONGEST_BODY} bytes") from error
    except msgspec.ValidationError as error:
        raise Problem(422, "bad_command", f'{error}; for example {{"incident": "surge", "minutes": 5}}') from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "not_json", "the body is not JSON") from error
    said: dict[str, Any] = {"incident": wanted.incident, "minutes": wanted.minutes, "by": caller.name or wanted.by}
    queue = wanted.queue.removeprefix(f"{source}/")
    if queue:
        said["queue"] = queue
    check_reach(web, caller, source, queue)
    if await asked(web.redis.llen(commands_key(source))) >= MOST_WAITING:
        raise Problem(503, "nobody_listens", "this source's collector has not taken the last commands; is it running?")
    await asked(web.redis.rpush(commands_key(source), msgspec.json.encode(said)))
    return Answer.json({"accepted": said}, 202)
