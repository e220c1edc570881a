"""How far the PBX's clock is from ours, learnt from lines that were read the moment they were written."""

from __future__ import annotations

from collections import deque

SAMPLES = 5
TOLERANCE_MS = 2_000
_SPREAD_MS = 2_500
"""Live lines lag by their whole-second times (up to 1 s), the poll and the disk; more than this is no steady clock but a slow file."""
_TYPICAL_LAG_MS = 600


class SkewMeter:
    """Says by how much the PBX's clock must be corrected: ``skew_ms`` is to be added to its times."""

    def __init__(self, skew_ms: int = 0) -> None:
        self.skew_ms = skew_ms
        self._lags: deque[int] = deque(maxlen=SAMPLES)

    def observe(self, now_ms: int, line_ms: int) -> bool:
        """A line of the time ``line_ms`` (as written) was seen to appear now. Returns whether the correction changed.

        It changes only when ``SAMPLES`` lines in a row agree on a difference that is more than 2 s from the present one.
        """
        self._lags.append(now_ms - line_ms)
        lags = sorted(self._lags)
        if len(lags) < SAMPLES or lags[-1] - lags[0] > _SPREAD_MS:
            return False
        measured = lags[len(lags) // 2] - _TYPICAL_LAG_MS
        if abs(measured) <= TOLERANCE_MS:
            measured = 0
        if abs(measured - self.skew_ms) <= TOLERANCE_MS:
            return False
        self.skew_ms = measured
        return True
