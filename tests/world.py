"""A small world for tests: parties with fixed keys, and a record in memory.

Everything here is deterministic, so that a failure can be replayed.
"""

from datetime import UTC, datetime

import msgspec
from nacl.signing import SigningKey

from detente.core.agreement import Agreement
from detente.core.entry import (
    Authorship,
    ChainHead,
    Signed,
    Statement,
    commitment,
    seal,
)
from detente.core.kinds import KINDS
from detente.core.ledger import NODE, Act, Ledger, Nothing, chain_of
from detente.core.notice import Notice
from detente.core.party import Party, PublicKey, key_id
from detente.core.volume import Circle, Volume
from detente.core.wire import Value, encode

THEATRE = "test"
NOW = datetime(2025, 1, 8, 12, tzinfo=UTC)
SALT = b"s" * 32


def key_of(party: str) -> SigningKey:
    """A party's key, always the same one."""
    return SigningKey(party.encode().ljust(32, b"."))


def public(key: SigningKey) -> PublicKey:
    raw = bytes(key.verify_key)
    return PublicKey(id=key_id(raw), ed25519=raw.hex())


def object_id(number: int) -> str:
    return f"{number:032x}"


def site(name: str = "Hospital", *, party: str = "one", **parts: object) -> Notice:
    """A notice at (0, 0) or wherever ``volumes`` says."""
    defaults: dict[str, object] = {
        "source_id": name,
        "name": name,
        "category": "medical",
        "party": party,
        "volumes": (Volume(footprint=(Circle(centre=(0, 0)),)),),
    }
    return Notice(**{**defaults, **parts})  # type: ignore[arg-type] # each test names its own


class Writer:
    """Writes the entries of all parties, each in its own chain."""

    def __init__(self) -> None:
        self.heads: dict[str, ChainHead] = {}
        self.count = 0

    def write(
        self,
        value: Value,
        *,
        party: str,
        also: tuple[SigningKey, ...] = (),
        key: SigningKey | None = None,
        **changes: object,
    ) -> Act:
        """The party's next entry; ``changes`` replace parts of its statement."""
        signing = key or key_of(party)
        head = self.heads.get(party)
        self.count += 1
        statement = Statement(
            theatre=THEATRE,
            party=party,
            key=key_id(bytes(signing.verify_key)),
            party_sequence=0 if head is None else head.party_sequence + 1,
            previous=None if head is None else head.leaf.hex(),
            kind=KINDS[type(value)],
            object=object_id(self.count),
            version=1,
            time=NOW,
            commitment=commitment(SALT, encode(value)),
            authorship=Authorship.OWN,
        )
        signed = seal(msgspec.structs.replace(statement, **changes), (signing, *also))
        return Act(signed=signed, value=value)

    def attest(
        self, value: Value, *, party: str, by: str = NODE, method: str | None = "token"
    ) -> Act:
        """The node's next entry, on what it received from a party."""
        head = self.heads[NODE]
        return self.write(
            value,
            party=party,
            key=key_of(by),
            party_sequence=head.party_sequence + 1,
            previous=head.leaf.hex(),
            authorship=Authorship.ATTESTED,
            method=method,
        )

    def said(self, act: Act) -> Act:
        """Remember an entry as the last of its chain."""
        signed: Signed = act.signed
        said = signed.statement
        head = ChainHead(party_sequence=said.party_sequence, leaf=signed.leaf)
        self.heads[chain_of(said)] = head
        return act


def founding(writer: Writer) -> Act:
    """Leaf 0."""
    terms = Agreement(name="test", node_keys=(public(key_of(NODE)),))
    return writer.write(terms, party=NODE)


def admission(writer: Writer, party: str) -> Act:
    """The node's entry that admits a party."""
    value = Party(id=party, name=party.title(), keys=(public(key_of(party)),))
    return writer.write(value, party=NODE, also=(key_of(party),))


def ledger_with(*parties: str) -> tuple[Ledger, Writer]:
    """A ledger that has the agreement and these parties."""
    writer, ledger = Writer(), Ledger(THEATRE, Nothing())
    ledger.accept(writer.said(founding(writer)))
    for party in parties:
        ledger.accept(writer.said(admission(writer, party)))
    return ledger, writer
