"""What the block of every polled source may say."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from collectors.collector import STALE_AFTER_MS, SourceSettings


def _each_once(values: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(values)) < len(values):
        raise ValueError("names a threshold twice")
    return values


Thresholds = Annotated[tuple[Annotated[int, Field(ge=1, le=604_800)], ...], AfterValidator(_each_once)]
"""Of service levels, in seconds: for ACDs that count against the thresholds that they are asked for."""


class PolledSettings(SourceSettings):
    """A source that is asked every few seconds."""

    poll_s: float = Field(5.0, ge=1, le=300)
    """how often the present is asked for, in seconds"""

    @property
    def stale_after_ms(self) -> int:
        """Three missed answers make its word old, at the earliest after as long as any other source's."""
        return max(STALE_AFTER_MS, round(3 * self.poll_s * 1000))
