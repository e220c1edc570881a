"""The program's roles as processes of a benchmark, each ended with it whatever happens."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from operations.store.embedded_redis import mortal

TOP = Path(__file__).resolve().parent.parent


@contextmanager
def role(name: str, configuration: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """``app.py NAME`` with a configuration of its own."""
    command = [sys.executable, "app.py", name, "--config", str(configuration), "--log-level", "error", *words]
    with process(command) as started:
        yield started


@contextmanager
def process(command: list[str], **more: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block: asked at first, then killed. It ends with this process too, however that ends."""
    started = subprocess.Popen(mortal(command), cwd=TOP, **more)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
        for pipe in (started.stdin, started.stdout):
            if pipe is not None:
                pipe.close()


def until(what: str, true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that is sure to come; ends the benchmark with a word when it does not."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
