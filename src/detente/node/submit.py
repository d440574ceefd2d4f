"""The one way in: authenticate, authorise, check, append, in one transaction.

Whatever door it came through, an entry reaches the record here and nowhere
else: by ``submit`` for a file on this machine, by detente.node.engine for a
node that serves; both append what the same rules accept (detente.core.ledger).
It is answered when it is on disk (docs/rules/R-04.md).
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from detente.core.ending import has_ended
from detente.core.entry import ChainHead, EntryKind, Signed, check_clock, unseal, verifies
from detente.core.erasure import Erasure
from detente.core.incident import Incident, IncidentStep
from detente.core.ledger import (
    Act,
    Held,
    Keys,
    Ledger,
    chain_of,
    opened,
    owner_of,
    source_id,
)
from detente.core.plan import Plan
from detente.core.volume import microseconds
from detente.core.wire import Value, read
from detente.errors import NotPermitted
from detente.node.author import Prepared, Submission
from detente.node.gathering import gathered_of
from detente.node.lookup import public_keys
from detente.node.picture import require_measurable
from detente.store import Appended, Appender, Name, Record, Store, Stored

VERIFIED_TOGETHER_MIN = 32
"""Signatures that are worth being verified beside each other: 2 ms of work, for 0.2 ms of
threads and one more look at the record."""


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the node answers once an entry is on disk.

    ``size`` and ``root`` are of the record that first held it; ``token`` is the
    version token of the entry. ``late`` says that it came with less notice than
    the agreement asks for its category (H6); it counts all the same. ``proof`` is a file
    of C2SP tlog-proof: that the entry is in the log, under a checkpoint that the log signed.
    """

    sequence: int
    leaf: str
    object_id: str
    version: int
    size: int
    root: str
    token: str
    late: bool = False
    proof: str | None = None


class Touches(Struct, frozen=True, kw_only=True):
    """What a command will ask the record about, so that a batch asks once for all."""

    objects: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()
    drawn: tuple[Name, ...] = ()
    """Names that were drawn at random just now, so that nothing can bear them yet."""
    plans: tuple[Plan, ...] = ()
    """What it will measure against all but plans (``Moment.protected_meetings``)."""


def submit(
    store: Store,
    submissions: Sequence[Submission],
    *,
    now: datetime,
    first_of_all: Callable[[Appender], None] = lambda _: None,
) -> list[Receipt]:
    """Append entries to the record, all or none.

    Args:
        store: The theatre's.
        submissions: In the order of the authors' chains.
        now: UTC, by the node's clock.
        first_of_all: Called in the same transaction, before anything is appended.

    Returns:
        A receipt each, in order; everything is on disk.

    Raises:
        MalformedInput: Not an envelope, not a value, a shape that cannot be
            measured, or from the future.
        NotAuthentic: A commitment or signature that does not hold.
        NotPermitted: Not this party's to say, a plan that takes effect: only a node that
            serves can see whether its author is aware of what it meets; or a call of the
            hotline, which only such a node makes heard.
        Conflict: Not the next entry of its party or its object.
        Unavailable: The store could not be written; nothing was.

    Source:
        docs/rules/R-04.md, docs/rules/R-09.md.
    """
    if not submissions:
        return []
    prepared = _verified(store, [opened_submission(one, now=now) for one in submissions])
    with store.appending() as record:
        theatre, _, _ = record.head()
        ledger = Ledger(theatre, Standing(record, prepared))
        for one in prepared:
            _require_heard(one.value)
            require_measurable(one.value)
            ledger.accept(Act(signed=one.signed, value=one.value, verified=one.verified))
        first_of_all(record)
        first, size, root = record.append(appended(one, now=now) for one in prepared)
    return [
        receipt(one, sequence=first + number, size=size, root=root)
        for number, one in enumerate(prepared)
    ]


def _verified(store: Store, prepared: list[Prepared]) -> list[Prepared]:
    """The same, with the signatures of a large batch verified on all cores.

    Before the head is held: by the keys that the record gives now. One that is not good, or
    whose key does not speak any more, is left to the ledger, which alone refuses.
    """
    cores = len(os.sched_getaffinity(0))
    if len(prepared) < VERIFIED_TOGETHER_MIN or cores == 1:
        return prepared
    with store.reading() as record:
        keys = cache(Standing(record).keys)
        bearers = [keys(chain_of(one.signed.statement)) for one in prepared]

    def verified(part: slice) -> list[Prepared]:
        return [
            replace(one, verified=_verified_by(one.signed, speaking))
            for one, speaking in zip(prepared[part], bearers[part], strict=True)
        ]

    share = -(-len(prepared) // cores)
    parts = [slice(start, start + share) for start in range(0, len(prepared), share)]
    with ThreadPoolExecutor(cores) as pool:
        return list(chain.from_iterable(pool.map(verified, parts)))


def _verified_by(signed: Signed, speaking: Keys) -> bytes | None:
    """The key by which the one signature is good; None where it is not."""
    public = speaking.get(signed.statement.key)
    return public if public is not None and verifies(signed, public) else None


def _require_heard(value: Value) -> None:
    """Refuse a call where nobody would be called."""
    if isinstance(value, Incident | IncidentStep):
        raise NotPermitted("call", expected="a node that serves: it calls, and goes on calling")


def opened_submission(
    submission: Submission, *, now: datetime, keys: Callable[[str], Keys] | None = None
) -> Prepared:
    """A submission, taken apart.

    Args:
        submission: As it came.
        now: UTC.
        keys: Gives the keys of a chain. With one of them the signature is verified
            here, before anyone holds the head; one that is not good is left to
            the ledger, which alone refuses.

    Raises:
        MalformedInput: Not an envelope, not a value, or from the future.
        NotAuthentic: The commitment does not hold.
        NotPermitted: The value is of another kind or party than the entry says.
    """
    signed = unseal(submission.envelope)
    check_clock(signed.statement, now=now)
    content = submission.content
    return Prepared(
        signed=signed,
        content=content,
        value=opened(signed, content.salt, content.data),
        verified=None if keys is None else _verified_by(signed, keys(chain_of(signed.statement))),
    )


def touched(one: Prepared) -> Touches:
    """What the rules will ask of the record about an entry."""
    said = one.signed.statement
    return Touches(objects=(said.object,), names=((said.kind, said.party, source_id(one.value)),))


def appended(one: Prepared, *, now: datetime) -> Appended:
    """What the store is to append."""
    return Appended(
        signed=one.signed,
        content=one.content,
        source_id=source_id(one.value),
        received=now,
        chain=chain_of(one.signed.statement),
        ended=has_ended(one.value),
        erases=one.value.object if isinstance(one.value, Erasure) else None,
        gathered=gathered_of(one.value),
    )


def receipt(
    one: Prepared,
    *,
    sequence: int,
    size: int,
    root: bytes,
    late: bool = False,
    proof: str | None = None,
) -> Receipt:
    """What its author is answered."""
    return Receipt(
        sequence=sequence,
        leaf=one.signed.leaf.hex(),
        object_id=one.signed.statement.object,
        version=one.signed.statement.version,
        size=size,
        root=root.hex(),
        token=one.token,
        late=late,
        proof=proof,
    )


class Standing:
    """What the record says of a batch's parties and objects, asked once for all.

    Args:
        record: Held for writing.
        prepared: The batch, or as much of it as is known before its turn.
    """

    def __init__(self, record: Record, prepared: Sequence[Prepared] = ()) -> None:
        self._record = record
        self._stored: dict[str, Stored | None] = {}
        self._ids: dict[Name, str | None] = {}
        self.expect(touched(one) for one in prepared)

    def expect(self, touches: Iterable[Touches]) -> None:
        """Ask at once for what a batch will need."""
        ids: dict[str, None] = {}
        names: dict[Name, None] = {}
        for one in touches:
            ids |= dict.fromkeys(one.objects)
            names |= dict.fromkeys(one.names)
            self._ids |= dict.fromkeys(one.drawn)
        self._stored |= {**ids, **self._record.identified(list(ids))}
        self._ask_names(names)

    def note(self, one: Prepared, sequence: int, *, now: datetime) -> None:
        """Remember an entry that was accepted since, for those that follow it."""
        said, owner = one.signed.statement, owner_of(one.signed.statement)
        ended = has_ended(one.value)
        self._stored[said.object] = Stored(
            object_id=said.object,
            kind=said.kind,
            party=owner,
            source_id=source_id(one.value),
            version=said.version,
            sequence=sequence,
            received_us=microseconds(now),
            ended=ended,
            leaf=one.signed.leaf,
            salt=one.content.salt,
            data=one.content.data,
        )
        self._ids[said.kind, owner, source_id(one.value)] = None if ended else said.object
        if isinstance(one.value, Erasure):
            self._erase(one.value.object)

    def _erase(self, object_id: str) -> None:
        """Remember that nothing is left of an object but that it was."""
        stored = self.stored(object_id)
        if stored is not None:
            if not stored.ended:
                self._ids[stored.kind, stored.party, stored.source_id] = None
            self._stored[object_id] = replace(
                stored, source_id="", ended=True, salt=None, data=None
            )

    def _ask_names(self, names: Iterable[Name]) -> None:
        asked = tuple(names)
        self._ids |= dict.fromkeys(asked)
        self._ids |= self._record.bearers(asked)

    def keys(self, party: str) -> Keys:
        """Public keys of a party, by id."""
        return {key.id: bytes.fromhex(key.ed25519) for key in public_keys(self._record, party)}

    def head(self, chain: str) -> ChainHead | None:
        """The last entry of a chain."""
        return self._record.chain_head(chain)

    def stored(self, object_id: str) -> Stored | None:
        """The current version of an object, as it is stored."""
        if object_id not in self._stored:
            self._stored[object_id] = self._record.identified([object_id]).get(object_id)
        return self._stored[object_id]

    def held(self, object_id: str) -> Held | None:
        """The current version of an object."""
        stored = self.stored(object_id)
        if stored is None:
            return None
        return Held(
            object_id=stored.object_id,
            kind=stored.kind,
            party=stored.party,
            source_id=stored.source_id or None,
            version=stored.version,
            value=None if stored.data is None else read(stored.data),
            ended=stored.ended,
        )

    def named(self, kind: EntryKind, party: str, source_id: str) -> str | None:
        """The object to which a party gave this name, and that has not ended."""
        place = (kind, party, source_id)
        if place not in self._ids:
            self._ask_names([place])
        return self._ids[place]
