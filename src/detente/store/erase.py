"""Erasing an object's content, in the transaction that appends the erasure.

What says anything of an object stands in ``content``, by entry, in ``object``, its name,
in ``gathered`` (nothing, where it is over), and in ``idempotency``: a hash of the request in
which it came, by which whoever guesses the request would know. All other tables say who
was told of it, not what; docs/adr/0019 has the list.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from detente.store import tables

NAMED_BY = ("object_name", "object_source_id")
"""Indexes that hold names. SQLite leaves copies of what it moves between pages of an index,
so they are drawn anew; PostgreSQL's VACUUM is for after the commit (``Store.scrub``)."""


class WriteErasure:
    """Erases, in a transaction that holds the head."""

    _connection: sa.Connection

    def erase(self, object_ids: Sequence[str]) -> None:
        """Destroy salt and object of all versions of some objects, and their names."""
        if not object_ids:
            return
        kind = self._connection.dialect.name
        for object_id in object_ids:
            self._connection.execute(_ERASE_CONTENT, {"object": object_id})
            self._connection.execute(_ERASE_GATHERED, {"object": object_id})
            self._connection.execute(_ERASE_NAME, {"object": object_id})
            given = {"id": object_id.encode(), "none": bytes(32)}
            self._connection.execute(_ERASE_DIGESTS[kind], given)
        if kind == "sqlite":
            for index in NAMED_BY:
                self._connection.exec_driver_sql(f"REINDEX {index}")


_ERASE_CONTENT = sa.delete(tables.content).where(
    tables.content.c.sequence.in_(
        sa.select(tables.entry.c.sequence).where(tables.entry.c.object == sa.bindparam("object"))
    )
)
_ERASE_GATHERED = sa.delete(tables.gathered).where(
    tables.gathered.c.sequence.in_(
        sa.select(tables.entry.c.sequence).where(tables.entry.c.object == sa.bindparam("object"))
    )
)
# The answers stay: whoever asks again with such a key is refused, and nothing is done twice.
_ERASE_DIGESTS = {
    kind: sa.text(f"UPDATE idempotency SET digest = :none WHERE {holds}")  # noqa: S608 - ours
    for kind, holds in (
        ("sqlite", "instr(body, :id) > 0"),
        ("postgresql", "position(CAST(:id AS bytea) IN body) > 0"),
    )
}
_ERASE_NAME = (
    sa.update(tables.current)
    .where(tables.current.c.id == sa.bindparam("object"))
    .values(source_id="", ended=True)
)
