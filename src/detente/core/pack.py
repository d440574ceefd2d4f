"""Packs: what one party was released, in one sealed file, to be asked where there is no network.

::

    pack    "detente-pack/1" LF, then zlib (RFC 1950) of {"pack":..., "seal":...}
    delta   "detente-pack-delta/1" LF, then zlib of {"base":..., "gone":..., "pack":..., "seal":...}

Both are canonical JSON (RFC 8785). The seal is the node's Ed25519 signature (RFC 8032) over the
pack as DSSE pre-authenticates it (DSSE v1.0.2), and is verified before the pack is read. A delta
brings the seal of the pack that it makes of its base: with anything altered, or another base,
that seal does not verify, and nothing is made.

Source: docs/packs.md; docs/adr/0028.
"""

import base64
import zlib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct, structs
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from detente.core.agreement import Agreement
from detente.core.entry import pre_authentication
from detente.core.evidence import Seal, seal
from detente.core.party import PartyId
from detente.core.view import View
from detente.core.volume import UtcTime
from detente.errors import Conflict, MalformedInput, NotAuthentic

PACK_BYTES_MAX = 64 * 1024 * 1024
"""Of a pack, packed or unpacked: 50,000 objects of 1 KB, with room. A tablet holds it in memory."""

MARKS_MAX = 50_000
"""Objects that a delta's base may hold: as many as one export does."""

PACK = b"detente-pack/1\n"
DELTA = b"detente-pack-delta/1\n"
SEAL_TYPE = b"application/vnd.detente.pack+json"

Mark = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]

T = TypeVar("T")


class Pack(Struct, frozen=True, kw_only=True):
    """What one party may see, as of one time.

    Attributes:
        theatre: Whose record.
        reader: For whom it was cut.
        as_of: By the node's clock, UTC.
        expires: After it, nothing here may be relied on.
        edition: As ``edition_of`` names what is in it.
        within: To what place, time and categories it was cut, in words; empty for all.
        agreement: The terms, for their separations.
        objects: In the order of the record.
    """

    theatre: PartyId
    reader: PartyId
    as_of: UtcTime
    expires: UtcTime
    edition: str
    within: str
    agreement: Agreement
    objects: tuple[View, ...]


class _Sealed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pack: msgspec.Raw
    seal: Seal


class _Delta(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``pack`` holds what is new; ``gone`` are marks of what is no longer as it was, or there."""

    base: Digest
    gone: Annotated[tuple[Mark, ...], Meta(max_length=MARKS_MAX)]
    pack: Pack
    seal: Seal


class State(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a holder of a pack has: enough for a node to say what changed, and nothing of it.

    ``pack`` is the digest of the pack, ``has`` a mark of each of its objects.
    """

    pack: Digest
    has: Annotated[tuple[Mark, ...], Meta(max_length=MARKS_MAX)]


def edition_of(views: Iterable[View]) -> str:
    """A name for which objects are shown, in which versions and grades: 12 hex digits.

    People compare it over the radio: who has the same edition was told the same.
    """
    shown = [(one.object, one.version, one.grade.value) for one in views]
    return sha256(msgspec.json.encode(shown)).hexdigest()[:12]


def sealed(pack: Pack, key: SigningKey) -> bytes:
    """The bytes of a pack.

    Args:
        pack: What it holds.
        key: The node's.

    Raises:
        MalformedInput: Larger than PACK_BYTES_MAX.
    """
    body = _canonical(pack)
    return _written(PACK, _Sealed(pack=msgspec.Raw(body), seal=seal(body, SEAL_TYPE, key)))


def read_pack(data: bytes, keys: Mapping[str, bytes]) -> Pack:
    """What a pack holds, once its seal was verified.

    Args:
        data: As ``sealed`` or ``applied`` wrote it.
        keys: By their ids, the Ed25519 keys of nodes that the reader trusts.

    Raises:
        MalformedInput: No pack, or spelt otherwise than ``sealed`` would.
        NotAuthentic: Of a key that is not among them, or altered.
    """
    return _opened(data, keys)[0]


def state_of(pack: Pack) -> State:
    """What a node is told of a pack, to give a delta for it."""
    has = tuple(map(_mark, pack.objects))
    return State(pack=sha256(_canonical(pack)).hexdigest(), has=has)


def delta(state: State, new: bytes, keys: Mapping[str, bytes]) -> bytes:
    """What makes a new pack of the one that somebody has.

    Args:
        state: Of that one.
        new: The new pack.
        keys: As for ``read_pack``.

    Raises:
        MalformedInput, NotAuthentic: As ``read_pack``.
    """
    pack, seal = _opened(new, keys)
    marks = {_mark(one): one for one in pack.objects}
    had = set(state.has)
    changed = tuple(one for mark, one in marks.items() if mark not in had)
    return _written(
        DELTA,
        _Delta(
            base=state.pack,
            gone=tuple(sorted(had - marks.keys())),
            pack=structs.replace(pack, objects=changed),
            seal=seal,
        ),
    )


def applied(base: bytes, change: bytes, keys: Mapping[str, bytes]) -> bytes:
    """The pack that a delta makes of its base: the bytes that the node would have given whole.

    Raises:
        MalformedInput: No pack, or no delta.
        NotAuthentic: The base is not of these keys or altered, or what would come out is not
            what the node sealed.
        Conflict: The delta is for another base.
    """
    old = read_pack(base, keys)
    change_ = _decoded(_unpacked(change, DELTA, "delta"), _Delta, "delta")
    if change_.base != sha256(_canonical(old)).hexdigest():
        raise Conflict("delta", expected=f"one for the pack of {old.as_of:%Y-%m-%dT%H:%M:%SZ}")
    body = _canonical(_merged(old, change_))
    _verify(body, change_.seal, keys)
    return _written(PACK, _Sealed(pack=msgspec.Raw(body), seal=change_.seal))


def _merged(old: Pack, change: _Delta) -> Pack:
    gone = set(change.gone)
    kept = [one for one in old.objects if _mark(one) not in gone]
    objects = sorted([*kept, *change.pack.objects], key=lambda one: one.sequence)
    return structs.replace(change.pack, objects=tuple(objects))


def _opened(data: bytes, keys: Mapping[str, bytes]) -> tuple[Pack, Seal]:
    file = _decoded(_unpacked(data, PACK, "pack"), _Sealed, "pack")
    body = bytes(file.pack)
    _verify(body, file.seal, keys)
    pack = _decoded(body, Pack, "pack")
    if _canonical(pack) != body:
        raise MalformedInput("pack", expected="canonical JSON (RFC 8785)")
    return pack, file.seal


def _verify(body: bytes, seal: Seal, keys: Mapping[str, bytes]) -> None:
    public = keys.get(seal.keyid)
    if public is None:
        raise NotAuthentic(
            "pack", expected=f"a seal by {' or '.join(sorted(keys))}", got=f"{seal.keyid}"[:16]
        )
    try:
        signature = base64.b64decode(seal.sig, validate=True)
        VerifyKey(public).verify(pre_authentication(body, SEAL_TYPE), signature)
    except (BadSignatureError, ValueError):
        raise NotAuthentic("pack", expected="a seal that verifies: it was altered") from None


def _mark(view: View) -> str:
    return sha256(msgspec.json.encode(view, order="sorted")).hexdigest()[:16]


def _canonical(value: Struct) -> bytes:
    data = msgspec.json.encode(value, order="sorted")
    if len(data) > PACK_BYTES_MAX:
        raise MalformedInput("pack", expected=f"at most {PACK_BYTES_MAX} bytes", got=f"{len(data)}")
    return data


def _written(magic: bytes, value: Struct) -> bytes:
    return magic + zlib.compress(msgspec.json.encode(value, order="sorted"), 9)


def _unpacked(data: bytes, magic: bytes, what: str) -> bytes:
    """What is behind the first line; never more than PACK_BYTES_MAX, however well it was packed."""
    if not data.startswith(magic):
        raise MalformedInput(what, expected=f"a file that begins with {magic.decode().strip()}")
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(data[len(magic) :], PACK_BYTES_MAX + 1)
    except zlib.error:
        raise MalformedInput(what, expected="zlib (RFC 1950)") from None
    if len(found) > PACK_BYTES_MAX:
        raise MalformedInput(what, expected=f"at most {PACK_BYTES_MAX} bytes", got="more")
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedInput(what, expected="one whole stream of zlib")
    return found


def _decoded(data: bytes, form: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(data, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, MalformedInput) as error:
        raise MalformedInput(what, got=str(error)[:200]) from None
