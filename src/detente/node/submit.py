"""The one way in: authenticate, authorise, check, append, in one transaction.

Whatever door it came through, an entry reaches the record here and nowhere
else. It is answered when it is on disk (docs/rules/R-04.md).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from detente.core.entry import ChainHead, EntryKind, Signed, check_clock, unseal
from detente.core.ledger import (
    Act,
    Held,
    Keys,
    Ledger,
    opened,
    source_id,
)
from detente.core.wire import Value, read
from detente.node.author import Submission
from detente.node.lookup import public_keys
from detente.store import Appended, Record, Store


class Receipt(Struct, frozen=True, kw_only=True):
    """What the node answers once an entry is on disk.

    ``size`` and ``root`` are of the record that first held it.
    """

    sequence: int
    leaf: str
    object_id: str
    version: int
    size: int
    root: str


def submit(store: Store, submissions: Sequence[Submission], *, now: datetime) -> list[Receipt]:
    """Append entries to the record, all or none.

    Args:
        store: The theatre's.
        submissions: In the order of the authors' chains.
        now: UTC, by the node's clock.

    Returns:
        A receipt each, in order; everything is on disk.

    Raises:
        MalformedInput: Not an envelope, not a value, or from the future.
        NotAuthentic: A commitment or signature that does not hold.
        NotPermitted: Not this party's to say.
        Conflict: Not the next entry of its party or its object.
        Unavailable: The store could not be written; nothing was.

    Source:
        docs/rules/R-04.md, docs/rules/R-09.md.
    """
    if not submissions:
        return []
    signed = [unseal(one.envelope) for one in submissions]
    values: list[Value] = []
    for one, submission in zip(signed, submissions, strict=True):
        check_clock(one.statement, now=now)
        values.append(opened(one, submission.content.salt, submission.content.data))
    with store.appending() as record:
        theatre, _, _ = record.head()
        ledger = Ledger(theatre, _Standing(record, signed, values))
        for one, value in zip(signed, values, strict=True):
            ledger.accept(Act(signed=one, value=value))
        first, size, root = record.append(
            Appended(
                signed=one,
                content=submission.content,
                source_id=source_id(value),
                received=now,
                chain=one.statement.party,
            )
            for one, submission, value in zip(signed, submissions, values, strict=True)
        )
    return [
        Receipt(
            sequence=first + number,
            leaf=one.leaf.hex(),
            object_id=one.statement.object,
            version=one.statement.version,
            size=size,
            root=root.hex(),
        )
        for number, one in enumerate(signed)
    ]


class _Standing:
    """What the record says of a batch's parties and objects, asked once for all."""

    def __init__(self, record: Record, signed: Sequence[Signed], values: Sequence[Value]) -> None:
        self._record = record
        self._held = record.identified([one.statement.object for one in signed])
        wanted: dict[tuple[EntryKind, str], list[str]] = defaultdict(list)
        for one, value in zip(signed, values, strict=True):
            wanted[one.statement.kind, one.statement.party].append(source_id(value))
        self._ids = {
            (kind, party, name): stored.object_id
            for (kind, party), names in wanted.items()
            for name, stored in record.named(kind, party, names).items()
        }

    def keys(self, party: str) -> Keys:
        return {key.id: bytes.fromhex(key.ed25519) for key in public_keys(self._record, party)}

    def head(self, party: str) -> ChainHead | None:
        return self._record.chain_head(party)

    def held(self, object_id: str) -> Held | None:
        stored = self._held.get(object_id)
        if stored is None:
            return None
        return Held(
            object_id=stored.object_id,
            kind=stored.kind,
            party=stored.party,
            source_id=stored.source_id,
            version=stored.version,
            value=None if stored.data is None else read(stored.data),
        )

    def named(self, kind: EntryKind, party: str, source_id: str) -> str | None:
        return self._ids.get((kind, party, source_id))
