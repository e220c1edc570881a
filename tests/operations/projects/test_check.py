"""What a person reads who checks a file before putting it to work."""

from __future__ import annotations

from pathlib import Path

from operations.projects.check import check
from tests.operations.projects.kinds import KINDS

GOOD = """
site: {name: Harbour, time_zone: Asia/Shanghai}
sources: {hq: {kind: pbx, host: pbx.local, password: '${PW}'}, demo: {kind: toy}}
projects:
  acme:
    name: Acme support
    client: Acme Ltd
    starts: 2026-01-05
    queues: [hq/l1, hq/l2]
    open: {mon-fri: "09:00-21:00", sat: "22:00-04:00", holidays: CN}
    service_level: [{within_s: 30}, {from: 2026-07-01, within_s: 20, at: "<"}]
    targets:
      - {kpi: asa_s, goal: 20, critical: 40.5}
      - {kpi: contacts_waiting, warning: 5, per_queue: true}
  later: {open: {daily: closed}}
"""


def test_a_valid_file_is_summed_up(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(GOOD)
    assert check(file, {"PW": "x"}, KINDS) == (
        0,
        f"""{file}: valid
  site      Harbour · Asia/Shanghai · en · intervals of 30 min
  redis     embedded
  source    hq · pbx
  source    demo · toy
  project   acme · Acme support · Acme Ltd · 2026-01-05 to open end
    queues  hq/l1, hq/l2
    open    mon-fri 09:00-21:00 sat 22:00-04:00, not on the holidays of CN (Asia/Shanghai)
    level   answered within 30 s, abandons: miss
    level   answered within less than 20 s, abandons: miss · from 2026-07-01
    target  asa_s (today): goal 20, critical 40.5
    target  contacts_waiting (now): warning 5 · each queue
  project   later · later
    queues  none yet
    open    never (Asia/Shanghai)
    level   answered within 20 s, abandons: miss
  access    open to everybody on this machine, and to nobody else""",
    )


def test_an_invalid_file_is_answered_with_every_error(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(GOOD.replace("asa_s", "asa").replace("Harbour", "''"))
    assert check(file, {}, KINDS) == (
        2,
        f"""{file}: 3 errors
  sources.hq.password: the environment has no PW; set PW, or write the value here
  site.name: is empty; give at least one character
  projects.acme.targets[0].kpi: there is no KPI 'asa'; did you mean asa_s?""",
    )


def test_a_file_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    code, text = check(tmp_path / "none.yaml", {}, KINDS)
    assert code == 2
    assert text.startswith(f"{tmp_path / 'none.yaml'}: 1 error\n")


NARROW = """
site: {name: Harbour, time_zone: Asia/Shanghai}
sources: {log: {kind: queue_log, path: /x}, sim: {kind: simulator}}
projects:
  acme:
    queues: [log/l1, log/l2]
    wall: [csat_pct, answered]
    targets:
      - {kpi: avg_hold_s, goal: 20}
      - {kpi: avg_wrap_s, goal: 20, per_queue: true}
      - {kpi: answered, goal: 20}
  both:
    queues: [log/l3, sim/air]
    targets:
      - {kpi: avg_hold_s, goal: 20}
      - {kpi: avg_hold_s, goal: 20, per_queue: true}
      - {kpi: open_tickets, goal: 5}
"""


def test_a_target_that_no_source_can_give_is_a_warning_and_no_error(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(NARROW)
    code, text = check(file, {})
    assert code == 0
    assert [line.strip() for line in text.splitlines() if "warning " in line] == [
        "warning   projects.acme: the target on Hold time is never judged: no hold time from log",
        "warning   projects.acme: the target on Wrap-up time of log/l1, log/l2 is never judged: no wrap-up time from log",
        "warning   projects.acme: Satisfaction stays empty on the wall: no surveys from log",
        "warning   projects.both: the target on Hold time of log/l3 is never judged: no hold time from log",
        "warning   projects.both: the target on Open tickets is never judged: no tickets from log, sim",
    ]
