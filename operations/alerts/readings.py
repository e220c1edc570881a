"""What the rules see: taken from the board's entries, so that an alert and the tile beside it never disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from operations.alerts.evaluate import Reading
from operations.alerts.rules import CRITICAL, WARNING, Rule
from operations.kpis.reasons import REASONS
from operations.projects.contract import Target
from operations.sources import SourceView
from operations.texts import Said, say

TROUBLES = ("source_down", "source_stale", "source_waiting")

Entries = Mapping[str, Mapping[str, Any]]


def over(target: Target, value: float) -> int:
    """The highest level whose limit a value is beyond (or at); 0 for none. The board's band says the same."""
    return {"critical": CRITICAL, "warning": WARNING}.get(target.band(value), 0)


def back(target: Target, value: float) -> bool:
    """Whether a firing alert may end at this value: back at ``clear``, or no longer over the warning limit when there is none."""
    if target.clear is None:
        return True
    return value >= target.clear if target.better == "up" else value <= target.clear


def still_critical(target: Target, value: float) -> bool:
    """Whether a critical alert stays critical at this value: short of critical by less than ``clear`` lies from the warning limit.

    Without a warning limit or a goal ``clear`` itself is the line.
    """
    if target.clear is None or target.critical is None:
        return False
    line = target.goal if target.warning is None else target.warning
    end = target.clear if line is None else target.critical + target.clear - line
    return value < end if target.better == "up" else value > end


def read(
    rules: Iterable[Rule],
    kpis: Entries,
    queues: Mapping[str, Entries],
    sources: Mapping[str, SourceView],
    *,
    is_open: bool,
) -> dict[str, Reading]:
    """Readings by rule id, for the rules made of targets and sources. ``kpis``, ``queues``: entries as on the board."""
    found: dict[str, Reading] = {}
    for rule in rules:
        if rule.kind == "source_down":
            view = sources.get(rule.source)
            trouble = view is None or view.state != "up"
            found[rule.id] = Reading(None, CRITICAL if trouble else 0, closed=not is_open)
        elif rule.kind == "target":
            entry = (queues.get(rule.queue, {}) if rule.queue else kpis).get(rule.kpi)
            if entry is None:
                continue
            if entry["window"] != rule.window:
                entry = entry.get("windows", {}).get(rule.window)
                if entry is None:
                    continue
            found[rule.id] = of_entry(rule, entry, is_open)
    return found


def because(entry: Mapping[str, Any]) -> Said | Literal[""]:
    """Why an entry of the board has no value or no judgement; "" where it has both."""
    text = REASONS.get(entry["why"])
    if text:
        return Said(text, entry.get("about") or {})
    return Said(str(entry["reason"])) if entry["reason"] else ""


def of_entry(rule: Rule, entry: Mapping[str, Any], is_open: bool) -> Reading:
    """The reading of one entry. No value, or fewer contacts than ``min_sample``, is over no limit."""
    target = rule.target
    assert target is not None
    if entry["why"] in TROUBLES:
        return Reading(trouble=because(entry), closed=not is_open)
    value, sample = entry["value"], entry["sample"]
    if value is None or (sample is not None and sample < max(target.min_sample, 1)):
        return Reading(
            value, closed=not is_open, why=because(entry) or say("fewer than {n} contacts", n=target.min_sample)
        )
    return Reading(
        value,
        over(target, value),
        back(target, value),
        closed=not is_open,
        moved_by=entry.get("moved_by") or "",
        still_critical=still_critical(target, value),
    )
