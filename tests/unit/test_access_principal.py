"""Roles, scopes, and what a principal may ask for."""

import re
from pathlib import Path

import pytest

from detente.core.principal import (
    PARTY_ROLES,
    ROLES,
    SCOPES,
    Method,
    Principal,
    Role,
    Scope,
    known_scopes,
    scopes_of,
    signed_principal,
)
from detente.errors import NotPermitted


def test_every_scope_is_explained_and_every_role_has_some() -> None:
    assert set(SCOPES) == set(Scope)
    assert all(help_.endswith(".") for help_ in SCOPES.values())
    assert set(ROLES) == set(Role)
    assert all(ROLES.values())
    assert set().union(*ROLES.values()) == set(Scope)


def test_only_the_administrator_administers_and_only_the_auditor_audits() -> None:
    for role, scopes in ROLES.items():
        assert (Scope.ADMIN in scopes) == (role is Role.ADMINISTRATOR)
        assert (Scope.AUDIT in scopes) == (role is Role.AUDITOR)


def test_neither_of_them_speaks_for_a_party() -> None:
    writes = {scope for scope in Scope if scope.value.endswith(".write")}
    assert not writes & scopes_of({Role.ADMINISTRATOR, Role.AUDITOR})


def test_one_scope_of_several_is_enough_and_none_is_refused_by_name() -> None:
    asker = Principal(
        party="one",
        method=Method.TOKEN,
        subject="one",
        scopes=frozenset({Scope.UTM_CONSTRAINT_PROCESSING}),
    )
    asker.require(Scope.UTM_CONSTRAINT_MANAGEMENT, Scope.UTM_CONSTRAINT_PROCESSING)
    with pytest.raises(NotPermitted, match=r"detente\.plans\.write.*constraint_processing"):
        asker.require(Scope.WRITE_PLANS)
    with pytest.raises(NotPermitted):
        asker.require()


def test_names_that_are_no_scopes_of_ours_say_nothing() -> None:
    assert known_scopes(["detente.read", "rid.display_provider", "", "DETENTE.READ"]) == {
        Scope.READ
    }
    assert scopes_of([]) == frozenset()


def test_a_partys_own_key_speaks_for_its_desks_and_not_for_the_node() -> None:
    asker = signed_principal("one", "0123456789abcdef")
    assert asker.roles == PARTY_ROLES
    assert asker.method is Method.SIGNED
    asker.require(Scope.WRITE_PLANS)
    with pytest.raises(NotPermitted):
        asker.require(Scope.ADMIN)


def test_the_page_on_access_shows_each_role_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "access.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| (`.*`) \|$", page, re.MULTILINE))
    assert {role: set(re.findall(r"`([^`]+)`", text)) for role, text in told.items()} == {
        role.value: {scope.value for scope in scopes} for role, scopes in ROLES.items()
    }
