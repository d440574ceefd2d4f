"""Notification indices, counted anew from the record when a node starts.

An index is the number of changes that its subscription had to be told of. What
was counted up to some entry is kept beside the record now and then
(``keeping``), so that a start replays the entries since then and not all.
The replay needs the airspace as it was at that entry: the present one, with
whatever changed since put back.

Source: docs/adr/0012.
"""

from collections.abc import Callable, Iterator, Mapping

from detente.core.entry import EntryKind, Statement, unseal
from detente.core.wire import Value, read
from detente.node.f3548.airspace import Airspace
from detente.node.submit import Receipt
from detente.store import Appender, Record

KEEP_EVERY = 20_000
"""Entries: what a start replays at most, some two seconds of work. A node with fewer
subscriptions than that writes at most one row an entry for it."""

_COUNTED = (EntryKind.PLAN, EntryKind.ZONE, EntryKind.SUBSCRIPTION)

Then = dict[int, tuple[str, int, bytes]]
"""By sequence number: an object, the version of it, and its bytes."""


def recount(record: Record, airspace: Airspace) -> None:
    """Let an airspace that holds all current objects count on from the record's indices."""
    first, kept = record.notified()
    counts: Mapping[str, int] = kept
    if airspace.wishes:
        past = _at(record, first)
        past.begin(kept)
        for said, value in _said_since(record, first):
            past.fold(said.object, said.version, value, "")
        # Whom the node itself had to tell was decided then, and not by what stands now.
        past.owe(record.owed(first, record.head()[1]))
        counts = past.indices
    airspace.begin(counts)
    airspace.counts_kept = first
    airspace.last_owed = record.last_owed()


def keeping(airspace: Airspace) -> Callable[[Appender, list[Receipt]], None]:
    """Keeps what is counted once a batch is appended, before a start would replay too many."""

    def keep(record: Appender, receipts: list[Receipt]) -> None:
        # By now the airspace holds the whole batch, up to this size.
        size = receipts[0].size
        if size - airspace.counts_kept >= max(KEEP_EVERY, len(airspace.wishes)):
            record.keep_notified(size, airspace.indices)
            airspace.counts_kept = size

    return keep


def _said_since(record: Record, first: int) -> Iterator[tuple[Statement, Value]]:
    for _, _, envelope, content in record.rows(first):
        said = unseal(envelope).statement
        if content is not None and said.kind in _COUNTED:
            yield said, read(content.data)


def _at(record: Record, first: int) -> Airspace:
    """The airspace as it was at ``first`` entries."""
    past = Airspace()
    if first:
        then = _unchanged(record, first) | _replaced(record, first)
        for _, (object_id, version, data) in sorted(then.items()):
            past.fold(object_id, version, read(data), "")
    return past


def _unchanged(record: Record, first: int) -> Then:
    """What was current then and still is."""
    return {
        stored.sequence: (stored.object_id, stored.version, stored.data)
        for stored in record.objects(*_COUNTED)
        if stored.sequence < first and stored.data is not None
    }


def _replaced(record: Record, first: int) -> Then:
    """What was current then and is no more."""
    next_versions: dict[str, int] = {}
    for said, _ in _said_since(record, first):
        next_versions.setdefault(said.object, said.version)
    then: Then = {}
    for object_id, version in next_versions.items():
        if version > 1:
            sequence = max(one for one in record.history(object_id) if one < first)
            content = record.content(sequence)
            if content is not None:
                then[sequence] = (object_id, version - 1, content.data)
    return then
