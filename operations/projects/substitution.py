"""``${NAME}`` from the environment and ``${file:PATH}`` from a file, anywhere in a value; ``$${`` writes a plain ``${``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from operations.projects.faults import Faults, Path, shorten
from operations.projects.nearest import nearest

MOST_BYTES = 65_536
OPTIONAL: dict[Path, str] = {("redis",): "REDIS_URL"}
"""Where a variable may be missing: without ``REDIS_URL`` Redis is embedded."""

_PLACE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Substitution:
    """Fills the places in a tree. Afterwards ``files`` are the files it looked at, whether they were there or not."""

    def __init__(self, folder: FilePath, environ: Mapping[str, str], faults: Faults) -> None:
        self._folder = folder
        self._environ = environ
        self._faults = faults
        self.files: dict[FilePath, None] = {}

    def fill(self, tree: Any, path: Path = ()) -> Any:
        """The tree with every place filled in; None where a value could not be had (a fault says why)."""
        if isinstance(tree, dict):
            return {key: self.fill(value, (*path, key)) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self.fill(value, (*path, place)) for place, value in enumerate(tree)]
        if isinstance(tree, str) and "${" in tree:
            return self._fill_text(tree, path)
        return tree

    def _fill_text(self, text: str, path: Path) -> str | None:
        parts: list[str] = []
        missing = False
        after = 0
        for match in _PLACE.finditer(text):
            parts.append(text[after : match.start()])
            after = match.end()
            value = "${" if match[0] == "$${" else self._value(match[0], match[1], path)
            missing |= value is None
            parts.append(value or "")
        if missing:
            self._faults.settle(path)
        return None if missing else "".join(parts) + text[after:]

    def _value(self, place: str, inner: str, path: Path) -> str | None:
        if place.endswith("}") and inner.startswith("file:"):
            return self._from_file(inner.removeprefix("file:").strip(), path)
        if not place.endswith("}") or not _NAME.fullmatch(inner):
            self._faults.add(
                path,
                "holds a ${…} that names nothing",
                "write ${NAME} for a variable, ${file:PATH} for a file, $${ for a plain ${",
            )
            return None
        value = self._environ.get(inner)
        if value is None:
            if OPTIONAL.get(path) == inner:
                return ""
            match = nearest(inner, self._environ)
            hint = f" (there is {match})" if match else ""
            self._faults.add(path, f"the environment has no {inner}{hint}", f"set {inner}, or write the value here")
            return None
        self._faults.hide(value, f"${{{inner}}}")
        return self._clean(value, f"the variable {inner}", path)

    def _from_file(self, name: str, path: Path) -> str | None:
        file = self._folder / name
        self.files[file] = None
        try:
            with file.open("rb") as handle:
                content = handle.read(MOST_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or "not a file name").lower()
            self._faults.add(
                path,
                f"the file {shorten(name)} cannot be read ({reason})",
                "put the value into that file, or correct the path",
            )
            return None
        if len(content) > MOST_BYTES:
            self._faults.add(
                path,
                f"the file {shorten(name)} is longer than {MOST_BYTES:,} bytes",
                "name a file that holds the value alone",
            )
            return None
        try:
            value = content.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            self._faults.add(path, f"the file {shorten(name)} is not UTF-8 text", "save it as UTF-8")
            return None
        self._faults.hide(value, f"${{file:{shorten(name)}}}")
        return self._clean(value, f"the file {shorten(name)}", path)

    def _clean(self, value: str, origin: str, path: Path) -> str | None:
        if any((char < " " and char not in "\n\t") or "\ud800" <= char <= "\udfff" for char in value):
            self._faults.add(path, f"{origin} holds a control character", "remove it")
            return None
        return value
