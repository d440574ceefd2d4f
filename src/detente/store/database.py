"""Connections: durability, transactions, migrations, and one kind of error.

A transaction that will write takes its lock when it begins, so that what it read
still holds when it writes; when the block ends it is on disk, or nothing of it is
kept (docs/rules/R-04.md). What SQLite and PostgreSQL do differently is in
detente.store.sqlite and detente.store.postgres.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from weakref import finalize

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from detente.errors import NotFound, OutcomeUnknown, Unavailable
from detente.store.mode import Mode
from detente.store.place import Place, name_of

REVISION = "0009"
"""The migration that this code expects: the last one."""

MIGRATIONS = Path(__file__).parent / "migrations"


class Kind(Protocol):
    """What differs between the kinds of databases."""

    engine: sa.Engine
    founded: str

    def begin(self, connection: sa.Connection, mode: Mode) -> None:
        """Begin a transaction, with the locks that its mode takes."""

    def require_whole(self, connection: sa.Connection, mode: Mode) -> None:
        """Refuse to commit what is no longer whole."""

    def has_table(self, connection: sa.Connection, name: str) -> bool:
        """Whether there is such a table."""

    def scrub(self, connection: sa.Connection) -> bool:
        """Let go of the bytes of what was deleted, as far as the database lets one."""

    def explain(self, error: SQLAlchemyError) -> str:
        """What went wrong, in one line without secrets."""

    def surely_not_kept(self, error: SQLAlchemyError) -> bool:
        """Whether a commit that failed so has left nothing."""


class Database:
    """One database: where the tables of a theatre are.

    Args:
        where: An SQLite file, or a PostgreSQL database (detente.store.place).
        create: Make the file, or the tables in the database, if they are not there.

    Raises:
        NotFound: No such file, and not to be made.
        Unavailable: Not a database of ours, damaged, of a newer version, or a
            server that cannot be asked or does not keep what it commits.
    """

    def __init__(self, where: Place, *, create: bool = False) -> None:
        self.name = name_of(where)
        self._kind = _kind(where)
        # Whoever drops a database without closing it leaves no connection behind.
        finalize(self, self._kind.engine.dispose)
        if isinstance(where, Path) and not create and not where.is_file():
            got = "something else" if where.exists() else "nothing there"
            raise NotFound(f"register {self.name}", expected=self._kind.founded, got=got)
        self._migrate(create=create)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the record throughout.

        Raises:
            Unavailable: The database could not be read.
        """
        with self._explaining(), self._begun(Mode.READ) as connection:
            try:
                yield connection
            finally:
                with suppress(SQLAlchemyError):
                    connection.rollback()

    @contextmanager
    def writing(self, mode: Mode = Mode.APPEND) -> Iterator[sa.Connection]:
        """A transaction that alone may write; on disk when the block ends.

        Raises:
            Unavailable: The database could not be written; nothing was.
            OutcomeUnknown: It fell silent during the commit: all of it or nothing was.
        """
        with self._explaining(), self._begun(mode) as connection:
            try:
                yield connection
                self._kind.require_whole(connection, mode)
            except BaseException:
                # Whatever becomes of the connection, without a commit nothing is kept.
                with suppress(SQLAlchemyError):
                    connection.rollback()
                raise
            try:
                connection.commit()
            except SQLAlchemyError as error:
                if self._kind.surely_not_kept(error):
                    raise
                raise OutcomeUnknown(
                    f"register {self.name}, outcome unknown",
                    expected="an answer to the commit",
                    got=self._kind.explain(error),
                ) from error

    def scrub(self) -> bool:
        """Let go of the bytes of what was deleted; whether it is done, else it is tried again.

        Raises:
            Unavailable: The database could not be asked.
        """
        with self._explaining(), self._kind.engine.connect() as connection:
            return self._kind.scrub(connection)

    def close(self) -> None:
        """Let go of the file or the server."""
        self._kind.engine.dispose()

    @contextmanager
    def _begun(self, mode: Mode) -> Iterator[sa.Connection]:
        """A connection in a transaction that has begun."""
        connection = self._kind.engine.connect()
        try:
            try:
                connection.begin()
                self._kind.begin(connection, mode)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                # A pooled connection outlived its server. Nothing was asked of it yet, so
                # another may be taken; once, for a server that is down stays down.
                connection.close()
                connection = self._kind.engine.connect()
                connection.begin()
                self._kind.begin(connection, mode)
            yield connection
        finally:
            with suppress(SQLAlchemyError):
                connection.close()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise Unavailable(f"register {self.name}", got=self._kind.explain(error)) from error

    def _migrate(self, *, create: bool) -> None:
        """Bring the tables to REVISION; Alembic is loaded only when there is need."""
        with self.reading() as connection:
            found = self._revision(connection)
        if found == REVISION:
            return
        if found is None and not create:
            got = "a database without the tables"
            raise Unavailable(f"register {self.name}", expected=self._kind.founded, got=got)
        from alembic import command  # noqa: PLC0415 - slow to import, and rarely needed
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util.exc import CommandError  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        # Of several processes that start at once, one migrates and the others find it done.
        with self.writing(Mode.MIGRATE) as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, REVISION)
            except CommandError as error:
                raise Unavailable(
                    f"register {self.name}",
                    expected=f"version {REVISION} or older",
                    got=f"{found}: {error}",
                ) from error
        # On SQLite, that connection has checked no references.
        self._kind.engine.dispose()

    def _revision(self, connection: sa.Connection) -> str | None:
        if not self._kind.has_table(connection, "alembic_version"):
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)


def _kind(where: Place) -> Kind:
    """The one place that decides; a driver is loaded only where it is needed."""
    if isinstance(where, Path):
        from detente.store.sqlite import Sqlite  # noqa: PLC0415

        return Sqlite(where)
    from detente.store.postgres import Postgres  # noqa: PLC0415

    return Postgres(where.url)
