"""The collector for Twilio TaskRouter: one session asks, each thing on its own schedule, and sooner when a callback came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from collectors import door
from collectors.collector import CollectorError, Fact, Link, SourceSettings
from collectors.events import AnyEvent, QueueObserved, Snapshot
from collectors.polled.answers import in_batches, iso, shaped
from collectors.polled.http import HttpApi, NotThere
from collectors.polled.news import Accounts, Looks
from collectors.polled.people import Roster
from collectors.polled.quarters import QUARTER_MS, Quarters
from collectors.polled.queues import Warnings, Watched
from collectors.polled.schedule import Allowance, Poll, poll_forever
from collectors.twilio import protocol as p
from collectors.twilio import translate
from collectors.twilio.settings import TwilioSettings

MOST_PAGES = 50
SETTLE_MS = 1_200_000
"""For so long after its end a quarter is asked about again: TaskRouter counts with a delay of seconds, seldom of minutes."""
FRESH_MS = 120_000
"""For so long after its end a quarter is asked about as often as the one that runs, then each ``AGAIN_MS``."""
AGAIN_MS = 60_000
MARGIN_MS = 3_000
"""A quarter that has just begun is not asked about: Twilio's clock may be behind ours by what is too small to tell."""
RIGHTS = (
    "check account_sid, workspace_sid and auth_token (or api_key_sid and api_key_secret); a restricted API key needs to read TaskRouter's "
    "task queues, tasks, reservations, workers and statistics"
)

T = TypeVar("T")


@dataclass(frozen=True)
class Pace:
    """What is looked after how often, in seconds; in one place, so that a test can hurry."""

    queues_s: float = 300.0
    members_s: float = 5.0
    history_s: float = 5.0
    callbacks_s: float = 0.5
    requests_s: float = 4.0
    """Requests a second, at most: the bulk of real-time statistics allows 5."""
    first_members: int = 20
    """Queues of which the workers are asked for before the source is up."""
    members_a_round: int = 5
    history_a_round: int = 4
    """Quarters of the day until now, so that the present does not wait for all of them."""
    reservations_a_round: int = 10
    """Tasks of which it is looked up who has them."""


class TwilioCollector:
    """One workspace."""

    kind: ClassVar[str] = "twilio"
    Settings: ClassVar[type[SourceSettings]] = TwilioSettings
    gives: ClassVar[frozenset[Fact]] = frozenset(
        (
            "waiting", "longest_wait", "agents", "ringing_now", "wrap_up_now", "agent_names", "agent_time", "contacts", "waits", "in_time",
            "abandons", "flow_outs", "rang_no_answer",
        )
    )  # fmt: skip

    def __init__(self, source: str, settings: TwilioSettings, *, pace: Pace = Pace()) -> None:
        self._settings, self._pace = settings, pace

    async def run(self, link: Link) -> None:
        settings = self._settings
        api = HttpApi(
            link,
            settings.api_url,
            name="Twilio",
            rights=RIGHTS,
            secrets=settings.secrets,
            auth=settings.login,
            explain=_explain,
        )
        async with api:
            await _Session(settings, self._pace, link, api).run()


class _Session:
    def __init__(self, settings: TwilioSettings, pace: Pace, link: Link, api: HttpApi) -> None:
        self._settings, self._pace, self._link, self._api = settings, pace, link, api
        self._allowance = Allowance(pace.requests_s, burst=5)
        self._root = f"/v1/Workspaces/{settings.workspace_sid}"
        self._members: dict[str, set[str]] = {}
        """Queue's sid → sids of its workers; the one that was asked for longest ago first."""
        self._reservations: dict[tuple[str, str, str], list[p.Reservation]] = {}
        self._looks, self._accounts = Looks(), Accounts()
        self._roster, self._is_new = Roster(), True
        self._quarters = Quarters(link, settle_ms=SETTLE_MS)
        self._told_at: dict[int, int] = {}
        """Quarter that may still change → when it was asked about last."""
        self._heard: bytes | None = None
        self._sooner = {name: asyncio.Event() for name in ("waiting", "people", "totals")}
        self._warnings = Warnings(link)
        self._watched = Watched(self._warnings, "Twilio", settings.queues, noun="task queue")

    async def run(self) -> None:
        await self._quarters.recall()
        settings, pace, sooner = self._settings, self._pace, self._sooner
        stale_s = settings.stale_after_ms / 1000
        polls = [
            Poll("queues", pace.queues_s, self._list_queues),
            Poll("members", pace.members_s, self._ask_members, needed=False),
            Poll(
                "waiting",
                settings.poll_s,
                self._ask_waiting,
                sooner["waiting"],
                gap_s=1.0,
                unknown=self._waiting_unknown,
                stale_after_s=stale_s,
            ),
            Poll(
                "people",
                settings.poll_s,
                self._ask_people,
                sooner["people"],
                gap_s=1.0,
                unknown=self._people_unknown,
                stale_after_s=stale_s,
            ),
            Poll("totals", settings.totals_s, self._ask_totals, sooner["totals"], gap_s=5.0),
            Poll("history", pace.history_s, self._ask_history, needed=False),
        ]
        if settings.callback_url is not None:
            polls.append(Poll("callbacks", pace.callbacks_s, self._look_for_callbacks))
        self._link.note(version="TaskRouter v1")
        await poll_forever(polls, self._link, detail="Twilio TaskRouter")

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        await self._allowance.take()
        return await self._api.ask(method, path, **more)

    async def _all(self, path: str, key: str, shape: type[T], what: str, **params: Any) -> list[T]:
        """Every page of a list."""
        items, following = p.page(await self._ask("GET", self._root + path, params=params), key, shape, what)
        seen = {following}
        while following is not None and following.startswith(self._root) and len(seen) < MOST_PAGES:
            more, following = p.page(await self._ask("GET", following), key, shape, what)
            items += more
            if following in seen:
                break
            seen.add(following)
        return items

    @property
    def _queues(self) -> dict[str, str]:
        return self._watched.names

    # ── what is asked ─────────────────────────────────────────────────────────────────────────────

    async def _list_queues(self) -> None:
        listed = await self._all("/TaskQueues", "task_queues", p.Queue, "the task queues", PageSize=p.PAGE)
        names = {queue.sid: queue.friendly_name or queue.sid for queue in listed if queue.sid}
        if not names:
            raise CollectorError(
                "the workspace has no task queue that these credentials may see; check workspace_sid", permanent=True
            )
        self._watched.take(names)
        self._members = {sid: known for sid, known in self._members.items() if sid in self._queues}
        # Of a queue that is gone nothing is told any more; the last number must not stand there for ever.
        await self._link.emit([*self._looks.gone(self._queues.values(), self._link.now_ms())])

    async def _ask_members(self) -> None:
        """The workers of some queues: there is no question for those of all, so the queues take turns."""
        pace = self._pace
        turn = [sid for sid in self._queues if sid not in self._members] + list(self._members)
        for sid in turn[: pace.first_members if self._is_new else pace.members_a_round]:
            try:
                workers = await self._all("/Workers", "workers", p.Worker, "a queue's workers", TaskQueueSid=sid, PageSize=p.PAGE)  # fmt: skip
            except NotThere:
                workers = []  # the queue was deleted since it was listed
            # Known until the answer is here, so that nobody leaves a queue while it is asked; then last in turn.
            self._members.pop(sid, None)
            self._members[sid] = {worker.sid for worker in workers if worker.sid}

    async def _ask_waiting(self) -> None:
        queues = self._queues
        for batch in in_batches(list(queues), p.QUEUES_A_QUESTION):
            at = self._link.now_ms()
            body = {"queueSids": list(batch)}
            answer = await self._ask("POST", f"{self._root}/TaskQueues/RealTimeStatistics", json=body)
            bulk = shaped(answer, p.Bulk, p.VENDOR, "real-time statistics").task_queue_data or []
            told = {each.task_queue_sid: each for each in bulk}
            looks = [
                # A queue that the answer leaves out has no number; the last one must not stand there as if it were now.
                translate.look(told[sid], queues[sid], at) if sid in told else QueueObserved(at, queues[sid])
                for sid in batch
            ]
            await self._link.emit(list(self._looks.news(looks)))

    async def _waiting_unknown(self) -> None:
        now = self._link.now_ms()
        await self._link.emit([*self._looks.news(QueueObserved(now, name) for name in self._queues.values())])

    async def _people_unknown(self) -> None:
        await self._link.emit(self._roster.out_of_sight(self._link.now_ms()))

    async def _ask_people(self) -> None:
        asked_at = self._link.now_ms()
        workers = await self._all("/Workers", "workers", p.Worker, "the workers", PageSize=p.PAGE)
        reservations = await self._reserved()
        seen = translate.people(
            workers, reservations, self._serve(), self._settings.offline, self._api.clock.ours
        )  # fmt: skip
        now = self._link.now_ms()
        events: list[AnyEvent]
        if self._is_new:
            self._is_new = False
            listed, names = self._roster.start(seen, now), list(self._queues.values())
            events = [Snapshot(now, asked_at, names, [], listed, unwatched_since=self._link.unwatched_since)]
        else:
            events = self._roster.changes(seen, now)
        await self._link.emit(events)

    async def _reserved(self) -> list[p.Reservation]:
        """Who has the tasks that are at work. Each is looked up when it is new or has changed, only some in one round."""
        tasks = await self._all("/Tasks", "tasks", p.Task, "tasks", AssignmentStatus=p.AT_WORK, PageSize=p.PAGE)
        keys = [(task.sid, task.assignment_status or "", task.date_updated or "") for task in tasks if task.sid]
        self._reservations = {key: self._reservations[key] for key in keys if key in self._reservations}
        unknown = [key for key in keys if key not in self._reservations]
        for key in unknown[: self._pace.reservations_a_round]:
            try:
                self._reservations[key] = await self._all(
                    f"/Tasks/{key[0]}/Reservations", "reservations", p.Reservation, "a task's reservations", PageSize=50
                )
            except NotThere:
                self._reservations[key] = []  # deleted since the list was made
        behind = len(unknown) - self._pace.reservations_a_round
        self._warnings.say("people", f"{behind} tasks are not looked up yet: who has them still shows as before" if behind > 0 else "")  # fmt: skip
        return [reservation for told in self._reservations.values() for reservation in told]

    def _serve(self) -> Mapping[str, set[str]]:
        serves: dict[str, set[str]] = {}
        for sid, workers in self._members.items():
            for worker in workers:
                serves.setdefault(worker, set()).add(self._queues[sid])
        return serves

    def _due(self, now: int) -> tuple[list[int], list[int]]:
        """(quarters of the day until now that were not told yet, those that may still change), oldest first."""
        theirs = now + self._api.clock.skew_ms
        due = self._quarters.due(theirs)
        recent = [start for start in due if start + QUARTER_MS + SETTLE_MS > now or start == due[-1]]
        past = due[: -len(recent)]
        return past, recent[:-1] if theirs - recent[-1] < MARGIN_MS else recent

    async def _ask_totals(self) -> None:
        now = self._link.now_ms()
        _, recent = self._due(now)
        for start in recent:
            is_fresh = start + QUARTER_MS + FRESH_MS > now
            if is_fresh or now - self._told_at.get(start, 0) >= AGAIN_MS:
                await self._account(start, is_running=now + self._api.clock.skew_ms < start + QUARTER_MS)
                self._told_at[start] = now
        self._told_at = {start: at for start, at in self._told_at.items() if start in recent}
        self._accounts.forget(now - now % QUARTER_MS - SETTLE_MS)

    async def _ask_history(self) -> None:
        now = self._link.now_ms()
        part = self._due(now)[0][: self._pace.history_a_round]
        for start in part:
            await self._account(start, is_running=False)
        await self._quarters.told(part, now)

    async def _account(self, start: int, *, is_running: bool) -> None:
        thresholds = self._settings.service_level_s
        # Twilio counts up to and with the end date.
        until = {} if is_running else {"EndDate": iso(start + QUARTER_MS - 1)}
        told = await self._all(
            "/TaskQueues/Statistics",
            "task_queues_statistics",
            p.Statistics,
            "accounts",
            StartDate=iso(start),
            **until,
            **({"SplitByWaitTime": ",".join(map(str, thresholds))} if thresholds else {}),
            PageSize=p.STATISTICS_PAGE,
        )
        queues, now = self._queues, self._link.now_ms()
        accounts = [
            translate.account(each.cumulative, queues[each.task_queue_sid], start, thresholds, now)
            for each in told
            if each.cumulative is not None and each.task_queue_sid is not None and each.task_queue_sid in queues
        ]
        if start + QUARTER_MS + SETTLE_MS <= now:  # of what is long over only what happened is worth a word
            accounts = [each for each in accounts if any(each.counters.values()) or self._accounts.knows(each)]
        await self._link.emit(list(self._accounts.news(accounts)))

    # ── what is heard ─────────────────────────────────────────────────────────────────────────────

    async def _look_for_callbacks(self) -> None:
        """The door, in another process, notes when a callback came."""
        heard = await self._link.recall(door.HEARD)
        if heard != self._heard:
            self._heard = heard
            for event in self._sooner.values():
                event.set()


def _explain(status: int, answer: Any) -> str | None:
    told = answer if isinstance(answer, dict) else {}
    words = str(told.get("message") or "")[:300]
    if status == 404:
        return f"Twilio knows no such thing ({words or 'not found'}); check workspace_sid and the account's region"
    return f"Twilio: {words} (error {told['code']})" if words and "code" in told else words or None
