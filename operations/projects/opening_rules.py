"""``open: {mon-fri: "09:00-21:00", sat: closed, holidays: CN}`` as ``OpeningHours``."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

import holidays

from operations.projects.faults import Faults, Path, shorten, shown
from operations.projects.nearest import did_you_mean
from operations.projects.opening_hours import DAY_MIN, OpeningHours, Range

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS = {
    "mon … sun": "the hours of a day, of a span (`mon-fri`, `fri-mon`) or of several days (`mon,wed,fri`); a day that is not named is closed",
    "daily": "the hours of every day that is not named by itself",
    "holidays": "a country whose public holidays are closed (`CN`), or a part of one (`DE-BY`), or a list of those and of dates",
    "extra_closed": "a list of further closed days",
    "open_on": "days that are open although they are holidays: a list of dates, or a mapping of dates to hours",
}
"""What may stand in the block, for the documentation."""

OTHER_KEYS = ("daily", "holidays", "extra_closed", "open_on")
HOURS_EXAMPLE = 'write "09:00-18:00", several as "09:00-12:00,13:00-18:00", or 24h, or closed'

_RANGE = re.compile(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)")


def hours(text: object) -> tuple[Range, ...]:
    """``09:00-12:00,13:00-18:00``, ``22:00-06:00``, ``24h`` or ``closed`` as ranges. Raises ``ValueError`` (wrong; right)."""
    if isinstance(text, list):
        text = ",".join(str(part) for part in text)
    if not isinstance(text, str):
        raise ValueError(f"{shown(text)} is not opening hours; {HOURS_EXAMPLE}")
    if text.strip().lower() in ("24h", "24 h"):
        return ((0, DAY_MIN),)
    if text.strip().lower() == "closed":
        return ()
    found: list[Range] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"'{shorten(part.strip())}' is not opening hours; {HOURS_EXAMPLE}")
        start, end = (int(match[1]) * 60 + int(match[2])), (int(match[3]) * 60 + int(match[4]))
        if int(match[2]) > 59 or int(match[4]) > 59 or start >= DAY_MIN or end > DAY_MIN:
            raise ValueError(
                f"'{shorten(part.strip())}' names a time that no clock shows; times run from 00:00 to 24:00"
            )
        if start == end:
            raise ValueError(
                f"'{shorten(part.strip())}' ends as it begins; write 24h for the whole day, closed for none of it"
            )
        found.append((start, end if end > start else end + DAY_MIN))
    found.sort()
    for (_, end), (start, _) in zip(found, found[1:], strict=False):
        if start < end:
            raise ValueError(
                f"'{shorten(text)}' has ranges that overlap; let each begin after the one before has ended"
            )
    return tuple(found)


def read_opening(raw: object, zone: str, path: Path, faults: Faults) -> OpeningHours:
    """The opening hours that a block describes; a fault leaves its part out. Nothing at all: always open."""
    if raw is None or raw == {}:
        return OpeningHours(zone=zone)
    if isinstance(raw, (str, list)):
        raw = {"daily": raw}
    if not isinstance(raw, dict):
        faults.add(path, f"{shown(raw)} is not opening hours", 'write {mon-fri: "09:00-18:00"}, or 24h')
        return OpeningHours(zone=zone)
    week: dict[int, tuple[Range, ...]] = {}
    said: dict[int, str] = {}
    any_day = False
    for key, value in raw.items():
        if key in OTHER_KEYS and key != "daily":
            continue
        any_day = True
        try:
            ranges = hours(value)
        except ValueError as error:
            faults.add_sentence((*path, key), str(error))
            ranges = ()
        if key == "daily":
            for day in range(7):
                if day not in said:
                    week[day] = ranges
            continue
        days = _days(key)
        if days is None:
            faults.add((*path, key), "unknown key", _key_advice(key))
            continue
        for day in days:
            if day in said:
                faults.add((*path, key), f"{said[day]} has set {DAYS[day]} already", "name each day once")
            said[day] = key
            week[day] = ranges
    places, closed = _holidays(raw.get("holidays"), (*path, "holidays"), faults)
    closed += _dates(raw.get("extra_closed"), (*path, "extra_closed"), faults)
    return OpeningHours(
        zone=zone,
        week=tuple(week.get(day, ()) for day in range(7)) if any_day else None,
        holidays=tuple(places),
        extra_closed=tuple(sorted(set(closed))),
        open_on=_open_on(raw.get("open_on"), (*path, "open_on"), faults),
    )


def _days(key: str) -> list[int] | None:
    """The weekdays that a key names (Monday is 0), None when it names none."""
    found: list[int] = []
    for part in key.lower().split(","):
        first, dash, last = part.strip().partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            return None
        start, end = DAYS.index(first), DAYS.index(last) if dash else DAYS.index(first)
        found += [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]
    return found


def _key_advice(key: str) -> str:
    short = re.sub(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*", r"\1", key.lower()).replace(" ", "").replace("–", "-")
    if short != key and _days(short) is not None:
        return f"did you mean {short}?"
    return did_you_mean(key, (*DAYS, "mon-fri", "sat-sun", *OTHER_KEYS))


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    return dict(holidays.list_supported_countries())


def _holidays(raw: object, path: Path, faults: Faults) -> tuple[list[str], list[dt.date]]:
    places: list[str] = []
    dates: list[dt.date] = []
    entries = raw if isinstance(raw, list) else [] if raw is None else [raw]
    for number, entry in enumerate(entries):
        place = (*path, number) if isinstance(raw, list) else path
        day = _date(entry)
        if day is not None:
            dates.append(day)
        elif isinstance(entry, str) and _check_place(entry, place, faults):
            places.append(entry)
        elif not isinstance(entry, str):
            faults.add(
                place,
                f"{shown(entry)} is neither a country nor a date",
                "write a country's code such as CN, or a date as 2026-12-31",
            )
    return places, dates


def _check_place(name: str, path: Path, faults: Faults) -> bool:
    country, _, part = name.partition("-")
    known = _countries()
    if country not in known:
        named = getattr(getattr(holidays, name.title().replace(" ", ""), None), "country", None)
        match = named if named in known else country.upper() if country.upper() in known else None
        faults.add(
            path,
            f"there is no country {shown(name)}",
            f"did you mean {match}?" if match else "write its two-letter code, such as CN",
        )
        return False
    if part and part not in known[country]:
        faults.add(path, f"{country} has no part {shown(part)}", did_you_mean(part, known[country]))
        return False
    return True


def _date(value: object) -> dt.date | None:
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _dates(raw: object, path: Path, faults: Faults) -> list[dt.date]:
    found: list[dt.date] = []
    entries = raw if isinstance(raw, list) else [] if raw is None else [raw]
    for number, entry in enumerate(entries):
        day = _date(entry)
        if day is None:
            faults.add(
                (*path, number) if isinstance(raw, list) else path,
                f"{shown(entry)} is not a day",
                "write a date as 2026-12-31",
            )
        else:
            found.append(day)
    return found


def _open_on(raw: object, path: Path, faults: Faults) -> tuple[tuple[dt.date, tuple[Range, ...] | None], ...]:
    if not isinstance(raw, dict):
        return tuple((day, None) for day in sorted(set(_dates(raw, path, faults))))
    found: dict[dt.date, tuple[Range, ...] | None] = {}
    for key, value in raw.items():
        day = _date(key)
        if day is None:
            faults.add((*path, key), f"{shown(key)} is not a day", "write a date as 2026-12-31")
            continue
        try:
            found[day] = None if value is None else hours(value)
        except ValueError as error:
            faults.add_sentence((*path, key), str(error))
    return tuple(sorted(found.items()))
