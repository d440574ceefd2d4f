"""Writing what an append adds, with as few statements as each database needs.

SQLite answers in microseconds, so it is given one statement a table. PostgreSQL
is a round trip away while everyone waits for the head: it is given all rows of all
tables as arrays, in one statement.
"""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from detente.store import tables

Row = tuple[Any, ...]
"""Values in the order of a table's columns."""


class Rows(Struct, frozen=True, kw_only=True):
    """What an append adds to each table.

    ``ungathered`` are the objects of which another version was gathered; ``head`` is what its
    one row becomes.
    """

    entry: list[Row]
    content: list[Row]
    object: list[Row]
    gathered: list[Row]
    ungathered: list[str]
    tile: list[Row]
    head: Row


def write(connection: sa.Connection, rows: Rows) -> None:
    """Write the rows, in a transaction that holds the head."""
    if connection.dialect.name == "postgresql":
        columns = [
            list(column)
            for table, width in (
                (rows.entry, len(tables.entry.c)),
                (rows.content, len(tables.content.c)),
                (rows.tile, len(tables.tile.c)),
                (rows.object, len(tables.current.c)),
                (rows.gathered, len(tables.gathered.c)),
            )
            for column in (zip(*table, strict=True) if table else [()] * width)
        ]
        ungathered = (rows.ungathered,) if rows.ungathered else ()
        statement = _AT_ONCE_CHANGED if ungathered else _AT_ONCE
        connection.exec_driver_sql(statement, (*columns, *ungathered, *rows.head[1:], rows.head[0]))
        return
    if rows.ungathered:
        connection.exec_driver_sql(_UNGATHER, [(object_id,) for object_id in rows.ungathered])
    changed, new = _apart(rows.object)
    for statement, table in (
        (_PUT_ENTRY, rows.entry),
        (_PUT_CONTENT, rows.content),
        (_PUT_TILE, rows.tile),
        # What is changed gives names free that new ones may take.
        (_PUT_OBJECT, changed),
        (_PUT_NEW_OBJECT, new),
        (_PUT_GATHERED, rows.gathered),
    ):
        if table:
            connection.exec_driver_sql(statement, table)
    connection.exec_driver_sql(_MOVE_HEAD, (*rows.head[1:], rows.head[0]))


def _apart(objects: list[Row]) -> tuple[list[Row], list[Row]]:
    """Objects that may be there, and those in their first version, which are not.

    For a row that may replace another one that refers to others, SQLite keeps a copy of each
    page that it changes, in a file: 15 of 39 us an entry in bulk.
    """
    changed: list[Row] = []
    new: list[Row] = []
    for row in objects:
        (new if row[_VERSION] == 1 else changed).append(row)
    return changed, new


def _insert(table: sa.Table, values: str) -> str:
    return f"INSERT INTO {table.name} ({', '.join(table.c.keys())}) {values}"


def _questions(table: sa.Table) -> str:
    return f"VALUES ({', '.join('?' * len(table.c))})"


def _arrays(table: sa.Table) -> str:
    """The rows from one array a column; ``%b`` is psycopg's, in the binary format."""
    types = {sa.BigInteger: "int8", sa.Integer: "int4", sa.LargeBinary: "bytea", sa.Boolean: "bool"}
    columns = (types.get(type(column.type), "text") for column in table.c)
    return f"SELECT * FROM unnest({', '.join(f'%b::{one}[]' for one in columns)})"  # noqa: S608


# Both databases spell it alike.
_ON_TILE = " ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"
_ON_OBJECT = " ON CONFLICT (id) DO UPDATE SET " + ", ".join(
    f"{column.name} = excluded.{column.name}"
    for column in tables.current.c
    if not column.primary_key
)

_PUT_ENTRY = _insert(tables.entry, _questions(tables.entry))
_PUT_CONTENT = _insert(tables.content, _questions(tables.content))
_PUT_TILE = _insert(tables.tile, _questions(tables.tile)) + _ON_TILE
_VERSION = tables.current.c.keys().index("version")
_PUT_NEW_OBJECT = _insert(tables.current, _questions(tables.current))
_PUT_OBJECT = _PUT_NEW_OBJECT + _ON_OBJECT
_PUT_GATHERED = _insert(tables.gathered, _questions(tables.gathered))
_UNGATHER = "DELETE FROM gathered WHERE sequence = (SELECT sequence FROM object WHERE id = ?)"
_MOVE_HEAD = "UPDATE head SET size = ?, root = ? WHERE theatre = ?"

_ADD = (
    f"WITH e AS ({_insert(tables.entry, _arrays(tables.entry))}),"
    f" c AS ({_insert(tables.content, _arrays(tables.content))}),"
    f" t AS ({_insert(tables.tile, _arrays(tables.tile))}{_ON_TILE}),"
    f" o AS ({_insert(tables.current, _arrays(tables.current))}{_ON_OBJECT}),"
    f" g AS ({_insert(tables.gathered, _arrays(tables.gathered))})"
)
# The statement sees the objects as they were before it.
_UNGATHER_MANY = (
    ", u AS (DELETE FROM gathered USING object WHERE gathered.sequence = object.sequence"
    " AND object.id = ANY(%b::text[]))"
)
_MOVE = " UPDATE head SET size = %b, root = %b WHERE theatre = %s"
# Apart, for where nothing changes the server plans once, which takes as long as to write.
_AT_ONCE = _ADD + _MOVE
_AT_ONCE_CHANGED = _ADD + _UNGATHER_MANY + _MOVE
