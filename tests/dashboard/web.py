"""A web process as the product runs it, for tests: ``python -m tests.dashboard.web CONFIG REDIS_URL``.

The configuration's kinds of source are small ones of our own, so that these tests know no ACD.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import ClassVar

from collectors.collector import SourceSettings
from dashboard.server import create
from dashboard.serving import listen, serve
from operations.projects.watcher import ConfigurationWatcher


class SimulatorSettings(SourceSettings):
    seed: int = 1


class PbxSettings(SourceSettings):
    host: str = "127.0.0.1"


class Simulator:
    kind: ClassVar[str] = "simulator"
    Settings = SimulatorSettings


class Pbx:
    kind: ClassVar[str] = "pbx"
    Settings = PbxSettings


KINDS = {"simulator": Simulator, "pbx": Pbx}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def main(config: str, redis_url: str, port: str = "0") -> None:
    watcher = ConfigurationWatcher(config, {}, KINDS)
    app = create(watcher, redis_url, clock=now_ms)
    listener = listen("127.0.0.1", int(port), signed_in=watcher.current.access is not None)
    asyncio.run(serve(app, listener, ready=lambda address: print(address, flush=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
