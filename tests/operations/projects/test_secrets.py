"""A secret appears in no error, log, repr or JSON: for every kind of source that there is, and for every way to fail."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from collectors.registry import KINDS as REGISTERED
from operations.projects.check import check
from operations.projects.configuration import Configuration, ConfigurationInvalid, parse
from operations.projects.watcher import ConfigurationWatcher
from operations.projects.wording import is_secret, parts, setting_names
from tests.operations.projects import kinds as ours

KINDS: dict[str, Any] = {**REGISTERED, **ours.KINDS}
CANARY = "s3cr3t-canary-as-long-as-a-secret"
FILE = Path("/nowhere/wallboard.yaml")


FITS: dict[tuple[str, str], Any] = {
    (
        "amazon_connect",
        "instance_arn",
    ): "arn:aws:connect:eu-central-1:123456789012:instance/11111111-2222-3333-4444-555555555555",
    ("amazon_connect", "access_key_id"): "AKIDEXAMPLE",
    ("twilio", "account_sid"): "AC" + "0" * 32,
    ("twilio", "workspace_sid"): "WS" + "0" * 32,
    ("twilio", "api_key_sid"): "SK" + "0" * 32,
    ("sql", "url"): f"mysql://wallboard:{CANARY}@127.0.0.1:1/warehouse",
    ("sql", "queues"): "SELECT queue, waiting FROM queues",
    ("uccx", "urls"): [f"informix://uccxwallboard:{CANARY}@10.0.0.6:1504/db_cra"],
    ("vicidial", "url"): f"mysql://wallboard:{CANARY}@127.0.0.1:1/asterisk",
    ("vicidial", "replica_url"): f"mysql://wallboard:{CANARY}@127.0.0.1:2/asterisk",
}
"""Where a value has a form of its own: one that fits, the canary where the secret is."""


def example(name: str, field: Any) -> object:
    """A value that fits a required field, by its type."""
    for part in parts(field.annotation):
        if part is int or part is float:
            return 1
        if part is bool:
            return True
        if part is str or part is Path:
            return "127.0.0.1"
        if (args := get_args(part)) and all(isinstance(arg, str) for arg in args):
            return args[0]
    raise AssertionError(f"this test does not know how to fill {name}")


def secret_names(kind: str) -> list[str]:
    return [name for name, field in setting_names(KINDS[kind].Settings).items() if is_secret(field)]


def block(kind: str) -> dict[str, object]:
    """Settings of a kind with a canary in every secret."""
    found: dict[str, object] = {"kind": kind}
    for name, field in setting_names(KINDS[kind].Settings).items():
        if (kind, name) in FITS:
            found[name] = FITS[kind, name]
        elif is_secret(field):
            found[name] = CANARY
        elif field.is_required() and name != "kind":
            found[name] = example(name, field)
    return found


def broken(kind: str) -> Iterator[dict[str, object]]:
    """The same settings, broken in every way that touches a secret or stands beside it."""
    good = block(kind)
    for name in secret_names(kind):
        for value in ([CANARY], {CANARY: CANARY}, {"a": {"b": CANARY}}, CANARY + "\x07", "${" + CANARY, None):
            yield {**good, name: value}
        yield {key: value for key, value in good.items() if key != name}
        yield {**{key: value for key, value in good.items() if key != name}, f"{name}x": CANARY}
    yield {**good, "kind": "nokind"}
    for name in setting_names(KINDS[kind].Settings).keys() - {"kind"}:
        for value in (CANARY, [CANARY], {CANARY: 1}, f"://{CANARY}", -1, 10**15, None, True):
            yield {**good, name: value}
    yield {**good, "unknown": CANARY}


def texts(kind: str, settings: dict[str, object]) -> Iterator[tuple[bytes, dict[str, str]]]:
    """A file with these settings: written out, and with the secret from the environment."""
    tree = {"sources": {"hq": settings}, "projects": {"p": {"queues": ["hq/a"]}}}
    plain = json.dumps(tree)
    if secret_names(kind):  # without one, what the file says openly is no secret
        yield plain.encode(), {}
    yield plain.replace(CANARY, "${CANARY}").encode(), {"CANARY": CANARY}


def errors_of(content: bytes, environ: dict[str, str]) -> list[str]:
    try:
        parse(content, FILE, environ, KINDS)
    except ConfigurationInvalid as invalid:
        return [*invalid.errors, *(str(cause) for cause in (invalid.__cause__, invalid.__context__) if cause)]
    return []


@pytest.mark.parametrize("kind", KINDS)
def test_no_error_of_a_kind_repeats_its_secret(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    failures = 0
    for settings in broken(kind):
        for content, environ in texts(kind, settings):
            errors = errors_of(content, environ)
            failures += bool(errors)
            for error in errors:
                place, _, words = error.partition(": ")
                assert CANARY not in words, settings
                assert CANARY not in place or any(isinstance(value, dict) for value in settings.values())
    assert failures > 5
    assert CANARY not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_no_view_of_a_valid_configuration_shows_a_secret(kind: str, tmp_path: Path) -> None:
    for content, environ in texts(kind, block(kind)):
        environ = {**environ, "REDIS_URL": f"redis://user:{CANARY}@cache:6379"}
        found = parse(content, FILE, environ, KINDS)
        assert found.redis_url is not None
        assert CANARY in found.redis_url.get_secret_value()
        for view in (
            repr(found),
            str(found),
            found.model_dump_json(),
            str(found.model_dump()),
            repr(found.sources),
            str(found.sources["hq"]),
            found.digest,
        ):
            assert CANARY not in view
        file = tmp_path / "wallboard.yaml"
        file.write_bytes(content)
        code, text = check(file, environ, KINDS)
        assert code == 0
        assert CANARY not in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_setting_that_sounds_secret_is_one(kind: str) -> None:
    for name, field in setting_names(KINDS[kind].Settings).items():
        address_or_id = name.endswith(("_url", "_sid", "_id"))
        if not address_or_id and any(word in name for word in ("password", "secret", "token", "passphrase", "api_key")):
            assert is_secret(field), f"{kind}.{name} must be a SecretStr"


def test_the_secrets_of_people_screens_and_redis_are_not_shown_either() -> None:
    text = f"""
redis: http://user:{CANARY}@cache
sources: {{t: {{kind: toy, seed: '{CANARY}'}}}}
access:
  users: [{{name: mei, password: {CANARY}, role: {CANARY}, projects: [{CANARY}]}}]
  screens: [{{name: north, token: [{CANARY}], projects: []}}]
"""
    with pytest.raises(ConfigurationInvalid) as caught:
        parse(text.encode(), FILE, {}, KINDS)
    assert len(caught.value.errors) >= 5
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"sources: {{hq: {{kind: pbx, password: *{CANARY}}}}}",
        f"sources: {{hq: {{kind: pbx, password: !{CANARY} x}}}}",
        f"sources: {{hq: {{kind: pbx, password: &{CANARY} [}}}}",
        f"sources: {{hq: {{kind: pbx, password: @{CANARY}}}}}",
        f"sources: {{hq: {{kind: pbx, password: '{CANARY}}}}}",
        f"sources:\n  hq:\n    password: %{CANARY}: x: y\n",
        f"sources:\n  hq:\n\t password: {CANARY}\n",
        f"sources:\n  hq:\n    password: {CANARY}\n   kind: pbx\n",
    ],
)
def test_no_error_about_the_text_itself_quotes_it(text: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse(text.encode(), FILE, {}, KINDS)
    assert CANARY not in str(caught.value)


def test_what_a_file_included_is_not_repeated_where_it_does_not_belong(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    text = "sources: {t: {kind: toy}}\nsite: {time_zone: '${file:secret}'}\nprojects: {p: {targets: [{kpi: '${file:secret}', goal: '${file:secret}'}]}}\n"
    with pytest.raises(ConfigurationInvalid) as caught:
        parse(text.encode(), tmp_path / "wallboard.yaml", {}, KINDS)
    assert caught.value.errors == [
        "site.time_zone: there is no time zone '${file:secret}'; use an IANA name such as Asia/Shanghai",
        "projects.p.targets[0].kpi: there is no KPI '${file:secret}'; 41 are known, abandon_rate_pct to utilisation_pct",
        "projects.p.targets[0].goal: '${file:secret}' is not a number; write a number",
    ]


def test_the_log_of_a_failed_reload_has_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "wallboard.yaml"
    good = f"sources: {{hq: {{kind: pbx, host: x, password: {CANARY}}}}}\n"
    file.write_text(good)
    watcher = ConfigurationWatcher(file, {}, KINDS)
    file.write_text(good.replace("host: x", f"host: 'http://{CANARY}', port: {CANARY}"))
    assert not watcher.poll()
    assert len(watcher.errors) == 2
    assert "invalid" in caplog.text
    assert CANARY not in caplog.text + str(watcher.errors)


def test_every_model_of_the_configuration_is_frozen_and_closed() -> None:
    seen: set[type[BaseModel]] = set()

    def visit(model: type[BaseModel]) -> None:
        if model in seen:
            return
        seen.add(model)
        assert model.model_config.get("frozen"), model
        assert model.model_config.get("extra") == "forbid", model
        for field in model.model_fields.values():
            for part in parts(field.annotation):
                if isinstance(part, type) and issubclass(part, BaseModel):
                    visit(part)

    for kind in KINDS.values():
        visit(kind.Settings)
    visit(Configuration)
    assert len(seen) > 10
