"""Writing a file so that it is never seen in part, and lasts once this says so.

A rename or a link is on disk once its folder was synced, and a folder once the one above
it was: without that a loss of power takes back what was said to be there.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file beside its place, and move it there once it is on disk.

    It lasts when ``sync_folder`` has synced its folder, and those above that are new.

    Raises:
        OSError: It cannot be written; what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        beside = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            beside.chmod(mode)
            beside.rename(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


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
        # Readable by its owner alone, as tempfile makes it.
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".new") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
    finally:
        sync_folder(path.parent)


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
