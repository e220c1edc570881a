"""Who works when on one day: shifts, days off and breaks, dealt out from the teams of a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from collectors.simulator.scenario import Scenario, Team, minute_of_day

LATE_MS = 150_000
"""Nobody signs in later than this after the shift began."""
BREAK_SHIFT_MS = 45 * 60_000


@dataclass(frozen=True, slots=True)
class Due:
    """A break: when, why, how long."""

    at_ms: int
    reason: str
    ms: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One person's work on one day; ``end_ms`` None: without end."""

    name: str
    skill: dict[str, int]
    ring_no_answer: float
    start_ms: int
    end_ms: int | None
    breaks: tuple[Due, ...] = ()


def local_ms(day: date, minute: int, zone: ZoneInfo) -> int:
    """A time of day on a date as epoch ms; one that the clocks skip is taken as if they did not."""
    moment = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
    return round(moment.timestamp() * 1000)


def turns(scenario: Scenario, key: str, day: date, start_ms: int, end_ms: int | None, zone: ZoneInfo) -> list[Turn]:
    """Everybody who works on the day from ``start_ms`` to ``end_ms`` (its handovers), in the order of the teams."""
    found: list[Turn] = []
    for team_name, team in scenario.teams.items():
        for place, name in enumerate(team.names(team_name)):
            if end_ms is None or scenario.handover is None:
                found.append(Turn(name, team.skill(place), team.ring_no_answer, start_ms, None))
            elif (day.weekday() - place) % 7 >= team.days_off:
                found.append(
                    _turn(
                        team, place, name, Random(f"{key}/{name}"), day, minute_of_day(scenario.handover), end_ms, zone
                    )
                )
    return found


def _turn(
    team: Team, place: int, name: str, rng: Random, day: date, handover: int, end_ms: int, zone: ZoneInfo
) -> Turn:
    shift = team.shifts[place % len(team.shifts)]
    first, last = (minute_of_day(clock) for clock in shift.split("-"))
    start = local_ms(day + timedelta(days=first < handover), first, zone)
    end = min(end_ms, local_ms(day + timedelta(days=last <= handover), last, zone))
    late = int(LATE_MS * rng.random())
    breaks = []
    for rule in team.breaks:
        chance, sooner, longer = rng.random(), rng.random(), rng.random()
        at = start + round(rule.after_h * 3_600_000 + (2 * sooner - 1) * BREAK_SHIFT_MS)
        ms = round(rule.minutes * 60_000 * (0.85 + 0.3 * longer))
        if chance < rule.share and at + ms < end:
            breaks.append(Due(at, rule.reason, ms))
    return Turn(
        name, team.skill(place), team.ring_no_answer, start + (0 if first == handover else late), end, tuple(breaks)
    )
