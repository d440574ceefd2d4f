"""Evidence: one file about one object, which whoever holds it can verify alone.

What the file holds, as values, and its bytes: a page for people around one block of
canonical JSON, the page's hash within what the node seals with its key. The seal is the
node's word that nothing was left out or altered since; what the entries, proofs and
checkpoints prove, they prove without it. ``detente.verify`` reads the file and shares no
code with this.

Source: docs/evidence.md; DSSE v1.0.2 (the seal); RFC 8785.
"""

import base64
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct, structs
from nacl.signing import SigningKey

from detente.core.entry import EntryKind, pre_authentication
from detente.core.party import key_id
from detente.core.release import Grade
from detente.core.telling import Level
from detente.core.told import Rung
from detente.errors import MalformedInput

EVIDENCE_BYTES_MAX = 64 * 1024 * 1024
"""Several versions of the largest object (detente.core.wire), and some 10,000 entries."""

FORMAT = "detente-evidence/1"
SEAL_TYPE = b"application/vnd.detente.evidence+json"
OPENS = b'<script type="application/json" id="evidence">'
CLOSES = b"</script>"


class Shown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry with its proof, and what it commits to.

    Attributes:
        about: agreement, party, object, delivery, acknowledgement or erasure; of an incident
            call and incident_step too.
        index: Its place in the log.
        checkpoint: Under which of the file's checkpoints it is proven, from 0.
        proof: From the leaf up, base64 each.
        envelope: Its bytes.
        salt: base64; None where ``withheld``.
        object: The object's bytes; likewise.
        withheld: Why what it commits to is not here: erased, lost, or not released.
    """

    about: str
    index: int
    checkpoint: int
    proof: tuple[str, ...]
    envelope: str
    salt: str | None = None
    object: str | None = None
    withheld: str | None = None


class Told(Struct, frozen=True, kw_only=True):
    """How a party stands to a version, as the entries in the file prove it.

    ``released`` and ``noted`` they do not prove: how much was released to the party, and
    when the node noted that it first showed any of it.
    """

    version: int
    party: str
    level: Rung = Rung.SENT
    to: tuple[str, ...] = ()
    attested: tuple[Level, ...] = ()
    released: Grade | None = None
    noted: datetime | None = None


class Silent(Struct, frozen=True, kw_only=True):
    """A party that has acknowledged nothing of the last version, and since when more is awaited."""

    party: str
    since: datetime


class Withheld(Struct, frozen=True, kw_only=True):
    """An entry that speaks of this object and cannot be shown, and why."""

    index: int
    why: str


class Evidence(Struct, frozen=True, kw_only=True):
    """All that the file holds.

    Attributes:
        made: When, by the node's clock.
        reader: For whom: what that party may see; ``node`` is the operator, who sees all.
        checkpoints: Signed notes, the smallest first.
        consistency: From each but the last to the one after it, base64.
        entries: In the order of the record.
        policy: Which log and witnesses the node knows (C2SP tlog-policy).
        page: SHA-256 of the file without this block, hex.
    """

    made: datetime
    reader: str
    theatre: str
    object: str
    kind: EntryKind
    checkpoints: tuple[str, ...]
    consistency: tuple[tuple[str, ...], ...]
    entries: tuple[Shown, ...]
    policy: str
    told: tuple[Told, ...]
    silences: tuple[Silent, ...]
    withheld: tuple[Withheld, ...]
    format: str = FORMAT
    page: str = ""


class Seal(Struct, frozen=True, kw_only=True):
    """The node's signature over the evidence; ``sig`` in base64."""

    keyid: str
    sig: str


class Later(Struct, frozen=True, kw_only=True):
    """A checkpoint that was added when it was cosigned; no seal covers it, and it needs none.

    ``consistency``, base64, leads to it from the one before it in the file.
    """

    checkpoint: str
    consistency: tuple[str, ...]


class _File(Struct, frozen=True, kw_only=True, omit_defaults=True):
    evidence: Evidence
    seal: Seal
    later: tuple[Later, ...] = ()


def sealed(evidence: Evidence, page: tuple[bytes, bytes], key: SigningKey) -> bytes:
    """The bytes of an evidence file.

    Args:
        evidence: As gathered; its ``page`` is filled in here.
        page: What stands before the block and what after it, UTF-8.
        key: The node's.

    Raises:
        MalformedInput: Larger than EVIDENCE_BYTES_MAX.
    """
    before, after = page
    whole = structs.replace(evidence, page=sha256(before + after).hexdigest())
    body = _canonical(whole)
    return _written(before, _File(evidence=whole, seal=seal(body, SEAL_TYPE, key)), after)


def seal(body: bytes, kind: bytes, key: SigningKey) -> Seal:
    """A node's signature over what it hands out, as DSSE pre-authenticates it."""
    message = pre_authentication(body, kind)
    return Seal(
        keyid=key_id(bytes(key.verify_key)),
        sig=base64.b64encode(key.sign(message).signature).decode(),
    )


def newest(data: bytes) -> tuple[Evidence, str]:
    """What an evidence file holds, and the last of its checkpoints; nothing is verified.

    Raises:
        MalformedInput: No evidence file.
    """
    _, file, _ = _parsed(data)
    points = [*file.evidence.checkpoints, *(one.checkpoint for one in file.later)]
    if not points:
        raise MalformedInput("evidence", expected="a checkpoint")
    return file.evidence, points[-1]


def added(data: bytes, later: Later) -> bytes:
    """An evidence file with one more checkpoint.

    Args:
        data: As ``sealed`` or this wrote it.
        later: That leads on from ``newest``.

    Raises:
        MalformedInput: No evidence file, or too large with it.
    """
    before, file, after = _parsed(data)
    return _written(before, structs.replace(file, later=(*file.later, later)), after)


def _parsed(data: bytes) -> tuple[bytes, _File, bytes]:
    before, opens, rest = data.partition(OPENS)
    block, closes, after = rest.partition(CLOSES)
    if not (opens and closes):
        raise MalformedInput("evidence file", expected="a block of evidence", got="none")
    try:
        file = msgspec.json.decode(block, type=_File)
    except msgspec.DecodeError as error:
        raise MalformedInput("evidence file", got=str(error)) from None
    if _written(before, file, after) != data:
        raise MalformedInput("evidence file", expected="one that could not be spelt otherwise")
    return before, file, after


def _written(before: bytes, file: _File, after: bytes) -> bytes:
    # Within a script element nothing but "<" could end it or begin a comment.
    block = _canonical(file).replace(b"<", b"\\u003c")
    return b"".join((before, OPENS, block, CLOSES, after))


def _canonical(value: Struct) -> bytes:
    data = msgspec.json.encode(value, order="sorted")
    if len(data) > EVIDENCE_BYTES_MAX:
        raise MalformedInput(
            "evidence", expected=f"at most {EVIDENCE_BYTES_MAX} bytes", got=f"{len(data)}"
        )
    return data
