"""A sorted column: by what value objects are found, and whose it is."""

from typing import NamedTuple

import numpy as np

from detente.core.geodesy import IntArray
from detente.picture._jit import jit


class Column(NamedTuple):
    """``value`` (n,) int64, sorted, and ``owner`` (n,) int64."""

    value: IntArray
    owner: IntArray


@jit
def alike(value: IntArray, owner: IntArray, wanted: IntArray) -> IntArray:
    """(number in ``wanted``, owner) wherever a column has such a value, (n, 2) int64.

    A change asks this of every segment, and few of them have anything: as array expressions
    it took ten times as long.
    """
    out = np.empty((len(wanted), 2), dtype=np.int64)
    found = 0
    for number in range(len(wanted)):
        place = np.searchsorted(value, wanted[number])
        while place < len(value) and value[place] == wanted[number]:
            if found == len(out):
                out = np.concatenate((out, np.empty_like(out)))
            out[found] = number, owner[place]
            found += 1
            place += 1
    return out[:found]
