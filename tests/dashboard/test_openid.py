"""Signing in by OpenID Connect, against a provider over real HTTP: who may come in, and what is not believed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
import redis as redis_py

from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.conftest import TOP, WebProcess, configuration, eventually
from tests.dashboard.oidc_provider import CLIENT, SECRET, Provider
from tests.dashboard.person import VISIT, Person

DISTRUST = "cannot be trusted"


def access(issuer: str, projects: str = '["p0"]') -> str:
    return (
        f"access:\n  openid:\n    issuer: {issuer}\n    client_id: {CLIENT}\n    client_secret: {json.dumps(SECRET)}\n    label: Acme ID\n"
        f"    roles:\n      leads: {{role: lead, projects: {projects}}}\n"
    )


@pytest.fixture(scope="module")
def shared(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[WebProcess, Provider]]:
    provider = Provider()
    text = configuration(access(provider.issuer), projects=["p0"])
    web = WebProcess(tmp_path_factory.mktemp("openid"), redis_server.url, text).start()
    yield web, provider
    web.stop()
    provider.close()


@pytest.fixture
def site(shared: tuple[WebProcess, Provider], redis: redis_py.Redis) -> tuple[WebProcess, Provider]:
    """A wallboard and a provider that behaves."""
    web, provider = shared
    provider.claims, provider.mangle, provider.denied = (
        {"email": "li@example.com", "groups": ["leads", "all"]},
        {},
        False,
    )
    provider.sign = provider.signed
    return web, provider


def to_provider(person: Person, wanted: str = "/") -> str:
    """Press the button; the address to which the provider sends the browser back."""
    led = person.visit("/sign-in/openid", params={"next": wanted})
    assert led.status_code in (302, 303), led.text
    sent = httpx.get(led.headers["location"], trust_env=False)
    return sent.headers["location"]


def come_back(person: Person, address: str, **changes: str) -> httpx.Response:
    """Follow the provider's redirect, its query changed."""
    place = urlsplit(address)
    query = dict(parse_qsl(place.query)) | changes
    headers = {**VISIT, "Sec-Fetch-Site": "cross-site"}
    return person.http.get(f"{place.path}?{urlencode(query)}", headers=headers)


def test_a_person_of_a_known_group_comes_in_with_what_the_group_may_see(site: tuple[WebProcess, Provider]) -> None:
    web, provider = site
    with Person(web) as person:
        page = person.visit("/sign-in?next=/lead/p0").text
        assert "Sign in with Acme ID" in page
        assert 'name="password"' not in page, "nobody has a password here"
        address = to_provider(person, "/lead/p0")
        asked = provider.asked[-1]
        assert asked["redirect_uri"] == f"{web.address}/sign-in/openid/back"
        assert asked["code_challenge_method"] == "S256"
        assert asked["nonce"] and asked["state"] and asked["scope"].split()[0] == "openid"
        before = person.cookie
        inside = come_back(person, address)
        assert (inside.status_code, inside.headers["location"]) == (303, "/lead/p0")
        assert person.cookie != before
        assert "Signed in as li@example.com" in person.visit("/lead/p0").text
        assert [p["id"] for p in person.ask("GET", "/api/v1/projects").json()["projects"]] == ["p0"]
        assert person.ask("GET", "/api/v1/projects/other/board").status_code == 404
        assert come_back(person, address).headers["location"] == "/", (
            "who is in stays in; the used code is not asked for again"
        )


def test_a_code_works_once_and_in_the_browser_that_asked_for_it(site: tuple[WebProcess, Provider]) -> None:
    web, _ = site
    with Person(web) as person, Person(web) as thief:
        address = to_provider(person)
        stolen = come_back(thief, address)
        assert stolen.status_code == 502
        assert "another window" in stolen.text
        assert come_back(person, address).status_code == 303
        person.send("/sign-out", csrf=person.token())
        assert "another window" in come_back(person, address).text


def test_a_state_that_nobody_gave_out_is_refused(site: tuple[WebProcess, Provider]) -> None:
    web, _ = site
    with Person(web) as person:
        address = to_provider(person)
        assert "another window" in come_back(person, address, state="made-up").text
        assert "another window" in person.visit("/sign-in/openid/back").text
        assert person.visit("/").status_code == 303


NOW = int(time.time())


@pytest.mark.parametrize(
    ("way", "mangle"),
    [
        ("signed", {"nonce": "another"}),
        ("signed", {"exp": NOW - 3600, "iat": NOW - 7200}),
        ("signed", {"aud": "another"}),
        ("signed", {"iss": "https://evil.example"}),
        ("signed", {"nonce": None}),
        ("forged", {}),
        ("by_shared_secret", {}),
        ("unsigned", {}),
    ],
)
def test_a_token_that_is_not_right_in_every_way_is_not_believed(
    site: tuple[WebProcess, Provider], way: str, mangle: dict[str, object]
) -> None:
    web, provider = site
    provider.sign, provider.mangle = getattr(provider, way), mangle
    with Person(web) as person:
        refused = come_back(person, to_provider(person))
        assert refused.status_code == 403, refused.text
        assert DISTRUST in refused.text
        assert person.visit("/").status_code == 303


def test_an_answer_that_says_to_come_from_another_provider_is_not_believed(site: tuple[WebProcess, Provider]) -> None:
    web, _ = site
    with Person(web) as person:
        assert DISTRUST in come_back(person, to_provider(person), iss="https://evil.example").text


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        (
            {"email": "wu@example.com", "groups": ["strangers"]},
            "wu@example.com is known to the sign-in service but may not see",
        ),
        ({"email": "wu@example.com"}, "may not see anything here"),
        ({"email": "<img src=x onerror=alert(1)>", "groups": []}, "may not see anything here"),
        ({"groups": ["leads"]}, "did not say who you are"),
        ({"email": "a\nb", "groups": ["leads"]}, "did not say who you are"),
        ({"email": ["x"], "groups": ["leads"]}, "did not say who you are"),
        ({"email": "wu@example.com", "email_verified": False, "groups": ["leads"]}, "has not verified your address"),
    ],
)
def test_who_is_nobody_here_is_told_so(site: tuple[WebProcess, Provider], claims: dict[str, object], told: str) -> None:
    web, provider = site
    provider.claims = claims
    with Person(web) as person:
        refused = come_back(person, to_provider(person))
        assert refused.status_code == 403
        assert told in refused.text
        assert "<img" not in refused.text
        assert person.visit("/").status_code == 303


def test_a_provider_that_does_not_let_somebody_in_is_quoted_in_our_words(site: tuple[WebProcess, Provider]) -> None:
    web, provider = site
    provider.denied = True
    with Person(web) as person:
        assert "did not let you in" in come_back(person, to_provider(person)).text


def test_what_a_group_may_see_is_asked_at_every_request_and_a_provider_that_is_away_is_told(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    provider = Provider()
    web = WebProcess(
        tmp_path_factory.mktemp("own"), redis_url, configuration(access(provider.issuer), projects=["p0"])
    ).start()
    try:
        with Person(web) as person, Person(web) as late:
            assert come_back(person, to_provider(person)).status_code == 303
            address = to_provider(late)
            web.configure(configuration(access(provider.issuer, '["other"]'), projects=["p0"]))
            eventually(
                lambda: person.ask("GET", "/api/v1/projects/p0/board", "").status_code == 404,
                "p0 is the group's no more",
            )
            provider.close()
            away = come_back(late, address)
            assert away.status_code == 502
            assert "does not answer" in away.text
            web.configure(configuration(access("http://127.0.0.1:9"), projects=["p0"]))
            eventually(lambda: person.visit("/").status_code == 303, "another provider's people are not ours")
            assert "does not answer" in late.visit("/sign-in/openid").text
    finally:
        web.stop()


def test_a_web_process_loads_nothing_of_it_before_somebody_signs_in_by_it() -> None:
    """It would cost every start a fifth of a second, also where nobody has a provider."""
    code = (
        "import sys, dashboard.server; print({name.partition('.')[0] for name in sys.modules} & {'authlib', 'joserfc'})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n", done.stdout
