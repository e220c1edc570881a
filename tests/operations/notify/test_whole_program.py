"""``python app.py`` with a route: a source that is down reaches a web hook, over a kill -9 of the role in the middle of the send."""

from __future__ import annotations

from pathlib import Path

from operations.notify.words import AGAIN
from tests.machinery.running import Program, wait_until
from tests.operations.notify.servers import Hook

CONFIGURATION = """
site: {{name: Told, url: 'https://wall.example.com'}}
sources:
  pbx: {{kind: queue_log, path: {folder}/never/written}}
projects:
  support: {{name: Support, queues: [pbx/support]}}
notify:
  routes:
    leads: {{urls: ['json://{address}/?rto=60', 'nonsense://s3cr3t-canary'], group_wait: 1s}}
"""


def test_a_source_that_is_down_reaches_somebody_whatever_dies(tmp_path: Path) -> None:
    with Hook().serving() as hook:
        hook.answer = "hang"
        path = tmp_path / "wallboard.yaml"
        path.write_text(CONFIGURATION.format(folder=tmp_path, address=hook.address))
        with Program(tmp_path, path) as program:
            program.wait_until_it_serves()
            wait_until("the hook is called", lambda: hook.got, 60)
            program.kill("operate")
            hook.answer = 200
            wait_until(
                "the address did well after the restart",
                lambda: (
                    [row["state"] for row in (program.get("/healthz")[1] or {}).get("notify", [])] == ["ok", "refused"]
                ),
                60,
            )
            status, board = program.get("/api/v1/projects/support/board")
            assert status == 200
            assert [alert["id"] for alert in board["alerts"]] == ["source_down@pbx"]
            refused = program.get("/healthz")[1]["notify"][1]
        assert "s3cr3t-canary" not in program.said
    first, second = hook.got
    assert first["title"] == second["title"] == "■ CRITICAL Support: Source pbx down"
    assert AGAIN.text not in first["message"]
    assert AGAIN.text in second["message"]
    assert "https://wall.example.com/wall/support" in second["message"]
    assert (refused["permanent"], refused["to"]) == (True, "nonsense")
    assert "Apprise does not take this address" in refused["error"]
