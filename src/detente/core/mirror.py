"""Mirror: how a log sends its entries to whoever keeps a copy, and what a mirror answers.

A mirror is told a checkpoint first, as a witness is (``detente.core.witness``), which from
then on is *pending*. Then the log uploads entries, in packages of at most 256, each with a
proof that these are the entries under a pending checkpoint. When the mirror has all of them
it cosigns, and serves the log under that checkpoint.

::

    an upload    length of the origin (2), origin, start (8), end (8),
                 length of the ticket (2), ticket, packages
    a package    entries, each behind its length (2); number of hashes (1), hashes (32 each)

Numbers are big-endian. Which entries a package holds follows from start and end.

Source: C2SP tlog-mirror, "add-entries"; docs/adr/0021.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum

from msgspec import Struct

from detente.core.checkpoint import Checkpoint
from detente.core.lines import PROOF_HASHES_MAX, SIZE_MAX, from_base64, to_base64, to_size, to_text
from detente.core.log_files import ENTRY_BYTES_MAX
from detente.core.merkle import HASH_BYTES, leaf_hash, verify_subtree
from detente.core.tiles import TILE_WIDTH, grow, root
from detente.core.witness import Answer
from detente.errors import MalformedInput

PACKAGES_MAX = 32
"""In one upload, as tlog-mirror advises."""

PACKAGE_BYTES_MAX = TILE_WIDTH * (2 + ENTRY_BYTES_MAX) + 1 + PROOF_HASHES_MAX * HASH_BYTES
"""256 entries of the largest size, and a proof: 16.8 MB."""

UPLOAD_BYTES_MAX = 24_000_000
"""Of an upload, packed or not: a package of the largest entries, or 32 as they usually are."""

TEXT_BYTES_MAX = (1 << 16) - 1
"""Of an origin, and of a ticket: what 16 bits count."""

INFO_TYPE = "text/x.tlog.mirror-info"
"""The media type of an answer that says how far the mirror is."""

INFO_BYTES_MAX = 4 * TEXT_BYTES_MAX


class Status(IntEnum):
    """The HTTP status codes that tlog-mirror gives a meaning."""

    MIRRORED = 200
    MORE = 202
    MALFORMED = 400
    UNKNOWN_LOG = 404
    CONFLICT = 409
    NOT_CONSISTENT = 422


class Upload(Struct, frozen=True, kw_only=True):
    """What an upload is about.

    Attributes:
        origin: Of the log.
        start: The first entry of it.
        end: The size of the pending checkpoint that it leads to.
        ticket: What the mirror gave; opaque to the log.
    """

    origin: str
    start: int
    end: int
    ticket: bytes = b""


class Package(Struct, frozen=True, kw_only=True):
    """Entries that stand in one bundle, and the proof for all of that bundle so far.

    Attributes:
        start: The number of the first entry.
        entries: One or more.
        proof: That the leaves from the bundle's first to these are a subtree under the
            checkpoint.
    """

    start: int
    entries: tuple[bytes, ...]
    proof: tuple[bytes, ...]

    @property
    def first(self) -> int:
        """The number of the bundle's first entry."""
        return self.start - self.start % TILE_WIDTH

    @property
    def end(self) -> int:
        """The number after the last entry."""
        return self.start + len(self.entries)


class Info(Struct, frozen=True, kw_only=True):
    """How far a mirror is.

    Attributes:
        size: Of a pending checkpoint.
        next: The first entry that it lacks.
        ticket: To be given with the next upload.
    """

    size: int
    next: int
    ticket: bytes = b""


def spans(start: int, end: int) -> Iterator[tuple[int, int]]:
    """From where to where each package of an upload goes."""
    while start < end:
        stop = min(end, start - start % TILE_WIDTH + TILE_WIDTH)
        yield start, stop
        start = stop


def render_upload(upload: Upload, packages: Sequence[Package]) -> bytes:
    """The body of an upload.

    Raises:
        MalformedInput: An entry or a proof is too long for it.
    """
    parts = [
        _counted(upload.origin.encode(), what="origin"),
        upload.start.to_bytes(8, "big"),
        upload.end.to_bytes(8, "big"),
        _counted(upload.ticket, what="ticket"),
    ]
    for one in packages:
        parts += [_counted(entry, what="entry") for entry in one.entries]
        parts += [len(one.proof).to_bytes(1, "big"), *one.proof]
    return b"".join(parts)


def _counted(data: bytes, *, what: str) -> bytes:
    if len(data) > TEXT_BYTES_MAX:
        raise MalformedInput(what, expected=f"at most {TEXT_BYTES_MAX} bytes", got=f"{len(data)}")
    return len(data).to_bytes(2, "big") + data


class _Reader:
    """Takes bytes off the beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    @property
    def over(self) -> bool:
        return self.at == len(self._data)

    def take(self, count: int) -> bytes:
        if self.at + count > len(self._data):
            raise MalformedInput("upload", expected=f"{self.at + count} bytes or more")
        self.at += count
        return self._data[self.at - count : self.at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")


def parse_upload(body: bytes) -> tuple[Upload, int]:
    """What an upload is about, and where its packages begin.

    Raises:
        MalformedInput: Not an upload: Status.MALFORMED.
    """
    reader = _Reader(body)
    origin = reader.take(reader.number(2))
    start, end = reader.number(8), reader.number(8)
    ticket = reader.take(reader.number(2))
    if not start <= end <= SIZE_MAX:
        raise MalformedInput("upload", expected=f"from 0 up to {SIZE_MAX}", got=f"{start}, {end}")
    text = to_text(origin, what="origin", bytes_max=TEXT_BYTES_MAX)
    return Upload(origin=text, start=start, end=end, ticket=ticket), reader.at


def parse_packages(body: bytes, at: int, upload: Upload) -> list[Package]:
    """The packages of an upload that came whole; what came of one more is left alone.

    Raises:
        MalformedInput: A proof is too long, or something follows the last package.
    """
    reader = _Reader(body)
    reader.at = at
    found: list[Package] = []
    for start, end in spans(upload.start, upload.end):
        try:
            entries = tuple(reader.take(reader.number(2)) for _ in range(start, end))
            count = reader.number(1)
            proof = tuple(reader.take(HASH_BYTES) for _ in range(count))
        except MalformedInput:
            return found
        if count > PROOF_HASHES_MAX:
            raise MalformedInput(
                "proof", expected=f"at most {PROOF_HASHES_MAX} hashes", got=f"{count}"
            )
        found.append(Package(start=start, entries=entries, proof=proof))
    if not reader.over:
        raise MalformedInput("upload", expected="no more than its packages")
    return found


def verify_package(package: Package, before: Sequence[bytes], checkpoint: Checkpoint) -> None:
    """Check that these are the entries in their place under a checkpoint.

    Args:
        package: As it came.
        before: Hashes of the entries from its bundle's first up to its own first.
        checkpoint: Signed by the log.

    Raises:
        LogInconsistent: They are not.
    """
    leaves = [*before, *map(leaf_hash, package.entries)]
    tiles = grow(lambda *_: b"", 0, leaves)
    verify_subtree(
        package.first,
        package.end,
        checkpoint.size,
        package.proof,
        root(lambda *place: tiles[place], len(leaves)),
        checkpoint.root,
    )


def info_answer(status: Status, info: Info) -> Answer:
    """An answer that says how far the mirror is."""
    # No ticket is an empty line.
    body = f"{info.size}\n{info.next}\n{to_base64(info.ticket)}\n"
    return Answer(status=status, content_type=INFO_TYPE, body=body.encode())


def read_info(answer: Answer) -> Info:
    """How far a mirror says that it is.

    Raises:
        MalformedInput: It says something else.
    """
    kind = answer.content_type.partition(";")[0].strip().lower()
    text = to_text(answer.body, what="mirror info", bytes_max=INFO_BYTES_MAX)
    match text.split("\n"):
        case [size, following, ticket, ""] if kind == INFO_TYPE:
            return Info(
                size=to_size(size, what="tree size"),
                next=to_size(following, what="next entry"),
                ticket=from_base64(ticket, what="ticket") if ticket else b"",
            )
        case _:
            raise MalformedInput("mirror info", expected=f"three lines of {INFO_TYPE}")
