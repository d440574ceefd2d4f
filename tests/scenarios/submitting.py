"""Runs the submitter, and reads what it was answered."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.store import Place, Store

PROGRAM = Path(__file__).with_name("submitter.py")

FOUNDING_ENTRIES = 3
"""The agreement and the two parties of the fixture."""

START_S = 60
"""Loading its modules takes a second or two, on a busy machine longer."""

Receipts = list[tuple[int, str]]
"""Sequence number and leaf hash of each entry that was answered."""


class Submitter:
    """A process that submits; what it says goes to a file, which never fills as a pipe does."""

    def __init__(
        self,
        where: Place,
        keyring: Keyring,
        start: int,
        *,
        party: str = "one",
        count: int | None = None,
    ) -> None:
        enough = [] if count is None else [str(count)]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``kill``
        self._lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM, url(where), str(keyring.folder), party, str(start), *enough],
            stdout=self._said,
        )

    def wait_until_ready(self) -> None:
        """Return once it has opened the register."""
        deadline = time.monotonic() + START_S
        while b"ready\n" not in self._so_far():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def wait_for(self, more: int) -> None:
        """Return once it was answered for so many more entries."""
        wanted, deadline = self._answered() + more, time.monotonic() + START_S
        while self._answered() < wanted:
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def kill(self) -> None:
        """Kill it at once, if it has not ended."""
        self._process.kill()
        self._process.wait()
        with self._said:
            self._lines = self._so_far().decode().splitlines()

    def wait(self) -> None:
        """Return once it has ended by itself."""
        self._process.wait()

    def lines(self) -> list[str]:
        """What it said, once it was killed."""
        return self._lines

    @property
    def status(self) -> int | None:
        """Its exit status."""
        return self._process.returncode

    def _answered(self) -> int:
        return len(receipts(self._so_far().decode().splitlines()))

    def _so_far(self) -> bytes:
        # The file's position is shared with the process that writes.
        return os.pread(self._said.fileno(), os.fstat(self._said.fileno()).st_size, 0)


@contextmanager
def submitting(
    where: Place, keyring: Keyring, *parties: str, count: int | None = None
) -> Iterator[list[Submitter]]:
    """Several at once, each ready, and none left when the block ends."""
    working = [
        Submitter(where, keyring, number * 1_000_000, party=party, count=count)
        for number, party in enumerate(parties)
    ]
    try:
        for one in working:
            one.wait_until_ready()
        yield working
    finally:
        for one in working:
            one.kill()


def url(where: Place) -> str:
    """A register's place as people write it, with the password."""
    if isinstance(where, Path):
        return str(where)
    text: str = where.url.render_as_string(hide_password=False)
    return text


def receipts(lines: list[str]) -> Receipts:
    """What was answered; a killed process may leave half a line."""
    parts = [line.split() for line in lines]
    return [(int(one[0]), one[1]) for one in parts if len(one) == 2 and len(one[1]) == 64]


def assert_kept(store: Store, answered: Receipts, told: str) -> int:
    """All that was answered is there, and the record verifies whole; gives its size."""
    with store.reading() as record:
        _, size, _ = record.head()
        for sequence, leaf in answered:
            assert record.entry(sequence).leaf.hex() == leaf, told
    found = audit(store)
    assert not found.problems, f"{told}: {found.problems}"
    return size
