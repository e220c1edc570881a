"""The wall in a real browser: it shows what the API says, withdraws what it cannot know, and comes back by itself."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py
from playwright.sync_api import Browser, Page

from collectors.events import (
    AgentChanged,
    AgentQueues,
    AnyEvent,
    ContactAbandoned,
    ContactAnswered,
    ContactCompleted,
    ContactEntered,
)
from tests.browser.site import HOSTILE, Screens, Site, afternoon, now_ms
from tests.dashboard.conftest import WebProcess

QUEUE = f"support {HOSTILE}"
CONFIGURATION = f"""
site: {{name: Harbour, time_zone: {afternoon()}}}
sources:
  hq: {{kind: queue_log, path: /nowhere/queue_log}}
projects:
  acme:
    name: {json.dumps("Acme " + HOSTILE)}
    client: {json.dumps("Acme Ltd " + HOSTILE)}
    queues: [{json.dumps("hq/" + QUEUE)}, hq/sales]
    service_level: {{within_s: 20}}
    targets:
      - {{kpi: service_level_pct, window: today, goal: 80, warning: 80, critical: 75}}
      - {{kpi: contacts_waiting, goal: 1, warning: 2, critical: 3}}
      - {{kpi: longest_wait_s, goal: 60, warning: 45, critical: 90}}
    wall: [service_level_pct, contacts_waiting, longest_wait_s, agents_available, abandon_rate_pct, answered]
"""
CHINESE = CONFIGURATION.replace("    client:", "    language: zh-Hans\n    client:")
SCREENS = [(1920, 1080), (3840, 2160), (1080, 1920)]
DESKS = [(1366, 768), (390, 844)]


WIDEST = """() => [...document.querySelectorAll('tr.queue:not([hidden]) .queue-number')].filter((cell) => {
    cell.textContent = {service_level_pct: '100.0\\u00a0%', longest_wait_s: '10:02:26'}[cell.dataset.kpi] ?? '1,234';
    return cell.scrollWidth > cell.clientWidth + 1;
}).map((cell) => cell.textContent)"""
"""Puts the widest numbers into the table of queues and says which of them are cut."""


def start(redis: redis_py.Redis, redis_url: str, folder: Path, text: str) -> Site:
    return Site(WebProcess(folder, redis_url, text).start(), redis, QUEUE)


@pytest.fixture
def site(redis: redis_py.Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    site = start(redis, redis_url, tmp_path, CONFIGURATION)
    yield site
    site.web.stop()


def number(page: Page, key: str) -> str:
    """What a tile's value says, as it is drawn."""
    return page.locator(f".tile [data-kpi={key}]").last.inner_text().replace("\xa0", " ").strip()


def look(page: Page, key: str) -> str:
    return page.locator(f"[data-tile={key}]").last.get_attribute("data-look") or ""


def day(site: Site) -> None:
    """Five contacts answered in time, one late, one lost; two agents."""
    at = now_ms() - 60_000
    for i in range(6):
        wait = 60_000 if i == 5 else 4_000
        site.feed.emit(
            ContactAnswered(at, site.queue, f"d{i}", "Ann", wait),
            ContactCompleted(at + 9_000, site.queue, f"d{i}", "Ann", wait, 9_000),
        )
    site.feed.emit(ContactAbandoned(at, "sales", "gone", 30_000))
    site.feed.emit(AgentQueues(at, "Bo", {"sales": None}), AgentChanged(at, "Bo", "available", name="Bo"))


def test_the_numbers_on_the_page_are_those_of_the_api(site: Site, screens: Screens) -> None:
    wall = screens.open("/wall/acme", width=1920, height=1080)
    site.until("a fresh project says that nothing happened", lambda: "no contacts yet" in wall.inner_text(".tiles"))
    assert number(wall, "service_level_pct") == "—", "neither 0 % nor 100 %"
    assert "no contacts yet" in wall.locator("[data-tile=answered]").inner_text(), "a 0 says why"
    day(site)
    site.calls(2)
    site.until(
        "the day is on the wall", lambda: number(wall, "answered") == "6" and number(wall, "contacts_waiting") == "2"
    )
    board = site.web.get("/api/v1/projects/acme/board").json()["kpis"]
    assert number(wall, "service_level_pct") == f"{board['service_level_pct']['value']:.1f} %"
    assert number(wall, "abandon_rate_pct") == f"{board['abandon_rate_pct']['value']:.1f} %"
    assert number(wall, "agents_available") == str(board["agents_available"]["value"])
    for key, entry in board.items():
        for place in wall.locator(f".tile [data-kpi={key}]").all():
            assert place.get_attribute("data-band") == entry["band"]
    row = wall.locator("tr.queue [data-kpi=contacts_waiting][data-queue^='hq/support']")
    assert row.inner_text() == "2"
    assert wall.locator("tr.queue").count() == 2, "each queue once"
    assert wall.locator(".lamp").count() == 1, "each source once"
    assert HOSTILE in wall.inner_text("h1"), "a hostile name is text"


def test_a_wait_ticks_by_itself(site: Site, screens: Screens) -> None:
    wall = screens.open("/wall/acme", width=1920, height=1080)
    site.calls(1)
    site.until("somebody waits", lambda: number(wall, "longest_wait_s") not in ("—", "0:00"))
    seen = number(wall, "longest_wait_s")
    site.until("it runs on", lambda: number(wall, "longest_wait_s") != seen, work=False)


def test_a_source_that_dies_takes_its_numbers_with_it_and_brings_them_back(site: Site, screens: Screens) -> None:
    wall = screens.open("/wall/acme", width=1920, height=1080)
    day(site)
    site.until("the day is on the wall", lambda: number(wall, "answered") == "6")
    site.silent = True
    site.feed.status("down", "connection refused")
    site.until("the numbers are withdrawn", lambda: number(wall, "answered") == "—")
    assert look(wall, "answered") == "unknown"
    assert "last 6 at" in wall.inner_text("[data-tile=answered]")
    said = wall.inner_text("[data-slot=banner]")
    assert re.search(r"No data from hq since \d\d:\d\d: connection refused", said), said
    site.silent = False
    site.until("they are back", lambda: number(wall, "answered") == "6" and look(wall, "answered") != "unknown")


def test_a_server_that_is_killed_is_missed_and_found_again_without_a_touch(site: Site, screens: Screens) -> None:
    wall = screens.open("/wall/acme", width=1920, height=1080)
    day(site)
    site.until("the day is on the wall", lambda: number(wall, "answered") == "6")
    assert site.web.process is not None
    site.web.process.kill()
    site.web.process.wait()
    site.until("it says so", lambda: "No connection to the server since" in wall.inner_text("[data-slot=banner]"))
    assert number(wall, "answered") == "—"
    site.web.start()
    site.until("it is right again", lambda: number(wall, "answered") == "6")
    assert wall.locator("[data-slot=link]").get_attribute("data-state") == "live"


def test_behind_a_proxy_that_holds_streams_back_the_wall_asks_and_knows_the_time(site: Site, screens: Screens) -> None:
    day(site)
    page = screens.open("/wall/acme", streams_held=True)
    link, clock = page.locator("[data-slot=link]").last, page.locator("[data-slot=clock]").last
    site.until("it asks", lambda: link.get_attribute("data-state") == "polling")
    site.until("it knows the time", lambda: re.fullmatch(r"\d\d:\d\d:\d\d", clock.inner_text()))
    before = clock.inner_text()
    waiting = int(number(page, "contacts_waiting"))
    site.calls(3)
    site.until("what is new comes", lambda: number(page, "contacts_waiting") == str(waiting + 3))
    assert clock.inner_text() > before


def test_a_wall_whose_script_did_not_come_asks_for_its_page_again(site: Site, screens: Screens) -> None:
    day(site)
    wall = screens.open("/wall/acme", width=1920, height=1080, lost="**/wall.mjs*")
    site.until("it shows numbers", lambda: number(wall, "answered") == "6")


def test_an_engine_that_is_gone_is_noticed_though_everything_else_answers(site: Site, screens: Screens) -> None:
    wall = screens.open("/wall/acme", width=1920, height=1080)
    day(site)
    site.until("the day is on the wall", lambda: number(wall, "answered") == "6")
    site.until("it is noticed", lambda: number(wall, "answered") == "—", work=False)
    assert "Nobody has checked the numbers since" in wall.inner_text("[data-slot=banner]")
    site.until("it is back", lambda: number(wall, "answered") == "6")


@pytest.mark.parametrize(("width", "height"), [*SCREENS, *DESKS])
@pytest.mark.parametrize("text", [CONFIGURATION, CHINESE], ids=["en", "zh-Hans"])
def test_it_fits_every_screen_without_a_scroll_bar(
    redis: redis_py.Redis, redis_url: str, tmp_path: Path, browser: Browser, width: int, height: int, text: str
) -> None:
    site = start(redis, redis_url, tmp_path, text)
    screens = Screens(site, browser)
    try:
        wall = screens.open("/wall/acme", width=width, height=height)
        day(site)
        site.calls(3)
        site.until("it is drawn", lambda: number(wall, "contacts_waiting") == "3")
        site.until("it is the page's own tree", lambda: wall.locator("#first-paint").count() == 0)
        assert wall.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no scrolling sideways"
        if (width, height) in SCREENS:
            assert wall.evaluate("document.documentElement.scrollHeight <= innerHeight"), "no scroll bar on a wall"
            sizes = wall.eval_on_selector_all(
                ".tile-value .number", "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))"
            )
            assert min(sizes) >= height / 12 or width < height, "numerals at least a twelfth of the screen's height"
        cut = wall.evaluate(
            "[...document.querySelectorAll('.tile-value, .tile-state, .queue-number')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline').map(e => e.className + e.innerText)"
        )
        assert cut == []
        assert wall.evaluate(WIDEST) == [], "a morning without a miss, and the longest wait of a bad day"
        assert ("服务水平" if text is CHINESE else "Service level".upper()) in wall.inner_text(".tiles").upper()
        if folder := os.environ.get("FLOORLIGHT_PICTURES"):
            wall.screenshot(path=str(Path(folder) / f"wall-{width}x{height}-{'zh' if text is CHINESE else 'en'}.png"))
        screens.close()
    finally:
        site.web.stop()


def test_a_page_whose_clock_is_ten_minutes_off_shows_the_right_ages(
    site: Site, browser: Browser, screens: Screens
) -> None:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    context.add_init_script("const real = Date.now.bind(Date); Date.now = () => real() + 600000;")
    wall = context.new_page()
    wall.goto(site.web.address + "/wall/acme")
    site.calls(1)
    site.until("somebody waits", lambda: number(wall, "longest_wait_s") not in ("—", "0:00"))
    assert re.fullmatch(r"0:\d\d", number(wall, "longest_wait_s"))
    assert wall.locator("[data-slot=link]").get_attribute("data-state") == "live"
    context.close()


def test_hours_of_changes_leave_nothing_behind(site: Site, screens: Screens) -> None:
    wall = screens.open("/wall/acme", width=1920, height=1080)
    day(site)
    site.until("the day is on the wall", lambda: number(wall, "answered") == "6")
    count = "document.querySelectorAll('*').length"
    before = wall.evaluate(count)
    for i in range(150):
        site.calls(1)
        site.turn()
        site.feed.emit(ContactAnswered(now_ms(), site.queue, f"c{i}", "Ann"))
        site.turn()
    site.until("all of it is drawn", lambda: number(wall, "answered") == "156")
    assert wall.evaluate(count) <= before + 5, "no element is made that is not taken away again"


def test_a_changed_layout_is_taken_over_without_a_reload_by_hand(site: Site, screens: Screens) -> None:
    wall = screens.open("/wall/acme", width=1920, height=1080)
    day(site)
    site.until("the day is on the wall", lambda: number(wall, "answered") == "6")
    site.web.configure(CONFIGURATION.replace("abandon_rate_pct, answered]", "offered]"))
    site.until("the new tile is there", lambda: wall.locator("[data-tile=offered]").count() == 1)
    site.until("and drawn", lambda: number(wall, "offered") == "7")
    assert wall.locator("[data-tile=answered]").count() == 0


def test_a_project_that_is_not_there_is_said_in_words(site: Site, screens: Screens) -> None:
    page = screens.open("/wall/nobody", width=1366, height=768)
    site.until("it says so", lambda: "not configured" in page.inner_text("body"))


def test_the_page_is_small_and_says_something_before_any_number(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.web.address + "/wall/acme")
    assert "Service level" in page.inner_text("#first-paint") or "SERVICE LEVEL" in page.inner_text("#first-paint")
    context.close()


def test_each_script_comes_once(site: Site, screens: Screens) -> None:
    wall = screens.open("/wall/acme", width=1920, height=1080)
    site.until("it is live", lambda: wall.locator("[data-slot=link]").last.get_attribute("data-state") == "live")
    got = wall.evaluate(
        "performance.getEntriesByType('resource').map((e) => e.name).filter((name) => /[.]m?js/.test(name))"
    )
    assert {"live.mjs", "wall.mjs", "alarm.mjs"} <= {name.split("?")[0].rsplit("/", 1)[1] for name in got}
    assert sorted(set(got)) == sorted(got)


SHOWN = (
    f"site: {{name: Harbour Contact Centre, time_zone: {afternoon()}}}"
    + """
sources:
  hq: {kind: queue_log, path: /nowhere/queue_log}
projects:
  acme:
    name: Acme support
    client: Acme Ltd
    queues: [hq/support-l1, hq/support-l2, hq/billing, hq/returns]
    service_level: {within_s: 20}
    targets:
      - {kpi: service_level_pct, window: today, goal: 80, warning: 80, critical: 75, min_sample: 20}
      - {kpi: contacts_waiting, goal: 5, warning: 5, critical: 10}
      - {kpi: longest_wait_s, goal: 60, warning: 45, critical: 90}
      - {kpi: longest_wait_s, goal: 60, warning: 45, critical: 90, per_queue: true}
      - {kpi: agents_available, goal: 2, warning: 2, critical: 0}
      - {kpi: abandon_rate_pct, window: today, goal: 5, warning: 5, critical: 8, min_sample: 20}
    wall: [service_level_pct, contacts_waiting, longest_wait_s, agents_available, abandon_rate_pct, answered]
"""
)


def test_a_busy_afternoon_shows_its_trends_and_what_is_wrong(
    redis: redis_py.Redis, redis_url: str, tmp_path: Path, browser: Browser
) -> None:
    """Also the picture in README.md: ``FLOORLIGHT_PICTURES=docs/images make test PYTEST="-k busy_afternoon"``."""
    site = start(redis, redis_url, tmp_path, SHOWN)
    screens = Screens(site, browser)
    try:
        rng, now, queues = random.Random(7), now_ms(), ("support-l1", "support-l2", "billing", "returns")
        told: list[AnyEvent] = []
        for i in range(1, 420):
            at, queue, wait = now - 95_000 - i * 25_000, rng.choice(queues), round(rng.expovariate(1 / 11_000))
            if rng.random() < 0.035:
                told.append(ContactAbandoned(at, queue, f"c{i}", wait + 9_000))
            else:
                told += [
                    ContactAnswered(at, queue, f"c{i}", f"a{i % 12}", wait),
                    ContactCompleted(at + 60_000, queue, f"c{i}", f"a{i % 12}", wait, 60_000),
                ]
        for i in range(12):
            told += [
                AgentQueues(now - 9_000_000, f"a{i}", dict.fromkeys(queues)),
                AgentChanged(now - 60_000, f"a{i}", "available" if i < 2 else "on_contact" if i < 10 else "paused"),
            ]
        for i, age in enumerate((97, 61, 40, 22, 12, 4)):
            told.append(ContactEntered(now - age * 1_000, "support-l2" if i < 3 else "billing", f"w{i}"))
        site.feed.emit(*sorted(told, key=lambda event: event.at))
        wall = screens.open("/wall/acme", width=1920, height=1080)
        site.until("it is critical", lambda: look(wall, "longest_wait_s") == "critical")
        drawn = wall.locator("[data-tile=service_level_pct] .trend-line")
        site.until("the trend is drawn", lambda: (drawn.get_attribute("d") or "").count("L") >= 25)
        assert look(wall, "contacts_waiting") == "warning"
        assert look(wall, "service_level_pct") == "ok"
        assert wall.locator("tr.queue").first.inner_text().startswith("support-l2"), "the queue in trouble comes first"
        assert "support-l2" in wall.inner_text("[data-slot=banner]")
        if folder := os.environ.get("FLOORLIGHT_PICTURES"):
            wall.wait_for_timeout(1_500)  # for the picture alone: let the colours arrive
            wall.screenshot(path=str(Path(folder) / "wall.png"))
        screens.close()
    finally:
        site.web.stop()


def test_a_screen_that_slept_for_an_hour_asks_anew_before_it_shows_anything_as_current(
    site: Site, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    context.add_init_script(
        "const real = Date.now.bind(Date); window.slept = 0; Date.now = () => real() + window.slept;"
    )
    wall = context.new_page()
    wall.goto(site.web.address + "/wall/acme")
    day(site)
    site.until("the day is on the wall", lambda: number(wall, "answered") == "6")
    asked: list[str] = []
    wall.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    wall.evaluate("window.slept = 3600000")
    # The look at the page also lets the browser's word of its requests through.
    site.until("it asks for board and stream", lambda: number(wall, "answered") and {"board", "live"} <= set(asked))
    site.until("and is right", lambda: number(wall, "answered") == "6")
    assert wall.locator("[data-slot=link]").get_attribute("data-state") == "live"
    context.close()
