"""Where a register is: a file, or a database on a PostgreSQL server.

Here alone it is decided which. A URL may hold a password, so it is never shown
whole: messages take ``name_of``.
"""

from pathlib import Path
from typing import Any

from msgspec import Struct

from detente.errors import MalformedInput

EXPECTED = "a file, or postgresql://USER@HOST:PORT/DATABASE"

_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_SECRETS = frozenset({"password", "sslpassword"})


class Server(Struct, frozen=True):
    """A database on a PostgreSQL server; ``url`` is an ``sqlalchemy.URL``."""

    url: Any

    def __str__(self) -> str:
        """The URL without its password."""
        return str(self.url.set(drivername="postgresql"))


Place = Path | Server


def parse_place(text: str) -> Place:
    """Read a register's place as people write it.

    Raises:
        MalformedInput: A URL that is not PostgreSQL's, or names no database. What
            came is not shown: a password may be in it.
    """
    scheme, separator, _ = text.partition("://")
    if not separator:
        if not text:
            raise MalformedInput("register", expected=EXPECTED, got="nothing")
        return Path(text)
    if scheme not in _SCHEMES:
        raise MalformedInput("register", expected=EXPECTED, got="a URL of another kind")
    from sqlalchemy import make_url  # noqa: PLC0415 - slow to import; a file needs none of it
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise MalformedInput("register", expected=EXPECTED, got="a URL of another form") from None
    if not url.database:
        raise MalformedInput("register", expected=EXPECTED, got="a URL without a database")
    if _SECRETS & set(url.query):
        raise MalformedInput(
            "register", expected="the password as USER:PASSWORD@HOST, or in a password file"
        )
    return Server(url.set(drivername="postgresql+psycopg"))


def name_of(where: Place) -> str:
    """What messages call a register."""
    return where.name if isinstance(where, Path) else str(where.url.database)
