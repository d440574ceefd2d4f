"""A drawing holds what it draws, judged by pyproj and by the kernels of the check (R-06).

Points within a radius of a shape's core, as pyproj's geodesics place them, and points that a
check would find inside, are in the drawing: at the poles and the antimeridian as elsewhere.
"""

from itertools import pairwise

import numpy as np
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detente.core.check import Known
from detente.core.drawn import Drawing, drawing_of, rounded
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.volume import Circle, Corridor, Polygon, Shape, Volume
from detente.errors import MalformedInput
from detente.picture import Picture
from judge import GEOD, FloatArray

EPS_DEG = 1e-9
"""A tenth of a millimetre, for what the oracle rounds."""

anywhere = st.tuples(
    st.one_of(st.integers(-1_800_000_000, 1_800_000_000), st.sampled_from([1_800_000_000, 0])),
    st.one_of(
        st.integers(-900_000_000, 900_000_000),
        st.sampled_from([900_000_000, 899_999_000, -899_500_000, 0]),
    ),
)
radii_mm = st.one_of(st.integers(0, 50_000), st.integers(0, 1_000_000_000))


@st.composite
def paths(draw: st.DrawFn, *, least: int) -> tuple[tuple[int, int], ...]:
    """Vertices within some way of one another, anywhere."""
    lon, lat = draw(anywhere)
    reach_m = draw(st.sampled_from([100.0, 10_000.0, 500_000.0, 3_000_000.0]))
    count = draw(st.integers(least, 7))
    steps = draw(
        st.lists(st.tuples(st.floats(0, 360), st.floats(0, 1)), min_size=count, max_size=count)
    )
    out = [GEOD.fwd(lon / 1e7, lat / 1e7, a, r * reach_m)[:2] for a, r in steps]
    return tuple((round(x * 1e7), round(y * 1e7)) for x, y in out)


def drawn(shape: Shape) -> Drawing:
    return rounded(drawing_of([Volume(footprint=(shape,))]))


def outside_deg(drawing: Drawing, places: FloatArray) -> float:
    """How far the farthest of some places lies outside; both edges of a map are one."""
    shapely.prepare(drawing)
    points = shapely.points(places)
    apart = shapely.distance(points, drawing)
    other = np.where(np.abs(places[:, 0]) > 179.999_999, -np.sign(places[:, 0]), 0) * 360
    mirrored = shapely.points(places + np.column_stack([other, np.zeros(len(other))]))
    apart = np.minimum(apart, shapely.distance(mirrored, drawing))
    # At a pole, all longitudes are one place.
    polar = np.abs(places[:, 1]) > 90 - 1e-9
    return float(np.where(polar & (drawing.bounds[3] > 90 - 1e-6), 0, apart).max())


def along(line: tuple[tuple[int, int], ...], pieces: int) -> FloatArray:
    """Places on the geodesics of a line."""
    out = [np.array([line[0]]) / 1e7]
    for (x, y), (u, v) in pairwise(line):
        azimuth, _, length_m = GEOD.inv(x / 1e7, y / 1e7, u / 1e7, v / 1e7)
        share = np.arange(1, pieces + 1) / pieces * length_m
        there = GEOD.fwd([x / 1e7] * pieces, [y / 1e7] * pieces, [azimuth] * pieces, share)
        out.append(np.column_stack(there[:2]))
    return np.concatenate(out)


def around(places: FloatArray, radius_m: float) -> FloatArray:
    """Places on the rim of discs around places."""
    azimuth = np.tile(np.linspace(0, 360, 37), len(places))
    each = np.repeat(places, 37, axis=0)
    out = GEOD.fwd(each[:, 0], each[:, 1], azimuth, np.full(len(each), radius_m))
    return np.column_stack(out[:2])


@given(centre=anywhere, radius_mm=radii_mm)
@example(centre=(1_800_000_000, 0), radius_mm=1_000_000)
@example(centre=(0, 899_999_000), radius_mm=20_000)
@example(centre=(0, 600_000_000), radius_mm=1_000_000_000)
@settings(max_examples=100)
def test_a_circle_is_held_and_not_by_much(centre: tuple[int, int], radius_mm: int) -> None:
    drawing = drawn(Circle(centre=centre, radius_mm=radius_mm))
    place = np.array([centre]) / 1e7
    rim = around(place, radius_mm / 1_000)
    assert outside_deg(drawing, rim) <= EPS_DEG
    assert outside_deg(drawing, around(place, radius_mm / 2_000)) <= EPS_DEG
    if abs(centre[1]) < 700_000_000 and radius_mm < 10_000_000:
        corners = shapely.get_coordinates(drawing)
        corners = corners[np.abs(corners[:, 0]) < 180]
        far = GEOD.inv(
            np.full(len(corners), place[0, 0]), np.full(len(corners), place[0, 1]), *corners.T
        )[2]
        assert max(far, default=0) <= 1.02 * radius_mm / 1_000 + 0.1


@given(line=paths(least=1), width_mm=radii_mm)
@example(line=((1_790_000_000, 0), (-1_790_000_000, 10_000_000)), width_mm=0)
@settings(max_examples=100)
def test_a_corridor_is_held(line: tuple[tuple[int, int], ...], width_mm: int) -> None:
    drawing = drawn(Corridor(line=line, width_mm=width_mm))
    core = along(line, 12)
    if drawing.geom_type in {"LineString", "MultiLineString"}:
        # A line without width: as close as geodesics are followed, and never a polygon.
        assert width_mm == 0
        assert outside_deg(drawing, core) <= 2 / 111_000 / max(
            0.001, np.cos(np.radians(np.abs(core[:, 1]).max()))
        )
        return
    assert outside_deg(drawing, core) <= EPS_DEG
    assert outside_deg(drawing, around(core, width_mm / 2_000)) <= EPS_DEG


def _known(shape: Shape) -> Known:
    volumes = (Volume(footprint=(shape,)),)
    return Known(value=Notice(source_id="n", name="n", category="n", volumes=volumes))


def inside(shape: Shape, places: FloatArray) -> tuple[FloatArray, float]:
    """Those places that a check finds in a shape, and its own error, metres."""
    plans = [
        Plan(
            source_id=str(n),
            volumes=(Volume(footprint=(Circle(centre=(round(x * 1e7), round(y * 1e7))),)),),
        )
        for n, (x, y) in enumerate(places)
    ]
    met = Picture([_known(shape)]).meetings(plans)
    rows = [n for n, found in enumerate(met) if any(one.distance_m == 0 for one in found)]
    error_m = max((one.distance_error_m for found in met for one in found), default=0.0)
    return np.round(places[rows], 7), error_m


@given(
    rings=st.lists(paths(least=3), min_size=1, max_size=3),
    buffer_mm=st.one_of(st.just(0), radii_mm),
    share=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=30, max_size=30),
)
@settings(max_examples=80)
def test_a_polygon_is_held(
    rings: list[tuple[tuple[int, int], ...]], buffer_mm: int, share: list[tuple[float, float]]
) -> None:
    shape = Polygon(rings=tuple(rings), buffer_mm=buffer_mm)
    try:
        Picture([_known(shape)])
    except MalformedInput:
        return  # Too wide to be measured, and so refused.
    places = np.concatenate([along((*one, one[0]), 6) for one in rings])
    rims = around(places, buffer_mm / 1_000)
    # Between any two places of its edges is often within it.
    number = (np.array(share) * (len(rims) - 1)).astype(int)
    lon, lat = rims[number[:, 0]].T
    az, _, length = GEOD.inv(lon, lat, *rims[number[:, 1]].T)
    between = np.column_stack(GEOD.fwd(lon, lat, az, np.array(length) / 2)[:2])
    found, error_m = inside(shape, np.concatenate([between, places]))
    drawing = drawn(shape)
    assert outside_deg(drawing, places) <= EPS_DEG
    assert outside_deg(drawing, rims) <= EPS_DEG
    if len(found):
        # The kernels err towards protection, and places are rounded.
        narrow = max(0.0005, np.cos(np.radians(np.abs(found[:, 1]).max())))
        assert outside_deg(drawing, found) <= (error_m + 0.02) / 110_000 / narrow


@given(
    stops=st.lists(st.integers(-1_000_000, 1_000_000), min_size=3, max_size=7, unique=True),
    meridian=st.booleans(),
    aside=st.sampled_from([0, 1, -200]),
    buffer_mm=st.integers(1, 50_000),
    line=st.booleans(),
)
@settings(max_examples=200)
def test_what_turns_back_upon_itself_is_held_to_its_ends(
    stops: list[int], meridian: bool, aside: int, buffer_mm: int, line: bool
) -> None:
    path = [(one, 276_843_200) for one in stops]
    path[-1] = (path[-1][0], 276_843_200 + aside)
    if meridian:
        path = [(lat, lon) for lon, lat in path]
    ring = tuple(path)
    corridor = Corridor(line=(*ring, ring[0]), width_mm=2 * buffer_mm)
    drawing = drawn(corridor if line else Polygon(rings=(ring,), buffer_mm=buffer_mm))
    places = around(along((*ring, ring[0]), 4), buffer_mm / 1_000)
    assert outside_deg(drawing, places) <= EPS_DEG
