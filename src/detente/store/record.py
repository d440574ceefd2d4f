"""The record and the current objects, read in one state.

``Record`` reads; detente.store.append adds to it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec import Struct, json

from detente.core.entry import ChainHead, EntryKind, Signed, unseal
from detente.core.tiles import prove_inclusion
from detente.errors import LogInconsistent, NotFound, Unavailable
from detente.store import tables
from detente.store.beside import ReadBeside
from detente.store.mirror import ReadMirror
from detente.store.reports import ReadReports
from detente.store.shown import ReadShown
from detente.store.telling import ReadTelling
from detente.store.witness import ReadWitness

PAGE_ROWS = 5_000
"""Rows fetched at a time: some 5 MB of entries."""

GATHERED_PAGE_ROWS = 500
"""Of what was gathered: as much as stays in the processor's cache; ten times as many took
twice as long."""

CALLED_MAX = 20
"""Objects named where a name is not unique: enough to choose from."""

_PARAMETERS_MAX = 500
"""Values in one IN (...): below the 999 of older SQLite builds."""

_PREFIX = re.compile(r"[0-9a-f]{6,32}")
"""What may stand for an id that begins so. Among 10,000 objects, the odds that two share
six digits are two to one; a shorter one would mostly be somebody's own name."""

_AFTER_ANY_DIGIT = "g"
"""Comes after every hex digit, so that what begins with ``x`` is from ``x`` to ``xg``."""


Name = tuple[EntryKind, str, str]
"""Kind, party, and what the party calls it."""


class Stored(Struct, frozen=True, kw_only=True, gc=False):
    """The current version of an object.

    ``data`` and ``salt`` are None where it was erased; what has ``ended`` gives
    its name free. ``leaf`` is the hash of the entry that made it so, ``received_us``
    when the node took that in, microseconds since 1970 UTC.
    """

    object_id: str
    kind: EntryKind
    party: str
    source_id: str
    version: int
    sequence: int
    ended: bool
    leaf: bytes
    received_us: int
    salt: bytes | None
    data: bytes | None


class Content(Struct, frozen=True, kw_only=True, gc=False):
    """What a commitment covers: the object's canonical bytes and the salt."""

    salt: bytes
    data: bytes


class Said(Struct, frozen=True, kw_only=True, gc=False):
    """One version of an object: entry ``sequence`` said it, taken in at ``received_us``.

    ``data`` is None where it was erased.
    """

    object_id: str
    kind: EntryKind
    version: int
    sequence: int
    received_us: int
    data: bytes | None


class Uttered(NamedTuple):
    """One version of an object, as it stands in the record."""

    sequence: int
    object_id: str
    version: int
    leaf: bytes
    salt: bytes
    data: bytes


GatheredRow = tuple[int, str, bytes, bytes]
"""Sequence, object, group, numbers."""


class Record(ReadBeside, ReadTelling, ReadWitness, ReadMirror, ReadReports, ReadShown):
    """One state of the record, as a transaction sees it."""

    def head(self) -> tuple[str, int, bytes]:
        """Theatre, number of entries, root.

        Raises:
            LogInconsistent: There is no head.
        """
        row = self._head_row
        return str(row.theatre), int(row.size), _raw(row.root)

    def overspent(self) -> int:
        """How often somebody went past a budget, ever: the same number, the same ``spent``."""
        return int(self._head_row.overspent)

    @cached_property
    def _head_row(self) -> sa.Row[*tuple[Any, ...]]:
        """Asked once: a transaction sees one state, and whoever writes alone moves it."""
        row = self._connection.execute(_HEAD).one_or_none()
        if row is None:
            raise LogInconsistent(
                "head of the record", expected="one; `detente init` founds it", got="none"
            )
        return row

    def tile(self, level: int, number: int) -> bytes:
        """The hashes of a tile.

        Raises:
            LogInconsistent: There is no such tile.
        """
        found = self._connection.execute(_TILE, {"level": level, "number": number}).scalar()
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
        found = self._connection.execute(_ENVELOPE, {"sequence": sequence}).scalar()
        if found is None:
            raise NotFound(f"entry {sequence}")
        return unseal(_raw(found))

    def envelopes(self, first: int, end: int) -> list[bytes]:
        """The bytes of entries from ``first`` to before ``end``, in order.

        Raises:
            LogInconsistent: One of them is not there.
        """
        found = self._connection.execute(_ENVELOPES, {"first": first, "end": end}).scalars()
        envelopes = [_raw(one) for one in found]
        if len(envelopes) != end - first:
            raise LogInconsistent(
                f"entries {first} to {end - 1}", expected="all", got=f"{len(envelopes)}"
            )
        return envelopes

    def rows(self, first: int = 0) -> Iterator[tuple[int, bytes, bytes, Content | None]]:
        """Sequence, leaf hash, envelope and content of entries, in order, a page at a time.

        The content is None where it was erased.
        """
        with self._paged(_ROWS, {"first": first}) as result:
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
        return int(self._connection.execute(_RECEIVED, {"sequence": sequence}).scalar_one())

    def content(self, sequence: int) -> Content | None:
        """What an entry commits to; None if erased."""
        row = self._connection.execute(_CONTENT, {"sequence": sequence}).one_or_none()
        return None if row is None else Content(salt=_raw(row.salt), data=_raw(row.data))

    def chain_head(self, chain: str) -> ChainHead | None:
        """The last entry of a chain: a party's, or the node's for what it attests."""
        row = self._connection.execute(_CHAIN_HEAD, {"chain": chain}).one_or_none()
        if row is None:
            return None
        return ChainHead(party_sequence=int(row.party_sequence), leaf=_raw(row.leaf))

    def identified(self, object_ids: Sequence[str]) -> dict[str, Stored]:
        """Current objects by their ids."""
        found = {}
        for start in range(0, len(object_ids), _PARAMETERS_MAX):
            part = object_ids[start : start + _PARAMETERS_MAX]
            for row in self._connection.execute(_IDENTIFIED, {"ids": part}):
                found[row.id] = _stored(row)
        return found

    def named(self, kind: EntryKind, party: str, source_ids: Sequence[str]) -> dict[str, Stored]:
        """A party's objects of a kind that have not ended, by the ids that it gave them."""
        found = {}
        for start in range(0, len(source_ids), _PARAMETERS_MAX):
            part = source_ids[start : start + _PARAMETERS_MAX]
            given = {"kind": kind.value, "party": party, "names": part}
            for row in self._connection.execute(_NAMED, given):
                found[row.source_id] = _stored(row)
        return found

    def bearers(self, names: Collection[Name]) -> dict[Name, str]:
        """The ids of the objects that bear these names and have not ended, asked at once."""
        if not names:
            return {}
        asked = [(kind.value, party, name) for kind, party, name in names]
        if self._connection.dialect.name == "postgresql":
            columns = tuple(list(column) for column in zip(*asked, strict=True))
            found = self._connection.exec_driver_sql(_BEARERS_OF_ARRAYS, columns)
        else:
            rows = json.encode(asked).decode()
            found = self._connection.exec_driver_sql(_BEARERS_OF_JSON, (rows,))
        return {(EntryKind(row.kind), row.party, row.source_id): row.id for row in found}

    def objects(
        self,
        *kinds: EntryKind,
        party: str | None = None,
        after: int = -1,
        limit: int | None = None,
        ended: bool | None = None,
    ) -> Iterator[Stored]:
        """Current objects, in the order of the record.

        An object that changes moves to the end, so whoever asks for a page
        ``after`` the last sequence number that he has sees each change, and
        misses nothing whatever happens between two pages.

        Args:
            kinds: Only these; none means all.
            party: Only this party's.
            after: Only those whose current version is a later entry than this one.
            limit: At most so many.
            ended: Only those that have ended, or have not; None means both.
        """
        o = tables.current
        query = _STORED.where(o.c.sequence > after).order_by(o.c.sequence)
        if kinds:
            query = query.where(o.c.kind.in_([kind.value for kind in kinds]))
        if party is not None:
            query = query.where(o.c.party == party)
        if ended is not None:
            query = query.where(o.c.ended if ended else tables.STANDING)
        if limit is not None:
            query = query.limit(limit)
        with self._paged(query, {}) as result:
            for row in result:
                yield _stored(row)

    def gathered(self) -> Iterator[list[GatheredRow]]:
        """All that was gathered, in the order of the record, by pages.

        Raises:
            Unavailable: It could not be read.
        """
        # As the driver has them: a start reads all there are.
        raw: Any = self._connection.connection.dbapi_connection
        failure: Any = self._connection.dialect.dbapi
        server_side = self._connection.dialect.name == "postgresql"
        try:
            with closing(raw.cursor("gathered") if server_side else raw.cursor()) as cursor:
                cursor.execute(_GATHERED)
                while rows := cursor.fetchmany(GATHERED_PAGE_ROWS):
                    yield rows
        except failure.Error as error:
            raise Unavailable("register", expected="what is gathered", got=f"{error}") from error

    def ungathered(self, *kinds: EntryKind) -> list[int]:
        """Where the current objects of some kinds are that were not gathered."""
        given = {"kinds": [kind.value for kind in kinds]}
        return [int(one) for one in self._connection.execute(_UNGATHERED, given).scalars()]

    def count(self, *kinds: EntryKind) -> int:
        """How many current objects of some kinds there are."""
        given = {"kinds": [kind.value for kind in kinds]}
        return int(self._connection.execute(_COUNT, given).scalar_one())

    def current_at(self, sequences: Sequence[int]) -> Iterator[Stored]:
        """Objects whose current version is at one of these sequence numbers."""
        for start in range(0, len(sequences), _PARAMETERS_MAX):
            part = list(sequences[start : start + _PARAMETERS_MAX])
            for row in self._connection.execute(_CURRENT_AT, {"sequences": part}):
                yield _stored(row)

    def uttered(self, sequences: Sequence[int]) -> Iterator[Uttered]:
        """What stands at some sequence numbers, in any order, and is not erased."""
        for start in range(0, len(sequences), _PARAMETERS_MAX):
            part = list(sequences[start : start + _PARAMETERS_MAX])
            for row in self._connection.execute(_SAID, {"sequences": part}):
                yield Uttered(*row)

    def called(self, name: str) -> list[Stored]:
        """Current objects whose id begins with ``name``, or whose author calls them so.

        Those that have not ended come first.
        """
        o = tables.current
        queries = [_STORED.where(o.c.source_id == name)]
        prefix = name.lower()
        if _PREFIX.fullmatch(prefix):
            queries.append(_STORED.where(o.c.id >= prefix, o.c.id < prefix + _AFTER_ANY_DIGIT))
        found = {
            row.id: _stored(row)
            for query in queries
            for row in self._connection.execute(
                query.order_by(o.c.ended, o.c.sequence).limit(CALLED_MAX)
            )
        }
        return sorted(found.values(), key=lambda one: (one.ended, one.sequence))[:CALLED_MAX]

    def object_of(self, leaf: bytes) -> str | None:
        """The object of which the entry with this leaf hash is a version; None if there is none."""
        found = self._connection.execute(_OBJECT_OF, {"leaf": leaf}).scalar()
        return None if found is None else str(found)

    def sequence_of(self, leaf: bytes) -> int | None:
        """Where the entry with this leaf hash is; None if it is not."""
        found = self._connection.execute(_SEQUENCE_OF, {"leaf": leaf}).scalar()
        return None if found is None else int(found)

    def history(self, object_id: str) -> list[int]:
        """Sequence numbers of all versions of an object, oldest first."""
        found = self._connection.execute(_HISTORY, {"object": object_id})
        return [int(sequence) for sequence in found.scalars()]

    def versions(self, *kinds: EntryKind) -> Iterator[Said]:
        """All versions of all objects of some kinds, in the order of the record."""
        with self._paged(_VERSIONS, {"kinds": [kind.value for kind in kinds]}) as result:
            for row in result:
                yield Said(
                    object_id=row.object,
                    kind=EntryKind(row.kind),
                    version=int(row.version),
                    sequence=int(row.sequence),
                    received_us=int(row.received_us),
                    data=None if row.data is None else _raw(row.data),
                )

    def _paged(
        self, query: sa.Select[*tuple[Any, ...]], given: dict[str, Any]
    ) -> sa.CursorResult[*tuple[Any, ...]]:
        """A result whose rows are fetched as they are asked for; for this statement alone."""
        return self._connection.execute(query, given, execution_options={"yield_per": PAGE_ROWS})


def _raw(value: Any) -> bytes:
    """A column's bytes; SQLite gives text where somebody put text."""
    if type(value) is bytes:
        return value
    return value.encode() if isinstance(value, str) else bytes(value)


_KINDS = {kind.value: kind for kind in EntryKind}


def _stored(row: sa.Row[*tuple[Any, ...]]) -> Stored:
    """An object of a row of _STORED; taken apart by place, since a start reads all there are."""
    object_id, kind, party, source_id, version, sequence, ended, leaf, received, salt, data = row
    return Stored(
        object_id=object_id,
        kind=_KINDS[kind],
        party=party,
        source_id=source_id,
        version=version,
        sequence=sequence,
        ended=ended,
        leaf=_raw(leaf),
        received_us=received,
        salt=None if salt is None else _raw(salt),
        data=None if data is None else _raw(data),
    )


# Statements are built once: building one takes longer than SQLite takes to answer it.
_entry, _content, _current, _tile = (
    tables.entry.c,
    tables.content.c,
    tables.current.c,
    tables.tile.c,
)

_HEAD = sa.select(tables.head)
_TILE = sa.select(_tile.hashes).where(
    _tile.level == sa.bindparam("level"), _tile.number == sa.bindparam("number")
)
_ENVELOPE = sa.select(_entry.envelope).where(_entry.sequence == sa.bindparam("sequence"))
_ENVELOPES = (
    sa.select(_entry.envelope)
    .where(_entry.sequence >= sa.bindparam("first"), _entry.sequence < sa.bindparam("end"))
    .order_by(_entry.sequence)
)
_ROWS = (
    sa.select(_entry.sequence, _entry.leaf, _entry.envelope, _content.salt, _content.data)
    .select_from(tables.entry.outerjoin(tables.content, _entry.sequence == _content.sequence))
    .where(_entry.sequence >= sa.bindparam("first"))
    .order_by(_entry.sequence)
)
_VERSIONS = (
    sa.select(
        _entry.sequence,
        _entry.object,
        _entry.kind,
        _entry.version,
        _entry.received_us,
        _content.data,
    )
    .select_from(tables.entry.outerjoin(tables.content, _entry.sequence == _content.sequence))
    .where(_entry.kind.in_(sa.bindparam("kinds", expanding=True)))
    .order_by(_entry.sequence)
)
_GATHERED = "SELECT sequence, object, grouping, numbers FROM gathered ORDER BY sequence"
_KINDS_OF: sa.BindParameter[str] = sa.bindparam("kinds", expanding=True)
_UNGATHERED = (
    sa.select(_current.sequence)
    .select_from(
        tables.current.outerjoin(tables.gathered, _current.sequence == tables.gathered.c.sequence)
    )
    .where(_current.kind.in_(_KINDS_OF), tables.gathered.c.sequence.is_(None))
)
_COUNT = sa.select(sa.func.count()).select_from(tables.current).where(_current.kind.in_(_KINDS_OF))
_SAID = (
    sa.select(
        _entry.sequence,
        _entry.object,
        _entry.version,
        _entry.leaf,
        _content.salt,
        _content.data,
    )
    .select_from(tables.entry.join(tables.content, _entry.sequence == _content.sequence))
    .where(_entry.sequence.in_(sa.bindparam("sequences", expanding=True)))
)
_RECEIVED = sa.select(_entry.received_us).where(_entry.sequence == sa.bindparam("sequence"))
_CONTENT = sa.select(tables.content).where(_content.sequence == sa.bindparam("sequence"))
_CHAIN_HEAD = (
    sa.select(_entry.party_sequence, _entry.leaf)
    .where(_entry.chain == sa.bindparam("chain"))
    .order_by(_entry.party_sequence.desc())
    .limit(1)
)
_STORED = sa.select(
    tables.current, _entry.leaf, _entry.received_us, _content.salt, _content.data
).select_from(
    tables.current.join(tables.entry, _current.sequence == _entry.sequence).outerjoin(
        tables.content, _current.sequence == _content.sequence
    )
)
_OBJECT_OF = sa.select(_entry.object).where(_entry.leaf == sa.bindparam("leaf")).limit(1)
_SEQUENCE_OF = sa.select(_entry.sequence).where(_entry.leaf == sa.bindparam("leaf")).limit(1)
_IDENTIFIED = _STORED.where(_current.id.in_(sa.bindparam("ids", expanding=True)))
_CURRENT_AT = _STORED.where(_current.sequence.in_(sa.bindparam("sequences", expanding=True)))
_NAMED = _STORED.where(
    _current.kind == sa.bindparam("kind"),
    _current.party == sa.bindparam("party"),
    _current.source_id.in_(sa.bindparam("names", expanding=True)),
    tables.STANDING,
)
# Rows to look up come as one parameter: a list of parameters would be a new statement each
# time, and a statement a party would be a round trip each while the head is held.
_BEARERS_OF_JSON = (
    "SELECT o.kind, o.party, o.source_id, o.id FROM json_each(?) w JOIN object o"
    " ON o.kind = json_extract(w.value, '$[0]') AND o.party = json_extract(w.value, '$[1]')"
    " AND o.source_id = json_extract(w.value, '$[2]') WHERE NOT o.ended"
)
# By the name alone: PostgreSQL may think of a party that is new, or of a kind, that it has few
# objects, and read all of them for each name.
_BEARERS_OF_ARRAYS = (
    "SELECT o.kind, o.party, o.source_id, o.id"
    " FROM unnest(%b::text[], %b::text[], %b::text[]) w(kind, party, name)"
    " JOIN object o ON o.kind || '' = w.kind AND o.party || '' = w.party AND o.source_id = w.name"
    " WHERE NOT o.ended"
)
_HISTORY = (
    sa.select(_entry.sequence)
    .where(_entry.object == sa.bindparam("object"))
    .order_by(_entry.version)
)
