"""What is wrong with a configuration: every fault, each with its place and what would be right, and never a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Path = tuple[str | int, ...]
"""Where in the configuration: keys and list positions."""

_PLAIN_KEY = re.compile(r"[^\s.\[\]\"':]+")
SHOWN = 60
"""Characters of somebody's value or key that an error repeats."""

SHORTEST_HIDDEN = 3
"""A value from the environment or a file is taken out of an error from this length on; shorter ones occur in any sentence."""


def shorten(text: str) -> str:
    """A text in one printable line of bearable length."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def shown(value: object) -> str:
    """Somebody's value as an error repeats it."""
    if isinstance(value, str):
        return f"'{shorten(value)}'"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return shorten(str(value))


def written(path: Path) -> str:
    """A place as a person reads it: ``projects.acme-support.targets[1].critical``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        key = part if _PLAIN_KEY.fullmatch(part) else f'"{part}"'
        text += f".{shorten(key)}" if text else shorten(key)
    return text


class Faults:
    """The faults found so far, in the order in which they were found, each once."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self._hidden: dict[str, str] = {}
        self._settled: set[Path] = set()

    def __bool__(self) -> bool:
        return bool(self._found)

    def hide(self, value: str, instead: str = "***") -> None:
        """Never repeat ``value`` in a fault; write ``instead`` in its place."""
        if len(value) >= SHORTEST_HIDDEN:
            self._hidden[value] = instead

    def add(self, path: Path | str, wrong: str, right: str) -> None:
        """A fault at a place: what is wrong, and what would be right."""
        self._say(path, f"{wrong}; {right}")

    def add_sentence(self, path: Path, sentence: str) -> None:
        """A fault whose sentence already says both (``wrong; right``), as the models' checks do."""
        self._say(path, sentence)

    def settle(self, path: Path) -> None:
        """Say no more about a place: its value could not be had, so whatever a check finds there follows from that."""
        self._settled.add(path)

    def _say(self, path: Path | str, sentence: str) -> None:
        if isinstance(path, str):
            self._found[f"{path}: {self._clean(sentence)}"] = None
        elif not any(path[:length] in self._settled for length in range(1, len(path) + 1)):
            self._found[f"{written(path)}: {self._clean(sentence)}"] = None

    def _clean(self, text: str) -> str:
        for value in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(value, self._hidden[value])
        return text

    def all(self) -> list[str]:
        """Every fault as a line of text."""
        return list(self._found)


def at(tree: object, path: Iterable[str | int]) -> object:
    """The value at a place in a tree of dicts and lists, None where there is none."""
    for part in path:
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree
