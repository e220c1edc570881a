"""Twilio's callbacks at the door: a real HTTP client, a real web process, a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
import redis as redis_py

from collectors import door, event_log
from collectors.collector import memory_key
from collectors.twilio.callback import LARGEST, sign
from operations.store.embedded_redis import EmbeddedRedis
from tests.collectors.twilio.taskrouter import ACCOUNT, TOKEN, WORKSPACE
from tests.dashboard.conftest import WebProcess, configuration

URL = "https://wall.example.com/ingest/flex"
SOURCE = f"  flex: {{kind: twilio, account_sid: {ACCOUNT}, workspace_sid: {WORKSPACE}, auth_token: {TOKEN}, callback_url: '{URL}'}}\n"
EVENT = [
    ("WorkspaceSid", WORKSPACE),
    ("EventType", "task.created"),
    ("TaskAttributes", '{"name": "李伟", "from": "+8610"}'),
]


@pytest.fixture(scope="module")
def shared_door(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    text = configuration().replace("sources:\n", "sources:\n" + SOURCE)
    web = WebProcess(tmp_path_factory.mktemp("callbacks"), redis_server.url, text).start()
    yield web
    web.stop()


@pytest.fixture
def web(shared_door: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """The module's web process, its Redis emptied."""
    return shared_door


def push(web: WebProcess, params: list[tuple[str, str]] = EVENT, signature: str | None = None, **headers: str) -> httpx.Response:  # fmt: skip
    told = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": sign(URL, params, TOKEN) if signature is None else signature,
    }
    return web.post("/ingest/flex", content=urlencode(params).encode(), headers=told | headers)


def test_a_signed_callback_is_noted_for_the_collector_and_counts_nothing(
    web: WebProcess, redis: redis_py.Redis
) -> None:
    answer = push(web)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 0, "duplicates": 0})
    assert redis.hget(memory_key("flex"), door.HEARD) is not None
    assert not redis.exists(event_log.stream_key("flex"))


def test_a_callback_that_comes_again_is_noted_again(web: WebProcess, redis: redis_py.Redis) -> None:
    assert push(web).status_code == 202
    redis.hdel(memory_key("flex"), door.HEARD)
    assert push(web).status_code == 202
    assert redis.hexists(memory_key("flex"), door.HEARD)


@pytest.mark.parametrize("signature", ["", "bm8=", sign(URL, EVENT, "another-token"), sign(URL, EVENT[1:], TOKEN)])
def test_a_callback_of_a_stranger_is_refused_and_noted(web: WebProcess, redis: redis_py.Redis, signature: str) -> None:
    answer = push(web, signature=signature)
    assert answer.status_code == 401
    assert TOKEN not in answer.text
    assert not redis.hexists(memory_key("flex"), door.HEARD)
    assert redis.hexists(memory_key("flex"), door.REFUSED)


def test_a_callback_of_another_workspace_is_refused(web: WebProcess) -> None:
    assert push(web, [("WorkspaceSid", "WS" + "0" * 32), *EVENT[1:]]).status_code == 422


def test_a_body_that_is_no_form_is_415(web: WebProcess) -> None:
    answer = push(web, **{"Content-Type": "application/json"})
    assert answer.status_code == 415
    assert "application/x-www-form-urlencoded" in answer.json()["detail"]


def test_a_body_that_is_too_long_is_413(web: WebProcess) -> None:
    assert push(web, [*EVENT, ("More", "x" * LARGEST)]).status_code == 413
