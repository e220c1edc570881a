"""Sentences that are written down once and read in any language: of alerts, their log, and the messages about them.

A sentence is kept as what it says (``Said``: an English text with ``{names}``, and their values, which may be sentences themselves) and put into
words by ``render``, by whoever shows it. English is the text's own key; the other languages lie in ``locale/*/LC_MESSAGES/sentences.po``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
from babel.messages.pofile import read_po

from operations.kpis.catalogue import CATALOGUE, WINDOWS

LANGUAGES = ("en", "zh-Hans", "zh-Hant")
_LOCALE = Path(__file__).parent / "locale"
_KPI, _WINDOW = "kpi:", "window:"
_PLACE = re.compile(r"\{(\w+)\}")


class Said(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What is said. As JSON ``[text, {name: value}]``; ``text`` may also be ``kpi:KEY`` or ``window:KEY``, the names of these."""

    text: str
    values: dict[str, Said | str | float] = {}


Words = Said | str
"""A sentence, or somebody's own words (a name, an ACD's error), which are the same in every language."""


def say(text: str, **values: Words | float) -> Said:
    """A sentence. ``text``: a constant in English, so that the catalogues can be checked against the code."""
    return Said(text, values)


def kpi_name(key: str) -> Said:
    """What people call a KPI; its key if the catalogue does not know it."""
    return Said(_KPI + key)


def window_name(key: str) -> Said:
    """What people call a window; "" for one that needs no name."""
    return Said(_WINDOW + key)


def render(words: Words, language: str) -> str:
    """In the words of a language; English for one that is not known."""
    if isinstance(words, str):
        return words
    if words.text.startswith(_KPI):
        kpi = CATALOGUE.get(words.text.removeprefix(_KPI))
        return _own(kpi.labels, language) if kpi else words.text.removeprefix(_KPI)
    if words.text.startswith(_WINDOW):
        return _own(WINDOWS.get(words.text.removeprefix(_WINDOW), {"en": ""}), language)
    values = words.values

    def filled(found: re.Match[str]) -> str:  # in one pass: a name that holds braces stays a name
        value = values.get(found[1], "")
        return render(value, language) if isinstance(value, (Said, str)) else f"{value:g}"

    return _PLACE.sub(filled, catalogue(language).get(words.text, words.text))


def _own(names: dict[str, str], language: str) -> str:
    return names.get(language) or names["en"]


@cache
def catalogue(language: str) -> dict[str, str]:
    """English text → text; empty for English and for a language that is not known."""
    if language not in LANGUAGES or language == "en":
        return {}
    path = _LOCALE / language.replace("-", "_") / "LC_MESSAGES" / "sentences.po"
    with path.open("rb") as file:
        messages = read_po(file)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string and not m.fuzzy}
