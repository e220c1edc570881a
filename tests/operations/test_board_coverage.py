"""What a source cannot give, on the board: no number that is none, and no part of a sum shown as the whole."""

from __future__ import annotations

import pytest
import redis as redis_py

from collectors.collector import BUSINESS, FLOOR
from collectors.events import AgentChanged, AgentQueues, ContactEntered, IntervalTotals, QueueObserved, Reported
from operations.projects.beyond_reach import beyond_reach
from operations.projects.contract import Block, Project, ServiceLevel, Target
from operations.texts import render
from tests.operations.floor_feed import NOON, Clock, Configured, Feed, abandoned, answered, board, engine, project, run

HEADS = FLOOR - {"agent_names"}
NO_TALK = sorted(FLOOR - {"talk", "hold", "wrap", "transfers"})
NO_WAITS = sorted(FLOOR - {"waits", "in_time"})


@pytest.fixture
def hq(redis: redis_py.Redis, clock: Clock) -> Feed:
    feed = Feed(redis, clock)
    feed.status()
    return feed


@pytest.fixture
def branch(redis: redis_py.Redis, clock: Clock) -> Feed:
    return Feed(redis, clock, "branch")


BOTH = project(("hq/support", "branch/support"))
TWO = ("hq", "branch")


def shown(redis: redis_py.Redis, clock: Clock, configured: Configured) -> dict:
    run(engine(redis, configured, clock), clock)
    return board(redis)


def test_what_no_source_of_a_project_gives_is_not_reported_and_never_zero(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    hq.status(gives=NO_TALK)
    hq.emit(*answered("support", "c1", NOON - 600_000, 5_000))
    found = shown(redis, clock, Configured(project()))
    for entry in (found["kpis"]["transfers"], found["kpis"]["aht_s"], found["kpis"]["csat_pct"]):
        assert (entry["value"], entry["why"], entry["reason"]) == (None, "not_reported", "not reported by this ACD")
        assert entry["band"] == "unknown"
        assert "partial" not in entry
    assert found["kpis"]["answered"]["value"] == 1
    assert found["queues"]["hq/support"]["kpis"]["aht_s"]["why"] == "not_reported"
    assert found["queues"]["hq/support"]["kpis"]["asa_s"]["value"] == 5


def test_what_some_sources_give_is_the_number_of_those_and_says_without_whom(
    redis: redis_py.Redis, clock: Clock, hq: Feed, branch: Feed
) -> None:
    branch.status(gives=NO_TALK)
    hq.emit(*answered("support", "c1", NOON - 600_000, 5_000, 60_000))
    branch.emit(*answered("support", "c1", NOON - 600_000, 25_000, 0))  # handled, and its talk not told
    found = shown(redis, clock, Configured(BOTH, sources=TWO))
    talk = found["kpis"]["avg_talk_s"]
    assert (talk["value"], talk["sample"]) == (60, 1)
    assert talk["partial"] == ["branch"]
    assert talk["sources"] == ["hq"]
    assert found["kpis"]["answered"]["value"] == 2
    assert "partial" not in found["kpis"]["answered"]
    assert found["queues"]["hq/support"]["kpis"]["avg_talk_s"]["value"] == 60
    assert found["queues"]["branch/support"]["kpis"]["avg_talk_s"]["why"] == "not_reported"


def test_a_service_level_over_part_of_the_floor_has_its_budget_over_that_part_too(
    redis: redis_py.Redis, clock: Clock, hq: Feed, branch: Feed
) -> None:
    goal = Target(kpi="service_level_pct", goal=80, warning=75, critical=60)
    branch.status(gives=NO_WAITS)
    hq.emit(*[event for n in range(10) for event in answered("support", f"c{n}", NOON - 600_000 + n, 5_000)])
    branch.emit(*[event for n in range(40) for event in abandoned("support", f"c{n}", NOON - 600_000 + n, 60_000)])
    found = shown(redis, clock, Configured(project(BOTH.queues, goal), sources=TWO))
    level = found["kpis"]["service_level_pct"]
    assert (level["value"], level["sample"], level["partial"]) == (100, 10, ["branch"])
    assert found["budget"]["today"]["missed"] == 0


def test_a_speed_of_answer_is_that_of_the_sources_that_tell_waits_and_not_only_who_was_in_time(
    redis: redis_py.Redis, clock: Clock, hq: Feed, branch: Feed
) -> None:
    branch.status(gives=sorted(FLOOR - {"waits"}))
    hq.emit(*[event for n in range(10) for event in answered("support", f"c{n}", NOON - 600_000 + n, 30_000)])
    told = {"offered": 90, "answered": 90, "answered_within_20s": 90, "answered_beyond_20s": 0}
    branch.emit(IntervalTotals(NOON - 300_000, "support", NOON - 900_000, told, sole=True))
    kpis = shown(redis, clock, Configured(BOTH, sources=TWO))["kpis"]
    assert (kpis["asa_s"]["value"], kpis["asa_s"]["sample"], kpis["asa_s"]["partial"]) == (30, 10, ["branch"])
    assert (kpis["longest_wait_today_s"]["value"], kpis["longest_wait_today_s"]["partial"]) == (30, ["branch"])
    assert (kpis["service_level_pct"]["value"], kpis["service_level_pct"]["sample"]) == (90, 100)
    assert "partial" not in kpis["service_level_pct"]


def test_a_source_of_surveys_makes_no_part_of_the_floor_partial(redis: redis_py.Redis, clock: Clock, hq: Feed) -> None:
    crm = Feed(redis, clock, "crm")
    crm.status(gives=["surveys", "tickets"])
    hq.emit(*answered("support", "c1", NOON - 600_000, 5_000))
    crm.emit(Reported(NOON - 60_000, "r1", "acme", {"surveys": 2, "survey_top_box": 1, "survey_score_sum": 900}))
    crm.emit(Reported(NOON - 60_000, "r2", "acme", {"tickets_opened": 5, "tickets_closed": 2}))
    found = shown(redis, clock, Configured(project(("hq/support", "crm/acme")), sources=("hq", "crm")))
    kpis = found["kpis"]
    assert (kpis["csat_pct"]["value"], kpis["csat_mean"]["value"]) == (50, 4.5)
    assert not any("partial" in entry for entry in kpis.values())
    assert kpis["service_level_pct"]["sources"] == ["hq"]
    assert (kpis["open_tickets"]["value"], kpis["open_tickets"]["window"]) == (3, "project")
    assert kpis["ivr_containment_pct"]["why"] == "not_reported"
    assert found["queues"]["crm/acme"]["kpis"]["contacts_waiting"]["why"] == "not_reported"


def test_the_trouble_of_one_source_withdraws_only_what_rests_on_it(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    crm = Feed(redis, clock, "crm")
    crm.status(gives=["surveys"])
    hq.emit(*answered("support", "c1", NOON - 600_000, 5_000))
    crm.emit(Reported(NOON - 60_000, "r1", "acme", {"surveys": 2, "survey_top_box": 1}))
    configured = Configured(project(("hq/support", "crm/acme")), sources=("hq", "crm"))
    working = engine(redis, configured, clock)
    run(working, clock)
    crm.status("down", "refused", gives=["surveys"])
    run(working, clock)
    kpis = board(redis)["kpis"]
    assert kpis["service_level_pct"]["value"] == 100
    assert (kpis["csat_pct"]["value"], kpis["csat_pct"]["why"]) == (None, "source_down")
    assert kpis["csat_pct"]["about"]["source"] == "crm"
    assert kpis["csat_pct"]["last"]["value"] == 50
    crm.status(gives=["surveys"])
    hq.status("down", "refused")
    run(working, clock)
    kpis = board(redis)["kpis"]
    assert (kpis["csat_pct"]["value"], kpis["service_level_pct"]["why"]) == (50, "source_down")


def test_a_source_that_turns_out_to_tell_less_while_it_runs_changes_the_board(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    hq.emit(AgentQueues(NOON, "Ann", {"support": None}), AgentChanged(NOON, "Ann", "available"))
    working = engine(redis, Configured(project()), clock)
    run(working, clock)
    assert board(redis)["kpis"]["agents_available"]["value"] == 1
    hq.status(gives=sorted(FLOOR - {"agents"}))
    run(working, clock)
    found = board(redis)
    assert found["kpis"]["agents_available"]["why"] == "not_reported"
    assert found["queues"]["hq/support"]["kpis"]["agents_available"]["why"] == "not_reported"
    hq.status()
    run(working, clock)
    assert board(redis)["kpis"]["agents_available"]["value"] == 1


def test_no_alert_fires_on_what_is_not_reported_and_one_that_fired_ends_with_the_reason(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    free = Target(kpi="agents_available", goal=2, warning=1, critical=0)
    working = engine(redis, Configured(project(("hq/support",), free)), clock)
    run(working, clock)
    assert [alert["kpi"] for alert in board(redis)["alerts"]] == ["agents_available"]
    hq.status(gives=sorted(FLOOR - {"agents"}))
    run(working, clock)
    assert board(redis)["alerts"] == []


def test_tickets_that_came_before_anybody_promised_them_are_counted_once_somebody_does(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    hq.emit(Reported(NOON - 60_000, "new", "support", {"tickets_opened": 1}))
    working = engine(redis, Configured(project()), clock)
    run(working, clock)
    assert board(redis)["kpis"]["open_tickets"]["why"] == "not_reported"
    hq.status(gives=sorted(FLOOR | BUSINESS))
    run(working, clock)
    found = board(redis)["kpis"]["open_tickets"]
    assert (found["value"], found["sample"]) == (1, 1)


# ── a queue that an ACD shows and of which it leaves something open ───────────────────────────────


def now_of(found: dict, key: str, queue: str = "") -> tuple:
    entry = (found["queues"][queue] if queue else found)["kpis"][key]
    return entry["value"], entry["why"], entry.get("partial")


def test_a_queue_of_which_the_acd_no_longer_tells_who_waits_is_not_reported_and_never_zero(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    working = engine(redis, Configured(project()), clock)
    hq.emit(QueueObserved(clock(), "support", 5, 60_000))
    run(working, clock)
    assert now_of(board(redis), "contacts_waiting") == (5, "", None)
    hq.emit(QueueObserved(clock(), "support"))
    run(working, clock)
    for key in ("contacts_waiting", "longest_wait_s"):
        assert now_of(board(redis), key) == (None, "not_reported", None)
        assert now_of(board(redis), key, "hq/support") == (None, "not_reported", None)
        assert board(redis)["kpis"][key]["band"] == "unknown"
    hq.emit(QueueObserved(clock(), "support", 0))
    run(working, clock)
    assert now_of(board(redis), "contacts_waiting") == (0, "", None)
    assert now_of(board(redis), "longest_wait_s") == (0, "no_one_waiting", None)


def test_one_queue_that_is_gone_blanks_no_wall_but_is_named(redis: redis_py.Redis, clock: Clock, hq: Feed) -> None:
    working = engine(redis, Configured(project(("hq/support", "hq/sales"))), clock)
    hq.emit(QueueObserved(clock(), "support", 3, 60_000), QueueObserved(clock(), "sales"))
    run(working, clock)
    found = board(redis)
    assert now_of(found, "contacts_waiting") == (3, "", ["hq/sales"])
    assert now_of(found, "longest_wait_s")[2] == ["hq/sales"]
    assert now_of(found, "contacts_waiting", "hq/support") == (3, "", None)
    assert now_of(found, "contacts_waiting", "hq/sales") == (None, "not_reported", None)
    hq.emit(QueueObserved(clock(), "support", 0))
    run(working, clock)
    assert now_of(board(redis), "contacts_waiting") == (0, "", ["hq/sales"])
    assert now_of(board(redis), "longest_wait_s") == (None, "not_reported", None), "not: nobody waits"


def test_a_queue_with_people_waiting_since_nobody_knows_when_has_no_longest_wait(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    hq.emit(QueueObserved(clock(), "support", 4))
    found = shown(redis, clock, Configured(project()))
    assert now_of(found, "contacts_waiting") == (4, "", None)
    assert now_of(found, "longest_wait_s") == (None, "not_reported", None)


def test_a_queue_of_which_the_acd_no_longer_tells_how_many_people_there_are_has_no_number_of_them(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    hq.status(gives=sorted(HEADS))
    working = engine(redis, Configured(project()), clock)
    hq.emit(QueueObserved(clock(), "support", 2, 9_000, {"available": 4, "paused": 1}))
    run(working, clock)
    assert now_of(board(redis), "agents_logged_in") == (5, "", None)
    hq.emit(QueueObserved(clock(), "support"))
    run(working, clock)
    for key in ("agents_available", "agents_ringing", "agents_logged_in"):
        assert now_of(board(redis), key) == (None, "not_reported", None)
        assert now_of(board(redis), key, "hq/support") == (None, "not_reported", None)
    hq.emit(QueueObserved(clock(), "support", 0, None, {"available": 0, "paused": 1}))
    run(working, clock)
    assert now_of(board(redis), "agents_available", "hq/support") == (0, "", None)


def test_a_look_that_only_counts_leaves_nothing_open_where_contacts_are_told_one_by_one(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    hq.emit(*answered("support", "c1", NOON - 600_000, 5_000))
    hq.emit(QueueObserved(clock(), "support", totals={"dialled": 4}), QueueObserved(clock(), "campaign"))
    found = shown(redis, clock, Configured(project(("hq/support", "hq/campaign"))))
    assert now_of(found, "contacts_waiting") == (0, "", None)
    assert now_of(found, "longest_wait_s") == (0, "no_one_waiting", None)


def past_threshold(*queues: str, goal: Target | None = None) -> Project:
    level = ServiceLevel(within_s=20, waiting_past_threshold=True)
    return project(queues, *([goal] if goal else ())).model_copy(update={"service_level": (Block(value=level),)})


def test_of_who_waits_at_a_polled_acd_the_oldest_counts_as_late_and_the_rest_is_left_open(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    goal = Target(kpi="service_level_pct", goal=80, warning=60, critical=40)
    working = engine(redis, Configured(past_threshold("hq/support", goal=goal)), clock)

    def level(waiting: int, oldest_ms: int | None) -> tuple:
        hq.status()
        hq.emit(QueueObserved(clock(), "support", waiting, oldest_ms))
        run(working, clock)
        assert board(redis)["queues"]["hq/support"]["kpis"]["service_level_pct"]["value"] == entry(redis)["value"]
        found = entry(redis)
        return found["value"], found["sample"], found["band"], found["why"], found.get("about")

    def entry(redis: redis_py.Redis) -> dict:
        return board(redis)["kpis"]["service_level_pct"]

    told = {"offered": 9, "answered": 9, "answered_within_20s": 9, "answered_beyond_20s": 0}
    hq.emit(IntervalTotals(NOON - 300_000, "support", NOON - 900_000, told, sole=True))
    assert level(12, 5_000) == (100, 9, "ok", "", None)
    assert level(1, 300_000) == (90, 10, "ok", "", None), "one waits, and it is late: nothing is open"
    assert level(12, 300_000) == (90, 10, "none", "late_open", {"n": "1"})
    assert level(3, None) == (100, 9, "none", "late_open", {"n": "0"})
    hq.emit(IntervalTotals(NOON - 200_000, "support", NOON - 900_000, told | {"answered_within_20s": 1, "answered_beyond_20s": 8}, sole=True))  # fmt: skip
    assert level(12, 300_000)[2:4] == ("critical", "late_open"), "bad enough already"


def test_who_waits_too_long_counts_only_in_sources_of_which_the_service_level_is_known(
    redis: redis_py.Redis, clock: Clock, hq: Feed, branch: Feed
) -> None:
    branch.status(gives=NO_WAITS)
    hq.emit(*answered("support", "c1", NOON - 600_000, 5_000))
    branch.emit(ContactEntered(NOON - 60_000, "support", "c2"), QueueObserved(NOON, "sales", 7, 90_000))
    both = past_threshold("hq/support", "branch/support", "branch/sales")
    level = shown(redis, clock, Configured(both, sources=TWO))["kpis"]["service_level_pct"]
    assert (level["value"], level["sample"], level["why"], level["partial"]) == (100, 1, "", ["branch"])


def test_a_queue_in_which_somebody_becomes_late_without_a_word_has_it_in_its_service_level(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    working = engine(redis, Configured(past_threshold("hq/support")), clock)
    told = {"offered": 1, "answered": 1, "answered_within_20s": 1, "answered_beyond_20s": 0}
    hq.emit(IntervalTotals(NOON - 300_000, "support", NOON - 900_000, told, sole=True))
    hq.emit(QueueObserved(NOON, "support", 1, 15_000))
    run(working, clock)
    assert now_of(board(redis), "service_level_pct", "hq/support")[0] == 100
    run(working, clock, 8)
    assert now_of(board(redis), "service_level_pct")[0] == 50
    assert now_of(board(redis), "service_level_pct", "hq/support")[0] == 50


def test_people_who_are_only_counted_per_queue_are_no_sum_of_the_project(
    redis: redis_py.Redis, clock: Clock, hq: Feed, branch: Feed
) -> None:
    hq.status(gives=sorted(HEADS))
    branch.status(gives=sorted(HEADS))
    for queue in ("support", "sales"):
        hq.emit(QueueObserved(NOON, queue, 0, agents={"available": 5, "ringing": 1}))
    branch.emit(QueueObserved(NOON, "support", 0, agents={"available": 3}))
    several = project(("hq/support", "hq/sales", "branch/support"))
    found = shown(redis, clock, Configured(several, sources=TWO))
    assert now_of(found, "agents_available") == (3, "", ["hq"])
    assert now_of(found, "agents_logged_in") == (3, "", ["hq"])
    assert [now_of(found, "agents_available", queue)[0] for queue in several.queues] == [5, 5, 3]
    assert now_of(found, "agents_ringing", "hq/support")[0] == 1


def test_people_counted_per_queue_are_those_of_a_project_of_one_queue(
    redis: redis_py.Redis, clock: Clock, hq: Feed
) -> None:
    hq.status(gives=sorted(HEADS))
    hq.emit(QueueObserved(NOON, "support", 0, agents={"available": 5}))
    both = project(("hq/support", "hq/sales"), id="both")
    assert now_of(shown(redis, clock, Configured(project(), both)), "agents_available") == (5, "", None)
    assert now_of(board(redis, "both"), "agents_available") == (None, "not_reported", None)
    said = [render(sentence, "en") for sentence in beyond_reach({"acme": project(), "both": both}, {"hq": HEADS})]
    assert said == ["projects.both: Agents free stays empty on the wall: no agents by name from hq"]
