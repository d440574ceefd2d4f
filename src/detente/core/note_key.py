"""Keys of signed notes: their names, what each kind signs, and one signature.

A key is known by its name and a short id that covers name, kind and public key.
Logs sign with Ed25519 or ML-DSA-44; whoever cosigns a checkpoint signs with
either too, and says when. As text, a public key is a vkey::

    log.example.org/levant+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k

Pure, with one exception that matters to nobody: an ML-DSA-44 signature is hedged
with randomness of the library (FIPS 204 section 3.4), so that no two are equal.

Source: C2SP signed-note, "Signatures" and "Verifier keys"; C2SP tlog-cosignature;
RFC 8032; FIPS 204; docs/adr/0018.
"""

from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from msgspec import Struct
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from detente.core.checkpoint import ORIGIN_BYTES_MAX, parse_checkpoint
from detente.core.lines import SIZE_MAX, from_base64, require_plain, to_base64
from detente.errors import MalformedInput, NotAuthentic

KEY_ID_BYTES = 4
NAME_BYTES_MAX = 255
"""Of a key that we know: an ML-DSA-44 cosignature counts them in 8 bits (tlog-cosignature)."""

_TIMESTAMP_BYTES = 8
_HEX_DIGITS = 2 * KEY_ID_BYTES


class SignatureType(IntEnum):
    """The kinds of signature that are made and verified here; others are unknown keys."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04
    ML_DSA_44 = 0x06

    @property
    def public_bytes(self) -> int:
        """Length of the public key."""
        return 1312 if self is SignatureType.ML_DSA_44 else 32

    @property
    def timestamped(self) -> bool:
        """Whether the signature says when it was made."""
        return self is not SignatureType.ED25519


LOG_TYPES = frozenset({SignatureType.ED25519, SignatureType.ML_DSA_44})
"""What a log signs its checkpoints with."""

COSIGNER_TYPES = frozenset({SignatureType.COSIGNATURE_V1, SignatureType.ML_DSA_44})
"""What a witness cosigns with: both say when."""


class VerifierKey(Struct, frozen=True, kw_only=True):
    """A public key as notes name it.

    Raises:
        MalformedInput: The name cannot stand in a note, or the key's length is wrong.
    """

    name: str
    type: SignatureType
    public: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.name.encode()) > NAME_BYTES_MAX:
            raise MalformedInput("key name", expected=f"at most {NAME_BYTES_MAX} bytes")
        if len(self.public) != self.type.public_bytes:
            raise MalformedInput(
                f"public key of {self.name}",
                expected=f"{self.type.public_bytes} bytes",
                got=f"{len(self.public)}",
            )

    @property
    def id(self) -> bytes:
        """The short id, 4 bytes."""
        named = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        return sha256(named).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as text, as ``parse_vkey`` reads it."""
        key = to_base64(bytes([self.type]) + self.public)
        return f"{self.name}+{self.id.hex()}+{key}"


class Signer(Struct, frozen=True, kw_only=True):
    """A private key with the name under which it signs; see ``log_signer`` and ``cosigner``."""

    verifier: VerifierKey
    private: SigningKey | MLDSA44PrivateKey


def log_signer(name: str, private: SigningKey | MLDSA44PrivateKey) -> Signer:
    """Who signs a log's checkpoints; ``name`` is the log's origin.

    Raises:
        MalformedInput: The name cannot stand in a note.
    """
    return _signer(name, private, SignatureType.ED25519)


def cosigner(name: str, private: SigningKey | MLDSA44PrivateKey) -> Signer:
    """Who cosigns the checkpoints of others' logs.

    An Ed25519 key cosigns under one name alone, for the name is not signed; and it is
    never the key with which a log signs.

    Raises:
        MalformedInput: The name cannot stand in a note.
    """
    return _signer(name, private, SignatureType.COSIGNATURE_V1)


def _signer(
    name: str, private: SigningKey | MLDSA44PrivateKey, with_ed25519: SignatureType
) -> Signer:
    if isinstance(private, SigningKey):
        kind, public = with_ed25519, bytes(private.verify_key)
    else:
        kind, public = SignatureType.ML_DSA_44, private.public_key().public_bytes_raw()
    return Signer(verifier=VerifierKey(name=name, type=kind, public=public), private=private)


def check_key_name(name: str) -> None:
    """Refuse a name that cannot stand in a signature line.

    Raises:
        MalformedInput: Empty, or with a space, a plus or a control character.
    """
    require_plain(name, what="key name")
    if not name or "+" in name or any(character.isspace() for character in name):
        raise MalformedInput("key name", expected="no spaces and no plus", got=name[:80])


def parse_vkey(text: str) -> VerifierKey:
    """The public key that a vkey spells; ``VerifierKey.vkey`` gives the same text again.

    Raises:
        MalformedInput: Not a vkey, of a kind that we do not verify, or with an id that is
            not that of the key.
    """
    # The key's own base64 may hold a plus.
    name, _, rest = text.partition("+")
    hex_id, plus, spelt = rest.partition("+")
    if not plus or len(hex_id) != _HEX_DIGITS:
        raise MalformedInput("verifier key", expected="name+id+key", got=text[:80])
    data = from_base64(spelt, what="verifier key")
    known = {int(one) for one in SignatureType}
    if data[0] not in known:
        raise MalformedInput(
            f"verifier key of {name[:80]}",
            expected=f"signature type {', '.join(f'0x{one:02x}' for one in sorted(known))}",
            got=f"0x{data[0]:02x}",
        )
    key = VerifierKey(name=name, type=SignatureType(data[0]), public=data[1:])
    if key.id.hex() != hex_id:
        raise MalformedInput(f"verifier key of {name}", expected=f"id {key.id.hex()}", got=hex_id)
    return key


def sign_text(signer: Signer, text: str, *, timestamp: int) -> bytes:
    """One signature over the text of a note, as it stands behind the key id.

    Args:
        signer: Whose.
        text: Of a note; of a checkpoint, for all types but Ed25519.
        timestamp: Seconds since 1970, UTC; Ed25519 says no time.

    Raises:
        MalformedInput: The text is not what this type signs, or the time is out of range.
    """
    message = _message(signer.verifier, text, timestamp)
    if isinstance(signer.private, SigningKey):
        signature = signer.private.sign(message).signature
    else:
        signature = signer.private.sign(message)
    if signer.verifier.type.timestamped:
        return timestamp.to_bytes(_TIMESTAMP_BYTES, "big") + signature
    return signature


def verify_text(key: VerifierKey, text: str, signature: bytes) -> int | None:
    """When a text was signed so by this key: seconds since 1970; None where it says no time.

    Raises:
        NotAuthentic: It was not.
    """
    timestamp, signed = None, signature
    if key.type.timestamped:
        timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
        signed = signature[_TIMESTAMP_BYTES:]
    try:
        message = _message(key, text, timestamp or 0)
        if key.type is SignatureType.ML_DSA_44:
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signed, message)
        else:
            VerifyKey(key.public).verify(message, signed)
    except (BadSignatureError, InvalidSignature, ValueError, MalformedInput):
        raise NotAuthentic(
            f"signature of {key.name}", expected="a signature that verifies"
        ) from None
    return timestamp


def _message(key: VerifierKey, text: str, timestamp: int) -> bytes:
    """The bytes that a key of this type signs."""
    if not 0 <= timestamp <= SIZE_MAX:
        raise MalformedInput("timestamp", expected=f"0 to {SIZE_MAX}", got=f"{timestamp}")
    if key.type is SignatureType.ED25519:
        return text.encode()
    checkpoint = parse_checkpoint(text)
    if key.type is SignatureType.COSIGNATURE_V1:
        return b"cosignature/v1\ntime %d\n%b" % (timestamp, text.encode())
    origin = checkpoint.origin.encode()
    # Extension lines are not in what is signed: anyone could alter them.
    if checkpoint.extensions or len(origin) > ORIGIN_BYTES_MAX:
        raise MalformedInput(
            "checkpoint",
            expected=f"no extension lines and an origin of at most {ORIGIN_BYTES_MAX} bytes",
        )
    return b"".join(
        (
            b"subtree/v1\n\0",
            _counted(key.name.encode()),
            timestamp.to_bytes(8, "big"),
            _counted(origin),
            (0).to_bytes(8, "big"),  # from the first leaf
            checkpoint.size.to_bytes(8, "big"),  # to the last: a checkpoint, not a subtree
            checkpoint.root,
        )
    )


def _counted(data: bytes) -> bytes:
    return bytes([len(data)]) + data
