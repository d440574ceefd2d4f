"""Fixtures: a register with parties, on a real file."""

from pathlib import Path

import pytest

from detente.core.agreement import Agreement
from detente.core.party import Party
from detente.node.keyring import Keyring
from detente.node.theatre import admit, found
from detente.store import Store
from world import NOW


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """A register of theatre ``test`` with the parties one and two."""
    path = tmp_path / "test.db"
    found(path, theatre="test", agreement=Agreement(name="test"), now=NOW)
    store = Store(path)
    for party in ("one", "two"):
        admit(store, Keyring(path), Party(id=party, name=party.title()), now=NOW)
    store.close()
    return path
