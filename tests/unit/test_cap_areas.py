"""Areas as a reader of CAP draws them: closed, valid, and around all that they stand for."""

import math

import pytest
import shapely

from detente.core.volume import Circle, Corridor, Polygon, Position, Shape, Volume
from detente.doors.cap.areas import POLYGONS_MAX, VERTICES_MAX, areas_of


def place(lon: float, lat: float) -> Position:
    return round(lon * 1e7), round(lat * 1e7)


def line(*degrees: tuple[float, float]) -> Corridor:
    return Corridor(line=tuple(place(*one) for one in degrees))


def outlines(*shapes: Shape) -> list[shapely.Polygon]:
    """What is drawn of one area, by whoever knows no more than the standard."""
    [area] = areas_of([Volume(footprint=shapes)], 0)
    assert not area.circles
    rings = [
        [tuple(map(float, one.split(",")))[::-1] for one in polygon.split()]
        for polygon in area.polygons
    ]
    assert all(len(ring) > 3 and ring[0] == ring[-1] for ring in rings)
    found = [shapely.Polygon(ring) for ring in rings]
    assert all(one.is_valid and one.area for one in found)
    return found


def test_each_of_many_points_is_held() -> None:
    points = [place(lon / 10, 5) for lon in range(POLYGONS_MAX + 1)]
    drawn = shapely.union_all(outlines(*(Circle(centre=one) for one in points)))
    assert all(drawn.covers(shapely.Point(lon / 1e7, lat / 1e7)) for lon, lat in points)


@pytest.mark.parametrize(
    "lines",
    [
        [line((1, 1), (1.1, 1)), line((5, 1), (5.1, 1))],
        [line((179.9, -15), (-179.9, -15))],
    ],
    ids=["apart", "across the antimeridian"],
)
def test_lines_are_held_each_by_itself(lines: list[Corridor]) -> None:
    drawn = outlines(*lines)
    assert len(drawn) == 2
    assert all(east - west < 0.2 for west, _, east, _ in (one.bounds for one in drawn))


def test_no_outline_is_longer_than_it_may_be() -> None:
    turns = [2 * math.pi * part / 9_000 for part in range(9_000)]
    shell = tuple(place(10 + math.cos(turn), 50 + math.sin(turn)) for turn in turns)
    [drawn] = outlines(Polygon(rings=(shell,)))
    assert shapely.get_num_coordinates(drawn) <= VERTICES_MAX
    assert drawn.covers(shapely.Polygon([(lon / 1e7, lat / 1e7) for lon, lat in shell]))
