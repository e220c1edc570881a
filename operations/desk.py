"""One project at work: its window sums, its board, and when that board is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from operations.agent_days import AgentDays
from operations.alerts import budget
from operations.alerts.keeper import AlertKeeper
from operations.board import TREND_POINTS, BoardKeeper, Change
from operations.floor.counters import MINUTE_MS
from operations.floor.floor import VisitKey
from operations.fold import Booked, SourceFold
from operations.kpis import formulas
from operations.kpis.catalogue import CATALOGUE, DEFAULT_WALL
from operations.lost import Contact
from operations.projects.contract import Contract, Project, split_queue
from operations.sources import SourceView
from operations.store import boards, keys
from operations.store.leases import Lease, guarded
from operations.windows import WindowSums

GAP_MS = 20
"""A board is published at most once in this time; what changes meanwhile goes out together."""

SETTLED_MS = 4_000
"""Once a new desk has read what was in the log already, it waits so long for a source's own past before it draws trends of it."""

CATCH_UP_MS = 10_000
"""The longest time for which a board waits for its folds to come to the end of the log."""


LONG = ("project",)
"""Windows that cost the whole history to begin with: they are followed only where a number is asked for over them, or given over them unasked."""


def windows_of(project: Project) -> dict[str, tuple[str, ...]]:
    """The windows that each KPI of the board is shown over, from the targets of every stage of the contract."""
    wanted: dict[str, list[str]] = {
        key: [kpi.default_window] for key, kpi in CATALOGUE.items() if kpi.formula is not None
    }
    wanted["service_level_pct"] += [
        "interval",
        "month",
        *(budget.PERIOD_WINDOW[rule.value.period] for rule in project.service_level),
    ]
    for block in project.targets:
        for target in block.value:
            if target.kpi in wanted:
                wanted[target.kpi].append(target.window)
    return {key: tuple(dict.fromkeys(names)) for key, names in wanted.items()}


class Desk:
    """The one writer of a project's board."""

    def __init__(
        self, client: Any, project: Project, lease: Lease, folds: Mapping[str, SourceFold], now_ms: int
    ) -> None:
        self._client = client
        self.project = project
        self.lease = lease
        self._sources: Mapping[str, SourceView] = {}
        self._folds = {source: folds[source] for source in project.sources if source in folds}
        self._floors = {source: fold.floor for source, fold in self._folds.items()}
        windows = windows_of(project)
        shown = dict.fromkeys(window for names in windows.values() for window in names if window not in LONG)
        shown.update(dict.fromkeys(target.window for block in project.targets for target in block.value))
        shown.pop("now", None)
        cells = {source: fold.cells for source, fold in self._folds.items()}
        whole = budget.WINDOWS if self._has_goal() else ()
        self.sums = WindowSums(project, shown, cells, whole, by_source=True)
        self.sums.roll(now_ms)
        self.agent_days = AgentDays(client, project, now_ms)
        self.board = BoardKeeper(project, self.sums, windows, self.agent_days)
        self.alerts = AlertKeeper(client, project)
        self.alerts.hear(now_ms)  # what was said while nobody held this project
        self._resume()
        trending = [target.kpi for block in project.targets for target in block.value]
        self._trending = tuple(dict.fromkeys((*project.wall, *DEFAULT_WALL, *trending)))
        self._draw_back_at: int | None = now_ms + SETTLED_MS
        self._own = frozenset(project.queues)
        self._looked_back = (0, 0)
        self._look_back(now_ms)
        self._changed: set[str] | None = None
        self._people: set[str] | None = None
        self._contacts: set[Contact] | None = None
        self._due = True
        self._published_at = 0
        self._minute = now_ms // MINUTE_MS
        self._said: dict[str, tuple[str, int | None, str]] = {}
        self._rewrite = True
        self.published = 0

    def _has_goal(self) -> bool:
        """Whether any stage of the contract has a service-level goal, so that there is a budget to watch."""
        return any(budget.target_of(Contract(targets=block.value)) for block in self.project.targets)

    def _look_back(self, now_ms: int) -> None:
        """Once a day: what the periods that today, this week and this month are compared with have brought."""
        day = self.project.calendar.day(now_ms)
        contract = self.project.contract_on(self.project.calendar.local_date(now_ms))
        if day == self._looked_back or budget.target_of(contract) is None:
            return
        self._looked_back = day
        self.board.follow_sources(contract, self._sources)
        self.board.counting_since = self.sums.begins(now_ms)
        for period in ("day", contract.service_level.period):
            self.board.past_volumes[period] = [
                formulas.service_level_parts(self.sums.past(*bounds, now_ms, self._judged), contract)[1]
                for bounds in budget.past_starts(self.project, period, now_ms)
            ]

    def _draw_back(self, now_ms: int) -> None:
        """Trends of a board that nobody kept: the counters tell what today's numbers were, minute by minute."""
        contract = self.project.contract_on(self.project.calendar.local_date(now_ms))
        missing = [
            CATALOGUE[key]
            for key in self._trending
            if key not in self.board.trends and CATALOGUE[key].default_window == "today" and self._is_whole(key)
        ]
        for end, cell in self.sums.backwards("today", now_ms, TREND_POINTS) if missing else ():
            for kpi in missing:
                if kpi.formula is not None:
                    value = kpi.formula(cell, contract, 0).value
                    self.board.trends.setdefault(kpi.key, []).append((end, None if value is None else round(value, 2)))

    @property
    def _judged(self) -> tuple[str, ...]:
        """The sources whose contacts the service level is made of."""
        found = self.board.covers.get("service_level_pct")
        return found.sources if found else ()

    def _is_whole(self, key: str) -> bool:
        """Whether the project's own sums are what a KPI is made of."""
        found = self.board.covers.get(key)
        return found is not None and bool(found.sources) and not found.lacking

    def _follow_windows(self) -> None:
        """Begin to sum the long windows of what a source turns out to give."""
        for key, found in self.board.covers.items():
            if found.sources and CATALOGUE[key].default_window in LONG:
                self.sums.follow(CATALOGUE[key].default_window)

    def _resume(self) -> None:
        """Go on counting revisions, drawing trends and remembering last values where the last writer stopped.

        One revision is left out, so that a screen that watched the last writer takes the whole board anew.
        """
        head, kpis = self._client.hmget(keys.board(self.project.id), boards.HEAD, boards.KPIS)
        if head:
            self.board.revision = msgspec.json.decode(head).get("revision", 0) + 1
        if kpis:
            self.board.kpis = msgspec.json.decode(kpis)
        kept = self._client.get(keys.trends(self.project.id))
        if kept:
            self.board.trends = msgspec.json.decode(kept, type=dict[str, list[tuple[int, float | None]]])

    # ── what makes a board due ────────────────────────────────────────────────────────────────────

    def follow(
        self,
        source: str,
        booked: list[Booked],
        changed_queues: set[str],
        changed_agents: set[str],
        changed_contacts: set[VisitKey],
    ) -> None:
        """Take over what one source booked and changed."""
        for row, at, change in booked:
            self.sums.add(source, row, at, change)
            for scope in self.sums.scopes(source, row):
                self._mark(scope)
        for queue in changed_queues:
            name = f"{source}/{queue}"
            if name in self._own:
                self._mark(name)
        if self._people is not None:
            self._people.update(f"{source}/{agent}" for agent in changed_agents)
        if self._contacts is not None:
            self._contacts.update((source, queue, contact) for queue, contact in changed_contacts)

    def _mark(self, scope: str) -> None:
        self._due = True
        if scope and self._changed is not None:
            self._changed.add(scope)

    def tick(self, sources: Mapping[str, SourceView], now_ms: int) -> None:
        """Once a second: windows move, sources go stale, waits grow, a project opens or closes."""
        contract = self.project.contract_on(self.project.calendar.local_date(now_ms))
        own = {name: view for name, view in sources.items() if name in self.project.sources}
        judged = self._judged
        if self.board.follow_sources(contract, own):
            self._follow_windows()
            if self._judged != judged:
                self._looked_back = (0, 0)
            self._changed = None
            self._due = True
        self._sources = own
        moved = self.sums.roll(now_ms)
        self._look_back(now_ms)
        if not self._settled(now_ms):
            self._draw_back_at = now_ms + SETTLED_MS
        elif self._draw_back_at is not None and now_ms >= self._draw_back_at:
            self._draw_back_at = None
            self._draw_back(now_ms)
            self._due = True
        said, self._said = self._said, {name: (view.state, view.since, view.error) for name, view in own.items()}
        minute = now_ms // MINUTE_MS
        if moved or said != self._said or minute != self._minute:
            self._changed = None
            self._due = True
        if self.alerts.running:
            self._due = True
        if self.board.anything_waits:
            self._due = True
            if self._changed is not None:
                self._changed.update(row["queue"] for row in self.board.waiting)
        if minute != self._minute and self._draw_back_at is None:
            self._minute = minute
            self.board.note_trend(minute * MINUTE_MS, self._trending)
            self._client.set(keys.trends(self.project.id), msgspec.json.encode(self.board.trends))

    def hear(self, now_ms: int) -> None:
        """Somebody spoke to this project's alerts."""
        if self.alerts.hear(now_ms):
            self._due = True

    def lost_sight(self) -> dict[str, int]:
        """By source: contacts of today whose end nobody saw."""
        lost = dict.fromkeys(self.project.sources, 0)
        for queue in self.project.queues:
            lost[split_queue(queue)[0]] += self.sums.get("today", queue).get("lost_sight")
        return lost

    def due_in(self, now_ms: int) -> int | None:
        """Milliseconds until this board wants to be published; None when nothing changed.

        Half-read logs make wrong numbers and false alerts, so a board waits until its folds have come to the end of theirs, but
        not for ever: under a load that never ends an old number is better than none.
        """
        if not self._due or not self._settled(now_ms):
            return None
        return max(0, self._published_at + GAP_MS - now_ms)

    def _settled(self, now_ms: int) -> bool:
        return all(not 0 < fold.behind_ms(now_ms) < CATCH_UP_MS for fold in self._folds.values())

    # ── publishing ────────────────────────────────────────────────────────────────────────────────

    def publish(self, now_ms: int) -> bool:
        """Compute the board and write what changed, under the lease. True when something went out.

        Raises ``LeaseLost`` and redis errors; what could not be written is computed whole again.
        """
        self._due = False
        self._published_at = now_ms
        changed, self._changed = self._changed, set()
        people, self._people = self._people, set()
        contacts, self._contacts = self._contacts, set()
        change = self.board.compute(
            self._floors,
            self._sources,
            now_ms,
            changed_queues=changed,
            changed_agents=people,
            changed_contacts=contacts,
            alerts=self.alerts,
        )
        if not change and not self.alerts.unsaved:
            return False
        try:
            guarded(self._client, self.lease, lambda pipe: self._write(pipe, change, now_ms))
        except Exception:
            self.again()
            raise
        self._rewrite = False
        self.alerts.saved()
        self.agent_days.saved()
        self.published += 1
        return True

    def again(self) -> None:
        """The stored board may not be what this process thinks: write all of it next time, past a gap in the revisions."""
        self.board.head = {}
        self.board.revision += 1
        self.alerts.again()
        self.agent_days.again()
        self._changed = self._people = self._contacts = None
        self._rewrite = self._due = True

    def _write(self, pipe: Any, change: Change, now_ms: int) -> None:
        board, whole = self.board, self._rewrite
        if self.alerts.unsaved:
            self.alerts.write(pipe, now_ms)
        self.agent_days.write(pipe)
        if not change:
            return
        parts = {boards.HEAD: boards.encode(board.head)}
        if whole:
            pipe.delete(keys.board(self.project.id))
        if change.kpis or whole:
            parts[boards.KPIS] = boards.encode(board.kpis)
        for name in board.queues if whole else change.queues:
            if name in board.queues:
                parts[boards.QUEUE + name] = boards.encode({"name": name.partition("/")[2], "kpis": board.queues[name]})
        for name in board.agents if whole else change.agents:
            parts[boards.AGENT + name] = boards.encode(board.agents[name])
        for name in board.lost if whole else change.lost:
            parts[boards.LOST + name] = boards.encode(board.lost[name])
        if change.waiting or whole:
            parts[boards.WAITING] = boards.encode(board.waiting)
        gone = [
            *(boards.QUEUE + name for name in change.queues_gone),
            *(boards.AGENT + name for name in change.agents_gone),
            *(boards.LOST + name for name in change.lost_gone),
        ]
        boards.write(pipe, self.project.id, parts, gone, boards.encode(change.body))
