"""What a client was promised: targets, the service-level rule, short abandons, and from when on each holds."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from functools import cached_property
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from operations.kpis.catalogue import CATALOGUE, DEFAULT_WALL, Kpi
from operations.projects.calendar import Calendar
from operations.projects.faults import shown
from operations.projects.nearest import did_you_mean
from operations.projects.opening_hours import OpeningHours
from operations.projects.text import Name

T = TypeVar("T")

Band = Literal["ok", "warning", "critical", "none"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}
LONGEST_S = 7 * 86400


def seconds(value: object) -> object:
    """A duration (``10s``, ``2m``, ``1h``, ``1.5h`` or a number of seconds) as seconds; other types are left for pydantic."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not a duration; write 10s, 2m, 1h or a number of seconds")
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{shown(value)} is not a duration; write 10s, 2m, 1h or a number of seconds")
        value = float(match[1]) * _UNIT_S[match[2]]
    if isinstance(value, (int, float)):
        if not 0 <= value <= LONGEST_S:
            raise ValueError(f"{number(value)} s is not possible; between 0 and 7 days is")
        return int(value) if float(value).is_integer() else value
    return value


def number(value: float) -> str:
    """A number as a person writes it: 75, not 75.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:g}"


def _no_bool(value: object) -> object:
    if isinstance(value, bool):  # Python would count it as 1 or 0
        raise ValueError(f"{str(value).lower()} is not a number; write a number")
    return value


Number = Annotated[float, BeforeValidator(_no_bool)]
Count = Annotated[int, BeforeValidator(_no_bool)]
Duration = Annotated[float, BeforeValidator(seconds)]
WholeSeconds = Annotated[int, BeforeValidator(seconds)]


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ServiceLevel(_Terms):
    """How the service level is counted; the formulas stand in docs/kpis.md."""

    within_s: WholeSeconds = Field(description="the threshold T, in whole seconds", ge=0, le=86_400)
    abandons: Literal["miss", "ignore_within", "hit_within", "exclude", "exclude_short"] = Field(
        "miss", description="what an abandoned contact does to the service level"
    )
    flow_outs: Literal["exclude", "miss"] = Field(
        "exclude", description="whether a contact that left the queue unanswered counts as a miss"
    )
    waiting_past_threshold: bool = Field(
        False, description="whether a contact that waits now beyond T already counts as a miss"
    )
    at: Literal["<=", "<"] = Field("<=", description="whether a wait of exactly T counts as within")
    period: Literal["day", "week", "month"] = Field("month", description="the period over which the client judges")


class Target(_Terms):
    """A goal for one KPI over one window, and the limits past which it is in trouble. Limits are in the KPI's own unit."""

    kpi: str = Field(description="a KPI's key from docs/kpis.md")
    window: str = Field("", description="the stretch that the target judges", validate_default=True)
    goal: Number | None = Field(None, description="what the value should reach")
    warning: Number | None = Field(None, description="from here on the value is in the warning band")
    critical: Number | None = Field(None, description="from here on the value is critical")
    clear: Number | None = Field(None, description="an alert ends only when the value is back here")
    for_s: Duration = Field(0, alias="for", description="how long a limit must be passed before an alert starts")
    clear_after_s: Duration = Field(
        0, alias="clear_after", description="how long the value must be back before an alert ends"
    )
    min_sample: Count = Field(
        0, ge=0, le=1_000_000, description="with fewer contacts than this the value is not judged"
    )
    only_when_open: bool = Field(True, description="judge only while the project is open")
    queue: str | None = Field(None, description="one queue of the project (SOURCE/QUEUE) instead of the whole project")
    per_queue: bool = Field(False, description="judge each of the project's queues by itself")

    # Each check sits on the field that it blames, in the order of the fields, so that a target's faults all come out at once.

    @field_validator("kpi")
    @classmethod
    def _known_kpi(cls, key: str) -> str:
        if key not in CATALOGUE:
            raise ValueError(f"there is no KPI {shown(key)}; {did_you_mean(key, CATALOGUE)}")
        return key

    @field_validator("window")
    @classmethod
    def _window_of_the_kpi(cls, window: str, info: ValidationInfo) -> str:
        kpi = _kpi(info)
        if kpi is None:
            return window
        if not window:
            return kpi.default_window
        if window not in kpi.windows:
            if kpi.kind == "now":
                raise ValueError(
                    f"{kpi.key} describes this instant and has no window {shown(window)}; leave window out, or write now"
                )
            raise ValueError(f"{kpi.key} has no window {shown(window)}; it has {', '.join(kpi.windows)}")
        return window

    @field_validator("goal", "warning", "critical", "clear")
    @classmethod
    def _possible(cls, value: float | None, info: ValidationInfo) -> float | None:
        kpi = _kpi(info)
        if value is None or kpi is None:
            return value
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a number that {kpi.key} can reach; give a finite number")
        if kpi.unit == "%" and not 0 <= value <= 100:
            raise ValueError(
                f"{number(value)} % is impossible, {kpi.key} lies between 0 and 100; give a percentage from 0 to 100"
            )
        if value < 0:
            raise ValueError(f"{number(value)} is impossible, {kpi.key} is never negative; give 0 or more")
        return value

    @field_validator("critical")
    @classmethod
    def _critical_beyond(cls, critical: float | None, info: ValidationInfo) -> float | None:
        kpi, goal, warning = _kpi(info), info.data.get("goal"), info.data.get("warning")
        if kpi is None or critical is None:
            return critical
        up = _better_up(kpi, goal, warning, critical)
        if up is None:
            raise ValueError(
                f"{number(critical)} leaves open whether more or less {kpi.key} is better; give a goal (or a warning) that differs from critical"
            )
        for name, limit in (("warning", warning), ("goal", goal)):
            if limit is None:
                continue
            if critical == limit and name == "goal":
                raise ValueError(
                    f"{number(critical)} is the goal itself, so reaching the goal would be critical; {_where(up, 'goal')}"
                )
            if (critical > limit) if up else (critical < limit):
                better = "higher" if up else "lower"
                lies = "above" if up else "below"
                because = (
                    f"{kpi.key} is better when {better}"
                    if kpi.better != "neither"
                    else f"its goal makes {kpi.key} better when {better}"
                )
                raise ValueError(
                    f"{number(critical)} lies {lies} {name} {number(limit)}, but {because}; {_where(up, name)}"
                )
        return critical

    @field_validator("clear")
    @classmethod
    def _clear_before(cls, clear: float | None, info: ValidationInfo) -> float | None:
        kpi, goal, warning, critical = (_kpi(info), *(info.data.get(name) for name in ("goal", "warning", "critical")))
        limit = warning if warning is not None else critical
        if kpi is None or clear is None or limit is None:
            return clear
        up = _better_up(kpi, goal, warning, critical)
        if up is not None and ((clear < limit) if up else (clear > limit)):
            name = "warning" if warning is not None else "critical"
            raise ValueError(
                f"{number(clear)} lies {'below' if up else 'above'} {name} {number(limit)}, so an alert would end while the limit is still "
                f"passed; clear must be {'at least' if up else 'at most'} {name}"
            )
        return clear

    @field_validator("per_queue")
    @classmethod
    def _one_or_each(cls, per_queue: bool, info: ValidationInfo) -> bool:
        if per_queue and info.data.get("queue"):
            raise ValueError("each queue and one queue exclude each other; keep queue or per_queue")
        return per_queue

    @cached_property
    def better(self) -> Literal["up", "down"]:
        """Which way is good: the catalogue's word, or for a KPI without one the order of goal, warning and critical."""
        up = _better_up(CATALOGUE[self.kpi], self.goal, self.warning, self.critical)
        return "down" if up is False else "up"

    def band(self, value: float, sample: float | None = None) -> Band:
        """The band of a value that rests on ``sample`` contacts (None: not a matter of sample).

        A limit is reached at the limit itself; only where the warning limit is the goal itself, a value that just meets the
        goal is ok. Without a warning limit, missing the goal warns. ``none``: fewer contacts than ``min_sample``.
        """
        if sample is not None and sample < self.min_sample:
            return "none"
        sign = 1 if self.better == "up" else -1
        if self.critical is not None and sign * value <= sign * self.critical:
            return "critical"
        if self.warning is not None:
            if sign * value < sign * self.warning or (value == self.warning and self.goal != self.warning):
                return "warning"
        elif self.goal is not None and sign * value < sign * self.goal:
            return "warning"
        return "ok"


def _kpi(info: ValidationInfo) -> Kpi | None:
    return CATALOGUE.get(info.data.get("kpi", ""))


def _better_up(kpi: Kpi, goal: float | None, warning: float | None, critical: float | None) -> bool | None:
    """Whether higher is better; None when a KPI that has no direction is given none by its limits."""
    if kpi.better != "neither":
        return kpi.better == "up"
    good = [limit for limit in (goal, warning) if limit is not None]
    for limit in good:
        if critical is not None and limit != critical:
            return limit > critical
    if critical is None and goal is not None and warning is not None and goal != warning:
        return goal > warning
    return None


def _where(up: bool, name: str) -> str:
    return f"critical must be {'below' if up else 'above'} {name}"


class Limits(_Terms):
    """From when on a person's state stands out on the team lead's page; in whole seconds, 0: never."""

    pause_s: WholeSeconds = Field(
        900, alias="pause", ge=0, le=86_400, description="a pause that lasts longer stands out; 0: none does"
    )
    pause_by_reason_s: dict[Name, WholeSeconds] = Field(
        default_factory=dict,
        alias="pause_by_reason",
        description="a mapping of pause reasons to limits of their own, such as {Lunch: 45m}",
    )
    wrap_up_s: WholeSeconds = Field(
        120, alias="wrap_up", ge=0, le=86_400, description="a wrap-up that lasts longer stands out; 0: none does"
    )


class Contract(_Terms):
    """What holds on one day."""

    targets: tuple[Target, ...] = ()
    service_level: ServiceLevel = ServiceLevel(within_s=20)
    short_abandon_s: int = 0


class Block(_Terms, Generic[T]):
    """One stage of a contract: ``value`` holds from ``since`` on (None: from the beginning) until the next block."""

    since: dt.date | None = None
    value: T


class Maintenance(_Terms):
    """A planned stretch, ``start_ms`` ≤ at < ``until_ms`` (epoch ms), in which no alert calls anybody. ``source``: "" for a whole project."""

    start_ms: int
    until_ms: int
    why: str
    source: str = ""


class Project(_Terms):
    """One client campaign: its queues (``SOURCE/QUEUE``), hours, wall and contract."""

    id: str
    name: str
    client: str = ""
    starts: dt.date | None = None
    ends: dt.date | None = None
    queues: tuple[str, ...] = ()
    time_zone: str = "UTC"
    interval_min: int = 30
    language: str = "en"
    opening: OpeningHours
    wall: tuple[str, ...] = DEFAULT_WALL
    targets: tuple[Block[tuple[Target, ...]], ...] = (Block(value=()),)
    service_level: tuple[Block[ServiceLevel], ...] = (Block(value=ServiceLevel(within_s=20)),)
    short_abandon_s: tuple[Block[int], ...] = (Block(value=0),)
    limits: Limits = Limits()
    maintenance: tuple[Maintenance, ...] = ()
    """Planned, its sources' included."""

    def contract_on(self, day: dt.date) -> Contract:
        """The contract of a day. A day before the first block is judged by the first block."""
        contract = self._contracts.get(day)
        if contract is None:
            if len(self._contracts) > 800:
                self._contracts.clear()
            contract = self._contracts[day] = Contract(
                targets=_on(self.targets, day),
                service_level=_on(self.service_level, day),
                short_abandon_s=_on(self.short_abandon_s, day),
            )
        return contract

    @cached_property
    def _contracts(self) -> dict[dt.date, Contract]:
        return {}

    @cached_property
    def calendar(self) -> Calendar:
        """Days and intervals in the project's time zone."""
        return Calendar(self.time_zone, self.interval_min)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The sources of its queues, each once, in order."""
        return tuple(dict.fromkeys(split_queue(queue)[0] for queue in self.queues))

    @cached_property
    def layout(self) -> str:
        """A short hash of what shapes the page: a page that shows another one loads itself again."""
        shown = [
            (target.kpi, target.window, target.queue, target.per_queue)
            for block in self.targets
            for target in block.value
        ]
        shape = [
            self.id,
            self.name,
            self.client,
            self.language,
            self.time_zone,
            self.interval_min,
            self.queues,
            self.wall,
            shown,
        ]
        return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:8]


def _on(blocks: tuple[Block[T], ...], day: dt.date) -> T:
    """The value of the last block that has begun by a day, else of the first one. Blocks are in order."""
    chosen = blocks[0]
    for block in blocks[1:]:
        if block.since is not None and block.since <= day:
            chosen = block
    return chosen.value


def split_queue(name: str) -> tuple[str, str]:
    """``SOURCE/QUEUE`` as (source, queue); the queue's own name may hold further slashes."""
    source, _, queue = name.partition("/")
    return source, queue
