"""From an event on the wire to the number drawn in Chromium, with every role as a process of its own.

``python -m benchmarks.latency [SECONDS]``. A PBX with 40 queues and 200 people sends about 100 AMI messages a second over TCP; ``collect``,
``operate`` and ``serve`` work on an embedded Redis; 20 screens watch the one board with all the queues: 19 plain readers and a Chromium
page. Timed is each message that changes how many wait in a queue whose row can be seen: from just before it is written to the socket until
the number stands in the page (``MutationObserver``), and until the frame with it was drawn (the first task after its animation frame). Both
on this machine's clock. On the way the message's contact is looked for in the event log, in the published board and in a reader's stream,
which says where the time goes.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis.asyncio as aioredis
from playwright.async_api import Page, async_playwright

from benchmarks.phone_centre import PhoneCentre, Said
from benchmarks.push import cpu_s, machine
from benchmarks.roles import role
from collectors import event_log
from operations.store import keys
from operations.store.embedded_redis import EmbeddedRedis
from tests.collectors.ami_server import SECRET, USER, AmiServer
from tests.collectors.recordings import Recording
from tests.machinery import chromium

QUEUES, AGENTS, CALLS_A_S = 40, 200, 9.5
SCREENS, PAGES = 20, 1
MEASURE_S = 60.0
SETTLE_S = 5.0
WITHIN_MS = 450
"""A number that comes later is lost to its message: the queue's next may be out. It counts as not drawn."""
MEDIAN_MS, P99_MS = 40.0, 150.0
PROJECT = "floor"

CONFIGURATION = """
site: {{time_zone: UTC}}
redis: {redis}
sources:
  hq: {{kind: asterisk, host: 127.0.0.1, port: {port}, username: {user}, password: {secret}}}
projects:
  {project}: {{name: Floor, queues: [{queues}]}}
"""

WATCH = """
(() => {
  const drawn = window.drawn = [];
  const now = () => performance.timeOrigin + performance.now();
  let waiting = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { const at = now(); for (const row of waiting) row.painted = at; waiting = []; };
  const cell = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest('[data-kpi="contacts_waiting"][data-queue]');
  new MutationObserver((records) => {
    const at = now();
    const asked = waiting.length > 0;
    for (const place of new Set(records.map((record) => cell(record.target)).filter(Boolean))) {
      if (place.closest('tr')?.hidden) continue;
      const row = { queue: place.dataset.queue, text: place.textContent, at, painted: null };
      drawn.push(row);
      waiting.push(row);
    }
    if (!asked && waiting.length) requestAnimationFrame(() => channel.port2.postMessage(0));
  }).observe(document, { subtree: true, childList: true, characterData: true });
})()
"""


def now_ms() -> float:
    """This machine's clock, as Chromium reads it too; epoch ms."""
    return time.time_ns() / 1e6


@dataclass
class Trace:
    """When things were where, by queue: (epoch ms, number of contacts waiting), oldest first."""

    seen: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def note(self, queue: str, at: float, waiting: int) -> None:
        self.seen.setdefault(queue, []).append((at, waiting))

    def first(self, queue: str, after: float, waiting: int) -> float | None:
        """When ``waiting`` was first seen after a moment, in milliseconds from it."""
        rows = self.seen.get(queue, [])
        for at, value in rows[bisect.bisect_left(rows, (after, -1)) :]:
            if at > after + WITHIN_MS:
                return None
            if value == waiting:
                return at - after
        return None


class Reader(asyncio.Protocol):
    """One plain screen; the first of them also says when each queue's number arrived."""

    def __init__(self, request: bytes, trace: Trace | None) -> None:
        self._request, self._trace, self._rest = request, trace, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self._trace is None:
            return
        at = now_ms()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                note_board(self._trace, line[6:], at)


def note_board(trace: Trace, raw: bytes, at: float) -> None:
    """What a change says of how many wait."""
    for name, queue in (json.loads(raw).get("queues") or {}).items():
        entry = (queue or {}).get("kpis", {}).get("contacts_waiting") or {}
        if entry.get("value") is not None:
            trace.note(name, at, entry["value"])


async def watch_log(client: aioredis.Redis, logged: dict[str, float]) -> None:
    """When each contact's words were in the event log: by (type, contact)."""
    position = "$"
    while True:
        for _, entries in await client.xread({event_log.stream_key("hq"): position}, block=1_000) or []:
            at = now_ms()
            for entry, fields in entries:
                position = entry
                for event in json.loads(fields[b"events"]):
                    if event["type"] in ("entered", "answered", "abandoned"):
                        logged.setdefault(f"{event['queue']}/{event['type']}/{event['contact']}", at)


async def watch_boards(client: aioredis.Redis, trace: Trace) -> None:
    """When each board was published."""
    async with client.pubsub() as heard:
        await heard.subscribe(keys.channel(PROJECT))
        async for message in heard.listen():
            if message["type"] == "message":
                note_board(trace, message["data"], now_ms())


@dataclass
class Sent:
    """A message that changes a number: when it was written, and what the log calls it."""

    at: float
    queue: str
    waiting: int
    name: str


async def play(centre: PhoneCentre, server: AmiServer, began: float, sent: list[Sent]) -> None:
    """Send the centre's messages in step with the clock."""
    kinds = {"QueueCallerJoin": "entered", "AgentConnect": "answered", "Hangup": "abandoned"}
    for said in centre.told():
        if (ahead := began + said.at / 1000 - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        if said.queue:
            sent.append(Sent(now_ms(), f"hq/{said.queue}", said.waiting, _name(said, kinds)))
        server.send(said.raw.decode().replace("\r\n", "\n"))


def _name(said: Said, kinds: dict[str, str]) -> str:
    fields = dict(line.split(": ", 1) for line in said.raw.decode().split("\r\n") if ": " in line)
    return f"{said.queue}/{kinds[fields['Event']]}/{fields['Uniqueid']}"


@asynccontextmanager
async def pages(port: int, count: int) -> AsyncIterator[list[Page]]:
    """Chromium pages on the wall, each in a window of its own."""
    async with async_playwright() as driver:
        path = chromium.find() or chromium.install()
        if path is None:
            raise SystemExit(chromium.MISSING)
        browser = await driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            opened = []
            for _ in range(count):
                context = await browser.new_context(viewport={"width": 1920, "height": 1080})
                page = await context.new_page()
                await page.add_init_script(WATCH)
                await page.goto(f"http://127.0.0.1:{port}/wall/{PROJECT}")
                await page.wait_for_selector('[data-kpi="contacts_waiting"][data-queue]')
                opened.append(page)
            yield opened
        finally:
            await browser.close()


@dataclass
class Result:
    """Milliseconds from the wire to each place, one for each message and page where it was seen there."""

    rate: float
    visible: int
    events: int
    stages: dict[str, list[float]]
    missing: int
    cores: dict[str, float]

    @property
    def drawn(self) -> list[float]:
        return sorted(self.stages["frame drawn"])


async def run(seconds: float = MEASURE_S) -> Result:
    """Measure. Everything that was started is ended."""
    centre = PhoneCentre(QUEUES, AGENTS, CALLS_A_S, 0)
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="floorlight-bench-")))
        embedded = held.enter_context(EmbeddedRedis(folder / "data"))
        server = AmiServer(Recording(b"", [(0, row) for row in centre.listing()]), speed=1.0)
        async with server:
            configuration = folder / "latency.yaml"
            configuration.write_text(
                CONFIGURATION.format(
                    redis=embedded.url,
                    port=server.port,
                    user=USER,
                    secret=SECRET,
                    project=PROJECT,
                    queues=", ".join(f"hq/{queue.name}" for queue in centre.queues),
                )
            )
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = int(probe.getsockname()[1])
            processes = {
                name: held.enter_context(role(name, configuration, *words)).pid
                for name, words in (("collect", ()), ("operate", ()), ("serve", ("--port", str(port))))
            }
            return await _watched(centre, server, embedded.url, port, processes, seconds)


async def _watched(
    centre: PhoneCentre, server: AmiServer, url: str, port: int, processes: dict[str, int], seconds: float
) -> Result:
    client = aioredis.Redis.from_url(url)
    await _until_up(client)
    loop = asyncio.get_running_loop()
    request = f"GET /api/v1/projects/{PROJECT}/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    logged: dict[str, float] = {}
    published, arrived = Trace(), Trace()
    sent: list[Sent] = []
    for n in range(SCREENS - PAGES):
        trace = None if n else arrived
        for _ in range(100):
            try:
                await loop.create_connection(lambda: Reader(request, trace), "127.0.0.1", port)  # noqa: B023
                break
            except OSError:
                await asyncio.sleep(0.1)
    tasks = [
        asyncio.create_task(watch_log(client, logged)),
        asyncio.create_task(watch_boards(client, published)),
        asyncio.create_task(play(centre, server, time.monotonic(), sent)),
    ]
    try:
        async with pages(port, PAGES) as opened:
            await asyncio.sleep(SETTLE_S)
            cpu = {name: cpu_s(pid) for name, pid in processes.items()}
            began, first = now_ms(), len(sent)
            messages = centre.said
            await asyncio.sleep(seconds)
            rate = (centre.said - messages) / seconds
            measured = [row for row in sent[first:] if row.at < now_ms() - 2 * WITHIN_MS]
            cores = {name: (cpu_s(pid) - cpu[name]) / seconds for name, pid in processes.items()}
            stages: dict[str, list[float]] = {
                name: []
                for name in ("event log", "board published", "reader's stream", "number written", "frame drawn")
            }
            for row in measured:
                if (at := logged.get(row.name)) is not None:
                    stages["event log"].append(at - row.at)
                for name, trace in (("board published", published), ("reader's stream", arrived)):
                    if (late := trace.first(row.queue, row.at, row.waiting)) is not None:
                        stages[name].append(late)
            events = missing = visible = 0
            for page in opened:
                rows = await page.evaluate("window.drawn.filter((row) => row.painted)")
                seen = await page.evaluate(
                    "[...document.querySelectorAll('tr.queue:not([hidden]) [data-kpi=contacts_waiting]')].map((e) => e.dataset.queue)"
                )
                visible = len(seen)
                written, drawn = traces(rows)
                for row in measured:
                    if row.queue not in seen or row.at < began:
                        continue
                    events += 1
                    late, shown = (trace.first(row.queue, row.at, row.waiting) for trace in (written, drawn))
                    if late is not None and shown is not None:
                        stages["number written"].append(late)
                        stages["frame drawn"].append(shown)
                    else:
                        missing += 1
            return Result(rate, visible, events, stages, missing, cores)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.aclose()


def traces(rows: list[dict[str, Any]]) -> tuple[Trace, Trace]:
    """What a page saw, by when it was written and by when it was drawn."""
    written, drawn = Trace(), Trace()
    for row in rows:
        if row["text"].strip().isdigit():
            written.note(row["queue"], row["at"], int(row["text"]))
            drawn.note(row["queue"], row["painted"], int(row["text"]))
    return written, drawn


async def _until_up(client: aioredis.Redis) -> None:
    """Until the PBX was taken over and there is a board."""
    for _ in range(300):
        status = json.loads(await client.get(event_log.status_key("hq")) or b"{}")
        if status.get("state") == "up" and await client.exists(keys.board(PROJECT)):
            return
        await asyncio.sleep(0.1)
    raise SystemExit("the made-up PBX was not taken over within 30 s")


def at_part(sorted_ms: list[float], part: float) -> float:
    """A percentile; not a number when there is nothing."""
    return sorted_ms[min(len(sorted_ms) - 1, int(len(sorted_ms) * part))] if sorted_ms else float("nan")


def report(result: Result) -> list[str]:
    """The figures, and what was promised and not reached."""
    lines = [
        f"latency: {QUEUES} queues, {AGENTS} agents, {result.rate:.0f} AMI messages/s, {SCREENS} screens ({PAGES} of them Chromium, "
        f"{result.visible} rows seen); {machine()}",
        f"  {'from the wire to':<22} {'median':>8} {'p90':>8} {'p99':>8} {'most':>8}      n",
    ]
    for name, ms in result.stages.items():
        row = sorted(ms)
        lines.append(
            f"  {name:<22}" + "".join(f" {at_part(row, p):>8.1f}" for p in (0.5, 0.9, 0.99, 1.0)) + f" ms {len(row):>6}"
        )
    lines.append(
        f"  {result.events} numbers to be drawn, {result.missing} not within {WITHIN_MS} ms; of a core: "
        + ", ".join(f"{name} {share:.0%}" for name, share in result.cores.items())
    )
    return lines


def faults(result: Result) -> list[str]:
    """What was promised and not reached, in words."""
    found = []
    late = sorted([*result.drawn, *[float(WITHIN_MS)] * result.missing])
    if not late or at_part(late, 0.5) >= MEDIAN_MS:
        found.append(f"median {at_part(late, 0.5):.0f} ms; under {MEDIAN_MS:.0f} ms was promised")
    if not late or at_part(late, 0.99) >= P99_MS:
        found.append(f"p99 {at_part(late, 0.99):.0f} ms; under {P99_MS:.0f} ms was promised")
    if len(late) < 300:
        found.append(f"only {len(late)} numbers were to be drawn")
    return found


def main(words: list[str]) -> int:
    result = asyncio.run(run(float(words[0]) if words else MEASURE_S))
    wrong = faults(result)
    print("\n".join([*report(result), *(f"  NOT REACHED: {fault}" for fault in wrong)]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
