"""A Webex Contact Center organization on a loopback socket: its search is a real GraphQL server over the vendor's fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import build_schema, graphql_sync
from pydantic import SecretStr

from collectors.webex.settings import WebexSettings
from tests.collectors.contract.rig import AGENT, QUEUE, Clock, Rig
from tests.collectors.http_acd import Asked, HttpAcd, Told

SCHEMA = build_schema((Path(__file__).parent / "schema.graphql").read_text())
QUEUE_ID, AGENT_ID = "q-1", "a-1"
TOKEN = "an-access-token"


class WebexRig(Rig):
    """``page`` and ``steps``: records of a page, and steps of a task that are given at once."""

    page, steps = 250, 25
    signs_in = True

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.server = HttpAcd(self._answer, clock)
        self.tasks: dict[str, dict[str, Any]] = {}
        self.state, self.state_since = "available", clock()
        self.signed_in_at = {AGENT: clock()}
        self.token_s = 1_209_599
        self.no_token: Told | None = None
        """In place of a new access token."""
        self.limited = ""
        """What is in a question that is not answered for now."""
        self.cursors: Iterator[str] | None = None
        """In place of the cursors that the pages of sessions and of steps really have; there is always a next page then."""

    @property
    def settings(self) -> WebexSettings:
        return WebexSettings(
            org_id="org-1",
            client_id=f"client of {self.server.port}",
            client_secret=SecretStr("a-canary-of-a-secret"),
            refresh_token=SecretStr("a-canary-of-a-token"),
            base_url=self.server.url,
            token_url=f"{self.server.url}/v1/access_token",
            poll_s=1,
        )

    async def start(self) -> None:
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()

    async def said(self, what: str, contact: str) -> None:
        now = self.clock()
        if what == "offer":
            self.tasks[contact] = task(contact, now)
            self.step(contact, "new", now)
            self.step(contact, "parked", now, queue=QUEUE)
            return
        if what == "answer":
            self.step(contact, "connect", now, queue=QUEUE, agent=AGENT_ID)
            self.step(contact, "connected", now, queue=QUEUE, agent=AGENT_ID)
        else:
            self.step(contact, "ended", now, queue=QUEUE)
            self.tasks[contact] |= {"isActive": False, "status": "ended", "endedTime": now}
        self.state, self.state_since = "connected" if self.truth.talking else "available", now

    def step(self, contact: str, name: str, at: int, *, queue: str = "", agent: str = "", duration: int = 0) -> None:
        """One more step of a task, the newest first as Webex gives them."""
        self.tasks[contact]["steps"].insert(
            0,
            {
                "id": f"{contact}-{at}-{name}",
                "eventName": name,
                "createdTime": at,
                "duration": duration,
                "queueId": QUEUE_ID if queue else None,
                "queueName": queue or None,
                "agentId": agent or None,
            },
        )

    async def sign_in(self, agent: str) -> None:
        self.signed_in_at[agent] = self.clock()

    async def refuse(self) -> None:
        self.server.instead = Told({"message": "The refresh token provided is invalid", "errors": []}, 400)

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
        if asked.path == "/v1/access_token":
            assert asked.form["grant_type"] == "refresh_token"
            if self.no_token is not None:
                return self.no_token
            return Told(
                {"access_token": TOKEN, "expires_in": self.token_s, "refresh_token": asked.form["refresh_token"]}
            )
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Told({"message": "invalid token"}, 401)
        if asked.path == "/organization/org-1/contact-service-queue/bulk-export":
            return Told({"pageNumber": 0, "rel": "last", "resources": self.queues()})
        if asked.path == "/search":
            assert asked.query["orgId"] == "org-1"
            if self.limited and self.limited in asked.json["query"]:
                return Told({"message": "too many requests"}, 429, {"Retry-After": "60"})
            found = graphql_sync(SCHEMA, asked.json["query"], root_value=self)
            if found.errors:
                errors = [
                    {"message": error.message, "extensions": {"classification": "ValidationError"}}
                    for error in found.errors
                ]
                return Told({"data": found.data, "errors": errors})
            return Told({"data": found.data})
        return Told({"message": f"no {asked.path}"}, 404)

    def queues(self) -> list[dict[str, Any]]:
        team = {"teamName": "Team A", "siteName": "Hamburg"}
        return [
            {
                "name": QUEUE,
                "type": "INBOUND",
                "channelType": "TELEPHONY",
                "callDistributionGroups": [{"order": 1, "duration": 0, "agentGroups": [team]}],
            }
        ]

    def taskDetails(  # noqa: N802 - the field's name
        self, _info: Any, filter: Any = None, pagination: Any = None, **span: int
    ) -> dict[str, Any]:
        found = [
            one
            for one in reversed(self.tasks.values())
            if span["from"] <= one["createdTime"] <= span["to"] and matches(one, filter or {})
        ]
        start = int((pagination or {"cursor": "0"})["cursor"]) * self.page
        more = start + self.page < len(found)
        return {
            "tasks": [one | {"activities": self._activities(one)} for one in found[start : start + self.page]],
            "pageInfo": {"hasNextPage": more, "endCursor": str(start // self.page + 1) if more else None},
        }

    def _activities(self, one: dict[str, Any]) -> Any:
        def page(_info: Any, first: int = 25, after: str | None = None) -> dict[str, Any]:
            older = [step for step in one["steps"] if after is None or step["createdTime"] < int(after)]
            given = older[: min(first, self.steps)]
            more = len(older) > len(given)
            if self.cursors is not None:
                return {"nodes": given, "pageInfo": {"hasNextPage": True, "endCursor": next(self.cursors)}}
            return {
                "totalCount": len(one["steps"]),
                "nodes": given,
                "pageInfo": {"hasNextPage": more, "endCursor": str(given[-1]["createdTime"]) if more else None},
            }

        return page

    def agentSession(  # noqa: N802 - the field's name
        self, _info: Any, filter: Any = None, pagination: Any = None, **span: int
    ) -> dict[str, Any]:
        sessions = [self._session(name, at) for name, at in self.signed_in_at.items()]
        here = [
            one for one in sessions if span["from"] <= one["startTime"] <= span["to"] and matches(one, filter or {})
        ]
        more = self.cursors is not None
        cursor = next(self.cursors) if self.cursors is not None else None
        return {"agentSessions": here, "pageInfo": {"hasNextPage": more, "endCursor": cursor}}

    def _session(self, name: str, at: int) -> dict[str, Any]:
        is_first = name == AGENT
        state, since = (self.state, self.state_since) if is_first else ("available", at)
        return {
            "agentSessionId": f"session of {name}",
            "agentId": AGENT_ID if is_first else f"agent {name}",
            "agentName": name,
            "teamName": "Team A",
            "siteName": "Hamburg",
            "isActive": True,
            "startTime": at,
            "endTime": -1,
            "channelInfo": [{"channelType": "telephony", "currentState": state, "lastActivityTime": since}],
        }


def task(contact: str, at: int) -> dict[str, Any]:
    """A task that has just been created."""
    return {
        "id": contact,
        "isActive": True,
        "status": "parked",
        "createdTime": at,
        "endedTime": -1,
        "direction": "inbound",
        "channelType": "telephony",
        "origin": "+4940123456",
        "lastQueue": {"id": QUEUE_ID, "name": QUEUE},
        "terminatingEnd": "Customer",
        "terminationReason": "Customer Left",
        "steps": [],
    }


def matches(record: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """The vendor's filters: ``and``, ``or`` and ``equals``."""
    for name, what in wanted.items():
        if name == "and":
            if not all(matches(record, one) for one in what):
                return False
        elif name == "or":
            if not any(matches(record, one) for one in what):
                return False
        elif record[name] != what["equals"]:
            return False
    return True
