"""Opening hours: when a project is open, in its own time zone.

A range belongs to the day on which it begins, so a Friday's ``22:00-06:00`` runs into Saturday even when
Saturday is closed. Touching ranges are one opening. Public holidays come from the ``holidays`` package, as far ahead as it
knows them; a make-up working day (China moves weekends around its long holidays) has the hours of
Friday if it is a Saturday, of Monday if it is a Sunday.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from pydantic import BaseModel, ConfigDict

from operations.projects.calendar import Stretch, wall_ms

DAY_MIN = 24 * 60
HORIZON_DAYS = 400
"""How far ahead ``state`` looks for the next change; past it, open is open for good and closed is closed for good."""

Range = tuple[int, int]
"""Minutes after local midnight, ``(start, end)``; an end past 1440 lies on the next day."""


@dataclass(frozen=True, slots=True)
class OpenState:
    """Open or not; ``until_ms``: when an opening ends, ``next_ms``: when the next one begins (None: never)."""

    open: bool
    until_ms: int | None = None
    next_ms: int | None = None


@lru_cache(maxsize=32)
def public_holidays(place: str) -> Any:
    """The calendar of a place: a country (``CN``) or one of its parts (``DE-BY``). Raises ``NotImplementedError``."""
    country, _, part = place.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)


class OpeningHours(BaseModel):
    """When a project is open. ``week``: the ranges of Monday to Sunday, None for always open.

    ``holidays``: places whose public holidays are closed; ``extra_closed``: more closed days; ``open_on``: days that are open
    whatever the calendar says, with their ranges (None: those of their weekday). ``zone``: an IANA name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: str
    week: tuple[tuple[Range, ...], ...] | None = None
    holidays: tuple[str, ...] = ()
    extra_closed: tuple[dt.date, ...] = ()
    open_on: tuple[tuple[dt.date, tuple[Range, ...] | None], ...] = ()

    @property
    def always(self) -> bool:
        """Open day and night, every day."""
        return self.week is None and not (self.holidays or self.extra_closed)

    def ranges(self, day: dt.date) -> tuple[Range, ...]:
        """The ranges that begin on a date."""
        return self._timetable.ranges(day)

    def state(self, at_ms: int) -> OpenState:
        """Whether the project is open at an instant, and when that changes."""
        return self._timetable.state(at_ms)

    def open_seconds(self, start_ms: int, end_ms: int) -> int:
        """How many whole seconds of ``[start_ms, end_ms)`` are open."""
        return (
            sum(max(0, min(end, end_ms) - max(start, start_ms)) for start, end in self.openings(start_ms, end_ms))
            // 1000
        )

    def openings(self, start_ms: int, end_ms: int) -> list[Stretch]:
        """The openings that share an instant with ``[start_ms, end_ms)``, in order, not touching each other, cut to it."""
        if start_ms >= end_ms:
            return []
        if self.always:
            return [(start_ms, end_ms)]
        found: list[Stretch] = []
        for start, end in self._timetable.openings(start_ms, end_ms):
            if start < end_ms:
                found.append((max(start, start_ms), min(end, end_ms)))
        return found

    @cached_property
    def _timetable(self) -> _Timetable:
        return _Timetable(self)


class _Timetable:
    """The working of ``OpeningHours``: dates to instants, with what was computed kept."""

    def __init__(self, hours: OpeningHours) -> None:
        self._hours = hours
        self._tz = ZoneInfo(hours.zone)
        self._open_on = dict(hours.open_on)
        self._closed = frozenset(hours.extra_closed)
        self._spans: dict[dt.date, tuple[Stretch, ...]] = {}
        self._last: tuple[int, int, OpenState] = (0, 0, OpenState(True))

    def ranges(self, day: dt.date) -> tuple[Range, ...]:
        week = self._hours.week or (((0, DAY_MIN),),) * 7
        weekday = day.weekday()
        make_up = weekday >= 5 and any(
            day in self._places(day, place).weekend_workdays for place in self._hours.holidays
        )
        usual = week[4 if weekday == 5 else 0] if make_up else week[weekday]
        if day in self._open_on:
            chosen = self._open_on[day]
            return usual if chosen is None else chosen
        if day in self._closed or any(day in public_holidays(place) for place in self._hours.holidays):
            return ()
        return usual

    @staticmethod
    def _places(day: dt.date, place: str) -> Any:
        calendar = public_holidays(place)
        calendar.get(day)  # the package works a year out, its make-up days included, when the year is first asked for
        return calendar

    def _day_spans(self, day: dt.date) -> tuple[Stretch, ...]:
        spans = self._spans.get(day)
        if spans is None:
            if len(self._spans) > 4000:
                self._spans.clear()
            # Where the clocks are set back, an opening begins the first time and ends the second time: the longer reading.
            spans = self._spans[day] = tuple(
                (wall_ms(self._tz, day, start), wall_ms(self._tz, day, end, second_time=end % DAY_MIN != 0))
                for start, end in sorted(self.ranges(day))
            )
        return spans

    def openings(self, from_ms: int, to_ms: int) -> Iterator[Stretch]:
        """Openings that share an instant with ``[from_ms, to_ms)``, in order, merged where they touch.

        Only days from two before the first to one after the last are looked at: an opening that is longer is cut there.
        """
        day = self._date(from_ms) - dt.timedelta(days=2)
        last = self._date(to_ms) + dt.timedelta(days=1)
        start = end = from_ms - 1  # nothing yet
        while day <= last:
            for begins, ends in self._day_spans(day):
                if ends <= from_ms or ends <= begins:  # over, or the clocks jumped over the whole range
                    continue
                if begins <= end and end >= from_ms:
                    end = max(end, ends)
                    continue
                if end >= from_ms:
                    yield start, end
                start, end = begins, ends
                if start >= to_ms:
                    return
            day += dt.timedelta(days=1)
        if end >= from_ms:
            yield start, end

    def _date(self, at_ms: int) -> dt.date:
        return dt.datetime.fromtimestamp(at_ms // 1000, self._tz).date()

    def state(self, at_ms: int) -> OpenState:
        if self._hours.always:
            return OpenState(True)
        since, until, state = self._last
        if not since <= at_ms < until:
            since, until, state = self._find(at_ms)
            self._last = (since, until, state)
        return state

    def _find(self, at_ms: int) -> tuple[int, int, OpenState]:
        start, end = next(self.openings(at_ms, at_ms + HORIZON_DAYS * DAY_MIN * 60_000), (None, None))
        if start is None or end is None:
            return at_ms, at_ms + 60_000, OpenState(False)
        if start > at_ms:
            return at_ms, start, OpenState(False, next_ms=start)
        if end - at_ms > (HORIZON_DAYS - 5) * DAY_MIN * 60_000:
            return at_ms, at_ms + DAY_MIN * 60_000, OpenState(True)
        return max(start, at_ms), end, OpenState(True, until_ms=end)
