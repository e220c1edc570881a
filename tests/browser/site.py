"""A site for browser tests: a real web process, an engine that the test turns, a source that says what the test wants, and windows on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis as redis_py
from playwright.sync_api import Browser, Page

from collectors.events import ContactAnswered, ContactEntered, SeenAgent, Snapshot
from operations.engine import Engine
from operations.projects.watcher import ConfigurationWatcher
from tests.dashboard.conftest import WebProcess
from tests.operations.floor_feed import Feed

PATIENCE_S = 60.0
HOSTILE = '<img src=x onerror="window.stolen=1">'


class Site:
    """A web process, an engine that this test turns, and a source that says what the test wants."""

    def __init__(self, web: WebProcess, client: redis_py.Redis, queue: str) -> None:
        self.web = web
        self.silent = False
        """While true, nobody says that the source is well."""
        self.feed = Feed(client, now_ms, "hq")  # type: ignore[arg-type]
        self.feed.status()
        self._status_at = time.monotonic()
        self.watcher = ConfigurationWatcher(web.config, {})
        self.engine = Engine(client, self.watcher, "browser", now_ms)
        self.queue = queue
        agent = SeenAgent(HOSTILE, "available", {self.queue: None}, HOSTILE)
        self.feed.emit(Snapshot(now_ms(), now_ms(), [self.queue], [], [agent]))
        self._contacts = 0

    def turn(self) -> None:
        if not self.silent and time.monotonic() - self._status_at > 0.5:
            self._status_at = time.monotonic()
            self.feed.status()
        self.engine.turn(wait=False)

    def until(self, what: str, holds: Callable[[], Any], *, work: bool = True) -> Any:
        """Wait until something holds, the engine at work or not; only a failure takes the whole time."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if work:
                self.turn()
            found = holds()
            if found:
                return found
            assert time.monotonic() < deadline, f"it did not come: {what}"
            time.sleep(0.02)

    def calls(self, count: int) -> None:
        names = [f"c{self._contacts + number}" for number in range(count)]
        self._contacts += count
        self.feed.emit(*(ContactEntered(now_ms(), self.queue, name) for name in names))

    def answers_everybody(self) -> None:
        self.feed.emit(
            *(ContactAnswered(now_ms(), self.queue, f"c{number}", HOSTILE) for number in range(self._contacts))
        )


def afternoon() -> str:
    """A time zone in which it is early afternoon now, so that no test meets midnight."""
    ahead = min(14, 14 - time.gmtime().tm_hour)
    return f"Etc/GMT{-ahead:+d}"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


COUNT_NOTICES = """
window.notices = [];
window.Notification = class { constructor(title, options) { window.notices.push([title, options.body]); } static permission = 'granted'; };
"""
"""A headless browser shows no notifications; this one writes down what it was asked to show."""


class Screens:
    """The browser's windows on a site, each a machine of its own; what goes wrong in any of them fails the test."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self._site, self._browser = site, browser
        self.faults: list[str] = []
        self.pages: list[Page] = []

    def open(
        self,
        path: str,
        *,
        permissions: tuple[str, ...] = (),
        width: int = 1366,
        height: int = 768,
        streams_held: bool = False,
        lost: str = "",
    ) -> Page:
        """A page that has taken over. ``streams_held``: behind a proxy that passes no word of a stream on; ``lost``: what does not come the first time."""
        context = self._browser.new_context(viewport={"width": width, "height": height}, permissions=list(permissions))
        context.add_init_script(COUNT_NOTICES)
        if streams_held:
            context.route("**/live", lambda route: None)
        if lost:
            context.route(lost, lambda route: route.abort(), times=1)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        page.goto(self._site.web.address + path)
        page.locator("#first-paint").wait_for(state="detached", timeout=PATIENCE_S * 1000)
        self.pages.append(page)
        return page

    def close(self) -> None:
        for page in self.pages:
            assert page.evaluate("window.stolen") is None, "markup in a name was taken for markup"
            assert page.locator("img[src=x]").count() == 0
            page.context.close()
        assert self.faults == []
