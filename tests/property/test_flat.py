"""Small shapes in a plane are as far apart as their edges cut into pieces, whoever asks (R-06)."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detente.core.edges import corridor, polygon
from detente.core.geodesy import CURVATURE_RADIUS_MIN_M, FloatArray
from detente.core.plan import Plan
from detente.core.volume import Shape, Volume
from detente.picture._jit import jit
from detente.picture.distance import chord_to_shape, edges_apart
from detente.picture.flat import flat_apart, lie_flat
from detente.picture.places import placed_at
from detente.picture.plane import FLAT_M, in_plane, plane_of, point_at
from detente.picture.question import Question
from detente.picture.tables import ROW, Records, Tables
from judge import GEOD

ROUNDING_M = 1e-6

WITHIN_M = 0.02 + 0.003
"""What a piece may lie under the surface, and how far a geodesic may be from straight."""


@jit
def both(a: Tables, b: Tables, most: float) -> tuple[bool, float, float, float, float]:
    """Whether two shapes lie flat; their edges in the plane, and cut; all of them, from each."""
    p, q = a.rows[0], b.rows[0]
    flat = cut = edges_apart(a.blocks, a.vertices, p, b.blocks, b.vertices, q, most)
    is_flat = lie_flat(p, q) or lie_flat(q, p)
    if lie_flat(p, q):
        flat = flat_apart(a.blocks, a.vertices, p, b.blocks, b.vertices, q, most)
    elif is_flat:
        flat = flat_apart(b.blocks, b.vertices, q, a.blocks, a.vertices, p, most)
    one = chord_to_shape(
        a.blocks, a.rings, a.vertices, p, plane_of(p), b.blocks, b.rings, b.vertices, q, most
    )
    other = chord_to_shape(
        b.blocks, b.rings, b.vertices, q, plane_of(q), a.blocks, a.rings, a.vertices, p, most
    )
    return is_flat, flat, cut, one, other


def laid_out(shape: tuple[Shape, ...]) -> Tables:
    [tables] = Question.of(
        [Plan(source_id="a", volumes=(Volume(footprint=shape),))], None, 0
    ).tables()
    return tables


def ring(lon: float, lat: float, rays: list[tuple[float, float]], size: float) -> list[list[float]]:
    azimuths, shares = zip(*sorted(rays), strict=True)
    lons, lats, _ = GEOD.fwd(
        [lon] * len(rays), [lat] * len(rays), azimuths, [share * size for share in shares]
    )
    return [list(one) for one in zip(lons, lats, strict=True)]


spokes = st.lists(
    st.tuples(st.floats(0, 359.9), st.floats(0.2, 1)),
    min_size=3, max_size=9, unique_by=lambda one: round(one[0]),
)  # fmt: skip
sizes = st.floats(10, 7_900)


@given(
    place=st.tuples(st.floats(-180, 180), st.floats(-89.9, 89.9)), rays=st.tuples(spokes, spokes),
    size=st.tuples(sizes, sizes), off=st.tuples(st.floats(0, 360), st.floats(0, 9_000)),
    way=st.booleans(), most=st.sampled_from([np.inf, 500.0]),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_edges(
    place: tuple[float, float],
    rays: tuple[list[tuple[float, float]], list[tuple[float, float]]],
    size: tuple[float, float],
    off: tuple[float, float],
    *,
    way: bool,
    most: float,
) -> None:
    lon, lat, _ = GEOD.fwd(*place, *off)
    one = laid_out(polygon([ring(*place, rays[0], size[0])]))
    corners = ring(float(lon), float(lat), rays[1], size[1])
    path = [(x, y) for x, y in corners]
    two = laid_out(corridor(path, 0.0) if way else polygon([corners]))
    assume(len(one.rows) == len(two.rows) == 1)
    is_flat, flat, cut, there, back = both(one, two, most)
    assert there == back
    assert abs(flat - cut) <= WITHIN_M
    if sum(size) + off[1] < FLAT_M - 100:
        assert is_flat


@jit
def spots(rows: Records, vertices: FloatArray) -> FloatArray:
    """Where vertices are in the plane of a row, (n, 2)."""
    out, plane = np.empty((len(vertices), 2)), plane_of(rows[0])
    for i in range(len(vertices)):
        out[i, 0], out[i, 1] = in_plane(rows[0], plane, point_at(vertices, i))
    return out


@given(
    place=st.tuples(st.floats(-180, 180), st.floats(-90, 90)),
    ways=st.tuples(*[st.tuples(st.floats(0, 360), st.floats(0, FLAT_M))] * 2),
)
@settings(max_examples=500, deadline=None)
def test_places(place: tuple[float, float], ways: tuple[tuple[float, float], ...]) -> None:
    """The bounds that detente.picture.plane states: a distance in it is never too long."""
    degrees = np.array([place, *(GEOD.fwd(*place, *way)[:2] for way in ways)])
    vertices = placed_at(degrees)
    rows = np.zeros(1, dtype=ROW)
    centre = vertices[0, :3] / np.linalg.norm(vertices[0, :3])
    rows["x"], rows["y"], rows["z"] = centre
    _, one, other = spots(rows, vertices)
    *_, true = GEOD.inv(*degrees[1], *degrees[2])
    apart, radius = float(np.hypot(*(one - other))), CURVATURE_RADIUS_MIN_M
    longer = apart * (FLAT_M**2 / 2 + apart**2 / 24) / radius**2
    assert -ROUNDING_M <= true - apart <= longer + ROUNDING_M
