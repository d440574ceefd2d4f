"""Appending to the record, in a transaction that holds its head.

An append writes the entries, what they commit to, the current objects, the
tiles of the tree and its head, or nothing (docs/rules/R-04.md). What may be
appended is decided before, by detente.node.submit.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from msgspec import Struct

from detente.core.entry import KEPT_BY_ASKER, Signed
from detente.core.ledger import owner_of
from detente.core.merkle import EMPTY_ROOT
from detente.core.tiles import InclusionProver, Tile, grow, right_edge, root
from detente.core.volume import microseconds
from detente.errors import Conflict
from detente.store import tables
from detente.store.beside import WriteBeside
from detente.store.erase import WriteErasure
from detente.store.mirror import WriteMirror
from detente.store.mode import HELD
from detente.store.record import Content, Record
from detente.store.rows import Row, Rows, write
from detente.store.telling import WriteTelling
from detente.store.witness import WriteWitness

Gathered = tuple[bytes, bytes]
"""Group and numbers (detente.node.gathering)."""


class Appended(Struct, frozen=True, kw_only=True, gc=False):
    """One entry to append, with what the tables need to know of it.

    Attributes:
        chain: In whose chain it is: its party's, or the node's for what that attests.
        ended: Whether the object has ended, so that its name is free again.
        erases: The object whose content goes as this entry comes.
        gathered: Of what is placed, the group and numbers that pictures are made of.
    """

    signed: Signed
    content: Content
    source_id: str
    received: datetime
    chain: str
    ended: bool = False
    erases: str | None = None
    gathered: Gathered | None = None


class Edge:
    """The right edge of the tree as it was last written, of the root that commits to it.

    Kept between transactions, so that the next need not read it. One that was not
    committed, or another process's, has another root.
    """

    def __init__(self) -> None:
        self._last: tuple[int, bytes, dict[Tile, bytes]] = (0, EMPTY_ROOT, {})

    def of(self, size: int, root_hash: bytes) -> dict[Tile, bytes] | None:
        """The tiles of ``right_edge(size)``, if they are those of this root."""
        known, known_root, tiles = self._last
        return tiles if (known, known_root) == (size, root_hash) else None

    def keep(self, size: int, root_hash: bytes, tiles: Mapping[Tile, bytes]) -> None:
        """What was written last."""
        self._last = size, root_hash, {at: tiles[at] for at in right_edge(size)}


class Appender(Record, WriteBeside, WriteTelling, WriteWitness, WriteErasure, WriteMirror):
    """The record, held for writing.

    Args:
        connection: In a transaction that holds the head.
        edge: What is kept between transactions.
    """

    def __init__(self, connection: sa.Connection, edge: Edge) -> None:
        super().__init__(connection)
        if (held := connection.info.get(HELD)) is not None:
            self._head_row = held
        self._moved: tuple[str, int, bytes] | None = None
        self._edge = edge
        self._prove: InclusionProver | None = None

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

    def head(self) -> tuple[str, int, bytes]:
        """Theatre, number of entries, root, with what was appended here."""
        return self._moved or super().head()

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
        tiles = dict(self._edge.of(first, before) or self._read_edge(first))
        leaves = [one.signed.leaf for one in batch]
        changed = grow(lambda *at: tiles[at], first, leaves)
        tiles |= changed
        new_root = root(lambda *at: tiles[at], size)
        write(
            self._connection,
            Rows(
                entry=[
                    _entry_row(first + number, leaf, one)
                    for number, (leaf, one) in enumerate(zip(leaves, batch, strict=True))
                ],
                content=[
                    (first + number, one.content.salt, one.content.data)
                    for number, one in enumerate(batch)
                    if one.signed.statement.kind not in KEPT_BY_ASKER
                ],
                object=_object_rows(first, batch),
                gathered=_gathered_rows(first, batch),
                ungathered=[
                    one.signed.statement.object
                    for one in batch
                    if one.gathered is not None and one.signed.statement.version > 1
                ],
                tile=[(*at, hashes) for at, hashes in changed.items()],
                head=(theatre, size, new_root),
            ),
        )
        self.erase([one.erases for one in batch if one.erases is not None])
        self._moved = theatre, size, new_root
        self._prove = None
        self._edge.keep(size, new_root, tiles)
        return first, size, new_root

    def inclusion_proof(self, sequence: int) -> list[bytes]:
        """As ``Record``; what was just appended is proven without reading it again."""
        if self._prove is None:
            _, size, root_hash = self.head()
            edge = self._edge.of(size, root_hash) or {}
            tile = cache(lambda *at: edge.get(at) or self.tile(*at))
            self._prove = InclusionProver(tile, size)
        return self._prove(sequence)

    def _read_edge(self, size: int) -> dict[Tile, bytes]:
        """The tiles on the right edge of the tree, which is all that an append reads.

        Raises:
            LogInconsistent: One of them is not there.
        """
        wanted = right_edge(size)
        if not wanted:
            return {}
        found = {
            (row.level, row.number): bytes(row.hashes)
            for row in self._connection.execute(_TILES, {"places": wanted})
        }
        # The one that reads a single tile refuses where there is none.
        return {at: found.get(at) or self.tile(*at) for at in wanted}


def _entry_row(sequence: int, leaf: bytes, one: Appended) -> Row:
    said = one.signed.statement
    return (
        sequence,
        leaf,
        one.signed.data,
        said.party,
        one.chain,
        said.party_sequence,
        said.kind.value,
        said.object,
        said.version,
        microseconds(one.received),
    )


def _object_rows(first: int, batch: Sequence[Appended]) -> list[Row]:
    """The last version of each object; what has ended comes first, for it gives names free."""
    rows: dict[str, Row] = {}
    for number, one in enumerate(batch):
        said = one.signed.statement
        rows[said.object] = (
            said.object,
            said.kind.value,
            owner_of(said),
            one.source_id,
            said.version,
            first + number,
            one.ended,
        )
    return sorted(rows.values(), key=lambda row: not row[-1])


def _gathered_rows(first: int, batch: Sequence[Appended]) -> list[Row]:
    """The last version of each object that is placed."""
    rows: dict[str, Row] = {}
    for number, one in enumerate(batch):
        if one.gathered is not None:
            object_id = one.signed.statement.object
            rows[object_id] = (first + number, object_id, *one.gathered)
    return list(rows.values())


_TILES = sa.select(tables.tile).where(
    sa.tuple_(tables.tile.c.level, tables.tile.c.number).in_(sa.bindparam("places", expanding=True))
)
