"""How a source is judged from its supervisor's last word."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from collectors.collector import STALE_AFTER_MS, Status
from operations.sources import UNWATCHED_AFTER_MS, SourceView, judge, parse, public

NOW = 1_795_000_000_000


def status(**more: Any) -> Status:
    said = {"state": "up", "since": NOW - 60_000, "written_at": NOW - 500, "last_word_at": NOW - 400, **more}
    return Status(source="hq", kind="asterisk", **said)


def judged(**more: Any) -> SourceView:
    return judge(status(**more), NOW)


def test_a_source_that_speaks_is_up_with_the_age_of_its_last_word() -> None:
    view = judged(last_event_at=NOW - 5_000)
    assert (view.state, view.why, view.error) == ("up", "", "")
    assert view.age_s == 0.4
    assert view.last_event_at == NOW - 5_000


def test_a_mute_acd_is_stale_from_its_last_word_on() -> None:
    assert judged(last_word_at=NOW - STALE_AFTER_MS).state == "up"
    view = judged(last_word_at=NOW - STALE_AFTER_MS - 1)
    assert (view.state, view.why, view.since) == ("stale", "mute", NOW - STALE_AFTER_MS - 1)
    assert "15 s" in view.error


def test_a_status_that_nobody_rewrites_is_down_whatever_it_says() -> None:
    for state in ("up", "connecting", "down"):
        view = judged(state=state, written_at=NOW - UNWATCHED_AFTER_MS - 1)
        assert (view.state, view.why, view.error) == ("down", "no_collector", "collector not running")
        assert view.since == NOW - UNWATCHED_AFTER_MS - 1


def test_what_the_supervisor_says_of_a_broken_link_is_passed_on() -> None:
    view = judged(state="down", error="the password is wrong", permanent=True, since=NOW - 9_000)
    assert (view.state, view.why, view.error, view.permanent) == ("down", "failed", "the password is wrong", True)
    assert view.since == NOW - 9_000


def test_a_source_that_is_still_connecting_is_not_up() -> None:
    view = judged(state="connecting", last_word_at=None)
    assert (view.state, view.why, view.age_s) == ("down", "connecting", None)


def test_a_source_of_which_nobody_ever_spoke_has_no_collector() -> None:
    view = judge(None, NOW, "asterisk")
    assert (view.state, view.why, view.kind, view.since) == ("down", "no_collector", "asterisk", None)


def test_an_acd_whose_word_comes_from_the_future_is_not_younger_than_now() -> None:
    assert judged(last_word_at=NOW + 5_000).age_s == 0


@pytest.mark.parametrize("raw", [None, b"", b"null", b"{}", b"[1]", b'{"source": 1}', b"\xff"])
def test_a_status_that_cannot_be_read_is_none(raw: bytes | None) -> None:
    assert parse(raw) is None


def test_a_status_reads_back_as_it_was_written() -> None:
    assert parse(msgspec.json.encode(status(facts={"clock_skew_ms": 12}))) == status(facts={"clock_skew_ms": 12})


def test_the_public_view_has_times_with_offset_and_what_outsiders_rely_on() -> None:
    shown = public(judged(last_event_at=NOW))
    assert {"state", "last_event_at", "age_s", "error"} <= set(shown)
    assert shown["last_event_at"] == "2026-11-18T11:06:40.000+00:00"


def test_a_source_may_be_quiet_for_as_long_as_its_settings_allow() -> None:
    assert judged(last_word_at=NOW - 60_000, stale_after_ms=60_000).state == "up"
    assert judged(last_word_at=NOW - 60_001, stale_after_ms=60_000).state == "stale"
    assert judged(last_word_at=NOW - 90 * 24 * 3_600_000, stale_after_ms=None).state == "up"
