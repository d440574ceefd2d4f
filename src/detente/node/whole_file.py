"""Writing a file so that it is never seen in part, and lasts once this says so.

A rename or a link is on disk once its folder was synced, and a folder once the one above
it was: without that a loss of power takes back what was said to be there.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME_BYTES_MAX = 200
"""Of a file's name in that of what is written beside it: names may have 255."""


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file beside its place, and move it there once it is on disk.

    It lasts when ``sync_folder`` has synced its folder, and those above that are new.

    Raises:
        OSError: It cannot be written; what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path) as (beside, handle):
        _write(handle, data)
        os.fchmod(handle, mode)
        beside.rename(path)


def keep_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """As ``write_whole``; when this returns, the file lasts.

    Raises:
        OSError: It cannot be written; what was there before stays, or the file is new.
    """
    make_folder(path.parent)
    write_whole(path, data, mode=mode)
    sync_folder(path.parent)


def keep_new(path: Path, data: bytes) -> None:
    """Write a file that nobody else reads; when this returns, it lasts. Nothing is replaced.

    Raises:
        FileExistsError: There is one; it lasts.
        OSError: It cannot be written.
    """
    make_folder(path.parent, mode=0o700)
    try:
        with _beside(path) as (beside, handle):
            _write(handle, data)
            os.link(beside, path)
    finally:
        sync_folder(path.parent)


@contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, int]]:
    """A new file beside one, readable by its owner alone, and gone at the end.

    Its name follows from the other's, and it is locked while it is written: so the next who
    writes the same file removes what was left of a killed one, and waits for a living one.
    """
    beside = path.with_name(f".{os.fsdecode(os.fsencode(path.name)[:NAME_BYTES_MAX])}.part")
    while True:
        handle: int | None
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            new = True
        except FileExistsError:
            handle, new = _opened(beside), False
        if handle is None:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Who made it may have renamed or removed it, or another may have thought it left.
            if not _is_at(handle, beside):
                continue
            if new:
                yield beside, handle
                return
            # Removed, and never written on: it may be linked to a file that is wanted.
        finally:
            if _is_at(handle, beside):
                beside.unlink()
            os.close(handle)


def _opened(path: Path) -> int | None:
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    return None


def _is_at(handle: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(handle), path.lstat())
    return False


def _write(handle: int, data: bytes) -> None:
    with os.fdopen(handle, "wb", closefd=False) as file:
        file.write(data)
    os.fsync(handle)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder and those above it that are not there; when this returns, they last.

    Raises:
        OSError: It cannot be made.
    """
    above = [folder.absolute(), *folder.absolute().parents]
    first = next(number for number, one in enumerate(above) if one.exists())
    # Whoever made the one that is there may have been killed before it lasted. Where one may
    # not even read, one has made nothing.
    with suppress(PermissionError):
        sync_folder(above[first].parent)
    for one in reversed(above[:first]):
        one.mkdir(mode=mode, exist_ok=True)
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last (POSIX: it is synced through a handle of its own).

    Raises:
        OSError: It cannot be.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
