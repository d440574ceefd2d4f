"""Two sets of tables into one: records copied in the order of the index."""

import numpy as np

from detente.core.geodesy import IntArray
from detente.picture._jit import jit, released
from detente.picture.tables import BLOCK, ROW, Records, Tables


@released
def merged_tables(
    a: Tables, a_keys: IntArray, a_new: IntArray, b: Tables, b_keys: IntArray, b_new: IntArray
) -> tuple[Tables, IntArray]:
    """Merge tables whose rows stand in the order of their keys.

    What belongs to a row is copied with it, so that it lies as the rows do.

    Args:
        a: Tables.
        a_keys: Of its rows.
        a_new: New number of each owner; negative for those to be left out.
        b: Others.
        b_keys: Of its rows.
        b_new: As ``a_new``.

    Returns:
        Tables and keys in the order of the index.
    """
    size = living(a, a_new) + living(b, b_new)
    out = Tables(
        np.empty(size[0], dtype=ROW),
        np.empty(size[1], dtype=BLOCK),
        np.empty((size[2], 2), dtype=np.int64),
        np.empty((size[3], 5)),
    )
    keys = np.empty(size[0], dtype=np.int64)
    at = np.zeros(4, dtype=np.int64)
    i, j = 0, 0
    while i < len(a_keys) or j < len(b_keys):
        if j == len(b_keys) or (i < len(a_keys) and a_keys[i] <= b_keys[j]):
            copy(a, i, a_keys[i], a_new, out, keys, at)
            i += 1
        else:
            copy(b, j, b_keys[j], b_new, out, keys, at)
            j += 1
    return out, keys


@released
def in_order_of(rows: Records, tables: Tables) -> Tables:
    """What belongs to some rows, laid out anew in their order.

    Args:
        rows: All rows of ``tables``, in any order.
        tables: What they point into.
    """
    out = Tables(
        rows,
        np.empty_like(tables.blocks),
        np.empty_like(tables.rings),
        np.empty_like(tables.vertices),
    )
    source = Tables(rows.copy(), tables.blocks, tables.rings, tables.vertices)
    at = np.zeros(4, dtype=np.int64)
    for i in range(len(rows)):
        copy_row(source, i, out, at)
    return out


@jit
def living(tables: Tables, new: IntArray) -> IntArray:
    """Rows, blocks, rings and vertices of the owners that stay, (4,) int64."""
    out = np.zeros(4, dtype=np.int64)
    for i in range(len(tables.rows)):
        row = tables.rows[i]
        if new[row.owner] >= 0:
            out[0] += 1
            out[1] += row.block_end - row.block
            out[2] += row.ring_end - row.ring
            out[3] += vertices_end(tables, i) - tables.blocks[row.block].vertex
    return out


@jit
def vertices_end(tables: Tables, i: int) -> int:
    """The end of a row's vertices, which begin at its first block's."""
    last = tables.blocks[tables.rows[i].block_end - 1]
    return int(last.vertex + last.pieces + 1)


@jit
def copy(  # noqa: PLR0913, PLR0917 - a kernel takes its arrays flat
    source: Tables, i: int, key: int, new: IntArray, out: Tables, keys: IntArray, at: IntArray
) -> None:
    """Add one row with all that belongs to it, unless its owner is gone; moves ``at`` on."""
    owner = new[source.rows[i].owner]
    if owner >= 0:
        keys[at[0]] = key
        copy_row(source, i, out, at)
        out.rows[at[0] - 1].owner = owner


@jit
def copy_row(source: Tables, i: int, out: Tables, at: IntArray) -> None:
    """Add one row with all that belongs to it; moves ``at`` on."""
    row = source.rows[i]
    first = source.blocks[row.block].vertex
    out.rows[at[0]] = row
    copied = out.rows[at[0]]
    copied.block, copied.ring = at[1], at[2]
    for block in range(row.block, row.block_end):
        out.blocks[at[1]] = source.blocks[block]
        out.blocks[at[1]].vertex += at[3] - first
        at[1] += 1
    for ring in range(row.ring, row.ring_end):
        out.rings[at[2], 0] = source.rings[ring, 0] - row.block + copied.block
        out.rings[at[2], 1] = source.rings[ring, 1] - row.block + copied.block
        at[2] += 1
    for vertex in range(first, vertices_end(source, i)):
        out.vertices[at[3]] = source.vertices[vertex]
        at[3] += 1
    copied.block_end, copied.ring_end = at[1], at[2]
    at[0] += 1
