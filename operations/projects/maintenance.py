"""Planned maintenance: stretches of time in which the alerts of a project or a source are silent."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from operations.projects.calendar import wall_ms
from operations.projects.contract import Maintenance
from operations.projects.faults import Faults, Path, at, shown
from operations.projects.text import Name
from operations.projects.wording import validate

LONGEST_DAYS = 92
MOST = 100
"""Stretches of one project or source that a file may hold."""


def moment(value: object) -> object:
    """A date with a time as a person writes it; an offset of its own (``+08:00``) may follow. Raises ``ValueError``."""
    sentence = f"{shown(value)} is not a point in time; write 2026-12-31 22:00"
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    if not isinstance(value, str):
        raise ValueError(sentence)
    try:
        return dt.datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(sentence) from None


Moment = Annotated[dt.datetime, BeforeValidator(moment)]


class MaintenanceBlock(BaseModel):
    """One stretch as the file writes it. A time without an offset is one of the project's zone (for a source, the site's)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Moment = Field(alias="from", description="when it begins, as 2026-12-31 22:00")
    until: Moment = Field(description="when it ends, as 2027-01-01 06:00")
    why: Name = Field("planned maintenance", description="a reason in one line, shown with each silent alert")


def read_maintenance(
    raw: object, zone: str, path: Path, faults: Faults, *, source: str = "", plain: object = None
) -> tuple[Maintenance, ...]:
    """The stretches that a block lists, in order of time. ``plain``: the block before substitution, which errors may repeat."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        faults.add(
            path, f"{shown(raw)} is not a list", "write a list of {from: 2026-12-31 22:00, until: 2027-01-01 06:00}"
        )
        return ()
    if len(raw) > MOST:
        faults.add(path, f"lists {len(raw)} stretches", f"at most {MOST}; take out what is over")
        return ()
    found = []
    for number, entry in enumerate(raw):
        place = (*path, number)
        block = validate(MaintenanceBlock, entry, place, faults, raw=at(plain, (number,)), quote=plain is not None)
        if block is None:
            continue
        start, until = _epoch_ms(block.since, zone, second=False), _epoch_ms(block.until, zone, second=True)
        if until <= start:
            faults.add(
                (*place, "until"),
                f"{block.until} does not lie after from {block.since}",
                "a maintenance ends after it began",
            )
        elif until - start > LONGEST_DAYS * 86_400_000:
            faults.add(
                (*place, "until"),
                f"lies {(until - start) // 86_400_000} days after from",
                f"a maintenance lasts at most {LONGEST_DAYS} days, so that none is forgotten",
            )
        else:
            found.append(Maintenance(start_ms=start, until_ms=until, why=block.why, source=source))
    return tuple(sorted(found, key=lambda each: (each.start_ms, each.until_ms)))


def _epoch_ms(moment: dt.datetime, zone: str, *, second: bool) -> int:
    """A time that the clocks show twice begins the first time and ends the second."""
    if moment.tzinfo is not None:
        return round(moment.timestamp() * 1000)
    return (
        wall_ms(ZoneInfo(zone), moment.date(), moment.hour * 60 + moment.minute, second_time=second)
        + moment.second * 1000
    )
