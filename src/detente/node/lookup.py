"""What the record says now: the agreement, a party, its keys, its next entry."""

from datetime import datetime

from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.ledger import AGREEMENT_SOURCE_ID, NODE
from detente.core.party import Party, PublicKey
from detente.core.telling import ReleaseDecision, ReleaseRequest, decided
from detente.core.view import Reader
from detente.core.wire import Value, read
from detente.errors import LogInconsistent, NotFound
from detente.store import Record


def said(record: Record, kind: EntryKind, party: str, name: str) -> Value | None:
    """The current version of what a party calls by this name; None if absent or erased."""
    stored = record.named(kind, party, [name]).get(name)
    return None if stored is None or stored.data is None else read(stored.data)


def current_agreement(record: Record) -> Agreement:
    """The agreement in its current version.

    Raises:
        LogInconsistent: The record holds none.
    """
    value = said(record, EntryKind.AGREEMENT, NODE, AGREEMENT_SOURCE_ID)
    if not isinstance(value, Agreement):
        raise LogInconsistent("record", expected="an agreement as its first entry")
    return value


def admitted_party(record: Record, party: str) -> Party:
    """A party as the record has it, by its id or, where no id fits, by its name.

    Raises:
        NotFound: No such party.
    """
    value = said(record, EntryKind.PARTY, NODE, party)
    if isinstance(value, Party):
        return value
    for stored in record.objects(EntryKind.PARTY):
        value = None if stored.data is None else read(stored.data)
        if isinstance(value, Party) and value.name.casefold() == party.casefold():
            return value
    raise NotFound(f"party {party}", expected="one that `detente party new` admitted")


def public_keys(record: Record, party: str) -> tuple[PublicKey, ...]:
    """The keys that the record gives to a party, or to the node; none if unknown."""
    if party == NODE:
        value = said(record, EntryKind.AGREEMENT, NODE, AGREEMENT_SOURCE_ID)
        return value.node_keys if isinstance(value, Agreement) else ()
    value = said(record, EntryKind.PARTY, NODE, party)
    return value.keys if isinstance(value, Party) else ()


def reader_at(record: Record, party: str, *, now: datetime) -> Reader:
    """A party as a reader of one state of the record, without the pictures of a node at work."""
    parties: dict[str, Party] = {}
    requests: dict[str, ReleaseRequest] = {}
    agreement = current_agreement(record)
    found = Reader(party=party, agreement=agreement, parties=parties, grants={}, now=now)
    kinds = (EntryKind.PARTY, EntryKind.RELEASE_REQUEST, EntryKind.RELEASE_DECISION)
    for stored in record.objects(*kinds):
        value = None if stored.data is None else read(stored.data)
        match value:
            case Party():
                parties[value.id] = value
            case ReleaseRequest():
                requests[stored.object_id] = value
            case ReleaseDecision() if value.request in requests:
                found = replace(found, grants=decided(found.grants, requests[value.request], value))
            case _:
                pass
    return found
