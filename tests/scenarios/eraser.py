"""Gives notice, withdraws and erases until it is stopped; prints what it has erased.

Run as a program: ``eraser.py REGISTER KEYS START``. A line with an object's id is printed
only after its erasure was answered.
"""

import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from detente.core.notice import Notice
from detente.core.volume import Circle, Volume
from detente.node.author import Author
from detente.node.erasing import erase
from detente.node.keyring import Keyring
from detente.node.submit import submit
from detente.node.withdraw import withdraw
from detente.store import Store, parse_place


def main(register: str, keys: str, start: str) -> None:
    where = parse_place(register)
    store, key = Store(where), Keyring(where, Path(keys)).load("one")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for number in count():
        now = datetime.now(UTC)
        with store.reading() as record:
            author = Author.following(record, "one", key)
        place = (Volume(footprint=(Circle(centre=(number, 1)),)),)
        value = Notice(
            source_id=f"{start}.{number}", name="A place", category="medical", party="one",
            volumes=place,
        )  # fmt: skip
        [receipt] = submit(store, [author.write(value, now=now)], now=now)
        withdraw(store, "one", key, receipt.object_id, now=now)
        erase(store, "one", key, receipt.object_id, "an order", now=now)
        sys.stdout.write(f"{receipt.object_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
