"""Two sets of tables into one: rows copied in the order of the index."""

import numpy as np

from detente.core.geodesy import IntArray
from detente.picture._jit import jit, released
from detente.picture.packed import common, copy_shape, room_for, together, vertices_end
from detente.picture.tables import ALONE, Index, Packed, Records, Sieve

FEW_TERMS = 256
"""Up to so many stand as they are: small merges come often, and looking costs more."""


def merged_tables(
    a: Packed, a_index: Index, a_new: IntArray, b: Packed, b_index: Index, b_new: IntArray
) -> tuple[Packed, Index]:
    """Merge tables whose rows stand in the order of their keys.

    What belongs to a row is copied with it, so that it lies as the rows do.

    Args:
        a: Tables.
        a_index: Of its rows.
        a_new: New number of each owner; negative for those to be left out.
        b: Others.
        b_index: Of its rows.
        b_new: As ``a_new``.

    Returns:
        Tables and index in the order of the keys.
    """
    count = len(a.terms)
    terms = together([a.terms, b.terms])
    index = np.arange(len(terms))
    if len(terms) > FEW_TERMS:
        stay = np.concatenate([used(a.rows, a_new, count), used(b.rows, b_new, len(b.terms))])
        terms, index[stay] = common(terms[stay])
    maps = index[:count], index[count:]
    tables, keys, sieve = zipped(
        a, a_index.keys, a_index.sieve, a_new, maps[0],
        b, b_index.keys, b_index.sieve, b_new, maps[1], terms,
    )  # fmt: skip
    # Of those that leave, too: at most it is too much.
    return tables, Index(keys, sieve, np.maximum(a_index.reach, b_index.reach))


@released
def used(rows: Records, new: IntArray, terms: int) -> np.ndarray:
    """Which terms the rows have whose owners stay, (t,) bool."""
    out = np.zeros(terms, dtype=np.bool_)
    for i in range(len(rows)):
        if new[rows[i].owner] >= 0:
            out[rows[i].terms] = True
    return out


@released
def zipped(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    a: Packed,
    a_keys: IntArray,
    a_sieve: Sieve,
    a_new: IntArray,
    a_terms: IntArray,
    b: Packed,
    b_keys: IntArray,
    b_sieve: Sieve,
    b_new: IntArray,
    b_terms: IntArray,
    terms: Records,
) -> tuple[Packed, IntArray, Sieve]:
    """``merged_tables`` once it is known which of ``terms`` each one's become."""
    size = living(a, a_new) + living(b, b_new)
    out = room_for(size[0], terms, size[1:])
    keys = np.empty(size[0], dtype=np.int64)
    sieve = np.empty((size[0], a_sieve.shape[1]), dtype=np.float32)
    at = np.zeros(5, dtype=np.int64)
    i, j = 0, 0
    while i < len(a_keys) or j < len(b_keys):
        if j == len(b_keys) or (i < len(a_keys) and a_keys[i] <= b_keys[j]):
            if copy(a, i, a_new, a_terms, out, at):
                keys[at[4] - 1], sieve[at[4] - 1] = a_keys[i], a_sieve[i]
            i += 1
        else:
            if copy(b, j, b_new, b_terms, out, at):
                keys[at[4] - 1], sieve[at[4] - 1] = b_keys[j], b_sieve[j]
            j += 1
    return out, keys, sieve


@jit
def living(tables: Packed, new: IntArray) -> IntArray:
    """Rows, shapes, blocks, rings and vertices of the owners that stay, (5,) int64."""
    out = np.zeros(5, dtype=np.int64)
    for i in range(len(tables.rows)):
        row = tables.rows[i]
        if new[row.owner] < 0:
            continue
        out[0] += 1
        if row.shape != ALONE:
            shape = tables.shapes[row.shape]
            out[1] += 1
            out[2] += shape.block_end - shape.block
            out[3] += shape.ring_end - shape.ring
            out[4] += vertices_end(tables.blocks, shape.block_end)
            out[4] -= tables.blocks[shape.block].vertex
    return out


@jit
def copy(
    source: Packed,
    i: int,
    new: IntArray,
    terms: IntArray,
    out: Packed,
    at: IntArray,
) -> bool:
    """Add one row with all that belongs to it, unless its owner is gone.

    Args:
        source: Where it is.
        i: Which it is.
        new: As of ``merged_tables``.
        terms: What its terms become.
        out: Where it goes.
        at: (5,) how many blocks, rings, vertices, shapes and rows are there; moved on.
    """
    owner = new[source.rows[i].owner]
    if owner < 0:
        return False
    out.rows[at[4]] = source.rows[i]
    row = out.rows[at[4]]
    at[4] += 1
    row.owner, row.terms = owner, terms[row.terms]
    if row.shape != ALONE:
        shape = source.shapes[row.shape]
        row.shape = at[3]
        copied = out.shapes[at[3]]
        at[3] += 1
        copied.cap = shape.cap
        copy_shape(source, shape, out, copied, at)
    return True
