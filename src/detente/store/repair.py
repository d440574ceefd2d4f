"""Putting right what the record itself says how it must be, in a transaction that holds its head.

What may be put here is decided by detente.node.repair: a tile is drawn from the entries,
an entry's bytes hash to the leaf that the tree commits to. No statement here touches a
leaf hash or the head.
"""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct

from detente.core.tiles import Tile
from detente.store import tables
from detente.store.record import GatheredRow, Record


class ObjectRow(Struct, frozen=True, kw_only=True):
    """The current version of an object, as the table has it; see detente.store.Stored."""

    id: str
    kind: str
    party: str
    source_id: str
    version: int
    sequence: int
    ended: bool


class Repairer(Record):
    """The record, held for repair."""

    def put_tiles(self, tiles: Mapping[Tile, bytes]) -> None:
        """Write tiles over whatever is in their place."""
        for (level, number), hashes in tiles.items():
            self._connection.execute(_DROP_TILE, {"at_level": level, "at_number": number})
            self._connection.execute(
                sa.insert(tables.tile).values(level=level, number=number, hashes=hashes)
            )

    def put_envelopes(self, envelopes: Mapping[int, bytes]) -> None:
        """Write the bytes of entries that are there, and nothing else of them."""
        for sequence, envelope in envelopes.items():
            self._connection.execute(_PUT_ENVELOPE, {"at": sequence, "bytes": envelope})

    def put_objects(self, dropped: Sequence[str], rows: Sequence[ObjectRow]) -> None:
        """Draw current objects again.

        Args:
            dropped: Ids of objects that are none.
            rows: Objects as they must be.
        """
        # All go first: what one gives free, another may bear.
        for object_id in (*dropped, *(row.id for row in rows)):
            self._connection.execute(_DROP_OBJECT, {"at": object_id})
        for row in rows:
            self._connection.execute(
                sa.insert(tables.current).values(
                    id=row.id,
                    kind=row.kind,
                    party=row.party,
                    source_id=row.source_id,
                    version=row.version,
                    sequence=row.sequence,
                    ended=row.ended,
                )
            )

    def put_gathered(self, dropped: Iterable[int], rows: Iterable[GatheredRow]) -> None:
        """Write what pictures are made of over whatever is in its place.

        Args:
            dropped: Entries whose objects are not to be gathered.
            rows: As they must be.
        """
        new = list(rows)
        for sequence in (*dropped, *(row[0] for row in new)):
            self._connection.execute(_DROP_GATHERED, {"at": sequence})
        names = tables.gathered.c.keys()
        for row in new:
            self._connection.execute(
                sa.insert(tables.gathered).values(dict(zip(names, row, strict=True)))
            )


_DROP_GATHERED = sa.delete(tables.gathered).where(tables.gathered.c.sequence == sa.bindparam("at"))
_DROP_TILE = sa.delete(tables.tile).where(
    tables.tile.c.level == sa.bindparam("at_level"),
    tables.tile.c.number == sa.bindparam("at_number"),
)
_PUT_ENVELOPE = (
    sa.update(tables.entry)
    .where(tables.entry.c.sequence == sa.bindparam("at"))
    .values(envelope=sa.bindparam("bytes", type_=sa.LargeBinary))
)
_DROP_OBJECT = sa.delete(tables.current).where(tables.current.c.id == sa.bindparam("at"))
