"""The collector of a pushed source, under the real supervisor and with a real Redis: it tells how the source is from what doors note."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr, ValidationError

from collectors import door, events
from collectors.collector import STALE_AFTER_MS, Status
from collectors.events import AgentChanged, ContactEntered, Reported
from collectors.webhook.collector import WebhookCollector
from collectors.webhook.settings import WebhookSettings
from operations.projects.configuration import ConfigurationInvalid, parse
from operations.sources import judge
from tests.collectors.redis_process import RedisProcess
from tests.collectors.test_supervisor import Running, now_ms, until

SECRET = SecretStr("a canary of at least sixteen")


class Hurried(WebhookCollector):
    """Looks often."""

    def __init__(self, source: str, settings: Any) -> None:
        super().__init__(source, settings, look_s=0.02)


def settings(**more: Any) -> WebhookSettings:
    return WebhookSettings(secret=SECRET, **more)


class Doors:
    """What the doors of web processes write, without the HTTP before it."""

    def __init__(self, process: RedisProcess) -> None:
        self._process = process

    def accept(self, *said: events.AnyEvent, at: int | None = None, skew_ms: int | None = None, **more: Any) -> None:
        with self._process.client() as client:
            pipe = client.pipeline(transaction=True)
            door.accept(pipe, "s", door.Batch(list(said), **more), skew_ms, now_ms() if at is None else at)
            pipe.execute()

    def refuse(self, reason: str, at: int | None = None) -> None:
        with self._process.client() as client:
            pipe = client.pipeline(transaction=False)
            door.note_refusal(pipe, "s", reason, now_ms() if at is None else at)
            door.note_duplicates(pipe, "s", 3)
            pipe.execute()


def story(
    tell: Callable[[Running, Doors], Awaitable[None]], process: RedisProcess, chosen: WebhookSettings | None = None
) -> None:
    async def main() -> None:
        more: dict[str, Any] = {"kinds": {"webhook": Hurried}}
        async with Running(process, Hurried, chosen or settings(), **more) as running:
            await tell(running, Doors(process))

    asyncio.run(main())


async def told(running: Running, true: Callable[[Status], Any]) -> Status:
    """The first status for which ``true`` holds."""

    async def found() -> Status | None:
        status = await running.status()
        return status if status is not None and true(status) else None

    status: Status = await until(found)
    return status


def survey(id: str) -> Reported:
    return Reported(now_ms(), id, "q", {"surveys": 1})


def test_a_source_is_connecting_until_something_was_pushed_and_up_from_then_on(empty_redis: RedisProcess) -> None:
    async def tell(running: Running, doors: Doors) -> None:
        status = await told(running, lambda status: "received" in status.facts)
        assert (status.state, status.last_word_at) == ("connecting", None)
        heard_at = now_ms() - 5_000
        doors.accept(survey("1"), survey("2"), at=heard_at, skew_ms=-2_000)
        status = await told(running, lambda status: status.state == "up")
        assert (status.last_word_at, status.facts["received"]) == (heard_at, 2)
        assert status.facts["clock_skew_ms"] == -2_000
        assert status.last_event_at is not None
        doors.accept(survey("3"))
        status = await told(running, lambda status: status.facts["received"] == 3)
        assert status.events == 3, "all since this process began to look"
        assert status.last_word_at is not None and status.last_word_at > heard_at

    story(tell, empty_redis)


def test_a_source_is_stale_after_its_own_patience_and_not_after_that_of_an_acd(empty_redis: RedisProcess) -> None:
    async def tell(running: Running, doors: Doors) -> None:
        heard_at = now_ms() - 100_000
        doors.accept(survey("1"), at=heard_at)
        status = await told(running, lambda status: status.state == "up")
        assert judge(status, heard_at + 100_000 + STALE_AFTER_MS).state == "up"
        fresh = msgspec.structs.replace(status, written_at=heard_at + 120_001)
        assert judge(fresh, heard_at + 120_000).state == "up"
        assert judge(fresh, heard_at + 120_001).state == "stale"

    story(tell, empty_redis, settings(quiet_after_s=120))


def test_a_source_that_may_be_quiet_for_ever_is_up_before_anything_came(empty_redis: RedisProcess) -> None:
    async def tell(running: Running, doors: Doors) -> None:
        status = await told(running, lambda status: status.state == "up")
        view = judge(status, now_ms())
        assert (view.state, view.age_s, view.last_event_at) == ("up", None, None)
        doors.accept(survey("1"), at=now_ms() - 90 * 86_400_000)
        status = await told(running, lambda status: status.last_word_at is not None)
        assert judge(status, now_ms()).state == "up"

    story(tell, empty_redis, settings(quiet_after_s=None))


def test_refusals_and_duplicates_are_shown_and_a_warning_ends_by_itself(empty_redis: RedisProcess) -> None:
    async def tell(running: Running, doors: Doors) -> None:
        doors.refuse("422 one event is wrong", at=now_ms() - 3_600_000)
        status = await told(running, lambda status: status.facts.get("refused") == 1)
        assert status.facts["last_refusal"] == "422 one event is wrong"
        assert (status.facts["warning"], status.facts["duplicates"]) == ("", 3)
        doors.refuse("401 the signature is not the one of this body")
        status = await told(running, lambda status: status.facts["warning"])
        assert status.facts["warning"] == "refused a batch: 401 the signature is not the one of this body"
        assert status.state == "connecting", "what was refused is no sign of life"

    story(tell, empty_redis)


def test_a_source_tells_what_it_has_told_so_far_unless_its_settings_say_it(empty_redis: RedisProcess) -> None:
    async def tell(running: Running, doors: Doors) -> None:
        doors.accept(survey("1"), told=frozenset(("surveys",)))
        await told(running, lambda status: status.facts.get("gives") == ["surveys"])
        doors.accept(survey("2"), told=frozenset(("surveys", "complaints")))
        await told(running, lambda status: status.facts.get("gives") == ["complaints", "surveys"])

    async def said(running: Running, doors: Doors) -> None:
        doors.accept(survey("1"), told=frozenset(("surveys",)))
        status = await told(running, lambda status: status.state == "up")
        assert status.facts["gives"] == ["bot", "ivr"]

    story(tell, empty_redis)
    story(said, empty_redis, settings(gives=("ivr", "bot")))


def test_the_end_of_its_process_is_not_the_end_of_a_watch(empty_redis: RedisProcess) -> None:
    """Agents keep their condition: the door stood open all the while."""

    async def tell(running: Running, doors: Doors) -> None:
        doors.accept(AgentChanged(now_ms(), "Mei", "available"), ContactEntered(now_ms(), "q", "c"))
        await told(running, lambda status: status.state == "up")

    async def again(running: Running, doors: Doors) -> None:
        status = await told(running, lambda status: status.state == "up")
        assert status.events == 0, "what came before this process began is not its own"
        assert [type(event).__name__ for event in await running.events()] == ["AgentChanged", "ContactEntered"]

    story(tell, empty_redis)
    story(again, empty_redis)


def test_when_redis_was_emptied_it_goes_on_from_what_comes_next(empty_redis: RedisProcess) -> None:
    async def tell(running: Running, doors: Doors) -> None:
        doors.accept(survey("1"), survey("2"))
        await told(running, lambda status: status.facts.get("received") == 2)
        await running.redis.flushall()
        doors.accept(survey("3"))
        status = await told(running, lambda status: status.facts.get("received") == 1)
        assert status.state == "up"

    story(tell, empty_redis)


@pytest.mark.parametrize(
    ("block", "what"),
    [
        ("{kind: webhook}", "secret (the sender signs) or a token"),
        ("{kind: webhook, secret: short}", "at least 16 characters"),
        ("{kind: webhook, token: '0123456789abcdef', quiet_after_s: 0}", "quiet_after_s"),
        ("{kind: webhook, token: '0123456789abcdef', gives: [happiness]}", "gives"),
        ("{kind: webhook, token: '0123456789abcdef', most_bytes: 10}", "most_bytes"),
    ],
)
def test_a_block_that_cannot_work_is_refused_with_what_would_be_right(block: str, what: str) -> None:
    with pytest.raises(ConfigurationInvalid) as invalid:
        parse(f"sources:\n  surveys: {block}\n".encode(), Path("my.yaml"), {})
    said = "\n".join(invalid.value.errors)
    assert what in said
    assert "0123456789abcdef" not in said


def test_the_secret_is_not_in_what_an_invalid_block_says() -> None:
    with pytest.raises(ValidationError) as invalid:
        WebhookSettings(secret=SECRET, quiet_after_s=-1)
    assert "canary" not in str(invalid.value)


def test_it_looks_no_further_than_it_must_while_nothing_comes(empty_redis: RedisProcess) -> None:
    async def tell(running: Running, doors: Doors) -> None:
        await told(running, lambda status: "received" in status.facts)
        before = (await running.redis.info("commandstats"))["cmdstat_hget"]["calls"]
        began = time.monotonic()
        await asyncio.sleep(0.5)
        looks = (time.monotonic() - began) / 0.02
        calls = (await running.redis.info("commandstats"))["cmdstat_hget"]["calls"] - before
        assert calls <= 3 * looks + 6, "three questions a look"

    story(tell, empty_redis)
