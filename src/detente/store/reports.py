"""What decides who may see reports, and since when: as detente.node.taxii asks the record."""

from collections.abc import Iterator

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

_PARAMETERS_MAX = 500
"""Values in one IN (...): below the 999 of older SQLite builds."""


_KIND_OF = {kind.value: kind for kind in DECIDING}


class DecidingRow(Struct, frozen=True, kw_only=True, gc=False):
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
        given = {"first": first, "end": end, "kinds": [kind.value for kind in DECIDING]}
        wanted = _BY_OBJECTS if first == 0 else _BY_ENTRIES
        sequences = list(self._connection.execute(wanted, given).scalars())
        for start in range(0, len(sequences), _PARAMETERS_MAX):
            part = sequences[start : start + _PARAMETERS_MAX]
            # Taken apart in their order, and all at once: there are as many as reports.
            for (
                sequence,
                kind,
                party,
                object_id,
                version,
                received_us,
                data,
            ) in self._connection.execute(_DECIDING, {"sequences": part}).all():
                yield DecidingRow(
                    sequence=sequence,
                    kind=_KIND_OF[kind],
                    party=party,
                    object_id=object_id,
                    version=version,
                    received_us=received_us,
                    data=data,
                )

    def reported(self, after: int) -> Iterator[tuple[str, bytes]]:
        """Whose, and what it says, of each report whose current version is a later entry."""
        given = {"kind": EntryKind.REPORT.value, "after": after}
        by_pages = {"yield_per": _PARAMETERS_MAX}
        with self._connection.execute(_REPORTED, given, execution_options=by_pages) as result:
            for party, data in result:  # noqa: UP028 - its rows are no tuples
                yield party, data


_e, _c, _o = tables.entry, tables.content, tables.current


_IN_ORDER = (
    sa.select(_e.c.sequence)
    .where(_e.c.sequence >= sa.bindparam("first"), _e.c.sequence < sa.bindparam("end"))
    .order_by(_e.c.sequence)
)
_KINDS: sa.BindParameter[str] = sa.bindparam("kinds", expanding=True)
_BY_ENTRIES = _IN_ORDER.where(_e.c.kind.in_(_KINDS))
# Numbers alone, so that no objects are sorted.
_BY_OBJECTS = _IN_ORDER.select_from(_o.join(_e, _e.c.object == _o.c.id)).where(
    _o.c.kind.in_(_KINDS)
)
_REPORTED = (
    sa.select(_o.c.party, _c.c.data)
    .select_from(_o.join(_c, _c.c.sequence == _o.c.sequence))
    .where(_o.c.kind == sa.bindparam("kind"), _o.c.sequence > sa.bindparam("after"))
)
_DECIDING = (
    sa.select(
        _e.c.sequence,
        _e.c.kind,
        _e.c.party,
        _e.c.object,
        _e.c.version,
        _e.c.received_us,
        _c.c.data,
    )
    .select_from(_e.outerjoin(_c, _c.c.sequence == _e.c.sequence))
    .where(_e.c.sequence.in_(sa.bindparam("sequences", expanding=True)))
    .order_by(_e.c.sequence)
)
