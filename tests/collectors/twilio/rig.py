"""Twilio TaskRouter for the contract test."""

from __future__ import annotations

from collectors.twilio.settings import TwilioSettings
from tests.collectors.contract.rig import AGENT, QUEUE, Clock, Rig
from tests.collectors.http_acd import Told
from tests.collectors.twilio.taskrouter import ACCOUNT, TOKEN, WORKSPACE, Task, TaskRouter, Worker


class TwilioRig(Rig):
    """Its statistics are asked for by quarters of an hour in UTC, whatever its zone; what was missed is in them."""

    signs_in = True

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.router = TaskRouter(clock, (QUEUE, "support"))
        self.router.workers.append(Worker(AGENT, [QUEUE], since=clock()))

    @property
    def settings(self) -> TwilioSettings:
        return TwilioSettings.model_validate(
            {
                "account_sid": ACCOUNT, "workspace_sid": WORKSPACE, "auth_token": TOKEN, "api_url": self.router.http.url,
                "poll_s": 1, "totals_s": 1,
            }
        )  # fmt: skip

    async def start(self) -> None:
        await self.router.http.start()

    async def stop(self) -> None:
        await self.router.http.stop()

    async def said(self, what: str, contact: str) -> None:
        router, now = self.router, self.clock()
        if what == "offer":
            router.book(QUEUE, "tasks_entered")
            router.tasks.append(Task(contact, QUEUE, now, updated_at=now))
            return
        task = next(task for task in router.tasks if task.name == contact)
        wait_ms = now - task.entered_at
        if what == "answer":
            router.book(QUEUE, "reservations_accepted", wait_ms)
            task.status, task.reservations[AGENT], task.updated_at = "assigned", "accepted", now
            return
        router.book(QUEUE, "tasks_completed" if what == "finish" else "tasks_canceled", wait_ms)
        router.tasks.remove(task)

    async def sign_in(self, agent: str) -> None:
        self.router.workers.append(Worker(agent, [QUEUE], since=self.clock()))

    async def refuse(self) -> None:
        self.router.login = (ACCOUNT, "another-token")

    async def drop(self) -> None:
        self.router.http.drop()

    async def mute(self) -> None:
        self.router.http.is_mute = True

    async def garbage(self) -> None:
        self.router.http.instead = Told(b"<html>maintenance</html>")

    async def slow(self, seconds: float) -> None:
        self.router.http.delay_s = seconds

    async def recover(self) -> None:
        self.router.http.recover()
