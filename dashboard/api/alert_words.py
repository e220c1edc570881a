"""What a person says to a project's alerts: acknowledge, silence, take a silence back, put under maintenance.

A word is checked here as a whole, then put on the project's list; the engine takes it at its next tick, hence 202. What is refused has changed nothing.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

import msgspec

from dashboard.access.caller import Caller
from dashboard.api.alerts import public_silence, rules_now, saved_silences, shown_alerts
from dashboard.api.intervals import FIRST_YEAR, LAST_YEAR
from dashboard.api.route import Web
from dashboard.asgi import Answer, BodyTooLong, Problem, Request
from dashboard.redis_gone import asked
from operations import sources
from operations.alerts.keeper import MOST_WORDS, Word
from operations.alerts.rules import SOURCE_DOWN
from operations.alerts.silences import Silence
from operations.kpis.catalogue import CATALOGUE
from operations.projects.contract import Project
from operations.projects.nearest import did_you_mean
from operations.store import boards, keys

LONGEST_BODY = 64 * 1024
LONGEST_NAME, LONGEST_NOTE = 80, 500
LONGEST_DAYS = 31
DAY_MS = 86_400_000
MOST_SILENCES = 200
"""Of one project at a time; whoever needs more wants one that fits more."""

AHEAD_DAYS = 366
"""How far ahead a maintenance can be planned."""

_TURNS_TEXT = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Acknowledge(msgspec.Struct, forbid_unknown_fields=True):
    """``episode``: the run that was seen; without it, whichever runs."""

    rule: str
    note: str = ""
    episode: str = ""
    by: str = ""


class SilenceWanted(msgspec.Struct, forbid_unknown_fields=True):
    """Silence a KPI, a queue, or everything, until a time or for some minutes."""

    why: str
    kpi: str = ""
    queue: str = ""
    until: str = ""
    minutes: float | None = None
    by: str = ""


class MaintenanceWanted(msgspec.Struct, forbid_unknown_fields=True, rename={"since": "from"}):
    """A stretch in which nobody is called, for the project or one of its sources. Without ``from`` it begins now."""

    until: str
    why: str
    since: str = ""
    source: str = ""
    by: str = ""


EXAMPLES: dict[type, str] = {
    Acknowledge: '{"rule": "longest_wait_s@now", "note": "two more agents are coming"}',
    SilenceWanted: '{"kpi": "longest_wait_s", "minutes": 60, "why": "trunk fault is known"}',
    MaintenanceWanted: '{"from": "2026-12-31T22:00+08:00", "until": "2027-01-01T06:00+08:00", "why": "new release"}',
}

T = TypeVar("T")


async def acknowledge(web: Web, request: Request, caller: Caller) -> Answer:
    """Answer an alert that is firing."""
    may_act(caller)
    name, project = _project(web, request)
    said = await body(request, Acknowledge)
    by = person(caller, said.by)
    note = text("note", said.note, LONGEST_NOTE)
    known = [rule.id for rule in rules_now(project, web.clock())]
    head = await asked(web.redis.hget(keys.board(name), boards.HEAD))
    firing = {alert["id"]: alert for alert in shown_alerts(head)}
    if said.rule not in known and said.rule not in firing:
        raise refused("rule", f"this project has no such rule; {_one_of(said.rule, known)}")
    alert = firing.get(said.rule)
    if alert is None or said.episode not in ("", alert["episode"]):
        raise Problem(409, "not_firing", "rule: this alert is not firing any more; there is nothing to answer")
    if alert["acked"]:
        raise Problem(409, "answered", f"rule: {alert['acked']['by'] or 'somebody'} has answered this alert already")
    word = Word("acknowledge", by, rule=said.rule, episode=alert["episode"], note=note, id=secrets.token_hex(8))
    await say(web, name, word)
    return Answer.json({"accepted": {"rule": said.rule, "episode": alert["episode"], "by": by, "note": note}}, 202)


async def silence(web: Web, request: Request, caller: Caller) -> Answer:
    """Silence what fits, from now on until a time that is always given."""
    may_act(caller)
    name, project = _project(web, request)
    said = await body(request, SilenceWanted)
    now_ms, zone = web.clock(), sources.zone(web.watcher.current, name)
    if said.kpi not in ("", SOURCE_DOWN, *CATALOGUE):
        raise refused("kpi", f"there is no such KPI; {_one_of(said.kpi, (*CATALOGUE, SOURCE_DOWN))}")
    if said.queue not in ("", *project.queues):
        raise refused("queue", f"this project has no such queue; {_one_of(said.queue, project.queues)}")
    by, why = person(caller, said.by), text("why", said.why, LONGEST_NOTE, needed=True)
    if (said.minutes is None) == (not said.until):
        raise refused("until", "a silence needs an end; give either until (a time) or minutes")
    until = (
        moment("until", said.until, zone) if said.minutes is None else now_ms + round(_minutes(said.minutes) * 60_000)
    )
    lasts(now_ms, until, "until" if said.minutes is None else "minutes", "now")
    wanted = Silence(_id(), by, why, now_ms, until, kpi=said.kpi, queue=said.queue)
    return await _silenced(web, name, wanted, zone, now_ms)


async def maintenance(web: Web, request: Request, caller: Caller) -> Answer:
    """Put the project, or what depends on one of its sources, under maintenance from–until."""
    may_act(caller)
    name, project = _project(web, request)
    said = await body(request, MaintenanceWanted)
    now_ms, zone = web.clock(), sources.zone(web.watcher.current, name)
    if said.source not in ("", *project.sources):
        raise refused("source", f"this project has no such source; {_one_of(said.source, project.sources)}")
    by, why = person(caller, said.by), text("why", said.why, LONGEST_NOTE, needed=True)
    start = moment("from", said.since, zone) if said.since else now_ms
    until = moment("until", said.until, zone)
    if start > now_ms + AHEAD_DAYS * DAY_MS:
        raise refused("from", "lies more than a year ahead; plan what is nearer")
    lasts(start, until, "until", "from")
    if until <= now_ms:
        raise refused("until", "is over already; give a time that is yet to come")
    wanted = Silence(_id(), by, why, start, until, kind="maintenance", source=said.source)
    return await _silenced(web, name, wanted, zone, now_ms)


async def unsilence(web: Web, request: Request, caller: Caller) -> Answer:
    """End a silence or a maintenance before its time."""
    may_act(caller)
    name, _ = _project(web, request)
    wanted = request.path_values["silence"]
    by = person(caller, request.query.get("by", ""))
    if wanted.startswith("planned:"):
        raise Problem(409, "planned", "this maintenance is planned in the configuration; take it out there")
    known = saved_silences(await asked(web.redis.hgetall(keys.alert_silences(name)))).get(wanted)
    if known is None:
        raise Problem(
            404, "unknown_silence", "there is no such silence, or it is over; GET …/alerts lists those that last"
        )
    await say(web, name, Word("unsilence", by, silence=known, id=secrets.token_hex(8)))
    return Answer.json({"accepted": {"id": known.id, "by": by}}, 202)


async def _silenced(web: Web, project: str, wanted: Silence, zone: tzinfo, now_ms: int) -> Answer:
    if await asked(web.redis.hlen(keys.alert_silences(project))) >= MOST_SILENCES:
        raise Problem(409, "too_many", f"this project has {MOST_SILENCES} silences already; end some of them")
    await say(web, project, Word("silence", wanted.by, silence=wanted, id=secrets.token_hex(8)))
    return Answer.json({"accepted": public_silence(wanted, zone, now_ms)}, 202)


async def say(web: Web, project: str, word: Word) -> None:
    """Put a word on the project's list. Raises ``Problem`` 503 when nobody takes words, or Redis is away."""
    if await asked(web.redis.llen(keys.words(project))) >= MOST_WORDS:
        raise Problem(503, "nobody_listens", "nobody has taken the last words; is the operate role running?")
    pipe = web.redis.pipeline(transaction=True)
    pipe.rpush(keys.words(project), msgspec.json.encode(word))
    pipe.sadd(keys.WORDS_WAITING, project)
    await asked(pipe.execute())


# ── checking ──────────────────────────────────────────────────────────────────────────────────────


def refused(field: str, sentence: str) -> Problem:
    """A field that cannot be as it is: the field, what is wrong, what would be right."""
    return Problem(422, "bad_word", f"{field}: {sentence}")


def may_act(caller: Caller) -> None:
    """Raises ``Problem`` 403."""
    if not caller.may_act:
        raise Problem(403, "not_allowed", "your role may look but not act; ask a supervisor")


def person(caller: Caller, by: str) -> str:
    """Who says it: whoever signed in, else the name that was given. Raises ``Problem`` 422."""
    return caller.name or text("by", by, LONGEST_NAME, needed=True, example="mei")


def text(field: str, value: str, longest: int, *, needed: bool = False, example: str = "") -> str:
    """Somebody's text in one line, without the spaces around it. Markup in it is text like any other. Raises ``Problem`` 422."""
    if len(value) > longest:
        raise refused(field, f"{len(value):,} characters are too many; at most {longest} are possible")
    if any(char in _TURNS_TEXT or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in value):
        raise refused(field, "holds a line break or a control character; write it in one line of plain text")
    value = value.strip()
    if needed and not value:
        right = "give your name, " + f'for example "{example}"' if field == "by" else "say why, in a few words"
        raise refused(field, f"is missing; {right}")
    return value


async def body(request: Request, of: type[T], example: str = "") -> T:
    """The body as ``of``; ``example``: what would be right, for a type that is not in ``EXAMPLES``. Raises ``Problem`` 400, 413, 415 or 422."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Problem(415, "not_json", "the body must be application/json")
    try:
        return msgspec.json.decode(await request.body(LONGEST_BODY), type=of)
    except BodyTooLong as error:
        raise Problem(413, "too_long", f"the body may have at most {LONGEST_BODY} bytes") from error
    except msgspec.ValidationError as error:
        raise _not_like(str(error), example or EXAMPLES[of]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "not_json", "the body is not JSON") from error


def _not_like(said: str, example: str) -> Problem:
    """msgspec's sentence with the field in front, as ours have it."""
    what, _, place = said.partition(" - at ")
    named = re.search(r"field `(.{1,80}?)`", what)
    field = named[1] if named else place.strip("`").removeprefix("$.") or "body"
    return refused(field if field != "$" else "body", f"{what}; right is for example {example}")


def moment(field: str, value: str, zone: tzinfo) -> int:
    """A time as epoch ms; without an offset it is one of the project's zone. Raises ``Problem`` 422."""
    right = "is not a point in time; write 2026-12-31T22:00+08:00, or without the offset for the project's own time"
    try:
        if not FIRST_YEAR <= int(value[:4]) <= LAST_YEAR or len(value) > 40:
            raise ValueError(value[:4])
        found = datetime.fromisoformat(value)
        return round((found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise refused(field, right) from error


def _minutes(minutes: float) -> float:
    if not 0 < minutes <= LONGEST_DAYS * 1440:
        raise refused("minutes", f"more than 0 and at most {LONGEST_DAYS * 1440:,} ({LONGEST_DAYS} days) are possible")
    return minutes


def lasts(start: int, until: int, field: str, since: str) -> None:
    """A stretch ends after it began, and is not forgotten for ever. Raises ``Problem`` 422."""
    if until <= start:
        raise refused(field, f"does not lie after {since}; a silence ends after it began")
    if until - start > LONGEST_DAYS * DAY_MS:
        raise refused(
            field, f"lies {-(-(until - start) // DAY_MS)} days after {since}; at most {LONGEST_DAYS} are possible"
        )


def _one_of(value: str, known: Any) -> str:
    return did_you_mean(value[:100], known) if known else "it has none"


def _project(web: Web, request: Request) -> tuple[str, Project]:
    name = request.path_values["project"]
    return name, web.watcher.current.projects[name]


def _id() -> str:
    return secrets.token_hex(6)
