"""A segment: some objects of a picture, laid out once and never changed.

What is replaced or removed later is masked by whoever holds the segment, until
two segments are merged: arrays are copied then, and no value is read again.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from detente.core.agreement import Agreement
from detente.core.check import Known
from detente.core.geodesy import IntArray
from detente.core.volume import Shape
from detente.picture.bands import keys_of, sieve_of
from detente.picture.column import Column, alike
from detente.picture.entries import Entries, Held, joined
from detente.picture.gather import Gatherer, Group, Raw, agreed
from detente.picture.merge import in_order_of, merged_tables
from detente.picture.outline import TooWide, ask, outlines
from detente.picture.tables import FOREVER_US, BoolArray, Index, Records, Tables

Label = Callable[[Known], Hashable]
Keep = Callable[[list[Known]], Entries]


class Segment(NamedTuple):
    """Immutable; owners are numbers of ``entries``.

    ``tables`` stand in the order of ``indexed.keys``. ``ids`` are hashes of object
    ids, ``due`` the times from which objects are stale, of those that ever are.
    """

    entries: Entries
    owners: Records
    groups: tuple[Group, ...]
    tables: Tables
    indexed: Index
    ids: Column
    due: Column

    @property
    def alone(self) -> bool:
        """Whether each owner has but one row."""
        return len(self.tables.rows) == len(self.entries)

    def places(self, wanted: Sequence[str], hashes: IntArray) -> Iterator[tuple[int, int]]:
        """(number in ``wanted``, owner) for each object id that is here, alive or not."""
        for number, owner in alike(*self.ids, hashes).tolist():
            if self.entries.is_object(owner, wanted[number]):
                yield number, owner

    def hashes(self) -> IntArray:
        """What each owner is looked up by."""
        out = np.empty_like(self.ids.value)
        out[self.ids.owner] = self.ids.value
        return out

    def stale(self, now_us: int) -> IntArray:
        """Owners that are stale at a time, alive or not."""
        return self.due.owner[: np.searchsorted(self.due.value, now_us)]

    def emptied(self) -> "Segment":
        """Nothing, laid out alike."""
        return Segment(
            entries=Held(()),
            owners=self.owners[:0],
            groups=(),
            tables=Tables._make(table[:0] for table in self.tables),
            indexed=Index._make(column[:0] for column in self.indexed),
            ids=Column._make(column[:0] for column in self.ids),
            due=Column._make(column[:0] for column in self.due),
        )

    def under(self, agreement: Agreement | None) -> "Segment":
        """The same objects under another agreement: arrays only."""
        rows = self.tables.rows.copy()
        ask(rows, self.owners, agreed(self.groups, agreement))
        tables, index = _in_order(self.tables._replace(rows=rows))
        return self._replace(tables=tables, indexed=index)


def hashes_of(ids: Sequence[str]) -> IntArray:
    """What object ids are looked up by, (n,) int64."""
    return np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids))


def build(
    known: list[Known],
    agreement: Agreement | None,
    label: Label | None = None,
    keep: Keep = Held,
) -> Segment:
    """Lay objects out.

    Args:
        known: Each the next owner.
        agreement: Whose separations apply.
        label: What stale entries are counted by.
        keep: What is kept of the values themselves.

    Raises:
        MalformedInput: A shape too wide to be measured (named).
    """
    gatherer = Gatherer()
    for one in known:
        gatherer.add(one.value, label=None if label is None else label(one))
    ids = hashes_of([one.object_id for one in known])
    return arranged(keep(known), ids, gatherer.raw(), agreement)


def arranged(entries: Entries, ids: IntArray, raw: Raw, agreement: Agreement | None) -> Segment:
    """The same of what was gathered already.

    Args:
        entries: The owners.
        ids: (n,) int64, ``hashes_of`` their ids.
        raw: What was gathered of each, in their order.
        agreement: Whose separations apply.

    Raises:
        MalformedInput: A shape too wide to be measured (named).
    """
    try:
        tables = outlines(raw, agreed(raw.groups, agreement))
    except TooWide as error:
        [one] = entries.take([error.owner])
        raise error.of(f"shape of {one.value.source_id}") from None
    return _complete(entries, raw.owners, raw.groups, *_in_order(tables), ids)


def require_measurable(shapes: Sequence[Shape]) -> None:
    """Refuse shapes that no picture could hold.

    Raises:
        MalformedInput: One is wider than CAP_MAX_RAD.
    """
    gatherer = Gatherer()
    gatherer.add_shapes(shapes)
    raw = gatherer.raw()
    outlines(raw, agreed(raw.groups, None))


def merged(parts: Sequence[tuple[Segment, BoolArray]]) -> Segment:
    """One segment of what is alive in some, owners in the same order; the largest first.

    Tables are merged two and two from the smallest on, so that little is copied twice.
    """
    counts = np.cumsum([0, *(alive.sum() for _, alive in parts)])
    *rest, (tables, keys, new) = (
        (one.tables, one.indexed.keys, renumbered(alive, int(first)))
        for (one, alive), first in zip(parts, counts[:-1], strict=True)
    )
    everything = np.arange(counts[-1])
    for own_tables, own_keys, own_new in reversed(rest):
        tables, keys = merged_tables(own_tables, own_keys, own_new, tables, keys, new)
        new = everything
    groups: dict[Group, int] = {}
    owners, ids = [], []
    for one, alive in parts:
        numbers = [groups.setdefault(group, len(groups)) for group in one.groups]
        owners.append(_regrouped(one.owners[alive], numbers))
        ids.append(one.hashes()[alive])
    return _complete(
        joined([(one.entries, alive) for one, alive in parts]),
        np.concatenate(owners),
        tuple(groups),
        tables,
        Index(keys, sieve_of(tables.rows)),
        np.concatenate(ids),
    )


def renumbered(alive: BoolArray, first: int = 0) -> IntArray:
    """The owners' numbers after a merge, from ``first`` on; -1 where they are gone."""
    return np.where(alive, np.cumsum(alive) - 1 + first, -1)


def _complete(
    entries: Entries,
    owners: Records,
    groups: tuple[Group, ...],
    tables: Tables,
    indexed: Index,
    ids: IntArray,
) -> Segment:
    by_id = np.argsort(ids, kind="stable")
    due = owners["due_us"]
    ever = np.flatnonzero(due < FOREVER_US)
    by_due = ever[np.argsort(due[ever], kind="stable")]
    return Segment(
        entries=entries,
        owners=owners,
        groups=groups,
        tables=tables,
        indexed=indexed,
        ids=Column(ids[by_id], by_id),
        due=Column(due[by_due], by_due),
    )


def _in_order(tables: Tables) -> tuple[Tables, Index]:
    """All in the order of the index: what is asked for together lies together."""
    keys = keys_of(tables.rows)
    order = np.argsort(keys, kind="stable")
    rows, keys = tables.rows[order], keys[order]
    tables = in_order_of(rows, tables)
    return tables, Index(keys, sieve_of(tables.rows))


def _regrouped(owners: Records, numbers: list[int]) -> Records:
    owners["group"] = np.array(numbers, dtype=np.int64)[owners["group"]]
    return owners
