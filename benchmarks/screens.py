"""What paired screens cost a web process: signed in by their tokens, fed, and saying every five seconds that they are there.

``python -m benchmarks.screens [SCREENS …]``. A real web process, a real Redis; each screen has a token of its own, a feed of one board on
which 40 numbers change 5 times a second, and a kept connection on which it asks ``/api/v1/screen`` as its page does. ``alone``: the feeds without
these contacts. ``turns``: besides, each asks every three seconds which of its projects are critical, as a playlist does. Linux only.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import redis
import redis.asyncio as redis_asyncio

from benchmarks.push import CHANGES_A_S, MEASURE_S, PROJECT, SETTLE_S, Board, Server, cpu_s, machine
from operations.store.embedded_redis import EmbeddedRedis
from operations.store.screens import Screen, ScreenStore, Token, Waiting

STEPS = (1, 50, 200)
CONTACT_S, TURN_S = 5.0, 3.0
ACCESS = "access: {users: []}\n"
MOST_MS_A_CONTACT = 1.0
"""Of processor, for one contact."""


async def paired(url: str, count: int) -> list[str]:
    """The tokens of so many screens, paired as a browser and a supervisor do it."""
    client = redis_asyncio.Redis.from_url(url)
    store, tokens = ScreenStore(client), []
    for number in range(count):
        waiting = await store.ask(f"tv {number}", f"10.0.{number // 200}.{number}", 0)
        assert isinstance(waiting, Waiting)
        await store.confirm(waiting.code, Screen(id=f"s{number}", name=f"Wall {number}", projects=(PROJECT,)))
        token = await store.ask(f"tv {number}", "", 0)
        assert isinstance(token, Token)
        tokens.append(token.token)
    await client.aclose()
    return tokens


class Walls:
    """Screens that read their feeds, in a thread of their own; those that speak ask again and again."""

    def __init__(self, port: int, tokens: list[str], ways: dict[str, float]) -> None:
        self._port, self._tokens, self._ways = port, tokens, ways
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._jobs: list[asyncio.Future[None]] = []
        self.heard = self.answers = self.refused = 0

    def __enter__(self) -> Walls:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _begin(self) -> None:
        for number, token in enumerate(self._tokens):
            self._start(self._watch(token))
            for path, every in self._ways.items():
                self._start(self._ask(token, path, every, every * number / len(self._tokens)))

    async def _end(self) -> None:
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        self._jobs.append(asyncio.ensure_future(job))  # the loop itself holds no task

    def _request(self, path: str, token: str) -> bytes:
        return (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: floorlight_screen={token}\r\n\r\n".encode()
        )

    async def _watch(self, token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(self._request(f"/api/v1/projects/{PROJECT}/live", token))
        try:
            while data := await reader.read(65_536):
                self.heard += data.count(b"event: change")
        finally:
            writer.close()

    async def _ask(self, token: str, path: str, every: float, first: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.sleep(first)
        try:
            while True:
                writer.write(self._request(path, token))
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                self.answers += 1
                self.refused += not head.startswith(b"http/1.1 200")
                await asyncio.sleep(every)
        finally:
            writer.close()


def measure(server: Server, board: Board, tokens: list[str], ways: dict[str, float]) -> tuple[float, Walls, int]:
    """The share of a core that the web process takes, what its screens heard, and how many changes there were."""
    with Walls(server.port, tokens, ways) as walls:
        board.run(SETTLE_S)
        cpu, began, walls.heard, walls.answers = cpu_s(server.process.pid), time.monotonic(), 0, 0
        steps = board.run(MEASURE_S)
        core = (cpu_s(server.process.pid) - cpu) / (time.monotonic() - began)
        time.sleep(0.5)  # the last change is still on its way
        return core, walls, steps


def main(words: list[str]) -> int:
    steps = tuple(int(word) for word in words) or STEPS
    contact = {"/api/v1/screen": CONTACT_S}
    turns = {**contact, f"/api/v1/critical?projects={PROJECT}": TURN_S}
    print(f"screens: paired, {CHANGES_A_S} changes/s, one web process; {machine()}")
    print("  screens    alone   with contacts   ms/contact   with turns   changes heard by each")
    faults = []
    with (
        tempfile.TemporaryDirectory(prefix="floorlight-bench-") as name,
        EmbeddedRedis(Path(name)) as embedded,
        redis.Redis.from_url(embedded.url) as client,
    ):
        board = Board(client)
        board.step()
        tokens = asyncio.run(paired(embedded.url, max(steps)))
        server = Server(Path(name), embedded.url, ACCESS)
        try:
            for count in steps:
                alone, _, _ = measure(server, board, tokens[:count], {})
                spoken, walls, changes = measure(server, board, tokens[:count], contact)
                turning, others, _ = measure(server, board, tokens[:count], turns)
                each = max(0.0, spoken - alone) / (count / CONTACT_S) * 1000
                heard = walls.heard / count / changes
                print(
                    f"  {count:>7} {alone:>8.1%} {spoken:>12.1%} {each:>14.2f} {turning:>13.1%} {heard:>16.0%}",
                    flush=True,
                )
                if walls.refused or others.refused:
                    faults.append(f"{walls.refused + others.refused} questions of {count} screens were refused")
                if count >= 100 and each >= MOST_MS_A_CONTACT:
                    faults.append(f"a contact takes {each:.2f} ms; under {MOST_MS_A_CONTACT:.0f} ms was promised")
            notes = client.hlen("{screens}:seen")
            print(f"  contacts written down of {notes} screens, each at most every 10 s")
        finally:
            server.stop()
    for fault in faults:
        print(f"  NOT REACHED: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
