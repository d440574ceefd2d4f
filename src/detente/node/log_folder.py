"""A log as plain files, for any static web server.

Files are written whole, then moved to their place; the checkpoint comes last, and is
never ahead of what it stands for. What a folder holds is gone on with, and is not taken
for granted: its checkpoint must be one of this log.

Source: C2SP tlog-tiles; docs/adr/0018.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from detente.core.checkpoint import Checkpoint, parse_checkpoint
from detente.core.log_files import LogFile
from detente.core.merkle import EMPTY_ROOT
from detente.core.note import parse_note, verify_note
from detente.core.tiles import TILE_WIDTH, root
from detente.errors import Conflict, DetenteError, Unavailable
from detente.node.log import PublicLog, files_of, read_file
from detente.node.log_source import CHECKPOINT
from detente.node.whole_file import make_folder, sync_folder, write_whole
from detente.store import Record


class Written(Struct, frozen=True, kw_only=True):
    """What was written: from a log of how many entries to one of how many, in how many files."""

    since: int
    size: int
    files: int


def write_folder(record: Record, log: PublicLog, folder: Path) -> Written:
    """Write what a folder lacks of a log, up to the checkpoint that is served.

    Raises:
        Conflict: It holds another log, or a longer or a different one of this name.
        Unavailable: It cannot be written.
    """
    checkpoint = log.checkpoint(record)
    size = parse_checkpoint(parse_note(checkpoint).text).size
    path = folder / CHECKPOINT
    try:
        since = _size_of(record, log, folder)
        make_folder(folder)
        files = list(files_of(size, since=since)) if size > since else []
        for file in files:
            write_whole(folder / file.path, read_file(record, file))
        # What the checkpoint stands for must be there after a loss of power, if it is.
        for place in sorted(_folders(folder, files)):
            sync_folder(place)
        # Of the same size it may have been cosigned by more witnesses since.
        held = path.read_bytes() if path.exists() else b""
        if size >= since and held != checkpoint:
            write_whole(path, checkpoint)
        # Also where nothing was written: one that was killed here left it as it was.
        sync_folder(folder)
        for file in files:
            _drop_partial(folder, file)
    except OSError as error:
        raise Unavailable(f"folder {folder}", expected="to be written", got=f"{error}") from error
    return Written(since=since, size=max(since, size), files=len(files))


def _size_of(record: Record, log: PublicLog, folder: Path) -> int:
    """How long the log is that a folder holds: 0 where it holds none."""
    path = folder / CHECKPOINT
    if not path.exists():
        return 0
    found = _read(path, log)
    _, size, _ = record.head()
    if found.size > size:
        raise Conflict(f"{path}", expected=f"at most {size} entries", got=f"{found.size}")
    ours = root(record.tile, found.size) if found.size else EMPTY_ROOT
    if ours != found.root:
        raise Conflict(f"{path}", expected="a checkpoint of this log", got="another past")
    return found.size


def _read(path: Path, log: PublicLog) -> Checkpoint:
    try:
        note = parse_note(path.read_bytes())
        verify_note(note, [log.key])
        found = parse_checkpoint(note.text)
    except DetenteError as error:
        raise Conflict(
            f"{path}", expected=f"a checkpoint of {log.key.name}", got=f"{error}"
        ) from None
    if found.origin != log.key.name:
        raise Conflict(f"{path}", expected=f"a checkpoint of {log.key.name}", got=found.origin)
    return found


def _folders(folder: Path, files: Iterable[LogFile]) -> set[Path]:
    """Those in which these files or their folders are new."""
    parents = {one for file in files for one in (folder / file.path).parents}
    return {one for one in parents if one.is_relative_to(folder)}


def _drop_partial(folder: Path, file: LogFile) -> None:
    """A partial file is of no more use once the full one is there (tlog-tiles)."""
    if file.width == TILE_WIDTH:
        shutil.rmtree(folder / f"{file.path}.p", ignore_errors=True)
