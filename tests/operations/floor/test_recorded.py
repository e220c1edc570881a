"""Six minutes of a real Asterisk, told by its live feed, by its log, by both, badly: always what its log counts."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from collectors import events as e
from collectors.queue_log.backfill import OVERLAP_MS
from tests.collectors.queue_log.recorded import RUN_A, events_of
from tests.collectors.recordings import replay, run_a, run_a_truth
from tests.operations.floor.ledger import Ledger

CONTACT_EVENTS = (
    e.ContactEntered, e.ContactRang, e.ContactRangNoAnswer, e.ContactAnswered, e.ContactCompleted, e.ContactAbandoned, e.ContactLeft,
)  # fmt: skip


def contacts(events: list[e.AnyEvent]) -> list[e.AnyEvent]:
    return [event for event in events if isinstance(event, CONTACT_EVENTS)]


def live() -> list[e.AnyEvent]:
    return contacts(replay(run_a()))


def log() -> list[e.AnyEvent]:
    return contacts(events_of(RUN_A))


def check(ledger: Ledger, *, alerts: bool = True) -> None:
    for queue, truth in run_a_truth().items():
        sums = ledger[queue]
        assert {name: sums.get(name) for name in ("offered", "answered", "handled", "abandoned", "left_timeout", "left_key")} == {
            "offered": truth["offered"], "answered": truth["answered"], "handled": truth["answered"],
            "abandoned": truth["abandoned"], "left_timeout": truth["timeout"], "left_key": truth["keyexit"],
        }, queue  # fmt: skip
        assert sums.get("lost_sight") == 0
        assert not ledger.floor.waiting.get(queue)
        assert sums.get("answered_wait_ms") == truth["sum_hold"] * 1000
        assert not alerts or sums.get("rang_no_answer") == truth["rna"]


def test_the_live_feed_alone_and_the_log_alone_count_the_same() -> None:
    check(Ledger().tell(*live()))
    check(Ledger().tell(*log()))


@pytest.mark.parametrize("seed", range(3))
def test_words_of_the_live_feed_in_any_order_and_some_of_them_twice_count_the_same(seed: int) -> None:
    words = live()
    shuffled = words + words[:: seed + 2]
    random.Random(seed).shuffle(shuffled)
    ordered, mixed = Ledger().tell(*words), Ledger().tell(*shuffled)
    check(mixed)
    assert mixed.booked() == ordered.booked()


@pytest.mark.parametrize("first", ["live", "log"])
def test_both_feeds_together_count_each_visit_once(first: str) -> None:
    """Alerts without an answer are left out: nothing but their time tells one from the next, and the clocks differ."""
    both = [live(), log()] if first == "live" else [log(), live()]
    words = [word for feed in both for word in feed if not isinstance(word, e.ContactRangNoAnswer)]
    check(Ledger().tell(*words), alerts=False)


@pytest.mark.parametrize("begin_s", range(20, 320, 50))
@pytest.mark.parametrize("length_s", [3, 40])
def test_a_gap_in_the_live_feed_that_the_log_fills_leaves_no_trace(begin_s: int, length_s: int) -> None:
    words, told_by_log = live(), log()
    start = words[0].at
    begin, end = start + begin_s * 1_000, start + (begin_s + length_s) * 1_000
    before = [word for word in words if word.at <= begin]
    after = [word for word in words if word.at > end]
    missed = [
        word
        for word in told_by_log
        if begin - OVERLAP_MS <= word.at <= end and not isinstance(word, e.ContactRangNoAnswer)
    ]
    ledger = Ledger().tell(*before, e.WatchLost(begin), state(words, begin, end), *missed, *after)
    check(ledger, alerts=False)


def state(words: list[e.AnyEvent], unwatched_since: int, at: int) -> e.Snapshot:
    """Who waits at a moment, as Asterisk tells it: the wait in whole seconds."""
    waiting: dict[tuple[str, str], int] = {}
    queues: dict[str, None] = defaultdict()
    for word in sorted(words, key=lambda word: word.at):
        if word.at > at:
            break
        key = (word.queue, word.contact)  # type: ignore[union-attr]
        queues[key[0]] = None
        if isinstance(word, e.ContactEntered):
            waiting[key] = word.at
        elif isinstance(word, (e.ContactAnswered, e.ContactAbandoned, e.ContactLeft)):
            waiting.pop(key, None)
    rows = [e.WaitingContact(*key, at - (at - entered) // 1_000 * 1_000) for key, entered in waiting.items()]
    return e.Snapshot(at, at, list(queues), rows, [], unwatched_since=unwatched_since)
