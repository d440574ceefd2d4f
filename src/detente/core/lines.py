"""Numbers and bytes in the lines of C2SP's text formats: one spelling each.

A value that could be spelt in two ways could be altered unnoticed, so whatever
is not spelt as we would spell it is refused. Only a newline ends a line: the
other separators that Python knows (U+0085, U+2028) are ordinary characters.

Source: RFC 4648 sections 3.5 and 4; C2SP tlog-checkpoint, "Note text".
"""

import base64
import binascii
import re

from detente.core.merkle import HASH_BYTES
from detente.errors import MalformedInput

SIZE_MAX = (1 << 63) - 1
"""Leaves in a tree, and seconds in a timestamp: what a signed 64-bit integer holds, as in other
implementations; a proof in such a tree has at most 63 hashes."""

PROOF_HASHES_MAX = 63
"""Hashes in one proof, as tlog-witness limits them."""

_SIZE_DIGITS_MAX = len(str(SIZE_MAX))

_NOT_PLAIN = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


def to_base64(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode()


def from_base64(text: str, *, what: str) -> bytes:
    """The bytes that base64 spells.

    Raises:
        MalformedInput: Not base64, or not as anyone would write it (RFC 4648 section 3.5).
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not text or to_base64(data) != text:
        raise MalformedInput(what, expected="canonical base64 (RFC 4648 section 3.5)")
    return data


def to_hash(text: str, *, what: str) -> bytes:
    """The hash that base64 spells, 32 bytes.

    Raises:
        MalformedInput: Not canonical base64 of a hash.
    """
    data = from_base64(text, what=what)
    if len(data) != HASH_BYTES:
        raise MalformedInput(what, expected=f"{HASH_BYTES} bytes", got=f"{len(data)}")
    return data


def to_hashes(lines: list[str], *, what: str) -> tuple[bytes, ...]:
    """The hashes of a proof, one a line.

    Raises:
        MalformedInput: More than PROOF_HASHES_MAX, or one is not a hash.
    """
    if len(lines) > PROOF_HASHES_MAX:
        raise MalformedInput(
            what, expected=f"at most {PROOF_HASHES_MAX} hashes", got=f"{len(lines)}"
        )
    return tuple(to_hash(line, what=what) for line in lines)


def to_size(text: str, *, what: str) -> int:
    """The number that ASCII digits spell, without leading zeroes; at most SIZE_MAX.

    Raises:
        MalformedInput: Anything else.
    """
    spelt = text.isascii() and text.isdigit() and len(text) <= _SIZE_DIGITS_MAX
    size = int(text) if spelt else -1
    if str(size) != text or not 0 <= size <= SIZE_MAX:
        raise MalformedInput(what, expected=f"0 to {SIZE_MAX}, in digits", got=text[:40])
    return size


def to_text(data: bytes, *, what: str, bytes_max: int) -> str:
    """The text of some bytes: UTF-8 without control characters but newlines.

    Raises:
        MalformedInput: More than ``bytes_max``, not UTF-8, or with a control character
            below U+0020 other than newline.
    """
    if len(data) > bytes_max:
        raise MalformedInput(what, expected=f"at most {bytes_max} bytes", got=f"{len(data)}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise MalformedInput(
            what, expected="UTF-8", got=f"{error.reason} at {error.start}"
        ) from None
    require_plain(text, what=what)
    return text


def require_plain(text: str, *, what: str) -> None:
    """Refuse what cannot stand in a note.

    Raises:
        MalformedInput: A control character below U+0020 other than newline, or half a
            character (a lone surrogate), which is not Unicode.
    """
    found = _NOT_PLAIN.search(text)
    if found is not None:
        raise MalformedInput(
            what, expected="no control characters but newlines", got=f"U+{ord(found[0]):04X}"
        )
