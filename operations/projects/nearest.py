"""What somebody probably meant to write."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_LISTED = 12


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known word that is most like ``word``, None when none is much like it."""
    names = list(known)
    lower = {name.lower(): name for name in reversed(names)}
    if word.lower() in lower:
        return lower[word.lower()]
    # difflib is quadratic in the length: nobody's typo is that long.
    found = difflib.get_close_matches(word.lower()[:100], lower, n=1, cutoff=likeness)
    return lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The advice about an unknown word: the nearest one, else the list when it is short enough to read."""
    names = list(known)
    match = nearest(word, names)
    if match is not None:
        return f"did you mean {match}?"
    if not names:
        return "there is none yet"
    if len(names) <= MOST_LISTED:
        return f"known {'is' if len(names) == 1 else 'are'} {', '.join(names)}"
    return f"{len(names)} are known, {min(names)} to {max(names)}"
