"""The document around a page: what it names early is what its script will ask for."""

from __future__ import annotations

import re

import pytest

from dashboard.document import ASSETS, imported
from tests.dashboard.conftest import WebProcess

PAGES = {
    "/wall/p0": {"wall", "alarm"},
    "/wall?playlist=p0": {"playlist", "wall", "alarm", "screen"},
    "/lead/p0": {"lead"},
    "/alerts": {"alerts", "polled", "alarm", "episodes", "alert_forms"},
    "/targets/p0": {"targets"},
    "/screens": {"screens", "polled"},
    "/": {"desk", "polled"},
    "/sources": {"desk", "polled"},
    "/intraday/p0": set(),
}


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_is_told_at_once_of_every_script_that_a_page_will_ask_for(web: WebProcess, path: str) -> None:
    page = web.get(path).text
    begun = re.search(r'<script type="module" async src="/assets/live\.mjs\?(m=\w+)">', page)
    assert begun
    early = dict(re.findall(r'<link rel="modulepreload" href="/assets/(\w+)\.mjs\?(m=\w+)">', page))
    assert early.keys() == PAGES[path]
    assert set(early.values()) <= {begun[1]}, "another address would be fetched a second time"
    for name in early:
        assert "immutable" in web.get(f"/assets/{name}.mjs?{begun[1]}").headers["cache-control"]


def test_every_script_is_reached_from_some_page() -> None:
    apart = {"live", "pair"}
    reached = {name for path in PAGES.values() for first in path for name in imported(first)}
    assert reached | apart == {file.stem for file in ASSETS.glob("*.mjs")}
