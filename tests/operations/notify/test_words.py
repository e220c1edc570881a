"""The words of a message: numbers first, and nobody's name can be more than a name."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from operations.notify.group import Alert, Answer, Told
from operations.notify.planner import Telling
from operations.notify.words import LONGEST_LINE, LONGEST_SUBJECT, MOST_LISTED, compose, one_line
from operations.projects.contract import Project
from operations.texts import Words, kpi_name, say
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


# ── in the language of whoever is told ────────────────────────────────────────────────────────────

SENTENCE = say(
    "{said}; goal {goal}",
    said=say("{name} {value} over {line} for {span}", name=kpi_name("longest_wait_s"), value="1:34", line="1:30", span=say("{n} s", n=10)),
    goal="1:00",
)  # fmt: skip
CHINESE = project(name="示范航空", client="Acme", language="zh-Hans")
WAITS = msgspec.structs.replace(
    WAIT, said=SENTENCE, label="最长等待", reason="最长等待 1:34\uff0c高于 1:30 已 10 秒\uff1b目标 1:00"
)


def told(telling: Telling, language: str, endings: dict[str, Words] | None = None) -> tuple[str, str]:
    subject, body, _ = compose(CHINESE, telling, endings or {}, late=True, language=language)
    return subject, body


def test_a_message_of_a_chinese_project_is_chinese_in_subject_and_body() -> None:
    subject, body = told(Telling("repeat", (msgspec.structs.replace(WAITS, acked=Answer("Mei")),), {}), "zh-Hans")
    assert subject == "■ 仍然严重 示范航空\uff1a最长等待 1:34\uff08目标 1:00\uff09"
    assert body.split("\n") == [
        "示范航空\uff08Acme\uff09",
        "",
        "■ 严重 最长等待 1:34\uff0c高于 1:30 已 10 秒\uff1b目标 1:00",
        "   自 2026-11-22 12:00:00 (UTC+08:00) 起\uff1bMei 正在处理",
        "",
        "此前关于此事的一条消息未能送达。",
    ]


def test_a_route_with_a_language_of_its_own_reads_the_same_in_that_language() -> None:
    subject, body = told(Telling("new", (WAITS,), {}), "en")
    assert subject == "■ CRITICAL 示范航空: Longest wait 1:34 (goal 1:00)"
    assert "■ CRITICAL Longest wait 1:34 over 1:30 for 10 s; goal 1:00" in body
    subject, body = told(Telling("new", (WAITS,), {}), "zh-Hant")
    assert subject == "■ 嚴重 示范航空\uff1a最長等待 1:34\uff08目標 1:00\uff09"


def test_an_end_is_told_in_the_language_of_the_message() -> None:
    ending = say("{name} back at {value} after {span}; worst {worst}", name=kpi_name("longest_wait_s"), value="0:20", span=say("{n} min", n=4), worst="1:37")  # fmt: skip
    ended = {"longest_wait_s@now#1": Told(2, "最长等待"), "source_down@hq#2": Told(2, "数据源 hq 中断")}
    subject, body = told(Telling("ended", (), ended), "zh-Hant", {"longest_wait_s@now#1": ending})
    assert subject == "✓ 已恢復 示范航空\uff1a最長等待 另有 1 項"
    assert "✓ 已恢復 最長等待 4 分鐘後恢復到 0:20\uff1b最差 1:37" in body
    assert "✓ 已恢復 資料來源 hq 中斷" in body


def test_what_an_engine_of_before_wrote_is_told_as_it_is() -> None:
    old = msgspec.structs.replace(WAITS, said=None, reason="Longest wait 1:34 over 1:30")
    assert "Longest wait 1:34 over 1:30" in told(Telling("new", (old,), {}), "zh-Hans")[1]
