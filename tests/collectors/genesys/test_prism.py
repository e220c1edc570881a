"""The collector against the vendor's own document, served by a mock server that nobody here wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from collectors.collector import CollectorError
from collectors.events import IntervalTotals, QueueObserved
from collectors.genesys.collector import GenesysCollector
from collectors.genesys.settings import GenesysSettings
from collectors.polled.numbers import LONGEST_MS, LONGEST_SUM_MS, MOST
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.genesys.cloud import settled
from tests.collectors.genesys.test_collector import _cause
from tests.collectors.http_acd import Asked, HttpAcd, Told
from tests.collectors.prism import Preferring, Prism

DOCUMENT = Path(__file__).parent.parent.parent / "data" / "genesys" / "openapi.json.xz"
QUEUE = "0a1b2c3d-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    process = Prism(DOCUMENT, tmp_path_factory.mktemp("prism"), dynamic=True)
    process.start()
    yield process
    process.stop()


def ours(asked: Asked, answer: Any) -> Any:
    """Invented numbers of a queue that is watched, instead of numbers of an invented queue."""
    if asked.path == "/api/v2/routing/queues":
        return {"entities": [{"id": QUEUE, "name": "sales"}]}
    for result in answer.get("results", []):
        result["group"] = {"queueId": QUEUE, "mediaType": "voice"}
        for number, part in enumerate(result.get("data") or []):
            if "aggregates" in asked.path:
                part["interval"] = asked.json["interval"]
            names = asked.json["metrics"]
            for metric in [*part.get("metrics", []), part]:
                if "stats" in metric:
                    metric["metric"] = names[number % len(names)]
    return answer


def play(
    prism: Prism, until: Callable[[KeptLink, Preferring], bool], prefer: dict[str, list[int]] | None = None
) -> tuple[KeptLink, Preferring]:
    link, between = KeptLink(), Preferring(prism, ours)
    between.prefer = prefer or {}

    def answer(asked: Asked) -> Told:
        return Told({"access_token": "a-token", "expires_in": 86_400}) if asked.path == "/oauth/token" else between(asked)  # fmt: skip

    async def main() -> None:
        http = HttpAcd(answer, link.now_ms)
        await http.start()
        settings = GenesysSettings(
            client_id="a", client_secret="the-canary", api_url=http.url, login_url=http.url, poll_s=1, totals_s=1
        )  # type: ignore[arg-type]
        session = asyncio.create_task(GenesysCollector("gc", settings).run(link))
        try:
            await settled(lambda: session.done() or until(link, between), 120)
            if session.done():
                raise _cause(session.exception())
        finally:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
            await http.stop()

    asyncio.run(main())
    return link, between


def asked_often(link: KeptLink, between: Preferring) -> bool:
    return sum("observations" in path for _, path, *_ in between.passed) >= 5 and link.up.is_set()


def test_every_question_is_one_that_the_vendors_document_allows(prism: Prism) -> None:
    _, between = play(prism, asked_often)
    refused = [(path, status, body) for _, path, status, body in between.passed if status != 200]
    assert refused == []
    assert {path for _, path, *_ in between.passed} >= {
        "/api/v2/routing/queues",
        "/api/v2/analytics/queues/observations/query",
        "/api/v2/analytics/routing/activity/query",
        "/api/v2/analytics/conversations/activity/query",
        "/api/v2/analytics/conversations/aggregates/query",
        "/api/v2/notifications/channels",
    }


def test_what_is_sent_for_subscriptions_and_names_is_allowed_too(prism: Prism) -> None:
    headers = {"Authorization": "Bearer x"}
    path = "/api/v2/notifications/channels/c/subscriptions"
    body = [{"id": f"v2.analytics.queues.{QUEUE}.observations"}]
    assert httpx.put(prism.url + path, json=body, headers=headers).status_code == 200
    params = [("id", "a"), ("id", "b"), ("pageSize", "50")]
    assert httpx.get(prism.url + "/api/v2/users", params=params, headers=headers).status_code == 200


def test_no_invented_number_reaches_a_board_that_could_not_be_true(prism: Prism) -> None:
    link, _ = play(prism, asked_often)
    looks = [event for event in link.events if isinstance(event, QueueObserved)]
    assert looks
    for look in looks:
        assert look.waiting is None or 0 <= look.waiting <= MOST
        assert look.longest_wait_ms is None or 0 <= look.longest_wait_ms <= LONGEST_MS
    for account in (event for event in link.events if isinstance(event, IntervalTotals)):
        assert all(0 <= value <= LONGEST_SUM_MS for value in account.counters.values())


def test_refused_credentials_are_permanent_and_name_the_rights(prism: Prism) -> None:
    with pytest.raises(CollectorError, match="routing:queue:view") as refused:
        play(prism, asked_often, {"routing/queues": [401]})
    assert refused.value.permanent
    assert "the-canary" not in str(refused.value)


def test_a_token_that_is_refused_later_is_signed_in_anew(prism: Prism) -> None:
    with pytest.raises(CollectorError, match="HTTP 401") as refused:
        play(prism, asked_often, {"queues/observations": [401]})
    assert not refused.value.permanent, "the next session signs in, and then it shows"


def test_a_question_that_the_vendor_does_not_take_is_permanent(prism: Prism) -> None:
    with pytest.raises(CollectorError) as refused:
        play(prism, asked_often, {"aggregates": [422]})
    assert refused.value.permanent


def test_the_limit_on_requests_is_waited_out(prism: Prism) -> None:
    link, between = play(prism, asked_often, {"queues/observations": [429, 429], "routing/activity": [429]})
    statuses = [status for _, path, status, _ in between.passed if "queues/observations" in path]
    assert statuses[:3] == [429, 429, 200]
    assert link.facts["limited_until"] is None
