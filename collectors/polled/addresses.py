"""Where a vendor's API may be asked: over TLS, or on this very machine (a proxy, a test)."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def checked(url: str, secure: str = "https") -> str:
    """The address without a trailing slash. Raises ``ValueError`` when secrets would cross a network in the clear.

    ``secure``: the scheme with TLS; without its last letter it is allowed towards loopback alone.
    """
    parts = urlsplit(url)
    plain = secure[:-1]
    if parts.scheme not in (secure, plain) or not parts.hostname:
        raise ValueError(f"must be an address that begins with {secure}://")
    if parts.scheme == plain and parts.hostname not in LOOPBACK:
        raise ValueError(f"must begin with {secure}://; {plain}:// is only for 127.0.0.1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"must be {secure}://HOST[:PORT][/PATH] and nothing more; secrets have settings of their own")
    return url.rstrip("/")


ApiUrl = Annotated[str, AfterValidator(checked)]
"""A setting that holds the address of an HTTP API."""
