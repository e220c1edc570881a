"""Every fault of a configuration, with the exact words that a team lead reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.projects.configuration import ConfigurationInvalid, load, parse
from tests.operations.projects.kinds import KINDS

FILE = Path("/nowhere/wallboard.yaml")
ENVIRON = {"HQ_PASSWORD": "hunter2", "RATE": "130", "BELL": "a\x07b"}


def errors(text: str | bytes, environ: dict[str, str] = ENVIRON) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigurationInvalid) as caught:
        parse(content, FILE, environ, KINDS)
    assert str(caught.value) == "\n".join(caught.value.errors)
    return caught.value.errors


FILES: dict[str, tuple[str | bytes, list[str]]] = {
    "an empty file": (
        "",
        ["wallboard.yaml: is empty; name at least one source under sources; docs/configuration.md shows a file"],
    ),
    "blanks alone": (
        " \n\n",
        ["wallboard.yaml: is empty; name at least one source under sources; docs/configuration.md shows a file"],
    ),
    "comments alone": (
        "# nothing\n",
        [
            "wallboard.yaml: holds no setting; name at least one source under sources; docs/configuration.md shows a file"
        ],
    ),
    "not UTF-8": (b"site:\n  name: \xc4rger\n", ["wallboard.yaml line 2: is not UTF-8 text; save the file as UTF-8"]),
    "UTF-16": ("site:".encode("utf-16"), ["wallboard.yaml line 1: is not UTF-8 text; save the file as UTF-8"]),
    "too large": (b"#" * 1_000_001, ["wallboard.yaml: has 1,000,001 bytes; a configuration has at most 1,000,000"]),
    "a list at the top": (
        "- a",
        ["wallboard.yaml: holds a list; begin with site:, sources: and projects: at the left margin"],
    ),
    "a word at the top": (
        "hello",
        ["wallboard.yaml: holds 'hello'; begin with site:, sources: and projects: at the left margin"],
    ),
    "a tab": ("site:\n\tname: x", ["wallboard.yaml line 2: is indented with a tab; indent with spaces"]),
    "an open bracket": ("site: {name: a\n", ["wallboard.yaml line 2: leaves a bracket open; close it with ] or }"]),
    "an open quote": ('site:\n  name: "a\n', ["wallboard.yaml line 3: leaves a quote open; close the quote"]),
    "a colon in a text": (
        "site:\n  name: a: b\n",
        [
            "wallboard.yaml line 2: has a colon where none can stand; check the indentation, and put a text that holds a colon in quotes"
        ],
    ),
    "a reserved character": (
        "site: {name: @home}",
        ["wallboard.yaml line 1: begins with a character that YAML reserves; put the text in quotes"],
    ),
    "a crooked indentation": (
        "site:\n  name: a\n language: en\n",
        [
            "wallboard.yaml line 3: is indented unlike the lines above, or a bracket or quote is open; "
            "align the keys of one block, close each { [ and quote"
        ],
    ),
    "a place for a variable in a flow mapping": (
        "sources: {hq: {kind: pbx, password: ${HQ_PASSWORD}}}",
        ["wallboard.yaml line 1: cannot be read as YAML; put a ${…} that stands inside { } or [ ] in quotes"],
    ),
    "an unknown alias": (
        "site: *secret",
        ["wallboard.yaml line 1: holds an alias (*…) that nothing defines; put a text that begins with * in quotes"],
    ),
    "a tag": (
        "sources: {t: {kind: toy}}\nsite: !secret {}",
        ["wallboard.yaml line 2: holds a tag (!…); put a text that begins with ! in quotes"],
    ),
    "a Python object": (
        "sources: {t: {kind: toy}}\nsite: !!python/object/apply:os.system [reboot]",
        ["site: is a list; write a mapping with name, time_zone, language, interval_min…"],
    ),
    "two documents": (
        "a: 1\n---\nb: 1",
        ["wallboard.yaml line 3: begins a second document (---); keep everything in one"],
    ),
    "a control character": ("site: \x01", ["wallboard.yaml line 1: holds a control character; remove it"]),
    "an escaped control character": (
        'sources: {t: {kind: toy}}\nsite: {name: "a\\u0007"}',
        ["site.name: holds a control character; remove it"],
    ),
    "half a surrogate pair": (
        'sources: {t: {kind: toy}}\nsite: {name: "\\ud800"}',
        [
            "wallboard.yaml line 2: cannot be read as YAML; check the quotes, brackets, indentation and the colon after each key"
        ],
    ),
    "deep nesting": (
        "[" * 5000,
        ["wallboard.yaml line 1: is nested more than 20 deep; nothing here needs that; check the brackets"],
    ),
    "a mapping as a key": (
        "sources: {t: {kind: toy}}\n? {a: b}\n: c",
        [
            "wallboard.yaml line 2: has a list or a mapping as a key; write key: value; a ${NAME} inside { } or [ ] needs quotes"
        ],
    ),
    "a key twice": (
        "sources: {t: {kind: toy}}\nsite:\n  name: a\n  name: b\n",
        ["site.name: stands twice, in line 3 and in line 4 of wallboard.yaml; keep one of them"],
    ),
    "an alias within itself": (
        "sources: &s {t: *s}",
        ["sources.t: contains itself through an alias; write the value out"],
    ),
    "a key longer than YAML reads": (
        "x" * 10_000 + ": 1",
        ["wallboard.yaml line 1: cannot be read as YAML; a key has at most 1,024 characters"],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_told_with_its_line(name: str) -> None:
    text, expected = FILES[name]
    assert errors(text) == expected


def test_a_billion_laughs_cost_no_more_than_a_limit_and_a_word() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    for one, before in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"{one}: &{one} [{','.join(['*' + before] * 10)}]")
    assert errors("\n".join(lines)) == [
        "wallboard.yaml line 1: grows past 50,000 values through its aliases; write the values out"
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(tmp_path / "my.yaml", {}, KINDS)
    assert caught.value.errors == [
        "my.yaml: cannot be read (no such file or directory); name a file with --config or WALLBOARD_CONFIG"
    ]


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="cannot be read .is a directory.; name a file"):
        load(tmp_path, {}, KINDS)


BLOCKS: dict[str, tuple[str, list[str]]] = {
    "no source": ("site: {}", ["sources: is missing; name at least one source with its kind (pbx, toy)"]),
    "sources as a list": (
        "sources: [a]",
        ["sources: is not a mapping; write an id for each source, and its settings below it"],
    ),
    "a source without settings": (
        "sources: {t: }",
        ["sources.t: holds no settings; write kind: and one of pbx, toy below it"],
    ),
    "a source without a kind": ("sources: {t: {seed: 1}}", ["sources.t.kind: is missing; choose pbx | toy"]),
    "a kind misspelt": ("sources: {t: {kind: pbxx}}", ["sources.t.kind: there is no kind 'pbxx'; did you mean pbx?"]),
    "a kind that nobody wrote": (
        "sources: {t: {kind: webex}}",
        ["sources.t.kind: there is no kind 'webex'; known are pbx, toy"],
    ),
    "a kind that is a list": (
        "sources: {t: {kind: [toy]}}",
        ["sources.t.kind: there is no kind a list; known are pbx, toy"],
    ),
    "a source's id": (
        "sources: {HQ Berlin: {kind: toy}}",
        [
            'sources."HQ Berlin": is not an id; use lower-case letters, digits and single hyphens between them, for example hq-berlin'
        ],
    ),
    "a source's unknown key": (
        "sources: {t: {kind: toy, sead: 1}}",
        ["sources.t.sead: unknown key; did you mean seed?"],
    ),
    "a source's settings, several faults": (
        "sources: {hq: {kind: pbx, port: 99999, user: bob}}",
        [
            "sources.hq.host: is missing; give the PBX's address",
            "sources.hq.port: the value is too large; give at most 65535",
            "sources.hq.password: is missing; give the user's password",
            "sources.hq.user: unknown key; did you mean username?",
        ],
    ),
    "a source's own check": (
        "sources: {hq: {kind: pbx, host: 'http://x', password: p}}",
        ["sources.hq.host: http://x is an address with a scheme; write the host alone"],
    ),
    "a password that is a number": (
        "sources: {hq: {kind: pbx, host: x, password: 12345}}",
        ["sources.hq.password: the value is not text; put a text that looks like a number, a date or true in quotes"],
    ),
    "an unknown key at the top": (
        "sources: {t: {kind: toy}}\nproject: {}",
        ["project: unknown key; did you mean projects?"],
    ),
    "a missing variable": (
        "sources: {hq: {kind: pbx, host: x, password: '${HQ_PASWORD}'}}",
        [
            "sources.hq.password: the environment has no HQ_PASWORD (there is HQ_PASSWORD); set HQ_PASWORD, or write the value here"
        ],
    ),
    "a missing variable, far from any": (
        "sources: {t: {kind: toy}}\nsite: {name: 'at ${COMPANY}'}",
        ["site.name: the environment has no COMPANY; set COMPANY, or write the value here"],
    ),
    "a place that names nothing": (
        "sources: {t: {kind: toy}}\nsite: {name: '${not a name}'}",
        [
            "site.name: holds a ${…} that names nothing; write ${NAME} for a variable, ${file:PATH} for a file, $${ for a plain ${"
        ],
    ),
    "a place without an end": (
        "sources: {t: {kind: toy}}\nsite: {name: '${COMPANY'}",
        [
            "site.name: holds a ${…} that names nothing; write ${NAME} for a variable, ${file:PATH} for a file, $${ for a plain ${"
        ],
    ),
    "a missing file": (
        "sources: {hq: {kind: pbx, host: x, password: '${file:secret/hq}'}}",
        [
            "sources.hq.password: the file secret/hq cannot be read (no such file or directory); put the value into that file, or correct the path"
        ],
    ),
    "a variable that holds a control character": (
        "sources: {t: {kind: toy}}\nsite: {name: '${BELL}'}",
        ["site.name: the variable BELL holds a control character; remove it"],
    ),
    "a site that is no mapping": (
        "sources: {t: {kind: toy}}\nsite: 5",
        ["site: is 5; write a mapping with name, time_zone, language, interval_min…"],
    ),
    "a site's settings": (
        "sources: {t: {kind: toy}}\nsite: {name: '', time_zone: Asia/Shangai, language: zh, interval_min: 20}",
        [
            "site.name: is empty; give at least one character",
            "site.time_zone: there is no time zone 'Asia/Shangai'; did you mean Asia/Shanghai?",
            "site.language: 'zh' is not a choice; choose en | zh-Hans | zh-Hant",
            "site.interval_min: 20 is not a choice; choose 15 | 30",
        ],
    ),
    "a Redis that is none": (
        "sources: {t: {kind: toy}}\nredis: http://bob:hunter2@cache",
        [
            "redis: is not the address of a Redis server; write redis://HOST:6379/0, rediss://… or unix:///PATH, or leave it empty for an embedded Redis"
        ],
    ),
    "a Redis with a port that is no number": (
        "sources: {t: {kind: toy}}\nredis: redis://cache:six",
        [
            "redis: is not the address of a Redis server; write redis://HOST:6379/0, rediss://… or unix:///PATH, or leave it empty for an embedded Redis"
        ],
    ),
    "projects as a list": (
        "sources: {t: {kind: toy}}\nprojects: []",
        ["projects: is not a mapping; write an id for each project, and its settings below it"],
    ),
    "an access block left empty": (
        "sources: {t: {kind: toy}}\naccess:\n",
        ["access: is empty; name users or screens, or remove access altogether to run without sign-in"],
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_fault_in_a_block_is_told_with_its_path(name: str) -> None:
    text, expected = BLOCKS[name]
    assert errors(text) == expected


SOURCES = "sources: {hq: {kind: toy}, demo: {kind: toy}}\nprojects:\n  p:\n    queues: [hq/l1, hq/l2]\n"

PROJECT: dict[str, tuple[str, list[str]]] = {
    "a project that is a word": ("  q: x", ["projects.q: is 'x'; write a mapping with name, client, starts, ends…"]),
    "a project's id": (
        "  Größe_1: {}",
        [
            "projects.Größe_1: is not an id; use lower-case letters, digits and single hyphens between them, for example groe-1"
        ],
    ),
    "an id without a letter of ours": (
        "  客服: {}",
        [
            "projects.客服: is not an id; use lower-case letters, digits and single hyphens between them, for example acme-support"
        ],
    ),
    "an id of 100 characters": (
        "  " + "x" * 100 + ": {}",
        [f"projects.{'x' * 60}…: has 100 characters; an id has at most 63"],
    ),
    "a name of 10,000 characters": (
        "    name: " + "x" * 10_000,
        ["projects.p.name: has 10,000 characters; at most 100 fit"],
    ),
    "a name of two lines": (
        '    name: "a\\nb"',
        ["projects.p.name: holds a line break or a control character; write it in one line"],
    ),
    "a name that is a number": (
        "    name: 2026",
        ["projects.p.name: 2026 is not text; put a text that looks like a number, a date or true in quotes"],
    ),
    "an unknown key": ("    quues: []", ["projects.p.quues: unknown key; did you mean queues?"]),
    "a key twice": (
        "    queues: []",
        ["projects.p.queues: stands twice, in line 4 and in line 5 of wallboard.yaml; keep one of them"],
    ),
    "a day that is none": (
        "    starts: 2026-02-30",
        ["projects.p.starts: '2026-02-30' is not a day; write a date as 2026-12-31"],
    ),
    "an end before the start": (
        "    starts: 2026-05-05\n    ends: 2026-01-01",
        [
            "projects.p.ends: 2026-01-01 lies before starts 2026-05-05; a project ends on or after the day on which it starts"
        ],
    ),
    "a time zone without a like": (
        "    time_zone: Mars/Olympus",
        ["projects.p.time_zone: there is no time zone 'Mars/Olympus'; use an IANA name such as Asia/Shanghai"],
    ),
    "a time zone by its city": (
        "    time_zone: Beijing",
        ["projects.p.time_zone: there is no time zone 'Beijing'; did you mean Asia/Shanghai?"],
    ),
    "an offset for a time zone": (
        "    time_zone: UTC+8",
        ["projects.p.time_zone: there is no time zone 'UTC+8'; use an IANA name such as Asia/Shanghai"],
    ),
    "queues in trouble": (
        "  q: {queues: [hq/l1, hq/x, hq/x, nope, /x, h/y, 5]}",
        [
            "projects.q.queues[6]: 5 is not text; put a text that looks like a number, a date or true in quotes",
            "projects.q.queues[2]: 'hq/x' is queues[1] too; name each queue once",
            "projects.q.queues[0]: 'hq/l1' is in project p and in project q; a queue belongs to one project: take it out of one of them",
            "projects.q.queues[3]: 'nope' names no queue; write SOURCE/QUEUE, for example hq/nope",
            "projects.q.queues[4]: '/x' names no source; write SOURCE/QUEUE, for example hq/x",
            "projects.q.queues[5]: 'h/y' names source 'h', which is not there; did you mean hq?",
        ],
    ),
    "hours that are none": (
        "    open: {mon-fri: 9-18, sat: '25:00-26:00', sun: '09:00-09:00'}",
        [
            "projects.p.open.mon-fri: '9-18' is not opening hours; "
            'write "09:00-18:00", several as "09:00-12:00,13:00-18:00", or 24h, or closed',
            "projects.p.open.sat: '25:00-26:00' names a time that no clock shows; times run from 00:00 to 24:00",
            "projects.p.open.sun: '09:00-09:00' ends as it begins; write 24h for the whole day, closed for none of it",
        ],
    ),
    "hours that overlap": (
        "    open: {daily: '09:00-12:00,11:00-13:00'}",
        [
            "projects.p.open.daily: '09:00-12:00,11:00-13:00' has ranges that overlap; let each begin after the one before has ended"
        ],
    ),
    "a day named twice": (
        "    open: {mon-fri: '09:00-18:00', wed: closed}",
        ["projects.p.open.wed: mon-fri has set wed already; name each day once"],
    ),
    "a day misspelt": (
        "    open: {monday-friday: '09:00-18:00'}",
        ["projects.p.open.monday-friday: unknown key; did you mean mon-fri?"],
    ),
    "hours as a number": (
        "    open: 9",
        ['projects.p.open: 9 is not opening hours; write {mon-fri: "09:00-18:00"}, or 24h'],
    ),
    "a country by its name": (
        "    open: {holidays: China}",
        ["projects.p.open.holidays: there is no country 'China'; did you mean CN?"],
    ),
    "a country that is none": (
        "    open: {holidays: XY}",
        ["projects.p.open.holidays: there is no country 'XY'; write its two-letter code, such as CN"],
    ),
    "holidays in trouble": (
        "    open: {holidays: [CN, DE-XX, 5, no, NO]}",
        [
            "projects.p.open.holidays[1]: DE has no part 'XX'; 17 are known, Augsburg to TH",
            "projects.p.open.holidays[2]: 5 is neither a country nor a date; write a country's code such as CN, or a date as 2026-12-31",
            "projects.p.open.holidays[3]: there is no country 'no'; did you mean NO?",
        ],
    ),
    "days in trouble": (
        "    open: {extra_closed: [x], open_on: {2026-10-01: '9', foo: closed}}",
        [
            "projects.p.open.extra_closed[0]: 'x' is not a day; write a date as 2026-12-31",
            "projects.p.open.open_on.2026-10-01: '9' is not opening hours; "
            'write "09:00-18:00", several as "09:00-12:00,13:00-18:00", or 24h, or closed',
            "projects.p.open.open_on.foo: 'foo' is not a day; write a date as 2026-12-31",
        ],
    ),
    "a threshold with a fraction": (
        "    service_level: {within_s: 20.5}",
        ["projects.p.service_level.within_s: 20.5 is not a whole number; leave the fraction out"],
    ),
    "a rule misspelt": (
        "    service_level: {within_s: 90000, abandons: ignore, at: '>'}",
        [
            "projects.p.service_level.within_s: 90000 is too large; give at most 86400",
            "projects.p.service_level.abandons: 'ignore' is not a choice; did you mean ignore_within? "
            "choose miss | ignore_within | hit_within | exclude | exclude_short",
            "projects.p.service_level.at: '>' is not a choice; choose <= | <",
        ],
    ),
    "a rule without its threshold": (
        "    service_level: {abandons: miss}",
        ["projects.p.service_level.within_s: is missing; give the threshold T, in whole seconds"],
    ),
    "a switch that is neither": (
        "    service_level: {within_s: 20, waiting_past_threshold: maybe}",
        ["projects.p.service_level.waiting_past_threshold: 'maybe' is neither true nor false; write true or false"],
    ),
    "stages in trouble": (
        "    service_level: [{within_s: 20}, {from: 2026-02-01, within_s: 30}, {from: 2026-01-01, within_s: 30}, {within_s: 5}, 7, {from: x, within_s: 1}]",
        [
            "projects.p.service_level[2].from: 2026-01-01 does not lie after the block before, 2026-02-01; put the blocks in order of their days",
            "projects.p.service_level[3].from: is missing; "
            "say from which day on this block holds, as from: 2026-12-31; only the first block may begin openly",
            "projects.p.service_level[4]: 7 is not a block; a list here holds blocks, each with from: DATE",
            "projects.p.service_level[5].from: 'x' is not a day; write a date as 2026-12-31",
        ],
    ),
    "no stage": (
        "    service_level: []",
        ["projects.p.service_level: is an empty list; leave it out, or write a block with from: DATE"],
    ),
    "short abandons in trouble": (
        "    short_abandon_s: [{short_abandon_s: 5}, {from: 2026-05-01, short_abandon_s: x}, {from: 2026-06-01, shrt: 5}]",
        [
            "projects.p.short_abandon_s[1].short_abandon_s: 'x' is not possible; give whole seconds from 0 to 3600",
            "projects.p.short_abandon_s[2].shrt: unknown key; known are short_abandon_s, from",
            "projects.p.short_abandon_s[2].short_abandon_s: is missing; a block holds from and this",
        ],
    ),
    "short abandons below nought": (
        "    short_abandon_s: -3",
        ["projects.p.short_abandon_s: -3 is not possible; give whole seconds from 0 to 3600"],
    ),
    "targets as a mapping": (
        "    targets: {kpi: asa_s}",
        ["projects.p.targets: a mapping is not a list; write a list of targets, each {kpi: …, goal: …}"],
    ),
    "a target without a KPI": (
        "    targets: [{goal: 5}]",
        ["projects.p.targets[0].kpi: is missing; give a KPI's key from docs/kpis.md"],
    ),
    "a wall in trouble": (
        "    wall: [asa, asa_s, asa_s]",
        [
            "projects.p.wall[0]: there is no KPI 'asa'; did you mean asa_s?",
            "projects.p.wall[2]: asa_s stands on the wall already; name each KPI once",
        ],
    ),
    "an empty wall": (
        "    wall: []",
        ["projects.p.wall: is an empty list; name up to 12 KPIs, or leave wall out for the usual six"],
    ),
    "a wall that is a word": ("    wall: asa_s", ["projects.p.wall: 'asa_s' is not a list; write a list: [a, b]"]),
}


@pytest.mark.parametrize("name", PROJECT)
def test_a_fault_in_a_project_is_told_with_its_path(name: str) -> None:
    text, expected = PROJECT[name]
    assert errors(SOURCES + text) == expected


TARGETS: dict[str, tuple[str, list[str]]] = {
    "critical beyond warning, better when higher": (
        "{kpi: service_level_pct, window: today, goal: 90, warning: 75, critical: 82}",
        [
            ".critical: 82 lies above warning 75, but service_level_pct is better when higher; critical must be below warning"
        ],
    ),
    "critical beyond warning, better when lower": (
        "{kpi: longest_wait_s, goal: 20, warning: 60, critical: 45}",
        [
            ".critical: 45 lies below warning 60, but longest_wait_s is better when lower; critical must be above warning"
        ],
    ),
    "critical beyond the goal": (
        "{kpi: longest_wait_s, goal: 60, critical: 45}",
        [".critical: 45 lies below goal 60, but longest_wait_s is better when lower; critical must be above goal"],
    ),
    "critical beyond warning, by the order of the goal": (
        "{kpi: agents_available, goal: 2, warning: 1, critical: 1.5}",
        [
            ".critical: 1.5 lies above warning 1, but its goal makes agents_available better when higher; critical must be below warning"
        ],
    ),
    "critical at the goal": (
        "{kpi: asa_s, goal: 5, critical: 5}",
        [".critical: 5 is the goal itself, so reaching the goal would be critical; critical must be above goal"],
    ),
    "no direction": (
        "{kpi: agents_available, critical: 5}",
        [
            ".critical: 5 leaves open whether more or less agents_available is better; "
            "give a goal (or a warning) that differs from critical"
        ],
    ),
    "an unknown KPI": (
        "{kpi: longest_wiat, goal: 5}",
        [".kpi: there is no KPI 'longest_wiat'; did you mean longest_wait_s?"],
    ),
    "a window of a KPI that has none": (
        "{kpi: longest_wait_s, window: today, goal: 60}",
        [".window: longest_wait_s describes this instant and has no window 'today'; leave window out, or write now"],
    ),
    "a window that the KPI does not have": (
        "{kpi: service_level_pct, window: now, goal: 80}",
        [
            ".window: service_level_pct has no window 'now'; "
            "it has interval, rolling_5m, rolling_15m, rolling_30m, rolling_60m, today, week, month, project"
        ],
    ),
    "more than all": (
        "{kpi: service_level_pct, goal: 130, critical: 75}",
        [".goal: 130 % is impossible, service_level_pct lies between 0 and 100; give a percentage from 0 to 100"],
    ),
    "less than nothing": (
        "{kpi: asa_s, goal: -5}",
        [".goal: -5 is impossible, asa_s is never negative; give 0 or more"],
    ),
    "without end": (
        "{kpi: asa_s, goal: 1e400}",
        [".goal: inf is not a number that asa_s can reach; give a finite number"],
    ),
    "a word for a number": ("{kpi: asa_s, goal: many}", [".goal: 'many' is not a number; write a number"]),
    "truth for a number": ("{kpi: asa_s, goal: true}", [".goal: true is not a number; write a number"]),
    "a duration that is none": (
        "{kpi: asa_s, goal: 5, for: 15x, clear_after: true}",
        [
            ".for: '15x' is not a duration; write 10s, 2m, 1h or a number of seconds",
            ".clear_after: true is not a duration; write 10s, 2m, 1h or a number of seconds",
        ],
    ),
    "a duration too long": (
        "{kpi: asa_s, goal: 5, for: 30d}",
        [".for: 2592000 s is not possible; between 0 and 7 days is"],
    ),
    "a sample below nought": (
        "{kpi: asa_s, goal: 5, min_sample: -1}",
        [".min_sample: -1 is too small; give at least 0"],
    ),
    "no limit": ("{kpi: asa_s}", [": sets no limit; give a goal, a warning or a critical limit"]),
    "clear on the wrong side": (
        "{kpi: service_level_pct, goal: 85, warning: 80, critical: 70, clear: 75}",
        [
            ".clear: 75 lies below warning 80, so an alert would end while the limit is still passed; "
            "clear must be at least warning"
        ],
    ),
    "each queue and one": (
        "{kpi: asa_s, goal: 5, queue: hq/l1, per_queue: true}",
        [".per_queue: each queue and one queue exclude each other; keep queue or per_queue"],
    ),
    "another project's queue": (
        "{kpi: asa_s, goal: 5, queue: hq/l3}",
        [".queue: 'hq/l3' is not a queue of this project; did you mean hq/l2?"],
    ),
    "an unknown key": ("{kpi: asa_s, gaol: 5}", [".gaol: unknown key; did you mean goal?"]),
    "a variable whose value does not fit": (
        "{kpi: service_level_pct, goal: '${RATE}'}",
        [".goal: ${RATE} % is impossible, service_level_pct lies between 0 and 100; give a percentage from 0 to 100"],
    ),
    "no target at all": ("5", [": is 5; write a mapping with kpi, window, goal, warning…"]),
}


@pytest.mark.parametrize("name", TARGETS)
def test_a_fault_in_a_target_is_told_with_its_path(name: str) -> None:
    text, expected = TARGETS[name]
    good = "{kpi: offered, goal: 5}"
    assert errors(f"{SOURCES}    targets:\n    - {good}\n    - {text}\n") == [
        f"projects.p.targets[1]{each}" for each in expected
    ]


def test_two_targets_for_the_same_are_told_and_two_stages_of_one_are_not() -> None:
    same = "{kpi: asa_s, goal: 5}, {kpi: asa_s, window: today, goal: 6}"
    assert errors(f"{SOURCES}    targets: [{same}]") == [
        "projects.p.targets[1]: targets[0] judges asa_s (today) already; keep one of them, or give it another window or queue"
    ]
    stages = "[{targets: [{kpi: asa_s, goal: 5}]}, {from: 2026-03-01, targets: [{kpi: asa_s, goal: 6}]}]"
    assert (
        parse(f"{SOURCES}    targets: {stages}".encode(), FILE, {}, KINDS).projects["p"].targets[1].value[0].goal == 6
    )


def test_a_fault_in_a_stage_is_told_with_the_whole_path() -> None:
    stages = "[{from: 2026-01-01, targets: [{kpi: asa_s, goal: 5, critical: 3}]}]"
    assert errors(f"{SOURCES}    targets: {stages}") == [
        "projects.p.targets[0].targets[0].critical: 3 lies below goal 5, but asa_s is better when lower; critical must be above goal"
    ]


HASH = "$argon2id$v=19$m=65536,t=3,p=4$SD5vGOcOw0KAP+IY/Q0M5Q$LGIB6DgC243faJU2HrJE59Y0JHX5glh469cYErZDvQs"

ACCESS: dict[str, tuple[str, list[str]]] = {
    "a plain password": (
        "users: [{name: mei, password: hunter2, role: admin}]",
        [
            "access.users[0].password: is not an argon2 hash; "
            "let `python app.py user passwd NAME` write the $argon2id$… here, never the password"
        ],
    ),
    "an unknown role": (
        f"users: [{{name: mei, password: '{HASH}', role: boss, projects: [p]}}]",
        ["access.users[0].role: the value is not a choice; choose admin | manager | supervisor | lead | client"],
    ),
    "an unknown project": (
        f"users: [{{name: mei, password: '{HASH}', role: lead, projects: [q]}}]",
        ["access.users[0].projects[0]: there is no project 'q'; known is p"],
    ),
    "a role that needs its projects": (
        f"users: [{{name: mei, password: '{HASH}', role: lead}}]",
        ["access.users[0].projects: is missing; name the projects that a lead sees"],
    ),
    "a name twice": (
        f"users: [{{name: mei, password: '{HASH}', role: admin}}, {{name: mei, password: '{HASH}', role: admin}}]",
        ["access.users[1].name: 'mei' is the name of users[0] too; give each a name of its own"],
    ),
    "a plain token": (
        "screens: [{name: north, token: abc123, projects: [p]}]",
        [
            "access.screens[0].token: is not a hash; "
            "write sha256: and the 64 lower-case hexadecimal digits of the token's SHA-256, never the token"
        ],
    ),
    "a screen without projects": (
        f"screens: [{{name: north, token: 'sha256:{'0' * 64}'}}]",
        ["access.screens[0].projects: is missing; give a list of the projects that this screen may show"],
    ),
    "an unknown key": ("user: []", ["access.user: unknown key; did you mean users?"]),
    "KPIs for somebody who sees all": (
        f"users: [{{name: mei, password: '{HASH}', role: lead, projects: [p], kpis: [offered]}}]",
        ["access.users[0].kpis: is for a client alone; leave it out: every other role sees all KPIs"],
    ),
    "an unknown KPI": (
        f"users: [{{name: mei, password: '{HASH}', role: client, projects: [p], kpis: [offred]}}]",
        ["access.users[0].kpis[0]: there is no KPI 'offred'; did you mean offered?"],
    ),
    "a language that there is none of": (
        f"users: [{{name: mei, password: '{HASH}', role: admin, language: tlh}}]",
        ["access.users[0].language: the value is not a choice; choose en | zh-Hans | zh-Hant"],
    ),
    "a short secret": (
        "secret: hunter2",
        ["access.secret: is too short; give at least 32 random characters, or leave it out"],
    ),
    "a provider without https": (
        "openid: {issuer: 'http://login.example', client_id: f, client_secret: s, roles: {}}",
        ["access.openid.issuer: is not the address of a provider; write https://login.example.com"],
    ),
    "a group that may see nothing": (
        "openid: {issuer: 'https://login.example', client_id: f, client_secret: s, roles: {leads: {role: lead}}}",
        ["access.openid.roles.leads.projects: is missing; name the projects that a lead sees"],
    ),
    "a group of an unknown role": (
        "openid: {issuer: 'https://login.example', client_id: f, client_secret: s, roles: {all: {role: boss, projects: [p]}}}",
        [
            "access.openid.roles.all.role: the value is not a choice; choose admin | manager | supervisor | lead | client"
        ],
    ),
}


@pytest.mark.parametrize("name", ACCESS)
def test_a_fault_in_the_access_block_is_told_with_its_path(name: str) -> None:
    text, expected = ACCESS[name]
    assert errors(f"{SOURCES}access:\n  {text}\n") == expected


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = """
site: {time_zone: Nowhere}
redis: nonsense
sources: {hq: {kind: pbxx}, t: {kind: toy, sead: 1}}
projects:
  p: {queues: [hq/a], targets: [{kpi: asa, goal: 130}, {kpi: csat_pct, goal: 130}], wall: [x]}
  q: {queues: [hq/a], open: {mon: x}}
access: {users: [{name: a, password: b, role: c}]}
"""
    found = errors(text)
    assert [each.split(": ")[0] for each in found] == [
        "site.time_zone",
        "redis",
        "sources.hq.kind",
        "sources.t.sead",
        "projects.p.targets[0].kpi",
        "projects.p.targets[1].goal",
        "projects.p.wall[0]",
        "projects.q.open.mon",
        "projects.q.queues[0]",
        "access.users[0].password",
        "access.users[0].role",
        "access.users[0].projects",
    ]
    assert all("; " in each for each in found)
