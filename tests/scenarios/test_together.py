"""Several processes on one register (R-04); test_together.md tells it."""

import itertools
import time

from submitter import BATCH
from submitting import FOUNDING_ENTRIES, assert_kept, receipts, submitting

from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Place, Store

ROUNDS, WAIT_S = 25, 30
COUNT = 60
"""Transactions that each process must be answered."""

SPEAKERS = ("one", "one", "two", "two")


def test_appending(place: Place, keyring: Keyring) -> None:
    """Never a fork, never a gap."""
    with submitting(place, keyring, *SPEAKERS, count=COUNT) as working:
        for one in working:
            one.wait()
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
    store, beside = Store(place), Store(place)
    sizes = set()
    with submitting(place, keyring, "one", "two"):
        until = time.monotonic() + WAIT_S
        for round_ in itertools.count(1):
            found = audit(store)
            assert not found.problems
            sizes.add(found.size)
            if round_ >= ROUNDS and len(sizes) > 3:
                break
            assert round_ < ROUNDS or time.monotonic() < until, "the others must write meanwhile"
        with store.reading() as record:
            before = record.head()
            rows = record.rows()
            first = next(rows)
            while beside.size() == before[1]:
                assert time.monotonic() < until + WAIT_S, "the others must write meanwhile"
                time.sleep(0.05)
            assert record.head() == before
            assert len([first, *rows]) == before[1] == max(sizes | {before[1]})
            assert len(list(record.objects())) == before[1]
    assert audit(store).size > before[1]
