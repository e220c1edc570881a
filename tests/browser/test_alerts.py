"""Alerts on real screens: a tile turns critical, the banner says so, an answer on one screen calms another, a late screen agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py
from playwright.sync_api import Page

from tests.browser.site import HOSTILE, Screens, Site
from tests.dashboard.conftest import WebProcess

QUEUE = f"hq/l1 {HOSTILE}"
CONFIGURATION = f"""
site: {{name: Harbour, time_zone: Asia/Shanghai}}
sources:
  hq: {{kind: queue_log, path: /nowhere/queue_log}}
projects:
  acme:
    name: {json.dumps("Acme " + HOSTILE)}
    queues: [{json.dumps(QUEUE)}]
    targets:
      - {{kpi: contacts_waiting, goal: 1, warning: 2, critical: 3}}
    wall: [contacts_waiting, longest_wait_s, agents_available, answered]
"""


@pytest.fixture
def site(redis: redis_py.Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    web = WebProcess(tmp_path, redis_url, CONFIGURATION).start()
    yield Site(web, redis, QUEUE.partition("/")[2])
    web.stop()


def banner(page: Page) -> tuple[str, str]:
    """Its look and its text."""
    place = page.locator("[data-slot=banner]").last
    return place.get_attribute("data-look") or "", place.inner_text()


def tile(page: Page, name: str) -> str:
    return page.locator("[data-tile=contacts_waiting]").last.get_attribute(name) or ""


def test_an_answer_on_one_screen_calms_the_others_and_a_late_one_agrees(site: Site, screens: Screens) -> None:
    wall, loud = screens.open("/wall/acme"), screens.open("/wall/acme?sound=on")
    desk = screens.open("/alerts?project=acme")
    site.until("the wall is calm", lambda: banner(wall)[0] == "ok" and tile(wall, "data-look") == "ok")
    site.until("the desk is calm", lambda: desk.locator("[data-slot=sum][data-look=ok]").count())
    site.until("the loud wall is calm", lambda: banner(loud)[0] == "ok")

    site.calls(3)
    site.until("the tile turns critical", lambda: tile(wall, "data-look") == "critical")
    assert wall.locator("[data-tile=contacts_waiting] [data-kpi]").get_attribute("data-band") == "critical"
    assert "critical" in wall.locator("[data-tile=contacts_waiting] [data-slot=state]").inner_text(), (
        "never colour alone"
    )
    site.until("the banner appears", lambda: banner(wall)[0] == "critical")
    said = banner(wall)[1]
    for part in (f"Acme {HOSTILE}", "Waiting 3", "goal ≤\xa01", "for 0:0"):
        assert part in said, "project, KPI, value, target and age"
    site.until("the desk shows it", lambda: desk.locator("li.alert[data-look=critical][data-calm=false]").count() == 1)

    site.calls(1)  # worse, but not news
    site.until("the value goes on", lambda: "4" in desk.locator(".alert-value").inner_text())
    site.until("it rang once", lambda: desk.locator("main[data-taken-over]").get_attribute("data-rung") == "1")
    site.until(
        "it rang once on the wall that asked for it",
        lambda: loud.locator("main[data-taken-over]").get_attribute("data-rung") == "1",
    )
    assert wall.locator("main[data-taken-over]").get_attribute("data-rung") == "0", (
        "a wall is silent unless somebody chose otherwise"
    )
    notices = desk.evaluate("window.notices")
    assert [title for title, _ in notices] == [f"■ Acme {HOSTILE}"]
    assert notices[0][1].startswith("Waiting ")

    desk.fill(".alert .note", f"two more {HOSTILE}")
    desk.fill(".alert .by", f"mei {HOSTILE}")
    desk.click(".alert .primary")
    site.until("the wall is calmer", lambda: banner(wall)[0] == "answered" and tile(wall, "data-answered") == "true")
    assert f"mei {HOSTILE} has it" in banner(wall)[1]
    assert tile(wall, "data-look") == "critical", "it is still critical, and somebody has it"
    site.until("the desk knows", lambda: desk.locator("li.alert[data-calm=true]").count() == 1)
    assert f"two more {HOSTILE}" in desk.locator(".alert-answer").inner_text()

    late = screens.open("/wall/acme")
    site.until("a late screen agrees", lambda: banner(late)[0] == "answered" and tile(late, "data-answered") == "true")
    assert banner(late)[1].partition("has it")[0] == banner(wall)[1].partition("has it")[0]
    late_desk = screens.open("/alerts", width=390, height=844)
    site.until("a late desk agrees", lambda: late_desk.locator("li.alert[data-calm=true]").count() == 1)
    assert late_desk.locator("main[data-taken-over]").get_attribute("data-rung") == "0", (
        "what was there already is not news"
    )
    assert late_desk.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a phone need not scroll sideways"

    site.answers_everybody()
    site.until("the wall is calm again", lambda: banner(wall)[0] == "ok" and banner(late)[0] == "ok")
    site.until("nothing fires", lambda: desk.locator("li.alert").count() == 0)
    site.until("the log tells its end", lambda: desk.locator(".step[data-what=resolved]").count() == 1)
    steps = [step.get_attribute("data-what") for step in desk.locator(".episode").first.locator(".step").all()]
    assert steps == ["began", "fired", "acknowledged", "resolved"]
    assert "answered by mei" in desk.locator(".episode-sum").first.inner_text()
    assert desk.locator("main[data-taken-over]").get_attribute("data-rung") == "1"


def test_a_silence_from_the_page_quiets_every_screen_until_it_is_taken_back(site: Site, screens: Screens) -> None:
    wall, desk = screens.open("/wall/acme"), screens.open("/alerts")
    site.calls(3)
    site.until("it fires", lambda: banner(wall)[0] == "critical" and desk.locator("li.alert").count() == 1)
    desk.click(".alert button:has-text('Silence')")
    form = desk.locator("[data-form=silence]")
    assert form.locator("[name=kpi]").input_value() == "contacts_waiting", "it is filled in from the alert"
    form.locator("[name=why]").fill(HOSTILE)
    form.locator("[name=by]").fill("mei")
    form.locator(".primary").click()
    site.until("the wall is quiet", lambda: banner(wall)[0] == "answered" and "silenced" in banner(wall)[1])
    site.until(
        "it is listed",
        lambda: HOSTILE in desk.locator(".silence").inner_text() if desk.locator(".silence").count() else False,
    )
    end = desk.locator(".silence-end")
    end.click()
    assert "?" in end.inner_text(), "ending it takes a second click"
    end.click()
    site.until("the wall calls again", lambda: banner(wall)[0] == "critical")
    site.until("both are in the log", lambda: desk.locator(".step[data-what=unsilenced]").count() == 1)


def test_what_the_server_refuses_is_said_in_its_own_words(site: Site, screens: Screens) -> None:
    desk = screens.open("/alerts?project=acme")
    site.until("the page is there", lambda: desk.locator("[data-form=maintenance] form").count())
    desk.click("[data-part=maintenance] summary")
    form = desk.locator("[data-form=maintenance]")
    form.locator("[name=until]").fill("2020-01-01T10:00")
    form.locator("[name=why]").fill("release")
    form.locator("[name=by]").fill("mei")
    form.locator(".primary").click()
    site.until("it is refused", lambda: "until: does not lie after from" in form.locator(".form-answer").inner_text())


def test_one_project_or_all_of_them_are_a_choice_that_the_address_remembers(site: Site, screens: Screens) -> None:
    desk = screens.open("/alerts")
    site.until("it is filled", lambda: desk.locator("[data-slot=sum]:not([data-look=waiting])").count() == 1)
    desk.select_option("[data-slot=project]", "acme")
    site.until("the address says it", lambda: "project=acme" in desk.url)
    desk.reload()
    site.until("it is remembered", lambda: desk.locator("[data-slot=project]").input_value() == "acme")
