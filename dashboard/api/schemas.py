"""The shapes of the API's answers as JSON Schema (2020-12), for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from collectors.registry import DOORS

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
COUNT = {"type": "integer", "minimum": 0}
TIME = {"type": "string", "format": "date-time", "description": "ISO 8601 with offset"}
MAYBE_TIME = {"type": ["string", "null"], "format": "date-time"}
MAYBE_NUMBER = {"type": ["number", "null"]}
MAYBE_TEXT = {"type": ["string", "null"]}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def table(of: dict[str, Any], description: str = "") -> dict[str, Any]:
    """An object whose keys are names of things."""
    return {"type": "object", "additionalProperties": of, **({"description": description} if description else {})}


def shape(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


KPI = shape(
    ["value", "unit", "window", "sample", "target", "band", "reason"],
    value={**MAYBE_NUMBER, "description": "null: no value; reason says why"},
    unit=TEXT,
    window={**TEXT, "description": "now, or the stretch that the value covers"},
    sample={"type": ["integer", "null"], "description": "how many contacts the value rests on"},
    target={**MAYBE_NUMBER, "description": "the goal; null: no target"},
    limits={"type": ["object", "null"], "additionalProperties": MAYBE_NUMBER},
    better={**MAYBE_TEXT, "description": "up, down or neither"},
    band={"enum": ["ok", "warning", "critical", "none", "unknown"]},
    reason=TEXT,
    why={**TEXT, "description": "the reason as a code"},
    about={"type": "object", "additionalProperties": TEXT, "description": "what the reason names, such as a source"},
    partial={
        "type": "array",
        "items": TEXT,
        "description": "sources of the project that cannot give it, and queues (`SOURCE/QUEUE`) of which the ACD does not tell it now: the value is without them",
    },
    sources={"type": "array", "items": TEXT, "description": "those that it rests on, where these are not all"},
    since={**MAYBE_TIME, "description": "from when a value runs by itself"},
    last={"type": ["object", "null"], "description": "the last value that was right, with its time"},
    trend={"type": ["array", "null"], "items": MAYBE_NUMBER, "description": "one value a minute, oldest first"},
)

SOURCE = shape(
    ["state", "last_event_at", "age_s", "error"],
    state={"enum": ["up", "stale", "down"]},
    since=MAYBE_TIME,
    last_event_at=MAYBE_TIME,
    last_word_at={**MAYBE_TIME, "description": "the ACD's last sign of life"},
    age_s={**MAYBE_NUMBER, "description": "seconds since the ACD's last sign of life"},
    error=TEXT,
    why=TEXT,
    kind=TEXT,
    lacks={"type": "array", "items": TEXT, "description": "on a board: the facts of a floor that it does not tell"},
)

AGENT = shape(
    ["id", "name", "condition"],
    id=TEXT,
    name=TEXT,
    condition={"enum": ["available", "ringing", "on_contact", "wrap_up", "paused", "logged_out", "unknown"]},
    reason=TEXT,
    since=MAYBE_TIME,
    queues={"type": "array", "items": TEXT},
    queue=TEXT,
    missed={**COUNT, "description": "rings of today that this person did not answer, in this project's queues"},
)

CALLER = {**TEXT, "description": "the number as the ACD tells it; masked or missing for who may not see it"}

WAITING = shape(["queue", "contact", "since"], queue=TEXT, contact=TEXT, since=TIME, caller=CALLER, caller_name=TEXT)

LOST = shape(
    ["id", "caller", "queue", "at", "wait_s", "tries", "waiting"],
    id=TEXT,
    caller=CALLER,
    caller_name=TEXT,
    queue={**TEXT, "description": "of the last try, as at and wait_s"},
    at=TIME,
    wait_s=COUNT,
    tries={**COUNT, "description": "how often this caller hung up since the last answer"},
    waiting={"type": "boolean", "description": "whether this caller waits again now"},
)

BOARD = shape(
    ["project", "at", "revision", "sources", "kpis", "queues", "agents", "alerts"],
    project=TEXT,
    name=TEXT,
    client=TEXT,
    at=TIME,
    now={**TIME, "description": "the server's clock when it answered"},
    checked_at={**MAYBE_TIME, "description": "when the engine last found this board to be right"},
    age_s={**MAYBE_NUMBER, "description": "seconds from checked_at to now"},
    revision=COUNT,
    time_zone=TEXT,
    interval_min=COUNT,
    layout=TEXT,
    wall={"type": "array", "items": TEXT},
    open={"type": ["object", "null"]},
    service_level={"type": ["object", "null"]},
    sources=table(ref("Source"), "by source id"),
    kpis=table(ref("Kpi"), "by KPI key"),
    queues=table(shape(["kpis"], name=TEXT, kpis=table(ref("Kpi"))), "by SOURCE/QUEUE"),
    agents={"type": "array", "items": ref("Agent"), "description": "empty for a caller who may not see names"},
    waiting={"type": "array", "items": ref("Waiting"), "description": "the 50 that wait longest, the longest first"},
    lost={
        "type": "array",
        "items": ref("Lost"),
        "description": "callers of today who hung up and whom nobody has answered since, the 200 latest; empty for a caller who may not see names",
    },
    lost_summary=shape(
        ["callers", "without_number", "short"],
        callers={**COUNT, "description": "all of them"},
        without_number={**COUNT, "description": "further abandons of today of which the ACD told no number"},
        short={**COUNT, "description": "further abandons of today shorter than short_abandon_s"},
    ),
    limits=shape(
        ["pause_s", "wrap_up_s", "pause_by_reason_s"],
        pause_s=COUNT,
        wrap_up_s=COUNT,
        pause_by_reason_s=table(COUNT, "by the reason of the pause"),
    ),
    misses_left={"type": ["object", "null"]},
    alerts={"type": "array", "items": {"type": "object"}},
)

PROJECTS = shape(
    ["projects"],
    projects={
        "type": "array",
        "items": shape(
            ["id", "name", "client", "queues"], id=TEXT, name=TEXT, client=TEXT, queues={"type": "array", "items": TEXT}
        ),
    },
)

INTERVALS = shape(
    ["intervals"],
    intervals={
        "type": "array",
        "items": shape(
            ["start", "end", "queue", "counters", "kpis", "partial", "not_reported"],
            start=TIME,
            end=TIME,
            queue={**MAYBE_TEXT, "description": "SOURCE/QUEUE; null for the whole project"},
            counters=table(MAYBE_NUMBER, "by the names in docs/kpis.md; null: no source tells it"),
            kpis=table(MAYBE_NUMBER),
            partial=table(
                {"type": "array", "items": TEXT},
                "by KPI: sources of the project that cannot give it, the value is without them",
            ),
            not_reported={
                "type": "array",
                "items": TEXT,
                "description": "KPIs that no source gives: null for that reason",
            },
        ),
    },
)

NOTIFY = {
    "type": "array",
    "description": "how each address of each route does that tells people of alerts",
    "items": shape(
        ["route", "number", "to", "state", "permanent"],
        route=TEXT,
        number=COUNT,
        to={**TEXT, "description": "the kind of service; an address is never shown"},
        state={"enum": ["unused", "ok", "failing", "refused"]},
        at={**MAYBE_TIME, "description": "of the last outcome"},
        ok_at=MAYBE_TIME,
        error=TEXT,
        permanent={"type": "boolean", "description": "trying again cannot help until somebody changes something"},
    ),
}

HEALTH = shape(
    ["status", "sources", "redis", "config", "roles"],
    status={"enum": ["ok", "failing"]},
    at=TIME,
    roles=table(shape(["alive", "instances", "age_s"], alive={"type": "boolean"}, instances=COUNT, age_s=MAYBE_NUMBER)),
    redis=shape(["up", "error"], up={"type": "boolean"}, error=TEXT),
    config=shape(["path", "read_at", "errors"], path=TEXT, read_at=MAYBE_TIME, errors={"type": "array", "items": TEXT}),
    sources=table(ref("Source")),
    notify=NOTIFY,
)

OVERVIEW = shape(
    ["now", "redis", "projects"],
    now=TIME,
    redis={"type": "boolean", "description": "false: what follows was read before Redis went away"},
    projects={
        "type": "array",
        "items": shape(
            ["project", "name", "checked_at"],
            project=TEXT,
            name=TEXT,
            checked_at=MAYBE_TIME,
            kpis={**table(ref("Kpi")), "description": "missing while there is no board yet"},
            sources=table(ref("Source")),
            alerts={"type": "array", "items": {"type": "object"}},
        ),
    },
)

SOURCES = shape(
    ["now", "redis", "config", "sources"],
    now=TIME,
    redis={"type": "boolean"},
    config=shape(
        ["read_at", "errors"],
        read_at=MAYBE_TIME,
        errors={"type": "array", "items": TEXT},
        warnings={"type": "array", "items": TEXT, "description": "targets that no source can give a number for"},
    ),
    notify={**NOTIFY, "description": "as in /healthz; empty for a caller who may not see all"},
    sources=table(
        {
            "allOf": [
                ref("Source"),
                shape(
                    ["events_s", "projects"],
                    permanent={
                        "type": "boolean",
                        "description": "trying again cannot help until somebody changes something",
                    },
                    detail=TEXT,
                    events={**COUNT, "description": "since its collector began"},
                    events_s=MAYBE_NUMBER,
                    clock_skew_ms={**MAYBE_NUMBER, "description": "how far the ACD's clock is off"},
                    version={**TEXT, "description": "of the ACD, where it tells"},
                    limited_until={
                        **MAYBE_TIME,
                        "description": "the ACD refuses questions until then; null: it does not",
                    },
                    warning={**TEXT, "description": "what is wrong although the link stands"},
                    refused_future={
                        **COUNT,
                        "description": "events of this session that were not believed: their times lie ahead of our clock",
                    },
                    gives={"type": "array", "items": TEXT, "description": "the facts that it tells"},
                    untold={
                        "type": "array",
                        "items": TEXT,
                        "description": "those of a floor that it does not, in words",
                    },
                    also={"type": "array", "items": TEXT, "description": "what it reports beside a floor, in words"},
                    projects={
                        "type": "array",
                        "items": TEXT,
                        "description": "names of those that use it and that you may see",
                    },
                    lost_sight={**MAYBE_NUMBER, "description": "today's contacts whose end nobody saw"},
                    incidents={
                        "type": "array",
                        "description": "what a simulator is made to suffer, until when (epoch ms)",
                    },
                    pushed={
                        "type": ["object", "null"],
                        "description": "of a source that is pushed to: events received, duplicates, batches refused, last_refusal",
                    },
                    unnamed_queues={
                        "type": ["array", "null"],
                        "items": TEXT,
                        "description": "queues of this source that no project names; null for a caller who may not see all",
                    },
                ),
            ]
        }
    ),
)

PROBLEM = shape(["type", "title", "status", "detail"], type=TEXT, title=TEXT, status={"type": "integer"}, detail=TEXT)

INCIDENT = {
    **shape(
        ["incident"],
        incident={"type": "string", "pattern": "^[a-z][a-z_]{0,39}$", "examples": ["surge"]},
        minutes={"type": "number", "exclusiveMinimum": 0, "maximum": 240, "default": 5},
        queue={"type": "string", "maxLength": 200},
        by={"type": "string", "maxLength": 80, "description": "who asks, where nobody signs in"},
    ),
    "additionalProperties": False,
}

ALERT = shape(
    [
        "id",
        "episode",
        "kpi",
        "window",
        "queue",
        "label",
        "level",
        "state",
        "since",
        "value",
        "target",
        "reason",
        "acked",
        "silenced",
    ],
    id={**TEXT, "description": "the rule's id"},
    episode={**TEXT, "description": "this run of the alert, from its first crossing to its end"},
    kpi=TEXT,
    window=TEXT,
    queue={**TEXT, "description": "SOURCE/QUEUE; empty for the whole project"},
    source=TEXT,
    label=TEXT,
    unit=TEXT,
    level={"enum": ["warning", "critical"]},
    state={"enum": ["firing", "frozen"], "description": "frozen: nothing can be known of it; reason says why"},
    since={**TIME, "description": "when the value went over the line"},
    fired_at=TIME,
    value=MAYBE_NUMBER,
    target=MAYBE_NUMBER,
    limit={**MAYBE_NUMBER, "description": "the line that it is over"},
    reason=TEXT,
    acked={"type": ["object", "null"], "description": "by, at, note"},
    silenced={"type": ["object", "null"], "description": "by, until, why, kind"},
    inhibited={**TEXT, "description": "the alert that speaks for this one, empty for none"},
)

SILENT = shape(
    ["id", "kind", "kpi", "queue", "source", "by", "why", "from", "until", "active", "planned"],
    **dict.fromkeys(("id", "kpi", "queue", "source", "by", "why"), TEXT),
    kind={"enum": ["silence", "maintenance"]},
    **{"from": TIME, "until": TIME},
    active={"type": "boolean", "description": "false: it is yet to begin"},
    planned={"type": "boolean", "description": "true: it stands in the configuration and ends there only"},
)

RULE = shape(
    ["id", "kind", "label", "state", "level"],
    **dict.fromkeys(("id", "label", "kpi", "window", "queue", "source"), TEXT),
    kind={"enum": ["target", "budget", "source_down"]},
    **dict.fromkeys(("goal", "warning", "critical", "clear", "min_sample", "value"), MAYBE_NUMBER),
    for_s=NUMBER,
    clear_after_s=NUMBER,
    only_when_open={"type": "boolean"},
    state={"enum": ["ok", "pending", "firing", "frozen"]},
    level={"enum": ["", "warning", "critical"]},
    since=MAYBE_TIME,
)

_SILENT_NOW = {name: {"type": "array", "items": ref("Silent")} for name in ("silences", "maintenance")}

ALERTS = shape(
    ["project", "now", "alerts", "silences", "maintenance", "rules"],
    project=TEXT,
    now=TIME,
    checked_at={**MAYBE_TIME, "description": "when the engine last found all this to be right"},
    alerts={"type": "array", "items": ref("Alert")},
    **_SILENT_NOW,
    rules={"type": "array", "items": ref("Rule")},
)

ALL_ALERTS = shape(
    ["now", "redis", "projects"],
    now=TIME,
    redis={"type": "boolean", "description": "false: what follows was read before Redis went away"},
    projects={
        "type": "array",
        "items": shape(
            ["project", "name", "alerts", "silences", "maintenance"],
            **dict.fromkeys(("project", "name", "client", "time_zone"), TEXT),
            checked_at=MAYBE_TIME,
            alerts={"type": "array", "items": ref("Alert")},
            **_SILENT_NOW,
        ),
    },
)

ALERT_LOG = shape(
    ["entries", "more"],
    entries={
        "type": "array",
        "items": shape(
            ["project", "at", "what"],
            project=TEXT,
            at=TIME,
            what={**TEXT, "description": "docs/alerts.md lists them"},
            reason={**TEXT, "description": "the step in words and numbers"},
        ),
    },
    more={"type": "boolean", "description": "there are more in this stretch than limit"},
)

_BY = {"type": "string", "maxLength": 80, "description": "who says it, where nobody signs in"}
_WHY = {"type": "string", "minLength": 1, "maxLength": 500}
_WHEN = {**TEXT, "description": "ISO 8601; without an offset it is a time of the project's zone"}

ACKNOWLEDGE = {
    **shape(
        ["rule"],
        rule={**TEXT, "examples": ["longest_wait_s@now"]},
        episode={**TEXT, "description": "the run that was seen; without it, whichever runs"},
        note={"type": "string", "maxLength": 500},
        by=_BY,
    ),
    "additionalProperties": False,
}

SILENCE = {
    **shape(
        ["why"],
        kpi={**TEXT, "description": "one KPI; left out: all"},
        queue={**TEXT, "description": "one queue; left out: all"},
        until=_WHEN,
        minutes={"type": "number", "exclusiveMinimum": 0, "maximum": 44_640, "description": "in place of until"},
        why=_WHY,
        by=_BY,
    ),
    "additionalProperties": False,
}

MAINTENANCE = {
    **shape(
        ["until", "why"],
        **{"from": {**_WHEN, "description": "now when left out"}},
        until=_WHEN,
        source={**TEXT, "description": "one source of the project; left out: the project"},
        why=_WHY,
        by=_BY,
    ),
    "additionalProperties": False,
}

CRITICAL = shape(
    ["now", "redis", "projects"],
    now=TIME,
    redis={"type": "boolean", "description": "false: what follows was read before Redis went away"},
    projects=table(
        shape(
            ["critical", "checked_at"],
            critical={**COUNT, "description": "critical alerts that nobody has answered or silenced"},
            checked_at=MAYBE_TIME,
        )
    ),
)

CODE = shape(
    [],
    code={**TEXT, "description": "what a supervisor enters; while it waits"},
    left_s={**COUNT, "description": "for how long the code holds"},
    name={**TEXT, "description": "the screen's name, once it is paired"},
    go={**TEXT, "description": "the page to go to, once it is paired"},
)

ORDERS = shape(
    ["screen", "name", "revision", "identify"],
    screen=TEXT,
    name=TEXT,
    revision={**COUNT, "description": "another one: draw the page anew"},
    identify={**COUNT, "description": "another one: show the name"},
)

_SHOWS: dict[str, Any] = {
    "seconds": {
        "type": "integer",
        "minimum": 5,
        "maximum": 3600,
        "description": "of each project, where there are several",
    },
    "language": {"enum": ["", "en", "zh-Hans", "zh-Hant"], "description": "empty: the project's own"},
    "sound": {"type": "boolean"},
}

SCREEN = shape(
    ["id", "name", "projects", "online"],
    id=TEXT,
    name=TEXT,
    projects={
        "type": "array",
        "items": shape(["id", "name"], id=TEXT, name={**MAYBE_TEXT, "description": "null: not configured any more"}),
    },
    **_SHOWS,
    from_file={"type": "boolean", "description": "it stands in the configuration file and is changed there"},
    paired_by=TEXT,
    paired_at=MAYBE_TIME,
    seen_at={**MAYBE_TIME, "description": "its last contact"},
    address=TEXT,
    online={"type": "boolean", "description": "heard within 30 s"},
)

SCREENS = shape(["now", "screens"], now=TIME, screens={"type": "array", "items": ref("Screen")})

_GIVEN = {
    "name": {"type": "string", "minLength": 1, "maxLength": 80},
    "projects": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 50, "description": "ids, in turn"},
    **_SHOWS,
}

PAIR = {
    **shape(["code", "name", "projects"], code={**TEXT, "examples": ["K7M-P3X"]}, **_GIVEN, by=_BY),
    "additionalProperties": False,
}

SCREEN_EDIT = {**shape([], **_GIVEN), "additionalProperties": False}

_TARGET = {
    "type": "object",
    "description": "a target as in the configuration file: kpi, window, goal, warning, critical, clear, for, clear_after, min_sample, …",
    "required": ["kpi"],
}

TARGETS = shape(
    ["project", "now", "today", "revision", "may_edit", "targets", "stages", "edits"],
    project=TEXT,
    now=TEXT,
    today={**TEXT, "format": "date", "description": "the project's own day"},
    revision={**TEXT, "description": "say it as seen when you edit"},
    may_edit={"type": "boolean"},
    targets={"type": "array", "items": _TARGET},
    stages={
        "type": "array",
        "items": shape(
            ["from", "targets"], targets={"type": "array", "items": _TARGET}, **{"from": {"type": ["string", "null"]}}
        ),
    },
    edits={
        "type": "array",
        "items": shape(
            ["from", "at", "by", "back_to_file"], at=TEXT, by=TEXT, back_to_file={"type": "boolean"}, **{"from": TEXT}
        ),
    },
)

TARGETS_WANTED = {
    **shape(
        ["targets", "seen"],
        targets={"type": ["array", "null"], "items": _TARGET, "description": "null: those of the file again"},
        seen={**TEXT, "description": "the revision that you read"},
        by=_BY,
        **{"from": {**TEXT, "format": "date", "description": "today, when left out, or a later day"}},
    ),
    "additionalProperties": False,
}

TAKEN = shape(
    ["accepted", "duplicates"],
    accepted={**COUNT, "description": "events that are in the log now"},
    duplicates={
        **COUNT,
        "description": "of these, had come before, as far as this process remembers; each counts once in any case",
    },
)

BAD_EVENTS = shape(
    ["type", "title", "status", "detail", "errors", "more"],
    type=TEXT,
    title=TEXT,
    status={"type": "integer"},
    detail=TEXT,
    errors={
        "type": "array",
        "items": shape(
            ["index", "path", "problem", "right"],
            index={**COUNT, "description": "the event's place in the batch, from 0"},
            path={**TEXT, "description": "where in it; empty for the event itself"},
            problem=TEXT,
            right={"type": "object", "description": "an event of this type as it would be right"},
        ),
    },
    more={"type": "boolean", "description": "there are further ones"},
)

BODY = next(iter(DOORS.values())).body
"""What may be pushed, by the name of its schema."""

PUSHED: dict[str, Any] = {name: schema for door in DOORS.values() for name, schema in door.schemas.items()}

COMPONENTS: dict[str, dict[str, Any]] = {
    **PUSHED,
    "Acknowledge": ACKNOWLEDGE,
    "Agent": AGENT,
    "Alert": ALERT,
    "AlertLog": ALERT_LOG,
    "Alerts": ALERTS,
    "AllAlerts": ALL_ALERTS,
    "BadEvents": BAD_EVENTS,
    "Board": BOARD,
    "Code": CODE,
    "Critical": CRITICAL,
    "Health": HEALTH,
    "Incident": INCIDENT,
    "Intervals": INTERVALS,
    "Kpi": KPI,
    "Maintenance": MAINTENANCE,
    "Lost": LOST,
    "Orders": ORDERS,
    "Overview": OVERVIEW,
    "Pair": PAIR,
    "Problem": PROBLEM,
    "Projects": PROJECTS,
    "Rule": RULE,
    "Screen": SCREEN,
    "ScreenEdit": SCREEN_EDIT,
    "Screens": SCREENS,
    "Silence": SILENCE,
    "Silent": SILENT,
    "Source": SOURCE,
    "Sources": SOURCES,
    "Taken": TAKEN,
    "Targets": TARGETS,
    "TargetsWanted": TARGETS_WANTED,
    "Waiting": WAITING,
}
