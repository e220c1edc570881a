"""Unified CCX: rows into looks, and two nodes of which one is the master, in real SQL (MariaDB's; no Informix is here)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr

from collectors.collector import CollectorError
from collectors.events import QueueObserved
from collectors.polled.news import WholeLooks
from collectors.uccx.collector import UccxCollector
from collectors.uccx.settings import UccxSettings
from collectors.uccx.translate import TREMBLE_MS, Translator, moment, written_at
from operations.floor.counters import total
from operations.floor.floor import Floor
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.mariadb import PASSWORD, MariaDb, free_port
from tests.collectors.uccx.cluster import NODES, Cluster

T0 = 1_795_320_000_000
MIDNIGHT = datetime(2026, 11, 22)


def row(**more: Any) -> dict[str, Any]:
    return {
        "csqname": "销售 Sales", "loggedinagents": 9, "availableagents": 2, "unavailableagents": 3, "talkingagents": 2,
        "workingagents": 1, "reservedagents": 1, "callswaiting": 4, "oldestcontact": 61_500, "totalcalls": 100, "callshandled": 80,
        "callsabandoned": 10, "callsdequeued": 6, "avgtalkduration": 90_000, "startdatetime": MIDNIGHT,
        "enddatetime": datetime(2026, 11, 22, 12, 0, 5),
    } | more  # fmt: skip


def test_a_row_shows_the_present_in_milliseconds_and_totals_since_it_began_to_count() -> None:
    (look,) = Translator().translate([row()], T0)
    assert look == QueueObserved(
        T0, "销售 Sales", waiting=4, longest_wait_ms=61_500,
        agents={"available": 2, "ringing": 1, "on_contact": 2, "wrap_up": 1, "paused": 3},
        totals={"offered": 100, "answered": 80, "abandoned": 10, "left_other": 6, "handled": 80, "talk_ms": 7_200_000},
        since=moment(MIDNIGHT),
    )  # fmt: skip


def test_nobody_waits_means_no_longest_wait_and_null_means_not_told() -> None:
    (look,) = Translator().translate([row(callswaiting=0, callsdequeued=None, reservedagents=None)], T0)
    assert look.longest_wait_ms is None
    assert "left_other" not in look.totals
    assert look.agents is not None and "ringing" not in look.agents


@pytest.mark.parametrize("no_number", [-1, 2**64 - 1])
def test_a_number_that_cannot_be_is_not_told(no_number: int) -> None:
    (look,) = Translator().translate([row(callswaiting=no_number, callshandled=no_number, talkingagents=no_number)], T0)
    assert look.waiting is None and look.longest_wait_ms is None
    assert look.totals.keys() == {"offered", "abandoned", "left_other"}
    assert look.agents is not None and "on_contact" not in look.agents
    (look,) = Translator().translate([row(avgtalkduration=no_number, oldestcontact=no_number)], T0)
    assert look.longest_wait_ms is None and "talk_ms" not in look.totals


def test_a_row_that_is_as_it_was_is_no_news_and_a_queue_without_one_is_not_known() -> None:
    link, translator = KeptLink(), Translator()
    told: list[list[tuple[int, int | None]]] = []

    async def main() -> None:
        looks = WholeLooks(link, TREMBLE_MS)
        for at, rows in (
            (0, [row()]),
            (5_000, [row(oldestcontact=61_500)]),  # not written anew
            (10_000, [row(oldestcontact=71_000)]),
            (15_000, [row(callswaiting=5, oldestcontact=76_500)]),
            (45_000, [row(callswaiting=5, oldestcontact=106_500)]),
            (50_000, []),
        ):
            await looks.tell(translator.translate(rows, T0 + at), T0 + at)
            told.append([(e.at - T0, e.waiting) for e in link.events if isinstance(e, QueueObserved)])
            link.events.clear()

    asyncio.run(main())
    assert told == [[(0, 4)], [], [], [(15_000, 5)], [(45_000, 5)], [(50_000, None)]]


def test_a_rounded_average_that_falls_takes_nothing_back_and_counts_nothing_twice() -> None:
    """3 calls of 10.001 s have an average of 10 001 ms; one of 0.999 s more makes it 7 750 (31 000 in all, 3 ms less than it was)."""
    translator, floor = Translator(), Floor()
    for n, (handled, average) in enumerate(((0, 0), (3, 10_001), (4, 7_500), (5, 8_000))):
        for look in translator.translate([row(callshandled=handled, avgtalkduration=average)], T0 + n * 5_000):
            floor.apply(look)
    delta, _ = floor.drain()
    assert total(delta.values()).get("talk_ms") == 40_000


def test_a_new_day_counts_from_nought_even_where_it_is_already_past_yesterday() -> None:
    translator, floor = Translator(), Floor()
    looks = [row(totalcalls=5), row(totalcalls=8), row(totalcalls=9, startdatetime=datetime(2026, 11, 23))]
    for n, told in enumerate(looks):
        for look in translator.translate([told], T0 + n * 5_000):
            floor.apply(look)
    delta, _ = floor.drain()
    assert total(delta.values()).get("offered") == 3 + 9


@pytest.mark.parametrize(
    "wrong",
    [{"callswaiting": "many"}, {"callswaiting": float("inf")}, {"startdatetime": "yesterday"}, {"startdatetime": 7}],
)
def test_what_is_no_number_or_no_date_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(CollectorError, match="RtCSQsSummary has"):
        Translator().translate([row(**wrong)], T0)


def test_an_empty_table_was_never_written() -> None:
    assert written_at([]) is None
    assert written_at([row(), row(enddatetime="2026-11-22 12:00:09")]) == moment(datetime(2026, 11, 22, 12, 0, 9))


# ── two nodes ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    database = MariaDb(NODES[0])
    database.start()
    yield database
    database.end()


@pytest.fixture
def cluster(mariadb: MariaDb) -> Cluster:
    cluster = Cluster(mariadb, lambda: time.time_ns() // 1_000_000)
    cluster.install()
    return cluster


def settings_of(cluster: Cluster, *ports: int, **more: Any) -> UccxSettings:
    ports = ports or (cluster.database.port,) * len(NODES)
    urls = [SecretStr(cluster.url(node, port)) for node, port in zip(NODES, ports, strict=True)]
    return UccxSettings(kind="uccx", urls=urls, poll_s=1, written_every_s=1, **more)


async def writing(cluster: Cluster) -> None:
    while True:
        cluster.write("sales", CallsWaiting=2)
        await asyncio.sleep(0.4)


async def until_up(cluster: Cluster, settings: UccxSettings) -> KeptLink:
    link = KeptLink()
    writer = asyncio.create_task(writing(cluster))
    running = asyncio.create_task(UccxCollector("hq", settings).run(link))
    up = asyncio.create_task(link.up.wait())
    await asyncio.wait([running, up], timeout=25, return_when=asyncio.FIRST_COMPLETED)
    for task in (writer, running, up):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return link


@pytest.mark.parametrize("master", NODES)
def test_the_node_whose_table_moves_is_the_master_whichever_it_is(cluster: Cluster, master: str) -> None:
    stale = NODES[1 - NODES.index(master)]
    cluster.master = stale
    cluster.write("sales", CallsWaiting=77)  # what the other node was left with when it was the master
    cluster.master = master
    link = asyncio.run(until_up(cluster, settings_of(cluster)))
    assert link.detail == f"Unified CCX, node {NODES.index(master) + 1} of Unified CCX"
    assert {event.waiting for event in link.events if isinstance(event, QueueObserved)} == {2}
    assert link.facts["agents_logged_in"] == 1
    assert link.facts.get("warning", "") == "", "a text in any case, as the API says"


def test_a_node_that_is_away_is_done_without_and_named_without_its_password(cluster: Cluster) -> None:
    link = asyncio.run(until_up(cluster, settings_of(cluster, cluster.database.port, free_port())))
    assert link.detail.endswith("node 1 of Unified CCX")
    assert "node 2 of Unified CCX" in link.facts["warning"]
    assert PASSWORD not in link.facts["warning"]


def test_a_master_that_stops_writing_is_left(cluster: Cluster) -> None:
    async def main() -> None:
        link = KeptLink()
        writer = asyncio.create_task(writing(cluster))
        running = asyncio.create_task(UccxCollector("hq", settings_of(cluster)).run(link))
        await asyncio.wait_for(link.up.wait(), 25)
        writer.cancel()
        await asyncio.wait_for(running, 25)

    with pytest.raises(CollectorError, match=r"stands still for \d+ s: it is no longer the master") as caught:
        asyncio.run(main())
    assert not caught.value.permanent


def test_where_no_node_writes_the_error_says_what_to_tick(cluster: Cluster) -> None:
    cluster.write("sales")

    async def main() -> None:
        await UccxCollector("hq", settings_of(cluster)).run(KeptLink())

    with pytest.raises(
        CollectorError, match=r"node 1 of Unified CCX: stands still, node 2 of Unified CCX: empty.*Data Writing Enable"
    ):
        asyncio.run(main())


def test_only_the_queues_that_are_named_are_told(cluster: Cluster) -> None:
    cluster.write("support", CallsWaiting=1)
    link = asyncio.run(until_up(cluster, settings_of(cluster, queues=["support"])))
    assert {event.queue for event in link.events if isinstance(event, QueueObserved)} == {"support"}
