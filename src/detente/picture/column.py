"""What is kept of the owners of a segment: sorted columns, and what many have in common."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detente.core.geodesy import IntArray
from detente.picture._jit import jit, released_if_many
from detente.picture.packed import interned
from detente.picture.tables import FOREVER_US, KIND, OWNER, BoolArray, Records

Numbers = npt.NDArray[np.int32]


class Column(NamedTuple):
    """``value`` (n,) int64, sorted, and ``owner`` (n,) int32."""

    value: IntArray
    owner: Numbers


@jit
def _column(value: IntArray, order: IntArray) -> Column:
    """A column of owners' values, (o,): the first of them in this order."""
    out, owner = np.empty(len(order), dtype=np.int64), np.empty(len(order), dtype=np.int32)
    for i in range(len(order)):
        out[i], owner[i] = value[order[i]], order[i]
    return Column(out, owner)


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


@released_if_many
def columns(
    owners: Records, ids: IntArray, by_id: IntArray, by_due: IntArray
) -> tuple[Numbers, Records, Column, Column]:
    """``kind``, ``kinds``, ``ids`` and ``due`` of a segment, in one step.

    Args:
        owners: OWNER.
        ids: (o,) int64, what each is looked up by.
        by_id: The order of these, (o,) int64.
        by_due: That of when they are stale.
    """
    words = np.empty((len(owners), 3), dtype=np.int64)
    due = np.empty(len(owners), dtype=np.int64)
    ever = 0
    for i in range(len(owners)):
        one = owners[i]
        words[i, 0], words[i, 1], words[i, 2] = one.own_mm, one.extra_mm, one.group
        due[i] = one.due_us
        ever += one.due_us < FOREVER_US
    first, index = interned(words)
    kinds = np.empty(len(first), dtype=KIND)
    for i in range(len(first)):
        one = owners[first[i]]
        kinds[i].own_mm, kinds[i].extra_mm, kinds[i].group = one.own_mm, one.extra_mm, one.group
    return index.astype(np.int32), kinds, _column(ids, by_id), _column(due, by_due[:ever])


@released_if_many
def standing(
    kind: Numbers,
    kinds: Records,
    ids: Column,
    due: Column,
    alive: BoolArray,
    of_group: IntArray,
) -> tuple[Records, IntArray]:
    """The owners of a segment that stand, OWNER, and what each is looked up by.

    Args:
        kind: Of a segment, as all that follows.
        kinds: KIND.
        ids: By what owners are looked up.
        due: When they are stale.
        alive: (o,) which of them stand.
        of_group: (g,) int64, the new number of each group.
    """
    new = np.cumsum(alive) - 1
    count = new[-1] + 1 if len(new) else 0
    owners, hashes = np.empty(count, dtype=OWNER), np.empty(count, dtype=np.int64)
    for i in range(len(kind)):
        if alive[i]:
            one, owner = kinds[kind[i]], owners[new[i]]
            owner.own_mm, owner.extra_mm, owner.due_us = one.own_mm, one.extra_mm, FOREVER_US
            owner.group = of_group[one.group]
    for i in range(len(ids.owner)):
        if alive[ids.owner[i]]:
            hashes[new[ids.owner[i]]] = ids.value[i]
    for i in range(len(due.owner)):
        if alive[due.owner[i]]:
            owners[new[due.owner[i]]].due_us = due.value[i]
    return owners, hashes
