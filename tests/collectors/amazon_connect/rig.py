"""An Amazon Connect instance on a loopback socket, in the REST-JSON that boto3 speaks; it counts as Amazon's metrics are defined.

A contact's record, and with it ``CONTACTS_HANDLED`` and everything about how long things took, is written when the contact is over;
``…_BY_ENQUEUE`` and ``…_BY_CONNECTED_TO_AGENT`` are counted when it happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr

from collectors.amazon_connect.settings import AmazonConnectSettings
from collectors.polled.quarters import QUARTER_MS
from tests.collectors.contract.rig import QUEUE, Clock, Rig
from tests.collectors.http_acd import Asked, HttpAcd, Told

INSTANCE = "11111111-2222-3333-4444-555555555555"
ARN = f"arn:aws:connect:eu-central-1:123456789012:instance/{INSTANCE}"
QUEUE_ID, PROFILE_ID, USER_ID = "queue-1", "profile-1", "user-1"
AVAILABLE = f"{ARN}/agent-state/available"


@dataclass
class Contact:
    """Times in epoch ms, None until it happened."""

    queued_at: int
    connected_at: int | None = None
    over_at: int | None = None
    abandoned_at: int | None = None


class AmazonConnectRig(Rig):
    signs_in = True
    answered: Literal["when_over", "when_connected"] = "when_connected"

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.server = HttpAcd(self._answer, clock)
        self.contacts: dict[str, Contact] = {}
        self.signed_in_at = {USER_ID: clock()}
        self.names = {USER_ID: ("Li Wei", "李伟")}
        self.limited = ""
        """The part of the API that is throttled, as its path begins."""

    @property
    def settings(self) -> AmazonConnectSettings:
        return AmazonConnectSettings(
            instance_arn=ARN,
            access_key_id="AKIDEXAMPLE",
            secret_access_key=SecretStr("a-canary-of-a-secret"),
            session_token=SecretStr("a-canary-of-a-token"),
            endpoint_url=self.server.url,
            answered=self.answered,
            poll_s=1,
            accounts_s=1,
        )

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    async def said(self, what: str, contact: str) -> None:
        now = self.clock()
        if what == "offer":
            self.contacts[contact] = Contact(now)
        elif what == "answer":
            self.contacts[contact].connected_at = now
        elif what == "finish":
            self.contacts[contact].over_at = now
        else:
            self.contacts[contact].abandoned_at = now

    async def sign_in(self, agent: str) -> None:
        first, _, last = agent.partition(" ")
        self.names[f"user {agent}"] = (first, last)
        self.signed_in_at[f"user {agent}"] = self.clock()

    async def refuse(self) -> None:
        self.server.instead = Told(
            {"message": "The security token included in the request is invalid."},
            403,
            {"x-amzn-ErrorType": "UnrecognizedClientException"},
        )

    async def drop(self) -> None:
        self.server.drop()

    async def mute(self) -> None:
        self.server.is_mute = True

    async def garbage(self) -> None:
        self.server.instead = Told(b"<html>\xff\xfe a proxy's page </html>")

    async def slow(self, seconds: float) -> None:
        self.server.delay_s = seconds

    async def recover(self) -> None:
        self.server.recover()

    # ── the API ───────────────────────────────────────────────────────────────────────────────────

    def _answer(self, asked: Asked) -> Told:
        head, _, _ = asked.path.lstrip("/").partition(f"/{INSTANCE}")
        answers = {
            "queues-summary": lambda: {"QueueSummaryList": [{"Id": QUEUE_ID, "Arn": f"{ARN}/queue/{QUEUE_ID}", "Name": QUEUE, "QueueType": "STANDARD"}]},
            "routing-profiles-summary": lambda: {"RoutingProfileSummaryList": [{"Id": PROFILE_ID, "Name": "All"}]},
            "routing-profiles": lambda: {"RoutingProfileQueueConfigSummaryList": [{"QueueId": QUEUE_ID, "QueueArn": f"{ARN}/queue/{QUEUE_ID}", "QueueName": QUEUE, "Priority": 1, "Delay": 0, "Channel": "VOICE"}]},
            "agent-status": lambda: {"AgentStatusSummaryList": [{"Id": "available", "Arn": AVAILABLE, "Name": "Available", "Type": "ROUTABLE"}]},
            "search-users": lambda: {"Users": [{"Id": user, "Username": user, "IdentityInfo": {"FirstName": first, "LastName": last}} for user, (first, last) in self.names.items()]},
            "metrics/current": self._current,
            "metrics/userdata": self._users,
            "metrics/data": lambda: self._quarters(asked.json),
        }  # fmt: skip
        if self.limited and head == self.limited:
            return Told({"message": "Rate exceeded"}, 429, {"x-amzn-ErrorType": "TooManyRequestsException"})
        found = answers.get(head)
        return Told(found()) if found else Told({"message": f"no {asked.path}"}, 404)

    def _current(self) -> dict[str, Any]:
        waiting = [contact.queued_at for name, contact in self.contacts.items() if name in self.truth.waiting]
        values = {"CONTACTS_IN_QUEUE": len(waiting), "OLDEST_CONTACT_AGE": 0}
        if waiting:
            values["OLDEST_CONTACT_AGE"] = (self.clock() - min(waiting)) // 1000
        told = [
            {"Metric": {"Name": name, "Unit": "COUNT" if "IN_QUEUE" in name else "SECONDS"}, "Value": float(value)}
            for name, value in values.items()
        ]
        where = {"Queue": {"Id": QUEUE_ID, "Arn": f"{ARN}/queue/{QUEUE_ID}"}}
        return {
            "MetricResults": [{"Dimensions": where, "Collections": told}],
            "DataSnapshotTime": self.clock() / 1000,
        }

    def _users(self) -> dict[str, Any]:
        talking = [(name, self.contacts[name]) for name in self.truth.talking]
        contacts = [
            {
                "ContactId": name,
                "Channel": "VOICE",
                "InitiationMethod": "INBOUND",
                "AgentContactState": "CONNECTED",
                "StateStartTimestamp": (contact.connected_at or 0) / 1000,
                "ConnectedToAgentTimestamp": (contact.connected_at or 0) / 1000,
                "Queue": {"Id": QUEUE_ID},
            }
            for name, contact in talking
        ]
        return {
            "UserDataList": [
                {
                    "User": {"Id": user, "Arn": f"{ARN}/agent/{user}"},
                    "RoutingProfile": {"Id": PROFILE_ID},
                    "Status": {
                        "StatusStartTimestamp": since / 1000,
                        "StatusArn": AVAILABLE,
                        "StatusName": "Available",
                    },
                    "Contacts": contacts if user == USER_ID else [],
                }
                for user, since in self.signed_in_at.items()
            ]
        }

    def _quarters(self, asked: dict[str, Any]) -> dict[str, Any]:
        first, until = round(asked["StartTime"] * 1000), round(asked["EndTime"] * 1000)
        assert until <= self.clock(), "EndTime is later than now"
        assert len(asked["Filters"][0]["FilterValues"]) <= 100
        results = []
        for start in range(first, until, QUARTER_MS):
            collections = [
                {"Metric": metric, "Value": value}
                for metric in asked["Metrics"]
                if (value := self._metric(metric, start)) is not None
            ]
            if any(item["Value"] for item in collections):
                interval = {
                    "Interval": "FIFTEEN_MIN",
                    "StartTime": start / 1000,
                    "EndTime": (start + QUARTER_MS) / 1000,
                }
                results.append(
                    {"Dimensions": {"QUEUE": QUEUE_ID}, "MetricInterval": interval, "Collections": collections}
                )
        return {"MetricResults": results}

    def _metric(self, metric: dict[str, Any], start: int) -> float | None:
        def here(at: int | None) -> bool:
            return at is not None and start <= at < start + QUARTER_MS

        def within(contact: Contact, at: int | None) -> bool:
            return at is not None and at - contact.queued_at <= metric["Threshold"][0]["ThresholdValue"] * 1000

        contacts = list(self.contacts.values())
        over = [contact for contact in contacts if here(contact.over_at)]
        gone = [contact for contact in contacts if here(contact.abandoned_at)]
        match metric["Name"]:
            case "CONTACTS_QUEUED_BY_ENQUEUE":
                return sum(here(contact.queued_at) for contact in contacts)
            case "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT":
                return sum(here(contact.connected_at) for contact in contacts)
            case "CONTACTS_HANDLED":
                return len(over)
            case "CONTACTS_ABANDONED":
                return len(gone)
            case "SUM_CONTACTS_ANSWERED_IN_X":
                return sum(within(contact, contact.connected_at) for contact in over)
            case "SUM_CONTACTS_ABANDONED_IN_X":
                return sum(within(contact, contact.abandoned_at) for contact in gone)
            case "SUM_INTERACTION_TIME":
                return sum((contact.over_at or 0) - (contact.connected_at or 0) for contact in over) / 1000
            case "AVG_QUEUE_ANSWER_TIME":
                waits = [(contact.connected_at or 0) - contact.queued_at for contact in over]
                return sum(waits) / len(waits) / 1000 if waits else None
            case _:
                return 0


class OverRig(AmazonConnectRig):
    """Counts a contact as answered when it is over, as the settings do unless they say otherwise."""

    answered = "when_over"

    async def answer(self) -> str:
        contact = await super().answer()
        self.truth.answered -= 1
        return contact

    async def finish(self) -> str:
        contact = await super().finish()
        self.truth.answered += 1
        return contact
