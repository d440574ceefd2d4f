"""Entry: an act as its author signed it, and the rules of a party's chain.

What is signed is a statement: who speaks, in which theatre, as the how-manieth
of its entries and after which (a gap shows withholding), about which version
of which object, and a commitment to the object. The statement is canonical
JSON (RFC 8785) in a DSSE envelope with Ed25519 signatures; the envelope's bytes
are the leaf. The object itself and its salt stand beside the record and go only
to those to whom they are released (docs/rules/R-10.md).

Pure: keys, salts and times are arguments.

Source: DSSE v1.0.2 (secure-systems-lab/dsse); RFC 8032; DESIGN section 7;
docs/adr/0005.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from detente.core.merkle import leaf_hash
from detente.core.party import KeyId, PartyId, key_id
from detente.core.uss import ObjectId
from detente.core.volume import UtcTime, check_time
from detente.core.wire import encode
from detente.errors import Conflict, MalformedInput, NotAuthentic

PAYLOAD_TYPE = "application/vnd.detente.entry+json"

ENVELOPE_BYTES_MAX = 65_535
"""C2SP tlog-tiles counts the bytes of an entry in 16 bits."""

SIGNATURES_MAX = 2
"""The author's, and in an introduction that of the key introduced."""

SALT_BYTES = 32
"""As long as the hash: guessing the salt is then no easier than finding a collision."""

CLOCK_AHEAD_MAX_S = 300
"""How far an author's clock may run ahead of the node's: five minutes, as Kerberos
(RFC 4120) allows; behind it may be as far as it likes, for late is late, not false."""

_HEX_64 = r"^[0-9a-f]{64}$(?!\n)"

Hash = Annotated[str, Meta(pattern=_HEX_64)]


class EntryKind(StrEnum):
    """What an entry is about."""

    AGREEMENT = "agreement"
    PARTY = "party"
    NOTICE = "notice"
    PRESENCE = "presence"
    ZONE = "zone"
    PLAN = "plan"
    REPORT = "report"
    SUBSCRIPTION = "subscription"
    AVAILABILITY = "availability"
    ACKNOWLEDGEMENT = "acknowledgement"
    OBJECTION = "objection"
    ANSWER = "answer"
    RELEASE_REQUEST = "release_request"
    RELEASE_DECISION = "release_decision"
    DELIVERY = "delivery"
    ERASURE = "erasure"
    CHECK = "check"
    INCIDENT = "incident"
    INCIDENT_STEP = "incident_step"
    CALL = "call"
    ALERT = "alert"


KEPT_BY_ASKER = frozenset({EntryKind.CHECK})
"""Kinds whose object and salt the node gives to whoever asked, once, and never keeps. That
nothing stands beside such an entry is neither erasure nor loss (docs/adr/0020)."""


class Authorship(StrEnum):
    """Whether the party signed, or the node attests what it received from it."""

    OWN = "own"
    ATTESTED = "attested"


class Statement(
    Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """What an author signs.

    Attributes:
        theatre: The record that this is for; a signature is worth nothing elsewhere.
        party: Who speaks.
        key: Which of its keys signs.
        party_sequence: 0 for its first entry in this theatre, and so on.
        previous: Leaf hash of its previous entry; None for its first.
        kind: What the object is.
        object: The object's random id.
        version: 1 for a new object, and so on.
        time: By the author's clock.
        commitment: SHA-256 of salt and object.
        authorship: Signed by the party, or attested by the node.
        method: How the party proved itself to the node that attests.
    """

    theatre: PartyId
    party: PartyId
    key: KeyId
    party_sequence: Annotated[int, Meta(ge=0, lt=1 << 53)]
    kind: EntryKind
    object: ObjectId
    version: Annotated[int, Meta(ge=1, lt=1 << 53)]
    time: UtcTime
    commitment: Hash
    authorship: Authorship
    previous: Hash | None = None
    method: Annotated[str, Meta(pattern=r"^[a-z]{1,16}$(?!\n)")] | None = None

    def __post_init__(self) -> None:
        if (self.method is None) != (self.authorship is Authorship.OWN):
            raise MalformedInput(
                "method", expected="how the party proved itself, where the node attests it"
            )
        check_time(self.time, what="time of the entry")
        if (self.previous is None) != (self.party_sequence == 0):
            raise MalformedInput(
                "previous", expected="the hash of the party's previous entry, but for its first"
            )


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One signature of an envelope, base64."""

    keyid: KeyId
    sig: str


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """DSSE envelope: ``payload`` is the canonical statement, base64."""

    payload: str
    payloadType: str  # noqa: N815 - DSSE's own name
    signatures: Annotated[tuple[Signature, ...], Meta(min_length=1, max_length=SIGNATURES_MAX)]


class Signed(Struct, frozen=True, kw_only=True, gc=False):
    """An envelope, taken apart: its bytes, what they say, who signed them, and its leaf hash."""

    data: bytes
    statement: Statement
    payload: bytes
    signatures: tuple[Signature, ...]
    leaf: bytes


class ChainHead(Struct, frozen=True, kw_only=True, gc=False):
    """A party's last entry: its sequence number and leaf hash."""

    party_sequence: int
    leaf: bytes


def commitment(salt: bytes, data: bytes) -> str:
    """What the statement says of the object: SHA-256(salt || object), hex.

    Raises:
        MalformedInput: The salt is not SALT_BYTES long, so that another split
            of the same bytes would commit to another object.
    """
    if len(salt) != SALT_BYTES:
        raise MalformedInput("salt", expected=f"{SALT_BYTES} bytes", got=f"{len(salt)}")
    return sha256(salt + data).hexdigest()


def token(salt: bytes, leaf: bytes) -> str:
    """The version token of an entry, F3548's OVN: 43 characters of base64url.

    Of the leaf, so that it belongs to this version alone; of the salt, so that
    it cannot be had from the public log (docs/rules/R-05.md).
    """
    digest = sha256(b"detente version token" + salt + leaf).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def pre_authentication(payload: bytes, kind: bytes = PAYLOAD_TYPE.encode()) -> bytes:
    """The bytes that are signed: DSSE's PAE."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(statement: Statement, keys: Sequence[SigningKey]) -> Signed:
    """Sign a statement with the author's key, then with any others.

    Raises:
        MalformedInput: A field is out of its limits, there are too many keys, or the
            envelope is larger than ENVELOPE_BYTES_MAX: nobody could read it again.
    """
    payload = encode(statement)
    signed = pre_authentication(payload)
    signatures = tuple(
        Signature(
            keyid=key_id(bytes(key.verify_key)),
            sig=base64.b64encode(key.sign(signed).signature).decode(),
        )
        for key in keys
    )
    envelope = Envelope(
        payload=base64.b64encode(payload).decode(), payloadType=PAYLOAD_TYPE, signatures=signatures
    )
    data = encode(envelope)
    _require_size(data)
    if not 0 < len(signatures) <= SIGNATURES_MAX:
        raise MalformedInput(
            "signatures", expected=f"1 to {SIGNATURES_MAX}", got=f"{len(signatures)}"
        )
    return _signed(data, _statement(payload), payload, signatures)


_envelopes = msgspec.json.Decoder(Envelope)
_statements = msgspec.json.Decoder(Statement)


def unseal(data: bytes) -> Signed:
    """Take an envelope's bytes apart, refusing all but the canonical spelling.

    Signatures are not verified here (``authenticate``).

    Raises:
        MalformedInput: Too large, not DSSE, not canonical, or of another type.
    """
    _require_size(data)
    try:
        envelope = _envelopes.decode(data)
        payload = base64.b64decode(envelope.payload, validate=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, RecursionError) as error:
        raise MalformedInput("entry", got=str(error)) from None
    statement = _statement(payload)
    if envelope.payloadType != PAYLOAD_TYPE:
        raise MalformedInput("payload type", expected=PAYLOAD_TYPE, got=envelope.payloadType)
    canonical_payload = base64.b64encode(payload).decode() == envelope.payload
    if not canonical_payload or not all(_canonical(one.sig) for one in envelope.signatures):
        raise MalformedInput("entry", expected="canonical base64 (RFC 4648 section 3.5)")
    if encode(envelope) != data or encode(statement) != payload:
        raise MalformedInput("entry", expected="canonical JSON (RFC 8785)")
    return _signed(data, statement, payload, envelope.signatures)


def _signed(
    data: bytes, statement: Statement, payload: bytes, signatures: tuple[Signature, ...]
) -> Signed:
    return Signed(
        data=data,
        statement=statement,
        payload=payload,
        signatures=signatures,
        leaf=leaf_hash(data),
    )


def _canonical(spelt: str) -> bool:
    """Whether base64 is as anyone would write it: the last digit may hold bits that say nothing."""
    try:
        return base64.b64encode(base64.b64decode(spelt, validate=True)).decode() == spelt
    except (binascii.Error, ValueError):
        return False


def _require_size(envelope: bytes) -> None:
    if len(envelope) > ENVELOPE_BYTES_MAX:
        raise MalformedInput(
            "entry", expected=f"at most {ENVELOPE_BYTES_MAX} bytes", got=f"{len(envelope)}"
        )


def _statement(payload: bytes) -> Statement:
    try:
        return _statements.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput("entry", got=str(error)) from None


def authenticate(
    signed: Signed, speaking: Mapping[str, bytes], introduced: Mapping[str, bytes]
) -> None:
    """Verify that a key of the party signed, then each key introduced, and no other.

    Args:
        signed: From ``unseal``.
        speaking: Public keys, 32 bytes each, by id: those that may speak for the party.
        introduced: Keys that the entry brings; they prove that someone holds them,
            and speak for nobody here.

    Raises:
        NotAuthentic: The statement's key is not among ``speaking``, or a
            signature is missing, superfluous or wrong.
    """
    statement = signed.statement
    author = speaking.get(statement.key)
    if author is None:
        raise NotAuthentic(
            f"entry of {statement.party}",
            expected="a key that the record gives to this party",
            got=statement.key,
        )
    wanted = [(statement.key, author), *introduced.items()]
    if [signature.keyid for signature in signed.signatures] != [key for key, _ in wanted]:
        raise NotAuthentic(
            f"entry of {statement.party}",
            expected=f"signatures by {', '.join(key for key, _ in wanted)}",
        )
    message = pre_authentication(signed.payload)
    for signature, (_, public) in zip(signed.signatures, wanted, strict=True):
        try:
            VerifyKey(public).verify(message, base64.b64decode(signature.sig, validate=True))
        except (BadSignatureError, ValueError):
            raise NotAuthentic(
                f"entry of {statement.party}", expected="a signature that verifies"
            ) from None


def verifies(signed: Signed, public: bytes) -> bool:
    """Whether an envelope bears one signature, by the key that it names, and this is that key.

    Args:
        signed: From ``unseal``.
        public: 32 bytes; whether it speaks for the party is not asked here.
    """
    try:
        authenticate(signed, {signed.statement.key: public}, {})
    except NotAuthentic:
        return False
    return True


def follow(head: ChainHead | None, signed: Signed) -> ChainHead:
    """The party's head after this entry, if it is the next one of its chain.

    Raises:
        Conflict: It repeats, skips or contradicts what the party said before.
    """
    statement = signed.statement
    wanted = 0 if head is None else head.party_sequence + 1
    if statement.party_sequence != wanted:
        raise Conflict(
            f"entry of {statement.party}",
            expected=f"party sequence {wanted}",
            got=f"{statement.party_sequence}",
        )
    if head is not None and statement.previous != head.leaf.hex():
        raise Conflict(
            f"entry of {statement.party}", expected="the hash of the party's previous entry"
        )
    return ChainHead(party_sequence=wanted, leaf=signed.leaf)


def check_clock(statement: Statement, *, now: datetime) -> None:
    """Refuse an entry that claims to come from the future.

    Raises:
        MalformedInput: More than CLOCK_AHEAD_MAX_S ahead of ``now``.
    """
    ahead_s = (statement.time - now).total_seconds()
    if ahead_s > CLOCK_AHEAD_MAX_S:
        raise MalformedInput(
            "time of the entry",
            expected=f"at most {CLOCK_AHEAD_MAX_S} s ahead of {now.isoformat()}",
            got=statement.time.isoformat(),
        )
