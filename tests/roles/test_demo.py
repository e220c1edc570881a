"""The shipped configuration: what somebody sees who types `make run` and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.machinery.running import ROOT, Program, wait_until

SHIPPED = ROOT / "wallboard.yaml"


def test_three_projects_live_on_their_walls_a_moment_after_the_start(tmp_path: Path) -> None:
    with Program(tmp_path, SHIPPED) as program:
        program.wait_until_it_serves()
        wait_until("healthz is well", lambda: program.get("/healthz")[0] == 200, 60)
        _, answer = program.get("/api/v1/projects")
        projects = [project["id"] for project in answer["projects"]]
        assert len(projects) == 3
        for project in projects:

            def lives(project: str = project) -> bool:
                status, board = program.get(f"/api/v1/projects/{project}/board")
                return status == 200 and (board["kpis"]["offered"]["value"] or 0) > 0 and len(board["agents"]) > 0

            wait_until(f"{project} has contacts and agents", lives, 60)
            assert program.get(f"/wall/{project}")[0] == 200
        assert "Traceback" not in program.said
