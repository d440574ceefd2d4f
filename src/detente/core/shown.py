"""What an entry shows to everybody who reads the log.

Taken from the bytes of the envelope in one of two ways that agree: nearly all entries
have a form that two patterns describe to the byte, which is several times faster than
to decode and to encode again; whatever has not is left to ``unseal``, which says why.

Source: DSSE v1.0.2; RFC 8785; DESIGN section 7; docs/rules/R-09.md.
"""

import binascii
import re
from datetime import datetime

from msgspec import Struct

from detente.core.entry import ENVELOPE_BYTES_MAX, PAYLOAD_TYPE, EntryKind, Signed, unseal
from detente.core.ledger import NODE, chain_of, owner_of
from detente.core.merkle import leaf_hash
from detente.core.volume import YEAR_MAX, YEAR_MIN, microseconds
from detente.errors import NotAuthentic

SIGNATURE_DIGITS = 88
"""64 bytes of Ed25519 in base64."""

INTRODUCES = frozenset({EntryKind.AGREEMENT.value, EntryKind.PARTY.value})
"""Kinds of entries that may bring a key, which then signs as well."""

_NUMBER_END = 1 << 53


class Shown(Struct, frozen=True, kw_only=True, array_like=True):
    """What an entry shows.

    Attributes:
        leaf: Leaf hash, 32 bytes.
        theatre: The record that it is for.
        party: Who speaks.
        chain: In whose chain it is.
        owner: Whose the object is.
        key: Id of the key that signs.
        introduces: Id of a second key that signs; None if there is none.
        party_sequence: Its number in its chain, from 0.
        previous: Leaf hash of the one before in its chain, hex; None for the first.
        kind: What the object is.
        object: The object's id.
        version: Of the object, from 1.
        time_us: By the author's clock, microseconds since 1970, UTC.
    """

    leaf: bytes
    theatre: str
    party: str
    chain: str
    owner: str
    key: str
    introduces: str | None
    party_sequence: int
    previous: str | None
    kind: str
    object: str
    version: int
    time_us: int


def read_shown(data: bytes) -> Shown:
    """What the bytes of an entry show.

    Raises:
        MalformedInput: They are no canonical envelope (``unseal``).
        NotAuthentic: As ``shown``.
    """
    return glance(data) or shown(unseal(data))


def shown(signed: Signed) -> Shown:
    """What an entry shows.

    Raises:
        NotAuthentic: It does not bear the signature of the key that it names, or bears
            one that no entry of its kind bears.
    """
    said = signed.statement
    first, *more = signed.signatures
    if first.keyid != said.key:
        raise NotAuthentic("signature", expected=f"by the key {said.key}", got=first.keyid)
    if more and said.kind.value not in INTRODUCES:
        raise NotAuthentic(f"signatures of a {said.kind}", expected="one", got="two")
    if any(len(one.sig) != SIGNATURE_DIGITS for one in signed.signatures):
        raise NotAuthentic("signature", expected="64 bytes (RFC 8032)")
    return Shown(
        leaf=signed.leaf,
        theatre=said.theatre,
        party=said.party,
        chain=chain_of(said),
        owner=owner_of(said),
        key=said.key,
        introduces=more[0].keyid if more else None,
        party_sequence=said.party_sequence,
        previous=said.previous,
        kind=said.kind.value,
        object=said.object,
        version=said.version,
        time_us=microseconds(said.time),
    )


# In the last digit before the padding of 64 bytes, four bits say nothing.
_SIGNATURE = rb'\{"keyid":"([0-9a-f]{16})","sig":"[A-Za-z0-9+/]{85}[AQgw]=="\}'
_ENVELOPE = re.compile(
    rb'\{"payload":"([A-Za-z0-9+/]+={0,2})","payloadType":"%b","signatures":\[%b(?:,%b)?\]\}'
    % (re.escape(PAYLOAD_TYPE.encode()), _SIGNATURE, _SIGNATURE)
)
_PARTY = "[a-z0-9][a-z0-9._-]{0,62}"
_NUMBER = "[1-9][0-9]{0,15}"
_STATEMENT = re.compile(
    r'\{"authorship":"(?:own|(attested))","commitment":"[0-9a-f]{64}",'
    r'"key":"([0-9a-f]{16})","kind":"(' + "|".join(EntryKind) + r')",'
    r'(?:"method":"([a-z]{1,16})",)?"object":"([0-9a-f]{32})",'
    r'"party":"(' + _PARTY + r')","party_sequence":(0|' + _NUMBER + r"),"
    r'(?:"previous":"([0-9a-f]{64})",)?"theatre":"(' + _PARTY + r')",'
    r'"time":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.(?!000000)[0-9]{6})?)Z",'
    r'"version":(' + _NUMBER + r")\}"
)


def glance(data: bytes) -> Shown | None:
    """What the bytes of an entry show, if they have the form that most have.

    Returns:
        As ``shown(unseal(data))``; None says nothing: that one has to be asked.
    """
    envelope = _ENVELOPE.fullmatch(data)
    if envelope is None or len(data) > ENVELOPE_BYTES_MAX:
        return None
    spelt, first, second = envelope.groups()
    try:
        payload = binascii.a2b_base64(spelt)
        statement = _STATEMENT.fullmatch(payload.decode("ascii"))
        if statement is None or binascii.b2a_base64(payload, newline=False) != spelt:
            return None
        attested, key, kind, method, thing, party, spelt_sequence, previous, theatre, at, last = (
            statement.groups()
        )
        time = datetime.fromisoformat(f"{at}+00:00")
    except ValueError:  # No base64, no ASCII, or no day of a calendar.
        return None
    sequence, version = int(spelt_sequence), int(last)
    usual = (
        first.decode() == key
        and (second is None or kind in INTRODUCES)
        and (attested is None) == (method is None)
        and (sequence == 0) == (previous is None)
        and sequence < _NUMBER_END
        and version < _NUMBER_END
        and YEAR_MIN <= time.year <= YEAR_MAX
    )
    if not usual:
        return None
    return Shown(
        leaf=leaf_hash(data),
        theatre=theatre,
        party=party,
        chain=party if attested is None else NODE,
        owner=NODE if kind == EntryKind.PARTY else party,
        key=key,
        introduces=None if second is None else second.decode(),
        party_sequence=sequence,
        previous=previous,
        kind=kind,
        object=thing,
        version=version,
        time_us=microseconds(time),
    )
