"""The entries of a segment: what its owners' numbers stand for.

A picture decides by arrays alone. The values are wanted of what was met, a few of
a million: ``Held`` has them at hand, ``Kept`` knows where the record has them and
reads them again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

import numpy as np
import numpy.typing as npt

from detente.core.check import Known
from detente.core.geodesy import IntArray
from detente.picture.column import Numbers
from detente.picture.tables import BoolArray

Read = Callable[[Sequence[int]], list[Known]]
"""What stands in the record at these sequence numbers, in their order.

Raises:
    Unavailable: One of them was erased meanwhile, or the record could not be read.
"""

Owners = Sequence[int] | IntArray | Numbers

Bytes = npt.NDArray[np.uint8]
Objects = npt.NDArray[np.object_]

ID_BYTES = 16
"""An object's id in a record is 128 bits, in hex digits."""

READ_STEP = 16_384
"""Entries taken at a time where all are wanted."""


class Entries(Protocol):
    """Immutable."""

    def __len__(self) -> int:
        """How many there are."""

    def take(self, owners: Owners) -> list[Known]:
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

    In an array: of a million, those that a plan meets lie anywhere, and numpy fetches them in
    half the time that a list takes.

    Args:
        known: Of an array, (n,), none is changed afterwards.
    """

    def __init__(self, known: Sequence[Known] | Objects) -> None:
        if not isinstance(known, np.ndarray):
            known = np.fromiter(known, np.object_, len(known))
        self._known: Objects = known

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known)

    def take(self, owners: Owners) -> list[Known]:
        """Some of them."""
        found: list[Known] = self.array(owners).tolist()
        return found

    def array(self, owners: Owners) -> Objects:
        """The same, (n,)."""
        return self._known[np.asarray(owners, dtype=np.int64)]

    def is_object(self, owner: int, object_id: str) -> bool:
        """Whether it is an entry of this object."""
        return bool(self._known[owner].object_id == object_id)

    @property
    def sequences(self) -> IntArray:
        """Where each is in the record, (n,) int64."""
        return np.fromiter((one.sequence for one in self._known), np.int64, len(self._known))


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

    def take(self, owners: Owners) -> list[Known]:
        """Some of them."""
        return self.read(self._sequences[np.asarray(owners, dtype=np.int64)].tolist())

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
    """Those that stand."""
    return chain.from_iterable(map(entries.take, _in_steps(alive)))


def _in_steps(alive: BoolArray) -> Iterator[IntArray]:
    """Which owners stand, so many at a time that other threads run between."""
    owners = np.flatnonzero(alive)
    return (owners[first : first + READ_STEP] for first in range(0, len(owners), READ_STEP))


def joined(parts: Sequence[tuple[Entries, BoolArray]]) -> Entries:
    """What stands in some, in their order."""
    if all(isinstance(one, Kept) for one, _ in parts):
        return Kept.joined([(one, alive) for one, alive in parts if isinstance(one, Kept)])
    out, at = np.empty(sum(int(alive.sum()) for _, alive in parts), dtype=np.object_), 0
    for one, alive in parts:
        for owners in _in_steps(alive):
            end = at + len(owners)
            if isinstance(one, Held):
                out[at:end] = one.array(owners)
            else:
                out[at:end] = np.fromiter(one.take(owners), np.object_, len(owners))
            at = end
    return Held(out)
