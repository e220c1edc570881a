"""What the door for pushed events takes, and that nothing is lost or counted twice when its process is killed.

``python -m benchmarks.webhook [BATCHES]``. A real web process on one core, a real Redis and real HTTP clients on the other ones, batches of 100
signed events on kept-alive connections. First the rate; then the same while the web process is killed with SIGKILL in the middle, again and
again, started anew, and its senders try again; then an engine folds the log, and each id must have counted once. Linux only.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

from benchmarks.pipeline import applied, cpu_s
from benchmarks.push import machine
from benchmarks.roles import TOP, process, until
from collectors import event_log
from operations.store.embedded_redis import EmbeddedRedis, mortal

WANTED_EVENTS_A_S = 5_000
EVENTS = 100
CONNECTIONS = 4
KILLS = 3
SECRET = "a secret of the benchmark"

CONFIGURATION = """
redis: {redis}
sources:
  push: {{kind: webhook, secret: {secret}, survey: {{top_box_from: 4}}}}
projects:
  p: {{name: P, queues: [{queues}]}}
"""


class Web:
    """The web role on one core and one port, which can be killed and started again."""

    def __init__(self, configuration: Path, core: int | None = None) -> None:
        self._configuration, self._core = configuration, core
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._process: subprocess.Popen[bytes]

    def start(self) -> None:
        """It listens on the same socket every time: who connects meanwhile waits in the kernel, as behind a load balancer."""
        number = self._listener.fileno()
        command = [sys.executable, "app.py", "serve", "--config", str(self._configuration), "--fd", str(number)]
        core = self._core
        self._process = subprocess.Popen(
            mortal([*command, "--log-level", "error"]),
            cwd=TOP,
            pass_fds=[number],
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._listener.close()


def sender(port: int, batches: int, connections: int) -> list[str]:
    """The command of a sending process."""
    words = (port, "push", SECRET, batches, EVENTS, connections)
    return [sys.executable, "-m", "benchmarks.webhook_sender", *map(str, words)]


def rate(web: Web, batches: int) -> dict[str, Any]:
    """Send as fast as it is taken; what the sender says, with the share of its core that the web process used."""
    began, cpu = time.monotonic(), cpu_s(web.pid)
    answer = subprocess.run(sender(web.port, batches, CONNECTIONS), cwd=TOP, stdout=subprocess.PIPE, check=True)
    said: dict[str, Any] = json.loads(answer.stdout)
    return said | {"core": (cpu_s(web.pid) - cpu) / (time.monotonic() - began)}


def killed(web: Web, client: redis.Redis, batches: int) -> dict[str, Any]:
    """The same, and the web process is killed each time that a further part of the entries is in the log."""
    entries = batches * CONNECTIONS
    with process(sender(web.port, batches, CONNECTIONS), stdout=subprocess.PIPE) as sending:
        before = client.xlen(event_log.stream_key("push"))
        for part in range(1, KILLS + 1):
            due = before + entries * part // (KILLS + 1)
            until("the senders go on", lambda due=due: client.xlen(event_log.stream_key("push")) >= due, 120)  # type: ignore[misc]
            web.kill()
            web.start()
        assert sending.stdout is not None
        said: dict[str, Any] = json.loads(sending.stdout.read())
        return said


def counted(client: redis.Redis, name: str) -> int:
    """A counter over all queues, as the engine has written it."""
    return sum(
        json.loads(cell)["n"].get(name, 0)
        for key in client.scan_iter("quarters:*")
        for field, cell in client.hgetall(key).items()
        if b"\x1e" not in field
    )


def folded(client: redis.Redis, configuration: Path) -> None:
    """Let an engine fold the whole log."""
    entries = sum(client.xlen(key) for key in client.scan_iter("events:*"))
    command = [sys.executable, "app.py", "operate", "--config", str(configuration), "--log-level", "error"]
    with process(command):
        until("an engine begins", lambda: applied(client) > 0, 60)
        seen = -1
        while seen != (now := applied(client)):
            seen = now
            time.sleep(2)
    assert entries


def main(words: list[str]) -> int:
    batches = int(words[0]) if words else 1_000
    print(machine())
    with tempfile.TemporaryDirectory(prefix="floorlight-bench-") as name, EmbeddedRedis(Path(name) / "data") as server:
        configuration = Path(name) / "wallboard.yaml"
        queues = ", ".join(f"push/q{i}" for i in range(10))
        configuration.write_text(
            CONFIGURATION.format(redis=json.dumps(server.url), secret=json.dumps(SECRET), queues=queues)
        )
        client = redis.Redis.from_url(server.url)
        web = Web(configuration, core=0)
        web.start()
        try:
            rate(web, 20)  # it has started, and is warm
            client.flushall()
            said = rate(web, batches)
            reached = said["taken"] / said["seconds"]
            print(
                f"  {said['taken']:,} events in batches of {EVENTS}: {reached:,.0f} events/s on one core ({said['core']:.0%} of it; "
                f"the clients share the rest), answered in {said['median_ms']:.1f} ms (median), {said['p99_ms']:.1f} ms (99 %)"
            )
            client.flushall()
            said = killed(web, client, batches)
        finally:
            web.close()
        in_log = sum(fields[b"events"].count(b'"id"') for _, fields in client.xrange(event_log.stream_key("push")))
        folded(client, configuration)
        surveys = counted(client, "surveys")
        print(
            f"  killed {KILLS} times: {said['taken']:,} events taken, answers {said['answers']}; {in_log:,} in the log, "
            f"{surveys:,} counted"
        )
        whole = surveys == said["taken"] and counted(client, "survey_score_sum") == 500 * said["taken"]
    for held, what in (
        (reached >= WANTED_EVENTS_A_S, f"at least {WANTED_EVENTS_A_S:,} events/s on one core"),
        (whole, "nothing lost, each counted once, when the process is killed in the middle"),
    ):
        print(f"  {'reached' if held else 'NOT REACHED'}: {what}")
    return 0 if whole and reached >= WANTED_EVENTS_A_S else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
