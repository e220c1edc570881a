"""Where a person goes after signing in: a page of ours, whatever the address says."""

from __future__ import annotations

from urllib.parse import urlsplit

LONGEST_NEXT = 1_500

NOT_BACK = ("/sign-in", "/sign-out", "/language", "/api/", "/_")
"""Where a visit cannot begin."""


def same_site(wanted: str | None) -> str:
    """``wanted`` if it is a path on this server that a person can look at, else the overview.

    Browsers take a backslash for a slash and drop line breaks and tabs, so neither may stand there.
    """
    if not wanted or len(wanted) > LONGEST_NEXT or not wanted.isascii() or not wanted.isprintable():
        return "/"
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted or " " in wanted:
        return "/"
    try:
        place = urlsplit(wanted)
    except ValueError:
        return "/"
    return "/" if place.scheme or place.netloc or place.path.startswith(NOT_BACK) else wanted
