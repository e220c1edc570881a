"""The project manager's page: what it says, who may see it, and that nothing on it is out of date."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
import redis as redis_py
from cachelib.simple import SimpleCache

from collectors.collector import FLOOR
from dashboard import downloads, past
from dashboard.components import intraday as parts
from dashboard.components import intraday_charts as charts
from dashboard.components import intraday_news as news
from dashboard.components import intraday_tables as tables
from dashboard.components import intraday_tiles as tiles
from dashboard.components.intraday_view import View
from dashboard.components.static_html import static_html
from dashboard.i18n import words
from dashboard.i18n.intraday import PAGES
from dashboard.spreadsheet import Cell, Sheet, workbook
from operations.floor.counters import DAY_MS, QUARTER_MS, Counters
from operations.projects.calendar import Calendar
from operations.projects.contract import Block, Project, Target
from operations.store.embedded_redis import EmbeddedRedis
from tests.dashboard.conftest import WebProcess, configuration
from tests.dashboard.publisher import Publisher, now_ms, source_says
from tests.dashboard.test_access import ACCESS, MEI, ROOT
from tests.operations.intraday.past import at, contacts, project, told, write

TOP = Path(__file__).resolve().parents[2]

# ── What it says ──


def seen(
    client: redis_py.Redis,
    of: Project,
    now: int,
    kind: str = "day",
    day: str = "",
    queue: str = "",
    gives: Any = None,
    **more: Any,
) -> View:
    return View(of, told(client, of, now, kind, day, queue, gives=gives), words("en"), **more)


def shown(tree: Any) -> str:
    """A tree as somebody reads it."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", static_html(tree)))).strip()


def tile(view: View, kpi: str) -> tuple[str, str | None, str]:
    """Band, queue and number of a KPI on the page."""
    found = re.findall(r"<div([^>]*)><span class=.number.>([^<]*)<", static_html(parts.page(view, live=False)))
    marks, number = next((marks, number) for marks, number in found if f'data-kpi="{kpi}"' in marks)
    named = dict(re.findall(r'data-(\w+)="([^"]*)"', marks))
    return named["band"], named.get("queue"), number


@pytest.fixture
def day(redis: redis_py.Redis) -> tuple[Project, int]:
    """A Friday of 100 contacts, 27 of them late; the goal allows 20. 11:00 took 16 of 30."""
    of = project("hq/sales", "hq/=service")
    cells = {
        ("sales", at(of, "2026-11-20", "09:00")): contacts([1.0] * 50, handled=50, talk_ms=50 * 100_000),
        ("sales", at(of, "2026-11-20", "11:00")): contacts([1.0] * 10 + [60.0] * 20),
        ("=service", at(of, "2026-11-20", "14:00")): contacts([1.0] * 13, [60.0] * 7),
    }
    write(redis, "hq", cells, at(of, "2026-11-21"))
    return of, at(of, "2026-11-21", "09:00")


def test_a_day_that_missed_its_goal_says_by_how_much_and_where(redis: redis_py.Redis, day: tuple[Project, int]) -> None:
    of, now = day
    view = seen(redis, of, now, day="2026-11-20")
    assert news.verdict(view) == (
        "critical",
        "Missed: 73.0\u00a0% in time, the goal is 80\u00a0%. 7 misses too many. It was lost at 11:00.",
    )
    assert "− 7" not in shown(tiles.tiles(view))
    assert "Misses left −7 of 20 that the goal allowed" in shown(tiles.tiles(view))
    assert "Offered 100 nothing to compare with yet" in shown(tiles.tiles(view))


def test_what_a_source_does_not_tell_is_named_and_what_only_others_tell_is_not(
    redis: redis_py.Redis, day: tuple[Project, int]
) -> None:
    of, now = day
    whole = seen(redis, of, now, day="2026-11-20", gives={"hq": FLOOR, "crm": frozenset({"surveys"})})
    assert "Not reported" not in shown(news.news(whole))
    lame = seen(redis, of, now, day="2026-11-20", gives={"hq": FLOOR - {"talk", "agent_time"}})
    assert "Not reported by hq: Handling time and Agents." in shown(news.news(lame))
    assert "Agents — not reported" in shown(tiles.tiles(lame)), "nobody signed in would be another thing"
    assert charts.note(lame, "aht_s") == "not reported"
    other = seen(redis, of, now, day="2026-11-20", queue="hq/sales", gives={"hq": FLOOR, "branch": FLOOR - {"talk"}})
    assert "Not reported" not in shown(news.news(other)), "a queue is of one source"
    blind = seen(redis, of, now, day="2026-11-20", gives={"hq": FLOOR - {"talk"}}, kpis=frozenset({"offered"}))
    assert "Not reported" not in shown(news.news(blind)), "nobody learns of a number that is not for him"


def test_a_number_without_one_of_the_sources_says_so_on_the_page_and_in_the_files(redis: redis_py.Redis) -> None:
    of = project("hq/sales", "branch/sales")
    now = at(of, "2026-11-21")
    for source, talk in (("hq", 100_000), ("branch", 0)):
        write(redis, source, {("sales", at(of, "2026-11-20", "10:00")): contacts([1.0], talk_ms=talk)}, now)
    gives = {"hq": FLOOR, "branch": FLOOR - {"talk", "wrap"}}
    view = seen(redis, of, now, day="2026-11-20", gives=gives)
    said = "Not reported by branch, so these numbers are without it: Handling time."
    assert said in shown(news.news(view))
    assert tile(view, "aht_s") == ("none", None, "1:40")
    assert charts.note(view, "aht_s") == "Talk, hold and wrap-up per contact. · without branch"
    assert "1:40 without branch" in re.sub(" 1 contact", "", shown(tiles.tiles(view)))
    assert shown(tables.steps(view)).count("without branch") == 1
    head = downloads.as_csv(view).decode("utf-8-sig").splitlines()[0]
    assert '"Handling time (s), without branch"' in head
    assert head.count("without") == 1
    book = sheets(downloads.as_xlsx(view))
    assert [said] in book["Summary"]
    assert "Handling time, without branch" in book["Interval by interval"][0]
    queue = seen(redis, of, now, day="2026-11-20", queue="hq/sales", gives=gives)
    assert "without" not in shown(parts.page(queue, live=False)), "a queue is of one source"
    blind = seen(redis, of, now, day="2026-11-20", gives=gives, kpis=frozenset({"offered"}))
    assert "branch" not in shown(news.news(blind)), "nobody learns of a number that is not for him"


def test_a_service_level_that_no_source_can_tell_is_not_one_without_a_goal(
    redis: redis_py.Redis, day: tuple[Project, int]
) -> None:
    of, now = day
    view = seen(redis, of, now, day="2026-11-20", gives={"hq": FLOOR - {"abandons"}})
    assert news.verdict(view)[1] == "Not all that the service level is made of is reported."
    assert tile(view, "service_level_pct") == ("unknown", None, "—")
    assert "Service level — goal 80 % within 20 s not reported" in shown(tiles.tiles(view))
    assert "Misses left — not reported" in shown(tiles.tiles(view))
    assert shown(tables.lost(view)) == "What cost most not reported", "not: nothing was lost"
    assert ",Abandoned, not reported" in downloads.as_csv(view).decode().replace('"', "")
    untold = Counters({"offered": 5, "answered": 5})
    write(redis, "hq", {("sales", at(of, "2026-11-19", "09:00")): untold}, now)
    silent = shown(tables.lost(seen(redis, of, now, day="2026-11-19")))
    assert silent.startswith("What cost most The ACD did not tell how long everybody waited")
    week = seen(redis, of, now, "week", gives={"hq": FLOOR - {"contacts"}})
    assert "Offered — not reported" in shown(tiles.tiles(week))
    assert charts.figures(week) and downloads.as_xlsx(week) and downloads.as_csv(week)


def test_a_day_that_held_says_what_was_to_spare(redis: redis_py.Redis) -> None:
    of = project()
    now = at(of, "2026-11-21")
    write(redis, "hq", {("sales", at(of, "2026-11-20", "10:00")): contacts([1.0] * 19 + [60.0])}, now)
    view = seen(redis, of, now, day="2026-11-20")
    assert news.verdict(view) == ("ok", "Held: 95.0\u00a0% in time, the goal is 80\u00a0%. 3 misses to spare.")


@pytest.mark.parametrize(
    ("left", "sentence"),
    [
        (12, "The goal can still be met: 12 more misses are allowed."),
        (-3, "The misses that the goal allows are used up: 3 too many."),
    ],
)
def test_a_running_day_tells_the_boards_own_budget(
    redis: redis_py.Redis, day: tuple[Project, int], left: int, sentence: str
) -> None:
    of, _ = day
    budget = {"today": {"left": left, "allowed": 40}, "month": {"left": 333, "allowed": 900}}
    view = seen(redis, of, at(of, "2026-11-20", "15:00"), budget=budget)
    assert sentence in news.verdict(view)[1]
    assert "It is being lost at 11:00." in news.verdict(view)[1]
    assert f"{left}".replace("-", "−") + " of 40 allowed today this month: 333 left" in shown(tiles.tiles(view))


def test_numbers_carry_their_key_and_their_band(redis: redis_py.Redis, day: tuple[Project, int]) -> None:
    of, now = day
    assert tile(seen(redis, of, now, day="2026-11-20"), "service_level_pct") == ("critical", None, "73.0")
    assert tile(seen(redis, of, now, day="2026-11-20"), "offered") == ("none", None, "100")
    assert tile(seen(redis, of, now, day="2026-11-20", queue="hq/sales"), "offered") == ("none", "hq/sales", "80")


def test_a_day_without_contacts_shows_no_percentage_anywhere(redis: redis_py.Redis, day: tuple[Project, int]) -> None:
    of, now = day
    view = seen(redis, of, now, day="2026-11-18", begins=of.calendar.local_date(at(of, "2026-11-20")))
    text = shown(news.news(view))
    assert text == "Nothing was counted on this day. The history of this project's sources begins on Fri, Nov 20, 2026."
    assert "0.0" not in shown(tiles.tiles(view))
    assert all(value is None for value in charts.figures(view)["service_level_pct"]["data"][0]["y"])


def test_a_project_without_a_goal_says_so_and_loses_nothing(redis: redis_py.Redis) -> None:
    of = project(targets=())
    now = at(of, "2026-11-21")
    write(redis, "hq", {("sales", at(of, "2026-11-20", "10:00")): contacts([1.0, 60.0])}, now)
    view = seen(redis, of, now, day="2026-11-20")
    assert news.verdict(view)[1].startswith("50.0\u00a0% in time. The contract of this time has no service-level goal")
    assert "no service-level goal" in shown(tiles.tiles(view))


def test_a_week_names_the_days_that_lost_it(redis: redis_py.Redis, day: tuple[Project, int]) -> None:
    of, now = day
    view = seen(redis, of, now, "week")
    assert "It is being lost on Nov 20." in news.verdict(view)[1]
    assert len(view.history.steps) == 7
    assert view.address(span="day", day="2026-11-20") == "/intraday/acme?day=2026-11-20"


def test_what_is_silent_now_is_told_where_its_numbers_are_missing(
    redis: redis_py.Redis, day: tuple[Project, int]
) -> None:
    of, _ = day
    view = seen(redis, of, at(of, "2026-11-20", "15:00"), quiet=[("source_down", "hq", "14:10")])
    assert "No data from hq since 14:10" in shown(news.news(view))


def test_the_running_step_is_marked_in_every_chart(redis: redis_py.Redis, day: tuple[Project, int]) -> None:
    of, _ = day
    now = at(of, "2026-11-20", "14:10")
    for chart, figure in charts.figures(seen(redis, of, now)).items():
        assert [note["text"] for note in figure["layout"]["annotations"]].count("now") == 1, chart
        assert len(figure["layout"]["shapes"]) == 1, chart
    for chart, figure in charts.figures(seen(redis, of, at(of, "2026-11-21", "09:00"), day="2026-11-20")).items():
        assert not figure["layout"]["shapes"], chart


def test_every_text_of_the_page_is_there_to_be_translated_and_every_one_is_used() -> None:
    sources = [
        *(TOP / "dashboard/components").glob("intraday*.py"),
        TOP / "dashboard/pages/intraday.py",
        TOP / "dashboard/downloads.py",
    ]
    code = "\n".join(path.read_text() for path in sources)
    said = set(re.findall(r'(?:say|words|said)\(\s*"((?:[^"\\]|\\.)+)"', code))
    assert not said - set(PAGES)
    assert not {text for text in PAGES if f'"{text}"' not in code and not text.startswith("this ")}


# ── Files ──


def sheets(raw: bytes) -> dict[str, list[list[str]]]:
    """What a reader of workbooks sees: the texts and numbers of each sheet."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        assert file.testzip() is None
        names = [
            sheet.attrib["name"] for sheet in ElementTree.fromstring(file.read("xl/workbook.xml")).iter(f"{main}sheet")
        ]
        found = {}
        for number, name in enumerate(names, 1):
            rows = ElementTree.fromstring(file.read(f"xl/worksheets/sheet{number}.xml")).iter(f"{main}row")
            found[name] = [["".join(cell.itertext()) for cell in row.iter(f"{main}c")] for row in rows]
    return found


def test_the_csv_is_the_table_of_the_page(redis: redis_py.Redis, day: tuple[Project, int]) -> None:
    of, now = day
    raw = downloads.as_csv(seen(redis, of, now, day="2026-11-20"))
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert len(rows) == 48
    eleven = rows[22]
    assert eleven["start"] == "2026-11-20T11:00:00.000+08:00"
    assert (eleven["Offered"], eleven["Service level (%)"], eleven["Misses"], eleven["Goal (%)"]) == (
        "30",
        "33.33",
        "20",
        "80.0",
    )
    assert rows[0]["Service level (%)"] == "", "no contact is neither 0 % nor 100 %"
    assert rows[18]["Handling time (s)"] == "100"


def test_the_workbook_holds_all_tables_and_no_formula(redis: redis_py.Redis, day: tuple[Project, int]) -> None:
    of, now = day
    raw = downloads.as_xlsx(seen(redis, of, now, day="2026-11-20"))
    found = sheets(raw)
    assert list(found) == ["Summary", "Interval by interval", "Queues", "What cost most"]
    assert len(found["Interval by interval"]) == 1 + 48 + 1
    assert found["Interval by interval"][23][:2] == ["11:00", "30"]
    assert found["Queues"][2][:2] == ["hq/=service", "20"]
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        assert not any(b"<f>" in file.read(name) for name in file.namelist())


def test_a_workbook_survives_every_text() -> None:
    raw = workbook(
        [
            Sheet("a/b [c]: " + "x" * 40, [[Cell("<&>\x00\x1b \u2028 ]]>"), Cell(1.5, "percent")]]),
            Sheet("a/b [c]: " + "x" * 40, []),
        ]
    )
    found = sheets(raw)
    assert len(set(found)) == 2
    assert max(map(len, found)) <= 31
    assert next(iter(found.values())) == [["<&> \u2028 ]]>", "1.5"]]


# ── One computation for many, and nothing stale ──


def test_many_who_ask_at_once_wait_for_one_computation(redis: redis_py.Redis) -> None:
    cache, computed, together = SimpleCache(), [], threading.Barrier(8)
    context: Any = SimpleNamespace(cache=cache, redis=redis)
    found: list[str] = []

    def ask() -> None:
        together.wait()
        found.append(past.once(context, "k", lambda: computed.append(1) or "the answer", 60))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["the answer"] * 8
    assert len(computed) == 1


def test_a_computation_that_fails_leaves_the_way_free_for_the_next(redis: redis_py.Redis) -> None:
    context: Any = SimpleNamespace(cache=SimpleCache(), redis=redis)
    with pytest.raises(ZeroDivisionError):
        past.once(context, "k", lambda: 1 // 0, 60)
    assert past.once(context, "k", lambda: 7, 60) == 7


# ── Who may see it ──


def yesterday() -> str:
    return f"?day={Calendar('Asia/Shanghai', 30).local_date(now_ms() - DAY_MS)}"


@pytest.fixture(scope="module")
def shared_guarded(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    web = WebProcess(tmp_path_factory.mktemp("intraday"), redis_server.url, configuration(ACCESS)).start()
    yield web
    web.stop()


@pytest.fixture
def guarded(shared_guarded: WebProcess, redis: redis_py.Redis) -> WebProcess:
    """``p0`` is mei's and had 31 contacts yesterday, ``other`` is not and had 4321."""
    for name in ("p0", "other"):
        Publisher(redis, name).board(1)
    then = now_ms() - now_ms() % QUARTER_MS - DAY_MS
    for source, queue, n in (("demo", "p0", 31), ("hq", "sales", 4321)):
        source_says(redis, source, now_ms())
        write(redis, source, {(queue, then): contacts([1.0] * n)}, now_ms())
    return shared_guarded


def called(
    web: WebProcess, output: str, auth: tuple[str, str], pathname: str, search: str, trigger: str, seen: str = ""
) -> httpx.Response:
    """A callback of the page as a browser calls it, with an address that the caller makes up."""
    known = web.get("/_dash-dependencies", auth=auth).json()
    wanted = next(
        each
        for each in known
        if output in each["output"] and "intraday" in each["output"] and each["clientside_function"] is None
    )
    values = {
        "pathname": pathname,
        "search": search,
        "data": seen,
        "n_intervals": 1,
        "n_clicks": 1,
        "value": "2026-01-01",
    }

    def given(each: dict[str, Any]) -> dict[str, Any]:
        return {**each, "value": values[each["property"]]}

    outputs = [
        dict(zip(("id", "property"), each.rsplit(".", 1), strict=True))
        for each in wanted["output"].strip(".").split("...")
    ]
    body = {
        "output": wanted["output"],
        "outputs": outputs if len(outputs) > 1 else outputs[0],
        "inputs": [given(each) for each in wanted["inputs"]],
        "state": [given(each) for each in wanted["state"]],
        "changedPropIds": [trigger],
    }
    return web.post("/_dash-update-component", json=body, auth=auth)


CALLS = [
    ("intraday-news.children", "intraday-clock.n_intervals"),
    ("intraday-file.data", "intraday-csv.n_clicks"),
    ("intraday-file.data", "intraday-xlsx.n_clicks"),
    ("intraday-place.href", "intraday-day.value"),
]


@pytest.mark.parametrize(("output", "trigger"), CALLS, ids=lambda value: value)
@pytest.mark.parametrize("theirs", ["other", "no-such-project"])
def test_another_projects_id_in_a_callbacks_state_gives_nothing(
    guarded: WebProcess, output: str, trigger: str, theirs: str
) -> None:
    allowed = called(guarded, output, ROOT, "/intraday/other", yesterday(), trigger)
    assert allowed.status_code == 200 and allowed.content, "who may see it gets it, and it lies in the cache now"
    refused = called(guarded, output, MEI, f"/intraday/{theirs}", yesterday(), trigger)
    assert refused.status_code == 204
    assert refused.content == b""


@pytest.mark.parametrize(("output", "trigger"), CALLS[:2], ids=lambda value: value)
def test_another_projects_queue_in_the_address_gives_nothing(guarded: WebProcess, output: str, trigger: str) -> None:
    answer = called(guarded, output, MEI, "/intraday/p0", yesterday() + "&queue=hq/sales", trigger)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "4,321" not in guarded.get(f"/intraday/p0{yesterday()}&queue=hq/sales", auth=MEI).text


def test_a_page_of_somebody_elses_project_is_that_of_none(guarded: WebProcess) -> None:
    assert "4,321" in guarded.get(f"/intraday/other{yesterday()}", auth=ROOT).text
    theirs, nothing = (guarded.get(f"/intraday/{name}{yesterday()}", auth=MEI) for name in ("other", "nothing"))
    assert "4,321" not in theirs.text
    assert "Rival" not in theirs.text
    own = r'other|nothing|"end_id":"[^"]+"'
    assert re.sub(own, "", theirs.text) == re.sub(own, "", nothing.text)


def test_ones_own_file_can_be_saved(guarded: WebProcess) -> None:
    answer = called(guarded, "intraday-file.data", MEI, "/intraday/p0", yesterday(), "intraday-csv.n_clicks")
    file = answer.json()["response"]["intraday-file"]["data"]
    assert file["filename"] == f"p0-{yesterday()[5:]}.csv"
    assert ",31," in base64.b64decode(file["content"]).decode()


def test_a_counter_that_changes_is_on_the_page_at_once(guarded: WebProcess, redis: redis_py.Redis) -> None:
    def offered() -> str:
        text = guarded.get("/intraday/p0?span=week", auth=MEI).text
        found = re.search(r'data-kpi="offered"[^>]*><span class="number">([^<]+)<', text)
        assert found
        return found[1]

    now = now_ms()
    write(redis, "demo", {("p0", now - now % QUARTER_MS): contacts([1.0] * 5)}, now)
    before = int(offered())
    assert int(offered()) == before, "the second time from the cache"
    write(redis, "demo", {("p0", now - now % QUARTER_MS): contacts([1.0] * 2)}, now)
    assert int(offered()) == before + 2


def test_what_a_source_tells_no_more_is_off_the_page_at_once(guarded: WebProcess, redis: redis_py.Redis) -> None:
    def offered(*said: Any) -> tuple[str, bytes]:
        follow = called(
            guarded, "intraday-news.children", MEI, "/intraday/p0", yesterday(), "intraday-clock.n_intervals", *said
        )
        text = guarded.get(f"/intraday/p0{yesterday()}", auth=MEI).text
        found = re.search(r'data-kpi="offered"[^>]*><span class="number">([^<]+)<', text)
        assert found
        return found[1], follow.content

    before, answer = offered()
    word = json.loads(answer)["response"]["intraday-seen"]["data"]
    assert (before, offered(word)) == ("31", ("31", b""))
    source_says(redis, "demo", now_ms(), facts={"gives": ["abandons", "agent_time"]})
    after, answer = offered(word)
    assert after == "—"
    assert b"not reported" in answer, "a page that is open is drawn again"


def test_a_page_that_is_up_to_date_is_not_drawn_again(guarded: WebProcess, redis: redis_py.Redis) -> None:
    first = called(
        guarded,
        "intraday-news.children",
        MEI,
        "/intraday/p0",
        "?span=month&day=2026-01-01",
        "intraday-clock.n_intervals",
    )
    word = first.json()["response"]["intraday-seen"]["data"]
    again = called(
        guarded,
        "intraday-news.children",
        MEI,
        "/intraday/p0",
        "?span=month&day=2026-01-01",
        "intraday-clock.n_intervals",
        word,
    )
    assert again.status_code == 204


def test_a_goal_of_one_queue_judges_that_queue(redis: redis_py.Redis) -> None:
    own = Target(kpi="aht_s", window="today", goal=60, warning=60, critical=90, queue="hq/sales")
    of = project("hq/sales", "hq/service", targets=(Block(value=(own,)),))
    now = at(of, "2026-11-21")
    write(redis, "hq", {("sales", at(of, "2026-11-20", "10:00")): contacts([1.0], talk_ms=100_000)}, now)
    assert seen(redis, of, now, day="2026-11-20", queue="hq/sales").band("aht_s", 100, 1) == "critical"
    assert seen(redis, of, now, day="2026-11-20").band("aht_s", 100, 1) == "none"


def test_a_page_says_that_its_numbers_are_old_while_the_database_is_away(
    guarded: WebProcess, redis: redis_py.Redis
) -> None:
    def follow() -> httpx.Response:
        return called(guarded, "intraday-news.children", MEI, "/intraday/p0", "", "intraday-clock.n_intervals", "seen")

    assert "out of date" not in follow().text
    redis.config_set("requirepass", "nobody knows")
    try:
        redis.client_kill_filter(_type="normal", skipme=True)
        answer = follow().json()["response"]
        page = guarded.get("/intraday/p0", auth=MEI)
    finally:
        redis.config_set("requirepass", "")
    assert "these numbers may be out of date" in str(answer["intraday-news"])
    assert answer["intraday-seen"]["data"] == "", "whatever comes next is drawn"
    assert "intraday-tiles" not in answer
    assert "The server cannot reach its database. Load this page again in a moment." in page.text
    assert "out of date" not in follow().text
