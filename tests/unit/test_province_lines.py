"""Lines between provinces: what scripts/province_lines.py wrote, held against its own rules."""

import gzip
import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import shapely

from detente.core.geodesy import GEOD

OFF_DEG = 0.011
"""Simplified to 0.009 degree and rounded to 0.001, and Natural Earth's own are as far off."""

Shapes = Any


def shapes(name: str, kind: str | None = None) -> Shapes:
    data = json.loads(gzip.decompress(files("detente.data").joinpath(name).read_bytes()))
    found = [one for one in data["features"] if kind in {None, one["properties"].get("kind")}]
    return shapely.from_geojson([json.dumps(one["geometry"]) for one in found])


@pytest.fixture(scope="module")
def lines() -> Shapes:
    return shapes("province_lines.geojson.gz", "province")


def test_all_are_lines_of_one_kind_on_the_earth(lines: Shapes) -> None:
    assert len(shapes("province_lines.geojson.gz")) == len(lines) > 8_000
    assert set(shapely.get_type_id(lines)) == {shapely.GeometryType.LINESTRING}
    places, line = shapely.get_coordinates(lines, return_index=True)
    assert (np.abs(places) <= (180, 90)).all()
    assert (places == places.round(3)).all()
    assert ((np.diff(places, axis=0) != 0).any(axis=1) | (np.diff(line) != 0)).all()


def test_none_lies_along_a_border_or_over_sea(lines: Shapes) -> None:
    borders = shapely.get_parts(shapes("boundary_lines.geojson.gz"))
    line, border = shapely.STRtree(borders).query(lines, predicate="dwithin", distance=0.008)
    for one in np.unique(line):
        near = shapely.buffer(shapely.union_all(borders[border[line == one]]), 0.008)
        along = shapely.get_parts(shapely.intersection(lines[one], near))
        assert shapely.length(along).max() < 0.06, lines[one].wkt
    land = shapely.STRtree(shapely.get_parts(shapes("countries.geojson.gz")))
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    ashore, _ = land.query(middles, predicate="dwithin", distance=0.02 + OFF_DEG)
    assert len(np.unique(ashore)) == len(lines)


def test_what_crimea_and_western_sahara_are_parted_by_is_not_among_them(lines: Shapes) -> None:
    tree = shapely.STRtree(lines)
    for one in shapely.get_parts(shapes("boundary_lines.geojson.gz", "disputed")):
        places = shapely.points(shapely.get_coordinates(shapely.segmentize(one, 0.2)))
        near, _ = tree.query(places, predicate="dwithin", distance=0.008)
        assert len(np.unique(near)) < max(0.2 * len(places), 4), one.wkt


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param((-120.0, 41.99), (-120.0, 39.0), id="California and Nevada, 120 W"),
        pytest.param((-120.0, 39.0), (-114.633, 35.002), id="California and Nevada, von Schmidt"),
        pytest.param((-119.9, 42.0), (-111.1, 42.0), id="Oregon and Idaho, 42 N"),
        pytest.param((-114.0, 37.0), (-109.1, 37.0), id="Utah and Arizona, 37 N"),
    ],
)
def test_lines_that_were_surveyed_are_where_they_were_surveyed(
    lines: Shapes, first: tuple[float, float], last: tuple[float, float]
) -> None:
    tree = shapely.STRtree(lines)
    if first[1] == last[1]:
        places = [(lon, first[1]) for lon in np.linspace(first[0], last[0], 30)]
    else:
        places = GEOD.npts(*first, *last, 30)
    _, far = tree.query_nearest(shapely.points(places), return_distance=True, all_matches=False)
    assert far.max() < 0.04


@pytest.mark.parametrize(
    ("here", "there", "crossed"),
    [
        pytest.param((37.79, 37.01), (37.98, 37.03), 1, id="Gaziantep to Urfa, at Birecik"),
        pytest.param((35.32, 37.0), (35.81, 37.45), 0, id="within Adana"),
        # From the second package, as Natural Earth parts map units there.
        pytest.param((44.01, 36.19), (43.13, 36.34), 1, id="Erbil to Mosul"),
        pytest.param((44.39, 35.47), (45.44, 35.56), 1, id="Kirkuk to Sulaymaniyah"),
        pytest.param((-3.0, 55.15), (-2.97, 55.01), 1, id="Langholm to Longtown"),
        pytest.param((41.64, 41.64), (42.0, 41.92), 1, id="Batumi to Ozurgeti"),
        pytest.param((4.7, 50.88), (4.61, 50.72), 1, id="Leuven to Wavre"),
        pytest.param((20.93, 44.66), (20.98, 44.75), 1, id="Smederevo to Kovin"),
        pytest.param((16.71, 44.98), (16.67, 44.77), 1, id="Prijedor to Sanski Most"),
    ],
)
def test_from_one_province_to_another_one_crosses_a_line(
    lines: Shapes, here: tuple[float, float], there: tuple[float, float], crossed: int
) -> None:
    way = shapely.LineString([here, there])
    met = shapely.get_parts(shapely.intersection(lines[shapely.intersects(lines, way)], way))
    assert min(len(met), 1) == crossed
