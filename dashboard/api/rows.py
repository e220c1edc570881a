"""Every native route, a row each."""

from __future__ import annotations

from typing import Any

from dashboard.access.caller import Caller
from dashboard.api import (
    alert_log,
    alert_words,
    alerts,
    board,
    commands,
    desk,
    health,
    ingest,
    metrics,
    pairing,
    screens,
    targets,
)
from dashboard.api import intervals as past
from dashboard.api.openapi import document
from dashboard.api.route import Parameter, Reply, Route, Web
from dashboard.api.schemas import BODY, TEXT, ref
from dashboard.api.sentences import LANGUAGE
from dashboard.asgi import JSON, PROBLEM, Answer, Request

LOG = (
    Parameter("from", "a date or a time with offset; entries before are left out", TEXT),
    Parameter("to", "likewise; a date includes that day, a time is where the stretch ends", TEXT),
    Parameter(
        "limit",
        f"entries, at most {alert_log.MOST_ENTRIES}; {alert_log.DEFAULT_LIMIT} when left out",
        {"type": "integer"},
    ),
    LANGUAGE,
)
SPOKEN = (400, 403, 404, 409, 413, 415, 422, 503)

OWNED = ("/api/", "/ingest/", "/healthz", "/metrics", "/pair")
"""Paths that never reach the pages."""


def _json(description: str, name: str) -> dict[int, Reply]:
    return {200: Reply(description, {JSON: ref(name)})}


def _heard(description: str) -> dict[int, Reply]:
    return {202: Reply(description, {JSON: {"type": "object", "required": ["accepted"]}})}


def rows(read_intervals: past.Read) -> tuple[Route, ...]:
    """The routes. ``read_intervals``: ``operations.intervals.intervals``, or a like of it."""
    written: dict[str, Any] = {}
    short = desk.ShortBoards()

    async def openapi(web: Web, request: Request, caller: Caller) -> Answer:
        return Answer.json(written)

    table = (
        Route("GET", "/healthz", "healthz", "Whether every role lives and Redis answers",
              health.healthz, {**_json("All roles live", "Health"), 503: Reply("Something is missing", {JSON: ref("Health")})},
              open=True, tag="operation"),
        Route("GET", "/metrics", "metrics", "Figures for Prometheus",
              metrics.metrics, {200: Reply("Prometheus text", {"text/plain": TEXT})}, tag="operation"),
        Route("GET", "/api/v1/projects", "listProjects", "The projects that you may see",
              board.projects, _json("Projects", "Projects")),
        Route("GET", "/api/v1/overview", "overview", "Every project that you may see, in short",
              desk.overview(short), _json("Boards without queues and agents; 200 also while Redis is away", "Overview")),
        Route("GET", "/api/v1/critical", "critical", "Which of your projects call for somebody",
              desk.critical(short), _json("By project; 200 also while Redis is away", "Critical"),
              (Parameter("projects", "ids, with commas between them; all of yours when left out", TEXT),)),
        Route("GET", "/api/v1/sources", "listSources", "The sources that your projects use",
              desk.sources_page, _json("Sources by id", "Sources"), (LANGUAGE,), (422,)),
        Route("GET", "/api/v1/projects/{project}/board", "readBoard", "The snapshot that the wall draws",
              board.board, {**_json("The board", "Board"), 304: Reply("You have this revision already", {})},
              (Parameter("If-None-Match", "the ETag of the board that you have", TEXT, where="header"),), (503,)),
        Route("GET", "/api/v1/projects/{project}/intervals", "readIntervals", "The past, by intervals",
              past.handler(read_intervals),
              {200: Reply("Intervals, oldest first", {JSON: ref("Intervals"), "text/csv": TEXT})},
              (Parameter("from", "a date in the project's time zone, or a time with offset", TEXT, required=True),
               Parameter("to", "likewise; a date includes that day, a time is where the stretch ends", TEXT, required=True),
               Parameter("interval", "minutes; the site's interval when left out", {"type": "integer", "enum": list(past.LENGTHS)}),
               Parameter("queue", "one queue (SOURCE/QUEUE) instead of the whole project", TEXT)),
              (400, 422, 503)),
        Route("GET", "/api/v1/projects/{project}/live", "watchBoard", "Server-sent events: snapshot, change, heartbeat",
              board.live, {200: Reply("A stream; docs/api.md describes its events", {"text/event-stream": TEXT})},
              (Parameter("Last-Event-ID", "the last revision that you have", TEXT, where="header"),
               Parameter("last_event_id", "the same, for a client that cannot set a header", TEXT)), (503,)),
        Route("POST", "/api/v1/sources/{source}/commands", "commandSource", "Let something happen on a simulator",
              commands.command, {202: Reply("It will happen", {JSON: {"type": "object"}})},
              problems=(400, 403, 404, 409, 413, 415, 422, 503), body=ref("Incident")),
        Route("POST", "/ingest/{source}", "push", "Bring events and facts to a source that is pushed to, a batch whole or not at all",
              ingest.Ingest(), {202: Reply("The batch is in the event log", {JSON: ref("Taken")}),
                                422: Reply("Nothing was taken; errors says what is wrong where", {PROBLEM: ref("BadEvents")})},
              (Parameter("Content-Encoding", "gzip, or nothing", TEXT, where="header"),), (400, 408, 413, 415, 503),
              body=ref(BODY), tag="sources", door=True),
        Route("GET", "/api/v1/alerts", "listAlerts", "What is firing and what is silent in every project that you may see",
              alerts.all_alerts(), _json("By project; 200 also while Redis is away", "AllAlerts"), (LANGUAGE,), (422,)),
        Route("GET", "/api/v1/alerts/log", "readAllAlertLogs", "What happened to the alerts of every project that you may see",
              alert_log.all_logs, _json("Entries, newest first", "AlertLog"), LOG, (400, 422, 503)),
        Route("GET", "/api/v1/projects/{project}/alerts", "readAlerts", "One project's alerts, silences and rules",
              alerts.alerts, _json("Alerts, worst first", "Alerts"), (LANGUAGE,), (422, 503)),
        Route("GET", "/api/v1/projects/{project}/alerts/log", "readAlertLog", "What happened to one project's alerts",
              alert_log.project_log, _json("Entries, newest first", "AlertLog"), LOG, (400, 422, 503)),
        Route("POST", "/api/v1/projects/{project}/alerts/acknowledge", "acknowledgeAlert", "Answer an alert that is firing",
              alert_words.acknowledge, _heard("It is answered at the engine's next tick"), problems=SPOKEN, body=ref("Acknowledge")),
        Route("POST", "/api/v1/projects/{project}/silences", "silenceAlerts", "Silence a KPI, a queue or everything, for a time",
              alert_words.silence, _heard("It is silent from the engine's next tick on"), problems=SPOKEN, body=ref("Silence")),
        Route("DELETE", "/api/v1/projects/{project}/silences/{silence}", "endSilence", "End a silence or a maintenance before its time",
              alert_words.unsilence, _heard("It ends at the engine's next tick"),
              (Parameter("by", "who asks, where nobody signs in", TEXT),), (403, 404, 409, 422, 503)),
        Route("POST", "/api/v1/projects/{project}/maintenance", "planMaintenance", "Put a project or one of its sources under maintenance",
              alert_words.maintenance, _heard("It is planned from the engine's next tick on"), problems=SPOKEN, body=ref("Maintenance")),
        Route("GET", "/pair", "pairPage", "The page on which a screen shows its code",
              pairing.page, {200: Reply("A page", {"text/html": TEXT})}, open=True, tag="screens"),
        Route("POST", pairing.PATH, "pairingCode", "The code of this browser, or what it is once somebody has confirmed it",
              pairing.code, _json("A code, or where to go; the token comes as a cookie", "Code"), problems=(403, 429, 503),
              open=True, tag="screens"),
        Route("GET", "/api/v1/screen", "screenSpeaks", "A paired screen speaks, and hears what is wanted of it",
              screens.contact, _json("What is wanted", "Orders"), problems=(404,), tag="screens"),
        Route("GET", "/api/v1/screens", "listScreens", "The screens whose projects are all yours",
              screens.screens, _json("Screens by name", "Screens"), problems=(403, 503), tag="screens"),
        Route("POST", "/api/v1/screens", "pairScreen", "Confirm the code of a screen and say what it shows",
              screens.pair(), {201: Reply("It is paired", {JSON: ref("Screen")})},
              problems=(400, 403, 404, 409, 413, 415, 422, 429, 503), body=ref("Pair"), tag="screens"),
        Route("PATCH", "/api/v1/screens/{screen}", "changeScreen", "Let a screen show something else, or rename it",
              screens.change, _json("The screen as it is now", "Screen"), problems=SPOKEN, body=ref("ScreenEdit"), tag="screens"),
        Route("POST", "/api/v1/screens/{screen}/reload", "reloadScreen", "Let a screen load its page again",
              screens.renew, _json("The screen", "Screen"), problems=(403, 404, 409, 503), tag="screens"),
        Route("POST", "/api/v1/screens/{screen}/identify", "identifyScreen", "Let a screen show its name",
              screens.identify, _json("The screen", "Screen"), problems=(403, 404, 409, 503), tag="screens"),
        Route("DELETE", "/api/v1/screens/{screen}", "revokeScreen", "Take a screen's token away",
              screens.revoke, {200: Reply("It is revoked", {JSON: {"type": "object"}})}, problems=(403, 404, 409, 503), tag="screens"),
        Route("GET", "/api/v1/projects/{project}/targets", "readTargets", "The targets that hold today, their stages, and who edited them",
              targets.targets, _json("Targets as the file writes them", "Targets"), problems=(503,)),
        Route("POST", "/api/v1/projects/{project}/targets", "editTargets", "Change the targets from today or a later day on",
              targets.edit, _heard("They hold within a second or two"), problems=SPOKEN, body=ref("TargetsWanted")),
        Route("GET", "/api/v1/openapi.json", "openapi", "This document",
              openapi, {200: Reply("OpenAPI 3.1", {JSON: {"type": "object"}})}),
    )  # fmt: skip
    written.update(document(table))
    return table
