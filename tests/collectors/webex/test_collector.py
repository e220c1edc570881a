"""The session with Webex: what is asked in which portions, what is asked again, and what becomes of errors; over a real socket."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from collectors import events as e
from collectors.collector import CollectorError
from collectors.polled.http import HttpApi
from collectors.polled.schedule import Allowance, Limited
from collectors.webex.collector import HOUR_MS, LOST_MS, MEMORY, RIGHTS, SWEEP_MS, Organization, WebexCollector
from collectors.webex.settings import WebexSettings
from operations.floor.floor import Floor
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.contract.rig import AGENT, QUEUE, Clock
from tests.collectors.http_acd import Told
from tests.collectors.webex.rig import AGENT_ID, TOKEN, WebexRig


class ClockLink(KeptLink):
    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(unwatched_since=None)
        self._clock = clock

    def now_ms(self) -> int:
        return self._clock()


class Session:
    """One session with a rig, asked by hand."""

    def __init__(self, **more: Any) -> None:
        self.clock = Clock()
        self.rig = WebexRig(self.clock)
        self.link = ClockLink(self.clock)
        self._more = more

    async def __aenter__(self) -> Session:
        await self.rig.start()
        await self.begin()
        return self

    async def begin(self) -> None:
        """A new session with what the old one remembered."""
        own = self.rig.settings.model_copy(update=self._more)
        secrets = [own.client_secret.get_secret_value(), own.refresh_token.get_secret_value()]
        self.api = HttpApi(self.link, own.api_url, name="Webex Contact Center", rights=RIGHTS, secrets=secrets)
        self.tokens = HttpApi(self.link, own.token_url, name="Webex", rights="check them", secrets=secrets)
        self.organization = Organization(self.link, own, self.api, self.tokens)
        await self.organization.recall()

    async def __aexit__(self, *_: object) -> None:
        await self.api.__aexit__()
        await self.tokens.__aexit__()
        await self.rig.stop()

    async def look(self) -> list[Any]:
        """Ask once for everything; what is told."""
        before = len(self.link.events)
        await self.organization.queues()
        await self.organization.tasks()
        await self.organization.people()
        return self.link.events[before:]

    def searches(self) -> list[str]:
        return [asked.json["query"] for asked in self.rig.server.asked if asked.path == "/search"]


def told(story: Callable[[Session], Awaitable[None]], **more: Any) -> Session:
    session = Session(**more)

    async def main() -> None:
        async with session:
            await story(session)

    asyncio.run(main())
    return session


def test_the_first_look_tells_the_contacts_and_then_the_whole_state() -> None:
    async def story(s: Session) -> None:
        waiting = await s.rig.offer()
        talking = await s.rig.offer()
        s.rig.truth.waiting.remove(talking)
        s.rig.truth.waiting.insert(0, talking)
        await s.rig.answer()
        *words, snapshot = await s.look()
        assert {type(word) for word in words} == {e.ContactEntered, e.ContactAnswered}
        assert isinstance(snapshot, e.Snapshot)
        assert [(one.queue, one.contact) for one in snapshot.waiting] == [(QUEUE, waiting)]
        assert [(one.agent, one.name, one.condition, one.queues) for one in snapshot.agents] == [
            (AGENT_ID, AGENT, "on_contact", {QUEUE: None})
        ]
        assert await s.look() == []
        await s.rig.finish()
        completed, changed = await s.look()
        assert isinstance(completed, e.ContactCompleted) and completed.contact == talking
        assert isinstance(changed, e.AgentChanged) and changed.condition == "available"

    told(story)


def test_answers_of_many_pages_and_tasks_of_many_steps_are_read_to_the_end() -> None:
    async def story(s: Session) -> None:
        s.rig.page, s.rig.steps = 2, 3
        contacts = [await s.rig.offer() for _ in range(7)]
        for number in range(20):
            s.rig.step(contacts[0], "flow-activity", s.clock() + 1 + number)
        events = await s.look()
        entered = [event.contact for event in events if isinstance(event, e.ContactEntered)]
        assert sorted(entered) == sorted(contacts)

    session = told(story)
    assert any("after:" in query for query in session.searches())
    assert any('cursor: "3"' in query for query in session.searches())


def test_a_page_that_is_said_to_be_followed_by_itself_is_the_last() -> None:
    async def story(s: Session) -> None:
        await s.rig.offer()
        s.rig.cursors = itertools.repeat("9000000000000")
        events = await asyncio.wait_for(s.look(), 20)
        assert [type(event) for event in events] == [e.ContactEntered, e.Snapshot]

    told(story)


@pytest.mark.parametrize("cursors", [["9000000000000", "9000000000001"], map(str, itertools.count(9_000_000_000_000))])
def test_pages_without_an_end_are_an_error_and_not_asked_for_ever(cursors: Iterable[str]) -> None:
    async def story(s: Session) -> None:
        s.organization._allowance = Allowance(10_000, burst=10_000)
        s.rig.cursors = itertools.cycle(cursors) if isinstance(cursors, list) else iter(cursors)
        with pytest.raises(CollectorError, match="again and again|more than 200 pages"):
            await asyncio.wait_for(s.organization.people(), 120)

    told(story)


def test_a_call_that_began_and_ended_between_two_looks_is_told_whole() -> None:
    async def story(s: Session) -> None:
        await s.look()
        await s.rig.offer()
        await s.rig.abandon()
        assert [type(event) for event in await s.look()][:2] == [e.ContactEntered, e.ContactAbandoned]

    told(story)


def test_a_call_that_lasts_for_hours_is_asked_for_by_its_id_until_it_is_over() -> None:
    async def story(s: Session) -> None:
        contact = await s.rig.offer()
        await s.look()
        s.clock.jump_to(s.clock() + 3 * HOUR_MS)
        await s.rig.answer()
        assert [type(event) for event in await s.look()] == [e.ContactAnswered, e.AgentChanged]
        s.clock.jump_to(s.clock() + HOUR_MS)
        await s.rig.finish()
        completed = next(event for event in await s.look() if isinstance(event, e.ContactCompleted))
        assert completed.contact == contact
        assert completed.talk_ms is not None and completed.talk_ms >= HOUR_MS

    session = told(story)
    assert any('{ id: { equals: "contact-1" } }' in query for query in session.searches())


def test_a_task_that_webex_no_longer_knows_is_settled_by_a_new_whole_state() -> None:
    async def story(s: Session) -> None:
        contact = await s.rig.offer()
        await s.look()
        del s.rig.tasks[contact]
        assert await s.look() == []
        s.clock.jump_to(s.clock() + LOST_MS + 1_000)
        (snapshot,) = await s.look()
        assert isinstance(snapshot, e.Snapshot) and snapshot.waiting == [] and snapshot.queues == [QUEUE]

    told(story)


def test_a_wrap_up_that_ends_with_a_new_whole_state_is_told_as_ended() -> None:
    async def story(s: Session) -> None:
        contact = await s.rig.offer()
        s.rig.state = "wrapup"
        await s.look()
        del s.rig.tasks[contact]
        await s.look()
        s.clock.jump_to(s.clock() + LOST_MS + 1_000)
        s.rig.state, s.rig.state_since = "available", s.clock()
        assert [type(event) for event in await s.look()] == [e.AgentChanged, e.Snapshot]
        floor = Floor()
        for event in s.link.events:
            floor.apply(event)
        assert floor.agents[AGENT_ID].condition == "available"

    told(story)


def test_a_task_that_is_found_late_is_told_all_the_same() -> None:
    async def story(s: Session) -> None:
        await s.look()
        contact = await s.rig.offer()
        await s.rig.abandon()
        hidden = s.rig.tasks.pop(contact)
        await s.look()
        s.clock.jump_to(s.clock() + SWEEP_MS // 2)
        await s.look()
        s.rig.tasks[contact] = hidden
        s.clock.jump_to(s.clock() + 61_000)
        assert [type(event) for event in await s.look()] == [e.ContactEntered, e.ContactAbandoned]

    told(story)


def test_what_happened_while_nobody_watched_is_caught_up_piece_by_piece_after_the_present() -> None:
    async def story(s: Session) -> None:
        await s.look()
        for _ in range(5):
            await s.rig.offer()
            await s.rig.abandon()
            s.clock.jump_to(s.clock() + HOUR_MS)
        await s.api.__aexit__()
        await s.tokens.__aexit__()
        await s.begin()
        first = await s.look()
        assert isinstance(first[-1], e.Snapshot)
        before = len(s.link.events)
        for _ in range(3):
            await s.organization.tasks()
        gone = [event for event in [*first, *s.link.events[before:]] if isinstance(event, e.ContactAbandoned)]
        assert sorted(event.contact for event in gone) == [f"contact-{number}" for number in range(1, 6)]
        assert len([event for event in first if isinstance(event, e.ContactAbandoned)]) < 5, "the present comes first"

    told(story)


def test_a_source_that_was_never_watched_asks_for_a_day_and_remembers_how_far_it_came() -> None:
    async def story(s: Session) -> None:
        await s.look()
        first = await s.link.recall(MEMORY)
        assert first is not None and s.clock() - int(first) >= 22 * HOUR_MS, "not yet caught up"
        for _ in range(11):
            await s.organization.tasks()
        s.clock.jump_to(s.clock() + 31_000)
        await s.organization.tasks()
        last = await s.link.recall(MEMORY)
        assert last is not None and s.clock() - int(last) <= SWEEP_MS + 10_000

    told(story)


def test_no_question_asks_for_what_the_schema_does_not_have_and_none_spans_more_than_thirty_days() -> None:
    async def story(s: Session) -> None:
        await s.rig.offer()
        await s.look()
        s.clock.jump_to(s.clock() + HOUR_MS)
        await s.look()

    session = told(story)
    for query in session.searches():
        words = query.replace(",", " ").split()
        start, end = (
            int(words[words.index(name) + 1])
            for name in ("taskDetails(from:" if "taskDetails" in query else "agentSession(from:", "to:")
        )
        assert 0 < end - start < 30 * 24 * HOUR_MS


def test_the_token_is_renewed_before_it_runs_out() -> None:
    async def story(s: Session) -> None:
        await s.look()
        s.clock.jump_to(s.clock() + 13 * 24 * HOUR_MS)
        await s.look()

    session = told(story)
    asked = [asked for asked in session.rig.server.asked if asked.path == "/v1/access_token"]
    assert len(asked) == 2
    assert asked[0].form == {
        "grant_type": "refresh_token",
        "client_id": f"client of {session.rig.server.port}",
        "client_secret": "a-canary-of-a-secret",
        "refresh_token": "a-canary-of-a-token",
    }


def signed_in(session: Session) -> int:
    return sum(asked.path == "/v1/access_token" for asked in session.rig.server.asked)


@pytest.mark.parametrize("trouble", [Told({"message": "busy"}, 502), Told({}, 429, {"Retry-After": "9"})])
def test_a_renewal_that_fails_ends_nothing_while_the_token_is_good(trouble: Told) -> None:
    async def story(s: Session) -> None:
        await s.look()
        s.rig.no_token = trouble
        s.clock.jump_to(s.clock() + 13 * 24 * HOUR_MS)
        await s.look()
        assert signed_in(s) == 2, "asked for again after a while, and not before every question"
        assert "no new token yet" in s.link.facts["warning"]
        s.clock.jump_to(s.clock() + 31_000)
        s.rig.no_token = None
        await s.look()
        assert signed_in(s) == 3 and s.link.facts["warning"] == ""
        s.rig.no_token = trouble
        s.clock.jump_to(s.clock() + 15 * 24 * HOUR_MS)
        with pytest.raises((CollectorError, Limited)):
            await s.look()

    told(story)


@pytest.mark.parametrize("seconds", [0, -5])
def test_a_token_that_is_said_to_be_over_already_is_not_renewed_before_every_question(seconds: int) -> None:
    async def story(s: Session) -> None:
        s.rig.token_s = seconds
        await s.look()
        await s.look()
        assert signed_in(s) == 1

    told(story)


def test_two_questions_that_need_a_new_token_ask_for_one() -> None:
    async def story(s: Session) -> None:
        s.rig.server.delay_s = 0.05
        await asyncio.gather(s.organization.queues(), s.organization.tasks())
        assert signed_in(s) == 1

    told(story)


def failing(body: Any, status: int = 200, **headers: str) -> Any:
    """What a search brings when Webex answers so, be it an error; after a first good look when ``status`` is 0."""
    found: list[Any] = []

    async def story(s: Session) -> None:
        await s.organization.queues()
        s.rig.server.instead = Told(body, status, headers)
        try:
            await s.organization.tasks()
        except (CollectorError, Limited) as error:
            found.append(error)

    told(story)
    return found[0]


def test_an_error_inside_of_a_well_answer_is_an_error_and_a_question_that_is_not_accepted_is_permanent() -> None:
    passing = failing({"data": None, "errors": [{"message": "backend is busy"}]})
    assert isinstance(passing, CollectorError) and not passing.permanent and "backend is busy" in str(passing)
    wrong = {"message": "Field 'x' is undefined", "extensions": {"classification": "ValidationError"}}
    assert failing({"errors": [wrong]}).permanent


@pytest.mark.parametrize(
    "body",
    [[], {}, {"data": {}}, {"data": {"taskDetails": None}}, {"data": {"taskDetails": {"tasks": [{"no": "id"}]}}}, {"data": {"taskDetails": {"tasks": [{"id": "x", "createdTime": "soon"}]}}}, {"errors": []}, {"errors": "many"}],
)  # fmt: skip
def test_an_answer_of_another_shape_is_an_outage_and_never_an_empty_floor(body: Any) -> None:
    error = failing(body)
    assert isinstance(error, CollectorError) and not error.permanent


def test_the_limit_pauses_for_as_long_as_webex_says() -> None:
    limit = failing({"message": "slow down"}, 429, **{"Retry-After": "4"})
    assert isinstance(limit, Limited) and limit.retry_after_s == 4.0


def test_while_sessions_are_limited_contacts_are_told_all_the_same_and_the_source_stays_up() -> None:
    async def main() -> None:
        clock = Clock()
        rig, link = WebexRig(clock), ClockLink(clock)
        await rig.start()
        session = asyncio.create_task(WebexCollector("hq", rig.settings).run(link))
        await asyncio.wait_for(link.up.wait(), 20)
        rig.limited = "agentSession"
        while link.facts.get("limited") != "agents":
            await asyncio.sleep(0.05)
        assert link.facts["limited_until"] - clock() > 50_000, "as long as Webex says"
        await rig.offer()
        while not any(isinstance(event, e.ContactEntered) for event in link.events):
            assert not session.done()
            await asyncio.sleep(0.05)
        session.cancel()
        await asyncio.wait([session])
        await rig.stop()

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_right_that_is_missing_is_named() -> None:
    async def story(s: Session) -> None:
        await s.organization.queues()
        s.rig.server.instead = Told({"message": "forbidden"}, 403)
        with pytest.raises(CollectorError, match="cjp:config_read") as raised:
            await s.organization.queues()
        assert raised.value.permanent and TOKEN not in str(raised.value)

    told(story)


def test_a_queue_that_does_not_exist_is_said_and_only_those_that_are_wanted_are_told() -> None:
    async def misspelt(s: Session) -> None:
        with pytest.raises(CollectorError, match="slaes") as raised:
            await s.organization.queues()
        assert raised.value.permanent

    told(misspelt, queues=["slaes"])

    async def story(s: Session) -> None:
        await s.rig.offer()
        s.rig.tasks["contact-1"]["steps"][0] |= {"queueName": "other", "queueId": "q-9"}
        (snapshot,) = await s.look()
        assert isinstance(snapshot, e.Snapshot) and snapshot.waiting == []
        assert s.link.facts["warning"] == "no queue is named renamed since"

    told(story, queues=[QUEUE, "renamed since"])


def test_a_clock_that_is_off_is_noted_and_every_time_is_put_on_ours() -> None:
    ahead_ms = 600_000
    session = Session()
    session.rig = WebexRig(lambda: session.clock() + ahead_ms)  # type: ignore[arg-type]

    async def main() -> None:
        async with session as s:
            await s.rig.offer()
            await s.look()
            entered = next(event for event in s.link.events if isinstance(event, e.ContactEntered))
            assert abs(entered.at - s.clock()) < 5_000
            assert abs(s.link.facts["clock_skew_ms"] - ahead_ms) < 2_000

    asyncio.run(main())


@pytest.mark.parametrize("wrong", [{"org_id": ""}, {"channels": []}, {"channels": ["fax"]}, {"region": "moon1"}, {"base_url": "http://api.example"}, {"token_url": "https://api.example?token=secret"}])  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    given = {"org_id": "o", "client_id": "c", "client_secret": SecretStr("s"), "refresh_token": SecretStr("r")}
    assert WebexSettings(**given).api_url == "https://api.wxcc-us1.cisco.com"
    with pytest.raises(ValidationError):
        WebexSettings(**given | wrong)
