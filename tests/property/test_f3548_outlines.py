"""What F3548's peers are given of a shape holds all of it (R-06)."""

from itertools import pairwise

import s2geometry as s2
from hypothesis import example, given
from hypothesis import strategies as st

from detente.core.geodesy import GEOD
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Position, Shape, Volume
from detente.node.f3548.cells import VERTICES_MAX
from detente.node.f3548.outlines import outlined

ONE_WAY = st.floats(0, 360)


def moved(place: tuple[float, float], bearing: float, length_m: float) -> tuple[float, float]:
    """Where one comes to along a geodesic; places in degrees."""
    lon, lat, _ = GEOD.fwd(*place, bearing, length_m)
    return lon, lat


def degrees(position: Position) -> tuple[float, float]:
    return position[0] / E7_PER_DEG, position[1] / E7_PER_DEG


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    return float(GEOD.inv(one[0], one[1], other[0], other[1])[2])


def rounded(place: tuple[float, float]) -> Position:
    return round(place[0] * E7_PER_DEG), round(place[1] * E7_PER_DEG)


def holds(outline: Shape, place: tuple[float, float]) -> bool:
    """Whether an outline holds a place; its edges are great circles, as peers may take them."""
    if isinstance(outline, Circle):
        return distance_m(degrees(outline.centre), place) <= outline.radius_m
    assert isinstance(outline, Polygon)
    points = [
        s2.S2LatLng.FromDegrees(y / E7_PER_DEG, x / E7_PER_DEG).ToPoint()
        for x, y in outline.rings[0]
    ]
    loop = s2.S2Loop(points)
    loop.Normalize()
    return bool(loop.Contains(s2.S2LatLng.FromDegrees(place[1], place[0]).ToPoint()))


@st.composite
def lines(draw: st.DrawFn) -> tuple[Position, ...]:
    """A line of up to five positions, each some way from the one before."""
    longitudes = st.integers(-180 * E7_PER_DEG, 180 * E7_PER_DEG)
    latitudes = st.integers(-85 * E7_PER_DEG, 85 * E7_PER_DEG)
    line = [draw(st.tuples(longitudes, latitudes))]
    for _ in range(draw(st.integers(1, 4))):
        length_m = draw(st.floats(1, 100_000))
        line.append(rounded(moved(degrees(line[-1]), draw(ONE_WAY), length_m)))
    return tuple(line)


@example(((0, 200_000_000), (6_784_669, 206_374_050)), 1, 0, [(0.5, 0.0, 0.0)])
@given(
    lines(),
    st.integers(1, 2_000_000),
    st.integers(0, 2_000_000),
    st.lists(st.tuples(st.floats(0, 1), ONE_WAY, st.floats(0, 1)), min_size=5, max_size=20),
)
def test_a_corridor_is_held_with_what_is_around_it(
    line: tuple[Position, ...],
    width_mm: int,
    widen_mm: int,
    draws: list[tuple[float, float, float]],
) -> None:
    there = Volume(footprint=(Corridor(line=line, width_mm=width_mm),))
    outlines = [one.footprint[0] for one in outlined([there], widen_mm)]
    reach_m = (width_mm / 2 + widen_mm) / 1_000
    for start, end in pairwise(line):
        (lon, lat), (lon_to, lat_to) = degrees(start), degrees(end)
        ahead, _, length_m = GEOD.inv(lon, lat, lon_to, lat_to)
        for along, bearing, out in draws:
            place = moved(moved((lon, lat), ahead, length_m * along), bearing, reach_m * out)
            assert any(holds(outline, place) for outline in outlines)


@given(st.lists(lines(), min_size=1, max_size=3), st.integers(0, 1_000_000))
def test_however_many_vertices_there_are_few_are_given_and_hold_all(
    made: list[tuple[Position, ...]], widen_mm: int
) -> None:
    detailed = tuple(made[0][0] for _ in range(VERTICES_MAX // 4))
    shapes = [Corridor(line=(*detailed, *line)) for line in made]
    given_ = outlined([Volume(footprint=(shape,)) for shape in shapes], widen_mm)
    assert len(given_) == len(shapes)
    for shape, volume in zip(shapes, given_, strict=True):
        for position in shape.line[-len(made[0]) :]:
            assert holds(volume.footprint[0], degrees(position))
