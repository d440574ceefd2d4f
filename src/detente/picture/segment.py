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
from detente.picture.bands import keys_of
from detente.picture.column import Column, Numbers, alike, columns, standing
from detente.picture.entries import Entries, Held, joined
from detente.picture.gather import Gatherer, Group, Raw, agreed
from detente.picture.merge import merged_tables
from detente.picture.outline import TooWide, ask_anew, outlines
from detente.picture.packed import packed, together, whole
from detente.picture.tables import BoolArray, Index, Packed, Records, Tables

Label = Callable[[Known], Hashable]
Keep = Callable[[list[Known]], Entries]


class Segment(NamedTuple):
    """Immutable; owners are numbers of ``entries``.

    ``kind`` (n,) int32 says which of ``kinds`` (k,) KIND each is, whose groups are ``groups``.
    ``tables`` stand in the order of ``indexed.keys``. ``ids`` are hashes of object
    ids, ``due`` the times from which objects are stale, of those that ever are.
    """

    entries: Entries
    kind: Numbers
    kinds: Records
    groups: tuple[Group, ...]
    tables: Packed
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

    def stale(self, now_us: int) -> Numbers:
        """Owners that are stale at a time, alive or not."""
        return self.due.owner[: np.searchsorted(self.due.value, now_us)]

    def emptied(self) -> "Segment":
        """Nothing, laid out alike."""
        return Segment(
            entries=Held(()),
            kind=self.kind[:0],
            kinds=self.kinds[:0],
            groups=(),
            tables=Packed._make(table[:0] for table in self.tables),
            indexed=Index(self.indexed.keys[:0], self.indexed.sieve[:0], self.indexed.reach * 0),
            ids=Column._make(column[:0] for column in self.ids),
            due=Column._make(column[:0] for column in self.due),
        )

    def under(self, agreement: Agreement | None) -> "Segment":
        """The same objects under another agreement: arrays only."""
        kept = self.tables
        rows = whole(kept)
        ask_anew(rows, self.kinds[self.kind], agreed(self.groups, agreement))
        tables, index = _in_order(Tables(rows, kept.blocks, kept.rings, kept.vertices))
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
        laid_out = outlines(raw, agreed(raw.groups, agreement))
    except TooWide as error:
        [one] = entries.take([error.owner])
        raise error.of(f"shape of {one.value.source_id}") from None
    tables, index = _in_order(laid_out)
    return _complete(entries, raw.owners, raw.groups, tables, index, ids)


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
    news = [renumbered(alive, int(first)) for (_, alive), first in zip(parts, counts, strict=False)]
    tables, index, new = parts[-1][0].tables, parts[-1][0].indexed, news[-1]
    for (one, _), own_new in zip(parts[-2::-1], news[-2::-1], strict=True):
        tables, index = merged_tables(one.tables, one.indexed, own_new, tables, index, new)
        new = np.arange(counts[-1])
    groups: dict[Group, int] = {}
    owners, ids = [], []
    for one, alive in parts:
        numbers = [groups.setdefault(group, len(groups)) for group in one.groups]
        of_group = np.array(numbers, dtype=np.int64)
        some, hashes = standing(one.kind, one.kinds, one.ids, one.due, alive, of_group)
        owners.append(some)
        ids.append(hashes)
    entries = joined([(one.entries, alive) for one, alive in parts])
    found = together(owners), tuple(groups), tables, index, np.concatenate(ids)
    return _complete(entries, *found)


def renumbered(alive: BoolArray, first: int = 0) -> IntArray:
    """The owners' numbers after a merge, from ``first`` on; -1 where they are gone."""
    return np.where(alive, np.cumsum(alive) - 1 + first, -1)


def _complete(
    entries: Entries,
    owners: Records,
    groups: tuple[Group, ...],
    tables: Packed,
    indexed: Index,
    ids: IntArray,
) -> Segment:
    """A segment of owners, OWNER, and what they are looked up by."""
    by_id = np.argsort(ids, kind="stable")
    by_due = np.argsort(owners["due_us"], kind="stable")
    kind, kinds, found, due = columns(owners, ids, by_id, by_due)
    return Segment(entries, kind, kinds, groups, tables, indexed, found, due)


def _in_order(tables: Tables) -> tuple[Packed, Index]:
    """All in the order of the index: what is asked for together lies together."""
    keys = keys_of(tables.rows)
    return packed(np.argsort(keys, kind="stable"), keys, tables)
