"""The answers of ``callcenter_config … list``: a row of names, rows of cells between pipes, ``+OK``. Pure.

FreeSWITCH quotes nothing in them, so one column may hold pipes and line breaks of its own (a caller's name, an agent's dial string): the cells
before it are counted from the left, those after it from the right.
"""

from __future__ import annotations

Row = dict[str, str]

NULL = "(null)"
"""What C prints for a database's NULL."""


class TableError(ValueError):
    """The answer is no such table; ``str(error)`` is what FreeSWITCH said, or what is missing."""


def parse_table(answer: str, needs: tuple[str, ...], free: str = "") -> list[Row]:
    """The rows, by column name. ``needs``: columns that must be there; ``free``: the column that may hold anything.

    An empty table is ``+OK`` alone, without a row of names. Raises ``TableError``.
    """
    if answer.startswith(("-ERR", "-USAGE")):
        raise TableError(answer.partition("\n")[0].removeprefix("-ERR").strip(" :"))
    body = answer.rstrip("\r\n")
    if body == "+OK":
        return []
    if not body.endswith("\n+OK"):
        raise TableError("the answer does not end with +OK")
    head, *lines = body.removesuffix("\n+OK").split("\n")
    names = head.split("|")
    lacking = [name for name in needs if name not in names]
    if lacking:
        raise TableError(f"the columns {', '.join(lacking)} are missing")
    at = names.index(free) if free in names else -1
    rows, part = [], ""
    for line in lines:
        part = f"{part}\n{line}" if part else line
        cells = part.split("|")
        extra = len(cells) - len(names)
        if extra < 0:
            continue  # a line break within a cell: the row goes on
        if extra and at >= 0:
            cells[at : at + extra + 1] = ["|".join(cells[at : at + extra + 1])]
        rows.append({name: "" if cell == NULL else cell for name, cell in zip(names, cells, strict=False)})
        part = ""
    return rows


def number(text: str) -> int:
    """A whole number as FreeSWITCH prints it; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
