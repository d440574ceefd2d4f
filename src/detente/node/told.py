"""Who was told of an object: what the record says of it, read entry by entry.

Deliveries and acknowledgements name an entry by its hash, within what they commit to, so
all that are later than the object's first version are looked at: some 100,000 a second.

Source: DESIGN section 7; docs/what-told-means.md.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from detente.core.entry import Authorship, EntryKind
from detente.core.note import parse_note, verify_signatures
from detente.core.note_key import SignatureType
from detente.core.policy import Policy, witnessed
from detente.core.telling import Acknowledgement, Delivery
from detente.core.told import Acknowledged, Standing, told
from detente.core.wire import read
from detente.store import Record, Stored


class Word(Struct, frozen=True, kw_only=True):
    """A delivery or an acknowledgement, and the entry that holds it."""

    sequence: int
    stored: Stored
    authorship: Authorship
    value: Delivery | Acknowledgement


def words_about(record: Record, sequences: Sequence[int]) -> tuple[Word, ...]:
    """All that the record says of who was given these entries and who acknowledged them.

    Args:
        record: One state of it.
        sequences: Entries, the first of them first.
    """
    leaves = {leaf.hex() for leaf in record.leaves(sequences).values()}
    found: list[Word] = []
    for stored in record.objects(EntryKind.DELIVERY, after=sequences[0]):
        value = None if stored.data is None else read(stored.data)
        if isinstance(value, Delivery) and not leaves.isdisjoint(value.entries):
            authorship = Authorship.OWN  # The node signs, of itself.
            found.append(
                Word(sequence=stored.sequence, stored=stored, authorship=authorship, value=value)
            )
    for stored in record.objects(EntryKind.ACKNOWLEDGEMENT, after=sequences[0]):
        value = None if stored.data is None else read(stored.data)
        # A later version of it names the same entry.
        if isinstance(value, Acknowledgement) and value.entry in leaves:
            found += _versions(record, stored)
    return tuple(sorted(found, key=lambda one: one.sequence))


def _versions(record: Record, stored: Stored) -> list[Word]:
    found = []
    for sequence in record.history(stored.object_id):
        content = record.content(sequence)
        value = None if content is None else read(content.data)
        if isinstance(value, Acknowledgement):
            by = record.entry(sequence).statement.authorship
            found.append(Word(sequence=sequence, stored=stored, authorship=by, value=value))
    return found


def standings(
    record: Record,
    sequence: int,
    words: Sequence[Word],
    *,
    published: bool,
    recipients: Sequence[str] = (),
) -> Mapping[str, Standing]:
    """How all recipients stand to one version of an object.

    Args:
        record: One state of it.
        sequence: The version's entry.
        words: From ``words_about``, all or those that may be shown.
        published: Whether a quorum cosigned a checkpoint with it (``is_published``).
        recipients: Parties to name in any case.
    """
    said = [
        Acknowledged(value=one.value, authorship=one.authorship)
        for one in words
        if isinstance(one.value, Acknowledgement)
    ]
    return told(
        record.leaves([sequence])[sequence].hex(),
        published=published,
        deliveries=[one.value for one in words if isinstance(one.value, Delivery)],
        acknowledgements=said,
        recipients=recipients,
    )


def is_published(checkpoint: bytes, policy: Policy) -> bool:
    """Whether a quorum cosigned a checkpoint with Ed25519, as any reader can verify.

    ML-DSA-44 is not counted: the verifier that a sceptic can read (detente.verify)
    knows it not.

    Raises:
        NotAuthentic: A cosignature in a known key's name does not verify.
    """
    keys = [one.key for one in policy.witnesses if one.key.type is not SignatureType.ML_DSA_44]
    note = parse_note(checkpoint)
    signed = verify_signatures(note.text, note.signatures, keys)
    return policy.quorum in witnessed(policy, {one.key for one in signed})
