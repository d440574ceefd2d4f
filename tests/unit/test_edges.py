"""Degrees to shapes: which reading is kept, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core.edges import READING_TOLERANCE_MM, circle, corridor, length_mm, polygon
from detente.core.geodesy import (
    CURVATURE_RADIUS_MAX_M,
    CURVATURE_RADIUS_MIN_M,
    EDGE_MAX_M,
    cut_edges,
    ecef,
)
from detente.core.volume import E7_PER_DEG, VERTICES_MAX, Position
from detente.errors import MalformedInput
from detente.picture.measure import bounds_of_chord
from judge import FloatArray, along, distance_m, to_edge_m


def degrees(path: tuple[Position, ...]) -> FloatArray:
    return np.array(path, dtype=np.float64) / E7_PER_DEG


@given(st.floats(-179, 179), st.floats(-85, 85), st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_short_edges_stay_as_drawn_and_state_their_error(
    lon: float, lat: float, dx: float, dy: float
) -> None:
    """The line drawn straight in degrees lies within the stated error of the geodesic."""
    shapes = corridor([(lon, lat), (lon + dx, lat + dy)], 100)
    if len(shapes) == 2:  # near the poles the readings part sooner
        return
    [shape] = shapes
    assert len(shape.line) == 2
    assert shape.edge_error_mm <= READING_TOLERANCE_MM
    share = np.linspace(0, 1, 21)
    path = degrees(shape.line)
    drawn = path[0] + share[:, None] * (path[1] - path[0])
    n = len(drawn)
    apart = to_edge_m(drawn, np.repeat(path[:1], n, 0), np.repeat(path[1:], n, 0), rounds=12)
    # 0.016 m is the rounding to 1e-7 degree.
    assert apart.max() <= shape.edge_error_mm / 1_000 + 0.016


def test_long_edges_are_followed_as_drawn_and_kept_as_geodesics_too() -> None:
    line = [(0.0, 50.0), (10.0, 50.0)]
    followed, geodesic = corridor(line, 100)
    assert followed.edge_error_mm == READING_TOLERANCE_MM
    assert len(geodesic.line) == 2
    path = degrees(followed.line)
    assert np.abs(path[:, 1] - 50).max() < 1e-6
    middles = along(path[:-1], path[1:], np.full(len(path) - 1, 0.5))
    straight = np.column_stack([(path[:-1, 0] + path[1:, 0]) / 2, np.full(len(middles), 50.0)])
    assert distance_m(middles, straight).max() <= READING_TOLERANCE_MM / 1_000


def test_a_meridian_and_the_equator_are_both_readings_at_once() -> None:
    assert len(corridor([(5.0, -60.0), (5.0, 60.0)])) == 1
    assert len(corridor([(0.0, 0.0), (60.0, 0.0)])) == 1
    assert len(corridor([(5.0, 5.0)])) == 1


def test_rings_are_closed_for_the_eye_and_open_in_the_value() -> None:
    square = [(0.0, 0.0), (0.01, 0.0), (0.01, 0.01), (0.0, 0.01)]
    assert polygon([square]) == polygon([[*square, square[0]]])
    [area] = polygon([square], 12.3)
    assert (len(area.rings[0]), area.buffer_mm) == (4, 12_300)


def test_a_polygon_with_long_edges_is_kept_in_both_readings() -> None:
    followed, geodesic = polygon([[(0.0, 40.0), (10.0, 40.0), (10.0, 50.0), (0.0, 50.0)]], 5)
    assert len(followed.rings[0]) > 100
    assert (len(geodesic.rings[0]), geodesic.buffer_mm, geodesic.edge_error_mm) == (4, 5_000, 0)


@pytest.mark.parametrize(
    ("points", "match"),
    [
        ([], "at least one position"),
        ([(0.0, 999.0)], "latitude from -90 to 90, got longitude 0.0, latitude 999.0"),
        ([(181.0, 0.0)], "longitude from -180"),
        ([(float("nan"), 0.0)], "longitude from -180"),
        ([(0.0, float("inf"))], "longitude from -180"),
        ([("x", 0.0)], "numbers"),
        ([(0.0,)], "numbers"),
        ([0.0, 1.0], "numbers"),
        ([(0.0, 0.0)] * (VERTICES_MAX + 1), f"at most {VERTICES_MAX} vertices"),
    ],
)
def test_what_is_no_line_is_refused(points: list[tuple[float, float]], match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        corridor(points)


def test_a_polygon_without_rings_is_refused() -> None:
    with pytest.raises(MalformedInput, match="at least one ring"):
        polygon([])


def test_an_edge_that_cannot_be_followed_is_refused() -> None:
    zigzag = [(lon, 85.0) for lon in (-170.0, -10.0) * 500]
    with pytest.raises(MalformedInput, match="edges that can be followed"):
        corridor(zigzag)


@pytest.mark.parametrize("metres", [-1.0, float("nan"), float("inf"), 1_000_001.0])
def test_lengths_have_limits(metres: float) -> None:
    with pytest.raises(MalformedInput, match="metres from 0 to 1000000"):
        length_mm(metres, what="radius_m")


@given(st.floats(0, 1_000_000))
def test_lengths_only_grow_and_by_less_than_a_millimetre(metres: float) -> None:
    assert -1e-6 <= length_mm(metres, what="radius_m") - metres * 1_000 < 1


def test_a_circle() -> None:
    assert circle(-180.0, 90.0, 1.5).centre == (-1_800_000_000, 900_000_000)


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90))
def test_chords_bound_geodesics(lon: float, lat: float, lon2: float, lat2: float) -> None:
    a, b = np.array([[lon, lat]]), np.array([[lon2, lat2]])
    chord = np.linalg.norm(ecef(a[:, 0], a[:, 1]) - ecef(b[:, 0], b[:, 1]), axis=1)
    middle, half = bounds_of_chord(float(chord[0]))
    true = float(distance_m(a, b)[0])
    assert middle - half - 1e-6 <= true <= middle + half + 1e-6
    assert CURVATURE_RADIUS_MIN_M < CURVATURE_RADIUS_MAX_M


def test_edges_are_cut_into_equal_geodesic_pieces() -> None:
    a, b = np.array([[0.0, 45.0], [10.0, 10.0]]), np.array([[1.0, 45.0], [10.001, 10.0]])
    chord = np.linalg.norm(ecef(a[:, 0], a[:, 1]) - ecef(b[:, 0], b[:, 1]), axis=1)
    pieces, starts = cut_edges(a, b, chord)
    assert pieces.tolist() == [79, 1]
    path = np.vstack([starts[:79], b[:1]])
    lengths = distance_m(path[:-1], path[1:])
    assert lengths.max() <= EDGE_MAX_M
    assert lengths.max() - lengths.min() < 1e-6
    short, _ = cut_edges(a[1:], b[1:], chord[1:])
    assert short.tolist() == [1]
