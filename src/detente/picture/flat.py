"""Kernels: how far apart shapes are in a plane that touches the ellipsoid."""

import numpy as np

from detente.core.geodesy import FloatArray
from detente.picture._jit import inlined, jit
from detente.picture.plane import FLAT_RAD, Plane, in_plane, part_of, plane_of, point_at
from detente.picture.tables import Record, Records


@inlined
def flat_to_piece(  # noqa: PLR0913, PLR0917 - a kernel takes its numbers flat
    x: float, y: float, x0: float, y0: float, ux: float, uy: float, part: float
) -> float:
    """Squared distance from (x, y) to a piece in a plane.

    Args:
        x: Of the place.
        y: Of the place.
        x0: Where the piece begins.
        y0: Where the piece begins.
        ux: Its way.
        uy: Its way.
        part: ``part_of`` it.
    """
    wx, wy = x - x0, y - y0
    t = min(1.0, max(0.0, (wx * ux + wy * uy) * part))
    dx, dy = wx - t * ux, wy - t * uy
    return float(dx * dx + dy * dy)


@inlined
def flat_chord(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    vertices: FloatArray,
    row: Record,
    plane: Plane,
    x: float,
    y: float,
    most: float,
) -> float:
    """``chord_to_point`` of a row that is flat and what is beside it, in its plane."""
    best, best2 = most, most * most
    for number in range(row.block, row.block_end):
        block = blocks[number]
        middle_x, middle_y = in_plane(row, plane, (block.x, block.y, block.z))
        dx, dy, reach = x - middle_x, y - middle_y, best + block.radius
        if dx * dx + dy * dy >= reach * reach:
            continue
        for i in range(block.vertex, block.vertex + block.pieces):
            x0, y0 = vertices[i, 3], vertices[i, 4]
            ux, uy = vertices[i + 1, 3] - x0, vertices[i + 1, 4] - y0
            part = part_of(ux * ux + uy * uy)
            best2 = min(best2, flat_to_piece(x, y, x0, y0, ux, uy, part))
        best = np.sqrt(best2)
    return float(best)


@inlined
def lie_flat(row: Record, other: Record) -> bool:
    """Whether two shapes are measured in the plane of ``row``: the one that reaches farther.

    Of two that reach as far it is the first by place: to the bit the same, whoever asks.
    """
    first = row.cap > other.cap or (
        row.cap == other.cap and (row.x, row.y, row.z) <= (other.x, other.y, other.z)
    )
    room = FLAT_RAD - other.cap
    dx, dy, dz = row.x - other.x, row.y - other.y, row.z - other.z
    fits = room >= 0.0 and dx * dx + dy * dy + dz * dz <= room * room
    return bool(first and row.cap <= FLAT_RAD and fits)


@inlined
def aside(a0: float, a1: float, b0: float, b1: float) -> float:
    """How far two spans of one axis are apart, or less than 0."""
    return max(min(a0, a1) - max(b0, b1), min(b0, b1) - max(a0, a1))


@inlined
def cross(ax: float, ay: float, bx: float, by: float) -> float:
    """On which side of a way another place lies: above 0 to its left."""
    return ax * by - bx * ay


@inlined
def flat_pieces2(  # noqa: PLR0913, PLR0917 - a kernel takes its numbers flat
    x0: float, y0: float, x1: float, y1: float, u0: float, v0: float, u1: float, v1: float
) -> float:
    """Squared distance between the pieces from (x0, y0) to (x1, y1) and (u0, v0) to (u1, v1)."""
    ax, ay, bx, by = x1 - x0, y1 - y0, u1 - u0, v1 - v0
    from_a, to_a = cross(ax, ay, u0 - x0, v0 - y0), cross(ax, ay, u1 - x0, v1 - y0)
    from_b, to_b = cross(bx, by, x0 - u0, y0 - v0), cross(bx, by, x1 - u0, y1 - v0)
    if from_a * to_a < 0.0 and from_b * to_b < 0.0:
        return 0.0
    a_part, b_part = part_of(ax * ax + ay * ay), part_of(bx * bx + by * by)
    return min(
        flat_to_piece(u0, v0, x0, y0, ax, ay, a_part),
        flat_to_piece(u1, v1, x0, y0, ax, ay, a_part),
        flat_to_piece(x0, y0, u0, v0, bx, by, b_part),
        flat_to_piece(x1, y1, u0, v0, bx, by, b_part),
    )


@jit
def flat_blocks2(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    row: Record,
    plane: Plane,
    from_: FloatArray,
    a: Record,
    to: FloatArray,
    b: Record,
    best: float,
) -> float:
    """Squared distance between two blocks in the plane of ``row``, or of ``best`` if nearer."""
    best2 = best * best
    u0, v0 = in_plane(row, plane, point_at(to, b.vertex))
    for j in range(b.vertex, b.vertex + b.pieces):
        u1, v1 = in_plane(row, plane, point_at(to, j + 1))
        for i in range(a.vertex, a.vertex + a.pieces):
            x0, y0, x1, y1 = from_[i, 3], from_[i, 4], from_[i + 1, 3], from_[i + 1, 4]
            if aside(x0, x1, u0, u1) >= best or aside(y0, y1, v0, v1) >= best:
                continue
            d2 = flat_pieces2(x0, y0, x1, y1, u0, v0, u1, v1)
            if d2 < best2:
                best2 = d2
                best = np.sqrt(best2)
        u0, v0 = u1, v1
    return best2


@jit
def flat_apart(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    vertices: FloatArray,
    row: Record,
    their_blocks: Records,
    their_vertices: FloatArray,
    other: Record,
    most: float,
) -> float:
    """``distance.chord_to_shape`` of two that ``lie_flat``, neither of them in the other."""
    plane = plane_of(row)
    best, best2 = most, most * most
    for i in range(row.block, row.block_end):
        a = blocks[i]
        for j in range(other.block, other.block_end):
            b = their_blocks[j]
            dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
            reach = best + a.radius + b.radius
            if dx * dx + dy * dy + dz * dz >= reach * reach:
                continue
            found2 = flat_blocks2(row, plane, vertices, a, their_vertices, b, best)
            if found2 < best2:
                best2 = found2
                best = np.sqrt(best2)
    return best
