from __future__ import annotations

from pathlib import Path

from collectors.simulator.settings import SimulatorSettings
from operations.projects.configuration import load

SHIPPED = load(Path(__file__).parents[3] / "wallboard.yaml", {})


def test_every_queue_of_the_shipped_projects_is_one_of_the_simulators_and_none_is_left_out() -> None:
    source = SHIPPED.sources["demo"]
    assert isinstance(source, SimulatorSettings)
    named = [queue for project in SHIPPED.projects.values() for queue in project.queues]
    assert sorted(named) == sorted(f"demo/{queue}" for queue in source.scenario.queues)


def test_the_shipped_demo_runs_in_real_time_by_the_sites_clock() -> None:
    source = SHIPPED.sources["demo"]
    assert isinstance(source, SimulatorSettings)
    assert not source.own_clock
    assert source.time_zone == SHIPPED.site.time_zone


def test_the_three_projects_show_six_numbers_each_and_judge_by_rules_that_differ() -> None:
    assert len(SHIPPED.projects) == 3
    assert all(len(project.wall) == 6 and project.targets[0].value for project in SHIPPED.projects.values())
    rules = {project.service_level[0].value.abandons for project in SHIPPED.projects.values()}
    assert rules == {"miss", "ignore_within", "exclude_short"}
    assert any(not project.name.isascii() for project in SHIPPED.projects.values())
