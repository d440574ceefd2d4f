"""The register without power in the middle of a write: what was answered is there (R-04, R-09).

SQLite writes a commit to the end of its log (the file ``-wal``) and syncs that before
anyone is answered; now and then what the log holds is moved into the database file. So a
loss of power leaves the log whole as far as it was answered, and anything of the next
commit: these tests leave a part of it, noughts, or any of its sectors without the others.
Of a move it leaves any of the pages that changed.
"""

import random
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from conftest import begin
from crash import POINTS, SEED, SIZE_MAX, TREE, at, memory
from detente.core.note import sign_note
from detente.core.policy import Policy, PolicyLog
from detente.core.tiles import root
from detente.core.witness import Status, parse_request, render_request, request_for
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.node.log import files_of
from detente.node.mirror import Mirror, origin_hash
from detente.node.witness import Witness
from detente.store import Store
from detente.store.mirror import Mirrored
from logs import LOG, NORTH, ORIGIN, SOUTH, upload
from outsider import file_of
from published import say

SHARE = 0.05
"""Of all crash points: after each, a whole register is verified."""

LIVES = 5
ROUNDS = 30
"""Acts in one life."""

POLICY = Policy(logs=(PolicyLog(key=LOG.verifier),))

HEADER_BYTES = 32
SECTOR_BYTES = 512
PAGE_BYTES = 4096


class Moment(Struct, frozen=True):
    """The files of a register right after an answer, and what was said by then."""

    database: bytes
    log: bytes
    size: int
    root: bytes
    seen: int
    copied: Mirrored


def lived(folder: Path, chance: random.Random) -> list[Moment]:
    """A register's files after each of some acts: entries, a cosignature, a move of the log."""
    place = folder / "test.db"
    keyring = Keyring(place)
    begin(place, keyring)
    store = Store(place)
    witness = Witness(store, [NORTH], POLICY, lambda: datetime.now(UTC))
    mirror = Mirror(store, [SOUTH], POLICY, lambda: datetime.now(UTC))
    moments = [seen_now(store, place)]
    for number in range(ROUNDS):
        seen, copied = moments[-1].seen, moments[-1].copied.size
        act = chance.choice(("say", "say", "cosign", "mirror", "move"))
        if act == "say":
            say(place, keyring, 10 * number, chance.randint(1, 3))
        elif act == "cosign":
            asked = growth(seen, chance)
            assert witness.add_checkpoint(asked).status == Status.COSIGNED
            seen = parse_request(asked).checkpoint.size
        elif act == "mirror":
            asked = growth(copied, chance)
            assert mirror.add_checkpoint(asked).status == Status.COSIGNED
            # What was only announced is not answered for: the upload is what counts.
            moments.append(seen_now(store, place))
            body = upload(TREE, copied, parse_request(asked).checkpoint.size)
            assert mirror.add_entries(body).status == Status.COSIGNED
        else:
            with closing(sqlite3.connect(place)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        moments.append(seen_now(store, place))
        assert moments[-1].seen == seen, "what was answered"
    store.close()
    return moments


def growth(old: int, chance: random.Random) -> bytes:
    """The request of a log that grew."""
    size = chance.randint(old, min(SIZE_MAX, old + 40))
    note = sign_note(at(size).text, [LOG])
    return render_request(request_for(note, old_size=old, proof=TREE.growth(old, size)))


def seen_now(store: Store, place: Path) -> Moment:
    with store.reading() as record:
        _, size, root_hash = record.head()
        seen = record.seen(ORIGIN).size
        copied = record.mirrored(ORIGIN)
    log = place.with_name(f"{place.name}-wal").read_bytes()
    return Moment(place.read_bytes(), log, size, root_hash, seen, copied)


def torn(before: bytes, after: bytes, chance: random.Random, part_bytes: int) -> bytes:
    """Any parts of a write without the others, or its beginning; the file any length."""
    length = chance.randint(len(before), max(len(before), len(after)))
    kept = chance.randint(0, len(after))
    in_order = chance.random() < 1 / 2
    left = bytearray(before[:length].ljust(length, b"\0"))
    for at_byte in range(0, min(length, len(after)), part_bytes):
        end = min(length, at_byte + part_bytes)
        if in_order:
            end = min(end, kept)
        elif chance.random() < 1 / 2:
            continue
        if at_byte < end:
            left[at_byte:end] = after[at_byte:end]
    return bytes(left)


def left_between(before: Moment, after: Moment, chance: random.Random) -> tuple[bytes, bytes]:
    """Database and log after a loss of power between one answer and the next."""
    if before.database != after.database:
        # A move: the log is whole until all pages are.
        return torn(before.database, after.database, chance, PAGE_BYTES), before.log
    log = torn(before.log, after.log, chance, SECTOR_BYTES)
    # One that begins anew has its header synced before anything else.
    return after.database, after.log[:HEADER_BYTES] + log[HEADER_BYTES:]


def test_what_was_answered_is_there() -> None:
    with memory() as folder:
        for life in range(LIVES):
            seed = SEED + life
            chance = random.Random(seed)
            shutil.rmtree(folder / "life", ignore_errors=True)
            (folder / "life").mkdir()
            moments = lived(folder / "life", chance)
            for number in range(int(POINTS * SHARE / LIVES)):
                before, after = chance.choice(list(pairwise(moments)))
                files = left_between(before, after, chance)
                try:
                    assert_goes_on(folder / f"{number}.db", files, before, after)
                except Exception as error:
                    raise AssertionError(f"CRASH_SEED={seed}, point {number}") from error


def assert_goes_on(place: Path, files: tuple[bytes, bytes], before: Moment, after: Moment) -> None:
    """What is left is a register of what was answered, or of the next act as well."""
    log = place.with_name(f"{place.name}-wal")
    for path, data in zip((place, log), files, strict=True):
        path.write_bytes(data)
    store = Store(place)
    with store.reading() as record:
        _, size, root_hash = record.head()
        seen, copied = record.seen(ORIGIN), record.mirrored(ORIGIN)
        # What was signed then was of the beginning of this.
        assert root(record.tile, before.size) == before.root
    assert (size, root_hash) in {(one.size, one.root) for one in (before, after)}
    assert seen.size in {before.seen, after.seen}
    assert seen.root == at(seen.size).root
    assert copied in {before.copied, after.copied}
    mirror = Mirror(store, [SOUTH], POLICY, lambda: datetime.now(UTC))
    for file in files_of(copied.next):
        assert mirror.file(origin_hash(ORIGIN), file) == file_of(TREE, file)
    assert audit(store).problems == []
    store.close()
    for path in (place, log):
        path.unlink(missing_ok=True)
