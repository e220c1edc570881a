"""What a page of the past is about: a day, a week or a month of a project, and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from operations.projects.calendar import Calendar

Kind = Literal["day", "week", "month"]
KINDS: tuple[Kind, ...] = get_args(Kind)

KEPT_DAYS = 775
"""How far back counters are kept (``operations.store.cells``)."""

WEEKS = (1, 2, 3, 4)
"""What is usual on a weekday is told by as many of them before."""


@dataclass(frozen=True, slots=True)
class Span:
    """Local days ``first`` to ``last``, both included; ``today``: the project's date when it was asked for."""

    kind: Kind
    first: date
    last: date
    today: date

    @property
    def days(self) -> list[date]:
        """Every day, those that lie ahead included."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def begun(self) -> list[date]:
        """The days that have begun."""
        return [day for day in self.days if day <= self.today]

    @property
    def running(self) -> bool:
        """Whether it holds today, so that its numbers still move."""
        return self.first <= self.today <= self.last

    @property
    def before(self) -> date:
        """A day of the span before this one."""
        return self.first - timedelta(days=1)

    @property
    def after(self) -> date | None:
        """A day of the span after this one; None when it lies ahead."""
        following = self.last + timedelta(days=1)
        return following if following <= self.today else None

    @property
    def compared(self) -> list[date]:
        """The days that tell what is usual: the same weekdays of the four weeks before each day, none of them today or later."""
        found = {day - timedelta(weeks=weeks) for day in self.days for weeks in WEEKS}
        return sorted(day for day in found if day < self.today)


def span(calendar: Calendar, now_ms: int, kind: str = "", day: str = "") -> Span:
    """The span of ``kind`` (``day`` when it is none) that holds ``day``, an ISO date (today when it is none or lies ahead).

    A day from before the stored past is moved to its beginning.
    """
    today = calendar.local_date(now_ms)
    try:
        chosen = date.fromisoformat(day) if len(day) == 10 else today
    except ValueError:
        chosen = today
    chosen = max(min(chosen, today), today - timedelta(days=KEPT_DAYS))
    if kind == "week":
        first = chosen - timedelta(days=chosen.weekday())
        return Span("week", first, first + timedelta(days=6), today)
    if kind == "month":
        following = (chosen.replace(day=1) + timedelta(days=31)).replace(day=1)
        return Span("month", chosen.replace(day=1), following - timedelta(days=1), today)
    return Span("day", chosen, chosen, today)
