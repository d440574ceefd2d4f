"""The author's side: values become signed entries, in a party's own chain.

This is what a party does with its private key before it submits, here or on a
machine of its own. Nothing is appended.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from nacl.signing import SigningKey

from detente.core.entry import SALT_BYTES, Authorship, ChainHead, Statement, commitment, seal
from detente.core.ledger import KINDS
from detente.core.party import key_id
from detente.core.wire import Value, encode
from detente.store import Content, Record


class Submission(Struct, frozen=True, kw_only=True):
    """What a party hands to a node: a signed envelope, and what it commits to."""

    envelope: bytes
    content: Content


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
        self._head = head

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
        content = Content(salt=secrets.token_bytes(SALT_BYTES), data=encode(value))
        head = self._head
        statement = Statement(
            theatre=self._theatre,
            party=self._party,
            key=self._key_id,
            party_sequence=0 if head is None else head.party_sequence + 1,
            previous=None if head is None else head.leaf.hex(),
            kind=KINDS[type(value)],
            object=object_id or secrets.token_hex(16),
            version=version,
            time=now,
            commitment=commitment(content.salt, content.data),
            authorship=Authorship.OWN,
        )
        signed = seal(statement, (self._key, *also))
        self._head = ChainHead(party_sequence=statement.party_sequence, leaf=signed.leaf)
        return Submission(envelope=signed.data, content=content)
