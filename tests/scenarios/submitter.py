"""Submits notices in small transactions until it is killed; prints each receipt.

Run as a program: ``submitter.py REGISTER START``. A line is printed only after
``submit`` has answered, so each printed line is something that was answered.
"""

import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from detente.core.notice import Notice
from detente.core.volume import Circle, Volume
from detente.node.author import Author
from detente.node.keyring import Keyring
from detente.node.submit import submit
from detente.store import Store

BATCH = 3


def main(register: Path, start: int) -> None:
    store, key = Store(register), Keyring(register).load("one")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for number in count(start):
        now = datetime.now(UTC)
        with store.reading() as record:
            author = Author.following(record, "one", key)
        written = [
            author.write(
                Notice(
                    source_id=f"{number}.{part}",
                    name="A place",
                    category="medical",
                    party="one",
                    volumes=(Volume(footprint=(Circle(centre=(number, part)),)),),
                ),
                now=now,
            )
            for part in range(BATCH)
        ]
        for receipt in submit(store, written, now=now):
            sys.stdout.write(f"{receipt.sequence} {receipt.leaf}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
