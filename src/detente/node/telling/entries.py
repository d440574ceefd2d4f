"""Entries as they are told of: opened, with what they were before and what they are about.

Read from the record in one state. What is said about an object (an objection, an
acknowledgement, a decision) comes with that object as it is now, for it is seen by
those whom the object concerns, and happens where the object is.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind, token
from detente.core.erasure import Erasure
from detente.core.incident import Call, IncidentStep
from detente.core.ledger import AGREEMENT_SOURCE_ID, NODE
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.volume import EPOCH
from detente.core.wire import Value, read
from detente.errors import LogInconsistent
from detente.node.history import knowing
from detente.node.hotline.called import concerned_by
from detente.store import EntryRow, Record, Stored

CHUNK_ENTRIES = 500
"""Entries read at a time: some 10 ms, so that nobody who tells waits long for another."""

CHUNK_BYTES = 16 * 1024 * 1024
"""And no more than this of objects: two of the largest, or thousands of the usual."""

Latest = Mapping[str, tuple[int, Value | None]]
"""By object, the latest version and what it says; objects of which no later one is known
may be left out."""


class Subject(Struct, frozen=True, kw_only=True):
    """An object as it is now; ``value`` is None where it was erased."""

    object_id: str
    kind: EntryKind
    party: str
    version: int
    sequence: int
    token: str
    value: Value | None


class About(Struct, frozen=True, kw_only=True):
    """What an entry is about.

    Attributes:
        concerns: The parties that may know of it, beside its author.
        subject: The object that it is about; None where there is none any more.
        granted: For a decision: the party that is to see the object.
    """

    concerns: frozenset[str]
    subject: Subject | None = None
    granted: str | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """One entry of the record.

    Attributes:
        at: When the node took it in.
        value: What it says; None where that was erased.
        former: What its object said before.
        about: What it is about, if it is about another object.
        agreement: In force when the node took it in.
        size: Bytes of what it holds.
        recipients: For a report that was corrected or retracted: who was shown any of what
            it said before.
    """

    sequence: int
    leaf: bytes
    party: str
    kind: EntryKind
    object_id: str
    version: int
    at: datetime
    token: str
    value: Value | None
    former: Value | None
    about: About | None
    agreement: Agreement
    size: int
    recipients: frozenset[str] = frozenset()

    @property
    def corrects(self) -> bool:
        """Whether whoever was shown what its object said before is to know of it."""
        return self.kind is EntryKind.REPORT and self.version > 1


class Chunk(NamedTuple):
    """Entries in order, with which sequence number to go on, and later versions of them."""

    entries: Sequence[Entry]
    end: int
    latest: Latest


class Terms:
    """All versions of the agreement, and from which entry on each was in force."""

    def __init__(self, first: Agreement) -> None:
        self._sequences = [0]
        self._agreements = [first]

    @classmethod
    def load(cls, record: Record) -> "Terms":
        """Those in a record.

        Raises:
            LogInconsistent: It holds none.
        """
        kind = EntryKind.AGREEMENT
        stored = record.named(kind, NODE, [AGREEMENT_SOURCE_ID]).get(AGREEMENT_SOURCE_ID)
        terms: Terms | None = None
        for sequence in [] if stored is None else record.history(stored.object_id):
            content = record.content(sequence)
            value = None if content is None else read(content.data)
            if isinstance(value, Agreement):
                terms = terms or cls(value)
                terms.add(sequence, value)
        if terms is None:
            raise LogInconsistent("record", expected="an agreement as its first entry")
        return terms

    def add(self, sequence: int, agreement: Agreement) -> None:
        """A later version; one that is known already changes nothing."""
        if sequence > self._sequences[-1]:
            self._sequences.append(sequence)
            self._agreements.append(agreement)

    def at(self, sequence: int) -> Agreement:
        """The version in force when an entry was taken in; itself, if the entry is one."""
        return self._agreements[bisect_right(self._sequences, sequence) - 1]


def read_chunk(record: Record, first: int, end: int, terms: Terms) -> Chunk:
    """Entries from ``first`` to before ``end``, or as many as are read at a time."""
    rows, reached = record.entry_rows(first, min(end, first + CHUNK_ENTRIES), bytes_max=CHUNK_BYTES)
    values = [_value(row.data) for row in rows]
    entries = []
    abouts = _on_the_line(record, rows, values, _about(record, values))
    for row, value, about in zip(rows, values, abouts, strict=True):
        if isinstance(value, Agreement):
            terms.add(row.sequence, value)
        entries.append(_entry(row, value, about, terms.at(row.sequence)))
    # By the first version of each that was read: later ones may be among the rows too.
    versions = {row.object_id: row.version for row in reversed(rows)}
    latest = {
        object_id: (one.version, _value(one.data))
        for object_id, one in record.identified(list(versions)).items()
        if one.version > versions[object_id] or one.data is None
    }
    return Chunk(with_recipients(record, entries), reached, latest)


def with_recipients(record: Record, entries: Sequence[Entry]) -> list[Entry]:
    """Entries with who, so far, was shown earlier versions of what they correct or retract."""
    found = []
    for entry in entries:
        known = entry
        if entry.corrects:
            before = [one for one in record.history(entry.object_id) if one < entry.sequence]
            recipients = frozenset(one.party for one in record.told(before))
            known = replace(entry, recipients=recipients)
        found.append(known)
    return found


def _entry(row: EntryRow, value: Value | None, about: About | None, agreement: Agreement) -> Entry:
    return Entry(
        sequence=row.sequence,
        leaf=row.leaf,
        party=row.party,
        kind=row.kind,
        object_id=row.object_id,
        version=row.version,
        at=EPOCH + timedelta(microseconds=row.received_us),
        token="" if row.salt is None else token(row.salt, row.leaf),
        value=value,
        former=_value(row.former),
        about=about,
        agreement=agreement,
        size=len(row.data or b"") + len(row.former or b""),
    )


def without(entry: Entry, object_id: str) -> Entry:
    """An entry, less the content of an object that was erased."""
    if entry.object_id == object_id:
        return replace(entry, value=None, former=None, token="", size=0)
    subject = None if entry.about is None else entry.about.subject
    if entry.about is None or subject is None or subject.object_id != object_id:
        return entry
    gone = replace(subject, value=None, token="")
    return replace(entry, about=replace(entry.about, subject=gone))


def _value(data: bytes | None) -> Value | None:
    return None if data is None else read(data)


def _about(record: Record, values: Sequence[Value | None]) -> list[About | None]:
    """What each of these values is about; None for those that are about nothing else.

    In two steps at most: an answer names an objection, which names an object.
    """
    acknowledged = _objects_acknowledged(record, values)
    names = [_names(value, acknowledged) for value in values]
    subjects = _subjects(record, [name for name in names if name])
    indirect = [
        one.value.object
        for one in subjects.values()
        if isinstance(one.value, Objection | ReleaseRequest)
    ]
    subjects |= _subjects(record, [one for one in indirect if one not in subjects])
    found = [
        None if name is None else _about_one(value, subjects.get(name), subjects)
        for value, name in zip(values, names, strict=True)
    ]
    for place, (value, about) in enumerate(zip(values, found, strict=True)):
        if isinstance(value, Erasure) and about is not None:
            # Whoever holds what was erased learns that it was.
            found[place] = replace(about, concerns=about.concerns | knowing(record, value.object))
    return found


def _on_the_line(
    record: Record,
    rows: Sequence[EntryRow],
    values: Sequence[Value | None],
    abouts: Sequence[About | None],
) -> list[About | None]:
    """The same, where a call of the hotline has it otherwise whom an entry concerns."""
    found: list[About | None] = []
    for row, value, about in zip(rows, values, abouts, strict=True):
        concerns = None
        if value is not None:
            concerns = concerned_by(record, value, row.object_id, row.party)
        known = About(concerns=frozenset()) if about is None else about
        found.append(about if concerns is None else replace(known, concerns=concerns))
    return found


def _objects_acknowledged(record: Record, values: Iterable[Value | None]) -> dict[str, str]:
    """The object of each entry that is acknowledged, by its leaf hash."""
    leaves = {one.entry for one in values if isinstance(one, Acknowledgement)}
    found = record.entries_of([bytes.fromhex(leaf) for leaf in leaves])
    return {leaf.hex(): object_id for leaf, (_, object_id) in found.items()}


def _names(value: Value | None, acknowledged: Mapping[str, str]) -> str | None:
    """The object that a value is about, as it names it."""
    match value:
        case Acknowledgement():
            return acknowledged.get(value.entry, "")
        case Objection() | ReleaseRequest() | Erasure():
            return value.object
        case Call() | IncidentStep():
            return value.incident
        case Answer():
            return value.objection
        case ReleaseDecision():
            return value.request
        case _:
            return None


def _about_one(
    value: Value | None, named: Subject | None, subjects: Mapping[str, Subject]
) -> About:
    if named is None:
        return About(concerns=frozenset())
    concerns = {named.party}
    subject: Subject | None = named
    granted = None
    if isinstance(value, Answer | ReleaseDecision):
        asked = named.value
        subject = None
        if isinstance(asked, Objection | ReleaseRequest):
            subject = subjects.get(asked.object)
        if isinstance(value, ReleaseDecision) and isinstance(asked, ReleaseRequest):
            granted = asked.to
            concerns |= {asked.to} if value.granted else set()
    return About(concerns=frozenset(concerns - {NODE}), subject=subject, granted=granted)


def _subjects(record: Record, object_ids: Iterable[str]) -> dict[str, Subject]:
    found = record.identified(list(dict.fromkeys(object_ids)))
    return {object_id: _subject(stored) for object_id, stored in found.items()}


def _subject(stored: Stored) -> Subject:
    return Subject(
        object_id=stored.object_id,
        kind=stored.kind,
        party=stored.party,
        version=stored.version,
        sequence=stored.sequence,
        token="" if stored.salt is None else token(stored.salt, stored.leaf),
        value=_value(stored.data),
    )
