"""The entries of a segment: what its owners' numbers stand for.

A picture decides by arrays alone. The values are wanted of what was met, a few of
a million: ``Held`` has them at hand, ``Kept`` knows where the record has them and
reads them again.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import Protocol

import numpy as np
import numpy.typing as npt

from detente.core.check import Known
from detente.core.geodesy import IntArray
from detente.picture.tables import BoolArray

Read = Callable[[Sequence[int]], list[Known]]
"""What stands in the record at these sequence numbers, in their order.

Raises:
    Unavailable: One of them was erased meanwhile, or the record could not be read.
"""

Bytes = npt.NDArray[np.uint8]

ID_BYTES = 16
"""An object's id in a record is 128 bits, in hex digits."""

READ_STEP = 16_384
"""Entries taken at a time where all are wanted."""


class Entries(Protocol):
    """Immutable."""

    def __len__(self) -> int:
        """How many there are."""

    def take(self, owners: Iterable[int]) -> list[Known]:
        """Some of them, in the order in which they are wanted.

        Raises:
            Unavailable: As of ``Read``.
        """

    def is_object(self, owner: int, object_id: str) -> bool:
        """Whether it is an entry of this object."""

    @property
    def sequences(self) -> IntArray:
        """Where each is in the record, (n,) int64."""


class Held:
    """Entries that are in memory.

    Args:
        known: Nobody changes it afterwards.
    """

    def __init__(self, known: Sequence[Known]) -> None:
        self._known = known

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known)

    def take(self, owners: Iterable[int]) -> list[Known]:
        """Some of them."""
        known = self._known
        return [known[owner] for owner in owners]

    def is_object(self, owner: int, object_id: str) -> bool:
        """Whether it is an entry of this object."""
        return self._known[owner].object_id == object_id

    @property
    def sequences(self) -> IntArray:
        """Where each is in the record, (n,) int64."""
        return np.fromiter((one.sequence for one in self._known), np.int64, len(self._known))

    def living(self, alive: BoolArray) -> list[Known]:
        """Those that stand, copied in steps of some 0.2 ms, so that other threads run between."""
        out: list[Known] = []
        for first in range(0, len(self._known), READ_STEP):
            step = slice(first, first + READ_STEP)
            out.extend(compress(self._known[step], alive[step].tolist()))
        return out


class Kept:
    """Entries that the record keeps: 24 bytes each.

    Args:
        sequences: (n,) int64, where each is in the record.
        ids: (n, ID_BYTES) uint8, the objects' ids.
        read: How their values are had.
    """

    def __init__(self, sequences: IntArray, ids: Bytes, read: Read) -> None:
        self._sequences = sequences
        self.ids = ids
        self.read = read

    def __len__(self) -> int:
        """How many there are."""
        return len(self._sequences)

    @property
    def sequences(self) -> IntArray:
        """Where each is in the record, (n,) int64."""
        return self._sequences

    def take(self, owners: Iterable[int]) -> list[Known]:
        """Some of them."""
        return self.read(self._sequences[np.fromiter(owners, dtype=np.int64)].tolist())

    def is_object(self, owner: int, object_id: str) -> bool:
        """Whether it is an entry of this object."""
        return bytes(self.ids[owner]).hex() == object_id

    @staticmethod
    def joined(parts: Sequence[tuple["Kept", BoolArray]]) -> "Kept":
        """What stands in some, in their order."""
        return Kept(
            np.concatenate([one.sequences[alive] for one, alive in parts]),
            np.concatenate([one.ids[alive] for one, alive in parts]),
            parts[0][0].read,
        )


def kept(known: Sequence[Known], read: Read) -> Kept:
    """Entries of a record, of which only the places are kept."""
    sequences = np.array([one.sequence for one in known], dtype=np.int64)
    return Kept(sequences, bytes_of([one.object_id for one in known]), read)


def bytes_of(object_ids: Sequence[str]) -> Bytes:
    """Object ids as bytes, (n, ID_BYTES) uint8."""
    raw = bytes.fromhex("".join(object_ids))
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, ID_BYTES)


def all_of(entries: Entries, alive: BoolArray) -> Iterable[Known]:
    """Those that stand, a step at a time."""
    owners = np.flatnonzero(alive)
    for first in range(0, len(owners), READ_STEP):
        yield from entries.take(owners[first : first + READ_STEP].tolist())


def joined(parts: Sequence[tuple[Entries, BoolArray]]) -> Entries:
    """What stands in some, in their order."""
    if all(isinstance(one, Kept) for one, _ in parts):
        return Kept.joined([(one, alive) for one, alive in parts if isinstance(one, Kept)])
    out: list[Known] = []
    for one, alive in parts:
        out += one.living(alive) if isinstance(one, Held) else all_of(one, alive)
    return Held(out)
