"""A table as spreadsheets open it: its letters, and nothing that is run."""

import csv
import io
from pathlib import Path

import pyogrio
import pytest

from detente.doors.exports import FORMS
from exported import exported, read_again
from nodes import around, flight, hospital

NAMES = ("Больница «Ґ»", "مستشفى النور", 'Şişli, "A"; İğdir', "Two\nlines")


def table(*names: str) -> bytes:
    return FORMS["csv"].write(exported([hospital(one, 37.1, 36.2) for one in names]))


def test_letters_are_marked_and_read_by_others_as_by_us(tmp_path: Path) -> None:
    data = table(*NAMES)
    assert data.startswith(b"\xef\xbb\xbf"), "without it Excel reads its own code page"
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    assert {len(one) for one in rows} == {len(rows[0])}
    (tmp_path / "a.csv").write_bytes(data)
    by_gdal = pyogrio.raw.read(tmp_path / "a.csv", columns=["id", "name"])
    assert list(by_gdal[0]["fields"]) == ["id", "name"]
    assert by_gdal[3][1].tolist() == list(NAMES)
    again = read_again("csv", exported([hospital(one, 37.1, 36.2) for one in NAMES]), "notices")
    assert [one.name for one in again.values] == [" ".join(one.split()) for one in NAMES]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        (" =1", "' =1"),
        ("\t@A", "'\t'@A"),
        ("\uff1d1", "'\uff1d1"),
        ("Ward;=1+1", "Ward;'=1+1"),
        ("Ward\n-1", "Ward\n'-1"),
        ("Ward A-1 = B+2", "Ward A-1 = B+2"),
    ],
)
def test_no_cell_is_run_wherever_a_spreadsheet_ends_it(name: str, cell: str) -> None:
    [row] = csv.DictReader(io.StringIO(table(name).decode("utf-8-sig"), newline=""))
    assert row["name"] == cell
    assert row["geometry"] == "POINT (37.1 36.2)"


def test_each_volume_has_an_id_of_its_own() -> None:
    plan = flight("F", 37.1, 36.2, volumes=around(37.1, 36.2) + around(37.2, 36.2))
    rows = list(csv.DictReader(io.StringIO(FORMS["csv"].write(exported([plan])).decode())))
    ids = [next(iter(one.values())) for one in rows]
    assert [one[-2:] for one in ids] == ["/1", "/2"]
    [again] = read_again("csv", exported([plan]), "plans").values
    assert len(again.volumes) == 2
