"""The live feed of a real web process on a real Redis."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import redis as redis_py

from tests.collectors.redis_process import RedisProcess
from tests.dashboard.conftest import WebProcess, configuration, eventually
from tests.dashboard.publisher import Publisher, board_checked, now_ms, source_says


def test_a_screen_gets_the_snapshot_first_then_changes_with_their_revisions(
    web: WebProcess, publisher: Publisher
) -> None:
    publisher.board(41)
    with web.live(publisher.project) as screen:
        name, identity, board = screen.event()
        assert (name, identity) == ("snapshot", "41")
        assert board["queues"][publisher.queue]["kpis"]["contacts_waiting"]["band"] == "ok"
        said = publisher.step()
        assert screen.event() == ("change", "42", json.loads(said))


def test_the_headers_keep_proxies_from_storing_and_from_waiting(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(1)
    with web.live(publisher.project, {"Accept-Encoding": "gzip, br"}) as screen:
        assert screen.status == 200
        assert screen.headers["content-type"].startswith("text/event-stream")
        assert screen.headers["cache-control"] == "no-cache, no-transform"
        assert screen.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in screen.headers
        assert "access-control-allow-origin" not in screen.headers
        first = screen.block()
        assert 1_000 <= int(first["retry"]) <= 3_000
        assert "" in first, "a comment makes a proxy pass on the head at once"


def test_a_heartbeat_says_the_time_and_how_the_sources_are(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(1)
    source_says(publisher.client, "demo", now_ms())
    board_checked(publisher.client, publisher.project, now_ms())
    with web.live(publisher.project) as screen:
        beat = screen.until(
            lambda name, data: name == "heartbeat" and data["sources"]["demo"]["state"] == "up" and data["layout"] != ""
        )
        assert beat["redis"] is True
        assert beat["layout"] == "9f2c"
        assert beat["now"].endswith("+08:00")
        assert beat["checked_at"].endswith("+08:00")
        assert beat["sources"]["demo"]["age_s"] < 10
        source_says(publisher.client, "demo", now_ms(), state="down", error="connection refused")
        down = screen.until(lambda name, data: name == "heartbeat" and data["sources"]["demo"]["state"] == "down")
        assert down["sources"]["demo"]["error"] == "connection refused"


def test_every_heartbeat_brings_a_comment_line_and_so_one_comes_each_five_seconds(
    web: WebProcess, publisher: Publisher
) -> None:
    publisher.board(1)
    with web.live(publisher.project) as screen:
        while screen.block().get("event") != "heartbeat":
            pass
        for _ in range(2):
            names = []
            while "heartbeat" not in names:
                block = screen.block()
                names.append(block.get("event") or ("comment" if "" in block else "other"))
            assert names[-2:] == ["comment", "heartbeat"]


@pytest.mark.parametrize("by", ["header", "query"])
def test_a_screen_that_reconnects_gets_only_what_it_missed(web: WebProcess, publisher: Publisher, by: str) -> None:
    publisher.board(10)
    with web.live(publisher.project) as first:
        first.event("snapshot")
        for _ in range(3):
            publisher.step()
        while first.event("change")[1] != "13":
            pass
        headers = {"Last-Event-ID": "11"} if by == "header" else {}
        with web.live(publisher.project, headers, "?last_event_id=11" if by == "query" else "") as again:
            assert [again.event()[:2] for _ in range(2)] == [("change", "12"), ("change", "13")]
            publisher.step()
            assert again.event()[:2] == ("change", "14")


@pytest.mark.parametrize("said", ["0", "9999", "-1", "abc", "1" * 5_000, "é"])
def test_an_id_that_this_server_never_sent_is_answered_with_a_snapshot(
    web: WebProcess, publisher: Publisher, said: str
) -> None:
    publisher.board(10)
    with web.live(publisher.project, {"Last-Event-ID": said}) as screen:
        assert screen.event()[:2] == ("snapshot", "10")


def test_a_gap_in_the_changes_brings_the_snapshot_again(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(1)
    with web.live(publisher.project) as screen:
        screen.event("snapshot")
        publisher.step()
        assert screen.event()[:2] == ("change", "2")
        publisher.step(publish=False)
        publisher.step()
        name, identity, board = screen.event()
        assert (name, identity) == ("snapshot", "4")
        assert board["kpis"]["contacts_waiting"]["value"] == publisher.waiting
        publisher.step()
        assert screen.event()[:2] == ("change", "5")


def test_a_project_without_a_board_is_told_so_by_heartbeats_and_gets_its_first_board(
    web: WebProcess, publisher: Publisher
) -> None:
    with web.live(publisher.project) as screen:
        assert screen.event("snapshot", "heartbeat")[0] == "heartbeat"
        publisher.step()
        assert screen.event()[:2] == ("snapshot", "1")


def test_a_change_that_nobody_can_read_harms_nobody(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(1)
    with web.live(publisher.project) as screen:
        screen.event("snapshot")
        for junk in (b"", b"null", b"\xff\xfe", b'{"revision": 2}', b"x" * 100_000):
            publisher.client.publish(f"boards:{publisher.project}", junk)
        publisher.step()
        assert screen.event()[:2] == ("change", "2")


def test_a_screen_that_does_not_read_delays_nobody_and_then_gets_the_newest_board(
    web: WebProcess, publisher: Publisher
) -> None:
    publisher.board(0)
    with web.live(publisher.project) as slow, web.live(publisher.project) as quick:
        slow.event("snapshot")
        quick.event("snapshot")
        steps = 700
        for _ in range(steps):
            publisher.step(note="x" * 20_000)
            quick.event("change")
        seen: list[tuple[str, str]] = []
        while not seen or seen[-1][1] != str(steps):
            name, identity, _ = slow.event()
            seen.append((name, identity))
        assert len(seen) < steps, "it did not get every change"
        assert "snapshot" in [name for name, _ in seen]
        publisher.step()
        assert slow.event()[:2] == ("change", str(steps + 1))


def test_two_hundred_screens_see_every_change(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(0)
    with contextlib.ExitStack() as stack:
        screens = [stack.enter_context(web.live(publisher.project)) for _ in range(200)]
        for screen in screens:
            screen.event("snapshot")
        for _ in range(5):
            publisher.step()
        for screen in screens:
            assert [screen.event()[1] for _ in range(5)] == ["1", "2", "3", "4", "5"]
        assert "floorlight_screens 200.0" in web.get("/metrics").text
    eventually(lambda: "floorlight_screens 0.0" in web.get("/metrics").text, "screens that left are freed")


def test_screens_of_one_project_hear_nothing_of_another(
    web: WebProcess, redis: redis_py.Redis, publisher: Publisher
) -> None:
    other = Publisher(redis, "other")
    publisher.board(1)
    other.board(100)
    with web.live(publisher.project) as screen:
        screen.event("snapshot")
        other.step()
        publisher.step()
        assert screen.event("change")[2]["project"] == publisher.project


def test_head_of_a_live_feed_answers_and_ends(web: WebProcess, publisher: Publisher) -> None:
    host = web.address.removeprefix("http://")
    said = web.raw(
        f"HEAD /api/v1/projects/{publisher.project}/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    )
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"\r\n\r\n")


def test_when_redis_goes_streams_stay_and_are_right_again_after_its_return(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    server = RedisProcess(tmp_path / "redis")
    server.start()
    web = WebProcess(tmp_path, f"unix://{server.socket}", configuration()).start()
    try:
        with server.client() as client:
            publisher = Publisher(client, "p0")
            publisher.board(1)
            with web.live("p0") as screen:
                screen.event("snapshot")
                server.stop()
                screen.until(lambda name, data: name == "heartbeat" and not data["redis"])
                assert web.get("/healthz").status_code == 503
                refused = web.get("/api/v1/projects/p0/board")
                assert refused.status_code == 503
                assert refused.headers["content-type"] == "application/problem+json"
                assert web.get("/wall/p0").status_code == 200, "a wall that is switched on now waits for its numbers"
                assert web.get("/sources").status_code == 200
                assert web.get("/api/v1/overview").json()["redis"] is False
                server.start()
                publisher.step()
                # Whether it was asked for before or after that step, the screen ends with it.
                screen.until(lambda name, data: name in ("snapshot", "change") and data["revision"] == 2)
                publisher.step()
                assert screen.event("change")[1] == "3"
                screen.until(lambda name, data: name == "heartbeat" and data["redis"])
    finally:
        web.stop()
        server.stop()


def test_a_redis_that_is_full_is_not_taken_for_one_that_is_gone(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(1)
    with web.live(publisher.project) as screen:
        screen.event("snapshot")
        screen.until(lambda name, data: name == "heartbeat" and data["redis"])
        publisher.client.config_set("maxmemory", "1mb")
        try:
            for _ in range(2):
                assert screen.event("heartbeat")[2]["redis"] is True
            assert web.get(f"/api/v1/projects/{publisher.project}/board").status_code == 200
            assert web.post("/api/v1/sources/demo/commands", json={"incident": "surge"}).status_code == 503
        finally:
            publisher.client.config_set("maxmemory", "0")


def test_a_redis_that_was_emptied_brings_the_new_board(web: WebProcess, publisher: Publisher) -> None:
    publisher.board(5_000)
    with web.live(publisher.project) as screen:
        screen.event("snapshot")
        publisher.client.flushall()
        anew = Publisher(publisher.client, publisher.project)
        anew.step()
        anew.step()
        assert screen.until(lambda name, data: name == "snapshot")["revision"] <= 2
        anew.step()
        assert screen.until(lambda name, data: data.get("revision") == 3)


def test_it_stops_in_good_order_with_a_thousand_streams_open(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    web = own_web(configuration())
    Publisher(redis, "p0").board(1)
    links: list[socket.socket] = []
    request = f"GET /api/v1/projects/p0/live HTTP/1.1\r\nHost: {web.address.removeprefix('http://')}\r\n\r\n".encode()
    try:
        for _ in range(1_000):
            links.append(web.connection())
            links[-1].sendall(request)
        eventually(
            lambda: "floorlight_screens 1000.0" in web.get("/metrics").text, "all thousand screens are connected"
        )
        web.stop()
    finally:
        for link in links:
            link.close()
    assert web.process is not None
    assert web.process.returncode in (0, -15)
    assert list(redis.scan_iter(f"role:serve:*-{web.process.pid}-*")) == [], "it signed off"


def test_a_stream_that_the_server_ends_is_ended_whole_so_that_the_client_comes_back(
    own_web: Callable[[str], WebProcess], redis: redis_py.Redis
) -> None:
    web = own_web(configuration())
    Publisher(redis, "p0").board(1)
    with web.live("p0") as screen:
        screen.event("snapshot")
        ending = threading.Thread(target=web.stop)
        ending.start()
        while screen.block():
            pass
        ending.join()


def test_slow_uploads_and_downloads_hold_no_page_back(web: WebProcess) -> None:
    """More of them than Flask has threads."""
    host = web.address.removeprefix("http://")
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            link = stack.enter_context(web.connection())
            head = f"POST /_dash-update-component HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
            link.sendall(head.encode() + b"{")
            other = stack.enter_context(web.connection())
            other.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            other.sendall(
                f"GET /_dash-component-suites/dash/dcc/dash_core_components.js HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
            )
        assert web.get("/").status_code == 200
