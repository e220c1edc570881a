"""What a source cannot give, in a real browser: said in words, and never a part of a sum shown as the whole; alerts in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_py
from playwright.sync_api import Browser

from collectors.collector import FLOOR
from tests.browser.site import Screens, Site, afternoon, now_ms
from tests.dashboard.conftest import WebProcess
from tests.operations.floor_feed import Feed, answered

CONFIGURATION = f"""
site: {{name: Harbour, time_zone: {afternoon()}, language: LANGUAGE}}
sources:
  hq: {{kind: asterisk, host: 127.0.0.1, username: wallboard, password: secret}}
  branch: {{kind: asterisk, host: 127.0.0.1, username: wallboard, password: secret}}
  crm: {{kind: asterisk, host: 127.0.0.1, username: wallboard, password: secret}}
projects:
  acme:
    name: Acme
    queues: [hq/support, branch/support, crm/complaints]
    wall: [avg_talk_s, csat_pct, contacts_waiting, answered]
    targets:
      - {{kpi: csat_pct, goal: 90}}
      - {{kpi: contacts_waiting, goal: 0, warning: 1, critical: 2}}
"""
TELLS = sorted(FLOOR - {"talk", "agent_names"})


class Two:
    """A site whose second source tells less than the first, and a third nothing of a floor."""

    def __init__(self, client: redis_py.Redis, redis_url: str, folder: Path, language: str) -> None:
        web = WebProcess(folder, redis_url, CONFIGURATION.replace("LANGUAGE", language)).start()
        self.site = Site(web, client, "support")
        self.branch = Feed(client, now_ms, "branch")  # type: ignore[arg-type]
        self.crm = Feed(client, now_ms, "crm")  # type: ignore[arg-type]
        self.facts: dict[str, object] = {"gives": TELLS}

    def until(self, what: str, holds: object) -> None:
        def held() -> object:
            self.branch.status(**self.facts)
            self.crm.status(gives=["complaints"])
            return holds()  # type: ignore[operator]

        self.site.until(what, held)


@pytest.fixture
def two(redis: redis_py.Redis, redis_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Two]:
    two = Two(redis, redis_url, tmp_path, getattr(request, "param", "en"))
    yield two
    two.site.web.stop()


@pytest.fixture
def screens(two: Two, browser: Browser) -> Iterator[Screens]:
    opened = Screens(two.site, browser)
    yield opened
    opened.close()


def calls(two: Two) -> None:
    at = now_ms() - 90_000
    two.site.feed.emit(*answered("support", "t1", at, 5_000, 60_000))
    two.branch.emit(*answered("support", "t1", at, 5_000, 0))


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1366, 768)])
def test_a_wall_says_what_is_not_reported_and_without_whom_a_number_is(
    two: Two, screens: Screens, width: int, height: int
) -> None:
    calls(two)
    wall = screens.open("/wall/acme", width=width, height=height)
    talk, satisfaction = wall.locator("[data-tile=avg_talk_s]"), wall.locator("[data-tile=csat_pct]")
    two.until("both calls are counted", lambda: wall.inner_text("[data-kpi=answered] .number") == "2")
    assert talk.locator(".number").inner_text() == "1:00"
    assert talk.locator("[data-slot=sample]").inner_text() == "without branch · 1 contact"
    assert wall.locator("[data-tile=answered]").get_attribute("data-partial") == "false"
    assert satisfaction.locator(".number").inner_text() == "—"
    assert satisfaction.locator("[data-slot=moved]").inner_text() == "not reported by this ACD"
    assert satisfaction.get_attribute("data-look") == "quiet"
    assert "target" in wall.inner_text("[data-slot=banner-text]")
    names = wall.locator("[data-slot=queues] .queue-name").all_inner_texts()
    assert names == ["support", "support"], "a queue of complaints is no row of a floor"
    for tile in (talk, satisfaction):
        assert tile.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight")


def test_the_overview_and_the_lead_say_it_too(two: Two, screens: Screens) -> None:
    calls(two)
    desk, lead = screens.open("/"), screens.open("/lead/acme")
    card = desk.locator("[data-card=acme]")
    two.until("the card has its numbers", lambda: card.locator("[data-kpi=answered] .number").inner_text() == "2")
    assert card.locator("[data-tile=avg_talk_s] [data-slot=goal]").inner_text() == "today · without branch"
    assert card.locator("[data-tile=csat_pct] [data-slot=goal]").inner_text() == "not reported by this ACD"
    note = lead.locator("[data-table=agents] [data-slot=note]")
    two.until("the lead is told", lambda: note.inner_text() == "branch does not report agents by name.")


def test_the_sources_page_says_what_is_missing_how_the_clock_stands_and_until_when_the_acd_refuses(
    two: Two, screens: Screens
) -> None:
    two.facts |= {"clock_skew_ms": -4_200, "version": "7.2", "limited_until": now_ms() + 3_600_000, "warning": "slow"}
    two.facts |= {"refused_future": 3}
    desk = screens.open("/sources")
    card = desk.locator("[data-source=branch]")
    two.until("it is told", lambda: "talk time" in card.locator("[data-slot=untold]").inner_text())
    assert card.locator("[data-slot=untold]").inner_text() == "agents by name, talk time"
    assert card.locator("[data-slot=skew]").inner_text() == "4.2 s off"
    assert card.locator("[data-slot=skew]").get_attribute("data-look") == "warning"
    assert card.locator("[data-slot=version]").inner_text() == "7.2"
    warned = card.locator("[data-slot=warning]").inner_text()
    assert warned.startswith("slow Events whose times lie ahead of our clock are not shown (3 so far). Correct the ")
    assert " The ACD refuses more questions until " in warned
    assert "the target on Satisfaction is never judged: no surveys from hq, branch, crm" in desk.inner_text(".config")
    assert not desk.locator("[data-slot=config-broken]").is_visible()
    assert desk.locator("[data-source=hq] [data-slot=untold]").inner_text() == "nothing"
    assert desk.locator("[data-source=crm] [data-slot=also]").inner_text() == "complaints"
    assert not desk.locator("[data-source=crm] [data-slot=untold]").is_visible()


@pytest.mark.parametrize("two", ["zh-Hant"], indirect=True)
def test_an_alert_and_its_log_are_read_in_the_language_of_the_page(two: Two, screens: Screens) -> None:
    two.site.calls(3)
    page, wall = screens.open("/alerts"), screens.open("/wall/acme")
    reason = page.locator(".alert-reason")
    two.until("it fires", lambda: reason.count() == 1 and reason.inner_text() != "")
    assert reason.inner_text().startswith("排隊數 3\uff0c高於 2")
    assert reason.inner_text().endswith("\uff1b目標 0")
    two.until("the log tells it", lambda: "排隊數 3\uff0c高於" in page.locator(".episodes").inner_text())
    two.until("the wall says it", lambda: "排隊數 3" in wall.inner_text("[data-slot=banner-text]"))
    two.site.silent = True
    two.site.feed.status("down", "connection refused")
    two.until("the source's own alert", lambda: "資料來源 hq 中斷" in page.locator("[data-slot=firing]").inner_text())
