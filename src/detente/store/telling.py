"""What telling asks of the record, and what it keeps beside it.

``disclosed`` and ``acknowledged`` are drawn from entries of the record, and written
in the same transactions or after them; ``cursor`` and ``lease`` say how far others
were told and by which process.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec import Struct, json, structs

from detente.core.entry import EntryKind
from detente.store import tables

_PARAMETERS_MAX = 500
"""Values in one IN (...): below the 999 of older SQLite builds."""

_ROWS_AT_ONCE = 50
"""Rows fetched at a time: each may hold an object of megabytes, and its former version."""


class EntryRow(Struct, frozen=True, kw_only=True):
    """An entry with what it commits to, and what its object was before.

    ``salt`` and ``data`` are None where they were erased; ``former`` is the data of
    the version before, None where there is none or it was erased.
    """

    sequence: int
    leaf: bytes
    party: str
    kind: EntryKind
    object_id: str
    version: int
    received_us: int
    salt: bytes | None
    data: bytes | None
    former: bytes | None


class SubscriptionRow(Struct, frozen=True, kw_only=True):
    """A subscription that has not ended; ``since`` is the entry that first made it."""

    object_id: str
    party: str
    version: int
    since: int
    data: bytes | None


class Told(Struct, frozen=True, kw_only=True):
    """That a party was shown an entry: when first, and how much of it."""

    sequence: int
    party: str
    extent: int
    at_us: int


class AcknowledgedRow(Struct, frozen=True, kw_only=True):
    """That a party acknowledged an entry; ``destination`` is to whom it passed it on."""

    sequence: int
    party: str
    level: str
    destination: str
    at_us: int


class Owed(Struct, frozen=True, kw_only=True):
    """That a subscription by F3548 had to be told of an entry.

    ``subscription`` is its object id, ``told`` its notification index after it.
    """

    sequence: int
    subscription: str
    party: str
    told: int


class Cursor(Struct, frozen=True, kw_only=True):
    """How far a subscription was told, and how delivery to it goes.

    Attributes:
        sequence: The last entry that was delivered or need not be.
        attempts: That failed since the last one that did not.
        next_us: Not before this time, microseconds since 1970 UTC.
        failing_since_us: Since when they fail.
    """

    sequence: int
    attempts: int = 0
    next_us: int = 0
    failing_since_us: int | None = None


class ReadTelling:
    """What was told, as a transaction sees it."""

    _connection: sa.Connection

    def entry_rows(self, first: int, end: int, *, bytes_max: int) -> tuple[list[EntryRow], int]:
        """Entries from ``first`` to before ``end`` that may be told, and how far they go.

        Deliveries are left out: to tell of them would make more of them.

        Args:
            first: Sequence number.
            end: The first that is not wanted.
            bytes_max: No further row is read once the objects read hold more.

        Returns:
            The rows, in order, and the sequence number with which to go on.
        """
        found: list[EntryRow] = []
        size = 0
        given = {"first": first, "end": end}
        options = {"yield_per": _ROWS_AT_ONCE}
        with self._connection.execute(_ENTRIES, given, execution_options=options) as result:
            for row in result:
                found.append(_entry_row(row))
                size += len(row.data or b"") + len(row.former or b"")
                if size > bytes_max:
                    return found, int(row.sequence) + 1
        return found, end

    def leaves(self, sequences: Sequence[int]) -> dict[int, bytes]:
        """Leaf hashes of entries."""
        rows = self._of(_LEAVES, sequences)
        return {sequence: bytes(leaf) for sequence, leaf in rows}

    def entries_of(self, leaves: Sequence[bytes]) -> dict[bytes, tuple[int, str]]:
        """Sequence number and object of the entries that have these leaf hashes."""
        rows = self._in(_BY_LEAF, "leaves", leaves)
        return {bytes(row.leaf): (int(row.sequence), str(row.object)) for row in rows}

    def extents(self, party: str, sequences: Sequence[int]) -> dict[int, int]:
        """How much of these entries a party was shown; those of which nothing are left out."""
        rows = self._of(_EXTENTS, sequences, party)
        return {sequence: extent for sequence, extent in rows}  # noqa: C416 - it has ``keys``

    def told(self, sequences: Sequence[int]) -> list[Told]:
        """Who was shown these entries."""
        return [
            Told(sequence=row.sequence, party=row.party, extent=row.extent, at_us=row.at_us)
            for row in self._in(_TOLD, "sequences", sequences)
        ]

    def acknowledgements(self, sequences: Sequence[int]) -> list[AcknowledgedRow]:
        """Who acknowledged these entries."""
        return [
            AcknowledgedRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
            for row in self._in(_ACKNOWLEDGED, "sequences", sequences)
        ]

    def last_told(self, party: str) -> int | None:
        """When a party was last shown anything, microseconds."""
        return self._time(_LAST_TOLD, party=party)

    def last_acknowledged(self, party: str) -> int | None:
        """When a party last acknowledged anything, microseconds."""
        return self._time(_LAST_ACKNOWLEDGED, party=party)

    def first_told_after(self, party: str, after_us: int, kinds: Iterable[EntryKind]) -> int | None:
        """When a party was first shown something of these kinds after a time, microseconds."""
        names = [kind.value for kind in kinds]
        return self._time(_FIRST_TOLD, party=party, after_us=after_us, kinds=names)

    def subscriptions(self) -> list[SubscriptionRow]:
        """All subscriptions that have not ended."""
        return [
            SubscriptionRow(
                object_id=row.id,
                party=row.party,
                version=row.version,
                since=row.since,
                data=None if row.data is None else bytes(row.data),
            )
            for row in self._connection.execute(_SUBSCRIPTIONS)
        ]

    def subscription_count(self, party: str) -> int:
        """How many subscriptions of a party have not ended."""
        return int(self._connection.execute(_SUBSCRIPTION_COUNT, {"party": party}).scalar_one())

    def cursor(self, name: str) -> Cursor | None:
        """One cursor."""
        row = self._connection.execute(_CURSOR, {"name": name}).one_or_none()
        return None if row is None else _cursor(row)

    def cursors(self) -> dict[str, Cursor]:
        """All cursors, by subscription."""
        rows = self._connection.execute(_CURSORS)
        return {row.subscription: _cursor(row) for row in rows}

    def lease(self, name: str) -> tuple[str, int] | None:
        """Who holds a lease, and how often it has said so; None where nobody ever did."""
        row = self._connection.execute(_LEASE, {"name": name}).one_or_none()
        return None if row is None else (str(row.holder), int(row.beat))

    def owed(self, first: int, end: int) -> list[Owed]:
        """What was owed for entries from ``first`` to before ``end``, in order."""
        return _owed(self._connection.execute(_OWED, {"first": first, "end": end}))

    def next_owed(self, party: str, after: int, upto: int) -> list[Owed]:
        """What was owed to a party for the first entry after one, up to another."""
        given = {"party": party, "after": after, "upto": upto}
        return _owed(self._connection.execute(_NEXT_OWED, given))

    def last_owed(self) -> int:
        """The last entry of which a peer had to be told; -1 where there is none."""
        return int(self._connection.execute(_LAST_OWED).scalar_one())

    def _in(
        self, query: sa.Select[*tuple[Any, ...]], name: str, values: Sequence[Any], **given: Any
    ) -> Iterator[sa.Row[*tuple[Any, ...]]]:
        """The rows of a query with an IN (...), so many values at a time."""
        for start in range(0, len(values), _PARAMETERS_MAX):
            part = values[start : start + _PARAMETERS_MAX]
            yield from self._connection.execute(query, {name: part, **given})

    def _of(
        self, query: "_Query", sequences: Sequence[int], *given: str
    ) -> Iterable[tuple[int, Any]]:
        """What a query says of sequence numbers: a map of the world shows 100,000 at once."""
        if self._connection.dialect.name == "postgresql":
            return self._connection.exec_driver_sql(query.of_array, (list(sequences), *given))
        which = json.encode(sequences).decode()
        return self._connection.exec_driver_sql(query.of_json, (which, *given))

    def _time(self, query: sa.Select[*tuple[Any, ...]], **given: Any) -> int | None:
        found = self._connection.execute(query, given).scalar()
        return None if found is None else int(found)


class WriteTelling:
    """What telling keeps, in a transaction that may write."""

    _connection: sa.Connection

    def disclose(self, party: str, extents: Mapping[int, int], *, at_us: int) -> None:
        """Keep that a party was shown so much of these entries; the first time stays."""
        if self._connection.dialect.name == "postgresql":
            columns = party, at_us, list(extents), list(extents.values())
            self._connection.exec_driver_sql(_DISCLOSE_ARRAYS, columns)
            return
        for extent in set(extents.values()):
            which = json.encode([one for one, so in extents.items() if so == extent]).decode()
            self._connection.exec_driver_sql(_DISCLOSE_JSON, (party, extent, at_us, which))

    def acknowledge(self, rows: Iterable[AcknowledgedRow]) -> None:
        """Keep acknowledgements; the first time stays."""
        self._many(
            _ACKNOWLEDGE,
            [
                {
                    "sequence": row.sequence,
                    "party": row.party,
                    "level": row.level,
                    "destination": row.destination,
                    "at_us": row.at_us,
                }
                for row in rows
            ],
        )

    def put_cursors(self, cursors: Mapping[str, Cursor]) -> None:
        """Keep how far subscriptions were told."""
        self._many(
            _PUT_CURSOR,
            [
                {
                    "subscription": name,
                    "sequence": one.sequence,
                    "attempts": one.attempts,
                    "next_us": one.next_us,
                    "failing_since_us": one.failing_since_us,
                }
                for name, one in cursors.items()
            ],
        )

    def drop_cursors(self, names: Iterable[str]) -> None:
        """Forget cursors."""
        self._many(_DROP_CURSOR, [{"name": name} for name in names])

    def owe(self, rows: Iterable[Owed]) -> None:
        """Keep which subscriptions had to be told of what."""
        self._many(_OWE, [structs.asdict(row) for row in rows])

    def put_lease(self, name: str, holder: str, beat: int) -> None:
        """Give a lease to a holder, or say again that it has it."""
        given = {"name": name, "holder": holder, "beat": beat}
        self._connection.execute(_PUT_LEASE, given)

    def _many(self, statement: sa.Executable, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, rows)


def _entry_row(row: sa.Row[*tuple[Any, ...]]) -> EntryRow:
    return EntryRow(
        sequence=int(row.sequence),
        leaf=bytes(row.leaf),
        party=row.party,
        kind=EntryKind(row.kind),
        object_id=row.object,
        version=int(row.version),
        received_us=int(row.received_us),
        salt=_bytes(row.salt),
        data=_bytes(row.data),
        former=_bytes(row.former),
    )


def _owed(rows: Iterable[sa.Row[*tuple[Any, ...]]]) -> list[Owed]:
    return [Owed(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def _bytes(value: bytes | memoryview | None) -> bytes | None:
    return None if value is None else bytes(value)


def _cursor(row: sa.Row[*tuple[Any, ...]]) -> Cursor:
    return Cursor(
        sequence=int(row.sequence),
        attempts=int(row.attempts),
        next_us=int(row.next_us),
        failing_since_us=None if row.failing_since_us is None else int(row.failing_since_us),
    )


def _any_of(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    return column.in_(sa.bindparam(name, expanding=True))


class _Query(NamedTuple):
    """A query of sequence numbers that come as one parameter, for SQLite and for PostgreSQL."""

    of_json: str
    of_array: str


_e, _c = tables.entry, tables.content
_before, _former = tables.entry.alias("before"), tables.content.alias("former")
_o, _d, _a, _k = tables.current, tables.disclosed, tables.acknowledged, tables.cursor

_ENTRIES = (
    sa.select(
        _e.c.sequence,
        _e.c.leaf,
        _e.c.party,
        _e.c.kind,
        _e.c.object,
        _e.c.version,
        _e.c.received_us,
        _c.c.salt,
        _c.c.data,
        _former.c.data.label("former"),
    )
    .select_from(
        _e.outerjoin(_c, _c.c.sequence == _e.c.sequence)
        .outerjoin(
            _before,
            sa.and_(_before.c.object == _e.c.object, _before.c.version == _e.c.version - 1),
        )
        .outerjoin(_former, _former.c.sequence == _before.c.sequence)
    )
    .where(
        _e.c.sequence >= sa.bindparam("first"),
        _e.c.sequence < sa.bindparam("end"),
        _e.c.kind != EntryKind.DELIVERY.value,
    )
    .order_by(_e.c.sequence)
)
_LEAVES = _Query(
    "SELECT e.sequence, e.leaf FROM json_each(?) w CROSS JOIN entry e ON e.sequence = w.value",
    "SELECT e.sequence, e.leaf FROM unnest(%b::int8[]) w(value)"
    " JOIN entry e ON e.sequence = w.value",
)
_BY_LEAF = sa.select(_e.c.leaf, _e.c.sequence, _e.c.object).where(_any_of(_e.c.leaf, "leaves"))
_EXTENTS = _Query(
    "SELECT d.sequence, d.extent FROM json_each(?) w CROSS JOIN disclosed d"
    " ON d.sequence = w.value AND d.party = ?",
    "SELECT d.sequence, d.extent FROM unnest(%b::int8[]) w(value) JOIN disclosed d"
    " ON d.sequence = w.value AND d.party = %s",
)
_TOLD = sa.select(_d).where(_any_of(_d.c.sequence, "sequences"))
_ACKNOWLEDGED = sa.select(_a).where(_any_of(_a.c.sequence, "sequences"))
_LAST_TOLD = sa.select(sa.func.max(_d.c.at_us)).where(_d.c.party == sa.bindparam("party"))
_LAST_ACKNOWLEDGED = sa.select(sa.func.max(_a.c.at_us)).where(_a.c.party == sa.bindparam("party"))
_FIRST_TOLD = (
    sa.select(_d.c.at_us)
    .select_from(_d.join(_e, _e.c.sequence == _d.c.sequence))
    .where(
        _d.c.party == sa.bindparam("party"),
        _d.c.at_us > sa.bindparam("after_us"),
        _any_of(_e.c.kind, "kinds"),
    )
    .order_by(_d.c.at_us)
    .limit(1)
)
_SUBSCRIPTIONS = (
    sa.select(_o.c.id, _o.c.party, _o.c.version, _e.c.sequence.label("since"), _c.c.data)
    .select_from(
        _o.join(_e, sa.and_(_e.c.object == _o.c.id, _e.c.version == 1)).outerjoin(
            _c, _c.c.sequence == _o.c.sequence
        )
    )
    .where(_o.c.kind == EntryKind.SUBSCRIPTION.value, tables.STANDING)
    .order_by(_o.c.sequence)
)
_SUBSCRIPTION_COUNT = (
    sa.select(sa.func.count())
    .select_from(_o)
    .where(
        _o.c.kind == EntryKind.SUBSCRIPTION.value,
        _o.c.party == sa.bindparam("party"),
        tables.STANDING,
    )
)
_CURSOR = sa.select(_k).where(_k.c.subscription == sa.bindparam("name"))
_CURSORS = sa.select(_k)
_LEASE = sa.select(tables.lease).where(tables.lease.c.name == sa.bindparam("name"))

_w = tables.owed
_OWED = (
    sa.select(_w)
    .where(_w.c.sequence >= sa.bindparam("first"), _w.c.sequence < sa.bindparam("end"))
    .order_by(_w.c.sequence, _w.c.subscription)
)
_NEXT_OWED = (
    sa.select(_w)
    .where(
        _w.c.party == sa.bindparam("party"),
        _w.c.sequence
        == sa.select(sa.func.min(_w.c.sequence))
        .where(
            _w.c.party == sa.bindparam("party"),
            _w.c.sequence > sa.bindparam("after"),
            _w.c.sequence <= sa.bindparam("upto"),
        )
        .scalar_subquery(),
    )
    .order_by(_w.c.subscription)
)
_LAST_OWED = sa.select(sa.func.coalesce(sa.func.max(_w.c.sequence), -1))
_OWE = sa.insert(_w)

# SQLAlchemy writes ON CONFLICT once for each database; they spell it alike.
_DISCLOSE = "INSERT INTO disclosed (sequence, party, extent, at_us)"
_ONCE = (
    " ON CONFLICT (sequence, party) DO UPDATE SET extent = excluded.extent"
    " WHERE disclosed.extent < excluded.extent"
)
# Without WHERE, SQLite reads ON CONFLICT as the ON of a join.
_DISCLOSE_JSON = f"{_DISCLOSE} SELECT value, ?, ?, ? FROM json_each(?) WHERE true{_ONCE}"  # noqa: S608
# ``%b`` is psycopg's, in the binary format.
_DISCLOSE_ARRAYS = (
    _DISCLOSE + " SELECT sequence, %s, extent, %s"  # noqa: S608 - our names
    " FROM unnest(%b::int8[], %b::int4[]) AS given (sequence, extent)" + _ONCE
)
_ACKNOWLEDGE = sa.text(
    "INSERT INTO acknowledged (sequence, party, level, destination, at_us)"
    " VALUES (:sequence, :party, :level, :destination, :at_us)"
    " ON CONFLICT (sequence, party, level, destination) DO NOTHING"
)
_PUT_CURSOR = sa.text(
    "INSERT INTO cursor (subscription, sequence, attempts, next_us, failing_since_us)"
    " VALUES (:subscription, :sequence, :attempts, :next_us, :failing_since_us)"
    " ON CONFLICT (subscription) DO UPDATE SET sequence = excluded.sequence,"
    " attempts = excluded.attempts, next_us = excluded.next_us,"
    " failing_since_us = excluded.failing_since_us"
)
_DROP_CURSOR = sa.delete(_k).where(_k.c.subscription == sa.bindparam("name"))
_PUT_LEASE = sa.text(
    "INSERT INTO lease (name, holder, beat) VALUES (:name, :holder, :beat)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, beat = excluded.beat"
)
