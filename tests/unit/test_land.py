"""The ground under a drawing, against the outlines that ship, point by point."""

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Proj

from detente.core.geodesy import FloatArray
from detente.doors.land import GROUND_MAX_M, Ground, ground, land
from judge import GEOD

OFF_M = 3_000.0
"""So near to a coast neither the outline nor the drawing is sure: both are simplified."""

RIVER_OFF_M = 9_000.0
"""A river's line is one of 1:50,000,000, in steps of some kilometre."""


def under(lon: float, lat: float, half_m: float) -> Ground | None:
    plane = Proj(proj="aeqd", lat_0=lat, lon_0=lon, ellps="WGS84")

    def forward(places: FloatArray) -> FloatArray:
        return np.column_stack(plane(places[:, 0], places[:, 1]))

    return ground((lon, lat), (half_m * 1.5, half_m), forward)


def is_land(lon: float, lat: float) -> bool:
    return bool(len(land().tree.query(shapely.Point(lon, lat), predicate="intersects")))


@settings(max_examples=40, deadline=None)
@given(
    lon=st.floats(-180, 180),
    lat=st.floats(-89.5, 89.5),
    azimuth=st.floats(0, 360),
    share=st.floats(0, 1),
    half_km=st.sampled_from([10, 80, 600]),
)
@example(lon=180.0, lat=-16.8, azimuth=90.0, share=0.5, half_km=80)
@example(lon=0.0, lat=-89.5, azimuth=0.0, share=0.7, half_km=600)
@example(lon=35.85, lat=36.0, azimuth=300.0, share=0.9, half_km=80)
def test_land_is_where_the_outlines_have_it(
    lon: float, lat: float, azimuth: float, share: float, half_km: int
) -> None:
    found = under(lon, lat, half_km * 1_000.0)
    assert found is not None
    distance = share * half_km * 1_000.0
    to_lon, to_lat, _ = GEOD.fwd(lon, lat, azimuth, distance)
    spot = shapely.Point(
        distance * np.sin(np.radians(azimuth)), distance * np.cos(np.radians(azimuth))
    )
    if shapely.distance(spot, found.coasts) > OFF_M + half_km:
        assert shapely.intersects(spot, found.land) == is_land(float(to_lon), float(to_lat))


def test_between_two_countries_is_a_border_and_no_coast() -> None:
    # Between Turkey and Syria, as drawn by Natural Earth: both are on land.
    found = under(37.1, 36.65, 20_000)
    assert found is not None
    assert found.borders.length > 20_000
    assert found.coasts.is_empty
    assert found.disputed.is_empty


def test_what_is_disputed_is_a_line_of_its_own() -> None:
    found = under(35.8, 33.0, 10_000)
    assert found is not None
    assert found.disputed.length > 10_000
    assert found.borders.is_empty


def test_at_sea_there_is_nothing_and_of_half_the_earth_nothing_is_drawn() -> None:
    found = under(-30, 40, 10_000)
    assert found is not None
    assert all(part.is_empty for part in found)
    assert under(0, 0, GROUND_MAX_M) is None


@pytest.mark.parametrize("lon", [-180.0, 180.0])
def test_either_side_of_the_antimeridian_is_the_same(lon: float) -> None:
    found, other = under(lon, -16.8, 50_000), under(179.999_999, -16.8, 50_000)
    assert found is not None
    assert other is not None
    assert shapely.area(shapely.symmetric_difference(found.land, other.land)) < 1e6
    assert found.land.area > 1e8


@pytest.mark.parametrize(
    ("town", "lon", "lat"),
    [
        ("Vienna, on the Danube", 16.41, 48.22), ("Cairo, on the Nile", 31.23, 30.05),
        ("Baghdad, on the Tigris", 44.39, 33.32), ("Raqqa, on the Euphrates", 39.01, 35.93),
        ("Manaus, on the Amazon", -60.02, -3.14), ("Wuhan, on the Yangtze", 114.29, 30.56),
    ],
)  # fmt: skip
def test_a_river_is_near_a_town_that_lies_on_it(town: str, lon: float, lat: float) -> None:
    found = under(lon, lat, 40_000)
    assert found is not None
    assert shapely.distance(shapely.Point(0, 0), found.rivers) < RIVER_OFF_M, town


@pytest.mark.parametrize(
    ("lake", "lon", "lat"),
    [
        ("Van", 43.0, 38.6), ("Geneva", 6.55, 46.45), ("Victoria", 33.0, -1.0),
        ("Baikal", 108.2, 53.6), ("Titicaca", -69.4, -15.8),
    ],
)  # fmt: skip
def test_a_lake_lies_on_the_land(lake: str, lon: float, lat: float) -> None:
    found = under(lon, lat, 40_000)
    assert found is not None
    assert shapely.intersects(shapely.Point(0, 0), found.lakes), lake
    assert shapely.covers(shapely.box(-60_000, -40_000, 60_000, 40_000), found.lakes)


def test_in_the_desert_is_no_water() -> None:
    found = under(50.5, 20.0, 40_000)
    assert found is not None
    assert found.rivers.is_empty
    assert found.lakes.is_empty
