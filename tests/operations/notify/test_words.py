"""The words of a message: numbers first, and nobody's name can be more than a name."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from operations.notify.group import Alert, Answer, Told
from operations.notify.planner import Telling
from operations.notify.words import LONGEST_LINE, LONGEST_SUBJECT, MOST_LISTED, compose, one_line
from operations.projects.contract import Project
from tests.operations.notify.situation import NOON, alert, project

ACME = project(name="Acme support", client="Acme Ltd")
WAIT = msgspec.structs.replace(
    alert("longest_wait_s@now", "critical", fired=NOON + 10_000, began=NOON),
    label="Longest wait",
    value=94.0,
    target=60.0,
    since="2026-11-22T12:00:00.000+08:00",
    reason="Longest wait 1:34 over 1:30 for 10 s; goal 1:00; oldest contact waiting in support-l2",
)
QUEUE = msgspec.structs.replace(
    alert("contacts_waiting@now"), label="Waiting", value=7.0, target=5.0, reason="Waiting 7 over 5; goal 5"
)


def of(
    *alerts: Alert, kind: str = "new", ended: dict[str, Told] | None = None, told_of: Project = ACME, url: str = ""
) -> tuple[str, str, int]:
    return compose(told_of, Telling(kind, alerts, ended or {}), {}, url)  # type: ignore[arg-type]


def test_a_message_names_project_kpi_value_goal_and_since_when() -> None:
    subject, body, level = of(WAIT, url="https://wall.example.com")
    assert subject == "■ CRITICAL Acme support: Longest wait 1:34 (goal 1:00)"
    assert level == 2
    assert body.split("\n") == [
        "Acme support (Acme Ltd)",
        "",
        "■ CRITICAL Longest wait 1:34 over 1:30 for 10 s; goal 1:00; oldest contact waiting in support-l2",
        "   since 2026-11-22 12:00:00 (UTC+08:00)",
        "",
        "https://wall.example.com/wall/acme",
    ]


def test_the_worst_stands_in_the_subject_also_when_somebody_has_it_already() -> None:
    answered = msgspec.structs.replace(WAIT, acked=Answer("Mei", "calling in two more"))
    subject, body, _ = of(QUEUE, answered, kind="repeat")
    assert subject == "■ STILL CRITICAL Acme support: Longest wait 1:34 (goal 1:00) and 1 more"
    assert "Mei has it: calling in two more" in body


def test_a_source_that_is_down_has_no_value() -> None:
    down = msgspec.structs.replace(
        alert("source_down@hq", "critical"), label="Source hq down", reason="Source hq down for 12 s"
    )
    assert of(down)[0] == "■ CRITICAL Acme support: Source hq down"


def test_a_budget_names_the_service_level_of_its_window() -> None:
    burning = msgspec.structs.replace(
        alert("budget_month_1h", "critical"), kpi="service_level_pct", label="Budget of the month (1h)", value=47.2
    )
    assert of(burning)[0] == "■ CRITICAL Acme support: Budget of the month (1h), service level 47.2 %"


def test_what_has_ended_is_calm() -> None:
    subject, body, level = of(
        kind="ended", ended={"x": Told(2, "Longest wait", "2026-11-22T12:00:00+08:00"), "y": Told(1, "Waiting")}
    )
    assert subject == "✓ ENDED Acme support: Longest wait and 1 more"
    assert level == 0
    assert "✓ ENDED Longest wait\n   since 2026-11-22 12:00:00 (UTC+08:00)\n✓ ENDED Waiting" in body


def test_a_long_list_is_cut_and_says_so() -> None:
    _, body, _ = of(*(alert(f"k{n}@now") for n in range(50)), ended={f"e{n}": Told(1, "x") for n in range(50)})
    assert body.count("▲ WARNING") == MOST_LISTED
    assert "and 30 more\n" in body
    assert "and 30 more that have ended" in body


def test_a_name_that_breaks_lines_breaks_none() -> None:
    nasty = msgspec.structs.replace(
        WAIT,
        label="Longest wait in x\r\nBcc: all@example.com",
        reason="a\nb\x00c\u2028d\u202eevil\x1b[31m",
        acked=Answer("M\nei", "no\nte"),
    )
    subject, body, _ = of(nasty)
    assert subject == "■ CRITICAL Acme support: Longest wait in x Bcc: all@example.com 1:34 (goal 1:00)"
    assert "■ CRITICAL a b c devil [31m" in body
    assert "M ei has it: no te" in body


@given(st.text(max_size=3000), st.text(max_size=200))
def test_whatever_a_name_holds_the_message_keeps_its_shape(name: str, client: str) -> None:
    nasty = msgspec.structs.replace(WAIT, label=name, reason=name, acked=Answer(name, name))
    subject, body, _ = of(nasty, told_of=project(name=name or "x", client=client), ended={"e": Told(1, name)})
    assert subject.isprintable() or all(char.isprintable() or ord(char) > 0x7F for char in subject)
    assert "\n" not in subject
    assert "\r" not in subject
    assert len(subject) <= LONGEST_SUBJECT
    assert len(body.split("\n")) == len(of(WAIT, ended={"e": Told(1, "x")}, told_of=ACME)[1].split("\n"))
    body.encode()
    subject.encode()


def test_a_line_has_an_end() -> None:
    assert len(one_line("x" * 10_000)) == LONGEST_LINE
    assert one_line("  a \t b  ") == "a b"
