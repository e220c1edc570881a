"""A project's board: every number with its window, sample, target, band and reason.

``BoardKeeper`` holds what the last board said and computes the next one from the floors and the window sums; only what changed is
encoded. Nothing here reads a clock or Redis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from operations.agent_days import AgentDays
from operations.alerts import budget
from operations.alerts.keeper import AlertKeeper
from operations.floor.agents import AWAY
from operations.floor.counters import Counters
from operations.floor.floor import Floor
from operations.kpis import formulas
from operations.kpis.catalogue import CATALOGUE, Kpi
from operations.kpis.coverage import Cover, Gives, at_project, covers, lacking, told_by
from operations.kpis.reasons import REASONS
from operations.lost import Contact, LostCallers
from operations.presence import Headcount, Presence, ScopedQueue, agents, observed_agents, seen_from, waiting
from operations.projects.contract import Contract, Project, Target, split_queue
from operations.sources import SourceView
from operations.windows import PROJECT, WindowSums

TREND_POINTS = 30
WAITING_ROWS = 50

QUEUE_KPIS = (
    *(
        "contacts_waiting",
        "longest_wait_s",
        "agents_available",
        "agents_ringing",
        "agents_on_contact",
        "agents_wrap_up",
        "agents_paused",
    ),
    *(
        "agents_logged_in",
        "service_level_pct",
        "answer_rate_pct",
        "offered",
        "answered",
        "abandoned",
        "abandon_rate_pct",
        "asa_s",
        "aht_s",
    ),
    *("avg_talk_s", "occupancy_pct", "rang_no_answer"),
)
"""What a board shows of each queue; the project shows the whole catalogue."""


class Trouble(NamedTuple):
    """Why what a source showed last can no longer be taken for now: a code of ``REASONS``, the words, and what these name."""

    why: str
    reason: str
    about: dict[str, str]


def _because(why: str, **about: str) -> Trouble:
    return Trouble(why, REASONS[why].format(**about), about)


class BoardKeeper:
    """The board of one project, and what changes on it."""

    def __init__(
        self, project: Project, sums: WindowSums, windows: Mapping[str, tuple[str, ...]], agent_days: AgentDays
    ) -> None:
        self.project = project
        self._agent_days = agent_days
        self.sums = sums
        self._windows = windows
        self._queues: tuple[ScopedQueue, ...] = tuple(split_queue(queue) for queue in project.queues)
        self._own = {
            source: frozenset(queue for other, queue in self._queues if other == source) for source in project.sources
        }
        self.revision = 0
        self.head: dict[str, Any] = {}
        self.kpis: dict[str, dict[str, Any]] = {}
        self.queues: dict[str, dict[str, dict[str, Any]]] = {}
        self.agents: dict[str, dict[str, Any]] = {}
        self._headcount = Headcount()
        self.waiting: list[dict[str, Any]] = []
        self.lost: dict[str, dict[str, Any]] = {}
        self._lost_callers = LostCallers(self._queues)
        self._day = (0, 0)
        self.trends: dict[str, list[tuple[int, float | None]]] = {}
        self.past_volumes: dict[str, list[int]] = {}
        """By period (day, week, month): contacts that counted for the service level in the stretches it is compared with."""
        self.counting_since: int | None = None
        """When the first of the project's counters was booked, epoch ms."""
        self.anything_waits = False
        self._gives: Gives = {}
        self._terms: Contract | None = None
        self.covers: dict[str, Cover] = {}
        """By KPI: which sources can give it of the project, and which leave a hole."""
        self._queue_covers: dict[str, Cover] = {}
        """The same of single queues."""

    def follow_sources(self, contract: Contract, sources: Mapping[str, SourceView]) -> bool:
        """Take over what each source can tell. True when that, or what the contract asks for, differs from before."""
        told = {source: told_by(sources.get(source)) for source in self.project.sources}
        if contract is self._terms and told == self._gives:
            return False
        self._terms, self._gives = contract, told
        self.covers = covers(contract, at_project(told, self.project.queues))
        self._queue_covers = covers(contract, told)
        return True

    # ── one board ─────────────────────────────────────────────────────────────────────────────────

    def compute(
        self,
        floors: Mapping[str, Floor],
        sources: Mapping[str, SourceView],
        now_ms: int,
        *,
        changed_queues: set[str] | None = None,
        changed_agents: set[str] | None = None,
        changed_contacts: set[Contact] | None = None,
        alerts: AlertKeeper | None = None,
    ) -> Change:
        """The next board.

        ``changed_queues``: full names of queues whose numbers may differ, ``changed_agents``: full ids (``SOURCE/AGENT``) of people who may;
        ``changed_contacts``: contacts of which something was heard; None for all of each.
        ``alerts``: whose rules are evaluated on the numbers of this very board.
        """
        project = self.project
        contract = project.contract_on(project.calendar.local_date(now_ms))
        opening = project.opening.state(now_ms)
        trouble = {source: self._trouble(sources.get(source), source) for source in project.sources}
        if self.follow_sources(contract, sources):
            changed_queues = None  # a source tells more or less than it did
        late_before = now_ms - contract.service_level.within_s * 1000
        scope = Scope(contract, opening.open, now_ms, project)

        day = project.calendar.day(now_ms)
        new_day, self._day = day != self._day, day
        people = self._people(floors, None if new_day else changed_agents)
        self._headcount.follow(people)
        self._agent_days.meet((name for name, row in people.items() if row is not None), now_ms)
        judged = self.covers["service_level_pct"].sources
        whole = waiting(floors, self._queues, late_before, judged)
        whole.agents.update(self._headcount.count)
        counted = self.covers["agents_available"].sources
        observed_agents(floors, [pair for pair in self._queues if pair[0] in counted], whole)
        self.anything_waits = whole.waiting > 0
        kpis = {
            key: self._entry(scope, kpi, PROJECT, whole, self._whole_trouble(key, trouble), self.kpis.get(key))
            for key, kpi in CATALOGUE.items()
        }
        ages = contract.service_level.waiting_past_threshold  # who waits becomes late without a word
        queues: dict[str, dict[str, dict[str, Any]]] = {}
        for name, pair in zip(project.queues, self._queues, strict=True):
            before = self.queues.get(name)
            quiet = changed_queues is not None and name not in changed_queues
            if before is not None and quiet and not (ages and before["contacts_waiting"]["value"]):
                queues[name] = before
                continue
            here = waiting(floors, (pair,), late_before, judged)
            agents(floors, (pair,), here)
            known = before or {}
            queues[name] = {
                key: self._entry(scope, CATALOGUE[key], name, here, trouble[pair[0]], known.get(key))
                for key in (*QUEUE_KPIS, *scope.judged(name))
            }
        if new_day or changed_contacts is None:
            self._lost_callers.begin(floors, day[0], contract.short_abandon_s * 1000)
        else:
            self._lost_callers.follow(floors, changed_contacts)
        rows = self._waiting_rows(floors)
        head = self._head(contract, opening, sources, now_ms)
        if alerts is not None:
            head["alerts"] = alerts.evaluate(
                contract,
                kpis,
                queues,
                sources,
                sums=lambda window: self._sum("service_level_pct", window),
                is_open=opening.open,
                now_ms=now_ms,
            )
        return self._differ(head, kpis, queues, people, rows, self._lost_rows(), now_ms)

    def _trouble(self, view: SourceView | None, source: str) -> Trouble | None:
        """Why what a source showed last can no longer be taken for now; None while it can."""
        if view is None or view.since is None:
            return _because("source_waiting", source=source)
        if view.state == "up":
            return None
        why = "source_down" if view.state == "down" else "source_stale"
        return _because(why, source=source, time=self.project.calendar.iso(view.since)[11:16])

    def _whole_trouble(self, key: str, trouble: Mapping[str, Trouble | None]) -> Trouble | None:
        """The first trouble of those sources that a number of the project rests on."""
        if not self.project.queues:
            return _because("no_queue")
        return next((found for source in self.covers[key].sources if (found := trouble[source])), None)

    def _sum(self, key: str, window: str) -> Counters:
        """The project's sum of a window over the sources that give a KPI."""
        return self.sums.of_sources(window, self.covers[key].sources)

    def _head(self, contract: Contract, opening: Any, sources: Mapping[str, SourceView], now_ms: int) -> dict[str, Any]:
        project, iso = self.project, self.project.calendar.iso
        spent = self._budget(contract, now_ms)
        state: dict[str, Any] = {"open": opening.open}
        if opening.open and opening.until_ms is not None:
            state["until"] = iso(opening.until_ms)
        if not opening.open and opening.next_ms is not None:
            state["next"] = iso(opening.next_ms)
        return {
            "project": project.id,
            "name": project.name,
            "client": project.client,
            "time_zone": project.time_zone,
            "language": project.language,
            "interval_min": project.interval_min,
            "layout": project.layout,
            "wall": list(project.wall),
            "open": state,
            "service_level": contract.service_level.model_dump(),
            "sources": {
                name: {
                    "state": view.state,
                    "since": iso(view.since) if view.since else None,
                    "error": view.error,
                    "why": view.why,
                    "kind": view.kind,
                    "lacks": lacking(self._gives[name]),
                }
                for name, view in sources.items()
                if name in project.sources
            },
            "limits": project.limits.model_dump(),
            "lost_summary": self._lost_callers.summary(),
            "misses_left": {window: found["left"] for window, found in spent.items()},
            "budget": spent,
            "alerts": [],
        }

    def _budget(self, contract: Contract, now_ms: int) -> dict[str, dict[str, Any]]:
        """By window (today, and the contract's period): the misses that the goal still allows, and what that rests on."""
        target = budget.target_of(contract)
        if target is None or target.goal is None:
            return {}
        left: dict[str, dict[str, Any]] = {}
        if not self.covers["service_level_pct"].sources:
            return left
        for period in dict.fromkeys(("day", contract.service_level.period)):
            window = budget.PERIOD_WINDOW[period]
            counted_sum = self._sum("service_level_pct", window)
            if formulas.service_level(counted_sum, contract, 0).why == formulas.NOT_REPORTED:
                continue  # an ACD that tells no waits: nobody knows what was missed
            hits, whole = formulas.service_level_parts(counted_sum, contract)
            start, end = self.sums.bounds[window]
            hours = self.project.opening
            counted = max(start, min(self.counting_since or start, now_ms))
            volume = budget.expected_volume(
                self.past_volumes.get(period, []),
                whole,
                hours.open_seconds(counted, end),
                hours.open_seconds(counted, min(now_ms, end)),
            )
            left[window] = budget.misses_left(target.goal, hits, whole, volume)._asdict()
        return left

    # ── one number ────────────────────────────────────────────────────────────────────────────────

    def _entry(
        self,
        scope: Scope,
        kpi: Kpi,
        where: str,
        presence: Presence,
        trouble: Trouble | None,
        before: dict[str, Any] | None,
    ) -> dict[str, Any]:
        target = scope.target(kpi, where)
        window = (target.window if target else "") or kpi.default_window
        entry = self._number(scope, kpi, window, where, presence, trouble, target, before)
        if where == PROJECT:
            entry["trend"] = [value for _, value in self.trends.get(kpi.key, ())]
        others = {
            other: self._number(scope, kpi, other, where, presence, trouble, scope.target(kpi, where, other), None)
            for other in (self._windows.get(kpi.key, ()) if where == PROJECT else scope.windows(kpi, where))
            if other != window
        }
        if others:
            entry["windows"] = others
        return entry

    def _number(
        self,
        scope: Scope,
        kpi: Kpi,
        window: str,
        where: str,
        presence: Presence,
        trouble: Trouble | None,
        target: Target | None,
        before: Any,
    ) -> dict[str, Any]:
        since: int | None = None
        moved_by: str | None = None
        untold: list[ScopedQueue] = []
        cover = self.covers[kpi.key] if where == PROJECT else self._queue_covers[kpi.key]
        told = bool(cover.sources) if where == PROJECT else split_queue(where)[0] in cover.sources
        if not told and self.project.queues:
            trouble = before = None  # nothing is withheld that would come back
            result = formulas.Result(None, None, formulas.NOT_REPORTED)
        elif kpi.formula is None:
            result, since, moved_by = _now_value(kpi.key, presence, scope.now_ms)
            untold = [pair for fact in kpi.needs for pair in presence.untold.get(fact, ()) if pair[0] in cover.sources]
            if untold and (where != PROJECT or self._nobody_tells(kpi.key, presence, untold)):
                result, since, moved_by = formulas.Result(None, None, formulas.NOT_REPORTED), None, None
        else:
            counted = self._sum(kpi.key, window) if where == PROJECT else self.sums.get(window, where)
            if kpi.sample == "agent_days" and where == PROJECT:
                counted = Counters({**counted.n, "agent_days": self._agent_days.count(cover.sources)})
            result = kpi.formula(counted, scope.contract, presence.waiting_late)
        value = (
            None if result.value is None else round(result.value, kpi.decimals) if kpi.decimals else int(result.value)
        )
        why, reason, about = result.why, REASONS.get(result.why, ""), None
        if trouble is not None:
            why, reason, about = trouble
        band = "none"
        if trouble is not None or value is None:
            band = "unknown"
        elif kpi.kind == "window" and result.sample == 0:
            why, reason = "no_contacts", REASONS["no_contacts"]
        elif target is not None:
            if target.only_when_open and not scope.open:
                why, reason = "closed", REASONS["closed"]
            else:
                band = target.band(value, result.sample)
                if band == "none":
                    why, reason, about = _because("small_sample", n=str(target.min_sample))
        ages = kpi.key == "service_level_pct" and scope.contract.service_level.waiting_past_threshold
        if not why and ages and presence.late_open:
            # What is shown is the most that it can be: bad enough to be judged so, or not judged.
            why, reason, about = _because("late_open", n=str(presence.waiting_late))
            band = "none" if band == "ok" else band
        entry: dict[str, Any] = {
            "value": None if trouble is not None else value,
            "unit": kpi.unit,
            "window": window,
            "sample": None if trouble is not None else result.sample,
            "target": target.goal if target else None,
            "limits": {"warning": target.warning, "critical": target.critical} if target else None,
            "better": target.better if target else kpi.better,
            "band": band,
            "reason": reason,
            "why": why,
            "since": scope.iso(since) if since is not None and trouble is None else None,
            "last": None,
        }
        if moved_by:
            entry["moved_by"] = moved_by
        if about:
            entry["about"] = about
        if where == PROJECT and told:
            without = [f"{source}/{queue}" for source, queue in untold if value is not None]
            if cover.lacking or without:
                entry["partial"] = [*cover.lacking, *without]
            if len(cover.sources) < len(self.project.sources):
                entry["sources"] = list(cover.sources)
        if trouble is not None and before is not None:
            if before["value"] is not None:
                entry["last"] = {"value": before["value"], "at": self.head.get("at") or scope.iso(scope.now_ms)}
            else:
                entry["last"] = before["last"]
        return entry

    def _nobody_tells(self, key: str, presence: Presence, untold: list[ScopedQueue]) -> bool:
        """Whether nothing is left of a number of the project without these queues; one queue that is gone blanks no wall."""
        if key == "longest_wait_s":
            return presence.oldest is None  # nobody waits as far as is known, which is not far enough to say so
        told = self.covers[key].sources
        return len(untold) == sum(source in told for source, _ in self._queues)

    # ── rows ──────────────────────────────────────────────────────────────────────────────────────

    def _people(self, floors: Mapping[str, Floor], changed: set[str] | None) -> dict[str, dict[str, Any] | None]:
        """Rows of those who may have changed, None for who is gone; of other projects' queues nothing is said."""
        rows: dict[str, dict[str, Any] | None] = {}
        if changed is None:
            ids = {
                f"{source}/{person}"
                for source, queue in self._queues
                if source in floors
                for person in floors[source].members.get(queue, ())
            }
            changed = ids | self.agents.keys()
        for name in changed:
            source, _, person = name.partition("/")
            rows[name] = self._person(floors[source], source, person, name) if source in floors else None
        return rows

    def _person(self, floor: Floor, source: str, person: str, name: str) -> dict[str, Any] | None:
        agent = floor.agents.get(person)
        own = self._own.get(source, frozenset())
        if agent is None or agent.condition in AWAY or own.isdisjoint(agent.queues):
            return None
        condition, reason = seen_from(floor, person, own)
        return {
            "id": name,
            "name": agent.name or person,
            "condition": condition,
            "reason": reason,
            "since": self.project.calendar.iso(agent.since),
            "queues": sorted(f"{source}/{queue}" for queue in agent.queues if queue in own),
            "queue": f"{source}/{agent.queue}" if agent.queue in own else "",
            "missed": agent.missed_between(own, *self._day),
        }

    def _waiting_rows(self, floors: Mapping[str, Floor]) -> list[dict[str, Any]]:
        visits = [
            (visit.entered_at, source, visit)
            for source, queue in self._queues
            if source in floors
            for visit in floors[source].waiting.get(queue, {}).values()
        ]
        visits.sort(key=lambda row: (row[0], row[1], row[2].queue, row[2].contact))
        iso = self.project.calendar.iso
        rows = []
        for entered_at, source, visit in visits[:WAITING_ROWS]:
            history = floors[source].visits[visit.queue, visit.contact]
            rows.append(
                {
                    "queue": f"{source}/{visit.queue}",
                    "contact": visit.contact,
                    "since": iso(entered_at),
                    "caller": history.caller,
                    "caller_name": history.caller_name,
                }
            )
        return rows

    def _lost_rows(self) -> dict[str, dict[str, Any]]:
        """Who hung up today and was not reached since, the latest; the very rows of before where nothing changed."""
        found = self._lost_callers.changed_rows()
        if found is None:
            return self.lost
        iso = self.project.calendar.iso
        return {
            row.id: {
                "id": row.id,
                "caller": row.caller,
                "caller_name": row.caller_name,
                "queue": row.queue,
                "at": iso(row.at),
                "wait_s": -(-row.wait_ms // 1000),
                "tries": row.tries,
                "waiting": row.waiting,
            }
            for row in found
        }

    def note_trend(self, minute_ms: int, keys: Iterable[str]) -> None:
        """Keep the present values as the points of a minute."""
        for key in keys:
            entry = self.kpis.get(key)
            points = self.trends.setdefault(key, [])
            if points and points[-1][0] >= minute_ms:
                continue
            points.append((minute_ms, entry["value"] if entry else None))
            del points[:-TREND_POINTS]

    # ── what changed ──────────────────────────────────────────────────────────────────────────────

    def _differ(
        self,
        head: dict[str, Any],
        kpis: dict[str, dict[str, Any]],
        queues: dict[str, dict[str, dict[str, Any]]],
        people: dict[str, dict[str, Any] | None],
        rows: list[dict[str, Any]],
        lost: dict[str, dict[str, Any]],
        now_ms: int,
    ) -> Change:
        change = Change()
        body = change.body
        body.update({key: value for key, value in head.items() if self.head.get(key) != value})
        changed_kpis = _changed_entries(self.kpis, kpis)
        if changed_kpis:
            body["kpis"] = changed_kpis
        change.kpis = bool(changed_kpis)
        changed_queues: dict[str, Any] = {}
        for name, entries in queues.items():
            if entries is not self.queues.get(name):
                fields = _changed_entries(self.queues.get(name, {}), entries)
                if fields:
                    changed_queues[name] = (
                        {"kpis": fields} if name in self.queues else {"name": split_queue(name)[1], "kpis": fields}
                    )
        change.queues = list(changed_queues)
        for name in self.queues.keys() - queues.keys():
            changed_queues[name] = None
            change.queues_gone.append(name)
        if changed_queues:
            body["queues"] = changed_queues
        for name, row in people.items():
            if row is None:
                if self.agents.pop(name, None) is not None:
                    change.agents_gone.append(name)
            elif self.agents.get(name) != row:
                self.agents[name] = row
                change.agents.append(name)
        if change.agents:
            body["agents"] = [self.agents[name] for name in change.agents]
        if change.agents_gone:
            body["agents_gone"] = change.agents_gone
        if rows != self.waiting:
            body["waiting"] = rows
            change.waiting = True
        if lost is not self.lost:
            change.lost = [name for name, row in lost.items() if self.lost.get(name) != row]
            change.lost_gone = sorted(self.lost.keys() - lost.keys())
        if change.lost:
            body["lost"] = [lost[name] for name in change.lost]
        if change.lost_gone:
            body["lost_gone"] = change.lost_gone
        self.kpis, self.queues, self.waiting, self.lost = kpis, queues, rows, lost
        if body:
            previous, self.revision = self.revision, self.revision + 1
            at = self.project.calendar.iso(now_ms)
            self.head = {**head, "at": at, "revision": self.revision}
            body.update(project=self.project.id, revision=self.revision, previous=previous, at=at)
        return change


class Change:
    """What differs between two boards: ``body`` for the screens, the rest says which stored parts to rewrite."""

    __slots__ = ("body", "kpis", "queues", "queues_gone", "agents", "agents_gone", "waiting", "lost", "lost_gone")

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.kpis = False
        self.queues: list[str] = []
        self.queues_gone: list[str] = []
        self.agents: list[str] = []
        self.agents_gone: list[str] = []
        self.waiting = False
        self.lost: list[str] = []
        self.lost_gone: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.body)


class Scope:
    """What all numbers of one computation share."""

    __slots__ = ("contract", "open", "now_ms", "iso", "_targets")

    def __init__(self, contract: Contract, is_open: bool, now_ms: int, project: Project) -> None:
        self.contract = contract
        self.open = is_open
        self.now_ms = now_ms
        self.iso = project.calendar.iso
        self._targets: dict[str, list[Target]] = {}
        for target in contract.targets:
            self._targets.setdefault(target.kpi, []).append(target)

    def target(self, kpi: Kpi, where: str, window: str | None = None) -> Target | None:
        """The first target of the contract for this KPI here (and over this window, if given)."""
        for target in self._targets.get(kpi.key, ()):
            if _fits(target, where) and (window is None or target.window == window):
                return target
        return None

    def windows(self, kpi: Kpi, queue: str) -> tuple[str, ...]:
        """The windows over which the contract judges a KPI of a queue."""
        found = self._targets.get(kpi.key)
        return tuple(dict.fromkeys(t.window for t in found if _fits(t, queue))) if found else ()

    def judged(self, queue: str) -> tuple[str, ...]:
        """KPIs beyond ``QUEUE_KPIS`` that the contract judges in a queue."""
        return tuple(
            key
            for key, found in self._targets.items()
            if key not in QUEUE_KPIS and any(_fits(target, queue) for target in found)
        )


def _fits(target: Target, where: str) -> bool:
    if where == PROJECT:
        return target.queue is None and not target.per_queue
    return target.per_queue or target.queue == where


def _now_value(key: str, presence: Presence, now_ms: int) -> tuple[formulas.Result, int | None, str | None]:
    """(result, since when it runs by itself, the queue that makes it)."""
    if key == "contacts_waiting":
        return formulas.Result(presence.waiting, None), None, None
    if key == "longest_wait_s":
        if presence.oldest is None:
            return formulas.Result(0, None, "no_one_waiting"), None, None
        since, source, queue = presence.oldest
        return formulas.Result(max(0, now_ms - since) // 1000, None), since, f"{source}/{queue}"
    condition = key.removeprefix("agents_")
    if condition == "logged_in":
        return formulas.Result(presence.logged_in, None), None, None
    return formulas.Result(presence.agents[condition], None), None, None


def _changed_entries(before: Mapping[str, dict[str, Any]], after: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Per KPI the fields that changed; a whole entry when it is new, None when it is gone."""
    changed: dict[str, Any] = {}
    for key, entry in after.items():
        known = before.get(key)
        if known is None:
            changed[key] = entry
        elif known != entry:
            fields = {name: value for name, value in entry.items() if known.get(name, _MISSING) != value}
            fields.update(dict.fromkeys(known.keys() - entry.keys()))
            changed[key] = fields
    for key in before.keys() - after.keys():
        changed[key] = None
    return changed


_MISSING = object()
