"""Shapes of the register as outlines that F3548 has: circles, and polygons without holes.

What others are given holds what is meant and never less: holes are filled, a line
becomes a rectangle around each of its legs, and what would take more vertices than
a USS must read becomes one circle. Edges are geodesics, as the register's are.

Source: ASTM F3548-21 annex A2 (Volume3D); docs/rules/R-06.md.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from detente.core.geodesy import CURVATURE_RADIUS_MIN_M, GEOD
from detente.core.volume import (
    E7_PER_DEG,
    MM_PER_M,
    Circle,
    Corridor,
    Polygon,
    Position,
    Ring,
    Shape,
    Volume,
)
from detente.node.f3548.cells import MARGIN_MM, VERTICES_MAX, circle_around, is_simple

Outline = Circle | Polygon
"""A circle, or a polygon of one ring."""

LEG_MAX_M = 500_000.0
"""Longer legs are cut: beside a great circle of that length another one bends 0.1 % outwards."""

STRETCH = 1.005
"""A rectangle is so much wider and longer than the sphere asks: more than the flattening."""

_CORNERS = 4
_RING_MIN = 3


def outlined(volumes: Sequence[Volume], widen_mm: int = 0) -> tuple[Volume, ...]:
    """Volumes of one outline each that together hold these, widened on all sides.

    At most VERTICES_MAX positions in all: else each shape becomes a circle, and
    where those are too many, each volume does.

    Args:
        volumes: Of any shapes.
        widen_mm: Millimetres.
    """
    for cut in (_exact, _circles, _one_circle):
        if sum(map(_weight(cut, widen_mm), volumes)) <= VERTICES_MAX:
            break
    return tuple(
        Volume(
            footprint=(outline,),
            lower_mm=volume.lower_mm,
            upper_mm=volume.upper_mm,
            start=volume.start,
            end=volume.end,
        )
        for volume in volumes
        for outline in cut(volume, widen_mm)
    )


def _weight(
    cut: Callable[[Volume, int], Iterator[Outline]], widen_mm: int
) -> Callable[[Volume], int]:
    """Positions that a volume takes, before any is computed."""

    def weight(volume: Volume) -> int:
        if cut is _one_circle:
            return 1
        if cut is _circles:
            return len(volume.footprint)
        return sum(
            shape.vertex_count * (1 if _is_plain(shape, widen_mm) else 1 + _CORNERS)
            for shape in volume.footprint
        )

    return weight


def _is_plain(shape: Shape, widen_mm: int) -> bool:
    """Whether it has no legs to be walked along."""
    if isinstance(shape, Circle):
        return True
    return isinstance(shape, Polygon) and not shape.buffer_mm + shape.edge_error_mm + widen_mm


def _exact(volume: Volume, widen_mm: int) -> Iterator[Outline]:
    for shape in volume.footprint:
        match shape:
            case Circle():
                yield _widened(shape, widen_mm)
            case Corridor():
                yield from _legs(shape.line, _reach_mm(shape, widen_mm))
            case Polygon():  # pragma: no branch - mypy knows that these are all
                yield from _polygon(shape, widen_mm)


def _circles(volume: Volume, widen_mm: int) -> Iterator[Outline]:
    for shape in volume.footprint:
        yield circle_around((shape,), widen_mm)


def _one_circle(volume: Volume, widen_mm: int) -> Iterator[Outline]:
    yield circle_around(volume.footprint, widen_mm)


def _widened(circle: Circle, widen_mm: int) -> Circle:
    """A circle; a point is the smallest that F3548 can say."""
    return Circle(centre=circle.centre, radius_mm=max(1, circle.radius_mm + widen_mm))


def _reach_mm(shape: Corridor | Polygon, widen_mm: int) -> int:
    own_mm = math.ceil(shape.radius_m * MM_PER_M)
    return own_mm + shape.edge_error_mm + widen_mm


def _polygon(shape: Polygon, widen_mm: int) -> Iterator[Outline]:
    """Each ring filled, and what is around it; one circle where a ring crosses itself."""
    reach_mm = _reach_mm(shape, widen_mm)
    rings = [_open(ring) for ring in shape.rings]
    if any(len(ring) >= _RING_MIN and not is_simple(ring) for ring in rings):
        yield circle_around((shape,), widen_mm)
        return
    for ring in rings:
        if len(ring) >= _RING_MIN:
            yield Polygon(rings=(ring,))
        if reach_mm or len(ring) < _RING_MIN:
            yield from _legs((*ring, ring[0]), reach_mm)


def _open(ring: Ring) -> Ring:
    """A ring without a vertex that follows itself, the last one before the first included."""
    distinct = tuple(one for one, after in zip(ring, (*ring[1:], ring[0]), strict=True)
                     if one != after)  # fmt: skip
    return distinct or ring[:1]


def _legs(line: Sequence[Position], reach_mm: int) -> Iterator[Outline]:
    """Around each leg all that lies within a distance of it; around a point a circle."""
    legs = [(start, end) for start, end in pairwise(line) if start != end]
    if not legs:
        yield Circle(centre=line[0], radius_mm=max(1, reach_mm))
    for start, end in legs:
        yield from _leg(start, end, reach_mm)


def _leg(start: Position, end: Position, reach_mm: int) -> Iterator[Outline]:
    ends = (*_degrees(start), *_degrees(end))
    _, _, length_m = GEOD.inv(*ends)
    pieces = max(1, math.ceil(length_m / LEG_MAX_M))
    # Peers may take edges for great circles, which leave geodesics by as much: 0.7 m in 100 km.
    bend_m = GEOD.f * (length_m / pieces) ** 2 / (8 * CURVATURE_RADIUS_MIN_M)
    reach_m = ((reach_mm + MARGIN_MM) / MM_PER_M + bend_m) * STRETCH
    between = GEOD.npts(*ends, pieces - 1) if pieces > 1 else []
    points = [ends[:2], *between, ends[2:]]
    for (lon_from, lat_from), (lon_to, lat_to) in pairwise(points):
        ahead, back, _ = GEOD.inv(lon_from, lat_from, lon_to, lat_to)
        # Both azimuths point away from the leg.
        corners = (*_end(lon_to, lat_to, back + 180, reach_m),
                   *_end(lon_from, lat_from, ahead + 180, reach_m))  # fmt: skip
        yield Polygon(rings=(corners,))


def _end(lon: float, lat: float, azimuth: float, reach_m: float) -> tuple[Position, Position]:
    """The two corners beyond one end of a leg, the left one first."""
    lon, lat, back = GEOD.fwd(lon, lat, azimuth, reach_m)
    ahead = back + 180
    left, right = (GEOD.fwd(lon, lat, ahead + turn, reach_m) for turn in (-90, 90))
    return _position(*left[:2]), _position(*right[:2])


def _degrees(position: Position) -> tuple[float, float]:
    return position[0] / E7_PER_DEG, position[1] / E7_PER_DEG


def _position(lon: float, lat: float) -> Position:
    return round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)
