"""The rules of a project: its targets are the rules, nothing else has to be written.

Beside the targets stand one rule for each source (``source_down``) and those of the error budget (``operations.alerts.budget``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from operations.projects.contract import Contract, Project, Target

WARNING, CRITICAL = 1, 2
LEVELS = ("", "warning", "critical")

SOURCE_DOWN = "source_down"
SOURCE_DOWN_AFTER_MS = 10_000
"""A link that comes back within this time was not worth a word."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. ``queue`` is a full name, "" for the whole project. Durations in ms.

    ``target`` is None for the rules that no target makes; those say what is over the line by themselves, and those of the budget in ``limit`` which
    service level it is (%), and in ``share`` which part of the period's misses goes in the window at that limit.
    """

    id: str
    kind: Literal["target", "budget", "source_down"]
    kpi: str
    window: str = "now"
    queue: str = ""
    target: Target | None = None
    for_ms: int = 0
    clear_after_ms: int = 0
    only_when_open: bool = True
    source: str = ""
    limit: float | None = None
    share: float | None = None

    def line(self, level: int) -> float | None:
        """The value at which a level begins; without a warning limit the goal is it. None where nothing is measured."""
        if self.target is None:
            return self.limit
        if level == CRITICAL:
            return self.target.critical
        return self.target.goal if self.target.warning is None else self.target.warning


def rules_of(project: Project, contract: Contract) -> tuple[Rule, ...]:
    """The rules of a project under the contract of a day: targets in order, then sources.

    A target that sets neither goal nor limit makes none: no value can miss it. Sources are watched while the project is open, and always when one of its
    targets is.
    """
    rules: dict[str, Rule] = {}
    for target in contract.targets:
        if target.goal is None and target.warning is None and target.critical is None:
            continue
        queues = project.queues if target.per_queue else (target.queue or "",)
        for queue in queues:
            name = f"{target.kpi}@{target.window}" + (f"@{queue}" if queue else "")
            if name not in rules:  # the first target speaks, as on the board
                rules[name] = Rule(
                    name,
                    "target",
                    target.kpi,
                    target.window,
                    queue,
                    target,
                    round(target.for_s * 1000),
                    round(target.clear_after_s * 1000),
                    target.only_when_open,
                )
    only_when_open = all(rule.only_when_open for rule in rules.values())
    for source in project.sources:
        name = f"{SOURCE_DOWN}@{source}"
        rules[name] = Rule(
            name, "source_down", SOURCE_DOWN, for_ms=SOURCE_DOWN_AFTER_MS, only_when_open=only_when_open, source=source
        )
    return tuple(rules.values())


def named(name: str) -> Rule:
    """What the id alone tells of a rule: enough to speak of one that the contract no longer has."""
    kpi, _, rest = name.partition("@")
    if kpi == SOURCE_DOWN:
        return Rule(name, "source_down", kpi, source=rest)
    if kpi.startswith("budget_"):
        return Rule(name, "budget", "service_level_pct", "rolling_" + kpi.rpartition("_")[2])
    window, _, queue = rest.partition("@")
    return Rule(name, "target", kpi, window, queue)
