"""Clients, accounts and sessions in the database: rows in, rows out, no rules.

Every call is a transaction of its own. They block: an event loop calls them in a
thread.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from detente.core.party import PartyId
from detente.core.principal import Role, Scope, known_scopes
from detente.core.volume import microseconds
from detente.errors import Conflict, NotFound
from detente.store.access_tables import account, client, session
from detente.store.database import Database


class Client(Struct, frozen=True, kw_only=True):
    """A program of a party's: with a secret, a certificate, or both.

    Attributes:
        id: Its name here.
        party: For whom it speaks.
        scopes: What it may ask for.
        secret_hash: argon2id of its secret.
        certificate: SHA-256 of its TLS certificate (DER).
        revoked: Whether it may no longer ask.
    """

    id: PartyId
    party: PartyId
    scopes: frozenset[Scope]
    secret_hash: str | None = None
    certificate: bytes | None = None
    revoked: bool = False


class Account(Struct, frozen=True, kw_only=True):
    """Somebody with a password: a desk, or a person at one."""

    name: str
    party: PartyId
    roles: frozenset[Role]
    password_hash: str
    disabled: bool = False


class Session(Struct, frozen=True, kw_only=True):
    """Somebody signed in; ``digest`` is SHA-256 of the token that he holds."""

    digest: bytes
    party: PartyId
    roles: frozenset[Role]
    subject: str
    issuer: str | None
    expires_us: int


class AccessStore:
    """The tables of access of one theatre.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_client(self, one: Client, *, now: datetime) -> None:
        """Keep a new client.

        Raises:
            Conflict: Its name is taken; revoked ones keep theirs.
        """
        with self._database.writing() as connection:
            if connection.execute(sa.select(client.c.id).where(client.c.id == one.id)).first():
                raise Conflict(f"client {one.id}", expected="a name that is not taken yet")
            connection.execute(
                sa.insert(client).values(
                    id=one.id,
                    party=one.party,
                    scopes=_words(one.scopes),
                    secret_hash=one.secret_hash,
                    certificate=one.certificate,
                    created_us=microseconds(now),
                )
            )

    def client(self, client_id: str) -> Client | None:
        """A client by its name, revoked or not."""
        return self._client(client.c.id == client_id)

    def client_with(self, certificate: bytes) -> Client | None:
        """A client by its certificate's SHA-256, revoked or not."""
        return self._client(client.c.certificate == certificate)

    def clients(self) -> list[Client]:
        """All of them, revoked ones too, by name."""
        with self._database.reading() as connection:
            return [_client(row) for row in connection.execute(sa.select(client).order_by("id"))]

    def revoke_client(self, client_id: str, *, now: datetime) -> None:
        """Let a client ask for nothing any more.

        Raises:
            NotFound: There is none of this name, or it is revoked.
        """
        change = sa.update(client).where(client.c.id == client_id, client.c.revoked_us.is_(None))
        with self._database.writing() as connection:
            if not connection.execute(change.values(revoked_us=microseconds(now))).rowcount:
                raise NotFound(f"client {client_id}", expected="one that is not revoked")

    def enrol_client(self, client_id: str, digest: str, certificate: bytes) -> bool:
        """Give a client a certificate in place of the token of this digest; it is spent by it.

        Returns:
            Whether it was still there to be spent.
        """
        kept = client.c.secret_hash.startswith(f"enrol${digest}$", autoescape=True)
        which = sa.update(client).where(client.c.id == client_id, client.c.revoked_us.is_(None))
        change = which.where(kept).values(secret_hash=None, certificate=certificate)
        with self._database.writing() as connection:
            return bool(connection.execute(change).rowcount)

    def revoked_clients(self, *, since_us: int) -> frozenset[str]:
        """Names of those revoked since then."""
        query = sa.select(client.c.id).where(client.c.revoked_us >= since_us)
        with self._database.reading() as connection:
            return frozenset(connection.execute(query).scalars())

    def add_account(self, one: Account, *, now: datetime) -> None:
        """Keep a new account.

        Raises:
            Conflict: Its name is taken; disabled ones keep theirs.
        """
        query = sa.select(account.c.name).where(account.c.name == one.name)
        with self._database.writing() as connection:
            if connection.execute(query).first():
                raise Conflict(f"account {one.name}", expected="a name that is not taken yet")
            connection.execute(
                sa.insert(account).values(
                    name=one.name,
                    party=one.party,
                    roles=_words(one.roles),
                    password_hash=one.password_hash,
                    created_us=microseconds(now),
                )
            )

    def account(self, name: str) -> Account | None:
        """An account by its name, disabled or not."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(account).where(account.c.name == name)).one_or_none()
        return None if row is None else _account(row)

    def accounts(self) -> list[Account]:
        """All of them, disabled ones too, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(account).order_by("name"))
            return [_account(row) for row in rows]

    def set_password(self, name: str, password_hash: str) -> None:
        """Give an account another password; its sessions end.

        Raises:
            NotFound: There is none of this name.
        """
        self._change_account(name, password_hash=password_hash)

    def disable_account(self, name: str, *, now: datetime) -> None:
        """Let nobody in by this account any more; its sessions end.

        Raises:
            NotFound: There is none of this name.
        """
        self._change_account(name, disabled_us=microseconds(now))

    def add_session(self, one: Session, *, now: datetime) -> None:
        """Keep a new session, and forget those that are over."""
        now_us = microseconds(now)
        with self._database.writing() as connection:
            connection.execute(sa.delete(session).where(session.c.expires_us <= now_us))
            connection.execute(
                sa.insert(session).values(
                    digest=one.digest,
                    party=one.party,
                    roles=_words(one.roles),
                    subject=one.subject,
                    issuer=one.issuer,
                    created_us=now_us,
                    expires_us=one.expires_us,
                )
            )

    def session(self, digest: bytes) -> Session | None:
        """A session by the digest of its token, over or not."""
        query = sa.select(session).where(session.c.digest == digest)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _session(row)

    def end_session(self, digest: bytes) -> None:
        """Forget a session."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(session).where(session.c.digest == digest))

    def _client(self, which: sa.ColumnElement[bool]) -> Client | None:
        with self._database.reading() as connection:
            row = connection.execute(sa.select(client).where(which)).one_or_none()
        return None if row is None else _client(row)

    def _change_account(self, name: str, **values: str | int) -> None:
        with self._database.writing() as connection:
            change = sa.update(account).where(account.c.name == name).values(**values)
            if not connection.execute(change).rowcount:
                raise NotFound(f"account {name}")
            connection.execute(
                sa.delete(session).where(session.c.subject == name, session.c.issuer.is_(None))
            )


def _words(words: Iterable[str]) -> str:
    return " ".join(sorted(words))


def _client(row: sa.Row[*tuple[Any, ...]]) -> Client:
    return Client(
        id=row.id,
        party=row.party,
        scopes=known_scopes(row.scopes.split()),
        secret_hash=row.secret_hash,
        certificate=None if row.certificate is None else bytes(row.certificate),
        revoked=row.revoked_us is not None,
    )


def _account(row: sa.Row[*tuple[Any, ...]]) -> Account:
    return Account(
        name=row.name,
        party=row.party,
        roles=_roles(row.roles),
        password_hash=row.password_hash,
        disabled=row.disabled_us is not None,
    )


def _session(row: sa.Row[*tuple[Any, ...]]) -> Session:
    return Session(
        digest=bytes(row.digest),
        party=row.party,
        roles=_roles(row.roles),
        subject=row.subject,
        issuer=row.issuer,
        expires_us=int(row.expires_us),
    )


def _roles(text: str) -> frozenset[Role]:
    return frozenset(Role(word) for word in text.split())
