"""A small Genesys Cloud: real HTTP, a real web socket, one organisation with a floor that tests drive."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from collectors.polled.answers import epoch_ms, iso
from tests.collectors.http_acd import Asked, HttpAcd, Told

QUARTER_MS = 900_000
CLIENT = "a-client"
SECRET = "the-secret-canary"


def queue_id(name: str) -> str:
    """An id that looks like the vendor's."""
    return f"{crc32(name.encode()):08x}-0000-4000-8000-000000000000"


@dataclass
class Member:
    """Somebody who works; ``queues`` by name, False where the person has not joined."""

    user: str
    name: str
    queues: dict[str, bool]
    status: str = "IDLE"
    presence: str = "ON_QUEUE"
    since: int = 0
    alerting: bool = False
    interacting: bool = False


@dataclass
class Floor:
    """What the organisation counts, by queue and quarter, and who waits since when."""

    waiting: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    metrics: dict[tuple[str, int], dict[str, list[int]]] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)


class GenesysCloud:
    """Serves what the collector asks. ``asked`` of ``http`` keeps every request."""

    def __init__(self, clock: Callable[[], int], queues: tuple[str, ...] = ("sales",)) -> None:
        self.clock = clock
        self.names = {queue_id(name): name for name in queues}
        self.floor = Floor()
        self.http = HttpAcd(self._answer, clock)
        self.longest_as_epoch = True
        self.counts_views = True
        self.refuses = False
        self.no_token: Told | None = None
        """In place of a new token."""
        self.most_entities = 1_000
        """People of a queue that one answer lists; more are left out, and the answer says that it was cut."""
        self.sockets: list[ServerConnection] = []
        self.channels: dict[str, list[str]] = {}
        self.tokens, self.token_s = 0, 86_400
        self.said: list[str] = []
        self.answers_pings = True
        self.channel_lives_ms = 86_400_000
        self._server: Server | None = None
        self._port = 0

    async def start(self) -> None:
        await self.http.start()
        self._server = await serve(self._listen, "127.0.0.1", self._port)
        self._port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        await self.http.stop()
        if self._server is not None:
            self._server.close(close_connections=True)
            await self._server.wait_closed()

    def drop(self) -> None:
        self.http.drop()
        for socket in self.sockets:
            socket.transport.abort()

    # ── the floor ─────────────────────────────────────────────────────────────────────────────────

    def book(self, queue: str, metric: str, value: int = 0, at: int | None = None) -> None:
        """One more value of a metric (ms of a timer) in the quarter of ``at``."""
        at = self.clock() if at is None else at
        self.floor.metrics.setdefault((queue_id(queue), at - at % QUARTER_MS), defaultdict(list))[metric].append(value)

    async def push(self, queue: str) -> None:
        """Notify whoever has subscribed."""
        topic = f"v2.analytics.queues.{queue_id(queue)}.observations"
        waiting = len(self.floor.waiting[queue])
        quarter = self.clock() - self.clock() % 1_800_000
        body = {
            "group": {"queueId": queue_id(queue), "mediaType": "voice"},
            "data": [
                {
                    "interval": f"{iso(quarter)}/{iso(quarter + 1_800_000)}",
                    "metrics": [
                        {"metric": "oWaiting", "stats": {"count": waiting}},
                        {"metric": "oInteracting", "stats": {"count": 0}},
                    ],
                }
            ],
        }
        await self.say({"topicName": topic, "version": "2", "eventBody": body, "metadata": {"CorrelationId": "x"}})

    async def say(self, message: Any) -> None:
        """A message to every open socket; a string goes as it is."""
        for socket in list(self.sockets):
            try:
                await socket.send(message if isinstance(message, str) else json.dumps(message))
            except ConnectionClosed:
                pass

    async def _listen(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        try:
            async for message in socket:
                self.said.append(str(message))
                if self.answers_pings and json.loads(message) == {"message": "ping"}:
                    await socket.send(json.dumps({"topicName": "channel.metadata", "eventBody": {"message": "pong"}}))
        except ConnectionClosed:
            pass
        finally:
            self.sockets.remove(socket)

    # ── the API ───────────────────────────────────────────────────────────────────────────────────

    def _answer(self, asked: Asked) -> Told:
        if asked.path == "/oauth/token":
            return self._token(asked)
        if asked.headers.get("authorization") != f"Bearer token-{self.tokens}":
            return Told({"message": "No authentication bearer token", "code": "bad.credentials", "status": 401}, 401)
        for pattern, answer in (
            (r"/api/v2/routing/queues", self._queues),
            (r"/api/v2/users", self._users),
            (r"/api/v2/analytics/queues/observations/query", self._observations),
            (r"/api/v2/analytics/routing/activity/query", self._memberships),
            (r"/api/v2/analytics/conversations/activity/query", self._conversations),
            (r"/api/v2/analytics/conversations/aggregates/query", self._aggregates),
            (r"/api/v2/notifications/channels", self._channel),
            (r"/api/v2/notifications/channels/[^/]+/subscriptions", self._subscribe),
        ):
            if re.fullmatch(pattern, asked.path):
                return answer(asked)
        return Told({"message": "not found", "status": 404}, 404)

    def _token(self, asked: Asked) -> Told:
        if self.refuses or asked.form != {"grant_type": "client_credentials"}:
            return Told(
                {"error": "invalid_client", "description": "client not found", "error_description": SECRET}, 400
            )
        if self.no_token is not None:
            return self.no_token
        self.tokens += 1
        return Told({"access_token": f"token-{self.tokens}", "token_type": "bearer", "expires_in": self.token_s})

    def _queues(self, asked: Asked) -> Told:
        size, page = int(asked.query["pageSize"]), int(asked.query["pageNumber"])
        some = list(self.names.items())[(page - 1) * size : page * size]
        return Told({"entities": [{"id": queue, "name": name} for queue, name in some], "pageNumber": page})

    def _users(self, asked: Asked) -> Told:
        return Told({"entities": [{"id": member.user, "name": member.name} for member in self.floor.members]})

    def _asked_queues(self, asked: Asked) -> list[str]:
        text = json.dumps(asked.json["filter"])
        return [queue for queue in self.names if queue in text]

    def _observations(self, asked: Asked) -> Told:
        results = []
        for queue in self._asked_queues(asked):
            waiting = self.floor.waiting[self.names[queue]]
            data: list[Any] = [{"metric": "oWaiting", "stats": {"count": len(waiting)}}]
            if waiting:
                longest = min(waiting) if self.longest_as_epoch else self.clock() - min(waiting)
                data.append({"metric": "oLongestWaiting", "stats": {"calculatedMetricValue": longest}})
            results.append({"group": {"queueId": queue, "mediaType": "voice"}, "data": data})
            results.append({"group": {"queueId": queue, "mediaType": "email"}, "data": [{"metric": "oWaiting", "stats": {"count": 9}}]})  # fmt: skip
        return Told({"systemToOrganizationMappings": {}, "results": results})

    def _memberships(self, asked: Asked) -> Told:
        assert [metric["metric"] for metric in asked.json["metrics"]] == ["oUserRoutingStatuses", "oUserPresences"]
        results = []
        for queue in self._asked_queues(asked):
            entities = [
                {
                    "userId": member.user, "queueId": queue,
                    "queueMembershipStatus": "ACTIVE" if member.queues[self.names[queue]] else "INACTIVE",
                    "routingStatus": member.status, "routingStatusDate": iso(member.since),
                    "systemPresence": member.presence, "presenceDate": iso(member.since),
                }
                for member in self.floor.members
                if self.names[queue] in member.queues
            ]  # fmt: skip
            results.append({"group": {"queueId": queue}, "data": [], "truncated": len(entities) > self.most_entities, "entities": entities[: self.most_entities]})  # fmt: skip
        return Told({"results": results, "entityIdDimension": "userId"})

    def _conversations(self, asked: Asked) -> Told:
        entities = [
            {"metric": metric, "userId": member.user, "conversationId": "c", "activityDate": iso(member.since)}
            for member in self.floor.members
            for metric, is_so in (("oAlerting", member.alerting), ("oInteracting", member.interacting))
            if is_so
        ]
        return Told({"results": [{"group": {}, "data": [], "entities": entities}]})

    def _aggregates(self, asked: Asked) -> Told:
        query = asked.json
        start, end = (epoch_ms(text) or 0 for text in query["interval"].split("/"))
        results = []
        for queue in self._asked_queues(asked):
            data = []
            for quarter in range(start, end, QUARTER_MS):
                booked = self.floor.metrics.get((queue, quarter))
                if booked:
                    data.append(self._interval(quarter, booked, query.get("views", [])))
            if data:
                results.append({"group": {"queueId": queue}, "data": data})
        return Told({"results": results})

    def _interval(self, quarter: int, booked: dict[str, list[int]], views: list[Any]) -> dict[str, Any]:
        metrics = [
            {"metric": name, "stats": {"count": len(values), "sum": float(sum(values)), "max": max(values)}}
            for name, values in booked.items()
        ]
        seen = []
        for view in views if self.counts_views else []:
            low, high = view["range"].get("gte", 0), view["range"].get("lt", 1 << 60)
            inside = [value for value in booked.get(view["target"], []) if low <= value < high]
            if inside:
                seen.append({"name": view["name"], "stats": {"count": len(inside), "sum": float(sum(inside))}})
        return {"interval": f"{iso(quarter)}/{iso(quarter + QUARTER_MS)}", "metrics": metrics, "views": seen}

    def _channel(self, asked: Asked) -> Told:
        name = f"channel-{len(self.channels) + 1}"
        self.channels[name] = []
        return Told(
            {
                "id": name,
                "connectUri": f"ws://127.0.0.1:{self._port}/channels/{name}",
                "expires": iso(self.clock() + self.channel_lives_ms),
            }
        )

    def _subscribe(self, asked: Asked) -> Told:
        topics = [topic["id"] for topic in asked.json]
        self.channels[asked.path.split("/")[-2]] = topics
        return Told({"entities": [{"id": topic, "state": "Permitted"} for topic in topics]})


async def settled(condition: Callable[[], Any], limit_s: float = 20.0) -> Any:
    """Wait until something is so."""
    async with asyncio.timeout(limit_s):
        while not (found := condition()):
            await asyncio.sleep(0.01)
        return found
