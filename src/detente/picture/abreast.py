"""Kernels: places abreast, so that a processor measures several against a piece at once.

A row of a question meets tens of places. Its pieces are laid out once, a line of numbers for
each thing that is asked of them; the places that are near are gathered, and then each piece is
measured against all of them without a branch. What comes out is to the bit what
``detente.picture.distance`` has of one place after another.
"""

from typing import NamedTuple

import numpy as np

from detente.core.geodesy import FloatArray, IntArray
from detente.picture._jit import inlined, jit, least
from detente.picture.bands import room_for_runs
from detente.picture.distance import chord_to_point
from detente.picture.flat import flat_to_piece
from detente.picture.plane import Plane, is_beside, is_flat, on_ellipsoid, part_of
from detente.picture.tables import ROW, Record, Records, Tables

PIECES_MAX = 64
"""A row with more is measured block by block, where most are passed over."""

LINES = 11
"""Of a piece in a plane that touches the ellipsoid: where it begins, its way, one part in its
squared length, the height of its end. Of others: start and way earth-centred, one part in its
squared length, and its ends in the plane."""

NOT_ABREAST = -1
"""A row that is not laid out so: too many pieces, several rings, or a place alone."""

PLACES = 64
"""Places that are measured at once: most plans have no more."""

SIFTED = 64
"""Rows that are looked at together, whether they may be near."""

_HALF = 16
"""Of them, those that are outside are measured by so many: they are fewer."""


class Room(NamedTuple):
    """What is written while a row of a question is asked, so that it is made once for many.

    ``lines`` (LINES, PIECES_MAX); ``rows`` (PLACES,) uint64, the places that are near, rows of a
    picture; ``at`` (5, PLACES): their directions, then where they are in the row's plane;
    ``most`` (PLACES,) from what chord on nobody asks, metres; ``square`` (PLACES,) of the chord;
    ``winding`` (PLACES,) of the row's ring; ``outside`` (2, 4, _HALF): places
    that are, and the square of their chord; ``which`` (PLACES,) they are.

    Before that, ``runs`` (m, 2) of ``measure.candidates``, and ``sifted`` (SIFTED,) uint64, the
    rows of a picture that are looked at next; ``whole`` (1,) ROW, one of them.
    """

    lines: FloatArray
    rows: IntArray
    at: FloatArray
    most: FloatArray
    square: FloatArray
    winding: IntArray
    outside: FloatArray
    which: IntArray
    runs: IntArray
    sifted: IntArray
    whole: Records


@jit
def new_room() -> Room:
    """Room, with nothing in it."""
    return Room(
        np.empty((LINES, PIECES_MAX)),
        np.zeros(PLACES, dtype=np.uint64),
        np.zeros((5, PLACES)),
        np.zeros(PLACES),
        np.zeros(PLACES),
        np.zeros(PLACES, dtype=np.int64),
        np.zeros((PLACES // _HALF, 4, _HALF)),
        np.zeros(PLACES, dtype=np.int64),
        room_for_runs(),
        np.zeros(SIFTED, dtype=np.uint64),
        np.empty(1, dtype=ROW),
    )


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
    n, flat = 0, is_flat(row)
    for number in range(row.block, row.block_end):
        block = blocks[number]
        for i in range(block.vertex, block.vertex + block.pieces):
            if flat:
                _lay_flat(vertices, i, lines, n)
            else:
                _lay(vertices, i, lines, n)
            n += 1
    return count


@inlined
def _lay_flat(vertices: FloatArray, i: int, lines: FloatArray, n: int) -> None:
    """Line ``n`` of the piece from vertex ``i`` on, in a plane that touches the ellipsoid."""
    x, y, end_y = vertices[i, 3], vertices[i, 4], vertices[i + 1, 4]
    ux, uy = vertices[i + 1, 3] - x, end_y - y
    lines[0, n], lines[1, n], lines[2, n], lines[3, n] = x, y, ux, uy
    lines[4, n], lines[5, n] = part_of(ux * ux + uy * uy), end_y


@inlined
def _lay(vertices: FloatArray, i: int, lines: FloatArray, n: int) -> None:
    """Line ``n`` of the piece from vertex ``i`` on."""
    ux = vertices[i + 1, 0] - vertices[i, 0]
    uy = vertices[i + 1, 1] - vertices[i, 1]
    uz = vertices[i + 1, 2] - vertices[i, 2]
    lines[0, n], lines[1, n], lines[2, n] = vertices[i, 0], vertices[i, 1], vertices[i, 2]
    lines[3, n], lines[4, n], lines[5, n] = ux, uy, uz
    lines[6, n] = part_of(ux * ux + uy * uy + uz * uz)
    lines[7, n], lines[8, n] = vertices[i, 3], vertices[i, 4]
    lines[9, n], lines[10, n] = vertices[i + 1, 3], vertices[i + 1, 4]


@inlined
def lanes_of(places: int) -> np.uint64:
    """For how many places there are instructions: a processor has eight side by side."""
    return np.uint64((places + 7) // 8 * 8)


@inlined
def chords_abreast(
    question: Tables, room: Room, pieces: int, places: int, row: Record, plane: Plane
) -> None:
    """``distance.chord_to_point`` of a row that is laid abreast and the places gathered, squared.

    Reads the directions in ``room.at`` and ``room.most``, and leaves the squares in
    ``room.square``.
    """
    if not is_flat(row):
        _chords_abreast(room, pieces, places, row, plane)
    elif not _flat_abreast(room, pieces, places, row, plane):
        blocks, rings, vertices = question.blocks, question.rings, question.vertices
        at = room.at
        for k in range(places):
            if not room.which[k]:
                p = at[0, k], at[1, k], at[2, k]
                chord = chord_to_point(blocks, rings, vertices, row, plane, p, room.most[k])
                room.square[k] = chord * chord


@inlined
def _flat_abreast(room: Room, pieces: int, places: int, row: Record, plane: Plane) -> bool:
    """``chords_abreast`` in a plane that touches the ellipsoid.

    Returns:
        Whether all places lie beside its shape; else ``room.which`` do.
    """
    lines, at, most, square = room.lines, room.at, room.most, room.square
    winding, which = room.winding, room.which
    beside, lanes = 0, lanes_of(places)
    for k in range(lanes):
        p = on_ellipsoid(at[0, k], at[1, k], at[2, k])
        depth = p[0] * row.x + p[1] * row.y + p[2] * row.z
        x = p[0] * plane[0] + p[1] * plane[1] + p[2] * plane[2] - plane[6]
        y = p[0] * plane[3] + p[1] * plane[4] + p[2] * plane[5] - plane[7]
        at[0, k], at[1, k], at[2, k] = p
        at[3, k], at[4, k] = x, y
        which[k] = int(is_beside(x, y, depth))
        beside += which[k]
        square[k] = most[k] * most[k]
        winding[k] = 0
    for i in range(pieces):
        x0, y0, ux, uy, part = lines[0, i], lines[1, i], lines[2, i], lines[3, i], lines[4, i]
        y1 = lines[5, i]
        for k in range(lanes):
            x, y = at[3, k], at[4, k]
            side = ux * (y - y0) - (x - x0) * uy
            up = (y0 <= y) & (y1 > y) & (side > 0.0)
            down = (y0 > y) & (y1 <= y) & (side < 0.0)
            winding[k] += int(up) - int(down)
            square[k] = least(square[k], flat_to_piece(x, y, x0, y0, ux, uy, part))
    is_ring = row.ring != row.ring_end
    for k in range(lanes):
        square[k] = 0.0 if is_ring & (winding[k] != 0) else square[k]
    return beside == lanes


@inlined
def _chords_abreast(room: Room, pieces: int, places: int, row: Record, plane: Plane) -> None:
    """``chords_abreast`` of a row that is not flat."""
    at, most, square, winding = room.at, room.most, room.square, room.winding
    _wind(room, pieces, places, row, plane)
    outside, which = room.outside, room.which
    count = 0
    for k in range(places):
        half, lane = count // _HALF, count % _HALF
        outside[half, 0, lane], outside[half, 1, lane] = at[0, k], at[1, k]
        outside[half, 2, lane], outside[half, 3, lane] = at[2, k], most[k] * most[k]
        which[count] = k
        square[k] = 0.0
        count += int(winding[k] == 0)
    for half in range(-(-count // _HALF)):
        _approach(room.lines, pieces, outside[half])
    for k in range(count):
        square[which[k]] = outside[k // _HALF, 3, k % _HALF]


@inlined
def nearer(room: Room, places: int) -> int:
    """Which of the places are not too far, into ``room.which``; how many.

    Without a branch, as ``near.sift``.
    """
    most, square, which, count = room.most, room.square, room.which, 0
    for k in range(places):
        which[count] = k
        count += int(square[k] < most[k] * most[k])
    return count


@inlined
def _wind(room: Room, pieces: int, places: int, row: Record, plane: Plane) -> None:
    """Places of directions, and how often the row's ring winds around each; 0 without a ring."""
    lines, at, winding, lanes = room.lines, room.at, room.winding, lanes_of(places)
    for k in range(lanes):
        p = on_ellipsoid(at[0, k], at[1, k], at[2, k])
        depth = p[0] * row.x + p[1] * row.y + p[2] * row.z
        x = (p[0] * plane[0] + p[1] * plane[1] + p[2] * plane[2]) / depth
        y = (p[0] * plane[3] + p[1] * plane[4] + p[2] * plane[5]) / depth
        at[0, k], at[1, k], at[2, k] = p
        at[3, k] = x
        # What lies behind the earth's centre is beyond every piece.
        at[4, k] = y if depth > 0.0 else np.inf
        winding[k] = 0
    if row.ring == row.ring_end:
        return
    for i in range(pieces):
        x0, y0, x1, y1 = lines[7, i], lines[8, i], lines[9, i], lines[10, i]
        for k in range(lanes):
            x, y = at[3, k], at[4, k]
            side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
            up = (y0 <= y) & (y1 > y) & (side > 0.0)
            down = (y0 > y) & (y1 <= y) & (side < 0.0)
            winding[k] += int(up) - int(down)


@inlined
def _approach(lines: FloatArray, pieces: int, outside: FloatArray) -> None:
    """The least squared distances of _HALF places."""
    for i in range(pieces):
        ax, ay, az = lines[0, i], lines[1, i], lines[2, i]
        ux, uy, uz, part = lines[3, i], lines[4, i], lines[5, i], lines[6, i]
        for k in range(_HALF):
            wx, wy, wz = outside[0, k] - ax, outside[1, k] - ay, outside[2, k] - az
            t = min(1.0, max(0.0, (wx * ux + wy * uy + wz * uz) * part))
            dx, dy, dz = wx - t * ux, wy - t * uy, wz - t * uz
            outside[3, k] = least(outside[3, k], dx * dx + dy * dy + dz * dz)
