"""Alerts on a board, with a real Redis: they fire on the second, survive any process, are answered by people and leave a log."""

from __future__ import annotations

import json

import msgspec
import pytest
import redis as redis_py

from collectors.events import ContactAnswered, ContactEntered, Snapshot
from operations.alerts.keeper import Word
from operations.alerts.silences import Silence
from operations.engine import Engine
from operations.projects.contract import Target
from operations.store import boards, keys
from operations.texts import Said, render
from tests.operations.floor_feed import NOON, Clock, Configured, Feed, abandoned, engine, project, run

WAIT = Target.model_validate(
    {"kpi": "longest_wait_s", "goal": 60, "warning": 45, "critical": 90, "for": "10s", "clear_after": "5s"}
)


class Floor:
    """An engine at work on one project whose longest wait is judged."""

    def __init__(self, client: redis_py.Redis) -> None:
        self.client = client
        self.clock = Clock()
        self.feed = Feed(client, self.clock)
        self.feed.status()
        self.configured = Configured(project(("hq/support",), WAIT))
        self.engine: Engine = engine(client, self.configured, self.clock, "first")
        self.feed.emit(Snapshot(NOON, NOON, ["support"], [], []))
        self.go(1)

    def go(self, seconds: int, *, alive: bool = True) -> None:
        for _ in range(seconds):
            if alive:
                self.feed.status()
            run(self.engine, self.clock, 1)

    def restart(self) -> None:
        """Killed, and another process takes over at once."""
        for lease in self.client.keys("lease:*}"):
            self.client.delete(lease)
        self.engine = engine(self.client, self.configured, self.clock, f"at {self.clock.at}")

    @property
    def alerts(self) -> list[dict]:
        snapshot = boards.read(self.client, "acme")
        assert snapshot is not None
        return json.loads(snapshot)["alerts"]

    def log(self, *fields: str) -> list[tuple]:
        entries = [json.loads(entry[b"entry"]) for _, entry in self.client.xrange(keys.alert_log("acme"))]
        return [tuple(entry.get(field) for field in fields) for entry in entries]

    def say(self, word: Word) -> None:
        self.client.rpush(keys.words("acme"), msgspec.json.encode(word))
        self.client.sadd(keys.WORDS_WAITING, "acme")


@pytest.fixture
def floor(redis: redis_py.Redis) -> Floor:
    return Floor(redis)


def waits(floor: Floor) -> None:
    """Somebody has been waiting for 44 s."""
    floor.feed.emit(ContactEntered(floor.clock.at - 44_000, "support", "patient"))


def test_a_wait_that_nobodys_event_moves_fires_on_the_second(floor: Floor) -> None:
    waits(floor)
    floor.go(10)
    assert floor.alerts == []
    floor.go(4)
    (alert,) = floor.alerts
    assert (alert["level"], alert["kpi"], alert["limit"]) == ("warning", "longest_wait_s", 45)
    assert alert["reason"].startswith("Longest wait 0:5")
    assert alert["reason"].endswith("over 0:45 for 10 s; goal 1:00; oldest contact waiting in support")
    floor.go(60)
    assert floor.alerts[0]["level"] == "critical"
    floor.feed.emit(ContactAnswered(floor.clock.at, "support", "patient", "Ann"))
    floor.go(8)
    assert floor.alerts == []
    assert [what for (what,) in floor.log("what")] == ["began", "fired", "escalated", "resolved"]


@pytest.mark.parametrize("every", [1, 3, 7])
def test_no_timer_restarts_or_skips_when_the_process_does(redis: redis_py.Redis, every: int) -> None:
    steady, restless = Floor(redis), None
    waits(steady)
    steady.go(80)
    expected = steady.log("what", "level")
    redis.flushall()
    restless = Floor(redis)
    waits(restless)
    for second in range(80):
        restless.go(1)
        if second % every == 0:
            restless.restart()
    assert restless.log("what", "level") == expected
    assert restless.alerts[0]["level"] == "critical"


def test_an_acknowledgement_is_heard_shown_and_logged_with_its_name(floor: Floor) -> None:
    waits(floor)
    floor.go(20)
    floor.say(Word("acknowledge", "mei", rule="longest_wait_s@now", note="<b>two</b> more are coming"))
    floor.go(2)
    acked = floor.alerts[0]["acked"]
    assert (acked["by"], acked["note"]) == ("mei", "<b>two</b> more are coming")
    assert ("acknowledged", "mei") in floor.log("what", "by")
    floor.say(Word("acknowledge", "later", rule="longest_wait_s@now"))
    floor.go(2)
    assert floor.alerts[0]["acked"]["by"] == "mei", "the first answer stands"


def test_a_word_spoken_while_nobody_works_is_heard_by_the_next(floor: Floor) -> None:
    waits(floor)
    floor.go(20)
    floor.say(Word("acknowledge", "mei", rule="longest_wait_s@now"))
    floor.client.srem(keys.WORDS_WAITING, "acme")  # killed between taking the note and saving what it said
    floor.restart()
    floor.go(2)
    assert floor.alerts[0]["acked"]["by"] == "mei"
    assert floor.client.llen(keys.words("acme")) == 0
    assert floor.log("what").count(("acknowledged",)) == 1


@pytest.mark.parametrize(
    "rule", ["longest_wait_s@now", "contacts_waiting@now@hq/support", "source_down@hq", "budget_day_30m", "x"]
)
def test_a_word_about_any_rule_heard_before_the_first_board_stops_nobody(floor: Floor, rule: str) -> None:
    waits(floor)
    floor.go(20)
    held = floor.client.hget(keys.alert_states("acme"), "longest_wait_s@now")
    floor.client.hset(keys.alert_states("acme"), rule, held)
    floor.say(Word("acknowledge", "mei", rule=rule))
    floor.restart()
    floor.go(2)
    assert ("acknowledged", rule) in floor.log("what", "rule")


def test_an_answer_is_to_the_run_that_was_seen_and_not_to_the_next(floor: Floor) -> None:
    waits(floor)
    floor.go(20)
    episode = floor.alerts[0]["episode"]
    floor.say(Word("acknowledge", "mei", rule="longest_wait_s@now", episode="longest_wait_s@now#1"))
    floor.go(2)
    assert floor.alerts[0]["acked"] is None
    floor.say(Word("acknowledge", "mei", rule="longest_wait_s@now", episode=episode))
    floor.go(2)
    assert floor.alerts[0]["acked"]["by"] == "mei"


def test_a_word_that_comes_while_others_are_saved_is_not_lost(floor: Floor) -> None:
    waits(floor)
    floor.go(20)
    desk = next(desk for group in floor.engine._groups.values() for desk in group.desks.values())
    floor.client.rpush(keys.words("acme"), msgspec.json.encode(Word("acknowledge", "mei", rule="nothing", id="1")))
    desk.hear(floor.clock.at)
    floor.say(Word("acknowledge", "mei", rule="longest_wait_s@now", id="2"))
    floor.client.lpop(keys.words("acme"))  # the transaction was carried out, and only its answer got lost
    floor.go(3)
    assert floor.alerts[0]["acked"]["by"] == "mei"
    assert floor.client.llen(keys.words("acme")) == 0


def test_a_silence_ends_by_itself_and_is_kept_over_a_restart(floor: Floor) -> None:
    waits(floor)
    floor.go(20)
    silence = Silence("s1", "mei", "known trunk fault", floor.clock.at, floor.clock.at + 30_000, kpi="longest_wait_s")
    floor.say(Word("silence", "mei", silence=silence))
    floor.go(2)
    assert floor.alerts[0]["silenced"]["why"] == "known trunk fault"
    floor.restart()
    floor.go(2)
    assert floor.alerts[0]["silenced"]["by"] == "mei"
    floor.go(40)
    assert floor.alerts[0]["silenced"] is None
    assert ("expired", "s1") in floor.log("what", "id")


def test_a_silence_can_be_taken_back(floor: Floor) -> None:
    waits(floor)
    floor.go(20)
    silence = Silence("s1", "mei", "test", floor.clock.at, floor.clock.at + 3_600_000)
    floor.say(Word("silence", "mei", silence=silence))
    floor.go(2)
    floor.say(Word("unsilence", "jo", silence=silence))
    floor.go(2)
    assert floor.alerts[0]["silenced"] is None
    assert [entry for entry in floor.log("what", "by") if entry[0] in ("silenced", "unsilenced")] == [
        ("silenced", "mei"),
        ("unsilenced", "jo"),
    ]


def test_rubbish_in_the_list_of_words_is_passed_over(floor: Floor) -> None:
    floor.client.rpush(keys.words("acme"), b"{not json", b'{"word":"shout","by":"x"}')
    floor.client.sadd(keys.WORDS_WAITING, "acme")
    floor.go(3)
    assert floor.client.llen(keys.words("acme")) == 0


def test_a_dead_source_fires_one_alert_and_freezes_the_others(floor: Floor) -> None:
    waits(floor)
    floor.go(20)
    assert floor.alerts[0]["state"] == "firing"
    floor.feed.status("down", "connection refused")
    floor.go(14, alive=False)
    by_kpi = {alert["kpi"]: alert for alert in floor.alerts}
    assert by_kpi["source_down"]["level"] == "critical"
    assert by_kpi["longest_wait_s"]["state"] == "frozen"
    assert by_kpi["longest_wait_s"]["inhibited"] == "source_down@hq"
    assert by_kpi["longest_wait_s"]["reason"].startswith("hq: source down since")
    floor.go(3)
    assert [alert["kpi"] for alert in floor.alerts] == ["longest_wait_s"]
    assert ("resolved", "source_down@hq") in floor.log("what", "rule")


def test_every_window_of_a_queues_target_is_watched_and_any_kpi(redis: redis_py.Redis) -> None:
    def target(kpi: str, window: str) -> Target:
        return Target.model_validate(
            {"kpi": kpi, "window": window, "goal": 90, "critical": 50, "per_queue": True} if kpi == "answer_rate_pct"
            else {"kpi": kpi, "window": window, "goal": 0, "critical": 1, "per_queue": True}
        )  # fmt: skip

    clock = Clock()
    feed = Feed(redis, clock)
    targets = [
        target("answer_rate_pct", "today"),
        target("answer_rate_pct", "rolling_15m"),
        target("longest_wait_today_s", "today"),
    ]
    working = engine(redis, Configured(project(("hq/support",), *targets)), clock)
    feed.status()
    feed.emit(Snapshot(NOON, NOON, ["support"], [], []), *abandoned("support", "c1", NOON + 1_000, 9_000))
    clock.at += 20_000
    feed.status()
    run(working, clock, 2)
    snapshot = boards.read(redis, "acme")
    assert snapshot is not None
    assert {alert["id"] for alert in json.loads(snapshot)["alerts"]} == {
        "answer_rate_pct@today@hq/support",
        "answer_rate_pct@rolling_15m@hq/support",
        "longest_wait_today_s@today@hq/support",
    }


def test_an_alert_of_a_chinese_project_speaks_chinese_on_the_board_and_in_the_log_and_can_be_said_in_any_language(
    redis: redis_py.Redis,
) -> None:
    floor = Floor(redis)
    floor.configured = Configured(project(("hq/support",), WAIT, language="zh-Hant"))
    floor.restart()
    waits(floor)
    floor.go(14)
    (alert,) = floor.alerts
    assert alert["label"] == "最長等待"
    assert alert["reason"].endswith("高於 0:45 已 10 秒\uff1b目標 1:00\uff1b等待最久的來電在 support")
    said = msgspec.convert(alert["said"], Said)
    assert render(said, "en").endswith("over 0:45 for 10 s; goal 1:00; oldest contact waiting in support")
    floor.feed.status("down", "refused")
    run(floor.engine, floor.clock, 2)
    frozen = floor.alerts[0]
    assert frozen["state"] == "frozen"
    assert frozen["reason"].startswith("hq 自 ")
    assert render(msgspec.convert(frozen["said"], Said), "en").startswith("hq: source down since ")
    (entry,) = [entry for entry in floor.log("what", "reason", "said") if entry[0] == "frozen"]
    assert entry[1].startswith("最長等待\uff1a無法得知\uff0chq 自 ")
    assert render(msgspec.convert(entry[2], Said), "en").startswith(
        "Longest wait: nothing can be known, hq: source down"
    )
    floor.restart()
    floor.go(2)
    assert floor.alerts[0]["state"] == "firing", "what a frozen alert remembered was read again"
