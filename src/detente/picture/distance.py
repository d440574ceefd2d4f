"""Kernels: how far apart two shapes' cores are, as a chord in metres.

The chord between cores; radii, and what a chord tells of the geodesic, come
after (detente.picture.measure). Crossing edges need no case of their own: their
pieces come within 0.02 m of each other, which is inside the stated error.
Two shapes that fit into one plane are measured there (detente.picture.flat).
"""

import numpy as np

from detente.core.geodesy import FloatArray, IntArray
from detente.picture._jit import inlined, jit
from detente.picture.edge import part_end, parts_of
from detente.picture.flat import flat_apart, flat_chord, lie_flat
from detente.picture.plane import (
    SAG_PER_M,
    Plane,
    Point,
    depth_of,
    in_plane,
    is_beside,
    is_flat,
    on_ellipsoid,
    part_of,
    plane_of,
    point_at,
)
from detente.picture.tables import ALONE, Record, Records, Shapes


@inlined
def place_of(row: Record) -> Point:
    """The place of a row that is ALONE: that of its direction."""
    return on_ellipsoid(row.x, row.y, row.z)


@inlined
def point_to_piece(p: Point, a: Point, b: Point) -> float:
    """Squared distance from point ``p`` to the piece from ``a`` to ``b``."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    wx, wy, wz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    length2 = ux * ux + uy * uy + uz * uz
    t = min(1.0, max(0.0, (wx * ux + wy * uy + wz * uz) * part_of(length2)))
    dx, dy, dz = wx - t * ux, wy - t * uy, wz - t * uz
    return float(dx * dx + dy * dy + dz * dz)


@jit
def piece_to_piece(a: Point, b: Point, c: Point, d: Point) -> float:
    """Squared distance between the pieces ab and cd.

    Either the closest points are both inside their pieces, or one is an end. To the bit the
    same whichever comes first.
    """
    best = min(
        point_to_piece(a, c, d),
        point_to_piece(b, c, d),
        point_to_piece(c, a, b),
        point_to_piece(d, a, b),
    )
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = d[0] - c[0], d[1] - c[1], d[2] - c[2]
    wx, wy, wz = a[0] - c[0], a[1] - c[1], a[2] - c[2]
    uu = ux * ux + uy * uy + uz * uz
    uv = ux * vx + uy * vy + uz * vz
    vv = vx * vx + vy * vy + vz * vz
    uw = ux * wx + uy * wy + uz * wz
    vw = vx * wx + vy * wy + vz * wz
    det = uu * vv - uv * uv
    # Nearly parallel pieces are closest at an end, which is already counted.
    if det > 1e-12 * (uu * vv):
        s = (uv * vw - vv * uw) / det
        t = (uu * vw - uv * uw) / det
        if 0.0 < s < 1.0 and 0.0 < t < 1.0:
            dx, dy, dz = wx + (s * ux - t * vx), wy + (s * uy - t * vy), wz + (s * uz - t * vz)
            best = min(best, dx * dx + dy * dy + dz * dz)
    return best


@jit
def ring_winds(
    blocks: Records, vertices: FloatArray, first: int, end: int, x: float, y: float
) -> bool:
    """Whether a ring, blocks [first, end), winds around (x, y) in its shape's plane."""
    winding = 0
    for number in range(first, end):
        block = blocks[number]
        if y < block.low or y > block.high or x > block.right:
            continue
        for i in range(block.vertex, block.vertex + block.pieces):
            y0, y1 = vertices[i, 4], vertices[i + 1, 4]
            if (y0 <= y) == (y1 <= y):
                continue
            x0, x1 = vertices[i, 3], vertices[i + 1, 3]
            side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
            if y1 > y0 and side > 0.0:
                winding += 1
            elif y1 < y0 and side < 0.0:
                winding -= 1
    return winding != 0


@inlined
def inside(
    blocks: Records, rings: IntArray, vertices: FloatArray, row: Record, plane: Plane, p: Point
) -> bool:
    """Whether an odd number of a row's rings wind around the direction of ``p``.

    So holes are outside, an island in a hole is inside, and a ring that lies
    outside its shell, as in merged multi-part areas, is a part of its own.
    """
    if row.ring == row.ring_end or depth_of(row, p) <= 0.0:
        return False
    x, y = in_plane(row, plane, p)
    odd = False
    for one in range(row.ring, row.ring_end):
        if ring_winds(blocks, vertices, rings[one, 0], rings[one, 1], x, y):
            odd = not odd
    return odd


@jit
def any_part_inside(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    row: Record,
    plane: Plane,
    their_blocks: Records,
    their_rings: IntArray,
    their_vertices: FloatArray,
    other: Record,
) -> bool:
    """Whether a part of the core of ``other`` lies in ``row``, where no edges are near.

    A path is connected, so one of its vertices tells for all; each ring may be
    a part of its own.
    """
    if row.ring == row.ring_end:
        return False
    if other.ring == other.ring_end:
        p = point_at(their_vertices, their_blocks[other.block].vertex)
        return inside(blocks, rings, vertices, row, plane, p)
    for one in range(other.ring, other.ring_end):
        p = point_at(their_vertices, their_blocks[their_rings[one, 0]].vertex)
        if inside(blocks, rings, vertices, row, plane, p):
            return True
    return False


@jit
def sphere_of(a: Point, b: Point) -> tuple[Point, float]:
    """Centre and radius of the sphere around an edge and the ground over it."""
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    centre = (a[0] + dx / 2, a[1] + dy / 2, a[2] + dz / 2)
    length2 = dx * dx + dy * dy + dz * dz
    return centre, np.sqrt(length2) / 2 + length2 * SAG_PER_M


@inlined
def point_to_edge(p: Point, a: Point, b: Point) -> float:
    """Squared distance from point ``p`` to the edge from ``a`` to ``b``."""
    parts = parts_of(a, b)
    if parts == 1:
        return point_to_piece(p, a, b)
    best2, begin = np.inf, a
    for part in range(1, parts + 1):
        end = part_end(a, b, part, parts)
        best2 = min(best2, point_to_piece(p, begin, end))
        begin = end
    return best2


@jit
def edge_to_edge(a: Point, b: Point, c: Point, d: Point) -> float:
    """Squared distance between the edges ab and cd; to the bit the same whichever is first."""
    parts, others = parts_of(a, b), parts_of(c, d)
    if parts == 1 and others == 1:
        return piece_to_piece(a, b, c, d)
    best2, p = np.inf, a
    for part in range(1, parts + 1):
        p_end, q = part_end(a, b, part, parts), c
        for other in range(1, others + 1):
            q_end = part_end(c, d, other, others)
            best2 = min(best2, piece_to_piece(p, p_end, q, q_end))
            q = q_end
        p = p_end
    return best2


@jit
def beyond(a: Point, b: Point, reach: float) -> bool:
    """Whether two places are at least so far apart."""
    dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return bool(dx * dx + dy * dy + dz * dz >= reach * reach)


@jit
def blocks_apart2(from_: FloatArray, a: Record, to: FloatArray, b: Record, best: float) -> float:
    """Squared distance between two blocks of pieces, or that of ``best`` if it is nearer."""
    best2 = best * best
    for i in range(a.vertex, a.vertex + a.pieces):
        p0, p1 = point_at(from_, i), point_at(from_, i + 1)
        centre, radius = sphere_of(p0, p1)
        if beyond(centre, (b.x, b.y, b.z), best + radius + b.radius):
            continue
        for j in range(b.vertex, b.vertex + b.pieces):
            q0, q1 = point_at(to, j), point_at(to, j + 1)
            other, around = sphere_of(q0, q1)
            if beyond(centre, other, best + radius + around):
                continue
            d2 = edge_to_edge(p0, p1, q0, q1)
            if d2 < best2:
                best2 = d2
                best = np.sqrt(best2)
    return best2


@inlined
def chord_to_point(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    row: Record,
    plane: Plane,
    p: Point,
    most: float,
) -> float:
    """The chord between a core and a point: ``chord_between`` of what most registers hold."""
    if row.ring != row.ring_end and inside(blocks, rings, vertices, row, plane, p):
        return 0.0
    best, best2 = most, most * most
    if row.block == ALONE:
        q = place_of(row)
        return float(np.sqrt(min(best2, point_to_piece(p, q, q))))
    if is_flat(row):
        x, y = in_plane(row, plane, p)
        if is_beside(x, y, depth_of(row, p)):
            return flat_chord(blocks, vertices, row, plane, x, y, most)
    for number in range(row.block, row.block_end):
        block = blocks[number]
        dx, dy, dz = p[0] - block.x, p[1] - block.y, p[2] - block.z
        reach = best + block.radius
        if dx * dx + dy * dy + dz * dz >= reach * reach:
            continue
        a = point_at(vertices, block.vertex)
        for i in range(block.vertex, block.vertex + block.pieces):
            b = point_at(vertices, i + 1)
            best2 = min(best2, point_to_edge(p, a, b))
            a = b
        best = np.sqrt(best2)
    return best


@inlined
def chord_between(
    t: Shapes, row: Record, plane: Plane, u: Shapes, other: Record, most: float
) -> float:
    """The chord between the nearest points of two cores, metres; 0 where they meet.

    What is not nearer than ``most`` is that far: nobody asks how far exactly.
    """
    if other.block == ALONE:
        return chord_to_point(t.blocks, t.rings, t.vertices, row, plane, place_of(other), most)
    if row.block == ALONE:
        p, back = place_of(row), plane_of(other)
        return chord_to_point(u.blocks, u.rings, u.vertices, other, back, p, most)
    return chord_to_shape(
        t.blocks, t.rings, t.vertices, row, plane, u.blocks, u.rings, u.vertices, other, most
    )


@jit
def chord_to_shape(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    rings: IntArray,
    vertices: FloatArray,
    row: Record,
    plane: Plane,
    their_blocks: Records,
    their_rings: IntArray,
    their_vertices: FloatArray,
    other: Record,
    most: float,
) -> float:
    """``chord_between`` of two shapes of any kind."""
    if any_part_inside(
        blocks, rings, vertices, row, plane, their_blocks, their_rings, their_vertices, other
    ):
        return 0.0
    if other.ring != other.ring_end and any_part_inside(
        their_blocks, their_rings, their_vertices, other, plane_of(other),
        blocks, rings, vertices, row,
    ):  # fmt: skip
        return 0.0
    if lie_flat(row, other):
        return flat_apart(blocks, vertices, row, their_blocks, their_vertices, other, most)
    if lie_flat(other, row):
        return flat_apart(their_blocks, their_vertices, other, blocks, vertices, row, most)
    return edges_apart(blocks, vertices, row, their_blocks, their_vertices, other, most)


@jit
def edges_apart(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    blocks: Records,
    vertices: FloatArray,
    row: Record,
    their_blocks: Records,
    their_vertices: FloatArray,
    other: Record,
    most: float,
) -> float:
    """``chord_to_shape`` of two of which neither is in the other."""
    best, best2 = most, most * most
    for i in range(row.block, row.block_end):
        a = blocks[i]
        for j in range(other.block, other.block_end):
            b = their_blocks[j]
            dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
            reach = best + a.radius + b.radius
            if dx * dx + dy * dy + dz * dz >= reach * reach:
                continue
            found2 = blocks_apart2(vertices, a, their_vertices, b, best)
            if found2 < best2:
                best2 = found2
                best = np.sqrt(best2)
    return best
