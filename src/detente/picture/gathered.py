"""What was gathered of one object, as plain numbers that can be kept and read again.

A start that has them need not read a value: most of what it takes is what the database
takes to give them. They say where an object is, so they are kept and erased with it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detente.core.geodesy import IntArray
from detente.picture._jit import jit
from detente.picture.gather import RAW, Group, Raw
from detente.picture.tables import OWNER, Records

LITTLE = np.dtype("<i8")

HEADER = 6
"""How many rows, paths and positions; and of OWNER all but the group."""

_WIDTH = len(RAW.names or ())
_OWNER_WIDTH = len(OWNER.names or ())


def gathered(raw: Raw) -> bytes:
    """The numbers of one object, which was gathered alone; of its group, nothing."""
    own_mm, extra_mm, due_us, _ = raw.owners[0].tolist()
    header = len(raw.rows), len(raw.starts), len(raw.positions), own_mm, extra_mm, due_us
    numbers = (np.array(header), raw.rows.view(np.int64), raw.starts, raw.positions.ravel())
    return np.concatenate(numbers).astype(LITTLE, copy=False).tobytes()


class Sheet(NamedTuple):
    """The numbers of many objects: ``numbers`` of one stand from ``first`` of it to the next."""

    numbers: IntArray
    first: IntArray


def sheet_of(blobs: Sequence[bytes]) -> Sheet:
    """What was kept, one after another.

    Args:
        blobs: As ``gathered`` made them.
    """
    sizes = np.fromiter(map(len, blobs), dtype=np.int64, count=len(blobs))
    numbers = np.frombuffer(b"".join(blobs), dtype=np.uint8)
    usable = len(numbers) - len(numbers) % LITTLE.itemsize
    first = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)))
    # A size that is no multiple leaves ``first`` off the grid: ``damaged`` sees it.
    return Sheet(numbers[:usable].view(LITTLE).astype(np.int64, copy=False), first)


def damaged(sheet: Sheet) -> IntArray:
    """Numbers of the objects that cannot be what ``gathered`` made."""
    return np.flatnonzero(~_sound(sheet.numbers, sheet.first))


def raw_of(sheet: Sheet, groups: IntArray, names: tuple[Group, ...]) -> Raw:
    """All of them as they were gathered, each the next owner.

    Args:
        sheet: None of it ``damaged``.
        groups: (n,) int64, the number of each one's group.
        names: The groups.
    """
    first = sheet.first // LITTLE.itemsize
    counts = _counts(sheet.numbers, first)
    rows = np.empty((int(counts[0]), _WIDTH), dtype=np.int64)
    owners = np.empty((len(groups), _OWNER_WIDTH), dtype=np.int64)
    starts = np.empty(int(counts[1]), dtype=np.int64)
    positions = np.empty((int(counts[2]), 2), dtype=np.int64)
    _copy(sheet.numbers, first, groups, rows, owners, starts, positions)
    return Raw(_records(rows, RAW), _records(owners, OWNER), starts, positions, names)


def _records(numbers: IntArray, kind: np.dtype) -> Records:
    return numbers.view(kind).reshape(-1)


@jit
def _sound(numbers: IntArray, first: IntArray) -> np.ndarray:
    """Which objects say as much as they hold, and point at nothing outside of it, (n,) bool."""
    out = np.zeros(len(first) - 1, dtype=np.bool_)
    for owner in range(len(out)):
        begin, size = first[owner] // 8, (first[owner + 1] - first[owner]) // 8
        if (first[owner] | first[owner + 1]) % 8 or size < HEADER:
            continue
        rows, paths, positions = numbers[begin], numbers[begin + 1], numbers[begin + 2]
        # What has no place is left to its values: nothing here shows that it had one.
        if min(rows, paths, positions) < 1 or max(rows, paths, positions) > size:
            continue
        if size != HEADER + rows * _WIDTH + paths + 2 * positions:
            continue
        sound, before = True, 0
        for row in range(rows):
            end = numbers[begin + HEADER + (row + 1) * _WIDTH - 1]
            sound &= before < end
            before = end
        sound &= before == paths
        after = begin + HEADER + rows * _WIDTH
        for path in range(paths):
            start = numbers[after + path]
            last = positions if path + 1 == paths else numbers[after + path + 1]
            sound &= start >= 0 and start < last and (path > 0 or start == 0)
        out[owner] = sound
    return out


@jit
def _counts(numbers: IntArray, first: IntArray) -> IntArray:
    """Rows, paths and positions of all, (3,)."""
    out = np.zeros(3, dtype=np.int64)
    for owner in range(len(first) - 1):
        for kind in range(3):
            out[kind] += numbers[first[owner] + kind]
    return out


@jit
def _copy(  # noqa: PLR0913, PLR0917 - all that there is of it
    numbers: IntArray,
    first: IntArray,
    groups: IntArray,
    rows: IntArray,
    owners: IntArray,
    starts: IntArray,
    positions: IntArray,
) -> None:
    """Each object's numbers to where they belong; what points, to where it points now."""
    row_end = path_end = position_end = 0
    for owner in range(len(groups)):
        at = first[owner]
        own_rows, own_paths, own_positions = numbers[at], numbers[at + 1], numbers[at + 2]
        owners[owner, :3] = numbers[at + 3 : at + HEADER]
        owners[owner, 3] = groups[owner]
        at += HEADER
        for row in range(row_end, row_end + own_rows):
            rows[row] = numbers[at : at + _WIDTH]
            rows[row, 0] = owner
            rows[row, _WIDTH - 1] += path_end
            at += _WIDTH
        for path in range(path_end, path_end + own_paths):
            starts[path] = numbers[at] + position_end
            at += 1
        for position in range(position_end, position_end + own_positions):
            positions[position] = numbers[at : at + 2]
            at += 2
        row_end += own_rows
        path_end += own_paths
        position_end += own_positions
