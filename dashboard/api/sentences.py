"""What alerts and their log say, in the language of whoever asks. It is stored as what it says, and put into words here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dashboard.api.route import Parameter
from dashboard.asgi import Problem, Request
from operations.alerts.words import label_of
from operations.texts import LANGUAGES, Said, render

LANGUAGE = Parameter(
    "language", "of label and reason; the project's own when left out", {"type": "string", "enum": list(LANGUAGES)}
)


def language_of(request: Request) -> str:
    """The language that was asked for, "" for each project's own. Raises ``Problem`` 422."""
    asked = request.query.get("language") or ""
    if asked and asked not in LANGUAGES:
        raise Problem(422, "bad_language", f"language: {', '.join(LANGUAGES)} are possible")
    return asked


def worded(row: Mapping[str, Any], language: str) -> dict[str, Any]:
    """An alert, or an entry of the log, with ``label`` and ``reason`` in a language, and without what these were made of.

    One that an older engine wrote, or that somebody wrote in own words, stays as it is.
    """
    shown = {name: value for name, value in row.items() if name != "said"}
    if not language:
        return shown
    rule = shown.get("rule") or shown.get("id") or ""
    if "label" in shown and isinstance(rule, str):
        shown["label"] = label_of(rule, shown["label"], language)
    try:
        shown["reason"] = render(msgspec.convert(row["said"], Said), language)
    except (KeyError, msgspec.ValidationError):
        pass  # the words of somebody, or of an engine of before
    return shown
