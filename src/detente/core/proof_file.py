"""Proof file (.tlog-proof): that an entry is in a log, to be verified with nobody's help.

::

    c2sp.org/tlog-proof@v1
    index 4711
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=

    log.example.org/levant
    ...

The place of the entry, the hashes from its leaf up to the root, and the checkpoint
as it was signed. ``extra`` is signed by nobody.

Source: C2SP tlog-proof; RFC 6962 section 2.1.1; docs/adr/0018.
"""

from msgspec import Struct

from detente.core.lines import (
    from_base64,
    to_base64,
    to_hashes,
    to_size,
    to_text,
)
from detente.core.merkle import leaf_hash, verify_inclusion
from detente.core.note import NOTE_BYTES_MAX
from detente.core.policy import Policy, Witnessed, verify_checkpoint
from detente.errors import MalformedInput

HEADER = "c2sp.org/tlog-proof@v1"

EXTRA_BYTES_MAX = 64 * 1024
"""As much as an entry itself: what goes with a proof is no place for more."""

PROOF_FILE_BYTES_MAX = NOTE_BYTES_MAX + 2 * EXTRA_BYTES_MAX
"""A checkpoint, the extra data in base64, and at most 63 hashes."""


class ProofFile(Struct, frozen=True, kw_only=True):
    """A proof, not verified.

    Attributes:
        index: The entry's place in the log, from 0.
        hashes: From the leaf's sibling up, 32 bytes each.
        checkpoint: The signed note, verbatim.
        extra: Whatever goes with it; nobody signed it. None if nothing.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def parse_proof_file(data: bytes) -> ProofFile:
    """Take a proof file apart; nothing in it is verified here (``verify_proof_file``).

    Raises:
        MalformedInput: Larger than PROOF_FILE_BYTES_MAX, or not a proof file.
    """
    text = to_text(data, what="proof file", bytes_max=PROOF_FILE_BYTES_MAX)
    head, blank, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    if not blank or header != HEADER:
        raise MalformedInput("proof file", expected=f"{HEADER}, lines, and a blank line")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = from_base64(lines.pop(0).removeprefix("extra "), what="extra data")
        if len(extra) > EXTRA_BYTES_MAX:
            raise MalformedInput("extra data", expected=f"at most {EXTRA_BYTES_MAX} bytes")
    if not lines or not lines[0].startswith("index "):
        raise MalformedInput("proof file", expected="an index line")
    return ProofFile(
        index=to_size(lines[0].removeprefix("index "), what="index"),
        hashes=to_hashes(lines[1:], what="inclusion proof"),
        checkpoint=checkpoint.encode(),
        extra=extra,
    )


def render_proof_file(proof: ProofFile) -> bytes:
    """The bytes of a proof file, as ``parse_proof_file`` reads them.

    Raises:
        MalformedInput: Nothing that a file could say.
    """
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {to_base64(proof.extra)}")
    lines += [f"index {proof.index}", *map(to_base64, proof.hashes), "", ""]
    data = "\n".join(lines).encode() + proof.checkpoint
    parse_proof_file(data)
    return data


def verify_proof_file(proof: ProofFile, entry: bytes, policy: Policy) -> Witnessed:
    """Check that an entry is in a log, by the word of a log and witnesses of the policy.

    Args:
        proof: From ``parse_proof_file``.
        entry: The bytes of the leaf.
        policy: Whose signatures are asked for; for a log key alone, a policy with that
            log and no quorum.

    Returns:
        The checkpoint and who signed it.

    Raises:
        MalformedInput: What stands for a checkpoint is none.
        NotAuthentic: As ``verify_checkpoint`` says.
        LogInconsistent: The entry is not there.
    """
    found = verify_checkpoint(proof.checkpoint, policy)
    at, leaf = found.checkpoint, leaf_hash(entry)
    verify_inclusion(leaf, proof.index, at.size, proof.hashes, at.root)
    return found
