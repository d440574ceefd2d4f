"""Geometries as a question says them, in degrees: boxes, and well-known text.

The antimeridian and the poles are ordinary places. A drawing lies between -180 and 180 degrees
(detente.core.drawn), so what is asked at an edge of the map is asked at the other one too.

Source: OGC 17-069r4 section 7.15.3 (bbox); 21-065r2 (BBOX); 06-103r4 (well-known text).
"""

from collections.abc import Sequence
from itertools import groupby

import shapely

from detente.core.drawn import Drawing

SHAPES = frozenset(
    ["POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "BBOX"]
)

_LON_MAX, _LAT_MAX = 180.0, 90.0
_PLANE, _SOLID = 4, 6
_NUMBERS_MAX = 3
"""Of a position: CQL2 has no measure behind the height, which GEOS would read."""


def box(west: float, south: float, east: float, north: float) -> Drawing:
    """A box, degrees; west of east it goes across the antimeridian.

    Raises:
        ValueError: Not on the earth.
    """
    if not (_on_earth(west, south) and _on_earth(east, north) and south <= north):
        raise ValueError("not on the earth")
    spans = [(west, east)] if west <= east else [(west, _LON_MAX), (-_LON_MAX, east)]
    parts = [part for one, other in spans for part in _whole(_span(one, south, other, north))]
    return parts[0] if len(parts) == 1 else shapely.GeometryCollection(parts)


def geometry(tokens: Sequence[str], *, lat_first: bool) -> Drawing:
    """One of SHAPES; heights in it say nothing.

    Args:
        tokens: Words, numbers, brackets and commas.
        lat_first: Whether positions are latitude, longitude.

    Raises:
        ValueError: It is none, not valid, or not on the earth.
    """
    if tokens[0].upper() == "BBOX":
        return box(*_corners(tokens, lat_first=lat_first))
    if any(not sign and len([*some]) > _NUMBERS_MAX for sign, some in groupby(tokens, _is_sign)):
        raise ValueError(f"a position of more than {_NUMBERS_MAX} numbers")
    try:
        found = shapely.force_2d(shapely.from_wkt(" ".join(tokens)))
    except shapely.errors.GEOSException as error:
        raise ValueError(str(error)) from None
    if lat_first:
        found = shapely.transform(found, lambda places: places[:, ::-1])
    west, south, east, north = shapely.bounds(found)
    # What is empty has no bounds.
    if not (_on_earth(west, south) and _on_earth(east, north) and shapely.is_valid(found)):
        raise ValueError("not valid, or not on the earth")
    parts = _whole(found)
    return found if len(parts) == 1 else shapely.GeometryCollection(parts)


def _is_sign(token: str) -> bool:
    return token in {"(", ")", ","}


def _on_earth(lon: float, lat: float) -> bool:
    return -_LON_MAX <= lon <= _LON_MAX and -_LAT_MAX <= lat <= _LAT_MAX


def _corners(tokens: Sequence[str], *, lat_first: bool) -> tuple[float, float, float, float]:
    """West, south, east, north. Raises ValueError where it is no box."""
    numbers = [float(one) for one in tokens[2:-1:2]]
    bare = [tokens[1], *tokens[3:-1:2], tokens[-1]] == ["(", *[","] * (len(numbers) - 1), ")"]
    if not bare or len(numbers) not in {_PLANE, _SOLID}:
        raise ValueError("not four or six numbers")
    half = len(numbers) // 2
    (west, south), (east, north) = numbers[:2], numbers[half : half + 2]
    if len(numbers) == _SOLID and numbers[2] > numbers[-1]:
        raise ValueError("its bottom is above its top")
    return (south, west, north, east) if lat_first else (west, south, east, north)


def _whole(drawing: Drawing) -> list[Drawing]:
    """A drawing, and what of it lies at the other edge of the map: the antimeridian, a pole."""
    west, south, east, north = shapely.bounds(drawing)
    parts = [drawing]
    for lon in {one for one in (west, east) if abs(one) == _LON_MAX}:
        edge = shapely.intersection(drawing, _line(lon, -_LAT_MAX, lon, _LAT_MAX))
        parts.extend(shapely.get_parts(shapely.transform(edge, lambda places: places * (-1, 1))))
    poles = {one for one in (south, north) if abs(one) == _LAT_MAX}
    return [*parts, *(_line(-_LON_MAX, lat, _LON_MAX, lat) for lat in poles)]


def _span(west: float, south: float, east: float, north: float) -> Drawing:
    """A box; where it is as thin as a line or a point, that: GEOS has no flat polygons."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return _line(west, south, east, north)
    return shapely.box(west, south, east, north)


def _line(*degrees: float) -> Drawing:
    west, south, east, north = degrees
    return shapely.LineString([(west, south), (east, north)])
