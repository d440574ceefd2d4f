"""An account, for an object's author: to whom it was shown, and who acknowledged it.

What evidence proves to a court (detente.node.evidence), for people at a desk: no proofs, and
no other object.

Source: requirements H2 to H5; docs/what-told-means.md.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from detente.core.entry import Authorship
from detente.core.release import Grade
from detente.core.telling import Acknowledgement, Delivery, Level, Outcome
from detente.core.volume import EPOCH
from detente.node.told import Word, words_about
from detente.store import Record, Stored

WORDS_MAX = 1_000
"""Lines of one account, the newest: more than anyone reads. Evidence holds them all."""


class Disclosed(Struct, frozen=True, kw_only=True):
    """That a party was shown the object, or that this failed.

    Attributes:
        at: When.
        sequence: Of the entry that says so.
        versions: Which it was shown.
        to: The party.
        how: By which way, as deliveries have it.
        grade: How much of it.
        outcome: Whether it came there.
    """

    at: datetime
    sequence: int
    versions: tuple[int, ...]
    to: str
    how: str
    grade: Grade
    outcome: Outcome


class Acknowledged(Struct, frozen=True, kw_only=True):
    """A party's word on one version; it approves nothing.

    ``authorship`` is ``own`` where that party signed it, else the node attests it.
    """

    at: datetime
    sequence: int
    version: int
    party: str
    level: Level
    to: str | None
    note: str
    authorship: Authorship


class Account(Struct, frozen=True, kw_only=True):
    """Both, in the order of the record; ``more`` says that older ones were left out."""

    object: str
    disclosed: tuple[Disclosed, ...]
    acknowledged: tuple[Acknowledged, ...]
    more: bool


def account(record: Record, stored: Stored) -> Account:
    """The account of an object, for its author.

    Args:
        record: One state of it.
        stored: The object.
    """
    sequences = record.history(stored.object_id)
    leaves = record.leaves(sequences)
    versions = {leaves[one].hex(): number for number, one in enumerate(sequences, start=1)}
    words = words_about(record, sequences)
    shown = words[-WORDS_MAX:]
    return Account(
        object=stored.object_id,
        disclosed=tuple(
            _disclosed(one, one.value, versions) for one in shown if isinstance(one.value, Delivery)
        ),
        acknowledged=tuple(
            _acknowledged(one, one.value, versions)
            for one in shown
            if isinstance(one.value, Acknowledgement)
        ),
        more=len(words) > len(shown),
    )


def _at(word: Word) -> datetime:
    return EPOCH + timedelta(microseconds=word.stored.received_us)


def _disclosed(word: Word, value: Delivery, versions: dict[str, int]) -> Disclosed:
    return Disclosed(
        at=_at(word),
        sequence=word.sequence,
        # A delivery may name entries of other objects, which are nobody's business here.
        versions=tuple(sorted(versions[one] for one in value.entries if one in versions)),
        to=value.to,
        how=value.how,
        grade=value.grade,
        outcome=value.outcome,
    )


def _acknowledged(word: Word, value: Acknowledgement, versions: dict[str, int]) -> Acknowledged:
    return Acknowledged(
        at=_at(word),
        sequence=word.sequence,
        version=versions[value.entry],
        party=value.party,
        level=value.level,
        to=value.to,
        note=value.note,
        authorship=word.authorship,
    )
