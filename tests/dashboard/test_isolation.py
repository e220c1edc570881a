"""Every page and every callback of the running app, by every role: nothing of a project that is not the reader's, and of a client's own
only the KPIs that it was given. What is asked is taken from the app itself, so a page or callback that is added is asked too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec
import pytest
import redis as redis_py

from dashboard.api.rows import rows
from operations.store import boards, keys
from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.conftest import WebProcess, configuration
from tests.dashboard.person import Person
from tests.dashboard.publisher import Publisher, iso, kpi, now_ms, source_says
from tests.dashboard.test_access import pages, screen, user

SECRETS = ("Rival", "hq/sales", "Zelda Quill")
"""What only the other project holds."""

HIDDEN = "424242"
"""The value of a KPI that the client was not given; it stands nowhere else."""

TOKEN = "a-token-of-forty-characters-or-even-more!"
ROLES = ("manager", "supervisor", "lead", "client")
ACCESS = (
    "access:\n  users:\n"
    + "".join(user(role, f"{role}'s word", role, ["p0"]) for role in ROLES)
    + user("admin", "admin's word", "admin", None)
    + user("few", "few's word", "client", ["p0"]).replace("}\n", ", kpis: [contacts_waiting]}\n")
    + "  screens:\n"
    + screen("north", TOKEN, ["p0"])
)
CONFIGURATION = configuration(ACCESS, projects=["p0"]).replace(
    "queues: [demo/p0]}",
    "queues: [demo/p0], wall: [contacts_waiting], targets: [{kpi: longest_wait_s, goal: 5}, {kpi: contacts_waiting, goal: 5}]}",
)


@pytest.fixture(scope="module")
def shared_site(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("isolation"), redis_server.url, CONFIGURATION).start()
    yield web
    web.stop()


@pytest.fixture
def site(shared_site: WebProcess, redis: redis_py.Redis) -> WebProcess:
    for project, agent in (("p0", "Alice Adams"), ("other", "Zelda Quill")):
        publisher = Publisher(redis, project)
        publisher.board(1)
        hidden, shown = kpi(float(HIDDEN)), kpi(3)
        alerts = [
            {"id": f"{name}@now", "episode": name, "kpi": name, "level": "critical", "state": "firing", "queue": None, "source": None,
             "since": iso(), "value": value, "goal": 5, "acked": None, "silenced": None, "label": name, "text": f"{name} {value}"}
            for name, value in (("longest_wait_s", int(HIDDEN)), ("contacts_waiting", 3))
        ]  # fmt: skip
        head = {
            **publisher.head(),
            "alerts": alerts,
            "misses_left": {"today": int(HIDDEN)},
            "budget": {"today": {"left": int(HIDDEN), "allowed": 1}},
        }
        name = "Rival" if project == "other" else "Acme"
        queue = "hq/sales" if project == "other" else "demo/p0"
        redis.hset(
            keys.board(project),
            mapping={
                boards.HEAD: msgspec.json.encode({**head, "client": name}),
                boards.KPIS: msgspec.json.encode({"contacts_waiting": shown, "longest_wait_s": hidden}),
                boards.QUEUE + queue: msgspec.json.encode({"name": queue, "kpis": {"contacts_waiting": shown, "longest_wait_s": hidden}}),
                boards.AGENT + f"x/{agent}": msgspec.json.encode({"id": agent, "name": agent, "queues": [queue]}),
            },
        )  # fmt: skip
        entry = {
            "at": now_ms(),
            "what": "fired",
            "kpi": "longest_wait_s",
            "value": int(HIDDEN),
            "queue": queue if project == "other" else None,
        }
        redis.xadd(keys.alert_log(project), {"entry": msgspec.json.encode(entry)})
    for source in ("demo", "hq"):
        source_says(redis, source, now_ms())
    return shared_site


QUERIES = (
    "/intraday/{p}?span=month",
    "/intraday/{p}?queue=hq%2Fsales",
    "/wall?playlist={p}",
    "/alerts?project={p}",
)
"""What shows a project by the query of its address."""

PLACES = (*pages(), *QUERIES)


def signed_in(web: WebProcess, name: str) -> Person:
    person = Person(web)
    if name == "screen":
        person.http.cookies.set("floorlight_screen", TOKEN)
    else:
        assert person.sign_in(name, f"{name}'s word").status_code == 303
    return person


def callbacks(person: Person, path: str, query: str = "") -> Iterator[tuple[str, httpx.Response]]:
    """The answer of every callback that runs on the server, asked as a page at ``path`` would."""
    for row in person.http.get("/_dash-dependencies", auth=("admin", "admin's word")).json():
        if row["clientside_function"]:
            continue

        def value(part: dict[str, Any]) -> Any:
            known = {
                "pathname": path,
                "search": query,
                "href": path + query,
                "n_clicks": 1,
                "n_intervals": 1,
                "value": "2026-11-20",
            }
            return known.get(part["property"], "")

        output = row["output"]
        names = output.strip(".").split("...") if output.startswith("..") else [output]
        outputs = [dict(zip(("id", "property"), name.rpartition(".")[::2], strict=True)) for name in names]
        inputs = [{**part, "value": value(part)} for part in row["inputs"]]
        body = {
            "output": output,
            "outputs": outputs if output.startswith("..") else outputs[0],
            "inputs": inputs,
            "state": [{**part, "value": value(part)} for part in row["state"]],
            "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"] if inputs else [],
        }
        yield output, person.ask("POST", "/_dash-update-component", json=body)


def test_there_are_pages_and_callbacks_to_ask(site: WebProcess) -> None:
    with signed_in(site, "admin") as admin:
        for place in pages():
            assert "{p}" not in place or "Other" in admin.visit(place.format(p="other")).text, place
        assert len([place for place in pages() if "{p}" in place]) >= 4
        asked = dict(callbacks(admin, "/intraday/other"))
    assert len(asked) >= 4
    assert any("Rival" in answer.text for answer in asked.values()), "the walk must be able to find what it looks for"


@pytest.mark.parametrize("role", [*ROLES, "screen"])
def test_no_page_and_no_callback_shows_a_role_what_is_not_its_own(site: WebProcess, role: str) -> None:
    with signed_in(site, role) as person:
        for place in PLACES:
            page = person.visit(place.format(p="other"))
            assert page.status_code == 200, place
            hidden = [secret for secret in SECRETS if secret not in unquote(place)]  # what was asked may be repeated
            for secret in hidden:
                assert secret not in page.text, (place, secret)
            path, mark, query = place.format(p="other").partition("?")
            for output, answer in callbacks(person, path, mark + query):
                assert answer.status_code in (200, 204), (place, output, answer.text[:300])
                for secret in hidden:
                    assert secret not in answer.text, (place, output, secret)


def test_a_stranger_gets_no_page_and_no_callback(site: WebProcess) -> None:
    with Person(site) as stranger:
        for place in PLACES:
            assert stranger.visit(place.format(p="p0")).status_code == 303, place
        for output, answer in callbacks(stranger, "/intraday/p0"):
            assert answer.status_code == 401, output


def test_a_lead_reads_neither_anothers_feed_nor_figures_nor_files_nor_alerts(site: WebProcess) -> None:
    """Also when they lie in the cache already, because somebody who may has just looked."""
    with signed_in(site, "admin") as admin, signed_in(site, "lead") as lead:
        assert "Rival" in admin.visit("/intraday/other").text
        for tail in ("board", "live", "alerts", "alerts/log", "intervals?from=2026-11-20&to=2026-11-21"):
            assert lead.ask("GET", f"/api/v1/projects/other/{tail}").status_code == 404, tail
        csv = lead.ask(
            "GET", "/api/v1/projects/other/intervals?from=2026-11-20&to=2026-11-21", headers={"Accept": "text/csv"}
        )
        assert csv.status_code == 404
        for path in ("/api/v1/alerts", "/api/v1/alerts/log", "/api/v1/overview", "/api/v1/sources", "/metrics"):
            text = lead.ask("GET", path).text
            for secret in (*SECRETS, '"other"'):
                assert secret not in text, path
        for output, answer in callbacks(lead, "/intraday/other"):
            assert "Rival" not in answer.text, output


@pytest.mark.parametrize("name", ["client", "few"])
def test_no_route_no_page_and_no_feed_shows_a_client_another_kpi_or_a_name(
    site: WebProcess, redis: redis_py.Redis, name: str
) -> None:
    with signed_in(site, "lead") as lead, signed_in(site, name) as client:
        assert HIDDEN in lead.ask("GET", "/api/v1/projects/p0/board").text, (
            "the walk must be able to find what it looks for"
        )
        assert HIDDEN in lead.ask("GET", "/api/v1/alerts/log").text
        for row in rows(lambda *_: []):
            if row.method != "GET" or row.door or "live" in row.path:
                continue
            path = row.path.format(project="p0", source="demo", silence="s1", screen="s1")
            answer = client.ask(
                "GET", path, params={"from": "2026-11-20", "to": "2026-11-21"} if "intervals" in path else {}
            )
            assert HIDDEN not in answer.text, path
            assert "Alice" not in answer.text, path
        past = client.ask("GET", "/api/v1/projects/p0/intervals?from=2026-11-20&to=2026-11-20").json()["intervals"][0]
        assert [past[part] for part in ("counters", "kpis", "partial", "not_reported")] == [{}, {}, {}, []]
        board = client.ask("GET", "/api/v1/projects/p0/board").json()
        assert list(board["kpis"]) == list(board["queues"]["demo/p0"]["kpis"]) == ["contacts_waiting"]
        assert [alert["kpi"] for alert in board["alerts"]] == ["contacts_waiting"]
        assert [
            rule["kpi"]
            for rule in client.ask("GET", "/api/v1/projects/p0/alerts").json()["rules"]
            if rule["kind"] != "source_down"
        ] == ["contacts_waiting"]
        with site.live("p0", {"Cookie": f"floorlight_session={client.cookie}"}) as feed:
            assert HIDDEN not in json.dumps(feed.event("snapshot")[2])
            publisher = Publisher(redis, "p0")
            publisher.revision = 1
            publisher.step(
                kpis={"longest_wait_s": {"value": float(HIDDEN)}, "contacts_waiting": {"value": 7}},
                something_new=HIDDEN,
            )
            change = feed.event("change")[2]
            assert change["kpis"] == {"contacts_waiting": {"value": 7}}
            assert HIDDEN not in json.dumps(change)
        for place in PLACES:
            page = client.visit(place.format(p="p0")).text
            assert HIDDEN not in page, place
            assert "Alice" not in page, place
        for output, answer in callbacks(client, "/intraday/p0"):
            assert HIDDEN not in answer.text, output
