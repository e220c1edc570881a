"""An asterisk source whose link was away, made good from the queue_log: the recorded wire and log of one real run."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path

import pytest

from collectors import events as e
from collectors.asterisk.protocol import AmiParser, Message
from collectors.asterisk.translate import Translator
from collectors.asterisk.words import ONLY_WITH, WANTED
from collectors.queue_log.backfill import missed
from operations.floor.floor import Floor
from tests.collectors.queue_log.recorded import RUN_A
from tests.collectors.recordings import run_a

BEGIN = 1_795_313_645_000
OUTCOMES = ("offered", "answered", "abandoned", "left_timeout", "left_key", "lost_sight")
WORK = ("handled", "transferred", "talk_ms")


@functools.cache
def messages() -> list[tuple[int, Message]]:
    """What is of use in the recorded run, with its time of arrival."""
    parser = AmiParser(WANTED, ONLY_WITH)
    return [(at, message) for at, raw in run_a().messages for message in parser.feed(raw)]


@functools.cache
def whole_run() -> list[e.AnyEvent]:
    """What a link that never broke tells."""
    return Session().hears(0, 1 << 60)


class Session:
    """One connection to the recorded PBX: its messages are heard from one moment on."""

    def __init__(self) -> None:
        self.translator = Translator()

    def hears(self, from_ms: int, to_ms: int) -> list[e.AnyEvent]:
        told: list[e.AnyEvent] = []
        for at, message in messages():
            if from_ms < at <= to_ms:
                told += self.translator.due(at)
                told += self.translator.translate(message, at)
        return told

    def is_shown(self, floor: Floor, at: int, unwatched_since: int) -> list[e.AnyEvent]:
        """Asterisk's answer to QueueStatus when these callers wait."""
        rows = [f"Event: QueueParams\nQueue: {queue}\nActionID: 1\n\n" for queue in floor.queues]
        for queue, waiting in floor.waiting.items():
            for contact, visit in waiting.items():
                wait = (at - visit.entered_at) // 1000
                rows.append(
                    f"Event: QueueEntry\nQueue: {queue}\nUniqueid: {contact}\nPosition: 1\nWait: {wait}\nActionID: 1\n\n"
                )
        rows.append("Event: QueueStatusComplete\nActionID: 1\nEventList: Complete\n\n")
        self.translator.expect_list("1", at, unwatched_since)
        listed = AmiParser().feed("".join(rows).replace("\n", "\r\n").encode())
        return [event for message in listed for event in self.translator.translate(message, at)]


def folded(events: list[e.AnyEvent]) -> Floor:
    floor = Floor()
    for event in events:
        floor.apply(event)
    return floor


def counted(events: list[e.AnyEvent]) -> Counter[str]:
    total: Counter[str] = Counter()
    for (row, _), cell in folded(events).delta.items():
        if not row.startswith("\x1e"):
            total.update({name: cell.get(name) for name in (*OUTCOMES, *WORK)})
    return total


@functools.cache
def log_rows() -> list[tuple[int, bytes]]:
    """The log's rows, each with the moment at which it was written: that of the wire's word about the same thing."""
    words: dict[tuple[str, str], list[int]] = {}
    for at, message in messages():
        if message.get("Uniqueid") and message.event != "VarSet":
            words.setdefault((message.get("Queue"), message.get("Uniqueid")), []).append(at)
    rows = []
    for row in RUN_A.splitlines(keepends=True):
        second, contact, queue = row.decode().split("|")[:3]
        begins = int(second) * 1000
        heard = [at for at in words.get((queue, contact), ()) if begins <= at < begins + 1000]
        rows.append((heard[0] if heard else begins + 999, row))
    return rows


def log_at(at: int) -> bytes:
    """The log as it lies on the disk at a moment of the run."""
    return b"".join(row for written, row in log_rows() if written <= at)


def with_gap(path: Path | None, lost_at: int, back_at: int) -> list[e.AnyEvent]:
    """What is in the event log after a link that was away between two moments; ``path``: the queue_log, if there is one."""
    before, after = Session(), Session()
    told = before.hears(0, lost_at) + before.translator.finish(lost_at)
    told.append(e.WatchLost(lost_at))
    if path is not None:
        path.write_bytes(log_at(back_at))
        for handful in missed(path, lost_at, back_at):
            told += handful
    told += after.is_shown(folded([event for event in whole_run() if event.at <= back_at]), back_at, lost_at)
    told += after.hears(back_at, 1 << 60)
    return told + after.translator.due(1 << 50)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "queue_log"


GAPS = [
    (7_300, 4_000),
    (41_900, 30_000),
    (95_000, 75_500),
    (150_250, 9_750),
    (201_111, 120_000),
    (330_000, 20_000),
    (12_000, 380_000),
]


@pytest.mark.parametrize(("after_ms", "for_ms"), GAPS)
def test_with_the_log_every_outcome_is_as_if_nobody_had_looked_away(log: Path, after_ms: int, for_ms: int) -> None:
    whole, seen = counted(whole_run()), counted(with_gap(log, BEGIN + after_ms, BEGIN + after_ms + for_ms))
    assert {name: seen[name] for name in OUTCOMES} == {name: whole[name] for name in OUTCOMES}
    assert seen["lost_sight"] == 0


def test_without_the_log_the_same_gaps_lose_contacts_out_of_sight() -> None:
    lost = [
        counted(with_gap(None, BEGIN + after_ms, BEGIN + after_ms + for_ms))["lost_sight"] for after_ms, for_ms in GAPS
    ]
    assert sum(lost) > 0


@pytest.mark.parametrize(("after_ms", "for_ms"), GAPS)
def test_conversations_over_a_gap_are_handled_once_the_log_named_their_nameless_ends(
    log: Path, after_ms: int, for_ms: int
) -> None:
    """One that was open at the reconnect may end in a message that names no caller; the log, read later, says whose it was."""
    back_at = BEGIN + after_ms + for_ms
    told = with_gap(log, back_at - for_ms, back_at)
    log.write_bytes(RUN_A)
    named = [event for handful in missed(log, back_at, 1 << 50, only=(e.ContactCompleted,)) for event in handful]
    whole, seen = counted(whole_run()), counted(told + named)
    assert {name: seen[name] for name in (*OUTCOMES, "handled", "transferred")} == {
        name: whole[name] for name in (*OUTCOMES, "handled", "transferred")
    }
