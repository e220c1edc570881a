"""Which fact a counter tells of: a wait that is summed is one thing, who was within a threshold another."""

from __future__ import annotations

from collectors.counters import COUNTERS, fact_of
from collectors.sql.translate import told_by_contacts, told_by_queues


def test_a_count_within_a_threshold_tells_who_was_in_time_and_no_wait() -> None:
    assert fact_of("answered_within_20s") == fact_of("answered_beyond_20s") == "in_time"
    assert fact_of("answered_wait_ms") == "waits"
    assert told_by_queues(("queue", "answered", "answered_within_20s")) == {"contacts", "in_time"}
    assert told_by_queues(("queue", "answered", "answered_wait_s")) == {"contacts", "waits"}


def test_who_tells_each_answer_tells_its_wait_and_whether_it_was_in_time() -> None:
    assert told_by_contacts(("answered_at",)) == {"waits", "in_time"}


def test_a_name_that_is_no_counter_tells_nothing() -> None:
    assert {name: fact_of(name) for name in COUNTERS} == COUNTERS
    assert fact_of("answered_within_s") is fact_of("answered_within_20") is fact_of("nonsense") is None
