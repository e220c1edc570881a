"""The whole way: a contact waits too long, the engine's board says so, and a real mail server gets a message in plain words."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis as redis_py

from collectors.events import AgentChanged, AgentQueues, ContactAnswered, ContactEntered
from operations.notify.post import Post
from operations.notify.sender import AppriseSender
from operations.notify.worker import Worker, start
from operations.projects.contract import Maintenance, Target
from operations.store import boards
from tests.operations.floor_feed import NOON, Clock, Feed, engine, project, run
from tests.operations.floor_feed import Configured as Engineered
from tests.operations.notify.servers import Mailbox, mail, silent
from tests.operations.notify.situation import Configured, Receiver, route
from tests.operations.notify.test_worker import Desk

WAIT = Target(kpi="longest_wait_s", goal=60, warning=60, critical=90, **{"for": 10})  # type: ignore[arg-type]
QUEUE = 'l2<script>"&\u202e'


def living(feed: Feed, running: object, clock: Clock, seconds: int, state: str = "up") -> None:
    """Let some seconds pass, the source giving signs of life (or saying that it is down)."""
    for _ in range(seconds):
        feed.status(state)
        run(running, clock, 1)  # type: ignore[arg-type]


def test_a_wait_that_nobody_ends_reaches_a_mailbox_and_its_end_too(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    told_of = project((f"hq/{QUEUE}",), WAIT).model_copy(update={"name": "Acme <b>support</b>", "client": "Acme Ltd"})
    running = engine(redis, Engineered(told_of), clock)
    box = Mailbox()
    with mail(box) as address:
        url = f"mailto://{address}?to=lead@example.com&from=wall@example.com&format=html"
        configured = Configured([told_of], [route(urls=(url,), group_wait_ms=0)], url="https://wall.example.com")
        working = Desk(redis, clock, configured, Receiver())  # type: ignore[arg-type]
        working.post = Post(AppriseSender())
        working.worker = Worker(redis, configured, "one", clock, working.post)  # type: ignore[arg-type]
        feed.emit(
            AgentQueues(NOON, "Ann", {QUEUE: None}),
            AgentChanged(NOON, "Ann", "paused"),
            ContactEntered(clock.at, QUEUE, "c1"),
        )
        living(feed, running, clock, 72)
        working.work()
        assert len(box.got) == 1
        feed.emit(ContactAnswered(clock.at, QUEUE, "c1", "Ann"))
        living(feed, running, clock, 5)
        working.work()
    first, second = box.got
    assert first["subject"].startswith("▲ WARNING Acme <b>support</b>: Longest wait 1:1")
    assert first["subject"].endswith("(goal 1:00)")
    text = first.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert re.search(r'Longest wait 1:1\d over 1:00 for 1\d s; goal 1:00; oldest contact waiting in l2<script>"&', text)
    assert "https://wall.example.com/wall/acme" in text
    html = first.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<script" not in html
    assert "l2&lt;script&gt;" in html
    assert second["subject"] == "✓ ENDED Acme <b>support</b>: Longest wait"
    assert "Longest wait back at" in second.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize("source", ["", "hq"])
def test_planned_maintenance_keeps_everybody_asleep_and_ends_by_itself(
    redis: redis_py.Redis, clock: Clock, feed: Feed, source: str
) -> None:
    planned = Maintenance(start_ms=NOON, until_ms=NOON + 120_000, why="new trunk", source=source)
    told_of = project(("hq/support",), WAIT, maintenance=(planned,))
    running = engine(redis, Engineered(told_of), clock)
    receiver = Receiver()
    working = Desk(redis, clock, Configured([told_of], [route(group_wait_ms=0)]), receiver)  # type: ignore[arg-type]
    feed.emit(ContactEntered(clock.at, "support", "c1"))
    living(feed, running, clock, 80)
    working.work()
    assert b'"kind":"maintenance"' in (boards.read(redis, "acme") or b"")
    assert b"new trunk" in (boards.read(redis, "acme") or b"")
    assert receiver.got == []
    living(feed, running, clock, 40)
    working.work(20_000)
    assert [subject[:10] for subject in receiver.subjects] == ["■ CRITICAL"]


def test_a_source_that_is_down_is_one_message_and_the_rest_keeps_quiet(
    redis: redis_py.Redis, clock: Clock, feed: Feed
) -> None:
    told_of = project(("hq/support",), WAIT)
    running = engine(redis, Engineered(told_of), clock)
    receiver = Receiver()
    working = Desk(redis, clock, Configured([told_of], [route(group_wait_ms=0, repeat_ms=60_000)]), receiver)  # type: ignore[arg-type]
    feed.emit(ContactEntered(clock.at, "support", "c1"))
    living(feed, running, clock, 12, "down")
    working.work()
    living(feed, running, clock, 61, "down")
    working.work()
    assert receiver.subjects == ["■ CRITICAL Acme: Source hq down", "■ STILL CRITICAL Acme: Source hq down"]


@pytest.fixture
def real_clock() -> Callable[[], int]:
    return lambda: time.time_ns() // 1_000_000


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    found = threading.Event()
    yield found
    found.set()


def test_a_hanging_mail_server_keeps_no_board_from_going_out(
    redis: redis_py.Redis,
    redis_url: str,
    clock: Clock,
    feed: Feed,
    real_clock: Callable[[], int],
    stop: threading.Event,
) -> None:
    """The worker in its thread beside the engine, as in the role: its message hangs all the while, and every word reaches the board."""
    told_of = project(("hq/support",), WAIT)
    running = engine(redis, Engineered(told_of), clock)
    with silent() as address:
        configured = Configured(
            [told_of], [route(urls=(f"mailto://{address}?to=lead@example.com&from=wall@example.com",), group_wait_ms=0)]
        )
        thread = start(configured, redis_url, stop=stop, instance="one", clock=real_clock)  # type: ignore[arg-type]
        feed.emit(ContactEntered(clock.at, "support", "c1"))
        living(feed, running, clock, 72)
        end = time.monotonic() + 30
        while b'"sending":[0]' not in b"".join(redis.hvals("notify:{acme}:groups")):
            assert time.monotonic() < end, "the message was not handed over"
            time.sleep(0.01)
        for number in range(2, 40):
            feed.emit(ContactEntered(clock.at, "support", f"c{number}"))
            living(feed, running, clock, 1)
            assert f'"contacts_waiting":{{"value":{number},'.encode() in (boards.read(redis, "acme") or b"")
        assert b'"sending":[0]' in b"".join(redis.hvals("notify:{acme}:groups"))
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
