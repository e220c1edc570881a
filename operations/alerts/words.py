"""What an alert says: who is over which line, since when, and what moves it. Words and numbers, no markup."""

from __future__ import annotations

from operations.alerts.evaluate import Change
from operations.alerts.rules import CRITICAL, SOURCE_DOWN, WARNING, Rule
from operations.kpis.catalogue import CATALOGUE, WINDOWS

UNITS = {"%": " %", "points": " points", "h": " h"}


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


def label(rule: Rule) -> str:
    """``Longest wait``, ``Service level today``, ``Waiting in support-l2``."""
    if rule.kpi == SOURCE_DOWN:
        return f"Source {rule.source} down"
    if rule.kind == "budget":
        _, period, window = rule.id.split("_")
        return f"Budget of the {period} ({window})"
    kpi = CATALOGUE.get(rule.kpi)
    text = kpi.labels["en"] if kpi else rule.kpi
    if rule.window in WINDOWS:
        text += f" {WINDOWS[rule.window]['en']}"
    return text + (f" in {rule.queue.partition('/')[2]}" if rule.queue else "")


def reason(change: Change) -> str:
    """The step in words and numbers: ``Longest wait 1:34 over 1:30 for 10 s; goal 1:00; oldest contact waiting in support-l2``."""
    rule, state = change.rule, change.state
    name = label(rule)
    if change.what == "frozen":
        return f"{name}: nothing can be known, {state.trouble}"
    if change.what == "thawed":
        return f"{name}: known again"
    if rule.kpi == SOURCE_DOWN:
        lasted = change.at - (state.began_at or change.at)
        return (
            f"{name}, back after {span(lasted)}"
            if change.what in ("resolved", "cancelled")
            else f"{name} for {span(lasted)}"
        )
    value = shown(rule.kpi, state.value)
    if rule.kind == "budget" and change.what not in ("resolved", "cancelled"):
        _, period, window = rule.id.split("_")
        return f"Service level {value} in the last {window} uses up the {period}'s misses too fast"
    if change.what in ("resolved", "cancelled"):
        lasted = change.at - (state.began_at or change.at)
        return f"{name} back at {value} after {span(lasted)}; worst {shown(rule.kpi, state.worst)}"
    return f"{name} {value}{_over(rule, change)}"


def _over(rule: Rule, change: Change) -> str:
    target = rule.target
    if target is None:
        return ""
    limit = target.critical if change.level == CRITICAL else target.warning
    if limit is None and change.level == WARNING:
        limit = target.goal
    parts = []
    if limit is not None:
        side = "under" if target.better == "up" else "over"
        if change.state.value == limit:
            side = "at"
        since = change.state.over_since[change.level] if change.level else None
        held = f" for {span(change.at - since)}" if since is not None and change.at > since else ""
        parts.append(f" {side} {shown(rule.kpi, limit)}{held}")
    if target.goal is not None:
        parts.append(f"goal {shown(rule.kpi, target.goal)}")
    if change.state.moved_by and not rule.queue:
        parts.append(f"oldest contact waiting in {change.state.moved_by.partition('/')[2]}")
    return "; ".join(parts)
