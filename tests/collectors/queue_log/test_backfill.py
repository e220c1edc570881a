from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from pathlib import Path

import pytest

from collectors import events as e
from collectors.collector import CollectorError
from collectors.queue_log.backfill import backfill, missed
from operations.floor.floor import Floor
from tests.collectors.queue_log.recorded import RUN_A, T0, TRAPS, events_of, log

BEGIN, END = 1_795_313_645_000, 1_795_314_078_000


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "queue_log"
    path.write_bytes(RUN_A)
    return path


def told(path: Path, from_ms: int, to_ms: int, skew_ms: int = 0) -> list[e.AnyEvent]:
    return [event for handful in missed(path, from_ms, to_ms, skew_ms) for event in handful]


def counters(floor: Floor) -> Counter[str]:
    """All rows of contacts added up; the time of people aside."""
    total: Counter[str] = Counter()
    for (row, _), cell in floor.delta.items():
        if not row.startswith("\x1e"):
            total.update(cell.n)
    return Counter({name: count for name, count in total.items() if count})


def folded(events: list[e.AnyEvent]) -> Floor:
    floor = Floor()
    for event in events:
        floor.apply(event)
    return floor


def heard_by_a_feed(events: list[e.AnyEvent]) -> list[e.AnyEvent]:
    """The same visits as a live feed tells them: at the real time, some part of the second later than the log's."""
    late = {"entered": 310, "answered": 640, "completed": 820, "abandoned": 450, "left": 450, "rang_no_answer": 700}
    heard: list[e.AnyEvent] = []
    for event in events:
        kind = type(event).__struct_config__.tag
        if kind in late:
            heard.append(e.decode(e.encode([event]))[0])
            fields = {name: getattr(event, name) for name in event.__struct_fields__}
            heard[-1] = type(event)(**{**fields, "at": event.at // 1000 * 1000 + late[str(kind)]})
    return heard


def test_only_contacts_of_the_gap_are_told(live: Path) -> None:
    events = told(live, BEGIN + 100_000, BEGIN + 200_000)
    assert events
    assert all(BEGIN + 98_000 <= event.at <= BEGIN + 200_000 for event in events)
    kinds = (
        e.ContactEntered,
        e.ContactAnswered,
        e.ContactCompleted,
        e.ContactAbandoned,
        e.ContactLeft,
        e.ContactRangNoAnswer,
    )
    inner = range(BEGIN + 100_001, BEGIN + 199_001)
    assert [x for x in events if x.at in inner] == [
        x for x in events_of(RUN_A) if isinstance(x, kinds) and x.at in inner
    ]


@pytest.mark.parametrize("gap_at", [5_000, 60_500, 133_333, 250_001, 400_000])
@pytest.mark.parametrize("gap_ms", [3_000, 31_000, 120_000])
def test_a_gap_costs_no_contact_and_counts_none_twice(live: Path, gap_at: int, gap_ms: int) -> None:
    lost_at, back_at = BEGIN + gap_at, BEGIN + gap_at + gap_ms
    feed = heard_by_a_feed(events_of(RUN_A))
    before = [event for event in feed if event.at <= lost_at]
    after = [event for event in feed if event.at > back_at]
    waiting = folded([event for event in feed if event.at <= back_at]).waiting
    snapshot = e.Snapshot(
        at=back_at,
        asked_at=back_at,
        queues=list(waiting),
        waiting=[
            e.WaitingContact(queue, contact, v.entered_at)
            for queue, all_ in waiting.items()
            for contact, v in all_.items()
        ],
        agents=[],
        unwatched_since=lost_at,
    )
    whole = counters(folded(feed))
    with_gap = counters(folded([*before, e.WatchLost(lost_at), *told(live, lost_at, back_at), snapshot, *after]))
    names = (
        "offered",
        "answered",
        "abandoned",
        "left_timeout",
        "left_key",
        "handled",
        "transferred",
        "talk_ms",
        "answered_wait_ms",
    )
    assert {name: with_gap[name] for name in names} == {name: whole[name] for name in names}
    assert with_gap["lost_sight"] == 0


def test_an_hour_of_clock_error_is_made_good(live: Path) -> None:
    right = told(live, BEGIN + 100_000, BEGIN + 200_000)
    shifted = told(live, BEGIN + 3_700_000, BEGIN + 3_800_000, 3_600_000)
    assert [event.at - 3_600_000 for event in shifted] == [event.at for event in right]


def test_a_gap_over_a_rotation_is_read_from_the_packed_elder(live: Path) -> None:
    whole = told(live, BEGIN + 50_000, BEGIN + 300_000)
    cut = RUN_A.index(b"\n", len(RUN_A) // 2) + 1
    live.with_name("queue_log.1.gz").write_bytes(gzip.compress(RUN_A[:cut]))
    live.write_bytes(RUN_A[cut:])
    assert told(live, BEGIN + 50_000, BEGIN + 300_000) == whole


def test_a_transfer_seen_before_the_gap_and_its_late_complete_in_it_are_one_end(tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    path.write_text(
        log(
            "+0 c|q|NONE|ENTERQUEUE||1|1",
            "+2 c|q|Ann|CONNECT|2|x|1",
            "+30 c|q|Ann|ATTENDEDTRANSFER|BRIDGE|b|2|28|1",
            "+90 c|q|Ann|COMPLETEAGENT|2|88|1",
        )
    )
    assert told(path, (T0 + 60) * 1000, (T0 + 100) * 1000) == []


def test_a_contact_that_came_back_in_the_gap_is_counted_at_each_visit(tmp_path: Path) -> None:
    path = tmp_path / "queue_log"
    path.write_text(next(text for name, text in TRAPS.items() if name.startswith("t33")))
    start = 1_795_315_878_000
    heard = [e.ContactEntered(start + 400, "sales-en", "1795315878.8")]
    floor = folded([*heard, *told(path, start + 2_000, start + 30_000)])
    assert {name: counters(floor)[name] for name in ("offered", "left_timeout", "answered", "handled")} == {
        "offered": 3,
        "left_timeout": 2,
        "answered": 1,
        "handled": 1,
    }


def test_the_event_loop_gets_the_same_in_handfuls(live: Path) -> None:
    async def all_of_it() -> list[e.AnyEvent]:
        return [event async for handful in backfill(live, BEGIN, END) for event in handful]

    assert asyncio.run(all_of_it()) == told(live, BEGIN, END)


def test_a_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CollectorError, match="does not exist"):
        told(tmp_path / "queue_log", BEGIN, END)
