"""WGS 84: earth-centred coordinates, geodesics, and what a chord tells of an arc.

Distances are measured as straight chords between points of the ellipsoid in
earth-centred coordinates, which know no pole and no antimeridian, and turned
into bounds of the geodesic (docs/adr/0004).
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pyproj import Geod

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
SEMI_MINOR_M = SEMI_MAJOR_M * (1 - FLATTENING)
ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)

CURVATURE_RADIUS_MIN_M = SEMI_MINOR_M**2 / SEMI_MAJOR_M
"""6,335,439 m: of the meridian at the equator. No geodesic bends more."""

CURVATURE_RADIUS_MAX_M = SEMI_MAJOR_M**2 / SEMI_MINOR_M
"""6,399,594 m: at the poles. No geodesic bends less."""

EDGE_MAX_M = 1_000.0
"""Edges are cut into pieces of at most this length, so that a straight piece
lies at most 1000^2 / (8 * 6335439) = 0.0198 m below the surface."""

DISTANCE_ERROR_M = 0.05
"""Of any distance below some 50 km: 0.02 m for pieces that lie below the
surface, 0.016 m for the rounding of two positions to 1e-7 degree, 0.003 m for
the chord of 50 km, and the rest for lengths rounded to the millimetre."""


class _OnceAsked:
    """pyproj's geodesics of WGS 84, loaded when first asked for.

    To load it takes 40 ms, and a check asks for none but along edges longer than 20 km.
    """

    @cached_property
    def _geod(self) -> "Geod":
        from pyproj import Geod  # noqa: PLC0415 - see above

        return Geod(ellps="WGS84")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._geod, name)


GEOD = cast("Geod", _OnceAsked())


def ecef(lon_deg: FloatArray, lat_deg: FloatArray) -> FloatArray:
    """Earth-centred coordinates of points on the ellipsoid.

    Args:
        lon_deg: (n,) float64 degrees.
        lat_deg: (n,) float64 degrees, geodetic.

    Returns:
        (n, 3) float64 metres.

    Source:
        EPSG Guidance Note 7-2, section 4.1.1, at height 0.
    """
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    sin_lat, cos_lat = np.sin(lat), np.cos(lat)
    normal = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_SQUARED * sin_lat**2)
    return np.column_stack(
        [
            normal * cos_lat * np.cos(lon),
            normal * cos_lat * np.sin(lon),
            normal * (1 - ECCENTRICITY_SQUARED) * sin_lat,
        ]
    )


def cut_edges(
    start: FloatArray, end: FloatArray, chord_m: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Cut geodesic edges into pieces of at most EDGE_MAX_M.

    Args:
        start: (n, 2) float64 lon/lat degrees.
        end: (n, 2) float64 lon/lat degrees.
        chord_m: (n,) float64 metres, the straight length of each edge.

    Returns:
        Pieces per edge, (n,) int64 of at least 1; and the positions at which
        pieces start, (sum, 2) float64 lon/lat degrees, edge after edge.
    """
    pieces = np.ones(len(start), dtype=np.int64)
    # A chord this much shorter than the limit cannot belong to a longer arc.
    long = np.flatnonzero(chord_m > EDGE_MAX_M * 0.999)
    azimuth = np.zeros(len(start))
    length = np.zeros(len(start))
    if len(long):
        azimuth[long], _, length[long] = GEOD.inv(
            start[long, 0], start[long, 1], end[long, 0], end[long, 1]
        )
        pieces[long] = np.maximum(1, np.ceil(length[long] / EDGE_MAX_M)).astype(np.int64)
    edge = np.repeat(np.arange(len(start)), pieces)
    part = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    out = start[edge]
    inner = np.flatnonzero(part)
    if len(inner):
        e = edge[inner]
        lon, lat, _ = GEOD.fwd(
            start[e, 0], start[e, 1], azimuth[e], length[e] * part[inner] / pieces[e]
        )
        out[inner, 0], out[inner, 1] = lon, lat
    return pieces, out
