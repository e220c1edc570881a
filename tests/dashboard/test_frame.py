"""The head of every desk page: where it leads, and where it leads nobody."""

from __future__ import annotations

import re

import pytest

from dashboard.components.frame import project_head, site_head
from dashboard.components.static_html import static_html
from dashboard.context import Account
from dashboard.i18n import words


def reader(role: str, *, sees_names: bool) -> Account:
    return Account("Mei", role, "en", "", True, sees_names)


@pytest.mark.parametrize("current", ["wall", "lead", "intraday", "targets"])
def test_every_page_of_a_project_leads_to_the_others_and_says_which_one_it_is(current: str) -> None:
    head = static_html(project_head("acme", "Acme", "Acme Ltd", words("en"), current=current))
    for page in ("wall", "lead", "intraday", "targets"):
        assert f'href="/{page}/acme"' in head
    assert head.count("aria-current") == 1
    marked = re.search(r"<a [^>]*aria-current[^>]*>", head)
    assert marked and f'href="/{current}/acme"' in marked[0]


def test_nobody_is_led_to_a_page_that_would_refuse() -> None:
    def head(who: Account) -> str:
        return static_html(project_head("acme", "Acme", "Acme Ltd", words("en"), current="intraday", who=who))

    assert "/lead/acme" in head(reader("lead", sees_names=True))
    assert "/lead/acme" not in head(reader("client", sees_names=False))
    assert "/wall/acme" in head(reader("client", sees_names=False))


def test_a_project_s_name_is_text_in_its_head() -> None:
    assert "<script>" not in static_html(project_head("acme", "<script>", "<script>", words("en"), current="lead"))
    assert "<script>" not in static_html(site_head("<script>", words("en"), current="/"))
