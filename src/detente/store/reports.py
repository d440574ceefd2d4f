"""What decides who may see reports, and since when: as detente.node.taxii asks the record."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from detente.core.entry import EntryKind
from detente.store import tables

DECIDING = (
    EntryKind.REPORT,
    EntryKind.AGREEMENT,
    EntryKind.PARTY,
    EntryKind.RELEASE_REQUEST,
    EntryKind.RELEASE_DECISION,
    EntryKind.ERASURE,
)
"""Kinds of entries by which a report comes to be seen by somebody, or no longer."""

_PAGE_ROWS = 500
_PARAMETERS_MAX = 500
"""Values in one IN (...): below the 999 of older SQLite builds."""


class DecidingRow(Struct, frozen=True, kw_only=True):
    """An entry that decides who sees reports; ``data`` is None where it was erased."""

    sequence: int
    kind: EntryKind
    party: str
    object_id: str
    version: int
    received_us: int
    data: bytes | None


class ReadReports:
    """What decides who sees reports, as a transaction sees it."""

    _connection: sa.Connection

    def deciding(self, first: int, end: int) -> Iterator[DecidingRow]:
        """Entries of DECIDING from ``first`` to before ``end``, in order.

        From the beginning they are found by their objects: the record may be mostly of
        other things. Of what came since, the end of the record is read.
        """
        query = _FROM_OBJECTS if first == 0 else _FROM_ENTRIES
        given = {"first": first, "end": end, "kinds": [kind.value for kind in DECIDING]}
        options = {"yield_per": _PAGE_ROWS}
        with self._connection.execute(query, given, execution_options=options) as result:
            for row in result:
                yield DecidingRow(
                    sequence=int(row.sequence),
                    kind=EntryKind(row.kind),
                    party=row.party,
                    object_id=row.object,
                    version=int(row.version),
                    received_us=int(row.received_us),
                    data=None if row.data is None else bytes(row.data),
                )

    def said(self, sequences: Sequence[int]) -> dict[int, bytes]:
        """What these entries say; those that were erased are left out."""
        found = {}
        for start in range(0, len(sequences), _PARAMETERS_MAX):
            part = list(sequences[start : start + _PARAMETERS_MAX])
            for row in self._connection.execute(_SAID, {"sequences": part}):
                found[int(row.sequence)] = bytes(row.data)
        return found


_e, _c, _o = tables.entry, tables.content, tables.current


def _deciding(source: sa.FromClause, kind: sa.ColumnElement[Any]) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            _e.c.sequence,
            _e.c.kind,
            _e.c.party,
            _e.c.object,
            _e.c.version,
            _e.c.received_us,
            _c.c.data,
        )
        .select_from(source)
        .where(
            kind.in_(sa.bindparam("kinds", expanding=True)),
            _e.c.sequence >= sa.bindparam("first"),
            _e.c.sequence < sa.bindparam("end"),
        )
        .order_by(_e.c.sequence)
    )


_FROM_ENTRIES = _deciding(_e.outerjoin(_c, _c.c.sequence == _e.c.sequence), _e.c.kind)
_FROM_OBJECTS = _deciding(
    _o.join(_e, _e.c.object == _o.c.id).outerjoin(_c, _c.c.sequence == _e.c.sequence), _o.c.kind
)
_SAID = sa.select(_c.c.sequence, _c.c.data).where(
    _c.c.sequence.in_(sa.bindparam("sequences", expanding=True))
)
