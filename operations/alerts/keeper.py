"""The alerts of one project at work: evaluated with each board, answered by people, saved in the board's own transaction.

What people say (acknowledge, silence) arrives as *words* in a Redis list; a word is trimmed from the list in the same transaction that saves
what it did, so it counts exactly once, whenever this process dies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from operations.alerts import budget, readings
from operations.alerts.evaluate import Acknowledgement, AlertState, Change, Reading, episode, evaluate, level_name
from operations.alerts.rules import SOURCE_DOWN, Rule, named, rules_of
from operations.alerts.silences import Silence, planned, silencing
from operations.alerts.words import name_of, sentence, unit
from operations.floor.counters import Counters
from operations.projects.contract import Contract, Project
from operations.sources import SourceView
from operations.store import keys
from operations.texts import Said, render

LOG_MS = 366 * 86_400_000
"""How long the alert log keeps an entry."""

MOST_WORDS = 1_000
"""Words that are taken at once; the web application lets no more wait."""

_encode = msgspec.json.Encoder().encode


class Word(msgspec.Struct, omit_defaults=True):
    """What a person said. ``rule`` for an acknowledgement, ``silence`` for the other two.

    ``episode``: the run of the alert that was answered; one that has begun since is another thing to answer. "" answers whichever runs. ``id`` tells two
    words apart that say the same.
    """

    word: Literal["acknowledge", "silence", "unsilence"]
    by: str
    rule: str = ""
    episode: str = ""
    note: str = ""
    silence: Silence | None = None
    id: str = ""


class AlertKeeper:
    """States, silences and what has yet to be written of one project's alerts."""

    def __init__(self, client: Any, project: Project) -> None:
        self._client = client
        self._project = project
        self._contract: Contract | None = None
        self.rules: tuple[Rule, ...] = ()
        self._targets: tuple[Rule, ...] = ()
        self._budget: tuple[budget.BudgetRule, ...] = ()
        self._day = (0, 0)
        self.states: dict[str, AlertState] = {}
        self.silences: dict[str, Silence] = {}
        self._planned = planned(project)
        self._saved: set[str] = set()
        self._log: list[dict[str, Any]] = []
        self._touched = False
        self._heard: list[bytes] = []
        self._names: dict[str, tuple[Said, str, str]] = {}
        self._drawn: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self._load()

    def _load(self) -> None:
        for name, blob in self._client.hgetall(keys.alert_states(self._project.id)).items():
            self.states[name.decode()] = msgspec.json.decode(blob, type=AlertState)
        for name, blob in self._client.hgetall(keys.alert_silences(self._project.id)).items():
            self.silences[name.decode()] = msgspec.json.decode(blob, type=Silence)
        self._saved = set(self.states)

    @property
    def running(self) -> bool:
        """Whether a timer runs, so that the next second must be looked at."""
        return bool(self.states)

    # ── one tick ──────────────────────────────────────────────────────────────────────────────────

    def evaluate(
        self,
        contract: Contract,
        kpis: readings.Entries,
        queues: Mapping[str, readings.Entries],
        sources: Mapping[str, SourceView],
        *,
        sums: Callable[[str], Counters],
        is_open: bool,
        now_ms: int,
    ) -> list[dict[str, Any]]:
        """Evaluate every rule; returns the alerts as the board shows them. ``sums``: the project's sum of a window."""
        if contract is not self._contract:
            self._contract = contract
            self._targets = rules_of(self._project, contract)
            self._day = (0, 0)
        day = self._project.calendar.day(now_ms)
        if day != self._day:
            self._day = day
            self._budget = budget.budget_rules_at(self._project, contract, now_ms)
            self.rules = (*self._targets, *(found.rule for found in self._budget))
            self._names = {rule.id: self._called(rule) for rule in self.rules}
        rules = self.rules
        found = readings.read(rules, kpis, queues, sources, is_open=is_open)
        level = kpis.get("service_level_pct")
        trouble = readings.because(level) if level is not None and level["why"] in readings.TROUBLES else ""
        if trouble:
            unknown = Reading(trouble=trouble, closed=not is_open)
            found.update((burning.rule.id, unknown) for burning in self._budget)
        elif self._budget:
            found.update(budget.read_all(self._budget, sums, contract, is_open=is_open))
        before = self.states
        self.states, changes = evaluate(rules, found, before, now_ms)
        for change in changes:
            self._note(change)
        if changes or any(
            name not in before or not state.runs_like(before[name]) for name, state in self.states.items()
        ):
            self._touched = True  # also a timer that began must survive this process
        for silence in [silence for silence in self.silences.values() if silence.until <= now_ms]:
            del self.silences[silence.id]
            self._note_silence("expired", silence, silence.by, now_ms)
        return self._show(now_ms)

    def _called(self, rule: Rule) -> tuple[Said, str, str]:
        """A rule's name, the same in the project's language, and its unit."""
        name = name_of(rule)
        return name, render(name, self._project.language), unit(rule)

    def _note(self, change: Change, **more: Any) -> None:
        state = change.state
        name, called, measured_in = self._names.get(change.rule.id) or self._called(change.rule)
        said = sentence(change, name)
        self._log.append(
            {
                "at": change.at,
                "what": change.what,
                "rule": change.rule.id,
                "episode": episode(change.rule, state),
                "kpi": change.rule.kpi,
                "window": change.rule.window,
                "queue": change.rule.queue,
                "label": called,
                "unit": measured_in,
                "level": level_name(change.level),
                "value": state.value,
                "worst": state.worst,
                "began_at": state.began_at,
                "fired_at": state.fired_at,
                "reason": render(said, self._project.language),
                "said": said,
                **more,
            }
        )

    def _note_silence(self, what: str, silence: Silence, by: str, now_ms: int) -> None:
        self._touched = True
        self._log.append({**msgspec.to_builtins(silence), "at": now_ms, "what": what, "by": by, "reason": silence.why})

    def _show(self, now_ms: int) -> list[dict[str, Any]]:
        if not self.states:
            self._drawn.clear()
            return []
        silences = (*self.silences.values(), *self._planned)
        before, self._drawn = self._drawn, {}
        rows = []
        for rule in self.rules:
            state = self.states.get(rule.id)
            if state is None or not state.level:
                continue
            silence = silencing(silences, rule, now_ms) if silences else None
            inhibited = self._down(rule) if state.frozen_since is not None else ""
            since = state.over_since[state.level]
            at = now_ms if since is None else since + _steps(now_ms - since)
            looks = (state.level, state.value, state.began_at, state.fired_at, state.trouble, state.moved_by,
                     state.acknowledged, silence, inhibited, at if since is not None else None)  # fmt: skip
            known = before.get(rule.id)
            if known is None or known[0] != looks:  # most of a second's rows are those of the second before
                known = (looks, self._row(rule, state, silence, inhibited, at))
            self._drawn[rule.id] = known
            rows.append(known[1])
        rows.sort(
            key=lambda row: (
                bool(row["silenced"] or row["acked"] or row["inhibited"]),
                row["level"] != "critical",
                row["fired_at"],
                row["id"],
            )
        )
        return rows

    def _row(self, rule: Rule, state: AlertState, silence: Silence | None, inhibited: str, at: int) -> dict[str, Any]:
        iso = self._project.calendar.iso
        acked = state.acknowledged
        frozen = state.frozen_since is not None
        name, called, measured_in = self._names[rule.id]
        began_at = at if state.began_at is None else state.began_at
        fired_at = at if state.fired_at is None else state.fired_at
        since = iso(began_at)
        said = state.trouble if frozen else sentence(Change(at, rule, "fired", state.level, state), name)
        return {
            "id": rule.id,
            "episode": episode(rule, state),
            "kpi": rule.kpi,
            "window": rule.window,
            "queue": rule.queue,
            "source": rule.source,
            "label": called,
            "unit": measured_in,
            "level": level_name(state.level),
            "state": "frozen" if frozen else "firing",
            "since": since,
            "fired_at": since if fired_at == began_at else iso(fired_at),
            "value": state.value,
            "target": rule.target.goal if rule.target else None,
            "limit": rule.line(state.level),
            "reason": render(said, self._project.language),
            "said": msgspec.to_builtins(said),
            "acked": {"by": acked.by, "at": iso(acked.at), "note": acked.note} if acked else None,
            "silenced": {
                "by": silence.by,
                "until": iso(silence.until),
                "why": silence.why,
                "kind": silence.kind,
            }
            if silence
            else None,
            "inhibited": inhibited,
        }

    def _down(self, rule: Rule) -> str:
        """The alert that speaks for a frozen one: of its queue's source, or of any source of the project."""
        down = [name for name, state in self.states.items() if name.startswith(SOURCE_DOWN) and state.firing]
        own = f"{SOURCE_DOWN}@{rule.queue.partition('/')[0]}"
        return own if own in down else "" if rule.queue or not down else down[0]

    # ── people ────────────────────────────────────────────────────────────────────────────────────

    def hear(self, now_ms: int) -> bool:
        """Take the words that wait. True when there were any."""
        waiting = self._client.lrange(keys.words(self._project.id), 0, MOST_WORDS - 1)
        known = set(self._heard)
        for blob in waiting:
            if blob in known:
                continue  # it waits for the transaction that removes it
            self._heard.append(blob)
            self._touched = True
            try:
                word = msgspec.json.decode(blob, type=Word)
            except msgspec.MsgspecError:
                continue  # nobody of ours wrote it; it is removed with the others
            self._do(word, now_ms)
        return bool(waiting)

    def _do(self, word: Word, now_ms: int) -> None:
        if word.word == "acknowledge":
            self._acknowledge(word, now_ms)
        elif word.silence is None:
            return
        elif word.word == "silence":
            self.silences[word.silence.id] = word.silence
            self._note_silence("silenced", word.silence, word.by, now_ms)
        elif (known := self.silences.pop(word.silence.id, None)) is not None:
            self._note_silence("unsilenced", known, word.by, now_ms)

    def _acknowledge(self, word: Word, now_ms: int) -> None:
        """The first answer to an alert stands."""
        state = self.states.get(word.rule)
        if state is None or not state.firing or state.acknowledged is not None:
            return
        rule = next((rule for rule in self.rules if rule.id == word.rule), None) or named(word.rule)
        if word.episode not in ("", episode(rule, state)):
            return
        state.acknowledged = Acknowledgement(word.by, now_ms, word.note)
        self._note(Change(now_ms, rule, "acknowledged", state.level, state), by=word.by, note=word.note)

    # ── saving ────────────────────────────────────────────────────────────────────────────────────

    @property
    def unsaved(self) -> bool:
        return self._touched or bool(self._log)

    def write(self, pipe: Any, now_ms: int) -> None:
        """Put states, silences, log and the trimming of heard words on a transaction's pipeline; then call ``saved``."""
        project = self._project.id
        if self.states:
            pipe.hset(keys.alert_states(project), mapping={name: _encode(state) for name, state in self.states.items()})
        gone = self._saved - self.states.keys()
        if gone:
            pipe.hdel(keys.alert_states(project), *gone)
        pipe.delete(keys.alert_silences(project))
        if self.silences:
            pipe.hset(
                keys.alert_silences(project),
                mapping={name: _encode(silence) for name, silence in self.silences.items()},
            )
        for entry in self._log:
            pipe.xadd(
                keys.alert_log(project), {"entry": _encode(entry)}, minid=f"{now_ms - LOG_MS}-0", approximate=True
            )
        for (
            word
        ) in self._heard:  # each by what it says, not by its place: right also when this transaction is written twice
            pipe.lrem(keys.words(project), 1, word)

    def again(self) -> None:
        """What is stored may not be what this process thinks: write all of it next time."""
        self._touched = True

    def saved(self) -> None:
        self._saved = set(self.states)
        self._log.clear()
        self._heard.clear()
        self._touched = False


def _steps(held_ms: int) -> int:
    """For how long a line has been passed, as the board says it: to the second at first, then to ten, then to the minute, so that it is not
    drawn and sent each second for nothing else."""
    step = 1_000 if held_ms < 10_000 else 10_000 if held_ms < 120_000 else 60_000
    return held_ms - held_ms % step
