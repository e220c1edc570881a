from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.queue_log.protocol import MAX_LINE, VERBS, Line, LineReader, parse_time
from tests.collectors.queue_log.recorded import RUN_A, TRAPS


def read(data: bytes) -> tuple[list[Line], LineReader]:
    reader = LineReader()
    return reader.feed(data) + reader.finish(), reader


def test_every_line_of_the_recorded_run_is_read() -> None:
    lines, reader = read(RUN_A)
    assert (len(lines), reader.lines, reader.garbage, reader.too_long, reader.unknown) == (RUN_A.count(b"\n"),) * 2 + (
        0,
        0,
        {},
    )


def test_every_line_of_every_trap_is_known() -> None:
    for name, text in TRAPS.items():
        _, reader = read(text.encode())
        assert (reader.garbage, reader.unknown) == (0, {}), name


def test_a_line_keeps_names_in_any_script() -> None:
    (line,), _ = read("1795313574|MANAGER|sales-cn|王伟|ADDMEMBER|PAUSED\n".encode())
    assert line == Line(1_795_313_574_000, False, "MANAGER", "sales-cn", "王伟", "ADDMEMBER", ("PAUSED",))


def test_a_file_cut_at_every_byte_gives_the_same_lines() -> None:
    data = RUN_A[:3000]
    whole, _ = read(data)
    for cut in range(len(data)):
        reader = LineReader()
        found = reader.feed(data[:cut]) + reader.feed(data[cut:]) + reader.finish()
        assert found == whole, cut


def test_a_partial_last_line_waits_for_its_rest() -> None:
    reader = LineReader()
    assert reader.feed(b"1795313310|1.0|q|NONE|ENTER") == []
    assert reader.pending == 27
    (line,) = reader.feed(b"QUEUE||800|1\n1795")
    assert line.verb == "ENTERQUEUE"
    assert reader.pending == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795313310", (1_795_313_310_000, False)),
        ("1795313310.1", (1_795_313_310_100, True)),
        ("1795313310.123456", (1_795_313_310_123, True)),
        ("2026-11-22 02:48:30.123456", (1_795_286_910_123, True)),
        ("2026-11-22 02:48:30", (1_795_286_910_000, False)),
        ("2026-11-22 02:48:30+00:00", (1_795_315_710_000, False)),
    ],
)
def test_every_form_of_the_time_is_read(text: str, expected: tuple[int, bool]) -> None:
    assert parse_time(text, ZoneInfo("Asia/Shanghai")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-5",
        "1e9",
        "1_795_313_310",
        "١٧٩٥٣١٣٣١٠",
        "99999999999999999999",
        "2026-13-40 10:00:00",
        "1795313310.x",
        "Nov 22",
        "9" * 5000,
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage\n",
        b"|||||\n",
        b"\xff\xfe\xfd\n",
        b"1795313310|a|b\n",
        b"\0\0\0\n",
        b"17953\x0013310|a|q|NONE|ABANDON|1|1|1\n",
    ],
)
def test_garbage_is_counted_and_never_fatal(raw: bytes) -> None:
    lines, reader = read(raw + b"1795313310|1.0|q|NONE|ABANDON|1|1|8\n")
    assert [line.verb for line in lines] == ["ABANDON"]
    assert reader.garbage == 1


def test_blocks_of_nul_before_a_line_are_dropped() -> None:
    lines, reader = read(b"\0" * 500 + b"1795313310|1.0|q|NONE|ABANDON|1|1|8\r\n")
    assert [line.fields for line in lines] == [("1", "1", "8")]
    assert reader.garbage == 0


def test_an_unknown_verb_is_counted_by_name() -> None:
    lines, reader = read(b"1795313310|1.0|q|NONE|HOTDESK|x\n" * 3)
    assert lines == []
    assert reader.unknown == {"HOTDESK": 3}


def test_a_flood_of_unknown_verbs_is_not_kept_in_memory() -> None:
    _, reader = read(b"".join(b"1795313310|1|q|a|VERB%d|\n" % n for n in range(5000)))
    assert len(reader.unknown) <= 101
    assert sum(reader.unknown.values()) == 5000


def test_a_separator_in_an_agents_name_does_not_hide_the_verb() -> None:
    (line,), _ = read(b"1795313310|1.0|q|Smith | Jones|CONNECT|4|1.2|3\n")
    assert (line.agent, line.verb, line.fields) == ("Smith | Jones", "CONNECT", ("4", "1.2", "3"))


@pytest.mark.parametrize("chunk", [1000, 65536, 10_000_000])
def test_an_endless_line_is_skipped_in_bounded_memory(chunk: int) -> None:
    reader = LineReader()
    endless = b"1795313310|" + b"x" * 3_000_000
    found: list[Line] = []
    for start in range(0, len(endless), chunk):
        found += reader.feed(endless[start : start + chunk])
        assert len(reader._rest) <= MAX_LINE
    assert reader.pending == len(endless)
    found += reader.feed(b"\n1795313310|1.0|q|NONE|ABANDON|1|1|8\n")
    assert [line.verb for line in found] == ["ABANDON"]
    assert (reader.lines, reader.too_long, reader.garbage) == (2, 1, 0)


def test_a_dropped_partial_line_does_not_spoil_the_next() -> None:
    reader = LineReader()
    reader.feed(b"1795313310|1.0|q|NO")
    reader.forget()
    (line,) = reader.feed(b"1795313310|1.0|q|NONE|ABANDON|1|1|8\n")
    assert line.verb == "ABANDON"


fragments = st.one_of(
    st.sampled_from([verb.encode() for verb in sorted(VERBS)]),
    st.sampled_from(
        [b"|", b"\n", b"1795313310", b"NONE", b"1795313311.5", b"\r\n", b"\0", "王伟".encode(), b"2026-11-22 02:48:30"]
    ),
    st.binary(max_size=8),
)


@given(st.lists(fragments, max_size=60).map(b"".join), st.lists(st.integers(0, 400), max_size=12))
def test_any_bytes_in_any_chunks_give_the_same_lines_and_counts(data: bytes, cuts: list[int]) -> None:
    whole, once = read(data)
    pieces = LineReader()
    found: list[Line] = []
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in zip(edges, edges[1:], strict=False):
        found += pieces.feed(data[start:end])
    found += pieces.finish()
    assert found == whole
    assert (pieces.lines, pieces.garbage, pieces.unknown) == (once.lines, once.garbage, once.unknown)
