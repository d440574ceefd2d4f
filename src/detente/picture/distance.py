"""Kernels: how far apart two shapes' cores are, as a chord in metres.

The chord between cores; radii, and what a chord tells of the geodesic, come
after (detente.picture.measure). Crossing edges need no case of their own: their
pieces come within 0.02 m of each other, which is inside the stated error.
"""

import numpy as np

from detente.core.geodesy import FloatArray
from detente.picture._jit import jit
from detente.picture.outline import Outlines


@jit
def point_to_piece(p: FloatArray, a: FloatArray, b: FloatArray) -> float:
    """Squared distance from point ``p`` to the piece from ``a`` to ``b``; (3,) metres."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    wx, wy, wz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    length2 = ux * ux + uy * uy + uz * uz
    t = 0.0
    if length2 > 0.0:
        t = min(1.0, max(0.0, (wx * ux + wy * uy + wz * uz) / length2))
    dx, dy, dz = wx - t * ux, wy - t * uy, wz - t * uz
    return float(dx * dx + dy * dy + dz * dz)


@jit
def piece_to_piece(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> float:
    """Squared distance between the pieces ab and cd; (3,) metres each.

    Either the closest points are both inside their pieces, or one is an end.
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
    if det > 1e-12 * uu * vv:
        s = (uv * vw - vv * uw) / det
        t = (uu * vw - uv * uw) / det
        if 0.0 < s < 1.0 and 0.0 < t < 1.0:
            dx = wx + s * ux - t * vx
            dy = wy + s * uy - t * vy
            dz = wz + s * uz - t * vz
            best = min(best, dx * dx + dy * dy + dz * dz)
    return best


@jit
def ring_winds(o: Outlines, ring: int, x: float, y: float) -> bool:
    """Whether a ring winds around (x, y) in its shape's gnomonic plane."""
    winding = 0
    for block in range(o.ring_block[ring], o.ring_block_end[ring]):
        bound = o.block_plane[block]
        if y < bound[0] or y > bound[1] or x > bound[2]:
            continue
        first = o.block_vertex[block]
        for i in range(first, first + o.block_pieces[block]):
            y0, y1 = o.plane[i, 1], o.plane[i + 1, 1]
            if (y0 <= y) == (y1 <= y):
                continue
            x0, x1 = o.plane[i, 0], o.plane[i + 1, 0]
            side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
            if y1 > y0 and side > 0.0:
                winding += 1
            elif y1 < y0 and side < 0.0:
                winding -= 1
    return winding != 0


@jit
def inside(o: Outlines, shape: int, p: FloatArray) -> bool:
    """Whether an odd number of rings wind around the direction of ``p``.

    So holes are outside, an island in a hole is inside, and a ring that lies
    outside its shell, as in merged multi-part areas, is a part of its own.
    """
    ring = o.shape_ring[shape]
    ring_end = o.shape_ring_end[shape]
    if ring == ring_end:
        return False
    u = o.shape_centre[shape]
    depth = p[0] * u[0] + p[1] * u[1] + p[2] * u[2]
    if depth <= 0.0:
        return False
    f = o.shape_frame[shape]
    x = (p[0] * f[0] + p[1] * f[1] + p[2] * f[2]) / depth
    y = (p[0] * f[3] + p[1] * f[4] + p[2] * f[5]) / depth
    odd = False
    for one in range(ring, ring_end):
        if ring_winds(o, one, x, y):
            odd = not odd
    return odd


@jit
def any_part_inside(o: Outlines, s: int, q: Outlines, t: int) -> bool:
    """Whether a part of core ``t`` lies in core ``s``, where no edges are near.

    A path is connected, so one of its vertices tells for all; each ring may be
    a part of its own.
    """
    ring, ring_end = q.shape_ring[t], q.shape_ring_end[t]
    if ring == ring_end:
        return inside(o, s, q.vertices[q.block_vertex[q.shape_block[t]]])
    for one in range(ring, ring_end):
        if inside(o, s, q.vertices[q.block_vertex[q.ring_block[one]]]):
            return True
    return False


@jit
def blocks_apart2(o: Outlines, i: int, q: Outlines, j: int, best2: float) -> float:
    """Squared distance between two blocks of pieces, or ``best2`` if that is less."""
    fi, ni = o.block_vertex[i], o.block_pieces[i]
    fj, nj = q.block_vertex[j], q.block_pieces[j]
    for a in range(fi, fi + max(ni, 1)):
        p0 = o.vertices[a]
        p1 = o.vertices[a + 1] if ni > 0 else p0
        for b in range(fj, fj + max(nj, 1)):
            q0 = q.vertices[b]
            if ni == 0 and nj == 0:
                d2 = point_to_piece(p0, q0, q0)
            elif nj == 0:
                d2 = point_to_piece(q0, p0, p1)
            elif ni == 0:
                d2 = point_to_piece(p0, q0, q.vertices[b + 1])
            else:
                d2 = piece_to_piece(p0, p1, q0, q.vertices[b + 1])
            best2 = min(best2, d2)
    return best2


@jit
def chord_between(o: Outlines, s: int, q: Outlines, t: int) -> float:
    """The chord between the nearest points of two cores, metres; 0 where they meet."""
    block_s, block_s_end = o.shape_block[s], o.shape_block_end[s]
    block_t, block_t_end = q.shape_block[t], q.shape_block_end[t]
    if any_part_inside(o, s, q, t) or any_part_inside(q, t, o, s):
        return 0.0
    best2 = np.inf
    best = np.inf
    for i in range(block_s, block_s_end):
        a = o.block_sphere[i]
        for j in range(block_t, block_t_end):
            b = q.block_sphere[j]
            dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
            reach = best + a[3] + b[3]
            if dx * dx + dy * dy + dz * dz >= reach * reach:
                continue
            found2 = blocks_apart2(o, i, q, j, best2)
            if found2 < best2:
                best2 = found2
                best = np.sqrt(best2)
    return best
