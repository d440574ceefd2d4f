"""Files in, by every format: what is understood, what is refused by name, what is doubted."""

import contextlib
import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.core import wire
from detente.core.notice import Notice, NoticeKind
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.volume import Circle, Corridor, Polygon
from detente.core.zone import Zone, ZoneRule
from detente.doors.files import Kind, Reading, ReadOptions, read, source
from detente.doors.files.columns import SPELLINGS
from detente.errors import MalformedInput

VECTORS = Path(__file__).parents[1] / "vectors"
ReadText = Callable[..., Reading]


@pytest.fixture
def read_text(tmp_path: Path) -> ReadText:
    """Reads a text as a file of a given name."""

    def reader(text: str | bytes, name: str = "file.csv", **options: Any) -> Reading:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        options.setdefault("kind", "notices")
        return read(path, ReadOptions(**options))

    return reader


def feature(geometry: object, **properties: object) -> str:
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": properties})


POINT = {"type": "Point", "coordinates": [10.1234, 50.5678]}
HERE = (101_234_000, 505_678_000)


def first_notice(reading: Reading) -> Notice:
    value = reading.values[0]
    assert isinstance(value, Notice)
    return value


# CSV ---------------------------------------------------------------------------------------


def test_a_table_with_all_its_columns(read_text: ReadText) -> None:
    reading = read_text(
        "id,name,category,lat,lon,radius_m,standoff_m,lower_m,upper_m,start,end,review_due\n"
        "7,Hôpital,Medical Site,50.5678,10.1234,25,500,0,120.5,2025-01-01T00:00:00Z,,"
        "2025-06-01T00:00:00+02:00\n"
    )
    notice = first_notice(reading)
    assert (notice.source_id, notice.name, notice.category) == ("7", "Hôpital", "medical_site")
    assert notice.standoff_mm == 500_000
    assert notice.review_due == datetime(2025, 5, 31, 22, tzinfo=UTC)
    [volume] = notice.volumes
    assert volume.footprint == (Circle(centre=HERE, radius_mm=25_000),)
    assert (volume.lower_mm, volume.upper_mm) == (0, 120_500)
    assert (volume.start, volume.end) == (datetime(2025, 1, 1, tzinfo=UTC), None)
    assert not reading.refusals
    assert not reading.doubts


def test_absent_altitudes_are_all_and_absent_times_always(read_text: ReadText) -> None:
    [volume] = first_notice(read_text("lat,lon\n50.5678,10.1234\n")).volumes
    assert (volume.lower_mm, volume.upper_mm, volume.start, volume.end) == (None,) * 4


def test_a_row_without_an_id_is_named_by_its_number(read_text: ReadText) -> None:
    text = "name,lat,lon\nA,50.5678,10.1234\nB,50.5679,10.1234\n"
    assert [value.source_id for value in read_text(text).values] == ["1", "2"]
    # In a register, where other files have rows 1 and 2 as well, with its file's name.
    ids = [value.source_id for value in read_text(text, party="who").values]
    assert ids == ["file.csv#1", "file.csv#2"]


@pytest.mark.parametrize(
    "header",
    ["LATITUDE,LONGITUDE", "Lat.,Long.", "y;x", "gps_lat\tgps_lon", "lat_dd|lon_dd"],
)
def test_columns_are_recognised_by_name(read_text: ReadText, header: str) -> None:
    delimiter = next(one for one in ",;\t|" if one in header)
    notice = first_notice(read_text(f"{header}\n50.5678{delimiter}10.1234\n"))
    assert notice.volumes[0].footprint == (Circle(centre=HERE),)


def test_columns_can_be_given(read_text: ReadText) -> None:
    text = "Nord,Ost,Ort\n50.5678,10.1234,Spital\n"
    columns = {"lat": "Nord", "lon": "Ost", "name": "Ort"}
    assert first_notice(read_text(text, columns=columns)).name == "Spital"
    with pytest.raises(MalformedInput, match=r"expected columns lat and lon .* got Nord, Ost, Ort"):
        read_text(text)
    with pytest.raises(MalformedInput, match="one of Nord, Ost, Ort, got Sud"):
        read_text(text, columns={"lat": "Sud"})
    with pytest.raises(MalformedInput, match="column: expected one of id, name"):
        read_text(text, columns={"latitude": "Nord"})


@pytest.mark.parametrize(
    "row",
    [
        "mgrs\n32UNB7955702366\n",
        'position\n"50°34\'4.08""N 10°7\'24.24""E"\n',
        'coordinates\n"50.5678, 10.1234"\n',
        "wkt\nPOINT (10.1234 50.5678)\n",
        'lat,lon\n"50°34\'4.08""N","10°7\'24.24""E"\n',
        "lat;lon\n50,5678;10,1234\n",
    ],
)
def test_positions_in_other_spellings(read_text: ReadText, row: str) -> None:
    reading = read_text(row)
    assert not reading.refusals, reading.refusals
    shape = first_notice(reading).volumes[0].footprint[0]
    assert isinstance(shape, Circle)
    assert abs(shape.centre[0] - HERE[0]) <= 150
    assert abs(shape.centre[1] - HERE[1]) <= 150


def test_what_was_typed_is_kept_where_it_was_not_a_number(read_text: ReadText) -> None:
    kept = first_notice(read_text("mgrs\n32UNB7955702366\n")).provenance
    assert kept is not None
    assert (kept.source, kept.typed) == ("file.csv", "32UNB7955702366")
    plain = first_notice(read_text("lat,lon\n50.5678,10.1234\n")).provenance
    assert plain is not None
    assert plain.typed is None


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ("a,,", "position: expected coordinates or a geometry, got none"),
        ("a,50.5,", "position: expected latitude and longitude, got no longitude"),
        ("a,118.2,34.1", r"got latitude 118.2, longitude 34.1 \(swapped\?\)"),
        ("a,999,10", "latitude from -90 to 90 and longitude from -180 to 180, got latitude 999"),
        ("a,NaN,10.5", "position: expected latitude and longitude, got no latitude"),
        ("a,inf,10.5", "latitude: expected degrees"),
        ("a,0,0", "where software puts what it does not know"),
        ("a,north,10.5", "latitude: expected degrees such as 36.7180"),
        ("a,50.5,10.5,1", "expected 3 columns, got 4"),
        ("a,50.5", "expected 3 columns, got 2"),
        ('a,"10°E","50°N"', r"latitude \(N, S\) and longitude"),
        ("x" * 201 + ",50.5678,10.1234", "id: expected at most 200 characters"),
    ],
)
def test_a_bad_row_is_refused_by_name_and_the_rest_goes_in(
    read_text: ReadText, row: str, match: str
) -> None:
    text = f"id,lat,lon\nfirst,50.5678,10.1234\n{row}\nlast,50.5679,10.1234\n"
    reading = read_text(text)
    assert [value.source_id for value in reading.values] == ["first", "last"]
    assert reading.rows_total == 3
    [refusal] = reading.refusals
    assert refusal.row == 2
    with pytest.raises(MalformedInput, match=match):
        read_text(text, strict=True)


@pytest.mark.parametrize(
    ("columns", "cells", "match"),
    [
        ("radius_m", "-1", "radius_m: expected metres from 0"),
        ("standoff_m", "2000000", "standoff_m: expected metres from 0 to 1000000"),
        ("standoff_m", "far", "standoff_m: expected a number, got far"),
        ("lower_m,upper_m", "10,5", "lower at most upper"),
        ("lower_m", "1e400", "lower_m: expected a finite number"),
        ("start", "2025-01-01T00:00:00", "naive"),
        ("start", "yesterday", "start: expected such as 2025-01-07T18:30:00Z, got yesterday"),
        ("start,end", "2025-01-02T00:00:00Z,2025-01-01T00:00:00Z", "end at or after start"),
        ("altitude_reference,lower_m", "QFE,5", "WGS84, MSL, AGL or FL"),
        ("desk", "Night Desk", "desk: expected lower-case letters"),
        ("movement", "m1", "leg of a movement: expected a start and an end"),
        ("wkt", "POINT EMPTY", "WKT with coordinates"),
        ("wkt", "POINT (a b)", "geometry: expected WKT"),
    ],
)
def test_bad_cells(read_text: ReadText, columns: str, cells: str, match: str) -> None:
    reading = read_text(f"lat,lon,{columns}\n50.5678,10.1234,{cells}\n")
    assert not reading.values
    assert match in str(reading.refusals[0])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "an empty file"),
        ("lat,lon\n", "at least one row, got none under 'lat,lon'"),
        ("\n1,2\n", "a header line"),
        ("lat,lat,lon\n1,2,3\n", "twice lat"),
        ('lat,lon\n"1,2\n', "expected CSV"),
        (b"\x00\x01\x02\x03" * 10, "unknown binary data"),
        (b"lat,lon\n\x81\x8d,\xfe", "expected UTF-8"),
    ],
)
def test_files_that_are_no_table(read_text: ReadText, text: str | bytes, match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        read_text(text)


def test_other_encodings_and_packing(read_text: ReadText) -> None:
    text = "name,lat,lon\nHôpital,50.5678,10.1234\n"
    for data in (text.encode("utf-8-sig"), gzip.compress(text.encode())):
        assert first_notice(read_text(data)).name == "Hôpital"
    with pytest.raises(MalformedInput, match="a readable file"):
        read_text(gzip.compress(text.encode())[:20])


# Doubts ------------------------------------------------------------------------------------


def test_few_decimals_are_doubted_and_kept(read_text: ReadText) -> None:
    reading = read_text("id,lat,lon\na,50.5,10.1\nb,50.5678,10.1\nc,50.567,10.123\n")
    assert len(reading.values) == 3
    assert [str(doubt) for doubt in reading.doubts] == [
        "row 1 (a): position: expected at least three decimals, got steps of 0.1 degree"
    ]


def test_a_place_outside_its_declared_country_is_doubted_with_the_slip_that_explains_it(
    read_text: ReadText,
) -> None:
    reading = read_text(
        "id,lat,lon,iso3\n"
        "nairobi,-1.2921,36.8219,KEN\n"
        "sign,1.2921,-36.8219,KEN\n"
        "lat,-9.0765,7.3986,NGA\n"
        "both,34.6037,58.3816,ARG\n"
        "swapped,36.8219,-1.2921,KEN\n"
        "nowhere,51.5012,-0.1234,Kenya\n"
        "unknown,51.5012,-0.1234,XYZ\n"
    )
    assert len(reading.values) == 7
    got = {doubt.name: doubt.got for doubt in reading.doubts}
    assert set(got) == {"sign", "lat", "both", "swapped", "nowhere"}
    assert got["lat"].endswith("(sign of the latitude?)")
    assert got["sign"].endswith("(sign of the longitude?)")
    assert got["both"].endswith("(both signs?)")
    assert got["swapped"].endswith("(latitude and longitude swapped?)")
    assert got["nowhere"] == "latitude 51.5012, longitude -0.1234"


def test_the_country_can_be_declared_for_the_whole_file(read_text: ReadText) -> None:
    reading = read_text("id,lat,lon\na,33.5138,36.2765\nb,36.2765,33.5138\n", country="sy")
    assert [doubt.name for doubt in reading.doubts] == ["b"]


def test_an_id_that_stands_twice_loses_nothing(read_text: ReadText) -> None:
    reading = read_text("id,lat,lon\na,50.5678,10.1234\na,50.6678,10.1234\na,50.7678,10.1234\n")
    assert [value.source_id for value in reading.values] == ["a", "a (2)", "a (3)"]
    assert "another than row 1 has" in str(reading.doubts[0])


def test_a_name_that_is_too_long_is_cut_and_said(read_text: ReadText) -> None:
    reading = read_text(f"name,lat,lon\n{'x' * 300},50.5678,10.1234\n")
    assert len(first_notice(reading).name) == 200
    assert "at most 200 characters" in str(reading.doubts[0])


# GeoJSON -----------------------------------------------------------------------------------

LINE = [[10.0, 50.0], [10.01, 50.0]]
SQUARE = [[[10.0, 50.0], [10.01, 50.0], [10.01, 50.01], [10.0, 50.01], [10.0, 50.0]]]


@pytest.mark.parametrize(
    ("geometry", "properties", "kinds"),
    [
        (POINT, {}, [Circle]),
        (POINT, {"radius_m": 5}, [Circle]),
        ({"type": "MultiPoint", "coordinates": [[10.1, 50.2], [10.3, 50.4]]}, {}, [Circle] * 2),
        ({"type": "LineString", "coordinates": LINE}, {"width_m": 9}, [Corridor]),
        ({"type": "MultiLineString", "coordinates": [LINE]}, {}, [Corridor]),
        ({"type": "Polygon", "coordinates": SQUARE}, {"buffer_m": 3}, [Polygon]),
        ({"type": "MultiPolygon", "coordinates": [SQUARE, SQUARE]}, {}, [Polygon] * 2),
        (
            {
                "type": "GeometryCollection",
                "geometries": [POINT, {"type": "Polygon", "coordinates": SQUARE}],
            },
            {},
            [Circle, Polygon],
        ),
    ],
)  # fmt: skip
def test_every_geometry(
    read_text: ReadText, geometry: object, properties: dict[str, object], kinds: list[type]
) -> None:
    reading = read_text(feature(geometry, **properties), "a.geojson")
    footprint = first_notice(reading).volumes[0].footprint
    assert [type(shape) for shape in footprint] == kinds
    for shape in footprint:
        sizes = [float(number) for number in properties.values() if isinstance(number, int)]
        expected = sum(sizes) / (2 if isinstance(shape, Corridor) else 1)
        assert shape.radius_m == expected


def nested(depth: int) -> object:
    geometry: object = POINT
    for _ in range(depth):
        geometry = {"type": "GeometryCollection", "geometries": [geometry]}
    return geometry


@pytest.mark.parametrize(
    ("geometry", "match"),
    [
        (None, "coordinates or a geometry, got none"),
        ({}, "coordinates, got nothing"),
        ({"type": "Point", "coordinates": []}, "coordinates, got nothing"),
        ({"type": "Point", "coordinates": [1]}, "[longitude, latitude]"),
        ({"type": "Point", "coordinates": ["1", "2"]}, "numbers"),
        ({"type": "Point", "coordinates": [None, 2]}, "positions"),
        ({"type": "Point", "coordinates": [10, 999]}, "latitude 999"),
        ({"type": "Point", "coordinates": "here"}, "coordinates, got here"),
        ({"type": "Polygon", "coordinates": [[]]}, "at least one position"),
        ({"type": "Polygon", "coordinates": [5]}, "positions"),
        ({"type": "Curve", "coordinates": [[1, 2]]}, "got Curve"),
        ({"type": "GeometryCollection", "geometries": []}, "geometries, got nothing"),
        ([1, 2], "got [1, 2]"),
        (nested(6), "at most 4 within another"),
    ],
)
def test_bad_geometries(read_text: ReadText, geometry: object, match: str) -> None:
    reading = read_text(feature(geometry), "a.geojson")
    assert not reading.values
    assert match in str(reading.refusals[0])


def test_a_shape_that_could_not_be_measured_is_refused_here_by_name(read_text: ReadText) -> None:
    ring = [[-170, -80], [0, -80], [170, -80], [170, 80], [-170, 80]]
    world = {"type": "Polygon", "coordinates": [ring]}
    reading = read_text(feature(world, name="The world"), "a.geojson")
    assert "within 75 degrees of its centre; split it" in str(reading.refusals[0])
    wide = {"type": "LineString", "coordinates": [[0, 0], [60, 0]]}
    assert read_text(feature(wide), "a.geojson").values


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "expected JSON"),
        ('{"type": "Feature", "geometry": {"type": "Point", "coordinates": [NaN, 1]}}', "JSON"),
        ("[1, 2]", "a GeoJSON object"),
        ('{"type": "FeatureCollection"}', '"features"'),
        ('{"type": "FeatureCollection", "features": []}', "at least one row"),
        ('{"hello": 1}', 'no "type"'),
        ('{"type": "Topology", "objects": {}}', "'Topology'"),
        ('{"type":"Feature","crs":{"properties":{"name":"EPSG:3857"}}}', "WGS 84"),
        ("[" * 100_000, "JSON"),
    ],
)  # fmt: skip
def test_json_that_is_no_geojson(read_text: ReadText, text: str, match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        read_text(text, "a.geojson")


def test_features_that_are_none_are_refused_one_by_one(read_text: ReadText) -> None:
    good = json.loads(feature(POINT, id="good"))
    collection = {
        "type": "FeatureCollection",
        "features": [1, {"type": "Feature", "properties": 3}, good],
    }
    reading = read_text(json.dumps(collection), "a.geojson")
    assert [value.source_id for value in reading.values] == ["good"]
    assert [refusal.row for refusal in reading.refusals] == [1, 2]


def test_ids_names_and_bare_geometries(read_text: ReadText) -> None:
    with_id = json.loads(feature(POINT)) | {"id": 17}
    assert read_text(json.dumps(with_id), "a.geojson").values[0].source_id == "17"
    assert read_text(json.dumps(POINT), "a.geojson").values[0].source_id == "1"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    old = {"type": "FeatureCollection", "crs": crs, "features": [with_id]}
    assert read_text(json.dumps(old), "a.geojson").values


def test_a_property_that_only_a_later_feature_has_is_not_lost(read_text: ReadText) -> None:
    features = [json.loads(feature(POINT)) for _ in range(300)]
    features.append(json.loads(feature(POINT, standoff_m=700)))
    reading = read_text(json.dumps({"type": "FeatureCollection", "features": features}), "a.json")
    last = reading.values[-1]
    assert isinstance(last, Notice)
    assert last.standoff_mm == 700_000


# Plans, movements, zones, presence ---------------------------------------------------------


def collection(*features: str) -> str:
    return json.dumps({"type": "FeatureCollection", "features": [json.loads(f) for f in features]})


def test_features_of_one_plan_are_its_volumes_in_the_order_of_the_file(read_text: ReadText) -> None:
    text = collection(
        feature(POINT, plan="b", hazard_m=5),
        feature(POINT, plan="a"),
        feature(POINT, plan="b", hazard_m=50, start="2025-01-01T00:00:00Z"),
        feature(POINT, id="alone"),
        feature(POINT),
    )
    reading = read_text(text, "p.geojson", kind="plans")
    plans = [value for value in reading.values if isinstance(value, Plan)]
    assert [plan.source_id for plan in plans] == ["b", "a", "alone", "5"]
    assert [len(plan.volumes) for plan in plans] == [2, 1, 1, 1]
    assert plans[0].hazard_mm == 50_000


ROWS: list[dict[str, object]] = [
    {"plan": "a"}, {"id": "a"}, {"plan": "2"}, {}, {"id": "2"}, {"plan": "a"}, {"id": "a"}, {},
]  # fmt: skip


@given(order=st.permutations(ROWS), kind=st.sampled_from(["plans", "notices"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_volume_is_lost_whatever_groups_and_ids_are_called(
    tmp_path: Path, order: list[dict[str, object]], kind: Kind
) -> None:
    """A plan called as another row's id, or as its number, must not take its place."""
    times = {"start": "2025-01-01T00:00:00Z", "end": "2025-01-01T01:00:00Z"}
    group = "plan" if kind == "plans" else "movement"
    rows = [
        {**times, **{group if name == "plan" else name: value for name, value in row.items()}}
        for row in order
    ]
    path = tmp_path / "rows.geojson"
    path.write_text(
        collection(*(feature({"type": "Point", "coordinates": [n + 1, 50]}, **row)
                     for n, row in enumerate(rows)))
    )  # fmt: skip
    reading = read(path, ReadOptions(kind=kind))
    assert not reading.refusals
    assert len({value.source_id for value in reading.values}) == len(reading.values)
    centres = [
        shape.centre[0]
        for value in reading.values
        for volume in value.volumes
        for shape in volume.footprint
        if isinstance(shape, Circle)
    ]
    assert sorted(centres) == [(n + 1) * 10_000_000 for n in range(len(order))]
    grouped = [v for v in reading.values if len(v.volumes) > 1]
    assert [len(value.volumes) for value in grouped] == [2]


def test_only_notices_are_grouped_into_movements(read_text: ReadText) -> None:
    text = collection(
        feature(POINT, movement="m", rule="boundary"),
        feature(POINT, movement="m", rule="no_activity"),
    )
    zones = [v for v in read_text(text, "z.json", kind="zones").values if isinstance(v, Zone)]
    assert [zone.rule for zone in zones] == [ZoneRule.BOUNDARY, ZoneRule.NO_ACTIVITY]


def test_a_field_that_features_spell_differently_is_found_in_each(read_text: ReadText) -> None:
    text = collection(
        feature(POINT, standoff_m=5), feature(POINT, standoff=6), feature(POINT, Standoff_M=7)
    )
    notices = [v for v in read_text(text, "n.json").values if isinstance(v, Notice)]
    assert [notice.standoff_mm for notice in notices] == [5_000, 6_000, 7_000]


@pytest.mark.parametrize("text", [
    '{"type":"Feature","properties":{"radius_m":1' + "0" * 400 + '},'
    '"geometry":{"type":"Point","coordinates":[1.5,2.5]}}',
    '{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[1'
    + "0" * 400 + ",2.5]}}",
    '{"type":"Feature","properties":{},"geometry":{"type":"LineString","coordinates":[[1'
    + "0" * 400 + ",2.5],[1,2]]}}",
])  # fmt: skip
def test_numbers_beyond_all_floats_are_refused(read_text: ReadText, text: str) -> None:
    reading = read_text(text, "a.json")
    assert (len(reading.values), len(reading.refusals)) == (0, 1)


def test_zeros_are_no_notice_and_may_be_a_plan(read_text: ReadText) -> None:
    text = feature({"type": "Point", "coordinates": [0, 0]}, radius_m=5)
    assert "where software puts" in str(read_text(text, "a.json").refusals[0])
    assert read_text(text, "a.json", kind="plans").values


def test_a_movement_has_legs(read_text: ReadText) -> None:
    line = {"type": "LineString", "coordinates": [[10, 50], [10.01, 50]]}
    times = {"start": "2025-01-01T00:00:00Z", "end": "2025-01-01T01:00:00Z"}
    text = collection(
        feature(line, movement="c1", name="Convoy", width_m=100, standoff_m=5, **times),
        feature(line, movement="c1", standoff_m=50, **times),
    )
    notice = first_notice(read_text(text, "m.geojson"))
    assert (notice.kind, len(notice.volumes), notice.standoff_mm) == (
        NoticeKind.MOVEMENT,
        2,
        50_000,
    )


def test_a_zone_that_does_not_say_what_it_asks_asks_the_most(read_text: ReadText) -> None:
    text = collection(feature(POINT), feature(POINT, rule="Boundary", uncertainty_m=700))
    zones = [v for v in read_text(text, "z.json", kind="zones").values if isinstance(v, Zone)]
    assert [zone.rule for zone in zones] == [ZoneRule.NO_ACTIVITY, ZoneRule.BOUNDARY]
    assert zones[1].uncertainty_mm == 700_000
    given = read_text(text, "z.json", kind="zones", rule=ZoneRule.CORRIDOR).values[0]
    assert isinstance(given, Zone)
    assert given.rule is ZoneRule.CORRIDOR
    bad = read_text(feature(POINT, rule="free_fire"), "z.json", kind="zones")
    assert "no_activity, coordinate_first, corridor, boundary, got free_fire" in str(
        bad.refusals[0]
    )


def test_presence_is_an_area_or_a_track(read_text: ReadText) -> None:
    track = {"time": "2025-01-01T00:00:00Z", "speed_max_m_s": 20, "accuracy_m": 30, "upper_m": 900}
    text = collection(
        feature(POINT, radius_m=100),
        feature(POINT, **track),
        feature(POINT, time="2025-01-01T00:00:00Z"),
        feature(POINT, **{**track, "speed_max_m_s": 99_999}),
    )
    reading = read_text(text, "b.json", kind="presence")
    area, seen = (value for value in reading.values if isinstance(value, Presence))
    assert (area.track, len(area.volumes)) == (None, 1)
    assert seen.track is not None
    assert (seen.track.speed_max_mm_s, seen.track.accuracy_mm, seen.track.upper_mm) == (
        20_000,
        30_000,
        900_000,
    )
    assert [refusal.what for refusal in reading.refusals] == ["track", "speed_max_m_s"]


def test_altitudes_in_other_references_are_widened(read_text: ReadText) -> None:
    text = feature(POINT, lower_m=100, upper_m=200, altitude_reference="AMSL")
    [volume] = first_notice(read_text(text, "a.json")).volumes
    assert (volume.lower_mm, volume.upper_mm) == (-10_000, 290_000)


# Through GDAL and Arrow --------------------------------------------------------------------


def written(path: Path, driver: str, crs: str = "EPSG:4326", **fields: list[Any]) -> Path:
    shapes = np.array([shapely.Point(10.1234, 50.5678), shapely.Point(11, 51).buffer(0.01)])
    if crs == "EPSG:32632":
        shapes = np.array([shapely.Point(579_559.0, 5_602_225.0)])
        fields = {name: values[:1] for name, values in fields.items()}
    if driver == "ESRI Shapefile":
        shapes = shapes[:1]
        fields = {name: values[:1] for name, values in fields.items()}
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapes),
        field_data=[np.array(values, dtype=object) for values in fields.values()],
        fields=list(fields),
        geometry_type="Point" if len(shapes) == 1 else "Unknown",
        crs=crs,
        driver=driver,
    )
    return path


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.kml", "KML"), ("a.kmz", "LIBKML"), ("a.gpkg", "GPKG"), ("a.shp", "ESRI Shapefile")],
)
def test_formats_of_gdal(tmp_path: Path, name: str, driver: str) -> None:
    path = written(tmp_path / name, driver, name=["Clinic", "School"])
    reading = read(path, ReadOptions(kind="notices"))
    assert not reading.refusals
    assert first_notice(reading).name == "Clinic"
    assert first_notice(reading).volumes[0].footprint == (Circle(centre=HERE),)


def test_a_shapefile_in_a_zip(tmp_path: Path) -> None:
    path = written(tmp_path / "a.shp", "ESRI Shapefile", name=["Clinic", "School"])
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for part in tmp_path.glob("a.[!z]*"):
            archive.write(part, part.name)
    assert first_notice(read(packed, ReadOptions(kind="notices"))).name == "Clinic"
    odd = packed.rename(tmp_path / "a.bin")
    assert first_notice(read(odd, ReadOptions(kind="notices"))).name == "Clinic"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, path.name)
    with pytest.raises(MalformedInput, match=r"a\.shx beside it"):
        read(packed, ReadOptions(kind="notices"))


def test_other_reference_systems_are_brought_to_wgs_84(tmp_path: Path) -> None:
    path = written(tmp_path / "utm.gpkg", "GPKG", crs="EPSG:32632", name=["Clinic"])
    shape = first_notice(read(path, ReadOptions(kind="notices"))).volumes[0].footprint[0]
    assert isinstance(shape, Circle)
    # 32U 579559 5602225, as GeographicLib has it: 50.5664 N, 10.1233 E.
    assert abs(shape.centre[1] / 1e7 - 50.5664) < 0.0005
    assert abs(shape.centre[0] / 1e7 - 10.1233) < 0.0005


@pytest.mark.parametrize("suffix", [".shx", ".dbf", ".prj"])
def test_a_shapefile_that_lacks_a_part_is_refused(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / "a.shp", "ESRI Shapefile", name=["Clinic", "School"])
    path.with_suffix(suffix).unlink()
    with pytest.raises(MalformedInput, match=f"expected a{suffix} beside it"):
        read(path, ReadOptions(kind="notices"))


def test_xml_that_is_no_kml_or_defines_entities_is_refused(read_text: ReadText) -> None:
    with pytest.raises(MalformedInput, match="expected KML, got other XML"):
        read_text("<html></html>", "a.kml")
    bomb = '<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "b">]><kml><name>&a;</name></kml>'
    with pytest.raises(MalformedInput, match="without a DOCTYPE"):
        read_text(bomb, "a.kml")
    with pytest.raises(MalformedInput, match="a file that GDAL reads"):
        read_text("<kml><Document><Placemark>", "a.kml")
    link = "<NetworkLink><Link><href>https://example.org/all.kml</href></Link></NetworkLink>"
    with pytest.raises(MalformedInput, match="all places in the file, got a network link"):
        read_text(f"<kml><Document>{link}</Document></kml>", "a.kml")


def test_a_kmz_without_kml_and_damaged_files_are_refused(read_text: ReadText) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(MalformedInput, match="got neither"):
        read_text(packed.getvalue(), "a.kmz")
    with pytest.raises(MalformedInput, match="a readable file"):
        read_text(packed.getvalue()[:30], "a.kmz")
    with pytest.raises(MalformedInput, match="a file that GDAL reads"):
        read_text(b"SQLite format 3\x00" + b"x" * 200, "a.gpkg")
    with pytest.raises(MalformedInput, match="GeoParquet"):
        read_text(b"PAR1" + b"x" * 200, "a.parquet")


def geoparquet(path: Path, geo: object, geometry: list[bytes | None]) -> Path:
    table = pa.table({"id": ["a", "b"], "geometry": geometry, "standoff_m": [5.0, None]})
    table = table.replace_schema_metadata({"geo": json.dumps(geo)})
    pq.write_table(table, path)
    return path


def test_geoparquet(tmp_path: Path) -> None:
    wkb = [shapely.to_wkb(shapely.Point(10.1234, 50.5678)), None]
    geo = {"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}
    reading = read(geoparquet(tmp_path / "a.parquet", geo, wkb), ReadOptions(kind="notices"))
    notice = first_notice(reading)
    assert (notice.source_id, notice.standoff_mm) == ("a", 5_000)
    assert notice.volumes[0].footprint == (Circle(centre=HERE),)
    assert reading.refusals[0].name == "b"
    native = {"primary_column": "geometry", "columns": {"geometry": {"encoding": "point"}}}
    for metadata, match in ((native, "WKB geometry, got point"), ({}, "GeoParquet")):
        with pytest.raises(MalformedInput, match=match):
            read(geoparquet(tmp_path / "b.parquet", metadata, wkb), ReadOptions(kind="notices"))


# Geo-zones and airspace --------------------------------------------------------------------


def zones_of(path: Path) -> list[Zone]:
    reading = read(path, ReadOptions(kind="zones"))
    assert not reading.refusals, reading.refusals
    return [value for value in reading.values if isinstance(value, Zone)]


def test_ed_318_keeps_each_layer_with_its_altitudes_and_windows() -> None:
    [zone] = zones_of(VECTORS / "ed318" / "Example_GeoZone_2_Layers.json")
    assert (zone.source_id, zone.name) == ("NFZ6547", "LFPG-2")
    assert zone.rule is ZoneRule.COORDINATE_FIRST
    assert len(zone.volumes) == 2
    # 50 m above ground somewhere on earth, 150 m above ground on its highest mountain.
    assert [v.lower_mm for v in zone.volumes] == [-510_000, -560_000]
    assert [v.upper_mm for v in zone.volumes] == [9_090_000, 8_990_000]
    assert {v.end for v in zone.volumes} == {datetime(2019, 12, 31, 15, 59, 59, tzinfo=UTC)}


def test_ed_318_circles_and_schedules() -> None:
    path = VECTORS / "ed318" / "Example_Collection.json"
    with_hours, circle = zones_of(path)
    assert circle.rule is ZoneRule.NO_ACTIVITY
    assert circle.volumes[0].footprint == (
        Circle(centre=(26_368_660, 501_229_010), radius_mm=3_500_000),
    )
    doubts = read(path, ReadOptions(kind="zones")).doubts
    assert [(doubt.name, doubt.what) for doubt in doubts] == [(with_hours.name, "schedule")]


def test_ed_269() -> None:
    [zone] = zones_of(VECTORS / "ed269" / "foca_cis_source_sample_ed269.json")
    assert (zone.source_id, zone.rule) == ("LSXX", ZoneRule.COORDINATE_FIRST)
    assert zone.volumes[0].upper_mm is None
    assert len(zones_of(VECTORS / "ed269" / "foca_cis_source_sample_ed318.json")) == 3


def ed269(**changes: object) -> str:
    zone = {
        "identifier": "Z1",
        "restriction": "PROHIBITED",
        "geometry": [
            {
                "uomDimensions": "FT",
                "lowerLimit": 0,
                "lowerVerticalReference": "AMSL",
                "upperLimit": 1000,
                "upperVerticalReference": "AMSL",
                "horizontalProjection": {
                    "type": "Circle",
                    "center": [10.1234, 50.5678],
                    "radius": 100,
                },
            }
        ],
    }  # fmt: skip
    return json.dumps({"UASZoneList": [{**zone, **changes}]})


def test_ed_269_in_feet(read_text: ReadText) -> None:
    value = read_text(ed269(), "z.json", kind="zones").values[0]
    assert isinstance(value, Zone)
    [volume] = value.volumes
    assert volume.footprint == (Circle(centre=HERE, radius_mm=30_480),)
    assert volume.upper_mm == 304_800 + 90_000


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"restriction": "MAYBE"}, "type: expected PROHIBITED"),
        ({"geometry": []}, "at least one ED-269 volume"),
        ({"geometry": {}}, "a JSON list"),
        ({"geometry": [{"uomDimensions": "M"}]}, "horizontalProjection"),
        ({"geometry": [{"uomDimensions": "NM", "horizontalProjection": {}}]}, "m or ft, got NM"),
        ({"applicability": [{"startDateTime": "2022-01-01T00:00:00"}]}, "naive"),
        ({"applicability": ["always"]}, "applicability: expected a JSON object, got always"),
        (
            {"geometry": [{"horizontalProjection": {"type": "Circle", "center": [1, 2]}}]},
            "radius: expected a number",
        ),
    ],
)
def test_bad_geo_zones(read_text: ReadText, changes: dict[str, object], match: str) -> None:
    reading = read_text(ed269(**changes), "z.json", kind="zones")
    assert not reading.values
    assert match in str(reading.refusals[0])


def test_ed_318_is_known_by_any_of_its_features(read_text: ReadText) -> None:
    document = json.loads((VECTORS / "ed318" / "Example_GeoZone_Circle.json").read_text())
    document["features"].insert(0, {"type": "Feature", "geometry": None, "properties": None})
    reading = read_text(json.dumps(document), "z.json", kind="zones")
    assert [refusal.row for refusal in reading.refusals] == [1]
    assert reading.values[0].volumes[0].footprint[0].radius_m == 3_500


JUNK: list[object] = [None, 5, "x", [], [1], {}, {"a": 1}, True, float("1e300"), [[]], 10**400]


def places_in(value: object) -> list[tuple[object, object]]:
    """Every (container, key) in a JSON document."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    found: list[tuple[object, object]] = [(value, key) for key, _ in pairs]
    for _, inner in pairs:
        found += places_in(inner)
    return found


@pytest.mark.parametrize(
    "vector",
    ["ed318/Example_Collection.json", "ed318/Example_GeoZone_Circle.json",
     "ed269/foca_cis_source_sample_ed269.json"],
)  # fmt: skip
def test_a_geo_zone_with_junk_anywhere_is_read_or_refused(tmp_path: Path, vector: str) -> None:
    text = (VECTORS / vector).read_text()
    path = tmp_path / "zones.json"
    for number in range(len(places_in(json.loads(text)))):
        for junk in JUNK:
            document = json.loads(text)
            container, key = places_in(document)[number]
            container[key] = junk  # type: ignore[index] # a dict or list
            path.write_text(json.dumps(document))
            with contextlib.suppress(MalformedInput):
                read(path, ReadOptions(kind="zones"))


def test_a_zone_that_restricts_nothing_is_left_out_aloud(read_text: ReadText) -> None:
    reading = read_text(ed269(restriction="NO_RESTRICTION"), "z.json", kind="zones")
    assert not reading.values
    assert not reading.refusals
    assert "left out, it restricts nothing" in str(reading.doubts[0])


OPENAIR = """\
* A comment
AC R
AN LKR9 Example * with a comment
AH FL 95
AL 1000 AGL
V X=50:34:04 N 010:07:24 E
DC 2 *NM

AC Q
SP 0,2,127,0,127

AC P
AN Sector
AH 2500ft MSL
AL GND
V X=50:00:00 N 010:00:00 E
V D=-
DP 50:00:00 N 010:00:00 E
DA 5,90,0
DB 50:04:59 N 010:00:00 E, 50:00:00 N 009:52:14 E
"""


def test_openair(read_text: ReadText) -> None:
    reading = read_text(OPENAIR, "a.txt", kind="zones")
    assert not reading.refusals, reading.refusals
    circle, sector = (value for value in reading.values if isinstance(value, Zone))
    assert (circle.name, circle.category, circle.rule) == (
        "LKR9 Example", "airspace/r", ZoneRule.COORDINATE_FIRST,
    )  # fmt: skip
    assert circle.volumes[0].footprint[0].radius_m == 3_704
    assert circle.volumes[0].upper_mm == round((95 * 30.48 + 600) * 1.15 * 1_000) + 90_000
    assert sector.rule is ZoneRule.NO_ACTIVITY
    area = sector.volumes[0].footprint[0]
    assert isinstance(area, Polygon)
    # Counter-clockwise from east to north and on to west: half a circle, a degree a step.
    assert 180 <= len(area.rings[0]) <= 190
    # What a degree's chord cuts off an arc of 5 NM: 0.36 m, by which the sector is widened.
    assert 350 <= area.buffer_mm <= 400


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("DC 2", "V X= before it"),
        ("DP somewhere", "DP: expected latitude and longitude"),
        ("V Q=1", "X or D, got Q"),
        ("DY 50:00:00 N 010:00:00 E", "V, DP, DA, DB or DC"),
        ("V X=50:00:00 N 010:00:00 E\nDA 5,90", "radius, start, end"),
        ("V X=50:00:00 N 010:00:00 E\nDA a,b,c", "a number"),
        ("V X=50:00:00 N 010:00:00 E\nDB 50:00:00 N 010:10:00 E", "two positions"),
        ("AH high\nV X=50:00:00 N 010:00:00 E\nDC 1", "altitude: expected such as FL 95"),
        ("AH 100 QFE\nV X=50:00:00 N 010:00:00 E\nDC 1", "MSL or AGL, got QFE"),
        ("", "DP, DA, DB or DC lines"),
    ],
)
def test_bad_openair(read_text: ReadText, line: str, match: str) -> None:
    reading = read_text(f"AC R\nAN Bad\n{line}\n", "a.txt", kind="zones")
    assert not reading.values
    assert match in str(reading.refusals[0])
    assert reading.refusals[0].name == "Bad"


# Limits and garbage ------------------------------------------------------------------------


def test_what_is_no_file(tmp_path: Path) -> None:
    options = ReadOptions(kind="notices")
    for path, match in (
        (tmp_path, "got a folder"),
        (tmp_path / "nothing", "got nothing there"),
        (Path("/dev/null"), "a device or pipe"),
    ):
        with pytest.raises(MalformedInput, match=match):
            read(path, options)


def test_a_file_beyond_the_limit_is_refused_by_its_size_alone(tmp_path: Path) -> None:
    path = tmp_path / "huge.geojson"
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)
    with pytest.raises(MalformedInput, match="at most 536,870,912 bytes, got 2,147,483,648"):
        read(path, ReadOptions(kind="notices"))


def test_a_file_that_unpacks_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "FILE_BYTES_MAX", 10_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"lat,lon\n" + b" " * 100_000))
    with pytest.raises(MalformedInput, match="got more, unpacked"):
        read(path, ReadOptions(kind="notices"))


KINDS: list[Kind] = ["plans", "notices", "zones", "presence"]


@given(
    data=st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(str.encode),
        st.text(max_size=100).map(lambda t: b"lat,lon,name\n" + t.encode()),
        st.text(max_size=100).map(lambda t: b"AC R\nAN X\n" + t.encode()),
        st.recursive(
            st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=8)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=4),
                st.dictionaries(
                    st.sampled_from(["type", "features", "geometry", "coordinates", "properties",
                                     "UASZoneList", "geometries", "start", "radius_m"]),
                    st.one_of(inner, st.sampled_from(["Feature", "FeatureCollection", "Point",
                                                      "Polygon", "GeometryCollection"])),
                    max_size=4,
                ),
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    kind=st.sampled_from(KINDS),
)  # fmt: skip
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_read_or_refused(tmp_path: Path, data: bytes, kind: Kind) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(data)
    try:
        reading = read(path, ReadOptions(kind=kind, party="one"))
    except MalformedInput:
        return
    assert reading.rows_total >= len(reading.refusals)
    for value in reading.values:
        # What is read can be signed and will be read back the same.
        assert wire.decode(wire.encode(value)) == value


cells = st.one_of(
    st.text(max_size=12),
    st.floats(-200, 200).map(str),
    st.sampled_from(
        ["50.5678", "10.1234", "2025-01-01T00:00:00Z", "no_activity", "AGL", "12 30 N"]
    ),
)


@given(
    header=st.lists(st.sampled_from(sorted(SPELLINGS)), min_size=1, unique=True),
    rows=st.lists(st.lists(cells, min_size=25, max_size=25), min_size=1, max_size=4),
    kind=st.sampled_from(KINDS),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_is_read_into_what_can_be_signed(
    tmp_path: Path, header: list[str], rows: list[list[str]], kind: Kind
) -> None:
    path = tmp_path / "table.csv"
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["lat", "lon", *[name for name in header if name not in {"lat", "lon"}]])
    for row in rows:
        writer.writerow(["50.5678", "10.1234", *row][: len({"lat", "lon", *header})])
    path.write_text(out.getvalue())
    try:
        reading = read(path, ReadOptions(kind=kind, party="one"))
    except MalformedInput:
        return
    for value in reading.values:
        assert wire.decode(wire.encode(value)) == value
