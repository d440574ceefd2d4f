"""What an entry of ``record.bulk`` costs, step by step.

``python benchmarks/bulk.py`` prints processor time an entry, microseconds, the least of
three runs; the time that a step takes on a busy machine says little.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from node import NodeBench, at

from detente.core.entry import verifies
from detente.core.notice import Notice
from detente.node.author import Author
from detente.node.submit import Standing, appended, opened_submission, submit
from detente.store import Store

ENTRIES = 20_000
BATCH = 1_000
RUNS = 3


class Bulk:
    """Entries of one party, signed beforehand, and the register that they are for."""

    def __init__(self, folder: Path) -> None:
        self.place, self.now = folder / "bulk.db", datetime.now(UTC)
        keyring, _ = NodeBench(folder).register(self.place, 0)
        store = Store(self.place)
        with store.reading() as record:
            author = Author.following(record, "p0", keyring.load("p0"))
            [self.public] = Standing(record).keys("p0").values()
        store.close()
        notices = [
            Notice(source_id=f"n{number}", name="A place", category="medical", party="p0",
                   volumes=at((number * 100, number * 90)))
            for number in range(ENTRIES)
        ]  # fmt: skip
        self.written = [author.write(one, now=self.now) for one in notices]
        self.opened = [opened_submission(one, now=self.now) for one in self.written]

    def taken_apart(self, _: Store) -> None:
        for one in self.written:
            opened_submission(one, now=self.now)

    def verified(self, _: Store) -> None:
        for one in self.opened:
            verifies(one.signed, self.public)

    def made_for_the_tables(self, _: Store) -> None:
        for one in self.opened:
            appended(one, now=self.now)

    def made_and_stored(self, store: Store) -> None:
        for first in range(0, ENTRIES, BATCH):
            with store.appending() as record:
                batch = self.opened[first : first + BATCH]
                record.append(appended(one, now=self.now) for one in batch)

    def all_of_it(self, store: Store) -> None:
        for first in range(0, ENTRIES, BATCH):
            submit(store, self.written[first : first + BATCH], now=self.now)


def least(folder: Path, place: Path, step: Callable[[Store], None]) -> float:
    """Microseconds of processor time an entry, each run on a register of its own."""
    found = []
    for number in range(RUNS):
        mine = folder / f"run{number}"
        mine.mkdir()
        for file in folder.glob(f"{place.name}*"):
            shutil.copy(file, mine / file.name)
        store = Store(mine / place.name)
        began = time.process_time()
        step(store)
        found.append((time.process_time() - began) / ENTRIES * 1e6)
        store.close()
        shutil.rmtree(mine)
    return min(found)


def main() -> None:
    """Print the steps."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bulk = Bulk(folder)
        for step in (bulk.taken_apart, bulk.verified, bulk.made_for_the_tables,
                     bulk.made_and_stored, bulk.all_of_it):  # fmt: skip
            spent_us = least(folder, bulk.place, step)
            print(f"{step.__name__.replace('_', ' '):20} {spent_us:6.1f} us")


if __name__ == "__main__":
    main()
