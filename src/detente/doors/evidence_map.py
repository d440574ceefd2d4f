"""A map of one object as SVG: metres around it, a graticule and a scale bar, no tiles.

A sketch for readers, not a measurement: the plane is azimuthal equidistant about the
middle of the object, and edges are drawn straight in it.
"""

import math
from collections.abc import Iterator, Sequence

from pyproj import Proj

from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Position, Shape, Volume

SIDE_PX = 560
"""Of the square map: as wide as a printed page between its margins."""

MARGIN = 1.25
"""How much wider the map is than the object."""

HALF_MIN_M = 250.0
"""The smallest half of a map: around a point, a few streets."""

HALF_MAX_M = 8_000_000.0
"""The largest: what is wider is cut off at the edge."""

VERTICES_DRAWN_MAX = 20_000
"""More than a page can show: a longer outline is drawn by every so many of its vertices."""

_LINES = 5
"""Lines of the graticule each way, about."""


def svg(volumes: Sequence[Volume]) -> str:
    """The map; empty where nothing has a place."""
    shapes = [shape for volume in volumes for shape in volume.footprint]
    positions = [one for shape in shapes for one in _positions(shape)]
    if not positions:
        return ""
    plane = _Plane(positions, max(shape.radius_m for shape in shapes))
    parts = [*_graticule(plane), *(_drawn(shape, plane) for shape in shapes), _bar(plane)]
    return (
        f'<svg viewBox="0 0 {SIDE_PX} {SIDE_PX}" role="img" aria-label="Map of the object">'
        f'<rect width="{SIDE_PX}" height="{SIDE_PX}" class="ground"/>{"".join(parts)}</svg>'
    )


def _positions(shape: Shape) -> list[Position]:
    match shape:
        case Circle():
            return [shape.centre]
        case Corridor():
            return list(shape.line)
        case Polygon():
            return [one for ring in shape.rings for one in ring]


class _Plane:
    """Pixels from positions."""

    def __init__(self, positions: Sequence[Position], reach_m: float) -> None:
        self.lon, self.lat = _middle(positions)
        self._proj = Proj(proj="aeqd", lon_0=self.lon, lat_0=self.lat, ellps="WGS84")
        self._step = max(1, len(positions) // VERTICES_DRAWN_MAX)
        metres = [self._proj(lon / E7_PER_DEG, lat / E7_PER_DEG) for lon, lat in positions]
        half = max(max(abs(x), abs(y)) for x, y in metres) + reach_m
        self.half_m = min(max(half * MARGIN, HALF_MIN_M), HALF_MAX_M)

    @property
    def px_per_m(self) -> float:
        """Scale."""
        return float(SIDE_PX / (2 * self.half_m))

    def at(self, lon_deg: float, lat_deg: float) -> tuple[float, float]:
        """Where a place is, pixels from the top left."""
        x, y = self._proj(lon_deg, lat_deg)
        return (x + self.half_m) * self.px_per_m, (self.half_m - y) * self.px_per_m

    def path(self, line: Sequence[Position]) -> str:
        """A line of positions."""
        drawn = [*line[:: self._step], line[-1]]
        points = (self.at(lon / E7_PER_DEG, lat / E7_PER_DEG) for lon, lat in drawn)
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)

    def corner_deg(self) -> tuple[float, float]:
        """Half the width and height of the map in degrees of longitude and latitude."""
        lat = math.degrees(self.half_m / 6_371_000)
        return min(180.0, lat / max(0.01, math.cos(math.radians(self.lat)))), min(90.0, lat)


def _middle(positions: Sequence[Position]) -> tuple[float, float]:
    """A place amid the positions; by mean of the verticals, so that the antimeridian is nothing."""
    x = y = z = 0.0
    for lon_e7, lat_e7 in positions:
        lon, lat = math.radians(lon_e7 / E7_PER_DEG), math.radians(lat_e7 / E7_PER_DEG)
        x += math.cos(lat) * math.cos(lon)
        y += math.cos(lat) * math.sin(lon)
        z += math.sin(lat)
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def _drawn(shape: Shape, plane: _Plane) -> str:
    width = max(2 * shape.radius_m * plane.px_per_m, 1.5)
    match shape:
        case Circle():
            x, y = plane.at(shape.centre[0] / E7_PER_DEG, shape.centre[1] / E7_PER_DEG)
            radius = max(shape.radius_m * plane.px_per_m, 3.0)
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="area"/>'
        case Corridor():
            path = plane.path(shape.line)
            return (
                f'<path d="{path}" class="corridor" stroke-width="{width:.1f}"/>'
                f'<path d="{path}" class="line"/>'
            )
        case Polygon():
            path = "".join(f"{plane.path(ring)}Z" for ring in shape.rings)
            return f'<path d="{path}" class="area" stroke-width="{width:.1f}"/>'


def _graticule(plane: _Plane) -> Iterator[str]:
    half_lon, half_lat = plane.corner_deg()
    step_lon, step_lat = _round(2 * half_lon / _LINES), _round(2 * half_lat / _LINES)
    for lon in _multiples(plane.lon - half_lon, plane.lon + half_lon, step_lon):
        ends = [(lon, plane.lat - half_lat), (lon, plane.lat), (lon, plane.lat + half_lat)]
        wrapped = (lon + 180) % 360 - 180
        yield _ruled(ends, plane, _degrees(wrapped, step_lon, "EW"), upright=True)
    for lat in _multiples(plane.lat - half_lat, plane.lat + half_lat, step_lat):
        if abs(lat) < 90:  # noqa: PLR2004 - the pole is a point
            ends = [(plane.lon - half_lon, lat), (plane.lon, lat), (plane.lon + half_lon, lat)]
            yield _ruled(ends, plane, _degrees(lat, step_lat, "NS"), upright=False)


def _ruled(ends: Sequence[tuple[float, float]], plane: _Plane, label: str, *, upright: bool) -> str:
    points = [plane.at(lon, max(-90.0, min(90.0, lat))) for lon, lat in ends]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    x, y = (points[1][0] + 3, SIDE_PX - 24) if upright else (4, points[1][1] - 3)
    return (
        f'<path d="M{path}" class="grid"/><text x="{x:.1f}" y="{y:.1f}" class="grid">{label}</text>'
    )


def _degrees(value: float, step: float, letters: str) -> str:
    digits = max(0, math.ceil(-math.log10(step)))
    return f"{abs(value):.{digits}f}° {letters[value < 0]}"


def _bar(plane: _Plane) -> str:
    length_m = _round(plane.half_m / 2)
    width = length_m * plane.px_per_m
    label = f"{length_m / 1_000:g} km" if length_m >= 1_000 else f"{length_m:g} m"  # noqa: PLR2004
    y = SIDE_PX - 10
    return (
        f'<path d="M12 {y - 5}V{y}H{12 + width:.1f}V{y - 5}" class="bar"/>'
        f'<text x="{18 + width:.1f}" y="{y}">{label}; north is up</text>'
    )


def _round(value: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return power * max(one for one in (1, 2, 5) if one * power <= value * (1 + 1e-9))


def _multiples(low: float, high: float, step: float) -> Iterator[float]:
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield number * step
