"""Whatever a file holds, the answer is a configuration or a list of faults: never a crash, never a hang."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operations.projects.configuration import Configuration, ConfigurationInvalid, parse
from tests.operations.projects.kinds import KINDS

FILE = Path("/nowhere/wallboard.yaml")
HASH = "$argon2id$v=19$m=65536,t=3,p=4$SD5vGOcOw0KAP+IY/Q0M5Q$LGIB6DgC243faJU2HrJE59Y0JHX5glh469cYErZDvQs"
SAMPLE: dict[str, Any] = {
    "site": {"name": "Harbour", "time_zone": "Asia/Shanghai", "language": "zh-Hans", "interval_min": 30},
    "redis": "${REDIS_URL}",
    "sources": {
        "hq": {"kind": "pbx", "host": "127.0.0.1", "port": 5038, "password": "${PW}"},
        "demo": {"kind": "toy", "seed": 7},
    },
    "projects": {
        "acme": {
            "name": "Acme support",
            "client": "Acme Ltd",
            "starts": "2026-01-05",
            "ends": "2026-12-31",
            "queues": ["hq/support-l1", "hq/support-l2"],
            "open": {
                "mon-fri": "09:00-21:00",
                "sat": ["09:00-12:00"],
                "holidays": ["CN"],
                "extra_closed": ["2026-01-02"],
                "open_on": {"2026-01-01": "24h"},
            },
            "service_level": [
                {"within_s": 20, "abandons": "miss"},
                {"from": "2026-03-01", "within_s": "30s", "at": "<"},
            ],
            "short_abandon_s": [{"short_abandon_s": 5}],
            "targets": [
                {
                    "targets": [
                        {
                            "kpi": "asa_s",
                            "goal": 80,
                            "warning": 82,
                            "critical": 95,
                            "clear": 70,
                            "for": "2m",
                            "min_sample": 20,
                            "queue": "hq/support-l1",
                        }
                    ]
                }
            ],
            "wall": ["asa_s", "offered"],
        }
    },
    "access": {
        "users": [{"name": "mei", "password": HASH, "role": "lead", "projects": ["acme"]}],
        "screens": [{"name": "north", "token": "sha256:" + "0" * 64, "projects": ["acme"]}],
    },
}
RUBBISH = (
    None, True, 0, -1, 5, 0.5, 1e308, 10**17, "", "x", " ", "${PW}", "${NONE}", "${file:/nowhere}", "${", "x" * 500, "客服\u202e", "2026-02-30", "a\nb",
    [], [None], [[]], [{}], ["x", "x"], {}, {"": None}, {"a": {"b": []}}, {"from": None}, {"from": "2026-01-01"}, [{"from": "x"}],
)  # fmt: skip


def read(content: bytes) -> Configuration | None:
    try:
        return parse(content, FILE, {"PW": "hunter2"}, KINDS)
    except ConfigurationInvalid as invalid:
        errors = invalid.errors
    assert errors
    for error in errors:
        assert ": " in error
        assert "; " in error
        assert "\n" not in error
        assert len(error) < 400
        assert "hunter2" not in error
    return None


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in children:
        found += places(value, (*path, key))
    return found


def put(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(tree)
    here = changed
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    return changed


def test_the_sample_is_valid_before_it_is_spoilt() -> None:
    assert read(json.dumps(SAMPLE).encode()) is not None


def test_every_place_of_a_file_can_hold_anything() -> None:
    outcomes = [
        read(json.dumps(put(SAMPLE, place, value)).encode()) is None for place in places(SAMPLE) for value in RUBBISH
    ]
    assert sum(outcomes) > len(outcomes) / 2


def test_every_key_of_a_file_can_be_anything() -> None:
    for place in places(SAMPLE):
        if isinstance(place[-1], str):
            text = json.dumps(SAMPLE).replace(f'"{place[-1]}":', '"nonsense key":', 1)
            read(text.encode())
    assert read(json.dumps({"nonsense key": SAMPLE}).encode()) is None


TEXT = json.dumps(SAMPLE, indent=1).encode()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200, deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, 12), st.binary(max_size=12))
def test_bytes_changed_anywhere_are_answered(at: int, gone: int, new: bytes) -> None:
    read(TEXT[:at] + new + TEXT[at + gone :])


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:-{}[],&*!|>'\"#%@` \n\t?$", max_size=60))
def test_signs_that_mean_something_in_yaml_are_answered(text: str) -> None:
    assert read(text.encode()) is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=100))
def test_bytes_of_any_kind_are_answered(content: bytes) -> None:
    assert read(content) is None
