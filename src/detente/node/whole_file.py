"""Writing a file so that it is never seen in part."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file beside its place, and move it there once it is on disk.

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
