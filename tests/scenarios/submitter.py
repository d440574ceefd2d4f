"""Submits notices in small transactions until it is stopped; prints each receipt.

Run as a program: ``submitter.py REGISTER KEYS PARTY START [COUNT]``. A line is
printed only after ``submit`` has answered, so each line with a sequence number and a
leaf is something that was answered. Where the store cannot be asked it says so in a
line, and tries again; COUNT transactions answered are enough.
"""

import sys
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from detente.core.notice import Notice
from detente.core.volume import Circle, Volume
from detente.errors import Conflict, Unavailable
from detente.node.author import Author
from detente.node.keyring import Keyring
from detente.node.submit import Receipt, submit
from detente.store import Place, Store, parse_place

BATCH = 3
PAUSE_S = 0.05
"""Between two tries of a store that is not there."""


def main(where: Place, keys: Path, party: str, start: int, wanted: int) -> None:
    keyring = Keyring(where, keys)
    store = patiently(where)
    say("ready")
    answered = 0
    for number in count(start):
        try:
            receipts = one_batch(store, keyring, party, number)
        except Conflict:
            continue  # Another process spoke for the party meanwhile.
        except Unavailable as error:
            say(error.code)
            time.sleep(PAUSE_S)
            continue
        for receipt in receipts:
            say(f"{receipt.sequence} {receipt.leaf}")
        answered += 1
        if answered == wanted:
            return


def patiently(where: Place) -> Store:
    while True:
        try:
            return Store(where)
        except Unavailable as error:
            say(error.code)
            time.sleep(PAUSE_S)


def one_batch(store: Store, keyring: Keyring, party: str, number: int) -> list[Receipt]:
    now = datetime.now(UTC)
    with store.reading() as record:
        author = Author.following(record, party, keyring.load(party))
    written = [
        author.write(
            Notice(
                source_id=f"{number}.{part}",
                name="A place",
                category="medical",
                party=party,
                volumes=(Volume(footprint=(Circle(centre=(number, part)),)),),
            ),
            now=now,
        )
        for part in range(BATCH)
    ]
    return submit(store, written, now=now)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    register, folder, speaker, first, *enough = sys.argv[1:]
    main(parse_place(register), Path(folder), speaker, int(first), int(*enough) if enough else -1)
