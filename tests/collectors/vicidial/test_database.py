"""VICIdial on a real MariaDB: what its tables say becomes events that a fold counts once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest
from pydantic import SecretStr, ValidationError

from collectors.collector import CollectorError
from collectors.events import AgentChanged, IntervalTotals, QueueObserved, Snapshot
from collectors.polled.clock import KEPT
from collectors.polled.database import Database
from collectors.vicidial.collector import VicidialCollector
from collectors.vicidial.dialler import Dialler
from collectors.vicidial.floor import LOG, Floor
from collectors.vicidial.inbound import GONE_AFTER_MS
from collectors.vicidial.settings import VicidialSettings
from operations.floor.counters import total
from operations.floor.floor import Floor as Fold
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.mariadb import PASSWORD, USER, MariaDb, free_port
from tests.collectors.vicidial.pbx import Pbx


class Later(KeptLink):
    """A link whose clock can be put forward, or be another than the database's."""

    def __init__(self, ahead_ms: int = 0) -> None:
        super().__init__()
        self.ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


@pytest.fixture(scope="module")
def installed() -> Iterator[Pbx]:
    database = MariaDb()
    database.start()
    pbx = Pbx(database)
    pbx.install()
    yield pbx
    database.end()


@pytest.fixture
def pbx(installed: Pbx) -> Pbx:
    installed.clear()
    return installed


def url_of(pbx: Pbx, port: int | None = None) -> SecretStr:
    return SecretStr(f"mysql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port or pbx.database.port}/asterisk")


@asynccontextmanager
async def session(pbx: Pbx, link: KeptLink, **more: object) -> AsyncIterator[tuple[Floor, Dialler]]:
    settings = VicidialSettings.model_validate({"kind": "vicidial", "url": url_of(pbx), **more})
    async with Database(link, settings.url.get_secret_value(), name="VICIdial's database", rights="") as database:
        floor = Floor(link, database, settings)
        await floor.begin()
        dialler = Dialler(link, database, floor)
        await dialler.begin()
        yield floor, dialler


def folded(link: KeptLink) -> tuple[Fold, dict[str, dict[str, int]]]:
    """What a fold makes of all that was said, twice over, by queue."""
    fold = Fold()
    for event in [*link.events, *link.events]:
        fold.apply(event)
    delta, replaced = fold.drain()
    sums = {}
    for queue in ("sales", "support", "TELESALE", "SURVEY"):
        cells = [cell for (row, _), cell in [*delta.items(), *replaced.items()] if row == queue]
        sums[queue] = {name: n for name, n in total(cells).n.items() if n}
    return fold, sums


def test_every_outcome_of_an_inbound_call_is_booked_as_what_it_was(pbx: Pbx) -> None:
    pbx.stand_still()

    async def main() -> KeptLink:
        link = KeptLink()
        async with session(pbx, link) as (floor, _):
            await floor.look()
            talked = pbx.enter(ago_s=100)
            pbx.answer(talked, ago_s=70)
            await floor.look()
            pbx.end(talked, "CALLER", "SALE", ago_s=10)
            passed_on = pbx.enter(ago_s=50)
            pbx.answer(passed_on, ago_s=50)
            pbx.end(passed_on, "AGENT", "XFER")
            for reason, status in (
                ("ABANDON", "DROP"), ("QUEUETIMEOUT", "TIMEOT"), ("NOAGENT", "NANQUE"), ("HOLDTIME", "HOLDRC"),
                ("AFTERHOURS", "AFTHRS"), ("CALLER", "QUEUE"),
            ):  # fmt: skip
                pbx.end(pbx.enter("support", ago_s=30), reason, status, ago_s=5)
            pbx.enter("support")
            await floor.look()
        return link

    fold, sums = folded(asyncio.run(main()))
    assert sums["sales"] == {
        "offered": 2, "answered": 2, "answered_wait_ms": 30_000, "handled": 2, "talk_ms": 60_000 + 50_000, "transferred": 1,
    }  # fmt: skip
    assert sums["support"] == {
        "offered": 7, "abandoned": 2, "left_timeout": 1, "left_empty": 1, "left_key": 1, "left_other": 1,
    }  # fmt: skip
    assert len(fold.waiting["support"]) == 1


def test_calls_that_came_while_nobody_watched_are_told_from_the_log_with_their_own_times(pbx: Pbx) -> None:
    pbx.stand_still()

    async def main() -> KeptLink:
        link = KeptLink()
        async with session(pbx, link) as (floor, _):
            waited = pbx.enter(ago_s=5)
            await floor.look()
        pbx.end(waited, "ABANDON", "DROP")
        missed = pbx.enter(ago_s=600)
        pbx.answer(missed, ago_s=580)
        pbx.end(missed, "AGENT", "NI", ago_s=500)
        async with session(pbx, link) as (floor, _):
            await floor.look()
        return link

    fold, sums = folded(asyncio.run(main()))
    assert sums["sales"] == {
        "offered": 2, "answered": 1, "answered_wait_ms": 20_000, "handled": 1, "talk_ms": 80_000, "abandoned": 1,
    }  # fmt: skip
    assert not fold.waiting["sales"]


def test_a_place_that_was_forgotten_is_found_again_and_nothing_counts_twice(pbx: Pbx) -> None:
    async def main() -> KeptLink:
        link = KeptLink()
        row = pbx.enter(ago_s=60)
        pbx.answer(row, ago_s=50)
        async with session(pbx, link) as (floor, _):
            await floor.look()
        await link.remember(LOG, b"no json")
        pbx.end(row, "AGENT", "SALE")
        async with session(pbx, link) as (floor, _):
            await floor.look()
            await floor.look()
        return link

    _, sums = folded(asyncio.run(main()))
    assert (sums["sales"]["offered"], sums["sales"]["answered"], sums["sales"]["handled"]) == (1, 1, 1)


def test_a_log_that_begins_anew_is_read_from_its_beginning(pbx: Pbx) -> None:
    async def main() -> KeptLink:
        link = KeptLink()
        await link.remember(LOG, json.dumps({"seen": 900_000, "skew_ms": 0, "open": {}}).encode())
        pbx.end(pbx.enter(ago_s=30), "ABANDON", "DROP")
        async with session(pbx, link) as (floor, _):
            await floor.look()
        assert "begins anew" in link.facts["warning"]
        return link

    _, sums = folded(asyncio.run(main()))
    assert sums["sales"] == {"offered": 1, "abandoned": 1}


def test_a_row_that_waits_for_ever_without_a_call_is_lost_sight_of_and_found_again(pbx: Pbx) -> None:
    async def main() -> tuple[KeptLink, KeptLink]:
        link = Later(ahead_ms=300_000)
        async with session(pbx, link) as (floor, _):
            row = pbx.enter()
            await floor.look()
            link.ahead_ms += 600_000  # past the time in which tables in memory may be empty
            pbx.database.run("DELETE FROM vicidial_auto_calls")
            await floor.look()
            link.ahead_ms += GONE_AFTER_MS + 1_000
            await floor.look()
            lost = KeptLink()
            lost.events = list(link.events)
            pbx.end(row, "ABANDON", "DROP")
            await floor.look()
        return lost, link

    lost, found = asyncio.run(main())
    fold, sums = folded(lost)
    assert sums["sales"] == {"offered": 1, "lost_sight": 1}
    assert not fold.waiting["sales"]
    assert folded(found)[1]["sales"] == {"offered": 1, "abandoned": 1}


def test_a_database_that_has_just_begun_sends_nobody_home_and_loses_nobody_who_waits(pbx: Pbx) -> None:
    async def main() -> KeptLink:
        link = KeptLink()
        pbx.agent("6001", "READY")
        async with session(pbx, link) as (floor, _):
            pbx.enter()
            await floor.look()
        await asyncio.to_thread(pbx.database.stop)
        await asyncio.to_thread(pbx.database.start)
        link.events.clear()
        async with session(pbx, link) as (floor, _):
            await floor.look()
            await floor.look()
        return link

    link = asyncio.run(main())
    snapshot = next(event for event in link.events if isinstance(event, Snapshot))
    assert [(person.agent, person.condition) for person in snapshot.agents] == [("6001", "unknown")]
    assert len(snapshot.waiting) == 1
    assert not any(isinstance(event, AgentChanged) for event in link.events)


def test_agents_are_shown_as_what_they_do_with_their_names_and_queues(pbx: Pbx) -> None:
    async def main() -> KeptLink:
        link = Later()
        pbx.agent("6001", "PAUSED", pause_code="LUNCH", ago_s=40, ingroups="sales support")
        pbx.agent("6002", "CLOSER", campaign_id="SURVEY")
        async with session(pbx, link) as (floor, _):
            await floor.look()
            link.ahead_ms += 600_000  # past the time in which tables in memory may be empty
            for _ in range(KEPT):
                await floor.look()  # the difference of the clocks is measured anew by then, and stays as it is
            link.events.clear()
            pbx.agent("6001", "PAUSED", lead_id=7)
            pbx.agent("6002", "INCALL", campaign_id="SURVEY", callerid="gone")
            await floor.look()
            pbx.database.run("DELETE FROM vicidial_live_agents WHERE user = '6002'")
            await floor.look()
        return link

    link = asyncio.run(main())
    told = [(event.agent, event.condition) for event in link.events if isinstance(event, AgentChanged)]
    assert told == [("6001", "wrap_up"), ("6002", "wrap_up"), ("6002", "logged_out")]


def test_a_first_snapshot_has_the_pause_and_since_when(pbx: Pbx) -> None:
    async def main() -> tuple[Snapshot, int]:
        link = KeptLink()
        pbx.agent("6001", "PAUSED", pause_code="LUNCH", ago_s=40, ingroups="sales support")
        async with session(pbx, link) as (floor, _):
            await floor.look()
        return next(event for event in link.events if isinstance(event, Snapshot)), link.now_ms()

    snapshot, now = asyncio.run(main())
    (person,) = snapshot.agents
    assert (person.name, person.condition, person.reason) == ("Li Wei 李伟", "paused", "LUNCH")
    assert person.queues == {"sales": None, "support": None, "TELESALE": None}
    assert person.since is not None and 38_000 <= now - person.since <= 60_000
    assert set(snapshot.queues) == {"sales", "support", "TELESALE", "SURVEY"}, "what is closed is not watched"


def test_outbound_calls_count_by_what_their_status_means_in_their_campaign(pbx: Pbx) -> None:
    async def main() -> KeptLink:
        link = KeptLink()
        pbx.dial("TELESALE", "SALE", times=2, ago_s=2_000)
        pbx.dial("TELESALE", "APPT")
        pbx.dial("TELESALE", "NI", times=3)
        pbx.dial("TELESALE", "NA", times=4)
        pbx.dial("TELESALE", "DROP")
        pbx.dial("TELESALE", "INCALL")
        pbx.dial("SURVEY", "SALE")
        async with session(pbx, link) as (_, dialler):
            await dialler.look()
            await dialler.look()
            pbx.database.run("UPDATE vicidial_log SET status = 'SALE' WHERE status = 'INCALL'")
            await dialler.look()
        return link

    link = asyncio.run(main())
    _, sums = folded(link)
    assert sums["TELESALE"] == {
        "dialled": 12, "connected": 7, "live_answered": 8, "succeeded": 4, "dialler_abandoned": 1,
    }  # fmt: skip
    assert sums["SURVEY"] == {"dialled": 1, "connected": 1, "live_answered": 1}, "there a sale is none"
    accounts = [event for event in link.events if isinstance(event, IntervalTotals)]
    assert len(accounts) == 4, "each quarter once, and again only when it changed"
    assert all(event.sole and event.start % 900_000 == 0 for event in accounts)


def test_answered_calls_of_a_campaign_without_an_agent_are_shown_as_waiting(pbx: Pbx) -> None:
    async def main() -> KeptLink:
        link = KeptLink()
        async with session(pbx, link, queues=["TELESALE"]) as (floor, _):
            pbx.database.run("INSERT INTO vicidial_auto_calls (campaign_id, status, call_type) VALUES ('TELESALE', 'LIVE', 'OUT'), ('TELESALE', 'RINGING', 'OUT'), ('SURVEY', 'LIVE', 'OUT')")  # fmt: skip
            await floor.look()
            await floor.look()
        return link

    link = asyncio.run(main())
    assert [(e.queue, e.waiting) for e in link.events if isinstance(e, QueueObserved)] == [("TELESALE", 1)]


def test_a_campaign_that_is_closed_is_not_shown_with_who_waited_in_it_last(pbx: Pbx) -> None:
    async def main() -> KeptLink:
        link = KeptLink()
        async with session(pbx, link, queues=["TELESALE"]) as (floor, _):
            pbx.database.run(
                "INSERT INTO vicidial_auto_calls (campaign_id, status, call_type) VALUES ('TELESALE', 'LIVE', 'OUT')"
            )
            await floor.look()
            pbx.database.run("UPDATE vicidial_campaigns SET active = 'N' WHERE campaign_id = 'TELESALE'")
            await floor.names()
            await floor.look()
        return link

    try:
        link = asyncio.run(main())
    finally:
        pbx.database.run("UPDATE vicidial_campaigns SET active = 'Y' WHERE campaign_id = 'TELESALE'")
    assert [event.waiting for event in link.events if isinstance(event, QueueObserved)] == [1, None]


def test_a_database_whose_clock_is_two_hours_off_tells_our_times_and_the_difference(pbx: Pbx) -> None:
    async def main() -> tuple[KeptLink, int]:
        link = Later(ahead_ms=7_200_000)
        pbx.enter(ago_s=30)
        async with session(pbx, link) as (floor, _):
            await floor.look()
        return link, link.now_ms()

    link, now = asyncio.run(main())
    assert abs(link.facts["clock_skew_ms"] + 7_200_000) < 3_000
    snapshot = next(event for event in link.events if isinstance(event, Snapshot))
    assert 27_000 <= now - snapshot.waiting[0].entered_at <= 60_000


def test_dates_in_another_zone_than_the_servers_are_read_in_theirs(pbx: Pbx) -> None:
    async def main() -> tuple[Snapshot, int]:
        link = KeptLink()
        pbx.agent("6001", "PAUSED", ago_s=8 * 3_600 - 40)  # written by a screen whose clock shows UTC
        pbx.database.run("UPDATE vicidial_live_agents SET last_state_change = UTC_TIMESTAMP() - INTERVAL 40 SECOND")
        async with session(pbx, link, time_zone="UTC") as (floor, _):
            await floor.look()
        return next(event for event in link.events if isinstance(event, Snapshot)), link.now_ms()

    snapshot, now = asyncio.run(main())
    assert snapshot.agents[0].since is not None and 38_000 <= now - snapshot.agents[0].since <= 60_000


def test_an_older_vicidial_without_pause_codes_is_read_all_the_same(pbx: Pbx) -> None:
    async def main() -> Snapshot:
        link = KeptLink()
        pbx.agent("6001", "PAUSED")
        async with session(pbx, link) as (floor, _):
            await floor.look()
        return next(event for event in link.events if isinstance(event, Snapshot))

    pbx.database.run("ALTER TABLE vicidial_live_agents DROP COLUMN pause_code")
    try:
        assert asyncio.run(main()).agents[0].condition == "paused"
    finally:
        pbx.database.run("ALTER TABLE vicidial_live_agents ADD COLUMN pause_code VARCHAR(6) DEFAULT ''")


def test_a_replica_that_is_away_is_stood_in_for_by_the_main_database(pbx: Pbx) -> None:
    async def main() -> KeptLink:
        settings = VicidialSettings(kind="vicidial", url=url_of(pbx), replica_url=url_of(pbx, free_port()))
        link = KeptLink()
        running = asyncio.create_task(VicidialCollector("hq", settings).run(link))
        await asyncio.wait_for(link.up.wait(), 20)
        running.cancel()
        await asyncio.wait([running])
        return link

    link = asyncio.run(main())
    assert "main database" in link.facts["warning"]
    assert PASSWORD not in link.facts["warning"]


def stop_replicating(pbx: Pbx) -> None:
    pbx.database.run("UPDATE vicidial_live_agents SET last_update_time = NOW() - INTERVAL 100 SECOND")


def test_a_replica_that_stands_still_is_left_and_stood_in_for_by_the_main_database(pbx: Pbx) -> None:
    settings = VicidialSettings(kind="vicidial", url=url_of(pbx), replica_url=url_of(pbx), poll_s=1)
    pbx.agent("6001", "READY")

    async def follows_then_stands() -> None:
        link = KeptLink()
        running = asyncio.create_task(VicidialCollector("hq", settings).run(link))
        await asyncio.wait_for(link.up.wait(), 20)
        assert "warning" not in link.facts
        stop_replicating(pbx)
        await asyncio.wait_for(running, 20)

    with pytest.raises(CollectorError, match=r"VICIdial's replica stands still for 1\d\d s") as caught:
        asyncio.run(follows_then_stands())
    assert not caught.value.permanent

    async def next_session() -> KeptLink:
        link = KeptLink()
        running = asyncio.create_task(VicidialCollector("hq", settings).run(link))
        await asyncio.wait_for(link.up.wait(), 20)
        running.cancel()
        await asyncio.wait([running])
        return link

    warning = asyncio.run(next_session()).facts["warning"]
    assert "asking the main database" in warning and "stands still" in warning


def test_a_missing_right_is_named_and_permanent(pbx: Pbx) -> None:
    pbx.database.run("CREATE USER IF NOT EXISTS half@'%' IDENTIFIED BY 'h'")
    pbx.database.run("GRANT SELECT ON asterisk.vicidial_live_agents TO half@'%'")
    url = f"mysql://half:h@127.0.0.1:{pbx.database.port}/asterisk"

    async def main() -> None:
        await VicidialCollector("hq", VicidialSettings(kind="vicidial", url=SecretStr(url))).run(KeptLink())

    with pytest.raises(CollectorError, match=r"vicidial_closer_log.*GRANT SELECT ON asterisk") as caught:
        asyncio.run(main())
    assert caught.value.permanent


@pytest.mark.parametrize("url", ["postgresql://u:canary@h/asterisk", "no url with a canary"])
def test_a_url_that_is_no_mysql_is_refused_by_the_settings_without_being_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        VicidialSettings.model_validate({"kind": "vicidial", "url": url})
    (fault,) = caught.value.errors(include_input=False)
    assert "mysql" in fault["msg"]
    assert "canary" not in fault["msg"]
