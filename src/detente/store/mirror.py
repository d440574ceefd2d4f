"""Copies of others' logs, as this node as a mirror keeps them."""

import sqlalchemy as sa
from msgspec import Struct

from detente.errors import NotFound
from detente.store import tables

PENDING_MAX = 8
"""Pending checkpoints that are kept of a log: whoever uploads to one of these is not in vain."""


class Mirrored(Struct, frozen=True, kw_only=True):
    """How far the copy of a log is.

    Attributes:
        next: The first entry that is not here.
        size: Of the checkpoint under which the copy is served.
        note: That checkpoint, cosigned; None until there is one.
    """

    next: int = 0
    size: int = 0
    note: bytes | None = None


class ReadMirror:
    """Copies of others' logs, as a transaction sees them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def mirrored(self, origin: str) -> Mirrored:
        """How far the copy of a log is."""
        row = self._connection.execute(_MIRRORED, {"origin": origin}).one_or_none()
        if row is None:
            return Mirrored()
        note = None if row.note is None else bytes(row.note)
        return Mirrored(next=int(row.next), size=int(row.size), note=note)

    def pending(self, origin: str) -> dict[int, bytes]:
        """The last checkpoints of a log that the copy is to reach, by size, the largest first."""
        rows = self._connection.execute(_PENDING, {"origin": origin})
        return {int(row.size): bytes(row.note) for row in rows}

    def mirror_file(self, origin: str, level: int | None, number: int) -> bytes:
        """A tile, or a bundle of entries, as far as it is here.

        Raises:
            NotFound: None of it is.
        """
        at = _place(origin, level, number)
        found = self._connection.execute(_FILE, at).scalar()
        if found is None:
            raise NotFound(f"file {number} of level {level}")
        return bytes(found)


class WriteMirror(ReadMirror):
    """Keeps copies, in a transaction that holds the head."""

    def put_pending(self, origin: str, size: int, note: bytes) -> None:
        """Keep a checkpoint that the copy is to reach; the oldest of too many is forgotten."""
        kept = sorted({size, *self.pending(origin)}, reverse=True)[:PENDING_MAX]
        self._connection.execute(
            sa.delete(_p).where(
                _p.c.origin == origin, sa.or_(_p.c.size == size, _p.c.size.not_in(kept))
            )
        )
        self._connection.execute(sa.insert(_p).values(origin=origin, size=size, note=note))

    def put_mirrored(self, origin: str, mirrored: Mirrored) -> None:
        """Remember how far the copy is."""
        self._connection.execute(sa.delete(_m).where(_m.c.origin == origin))
        self._connection.execute(
            sa.insert(_m).values(
                origin=origin, next=mirrored.next, size=mirrored.size, note=mirrored.note
            )
        )

    def put_mirror_file(self, origin: str, level: int | None, number: int, data: bytes) -> None:
        """Keep a file of the copy, in place of the shorter one."""
        at = _place(origin, level, number)
        self._connection.execute(_DROP_FILE, at)
        self._connection.execute(
            sa.insert(_f).values(origin=origin, level=at["at_level"], number=number, data=data)
        )


def _place(origin: str, level: int | None, number: int) -> dict[str, object]:
    return {"origin": origin, "at_level": -1 if level is None else level, "at_number": number}


_m, _p, _f = tables.mirror, tables.mirror_pending, tables.mirror_file

_HERE = (
    _f.c.origin == sa.bindparam("origin"),
    _f.c.level == sa.bindparam("at_level"),
    _f.c.number == sa.bindparam("at_number"),
)

_MIRRORED = sa.select(_m).where(_m.c.origin == sa.bindparam("origin"))
_PENDING = sa.select(_p).where(_p.c.origin == sa.bindparam("origin")).order_by(_p.c.size.desc())
_FILE = sa.select(_f.c.data).where(*_HERE)
_DROP_FILE = sa.delete(_f).where(*_HERE)
