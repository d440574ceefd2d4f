"""An evidence file led on to a checkpoint that was cosigned after the file was made.

What opens a committed check is written before any witness can have cosigned its entry. What is
added here is public: a checkpoint, and the proof that it grew out of the last one in the file.
So the log is asked for nothing but files of its own, and learns nothing of what the file opens.

Source: docs/evidence.md; docs/adr/0020.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from msgspec import Struct

from detente.core.checkpoint import parse_checkpoint
from detente.core.evidence import Evidence, Later, added, newest
from detente.core.lines import to_base64
from detente.core.log_files import LogFile, width_at
from detente.core.merkle import leaf_hash
from detente.core.note import NOTE_BYTES_MAX, parse_note
from detente.core.proof_file import PROOF_FILE_BYTES_MAX, parse_proof_file
from detente.core.tiles import ReadTile, prove_consistency
from detente.errors import MalformedInput, NotFound
from detente.node.log_source import CHECKPOINT, Source, read_tile
from detente.store import Record


class Growth(Struct, frozen=True, kw_only=True):
    """A log that has grown: checkpoints of it, the oldest first, and its tiles at a size."""

    checkpoints: tuple[bytes, ...]
    tiles: Callable[[int], ReadTile]


def growth_of_log(evidence: Evidence, source: Source) -> Growth:
    """What a log publishes: the first checkpoint with the last version, and the newest.

    Raises:
        DetenteError: It could not be asked, or answers what is no log's.
    """
    _, leaf = _last(evidence)
    found = []
    with suppress(NotFound):  # Only a node's log has proofs of single entries.
        path = f"proof/{leaf.hex()}"
        found.append(parse_proof_file(source.read(path, PROOF_FILE_BYTES_MAX)).checkpoint)
    found.append(source.read(CHECKPOINT, NOTE_BYTES_MAX))
    return Growth(checkpoints=tuple(found), tiles=partial(_tiles, source))


def growth_of_record(evidence: Evidence, record: Record) -> Growth:
    """The same of a register on this machine."""
    index, _ = _last(evidence)
    found = [one[1] for one in (record.first_witnessed(index), record.witnessed()) if one]
    return Growth(checkpoints=tuple(found), tiles=lambda _: record.tile)


def completions(data: bytes, growth: Growth) -> Iterator[bytes]:
    """An evidence file with one of these checkpoints, and with the next; none is verified.

    Those that are smaller than the last in the file cannot be added to it.

    Raises:
        DetenteError: Not an evidence file, or a log that cannot prove how it grew.
    """
    _, last = newest(data)
    old = _size(last.encode())
    for note in growth.checkpoints:
        size = _size(note)
        if size < old:
            continue
        proof = prove_consistency(growth.tiles(size), old, size) if old < size else ()
        yield added(data, Later(checkpoint=note.decode(), consistency=tuple(map(to_base64, proof))))


def _last(evidence: Evidence) -> tuple[int, bytes]:
    """Place and leaf hash of the last version of what a file is about."""
    found = [one for one in evidence.entries if one.about == "object"]
    if not found:
        raise MalformedInput("evidence", expected="an entry of its object")
    return found[-1].index, leaf_hash(found[-1].envelope.encode())


def _size(note: bytes) -> int:
    return parse_checkpoint(parse_note(note).text).size


def _tiles(source: Source, size: int) -> ReadTile:
    def read(level: int, index: int) -> bytes:
        width = width_at(size, level, index)
        return read_tile(source, LogFile(level=level, index=index, width=width))

    return read
