"""What a valid file becomes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from operations.kpis.catalogue import DEFAULT_WALL
from operations.projects.configuration import Configuration, ConfigurationInvalid, load, parse
from operations.projects.opening_hours import OpeningHours
from tests.operations.projects.kinds import KINDS, PbxSettings, ToySettings

FILE = Path("/nowhere/wallboard.yaml")
TOY = "sources: {t: {kind: toy}}\n"


def read(text: str, environ: dict[str, str] | None = None) -> Configuration:
    return parse(text.encode(), FILE, environ or {}, KINDS)


def test_the_shortest_file_has_a_source_alone() -> None:
    found = read(TOY)
    assert found.sources == {"t": ToySettings(kind="toy")}
    assert found.projects == {}
    assert found.redis_url is None
    assert found.access is None
    assert (found.site.name, found.site.time_zone, found.site.language, found.site.interval_min) == (
        "Floorlight",
        "UTC",
        "en",
        30,
    )


def test_a_project_takes_from_the_site_what_it_does_not_say() -> None:
    found = read(
        TOY
        + "site: {time_zone: Asia/Shanghai, language: zh-Hans, interval_min: 15}\nprojects:\n  a: {}\n  b: {time_zone: Europe/Berlin, language: en, interval_min: 30}\n"
    )
    a, b = found.projects.values()
    assert (a.time_zone, a.language, a.interval_min, a.opening) == (
        "Asia/Shanghai",
        "zh-Hans",
        15,
        OpeningHours(zone="Asia/Shanghai"),
    )
    assert (b.time_zone, b.language, b.interval_min, b.opening.zone) == ("Europe/Berlin", "en", 30, "Europe/Berlin")
    assert (a.name, a.client, a.queues, a.wall) == ("a", "", (), DEFAULT_WALL)
    assert a.contract_on(dt.date(2026, 1, 1)).service_level.within_s == 20


def test_a_project_without_a_queue_is_allowed() -> None:
    assert read(TOY + "projects: {new: , newer: {queues: []}}").projects["newer"].queues == ()


def test_a_queue_may_have_slashes_spaces_and_chinese_in_its_name() -> None:
    assert read(TOY + 'projects: {a: {queues: ["t/客服/一线 (VIP)"]}}').projects["a"].queues == ("t/客服/一线 (VIP)",)


def test_yaml_surprises_are_left_out() -> None:
    found = read(TOY + "projects:\n  no: {name: on, open: {sat: 10:00-18:00, holidays: NO}}\n  007: {name: yes}\n")
    assert found.projects["no"].name == "on"
    assert found.projects["no"].opening.holidays == ("NO",)
    assert found.projects["007"].name == "yes"


def test_an_anchor_may_be_used_again() -> None:
    found = read(TOY + "projects:\n  a: {targets: &usual [{kpi: asa_s, goal: 5}]}\n  b: {targets: *usual}\n")
    assert found.projects["a"].targets == found.projects["b"].targets != ()


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse(b"\xef\xbb\xbf" + TOY.encode(), FILE, {}, KINDS).sources


def test_values_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "hq.secret").write_text("pass word\n")
    file = tmp_path / "wallboard.yaml"
    file.write_text(
        "site: {name: 'a ${WHO} and $${WHO}'}\n"
        "sources:\n  hq:\n    kind: pbx\n    host: ${HOST}\n    port: ${PORT}\n    password: ${file:hq.secret}\n"
    )
    found = load(file, {"HOST": "10.0.0.1", "PORT": "5039", "WHO": "${PORT}"}, KINDS)
    hq = found.sources["hq"]
    assert isinstance(hq, PbxSettings)
    assert (hq.host, hq.port, hq.password.get_secret_value()) == ("10.0.0.1", 5039, "pass word")
    assert found.site.name == "a ${PORT} and ${WHO}", "what was filled in is not looked at again"
    assert found.files == (file, tmp_path / "hq.secret")


def test_files_that_are_missing_are_still_among_those_to_watch(tmp_path: Path) -> None:
    file = tmp_path / "wallboard.yaml"
    file.write_text("sources: {t: {kind: toy, seed: '${file:seed}'}}\n")
    with pytest.raises(ConfigurationInvalid) as caught:
        load(file, {}, KINDS)
    assert caught.value.files == (file, tmp_path / "seed")


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("redis:\n", {}, None),
        ("redis: ''\n", {}, None),
        ("redis: ${REDIS_URL}\n", {}, None),
        ("redis: ${REDIS_URL}\n", {"REDIS_URL": ""}, None),
        ("redis: ${REDIS_URL}\n", {"REDIS_URL": "redis://u:p@cache:6379/0"}, "redis://u:p@cache:6379/0"),
        ("redis: unix:///run/redis.sock\n", {"REDIS_URL": "redis://cache"}, "unix:///run/redis.sock"),
        ("redis:\n", {"REDIS_URL": "redis://cache"}, None),
        ("", {"REDIS_URL": "rediss://cache"}, "rediss://cache"),
        ("", {}, None),
    ],
)
def test_redis_is_embedded_unless_an_address_is_given(text: str, environ: dict[str, str], expected: str | None) -> None:
    url = read(TOY + text, environ).redis_url
    assert (url.get_secret_value() if url else None) == expected


def test_the_address_in_the_environment_is_checked_too() -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        read(TOY, {"REDIS_URL": "cache:6379"})
    assert caught.value.errors == [
        "REDIS_URL (environment): is not the address of a Redis server; "
        "write redis://HOST:6379/0, rediss://… or unix:///PATH, or leave it empty for an embedded Redis"
    ]


def test_another_variable_than_redis_url_is_missed() -> None:
    with pytest.raises(ConfigurationInvalid, match="has no REDIS_UR"):
        read(TOY + "redis: ${REDIS_UR}\n")


def test_the_digest_follows_the_meaning_and_not_the_text() -> None:
    one = read(TOY + "site: {name: a}\n")
    assert one.digest == read("# a comment\n" + TOY + "site:\n  name: a\n").digest
    assert one.digest != read(TOY + "site: {name: b}\n").digest
    filled = "site: {name: '${X}'}\n"
    assert read(TOY + filled, {"X": "a"}).digest != read(TOY + filled, {"X": "b"}).digest


def test_people_and_screens_see_their_projects() -> None:
    password = "$argon2id$v=19$m=65536,t=3,p=4$SD5vGOcOw0KAP+IY/Q0M5Q$LGIB6DgC243faJU2HrJE59Y0JHX5glh469cYErZDvQs"
    access = read(
        TOY
        + f"projects: {{a: }}\naccess:\n  users:\n  - {{name: mei, password: '{password}', role: client, projects: [a]}}\n"
        f"  - {{name: root, password: '{password}', role: admin}}\n  screens:\n  - {{name: north, token: 'sha256:{'ab' * 32}', projects: [a]}}\n"
    ).access
    assert access is not None
    assert [(user.name, user.role, user.projects) for user in access.users] == [
        ("mei", "client", ("a",)),
        ("root", "admin", None),
    ]
    assert access.users[0].password.get_secret_value() == password
    assert access.screens[0].token.get_secret_value() == f"sha256:{'ab' * 32}"
    assert read(TOY + "access: {}\n").access is not None, "nobody may look, which is not the same as everybody may"
