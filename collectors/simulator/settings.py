"""The block of a simulated source in the configuration."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from collectors.collector import SourceSettings, TimeZoneName
from collectors.simulator.scenario import Scenario, load


class SimulatorSettings(SourceSettings):
    """A contact centre that does not exist.

    ``seed``: the same seed (with the same scenario and time zone) gives the same days, to the last contact. ``scenario``: the
    name of a ready-made one, or one written inline; none: demo. ``speed``: simulated seconds per second, or ``max``: as fast
    as the log takes it. ``time_zone``: the clock by which its people live. ``start``: when the simulated time begins (local
    time unless it has an offset); none: now. ``history_days``: how many earlier days the first start tells in quarter hours.
    """

    kind: Literal["simulator"]
    seed: int = 1
    scenario: Scenario = Field(default_factory=lambda: load("demo"))
    speed: float | Literal["max"] = 1.0
    time_zone: TimeZoneName = "UTC"
    start: datetime | None = None
    history_days: int = Field(28, ge=0, le=400)

    @field_validator("scenario", mode="before")
    @classmethod
    def _ready_made(cls, value: Any) -> Any:
        return load(value) if isinstance(value, str) else value

    @field_validator("speed", mode="before")
    @classmethod
    def _possible_speed(cls, value: Any) -> Any:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value == "max" or (number and 0 < value <= 1_000_000 and math.isfinite(value)):
            return value
        raise ValueError(
            f"{value!r} is no speed; write a number of simulated seconds per second (1 = real time), or max"
        )

    @property
    def own_clock(self) -> bool:
        """Whether the simulated time is another than ours: then its events may lie in the future."""
        return self.speed != 1 or self.start is not None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def start_ms(self) -> int | None:
        """``start`` as epoch ms."""
        if self.start is None:
            return None
        start = self.start if self.start.tzinfo is not None else self.start.replace(tzinfo=self.zone)
        return round(start.timestamp() * 1000)
