"""The API, health and metrics of a real web process, held against their own document."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from dashboard.api.rows import rows
from operations.floor.counters import Counters
from tests.dashboard.conftest import WebProcess, configuration, eventually
from tests.dashboard.publisher import Publisher, board_checked, now_ms, role_lives, source_says
from tests.operations.intraday.past import write


@pytest.fixture
def described(web: WebProcess) -> Callable[[str, int, Any, str], None]:
    """Checks an answer's body against the served document."""
    document = web.get("/api/v1/openapi.json").json()

    def check(path: str, status: int, body: Any, method: str = "get") -> None:
        content = document["paths"][path][method]["responses"][str(status)]["content"]
        kind = next(iter(content))
        schema = {**content[kind]["schema"], "components": document["components"]}
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(body)

    return check


def test_the_document_is_valid_openapi_and_names_every_route_of_the_contract(web: WebProcess) -> None:
    document = web.get("/api/v1/openapi.json").json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {row.path for row in rows(lambda *_: [])}
    assert set(document["paths"]) >= {
        "/healthz",
        "/metrics",
        "/api/v1/projects",
        "/api/v1/projects/{project}/board",
        "/api/v1/projects/{project}/intervals",
        "/api/v1/projects/{project}/live",
    }


def test_projects_are_listed_with_their_queues(web: WebProcess, described: Callable[..., None]) -> None:
    body = web.get("/api/v1/projects").json()
    described("/api/v1/projects", 200, body)
    assert body["projects"][0] == {"id": "p0", "name": "Project p0", "client": "Acme", "queues": ["demo/p0"]}


def test_the_board_is_the_engines_snapshot_with_ages_of_this_moment(
    web: WebProcess, publisher: Publisher, described: Callable[..., None]
) -> None:
    publisher.board(7)
    source_says(publisher.client, "demo", now_ms() - 4_000, written_at=now_ms())
    board_checked(publisher.client, publisher.project, now_ms() - 1_000)
    body = web.get(f"/api/v1/projects/{publisher.project}/board").json()
    described("/api/v1/projects/{project}/board", 200, body)
    assert body["revision"] == 7
    assert body["kpis"]["contacts_waiting"]["value"] == 0
    assert body["sources"]["demo"]["state"] == "up"
    assert 4 <= body["sources"]["demo"]["age_s"] < 20
    assert 1 <= body["age_s"] < 20


def test_a_boards_source_is_judged_when_it_is_read_and_not_when_it_was_written(
    web: WebProcess, publisher: Publisher
) -> None:
    publisher.board(7)
    path = f"/api/v1/projects/{publisher.project}/board"
    assert web.get(path).json()["sources"]["demo"]["why"] == "no_collector"
    source_says(publisher.client, "demo", now_ms(), last_word_at=now_ms() - 20_000)
    assert web.get(path).json()["sources"]["demo"]["state"] == "stale"
    source_says(publisher.client, "demo", now_ms() - 20_000)
    assert web.get(path).json()["sources"]["demo"]["error"] == "collector not running"


def test_a_board_that_the_caller_has_is_not_sent_again(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(7)
    source_says(publisher.client, "demo", now_ms())
    board_checked(publisher.client, publisher.project, now_ms())
    path = f"/api/v1/projects/{publisher.project}/board"
    first = web.get(path)
    again = web.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["floorlight-checked-at"], "a poller learns that the board is still right"
    publisher.step()
    assert web.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_a_source_that_goes_down_changes_the_tag_even_if_the_engine_is_dead(
    web: WebProcess, publisher: Publisher
) -> None:
    publisher.board(7)
    source_says(publisher.client, "demo", now_ms())
    path = f"/api/v1/projects/{publisher.project}/board"
    tag = web.get(path).headers["etag"]
    source_says(publisher.client, "demo", now_ms(), state="down", error="refused")
    assert web.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_project_without_a_board_yet_says_so(
    web: WebProcess, publisher: Publisher, described: Callable[..., None]
) -> None:
    answer = web.get(f"/api/v1/projects/{publisher.project}/board")
    assert answer.status_code == 503
    described("/api/v1/projects/{project}/board", 503, answer.json())


def test_the_overview_has_every_project_also_without_a_board(
    web: WebProcess, publisher: Publisher, described: Callable[..., None]
) -> None:
    publisher.board(3)
    board_checked(publisher.client, publisher.project, now_ms())
    source_says(publisher.client, "demo", now_ms())
    eventually(lambda: _short(web, publisher.project).get("revision") == 3, "the board shows")
    eventually(
        lambda: _short(web, publisher.project)["sources"]["demo"]["state"] == "up", "its source is judged afresh"
    )
    body = web.get("/api/v1/overview").json()
    described("/api/v1/overview", 200, body)
    assert body["redis"] is True
    assert _short(web, publisher.project)["kpis"]["contacts_waiting"]["band"] == "ok"
    assert "agents" not in _short(web, publisher.project)
    assert _short(web, "other") == {"project": "other", "name": "Other", "checked_at": None}


def _short(web: WebProcess, project: str) -> dict[str, Any]:
    return next(board for board in web.get("/api/v1/overview").json()["projects"] if board["project"] == project)


def test_the_sources_say_their_rate_their_clock_and_queues_that_nobody_named(
    web: WebProcess, publisher: Publisher, described: Callable[..., None]
) -> None:
    publisher.client.sadd("floor:{demo}:queues", "p0", "forgotten")
    began = now_ms()

    def rate() -> Any:
        now = now_ms()
        source_says(publisher.client, "demo", now, events=(now - began) // 10, facts={"clock_skew_ms": -3_600_000})
        return web.get("/api/v1/sources").json()["sources"]["demo"]["events_s"]

    eventually(lambda: rate() is not None and 80 < rate() < 120, "a hundred events a second")
    body = web.get("/api/v1/sources").json()
    described("/api/v1/sources", 200, body)
    demo = body["sources"]["demo"]
    assert demo["state"] == "up"
    assert demo["clock_skew_ms"] == -3_600_000
    assert demo["unnamed_queues"] == ["forgotten"]
    assert "Project p0" in demo["projects"]
    assert "Other" not in demo["projects"]
    assert body["config"]["errors"] == []


def test_a_source_says_what_it_tells_and_what_it_does_not_and_until_when_it_is_limited(
    web: WebProcess, publisher: Publisher, described: Callable[..., None]
) -> None:
    soon = now_ms() + 3_600_000
    facts = {"gives": ["waiting", "contacts", "surveys"], "version": "9.1", "limited_until": soon, "warning": "slow"}
    facts |= {"refused_future": 7}
    source_says(publisher.client, "demo", now_ms(), facts=facts)
    body = web.get("/api/v1/sources?language=zh-Hans").json()
    described("/api/v1/sources", 200, body)
    demo = body["sources"]["demo"]
    assert demo["gives"] == ["contacts", "surveys", "waiting"]
    assert "持线时长" in demo["untold"]
    assert demo["also"] == ["满意度评价"]
    assert (demo["version"], demo["warning"], demo["refused_future"]) == ("9.1", "slow", 7)
    assert datetime.fromisoformat(demo["limited_until"]).timestamp() * 1000 == soon
    source_says(publisher.client, "demo", now_ms(), facts={"limited_until": now_ms() - 1})
    plain = web.get("/api/v1/sources").json()["sources"]["demo"]
    assert (plain["limited_until"], plain["untold"], plain["also"], plain["refused_future"]) == (None, [], [], 0)
    assert web.get("/api/v1/sources?language=xx").status_code == 422


HOSTILE = [
    "nobody",
    "../p0",
    "..%2Fp0",
    "p0%00",
    "%00",
    "p" * 10_000,
    "%F0%9F%92%A9",
    "%ff%fe",
    "p0%0d%0aX: y",
    "{project}",
    "p0;",
    "*",
    "boards:checked",
]


@pytest.mark.parametrize("identity", HOSTILE, ids=range(len(HOSTILE)))
def test_an_id_that_is_no_project_is_an_unknown_project_whatever_it_holds(web: WebProcess, identity: str) -> None:
    host = web.address.removeprefix("http://")
    for tail in ("board", "live", "intervals"):
        said = web.raw(
            f"GET /api/v1/projects/{identity}/{tail} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), head
        if head.startswith(b"HTTP/1.1 404"):
            assert b"application/problem+json" in head
            assert len(body) < 500, "it does not repeat what it was asked"
    assert web.get("/api/v1/projects").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/api/v1/projects", "GET, HEAD"),
        ("DELETE", "/api/v1/projects/p0/board", "GET, HEAD"),
        ("PUT", "/healthz", "GET, HEAD"),
        ("GET", "/api/v1/sources/demo/commands", "POST"),
        ("OPTIONS", "/api/v1/projects", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_has_not_is_405_with_those_that_it_has(
    web: WebProcess, method: str, path: str, allow: str
) -> None:
    host = web.address.removeprefix("http://")
    said = web.raw(
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
    ).decode()
    assert said.startswith("HTTP/1.1 405")
    assert f"allow: {allow}\r\n" in said
    assert json.loads(said.partition("\r\n\r\n")[2])["status"] == 405


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api/v2/projects", "/healthz/x", "/metrics/"])
def test_an_address_of_the_api_that_is_not_there_is_a_problem_and_not_a_page(web: WebProcess, path: str) -> None:
    answer = web.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}


def test_head_says_the_same_as_get_without_a_body(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(1)
    host = web.address.removeprefix("http://")
    for path in ("/api/v1/projects", f"/api/v1/projects/{publisher.project}/board", "/api/v1/nothing", "/"):
        head, _, body = web.raw(
            f"HEAD {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        ).partition(b"\r\n\r\n")
        assert body == b""
        assert b"content-length: " in head
        assert b"content-length: 0" not in head


GOOD = "from=2026-11-20T09:00:00%2B08:00&to=2026-11-20T11:00:00%2B08:00"


def test_intervals_come_with_their_bounds_counters_and_kpis(
    web: WebProcess, publisher: Publisher, described: Callable[..., None]
) -> None:
    path = f"/api/v1/projects/{publisher.project}/intervals"
    body = web.get(f"{path}?{GOOD}&interval=30").json()
    described("/api/v1/projects/{project}/intervals", 200, body)
    assert [row["start"] for row in body["intervals"]] == [
        "2026-11-20T09:00:00.000+08:00", "2026-11-20T09:30:00.000+08:00", "2026-11-20T10:00:00.000+08:00", "2026-11-20T10:30:00.000+08:00",
    ]  # fmt: skip
    assert {row["queue"] for row in body["intervals"]} == {None}
    of_queue = web.get(f"{path}?{GOOD}&interval=60&queue={publisher.queue}").json()["intervals"]
    assert [row["queue"] for row in of_queue] == [publisher.queue] * 2


def test_a_bare_date_is_a_whole_day_of_the_projects_zone(web: WebProcess, publisher: Publisher) -> None:
    rows = web.get(f"/api/v1/projects/{publisher.project}/intervals?from=2026-11-20&to=2026-11-20&interval=15").json()[
        "intervals"
    ]
    assert len(rows) == 96
    assert rows[0]["start"] == "2026-11-20T00:00:00.000+08:00"
    assert rows[-1]["end"] == "2026-11-21T00:00:00.000+08:00"


def test_intervals_as_csv_when_the_caller_prefers_it(web: WebProcess, publisher: Publisher) -> None:
    path = f"/api/v1/projects/{publisher.project}/intervals?{GOOD}"
    answer = web.get(path, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    lines = answer.text.split("\r\n")
    assert lines[0].startswith("start,end,queue,")
    assert lines[1].startswith("2026-11-20T09:00:00.000+08:00,2026-11-20T09:30:00.000+08:00,,")
    for accept in ("*/*", "application/json", "text/csv;q=0.2, application/json", "text/html"):
        assert web.get(path, headers={"Accept": accept}).headers["content-type"] == "application/json"


def test_intervals_tell_what_the_source_cannot_give_apart_from_nothing(
    web: WebProcess, publisher: Publisher, described: Callable[..., None]
) -> None:
    source_says(publisher.client, "demo", now_ms(), facts={"gives": ["contacts", "abandons"]})
    start = datetime.fromisoformat("2026-11-20T09:00:00+08:00")
    booked = Counters({"offered": 4, "answered": 3, "handled": 3, "abandoned": 1})
    write(publisher.client, "demo", {(publisher.project, int(start.timestamp() * 1000)): booked}, now_ms())
    path = f"/api/v1/projects/{publisher.project}/intervals?{GOOD}"
    body = web.get(path).json()
    described("/api/v1/projects/{project}/intervals", 200, body)
    row = body["intervals"][0]
    assert (row["kpis"]["answered"], row["kpis"]["abandon_rate_pct"]) == (3, 25)
    assert row["kpis"]["avg_hold_s"] is row["kpis"]["service_level_pct"] is None
    assert {"avg_hold_s", "aht_s", "service_level_pct"} <= set(row["not_reported"])
    assert "answered" not in row["not_reported"]
    table = list(csv.DictReader(io.StringIO(web.get(path, headers={"Accept": "text/csv"}).text)))
    assert "avg_hold_s" in table[0]["not_reported"].split()
    assert (table[0]["avg_hold_s"], table[0]["kpi_answered"], table[0]["partial"]) == ("", "3", "")


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("", 400, "from: expected a date"),
        ("from=2026-11-20", 400, "to: expected a date"),
        ("from=yesterday&to=2026-11-20", 400, "from: expected a date"),
        ("from=2026-02-30&to=2026-11-20", 400, "from: expected a date"),
        ("from=2026-11-20T10:00:00&to=2026-11-21", 422, "no offset"),
        ("from=2026-11-21&to=2026-11-20", 422, "must be later"),
        ("from=2020-01-01&to=2026-11-20", 422, "92 days"),
        ("from=0001-01-01&to=0001-01-02", 400, "from: expected a date"),
        ("from=9999-12-31&to=9999-12-31", 400, "expected a date"),
        ("from=2026-11-20&to=2026-11-20&interval=7", 422, "15, 30, 60"),
        ("from=2026-11-20&to=2026-11-20&interval=%D9%A1%D9%A5", 422, "15, 30, 60"),
        ("from=2026-11-20&to=2026-11-20&queue=hq/sales", 422, "queue: not one of this project's"),
        (f"from={'9' * 9_000}&to=2026-11-20", 400, "from: expected a date"),
    ],
)  # fmt: skip
def test_a_wrong_question_about_the_past_is_told_what_would_be_right(
    web: WebProcess, publisher: Publisher, described: Callable[..., None], query: str, status: int, says: str
) -> None:
    answer = web.get(f"/api/v1/projects/{publisher.project}/intervals?{query}")
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    described("/api/v1/projects/{project}/intervals", status, answer.json())


def test_health_is_200_when_every_role_lives_and_says_which_does_not(
    web: WebProcess, publisher: Publisher, described: Callable[..., None]
) -> None:
    client = publisher.client
    client.delete(*client.keys("role:collect:*") or ["-"])
    eventually(lambda: web.get("/healthz").json()["roles"]["serve"]["alive"], "the web role says that it lives")
    failing = web.get("/healthz")
    assert failing.status_code == 503
    described("/healthz", 503, failing.json())
    assert not failing.json()["roles"]["collect"]["alive"]
    role_lives(client, "collect", now_ms())
    role_lives(client, "operate", now_ms())
    source_says(client, "demo", now_ms(), state="down", error="refused")
    well = web.get("/healthz")
    described("/healthz", 200, well.json())
    assert well.status_code == 200, "a source that is down does not make the program ill"
    body = well.json()
    assert body["sources"]["demo"]["state"] == "down"
    assert body["sources"]["demo"]["error"] == "refused"
    assert body["config"]["path"] == "wallboard.yaml", "the name and not the place"
    assert body["config"]["errors"] == []
    role_lives(client, "operate", now_ms() - 11_000)
    assert web.get("/healthz").status_code == 503, "an old sign of life is none"


def test_health_tells_of_a_configuration_that_cannot_be_used(own_web: Callable[[str], WebProcess]) -> None:
    web = own_web(configuration())
    web.configure(configuration("nonsense: 1\n"))
    eventually(lambda: bool(web.get("/healthz").json()["config"]["errors"]), "the error shows")
    assert "nonsense" in web.get("/healthz").json()["config"]["errors"][0]
    assert web.get("/api/v1/projects").json()["projects"], "the old configuration stays"


def test_metrics_are_what_prometheus_reads(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(1)
    board_checked(publisher.client, publisher.project, now_ms())
    source_says(publisher.client, "demo", now_ms(), events=1_234)
    publisher.client.hset("engine:metrics", "e1", json.dumps({"applied": 99, "lag_s": 0.25, "boards": 12, "more": 1}))
    publisher.client.hset("engine:metrics", "e2", b"junk")
    families = {family.name: family for family in text_string_to_metric_families(web.get("/metrics").text)}

    def value(name: str, **labels: str) -> float:
        family = families[name.removesuffix("_total")]
        return next(s.value for s in family.samples if s.name == name and labels.items() <= s.labels.items())

    assert value("floorlight_events_received_total", source="demo") == 1_234
    assert value("floorlight_events_applied_total", instance="e1") == 99
    assert value("floorlight_lag_seconds", instance="e1") == 0.25
    assert value("floorlight_boards_pushed_total", instance="e1") == 12
    assert value("floorlight_source_state", source="demo", state="up") == 1
    assert value("floorlight_redis_up") == 1
    assert value("floorlight_board_age_seconds", project=publisher.project) < 20


@pytest.mark.parametrize(
    ("source", "content", "status"),
    [
        ("demo", {"incident": "surge", "minutes": 5, "by": "mei"}, 202),
        ("demo", {"incident": "lunch", "queue": "demo/p0"}, 202),
        ("hq", {"incident": "surge"}, 409),
        ("nobody", {"incident": "surge"}, 404),
        ("demo", {}, 422),
        ("demo", {"incident": "surge", "minutes": -1}, 422),
        ("demo", {"incident": "surge", "minutes": 1e9}, 422),
        ("demo", {"incident": "<script>"}, 422),
        ("demo", {"incident": "surge", "shout": True}, 422),
        ("demo", {"incident": "surge", "by": "x" * 100}, 422),
        ("demo", {"incident": "surge", "by": "x" * 10_000}, 413),
        ("demo", [], 422),
    ],
)
def test_a_command_reaches_a_simulator_and_nothing_else(
    web: WebProcess, publisher: Publisher, described: Callable[..., None], source: str, content: Any, status: int
) -> None:
    answer = web.post(f"/api/v1/sources/{source}/commands", json=content)
    assert answer.status_code == status, answer.text
    described("/api/v1/sources/{source}/commands", status, answer.json(), "post")
    waiting = publisher.client.lrange(f"source:{{{source}}}:commands", 0, -1)
    assert len(waiting) == (1 if status == 202 else 0)
    if waiting:
        assert json.loads(waiting[0])["incident"] == content["incident"]


def test_commands_do_not_pile_up_where_nobody_takes_them(web: WebProcess, publisher: Publisher) -> None:
    def ask() -> int:
        return web.post("/api/v1/sources/demo/commands", json={"incident": "surge"}).status_code

    assert ask() == 202
    publisher.client.rpush("source:{demo}:commands", *[b"{}"] * 99)
    assert ask() == 503
    assert publisher.client.llen("source:{demo}:commands") == 100


def test_pages_come_compressed_and_their_files_may_be_kept_for_ever(web: WebProcess) -> None:
    page = web.get("/")
    assert page.headers["content-encoding"] == "gzip"
    assert page.headers["cache-control"] == "no-store"
    paths = [part.split('"')[0] for part in page.text.split('src="')[1:]]
    script = next(path for path in paths if "dash_renderer" in path)
    answer = web.get(script)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(answer.content) / 2
    assert "max-age=31536000" in answer.headers["cache-control"]
    plain = web.get(script, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content


def test_no_page_names_another_host(web: WebProcess) -> None:
    text = web.get("/").text
    addresses = [part.split('"')[0] for mark in ('src="', 'href="') for part in text.split(mark)[1:]]
    assert addresses
    assert [address for address in addresses if not address.startswith(("/", "#", "data:"))] == []


def test_a_body_that_is_too_long_is_refused_before_it_is_read(web: WebProcess) -> None:
    host = web.address.removeprefix("http://")
    with web.connection() as link:
        link.sendall(
            f"POST /_dash-update-component HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n".encode()
        )
        assert link.recv(65536).startswith(b"HTTP/1.1 413")
