"""The team lead's page before any browser: who may see whom, what the first paint holds, and that every text is used and translated."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import argon2
import httpx
import msgspec
import pytest
import redis as redis_py

from dashboard.access.caller import SIGHT, Caller
from dashboard.access.view import MASK, View, mask, with_masked_callers, without_names
from dashboard.components.lead import TABLES, lead
from dashboard.components.static_html import static_html
from dashboard.i18n import LANGUAGES, words
from dashboard.i18n.lead import LEAD, PAGES
from dashboard.push.hub import FeedKey, Hub
from operations.store import boards
from tests.dashboard.conftest import WebProcess, configuration
from tests.dashboard.publisher import Publisher

NUMBER, NAME = "+86 138 0000 4711", "Mrs Wong"
WAITING = [
    {"queue": "demo/p0", "contact": "1.1", "since": "2026-11-22T12:00:00Z", "caller": NUMBER, "caller_name": NAME}
]
LOST = {"id": "demo/1.0", "caller": NUMBER, "caller_name": NAME, "queue": "demo/p0", "at": "2026-11-22T11:00:00Z"}
LOST |= {"wait_s": 40, "tries": 2, "waiting": False}
BOARD = {
    "revision": 7,
    "agents": [{"id": "demo/Alice", "name": "Alice", "missed": 3}],
    "waiting": WAITING,
    "lost": [LOST],
}
CHANGE = {
    "revision": 8,
    "previous": 7,
    "waiting": WAITING,
    "lost": [LOST],
    "lost_gone": ["demo/1.9"],
    "agents_gone": ["x"],
}


# ── who sees whom ─────────────────────────────────────────────────────────────────────────────────


def test_a_masked_number_keeps_its_last_digits_and_a_masked_name_nothing() -> None:
    assert mask(NUMBER) == f"{MASK} 711"
    assert mask("4711") == MASK, "three digits of four would be the number"
    assert mask("Front desk") == MASK
    assert mask("") == "", "no number is no secret"


@pytest.mark.parametrize("body", [BOARD, CHANGE])
def test_a_masked_board_tells_agents_but_neither_numbers_nor_callers_names(body: dict) -> None:
    seen = json.dumps(with_masked_callers(body), ensure_ascii=False)
    assert NUMBER not in seen
    assert NAME not in seen
    assert seen.count(f"{MASK} 711") == 2
    assert with_masked_callers(body).get("agents") == body.get("agents")
    assert body["waiting"][0]["caller"] == NUMBER, "the argument stays as it is"


@pytest.mark.parametrize("body", [BOARD, CHANGE])
def test_who_sees_no_names_sees_no_caller_and_no_digit_of_one(body: dict) -> None:
    seen = without_names(body)
    assert "711" not in json.dumps(seen)
    assert NAME not in json.dumps(seen)
    assert "Alice" not in json.dumps(seen)
    assert seen["lost"] == []
    assert not seen.keys() & {"lost_gone", "agents_gone"}
    assert len(seen["waiting"]) == 1, "how many wait, where and how long is no secret"


def test_a_board_that_is_only_passed_on_is_redacted_all_the_same() -> None:
    parts = msgspec.json.decode(msgspec.json.encode(BOARD), type=dict[str, msgspec.Raw])
    for redact in (with_masked_callers, without_names):
        assert NUMBER.encode() not in msgspec.json.encode(redact(parts))


def test_a_change_without_people_is_passed_on_as_it_is() -> None:
    plain = {"revision": 8, "previous": 7, "kpis": {"offered": {"value": 3}}}
    assert with_masked_callers(plain) == without_names(plain) == plain


def test_every_role_has_a_sight_and_only_who_works_with_callers_sees_numbers() -> None:
    assert {role for role, sight in SIGHT.items() if sight == "whole"} == {"admin", "manager", "supervisor", "lead"}
    assert Caller("north-wall", "screen", frozenset()).sight == "masked"
    assert not Caller("buyer", "client", frozenset()).sees_names


def test_the_feeds_of_one_board_are_kept_apart_by_who_watches() -> None:
    hub = Hub()
    lead_, screen, client = (hub.join(FeedKey("p0", View(sight)), None) for sight in ("whole", "masked", "nameless"))
    hub.install("p0", json.dumps(BOARD).encode())
    hub.change("p0", json.dumps(CHANGE).encode())
    whole, masked, nameless = lead_.take(), screen.take(), client.take()
    assert whole.count(NUMBER.encode()) == 4
    assert NUMBER.encode() not in masked + nameless
    assert masked.count(f"{MASK} 711".encode()) == 4
    assert b"711" not in nameless


# ── over HTTP, by role ────────────────────────────────────────────────────────────────────────────


def access() -> str:
    hashed = argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash("word")
    people = ", ".join(
        f'{{name: {role}, password: "{hashed}", role: {role}, projects: [p0]}}'
        for role in ("manager", "supervisor", "lead", "client")
    )
    return f"access:\n  users: [{people}]\n"


@pytest.fixture
def guarded(own_web: Callable[[str], WebProcess], redis: redis_py.Redis) -> WebProcess:
    Publisher(redis, "p0").board(1)
    redis.hset("board:{p0}", boards.WAITING, msgspec.json.encode(WAITING))
    redis.hset("board:{p0}", boards.LOST + LOST["id"], msgspec.json.encode(LOST))
    return own_web(configuration(access(), ["p0"]))


def test_the_board_and_the_feed_tell_each_role_what_it_may_know(guarded: WebProcess) -> None:
    for role in ("manager", "supervisor", "lead"):
        board = guarded.get("/api/v1/projects/p0/board", auth=(role, "word")).json()
        assert (board["waiting"][0]["caller"], board["lost"][0]["caller"]) == (NUMBER, NUMBER)
    client = guarded.get("/api/v1/projects/p0/board", auth=("client", "word"))
    assert client.json()["lost"] == []
    basic = httpx.BasicAuth("client", "word")._auth_header
    with guarded.live("p0", {"Authorization": basic}) as feed:
        shown = json.dumps(feed.event("snapshot")[2])
    for text in (client.text, shown):
        assert NUMBER not in text
        assert "711" not in text
        assert NAME not in text


def test_the_page_is_for_who_may_see_people_and_for_nobody_elses_project(guarded: WebProcess) -> None:
    assert "data-table" in guarded.get("/lead/p0", auth=("lead", "word")).text
    client = guarded.get("/lead/p0", auth=("client", "word")).text
    assert "data-table" not in client
    assert "your role does not see" in client
    stranger, nowhere = (guarded.get(f"/lead/{name}", auth=("lead", "word")).text for name in ("other", "nowhere"))
    assert "data-table" not in stranger
    assert painted(stranger) == painted(nowhere), "what may not be seen is like what is not there"


def painted(page: str) -> str:
    return "".join(re.findall(r'<title>.*?</title>|<div id="first-paint">.*?</main>', page, re.DOTALL))


# ── the tree ──────────────────────────────────────────────────────────────────────────────────────


def test_the_first_paint_has_every_table_and_its_columns_and_takes_a_name_for_text() -> None:
    for language in LANGUAGES:
        said = words(language)
        shown = static_html(lead("p0", "<b>Acme</b>", "", said))
        assert "<b>Acme" not in shown
        for table in TABLES:
            assert f'data-table="{table.key}"' in shown
            for column in table.columns:
                assert f">{said(column.text)}</button>" in shown


def test_the_page_hands_its_script_the_texts_and_the_columns_of_a_queue() -> None:
    page = json.loads(
        lead("p0", "Acme", "", words("en"), layout="9f2c", time_zone="Asia/Shanghai").to_plotly_json()["props"][
            "data-page"
        ]
    )
    assert (page["page"], page["layout"], page["time_zone"]) == ("lead", "9f2c", "Asia/Shanghai")
    assert [column.key for column in TABLES[0].columns[1:]] == page["columns"]
    assert page["words"]["waits_again"] == "waits again"


SCRIPT = (Path(__file__).parents[2] / "assets" / "lead.mjs").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LEAD)
def test_every_text_of_the_script_is_used_by_it(name: str) -> None:
    assert f"'{name.removesuffix('_one')}'" in SCRIPT or name in (
        "available",
        "ringing",
        "on_contact",
        "wrap_up",
        "paused",
    )


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_text_is_translated_and_keeps_its_places_to_fill(language: str) -> None:
    said = words(language)
    for english in (*LEAD.values(), *PAGES):
        assert english in said.texts, english
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", said(english)))
