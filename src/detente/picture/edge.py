"""Kernels: edges of up to 20 km, cut into pieces that lie at most 0.02 m under the surface.

Source: docs/adr/0004.
"""

import numpy as np

from detente.core.geodesy import EDGE_MAX_M, SEMI_MAJOR_M, SEMI_MINOR_M
from detente.picture._jit import inlined
from detente.picture.plane import Point

NEAR_M = 20_000.0
"""Edges up to this long are cut here; longer ones by geodesics (detente.core.geodesy)."""

_ARC = 1.000001
"""No arc of at most NEAR_M is this much longer than its chord."""

_LONG_M2 = (EDGE_MAX_M * 0.999) ** 2
"""A chord this much shorter than the limit cannot belong to a longer arc."""

_PER_SEMI_MAJOR = 1 / SEMI_MAJOR_M
_PER_SEMI_MINOR = 1 / SEMI_MINOR_M


@inlined
def is_long(a: Point, b: Point) -> bool:
    """Whether an edge lies too deep under the surface to be a piece."""
    dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return bool(dx * dx + dy * dy + dz * dz > _LONG_M2)


@inlined
def parts_of(a: Point, b: Point) -> int:
    """Into how many pieces an edge is cut."""
    if not is_long(a, b):
        return 1
    dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return int(np.ceil(np.sqrt(dx * dx + dy * dy + dz * dz) * _ARC / EDGE_MAX_M))


@inlined
def cut_at(a: Point, b: Point, t: float) -> Point:
    """A place on the edge from ``a`` to ``b``, at the part ``t`` of its chord.

    It lies in the plane of the edge and the ellipsoid's normal at its middle, which within
    NEAR_M is less than 0.1 mm from the geodesic, and on the ellipsoid.
    """
    # Scaled so that the ellipsoid is the unit sphere, on which the root is that of a quadratic.
    x, y, z = a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])
    px, py, pz = x * _PER_SEMI_MAJOR, y * _PER_SEMI_MAJOR, z * _PER_SEMI_MINOR
    # The normal of the ellipsoid at the middle of the edge.
    nx, ny = (a[0] + b[0]) * _PER_SEMI_MAJOR**2, (a[1] + b[1]) * _PER_SEMI_MAJOR**2
    nz = (a[2] + b[2]) * _PER_SEMI_MINOR**2
    sx, sy, sz = nx * _PER_SEMI_MAJOR, ny * _PER_SEMI_MAJOR, nz * _PER_SEMI_MINOR
    across = px * sx + py * sy + pz * sz
    up2 = sx * sx + sy * sy + sz * sz
    below = 1.0 - (px * px + py * py + pz * pz)
    s = below / (across + np.sqrt(across * across + up2 * below))
    return x + s * nx, y + s * ny, z + s * nz


@inlined
def part_end(a: Point, b: Point, part: int, parts: int) -> Point:
    """Where piece number ``part`` of an edge, from 1 on, ends."""
    return b if part == parts else cut_at(a, b, part / parts)
