"""The API against its own document, with requests that nobody here wrote: schemathesis makes them, from a fixed seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis as redis_py
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from dashboard.api.rows import rows
from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.conftest import PATIENCE_S, WebProcess, configuration
from tests.dashboard.publisher import Publisher, board_checked, now_ms, role_lives, source_says
from tests.dashboard.test_ingest import TOKEN, logged

CONFIGURED = configuration(projects=["p0"]).replace(
    "sources:\n", f"sources:\n  open: {{kind: webhook, token: {TOKEN}, survey: {{top_box_from: 4}}}}\n"
)
PUSH = "/ingest/{source}"
ENDLESS = ("text/event-stream",)

HELD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
"""The checks."""


def bounded(examples: int) -> settings:
    """So many requests, the same ones each time."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def gets() -> list[str]:
    """Every GET of the document that ends."""
    return [
        row.path
        for row in rows(lambda *_: [])
        if row.method == "GET" and not any(kind in ENDLESS for reply in row.replies.values() for kind in reply.content)
    ]


@pytest.fixture(scope="module")
def described(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[WebProcess, Any]]:
    """A web process and its document, as schemathesis reads it."""
    web = WebProcess(tmp_path_factory.mktemp("described"), redis_server.url, CONFIGURED).start()
    document = web.get("/api/v1/openapi.json").json()
    yield web, schemathesis.openapi.from_dict(document)
    web.stop()


def answered(web: WebProcess, case: Any, **headers: str) -> Any:
    """Send what schemathesis made; the answer, held against the document."""
    answer = case.call(base_url=web.address, headers=headers or None, timeout=PATIENCE_S)
    case.validate_response(answer, checks=[CHECKS.get_one(name) for name in HELD])
    return answer


def timely(said: Any) -> Any:
    """The same with every time of an event as now, since no schema can tell when now is."""
    if isinstance(said, list):
        return [timely(one) for one in said]
    if not isinstance(said, dict):
        return said
    times = {"at": now_ms(), "start": now_ms() // 900_000 * 900_000 - 900_000, "entered_at": now_ms() - 5_000}
    fresh = {name: times.get(name, timely(value)) for name, value in said.items()}
    return {name: value for name, value in fresh.items() if name not in ("since", "totals_since", "unwatched_since")}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_door_answers_as_its_document_says_whatever_is_pushed(
    described: tuple[WebProcess, Any], redis: redis_py.Redis, mode: GenerationMode
) -> None:
    web, schema = described
    met: Counter[int] = Counter()

    @bounded(150)
    @given(case=schema[PUSH]["POST"].as_strategy(generation_mode=mode))
    def push(case: Any) -> None:
        case.path_parameters = {"source": "open"}
        if mode is GenerationMode.POSITIVE:
            case.body = timely(case.body)
            case.headers = {}
        answer = answered(web, case, Authorization=f"Bearer {TOKEN}")
        met[answer.status_code] += 1

    push()
    if mode is GenerationMode.POSITIVE:
        assert set(met) <= {202, 422}, "what has the right form is read; what cannot be true is said so"
        assert met[202] > 20
        assert len(logged(redis, "open")) > 20
    else:
        assert met[202] < sum(met.values()) / 2
        assert set(met) & {400, 422}


@pytest.mark.parametrize("path", gets())
def test_every_address_that_reads_answers_as_its_document_says(
    described: tuple[WebProcess, Any], redis: redis_py.Redis, path: str
) -> None:
    web, schema = described
    Publisher(redis, "p0").board(3)
    board_checked(redis, "p0", now_ms())
    source_says(redis, "demo", now_ms())
    for role in ("collect", "operate", "serve"):
        role_lives(redis, role, now_ms())
    met: Counter[int] = Counter()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @bounded(20)
        @given(case=schema[path]["GET"].as_strategy(generation_mode=mode))
        def read(case: Any) -> None:
            if "project" in case.path_parameters:
                case.path_parameters["project"] = "p0"
            met[answered(web, case).status_code] += 1

        with suppress(Unsatisfiable):  # an address without parameters cannot be asked wrongly
            read()
    assert met
    assert max(met) < 500
