"""The words of a message: plain text, numbers first, names as they are but for what could break a line or a mail's head."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from operations.alerts.words import label_of, value_of
from operations.kpis.catalogue import CATALOGUE
from operations.notify.group import Alert, Told
from operations.notify.planner import Telling
from operations.projects.contract import Project
from operations.texts import Said, Words, render, say

WARNING, CRITICAL, ENDED = say("▲ WARNING"), say("■ CRITICAL"), say("✓ ENDED")
SIGNS = {1: WARNING, 2: CRITICAL}
STILL = {1: say("▲ STILL WARNING"), 2: say("■ STILL CRITICAL")}
LONGEST_SUBJECT = 160
LONGEST_LINE = 500
MOST_LISTED = 20
AGAIN = say("You may have got this message before: whether the first copy arrived is not known.")
LATE = say("An earlier message about this could not be delivered.")

_TURNS_TEXT = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that reorder the text around them, so that it reads as something else."""


class Message(NamedTuple):
    """``level``: 0 when all is over, 1 warning, 2 critical."""

    subject: str
    body: str
    level: int


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Anybody's text in one line: control characters and line breaks become spaces, marks that turn the reading round vanish."""
    kept = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        if char not in _TURNS_TEXT and unicodedata.category(char) != "Cs"
    )
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def compose(
    project: Project,
    telling: Telling,
    endings: Mapping[str, Words],
    url: str = "",
    *,
    late: bool = False,
    language: str = "en",
) -> Message:
    """The message that tells of ``telling``. ``endings``: by episode, what the alert log says of its end; ``url``: where the pages are, "" if not known.

    ``late``: the message before this one reached nobody.
    """
    return _Writer(project, language).message(telling, endings, url, late)


class _Writer:
    """Writes messages about one project in one language."""

    def __init__(self, project: Project, language: str) -> None:
        self._project, self._language = project, language

    def words(self, text: Words) -> str:
        return render(text, self._language)

    def message(self, telling: Telling, endings: Mapping[str, Words], url: str, late: bool) -> Message:
        project = self._project
        name = one_line(project.name)
        head = (
            self.words(say("{name} ({client})", name=name, client=one_line(project.client))) if project.client else name
        )
        lines = [head, ""]
        for alert in telling.alerts[:MOST_LISTED]:
            lines += [f"{self.words(SIGNS[alert.rank])} {self._reason(alert)}", f"   {self._since(alert)}"]
        if len(telling.alerts) > MOST_LISTED:
            lines.append(self.words(say("and {n} more", n=len(telling.alerts) - MOST_LISTED)))
        for number, (episode, told) in enumerate(telling.ended.items()):
            if number == MOST_LISTED:
                more = len(telling.ended) - MOST_LISTED
                lines.append(self.words(say("and {n} more that have ended", n=more)))
                break
            end = self.words(endings.get(episode) or "") or self._label(episode, told.label)
            lines.append(f"{self.words(ENDED)} {one_line(end)}")
            if told.since:
                lines.append(f"   {self.words(say('since {time}', time=clock(told.since)))}")
        if late:
            lines += ["", self.words(LATE)]
        if url:
            lines += ["", f"{url}/wall/{project.id}"]
        return Message(self._subject(name, telling), "\n".join(lines), telling.level if telling.alerts else 0)

    def _reason(self, alert: Alert) -> str:
        return one_line(self.words(alert.said or "") or alert.reason or self._label(alert.id, alert.label))

    def _label(self, name: str, label: str) -> str:
        """What a rule is called; ``label``: the same in the project's language."""
        return label if self._language == self._project.language else label_of(name, label, self._language)

    def _subject(self, name: str, telling: Telling) -> str:
        if not telling.alerts:
            episode, first = next(iter(telling.ended.items()), ("", Told(0, self.words(say("alert")))))
            more = len(telling.ended) - 1
            sign, what = ENDED, one_line(self._label(episode, first.label))
        else:
            worst = telling.alerts[0]
            sign = (STILL if telling.kind == "repeat" else SIGNS)[telling.level]
            more = len(telling.alerts) - 1
            what = self._what(next((a for a in telling.alerts if a.rank == telling.level), worst))
        text = self.words(say("{sign} {project}: {what}", sign=sign, project=name, what=what))
        tail = " " + self.words(say("and {n} more", n=more)) if more > 0 else ""
        return one_line(text, LONGEST_SUBJECT - len(tail)) + tail

    def _what(self, alert: Alert) -> str:
        """``Longest wait 1:34 (goal 1:00)``."""
        text = one_line(self._label(alert.id, alert.label) or alert.id)
        if alert.value is None or alert.kpi not in CATALOGUE:
            return text
        value = value_of(alert.kpi, alert.value)
        said: Said
        if alert.id.startswith("budget_"):
            said = say("{label}, service level {value}", label=text, value=value)
        elif alert.target is None:
            said = say("{label} {value}", label=text, value=value)
        else:
            goal = value_of(alert.kpi, alert.target)
            said = say("{label} {value} (goal {goal})", label=text, value=value, goal=goal)
        return self.words(said)

    def _since(self, alert: Alert) -> str:
        text = self.words(say("since {time}", time=clock(alert.since)))
        if alert.acked is None:
            return text
        by, note = one_line(alert.acked.by), one_line(alert.acked.note)
        if note:
            return self.words(say("{since}; {by} has it: {note}", since=text, by=by, note=note))
        return self.words(say("{since}; {by} has it", since=text, by=by))


def clock(at: str) -> str:
    """An ISO time with offset as a person reads it: ``2026-11-22 10:14:15 (UTC+08:00)``."""
    moment = datetime.fromisoformat(at)
    return f"{moment:%Y-%m-%d %H:%M:%S} ({moment.tzname() or 'UTC'})"
