"""From sums to what a page shows: each column of ``operations.intraday.blocks`` made into the KPIs of the catalogue.

The formulas are those of ``operations.kpis.formulas``, for whole columns at once; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from operations.alerts.budget import target_of
from operations.floor.counters import FLOW_OUTS
from operations.intraday.blocks import COLUMNS
from operations.kpis.formulas import by_rule
from operations.projects.contract import Contract, Target

_NEEDS_ABANDONS = ("ignore_within", "hit_within", "exclude_short")

ADDITIVE = (*COLUMNS, "hits", "whole", "allowed", "signed_in_ms")
"""Columns whose sums over rows mean something."""


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


def judged(sums: np.ndarray, contract: Contract, goals: float | Sequence[float]) -> pd.DataFrame:
    """A table of sums by the contract of their days; ``goals``: one for all rows, or one for each.

    Beside ``COLUMNS``: ``hits`` of ``whole`` contacts in time (NaN where the ACD did not tell the waits), ``goal`` in percent and the
    misses that it allows (NaN without a goal), ``rate_known``: whether an abandon rate can be told.
    """
    table = pd.DataFrame(sums, columns=list(COLUMNS))
    rule = contract.service_level
    hits, whole = by_rule(
        rule,
        answered=table["answered"],
        abandoned=table["abandoned"],
        in_time=table["in_time"],
        abandoned_in_time=table["abandoned_in_time"],
        short=table["short"],
        flow_outs=flow_outs(table),
    )
    known = table["answered_known"] >= table["answered"]
    if rule.abandons in _NEEDS_ABANDONS:
        known &= table["abandoned_known"] >= table["abandoned"]
    table["hits"], table["whole"] = hits.where(known).astype(float), whole.where(known).astype(float)
    table["goal"] = goals
    table["allowed"] = table["whole"] * (1 - table["goal"] / 100)
    table["rate_known"] = (contract.short_abandon_s == 0) | (table["abandoned_known"] >= table["abandoned"])
    return table


def flow_outs(table: pd.DataFrame) -> pd.Series:
    """Contacts that left the queue unanswered for a reason other than hanging up."""
    return table[list(FLOW_OUTS)].sum(axis=1)


def summed(table: pd.DataFrame, by: Sequence[object] | pd.Series | None = None) -> pd.DataFrame:
    """Judged rows added up, by group or (without ``by``) to one row. One row whose waits are not known leaves the sum unknown."""
    groups = table.groupby(by if by is not None else np.zeros(len(table), int), sort=False)
    columns = [name for name in ADDITIVE if name in table]
    total = groups[columns].sum()
    size = groups.size()
    for name in ("hits", "whole", "allowed"):
        total[name] = total[name].where(groups[name].count() == size)
    # One goal for all days, else none: a line through different goals would be nobody's promise.
    total["goal"] = groups["goal"].first().where(groups["goal"].nunique(dropna=False) == 1)
    total["rate_known"] = groups["rate_known"].all()
    return total


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows with their KPIs; a KPI without a value is NaN.

    ``agents``: people signed in on average, over ``present_ms``; ``missed``: contacts that count and were not in time;
    ``excess``: misses beyond what the goal allows of these contacts.
    """
    flows = flow_outs(table)
    short = table["short"]
    counted = (table["answered"] + table["abandoned"] + flows - short).where(table["rate_known"])
    waited_unknown = (table["answered_wait_ms"] == 0) & (table["answered_known"] < table["answered"])
    return table.assign(
        flow_outs=flows,
        service_level_pct=_ratio(100 * table["hits"], table["whole"]),
        abandon_rate_pct=_ratio(100 * (table["abandoned"] - short), counted),
        asa_s=_ratio(table["answered_wait_ms"] / 1000, table["answered"]).where(~waited_unknown),
        aht_s=_ratio((table["talk_ms"] + table["hold_ms"] + table["wrap_ms"]) / 1000, table["handled"]),
        agents=_ratio(table["logged_in_ms"], table["present_ms"]) if "present_ms" in table else np.nan,
        missed=table["whole"] - table["hits"],
        excess=(table["whole"] - table["hits"] - table["allowed"]).clip(lower=0),
    )


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole > 0)
