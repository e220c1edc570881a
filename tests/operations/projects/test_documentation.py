"""docs/configuration.md has every setting, with the value, the default and the meaning that the code gives it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collectors.registry import KINDS
from operations.projects import reference
from operations.projects.configuration import parse
from operations.projects.wording import setting_names
from tests.operations.projects import kinds as ours

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_the_tables_of_settings_are_those_of_the_models() -> None:
    assert reference.renewed(TEXT) == TEXT, "renew it: python -m operations.projects.reference docs/configuration.md"


def test_every_table_stands_in_the_document_once() -> None:
    assert sorted(reference.table_names(TEXT)) == sorted(reference.tables())


@pytest.mark.parametrize("name", reference.MODELS)
def test_every_setting_of_ours_has_a_meaning(name: str) -> None:
    for setting, field in setting_names(reference.MODELS[name]).items():
        assert field.description, f"{name}.{setting} has no description"


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_every_kind_of_source_is_listed(kind: str) -> None:
    section = TEXT.split(f"### `kind: {kind}`")[1].split("\n#")[0]
    for setting in setting_names(KINDS[kind].Settings):
        assert setting == "kind" or f"| `{setting}` |" in section


def test_a_table_follows_a_new_setting() -> None:
    assert (
        "| `port` | whole number, 1 to 65535 | `5038` | the port, 1 to 65535 |" in reference.tables(ours.KINDS)["kinds"]
    )
    assert "| `password` | secret text | **needed** | the user's password |" in reference.tables(ours.KINDS)["kinds"]


def examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_sample_at_the_top_is_valid() -> None:
    sample = examples()[0].replace("kind: asterisk", "kind: pbx").replace("kind: simulator", "kind: toy")
    found = parse(sample.encode(), DOCUMENT, {"HQ_AMI_PASSWORD": "x"}, ours.KINDS)
    assert found.redis_url is None
    assert len(found.projects["acme-support"].targets[0].value) == 5
    assert found.access is not None


def test_the_example_of_a_changing_contract_is_valid() -> None:
    text = "sources: {t: {kind: toy}}\nprojects:\n  p:\n" + examples()[1]
    assert len(parse(text.encode(), DOCUMENT, {}, ours.KINDS).projects["p"].targets) == 2


def test_the_error_that_the_document_shows_is_the_error_that_is_told() -> None:
    sample = examples()[0].replace("kind: asterisk", "kind: pbx").replace("kind: simulator", "kind: toy")
    targets = sample.index("      - {kpi: service_level_pct")
    spoilt = (
        sample[:targets]
        + "      - {kpi: offered, goal: 1}\n"
        + sample[targets:].replace("critical: 75", "critical: 85")
    )
    with pytest.raises(Exception, match="critical must be below warning") as caught:
        parse(spoilt.encode(), DOCUMENT, {"HQ_AMI_PASSWORD": "x"}, ours.KINDS)
    assert f"`{caught.value}`" in TEXT
