"""Amazon Connect: who waits and who works every few seconds, and its own account of each quarter of an hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from collectors.amazon_connect.connection import Connection
from collectors.amazon_connect.settings import AmazonConnectSettings
from collectors.amazon_connect.translate import CURRENT, People, Waiting, accounts, full_name, metrics, waiting
from collectors.collector import FLOOR, Fact, Link, SourceSettings
from collectors.events import AnyEvent, QueueObserved, SeenAgent, Snapshot
from collectors.polled.answers import in_batches
from collectors.polled.news import Accounts, Looks
from collectors.polled.people import Roster
from collectors.polled.quarters import Quarters
from collectors.polled.queues import Warnings, Watched
from collectors.polled.schedule import Poll, poll_forever

AT_ONCE = 100
"""Queues (and profiles) that one call may name, and results of one page."""
CATALOGUE_S = 300.0
"""Names of queues, people, statuses and profiles change by hand."""
SETTLE_MS = 3_600_000
"""A contact's record is written after its after-contact work, and counts where the contact ended."""
MARGIN_MS = 3_000
"""Amazon refuses an ``EndTime`` that is still to come, and its clock may be behind ours by what is too small to tell."""
SETTLING_S = 120.0
"""How often quarters that are over, and not settled, are asked about."""
TREMBLE_MS = 2_500
"""The age of the oldest contact is rounded by both sides."""


class AmazonConnectCollector:
    kind: ClassVar[str] = "amazon_connect"
    Settings: ClassVar[type[SourceSettings]] = AmazonConnectSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR - {"ring"}

    def __init__(self, source: str, settings: AmazonConnectSettings) -> None:
        self._settings = settings

    async def run(self, link: Link) -> None:
        own = self._settings
        stale_s = own.stale_after_ms / 1000
        async with Connection(link, own) as connection:
            instance = Instance(link, own, connection)
            await instance.recall()
            await poll_forever(
                [
                    Poll("names", CATALOGUE_S, instance.catalogue),
                    Poll(
                        "queues", own.poll_s, instance.present, unknown=instance.present_unknown, stale_after_s=stale_s
                    ),
                    Poll("agents", own.poll_s, instance.people, unknown=instance.people_unknown, stale_after_s=stale_s),
                    Poll("accounts", own.accounts_s, instance.accounts),
                ],
                link,
                detail=f"Amazon Connect, {own.region}",
            )


class Instance:
    """One instance in one session: each method asks once, and emits what the answer tells."""

    def __init__(self, link: Link, settings: AmazonConnectSettings, connection: Connection) -> None:
        self._link, self._settings, self._connection = link, settings, connection
        self._at_once = settings.answered == "when_connected"
        self._watched = Watched(Warnings(link), "Amazon Connect", settings.queues or None)
        self._people_names: dict[str, str] = {}
        self._status_types: dict[str, str] = {}
        self._profiles: list[str] = []
        self._served: dict[str, dict[str, str | None]] = {}
        self._people, self._roster, self._began = People(), Roster(), False
        self._looks, self._accounts = Looks(TREMBLE_MS), Accounts()
        self._quarters = Quarters(link, settle_ms=SETTLE_MS)
        self._settling_at: int | None = None

    @property
    def _queues(self) -> dict[str, str]:
        return self._watched.names

    async def recall(self) -> None:
        await self._quarters.recall()
        if self._at_once:
            self._link.note(gives=sorted(AmazonConnectCollector.gives - {"waits", "in_time"}))

    async def catalogue(self) -> None:
        """Which queues there are, and how people, statuses and profiles are called."""
        ask = self._connection
        found: dict[str, str] = {}
        async for page in ask.pages("ListQueues", "QueueSummaryList", QueueTypes=["STANDARD"], MaxResults=1000):
            found |= {queue["Id"]: queue["Name"] for queue in page if "Name" in queue}
        self._watched.take(found)
        # Of a queue that is gone nothing is told any more; the last number must not stand there for ever.
        await self._link.emit([*self._looks.gone(self._queues.values(), self._link.now_ms())])
        profiles: list[str] = []
        async for page in ask.pages("ListRoutingProfiles", "RoutingProfileSummaryList", MaxResults=1000):
            profiles += [profile["Id"] for profile in page]
        self._profiles = profiles
        statuses: dict[str, str] = {}
        async for page in ask.pages("ListAgentStatuses", "AgentStatusSummaryList", MaxResults=1000):
            statuses |= {status["Arn"]: status.get("Type", "") for status in page}
        self._status_types = statuses
        await self._name_people()
        for profile in list(self._served):
            self._served[profile] = await self._served_by(profile)
        self._link.note(queues=len(self._queues))

    async def _name_people(self) -> None:
        names: dict[str, str] = {}
        async for page in self._connection.pages("SearchUsers", "Users", MaxResults=500):
            names |= {user["Id"]: full_name(user) for user in page}
        self._people_names = names

    async def _served_by(self, profile: str) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        async for page in self._connection.pages(
            "ListRoutingProfileQueues", "RoutingProfileQueueConfigSummaryList", RoutingProfileId=profile, MaxResults=100
        ):
            found |= {self._queues[queue["QueueId"]]: None for queue in page if queue["QueueId"] in self._queues}
        return found

    async def present(self) -> None:
        """Who waits in each queue."""
        for ids in in_batches(sorted(self._queues), AT_ONCE):
            seen: dict[str, Waiting] = {}
            async for page in self._connection.pages(
                "GetCurrentMetricData",
                "MetricResults",
                Filters={"Queues": ids},
                Groupings=["QUEUE"],
                CurrentMetrics=CURRENT,
                MaxResults=AT_ONCE,
            ):
                seen |= {told.queue: told for told in waiting(page)}
            now = self._link.now_ms()
            # A queue without a contact and without an agent is left out of the answer: nobody waits there.
            looks = [(self._queues[key], seen.get(key, Waiting(key, 0, None))) for key in ids if key in self._queues]
            news = self._looks.news(
                QueueObserved(now, name, told.waiting, told.longest_wait_ms) for name, told in looks
            )
            await self._link.emit([*news])

    async def present_unknown(self) -> None:
        """Amazon has not said for some time who waits."""
        now = self._link.now_ms()
        await self._link.emit([*self._looks.news(QueueObserved(now, name) for name in self._queues.values())])

    async def people_unknown(self) -> None:
        """Amazon has not said for some time who works."""
        await self._link.emit(self._roster.out_of_sight(self._link.now_ms()))

    async def people(self) -> None:
        """Who is signed in, and what each does."""
        asked_at, users = self._link.now_ms(), []
        for profiles in in_batches(self._profiles, AT_ONCE):
            async for page in self._connection.pages(
                "GetCurrentUserData", "UserDataList", Filters={"RoutingProfiles": profiles}, MaxResults=AT_ONCE
            ):
                users += [user for user in page if "User" in user]
        await self._learn(users)
        seen = self._people.seen(
            users, self._people_names, self._status_types, self._served, self._connection.clock.skew_ms
        )
        now = self._link.now_ms()
        if self._began:
            await self._link.emit(self._roster.changes(seen, now))
            return
        self._began = True
        await self._link.emit([self._snapshot(now, asked_at, self._roster.start(seen, now))])

    async def _learn(self, users: Sequence[dict[str, Any]]) -> None:
        """The queues of profiles that nobody had before, and the names of people who are new."""
        for profile in {(user.get("RoutingProfile") or {}).get("Id", "") for user in users} - {""} - set(self._served):
            self._served[profile] = await self._served_by(profile)
        new = {user["User"]["Id"] for user in users} - set(self._people_names)
        if new:
            await self._name_people()
            # Who is not found now is not looked for with every question.
            self._people_names |= dict.fromkeys(new - set(self._people_names), "")

    def _snapshot(self, now: int, asked_at: int, people: list[SeenAgent]) -> AnyEvent:
        queues = sorted(self._queues.values())
        return Snapshot(now, asked_at, queues, [], people, unwatched_since=self._link.unwatched_since)

    async def accounts(self) -> None:
        """What was counted in each quarter: the last two each time, and now and then all that may still change."""
        now = self._link.now_ms()
        due = self._quarters.due(now)
        # What was missed may be a day: first the present, the rest with the second question.
        first = self._settling_at is None
        whole = not first and now - (self._settling_at or 0) >= SETTLING_S * 1000
        if first:
            self._settling_at = now - round((SETTLING_S - self._settings.accounts_s) * 1000)
        asked = due if whole else due[-2:]
        skew = self._connection.clock.skew_ms
        until = now + skew - MARGIN_MS
        until -= until % 1000
        if until <= asked[-1]:  # the quarter that has just begun has no length yet
            asked = asked[:-1]
        if not asked:
            return
        for ids in in_batches(sorted(self._queues), AT_ONCE):
            seen: set[tuple[str, int]] = set()
            async for page in self._connection.pages(
                "GetMetricDataV2",
                "MetricResults",
                StartTime=datetime.fromtimestamp(asked[0] / 1000, UTC),
                EndTime=datetime.fromtimestamp(until / 1000, UTC),
                Interval={"TimeZone": "UTC", "IntervalPeriod": "FIFTEEN_MIN"},
                Filters=[{"FilterKey": "QUEUE", "FilterValues": ids}],
                Groupings=["QUEUE"],
                Metrics=metrics(self._settings.service_level_s, at_once=self._at_once),
                MaxResults=AT_ONCE,
            ):
                told = accounts(page, self._queues, self._link.now_ms(), at_once=self._at_once)
                seen |= {(each.queue, each.start) for each in told}
                await self._link.emit([*self._accounts.news(told)])
            names = [self._queues[key] for key in ids if key in self._queues]
            await self._link.emit([*self._accounts.emptied(names, asked, seen, self._link.now_ms())])
        if whole:
            await self._quarters.told(asked, now)
            self._accounts.forget(asked[0])
            self._settling_at = now
