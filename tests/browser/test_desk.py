"""The overview and the sources page in a real browser: they say what the API says, fit their screens, and take names as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py

from tests.browser.site import HOSTILE, Screens, Site, afternoon
from tests.dashboard.conftest import WebProcess

QUEUE = f"support {HOSTILE}"
CONFIGURATION = f"""
site: {{name: {json.dumps("Harbour " + HOSTILE)}, time_zone: {afternoon()}}}
sources:
  hq: {{kind: queue_log, path: /nowhere/queue_log}}
projects:
  calm: {{name: Calm, queues: [hq/sales], targets: [{{kpi: contacts_waiting, goal: 5, warning: 6, critical: 9}}]}}
  acme:
    name: {json.dumps("Acme " + HOSTILE)}
    queues: [{json.dumps("hq/" + QUEUE)}]
    targets: [{{kpi: contacts_waiting, goal: 1, warning: 2, critical: 3}}]
    wall: [contacts_waiting, longest_wait_s, agents_available, answered]
notify:
  routes:
    night: {{urls: ["json://127.0.0.1:9/somewhere"]}}
"""
SIZES = [(1920, 1080), (1366, 768), (390, 844)]


@pytest.fixture
def site(redis: redis_py.Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(WebProcess(tmp_path, redis_url, CONFIGURATION).start(), redis, QUEUE)
    yield site
    site.web.stop()


def test_the_project_that_needs_somebody_comes_first_and_says_why(site: Site, screens: Screens) -> None:
    desk = screens.open("/")
    site.until("both are calm", lambda: desk.locator(".card[data-look=ok]").count() == 2)
    site.calls(3)
    site.until("one is critical", lambda: desk.locator("[data-card=acme][data-look=critical]").count() == 1)
    site.until("it comes first", lambda: desk.locator(".card").first.get_attribute("data-card") == "acme")
    card = desk.locator("[data-card=acme]")
    said = site.web.get("/api/v1/projects/acme/board").json()["kpis"]["contacts_waiting"]
    assert card.locator("[data-kpi=contacts_waiting]").inner_text() == str(said["value"]) == "3"
    assert card.locator("[data-kpi=contacts_waiting]").get_attribute("data-band") == said["band"] == "critical"
    assert "Waiting 3 (goal" in card.inner_text()
    assert HOSTILE in card.inner_text()
    assert HOSTILE in desk.inner_text(".desk-name")


def test_a_source_and_whom_alerts_reach_are_told_in_words(site: Site, screens: Screens) -> None:
    desk = screens.open("/sources")
    card = desk.locator("[data-source=hq]")
    site.until("it is up", lambda: card.get_attribute("data-look") == "ok" and "live" in card.inner_text())
    site.until("the route is listed", lambda: desk.locator(".notify tbody tr").count() == 1)
    assert "night" in desk.inner_text(".notify tbody")
    assert "not used yet" in desk.inner_text(".notify tbody")
    site.silent = True
    site.feed.status("down", "connection refused")
    site.until("it is down", lambda: card.get_attribute("data-look") == "critical")
    assert "connection refused" in card.inner_text()
    site.web.configure(CONFIGURATION.replace("goal: 1,", "goal: 1, gaol: 1,"))
    site.until("the mistake is named", lambda: "gaol" in desk.inner_text(".config"))


def test_without_the_server_every_desk_says_so_and_calls_nothing_current(site: Site, screens: Screens) -> None:
    sources, alerts, targets = (screens.open(path) for path in ("/sources", "/alerts", "/targets/acme"))
    site.calls(3)
    alert = alerts.locator("[data-alert]")
    site.until("an alert fires", lambda: alert.count() == 1 and "3" in alert.locator(".alert-value").inner_text())
    card = sources.locator("[data-source=hq]")
    site.until("the source is up", lambda: card.get_attribute("data-look") == "ok")
    row = sources.locator(".notify tbody tr")
    site.until("the route is told", lambda: row.count() == 1)
    lamp = targets.locator("[data-slot=link]")
    site.until("the targets are there", lambda: lamp.get_attribute("data-state") == "live")
    assert site.web.process is not None
    site.web.process.kill()
    site.web.process.wait()
    site.until("the alert's number is withdrawn", lambda: alert.locator(".alert-value").inner_text() == "—")
    assert alert.get_attribute("data-look") == "unknown"
    assert not alert.locator(".alert-act").is_visible()
    assert not alerts.locator("[data-slot=calm]").is_visible(), "nothing known is not nothing firing"
    site.until("the source is not known", lambda: card.get_attribute("data-look") == "unknown")
    assert [card.locator(f"[data-slot={name}]").inner_text() for name in ("rate", "lost")] == ["not known"] * 2
    assert row.get_attribute("data-look") == "unknown"
    site.until("the targets say it", lambda: lamp.get_attribute("data-state") == "lost")
    site.web.start()
    site.until("it is back", lambda: alert.locator(".alert-value").inner_text() == "3")
    site.until("the targets too", lambda: lamp.get_attribute("data-state") == "live")


@pytest.mark.parametrize("path", ["/", "/sources"])
def test_they_fit_every_screen(site: Site, screens: Screens, path: str) -> None:
    for width, height in SIZES:
        page = screens.open(path, width=width, height=height)
        site.until("it is drawn", lambda page=page: page.locator(".card[data-look=ok]").count() >= 1)  # type: ignore[misc]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, height)
