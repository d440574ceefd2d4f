"""What tests of crashes share: how many, from which seed, where, and a log that grows."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from detente.core.checkpoint import Checkpoint
from logs import Tree

POINTS = int(os.environ.get("CRASH_POINTS", "10000"))
SEED = int(os.environ.get("CRASH_SEED", "20151124"))

SIZE_MAX = 400
TREE = Tree([b"entry %d" % number for number in range(SIZE_MAX)])


@cache
def at(size: int) -> Checkpoint:
    """The log of so many entries of the tree."""
    return TREE.at(size)


@contextmanager
def memory() -> Iterator[Path]:
    """A folder, in memory that looks like a disk where there is some: it is done at once."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)
