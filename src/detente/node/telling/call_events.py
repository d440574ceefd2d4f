"""Call events: a call on the hotline as its alerts tell it to one reader.

It begins when it was opened, for its caller, or when the reader was called; goes on with each
entry that the reader may see, which another call of the same reader is as well; and ends when
its caller closes it. What is said after that is no alert: nothing stands that it could be of.

Who sees what is ``sight``'s to say, as everywhere. The caller's own ``call``, which tells it whom
it may know of, is no alert: it comes with the incident, and with each correction of it.

Source: docs/hotline.md; docs/rules/R-02.md; docs/adr/0035.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.incident import Act, Call, Incident, IncidentStep, Line, call_name
from detente.core.ledger import NODE
from detente.core.view import Reader, View
from detente.node.telling.entries import Terms, read_chunk
from detente.node.telling.sight import Change, Event, see
from detente.store import Record

VERSIONS_MAX = 200
"""Corrections, rungs and steps of one call that are read, the latest of each; some 50 ms each."""


def entries_of(record: Record, reader: Reader, line: Line, end: int) -> list[int]:
    """The entries of a call that may be for a reader, in order; none for who is not on the line.

    The last of them is the reader's last alert: nothing follows on the end of a call.
    Those of others that were called are left out before the latest are taken: how many there
    are must change nothing for this reader.

    Args:
        record: One state of it.
        reader: Who looks.
        line: As the record has it, up to ``end``.
        end: Sequence number that is not reached.
    """
    if reader.party not in {NODE, line.party, *line.calls}:
        return []
    own = _is_own(reader, line)
    speaking = {reader.party, line.party}
    steps = [one for one in line.steps if own or one.party in speaking]
    shown = [one.object_id for one in steps[-VERSIONS_MAX:]]
    closing = [one.object_id for one in steps if one.act is Act.CLOSED]
    histories = [record.history(line.incident)]
    if not own:
        name = call_name(line.incident, reader.party)
        call = record.named(EntryKind.CALL, NODE, [name])[name]
        histories.append(record.history(call.object_id))
    # The first of each is where it begins.
    found = {one for some in histories for one in (*some[:1], *some[-VERSIONS_MAX:])}
    found |= {one for step in (*shown, *closing) for one in record.history(step)[-VERSIONS_MAX:]}
    over = min((record.history(one)[0] for one in closing), default=end)
    return sorted(one for one in found if one < end and one <= over)


def events_of(
    record: Record, reader: Reader, line: Line, sequences: Sequence[int], terms: Terms
) -> Iterator[Event]:
    """The events of a call for a reader: new, changed, and ended by what closes it.

    Each shows the incident as it was by then, beside what it says itself.
    """
    own = _is_own(reader, line)
    begun = False
    incident: View | None = None
    for sequence in sequences:
        chunk = read_chunk(record, sequence, sequence + 1, terms)
        [entry] = chunk.entries
        seen = see(reader, entry, chunk.latest)
        if seen is None:
            continue
        if isinstance(entry.value, Incident):
            incident = seen.event.view
        if not begun and not isinstance(entry.value, Incident if own else Call):
            continue
        over = isinstance(entry.value, IncidentStep) and entry.value.act is Act.CLOSED
        change = Change.ENDED if over else Change.CHANGED if begun else Change.NEW
        begun = True
        shows = None if isinstance(entry.value, Incident) else incident
        yield replace(seen.event, change=change, shows=shows)


def _is_own(reader: Reader, line: Line) -> bool:
    return reader.party in {NODE, line.party}
