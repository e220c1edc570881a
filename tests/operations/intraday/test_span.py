"""Which days a page is about."""

from __future__ import annotations

from datetime import date

import pytest

from operations.intraday.span import KINDS, span
from operations.projects.calendar import Calendar

CALENDAR = Calendar("Asia/Shanghai", 30)
NOW = 1_795_300_000_000  # Sunday 22 November 2026, 12:26 in Shanghai


@pytest.mark.parametrize(
    ("kind", "day", "first", "last"),
    [
        ("day", "", "2026-11-22", "2026-11-22"),
        ("day", "2026-10-31", "2026-10-31", "2026-10-31"),
        ("week", "", "2026-11-16", "2026-11-22"),
        ("month", "2026-02-11", "2026-02-01", "2026-02-28"),
        ("month", "2026-12-11", "2026-11-01", "2026-11-30"),
        ("nonsense", "2026-13-45", "2026-11-22", "2026-11-22"),
        ("day", "20261122--", "2026-11-22", "2026-11-22"),
        ("day", "1899-01-01", "2024-10-08", "2024-10-08"),
    ],
)
def test_the_span_holds_the_day_that_was_asked_for(kind: str, day: str, first: str, last: str) -> None:
    found = span(CALENDAR, NOW, kind, day)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)


@pytest.mark.parametrize("kind", KINDS)
def test_the_span_before_ends_the_day_before(kind: str) -> None:
    found = span(CALENDAR, NOW, kind)
    before = span(CALENDAR, NOW, kind, found.before.isoformat())
    assert (found.first - before.last).days == 1
    assert before.after is not None
    assert span(CALENDAR, NOW, kind, before.after.isoformat()) == found
    assert found.after is None, "what lies ahead has no page"


def test_days_are_compared_with_days_that_are_over() -> None:
    assert span(CALENDAR, NOW).compared == [
        date(2026, 10, 25),
        date(2026, 11, 1),
        date(2026, 11, 8),
        date(2026, 11, 15),
    ]
    month = span(CALENDAR, NOW, "month").compared
    assert month[0] == date(2026, 10, 4)
    assert month[-1] == date(2026, 11, 21), "the last days of the month have weekdays of this month before them"
