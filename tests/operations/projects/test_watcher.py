"""The file changes under a running system, in every way in which editors, deployments and accidents change files."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from operations.projects.configuration import ConfigurationInvalid
from operations.projects.watcher import CLOSE_LOOKS, EVERY, ConfigurationWatcher
from tests.operations.projects.kinds import KINDS

TOY = "sources: {t: {kind: toy}}\n"


def named(name: str) -> str:
    return f"{TOY}site: {{name: {name}}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wallboard.yaml"
    path.write_text(named("one"))
    return path


def watch(file: Path) -> ConfigurationWatcher:
    return ConfigurationWatcher(file, {}, KINDS)


def settle(watcher: ConfigurationWatcher, polls: int = CLOSE_LOOKS + 2) -> list[bool]:
    return [watcher.poll() for _ in range(polls)]


def test_nothing_changes_while_nothing_changes(file: Path) -> None:
    watcher = watch(file)
    assert not any(settle(watcher, 3 * EVERY))
    assert watcher.current.site.name == "one"


def test_a_valid_change_is_taken_at_the_next_poll_once(file: Path) -> None:
    watcher = watch(file)
    file.write_text(named("three"))
    assert settle(watcher) == [True, False, False, False, False]
    assert watcher.current.site.name == "three"


def test_an_invalid_file_at_the_start_is_raised(file: Path) -> None:
    file.write_text("sources: {}\n")
    with pytest.raises(ConfigurationInvalid):
        watch(file)


def test_an_invalid_change_keeps_the_old_and_tells_until_it_is_mended(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watcher = watch(file)
    file.write_text(TOY + "site: {name: one, langauge: en}\n")
    assert not any(settle(watcher))
    assert watcher.current.site.name == "one"
    assert watcher.errors == ("site.langauge: unknown key; did you mean language?",)
    file.write_text(named("three"))
    assert any(settle(watcher))
    assert (watcher.current.site.name, watcher.errors) == ("three", ())


def test_going_back_to_what_it_was_clears_the_errors_without_a_change(file: Path) -> None:
    watcher = watch(file)
    file.write_text(named("one") + "nonsense: 1\n")
    settle(watcher)
    assert watcher.errors
    file.write_text(named("one"))
    assert not any(settle(watcher))
    assert watcher.errors == ()


def test_each_state_is_logged_once(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    watcher = watch(file)
    for text in (named("one") + "a: 1\n", named("one") + "a: 1\n# longer, and as wrong\n", named("two three")):
        file.write_text(text)
        settle(watcher, 10)
    assert [record.levelname for record in caplog.records if "is invalid" in record.message] == ["WARNING"]
    assert len([record for record in caplog.records if "has changed" in record.message]) == 1
    assert len(caplog.records) == 2


def test_a_comment_is_no_change(file: Path) -> None:
    watcher = watch(file)
    file.write_text("# why\n" + named("one"))
    assert not any(settle(watcher))


def test_a_rename_into_place_is_taken_at_once_even_when_shorter(file: Path) -> None:
    watcher = watch(file)
    fresh = file.with_name("wallboard.yaml.new")
    fresh.write_text(TOY)
    os.replace(fresh, file)
    assert watcher.poll()
    assert watcher.current.site.name == "Floorlight"


def test_a_link_that_points_elsewhere_is_a_change(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "wallboard.yaml").write_text(named(name))
    (tmp_path / "now").symlink_to(tmp_path / "one")
    watcher = watch(tmp_path / "now" / "wallboard.yaml")
    (tmp_path / "next").symlink_to(tmp_path / "two")
    os.replace(tmp_path / "next", tmp_path / "now")
    assert watcher.poll()
    assert watcher.current.site.name == "two"


def test_a_file_that_an_editor_has_half_written_is_not_believed(file: Path) -> None:
    watcher = watch(file)
    whole = named("a name that is rather longer than the one before")
    with file.open("w") as handle:
        handle.write(whole[:40])
        handle.flush()
        assert not watcher.poll()
        assert watcher.current.site.name == "one"
        assert watcher.errors == ()
        handle.write(whole[40:])
    assert watcher.poll()
    assert watcher.current.site.name.startswith("a name")


def test_a_file_that_was_cut_at_a_whole_line_is_believed_only_when_it_stays_so(file: Path) -> None:
    watcher = watch(file)
    file.write_text(TOY)
    assert not watcher.poll()
    assert watcher.current.site.name == "one"
    assert watcher.poll()
    assert watcher.current.site.name == "Floorlight"


def test_a_file_without_a_last_line_end_is_believed_at_the_second_look(file: Path) -> None:
    watcher = watch(file)
    file.write_text(named("three").rstrip("\n"))
    assert settle(watcher)[:2] == [False, True]


def test_a_file_that_is_away_for_a_moment_is_not_missed(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    watcher = watch(file)
    file.rename(file.with_suffix(".bak"))
    assert not watcher.poll()
    assert watcher.errors == ()
    file.write_text(named("two"))
    assert watcher.poll()
    assert caplog.records == []


def test_a_file_that_is_gone_keeps_the_old_and_tells(file: Path) -> None:
    watcher = watch(file)
    file.unlink()
    settle(watcher)
    assert watcher.current.site.name == "one"
    assert watcher.errors == (
        "wallboard.yaml: cannot be read (no such file or directory); name a file with --config or WALLBOARD_CONFIG",
    )
    file.write_text(named("one"))
    settle(watcher)
    assert watcher.errors == ()


def test_a_change_with_the_same_size_and_time_is_seen(file: Path) -> None:
    watcher = watch(file)
    before = file.stat()
    file.write_text(named("two"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert watcher.poll()
    assert watcher.current.site.name == "two"


def test_a_second_change_within_one_tick_of_the_clock_is_seen(file: Path) -> None:
    watcher = watch(file)
    file.write_text(named("two"))
    watcher.poll()
    # What a second write in the same tick leaves behind: other content, and a stat that tells nothing.
    file.write_text(named("six"))
    watcher._seen = watcher._seen._replace(stats=watcher._stats())
    assert any(settle(watcher, CLOSE_LOOKS))
    assert watcher.current.site.name == "six"


def test_an_included_file_is_watched(file: Path) -> None:
    secret = file.with_name("name")
    secret.write_text("one\n")
    file.write_text(TOY + "site: {name: '${file:name}'}\n")
    watcher = watch(file)
    assert not any(settle(watcher))
    secret.write_text("two\n")
    assert watcher.poll()
    assert watcher.current.site.name == "two"
    secret.unlink()
    settle(watcher)
    assert watcher.current.site.name == "two"
    assert "cannot be read" in watcher.errors[0]
    secret.write_text("six\n")
    assert any(settle(watcher))
    assert (watcher.current.site.name, watcher.errors) == ("six", ())


def test_a_file_that_is_included_only_now_is_watched_from_now_on(file: Path) -> None:
    watcher = watch(file)
    secret = file.with_name("name")
    file.write_text(TOY + "site: {name: '${file:name}'}\n")
    settle(watcher)
    assert "cannot be read" in watcher.errors[0]
    secret.write_text("two\n")
    assert any(settle(watcher))
    assert watcher.current.site.name == "two"


def test_a_writer_that_never_rests_is_followed_to_its_last_word(file: Path) -> None:
    watcher = watch(file)
    names = [f"name {'x' * (number % 7)} {number}" for number in range(200)]

    def write() -> None:
        for number, name in enumerate(names):
            if number % 3:
                file.write_text(named(name))
            else:
                fresh = file.with_name("fresh")
                fresh.write_text(named(name))
                os.replace(fresh, file)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        watcher.poll()
        assert watcher.current.site.name in (*names, "one")
    writer.join()
    settle(watcher)
    assert watcher.current.site.name == names[-1]
    assert watcher.errors == ()


def test_every_cut_of_a_growing_file_leaves_a_valid_configuration_in_force(file: Path) -> None:
    watcher = watch(file)
    whole = named("another name") + "projects: {a: {queues: [t/x]}, b: {queues: [t/y]}}\n"
    for cut in range(len(whole)):
        file.write_text(whole[:cut])
        watcher.poll()
        assert watcher.current.sources
    file.write_text(whole)
    settle(watcher)
    assert list(watcher.current.projects) == ["a", "b"]
    assert watcher.errors == ()
