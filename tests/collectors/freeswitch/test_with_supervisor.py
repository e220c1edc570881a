"""FreeSWITCH's collector under the real supervisor with a real Redis and the real fold: bad days of the PBX and of the link."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from collectors import event_log
from collectors.collector import Status
from collectors.events import AgentChanged, AnyEvent, ContactAnswered, ContactEntered, Snapshot, WatchLost
from collectors.freeswitch.collector import FreeSwitchCollector, FreeSwitchSettings
from tests.collectors.freeswitch.esl_server import PASSWORD, EslServer
from tests.collectors.freeswitch.floor import floor_of, totals
from tests.collectors.redis_process import RedisProcess
from tests.collectors.test_supervisor import Running, until

SUPPORT, SALES = "support@pbx.example", "销售@pbx.example"


def at_port(port: int, **more: Any) -> FreeSwitchSettings:
    return FreeSwitchSettings(**{"host": "127.0.0.1", "port": port, "password": PASSWORD, "poll_s": 0.1} | more)


def running(redis_process: RedisProcess, settings: FreeSwitchSettings, **more: Any) -> Running:
    kinds = {"freeswitch": FreeSwitchCollector}
    return Running(redis_process, FreeSwitchCollector, settings, kinds=kinds, **more)


def a_centre(**more: Any) -> EslServer:
    server = EslServer(**more)
    server.add_queue(SUPPORT)
    server.add_queue(SALES)
    server.add_agent("anna@pbx.example", SUPPORT, SALES)
    server.add_agent("李雷@pbx.example", SALES, SUPPORT)
    return server


async def up(watched: Running) -> Status:
    async def is_up() -> Status | None:
        status = await watched.status()
        return status if status is not None and status.state == "up" else None

    found: Status = await until(is_up)
    return found


async def down(watched: Running) -> Status:
    async def is_down() -> Status | None:
        status = await watched.status()
        return status if status is not None and status.state == "down" else None

    found: Status = await until(is_down)
    return found


async def counts(watched: Running, queue: str, wanted: dict[str, int]) -> None:
    """Until the log says exactly this of a queue."""
    seen: dict[str, int] = {}

    async def as_wanted() -> bool:
        nonlocal seen
        seen = totals(await watched.events(), queue)
        return seen == wanted

    try:
        await until(as_wanted)
    except AssertionError:
        raise AssertionError(f"{queue}: {seen}, not {wanted}") from None


async def holds(watched: Running, condition: Callable[[list[AnyEvent]], object]) -> Any:
    async def is_so() -> Any:
        return condition(await watched.events())

    return await until(is_so)


def test_a_day_is_counted_whole_contact_by_contact(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port)) as watched:
            status = await up(watched)
            assert status.detail == "FreeSWITCH 1.10.12-release+git~20240802T210227Z~a88d069d6f~64bit"
            first = server.call_enters(SUPPORT, "+4930111", "Müller")
            second = server.call_enters(SUPPORT)
            third = server.call_enters(SALES, name="王小明")
            server.rings(first, "anna@pbx.example")
            server.rings_out(first, "anna@pbx.example")
            server.answer(first, "anna@pbx.example")
            server.holds(first)
            server.holds(first, on=False)
            server.abandon(second)
            server.leaves(third, "TIMEOUT")
            server.end(first)
            answered = {"offered": 2, "answered": 1, "handled": 1, "abandoned": 1, "rang_no_answer": 1, "held": 1}
            await counts(watched, SUPPORT, answered)
            await counts(watched, SALES, {"offered": 1, "left_timeout": 1})
            entered = [event for event in await watched.events() if isinstance(event, ContactEntered)]
            assert entered[0].caller == "+4930111" and entered[0].caller_name == "Müller"
            assert entered[2].queue == SALES and entered[2].caller_name == "王小明"

    asyncio.run(main())


def test_a_refused_login_is_permanent_and_says_what_to_do_without_the_password(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server:
            server.refuse_login()
            async with running(empty_redis, at_port(server.port)) as watched:
                status = await down(watched)
                assert status.permanent and "event_socket.conf.xml" in status.error
                assert PASSWORD.encode() not in await watched.redis.get(event_log.status_key("s"))
                await asyncio.sleep(0.3)
                assert server.connections == 1

    asyncio.run(main())


def test_an_address_that_is_not_let_in_is_permanent_and_says_where_to_allow_it(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server:
            server.shut_out()
            async with running(empty_redis, at_port(server.port)) as watched:
                status = await down(watched)
                assert status.permanent and "apply-inbound-acl" in status.error

    asyncio.run(main())


def test_a_link_dropped_with_callers_waiting_and_talking_loses_and_doubles_nobody(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port)) as watched:
            await up(watched)
            waits, talks, hangs_up = (server.call_enters(SUPPORT) for _ in range(3))
            server.answer(talks, "anna@pbx.example")
            await counts(watched, SUPPORT, {"offered": 3, "answered": 1, "waiting": 2})
            await server.stop()
            server.abandon(hangs_up)  # nobody hears it
            unseen = server.call_enters(SUPPORT)
            await holds(watched, lambda events: any(isinstance(event, WatchLost) for event in events))
            async with server:
                await counts(watched, SUPPORT, {"offered": 4, "answered": 1, "lost_sight": 1, "waiting": 2})
                server.end(talks)
                server.answer(waits, "李雷@pbx.example")
                server.end(waits)
                server.abandon(unseen)
                counted = {"offered": 4, "answered": 2, "handled": 2, "abandoned": 1, "lost_sight": 1}
                await counts(watched, SUPPORT, counted)
            events = await watched.events()
            (lost,) = [event for event in events if isinstance(event, WatchLost)]
            again = [event for event in events if isinstance(event, Snapshot)][1]
            assert again.unwatched_since == lost.at <= again.at

    asyncio.run(main())


def test_whoever_was_answered_while_nobody_watched_is_answered(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port)) as watched:
            await up(watched)
            waits = server.call_enters(SUPPORT)
            await counts(watched, SUPPORT, {"offered": 1, "waiting": 1})
            await server.stop()
            await asyncio.sleep(1.1)  # FreeSWITCH's tables tell whole seconds
            server.answer(waits, "anna@pbx.example")
            async with server:
                await counts(watched, SUPPORT, {"offered": 1, "answered": 1})
                server.end(waits)
                await counts(watched, SUPPORT, {"offered": 1, "answered": 1, "handled": 1})

    asyncio.run(main())


def test_a_mute_freeswitch_is_down_within_fifteen_seconds_and_up_again_when_it_speaks(
    empty_redis: RedisProcess,
) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port, ping_s=0.2)) as watched:
            await up(watched)
            server.mute()
            began = time.monotonic()
            status = await down(watched)
            assert time.monotonic() - began < 15
            assert not status.permanent
            server.mute(False)
            server.drop()
            await up(watched)

    asyncio.run(main())


def test_garbage_ends_the_session_and_the_next_one_takes_the_state_over(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port)) as watched:
            await up(watched)
            member = server.call_enters(SUPPORT)
            await counts(watched, SUPPORT, {"offered": 1, "waiting": 1})
            server.garbage()
            await holds(watched, lambda events: sum(isinstance(event, Snapshot) for event in events) == 2)
            server.abandon(member)
            await counts(watched, SUPPORT, {"offered": 1, "abandoned": 1})

    asyncio.run(main())


def test_a_slow_freeswitch_is_followed_without_a_second_of_doubt(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server:
            server.slow(0.15)
            async with running(empty_redis, at_port(server.port)) as watched:
                await up(watched)
                members = [server.call_enters(SUPPORT) for _ in range(5)]
                for member in members:
                    await asyncio.sleep(0.1)
                    server.answer(member, "anna@pbx.example")
                    server.end(member)
                await counts(watched, SUPPORT, {"offered": 5, "answered": 5, "handled": 5})
                assert server.connections == 1

    asyncio.run(main())


def test_a_day_that_rolls_over_in_another_time_zone_counts_everybody_once(empty_redis: RedisProcess) -> None:
    """FreeSWITCH's clock is eleven hours ahead and passes midnight between two callers' joining and their answer."""
    ahead_s = 11 * 3600.0
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp() + 86_400
    offset = midnight - 0.5 - time.time() + ahead_s

    async def main() -> None:
        async with (
            a_centre(clock=lambda: time.time() + offset) as server,
            running(empty_redis, at_port(server.port)) as watched,
        ):
            status = await up(watched)
            members = [server.call_enters(SUPPORT) for _ in range(2)]
            await asyncio.sleep(1.0)
            server.answer(members[0], "anna@pbx.example")
            server.abandon(members[1])
            server.end(members[0])
            await counts(watched, SUPPORT, {"offered": 2, "answered": 1, "abandoned": 1, "handled": 1})
            now = time.time_ns() // 1_000_000
            for event in await watched.events():
                assert now - 60_000 < event.at <= now + 60_000
            status = await up(watched)
            assert abs(status.facts["clock_skew_ms"] + offset * 1000) < 5_000

    asyncio.run(main())


def test_a_freeswitch_that_restarts_while_callers_wait_loses_them_and_says_so(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port)) as watched:
            await up(watched)
            server.call_enters(SUPPORT)
            server.call_enters(SUPPORT)
            await counts(watched, SUPPORT, {"offered": 2, "waiting": 2})
            server.disconnect_notice()
            await server.stop()
            server.members.clear()
            async with server:
                await counts(watched, SUPPORT, {"offered": 2, "lost_sight": 2})
                server.call_enters(SUPPORT)
                await counts(watched, SUPPORT, {"offered": 3, "lost_sight": 2, "waiting": 1})

    asyncio.run(main())


def test_a_deleted_agent_is_logged_out_and_a_new_tier_is_served_by_the_next_poll(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port)) as watched:
            await up(watched)
            server.delete_agent("anna@pbx.example")
            server.add_agent("eva@pbx.example", SUPPORT)

            def as_it_is(events: list[AnyEvent]) -> bool:
                agents = floor_of(events).agents
                eva = agents.get("eva@pbx.example")
                return (
                    agents["anna@pbx.example"].condition == "logged_out" and eva is not None and SUPPORT in eva.queues
                )

            await holds(watched, as_it_is)
            server.add_tier(SALES, "eva@pbx.example")
            await holds(watched, lambda events: SALES in floor_of(events).agents["eva@pbx.example"].queues)

    asyncio.run(main())


def test_redis_away_in_the_middle_loses_nothing(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port)) as watched:
            await up(watched)
            members = [server.call_enters(SUPPORT) for _ in range(20)]
            await counts(watched, SUPPORT, {"offered": 20, "waiting": 20})
            empty_redis.stop()
            for member in members:
                server.answer(member, "anna@pbx.example")
                server.end(member)
                await asyncio.sleep(0.01)
            empty_redis.start()
            await counts(watched, SUPPORT, {"offered": 20, "answered": 20, "handled": 20})
            answered = [event for event in await watched.events() if isinstance(event, ContactAnswered)]
            assert len({event.contact for event in answered}) == 20

    asyncio.run(main())


def test_nobody_is_ringing_or_talking_when_the_day_is_over(empty_redis: RedisProcess) -> None:
    async def main() -> None:
        async with a_centre() as server, running(empty_redis, at_port(server.port)) as watched:
            await up(watched)
            for _ in range(3):
                member = server.call_enters(SUPPORT)
                server.answer(member, "anna@pbx.example")
                server.end(member)
            server.status("anna@pbx.example", "Logged Out")
            await holds(
                watched,
                lambda events: [e.condition for e in events if isinstance(e, AgentChanged)][-1:] == ["logged_out"],
            )
            conditions = {agent.condition for agent in floor_of(await watched.events()).agents.values()}
            assert conditions == {"logged_out", "available"}

    asyncio.run(main())
