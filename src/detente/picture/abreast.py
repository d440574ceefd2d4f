"""Kernels: the pieces of one row abreast, so that a processor measures several at once.

A row of a question meets tens of places. Its pieces are laid out once, a line of numbers for
each thing that is asked of them, and then measured against one place after another without
a branch. What comes out is to the bit what ``detente.picture.distance`` has of piece after piece.
"""

import numpy as np

from detente.core.geodesy import FloatArray, IntArray
from detente.picture._jit import inlined, jit, least
from detente.picture.distance import Plane, Point
from detente.picture.tables import Record, Records

PIECES_MAX = 64
"""A row with more is measured block by block, where most are passed over."""

LINES = 11
"""Start and way of a piece, its squared length, and its ends in the gnomonic plane."""

NOT_ABREAST = -1
"""A row that is not laid out so: too many pieces, several rings, or a place alone."""


@jit
def lay_abreast(
    blocks: Records, rings: IntArray, vertices: FloatArray, row: Record, lines: FloatArray
) -> int:
    """Fill ``lines``, (LINES, PIECES_MAX), with the pieces of a row.

    Returns:
        How many there are, or NOT_ABREAST.
    """
    count = 0
    for number in range(row.block, row.block_end):
        count += blocks[number].pieces
    if count == 0 or count > PIECES_MAX or row.ring_end - row.ring > 1:
        return NOT_ABREAST
    is_ring = row.ring != row.ring_end
    if is_ring and (rings[row.ring, 0] != row.block or rings[row.ring, 1] != row.block_end):
        return NOT_ABREAST
    n = 0
    for number in range(row.block, row.block_end):
        block = blocks[number]
        for i in range(block.vertex, block.vertex + block.pieces):
            ux = vertices[i + 1, 0] - vertices[i, 0]
            uy = vertices[i + 1, 1] - vertices[i, 1]
            uz = vertices[i + 1, 2] - vertices[i, 2]
            lines[0, n], lines[1, n], lines[2, n] = vertices[i, 0], vertices[i, 1], vertices[i, 2]
            lines[3, n], lines[4, n], lines[5, n] = ux, uy, uz
            lines[6, n] = ux * ux + uy * uy + uz * uz
            lines[7, n], lines[8, n] = vertices[i, 3], vertices[i, 4]
            lines[9, n], lines[10, n] = vertices[i + 1, 3], vertices[i + 1, 4]
            n += 1
    return count


@inlined
def chord_abreast(
    lines: FloatArray, count: int, row: Record, plane: Plane, p: Point, most: float
) -> float:
    """``distance.chord_to_point`` of a row that is laid abreast."""
    if row.ring != row.ring_end:
        depth = p[0] * row.x + p[1] * row.y + p[2] * row.z
        if depth > 0.0:
            x = (p[0] * plane[0] + p[1] * plane[1] + p[2] * plane[2]) / depth
            y = (p[0] * plane[3] + p[1] * plane[4] + p[2] * plane[5]) / depth
            winding = 0
            for i in range(count):
                y0, y1 = lines[8, i], lines[10, i]
                x0 = lines[7, i]
                side = (lines[9, i] - x0) * (y - y0) - (x - x0) * (y1 - y0)
                up = (y0 <= y) & (y1 > y) & (side > 0.0)
                down = (y0 > y) & (y1 <= y) & (side < 0.0)
                winding += int(up) - int(down)
            if winding != 0:
                return 0.0
    best2 = most * most
    for i in range(count):
        ux, uy, uz, length2 = lines[3, i], lines[4, i], lines[5, i], lines[6, i]
        wx, wy, wz = p[0] - lines[0, i], p[1] - lines[1, i], p[2] - lines[2, i]
        t = min(1.0, max(0.0, (wx * ux + wy * uy + wz * uz) / length2))
        t = t if length2 > 0.0 else 0.0
        dx, dy, dz = wx - t * ux, wy - t * uy, wz - t * uz
        best2 = least(best2, dx * dx + dy * dy + dz * dz)
    return float(np.sqrt(best2))
