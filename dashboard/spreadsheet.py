"""Workbooks in the format of ECMA-376 (.xlsx), as little of it as tables of numbers need.

Written by hand because it is a hundred lines and the packages that write it bring ten thousand; texts are inline, so that no cell is
ever taken for a formula.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

CONTENT_TYPE = f"{_TYPE}.sheet"

_FORMATS = {
    "": None,
    "head": None,
    "count": "#,##0",
    "percent": "0.0%",
    "change": "+0%;-0%;0%",
    "duration": "[m]:ss",
    "decimal": "#,##0.0",
}
"""Number formats by style; ``head`` is bold text."""

_STYLES = tuple(_FORMATS)

_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
_CONTROL = {code: None for code in range(32) if code not in (9, 10, 13)}


class Cell(NamedTuple):
    """One cell: a number, a text, or nothing; ``style``: how a number is shown (``count``, ``percent`` of 1, ``duration`` in days, …)."""

    value: float | str | None = None
    style: str = ""


class Sheet(NamedTuple):
    """One sheet. ``freeze``: its first row and column stay in sight; ``widths`` of the first columns, in letters."""

    title: str
    rows: Sequence[Sequence[Cell]]
    widths: tuple[int, ...] = (16,)
    freeze: bool = False


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The file. Titles are cut to what spreadsheets allow and made different from each other."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for path, content in _parts(sheets):
            # A fixed time: the same numbers give the same file.
            file.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), _XML + content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _parts(sheets: Sequence[Sheet]) -> list[tuple[str, str]]:
    numbers = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    names = "".join(
        f'<sheet name={quoteattr(title)} sheetId="{n}" r:id="rId{n}"/>'
        for n, title in zip(numbers, _titles(sheets), strict=True)
    )
    return [
        (
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{overrides}</Types>',
        ),
        (
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        ),
        ("xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>'),
        (
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{links}'
            f'<Relationship Id="rId{len(sheets) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        ),
        ("xl/styles.xml", _styles()),
        *((f"xl/worksheets/sheet{n}.xml", _sheet(sheet)) for n, sheet in zip(numbers, sheets, strict=True)),
    ]


def _titles(sheets: Sequence[Sheet]) -> list[str]:
    found: list[str] = []
    for number, sheet in enumerate(sheets, 1):
        title = sheet.title.translate(_FORBIDDEN).translate(_CONTROL).strip("' ")[:31] or str(number)
        found.append(title if title not in found else f"{title[:27]} {number}")
    return found


def _styles() -> str:
    formats = [code for code in _FORMATS.values() if code]
    codes = "".join(f'<numFmt numFmtId="{164 + n}" formatCode={quoteattr(code)}/>' for n, code in enumerate(formats))
    cells = "".join(
        f'<xf numFmtId="{164 + formats.index(code) if code else 0}" fontId="{int(style == "head")}" fillId="0" borderId="0" xfId="0"'
        ' applyNumberFormat="1" applyFont="1"/>'
        for style, code in _FORMATS.items()
    )
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="{len(formats)}">{codes}</numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(_FORMATS)}">{cells}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _sheet(sheet: Sheet) -> str:
    pane = (
        '<pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/>' if sheet.freeze else ""
    )
    columns = max((len(row) for row in sheet.rows), default=1)
    widths = [*sheet.widths, *[14] * (columns - len(sheet.widths))]
    cols = "".join(f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(widths, 1))
    rows = "".join(
        f'<row r="{r}">{"".join(_cell(cell, r, c) for c, cell in enumerate(row))}</row>'
        for r, row in enumerate(sheet.rows, 1)
    )
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
        f"<cols>{cols}</cols><sheetData>{rows}</sheetData></worksheet>"
    )


def _cell(cell: Cell, row: int, column: int) -> str:
    if cell.value is None or cell.value == "":
        return ""
    place, style = f"{_letters(column)}{row}", _STYLES.index(cell.style)
    if isinstance(cell.value, str):
        text = escape(cell.value.translate(_CONTROL))
        return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    return f'<c r="{place}" s="{style}"><v>{cell.value!r}</v></c>'


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
