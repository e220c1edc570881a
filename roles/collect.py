"""The role ``collect``: watch every source, fill the event log."""

from __future__ import annotations

import argparse
import asyncio
import signal
import threading
from collections.abc import Callable

import redis.asyncio as redis

from roles import child, journal, starting


def run(chosen: argparse.Namespace) -> int:
    """Collect until told to stop; the exit status."""
    journal.begin("collect", as_json=chosen.log_json, level=chosen.log_level)
    watcher = starting.configuration(chosen.config)
    url = starting.shared_redis(chosen, watcher.current)
    if chosen.child:
        child.end_with_parent()
    stop_following = threading.Event()
    starting.follow(watcher, stop_following)

    async def collect() -> None:
        from collectors import supervisor

        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        client = redis.Redis.from_url(url, socket_connect_timeout=5)
        try:
            await supervisor.collect(
                lambda: watcher.current.sources, client, clock=starting.clock, stop=stop, instance=starting.instance()
            )
        finally:
            stop_following.set()
            await client.aclose()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(collect())
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not made for every platform
        return None
    return uvloop.new_event_loop
