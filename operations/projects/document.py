"""The text of a configuration file as a tree of dicts, lists and scalars, with every doubt about the text told.

YAML's surprises are left out: ``on``, ``no`` and ``10:30`` are text, a key is always text, a key that stands
twice is a fault, and an alias cannot blow a small file up. Errors never quote the text, which may hold a secret.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import yaml

from operations.projects.faults import Faults, Path

MOST_BYTES = 1_000_000
MOST_VALUES = 50_000
DEEPEST = 20
LONGEST_KEY = 1024
"""What YAML itself allows."""

NOTHING = ("holds no setting", "name at least one source under sources; docs/configuration.md shows a file")

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_STANDARD = "tag:yaml.org,2002:"

_PROBLEMS = (
    ("undefined alias", "holds an alias (*…) that nothing defines", "put a text that begins with * in quotes"),
    ("duplicate anchor", "defines an anchor (&…) twice", "put a text that begins with & in quotes"),
    (
        "mapping values are not allowed",
        "has a colon where none can stand",
        "check the indentation, and put a text that holds a colon in quotes",
    ),
    (
        "did not find expected key",
        "is indented unlike the lines above, or a bracket or quote is open",
        "align the keys of one block, close each { [ and quote",
    ),
    ("could not find expected ':'", "is neither a key with a colon nor a list entry", "write key: value"),
    (
        "did not find expected '-'",
        "is indented unlike the list above",
        "begin each entry with - at the same indentation",
    ),
    ("did not find expected ',' or", "leaves a bracket open", "close it with ] or }"),
    ("unexpected end of stream", "leaves a quote open", "close the quote"),
    ("cannot start any token", "begins with a character that YAML reserves", "put the text in quotes"),
    ("control characters are not allowed", "holds a control character", "remove it"),
    ("special characters are not allowed", "holds a control character", "remove it"),
    ("undefined tag handle", "holds a tag (!…)", "put a text that begins with ! in quotes"),
)


class _Loader(_Base):  # type: ignore[misc]
    """Composes nodes; the plain scalars that are more than text are decided below."""

    yaml_implicit_resolvers: dict[str, Any] = {}


def read(content: bytes, name: str, faults: Faults) -> Any:
    """The tree of a document; None after a fault that leaves nothing to look at. ``name`` is how faults call the file."""
    if len(content) > MOST_BYTES:
        faults.add(name, f"has {len(content):,} bytes", f"a configuration has at most {MOST_BYTES:,}")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        faults.add(f"{name} line {line}", "is not UTF-8 text", "save the file as UTF-8")
        return None
    if not text.strip():
        faults.add(name, "is empty", "name at least one source under sources; docs/configuration.md shows a file")
        return None
    try:
        if not _shallow(text, name, faults):
            return None
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        _explain(error, text, name, faults)
        return None
    if len(nodes) > 1:
        line = nodes[1].start_mark.line + 1
        faults.add(f"{name} line {line}", "begins a second document (---)", "keep everything in one")
        return None
    if not nodes or nodes[0] is None:
        faults.add(name, *NOTHING)
        return None
    builder = _Builder(name, faults)
    tree = builder.build(nodes[0], ())
    if tree is None and not faults:
        faults.add(name, *NOTHING)
    return None if builder.overflowed else tree


def _shallow(text: str, name: str, faults: Faults) -> bool:
    """Whether the nesting is bearable: looked at before anything recursive touches the text."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                faults.add(
                    _line(name, event),
                    f"is nested more than {DEEPEST} deep",
                    "nothing here needs that; check the brackets",
                )
                return False
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return True


def _line(name: str, part: yaml.Node | yaml.Event) -> str:
    return f"{name} line {part.start_mark.line + 1 if part.start_mark else 1}"


def _explain(error: yaml.YAMLError, text: str, name: str, faults: Faults) -> None:
    mark = getattr(error, "problem_mark", None)
    lines = text.split("\n")
    if mark is not None:
        line = min(mark.line, len(lines) - 1)
    elif isinstance(getattr(error, "position", None), int):
        line = text[: error.position].count("\n")  # type: ignore[attr-defined]
    else:
        line = next((number for number, each in enumerate(lines) if any(c < " " and c not in "\t\r" for c in each)), 0)
    place = f"{name} line {line + 1}"
    indentation = lines[line][: len(lines[line]) - len(lines[line].lstrip())]
    if "\t" in indentation:
        faults.add(place, "is indented with a tab", "indent with spaces")
        return
    if "${" in lines[line]:
        faults.add(place, "cannot be read as YAML", "put a ${…} that stands inside { } or [ ] in quotes")
        return
    if len(lines[line]) > LONGEST_KEY:
        faults.add(place, "cannot be read as YAML", f"a key has at most {LONGEST_KEY:,} characters")
        return
    problem = f"{getattr(error, 'problem', None) or ''} {getattr(error, 'reason', None) or ''}"
    for part, wrong, right in _PROBLEMS:
        if part in problem:
            faults.add(place, wrong, right)
            return
    faults.add(place, "cannot be read as YAML", "check the quotes, brackets, indentation and the colon after each key")


class _Builder:
    """Nodes to values, counting: an alias is built again each time that it is used."""

    def __init__(self, name: str, faults: Faults) -> None:
        self._name = name
        self._faults = faults
        self._count = 0
        self._open: set[int] = set()
        self.overflowed = False

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._count += 1
        if self._count > MOST_VALUES or len(path) > DEEPEST:
            if not self.overflowed:
                what = (
                    f"grows past {MOST_VALUES:,} values"
                    if self._count > MOST_VALUES
                    else f"is nested more than {DEEPEST} deep"
                )
                self._faults.add(_line(self._name, node), f"{what} through its aliases", "write the values out")
            self.overflowed = True
            return None
        if id(node) in self._open:
            self._faults.add(path or self._name, "contains itself through an alias", "write the value out")
            self.overflowed = True
            return None
        if not node.tag.startswith(_STANDARD):
            self._faults.add(_line(self._name, node), "holds a tag (!…)", "put a text that begins with ! in quotes")
            self._faults.settle(path)
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(each, (*path, place)) for place, each in enumerate(node.value)]
            assert isinstance(node, yaml.MappingNode)  # the third and last kind
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if self.overflowed:
                break
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._faults.add(
                    f"{self._name} line {line}",
                    "has a list or a mapping as a key",
                    "write key: value; a ${NAME} inside { } or [ ] needs quotes",
                )
                continue
            key = key_node.value
            if key in found:
                self._faults.add(
                    (*path, key),
                    f"stands twice, in line {lines[key]} and in line {line} of {self._name}",
                    "keep one of them",
                )
                continue
            if not self._printable(key):
                self._faults.add(f"{self._name} line {line}", "has a control character in a key", "remove it")
                continue
            lines[key] = line
            found[key] = self.build(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        if not node.style and node.tag == f"{_STANDARD}str":
            return _plain(text)
        if not self._printable(text.replace("\n", "").replace("\t", "")):
            self._faults.add(path, "holds a control character", "remove it")
            self._faults.settle(path)
            return None
        return text

    @staticmethod
    def _printable(text: str) -> bool:
        """Without control characters and without halves of a surrogate pair, which no encoding can carry."""
        return not any(char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" for char in text)


def _plain(text: str) -> Any:
    """A scalar without quotes: nothing, true, false, a number, a day, else text."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not text.isdigit() and math.isfinite(float(text)):
        return float(text)
    if _DAY.fullmatch(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            return text
    return text
