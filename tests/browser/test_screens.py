"""TVs and supervisors in real browsers: pairing, following, revoking; walls in turn, held while one is critical."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py
from playwright.sync_api import Browser, Error, Page

from tests.browser.site import HOSTILE, PATIENCE_S, Site, afternoon
from tests.dashboard.conftest import WebProcess
from tests.dashboard.test_access import user

MEI = ("mei", "mei's word")
CONFIGURATION = f"""
site: {{name: Harbour, time_zone: {afternoon()}}}
sources:
  hq: {{kind: queue_log, path: /nowhere/queue_log}}
projects:
  acme:
    name: {json.dumps("Acme " + HOSTILE)}
    queues: [hq/support]
    targets: [{{kpi: contacts_waiting, goal: 1, warning: 2, critical: 3}}]
    wall: [contacts_waiting, longest_wait_s, answered]
  sales:
    name: Sales
    queues: [hq/sales]
    targets: [{{kpi: contacts_waiting, goal: 1, warning: 2, critical: 3}}]
    wall: [contacts_waiting, offered]
  globex:
    name: Globex
    queues: [hq/globex]
    wall: [contacts_waiting]
access:
  users:
{user("mei", "mei's word", "supervisor", ["acme", "sales"])}
"""
SIZES = [(1920, 1080), (3840, 2160), (1080, 1920), (1366, 768), (390, 844)]


@pytest.fixture
def site(redis: redis_py.Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(WebProcess(tmp_path, redis_url, CONFIGURATION).start(), redis, "support")
    yield site
    site.web.stop()


class Windows:
    """Browser windows on a site, each with cookies of its own; a fault in any of them fails the test."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self._site, self._browser = site, browser
        self.faults: list[str] = []
        self.pages: list[Page] = []

    def open(self, path: str, width: int = 1920, height: int = 1080, *, person: bool = False) -> Page:
        context = self._browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
        context.set_default_timeout(PATIENCE_S * 1000)
        if person:
            shown = base64.b64encode(":".join(MEI).encode()).decode()
            context.set_extra_http_headers({"Authorization": f"Basic {shown}"})
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto(self._site.web.address + path)
        page.locator("#first-paint").wait_for(state="detached", timeout=PATIENCE_S * 1000)
        self.pages.append(page)
        return page

    def close(self) -> None:
        for page in self.pages:
            assert page.evaluate("window.stolen") is None, "markup in a name was taken for markup"
            page.context.close()
        assert self.faults == []


@pytest.fixture
def windows(site: Site, browser: Browser) -> Iterator[Windows]:
    opened = Windows(site, browser)
    yield opened
    opened.close()


PAGE = "#react-entry-point"


def code_on(site: Site, tv: Page) -> str:
    there = tv.locator("[data-slot=code][data-state=there]")
    site.until("the code is there", lambda: there.count() == 1)
    return "".join(tv.locator(".pair-sign").all_inner_texts())


def pair(site: Site, tv: Page, desk: Page, name: str, projects: list[str], seconds: int = 20) -> None:
    """Enter the code of ``tv`` on ``desk``, as a supervisor would."""
    code = code_on(site, tv)
    form = desk.locator(f"{PAGE} [data-form=pair]")
    form.locator("[name=code]").fill(f"{code[:3]} {code[3:]}".lower())
    form.locator("[name=name]").fill(name)
    for project in projects:
        form.get_by_role("button", name=project).click()
    if len(projects) > 1:
        form.locator("[name=seconds]").fill(str(seconds))
    form.locator("[type=submit]").click()
    said = form.locator(".screen-answer")

    def goes_on() -> int:
        assert said.get_attribute("data-look") != "critical", said.inner_text()
        return tv.locator(f"{PAGE} .playlist").count()

    site.until("the TV goes on by itself", goes_on)


def shown(page: Page) -> str:
    """The project whose wall is in sight; "" while the page is being drawn."""
    visible = "[...document.querySelectorAll('[data-slide]')].find((e) => e.checkVisibility())?.dataset.slide ?? ''"
    try:
        return str(page.evaluate(visible))
    except Error:  # it is just loading itself again
        return ""


def held(page: Page) -> bool:
    return bool(page.locator(f"{PAGE} .playlist-held").is_visible())


def test_a_tv_is_paired_follows_what_it_is_told_and_shows_a_code_again_when_it_is_revoked(
    site: Site, windows: Windows
) -> None:
    tv, desk = windows.open("/pair"), windows.open("/screens", 1366, 768, person=True)
    pair(site, tv, desk, HOSTILE, ["Acme"])
    site.calls(2)
    number = tv.locator(f"{PAGE} .tile [data-kpi=contacts_waiting]")
    site.until("it shows its project, live", lambda: number.inner_text().strip() == "2")
    card = desk.locator(f"{PAGE} [data-screen]")
    site.until("it is on the page of screens", lambda: card.count() == 1 and "online" in card.inner_text())
    assert HOSTILE in card.inner_text(), "a name is text"

    card.locator("[data-act=identify]").click()
    word = tv.locator(".screen-word")
    site.until("it shows its name", lambda: word.is_visible() and HOSTILE in word.inner_text())

    card.locator("[data-act=edit]").click()
    card.get_by_role("button", name="Acme").click()
    card.get_by_role("button", name="Sales").click()
    card.locator("select").select_option("zh-Hant")
    card.locator("[type=submit]").click()
    site.until("it follows without a touch", lambda: shown(tv) == "sales")
    site.until("in its own language", lambda: tv.locator(f"{PAGE} [data-slide][lang=zh-Hant]").count() == 1)

    card.locator("[data-act=revoke]").click()
    card.locator("[data-act=sure]").click()
    site.until("it says so", lambda: tv.locator(".pair-code").count() or word.is_visible())
    site.until("it shows a code again", lambda: tv.locator("[data-slot=code][data-state=there]").count())
    site.until("it is off the list", lambda: card.count() == 0)


def test_two_tvs_are_paired_at_once_and_each_shows_its_own(site: Site, windows: Windows) -> None:
    one, two = windows.open("/pair"), windows.open("/pair")
    desk = windows.open("/screens", 1366, 768, person=True)
    assert code_on(site, one) != code_on(site, two)
    pair(site, one, desk, "North", ["Sales"])
    pair(site, two, desk, "South", ["Acme"])
    site.until("each shows its own", lambda: (shown(one), shown(two)) == ("sales", "acme"))


def test_a_supervisor_is_offered_own_projects_only(site: Site, windows: Windows) -> None:
    desk = windows.open("/screens", 1366, 768, person=True)
    form = desk.locator(f"{PAGE} [data-form=pair]")
    site.until("the form is there", lambda: form.locator("[name=code]").count() == 1)
    assert "Globex" not in form.inner_text()
    form.locator("[name=code]").fill("AAAAAA")
    form.locator("[name=name]").fill("x")
    form.get_by_role("button", name="Sales").click()
    form.locator("[type=submit]").click()
    site.until("a wrong code is said", lambda: "no screen shows this code" in form.inner_text())


def test_walls_take_turns_and_the_critical_one_comes_and_stays_until_it_is_answered(
    site: Site, windows: Windows
) -> None:
    wall = windows.open("/wall?playlist=sales,acme,globex,nobodys&seconds=5", person=True)
    site.until("the first is there", lambda: shown(wall) == "sales")
    site.until("the next comes by itself", lambda: shown(wall) == "acme")
    assert wall.locator(f"{PAGE} .playlist-next").inner_text() == "next: Sales"
    site.until("and the first again", lambda: shown(wall) == "sales")
    assert wall.locator("[data-slide]").count() == 2, "neither one that is not configured nor one of others"

    count = "document.querySelectorAll('*').length"
    site.until("acme again", lambda: shown(wall) == "acme")
    elements = wall.evaluate(count)
    streams = "performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/live')).length"
    site.until("sales again", lambda: shown(wall) == "sales")

    site.calls(4)
    site.until("the critical one comes", lambda: shown(wall) == "acme" and held(wall))
    assert "held: critical" in wall.locator(f"{PAGE} .playlist-strip").inner_text()
    opened = wall.evaluate(streams)
    turns = wall.evaluate("performance.now()") + 7_000
    site.until("longer than a turn", lambda: wall.evaluate("performance.now()") > turns)
    assert shown(wall) == "acme"
    assert held(wall)
    assert wall.evaluate(streams) == opened, "no other feed is opened meanwhile"

    alert = site.web.get("/api/v1/projects/acme/board", auth=MEI).json()["alerts"][0]["id"]
    said = site.web.post("/api/v1/projects/acme/alerts/acknowledge", json={"rule": alert}, auth=MEI)
    assert said.status_code == 202
    site.until("somebody has it: the turns go on", lambda: not held(wall) and shown(wall) == "sales")
    site.until("and come round", lambda: shown(wall) == "acme")
    assert wall.evaluate(count) <= elements + 5, "nothing is made that is not taken away again"


def test_a_server_that_is_killed_leaves_the_wall_in_sight_and_the_turns_go_on_after(
    site: Site, windows: Windows
) -> None:
    tv, desk = windows.open("/pair"), windows.open("/screens", 1366, 768, person=True)
    pair(site, tv, desk, "North", ["Sales", "Acme"], seconds=5)
    live = tv.locator("[data-slide]:not([hidden]) [data-slot=link]")
    site.until("it is live", lambda: live.get_attribute("data-state") == "live")
    assert site.web.process is not None
    site.web.process.kill()
    site.web.process.wait()
    off = tv.locator("[data-slide]:not([hidden]) [data-slot=banner]")
    site.until("it says so", lambda: "No connection to the server since" in off.inner_text())
    assert tv.url.endswith("/wall")
    before = shown(tv)
    site.web.start()
    site.until("the turns go on", lambda: shown(tv) not in ("", before))
    site.until("live", lambda: live.get_attribute("data-state") == "live")


def test_a_project_that_goes_is_passed_over_and_comes_back(site: Site, windows: Windows) -> None:
    wall = windows.open("/wall?playlist=sales,acme&seconds=5", person=True)
    site.until("both take turns", lambda: shown(wall) == "acme")
    without = CONFIGURATION.replace("  acme:\n", "  other:\n").replace('["acme", "sales"]', '["sales"]')
    site.web.configure(without)
    site.until(
        "only one is left", lambda: shown(wall) == "sales" and not wall.locator(f"{PAGE} .playlist-next").inner_text()
    )
    site.web.configure(CONFIGURATION)
    site.until("it is back", lambda: shown(wall) == "acme")


def test_every_page_of_a_screen_fits_every_size(site: Site, windows: Windows) -> None:
    tv, desk = windows.open("/pair"), windows.open("/screens", person=True)
    code_on(site, tv)
    for size in SIZES:
        look(tv, "pair", *size)
        signs = tv.eval_on_selector_all(".pair-sign", "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")
        assert min(signs) >= min(size) / 8, "read from across the room"
    pair(site, tv, desk, "North", ["Sales", "Acme"])
    site.until("it is drawn", lambda: shown(tv) == "sales")
    for size in SIZES:
        look(tv, "playlist", *size)
        look(desk, "screens", *size, scrolls=True)


def look(page: Page, name: str, width: int, height: int, *, scrolls: bool = False) -> None:
    """No scroll bar at this size, or only one that goes down; a picture of it where one is wanted."""
    page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
    assert scrolls or page.evaluate("document.documentElement.scrollHeight <= innerHeight"), (name, width)
    if folder := os.environ.get("FLOORLIGHT_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}-{width}x{height}.png"))
