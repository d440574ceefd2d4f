"""Volumes as drawings in degrees that hold them, for maps and GIS.

A drawing's edges are straight in longitude and latitude, as GeoJSON's are (RFC 7946
section 3.1.1), and it lies between -180 and 180 degrees, cut at the antimeridian. No place
of the footprint is outside of it. Only a lone point and a line without width stay what they
are; all else becomes polygons.

Why it holds what it draws: the ellipsoid's metric is M^2 dlat^2 + N^2 cos^2(lat) dlon^2 with
N >= M, and M grows with the latitude. So whoever is within r of a place on the ellipsoid is
within r / M of it on a unit sphere with the same latitudes and longitudes, M taken nearest
to the equator. There the half-angle formula bounds both differences, and a disc lies in an
ellipse of the plane of degrees.

Source: docs/rules/R-06.md; docs/adr/0024.
"""

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

from detente.core.edges import edge_differences_mm
from detente.core.geodesy import ECCENTRICITY_SQUARED, GEOD, SEMI_MAJOR_M, FloatArray
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Corridor, Position, Shape, Volume

Drawing = Any
"""A geometry of shapely, which has no types: degrees, longitude first."""

ROUNDING_M = 0.02
"""Added around everything: coordinates are written to 1e-7 degree, 8 mm aside at most, and
places on a line are computed to less than a millimetre."""

FOLLOWED_MM = 1_000
"""Geodesics are followed this closely by edges straight in degrees, where PARTS_MAX lets them;
what is left is added around them."""

PARTS_MAX = 500
"""Parts of one edge: enough for half of the earth's circumference at 60 degrees."""

CORNERS = 32
"""Of a circle. Circumscribed, its corners lie 0.5 % outside."""

ROUNDED = 1.012 / math.cos(math.pi / CORNERS)
"""GEOS draws the rounded corners of what it widens inside the circle, and leaves out vertices
of the line that is widened as far as that moves it by 1 %."""

CHUNK_DEG = 2.0
"""A corridor is widened in parts of this much latitude: how wide a degree is differs in each."""

_CORNER = np.linspace(0, 2 * math.pi, CORNERS, endpoint=False)
_ELLIPSE = np.column_stack([np.sin(_CORNER), np.cos(_CORNER)]) / math.cos(math.pi / CORNERS)
_WORLD = shapely.box(-180, -90, 180, 90)
_QUARTER = CORNERS // 4
_POLE = 90.0
_RING_MIN = 3


def drawing_of(volumes: Iterable[Volume]) -> Drawing:
    """A drawing that holds the footprints of all volumes.

    Args:
        volumes: At least one.
    """
    parts = [_shape(shape) for volume in volumes for shape in volume.footprint]
    if len(parts) == 1:
        return parts[0]
    if len({shapely.get_dimensions(one) for one in parts}) > 1:
        # One kind of geometry: what reads files of layers has no use for a mixture.
        parts = [held(one) for one in parts]
    return shapely.union_all(parts)


def rounded(drawing: Drawing) -> Drawing:
    """The drawing as it is written: 1e-7 degree, outer rings counterclockwise (RFC 7946)."""
    return shapely.orient_polygons(shapely.transform(drawing, lambda degrees: degrees.round(7)))


def _shape(shape: Shape) -> Drawing:
    """One shape."""
    if isinstance(shape, Circle):
        place = _degrees((shape.centre,))[0]
        if shape.radius_mm == 0:
            return shapely.Point(place)
        return _disc(place, shape.radius_m + ROUNDING_M)
    error_mm = shape.edge_error_mm
    if isinstance(shape, Corridor):
        line, apart_mm = _followed(_degrees(shape.line))
        if len(set(shape.line)) == 1:
            return _disc(line[0], shape.radius_m + error_mm / MM_PER_M + ROUNDING_M)
        reach_m = shape.radius_m + (error_mm + apart_mm) / MM_PER_M
        thin = shape.width_mm == error_mm == 0 and apart_mm <= FOLLOWED_MM
        if thin and _circles(line) and np.abs(line[:, 1]).max() < _POLE:
            return _cut(shapely.LineString(line))
        return _widened_line(line, reach_m + ROUNDING_M)
    rings, apart = zip(*(_followed(_degrees((*one, one[0]))) for one in shape.rings), strict=True)
    reach_m = shape.radius_m + (error_mm + max(apart)) / MM_PER_M + ROUNDING_M
    return _widened_rings(list(rings), reach_m)


def _circles(line: FloatArray) -> bool:
    """Whether a line goes less than once around the earth."""
    return bool(np.ptp(line[:, 0]) < 360)  # noqa: PLR2004 - degrees


def _degrees(positions: Sequence[Position]) -> FloatArray:
    """(n, 2) float64 lon/lat degrees; longitudes go on beyond 180 where a line does."""
    out = np.array(positions, dtype=np.float64) / E7_PER_DEG
    _unwrap(out[:, 0])
    return out


def _unwrap(lon: FloatArray) -> None:
    """Let longitudes go on beyond 180; by whole turns, so that a ring stays closed to the bit."""
    lon[1:] -= 360 * np.cumsum(np.round(np.diff(lon) / 360))


def _followed(path: FloatArray) -> tuple[FloatArray, float]:
    """Geodesics followed by edges straight in degrees, and how far they are apart, mm."""
    differences = edge_differences_mm(path)
    if not len(differences) or differences.max() <= FOLLOWED_MM:
        return path, float(differences.max(initial=0.0))
    parts = np.clip(np.ceil(np.sqrt(differences / FOLLOWED_MM)), 1, PARTS_MAX).astype(int)
    places = [path[:1]]
    for (start, end), count in zip(pairwise(path), parts, strict=True):
        if count > 1:
            (lon, lat), (lon_end, lat_end) = start, end
            between = GEOD.npts(lon, lat, lon_end, lat_end, int(count) - 1)
            places.append(np.array(between, dtype=np.float64))
        places.append(end[None])
    out = np.concatenate(places)
    _unwrap(out[:, 0])
    return out, float(edge_differences_mm(out).max())


def _reach_deg(lat_low: float, lat_high: float, reach_m: float) -> tuple[float, float] | None:
    """How far a disc around a place between two latitudes reaches, in longitude and latitude.

    Args:
        lat_low: Degrees from the equator, at least.
        lat_high: Degrees from the equator, at most.
        reach_m: The disc's radius.

    Returns:
        Degrees; None where it holds a pole, or goes around one.
    """
    # Twice: how near to the equator it comes decides how short a degree of latitude is there.
    up = reach_m / _meridian_m(0.0)
    up = reach_m / _meridian_m(max(0.0, math.radians(lat_low) - up))
    high = math.radians(lat_high)
    if high + up >= math.pi / 2:
        return None
    narrow = math.sqrt(math.cos(high) * math.cos(high + up))
    sine = math.sin(up / 2) / narrow
    if sine >= 1:
        return None
    return math.degrees(2 * math.asin(sine)), math.degrees(up)


def _meridian_m(lat: float) -> float:
    """Radius of curvature of the meridian at a latitude in radians: EPSG Guidance Note 7-2."""
    return float(
        SEMI_MAJOR_M
        * (1 - ECCENTRICITY_SQUARED)
        / (1 - ECCENTRICITY_SQUARED * math.sin(lat) ** 2) ** 1.5
    )


def _disc(place: FloatArray, reach_m: float) -> Drawing:
    lat = abs(float(place[1]))
    reach = _reach_deg(lat, lat, reach_m)
    if reach is None:
        return _around_pole(place[None], reach_m)
    return _cut(shapely.Polygon(place + _ELLIPSE * reach))


def held(drawing: Drawing) -> Drawing:
    """Points and lines as polygons that hold them; polygons as they are."""
    if shapely.get_dimensions(drawing) == 2:  # noqa: PLR2004 - an area
        return drawing
    return shapely.union_all([_held(part) for part in shapely.get_parts(drawing)])


def _held(part: Drawing) -> Drawing:
    """One point or line."""
    places = shapely.get_coordinates(part)
    if shapely.get_dimensions(part) == 0:
        return _disc(places[0], ROUNDING_M)
    return _widened_line(places, FOLLOWED_MM / MM_PER_M + ROUNDING_M)


def _widened_line(line: FloatArray, reach_m: float) -> Drawing:
    parts = []
    first = 0
    for last in range(1, len(line)):
        if last == len(line) - 1 or np.ptp(line[first : last + 2, 1]) > CHUNK_DEG:
            part = line[first : last + 1]
            parts.append(_widened(_open(part), part, reach_m))
            first = last
    return shapely.union_all(parts)


def _widened_rings(rings: list[FloatArray], reach_m: float) -> Drawing:
    places = np.concatenate(rings)
    if any(abs(ring[-1, 0] - ring[0, 0]) > 1 for ring in rings):
        return _around_pole(places, reach_m)
    middle = rings[0][:, 0].mean()
    for ring in rings[1:]:
        ring[:, 0] += 360 * round((middle - ring[:, 0].mean()) / 360)
    lines = [shapely.LineString(ring) for ring in rings]
    areas = [shapely.Polygon(ring) for ring in rings if len(ring) > _RING_MIN]
    if all(shapely.is_valid(area) for area in areas):
        region = reduce(shapely.symmetric_difference, areas, shapely.Polygon())
    else:
        # A ring that crosses itself encloses all its loops, and takes nothing away here.
        faces = shapely.polygonize([shapely.union_all(lines)])
        region = shapely.union_all(shapely.get_parts(faces))
    # All edges belong to a polygon, those too that two of its rings share.
    pieces = [piece for ring in rings for piece in shapely.get_parts(_open(ring))]
    edges = _widened(shapely.MultiLineString(pieces), places, reach_m)
    if shapely.is_empty(region):
        return edges
    return shapely.union(_widened(region, places, reach_m), edges)


def _open(line: FloatArray) -> Drawing:
    """A line in pieces whose ends differ.

    GEOS widens a closed line as a ring, from both sides. Where a ring turns by exactly half a
    circle, it draws the corner of one side inwards, and leaves out the end of that spike.
    """
    elsewhere = (line != line[0]).any(axis=1)
    if elsewhere[-1] or not elsewhere.any():
        return shapely.LineString(line)
    turn = int(elsewhere.argmax())
    return shapely.MultiLineString([line[: turn + 1], line[turn:]])


def _widened(geometry: Drawing, places: FloatArray, reach_m: float) -> Drawing:
    """A geometry of these vertices with all that lies within a reach of it."""
    lat = np.abs(places[:, 1])
    low = 0.0 if places[:, 1].min() < 0 < places[:, 1].max() else float(lat.min())
    reach = _reach_deg(low, float(lat.max()), reach_m)
    if reach is None:
        return _around_pole(places, reach_m)
    # Stretched so that the ellipse is a circle.
    stretch = np.array([reach[1] / reach[0], 1.0])
    round_there = shapely.buffer(
        shapely.transform(geometry, lambda degrees: degrees * stretch),
        reach[1] * ROUNDED,
        quad_segs=_QUARTER,
    )
    return _cut(shapely.transform(round_there, lambda degrees: degrees / stretch))


def _around_pole(places: FloatArray, reach_m: float) -> Drawing:
    """All longitudes, from the latitude farthest from a pole to that pole."""
    up = math.degrees(reach_m / _meridian_m(0.0))
    south, north = float(places[:, 1].min()) - up, float(places[:, 1].max()) + up
    if south > 0:
        north = _POLE
    elif north < 0:
        south = -_POLE
    else:
        south, north = -_POLE, _POLE
    return shapely.box(-180, max(-_POLE, south), 180, min(_POLE, north))


def _cut(drawing: Drawing) -> Drawing:
    """Brought onto the map, in two parts where it crosses the antimeridian."""
    west, south, east, north = shapely.bounds(drawing)
    if west >= -180 and east <= 180 and south >= -_POLE and north <= _POLE:  # noqa: PLR2004
        return drawing
    first, last = math.floor((west + 180) / 360), math.floor((east + 180) / 360)
    parts = [
        shapely.intersection(shapely.transform(drawing, lambda d, n=n: d - [360 * n, 0]), _WORLD)
        for n in range(first, last + 1)
    ]
    # What only touches the edge of the map is inside at the other one.
    parts = [part for one in parts for part in shapely.get_parts(one)]
    kind = shapely.get_dimensions(drawing)
    return shapely.union_all([part for part in parts if shapely.get_dimensions(part) == kind])
