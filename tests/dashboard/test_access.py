"""Who may see what: the gate, credentials, and that no route forgets to ask."""

from __future__ import annotations

import ast
import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis as redis_py
from argon2 import PasswordHasher

from dashboard.access.credentials import MOST_WAITING, Credentials
from dashboard.access.passwords import FREE_BY_ADDRESS, Passwords, TooManyTries
from dashboard.access.screens import Screens
from dashboard.access.throttle import FIRST_WAIT_MS, FREE, LONGEST_WAIT_MS, Throttle
from dashboard.api.rows import rows
from dashboard.asgi import Message, Problem, Request
from operations.projects.access import Access
from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.conftest import WebProcess, configuration, eventually
from tests.dashboard.publisher import Publisher, now_ms, source_says

PAGES = Path(__file__).parents[2] / "dashboard" / "pages"

CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
"""Real argon2, light enough for a test."""


def user(name: str, password: str, role: str, projects: list[str] | None) -> str:
    listed = "" if projects is None else f", projects: {json.dumps(projects)}"
    return f"    - {{name: {name}, password: {json.dumps(CHEAP.hash(password))}, role: {role}{listed}}}\n"


def screen(name: str, token: str, projects: list[str]) -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f"    - {{name: {name}, token: 'sha256:{digest}', projects: {json.dumps(projects)}}}\n"


NORTH = "north-token-of-forty-characters-or-more!"
ACCESS = (
    "access:\n  users:\n"
    + user("mei", "mei's word", "supervisor", ["p0"])
    + user("root", "root's word", "admin", None)
    + user("buyer", "buyer's word", "client", ["p0"])
    + user("多多", "密码", "lead", ["p0"])
    + "  screens:\n"
    + screen("north", NORTH, ["p0"])
)
MEI, ROOT, BUYER = ("mei", "mei's word"), ("root", "root's word"), ("buyer", "buyer's word")


@pytest.fixture(scope="module")
def shared_guarded(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("guarded"), redis_server.url, configuration(ACCESS)).start()
    yield web
    web.stop()


def boards(client: redis_py.Redis) -> None:
    """``p0`` is mei's, ``other`` is not."""
    Publisher(client, "p0").board(1)
    Publisher(client, "other").board(1)
    for source in ("demo", "hq"):
        source_says(client, source, now_ms())


@pytest.fixture
def guarded(shared_guarded: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """A web process with users, for tests that neither guess nor change who they are."""
    boards(redis)
    return shared_guarded


@pytest.fixture
def own_guarded(own_web: Callable[[str], WebProcess], redis: redis_py.Redis) -> WebProcess:
    """One of the test's own, which may remember wrong tries."""
    boards(redis)
    return own_web(configuration(ACCESS))


def filled(path: str, project: str, source: str) -> str:
    return path.format(project=project, source=source, silence="s1", screen="s1")


def pages() -> list[str]:
    """The addresses of all pages, ``{p}`` for a project, as their files register them: a page that is added is asked too."""
    found = ["/nowhere"]
    for file in sorted(PAGES.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "dash.register_page":
                said = {
                    word.arg: ast.literal_eval(word.value)
                    for word in node.keywords
                    if word.arg in ("path", "path_template")
                }
                found += [path.replace("<project>", "{p}") for path in said.values()]
    return found


def addresses(project: str, source: str) -> list[tuple[str, str]]:
    """Every route of the table, and the pages, for one project; but for a source's door, which asks nobody who he is."""
    listed = [(row.method, filled(row.path, project, source)) for row in rows(lambda *_: []) if not row.door]
    return [
        *listed,
        *(("GET", path.format(p=project)) for path in (*pages(), "/_dash-layout", "/_dash-dependencies")),
    ]


def ask(web: WebProcess, method: str, path: str, **more: Any) -> httpx.Response:
    """Ask, and of a stream read the head alone."""
    with (
        httpx.Client(timeout=20, trust_env=False) as client,
        client.stream(method, web.address + path, **more) as answer,
    ):
        if not answer.headers["content-type"].startswith("text/event-stream"):
            answer.read()
        return answer


OPEN = {filled(row.path, "p0", "demo") for row in rows(lambda *_: []) if row.open}
"""They tell nobody's numbers: whether the roles live, and a code for whoever wants to be paired."""

STRANGERS: list[dict[str, object]] = [
    {},
    {"auth": ("mei", "wrong")},
    {"headers": {"Authorization": "Bearer wrong"}},
    {"params": {"token": "wrong"}},
]


def test_a_stranger_gets_nothing_from_any_route_but_the_open_ones(own_guarded: WebProcess) -> None:
    for way in STRANGERS:
        for method, path in addresses("p0", "demo"):
            answer = ask(own_guarded, method, path, **way)
            if path in OPEN:
                assert answer.status_code in (200, 404, 503)
                assert "Acme" not in answer.text
            else:
                assert answer.status_code in (401, 429), path
                assert answer.headers["content-type"] == "application/problem+json"


RANDOM = re.compile(r'"end_id":"[\w~-]+"')
"""What Dash draws by lot for each visit: it may hold any two letters."""


def test_no_route_shows_another_project_to_somebody_who_may_not_see_it(guarded: WebProcess) -> None:
    for method, path in addresses("other", "hq"):
        answer = ask(guarded, method, path, auth=MEI)
        if "/projects/other" in path or "/sources/hq" in path:
            assert answer.status_code == 404, path
        elif path != "/healthz":
            told = RANDOM.sub("", answer.text.replace(path, ""))
            for word in ("Rival", "hq"):
                assert word not in told, path


def test_a_project_that_is_not_yours_and_one_that_is_not_there_are_answered_alike(guarded: WebProcess) -> None:
    for tail in ("board", "intervals?from=2026-11-01&to=2026-11-02", "live"):
        theirs = guarded.get(f"/api/v1/projects/other/{tail}", auth=MEI)
        nobodys = guarded.get(f"/api/v1/projects/nobodys/{tail}", auth=MEI)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.content == nobodys.content


def test_the_pages_callbacks_show_another_project_to_nobody_either(guarded: WebProcess) -> None:
    body = {
        "output": "..._pages_content.children..._pages_store.data...",
        "outputs": [{"id": "_pages_content", "property": "children"}, {"id": "_pages_store", "property": "data"}],
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": "/wall/other"},
            {"id": "_pages_location", "property": "search", "value": ""},
        ],
        "changedPropIds": ["_pages_location.pathname"],
    }
    dependencies = guarded.get("/_dash-dependencies", auth=ROOT).json()
    body["output"] = next(row["output"] for row in dependencies if "_pages_content" in row["output"])
    theirs = guarded.post("/_dash-update-component", json=body, auth=MEI)
    assert theirs.status_code == 200
    assert "Rival" not in theirs.text
    assert "Rival" in guarded.post("/_dash-update-component", json=body, auth=ROOT).text


def test_a_user_sees_own_projects_and_an_admin_without_a_list_all(guarded: WebProcess) -> None:
    seen = guarded.get("/api/v1/projects", auth=MEI).json()["projects"]
    assert [project["id"] for project in seen] == ["p0"]
    assert "other" in [project["id"] for project in guarded.get("/api/v1/projects", auth=ROOT).json()["projects"]]
    assert guarded.get("/api/v1/projects", auth=("多多".encode(), "密码".encode())).status_code == 200


def test_metrics_name_only_the_callers_sources_and_projects(guarded: WebProcess) -> None:
    assert 'source="hq"' not in guarded.get("/metrics", auth=MEI).text
    assert 'source="hq"' in guarded.get("/metrics", auth=ROOT).text


def test_a_client_sees_numbers_but_no_agents_name(guarded: WebProcess) -> None:
    hidden = guarded.get("/api/v1/projects/p0/board", auth=BUYER)
    assert hidden.json()["agents"] == []
    assert "Alice" not in hidden.text
    assert "Alice" in guarded.get("/api/v1/projects/p0/board", auth=MEI).text
    basic = httpx.BasicAuth(*BUYER)._auth_header
    with guarded.live("p0", {"Authorization": basic}) as feed:
        assert feed.event("snapshot")[2]["agents"] == []
    assert "Alice" not in guarded.get("/wall/p0", auth=BUYER).text


def test_a_screens_token_works_as_bearer_and_by_address_and_then_by_cookie(guarded: WebProcess) -> None:
    assert guarded.get("/api/v1/projects/p0/board", headers={"Authorization": f"Bearer {NORTH}"}).status_code == 200
    first = guarded.get(f"/wall/p0?token={NORTH}&zoom=2")
    assert first.status_code == 303
    assert first.headers["location"] == "/wall/p0?zoom=2", "the token does not stay in the address bar"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    shown = cookie.split(";")[0]
    assert guarded.get("/wall/p0", headers={"Cookie": shown}).status_code == 200
    assert guarded.get("/api/v1/projects/other/board", headers={"Cookie": shown}).status_code == 404
    direct = guarded.get(f"/api/v1/projects/p0/board?token={NORTH}")
    assert direct.status_code == 200
    assert shown in direct.headers["set-cookie"]


def test_a_redirect_of_a_token_never_leaves_this_server(guarded: WebProcess) -> None:
    host = guarded.address.removeprefix("http://")
    for path in ("//evil.example/x", "/%2F%2Fevil.example", "/\\evil.example"):
        said = guarded.raw(f"GET {path}?token={NORTH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        place = said.split(b"location: ")[1].split(b"\r\n")[0]
        assert place.startswith(b"/")
        assert place[1:2] not in (b"/", b"\\")


def test_a_screen_may_look_but_not_act(guarded: WebProcess) -> None:
    refused = guarded.post(
        "/api/v1/sources/demo/commands", json={"incident": "surge"}, headers={"Authorization": f"Bearer {NORTH}"}
    )
    assert refused.status_code == 403


def test_a_supervisor_moves_own_queues_only(guarded: WebProcess, redis: redis_py.Redis) -> None:
    assert guarded.post("/api/v1/sources/demo/commands", json={"incident": "surge"}, auth=MEI).status_code == 403
    theirs = guarded.post("/api/v1/sources/demo/commands", json={"incident": "surge", "queue": "demo/p1"}, auth=MEI)
    assert theirs.status_code == 403
    mine = guarded.post(
        "/api/v1/sources/demo/commands", json={"incident": "surge", "queue": "demo/p0", "by": "the boss"}, auth=MEI
    )
    assert mine.status_code == 202
    assert [json.loads(raw) for raw in redis.lrange("source:{demo}:commands", 0, -1)] == [
        {"incident": "surge", "minutes": 5.0, "by": "mei", "queue": "p0"}
    ]


def test_guessing_is_slowed_down_and_the_right_word_still_works_elsewhere(own_guarded: WebProcess) -> None:
    answers = [own_guarded.get("/api/v1/projects", auth=("mei", f"guess {n}")) for n in range(FREE + 1)]
    assert [answer.status_code for answer in answers] == [401] * FREE + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert own_guarded.get("/api/v1/projects", auth=ROOT).status_code == 200


def test_who_was_let_in_before_somebody_guessed_stays_in(own_guarded: WebProcess) -> None:
    assert own_guarded.get("/api/v1/projects", auth=MEI).status_code == 200
    for n in range(FREE + 1):
        own_guarded.get("/api/v1/projects", auth=("mei", f"guess {n}"))
    assert own_guarded.get("/api/v1/projects", auth=MEI).status_code == 200


@pytest.mark.parametrize("value", ["Basic", "Basic !!!", "Basic bWVp", "Basic /w==", "Bearer", "Digest x", "x" * 9_000])
def test_credentials_that_cannot_be_read_are_refused_in_words(guarded: WebProcess, value: str) -> None:
    answer = guarded.get("/api/v1/projects", headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:floorlight:problem:sign_in"


def test_a_screen_that_is_taken_off_the_list_loses_its_open_stream(own_guarded: WebProcess) -> None:
    with own_guarded.live("p0", {"Authorization": f"Bearer {NORTH}"}) as feed:
        feed.event("snapshot")
        own_guarded.configure(
            configuration(
                ACCESS.replace("name: north", "name: south").replace(
                    hashlib.sha256(NORTH.encode()).hexdigest(), "0" * 64
                )
            )
        )
        while feed.block():
            pass
    assert own_guarded.get("/api/v1/projects", headers={"Authorization": f"Bearer {NORTH}"}).status_code == 401


def test_without_sign_in_only_this_machines_own_names_are_served(web: WebProcess) -> None:
    port = web.address.rpartition(":")[2]
    for host in ("localhost", "127.0.0.1", f"localhost:{port}", "[::1]:80", "LOCALHOST"):
        assert web.get("/api/v1/projects", headers={"Host": host}).status_code == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.", ""):
        refused = web.get("/api/v1/projects", headers={"Host": host})
        assert refused.status_code in (400, 421), host


def test_another_sites_page_can_neither_read_nor_send(web: WebProcess) -> None:
    body = {"incident": "surge"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        for path in ("/api/v1/sources/demo/commands", "/_dash-update-component"):
            refused = web.post(path, json=body, headers=headers)
            assert refused.status_code == 403
            assert refused.json()["type"].endswith("other_origin")
    form = web.post(
        "/api/v1/sources/demo/commands", content=b'{"incident": "surge"}', headers={"Content-Type": "text/plain"}
    )
    assert form.status_code == 415
    read = web.get("/api/v1/projects", headers={"Origin": "https://evil.example"})
    assert not [name for name in read.headers if name.startswith("access-control-")]
    ours = web.post(
        "/api/v1/sources/demo/commands", json=body, headers={"Origin": web.address, "Sec-Fetch-Site": "same-origin"}
    )
    assert ours.status_code == 202


def test_every_answer_carries_the_security_headers(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(1)
    for _, path in addresses(publisher.project, "demo"):
        headers = ask(web, "GET", path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'self'" in headers["content-security-policy"], path
        assert headers["referrer-policy"] == "same-origin", path


def test_a_pages_policy_allows_no_inline_script_but_dashs_own_by_hash(web: WebProcess) -> None:
    policy = web.get("/").headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts
    assert "'sha256-" in scripts
    assert "http" not in policy


def test_the_wait_between_guesses_doubles_and_ends() -> None:
    throttle, now = Throttle(), 1_000_000
    for _ in range(FREE):
        assert throttle.wait_ms("mei", now) == 0
        throttle.failed("mei", now)
    waits = []
    for _ in range(12):
        waits.append(throttle.wait_ms("mei", now))
        now += waits[-1]
        throttle.failed("mei", now)
    assert waits[:3] == [2_000, 4_000, 8_000]
    assert max(waits) == LONGEST_WAIT_MS
    assert throttle.wait_ms("li", now) == 0
    throttle.passed("mei")
    assert throttle.wait_ms("mei", now) == 0


STAFF = Access.model_validate(
    {
        "users": [
            {
                "name": f"u{n}",
                "password": PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"),
                "role": "admin",
            }
            for n in range(FREE_BY_ADDRESS + 5)
        ]
    }
)


def test_guessing_over_many_names_is_slowed_too_and_a_success_between_forgives_nothing() -> None:
    passwords, now = Passwords(), 1_000_000
    for n in range(FREE_BY_ADDRESS):
        assert passwords.check(STAFF, "u51", "x", "10.0.0.1", now) is not None
        assert passwords.check(STAFF, f"u{n}", "wrong", "10.0.0.1", now) is None
    for password in ("x", "wrong"):
        with pytest.raises(TooManyTries):
            passwords.check(STAFF, "u51", password, "10.0.0.1", now)
    assert passwords.check(STAFF, "u51", "x", "10.0.0.2", now) is not None, "another address does not wait"
    assert passwords.check(STAFF, "u52", "x", "10.0.0.1", now + FIRST_WAIT_MS) is not None


def test_a_large_office_that_mistypes_now_and_then_is_not_taken_for_somebody_who_guesses() -> None:
    shared, now = Throttle(FREE_BY_ADDRESS, anew=True), 1_000_000
    for _ in range(20 * FREE_BY_ADDRESS):
        shared.failed("office", now)
        now += 60_000
        assert shared.wait_ms("office", now) == 0


def test_a_flood_of_names_from_one_address_keeps_nobody_else_from_signing_in() -> None:
    screens, passwords = Screens(), Passwords()
    credentials = Credentials(screens, passwords)

    async def enter(address: str, name: str, password: str) -> str:
        word = base64.b64encode(f"{name}:{password}".encode())
        headers = [(b"authorization", b"Basic " + word)]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "headers": headers,
            "client": (address, 1),
            "query_string": b"",
        }
        try:
            return (await credentials.caller(STAFF, Request(scope, nothing), 1_000_000)).name
        except Problem as problem:
            return problem.word

    async def flood() -> list[str]:
        many = [enter("10.0.0.1", f"u{n}", "wrong") for n in range(40)]
        return await asyncio.gather(*many, enter("10.0.0.2", "u50", "x"))

    *many, other = asyncio.run(flood())
    assert (many.count("sign_in"), many.count("busy")) == (MOST_WAITING // 2, 40 - MOST_WAITING // 2)
    assert other == "u50"
    assert asyncio.run(enter("10.0.0.1", "u50", "x")) == "u50", "and it ends with the flood"


async def nothing() -> Message:
    return {"type": "http.disconnect"}


def test_the_gate_outlives_a_change_of_the_configuration(own_guarded: WebProcess) -> None:
    own_guarded.configure(configuration(ACCESS.replace("name: mei", "name: mai")))
    eventually(lambda: own_guarded.get("/api/v1/projects", auth=MEI).status_code == 401, "mei is no longer known")
    assert own_guarded.get("/api/v1/projects", auth=("mai", "mei's word")).status_code == 200
