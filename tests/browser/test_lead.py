"""The team lead's desk in a real browser: what it lists, in which order, how it is worked by keys, and when it withdraws what it shows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py
from playwright.sync_api import Browser, Page, Route

from collectors.events import (
    AgentChanged,
    AgentQueues,
    ContactAbandoned,
    ContactAnswered,
    ContactEntered,
    ContactRang,
    ContactRangNoAnswer,
    SeenAgent,
    Snapshot,
)
from tests.browser.site import HOSTILE, Screens, Site, now_ms
from tests.dashboard.conftest import WebProcess

SUPPORT = f"support {HOSTILE}"
CONFIGURATION = f"""
site: {{name: Harbour, time_zone: Asia/Shanghai}}
sources:
  hq: {{kind: queue_log, path: /nowhere/queue_log}}
projects:
  acme:
    name: {json.dumps("Acme " + HOSTILE)}
    queues: [{json.dumps("hq/" + SUPPORT)}, hq/sales]
    service_level: {{within_s: 20}}
    limits: {{pause: 10m, wrap_up: 1m, pause_by_reason: {{Lunch: 1h}}}}
    targets:
      - {{kpi: longest_wait_s, goal: 60, warning: 45, critical: 90}}
"""
CHINESE = CONFIGURATION.replace("    queues:", "    language: zh-Hans\n    queues:", 1)
ANNA, BO = "+86 138 0000 4711", "+44 7700 900002"
MINUTE = 60_000


def start(redis: redis_py.Redis, redis_url: str, folder: Path, text: str) -> Site:
    site = Site(WebProcess(folder, redis_url, text).start(), redis, SUPPORT)
    floor(site)
    return site


@pytest.fixture
def site(redis: redis_py.Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    site = start(redis, redis_url, tmp_path, CONFIGURATION)
    yield site
    site.web.stop()


def floor(site: Site) -> None:
    """Six people, two of them past their limits; three who wait; two callers who gave up, one of them twice."""
    now = now_ms()
    both, sales = {SUPPORT: None, "sales": None}, {"sales": None}
    people = [
        SeenAgent(HOSTILE, "available", {SUPPORT: None}, HOSTILE, since=now - 5_000),
        SeenAgent("Ann", "available", both, "Ann Archer", since=now - 30_000),
        SeenAgent("Ben", "paused", both, "Ben Brook", "Coffee", since=now - 11 * MINUTE),
        SeenAgent("Cho", "paused", both, "Cho Chan", "Lunch", since=now - 30 * MINUTE),
        SeenAgent("Dee", "wrap_up", sales, "Dee Dunn", since=now - 5 * MINUTE),
        SeenAgent("Eve", "on_contact", sales, "Eve Ellis", since=now - 8 * MINUTE),
    ]
    site.feed.emit(Snapshot(now, now, ["sales", SUPPORT], [], people))
    for contact, caller, before in (("l1", ANNA, 40 * MINUTE), ("l2", ANNA, 20 * MINUTE), ("l3", BO, 30 * MINUTE)):
        at = now - before
        site.feed.emit(
            ContactEntered(at, "sales", contact, caller),
            ContactRang(at + 1_000, "sales", contact, "Eve"),
            ContactRangNoAnswer(at + 16_000, "sales", contact, "Eve"),
            ContactAbandoned(at + 50_000, "sales", contact, 50_000),
        )
    site.feed.emit(
        ContactEntered(now - 100_000, SUPPORT, "w1", "+86 139 0000 0001"),
        ContactEntered(now - 50_000, "sales", "w2", "+86 139 0000 0002"),
        ContactEntered(now - 5_000, "sales", "w3", ""),
    )


def rows(page: Page, table: str, cell: str = "name") -> list[str]:
    """What stands in one column of a table, from top to bottom."""
    return page.locator(f"[data-table={table}] .lead-row .cell-{cell}").all_inner_texts()


def opened(site: Site, screens: Screens, query: str = "", *, width: int = 1366, height: int = 768) -> Page:
    page = screens.open(f"/lead/acme{query}", width=width, height=height)
    site.until(
        "the desk is drawn by Dash and filled",
        lambda: (
            page.locator("#react-entry-point .lead").count() and page.locator("#react-entry-point .lead-row").count()
        ),
    )
    site.until("everything is there", lambda: page.locator("[data-slot=jump-agents]").text_content() not in ("", "—"))
    return page


def test_what_is_typed_before_dash_has_drawn_its_tree_stays_as_it_is(site: Site, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page, held = context.new_page(), list[Route]()  # one script is enough: they run in order
    page.route("**/_dash-component-suites/**", lambda route: held.append(route) if len(held) < 1 else route.continue_())
    page.goto(site.web.address + "/lead/acme", wait_until="commit")
    search = page.locator(".lead-search")
    search.press_sequentially("archer")
    page.locator(".lead-chip[data-state=available]").click()
    site.until("Dash is still awaited", lambda: held)
    search.focus()
    search.evaluate("box => box.setSelectionRange(2, 4)")
    held[0].continue_()
    page.locator("#first-paint").wait_for(state="detached")
    assert page.evaluate("document.activeElement.className") == "lead-search"
    page.keyboard.type("X")
    assert search.input_value() == "arXer"
    assert page.locator(".lead-chip[data-state=available]").get_attribute("aria-pressed") == "true"
    assert page.locator("main:visible").count() == 1
    context.close()


# ── what it lists ─────────────────────────────────────────────────────────────────────────────────


def test_it_lists_who_works_who_waits_and_who_gave_up_each_once(site: Site, screens: Screens) -> None:
    desk = opened(site, screens)
    site.until("all are signed in", lambda: len(rows(desk, "agents")) == 6)
    board = site.web.get("/api/v1/projects/acme/board").json()
    assert sorted(rows(desk, "agents")) == sorted(row["name"] for row in board["agents"])
    eve = desk.locator("[data-table=agents] .lead-row", has_text="Eve Ellis")
    assert eve.locator(".cell-state").inner_text() == "talking"
    assert eve.locator(".cell-missed").inner_text() == "3"
    assert eve.locator(".cell-queues").inner_text() == "sales"
    assert desk.locator(".lead-row", has_text="Ann Archer").locator(".cell-queues").inner_text() == "all"
    assert rows(desk, "waiting", "caller") == ["+86 139 0000 0001", "+86 139 0000 0002", "no number"]
    assert rows(desk, "lost", "caller") == [ANNA, BO], "the latest first, each caller once"
    assert rows(desk, "lost", "tries") == ["2", "1"]
    assert rows(desk, "lost", "wait") == ["0:50", "0:50"]
    assert desk.locator("[data-table=queues] .lead-row").count() == 2
    assert desk.locator(".lamp").count() == 1


def test_whoever_is_past_a_limit_comes_first_in_word_shape_and_colour(site: Site, screens: Screens) -> None:
    desk = opened(site, screens)
    site.until("the order has settled", lambda: rows(desk, "agents")[:3] == ["Dee Dunn", "Ben Brook", "Cho Chan"])
    dee, ben, cho = (desk.locator("[data-table=agents] .lead-row").nth(i) for i in range(3))
    assert [row.get_attribute("data-look") for row in (dee, ben, cho)] == ["critical", "warning", "none"]
    assert "limit 10:00" in ben.inner_text()
    assert "limit" not in cho.inner_text(), "an hour for lunch is allowed"
    assert desk.locator(".lead-chip[data-state=over]").inner_text().split() == ["Past", "the", "limit", "2"]


def test_who_waits_too_long_stands_out_and_so_does_the_queue(site: Site, screens: Screens) -> None:
    desk = opened(site, screens)
    looks = "all => all.map(row => row.dataset.look)"
    site.until(
        "the longest is critical",
        lambda: desk.eval_on_selector_all("[data-table=waiting] .lead-row", looks) == ["critical", "warning", "none"],
    )
    assert desk.eval_on_selector_all("[data-table=queues] .lead-row", looks) == ["critical", "warning"]
    assert rows(desk, "queues")[0] == SUPPORT


def test_times_tick_by_themselves(site: Site, screens: Screens) -> None:
    desk = opened(site, screens)
    first = "[data-table={}] .lead-row .cell-since"
    seen = {name: desk.locator(first.format(name)).first.inner_text() for name in ("waiting", "agents")}
    for name, before in seen.items():
        site.until(
            f"{name} runs on",
            lambda name=name, before=before: desk.locator(first.format(name)).first.inner_text() != before,  # type: ignore[misc]
            work=False,
        )


def test_a_caller_who_is_answered_leaves_the_list_and_one_who_waits_again_is_marked(
    site: Site, screens: Screens
) -> None:
    desk = opened(site, screens)
    site.until("both are lost", lambda: rows(desk, "lost", "caller") == [ANNA, BO])
    site.feed.emit(ContactEntered(now_ms(), SUPPORT, "again", ANNA))
    site.until("she waits again, and comes last", lambda: rows(desk, "lost", "at")[-1:] == ["waits again"])
    assert rows(desk, "lost", "caller") == [BO, ANNA]
    assert desk.locator("[data-table=lost] a[href]").all_inner_texts() == [BO], "nobody calls who waits in the queue"
    site.feed.emit(ContactAnswered(now_ms(), SUPPORT, "again", "Ann"))
    site.until("she was reached", lambda: rows(desk, "lost", "caller") == [BO])
    assert desk.locator("[data-table=lost] a").get_attribute("href") == "tel:+447700900002"


def test_empty_tables_explain_themselves(
    redis: redis_py.Redis, redis_url: str, tmp_path: Path, browser: Browser
) -> None:
    site = Site(WebProcess(tmp_path, redis_url, CONFIGURATION).start(), redis, SUPPORT)
    site.feed.emit(AgentChanged(now_ms(), HOSTILE, "logged_out"))
    screens = Screens(site, browser)
    desk = screens.open("/lead/acme")
    site.until("nobody is there", lambda: "Nobody is signed in" in desk.inner_text("[data-table=agents]"))
    assert "Nobody is waiting." in desk.inner_text("[data-table=waiting]")
    assert "Nobody hung up today" in desk.inner_text("[data-table=lost]")
    assert rows(desk, "queues", "longest_wait_s") == ["—", "—"], "no time where nobody waits"
    screens.close()
    site.web.stop()


# ── filters, order, keys ──────────────────────────────────────────────────────────────────────────


def test_filters_and_order_stick_in_the_address_and_for_the_next_visit(site: Site, screens: Screens) -> None:
    desk = opened(site, screens)
    site.until("all are signed in", lambda: len(rows(desk, "agents")) == 6)
    desk.locator(".lead-search").fill("a")
    desk.locator(".lead-chip[data-state=paused]").click()
    desk.locator("[data-table=agents] th[data-column=name] button").click()
    assert rows(desk, "agents") == ["Ben Brook", "Cho Chan"] or rows(desk, "agents") == ["Cho Chan"]
    desk.locator(".lead-search").fill("cho")
    assert rows(desk, "agents") == ["Cho Chan"]
    assert "1 of 6" in desk.inner_text("[data-table=agents] .lead-panel-head")
    handed_on = desk.url
    assert "q=cho" in handed_on
    assert "state=paused" in handed_on
    assert "sort=agents.name" in handed_on
    desk.goto(site.web.address + "/lead/acme")
    site.until("remembered", lambda: rows(desk, "agents") == ["Cho Chan"])
    assert desk.locator(".lead-search").input_value() == "cho"
    assert desk.locator("[data-table=agents] th[data-column=name]").get_attribute("aria-sort") == "ascending"
    elsewhere = opened(site, screens, handed_on.partition("/lead/acme")[2])
    site.until("handed on", lambda: rows(elsewhere, "agents") == ["Cho Chan"])
    elsewhere.locator(".lead-clear").click()
    assert len(rows(elsewhere, "agents")) == 6
    assert "q=" not in elsewhere.url
    assert rows(elsewhere, "agents") == sorted(rows(elsewhere, "agents"), key=str.casefold), "the order is no filter"


def test_a_column_sorts_one_way_then_the_other_then_as_before(site: Site, screens: Screens) -> None:
    desk = opened(site, screens)
    site.until("all are signed in", lambda: len(rows(desk, "agents")) == 6)
    site.until("the order has settled", lambda: rows(desk, "agents")[0] == "Dee Dunn")
    head = desk.locator("[data-table=agents] th[data-column=missed]")
    head.locator("button").click()
    assert rows(desk, "agents")[0] == "Eve Ellis", "most first"
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").click()
    assert rows(desk, "agents")[-1] == "Eve Ellis"
    head.locator("button").click()
    assert rows(desk, "agents")[0] == "Dee Dunn"
    assert head.get_attribute("aria-sort") == "none"


def test_the_desk_is_worked_by_keys_alone(site: Site, screens: Screens) -> None:
    desk = opened(site, screens)
    site.until("all are signed in", lambda: len(rows(desk, "agents")) == 6)
    focused = "document.activeElement.closest('[data-table]')?.dataset.table + ' ' + document.activeElement.dataset.id"
    desk.keyboard.press("/")
    desk.keyboard.type("ann")
    site.until("it filters while one types", lambda: rows(desk, "agents") == ["Ann Archer"])
    assert desk.locator(".lead-search").input_value() == "ann", "the slash itself is not text"
    desk.keyboard.press("Escape")
    assert len(rows(desk, "agents")) == 6
    desk.keyboard.press("Escape")
    desk.keyboard.press("ArrowDown")
    assert desk.evaluate(focused).startswith("queues hq/")
    desk.keyboard.press("End")
    chosen = desk.evaluate("document.activeElement.dataset.id")
    desk.keyboard.press("Enter")
    assert desk.locator(".lead-queue").input_value() == chosen
    assert desk.locator("[data-table=queues] .lead-row[aria-current=true]").count() == 1
    desk.keyboard.press("ArrowRight")
    desk.keyboard.press("ArrowRight")
    assert desk.evaluate(focused).startswith("agents ")
    desk.keyboard.press("ArrowDown")
    before = desk.evaluate(focused)
    site.feed.emit(AgentQueues(now_ms(), "Zoe", {"sales": None}, "Zoe Zhu"), AgentChanged(now_ms(), "Zoe", "available"))
    site.until("somebody signs in", lambda: any("Zoe" in name for name in rows(desk, "agents")))
    assert desk.evaluate(focused) == before, "the keyboard's place stays with its row"
    desk.keyboard.press("Escape")
    assert desk.locator(".lead-queue").input_value() == ""


# ── when it cannot know ───────────────────────────────────────────────────────────────────────────


def test_a_source_that_dies_takes_its_people_and_contacts_with_it_and_brings_them_back(
    site: Site, screens: Screens
) -> None:
    desk = opened(site, screens)
    site.until("all are signed in", lambda: len(rows(desk, "agents")) == 6)
    site.silent = True
    site.feed.status("down", "connection refused")
    site.until("they are withdrawn", lambda: rows(desk, "agents") == [] and rows(desk, "waiting", "caller") == [])
    assert re.search(r"hq: not shown, no data since \d\d:\d\d", desk.inner_text("[data-table=agents]"))
    assert rows(desk, "queues", "contacts_waiting") == ["—", "—"]
    assert rows(desk, "lost", "caller") == [ANNA, BO], "what happened, happened"
    site.silent = False
    site.until("they are back", lambda: len(rows(desk, "agents")) == 6)


def test_a_server_that_is_killed_is_missed_and_found_again_with_the_filters_kept(site: Site, screens: Screens) -> None:
    desk = opened(site, screens, "?q=ann")
    site.until("filtered", lambda: rows(desk, "agents") == ["Ann Archer"])
    assert site.web.process is not None
    site.web.process.kill()
    site.web.process.wait()
    site.until("it says so", lambda: "No connection to the server since" in desk.inner_text("[data-table=agents]"))
    for table in ("queues", "waiting", "agents", "lost"):
        assert desk.locator(f"[data-table={table}] .lead-row").count() == 0
    site.web.start()
    site.until("it is right again", lambda: rows(desk, "agents") == ["Ann Archer"])


# ── on every screen ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (1100, 700), (768, 1024), (390, 844)])
@pytest.mark.parametrize("text", [CONFIGURATION, CHINESE], ids=["en", "zh-Hans"])
def test_it_fits_a_laptop_and_a_phone(
    redis: redis_py.Redis, redis_url: str, tmp_path: Path, browser: Browser, width: int, height: int, text: str
) -> None:
    site = start(redis, redis_url, tmp_path, text)
    screens = Screens(site, browser)
    try:
        desk = opened(site, screens, width=width, height=height)
        site.until("all are signed in", lambda: len(rows(desk, "agents")) == 6)
        wide = "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        wide += ".filter(e => !e.closest('.lead-chips, .lead-jump, thead')).map(e => e.className)"
        assert desk.evaluate(wide) == [], "no scrolling sideways"
        assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if width > 1024:
            assert desk.evaluate("document.documentElement.scrollHeight <= innerHeight"), "each table scrolls by itself"
        cut = desk.evaluate(
            "[...document.querySelectorAll('.lead-row .figure, .lead-row .state, .lead-sort, .lead-chip')]"
            ".filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map(e => e.className + ' ' + e.innerText)"
        )
        assert cut == []
        if width < 600:
            small = desk.evaluate(
                "[...document.querySelectorAll('.lead-search, .lead-queue, .lead-chip, .lead-sort, .lead-jump a')]"
                ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40).map(e => e.className)"
            )
            assert small == [], "a thumb finds every control"
            desk.locator(".lead-jump a[href='#lost']").click()
            site.until("it is a tap away", lambda: desk.locator("[data-table=lost] .lead-row").first.is_visible())
        if folder := os.environ.get("FLOORLIGHT_PICTURES"):
            desk.screenshot(path=str(Path(folder) / f"lead-{width}x{height}-{'zh' if text is CHINESE else 'en'}.png"))
        screens.close()
    finally:
        site.web.stop()


def test_hours_of_changes_leave_nothing_behind(site: Site, screens: Screens) -> None:
    desk = opened(site, screens)
    site.until("all are signed in", lambda: len(rows(desk, "agents")) == 6)
    count = "document.querySelectorAll('*').length"
    before = desk.evaluate(count)
    for i in range(100):
        site.feed.emit(ContactEntered(now_ms(), "sales", f"m{i}", f"+86 137 0000 {i:04}"))
        site.turn()
        site.feed.emit(ContactAnswered(now_ms(), "sales", f"m{i}", "Ann"))
        site.turn()
    answered = "/api/v1/projects/acme/board"
    site.until("all of it is counted", lambda: site.web.get(answered).json()["kpis"]["answered"]["value"] == 100)
    site.until("all of it is drawn", lambda: len(rows(desk, "waiting", "caller")) == 3)
    assert desk.evaluate(count) <= before + 5, "no element is made that is not taken away again"
