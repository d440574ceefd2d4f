"""What pictures are made of, kept beside the record, and the pictures made of it.

Of a notice or a presence, all that its picture needs is its numbers and what it shares
with many: its category and who may know of it. Both are written with its entry
(``gathered_of``), so that a start reads them and no values (``Gathering``).

Zones and plans are not gathered: they are few, and F3548's airspace wants their values.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import msgspec
import numpy as np

from detente.core.agreement import Agreement
from detente.core.check import Known, protects
from detente.core.entry import EntryKind
from detente.core.geodesy import IntArray
from detente.core.ledger import Held, is_erased
from detente.core.notice import Notice
from detente.core.presence import Presence
from detente.core.view import Label, label_of
from detente.core.wire import Value
from detente.errors import LogInconsistent
from detente.picture.entries import ID_BYTES, Kept, Read, bytes_of
from detente.picture.gather import Gatherer, Group
from detente.picture.gathered import Sheet, damaged, gathered, raw_of, sheet_of
from detente.picture.picture import Part
from detente.picture.segment import arranged, hashes_of
from detente.store import Gathered, GatheredRow, Record

GATHERED = (EntryKind.NOTICE, EntryKind.PRESENCE)

_LAYOUT = 1
"""Of the numbers; what was gathered otherwise is read from its values."""


def gathered_of(value: Value) -> Gathered | None:
    """What to keep beside an entry; None for kinds that are not gathered."""
    if not isinstance(value, Notice | Presence):
        return None
    if not protects(value):
        return _grouping(Group("")), b""
    label = label_of(Known(value=value))
    gatherer = Gatherer()
    gatherer.add(value)
    return _grouping(Group(value.category, label)), gathered(gatherer.raw())


def gathered_otherwise(
    record: Record, current: Mapping[str, tuple[int, Held]]
) -> Iterator[tuple[int, str]]:
    """Entry and object of whatever is gathered otherwise than its content says.

    Args:
        record: One state of it.
        current: Where the current version of each object is, and what it is.
    """
    for sequence, object_id, grouping, numbers in chain.from_iterable(record.gathered()):
        place, held = current.get(object_id, (-1, None))
        # What was lost says nothing any more; what was gathered of it still protects.
        lost = held is not None and held.value is None and not is_erased(held)
        value = None if held is None else held.value
        said = None if value is None else gathered_of(value)
        if place != sequence or not (lost or (grouping, numbers) == said):
            yield sequence, object_id


def gathered_anew(
    record: Record, current: Mapping[str, tuple[int, Held]]
) -> tuple[list[int], list[GatheredRow]]:
    """What must go of what is gathered, and what must be gathered that is not, or not so.

    Args:
        record: As of ``gathered_otherwise``.
        current: As of ``gathered_otherwise``.
    """
    wrong = [sequence for sequence, _ in gathered_otherwise(record, current)]
    right = {row[0] for rows in record.gathered() for row in rows} - set(wrong)
    rows: list[GatheredRow] = []
    for object_id, (sequence, held) in current.items():
        said = None if held.value is None else gathered_of(held.value)
        if said is not None and sequence not in right:
            rows.append((sequence, object_id, *said))
    return wrong, rows


def _grouping(group: Group) -> bytes:
    return msgspec.json.encode((_LAYOUT, group.category, group.label))


def _group(grouping: bytes) -> Group | None:
    """The group, or None of another layout."""
    try:
        layout, category, label = _DECODER.decode(grouping)
    except msgspec.DecodeError:
        return None
    return Group(category, label) if layout == _LAYOUT else None


_DECODER = msgspec.json.Decoder(tuple[int, str, Label | None])


class Gathering:
    """What was gathered in one state of a record.

    Attributes:
        left: Where the objects are that were not gathered, or cannot be read: their values say.

    Args:
        record: To be read at once.

    Raises:
        LogInconsistent: What was replaced is still gathered.
        Unavailable: It could not be read.
    """

    def __init__(self, record: Record) -> None:
        self.left = record.ungathered(*GATHERED)
        self._groups: dict[bytes, int] = {}
        self._names: list[Group] = []
        # Arrays that grow: of as many small ones the system would get little back.
        self._sequences, self._ids, self._numbers = array("q"), array("q"), array("q")
        self._hashes, self._of_group, self._sizes = array("q"), array("q"), array("q")
        read, lacking = 0, len(self.left)
        for rows in record.gathered():
            read += len(rows)
            self._read(rows)
        more = read + lacking - record.count(*GATHERED)
        if more:
            raise LogInconsistent(
                "numbers that pictures are made of",
                expected="of current objects alone; `detente log repair` mends it",
                got=f"{more} more",
            )

    def parts(self, agreement: Agreement, read: Read) -> list[Part]:
        """The part of a picture that they make, if there are any.

        Args:
            agreement: Whose separations apply.
            read: How their values are had.
        """
        if not self._sequences:
            return []
        first = np.concatenate(([0], np.cumsum(_int64(self._sizes))))
        sheet = Sheet(_int64(self._numbers), first)
        raw = raw_of(sheet, _int64(self._of_group), tuple(self._names))
        ids = _int64(self._ids).view(np.uint8).reshape(-1, ID_BYTES)
        kept = Kept(_int64(self._sequences), ids, read)
        return [Part.whole(arranged(kept, _int64(self._hashes), raw, agreement))]

    def _read(self, rows: Sequence[GatheredRow]) -> None:
        """One page of rows, or some of them."""
        if not rows:
            return
        sequences, object_ids, groupings, numbers = zip(*rows, strict=True)
        groups = {grouping: self._group(grouping) for grouping in set(groupings)}
        if -1 in groups.values():
            self.left += [row[0] for row in rows if groups[row[2]] < 0]
            self._read([row for row in rows if groups[row[2]] >= 0])
            return
        if not all(numbers):
            # These do not protect.
            self._read([row for row in rows if row[3]])
            return
        sheet = sheet_of(numbers)
        broken = set(damaged(sheet).tolist())
        if broken:
            self.left += [sequences[place] for place in broken]
            self._read([row for place, row in enumerate(rows) if place not in broken])
            return
        for known, new in (
            (self._sequences, np.array(sequences, dtype=np.int64)),
            (self._of_group, np.fromiter(map(groups.__getitem__, groupings), np.int64)),
            (self._ids, bytes_of(object_ids)),
            (self._hashes, hashes_of(object_ids)),
            (self._sizes, np.diff(sheet.first)),
            (self._numbers, sheet.numbers),
        ):
            known.frombytes(new.data.cast("B") if len(new) else b"")

    def _group(self, grouping: bytes) -> int:
        """The number of a group; -1 for one of another layout."""
        known = self._groups.get(grouping)
        if known is None:
            group = _group(grouping)
            known = self._groups[grouping] = -1 if group is None else len(self._names)
            if group is not None:
                self._names.append(group)
        return known


def _int64(numbers: "array[int]") -> IntArray:
    """The same, without a copy."""
    return np.frombuffer(numbers, dtype=np.int64)
