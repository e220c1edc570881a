"""What Amazon Connect is asked, in which portions, and what becomes of the answers; each answer is held to botocore's model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from pydantic import SecretStr

from collectors.amazon_connect.collector import SETTLE_MS, AmazonConnectCollector, Instance
from collectors.amazon_connect.connection import Connection, make_client
from collectors.amazon_connect.settings import AmazonConnectSettings
from collectors.amazon_connect.translate import CURRENT, metrics
from collectors.collector import CollectorError
from collectors.events import AgentChanged, AgentQueues, IntervalTotals, QueueObserved, SeenAgent, Snapshot
from collectors.polled.quarters import KEY, QUARTER_MS
from tests.collectors.amazon_connect.rig import ARN, INSTANCE, AmazonConnectRig
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.contract.rig import AGENT, QUEUE, START_MS, Clock

NOON = 1_795_348_800_000
"""2026-11-22T12:00:00Z."""
NOW = NOON + 5 * 60_000
WHO = {"InstanceId": INSTANCE}


class SteadyLink(KeptLink):
    """A link whose clock stands until a test moves it."""

    now = NOW

    def now_ms(self) -> int:
        return self.now


def arn(account: int) -> str:
    """Another account for each test, so that none waits for what another was allowed."""
    return ARN.replace("123456789012", f"{account:012}")


class Told:
    """An instance before a stubbed client: what is prepared is all that may be asked, in this order."""

    def __init__(self, account: int, **more: Any) -> None:
        given = {"instance_arn": arn(account), "access_key_id": "AKID", "secret_access_key": SecretStr("a-canary")}
        self.settings = AmazonConnectSettings(**given | more)
        self.link = SteadyLink()
        self.connection = Connection(self.link, self.settings)
        self.connection.client = make_client(self.settings)
        self.stub = Stubber(self.connection.client)
        self.instance = Instance(self.link, self.settings, self.connection)

    def catalogue(self, queues: dict[str, str]) -> None:
        add = self.stub.add_response
        told = [{"Id": key, "Name": name, "QueueType": "STANDARD"} for key, name in queues.items()]
        add("list_queues", {"QueueSummaryList": told}, WHO | {"QueueTypes": ["STANDARD"], "MaxResults": 1000})
        add("list_routing_profiles", {"RoutingProfileSummaryList": [{"Id": "p-1"}]}, WHO | {"MaxResults": 1000})
        add(
            "list_agent_statuses",
            {"AgentStatusSummaryList": [{"Arn": "arn:available", "Type": "ROUTABLE"}]},
            WHO | {"MaxResults": 1000},
        )
        add(
            "search_users",
            {"Users": [{"Id": "u-1", "IdentityInfo": {"FirstName": "伟", "LastName": "李"}}]},
            WHO | {"MaxResults": 500},
        )

    def current(self, ids: list[str], counts: dict[str, tuple[float, float]]) -> None:
        told = [
            {
                "Dimensions": {"Queue": {"Id": key}},
                "Collections": [
                    {"Metric": {"Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT"}, "Value": count},
                    {"Metric": {"Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS"}, "Value": age},
                ],
            }
            for key, (count, age) in counts.items()
        ]
        asked = {"Filters": {"Queues": ids}, "Groupings": ["QUEUE"], "CurrentMetrics": CURRENT, "MaxResults": 100}
        self.stub.add_response("get_current_metric_data", {"MetricResults": told}, WHO | asked)

    def users(self, *told: dict[str, Any]) -> None:
        asked = {"Filters": {"RoutingProfiles": ["p-1"]}, "MaxResults": 100}
        self.stub.add_response("get_current_user_data", {"UserDataList": list(told)}, WHO | asked)

    def served(self, *queues: str) -> None:
        told = [
            {"QueueId": key, "QueueArn": key, "QueueName": key, "Priority": 1, "Delay": 0, "Channel": "VOICE"}
            for key in queues
        ]
        self.stub.add_response(
            "list_routing_profile_queues",
            {"RoutingProfileQueueConfigSummaryList": told},
            WHO | {"RoutingProfileId": "p-1", "MaxResults": 100},
        )

    def quarters(self, ids: Any, first: int, until: int, counts: dict[int, float], **paging: str) -> None:
        """``counts``: contacts that entered the first queue, by quarter."""
        told = [
            {
                "Dimensions": {"QUEUE": ids[0]},
                "MetricInterval": {"StartTime": moment(start), "EndTime": moment(start + QUARTER_MS)},
                "Collections": [{"Metric": {"Name": "CONTACTS_QUEUED_BY_ENQUEUE"}, "Value": count}],
            }
            for start, count in counts.items()
        ]
        asked = {
            "ResourceArn": self.settings.instance_arn,
            "StartTime": moment(first),
            "EndTime": moment(until - 3_000),
            "Interval": {"TimeZone": "UTC", "IntervalPeriod": "FIFTEEN_MIN"},
            "Filters": [{"FilterKey": "QUEUE", "FilterValues": ids}],
            "Groupings": ["QUEUE"],
            "Metrics": metrics([20], at_once=False),
            "MaxResults": 100,
        }
        token = {"NextToken": paging["token"]} if "token" in paging else {}
        more = {"NextToken": paging["more"]} if "more" in paging else {}
        self.stub.add_response("get_metric_data_v2", {"MetricResults": told} | more, asked | token)

    def run(self, story: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            try:
                with self.stub:
                    await story()
                    self.stub.assert_no_pending_responses()
            finally:
                await self.connection.__aexit__()

        asyncio.run(main())


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def test_two_hundred_and_one_queues_are_three_calls_of_at_most_a_hundred() -> None:
    told = Told(1)
    queues = {f"q-{n:03}": f"queue {n}" for n in range(201)}
    ids = sorted(queues)

    async def story() -> None:
        told.catalogue(queues)
        await told.instance.catalogue()
        for start in (0, 100, 200):
            told.current(ids[start : start + 100], {ids[start]: (2.0, 30.0)})
        await told.instance.present()

    told.run(story)
    assert len(told.link.events) == 201, "a queue that the answer leaves out has nobody waiting"
    assert told.link.events[:2] == [
        QueueObserved(NOW, "queue 0", 2, 30_000),
        QueueObserved(NOW, "queue 1", 0),
    ]


def test_a_queue_that_shows_the_same_is_told_again_only_every_half_minute() -> None:
    told = Told(2)

    async def look(after_ms: int, count: float, age: float) -> list[Any]:
        told.link.now = NOW + after_ms
        told.current(["q-1"], {"q-1": (count, age)})
        before = len(told.link.events)
        await told.instance.present()
        return told.link.events[before:]

    async def story() -> None:
        told.catalogue({"q-1": "sales"})
        await told.instance.catalogue()
        assert len(await look(0, 2.0, 30.0)) == 1
        assert await look(5_000, 2.0, 35.0) == []
        assert await look(10_000, 2.0, 5.0) == [QueueObserved(NOW + 10_000, "sales", 2, 5_000)], (
            "another one is the oldest"
        )
        assert await look(15_000, 3.0, 10.0) == [QueueObserved(NOW + 15_000, "sales", 3, 10_000)]
        assert await look(20_000, 0.0, 0.0) == [QueueObserved(NOW + 20_000, "sales", 0)]
        assert await look(49_000, 0.0, 0.0) == []
        assert len(await look(50_000, 0.0, 0.0)) == 1

    told.run(story)


def test_what_amazon_does_not_tell_for_some_time_is_not_known_until_it_does_again() -> None:
    told = Told(11)

    async def story() -> None:
        told.catalogue({"q-1": "sales"})
        await told.instance.catalogue()
        told.current(["q-1"], {"q-1": (2.0, 30.0)})
        await told.instance.present()
        told.users(user())
        told.served("q-1")
        await told.instance.people()
        told.link.events.clear()
        told.link.now += 15_000
        await told.instance.present_unknown()
        await told.instance.people_unknown()
        told.link.now += 5_000
        told.current(["q-1"], {"q-1": (2.0, 50.0)})
        await told.instance.present()
        told.users(user())
        await told.instance.people()

    told.run(story)
    assert told.link.events == [
        QueueObserved(NOW + 15_000, "sales"),
        AgentChanged(NOW + 15_000, "u-1", "unknown", name="伟 李"),
        QueueObserved(NOW + 20_000, "sales", 2, 50_000),
        AgentChanged(NOW + 15_000, "u-1", "available", name="伟 李"),
    ]


def test_only_the_queues_that_are_asked_for_are_watched_and_a_wrong_name_is_said() -> None:
    told = Told(3, queues=["sales"])

    async def story() -> None:
        told.catalogue({"q-1": "sales", "q-2": "billing"})
        await told.instance.catalogue()
        told.current(["q-1"], {})
        await told.instance.present()

    told.run(story)
    assert [event.queue for event in told.link.events] == ["sales"]

    wrong = Told(4, queues=["sales", "slaes"])

    async def misspelt() -> None:
        wrong.catalogue({"q-1": "sales"})
        await wrong.instance.catalogue()
        assert wrong.link.facts["warning"] == "no queue is named slaes"
        wrong.stub.add_response("list_queues", {"QueueSummaryList": [{"Id": "q-2", "Name": "billing"}]})
        with pytest.raises(CollectorError, match="none of the queues sales, slaes; it shows billing") as raised:
            await wrong.instance.catalogue()
        assert raised.value.permanent

    wrong.run(misspelt)


def test_a_queue_that_was_deleted_is_no_number_any_more() -> None:
    told = Told(5)

    async def story() -> None:
        told.catalogue({"q-1": "sales", "q-2": "billing"})
        await told.instance.catalogue()
        told.current(["q-1", "q-2"], {"q-2": (2.0, 30.0)})
        await told.instance.present()
        told.catalogue({"q-1": "sales"})
        await told.instance.catalogue()

    told.run(story)
    assert told.link.events[2:] == [QueueObserved(NOW, "billing")]


def test_a_queue_that_is_renamed_takes_no_other_down_and_is_warned_of() -> None:
    told = Told(12, queues=["sales", "billing"])

    async def story() -> None:
        told.catalogue({"q-1": "sales", "q-2": "billing"})
        await told.instance.catalogue()
        told.current(["q-1", "q-2"], {"q-2": (2.0, 30.0)})
        await told.instance.present()
        told.catalogue({"q-1": "sales", "q-2": "billing emea"})
        await told.instance.catalogue()

    told.run(story)
    assert told.link.events[2:] == [QueueObserved(NOW, "billing")]
    assert "no queue is named billing" in told.link.facts["warning"]
    assert "billing is now billing emea" in told.link.facts["warning"]


def user(state: str = "", at: int = NOW) -> dict[str, Any]:
    contacts = [{"ContactId": "c-1", "AgentContactState": state, "StateStartTimestamp": moment(at)}] if state else []
    return {
        "User": {"Id": "u-1"},
        "RoutingProfile": {"Id": "p-1"},
        "Status": {"StatusArn": "arn:available", "StatusName": "Available", "StatusStartTimestamp": moment(NOON)},
        "Contacts": contacts,
    }


def test_people_are_told_whole_first_and_then_by_what_changed() -> None:
    told = Told(6)

    async def story() -> None:
        told.catalogue({"q-1": "sales", "q-2": "billing"})
        await told.instance.catalogue()
        told.users(user())
        told.served("q-1", "q-9")
        await told.instance.people()
        told.link.now += 5_000
        told.users(user("CONNECTED", NOW + 2_000))
        await told.instance.people()
        told.link.now += 5_000
        told.users(user())
        await told.instance.people()
        told.link.now += 5_000
        told.users()
        await told.instance.people()

    told.run(story)
    assert told.link.events == [
        Snapshot(
            NOW, NOW, ["billing", "sales"], [], [SeenAgent("u-1", "available", {"sales": None}, "伟 李", "", NOON)]
        ),
        AgentChanged(NOW + 2_000, "u-1", "on_contact", name="伟 李"),
        AgentChanged(NOW + 10_000, "u-1", "available", name="伟 李"),
        AgentQueues(NOW + 15_000, "u-1", {}, "伟 李"),
        AgentChanged(NOW + 15_000, "u-1", "logged_out", name="伟 李"),
    ]


def test_somebody_hired_today_is_looked_up_once() -> None:
    told = Told(7)
    new = user() | {"User": {"Id": "u-2"}}

    async def story() -> None:
        told.catalogue({"q-1": "sales"})
        await told.instance.catalogue()
        told.users(new)
        told.served("q-1")
        told.stub.add_response("search_users", {"Users": [{"Id": "u-2", "Username": "wang"}]}, ANY_SEARCH)
        await told.instance.people()
        told.users(new)
        await told.instance.people()

    told.run(story)
    (snapshot,) = told.link.events
    assert isinstance(snapshot, Snapshot) and snapshot.agents[0].name == "wang"


ANY_SEARCH = {"InstanceId": INSTANCE, "MaxResults": ANY}


def test_the_quarters_that_may_still_change_are_asked_about_after_the_present_and_page_by_page() -> None:
    told = Told(8)
    day = [NOON - n * QUARTER_MS for n in range(92, -1, -1)]

    async def story() -> None:
        told.catalogue({"q-1": "sales"})
        await told.instance.catalogue()
        told.quarters(["q-1"], NOON - QUARTER_MS, NOW, {NOON - QUARTER_MS: 7.0, NOON: 2.0})
        await told.instance.accounts()
        told.link.now += 15_000
        told.quarters(["q-1"], day[0], NOW + 15_000, {day[0]: 3.0}, more="page-2")
        told.quarters(["q-1"], day[0], NOW + 15_000, {NOON - QUARTER_MS: 8.0, NOON: 2.0}, token="page-2")
        await told.instance.accounts()
        told.link.now += 15_000
        told.quarters(["q-1"], NOON - QUARTER_MS, NOW + 30_000, {NOON - QUARTER_MS: 8.0})
        await told.instance.accounts()

    told.run(story)
    assert told.link.events == [
        IntervalTotals(NOON, "sales", NOON - QUARTER_MS, {"offered": 7}, sole=True),
        IntervalTotals(NOW, "sales", NOON, {"offered": 2}, sole=True),
        IntervalTotals(day[0] + QUARTER_MS, "sales", day[0], {"offered": 3}, sole=True),
        IntervalTotals(NOON, "sales", NOON - QUARTER_MS, {"offered": 8}, sole=True),
        IntervalTotals(NOW + 30_000, "sales", NOON, {"offered": 0}, sole=True),
    ]
    kept = asyncio.run(told.link.recall(KEY))
    assert kept is not None
    assert int(kept) == (NOW + 15_000 - SETTLE_MS) // QUARTER_MS * QUARTER_MS


def test_a_quarter_that_began_this_second_is_not_asked_about_before_it_has_a_length() -> None:
    told = Told(9)
    told.link.now = NOON + 3_400

    async def story() -> None:
        told.catalogue({"q-1": "sales"})
        await told.instance.catalogue()
        told.quarters(["q-1"], NOON - QUARTER_MS, NOON + 3_000, {})
        await told.instance.accounts()

    told.run(story)


# ── the whole, over a socket ──────────────────────────────────────────────────────────────────────


class ClockLink(KeptLink):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def now_ms(self) -> int:
        return self._clock()


def test_counted_when_it_is_over_a_contact_is_answered_in_time_and_its_wait_is_told() -> None:
    async def main() -> None:
        clock = Clock()
        rig, link = AmazonConnectRig(clock), ClockLink(clock)
        await rig.start()
        own = rig.settings.model_copy(update={"answered": "when_over", "service_level_s": [20, 60]})
        await rig.offer()
        await rig.answer()
        await rig.finish()
        contact = rig.contacts["contact-1"]
        contact.connected_at, contact.over_at = contact.queued_at + 30_000, contact.queued_at + 90_000
        session = asyncio.create_task(AmazonConnectCollector("hq", own).run(link))
        await asyncio.wait_for(link.up.wait(), 20)
        session.cancel()
        await asyncio.wait([session])
        await rig.stop()
        (account,) = [event for event in link.events if isinstance(event, IntervalTotals)]
        assert account.start == START_MS - START_MS % QUARTER_MS
        assert account.counters == {
            "offered": 1, "answered": 1, "handled": 1, "abandoned": 0, "talk_ms": 60_000, "answered_wait_ms": 30_000,
            "answered_within_20s": 0, "answered_beyond_20s": 1, "answered_within_60s": 1, "answered_beyond_60s": 0,
            "abandoned_within_20s": 0, "abandoned_beyond_20s": 0, "abandoned_within_60s": 0, "abandoned_beyond_60s": 0,
            "left_other": 0, "held": 0, "transferred": 0, "rang_no_answer": 0, "hold_ms": 0, "wrap_ms": 0,
        }  # fmt: skip
        (person,) = next(event for event in link.events if isinstance(event, Snapshot)).agents
        assert (person.name, person.queues) == (AGENT, {QUEUE: None})
        assert link.detail == "Amazon Connect, eu-central-1"

    asyncio.run(main())


def test_while_the_accounts_are_throttled_who_waits_is_told_all_the_same_and_the_source_stays_up() -> None:
    async def main() -> None:
        clock = Clock()
        rig, link = AmazonConnectRig(clock), ClockLink(clock)
        await rig.start()
        session = asyncio.create_task(AmazonConnectCollector("hq", rig.settings).run(link))
        await asyncio.wait_for(link.up.wait(), 20)
        rig.limited = "metrics/data"
        while link.facts.get("limited") != "accounts":
            await asyncio.sleep(0.05)
        assert link.facts["limited_until"] > clock()
        await rig.offer()
        while not any(isinstance(event, QueueObserved) and event.waiting for event in link.events):
            assert not session.done()
            await asyncio.sleep(0.05)
        rig.limited = ""
        while not any(isinstance(event, IntervalTotals) and event.counters["offered"] for event in link.events):
            assert not session.done()
            await asyncio.sleep(0.05)
        assert link.facts["limited"] is None
        session.cancel()
        await asyncio.wait([session])
        await rig.stop()

    asyncio.run(asyncio.wait_for(main(), 60))


def test_counted_at_the_connection_the_source_says_that_it_gives_no_waits() -> None:
    told = Told(10, answered="when_connected")

    async def story() -> None:
        await told.instance.recall()

    told.run(story)
    assert not {"waits", "in_time"} & set(told.link.facts["gives"]) and "contacts" in told.link.facts["gives"]
