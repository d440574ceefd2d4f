"""Whom the entries of a call concern, as the record has it.

Whoever was called sees the incident and what its caller says in it. What one of them says, the
caller sees and none of the others: that a party was called tells that it has something near.

Source: docs/rules/R-02.md; docs/hotline.md.
"""

from detente.core.entry import EntryKind
from detente.core.incident import Call, Incident, IncidentStep, call_name
from detente.core.ledger import NODE
from detente.core.wire import Value
from detente.store import Record

ON_THE_LINE = frozenset({EntryKind.INCIDENT, EntryKind.INCIDENT_STEP, EntryKind.CALL})
"""Kinds of which a call is made. To whom they were delivered only the recipient learns: to an
author it would tell who was called."""


def called(record: Record, incident: str, caller: str) -> frozenset[str]:
    """Who was called about an incident, beside its caller."""
    parties = [one.source_id for one in record.objects(EntryKind.PARTY)]
    names = {call_name(incident, party): party for party in parties if party != caller}
    found = record.named(EntryKind.CALL, NODE, list(names))
    return frozenset(names[name] for name in found)


def concerned_by(
    record: Record, value: Value, object_id: str, author: str
) -> frozenset[str] | None:
    """Whom an entry of a call concerns, beside its author; None for what is no part of one.

    Args:
        record: One state of it.
        value: What the entry says.
        object_id: Of the entry.
        author: Who said it.
    """
    match value:
        case Call():
            return frozenset({value.to})
        case Incident():
            return called(record, object_id, author)
        case IncidentStep():
            caller = caller_of(record, value.incident)
            return called(record, value.incident, author) if caller == author else _one(caller)
        case _:
            return None


def caller_of(record: Record, incident: str) -> str | None:
    """Who opened an incident; None where there is none."""
    stored = record.identified([incident]).get(incident)
    is_one = stored is not None and stored.kind is EntryKind.INCIDENT
    return stored.party if stored is not None and is_one else None


def _one(party: str | None) -> frozenset[str]:
    return frozenset() if party is None else frozenset({party})
