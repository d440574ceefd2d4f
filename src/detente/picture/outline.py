"""From plain integers to records that the kernels read.

Compiled, and one way for a register of a million and for a question of one: so
the same shape is the same numbers, whoever asks and whatever stands beside it.

Source: docs/adr/0004; docs/rules/R-06.md.
"""

import numpy as np

from detente.core.geodesy import FloatArray, IntArray, cut_edges
from detente.errors import MalformedInput
from detente.picture._jit import jit, released, released_if_many
from detente.picture.edge import NEAR_M, cut_at, is_long, parts_of
from detente.picture.gather import RAW, Raw
from detente.picture.places import end_of, placed, placed_at
from detente.picture.plane import SAG_PER_M, in_plane, is_flat, plane_of, point_at
from detente.picture.tables import (
    ALONE,
    BLOCK,
    BLOCK_PIECES,
    FOREVER_US,
    NEVER_US,
    ROW,
    Record,
    Records,
    Tables,
)

CAP_MAX_RAD = np.radians(75.0)
"""A shape fits within 75 degrees (8,300 km) of its centre, so that its gnomonic
plane stays well-conditioned. A larger one is split by its author."""

_E7 = 1e7
_MM = 1e3

_NO_MEAN = 1e-9
"""Vertices that cancel out have no mean; any of them shows that the cap is too wide."""


def outlines(raw: Raw, asked: IntArray) -> Tables:
    """Lay out what was gathered, in the order in which it was.

    Args:
        raw: The objects.
        asked: What the agreement asks for each of their groups (``gather.agreed``).

    Raises:
        TooWide: A shape wider than CAP_MAX_RAD; it tells whose.
    """
    tables, widest, cap_rad, long = uncut(raw.rows, raw.starts, raw.positions, raw.owners, asked)
    if len(long):
        vertices, starts = _cut(raw, tables.vertices, long)
        tables, widest, cap_rad = cut(raw.rows, starts, vertices, raw.owners, asked)
    if cap_rad > CAP_MAX_RAD:
        raise TooWide(int(raw.rows["owner"][widest]), cap_rad)
    return tables


class TooWide(MalformedInput):
    """A shape that cannot be measured; ``owner`` is the number of its object."""

    def __init__(self, owner: int, cap_rad: float, *, what: str = "shape") -> None:
        super().__init__(
            what,
            expected=f"within {np.degrees(CAP_MAX_RAD):.0f} degrees of its centre; split it",
            got=f"{np.degrees(cap_rad):.0f} degrees",
        )
        self.owner = owner
        self._cap_rad = cap_rad

    def of(self, what: str) -> "TooWide":
        """The same, naming the shape."""
        return TooWide(self.owner, self._cap_rad, what=what)


def _cut(raw: Raw, vertices: FloatArray, long: IntArray) -> tuple[FloatArray, IntArray]:
    """Vertices with the ``long`` edges cut into pieces, and where each path then starts."""
    # In compiled code: numpy gives up the lock even to pick a few items.
    pieces, chord, longest = cuts(vertices, long)
    far = long[:0]
    if longest > NEAR_M:
        far = long[chord > NEAR_M]
        degrees = raw.positions / _E7
        pieces[far], positions = cut_edges(degrees[far], degrees[far + 1], chord[chord > NEAR_M])
    place, starts = places_of(pieces, raw.starts)
    out = spread(vertices, pieces, place)
    if len(far):
        # The first piece of an edge starts at the vertex that is there already.
        count = pieces[far]
        part = np.arange(len(positions)) - np.repeat(np.cumsum(count) - count, count)
        inner = np.flatnonzero(part)
        out[np.repeat(place[far], count)[inner] + part[inner]] = placed_at(positions[inner])
    return out, starts


@released_if_many
def uncut(
    raw: Records, starts: IntArray, positions: IntArray, owners: Records, asked: IntArray
) -> tuple[Tables, int, float, IntArray]:
    """``outlines`` of what has no edge that is to be cut.

    In one step: a call of compiled code takes longer than most of what it does for a few.

    Returns:
        The tables, the first of the rows that reach farthest around their centres, how far it
        does, and where the edges begin that are too long: if there are any, only the vertices
        are what they should be.
    """
    vertices = placed(positions, starts)
    long = long_edges(raw, starts, vertices)
    few = raw[: 0 if len(long) else len(raw)]
    tables, widest, cap_rad = completed(few, starts, vertices, owners, asked)
    return tables, widest, cap_rad, long


@released_if_many
def cut(
    raw: Records, starts: IntArray, vertices: FloatArray, owners: Records, asked: IntArray
) -> tuple[Tables, int, float]:
    """The same once all edges are cut."""
    return completed(raw, starts, vertices, owners, asked)


@jit
def completed(
    raw: Records, starts: IntArray, vertices: FloatArray, owners: Records, asked: IntArray
) -> tuple[Tables, int, float]:
    """Tables of vertices that stay as they are, the widest row and its cap in radians."""
    tables = laid_out(raw, starts, vertices)
    ask(tables.rows, owners, asked)
    widest, cap_rad = 0, 0.0
    for i in range(len(raw)):
        if tables.rows[i].cap > cap_rad:
            widest, cap_rad = i, tables.rows[i].cap
    return tables, widest, cap_rad


@jit
def long_edges(raw: Records, starts: IntArray, vertices: FloatArray) -> IntArray:
    """Where edges begin that are too long to be a piece, of shapes that are not flat."""
    n = len(vertices)
    out = np.empty(n - len(starts), dtype=np.int64)
    rows = np.empty(1, dtype=ROW)
    found, path = 0, 0
    for i in range(len(raw)):
        begin, first, path_end = found, path, raw[i].path_end
        for path in range(first, path_end):
            for k in range(starts[path], end_of(starts, path, n) - 1):
                out[found] = k
                found += is_long(point_at(vertices, k), point_at(vertices, k + 1))
        path = path_end
        if found > begin:
            cap(rows[0], vertices, starts[first], end_of(starts, path_end - 1, n))
            if is_flat(rows[0]):
                found = begin
    return out[:found]


@released_if_many
def cuts(vertices: FloatArray, long: IntArray) -> tuple[IntArray, FloatArray, float]:
    """Into how many pieces each edge is cut.

    Returns:
        (n,) pieces, the chords of the ``long`` ones in metres, and the longest of these.
    """
    pieces, chord = np.ones(len(vertices), dtype=np.int64), np.empty(len(long))
    longest = 0.0
    for k in range(len(long)):
        a, b = point_at(vertices, long[k]), point_at(vertices, long[k] + 1)
        dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        chord[k] = np.sqrt(dx * dx + dy * dy + dz * dz)
        pieces[long[k]] = parts_of(a, b)
        longest = max(longest, chord[k])
    return pieces, chord, longest


@released_if_many
def places_of(pieces: IntArray, starts: IntArray) -> tuple[IntArray, IntArray]:
    """Where each vertex goes once edges are cut into so many pieces, and each path's first one."""
    place, begins = np.empty_like(pieces), np.empty_like(starts)
    at = 0
    for i in range(len(pieces)):
        place[i] = at
        at += pieces[i]
    for path in range(len(starts)):
        begins[path] = place[starts[path]]
    return place, begins


@released_if_many
def spread(vertices: FloatArray, pieces: IntArray, place: IntArray) -> FloatArray:
    """Vertices with each edge cut into so many pieces (``edge.cut_at``).

    Args:
        vertices: (n, 5) earth-centred metres.
        pieces: (n,) of the edge that begins at each vertex.
        place: (n,) where each vertex goes.
    """
    n = len(vertices)
    out = np.empty((place[n - 1] + pieces[n - 1], vertices.shape[1]))
    for i in range(n):
        for axis in range(vertices.shape[1]):
            out[place[i], axis] = vertices[i, axis]
        for part in range(1, pieces[i]):
            a, b = point_at(vertices, i), point_at(vertices, i + 1)
            v = out[place[i] + part]
            v[0], v[1], v[2] = cut_at(a, b, part / pieces[i])
            v[3] = v[4] = 0.0
    return out


@released
def some_of(
    rows: Records, starts: IntArray, positions: IntArray, begins: IntArray, which: IntArray
) -> tuple[Records, IntArray, IntArray]:
    """What was gathered of some objects, in another order: ``rows``, ``starts``, ``positions``.

    Args:
        rows: (n,) RAW; those of an object stand together.
        starts: As of ``Raw``.
        positions: As of ``Raw``.
        begins: (o + 1,) int64, each object's first row, and the end of all.
        which: (w,) int64, the objects.
    """
    count = np.zeros(3, dtype=np.int64)
    for one in which:
        first, end, path, path_end = rows_of(rows, begins, one)
        count[0] += end - first
        count[1] += path_end - path
        count[2] += end_of(starts, path_end - 1, len(positions)) - starts[path]
    some = np.empty(count[0], dtype=RAW)
    some_starts = np.empty(count[1], dtype=np.int64)
    some_positions = np.empty((count[2], 2), dtype=np.int64)
    row, paths, at = 0, 0, 0
    for one in which:
        first, end, path, path_end = rows_of(rows, begins, one)
        for i in range(first, end):
            some[row] = rows[i]
            some[row].path_end += paths - path
            row += 1
        from_, to = starts[path], end_of(starts, path_end - 1, len(positions))
        for i in range(path, path_end):
            some_starts[paths] = starts[i] + at - from_
            paths += 1
        for i in range(from_, to):
            some_positions[at, 0], some_positions[at, 1] = positions[i, 0], positions[i, 1]
            at += 1
    return some, some_starts, some_positions


@jit
def rows_of(rows: Records, begins: IntArray, one: int) -> tuple[int, int, int, int]:
    """An object's first row and their end, its first path and their end."""
    first, end = begins[one], begins[one + 1]
    path = rows[first - 1].path_end if first else 0
    return first, end, path, rows[end - 1].path_end


@jit
def laid_out(raw: Records, starts: IntArray, vertices: FloatArray) -> Tables:
    """Records of everything but what is asked; fills the plane of ``vertices``."""
    n = len(vertices)
    blocks, rings = counted(raw, starts, n)
    out = Tables(
        np.empty(len(raw), dtype=ROW),
        np.empty(blocks, dtype=BLOCK),
        np.empty((rings, 2), dtype=np.int64),
        vertices,
    )
    path, block, ring = 0, 0, 0
    for i in range(len(raw)):
        source, row = raw[i], out.rows[i]
        path_end = source.path_end
        bound(source, row)
        cap(row, vertices, starts[path], end_of(starts, path_end - 1, n))
        row.block, row.ring = block, ring
        if is_place(source, path, starts, n):
            row.block = row.block_end = ALONE
            row.ring = row.ring_end = 0
            path = path_end
            continue
        if source.area or is_flat(row):
            project(row, vertices, starts[path], end_of(starts, path_end - 1, n))
        for one in range(path, path_end):
            begin = block
            block = add_blocks(out, block, starts[one], end_of(starts, one, n))
            if source.area:
                out.rings[ring, 0], out.rings[ring, 1] = begin, block
                ring += 1
        row.block_end, row.ring_end = block, ring
        path = path_end
    return out


@jit
def is_place(source: Record, path: int, starts: IntArray, n: int) -> bool:
    """Whether the row whose first path this is has a single place as its core."""
    return not source.area and end_of(starts, path, n) - starts[path] == 1


@jit
def counted(raw: Records, starts: IntArray, n: int) -> tuple[int, int]:
    """How many blocks and rings there will be."""
    blocks, rings, path = 0, 0, 0
    for i in range(len(raw)):
        if not is_place(raw[i], path, starts, n):
            for one in range(path, raw[i].path_end):
                pieces = end_of(starts, one, n) - starts[one] - 1
                blocks += max(1, (pieces + BLOCK_PIECES - 1) // BLOCK_PIECES)
        if raw[i].area:
            rings += raw[i].path_end - path
        path = raw[i].path_end
    return blocks, rings


@jit
def bound(source: Record, row: Record) -> None:
    """Owner, times, altitudes, radius and track, in metres; nothing is asked yet."""
    row.owner, row.plan = source.owner, source.plan
    row.start_us, row.end_us, row.fix_us = source.start_us, source.end_us, source.fix_us
    row.lower_m = -np.inf if source.lower_mm == NEVER_US else source.lower_mm / _MM
    row.upper_m = np.inf if source.upper_mm == FOREVER_US else source.upper_mm / _MM
    row.radius_m = source.width_mm / (2 * _MM)
    row.error_m = source.error_mm / _MM
    row.speed_m_s = source.speed_mm_s / _MM


@jit
def cap(row: Record, vertices: FloatArray, first: int, end: int) -> None:
    """Direction of the middle of some vertices, and how far they reach around it."""
    if end - first == 1:
        v = vertices[first]
        norm = np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
        row.x, row.y, row.z, row.cap = v[0] / norm, v[1] / norm, v[2] / norm, 0.0
        return
    x, y, z = 0.0, 0.0, 0.0
    for i in range(first, end):
        v = vertices[i]
        # Kept where its place in the plane will be, until it has been asked again.
        v[3] = 1.0 / np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
        x, y, z = x + v[0] * v[3], y + v[1] * v[3], z + v[2] * v[3]
    norm = np.sqrt(x * x + y * y + z * z)
    if norm <= _NO_MEAN:
        x, y, z = vertices[first, 0], vertices[first, 1], vertices[first, 2]
        norm = np.sqrt(x * x + y * y + z * z)
    x, y, z = x / norm, y / norm, z / norm
    apart2 = 0.0
    for i in range(first, end):
        v = vertices[i]
        dx, dy, dz = v[0] * v[3] - x, v[1] * v[3] - y, v[2] * v[3] - z
        apart2 = max(apart2, dx * dx + dy * dy + dz * dz)
        v[3] = 0.0
    row.x, row.y, row.z = x, y, z
    row.cap = 2 * np.arcsin(min(1.0, np.sqrt(apart2) / 2))


@jit
def project(row: Record, vertices: FloatArray, first: int, end: int) -> None:
    """Where a row's vertices are in the plane of its centre."""
    plane = plane_of(row)
    for i in range(first, end):
        v = vertices[i]
        v[3], v[4] = in_plane(row, plane, (v[0], v[1], v[2]))


@jit
def add_blocks(out: Tables, block: int, first: int, end: int) -> int:
    """Cut one path into blocks; the number of the next block."""
    vertex = first
    while True:
        pieces = min(BLOCK_PIECES, end - 1 - vertex)
        enclose(out.blocks[block], out.vertices, vertex, pieces)
        block += 1
        vertex += BLOCK_PIECES
        if vertex >= end - 1:
            return block


@jit
def enclose(block: Record, vertices: FloatArray, first: int, pieces: int) -> None:
    """A sphere around pieces and the ground over them, and their bounds in the plane."""
    block.vertex, block.pieces = first, pieces
    v = vertices[first]
    x0, y0, z0, low, right = v[0], v[1], v[2], v[4], v[3]
    x1, y1, z1, high = v[0], v[1], v[2], v[4]
    for i in range(first + 1, first + pieces + 1):
        v = vertices[i]
        x0, y0, z0 = min(x0, v[0]), min(y0, v[1]), min(z0, v[2])
        x1, y1, z1 = max(x1, v[0]), max(y1, v[1]), max(z1, v[2])
        low, high, right = min(low, v[4]), max(high, v[4]), max(right, v[3])
    x, y, z, apart2 = (x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2, 0.0
    for i in range(first, first + pieces + 1):
        v = vertices[i]
        dx, dy, dz = v[0] - x, v[1] - y, v[2] - z
        apart2 = max(apart2, dx * dx + dy * dy + dz * dz)
    block.x, block.y, block.z = x, y, z
    block.low, block.high, block.right = low, high, right
    # No chord is longer than twice the radius.
    block.radius = np.sqrt(apart2) + 4.0 * apart2 * SAG_PER_M


@released
def ask_anew(rows: Records, owners: Records, asked: IntArray) -> None:
    """``ask`` of rows that are laid out, while other threads go on."""
    ask(rows, owners, asked)


@jit
def ask(rows: Records, owners: Records, asked: IntArray) -> None:
    """Fill in what each row asks: by its object, and by the agreement for its group.

    Args:
        rows: ROW.
        owners: OWNER.
        asked: (g, 2) int64, horizontal and vertical millimetres by group.
    """
    for i in range(len(rows)):
        row = rows[i]
        owner = owners[row.owner]
        across, up = asked[owner.group, 0], asked[owner.group, 1]
        if row.plan:
            row.separation_m, row.vertical_m = owner.own_mm / _MM, 0.0
            row.mutual_m, row.mutual_vertical_m = across / _MM, up / _MM
        else:
            row.separation_m = (max(owner.own_mm, across) + owner.extra_mm) / _MM
            row.vertical_m = up / _MM
            row.mutual_m = row.mutual_vertical_m = 0.0
