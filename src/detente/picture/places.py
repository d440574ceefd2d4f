"""From positions to earth-centred metres, as vertices that the kernels read.

Source: docs/adr/0004.
"""

import numpy as np

from detente.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_M, FloatArray, IntArray
from detente.picture._jit import inlined, jit

_E7 = 1e7

_TURN_RAD = 0.02
"""Up to which what the series of sine and cosine leave out is less than a float holds."""

Angles = tuple[float, float, float, float]
"""Sine and cosine of a longitude, and of a latitude."""


@jit
def on_earth(lon_deg: float, lat_deg: float, out: FloatArray) -> None:
    """One vertex: earth-centred metres of a place on the ellipsoid, no plane yet.

    Source:
        EPSG Guidance Note 7-2, section 4.1.1, at height 0, as detente.core.geodesy.ecef.
    """
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    turned_on_earth((np.sin(lon), np.cos(lon), np.sin(lat), np.cos(lat)), 0.0, 0.0, out)


@inlined
def turned_on_earth(near: Angles, lon: float, lat: float, out: FloatArray) -> None:
    """The same of a place that is at most _TURN_RAD from another, whose sines are worked out."""
    sin_lon, cos_lon = turned(near[0], near[1], lon)
    sin_lat, cos_lat = turned(near[2], near[3], lat)
    normal = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_SQUARED * (sin_lat * sin_lat))
    out[0] = normal * cos_lat * cos_lon
    out[1] = normal * cos_lat * sin_lon
    out[2] = normal * (1 - ECCENTRICITY_SQUARED) * sin_lat
    out[3] = 0.0
    out[4] = 0.0


@inlined
def turned(sine: float, cosine: float, by: float) -> tuple[float, float]:
    """Sine and cosine of an angle, at most _TURN_RAD from one of which they are given."""
    square = by * by
    s = by * (1.0 - square * (1 / 6 - square * (1 / 120 - square / 5040)))
    c = 1.0 - square * (0.5 - square * (1 / 24 - square / 720))
    return sine * c + cosine * s, cosine * c - sine * s


@jit
def placed_at(degrees: FloatArray) -> FloatArray:
    """Vertices (n, 5) at (n, 2) lon/lat degrees."""
    out = np.empty((len(degrees), 5))
    for i in range(len(degrees)):
        on_earth(degrees[i, 0], degrees[i, 1], out[i])
    return out


@jit
def placed(positions: IntArray, starts: IntArray) -> FloatArray:
    """Vertices (n, 5) at (n, 2) lon/lat 1e-7 degree, of paths that begin at ``starts``."""
    n = len(positions)
    out = np.empty((n, 5))
    for path in range(len(starts)):
        place_path(positions, starts[path], end_of(starts, path, n), out)
    return out


@jit
def place_path(positions: IntArray, first: int, end: int, out: FloatArray) -> None:
    """Vertices [first, end) of one path: those near its first one are turned from it."""
    lon_e7, lat_e7 = positions[first, 0], positions[first, 1]
    on_earth(lon_e7 / _E7, lat_e7 / _E7, out[first])
    if end - first == 1:
        return
    lon, lat = np.radians(lon_e7 / _E7), np.radians(lat_e7 / _E7)
    near = np.sin(lon), np.cos(lon), np.sin(lat), np.cos(lat)
    for i in range(first + 1, end):
        lon = np.radians((positions[i, 0] - lon_e7) / _E7)
        lat = np.radians((positions[i, 1] - lat_e7) / _E7)
        if abs(lon) <= _TURN_RAD and abs(lat) <= _TURN_RAD:
            turned_on_earth(near, lon, lat, out[i])
        else:
            on_earth(positions[i, 0] / _E7, positions[i, 1] / _E7, out[i])


@jit
def end_of(starts: IntArray, path: int, n: int) -> int:
    """Where path number ``path`` ends, of ``n`` vertices."""
    return int(starts[path + 1]) if path + 1 < len(starts) else n
