"""Workbooks for tests: written by XlsxWriter, or part by part as no writer would."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

from detente.doors.files import Reading, ReadOptions, read

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def written(fill: Callable[[xlsxwriter.Workbook], Any], **options: Any) -> bytes:
    """What XlsxWriter makes of what is written into it."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, options) as book:
        fill(book)
    return out.getvalue()


def table(*rows: Sequence[Any], title: str = "Sheet1", at: int = 0) -> bytes:
    """One sheet with rows, the first of them the header, from a line on."""

    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet(title)
        for number, row in enumerate(rows, start=at):
            sheet.write_row(number, 0, row)

    return written(fill)


def cell(where: str, value: str = "", kind: str = "", also: str = "") -> str:
    """A cell's XML."""
    typed = f' t="{kind}"' if kind else ""
    if kind == "inlineStr":
        return f'<c r="{where}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{where}"{typed}>{also}<v>{escape(value)}</v></c>'


def texts(row: int, *values: str) -> str:
    """A row of texts."""
    cells = "".join(
        cell(f"{chr(ord('A') + at)}{row}", value, "inlineStr") for at, value in enumerate(values)
    )
    return f'<row r="{row}">{cells}</row>'


def parts(rows: str, *, before: str = "", after: str = "", main: str = MAIN) -> dict[str, str]:
    """The parts of a workbook with one sheet."""
    return {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
        f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}">{before}<sheetData>{rows}'
        f"</sheetData>{after}</worksheet>",
    }


def packed(made: Mapping[str, str | bytes]) -> bytes:
    """Parts as a package."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in made.items():
            archive.writestr(name, text)
    return out.getvalue()


def of(folder: Path, data: bytes, name: str = "list.xlsx", **options: Any) -> Reading:
    """What a workbook is read as."""
    path = folder / name.partition("#")[0]
    path.write_bytes(data)
    return read(folder / name, ReadOptions(kind="notices", **options))
