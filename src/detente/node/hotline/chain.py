"""The chain of a call: which entries stand beside an incident in its evidence.

Source: docs/evidence.md, docs/hotline.md.
"""

from collections.abc import Iterator

from detente.core.entry import EntryKind, token
from detente.core.incident import Call, IncidentStep
from detente.core.view import Item, Reader
from detente.core.wire import read
from detente.node.hotline.called import concerned_by
from detente.store import Record, Stored


def chain_of_call(record: Record, reader: Reader, incident: Stored) -> dict[int, str]:
    """Calls and steps of an incident that a reader may see, by sequence number; all versions.

    None where the object is no incident.
    """
    if incident.kind is not EntryKind.INCIDENT:
        return {}
    return {
        sequence: stored.kind.value
        for stored in chain(record, incident)
        if sees(record, reader, stored)
        for sequence in record.history(stored.object_id)
    }


def chain(record: Record, incident: Stored) -> Iterator[Stored]:
    """Calls and steps of an incident, each in its last version; looks at all later ones."""
    kinds = (EntryKind.CALL, EntryKind.INCIDENT_STEP)
    for stored in record.objects(*kinds, after=record.history(incident.object_id)[0]):
        value = None if stored.data is None else read(stored.data)
        if isinstance(value, Call | IncidentStep) and value.incident == incident.object_id:
            yield stored


def sees(record: Record, reader: Reader, stored: Stored) -> bool:
    """Whether a reader may see an entry of a call."""
    if stored.data is None or stored.salt is None:
        return False
    value = read(stored.data)
    concerned = concerned_by(record, value, stored.object_id, stored.party) or frozenset()
    item = Item(
        value=value,
        party=stored.party,
        object_id=stored.object_id,
        version=stored.version,
        sequence=stored.sequence,
        token=token(stored.salt, stored.leaf),
        concerned=concerned,
    )
    return reader.cut(item) is not None
