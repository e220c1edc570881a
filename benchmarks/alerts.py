"""Alert rules at work: one evaluation of 10,000 rules, memory over 100,000 ticks, an event until its alert is on a screen, and a storm.

``python -m benchmarks.alerts [ROUNDS]``. The first two and the storm run the product's own functions in this process. For the third, ``operate`` and
``serve`` are processes of their own on an embedded Redis, and two Chromium pages show a queue each, into which a contact comes in the same instant: one of a
project without any target, one of a project whose alert fires at once. The number on the one is what the banner on the other is compared with.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
import redis
from playwright.sync_api import Page, sync_playwright

from benchmarks.push import machine, memory_mb
from benchmarks.roles import role, until
from collectors import event_log
from collectors.collector import Status
from collectors.events import ContactAnswered, ContactEntered, Snapshot
from operations.alerts.budget import WINDOWS
from operations.alerts.keeper import AlertKeeper
from operations.floor.counters import Counters
from operations.notify.group import Alert, Group
from operations.notify.planner import plan
from operations.projects.contract import Block, Project, ServiceLevel, Target
from operations.projects.opening_hours import OpeningHours
from operations.projects.routes import Route
from operations.sources import SourceView
from operations.store.embedded_redis import EmbeddedRedis
from tests.machinery import chromium
from tests.machinery.running import free_port

NOON = 1_795_348_800_000
"""2026-11-22T12:00Z, when the projects are open."""
BOARDS, RULES = 1_000, 10
TICKS = 60
MEMORY_TICKS, WARM_TICKS = 100_000, 10_000
STORM_PROJECTS = 500

MOST_TICK_MS = 100.0
MOST_GROWN_MB = 1.0
MOST_LATER_MS = 100.0

UP = SourceView("up", NOON, NOON, NOON, 0.0, "")
VALUES: dict[str, tuple[float, float, float]] = {
    "service_level_pct": (91.0, 80.5, 60.0),
    "abandon_rate_pct": (2.0, 6.0, 12.0),
    "longest_wait_s": (10, 70, 140),
    "contacts_waiting": (1, 7, 14),
}
"""A calm value, one over the warning limit, one over the critical limit."""

TARGETS = (
    {"kpi": "service_level_pct", "window": "today", "goal": 80, "warning": 82, "critical": 70, "for": 2, "min_sample": 20},
    {"kpi": "abandon_rate_pct", "window": "today", "goal": 5, "warning": 5, "critical": 10, "for": 2, "min_sample": 20},
    {"kpi": "longest_wait_s", "goal": 60, "warning": 60, "critical": 120, "clear": 45, "for": 2, "clear_after": 2},
    {"kpi": "contacts_waiting", "goal": 5, "warning": 5, "critical": 10, "for": 1},
)  # fmt: skip


def project(number: int) -> Project:
    """Ten rules: four targets, its source, and the five of a month's error budget that 12 open hours a day can burn."""
    return Project(
        id=f"p{number}",
        name=f"Project {number}",
        queues=(f"hq/q{number}",),
        time_zone="UTC",
        opening=OpeningHours(zone="UTC", week=(((8 * 60, 20 * 60),),) * 7),
        targets=(Block(value=tuple(Target.model_validate(target) for target in TARGETS)),),
        service_level=(Block(value=ServiceLevel(within_s=20)),),
    )


class Rules:
    """The keepers of many projects, fed with entries as boards have them. ``worse``: 0 calm, 1 warning, 2 critical, by project and KPI."""

    def __init__(self, client: redis.Redis, boards: int) -> None:
        self.projects = [project(number) for number in range(boards)]
        self.keepers = [AlertKeeper(client, each) for each in self.projects]
        self.contract = self.projects[0].contract_on(self.projects[0].calendar.local_date(NOON))
        self._entries = {kpi: [self._entry(kpi, value) for value in values] for kpi, values in VALUES.items()}
        calm = Counters({"answered": 100}, {2: 95, 60: 5}, {})
        burning = Counters({"answered": 100}, {2: 5, 60: 95}, {})
        self._sums = tuple(dict.fromkeys(WINDOWS, sums) for sums in (calm, burning))

    def _entry(self, kpi: str, value: float) -> dict[str, Any]:
        target = next(target for target in self.contract.targets if target.kpi == kpi)
        return {"value": value, "sample": 400, "window": target.window, "why": "", "reason": ""}

    @property
    def count(self) -> int:
        return sum(len(keeper.rules) for keeper in self.keepers)

    def tick(self, now_ms: int, worse: list[int]) -> float:
        """Evaluate every rule once, on numbers that are there already. Milliseconds of this process's time."""
        boards = [{kpi: rows[level] for kpi, rows in self._entries.items()} for level in worse]
        began = time.process_time()
        for keeper, kpis, level in zip(self.keepers, boards, worse, strict=True):
            keeper.evaluate(
                self.contract, kpis, {}, {"hq": UP}, sums=self._sums[level > 0].__getitem__, is_open=True, now_ms=now_ms
            )
        took = (time.process_time() - began) * 1000
        for keeper in self.keepers:
            keeper.saved()  # as after the board's transaction
        return took


def evaluation(client: redis.Redis) -> list[str]:
    rules = Rules(client, BOARDS)
    calm = [0] * BOARDS
    rules.tick(NOON, calm)  # the first makes the rules
    assert rules.count == BOARDS * RULES, rules.count
    gc.collect()
    now, faults = NOON, []
    print(
        f"  {rules.count:,} rules over {BOARDS:,} boards, milliseconds of one core for one evaluation of all of them:"
    )
    for name, level_of in (
        ("calm", lambda tick, board: 0),
        (
            "one board in ten in trouble, another one each second",
            lambda tick, board: 2 if (board + tick) % 10 == 0 else 0,
        ),
        ("every second board burning", lambda tick, board: board % 2 * 2),
        ("every rule firing", lambda tick, board: 2),
    ):
        took = []
        for tick in range(TICKS):
            now += 1_000
            took.append(rules.tick(now, [level_of(tick, board) for board in range(BOARDS)]))
        firing = sum(state.firing for keeper in rules.keepers for state in keeper.states.values())
        took.sort()
        print(
            f"    {name:<52} median {took[len(took) // 2]:>6.1f}   worst {took[-1]:>6.1f}   ({firing:,} firing at the end)"
        )
        if took[len(took) // 2] > MOST_TICK_MS:
            faults.append(
                f"{name}: one evaluation takes {took[len(took) // 2]:.0f} ms; within {MOST_TICK_MS:.0f} ms was promised"
            )
    return faults


def memory(client: redis.Redis) -> list[str]:
    """One board whose alerts fire and end all the time."""
    rules = Rules(client, 1)
    grown = 0.0
    before = 0.0
    for tick in range(MEMORY_TICKS):
        rules.tick(NOON + tick * 1_000 % 3_600_000, [(tick // 7) % 3])
        if tick == WARM_TICKS:
            gc.collect()
            before = memory_mb(os.getpid())
    gc.collect()
    grown = memory_mb(os.getpid()) - before
    print(
        f"  {MEMORY_TICKS:,} ticks of {RULES} rules that fire and end: {before:.1f} MB after {WARM_TICKS:,}, "
        f"{grown:+.2f} MB since; {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most"
    )
    return [f"memory grew by {grown:.1f} MB; at most {MOST_GROWN_MB} MB was promised"] if grown > MOST_GROWN_MB else []


# ── an event until it is on the screen ────────────────────────────────────────────────────────────

SCREENS = """
sources:
  hq: {kind: queue_log, path: /nowhere/queue_log}
projects:
  plain: {name: Plain, queues: [hq/left], wall: [contacts_waiting]}
  judged:
    name: Judged
    queues: [hq/right]
    targets: [{kpi: contacts_waiting, goal: 0, critical: 1}]
    wall: [contacts_waiting]
"""

WATCH = """
(() => {
  window.drawn = [];
  const now = () => performance.timeOrigin + performance.now();
  new MutationObserver(() => {
    const tile = document.querySelector('#react-entry-point [data-kpi="contacts_waiting"] .number');
    const banner = document.querySelector('#react-entry-point [data-slot="banner"]');
    if (!tile || !banner) return;
    const state = `${tile.textContent}|${banner.dataset.look}`;
    if (state !== window.state) { window.state = state; window.drawn.push([now(), tile.textContent, banner.dataset.look]); }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['data-look'] });
})()
"""


class Source:
    """What a supervisor writes: that the source is up, and events."""

    def __init__(self, client: redis.Redis) -> None:
        self._client, self._next = client, 0.0

    def lives(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1
        now = now_ms()
        said = Status("hq", "queue_log", "up", now, now, last_word_at=now)
        self._client.set(event_log.status_key("hq"), msgspec.json.encode(said))

    def emit(self, *events: Any) -> None:
        pipe = self._client.pipeline(transaction=False)
        event_log.append_commands(pipe, "hq", list(events), now_ms())
        pipe.execute()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def on_screen(folder: Path, url: str, client: redis.Redis, rounds: int) -> list[str]:
    path = folder / "alerts.yaml"
    path.write_text(f"redis: {url}\n{SCREENS}")
    source = Source(client)
    source.lives()
    source.emit(Snapshot(now_ms(), now_ms(), ["left", "right"], [], []))
    browser_path = chromium.find() or chromium.install()
    if browser_path is None:
        raise SystemExit(chromium.MISSING)
    with ExitStack() as held:
        held.enter_context(role("operate", path))
        port = free_port()
        held.enter_context(role("serve", path, "--port", str(port)))
        until("the web process answers", lambda: _answers(port))
        playwright = held.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        held.callback(browser.close)
        plain, judged = (_wall(browser, port, name) for name in ("plain", "judged"))
        boards: list[float] = []
        alerts: list[float] = []
        order = (("left", "right"), ("right", "left"))  # neither project is always the first
        for number in range(rounds):
            _until(source, plain, judged, "0", "ok")
            sent = time.time_ns() / 1e6
            source.emit(*(ContactEntered(int(sent), queue, f"{queue}{number}") for queue in order[number % 2]))
            _until(source, plain, judged, "1", "critical")
            boards.append(_first(plain, lambda row: row[1] == "1") - sent)
            alerts.append(_first(judged, lambda row: row[2] == "critical") - sent)
            source.emit(*(ContactAnswered(now_ms(), queue, f"{queue}{number}", "Ann") for queue in order[0]))
    boards.sort()
    alerts.sort()
    board, alert = boards[len(boards) // 2], alerts[len(alerts) // 2]
    print(
        f"  event to screen in Chromium, {rounds} events, two pages: number without alerts median {board:.1f} ms "
        f"(p90 {boards[int(rounds * 0.9)]:.1f}), banner of the alert {alert:.1f} ms (p90 {alerts[int(rounds * 0.9)]:.1f}); "
        f"ratio {alert / board:.2f}, {alert - board:+.1f} ms"
    )
    late = alert - board > MOST_LATER_MS
    return (
        [f"an alert comes {alert - board:.0f} ms after the board; at most {MOST_LATER_MS:.0f} ms was promised"]
        if late
        else []
    )


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/v1/projects", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _wall(browser: Any, port: int, name: str) -> Page:
    page: Page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.add_init_script(WATCH)
    page.goto(f"http://127.0.0.1:{port}/wall/{name}")
    page.wait_for_selector('#react-entry-point [data-kpi="contacts_waiting"]')
    return page


def _until(source: Source, plain: Page, judged: Page, number: str, look: str) -> None:
    """Both pages are there; what they drew until then is forgotten when they are calm."""
    end = time.monotonic() + 20
    while True:
        source.lives()
        states = [str(page.evaluate("window.state") or "") for page in (plain, judged)]
        if states[0].startswith(f"{number}|") and states[1] == f"{number}|{look}":
            break
        if time.monotonic() > end:
            raise SystemExit(f"the pages did not show {number} and {look}: {states}")
        time.sleep(0.02)
    if look == "ok":
        time.sleep(0.15)
        for page in (plain, judged):
            page.evaluate("window.drawn.length = 0")


def _first(page: Page, true: Any) -> float:
    return float(next(row for row in page.evaluate("window.drawn") if true(row))[0])


# ── a storm ───────────────────────────────────────────────────────────────────────────────────────


def storm() -> list[str]:
    """Every rule of 500 projects breaks within a second; each is looked at as often as anything changes, for ten minutes."""
    always = OpeningHours(zone="UTC")
    routes = [Route(name=name, urls=(), hours=always) for name in ("mail", "chat")]
    most, sent = 0, 0
    for number in range(STORM_PROJECTS):
        alerts = tuple(
            Alert(
                f"r{rule}#{number}", "critical", iso(NOON), iso(NOON + (number * 7 + rule * 101) % 1_000), id=f"r{rule}"
            )
            for rule in range(RULES)
        )
        for route in routes:
            group, told = Group(), 0
            for second in range(600):
                now = NOON + second * 1_000
                planned = plan(route, tuple(alert for alert in alerts if alert.fired_ms <= now), group, now)
                group = planned.group
                told += planned.telling is not None
            most, sent = max(most, told), sent + told
    print(
        f"  {STORM_PROJECTS * RULES:,} alerts of {STORM_PROJECTS} projects within a second, two routes: {sent:,} messages, "
        f"at most {most} for a project and route"
    )
    return [f"a project and route got {most} messages; one was promised"] if most != 1 else []


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def main(words: list[str]) -> int:
    rounds = int(words[0]) if words else 60
    print(f"alerts: {machine()}")
    with (
        tempfile.TemporaryDirectory(prefix="floorlight-bench-") as name,
        EmbeddedRedis(Path(name) / "data") as embedded,
    ):
        client = redis.Redis.from_url(embedded.url)
        faults = evaluation(client) + memory(client) + storm()
        faults += on_screen(Path(name), embedded.url, client, rounds)
    for fault in faults:
        print(f"  NOT REACHED: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
