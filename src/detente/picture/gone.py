"""Which owners of a segment are gone, a bit each.

A change takes an owner out of a segment of a million, and readers keep what they hold: so
what says who is gone is copied for each change, and is as small as may be.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from detente.core.geodesy import IntArray
from detente.picture._jit import inlined
from detente.picture.column import Numbers
from detente.picture.tables import BoolArray

Bits = npt.NDArray[np.uint8]
"""(o / 8,) an owner's bit is set where it is gone, the lowest first; empty where all stand."""

ALL_STAND: Bits = np.empty(0, dtype=np.uint8)

_BITS = 8


@inlined
def stands(gone: Bits, owner: int) -> bool:
    """Whether an owner does.

    Owners lie anywhere, and most stand: it is asked of those that are met.
    """
    return bool(len(gone) == 0 or not (gone[owner >> 3] >> (owner & 7)) & 1)


def gone_of(alive: BoolArray) -> Bits:
    """The same of (o,) which stand."""
    return ALL_STAND if alive.all() else np.packbits(~alive, bitorder="little")


def alive_of(gone: Bits, count: int) -> BoolArray:
    """Which of so many owners stand, (count,)."""
    if not len(gone):
        return np.ones(count, dtype=np.bool_)
    found: BoolArray = np.unpackbits(gone, count=count, bitorder="little") == 0
    return found


def standing_of(gone: Bits, owners: IntArray | Numbers) -> BoolArray:
    """Which of some owners stand, in their order."""
    if not len(gone):
        return np.ones(len(owners), dtype=np.bool_)
    found: BoolArray = (gone[owners >> 3] >> (owners & 7).astype(np.uint8)) & 1 == 0
    return found


def less(gone: Bits, count: int, owners: Iterable[int]) -> Bits:
    """The same of so many owners, once more of them are gone."""
    out = gone.copy() if len(gone) else np.zeros(-(-count // _BITS), dtype=np.uint8)
    for owner in owners:
        out[owner >> 3] |= 1 << (owner & 7)
    return out
