"""From the alerts on a board to the people, with a real Redis: what is sent, what is written down, and what a failure or a successor does."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import redis as redis_py

from operations.notify.addresses import LONGEST_WAIT_MS, public, stored
from operations.notify.group import Group
from operations.notify.post import LEFT_ALONE_MS, SEND_MS, Post
from operations.notify.sender import SendFailed
from operations.notify.words import AGAIN, LATE
from operations.notify.worker import LOOK_MS, Worker, start
from operations.projects.contract import Project
from operations.projects.routes import Route
from operations.store import keys
from tests.operations.notify.situation import (
    HOUR,
    MINUTE,
    NOON,
    Clock,
    Configured,
    Receiver,
    alert,
    project,
    route,
    show,
)

GROUP_WAIT = 30_000
LEASE = "lease:notify:{worker}"


class Desk:
    """A worker with its parts at hand."""

    def __init__(
        self, client: redis_py.Redis, clock: Clock, configured: Configured, receiver: Receiver, instance: str = "one"
    ) -> None:
        self.client, self.clock, self.configured, self.receiver = client, clock, configured, receiver
        self.post = Post(receiver)
        self.worker = Worker(client, configured, instance, clock, self.post, chance=lambda: 1.0)  # type: ignore[arg-type]

    def work(self, later: int = 0) -> None:
        """Turn until everything that may be sent now is sent."""
        self.clock.at += later
        for _ in range(600):
            self.client.persist(LEASE)  # the clock stands still, so that nothing else keeps it on a slow machine
            self.worker.turn(wait=False)
            if not self.post.active:
                self.worker.turn(wait=False)
                if not self.post.active:
                    return
            self.post.wait(5)
        raise AssertionError("the worker does not come to rest")

    def log(self, name: str = "acme") -> list[dict[str, Any]]:
        entries = [json.loads(fields[b"entry"]) for _, fields in self.client.xrange(keys.alert_log(name))]
        return [entry for entry in entries if entry["what"].startswith("notif")]

    def outcomes(self) -> dict[str, dict[str, Any]]:
        return {f"{row['route']}[{row['number']}]": row for row in public(stored(self.client), self.configured.notify)}


@pytest.fixture
def receiver() -> Receiver:
    found = Receiver()
    yield found
    found.release.set()


Make = Callable[..., Desk]


@pytest.fixture
def desk(redis: redis_py.Redis, clock: Clock, receiver: Receiver) -> Make:
    def make(*routes: Route, projects: tuple[Project, ...] = (), instance: str = "one", url: str = "") -> Desk:
        configured = Configured(list(projects) or [project()], list(routes) or [route()], url)
        return Desk(redis, clock, configured, receiver, instance)

    return make


def test_five_broken_places_are_one_message(desk: Make, redis: redis_py.Redis, receiver: Receiver) -> None:
    working = desk(url="https://wall.example.com")
    show(redis, "acme", *(alert(f"kpi_{n}@now", "critical" if n == 3 else "warning", fired=NOON) for n in range(5)))
    working.work()
    assert receiver.got == []
    working.work(GROUP_WAIT)
    working.work(GROUP_WAIT)
    assert receiver.subjects == ["■ CRITICAL Acme: kpi_3 and 4 more"]
    message = receiver.got[0][1]
    assert message.body.count("▲ WARNING") == 4
    assert message.body.endswith("https://wall.example.com/wall/acme")


def test_each_outcome_is_in_the_alert_log_and_with_the_address(desk: Make, redis: redis_py.Redis, clock: Clock) -> None:
    working = desk(route(urls=("test://one", "test://two"), group_wait_ms=0))
    show(redis, "acme", alert())
    working.work()
    entries = working.log()
    assert [(entry["what"], entry["route"], entry["kind"], entry["level"]) for entry in entries] == [
        ("notified", "leads", "new", "warning")
    ] * 2
    assert entries[0]["episodes"] == [alert().episode]
    assert entries[0]["reason"] == "leads (test) was told: ▲ WARNING Acme: longest_wait_s"
    assert working.outcomes()["leads[1]"] == {
        "route": "leads", "number": 1, "to": "test", "state": "ok", "at": clock.at, "ok_at": clock.at, "error": "", "permanent": False,
    }  # fmt: skip


def test_the_log_speaks_the_language_of_the_project_and_quotes_the_message_as_it_went(
    redis: redis_py.Redis, clock: Clock, receiver: Receiver
) -> None:
    configured = Configured([project(language="zh-Hans")], [route(language="en", group_wait_ms=0)])
    working = Desk(redis, clock, configured, receiver)
    show(redis, "acme", alert())
    working.work()
    assert receiver.subjects == ["▲ WARNING Acme: Longest wait"]
    assert [entry["reason"] for entry in working.log()] == ["已通知 leads（test）：▲ WARNING Acme: Longest wait"]


def test_the_end_says_what_the_log_says_of_it(desk: Make, redis: redis_py.Redis, receiver: Receiver) -> None:
    working = desk(route(group_wait_ms=0))
    show(redis, "acme", alert(label="Longest wait"))
    working.work()
    show(
        redis,
        "acme",
        log=({"what": "resolved", "episode": alert().episode, "reason": "Longest wait back at 0:12 after 4 min"},),
    )
    working.work(MINUTE)
    assert receiver.subjects[1] == "✓ ENDED Acme: Longest wait"
    assert "✓ ENDED Longest wait back at 0:12 after 4 min" in receiver.got[1][1].body


def test_a_server_that_fails_is_tried_again_ever_more_seldom_until_it_takes_the_message(
    desk: Make, redis: redis_py.Redis, clock: Clock, receiver: Receiver
) -> None:
    working = desk(route(group_wait_ms=0))
    receiver.fails["test://one"] = SendFailed("test answered 500")
    show(redis, "acme", alert())
    tries = []
    for _ in range(4 * 60 * 60):
        working.work(1_000)
        if len(receiver.began) > len(tries):
            tries.append(clock.at)
        if len(tries) == 12:
            break
    gaps = [(later - earlier) // 1000 for earlier, later in zip(tries, tries[1:], strict=False)]
    assert gaps == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300]
    assert working.outcomes()["leads[0]"] | {"at": 0} == {
        "route": "leads", "number": 0, "to": "test", "state": "failing", "at": 0, "ok_at": None, "error": "test answered 500", "permanent": False,
    }  # fmt: skip
    assert {entry["what"] for entry in working.log()} == {"notify_failed"}
    receiver.fails.clear()
    working.work(LONGEST_WAIT_MS)
    working.work(HOUR)
    assert receiver.subjects == ["▲ WARNING Acme: longest_wait_s"]
    assert working.outcomes()["leads[0]"]["state"] == "ok"


def test_a_failed_message_gives_way_to_what_is_true_by_then(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(group_wait_ms=0))
    receiver.fails["test://one"] = SendFailed("test cannot be reached")
    show(redis, "acme", alert())
    working.work()
    show(redis, "acme")
    receiver.fails.clear()
    working.work(MINUTE)
    assert receiver.subjects == ["✓ ENDED Acme: longest_wait_s"]
    assert LATE.text in receiver.got[0][1].body


def test_one_failing_address_keeps_none_of_the_others_from_its_message(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(urls=("test://one", "test://two"), group_wait_ms=0))
    receiver.fails["test://one"] = SendFailed("test cannot be reached")
    show(redis, "acme", alert())
    working.work()
    receiver.fails.clear()
    working.work(MINUTE)
    working.work(MINUTE)
    assert [url for url, _ in receiver.got] == ["test://two", "test://one"]


def test_a_permanent_refusal_is_shown_and_not_repeated_by_itself(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(group_wait_ms=0, repeat_ms=HOUR))
    receiver.fails["test://one"] = SendFailed("test answered 404", permanent=True)
    show(redis, "acme", alert())
    working.work()
    for _ in range(30):
        working.work(MINUTE)
    assert len(receiver.began) == 1
    shown = working.outcomes()["leads[0]"]
    assert (shown["state"], shown["permanent"], shown["error"]) == ("refused", True, "test answered 404")
    assert working.log()[0]["permanent"] is True
    receiver.fails.clear()
    working.work(HOUR)
    assert receiver.subjects == ["▲ STILL WARNING Acme: longest_wait_s"]
    assert working.outcomes()["leads[0]"]["state"] == "ok"


def test_an_address_that_cannot_be_one_shows_before_anything_breaks(desk: Make, redis: redis_py.Redis) -> None:
    working = desk(route(urls=("test://one", "bad://two")))
    show(redis, "acme")
    working.work()
    working.work(MINUTE)
    states = {name: (row["state"], row["permanent"]) for name, row in working.outcomes().items()}
    assert states == {"leads[0]": ("unused", False), "leads[1]": ("refused", True)}


def test_people_whom_nobody_reached_are_told_when_their_address_is_put_right(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(urls=("test://wrong",), group_wait_ms=0))
    receiver.fails["test://wrong"] = SendFailed("test answered 404", permanent=True)
    show(redis, "acme", alert())
    working.work()
    working.worker._watcher = Configured([project()], [route(urls=("test://right",), group_wait_ms=0)])  # type: ignore[assignment]
    working.configured = working.worker._watcher  # type: ignore[assignment]
    working.work(MINUTE)
    assert [url for url, _ in receiver.got] == ["test://right"]
    assert working.outcomes()["leads[0]"]["state"] == "ok"


def test_a_server_that_hangs_holds_one_thread_and_nobody_else(
    desk: Make, redis: redis_py.Redis, clock: Clock, receiver: Receiver
) -> None:
    names = [f"p{n}" for n in range(20)]
    working = desk(
        route("slow", urls=("test://hangs",), group_wait_ms=0),
        route("good", urls=("test://good",), group_wait_ms=0),
        projects=tuple(map(project, names)),
    )
    receiver.hangs.add("test://hangs")
    for name in names:
        show(redis, name, alert())
    for _ in range(200):
        working.worker.turn(wait=False)
        working.post.wait(0.01)
        if len(receiver.got) == 20:
            break
    assert [url for url, _ in receiver.got] == ["test://good"] * 20
    assert receiver.began.count("test://hangs") == 1
    working.work(SEND_MS)
    assert working.outcomes()["slow[0]"]["error"] == "test gave no answer within 30 s"
    assert working.outcomes()["slow[0]"]["state"] == "failing"
    for _ in range(9):
        working.work(MINUTE)
    assert receiver.began.count("test://hangs") == 1  # nothing else goes where a thread is stuck
    receiver.hangs.clear()
    receiver.release.set()
    working.post.wait(5)
    working.work(MINUTE)
    assert [url for url, _ in receiver.got].count("test://hangs") == 20  # the one that arrived late is not sent again
    assert working.outcomes()["slow[0]"]["state"] == "ok"


def test_a_copy_that_may_be_the_second_says_so_and_a_plain_next_try_does_not(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(urls=("test://doubtful", "test://refused"), group_wait_ms=0))
    receiver.fails["test://doubtful"] = SendFailed("test broke the connection off", doubtful=True)
    receiver.fails["test://refused"] = SendFailed("test cannot be reached")
    show(redis, "acme", alert())
    working.work()
    receiver.fails["test://doubtful"] = SendFailed("test cannot be reached")
    working.work(MINUTE)
    receiver.fails.clear()
    working.work(MINUTE)
    assert {url: AGAIN.text in message.body for url, message in receiver.got} == {
        "test://doubtful": True,
        "test://refused": False,
    }


def test_a_thread_that_never_comes_back_is_given_up_in_the_end(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(urls=("test://hangs",), group_wait_ms=0))
    receiver.hangs.add("test://hangs")
    show(redis, "acme", alert())
    working.worker.turn(wait=False)
    working.worker.turn(wait=False)
    working.work(SEND_MS)
    receiver.hangs.clear()
    working.work(LEFT_ALONE_MS)
    working.work(1_000)
    assert receiver.subjects == ["▲ WARNING Acme: longest_wait_s"]


def test_no_more_sends_run_at_once_than_there_may(desk: Make, redis: redis_py.Redis, receiver: Receiver) -> None:
    urls = tuple(f"test://{n}" for n in range(20))
    working = desk(route(urls=urls, group_wait_ms=0))
    working.post._at_once = 3
    receiver.hangs.update(urls)
    show(redis, "acme", alert())
    for _ in range(20):
        working.worker.turn(wait=False)
        working.post.wait(0.01)
    assert len(receiver.began) == 3
    receiver.release.set()
    working.work()
    assert len(receiver.got) == 20
    assert receiver.most_at_once <= 3


# ── one worker, and its successor ─────────────────────────────────────────────────────────────────


def test_only_one_of_two_workers_sends_and_the_other_takes_over(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    first, second = desk(route(group_wait_ms=0)), desk(route(group_wait_ms=0), instance="two")
    show(redis, "acme", alert())
    first.work()
    second.work()
    assert len(receiver.got) == 1
    first.worker.close()
    second.work()
    assert len(receiver.got) == 1
    show(redis, "acme", alert(), alert("abandoned@today"))
    second.work(MINUTE)
    assert len(receiver.got) == 2


def test_a_worker_that_slept_through_its_lease_sends_nothing(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    sleeper, successor = desk(route(group_wait_ms=0)), desk(route(group_wait_ms=0), instance="two")
    show(redis, "acme")
    sleeper.work()
    redis.delete(LEASE)  # it ran out
    show(redis, "acme", alert())
    successor.work()
    assert len(receiver.got) == 1
    show(redis, "acme", alert(), alert("abandoned@today"))
    sleeper.work()
    assert len(receiver.got) == 1
    successor.work()
    assert len(receiver.got) == 2


def test_a_worker_that_loses_its_lease_for_a_moment_remembers_what_arrived(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(group_wait_ms=0))
    show(redis, "acme", alert())
    working.worker.turn(wait=False)
    working.post.wait(5)
    redis.delete(LEASE)
    working.work()
    working.work(MINUTE)
    assert len(receiver.got) == 1


def test_a_message_that_was_written_down_but_not_sent_goes_out_by_the_successor_once(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    first = desk(route(group_wait_ms=0, repeat_ms=HOUR))
    show(redis, "acme", alert())
    receiver.hangs.add("test://one")
    first.worker.turn(wait=False)  # killed with the message in hand: nobody knows whether it arrived
    assert redis.exists(keys.notify_groups("acme"))
    redis.delete(LEASE)
    receiver.hangs.clear()
    second = desk(route(group_wait_ms=0, repeat_ms=HOUR), instance="two")
    second.work(15_000)
    for _ in range(50):
        second.work(MINUTE)
    assert receiver.subjects == ["▲ WARNING Acme: longest_wait_s"]
    assert AGAIN.text in receiver.got[0][1].body


def test_the_waiting_for_company_goes_on_after_a_restart(desk: Make, redis: redis_py.Redis, receiver: Receiver) -> None:
    first = desk()
    show(redis, "acme", alert())
    first.work()
    first.clock.at += GROUP_WAIT - 1
    first.worker.close()
    second = desk(instance="two")
    second.work()
    assert receiver.got == []
    second.work(1)
    assert len(receiver.got) == 1


def test_nothing_is_sent_that_cannot_be_written_down(desk: Make, redis: redis_py.Redis, receiver: Receiver) -> None:
    working = desk(route(group_wait_ms=0))
    show(redis, "acme", alert())
    working.worker.turn(wait=False)
    working.work()
    show(redis, "acme", alert(), alert("abandoned@today"))
    redis.config_set("maxmemory", 1)
    redis.config_set("maxmemory-policy", "noeviction")
    try:
        with pytest.raises(redis_py.RedisError):
            working.work(MINUTE)
        assert len(receiver.began) == 1
    finally:
        redis.config_set("maxmemory", 0)
    working.work()
    assert len(receiver.got) == 2


def test_a_board_that_is_gone_ends_no_alert(desk: Make, redis: redis_py.Redis, receiver: Receiver) -> None:
    working = desk(route(group_wait_ms=0))
    show(redis, "acme", alert())
    working.work()
    redis.delete(keys.board("acme"))
    working.work(2 * LOOK_MS)
    assert len(receiver.got) == 1


def test_a_silence_that_runs_out_is_noticed_though_no_log_tells_it(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(group_wait_ms=0))
    show(redis, "acme", alert(silenced={"by": "mei", "until": "…"}))
    working.work()
    redis.hset(keys.board("acme"), "head", msgspec.json.encode({"alerts": [alert()]}))
    working.work(LOOK_MS)
    assert len(receiver.got) == 1


def test_a_board_from_another_version_is_no_reason_to_fall_over(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(group_wait_ms=0), projects=(project(), project("other")))
    redis.hset(keys.board("acme"), "head", b'{"alerts": [{"level": 7}]}')
    redis.hset(keys.notify_groups("acme"), "leads", b"not json")
    redis.hset(keys.NOTIFY_ROUTES, "leads[0]", b"[]")
    redis.hset(keys.NOTIFY_ROUTES, "gone[0]", b"{}")
    show(redis, "other", alert())
    working.work()
    assert len(receiver.got) == 1
    assert set(redis.hkeys(keys.NOTIFY_ROUTES)) == {b"leads[0]"}


def test_without_routes_nothing_is_held_and_a_route_that_comes_is_served(
    desk: Make, redis: redis_py.Redis, receiver: Receiver
) -> None:
    working = desk(route(group_wait_ms=0))
    routes, working.configured.notify = working.configured.notify, {}
    show(redis, "acme", alert())
    assert working.worker.turn(wait=False) is False
    assert not redis.exists(LEASE)
    working.configured.notify = routes
    working.work()
    assert len(receiver.got) == 1
    working.configured.notify = {}
    working.work()
    assert not redis.exists(LEASE)


def test_routes_tell_only_of_their_projects(desk: Make, redis: redis_py.Redis, receiver: Receiver) -> None:
    working = desk(route(group_wait_ms=0, projects=("acme",)), projects=(project(), project("rival")))
    show(redis, "acme", alert())
    show(redis, "rival", alert())
    working.work()
    assert receiver.subjects == ["▲ WARNING Acme: longest_wait_s"]
    assert not redis.exists(keys.notify_groups("rival"))


def test_the_next_route_is_told_when_nobody_answers(desk: Make, redis: redis_py.Redis, receiver: Receiver) -> None:
    working = desk(
        route("first", urls=("test://first",), group_wait_ms=0),
        route("second", urls=("test://second",), group_wait_ms=0, after_ms=10 * MINUTE),
    )
    show(redis, "acme", alert("a@now"))
    show(redis, "acme", alert("a@now"))
    working.work()
    working.work(9 * MINUTE)
    assert [url for url, _ in receiver.got] == ["test://first"]
    working.work(MINUTE)
    assert [url for url, _ in receiver.got] == ["test://first", "test://second"]


def test_a_storm_is_one_message_for_each_project_and_route(
    desk: Make, redis: redis_py.Redis, clock: Clock, receiver: Receiver
) -> None:
    names = [f"p{n}" for n in range(500)]
    working = desk(
        route("mail", urls=("test://mail",)),
        route("chat", urls=("test://chat",), levels=("critical",)),
        projects=tuple(map(project, names)),
    )
    working.work()
    for name in names:
        for rule in range(10):  # breaking one after the other, within a second of the test's clock
            show(
                redis,
                name,
                *(alert(f"k{n}@now", "critical" if n % 2 else "warning", fired=NOON) for n in range(rule + 1)),
            )
    for _ in range(12):
        working.work(10_000)
    assert len(receiver.got) == 1000
    for url in ("test://mail", "test://chat"):
        assert len({message.body.partition("\n")[0] for to, message in receiver.got if to == url}) == 500
    assert receiver.most_at_once <= 2


def test_a_secret_is_in_no_log_no_outcome_and_no_group(
    desk: Make, redis: redis_py.Redis, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = "test://user:s3cr3t-canary@host/s3cr3t-canary"

    class Rude(Receiver):
        def send(self, url: Any, message: Any) -> None:
            raise RuntimeError(url.get_secret_value())

    working = Desk(
        redis, Clock(), Configured([project()], [route(urls=(url, "bad://s3cr3t-canary"), group_wait_ms=0)]), Rude()
    )
    show(redis, "acme", alert())
    working.work()
    working.work(MINUTE)
    assert working.outcomes()["leads[0]"]["error"] == "test failed (RuntimeError)"
    everything = (
        caplog.text
        + str(working.log())
        + str(redis.hgetall(keys.NOTIFY_ROUTES))
        + str(redis.hgetall(keys.notify_groups("acme")))
    )
    assert "s3cr3t-canary" not in everything


def test_a_worker_in_its_thread_ends_when_it_is_told_to_though_a_send_hangs(
    redis: redis_py.Redis, redis_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never says a word
        url = f"json://127.0.0.1:{silent.getsockname()[1]}/"
        stop = threading.Event()
        configured = Configured([project()], [route(urls=(url,), group_wait_ms=0)])
        show(redis, "acme", alert())
        thread = start(configured, redis_url, stop=stop, instance="one", clock=lambda: time.time_ns() // 1_000_000)  # type: ignore[arg-type]
        silent.settimeout(20)
        held, _ = silent.accept()
        with held:
            stop.set()
            thread.join(10)
    assert not thread.is_alive()
    assert not redis.exists(LEASE)
    group = msgspec.json.decode(redis.hget(keys.notify_groups("acme"), "leads") or b"", type=Group)
    assert group.notice is not None
    assert group.notice.sending == [0]  # its successor knows that it may have arrived
