"""Several processes on one register (R-04); test_together.md tells it."""

import time

from submitter import BATCH
from submitting import FOUNDING_ENTRIES, Submitter, assert_kept, receipts

from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Place, Store

COUNT = 60
"""Transactions that each process must be answered."""

SPEAKERS = ("one", "one", "two", "two")


def test_appending(place: Place, keyring: Keyring) -> None:
    """Never a fork, never a gap."""
    working = [
        Submitter(place, keyring, number * 1_000_000, party=party, count=COUNT)
        for number, party in enumerate(SPEAKERS)
    ]
    lines = [line for one in working for line in one.lines()]
    assert [one.status for one in working] == [0] * len(SPEAKERS)
    answered = receipts(lines)
    total = len(SPEAKERS) * COUNT * BATCH
    assert sorted(sequence for sequence, _ in answered) == list(
        range(FOUNDING_ENTRIES, FOUNDING_ENTRIES + total)
    )
    assert assert_kept(Store(place), answered, "many at once") == FOUNDING_ENTRIES + total


def test_reading(place: Place, keyring: Keyring) -> None:
    """A reader sees one state."""
    working = [Submitter(place, keyring, 0, party=party) for party in ("one", "two")]
    for process in working:
        process.wait_until_ready()
    store = Store(place)
    sizes = set()
    try:
        for _ in range(25):
            found = audit(store)
            assert not found.problems
            sizes.add(found.size)
        with store.reading() as record:
            before = record.head()
            rows = record.rows()
            first = next(rows)
            time.sleep(1)
            assert record.head() == before
            assert len([first, *rows]) == before[1] == max(sizes | {before[1]})
            assert len(list(record.objects())) == before[1]
    finally:
        for process in working:
            process.kill()
            process.lines()
    assert len(sizes) > 3, "the others must write meanwhile"
    assert audit(store).size > before[1]
