"""Numbers of an ACD that are worth believing. What is no possible number was not told; it is never a zero."""

from __future__ import annotations

from typing import Any

MOST = 10_000_000
"""Contacts, people: nobody has more of them in a quarter of an hour."""
LONGEST_MS = 366 * 86_400_000
"""Of a duration."""
LONGEST_SUM_MS = 10**12
"""Of durations of one quarter of an hour, summed: more than thirty years."""


def count(value: Any, most: int = MOST) -> int | None:
    """A whole number of 0 up to ``most``, else None. A number that JSON gave a fraction of zero is whole."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        return None
    whole = round(value)
    return whole if whole == value else None


def amount(value: Any, most: float = LONGEST_SUM_MS) -> int | None:
    """A quantity of 0 up to ``most``, rounded to a whole one, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        return None
    return round(value)
