"""The collector for Genesys Cloud: one session asks, each thing on its own schedule, and listens to what makes it ask sooner."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from collectors.collector import FLOOR, CollectorError, Fact, Link, SourceSettings
from collectors.events import QueueObserved, Snapshot
from collectors.genesys import protocol as p
from collectors.genesys import translate
from collectors.genesys.channel import Patience
from collectors.genesys.notifications import Notifications
from collectors.genesys.settings import GenesysSettings
from collectors.polled.answers import in_batches, shaped
from collectors.polled.http import HttpApi
from collectors.polled.news import Accounts, Looks
from collectors.polled.people import Roster
from collectors.polled.quarters import QUARTER_MS, Quarters
from collectors.polled.queues import Warnings, Watched
from collectors.polled.schedule import Allowance, Poll, poll_forever

MOST_PAGES = 50
PAGE = 500
QUARTERS_A_QUERY = 16
"""Of 100 queues: an answer of some hundred kilobytes."""
SETTLE_MS = 3_600_000
"""For so long after its end a quarter is asked about again: a conversation's last words come late."""
RIGHTS = (
    "check client_id, client_secret and region; the OAuth client needs the grant type Client Credentials and a role with "
    "routing:queue:view, analytics:queueObservation:view, analytics:conversationAggregate:view, "
    "analytics:conversationObservation:view and analytics:userObservation:view in the divisions of the queues"
)

T = TypeVar("T")


@dataclass(frozen=True)
class Pace:
    """What is looked after how often, in seconds; in one place, so that a test can hurry."""

    queues_s: float = 300.0
    token_s: float = 30.0
    channels_s: float = 5.0
    requests_s: float = 4.0
    """Requests a second, at most: 300 a minute are allowed for a token."""
    patience: Patience = Patience()


class GenesysCollector:
    """One organisation."""

    kind: ClassVar[str] = "genesys"
    Settings: ClassVar[type[SourceSettings]] = GenesysSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR - {"ring", "wrap_up_now"}

    def __init__(self, source: str, settings: GenesysSettings, *, pace: Pace = Pace()) -> None:
        self._settings, self._pace = settings, pace

    async def run(self, link: Link) -> None:
        settings = self._settings
        secret = settings.client_secret.get_secret_value()
        api_url = settings.api_url or f"https://api.{settings.region}"
        login_url = settings.login_url or f"https://login.{settings.region}"
        more: dict[str, Any] = {"name": "Genesys Cloud", "rights": RIGHTS, "secrets": [secret], "explain": _explain}
        async with HttpApi(link, login_url, **more) as login, HttpApi(link, api_url, **more) as api:
            await _Session(settings, self._pace, link, login, api).run()


class _Session:
    def __init__(self, settings: GenesysSettings, pace: Pace, link: Link, login: HttpApi, api: HttpApi) -> None:
        self._settings, self._pace, self._link, self._login, self._api = settings, pace, link, login, api
        self._allowance = Allowance(pace.requests_s, burst=8)
        self._renew_at = self._valid_until = 0
        self._names: dict[str, str] = {}
        self._present = translate.Present(settings.media, api.clock.ours)
        self._looks, self._accounts = Looks(), Accounts()
        self._roster, self._is_new = Roster(), True
        self._quarters = Quarters(link, settle_ms=SETTLE_MS)
        self._changed, self._counted = asyncio.Event(), asyncio.Event()
        self._warnings = Warnings(link)
        self._watched = Watched(self._warnings, "Genesys Cloud", settings.queues)

    async def run(self) -> None:
        await self._quarters.recall()
        settings, pace = self._settings, self._pace
        stale_s = settings.stale_after_ms / 1000
        polls = [
            Poll("token", pace.token_s, self._keep_signed_in),
            Poll("queues", pace.queues_s, self._list_queues),
            Poll(
                "waiting",
                settings.poll_s,
                self._ask_waiting,
                self._changed,
                gap_s=2.0,
                unknown=self._waiting_unknown,
                stale_after_s=stale_s,
            ),
            Poll("people", settings.poll_s, self._ask_people, unknown=self._people_unknown, stale_after_s=stale_s),
            Poll("totals", settings.totals_s, self._ask_totals, self._counted, gap_s=5.0),
        ]
        async with asyncio.TaskGroup() as tasks:
            if settings.notifications:
                notifications = Notifications(
                    self._link, self._ask, tasks, self._heard, self._warnings.say, pace.patience
                )
                polls.append(
                    Poll(
                        "notifications",
                        pace.channels_s,
                        lambda: notifications.keep([p.TOPIC.format(queue) for queue in self._queues]),
                        notifications.wanted,
                        needed=False,
                    )
                )
            self._link.note(version=f"Genesys Cloud, {settings.region}")
            await poll_forever(polls, self._link, detail=f"Genesys Cloud, {settings.region}")

    async def _ask(self, method: str, path: str, shape: type[T], what: str, **more: Any) -> T:
        await self._allowance.take()
        return shaped(await self._api.ask(method, path, **more), shape, p.VENDOR, what)

    @property
    def _queues(self) -> dict[str, str]:
        return self._watched.names

    # ── what is asked ─────────────────────────────────────────────────────────────────────────────

    async def _keep_signed_in(self) -> None:
        if self._link.now_ms() < self._renew_at:
            return
        try:
            await self._sign_in()
        except CollectorError as error:
            # The token that is there is good for some time yet: try again at the next turn.
            if error.permanent or self._link.now_ms() >= self._valid_until:
                raise
            self._warnings.say("token", f"no new token yet: {error}")
        else:
            self._warnings.say("token")

    async def _sign_in(self) -> None:
        settings = self._settings
        answer = await self._login.ask(
            "POST",
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(settings.client_id, settings.client_secret.get_secret_value()),
        )
        token = shaped(answer, p.Token, p.VENDOR, "a token")
        self._api.authorize(f"Bearer {token.access_token}", token.access_token)
        lives_ms, now = round(max(60.0, token.expires_in) * 1000), self._link.now_ms()
        self._renew_at, self._valid_until = now + lives_ms * 8 // 10, now + lives_ms

    async def _list_queues(self) -> None:
        found: dict[str, str] = {}
        for page in range(1, MOST_PAGES + 1):
            params = {"pageSize": PAGE, "pageNumber": page}
            told = await self._ask("GET", "/api/v2/routing/queues", p.QueuePage, "the queues", params=params)
            new = {queue.id: queue.name or queue.id for queue in told.entities or [] if queue.id}
            if not new.keys() - found.keys():
                break
            found |= new
            if len(new) < PAGE:
                break
        if not found:
            raise CollectorError(
                "Genesys Cloud shows no queue to this OAuth client; give its role routing:queue:view in the divisions of the queues",
                permanent=True,
            )
        names, doubles = distinct(found)
        self._watched.take(names)
        words = f"several queues are named {', '.join(doubles)}; told apart by their ids" if doubles else ""
        self._warnings.say("doubles", words)
        # Of a queue that is gone nothing is told any more; the last number must not stand there for ever.
        await self._link.emit([*self._looks.gone(self._queues.values(), self._link.now_ms())])

    async def _ask_waiting(self) -> None:
        queues = self._queues
        for batch in in_batches(list(queues), p.QUEUES_A_QUERY):
            asked_at = self._link.now_ms()
            told = await self._ask(
                "POST",
                "/api/v2/analytics/queues/observations/query",
                p.Observations,
                "observations",
                json=p.observation_query(batch),
            )
            part = {queue: queues[queue] for queue in batch}
            looks = self._present.asked(told.results or [], part, asked_at, self._link.now_ms())
            await self._link.emit(list(self._looks.news(looks)))
        if self._present.refused:
            self._link.note(refused=self._present.refused)

    async def _waiting_unknown(self) -> None:
        now = self._link.now_ms()
        await self._link.emit([*self._looks.news(QueueObserved(now, name) for name in self._queues.values())])

    async def _people_unknown(self) -> None:
        await self._link.emit(self._roster.out_of_sight(self._link.now_ms()))

    async def _ask_people(self) -> None:
        queues, asked_at = self._queues, self._link.now_ms()
        memberships: list[p.Activity] = []
        conversations: list[p.Activity] = []
        for batch in in_batches(list(queues), p.QUEUES_A_QUERY):
            memberships += await self._activity("routing", p.people_query(batch))
            conversations += await self._activity("conversations", p.contacts_query(batch))
        named = translate.user_ids(memberships)
        await self._learn_names(named)
        cut = translate.truncated(memberships, queues)
        self._warnings.say("people", f"Genesys Cloud does not list everybody of {', '.join(cut[:5])}" if cut else "")
        people = translate.people(memberships, conversations, queues, self._names, self._api.clock.ours)
        now = self._link.now_ms()
        if self._is_new:
            self._is_new = False
            seen = self._roster.start(people, now)
            # Of a queue whose list was cut the whole state is not known: whoever is missing need not have left.
            names = [name for name in queues.values() if name not in cut]
            since = self._link.unwatched_since
            await self._link.emit([Snapshot(now, asked_at, names, [], seen, unwatched_since=since)])
        else:
            signed_out = set(named) - {person.agent for person in people}
            await self._link.emit(self._roster.changes(people, now, cut, signed_out))

    async def _activity(self, of: str, query: Mapping[str, Any]) -> list[p.Activity]:
        # Grouped by queue, a batch has no more groups than this one page holds.
        params = {"pageSize": p.QUEUES_A_QUERY, "pageNumber": 1}
        path = f"/api/v2/analytics/{of}/activity/query"
        told = await self._ask("POST", path, p.Activities, f"{of} activity", json=query, params=params)
        return told.results or []

    async def _learn_names(self, users: Sequence[str]) -> None:
        for batch in in_batches([user for user in users if user not in self._names], p.USERS_A_QUESTION):
            params = {"id": list(batch), "pageSize": p.USERS_A_QUESTION}
            told = await self._ask("GET", "/api/v2/users", p.UserPage, "names of people", params=params)
            names = {user.id: user.name for user in told.entities or [] if user.id and user.name}
            # Somebody without a name keeps the id, and is not asked about for ever.
            self._names |= {user: names.get(user, user) for user in batch}

    async def _ask_totals(self) -> None:
        settings, queues = self._settings, self._queues
        asked_at = self._link.now_ms()
        due = self._quarters.due(asked_at + self._api.clock.skew_ms)
        empty_from = due[-1] - SETTLE_MS - QUARTER_MS
        for first in range(0, len(due), QUARTERS_A_QUERY):
            quarters = due[first : first + QUARTERS_A_QUERY]
            for batch in in_batches(list(queues), p.QUEUES_A_QUERY):
                query = p.account_query(
                    batch, settings.media, quarters[0], quarters[-1] + QUARTER_MS, settings.service_level_s
                )
                told = await self._ask(
                    "POST", "/api/v2/analytics/conversations/aggregates/query", p.Aggregates, "accounts", json=query
                )
                accounts = translate.accounts(
                    told.results or [],
                    {queue: queues[queue] for queue in batch},
                    quarters,
                    settings.service_level_s,
                    self._link.now_ms(),
                    empty_from=empty_from,
                )
                await self._link.emit(list(self._accounts.news(accounts)))
        await self._quarters.told(due, asked_at)
        self._accounts.forget(empty_from)

    # ── what is heard ─────────────────────────────────────────────────────────────────────────────

    async def _heard(self, told: p.Stat) -> None:
        self._link.heard()
        look = self._present.pushed(told, self._queues, self._link.now_ms())
        if look is not None:
            await self._link.emit(list(self._looks.news([look])))
            self._changed.set()
        self._counted.set()


def distinct(queues: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """(id → a name that no other queue has, names that several have): those get the beginning of their id behind it."""
    by_name: dict[str, list[str]] = {}
    for queue, name in queues.items():
        by_name.setdefault(name, []).append(queue)
    doubles = sorted(name for name, ids in by_name.items() if len(ids) > 1)
    return {
        queue: name if len(by_name[name]) == 1 else f"{name} ({queue[:8]})" for queue, name in queues.items()
    }, doubles


def _explain(status: int, answer: Any) -> str | None:
    told = answer if isinstance(answer, dict) else {}
    words = str(told.get("description") or told.get("error_description") or told.get("message") or "")[:300]
    if status == 400 and str(told.get("error", "")).startswith(("invalid_client", "unauthorized_client")):
        return f"Genesys Cloud refuses the credentials ({told['error']}: {words}); {RIGHTS}"
    return words or None
