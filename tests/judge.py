"""A second opinion on distances: pyproj's geodesics and nothing of ours.

Slow and obvious on purpose. Edges are geodesics here; where a test feeds
straight-in-degrees edges, both readings are protected (docs/adr/0004), so this
judge's reading must be among the protected ones.
"""

import numpy as np
import numpy.typing as npt
from pyproj import Geod

GEOD = Geod(ellps="WGS84")
FloatArray = npt.NDArray[np.float64]


def distance_m(a: FloatArray, b: FloatArray) -> FloatArray:
    """Geodesic distances, (n,) metres, between (n, 2) lon/lat degrees."""
    return np.asarray(GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2])


def along(a: FloatArray, b: FloatArray, share: FloatArray) -> FloatArray:
    """Positions (n, 2) at a share (n,) of the geodesics from a to b."""
    azimuth, _, length = GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    lon, lat, _ = GEOD.fwd(a[:, 0], a[:, 1], azimuth, length * share)
    return np.column_stack([lon, lat])


def to_edge_m(point: FloatArray, a: FloatArray, b: FloatArray, *, rounds: int = 7) -> FloatArray:
    """Distance (n,) from points to geodesic edges: sample, zoom in on the best, repeat.

    The error is below 1 mm for edges up to some 200 km: each round narrows the
    bracket four times, and at the minimum the distance is flat.
    """
    low, high = np.zeros(len(point)), np.ones(len(point))
    best = np.full(len(point), np.inf)
    for _ in range(rounds):
        shares = np.linspace(low, high, 9)
        apart = np.stack([distance_m(point, along(a, b, share)) for share in shares])
        nearest = apart.argmin(axis=0)
        best = np.minimum(best, apart.min(axis=0))
        step = (high - low) / 8
        middle = np.take_along_axis(shares, nearest[None], axis=0)[0]
        low, high = np.maximum(0, middle - step), np.minimum(1, middle + step)
    return best


def winding(point: FloatArray, rings: FloatArray) -> npt.NDArray[np.int64]:
    """How often each ring winds around its point, by turning the azimuth to it.

    Args:
        point: (n, 2) lon/lat degrees.
        rings: (n, k, 2) lon/lat degrees, closed by the reader, dense enough
            that no piece turns by half a circle unless the point lies on it.
    """
    n, k, _ = rings.shape
    lon = np.repeat(point[:, 0], k)
    lat = np.repeat(point[:, 1], k)
    flat = rings.reshape(-1, 2)
    azimuth = np.asarray(GEOD.inv(lon, lat, flat[:, 0], flat[:, 1])[0]).reshape(n, k)
    turn = np.diff(azimuth, axis=1, append=azimuth[:, :1])
    turn = (turn + 180) % 360 - 180
    turns: npt.NDArray[np.int64] = np.rint(turn.sum(axis=1) / 360).astype(np.int64)
    return turns


def to_polygon_m(point: FloatArray, ring: FloatArray, *, pieces: int = 24) -> FloatArray:
    """Distance (n,) from points to polygons of geodesic edges, 0 inside.

    Args:
        point: (n, 2) lon/lat degrees.
        ring: (n, k, 2) lon/lat degrees, one shell each, not closed.
        pieces: Parts of an edge for the winding.
    """
    k = ring.shape[1]
    best = np.full(len(point), np.inf)
    dense = []
    for i in range(k):
        a, b = ring[:, i], ring[:, (i + 1) % k]
        best = np.minimum(best, to_edge_m(point, a, b))
        dense += [along(a, b, np.full(len(point), j / pieces)) for j in range(pieces)]
    inside = winding(point, np.stack(dense, axis=1)) != 0
    return np.where(inside, 0.0, best)
