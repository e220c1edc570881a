"""Heartbeats: regular, spread, and at once when something about the sources changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collectors.collector import Status
from dashboard.push.heartbeat import BEAT_MS, Heart
from dashboard.push.hub import FeedKey, Hub, Viewer
from operations.projects.watcher import ConfigurationWatcher
from tests.dashboard.conftest import configuration

NOW = 1_795_000_000_000


@pytest.fixture
def watcher(tmp_path: Path) -> ConfigurationWatcher:
    file = tmp_path / "wallboard.yaml"
    file.write_text(configuration())
    return ConfigurationWatcher(file, {})


def up(at: int) -> Status:
    return Status("demo", "simulator", "up", since=NOW, written_at=at, last_word_at=at)


def beats(viewer: Viewer) -> list[dict[str, object]]:
    """The heartbeats that a screen takes now."""
    blocks = viewer.take().decode().split("\n\n")
    return [json.loads(block.split("data: ")[1]) for block in blocks if "event: heartbeat" in block]


def test_a_project_beats_every_five_seconds_counted_from_its_own_first(watcher: ConfigurationWatcher) -> None:
    hub = Hub()
    heart = Heart(hub, watcher)
    heart.statuses = {"demo": up(NOW)}
    early = hub.join(FeedKey("p0"), None)
    heart.beat(NOW)
    late = hub.join(FeedKey("p1"), None)
    heart.beat(NOW + 2_000)
    assert len(beats(early)) == 1
    assert len(beats(late)) == 1
    heart.beat(NOW + BEAT_MS)
    assert len(beats(early)) == 1
    assert beats(late) == []
    heart.beat(NOW + BEAT_MS + 2_000)
    assert beats(early) == []
    assert len(beats(late)) == 1


def test_a_source_or_a_redis_that_changes_is_told_at_once(watcher: ConfigurationWatcher) -> None:
    hub = Hub()
    hub.redis = True
    heart = Heart(hub, watcher)
    heart.statuses = {"demo": up(NOW)}
    screen = hub.join(FeedKey("p0"), None)
    heart.beat(NOW)
    assert beats(screen)[0]["redis"] is True
    heart.beat(NOW + 1_000)
    assert beats(screen) == []
    hub.redis = False
    heart.beat(NOW + 2_000)
    assert beats(screen)[0]["redis"] is False
    heart.statuses = {}
    heart.beat(NOW + 3_000)
    assert beats(screen)[0]["sources"]["demo"]["why"] == "no_collector"  # type: ignore[index]


def test_a_clock_that_was_set_back_an_hour_does_not_silence_the_heart(watcher: ConfigurationWatcher) -> None:
    hub = Hub()
    heart = Heart(hub, watcher)
    screen = hub.join(FeedKey("p0"), None)
    heart.beat(NOW)
    beats(screen)
    heart.beat(NOW - 3_600_000)
    assert len(beats(screen)) == 1


def test_times_are_the_projects_own_and_only_its_own_sources_are_named(watcher: ConfigurationWatcher) -> None:
    heart = Heart(Hub(), watcher)
    heart.statuses = {"demo": up(NOW), "hq": up(NOW)}
    heart.checked = {"other": NOW}
    said = heart.data("other", NOW)
    assert list(said["sources"]) == ["hq"]
    assert said["now"] == said["checked_at"] == "2026-11-18T19:06:40.000+08:00"


def test_a_screen_that_missed_beats_gets_the_newest_alone(watcher: ConfigurationWatcher) -> None:
    hub = Hub()
    heart = Heart(hub, watcher)
    screen = hub.join(FeedKey("p0"), None)
    for step in range(5):
        heart.beat(NOW + step * BEAT_MS)
    found = beats(screen)
    assert [beat["now"] for beat in found] == [heart.data("p0", NOW + 4 * BEAT_MS)["now"]]


def test_screens_of_a_project_that_left_the_configuration_are_sent_away(watcher: ConfigurationWatcher) -> None:
    hub = Hub()
    gone, stays = hub.join(FeedKey("p0"), None), hub.join(FeedKey("p1"), None)
    hub.close("p0")
    assert gone.closed
    assert not stays.closed
