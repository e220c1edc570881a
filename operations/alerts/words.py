"""What an alert says: who is over which line, since when, and what moves it. Words and numbers, no markup; in any language once rendered."""

from __future__ import annotations

from operations.alerts.budget import BURNS, LIKE
from operations.alerts.evaluate import Change
from operations.alerts.rules import CRITICAL, SOURCE_DOWN, WARNING, Rule, named
from operations.kpis.catalogue import CATALOGUE, WINDOWS
from operations.texts import Said, Words, kpi_name, render, say, window_name

_BURNS = {burn.id: burn for burn in BURNS}


def value_of(kpi: str, value: float | None) -> Words:
    """A value in the KPI's unit: ``1:34``, ``78.2 %``, ``5``; a dash for none."""
    if value is None:
        return "—"
    unit = CATALOGUE[kpi].unit if kpi in CATALOGUE else ""
    if unit == "s":
        return duration(value)
    if unit == "%":
        return f"{value:.1f} %"
    if unit == "points":
        return say("{n} points", n=f"{value:.1f}")
    if unit == "h":
        return say("{n} h", n=f"{value:.1f}")
    return f"{value:g}"


def duration(seconds: float) -> str:
    """``0:47``, ``1:34``, ``1:02:05``."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def span(ms: int) -> Said:
    """``10 s``, ``2 min``, ``1 h 5 min``."""
    seconds = max(0, ms) // 1000
    if seconds < 120:
        return say("{n} s", n=seconds)
    minutes = seconds // 60
    return say("{n} min", n=minutes) if minutes < 60 else say("{h} h {min} min", h=minutes // 60, min=minutes % 60)


def window_length(window: str) -> Said:
    """A rolling window as people say it: ``30 min``, ``2 h``."""
    length = window.removeprefix("rolling_")
    count, unit = int(length[:-1]), length[-1]
    if unit == "m" and count % 60 == 0:
        count, unit = count // 60, "h"
    return say("{n} min", n=count) if unit == "m" else say("{n} h", n=count)


def unit(rule: Rule) -> str:
    """The unit of a rule's values; "" for a source."""
    return CATALOGUE[rule.kpi].unit if rule.kpi in CATALOGUE else ""


def name_of(rule: Rule) -> Said:
    """``Longest wait``, ``Service level today``, ``Waiting in support-l2``, ``Budget of the day (30 min)``."""
    if rule.kpi == SOURCE_DOWN:
        return say("Source {source} down", source=rule.source)
    burn = _BURNS.get(rule.id)
    if burn is not None:
        length = window_length(burn.window)
        if burn.period == "day":
            return say("Budget of the day ({span})", span=length)
        if burn.period == "week":
            return say("Budget of the week ({span})", span=length)
        return say("Budget of the month ({span})", span=length)
    kpi, queue = kpi_name(rule.kpi), rule.queue.partition("/")[2]
    over = window_name(rule.window) if rule.window in WINDOWS else None
    if over is None:
        return say("{kpi} in {queue}", kpi=kpi, queue=queue) if queue else kpi
    if not queue:
        return say("{kpi} {window}", kpi=kpi, window=over)
    return say("{kpi} {window} in {queue}", kpi=kpi, window=over, queue=queue)


def label(rule: Rule, language: str = "en") -> str:
    """``name_of`` in a language."""
    return render(name_of(rule), language)


def label_of(name: str, otherwise: str, language: str) -> str:
    """The label of a rule (or of an episode of it) by its id alone; ``otherwise`` where that tells nothing to name."""
    rule = named(name.rpartition("#")[0] or name)
    if rule.kpi == SOURCE_DOWN or rule.id in _BURNS or (rule.kind == "target" and rule.kpi in CATALOGUE):
        return label(rule, language)
    return otherwise


def sentence(change: Change, name: Said | None = None) -> Said:
    """The step in words and numbers: ``Longest wait 1:34 over 1:30 for 10 s; goal 1:00; oldest contact waiting in support-l2``.

    ``name``: the rule's ``name_of``, for a caller that has it at hand.
    """
    rule, state = change.rule, change.state
    name = name or name_of(rule)
    if change.what == "frozen":
        return say("{name}: nothing can be known, {trouble}", name=name, trouble=state.trouble)
    if change.what == "thawed":
        return say("{name}: known again", name=name)
    over = change.what in ("resolved", "cancelled")
    lasted = span(change.at - (change.at if state.began_at is None else state.began_at))
    if over and change.why:
        return say("{name}: ended after {span}, {why}", name=name, span=lasted, why=change.why)
    if rule.kpi == SOURCE_DOWN:
        return say("{name}, back after {span}", name=name, span=lasted) if over else say("{name} for {span}", name=name, span=lasted)  # fmt: skip
    value = value_of(rule.kpi, state.value)
    if over:
        worst = value_of(rule.kpi, state.worst)
        return say("{name} back at {value} after {span}; worst {worst}", name=name, value=value, span=lasted, worst=worst)  # fmt: skip
    if rule.kind == "budget":
        return _burning(rule, name, value)
    return _over(change, name, value)


def _burning(rule: Rule, name: Said, value: Words) -> Said:
    burn = _BURNS.get(rule.id)
    if burn is None:
        return say("{name} {value}", name=name, value=value)
    window = window_length(burn.window)
    period = {"day": say("day"), "week": say("week"), "month": say("month")}[burn.period]
    share = f"{round(100 * (burn.fraction if rule.share is None else rule.share), 1):g} %"
    if rule.limit is None:
        return say(
            "Service level {value} in the last {window}: {share} of the {period}'s misses go in {window}",
            value=value, window=window, share=share, period=period,
        )  # fmt: skip
    if rule.share is not None and rule.share > burn.fraction + LIKE:  # the goal itself is the limit, and meets it
        return say(
            "Service level {value} in the last {window}, under {limit}: {share} of the {period}'s misses go in {window}",
            value=value, window=window, limit=value_of(rule.kpi, rule.limit), share=share, period=period,
        )  # fmt: skip
    return say(
        "Service level {value} in the last {window}, at or under {limit}: {share} of the {period}'s misses go in {window}",
        value=value, window=window, limit=value_of(rule.kpi, rule.limit), share=share, period=period,
    )  # fmt: skip


def _over(change: Change, name: Said, value: Words) -> Said:
    rule, state = change.rule, change.state
    target = rule.target
    found = say("{name} {value}", name=name, value=value)
    if target is None:
        return found
    level = change.level or (CRITICAL if state.over_since[CRITICAL] is not None else WARNING)
    line = rule.line(level)
    if line is not None and state.value is not None:
        since = state.over_since[level]
        held = span(change.at - since) if since is not None and change.at - since >= 1_000 else None
        clear = target.clear if level == WARNING else None
        found = _beside(name, value, _side(state.value, line, target.better), value_of(rule.kpi, line), held,
                        None if clear is None else value_of(rule.kpi, clear))  # fmt: skip
    if target.goal is not None:
        found = say("{said}; goal {goal}", said=found, goal=value_of(rule.kpi, target.goal))
    if state.moved_by and not rule.queue:
        found = say("{said}; oldest contact waiting in {queue}", said=found, queue=state.moved_by.partition("/")[2])
    return found


def _side(value: float, line: float, better: str) -> str:
    """Where a value lies: ``at`` the line, ``under`` or ``over`` it, or back on the good side: ``under again``, ``over again``."""
    if value == line:
        return "at"
    side = "under" if value < line else "over"
    return side if (side == "under") == (better == "up") else f"{side} again"


def _beside(name: Said, value: Words, side: str, line: Words, held: Said | None, clear: Words | None) -> Said:
    """A value and the line that it passed. ``held``: for how long; ``clear``: where an alert that goes on may end."""
    said: dict[str, Words | float] = {"name": name, "value": value, "line": line}
    if side == "under again":
        return say("{name} {value} under {line} again", **said) if clear is None else say("{name} {value} under {line} again, ends at {clear}", **said, clear=clear)  # fmt: skip
    if side == "over again":
        return say("{name} {value} over {line} again", **said) if clear is None else say("{name} {value} over {line} again, ends at {clear}", **said, clear=clear)  # fmt: skip
    if side == "at":
        return say("{name} {value} at {line}", **said) if held is None else say("{name} {value} at {line} for {span}", **said, span=held)  # fmt: skip
    if side == "under":
        return say("{name} {value} under {line}", **said) if held is None else say("{name} {value} under {line} for {span}", **said, span=held)  # fmt: skip
    return say("{name} {value} over {line}", **said) if held is None else say("{name} {value} over {line} for {span}", **said, span=held)  # fmt: skip
