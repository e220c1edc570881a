"""FreeSWITCH under the contract of every kind: its own event socket, with mod_callcenter's tables and events."""

from __future__ import annotations

from typing import ClassVar

from collectors.freeswitch.collector import FreeSwitchSettings
from tests.collectors.contract.rig import AGENT, QUEUE, Clock, Rig
from tests.collectors.freeswitch.esl_server import PASSWORD, EslServer


class FreeSwitchRig(Rig):
    """One FreeSWITCH. There is no log of what nobody heard: who is gone by then is lost sight of."""

    tells_missed: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._server = EslServer(clock=lambda: clock() / 1000)
        self._server.add_queue(QUEUE)
        self._server.add_agent(AGENT, QUEUE)
        self._members: dict[str, str] = {}

    @property
    def settings(self) -> FreeSwitchSettings:
        return FreeSwitchSettings(host="127.0.0.1", port=self._server.port, password=PASSWORD, poll_s=0.2, ping_s=0.5)  # type: ignore[arg-type]

    async def start(self) -> None:
        await self._server.__aenter__()

    async def stop(self) -> None:
        await self._server.stop()

    async def said(self, what: str, contact: str) -> None:
        server = self._server
        if what == "offer":
            self._members[contact] = server.call_enters(QUEUE)
        elif what == "answer":
            server.answer(self._members[contact], AGENT)
        elif what == "finish":
            server.end(self._members[contact])
        else:
            server.abandon(self._members[contact])

    async def refuse(self) -> None:
        self._server.refuse_login()

    async def drop(self) -> None:
        self._server.drop()

    async def mute(self) -> None:
        self._server.mute()

    async def garbage(self) -> None:
        self._server.garbage()

    async def slow(self, seconds: float) -> None:
        self._server.slow(seconds)

    async def recover(self) -> None:
        self._server.mute(False)
        self._server.slow(0)
        self._server.drop()
