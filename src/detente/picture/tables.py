"""The layout in memory: what the kernels read, as arrays of records.

One row stands for one (object, volume, shape). A shape is a core (a point, the
pieces of a line, or the pieces of rings) with a radius. Pieces come in blocks of
up to BLOCK_PIECES with a bounding sphere, so that far blocks are passed over.
All of a row lies together, because a question reads most of a few rows.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detente.core.geodesy import FloatArray, IntArray

Records = npt.NDArray[np.void]
Record = Any
"""One of Records: in compiled code its fields are attributes."""

Sieve = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

NEVER_US = np.iinfo(np.int64).min
FOREVER_US = np.iinfo(np.int64).max
"""Unbounded times, microseconds since 1970."""

BLOCK_PIECES = 4
"""Pieces a block: what a block's bounds cost to read is what two of its pieces would."""

ROW = np.dtype(
    [
        *((name, np.int64) for name in ("start_us", "end_us", "fix_us")),
        *((name, np.int32) for name in ("owner", "plan", "block", "block_end", "ring", "ring_end")),
        *((name, np.float64) for name in ("lower_m", "upper_m")),
        *((name, np.float64) for name in ("separation_m", "vertical_m")),
        *((name, np.float64) for name in ("mutual_m", "mutual_vertical_m")),
        *((name, np.float64) for name in ("speed_m_s", "x", "y", "z", "cap", "radius_m")),
        ("error_m", np.float64),
    ],
    align=True,
)
"""A row as the kernels read it. ``owner`` the object's number; ``plan`` 1 for a plan,
else 0; ``lower_m``, ``upper_m`` above the ellipsoid (infinite where unbounded);
``start_us``, ``end_us`` (NEVER_US, FOREVER_US where unbounded); ``separation_m`` what it asks
around itself; ``vertical_m`` the same in height; ``mutual_m`` and
``mutual_vertical_m`` what it asks of plans only, which is so for plans: each of
two keeps what the other asks, whichever of them is the question (R-07);
``speed_m_s`` and ``fix_us`` how a track grows.

Of its shape: blocks (ALONE: a single place, which is that of its direction); rings (equal
ends: not a polygon); ``x``, ``y``, ``z`` the direction of its centre (unit vector); ``cap``
how far it reaches around that (radians); ``radius_m``; ``error_m`` of its edges."""

ALONE = -1
"""Instead of blocks: most registers hold places rather than shapes."""

LEAN = np.dtype(
    [
        *((name, np.int64) for name in ("start_us", "end_us")),
        *((name, np.float64) for name in ("x", "y", "z")),
        *((name, np.int32) for name in ("owner", "terms", "shape")),
    ],
    align=True,
)
"""A row as a picture keeps it: 56 bytes. ``terms`` is a number of TERMS; ``shape`` one of
SHAPE, or ALONE."""

TERMS = np.dtype(
    [
        *((name, np.int64) for name in ("fix_us", "plan")),
        *((name, np.float64) for name in ("lower_m", "upper_m")),
        *((name, np.float64) for name in ("separation_m", "vertical_m")),
        *((name, np.float64) for name in ("mutual_m", "mutual_vertical_m")),
        *((name, np.float64) for name in ("speed_m_s", "radius_m", "error_m")),
    ]
)
"""What many rows have in common, as ROW has it."""

SHAPE = np.dtype(
    [
        ("cap", np.float64),
        *((name, np.int32) for name in ("block", "block_end", "ring", "ring_end")),
    ]
)
"""What a row has that is more than a place, as ROW has it."""

BLOCK = np.dtype(
    [
        *((name, np.int64) for name in ("vertex", "pieces")),
        *((name, np.float64) for name in ("x", "y", "z", "radius")),
        *((name, np.float64) for name in ("low", "high", "right")),
    ],
    align=True,
)
"""First vertex, pieces, sphere in metres, and of polygons
the bounds in the plane: lowest y, highest y, highest x."""

OWNER = np.dtype([(name, np.int64) for name in ("own_mm", "extra_mm", "due_us", "group")])
"""Of one object: the separation that it asks by itself (of a plan: its hazard);
what is added to the larger of that and the agreement's; when it becomes stale;
the number of its group (detente.picture.gather)."""

KIND = np.dtype([(name, np.int64) for name in ("own_mm", "extra_mm", "group")])
"""What many objects have in common, as OWNER has it."""

HIT = np.dtype(
    [
        *((name, np.int64) for name in ("plan", "owner")),
        *((name, np.float64) for name in ("distance_m", "error_m", "separation_m")),
        *((name, np.int64) for name in ("start_us", "end_us", "of_plan")),
    ]
)
"""A plan of the question meets an owner: nearest part, over the time both share; ``of_plan``
is 1 where the owner is a plan."""


class Index(NamedTuple):
    """What a question reads of every row that may matter to it, before it reads a row.

    ``keys`` (n,) int64, sorted (detente.picture.bands). ``sieve`` (n, 5) float32, in their
    order: ``x``, ``y``, ``z`` of the row; how far it reaches around them by itself, and what
    it asks beyond that, both in radians and never too little. ``reach`` (c,) float64: both
    together, the most that any row of each class of reach has.
    """

    keys: IntArray
    sieve: Sieve
    reach: FloatArray


class Tables(NamedTuple):
    """The rows of some objects with all that belongs to them, as they are laid out or asked.

    ``rows`` (n,) ROW; ``blocks`` (b,) BLOCK; ``rings`` (r, 2) int64, first and
    end block; ``vertices`` (v, 5) float64: earth-centred metres, then x and y in
    the plane of the shape's centre (detente.picture.plane), of polygons and of what
    is flat. Blocks, rings and vertices of one row lie next to each other.
    """

    rows: Records
    blocks: Records
    rings: IntArray
    vertices: FloatArray


class Packed(NamedTuple):
    """The same as a picture keeps it.

    ``rows`` (n,) LEAN; ``terms`` (t,) TERMS; ``shapes`` (s,) SHAPE; all others as of Tables.
    """

    rows: Records
    terms: Records
    shapes: Records
    blocks: Records
    rings: IntArray
    vertices: FloatArray


Shapes = Tables | Packed
"""Where blocks, rings and vertices are."""
