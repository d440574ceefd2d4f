"""Shapes against shapes, judged by pyproj: poles, antimeridian, holes, odd rings (R-06)."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detente.core.check import Known
from detente.core.edges import circle, corridor, polygon
from detente.core.geodesy import DISTANCE_ERROR_M, ecef
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Shape, Volume
from detente.errors import MalformedInput
from detente.picture import Picture
from detente.picture.measure import bounds_of_chord
from detente.picture.outline import spread
from detente.picture.places import placed_at
from judge import GEOD, FloatArray, along, distance_m, to_edge_m, winding

FAR_MM = 1_000_000_000


def measured(a: tuple[Shape, ...], b: tuple[Shape, ...]) -> tuple[float, float]:
    """Distance and stated error between two footprints, metres."""
    notice = Notice(
        source_id="b", name="b", category="b", party="b", volumes=(Volume(footprint=b),)
    )
    plan = Plan(source_id="a", volumes=(Volume(footprint=a),))
    found = Picture([Known(value=notice)]).meetings([plan], separation_mm=FAR_MM)[0]
    assert len(found) == 1
    return found[0].distance_m, found[0].distance_error_m


def around(lon: float, lat: float, spokes: list[tuple[float, float]]) -> FloatArray:
    """A ring (k, 2) at (azimuth, metres) around a place, in order of azimuth."""
    spokes = sorted(spokes)
    out = GEOD.fwd(
        [lon] * len(spokes), [lat] * len(spokes), [a for a, _ in spokes], [r for _, r in spokes]
    )
    ring: FloatArray = np.rint(np.column_stack(out[:2]) * E7_PER_DEG) / E7_PER_DEG
    return ring


def geodesic(ring: FloatArray) -> tuple[Shape, ...]:
    """The value whose edges are geodesics between these very vertices."""
    e7 = np.rint(ring * E7_PER_DEG).astype(int).tolist()
    return (Polygon(rings=(tuple((lon, lat) for lon, lat in e7),)),)


def dense(ring: FloatArray, pieces: int) -> FloatArray:
    """Points along the geodesic edges of a ring."""
    after = np.roll(ring, -1, axis=0)
    share = np.tile(np.arange(pieces) / pieces, len(ring))
    return along(np.repeat(ring, pieces, axis=0), np.repeat(after, pieces, axis=0), share)


def brute_m(a: FloatArray, b: FloatArray) -> float:
    """Distance between two polygons, 0 where they meet; true within a few metres at 10 km."""
    if (winding(a[:1], dense(b, 40)[None]) != 0).any() or (
        winding(b[:1], dense(a, 40)[None]) != 0
    ).any():
        return 0.0
    best = np.inf
    for one, other in ((a, b), (b, a)):
        for i in range(len(other)):
            points = dense(one, 60)
            n = len(points)
            start = np.repeat(other[i : i + 1], n, axis=0)
            end = np.repeat(other[(i + 1) % len(other)][None], n, axis=0)
            best = min(best, float(to_edge_m(points, start, end, rounds=4).min()))
    return best


anywhere = st.tuples(
    st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0, 179.9999, 0.0])),
    st.one_of(st.floats(-89.99, 89.99), st.sampled_from([89.9999, -89.9999, 89.95, 0.0])),
)
spokes = st.lists(
    st.tuples(st.floats(0, 359.9), st.floats(0.2, 1)),
    min_size=3,
    max_size=7,
    unique_by=lambda s: s[0],
)


@given(place=anywhere, a=spokes, b=spokes, size=st.floats(10, 8_000), data=st.data())
@settings(max_examples=60)
def test_polygons_against_polygons(
    place: tuple[float, float],
    a: list[tuple[float, float]],
    b: list[tuple[float, float]],
    size: float,
    data: st.DataObject,
) -> None:
    lon, lat = place
    one = around(lon, lat, [(azimuth, share * size) for azimuth, share in a])
    to = data.draw(st.tuples(st.floats(0, 360), st.floats(0, 4 * size)))
    lon2, lat2, _ = GEOD.fwd(lon, lat, *to)
    two = around(lon2, lat2, [(azimuth, share * size) for azimuth, share in b])
    distance, error = measured(geodesic(one), geodesic(two))
    true = brute_m(one, two)
    # The brute force walks one boundary in steps, so it can only be too long.
    step = 2 * size / 60
    assert distance - error <= true + 0.01
    assert distance + error >= true - step
    assert measured(geodesic(two), geodesic(one)) == pytest.approx((distance, error), abs=1e-6)


@given(place=anywhere, other=anywhere)
@settings(max_examples=200)
def test_points_anywhere_on_earth(place: tuple[float, float], other: tuple[float, float]) -> None:
    a, b = circle(*place), circle(*other)
    here = np.array([a.centre, b.centre]) / E7_PER_DEG
    true = float(distance_m(here[:1], here[1:])[0])
    chord = np.linalg.norm(np.diff(ecef(here[:, 0], here[:, 1]), axis=0))
    middle, half = bounds_of_chord(float(chord))
    assert middle - half - 0.01 <= true <= middle + half + 0.01
    if true < 900_000:
        distance, error = measured((a,), (b,))
        assert abs(distance - true) <= error


@pytest.mark.parametrize("lat", [89.0, -89.0, 89.999, -80.0])
def test_a_ring_around_a_pole_holds_the_pole(lat: float) -> None:
    ring = [(lon, lat) for lon in range(-180, 180, 30)]
    pole = circle(37.0, 90.0 if lat > 0 else -90.0)
    assert measured(polygon([ring]), (pole,))[0] == 0
    outside = circle(5.0, lat - 0.5 if lat > 0 else lat + 0.5)
    distance, error = measured(polygon([ring]), (outside,))
    assert distance == pytest.approx(55_800, rel=0.01)
    assert error <= 1.0


def test_a_cap_drawn_as_a_box_in_degrees() -> None:
    box = polygon([[(-180, 80), (180, 80), (180, 90), (-180, 90), (-180, 80)]])
    for lon in (-180.0, -90.0, 0.0, 179.9):
        assert measured(box, (circle(lon, 85.0),))[0] == 0
        assert measured(box, (circle(lon, 79.5),))[0] == pytest.approx(55_800, rel=0.01)


def test_across_the_antimeridian_in_all_spellings() -> None:
    whole = polygon([[(179.9, 0), (-179.9, 0), (-179.9, 0.2), (179.9, 0.2)]])
    halves = polygon([[(179.9, 0), (180, 0), (180, 0.2), (179.9, 0.2)]]) + polygon(
        [[(-180, 0), (-179.9, 0), (-179.9, 0.2), (-180, 0.2)]]
    )
    for lon in (-179.85, 179.95, 180.0, -180.0, 179.5, -179.5):
        place = (circle(lon, 0.1),)
        assert measured(whole, place)[0] == pytest.approx(measured(halves, place)[0], abs=0.5)
    assert measured(whole, (circle(180.0, 0.1),))[0] == 0
    assert measured(whole, (circle(0.0, 5.0, 1_000_000.0), circle(179.0, 0.1)))[0] > 50_000


def test_a_hole_is_outside_and_its_edge_belongs_to_the_polygon() -> None:
    shell = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    hole = [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)]
    area = polygon([shell, hole])
    inside_hole, _ = measured(area, (circle(0.5, 0.5),))
    assert inside_hole == pytest.approx(0.1 * 110_574, rel=0.01)
    assert measured(area, (circle(0.4, 0.5),))[0] == 0
    assert measured(area, (circle(0.2, 0.2),))[0] == 0


def test_a_self_crossing_ring_encloses_all_its_loops() -> None:
    bow_tie = polygon([[(0, 0), (0.1, 0.1), (0.1, 0), (0, 0.1)]])
    assert measured(bow_tie, (circle(0.01, 0.05),))[0] == 0
    assert measured(bow_tie, (circle(0.09, 0.05),))[0] == 0
    assert measured(bow_tie, (circle(0.05, 0.09),))[0] > 1_000
    twice = [(0, 0), (0.1, 0), (0.1, 0.1), (0, 0.1)] * 2
    assert measured(polygon([twice]), (circle(0.05, 0.05),))[0] == 0


@pytest.mark.parametrize(
    "ring",
    [
        [(10.0, 50.0)],
        [(10.0, 50.0), (10.0, 50.0), (10.0, 50.0)],
        [(10.0, 50.0), (10.1, 50.0)],
        [(10.0, 50.0), (10.05, 50.0), (10.1, 50.0), (10.0, 50.0)],
    ],
)
def test_a_degenerate_polygon_protects_as_its_line_or_point(
    ring: list[tuple[float, float]],
) -> None:
    flat = polygon([ring])
    assert measured(flat, (circle(10.0, 50.0),))[0] == 0
    lon, lat, _ = GEOD.fwd(10.0, 50.0, 270, 1_000)
    assert measured(flat, (circle(lon, lat),))[0] == pytest.approx(1_000, abs=1)


@given(lon=st.floats(-180, 180), lat=st.floats(-89, 89), size=st.floats(0.01, 1))
@settings(max_examples=40)
def test_tiny_polygons(lon: float, lat: float, size: float) -> None:
    ring = around(lon, lat, [(0, size), (120, size), (240, size)])
    lon2, lat2, _ = GEOD.fwd(lon, lat, 77, 100)
    distance, error = measured(geodesic(ring), (circle(lon2, lat2),))
    assert 100 - size - 0.05 - error <= distance <= 100 + error


def test_huge_polygons() -> None:
    quarter = polygon([[(0, 0), (90, 0), (45, 80)]])
    assert measured(quarter, (circle(45.0, 30.0),))[0] == 0
    distance, error = measured(quarter, (circle(45.0, -3.0),))
    true = float(distance_m(np.array([[45.0, 0.0]]), np.array([[45.0, -3.0]]))[0])
    assert abs(distance - true) <= error
    with pytest.raises(MalformedInput, match="75 degrees"):
        measured(
            polygon([[(-179, -60), (-60, -60), (60, -60), (60, 60), (-179, 60)]]), (circle(0, 0),)
        )


def test_a_long_edge_is_a_geodesic_and_a_straight_line_is_protected_too() -> None:
    """Paris to Tokyo: the readings lie 2,000 km apart, and both are kept."""
    line = [(2.35, 48.85), (139.69, 35.69)]
    both = corridor(line, 1_000)
    assert len(both) == 2
    over_siberia = along(np.array([line[0]]), np.array([line[1]]), np.array([0.5]))[0]
    assert measured(both, (circle(*over_siberia.tolist()),))[0] == 0
    straight = circle((line[0][0] + line[1][0]) / 2, (line[0][1] + line[1][1]) / 2)
    assert measured(both, (straight,))[0] == 0


@given(
    place=anywhere,
    radius=st.floats(0, 20_000),
    width=st.floats(0, 20_000),
    way=st.tuples(st.floats(0, 360), st.floats(1, 40_000)),
)
@settings(max_examples=100)
def test_radii_are_exact_so_touching_is_meeting(
    place: tuple[float, float], radius: float, width: float, way: tuple[float, float]
) -> None:
    """A circle and a corridor's round end, moved until they touch."""
    end = circle(*place)
    here = np.array(end.centre) / E7_PER_DEG
    tail = GEOD.fwd(here[0], here[1], way[0] + 180, 500)[:2]
    radius_mm, width_mm = round(radius * 1000), round(width * 500) * 2
    touch = radius_mm / 1000 + width_mm / 2000
    lon, lat, _ = GEOD.fwd(here[0], here[1], way[0], touch)
    tail_e7 = (round(tail[0] * E7_PER_DEG), round(tail[1] * E7_PER_DEG))
    lane = (Corridor(line=(tail_e7, end.centre), width_mm=width_mm),)
    disc = Circle(centre=circle(lon, lat).centre, radius_mm=radius_mm)
    assert measured(lane, (disc,))[0] == 0
    away = GEOD.fwd(here[0], here[1], way[0], touch + way[1])[:2]
    distance, error = measured(lane, (Circle(centre=circle(*away).centre, radius_mm=radius_mm),))
    assert distance == pytest.approx(way[1], abs=error + 0.02)


def test_the_stated_error_is_small() -> None:
    near = measured((circle(10, 50),), (circle(10, 50.4),))
    assert near[1] <= DISTANCE_ERROR_M + 0.005


def square(lon: float, lat: float, half: float) -> list[tuple[float, float]]:
    return [(lon - half, lat - half), (lon + half, lat - half),
            (lon + half, lat + half), (lon - half, lat + half)]  # fmt: skip


def test_a_ring_outside_its_shell_is_protected_as_a_part_of_its_own() -> None:
    """Merged multi-part perimeters look like this: the second part is no hole."""
    merged = polygon([square(0, 0, 0.02), square(0.2, 0, 0.02)])
    assert measured(merged, (circle(0.0, 0.0),))[0] == 0
    assert measured(merged, (circle(0.2, 0.0),))[0] == 0
    assert measured(merged, (circle(0.1, 0.0),))[0] > 5_000
    island = polygon([square(0, 0, 0.09), square(0, 0, 0.06), square(0, 0, 0.03)])
    assert measured(island, (circle(0.0, 0.0),))[0] == 0
    assert measured(island, (circle(0.045, 0.0),))[0] > 1_000
    half_out = polygon([square(0, 0, 0.05), square(0.05, 0, 0.02)])
    assert measured(half_out, (circle(0.06, 0.0),))[0] == 0


def test_each_part_of_a_polygon_may_lie_within_another() -> None:
    """Far from all edges, one vertex a ring tells; the first ring alone does not."""
    parts = polygon([square(1.0, 0, 0.01), square(0, 0, 0.01)])
    around = polygon([square(0, 0, 0.2)])
    assert measured(parts, around)[0] == 0
    assert measured(around, parts)[0] == 0
    ringed = polygon([square(0, 0, 0.2), square(0, 0, 0.05)])
    assert measured(ringed, polygon([square(0, 0, 0.01)]))[0] > 3_000


@given(
    rings=st.lists(
        st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(0.005, 0.1)),
        min_size=1, max_size=4,
    ),
    at=st.tuples(st.floats(-0.25, 0.25), st.floats(-0.25, 0.25)),
)  # fmt: skip
@settings(max_examples=200)
def test_inside_is_within_an_odd_number_of_rings(
    rings: list[tuple[float, float, float]], at: tuple[float, float]
) -> None:
    within = [max(abs(at[0] - x), abs(at[1] - y)) - half for x, y, half in rings]
    found, error = measured(polygon([square(*ring) for ring in rings]), (circle(*at),))
    if sum(gap < 0 for gap in within) % 2:
        assert found == 0
    elif min(abs(gap) for gap in within) > 1e-4:  # some 11 m from every edge
        assert found > error


@given(
    start=anywhere,
    way=st.tuples(st.floats(0, 360), st.floats(1_000, 20_000)),
    pieces=st.integers(2, 21),
    data=st.data(),
)
def test_cuts_of_an_edge_lie_on_its_geodesic(
    start: tuple[float, float], way: tuple[float, float], pieces: int, data: st.DataObject
) -> None:
    """docs/adr/0004: an edge of up to 20 km is cut without a geodesic, to a tenth of a millimetre.

    A chord's part is the arc's to well under a metre, so the judge looks a metre to each side.
    """
    lon, lat, _ = GEOD.fwd(*start, *way)
    ends = placed_at(np.array([start, (lon, lat)]))
    cuts = spread(ends, np.array([pieces, 1]), np.array([0, pieces]))
    assert len(cuts) == pieces + 1
    part = data.draw(st.integers(1, pieces - 1))
    near = way[1] * part / pieces
    beside = np.full(20_001, 1.0)
    for width in (1.0, 1e-3):
        along_m = near + np.linspace(-width, width, 20_001)
        lons, lats, _ = GEOD.fwd(beside * start[0], beside * start[1], beside * way[0], along_m)
        apart = np.linalg.norm(ecef(lons, lats) - cuts[part, :3], axis=1)
        near = along_m[apart.argmin()]
    assert apart.min() < 1e-4


@given(place=anywhere, beyond=st.just(180.0) | st.floats(0, 180), reach=st.floats(1, 900_000))
@example(place=(-11.875, 89.9999995), beyond=180.0, reach=1_000.0)
def test_a_row_is_found_once_however_runs_wrap(
    place: tuple[float, float], beyond: float, reach: float
) -> None:
    """Also where the two ends of a run around the earth meet: each entry is one meeting."""
    notice = Notice(
        source_id="b", name="b", category="b", party="b",
        volumes=(Volume(footprint=(circle(*place, 0.0),)),),
    )  # fmt: skip
    lon = (place[0] + beyond + 180) % 360 - 180
    plan = Plan(source_id="a", volumes=(Volume(footprint=(circle(lon, place[1], reach),)),))
    assert len(Picture([Known(value=notice)]).meetings([plan])[0]) <= 1
