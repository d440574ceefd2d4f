"""What a party had been shown by a time: as detente.node.looking_back asks the record."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from detente.core.entry import EntryKind
from detente.store import tables


class ThenRow(NamedTuple):
    """A version that stood at a time.

    ``extent`` is how much of it the party was shown by now (``disclosed`` in
    detente.store.tables); None where the party said it. ``current`` is the entry of its
    object's current version.
    """

    sequence: int
    object_id: str
    version: int
    current: int
    extent: int | None


class ReadShown:
    """What a party had been shown, as a transaction sees it."""

    _connection: sa.Connection

    def standing_then(
        self,
        party: str,
        at_us: int,
        kinds: Iterable[EntryKind],
        *,
        limit: int,
        only: str | None = None,
    ) -> list[ThenRow]:
        """Versions that stood at a time and of which the party knew by then, at most so many.

        Those that it said itself, and those that it had been shown; what was erased since is
        not among them. ``only`` restricts them to one object.
        """
        given = {
            "party": party,
            "at_us": at_us,
            "kinds": [kind.value for kind in kinds],
            "limit": limit,
        }
        statements = [_SHOWN, _OWN]
        if only is not None:
            statements = [one.where(_o.c.id == only) for one in statements]
        rows = [row for one in statements for row in self._connection.execute(one, given)]
        return [ThenRow(*row) for row in rows[:limit]]


_e, _n, _o, _d, _c = (
    tables.entry,
    tables.entry.alias("later"),
    tables.current,
    tables.disclosed,
    tables.content,
)
_AT: sa.BindParameter[int] = sa.bindparam("at_us", type_=sa.BigInteger)
_PARTY: sa.BindParameter[str] = sa.bindparam("party", type_=sa.String)
_KINDS: sa.BindParameter[str] = sa.bindparam("kinds", expanding=True)
_STOOD = sa.and_(
    _e.c.received_us <= _AT,
    ~sa.exists().where(
        _n.c.object == _e.c.object, _n.c.version == _e.c.version + 1, _n.c.received_us <= _AT
    ),
)
_LIMIT: sa.BindParameter[int] = sa.bindparam("limit", type_=sa.Integer)
_COLUMNS = (_e.c.sequence, _e.c.object, _e.c.version, _o.c.sequence.label("current"))
# Found by the party: whoever sees little does not wait for what others have.
_SHOWN = (
    sa.select(*_COLUMNS, _d.c.extent)
    .select_from(
        _d.join(_e, _e.c.sequence == _d.c.sequence)
        .join(_o, _o.c.id == _e.c.object)
        .join(_c, _c.c.sequence == _e.c.sequence)
    )
    .where(_d.c.party == _PARTY, _d.c.at_us <= _AT, _e.c.kind.in_(_KINDS), _o.c.party != _PARTY)
    .where(_STOOD)
    .limit(_LIMIT)
)
_OWN = (
    sa.select(*_COLUMNS, sa.null().label("extent"))
    .select_from(_o.join(_e, _e.c.object == _o.c.id).join(_c, _c.c.sequence == _e.c.sequence))
    .where(_o.c.party == _PARTY, _o.c.kind.in_(_KINDS), _STOOD)
    .limit(_LIMIT)
)
