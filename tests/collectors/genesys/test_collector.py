"""The collector against a small Genesys Cloud with real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from collectors.collector import CollectorError
from collectors.events import AgentChanged, AgentQueues, IntervalTotals, QueueObserved, Snapshot
from collectors.genesys.channel import Patience
from collectors.genesys.collector import GenesysCollector, Pace
from collectors.genesys.settings import GenesysSettings
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.genesys.cloud import CLIENT, SECRET, GenesysCloud, Member, queue_id, settled
from tests.collectors.http_acd import Told

Story = Callable[[GenesysCloud, KeptLink], Awaitable[None]]


def settings(cloud: GenesysCloud, **more: Any) -> GenesysSettings:
    base = {"client_id": CLIENT, "client_secret": SECRET, "api_url": cloud.http.url, "login_url": cloud.http.url}
    return GenesysSettings.model_validate(base | {"poll_s": 1, "totals_s": 1} | more)


def play(story: Story, there: tuple[str, ...] = ("sales",), before: Callable[[GenesysCloud], None] | None = None, pace: Pace = Pace(), **more: Any) -> KeptLink:  # fmt: skip
    """Run a session until the story is told; raises what ended the session before."""
    link = KeptLink()

    async def main() -> None:
        cloud = GenesysCloud(link.now_ms, there)
        await cloud.start()
        if before is not None:
            before(cloud)
        session = asyncio.create_task(GenesysCollector("gc", settings(cloud, **more), pace=pace).run(link))
        telling = asyncio.create_task(_tell(story, cloud, link))
        try:
            await asyncio.wait([session, telling], timeout=30, return_when=asyncio.FIRST_COMPLETED)
            if session.done():
                raise _cause(session.exception())
            await telling
        finally:
            session.cancel()
            telling.cancel()
            await asyncio.gather(session, telling, return_exceptions=True)
            await cloud.stop()

    asyncio.run(main())
    return link


async def _tell(story: Story, cloud: GenesysCloud, link: KeptLink) -> None:
    await link.up.wait()
    await story(cloud, link)


def _cause(error: BaseException | None) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error or AssertionError("the session ended without a word")


async def nothing(cloud: GenesysCloud, link: KeptLink) -> None:
    """The whole of a story: the source came up."""


def of(link: KeptLink, kind: type[Any]) -> list[Any]:
    return [event for event in link.events if isinstance(event, kind)]


def asked(cloud: GenesysCloud, path: str) -> int:
    return sum(path in request.path for request in cloud.http.asked)


# ── signing in ────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_secret_is_permanent_and_names_the_rights_but_no_secret() -> None:
    def wrong(cloud: GenesysCloud) -> None:
        cloud.refuses = True

    with pytest.raises(CollectorError) as refused:
        play(nothing, before=wrong)
    assert refused.value.permanent
    assert "routing:queue:view" in str(refused.value) and "client_secret" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_right_that_is_missing_is_permanent_and_told_in_the_vendors_words() -> None:
    class Forbidding(GenesysCloud):
        def _observations(self, asked: Any) -> Told:
            words = "You are missing the following permission(s): analytics:queueObservation:view"
            return Told({"message": words, "code": "missing.permissions", "status": 403}, 403)

    link = KeptLink()

    async def main() -> None:
        cloud = Forbidding(link.now_ms)
        await cloud.start()
        try:
            await GenesysCollector("gc", settings(cloud)).run(link)
        finally:
            await cloud.stop()

    with pytest.raises(BaseExceptionGroup) as group:
        asyncio.run(main())
    error = _cause(group.value)
    assert isinstance(error, CollectorError) and error.permanent
    assert "missing the following permission(s): analytics:queueObservation:view" in str(error)


def test_a_token_is_renewed_before_it_ends() -> None:
    def brief(cloud: GenesysCloud) -> None:
        cloud.token_s = 0

    ahead = {"ms": 0}

    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        real = link.now_ms
        link.now_ms = lambda: real() + ahead["ms"]  # type: ignore[method-assign]
        assert cloud.tokens == 1
        ahead["ms"] = 49_000
        await settled(lambda: cloud.tokens == 2)
        seen = len(cloud.http.asked)
        await settled(lambda: len(cloud.http.asked) > seen + 6)

    play(story, before=brief, pace=Pace(token_s=0.1))


def test_a_renewal_that_fails_ends_nothing_while_the_token_is_good() -> None:
    ahead = {"ms": 0}

    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        real = link.now_ms
        link.now_ms = lambda: real() + ahead["ms"]  # type: ignore[method-assign]
        cloud.no_token = Told({"message": "busy"}, 502)
        ahead["ms"] = 70_000_000  # of 86,400,000
        await settled(lambda: "no new token yet" in link.facts.get("warning", ""))
        seen = asked(cloud, "observations/query")
        await settled(lambda: asked(cloud, "observations/query") > seen + 1)
        cloud.no_token = None
        await settled(lambda: cloud.tokens == 2 and link.facts["warning"] == "")

    play(story, pace=Pace(token_s=0.1))


# ── queues ────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_queues_that_are_named_are_watched_and_a_wrong_name_is_told() -> None:
    link = play(nothing, ("sales", "support"), queues=["support", "sails"])
    assert of(link, Snapshot)[0].queues == ["support"]
    assert "no queue is named sails" in link.facts["warning"]


def test_names_that_are_all_wrong_are_a_permanent_error_that_says_what_there_is() -> None:
    with pytest.raises(CollectorError, match="none of the queues sails; it shows sales") as refused:
        play(nothing, queues=["sails"])
    assert refused.value.permanent


def test_an_organisation_that_shows_no_queue_says_which_right_is_missing() -> None:
    with pytest.raises(CollectorError, match="routing:queue:view") as refused:
        play(nothing, ())
    assert refused.value.permanent


def test_two_hundred_queues_are_asked_in_batches() -> None:
    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        assert asked(cloud, "observations/query") == 2
        assert asked(cloud, "routing/activity") == 2
        sizes = [len(request.json["filter"]["predicates"]) for request in cloud.http.asked if "observations" in request.path]  # fmt: skip
        assert sizes == [100, 100]
        assert len(of(link, QueueObserved)) == 200

    play(story, tuple(f"queue {number:03}" for number in range(200)), notifications=False, totals_s=300, poll_s=60)


def test_a_queue_that_is_renamed_or_gone_is_told() -> None:
    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        cloud.names[queue_id("sales")] = "sales emea"
        del cloud.names[queue_id("support")]
        await settled(lambda: "sales is now sales emea" in link.facts.get("warning", ""))
        last = {event.queue: event.waiting for event in of(link, QueueObserved)}
        assert last["sales"] is None and last["support"] is None

    play(story, ("sales", "support"), pace=Pace(queues_s=0.3), notifications=False)


# ── what is told ──────────────────────────────────────────────────────────────────────────────────


def test_the_present_the_people_and_the_day_until_now_are_told_at_the_connect() -> None:
    def morning(cloud: GenesysCloud) -> None:
        now = cloud.clock()
        cloud.floor.waiting["sales"] = [now - 30_000]
        cloud.floor.members += [
            Member("u1", "Li Wei 李伟", {"sales": True}, since=now - 60_000),
            Member("u2", "Ana", {"sales": False}, "OFF_QUEUE", "BREAK", since=now - 60_000),
            Member("u3", "Gone", {"sales": True}, "OFF_QUEUE", "OFFLINE"),
        ]
        for hours in (3, 20, 30):
            cloud.book("sales", "nOffered", at=now - hours * 3_600_000)

    link = play(nothing, before=morning)
    look = of(link, QueueObserved)[0]
    assert look.waiting == 1 and 29_000 <= (look.longest_wait_ms or 0) <= 35_000
    snapshot = of(link, Snapshot)[0]
    assert [(one.name, one.condition, one.reason, one.queues) for one in snapshot.agents] == [
        ("Li Wei 李伟", "available", "", {"sales": None}),
        ("Ana", "paused", "Break", {"sales": ""}),
    ]
    assert snapshot.waiting == [], "nobody is told one by one, or they would count twice"
    counted = [event for event in of(link, IntervalTotals) if event.counters.get("offered")]
    assert len(counted) == 2, "what lies further back than a day is left alone"
    assert all(event.sole for event in of(link, IntervalTotals))


def test_what_did_not_change_is_not_told_again() -> None:
    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        seen, before = len(link.events), asked(cloud, "observations/query")
        await settled(lambda: asked(cloud, "observations/query") >= before + 3)
        quarters = {event.start for event in of(link, IntervalTotals)}
        assert len(link.events) - seen <= (len(quarters) > 93), "but for a quarter that began meanwhile"

    play(story, notifications=False)


def test_a_persons_change_is_told_with_its_own_time() -> None:
    def staff(cloud: GenesysCloud) -> None:
        cloud.floor.members.append(Member("u1", "Li Wei", {"sales": True}, since=cloud.clock() - 60_000))

    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        now = cloud.clock()
        cloud.floor.members[0].status, cloud.floor.members[0].since = "INTERACTING", now
        await settled(lambda: of(link, AgentChanged))
        assert of(link, AgentChanged) == [AgentChanged(now, "u1", "on_contact", name="Li Wei")]

    play(story, before=staff)


def test_nobody_signs_out_because_a_list_was_cut() -> None:
    def staff(cloud: GenesysCloud) -> None:
        cloud.floor.members += [Member(f"u{n}", f"Agent {n}", {"sales": True}, since=cloud.clock()) for n in range(3)]

    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        cloud.most_entities = 2
        await settled(lambda: "does not list everybody of sales" in link.facts.get("warning", ""))
        before = asked(cloud, "routing/activity")
        await settled(lambda: asked(cloud, "routing/activity") > before + 1)
        assert of(link, AgentQueues) + of(link, AgentChanged) == []
        cloud.floor.members[0].status, cloud.floor.members[0].presence = "OFF_QUEUE", "OFFLINE"
        await settled(lambda: of(link, AgentChanged))
        cloud.floor.members.pop()
        cloud.most_entities = 1_000
        await settled(lambda: len(of(link, AgentChanged)) == 2)
        signed_out = [(event.agent, event.condition) for event in of(link, AgentChanged)]
        assert signed_out == [("u0", "logged_out"), ("u2", "logged_out")], (
            "the list names the one, and the other no more"
        )

    play(story, before=staff, notifications=False)


def test_a_whole_state_covers_no_queue_whose_list_was_cut() -> None:
    def staff(cloud: GenesysCloud) -> None:
        cloud.floor.members += [Member(f"u{n}", f"Agent {n}", {"sales": True}) for n in range(3)]
        cloud.most_entities = 2

    link = play(nothing, ("sales", "support"), before=staff, notifications=False)
    assert of(link, Snapshot)[0].queues == ["support"]


# ── limits ────────────────────────────────────────────────────────────────────────────────────────


def test_the_limit_on_requests_is_a_pause_of_that_question_and_no_outage() -> None:
    class Limiting(GenesysCloud):
        left = 2

        def _aggregates(self, asked: Any) -> Told:
            self.left -= 1
            if self.left == 0:
                return Told({"message": "Rate limit exceeded", "status": 429}, 429, {"Retry-After": "2"})
            return super()._aggregates(asked)

    link = KeptLink()

    async def main() -> None:
        cloud = Limiting(link.now_ms)
        await cloud.start()
        session = asyncio.create_task(GenesysCollector("gc", settings(cloud)).run(link))
        try:
            await settled(lambda: link.facts.get("limited") == "totals")
            assert link.facts["limited_until"] > link.now_ms()
            await settled(lambda: link.up.is_set() and link.facts["limited"] is None)
            assert not session.done()
        finally:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
            await cloud.stop()

    asyncio.run(main())


# ── notifications ─────────────────────────────────────────────────────────────────────────────────


def subscribed(cloud: GenesysCloud) -> bool:
    return bool(cloud.sockets) and all(cloud.channels.values())


def test_a_notification_shows_before_anything_is_asked_again() -> None:
    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        await settled(lambda: subscribed(cloud))
        assert list(cloud.channels.values()) == [[f"v2.analytics.queues.{queue_id('sales')}.observations"]]
        before = asked(cloud, "observations/query")
        cloud.floor.waiting["sales"] = [cloud.clock()]
        await cloud.push("sales")
        await settled(lambda: of(link, QueueObserved)[-1].waiting == 1)
        assert asked(cloud, "observations/query") == before
        await settled(lambda: asked(cloud, "observations/query") > before)

    play(story, poll_s=300, totals_s=300)


def test_more_than_a_thousand_topics_take_a_further_channel() -> None:
    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        await settled(lambda: len(cloud.sockets) == 2 and subscribed(cloud))
        assert sorted(map(len, cloud.channels.values())) == [1, 1_000]

    play(
        story,
        tuple(f"queue {number:04}" for number in range(1_001)),
        pace=Pace(requests_s=1_000),
        poll_s=60,
        totals_s=300,
    )


@pytest.mark.parametrize("end", ["closing", "broken", "expiring"])
def test_a_channel_that_ends_is_replaced(end: str) -> None:
    def short(cloud: GenesysCloud) -> None:
        if end == "expiring":
            cloud.channel_lives_ms = 3_600_000 + 1_000

    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        await settled(lambda: subscribed(cloud))
        if end == "closing":
            await cloud.say({"topicName": "v2.system.socket_closing", "eventBody": {"message": "restart"}})
        elif end == "broken":
            cloud.sockets[0].transport.abort()
        await settled(lambda: len(cloud.channels) >= 2 and subscribed(cloud))
        cloud.channel_lives_ms = 86_400_000
        cloud.floor.waiting["sales"] = [cloud.clock()]
        await settled(lambda: len(cloud.sockets) == 1)
        await cloud.push("sales")
        await settled(lambda: of(link, QueueObserved)[-1].waiting == 1)

    play(story, before=short)


def test_a_channel_that_is_mute_is_asked_and_then_given_up() -> None:
    async def story(cloud: GenesysCloud, link: KeptLink) -> None:
        await settled(lambda: cloud.said)
        assert json.loads(cloud.said[0]) == {"message": "ping"}
        cloud.answers_pings = False
        await settled(lambda: len(cloud.channels) >= 2)

    play(story, pace=Pace(channels_s=0.1, patience=Patience(0.2, 0.6)))


def test_without_a_web_socket_everything_is_still_asked_for() -> None:
    class Deaf(GenesysCloud):
        def _channel(self, asked: Any) -> Told:
            return Told({"id": "c", "connectUri": "ws://127.0.0.1:9/closed"})

    link = KeptLink()

    async def main() -> None:
        cloud = Deaf(link.now_ms)
        await cloud.start()
        session = asyncio.create_task(GenesysCollector("gc", settings(cloud)).run(link))
        try:
            await settled(link.up.is_set)
            assert "no notifications" in link.facts["warning"]
            cloud.floor.waiting["sales"] = [cloud.clock()]
            await settled(lambda: of(link, QueueObserved)[-1].waiting == 1)
            assert not session.done()
        finally:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
            await cloud.stop()

    asyncio.run(main())


def test_a_notification_address_in_the_clear_is_not_connected_to() -> None:
    class Leaking(GenesysCloud):
        def _channel(self, asked: Any) -> Told:
            return Told({"id": "c", "connectUri": "ws://streaming.example.com/channels/c"})

    link = KeptLink()

    async def main() -> None:
        cloud = Leaking(link.now_ms)
        await cloud.start()
        session = asyncio.create_task(GenesysCollector("gc", settings(cloud)).run(link))
        try:
            await settled(link.up.is_set)
            assert "must begin with wss://" in link.facts["warning"]
        finally:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
            await cloud.stop()

    asyncio.run(main())


# ── settings ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_url": "http://api.mypurecloud.com"},
        {"region": "https://mypurecloud.com"},
        {"service_level_s": [20, 20]},
        {"service_level_s": [1, 2, 3, 4, 5]},
        {"media": []},
        {"poll_s": 0.1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GenesysSettings.model_validate({"client_id": "a", "client_secret": "b"} | wrong)
