"""``app.py import SOURCE FILE …``: load the history that a source's own log holds."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import redis
import redis.asyncio

from collectors.collector import CollectorError
from operations.store.data_folder import DataFolder
from operations.store.embedded_redis import EmbeddedRedis, EmbeddedRedisError
from roles import everything, journal, starting
from roles.starting import CannotStart


def run(chosen: argparse.Namespace) -> int:
    """Import the files; the exit status."""
    journal.begin("import", as_json=chosen.log_json, level=chosen.log_level)
    configured = starting.configuration(chosen.config).current
    if chosen.source not in configured.sources:
        raise CannotStart(
            f"{chosen.config} has no source {chosen.source!r}; its sources: {', '.join(configured.sources) or 'none'}",
            2,
        )
    zone = ZoneInfo(getattr(configured.sources[chosen.source], "time_zone", "UTC"))
    with contextlib.ExitStack() as stack:
        url = starting.named_redis(chosen, configured) or _embedded(stack)
        try:
            asyncio.run(_load(url, chosen.source, chosen.files, zone))
        except CollectorError as error:
            raise CannotStart(str(error)) from error
        except redis.RedisError as error:
            raise CannotStart(
                f"Redis at {starting.without_secret(url)} does not take the history: {error}; import again when it does"
            ) from error
    return 0


def _embedded(stack: contextlib.ExitStack) -> str:
    """The URL of the embedded Redis: the one of a wallboard that runs on the data folder, else one started for the import."""
    folder = DataFolder(everything.data_folder())
    try:
        return stack.enter_context(EmbeddedRedis(folder.path)).url
    except EmbeddedRedisError as error:
        path = folder.recorded().get("socket")
        if "in use" in str(error) and path and Path(path).exists():
            return f"unix://{path}"
        raise CannotStart(str(error)) from error


async def _load(url: str, source: str, files: list[Path], zone: ZoneInfo) -> None:
    from collectors.queue_log.importer import ProgressLine, import_file

    progress = ProgressLine(sys.stderr)
    client = redis.asyncio.Redis.from_url(url, socket_connect_timeout=5)
    try:
        report = await import_file(files, source, client, clock=starting.clock, progress=progress, zone=zone)
    finally:
        progress.close()
        await client.aclose()
    print(report.text())
