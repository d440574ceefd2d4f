"""Silence: who was told what and has not acknowledged it, and for how long.

Of an object, its author sees every party to which it is released: whether it was
told of the current version, how far it says that this has come, and since when it
is silent. That a party has stopped acknowledging altogether everyone sees, by its
age alone (H5).

Acknowledgements are entries like others; they are drawn out into a table of their
own, by entry and party, up to a cursor (``draw``).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.release import Grade
from detente.core.report import Report
from detente.core.telling import Acknowledgement, Level
from detente.core.view import Reader, Released
from detente.core.volume import EPOCH
from detente.core.wire import read
from detente.node.engine import Decision
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.disclosures import THE_NODE
from detente.node.telling.sight import is_over
from detente.store import AcknowledgedRow, Appender, Cursor, Record, Stored, Told

ACKNOWLEDGEMENTS = "acknowledgements"
"""The cursor up to which acknowledgements were drawn out."""

DRAWN_AT_ONCE = 1_000
"""Acknowledgements drawn out in one transaction: some 20 ms."""

SCANNED_MAX = 1_000
"""Objects looked at for one page; with a hundred parties each, some 300 ms."""

RELEASED = (
    EntryKind.NOTICE,
    EntryKind.PRESENCE,
    EntryKind.ZONE,
    EntryKind.PLAN,
    EntryKind.REPORT,
)
"""Kinds of which an acknowledgement is awaited."""

WHOLE_MINUTE = timedelta(minutes=1)
"""What is shown of one party to all is no finer: it says that, and not what, was told."""

_RISING = {level.value: number for number, level in enumerate(Level)}


class Whom(StrEnum):
    """Of whom is asked: who is silent, or also who has come as far as is awaited."""

    SILENT = "silent"
    EVERYONE = "everyone"


class Silence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One party's silence about the current version of one object.

    Attributes:
        object: Its id.
        kind: Of the object.
        author: Who said it.
        name: As its author calls it, for its author alone.
        version: The current one.
        sequence: Its entry.
        on_record: Since when it is on record.
        party: Who is silent.
        grade: How much of it is released to that party.
        told: When that was first given to the party; None if never.
        level: How far the party says that it has come; None if it says nothing.
        acknowledged: When it said so.
        passed_on: To which of its levels.
        since: Since when more is awaited: told, or on record where it was never told.
        silent_s: For how long; 0 where it has come as far as is awaited.
    """

    object: str
    kind: EntryKind
    author: str
    version: int
    sequence: int
    on_record: datetime
    party: str
    grade: Grade
    since: datetime
    silent_s: int
    name: str | None = None
    told: datetime | None = None
    level: Level | None = None
    acknowledged: datetime | None = None
    passed_on: tuple[str, ...] = ()


class PartySilence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a party stands with acknowledging, in whole minutes.

    Attributes:
        party: Who.
        last_acknowledged: When it last acknowledged anything.
        not_acknowledging_since: When it was first told something after that.
        last_told: When anything was last given to it.
        unreachable_since: Since when nothing can be delivered to an address of its.
    """

    party: str
    last_acknowledged: datetime | None = None
    not_acknowledging_since: datetime | None = None
    last_told: datetime | None = None
    unreachable_since: datetime | None = None


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked of silence.

    Attributes:
        of: Only about this author's objects; None is everyone's.
        asker: Who asks: to him his own objects are named.
        party: Only this party's silence.
        longer_than_s: Only what lasts so long.
        level: What is awaited: less than it is silence.
        whom: Only who is silent, or also who has come so far.
        after: The cursor: only objects whose current version is a later entry.
        limit: At most so many objects that someone is silent about.
    """

    of: str | None
    asker: str | None = None
    party: str | None = None
    longer_than_s: int = 0
    level: Level = Level.DELIVERED
    whom: Whom = Whom.SILENT
    after: int = -1
    limit: int = SCANNED_MAX


class SilencePage(Struct, frozen=True, kw_only=True):
    """Silences in the order of the record; with the first page, how all parties stand."""

    silences: tuple[Silence, ...]
    parties: tuple[PartySilence, ...]
    after: int
    more: bool


class Draw:
    """Draws out acknowledgements; the answer is whether there may be more."""

    principal = THE_NODE
    touches = Touches()

    def __init__(self) -> None:
        self._more = False

    def decide(self, _: Moment) -> Decision[bool]:
        """Nothing that the record says."""
        return Decision(says=(), answer=lambda _: self._more, effects=self._draw)

    def _draw(self, record: Appender, _: list[Receipt]) -> None:
        self._more = draw(record)


def undrawn(record: Record) -> bool:
    """Whether there are acknowledgements that were not drawn out."""
    return bool(_next(record, 1))


def draw(record: Appender) -> bool:
    """Draw out the next acknowledgements; whether there may be more."""
    rows = _next(record, DRAWN_AT_ONCE)
    if not rows:
        return False
    found = [(row, value) for row in rows if (value := _acknowledgement(row)) is not None]
    entries = record.entries_of([bytes.fromhex(value.entry) for _, value in found])
    record.acknowledge(
        AcknowledgedRow(
            sequence=entries[leaf][0],
            party=value.party,
            level=value.level.value,
            # PostgreSQL's text holds no U+0000.
            destination=(value.to or "").replace("\0", ""),
            at_us=row.received_us,
        )
        for row, value in found
        if (leaf := bytes.fromhex(value.entry)) in entries
    )
    record.put_cursors({ACKNOWLEDGEMENTS: Cursor(sequence=rows[-1].sequence)})
    return len(rows) == DRAWN_AT_ONCE


def _next(record: Record, limit: int) -> list[Stored]:
    cursor = record.cursor(ACKNOWLEDGEMENTS)
    after = -1 if cursor is None else cursor.sequence
    return list(record.objects(EntryKind.ACKNOWLEDGEMENT, after=after, limit=limit))


def _acknowledgement(stored: Stored) -> Acknowledgement | None:
    value = None if stored.data is None else read(stored.data)
    return value if isinstance(value, Acknowledgement) else None


def silences(record: Record, everyone: Reader, asked: Asked) -> SilencePage:
    """A page of who is silent about what.

    Args:
        record: One state of it.
        everyone: Any reader of that state; its party is replaced by each in turn.
        asked: What is asked.
    """
    stored = list(
        record.objects(*RELEASED, party=asked.of, after=asked.after, limit=SCANNED_MAX, ended=False)
    )
    found: list[Silence] = []
    after, objects = asked.after, 0
    readers = _readers(everyone, asked.party)
    standing = _Standing.of(record, stored)
    for one in stored:
        silent = list(_silent(one, readers, standing, asked))
        objects += bool(silent)
        if objects > asked.limit:
            break
        found += silent
        after = one.sequence
    more = len(stored) == SCANNED_MAX or objects > asked.limit
    parties = _parties(record, readers) if asked.after < 0 else ()
    return SilencePage(silences=tuple(found), parties=tuple(parties), after=after, more=more)


def everything(
    record: Record, everyone: Reader, asked: Asked
) -> tuple[list[Silence], list[PartySilence]]:
    """All pages together."""
    page = silences(record, everyone, asked)
    found, parties = list(page.silences), list(page.parties)
    while page.more:
        page = silences(record, everyone, replace(asked, after=page.after))
        found += page.silences
    return found, parties


class _Standing(Struct, frozen=True):
    """Who was told of entries, and who acknowledged them; by entry and party."""

    told: Mapping[tuple[int, str], Told]
    acknowledged: Mapping[tuple[int, str], Sequence[AcknowledgedRow]]

    @classmethod
    def of(cls, record: Record, stored: Sequence[Stored]) -> "_Standing":
        sequences = [one.sequence for one in stored]
        acknowledged: defaultdict[tuple[int, str], list[AcknowledgedRow]] = defaultdict(list)
        for row in record.acknowledgements(sequences):
            acknowledged[row.sequence, row.party].append(row)
        return cls(
            {(row.sequence, row.party): row for row in record.told(sequences)},
            acknowledged,
        )


def _readers(everyone: Reader, party: str | None) -> list[Reader]:
    names = sorted(everyone.parties) if party is None else [party]
    return [
        Reader(
            party=name,
            agreement=everyone.agreement,
            parties=everyone.parties,
            grants=everyone.grants,
            now=everyone.now,
        )
        for name in names
        if name in everyone.parties
    ]


def _silent(
    stored: Stored, readers: Sequence[Reader], standing: _Standing, asked: Asked
) -> Iterator[Silence]:
    """Who is silent about one object."""
    value = None if stored.data is None else read(stored.data)
    if not isinstance(value, Released) or is_over(value) or _is_past(value, readers):
        return
    on_record = _time(stored.received_us)
    for reader in readers:
        if reader.party in {value.party, NODE}:
            continue
        grade = reader.grade(value, stored.object_id)
        if grade not in {Grade.FULL, Grade.AREA}:
            continue
        told = standing.told.get((stored.sequence, reader.party))
        rows = standing.acknowledged.get((stored.sequence, reader.party), ())
        best = max(rows, key=lambda row: _RISING[row.level], default=None)
        reached = best is not None and _RISING[best.level] >= _RISING[asked.level.value]
        if reached and asked.whom is Whom.SILENT:
            continue
        since = on_record if told is None else _time(told.at_us)
        silent_s = 0 if reached else int((reader.now - since).total_seconds())
        if silent_s < asked.longer_than_s:
            continue
        yield Silence(
            object=stored.object_id,
            kind=stored.kind,
            author=stored.party,
            name=_called(value, stored) if asked.asker == stored.party else None,
            version=stored.version,
            sequence=stored.sequence,
            on_record=on_record,
            party=reader.party,
            grade=grade,
            told=None if told is None else since,
            level=None if best is None else Level(best.level),
            acknowledged=None if best is None else _time(best.at_us),
            passed_on=tuple(sorted(row.destination for row in rows if row.destination)),
            since=since,
            silent_s=max(0, silent_s),
        )


def _called(value: Released, stored: Stored) -> str:
    """What its author calls it: by name or title, else by the id that it gave it."""
    name = value.title if isinstance(value, Report) else value.name
    return name or stored.source_id


def _is_past(value: Released, readers: Sequence[Reader]) -> bool:
    """Whether all of its time is over: nobody need know of it any more."""
    volumes = value.volumes
    return bool(volumes and readers) and all(
        volume.end is not None and volume.end < readers[0].now for volume in volumes
    )


def _parties(record: Record, readers: Sequence[Reader]) -> Iterator[PartySilence]:
    """How parties stand, those of which there is anything to say."""
    failing: dict[str, int] = {}
    cursors = record.cursors()
    for row in record.subscriptions():
        cursor = cursors.get(row.object_id)
        if cursor is not None and cursor.failing_since_us is not None:
            since = cursor.failing_since_us
            failing[row.party] = min(since, failing.get(row.party, since))
    for party in (reader.party for reader in readers):
        acknowledged = record.last_acknowledged(party)
        silent = record.first_told_after(party, acknowledged or 0, RELEASED)
        yield PartySilence(
            party=party,
            last_acknowledged=_minute(acknowledged),
            not_acknowledging_since=_minute(silent),
            last_told=_minute(record.last_told(party)),
            unreachable_since=_minute(failing.get(party)),
        )


def _time(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


def _minute(us: int | None) -> datetime | None:
    """To the whole minute before."""
    if us is None:
        return None
    whole_us = WHOLE_MINUTE // timedelta(microseconds=1)
    return _time(us // whole_us * whole_us)
