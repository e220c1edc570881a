"""The door for sources that are pushed to: a real HTTP client, a real web process, a real Redis."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis as redis_py
from argon2 import PasswordHasher

from collectors import door, event_log, events
from collectors.collector import memory_key
from collectors.webhook.signature import sign
from dashboard.api.ingest import MOST_UNPROVED
from operations.floor.floor import Floor
from operations.projects.configuration import parse
from operations.store.embedded_redis import EmbeddedRedis
from tests.collectors.redis_process import RedisProcess
from tests.dashboard.conftest import PATIENCE_S, WebProcess, configuration, eventually
from tests.dashboard.publisher import source_says

SECRET = "a secret that only the sender knows"
TOKEN = "a-token-that-is-long-enough"
SOURCES = (
    "sources:\n"
    f"  surveys: {{kind: webhook, secret: '{SECRET}', quiet_after_s: null, survey: {{top_box_from: 4}}}}\n"
    f"  crm: {{kind: webhook, token: {TOKEN}, most_bytes: 2048}}\n"
    f"  both: {{kind: webhook, secret: '{SECRET}', token: {TOKEN}}}\n"
)
TEXT = configuration().replace("sources:\n", SOURCES)
_serial = itertools.count()


@pytest.fixture(scope="module")
def shared_door(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("door"), redis_server.url, TEXT).start()
    yield web
    web.stop()


@pytest.fixture
def web(shared_door: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """The module's web process, its Redis emptied."""
    return shared_door


def seconds() -> int:
    return int(time.time())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def survey(id: str = "", **more: Any) -> dict[str, Any]:
    said = {"type": "survey", "id": id or f"s{next(_serial)}", "at": now_ms(), "queue": "support", "score": 5}
    return {**said, **more}


def signed(body: bytes, at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    at = seconds() if at is None else at
    return {"X-Floorlight-Signature": f"t={at},v1={sign(secret, at, body)}", "Content-Type": "application/json"}


def push(web: WebProcess, said: Any, source: str = "surveys", **headers: str) -> httpx.Response:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return web.post(f"/ingest/{source}", content=body, headers={**signed(body), **headers})


def logged(client: redis_py.Redis, source: str = "surveys") -> list[events.AnyEvent]:
    """Everything in the source's event log."""
    entries = client.xrange(event_log.stream_key(source))
    return [event for _, fields in entries for event in events.decode(fields[b"events"])]


def counted(client: redis_py.Redis, source: str = "surveys") -> dict[str, int]:
    """What the fold makes of the log: counters, over all queues."""
    floor = Floor()
    for event in logged(client, source):
        floor.apply(event)
    total: dict[str, int] = {}
    for cell in floor.drain()[0].values():
        for name, value in cell.n.items():
            total[name] = total.get(name, 0) + value
    return total


def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"].rpartition(":")[2])


# ── what is accepted ──────────────────────────────────────────────────────────────────────────────


def test_a_batch_is_in_the_log_when_the_answer_is_202(web: WebProcess, redis: redis_py.Redis) -> None:
    answer = push(web, {"events": [survey(score=5), survey(score=3.5)]})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "duplicates": 0})
    assert len(logged(redis)) == 2
    assert counted(redis) == {"surveys": 2, "survey_score_sum": 850, "survey_top_box": 1}


@pytest.mark.parametrize("wrap", [lambda s: {"events": [s]}, lambda s: [s], lambda s: s])
def test_a_batch_is_an_object_an_array_or_one_event(
    web: WebProcess, redis: redis_py.Redis, wrap: Callable[[Any], Any]
) -> None:
    assert push(web, wrap(survey())).json()["accepted"] == 1
    assert len(logged(redis)) == 1


def test_an_empty_batch_is_a_sign_of_life(web: WebProcess, redis: redis_py.Redis) -> None:
    assert push(web, []).json() == {"accepted": 0, "duplicates": 0}
    assert logged(redis) == []
    heard = redis.hget(memory_key("surveys"), door.HEARD)
    assert heard is not None
    assert abs(int(heard) - now_ms()) < 20_000


def test_a_large_batch_is_taken_whole_in_one_transaction(web: WebProcess, redis: redis_py.Redis) -> None:
    said = [survey() for _ in range(5_000)]
    assert push(web, said).json()["accepted"] == 5_000
    assert redis.xlen(event_log.stream_key("surveys")) == 25
    assert counted(redis)["surveys"] == 5_000


def test_a_token_opens_the_door_where_the_source_has_one(web: WebProcess, redis: redis_py.Redis) -> None:
    told = {"Authorization": f"Bearer {TOKEN}"}
    for source in ("crm", "both"):
        answer = web.post(f"/ingest/{source}", json=[survey(top_box=True)], headers=told)
        assert answer.status_code == 202
        assert len(logged(redis, source)) == 1
    assert push(web, [survey(top_box=True)], "both").status_code == 202, "and so does a signature"


def test_an_old_and_a_new_secret_may_sign_side_by_side(web: WebProcess) -> None:
    body, at = json.dumps([survey()]).encode(), seconds()
    several = f"t={at},v1={sign('the next secret of the sender', at, body)},v1={sign(SECRET, at, body)}"
    assert push(web, body, **{"X-Floorlight-Signature": several}).status_code == 202


def test_a_gzipped_body_is_signed_as_it_is_sent(web: WebProcess, redis: redis_py.Redis) -> None:
    body = gzip.compress(json.dumps([survey() for _ in range(50)]).encode())
    assert push(web, body, **{"Content-Encoding": "gzip"}).json()["accepted"] == 50


def test_the_answer_says_what_became_of_a_sender_whose_clock_is_off(web: WebProcess, redis: redis_py.Redis) -> None:
    body = json.dumps([survey()]).encode()
    answer = web.post("/ingest/surveys", content=body, headers=signed(body, seconds() - 120))
    assert answer.status_code == 202
    skew = redis.hget(memory_key("surveys"), door.SKEW)
    assert skew is not None
    assert 115_000 <= int(skew) <= 140_000, "what must be added to its clock"


# ── once ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_that_is_sent_again_counts_once_and_is_called_a_duplicate(
    web: WebProcess, redis: redis_py.Redis
) -> None:
    said = [survey() for _ in range(10)]
    assert push(web, said).json() == {"accepted": 10, "duplicates": 0}
    assert push(web, said).json() == {"accepted": 10, "duplicates": 10}
    assert counted(redis)["surveys"] == 10
    assert redis.hget(memory_key("surveys"), door.DUPLICATES) == b"10"


def test_an_id_that_stands_twice_in_a_batch_counts_once(web: WebProcess, redis: redis_py.Redis) -> None:
    assert push(web, [survey("same"), survey("same"), survey("other")]).json() == {"accepted": 3, "duplicates": 1}
    assert counted(redis)["surveys"] == 2


def test_an_id_belongs_to_its_type_and_a_ticket_to_its_state(web: WebProcess, redis: redis_py.Redis) -> None:
    at = {"id": "7", "at": now_ms(), "queue": "support"}
    said = [
        {"type": "complaint", **at},
        survey("7"),
        *({"type": "ticket", "state": s, **at} for s in ("opened", "closed")),
    ]
    assert push(web, said).json() == {"accepted": 4, "duplicates": 0}
    numbers = counted(redis)
    assert (numbers["complaints"], numbers["surveys"]) == (1, 1)
    assert (numbers["tickets_opened"], numbers["tickets_closed"]) == (1, 1)


def test_two_senders_with_the_same_events_at_once_count_once(web: WebProcess, redis: redis_py.Redis) -> None:
    batches = [[survey() for _ in range(20)] for _ in range(10)]
    answers: list[int] = []

    def send() -> None:
        answers.extend(push(web, said).status_code for said in batches)

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert answers == [202] * 20
    assert counted(redis)["surveys"] == 200


def test_a_contact_told_out_of_order_and_twice_is_one_contact(web: WebProcess, redis: redis_py.Redis) -> None:
    begun = now_ms() - 60_000
    about = {"queue": "support", "contact": "c1"}
    life = [
        {"type": "entered", "at": begun, **about},
        {"type": "answered", "at": begun + 8_000, "agent": "Mei", "wait_ms": 8_000, **about},
        {"type": "completed", "at": begun + 50_000, "agent": "Mei", "talk_ms": 42_000, **about},
    ]
    for order in ((2, 0), (1,), (0, 1, 2), (2, 1, 0)):
        assert push(web, [life[place] for place in order]).status_code == 202
    assert {name: n for name, n in counted(redis).items() if name in ("offered", "answered", "handled", "talk_ms")} == {
        "offered": 1,
        "answered": 1,
        "handled": 1,
        "talk_ms": 42_000,
    }


# ── who may come in ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def own(own_web: Callable[[str], WebProcess]) -> WebProcess:
    """A web process of the test's own, which may remember wrong tries."""
    return own_web(TEXT)


def wrong_headers() -> dict[str, dict[str, str]]:
    body, at = b"[]", seconds()
    good = sign(SECRET, at, body)
    return {
        "none": {},
        "another secret": signed(body, secret="a secret that somebody guessed"),
        "another body": signed(b"[ ]"),
        "another time": {"X-Floorlight-Signature": f"t={at - 1},v1={good}"},
        "replayed after six minutes": signed(body, at - 360),
        "signed for the future": signed(body, at + 360),
        "no time": {"X-Floorlight-Signature": f"v1={good}"},
        "two times": {"X-Floorlight-Signature": f"t={at},t={at},v1={good}"},
        "a time that is no number": {"X-Floorlight-Signature": f"t=²,v1={good}".encode().decode("latin-1")},
        "cut": {"X-Floorlight-Signature": f"t={at},v1={good[:-1]}"},
        "a scheme of another name": {"X-Floorlight-Signature": f"t={at},v0={good}"},
        "nothing but commas": {"X-Floorlight-Signature": "," * 900},
        "a token that it does not have": {"Authorization": f"Bearer {TOKEN}"},
        "the secret itself as a token": {"Authorization": f"Bearer {SECRET}"},
    }


@pytest.mark.parametrize("way", sorted(wrong_headers()))
def test_whoever_does_not_show_to_be_the_source_is_turned_away(
    web: WebProcess, redis: redis_py.Redis, way: str
) -> None:
    headers = {"Content-Type": "application/json", **wrong_headers()[way]}
    answer = web.post("/ingest/surveys", content=b"[]", headers=[(n, v.encode("latin-1")) for n, v in headers.items()])
    assert answer.status_code in (401, 429)
    assert problem(answer) in ("not_the_source", "too_many_tries")
    assert SECRET not in answer.text
    assert redis.hget(memory_key("surveys"), door.HEARD) is None


def test_wrong_signatures_are_slowed_down_and_right_ones_never(own: WebProcess, redis: redis_py.Redis) -> None:
    answers = [push(own, [survey()], **{"X-Floorlight-Signature": f"t={seconds()},v1={'0' * 64}"}) for _ in range(7)]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert push(own, [survey()]).status_code == 202, "an attacker at the same address cannot shut the source out"
    assert int(redis.hget(memory_key("surveys"), door.REFUSED) or 0) == 5, "who was told to wait is not noted again"


def test_no_token_and_no_empty_one_opens_a_door_that_wants_a_token(own: WebProcess) -> None:
    for told in (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer wrong"},
    ):
        answer = own.post("/ingest/crm", json=[], headers=told)
        assert problem(answer) == "not_the_source"
    assert own.post(f"/ingest/crm?token={TOKEN}", json=[]).status_code in (401, 429), "nor does one in the address"


@pytest.mark.parametrize("source", ["nobody", "demo", "hq", "%2e%2e", "surveys%00", "%F0%9F%98%80"])
def test_a_source_that_is_not_pushed_to_is_answered_like_none(web: WebProcess, source: str) -> None:
    answer = web.post(f"/ingest/{source}", json=[])
    assert (answer.status_code, problem(answer)) in ((404, "unknown_source"), (404, "no_such_address"))


def test_only_post_is_answered(web: WebProcess) -> None:
    answer = web.get("/ingest/surveys")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_page_of_another_site_cannot_push(web: WebProcess) -> None:
    assert problem(push(web, [survey()], Origin="https://elsewhere.example")) == "other_origin"


def test_where_people_sign_in_the_door_asks_for_the_source_and_for_nobody_else(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    hashed = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("root's word")
    user = json.dumps({"name": "root", "password": hashed, "role": "admin"})
    guarded = own_web(f"{TEXT}access:\n  users:\n    - {user}\n")
    assert push(guarded, [survey()]).status_code == 202, "a source needs no person's credentials"
    assert len(logged(redis)) == 1
    answer = guarded.post("/ingest/surveys", json=[survey()], auth=("root", "root's word"))
    assert problem(answer) == "not_the_source", "and a person's do not open it"
    assert push(guarded, [survey()], "nobody").status_code == 404
    assert guarded.get("/api/v1/projects", headers=signed(b"")).status_code == 401, "nor does a source's open a page"
    assert guarded.get("/api/v1/projects", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401


# ── what is refused ───────────────────────────────────────────────────────────────────────────────


def test_one_wrong_event_refuses_the_batch_and_each_is_told_with_its_place(
    web: WebProcess, redis: redis_py.Redis
) -> None:
    said = [survey(), survey(score="five"), survey(), {"type": "surveys"}, 7]
    answer = push(web, said)
    assert (answer.status_code, problem(answer)) == (422, "bad_events")
    errors = answer.json()["errors"]
    assert [(error["index"], error["path"]) for error in errors] == [(1, "score"), (3, "type"), (4, "")]
    assert errors[0]["right"]["type"] == "survey"
    assert logged(redis) == []
    noted = redis.hget(memory_key("surveys"), door.REFUSAL)
    assert noted == b"422 event 1, score: Expected `float`, got `str` (not the only one)"
    assert push(web, said[:1]).status_code == 202


NESTED = b"[" * 100_000
UNREADABLE = {
    "nothing": b"",
    "cut": b'[{"type": "survey"',
    "NaN": b'[{"type": "survey", "id": "1", "at": 1, "queue": "q", "score": NaN}]',
    "not UTF-8": b'[{"type": "survey", "id": "\xff"}]',
    "half a surrogate": b'[{"type": "complaint", "id": "\\ud800", "at": 1, "queue": "q"}]',
    "very deep": NESTED,
    "very deep inside an event": b'[{"type": "survey", "id": ' + NESTED,
    "very deep objects": b'{"events":' * 50_000,
    "two": b"[] []",
}


@pytest.mark.parametrize("what", sorted(UNREADABLE))
def test_what_is_not_json_is_400(web: WebProcess, redis: redis_py.Redis, what: str) -> None:
    answer = push(web, UNREADABLE[what])
    assert (answer.status_code, problem(answer)) == (400, "not_json")
    assert logged(redis) == []


def wrong_events() -> dict[str, Any]:
    now = now_ms()
    contact = {"type": "entered", "at": now, "queue": "q", "contact": "c"}
    return {
        "a number": 7,
        "text": "survey",
        "null": None,
        "something beside events": {"events": [], "source": "x"},
        "events that are none": {"events": {}},
        "no type": {"id": "1"},
        "an unknown type": {"type": "watch_lost", "at": now},
        "a type that is a list": {"type": ["survey"]},
        "an unknown field": survey(scoer=5),
        "no id": {k: v for k, v in survey().items() if k != "id"},
        "an empty id": {**survey(), "id": ""},
        "an id that is a number": {**survey(), "id": 5},
        "a score that is text": survey(score="5"),
        "a score that is true": survey(score=True),
        "a score beyond belief": survey(score=1e300),
        "seconds": survey(at=seconds()),
        "yesterday": survey(at=now - 24 * 3_600_000),
        "in two minutes": survey(at=now + 120_000),
        "a date without offset": survey(at="2026-11-22T09:30:00"),
        "a date that is none": survey(at="2026-02-30T09:30:00Z"),
        "the year 1": survey(at="0001-01-01T00:00:00+14:00"),
        "the year 9999": survey(at="9999-12-31T23:59:59-14:00"),
        "a time past every clock": survey(at=10**400),
        "a time before the first": survey(at=-1),
        "half a millisecond": survey(at=now + 0.5),
        "an empty queue": survey(queue=""),
        "a queue with our own separator": survey(queue="a\x1fb"),
        "a queue with a line end": survey(queue="support\n"),
        "a contact with a NUL": {**contact, "contact": "c\x00"},
        "a name without end": {**contact, "contact": "c" * 201},
        "a negative wait": {**contact, "type": "abandoned", "wait_ms": -1},
        "a wait of a year": {**contact, "type": "abandoned", "wait_ms": 365 * 86_400_000},
        "a condition that nobody has": {"type": "agent", "at": now, "agent": "Mei", "condition": "napping"},
        "a queue without a name": {"type": "agent_queues", "at": now, "agent": "Mei", "queues": [""]},
        "a counter that is none": {"type": "observed", "at": now, "queue": "q", "totals": {"__class__": 1}},
        "a counter below zero": {"type": "observed", "at": now, "queue": "q", "totals": {"offered": -1}},
        "a quarter that is none": {
            "type": "interval",
            "queue": "q",
            "start": now // 900_000 * 900_000 - 1,
            "counters": {},
        },
        "a quarter that runs": {
            "type": "interval",
            "queue": "q",
            "start": now // 900_000 * 900_000 + 900_000,
            "counters": {},
        },
        "a success without talk": {**survey(), "type": "dial", "outcome": "busy", "success": True, "score": UNSAID},
        "an outcome of no kind": {**survey(), "type": "dial", "outcome": "??", "score": UNSAID},
    }


UNSAID = object()


@pytest.mark.parametrize("what", sorted(wrong_events()))
def test_what_cannot_be_true_is_422_and_nothing_of_it_is_taken(
    web: WebProcess, redis: redis_py.Redis, what: str
) -> None:
    said = wrong_events()[what]
    if isinstance(said, dict):
        said = {name: value for name, value in said.items() if value is not UNSAID}
    answer = push(web, said)
    assert (answer.status_code, problem(answer)) == (422, "bad_events"), answer.text
    assert logged(redis) == []


def test_a_survey_needs_a_top_box_from_somewhere(web: WebProcess) -> None:
    answer = push(web, [survey()], "both")
    assert answer.json()["errors"][0]["path"] == "top_box"
    assert push(web, [survey(top_box=False)], "both").status_code == 202


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", ""]
)
def test_another_content_type_is_415(web: WebProcess, kind: str) -> None:
    assert problem(push(web, [survey()], **{"Content-Type": kind})) == "not_json"
    assert push(web, [survey()], **{"Content-Type": "Application/JSON; charset=UTF-8"}).status_code == 202


def test_ten_megabytes_are_refused_and_not_kept(web: WebProcess) -> None:
    body = b"[" + b" " * 10_000_000 + b"]"
    answer = push(web, body)
    assert (answer.status_code, problem(answer)) == (413, "too_long")


def test_ten_megabytes_of_unknown_length_are_refused_while_they_come(web: WebProcess) -> None:
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * 100_000

    answer = web.post("/ingest/surveys", content=parts(), headers=signed(b""))
    assert (answer.status_code, problem(answer)) == (413, "too_long")


def test_the_length_is_a_setting(web: WebProcess) -> None:
    told = {"Authorization": f"Bearer {TOKEN}"}
    assert web.post("/ingest/crm", json=[survey(top_box=True)] * 50, headers=told).status_code == 413


def test_a_gzip_bomb_is_never_inflated_past_the_limit(web: WebProcess) -> None:
    bomb = gzip.compress(b"[" + b" " * 200_000_000 + b"]", 9)
    assert len(bomb) < 1_000_000
    answer = push(web, bomb, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, problem(answer)) == (413, "too_long")


BAD_GZIP = {
    "no gzip": b"[]",
    "cut": gzip.compress(b"[]")[:-4],
    "two, one behind the other": gzip.compress(b"[]") * 2,
    "something behind it": gzip.compress(b"[]") + b"x",
    "a wrong sum": gzip.compress(b"[]")[:-8] + b"\x00" * 8,
}


@pytest.mark.parametrize("what", sorted(BAD_GZIP))
def test_what_is_said_to_be_gzip_must_be(web: WebProcess, what: str) -> None:
    assert problem(push(web, BAD_GZIP[what], **{"Content-Encoding": "gzip"})) == "bad_gzip"


def test_another_encoding_is_415(web: WebProcess) -> None:
    for encoding in ("br", "gzip, gzip", "deflate"):
        assert problem(push(web, b"[]", **{"Content-Encoding": encoding})) == "bad_encoding"


# ── when Redis is not well ────────────────────────────────────────────────────────────────────────


def test_while_redis_is_full_the_sender_is_told_when_to_come_again(web: WebProcess, redis: redis_py.Redis) -> None:
    redis.config_set("maxmemory", 1)
    try:
        answer = push(web, [survey("kept")])
    finally:
        redis.config_set("maxmemory", 0)
    assert (answer.status_code, problem(answer)) == (503, "log_full")
    assert int(answer.headers["retry-after"]) > 0
    assert logged(redis) == []
    assert push(web, [survey("kept")]).status_code == 202
    assert counted(redis)["surveys"] == 1


def test_a_new_secret_holds_from_the_next_request_on(own: WebProcess) -> None:
    assert push(own, [survey()]).status_code == 202
    own.configure(TEXT.replace(SECRET, "the next secret of this sender"))
    body = json.dumps([survey()]).encode()
    new = "the next secret of this sender"
    eventually(
        lambda: own.post("/ingest/surveys", content=body, headers=signed(body, secret=new)).status_code == 202,
        "the new secret opens",
    )
    assert push(own, [survey()]).status_code in (401, 429)


# ── what stands on the page ───────────────────────────────────────────────────────────────────────

PAGE = (Path(__file__).parents[2] / "docs" / "collectors" / "webhook.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_sender_on_the_page_sends_and_is_told_what_is_wrong(web: WebProcess, redis: redis_py.Redis) -> None:
    [code] = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(code, "webhook.md", "exec"), names)
    address = f"{web.address}/ingest/surveys"
    assert names["push"](address, SECRET, [survey("from the page")]) == {"accepted": 1, "duplicates": 0}
    assert counted(redis)["surveys"] == 1
    with pytest.raises(ValueError, match="bad_events"):
        names["push"](address, SECRET, [survey(score="5")])


def test_the_sender_on_the_page_goes_on_until_the_door_is_open_again(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    web = own_web(TEXT)
    [code] = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(code, "webhook.md", "exec"), names)
    redis.config_set("maxmemory", 1)
    said: list[Any] = []
    patient = threading.Thread(
        target=lambda: said.append(names["push"](f"{web.address}/ingest/surveys", SECRET, [survey("patient")]))
    )
    names["time"] = Hurried()
    patient.start()
    eventually(lambda: names["time"].waits > 1, "it was told to come again")
    redis.config_set("maxmemory", 0)
    patient.join(60)
    assert said == [{"accepted": 1, "duplicates": 0}]


class Hurried:
    """The page's clock, whose waits are short; it counts those that were asked for."""

    waits = 0

    def time(self) -> float:
        return time.time()

    def sleep(self, wait_s: float) -> None:
        self.waits += wait_s > 0
        time.sleep(min(wait_s, 0.05))


def test_the_configuration_on_the_page_is_valid() -> None:
    [text] = blocks("yaml")
    configured = text.replace("hq/support-l1, ", "")
    valid = parse(configured.encode(), Path("my.yaml"), {"SURVEYS_SECRET": SECRET})
    assert valid.sources["surveys"].kind == "webhook"
    assert valid.projects["acme-support"].queues == ("surveys/support",)


# ── without Redis ─────────────────────────────────────────────────────────────────────────────────


def test_while_redis_is_away_nothing_is_said_to_be_taken(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="fl-") as folder:
        process = RedisProcess(Path(folder))
        process.start()
        web = WebProcess(tmp_path, f"unix://{process.socket}", TEXT).start()
        try:
            assert push(web, [survey("before")]).status_code == 202
            process.stop()
            for _ in range(3):
                answer = push(web, [survey("meanwhile")])
                assert (answer.status_code, problem(answer)) == (503, "redis_away")
                assert int(answer.headers["retry-after"]) >= 1
            process.start()
            eventually(lambda: push(web, [survey("meanwhile")]).status_code == 202, "it is taken again")
            with process.client() as client:
                assert counted(client)["surveys"] == 2
        finally:
            web.stop()
            process.stop()


def test_a_body_that_never_ends_holds_up_nobody_else(web: WebProcess, redis: redis_py.Redis) -> None:
    at = seconds()
    head = (
        "POST /ingest/surveys HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 900\r\n"
        f"X-Floorlight-Signature: t={at},v1={'0' * 64}\r\n\r\n"
    )
    slow = [web.connection() for _ in range(20)]
    try:
        for link in slow:
            link.sendall(head.encode() + b"[")
        assert push(web, [survey()]).status_code == 202
    finally:
        for link in slow:
            link.close()


def test_too_many_bodies_at_once_are_told_to_come_again(own: WebProcess) -> None:
    at = seconds()
    head = (
        "POST /ingest/surveys HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 900\r\n"
        f"X-Floorlight-Signature: t={at},v1={'0' * 64}\r\n\r\n["
    )
    slow = [own.connection() for _ in range(MOST_UNPROVED // 2)]
    try:
        for link in slow:
            link.sendall(head.encode())
        eventually(lambda: push(own, []).status_code == 503, "the address is busy")
        answer = push(own, [survey()])
        assert (problem(answer), answer.headers["retry-after"]) == ("busy", "1")
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(base_url=own.address, transport=elsewhere, trust_env=False, timeout=PATIENCE_S) as another:
            body = json.dumps([survey()]).encode()
            assert another.post("/ingest/surveys", content=body, headers=signed(body)).status_code == 202
        bearer = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        for source in ("crm", "both"):
            taken = own.post(f"/ingest/{source}", content=b"[]", headers=bearer)
            assert taken.status_code == 202, "whoever shows a token waits behind no stranger"
        assert own.get("/api/v1/projects").status_code == 200, "pages are served meanwhile"
    finally:
        for link in slow:
            link.close()
    eventually(lambda: push(own, [survey()]).status_code == 202, "and takes again what comes")


def test_the_sources_page_is_told_what_came_to_the_door(web: WebProcess, redis: redis_py.Redis) -> None:
    facts = {"received": 7, "duplicates": 2, "refused": 1, "last_refusal": "422 one of 3 events is wrong"}
    source_says(redis, "surveys", now_ms(), kind="webhook", facts=facts)
    source_says(redis, "demo", now_ms(), facts={"received": 5})
    told = web.get("/api/v1/sources").json()["sources"]
    assert told["surveys"]["pushed"] == facts
    assert told["demo"]["pushed"] is None
