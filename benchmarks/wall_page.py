"""What a wall costs its screen: a Chromium whose CPU is slowed six times, at 1920 × 1080.

``python -m benchmarks.wall_page [MINUTES]``. A real web process and engine on an embedded Redis; one project with 20 queues of which one
changes five times a second. Measured are: the bytes that the page transfers and the time until its first number stands (each time with an
empty cache, the median of several); from the arrival of a change in the page to the frame that shows it; and the JavaScript heap and the
number of DOM nodes, after a collection of garbage, two minutes after the start and at the end (30 minutes unless told otherwise).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import redis
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.push import machine
from collectors.events import ContactAbandoned, ContactAnswered, ContactEntered
from operations.store.embedded_redis import EmbeddedRedis
from tests.browser.conftest import FLAGS
from tests.browser.site import Site, afternoon, now_ms
from tests.dashboard.conftest import WebProcess
from tests.machinery import chromium

SLOWER = 6
QUEUES = 20
A_SECOND = 5
LOADS = 7
FIRST_S, TRANSFERRED_KB, DRAWN_MS, GROWTH = 1.5, 420, 50, 0.10
EARLY_S = 120

WATCH = """
(() => {
  const drawn = window.drawn = [];
  let arrived = null;
  const Plain = window.EventSource;
  window.EventSource = class extends Plain {
    constructor(...words) { super(...words); super.addEventListener('change', () => { arrived ??= performance.now(); }); }
  };
  const channel = new MessageChannel();
  let begun = null;
  channel.port1.onmessage = () => { if (begun !== null) drawn.push(performance.now() - begun); begun = null; };
  new MutationObserver((records) => {
    if (window.first === undefined && [...document.querySelectorAll('[data-kpi]')].some((place) => /[0-9]/.test(place.textContent))) window.first = performance.now();
    if (arrived === null || !records.some((record) => (record.target.nodeType === 1 ? record.target : record.target.parentElement)?.closest('[data-kpi]'))) return;
    if (begun === null) { begun = arrived; requestAnimationFrame(() => channel.port2.postMessage(0)); }
    arrived = null;
  }).observe(document, { subtree: true, childList: true, characterData: true });
})()
"""


def configuration() -> str:
    queues = ", ".join(f"hq/q{number}" for number in range(QUEUES))
    return f"""
site: {{name: Harbour, time_zone: {afternoon()}}}
sources: {{hq: {{kind: queue_log, path: /nowhere/queue_log}}}}
projects:
  acme:
    name: Acme
    queues: [{queues}]
    targets:
      - {{kpi: service_level_pct, goal: 80, warning: 82, critical: 75}}
      - {{kpi: contacts_waiting, goal: 5, warning: 5, critical: 10}}
"""


class Busy:
    """A floor on which something happens at each turn."""

    def __init__(self, site: Site) -> None:
        self._site, self._number = site, 0
        for queue in range(QUEUES):
            for contact in range(10):
                at, name = now_ms() - 60_000, f"before {queue} {contact}"
                site.feed.emit(
                    ContactEntered(at, f"q{queue}", name), ContactAnswered(at + 9_000, f"q{queue}", name, "li")
                )

    def turn(self) -> None:
        """One contact comes, another goes; the board changes."""
        self._number += 1
        now, feed = now_ms(), self._site.feed
        feed.emit(ContactEntered(now, "q0", f"c{self._number}"))
        if self._number > 3:
            gone = f"c{self._number - 3}"
            feed.emit(ContactAnswered(now, "q0", gone, "li") if self._number % 5 else ContactAbandoned(now, "q0", gone))

    def keep(self, page: Page, seconds: float) -> None:
        """Five changes a second for so long, the engine at work."""
        began, turns = time.monotonic(), 0
        while (past := time.monotonic() - began) < seconds:
            if past * A_SECOND >= turns:
                turns += 1
                self.turn()
            self._site.turn()
            page.wait_for_timeout(10)


def opened(browser: Browser, site: Site) -> tuple[Page, CDPSession, list[int]]:
    """A window on the wall, slowed, with an empty cache; the sizes of what it transfers gather in the list."""
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    session = page.context.new_cdp_session(page)
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda said: sizes.append(int(said["encodedDataLength"])))
    session.send("Network.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(WATCH)
    page.goto(site.web.address + "/wall/acme", wait_until="commit")
    return page, session, sizes


def load(browser: Browser, site: Site) -> tuple[float, float]:
    """(seconds to the first number, KB transferred until a second later)."""
    page, _, sizes = opened(browser, site)
    first: Any = site.until("the first number stands", lambda: page.evaluate("window.first"))
    for _ in range(100):
        site.turn()
        page.wait_for_timeout(10)
    page.context.close()
    return first / 1000, sum(sizes) / 1000


def size(session: CDPSession) -> tuple[float, int]:
    """(MB of JavaScript heap, DOM nodes), garbage collected."""
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    nodes = {row["name"]: row["value"] for row in session.send("Performance.getMetrics")["metrics"]}["Nodes"]
    return heap, int(nodes)


def main(minutes: float) -> int:
    path = chromium.find()
    assert path, chromium.MISSING
    print(machine())
    reached = True

    def say(what: str, value: float, limit: float, unit: str) -> None:
        nonlocal reached
        reached = reached and value <= limit
        print(
            f"{what:<62} {value:8.1f} {unit} of {limit:g} {unit}: {'reached' if value <= limit else 'NOT reached'}",
            flush=True,
        )

    with (
        tempfile.TemporaryDirectory(prefix="floorlight-bench-") as folder,
        EmbeddedRedis(Path(folder)) as server,
        redis.Redis.from_url(server.url) as client,
        sync_playwright() as playwright,
    ):
        web = WebProcess(Path(folder), server.url, configuration()).start()
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        try:
            site = Site(web, client, "q0")
            busy = Busy(site)
            for _ in range(20):
                busy.turn()
                site.turn()
            loads = [load(browser, site) for _ in range(LOADS)]
            say(
                "first number, median of 7", 1000 * statistics.median(first for first, _ in loads), 1000 * FIRST_S, "ms"
            )
            say("transferred for the wall's page", max(kb for _, kb in loads), TRANSFERRED_KB, "KB")
            page, session, _ = opened(browser, site)
            session.send("Performance.enable")
            busy.keep(page, EARLY_S)
            drawn: list[float] = sorted(page.evaluate("window.drawn"))
            say(f"a change drawn after its arrival, median of {len(drawn)}", statistics.median(drawn), DRAWN_MS, "ms")
            print(f"{'':<62} {drawn[len(drawn) * 99 // 100]:8.1f} ms at the 99th percentile")
            before, nodes_before = size(session)
            busy.keep(page, max(0.0, minutes * 60 - EARLY_S))
            after, nodes_after = size(session)
            print(
                f"heap {before:.2f} MB and {nodes_before} nodes after 2 min, {after:.2f} MB and {nodes_after} nodes after {minutes:g} min"
            )
            say("growth of the heap", 100 * (after / before - 1), 100 * GROWTH, "%")
        finally:
            browser.close()
            web.stop()
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
