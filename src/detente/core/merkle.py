"""The Merkle tree of the record: RFC 6962 hashes, and proofs about them.

Pure functions of bytes. Leaves and inner nodes are hashed under different
prefixes, so that neither passes for the other (RFC 6962 section 2.1). Proofs
are made from ranges of leaves [low, high) whose hashes the caller looks up
(detente.core.tiles), and verified from bytes alone.

Source: RFC 6962 section 2.1; RFC 9162 sections 2.1.3.2 and 2.1.4.2 for the two
verifiers; docs/rules/R-09.md.
"""

from collections.abc import Sequence
from enum import Enum, auto
from hashlib import sha256

from detente.errors import LogInconsistent, MalformedInput

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Range = tuple[int, int]


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf, 32 bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node, 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two below ``size``, which must be at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def complete_ranges(low: int, high: int) -> list[Range]:
    """[low, high) as complete subtrees, left to right.

    ``low`` must be a multiple of the power of two at or above ``high - low``,
    as all ranges in proofs are.
    """
    ranges = []
    while low < high:
        width = 1 << ((high - low).bit_length() - 1)
        ranges.append((low, low + width))
        low += width
    return ranges


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over complete subtrees given left to right, the largest first."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes prove that leaf ``index`` is in a tree of ``size``.

    Raises:
        MalformedInput: ``index`` is not below ``size``.
    """
    if not 0 <= index < size:
        raise MalformedInput("leaf index", expected=f"0 to {size - 1}", got=f"{index}")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    return path[::-1]


def consistency_ranges(old_size: int, size: int) -> list[Range]:
    """The ranges whose hashes prove that a tree of ``old_size`` became one of ``size``.

    Raises:
        MalformedInput: ``old_size`` is 0 or above ``size``.
    """
    if not 0 < old_size <= size:
        raise MalformedInput("old size", expected=f"1 to {size}", got=f"{old_size}")
    return subtree_ranges(0, old_size, size)


def subtree_ranges(start: int, end: int, size: int) -> list[Range]:
    """The ranges whose hashes prove that a tree of ``size`` has these leaves in one subtree.

    Of the first leaves, this is the proof that a tree of ``end`` became one of ``size``.

    Raises:
        MalformedInput: [start, end) is empty, beyond ``size``, or no subtree: ``start`` must be
            a multiple of the power of two at or above its width.

    Source:
        draft-ietf-plants-merkle-tree-certs-02, "Subtree Consistency Proofs".
    """
    steps, (low, whole) = _subtree_steps(start, end, size)
    path = [one for one, _ in steps]
    return [*path, (low, end)][::-1] if not whole else path[::-1]


def _subtree_steps(
    start: int, end: int, size: int
) -> tuple[list[tuple[Range, "_Side"]], tuple[int, bool]]:
    """From the root down to where the subtree ends: each sibling on the way, and where it is.

    Below them stands the range from the number returned to ``end``; and whether that is the
    whole subtree.
    """
    if not 0 <= start < end <= size or start % (1 << (end - start - 1).bit_length()):
        raise MalformedInput("subtree", expected=f"one of {size} leaves", got=f"{start} to {end}")
    low, high, whole = 0, size, True
    steps: list[tuple[Range, _Side]] = []
    while end != high or low < start:
        middle = low + split(high - low)
        if end <= middle:
            steps.append(((middle, high), _Side.RIGHT))
            high = middle
        elif middle <= start:
            steps.append(((low, middle), _Side.LEFT))
            low = middle
        else:
            steps.append(((low, middle), _Side.WITHIN))
            low, whole = middle, False
    return steps, (low, whole)


class _Side(Enum):
    """Where a sibling stands: beside the subtree, or on the left within it."""

    LEFT = auto()
    RIGHT = auto()
    WITHIN = auto()


def verify_subtree(
    start: int, end: int, size: int, proof: Sequence[bytes], subtree: bytes, root: bytes
) -> None:
    """Check that the leaves [start, end) of the tree under ``root`` hash to ``subtree``.

    Raises:
        MalformedInput: They are no subtree of a tree of ``size``.
        LogInconsistent: They do not, or the proof is not of the right form.

    Source:
        draft-ietf-plants-merkle-tree-certs-02, "Subtree Consistency Proofs".
    """
    _require_hashes(subtree, root, *proof)
    steps, (_, whole) = _subtree_steps(start, end, size)
    path = [subtree, *proof] if whole else list(proof)
    if len(path) != len(steps) + 1:
        raise LogInconsistent("proof", expected=f"{len(steps) + 1} hashes", got=f"{len(path)}")
    old = new = path[0]
    for sibling, (_, side) in zip(path[1:], reversed(steps), strict=True):
        new = node_hash(new, sibling) if side is _Side.RIGHT else node_hash(sibling, new)
        old = node_hash(sibling, old) if side is _Side.WITHIN else old
    if old != subtree or new != root:
        raise LogInconsistent("subtree proof", expected="both hashes", got="others")


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that ``leaf`` (a leaf hash) is at ``index`` under ``root``.

    Raises:
        LogInconsistent: It is not, or the proof is not of the right form.

    Source:
        RFC 9162 section 2.1.3.2.
    """
    _require_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise LogInconsistent("leaf index", expected=f"0 to {size - 1}", got=f"{index}")
    result = leaf
    for sibling, left in zip(proof, _sides(index, size - 1, len(proof)), strict=True):
        result = node_hash(sibling, result) if left else node_hash(result, sibling)
    if result != root:
        raise LogInconsistent("inclusion proof", expected=root.hex(), got=result.hex())


def verify_consistency(
    old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """Check that the tree under ``root`` only appended to the one under ``old_root``.

    A tree of size 0 proves nothing and is refused.

    Raises:
        LogInconsistent: It did not, or the proof is not of the right form.

    Source:
        RFC 9162 section 2.1.4.2.
    """
    _require_hashes(old_root, root, *proof)
    if not 0 < old_size <= size:
        raise LogInconsistent("old size", expected=f"1 to {size}", got=f"{old_size}")
    if old_size == size:
        if proof or old_root != root:
            raise LogInconsistent("consistency proof", expected="equal roots and no hashes")
        return
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        raise LogInconsistent("consistency proof", expected="at least one hash", got="none")
    # Up to the largest complete subtree that ends the old tree.
    rise = (old_size & -old_size).bit_length() - 1
    index, last = (old_size - 1) >> rise, (size - 1) >> rise
    old = new = path[0]
    for sibling, left in zip(path[1:], _sides(index, last, len(path) - 1), strict=True):
        if left:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if old != old_root or new != root:
        raise LogInconsistent("consistency proof", expected="both roots", got="others")


def _sides(index: int, last: int, count: int) -> list[bool]:
    """Whether each of ``count`` siblings stands on the left, from node ``index`` up to the root.

    ``last`` is the number of the last node on the same level.
    """
    sides: list[bool] = []
    for _ in range(count):
        if last == 0:
            raise LogInconsistent("proof", expected=f"{len(sides)} hashes", got=f"{count}")
        left = bool(index & 1) or index == last
        sides.append(left)
        while left and not index & 1 and index:
            index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    if last != 0:
        raise LogInconsistent("proof", expected=f"more than {count} hashes")
    return sides


def _require_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise LogInconsistent("hash", expected=f"{HASH_BYTES} bytes", got=f"{len(value)}")
