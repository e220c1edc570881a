"""What a page hands to the script that draws its numbers: texts, labels and what never changes while the page is open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.i18n import Words
from operations.kpis.catalogue import CATALOGUE, WINDOWS

QUEUE_COLUMNS = ("contacts_waiting", "longest_wait_s", "service_level_pct")
"""The KPIs that a wall shows of each queue."""


@dataclass(frozen=True)
class Page:
    """One page as the script sees it; ``page`` is ``wall``, ``lead``, ``overview`` or ``sources``."""

    page: str
    words: Words
    project: str = ""
    layout: str = ""
    time_zone: str = "UTC"
    decimals: int = 1
    may_act: bool = False
    kpis: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Per KPI the fields that are known before the first number: unit, window, target, limits, better."""
    columns: tuple[str, ...] = QUEUE_COLUMNS
    """The KPIs that are shown of each queue."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """In English, by short name: what this page's script draws beside what all of them do."""

    def attribute(self) -> str:
        """The value of ``data-page``: JSON."""
        return json.dumps(
            {
                "page": self.page,
                "project": self.project,
                "language": self.words.language,
                "layout": self.layout,
                "time_zone": self.time_zone,
                "decimals": self.decimals,
                "may_act": self.may_act,
                "kpis": self.kpis,
                "columns": self.columns,
                "labels": {key: label(key, self.words.language) for key in CATALOGUE},
                "better": {key: row.better for key, row in CATALOGUE.items()},
                "samples": {key: row.sample for key, row in CATALOGUE.items() if row.sample != "contacts"},
                "windows": {key: names[self.words.language] for key, names in WINDOWS.items()},
                "words": self.words.live() | {name: self.words(english) for name, english in self.texts.items()},
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )


def label(key: str, language: str) -> str:
    """What people call a KPI; its key if the catalogue does not know it (a board of a newer engine)."""
    row = CATALOGUE.get(key)
    return row.labels[language] if row else key


KNOWN_BEFORE = ("unit", "window", "target", "limits", "better")


def known_before(board: Mapping[str, Any] | None, keys: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Of a board's KPIs what a first paint may show: the goal, not the value."""
    kpis: Mapping[str, Any] = (board or {}).get("kpis") or {}
    return {key: {name: kpis[key][name] for name in KNOWN_BEFORE if name in kpis[key]} for key in keys if kpis.get(key)}
