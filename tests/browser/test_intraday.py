"""The project manager's page in a real browser: it fits, it says what the counters say, and it follows them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py
from playwright.sync_api import Browser, Page, Request, expect

from collectors.collector import FLOOR
from operations.floor.agents import group_of
from operations.floor.counters import DAY_MS, QUARTER_MS, Counters
from operations.projects.calendar import Calendar
from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.conftest import WebProcess
from tests.dashboard.publisher import now_ms, source_says
from tests.operations.intraday.past import contacts, write

SIZES = [(1366, 768), (1920, 1080), (390, 844)]
CONFIGURATION = """
site: {name: Harbour, time_zone: Asia/Shanghai}
sources:
  demo: {kind: simulator, seed: 7}
  branch: {kind: simulator, seed: 8}
projects:
  acme:
    name: Acme support
    client: Acme
    queues: [demo/sales, demo/service]
    targets: [{kpi: service_level_pct, window: today, goal: 80, warning: 82, critical: 75}]
  both:
    name: Both sites
    client: Acme
    queues: [demo/orders, branch/sales]
    targets: [{kpi: service_level_pct, window: today, goal: 80, warning: 82, critical: 75}]
"""
CALENDAR = Calendar("Asia/Shanghai", 30)


@pytest.fixture(scope="module")
def web(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    process = WebProcess(tmp_path_factory.mktemp("intraday-browser"), redis_server.url, CONFIGURATION).start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def redis(redis_server: EmbeddedRedis) -> Iterator[redis_py.Redis]:
    """One past for all tests of this module: writing it takes longer than any of them."""
    with redis_py.Redis.from_url(redis_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="module")
def now(redis: redis_py.Redis) -> int:
    """Five weeks of calls around the clock; yesterday's 11:00 lost the day."""
    now = now_ms()
    today = CALENDAR.day(now)[0]
    source_says(redis, "demo", now)
    team = group_of(["sales", "service"])
    cells: dict[tuple[str, int], Counters] = {}
    for at in range(today - 35 * DAY_MS, now, QUARTER_MS):
        hour = (at - today) % DAY_MS // 3_600_000
        late = 120 if hour == 11 and at >= today - DAY_MS else 0
        cells["sales", at] = contacts([3.0] * (4 + hour % 5) + [50.0] * late, [9.0] * (hour % 2), talk_ms=400_000)
        cells["service", at] = contacts([5.0] * 2, talk_ms=150_000)
        cells[team, at] = Counters({"logged_in_ms": 6 * QUARTER_MS})
    write(redis, "demo", cells, now)
    source_says(redis, "branch", now, facts={"gives": sorted(FLOOR - {"waits", "in_time", "talk", "agent_time"})})
    untold = Counters({"offered": 3, "answered": 3, "handled": 3})
    told = contacts([4.0] * 3, [30.0], talk_ms=300_000)
    lately = range(today - DAY_MS, now, QUARTER_MS)
    write(redis, "demo", {("orders", at): told for at in lately}, now)
    write(redis, "branch", {("sales", at): untold for at in lately}, now)
    return now


class Seen:
    """A page and all that went wrong on it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.troubles: list[str] = []
        page.on("console", lambda said: self._note(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("request", self._asked)

    def _note(self, text: str) -> None:
        self.troubles.append(text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self._note(f"another host: {request.url}")

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path)
        expect(self.page.locator("#react-entry-point .intra-plot .main-svg").first).to_be_attached(timeout=30_000)
        expect(self.page.locator("#react-entry-point .intra-plot .plotly .trace").first).to_be_attached(timeout=30_000)
        return self.page


@pytest.fixture
def seen(web: WebProcess, browser: Browser, now: int, request: pytest.FixtureRequest) -> Iterator[Seen]:
    width, height = getattr(request, "param", (1366, 768))
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark", accept_downloads=True
    )
    found = Seen(context.new_page(), web.address)
    yield found
    context.close()
    assert found.troubles == []


TOO_WIDE = """() => [...document.querySelectorAll('#react-entry-point *')].filter((each) => {
  const box = each.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !each.closest('.intra-scroll, .intra-lost, svg');
}).map((each) => each.className || each.tagName)"""
CUT_OFF = """() => [...document.querySelectorAll('#react-entry-point .intra-tile-value, #react-entry-point .intra-verdict, .intra-day')]
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.textContent)"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll('#react-entry-point main *')]
  .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim() && node.nodeValue.trim() !== '■'))
  .map((each) => parseFloat(getComputedStyle(each).fontSize)))"""


@pytest.mark.parametrize("seen", SIZES, indirect=True, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("query", ["", "?span=week", "?span=month", "?queue=demo/sales&interval=15"])
def test_the_page_fits_the_screen(seen: Seen, query: str) -> None:
    page = seen.open(f"/intraday/acme{query}")
    assert page.locator("#react-entry-point .intra-plot .plot-container").count() == 5
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(SMALLEST) >= 11


@pytest.mark.parametrize("seen", SIZES, indirect=True, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_number_without_one_of_the_sources_says_so_wherever_it_stands(seen: Seen, now: int) -> None:
    page = seen.open(f"/intraday/both?day={CALENDAR.local_date(now - DAY_MS)}")
    root = page.locator("#react-entry-point")
    expect(root.locator(".intra-untold")).to_contain_text("Not reported by branch, so these numbers are without it")
    for place in (
        ".intra-tile:has([data-kpi=service_level_pct])",
        ".intra-tile:has([data-kpi=aht_s])",
        "[data-chart=agents]",
        ".intra-steps th:has-text('Service level')",
    ):
        expect(root.locator(place)).to_contain_text("without branch")
    for place in (".intra-tile:has([data-kpi=offered])", "[data-chart=offered]"):
        expect(root.locator(place)).not_to_contain_text("without")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(SMALLEST) >= 11


def test_yesterday_says_when_it_was_lost_and_marks_it_in_sentence_chart_and_table(seen: Seen, now: int) -> None:
    page = seen.open(f"/intraday/acme?day={CALENDAR.local_date(now - DAY_MS)}")
    expect(page.locator("#react-entry-point .intra-verdict")).to_contain_text("It was lost at 11:00")
    row = page.locator("#react-entry-point tr[data-start]", has_text="11:00")
    expect(row.locator("td[data-look=lost]")).to_contain_text("■")
    chart = page.locator("#react-entry-point [data-chart=service_level_pct]")
    assert "■" in chart.locator(".bartext").all_text_contents()
    number = page.locator("#react-entry-point [data-kpi=service_level_pct]")
    expect(number).to_have_attribute("data-band", "critical")


def test_the_running_interval_is_marked_and_what_lies_ahead_shows_only_what_is_usual(seen: Seen, now: int) -> None:
    page = seen.open("/intraday/acme")
    running = page.locator("#react-entry-point tr[data-state=running]")
    expect(running).to_have_count(1)
    expect(running).to_contain_text("now")
    texts = page.locator("#react-entry-point [data-chart=offered] .annotation-text").all_text_contents()
    assert "now" in texts


def test_the_first_paint_shows_the_numbers_without_any_script(web: WebProcess, browser: Browser, now: int) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{web.address}/intraday/acme?day={CALENDAR.local_date(now - DAY_MS)}")
    expect(page.locator("[data-kpi=offered] .number")).to_have_text("1,288")
    expect(page.locator("tr[data-start]")).to_have_count(48)
    page.click("text=This week")
    expect(page.locator("tr[data-start]")).to_have_count(7)
    context.close()


def test_the_page_follows_the_counters_without_a_touch(seen: Seen, redis: redis_py.Redis, now: int) -> None:
    page = seen.open("/intraday/acme?span=week")
    number = page.locator("#react-entry-point [data-kpi=offered] .number")
    before = int(number.inner_text().replace(",", ""))
    write(redis, "demo", {("sales", now_ms() - now_ms() % QUARTER_MS): contacts([1.0] * 7)}, now_ms())
    page.evaluate("dash_clientside.set_props('intraday-clock', {n_intervals: 1})")
    expect(number).to_have_text(f"{before + 7:,}")


def test_charts_follow_the_system_from_dark_to_light(seen: Seen) -> None:
    page = seen.open("/intraday/acme")
    bar = page.locator("#react-entry-point [data-chart=offered] .bars .point path").first
    dark = bar.evaluate("(path) => path.style.fill")
    page.emulate_media(color_scheme="light")
    expect(bar).not_to_have_attribute("style", json.dumps(dark))
    page.wait_for_function(
        "([path, dark]) => path.isConnected === false || path.style.fill !== dark", arg=[bar.element_handle(), dark]
    )


def test_a_day_that_is_chosen_opens(seen: Seen, now: int) -> None:
    page = seen.open("/intraday/acme")
    chosen = CALENDAR.local_date(now - 3 * DAY_MS).isoformat()
    page.fill("#intraday-day", chosen)
    page.wait_for_url(f"**day={chosen}")
    expect(page.locator("#react-entry-point .intra-choice[aria-current]").first).to_have_text("30 min")
    page.go_back()
    expect(page.locator("#react-entry-point .intra-choice[aria-current]").first).to_have_text("Today")


def test_the_file_holds_what_the_page_shows(seen: Seen, now: int) -> None:
    page = seen.open(f"/intraday/acme?day={CALENDAR.local_date(now - DAY_MS)}")
    with page.expect_download() as coming:
        page.click("#intraday-csv")
    raw = coming.value.path().read_bytes()
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    total = page.locator("#react-entry-point [data-kpi=offered] .number").inner_text()
    assert f"{sum(int(row['Offered']) for row in rows):,}" == total
    with page.expect_download() as coming:
        page.click("#intraday-xlsx")
    assert coming.value.path().read_bytes().startswith(b"PK")


def test_a_day_before_all_history_explains_itself(web: WebProcess, browser: Browser, now: int) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{web.address}/intraday/acme?day={CALENDAR.local_date(now - 300 * DAY_MS)}")
    expect(page.locator("#react-entry-point .empty")).to_contain_text("The history of this project's sources begins on")
    expect(page.locator("#react-entry-point .intra-charts")).to_be_hidden()
    context.close()
