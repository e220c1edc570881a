"""The role ``operate``: turn the event log into counters, boards and alerts."""

from __future__ import annotations

import argparse
import gc
import threading

from roles import child, journal, starting


def run(chosen: argparse.Namespace) -> int:
    """Operate until told to stop; the exit status."""
    journal.begin("operate", as_json=chosen.log_json, level=chosen.log_level)
    watcher = starting.configuration(chosen.config)
    url = starting.shared_redis(chosen, watcher.current)
    if chosen.child:
        child.end_with_parent()
    starting.follow_edits(watcher, url)
    from operations import engine
    from operations.notify import worker

    # The floor holds many small objects for a day and makes no cycles: looking for some at each 700th new object only costs.
    gc.set_threshold(100_000, 50, 50)
    stop = threading.Event()
    child.on_stop(stop.set)
    telling = worker.start(watcher, url, stop=stop, instance=starting.instance(), clock=starting.clock)
    engine.operate(watcher, url, stop=stop, instance=starting.instance(), clock=starting.clock)
    telling.join(worker.FAREWELL_S + 0.5)
    return 0
