"""PostgreSQL: a server, for any number of processes and machines.

An append begins with ``SELECT ... FROM head FOR UPDATE`` at READ COMMITTED. The
lock is given when the transaction that held it is over and visible, and at READ
COMMITTED each statement sees all that was committed before it began: so whatever
an appender reads once it holds the head is the head's own state, and stays so,
for whoever would change it must hold the head as well. (At REPEATABLE READ the
snapshot would be as old as the wait for the lock, and the append would fail.) A
read is one snapshot (REPEATABLE READ, READ ONLY). docs/adr/0014 has the reasons.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from detente.errors import Unavailable
from detente.store.mode import BUSY_TIMEOUT_MS, HELD, Mode

CONNECT_TIMEOUT_S = 10
"""For one address of the server; a name lookup and a handshake take far less."""

HOLD_TIMEOUT_MS = 60_000
"""How long a transaction that holds the head may do nothing: a process that hangs with it
is cut off, for all others wait for it."""

KEEPALIVES = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""A peer that has vanished is noticed after 10 + 3 * 5 s, on both sides."""

_FOUNDING_LOCK = 0x6465_7465_6E74_65
"""The advisory lock of those who found or migrate: "detente" in ASCII."""

_BEGIN = {
    Mode.READ: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    Mode.APPEND: (
        "BEGIN ISOLATION LEVEL READ COMMITTED;"  # noqa: S608 - a number of ours
        f"SET LOCAL idle_in_transaction_session_timeout = {HOLD_TIMEOUT_MS};"
        "SELECT theatre, size, root, overspent FROM head FOR UPDATE;"
        # What is asked under the lock is looked up by keys. A register that grows from nothing is
        # small by what PostgreSQL knows of it, and would be read whole for a minute.
        "SET LOCAL enable_seqscan = off;SET LOCAL enable_hashjoin = off;"
        "SET LOCAL enable_mergejoin = off"
    ),
    Mode.FOUND: (
        f"BEGIN ISOLATION LEVEL READ COMMITTED;SELECT pg_advisory_xact_lock({_FOUNDING_LOCK})"
    ),
}
_BEGIN[Mode.MIGRATE] = _BEGIN[Mode.FOUND]

_CONFIGURE = f"""
SELECT current_setting('fsync'), current_setting('server_encoding'),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
    set_config('lock_timeout', '{BUSY_TIMEOUT_MS}', false),
    set_config('tcp_keepalives_idle', '{KEEPALIVES["keepalives_idle"]}', false),
    set_config('tcp_keepalives_interval', '{KEEPALIVES["keepalives_interval"]}', false),
    set_config('tcp_keepalives_count', '{KEEPALIVES["keepalives_count"]}', false)
"""

_REASONS = {
    "25006": "the server takes no writes: it is a standby, or set to read only",
    "25P03": f"the process held the head and did nothing for {HOLD_TIMEOUT_MS // 1000} s",
    "28000": "the server does not let this user in",
    "28P01": "the server does not let this user in",
    "3D000": "the server has no such database",
    "40P01": "a deadlock with another transaction; nothing was written",
    "42501": "the user may not do this in the database",
    "53100": "the server's disk is full",
    "53200": "the server has no memory left",
    "53300": "the server has no connection left",
    "55P03": f"another process held the head for {BUSY_TIMEOUT_MS // 1000} s",
    "57P01": "the server is stopping",
    "57P02": "the server has crashed",
    "57P03": "the server is starting",
}
"""By SQLSTATE (PostgreSQL documentation, appendix A)."""

_QUOTES_DATA = ("22", "23")
"""Classes of SQLSTATE whose texts may quote what was to be written."""

_REASON_LENGTH_MAX = 300
"""One line of a terminal and a half; libpq may list every address it tried."""


class Postgres:
    """What of the transactions is PostgreSQL's own.

    Args:
        url: With the driver that detente.store.place gives it.

    Raises:
        Unavailable: The driver is missing.
    """

    founded = "a database that `detente init` founded"

    def __init__(self, url: sa.URL) -> None:
        self._password = url.password
        try:
            self.engine = sa.create_engine(
                url,
                connect_args={**_arguments(url), "cursor_factory": _last_of_many()},
                # A statement's values never stand in a message.
                hide_parameters=True,
                use_native_hstore=False,
                # The connection that was used last knows the statements that come next.
                pool_use_lifo=True,
            )
        except ImportError as error:
            raise Unavailable(
                "PostgreSQL", expected="the package psycopg[binary]", got=str(error)
            ) from error
        event.listen(self.engine, "connect", _configure)

    def begin(self, connection: sa.Connection, mode: Mode) -> None:
        """Begin, with the locks that the mode takes, in one round trip."""
        begun = connection.exec_driver_sql(_BEGIN[mode])
        connection.info[HELD] = begun.one_or_none() if mode is Mode.APPEND else None
        if mode is Mode.MIGRATE and self.has_table(connection, "head"):
            # Appenders begin here: they wait before they hold anything.
            connection.exec_driver_sql("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")

    def require_whole(self, connection: sa.Connection, mode: Mode) -> None:  # noqa: ARG002
        """Refuse to commit after a failed statement: PostgreSQL would roll back and not say so.

        Raises:
            Unavailable: A statement of the transaction has failed.
        """
        status = _driver(connection).info.transaction_status
        if status.name != "INTRANS":
            raise Unavailable("transaction", expected="whole", got="a statement in it failed")

    def has_table(self, connection: sa.Connection, name: str) -> bool:
        """Whether there is such a table."""
        found = connection.exec_driver_sql("SELECT to_regclass(%s)", (name,)).scalar()
        return found is not None

    def scrub(self, connection: sa.Connection) -> bool:
        """Give free what was deleted; another process that does so already is left to it."""
        connection.exec_driver_sql("VACUUM (SKIP_LOCKED) content, object, idempotency")
        return True

    def explain(self, error: SQLAlchemyError) -> str:
        """What went wrong, in one line without the password and without data."""
        if isinstance(error, NoConnectionFree):
            return "all connections to the server are in use"
        cause: Any = getattr(error, "orig", None) or error
        state = getattr(cause, "sqlstate", None)
        if state is None:
            return self._safe(str(cause))
        text = _REASONS.get(state)
        if text is None and not state.startswith(_QUOTES_DATA):
            text = self._safe(cause.diag.message_primary or "")
        return f"{text or type(cause).__name__} (SQLSTATE {state})"

    def surely_not_kept(self, error: SQLAlchemyError) -> bool:
        """Whether a commit that failed so has left nothing: the server said so, and lives."""
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        return not lost and getattr(getattr(error, "orig", None), "sqlstate", None) is not None

    def _safe(self, text: str) -> str:
        if self._password and self._password in text:
            return "a message that holds the password and is not shown"
        return " ".join(text.split())[:_REASON_LENGTH_MAX]


def _arguments(url: sa.URL) -> dict[str, Any]:
    """What the driver is told, unless the URL says otherwise."""
    ours: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "detente",
        **KEEPALIVES,
    }
    return {
        **{name: value for name, value in ours.items() if name not in url.query},
        "client_encoding": "utf8",
        # Transactions are begun by us.
        "autocommit": True,
    }


def _configure(connection: DBAPIConnection, _record: object) -> None:
    """Per connection: durability, and an end to every wait.

    Raises:
        Unavailable: The server does not keep what it has committed.
    """
    cursor = connection.cursor()
    cursor.execute(_CONFIGURE)
    row = cursor.fetchone()
    cursor.close()
    fsync, encoding = row[:2] if row else ("", "")
    problem = None
    if fsync != "on":
        problem = Unavailable("PostgreSQL", expected="fsync = on", got=f"fsync = {fsync}")
    elif encoding != "UTF8":
        problem = Unavailable("PostgreSQL", expected="a database in UTF8", got=encoding)
    if problem is not None:
        connection.close()
        raise problem


def _last_of_many() -> type:
    """A cursor that gives the rows of the last of several statements that has any."""
    from psycopg import Cursor  # noqa: PLC0415 - not everybody has the driver

    class Last(Cursor[Any]):
        def execute(self, *args: Any, **kwargs: Any) -> "Last":
            super().execute(*args, **kwargs)
            with_rows = number = 0
            while self.nextset():
                number += 1
                with_rows = number if self.description else with_rows
            if with_rows != number:
                self.set_result(with_rows)
            return self

    return Last


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection
