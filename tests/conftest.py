"""Fixtures: a register with parties, on a real file and in a real PostgreSQL."""

from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, settings

from detente.core.agreement import Agreement
from detente.core.party import Party
from detente.node.keyring import Keyring
from detente.node.theatre import admit, found
from detente.store import Place, Store, parse_place
from detente.store.database import Database
from postgres import TEMPLATE, Cluster
from world import NOW

if TYPE_CHECKING:
    from playwright.sync_api import Browser

KINDS = ("sqlite", "postgresql")

# How long an example takes says how busy the machine is; speed is what `make bench` measures.
settings.register_profile("detente", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("detente")

# What httpx waits for where a test says nothing: five seconds is not much on a busy machine.
_PATIENCE: httpx.Timeout = signature(httpx.get).parameters["timeout"].default
_PATIENCE.connect = _PATIENCE.read = _PATIENCE.write = _PATIENCE.pool = 60.0


# Modules of minutes: begun last, one of them keeps one core busy while the others wait for it.
_LONG = ("test_schema_fuzz.py",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; all others as they stand."""
    items.sort(key=lambda item: item.path.name not in _LONG)


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """A register of theatre ``test`` with the parties one and two."""
    path = tmp_path / "test.db"
    begin(path, Keyring(path))
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium."""
    from page import chromium  # noqa: PLC0415 - most tests need no browser

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for all tests, with a database to copy that has our tables."""
    cluster = Cluster()
    try:
        cluster.start()
        with cluster.connect() as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
        Database(parse_place(cluster.url(TEMPLATE)), create=True).close()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest) -> str:
    """Which kind of database a test runs on: it runs on each."""
    kind: str = request.param
    return kind


@pytest.fixture
def new_place(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Place]]:
    """Gives places where no theatre is yet: files, or databases of their own."""
    made: list[str] = []

    def on_file() -> Place:
        made.append(f"new{len(made)}.db")
        return tmp_path / made[-1]

    if database == "sqlite":
        yield on_file
        return
    cluster: Cluster = request.getfixturevalue("cluster")

    def on_server() -> Place:
        made.append(cluster.make(TEMPLATE))
        return parse_place(cluster.url(made[-1]))

    yield on_server
    for name in made:
        cluster.drop(name)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """Where the keys of ``place`` are."""
    return Keyring(tmp_path / "test.db")


@pytest.fixture
def place(new_place: Callable[[], Place], keyring: Keyring) -> Place:
    """On each kind of database, a register of theatre ``test`` with the parties one and two."""
    where = new_place()
    begin(where, keyring)
    return where


def begin(where: Place, keyring: Keyring) -> None:
    """Found the theatre ``test``, and admit one and two."""
    found(where, theatre="test", agreement=Agreement(name="test"), now=NOW, keyring=keyring)
    store = Store(where)
    for party in ("one", "two"):
        admit(store, keyring, Party(id=party, name=party.title()), now=NOW)
    store.close()
