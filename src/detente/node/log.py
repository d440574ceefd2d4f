"""The record as C2SP's tools read it: checkpoints, tiles, bundles of entries, proofs.

Nothing of it is kept beside the record: a checkpoint is the record's head, signed when
it is asked for. An Ed25519 signature over the same text is the same each time, so
whichever process is asked, on whichever machine, there is one checkpoint of a size. Only
what is on disk is signed.

Public: an entry commits to its object and shows nothing of it (docs/rules/R-09.md).

Source: C2SP tlog-tiles, tlog-checkpoint, tlog-proof; DESIGN section 7; docs/adr/0018.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from nacl.signing import SigningKey

from detente.core.agreement import Agreement
from detente.core.checkpoint import Checkpoint, log_origin
from detente.core.log_files import LEVEL_MAX, LogFile, encode_bundle, width_at
from detente.core.merkle import HASH_BYTES
from detente.core.note import render_note, sign_note
from detente.core.note_key import Signer, VerifierKey, log_signer, parse_vkey
from detente.core.proof_file import ProofFile, render_proof_file
from detente.core.tiles import TILE_HEIGHT, TILE_WIDTH, prove_inclusion, root
from detente.errors import Conflict, NotFound
from detente.node.keyring import Keyring
from detente.store import Record

LOG = "+log"
"""Whose key signs checkpoints, in a keyring: no party can be called so."""

UNNAMED = "detente.invalid"
"""In the origin of a log whose operator has given no name of his own (RFC 2606)."""


def new_log_key(keyring: Keyring, theatre: str, prefix: str | None) -> str:
    """The verifier key of a theatre's log, for its agreement; the private one is made.

    Args:
        keyring: Where the private key goes; one that a broken run left is taken.
        theatre: Whose log it is.
        prefix: Of its origin (``log_origin``); None makes one up that no other log has.

    Raises:
        MalformedInput: The prefix is no name of a log.
        Unavailable: The key cannot be written.
    """
    if prefix is not None:
        log_origin(prefix, theatre)  # Refused before a key is made.
    private = keyring.own(LOG)
    origin = log_origin(prefix or _unnamed(private), theatre)
    return log_signer(origin, private).verifier.vkey


def _unnamed(private: SigningKey) -> str:
    return f"{bytes(private.verify_key)[:8].hex()}.{UNNAMED}"


def signer_of(agreement: Agreement, keyring: Keyring) -> Signer:
    """Who signs the log of a theatre, by its agreement.

    Raises:
        NotFound: The agreement names no log, or its private key is not here.
        Conflict: The private key here is another.
    """
    if not agreement.log_keys:
        raise NotFound(
            "key of the log", expected="one in the agreement; `detente agreement` adds it"
        )
    private = keyring.load(LOG)
    for text in agreement.log_keys:
        signer = log_signer(parse_vkey(text).name, private)
        if signer.verifier.vkey == text:
            return signer
    raise Conflict("key of the log", expected="the one in the agreement", got="another")


class PublicLog:
    """A theatre's log.

    Args:
        signer: Of its checkpoints.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        # The head is asked for far more often than it moves.
        self._signed = lru_cache(maxsize=4)(self._sign)

    @property
    def key(self) -> VerifierKey:
        """With which its checkpoints are verified; its name is the log's origin."""
        return self._signer.verifier

    def checkpoint(self, record: Record) -> bytes:
        """The newest checkpoint that enough witnesses cosigned; until there is one, the head."""
        found = record.witnessed()
        return self.head(record) if found is None else found[1]

    def head(self, record: Record) -> bytes:
        """The checkpoint of all that is on record, as the log signs it."""
        _, size, root = record.head()
        return self._signed(size, root)

    def at(self, record: Record, size: int) -> bytes:
        """The checkpoint of the first ``size`` entries, signed by the key that the log has now.

        Until that key is changed it is, to the byte, what the log signed when it held no more.

        Raises:
            LogInconsistent: It does not hold as many.
        """
        return self._signed(size, root(record.tile, size))

    def _sign(self, size: int, root: bytes) -> bytes:
        text = Checkpoint(origin=self.key.name, size=size, root=root).text
        return render_note(sign_note(text, [self._signer]))

    def proof(self, record: Record, leaf: bytes) -> bytes:
        """A proof file that an entry is in the log.

        Under the first checkpoint with it that enough witnesses cosigned, which says how old
        it is at least; until then under the newest one that the log signed.

        Raises:
            NotFound: No entry has this leaf hash.
        """
        index = record.sequence_of(leaf)
        if index is None:
            raise NotFound(f"entry {leaf.hex()}")
        first = record.first_witnessed(index)
        if first is None:
            return self.proof_of(record, index)
        size, checkpoint = first
        return _proof(prove_inclusion(record.tile, index, size), index, checkpoint)

    def proof_of(self, record: Record, index: int) -> bytes:
        """A proof file that the entry in this place is in the log, under the head.

        Raises:
            MalformedInput: The log is not that long.
        """
        return _proof(record.inclusion_proof(index), index, self.head(record))


def _proof(hashes: Sequence[bytes], index: int, checkpoint: bytes) -> bytes:
    return render_proof_file(ProofFile(index=index, hashes=tuple(hashes), checkpoint=checkpoint))


def read_file(record: Record, file: LogFile) -> bytes:
    """The bytes of a tile, or of a bundle of entries.

    A partial one may be asked for as it was at any earlier size: what it held is still
    the beginning of what it holds.

    Raises:
        NotFound: The log is not that long.
    """
    _, size, _ = record.head()
    if width_at(size, file.level, file.index) < file.width:
        raise NotFound(file.path, expected=f"a file of a log of {size} entries")
    if file.level is not None:
        return record.tile(file.level, file.index)[: file.width * HASH_BYTES]
    first = file.index * TILE_WIDTH
    return encode_bundle(record.envelopes(first, first + file.width))


def files_of(size: int, *, since: int = 0) -> Iterator[LogFile]:
    """The files of a log of ``size`` entries that are not yet there in one of ``since``."""
    for level in (None, *range(LEVEL_MAX)):
        height = TILE_HEIGHT * (level or 0)
        if not size >> height:
            return
        index = (since >> height) // TILE_WIDTH
        while width := width_at(size, level, index):
            yield LogFile(level=level, index=index, width=width)
            index += 1
