"""The board's feed: a ring, a snapshot, and screens that are only places in it."""

from __future__ import annotations

import json

import pytest

from dashboard.access.view import View
from dashboard.push.feed import RING, RING_BYTES, BoardFeed, Place
from dashboard.push.hub import FeedKey, Hub


def board(revision: int, **more: object) -> bytes:
    return json.dumps({"project": "acme", "revision": revision, "agents": [{"name": "Alice"}], **more}).encode()


def change(revision: int, previous: int | None = None, **more: object) -> bytes:
    said = {"project": "acme", "revision": revision, "previous": revision - 1 if previous is None else previous, **more}
    return json.dumps(said).encode()


def events(data: bytes) -> list[tuple[str, int]]:
    """The names and ids of the events in some bytes of a stream."""
    found = []
    for block in data.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], int(fields["id"])))
    return found


def taken(feed: BoardFeed, place: Place | None) -> tuple[list[tuple[str, int]], Place]:
    found = feed.after(place)
    assert found is not None
    return events(found[0]), found[1]


def fresh(revision: int) -> BoardFeed:
    feed = BoardFeed("acme")
    feed.install(board(revision))
    return feed


def test_a_new_screen_gets_the_snapshot_and_then_the_changes() -> None:
    feed = fresh(7)
    first, place = taken(feed, None)
    assert first == [("snapshot", 7)]
    assert feed.after(place) is None
    assert feed.change(change(8))
    assert taken(feed, place)[0] == [("change", 8)]


def test_a_screen_that_comes_later_gets_the_kept_snapshot_and_what_followed() -> None:
    feed = fresh(7)
    feed.change(change(8))
    feed.change(change(9))
    assert taken(feed, None)[0] == [("snapshot", 7), ("change", 8), ("change", 9)]


def test_screens_at_one_place_share_the_very_same_bytes() -> None:
    feed = fresh(7)
    place = taken(feed, None)[1]
    feed.change(change(8))
    one, other = feed.after(place), feed.after(place)
    assert one is not None
    assert other is not None
    assert one[0] is other[0]


def test_a_change_that_skips_one_waits_for_the_next_snapshot() -> None:
    feed = fresh(7)
    place = taken(feed, None)[1]
    assert not feed.change(change(9, 8))
    assert feed.wants_snapshot
    assert feed.after(place) is None
    feed.install(board(9))
    assert not feed.wants_snapshot
    assert taken(feed, place)[0] == [("snapshot", 9)]


def test_changes_that_arrive_while_the_snapshot_is_read_follow_it() -> None:
    feed = BoardFeed("acme")
    feed.change(change(8))
    feed.change(change(9))
    feed.install(board(8))
    assert taken(feed, None)[0] == [("snapshot", 8), ("change", 9)]


def test_a_board_read_before_its_change_was_heard_is_looked_at_again_and_brings_nobody_back() -> None:
    feed = fresh(7)
    place = taken(feed, None)[1]
    feed.install(board(8))
    assert feed.wants_snapshot
    assert feed.change(change(8))
    feed.install(board(8))
    assert taken(feed, place)[0] == [("change", 8)]


def test_a_board_that_stays_ahead_although_no_change_was_heard_is_the_truth() -> None:
    feed = fresh(7)
    place = taken(feed, None)[1]
    feed.install(board(12))
    feed.install(board(12))
    assert taken(feed, place)[0] == [("snapshot", 12)]


def test_a_board_that_began_anew_reaches_every_screen() -> None:
    feed = fresh(700)
    place = taken(feed, None)[1]
    feed.change(change(2))
    assert feed.wants_snapshot
    feed.install(board(2))
    assert taken(feed, place)[0] == [("snapshot", 2)]


def test_after_a_lost_subscription_even_the_same_revision_is_sent_again() -> None:
    """A Redis that came back from an older save may have reached the same number with other contents."""
    feed = fresh(7)
    place = taken(feed, None)[1]
    feed.lost()
    feed.install(board(7))
    assert taken(feed, place)[0] == [("snapshot", 7)]


def test_a_screen_resumes_where_it_was_as_long_as_the_ring_reaches() -> None:
    feed = fresh(7)
    for revision in range(8, 12):
        feed.change(change(revision))
    place = feed.resume(9)
    assert place is not None
    assert taken(feed, place)[0] == [("change", 10), ("change", 11)]


@pytest.mark.parametrize("revision", [7, 6, 12, 10**18])
def test_a_screen_whose_revision_this_feed_never_sent_starts_with_a_snapshot(revision: int) -> None:
    feed = fresh(7)
    for step in range(8, 12):
        feed.change(change(step))
    assert feed.resume(revision) is None


def test_a_slow_screen_that_fell_out_of_the_ring_gets_the_newest_snapshot() -> None:
    feed = fresh(0)
    slow = taken(feed, None)[1]
    for revision in range(1, RING + 3):
        feed.change(change(revision))
    assert feed.after(slow) is None
    assert feed.wants_snapshot
    feed.install(board(RING + 2))
    assert taken(feed, slow)[0] == [("snapshot", RING + 2)]


def test_fetching_a_fresh_snapshot_for_newcomers_does_not_disturb_those_who_are_there() -> None:
    feed = fresh(0)
    place = taken(feed, None)[1]
    for revision in range(1, 6):
        feed.change(change(revision, text="x" * 40_000))
    assert len(taken(feed, None)[0]) == 6
    assert feed.wants_snapshot
    assert feed.change(change(6))
    feed.install(board(6))
    assert taken(feed, None)[0] == [("snapshot", 6)]
    assert taken(feed, place)[0] == [("change", n) for n in range(1, 7)]


def test_the_ring_is_bounded_in_bytes_too() -> None:
    feed = fresh(0)
    for revision in range(1, 41):
        feed.change(change(revision, text="x" * (RING_BYTES // 10)))
    feed.install(board(40))
    assert feed.resume(39) is not None
    assert feed.resume(20) is None


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b"{}", b'{"revision": 3}', b'{"revision": "3", "previous": 2}', b"\xff\xfe"]
)
def test_what_is_not_a_change_is_refused_and_harms_nothing(raw: bytes) -> None:
    feed = fresh(7)
    with pytest.raises(ValueError):  # noqa: PT011 - the feed's whole contract for bad bytes
        feed.change(raw)
    assert feed.change(change(8))


def test_line_breaks_inside_a_change_stay_inside_its_event() -> None:
    feed = fresh(7)
    place = taken(feed, None)[1]
    feed.change(json.dumps({"revision": 8, "previous": 7, "name": "a\nb"}, indent=1).encode())
    found = feed.after(place)
    assert found is not None
    lines = found[0].decode().rstrip("\n").split("\n")
    assert lines[:2] == ["id: 8", "event: change"]
    assert all(line.startswith("data: ") for line in lines[2:])
    assert json.loads("\n".join(line[6:] for line in lines[2:]))["name"] == "a\nb"


def test_who_may_not_see_names_shares_another_feed_of_the_same_board() -> None:
    hub = Hub()
    lead, client = hub.join(FeedKey("acme"), None), hub.join(FeedKey("acme", View("nameless")), None)
    hub.install("acme", board(7))
    hub.change("acme", change(8, agents=[{"name": "Alice"}], agents_gone=["Bob"]))
    assert lead.take().count(b"Alice") == 2
    hidden = client.take()
    assert b"Alice" not in hidden
    assert b"Bob" not in hidden
    assert events(hidden) == [("snapshot", 7), ("change", 8)]


def test_changes_of_projects_that_nobody_watches_are_not_even_read() -> None:
    hub = Hub()
    hub.change("acme", b"not JSON at all")
    assert hub.wanting() == []


def test_a_feed_is_forgotten_a_minute_after_its_last_screen() -> None:
    hub = Hub()
    viewer = hub.join(FeedKey("acme"), None)
    hub.install("acme", board(7))
    hub.leave(viewer)
    hub.sweep(0)
    hub.sweep(50_000)
    assert len(list(hub)) == 1
    hub.sweep(60_001)
    assert list(hub) == []
    assert hub.projects() == []
