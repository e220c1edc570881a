"""What a simulated contact centre is like: its queues, its people and their habits.

A scenario is data (``scenarios/*.yaml``, or a block in the configuration), checked here. Durations are in seconds, times of day
are ``HH:MM`` on the clock of the source's ``time_zone``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

READY_MADE = Path(__file__).parent / "scenarios"

LONGEST_S = 3600
"""No single wait, conversation or wrap-up is longer: a centre that hands over at night must come to an end of its day."""

LONGEST_SHIFT_MIN = 18 * 60

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def minute_of_day(clock: str) -> int:
    """``HH:MM`` as minutes since midnight. Raises ``ValueError``."""
    match = _CLOCK.fullmatch(clock.strip())
    if match is None:
        raise ValueError(f"{clock!r} is not a time of day; write it as HH:MM, quoted")
    return int(match[1]) * 60 + int(match[2])


def _clock(clock: str) -> str:
    minute = minute_of_day(clock)
    return f"{minute // 60:02d}:{minute % 60:02d}"


Clock = Annotated[str, AfterValidator(_clock)]


def _stretch(text: str) -> str:
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is not a shift; write it as HH:MM-HH:MM, quoted")
    start, end = _clock(start), _clock(end)
    minutes = (minute_of_day(end) - minute_of_day(start)) % 1440
    if not 0 < minutes <= LONGEST_SHIFT_MIN:
        raise ValueError(f"{text!r} is longer than {LONGEST_SHIFT_MIN // 60} hours, or empty; people must sleep")
    return f"{start}-{end}"


Shift = Annotated[str, AfterValidator(_stretch)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Spread(_Part):
    """A distribution of durations. ``spread``: standard deviation over mean (lognormal only)."""

    mean_s: float = Field(gt=0, le=LONGEST_S)
    shape: Literal["lognormal", "exponential", "constant"] = "lognormal"
    spread: float = Field(0.7, gt=0, le=5)


def _spread(value: object) -> object:
    return {"mean_s": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Duration = Annotated[Spread, BeforeValidator(_spread)]
"""A number of seconds is the mean of a lognormal distribution."""

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=LONGEST_S)]


class Profile(_Part):
    """The shape of a day: humps around ``peaks`` above a night of ``low`` times the peak."""

    peaks: tuple[Clock, ...] = ("10:30", "15:30")
    low: Share = 0.1
    hump_h: float = Field(2.0, gt=0, le=12)
    """How broad a hump is: the standard deviation of its bell, in hours."""


class Spells(_Part):
    """Stretches of a day in which more people call than anybody planned for: ``per_day`` of them on average."""

    per_day: float = Field(ge=0, le=48)
    factor: float = Field(gt=1, le=20)
    minutes: float = Field(gt=0, le=240)


class Exit(_Part):
    """A way out of a queue other than hanging up. ``to``: the queue where the contact goes on, none: it is gone."""

    share: Share = 1.0
    after_s: Seconds
    to: str | None = None


class Transfer(_Part):
    """A share of the conversations that end in another queue; ``attended``: the agent talks to the next one first."""

    to: str
    share: Share
    attended: Share = 0.0


class Queue(_Part):
    """One queue. ``per_hour``: contacts per hour at the day's peak."""

    per_hour: float = Field(ge=0, le=1_000_000)
    talk: Duration
    patience: Duration
    wrap_up: Duration | None = None
    hang_up_soon: Share = 0.0
    """Callers who notice within 5 s that this was the wrong number."""
    profile: Profile | None = None
    spells: Spells | None = None
    hold: Share = 0.0
    hold_time: Duration = Spread(mean_s=40)
    transfers: tuple[Transfer, ...] = ()
    timeout: Exit | None = None
    key: Exit | None = None
    callback: Exit | None = None
    leave_when_empty: bool = False
    caller: str = ""
    """What the callers' numbers look like; each # becomes a digit."""


class Break(_Part):
    """``after_h`` hours into the shift, ``minutes`` long, both by chance somewhat more or less."""

    reason: str = Field(min_length=1)
    after_h: float = Field(gt=0, le=18)
    minutes: float = Field(gt=0, le=240)
    share: Share = 1.0
    """How many of the team's people take it on a day."""


class Team(_Part):
    """People of one kind. ``skills`` and ``shifts`` are dealt out to them in turn.

    A skill is a set of queues with priorities: 1 before 2. Without ``shifts`` people work around the clock.
    """

    people: int | tuple[str, ...]
    skills: tuple[dict[str, Annotated[int, Field(ge=1, le=9)]], ...] = Field(min_length=1)
    shifts: tuple[Shift, ...] = ()
    breaks: tuple[Break, ...] = ()
    days_off: Annotated[int, Field(ge=0, le=6)] = 0
    """Days a week on which each person is away, dealt out evenly over the week."""
    ring_no_answer: Share = 0.0

    def names(self, team: str) -> list[str]:
        """Everybody's name; numbered when only their number was given."""
        if isinstance(self.people, int):
            return [f"{team} {number + 1}" for number in range(self.people)]
        return list(self.people)

    def skill(self, place: int) -> dict[str, int]:
        """The skill of the person at a place of the list."""
        # One further for each round of shifts, so that every shift has every skill as far as there are people for it.
        return self.skills[(place + place // max(1, len(self.shifts))) % len(self.skills)]


class Scenario(_Part):
    """A whole contact centre.

    ``handover``: the time of day at which the night's people finish what they have and the next day's people
    take over; every day of the centre begins there from scratch, which makes each day computable by itself. None: no such moment;
    then nobody has shifts or breaks.
    """

    queues: dict[str, Queue] = Field(min_length=1)
    teams: dict[str, Team] = Field(min_length=1)
    handover: Clock | None = None
    profile: Profile | None = None
    weekdays: tuple[Annotated[float, Field(ge=0, le=10)], ...] = Field((1,) * 7, min_length=7, max_length=7)
    """How busy Monday to Sunday are, 1 = as ``per_hour`` says."""
    daily_spread: Share = 0.0
    """How much whole days differ by chance (standard deviation over mean)."""
    ring: Duration | None = None
    """How long an agent lets it ring; None: contacts are put through at once."""
    ring_timeout_s: Seconds = 20
    missed_pause_s: Annotated[float, Field(ge=0, le=LONGEST_S)] = 0
    """An agent who let it ring out is paused so long."""

    @model_validator(mode="after")
    def _fits_together(self) -> Scenario:
        faults: list[str] = []
        for name, queue in self.queues.items():
            exits = [exit_ for exit_ in (queue.timeout, queue.key, queue.callback) if exit_ is not None]
            for goal in [transfer.to for transfer in queue.transfers] + [exit_.to for exit_ in exits if exit_.to]:
                if goal not in self.queues or goal == name:
                    faults.append(
                        f"queue {name} sends contacts to {goal!r}; another one of {', '.join(self.queues)} would be right"
                    )
            if sum(transfer.share for transfer in queue.transfers) > 1:
                faults.append(f"queue {name} transfers more than all contacts; the shares must add up to 1 at most")
        for name, team in self.teams.items():
            faults.extend(self._faults_of_team(name, team))
        people = [person for name, team in self.teams.items() for person in team.names(name)]
        for person in sorted({person for person in people if people.count(person) > 1}):
            faults.append(f"{person!r} is listed twice; every person needs a name of their own")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _faults_of_team(self, name: str, team: Team) -> list[str]:
        faults = []
        for queue in sorted({queue for skill in team.skills for queue in skill} - set(self.queues)):
            faults.append(f"team {name} serves {queue!r}, which is no queue; there are {', '.join(self.queues)}")
        if self.handover is None and (team.shifts or team.breaks or team.days_off):
            faults.append(f"team {name} has shifts, breaks or days off, but there is no handover; set handover: HH:MM")
        if self.handover is not None:
            if not team.shifts:
                faults.append(
                    f"team {name} works around the clock, but handover is {self.handover}; give it shifts, or leave handover out"
                )
            turn = minute_of_day(self.handover)
            for shift in team.shifts:
                start, end = ((minute_of_day(clock) - turn) % 1440 for clock in shift.split("-"))
                if (end or 1440) < start:
                    faults.append(
                        f"team {name}: shift {shift} runs past the handover at {self.handover}; it must end there or before"
                    )
        return faults


@cache
def ready_made() -> tuple[str, ...]:
    """The names of the scenarios that come with the program."""
    return tuple(sorted(path.stem for path in READY_MADE.glob("*.yaml")))


def load(name: str) -> Scenario:
    """A ready-made scenario. Raises ``ValueError`` when there is none of that name."""
    if name not in ready_made():
        raise ValueError(f"there is no scenario {name!r}; there are {', '.join(ready_made())}, or write one inline")
    return Scenario.model_validate(yaml.safe_load((READY_MADE / f"{name}.yaml").read_text(encoding="utf-8")))
