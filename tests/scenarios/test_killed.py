"""Killed at any instant (R-04); test_killed.md tells it."""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from submitter import BATCH
from submitting import FOUNDING_ENTRIES, Receipts, Submitter, assert_kept, receipts, submitting

from cli import DETENTE, detente
from conftest import begin
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Place, Store, parse_place
from postgres import Cluster

ROUNDS = 20
SERVER_ROUNDS = 8
SERVER_ENTRIES = 12
"""For which each is answered between two kills, at the least."""
SEED = 20151124


ENTRIES = 12
"""The most that are answered before a kill is near."""

INSTANT_S = 0.03
"""Some transactions: within it a kill may come at any moment of one."""


def run_and_kill(where: Place, keyring: Keyring, start: int, chance: random.Random) -> Receipts:
    """Let the submitter have a few answers once it is ready, kill it, and give its receipts."""
    process = Submitter(where, keyring, start)
    process.wait_until_ready()
    process.wait_for(chance.randint(0, ENTRIES))
    time.sleep(chance.uniform(0, INSTANT_S))
    process.kill()
    return receipts(process.lines())


def test_receipts(place: Place, keyring: Keyring) -> None:
    """Nothing that was answered is lost."""
    chance = random.Random(SEED)
    answered: Receipts = []
    store = Store(place)
    for number in range(ROUNDS):
        told = f"seed {SEED}, round {number}"
        answered += run_and_kill(place, keyring, number * 1_000_000, chance)
        size = assert_kept(store, answered, told)
        assert (size - FOUNDING_ENTRIES) % BATCH == 0, told
    assert len(answered) > 5 * ROUNDS, "the rounds must be long enough to be answered in"
    assert size - FOUNDING_ENTRIES >= len(answered)


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A PostgreSQL server that may be killed."""
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def test_server(server: Cluster, keyring: Keyring) -> None:
    """The server is killed, and nobody restarts the submitters."""
    where = parse_place(server.url(server.make()))
    begin(where, keyring)
    chance = random.Random(SEED)
    with submitting(where, keyring, "one", "two") as working:
        for number in range(SERVER_ROUNDS):
            for one in working:
                one.wait_for(SERVER_ENTRIES)
            time.sleep(chance.uniform(0, 0.3))
            if number % 2:
                server.stop(signal.SIGKILL)
                server.start()
            else:
                server.kill_a_session("detente")
        # Each goes on by itself.
        for one in working:
            one.wait_for(SERVER_ENTRIES)
    store = Store(where)
    lines = [line for one in working for line in one.lines()]
    size = assert_kept(store, receipts(lines), f"seed {SEED}")
    assert (size - FOUNDING_ENTRIES) % BATCH == 0
    assert size - FOUNDING_ENTRIES >= len(receipts(lines)) > 20 * SERVER_ROUNDS
    assert lines.count("unavailable") + lines.count("outcome_unknown") >= SERVER_ROUNDS


def test_import(register: Path) -> None:
    """An import that is killed goes on where it was."""
    rows = 20_000
    table = register.parent / "large.csv"
    table.write_text(
        "id,lat,lon\n" + "".join(f"{n},{n / 1000:.4f},{n / 500:.4f}\n" for n in range(1, rows + 1))
    )
    command = ("import", table, "--as", "notices", "--party", "one", "--store", register, "--json")
    chance = random.Random(SEED)
    store = Store(register)
    sizes = [store.size()]
    for _ in range(4):
        with subprocess.Popen([DETENTE, *map(str, command)], stdout=subprocess.DEVNULL) as process:
            while store.size() == sizes[-1] and process.poll() is None:
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.3))
            process.kill()
        found = audit(store)
        assert not found.problems
        sizes.append(found.size)
    assert sizes == sorted(sizes)
    assert any(FOUNDING_ENTRIES < size < rows for size in sizes), "no kill came midway"
    assert detente(*command, cwd=register.parent).status == 0
    found = audit(Store(register))
    assert (found.size, found.problems) == (rows + FOUNDING_ENTRIES, [])
