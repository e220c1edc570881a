"""A small Asterisk for the contract test: the headers of a real one's events, its state in ``QueueStatus``."""

from __future__ import annotations

from typing import ClassVar

from collectors.asterisk.collector import AsteriskSettings
from tests.collectors.ami_server import SECRET, USER, AmiServer
from tests.collectors.contract.rig import AGENT, QUEUE, Clock, Rig

DEVICE = "PJSIP/1001"


def _text(event: str, headers: dict[str, object], privilege: str = "agent,all") -> str:
    lines = [f"Event: {event}", f"Privilege: {privilege}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(lines) + "\n\n"


class AsteriskRig(Rig):
    """Without its queue_log, so that what nobody watched is not told afterwards."""

    tells_missed: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._entered: dict[str, int] = {}
        self._answered: dict[str, int] = {}
        self._server = AmiServer(clock=lambda: clock() / 1000, listing=self._listing)

    @property
    def settings(self) -> AsteriskSettings:
        return AsteriskSettings(
            host="127.0.0.1",
            port=self._server.port,
            username=USER,
            password=SECRET,
            ping_s=0.2,  # type: ignore[arg-type]
        )

    async def start(self) -> None:
        await self._server.__aenter__()

    async def stop(self) -> None:
        await self._server.stop()

    def new_id(self, number: int) -> str:
        return f"{self.clock() // 1000}.{number}"

    async def said(self, what: str, contact: str) -> None:
        now = self.clock()
        caller: dict[str, object] = {
            "Channel": f"PJSIP/trunk-{contact}", "CallerIDNum": "13800138000", "CallerIDName": "王伟",
            "Uniqueid": contact, "Linkedid": contact, "Queue": QUEUE,
        }  # fmt: skip
        agent = {"Interface": DEVICE, "MemberName": AGENT, "DestUniqueid": f"{contact}9", "DestLinkedid": contact}
        if what == "offer":
            self._entered[contact] = now
            self._say("QueueCallerJoin", caller | {"Position": 1, "Count": len(self.truth.waiting)})
            return
        held_s = (now - self._entered[contact]) // 1000
        if what == "answer":
            self._answered[contact] = now
            self._say("AgentCalled", caller | agent)
            self._say("QueueCallerLeave", caller | {"Position": 1, "Count": len(self.truth.waiting)})
            self._say("AgentConnect", caller | agent | {"HoldTime": held_s, "RingTime": 0})
        elif what == "finish":
            talked_s = (now - self._answered[contact]) // 1000
            self._say("AgentComplete", caller | agent | {"HoldTime": held_s, "TalkTime": talked_s, "Reason": "caller"})
            self._hang_up(caller)
        else:
            self._say("QueueCallerAbandon", caller | {"Position": 1, "OriginalPosition": 1, "HoldTime": held_s})
            self._say("QueueCallerLeave", caller | {"Position": 1, "Count": len(self.truth.waiting)})
            self._hang_up(caller)

    def _say(self, event: str, headers: dict[str, object]) -> None:
        self._server.send(_text(event, headers))

    def _hang_up(self, caller: dict[str, object]) -> None:
        self._server.send(_text("Hangup", caller | {"Cause": 16, "Cause-txt": "Normal Clearing"}, "call,all"))

    def _listing(self) -> list[bytes]:
        params = {"Queue": QUEUE, "Strategy": "ringall", "Calls": len(self.truth.waiting), "ServiceLevel": 20}
        member = {
            "Queue": QUEUE, "Name": AGENT, "Location": DEVICE, "StateInterface": DEVICE, "Membership": "dynamic",
            "InCall": int(bool(self.truth.talking)), "Status": 2 if self.truth.talking else 1, "Paused": 0,
        }  # fmt: skip
        rows = [("QueueParams", params), ("QueueMember", member)]
        for place, contact in enumerate(self.truth.waiting, 1):
            wait = (self.clock() - self._entered[contact]) // 1000
            rows.append(("QueueEntry", {"Queue": QUEUE, "Position": place, "Uniqueid": contact, "Wait": wait}))
        rows.append(("QueueStatusComplete", {"EventList": "Complete", "ListItems": len(rows)}))
        return [self._listed(name, headers) for name, headers in rows]

    @staticmethod
    def _listed(name: str, headers: dict[str, object]) -> bytes:
        lines = [f"Event: {name}", *(f"{key}: {value}" for key, value in headers.items()), "ActionID: x"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def refuse(self) -> None:
        self._server._secret = "another"

    async def drop(self) -> None:
        self._server.drop_mid_message()

    async def mute(self) -> None:
        self._server.mute = True

    async def garbage(self) -> None:
        self._server.send("\x00\xff{not: AMI at all}\n\nEvent\n: :\nUniqueid\n\nEvent: QueueCallerJoin\nQueue\n\n")

    async def slow(self, seconds: float) -> None:
        self._server.delay_s = seconds

    async def recover(self) -> None:
        self._server.mute, self._server.delay_s = False, 0.0
        self._server.reset()
