"""What is told in sums: polled queues, the ACD's own accounts of past intervals, and reports of other systems."""

from __future__ import annotations

import msgspec

from collectors import events as e
from operations.floor.aggregates import Account
from operations.floor.counters import QUARTER_MS, Counters
from tests.operations.floor.ledger import T0, Ledger, at, snapshot
from tests.operations.floor.test_transitions import abandoned, entered

HOUR = 3600


def polled(seconds: float, waiting: int | None = None, longest: float | None = None, **totals: int) -> e.QueueObserved:
    return e.QueueObserved(at(seconds), "q", waiting, None if longest is None else round(longest * 1000), None, totals)


def booked(*events: e.AnyEvent) -> dict[int, dict[str, int]]:
    """Counts by minute after T0; a polled queue need not be conserved, its ACD counts as it likes."""
    floor = Ledger().floor
    for event in events:
        floor.apply(event)
    delta, _ = floor.drain()
    return {(minute - T0) // 60_000: cell.n for (_, minute), cell in delta.items()}


# ── polled ────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_look_counts_nothing_and_each_further_one_what_was_added() -> None:
    assert booked(polled(0, offered=500)) == {}
    assert booked(polled(0, offered=500), polled(5, offered=502), polled(65, offered=507)) == {
        0: {"offered": 2},
        1: {"offered": 5},
    }


def test_a_counter_that_fell_was_reset_and_what_it_shows_came_since() -> None:
    assert booked(polled(0, offered=500, answered=400), polled(5, offered=3, answered=0)) == {0: {"offered": 3}}


def test_a_counter_that_appears_later_counts_from_its_second_sight() -> None:
    assert booked(polled(0, offered=5), polled(5, offered=5, talk_ms=9000), polled(10, offered=5, talk_ms=9500)) == {
        0: {"talk_ms": 500}
    }


def test_what_came_while_a_counter_or_a_whole_queue_was_left_out_counts_when_it_is_back() -> None:
    assert booked(polled(0, offered=5, talk_ms=100), polled(5, offered=6), polled(10, offered=6, talk_ms=300)) == {
        0: {"offered": 1, "talk_ms": 200}
    }
    assert booked(polled(0, offered=5), polled(5), polled(10, offered=9)) == {0: {"offered": 4}}


def test_a_counter_that_was_left_out_over_a_reset_counts_from_nought() -> None:
    def of_day(seconds: float, since: float | None, **totals: int) -> e.QueueObserved:
        return e.QueueObserved(at(seconds), "q", totals=totals, since=None if since is None else at(since))

    left_out = [of_day(0, -9, offered=2), of_day(5, None), of_day(10, 5, offered=3)]
    assert booked(*left_out) == {0: {"offered": 3}}


def test_a_look_that_comes_again_or_late_changes_nothing() -> None:
    looks = [polled(0, offered=5), polled(10, offered=9)]
    assert booked(*looks, *looks, polled(5, offered=7)) == {0: {"offered": 4}}


def test_what_a_look_shows_of_the_present_is_taken_as_it_is() -> None:
    ledger = Ledger()
    ledger.floor.apply(polled(100, 3, 47))
    seen = ledger.floor.observed["q"]
    assert (seen.waiting, seen.longest_since) == (3, at(53))
    ledger.floor.apply(polled(105, 0))
    assert (ledger.floor.observed["q"].waiting, ledger.floor.observed["q"].longest_since) == (0, None)
    assert ledger.floor.queues == {"q"}


# ── intervals ─────────────────────────────────────────────────────────────────────────────────────


def interval(seconds: float, queue: str = "q", **counters: int) -> e.IntervalTotals:
    start = at(seconds)
    return e.IntervalTotals(start + QUARTER_MS, queue, start, counters, [(20_000, 2), (20_400, 1)], [(5_000, 1)])


def test_an_account_of_an_interval_is_set_and_not_added() -> None:
    ledger = Ledger().tell(interval(-HOUR, offered=4, answered=3, abandoned=1, left_key=0))
    whole = Counters({"offered": 4, "answered": 3, "abandoned": 1}, {40: 2, 41: 1}, {10: 1})
    assert ledger.replaced == {("q", at(-HOUR)): whole}
    ledger.tell(interval(-HOUR, offered=4, answered=3, abandoned=1))
    assert ledger.replaced == {("q", at(-HOUR)): whole}
    ledger.tell(interval(-HOUR, offered=5, answered=3, abandoned=1))
    assert ledger.replaced["q", at(-HOUR)].get("offered") == 5
    assert ledger.booked() == {}


def test_an_account_of_what_was_watched_is_refused() -> None:
    ledger = Ledger().tell(snapshot(0))
    ledger.tell(interval(0, offered=9), interval(HOUR, offered=9), interval(-900, offered=7))
    assert set(ledger.replaced) == {("q", at(-900))}
    assert ledger.floor.too_late == 2


def test_an_account_that_overlaps_the_first_word_is_refused_even_by_a_second() -> None:
    ledger = Ledger().tell(entered(899), abandoned(905))
    ledger.tell(interval(0, offered=9))
    assert ledger.replaced == {}


def test_a_history_without_any_live_source_is_taken_whole() -> None:
    ledger = Ledger().tell(*(interval(i * 900, offered=i) for i in range(1, 97)))
    assert len(ledger.replaced) == 96
    assert ledger.floor.live_since is None


# ── the account of an ACD that tells of contacts in no other way ──────────────────────────────────


def sole(seconds: float, start: float = 0, queue: str = "q", **counters: int) -> e.IntervalTotals:
    return e.IntervalTotals(at(seconds), queue, at(start), counters, sole=True)


def test_the_account_of_the_quarter_that_runs_counts_as_it_grows() -> None:
    looks = [
        sole(60, offered=2),
        sole(90, offered=2),
        sole(130, offered=7, abandoned=1),
        sole(900, offered=8, abandoned=2),
    ]
    assert booked(*looks) == {
        1: {"offered": 2},
        2: {"offered": 5, "abandoned": 1},
        14: {"offered": 1, "abandoned": 1},
    }
    assert booked(*looks, *looks[-1:]) == booked(*looks)
    assert booked(*looks, *looks) == booked(*looks)


def test_an_account_that_comes_late_takes_nothing_back() -> None:
    assert booked(sole(60, offered=2), sole(130, offered=7), sole(60, offered=2)) == {
        1: {"offered": 2},
        2: {"offered": 5},
    }
    assert sum(n["offered"] for n in booked(sole(130, offered=7), sole(60, offered=2)).values()) == 7
    floor = Ledger().tell(sole(900, offered=8)).tell(sole(130, offered=7)).floor
    assert floor.told["q", at(0)].get("offered") == 8


def test_an_older_account_of_a_quarter_before_the_watch_does_not_replace_a_newer_one() -> None:
    def account(seconds: float, offered: int) -> e.IntervalTotals:
        return e.IntervalTotals(at(seconds), "q", at(0), {"offered": offered})

    ledger = Ledger().tell(account(300, 3), account(900, 9)).saved().tell(account(300, 3))
    assert ledger.replaced == {}
    ledger.tell(account(900, 10))
    assert ledger.replaced["q", at(0)].get("offered") == 10


def test_accounts_that_an_older_version_saved_are_taken_over() -> None:
    before = msgspec.json.decode(b'{"n":{"offered":2}}', type=Account)
    floor = Ledger().tell(snapshot(0)).floor
    floor.restore([], [], {}, {}, {("q", at(0)): before})
    floor.apply(sole(70, offered=3))
    assert [cell.n for cell in floor.drain()[0].values()] == [{"offered": 1}]


def test_an_account_that_settles_downwards_takes_back_what_it_took_for_more() -> None:
    assert booked(sole(60, offered=5), sole(905, offered=4)) == {1: {"offered": 5}, 14: {"offered": -1}}


def test_quarters_before_the_watch_are_set_and_those_that_were_missed_are_booked() -> None:
    floor = Ledger().floor
    for event in (
        sole(0, -900, offered=9),
        sole(60, offered=2),
        sole(8100, 7200, offered=3),
        sole(8100, 6300, offered=4),
    ):
        floor.apply(event)
    delta, replaced = floor.drain()
    assert {key: cell.n for key, cell in replaced.items()} == {("q", at(-900)): {"offered": 9}}
    assert sum(cell.get("offered") for cell in delta.values()) == 2 + 3 + 4
    assert (("q", at(7200 - 60))) in delta, "told after its end, it is booked in its own last minute"


def test_an_account_told_again_after_a_restart_counts_once() -> None:
    ledger = Ledger()
    ledger.floor.apply(sole(60, offered=2, answered_within_20s=1))
    ledger.floor.drain()
    after = ledger.saved()
    after.floor.apply(sole(60, offered=2, answered_within_20s=1))
    after.floor.apply(sole(70, offered=3, answered_within_20s=1))
    delta, _ = after.floor.drain()
    assert [cell.n for cell in delta.values()] == [{"offered": 1}]


def test_the_first_account_makes_the_watch_begin_so_that_its_quarter_is_never_set_and_added_to() -> None:
    floor = Ledger().floor
    floor.apply(sole(60, offered=2))
    assert floor.live_since == at(60)
    assert floor.drain()[1] == {}


def test_where_contacts_are_told_one_by_one_no_account_is_added() -> None:
    ledger = Ledger().tell(entered(10), abandoned(20))
    ledger.tell(sole(60, offered=7), sole(1000, 900, offered=7))
    assert ledger.floor.too_late == 2
    assert ledger.counts() == {"abandoned": 1, "offered": 1}
    ledger.saved().tell(sole(1000, 900, offered=7))
    assert ledger.counts() == {"abandoned": 1, "offered": 1}


def test_an_account_older_than_the_memory_is_refused() -> None:
    ledger = Ledger()
    ledger.floor.apply(sole(60, offered=2))
    ledger.floor.apply(sole(25 * HOUR, 25 * HOUR, offered=1))
    ledger.floor.advance(at(25 * HOUR + 60))
    assert set(ledger.floor.told) == {("q", at(25 * HOUR))}
    ledger.floor.drain()
    ledger.floor.apply(sole(900, offered=2))
    assert ledger.floor.drain()[0] == {}


def test_a_day_that_began_anew_is_known_by_its_beginning_even_when_counters_have_grown_past_what_they_were() -> None:
    def look(seconds: float, since: float, offered: int) -> e.QueueObserved:
        return e.QueueObserved(at(seconds), "q", totals={"offered": offered}, since=at(since))

    assert booked(look(0, -HOUR, 5), look(30, -HOUR, 6), look(100, 60, 9)) == {0: {"offered": 1}, 1: {"offered": 9}}


# ── reports ───────────────────────────────────────────────────────────────────────────────────────


def report(id: str, seconds: float = 0, **counters: int) -> e.Reported:
    return e.Reported(at(seconds), id, "q", counters)


def test_a_report_counts_once_by_its_id() -> None:
    ledger = Ledger().tell(
        report("s-1", surveys=1, survey_score_sum=5), report("s-2", surveys=1), report("s-1", 90, surveys=1)
    )
    assert ledger.counts() == {"surveys": 2, "survey_score_sum": 5}


def test_a_report_is_known_again_after_a_restart() -> None:
    ledger = Ledger().tell(report("s-1", complaints=1)).saved().tell(report("s-1", complaints=1))
    assert ledger.counts() == {"complaints": 1}


def test_a_report_older_than_the_memory_is_refused_because_it_may_have_counted() -> None:
    ledger = Ledger().tell(report("s-1", surveys=1), report("now", 25 * HOUR, surveys=1)).advance(at(25 * HOUR + 60))
    assert len(ledger.floor.reports) == 1
    ledger.tell(report("s-1", surveys=1))
    assert ledger.counts() == {"surveys": 2}
    assert ledger.floor.too_late == 1
