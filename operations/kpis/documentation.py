"""The table of KPIs in README.md and docs/kpis.md, from the catalogue.

``python -m operations.kpis.documentation README.md docs/kpis.md`` renews it in place, between ``<!-- kpis -->`` and ``<!-- end -->``; a
test says when that is due.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from operations.kpis.catalogue import CATALOGUE, Kpi

_BETTER = {"up": "↑", "down": "↓", "neither": "·"}
_TABLE = re.compile(r"(<!-- kpis -->\n).*?(<!-- end -->)", re.DOTALL)


def table() -> str:
    """Every KPI of the catalogue as a Markdown table, in the catalogue's order, without a last line break."""
    head = ["| key | name | 中文 | unit | better | over | definition |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *(_row(kpi) for kpi in CATALOGUE.values())])


def _row(kpi: Kpi) -> str:
    names = (kpi.labels["en"], kpi.labels["zh-Hans"])
    over = "now" if kpi.kind == "now" else "a window"
    definition = kpi.definition.replace("|", "\\|")
    return " | ".join((f"| `{kpi.key}`", *names, kpi.unit, _BETTER[kpi.better], over, f"{definition} |"))


def renewed(text: str) -> str:
    """A document with its table as it should be. Raises ``ValueError`` when it has no place for one."""
    new, count = _TABLE.subn(lambda found: f"{found[1]}{table()}\n{found[2]}", text)
    if not count:
        raise ValueError("there is no <!-- kpis --> with an <!-- end --> behind it; put both where the table belongs")
    return new


def main(paths: list[str]) -> int:
    """Renew the named documents; returns the exit code."""
    if not paths:
        print("usage: python -m operations.kpis.documentation FILE.md …", file=sys.stderr)
        return 2
    for path in map(Path, paths):
        try:
            path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
        except (OSError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
