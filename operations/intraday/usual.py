"""What is usual: the median of the same weekday of the past four weeks, of the days on which anybody came at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

from operations.floor.counters import QUARTER_MS
from operations.intraday.blocks import bounds, by_interval
from operations.intraday.span import WEEKS
from operations.projects.calendar import Calendar


def labels(calendar: Calendar, cut: list[tuple[int, int]]) -> list[str]:
    """What the wall clock shows as each interval of one day begins; an hour that comes twice is marked the second time."""
    found: list[str] = []
    for start, _ in cut:
        label = calendar.iso(start)[11:16]
        found.append(f"{label} (2)" if label in found else label)
    return found


def days_like(day: date, offered: Mapping[date, np.ndarray], today: date) -> list[date]:
    """The days that a day is compared with: over, and not without any contact (closed, or before counting began)."""
    past = (day - timedelta(weeks=weeks) for weeks in WEEKS)
    return [other for other in past if other < today and other in offered and offered[other].sum() > 0]


def by_label(calendar: Calendar, day: date, offered: Mapping[date, np.ndarray], today: date) -> pd.Series:
    """The usual contacts of a day's intervals, by their label; empty when no day tells.

    Days of 23 and 25 hours are matched by the wall clock: an hour that one of them lacks is told by the others.
    """
    columns = {}
    for other in days_like(day, offered, today):
        start, end = bounds(calendar, other)
        cut = calendar.intervals(start, end)
        columns[other] = pd.Series(by_interval(offered[other], start, cut), index=labels(calendar, cut))
    return pd.DataFrame(columns).median(axis=1) if columns else pd.Series(dtype=float)


def until(calendar: Calendar, day: date, offered: Mapping[date, np.ndarray], today: date, now_ms: int | None) -> float:
    """The usual contacts of a whole day, or (``now_ms`` within it) of its part until now; NaN when no day tells."""
    found = []
    for other in days_like(day, offered, today):
        quarters = offered[other]
        if now_ms is None:
            found.append(float(quarters.sum()))
            continue
        # Where the clocks change between the two days the hour of the day decides, not the hours since midnight.
        clock = calendar.iso(now_ms)
        elapsed = (int(clock[11:13]) * 60 + int(clock[14:16])) * 60_000 + int(clock[17:19]) * 1000
        start = bounds(calendar, other)[0]
        moment = pd.Timestamp(start + elapsed, unit="ms", tz=calendar.tz)
        wanted = pd.Timestamp(f"{other.isoformat()} {clock[11:19]}")
        elapsed += round((wanted - moment.tz_localize(None)).total_seconds() * 1000)
        whole, part = divmod(elapsed, QUARTER_MS)
        whole = min(max(whole, 0), len(quarters))
        found.append(
            float(quarters[:whole].sum()) + (quarters[whole] * part / QUARTER_MS if whole < len(quarters) else 0)
        )
    return float(np.median(found)) if found else float("nan")
