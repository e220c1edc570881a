"""One session over real TCP: the login, the rights, the tables, the watchdog."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from collectors.collector import CollectorError
from collectors.events import AgentChanged, ContactEntered, Snapshot
from collectors.followed.wire import QUIET_MOST_S
from collectors.freeswitch.collector import FreeSwitchCollector, FreeSwitchSettings
from collectors.freeswitch.connection import READ_ONLY, Connection
from tests.collectors.asterisk_link import KeptLink
from tests.collectors.freeswitch.esl_server import PASSWORD, USER, USER_PASSWORD, EslServer
from tests.collectors.freeswitch.floor import totals
from tests.collectors.freeswitch.frames import frame

Q = "support@pbx.example"


def settings(port: int, **more: Any) -> FreeSwitchSettings:
    return FreeSwitchSettings(**{"host": "127.0.0.1", "port": port, "password": PASSWORD, "poll_s": 0.1} | more)


def a_centre(**more: Any) -> EslServer:
    server = EslServer(**more)
    server.add_queue(Q)
    server.add_agent("anna", Q)
    return server


async def ended(server: EslServer, link: KeptLink | None = None, **more: Any) -> CollectorError:
    """Why the session ended."""
    with pytest.raises(CollectorError) as caught:
        async with asyncio.timeout(20):
            await FreeSwitchCollector("hq", settings(server.port, **more)).run(link or KeptLink())
    return caught.value


def watch(scenario: Callable[[EslServer, KeptLink, asyncio.Task[None]], Awaitable[None]], **more: Any) -> KeptLink:
    """A session that is up, and what happens then; ended at the end."""
    server_says = {name: more.pop(name) for name in ("piece",) if name in more}
    link = KeptLink()

    async def main() -> None:
        async with a_centre(**server_says) as server:
            session = asyncio.create_task(FreeSwitchCollector("hq", settings(server.port, **more)).run(link))
            async with asyncio.timeout(20):
                await link.up.wait()
                await scenario(server, link, session)
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)

    asyncio.run(main())
    return link


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


# ── the login ─────────────────────────────────────────────────────────────────────────────────────


def test_a_session_says_its_version_its_clock_and_its_state_before_it_is_up() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        assert isinstance(link.events[0], Snapshot)
        assert link.detail.startswith("FreeSWITCH 1.10.12")
        assert abs(link.facts["clock_skew_ms"]) < 5_000
        assert link.facts["holds"] == "heard"
        assert server.commands[0] == f"auth {PASSWORD}"

    watch(look)


def test_a_user_of_the_directory_logs_in_with_rights_of_its_own() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        assert server.commands[0] == f"userauth {USER}:{USER_PASSWORD}"

    watch(look, user=USER, password=USER_PASSWORD)


@pytest.mark.parametrize(
    ("more", "look_at"),
    [({"password": "a-wrong-canary"}, "event_socket.conf.xml"), ({"user": "eve@pbx.example"}, "eve@pbx.example")],
)
def test_a_refused_login_is_permanent_and_keeps_the_password_to_itself(
    more: dict[str, str], look_at: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with a_centre() as server:
            link = KeptLink()
            error = await ended(server, link, **more)
            assert error.permanent
            assert look_at in str(error)
            for told in (str(error), repr(error), repr(link.facts), caplog.text, repr(settings(1, **more))):
                assert "canary" not in told

    asyncio.run(main())


@pytest.mark.parametrize("password", ["", "two\nlines", "api\r\n", "nul\0"])
def test_a_password_that_cannot_be_sent_is_permanent_and_nothing_is_sent(password: str) -> None:
    async def main() -> None:
        async with a_centre() as server:
            error = await ended(server, password=password)
            assert error.permanent
            assert server.commands == []

    asyncio.run(main())


@pytest.mark.parametrize("user", ["nobody", "a@b:c", "a b@c", "a@b\nexit", ""])
def test_a_user_is_a_name_and_a_domain(user: str) -> None:
    with pytest.raises(ValueError, match="user"):
        settings(1, user=user)


def test_an_address_that_is_not_let_in_is_permanent() -> None:
    async def main() -> None:
        async with a_centre() as server:
            server.shut_out()
            error = await ended(server)
            assert error.permanent
            assert "acl.conf.xml" in str(error)

    asyncio.run(main())


def test_nobody_there_is_temporary_and_says_where_to_look() -> None:
    async def main() -> None:
        async with a_centre() as server:
            pass
        error = await ended(server)
        assert not error.permanent
        assert "mod_event_socket" in str(error)

    asyncio.run(main())


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n\n\n", b"HTTP/1.1 400 Bad Request\r\n\r\n\n\n", b"\x00" * 70_000]
)
def test_another_service_on_the_port_is_named_as_such(greeting: bytes) -> None:
    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as other:
            server = EslServer()
            server.port = other.sockets[0].getsockname()[1]
            error = await ended(server)
            assert "right port" in str(error)

    asyncio.run(main())


# ── rights ────────────────────────────────────────────────────────────────────────────────────────


def test_without_the_right_to_the_events_the_error_names_it() -> None:
    async def main() -> None:
        async with a_centre() as server:
            server.denied = {"event plain CUSTOM"}
            error = await ended(server)
            assert error.permanent
            assert "esl-allowed-events" in str(error)

    asyncio.run(main())


def test_without_the_right_to_the_tables_the_error_names_it() -> None:
    async def main() -> None:
        async with a_centre() as server:
            server.denied = {"api callcenter_config"}
            error = await ended(server)
            assert error.permanent
            assert "esl-allowed-api" in str(error)

    asyncio.run(main())


def test_without_the_lesser_rights_everything_but_hold_and_version_is_there() -> None:
    link = KeptLink()

    async def main() -> None:
        async with a_centre() as server:
            server.denied = {"event plain CHANNEL", "api version", "api strmicroepoch"}
            session = asyncio.create_task(FreeSwitchCollector("hq", settings(server.port)).run(link))
            await until(link.up.is_set)
            server.abandon(server.call_enters(Q))
            await until(lambda: totals(link.events, Q) == {"offered": 1, "abandoned": 1})
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)

    asyncio.run(main())
    assert "permission denied" in link.facts["holds"]
    assert "hold" not in link.facts["gives"]
    assert "talk" in link.facts["gives"]
    assert link.detail == "FreeSWITCH"
    assert "clock_skew_ms" not in link.facts


def test_nothing_is_ever_sent_that_changes_anything() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        await until(lambda: server.commands.count("api callcenter_config tier list") > 2)
        verbs = {" ".join(command.split()[:4]) for command in server.commands[1:]}
        assert verbs == {
            "event plain CUSTOM callcenter::info", "event plain CHANNEL_HOLD CHANNEL_UNHOLD", "api version",
            "api strmicroepoch", "api callcenter_config queue list", "api callcenter_config agent list",
            "api callcenter_config tier list",
        }  # fmt: skip

    watch(look)

    async def refuses() -> None:
        connection = Connection(None)  # type: ignore[arg-type]
        for command in (
            "api reloadxml",
            "bgapi version",
            "api callcenter_config agent del anna",
            "sendevent X",
            "exit",
        ):
            assert not command.startswith(READ_ONLY)
            with pytest.raises(ValueError, match="only read"):
                connection.tell(command)

    asyncio.run(refuses())


# ── tables ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "answer", "says"),
    [
        ("callcenter_config queue list", "-ERR callcenter_config Command not found!\n", "load mod_callcenter"),
        ("callcenter_config queue list", "", "load mod_callcenter"),
        ("callcenter_config agent list", "who|what\na|b\n+OK\n", "name, status, state are missing"),
        ("callcenter_config tier list", "queue|agent\na|b\n", "does not end with"),
        (f"callcenter_config queue list members {Q}", "\x00\x01garbage", "does not end with"),
    ],
)
def test_a_wrong_table_ends_the_session_and_is_named(command: str, answer: str, says: str) -> None:
    async def main() -> None:
        async with a_centre() as server:
            server.answers[command] = answer
            link = KeptLink()
            error = await ended(server, link)
            assert says in str(error)
            assert not error.permanent
            assert not link.up.is_set()
            assert not any(isinstance(event, Snapshot) for event in link.events)

    asyncio.run(main())


def test_what_happens_between_a_table_and_its_answer_counts_once() -> None:
    async def main() -> None:
        link = KeptLink()
        async with a_centre() as server:
            happened: list[str] = []

            def meanwhile(command: str) -> None:
                if "callcenter_config" in command:
                    happened.append(command)
                    member = server.call_enters(Q)
                    server.answer(member, "anna")
                    server.end(member)
                    server.abandon(server.call_enters(Q))
                    server.call_enters(Q)

            server.before_answer = meanwhile
            session = asyncio.create_task(FreeSwitchCollector("hq", settings(server.port, poll_s=0.05)).run(link))
            await until(lambda: len(happened) >= 12)
            server.before_answer = None
            n = len(happened)
            await until(lambda: totals(link.events, Q).get("offered") == 3 * n)
            asked = len(server.commands)
            await until(lambda: len(server.commands) > asked + 10)  # two more polls find nothing to correct
            counted = {"offered": 3 * n, "answered": n, "handled": n, "abandoned": n, "waiting": n}
            assert totals(link.events, Q) == counted
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.parametrize("name", ["two words", "Anna's line", "back\\slash and 'quotes'", " led by a blank"])
def test_whoever_waits_in_a_queue_of_any_name_waits_on_over_a_reconnect(name: str) -> None:
    link = KeptLink()

    async def main() -> None:
        async with a_centre() as server:
            server.add_queue(name)
            server.call_enters(name)
            for unwatched_since in (None, link.now_ms()):
                again = KeptLink(unwatched_since)
                session = asyncio.create_task(FreeSwitchCollector("hq", settings(server.port)).run(again))
                await until(again.up.is_set)
                session.cancel()
                await asyncio.gather(session, return_exceptions=True)
                link.events += again.events

    asyncio.run(main())
    assert totals(link.events, name) == {"offered": 1, "waiting": 1}


def test_a_queue_that_nobody_can_ask_about_is_not_followed_by_its_events_either() -> None:
    async def story(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        server.call_enters("two\nlines")
        server.call_enters(Q)
        await until(lambda: totals(link.events, Q))

    link = watch(story)
    assert not totals(link.events, "two\nlines")


def test_an_agent_whom_nobody_knows_makes_the_poll_come_early() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        began = time.monotonic()
        server.add_agent("new", Q)
        await until(lambda: any(isinstance(event, AgentChanged) and event.agent == "new" for event in link.events))
        assert time.monotonic() - began < 60

    watch(look, poll_s=200)


# ── the wire ──────────────────────────────────────────────────────────────────────────────────────


def test_a_wire_that_brings_a_byte_at_a_time_says_the_same() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        member = server.call_enters(Q, name="王小明 Evil%0ACC-Action: member-queue-end")
        await until(lambda: any(isinstance(event, ContactEntered) for event in link.events))
        server.answer(member, "anna")
        server.end(member)
        await until(lambda: totals(link.events, Q) == {"offered": 1, "answered": 1, "handled": 1})
        (entered,) = [event for event in link.events if isinstance(event, ContactEntered)]
        assert entered.caller_name == "王小明 Evil\nCC-Action: member-queue-end"

    watch(look, piece=1)


def test_a_mute_link_is_given_up_after_a_ping_that_nobody_answers() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        server.mute()
        with pytest.raises(CollectorError, match="silent|did not answer"):
            await session
        assert server.commands[-1] == "api strmicroepoch"

    watch(look, poll_s=200, ping_s=0.2)


def test_the_longest_silence_that_is_borne_is_under_fifteen_seconds() -> None:
    """With the longest ``ping_s`` that the settings allow."""
    longest = max(
        constraint.le for constraint in FreeSwitchSettings.model_fields["ping_s"].metadata if hasattr(constraint, "le")
    )
    assert longest + min(2 * longest, QUIET_MOST_S) < 15


def test_a_quiet_link_that_answers_pings_stays_up() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        await until(lambda: server.commands.count("api strmicroepoch") > 5)
        assert not session.done()

    watch(look, poll_s=200, ping_s=0.05)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("disconnect_notice", "shutting down"),
        ("garbage", "right port"),
        ("drop", "connection"),
    ],
)
def test_every_way_to_end_a_session_is_said(what: str, says: str) -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        getattr(server, what)()
        with pytest.raises(CollectorError, match=says) as caught:
            await session
        assert not caught.value.permanent

    watch(look)


def test_a_huge_length_is_refused_at_once_and_not_waited_for() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        server.send(b"Content-Length: 99999999999\nContent-Type: text/event-plain\n\n")
        with pytest.raises(CollectorError, match="impossible length"):
            await session

    watch(look)


def test_frames_that_nobody_asked_for_are_passed_over() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        server.send(frame("log/data", b"[INFO] something\n", Log_Level="6"))
        server.send(frame("text/event-json", b"{}"))
        server.call_enters(Q)
        await until(lambda: totals(link.events, Q) == {"offered": 1, "waiting": 1})
        assert not session.done()

    watch(look)


def test_a_flood_is_followed_to_its_last_event() -> None:
    async def look(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        for _ in range(2_000):
            member = server.call_enters(Q)
            server.answer(member, "anna")
            server.end(member)
        await until(lambda: sum(isinstance(event, ContactEntered) for event in link.events) == 2_000)
        await until(lambda: totals(link.events, Q) == {"offered": 2_000, "answered": 2_000, "handled": 2_000})

    watch(look)


def test_a_log_that_takes_nothing_never_slows_the_reading_of_the_socket() -> None:
    """FreeSWITCH drops events for whoever leaves them unread, and says so nowhere."""

    async def stalls(server: EslServer, link: KeptLink, session: asyncio.Task[None]) -> None:
        link.open.clear()
        for _ in range(2_000):
            member = server.call_enters(Q)
            server.answer(member, "anna")
            server.end(member)
        assert server.unread > 10_000_000
        await until(lambda: server.unread == 0)
        link.open.set()
        await until(lambda: totals(link.events, Q) == {"offered": 2_000, "answered": 2_000, "handled": 2_000})

    watch(stalls, poll_s=200)
