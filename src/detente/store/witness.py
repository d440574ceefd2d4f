"""What witnesses said of the log, and what this node said of others' logs as a witness."""

import sqlalchemy as sa

from detente.core.witness import NOTHING_SEEN, Seen
from detente.store import tables


class ReadWitness:
    """What was cosigned, as a transaction sees it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def witnessed(self) -> tuple[int, bytes] | None:
        """Size and note of the longest checkpoint that enough witnesses cosigned."""
        row = self._connection.execute(_NEWEST).one_or_none()
        return None if row is None else (int(row.size), bytes(row.note))

    def first_witnessed(self, sequence: int) -> tuple[int, bytes] | None:
        """Size and note of the first one that holds an entry."""
        row = self._connection.execute(_FIRST, {"sequence": sequence}).one_or_none()
        return None if row is None else (int(row.size), bytes(row.note))

    def seen(self, origin: str) -> Seen:
        """What this node as a witness cosigned last of a log."""
        row = self._connection.execute(_SEEN, {"origin": origin}).one_or_none()
        if row is None:
            return NOTHING_SEEN
        return Seen(size=int(row.size), root=bytes(row.root))


class WriteWitness(ReadWitness):
    """Keeps what was cosigned, in a transaction that holds the head."""

    def put_witnessed(self, size: int, note: bytes) -> None:
        """Keep a checkpoint that enough witnesses cosigned; a newer one of its size replaces it."""
        self._connection.execute(sa.delete(_w).where(_w.c.size == size))
        self._connection.execute(sa.insert(_w).values(size=size, note=note))

    def put_seen(self, origin: str, seen: Seen) -> None:
        """Remember what is about to be cosigned."""
        self._connection.execute(sa.delete(_s).where(_s.c.origin == origin))
        self._connection.execute(
            sa.insert(_s).values(origin=origin, size=seen.size, root=seen.root)
        )


_w, _s = tables.witnessed, tables.seen

_NEWEST = sa.select(_w).order_by(_w.c.size.desc()).limit(1)
_FIRST = sa.select(_w).where(_w.c.size > sa.bindparam("sequence")).order_by(_w.c.size).limit(1)
_SEEN = sa.select(_s).where(_s.c.origin == sa.bindparam("origin"))
