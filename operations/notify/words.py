"""The words of a message: plain text, numbers first, names as they are but for what could break a line or a mail's head."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from operations.alerts.words import shown
from operations.kpis.catalogue import CATALOGUE
from operations.notify.group import Alert, Told
from operations.notify.planner import Telling
from operations.projects.contract import Project

SIGNS = {1: "▲ WARNING", 2: "■ CRITICAL"}
ENDED = "✓ ENDED"
LONGEST_SUBJECT = 160
LONGEST_LINE = 500
MOST_LISTED = 20
AGAIN = "You may have got this message before: whether the first copy arrived is not known."
LATE = "An earlier message about this could not be delivered."

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
    project: Project, telling: Telling, endings: Mapping[str, str], url: str = "", *, late: bool = False
) -> Message:
    """The message that tells of ``telling``. ``endings``: by episode, what the alert log says of its end; ``url``: where the pages are, "" if not known.

    ``late``: the message before this one reached nobody.
    """
    name = one_line(project.name)
    head = f"{name} ({one_line(project.client)})" if project.client else name
    lines = [head, ""]
    for alert in telling.alerts[:MOST_LISTED]:
        lines += [f"{SIGNS[alert.rank]} {one_line(alert.reason or alert.label)}", f"   {_since(alert)}"]
    if len(telling.alerts) > MOST_LISTED:
        lines.append(f"and {len(telling.alerts) - MOST_LISTED} more")
    for number, (episode, told) in enumerate(telling.ended.items()):
        if number == MOST_LISTED:
            lines.append(f"and {len(telling.ended) - MOST_LISTED} more that have ended")
            break
        lines.append(f"{ENDED} {one_line(endings.get(episode) or told.label)}")
        if told.since:
            lines.append(f"   since {clock(told.since)}")
    if late:
        lines += ["", LATE]
    if url:
        lines += ["", f"{url}/wall/{project.id}"]
    return Message(_subject(name, telling), "\n".join(lines), telling.level if telling.alerts else 0)


def _subject(name: str, telling: Telling) -> str:
    if not telling.alerts:
        first = next(iter(telling.ended.values()), Told(0, "alert"))
        more = len(telling.ended) - 1
        text = f"{ENDED} {name}: {one_line(first.label)}"
    else:
        worst = telling.alerts[0]
        sign = SIGNS[telling.level]
        if telling.kind == "repeat":
            sign = sign.replace(" ", " STILL ", 1)
        more = len(telling.alerts) - 1
        text = f"{sign} {name}: {_what(next((a for a in telling.alerts if a.rank == telling.level), worst))}"
    tail = f" and {more} more" if more > 0 else ""
    return one_line(text, LONGEST_SUBJECT - len(tail)) + tail


def _what(alert: Alert) -> str:
    """``Longest wait 1:34 (goal 1:00)``."""
    text = one_line(alert.label or alert.id)
    if alert.value is None or alert.kpi not in CATALOGUE:
        return text
    if alert.id.startswith("budget_"):
        return f"{text}, service level {shown(alert.kpi, alert.value)}"
    goal = f" (goal {shown(alert.kpi, alert.target)})" if alert.target is not None else ""
    return f"{text} {shown(alert.kpi, alert.value)}{goal}"


def _since(alert: Alert) -> str:
    text = f"since {clock(alert.since)}"
    if alert.acked is not None:
        note = one_line(alert.acked.note)
        text += f"; {one_line(alert.acked.by)} has it" + (f": {note}" if note else "")
    return text


def clock(at: str) -> str:
    """An ISO time with offset as a person reads it: ``2026-11-22 10:14:15 (UTC+08:00)``."""
    moment = datetime.fromisoformat(at)
    return f"{moment:%Y-%m-%d %H:%M:%S} ({moment.tzname() or 'UTC'})"
