"""Pairing and the screens' routes, on a real web process: who may, what is bound to whom, and what ends when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import redis as redis_py

from dashboard.access.screens import COOKIE, FILE
from dashboard.access.throttle import FREE
from dashboard.api.pairing import SECRET
from operations.store import boards, keys
from operations.store.embedded_redis import EmbeddedRedis
from operations.store.screens import CODE_LENGTH
from tests.collectors.redis_process import RedisProcess
from tests.dashboard.conftest import WebProcess, configuration, eventually
from tests.dashboard.publisher import Publisher
from tests.dashboard.test_access import NORTH, screen, user

HOSTILE = '<img src=x onerror="window.stolen=1">'
ACCESS = (
    "access:\n  users:\n"
    + user("mei", "mei's word", "supervisor", ["p0", "p1"])
    + user("ann", "ann's word", "supervisor", ["p1"])
    + user("root", "root's word", "admin", None)
    + user("lee", "lee's word", "lead", ["p0", "p1"])
    + user("buyer", "buyer's word", "client", ["p0"])
    + "  screens:\n"
    + screen("reception", NORTH, ["p0"])
)
MEI, ANN, ROOT = ("mei", "mei's word"), ("ann", "ann's word"), ("root", "root's word")
LEE, BUYER = ("lee", "lee's word"), ("buyer", "buyer's word")


CONFIGURATION = configuration(ACCESS, ["p0", "p1", "p2"])


def boards_there(client: redis_py.Redis) -> None:
    for project in ("p0", "p1", "p2"):
        Publisher(client, project).board(1)


@pytest.fixture(scope="module")
def shared_site(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("screens"), redis_server.url, CONFIGURATION).start()
    yield web
    web.stop()


@pytest.fixture
def site(shared_site: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """The module's web process, without any screen."""
    boards_there(redis)
    return shared_site


@pytest.fixture
def own_site(own_web: Callable[[str], WebProcess], redis: redis_py.Redis) -> WebProcess:
    """One of the test's own, which may remember wrong tries."""
    boards_there(redis)
    return own_web(CONFIGURATION)


class Tv:
    """A browser on a television: it keeps its cookies."""

    def __init__(self, web: WebProcess) -> None:
        self.web = web
        self.client = httpx.Client(base_url=web.address, timeout=20, trust_env=False)

    def ask(self) -> dict[str, Any]:
        answer = self.client.post("/api/v1/pair")
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.client.cookies[COOKIE]}"}

    def paired(self, by: tuple[str, str] = MEI, projects: tuple[str, ...] = ("p0",), **more: Any) -> str:
        """Pair it; its id."""
        confirmed = confirm(self.web, self.ask()["code"], by, projects, **more)
        assert confirmed.status_code == 201, confirmed.text
        assert self.ask()["go"] == "/wall"
        return str(confirmed.json()["id"])


def confirm(
    web: WebProcess, code: str, by: tuple[str, str] = MEI, projects: tuple[str, ...] = ("p0",), **more: Any
) -> httpx.Response:
    body = {"code": code, "name": "North wall", "projects": list(projects), **more}
    return web.post("/api/v1/screens", json=body, auth=by)


def act(web: WebProcess, method: str, path: str, by: tuple[str, str] = MEI, **more: Any) -> httpx.Response:
    return httpx.request(method, web.address + path, auth=by, timeout=20, trust_env=False, **more)


def listed(web: WebProcess, by: tuple[str, str] = MEI) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in web.get("/api/v1/screens", auth=by).json()["screens"]}


def test_a_tv_shows_a_code_and_becomes_a_screen_once_it_is_confirmed(site: WebProcess) -> None:
    tv = Tv(site)
    first = tv.ask()
    assert len(first["code"]) == CODE_LENGTH
    assert tv.ask()["code"] == first["code"]
    assert confirm(site, first["code"], language="zh-Hant", sound=True).status_code == 201
    assert tv.ask() == {"name": "North wall", "go": "/wall"}
    seen = tv.client.get("/api/v1/projects")
    assert [project["id"] for project in seen.json()["projects"]] == ["p0"]
    assert tv.client.get("/api/v1/projects/p1/board").status_code == 404
    page = tv.client.get("/wall")
    assert page.status_code == 200
    assert 'data-slide="p0"' in page.text
    assert "服務水準" in page.text or "zh-Hant" in page.text


def test_the_token_is_out_of_reach_of_scripts_and_of_the_page_of_screens(site: WebProcess) -> None:
    tv = Tv(site)
    confirm(site, tv.ask()["code"])
    answer = tv.client.post("/api/v1/pair")
    token = tv.client.cookies[COOKIE]
    assert token not in answer.text
    assert token not in site.get("/api/v1/screens", auth=ROOT).text
    set_ = next(value for value in answer.headers.get_list("set-cookie") if value.startswith(COOKIE))
    assert "HttpOnly" in set_
    assert "SameSite=Lax" in set_
    secret = next(value for value in Tv(site).client.post("/api/v1/pair").headers.get_list("set-cookie"))
    assert secret.startswith(SECRET)
    assert "HttpOnly" in secret
    assert "SameSite=Strict" in secret


def test_a_code_that_was_overheard_is_useless_to_another_browser(site: WebProcess) -> None:
    tv, thief = Tv(site), Tv(site)
    code, own = tv.ask()["code"], thief.ask()["code"]
    assert own != code
    confirm(site, code)
    assert "go" not in thief.ask()
    thief.client.cookies.set(SECRET, code, path="/api/v1/pair")
    assert "go" not in thief.ask()
    assert tv.ask()["go"] == "/wall"


def test_a_code_serves_once_and_never_after_its_end(site: WebProcess, redis: redis_py.Redis) -> None:
    tv = Tv(site)
    code = tv.ask()["code"]
    assert confirm(site, code).status_code == 201
    again = confirm(site, code)
    assert again.status_code == 404
    assert again.json()["type"].endswith("unknown_code")
    late = Tv(site)
    old = late.ask()["code"]
    redis.pexpire(f"{{screens}}:code:{old}", 0)
    assert confirm(site, old).status_code == 404
    assert late.ask()["code"] != old, "the screen shows another one by itself"


def test_two_tvs_at_once_become_two_screens(site: WebProcess) -> None:
    one, two = Tv(site), Tv(site)
    codes = one.ask()["code"], two.ask()["code"]
    for code, project in ((codes[1], "p1"), (codes[0], "p0")):
        assert confirm(site, code, projects=(project,)).status_code == 201
    for tv, project in ((one, "p0"), (two, "p1")):
        tv.ask()
        assert [p["id"] for p in tv.client.get("/api/v1/projects").json()["projects"]] == [project]
    assert len(listed(site)) == 3, "and the one of the file"


@pytest.mark.parametrize("who", [LEE, BUYER])
def test_whoever_may_not_act_neither_pairs_nor_revokes_nor_sees_screens(site: WebProcess, who: tuple[str, str]) -> None:
    tv = Tv(site)
    code = tv.ask()["code"]
    assert confirm(site, code, by=who).status_code == 403
    mine = tv.paired()
    assert site.get("/api/v1/screens", auth=who).status_code == 403
    for method, tail in (("PATCH", ""), ("DELETE", ""), ("POST", "/reload"), ("POST", "/identify")):
        assert act(site, method, f"/api/v1/screens/{mine}{tail}", by=who, json={}).status_code == 403
    assert mine in listed(site)
    assert "Screens are paired by supervisors" in site.get("/screens", auth=who).text


def test_a_screen_cannot_do_what_a_supervisor_can(site: WebProcess) -> None:
    tv = Tv(site)
    mine = tv.paired()
    assert tv.client.get("/api/v1/screens").status_code == 403
    assert tv.client.delete(f"/api/v1/screens/{mine}").status_code == 403
    other = Tv(site).ask()["code"]
    body = {"code": other, "name": "x", "projects": ["p0"]}
    assert tv.client.post("/api/v1/screens", json=body).status_code == 403


def test_a_supervisor_gives_own_projects_only_and_sees_screens_that_are_wholly_own(site: WebProcess) -> None:
    tv = Tv(site)
    code = tv.ask()["code"]
    theirs, nobodys = confirm(site, code, projects=("p0", "p2")), confirm(site, code, projects=("p0", "nobodys"))
    assert theirs.status_code == nobodys.status_code == 422
    assert theirs.content == nobodys.content
    both = tv.paired(projects=("p0", "p1"))
    assert both in listed(site, MEI)
    assert both not in listed(site, ANN)
    for method, tail in (("PATCH", ""), ("DELETE", ""), ("POST", "/reload")):
        hidden = act(site, method, f"/api/v1/screens/{both}{tail}", by=ANN, json={})
        missing = act(site, method, f"/api/v1/screens/nobodys{tail}", by=ANN, json={})
        assert hidden.status_code == missing.status_code == 404
        assert hidden.content == missing.content
    changed = act(site, "PATCH", f"/api/v1/screens/{both}", json={"projects": ["p2"]})
    assert changed.status_code == 422


def test_guessing_codes_is_slowed_down_for_who_guesses_and_for_nobody_else(own_site: WebProcess) -> None:
    site = own_site
    said = [confirm(site, f"34679{sign}").status_code for sign in "ACDEFG"]
    assert said == [404] * FREE + [429]
    tv = Tv(site)
    assert confirm(site, tv.ask()["code"]).status_code == 429, "not even the right one, for now"
    assert confirm(site, tv.ask()["code"], by=ROOT).status_code == 201


def test_a_changed_screen_hears_of_it_on_its_open_feed_and_loses_what_it_may_not_show(site: WebProcess) -> None:
    tv = Tv(site)
    mine = tv.paired(projects=("p0", "p1"))
    with site.live("p0", tv.cookie) as kept, site.live("p1", tv.cookie) as lost:
        assert kept.event("snapshot")
        assert lost.event("snapshot")
        changed = act(site, "PATCH", f"/api/v1/screens/{mine}", json={"projects": ["p0"], "seconds": 40})
        assert changed.json()["seconds"] == 40
        assert kept.until(lambda name, _: name == "screen")["revision"] == 2
        while lost.block():
            pass
    assert tv.client.get("/api/v1/screen").json()["revision"] == 2
    assert tv.client.get("/api/v1/projects/p1/board").status_code == 404


def test_a_new_name_does_not_make_a_screen_draw_itself_anew(site: WebProcess) -> None:
    tv = Tv(site)
    mine = tv.paired()
    act(site, "PATCH", f"/api/v1/screens/{mine}", json={"name": "South wall"})
    said = tv.client.get("/api/v1/screen").json()
    assert (said["name"], said["revision"]) == ("South wall", 1)
    act(site, "POST", f"/api/v1/screens/{mine}/reload")
    act(site, "POST", f"/api/v1/screens/{mine}/identify")
    said = tv.client.get("/api/v1/screen").json()
    assert (said["revision"], said["identify"]) == (2, 1)


def test_a_revoked_screen_loses_its_open_feed_and_everything_else_at_once(site: WebProcess) -> None:
    tv = Tv(site)
    mine = tv.paired()
    with site.live("p0", tv.cookie) as feed:
        assert feed.event("snapshot")
        assert act(site, "DELETE", f"/api/v1/screens/{mine}").json() == {"revoked": mine}
        while feed.block():
            pass
    assert tv.client.get("/api/v1/screen").status_code == 401
    assert tv.client.get("/api/v1/projects/p0/board").status_code == 401
    assert mine not in listed(site)
    assert "code" in tv.ask(), "and it can be paired again"


def test_another_web_process_knows_a_screen_at_once_and_its_end_within_seconds(
    site: WebProcess, redis_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    second = WebProcess(folder, redis_url, CONFIGURATION).start()
    try:
        tv = Tv(site)
        mine = tv.paired()
        assert second.get("/api/v1/projects/p0/board", headers=tv.cookie).status_code == 200
        with second.live("p0", tv.cookie) as feed:
            assert feed.event("snapshot")
            act(site, "DELETE", f"/api/v1/screens/{mine}")
            while feed.block():
                pass
        eventually(lambda: second.get("/api/v1/screen", headers=tv.cookie).status_code in (401, 429), "it has ended")
    finally:
        second.stop()


def test_a_contact_is_noted_with_address_and_time_and_renews_the_cookie(
    site: WebProcess, redis: redis_py.Redis
) -> None:
    tv = Tv(site)
    mine = tv.paired()
    answer = tv.client.get("/api/v1/screen")
    assert COOKIE in answer.headers["set-cookie"]
    assert "Max-Age=34560000" in answer.headers["set-cookie"]
    row = listed(site)[mine]
    assert row["online"]
    assert row["address"] == "127.0.0.1"
    assert row["paired_by"] == "mei"
    eventually(lambda: redis.hexists("{screens}:seen", mine), "the contact is written down")
    before = redis.hget("{screens}:seen", mine)
    for _ in range(30):
        tv.client.get("/api/v1/screen")
    assert redis.hget("{screens}:seen", mine) == before, "and not at every contact"


def test_a_screen_of_the_file_appears_and_cannot_be_edited(site: WebProcess) -> None:
    row = listed(site)[f"{FILE}reception"]
    assert row["from_file"]
    assert not row["online"]
    for method, tail in (("PATCH", ""), ("DELETE", ""), ("POST", "/reload")):
        refused = act(site, method, f"/api/v1/screens/{FILE}reception{tail}", json={})
        assert refused.status_code == 409
        assert refused.json()["type"].endswith("from_file")
    assert site.get("/api/v1/screen", headers={"Authorization": f"Bearer {NORTH}"}).json()["name"] == "reception"
    assert listed(site)[f"{FILE}reception"]["online"]
    page = site.get("/wall", headers={"Authorization": f"Bearer {NORTH}"})
    assert 'data-slide="p0"' in page.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 81),
        ("name", "a\nb"),
        ("name", "\u202ereversed"),
        ("projects", []),
        ("projects", ["p0"] * 51),
        ("projects", "p0"),
        ("seconds", 4),
        ("seconds", 3_601),
        ("seconds", 7.5),
        ("language", "tlh"),
        ("sound", "yes"),
        ("more", 1),
    ],
)
def test_what_a_screen_cannot_be_is_refused_with_the_field_and_the_code_still_serves(
    site: WebProcess, field: str, value: Any
) -> None:
    tv = Tv(site)
    code = tv.ask()["code"]
    body = {"code": code, "name": "North wall", "projects": ["p0"]} | {field: value}
    refused = site.post("/api/v1/screens", json=body, auth=MEI)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(f"{field}:")
    assert confirm(site, code).status_code == 201


def test_a_hostile_name_stays_text(site: WebProcess) -> None:
    tv = Tv(site)
    tv.paired(name=HOSTILE)
    assert HOSTILE in [row["name"] for row in listed(site).values()]
    assert "<img" not in tv.client.get("/wall").text.replace("&lt;img", "")
    assert "<img" not in site.get("/pair", headers={"Host": "127.0.0.1"}).text


def test_the_page_with_the_code_speaks_the_browsers_language_and_asks_nobody_to_sign_in(site: WebProcess) -> None:
    for accepted, text in (
        ("en", "Pair this screen"),
        ("zh-CN,zh;q=0.9", "配对本屏幕"),
        ("zh-TW", "配對本螢幕"),
        ("fr", "Pair this"),
    ):
        page = site.get("/pair", headers={"Accept-Language": accepted})
        assert page.status_code == 200
        assert text in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"].split("style-src")[0]
    assert site.get("/assets/pair.mjs").status_code == 200
    assert "p0" not in page.text


def test_a_code_is_given_to_our_own_page_only(site: WebProcess) -> None:
    refused = site.post("/api/v1/pair", headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403


def test_a_playlist_shows_what_the_caller_may_see_and_passes_over_the_rest(site: WebProcess) -> None:
    page = site.get("/wall?playlist=p0,p2,nobodys,p1,p0&seconds=7", auth=MEI).text
    assert 'data-slide="p0"' in page
    assert 'data-slide="p1"' in page
    assert 'data-slide="p2"' not in page
    assert page.count('data-slide="p0"') == 1
    assert "not a paired screen" in site.get("/wall", auth=MEI).text


def critical(client: redis_py.Redis, project: str, **more: Any) -> None:
    alert = {"id": "a@now", "kpi": "contacts_waiting", "queue": "", "level": "critical", "state": "firing", **more}
    head = msgspec.json.decode(client.hget(keys.board(project), boards.HEAD) or b"{}") | {"alerts": [alert]}
    client.hset(keys.board(project), boards.HEAD, json.dumps(head))


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        ({}, 1),
        ({"acked": {"by": "mei"}}, 0),
        ({"silenced": {"by": "mei"}}, 0),
        ({"inhibited": True}, 0),
        ({"level": "warning"}, 0),
        ({"state": "frozen"}, 0),
    ],
)
def test_a_project_calls_while_it_is_critical_and_nobody_has_answered(
    site: WebProcess, redis: redis_py.Redis, more: dict[str, Any], calls: int
) -> None:
    critical(redis, "p0", **more)
    critical(redis, "p1", state="firing" if calls == 0 else "frozen")

    def said() -> dict[str, int]:
        found = site.get("/api/v1/critical?projects=p1,p0,p2,nobodys", auth=MEI).json()["projects"]
        return {project: entry["critical"] for project, entry in found.items()}

    eventually(lambda: list(said().items()) == [("p1", 1 - calls), ("p0", calls)], "and only what is the caller's")


def test_the_page_with_the_code_names_the_sites_own_address_where_it_has_one(
    own_web: Callable[[str], WebProcess],
) -> None:
    """Behind a proxy what the screen sees itself may be an address that nobody else can open."""
    web = own_web(CONFIGURATION.replace("{name: Harbour,", "{name: Harbour, url: https://wall.example/board,"))
    assert "https://wall.example/board/screens" in web.get("/pair").text
    web.configure(CONFIGURATION)
    eventually(lambda: f"{web.address}/screens" in web.get("/pair").text, "else the one by which the screen came")


def test_without_sign_in_pairing_works_too_and_whoever_sits_at_the_machine_keeps_every_right(web: WebProcess) -> None:
    tv = Tv(web)
    confirmed = web.post("/api/v1/screens", json={"code": tv.ask()["code"], "name": "Demo", "projects": ["p0"]})
    assert confirmed.status_code == 201
    tv.ask()
    assert 'data-slide="p0"' in tv.client.get("/wall").text
    assert tv.client.get("/api/v1/screens").status_code == 200, "the browser that was paired is still this machine's"
    tv.client.delete(f"/api/v1/screens/{confirmed.json()['id']}")
    assert tv.client.get("/api/v1/screen").status_code == 404


def test_a_redis_that_goes_in_the_middle_of_pairing_is_said_and_pairing_goes_on_after(
    tmp_path: Path,
) -> None:
    redis = RedisProcess(tmp_path)
    redis.start()
    web = WebProcess(tmp_path, f"unix://{redis.socket}", CONFIGURATION).start()
    try:
        paired, tv = Tv(web), Tv(web)
        eventually(lambda: "code" in paired.ask(), "Redis answers")
        paired.paired()
        code = tv.ask()["code"]
        redis.stop()
        assert tv.client.post("/api/v1/pair").status_code == 503
        assert confirm(web, code).status_code == 503
        assert paired.client.get("/api/v1/screen").status_code == 200, "who is known stays known"
        web.stop()
        web.start()
        eventually(lambda: paired.client.get("/api/v1/screen").status_code == 503, "nobody can know: not refused")
        redis.start()
        eventually(lambda: paired.client.get("/api/v1/screen").status_code == 200, "it is known again")
        assert confirm(web, code).status_code == 201
        assert tv.ask()["go"] == "/wall"
    finally:
        web.stop()
        redis.stop()


def test_codes_and_notes_end_by_themselves(site: WebProcess, redis: redis_py.Redis) -> None:
    tv = Tv(site)
    tv.ask()
    for key in redis.scan_iter(match="{screens}:*"):
        if key != b"{screens}:codes":
            assert redis.pttl(key) > 0, key
