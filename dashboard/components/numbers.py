"""Numbers, times and dates as people write them, where a page writes them by itself and not its script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from babel.dates import format_interval, format_skeleton
from babel.lists import format_list

NONE = "—"
NARROW = "\u00a0"
MINUS = "\u2212"


class Numbers:
    """The forms of one language. English and Chinese write numbers alike; dates are Babel's. NaN and None are a dash."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = language.replace("-", "_")

    def count(self, value: float | None, decimals: int = 0) -> str:
        """1,234"""
        return NONE if nothing(value) else f"{value:,.{decimals}f}".replace("-", MINUS)

    def percent(self, value: float | None, decimals: int = 1) -> str:
        """83.4 %"""
        return NONE if nothing(value) else f"{value:.{decimals}f}{NARROW}%"

    def goal(self, value: float | None, unit: str = "%") -> str:
        """A goal is a round number and stays one: 80 %, 1:30."""
        if nothing(value):
            return NONE
        assert value is not None
        if unit == "s":
            return self.duration(value)
        text = f"{value:,.2f}".rstrip("0").rstrip(".")
        return f"{text}{NARROW}%" if unit == "%" else text

    def duration(self, value: float | None) -> str:
        """m:ss, from an hour on h:mm:ss."""
        if nothing(value):
            return NONE
        assert value is not None
        minutes, seconds = divmod(round(value), 60)
        hours, rest = divmod(minutes, 60)
        return f"{hours}:{rest:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

    def change(self, value: float, usual: float) -> str:
        """How far a value lies from what is usual: +12 %."""
        if nothing(value) or nothing(usual) or usual <= 0:
            return NONE
        change = round(100 * (value - usual) / usual)
        return f"{'+' if change > 0 else MINUS if change < 0 else '±'}{abs(change):,}{NARROW}%"

    def joined(self, texts: Sequence[str]) -> str:
        """11:00, 11:30 and 14:00."""
        return str(format_list(list(texts), locale=self._locale)) if len(texts) > 1 else "".join(texts)

    def day(self, day: date, skeleton: str = "yMMMEd") -> str:
        """A date by the fields that a Unicode skeleton names, in the language's own order."""
        return _day(day, skeleton, self._locale)

    def days(self, first: date, last: date) -> str:
        """Nov 16 – 22, 2026."""
        return str(format_interval(first, last, "yMMMd", locale=self._locale))

    def weekday(self, day: date) -> str:
        return _day(day, "EEEE", self._locale)

    def monday_to_sunday(self, day: date) -> str:
        """The week that holds a day."""
        first = day - timedelta(days=day.weekday())
        return self.days(first, first + timedelta(days=6))


@lru_cache(maxsize=2000)
def _day(day: date, skeleton: str, locale: str) -> str:
    if skeleton == "EEEE":
        from babel.dates import format_date

        return str(format_date(day, "EEEE", locale=locale))
    return str(format_skeleton(skeleton, day, locale=locale))


def nothing(value: float | None) -> bool:
    """Whether there is no value."""
    return value is None or math.isnan(value)
