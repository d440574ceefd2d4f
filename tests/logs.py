"""Logs, witnesses and their keys for tests of the log: the same on every run."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.signing import SigningKey

from detente.core import tiles
from detente.core.checkpoint import Checkpoint
from detente.core.merkle import EMPTY_ROOT, leaf_hash
from detente.core.mirror import Package, Upload, render_upload, spans
from detente.core.note_key import Signer, cosigner, log_signer

ORIGIN = "log.example.org/levant"


def ed25519(number: int) -> SigningKey:
    return SigningKey(bytes([number]) * 32)


def ml_dsa(number: int) -> MLDSA44PrivateKey:
    return MLDSA44PrivateKey.from_seed_bytes(bytes([number]) * 32)


LOG = log_signer(ORIGIN, ed25519(1))
LOG_ML_DSA = log_signer(ORIGIN, ml_dsa(1))
OTHER_LOG = log_signer("log.example.org/other", ed25519(2))
NORTH = cosigner("party-a.example/w1", ed25519(3))
SOUTH = cosigner("party-b.example/w1", ed25519(4))
EAST = cosigner("party-c.example/w1", ml_dsa(5))
SIGNERS: tuple[Signer, ...] = (LOG, LOG_ML_DSA, NORTH, SOUTH, EAST)


class Tree:
    """Entries and the tree over them."""

    def __init__(self, entries: Sequence[bytes], origin: str = ORIGIN) -> None:
        self.entries = list(entries)
        self.origin = origin
        hashes = [leaf_hash(entry) for entry in entries]
        self.tiles = tiles.grow(self.read, 0, hashes)

    def read(self, level: int, index: int) -> bytes:
        return self.tiles[level, index]

    def at(self, size: int) -> Checkpoint:
        root = tiles.root(self.read, size) if size else EMPTY_ROOT
        return Checkpoint(origin=self.origin, size=size, root=root)

    def growth(self, old_size: int, size: int) -> list[bytes]:
        return tiles.prove_consistency(self.read, old_size, size) if old_size else []

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return tiles.prove_inclusion(self.read, index, size)


def packages(tree: Tree, start: int, end: int) -> list[Package]:
    """What an honest log sends to a mirror that lacks these entries."""
    return [
        Package(
            start=first,
            entries=tuple(tree.entries[first:stop]),
            proof=tuple(tiles.prove_subtree(tree.read, first - first % 256, stop, end)),
        )
        for first, stop in spans(start, end)
    ]


def upload(tree: Tree, start: int, end: int, count: int = 99) -> bytes:
    """The same as it is sent, the first ``count`` packages of it."""
    said = Upload(origin=tree.origin, start=start, end=end)
    return render_upload(said, packages(tree, start, end)[:count])
