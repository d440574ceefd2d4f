"""Footprints as cells: the coarse ground on which F3548 decides who must know of whom.

Two USSs must know of each other's intents when their coverings share a cell of
level 13 (some 1.27 km^2), their altitudes and their times. So a covering may hold
too much and never too little: circles are covered as they are, not inscribed,
and what cannot be covered finely is covered coarsely.

Latitude and longitude on WGS 84 are read as they stand on the unit sphere. A
length on the ellipsoid there becomes at most its share of the smallest radius
of curvature, which is what circles are widened by. Edges are geodesics, cut
into pieces of EDGE_MAX_M; a great circle lies at most 1.7 mm from such a piece
(measured over 20,000 of them in all directions), where F3548 asks for 10 mm.

Source: ASTM F3548-21 annex A2 (polygons, areas); docs/adr/0012.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from itertools import pairwise

import numpy as np
import s2geometry as s2

from detente.core.geodesy import CURVATURE_RADIUS_MAX_M, CURVATURE_RADIUS_MIN_M, GEOD
from detente.core.volume import (
    E7_PER_DEG,
    MM_PER_M,
    Circle,
    Corridor,
    Footprint,
    Polygon,
    Position,
    Ring,
    Shape,
)
from detente.errors import MalformedInput

LEVEL = 13
"""Cells of some 1.27 km^2. All DSS implementations in one airspace must share it:
it is InterUSS's."""

AREA_MAX_KM2 = 2_500.0
"""Of one outline: a metropolitan area. More asks for more names than anyone needs."""

PERIMETER_MAX_M = 4_000_000.0
"""Of one outline: a corridor of 2,000 km, there and back. A line crosses at most
some two cells a kilometre, however little area it encloses."""

CELLS_MAX = 4_096
"""Of all outlines of an intent together: AREA_MAX_KM2 in the smallest cells, with their border."""

VERTICES_MAX = 10_000
"""Of all outlines of an intent together (F3548-21 OiMaxVertices)."""

EDGE_MAX_M = 5_000.0
"""See above."""

COARSE_CELLS_MAX = 64
"""Of a shape that is not bound by these limits, such as a native plan's: covered
with up to this many cells of any size."""

FINE_RADIUS_MAX_M = 40_000.0
"""Of a disc around a shape that is covered finely all the same: some AREA_MAX_KM2, twice."""

MARGIN_MM = 10
"""Circles are widened by F3548's least precision, for the rounding of their centre."""

_FINE_HEIGHT_MAX = 1 - math.cos(FINE_RADIUS_MAX_M / CURVATURE_RADIUS_MIN_M)
"""The height of such a disc above its chord, on the unit sphere."""

_SPHERE_RADIUS_KM = 6_371.01
_LEVELS = 30
_FINE_LOWEST = 1 << (2 * (_LEVELS - LEVEL))
"""A cell's level stands in its lowest bit that is set."""

_FINE_BITS = (_FINE_LOWEST << 1) - 1
_RING_MIN = 3
_FEW = 8
"""Regions that may have COARSE_CELLS_MAX cells each."""

_MANY = 100
"""Positions from which numpy is the faster one."""

_ROUNDING_RAD = 1e-9
"""6 mm: a hundred times what is lost in doubles."""

_STEP_MIN_M = 500.0
"""Discs along a line need not be nearer to each other than half a cell."""

STEPS_MAX = 200
"""Discs along one line; longer ones are cut into longer pieces."""

STEPS_TOGETHER_MAX = 2_000
"""Discs for all shapes of a plan, some 40 ms; more shapes than that get one around all."""

Cells = tuple[int, ...]


def _coverer(level_min: int, cells_max: int) -> s2.S2RegionCoverer:
    made = s2.S2RegionCoverer()
    made.set_min_level(level_min)
    made.set_max_level(LEVEL)
    made.set_max_cells(cells_max)
    return made


_FINE = _coverer(LEVEL, COARSE_CELLS_MAX)
_COARSE = _coverer(0, COARSE_CELLS_MAX)
_COARSEST = _coverer(0, COARSE_CELLS_MAX // _FEW)


def above_each(cells: Iterable[int], level: int) -> list[int]:
    """For each cell, the one of ``level`` that holds it; a cell coarser than that is itself."""
    lowest = 1 << (2 * (_LEVELS - level))
    keep = -lowest
    return [cell if cell & -cell > lowest else (cell & keep) | lowest for cell in cells]


def parents(cells: Iterable[int], level: int) -> set[int]:
    """The cells of a coarser level that hold these."""
    return set(above_each(cells, level))


def is_fine(cell: int) -> bool:
    """Whether a cell is of LEVEL."""
    return cell & _FINE_BITS == _FINE_LOWEST


def level_of(cell: int) -> int:
    """0 for a face of the cube, 30 for a leaf."""
    return _LEVELS - ((cell & -cell).bit_length() - 1) // 2


@lru_cache(maxsize=8_192)
def required(footprint: Footprint) -> Cells:
    """The cells of an outline as F3548 has it, all of LEVEL.

    Raises:
        MalformedInput: Too large, repeated vertices, or edges that cross.
    """
    found: set[int] = set()
    for shape in footprint:
        match shape:
            case Circle():
                _require_area(math.pi * (shape.radius_m / MM_PER_M) ** 2)
                region = _disc(shape.centre, shape.radius_m)
            case Polygon(rings=(ring,), buffer_mm=0):
                region = _outline(ring)
            case _:
                raise MalformedInput("outline", expected="a circle or a polygon without holes")
        found.update(cell.id() for cell in _FINE.GetCovering(region))
    if len(found) > CELLS_MAX:
        raise MalformedInput(
            "outlines", expected=f"at most {CELLS_MAX} cells of about 1.27 km2", got=f"{len(found)}"
        )
    return tuple(sorted(found))


@lru_cache(maxsize=8_192)
def covering(footprint: Footprint, widen_mm: int = 0, steps: int = STEPS_MAX) -> Cells:
    """Cells, LEVEL and coarser, that hold a footprint and all within ``widen_mm`` of it.

    Any footprint has one. An outline that ``required`` takes has the same here.
    A line is covered by at most ``steps`` discs; 0 covers all shapes by one.
    """
    if not widen_mm:
        try:
            return required(footprint)
        except MalformedInput:
            pass  # Not an outline of F3548's: a native plan's shape.
    found: set[int] = set()
    around = [_around(shape, widen_mm) for shape in footprint]
    if not steps:
        around = [reduce(lambda one, other: one.Union(other), around)]
        footprint = footprint[:1]
    for cap, shape in zip(around, footprint, strict=True):
        regions = list(_regions(shape, widen_mm, steps)) if steps else [cap]
        coverer = _FINE
        if not _is_small(cap):
            coverer = _COARSE if len(regions) <= _FEW else _COARSEST
        for region in regions:
            found.update(cell.id() for cell in coverer.GetCovering(region))
    return tuple(sorted(found))


def forget_cells() -> None:
    """Let go of all outlines that were covered before: one of them was erased."""
    required.cache_clear()
    covering.cache_clear()


def steps_for(shapes: int) -> int:
    """How many discs each of so many shapes may take."""
    return min(STEPS_MAX, STEPS_TOGETHER_MAX // shapes)


def circle_around(shapes: Sequence[Shape], widen_mm: int) -> Circle:
    """One circle, of any size, that holds shapes and all within ``widen_mm`` of them."""
    caps = [_around(shape, widen_mm) for shape in shapes]
    cap = reduce(lambda one, other: one.Union(other), caps)
    centre = s2.S2LatLng(cap.center())
    # A length on the sphere becomes at most its share of the largest radius of curvature.
    angle = 2 * math.asin(math.sqrt(min(1.0, cap.height() / 2))) + _ROUNDING_RAD
    radius_mm = math.ceil(angle * CURVATURE_RADIUS_MAX_M * MM_PER_M) + MARGIN_MM
    lon, lat = centre.lng().degrees(), centre.lat().degrees()
    return Circle(
        centre=(round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)),
        radius_mm=radius_mm,
    )


def is_simple(ring: Ring) -> bool:
    """Whether no vertex of a ring comes twice, and none of its edges cross."""
    return bool(s2.S2Loop([_point(position) for position in ring]).IsValid())


def _is_small(cap: s2.S2Cap) -> bool:
    return bool(cap.height() <= _FINE_HEIGHT_MAX)


def _point(position: Position) -> s2.S2Point:
    lon, lat = position
    return s2.S2LatLng.FromDegrees(lat / E7_PER_DEG, lon / E7_PER_DEG).ToPoint()


def _angle(length_m: float) -> s2.S1Angle:
    return s2.S1Angle.Radians(min(math.pi, length_m / CURVATURE_RADIUS_MIN_M))


def _disc(centre: Position, radius_m: float) -> s2.S2Cap:
    return s2.S2Cap(_point(centre), _angle(radius_m + MARGIN_MM / MM_PER_M))


def _require_area(area_km2: float) -> None:
    if area_km2 > AREA_MAX_KM2:
        raise MalformedInput(
            "area", expected=f"at most {AREA_MAX_KM2:.0f} km2", got=f"{area_km2:.0f} km2"
        )


def _outline(ring: Ring) -> s2.S2Loop:
    """The smaller of the two areas that a ring encloses.

    Raises:
        MalformedInput: As ``required``.
    """
    if len(ring) < _RING_MIN:
        raise MalformedInput("polygon", expected="at least 3 vertices", got=f"{len(ring)}")
    pieces = list(_pieces(ring))
    loop = s2.S2Loop([_point(position) for position in pieces])
    if not loop.IsValid():
        raise MalformedInput("polygon", expected="no vertex twice, and edges that do not cross")
    loop.Normalize()
    _require_area(loop.GetArea() * _SPHERE_RADIUS_KM**2)
    return loop


def _pieces(ring: Ring) -> Iterator[Position]:
    """The ring's positions, with more of them on long edges.

    Raises:
        MalformedInput: Longer than PERIMETER_MAX_M.
    """
    total_m = 0.0
    for start, end in zip(ring, (*ring[1:], ring[0]), strict=True):
        yield start
        length_m = _length_m(start, end)
        total_m += length_m
        if total_m > PERIMETER_MAX_M:
            raise MalformedInput(
                "outline", expected=f"at most {PERIMETER_MAX_M / MM_PER_M:.0f} km around"
            )
        if length_m > EDGE_MAX_M:
            yield from _between(start, end, EDGE_MAX_M, length_m)


def _length_m(start: Position, end: Position) -> float:
    """About, and not less than, how far two positions are apart (to 1 %)."""
    lat = math.radians(start[1] / E7_PER_DEG)
    d_lat = math.radians((end[1] - start[1]) / E7_PER_DEG)
    d_lon = math.radians((end[0] - start[0]) / E7_PER_DEG)
    half = (
        math.sin(d_lat / 2) ** 2 + math.cos(lat) * math.cos(lat + d_lat) * math.sin(d_lon / 2) ** 2
    )
    return 2 * 6_400_000.0 * math.asin(math.sqrt(min(1.0, half)))


def _between(start: Position, end: Position, step_m: float, length_m: float) -> Iterator[Position]:
    """Positions on the geodesic, at most ``step_m`` apart, without its ends."""
    count = math.ceil(length_m / step_m) - 1
    if count < 1:
        return
    lon_from, lat_from, lon_to, lat_to = [one / E7_PER_DEG for one in (*start, *end)]
    for lon, lat in GEOD.npts(lon_from, lat_from, lon_to, lat_to, count):
        yield round(lon * E7_PER_DEG), round(lat * E7_PER_DEG)


def _regions(shape: Shape, widen_mm: int, steps: int) -> Iterator[s2.S2Cap | s2.S2Loop]:
    """Regions that together hold a shape of any size and form, widened."""
    if shape.vertex_count > steps:
        yield _around(shape, widen_mm)
        return
    match shape:
        case Circle():
            yield _disc(shape.centre, shape.radius_m + widen_mm / MM_PER_M)
        case Corridor():
            reach_m = shape.radius_m + (shape.edge_error_mm + widen_mm) / MM_PER_M
            yield from _swept(shape.line, reach_m, steps)
        case Polygon():  # pragma: no branch - mypy knows that these are all
            reach_m = shape.radius_m + (shape.edge_error_mm + widen_mm) / MM_PER_M
            for ring in shape.rings:
                yield from _swept((*ring, ring[0]), reach_m, steps)
                yield _inside(ring)


def _inside(ring: Ring) -> s2.S2Cap | s2.S2Loop:
    """What a ring encloses; where that is not simple, a disc around all of it."""
    distinct = [one for one, after in zip(ring, (*ring[1:], ring[0]), strict=True) if one != after]
    if len(distinct) < _RING_MIN:
        return s2.S2Cap.FromPoint(_point(ring[0]))
    loop = s2.S2Loop([_point(position) for position in distinct])
    if loop.IsValid():
        loop.Normalize()
        return loop
    return _cap(ring)


def _around(shape: Shape, widen_mm: int) -> s2.S2Cap:
    """One disc around a shape of many vertices, widened."""
    match shape:
        case Circle():
            return _disc(shape.centre, shape.radius_m + widen_mm / MM_PER_M)
        case Corridor():
            positions: Sequence[Position] = shape.line
        case Polygon():  # pragma: no branch - mypy knows that these are all
            positions = [position for ring in shape.rings for position in ring]
    reach_m = shape.radius_m + (shape.edge_error_mm + widen_mm + MARGIN_MM) / MM_PER_M
    return _cap(positions).Expanded(_angle(reach_m))


def _cap(positions: Sequence[Position]) -> s2.S2Cap:
    """A disc that holds positions, and so the geodesics between them.

    A disc smaller than a hemisphere holds the shortest line between any two of
    its points.
    """
    if len(positions) > _MANY:
        return _cap_of_many(positions)
    cap = s2.S2Cap.FromPoint(_point(positions[0]))
    for position in positions:
        cap.AddPoint(_point(position))
    return cap


def _cap_of_many(positions: Sequence[Position]) -> s2.S2Cap:
    """The same, a hundred times as fast, around the middle of their bounds."""
    degrees = np.array(positions, dtype=np.float64) / E7_PER_DEG
    middle = (degrees.min(axis=0) + degrees.max(axis=0)) / 2
    lon, lat = np.radians(degrees - [middle[0], 0]).T
    lat_middle = math.radians(middle[1])
    half = np.sin((lat - lat_middle) / 2) ** 2
    half += np.cos(lat) * math.cos(lat_middle) * np.sin(lon / 2) ** 2
    angle = 2 * math.asin(math.sqrt(min(1.0, float(half.max())))) + _ROUNDING_RAD
    centre = s2.S2LatLng.FromDegrees(float(middle[1]), float(middle[0])).ToPoint()
    return s2.S2Cap(centre, s2.S1Angle.Radians(min(math.pi, angle)))


def _swept(line: Sequence[Position], radius_m: float, steps: int) -> Iterator[s2.S2Cap]:
    """Discs along a line that together hold all within ``radius_m`` of it."""
    step_m = max(_STEP_MIN_M, radius_m)
    whole_m = sum(_length_m(start, end) for start, end in pairwise(line))
    step_m = max(step_m, whole_m / steps)
    reach_m = math.hypot(radius_m, step_m)
    yield _disc(line[0], reach_m)
    for start, end in pairwise(line):
        for position in _between(start, end, step_m, _length_m(start, end)):
            yield _disc(position, reach_m)
        yield _disc(end, reach_m)
