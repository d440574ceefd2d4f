"""Alters a register behind the node's back, as whoever holds the database could."""

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from detente.store import Place

POSTGRESQL = """
SET session_replication_role = replica;
CREATE FUNCTION zeros(integer) RETURNS bytea LANGUAGE sql
    AS $$ SELECT decode(repeat('00', $1), 'hex') $$;
CREATE FUNCTION as_text(bytea) RETURNS text LANGUAGE sql
    AS $$ SELECT convert_from($1, 'UTF8') $$;
CREATE FUNCTION as_bytes(text) RETURNS bytea LANGUAGE sql
    AS $$ SELECT convert_to($1, 'UTF8') $$;
"""
"""No references are checked; and the functions that the statements of the tests use."""


def alter(where: Place, sql: str) -> None:
    """Run statements, without asking whether what they leave still fits together."""
    if isinstance(where, Path):
        with closing(sqlite3.connect(where)) as connection, connection:
            connection.execute("PRAGMA foreign_keys=OFF")
            connection.create_function("zeros", 1, bytes)
            connection.create_function("as_text", 1, bytes.decode)
            connection.create_function("as_bytes", 1, str.encode)
            connection.executescript(sql)
        return
    engine = sa.create_engine(where.url)
    with engine.begin() as server:
        server.exec_driver_sql(POSTGRESQL + sql)
        server.exec_driver_sql("DROP FUNCTION zeros, as_text, as_bytes")
    engine.dispose()
