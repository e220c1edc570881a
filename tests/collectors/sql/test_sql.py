"""Somebody's own SELECTs on a real MariaDB and a SQLite file: what they return becomes numbers, or a reason why not."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from collectors.collector import CollectorError
from collectors.events import AgentChanged, QueueObserved, Reported, Snapshot
from collectors.sql.collector import SqlCollector
from collectors.sql.settings import SqlSettings
from operations.floor.counters import total
from operations.floor.floor import Floor
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.contract.rig import ZONE
from tests.collectors.mariadb import PASSWORD, USER, MariaDb
from tests.collectors.sql.warehouse import AGENTS, CONTACTS, Warehouse

QUEUES = "SELECT skill AS queue, offered, answered, talk_s, began AS since FROM counts"


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    database = MariaDb("warehouse")
    database.start()
    yield database
    database.end()


@pytest.fixture
def house(mariadb: MariaDb) -> Warehouse:
    house = Warehouse(mariadb, lambda: time.time_ns() // 1_000_000)
    house.install()
    return house


def settings_of(house: Warehouse, **more: Any) -> SqlSettings:
    url = f"mysql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{house.database.port}/warehouse"
    return SqlSettings.model_validate({"kind": "sql", "url": url, "time_zone": ZONE, "poll_s": 1} | more)


async def nothing_more(link: KeptLink) -> None:
    """The source is up: everything was asked once."""


def watch(settings: SqlSettings, story: Callable[[KeptLink], Awaitable[None]] = nothing_more) -> KeptLink:
    """Run the collector through a story. Raises what ended it before."""

    async def main() -> KeptLink:
        link = KeptLink()
        running = asyncio.create_task(SqlCollector("hq", settings).run(link))

        async def told() -> None:
            await link.up.wait()
            await story(link)

        telling = asyncio.create_task(told())
        await asyncio.wait([running, telling], timeout=40, return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, running):
            if task.done():
                task.result()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return link

    return asyncio.run(main())


def refused(settings: SqlSettings) -> CollectorError:
    with pytest.raises(CollectorError) as caught:
        watch(settings)
    assert PASSWORD not in str(caught.value)
    return caught.value


async def comes(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def counted(link: KeptLink, queue: str) -> dict[str, int]:
    floor = Floor()
    for event in [*link.events, *link.events]:
        floor.apply(event)
    delta, replaced = floor.drain()
    cells = [cell for (row, _), cell in [*delta.items(), *replaced.items()] if row == queue]
    return {name: n for name, n in total(cells).n.items() if n}


def test_running_totals_count_by_what_they_grow_and_a_new_beginning_is_a_reset(house: Warehouse) -> None:
    run = house.database.run
    run("INSERT INTO counts VALUES ('销售', 100, 90, 900.5, '2026-11-21 00:00:00'), ('b', 5, NULL, NULL, NULL)")

    async def story(link: KeptLink) -> None:
        run("UPDATE counts SET offered = 103, answered = 92, talk_s = 930.5 WHERE skill = '销售'")
        await comes(lambda: link.events[-1].totals.get("offered") == 103)  # type: ignore[union-attr]
        run(
            "UPDATE counts SET offered = 110, answered = 91, talk_s = 940, began = '2026-11-22 00:00:00' WHERE skill = '销售'"
        )
        await comes(lambda: link.events[-1].totals.get("offered") == 110)  # type: ignore[union-attr]

    link = watch(settings_of(house, queues=QUEUES), story)
    assert counted(link, "销售") == {"offered": 3 + 110, "answered": 2 + 91, "talk_ms": 30_000 + 940_000}
    first = next(event for event in link.events if isinstance(event, QueueObserved) and event.queue == "b")
    assert first.totals == {"offered": 5}, "NULL is not told, and no zero"
    assert set(link.facts["gives"]) == {"contacts", "talk"}


def test_a_queue_without_a_row_is_not_known_any_more_and_never_as_it_was(house: Warehouse) -> None:
    house.call("c1", skill="sales", arrived=house.now())

    async def story(link: KeptLink) -> None:
        house.database.run("DELETE FROM calls")
        await comes(lambda: len(link.events) == 2)
        house.call("c2", skill="sales", arrived=house.now())
        await comes(lambda: len(link.events) == 3)

    waiting = "SELECT skill AS queue, COUNT(*) AS waiting FROM calls GROUP BY skill"
    link = watch(settings_of(house, queues=waiting), story)
    assert [look.waiting for look in link.events if isinstance(look, QueueObserved)] == [1, None, 1]


def test_contacts_agents_and_facts_are_told_once_each(house: Warehouse) -> None:
    now = house.now()
    house.agent("li", "available", name="Li Wei 李伟", skills="销售, support")
    house.call("c1", skill="销售", arrived=now, number="13800138000")

    async def story(link: KeptLink) -> None:
        house.call("c1", arrived=now, connected=now, agent="li", result="answered")
        house.agent("li", "on_contact", name="Li Wei 李伟")
        house.call("c2", skill="销售", arrived=now, hung_up=now)
        house.call("c3", skill="销售", arrived=now, hung_up=now, result="left_timeout")
        await comes(lambda: any(isinstance(event, AgentChanged) for event in link.events))
        house.call("c1", arrived=now, hung_up=house.now())
        await comes(lambda: counted(link, "销售").get("handled") == 1)

    facts = "SELECT CONCAT('s-', id) AS id, arrived AS at, skill AS queue, 'surveys' AS counter, 1 AS n FROM calls WHERE id = 'c1'"
    link = watch(settings_of(house, contacts=CONTACTS, agents=AGENTS, facts=facts), story)
    numbers = counted(link, "销售")
    numbers.pop("talk_ms", None)
    numbers.pop("answered_wait_ms", None)
    assert numbers == {"offered": 3, "answered": 1, "handled": 1, "left_other": 1, "left_timeout": 1, "surveys": 1}
    assert [event.id for event in link.events if isinstance(event, Reported)] == ["s-c1"]
    snapshot = next(event for event in link.events if isinstance(event, Snapshot))
    assert [(found.contact, found.caller) for found in snapshot.waiting] == [("c1", "13800138000")]
    assert snapshot.agents[0].name == "Li Wei 李伟"
    assert snapshot.agents[0].queues == {"销售": None, "support": None}
    assert set(link.facts["gives"]) == {
        "agents", "ringing_now", "wrap_up_now", "agent_names", "agent_time", "waiting", "longest_wait", "contacts", "waits", "in_time",
        "abandons", "flow_outs", "surveys",
    }, "of talk and wrap-up there is no column, and of complaints and the like no row"  # fmt: skip


def test_somebody_who_waited_and_is_gone_from_the_table_is_lost_of_sight(house: Warehouse) -> None:
    house.call("c1", skill="sales", arrived=house.now())

    async def story(link: KeptLink) -> None:
        house.database.run("DELETE FROM calls")
        await comes(lambda: len([event for event in link.events if isinstance(event, Snapshot)]) == 2)

    link = watch(settings_of(house, contacts=CONTACTS), story)
    assert counted(link, "sales") == {"offered": 1, "lost_sight": 1}


def test_wrap_up_of_a_contact_counts_once(house: Warehouse) -> None:
    now = house.now()
    house.call("c1", skill="sales", arrived=now, connected=now, hung_up=now)
    statement = CONTACTS.replace("number AS caller", "30 AS talk_s, 12.5 AS wrap_s, 1 AS transferred")
    link = watch(settings_of(house, contacts=statement))
    numbers = counted(link, "sales")
    assert (numbers["wrap_ms"], numbers["talk_ms"], numbers["transferred"]) == (12_500, 30_000, 1)


def test_an_unknown_column_is_a_permanent_error_that_names_the_nearest(house: Warehouse) -> None:
    error = refused(settings_of(house, queues="SELECT skill AS queue, offered AS offerd FROM counts"))
    assert error.permanent
    assert "'offerd' (did you mean offered?)" in str(error)


def test_a_missing_column_is_said_before_there_is_any_row(house: Warehouse) -> None:
    assert "lacks the column queue" in str(refused(settings_of(house, queues="SELECT offered FROM counts")))


def test_contacts_and_totals_of_the_same_queues_are_refused_together(house: Warehouse) -> None:
    error = refused(settings_of(house, contacts=CONTACTS, queues=QUEUES))
    assert error.permanent
    assert "leave out offered, answered, talk_s" in str(error)


def test_a_queue_with_two_rows_is_refused(house: Warehouse) -> None:
    error = refused(settings_of(house, queues="SELECT 'a' AS queue, 1 AS waiting UNION ALL SELECT 'a', 2"))
    assert "two rows for 'a'; group by queue" in str(error)


@pytest.mark.parametrize(
    "question",
    [
        {"contacts": CONTACTS},
        {"agents": AGENTS},
        {"queues": "SELECT skill AS queue, 1 AS offered, arrived AS since FROM calls"},
        {"facts": "SELECT id, arrived AS at, skill AS queue, 'surveys' AS counter, 1 AS n FROM calls"},
    ],
)
def test_dates_read_in_a_wrong_zone_are_said_and_nothing_is_told_of_them(
    house: Warehouse, question: dict[str, str]
) -> None:
    house.call("c1", skill="sales", arrived=house.now())
    house.agent("li", "available")
    error = refused(settings_of(house, time_zone="UTC", **question))
    assert re.search(rf"the answer to {next(iter(question))} has a time 4(79|80) min ahead of our clock", str(error))
    assert "correct time_zone (now UTC)" in str(error)
    assert not error.permanent


def test_a_clock_of_the_database_that_is_some_seconds_fast_is_no_fault(house: Warehouse) -> None:
    house.call("c1", skill="sales", arrived=house.now() + timedelta(seconds=50))
    assert counted(watch(settings_of(house, contacts=CONTACTS)), "sales") == {"offered": 1}


def test_an_answer_and_an_outcome_that_contradict_each_other_are_an_error(house: Warehouse) -> None:
    house.call("c1", skill="sales", arrived=house.now(), connected=house.now(), result="abandoned")
    assert "'c1' has an answered_at and the outcome abandoned" in str(refused(settings_of(house, contacts=CONTACTS)))


def test_a_locked_table_and_a_question_of_a_minute_end_in_time_and_may_pass(house: Warehouse) -> None:
    house.database.run("LOCK TABLES counts WRITE")
    try:
        assert not refused(settings_of(house, queues=QUEUES, timeout_s=1)).permanent
    finally:
        house.database.run("UNLOCK TABLES")
    began = time.monotonic()
    minute = refused(settings_of(house, queues="SELECT 'a' AS queue, SLEEP(60) AS waiting", timeout_s=1))
    assert not minute.permanent
    assert time.monotonic() - began < 15


def test_more_rows_than_allowed_make_no_number(house: Warehouse) -> None:
    error = refused(settings_of(house, queues="SELECT seq AS queue, 1 AS waiting FROM seq_1_to_50", most_rows=49))
    assert "more than 49 rows" in str(error)


def test_a_sqlite_file_serves_as_well(tmp_path: Path) -> None:
    path = tmp_path / "acd.db"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE q (name TEXT, waiting INTEGER, oldest REAL, free INTEGER)")
        file.execute("INSERT INTO q VALUES ('客服', 3, 12.5, NULL)")
    settings = SqlSettings.model_validate(
        {
            "kind": "sql", "url": f"sqlite:///{path}", "poll_s": 1,
            "queues": "SELECT name AS queue, waiting, oldest AS longest_wait_s, free AS agents_available FROM q;",
        }
    )  # fmt: skip
    link = watch(settings)
    (look,) = [event for event in link.events if isinstance(event, QueueObserved)]
    assert (look.queue, look.waiting, look.longest_wait_ms, look.agents) == ("客服", 3, 12_500, None)
