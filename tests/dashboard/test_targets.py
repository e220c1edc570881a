"""Targets by the API: who may read and edit them, what is refused, and that nobody's edit is lost."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from operations.projects import edits
from operations.store import keys
from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.conftest import WebProcess, eventually
from tests.dashboard.test_access import user

TEXT = """
site: {name: Harbour, time_zone: Asia/Shanghai}
sources: {demo: {kind: simulator}}
projects:
  acme:
    name: Acme
    queues: [demo/support]
    targets: [{kpi: longest_wait_s, goal: 60, critical: 90, for: 10s}, {kpi: service_level_pct, goal: 80}]
    wall: [longest_wait_s]
  rival: {name: Rival, queues: [demo/rival]}
"""
URL = "/api/v1/projects/acme/targets"
WANTED = [{"kpi": "longest_wait_s", "goal": 50, "warning": 55, "critical": 70, "for": "15s"}]


@pytest.fixture(scope="module")
def shared(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("targets"), redis_server.url, TEXT).start()
    yield web
    web.stop()


@pytest.fixture
def web(shared: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """The module's web process, and nobody has edited anything."""
    redis.delete(keys.EDITED_TARGETS)
    eventually(lambda: not shared.get(URL).json()["edits"], "the file's targets hold")
    return shared


def edit(web: WebProcess, **more: Any) -> Any:
    said = {"targets": WANTED, "seen": web.get(URL).json()["revision"], "by": "mei"} | more
    return web.post(URL, json={name: value for name, value in said.items() if value is not ...})


def goals(web: WebProcess) -> list[float]:
    return [target["goal"] for target in web.get(URL).json()["targets"]]


def test_targets_are_told_as_the_file_writes_them(web: WebProcess) -> None:
    told = web.get(URL).json()
    assert told["targets"][0] == {"kpi": "longest_wait_s", "window": "now", "goal": 60, "critical": 90, "for": 10}
    assert told["stages"] == [{"from": None, "targets": told["targets"]}]
    assert told["edits"] == [] and told["may_edit"] is True


def test_an_edit_holds_within_seconds_and_is_remembered_with_its_author(web: WebProcess) -> None:
    answer = edit(web)
    assert answer.status_code == 202, answer.text
    eventually(lambda: goals(web) == [50], "the edit holds")
    told = web.get(URL).json()
    assert [stage["from"] for stage in told["stages"]] == [None, told["today"]]
    assert [(entry["by"], entry["from"]) for entry in told["edits"]] == [("mei", told["today"])]
    assert edit(web, targets=None).status_code == 202
    eventually(lambda: goals(web) == [60, 80], "those of the file hold again")


def test_a_revision_is_told_with_the_targets_that_it_stands_for(web: WebProcess, redis: redis_py.Redis) -> None:
    raw = edits.encode([edits.Edit(dt.date(2026, 1, 1), "mei", 0, WANTED)])
    redis.hset(keys.EDITED_TARGETS, "acme", raw)
    told: list[tuple[str, list[float]]] = []

    def new() -> bool:
        answer = web.get(URL).json()
        told.append((answer["revision"], [target["goal"] for target in answer["targets"]]))
        return bool(told[-1][0] == edits.revision(raw))

    eventually(new, "the new revision")
    assert told[-1][1] == [50]
    assert all(goals == [60, 80] for _, goals in told[:-1])


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"targets": [{"kpi": "longest_wiat_s", "goal": 5}]}, 422, "targets[0].kpi: there is no KPI 'longest_wiat_s'; did you mean longest_wait_s?"),
        ({"targets": [{"kpi": "service_level_pct", "goal": 180}]}, 422, "give a percentage from 0 to 100"),
        ({"targets": [{"kpi": "service_level_pct", "goal": "eighty"}]}, 422, "targets[0].goal"),
        ({"targets": ["x"]}, 422, "targets"),
        ({"from": "2020-01-01"}, 422, "today is the earliest"),
        ({"from": "soon"}, 422, "write a date"),
        ({"from": "9999-01-01"}, 422, "more than a year ahead"),
        ({"by": ""}, 422, "by: is missing"),
        ({"seen": "stale"}, 409, "read them again"),
        ({"seen": ...}, 422, "seen"),
        ({"more": 1}, 422, "more"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_would_be_right(
    web: WebProcess, change: dict[str, Any], status: int, words: str
) -> None:
    answer = edit(web, **change)
    assert answer.status_code == status and words in answer.json()["detail"]
    assert goals(web) == [60, 80]


def test_of_several_at_once_one_is_taken_and_the_others_are_told(web: WebProcess, redis: redis_py.Redis) -> None:
    seen = web.get(URL).json()["revision"]
    answers: list[int] = []

    def send(goal: int) -> None:
        wanted = [{"kpi": "longest_wait_s", "goal": goal}]
        answers.append(web.post(URL, json={"targets": wanted, "seen": seen, "by": "mei"}).status_code)

    senders = [threading.Thread(target=send, args=(goal,)) for goal in range(10, 18)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(answers) == [202, *[409] * 7]
    assert len(edits.decode(redis.hget(keys.EDITED_TARGETS, "acme"))) == 1  # type: ignore[arg-type]


PEOPLE = {"mana": "manager", "mei": "supervisor", "lea": "lead", "buyer": "client"}


def test_a_manager_edits_its_own_projects_and_nobody_else_edits_anything(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    redis.delete(keys.EDITED_TARGETS)
    people = "".join(user(name, f"word of {name}", role, ["acme"]) for name, role in PEOPLE.items())
    web = own_web(TEXT + "access:\n  users:\n" + people)
    seen = web.get(URL, auth=("mana", "word of mana")).json()["revision"]
    said = {"targets": WANTED, "seen": seen}
    for name in PEOPLE:
        status = web.post(URL, json=said, auth=(name, f"word of {name}")).status_code
        assert status == (202 if name == "mana" else 403), name
    rival = URL.replace("acme", "rival")
    assert web.get(rival, auth=("mana", "word of mana")).status_code == 404
    assert web.post(rival, json=said, auth=("mana", "word of mana")).status_code == 404
    assert web.post(URL, json=said).status_code == 401

    def editors() -> list[str]:
        return [entry["by"] for entry in web.get(URL, auth=("mana", "word of mana")).json()["edits"]]

    eventually(lambda: editors() == ["mana"], "whoever signed in, not who is named")


def test_a_client_sees_the_targets_of_its_kpis_and_nobodys_name(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    redis.hset(
        keys.EDITED_TARGETS,
        "acme",
        edits.encode([edits.Edit(dt.date(2026, 1, 1), "mana", 0, WANTED + [{"kpi": "asa_s", "goal": 9}])]),
    )
    web = own_web(TEXT + "access:\n  users:\n" + user("buyer", "word of buyer", "client", ["acme"]))
    told = web.get(URL, auth=("buyer", "word of buyer")).json()
    assert [target["kpi"] for target in told["targets"]] == ["longest_wait_s"]
    assert told["edits"][0]["by"] == "" and told["may_edit"] is False
    assert "asa_s" not in str(told) and "mana" not in str(told)
