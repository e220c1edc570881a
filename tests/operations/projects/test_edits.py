"""Targets edited on a page: a stage of the contract from their day on, laid over whatever the file says."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from operations.projects import edits
from operations.projects.edits import Edit
from operations.projects.watcher import ConfigurationWatcher

FILE = """
sources: {{demo: {{kind: simulator}}}}
projects:
  acme:
    queues: [demo/support, demo/sales]
    targets: {targets}
  other: {{queues: [demo/rival]}}
"""
PLAIN = "[{kpi: longest_wait_s, goal: 60, critical: 90}]"
DATED = """
      - {from: 2026-01-01, targets: [{kpi: longest_wait_s, goal: 60, critical: 90}]}
      - {from: 2027-01-01, targets: [{kpi: longest_wait_s, goal: 30, critical: 45}]}"""
BEFORE, DAY, LATER, NEXT_YEAR = (
    dt.date(2026, 11, 21),
    dt.date(2026, 11, 22),
    dt.date(2026, 12, 1),
    dt.date(2027, 1, 2),
)


def edit(since: dt.date, goal: float | None, **more: Any) -> Edit:
    wanted = None if goal is None else [{"kpi": "longest_wait_s", "goal": goal, "critical": 2 * goal} | more]
    return Edit(since, "mei", 1_795_320_000_000, wanted)


class Store:
    """Where edits would lie; can be away."""

    def __init__(self) -> None:
        self.edits: dict[str, bytes] = {}
        self.away = False

    def __call__(self) -> dict[str, bytes]:
        if self.away:
            raise OSError("gone")
        return dict(self.edits)

    def put(self, *of: Edit, project: str = "acme") -> None:
        self.edits[project] = edits.encode(list(of))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wallboard.yaml"
    path.write_text(FILE.format(targets=PLAIN))
    return path


def watched(file: Path) -> tuple[ConfigurationWatcher, Store]:
    watcher, store = ConfigurationWatcher(file, {}), Store()
    watcher.follow_edits(store)
    return watcher, store


def goals(watcher: ConfigurationWatcher, *days: dt.date, project: str = "acme") -> list[float | None]:
    found = [watcher.current.projects[project].contract_on(day).targets for day in days]
    return [targets[0].goal if targets else None for targets in found]


def test_an_edit_holds_from_its_day_on_and_leaves_the_past_alone(file: Path) -> None:
    watcher, store = watched(file)
    assert goals(watcher, BEFORE, DAY) == [60, 60]
    store.put(edit(DAY, 50))
    digest = watcher.current.digest
    assert watcher.poll()
    assert goals(watcher, BEFORE, DAY, LATER) == [60, 50, 50]
    assert watcher.current.digest != digest
    assert not watcher.poll(), "the same again is no change"


def test_the_last_of_several_edits_of_a_day_holds_and_a_later_day_takes_over(file: Path) -> None:
    watcher, store = watched(file)
    store.put(edit(DAY, 50), edit(LATER, 40), edit(DAY, 55))
    watcher.poll()
    assert goals(watcher, BEFORE, DAY, LATER) == [60, 55, 40]


def test_a_later_stage_of_the_file_takes_over_on_its_day(file: Path) -> None:
    file.write_text(FILE.format(targets=DATED))
    watcher, store = watched(file)
    store.put(edit(DAY, 50))
    watcher.poll()
    assert goals(watcher, BEFORE, DAY, NEXT_YEAR) == [60, 50, 30]


def test_going_back_to_the_file_holds_from_its_day_on(file: Path) -> None:
    watcher, store = watched(file)
    store.put(edit(DAY, 50), edit(LATER, None))
    watcher.poll()
    assert goals(watcher, BEFORE, DAY, LATER) == [60, 50, 60]


def test_no_targets_at_all_is_an_edit_too(file: Path) -> None:
    watcher, store = watched(file)
    store.put(Edit(DAY, "mei", 0, []))
    watcher.poll()
    assert goals(watcher, BEFORE, DAY) == [60, None]


def test_a_change_of_the_file_keeps_the_edits_and_a_store_that_is_away_too(file: Path) -> None:
    watcher, store = watched(file)
    store.put(edit(DAY, 50))
    watcher.poll()
    store.away = True
    file.write_text(FILE.format(targets=PLAIN.replace("60", "70")))
    while not watcher.poll():
        pass
    assert goals(watcher, BEFORE, DAY) == [70, 50]
    store.away = False
    assert not watcher.poll()
    store.edits.clear()
    assert watcher.poll()
    assert goals(watcher, BEFORE, DAY) == [70, 70]


def test_a_target_whose_queue_is_gone_is_left_out_and_the_others_hold(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher, store = watched(file)
    one, other = edit(DAY, 50).targets or [], edit(DAY, 20, queue="demo/closed").targets or []
    store.put(Edit(DAY, "mei", 0, [*other, *one]))
    watcher.poll()
    found = watcher.current.projects["acme"].contract_on(DAY).targets
    assert [target.goal for target in found if target.queue is None] == [50]
    assert "'demo/closed' is not a queue of this project" in caplog.text


def test_edits_of_an_unknown_project_and_such_that_cannot_be_read_change_nothing(file: Path) -> None:
    watcher, store = watched(file)
    store.put(edit(DAY, 50), project="gone")
    store.edits["acme"] = b"\xff{"
    watcher.poll()
    assert goals(watcher, DAY) == [60]
    assert goals(watcher, DAY, project="other") == [None]


def test_every_fault_is_said_by_the_rules_of_the_file(file: Path) -> None:
    project = ConfigurationWatcher(file, {}).current.projects["acme"]
    wanted = [
        {"kpi": "service_level_pct", "goal": 80, "warning": 75, "critical": 82},
        {"kpi": "longest_wiat_s", "goal": 5},
        {"kpi": "contacts_waiting", "goal": 5, "queue": "demo/nowhere"},
        {"kpi": "contacts_waiting"},
    ]
    _, faults = edits.checked(wanted, project)
    assert [fault.split(":")[0] for fault in faults] == [
        "targets[0].critical", "targets[1].kpi", "targets[3]", "targets[2].queue",
    ]  # fmt: skip
    assert "longest_wait_s" in faults[1]
    assert edits.checked("nonsense", project)[1][0].startswith("targets: ")
    assert "at most 100" in edits.checked([wanted[1]] * 101, project)[1][0]


def test_who_edits_says_which_state_was_seen() -> None:
    raw = edits.encode([edit(DAY, 50)])
    assert edits.revision(raw) != edits.revision(None)
    assert edits.decode(raw) == [edit(DAY, 50)]
    assert edits.decode(None) == []
    assert msgspec.json.decode(raw)[0]["by"] == "mei"


def test_what_holds_is_never_forgotten_and_of_what_was_replaced_the_oldest_is() -> None:
    done = [edit(BEFORE, 1)]
    for goal in range(2, 300):
        done = edits.added(done, edit(DAY, goal))
    assert len(done) == edits.MOST_REPLACED + 2
    assert (done[0], done[-1]) == (edit(BEFORE, 1), edit(DAY, 299))


def test_days_before_the_first_stage_of_the_file_stay_judged_by_it(file: Path) -> None:
    file.write_text(FILE.format(targets=DATED))
    watcher, store = watched(file)
    long_ago = dt.date(2025, 6, 1)
    assert goals(watcher, long_ago) == [60]
    store.put(edit(DAY, 50))
    watcher.poll()
    assert goals(watcher, long_ago, BEFORE, DAY) == [60, 60, 50]


def test_an_edit_with_a_day_that_is_none_is_not_believed(file: Path) -> None:
    watcher, store = watched(file)
    store.edits["acme"] = edits.encode([edit(DAY, 50)]).replace(b"2026-11-22", b"2026-13-99")
    watcher.poll()
    assert goals(watcher, DAY) == [60]
