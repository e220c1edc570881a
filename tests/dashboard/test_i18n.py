"""No text without its translations, no translation without its text, and nothing lost on the way."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from dashboard.access import sign_in
from dashboard.components import account, frame, sources
from dashboard.components.targets import COLUMNS
from dashboard.i18n import LANGUAGES, alerts, catalogue, intraday, lead, screens, targets, words
from dashboard.i18n.texts import LIVE
from operations.kpis.catalogue import CATALOGUE, WINDOWS
from operations.kpis.reasons import REASONS

DASHBOARD = Path(__file__).parent.parent.parent / "dashboard"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
every_language = pytest.mark.parametrize("language", TRANSLATED)


def said() -> set[str]:
    """The texts that are asked for by their own words: ``words("…")``, ``here().words()("…")``."""
    found = set()
    for path in DASHBOARD.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and re.fullmatch(r"words|say|said|.*\.words\(.*\)", ast.unparse(node.func)):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found - set(LANGUAGES)


def asked() -> set[str]:
    """Every text that some page shows: those, and the lists from which pages take theirs."""
    pairs = (*COLUMNS, *frame.SITE, *frame.PROJECT, *sources.FACTS, *sources.INCIDENTS)
    tables = (LIVE, alerts.ALERTS, lead.LEAD, screens.PAIR, screens.PLAYLIST, screens.SCREENS, targets.TARGETS)
    lists = (
        alerts.PAGES,
        intraday.PAGES,
        lead.PAGES,
        screens.PAGES,
        sign_in.ERRORS,
        account.ROLES,
        sources.NOTIFICATION,
    )
    return (
        said()
        | {text for _, text in pairs}
        | {text for table in tables for text in table.values()}
        | {text for each in lists for text in each}
    )


@every_language
def test_every_text_is_translated(language: str) -> None:
    assert asked() - catalogue(language).keys() == set()


@every_language
def test_no_translation_is_left_of_a_text_that_no_page_uses(language: str) -> None:
    """Nor of one that stands outside of what ``asked`` knows, where nobody would notice that it is not translated."""
    assert catalogue(language).keys() - asked() == set()


@every_language
def test_a_translation_fills_in_what_the_text_does(language: str) -> None:
    def names(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", text))

    wrong = {text: found for text, found in catalogue(language).items() if not names(found) <= names(text)}
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kpi_and_every_window_has_a_name(language: str) -> None:
    assert all(kpi.labels[language] for kpi in CATALOGUE.values())
    assert all(names[language] for names in WINDOWS.values())


def test_both_chinese_catalogues_translate_the_same_texts() -> None:
    assert catalogue("zh-Hans").keys() == catalogue("zh-Hant").keys()


def test_an_unknown_language_is_english() -> None:
    assert words("tlh")("Overview") == "Overview"


def test_every_reason_of_a_board_has_words_on_the_screen() -> None:
    assert {f"why_{why}" for why in REASONS} - LIVE.keys() == set()


def test_every_kind_of_sample_has_words_on_the_screen() -> None:
    assert {kpi.sample for kpi in CATALOGUE.values()} - LIVE.keys() == set()


@every_language
def test_chinese_texts_have_chinese_punctuation(language: str) -> None:
    beside_a_sign = re.compile("[\u4e00-\u9fff}][,:;?!(]|[,:;?!)][\u4e00-\u9fff{]")
    assert {text for text in catalogue(language).values() if beside_a_sign.search(text)} == set()
