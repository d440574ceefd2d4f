"""Degrees to shapes: what a file's straight lines in degrees become.

Inside, edges are geodesics. GeoJSON's are straight in longitude and latitude
(RFC 7946 section 3.1.1), while many tools that write it mean geodesics. The
two readings of a 4 km edge at 34 N differ by 0.2 m, of one near a pole by
kilometres. So, per line or ring:

1. where the readings differ by at most READING_TOLERANCE_MM, the vertices stay
   as they are and the difference is stated as the shape's ``edge_error_mm``;
2. else both are protected: the straight one, with vertices added until its
   geodesics follow it within the tolerance, and the geodesic one.

An edge that spans more than 180 degrees of longitude crosses the antimeridian;
one that spans exactly 360 goes once around the pole, as drawn.

Source: RFC 7946 sections 3.1.1 and 3.1.9; docs/adr/0004; docs/rules/R-06.md.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from detente.core.volume import (
    E7_PER_DEG,
    MM_PER_M,
    RADIUS_MAX_MM,
    VERTICES_MAX,
    Circle,
    Corridor,
    Polygon,
    Position,
)
from detente.errors import MalformedInput

READING_TOLERANCE_MM = 400
"""Two edges of this error and the kernels' own 0.05 m stay under the 1 m promised."""

_EARTH_RADIUS_MM = 6_378_137_000
_POSITION_MIN_LENGTH = 2

FloatArray = npt.NDArray[np.float64]


def circle(lon_deg: float, lat_deg: float, radius_m: float = 0) -> Circle:
    """A circle, or a point if the radius is 0.

    Raises:
        MalformedInput: Not finite, out of range, or a negative radius.
    """
    degrees = _degrees(((lon_deg, lat_deg),))
    return Circle(centre=_positions(degrees)[0], radius_mm=length_mm(radius_m, what="radius_m"))


def corridor(line: Sequence[Sequence[float]], width_m: float = 0) -> tuple[Corridor, ...]:
    """A line with a width, in one or both of its readings (see above).

    Args:
        line: Positions (longitude, latitude, ...) in degrees.
        width_m: Full width; rounded up to the millimetre.

    Raises:
        MalformedInput: Empty, too long, not finite, or out of range.
    """
    width_mm = length_mm(width_m, what="width_m")
    as_drawn = _unwrapped(_degrees(line))
    error_mm = _reading_difference_mm(as_drawn)
    if error_mm <= READING_TOLERANCE_MM:
        return (
            Corridor(
                line=_positions(as_drawn), width_mm=width_mm, edge_error_mm=math.ceil(error_mm)
            ),
        )
    return (
        Corridor(
            line=_positions(_followed(as_drawn)),
            width_mm=width_mm,
            edge_error_mm=READING_TOLERANCE_MM,
        ),
        Corridor(line=_positions(as_drawn), width_mm=width_mm),
    )


def polygon(rings: Sequence[Sequence[Sequence[float]]], buffer_m: float = 0) -> tuple[Polygon, ...]:
    """A polygon with holes, in one or both of its readings (see above).

    Args:
        rings: The shell, then holes; positions (longitude, latitude, ...) in
            degrees; closed or not.
        buffer_m: How far the polygon is widened; rounded up to the millimetre.

    Raises:
        MalformedInput: Empty, too long, not finite, or out of range.
    """
    if not rings:
        raise MalformedInput("polygon", expected="at least one ring", got="none")
    buffer_mm = length_mm(buffer_m, what="buffer_m")
    drawn = [_unwrapped(_closed(_degrees(ring))) for ring in rings]
    errors_mm = [_reading_difference_mm(ring) for ring in drawn]
    if max(errors_mm) <= READING_TOLERANCE_MM:
        return (
            Polygon(
                rings=tuple(_open(_positions(ring)) for ring in drawn),
                buffer_mm=buffer_mm,
                edge_error_mm=math.ceil(max(errors_mm)),
            ),
        )
    return (
        Polygon(
            rings=tuple(_open(_positions(_followed(ring))) for ring in drawn),
            buffer_mm=buffer_mm,
            edge_error_mm=READING_TOLERANCE_MM,
        ),
        Polygon(rings=tuple(_open(_positions(ring)) for ring in drawn), buffer_mm=buffer_mm),
    )


def length_mm(length_m: float, *, what: str) -> int:
    """Millimetres, rounded up: a length that protects may only grow.

    Raises:
        MalformedInput: Not finite, negative, or over RADIUS_MAX_MM.
    """
    if not math.isfinite(length_m) or not 0 <= length_m <= RADIUS_MAX_MM / MM_PER_M:
        raise MalformedInput(
            what, expected=f"metres from 0 to {RADIUS_MAX_MM // MM_PER_M}", got=f"{length_m}"
        )
    # 12.3 * 1000 is a hair over 12300 in binary; that hair is not a millimetre.
    return math.ceil(round(length_m * MM_PER_M, 6))


def _degrees(points: Sequence[Sequence[float]]) -> FloatArray:
    """Positions as (n, 2) float64 degrees, validated."""
    if len(points) == 0:
        raise MalformedInput("geometry", expected="at least one position", got="none")
    if len(points) > VERTICES_MAX:
        raise MalformedInput(
            "geometry", expected=f"at most {VERTICES_MAX} vertices", got=f"{len(points)}"
        )
    try:
        array = np.array([point[:_POSITION_MIN_LENGTH] for point in points], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise MalformedInput("position", expected="numbers [longitude, latitude]") from None
    if array.ndim != _POSITION_MIN_LENGTH or array.shape[1] != _POSITION_MIN_LENGTH:
        raise MalformedInput("position", expected="numbers [longitude, latitude]")
    # NaN fails every comparison, so it is refused here as well.
    bad = ~((np.abs(array[:, 0]) <= 180) & (np.abs(array[:, 1]) <= 90))  # noqa: PLR2004
    if bad.any():
        lon, lat = array[int(np.argmax(bad))]
        raise MalformedInput(
            "position",
            expected="longitude from -180 to 180 and latitude from -90 to 90",
            got=f"longitude {lon}, latitude {lat}",
        )
    return array


def _closed(ring: FloatArray) -> FloatArray:
    """The ring with its first position repeated at the end."""
    if len(ring) > 1 and np.array_equal(ring[0], ring[-1]):
        return ring
    return np.vstack([ring, ring[:1]])


def _open(ring: tuple[Position, ...]) -> tuple[Position, ...]:
    """The ring without its repeated last position."""
    return ring[:-1]


def _unwrapped(path: FloatArray) -> FloatArray:
    """The path with continuous longitudes: no step over 180 but whole turns."""
    step = np.diff(path[:, 0])
    turns = np.where((np.abs(step) > 180) & (np.abs(step) < 360), np.sign(step), 0.0)  # noqa: PLR2004
    out = path.copy()
    out[1:, 0] -= 360 * np.cumsum(turns)
    return out


def _reading_difference_mm(path: FloatArray) -> float:
    """An upper bound of how far straight-in-degrees and geodesic edges lie apart."""
    return float(edge_differences_mm(path).max(initial=0.0))


def edge_differences_mm(path: FloatArray) -> FloatArray:
    """The same for each edge of a path of n positions, (n - 1,) millimetres.

    Along a straight line in degrees the heading turns, against a geodesic, by
    at most 2 sin(latitude) d(longitude); an arc of length s that turns by t
    leaves its chord by s t / 8.
    """
    radians = np.radians(path)
    d_lon = np.abs(np.diff(radians[:, 0]))
    d_lat = np.abs(np.diff(radians[:, 1]))
    lat = np.abs(radians[:, 1])
    sin_max = np.sin(np.maximum(lat[1:], lat[:-1]))
    # An edge over the equator is widest there; one on a side, at its lower end.
    crossing = radians[1:, 1] * radians[:-1, 1] < 0
    lat_low = np.where(crossing, 0.0, np.minimum(lat[1:], lat[:-1]))
    length = d_lat + d_lon * np.cos(lat_low)
    return np.asarray(length * d_lon * sin_max / 4 * _EARTH_RADIUS_MM)


def _followed(path: FloatArray) -> FloatArray:
    """The path with positions added, straight in degrees, until geodesics follow it."""
    while True:
        # The difference falls with the square of the number of parts.
        wanted = np.sqrt(edge_differences_mm(path) / READING_TOLERANCE_MM)
        parts = np.maximum(1, np.ceil(wanted)).astype(np.int64)
        total = int(parts.sum())
        if total == len(parts):
            return path
        if total >= VERTICES_MAX:
            raise MalformedInput(
                "geometry",
                expected=f"edges that can be followed with {VERTICES_MAX} vertices",
                got=f"{total + 1}",
            )
        edge = np.repeat(np.arange(len(parts)), parts)
        number = np.arange(total) - np.repeat(np.cumsum(parts) - parts, parts) + 1
        share = (number / parts[edge])[:, None]
        path = np.vstack([path[:1], path[edge] + share * (path[edge + 1] - path[edge])])


def _positions(path: FloatArray) -> tuple[Position, ...]:
    """Integers of 1e-7 degree, longitudes brought back to -180..180."""
    lon = path[:, 0] - 360 * np.round(path[:, 0] / 360)
    e7 = np.rint(np.column_stack([lon, path[:, 1]]) * E7_PER_DEG).astype(np.int64)
    return tuple((lon, lat) for lon, lat in e7.tolist())
