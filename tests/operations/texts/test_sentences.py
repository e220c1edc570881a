"""No sentence without its translations, no translation without its sentence, and nothing lost between the two."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.kpis.reasons import REASONS
from operations.texts import LANGUAGES, Said, Words, catalogue, kpi_name, render, say, window_name

OPERATIONS = Path(__file__).parents[3] / "operations"
every_translation = pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])


def calls() -> Iterator[tuple[str, ast.expr]]:
    """Every ``say(…)`` of the operations: where it stands, and its text."""
    for path in OPERATIONS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                yield f"{path.relative_to(OPERATIONS)}:{node.lineno}", node.args[0]


def texts() -> set[str]:
    said = {text.value for _, text in calls() if isinstance(text, ast.Constant) and isinstance(text.value, str)}
    return said | set(REASONS.values())


def places(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\w+)\}", text)))


def test_every_sentence_is_a_constant_so_that_these_tests_see_it() -> None:
    assert [where for where, text in calls() if not isinstance(text, ast.Constant)] == []


@every_translation
def test_every_sentence_is_translated(language: str) -> None:
    assert texts() - catalogue(language).keys() == set()


@every_translation
def test_no_translation_is_left_of_a_sentence_that_nobody_says(language: str) -> None:
    assert catalogue(language).keys() - texts() == set()


@every_translation
def test_a_translation_leaves_no_value_out_and_asks_for_none_that_is_not_there(language: str) -> None:
    wrong = {text: found for text, found in catalogue(language).items() if places(text) != places(found)}
    assert wrong == {}


@every_translation
def test_chinese_sentences_have_chinese_punctuation(language: str) -> None:
    assert [found for found in catalogue(language).values() if re.search(r"[,;:()]", found)] == []


def test_a_sentence_within_a_sentence_is_in_the_same_language() -> None:
    wait = say("{name} {value} over {line} for {span}", name=kpi_name("longest_wait_s"), value="1:34", line="1:30", span=say("{n} s", n=10))  # fmt: skip
    whole = say("{said}; goal {goal}", said=wait, goal="1:00")
    assert render(whole, "en") == "Longest wait 1:34 over 1:30 for 10 s; goal 1:00"
    assert render(whole, "zh-Hans") == "最长等待 1:34\uff0c高于 1:30 已 10 秒\uff1b目标 1:00"
    assert render(whole, "zh-Hant") == "最長等待 1:34\uff0c高於 1:30 已 10 秒\uff1b目標 1:00"


def test_kpis_and_windows_have_their_own_names() -> None:
    over = say(
        "{kpi} {window} in {queue}", kpi=kpi_name("service_level_pct"), window=window_name("today"), queue="support-l2"
    )
    assert [render(over, language) for language in LANGUAGES] == [
        "Service level today in support-l2",
        "support-l2 今日服务水平",
        "support-l2 今日服務水準",
    ]
    assert render(kpi_name("of_tomorrow"), "zh-Hans") == "of_tomorrow"


def test_an_unknown_language_is_english_and_own_words_stay_what_they_are() -> None:
    assert render(say("{n} min", n=3), "tlh") == "3 min"
    assert render("refused by {host}", "zh-Hans") == "refused by {host}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_that_looks_like_a_place_stays_a_name(language: str) -> None:
    assert "{goal}" in render(say("{said}; goal {goal}", said="queue {goal}", goal="1:00"), language)
    assert render(say("{name}: known again", name="{name} {x!r} %s"), language).startswith("{name} {x!r} %s")


sentences = st.recursive(
    st.text(max_size=20),
    lambda inner: st.builds(
        say,
        st.sampled_from(sorted(texts())),
        **dict.fromkeys(("name", "value", "said", "why"), inner),
        n=st.integers(0, 10**6),
    ),
    max_leaves=6,
)


@given(sentences)
def test_a_sentence_that_was_stored_says_the_same_in_every_language(said: Words) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(said), type=Said | str)  # type: ignore[arg-type]
    assert [render(stored, language) for language in LANGUAGES] == [render(said, language) for language in LANGUAGES]
