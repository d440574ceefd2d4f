"""Any bytes at all: a workbook is read, or refused by the one error; two readers read the same."""

import io
import resource
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from detente.core.volume import Circle
from detente.doors.files import ReadOptions, read_bytes
from detente.doors.files.workbook_cells import (
    COLUMNS_MAX,
    column_of,
    date_of,
    letters_of,
    unescaped,
)
from detente.doors.files.xlsx_rows import Table
from detente.errors import MalformedInput
from workbooks import MAIN, packed, parts, table, texts

NOTICES = ReadOptions(kind="notices")
GOOD = table(["id", "name", "lat", "lon"], *[[f"c-{n}", "Clinic", 36.2, 37.1] for n in range(20)])
SHEET = "xl/worksheets/sheet1.xml"
ROWS = texts(1, "lat", "lon") + texts(2, "36.2021", "37.1343")


def taken(data: bytes) -> int | None:
    """How many rows; None where the whole is refused."""
    try:
        reading = read_bytes("list.xlsx", data, NOTICES)
    except MalformedInput:
        return None
    assert reading.rows_total == len(reading.values) + len(reading.refusals)
    return reading.rows_total


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_bytes_after_the_mark_of_a_zip(data: bytes) -> None:
    taken(b"PK\x03\x04" + data)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=8),
       st.integers(0, len(GOOD)))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_a_workbook_with_other_bytes_and_without_its_end(
    changes: list[tuple[int, int]], length: int
) -> None:
    data = bytearray(GOOD)
    for place, byte in changes:
        data[place] = byte
    taken(bytes(data))
    taken(bytes(data[:length]))


TAGS = st.sampled_from(
    ["c", "v", "f", "is", "t", "rPh", "row", "sheetData", "mergeCell", "col", "extLst"]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["r", "s", "t", "ref", "hidden", "min", "max"]),
    st.sampled_from(["A1", "B2", "1", "2", "s", "str", "e", "b", "d", "n", "inlineStr", "A1:B9",
                     "-1", "", "9" * 40, "ZZZ1", "é", "0"]),
    max_size=3,
)  # fmt: skip


@st.composite
def elements(draw: st.DrawFn, depth: int = 4) -> str:
    """XML of a sheet's own elements, in any order and place."""
    tag = draw(TAGS)
    named = "".join(f' {key}="{value}"' for key, value in draw(ATTRIBUTES).items())
    inner = draw(st.sampled_from(["", "0", "1", "36.2", "lat", "1e999", "nan", "-0", "99999999"]))
    if depth:
        inner += "".join(draw(st.lists(elements(depth - 1), max_size=3)))
    return f"<{tag}{named}>{inner}</{tag}>"


@given(st.lists(elements(), max_size=4), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_elements_of_a_sheet_in_any_order(found: list[str], before: bool, after: bool) -> None:
    odd = "".join(found)
    made = parts((ROWS if before else "") + odd + (ROWS if after else ""), before=odd, after=odd)
    taken(packed(made))


@given(st.sampled_from(list(parts(ROWS))), st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_a_part_that_is_any_text(name: str, text: str) -> None:
    taken(packed({**parts(ROWS), name: text.encode(errors="replace")}))


# Bombs -----------------------------------------------------------------------------------------

LONG = "a" * 40_000_000


@pytest.mark.parametrize(
    "made",
    [
        {SHEET: f'<worksheet xmlns="{MAIN}"><sheetData>{"<row/>" * 6_000_000}</sheetData>'},
        {SHEET: f'<worksheet xmlns="{MAIN}">{LONG}'},
        {"xl/workbook.xml": f"<x>{'<sheet/>' * 4_500_000}</x>"},
    ],
    ids=["rows", "text", "sheets"],
)
def test_what_unpacks_to_too_much_is_not_unpacked(made: dict[str, str]) -> None:
    data = packed({**parts(ROWS), **made})
    assert len(data) < 200_000
    before, start = _peak_mb(), time.monotonic()
    with pytest.raises(MalformedInput, match=r"at most 16,777,216 bytes"):
        read_bytes("list.xlsx", data, NOTICES)
    assert _peak_mb() - before < 20
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "rows",
    [
        ROWS + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row>" + "<c><v>1</v></c>" * 500_000 + "</row>",
        texts(1, "lat", "lon") + '<row><c r="XFD2"><v>1</v></c></row>',
        ROWS + "<row>" * 100_000,
    ],
    ids=["a far cell", "a long row", "a far column", "rows in rows"],
)
def test_few_cells_take_little(rows: str) -> None:
    """Readers that lay a sheet out as a rectangle need 500 GB for two cells."""
    before = _peak_mb()
    taken(packed(parts(rows)))
    assert _peak_mb() - before < 60


def test_cells_merged_by_the_million_are_refused() -> None:
    rows = texts(1, "lat", "lon") + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'
    with pytest.raises(MalformedInput, match="at most 1,000,000 merged cells"):
        read_bytes("a.xlsx", packed(parts(rows, after='<mergeCell ref="A2:B1048576"/>')), NOTICES)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# Two readers -----------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.floats(-1e14, 1e14, allow_nan=False).map(lambda one: float(f"{one:.15g}")),
    # What begins with an equals sign XlsxWriter writes as a formula.
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).filter(
        lambda one: not one.startswith(("=", "{="))
    ),
)
HEADER = [f"h{column}" for column in range(6)]


@given(st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
@example([["_x0041_ _x005F_", "'a", "\r\n\t", "\x07", "_x"]])
def test_calamine_reads_the_same(rows: list[list[Any]]) -> None:
    data = table(HEADER, *rows)
    said = any(_says(one) for row in rows for one in row)
    ours = Table(Path("a.xlsx"), data, None, unpacked_max=10**8).rows() if said else ()
    found = {row.number: row.properties for row in ours}
    theirs = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    for number, row in enumerate(theirs[1:], start=2):
        for name, value in zip(HEADER, row, strict=False):
            mine = found.get(number, {}).get(name)
            assert mine == (value if _says(value) else None), (number, name)


def _says(value: object) -> bool:
    return value is not None and (not isinstance(value, str) or bool(value.strip()))


@given(st.integers(0, COLUMNS_MAX - 1))
def test_columns_have_letters(column: int) -> None:
    assert column_of(letters_of(column)) == column


@given(st.text(max_size=30))
def test_texts_without_escapes_stay(text: str) -> None:
    assume("_x" not in text)
    assert unescaped(text) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_any_number_is_a_date_or_none(serial: float, since_1904: bool) -> None:
    found = date_of(serial, since_1904=since_1904)
    assert found is None or found[2] in "0123456789:"


def test_days_are_those_that_excel_shows() -> None:
    """Source: ECMA-376 Part 1, 18.17.4.3, and Excel's own 1900, which has a 29 February."""
    assert date_of(61, since_1904=False) == "1900-03-01"
    assert date_of(60, since_1904=False) is None
    assert date_of(2_958_465, since_1904=False) == "9999-12-31"
    assert date_of(2_958_466, since_1904=False) is None
    assert date_of(0.75, since_1904=False) == "18:00:00"
    assert date_of(1, since_1904=True) == "1904-01-02"
    assert date_of(43_101.5, since_1904=True) == "2022-01-02T12:00:00"


def test_a_place_is_the_same_to_the_last_digit() -> None:
    [value] = read_bytes("a.xlsx", packed(parts(ROWS)), NOTICES).values
    assert value.volumes[0].footprint[0] == Circle(centre=(371_343_000, 362_021_000))
