"""What an alert says: who is over which line, since when, and what moves it. Words and numbers, no markup."""

from __future__ import annotations

from operations.alerts.budget import BURNS
from operations.alerts.evaluate import Change
from operations.alerts.rules import CRITICAL, SOURCE_DOWN, WARNING, Rule
from operations.kpis.catalogue import CATALOGUE, WINDOWS

UNITS = {"%": " %", "points": " points", "h": " h"}

_BURNS = {burn.id: burn for burn in BURNS}


def shown(kpi: str, value: float | None) -> str:
    """A value in the KPI's unit: ``1:34``, ``78.2 %``, ``5``; a dash for none."""
    if value is None:
        return "—"
    unit = CATALOGUE[kpi].unit if kpi in CATALOGUE else ""
    if unit == "s":
        return duration(value)
    text = f"{value:.1f}" if unit in ("%", "points", "h") else f"{value:g}"
    return text + UNITS.get(unit, "")


def duration(seconds: float) -> str:
    """``0:47``, ``1:34``, ``1:02:05``."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def span(ms: int) -> str:
    """``10 s``, ``2 min``, ``1 h 5 min``."""
    seconds = max(0, ms) // 1000
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def window_length(window: str) -> str:
    """A rolling window as people say it: ``30 min``, ``2 h``."""
    length = window.removeprefix("rolling_")
    count, unit = int(length[:-1]), length[-1]
    if unit == "m" and count % 60 == 0:
        count, unit = count // 60, "h"
    return f"{count} {'min' if unit == 'm' else unit}"


def unit(rule: Rule) -> str:
    """The unit of a rule's values; "" for a source."""
    return CATALOGUE[rule.kpi].unit if rule.kpi in CATALOGUE else ""


def label(rule: Rule) -> str:
    """``Longest wait``, ``Service level today``, ``Waiting in support-l2``, ``Budget of the day (30 min)``."""
    if rule.kpi == SOURCE_DOWN:
        return f"Source {rule.source} down"
    burn = _BURNS.get(rule.id)
    if burn is not None:
        return f"Budget of the {burn.period} ({window_length(burn.window)})"
    kpi = CATALOGUE.get(rule.kpi)
    text = kpi.labels["en"] if kpi else rule.kpi
    if rule.window in WINDOWS:
        text += f" {WINDOWS[rule.window]['en']}"
    return text + (f" in {rule.queue.partition('/')[2]}" if rule.queue else "")


def reason(change: Change, name: str = "") -> str:
    """The step in words and numbers: ``Longest wait 1:34 over 1:30 for 10 s; goal 1:00; oldest contact waiting in support-l2``.

    ``name``: the rule's ``label``, for a caller that has it at hand.
    """
    rule, state = change.rule, change.state
    name = name or label(rule)
    if change.what == "frozen":
        return f"{name}: nothing can be known, {state.trouble}"
    if change.what == "thawed":
        return f"{name}: known again"
    over = change.what in ("resolved", "cancelled")
    lasted = span(change.at - (change.at if state.began_at is None else state.began_at))
    if over and change.why:
        return f"{name}: ended after {lasted}, {change.why}"
    if rule.kpi == SOURCE_DOWN:
        return f"{name}, back after {lasted}" if over else f"{name} for {lasted}"
    value = shown(rule.kpi, state.value)
    if over:
        return f"{name} back at {value} after {lasted}; worst {shown(rule.kpi, state.worst)}"
    if rule.kind == "budget":
        return _burning(rule, value)
    return f"{name} {value}{_over(change)}"


def _burning(rule: Rule, value: str) -> str:
    burn = _BURNS.get(rule.id)
    if burn is None:
        return f"{label(rule)} {value}"
    window = window_length(burn.window)
    limit = f", at or under {shown(rule.kpi, rule.limit)}" if rule.limit is not None else ""
    return (
        f"Service level {value} in the last {window}{limit}: {100 * burn.fraction:g} % of the {burn.period}'s misses "
        f"go in {window}"
    )


def _over(change: Change) -> str:
    rule, state = change.rule, change.state
    target = rule.target
    if target is None:
        return ""
    said = ""
    level = change.level or (CRITICAL if state.over_since[CRITICAL] is not None else WARNING)
    line = rule.line(level)
    if line is not None and state.value is not None:
        sign = 1 if target.better == "up" else -1
        side, other = ("under", "over") if target.better == "up" else ("over", "under")
        since = state.over_since[level]
        held = f" for {span(change.at - since)}" if since is not None and change.at - since >= 1_000 else ""
        if state.value == line:
            said = f" at {shown(rule.kpi, line)}{held}"
        elif sign * state.value < sign * line:
            said = f" {side} {shown(rule.kpi, line)}{held}"
        else:  # it fired and may not end yet
            said = f" {other} {shown(rule.kpi, line)} again"
            if target.clear is not None and level == WARNING:
                said += f", ends at {shown(rule.kpi, target.clear)}"
    if target.goal is not None:
        said += f"; goal {shown(rule.kpi, target.goal)}"
    if state.moved_by and not rule.queue:
        said += f"; oldest contact waiting in {state.moved_by.partition('/')[2]}"
    return said
