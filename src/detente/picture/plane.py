"""Kernels: the plane of a shape's centre, where its edges are straight.

A shape that lies within FLAT_M of its centre has the plane that touches the ellipsoid there,
onto which places go along its normal, in metres: there "inside" and how far are both worked out.
A larger one has its gnomonic plane, where plane sections through the earth's centre are straight,
so that "inside" is a winding number with no pole and no antimeridian; how far is worked out of
chords.

Source: docs/adr/0040.
"""

import numpy as np

from detente.core.geodesy import (
    CURVATURE_RADIUS_MIN_M,
    ECCENTRICITY_SQUARED,
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
    FloatArray,
)
from detente.picture._jit import inlined, jit
from detente.picture.tables import Record

Point = tuple[float, float, float]
"""Earth-centred metres. A row of an array would do, but compiled code counts who holds one:
so the innermost functions take numbers, and arrays singly."""

Plane = tuple[float, float, float, float, float, float, float, float]
"""Two axes, unit vectors, and where they begin, worked out once a row of a question."""

FLAT_M = 8_000.0
"""Within this of where a plane touches the ellipsoid, with R the radius of its curvature, a
distance d along the ground is never less than in the plane, and at most d (r^2 / 2 R^2 +
d^2 / 24 R^2) more: 0.017 m of 16 km, 0.0005 m of 500 m. A geodesic of 16 km is at most 0.003 m
from straight."""

FLAT_RAD = FLAT_M / SEMI_MAJOR_M

SAG_PER_M = 1.001 / (8 * CURVATURE_RADIUS_MIN_M)
"""Of a squared chord of up to 20 km, how far it lies under the surface at most."""


@jit
def point_at(vertices: FloatArray, i: int) -> Point:
    """A vertex."""
    return vertices[i, 0], vertices[i, 1], vertices[i, 2]


@inlined
def is_flat(row: Record) -> bool:
    """Whether a row's plane is that which touches the ellipsoid."""
    return bool(row.cap <= FLAT_RAD)


@inlined
def on_ellipsoid(x: float, y: float, z: float) -> Point:
    """Where a direction from the earth's centre, a unit vector, leaves the ellipsoid."""
    radius = SEMI_MINOR_M / np.sqrt(1 - ECCENTRICITY_SQUARED * (x * x + y * y))
    return x * radius, y * radius, z * radius


@jit
def plane_of(row: Record) -> Plane:
    """The plane of a row's centre."""
    x, y, z = row.x, row.y, row.z
    if not is_flat(row):
        return *across(x, y, z), 0.0, 0.0
    c = on_ellipsoid(x, y, z)
    # The normal there.
    z /= 1 - ECCENTRICITY_SQUARED
    norm = np.sqrt(x * x + y * y + z * z)
    ex, ey, ez, nx, ny, nz = across(x / norm, y / norm, z / norm)
    begin_x = c[0] * ex + c[1] * ey + c[2] * ez
    return ex, ey, ez, nx, ny, nz, begin_x, c[0] * nx + c[1] * ny + c[2] * nz


@jit
def across(x: float, y: float, z: float) -> tuple[float, float, float, float, float, float]:
    """Two unit vectors across a direction and each other."""
    # Across the axis that the direction is farthest from.
    ax, ay, az = abs(x), abs(y), abs(z)
    if ax <= ay and ax <= az:
        ex, ey, ez = 0.0, z, -y
    elif ay <= az:
        ex, ey, ez = -z, 0.0, x
    else:
        ex, ey, ez = y, -x, 0.0
    norm = np.sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / norm, ey / norm, ez / norm
    return ex, ey, ez, y * ez - z * ey, z * ex - x * ez, x * ey - y * ex


@inlined
def depth_of(row: Record, p: Point) -> float:
    """How far a place is along a row's direction; not above 0 where it lies behind the earth."""
    return float(p[0] * row.x + p[1] * row.y + p[2] * row.z)


@inlined
def in_plane(row: Record, plane: Plane, p: Point) -> tuple[float, float]:
    """Where a place is in a row's plane, if its depth is above 0."""
    x = p[0] * plane[0] + p[1] * plane[1] + p[2] * plane[2]
    y = p[0] * plane[3] + p[1] * plane[4] + p[2] * plane[5]
    if is_flat(row):
        return x - plane[6], y - plane[7]
    depth = depth_of(row, p)
    return x / depth, y / depth


@inlined
def is_beside(x: float, y: float, depth: float) -> bool:
    """Whether how far it is to a place may be worked out in a plane that touches the ellipsoid."""
    return (depth > 0.0) & (x * x + y * y <= FLAT_M * FLAT_M)


@inlined
def part_of(length2: float) -> float:
    """One part in a squared length, by which a piece is measured; 0 of none.

    Not divided by it: of many places abreast, that would take most of the time.
    """
    return 1.0 / length2 if length2 > 0.0 else 0.0
