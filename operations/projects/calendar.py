"""The calendar of a time zone: where intervals, days, weeks and months begin, as epoch milliseconds.

Every function is pure: instants come in and go out as integer epoch milliseconds (UTC), days as
``datetime.date``. Stretches are half open: ``start <= at < end``. A day lasts 23 or 25 hours where the zone's
clocks change, and it still begins at local midnight (or, where midnight does not exist, at the moment
at which the clocks jump over it).
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
"""The grain in which counters are stored: bounds of intervals are multiples of it in UTC."""

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_DAY_MS = 24 * 60 * MINUTE_MS

Stretch = tuple[int, int]
"""``(start_ms, end_ms)``, half open."""

WINDOWS = (
    "now",
    "interval",
    "rolling_5m",
    "rolling_15m",
    "rolling_30m",
    "rolling_60m",
    "today",
    "week",
    "month",
    "project",
)
"""Every window that a number can be about, shortest first."""

ROLLING_MIN = {
    "rolling_3m": 3,
    "rolling_5m": 5,
    "rolling_10m": 10,
    "rolling_15m": 15,
    "rolling_30m": 30,
    "rolling_60m": 60,
    "rolling_120m": 120,
}
"""Minutes in each window that rolls by the minute; those that are not in ``WINDOWS`` serve the error budget alone."""

ROLLING_QUARTERS = {"rolling_6h": 24, "rolling_24h": 96}
"""Quarters of an hour in each window that rolls by the quarter, for the error budget."""


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def offset_ms(zone: ZoneInfo, at_ms: int) -> int:
    """How far the zone's clocks are ahead of UTC at an instant, in milliseconds."""
    offset = datetime.fromtimestamp(at_ms // 1000, zone).utcoffset()
    assert offset is not None  # a ZoneInfo always knows
    return round(offset.total_seconds()) * 1000


def _change_ms(zone: ZoneInfo, before_ms: int, after_ms: int) -> int:
    """The instant in ``(before, after]``, to the second, at which the clocks were changed between the two."""
    low, high = before_ms // 1000, -(-after_ms // 1000)
    after = offset_ms(zone, high * 1000)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_ms(zone, middle * 1000) == after:
            high = middle
        else:
            low = middle
    return high * 1000


def wall_ms(zone: ZoneInfo, day: date, minute: int, *, second_time: bool = False) -> int:
    """When the wall clock shows ``minute`` minutes after midnight of ``day`` (1440 and more: the next day).

    A time that the clocks jump over gives the instant of the jump. A time that comes twice gives the
    first, or the second when ``second_time``.
    """
    days, minute = divmod(minute, 24 * 60)
    naive = datetime(day.year, day.month, day.day) + timedelta(days=days, minutes=minute)
    first = round(naive.replace(tzinfo=zone, fold=0).timestamp() * 1000)
    second = round(naive.replace(tzinfo=zone, fold=1).timestamp() * 1000)
    if second < first:  # the time does not exist: each fold reads it with the other side's offset
        return _change_ms(zone, second - 1000, first)
    return second if second_time else first


class Calendar:
    """Intervals, days, weeks and months in one time zone.

    ``zone``: an IANA name. ``interval_min``: 15 or 30. Answers are cached by day, so that asking
    thousands of times a second costs little; two calendars with the same arguments are equal.
    """

    __slots__ = ("zone", "interval_min", "_tz", "_interval_ms", "_today", "_starts", "_bounds", "_spans")

    def __init__(self, zone: str, interval_min: int) -> None:
        if interval_min not in (15, 30):
            raise ValueError(f"an interval of {interval_min} min is not possible; 15 or 30 are")
        self.zone = zone
        self.interval_min = interval_min
        self._tz = _zone(zone)
        self._interval_ms = interval_min * MINUTE_MS
        self._today: tuple[int, int, int] = (0, 0, 0)
        self._starts: dict[int, int] = {}
        self._bounds: dict[int, list[int]] = {}
        self._spans: dict[tuple[str, int], Stretch] = {}

    def __repr__(self) -> str:
        return f"Calendar({self.zone!r}, {self.interval_min})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and (self.zone, self.interval_min) == (other.zone, other.interval_min)

    def __hash__(self) -> int:
        return hash((self.zone, self.interval_min))

    @property
    def tz(self) -> ZoneInfo:
        """The zone itself, to write an instant as ISO 8601 with its offset."""
        return self._tz

    # ── Days ──────────────────────────────────────────────────────────────────────────────────

    def day(self, at_ms: int) -> Stretch:
        """The local day that holds an instant: 23, 24 or 25 hours."""
        start, end, ordinal = self._today
        if not start <= at_ms < end:
            start, end, ordinal = self._find_day(at_ms)
            self._today = (start, end, ordinal)
        return start, end

    def local_date(self, at_ms: int) -> date:
        """The date on the wall calendar at an instant."""
        start, end, ordinal = self._today
        if not start <= at_ms < end:
            self._today = start, end, ordinal = self._find_day(at_ms)
        return date.fromordinal(ordinal)

    def day_start(self, day: date) -> int:
        """The instant at which a date begins."""
        return self._start(day.toordinal())

    def _start(self, ordinal: int) -> int:
        start = self._starts.get(ordinal)
        if start is None:
            if len(self._starts) > 2000:
                self._starts.clear()
            start = self._starts[ordinal] = wall_ms(self._tz, date.fromordinal(ordinal), 0)
        return start

    def _find_day(self, at_ms: int) -> tuple[int, int, int]:
        # Zones lie within a day of UTC, and a date may be missing altogether (Apia has no 30 December 2011).
        ordinal = _EPOCH_ORDINAL + at_ms // _DAY_MS + 2
        while self._start(ordinal) > at_ms:
            ordinal -= 1
        return self._start(ordinal), self._start(ordinal + 1), ordinal

    # ── Intervals ─────────────────────────────────────────────────────────────────────────────

    def interval(self, at_ms: int) -> Stretch:
        """The interval that holds an instant, cut on the local wall clock at :00, (:15,) :30 (and :45).

        An hour that comes twice has its own intervals each time.
        """
        bounds = self._day_bounds(*self.day(at_ms))
        place = bisect_right(bounds, at_ms)
        return bounds[place - 1], bounds[place]

    def intervals(self, start_ms: int, end_ms: int) -> list[Stretch]:
        """All intervals that share an instant with ``[start_ms, end_ms)``, in order, whole ones."""
        found: list[Stretch] = []
        at = start_ms
        while at < end_ms:
            bounds = self._day_bounds(*self.day(at))
            for place in range(bisect_right(bounds, at) - 1, len(bounds) - 1):
                if bounds[place] >= end_ms:
                    break
                found.append((bounds[place], bounds[place + 1]))
            at = bounds[-1]
        return found

    def _day_bounds(self, start: int, end: int) -> list[int]:
        bounds = self._bounds.get(start)
        if bounds is None:
            if len(self._bounds) > 800:
                self._bounds.clear()
            bounds = self._bounds[start] = self._cut(start, end)
        return bounds

    def _cut(self, start: int, end: int) -> list[int]:
        bounds = [start]
        offset = offset_ms(self._tz, start)
        while bounds[-1] < end:
            at = bounds[-1]
            following = at + self._interval_ms - (at + offset) % self._interval_ms
            later = offset_ms(self._tz, following)
            if later != offset:
                if (later - offset) % self._interval_ms:
                    # The change moves the marks of the wall clock themselves: it is a bound of its own.
                    following = _change_ms(self._tz, at, following)
                offset = later
            bounds.append(min(following, end))
        return bounds

    # ── Weeks, months, the project ────────────────────────────────────────────────────────────

    def week(self, at_ms: int) -> Stretch:
        """The week, Monday to Sunday, that holds an instant."""
        day = self.local_date(at_ms).toordinal()
        key = ("week", day)
        if key not in self._spans:
            monday = day - (day - 1) % 7  # ordinal 1 is a Monday
            self._keep(key, (self._start(monday), self._start(monday + 7)))
        return self._spans[key]

    def month(self, at_ms: int) -> Stretch:
        """The calendar month that holds an instant."""
        day = self.local_date(at_ms)
        key = ("month", day.toordinal())
        if key not in self._spans:
            following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
            self._keep(key, (self.day_start(day.replace(day=1)), self.day_start(following)))
        return self._spans[key]

    def project_to_date(self, at_ms: int, starts: date | None) -> Stretch:
        """From the project's first day (the epoch if None) to the end of the day that holds an instant.

        Before the first day the stretch is empty.
        """
        end = self.day(at_ms)[1]
        return (min(self.day_start(starts), end) if starts else 0), end

    def _keep(self, key: tuple[str, int], span: Stretch) -> None:
        if len(self._spans) > 200:
            self._spans.clear()
        self._spans[key] = span

    def window_bounds(self, window: str, at_ms: int, starts: date | None = None) -> Stretch:
        """The stretch that a window covers at an instant.

        ``now`` is empty: ``(at, at)``. A rolling window is that many whole clock minutes, the running one
        included, because counters are kept by minute. The others are the whole interval, day,
        week or month, its future included. ``starts``: the project's first day, for ``project``.

        Raises ``ValueError`` on a window that is not in ``WINDOWS``.
        """
        if window == "today":
            return self.day(at_ms)
        if window == "now":
            return at_ms, at_ms
        if window == "interval":
            return self.interval(at_ms)
        if window in ROLLING_MIN:
            end = at_ms - at_ms % MINUTE_MS + MINUTE_MS
            return end - ROLLING_MIN[window] * MINUTE_MS, end
        if window == "week":
            return self.week(at_ms)
        if window == "month":
            return self.month(at_ms)
        if window in ROLLING_QUARTERS:
            end = at_ms - at_ms % QUARTER_MS + QUARTER_MS
            return end - ROLLING_QUARTERS[window] * QUARTER_MS, end
        if window == "project":
            return self.project_to_date(at_ms, starts)
        raise ValueError(f"{window!r} is no window; there are {', '.join(WINDOWS)}")

    def iso(self, at_ms: int) -> str:
        """An instant as ISO 8601 with the zone's offset and milliseconds."""
        moment = (
            datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(self._tz).replace(microsecond=at_ms % 1000 * 1000)
        )
        return moment.isoformat(timespec="milliseconds")
