"""Webex Contact Center: each task from its entry to its end, and who is signed in as what, by polling the search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from collectors.collector import FLOOR, CollectorError, Fact, Link, SourceSettings
from collectors.events import AnyEvent, Snapshot
from collectors.polled.http import HttpApi
from collectors.polled.people import Roster
from collectors.polled.queues import Warnings, Watched
from collectors.polled.schedule import Allowance, Poll, poll_forever
from collectors.webex import protocol
from collectors.webex.access import Access
from collectors.webex.people import Served, people, served
from collectors.webex.protocol import Export, PageInfo, Refused, Session, Task
from collectors.webex.settings import WebexSettings
from collectors.webex.translate import Contacts

HOUR_MS = 3_600_000
CATCH_UP_MS = 2 * HOUR_MS
"""So much of what was missed is asked for with each question about the present."""
LOOK_BACK_MS = 23 * HOUR_MS
"""A source that was away for longer is asked no further back."""
ACTIVE_MS = 24 * HOUR_MS
"""A task that goes on was created at most so long ago."""
SIGNED_IN_MS = 72 * HOUR_MS
"""So was a session; sessions that were never closed stay open for ever, and nobody sits there."""
OVERLAP_MS, SWEEP_MS = 120_000, 30 * 60_000
"""A task may be found some time after its creation: the last two minutes are asked about each time, the last half hour now and then."""
SWEEP_EVERY_MS = 60_000
LOST_MS = 600_000
"""A task that is neither found nor over for so long is no longer known to Webex."""
QUEUES_S = 300.0
MOST_PAGES = 200
"""Of one answer: fifty thousand records."""
MEMORY = "created"
RIGHTS = "it needs the scope cjp:config_read, allowed by a user with the role Administrator or Supervisor"

_allowances: dict[str, Allowance] = {}
"""300 requests a minute a client id, whatever sources share it in this process."""

T = TypeVar("T")


async def _turn(page: Callable[[str], Awaitable[str | None]], first: str, what: str) -> None:
    """Read page after page. ``page``: reads the one at a cursor and tells the next one's. Raises ``CollectorError`` where there is no end."""
    cursor, read = first, set[str]()
    while cursor not in read:
        if len(read) == MOST_PAGES:
            raise CollectorError(
                f"Webex Contact Center answers the question for {what} with more than {MOST_PAGES} pages"
            )
        read.add(cursor)
        following = await page(cursor)
        if following is None or following == cursor:  # where it stands still, the list is read too
            return
        cursor = following
    raise CollectorError(f"Webex Contact Center answers the question for {what} with the same page again and again")


class WebexCollector:
    kind: ClassVar[str] = "webex"
    Settings: ClassVar[type[SourceSettings]] = WebexSettings
    gives: ClassVar[frozenset[Fact]] = FLOOR - {"rang_no_answer"}

    def __init__(self, source: str, settings: WebexSettings) -> None:
        self._settings = settings

    async def run(self, link: Link) -> None:
        own = self._settings
        secrets = [own.client_secret.get_secret_value(), own.refresh_token.get_secret_value()]
        wrong = "check client_id, client_secret and refresh_token"
        async with (
            HttpApi(link, own.api_url, name="Webex Contact Center", rights=RIGHTS, secrets=secrets) as api,
            HttpApi(link, own.token_url, name="Webex", rights=wrong, secrets=secrets) as tokens,
        ):
            organization = Organization(link, own, api, tokens)
            await organization.recall()
            await poll_forever(
                [
                    Poll("queues", QUEUES_S, organization.queues),
                    Poll("tasks", own.poll_s, organization.tasks),
                    Poll(
                        "agents",
                        own.poll_s,
                        organization.people,
                        unknown=organization.people_unknown,
                        stale_after_s=own.stale_after_ms / 1000,
                    ),
                ],
                link,
                detail=f"Webex Contact Center, {own.region}",
            )


class Organization:
    """One organization in one session: each method asks once, and emits what the answer tells."""

    def __init__(self, link: Link, settings: WebexSettings, api: HttpApi, tokens: HttpApi) -> None:
        self._link, self._settings, self._api = link, settings, api
        self._allowance = _allowances.setdefault(settings.client_id, Allowance(4.5, burst=10))
        self._warnings = Warnings(link)
        self._access = Access(link, settings, api, tokens, self._warnings)
        self._watched = Watched(self._warnings, "Webex Contact Center", settings.queues or None)
        self._served = Served()
        self._contacts, self._roster = Contacts(settings.queues), Roster()
        self._missed: dict[str, int] = {}
        self._from = 0
        self._backlog: list[tuple[int, int]] = []
        self._swept_at = self._kept_at = 0
        self._asked_at = 0
        self._whole = True
        """The next answer about people is told as a snapshot."""
        self._taken_over = False

    async def recall(self) -> None:
        """Begin where an earlier session stopped, at most a day back; the last hour first, the rest backwards when the present is known."""
        now = self._link.now_ms()
        raw = await self._link.recall(MEMORY)
        kept = int(raw) if raw and raw.isdigit() else 0
        start = min(max(kept, now - LOOK_BACK_MS), now)
        self._from = max(start, now - HOUR_MS)
        ends = range(self._from, start, -CATCH_UP_MS)
        self._backlog = [(max(start, end - CATCH_UP_MS), end) for end in ends]

    # ── the questions ─────────────────────────────────────────────────────────────────────────────

    async def queues(self) -> None:
        """Which queues there are, and which teams serve them."""
        path = f"/organization/{self._settings.org_id}/contact-service-queue/bulk-export"
        pages: list[Export] = []

        async def page(number: str) -> str | None:
            answer = await self._ask("GET", path, params={"type": "INBOUND", "page": number, "pageSize": 100})
            pages.append(self._read(protocol.export_page, answer))
            return str(len(pages)) if pages[-1].rel == "next" and pages[-1].resources else None

        await _turn(page, "0", "its queues")
        own = self._settings
        self._watched.take({name: name for name in served(pages, own.channels, ()).queues})
        self._served = served(pages, own.channels, own.queues)
        self._link.note(queues=len(self._served.queues))

    async def tasks(self) -> None:
        """Contacts: what goes on, what began since the last question, and how that which went on has ended."""
        now = self._link.now_ms()
        self._asked_at = now
        seen = await self._tell(now - ACTIVE_MS, now, active=True)
        sweep = now - self._swept_at >= SWEEP_EVERY_MS
        start = max(min(self._from, now) - (SWEEP_MS if sweep else OVERLAP_MS), now - LOOK_BACK_MS)
        seen |= await self._tell(start, now)
        await self._follow(now, seen)
        self._from = now
        if sweep:
            self._swept_at = now
            self._contacts.forget(self._theirs(now - CATCH_UP_MS))
        if self._backlog and not self._whole:
            await self._tell(*self._backlog[0])
            self._backlog.pop(0)
        await self._keep(now)

    async def people(self) -> None:
        """Who is signed in."""
        now, found = self._link.now_ms(), list[Session]()
        until = self._theirs(now)

        async def page(cursor: str) -> str | None:
            query = protocol.sessions(until - SIGNED_IN_MS, until, cursor)
            some, info = await self._search(query, protocol.session_page)
            found.extend(some)
            return info.following

        await _turn(page, protocol.FIRST_SESSIONS, "sessions")
        seen = people(found, self._settings.channels, self._served, self._api.clock.ours)
        at = self._link.now_ms()
        if not self._whole:
            await self._link.emit(self._roster.changes(seen, at))
            return
        # In the middle of a session the changes come first: a snapshot alone does not end anybody's wrap-up.
        changes = self._roster.changes(seen, at) if self._taken_over else []
        listed = seen if self._taken_over else self._roster.start(seen, at)
        unwatched_since = None if self._taken_over else self._link.unwatched_since
        waiting = self._contacts.waiting()
        queues = sorted({*self._served.queues, *(contact.queue for contact in waiting)})
        whole = Snapshot(at, self._asked_at, queues, waiting, listed, unwatched_since=unwatched_since)
        await self._link.emit([*changes, whole])
        self._whole, self._taken_over = False, True

    async def people_unknown(self) -> None:
        """Webex has not said for some time who is signed in."""
        await self._link.emit(self._roster.out_of_sight(self._link.now_ms()))

    # ── how they are asked ────────────────────────────────────────────────────────────────────────

    async def _tell(self, start: int, end: int, *, active: bool = False) -> set[str]:
        """Emit what the tasks that were created from ``start`` to ``end`` (on our clock) tell anew; their ids."""
        seen: set[str] = set()
        first, last = self._theirs(start), self._theirs(end)

        async def page(cursor: str) -> str | None:
            query = protocol.tasks(first, last, self._settings.channels, cursor, active=active)
            some, info = await self._search(query, protocol.task_page)
            await self._news(some, first, last)
            seen.update(task.id for task in some)
            return info.following

        await _turn(page, protocol.FIRST_TASKS, "tasks")
        return seen

    async def _follow(self, now: int, seen: set[str]) -> None:
        """Ask for those that went on and are in no answer any more, until they are over."""
        away = {task: created for task, created in self._contacts.open.items() if task not in seen}
        ids = list(away)
        for start in range(0, len(ids), protocol.IDS):
            some = ids[start : start + protocol.IDS]
            first, last = min(away[task] for task in some) - 1, self._theirs(now)
            page, _ = await self._search(protocol.tasks_by_id(first, last, some), protocol.task_page)
            await self._news(page, first, last)
            seen |= {task.id for task in page}
        self._missed = {task: self._missed.get(task, now) for task in away if task not in seen}
        for task in [task for task, since in self._missed.items() if now - since >= LOST_MS]:
            self._contacts.lose(task)
            del self._missed[task]
            self._whole = True  # what became of it only the whole state can tell

    async def _news(self, page: list[Task], first: int, last: int) -> None:
        events: list[AnyEvent] = []
        for task in page:
            events += self._contacts.news(await self._completed(task, first, last), self._api.clock.ours)
        await self._link.emit(events)

    async def _completed(self, task: Task, first: int, last: int) -> Task:
        """The task with all its steps."""
        held = task.activities
        if held is None or held.page_info.following is None:
            return task
        nodes = list(held.nodes)

        async def page(cursor: str) -> str | None:
            some, _ = await self._search(protocol.more_activities(first, last, task.id, cursor), protocol.task_page)
            more = some[0].activities if some else None
            if more is None or not more.nodes:
                return None
            nodes.extend(more.nodes)
            return more.page_info.following

        await _turn(page, held.page_info.following, "a task's steps")
        return protocol.with_activities(task, nodes)

    async def _search(self, query: str, read: Callable[[Any], tuple[T, PageInfo]]) -> tuple[T, PageInfo]:
        answer = await self._ask("POST", "/search", params={"orgId": self._settings.org_id}, json={"query": query})
        return self._read(read, answer)

    def _read(self, read: Callable[[Any], T], answer: Any) -> T:
        try:
            return read(answer)
        except Refused as refused:
            raise CollectorError(
                f"Webex Contact Center does not answer: {refused}; {RIGHTS}", permanent=refused.permanent
            ) from None
        except ValueError as error:
            raise CollectorError(f"Webex Contact Center answered with something else than was asked: {error}") from None

    async def _ask(self, method: str, path: str, **what: Any) -> Any:
        await self._access.keep()
        await self._allowance.take()
        return await self._api.ask(method, path, **what)

    def _theirs(self, at: int) -> int:
        """A time of ours on Webex's clock."""
        return at + self._api.clock.skew_ms

    async def _keep(self, now: int) -> None:
        """From where the next session has to ask: what is not over, what may still be found, what was not yet caught up."""
        if now - self._kept_at < 30_000 and self._kept_at:
            return
        self._kept_at = now
        earliest = min([now - SWEEP_MS, *self._contacts.open.values(), *(start for start, _ in self._backlog)])
        await self._link.remember(MEMORY, str(max(earliest, now - LOOK_BACK_MS)).encode())
