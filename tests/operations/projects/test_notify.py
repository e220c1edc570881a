"""The sections ``notify`` and ``maintenance``: what they mean, and every fault of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.projects.check import check
from operations.projects.configuration import Configuration, ConfigurationInvalid, parse
from tests.operations.projects.kinds import KINDS

FILE = Path("/nowhere/wallboard.yaml")
CANARY = "s3cr3t-canary"
HEAD = """
site: {time_zone: Europe/Berlin, url: 'https://wall.example.com/'}
sources: {t: {kind: toy}}
projects: {acme: {queues: [t/a], time_zone: Asia/Shanghai}, other: {}}
"""


def read(text: str, head: str = HEAD) -> Configuration:
    return parse((head + text).encode(), FILE, {"URL": f"json://u:{CANARY}@host/x"}, KINDS)


def errors(text: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        read(text, head)
    return caught.value.errors


def route(settings: str) -> str:
    return f"notify: {{routes: {{on-call: {{urls: ['json://h'], {settings}}}}}}}"


def test_a_route_has_what_the_file_says_and_sensible_rest() -> None:
    found = read(
        "notify: {routes: {all: {urls: ['${URL}', 'mailto://x@y.z']}, night: {urls: ['json://h'], projects: [acme], levels: [critical], "
        'hours: {mon-fri: "20:00-08:00"}, quiet: "01:00-02:00", group_wait: 5s, repeat: 30m, after_min: 10, resolved: false, time_zone: Asia/Tokyo}}}'
    ).notify
    plain, night = found["all"], found["night"]
    assert plain.urls[0].get_secret_value() == f"json://u:{CANARY}@host/x"
    assert (plain.projects, plain.levels, plain.group_wait_ms, plain.repeat_ms) == (
        None,
        ("warning", "critical"),
        30_000,
        14_400_000,
    )
    assert (plain.hours.always, plain.quiet, plain.after_ms, plain.resolved) == (True, None, 0, True)
    assert (night.projects, night.levels, night.group_wait_ms, night.repeat_ms) == (
        ("acme",),
        ("critical",),
        5_000,
        1_800_000,
    )
    assert (night.after_ms, night.resolved, night.hours.zone) == (600_000, False, "Asia/Tokyo")
    assert night.covers("acme") and not night.covers("other") and plain.covers("other")


def test_without_the_section_nobody_is_told() -> None:
    assert read("").notify == {}


def test_the_address_of_the_pages_ends_without_a_slash() -> None:
    assert read("").site.url == "https://wall.example.com"


FAULTS = {
    "notify: {}": ["notify.routes: names nobody; write an id for each route, and its urls below it"],
    "notify: 5": ["notify: is no mapping; write a mapping with routes…"],
    "notify: {routes: [a]}": ["notify.routes: is not a mapping; write an id for each route, and its urls below it"],
    "notify: {route: {a: {}}}": [
        "notify.route: unknown key; did you mean routes?",
        "notify.routes: names nobody; write an id for each route, and its urls below it",
    ],
    "notify: {routes: {On Call: {urls: ['json://h']}}}": [
        'notify.routes."On Call": is not an id; use lower-case letters, digits and single hyphens between them, for example on-call'
    ],
    "notify: {routes: {a: {}}}": [
        "notify.routes.a.urls: is missing; give a list of addresses as Apprise writes them; each gets every message of the route"
    ],
    "notify: {routes: {a: {urls: []}}}": ["notify.routes.a.urls: lists nobody; give 1 to 20 addresses"],
    "notify: {routes: {a: {urls: ['somebody@example.com']}}}": [
        "notify.routes.a.urls[0]: is not the address of a service; write an Apprise URL, such as mailtos://USER:PASSWORD@mail.example.com?to=lead@example.com"
    ],
    f"notify: {{routes: {{a: {{urls: ['json://{'x' * 4000}']}}}}}}": [
        "notify.routes.a.urls[0]: has 4,007 characters; an address has at most 4,000"
    ],
    route("projects: [acem]"): ["notify.routes.on-call.projects[0]: there is no project 'acem'; did you mean acme?"],
    route("projects: []"): [
        "notify.routes.on-call.projects: is an empty list; name the projects, or leave projects out for all"
    ],
    route("levels: [loud]"): ["notify.routes.on-call.levels[0]: 'loud' is not a choice; choose warning | critical"],
    route("levels: []"): [
        "notify.routes.on-call.levels: is an empty list; name warning, critical or both, or leave levels out"
    ],
    route("hours: {mon-fri: 9-17}"): [
        'notify.routes.on-call.hours.mon-fri: \'9-17\' is not opening hours; write "09:00-18:00", several as "09:00-12:00,13:00-18:00", or 24h, or closed'
    ],
    route("quiet: 24h"): [
        'notify.routes.on-call.quiet: lasts the whole day, so nobody would ever be told; write a part of the day, such as "22:00-07:00"'
    ],
    route("quiet: late"): [
        'notify.routes.on-call.quiet: \'late\' is not hours of a day; write "09:00-18:00", several as "09:00-12:00,13:00-18:00", or 24h, or closed'
    ],
    route("time_zone: Mars"): [
        "notify.routes.on-call.time_zone: there is no time zone 'Mars'; use an IANA name such as Asia/Shanghai"
    ],
    route("repeat: 1s"): ["notify.routes.on-call.repeat: is too often; give at least 1m, or 0 for never"],
    route("group_wait: 2h"): ["notify.routes.on-call.group_wait: '2h' is too large; give at most 3600"],
    route("after_min: -5"): ["notify.routes.on-call.after_min: -5 is too small; give at least 0"],
    route("afterr_min: 5"): ["notify.routes.on-call.afterr_min: unknown key; did you mean after_min?"],
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_of_a_route_is_told_with_what_would_be_right(text: str) -> None:
    assert errors(text) == FAULTS[text]


@pytest.mark.parametrize(
    "url", ["wall.example.com", "ftp://x", "https://user:pw@x", "https://x/?a=1", "https://", "https://x y"]
)
def test_the_address_of_the_pages_is_one(url: str) -> None:
    found = errors("", HEAD.replace("https://wall.example.com/", url))
    assert found == [f"site.url: '{url}' is not the address of a page; write https://wallboard.example.com"]


def test_no_error_and_no_view_repeats_an_address(tmp_path: Path) -> None:
    url = f"json://u:{CANARY}@host/{CANARY}"
    for broken in (
        f"notify: {{routes: {{a: {{urls: ['{CANARY}']}}}}}}",
        f"notify: {{routes: {{a: {{urls: '{url}'}}}}}}",
        f"notify: {{routes: {{a: {{urls: {{'{url}': 1}}}}}}}}",
        f"notify: {{routes: {{a: {{urls: ['{url}'], levels: ['{url}'], projects: ['{url}'], quiet: '{url}', hours: '{url}'}}}}}}",
        "notify: {routes: {a: {urls: ['${URL}'], repeat: '${URL}', resolved: '${URL}'}}}",
        "notify: {routes: {a: {urls: ['${URL}', 'x']}}}",
    ):
        assert CANARY not in " ".join(line.partition(": ")[2] for line in errors(broken))
    file = tmp_path / "wallboard.yaml"
    file.write_text(HEAD + "notify: {routes: {a: {urls: ['${URL}']}}}")
    found = read("notify: {routes: {a: {urls: ['${URL}']}}}")
    code, text = check(file, {"URL": url}, KINDS)
    assert code == 0
    for view in (repr(found), str(found), found.model_dump_json(), found.digest, found.notify["a"].print_of(0), text):
        assert CANARY not in view
    assert "route     a · 1 address · all projects · warning, critical" in text


def test_a_changed_address_makes_another_configuration() -> None:
    one, two = (read(f"notify: {{routes: {{a: {{urls: ['json://{host}']}}}}}}") for host in ("x", "y"))
    assert one.digest != two.digest
    assert one.notify["a"].print_of(0) != two.notify["a"].print_of(0)


# ── maintenance ───────────────────────────────────────────────────────────────────────────────────


def planned(text: str, source: str = "") -> str:
    return f"""
site: {{time_zone: Europe/Berlin}}
sources: {{t: {{kind: toy{", maintenance: " + source if source else ""}}}}}
projects: {{acme: {{queues: [t/a], time_zone: Asia/Shanghai{", maintenance: " + text if text else ""}}}, other: {{}}}}
"""


def test_maintenance_is_read_in_the_zone_of_its_project_and_in_the_sites_for_a_source() -> None:
    found = read("", planned("[{from: 2026-12-01 08:00, until: 2026-12-01 10:30, why: new trunk}]", "[{from: 2026-12-01 08:00, until: '2026-12-01T10:00+08:00'}]"
                             .replace("2026-12-01T10", "2026-12-01T20")))  # fmt: skip
    own, inherited = found.projects["acme"].maintenance
    assert (own.start_ms, own.until_ms - own.start_ms, own.why, own.source) == (
        1_796_083_200_000,
        9_000_000,
        "new trunk",
        "",
    )
    assert (inherited.start_ms, inherited.source, inherited.why) == (
        own.start_ms + 7 * 3_600_000,
        "t",
        "planned maintenance",
    )
    assert inherited.until_ms == 1_796_083_200_000 + 12 * 3_600_000
    assert found.projects["other"].maintenance == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", "maintenance: 5 is not a list; write a list of {from: 2026-12-31 22:00, until: 2027-01-01 06:00}"),
        ("[{until: 2026-12-01}]", "maintenance[0].from: is missing; give when it begins, as 2026-12-31 22:00"),
        (
            "[{from: 2026-12-02, until: 2026-12-01}]",
            "maintenance[0].until: 2026-12-01 00:00:00 does not lie after from 2026-12-02 00:00:00; a maintenance ends after it began",
        ),
        (
            "[{from: 2026-12-02, until: 2027-12-01}]",
            "maintenance[0].until: lies 364 days after from; a maintenance lasts at most 92 days, so that none is forgotten",
        ),
        (
            "[{from: soon, until: 2026-12-01}]",
            "maintenance[0].from: 'soon' is not a point in time; write 2026-12-31 22:00",
        ),
        ("[{from: 12, until: 2026-12-01}]", "maintenance[0].from: 12 is not a point in time; write 2026-12-31 22:00"),
        ("[{from: 2026-12-01, till: 2026-12-02}]", "maintenance[0].till: unknown key; did you mean until?"),
    ],
)
def test_a_fault_of_a_maintenance_is_told(text: str, expected: str) -> None:
    assert f"projects.acme.{expected}" in errors("", planned(text))


def test_a_fault_of_a_sources_maintenance_repeats_no_value() -> None:
    assert errors("", planned("", f"[{{from: 2026-12-01, until: {CANARY}}}]"))[0].startswith(
        "sources.t.maintenance[0].until: "
    )


def test_a_kind_of_source_never_sees_its_maintenance() -> None:
    found = read("", planned("", "[{from: 2026-12-01, until: 2026-12-02}]"))
    assert not hasattr(found.sources["t"], "maintenance")
