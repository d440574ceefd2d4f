"""Signed note: a text, and the signatures under it.

::

    log.example.org/levant
    70000
    XC4YsQJk8wyWyN58DS/Ph0xpRV8zr70yABjwRJrqUFg=

    — log.example.org/levant Vj7O2iefSaXEIhsX18xLbYvSDrAA1aol723XYaOUicg6rLUwOmmG...
    — party-b.example/w1 0IiFBQAAAABrBM09Is3dsT5bZU/fm1rKLv6CGprlHF9RK2kN3U4k8Fl0...

Whoever reads a note brings the keys that he knows. Signatures of other keys say
nothing to him and are left alone: that is how a log changes its key, and how a
note gathers cosignatures. A signature in a known key's name that does not verify
refuses the whole note.

Each note has one spelling: what ``parse_note`` takes, ``render_note`` gives again.

Source: C2SP signed-note; docs/adr/0018.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from detente.core.lines import from_base64, require_plain, to_base64, to_text
from detente.core.note_key import (
    KEY_ID_BYTES,
    Signer,
    VerifierKey,
    check_key_name,
    sign_text,
    verify_text,
)
from detente.errors import MalformedInput, NotAuthentic

NOTE_BYTES_MAX = 512 * 1024
"""SIGNATURES_MAX signatures of 5 kB, the longest that signed-note foresees, in base64."""

SIGNATURES_MAX = 64
"""At least 16, says signed-note; 32 logs and 32 witnesses, says tlog-policy."""

_DASH = "\u2014 "


class SignatureLine(Struct, frozen=True, kw_only=True):
    """One signature as it stands in a note, verified or not.

    Attributes:
        name: Of the key.
        key_id: Of the key, 4 bytes.
        signature: At least one byte.

    Raises:
        MalformedInput: The name cannot stand in a note, or a length is wrong.
    """

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise MalformedInput(
                f"signature of {self.name[:80]}", expected=f"{KEY_ID_BYTES} bytes of id, and more"
            )


class Note(Struct, frozen=True, kw_only=True):
    """A text and its signatures, verified or not.

    Raises:
        MalformedInput: The text cannot stand in a note, or is not signed by 1 to
            SIGNATURES_MAX.
    """

    text: str
    signatures: tuple[SignatureLine, ...]

    def __post_init__(self) -> None:
        require_plain(self.text, what="note")
        if not self.text.endswith("\n"):
            raise MalformedInput("note", expected="a text that ends in a newline")
        if not 0 < len(self.signatures) <= SIGNATURES_MAX:
            raise MalformedInput(
                "note", expected=f"1 to {SIGNATURES_MAX} signatures", got=f"{len(self.signatures)}"
            )


class Verified(Struct, frozen=True, kw_only=True):
    """A signature that verified.

    Attributes:
        key: Whose.
        line: As it stands in the note.
        timestamp: When it was made, by the signer's clock: seconds since 1970, UTC. None
            where the type of signature says no time; 0 where the signer would not say.
    """

    key: VerifierKey
    line: SignatureLine
    timestamp: int | None


def parse_note(data: bytes) -> Note:
    """Take a note apart; its signatures are not verified here (``verify_note``).

    Raises:
        MalformedInput: Larger than NOTE_BYTES_MAX, or not a note.
    """
    text = to_text(data, what="note", bytes_max=NOTE_BYTES_MAX)
    # The last empty line divides; the text may hold others.
    body, blank, signatures = text.rpartition("\n\n")
    if not blank:
        raise MalformedInput("note", expected="a blank line before the signatures")
    return Note(text=body + "\n", signatures=parse_signatures(signatures))


def render_note(note: Note) -> bytes:
    """The bytes of a note.

    Raises:
        MalformedInput: Larger than NOTE_BYTES_MAX: nobody could read it again.
    """
    data = f"{note.text}\n{render_signatures(note.signatures)}".encode()
    if len(data) > NOTE_BYTES_MAX:
        raise MalformedInput("note", expected=f"at most {NOTE_BYTES_MAX} bytes", got=f"{len(data)}")
    return data


def parse_signatures(text: str) -> tuple[SignatureLine, ...]:
    """The signature lines in a text, such as a witness's answer.

    Raises:
        MalformedInput: More than SIGNATURES_MAX, or one is not a signature line.
    """
    *lines, rest = text.split("\n", SIGNATURES_MAX)
    if rest:
        raise MalformedInput(
            "signatures", expected=f"at most {SIGNATURES_MAX} lines, each ended by a newline"
        )
    return tuple(_signature(line) for line in lines)


def render_signatures(signatures: Iterable[SignatureLine]) -> str:
    """Signature lines, each with its newline."""
    return "".join(
        f"{_DASH}{one.name} {to_base64(one.key_id + one.signature)}\n" for one in signatures
    )


def _signature(line: str) -> SignatureLine:
    name, space, spelt = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise MalformedInput("signature", expected="an em dash, a key name and base64")
    data = from_base64(spelt, what=f"signature of {name[:80]}")
    return SignatureLine(name=name, key_id=data[:KEY_ID_BYTES], signature=data[KEY_ID_BYTES:])


def sign(signer: Signer, text: str, *, timestamp: int = 0) -> SignatureLine:
    """Sign the text of a note.

    Args:
        signer: Whose signature.
        text: With its last newline; that of a checkpoint, for all types but Ed25519.
        timestamp: Seconds since 1970, UTC, for the types that say when; 0 says nothing
            about how new the checkpoint is.

    Raises:
        MalformedInput: The text is not what this type signs, or the time is out of range.
    """
    return SignatureLine(
        name=signer.verifier.name,
        key_id=signer.verifier.id,
        signature=sign_text(signer, text, timestamp=timestamp),
    )


def sign_note(text: str, signers: Sequence[Signer], *, timestamp: int = 0) -> Note:
    """A text with the signatures of all of these, in their order; see ``sign``.

    Raises:
        MalformedInput: As ``sign`` and ``Note`` say.
    """
    return Note(
        text=text, signatures=tuple(sign(one, text, timestamp=timestamp) for one in signers)
    )


def verify_signatures(
    text: str, signatures: Iterable[SignatureLine], keys: Iterable[VerifierKey]
) -> tuple[Verified, ...]:
    """Those signatures that are of known keys, all verified.

    Raises:
        MalformedInput: Two of the keys share name and id, so that nobody could say whose
            a signature is.
        NotAuthentic: One in a known key's name does not verify.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise MalformedInput(f"key {key.name}", expected="an id of its own", got=key.id.hex())
    found = [(known.get((one.name, one.key_id)), one) for one in signatures]
    return tuple(
        Verified(key=key, line=one, timestamp=verify_text(key, text, one.signature))
        for key, one in found
        if key is not None
    )


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[Verified, ...]:
    """The signatures of known keys under a note, in its order; at least one.

    Raises:
        MalformedInput: Two of the keys share name and id.
        NotAuthentic: No known key signed, or one in a known key's name does not verify.
    """
    verified = verify_signatures(note.text, note.signatures, keys)
    if not verified:
        raise NotAuthentic("note", expected="a signature of a known key")
    return verified
