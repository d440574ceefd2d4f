"""Where the hashes of the tree are kept: tiles, 256 hashes wide.

Tile (level, index) holds the hashes of the complete subtrees of 256^level
leaves, numbered 256 index to 256 index + 255. A tile that is not yet full ends
early. Only full tiles count at the level above. This is the tiling of C2SP
tlog-tiles, so that the files which other tools read can be written from it.

Pure: tiles are read through a function that the caller gives.

Source: C2SP tlog-tiles, "Merkle tree"; docs/adr/0005.
"""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial

from detente.core.merkle import (
    HASH_BYTES,
    Range,
    complete_ranges,
    consistency_ranges,
    fold,
    inclusion_ranges,
    node_hash,
    subtree_ranges,
)

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

Tile = tuple[int, int]
ReadTile = Callable[[int, int], bytes]


def grow(read: ReadTile, size: int, leaves: Sequence[bytes]) -> dict[Tile, bytes]:
    """Append leaf hashes to a tree.

    Args:
        read: Gives the bytes of tile (level, index).
        size: Leaves in the tree so far.
        leaves: Leaf hashes to append, 32 bytes each.

    Returns:
        The tiles that changed, whole.
    """
    changed: dict[Tile, bytes] = {}
    level, place, hashes = 0, size, list(leaves)
    while hashes:
        index, filled = divmod(place, TILE_WIDTH)
        tile = read(level, index) if filled else b""
        above = []
        while hashes:
            room = TILE_WIDTH - filled
            tile += b"".join(hashes[:room])
            filled = min(TILE_WIDTH, filled + len(hashes))
            hashes = hashes[room:]
            changed[level, index] = tile
            if filled == TILE_WIDTH:
                above.append(_subtree(tile))
                index, filled, tile = index + 1, 0, b""
        level, place, hashes = level + 1, place // TILE_WIDTH, above
    return changed


def root(read: ReadTile, size: int) -> bytes:
    """The root of the first ``size`` leaves."""
    return _range_hash(read, (0, size))


def right_edge(size: int) -> list[Tile]:
    """The tiles that end where the tree does: all that ``grow`` and ``root`` read of it."""
    edge = []
    level = 0
    while size:
        index, filled = divmod(size, TILE_WIDTH)
        if filled:
            edge.append((level, index))
        level, size = level + 1, size >> TILE_HEIGHT
    return edge


def prove_inclusion(read: ReadTile, index: int, size: int) -> list[bytes]:
    """Hashes that prove leaf ``index`` in the tree of ``size``, leaf side first.

    Raises:
        MalformedInput: ``index`` is not below ``size``.
    """
    return InclusionProver(read, size)(index)


class InclusionProver:
    """Proves leaf after leaf of one tree: what their paths share is hashed once.

    Args:
        read: Gives the bytes of tile (level, index), as they are at this size.
        size: Leaves in the tree.
    """

    def __init__(self, read: ReadTile, size: int) -> None:
        self._size = size
        self._hash = cache(partial(_range_hash, read))

    def __call__(self, index: int) -> list[bytes]:
        """As ``prove_inclusion``."""
        return [self._hash(one) for one in inclusion_ranges(index, self._size)]


def prove_consistency(read: ReadTile, old_size: int, size: int) -> list[bytes]:
    """Hashes that prove that the tree of ``old_size`` became that of ``size``.

    Raises:
        MalformedInput: ``old_size`` is 0 or above ``size``.
    """
    return [_range_hash(read, one) for one in consistency_ranges(old_size, size)]


def prove_subtree(read: ReadTile, start: int, end: int, size: int) -> list[bytes]:
    """Hashes that prove that the tree of ``size`` has leaves [start, end) in one subtree.

    Raises:
        MalformedInput: As ``subtree_ranges``.
    """
    return [_range_hash(read, one) for one in subtree_ranges(start, end, size)]


def _range_hash(read: ReadTile, one: Range) -> bytes:
    return fold([_complete_hash(read, *part) for part in complete_ranges(*one)])


def _complete_hash(read: ReadTile, low: int, high: int) -> bytes:
    """Hash of a complete subtree: a run of hashes in one tile, folded."""
    height = (high - low).bit_length() - 1
    level, rest = divmod(height, TILE_HEIGHT)
    index, offset = divmod(low >> (level * TILE_HEIGHT), TILE_WIDTH)
    tile = read(level, index)
    return _subtree(tile[offset * HASH_BYTES : (offset + (1 << rest)) * HASH_BYTES])


@lru_cache(maxsize=64)
def _subtree(run: bytes) -> bytes:
    """The hash over a power of two of hashes; as a tile fills, most are asked for again."""
    hashes = [run[i : i + HASH_BYTES] for i in range(0, len(run), HASH_BYTES)]
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]
