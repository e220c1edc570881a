"""The configuration as it is on disk now: a valid change is taken, an invalid one is told and the old one stays."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from collectors.registry import KINDS
from operations.projects.configuration import Configuration, ConfigurationInvalid, load, parse
from operations.projects.edits import apply

log = logging.getLogger(__name__)

Stat = tuple[int, int, int, int, int]
"""Device, inode, size and the two times of a file."""

CLOSE_LOOKS = 3
"""After a change the files are read at this many polls more: a second write within the same tick of the file system's clock
leaves the same times and perhaps the same size."""

EVERY = 15
"""They are read at every 15th poll anyway, for file systems whose times cannot be trusted."""


class _Look(NamedTuple):
    """The watched files at one moment; the first is the configuration itself."""

    stats: tuple[Stat | None, ...]
    text: bytes | None
    """What the configuration holds; None when it is not there."""
    content: bytes
    """A hash of what all of them hold."""


_NEVER = _Look((), None, b"")


class ConfigurationWatcher:
    """Holds the configuration of one role and renews it; ``poll`` once a second.

    ``current``: the configuration that holds. ``errors``: what is wrong with the file as it is now, empty when it is what
    ``current`` says. Raises ``ConfigurationInvalid`` when the file is invalid at the start: there is nothing to keep.
    """

    def __init__(self, path: str | Path, environ: Mapping[str, str], kinds: Mapping[str, Any] = KINDS) -> None:
        self._path = Path(path)
        self._environ = environ
        self._kinds = kinds
        self._files: tuple[Path, ...] = (self._path,)
        self._polls = 0
        self._close_looks = CLOSE_LOOKS
        self._doubted = b""
        self._seen = self._look()
        self._read_edits: Callable[[], Mapping[str, bytes]] | None = None
        self._edits: Mapping[str, bytes] = {}
        self._of_file = self._read(self._seen)
        self.current: Configuration = self._of_file
        self.errors: tuple[str, ...] = ()
        self._follow(self.current.files)

    def follow_edits(self, read: Callable[[], Mapping[str, bytes]]) -> None:
        """Lay what people edited on the pages over the file, from now on and at every poll.

        ``read``: the edits by project (``operations.projects.edits``); it may raise ``OSError`` while their store is away: then those
        known before hold on.
        """
        self._read_edits = read
        self._look_at_edits()

    def poll(self) -> bool:
        """Look at the files and the edits; True when ``current`` was replaced. Costs a ``stat`` per file when nothing changed."""
        changed = self._look_at_files()
        return self._look_at_edits() or changed

    def _look_at_edits(self) -> bool:
        if self._read_edits is None:
            return False
        try:
            edits = self._read_edits()
        except OSError:
            return False
        if edits == self._edits:
            return False
        self._edits = edits
        self.current = apply(self._of_file, edits)
        log.info("configuration: targets were edited")
        return True

    def _look_at_files(self) -> bool:
        self._polls += 1
        if self._stats() != self._seen.stats:
            self._close_looks = CLOSE_LOOKS
        elif not self._close_looks and self._polls % EVERY:
            return False
        else:
            self._close_looks = max(0, self._close_looks - 1)
        look = self._look()
        if look.content == self._seen.content and not self._doubted:
            self._seen = look
            return False
        before, self._seen = self._seen, look
        if self._half_written(before, look):
            self._doubted = look.content
            self._close_looks = CLOSE_LOOKS
            return False
        self._doubted = b""
        return self._reload(look)

    def _half_written(self, before: _Look, now: _Look) -> bool:
        """Whether a writer may be in the middle of the file; then it is believed only when the next poll finds the same.

        A file that was renamed into place is whole. One that is written in place may be cut anywhere: then it is
        shorter than before, or its last line has no end, or it is away for a moment.
        """
        if self._doubted == now.content:
            return False
        old, new = before.stats[0] if before.stats else None, now.stats[0]
        if new is None:
            return True
        renamed = old is None or old[:2] != new[:2]
        return not renamed and (not (now.text or b"").endswith(b"\n") or (old is not None and new[2] < old[2]))

    def _read(self, look: _Look) -> Configuration:
        # What was looked at is what is read: a writer who comes in between is seen at the next poll.
        if look.text is None:
            return load(self._path, self._environ, self._kinds)
        return parse(look.text, self._path, self._environ, self._kinds)

    def _reload(self, look: _Look) -> bool:
        try:
            fresh = self._read(look)
        except ConfigurationInvalid as invalid:
            self._follow(invalid.files)
            errors = tuple(invalid.errors)
            if errors != self.errors:
                log.warning(
                    "configuration: %s is invalid, the old one stays:\n  %s", self._path.name, "\n  ".join(errors)
                )
            self.errors = errors
            return False
        self._follow(fresh.files)
        changed = fresh.digest != self._of_file.digest
        if changed:
            self._of_file = fresh
            self.current = apply(fresh, self._edits) if self._edits else fresh
            log.info(
                "configuration: %s has changed: %d sources, %d projects",
                self._path.name,
                len(fresh.sources),
                len(fresh.projects),
            )
        elif self.errors:
            log.info("configuration: %s is valid again", self._path.name)
        self.errors = ()
        return changed

    def _follow(self, files: tuple[Path, ...]) -> None:
        """Watch the file and what it includes; when that is new, the next poll reads all again, since it may have changed meanwhile."""
        if files != self._files:
            self._files = files
            self._seen = _NEVER
            self._close_looks = CLOSE_LOOKS

    def _stats(self) -> tuple[Stat | None, ...]:
        return tuple(_stat(file) for file in self._files)

    def _look(self) -> _Look:
        stats = self._stats()  # before the content: what is written in between differs at the next poll
        digest = hashlib.sha256()
        text: bytes | None = None
        for file in self._files:
            try:
                content = file.read_bytes()
            except (OSError, ValueError):
                digest.update(b"-")
                continue
            if file == self._path:
                text = content
            digest.update(b"+%d:" % len(content) + content)
        return _Look(stats, text, digest.digest())


def _stat(file: Path) -> Stat | None:
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
