"""Appending to the record, in a transaction that holds its head.

An append writes the entries, what they commit to, the current objects, the
tiles of the tree and its head, or nothing (docs/rules/R-04.md). What may be
appended is decided before, by detente.node.submit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from detente.core.entry import Signed
from detente.core.ledger import owner_of
from detente.core.merkle import EMPTY_ROOT
from detente.core.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, grow, root
from detente.core.volume import microseconds
from detente.errors import Conflict
from detente.store import tables
from detente.store.beside import WriteBeside
from detente.store.record import Content, Record


class Appended(Struct, frozen=True, kw_only=True):
    """One entry to append, with what the tables need to know of it.

    Attributes:
        chain: In whose chain it is: its party's, or the node's for what that attests.
        ended: Whether the object has ended, so that its name is free again.
    """

    signed: Signed
    content: Content
    source_id: str
    received: datetime
    chain: str
    ended: bool = False


class Appender(Record, WriteBeside):
    """The record, held for writing."""

    def begin(self, theatre: str) -> None:
        """Start the record of a theatre, with no entries.

        Raises:
            Conflict: The database holds one already.
        """
        found = self._connection.execute(sa.select(tables.head.c.theatre)).scalar()
        if found is not None:
            raise Conflict("database", expected="no theatre yet", got=f"theatre {found}")
        self._connection.execute(
            sa.insert(tables.head).values(theatre=theatre, size=0, root=EMPTY_ROOT)
        )

    def append(self, entries: Iterable[Appended]) -> tuple[int, int, bytes]:
        """Append entries, in order; the caller has checked them.

        Returns:
            The first sequence number, the new size, the new root.
        """
        batch = list(entries)
        theatre, first, before = self.head()
        if not batch:
            return first, first, before
        size = first + len(batch)
        tiles = self._edge(first)
        changed = grow(lambda *at: tiles[at], first, [one.signed.leaf for one in batch])
        tiles |= changed
        new_root = root(lambda *at: tiles[at], size)
        run = self._connection.execute
        run(_INSERT_ENTRY, [_entry_row(first + n, one) for n, one in enumerate(batch)])
        run(_INSERT_CONTENT, [_content_row(first + n, one) for n, one in enumerate(batch)])
        run(_PUT_OBJECT, _object_rows(first, batch))
        run(
            _PUT_TILE,
            [
                {"level": level, "number": number, "hashes": hashes}
                for (level, number), hashes in changed.items()
            ],
        )
        run(_MOVE_HEAD, {"at": theatre, "size": size, "root": new_root})
        return first, size, new_root

    def _edge(self, size: int) -> dict[Tile, bytes]:
        """The tiles on the right edge of the tree, which is all that an append reads.

        Raises:
            LogInconsistent: One of them is not there.
        """
        wanted = []
        level = 0
        while size >> (level * TILE_HEIGHT):
            number, filled = divmod(size >> (level * TILE_HEIGHT), TILE_WIDTH)
            if filled:
                wanted.append((level, number))
            level += 1
        if not wanted:
            return {}
        found = {
            (row.level, row.number): bytes(row.hashes)
            for row in self._connection.execute(_TILES, {"places": wanted})
        }
        # The one that reads a single tile refuses where there is none.
        return {at: found.get(at) or self.tile(*at) for at in wanted}


def _entry_row(sequence: int, one: Appended) -> dict[str, Any]:
    said = one.signed.statement
    return {
        "sequence": sequence,
        "leaf": one.signed.leaf,
        "envelope": one.signed.data,
        "party": said.party,
        "chain": one.chain,
        "party_sequence": said.party_sequence,
        "kind": said.kind.value,
        "object": said.object,
        "version": said.version,
        "received_us": microseconds(one.received),
    }


def _content_row(sequence: int, one: Appended) -> dict[str, Any]:
    return {"sequence": sequence, "salt": one.content.salt, "data": one.content.data}


def _object_rows(first: int, batch: Sequence[Appended]) -> list[dict[str, Any]]:
    """The last version of each object, in the order in which the batch first speaks of them.

    That order lets go of a name before it gives the name away: whoever takes a name
    in this batch comes after the end of what bore it.
    """
    rows: dict[str, dict[str, Any]] = {}
    for number, one in enumerate(batch):
        said = one.signed.statement
        rows[said.object] = {
            "id": said.object,
            "kind": said.kind.value,
            "party": owner_of(said),
            "source_id": one.source_id,
            "version": said.version,
            "sequence": first + number,
            "ended": one.ended,
        }
    return list(rows.values())


_INSERT_ENTRY = sa.insert(tables.entry)
_INSERT_CONTENT = sa.insert(tables.content)
_TILES = sa.select(tables.tile).where(
    sa.tuple_(tables.tile.c.level, tables.tile.c.number).in_(sa.bindparam("places", expanding=True))
)
_MOVE_HEAD = (
    sa.update(tables.head)
    .where(tables.head.c.theatre == sa.bindparam("at"))
    .values(size=sa.bindparam("size"), root=sa.bindparam("root"))
)

# SQLAlchemy writes ON CONFLICT once for each database; they spell it alike.
_PUT_OBJECT = sa.text(
    "INSERT INTO object (id, kind, party, source_id, version, sequence, ended)"
    " VALUES (:id, :kind, :party, :source_id, :version, :sequence, :ended)"
    " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, party = excluded.party,"
    " source_id = excluded.source_id, version = excluded.version,"
    " sequence = excluded.sequence, ended = excluded.ended"
)
_PUT_TILE = sa.text(
    "INSERT INTO tile (level, number, hashes) VALUES (:level, :number, :hashes)"
    " ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"
)
