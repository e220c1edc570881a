"""The sums behind a project's numbers: for each window, one sum for the whole project and one for each queue.

A sum follows every change as it is booked, so a board never adds up a day to show a number. Agents' time is booked by group (the
set of queues that a person serves): a group counts once in the project and once in each queue that it contains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from operations.floor.agents import queues_of
from operations.floor.counters import MINUTE_MS, Counters, total
from operations.projects.calendar import ROLLING_MIN
from operations.projects.contract import Project, split_queue
from operations.store.cells import Cells

PROJECT = ""
"""The scope of the whole project. The others are the full names of queues and, where a project has several sources, the ids of these."""

_NOTHING = Counters({}, {}, {})


class WindowSums:
    """Sums of one project over the windows that its board shows. ``cells``: by source.

    ``whole``: windows that are wanted of the project as a whole, not of each queue. ``by_source``: whether a project of several sources is
    summed by source too, for numbers that only some of them give.
    """

    def __init__(
        self,
        project: Project,
        windows: Iterable[str],
        cells: Mapping[str, Cells],
        whole: Iterable[str] = (),
        *,
        by_source: bool = False,
    ) -> None:
        self._project = project
        self._cells = cells
        by_queue = dict.fromkeys(windows)
        self._whole = frozenset(whole) - by_queue.keys()
        self._windows = (*by_queue, *sorted(self._whole))
        self._by_source = by_source and len(project.sources) > 1
        self._heads = 2 if self._by_source else 1
        self._own = {split_queue(queue): queue for queue in project.queues}
        self._scopes: dict[tuple[str, str], tuple[str, ...]] = {}
        self.bounds: dict[str, tuple[int, int]] = {}
        self.sums: dict[str, dict[str, Counters]] = {window: {} for window in self._windows}

    def scopes(self, source: str, row: str) -> tuple[str, ...]:
        """The scopes that a row counts for: the project, its source and one or more queues, or none."""
        found = self._scopes.get((source, row))
        if found is None:
            if len(self._scopes) > 10_000:
                self._scopes.clear()
            members = queues_of(row) or (row,)
            own = tuple(self._own[source, queue] for queue in members if (source, queue) in self._own)
            heads = (PROJECT, source) if self._by_source else (PROJECT,)
            found = self._scopes[source, row] = (*heads, *own) if own else ()
        return found

    def _own_rows(self, source: str) -> Callable[[str], object]:
        return lambda row: self.scopes(source, row)

    def get(self, window: str, scope: str) -> Counters:
        """The sum of a window; an empty one when nothing happened, or when the window is not followed yet."""
        found = self.sums.get(window)
        return _NOTHING if found is None else found.get(scope, _NOTHING)

    def of_sources(self, window: str, sources: Sequence[str]) -> Counters:
        """The sum over some of the project's sources."""
        if not self._by_source or len(sources) == len(self._project.sources):
            return self.get(window, PROJECT)
        if len(sources) == 1:
            return self.get(window, sources[0])
        return total(self.get(window, source) for source in sources)

    def follow(self, window: str) -> None:
        """Sum one window more of the project as a whole, from the next ``roll`` on; one that is summed already stays as it is."""
        if window not in self.sums:
            self._whole |= {window}
            self._windows = (*self._windows, window)
            self.sums[window] = {}

    def add(self, source: str, row: str, at: int, change: Counters) -> None:
        """Follow one change that was booked at ``at``."""
        scopes = self.scopes(source, row)
        if not scopes:
            return
        for window, (start, end) in self.bounds.items():
            if start <= at < end:
                self._add(window, scopes, change)

    def _add(self, window: str, scopes: tuple[str, ...], change: Counters, sign: int = 1) -> None:
        sums = self.sums[window]
        for scope in scopes[: self._heads] if window in self._whole else scopes:
            cell = sums.get(scope)
            if cell is None:
                cell = sums[scope] = Counters({}, {}, {})
            cell.add(change, sign)

    def begins(self, now_ms: int) -> int | None:
        """When the project's first counter of this month or the one before was booked, to the quarter of an hour; None before any was."""
        start = self._project.calendar.month(self._project.calendar.month(now_ms)[0] - 1)[0]
        found = [self._cells[source].begins(start, now_ms) for source in self._project.sources if source in self._cells]
        return min((at for at in found if at is not None), default=None)

    def backwards(self, window: str, now_ms: int, minutes: int) -> list[tuple[int, Counters]]:
        """The project's sum as it stood at the end of each of the last whole ``minutes``, oldest first, as (end of the minute, sum).

        Minutes before the window began are left out.
        """
        found: list[tuple[int, Counters]] = []
        left = self.get(window, PROJECT).copy()
        start = self.bounds[window][0]
        minute = now_ms - now_ms % MINUTE_MS
        for end in range(minute, max(minute - minutes * MINUTE_MS, start), -MINUTE_MS):
            for source in self._project.sources:
                for row, cell in self._cells[source].minute(end).items() if source in self._cells else ():
                    if self.scopes(source, row):
                        left.add(cell, -1)
            found.append((end, left.copy()))
        found.reverse()
        return found

    def past(self, start: int, end: int, now_ms: int, sources: Sequence[str] | None = None) -> Counters:
        """The project's sum over a stretch of the past, from what is stored; over all of its sources or some."""
        found = Counters({}, {}, {})
        for source in self._project.sources if sources is None else sources:
            if source in self._cells:
                for cell in self._cells[source].sums(start, end, now_ms, self._own_rows(source)).values():
                    found.add(cell)
        return found

    def roll(self, now_ms: int) -> bool:
        """Let every window cover what it covers at ``now_ms``. True when one of them moved."""
        moved = False
        for window in self._windows:
            bounds = self._project.calendar.window_bounds(window, now_ms, self._project.starts)
            before = self.bounds.get(window)
            if bounds == before:
                continue
            moved = True
            self.bounds[window] = bounds
            if window in ROLLING_MIN:
                self._roll_minutes(window, before, bounds)
            elif before is None or bounds[0] != before[0] or bounds[1] < before[1]:
                self._reload(window, bounds, now_ms)
            else:  # the same stretch, grown: what lies in the new part was not followed yet
                self._add_quarters(window, (before[1], bounds[1]), now_ms)
        return moved

    def _reload(self, window: str, bounds: tuple[int, int], now_ms: int) -> None:
        self.sums[window] = {}
        self._add_quarters(window, bounds, now_ms)

    def _add_quarters(self, window: str, bounds: tuple[int, int], now_ms: int) -> None:
        for source in self._project.sources:
            if source in self._cells:
                for row, cell in self._cells[source].sums(*bounds, now_ms, self._own_rows(source)).items():
                    self._add(window, self.scopes(source, row), cell)

    def _roll_minutes(self, window: str, before: tuple[int, int] | None, bounds: tuple[int, int]) -> None:
        if before is None or before[1] <= bounds[0] or bounds[1] < before[1]:
            self.sums[window] = {}
            self._add_minutes(window, *bounds, 1)
        else:
            self._add_minutes(window, before[0], bounds[0], -1)
            self._add_minutes(window, before[1], bounds[1], 1)

    def _add_minutes(self, window: str, start: int, end: int, sign: int) -> None:
        for source in self._project.sources:
            if source not in self._cells:
                continue
            cells = self._cells[source]
            for at in range(start, end, MINUTE_MS):
                for row, cell in cells.minute(at).items():
                    scopes = self.scopes(source, row)
                    if scopes:
                        self._add(window, scopes, cell, sign)
