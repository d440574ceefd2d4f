"""GeoJSON geometries to shapes: what is drawn in degrees becomes geodesic.

Source: RFC 7946 section 3.1; docs/adr/0004.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from detente.core.edges import circle, corridor, polygon
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Line, Polygon, Shape
from detente.errors import MalformedInput

TYPES = "Point, LineString, Polygon, their Multi forms or GeometryCollection"

DEPTH_MAX = 4
"""GeometryCollections within each other: RFC 7946 section 3.1.8 advises against any."""

_NARROW_E7 = 50 * E7_PER_DEG
"""A shape within 50 by 50 degrees is within 75 of its middle, which the kernels need."""


class Sizes(Struct, frozen=True, kw_only=True):
    """What the properties add to a geometry's core, metres."""

    radius_m: float = 0
    width_m: float = 0
    buffer_m: float = 0


def shapes(geometry: Any, sizes: Sizes, *, depth: int = 0) -> tuple[Shape, ...]:
    """The shapes of a geometry.

    Args:
        geometry: A GeoJSON geometry object, degrees.
        sizes: A Point with ``radius_m`` is a circle, a LineString with
            ``width_m`` a corridor, a Polygon with ``buffer_m`` is widened;
            ``radius_m`` serves the other two as well.
        depth: Of GeometryCollections so far.

    Raises:
        MalformedInput: Null, empty, of an unknown type, or no valid positions.
    """
    if not isinstance(geometry, dict):
        raise MalformedInput("geometry", expected=TYPES, got=_shown(geometry))
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        return _collection(geometry.get("geometries"), sizes, depth)
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, Sequence) or isinstance(coordinates, str) or not coordinates:
        raise MalformedInput(f"geometry {kind}", expected="coordinates", got=_shown(coordinates))
    try:
        _require_numbers(coordinates)
        found = _simple(kind, coordinates, sizes)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise MalformedInput(
            f"geometry {kind}", expected="positions [longitude, latitude]"
        ) from None
    for shape in found:
        _require_measurable(shape)
    return found


def _simple(kind: Any, coordinates: Sequence[Any], sizes: Sizes) -> tuple[Shape, ...]:
    radius = sizes.radius_m
    width = sizes.width_m or 2 * radius
    buffer = sizes.buffer_m or radius
    match kind:
        case "Point":
            return (circle(*_position(coordinates), radius),)
        case "MultiPoint":
            return tuple(circle(*_position(one), radius) for one in coordinates)
        case "LineString":
            return corridor(coordinates, width)
        case "MultiLineString":
            return tuple(s for line in coordinates for s in corridor(line, width))
        case "Polygon":
            return polygon(coordinates, buffer)
        case "MultiPolygon":
            return tuple(s for rings in coordinates for s in polygon(rings, buffer))
        case _:
            raise MalformedInput("geometry", expected=TYPES, got=_shown(kind))


def _position(position: Any) -> tuple[float, float]:
    """A position's first two numbers; an altitude after them is not used."""
    if not isinstance(position, Sequence) or len(position) < 2:  # noqa: PLR2004
        raise MalformedInput("position", expected="[longitude, latitude]", got=_shown(position))
    lon, lat = position[:2]
    return float(lon), float(lat)


def _require_numbers(coordinates: Sequence[Any]) -> None:
    """Refuse what Python would make numbers of: true, and digits in quotes."""
    for one in coordinates:
        if isinstance(one, str | bool):
            raise MalformedInput("position", expected="numbers", got=_shown(coordinates))
        if isinstance(one, Sequence):
            _require_numbers(one)


def _collection(parts: Any, sizes: Sizes, depth: int) -> tuple[Shape, ...]:
    if not isinstance(parts, list) or not parts:
        raise MalformedInput("GeometryCollection", expected="geometries", got=_shown(parts))
    if depth == DEPTH_MAX:
        raise MalformedInput("GeometryCollection", expected=f"at most {DEPTH_MAX} within another")
    return tuple(s for part in parts for s in shapes(part, sizes, depth=depth + 1))


def _require_measurable(shape: Shape) -> None:
    """Refuse here, by name, what the picture could not measure."""
    match shape:
        case Circle():
            return
        case Corridor():
            paths: tuple[Line, ...] = (shape.line,)
        case Polygon():
            paths = shape.rings
    lons = [lon for path in paths for lon, _ in path]
    lats = [lat for path in paths for _, lat in path]
    if max(lons) - min(lons) > _NARROW_E7 or max(lats) - min(lats) > _NARROW_E7:
        from detente.picture import require_measurable  # noqa: PLC0415 - loads compiled kernels

        require_measurable([shape])


def _shown(value: object) -> str:
    text = "nothing" if value in (None, [], "") else str(value)
    return text if len(text) <= 80 else text[:80] + "..."  # noqa: PLR2004 - a line to read
