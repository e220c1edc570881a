"""How much of a project's board somebody sees. One function per sight, and one place that leaves out KPIs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Sight = Literal["whole", "masked", "nameless"]
"""How much of the people on a board somebody sees: everything; no caller's number but its last digits; nobody at all."""

SHOWN_DIGITS = 3
"""Of a masked number."""

MASK = "•••••"

SOURCE_DOWN = "source_down"
"""An alert that is about no KPI: whoever sees numbers has to learn that they have stopped."""

PROMISE = "service_level_pct"
"""The KPI whose misses the error budget counts."""

OF_A_CHOICE = frozenset(
    {"project", "name", "client", "time_zone", "language", "interval_min", "layout", "open", "sources"}
    | {"at", "revision", "previous", "now", "checked_at", "age_s"}
    | {"kpis", "queues", "wall", "alerts", "service_level", "misses_left", "budget", "waiting", "agents", "lost"}
)
"""What a board holds for somebody who sees chosen KPIs only. What is added to boards later stays hidden until it is listed here."""


@dataclass(frozen=True)
class View:
    """What of one project's board somebody sees. ``kpis`` None: all. Equal views are one live feed."""

    sight: Sight = "whole"
    kpis: frozenset[str] | None = None

    @property
    def is_whole(self) -> bool:
        return self.sight == "whole" and self.kpis is None

    def shows(self, kpi: str) -> bool:
        """Whether a KPI, or an alert about it, is among what may be seen."""
        return self.kpis is None or kpi in self.kpis or kpi == SOURCE_DOWN

    def chosen(self, kpis: Iterable[str]) -> list[str]:
        """Those of some KPIs that may be seen, in their order; when it is none of them, whatever else may be."""
        kpis = list(kpis)
        return [kpi for kpi in kpis if self.shows(kpi)] or sorted(self.kpis or ())

    def interval(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """An interval of the past (``operations.intervals``) with those counters and KPIs that may be seen."""
        if self.kpis is None:
            return dict(row)
        seen = {name: self._only(row[name]) for name in ("counters", "kpis", "partial")}
        return {**row, **seen, "not_reported": [kpi for kpi in row["not_reported"] if self.shows(kpi)]}

    def redact(self, board: Mapping[str, Any]) -> dict[str, Any]:
        """A board or a change without what may not be seen; the argument stays as it is. Fields may be ``msgspec.Raw``."""
        seen = REDACTED[self.sight](dict(board))
        return seen if self.kpis is None else self._chosen_board(seen)

    def _chosen_board(self, board: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in board.items() if key in OF_A_CHOICE}
        if "kpis" in kept:
            kept["kpis"] = self._only(kept["kpis"])
        if "queues" in kept:
            kept["queues"] = {
                name: row and {**row, "kpis": self._only(row.get("kpis", {}))}
                for name, row in _plain(kept["queues"]).items()
            }
        if "wall" in kept:
            kept["wall"] = self.chosen(_plain(kept["wall"]))
        if "alerts" in kept:
            kept["alerts"] = [row for row in _plain(kept["alerts"]) if self.shows(row["kpi"])]
        for budget in {"service_level", "misses_left", "budget"} & kept.keys() if not self.shows(PROMISE) else ():
            kept[budget] = {}
        if "waiting" in kept and not (self.shows("contacts_waiting") and self.shows("longest_wait_s")):
            kept["waiting"] = []
        return kept

    def _only(self, kpis: Any) -> dict[str, Any]:
        return {key: entry for key, entry in _plain(kpis).items() if self.shows(key)}


WHOLE = View()


def whole(board: dict[str, Any]) -> dict[str, Any]:
    """A board as it is."""
    return board


def without_names(board: dict[str, Any]) -> dict[str, Any]:
    """A board, or a change of one, in which neither an agent nor a caller appears; numbers about them stay."""
    hidden: dict[str, list[Any]] = {key: [] for key in ("agents", "lost") if key in board}
    if "waiting" in board:
        hidden["waiting"] = [
            {key: value for key, value in row.items() if key not in ("caller", "caller_name")}
            for row in _plain(board["waiting"])
        ]
    if "alerts" in board:
        hidden["alerts"] = [_unsigned(row) for row in _plain(board["alerts"])]
    return {key: value for key, value in board.items() if key not in ("agents_gone", "lost_gone")} | hidden


def _unsigned(alert: dict[str, Any]) -> dict[str, Any]:
    """An alert that tells that it was answered or silenced, but neither by whom nor what people told each other."""
    hidden = {"by": "", "note": "", "why": ""}
    said = {name: alert[name] for name in ("acked", "silenced") if alert.get(name)}
    return alert | {name: {key: hidden.get(key, value) for key, value in row.items()} for name, row in said.items()}


def with_masked_callers(board: dict[str, Any]) -> dict[str, Any]:
    """A board, or a change of one, in which no caller can be told by name or number."""
    masked = dict(board)
    for key in ("waiting", "lost"):
        if key in board:
            masked[key] = [
                {**row, "caller": mask(row.get("caller", "")), "caller_name": ""} for row in _plain(board[key])
            ]
    return masked


REDACTED: dict[Sight, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "whole": whole,
    "masked": with_masked_callers,
    "nameless": without_names,
}


def mask(caller: str) -> str:
    """The last digits of a number, as a person reads them out to be sure that it is the same one; nothing of a name."""
    if not caller:
        return ""
    digits = [sign for sign in caller if sign.isdigit()]
    shown = "".join(digits[-SHOWN_DIGITS:]) if len(digits) > 2 * SHOWN_DIGITS else ""
    return f"{MASK} {shown}".rstrip()


def _plain(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
