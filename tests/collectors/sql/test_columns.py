"""Statements that only read, columns that are known, values that are what they should be."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from collectors.collector import CollectorError
from collectors.counters import COUNTERS
from collectors.sql.columns import AGENTS, CONTACTS, FACTS, QUEUES, TOTALS, Shape, counter_of
from collectors.sql.select import one_select
from collectors.sql.settings import SqlSettings

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "  select a from b ; ",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT 'a; DROP TABLE b' AS t -- ; delete\n FROM c /* update ; */",
        'SELECT "update" FROM `delete`',
        "SELECT 'it''s; into' FROM d",
    ],
)
def test_a_single_select_is_let_through(statement: str) -> None:
    assert one_select(statement) == statement.strip().rstrip("; ")


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("", "empty"),
        ("-- nothing", "empty"),
        ("SELECT 1; SELECT 2", "more than one"),
        ("DELETE FROM calls", "begins with"),
        ("WITH x AS (SELECT 1) DELETE FROM calls", "DELETE"),
        ("SELECT * FROM calls FOR UPDATE", "UPDATE"),
        ("SELECT * INTO OUTFILE '/tmp/x' FROM calls", "INTO"),
        ("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "MySQL"),
        ("EXEC sp_who", "begins with"),
        ("SELECT 1 WHERE (SELECT 1) = 1; DROP TABLE calls", "more than one"),
    ],
)
def test_whatever_else_is_refused_with_what_would_be_right(statement: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        one_select(statement)


def test_the_settings_say_all_that_is_wrong_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        SqlSettings.model_validate({"kind": "sql", "url": "nonsense", "queues": "DROP TABLE x", "time_zone": "Mars"})
    assert {fault["loc"][0] for fault in caught.value.errors()} == {"url", "queues", "time_zone"}


def test_a_source_that_asks_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="asks nothing"):
        SqlSettings.model_validate({"kind": "sql", "url": "sqlite:///x.db"})


def fault_of(shape: Shape, *columns: str) -> str:
    with pytest.raises(CollectorError) as caught:
        shape.check(columns)
    assert caught.value.permanent
    return str(caught.value)


def test_unknown_and_missing_columns_are_named_all_at_once_with_what_was_meant() -> None:
    said = fault_of(CONTACTS, "queue", "contract", "entered", "entered", "xyzzy")
    assert "lacks the columns contact, entered_at" in said
    assert "'contract' (did you mean contact?)" in said
    assert "'entered' (did you mean entered_at?)" in said
    assert "'entered' twice" in said
    assert "'xyzzy' (leave it out)" in said


def test_every_counter_has_a_column_and_seconds_become_milliseconds() -> None:
    assert {counter_of(column) for column in TOTALS} == COUNTERS.keys() - {"lost_sight"}
    assert (counter_of("talk_s"), counter_of("answered_within_20s"), counter_of("offered")) == (
        "talk_ms", "answered_within_20s", "offered",
    )  # fmt: skip
    QUEUES.check(("queue", "answered_within_20s", "answered_beyond_20s", "abandoned_within_5s"))


@pytest.mark.parametrize(
    ("column", "value", "read"),
    [
        ("waiting", 3, 3),
        ("waiting", Decimal("3.00"), 3),
        ("waiting", 3.0, 3),
        ("waiting", None, None),
        ("longest_wait_s", Decimal("12.345"), 12_345),
        ("queue", 42, "42"),
        ("queue", " 销售 ", "销售"),
        ("since", datetime(2026, 11, 22, 0, 0), 1_795_276_800_000),
        ("since", "2026-11-22 00:00:00", 1_795_276_800_000),
        ("since", datetime(2026, 11, 21, 16, 0, tzinfo=UTC), 1_795_276_800_000),
        ("since", 1_795_276_800, 1_795_276_800_000),
    ],
)
def test_a_value_is_read_as_what_it_is_and_null_as_not_told(column: str, value: Any, read: Any) -> None:
    assert QUEUES.read([{"queue": "q", column: value}], SHANGHAI)[0].get(column) == read


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("waiting", "3", "a whole number"),
        ("waiting", 2.5, "a whole number that is not negative"),
        ("waiting", -1, "not negative"),
        ("waiting", True, "a whole number"),
        ("waiting", float("nan"), "a whole number"),
        ("longest_wait_s", "0:47", "a number of seconds"),
        ("since", "yesterday", "a date with a time"),
        ("since", date(2026, 11, 22), "a date with a time"),
        ("since", 1_795_276_800_000, "looks like milliseconds"),
        ("queue", b"bytes", "a text"),
        ("since", datetime(1, 1, 1), "a date of these years, or NULL"),
        ("since", datetime(9999, 12, 31, 23, 59, 59), "a date of these years, or NULL"),
        ("since", "1970-01-01 08:00:00", "a date of these years, or NULL"),
        ("since", 0, "a date of these years, or NULL"),
        ("since", -1e30, "a date of these years, or NULL"),
        ("waiting", 2**64 - 1, "at most 10000000"),
        ("agents_available", Decimal(10_000_001), "at most 10000000"),
        ("longest_wait_s", 2**64 - 1, "at most 31622400"),
        ("offered", 2**64 - 1, "at most 1000000000000"),
        ("talk_s", 2**64 - 1, "at most 1000000000000"),
        ("answered_within_20s", 1e300, "at most 1000000000000"),
    ],
)
def test_a_value_of_a_wrong_type_names_the_row_the_column_and_what_it_should_be(
    column: str, value: Any, wanted: str
) -> None:
    with pytest.raises(CollectorError, match=rf"queues, row 2, column {column}: .*{wanted}"):
        QUEUES.read([{"queue": "q"}, {"queue": "q", column: value}], SHANGHAI)


@pytest.mark.parametrize("zone", [SHANGHAI, ZoneInfo("America/New_York")])
@pytest.mark.parametrize("never", [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)])
def test_a_date_that_stands_for_never_is_named_whichever_way_its_zone_moves_it(zone: ZoneInfo, never: datetime) -> None:
    row = {"queue": "q", "contact": "c1", "entered_at": datetime(2026, 11, 22), "answered_at": never}
    with pytest.raises(CollectorError, match="contacts, row 1, column answered_at: .*a date of these years, or NULL"):
        CONTACTS.read([row], zone)


@pytest.mark.parametrize(
    ("column", "value", "wanted"), [("talk_s", 2**64 - 1, "at most 31622400"), ("wrap_s", 1e18, "at most 31622400")]
)
def test_no_contact_lasts_longer_than_a_year(column: str, value: float, wanted: str) -> None:
    row = {"queue": "q", "contact": "c1", "entered_at": datetime(2026, 11, 22), column: value}
    with pytest.raises(CollectorError, match=rf"column {column}: .*{wanted}"):
        CONTACTS.read([row], SHANGHAI)


def test_a_total_may_run_for_years() -> None:
    row = {"queue": "q", "offered": 40_000_000, "talk_s": 5_000_000_000}
    assert QUEUES.read([row], SHANGHAI) == [{"queue": "q", "offered": 40_000_000, "talk_s": 5_000_000_000_000}]


def test_a_needed_value_may_not_be_null() -> None:
    with pytest.raises(CollectorError, match="row 1, column contact: has no value"):
        CONTACTS.read([{"queue": "q", "contact": None, "entered_at": 1_795_276_800}], SHANGHAI)


def test_words_are_out_of_a_list() -> None:
    with pytest.raises(CollectorError, match="one of available, logged_out, on_contact"):
        AGENTS.read([{"agent": "li", "condition": "BREAK"}], SHANGHAI)
    with pytest.raises(CollectorError, match="one of .*complaints"):
        FACTS.read([{"id": "1", "at": 1_795_276_800, "queue": "q", "counter": "smiles", "n": 1}], SHANGHAI)
