"""Silences and maintenance: alerts go on living, but nobody is called, until a time that is always given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from operations.alerts.rules import Rule
from operations.projects.contract import Project


class Silence(msgspec.Struct, frozen=True, omit_defaults=True):
    """From ``start`` until ``until`` (epoch ms) the alerts that fit are silent.

    ``kpi``, ``queue``, ``source``: "" fits all. ``kind`` maintenance silences whole projects or sources, the ``source down`` alert too.
    """

    id: str
    by: str
    why: str
    start: int
    until: int
    kind: Literal["silence", "maintenance"] = "silence"
    kpi: str = ""
    queue: str = ""
    source: str = ""

    def fits(self, rule: Rule, now_ms: int) -> bool:
        """Whether it silences a rule's alert now."""
        if not self.start <= now_ms < self.until:
            return False
        if (
            self.source
            and rule.source != self.source
            and not rule.queue.startswith(self.source + "/")
            and (rule.source or rule.queue)
        ):
            return False
        return self.kpi in ("", rule.kpi) and self.queue in ("", rule.queue)


def planned(project: Project) -> tuple[Silence, ...]:
    """The maintenance that the configuration plans for a project and its sources. It is never saved: the file is its only place."""
    return tuple(
        Silence(
            id=f"planned:{each.source}:{each.start_ms}",
            by="configuration",
            why=each.why,
            start=each.start_ms,
            until=each.until_ms,
            kind="maintenance",
            source=each.source,
        )
        for each in project.maintenance
    )


def silencing(silences: Iterable[Silence], rule: Rule, now_ms: int) -> Silence | None:
    """The silence that lasts longest among those that fit, None if none does."""
    return max(
        (silence for silence in silences if silence.fits(rule, now_ms)), key=lambda silence: silence.until, default=None
    )
