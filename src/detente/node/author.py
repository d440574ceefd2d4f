"""The author's side: values become signed entries, in a party's own chain.

This is what a party does with its private key before it submits, here or on a
machine of its own. Nothing is appended.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from msgspec import Struct
from nacl.signing import SigningKey

from detente.core.entry import (
    SALT_BYTES,
    Authorship,
    ChainHead,
    Signed,
    Statement,
    commitment,
    seal,
    token,
)
from detente.core.kinds import KINDS
from detente.core.party import key_id
from detente.core.wire import Value, encode
from detente.store import Content, Record

DRAWN_BYTES = 4_096
"""Random bytes asked of the system at a time: for a batch of some 80 entries."""


class Submission(Struct, frozen=True, kw_only=True, gc=False):
    """What a party hands to a node: a signed envelope, and what it commits to."""

    envelope: bytes
    content: Content


class Prepared(Struct, frozen=True, kw_only=True, dict=True):
    """An entry that is ready to be submitted: taken apart, and its value opened.

    ``made_here`` and ``verified`` are as for detente.core.ledger.Act.
    """

    signed: Signed
    content: Content
    value: Value
    made_here: bool = False
    verified: bytes | None = None

    @cached_property
    def token(self) -> str:
        """Its version token."""
        return token(self.content.salt, self.signed.leaf)


class Author:
    """A party that writes the next entries of its chain.

    Args:
        theatre: The record that the entries are for.
        party: Who speaks.
        key: With what it signs.
        head: Its last entry in the record, None if it has none.
    """

    def __init__(
        self, *, theatre: str, party: str, key: SigningKey, head: ChainHead | None
    ) -> None:
        self._theatre = theatre
        self._party = party
        self._key = key
        self._key_id = key_id(bytes(key.verify_key))
        self.head = head
        self._drawn = b""

    @classmethod
    def following(cls, record: Record, party: str, key: SigningKey) -> "Author":
        """A party that is ready to write its next entry in a record."""
        theatre, _, _ = record.head()
        return cls(theatre=theatre, party=party, key=key, head=record.chain_head(party))

    def write(
        self,
        value: Value,
        *,
        now: datetime,
        object_id: str | None = None,
        version: int = 1,
        also: Sequence[SigningKey] = (),
    ) -> Submission:
        """Sign one value as the party's next entry.

        Args:
            value: What is said.
            now: UTC; what the entry claims as its time.
            object_id: The object of which this is a version; None makes a new one.
            version: 1 for a new object, else one above the current version.
            also: Keys that the value introduces; they sign after the author.
        """
        prepared = self.prepare(
            value, now=now, place=(object_id or secrets.token_hex(16), version), also=also
        )
        return Submission(envelope=prepared.signed.data, content=prepared.content)

    def draw(self, count: int) -> bytes:
        """Random bytes, each given once.

        Taken from the system many at a time: a call gives up the interpreter's
        lock, and a busy thread may wait for it longer than for anything else.
        """
        if len(self._drawn) < count:
            self._drawn = secrets.token_bytes(DRAWN_BYTES)
        given, self._drawn = self._drawn[:count], self._drawn[count:]
        return given

    def prepare(
        self,
        value: Value,
        *,
        now: datetime,
        place: tuple[str, int],
        received: tuple[str, str] | None = None,
        also: Sequence[SigningKey] = (),
        salt: bytes | None = None,
    ) -> Prepared:
        """The same, for a node that writes and submits at once.

        Args:
            value: What is said.
            now: UTC.
            place: Object and version.
            received: Party, and how it proved itself, for what the node attests:
                the entry says so, and stands in the node's chain.
            also: Keys that the value introduces.
            salt: Drawn for this value alone; None draws one here.
        """
        content = Content(salt=salt or self.draw(SALT_BYTES), data=encode(value))
        head = self.head
        party, method = (self._party, None) if received is None else received
        object_id, version = place
        statement = Statement(
            theatre=self._theatre,
            party=party,
            key=self._key_id,
            party_sequence=0 if head is None else head.party_sequence + 1,
            previous=None if head is None else head.leaf.hex(),
            kind=KINDS[type(value)],
            object=object_id,
            version=version,
            time=now,
            commitment=commitment(content.salt, content.data),
            authorship=Authorship.OWN if received is None else Authorship.ATTESTED,
            method=method,
        )
        signed = seal(statement, (self._key, *also))
        self.head = ChainHead(party_sequence=statement.party_sequence, leaf=signed.leaf)
        return Prepared(signed=signed, content=content, value=value, made_here=True)
