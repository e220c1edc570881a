"""The collector against a small TaskRouter with real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from collectors import door
from collectors.collector import CollectorError
from collectors.events import AgentChanged, AgentQueues, IntervalTotals, QueueObserved, Snapshot
from collectors.polled.answers import iso
from collectors.polled.quarters import KEY, QUARTER_MS
from collectors.twilio.collector import SETTLE_MS, Pace, TwilioCollector
from collectors.twilio.settings import TwilioSettings
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.genesys.cloud import settled
from tests.collectors.http_acd import Told
from tests.collectors.twilio.taskrouter import ACCOUNT, TOKEN, WORKSPACE, Task, TaskRouter, Worker

Story = Callable[[TaskRouter, KeptLink], Awaitable[None]]
BUSY = Pace(requests_s=1_000)
HOUR = 3_600_000


def settings(router: TaskRouter, **more: Any) -> TwilioSettings:
    base = {"account_sid": ACCOUNT, "workspace_sid": WORKSPACE, "auth_token": TOKEN, "api_url": router.http.url}
    return TwilioSettings.model_validate(base | {"poll_s": 1, "totals_s": 1} | more)


async def nothing(router: TaskRouter, link: KeptLink) -> None:
    """The whole of a story: the source came up."""


def play(
    story: Story,
    there: tuple[str, ...] = ("sales",),
    *,
    before: Callable[[TaskRouter], None] = lambda router: None,
    pace: Pace = BUSY,
    wait_for_up: bool = True,
    link: KeptLink | None = None,
    **more: Any,
) -> KeptLink:
    """Run a session until the story is told; raises what ended the session before."""
    link = link or KeptLink()

    async def tell(router: TaskRouter) -> None:
        if wait_for_up:
            await link.up.wait()
        await story(router, link)

    async def main() -> None:
        router = TaskRouter(link.now_ms, there)
        await router.http.start()
        before(router)
        session = asyncio.create_task(TwilioCollector("flex", settings(router, **more), pace=pace).run(link))
        telling = asyncio.create_task(tell(router))
        try:
            await asyncio.wait([session, telling], timeout=60, return_when=asyncio.FIRST_COMPLETED)
            if session.done():
                await session
            await telling
        finally:
            session.cancel()
            telling.cancel()
            await asyncio.gather(session, telling, return_exceptions=True)
            await router.http.stop()

    asyncio.run(main())
    return link


def of(link: KeptLink, kind: type[Any]) -> list[Any]:
    return [event for event in link.events if isinstance(event, kind)]


def asked(router: TaskRouter, end: str) -> int:
    return sum(request.path.endswith(end) for request in router.http.asked)


# ── credentials and queues ────────────────────────────────────────────────────────────────────────


def test_refused_credentials_are_permanent_and_told_without_the_token() -> None:
    def wrong(router: TaskRouter) -> None:
        router.login = (ACCOUNT, "another")

    with pytest.raises(CollectorError, match="account_sid, workspace_sid and auth_token") as refused:
        play(nothing, before=wrong)
    assert refused.value.permanent and TOKEN not in str(refused.value)


def test_an_api_key_signs_in_in_place_of_the_token() -> None:
    key = "SK" + "c" * 32

    def keyed(router: TaskRouter) -> None:
        router.login = (key, "key-secret")

    play(nothing, before=keyed, auth_token=None, api_key_sid=key, api_key_secret="key-secret")


def test_a_workspace_that_is_not_there_says_what_to_check() -> None:
    with pytest.raises(CollectorError, match="check workspace_sid"):
        play(nothing, workspace_sid="WS" + "0" * 32)


def test_only_the_queues_that_are_named_are_watched_and_a_wrong_name_is_told() -> None:
    link = play(nothing, ("sales", "support"), queues=["support", "sails"])
    assert of(link, Snapshot)[0].queues == ["support"]
    assert {event.queue for event in of(link, QueueObserved)} == {"support"}
    assert "no task queue is named sails" in link.facts["warning"]


@pytest.mark.parametrize(("there", "wanted"), [((), None), (("sales",), ["sails"])])
def test_no_queue_to_watch_is_a_permanent_error(there: tuple[str, ...], wanted: list[str] | None) -> None:
    with pytest.raises(CollectorError) as refused:
        play(nothing, there, queues=wanted)
    assert refused.value.permanent


def test_lists_of_several_pages_are_read_to_their_end_on_the_configured_host() -> None:
    def paged(router: TaskRouter) -> None:
        router.page_size = 3
        router.workers = [Worker(f"worker {number}", ["queue 0"]) for number in range(7)]

    link = play(nothing, tuple(f"queue {number}" for number in range(10)), before=paged)
    assert len(of(link, Snapshot)[0].queues) == 10
    assert len(of(link, Snapshot)[0].agents) == 7


def test_two_hundred_queues_are_asked_fifty_at_a_time_and_their_workers_by_turns() -> None:
    async def story(router: TaskRouter, link: KeptLink) -> None:
        sizes = [len(request.json["queueSids"]) for request in router.http.asked if request.path.endswith("/RealTimeStatistics")]  # fmt: skip
        assert sizes[:4] == [50, 50, 50, 50]
        assert sum("TaskQueueSid" in request.query for request in router.http.asked) < 40
        await settled(lambda: len({request.query.get("TaskQueueSid") for request in router.http.asked}) == 201, 60)

    there = tuple(f"queue {number:03}" for number in range(200))
    link = play(story, there, pace=Pace(requests_s=1_000, members_s=0.05))
    assert len({event.queue for event in of(link, QueueObserved)}) == 200


def test_a_queue_that_is_renamed_or_gone_is_told() -> None:
    async def story(router: TaskRouter, link: KeptLink) -> None:
        sales, support = router.queues
        router.queues[sales] = "sales emea"
        router.http.asked.clear()
        del router.queues[support]
        await settled(lambda: "sales is now sales emea" in link.facts.get("warning", ""))
        await settled(lambda: [event for event in of(link, QueueObserved) if event.queue == "support"][-1].waiting is None)  # fmt: skip

    play(story, ("sales", "support"), pace=Pace(requests_s=1_000, queues_s=0.3, members_s=60), poll_s=60, totals_s=60)


def test_a_queue_that_the_bulk_answer_leaves_out_has_no_number_any_more() -> None:
    def one_waits(router: TaskRouter) -> None:
        router.tasks = [Task("a", "support", router.clock())]

    def waiting(link: KeptLink, queue: str) -> int | None:
        found: int | None = [event for event in of(link, QueueObserved) if event.queue == queue][-1].waiting
        return found

    async def story(router: TaskRouter, link: KeptLink) -> None:
        assert waiting(link, "support") == 1
        router.left_out.add("support")
        await settled(lambda: waiting(link, "support") is None)
        assert waiting(link, "sales") == 0

    play(story, ("sales", "support"), before=one_waits)


# ── what is told ──────────────────────────────────────────────────────────────────────────────────


def test_the_present_the_people_and_the_day_until_now_are_told() -> None:
    def morning(router: TaskRouter) -> None:
        now = router.clock()
        router.workers = [
            Worker("Li Wei 李伟", ["sales"], since=now - 60_000),
            Worker("Ana", ["sales"], "Lunch", False, since=now - 60_000),
            Worker("Gone", ["sales"], "Offline", False),
        ]
        router.tasks = [
            Task("a", "sales", now - 30_000),
            Task("b", "sales", now - 90_000, "assigned", {"Li Wei 李伟": "accepted"}, now - 20_000),
        ]
        router.book("sales", "tasks_entered")
        for hours in (3, 20, 30):
            router.book("sales", "tasks_entered", at=now - hours * HOUR)

    def offered(link: KeptLink) -> int:
        return sum(event.counters.get("offered", 0) for event in of(link, IntervalTotals))

    async def story(router: TaskRouter, link: KeptLink) -> None:
        await settled(lambda: offered(link) == 3)

    link = play(story, before=morning, pace=Pace(requests_s=1_000, history_s=0.05))
    look = of(link, QueueObserved)[0]
    assert look.waiting == 1 and 29_000 <= look.longest_wait_ms <= 35_000
    snapshot = of(link, Snapshot)[0]
    assert [(one.name, one.condition, one.reason, one.queues) for one in snapshot.agents] == [
        ("Li Wei 李伟", "on_contact", "", {"sales": None}),
        ("Ana", "paused", "Lunch", {"sales": None}),
    ]
    assert snapshot.waiting == []
    assert all(event.sole for event in of(link, IntervalTotals))


def test_a_restart_goes_on_where_the_accounts_were_settled() -> None:
    def quarters(router: TaskRouter) -> set[str]:
        return {request.query["StartDate"] for request in router.http.asked if request.path.endswith("/Statistics")}

    async def first(router: TaskRouter, link: KeptLink) -> None:
        settled_to = link.now_ms() - SETTLE_MS - 2 * QUARTER_MS
        await settled(lambda: len(quarters(router)) >= 93 and int(link.memory.get(KEY, b"0")) >= settled_to)

    async def second(router: TaskRouter, link: KeptLink) -> None:
        assert len(quarters(router)) <= 4

    before = play(first, pace=Pace(requests_s=1_000, history_s=0.02))
    play(second, link=KeptLink(memory=before.memory))


class SteadyLink(KeptLink):
    """A link whose clock stands until a test moves it."""

    now = 1_795_320_000_000
    """A whole hour."""

    def now_ms(self) -> int:
        return self.now


def test_a_quarter_that_has_just_begun_is_not_asked_about_before_it_has_begun_at_twilio_too() -> None:
    link = SteadyLink()
    began = link.now
    link.now += 1_000

    def asked_about(router: TaskRouter) -> set[str]:
        return {request.query["StartDate"] for request in router.http.asked if request.path.endswith("/Statistics")}

    async def story(router: TaskRouter, _: KeptLink) -> None:
        before = asked(router, "/Statistics")
        await settled(lambda: asked(router, "/Statistics") > before + 2)
        assert iso(began) not in asked_about(router) and iso(began - QUARTER_MS) in asked_about(router)
        link.now = began + 3_000
        await settled(lambda: iso(began) in asked_about(router))

    play(story, link=link)


def test_what_did_not_change_is_not_told_again() -> None:
    async def story(router: TaskRouter, link: KeptLink) -> None:
        seen, before = len(link.events), asked(router, "/RealTimeStatistics")
        quarters = len({event.start for event in of(link, IntervalTotals)})
        await settled(lambda: asked(router, "/RealTimeStatistics") >= before + 3)
        assert len(link.events) - seen <= len({event.start for event in of(link, IntervalTotals)}) - quarters

    play(story)


def test_a_worker_is_followed_through_ringing_talking_and_wrapping_up() -> None:
    def staff(router: TaskRouter) -> None:
        router.workers = [Worker("Li Wei", ["sales"], since=router.clock() - 60_000)]
        router.tasks = [Task("a", "sales", router.clock())]

    async def story(router: TaskRouter, link: KeptLink) -> None:
        task = router.tasks[0]
        steps = (("reserved", "pending", "ringing"), ("assigned", "accepted", "on_contact"), ("wrapping", "wrapping", "wrap_up"))  # fmt: skip
        for status, reservation, condition in steps:
            task.status, task.reservations["Li Wei"], task.updated_at = status, reservation, router.clock()
            await settled(lambda wanted=condition: any(event.condition == wanted for event in of(link, AgentChanged)))
        router.tasks.clear()
        await settled(lambda: of(link, AgentChanged)[-1].condition == "available")
        assert [event.condition for event in of(link, AgentChanged)] == ["ringing", "on_contact", "wrap_up", "available"]  # fmt: skip
        assert asked(router, f"/{task.sid}/Reservations") == 3, "a task is looked up when it has changed, and then only"

    play(story, before=staff)


def test_tasks_that_cannot_be_looked_up_at_once_are_told_and_caught_up_with() -> None:
    def rush(router: TaskRouter) -> None:
        router.workers = [Worker(f"worker {number}", ["sales"]) for number in range(25)]
        router.tasks = [
            Task(f"t{number}", "sales", 0, "assigned", {f"worker {number}": "accepted"}) for number in range(25)
        ]

    async def story(router: TaskRouter, link: KeptLink) -> None:
        assert "15 tasks are not looked up yet" in link.facts["warning"]
        await settled(lambda: len({event.agent for event in of(link, AgentChanged)}) == 15)
        assert link.facts["warning"] == ""

    play(story, before=rush)


def test_a_worker_who_gets_another_queue_is_told() -> None:
    def staff(router: TaskRouter) -> None:
        router.workers = [Worker("Li Wei", ["sales"])]

    async def story(router: TaskRouter, link: KeptLink) -> None:
        router.workers[0].queues.append("support")
        await settled(lambda: of(link, AgentQueues))
        assert of(link, AgentQueues)[0].queues == {"sales": None, "support": None}

    play(story, ("sales", "support"), before=staff, pace=Pace(requests_s=1_000, members_s=0.2))


def test_a_task_that_is_gone_when_it_is_looked_up_ends_no_day() -> None:
    class Quick(TaskRouter):
        def _reservations(self, asked: Any) -> Told:
            return Told({"code": 20404, "message": "The requested resource was not found", "status": 404}, 404)

    link = KeptLink()

    async def main() -> None:
        router = Quick(link.now_ms)
        await router.http.start()
        router.tasks = [Task("a", "sales", 0, "assigned", {})]
        session = asyncio.create_task(TwilioCollector("flex", settings(router), pace=BUSY).run(link))
        try:
            await settled(lambda: link.up.is_set() or session.done())
            assert not session.done(), session.exception()
        finally:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
            await router.http.stop()

    asyncio.run(main())


# ── callbacks and limits ──────────────────────────────────────────────────────────────────────────


def test_a_callback_makes_everything_be_asked_at_once() -> None:
    async def story(router: TaskRouter, link: KeptLink) -> None:
        router.tasks = [Task("a", "sales", router.clock())]
        router.book("sales", "tasks_entered")
        assert of(link, QueueObserved)[-1].waiting == 0
        await link.remember(door.HEARD, b"1795320000000")
        await settled(lambda: of(link, QueueObserved)[-1].waiting == 1)
        await settled(lambda: any(event.counters.get("offered") for event in of(link, IntervalTotals)))

    callbacks = Pace(requests_s=1_000, callbacks_s=0.05)
    play(story, pace=callbacks, poll_s=300, totals_s=300, callback_url="https://wall.example.com/ingest/flex")


def test_the_limit_on_requests_is_a_pause_and_no_outage() -> None:
    class Limiting(TaskRouter):
        left = 2

        def _present(self, asked: Any) -> Told:
            self.left -= 1
            if self.left == 0:
                return Told({"code": 20429, "message": "Too Many Requests", "status": 429}, 429)
            return super()._present(asked)

    link = KeptLink()

    async def main() -> None:
        router = Limiting(link.now_ms)
        await router.http.start()
        session = asyncio.create_task(TwilioCollector("flex", settings(router), pace=BUSY).run(link))
        try:
            await settled(lambda: link.facts.get("limited") == "waiting")
            before = asked(router, "/Workers")
            await settled(lambda: asked(router, "/Workers") > before)  # the others go on
            await settled(lambda: link.facts["limited"] is None)
            assert not session.done()
        finally:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
            await router.http.stop()

    asyncio.run(main())


def test_who_waits_is_not_known_any_more_when_the_limit_outlasts_what_is_live() -> None:
    async def story(router: TaskRouter, link: KeptLink) -> None:
        assert of(link, QueueObserved)[-1].waiting == 0
        router.limited = "/RealTimeStatistics"
        await settled(lambda: link.facts.get("limited") == "waiting")
        await settled(lambda: of(link, QueueObserved)[-1].waiting is None, 60)
        assert link.facts["limited"] == "waiting", "the pause itself goes on"

    play(story, totals_s=60)


@pytest.mark.parametrize(
    "wrong",
    [
        {"account_sid": "AC1"},
        {"auth_token": None},
        {"api_key_sid": "SK" + "0" * 32},
        {
            "auth_token": None,
            "api_key_sid": "SK" + "0" * 32,
            "api_key_secret": "x",
            "callback_url": "https://a/ingest/b",
        },
        {"api_url": "http://taskrouter.twilio.com"},
        {"callback_url": "http://wall.example.com/ingest/flex"},
        {"service_level_s": [20, 20]},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    base = {"account_sid": ACCOUNT, "workspace_sid": WORKSPACE, "auth_token": TOKEN}
    with pytest.raises(ValidationError):
        TwilioSettings.model_validate(base | wrong)


def test_nobody_leaves_a_queue_while_it_is_asked_who_serves_it() -> None:
    def staff(router: TaskRouter) -> None:
        router.workers = [Worker("Li Wei", ["sales", "support"])]

    async def story(router: TaskRouter, link: KeptLink) -> None:
        router.http.delay_s = 0.05  # the other polls meet a question about members that is under way
        asked = len(router.http.asked)
        await settled(lambda: len(router.http.asked) > asked + 60)
        assert of(link, AgentQueues) == []

    play(story, ("sales", "support"), before=staff, pace=Pace(requests_s=1_000, members_s=0.05))
