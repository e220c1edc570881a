"""Moments, written as people write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONDON = ZoneInfo("Europe/London")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    """``2026-10-05 09:30`` in a zone as epoch ms."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)
