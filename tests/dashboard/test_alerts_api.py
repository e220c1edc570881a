"""Alerts by the API: what is firing, the log, and people's words, which are taken whole or refused whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import jsonschema
import msgspec
import pytest
import redis as redis_py

from operations.alerts.evaluate import AlertState
from operations.alerts.keeper import MOST_WORDS, Word
from operations.alerts.silences import Silence
from operations.store import boards, keys
from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.conftest import WebProcess, configuration, eventually
from tests.dashboard.publisher import Publisher, now_ms
from tests.dashboard.test_access import ACCESS, BUYER, MEI, NORTH

WAIT = "longest_wait_s@now"
RULED = (
    "site: {name: Harbour, time_zone: Asia/Shanghai}\n"
    "sources:\n  demo: {kind: simulator, seed: 7}\n  hq: {kind: queue_log, path: /nowhere/queue_log}\n"
    "projects:\n"
    "  p0:\n    name: Project p0\n    client: Acme\n    queues: [demo/l1, demo/l2]\n"
    "    maintenance: [{from: 2099-01-01 22:00, until: 2099-01-02 06:00, why: new release}]\n"
    "    targets:\n"
    "      - {kpi: longest_wait_s, goal: 60, warning: 45, critical: 90, clear: 40, for: 10s}\n"
    "      - {kpi: service_level_pct, window: today, goal: 80, min_sample: 20}\n"
    "      - {kpi: contacts_waiting, warning: 5, critical: 9, per_queue: true}\n"
    "  other: {name: Other, client: Rival, queues: [hq/sales]}\n"
)
HTML = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def shared_ruled(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("ruled"), redis_server.url, RULED).start()
    yield web
    web.stop()


@pytest.fixture(scope="module")
def shared_signed(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("signed"), redis_server.url, configuration(ACCESS)).start()
    yield web
    web.stop()


@pytest.fixture
def ruled(shared_ruled: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """A web process whose project has rules, where nobody signs in."""
    return shared_ruled


@pytest.fixture
def signed(shared_signed: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """One where people sign in."""
    return shared_signed


def alert(**more: Any) -> dict[str, Any]:
    """An alert as the engine shows it on the board."""
    return {
        "id": WAIT,
        "episode": f"{WAIT}#1",
        "kpi": "longest_wait_s",
        "window": "now",
        "queue": "",
        "source": "",
        "label": "Longest wait",
        "unit": "s",
        "level": "critical",
        "state": "firing",
        "since": "2026-11-22T10:00:00.000+08:00",
        "fired_at": "2026-11-22T10:00:10.000+08:00",
        "value": 94,
        "target": 60,
        "limit": 90,
        "reason": "Longest wait 1:34 over 1:30 for 10 s; goal 1:00",
        "acked": None,
        "silenced": None,
        "inhibited": "",
        **more,
    }


def fires(client: redis_py.Redis, project: str = "p0", **more: Any) -> None:
    head = Publisher(client, project).head() | {"alerts": [alert(**more)]}
    client.hset(keys.board(project), boards.HEAD, msgspec.json.encode(head))


def logged(client: redis_py.Redis, project: str, at: int, **entry: Any) -> None:
    client.xadd(keys.alert_log(project), {"entry": msgspec.json.encode({"at": at, **entry})}, id=f"{at}-*")


def words(client: redis_py.Redis, project: str = "p0") -> list[Word]:
    return [msgspec.json.decode(blob, type=Word) for blob in client.lrange(keys.words(project), 0, -1)]


@pytest.fixture
def described(ruled: WebProcess) -> Callable[..., None]:
    """Checks an answer's body against the served document."""
    document = ruled.get("/api/v1/openapi.json").json()

    def check(path: str, body: Any, status: int = 200, method: str = "get") -> None:
        content = document["paths"][path][method]["responses"][str(status)]["content"]
        schema = {**next(iter(content.values()))["schema"], "components": document["components"]}
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(body)

    return check


# ── what is ───────────────────────────────────────────────────────────────────────────────────────


def test_a_projects_alerts_silences_and_rules_are_told_with_the_state_of_each(
    ruled: WebProcess, redis: redis_py.Redis, described: Callable[..., None]
) -> None:
    fires(redis)
    began = now_ms() - 20_000
    state = AlertState(level=2, began_at=began, fired_at=began + 10_000, value=94)
    redis.hset(keys.alert_states("p0"), WAIT, msgspec.json.encode(state))
    mine = Silence("s1", "mei", "known", began, now_ms() + 60_000, queue="demo/l1")
    over = Silence("s2", "mei", "over", began, now_ms() - 1)
    redis.hset(keys.alert_silences("p0"), mapping={each.id: msgspec.json.encode(each) for each in (mine, over)})
    body = ruled.get("/api/v1/projects/p0/alerts").json()
    described("/api/v1/projects/{project}/alerts", body)
    assert [found["id"] for found in body["alerts"]] == [WAIT]
    assert [(found["id"], found["active"]) for found in body["silences"]] == [("s1", True)]
    assert [(found["why"], found["planned"], found["active"]) for found in body["maintenance"]] == [
        ("new release", True, False)
    ]
    by_id = {rule["id"]: rule for rule in body["rules"]}
    assert by_id[WAIT]["state"] == "firing"
    assert (by_id[WAIT]["warning"], by_id[WAIT]["critical"], by_id[WAIT]["clear"], by_id[WAIT]["for_s"]) == (
        45,
        90,
        40,
        10,
    )
    assert by_id["source_down@demo"]["state"] == "ok"
    assert {"contacts_waiting@now@demo/l1", "contacts_waiting@now@demo/l2", "budget_month_24h"} <= by_id.keys()
    assert by_id["budget_month_24h"]["warning"] is not None


def test_all_projects_are_told_at_once(
    ruled: WebProcess, redis: redis_py.Redis, described: Callable[..., None]
) -> None:
    fires(redis)

    def told() -> dict[str, Any]:
        body = ruled.get("/api/v1/alerts").json()
        described("/api/v1/alerts", body)
        return {project["project"]: project for project in body["projects"]}

    eventually(lambda: bool(told()["p0"]["alerts"]), "a reading is half a second old at most")
    assert told()["other"]["alerts"] == []
    assert told()["p0"]["name"] == "Project p0"


def test_the_log_is_newest_first_and_can_be_cut_by_time_and_number(
    ruled: WebProcess, redis: redis_py.Redis, described: Callable[..., None]
) -> None:
    base = 1_795_320_000_000  # 2026-11-22 12:00 in Shanghai
    for minute in range(10):
        logged(redis, "p0", base + minute * 60_000, what="began", rule=WAIT, began_at=base, reason=HTML)
    redis.xadd(keys.alert_log("p0"), {"entry": b"{rubbish"}, id=f"{base + 600_000}-*")
    path = "/api/v1/projects/p0/alerts/log"
    body = ruled.get(path).json()
    described("/api/v1/projects/{project}/alerts/log", body)
    assert [entry["at"][11:16] for entry in body["entries"]] == [f"12:0{minute}" for minute in reversed(range(10))]
    assert body["entries"][0]["reason"] == HTML
    assert body["entries"][0]["began_at"] == "2026-11-22T12:00:00.000+08:00"
    assert body["more"] is False
    part = ruled.get(
        path, params={"from": "2026-11-22T12:02:00+08:00", "to": "2026-11-22T12:08:00+08:00", "limit": 4}
    ).json()
    assert [entry["at"][14:16] for entry in part["entries"]] == ["07", "06", "05", "04"]
    assert part["more"] is True
    assert ruled.get(path, params={"to": "2026-11-21"}).json()["entries"] == []
    for query, status in (({"limit": "0"}, 422), ({"limit": "many"}, 422), ({"from": "soon"}, 400), ({"from": "2026-11-22", "to": "2026-11-20"}, 422)):  # fmt: skip
        refused = ruled.get(path, params=query)
        assert refused.status_code == status
        described("/api/v1/projects/{project}/alerts/log", refused.json(), status)


def test_the_logs_of_all_projects_are_merged_by_time(web: WebProcess, redis: redis_py.Redis) -> None:
    base = 1_795_320_000_000
    for number in range(40):
        logged(redis, f"p{number}", base - number * 1_000, what="fired")
        logged(redis, f"p{number}", base - number * 1_000 + 500_000 * (number % 3 == 0), what="resolved")
    entries = web.get("/api/v1/alerts/log", params={"limit": 25}).json()["entries"]
    every = web.get("/api/v1/alerts/log", params={"limit": 1000}).json()["entries"]
    assert len(every) == 80
    assert [entry["at"] for entry in every] == sorted((entry["at"] for entry in every), reverse=True)
    assert [(e["project"], e["what"], e["at"]) for e in entries] == [
        (e["project"], e["what"], e["at"]) for e in every[:25]
    ]


# ── languages ─────────────────────────────────────────────────────────────────────────────────────

SAID = ["{name} {value} over {line}", {"name": ["kpi:longest_wait_s", {}], "value": "1:34", "line": "1:30"}]


@pytest.mark.parametrize("address", ["/api/v1/alerts", "/api/v1/projects/p0/alerts"])
def test_what_is_firing_is_said_in_the_language_that_is_asked_for(
    ruled: WebProcess, redis: redis_py.Redis, address: str
) -> None:
    fires(redis, said=SAID)
    asked = f"{address}?language=zh-Hans"
    eventually(lambda: [a["reason"] for a in alerts_at(ruled, asked)] == ["最长等待 1:34\uff0c高于 1:30"], "no alert")
    plain, chinese = alerts_at(ruled, address)[0], alerts_at(ruled, asked)[0]
    assert plain["reason"] == "Longest wait 1:34 over 1:30 for 10 s; goal 1:00"
    assert chinese["label"] == "最长等待"
    assert "said" not in plain.keys() | chinese.keys()


def alerts_at(web: WebProcess, address: str) -> list[dict]:
    body = web.get(address).json()
    found = body if "alerts" in body else next(each for each in body["projects"] if each["project"] == "p0")
    return list(found["alerts"])


def test_the_log_is_read_in_the_language_that_is_asked_for_and_peoples_words_stay_theirs(
    ruled: WebProcess, redis: redis_py.Redis
) -> None:
    logged(redis, "p0", now_ms(), what="fired", rule=WAIT, label="Longest wait", reason="Longest wait 1:34", said=SAID)
    logged(redis, "p0", now_ms() + 1, what="silenced", by="jo", why="ask the carrier", reason="ask the carrier")
    logged(redis, "p0", now_ms() + 2, what="fired", rule="of tomorrow", label="x", reason="from before", said={"of": 1})
    entries = ruled.get("/api/v1/projects/p0/alerts/log?language=zh-Hant").json()["entries"]
    assert [entry["reason"] for entry in entries] == ["from before", "ask the carrier", "最長等待 1:34\uff0c高於 1:30"]
    assert entries[2]["label"] == "最長等待"
    assert not any("said" in entry for entry in entries)


@pytest.mark.parametrize("address", ["/api/v1/alerts", "/api/v1/alerts/log", "/api/v1/projects/p0/alerts"])
def test_a_language_that_there_is_not_is_refused_with_those_that_there_are(ruled: WebProcess, address: str) -> None:
    answer = ruled.get(f"{address}?language=tlh")
    assert (answer.status_code, answer.json()["detail"]) == (422, "language: en, zh-Hans, zh-Hant are possible")


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_alert_is_answered_by_name_and_note_which_stay_text(
    ruled: WebProcess, redis: redis_py.Redis, described: Callable[..., None]
) -> None:
    fires(redis)
    answer = ruled.post("/api/v1/projects/p0/alerts/acknowledge", json={"rule": WAIT, "note": f"  {HTML} ", "by": HTML})
    assert answer.status_code == 202
    described("/api/v1/projects/{project}/alerts/acknowledge", answer.json(), 202, "post")
    (word,) = words(redis)
    assert (word.word, word.by, word.rule, word.note, word.episode) == ("acknowledge", HTML, WAIT, HTML, f"{WAIT}#1")
    assert redis.smembers(keys.WORDS_WAITING) == {b"p0"}


def test_a_silence_has_an_end_and_what_it_fits(ruled: WebProcess, redis: redis_py.Redis) -> None:
    path = "/api/v1/projects/p0/silences"
    before = now_ms()
    assert (
        ruled.post(path, json={"kpi": "longest_wait_s", "minutes": 30, "why": "known", "by": "mei"}).status_code == 202
    )
    assert (
        ruled.post(path, json={"queue": "demo/l2", "until": _at(3_600_000), "why": "known", "by": "mei"}).status_code
        == 202
    )
    first, second = (word.silence for word in words(redis))
    assert first is not None
    assert second is not None
    assert (first.kpi, first.queue, first.kind) == ("longest_wait_s", "", "silence")
    assert before <= first.until - 1_800_000 <= now_ms()
    assert second.queue == "demo/l2"
    assert first.id != second.id


def test_maintenance_of_a_project_or_a_source_may_begin_later_and_in_the_projects_own_time(
    ruled: WebProcess, redis: redis_py.Redis, described: Callable[..., None]
) -> None:
    path = "/api/v1/projects/p0/maintenance"
    answer = ruled.post(
        path,
        json={"from": _at(86_400_000)[:16], "until": _at(90_000_000), "why": "release", "by": "mei", "source": "demo"},
    )
    assert answer.status_code == 202
    described("/api/v1/projects/{project}/maintenance", answer.json(), 202, "post")
    assert answer.json()["accepted"]["from"].startswith(_at(86_400_000)[:16])
    assert ruled.post(path, json={"until": _at(60_000), "why": "now", "by": "mei"}).status_code == 202
    later, now = (word.silence for word in words(redis))
    assert later is not None
    assert now is not None
    assert (later.kind, later.source, now.source) == ("maintenance", "demo", "")
    assert later.start > now_ms() + 80_000_000


def test_a_silence_is_ended_by_its_id_and_a_planned_one_only_in_the_file(
    ruled: WebProcess, redis: redis_py.Redis
) -> None:
    silence = Silence("s1", "jo", "known", 1, now_ms() + 60_000)
    redis.hset(keys.alert_silences("p0"), "s1", msgspec.json.encode(silence))
    planned = ruled.get("/api/v1/projects/p0/alerts").json()["maintenance"][0]["id"]
    delete = "/api/v1/projects/p0/silences/"
    assert _delete(ruled, delete + "s1").status_code == 422, "a name is needed"
    assert _delete(ruled, delete + "s2?by=mei").status_code == 404
    assert _delete(ruled, delete + planned + "?by=mei").status_code == 409
    assert words(redis) == []
    assert _delete(ruled, delete + "s1?by=mei").status_code == 202
    (word,) = words(redis)
    assert (word.word, word.by, word.silence) == ("unsilence", "mei", silence)


def _delete(web: WebProcess, path: str, **more: Any) -> Any:
    return httpx.delete(web.address + path, timeout=20, trust_env=False, **more)


def _at(from_now_ms: int) -> str:
    """A time in Shanghai, where the project works."""
    return datetime.fromtimestamp((now_ms() + from_now_ms) / 1000, ZoneInfo("Asia/Shanghai")).isoformat(
        timespec="seconds"
    )


LONG = "x" * 10_000
ACK, SILENCES, MAINTENANCE = "alerts/acknowledge", "silences", "maintenance"
GOOD: dict[str, dict[str, Any]] = {
    ACK: {"rule": WAIT, "by": "mei"},
    SILENCES: {"minutes": 5, "why": "known", "by": "mei"},
    MAINTENANCE: {"until": _at(3_600_000), "why": "release", "by": "mei"},
}


WRONG: list[tuple[str, dict[str, Any], int, str]] = [
        (ACK, {"rule": "longest_wait@now"}, 422, "rule: this project has no such rule; did you mean longest_wait_s@now?"),
        (ACK, {"rule": LONG}, 422, "rule: this project has no such rule"),
        (ACK, {"rule": "source_down@demo"}, 409, "not firing any more"),
        (ACK, {"episode": "longest_wait_s@now#0"}, 409, "not firing any more"),
        (ACK, {"rule": None}, 422, "rule: Expected `str`, got `null`"),
        (ACK, {"by": ""}, 422, 'by: is missing; give your name, for example "mei"'),
        (ACK, {"by": "  "}, 422, "by: is missing"),
        (ACK, {"by": LONG}, 422, "by: 10,000 characters are too many; at most 80"),
        (ACK, {"note": LONG}, 422, "note: 10,000 characters are too many; at most 500"),
        (ACK, {"note": "a\nb"}, 422, "note: holds a line break"),
        (ACK, {"by": "mei\x00"}, 422, "by: holds a line break or a control character"),
        (ACK, {"by": "m\u202eie"}, 422, "by: holds"),
        (ACK, {"nte": "x"}, 422, "nte: Object contains unknown field `nte`"),
        (SILENCES, {"minutes": None}, 422, "until: a silence needs an end"),
        (SILENCES, {"until": _at(60_000)}, 422, "until: a silence needs an end; give either"),
        (SILENCES, {"minutes": None, "until": _at(-60_000)}, 422, "until: does not lie after now"),
        (SILENCES, {"minutes": None, "until": _at(32 * 86_400_000)}, 422, "until: lies 3"),
        (SILENCES, {"minutes": None, "until": "tomorrow"}, 422, "until: is not a point in time; write 2026-12-31T22:00"),
        (SILENCES, {"minutes": None, "until": "9" * 10_000}, 422, "until: is not a point in time"),
        (SILENCES, {"minutes": 0}, 422, "minutes: more than 0"),
        (SILENCES, {"minutes": -5}, 422, "minutes: more than 0"),
        (SILENCES, {"minutes": 1e300}, 422, "minutes: more than 0 and at most 44,640"),
        (SILENCES, {"minutes": "5"}, 422, "minutes: Expected"),
        (SILENCES, {"kpi": "longest_wait"}, 422, "kpi: there is no such KPI; did you mean longest_wait_s?"),
        (SILENCES, {"queue": "hq/sales"}, 422, "queue: this project has no such queue; known are demo/l1, demo/l2"),
        (SILENCES, {"why": ""}, 422, "why: is missing; say why"),
        (SILENCES, {"why": LONG}, 422, "why: 10,000 characters are too many"),
        (MAINTENANCE, {"from": _at(7_200_000)}, 422, "until: does not lie after from"),
        (MAINTENANCE, {"from": _at(-7_200_000), "until": _at(-60_000)}, 422, "until: is over already"),
        (MAINTENANCE, {"from": "2098-01-01T00:00", "until": "2098-01-02T00:00"}, 422, "from: lies more than a year ahead"),
        (MAINTENANCE, {"until": _at(40 * 86_400_000)}, 422, "until: lies 40 days after from; at most 31"),
        (MAINTENANCE, {"source": "hq"}, 422, "source: this project has no such source"),
        (MAINTENANCE, {"until": None}, 422, "until: Expected `str`"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "change", "status", "says"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_word_is_refused_with_its_field_and_what_would_be_right(
    ruled: WebProcess, redis: redis_py.Redis, described: Callable[..., None],
    path: str, change: dict[str, Any], status: int, says: str,
) -> None:  # fmt: skip
    fires(redis)
    said = {
        name: value for name, value in (GOOD[path] | change).items() if value is not None or name in ("rule", "until")
    }
    if path == SILENCES and said.get("until", "") is None:
        del said["until"]
    answer = ruled.post(f"/api/v1/projects/p0/{path}", json=said)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"]
    assert len(answer.content) < 1_000, "it does not repeat what it was given"
    described(f"/api/v1/projects/{{project}}/{path}", answer.json(), status, "post")
    assert words(redis) == []
    assert not redis.exists(keys.WORDS_WAITING)


def test_what_is_not_json_or_too_much_is_refused(ruled: WebProcess, redis: redis_py.Redis) -> None:
    path = "/api/v1/projects/p0/silences"
    as_json = {"Content-Type": "application/json"}
    assert ruled.post(path, content=b"{", headers=as_json).status_code == 400
    assert ruled.post(path, content=b'{"why": "\xff"}', headers=as_json).status_code in (400, 422)
    assert ruled.post(path, content=b'{"why": "\\ud800", "minutes": 5}', headers=as_json).status_code in (400, 422)
    assert ruled.post(path, content=b"[]", headers=as_json).json()["detail"].startswith("body: ")
    assert ruled.post(path, content=b"x" * 100_000, headers=as_json).status_code == 413
    assert ruled.post(path, content=b"why=x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert words(redis) == []


def test_an_alert_is_answered_once(ruled: WebProcess, redis: redis_py.Redis) -> None:
    fires(redis, acked={"by": "jo", "at": "2026-11-22T10:00:20+08:00", "note": ""})
    answer = ruled.post("/api/v1/projects/p0/alerts/acknowledge", json={"rule": WAIT, "by": "mei"})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "rule: jo has answered this alert already"


def test_when_nobody_takes_words_it_is_said(ruled: WebProcess, redis: redis_py.Redis) -> None:
    redis.rpush(keys.words("p0"), *[b"{}"] * MOST_WORDS)
    answer = ruled.post("/api/v1/projects/p0/silences", json=GOOD[SILENCES])
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("nobody_listens")


# ── who ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_name_is_that_of_whoever_signed_in(signed: WebProcess, redis: redis_py.Redis) -> None:
    assert (
        signed.post("/api/v1/projects/p0/silences", json=GOOD[SILENCES] | {"by": "somebody else"}, auth=MEI).status_code
        == 202
    )
    assert [word.by for word in words(redis)] == ["mei"]


@pytest.mark.parametrize("who", ["client", "lead", "screen"])
def test_a_role_that_may_not_act_is_refused(signed: WebProcess, redis: redis_py.Redis, who: str) -> None:
    way: dict[str, Any] = {
        "client": {"auth": BUYER},
        "lead": {"auth": ("多多".encode(), "密码".encode())},
        "screen": {"headers": {"Authorization": f"Bearer {NORTH}"}},
    }[who]
    fires(redis)
    for path, said in GOOD.items():
        assert signed.post(f"/api/v1/projects/p0/{path}", json=said, **way).status_code == 403
    assert _delete(signed, "/api/v1/projects/p0/silences/s1", **way).status_code == 403
    assert words(redis) == []
    assert signed.get("/api/v1/projects/p0/alerts", **way).status_code == 200


def test_nobody_hears_or_speaks_of_another_project(signed: WebProcess, redis: redis_py.Redis) -> None:
    fires(redis, "other")
    logged(redis, "other", now_ms(), what="fired", reason="Rival")
    for path, said in GOOD.items():
        assert signed.post(f"/api/v1/projects/other/{path}", json=said, auth=MEI).status_code == 404
    assert [found["project"] for found in signed.get("/api/v1/alerts", auth=MEI).json()["projects"]] == ["p0"]
    assert signed.get("/api/v1/alerts/log", auth=MEI).json()["entries"] == []
    assert words(redis, "other") == []


def test_a_client_learns_that_somebody_answered_but_not_who_nor_what_was_said(
    signed: WebProcess, redis: redis_py.Redis
) -> None:
    fires(redis, acked={"by": "jo", "at": "2026-11-22T10:00:20+08:00", "note": "ask the carrier"})
    logged(redis, "p0", now_ms(), what="acknowledged", by="jo", note="ask the carrier", reason="Longest wait 1:34")
    logged(redis, "p0", now_ms() + 1, what="silenced", by="jo", why="ask the carrier", reason="ask the carrier")
    redis.hset(
        keys.alert_silences("p0"), "s", msgspec.json.encode(Silence("s", "jo", "ask the carrier", 1, now_ms() + 60_000))
    )
    for path in (
        "/api/v1/projects/p0/alerts",
        "/api/v1/projects/p0/alerts/log",
        "/api/v1/alerts/log",
        "/api/v1/alerts",
        "/api/v1/overview",
    ):
        seen, hidden = signed.get(path, auth=MEI).text, signed.get(path, auth=BUYER).text
        assert "jo" not in hidden.replace("project", "")
        assert "carrier" not in hidden
        assert "jo" in seen.replace("project", "") or path in ("/api/v1/alerts", "/api/v1/overview")
    assert signed.get("/api/v1/projects/p0/alerts", auth=BUYER).json()["alerts"][0]["acked"]["at"]
