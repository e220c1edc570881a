"""The life of an alert, as one pure function: rules, readings, states and the time in; states and changes out.

For each level (warning, critical) there is a *condition* — the value is over that level's limit — and a *latch*. The latch closes
when the condition has held without a break for the rule's ``for`` and opens when it has failed without a break for ``clear_after``; a
``clear`` value keeps the condition of a closed latch true until the value is back at it; the critical latch holds over the same margin, so that a
value that dances on the critical line escalates once. The level of the alert is the highest closed latch.
So a value that dances on the line fires once, and warning and critical are two levels of one alert.

Unknown is not calm: while a source is in trouble the alert is *frozen*. Its timers stand still, and when the value comes back they go on where
they stood. No value, too few contacts or a closed project are not over any limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, Literal, NamedTuple

import msgspec

from operations.alerts.rules import CRITICAL, LEVELS, WARNING, Rule, named
from operations.texts import Said, Words, say

What = Literal[
    "began", "fired", "escalated", "deescalated", "resolved", "cancelled", "frozen", "thawed", "acknowledged"
]


class Reading(NamedTuple):
    """What a rule sees at one tick.

    ``over``: the highest level whose limit the value is beyond, 0 for none; ``back``: whether the value is beyond the ``clear`` value, so that a firing
    alert may end; ``still_critical``: whether a critical one stays critical, being short of the same margin. ``trouble``: why nothing can be known (""
    when it can). ``closed``: the project is closed. ``why``: why a value that may be there is not judged ("" when it is).
    """

    value: float | None = None
    over: int = 0
    back: bool = True
    trouble: Words = ""
    closed: bool = False
    moved_by: str = ""
    still_critical: bool = False
    why: Said | Literal[""] = ""


class Acknowledgement(msgspec.Struct, frozen=True):
    """Who answered an alert, when (epoch ms), and what was said."""

    by: str
    at: int
    note: str = ""


Timers = tuple[int | None, int | None, int | None]
"""By level. They are replaced as a whole, so that whoever holds a state from before can see by identity whether one moved."""


class AlertState(msgspec.Struct, omit_defaults=True):
    """Where one rule's alert stands. Times in epoch ms, None while they do not run.

    ``over_since[k]``: since when level k's condition holds; ``under_since[k]``: since when it fails while its latch is closed. ``latched[k]``: the latch.
    ``began_at``: when the value first went over the line in this episode.
    """

    level: int = 0
    over_since: Timers = (None, None, None)
    under_since: Timers = (None, None, None)
    latched: tuple[bool, bool, bool] = (False, False, False)
    began_at: int | None = None
    fired_at: int | None = None
    level_at: int | None = None
    value: float | None = None
    worst: float | None = None
    frozen_since: int | None = None
    trouble: Words = ""
    at: int = 0
    acknowledged: Acknowledgement | None = None
    moved_by: str = ""

    @property
    def idle(self) -> bool:
        """Nothing runs: a state that need not be kept."""
        return self.level == 0 and self.began_at is None

    @property
    def firing(self) -> bool:
        return self.level > 0

    def runs_like(self, before: AlertState) -> bool:
        """Whether nothing that a restart has to find again differs from the state that this one came from."""
        return (
            self.over_since is before.over_since
            and self.under_since is before.under_since
            and self.latched is before.latched
            and self.frozen_since == before.frozen_since
            and self.worst == before.worst
        )


class Change(NamedTuple):
    """One step in an alert's life. ``level`` is the one after the step (before it for resolved and cancelled); ``state`` as it is then.

    ``why``: what ended it when it was not the value ("" when it was).
    """

    at: int
    rule: Rule
    what: What
    level: int
    state: AlertState
    why: Words = ""


STEP_BACK_MS = 60_000
"""A clock that goes back by less is waited for, so that nothing fires early; one that goes back by more takes the timers with it, so that nothing waits
for the old time to come again."""

CLOSED = say("the project is closed")
NO_RULE = say("the contract has no such target any more")


def episode(rule: Rule, state: AlertState) -> str:
    """The name of one run of an alert, from its first crossing to its end; stable over restarts."""
    return f"{rule.id}#{state.began_at}"


def evaluate(
    rules: Iterable[Rule], readings: Mapping[str, Reading], states: Mapping[str, AlertState], now_ms: int
) -> tuple[dict[str, AlertState], list[Change]]:
    """One tick. ``readings`` by rule id; a rule without a reading is left as it is.

    Returns the states that are not idle, and what changed, in the order of the rules; ``states`` stays as it is. An alert whose rule is gone
    (the contract changed) ends.
    """
    after: dict[str, AlertState] = {}
    changes: list[Change] = []
    known = set()
    for rule in rules:
        known.add(rule.id)
        state = states.get(rule.id)
        reading = readings.get(rule.id)
        if reading is None:
            if state is not None:
                after[rule.id] = state
            continue
        if state is None:
            if not reading.over or reading.trouble or (reading.closed and rule.only_when_open):
                continue  # calm, which is what almost every rule is at almost every tick
            state = AlertState()
        else:
            state = _copy(state)
        _step(rule, reading, state, now_ms, changes)
        if not state.idle:
            after[rule.id] = state
    for name, state in states.items():
        if name not in known and not state.idle:
            what: What = "resolved" if state.firing else "cancelled"
            changes.append(Change(now_ms, named(name), what, state.level, _copy(state), NO_RULE))
    return after, changes


def _step(rule: Rule, reading: Reading, state: AlertState, now: int, changes: list[Change]) -> None:
    if state.at - now > STEP_BACK_MS:
        _shift(state, now - state.at)
    else:
        now = max(now, state.at)
    state.at = now
    shut = reading.closed and rule.only_when_open  # ends it at once, whatever can or cannot be known
    if reading.trouble and not shut:
        if state.frozen_since is None:
            state.frozen_since, state.trouble = now, reading.trouble
            changes.append(Change(now, rule, "frozen", state.level, _copy(state)))
        state.trouble = reading.trouble
        return
    if state.frozen_since is not None:
        _thaw(state, now)
        if not shut:
            changes.append(Change(now, rule, "thawed", state.level, _copy(state)))
    over = 0 if shut else reading.over
    why = CLOSED if shut else reading.why
    if reading.value is not None and not reading.trouble:
        state.value = reading.value
        state.moved_by = reading.moved_by
    if over and state.began_at is None:
        state.began_at, state.worst = now, reading.value
        changes.append(Change(now, rule, "began", over, _copy(state)))
    before = state.level
    for level in (WARNING, CRITICAL):
        short_of_clear = reading.still_critical if level == CRITICAL else not reading.back
        held = over >= level or (state.latched[level] and short_of_clear and not shut)
        _latch(rule, state, level, held, now, shut)
    level = CRITICAL if state.latched[CRITICAL] else WARNING if state.latched[WARNING] else 0
    state.level = level
    if level > before:
        if before == 0:
            state.fired_at = now
        state.acknowledged = None  # worse than what was answered
        state.level_at = now
        changes.append(Change(now, rule, "fired" if before == 0 else "escalated", level, _copy(state)))
    elif 0 < level < before:
        state.level_at = now
        changes.append(Change(now, rule, "deescalated", level, _copy(state)))
    elif level == 0 and before > 0:
        changes.append(Change(now, rule, "resolved", before, _copy(state), why))
        _reset(state)
    elif level == 0 and state.began_at is not None and not over:
        changes.append(Change(now, rule, "cancelled", 0, _copy(state), why))
        _reset(state)
    if over and reading.value is not None and _is_worse(rule, reading.value, state.worst):
        state.worst = reading.value


def _latch(rule: Rule, state: AlertState, level: int, held: bool, now: int, at_once: bool) -> None:
    if held:
        if state.under_since[level] is not None:
            state.under_since = _with(state.under_since, level, None)
        since = state.over_since[level]
        if since is None:
            since = now
            state.over_since = _with(state.over_since, level, now)
        if not state.latched[level] and now - since >= rule.for_ms:
            state.latched = _with(state.latched, level, True)
        return
    if state.over_since[level] is not None:
        state.over_since = _with(state.over_since, level, None)
    if not state.latched[level]:
        return
    since = state.under_since[level]
    if since is None:
        since = now
        state.under_since = _with(state.under_since, level, now)
    if at_once or now - since >= rule.clear_after_ms:
        state.latched = _with(state.latched, level, False)
        state.under_since = _with(state.under_since, level, None)


def _with(row: Any, level: int, value: Any) -> Any:
    """``row`` with another value at ``level``."""
    return (*row[:level], value, *row[level + 1 :])


def _thaw(state: AlertState, now: int) -> None:
    """Let the timers go on where they stood."""
    since = now if state.frozen_since is None else state.frozen_since
    state.frozen_since, state.trouble = None, ""
    _shift(state, now - since)


def _shift(state: AlertState, by: int) -> None:
    """Move the timers as if everything had begun ``by`` ms later."""
    moved: Any = [
        tuple(None if since is None else since + by for since in row) for row in (state.over_since, state.under_since)
    ]
    state.over_since, state.under_since = moved
    if state.frozen_since is not None:
        state.frozen_since += by


def _reset(state: AlertState) -> None:
    state.began_at = state.fired_at = state.level_at = state.worst = None
    state.acknowledged = None
    state.over_since = state.under_since = (None, None, None)


def _copy(state: AlertState) -> AlertState:
    """The state as it is now: a change keeps it, whatever comes next."""
    return copy(state)


def _is_worse(rule: Rule, value: float, worst: float | None) -> bool:
    if worst is None:
        return True
    up = rule.target is not None and rule.target.better == "up"
    return value < worst if up else value > worst


def level_name(level: int) -> str:
    """``warning`` or ``critical``; "" for none."""
    return LEVELS[level]
