"""How many people call, and when: a Poisson process whose rate follows the day, and the durations that are drawn.

The rate is constant within pieces of five minutes; arrival times are drawn by inversion of the cumulated rate, which is exact
for such a process. Pieces are stretches of real time, so a day of 23 or 25 hours simply has fewer or more of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

from collectors.simulator.scenario import LONGEST_S, Profile, Queue, Scenario, Spread, minute_of_day

PIECE_MS = 300_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LONGEST_MS = LONGEST_S * 1000

MOST_REMEMBERED = 2_000
"""Shapes of pieces that are kept, so that an endless day needs no endless memory."""

Draw = Callable[[Random], int]
"""A duration in whole milliseconds."""


def lognormal_terms(mean: float, spread: float) -> tuple[float, float]:
    """(mu, sigma) of a lognormal distribution with that mean and that standard deviation over mean."""
    variance = math.log(1 + spread * spread)
    return math.log(mean) - variance / 2, math.sqrt(variance)


def drawing(duration: Spread) -> Draw:
    """The function that draws from a distribution; never more than ``LONGEST_S``."""
    mean_ms = duration.mean_s * 1000
    if duration.shape == "constant":
        fixed = round(mean_ms)
        return lambda rng: fixed
    if duration.shape == "exponential":
        log = math.log
        return lambda rng: min(LONGEST_MS, round(-mean_ms * log(1.0 - rng.random())))
    mu, sigma = lognormal_terms(mean_ms, duration.spread)
    exp = math.exp
    return lambda rng: min(LONGEST_MS, round(exp(rng.gauss(mu, sigma))))


def shape(profile: Profile | None, minute: int) -> float:
    """How busy a minute of the local day is, 0 to 1; the higher of the humps that overlap there, 1 on a peak. None: always 1."""
    if profile is None:
        return 1.0
    sigma = profile.hump_h * 60
    height = 0.0
    for peak in profile.peaks:
        away = abs(minute - minute_of_day(peak))
        away = min(away, 1440 - away)
        height = max(height, math.exp(-((away / sigma) ** 2) / 2))
    return profile.low + (1 - profile.low) * height


class Demand:
    """The rates of all queues from ``start_ms`` on, by piece. ``key`` seeds everything that is drawn for them."""

    def __init__(self, scenario: Scenario, key: str, start_ms: int, zone: ZoneInfo) -> None:
        self.start_ms = start_ms
        self._scenario = scenario
        self._key = key
        self._zone = zone
        self._shapes: dict[tuple[Profile | None, int], float] = {}
        self._spells: dict[tuple[str, int], list[tuple[int, int]]] = {}
        self._busy_days: dict[int, float] = {}

    def rate(self, name: str, piece: int) -> float:
        """Contacts per millisecond that want this queue in a piece."""
        queue = self._scenario.queues[name]
        rate = queue.per_hour / HOUR_MS * self._shape(queue.profile or self._scenario.profile, piece)
        day = piece * PIECE_MS // DAY_MS
        rate *= self._busy_day(day)
        if queue.spells is not None and rate:
            for start, end in self._spells_of(name, queue, day):
                if start <= piece * PIECE_MS < end:
                    rate *= queue.spells.factor
                    break
        return rate

    def _shape(self, profile: Profile | None, piece: int) -> float:
        found = self._shapes.get((profile, piece))
        if found is None:
            if len(self._shapes) > MOST_REMEMBERED:
                self._shapes.clear()
            local = datetime.fromtimestamp((self.start_ms + piece * PIECE_MS) / 1000, self._zone)
            found = shape(profile, local.hour * 60 + local.minute) * self._scenario.weekdays[local.weekday()]
            self._shapes[(profile, piece)] = found
        return found

    def _busy_day(self, day: int) -> float:
        if day not in self._busy_days:
            if len(self._busy_days) > 2:
                self._busy_days.clear()
            spread = self._scenario.daily_spread
            rng = Random(f"{self._key}/{day}/busy")
            self._busy_days[day] = math.exp(rng.gauss(*lognormal_terms(1, spread))) if spread else 1.0
        return self._busy_days[day]

    def _spells_of(self, name: str, queue: Queue, day: int) -> list[tuple[int, int]]:
        found = self._spells.get((name, day))
        if found is None:
            if len(self._spells) > 2 * len(self._scenario.queues):
                self._spells.clear()
            found = self._spells[(name, day)] = []
            spells = queue.spells
            rng = Random(f"{self._key}/{day}/{name}/spells")
            at = day * DAY_MS + 0.0
            while spells is not None and spells.per_day:
                at += rng.expovariate(spells.per_day / DAY_MS)
                if at >= (day + 1) * DAY_MS:
                    break
                found.append((int(at), int(at + spells.minutes * 60_000)))
        return found


class Arrivals:
    """The arrivals of one queue, one after the other, from ``start_ms`` until ``until_ms`` (None: for ever).

    ``factor`` scales the rate: a surge is a second stream beside the usual one.
    """

    def __init__(
        self, demand: Demand, queue: str, key: str, start_ms: int, until_ms: int | None, factor: float = 1.0
    ) -> None:
        self.queue = queue
        self.rng = Random(key)
        self._demand = demand
        self._factor = factor
        self._until = math.inf if until_ms is None else until_ms
        self._at = float(start_ms)
        self._piece = -1
        self._rate = 0.0
        self._piece_end = float(start_ms)

    def next_ms(self) -> int | None:
        """When the next contact comes, epoch ms; None when no more do."""
        at = self._at
        area = -math.log(1.0 - self.rng.random())
        while True:
            if at < self._piece_end:
                here = self._rate * (self._piece_end - at)
                if area < here:
                    at += area / self._rate
                    break
                area -= here
                at = self._piece_end
            if at >= self._until:
                return None
            self._enter_piece(at)
        self._at = at
        return int(at) if at < self._until else None

    def _enter_piece(self, at: float) -> None:
        start = self._demand.start_ms
        self._piece = int(at - start) // PIECE_MS
        self._piece_end = start + (self._piece + 1) * PIECE_MS
        self._rate = self._factor * self._demand.rate(self.queue, self._piece)
