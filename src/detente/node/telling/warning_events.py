"""Warning events: an alert of the watch as its CAP alerts tell it to the party that it warns.

It begins with the first version of the node's ``alert`` entry to that party, goes on as its level
rises and as that party acknowledges it, and ends when the watch says that it ended, or that
nobody watches any more. What is acknowledged after that is no alert: nothing stands that it
could be of. The word of others that were warned of the same track is none either.

What moves has no place on the record. The place is that of the entry that is neared, as far as
the reader may see it now: ``sight`` cuts it.

Source: docs/rules/R-02.md; docs/adr/0032, docs/adr/0038.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.telling import Acknowledgement
from detente.core.view import Reader, View
from detente.core.volume import microseconds
from detente.core.warned import Warned, WarnedState
from detente.core.wire import read
from detente.node.telling.entries import Terms, read_chunk
from detente.node.telling.sight import Change, Event, see
from detente.node.warned import OnRecord
from detente.store import Record, Stored

KEPT = timedelta(days=1)
"""How long the end of an alert stays in the feed: whoever polls less often reads of it by its
address. A day of a busy watch is thousands."""

VERSIONS_MAX = 200
"""Entries of one alert that are read, the latest: some 50 ms."""


class WarningEvent(Struct, frozen=True, kw_only=True):
    """An entry about an alert of the watch, as its reader may see it.

    Attributes:
        event: What happened; it shows the place that is neared, where the reader may see one.
        warning: What the reader was told, as of then.
    """

    event: Event
    warning: View


def warnings_for(
    record: Record, reader: Reader, standing: Mapping[str, OnRecord], end: int
) -> dict[str, list[int]]:
    """The alerts that warn a reader, and the entries of each in order, by object.

    Those that stand, and those that ended no longer than KEPT ago. The last of its entries is
    where an alert stands in the feed.

    Args:
        record: One state of it.
        reader: Who looks.
        standing: All that stand, up to ``end``.
        end: Sequence number that is not reached.
    """
    found = [one for one, known in standing.items() if _is_for(reader, known.value)]
    cutoff = microseconds(reader.now - KEPT)
    ended = record.objects(EntryKind.ALERT, after=_before(record, cutoff, end), ended=True)
    # A look at the bytes spares reading what warns others.
    mark = b"" if reader.party == NODE else f'"to":"{reader.party}"'.encode()
    found += [
        one.object_id
        for one in ended
        if one.received_us >= cutoff and mark in (one.data or b"") and _warns(reader, one)
    ]
    return entries_of(record, reader, dict.fromkeys(found), end)


def entries_of(
    record: Record, reader: Reader, object_ids: Iterable[str], end: int
) -> dict[str, list[int]]:
    """The entries of some alerts that warn a reader, in order: versions, and his own word on them.

    Args:
        record: One state of it.
        reader: Who looks.
        object_ids: Alerts that he may see.
        end: Sequence number that is not reached.
    """
    found = {
        each: entries
        for each in object_ids
        if (entries := [one for one in record.history(each) if one < end])
    }
    if not found:
        return {}
    over = {
        object_id: found[object_id][-1]
        for object_id, stored in record.identified(list(found)).items()
        if stored.ended and stored.sequence < end
    }
    taken: dict[str, list[int]] = {each: [] for each in found}
    for object_id, sequence in _acknowledged(record, reader, found):
        if sequence < over.get(object_id, end):
            taken[object_id].append(sequence)
    return {
        each: sorted((*entries, *sorted(taken[each])[-VERSIONS_MAX:]))
        for each, entries in found.items()
    }


def alert_of(record: Record, reader: Reader, stored: Stored) -> str | None:
    """The alert that an object is, or acknowledges; None where it is none of this reader's."""
    if stored.kind is EntryKind.ALERT:
        return stored.object_id if _warns(reader, stored) else None
    value = None if stored.data is None else read(stored.data)
    if not isinstance(value, Acknowledgement) or reader.party not in {NODE, value.party}:
        return None
    named = record.entries_of([bytes.fromhex(value.entry)]).values()
    about = record.identified([object_id for _, object_id in named]).values()
    return next((one.object_id for one in about if _warns(reader, one)), None)


def events_of(
    record: Record, reader: Reader, sequences: Sequence[int], terms: Terms
) -> Iterator[WarningEvent]:
    """The events of an alert for the party that it warns: new, changed, and ended.

    Args:
        record: One state of it.
        reader: Who looks.
        sequences: The alert's entries, in order (``entries_of``).
        terms: Of the same record.
    """
    begun = False
    warning: View | None = None
    place: View | None = None
    for sequence in sequences:
        chunk = read_chunk(record, sequence, sequence + 1, terms)
        [entry] = chunk.entries
        seen = see(reader, entry, chunk.latest)
        if seen is None or seen.event.view is None:
            continue
        change = Change.CHANGED if begun else Change.NEW
        if isinstance(entry.value, Warned):
            warning = seen.event.view
            place = _place(record, reader, entry.value, sequence, terms)
            if entry.value.state is not WarnedState.STANDING:
                change = Change.ENDED
        if warning is None:
            continue
        begun = True
        event = replace(seen.event, change=change, shows=place)
        yield WarningEvent(event=event, warning=warning)


def _place(
    record: Record, reader: Reader, warned: Warned, sequence: int, terms: Terms
) -> View | None:
    """What a reader may see of the entry that is neared, as it was when he was warned."""
    told = warned.entry
    if told is None or told.object is None:
        return None
    # To its own author the entry was not disclosed: then it is the version of that time.
    of = told.sequence
    if of is None:
        of = max((one for one in record.history(told.object) if one < sequence), default=None)
    if of is None:
        return None
    chunk = read_chunk(record, of, of + 1, terms)
    seen = see(reader, chunk.entries[0], chunk.latest)
    return None if seen is None else seen.event.view


def _acknowledged(
    record: Record, reader: Reader, found: Mapping[str, Sequence[int]]
) -> Iterator[tuple[str, int]]:
    """The alert and the number of each entry by which its reader took it in."""
    sequences = [one for entries in found.values() for one in entries]
    leaves = record.leaves(sequences)
    of = {leaves[one].hex(): each for each, entries in found.items() for one in entries}
    party = None if reader.party == NODE else reader.party
    for stored in record.objects(
        EntryKind.ACKNOWLEDGEMENT, party=party, after=min(sequences, default=-1)
    ):
        value = None if stored.data is None else read(stored.data)
        if isinstance(value, Acknowledgement) and value.entry in of:
            for sequence in record.history(stored.object_id):
                yield of[value.entry], sequence


def _before(record: Record, time_us: int, end: int) -> int:
    """The last entry before one that the node took in at a time or later; -1 where none is."""
    first, last = 0, end
    while first < last:
        middle = (first + last) // 2
        if record.received(middle) < time_us:
            first = middle + 1
        else:
            last = middle
    return first - 1


def _warns(reader: Reader, stored: Stored) -> bool:
    value = None if stored.data is None else read(stored.data)
    return isinstance(value, Warned) and _is_for(reader, value)


def _is_for(reader: Reader, warned: Warned) -> bool:
    return reader.party in {NODE, warned.to}
