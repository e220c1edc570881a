"""The collector against a small real AMI server over TCP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.asterisk.collector import FILTERS, AsteriskCollector, AsteriskSettings
from collectors.asterisk.connection import READ_ONLY
from collectors.collector import CollectorError
from collectors.events import AgentChanged, ContactAbandoned, ContactAnswered, ContactEntered, ContactLeft, Snapshot
from collectors.followed.wire import QUIET_MOST_S
from tests.collectors.ami_server import SECRET, USER, AmiServer
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.recordings import run_a, run_a_queue_log, told_of, trap, trap_queue_log, truth_of

CHANGES_NOTHING = {
    "Challenge", "Login", "Ping", "QueueStatus", "Filter", "Events", "CoreStatus", "CoreSettings", "Logoff",
}  # fmt: skip


def settings(server: AmiServer, **more: Any) -> AsteriskSettings:
    return AsteriskSettings(**{"host": "127.0.0.1", "port": server.port, "username": USER, "password": SECRET} | more)


async def until(condition: Callable[[], Any], limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.005)


async def session(server: AmiServer, link: KeptLink, during: Callable[[], Awaitable[None]], **more: Any) -> None:
    """One session of the collector, cancelled when ``during`` is over; what ended it earlier is raised."""
    running = asyncio.create_task(AsteriskCollector("hq", settings(server, **more)).run(link))
    watching = asyncio.ensure_future(during())
    try:
        await asyncio.wait({running, watching}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        watching.result()
    finally:
        for task in (running, watching):
            task.cancel()
        await asyncio.gather(running, watching, return_exceptions=True)


async def ends(server: AmiServer, link: KeptLink | None = None, **more: Any) -> CollectorError:
    """How a session ends by itself."""
    with pytest.raises(CollectorError) as ended:
        async with asyncio.timeout(30):
            await AsteriskCollector("hq", settings(server, **more)).run(link or KeptLink())
    return ended.value


def test_run_a_over_tcp_equals_the_queue_log_contact_by_contact_and_nothing_but_reading_is_ever_sent() -> None:
    async def main() -> None:
        async with AmiServer(run_a()) as server:
            link = KeptLink()

            async def played() -> None:
                await server.played.wait()
                await until(lambda: told_of(link.events) == truth_of(run_a_queue_log()), 10)

            await session(server, link, played)
            assert link.up.is_set() and link.detail == "Asterisk 22.10.1"
            assert isinstance(link.events[0], Snapshot)
            assert set(server.actions) <= CHANGES_NOTHING
            login = next(message for message in server.received if message.get("Action") == "Login")
            assert not login.get("Secret") and SECRET not in str(login.headers)
            assert abs(link.facts["clock_skew_ms"]) < 2000

    asyncio.run(main())
    assert READ_ONLY == CHANGES_NOTHING


@pytest.mark.parametrize("piece", [1, 7, 250])
def test_messages_cut_anywhere_tell_the_same(piece: int) -> None:
    async def main() -> None:
        async with AmiServer(trap("t28"), piece=piece) as server:
            link = KeptLink()

            async def played() -> None:
                await server.played.wait()
                await until(lambda: told_of(link.events) == truth_of(trap_queue_log("t28")), 10)

            await session(server, link, played)

    asyncio.run(main())


def test_without_filter_rights_the_session_goes_on_and_says_so() -> None:
    async def main() -> None:
        async with AmiServer(trap("t09"), filters=False) as server:
            link = KeptLink()

            async def played() -> None:
                await server.played.wait()
                await until(lambda: told_of(link.events) == truth_of(trap_queue_log("t09")), 10)

            await session(server, link, played)
            assert "refused" in link.facts["filter"] and link.facts["unwanted"] > 0

    asyncio.run(main())


def test_a_bad_secret_is_permanent_says_what_to_do_and_keeps_the_secret_to_itself() -> None:
    async def main() -> None:
        async with AmiServer(secret="another") as server:
            error = await ends(server, password="hunter2")
            assert error.permanent
            assert "wallboard" in str(error) and "manager.conf" in str(error) and "hunter2" not in str(error)
            assert "hunter2" not in repr(settings(server, password="hunter2"))

    asyncio.run(main())


def test_the_secret_crosses_the_wire_only_where_asterisk_knows_no_challenge() -> None:
    async def main() -> None:
        async with AmiServer(challenge=False) as server:
            link = KeptLink()
            await session(server, link, link.up.wait)  # type: ignore[arg-type]
            assert "plain text" in link.facts["warning"]

    asyncio.run(main())


def test_a_mute_link_is_noticed_although_the_connection_stands() -> None:
    async def main() -> None:
        async with AmiServer() as server:
            link = KeptLink()

            async def goes_mute() -> None:
                await link.up.wait()
                server.mute = True
                await asyncio.sleep(20)

            with pytest.raises(CollectorError, match="silent") as ended:
                await session(server, link, goes_mute, ping_s=0.1)
            assert not ended.value.permanent

    asyncio.run(main())


def test_the_longest_silence_before_a_mute_link_is_given_up_is_under_fifteen_seconds() -> None:
    most = AsteriskSettings.model_fields["ping_s"]
    longest = max(limit.le for limit in most.metadata if hasattr(limit, "le"))
    assert longest + min(2 * longest, QUIET_MOST_S) < 15


def test_a_quiet_pbx_that_answers_pings_stays_up() -> None:
    async def main() -> None:
        async with AmiServer() as server:
            link = KeptLink()

            async def quiet() -> None:
                await link.up.wait()
                await until(lambda: server.actions.count("Ping") > 8)

            await session(server, link, quiet, ping_s=0.05)

    asyncio.run(main())


def test_a_reset_and_a_message_cut_off_in_the_middle_end_the_session_as_temporary() -> None:
    async def main() -> None:
        for breaking in (AmiServer.reset, AmiServer.drop_mid_message):
            async with AmiServer() as server:
                link = KeptLink()

                async def breaks(
                    server: AmiServer = server, link: KeptLink = link, breaking: Callable[[AmiServer], None] = breaking
                ) -> None:
                    await link.up.wait()
                    breaking(server)
                    await asyncio.sleep(20)

                with pytest.raises(CollectorError, match="connection|closed") as ended:
                    await session(server, link, breaks)
                assert not ended.value.permanent
                assert [type(event) for event in link.events] == [Snapshot]

    asyncio.run(main())


def test_nobody_listening_something_else_listening_and_a_pbx_that_dies_at_once_are_told_apart() -> None:
    async def main() -> None:
        server = AmiServer()
        async with server:
            pass
        assert "is it running" in str(await ends(server))
        async with AmiServer(greeting=b"SSH-2.0-OpenSSH_9.2\r\n") as other:
            error = await ends(other)
            assert "no Asterisk Manager Interface" in str(error) and not error.permanent

        async def dies(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        dying = await asyncio.start_server(dies, "127.0.0.1", 0)
        server.port = dying.sockets[0].getsockname()[1]
        error = await ends(server)
        assert "broke" in str(error) or "before it said anything" in str(error)
        dying.close()

    asyncio.run(main())


def test_a_login_before_app_queue_is_loaded_waits_for_it() -> None:
    async def main() -> None:
        async with AmiServer(trap("t01"), booting=1) as server:
            link = KeptLink()

            async def boots() -> None:
                await until(lambda: server.actions.count("QueueStatus") == 1)
                assert not link.up.is_set()
                server.send("Event: FullyBooted\nPrivilege: system,all\nStatus: Fully Booted\n\n")
                await link.up.wait()

            await session(server, link, boots)
            assert server.actions.count("QueueStatus") == 2

    asyncio.run(main())


def test_a_shutdown_ends_the_session_after_everything_before_it_is_told() -> None:
    async def main() -> None:
        async with AmiServer(trap("t30")) as server:
            link = KeptLink()
            error = await ends(server, link)
            assert "shut down" in str(error) and not error.permanent
            assert told_of(link.events) == truth_of(trap_queue_log("t30").split("|QUEUESTART")[0].rsplit("\n", 1)[0])

    asyncio.run(main())


def test_a_reload_asks_for_the_whole_state_again() -> None:
    async def main() -> None:
        async with AmiServer() as server:
            link = KeptLink()

            async def reloads() -> None:
                await link.up.wait()
                server.send("Event: Reload\nPrivilege: system,all\nModule: app_queue.so\nStatus: 0\n\n")
                await until(lambda: sum(isinstance(event, Snapshot) for event in link.events) == 2)

            await session(server, link, reloads)

    asyncio.run(main())


def test_the_whole_state_is_asked_for_again_from_time_to_time() -> None:
    async def main() -> None:
        async with AmiServer() as server:
            link = KeptLink()

            async def thrice() -> None:
                await until(lambda: sum(isinstance(event, Snapshot) for event in link.events) == 3)

            await session(server, link, thrice, repeat_list_s=1.0)

    asyncio.run(main())


def test_a_slow_log_never_slows_the_reading_of_the_socket() -> None:
    """Asterisk cuts off whoever leaves its bytes unread: the whole recording is taken while the log takes nothing."""

    async def main() -> None:
        async with AmiServer(run_a(), filters=False) as server:
            link = KeptLink()

            async def stalls() -> None:
                await link.up.wait()
                link.open.clear()
                await server.played.wait()  # 16 MB were read although not one event could be written
                link.open.set()
                await until(lambda: told_of(link.events) == truth_of(run_a_queue_log()))

            await session(server, link, stalls)

    asyncio.run(main())


def test_only_the_queues_that_are_asked_for_are_told() -> None:
    async def main() -> None:
        async with AmiServer(trap("t09")) as server:
            link = KeptLink()

            async def played() -> None:
                await server.played.wait()
                await until(lambda: any(isinstance(event, ContactAbandoned) for event in link.events))

            await session(server, link, played, queues=["overflow"])
            contacts = [e for e in link.events if isinstance(e, ContactEntered | ContactLeft | ContactAnswered)]
            assert {event.queue for event in contacts} == {"overflow"}
            snapshot = next(event for event in link.events if isinstance(event, Snapshot))
            assert snapshot.queues == ["overflow"]
            assert all(set(agent.queues) == {"overflow"} for agent in snapshot.agents)

    asyncio.run(main())


def test_what_was_missed_comes_from_the_queue_log_before_the_list_and_a_missing_file_is_only_a_warning(
    tmp_path: Path,
) -> None:
    log = tmp_path / "queue_log"
    now = int(time.time())
    log.write_text(
        f"{now - 90}|u1|sales-en|NONE|ENTERQUEUE||800|1\n{now - 30}|u1|sales-en|Alice Adams|CONNECT|60|u2|5\n"
        f"{now - 20}|u1|sales-en|Alice Adams|COMPLETECALLER|60|10|1\n"
    )

    async def main(path: Path) -> KeptLink:
        async with AmiServer(trap("t01")) as server:
            link = KeptLink(unwatched_since=(now - 60) * 1000)
            await session(server, link, link.up.wait, queue_log=str(path))  # type: ignore[arg-type]
            return link

    link = asyncio.run(main(log))
    kinds = [type(event).__name__ for event in link.events if not isinstance(event, AgentChanged)]
    assert kinds.index("ContactAnswered") < kinds.index("ContactCompleted") < kinds.index("Snapshot")
    snapshot = next(event for event in link.events if isinstance(event, Snapshot))
    assert snapshot.unwatched_since == (now - 60) * 1000
    assert "queue_log" in asyncio.run(main(tmp_path / "nowhere")).facts["warning"]


def test_a_warning_is_taken_back_when_its_cause_is_gone_and_leaves_the_others_alone(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"

    async def main() -> None:
        async with AmiServer(challenge=False) as server:
            link = KeptLink()

            async def mended() -> None:
                await link.up.wait()
                assert "plain text" in link.facts["warning"] and "queue_log" in link.facts["warning"]
                log.write_text(f"{int(time.time())}|u1|sales|NONE|ENTERQUEUE||800|1\n")
                # an end that names no caller makes the log be read again
                server.send("Event: AgentComplete\nQueue: sales\nInterface: SIP/9\nMemberName: Bob\nTalkTime: 7\n\n")
                await until(lambda: "queue_log" not in link.facts["warning"])
                assert "plain text" in link.facts["warning"]

            await session(server, link, mended, queue_log=str(log), repeat_list_s=1.0)

    asyncio.run(main())


def test_a_pbx_whose_clock_is_an_hour_off_is_noticed() -> None:
    async def main() -> None:
        async with AmiServer(clock=lambda: time.time() - 3600) as server:
            link = KeptLink()
            await session(server, link, link.up.wait)  # type: ignore[arg-type]
            assert abs(link.facts["clock_skew_ms"] - 3_600_000) < 2000

    asyncio.run(main())


def test_every_setting_and_the_filters_stand_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "collectors" / "asterisk.md").read_text()
    for name in AsteriskSettings.model_fields:
        assert f"`{name}`" in page, name
    for pattern in FILTERS:
        assert f"eventfilter = {pattern}" in page


@pytest.mark.parametrize(
    ("told", "wraps"), [({}, False), ({"wrap_up_s": 20}, True), ({"wrap_up_s": {"nobody's": 20}}, False)]
)
def test_wrap_up_is_not_reported_where_neither_asterisk_nor_the_settings_have_a_time_for_it(
    told: dict[str, Any], wraps: bool
) -> None:
    async def main() -> None:
        async with AmiServer(run_a()) as server:
            link = KeptLink()
            await session(server, link, lambda: until(link.up.is_set), **told)
            assert ({"wrap", "wrap_up_now"} <= set(link.facts["gives"])) is wraps

    asyncio.run(main())
