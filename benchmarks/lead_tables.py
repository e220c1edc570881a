"""What 200 ticking rows cost a browser: the team lead's plain table against dash-ag-grid.

``python -m benchmarks.lead_tables`` opens both in Chromium with a CPU slowed six times, lets them tick, and prints for each: bytes
transferred, the time to the first rows, and how much of the main thread goes into a second of ticking. docs/decisions/lead-tables.md
rests on it.
"""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis

from operations.store import boards, keys
from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.publisher import board_checked, kpi, now_ms, source_says
from tests.machinery import chromium
from tests.machinery.running import ROOT, free_port, wait_until

ROWS = 200
SLOWER = 6
SETTLE_S = 5
MEASURE_S = 20
STATES = ("available", "ringing", "on_contact", "wrap_up", "paused")


def people() -> list[dict[str, Any]]:
    """Rows as a board has them, since a few seconds to a few minutes."""
    began = datetime.now(UTC)
    return [
        {
            "id": f"demo/Agent {i:03}",
            "name": f"Agent {i:03}",
            "condition": STATES[i % 5],
            "reason": "Lunch" if i % 5 == 4 else "",
            "since": (began - timedelta(seconds=7 * i % 600)).isoformat(),
            "queues": ["demo/one"],
            "queue": "",
            "missed": i % 4,
        }
        for i in range(ROWS)
    ]


GRID_SCRIPT = """<script>
  window.dashAgGridFunctions = {age(since) {
    const s = Math.floor((Date.now() - Date.parse(since)) / 1000);
    return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
  }};
  setInterval(() => window.dash_ag_grid?.getApiAsync('grid').then((api) => api.refreshCells({columns: ['since']})), 1000);
</script></body>"""
"""The cheapest way to let a column tick: only the cells on the screen are asked for their value anew."""


def grid(port: int) -> None:
    """A Dash page with nothing but the same rows in a dash-ag-grid whose times tick."""
    import dash
    import dash_ag_grid
    from dash import html

    app = dash.Dash(__name__)

    @app.server.after_request
    def _gzip(response: Any) -> Any:
        response.direct_passthrough = False
        response.set_data(gzip.compress(response.get_data(), 6))
        response.headers["Content-Encoding"] = "gzip"
        return response

    app.index_string = app.index_string.replace("</body>", GRID_SCRIPT)
    columns = [{"field": name} for name in ("name", "condition", "reason", "missed")]
    columns.insert(2, {"field": "since", "valueGetter": {"function": "age(params.data.since)"}})
    app.layout = html.Main(
        dash_ag_grid.AgGrid(
            id="grid", rowData=people(), columnDefs=columns, getRowId="params.data.id", style={"height": "700px"}
        )
    )
    app.run(port=port)


@contextmanager
def desk(port: int) -> Iterator[None]:
    """The real page with a board of as many people, kept alive as an engine would."""
    with tempfile.TemporaryDirectory(prefix="floorlight-bench-") as folder, EmbeddedRedis(Path(folder)) as server:
        config = Path(folder) / "wallboard.yaml"
        config.write_text(
            f"redis: {json.dumps(server.url)}\nsources: {{demo: {{kind: simulator}}}}\nprojects: {{p: {{queues: [demo/one]}}}}\n"
        )
        client = redis.Redis.from_url(server.url)
        head = {"project": "p", "at": datetime.now(UTC).isoformat(), "revision": 1, "time_zone": "UTC", "layout": ""}
        head["limits"] = {"pause_s": 300, "wrap_up_s": 120, "pause_by_reason_s": {}}
        parts = {boards.HEAD: boards.encode(head), boards.KPIS: boards.encode({"contacts_waiting": kpi(0)})}
        parts |= {boards.AGENT + row["id"]: boards.encode(row) for row in people()}
        client.hset(keys.board("p"), mapping=parts)  # type: ignore[arg-type]
        command = [sys.executable, "app.py", "serve", "--config", str(config), "--port", str(port)]
        alive = [sys.executable, "-m", "benchmarks.lead_tables", "alive", server.url]
        with subprocess.Popen(command, cwd=ROOT) as serving, subprocess.Popen(alive, cwd=ROOT) as living:
            try:
                yield
            finally:
                serving.terminate()
                living.terminate()


def keep_alive(url: str) -> None:
    """The signs of life without which the page withdraws its numbers."""
    client = redis.Redis.from_url(url)
    began = now_ms()
    while True:
        source_says(client, "demo", began, written_at=now_ms(), last_word_at=now_ms())
        board_checked(client, "p", now_ms())
        time.sleep(1)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def measure(url: str, row: str) -> dict[str, float]:
    """What the browser says of a page: ``row`` is the selector of its rows."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        link = page.context.new_cdp_session(page)
        link.send("Network.enable")
        link.send("Performance.enable", {"timeDomain": "threadTicks"})
        link.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        sizes: list[float] = []
        link.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        began = time.monotonic()
        page.goto(url, wait_until="commit")
        page.wait_for_selector(row, timeout=60_000)
        first = time.monotonic() - began
        page.wait_for_timeout(SETTLE_S * 1000)
        ticking = page.locator(f"{row}:first-child").inner_text()
        page.wait_for_timeout(1_500)
        assert page.locator(f"{row}:first-child").inner_text() != ticking, "the times stand still"

        def metrics() -> dict[str, float]:
            return {each["name"]: each["value"] for each in link.send("Performance.getMetrics")["metrics"]}

        before = metrics()
        page.wait_for_timeout(MEASURE_S * 1000)
        after = metrics()
        browser.close()
    told = {
        f"{name} ms/s": (after[name] - before[name]) * 1000 / MEASURE_S
        for name in ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
    }
    return {
        "transferred KB": sum(sizes) / 1024,
        "first rows s": first,
        **told,
        "heap MB": after["JSHeapUsedSize"] / 2**20,
        "DOM nodes": after["Nodes"],
    }


def main() -> None:
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "benchmarks.lead_tables", "grid", str(port)], cwd=ROOT) as serving:
        try:
            wait_until("the grid is served", lambda: answers(port))
            found = {"dash-ag-grid": measure(f"http://127.0.0.1:{port}/", ".ag-center-cols-container .ag-row")}
        finally:
            serving.terminate()
    port = free_port()
    with desk(port):
        wait_until("the desk is served", lambda: answers(port))
        found["plain table"] = measure(f"http://127.0.0.1:{port}/lead/p", ".lead-row")
    for name in found["plain table"]:
        print(f"{name:24}" + "".join(f"{kind}: {said[name]:10.1f}   " for kind, said in found.items()))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["grid", port]:
            grid(int(port))
        case ["alive", url]:
            keep_alive(url)
        case _:
            main()
