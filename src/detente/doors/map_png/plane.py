"""The plane of a map picture: places on earth to metres on paper, anywhere on earth.

Up to AZIMUTHAL_MAX_DEG around the centre the plane is an azimuthal equal-area
projection, in which poles and the antimeridian are ordinary places. Beyond, it
is a world map (Equal Earth) around the centre's longitude, and shapes are cut
where that map ends.

At the scale of a picture a buffer may be taken in the plane. No distance that
is printed is measured here: those come from the findings.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Proj

from detente.core.geodesy import GEOD, SEMI_MAJOR_M, FloatArray
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Position, Shape

BoolArray = npt.NDArray[np.bool_]

Geometry = Any
"""A shapely geometry: the library ships no types."""

AZIMUTHAL_MAX_DEG = 60.0
"""With margins, the corners of a frame this wide stay within the projection's disc."""

_STEP_DEG = 0.5
"""Longest piece of an edge: 55 km of geodesic leave their chord by 60 m, a pixel of 50 km."""

_CIRCLE_POINTS = 96
_RING_MIN = 3


class Plane:
    """A map projection around a centre.

    Args:
        lon_deg: Longitude of the centre.
        lat_deg: Latitude of the centre; a world map ignores it.
        world: Whether to show the world rather than the surroundings.
    """

    def __init__(self, lon_deg: float, lat_deg: float, *, world: bool = False) -> None:
        self.lon_deg = lon_deg
        self.lat_deg = 0.0 if world else lat_deg
        self.world = world
        # +over: longitudes relative to the centre may pass 180 until they are cut.
        kind = "+proj=eqearth" if world else f"+proj=laea +lat_0={lat_deg:.7f}"
        self._proj = Proj(f"{kind} +lon_0=0 +datum=WGS84 +over")

    def words(self) -> str:
        """The projection's name and centre."""
        lon = f"{abs(self.lon_deg):.2f}°{'E' if self.lon_deg >= 0 else 'W'}"
        if self.world:
            return f"Equal Earth projection around {lon}; scale true in the middle of the map"
        lat = f"{abs(self.lat_deg):.2f}°{'N' if self.lat_deg >= 0 else 'S'}"
        return f"Lambert azimuthal equal-area projection around {lat} {lon}"

    def relative(self, lon_deg: FloatArray) -> FloatArray:
        """Longitudes as degrees east of the centre, -180 to 180."""
        return np.asarray((lon_deg - self.lon_deg + 180.0) % 360.0 - 180.0)

    def forward(self, degrees: FloatArray) -> FloatArray:
        """Places (n, 2) lon/lat degrees as (n, 2) metres; infinite where there is none."""
        relative = np.column_stack([self.relative(degrees[:, 0]), degrees[:, 1]])
        return self.forward_relative(relative)

    def forward_relative(self, relative: FloatArray) -> FloatArray:
        """As ``forward``, from longitudes that are relative to the centre."""
        x, y = self._proj(relative[:, 0], np.clip(relative[:, 1], -90.0, 90.0))
        return np.column_stack([x, y])

    def inverse(self, metres: FloatArray) -> FloatArray:
        """Points of the plane (n, 2) as relative longitude and latitude; infinite off the map."""
        lon, lat = self._proj(metres[:, 0], metres[:, 1], inverse=True)
        out = np.column_stack([lon, lat])
        if self.world:
            out[np.abs(out[:, 0]) > 180.0] = np.inf  # noqa: PLR2004 - where the world map ends
        return out

    def whole(self) -> Geometry:
        """All that the plane of a world map shows."""
        return self._cut(shapely.box(-180.0, -90.0, 180.0, 90.0))

    def footprint(self, shapes: Iterable[Shape], widen_m: float = 0.0) -> Geometry:
        """All shapes, widened, as one geometry of the plane (metres).

        Args:
            shapes: Of one volume or of one entry.
            widen_m: Added to each shape's own radius, such as a standoff.
        """
        parts = [self._drawn(shape, widen_m) for shape in shapes]
        return parts[0] if len(parts) == 1 else shapely.union_all(parts)

    def _drawn(self, shape: Shape, widen_m: float) -> Geometry:
        """A shape, or its vertices where rounding at a pole leaves nothing else of it."""
        drawn = self._shape(shape, widen_m)
        if drawn.is_empty:
            return shapely.MultiPoint(self.forward(degrees_of(positions_of(shape))))
        return drawn

    def _shape(self, shape: Shape, widen_m: float) -> Geometry:
        radius_m = shape.radius_m + widen_m
        match shape:
            case Circle():
                if radius_m == 0:
                    return shapely.Point(self.forward(degrees_of([shape.centre]))[0])
                return self._area(geodesic_circle(shape.centre, radius_m))
            case Corridor():
                return _widened(self._line(degrees_of(shape.line)), radius_m)
            case Polygon():
                return _widened(self._polygon(shape), radius_m)

    def _polygon(self, shape: Polygon) -> Geometry:
        shell, *holes = (degrees_of(ring) for ring in shape.rings)
        if len(shell) < _RING_MIN:
            return self._line(shell)
        area = self._area(shell)
        for hole in holes:
            if len(hole) >= _RING_MIN:
                # Odd numbers of rings are inside, as in the check.
                area = shapely.symmetric_difference(area, self._area(hole))
        # Edges belong to the polygon, so one that encloses nothing is still there.
        return self._line(np.vstack([shell, shell[:1]])) if area.is_empty else area

    def _area(self, ring: FloatArray) -> Geometry:
        """What a ring of geodesics encloses."""
        path = _followed(np.vstack([ring, ring[:1]]))
        if not self.world:
            return _valid(shapely.Polygon(self.forward(path)))
        unwrapped = self._unwrapped(path)
        turn = unwrapped[-1, 0] - unwrapped[0, 0]
        if abs(turn) > 180.0:  # noqa: PLR2004 - once around a pole: close the ring over it
            pole = math.copysign(90.0, float(np.mean(path[:, 1])))
            ends = np.array([[unwrapped[-1, 0], pole], [unwrapped[0, 0], pole]])
            unwrapped = np.vstack([unwrapped, ends])
        return self._cut(_valid(shapely.Polygon(unwrapped)))

    def _line(self, line: FloatArray) -> Geometry:
        """A line of geodesics; of a single place, a point."""
        if len(line) == 1 or bool((line == line[0]).all()):
            return shapely.Point(self.forward(line[:1])[0])
        path = _followed(line)
        if not self.world:
            return shapely.LineString(self.forward(path))
        return self._cut(shapely.LineString(self._unwrapped(path)))

    def _unwrapped(self, path: FloatArray) -> FloatArray:
        """The path with continuous relative longitudes."""
        lon = np.degrees(np.unwrap(np.radians(self.relative(path[:, 0]))))
        return np.column_stack([lon, path[:, 1]])

    def _cut(self, geometry: Geometry) -> Geometry:
        """A geometry in unwrapped degrees, cut where the world map ends."""
        pieces = []
        for turn in (-360.0, 0.0, 360.0):
            piece = shapely.clip_by_rect(geometry, turn - 180.0, -90.0, turn + 180.0, 90.0)
            if not piece.is_empty:
                fine = shapely.segmentize(piece, _STEP_DEG)
                moved = shapely.transform(
                    fine, lambda at, turn=turn: self.forward_relative(at - np.array([turn, 0]))
                )
                # The pole is a line on a world map, and rounding may fold what runs along it.
                pieces.append(_valid(moved))
        return pieces[0] if len(pieces) == 1 else shapely.union_all(pieces)


def centre_of(degrees: FloatArray, reach_m: float) -> tuple[float, float, float]:
    """Around which place to draw, and how far from it the places lie.

    Args:
        degrees: (n, 2) float64 lon/lat degrees.
        reach_m: How far shapes reach beyond these places.

    Returns:
        Longitude and latitude of the centre and the greatest angle from it,
        all in degrees. Places that surround the earth have no centre: 180.
    """
    vectors = unit(degrees)
    middle = (vectors.min(axis=0) + vectors.max(axis=0)) / 2
    norm = float(np.linalg.norm(middle))
    if norm < 1e-6:  # noqa: PLR2004 - antipodes: any centre is as good
        return float(degrees[0, 0]), 0.0, 180.0
    middle = middle / norm
    spread = math.degrees(math.acos(float(np.clip((vectors @ middle).min(), -1.0, 1.0))))
    lon = math.degrees(math.atan2(middle[1], middle[0]))
    lat = math.degrees(math.asin(float(np.clip(middle[2], -1.0, 1.0))))
    return lon, lat, spread + math.degrees(reach_m / SEMI_MAJOR_M)


def plane_for(degrees: FloatArray, reach_m: float) -> Plane:
    """The plane in which these places are drawn; arguments as for ``centre_of``."""
    lon, lat, spread = centre_of(degrees, reach_m)
    return Plane(lon, lat, world=spread > AZIMUTHAL_MAX_DEG)


def degrees_of(positions: Sequence[Position]) -> FloatArray:
    """Positions as (n, 2) float64 lon/lat degrees."""
    return np.asarray(positions, dtype=np.float64).reshape(-1, 2) / E7_PER_DEG


def positions_of(shape: Shape) -> Sequence[Position]:
    """The vertices of a shape."""
    match shape:
        case Circle():
            return (shape.centre,)
        case Corridor():
            return shape.line
        case Polygon():
            return [position for ring in shape.rings for position in ring]


def unit(degrees: FloatArray) -> FloatArray:
    """Places (n, 2) lon/lat degrees as (n, 3) unit vectors."""
    lon, lat = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def geodesic_circle(centre: Position, radius_m: float) -> FloatArray:
    """Points (n, 2) lon/lat degrees at a true distance around a place."""
    lon, lat = centre[0] / E7_PER_DEG, centre[1] / E7_PER_DEG
    azimuth = np.linspace(0.0, 360.0, _CIRCLE_POINTS, endpoint=False)
    n = len(azimuth)
    lons, lats, _ = GEOD.fwd(np.full(n, lon), np.full(n, lat), azimuth, np.full(n, radius_m))
    return np.column_stack([lons, lats])


def _followed(path: FloatArray) -> FloatArray:
    """The path with places added along great circles, none further apart than _STEP_DEG."""
    vectors = unit(path)
    chord = np.linalg.norm(np.diff(vectors, axis=0), axis=1)
    angle = 2 * np.arcsin(np.clip(chord / 2, 0.0, 1.0))
    parts = np.maximum(1, np.ceil(np.degrees(angle) / _STEP_DEG)).astype(np.int64)
    if int(parts.max()) == 1:
        return path
    edge = np.repeat(np.arange(len(parts)), parts)
    part = np.arange(len(edge)) - np.repeat(np.cumsum(parts) - parts, parts)
    share = (part / parts[edge])[:, None]
    wide = np.maximum(np.sin(angle[edge]), 1e-12)[:, None]  # two antipodes have no one way
    turn = angle[edge][:, None]
    mixed = (
        np.sin((1 - share) * turn) * vectors[edge] + np.sin(share * turn) * vectors[edge + 1]
    ) / wide
    lon = np.degrees(np.arctan2(mixed[:, 1], mixed[:, 0]))
    lat = np.degrees(np.arctan2(mixed[:, 2], np.hypot(mixed[:, 0], mixed[:, 1])))
    between = np.column_stack([lon, lat])
    kept = part == 0
    between[kept] = path[edge[kept]]
    return np.vstack([between, path[-1:]])


def _valid(area: Geometry) -> Geometry:
    """The area with all loops of a self-crossing ring, as the check encloses them."""
    if area.is_valid:
        return area
    return shapely.make_valid(area, method="structure", keep_collapsed=False)


def _widened(geometry: Geometry, radius_m: float) -> Geometry:
    return geometry if radius_m == 0 else shapely.buffer(geometry, radius_m, quad_segs=16)
