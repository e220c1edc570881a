"""The tables of callcenter_config, which quote nothing."""

from __future__ import annotations

import pytest

from collectors.freeswitch.tables import TableError, number, parse_table

MEMBERS = "queue|uuid|session_uuid|cid_number|cid_name|joined_epoch|serving_agent|state|score"
NEEDS = ("queue", "uuid", "session_uuid", "joined_epoch", "state")


def members(*rows: str) -> list[dict[str, str]]:
    return parse_table("\n".join([MEMBERS, *rows, "+OK"]) + "\n", NEEDS, "cid_name")


def test_cells_go_by_the_names_of_their_columns() -> None:
    (row,) = members("q@d|u1|s1|+49|王小明|1795320000||Waiting|12")
    assert row == {
        "queue": "q@d", "uuid": "u1", "session_uuid": "s1", "cid_number": "+49", "cid_name": "王小明",
        "joined_epoch": "1795320000", "serving_agent": "", "state": "Waiting", "score": "12",
    }  # fmt: skip


def test_pipes_and_line_breaks_in_a_name_stay_in_the_name() -> None:
    rows = members(
        "q|u1|s1|1|a|b||c|17||Waiting|1", "q|u2|s2|2|two\nlines|18||Trying|2", "q|u3|s3|3|plain|19|eva|Answered|3"
    )
    assert [row["cid_name"] for row in rows] == ["a|b||c", "two\nlines", "plain"]
    assert [row["state"] for row in rows] == ["Waiting", "Trying", "Answered"]
    assert [row["joined_epoch"] for row in rows] == ["17", "18", "19"]


def test_an_empty_table_is_ok_alone() -> None:
    assert parse_table("+OK\n", NEEDS) == []


def test_a_null_is_nothing() -> None:
    (row,) = members("q|u|(null)|1||17|(null)|Waiting|1")
    assert row["session_uuid"] == row["serving_agent"] == ""


def test_a_row_with_more_cells_than_names_is_read_from_the_left_where_no_column_is_free() -> None:
    (row,) = parse_table("name|strategy\nq@d|ring-all|more\n+OK\n", ("name",))
    assert row == {"name": "q@d", "strategy": "ring-all"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("-ERR callcenter_config Command not found!\n", "Command not found"),
        ("-ERR no reply\n", "no reply"),
        ("-USAGE: \ncallcenter_config <target> <args>\n", "USAGE"),
        ("", "does not end with"),
        ("name|strategy\nq|ring-all\n", "does not end with"),
        ("something|else\na|b\n+OK\n", "queue, uuid, session_uuid, joined_epoch, state are missing"),
        ("+OK\n+OK\n", "are missing"),
        ("Command returned no output!", "does not end with"),
    ],
)
def test_what_is_no_table_is_an_error_with_what_was_said(answer: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        parse_table(answer, NEEDS)


@pytest.mark.parametrize(("text", "value"), [("17", 17), ("-3", 0), ("", 0), ("1e9", 0), ("٣", 0), ("9" * 30, 0)])
def test_a_number_is_digits_or_nothing(text: str, value: int) -> None:
    assert number(text) == value
