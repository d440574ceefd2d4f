"""RFC 6962 proofs: third-party known answers, most of which must be refused, and properties."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core import tiles
from detente.core.merkle import (
    EMPTY_ROOT,
    consistency_ranges,
    fold,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    split,
    verify_consistency,
    verify_inclusion,
)
from detente.errors import LogInconsistent, MalformedInput

VECTORS = Path(__file__).parents[1] / "vectors" / "merkle" / "testdata"
FILES = sorted(VECTORS.rglob("*.json"))

NOT_HASHES = "sizes-are-equal-one-and-proof-is-empty.json"
"""The one vector with roots of 12 bytes that its origin accepts; ours asks for hashes."""


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_vectors_of_transparency_dev(file: Path) -> None:
    vector = json.loads(file.read_text())
    proof = [decoded(one) for one in vector["proof"] or []]

    def verify() -> None:
        if "leafIdx" in vector:
            leaf, root = decoded(vector["leafHash"]), decoded(vector["root"])
            verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], proof, root)
        else:
            old, root = decoded(vector["root1"]), decoded(vector["root2"])
            verify_consistency(vector["size1"], vector["size2"], proof, old, root)

    if vector["wantErr"] or file.name == NOT_HASHES:
        with pytest.raises(LogInconsistent):
            verify()
    else:
        verify()


def test_all_vectors_are_there() -> None:
    refused = sum(json.loads(file.read_text())["wantErr"] for file in FILES)
    assert (len(FILES), refused) == (196, 184)


def test_from_size_0_nothing_is_proven() -> None:
    """A trap: some verifiers take any root as grown out of the empty tree."""
    root = leaf_hash(b"")
    for size in (0, 1, 2):
        for proof in ([], [root]):
            for old_root in (EMPTY_ROOT, root):
                with pytest.raises(LogInconsistent, match="old size"):
                    verify_consistency(0, size, proof, old_root, root)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_a_hash_of_another_length_is_refused_wherever_it_stands(length: int) -> None:
    """A trap: without it, 64 bytes of two hashes may pass for one, and 12 bytes for a root."""
    good, other = leaf_hash(b""), b"h" * length
    for leaf, proof, root in (
        (other, [good], good),
        (good, [other], good),
        (good, [good], other),
    ):
        with pytest.raises(LogInconsistent, match="32 bytes"):
            verify_inclusion(leaf, 0, 2, proof, root)
        with pytest.raises(LogInconsistent, match="32 bytes"):
            verify_consistency(1, 2, proof, leaf, root)


def reference_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node_hash(reference_root(hashes[:k]), reference_root(hashes[k:]))


def tree(leaves: list[bytes], steps: list[int]) -> dict[tuple[int, int], bytes]:
    kept: dict[tuple[int, int], bytes] = {}
    at = 0
    for step in [*steps, len(leaves)]:
        batch = leaves[at : at + step]
        kept.update(tiles.grow(lambda level, number: kept[level, number], at, batch))
        at += len(batch)
    return kept


@given(
    size=st.one_of(st.integers(1, 40), st.sampled_from([255, 256, 257, 511, 513, 66_000])),
    steps=st.lists(st.integers(1, 300), max_size=4),
    data=st.data(),
)
@settings(max_examples=60)
def test_what_tiles_prove_is_what_the_rfc_says(
    size: int, steps: list[int], data: st.DataObject
) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    kept = tree(leaves, steps)

    def read(level: int, number: int) -> bytes:
        return kept[level, number]

    root = tiles.root(read, size)
    assert root == reference_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = tiles.prove_inclusion(read, index, size)
    verify_inclusion(leaves[index], index, size, proof, root)
    old = data.draw(st.integers(1, size))
    growth = tiles.prove_consistency(read, old, size)
    old_root = reference_root(leaves[:old])
    verify_consistency(old, size, growth, old_root, root)
    # An altered byte anywhere breaks the proof.
    for position in range(len(proof)):
        broken = [*proof]
        broken[position] = bytes([broken[position][0] ^ 1]) + broken[position][1:]
        with pytest.raises(LogInconsistent):
            verify_inclusion(leaves[index], index, size, broken, root)
    if old < size:
        with pytest.raises(LogInconsistent):
            verify_consistency(old, size, growth, leaf_hash(b"another"), root)


def test_bounds_are_refused() -> None:
    with pytest.raises(MalformedInput, match="0 to 2"):
        inclusion_ranges(3, 3)
    with pytest.raises(MalformedInput, match="1 to 3"):
        consistency_ranges(0, 3)
    with pytest.raises(MalformedInput):
        consistency_ranges(4, 3)
    root = leaf_hash(b"")
    with pytest.raises(LogInconsistent, match="leaf index"):
        verify_inclusion(root, 1, 1, [], root)
    with pytest.raises(LogInconsistent, match="at least one hash"):
        verify_consistency(3, 5, [], root, root)


def test_an_empty_tree() -> None:
    assert fold([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c14")
    assert tiles.grow(lambda _level, _number: b"", 0, []) == {}


@given(st.integers(1, 1 << 40), st.integers(1, 600))
@settings(max_examples=300)
def test_growing_and_the_root_read_nothing_but_the_right_edge(size: int, more: int) -> None:
    known = dict.fromkeys(tiles.right_edge(size), b"h" * 32 * tiles.TILE_WIDTH)
    leaves = [b"l" * 32] * more
    known |= tiles.grow(lambda *at: known[at][: _filled(size, at[0]) * 32], size, leaves)
    assert len(tiles.root(lambda *at: known[at], size + more)) == 32


def _filled(size: int, level: int) -> int:
    """Hashes in the last tile of a level."""
    return (size >> (level * tiles.TILE_HEIGHT)) % tiles.TILE_WIDTH
