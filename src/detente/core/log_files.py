"""The files of a log: what they are called, and how entries lie in them.

::

    tile/0/x001/234          a full tile of 256 leaf hashes: number 1234
    tile/1/000.p/5           the first 5 hashes of a tile one level up
    tile/entries/000.p/17    the first 17 entries

The hashes in a tile are those of ``detente.core.tiles``, one after the other. In a
bundle, each entry stands behind its length in 16 bits.

Source: C2SP tlog-tiles, "Merkle Tree" and "Log entries"; docs/adr/0005.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from detente.core.lines import SIZE_MAX
from detente.core.tiles import TILE_HEIGHT, TILE_WIDTH
from detente.errors import MalformedInput

ENTRY_BYTES_MAX = 65_535
"""What 16 bits count."""

LEVEL_MAX = 63
"""As tlog-tiles has it; no tree of SIZE_MAX leaves reaches above level 7."""

ENTRIES = "entries"

_LENGTH_BYTES = 2
_PATH = re.compile(
    r"tile/(?P<level>[0-9]|[1-5][0-9]|6[0-3]|entries)/"
    r"(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class LogFile(Struct, frozen=True, kw_only=True):
    """A tile, or a bundle of entries.

    Attributes:
        level: Of the tile; None for a bundle of entries.
        index: Its number on its level.
        width: Hashes or entries in it: TILE_WIDTH if it is full, else 1 to 255.

    Raises:
        MalformedInput: One is out of its limits.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        limits = (
            ("level", self.level or 0, 0, LEVEL_MAX),
            ("tile index", self.index, 0, SIZE_MAX // TILE_WIDTH),
            ("tile width", self.width, 1, TILE_WIDTH),
        )
        for what, value, low, high in limits:
            if not low <= value <= high:
                raise MalformedInput(what, expected=f"{low} to {high}", got=f"{value}")

    @property
    def path(self) -> str:
        """Where it is found, below the log's own address."""
        digits = f"{self.index:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        level = ENTRIES if self.level is None else self.level
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{number}{partial}"


def parse_path(path: str) -> LogFile:
    """The file that a path names; ``LogFile.path`` gives the same path again.

    Raises:
        MalformedInput: No file of a log, or not spelt as we would spell it.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedInput("path", expected="tile/LEVEL/INDEX or tile/entries/INDEX")
    level, width = match["level"], match["width"]
    found = LogFile(
        level=None if level == ENTRIES else int(level),
        index=int(re.sub("[x/]", "", match["index"])),
        width=int(width) if width else TILE_WIDTH,
    )
    if found.path != path:
        raise MalformedInput("path", expected=found.path, got=path)
    return found


def width_at(size: int, level: int | None, index: int) -> int:
    """How many hashes or entries a file has when the tree has ``size`` leaves; 0: no such file.

    Args:
        size: Leaves in the tree.
        level: Of the tile; None for a bundle of entries.
        index: Of the file on its level.
    """
    count = size >> (TILE_HEIGHT * (level or 0))
    return max(0, min(TILE_WIDTH, count - index * TILE_WIDTH))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle.

    Raises:
        MalformedInput: None or more than TILE_WIDTH, or one of more than ENTRY_BYTES_MAX.
    """
    _require_count(len(entries))
    parts = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise MalformedInput(
                "entry", expected=f"at most {ENTRY_BYTES_MAX} bytes", got=f"{len(entry)}"
            )
        parts += [len(entry).to_bytes(_LENGTH_BYTES, "big"), entry]
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries in a bundle, 1 to TILE_WIDTH.

    Raises:
        MalformedInput: It ends within an entry, or holds none or too many.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) <= TILE_WIDTH:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data):
            raise MalformedInput("entry bundle", expected=f"{at} bytes or more", got=f"{len(data)}")
        entries.append(data[start:at])
    _require_count(len(entries))
    return entries


def _require_count(count: int) -> None:
    if not 1 <= count <= TILE_WIDTH:
        raise MalformedInput("entry bundle", expected=f"1 to {TILE_WIDTH} entries", got=f"{count}")
