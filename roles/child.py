"""A role's process and the program that started it: neither outlives the other unseen.

The child's standard input is a pipe that the parent holds open and never writes to; its end means that the parent is
gone, however it went. On Linux the kernel sends a SIGTERM besides.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

FAREWELL_S = 3.0


def end_with_parent() -> None:
    """In the child: end when standard input ends, politely first, within ``FAREWELL_S`` in any case."""

    def watch() -> None:
        while True:
            try:
                if not os.read(0, 1024):
                    break
            except InterruptedError:
                continue
            except OSError:
                break
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(FAREWELL_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def on_stop(stop: Callable[[], None]) -> None:
    """Call ``stop`` at SIGTERM or Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
