"""The catalogue says of every KPI what was agreed, and the documents say what the catalogue says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collectors.collector import BUSINESS, FLOOR
from operations.floor.counters import FLOW_OUTS, SHOWN
from operations.kpis import documentation
from operations.kpis.catalogue import CATALOGUE, DEFAULT_WALL, WINDOWS
from operations.kpis.reasons import REASONS

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "kpis.md"

AGREED = {
    **dict.fromkeys(["contacts_waiting"], ("contacts", "down")),
    **dict.fromkeys(["longest_wait_s"], ("s", "down")),
    **dict.fromkeys([f"agents_{state}" for state in ("available", "ringing", "on_contact")], ("agents", "neither")),
    **dict.fromkeys([f"agents_{state}" for state in ("wrap_up", "paused", "logged_in")], ("agents", "neither")),
    **dict.fromkeys(["service_level_pct", "answer_rate_pct"], ("%", "up")),
    "offered": ("contacts", "neither"),
    "answered": ("contacts", "up"),
    "abandoned": ("contacts", "down"),
    "abandon_rate_pct": ("%", "down"),
    "longest_wait_today_s": ("s", "down"),
    **dict.fromkeys(["asa_s", "avg_talk_s", "avg_hold_s", "avg_hold_held_s", "avg_wrap_s", "avg_ring_s", "aht_s"], ("s", "down")),
    "occupancy_pct": ("%", "neither"),
    "utilisation_pct": ("%", "up"),
    "transfers": ("contacts", "down"),
    "transfer_rate_pct": ("%", "down"),
    "rang_no_answer": ("contacts", "down"),
    "csat_pct": ("%", "up"),
    "csat_mean": ("points", "up"),
    "fcr_pct": ("%", "up"),
    "complaints": ("complaints", "down"),
    "quality_mean": ("points", "up"),
    **dict.fromkeys(["connect_rate_pct", "conversion_pct", "ivr_containment_pct", "bot_containment_pct"], ("%", "up")),
    "dialled": ("calls", "neither"),
    "succeeded": ("calls", "up"),
    "dialler_abandon_pct": ("%", "down"),
    "avg_work_h": ("h", "neither"),
    "open_tickets": ("tickets", "down"),
}  # fmt: skip


def test_what_was_agreed_is_the_whole_catalogue() -> None:
    assert AGREED.keys() == CATALOGUE.keys()


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_kpi_says_what_a_source_must_tell_for_it(key: str) -> None:
    assert CATALOGUE[key].needs
    assert CATALOGUE[key].needs <= FLOOR | BUSINESS


def test_every_fact_serves_a_number_but_what_only_a_contract_asks_for() -> None:
    served = {fact for kpi in CATALOGUE.values() for fact in kpi.needs}
    assert (FLOOR | BUSINESS) - served == {"flow_outs"}


@pytest.mark.parametrize("key", AGREED)
def test_every_kpi_has_the_key_the_unit_and_the_direction_that_were_agreed(key: str) -> None:
    assert (CATALOGUE[key].unit, CATALOGUE[key].better) == AGREED[key]


def test_what_describes_this_instant_has_no_window_and_everything_else_has_all() -> None:
    now = {key for key, kpi in CATALOGUE.items() if kpi.kind == "now"}
    assert now == {key for key in CATALOGUE if key.startswith("agents_")} | {"contacts_waiting", "longest_wait_s"}
    sums = CATALOGUE.keys() - now - {"avg_work_h"}
    assert all(CATALOGUE[key].windows == ("now",) for key in now)
    assert all(CATALOGUE[key].windows == tuple(WINDOWS) for key in sums)
    assert CATALOGUE["avg_work_h"].windows == ("today",), "who was here is known of the day that runs"
    assert all(kpi.default_window in kpi.windows for kpi in CATALOGUE.values())


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_kpi_has_a_name_in_every_language_and_a_definition(key: str) -> None:
    kpi = CATALOGUE[key]
    assert kpi.key == key
    assert kpi.labels.keys() == {"en", "zh-Hans", "zh-Hant"}
    assert all(kpi.labels.values())
    assert kpi.definition


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_no_two_kpis_share_a_name(language: str) -> None:
    names = [kpi.labels[language] for kpi in CATALOGUE.values()]
    assert len(set(names)) == len(names)


def test_the_default_wall_is_made_of_six_kpis() -> None:
    assert len(DEFAULT_WALL) == 6
    assert set(DEFAULT_WALL) <= CATALOGUE.keys()


def documents() -> list[Path]:
    """docs/kpis.md, and every other document that has a place for the table."""
    found = [
        path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if "<!-- kpis -->" in path.read_text("utf-8")
    ]
    return sorted({DOCUMENT, *found})


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_the_table_in_the_documents_is_the_catalogue(path: Path) -> None:
    text = path.read_text("utf-8")
    assert documentation.renewed(text) == text, (
        f"renew it: python -m operations.kpis.documentation {path.relative_to(ROOT)}"
    )


def test_a_document_is_renewed_in_place_and_one_without_a_place_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, other = tmp_path / "README.md", tmp_path / "other.md"
    page.write_text("# A\n\n<!-- kpis -->\nold\n<!-- end -->\n\nrest\n", encoding="utf-8")
    other.write_text("# B\n", encoding="utf-8")
    assert documentation.main([str(page)]) == 0
    assert page.read_text("utf-8") == f"# A\n\n<!-- kpis -->\n{documentation.table()}\n<!-- end -->\n\nrest\n"
    assert documentation.main([str(other)]) == 1
    assert "put both where the table belongs" in capsys.readouterr().err
    assert documentation.main([]) == 2


@pytest.mark.parametrize("name", [*SHOWN, *FLOW_OUTS, *WINDOWS, *REASONS])
def test_every_counter_window_and_reason_is_explained(name: str) -> None:
    assert re.search(rf"`{name}`", DOCUMENT.read_text("utf-8"))


def test_the_key_of_every_kpi_has_exactly_one_row() -> None:
    rows = [line for line in documentation.table().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(CATALOGUE)
