"""Where one theatre's record is kept."""

from collections.abc import Iterator
from contextlib import contextmanager

from detente.store.access import AccessStore
from detente.store.append import Appender, Edge
from detente.store.database import Database
from detente.store.mode import Mode
from detente.store.place import Place
from detente.store.record import Record
from detente.store.repair import Repairer


class Store:
    """Where one theatre's record is kept.

    Args:
        where: An SQLite file, or a PostgreSQL database (detente.store.place).
        create: Make the file or the tables if they are not there; ``founding`` follows.

    Raises:
        NotFound: No such file.
        Unavailable: Damaged, not ours, of a newer version, or a server that
            cannot be asked.
    """

    def __init__(self, where: Place, *, create: bool = False) -> None:
        self._database = Database(where, create=create)
        self._edge = Edge()

    @contextmanager
    def reading(self) -> Iterator[Record]:
        """One state of the record."""
        with self._database.reading() as connection:
            yield Record(connection)

    def size(self) -> int:
        """Entries in the record now."""
        with self.reading() as record:
            return record.head()[1]

    @contextmanager
    def appending(self) -> Iterator[Appender]:
        """The record, held for writing; on disk when the block ends.

        Raises:
            Unavailable: It could not be written; nothing was.
            OutcomeUnknown: All of it was written, or nothing.
        """
        with self._database.writing() as connection:
            yield Appender(connection, self._edge)

    @contextmanager
    def repairing(self) -> Iterator[Repairer]:
        """The record, held for repair; on disk when the block ends.

        Raises:
            Unavailable: It could not be written; nothing was.
            OutcomeUnknown: All of it was written, or nothing.
        """
        with self._database.writing() as connection:
            yield Repairer(connection)

    def holds(self, leaf: bytes) -> bool:
        """Whether an entry is on record, asked at the head: for after an OutcomeUnknown.

        The head is had only when whoever held it is over, so the answer is final.

        Raises:
            Unavailable: It could not be asked yet.
        """
        with self.appending() as record:
            return record.object_of(leaf) is not None

    @contextmanager
    def founding(self, theatre: str) -> Iterator["Store"]:
        """Begin a theatre; what the block appends is there with it, or neither is.

        Yields:
            This store, whose ``appending`` goes on in the same transaction.

        Raises:
            Conflict: The database holds a theatre already.
        """
        with self._database.writing(Mode.FOUND) as connection:
            record = Appender(connection, self._edge)
            record.begin(theatre)
            yield _Founding(record)

    def scrub(self) -> bool:
        """After an erasure, let go of the bytes that the database keeps of what was deleted.

        Returns:
            Whether it is done; False where somebody still reads, and it is to be tried again.

        Raises:
            Unavailable: The database could not be asked.
        """
        return self._database.scrub()

    @property
    def access(self) -> AccessStore:
        """Clients, accounts and sessions, beside the record."""
        return AccessStore(self._database)

    def close(self) -> None:
        """Let go of the file or the server."""
        self._database.close()


class _Founding(Store):
    """A store in the middle of the transaction that founds its theatre."""

    def __init__(self, record: Appender) -> None:
        self._record = record

    @contextmanager
    def appending(self) -> Iterator[Appender]:
        yield self._record
