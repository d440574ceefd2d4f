"""Looking back: the picture at a time that has been, as one reader had been shown it by then.

By then on record that it was shown (R-08), in the version that stood then, and by that
version's own release and that of the current one still for this reader: what an author took
back, or had erased, is not shown again. So nothing hidden is in it, then or now.

How much of an entry was shown is kept as the most by now: what was first shown as an area, and
in full since, is shown in full.

Source: docs/rules/R-02.md, docs/rules/R-08.md; docs/adr/0034.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import numpy as np

from detente.core.check import Known, Protected, protects
from detente.core.entry import EntryKind, token
from detente.core.geodesy import IntArray
from detente.core.release import Grade
from detente.core.view import Reader, label_of
from detente.core.volume import microseconds
from detente.core.wire import Value, read
from detente.errors import Conflict, MalformedInput, NotFound
from detente.node.engine import Engine
from detente.node.layers import AREA, FULL, Item, See, Sheets, Sight
from detente.node.values import MEETABLE
from detente.node.world import Shown
from detente.picture.picture import Part
from detente.picture.segment import build
from detente.store import Record, Stored

OBJECTS_MAX = 20_000
"""Of one frame: each is read and laid out, some 0.25 ms on two busy cores."""

FRAMES_MAX = 8
"""Kept, some 60 MB at most: whoever looks back looks about in one frame, then goes on."""

SETTLED_US = 10_000_000
"""How long after it a time is no longer written to: commits of other processes, and their
clocks, are closer than that."""

_GRADES = {None: 0, Grade.CONTACT: 0, Grade.AREA: AREA, Grade.FULL: FULL}


class Frame:
    """What one party had been shown by a time, laid out.

    Attributes:
        part: The versions that stood then.
        extent: (o,) int64, how much of each was shown.
        followed: Entries by which it is judged.
        is_settled: Whether nothing can be added to that time any more.
    """

    def __init__(
        self, record: Record, party: str, at_us: int, now_us: int, only: str | None = None
    ) -> None:
        rows = record.standing_then(party, at_us, MEETABLE, limit=OBJECTS_MAX + 1, only=only)
        if len(rows) > OBJECTS_MAX:
            raise Conflict(
                "as-of", expected=f"at most {OBJECTS_MAX} objects shown by then", got="more"
            )
        rows.sort()
        values = _values(record, [row.sequence for row in rows])
        rows = [row for row in rows if row.sequence in values]
        known = [values[row.sequence] for row in rows]
        self.part = Part.whole(build(known, None, label_of))
        self.extent: IntArray = np.array(
            [FULL if row.extent is None else row.extent for row in rows], dtype=np.int64
        )
        self._owner = {row.object_id: owner for owner, row in enumerate(rows)}
        self._ids = [row.object_id for row in rows]
        self._now: dict[int, Value] = {}
        self.followed = record.head()[1]
        self.is_settled = now_us - at_us > SETTLED_US
        changed = [row.object_id for row in rows if row.current != row.sequence]
        self._learn(record.identified(changed).values())

    def where(self, object_id: str, owners: IntArray) -> IntArray:
        """At which of some owners an object is, (n,) int64."""
        return np.flatnonzero(owners == self._owner.get(object_id, -1))

    def follow(self, record: Record) -> None:
        """Learn what changed of its objects since it was last asked."""
        size = record.head()[1]
        if size > self.followed:
            self._learn(record.objects(*MEETABLE, after=self.followed - 1))
            self.followed = size

    def _learn(self, changed: Iterable[Stored]) -> None:
        # Replaced, never changed, since others look meanwhile.
        now = dict(self._now)
        for stored in changed:
            owner = self._owner.get(stored.object_id)
            if owner is not None and stored.data is not None:
                now[owner] = read(stored.data)
        self._now = now

    def most(self, reader: Reader) -> IntArray:
        """How much of each its reader may see at most, (o,) int64."""
        out = self.extent.copy()
        for owner, value in self._now.items():
            grade = reader.grade(value, self._ids[owner])
            out[owner] = min(out[owner], _GRADES[grade])
        return out


class SightOfThen(Sight):
    """A frame, as its reader may still see it."""

    def __init__(
        self, shown: Shown, reader: Reader, sheets: Sheets, at: datetime | None, frame: Frame
    ) -> None:
        super().__init__(shown, reader, sheets, at)
        self.frame = frame

    def _parts(self, kinds: Collection[EntryKind]) -> list[Part]:  # noqa: ARG002 - sieved after
        return [self.frame.part] if self.frame.part.standing else []

    def one(self, kind: EntryKind, object_id: str) -> Item:
        """One object, as it stood.

        Raises:
            NotFound: It was not shown to this reader by then, or may not be any more.
        """
        found = self.find({kind})
        for item in self.items(found, self.frame.where(object_id, found.owner)):
            return item
        raise NotFound(f"object {object_id}")

    def _codes(self, part: Part) -> IntArray:
        return np.minimum(super()._codes(part), self.frame.most(self.reader))


class Frames:
    """Frames that were asked for lately. Any thread's.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._erased = -1
        self._lock = threading.Lock()
        self._frames: OrderedDict[tuple[str, int], Frame] = OrderedDict()

    def of(self, reader: Reader, as_of: datetime, only: str | None = None) -> Frame:
        """What a reader had been shown by a time; of one object, which is not kept.

        Raises:
            MalformedInput: A time that has not been.
            Conflict: More than OBJECTS_MAX objects.
        """
        if as_of > reader.now:
            raise MalformedInput("as-of", expected="a time that has been", got=as_of.isoformat())
        key = reader.party, microseconds(as_of)
        # One at a time: the tiles of a map ask for the same frame at once.
        with self._lock, self._engine.store.reading() as record:
            if self._engine.world.erased != self._erased:
                # What is erased leaves no trace.
                self._erased = self._engine.world.erased
                self._frames.clear()
            if only is not None:
                return Frame(record, *key, microseconds(reader.now), only)
            frame = self._frames.pop(key, None)
            if frame is not None and not frame.is_settled and record.head()[1] > frame.followed:
                frame = None
            if frame is None:
                frame = Frame(record, *key, microseconds(reader.now))
            frame.follow(record)
            self._frames[key] = frame
            while len(self._frames) > FRAMES_MAX:
                self._frames.popitem(last=False)
            return frame


def seeing(
    frames: Frames, *, as_of: datetime | None, at: datetime | None, only: str | None = None
) -> See:
    """What is looked at.

    Args:
        frames: Where frames are kept.
        as_of: As the reader had been shown it by then; None for what is known now.
        at: What of it is there at this time; None for all of it.
        only: Of the past, this object alone.
    """

    def see(shown: Shown, reader: Reader, sheets: Sheets) -> Sight:
        if as_of is None:
            return Sight(shown, reader, sheets, at)
        return SightOfThen(shown, reader, sheets, at, frames.of(reader, as_of, only))

    return see


def _values(record: Record, sequences: Sequence[int]) -> dict[int, Known]:
    """Those that protected, by their entries."""
    found: dict[int, Known] = {}
    for one in record.uttered(sequences):
        value = read(one.data)
        if isinstance(value, Protected) and protects(value):
            found[one.sequence] = Known(
                value=value,
                object_id=one.object_id,
                sequence=one.sequence,
                version=one.version,
                token=token(one.salt, one.leaf),
            )
    return found
