"""Genesys Cloud for the contract test."""

from __future__ import annotations

from collectors.genesys.settings import GenesysSettings
from tests.collectors.contract.rig import AGENT, QUEUE, Clock, Rig
from tests.collectors.genesys.cloud import CLIENT, SECRET, GenesysCloud, Member
from tests.collectors.http_acd import Told


class GenesysRig(Rig):
    """Its accounts are kept by quarters of an hour in UTC, whatever its zone; what was missed is in them."""

    signs_in = True

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.cloud = GenesysCloud(clock, (QUEUE, "support"))
        self.cloud.floor.members.append(Member("user-li", AGENT, {QUEUE: True}, since=clock()))
        self._entered: dict[str, int] = {}

    @property
    def settings(self) -> GenesysSettings:
        return GenesysSettings.model_validate(
            {
                "client_id": CLIENT, "client_secret": SECRET, "api_url": self.cloud.http.url, "login_url": self.cloud.http.url,
                "poll_s": 1, "totals_s": 1,
            }
        )  # fmt: skip

    async def start(self) -> None:
        await self.cloud.start()

    async def stop(self) -> None:
        await self.cloud.stop()

    async def said(self, what: str, contact: str) -> None:
        now, floor, member = self.clock(), self.cloud.floor, self.cloud.floor.members[0]
        if what == "offer":
            self._entered[contact] = now
            self.cloud.book(QUEUE, "nOffered")
        elif what == "finish":
            self.cloud.book(QUEUE, "tHandle", 1000)
            self.cloud.book(QUEUE, "tTalkComplete", 1000)
            member.status, member.since = "IDLE", now
        else:
            wait = now - self._entered[contact]
            self.cloud.book(QUEUE, "tAnswered" if what == "answer" else "tAbandon", wait)
            if what == "answer":
                member.status, member.since = "INTERACTING", now
        floor.waiting[QUEUE] = [self._entered[waiting] for waiting in self.truth.waiting]
        if not self.cloud.http.is_mute:
            await self.cloud.push(QUEUE)

    async def sign_in(self, agent: str) -> None:
        self.cloud.floor.members.append(Member(f"user {agent}", agent, {QUEUE: True}, since=self.clock()))

    async def refuse(self) -> None:
        self.cloud.refuses = True

    async def drop(self) -> None:
        self.cloud.drop()

    async def mute(self) -> None:
        self.cloud.http.is_mute = True
        self.cloud.answers_pings = False

    async def garbage(self) -> None:
        self.cloud.http.instead = Told(b"<html>maintenance</html>")
        await self.cloud.say("{no json")

    async def slow(self, seconds: float) -> None:
        self.cloud.http.delay_s = seconds

    async def recover(self) -> None:
        self.cloud.answers_pings = True
        self.cloud.http.recover()
