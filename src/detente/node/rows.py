"""Objects in the order of the record: of some kinds, of a party, after an entry or a time."""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta

from detente.core.entry import EntryKind
from detente.core.volume import microseconds
from detente.node.wanted import Wanted
from detente.store import Record, Stored

CHUNK = 64
"""Objects taken from the store at a time, so that large ones do not fill the memory."""

CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of processes that share a record may differ; see ``first_since``."""


def rows_of(record: Record, wanted: Wanted, after: int) -> Iterator[Stored]:
    """Objects in order. One index serves each question; what it does not tell is looked at."""
    kinds = sorted(wanted.kinds)
    if wanted.party is not None:
        rows = _following(record, after, party=wanted.party)
        return (one for one in rows if not kinds or one.kind in wanted.kinds)
    if not kinds:
        return _following(record, after)
    parts = [_following(record, after, kind) for kind in kinds]
    return heapq.merge(*parts, key=lambda one: one.sequence)


def _following(
    record: Record, after: int, *kinds: EntryKind, party: str | None = None
) -> Iterator[Stored]:
    while True:
        chunk = list(record.objects(*kinds, party=party, after=after, limit=CHUNK))
        yield from chunk
        if len(chunk) < CHUNK:
            return
        after = chunk[-1].sequence


def first_since(record: Record, since: datetime) -> int:
    """The first entry that was taken in at a time or later, found by halving.

    Entries are taken in in the order of time but for how far the clocks of several
    processes differ; whoever asks goes back by more than that.
    """
    wanted_us = microseconds(since)
    low, high = 0, record.head()[1]
    while low < high:
        middle = (low + high) // 2
        if record.received(middle) < wanted_us:
            low = middle + 1
        else:
            high = middle
    return low
