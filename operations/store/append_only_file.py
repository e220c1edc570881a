"""Redis's append-only file on our disk: bring it to the platter each second, mend it, keep it."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

log = logging.getLogger(__name__)


class Flusher:
    """Brings what Redis has written to the disk itself, once a second, from a thread of its own.

    Redis would do it with ``appendfsync everysec``, but while its flush runs it postpones the *write* up to 2 s, and
    answers meanwhile: killed in that moment it forgets what it has acknowledged. With ``appendfsync no`` every
    command is written before it is answered, so that a kill loses nothing, and a power cut a second at most.
    """

    def __init__(self, folder: Path, every_s: float = 1.0) -> None:
        self._folder = folder
        self._every_s = every_s
        self._stop = threading.Event()
        self._flushed: dict[Path, tuple[int, int]] = {}
        self._refused = False
        self._thread = threading.Thread(target=self._run, name="flusher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.flush()
                self._refused = False
            except OSError as error:
                if not self._refused:
                    log.error("the data in %s could not be brought to the disk: %s", self._folder, error.strerror)
                self._refused = True

    def flush(self) -> int:
        """Flush each file that changed since the last time; how many that were."""
        flushed = 0
        for path in files(self._folder):
            try:
                found = path.stat()
                seen = (found.st_ino, found.st_size)
                if self._flushed.get(path) == seen:
                    continue
                descriptor = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue  # a rewrite has replaced it
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._flushed[path] = seen
            flushed += 1
        return flushed


def files(folder: Path) -> list[Path]:
    """Redis's append-only files under its folder: one up to 6.2, a folder of them from 7.0 on."""
    return [path for path in (*folder.glob("*.aof"), *folder.glob("appendonlydir/*")) if path.is_file()]


def set_aside(folder: Path) -> Path:
    """Rename Redis's folder to ``NAME.broken-TIME`` and put an empty one in its place. Nothing is deleted, ever."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.localtime(folder.stat().st_mtime))
    kept, number = folder.with_name(f"{folder.name}.broken-{stamp}"), 1
    while kept.exists():
        kept, number = folder.with_name(f"{folder.name}.broken-{stamp}-{number}"), number + 1
    folder.rename(kept)
    folder.mkdir(mode=0o700)
    return kept


def mend(binary: str, kept: Path, folder: Path) -> int | None:
    """Copy the broken files of ``kept`` to ``folder`` and cut the copy at the first command that is not whole.

    Returns how many bytes were cut off, or None when the files cannot be mended; ``folder`` is empty then.
    """
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        before = sum(path.stat().st_size for path in files(folder))
        manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
        target = manifest if manifest.exists() else folder / "appendonly.aof"
        # redis-check-aof is the server itself under another name.
        done = subprocess.run(
            ["redis-check-aof", "--fix", str(target)],
            executable=binary,
            input=b"y\ny\ny\n",
            capture_output=True,
            timeout=600,
            check=False,
        )
        if done.returncode == 0:
            return before - sum(path.stat().st_size for path in files(folder))
    except (OSError, subprocess.SubprocessError) as error:
        log.error("the broken data could not be copied for mending: %s", error)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return None
