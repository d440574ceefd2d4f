"""Lists that offices keep in Excel: each row is read as that of a CSV is, or refused by name."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from detente.core.volume import Circle
from detente.doors.files import Kind, Reading, ReadOptions, read
from detente.doors.files.reading import Doubted
from detente.errors import MalformedInput
from workbooks import MAIN, cell, of, packed, parts, table, texts, written

HEAD = ["id", "name", "lat", "lon"]
HERE = Circle(centre=(371_343_000, 362_021_000))
CLINIC = ["c-1", "Clinic", 36.2021, 37.1343]


def shown(reading: Reading) -> list[tuple[str, str | None, object]]:
    return [
        (one.source_id, one.name, one.volumes[0].footprint[0])
        for one in reading.values
    ]  # fmt: skip


def told(reading: Reading) -> list[str]:
    return [f"{one}" for one in reading.refusals]


def refused(folder: Path, data: bytes, name: str = "list.xlsx", **options: Any) -> str:
    with pytest.raises(MalformedInput) as error:
        of(folder, data, name, **options)
    return str(error.value)


# Cells ---------------------------------------------------------------------------------------


def test_names_in_any_script_and_rows_as_excel_numbers_them(tmp_path: Path) -> None:
    name = "Больница №1 «Şişli» مستشفى"
    reading = of(tmp_path, table(HEAD, ["a", name, 36.2021, 37.1343], [], [None, "x", 91.5, 1.25],
                                 title="Больницы"))  # fmt: skip
    assert shown(reading) == [("a", name, HERE)]
    assert reading.source == "list.xlsx#Больницы"
    [refusal] = told(reading)
    assert refusal.startswith("row 4 (x): position: expected latitude from -90 to 90")
    assert refusal.endswith("got latitude 91.5, longitude 1.25 (swapped?)")
    assert reading.rows_total == 2


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        (36.2021, 37.1343), ("36.2021", "37.1343"), ("36,2021", "37,1343"),
        (" 36.2021\u00a0", "37.1343 "), ("36°12'07.56\"N", "37°08'03.48\"E"),
    ],
)  # fmt: skip
def test_coordinates_as_numbers_and_as_texts(tmp_path: Path, lat: Any, lon: Any) -> None:
    assert shown(of(tmp_path, table(HEAD, ["c-1", "Clinic", lat, lon]))) == [
        ("c-1", "Clinic", HERE)
    ]


@pytest.mark.parametrize(
    ("stored", "identity"), [(123, "123"), (123.0, "123"), ("00123", "00123"), (1.5, "1.5")]
)
def test_ids_that_look_like_numbers(tmp_path: Path, stored: Any, identity: str) -> None:
    assert of(tmp_path, table(HEAD, [stored, *CLINIC[1:]])).values[0].source_id == identity


def test_an_id_of_which_excel_changed_the_last_digits_is_refused(tmp_path: Path) -> None:
    reading = of(tmp_path, table(HEAD, [1234567890123456789, *CLINIC[1:]]))
    [refusal] = told(reading)
    assert refusal.startswith("row 2 (Clinic): id: expected a value, got 1.23456789012345")
    assert refusal.endswith("of which Excel keeps 15 digits, in cell A2")


def test_scientific_and_percent(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [*HEAD, "standoff_m"])
        sheet.write_row(1, 0, CLINIC)
        sheet.write_number(1, 2, 3.62021e1, book.add_format({"num_format": "0.00E+00"}))
        sheet.write_number(1, 4, 5e2, book.add_format({"num_format": "0.0E+0"}))
        sheet.write_row(2, 0, ["c-2", *CLINIC[1:]])
        sheet.write_number(2, 4, 0.5, book.add_format({"num_format": "0%"}))
        sheet.write_row(3, 0, ["c-3", *CLINIC[1:]])
        sheet.write_number(3, 4, 0.5, book.add_format({"num_format": '0.0 "m%d"'}))

    reading = of(tmp_path, written(fill))
    assert [one.standoff_mm for one in reading.values] == [500_000, 500]  # type: ignore[union-attr] # notices
    assert told(reading) == ["row 3 (Clinic): standoff_m: expected a number, got 50%"]


DAY = dt.datetime(2026, 1, 7, 18, 30)  # noqa: DTZ001 - Excel has no zones


@pytest.mark.parametrize("date_1904", [False, True])
@pytest.mark.parametrize(
    ("code", "written_as", "got"),
    [
        ("yyyy-mm-dd", dt.date(2026, 1, 7), "2026-01-07T00:00:00"),
        ("dd.mm.yyyy hh:mm", DAY, "2026-01-07T18:30:00"),
        ("[$-409]d\\ mmm\\ yy;@", DAY, "2026-01-07T18:30:00"),
        ("hh:mm", dt.time(18, 30), "18:30:00"),
    ],
)
def test_a_date_of_excel_has_no_zone_and_is_refused(
    tmp_path: Path, *, date_1904: bool, code: str, written_as: Any, got: str
) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [*HEAD, "end"])
        sheet.write_row(1, 0, CLINIC)
        sheet.write_datetime(1, 4, written_as, book.add_format({"num_format": code}))
        sheet.write_row(2, 0, ["c-2", *CLINIC[1:], "2026-01-07T18:30:00+03:00"])

    reading = of(tmp_path, written(fill, date_1904=date_1904))
    [refusal] = told(reading)
    assert refusal.startswith("row 2 (Clinic): end: expected ")
    assert got in refusal
    assert reading.values[0].volumes[0].end == dt.datetime(2026, 1, 7, 15, 30, tzinfo=dt.UTC)


def test_what_excel_took_for_a_date_is_no_coordinate(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        day = book.add_format({"num_format": "d-mmm"})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEAD)
        for row, serial in enumerate((46_000, 20, -1, 9e9), start=1):
            sheet.write_row(row, 0, [f"c-{row}", *CLINIC[1:]])
            sheet.write_number(row, 2, serial, day)

    reading = of(tmp_path, written(fill))
    assert [one.got for one in reading.refusals] == [
        "2025-12-09",
        "a date that Excel cannot show in cell C3",
        "a date that Excel cannot show in cell C4",
        "a date that Excel cannot show in cell C5",
    ]


def test_errors_and_formulas_without_a_result_refuse_what_asks_for_them(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [*HEAD, "note", "standoff_m"])
        for row in range(1, 7):
            sheet.write_row(row, 0, [f"c-{row}", *CLINIC[1:]])
        sheet.write_formula(1, 2, "=36+0.2021", None, 36.2021)
        sheet.write_formula(2, 2, "=VLOOKUP(A3,X:Y,2)", None, "#N/A")
        sheet.write_formula(3, 3, "=[1]Other!B2", None, "#REF!")
        sheet.write_formula(4, 4, "=NA()", None, "#N/A")
        sheet.write_formula(5, 5, "=1/0", None, "#DIV/0!")
        sheet.write_formula(6, 0, '=""', None, "")

    reading = of(tmp_path, written(fill))
    assert [one.source_id for one in reading.values] == ["c-1", "c-4"]
    assert told(reading) == [
        "row 3 (Clinic): lat: expected a value, got #N/A in cell C3",
        "row 4 (Clinic): lon: expected a value, got #REF! in cell D4",
        "row 6 (Clinic): standoff_m: expected a value, got #DIV/0! in cell F6",
        "row 7 (Clinic): id: expected a value, got a formula without a result in cell A7",
    ]


def test_a_formula_that_nobody_calculated_is_no_zero(tmp_path: Path) -> None:
    rows = (
        texts(1, "lat", "lon") + '<row r="2"><c r="A2"><f>1+1</f></c>' + cell("B2", "37.1")
        + '</row><row r="3"><c r="A3"><f>1+1</f><v></v></c>' + cell("B3", "37.1") + "</row>"
        + '<row r="4">' + cell("A4", "", "str", "<f>B4</f>") + cell("B4", "37.1") + "</row>"
    )  # fmt: skip
    reading = of(tmp_path, packed(parts(rows)))
    assert [one.got for one in reading.refusals] == [
        "a formula without a result in cell A2",
        "a formula without a result in cell A3",
        "no latitude",
    ]


def test_booleans_are_truths_and_no_texts(tmp_path: Path) -> None:
    head = [*HEAD, "movement", "start", "end", "escort", "marking_visible_day"]
    times = ["2026-01-07T10:00:00Z", "2026-01-07T12:00:00Z"]
    reading = of(
        tmp_path,
        table(head, ["c-1", *CLINIC[1:], "m", *times, "unarmed", True], [True, *CLINIC[1:]]),
    )
    [value] = reading.values
    assert value.escort.marking_visible_day is True  # type: ignore[union-attr] # a notice's
    assert told(reading) == ["row 3 (Clinic): id: expected text, got True"]


def test_texts_in_runs_with_escapes_and_how_they_are_spoken(tmp_path: Path) -> None:
    made = parts(
        f"<row>{cell('A1', '0', 's')}{cell('B1', '1', 's')}{cell('C1', '2', 's')}</row>"
        f"<row>{cell('A2', '3', 's')}{cell('B2', '36.2021')}{cell('C2', '37.1343')}</row>"
    )
    made["xl/_rels/workbook.xml.rels"] = made["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        '<Relationship Id="r2" Type="http://x/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        "</Relationships>",
    )
    made["xl/sharedStrings.xml"] = (
        f'<sst xmlns="{MAIN}"><si><t>name</t></si><si><t>lat</t></si><si><t>lon</t></si>'
        '<si><r><t xml:space="preserve">東 </t></r><r><t>A_x000A__x005F_x0041__x0000_</t></r>'
        "<rPh><t>ひがし</t></rPh></si></sst>"
    )
    [value] = of(tmp_path, packed(made)).values
    assert value.name == "東 A _x0041__x0000_"


# Tables --------------------------------------------------------------------------------------


def test_titles_above_the_header_are_none_of_it(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Hospitals, 2026"], [], ["by the office"], HEAD, CLINIC]
    assert shown(of(tmp_path, table(*rows))) == [("c-1", "Clinic", HERE)]


def test_what_is_no_table_of_places_is_refused_with_what_stands_there(tmp_path: Path) -> None:
    assert "got Date, 2026" in refused(tmp_path, table(["Date", 2026], HEAD, CLINIC))
    assert "lat=NAME" in refused(tmp_path, table(["ID", "الاسم"], CLINIC))
    assert "none under 'id, name, lat, lon'" in refused(tmp_path, table(HEAD))
    assert "none in any sheet" in refused(tmp_path, table())
    assert "twice name" in refused(tmp_path, table([*HEAD, "name"], CLINIC))


def test_one_column_of_positions_is_a_table(tmp_path: Path) -> None:
    assert len(of(tmp_path, table(["position"], ["36.2021 37.1343"])).values) == 1


def test_what_stands_beside_the_columns_refuses_its_row(tmp_path: Path) -> None:
    reading = of(tmp_path, table(HEAD, [*CLINIC, None, "moved!"], ["c-2", *CLINIC[1:]]))
    assert [one.source_id for one in reading.values] == ["c-2"]
    assert told(reading) == ["row 2 (Clinic): expected 4 columns, got cell F2 beside them"]


def test_empty_rows_and_columns_are_nothing(tmp_path: Path) -> None:
    rows = GOOD.replace("</row>", '<c r="J1"/></row>', 1)
    for row in range(3, 500):
        nothing = cell(f"B{row}", "", "str", '<f>""</f>') + cell(f"C{row}", "  ", "inlineStr")
        rows += f'<row r="{row}"><c r="A{row}" s="0"/>{nothing}</row>'
    rows += '<row r="1048576"><c r="XFD1048576"/></row>'
    reading = of(tmp_path, packed(parts(rows)))
    assert reading.rows_total == 1
    assert shown(reading) == [("c-1", "Clinic", HERE)]


def test_merged_cells_say_nothing_certain(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 5, "Hospitals")
        sheet.write_row(1, 0, [*HEAD, "standoff_m", "district"])
        for row in range(2, 7):
            sheet.write_row(row, 0, [f"c-{row}", *CLINIC[1:]])
        sheet.merge_range(2, 4, 3, 4, 500)
        sheet.merge_range(4, 5, 5, 5, "North")
        sheet.merge_range(7, 0, 7, 5, "Region South")

    reading = of(tmp_path, written(fill))
    assert [one.source_id for one in reading.values] == ["c-4", "c-5", "c-6"]
    assert told(reading) == [
        "row 3 (Clinic): standoff_m: expected a value, got merged cells E3:E4",
        "row 4 (Clinic): standoff_m: expected a value, got merged cells E3:E4",
        "row 8: lat: expected a value, got merged cells A8:F8",
    ]


def test_a_header_of_merged_cells_is_refused(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "name"])
        sheet.merge_range(0, 2, 0, 3, "coordinates")
        sheet.write_row(1, 0, CLINIC)

    assert "a header of one row, got merged cells C1:D1" in refused(tmp_path, written(fill))


def test_what_is_hidden_counts_and_is_told(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [*HEAD, "standoff_m"])
        sheet.write_row(1, 0, [*CLINIC, 500])
        sheet.write_row(2, 0, ["c-2", *CLINIC[1:], 700])
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column(4, 4, None, None, {"hidden": True})

    reading = of(tmp_path, written(fill))
    assert [one.standoff_mm for one in reading.values] == [500_000, 700_000]  # type: ignore[union-attr] # notices
    assert [(one.code, f"{one}") for one in reading.doubts] == [
        (Doubted.HIDDEN, "row 1: columns standoff_m: got hidden in the sheet; they count"),
        (Doubted.HIDDEN, "row 3 (Clinic): row: got hidden; it counts"),
    ]


# Sheets --------------------------------------------------------------------------------------


def sheets(**hidden: str) -> bytes:
    """Sheets with a clinic each, and one without anything."""

    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("Empty")
        for name, how in hidden.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, HEAD)
            sheet.write_row(1, 0, [name, *CLINIC[1:]])
            if how:
                getattr(sheet, how)()
        chart = book.add_chart({"type": "line"})
        assert chart is not None
        chart.add_series({"values": "=Empty!$A$1:$A$2"})
        book.add_chartsheet("Chart").set_chart(chart)

    return written(fill)


def test_of_several_sheets_with_rows_none_is_chosen(tmp_path: Path) -> None:
    assert [one.source_id for one in of(tmp_path, sheets(A="")).values] == ["A"]
    for more in ("", "hide", "very_hidden"):
        data = sheets(A="", B=more)
        mark = " (hidden)" if more else ""
        assert f"list.xlsx#A names one, got rows in A, B{mark}" in refused(tmp_path, data)
        for name in "AB":
            assert [one.source_id for one in of(tmp_path, data, f"list.xlsx#{name}").values] == [
                name
            ]
    assert "not hidden" in refused(tmp_path, sheets(A="hide"))
    assert "a sheet Z, got Empty, A, Chart" in refused(tmp_path, sheets(A=""), "list.xlsx#Z")
    assert "none in any sheet" in refused(tmp_path, sheets(A=""), "list.xlsx#Empty")


def test_a_sheet_is_named_of_workbooks_alone(tmp_path: Path) -> None:
    assert "a workbook, of which to read A" in refused(tmp_path, b"lat,lon\n1,2\n", "a.csv#A")
    assert "nothing there" in refused_path(tmp_path / "no.xlsx#A")
    odd = tmp_path / "a#1.csv"
    odd.write_text("lat,lon\n36.2021,37.1343\n")
    assert len(read(odd, ReadOptions(kind="notices")).values) == 1


def refused_path(path: Path) -> str:
    with pytest.raises(MalformedInput) as error:
        read(path, ReadOptions(kind="notices"))
    return str(error.value)


# Files ---------------------------------------------------------------------------------------


def test_what_a_file_is_its_bytes_say(tmp_path: Path) -> None:
    assert len(of(tmp_path, table(HEAD, CLINIC), "list.csv").values) == 1
    assert len(of(tmp_path, table(HEAD, CLINIC), "list.xlsm").values) == 1
    assert len(of(tmp_path, b"lat,lon\n36.2021,37.1343\n", "list.xlsx").values) == 1


@pytest.mark.parametrize(
    ("name", "data", "got"),
    [
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an older Excel workbook"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + bytes(60) + "EncryptedPackage".encode("utf-16-le"),
         "a workbook under a password"),
        ("a.xlsb", packed({"xl/workbook.bin": b"", "xl/theme/theme1.xml": b""}), "(.xlsb)"),
        ("a.ods", packed({"mimetype": b"x", "content.xml": b"<x/>"}), "OpenDocument"),
        ("a.docx", packed({"word/document.xml": b"<x/>"}), "Word"),
    ],
    ids=["xls", "password", "xlsb", "ods", "docx"],
)  # fmt: skip
def test_what_is_not_read_is_named(tmp_path: Path, name: str, data: bytes, got: str) -> None:
    said = refused(tmp_path, data, name)
    assert "expected an Excel workbook (.xlsx), or CSV in UTF-8" in said
    assert got in said


def test_a_workbook_of_the_strict_form_and_without_references(tmp_path: Path) -> None:
    strict = "http://purl.oclc.org/ooxml/spreadsheetml/main"
    bare = ""
    for row in (HEAD, CLINIC):
        cells = "".join(f'<c t="inlineStr"><is><t>{one}</t></is></c>' for one in row)
        bare += f"<row>{cells}</row>"
    assert shown(of(tmp_path, packed(parts(bare, main=strict)))) == [("c-1", "Clinic", HERE)]


def test_dates_of_the_strict_form(tmp_path: Path) -> None:
    rows = texts(1, "lat", "lon", "end") + (
        f'<row r="2">{cell("A2", "36.2021")}{cell("B2", "37.1343")}'
        f"{cell('C2', '2026-01-07T18:30:00', 'd')}</row>"
    )
    assert "(naive)" in told(of(tmp_path, packed(parts(rows))))[0]


GOOD = texts(1, *HEAD) + texts(2, "c-1", "Clinic", "36.2021", "37.1343")
SHEET = "xl/worksheets/sheet1.xml"
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize(
    ("made", "got"),
    [
        ({"_rels/.rels": ""}, "list.xlsx: expected a whole Excel workbook"),
        ({"_rels/.rels": "<x/>"}, "nothing that says where its sheets are"),
        ({"xl/workbook.xml": "<x"}, "list.xlsx: expected a whole Excel workbook"),
        ({SHEET: parts(GOOD)[SHEET][:-40]}, "sheet One: expected a whole"),
        ({SHEET: BOMB + parts(GOOD)[SHEET].replace("Clinic", "&c;")}, "a document type, x"),
        ({SHEET: parts('<row r="2"/><row r="1"/>')[SHEET]}, "row 1 after row 2"),
        ({SHEET: parts('<row r="1048577"/>')[SHEET]}, "row 1048577 after"),
        ({SHEET: parts('<row r="x"/>')[SHEET]}, "whole Excel workbook"),
        ({SHEET: parts(f"<row>{cell('B1', '1')}{cell('A1', '1')}</row>")[SHEET]}, "out of order"),
        ({SHEET: parts(f"<row>{cell('B7', '1')}</row>")[SHEET]}, "cell B7 in row 1"),
        ({SHEET: parts(f"<row>{cell('XFE1', '1')}</row>")[SHEET]}, "cell XFE1 out of order"),
        ({SHEET: parts(f"<row>{cell('1', '1')}</row>")[SHEET]}, "a cell in column ''"),
        ({SHEET: parts(f"<row>{cell('A1', '0', 's')}</row>")[SHEET]}, "no text 0"),
        ({SHEET: parts(f"<row>{cell('A1', '0', 'z')}</row>")[SHEET]}, "a cell of type z"),
        ({SHEET: parts(GOOD, after='<mergeCell ref="A"/>')[SHEET]}, "merged cells 'A'"),
        ({SHEET: parts('<row><c r="A1" s="7"><v>1</v></c></row>')[SHEET]}, "no style 7"),
        ({"XL/WORKBOOK.XML": "<x/>"}, "two parts named xl/workbook.xml"),
    ],
)  # fmt: skip
def test_what_is_no_workbook_is_refused_whole(
    tmp_path: Path, made: dict[str, str], got: str
) -> None:
    assert got in refused(tmp_path, packed({**parts(GOOD), **made}))


def test_a_sheet_that_lies_elsewhere_is_never_fetched(tmp_path: Path) -> None:
    made = parts(GOOD)
    rels = "xl/_rels/workbook.xml.rels"
    for target in ('"http://127.0.0.1:9/x.xml" TargetMode="External"', '"../../../etc/passwd"'):
        elsewhere = made[rels].replace('"worksheets/sheet1.xml"', target)
        assert "whole Excel workbook, got no" in refused(
            tmp_path, packed({**made, rels: elsewhere})
        )


def test_a_part_of_a_workbook_is_refused(tmp_path: Path) -> None:
    data = table(HEAD, *[CLINIC] * 100)
    for length in range(16, len(data) - 1, 251):
        assert "list.xlsx" in refused(tmp_path, data[:length])


@pytest.mark.parametrize("kind", ["notices", "zones", "presence", "plans"])
def test_a_workbook_says_what_a_csv_of_it_says(tmp_path: Path, kind: Kind) -> None:
    rows = [
        [*HEAD, "standoff_m", "country", "end"],
        ["a", "Ä", "36.2021", "37.1343", "500", "SYR", "2027-01-07T18:30:00Z"],
        ["b", "Б", "36,2", "37,1", "", "FRA", ""],
        ["a", "ج", "91", "37.1343", "x", "", "2027-01-07"],
        ["", "-", "36.2021", "", "", "", ""],
    ]
    csv = tmp_path / "list.csv"
    csv.write_text("\n".join(";".join(row) for row in rows))
    one = read(csv, ReadOptions(kind=kind))
    two = of(tmp_path, table(*rows))
    two = read(tmp_path / "list.xlsx", ReadOptions(kind=kind))
    assert [(v.name, v.volumes) for v in one.values] == [(v.name, v.volumes) for v in two.values]
    for first, second in ((one.refusals, two.refusals), (one.doubts, two.doubts)):
        # Excel counts the header.
        assert [(r.row + 1, r.what, r.got) for r in first] == [
            (r.row, r.what, r.got) for r in second
        ]


def test_more_rows_than_are_taken_are_not_understood_one_by_one(tmp_path: Path) -> None:
    data = table(HEAD, *[CLINIC] * 3)
    assert len(of(tmp_path, data, rows_max=3).values) == 3
    assert "list.xlsx#Sheet1: expected at most 2 rows, got more" in refused(
        tmp_path, data, rows_max=2
    )
