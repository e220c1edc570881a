"""Whether a text is one statement that only reads. No I/O; a second lock beside the read-only session and the user's rights."""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    r"'(?:[^'\\]|''|\\.)*'"  # a text
    r'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]\n]*\]'  # a name in quotes
    r"|--[^\n]*|/\*.*?\*/",  # a comment
    re.DOTALL,
)
_WRITES = re.compile(
    r"\b(insert|update|delete|merge|replace\s+into|into|drop|alter|create|truncate|grant|revoke|call|exec|execute|lock|attach|pragma|load|copy|set)\b",
    re.IGNORECASE,
)


def one_select(statement: str) -> str:
    """The statement without a last semicolon. Raises ``ValueError`` with what is wrong and what would be right."""
    if "/*!" in statement:
        raise ValueError("holds /*!, which MySQL reads as more than a comment; leave it out")
    bare = _HIDDEN.sub(lambda found: " " if found[0].startswith(("--", "/*")) else " '' ", statement).strip()
    if bare.endswith(";"):
        bare = bare[:-1].rstrip()
    if not bare:
        raise ValueError("is empty; write one SELECT")
    if ";" in bare:
        raise ValueError("is more than one statement; write a single SELECT, without a semicolon inside")
    first = re.match(r"[(\s]*(\w*)", bare)
    if first is None or first[1].lower() not in ("select", "with"):
        raise ValueError(f"begins with {bare.split()[0][:20]!r}; write a single SELECT (or WITH … SELECT)")
    if word := _WRITES.search(bare):
        raise ValueError(
            f"holds the word {word[0].upper()}, which can write; write a single SELECT, and a column of that name in quotes"
        )
    return re.sub(r"\s*;\s*$", "", statement.strip())
