"""The collector against the vendor's own document, served by a mock server that nobody here wrote."""

from __future__ import annotations

import asyncio
import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.collector import CollectorError
from collectors.events import IntervalTotals, QueueObserved
from collectors.polled.answers import shaped
from collectors.polled.numbers import LONGEST_MS, LONGEST_SUM_MS, MOST
from collectors.twilio import protocol as p
from collectors.twilio.collector import Pace, TwilioCollector
from collectors.twilio.settings import TwilioSettings
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.genesys.cloud import settled
from tests.collectors.http_acd import Asked, HttpAcd
from tests.collectors.prism import Preferring, Prism
from tests.collectors.twilio.taskrouter import ACCOUNT, TOKEN, WORKSPACE, sid

DOCUMENT = Path(__file__).parent.parent.parent / "data" / "twilio" / "openapi.json.xz"
QUEUE = sid("WQ", "sales")
NONSENSE = (-9_007_199_254_740_991, 9_007_199_254_740_991, -1, 1e300, 0.5, "many", None, True)
ROOT = "/v1/Workspaces/{WorkspaceSid}"


def document() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(lzma.decompress(DOCUMENT.read_bytes()))
    return told


@pytest.fixture(scope="module")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    process = Prism(DOCUMENT, tmp_path_factory.mktemp("prism"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def inventing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    process = Prism(DOCUMENT, tmp_path_factory.mktemp("inventing"), dynamic=True)
    process.start()
    yield process
    process.stop()


def as_it_is(asked: Asked, answer: Any) -> Any:
    return answer


def play(
    prism: Prism,
    until: Callable[[KeptLink, Preferring], bool],
    prefer: dict[str, list[int]] | None = None,
    mend: Callable[[Asked, Any], Any] = as_it_is,
) -> tuple[KeptLink, Preferring]:
    link, between = KeptLink(), Preferring(prism, mend)
    between.prefer = prefer or {}

    async def main() -> None:
        http = HttpAcd(between, link.now_ms)
        await http.start()
        settings = TwilioSettings.model_validate(
            {"account_sid": ACCOUNT, "workspace_sid": WORKSPACE, "auth_token": TOKEN, "api_url": http.url}
            | {"poll_s": 1, "totals_s": 1}
        )
        session = asyncio.create_task(
            TwilioCollector("flex", settings, pace=Pace(requests_s=1_000, history_s=60)).run(link)
        )
        try:
            await settled(lambda: session.done() or until(link, between), 120)
            if session.done():
                await session
        finally:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
            await http.stop()

    asyncio.run(main())
    return link, between


def asked_often(link: KeptLink, between: Preferring) -> bool:
    return sum(path.endswith("/RealTimeStatistics") for _, path, *_ in between.passed) >= 4 and link.up.is_set()


def test_every_question_is_one_that_the_vendors_document_allows(prism: Prism) -> None:
    link, between = play(prism, asked_often)
    assert [(path, status, body) for _, path, status, body in between.passed if status != 200] == []
    ends = {path.rpartition("/")[2] for _, path, *_ in between.passed}
    assert ends == {"TaskQueues", "RealTimeStatistics", "Statistics", "Workers", "Tasks", "Reservations"}
    assert [event.queue for event in link.events if isinstance(event, QueueObserved)]


def test_invented_answers_end_no_session_and_reach_no_board(inventing: Prism) -> None:
    def named(asked: Asked, answer: Any) -> Any:
        return {"task_queues": [{"sid": QUEUE, "friendly_name": "sales"}]} if asked.path.endswith("/TaskQueues") else answer  # fmt: skip

    link, between = play(inventing, asked_often, mend=named)
    assert {status for *_, status, _ in between.passed} == {200}
    for look in (event for event in link.events if isinstance(event, QueueObserved)):
        assert look.waiting is None or 0 <= look.waiting <= MOST


@pytest.mark.parametrize("value", NONSENSE, ids=str)
def test_no_invented_number_reaches_a_board_that_could_not_be_true(prism: Prism, value: Any) -> None:
    def nonsense(asked: Asked, answer: Any) -> Any:
        def spoilt(told: Any) -> Any:
            if isinstance(told, dict):
                return {name: spoilt(inner) for name, inner in told.items()}
            if isinstance(told, list):
                return [spoilt(inner) for inner in told]
            return value if isinstance(told, int) and not isinstance(told, bool) else told

        return spoilt(answer) if "Statistics" in asked.path else answer

    link, _ = play(prism, lambda link, between: link.up.is_set(), mend=nonsense)
    looks = [event for event in link.events if isinstance(event, QueueObserved)]
    assert looks
    for look in looks:
        assert look.waiting is None
        assert look.longest_wait_ms is None or 0 <= look.longest_wait_ms <= LONGEST_MS
    for account in (event for event in link.events if isinstance(event, IntervalTotals)):
        assert all(0 <= number <= LONGEST_SUM_MS for number in account.counters.values())


def test_refused_credentials_are_permanent_and_told_without_the_token(prism: Prism) -> None:
    with pytest.raises(CollectorError, match="auth_token") as refused:
        play(prism, asked_often, {"/TaskQueues": [401]})
    assert refused.value.permanent and TOKEN not in str(refused.value)


def test_credentials_that_are_refused_later_are_tried_again(prism: Prism) -> None:
    with pytest.raises(CollectorError, match="HTTP 401") as refused:
        play(prism, asked_often, {"/RealTimeStatistics": [401]})
    assert not refused.value.permanent


def test_a_question_that_the_vendor_does_not_take_is_permanent_and_told_in_its_words(prism: Prism) -> None:
    with pytest.raises(CollectorError, match=r"Invalid parameter \(error 20001\)") as refused:
        play(prism, asked_often, {"/RealTimeStatistics": [422]})
    assert refused.value.permanent


def test_the_limit_on_requests_is_waited_out(prism: Prism) -> None:
    def waited_out(link: KeptLink, between: Preferring) -> bool:
        statuses = [status for _, path, status, _ in between.passed if path.endswith("/Workers")]
        return asked_often(link, between) and statuses[:1] == [429] and link.facts["limited_until"] is None

    link, between = play(prism, waited_out, {"/RealTimeStatistics": [429, 429], "/Workers": [429]})
    statuses = [status for _, path, status, _ in between.passed if path.endswith("/RealTimeStatistics")]
    assert statuses[:3] == [429, 429, 200]
    assert link.facts["limited"] is None


# ── the shapes that are read ──────────────────────────────────────────────────────────────────────


def names(shape: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(shape)}


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (p.Queue, "taskrouter.v1.workspace.task_queue"),
        (p.Worker, "taskrouter.v1.workspace.worker"),
        (p.Task, "taskrouter.v1.workspace.task"),
        (p.Reservation, "taskrouter.v1.workspace.task.task_reservation"),
        (p.Bulk, "taskrouter.v1.workspace.task_queue.task_queue_bulk_real_time_statistics"),
        (p.Statistics, "taskrouter.v1.workspace.task_queue.task_queues_statistics"),
        (p.Cumulative, "taskrouter.v1.workspace.task_queue.task_queue_cumulative_statistics"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_field_that_is_read_is_one_of_the_vendors(shape: type[msgspec.Struct], schema: str) -> None:
    assert names(shape) <= document()["components"]["schemas"][schema]["properties"].keys()


def test_the_vendors_own_examples_are_read_in_full() -> None:
    paths = document()["paths"]
    bulk = paths[ROOT + "/TaskQueues/RealTimeStatistics"]["post"]["responses"]["200"]["content"]["application/json"]
    told = shaped(bulk["examples"]["create"]["value"], p.Bulk, "Twilio", "an example").task_queue_data
    assert told and told[0].tasks_by_status == {"reserved": 0, "pending": 0, "assigned": 0, "wrapping": 0}
    of = paths[ROOT + "/TaskQueues/{TaskQueueSid}/CumulativeStatistics"]["get"]["responses"]["200"]["content"]["application/json"]  # fmt: skip
    example = shaped(of["examples"]["fetch"]["value"], p.Cumulative, "Twilio", "an example")
    assert example.tasks_entered == 100 and set(example.split_by_wait_time or {}) == {"5", "10"}
