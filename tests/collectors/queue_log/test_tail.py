from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.queue_log.files import Place, family, last_time, lines_since, place_in
from collectors.queue_log.protocol import LineReader
from collectors.queue_log.tail import Position, Tail, find
from tests.collectors.queue_log.recorded import T0


def row(number: int, second: int | None = None) -> bytes:
    return f"{T0 + (number if second is None else second)}|c{number}|q|NONE|ENTERQUEUE||{number}|1\n".encode()


def rows(first: int, last: int) -> bytes:
    return b"".join(row(number) for number in range(first, last))


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


class Follower:
    """A tail and the lines that it gives, as the collector joins them."""

    def __init__(self, live: Path, start: Place | None = None) -> None:
        self.tail = Tail(live, start or Place(live, 0))
        self.reader = LineReader()

    def look(self) -> list[str]:
        """The contacts of all lines that there are now."""
        found: list[str] = []
        while True:
            piece = self.tail.read()
            if piece.cut:
                self.reader.forget()
            lines = self.reader.finish() if piece.ended else self.reader.feed(piece.data)
            found += [line.contact for line in lines]
            if piece.caught_up:
                return found

    def position(self) -> Position:
        return self.tail.position(self.reader.pending, 0)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "queue_log"
    path.write_bytes(row(0))
    return path


def names(first: int, last: int) -> list[str]:
    return [f"c{number}" for number in range(first, last)]


def test_a_growing_file_is_followed(live: Path) -> None:
    follower = Follower(live)
    assert follower.look() == ["c0"]
    assert follower.look() == []
    append(live, rows(1, 4))
    assert follower.look() == ["c1", "c2", "c3"]


def test_a_partial_last_line_waits(live: Path) -> None:
    follower = Follower(live)
    follower.look()
    append(live, row(1)[:20])
    assert follower.look() == []
    append(live, row(1)[20:])
    assert follower.look() == ["c1"]


def test_rename_and_create_loses_nothing(live: Path) -> None:
    follower = Follower(live)
    follower.look()
    append(live, row(1))
    live.rename(live.with_name("queue_log.0"))
    append(live.with_name("queue_log.0"), row(2))  # the writer still holds the old file
    live.write_bytes(row(3))
    assert follower.look() == ["c1", "c2", "c3"]
    append(live, row(4))
    assert follower.look() == ["c4"]
    assert follower.tail.rotations == 1


def test_the_moment_without_a_file_is_waited_out(live: Path) -> None:
    follower = Follower(live)
    follower.look()
    live.rename(live.with_name("queue_log.0"))
    assert follower.look() == []
    assert follower.tail.read().missing
    append(live.with_name("queue_log.0"), row(1))
    assert follower.look() == ["c1"]
    live.write_bytes(row(2))
    assert follower.look() == ["c2"]
    assert not follower.tail.read().missing


def test_two_rotations_between_two_looks_lose_nothing(live: Path) -> None:
    follower = Follower(live)
    follower.look()
    append(live, row(1))
    live.rename(live.with_name("queue_log.1"))
    live.write_bytes(rows(2, 4))
    live.with_name("queue_log.1").rename(live.with_name("queue_log.2"))
    live.rename(live.with_name("queue_log.1"))
    live.write_bytes(rows(4, 6))
    assert follower.look() == names(1, 6)


def test_an_elder_that_is_compressed_at_once_is_still_read_to_its_end(live: Path) -> None:
    follower = Follower(live)
    follower.look()
    append(live, row(1))
    packed = live.with_name("queue_log.1.gz")
    with gzip.open(packed, "wb") as file:
        file.write(live.read_bytes())
    live.unlink()
    live.write_bytes(row(2))
    assert follower.look() == ["c1", "c2"]


def test_copytruncate_loses_nothing_that_the_copy_holds(live: Path) -> None:
    follower = Follower(live)
    append(live, rows(1, 40))
    follower.look()
    append(live, rows(40, 45))  # not yet seen when the copy is made
    shutil.copy(live, live.with_name("queue_log.1"))
    os.truncate(live, 0)
    append(live, rows(45, 47))
    assert follower.look() == names(40, 47)


def test_a_file_that_was_cut_and_grew_past_the_place_is_noticed(live: Path) -> None:
    follower = Follower(live)
    append(live, rows(1, 10))
    follower.look()
    os.truncate(live, 0)
    append(live, rows(10, 60))
    assert follower.look() == names(10, 60)


def test_the_partial_line_of_a_truncated_file_is_dropped(live: Path) -> None:
    follower = Follower(live)
    append(live, row(1)[:15])
    assert follower.look() == ["c0"]
    os.truncate(live, 0)
    append(live, row(2))
    assert follower.look() == ["c2"]
    assert follower.reader.garbage == 0


def test_an_emptied_file_is_followed_from_its_beginning(live: Path) -> None:
    follower = Follower(live)
    follower.look()
    os.truncate(live, 0)
    assert follower.look() == []
    append(live, row(1))
    assert follower.look() == ["c1"]


# ── continuing after a restart ────────────────────────────────────────────────────────────────────


def again(live: Path, position: Position) -> Follower:
    place = find(Position.decode(position.encode()), family(live))  # type: ignore[arg-type]
    assert place is not None
    return Follower(live, place)


def test_a_restart_continues_after_the_last_whole_line(live: Path) -> None:
    follower = Follower(live)
    append(live, rows(1, 5) + row(5)[:9])
    follower.look()
    position = follower.position()
    append(live, row(5)[9:] + row(6))
    assert again(live, position).look() == ["c5", "c6"]


def test_a_restart_after_a_rotation_finishes_the_elder_first(live: Path) -> None:
    follower = Follower(live)
    follower.look()
    position = follower.position()
    append(live, row(1))
    live.rename(live.with_name("queue_log-20261122"))
    live.write_bytes(row(2))
    assert again(live, position).look() == ["c1", "c2"]


def test_a_restart_after_copytruncate_finds_its_place_in_the_copy(live: Path) -> None:
    follower = Follower(live)
    append(live, rows(1, 30))
    follower.look()
    position = follower.position()
    append(live, row(30))
    shutil.copy(live, live.with_name("queue_log.1"))
    os.truncate(live, 0)
    append(live, rows(31, 80))
    assert again(live, position).look() == names(30, 80)


def test_a_place_that_is_nowhere_any_more_is_not_found(live: Path) -> None:
    follower = Follower(live)
    append(live, rows(1, 30))
    follower.look()
    position = follower.position()
    live.write_bytes(rows(50, 120))
    assert find(position, family(live)) is None


@pytest.mark.parametrize("value", [None, b"", b"x", b"[]", b'{"inode": 1}', b'{"inode":1,"offset":-5,"mark":""}'])
def test_a_memory_that_makes_no_sense_is_none(value: bytes | None) -> None:
    assert Position.decode(value) is None


# ── a log and its elders ──────────────────────────────────────────────────────────────────────────


def test_the_family_is_told_by_its_own_times_oldest_first_without_copies_and_strangers(live: Path) -> None:
    folder = live.parent
    live.write_bytes(rows(200, 300))
    (folder / "queue_log.0").write_bytes(rows(0, 100))
    (folder / "queue_log-yesterday").write_bytes(rows(100, 200))
    (folder / "queue_log.bak").write_bytes(rows(200, 260))
    (folder / "queue_log.2.gz").write_bytes(gzip.compress(rows(-50, 0)))
    (folder / "queue_log.3.gz").write_bytes(b"not gzip")
    (folder / "queue_log.txt").write_bytes(b"notes")
    (folder / "queue_logger").write_bytes(rows(0, 5))
    (folder / "queue_log.d").mkdir()
    assert [path.name for path in family(live)] == ["queue_log.0", "queue_log-yesterday", "queue_log"]
    assert [path.name for path in family(live, compressed=True)][0] == "queue_log.2.gz"


def test_the_newest_time_is_that_of_the_last_readable_line(live: Path) -> None:
    append(live, rows(1, 9) + b"garbage\n" + b"179531")
    assert last_time(family(live)) == (T0 + 8) * 1000
    assert last_time([]) is None


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(-2, 80), st.booleans())
@settings(deadline=None, max_examples=150)
def test_the_place_of_a_moment_is_its_first_line(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], wanted: int, dirty: bool
) -> None:
    path = tmp_path_factory.mktemp("log") / "queue_log"
    second, data, expected = 0, b"", None
    for number, step in enumerate(steps):
        second += step
        if dirty:
            data += b"garbage without a time\n"
        if second >= wanted and expected is None:
            expected = len(data)
        data += row(number, second)
    path.write_bytes(data)
    assert place_in(path, (T0 + wanted) * 1000).offset == (len(data) if expected is None else expected)


def test_an_endless_line_does_not_stop_the_search(live: Path) -> None:
    live.write_bytes(rows(0, 10) + b"x" * 3_000_000 + b"\n" + rows(10, 20))
    place = place_in(live, (T0 + 15) * 1000)
    lines = LineReader().feed(live.read_bytes()[place.offset :])
    assert [line.contact for line in lines][-5:] == names(15, 20)


def test_lines_are_read_over_all_files_from_a_moment_up_to_a_place(live: Path) -> None:
    folder = live.parent
    live.write_bytes(rows(200, 300))
    (folder / "queue_log.1").write_bytes(rows(100, 200))
    (folder / "queue_log.2.gz").write_bytes(gzip.compress(rows(0, 100)))
    since = [line.contact for lines in lines_since(live, (T0 + 90) * 1000, compressed=True) for line in lines]
    assert since == names(90, 300)
    upto = Place(folder / "queue_log.1", len(rows(100, 150)))
    part = [line.contact for lines in lines_since(live, (T0 + 140) * 1000, upto=upto) for line in lines]
    assert part == names(140, 150)
