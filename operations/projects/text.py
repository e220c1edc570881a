"""Names as the configuration may hold them."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_ID = 63
LONGEST_NAME = 100
LONGEST_QUEUE = 200


def _one_line(text: str) -> str:
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        raise ValueError("holds a line break or a control character; write it in one line")
    if text != text.strip():
        raise ValueError("begins or ends with a space; remove it")
    return text


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_one_line)]
"""A name in one line without control characters."""

MaybeName = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_one_line)]
"""The same, or nothing."""

QueueName = Annotated[str, Field(max_length=LONGEST_QUEUE), AfterValidator(_one_line)]
"""``SOURCE/QUEUE`` in one line."""


def id_fault(name: str) -> tuple[str, str] | None:
    """Wrong and right for something that is no id, None for an id: it stands in addresses and in Redis's keys."""
    if len(name) > LONGEST_ID:
        return f"has {len(name):,} characters", f"an id has at most {LONGEST_ID}"
    if ID.fullmatch(name):
        return None
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    better = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_ID].rstrip("-")
    return (
        "is not an id",
        f"use lower-case letters, digits and single hyphens between them, for example {better or 'acme-support'}",
    )
