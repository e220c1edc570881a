"""Every page, at the sizes that its users have, in every theme: axe-core finds nothing serious, and the page says nothing to the console."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser.site import Site, afternoon
from tests.dashboard.conftest import WebProcess
from tests.machinery.peers import node_file

QUEUE = "support"
CONFIGURATION = f"""
site: {{name: Harbour, time_zone: {afternoon()}, language: LANGUAGE}}
sources:
  hq: {{kind: queue_log, path: /nowhere/queue_log}}
projects:
  calm: {{name: Calm, queues: [hq/sales], targets: [{{kpi: contacts_waiting, goal: 5, warning: 6, critical: 9}}]}}
  acme:
    name: Acme
    queues: [hq/{QUEUE}]
    targets:
      - {{kpi: contacts_waiting, goal: 1, warning: 2, critical: 3}}
      - {{kpi: service_level_pct, goal: 80, warning: 82, critical: 75}}
notify:
  routes:
    night: {{urls: ["json://127.0.0.1:9/somewhere"]}}
"""
WALL = [(1920, 1080), (3840, 2160), (1080, 1920)]
DESK = [(1366, 768), (390, 844)]
PAGES = {
    "/wall/acme": WALL,
    "/": [*WALL[:1], *DESK],
    "/sources": DESK,
    "/alerts": DESK,
    "/lead/acme": DESK,
    "/intraday/acme": DESK,
    "/targets/acme": DESK,
    "/screens": DESK,
    "/wall?playlist=acme,calm&seconds=600": WALL,
    "/pair": [*WALL, *DESK],
    "/no/such/page": DESK,
}
"""Each page and the sizes at which it is used."""
READY = "document.querySelector('#react-entry-point, main, form') && !document.querySelector('._dash-loading')"
SERIOUS = ("serious", "critical")


@pytest.fixture(params=["en", "zh-Hans"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(language: str, redis: redis_py.Redis, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(WebProcess(tmp_path, redis_url, CONFIGURATION.replace("LANGUAGE", language)).start(), redis, QUEUE)
    site.calls(4)
    yield site
    site.web.stop()


def findings(result: dict[str, Any]) -> list[str]:
    """What axe found that is serious, each with the places and the reason."""
    return [
        f"{found['id']} ({found['impact']}): {node['target']} {node['failureSummary']}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


def looks(path: str, language: str) -> list[tuple[int, int, str]]:
    """The sizes and themes in which a page is asked; every one of them with FLOORLIGHT_LONG (``make soak``), else each size and each theme once."""
    schemes = ("dark",) if path.startswith("/wall") else ("light", "dark")
    every = [(width, height, scheme) for width, height in PAGES[path] for scheme in schemes]
    if os.environ.get("FLOORLIGHT_LONG"):
        return every
    once = [(*size, schemes[number % len(schemes)]) for number, size in enumerate(PAGES[path])]
    return once if language == "en" else once[-1:]


def opened(browser: Browser, path: str, problems: list[str]) -> Page:
    """A window of its own that writes down what goes wrong in it."""

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "404 (NOT FOUND)" not in message.text:
            problems.append(f"{path}: console: {message.text}")

    page = browser.new_context().new_page()
    page.on("console", heard)
    page.on("pageerror", lambda error: problems.append(f"{path}: {error}"))
    return page


def test_no_page_shuts_anybody_out(site: Site, browser: Browser, language: str) -> None:
    axe = node_file("axe-core/axe.min.js").read_text(encoding="utf-8")
    problems: list[str] = []
    for path in PAGES:
        page = opened(browser, path, problems)
        page.goto(site.web.address + path)
        site.until(f"{path} is drawn", lambda page=page: page.evaluate(READY))  # type: ignore[misc]
        page.evaluate(axe)
        for width, height, scheme in looks(path, language):
            where = f"{path} at {width}×{height}, {scheme}"
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for _ in range(10):
                site.turn()
                page.wait_for_timeout(20)
            result = page.evaluate(
                "axe.run(document, {resultTypes: ['violations'], rules: {'target-size': {enabled: true}}})"
            )
            problems += [f"{where}: {said}" for said in findings(result)]
        page.context.close()
    assert not problems, "\n".join(problems)


def test_nobody_is_shut_out_at_the_door(
    redis: redis_py.Redis, redis_url: str, tmp_path: Path, browser: Browser
) -> None:
    axe = node_file("axe-core/axe.min.js").read_text(encoding="utf-8")
    web = WebProcess(tmp_path, redis_url, CONFIGURATION.replace("LANGUAGE", "en") + "access: {users: []}\n").start()
    problems: list[str] = []
    try:
        page = opened(browser, "/sign-in", problems)
        page.goto(web.address + "/lead/acme")
        assert page.url.startswith(web.address + "/sign-in")
        for width, height in [*WALL, *DESK]:
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.evaluate(axe)
                result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
                problems += [f"/sign-in at {width}×{height}, {scheme}: {said}" for said in findings(result)]
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (width, height)
        page.context.close()
    finally:
        web.stop()
    assert not problems, "\n".join(problems)
