"""docs/api.md says what there is: every route, every problem, every metric."""

from __future__ import annotations

import re
from pathlib import Path

from dashboard.api.metrics import Figures, Scrape
from dashboard.api.rows import rows

TOP = Path(__file__).resolve().parents[2]
TEXT = (TOP / "docs" / "api.md").read_text()


def test_every_route_is_described() -> None:
    for row in rows(lambda *_: []):
        path = row.path.replace("{project}", "{id}").replace("{source}", "{id}")
        assert path in TEXT, path


def test_every_problem_is_listed_and_none_that_is_gone() -> None:
    source = "".join(file.read_text() for file in (TOP / "dashboard").rglob("*.py"))
    raised = set(re.findall(r'Problem\(\s*\d+,\s*"(\w+)"', source))
    table = TEXT.split("## Errors")[1].split("## ")[0]
    listed = set(re.findall(r"`([a-z_]+)`", table.split("|---|---|")[1]))
    assert listed == raised


def test_every_metric_is_listed_and_none_that_is_gone() -> None:
    exported = {f.name + ("_total" if f.type == "counter" else "") for f in Scrape(Figures()).collect()}
    assert set(re.findall(r"`(floorlight_\w+)`", TEXT)) == exported
