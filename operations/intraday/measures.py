"""From sums to what a page shows: the columns of ``operations.intraday.blocks`` made into the KPIs of the catalogue.

The formulas are those of ``operations.kpis.formulas``, for whole columns at once; a test holds the two together. Each number is made of
the sums over those sources that tell it, and kept as its two parts until all rows are added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from operations.alerts.budget import target_of
from operations.floor.counters import FLOW_OUTS
from operations.intraday.blocks import COLUMNS
from operations.kpis.formulas import by_rule
from operations.projects.contract import Contract, Target

RESTS_ON = {
    **{
        key: key
        for key in ("offered", "answered", "abandoned", "service_level_pct", "abandon_rate_pct", "asa_s", "aht_s")
    },
    "agents": "utilisation_pct",
}
"""The measures of the past, and a KPI that rests on the same facts."""

_NEEDS_ABANDONS = ("ignore_within", "hit_within")

ADDITIVE = (
    *("offered", "answered", "abandoned", "lost_sight", "handled", "handling_ms", "logged_in_ms"),
    *("hits", "whole", "allowed", "given_up", "could_give_up", "waited_ms", "waited", "waited_each"),
)
"""Columns whose sums over rows mean something: counters, and the parts of each ratio."""

_SHOWN = ("offered", "answered", "abandoned", "lost_sight", "handled", "whole")


def goal_target(contract: Contract, queue: str = "") -> Target | None:
    """The service-level goal that a queue (or, with "", the project) is held to: its own, else the project's."""
    for target in contract.targets if queue else ():
        if (
            target.kpi == "service_level_pct"
            and target.goal is not None
            and (target.queue == queue or target.per_queue)
        ):
            return target
    return target_of(contract)


def goal_of(contract: Contract, queue: str = "") -> float:
    """The service level in percent that a queue or the project is held to; NaN when nothing was promised."""
    target = goal_target(contract, queue)
    return float("nan") if target is None or target.goal is None else target.goal


def judged(told: Mapping[str, np.ndarray], contract: Contract, goals: float | Sequence[float]) -> pd.DataFrame:
    """Sums by the contract of their days; ``goals``: one for all rows, or one for each.

    ``told``: by measure (as ``RESTS_ON``) a table of sums with the columns ``COLUMNS``, over the sources that tell it; rows of NaN where
    none does. Gives the columns ``ADDITIVE`` and ``goal`` (percent): ``hits`` of ``whole`` contacts in time and the misses that the goal
    allows, ``given_up`` of ``could_give_up``, the wait of those who ``waited`` for an answer, the time of what was ``handled``; NaN
    where it is not told, where the ACD did not tell the waits, and without a goal.
    """
    tables: dict[int, pd.DataFrame] = {}

    def of(measure: str) -> pd.DataFrame:
        sums = told[measure]
        if id(sums) not in tables:
            tables[id(sums)] = pd.DataFrame(sums, columns=list(COLUMNS))
        return tables[id(sums)]

    level, rate, waits, handling = (of(name) for name in ("service_level_pct", "abandon_rate_pct", "asa_s", "aht_s"))
    rule = contract.service_level
    hits, whole = by_rule(
        rule,
        answered=level["answered"],
        abandoned=level["abandoned"],
        in_time=level["in_time"],
        abandoned_in_time=level["abandoned_in_time"],
        short=level["short"],
        flow_outs=flow_outs(level),
    )
    known = level["answered_known"] >= level["answered"]
    if rule.abandons in _NEEDS_ABANDONS or (rule.abandons == "exclude_short" and contract.short_abandon_s):
        known &= level["abandoned_known"] >= level["abandoned"]
    rate_known = (contract.short_abandon_s == 0) | (rate["abandoned_known"] >= rate["abandoned"])
    given_up = (rate["abandoned"] - rate["short"]).where(rate_known)
    table = pd.DataFrame(
        {
            "offered": of("offered")["offered"],
            "answered": of("answered")["answered"],
            "abandoned": of("abandoned")["abandoned"],
            "lost_sight": of("offered")["lost_sight"].fillna(0),
            "handled": handling["handled"],
            "handling_ms": handling["talk_ms"] + handling["hold_ms"] + handling["wrap_ms"],
            "logged_in_ms": of("agents")["logged_in_ms"],
            "hits": hits.where(known).astype(float),
            "whole": whole.where(known).astype(float),
            "given_up": given_up,
            "could_give_up": given_up + rate["answered"] + flow_outs(rate),
            "waited_ms": waits["answered_wait_ms"],
            "waited": waits["answered"],
            "waited_each": waits["answered_each"],
        }
    )
    table["goal"] = goals
    table["allowed"] = table["whole"] * (1 - table["goal"] / 100)
    return table


def flow_outs(table: pd.DataFrame) -> pd.Series:
    """Contacts that left the queue unanswered for a reason other than hanging up; NaN where nothing is told."""
    return table[list(FLOW_OUTS)].sum(axis=1, skipna=False)


def summed(table: pd.DataFrame, by: Sequence[object] | pd.Series | None = None) -> pd.DataFrame:
    """Judged rows added up, by group or (without ``by``) to one row. One row in which a thing is not known leaves its sum unknown."""
    groups = table.groupby(by if by is not None else np.zeros(len(table), int), sort=False)
    columns = list(ADDITIVE)
    total = groups[columns].sum()
    if table[columns].isna().to_numpy().any():
        total = total.where(groups[columns].count().eq(groups.size(), axis=0))
    # One goal for all days, else none: a line through different goals would be nobody's promise.
    total["goal"] = groups["goal"].first().where(groups["goal"].nunique(dropna=False) == 1)
    return total


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows with their KPIs; a KPI without a value is NaN.

    ``agents``: people signed in on average, over ``present_ms``; ``missed``: contacts that count and were not in time;
    ``excess``: misses beyond what the goal allows of these contacts.
    """
    waited_unknown = (table["waited_ms"] == 0) & (table["waited_each"] < table["waited"])
    missed = table["whole"].clip(lower=0) - _within(table["hits"], table["whole"])
    return table.assign(
        service_level_pct=_share(table["hits"], table["whole"]),
        abandon_rate_pct=_share(table["given_up"], table["could_give_up"]),
        asa_s=_mean(table["waited_ms"] / 1000, table["waited"]).where(~waited_unknown),
        aht_s=_mean(table["handling_ms"] / 1000, table["handled"]),
        agents=_mean(table["logged_in_ms"], table["present_ms"]) if "present_ms" in table else np.nan,
        missed=missed,
        excess=(missed - table["allowed"].clip(lower=0)).clip(lower=0),
    )


def on_scale(table: pd.DataFrame) -> pd.DataFrame:
    """Measured rows that are added up no more, without counters below zero.

    An ACD that corrects itself downwards may do so in another interval than that of what it corrects.
    """
    shown = table.assign(**{name: table[name].clip(lower=0) for name in _SHOWN})
    return shown.assign(hits=shown["whole"] - shown["missed"])


def _within(part: pd.Series, whole: pd.Series) -> pd.Series:
    """A part, kept between nothing and the whole."""
    return part.clip(lower=0).clip(upper=whole.clip(lower=0))


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return 100 * _within(part, whole) / whole.where(whole > 0)


def _mean(total: pd.Series, n: pd.Series) -> pd.Series:
    return total.clip(lower=0) / n.where(n > 0)
