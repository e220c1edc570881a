from __future__ import annotations

from pathlib import Path

from benchmarks.generate import read, record, stream
from collectors import event_log
from collectors import events as e


def test_a_stream_has_as_many_events_as_asked_for_in_batches_that_the_log_takes() -> None:
    batches = [e.decode(batch) for batch in stream(1_050)]
    assert sum(map(len, batches)) == 1_050
    assert all(len(batch) <= event_log.BATCH for batch in batches)
    assert isinstance(batches[0][0], e.Snapshot)


def test_the_same_arguments_record_the_same_file_and_it_reads_as_the_stream(tmp_path: Path) -> None:
    size = record(tmp_path / "a", 3_000, "demo", 3)
    record(tmp_path / "b", 3_000, "demo", 3)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert size == (tmp_path / "a").stat().st_size
    assert list(read(tmp_path / "a")) == list(stream(3_000, "demo", 3))
