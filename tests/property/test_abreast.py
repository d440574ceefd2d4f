"""Places measured side by side give what one after another gives, to the bit (R-06)."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.edges import corridor, polygon
from detente.core.geodesy import FloatArray
from detente.core.plan import Plan
from detente.core.volume import E7_PER_DEG, Shape, Volume
from detente.picture._jit import jit
from detente.picture.abreast import (
    NOT_ABREAST,
    PIECES_MAX,
    PLACES,
    chords_abreast,
    lay_abreast,
    new_room,
)
from detente.picture.distance import chord_to_point, place_of
from detente.picture.places import placed_at
from detente.picture.plane import plane_of
from detente.picture.question import Question
from detente.picture.tables import Tables
from judge import GEOD


@jit
def both(
    tables: Tables,
    places: FloatArray,
    most: float,
) -> tuple[FloatArray, int]:
    """Chords of one row and places: (n, 2), side by side and place after place; and how many.

    The places are unit vectors. The room is used again, as for one row after another.
    """
    blocks, rings, vertices = tables.blocks, tables.rings, tables.vertices
    room, row, out = new_room(), tables.rows[0], np.empty((len(places), 2))
    plane = plane_of(row)
    count = lay_abreast(blocks, rings, vertices, row, room.lines)
    for first in range(0, len(places), PLACES):
        some = min(PLACES, len(places) - first)
        for k in range(some):
            x, y, z = places[first + k, 0], places[first + k, 1], places[first + k, 2]
            one = room.whole[0]
            one.x, one.y, one.z = x, y, z
            room.at[0, k], room.at[1, k], room.at[2, k] = x, y, z
            room.most[k] = most
            p = place_of(one)
            out[first + k, 1] = chord_to_point(blocks, rings, vertices, row, plane, p, most)
        if count != NOT_ABREAST:
            chords_abreast(tables, room, count, some, row, plane)
            out[first : first + some, 0] = np.sqrt(room.square[:some])
        else:
            out[first : first + some, 0] = out[first : first + some, 1]
    return out, count


def chords(shape: tuple[Shape, ...], places: FloatArray, most: float) -> tuple[FloatArray, int]:
    plan = Plan(source_id="a", volumes=(Volume(footprint=shape),))
    [tables] = Question.of([plan], None, 0).tables()
    out, count = both(tables, places, most)
    return out, int(count)


def near(lon: float, lat: float, count: int, size: float, seed: int) -> FloatArray:
    """Directions within twice a size, some of them on the very vertex, or behind the earth."""
    rng = np.random.default_rng(seed)
    lons, lats, _ = GEOD.fwd(
        np.full(count, lon), np.full(count, lat), rng.uniform(0, 360, count),
        rng.uniform(0, 2 * size, count),
    )  # fmt: skip
    degrees = np.rint(np.column_stack((lons, lats)) * E7_PER_DEG) / E7_PER_DEG
    degrees[0] = round(lon * E7_PER_DEG) / E7_PER_DEG, round(lat * E7_PER_DEG) / E7_PER_DEG
    placed: FloatArray = placed_at(degrees)[:, :3]
    placed /= np.linalg.norm(placed, axis=1, keepdims=True)
    placed[-1] = -placed[-1]
    return placed


spokes = st.lists(
    st.tuples(st.floats(0, 359.9), st.floats(0.05, 1)),
    min_size=3, max_size=12, unique_by=lambda one: one[0],
)  # fmt: skip
anywhere = st.tuples(st.floats(-180, 180), st.floats(-89.9, 89.9))


@given(
    place=anywhere, rays=spokes, size=st.floats(1, 30_000), seed=st.integers(0, 1 << 30),
    most=st.sampled_from([np.inf, 500.0, 5_000.0]), hole=st.booleans(),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_areas(
    place: tuple[float, float],
    rays: list[tuple[float, float]],
    size: float,
    seed: int,
    most: float,
    hole: bool,
) -> None:
    rays = sorted(rays)
    lon, lat = place
    rings = [
        np.column_stack(
            GEOD.fwd([lon] * len(rays), [lat] * len(rays), [a for a, _ in rays],
                     [share * part * size for _, share in rays])[:2]
        )
        for part in ([1.0, 0.4] if hole else [1.0])
    ]  # fmt: skip
    found, count = chords(
        polygon([ring.tolist() for ring in rings]), near(lon, lat, 40, size, seed), most
    )
    assert (found[:, 0] == found[:, 1]).all()
    if hole or size > PIECES_MAX * 1_000:
        return
    assert count == NOT_ABREAST or 0 < count <= PIECES_MAX
    # What this is about is asked of most areas.
    if size < 2_000:
        assert count > 0


@given(
    place=anywhere, turns=st.lists(st.floats(0, 360), min_size=1, max_size=5),
    size=st.floats(0.1, 8_000), seed=st.integers(0, 1 << 30),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_ways(place: tuple[float, float], turns: list[float], size: float, seed: int) -> None:
    path = [place]
    for azimuth in turns:
        lon, lat, _ = GEOD.fwd(*path[-1], azimuth, size)
        path.append((lon, lat))
    found, _ = chords(corridor(path, 10.0), near(*path[0], 40, size, seed), np.inf)
    assert (found[:, 0] == found[:, 1]).all()
