"""The page of targets in a real browser: an edit reaches the board, a mistake is said, and what somebody types is not lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py

from operations.store import edits as store
from tests.browser.site import HOSTILE, Screens, Site, afternoon
from tests.dashboard.conftest import WebProcess

QUEUE = f"support {HOSTILE}"
ROW = "#react-entry-point .target"
"""In the page's own tree: the first paint's gives way to it."""
CONFIGURATION = f"""
site: {{name: {json.dumps("Harbour " + HOSTILE)}, time_zone: {afternoon()}}}
sources:
  hq: {{kind: queue_log, path: /nowhere/queue_log}}
projects:
  acme:
    name: {json.dumps("Acme " + HOSTILE)}
    queues: [{json.dumps("hq/" + QUEUE)}]
    targets: [{{kpi: contacts_waiting, goal: 5, warning: 6, critical: 9, for: 90s}}]
"""


@pytest.fixture
def site(redis: redis_py.Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(WebProcess(tmp_path, redis_url, CONFIGURATION).start(), redis, QUEUE)
    site.watcher.follow_edits(store.reader(redis_url))
    yield site
    site.web.stop()


def test_an_edit_reaches_the_board_and_every_other_desk(site: Site, screens: Screens) -> None:
    desk, other = screens.open("/targets/acme"), screens.open("/targets/acme", width=390, height=844)
    site.until("the target is there", lambda: desk.locator(ROW).count() == other.locator(ROW).count() == 1)
    assert desk.locator(".target-for input").input_value() == "90s"
    assert desk.locator("[data-slot=save]").is_disabled()
    desk.locator(".target-goal input").fill("2")
    desk.locator(".target-warning input").fill("eleven")
    desk.locator("[name=by]").fill(HOSTILE)
    desk.locator("[data-slot=save]").click()
    said = desk.locator("[data-slot=answer]")
    site.until("the mistake is said", lambda: "targets[0].warning" in said.inner_text())
    desk.locator(".target-warning input").fill("3")
    desk.locator("[data-slot=save]").click()
    site.until("it is saved", lambda: said.get_attribute("data-look") == "ok")
    site.until(
        "the board has it",
        lambda: site.web.get("/api/v1/projects/acme/board").json()["kpis"]["contacts_waiting"]["target"] == 2,
    )
    site.until("the other desk has it", lambda: other.locator(".target-goal input").input_value() == "2")
    assert HOSTILE in other.inner_text(".targets-edits")
    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_somebody_types_is_kept_when_somebody_else_was_quicker_and_refused_when_it_rests_on_old_targets(
    site: Site, screens: Screens
) -> None:
    slow = screens.open("/targets/acme")
    slow.locator(".target-goal input").fill("4")
    seen = site.web.get("/api/v1/projects/acme/targets").json()["revision"]
    wanted = {"targets": [{"kpi": "contacts_waiting", "goal": 1}], "seen": seen, "by": "quick"}
    assert site.web.post("/api/v1/projects/acme/targets", json=wanted).status_code == 202
    site.until("it holds", lambda: site.web.get("/api/v1/projects/acme/targets").json()["targets"][0].get("goal") == 1)
    with slow.expect_response("**/targets"), slow.expect_response("**/targets"):
        pass  # the page has read again, and once more
    assert slow.locator(".target-goal input").input_value() == "4"
    slow.locator("[name=by]").fill("slow")
    slow.locator("[data-slot=save]").click()
    site.until("it is refused", lambda: "read them again" in slow.inner_text("[data-slot=answer]"))
    assert slow.locator(".target-goal input").input_value() == "4"
    slow.get_by_role("button", name="Read again").click()
    site.until("what the other one saved is there", lambda: slow.locator(".target-goal input").input_value() == "1")
    slow.locator(".target-goal input").fill("2")
    slow.locator("[data-slot=save]").click()
    site.until("it is saved", lambda: slow.locator("[data-slot=answer]").get_attribute("data-look") == "ok")


def test_going_back_to_the_file_is_asked_twice_and_forgotten_in_between(site: Site, screens: Screens) -> None:
    desk = screens.open("/targets/acme")
    desk.locator(".target-goal input").fill("2")
    desk.locator("[name=by]").fill("mei")
    desk.locator("[data-slot=save]").click()
    back = desk.locator("[data-slot=back]")
    site.until("there is an edit to take back", back.is_visible)
    back.click()
    assert back.get_attribute("data-sure") == "true"
    desk.locator(".target-goal input").fill("3")
    assert back.get_attribute("data-sure") == "false", "who goes on typing did not mean it"
    assert back.is_disabled()
    desk.locator(".target-goal input").fill("2")
    back.click()
    site.until("who hesitates did not mean it", lambda: back.get_attribute("data-sure") == "false")
    back.click()
    back.click()
    site.until("the file holds", lambda: desk.locator(".target-goal input").input_value() == "5")
    stage = desk.locator("[data-slot=stages]").inner_text()
    assert "Waiting" in stage
    assert "goal 5" in stage
    assert "critical at 9" in stage
