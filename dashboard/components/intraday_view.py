"""What the page of the past is about, and the few judgements that its parts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from dashboard.components.numbers import Numbers, nothing
from dashboard.context import Account
from dashboard.i18n import Words
from operations.alerts.budget import PERIOD_WINDOW
from operations.intraday.history import History
from operations.intraday.measures import goal_target
from operations.projects.contract import Contract, Project, Target

WINDOW_OF_SPAN = {"day": "today", "week": "week", "month": "month"}

TELLS = {
    "usual": "offered",
    "change": "offered",
    "missed": "service_level_pct",
    "excess": "service_level_pct",
    "misses_left": "service_level_pct",
    "agents": "agents_logged_in",
}
"""The KPI behind a measure that is none itself."""

TELLS_OF = {name: kpi for name, kpi in TELLS.items() if name != "agents"}
"""The measure, of those that sources tell or not, on which another rests."""

FELT = 1.0
"""An interval is below the goal when at least one whole contact more than allowed was missed: two of three contacts are no trend."""


@dataclass(frozen=True)
class View:
    """One page. ``budget``: the live board's, by window (``operations.alerts.budget.MissesLeft``); ``quiet``: sources that
    do not tell anything now, as (why, source, since when); ``begins``: the first day of which anything is stored.
    """

    project: Project
    history: History
    words: Words
    budget: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    quiet: Sequence[tuple[str, str, str]] = ()
    begins: date | None = None
    as_of: str = ""
    kpis: frozenset[str] | None = None
    """Those that the reader may see; None: all."""
    who: Account | None = None

    def shows(self, measure: str) -> bool:
        """Whether a column, a tile or a chart tells only what the reader may see."""
        return self.kpis is None or TELLS.get(measure, measure) in self.kpis

    def without(self, measure: str) -> tuple[str, ...]:
        """The sources that a number of the whole project is without, since they do not tell it; () where nobody does."""
        cover = self.history.covers.get(TELLS_OF.get(measure, measure))
        return cover.lacking if cover and cover.sources else ()

    def nobody_tells(self, measure: str) -> bool:
        """Whether there is no number since no source tells it."""
        cover = self.history.covers.get(TELLS_OF.get(measure, measure))
        return cover is not None and not cover.sources

    def untold(self) -> list[tuple[str, bool, list[str]]]:
        """What sources do not tell of what is shown, as (source, whether others tell it, measures)."""
        found: dict[tuple[str, bool], list[str]] = {}
        for measure, cover in self.history.covers.items():
            for source in cover.lacking if self.shows(measure) else ():
                found.setdefault((source, bool(cover.sources)), []).append(measure)
        return [(source, told, measures) for (source, told), measures in found.items()]

    @cached_property
    def numbers(self) -> Numbers:
        return Numbers(self.words.language)

    @property
    def contract(self) -> Contract:
        """The contract of the last day that has begun."""
        return self.project.contract_on(self.history.span.begun[-1])

    @property
    def by_day(self) -> bool:
        """Whether a step is a day."""
        return self.history.span.kind != "day"

    def target(self, kpi: str) -> Target | None:
        """What a KPI of the whole span is held to: the target over just this window, else the first one of the KPI."""
        queue, contract = self.history.queue, self.contract
        if kpi == "service_level_pct":
            return goal_target(contract, queue)
        fitting = [
            target
            for target in contract.targets
            if target.kpi == kpi
            and target.goal is not None
            and (
                target.queue is None and not target.per_queue
                if not queue
                else target.queue == queue or target.per_queue
            )
        ]
        exact = [target for target in fitting if target.window == WINDOW_OF_SPAN[self.history.span.kind]]
        return next(iter(exact or fitting), None)

    def band(self, kpi: str, value: float, sample: float) -> str:
        """``data-band`` of a KPI of the span."""
        if nothing(value):
            return "unknown"
        target = self.target(kpi)
        return target.band(value, sample) if target else "none"

    def left(self) -> tuple[str, Mapping[str, Any]] | None:
        """The live error budget that this page shows: its window and numbers; None when the span is over or has none."""
        span = self.history.span
        if not span.running or not self.budget:
            return None
        window = WINDOW_OF_SPAN[span.kind]
        if window not in self.budget:
            window = PERIOD_WINDOW[self.contract.service_level.period]
        return (window, self.budget[window]) if window in self.budget else None

    def address(self, **changes: object) -> str:
        """The address of this page with some of its choices changed; what is the default is left out."""
        span = self.history.span
        chosen: dict[str, object] = {
            "span": span.kind,
            "day": "" if span.running else span.first.isoformat(),
            "interval": self.history.minutes,
            "queue": self.history.queue,
        }
        chosen |= changes
        left_out = {"span": "day", "interval": self.project.interval_min}
        kept = {name: value for name, value in chosen.items() if value and value != left_out.get(name)}
        return f"/intraday/{self.project.id}" + (f"?{urlencode(kept)}" if kept else "")


def lacks(view: View, measure: str) -> str:
    """What is missing from a number of the whole: the sources that it is without, or all of it; "" when nothing is."""
    if view.nobody_tells(measure):
        return view.words("not reported")
    lacking = view.without(measure)
    return view.words("without {sources}", sources=view.numbers.joined(lacking)) if lacking else ""


def look(step: Any) -> str:
    """How an interval or a day stands against its goal: ``lost`` (it lost the whole), ``below``, ``ok`` or ``none``."""
    if nothing(step["service_level_pct"]) or nothing(step["goal"]):
        return "none"
    if step["lost"]:
        return "lost"
    return "below" if step["excess"] >= FELT else "ok"


def step_name(view: View, step: Mapping[str, Any], *, whole: bool = False) -> str:
    """What an interval or a day is called; ``whole``: with its date where the page is about several days."""
    if step.get("label", "").count("-") == 2:
        return view.numbers.day(step["day"], "MMMEd")
    if whole and view.by_day:
        return f"{view.numbers.day(step['day'], 'MMMEd')}, {step['label']}"
    return str(step["label"])


def over(view: View) -> int:
    """Misses beyond the whole misses that the goal allows, as ``operations.alerts.budget`` counts them; negative: to spare."""
    total = view.history.total
    return int(total["missed"]) - int(total["allowed"] + 1e-9)
