"""People who sign in by the page: what a session is worth, when it ends, and that nobody can make or take one."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis as redis_py

from dashboard.access.places import same_site
from dashboard.access.sessions import Sessions, granted
from dashboard.api.rows import rows
from operations.projects.access import Access, OpenId
from operations.store import keys
from operations.store.embedded_redis import EmbeddedRedis
from tests.collectors.redis_process import RedisProcess
from tests.dashboard.conftest import WebProcess, configuration, eventually
from tests.dashboard.person import SCRIPT, VISIT, Person
from tests.dashboard.publisher import Publisher, now_ms, source_says
from tests.dashboard.test_access import ACCESS, CHEAP, addresses, ask, user

MEI, ROOT, BUYER = ("mei", "mei's word"), ("root", "root's word"), ("buyer", "buyer's word")
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def shared_guarded(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    text = configuration(ACCESS + "", projects=["p0", "p1"])
    web = WebProcess(tmp_path_factory.mktemp("sessions"), redis_server.url, text).start()
    yield web
    web.stop()


def boards(client: redis_py.Redis) -> None:
    for project in ("p0", "other"):
        Publisher(client, project).board(1)
    for source in ("demo", "hq"):
        source_says(client, source, now_ms())


@pytest.fixture
def guarded(shared_guarded: WebProcess, redis: redis_py.Redis) -> WebProcess:
    boards(redis)
    return shared_guarded


@pytest.fixture
def mei(guarded: WebProcess) -> Iterator[Person]:
    """A supervisor of ``p0`` who has signed in."""
    with Person(guarded) as person:
        assert person.sign_in(*MEI).status_code == 303
        yield person


# ── the way in ────────────────────────────────────────────────────────────────────────────────────


def test_a_browser_is_led_to_the_page_and_back_and_a_program_is_told_401(guarded: WebProcess) -> None:
    with Person(guarded) as person:
        led = person.visit("/wall/p0?decimals=0")
        assert led.status_code == 303
        assert led.headers["location"] == "/sign-in?next=%2Fwall%2Fp0%3Fdecimals%3D0"
        page = person.visit(led.headers["location"])
        assert page.status_code == 200
        assert 'value="/wall/p0?decimals=0"' in page.text
        for path in ("/api/v1/projects", "/_dash-layout", "/api/v1/projects/p0/live"):
            refused = person.http.get(path, headers=SCRIPT)
            assert refused.status_code == 401, path
            assert refused.headers["content-type"] == "application/problem+json"
            assert "www-authenticate" not in refused.headers, (
                "a browser would ask for a password by a dialog of its own"
            )
        assert person.visit("/api/v1/projects").status_code == 401
        assert "Basic" in guarded.get("/api/v1/projects").headers["www-authenticate"]
        inside = person.sign_in(*MEI, "/wall/p0?decimals=0")
        assert (inside.status_code, inside.headers["location"]) == (303, "/wall/p0?decimals=0")
        assert person.visit("/wall/p0?decimals=0").status_code == 200


def test_the_page_is_open_to_everybody_runs_no_script_and_shows_no_name_of_a_project(guarded: WebProcess) -> None:
    with Person(guarded) as person:
        page = person.visit("/sign-in")
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "<script" not in page.text
        for word in ('autocomplete="username"', 'autocomplete="current-password"', "Harbour"):
            assert word in page.text
        for word in ("p0", "Acme", "Rival"):
            assert word not in page.text
        for asset in ("tokens.css", "sign_in.css", "fonts/inter-latin-wght-normal.woff2"):
            assert person.http.get(f"/assets/{asset}").status_code == 200


@pytest.mark.parametrize(
    ("asked", "language", "word"),
    [("zh-CN,zh;q=0.9", "zh-Hans", "登录"), ("zh-TW", "zh-Hant", "登入"), ("de", "en", "Sign in")],
)
def test_the_page_speaks_the_browsers_language_or_the_one_that_is_chosen(
    guarded: WebProcess, asked: str, language: str, word: str
) -> None:
    with Person(guarded) as person:
        page = person.visit("/sign-in", headers={"Accept-Language": asked}).text
        assert f'<html lang="{language}"' in page
        assert f'<h1 class="sign-title">{word}</h1>' in page
        assert (
            '<html lang="zh-Hant"' in person.visit("/sign-in?language=zh-Hant", headers={"Accept-Language": asked}).text
        )


def test_the_cookie_is_for_the_server_alone(guarded: WebProcess) -> None:
    with Person(guarded) as person:
        inside = person.sign_in(*MEI)
        said = next(
            value
            for name, value in inside.headers.multi_items()
            if name == "set-cookie" and "floorlight_session" in value
        )
        assert "HttpOnly" in said and "SameSite=Lax" in said and "Path=/" in said
        assert "Secure" not in said
        by_proxy = person.http.get("/sign-in", headers={**VISIT, "X-Forwarded-Proto": "https", "Cookie": ""})
        assert "Secure" in by_proxy.headers["set-cookie"]


def test_a_session_opens_pages_the_api_and_the_feed_and_nothing_of_another_project(mei: Person) -> None:
    assert mei.visit("/").status_code == 200
    listed = mei.ask("GET", "/api/v1/projects").json()["projects"]
    assert [project["id"] for project in listed] == ["p0"]
    for method, path in addresses("other", "hq"):
        answer = ask(
            mei.web,
            method,
            path,
            headers={**SCRIPT, "Cookie": f"floorlight_session={mei.cookie}", "X-CSRF-Token": mei.token()},
        )
        if "/projects/other" in path or "/sources/hq" in path:
            assert answer.status_code == 404, path
        for word in ("Rival", "hq/"):
            assert word not in answer.text.replace(path, ""), path
    with mei.web.live("p0", {"Cookie": f"floorlight_session={mei.cookie}"}) as feed:
        assert feed.status == 200
        assert feed.event("snapshot")[0] == "snapshot"


@pytest.mark.parametrize(
    "wrong",
    [
        ("mei", "wrong"),
        ("nobody", "mei's word"),
        ("", ""),
        ("mei", ""),
        (HOSTILE, HOSTILE),
        ("mei\x00", "x"),
        ("m" * 5000, "x" * 5000),
    ],
)
def test_what_is_wrong_is_told_alike_and_escaped(guarded: WebProcess, wrong: tuple[str, str]) -> None:
    with Person(guarded) as person:
        refused = person.sign_in(*wrong, address_of_nothing="x")
        assert refused.status_code == 403
        assert "The name or the password is wrong." in refused.text
        assert HOSTILE not in refused.text
        assert person.visit("/").status_code == 303


def test_guessing_gets_slow_and_says_how_long(own_web: Callable[[str], WebProcess]) -> None:
    web = own_web(configuration(ACCESS, projects=["p0"]))
    with Person(web) as person:
        answers = [person.sign_in("mei", f"guess {number}") for number in range(8)]
        slow = next(answer for answer in answers if answer.status_code == 429)
        assert int(slow.headers["retry-after"]) >= 1
        assert "Wait" in slow.text
        assert person.sign_in(*MEI).status_code == 429, "also the right one has to wait"
        assert person.sign_in(*ROOT).status_code == 303, "somebody else does not"
        other = [
            httpx.post(
                web.address + "/api/v1/projects",
                auth=("mei", "x"),
                headers={"X-Forwarded-For": f"10.0.0.{n}"},
                trust_env=False,
            )
            for n in range(25)
        ]
        assert 429 in [answer.status_code for answer in other], "guesses at one name add up, wherever they come from"


def test_a_form_of_another_site_or_of_an_old_page_signs_nobody_in(guarded: WebProcess) -> None:
    with Person(guarded) as person:
        for token in ("", "x", "é"):
            assert person.sign_in(*MEI, csrf=token).status_code == 400
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert person.http.post("/sign-in", data={"name": "mei"}, headers=headers).status_code == 403
        assert person.visit("/").status_code == 303


def test_a_large_form_is_refused_before_it_is_read(guarded: WebProcess) -> None:
    for size in (100_000, 10_000_000):
        with Person(guarded) as person:
            person.visit("/sign-in")
            assert person.send("/sign-in", name="x" * size, password="y").status_code == 413


NOT_HERE = [
    "//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/%0d%0aSet-Cookie:x=1\r\nX: y",
    "javascript:alert(1)", "evil.example", "", "/sign-in", "/sign-out", "/api/v1/projects", "/" + "x" * 5000, "/\x00", "///evil.example", "/ /evil",
    "http:evil.example", "/é",
]  # fmt: skip


@pytest.mark.parametrize("wanted", NOT_HERE)
def test_nobody_is_sent_to_another_site(wanted: str) -> None:
    assert same_site(wanted) == "/"


def test_a_page_of_ours_is_a_place_to_go_on_to(guarded: WebProcess) -> None:
    for place in ("/wall/p0", "/intraday/p0?span=week&queue=demo%2Fp0", "/wall/%E5%A4%9A"):
        assert same_site(place) == place
    with Person(guarded) as person:
        assert person.sign_in(*MEI, "//evil.example/x").headers["location"] == "/"


# ── what it is worth ──────────────────────────────────────────────────────────────────────────────


def test_signing_in_begins_a_new_session_whatever_the_browser_brought(guarded: WebProcess, mei: Person) -> None:
    with Person(guarded) as person:
        person.visit("/sign-in")
        brought = person.cookie
        person.sign_in(*MEI)
        first, _ = person.cookie, person.token()
        assert first not in ("", brought)
        assert (
            httpx.get(
                guarded.address + "/api/v1/projects", cookies={"floorlight_session": brought}, trust_env=False
            ).status_code
            == 401
        )
        assert person.token() != mei.token()


def test_a_cookie_that_was_changed_or_made_up_is_worth_nothing(guarded: WebProcess, mei: Person) -> None:
    payload, at, signature = mei.cookie.rsplit(".", 2)
    forged = base64.urlsafe_b64encode(
        json.dumps({"_user_id": "root", "sid": "x", "csrf": "x", "at": now_ms(), "began": now_ms()}).encode()
    )
    for cookie in (
        f"{payload}.{at}.{'A' * len(signature)}", f"{payload[:-2]}AA.{at}.{signature}", f"{forged.decode().rstrip('=')}.{at}.{signature}",
        mei.cookie[:-1], "x", ".", "." * 500, "x" * 8000, "é",
    ):  # fmt: skip
        said = guarded.raw(
            b"GET /api/v1/projects HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: floorlight_session="
            + cookie.encode() + b"\r\n\r\n"
        )  # fmt: skip
        assert b" 401 " in said.split(b"\r\n")[0], cookie[:60]


def test_a_session_lies_unused_for_so_long_and_no_longer() -> None:
    sessions, password = Sessions(), CHEAP.hash("x")
    access = Access.model_validate(
        {"secret": "s" * 40, "session_h": 1, "users": [{"name": "mei", "password": password, "role": "admin"}]}
    )
    signer = sessions.signer(access)
    assert signer is not None
    mark = hashlib.sha256(b"floorlight" + password.encode()).hexdigest()[:24]
    data = {"_user_id": "mei", "sid": "a", "csrf": "t", "began": 0, "at": 1_000_000, "mark": mark}
    cookie = signer.dumps(data)
    hour = 3_600_000
    fresh = sessions.read(access, cookie, 1_000_000)
    assert fresh is not None and not fresh.stale and fresh.caller.until == 1_000_000 + hour // 2
    used = sessions.read(access, cookie, 1_000_000 + hour - 1)
    assert used is not None and used.stale
    renewed = sessions.renewed(access, used, 1_000_000 + hour - 1)
    assert renewed is not None and sessions.read(access, renewed, 1_000_000 + hour + hour // 2) is not None
    assert sessions.read(access, cookie, 1_000_000 + hour) is None
    assert sessions.read(access, cookie, 1_000_000 - hour) is None, "a clock that was set back"
    assert sessions.read(access.model_copy(update={"users": ()}), cookie, 1_000_000) is None
    assert sessions.read(Access.model_validate({"secret": "t" * 40}), cookie, 1_000_000) is None, "another secret"
    for missing in data:
        broken = signer.dumps({key: value for key, value in data.items() if key != missing})
        assert sessions.read(access, broken, 1_000_000) is None, missing


def test_a_word_of_a_provider_is_as_old_as_it_may_be_and_no_older() -> None:
    grants = {
        "leads": {"role": "lead", "projects": ["p"]},
        "leads-q": {"role": "lead", "projects": ["q"]},
        "bosses": {"role": "manager"},
        "acme": {"role": "client", "projects": ["p"], "kpis": ["offered"]},
    }
    openid = OpenId.model_validate(
        {"issuer": "https://login.example", "client_id": "f", "client_secret": "s", "roles": grants, "session_h": 1}
    )
    access = Access.model_validate({"secret": "s" * 40, "openid": openid, "session_h": 100})
    sessions = Sessions()
    signer = sessions.signer(access)
    assert signer is not None
    hour = 3_600_000
    data = {
        "_user_id": "li",
        "sid": "a",
        "csrf": "t",
        "began": 0,
        "at": 0,
        "issuer": openid.issuer,
        "groups": ["leads", "leads-q"],
    }
    found = sessions.read(access, signer.dumps(data), hour - 1)
    assert found is not None
    assert (found.caller.role, found.caller.projects, found.caller.until) == ("lead", {"p", "q"}, hour)
    assert sessions.read(access, signer.dumps({**data, "at": hour}), hour) is None, (
        "used all the time, and asked anew all the same"
    )
    for changed in ({"issuer": "https://evil.example"}, {"groups": ["strangers"]}, {"groups": []}):
        assert sessions.read(access, signer.dumps({**data, **changed}), 1) is None
    assert sessions.read(access.model_copy(update={"openid": None}), signer.dumps(data), 1) is None
    strongest = granted(openid, ["acme", "leads", "bosses"])
    assert strongest is not None and (strongest.role, strongest.projects) == ("manager", None)


def test_signing_out_ends_the_session_in_every_copy_and_every_open_feed(guarded: WebProcess) -> None:
    with Person(guarded) as person:
        person.sign_in(*MEI)
        copy, token = person.cookie, person.token()
        with guarded.live("p0", {"Cookie": f"floorlight_session={copy}"}) as feed:
            feed.event("snapshot")
            assert person.send("/sign-out", csrf="wrong").status_code == 403
            person.visit("/sign-out")
            assert person.visit("/").status_code == 200, "a link signs nobody out"
            left = person.send("/sign-out", csrf=token)
            assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
            while feed.block():
                pass
        assert person.visit("/").status_code == 303
        assert (
            httpx.get(
                guarded.address + "/api/v1/projects", cookies={"floorlight_session": copy}, trust_env=False
            ).status_code
            == 401
        )


def test_another_web_process_knows_the_session_and_its_end(
    guarded: WebProcess, own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    second = own_web(configuration(ACCESS, projects=["p0", "p1"]))

    def there(cookie: str) -> int:
        return second.get("/api/v1/projects", cookies={"floorlight_session": cookie}).status_code

    with Person(guarded) as person:
        eventually(lambda: redis.exists("sessions:secret") == 1, "the processes agreed on a secret")
        person.sign_in(*MEI)
        eventually(lambda: there(person.cookie) == 200, "the second process knows the session")
        copy = person.cookie
        person.send("/sign-out", csrf=person.token())
        eventually(lambda: there(copy) == 401, "the second process knows that it is over")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("name: mei", "name: mai"),
        lambda text: text.replace(text.split('name: mei, password: "')[1].split('"')[0], CHEAP.hash("a new word")),
    ],
)
def test_who_was_removed_or_got_a_new_password_is_out_at_once_the_open_feed_too(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis, change: Callable[[str], str]
) -> None:
    boards(redis)
    web = own_web(configuration(ACCESS, projects=["p0"]))
    with Person(web) as person:
        person.sign_in(*MEI)
        with web.live("p0", {"Cookie": f"floorlight_session={person.cookie}"}) as feed:
            feed.event("snapshot")
            web.configure(configuration(change(ACCESS), projects=["p0"]))
            while feed.block():
                pass
        eventually(lambda: person.visit("/").status_code == 303, "led to the sign-in page")
        assert person.ask("GET", "/api/v1/projects", "").status_code == 401


def test_a_kpi_that_is_taken_off_the_wall_leaves_a_clients_open_feed_too(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    """A client who was given no KPIs by name sees those of the wall; a feed that is open must not go on with the old ones."""
    boards(redis)
    text = configuration(ACCESS, projects=["p0"])
    walled = text.replace("queues: [demo/p0]}", "queues: [demo/p0], wall: [contacts_waiting, agents_available]}")
    less = walled.replace("[contacts_waiting, agents_available]", "[agents_available]")
    assert len({text, walled, less}) == 3
    web = own_web(walled)
    with Person(web) as person:
        person.sign_in(*BUYER)
        with web.live("p0", {"Cookie": f"floorlight_session={person.cookie}"}) as feed:
            assert "contacts_waiting" in feed.event("snapshot")[2]["kpis"]
            web.configure(less)
            while feed.block():
                pass
        with web.live("p0", {"Cookie": f"floorlight_session={person.cookie}"}) as feed:
            assert "contacts_waiting" not in feed.event("snapshot")[2]["kpis"]


def test_another_role_and_other_projects_hold_from_the_next_request_on(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    boards(redis)
    web = own_web(configuration(ACCESS, projects=["p0"]))
    with Person(web) as person:
        person.sign_in(*MEI)
        assert (
            person.ask("POST", "/api/v1/sources/demo/commands", json={"incident": "surge", "queue": "p0"}).status_code
            == 202
        )
        less = ACCESS.replace('role: supervisor, projects: ["p0"]', 'role: lead, projects: ["other"]')
        assert less != ACCESS
        web.configure(configuration(less, projects=["p0"]))
        eventually(
            lambda: person.ask("GET", "/api/v1/projects/p0/board").status_code == 404, "p0 is not mei's any more"
        )
        assert person.ask("GET", "/api/v1/projects/other/board").status_code == 200
        assert person.ask("POST", "/api/v1/sources/hq/commands", json={"incident": "surge"}).status_code == 403


# ── what it may change ────────────────────────────────────────────────────────────────────────────


def test_a_session_changes_nothing_without_the_pages_token_and_our_own_origin(mei: Person) -> None:
    changing = [row for row in rows(lambda *_: []) if row.method != "GET" and not row.door and not row.open]
    assert changing
    for row in changing:
        path = row.path.format(project="p0", source="demo", silence="s1", screen="s1")
        for token in ("", "x", mei.token() + "x"):
            refused = mei.ask(row.method, path, token, json={})
            assert refused.status_code == 403, path
            assert refused.json()["type"].endswith(":csrf")
        token = mei.token()
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        ):
            assert mei.ask(row.method, path, token, json={}, headers=headers).status_code == 403, path
        bare = mei.http.request(row.method, path, headers={"X-CSRF-Token": token}, json={})
        assert bare.status_code == 403, "no browser sends neither Origin nor Sec-Fetch-Site"
    assert mei.http.post("/_dash-update-component", json={}).status_code == 403
    assert (
        mei.http.post("/_dash-update-component", json={}, headers={"Origin": "https://evil.example"}).status_code == 403
    )


def test_a_page_says_who_reads_and_carries_the_way_out(mei: Person) -> None:
    for path in ("/", "/alerts", "/sources", "/lead/p0", "/intraday/p0"):
        page = mei.visit(path).text
        assert "Signed in as mei" in page, path
        assert 'action="/sign-out"' in page, path
    assert "Signed in as" not in mei.visit("/wall/p0").text


def test_a_language_is_the_persons_then_the_projects_then_the_sites(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    text = configuration(
        "access:\n  users:\n"
        + user("duo", "duo's word", "admin", None).replace("}\n", ", language: zh-Hant}\n")
        + user("root", "root's word", "admin", None),
        projects=["p0"],
    ).replace("other: {", "other: {language: zh-Hans, ")
    web = own_web(text)

    def languages(person: Person) -> list[str]:
        pages = [
            person.visit(path).text
            for path in ("/", "/alerts", "/wall/p0", "/wall/other", "/lead/other", "/intraday/other", "/nowhere")
        ]
        return [page.split('<html lang="')[1].split('"')[0] for page in pages]

    with Person(web) as duo, Person(web) as root:
        duo.sign_in("duo", "duo's word")
        root.sign_in("root", "root's word")
        assert set(languages(duo)) == {"zh-Hant"}
        assert languages(root) == ["en", "en", "en", "zh-Hans", "zh-Hans", "zh-Hans", "en"]
        assert root.send("/language?to=zh-Hans", csrf="wrong").status_code == 403
        back = root.http.post(
            "/language?to=zh-Hant",
            data={"csrf": root.token()},
            headers={**VISIT, "Origin": web.address, "Referer": f"{web.address}/lead/p0?x=1"},
        )
        assert (back.status_code, back.headers["location"]) == (303, "/lead/p0?x=1")
        assert set(languages(root)) == {"zh-Hant"}
        away = root.http.post(
            "/language?to=tlh",
            data={"csrf": root.token()},
            headers={**VISIT, "Origin": web.address, "Referer": "https://evil.example/x"},
        )
        assert away.headers["location"] == "/"
        assert set(languages(root)) == {"zh-Hant"}


def test_where_nobody_signs_in_the_page_leads_on_and_a_language_can_be_chosen(web: WebProcess) -> None:
    with Person(web) as person:
        assert person.visit("/sign-in?next=/alerts").headers["location"] == "/alerts"
        assert "Signed in as" not in person.visit("/").text
        assert person.send("/language?to=zh-Hans").status_code == 303
        assert '<html lang="zh-Hans"' in person.visit("/").text
        assert person.send("/sign-out").headers["location"] == "/"


def test_while_redis_is_away_who_is_signed_in_stays_so_and_who_signs_out_is_out_for_good(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    own = RedisProcess(tmp_path / "redis")
    own.start()
    web = WebProcess(tmp_path, f"unix://{own.socket}", configuration(ACCESS, projects=["p0"])).start()

    def there(cookie: str) -> int:
        return web.get("/api/v1/projects", cookies={"floorlight_session": cookie}).status_code

    try:
        with own.client() as client:
            boards(client)
        with Person(web) as mei, Person(web) as root:
            mei.sign_in(*MEI)
            root.sign_in(*ROOT)
            copy, token = mei.cookie, mei.token()
            with web.live("p0", {"Cookie": f"floorlight_session={copy}"}) as feed:
                feed.event("snapshot")
                own.stop()
                assert (there(copy), there(root.cookie)) == (200, 200)
                assert mei.send("/sign-out", csrf=token).status_code == 303
                assert (there(copy), there(root.cookie)) == (401, 200)
                while feed.block():  # it ends without Redis
                    pass
            own.start()
            with own.client() as client:
                eventually(lambda: client.zcard(keys.SESSIONS_ENDED) == 1, "Redis is told when it is back")
            web.stop()
            web.start()
            assert (there(copy), there(root.cookie)) == (401, 200), (
                "also after a restart, which forgets what was only here"
            )
    finally:
        web.stop()
        own.stop()


def test_a_redis_that_is_full_hides_from_nobody_who_has_signed_out(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    web = own_web(configuration(ACCESS, projects=["p0"]))
    with Person(web) as person:
        person.sign_in(*MEI)
        eventually(lambda: redis.exists(keys.SESSIONS_SECRET) == 1, "the process has said what signs")
        signer = Sessions().signer(Access.model_validate({"secret": redis.get(keys.SESSIONS_SECRET).decode()}))
        assert signer is not None
        with redis.pipeline(transaction=True) as pipe:
            pipe.zadd(keys.SESSIONS_ENDED, {signer.loads(person.cookie)["sid"]: now_ms() + 60_000})
            pipe.config_set("maxmemory", "1mb")
            pipe.execute()
        try:
            eventually(lambda: person.visit("/").status_code == 303, "the end of a session is read all the same")
        finally:
            redis.config_set("maxmemory", "0")
