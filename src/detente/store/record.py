"""The record and the current objects, in one transaction.

``Record`` reads; ``Appender`` also appends. An append writes the entries, what
they commit to, the current objects, the tiles of the tree and its head, or
nothing (docs/rules/R-04.md). What may be appended is decided before, by
detente.node.submit.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from detente.core.entry import ChainHead, EntryKind, Signed, unseal
from detente.core.merkle import EMPTY_ROOT
from detente.core.tiles import grow, prove_inclusion, root
from detente.core.volume import microseconds
from detente.errors import LogInconsistent, NotFound
from detente.store import tables
from detente.store.database import Database

PAGE_ROWS = 5_000
"""Rows fetched at a time: some 5 MB of entries."""

PREFIX_LENGTH_MIN = 6
"""Hex digits of an id that may stand for it: among 10,000 objects, the odds that two
share six are two to one; a shorter one would mostly be somebody's own name."""

CALLED_MAX = 20
"""Objects named where a name is not unique: enough to choose from."""

_PARAMETERS_MAX = 500
"""Values in one IN (...): below the 999 of older SQLite builds."""


class Stored(Struct, frozen=True, kw_only=True):
    """The current version of an object; ``data`` is None where it was erased."""

    object_id: str
    kind: EntryKind
    party: str
    source_id: str
    version: int
    sequence: int
    data: bytes | None


class Content(Struct, frozen=True, kw_only=True):
    """What a commitment covers: the object's canonical bytes and the salt."""

    salt: bytes
    data: bytes


class Appended(Struct, frozen=True, kw_only=True):
    """One entry to append, with what the tables need to know of it."""

    signed: Signed
    content: Content
    source_id: str
    received: datetime


class Record:
    """One state of the record, as a transaction sees it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def head(self) -> tuple[str, int, bytes]:
        """Theatre, number of entries, root.

        Raises:
            LogInconsistent: There is no head.
        """
        row = self._connection.execute(sa.select(tables.head)).one_or_none()
        if row is None:
            raise LogInconsistent("head of the record", expected="one", got="none")
        return str(row.theatre), int(row.size), _raw(row.root)

    def tile(self, level: int, number: int) -> bytes:
        """The hashes of a tile.

        Raises:
            LogInconsistent: There is no such tile.
        """
        t = tables.tile
        found = self._connection.execute(
            sa.select(t.c.hashes).where(t.c.level == level, t.c.number == number)
        ).scalar()
        if found is None:
            raise LogInconsistent(f"tile {level}/{number}", expected="its hashes", got="none")
        return _raw(found)

    def inclusion_proof(self, sequence: int) -> list[bytes]:
        """Hashes that prove an entry under the present root, leaf side first."""
        return prove_inclusion(self.tile, sequence, self.head()[1])

    def entry(self, sequence: int) -> Signed:
        """One entry.

        Raises:
            NotFound: No such entry.
        """
        e = tables.entry
        found = self._connection.execute(
            sa.select(e.c.envelope).where(e.c.sequence == sequence)
        ).scalar()
        if found is None:
            raise NotFound(f"entry {sequence}")
        return unseal(_raw(found))

    def rows(self, first: int = 0) -> Iterator[tuple[int, bytes, bytes, Content | None]]:
        """Sequence, leaf hash, envelope and content of entries, in order, a page at a time.

        The content is None where it was erased.
        """
        e, c = tables.entry, tables.content
        query = (
            sa.select(e.c.sequence, e.c.leaf, e.c.envelope, c.c.salt, c.c.data)
            .select_from(e.outerjoin(c, e.c.sequence == c.c.sequence))
            .where(e.c.sequence >= first)
            .order_by(e.c.sequence)
        )
        result = self._connection.execution_options(yield_per=PAGE_ROWS).execute(query)
        for row in result:
            erased = row.data is None
            yield (
                int(row.sequence),
                _raw(row.leaf),
                _raw(row.envelope),
                None if erased else Content(salt=_raw(row.salt), data=_raw(row.data)),
            )

    def received(self, sequence: int) -> int:
        """When the node took an entry in, microseconds since 1970 UTC."""
        e = tables.entry
        query = sa.select(e.c.received_us).where(e.c.sequence == sequence)
        return int(self._connection.execute(query).scalar_one())

    def content(self, sequence: int) -> Content | None:
        """What an entry commits to; None if erased."""
        c = tables.content
        row = self._connection.execute(sa.select(c).where(c.c.sequence == sequence)).one_or_none()
        return None if row is None else Content(salt=_raw(row.salt), data=_raw(row.data))

    def chain_head(self, party: str) -> ChainHead | None:
        """The last entry of a party's chain."""
        e = tables.entry
        row = self._connection.execute(
            sa.select(e.c.party_sequence, e.c.leaf)
            .where(e.c.party == party)
            .order_by(e.c.party_sequence.desc())
            .limit(1)
        ).one_or_none()
        if row is None:
            return None
        return ChainHead(party_sequence=int(row.party_sequence), leaf=_raw(row.leaf))

    def identified(self, object_ids: Sequence[str]) -> dict[str, Stored]:
        """Current objects by their ids."""
        found = {}
        for start in range(0, len(object_ids), _PARAMETERS_MAX):
            part = object_ids[start : start + _PARAMETERS_MAX]
            query = _stored_query().where(tables.current.c.id.in_(part))
            for row in self._connection.execute(query):
                found[row.id] = _stored(row)
        return found

    def named(self, kind: EntryKind, party: str, source_ids: Sequence[str]) -> dict[str, Stored]:
        """A party's current objects of a kind, by the ids that it gave them."""
        o = tables.current
        found = {}
        for start in range(0, len(source_ids), _PARAMETERS_MAX):
            part = source_ids[start : start + _PARAMETERS_MAX]
            query = _stored_query().where(
                o.c.kind == kind.value, o.c.party == party, o.c.source_id.in_(part)
            )
            for row in self._connection.execute(query):
                found[row.source_id] = _stored(row)
        return found

    def objects(self, *kinds: EntryKind, party: str | None = None) -> Iterator[Stored]:
        """Current objects, in the order of the record."""
        o = tables.current
        query = _stored_query().order_by(o.c.sequence)
        if kinds:
            query = query.where(o.c.kind.in_([kind.value for kind in kinds]))
        if party is not None:
            query = query.where(o.c.party == party)
        for row in self._connection.execution_options(yield_per=PAGE_ROWS).execute(query):
            yield _stored(row)

    def called(self, name: str) -> list[Stored]:
        """Current objects whose id begins with ``name``, or whose author calls them so."""
        o = tables.current
        wanted = o.c.source_id == name
        if len(name) >= PREFIX_LENGTH_MIN:
            wanted = sa.or_(o.c.id.startswith(name, autoescape=True), wanted)
        query = _stored_query().where(wanted)
        rows = self._connection.execute(query.order_by(o.c.sequence).limit(CALLED_MAX))
        return [_stored(row) for row in rows]

    def history(self, object_id: str) -> list[int]:
        """Sequence numbers of all versions of an object, oldest first."""
        e = tables.entry
        query = sa.select(e.c.sequence).where(e.c.object == object_id).order_by(e.c.version)
        return [int(sequence) for sequence in self._connection.execute(query).scalars()]


class Appender(Record):
    """The record, held for writing."""

    def begin(self, theatre: str) -> None:
        """Start the record of a theatre, with no entries."""
        self._connection.execute(
            sa.insert(tables.head).values(theatre=theatre, size=0, root=EMPTY_ROOT)
        )

    def append(self, entries: Iterable[Appended]) -> tuple[int, int, bytes]:
        """Append entries, in order; the caller has checked them.

        Returns:
            The first sequence number, the new size, the new root.
        """
        batch = list(entries)
        theatre, first, _ = self.head()
        changed = grow(self.tile, first, [one.signed.leaf for one in batch])
        self._insert(first, batch)
        self._point(first, batch)
        self._write_tiles(changed)
        size = first + len(batch)
        new_root = root(self.tile, size)
        self._connection.execute(
            sa.update(tables.head)
            .where(tables.head.c.theatre == theatre)
            .values(size=size, root=new_root)
        )
        return first, size, new_root

    def _insert(self, first: int, batch: Sequence[Appended]) -> None:
        self._connection.execute(
            sa.insert(tables.entry),
            [
                {
                    "sequence": first + number,
                    "leaf": one.signed.leaf,
                    "envelope": one.signed.data,
                    "party": one.signed.statement.party,
                    "party_sequence": one.signed.statement.party_sequence,
                    "kind": one.signed.statement.kind.value,
                    "object": one.signed.statement.object,
                    "version": one.signed.statement.version,
                    "received_us": microseconds(one.received),
                }
                for number, one in enumerate(batch)
            ],
        )
        self._connection.execute(
            sa.insert(tables.content),
            [
                {
                    "sequence": first + number,
                    "salt": one.content.salt,
                    "data": one.content.data,
                }
                for number, one in enumerate(batch)
            ],
        )

    def _point(self, first: int, batch: Sequence[Appended]) -> None:
        """Let the current objects be the new versions."""
        rows = {
            one.signed.statement.object: {
                "id": one.signed.statement.object,
                "kind": one.signed.statement.kind.value,
                "party": one.signed.statement.party,
                "source_id": one.source_id,
                "version": one.signed.statement.version,
                "sequence": first + number,
            }
            for number, one in enumerate(batch)
        }
        ids = list(rows)
        o = tables.current
        for start in range(0, len(ids), _PARAMETERS_MAX):
            part = ids[start : start + _PARAMETERS_MAX]
            self._connection.execute(sa.delete(o).where(o.c.id.in_(part)))
        self._connection.execute(sa.insert(o), list(rows.values()))

    def _write_tiles(self, changed: dict[tuple[int, int], bytes]) -> None:
        t = tables.tile
        for (level, number), hashes in changed.items():
            self._connection.execute(sa.delete(t).where(t.c.level == level, t.c.number == number))
            self._connection.execute(sa.insert(t).values(level=level, number=number, hashes=hashes))


class Store:
    """Where one theatre's record is kept.

    Args:
        path: An SQLite file.
        create: The theatre to begin there, if the file is to be made.

    Raises:
        NotFound: No such file.
        Unavailable: Damaged, not ours, or of a newer version.
    """

    def __init__(self, path: Path, *, create: str | None = None) -> None:
        self._database = Database(path, create=create is not None)
        if create is not None:
            with self.appending() as record:
                record.begin(create)

    @contextmanager
    def reading(self) -> Iterator[Record]:
        """One state of the record."""
        with self._database.reading() as connection:
            yield Record(connection)

    @contextmanager
    def appending(self) -> Iterator[Appender]:
        """The record, held for writing; on disk when the block ends."""
        with self._database.writing() as connection:
            yield Appender(connection)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _raw(value: Any) -> bytes:
    """A column's bytes; SQLite gives text where somebody put text."""
    return value.encode() if isinstance(value, str) else bytes(value)


def _stored_query() -> sa.Select[*tuple[Any, ...]]:
    o, c = tables.current, tables.content
    return sa.select(o, c.c.data).select_from(o.outerjoin(c, o.c.sequence == c.c.sequence))


def _stored(row: sa.Row[*tuple[Any, ...]]) -> Stored:
    return Stored(
        object_id=row.id,
        kind=EntryKind(row.kind),
        party=row.party,
        source_id=row.source_id,
        version=row.version,
        sequence=row.sequence,
        data=None if row.data is None else _raw(row.data),
    )
