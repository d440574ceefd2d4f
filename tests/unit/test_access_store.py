"""Clients, accounts and sessions, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from detente.core.principal import Role, Scope
from detente.core.volume import microseconds
from detente.errors import Conflict, NotFound
from detente.store import AccessStore, Account, Client, Place, Session, Store
from world import NOW

HASHED, OTHER = "a hash", "another hash"

CLIENT = Client(
    id="uss", party="one", scopes=frozenset({Scope.READ, Scope.CHECK}), secret_hash=HASHED
)
ACCOUNT = Account(name="desk", party="one", roles=frozenset({Role.WATCH}), password_hash=HASHED)


@pytest.fixture
def access(place: Place) -> Iterator[AccessStore]:
    store = Store(place)
    yield store.access
    store.close()


def test_a_client_is_kept_revoked_and_never_replaced(access: AccessStore) -> None:
    assert access.client("uss") is None
    access.add_client(CLIENT, now=NOW)
    assert access.client("uss") == CLIENT
    with pytest.raises(Conflict, match="client uss"):
        access.add_client(replace(CLIENT, party="two"), now=NOW)
    with pytest.raises(NotFound):
        access.revoke_client("other", now=NOW)
    access.revoke_client("uss", now=NOW)
    assert access.client("uss") == replace(CLIENT, revoked=True)
    with pytest.raises(NotFound):
        access.revoke_client("uss", now=NOW)
    with pytest.raises(Conflict):
        access.add_client(CLIENT, now=NOW)
    since = microseconds(NOW)
    assert access.revoked_clients(since_us=since) == {"uss"}
    assert access.revoked_clients(since_us=since + 1) == frozenset()


def test_a_client_is_found_by_its_certificate(access: AccessStore) -> None:
    by_certificate = Client(
        id="mtls", party="two", scopes=frozenset({Scope.READ}), certificate=b"c" * 32
    )
    access.add_client(CLIENT, now=NOW)
    access.add_client(by_certificate, now=NOW)
    assert access.client_with(b"c" * 32) == by_certificate
    assert access.client_with(b"d" * 32) is None
    assert [one.id for one in access.clients()] == ["mtls", "uss"]


def test_an_account_is_kept_changed_and_disabled(access: AccessStore) -> None:
    assert access.account("desk") is None
    access.add_account(ACCOUNT, now=NOW)
    with pytest.raises(Conflict, match="account desk"):
        access.add_account(ACCOUNT, now=NOW)
    access.set_password("desk", OTHER)
    assert access.account("desk") == replace(ACCOUNT, password_hash=OTHER)
    access.disable_account("desk", now=NOW)
    assert access.accounts() == [replace(ACCOUNT, password_hash=OTHER, disabled=True)]
    with pytest.raises(NotFound, match="account nobody"):
        access.set_password("nobody", OTHER)
    with pytest.raises(NotFound, match="account nobody"):
        access.disable_account("nobody", now=NOW)


def session(digest: bytes, **changes: Any) -> Session:
    return replace(
        Session(
            digest=digest * 32,
            party="one",
            roles=ACCOUNT.roles,
            subject="desk",
            issuer=None,
            expires_us=microseconds(NOW + timedelta(hours=1)),
        ),
        **changes,
    )


def test_sessions_end_with_their_account_and_not_with_its_namesake(access: AccessStore) -> None:
    access.add_account(ACCOUNT, now=NOW)
    own, namesake = session(b"a"), session(b"b", issuer="https://idp.example")
    for one in (own, namesake):
        access.add_session(one, now=NOW)
    assert access.session(own.digest) == own
    access.set_password("desk", OTHER)
    assert access.session(own.digest) is None
    assert access.session(namesake.digest) == namesake
    access.end_session(namesake.digest)
    access.end_session(namesake.digest)
    assert access.session(namesake.digest) is None


def test_sessions_that_are_over_are_forgotten(access: AccessStore) -> None:
    access.add_session(session(b"a"), now=NOW)
    later = NOW + timedelta(hours=1)
    access.add_session(session(b"b", expires_us=microseconds(later) + 1), now=later)
    assert access.session(b"a" * 32) is None
    assert access.session(b"b" * 32) is not None
