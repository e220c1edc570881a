"""The whole way: a PBX that speaks AMI over TCP and writes its queue_log, a link that breaks, the supervisor, Redis, the fold."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from collectors import event_log
from collectors import events as e
from collectors.asterisk.collector import AsteriskSettings
from collectors.supervisor import Pace, collect
from operations.floor.floor import Floor
from tests.collectors.ami_server import SECRET, USER, AmiServer
from tests.collectors.recordings import Recording
from tests.collectors.redis_process import RedisProcess

FAST = Pace(poll_s=0.02, status_s=0.02, heartbeat_s=0.05, backoff_first_s=0.02, backoff_most_s=0.1, redis_retry_s=0.02)
Row = tuple[str, str, str]
"""Contact, agent, verb and fields."""


class Pbx:
    """Says everything twice, as Asterisk does: on the wire (while somebody can hear) and in the log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._waiting: dict[str, float] = {}
        self._entered: dict[str, float] = {}
        self._answered: dict[str, float] = {}
        self.server = AmiServer()
        self.port = 0

    async def starts(self) -> None:
        self.server = AmiServer()
        self._list_changed()
        self.server.port = self.port
        await self.server.__aenter__()
        self.port = self.server.port

    def _list_changed(self) -> None:
        """What QueueStatus answers from now on."""
        rows = ["Event: QueueParams\nQueue: q\nActionID: 1\n\n"]
        for contact, since in self._waiting.items():
            wait = int(time.time() - since)
            rows.append(f"Event: QueueEntry\nQueue: q\nUniqueid: {contact}\nPosition: 1\nWait: {wait}\nActionID: 1\n\n")
        rows.append("Event: QueueStatusComplete\nActionID: 1\nEventList: Complete\n\n")
        listed = [row.replace("\n", "\r\n").encode() for row in rows]
        self.server._recording = Recording(b"", [(0, row) for row in listed])
        for client in self.server._clients:
            client._list = listed

    async def link_breaks(self) -> None:
        await self.server.stop()

    def _since(self, moments: dict[str, float], contact: str) -> int:
        """Whole seconds as Asterisk counts them: the difference of two clocks without fractions."""
        return int(time.time()) - int(moments[contact])

    def _logs(self, contact: str, agent: str, words: str) -> None:
        with self._log.open("a") as file:
            file.write(f"{int(time.time())}|{contact}|q|{agent}|{words}\n")

    def _says(self, event: str, contact: str, **headers: object) -> None:
        more = "".join(f"{name}: {value}\n" for name, value in headers.items())
        whose = f"Uniqueid: {contact}\n" if contact else ""
        self.server.send(f"Event: {event}\nPrivilege: agent,all\nQueue: q\n{whose}{more}\n")

    def enters(self, contact: str) -> None:
        self._waiting[contact] = self._entered[contact] = time.time()
        self._list_changed()
        self._logs(contact, "NONE", "ENTERQUEUE||800|1")
        self._says("QueueCallerJoin", contact, Position=1, Count=1)

    def answers(self, contact: str, agent: str) -> None:
        self._gone(contact)
        self._answered[contact] = time.time()
        wait = self._since(self._entered, contact)
        self._logs(contact, agent, f"CONNECT|{wait}|x|0")
        self._says("QueueCallerLeave", contact)
        self._says("AgentConnect", contact, Interface=f"SIP/{agent}", MemberName=agent, HoldTime=wait, RingTime=0)

    def ends(self, contact: str, verb: str) -> None:
        """Without an answer; told by the log alone, for the link is away."""
        self._gone(contact)
        self._logs(contact, "NONE", f"{verb}|1|1|{self._since(self._entered, contact)}")

    def transfers(self, contact: str, agent: str) -> None:
        hold, talk = self._times(contact)
        self._logs(contact, agent, f"BLINDTRANSFER|7|ctx|{hold}|{talk}|1")

    def completes(self, contact: str, agent: str, *, named: bool = True) -> None:
        hold, talk = self._times(contact)
        self._logs(contact, agent, f"COMPLETECALLER|{hold}|{talk}|1")
        more = {
            "Interface": f"SIP/{agent}",
            "MemberName": agent,
            "HoldTime": hold,
            "TalkTime": talk,
            "Reason": "caller",
        }
        self._says("AgentComplete", contact if named else "", **more)

    def _times(self, contact: str) -> tuple[int, int]:
        hold = int(self._answered[contact]) - int(self._entered[contact])
        return hold, self._since(self._answered, contact)

    def _gone(self, contact: str) -> None:
        self._waiting.pop(contact)
        self._list_changed()


def told(redis_process: RedisProcess) -> list[e.AnyEvent]:
    with redis_process.client() as client:
        entries = event_log.read(client, {"hq": "0"}, None, count=100_000).get("hq", [])
    return [event for _, batch in entries for event in e.decode(batch)]


def counted(redis_process: RedisProcess) -> dict[str, int]:
    floor = Floor()
    for event in told(redis_process):
        floor.apply(event)
    total: Counter[str] = Counter(waiting=sum(len(contacts) for contacts in floor.waiting.values()))
    for (row, _), cell in floor.delta.items():
        if row == "q":
            total.update({name: count for name, count in cell.n.items() if not name.endswith("_ms")})
    return {name: count for name, count in total.items() if count}


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


async def watched(
    redis_process: RedisProcess,
    log: Path,
    settings: dict[str, str],
    story: Callable[[Pbx, Callable[[str], Awaitable[None]]], Awaitable[None]],
) -> None:
    """Collect while the story goes on; ``source_is(state)`` waits for what the status says."""
    pbx = Pbx(log)
    await pbx.starts()
    block = AsteriskSettings.model_validate(
        {"host": "127.0.0.1", "port": pbx.port, "username": USER, "password": SECRET, "repeat_list_s": 1.0, **settings}
    )
    stop = asyncio.Event()
    client = redis_process.async_client()
    clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000  # noqa: E731
    task = asyncio.create_task(
        collect(lambda: {"hq": block}, client, clock=clock, stop=stop, instance="test", pace=FAST)
    )

    def state() -> str:
        with redis_process.client() as reader:
            raw = reader.get(event_log.status_key("hq"))
        return str(json.loads(raw)["state"]) if raw else ""  # type: ignore[arg-type]

    async def source_is(wanted: str) -> None:
        await until(lambda: state() == wanted)

    try:
        await story(pbx, source_is)
    finally:
        stop.set()
        await task
        await pbx.link_breaks()
        await client.aclose()


def entered(redis_process: RedisProcess, *contacts: str) -> bool:
    return set(contacts) <= {event.contact for event in told(redis_process) if isinstance(event, e.ContactEntered)}


def the_gap(redis_process: RedisProcess) -> Callable[[Pbx, Callable[[str], Awaitable[None]]], Awaitable[None]]:
    async def story(pbx: Pbx, source_is: Callable[[str], Awaitable[None]]) -> None:
        await source_is("up")
        for contact in "abce":
            pbx.enters(contact)
        pbx.answers("e", "Eve")
        await until(lambda: any(isinstance(event, e.ContactAnswered) for event in told(redis_process)))
        await pbx.link_breaks()
        await source_is("down")
        pbx.ends("a", "ABANDON")
        pbx.answers("b", "Bob")
        pbx.enters("d")
        pbx.ends("d", "EXITWITHTIMEOUT")
        pbx.transfers("e", "Eve")
        pbx.enters("f")
        pbx.ends("f", "ABANDON")
        await pbx.starts()
        await source_is("up")
        pbx.answers("c", "Cat")
        pbx.completes("c", "Cat")
        pbx.completes("b", "Bob", named=False)
        await until(lambda: sum(isinstance(event, e.Snapshot) for event in told(redis_process)) >= 4)

    return story


def test_contacts_that_ended_while_the_link_was_away_get_their_true_outcome(
    empty_redis: RedisProcess, tmp_path: Path
) -> None:
    log = tmp_path / "queue_log"
    log.touch()
    asyncio.run(watched(empty_redis, log, {"queue_log": str(log)}, the_gap(empty_redis)))
    assert counted(empty_redis) == {
        "offered": 6,
        "answered": 3,
        "abandoned": 2,
        "left_timeout": 1,
        "handled": 3,
        "transferred": 1,
    }


def test_without_the_log_they_are_lost_out_of_sight(empty_redis: RedisProcess, tmp_path: Path) -> None:
    asyncio.run(watched(empty_redis, tmp_path / "queue_log", {}, the_gap(empty_redis)))
    assert counted(empty_redis) == {"offered": 4, "answered": 2, "lost_sight": 2, "handled": 1}


def test_a_source_that_was_never_watched_is_told_from_its_log(empty_redis: RedisProcess, tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    now = int(time.time())
    log.write_text(
        f"{now - 200_000}|z|q|NONE|ENTERQUEUE||1|1\n{now - 199_990}|z|q|NONE|ABANDON|1|1|10\n"
        f"{now - 7200}|x|q|NONE|ENTERQUEUE||1|1\n{now - 7190}|x|q|Ann|CONNECT|10|y|3\n{now - 7100}|x|q|Ann|COMPLETEAGENT|10|90|1\n"
    )

    async def story(pbx: Pbx, source_is: Callable[[str], Awaitable[None]]) -> None:
        await source_is("up")

    asyncio.run(watched(empty_redis, log, {"queue_log": str(log)}, story))
    assert counted(empty_redis) == {"offered": 1, "answered": 1, "handled": 1}
