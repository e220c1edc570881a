"""The worker as a process of its own, for tests that kill it: ``python -m tests.operations.notify.telling REDIS_URL URL FILE PROJECT…``.

With a FILE it stops for ever just before a message goes out, and creates the file then; ``-`` for none.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import redis
from pydantic import SecretStr

from operations.notify.post import Post
from operations.notify.sender import AppriseSender
from operations.notify.words import Message
from operations.notify.worker import Worker
from tests.operations.notify.situation import Configured, project, route


class StopsBefore(AppriseSender):
    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def send(self, url: SecretStr, message: Message) -> None:
        self._file.touch()
        threading.Event().wait()


def main(redis_url: str, url: str, file: str, *names: str) -> None:
    sender = AppriseSender() if file == "-" else StopsBefore(Path(file))
    configured = Configured(
        [project(name) for name in names], [route(urls=(url,), group_wait_ms=200, repeat_ms=3_600_000)]
    )
    client = redis.Redis.from_url(redis_url)
    worker = Worker(client, configured, "killed", lambda: time.time_ns() // 1_000_000, Post(sender))  # type: ignore[arg-type]
    print("ready", flush=True)
    while True:
        worker.turn()


if __name__ == "__main__":
    main(*sys.argv[1:])
