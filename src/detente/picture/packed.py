"""Rows as a picture keeps them, and as its kernels read them.

Of a million notices most have much in common: what they ask, between which heights, how
known their places are. It is kept once for all that share it, and put together again with
what is a row's own when the sieve lets the row through.
"""

from collections.abc import Sequence

import numpy as np

from detente.core.geodesy import IntArray
from detente.picture._jit import inlined, jit, released, released_if_many
from detente.picture.bands import in_order
from detente.picture.tables import (
    ALONE,
    BLOCK,
    LEAN,
    ROW,
    SHAPE,
    TERMS,
    Index,
    Packed,
    Record,
    Records,
    Shapes,
    Tables,
)

_NONE = -1


@released_if_many
def interned_words(words: IntArray) -> tuple[IntArray, IntArray]:
    """As ``interned``."""
    return interned(words)


@jit
def interned(words: IntArray) -> tuple[IntArray, IntArray]:
    """Which rows of (n, w) int64 differ: (d,) the first of each, and (n,) whose equal each is."""
    n, width = words.shape
    room = 16
    while room < 2 * n:
        room *= 2
    slots = np.full(room, _NONE, dtype=np.int64)
    first = np.empty(16, dtype=np.int64)
    index = np.empty(n, dtype=np.int64)
    found = 0
    for i in range(n):
        mixed = np.uint64(0)
        for k in range(width):
            mixed = (mixed ^ np.uint64(words[i, k])) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        slot = np.int64(mixed & np.uint64(room - 1))
        while slots[slot] != _NONE and not same(words, first[slots[slot]], i):
            slot = (slot + 1) & (room - 1)
        if slots[slot] == _NONE:
            slots[slot] = found
            if found == len(first):
                first = np.concatenate((first, np.empty_like(first)))
            first[found] = i
            found += 1
        index[i] = slots[slot]
    return first[:found].copy(), index


@jit
def same(words: IntArray, i: int, j: int) -> bool:
    """Whether two rows are equal."""
    for k in range(words.shape[1]):  # noqa: SIM110 - compiled
        if words[i, k] != words[j, k]:
            return False
    return True


def common(records: Records) -> tuple[Records, IntArray]:
    """Records of 64-bit fields without repetition, and which of them each was."""
    width = records.dtype.itemsize // np.dtype(np.int64).itemsize
    words = np.ascontiguousarray(records).view(np.int64).reshape(len(records), width)
    first, index = interned_words(words)
    return records[first], index


def together(parts: Sequence[Records]) -> Records:
    """Records of 64-bit fields, one after another; numpy's own way compares all their names."""
    return np.concatenate([one.view(np.int64) for one in parts]).view(parts[0].dtype)


def packed(order: IntArray, keys: IntArray, tables: Tables) -> tuple[Packed, Index]:
    """Rows as a picture keeps them, with what belongs to them laid out in their order.

    Args:
        order: (n,) int64, which row comes first, and so on.
        keys: ``bands.keys_of`` the rows.
        tables: In any order.
    """
    words = np.empty((len(order), TERMS.itemsize // np.dtype(np.int64).itemsize), dtype=np.int64)
    return indexed(order, keys, tables, words.view(TERMS).reshape(-1), words)


@released_if_many
def indexed(
    order: IntArray, keys: IntArray, tables: Tables, terms: Records, words: IntArray
) -> tuple[Packed, Index]:
    """``packed``, with room for the terms of each row, and the same room as numbers."""
    fill_terms(tables.rows, terms)
    first, index = interned(words)
    different = np.empty(len(first), dtype=TERMS)
    for i in range(len(first)):
        different[i] = terms[first[i]]
    return leaned(order, tables, different, index), in_order(order, keys, tables.rows)


@jit
def fill_terms(rows: Records, out: Records) -> None:
    """What each row may have in common with others, into (n,) TERMS."""
    for i in range(len(rows)):
        row, terms = rows[i], out[i]
        terms.fix_us, terms.plan = row.fix_us, row.plan
        terms.lower_m, terms.upper_m = row.lower_m, row.upper_m
        terms.separation_m, terms.vertical_m = row.separation_m, row.vertical_m
        terms.mutual_m, terms.mutual_vertical_m = row.mutual_m, row.mutual_vertical_m
        terms.speed_m_s, terms.radius_m, terms.error_m = row.speed_m_s, row.radius_m, row.error_m


@jit
def leaned(order: IntArray, tables: Tables, terms: Records, index: IntArray) -> Packed:
    """The same when it is known what the rows have in common."""
    sizes = np.zeros(4, dtype=np.int64)
    for i in range(len(tables.rows)):
        row = tables.rows[i]
        if row.block != ALONE:
            sizes[0] += 1
            sizes[1] += row.block_end - row.block
            sizes[2] += row.ring_end - row.ring
            sizes[3] += vertices_end(tables.blocks, row.block_end)
            sizes[3] -= tables.blocks[row.block].vertex
    out = room_for(len(tables.rows), terms, sizes)
    at, shapes = np.zeros(3, dtype=np.int64), 0
    for i in range(len(order)):
        row, lean = tables.rows[order[i]], out.rows[i]
        lean.start_us, lean.end_us = row.start_us, row.end_us
        lean.x, lean.y, lean.z = row.x, row.y, row.z
        lean.owner, lean.terms, lean.shape = row.owner, index[order[i]], ALONE
        if row.block != ALONE:
            lean.shape = shapes
            out.shapes[shapes].cap = row.cap
            copy_shape(tables, row, out, out.shapes[shapes], at)
            shapes += 1
    return out


@jit
def room_for(rows: int, terms: Records, sizes: IntArray) -> Packed:
    """What is to be filled: so many rows, and shapes, blocks, rings and vertices of ``sizes``."""
    return Packed(
        np.empty(rows, dtype=LEAN),
        terms,
        np.empty(sizes[0], dtype=SHAPE),
        np.empty(sizes[1], dtype=BLOCK),
        np.empty((sizes[2], 2), dtype=np.int64),
        np.empty((sizes[3], 5)),
    )


@jit
def vertices_end(blocks: Records, block_end: int) -> int:
    """The end of the vertices of what ends with this block, which begin at its first one's."""
    last = blocks[block_end - 1]
    return int(last.vertex + last.pieces + 1)


@jit
def copy_shape(source: Shapes, shape: Record, out: Shapes, copied: Record, at: IntArray) -> None:
    """Add blocks, rings and vertices to those that are there, and say in ``copied`` where.

    Args:
        source: Where they are.
        shape: Which they are.
        out: Where they go.
        copied: May be ``shape``.
        at: (3,) how many blocks, rings and vertices there are; moved on.
    """
    begin, end, rings, rings_end = shape.block, shape.block_end, shape.ring, shape.ring_end
    first = source.blocks[begin].vertex
    copied.block, copied.ring = at[0], at[1]
    for block in range(begin, end):
        out.blocks[at[0]] = source.blocks[block]
        out.blocks[at[0]].vertex += at[2] - first
        at[0] += 1
    for ring in range(rings, rings_end):
        out.rings[at[1], 0] = source.rings[ring, 0] - begin + copied.block
        out.rings[at[1], 1] = source.rings[ring, 1] - begin + copied.block
        at[1] += 1
    for vertex in range(first, vertices_end(source.blocks, end)):
        out.vertices[at[2]] = source.vertices[vertex]
        at[2] += 1
    copied.block_end, copied.ring_end = at[0], at[1]


@inlined
def terms_at(terms: Records, row: Record) -> Record:
    """What a row of a picture, as LEAN, has in common with others.

    A number that is never below 0 need not be asked whether it counts from the end.
    """
    return terms[np.uint32(row.terms)]


@inlined
def cap_of(shapes: Records, row: Record) -> float:
    """How far a row of a picture, as LEAN, reaches around its centre, radians."""
    return 0.0 if row.shape == ALONE else shapes[row.shape].cap


@inlined
def unpack(rows: Records, terms: Records, shapes: Records, i: int, out: Record) -> None:
    """Row ``i`` of a picture as ROW, into ``out``."""
    row = rows[i]
    common = terms_at(terms, row)
    out.start_us, out.end_us, out.fix_us = row.start_us, row.end_us, common.fix_us
    out.owner, out.plan = row.owner, common.plan
    out.lower_m, out.upper_m = common.lower_m, common.upper_m
    out.separation_m, out.vertical_m = common.separation_m, common.vertical_m
    out.mutual_m, out.mutual_vertical_m = common.mutual_m, common.mutual_vertical_m
    out.speed_m_s, out.radius_m, out.error_m = common.speed_m_s, common.radius_m, common.error_m
    out.x, out.y, out.z = row.x, row.y, row.z
    if row.shape == ALONE:
        out.cap = 0.0
        out.block = out.block_end = ALONE
        out.ring = out.ring_end = 0
    else:
        shape = shapes[row.shape]
        out.cap = shape.cap
        out.block, out.block_end = shape.block, shape.block_end
        out.ring, out.ring_end = shape.ring, shape.ring_end


@released
def whole(packed: Packed) -> Records:
    """All rows as ROW, in their order: for what looks at each of them."""
    out = np.empty(len(packed.rows), dtype=ROW)
    for i in range(len(out)):
        unpack(packed.rows, packed.terms, packed.shapes, i, out[i])
    return out
