from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import event_log
from collectors import events as e
from collectors.collector import CollectorError
from collectors.queue_log.history import QUARTER_MS, History
from collectors.queue_log.importer import (
    ImportReport,
    Progress,
    ProgressLine,
    import_file,
    import_history,
    progress_text,
)
from collectors.queue_log.protocol import LineReader
from operations.floor.counters import Counters, from_pairs
from operations.floor.floor import Floor
from tests.collectors.queue_log.recorded import RUN_A, T0, TRUTH, events_of, log
from tests.collectors.redis_process import RedisProcess

QUARTER = T0 - T0 % 900
"""A second at which a quarter begins."""


def totals(data: bytes, *, edges: bool = True) -> list[e.IntervalTotals]:
    history, reader = History(edges=edges), LineReader()
    lines = reader.feed(data) + reader.finish()
    return [*history.take(lines), *history.finish()]


def summed(intervals: list[e.IntervalTotals]) -> dict[str, Counters]:
    found: dict[str, Counters] = {}
    for interval in intervals:
        cell = Counters(
            dict(interval.counters), from_pairs(interval.answered_waits), from_pairs(interval.abandoned_waits)
        )
        found.setdefault(interval.queue, Counters({}, {}, {})).add(cell)
    return found


def test_the_recorded_run_gives_the_truth() -> None:
    found = summed(totals(RUN_A))
    assert found.keys() == TRUTH["queues"].keys()
    for queue, truth in TRUTH["queues"].items():
        cell = found[queue]
        expected = {
            "offered": truth["offered"],
            "answered": truth["answered"],
            "abandoned": truth["abandoned"],
            "left_timeout": truth["timeout"],
            "left_key": truth["keyexit"],
            "left_empty": 0,
            "lost_sight": 0,
            "handled": truth["answered"],
            "transferred": truth["blind"] + truth["attended"],
            "rang_no_answer": truth["rna"],
            "talk_ms": truth["sum_talk"] * 1000,
            "answered_wait_ms": truth["sum_hold"] * 1000,
        }
        assert {name: cell.get(name) for name in expected} == expected, queue
        within = sum(n for slot, n in cell.answered_waits.items() if slot <= 2 * truth["sl"])
        assert within == truth["answered_in_sl"]
        assert sum(n for slot, n in cell.abandoned_waits.items() if slot <= 2 * truth["sl"]) == truth["abandoned_in_sl"]


def test_every_event_is_booked_in_the_quarter_that_it_happened_in() -> None:
    rows = log(
        "+890 c|q|NONE|ENTERQUEUE||1|1",
        "+910 c|q|Ann|CONNECT|20|x|4",
        "+1810 c|q|Ann|COMPLETEAGENT|20|900|1",
        "+1790 d|q|NONE|ENTERQUEUE||1|1",
        "+1805 d|q|NONE|ABANDON|1|1|15",
        second=QUARTER,
    )
    first, second, third = totals(rows.encode())
    assert (first.start, first.at) == (QUARTER * 1000, QUARTER * 1000 + QUARTER_MS)
    assert (first.counters, first.answered_waits) == ({"offered": 1}, [])
    assert second.counters == {"answered": 1, "answered_wait_ms": 20_000, "ring_ms": 4_000, "offered": 1}
    assert second.answered_waits == [(20_000, 1)]
    assert third.counters == {"handled": 1, "talk_ms": 900_000, "abandoned": 1}
    assert third.abandoned_waits == [(15_000, 1)]


def test_the_quarters_that_the_log_cuts_are_left_out() -> None:
    rows = log(*(f"+{n * 60} c{n}|q|NONE|ENTERQUEUE||1|1" for n in range(60)), second=QUARTER + 60)
    assert [interval.start // 1000 - QUARTER for interval in totals(rows.encode(), edges=False)] == [900, 1800, 2700]
    assert totals(RUN_A, edges=False) == []


def test_a_contact_whose_entry_lies_before_the_log_is_offered_before_it() -> None:
    rows = log("+1000 c|q|NONE|ABANDON|1|1|150", "+1100 d|q|Ann|COMPLETEAGENT|10|50|1", second=QUARTER)
    first, second = totals(rows.encode())
    assert first.counters == {"offered": 1}
    assert second.counters["offered"] == second.counters["answered"] == second.counters["handled"] == 1
    assert second.counters["abandoned"] == 1


def test_a_killed_asterisk_costs_a_lost_sight_each() -> None:
    rows = log(
        "+0 a|q|NONE|ENTERQUEUE||1|1", "+1 b|r|NONE|ENTERQUEUE||1|1", "+9 NONE|NONE|NONE|QUEUESTART|", second=QUARTER
    )
    assert {i.queue: i.counters for i in totals(rows.encode())} == {
        "q": {"offered": 1, "lost_sight": 1},
        "r": {"offered": 1, "lost_sight": 1},
    }


def test_a_visit_without_an_end_is_lost_after_a_day() -> None:
    rows = log("+0 a|q|NONE|ENTERQUEUE||1|1", "+90000 b|q|NONE|ENTERQUEUE||1|1", second=QUARTER)
    assert [i.counters for i in totals(rows.encode())] == [{"offered": 1}, {"lost_sight": 1, "offered": 1}]


def test_a_clock_set_back_by_an_hour_loses_nothing_and_one_by_days_replaces_nothing() -> None:
    hour_back = log("+7200 a|q|NONE|ENTERQUEUE||1|1", "+3600 b|q|NONE|ENTERQUEUE||1|1", second=QUARTER)
    assert sum(i.counters["offered"] for i in totals(hour_back.encode())) == 2
    days = "".join(log(f"+0 c{day}|q|NONE|ENTERQUEUE||1|1", second=QUARTER + day * 86_400) for day in (0, 1, 2, 3, 0))
    history = History(edges=True)
    told = [*history.take(LineReader().feed(days.encode())), *history.finish()]
    assert len(told) == len({i.start for i in told}) == 4
    assert history.refused == 1


def test_a_line_from_far_in_the_future_spoils_nothing() -> None:
    history = History(latest_ms=(T0 + 1000) * 1000, edges=True)
    rows = log("+0 a|q|NONE|ENTERQUEUE||1|1", "+9999999 x|q|NONE|ENTERQUEUE||1|1", "+5 a|q|NONE|ABANDON|1|1|5")
    (told,) = [*history.take(LineReader().feed(rows.encode())), *history.finish()]
    assert told.counters == {"offered": 1, "abandoned": 1}
    assert history.refused == 1


a_visit = st.tuples(
    st.sampled_from(["q", "r"]),
    st.integers(0, 60),
    st.sampled_from(["answer", "transfer", "abandon", "timeout", "key", "still"]),
    st.integers(0, 90),
)
a_contact = st.tuples(st.integers(0, 3000), st.lists(a_visit, min_size=1, max_size=3))


def plausible(contacts: list[tuple[int, list[tuple[str, int, str, int]]]]) -> bytes:
    """A log as Asterisk writes it: each contact's visits one after the other, all contacts mixed by time."""
    rows: list[tuple[int, str]] = []
    for number, (at, visits) in enumerate(contacts):
        for queue, wait, end, talk in visits:
            head = f"c{number}|{queue}"
            rows.append((at, f"{head}|NONE|ENTERQUEUE||1|1"))
            at += wait
            if end == "still":
                break
            if end in ("answer", "transfer"):
                rows.append((at, f"{head}|A{number}|CONNECT|{wait}|x|{min(wait, 3)}"))
                at += talk
                closing = f"COMPLETEAGENT|{wait}|{talk}|1" if end == "answer" else f"BLINDTRANSFER|7|c|{wait}|{talk}|1"
                rows.append((at, f"{head}|A{number}|{closing}"))
            else:
                verb = {"abandon": "ABANDON|1|1", "timeout": "EXITWITHTIMEOUT|1|1", "key": "EXITWITHKEY|1|1|1"}[end]
                rows.append((at, f"{head}|NONE|{verb}|{wait}"))
            at += 3
    return log(*(f"+{at} {text}" for at, text in sorted(rows, key=lambda row: row[0])), second=QUARTER).encode()


@settings(max_examples=150, deadline=None)
@given(st.lists(a_contact, max_size=12))
def test_the_history_of_any_log_agrees_with_the_live_fold(contacts: list[Any]) -> None:
    data = plausible(contacts)
    floor = Floor()
    for event in events_of(data):
        floor.apply(event)
    live: dict[str, Counters] = {}
    for (row, _), cell in floor.delta.items():
        if not row.startswith("\x1e"):  # the time of people is no queue's
            live.setdefault(row, Counters({}, {}, {})).add(cell)
    assert summed(totals(data)) == live


# ── the import ────────────────────────────────────────────────────────────────────────────────────


def long_log(quarters: int = 12) -> bytes:
    """A call a minute, each answered after 7 s and over after 40."""
    rows = []
    for minute in range(quarters * 15):
        at = minute * 60 + 3
        rows += [
            f"+{at} c{minute}|q|NONE|ENTERQUEUE||1|1",
            f"+{at + 7} c{minute}|q|Ann|CONNECT|7|x|3",
            f"+{at + 47} c{minute}|q|Ann|COMPLETEAGENT|7|40|1",
        ]
    return log(*rows, second=QUARTER).encode()


@pytest.fixture
def months(tmp_path: Path) -> Path:
    path = tmp_path / "queue_log"
    path.write_bytes(long_log())
    return path


async def imported(redis_process: RedisProcess, path: Any, source: str = "hq") -> ImportReport:
    client = redis_process.async_client()
    try:
        return await import_file(path, source, client, clock=lambda: (QUARTER + 86_400) * 1000)
    finally:
        await client.aclose()


def appended(redis_process: RedisProcess, source: str = "hq") -> list[e.AnyEvent]:
    with redis_process.client() as client:
        entries = event_log.read(client, {source: "0"}, None, count=10_000).get(source, [])
    return [event for _, batch in entries for event in e.decode(batch)]


def test_an_import_lands_in_the_event_log_and_reports(empty_redis: RedisProcess, months: Path) -> None:
    report = asyncio.run(imported(empty_redis, months))
    events = appended(empty_redis)
    assert events == list(import_history(months, "hq"))
    assert (report.lines, report.contacts, report.intervals, report.garbage, report.files) == (
        540,
        180,
        len(events),
        0,
        1,
    )
    assert report.first_ms == (QUARTER + 3) * 1000
    assert "180 contacts" in report.text()
    assert len(events) == 10  # twelve quarters, less the two that the log cuts


def test_importing_twice_counts_nothing_twice(empty_redis: RedisProcess, months: Path) -> None:
    asyncio.run(imported(empty_redis, months))
    once = Floor()
    for event in appended(empty_redis):
        once.apply(event)
    asyncio.run(imported(empty_redis, months))
    twice = Floor()
    for event in appended(empty_redis):
        twice.apply(event)
    assert twice.replaced == once.replaced
    assert once.replaced[("q", QUARTER * 1000 + QUARTER_MS)].get("answered") == 15
    assert not once.delta and not twice.delta


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)])
def test_packed_files_are_read(tmp_path: Path, months: Path, suffix: str, pack: Any) -> None:
    packed = tmp_path / f"old{suffix}"
    packed.write_bytes(pack(months.read_bytes()))
    assert list(import_history(packed, "hq")) == list(import_history(months, "hq"))


def test_rotated_files_are_one_log_in_whatever_order_they_are_given(tmp_path: Path, months: Path) -> None:
    data = months.read_bytes()
    cut = data.index(b"\n", len(data) // 2) + 1
    one, two, copy = tmp_path / "queue_log.1.gz", tmp_path / "queue_log.0", tmp_path / "queue_log.0.copy"
    one.write_bytes(gzip.compress(data[:cut]))
    two.write_bytes(data[cut:])
    copy.write_bytes(data[cut:])
    assert list(import_history([two, one, copy], "hq")) == list(import_history(months, "hq"))
    months.unlink()
    (tmp_path / "notes.txt").write_text("not a log")
    assert list(import_history(tmp_path, "hq"))[-1].start == QUARTER * 1000 + 10 * QUARTER_MS


def test_what_cannot_be_imported_is_said(tmp_path: Path, months: Path) -> None:
    with pytest.raises(CollectorError, match="does not exist"):
        list(import_history(tmp_path / "nothing", "hq"))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CollectorError, match="nothing to import"):
        list(import_history(empty, "hq"))
    strange = tmp_path / "queue_log.zip"
    strange.write_bytes(b"PK")
    with pytest.raises(CollectorError, match=r"give \.gz, \.xz or \.bz2"):
        list(import_history(strange, "hq"))
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(months.read_bytes())[:-200])
    with pytest.raises(CollectorError, match="damaged or cut"):
        list(import_history(cut, "hq"))


def test_something_else_than_a_log_is_reported_as_such(empty_redis: RedisProcess, tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_text("Nov 22 hello\n" * 10)
    report = asyncio.run(imported(empty_redis, path))
    assert (report.garbage, report.intervals) == (10, 0)
    assert "no line of a queue_log" in report.text()


def test_memory_stays_flat_over_months() -> None:
    history = History()
    peak = 0
    for day in range(60):
        rows = log(*(f"+{n * 600} {day}.{n}|q|NONE|ENTERQUEUE||1|1" for n in range(144)), second=QUARTER + day * 86_400)
        for _ in history.take(LineReader().feed(rows.encode())):
            pass
        peak = max(peak, len(history._cells) + len(history._waiting))
    assert peak < 500
    assert history.intervals > 5000


# ── progress ──────────────────────────────────────────────────────────────────────────────────────


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_says_share_rate_and_remaining_time() -> None:
    text = progress_text(Progress(25, 100, 50_000, 10, 10.0), 0)
    assert text.split("  ") == [" 25%", "50,000 lines", "5,000/s", "0:30 left"]
    assert progress_text(Progress(25, 100, 50_000, 10, 10.0), 80).startswith("[##########....")


def test_progress_without_a_terminal_is_a_line_each_five_seconds() -> None:
    now = [0.0]
    stream = io.StringIO()
    line = ProgressLine(stream, lambda: now[0])
    for second in range(12):
        now[0] = float(second)
        line(Progress(second, 100, second, 0, float(second)))
    line.close()
    assert stream.getvalue().count("\n") == 3


def test_progress_on_a_terminal_is_one_line_that_ends_at_a_hundred() -> None:
    stream = Terminal()
    line = ProgressLine(stream, lambda: 0.0)
    line(Progress(0, 100, 0, 0, 0.0))
    line(Progress(100, 100, 9, 0, 1.0))
    line.close()
    assert stream.getvalue().count("\n") == 1
    assert "100%" in stream.getvalue()
