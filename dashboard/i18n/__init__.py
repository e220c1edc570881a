"""Every text that a page shows, in the site's language.

English is the text's own key. The other languages lie in ``locale/*/LC_MESSAGES/pages.po`` and are read by Babel; a text
that a catalogue lacks appears in English. KPI labels do not come from here but from the catalogue of KPIs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from dashboard.i18n.texts import LIVE

LANGUAGES = ("en", "zh-Hans", "zh-Hant")
"""What ``site.language`` may be; also the ``lang`` of the page."""

_LOCALE = Path(__file__).parent / "locale"


@dataclass(frozen=True)
class Words:
    """The texts of one language."""

    language: str
    texts: dict[str, str]

    def __call__(self, english: str, **values: object) -> str:
        """The text for ``english``, its ``{names}`` filled with ``values``."""
        text = self.texts.get(english, english)
        return text.format(**values) if values else text

    def live(self) -> dict[str, str]:
        """The texts that the script needs, by their short names, ``{names}`` left for the script to fill."""
        return {name: self(english) for name, english in LIVE.items()}


@cache
def words(language: str) -> Words:
    """The texts of a language; English for one that is not known."""
    if language not in LANGUAGES or language == "en":
        return Words("en", {})
    return Words(language, catalogue(language))


def preferred(accepted: str, otherwise: str) -> str:
    """The language that a browser asks for (its ``Accept-Language``), of those that there are; else ``otherwise``."""
    wanted = []
    for number, part in enumerate(accepted[:500].split(",")):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), number, name.strip().lower()))
        except ValueError:
            continue
    for weight_below, _, name in sorted(wanted):
        main, _, rest = name.partition("-")
        if weight_below < 0 and main in ("en", "zh"):
            traditional = any(part in ("hant", "tw", "hk", "mo") for part in rest.split("-"))
            return "en" if main == "en" else "zh-Hant" if traditional else "zh-Hans"
    return otherwise


def catalogue(language: str) -> dict[str, str]:
    """English text → text, as the language's catalogue file has it; texts not yet translated are left out."""
    path = _LOCALE / language.replace("-", "_") / "LC_MESSAGES" / "pages.po"
    with path.open("rb") as file:
        messages = read_po(file)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string and not m.fuzzy}
