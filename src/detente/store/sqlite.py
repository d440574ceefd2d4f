"""SQLite: a file, for one machine.

A write-ahead log and ``synchronous=FULL``: a commit is on disk before anyone is
answered (docs/rules/R-04.md).
"""

import fcntl
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from detente.errors import LogInconsistent, Unavailable
from detente.store.mode import BUSY_TIMEOUT_MS, Mode

_NOT_KEPT = frozenset({"SQLITE_FULL", "SQLITE_BUSY"})
"""Failures of a commit after which nothing of it can come back: no commit frame was written.
After a failed sync (SQLITE_IOERR) one may stand in the log and be found at the next start."""

_LOOK_AGAIN_S = 0.0002
"""How often one that waits looks whether it is its turn: a look takes some 10 us."""

SCRUB_TIMEOUT_MS = 100
"""How long writers may wait for readers while the log is emptied; then it is tried again."""

_FAILED = "detente_failed"
"""Whether a statement of the connection's transaction has failed."""


class Sqlite:
    """What of the transactions is SQLite's own.

    Args:
        path: The file.
    """

    founded = "a file that `detente init` made"

    def __init__(self, path: Path) -> None:
        self._queue = queue_of(path)
        self.engine = sa.create_engine(
            # Not as text: a path may hold what a URL gives a meaning to.
            sa.URL.create("sqlite", database=str(path)),
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
            # A statement's values never stand in a message.
            hide_parameters=True,
        )
        event.listen(self.engine, "connect", _configure)
        event.listen(self.engine, "handle_error", _note)

    def begin(self, connection: sa.Connection, mode: Mode) -> None:
        """Begin; a transaction that will write takes the write lock at once."""
        if mode is Mode.MIGRATE:
            # A table that others refer to is made anew; what refers is checked before the commit.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.info[_FAILED] = False
        if mode is Mode.APPEND:
            with self._in_turn():
                _take_write_lock(connection)
        else:
            connection.exec_driver_sql("BEGIN" if mode is Mode.READ else "BEGIN IMMEDIATE")

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait until it is this one's turn to ask for the write lock.

        SQLite lets whoever waits sleep ever longer, so that of several workers the one
        that has just written would write again and again. Whoever dies leaves the queue.
        Where nobody has made one, there are not several.
        """
        with _opened(self._queue) as queue:
            if queue is not None:
                _wait_for(queue)
            yield

    def require_whole(self, connection: sa.Connection, mode: Mode) -> None:
        """Refuse to commit after a failed statement, or what refers to nothing.

        SQLite would keep what came before the statement, unless it has rolled all back.

        Raises:
            Unavailable: A statement of the transaction has failed.
            LogInconsistent: Rows refer to rows that are not there.
        """
        raw: Any = connection.connection.dbapi_connection
        if connection.info[_FAILED] or not raw.in_transaction:
            raise Unavailable("transaction", expected="whole", got="a statement in it failed")
        if mode is not Mode.MIGRATE:
            return
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise LogInconsistent("register", expected="rows that refer to others of it")

    def has_table(self, connection: sa.Connection, name: str) -> bool:
        """Whether there is such a table."""
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return connection.exec_driver_sql(query, (name,)).first() is not None

    def scrub(self, connection: sa.Connection) -> bool:
        """Write the log into the file and empty it; whether nobody who reads stood in the way."""
        connection.exec_driver_sql(f"PRAGMA busy_timeout={SCRUB_TIMEOUT_MS}")
        try:
            row = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return not row[0]

    def explain(self, error: SQLAlchemyError) -> str:
        """What went wrong, in one line, by SQLite's name for it where that says more."""
        cause = getattr(error, "orig", None) or error
        name = getattr(cause, "sqlite_errorname", "")
        if name.startswith("SQLITE_IOERR"):
            return f"{cause} ({name}): the disk may be full or failing"
        return f"{cause}"

    def surely_not_kept(self, error: SQLAlchemyError) -> bool:
        """Whether a commit that failed so has left nothing."""
        name = getattr(getattr(error, "orig", None), "sqlite_errorname", "")
        return name in _NOT_KEPT


def queue_of(path: Path) -> Path:
    """The empty file in which those that write to a database wait; of several workers."""
    return path.with_name(f"{path.name}-queue")


def _opened(queue: Path) -> BinaryIO | nullcontext[None]:
    try:
        return queue.open("rb")
    except OSError:
        return nullcontext()  # None was made, or for another user: it only orders.


def _wait_for(queue: BinaryIO) -> None:
    """Be first in the queue, or stop waiting for one that hangs there."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOOK_AGAIN_S)


def _take_write_lock(connection: sa.Connection) -> None:
    """Begin to write, as soon as whoever writes now has ended."""
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA busy_timeout=0")
    try:
        _until_free(lambda: raw.execute("BEGIN IMMEDIATE"))
    except sqlite3.OperationalError:
        # What stands in the way is said by the same words as elsewhere.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _until_free(attempt: Callable[[], object]) -> None:
    """Do what takes a lock, as soon as whoever holds it has let go."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            attempt()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorname.startswith("SQLITE_BUSY")
            if not busy or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(_LOOK_AGAIN_S)


def _note(context: ExceptionContext) -> None:
    if context.connection is not None:
        context.connection.info[_FAILED] = True


def _configure(connection: DBAPIConnection, _record: object) -> None:
    """Per connection: durability; transactions are begun by us."""
    connection.isolation_level = None
    cursor = connection.cursor()
    # A file that was closed as a copy is made into one with a write-ahead log: SQLite does not
    # wait by itself for another that is doing so.
    _until_free(lambda: cursor.execute("PRAGMA journal_mode=WAL"))
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is deleted is overwritten, on pages that are given free as well (docs/rules/R-19.md).
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()
