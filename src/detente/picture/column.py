"""A sorted column: by what value objects are found, and whose it is."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detente.core.geodesy import IntArray
from detente.picture._jit import jit

Numbers = npt.NDArray[np.int32]


class Column(NamedTuple):
    """``value`` (n,) int64, sorted, and ``owner`` (n,) int32."""

    value: IntArray
    owner: Numbers


def sorted_column(value: IntArray, owner: IntArray) -> Column:
    """A column of values in any order; among equal ones, the order stays."""
    order = np.argsort(value, kind="stable")
    return Column(value[order], owner[order].astype(np.int32))


@jit
def alike(value: IntArray, owner: Numbers, wanted: IntArray) -> IntArray:
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
            out[found, 0], out[found, 1] = number, owner[place]
            found += 1
            place += 1
    return out[:found]
