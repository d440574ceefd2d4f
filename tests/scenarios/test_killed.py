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
SEED = 20151124


def run_and_kill(where: Place, keyring: Keyring, start: int, seconds: float) -> Receipts:
    """Let the submitter work for a while once it is ready, kill it, and give its receipts."""
    process = Submitter(where, keyring, start)
    process.wait_until_ready()
    time.sleep(seconds)
    process.kill()
    return receipts(process.lines())


def test_receipts(place: Place, keyring: Keyring) -> None:
    """Nothing that was answered is lost."""
    chance = random.Random(SEED)
    answered: Receipts = []
    store = Store(place)
    for number in range(ROUNDS):
        told = f"seed {SEED}, round {number}"
        answered += run_and_kill(place, keyring, number * 1_000_000, chance.uniform(0, 0.15))
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
            time.sleep(chance.uniform(0.3, 0.8))
            if number % 2:
                server.stop(signal.SIGKILL)
                server.start()
            else:
                server.kill_a_session("detente")
        time.sleep(1)
        store = Store(where)
        with store.reading() as record:
            before = [record.chain_head(party) for party in ("one", "two")]
        time.sleep(1)
    lines = [line for one in working for line in one.lines()]
    size = assert_kept(store, receipts(lines), f"seed {SEED}")
    assert (size - FOUNDING_ENTRIES) % BATCH == 0
    assert size - FOUNDING_ENTRIES >= len(receipts(lines)) > 20 * SERVER_ROUNDS
    assert lines.count("unavailable") + lines.count("outcome_unknown") >= SERVER_ROUNDS
    with store.reading() as record:
        for party, head in zip(("one", "two"), before, strict=True):
            after = record.chain_head(party)
            assert after is not None
            assert head is not None
            assert after.party_sequence > head.party_sequence, "each goes on by itself"


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
