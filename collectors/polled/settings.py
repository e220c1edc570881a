"""What the block of every polled source may say."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from collectors.collector import STALE_AFTER_MS, SourceSettings

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def secure_url(value: str) -> str:
    """An address that secrets may be sent to, without a slash at its end. Raises ``ValueError``: plain http leaves this machine."""
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("an address like https://host.example is needed")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("http would send the credentials readable; https is needed")
    return value.rstrip("/")


SecureUrl = Annotated[str, AfterValidator(secure_url)]
"""https, or http towards this machine."""


class PolledSettings(SourceSettings):
    """A source that is asked every few seconds."""

    poll_s: float = Field(5.0, ge=1, le=300)
    """how often the present is asked for, in seconds"""

    @property
    def stale_after_ms(self) -> int:
        """Three missed answers make its word old, at the earliest after as long as any other source's."""
        return max(STALE_AFTER_MS, round(3 * self.poll_s * 1000))
