"""Many screens in one process, as cheap as they can be: they read, and say how old each change was when it arrived.

``python -m benchmarks.push_client HOST PORT PROJECT SCREENS`` connects, prints ``ready``, and at each line on standard
input prints, as JSON, the ages (milliseconds) of the changes heard since the line before.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from typing import cast

import uvloop

SENT = re.compile(rb'"sent":(\d+)')
CONNECT_AT_ONCE = 50


class Screen(asyncio.Protocol):
    """One stream. ``ages``: shared by all, ms."""

    def __init__(self, request: bytes, ages: list[float], opened: asyncio.Semaphore) -> None:
        self._request, self._ages, self._opened = request, ages, opened
        self._first = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._first:
            self._first = False
            self._opened.release()
        now = time.monotonic_ns()
        for sent in SENT.findall(data):
            self._ages.append((now - int(sent)) / 1e6)


async def main(host: str, port: int, project: str, screens: int) -> None:
    loop = asyncio.get_running_loop()
    ages: list[float] = []
    opened = asyncio.Semaphore(0)
    request = f"GET /api/v1/projects/{project}/live HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    for start in range(0, screens, CONNECT_AT_ONCE):
        group = range(start, min(screens, start + CONNECT_AT_ONCE))
        await asyncio.gather(
            *(loop.create_connection(lambda: Screen(request, ages, opened), host, port) for _ in group)
        )
        for _ in group:
            await opened.acquire()
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        heard, ages[:] = list(ages), []
        print(json.dumps([round(age, 3) for age in heard]), flush=True)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
