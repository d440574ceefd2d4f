"""One object: what it says, all its versions, and the proof that the record holds them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from detente.core.entry import KEPT_BY_ASKER, EntryKind, commitment
from detente.core.erasure import Erasure
from detente.core.ledger import NODE, erasure_of
from detente.core.merkle import verify_inclusion
from detente.core.volume import EPOCH
from detente.core.wire import Value, read
from detente.errors import Conflict, LogInconsistent, NotFound
from detente.store import Record, Stored


class Erased(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That an object was erased: by which entry, when, by whom, by whose order.

    Attributes:
        sequence: Of the erasure's entry.
        at: When the node took it in.
        party: Who had it erased: its author, or the node.
        asked: Where the node did: the party of the administrator who asked.
        order: By whose order and under which heading.
    """

    sequence: int
    at: datetime
    party: str
    order: str
    asked: str | None = None


class Version(Struct, frozen=True, kw_only=True):
    """One version, as the record has it.

    ``proof`` holds the hashes by which entry ``sequence`` was just verified to
    be in the record under ``History.root``, leaf side first, hex.
    ``erased`` is whether its content is gone; else it is what was committed to, or was never
    here (``detente.core.entry.KEPT_BY_ASKER``).
    """

    version: int
    sequence: int
    leaf: str
    party: str
    key: str
    claimed: datetime
    received: datetime
    erased: bool
    proof: tuple[str, ...]


class History(Struct, frozen=True, kw_only=True):
    """An object, its current value (None if erased) and its versions, oldest first.

    ``erasure`` is by whose order it was erased; None where it was not.
    """

    object_id: str
    kind: str
    value: Value | None
    size: int
    root: str
    versions: tuple[Version, ...]
    erasure: Erased | None = None


def resolve(record: Record, name: str) -> Stored:
    """The object that an id, the beginning of one, or an author's id means.

    Raises:
        NotFound: None.
        Conflict: Several; they are named.
    """
    found = record.called(name)
    if not found:
        raise NotFound(f"object {name}", expected="an id that `detente list` shows")
    standing = [one for one in found if not one.ended]
    found = standing or found
    if len(found) > 1:
        ids = ", ".join(f"{one.object_id} ({one.kind} of {one.party})" for one in found)
        raise Conflict(f"object {name}", expected="one object", got=f"{len(found)}: {ids}")
    return found[0]


def history(record: Record, name: str) -> History:
    """Everything that the record holds of an object.

    Raises:
        NotFound: No such object.
        Conflict: Several bear the name.
        LogInconsistent: The record does not hold an entry that it should, or holds
            another content than its entry commits to.
    """
    stored = resolve(record, name)
    _, size, root = record.head()
    return History(
        object_id=stored.object_id,
        kind=stored.kind,
        value=None if stored.data is None else read(stored.data),
        size=size,
        root=root.hex(),
        versions=versions(record, record.history(stored.object_id)),
        erasure=erasure(record, stored),
    )


def erasure(record: Record, stored: Stored) -> Erased | None:
    """By which entry an object was erased; None where it was not."""
    name = erasure_of(stored.object_id)
    for party in (stored.party, NODE):
        found = record.named(EntryKind.ERASURE, party, [name]).get(name)
        value = None if found is None or found.data is None else read(found.data)
        if found is not None and isinstance(value, Erasure):
            return Erased(
                sequence=found.sequence,
                at=EPOCH + timedelta(microseconds=found.received_us),
                party=found.party,
                order=value.order,
                asked=value.asked,
            )
    return None


def knowing(record: Record, object_id: str) -> frozenset[str]:
    """Who may know, beside its author, that an object was erased: whoever was shown any of it.

    To whom else it was released stood in what is gone.
    """
    return frozenset(one.party for one in record.told(record.history(object_id)))


def versions(record: Record, sequences: Iterable[int]) -> tuple[Version, ...]:
    """These entries, each with its proof under the present root.

    Raises:
        LogInconsistent: As for ``history``.
    """
    _, size, root = record.head()
    return tuple(_version(record, one, size, root) for one in sequences)


def _version(record: Record, sequence: int, size: int, root: bytes) -> Version:
    signed = record.entry(sequence)
    proof = record.inclusion_proof(sequence)
    verify_inclusion(signed.leaf, sequence, size, proof, root)
    content = record.content(sequence)
    statement = signed.statement
    if content is not None and commitment(content.salt, content.data) != statement.commitment:
        raise LogInconsistent(f"content of entry {sequence}", expected="what it commits to")
    return Version(
        version=statement.version,
        sequence=sequence,
        leaf=signed.leaf.hex(),
        party=statement.party,
        key=statement.key,
        claimed=statement.time,
        received=EPOCH + timedelta(microseconds=record.received(sequence)),
        erased=content is None and statement.kind not in KEPT_BY_ASKER,
        proof=tuple(one.hex() for one in proof),
    )
