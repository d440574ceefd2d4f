"""CQL2 text: what it selects, where it is refused, and that it ends (OGC 21-065r2)."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from detente.core.cql import DEPTH_MAX, TERMS_MAX, TEXT_MAX, parse
from detente.core.drawn import Drawing
from detente.core.feature import PROPERTIES
from detente.core.volume import Circle, Volume
from detente.doors.where import box_of
from detente.errors import MalformedInput

DAY = datetime(2026, 1, 7, tzinfo=UTC)


class Feature:
    """A feature of a few properties."""

    def __init__(self, **properties: Any) -> None:
        self.properties = properties

    def value(self, name: str) -> object:
        return self.properties.get(name)

    def drawing(self) -> Drawing:
        return shapely.Point(10, 50)

    def volumes(self) -> tuple[Volume, ...]:
        return (Volume(footprint=(Circle(centre=(0, 0)),), start=DAY, end=DAY),)


ONE = Feature(
    name="It's 100% a_b", category="medical", standoff_m=500.0, version=3, stale=True,
    start="2026-01-07T00:00:00Z",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("category = 'medical'", True),
        ("category <> 'medical'", False),
        ("\"category\" > 'a'", True),
        ("standoff_m < 500", False),
        ("standoff_m <= 5e2", True),
        ("standoff_m >= +500.0", True),
        ("version BETWEEN 3 AND 4", True),
        ("version NOT BETWEEN 3 AND 4", False),
        ("version BETWEEN 4 AND 5", False),
        ("category IN ('school', 'medical')", True),
        ("category NOT IN ('school', 'medical')", False),
        ("name = 'It''s 100% a_b'", True),
        (r"name = 'It\'s 100% a_b'", True),
        (r"name LIKE 'It\'s%'", True),
        ("name LIKE 'It%'", True),
        ("name LIKE '%100\\% a\\_b'", True),
        ("name LIKE 'It_s%b'", True),
        ("name LIKE 'It'", False),
        ("name NOT LIKE '%x%y'", True),
        ("stale = TRUE", True),
        ("stale = false AND category = 'medical'", False),
        ("NOT (stale = false) or category = 'x'", True),
        ("TRUE", True),
        ("FALSE OR TRUE AND FALSE", False),
        ("party IS NULL", True),
        ("party IS NOT NULL", False),
        ("geometry IS NULL", False),
        ('"datetime" IS NOT NULL', True),
        ("party = 'one'", None),
        ("NOT party = 'one'", None),
        ("party LIKE 'o%'", None),
        ("party = 'one' OR stale = TRUE", True),
        ("party = 'one' AND stale = FALSE", False),
        ("party = 'one' AND stale = TRUE", None),
        ("start = TIMESTAMP('2026-01-07T01:00:00+01:00')", True),
        ("start > TIMESTAMP('2026-01-07T00:00:00.5Z')", False),
        ("start < TIMESTAMP('2026-01-07T00:00:00.0000001Z')", True),
        ("start = TIMESTAMP('2026-01-07T00:00:00.0000001Z')", False),
        ("S_INTERSECTS(geometry, POINT(10 50))", True),
        ("S_INTERSECTS(geometry, POINT Z(10 50 3))", True),
        ("S_INTERSECTS(geometry, BBOX(9, 49, 0, 10, 50, 1))", True),
        ("S_INTERSECTS(geometry, BBOX(170, 49, 11, 51))", True),
        ("S_INTERSECTS(geometry, BBOX(11, 49, 9, 51))", False),
        ("S_INTERSECTS(geometry, BBOX(9, 49, 10, 50))", True),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 0, 1 1, 0 0)))", False),
        ("T_INTERSECTS(datetime, TIMESTAMP('2026-01-07T00:00:00Z'))", True),
        ("T_INTERSECTS(datetime, INTERVAL('..', '2026-01-06T00:00:00Z'))", False),
        ("T_INTERSECTS(datetime, INTERVAL('2026-01-08T00:00:00Z', '..'))", False),
    ],
)
def test_what_a_filter_selects(text: str, holds: bool | None) -> None:
    assert parse(text, PROPERTIES)(ONE) is holds


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (r"\a\b\t\n\v\f\r", "\a\b\t\n\v\f\r"),
        (r"\\n", r"\n"),
        (r"\%\_\z", r"\%\_\z"),
        (r"\'" + "''", "''"),
    ],
)
def test_what_a_backslash_says(escaped: str, plain: str) -> None:
    assert parse(f"name = '{escaped}'", PROPERTIES)(Feature(name=plain)) is True


@pytest.mark.parametrize(
    ("pattern", "text", "other"),
    [
        (r"\t%", "\tx", "tx"),
        (r"%\\", "x\\", "x"),
        (r"\\\%%", r"\%x", r"\x"),
        (r"\z_", "zz", r"\z"),
        (r"\'%", "'x", r"\'x"),
    ],
)
def test_what_a_backslash_says_in_a_pattern(pattern: str, text: str, other: str) -> None:
    test = parse(f"name LIKE '{pattern}'", PROPERTIES)
    assert test(Feature(name=text)) is True
    assert test(Feature(name=other)) is False


class Spot(Feature):
    """A feature at one place."""

    def __init__(self, lon: float, lat: float) -> None:
        super().__init__()
        self.place = shapely.Point(lon, lat)

    def drawing(self) -> Drawing:
        return self.place


@given(
    west=st.integers(-180, 180), east=st.integers(-180, 180),
    south=st.integers(-90, 90), high=st.integers(0, 180),
    lon=st.sampled_from((-180, -179, 0, 179, 180)) | st.integers(-180, 180),
    lat=st.sampled_from((-90, 0, 90)) | st.integers(-90, 90),
)  # fmt: skip
def test_a_box_holds_what_is_in_it_on_the_globe(
    west: int, east: int, south: int, high: int, lon: int, lat: int
) -> None:
    """The antimeridian and the poles are ordinary places, in a filter as in ``bbox``."""
    north = min(90, south + high)
    between = (lon - west) % 360 <= (east - west) % 360 or (west, east) == (-180, 180)
    inside = (between or abs(lat) == 90) and south <= lat <= north
    text = f"{west},{south},{east},{north}"
    assert parse(f"S_INTERSECTS(geometry,BBOX({text}))", PROPERTIES)(Spot(lon, lat)) is inside
    found = box_of(text)
    assert found is not None
    assert bool(shapely.intersects(found.area, shapely.Point(lon, lat))) is inside


@pytest.mark.parametrize(
    ("text", "lon", "lat"),
    [
        ("POINT(-180 5)", 180, 5),
        ("MULTIPOINT(3 3, 180 5)", -180, 5),
        ("LINESTRING(170 0, 180 5)", -180, 5),
        ("POLYGON((170 0, 180 0, 180 5, 175 7, 180 9, 170 9, 170 0))", -180, 4),
        ("POLYGON((170 0, 180 0, 180 5, 175 7, 180 9, 170 9, 170 0))", -180, 9),
        ("POINT(77 90)", -3, 90),
    ],
)
def test_a_geometry_at_an_edge_of_the_map_is_at_the_other(text: str, lon: int, lat: int) -> None:
    test = parse(f"S_INTERSECTS(geometry, {text})", PROPERTIES)
    assert test(Spot(lon, lat)) is True
    assert test(Spot(lon / 2, lat - 1)) is False


def test_latitude_may_come_first() -> None:
    text = "S_INTERSECTS(geometry, BBOX(49, 9, 51, 11))"
    assert parse(text, PROPERTIES, lat_first=True)(ONE)
    assert not parse(text, PROPERTIES)(ONE)
    text = "S_INTERSECTS(geometry, LINESTRING(50 9, 50 11))"
    assert parse(text, PROPERTIES, lat_first=True)(ONE)
    assert not parse(text, PROPERTIES)(ONE)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", 1),
        ("category", 9),
        ("category =", 11),
        ("category = 'open", 12),
        ("category = 5", 12),
        ("colour = 5", 1),
        ("5 = category", 1),
        ("standoff_m = 'x'", 14),
        ("standoff_m = 1e999", 14),
        ("standoff_m = ٣", 14),
        (r"category = 'open\'", 12),
        ("stale = 1", 9),
        ("standoff_m LIKE 'x'", 17),
        ("category LIKE 5", 15),
        ("category BETWEEN 'a' AND 'b'", 18),
        ("category NOT = 'a'", 14),
        ("category = 'a' category = 'b'", 16),
        ("(category = 'a'", 16),
        ("category IN ()", 14),
        ("category IS 5", 13),
        ("start = TIMESTAMP('2026-02-30T00:00:00Z')", 19),
        ("start = TIMESTAMP('0001-01-01T00:00:00+23:00')", 19),
        ("start = DATE('2026-01-07')", 9),
        ("S_INTERSECTS(geometry, CIRCLE(0 0))", 24),
        ("S_INTERSECTS(geometry, POINT(x))", 30),
        ("S_INTERSECTS(geometry, POINT)", 30),
        ("S_INTERSECTS(geometry, POINT(1))", 24),
        ("S_INTERSECTS(geometry, POINT(200 0))", 24),
        ("S_INTERSECTS(geometry, POINT(1 2 3 4))", 24),
        ("S_INTERSECTS(geometry, LINESTRING Z(1 2 3, 1 2 3 4))", 24),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 0 1, 1 0, 0 0)))", 24),
        ("S_INTERSECTS(geometry, BBOX(1, 2, 3))", 24),
        ("S_INTERSECTS(geometry, BBOX(1, 2, 3, 1))", 24),
        ("S_INTERSECTS(geometry, BBOX((1, 2, 3, 4)))", 24),
        ("S_INTERSECTS(geometry, BBOX(1, 2, 9, 3, 4, 8))", 24),
        ("S_INTERSECTS(geometry, BBOX(170, 2, 190, 4))", 24),
        ("S_INTERSECTS(name, POINT(0 0))", 14),
        ("geometry = 'x'", 10),
        ("T_INTERSECTS(datetime, 'x')", 24),
        ("T_INTERSECTS(datetime, INTERVAL('2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z'))", 24),
        ("T_AFTER(datetime, TIMESTAMP('2026-01-07T00:00:00Z'))", 1),
        ("category = 'a'; DROP", 15),
        ("(" * (DEPTH_MAX + 2) + "TRUE" + ")" * (DEPTH_MAX + 2), DEPTH_MAX + 2),
    ],
)
def test_where_a_filter_is_refused(text: str, at: int) -> None:
    with pytest.raises(MalformedInput) as refused:
        parse(text, PROPERTIES)
    assert refused.value.what == f"filter, character {at}"


def test_a_filter_has_bounds() -> None:
    assert parse(" OR ".join(["TRUE"] * TERMS_MAX), PROPERTIES)(ONE)
    for text in (
        " OR ".join(["TRUE"] * (TERMS_MAX + 1)),
        "version IN (" + ",".join(["1"] * (TERMS_MAX + 1)) + ")",
        " " * (TEXT_MAX + 1),
        "NOT " * (TEXT_MAX // 4),
    ):
        with pytest.raises(MalformedInput):
            parse(text, PROPERTIES)


def test_a_pattern_of_many_wildcards_ends() -> None:
    test = parse("name LIKE '" + "%a" * 1_000 + "b'", PROPERTIES)
    began = time.process_time()
    assert test(Feature(name="a" * 4_000)) is False
    assert time.process_time() - began < 5


words = st.sampled_from(
    [*"()=<>,", "<=", "AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS", "NULL", "TRUE", "category",
     "standoff_m", "start", "stale", "geometry", "datetime", "S_INTERSECTS", "T_INTERSECTS", "BBOX",
     "POLYGON", "POINT", "INTERVAL", "TIMESTAMP", "'a%'", "'..'", "'2026-01-07T00:00:00Z'", "1",
     "-5.5", "1e400", '"name"', "'"]
)  # fmt: skip


@given(text=st.one_of(st.text(max_size=60), st.lists(words, max_size=25).map(" ".join)))
def test_whatever_comes_is_parsed_or_refused(text: str) -> None:
    try:
        test = parse(text, PROPERTIES)
    except MalformedInput as refused:
        test, what = None, refused.what
    if test is None:
        assert what.startswith("filter")
        return
    assert test(ONE) in {True, False, None}
