"""Connections: durability, transactions, migrations, and one kind of error.

SQLite runs with a write-ahead log and ``synchronous=FULL``, so that a commit
is on disk before anyone is answered (docs/rules/R-04.md). A transaction that
will write takes the write lock when it begins, so that what it read still
holds when it writes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from detente.errors import NotFound, Unavailable

REVISION = "0001"
"""The migration that this code expects."""

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another: longer than the longest batch of an import."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One database: where the tables of a theatre are.

    Args:
        path: An SQLite file.
        create: Make it if it is not there.

    Raises:
        NotFound: No such file, and not to be made.
        Unavailable: Not a database of ours, damaged, or of a newer version.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.name = path.name
        if not create and not path.is_file():
            raise NotFound(f"register {path.name}", expected="a file that `detente init` made")
        self._engine = sa.create_engine(
            # Not as text: a path may hold what a URL gives a meaning to.
            sa.URL.create("sqlite", database=str(path)),
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
        )
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        self._migrate(create=create)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the record throughout.

        Raises:
            Unavailable: The database could not be read.
        """
        with self._translating(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that alone may write; on disk when the block ends.

        Raises:
            Unavailable: The database could not be written.
        """
        with (
            self._translating(),
            self._engine.connect().execution_options(detente_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise Unavailable(f"register {self.name}", got=str(reason)) from error

    def _migrate(self, *, create: bool) -> None:
        """Bring the tables to REVISION; Alembic is loaded only when there is need."""
        with self.reading() as connection:
            found = _revision(connection)
        if found == REVISION:
            return
        if found is None and not create:
            raise Unavailable(f"register {self.name}", expected="a file that `detente init` made")
        from alembic import command  # noqa: PLC0415 - slow to import, and rarely needed
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util.exc import CommandError  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, REVISION)
            except CommandError as error:
                raise Unavailable(
                    f"register {self.name}",
                    expected=f"version {REVISION} or older",
                    got=f"{found}: {error}",
                ) from error


def _configure(connection: DBAPIConnection, _record: object) -> None:
    """Per connection: durability; transactions are begun by us (``_begin``)."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("detente_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
