"""What offices send: each file is read exactly, or refused by one error that says what came."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from detente.core.volume import Circle
from detente.doors.files import Reading, ReadOptions, read
from detente.errors import MalformedInput

LON, LAT = 37.1343, 36.2021
HERE = (371_343_000, 362_021_000)
NAME = "Больница №1 «Şişli» مستشفى"
TABLE = f"name;lat;lon\r\n{NAME};36,2021;37,1343\r\n"


def of(folder: Path, name: str, data: str | bytes) -> Reading:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read(path, ReadOptions(kind="notices"))


def shown(reading: Reading) -> list[tuple[str | None, object]]:
    """Each value's name and first shape."""
    values = [value for value in reading.values if value.volumes]
    return [(value.name, value.volumes[0].footprint[0]) for value in values]


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode("utf-8-sig"),
        f"sep=;\r\n{TABLE}".encode("utf-8-sig"),
        f"name\tlat\tlon\r\n{NAME}\t36,2021\t37,1343\r\n".encode("utf-16"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
    ],
    ids=["CSV UTF-8", "a first line for Excel", "Unicode text", "UTF-16, big-endian"],
)
def test_tables_of_spreadsheets(tmp_path: Path, data: bytes) -> None:
    assert shown(of(tmp_path, "table.csv", data)) == [(NAME, Circle(centre=HERE))]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1251", "Больница"), ("cp1256", "مستشفى"), ("cp1254", "Şişli"), ("cp1252", "Hôpital")],
)
def test_an_encoding_that_a_table_does_not_name_is_refused(
    tmp_path: Path, encoding: str, name: str
) -> None:
    table = f"name;lat;lon\r\nA;36,2;37,1\r\n{name};36,2;37,1\r\n".encode(encoding)
    with pytest.raises(MalformedInput, match=r"line 3: expected UTF-8 .* got another encoding"):
        of(tmp_path, "table.csv", table)


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        (
            "a.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "CSV in UTF-8.* an older Excel",
        ),
        ("a.pdf", b"%PDF-1.7\n", "got a PDF"),
        ("a.gpx", '<?xml version="1.0"?><gpx version="1.1"/>', "KML, got other .* <gpx>"),
        ("a.csv", b"\xff\xfea", "expected UTF-16"),
    ],
)
def test_what_is_not_read_is_named(
    tmp_path: Path, name: str, data: str | bytes, match: str
) -> None:
    with pytest.raises(MalformedInput, match=match):
        of(tmp_path, name, data)


@pytest.mark.parametrize("text", ["36.12.07 N", "36.5°12'", "36°12.5'30\"", "36.2021 37.1343"])
def test_an_angle_is_not_cut_between_its_digits(tmp_path: Path, text: str) -> None:
    quoted = text.replace('"', '""')
    reading = of(tmp_path, "a.csv", f'lat,lon\n"{quoted}",37.1343\n')
    assert not reading.values
    assert text in reading.refusals[0].got


@pytest.mark.parametrize("position", [["37.1", "36.2"], [True, 36.2], [37.1, 36.2, "x"]])
def test_coordinates_in_json_are_numbers(tmp_path: Path, position: list[object]) -> None:
    line = {"type": "LineString", "coordinates": [position, [37.2, 36.3]]}
    point = {"type": "Point", "coordinates": position}
    features = [{"type": "Feature", "properties": {}, "geometry": one} for one in (line, point)]
    collection = {"type": "FeatureCollection", "features": features}
    reading = of(tmp_path, "a.geojson", json.dumps(collection))
    assert [one.expected for one in reading.refusals] == ["numbers", "numbers"]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::43260"}}
    elsewhere = json.dumps({**collection, "crs": crs})
    with pytest.raises(MalformedInput, match="WGS 84"):
        of(tmp_path, "a.geojson", elsewhere)


# KML ---------------------------------------------------------------------------------------

POINT = f"<Point><coordinates>{LON}, {LAT}, 0</coordinates></Point>"


def kml(*geometries: str) -> str:
    marks = (f"<Placemark><name>n</name>{one}</Placemark>" for one in geometries)
    return (
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{"".join(marks)}</Document></kml>'
    )


def kmz(**texts: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in texts.items():
            archive.writestr(f"{name}.KML", text)
        archive.writestr("__MACOSX/doc.kml", b"\x00")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("geometry", "got"),
    [
        ("<Point><coordinates>37.1343,abc</coordinates></Point>", "37.1343,abc"),
        ("<Point><coordinates>37,1343;36,2021</coordinates></Point>", "37,1343;36,2021"),
        ("<Point><coordinates>36.2021N,37.1343E</coordinates></Point>", "36.2021N,37.1343E"),
        ("<Point><coordinates>37 08 03,36 12 07</coordinates></Point>", "37"),
        ("<gx:Track><gx:coord>37.1 x 0</gx:coord></gx:Track>", "37.1,x,0"),
    ],
)
def test_kml_coordinates_that_gdal_would_take_for_others(
    tmp_path: Path, geometry: str, got: str
) -> None:
    with pytest.raises(MalformedInput, match=f"coordinates of 'n': .* got {got}"):
        of(tmp_path, "a.kml", kml(POINT, geometry))


def test_kml_that_cannot_be_drawn_refuses_its_row_alone(tmp_path: Path) -> None:
    line = "<LineString><coordinates>37.1,36.1</coordinates></LineString>"
    reading = of(tmp_path, "a.kml", kml(POINT, line, "<Point><coordinates/></Point>", POINT))
    assert shown(reading) == [("n", Circle(centre=HERE))] * 2
    assert [one.row for one in reading.refusals] == [2, 3]
    assert "enough positions" in reading.refusals[0].what


@pytest.mark.parametrize(
    "link",
    [
        "<NetworkLink><Link><href>files/more.kml</href></Link></NetworkLink>",
        "<NetworkLink><Link><href>&#104;ttp://127.0.0.1:9/more.kml</href></Link></NetworkLink>",
        "<k:NetworkLink/>",
    ],
)
def test_kml_with_places_elsewhere(tmp_path: Path, link: str) -> None:
    text = kml(POINT).replace("</Document>", f"{link}</Document>")
    for name, data in (("a.kml", text.encode()), ("a.kmz", kmz(doc=text))):
        with pytest.raises(MalformedInput, match="all places in the file, got a network link"):
            of(tmp_path, name, data)


def test_no_place_of_a_kmz_is_left_out(tmp_path: Path) -> None:
    assert shown(of(tmp_path, "a.kmz", kmz(doc=kml(POINT)))) == [("n", Circle(centre=HERE))]
    link = "<NetworkLink><Link><href>more.KML</href></Link></NetworkLink>"
    linking = kml().replace("</Document>", f"{link}</Document>")
    for first in (kml(POINT), linking):
        reading = of(tmp_path, "a.kmz", kmz(doc=first, more=kml(POINT)))
        assert len(reading.values) == 1 + (first != linking)
    two = kml(POINT).replace("</kml>", f"{kml(POINT)[kml(POINT).index('<Document') :]}")
    with pytest.raises(MalformedInput, match="expected 2 placemarks in one document, got 1"):
        of(tmp_path, "a.kml", two)


# Shapefiles --------------------------------------------------------------------------------


def shapefile(folder: Path, encoding: str = "UTF-8", **fields: object) -> Path:
    folder.mkdir()
    pyogrio.raw.write(
        folder / "a.shp",
        shapely.to_wkb(np.array([shapely.Point(LON, LAT)])),
        [np.array([value], dtype=object) for value in fields.values()],
        list(fields),
        geometry_type="Point", crs="EPSG:4326", driver="ESRI Shapefile", encoding=encoding,
    )  # fmt: skip
    return folder / "a.shp"


def packed(path: Path, *folders: str) -> Path:
    archive = path.parent.parent / "all.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for folder in folders:
            for part in path.parent.iterdir():
                written.write(part, f"{folder}{part.name}")
    return archive


def test_texts_of_a_shapefile_are_in_an_encoding_that_it_names(tmp_path: Path) -> None:
    path = shapefile(tmp_path / "one", "CP1251", name="Больница")
    table = path.with_suffix(".dbf")
    for where in (path, packed(path, "")):
        assert shown(read(where, ReadOptions(kind="notices")))[0][0] == "Больница"
    path.with_suffix(".cpg").unlink()
    for page in (0, 0x57):
        data = bytearray(table.read_bytes())
        data[29] = page
        table.write_bytes(data)
        for where in (path, packed(path, "")):
            with pytest.raises(MalformedInput, match=r"a\.cpg beside it, which names the encoding"):
                read(where, ReadOptions(kind="notices"))
    data[29] = 0xC9
    table.write_bytes(data)
    assert shown(read(path, ReadOptions(kind="notices")))[0][0] == "Больница"


def test_all_shapefiles_of_an_archive_are_read(tmp_path: Path) -> None:
    path = shapefile(tmp_path / "one", name="A")
    options = ReadOptions(kind="notices")
    assert len(read(packed(path, "дом/", "b/"), options).values) == 2
    for part in (path.with_name("b.shp"), path.with_name("b.shx")):
        part.write_bytes(path.with_suffix(part.suffix).read_bytes())
    with pytest.raises(MalformedInput, match=r"b\.dbf beside it"):
        read(packed(path, ""), options)


def test_names_that_a_shapefile_cuts_are_known(tmp_path: Path) -> None:
    path = shapefile(tmp_path / "one", altitude_r="AGL", lower_m=0.0, upper_m=100.0)
    [value] = read(path, ReadOptions(kind="notices")).values
    upper = value.volumes[0].upper_mm
    assert upper is not None
    assert upper > 9_000_000, "above the highest ground"
