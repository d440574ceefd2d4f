"""Killed at any instant (R-04); test_killed.md tells it."""

import random
import subprocess
import sys
import time
from pathlib import Path

from submitter import BATCH

from cli import DETENTE, detente
from detente.node.audit import audit
from detente.store import Store

ROUNDS = 40
SEED = 20151124
FOUNDING_ENTRIES = 3
"""The agreement and the two parties of the fixture."""


def run_and_kill(register: Path, start: int, seconds: float) -> list[tuple[int, str]]:
    """Let the submitter work for a while once it is ready, kill it, and give its receipts."""
    program = Path(__file__).with_name("submitter.py")
    with subprocess.Popen(
        [sys.executable, program, register, str(start)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.kill()
        lines = process.stdout.read().splitlines()
    whole = [line.split() for line in lines if len(line.split()) == 2 and len(line) > 64]
    return [(int(sequence), leaf) for sequence, leaf in whole]


def test_receipts(register: Path) -> None:
    """Nothing that was answered is lost."""
    chance = random.Random(SEED)
    answered: list[tuple[int, str]] = []
    for number in range(ROUNDS):
        answered += run_and_kill(register, number * 1_000_000, chance.uniform(0, 0.12))
        store = Store(register)
        with store.reading() as record:
            _, size, _ = record.head()
            for sequence, leaf in answered:
                assert record.entry(sequence).leaf.hex() == leaf, f"seed {SEED}, round {number}"
        assert (size - FOUNDING_ENTRIES) % BATCH == 0, f"seed {SEED}, round {number}"
        found = audit(store)
        assert not found.problems, f"seed {SEED}, round {number}: {found.problems}"
        store.close()
    assert len(answered) > 5 * ROUNDS, "the rounds must be long enough to be answered in"
    assert size - FOUNDING_ENTRIES >= len(answered)


def test_import(register: Path) -> None:
    """An import that is killed goes on where it was."""
    rows = 20_000
    table = register.parent / "large.csv"
    table.write_text(
        "id,lat,lon\n" + "".join(f"{n},{n / 1000:.4f},{n / 500:.4f}\n" for n in range(1, rows + 1))
    )
    command = ("import", table, "--as", "notices", "--party", "one", "--store", register, "--json")
    chance = random.Random(SEED)
    sizes = []
    for _ in range(4):
        with subprocess.Popen([DETENTE, *map(str, command)], stdout=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(2.0, 4.0))
            process.kill()
        found = audit(Store(register))
        assert not found.problems
        sizes.append(found.size)
    assert sizes == sorted(sizes)
    assert any(FOUNDING_ENTRIES < size < rows for size in sizes), "no kill came midway"
    assert detente(*command, cwd=register.parent).status == 0
    found = audit(Store(register))
    assert (found.size, found.problems) == (rows + FOUNDING_ENTRIES, [])
